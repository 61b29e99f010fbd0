//! STUB until the branch `uploads` is merged.
use std::path::PathBuf;

use crate::auth::Principal;
use crate::id::FileId;
use crate::problem::ApiError;
use crate::service::App;

pub(crate) struct StoredFile {
    pub(crate) id: FileId,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) rows: Option<u64>,
}

pub(crate) async fn of(
    _app: &App,
    _principal: &Principal,
    _ids: &[FileId],
) -> Result<Vec<StoredFile>, ApiError> {
    Ok(Vec::new())
}
