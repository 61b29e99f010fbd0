//! Rows of runs that go, while the records of the runs stay; and in the end the records.

use jiff::Timestamp;
use serde_json::json;

use super::Runs;
use crate::id::RunId;
use crate::store::{Moment, StoreError};

/// Runs that one transaction changes.
const AT_ONCE: u32 = 200;

impl Runs<'_> {
    /// Some of the runs that ended before a moment and keep rows, the oldest first, keep none from
    /// now on. Returns the files, which nothing names any more.
    pub(crate) async fn forget_rows(&self, oldest: Timestamp) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query_as(
            "SELECT id, snapshot_file FROM report_runs
             WHERE snapshot_file IS NOT NULL AND finished_at < ? ORDER BY finished_at LIMIT ?",
        );
        let query = query.bind(Moment::from(oldest)).bind(AT_ONCE);
        let old: Vec<(RunId, String)> = query.fetch_all(self.store.reader()).await?;
        if old.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, files): (Vec<RunId>, Vec<String>) = old.into_iter().unzip();
        // A run ends once, so what was found is still so, or another process has done it.
        let mut transaction = self.store.write().await?;
        sqlx::query(
            "UPDATE report_runs SET snapshot_file = NULL
             WHERE id IN (SELECT value FROM json_each(?))",
        )
        .bind(json!(ids).to_string())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(files)
    }

    /// Removes the records of the runs that ended before a moment and keep no rows, with their
    /// samples and analyses.
    pub(crate) async fn forget(&self, oldest: Timestamp) -> Result<(), StoreError> {
        loop {
            let mut transaction = self.store.write().await?;
            let done = sqlx::query(
                "DELETE FROM report_runs WHERE id IN (
                     SELECT id FROM report_runs WHERE snapshot_file IS NULL
                         AND status <> 'running' AND finished_at < ?
                     ORDER BY finished_at LIMIT ?)",
            )
            .bind(Moment::from(oldest))
            .bind(AT_ONCE)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            if done.rows_affected() == 0 {
                return Ok(());
            }
        }
    }

    /// Whether the record of a run names a file of rows; no record names none. The connection that
    /// writes looks, so that an end that was being written when its writer was dropped counts.
    pub(crate) async fn names_rows(&self, id: &RunId) -> Result<bool, StoreError> {
        let query =
            sqlx::query_scalar("SELECT snapshot_file IS NOT NULL FROM report_runs WHERE id = ?");
        let query = query.bind(id);
        let named: Option<bool> = query.fetch_optional(&mut *self.store.writing().await?).await?;
        Ok(named.unwrap_or(false))
    }

    /// Those of these runs that have ended and keep no rows.
    pub(crate) async fn without_rows(&self, ids: &[RunId]) -> Result<Vec<RunId>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT id FROM report_runs WHERE status <> 'running' AND snapshot_file IS NULL
                 AND id IN (SELECT value FROM json_each(?))",
        );
        Ok(query.bind(json!(ids).to_string()).fetch_all(self.store.reader()).await?)
    }
}
