//! What a process writes to a job that it works on, and how a job leaves a dead process.
//!
//! Each write names the attempt it is of: once the job was taken up by another, or has ended, it
//! writes nothing and says so. An attempt is closed in the transaction that lets the next begin,
//! and the table of attempts has room for one open attempt of a job.

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, Sqlite, Transaction};

use super::{Job, JobKind, JobStatus, Jobs, told};
use crate::events::EventKind;
use crate::id::{JobId, ProcessId};
use crate::store::Moment;
use crate::store::error::StoreError;

/// After so many deaths of the process that worked on it, a job is taken to be their cause.
const MOST_LOSSES: i64 = 5;

/// The right to work on a job: its id and the number it was claimed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) id: JobId,
    pub(crate) attempt: i64,
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Attempt {
    pub(crate) attempt: i64,
    pub(crate) process_id: ProcessId,
    pub(crate) started_at: Moment,
    pub(crate) ended_at: Option<Moment>,
    /// `completed failed cancelled retried released lost`; none while it goes on.
    pub(crate) outcome: Option<String>,
}

/// A later try.
#[derive(Debug, Clone)]
pub(crate) struct Retry<'a> {
    pub(crate) not_before: Moment,
    /// Why there is one.
    pub(crate) problem: &'a Value,
    pub(crate) step: &'a str,
}

/// How an attempt ends.
struct Ending<'a> {
    outcome: &'a str,
    kind: EventKind,
    sql: &'static str,
    first: Option<&'a Value>,
    moment: Moment,
    step: Option<&'a str>,
    not_before: Option<Moment>,
}

