//! Who uses an uploaded file.

use sqlx::{Sqlite, Transaction};

use super::WHAT;
use crate::id::{FileId, LearningSessionId};
use crate::store::StoreError;

/// A session uses files from now on: they stay until it lets go of them. Each must be ready; one
/// that was removed meanwhile is not found. Holding twice is holding once.
pub(crate) async fn hold_files(
    transaction: &mut Transaction<'static, Sqlite>,
    files: &[FileId],
    session: &LearningSessionId,
) -> Result<(), StoreError> {
    for file in files {
        let ready: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM uploads WHERE id = ? AND state = 'ready'")
                .bind(file)
                .fetch_optional(&mut **transaction)
                .await?;
        if ready.is_none() {
            return Err(StoreError::not_found(WHAT, file));
        }
        sqlx::query(
            "INSERT INTO upload_holds (file_id, session_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(file)
        .bind(session)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// A session lets go of all its files.
pub(crate) async fn release_files(
    transaction: &mut Transaction<'static, Sqlite>,
    session: &LearningSessionId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM upload_holds WHERE session_id = ?")
        .bind(session)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// The sessions that use a file.
pub(super) async fn holders(
    transaction: &mut Transaction<'static, Sqlite>,
    file: &FileId,
) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query_scalar(
        "SELECT session_id FROM upload_holds WHERE file_id = ? ORDER BY session_id LIMIT 10",
    );
    Ok(query.bind(file).fetch_all(&mut **transaction).await?)
}
