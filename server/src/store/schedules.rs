//! Schedules: reports that are run at times of a calendar.
//!
//! In: what to run, when, and for whom. Out: durable rows. When a moment has come, its job and the
//! schedule's next moment are written in one transaction, and only by who saw the moment that is
//! still the next: so two processes never make two jobs of it. Absent on purpose: reading cron
//! expressions, and the clock.

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, QueryBuilder, Sqlite};

use super::error::StoreError;
use super::jobs::insert_once;
use super::{Job, Moment, NewJob, Page, PageRequest, Store};
use crate::id::{DatasourceId, JobId, ReportKey, ScheduleId};

const WHAT: &str = "schedule";
const LIST: &str = "schedules";

/// What becomes of moments that no process was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub(crate) enum Misfire {
    /// Nothing.
    Skip,
    /// The latest of them is run.
    RunOnce,
    /// Each is run, up to `max_catch_up` of the latest.
    RunAll,
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Schedule {
    pub(crate) id: ScheduleId,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// Whom its jobs act for, with their role and claims.
    #[sqlx(rename = "principal_json", json)]
    pub(crate) principal: Value,
    pub(crate) report_key: ReportKey,
    /// The newest at each run where there is none.
    pub(crate) version: Option<i64>,
    pub(crate) datasource_id: Option<DatasourceId>,
    /// With relative dates still open.
    #[sqlx(rename = "params_json", json)]
    pub(crate) params: Value,
    pub(crate) cron: String,
    pub(crate) time_zone: String,
    pub(crate) misfire: Misfire,
    pub(crate) max_catch_up: i64,
    pub(crate) enabled: bool,
    pub(crate) next_at: Option<Moment>,
    pub(crate) last_at: Option<Moment>,
    pub(crate) last_job_id: Option<JobId>,
    /// Why it was turned off, where nobody did.
    pub(crate) problem: Option<String>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

pub(crate) struct Schedules<'s> {
    store: &'s Store,
}

impl<'s> Schedules<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Writes a schedule, new or changed, whole.
    pub(crate) async fn put(&self, schedule: &Schedule) -> Result<Schedule, StoreError> {
        let mut transaction = self.store.write().await?;
        let kept = sqlx::query_as(
            "INSERT INTO schedules (id, name, owner, principal_json, report_key, version,
                 datasource_id, params_json, cron, time_zone, misfire, max_catch_up, enabled,
                 next_at, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name,
                 principal_json = excluded.principal_json, report_key = excluded.report_key,
                 version = excluded.version, datasource_id = excluded.datasource_id,
                 params_json = excluded.params_json, cron = excluded.cron,
                 time_zone = excluded.time_zone, misfire = excluded.misfire,
                 max_catch_up = excluded.max_catch_up, enabled = excluded.enabled,
                 next_at = excluded.next_at, updated_at = excluded.updated_at,
                 problem = NULL
             RETURNING *",
        )
        .bind(&schedule.id)
        .bind(&schedule.name)
        .bind(&schedule.owner)
        .bind(Json(&schedule.principal))
        .bind(&schedule.report_key)
        .bind(schedule.version)
        .bind(&schedule.datasource_id)
        .bind(Json(&schedule.params))
        .bind(&schedule.cron)
        .bind(&schedule.time_zone)
        .bind(schedule.misfire)
        .bind(schedule.max_catch_up)
        .bind(schedule.enabled)
        .bind(schedule.next_at)
        .bind(schedule.created_at)
        .bind(Moment::now())
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(kept)
    }

    pub(crate) async fn get(&self, id: &ScheduleId) -> Result<Schedule, StoreError> {
        sqlx::query_as("SELECT * FROM schedules WHERE id = ?")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    /// Newest first; of one owner, or of all.
    pub(crate) async fn list(
        &self,
        owner: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Schedule>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM schedules WHERE 1 = 1");
        if let Some(owner) = owner {
            query.push(" AND owner = ").push_bind(owner);
        }
        if let Some(after) = page.after(LIST)? {
            query.push(" AND id < ").push_bind(after);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(page.fetch());
        let rows = query.build_query_as().fetch_all(self.store.reader()).await?;
        Ok(page.page(LIST, rows, |row: &Schedule| row.id.to_string()))
    }

    /// Its jobs stay.
    pub(crate) async fn delete(&self, id: &ScheduleId) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query("DELETE FROM schedules WHERE id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, id));
        }
        Ok(transaction.commit().await?)
    }

    /// Those whose next moment has come.
    pub(crate) async fn due(&self, now: Moment) -> Result<Vec<Schedule>, StoreError> {
        let query = sqlx::query_as(
            "SELECT * FROM schedules WHERE enabled = 1 AND next_at IS NOT NULL AND next_at <= ?
             ORDER BY next_at LIMIT 100",
        );
        Ok(query.bind(now).fetch_all(self.store.reader()).await?)
    }

    /// Turns a schedule off that cannot be run, and keeps why; unless it is no longer as it was
    /// seen.
    pub(crate) async fn turn_off(&self, seen: &Schedule, why: &str) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query(
            "UPDATE schedules SET enabled = 0, problem = ? WHERE id = ? AND next_at IS ?
                 AND updated_at = ? AND enabled = 1",
        )
        .bind(why)
        .bind(&seen.id)
        .bind(seen.next_at)
        .bind(seen.updated_at)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Writes the jobs of the moments that have come, and the moment after them; a moment that has
    /// its job makes no other. None where the schedule is no longer as it was seen: another process
    /// has done it, or somebody changed it.
    pub(crate) async fn advance(
        &self,
        seen: &Schedule,
        next_at: Option<Moment>,
        jobs: &[NewJob],
    ) -> Result<Option<Vec<Job>>, StoreError> {
        let mut transaction = self.store.write().await?;
        let mut made = Vec::new();
        let mut events = Vec::new();
        let moved = sqlx::query(
            "UPDATE schedules SET next_at = ? WHERE id = ? AND next_at IS ? AND updated_at = ?
                 AND enabled = 1",
        )
        .bind(next_at)
        .bind(&seen.id)
        .bind(seen.next_at)
        .bind(seen.updated_at)
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(None);
        }
        for new in jobs {
            // A schedule that was turned back comes to moments that were run already.
            if let Some((job, event)) = insert_once(&mut transaction, new).await? {
                made.push(job);
                events.push(event);
            }
        }
        if let Some(last) = made.last() {
            sqlx::query("UPDATE schedules SET last_at = ?, last_job_id = ? WHERE id = ?")
                .bind(last.scheduled_for)
                .bind(&last.id)
                .bind(&seen.id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        self.store.tell(events);
        Ok(Some(made))
    }
}
