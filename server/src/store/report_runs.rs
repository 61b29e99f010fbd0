//! Runs: what was asked, what was sent to each source, what came back, and how it was judged.
//!
//! A run is written when it starts and once more when it ends. It ends once: finishing, failing
//! and cancelling each want it to be running. What a dead process left running is failed at the
//! next start, so that nothing runs for ever.

mod recording;
mod sweeping;
mod told;

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, QueryBuilder, Sqlite};

use super::error::StoreError;
use super::report_samples;
use super::{Claimed, Moment, Page, PageRequest, Store, canonical_json};
use crate::id::{
    ChatRoomId, DatasourceId, JobId, ProcessId, ReportId, ReportVersionId, RunId, ScopeVersionId,
};

const WHAT: &str = "run";
const LIST: &str = "runs";
const INTERRUPTED: &str = "the server stopped before the run ended; run it again";

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum RunStatus {
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl RunStatus {
    /// Every status.
    pub(crate) const ALL: [Self; 4] =
        [Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    /// `None` for a query that is no saved report.
    pub(crate) report_id: Option<ReportId>,
    pub(crate) report_version_id: Option<ReportVersionId>,
    pub(crate) datasource_id: DatasourceId,
    pub(crate) scope_version_id: Option<ScopeVersionId>,
    pub(crate) owner: String,
    /// What policies made of its sources for its owner, by source.
    #[sqlx(rename = "access_json", json(nullable))]
    pub(crate) access: Option<Value>,
    pub(crate) process_id: ProcessId,
    /// The job that made it, if one did.
    pub(crate) job_id: Option<JobId>,
    /// `None` where a person wrote SQL.
    #[sqlx(rename = "ir_json", json(nullable))]
    pub(crate) ir: Option<Value>,
    #[sqlx(rename = "params_json", json)]
    pub(crate) params: Value,
    /// The `now` that words such as "last 7 days" were counted from.
    pub(crate) frozen_now: Moment,
    #[sqlx(flatten)]
    pub(crate) plan: RunPlan,
    #[sqlx(rename = "columns_json", json(nullable))]
    pub(crate) columns: Option<Value>,
    #[sqlx(rename = "verdict_json", json(nullable))]
    pub(crate) verdict: Option<Value>,
    #[sqlx(rename = "timings_json", json(nullable))]
    pub(crate) timings: Option<Value>,
    /// Who carried out what databases left to be done.
    #[sqlx(rename = "executor_json", json(nullable))]
    pub(crate) executor: Option<Value>,
    pub(crate) row_count: Option<i64>,
    pub(crate) truncated: Option<bool>,
    /// How fresh the data was.
    pub(crate) as_of: Option<Moment>,
    /// Name of the Parquet file below the snapshot folder.
    pub(crate) snapshot_file: Option<String>,
    /// Of the rows, to tell two runs apart without reading them.
    pub(crate) snapshot_hash: Option<String>,
    pub(crate) started_at: Moment,
    pub(crate) finished_at: Option<Moment>,
    pub(crate) status: RunStatus,
    pub(crate) error_text: Option<String>,
    /// The problem document.
    #[sqlx(rename = "error_json", json(nullable))]
    pub(crate) error: Option<Value>,
}

/// What is known once a plan has passed the guard.
#[derive(Debug, Clone, Default, PartialEq, FromRow)]
pub(crate) struct RunPlan {
    /// The first source's SQL, for people.
    pub(crate) sql_text: Option<String>,
    /// `[{source, dialect, sql, params}]`.
    #[sqlx(rename = "sql_json", json(nullable))]
    pub(crate) sql: Option<Value>,
    /// `[{rule, outcome, detail}]`.
    #[sqlx(rename = "safety_json", json(nullable))]
    pub(crate) safety: Option<Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct NewRun {
    pub(crate) id: RunId,
    pub(crate) report: Option<(ReportId, ReportVersionId)>,
    pub(crate) datasource_id: DatasourceId,
    pub(crate) scope_version_id: Option<ScopeVersionId>,
    pub(crate) owner: String,
    /// What policies make of its sources for its owner, by source.
    pub(crate) access: Option<Value>,
    pub(crate) ir: Option<Value>,
    pub(crate) params: Value,
    pub(crate) frozen_now: Moment,
    pub(crate) plan: RunPlan,
    pub(crate) job: Option<Claimed>,
}

/// How a run ended well.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// What was sent to each source, and how many rows came back.
    pub(crate) sql: Value,
    pub(crate) row_count: i64,
    pub(crate) truncated: bool,
    /// `[{name, type, role}]`.
    pub(crate) columns: Value,
    pub(crate) verdict: Value,
    pub(crate) timings: Value,
    /// `{engine, workers, attempts, reason?}`.
    pub(crate) executor: Value,
    pub(crate) as_of: Option<Moment>,
    pub(crate) snapshot_file: Option<String>,
    pub(crate) snapshot_hash: Option<String>,
    /// The first rows, each an object; at most 50 are kept.
    pub(crate) sample: Vec<Value>,
}

/// Which runs to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunFilter {
    pub(crate) owner: Option<String>,
    pub(crate) report_id: Option<ReportId>,
    pub(crate) status: Option<RunStatus>,
}

pub(crate) struct Runs<'s> {
    store: &'s Store,
}

