//! Jobs: work that outlives the request that asked for it.
//!
//! In: what to do, and for whom. Out: durable rows, each change of which tells its event in the
//! same transaction. A job is claimed under a number that is never given twice (`attempts`); who
//! holds another number may not write to it (`working`). A job ends once. Absent on purpose: what
//! a job does.

mod sweeping;
mod working;

use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{FromRow, QueryBuilder, Sqlite, Transaction};

pub(crate) use self::working::{Attempt, Claimed, Retry};
use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store};
use crate::events::{Channel, Event, EventKind, Events};
use crate::id::{JobId, ProcessId, ScheduleId};

const WHAT: &str = "job";
const LIST: &str = "jobs";
/// A larger result is read from the job, not from the event that tells of it.
const MOST_TOLD: usize = 16_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(rename_all = "kebab-case")]
pub(crate) enum JobKind {
    Learn,
    Analyze,
    BulkReports,
    Query,
    Report,
}

impl JobKind {
    /// Where its progress is told.
    pub(crate) fn channel(self, id: &JobId) -> Channel {
        match self {
            Self::Learn => Channel::Learn(id.clone()),
            _ => Channel::Process(id.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum JobStatus {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl JobStatus {
    pub(crate) const ALL: [Self; 5] =
        [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) kind: JobKind,
    pub(crate) owner: String,
    /// Whom it acts for, with their role and claims.
    #[sqlx(rename = "principal_json", json)]
    pub(crate) principal: Value,
    #[sqlx(rename = "input_json", json)]
    pub(crate) input: Value,
    pub(crate) status: JobStatus,
    /// Percent.
    pub(crate) progress: i64,
    pub(crate) current_step: Option<String>,
    pub(crate) estimated_remaining: Option<String>,
    pub(crate) attempts: i64,
    /// Of a kind that may pass.
    pub(crate) failures: i64,
    /// How often the process that worked on it died.
    pub(crate) losses: i64,
    pub(crate) claimed_by: Option<ProcessId>,
    pub(crate) heartbeat_at: Option<Moment>,
    /// Not tried again before this.
    pub(crate) not_before: Option<Moment>,
    pub(crate) cancel_requested: bool,
    pub(crate) cancelled_by: Option<String>,
    #[sqlx(rename = "checkpoint_json", json(nullable))]
    pub(crate) checkpoint: Option<Value>,
    #[sqlx(rename = "result_json", json(nullable))]
    pub(crate) result: Option<Value>,
    /// The problem document.
    #[sqlx(rename = "error_json", json(nullable))]
    pub(crate) error: Option<Value>,
    pub(crate) schedule_id: Option<ScheduleId>,
    pub(crate) scheduled_for: Option<Moment>,
    pub(crate) created_at: Moment,
    pub(crate) started_at: Option<Moment>,
    pub(crate) finished_at: Option<Moment>,
}

#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    pub(crate) kind: JobKind,
    pub(crate) owner: String,
    pub(crate) principal: Value,
    pub(crate) input: Value,
    /// The schedule that made it, and the moment it is for.
    pub(crate) scheduled: Option<(ScheduleId, Moment)>,
}

/// Which jobs to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobFilter {
    pub(crate) owner: Option<String>,
    pub(crate) kind: Option<JobKind>,
    pub(crate) status: Option<JobStatus>,
    pub(crate) schedule_id: Option<ScheduleId>,
}

pub(crate) struct Jobs<'s> {
    store: &'s Store,
}

impl<'s> Jobs<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    pub(crate) async fn create(&self, new: &NewJob) -> Result<Job, StoreError> {
        let mut transaction = self.store.write().await?;
        let Some((job, event)) = insert_once(&mut transaction, new).await? else {
            return Err(StoreError::Exists { what: WHAT, id: "of this moment".to_owned() });
        };
        transaction.commit().await?;
        self.store.tell([event]);
        Ok(job)
    }

    pub(crate) async fn get(&self, id: &JobId) -> Result<Job, StoreError> {
        sqlx::query_as("SELECT * FROM jobs WHERE id = ?")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    /// Newest first.
    pub(crate) async fn list(
        &self,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM jobs WHERE 1 = 1");
        if let Some(owner) = &filter.owner {
            query.push(" AND owner = ").push_bind(owner);
        }
        if let Some(kind) = filter.kind {
            query.push(" AND kind = ").push_bind(kind);
        }
        if let Some(status) = filter.status {
            query.push(" AND status = ").push_bind(status);
        }
        if let Some(schedule) = &filter.schedule_id {
            query.push(" AND schedule_id = ").push_bind(schedule);
        }
        if let Some(after) = page.after(LIST)? {
            query.push(" AND id < ").push_bind(after);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(page.fetch());
        let rows = query.build_query_as().fetch_all(self.store.reader()).await?;
        Ok(page.page(LIST, rows, |row: &Job| row.id.to_string()))
    }

    /// How long the last five jobs of a kind took that completed, on average.
    pub(crate) async fn usual_seconds(&self, kind: JobKind) -> Result<Option<f64>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT avg((julianday(finished_at) - julianday(started_at)) * 86400.0) FROM
                 (SELECT started_at, finished_at FROM jobs
                  WHERE kind = ? AND status = 'completed' ORDER BY id DESC LIMIT 5)",
        );
        Ok(query.bind(kind).fetch_one(self.store.reader()).await?)
    }

