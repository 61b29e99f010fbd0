//! Profiles of rows that were analyzed, for comparing the next ones with.

use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use super::error::StoreError;
use super::{Moment, Store};
use crate::id::{DatasourceId, JobId, RunId};

/// Of one subject, the newest: that of a job, and those that were before it.
const MOST: i64 = 3;

/// Whose rows a profile is of, and as whom they were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProfileKey {
    pub(crate) owner: String,
    pub(crate) datasource_id: DatasourceId,
    /// `table <name>` or `report <id>`.
    pub(crate) subject: String,
    /// What policies made of the rows; empty without any.
    pub(crate) access: String,
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct KeptProfile {
    pub(crate) run_id: RunId,
    pub(crate) made_at: Moment,
    #[sqlx(rename = "profile_json", json)]
    pub(crate) profile: Value,
}

pub(crate) struct EdaProfiles<'s> {
    store: &'s Store,
}

impl<'s> EdaProfiles<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// The newest of other rows than those of this run, which no attempt of this job made.
    pub(crate) async fn previous(
        &self,
        key: &ProfileKey,
        job: &JobId,
        run: &RunId,
    ) -> Result<Option<KeptProfile>, StoreError> {
        let query = sqlx::query_as(
            "SELECT run_id, made_at, profile_json FROM eda_profiles
             WHERE owner = ? AND datasource_id = ? AND subject = ? AND access = ?
                 AND job_id <> ? AND run_id <> ?
             ORDER BY made_at DESC LIMIT 1",
        );
        let query = query.bind(&key.owner).bind(&key.datasource_id).bind(&key.subject);
        let query = query.bind(&key.access).bind(job).bind(run);
        Ok(query.fetch_optional(self.store.reader()).await?)
    }

    /// Keeps what a job made, in place of what an earlier attempt of it did.
    pub(crate) async fn keep(
        &self,
        key: &ProfileKey,
        job: &JobId,
        run: &RunId,
        profile: &Value,
    ) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query(
            "INSERT INTO eda_profiles
                 (owner, datasource_id, subject, access, job_id, run_id, made_at, profile_json)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (owner, datasource_id, subject, access, job_id) DO UPDATE SET
                 run_id = excluded.run_id, made_at = excluded.made_at,
                 profile_json = excluded.profile_json",
        )
        .bind(&key.owner)
        .bind(&key.datasource_id)
        .bind(&key.subject)
        .bind(&key.access)
        .bind(job)
        .bind(run)
        .bind(Moment::now())
        .bind(Json(profile))
        .execute(&mut *transaction)
        .await
        .map_err(|error| StoreError::on_insert(error, "profile of", &key.datasource_id))?;
        sqlx::query(
            "DELETE FROM eda_profiles WHERE rowid IN (
                 SELECT rowid FROM eda_profiles
                 WHERE owner = ? AND datasource_id = ? AND subject = ? AND access = ?
                 ORDER BY made_at DESC LIMIT -1 OFFSET ?)",
        )
        .bind(&key.owner)
        .bind(&key.datasource_id)
        .bind(&key.subject)
        .bind(&key.access)
        .bind(MOST)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}