impl<'s> Runs<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// `error`: the problem document; `text`: one sentence.
    pub(crate) async fn fail(
        &self,
        id: &RunId,
        text: &str,
        error: Option<&Value>,
    ) -> Result<Run, StoreError> {
        self.end(id, RunStatus::Failed, text, error).await
    }

    pub(crate) async fn cancel(&self, id: &RunId, by: &str) -> Result<Run, StoreError> {
        self.end(id, RunStatus::Cancelled, &format!("cancelled by {by}"), None).await
    }

    async fn end(
        &self,
        id: &RunId,
        status: RunStatus,
        text: &str,
        error: Option<&Value>,
    ) -> Result<Run, StoreError> {
        let mut transaction = self.store.write().await?;
        let run: Option<Run> = sqlx::query_as(
            "UPDATE report_runs SET status = ?, finished_at = ?, error_text = ?, error_json = ?
             WHERE id = ? AND status = 'running' RETURNING *",
        )
        .bind(status)
        .bind(Moment::now())
        .bind(text)
        .bind(error.map(Json))
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(run) = run else {
            drop(transaction);
            return Err(not_running(self.store, id).await?);
        };
        let event = told::told(&mut transaction, &run).await?;
        transaction.commit().await?;
        self.store.tell([event]);
        Ok(run)
    }

    /// Replaces the verdict of a run that completed, after a later analysis.
    pub(crate) async fn set_verdict(&self, id: &RunId, verdict: &Value) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query(
            "UPDATE report_runs SET verdict_json = ? WHERE id = ? AND status = 'completed'",
        )
        .bind(Json(verdict))
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found("completed run", id));
        }
        Ok(transaction.commit().await?)
    }

    /// How many runs there are of each status that there are runs of.
    pub(crate) async fn by_status(&self) -> Result<Vec<(RunStatus, i64)>, StoreError> {
        let query = sqlx::query_as("SELECT status, COUNT(*) FROM report_runs GROUP BY status");
        Ok(query.fetch_all(self.store.reader()).await?)
    }

    /// The runs of this process that another one has cancelled.
    pub(crate) async fn cancelled_among(&self, ids: &[RunId]) -> Result<Vec<RunId>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT id FROM report_runs WHERE status = 'cancelled' AND id IN (",
        );
        let mut listed = query.separated(", ");
        for id in ids {
            listed.push_bind(id);
        }
        query.push(")");
        Ok(query.build_query_scalar().fetch_all(self.store.reader()).await?)
    }

    /// The runs of this process that have not ended, each with its job where that is to stop.
    pub(crate) async fn unfinished(&self) -> Result<Vec<(RunId, Option<JobId>)>, StoreError> {
        let query = sqlx::query_as(
            "SELECT r.id, j.id FROM report_runs r
             LEFT JOIN jobs j ON j.id = r.job_id AND j.cancel_requested = 1
             WHERE r.status = 'running' AND r.process_id = ?",
        );
        Ok(query.bind(self.store.process()).fetch_all(self.store.reader()).await?)
    }

    /// The runs of one attempt at a job of this process that have not ended. The connection that
    /// writes looks, so that what was being written when its writer was dropped is there or never
    /// will be.
    pub(crate) async fn unfinished_of(&self, job: &Claimed) -> Result<Vec<RunId>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT id FROM report_runs
             WHERE job_id = ? AND job_attempt = ? AND status = 'running' AND process_id = ?",
        );
        let query = query.bind(&job.id).bind(job.attempt).bind(self.store.process());
        Ok(query.fetch_all(&mut *self.store.writing().await?).await?)
    }

    /// The processes that have runs which are not finished.
    pub(crate) async fn holders(&self) -> Result<Vec<ProcessId>, StoreError> {
        let query = "SELECT DISTINCT process_id FROM report_runs WHERE status = 'running'";
        Ok(sqlx::query_scalar(query).fetch_all(self.store.reader()).await?)
    }

    /// Fails what a dead process left running, and tells who follows those runs. Returns how many
    /// there were.
    pub(crate) async fn mark_interrupted(&self, process: &ProcessId) -> Result<u64, StoreError> {
        let mut transaction = self.store.write().await?;
        let runs: Vec<Run> = sqlx::query_as(
            "UPDATE report_runs SET status = 'failed', finished_at = ?, error_text = ?
             WHERE status = 'running' AND process_id = ? RETURNING *",
        )
        .bind(Moment::now())
        .bind(INTERRUPTED)
        .bind(process)
        .fetch_all(&mut *transaction)
        .await?;
        let mut events = Vec::new();
        for run in &runs {
            events.push(told::told(&mut transaction, run).await?);
        }
        transaction.commit().await?;
        self.store.tell(events);
        Ok(u64::try_from(runs.len()).unwrap_or(u64::MAX))
    }

    /// The runs that a job made, the first first; no more than a thousand.
    pub(crate) async fn of_job(&self, job: &JobId) -> Result<Vec<RunId>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT id FROM report_runs WHERE job_id = ? ORDER BY id LIMIT 1000",
        );
        Ok(query.bind(job).fetch_all(self.store.reader()).await?)
    }

    /// How long the last five runs of a report took that completed, on average.
    pub(crate) async fn usual_seconds(&self, report: &ReportId) -> Result<Option<f64>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT avg((julianday(finished_at) - julianday(started_at)) * 86400.0) FROM
                 (SELECT started_at, finished_at FROM report_runs
                  WHERE report_id = ? AND status = 'completed' ORDER BY id DESC LIMIT 5)",
        );
        Ok(query.bind(report).fetch_one(self.store.reader()).await?)
    }

    pub(crate) async fn get(&self, id: &RunId) -> Result<Run, StoreError> {
        sqlx::query_as("SELECT * FROM report_runs WHERE id = ?")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    /// The sample's rows in their order.
    pub(crate) async fn sample(&self, id: &RunId) -> Result<Vec<Value>, StoreError> {
        report_samples::list(self.store.reader(), id).await
    }

    /// The last completed run of a report that began before this one, with the same parameters
    /// or any.
    pub(crate) async fn previous(
        &self,
        report: &ReportId,
        before: &RunId,
        params: Option<&Value>,
    ) -> Result<Option<Run>, StoreError> {
        let query = sqlx::query_as(
            "SELECT * FROM report_runs
             WHERE report_id = ?1 AND id < ?2 AND status = 'completed'
                 AND (?3 IS NULL OR params_json = ?3)
             ORDER BY id DESC LIMIT 1",
        );
        let query = query.bind(report).bind(before).bind(params.map(canonical_json));
        Ok(query.fetch_optional(self.store.reader()).await?)
    }

    /// The runs that the answers of a room came from, failed ones too, oldest first.
    pub(crate) async fn of_room(&self, room: &ChatRoomId) -> Result<Vec<Run>, StoreError> {
        let query = sqlx::query_as(
            "SELECT * FROM report_runs WHERE +report_id IS NULL AND scope_version_id IN
                 (SELECT json_extract(meta_json, '$.answer.scope_version_id') FROM chat_messages
                  WHERE room_id = ? AND type = 'ai')
             ORDER BY id",
        );
        Ok(query.bind(room).fetch_all(self.store.reader()).await?)
    }

    /// Newest first.
    pub(crate) async fn list(
        &self,
        filter: &RunFilter,
        page: &PageRequest,
    ) -> Result<Page<Run>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM report_runs WHERE 1 = 1");
        if let Some(owner) = &filter.owner {
            query.push(" AND owner = ").push_bind(owner);
        }
        if let Some(report) = &filter.report_id {
            query.push(" AND report_id = ").push_bind(report);
        }
        if let Some(status) = filter.status {
            query.push(" AND status = ").push_bind(status);
        }
        if let Some(after) = page.after(LIST)? {
            query.push(" AND id < ").push_bind(after);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(page.fetch());
        let rows = query.build_query_as().fetch_all(self.store.reader()).await?;
        Ok(page.page(LIST, rows, |row: &Run| row.id.to_string()))
    }
}

/// Why a run could not be changed: it ended, or it is not there. Neither changes any more.
async fn not_running(store: &Store, id: &RunId) -> Result<StoreError, StoreError> {
    let query = sqlx::query_scalar("SELECT status FROM report_runs WHERE id = ?");
    let status: Option<RunStatus> = query.bind(id).fetch_optional(store.reader()).await?;
    Ok(match status {
        Some(status) => {
            StoreError::NotRunning { id: id.to_string(), status: status.as_str().to_owned() }
        }
        None => StoreError::not_found(WHAT, id),
    })
}
