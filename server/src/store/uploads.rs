//! STUB until the branch `uploads` is merged.
use sqlx::{Sqlite, Transaction};

use super::StoreError;
use crate::id::{FileId, LearningSessionId};

pub(crate) async fn hold_files(
    _transaction: &mut Transaction<'static, Sqlite>,
    _files: &[FileId],
    _session: &LearningSessionId,
) -> Result<(), StoreError> {
    Ok(())
}

pub(crate) async fn release_files(
    _transaction: &mut Transaction<'static, Sqlite>,
    _session: &LearningSessionId,
) -> Result<(), StoreError> {
    Ok(())
}
