//! Whose a run or a job is.

use super::Store;
use super::error::StoreError;
use crate::id::{JobId, RunId};

pub(crate) struct Owners<'s> {
    store: &'s Store,
}

impl<'s> Owners<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// `None` where there is no such run.
    pub(crate) async fn of_run(&self, id: &RunId) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT owner FROM report_runs WHERE id = ?").bind(id);
        Ok(query.fetch_optional(self.store.reader()).await?)
    }

    /// `None` where there is no such job.
    pub(crate) async fn of_job(&self, id: &JobId) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT owner FROM jobs WHERE id = ?").bind(id);
        Ok(query.fetch_optional(self.store.reader()).await?)
    }
}