impl Jobs<'_> {
    /// The kinds that have jobs which may begin now.
    pub(crate) async fn waiting(&self) -> Result<Vec<JobKind>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT DISTINCT kind FROM jobs
             WHERE status = 'queued' AND (not_before IS NULL OR not_before <= ?)",
        );
        Ok(query.bind(Moment::now()).fetch_all(self.store.reader()).await?)
    }

    /// Takes the oldest job of a kind that may begin, if there is one.
    pub(crate) async fn claim(&self, kind: JobKind) -> Result<Option<Job>, StoreError> {
        let mut transaction = self.store.write().await?;
        let now = Moment::now();
        let job: Option<Job> = sqlx::query_as(
            "UPDATE jobs SET status = 'running', attempts = attempts + 1, claimed_by = ?1,
                 heartbeat_at = ?2, started_at = coalesce(started_at, ?2), not_before = NULL,
                 current_step = 'starting'
             WHERE id = (SELECT id FROM jobs WHERE status = 'queued' AND kind = ?3
                 AND (not_before IS NULL OR not_before <= ?2) ORDER BY id LIMIT 1)
             RETURNING *",
        )
        .bind(self.store.process())
        .bind(now)
        .bind(kind)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(job) = job else { return Ok(None) };
        sqlx::query(
            "INSERT INTO job_attempts (job_id, attempt, process_id, started_at)
             VALUES (?, ?, ?, ?)",
        )
        .bind(&job.id)
        .bind(job.attempts)
        .bind(self.store.process())
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        let event = told(&mut transaction, &job, EventKind::Status).await?;
        transaction.commit().await?;
        self.store.tell([event]);
        Ok(Some(job))
    }

    /// Says that this process lives and works on its jobs.
    pub(crate) async fn heartbeat(&self) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query("UPDATE jobs SET heartbeat_at = ? WHERE status = 'running' AND claimed_by = ?")
            .bind(Moment::now())
            .bind(self.store.process())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// The jobs of this process that are to stop.
    pub(crate) async fn to_stop(&self) -> Result<Vec<JobId>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT id FROM jobs
             WHERE status = 'running' AND claimed_by = ? AND cancel_requested = 1",
        );
        Ok(query.bind(self.store.process()).fetch_all(self.store.reader()).await?)
    }

    /// Keeps how far the work is. Whether the job is still the caller's.
    pub(crate) async fn progress(
        &self,
        claimed: &Claimed,
        percent: u8,
        step: &str,
        remaining: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.store.write().await?;
        let job: Option<Job> = sqlx::query_as(
            "UPDATE jobs SET progress = max(progress, ?), current_step = ?,
                 estimated_remaining = ?, heartbeat_at = ?
             WHERE id = ? AND attempts = ? AND status = 'running' RETURNING *",
        )
        .bind(i64::from(percent.min(100)))
        .bind(step)
        .bind(remaining)
        .bind(Moment::now())
        .bind(&claimed.id)
        .bind(claimed.attempt)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(job) = job else { return Ok(false) };
        let event = told(&mut transaction, &job, EventKind::Progress).await?;
        transaction.commit().await?;
        self.store.tell([event]);
        Ok(true)
    }

    /// Keeps what is done, for an attempt after this one. Whether the job is still the caller's.
    pub(crate) async fn checkpoint(
        &self,
        claimed: &Claimed,
        done: &Value,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.store.write().await?;
        let kept = sqlx::query(
            "UPDATE jobs SET checkpoint_json = ? WHERE id = ? AND attempts = ?
                 AND status = 'running'",
        )
        .bind(Json(done))
        .bind(&claimed.id)
        .bind(claimed.attempt)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Ends well. None where the job is no longer the caller's.
    pub(crate) async fn complete(
        &self,
        claimed: &Claimed,
        result: &Value,
    ) -> Result<Option<Job>, StoreError> {
        let sql = "UPDATE jobs SET status = 'completed', result_json = ?1, finished_at = ?2,
            progress = 100, current_step = NULL, estimated_remaining = NULL, error_json = NULL,
            checkpoint_json = NULL
            WHERE id = ?4 AND attempts = ?5 AND status = 'running' RETURNING *";
        let ending = Ending::new("completed", EventKind::Result, sql, Some(result));
        self.end(claimed, &ending).await
    }

    /// Ends badly; `problem` is the problem document.
    pub(crate) async fn fail(
        &self,
        claimed: &Claimed,
        problem: &Value,
    ) -> Result<Option<Job>, StoreError> {
        let sql = "UPDATE jobs SET status = 'failed', error_json = ?1, finished_at = ?2,
            estimated_remaining = NULL
            WHERE id = ?4 AND attempts = ?5 AND status = 'running' RETURNING *";
        let ending = Ending::new("failed", EventKind::Error, sql, Some(problem));
        self.end(claimed, &ending).await
    }

    /// Ends because somebody asked for it.
    pub(crate) async fn cancelled(&self, claimed: &Claimed) -> Result<Option<Job>, StoreError> {
        let sql = "UPDATE jobs SET status = 'cancelled', finished_at = ?2,
            estimated_remaining = NULL
            WHERE id = ?4 AND attempts = ?5 AND status = 'running' RETURNING *";
        let ending = Ending::new("cancelled", EventKind::Status, sql, None);
        self.end(claimed, &ending).await
    }

    /// Waits for a later try, since what went wrong may pass; ends where it is to stop.
    pub(crate) async fn retry(
        &self,
        claimed: &Claimed,
        retry: &Retry<'_>,
    ) -> Result<Option<Job>, StoreError> {
        let sql = "UPDATE jobs SET error_json = iif(cancel_requested, error_json, ?1),
            status = iif(cancel_requested, 'cancelled', 'queued'),
            finished_at = iif(cancel_requested, ?2, NULL),
            not_before = iif(cancel_requested, NULL, ?6),
            current_step = iif(cancel_requested, current_step, ?3),
            estimated_remaining = iif(cancel_requested, NULL, estimated_remaining),
            failures = failures + 1, claimed_by = NULL, heartbeat_at = NULL
            WHERE id = ?4 AND attempts = ?5 AND status = 'running' RETURNING *";
        let ending = Ending::new("retried", EventKind::Status, sql, Some(retry.problem));
        let (step, not_before) = (Some(retry.step), Some(retry.not_before));
        let ending = Ending { step, not_before, ..ending };
        self.end(claimed, &ending).await
    }

    /// Gives a job back that this process will not end: it is about to stop. A job that is to stop
    /// ends with it.
    pub(crate) async fn release(&self, claimed: &Claimed) -> Result<Option<Job>, StoreError> {
        let sql = "UPDATE jobs SET status = iif(cancel_requested, 'cancelled', 'queued'),
            finished_at = iif(cancel_requested, ?2, NULL), claimed_by = NULL, heartbeat_at = NULL,
            current_step = iif(cancel_requested, current_step, 'waiting for a process'),
            estimated_remaining = NULL
            WHERE id = ?4 AND attempts = ?5 AND status = 'running' RETURNING *";
        let ending = Ending::new("released", EventKind::Status, sql, None);
        self.end(claimed, &ending).await
    }

    async fn end(&self, claimed: &Claimed, by: &Ending<'_>) -> Result<Option<Job>, StoreError> {
        let mut transaction = self.store.write().await?;
        let job: Option<Job> = sqlx::query_as(by.sql)
            .bind(by.first.map(Json))
            .bind(by.moment)
            .bind(by.step)
            .bind(&claimed.id)
            .bind(claimed.attempt)
            .bind(by.not_before)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(job) = job else { return Ok(None) };
        let outcome = match job.status {
            // Whatever became of the attempt, it was to stop.
            JobStatus::Cancelled => "cancelled",
            _ => by.outcome,
        };
        close(&mut transaction, &job, outcome).await?;
        let event = told(&mut transaction, &job, by.kind).await?;
        transaction.commit().await?;
        self.store.tell([event]);
        Ok(Some(job))
    }

    /// The other processes that running jobs belong to.
    pub(crate) async fn claimants(&self) -> Result<Vec<ProcessId>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT DISTINCT claimed_by FROM jobs
             WHERE status = 'running' AND claimed_by IS NOT NULL AND claimed_by <> ?",
        );
        Ok(query.bind(self.store.process()).fetch_all(self.store.reader()).await?)
    }

    /// Lets go of the jobs of a dead process: they wait again, are cancelled where that was asked
    /// for, and fail where they have outlived too many processes. Each is let go of once,
    /// whichever processes try.
    pub(crate) async fn recover(
        &self,
        dead: &ProcessId,
        problem: &Value,
    ) -> Result<Vec<Job>, StoreError> {
        let mut transaction = self.store.write().await?;
        let jobs: Vec<Job> = sqlx::query_as(
            "UPDATE jobs SET losses = losses + 1, claimed_by = NULL, heartbeat_at = NULL,
                 estimated_remaining = NULL,
                 status = CASE WHEN cancel_requested = 1 THEN 'cancelled'
                     WHEN losses + 1 >= ?1 THEN 'failed' ELSE 'queued' END,
                 finished_at = CASE WHEN cancel_requested = 1 OR losses + 1 >= ?1 THEN ?2 END,
                 current_step = CASE WHEN cancel_requested = 1 OR losses + 1 >= ?1
                     THEN current_step ELSE 'waiting for a process' END,
                 error_json = CASE WHEN cancel_requested = 0 AND losses + 1 >= ?1 THEN ?3
                     ELSE error_json END
             WHERE status = 'running' AND claimed_by = ?4 RETURNING *",
        )
        .bind(MOST_LOSSES)
        .bind(Moment::now())
        .bind(Json(problem))
        .bind(dead)
        .fetch_all(&mut *transaction)
        .await?;
        let mut events = Vec::new();
        for job in &jobs {
            close(&mut transaction, job, "lost").await?;
            let kind = match job.status {
                JobStatus::Failed => EventKind::Error,
                _ => EventKind::Status,
            };
            events.push(told(&mut transaction, job, kind).await?);
        }
        transaction.commit().await?;
        self.store.tell(events);
        Ok(jobs)
    }

    /// Every attempt of a job, the first first.
    pub(crate) async fn attempts(&self, id: &JobId) -> Result<Vec<Attempt>, StoreError> {
        let query = sqlx::query_as("SELECT * FROM job_attempts WHERE job_id = ? ORDER BY attempt");
        Ok(query.bind(id).fetch_all(self.store.reader()).await?)
    }
}

impl<'a> Ending<'a> {
    fn new(outcome: &'a str, kind: EventKind, sql: &'static str, first: Option<&'a Value>) -> Self {
        let (step, not_before) = (None, None);
        Self { outcome, kind, sql, first, moment: Moment::now(), step, not_before }
    }
}

/// Closes the open attempt of a job.
async fn close(
    transaction: &mut Transaction<'_, Sqlite>,
    job: &Job,
    outcome: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE job_attempts SET ended_at = ?, outcome = ?
         WHERE job_id = ? AND attempt = ? AND ended_at IS NULL",
    )
    .bind(Moment::now())
    .bind(outcome)
    .bind(&job.id)
    .bind(job.attempts)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