    /// How many jobs there are of each status that there are jobs of.
    pub(crate) async fn by_status(&self) -> Result<Vec<(JobStatus, i64)>, StoreError> {
        let query = sqlx::query_as("SELECT status, COUNT(*) FROM jobs GROUP BY status");
        Ok(query.fetch_all(self.store.reader()).await?)
    }

    /// Ends a job that waits; of one that is worked on, it is kept that it is to stop, and whoever
    /// works on it stops.
    pub(crate) async fn cancel(&self, id: &JobId, by: &str) -> Result<Job, StoreError> {
        let mut transaction = self.store.write().await?;
        let job: Option<Job> = sqlx::query_as(
            "UPDATE jobs SET cancel_requested = 1, cancelled_by = coalesce(cancelled_by, ?),
                 finished_at = CASE status WHEN 'queued' THEN ? END,
                 estimated_remaining = CASE status WHEN 'running' THEN estimated_remaining END,
                 status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END
             WHERE id = ? AND status IN ('queued', 'running') RETURNING *",
        )
        .bind(by)
        .bind(Moment::now())
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(job) = job else { return Err(over(&mut transaction, id).await?) };
        let event = told(&mut transaction, &job, EventKind::Status).await?;
        transaction.commit().await?;
        self.store.tell([event]);
        Ok(job)
    }
}

/// Adds a job that waits, and what tells of it; none where the moment of its schedule has one.
pub(super) async fn insert_once(
    transaction: &mut Transaction<'_, Sqlite>,
    new: &NewJob,
) -> Result<Option<(Job, Event)>, StoreError> {
    let id = JobId::new();
    let (schedule, moment) = new.scheduled.as_ref().map(|(s, m)| (s, *m)).unzip();
    let job: Option<Job> = sqlx::query_as(
        "INSERT INTO jobs (id, kind, owner, principal_json, input_json, status, schedule_id,
             scheduled_for, created_at)
         VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)
         ON CONFLICT (schedule_id, scheduled_for) WHERE schedule_id IS NOT NULL DO NOTHING
         RETURNING *",
    )
    .bind(&id)
    .bind(new.kind)
    .bind(&new.owner)
    .bind(Json(&new.principal))
    .bind(Json(&new.input))
    .bind(schedule)
    .bind(moment)
    .bind(Moment::now())
    .fetch_optional(&mut **transaction)
    .await
    .map_err(|error| StoreError::on_insert(error, WHAT, &id))?;
    let Some(job) = job else { return Ok(None) };
    let event = told(transaction, &job, EventKind::Status).await?;
    Ok(Some((job, event)))
}

/// Writes the event that tells how a job stands.
async fn told(
    transaction: &mut Transaction<'_, Sqlite>,
    job: &Job,
    kind: EventKind,
) -> Result<Event, StoreError> {
    let mut payload = json!({
        "job_id": job.id,
        "job_url": format!("/v1/jobs/{}", job.id),
        "status": job.status.as_str(),
        "progress": job.progress,
        "step": job.current_step,
        "estimated_remaining": job.estimated_remaining,
        "attempt": job.attempts,
    });
    match kind {
        EventKind::Result => {
            let result = job.result.as_ref().filter(|r| r.to_string().len() <= MOST_TOLD);
            payload["result"] = json!(result);
        }
        EventKind::Error => payload["error"] = json!(job.error),
        _ => {}
    }
    let channel = job.kind.channel(&job.id);
    Events::append(transaction, &channel, kind, payload, Some(&job.owner)).await
}

/// Why a job could not be changed: it ended, or it is not there.
async fn over(
    transaction: &mut Transaction<'_, Sqlite>,
    id: &JobId,
) -> Result<StoreError, StoreError> {
    let status: Option<JobStatus> = sqlx::query_scalar("SELECT status FROM jobs WHERE id = ?")
        .bind(id)
        .fetch_optional(&mut **transaction)
        .await?;
    Ok(match status {
        Some(status) => {
            StoreError::JobOver { id: id.to_string(), status: status.as_str().to_owned() }
        }
        None => StoreError::not_found(WHAT, id),
    })
}
