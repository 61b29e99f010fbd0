//! Jobs that ended long ago, and what was told of them.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, Transaction};

use super::{JobKind, Jobs};
use crate::id::JobId;
use crate::store::{Moment, StoreError};

/// Jobs that one transaction removes.
const AT_ONCE: u32 = 200;

impl Jobs<'_> {
    /// Removes some of the jobs that ended before a moment, the oldest first, with their attempts
    /// and events; how many. Their channels are never told of again.
    pub(crate) async fn sweep(&self, oldest: Timestamp) -> Result<usize, StoreError> {
        let query = sqlx::query_as(
            "SELECT id, kind FROM jobs WHERE status IN ('completed', 'failed', 'cancelled')
                 AND finished_at < ? ORDER BY finished_at LIMIT ?",
        );
        let query = query.bind(Moment::from(oldest)).bind(AT_ONCE);
        let old: Vec<(JobId, JobKind)> = query.fetch_all(self.store.reader()).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let channels: Vec<_> = old.iter().map(|(id, kind)| kind.channel(id).to_string()).collect();
        let ids: Vec<_> = old.iter().map(|(id, _)| id.to_string()).collect();
        // A job ends once, so what was found is still there, or another process removed it.
        let mut transaction = self.store.write().await?;
        remove(&mut transaction, "DELETE FROM events WHERE channel IN (", &channels).await?;
        remove(&mut transaction, "DELETE FROM event_channels WHERE channel IN (", &channels)
            .await?;
        remove(&mut transaction, "DELETE FROM jobs WHERE id IN (", &ids).await?;
        transaction.commit().await?;
        Ok(old.len())
    }
}

async fn remove(
    transaction: &mut Transaction<'_, Sqlite>,
    statement: &'static str,
    names: &[String],
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(statement);
    let mut list = query.separated(", ");
    for name in names {
        list.push_bind(name.clone());
    }
    query.push(")");
    query.build().execute(&mut **transaction).await?;
    Ok(())
}
