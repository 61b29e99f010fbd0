//! A run's record: written when it begins, with its plan, and when it ends.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::order::Tie;
use super::planned::Planned;
use super::running::Slot;
use super::snapshot::Keeping;
use super::{Finished, Order, Question, bound};
use crate::id::{JobId, RequestId, RunId};
use crate::problem::{ApiError, safety_report};
use crate::results;
use crate::service::App;
use crate::store::{Claimed, NewRun, Outcome, RunPlan, StoreError};

/// Rows of the sample.
const SAMPLE_ROWS: usize = 50;

/// A run that is worked on, from its place to the end of its record. Where the work is dropped
/// before, the record is ended all the same, and the run has its place until then.
pub(super) struct Working {
    app: Arc<App>,
    slot: Arc<Slot>,
    job: Option<Tie>,
    is_over: bool,
}

impl Working {
    pub(super) fn new(app: &Arc<App>, order: &Order, slot: Slot) -> Self {
        let (app, slot, job) = (Arc::clone(app), Arc::new(slot), order.job.clone());
        Self { app, slot, job, is_over: false }
    }

    pub(super) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The record has ended, or could not be ended; then `settle` does it.
    pub(super) fn over(mut self) {
        self.is_over = true;
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        // Without a runtime the service is over, and the next one ends what was left.
        let Some(runtime) = Handle::try_current().ok().filter(|_| !self.is_over) else { return };
        let (app, slot, job) = (Arc::clone(&self.app), Arc::clone(&self.slot), self.job.take());
        let ending = async move {
            let stopped = job.filter(|job| job.stop.is_cancelled()).map(|job| job.claimed.id);
            match given_up(&app, slot.id(), stopped.as_ref()).await {
                Ok(true) => tracing::info!(run.id = %slot.id(), "a run went with the work on it"),
                Ok(false) => {}
                Err(error) => tracing::warn!(
                    run.id = %slot.id(), cause = %error, "a run that was given up stays for later"
                ),
            }
            drop(slot);
        };
        self.app.tasks.spawn_on(ending, &runtime);
    }
}

/// Keeps what is asked and what is about to be sent, so that it is known even if the run never
/// ends; a run that could not be planned has no plan.
pub(super) async fn begin(
    app: &App,
    order: &Order,
    id: &RunId,
    plan: Option<RunPlan>,
) -> Result<(), ApiError> {
    // An IR whose parameters do not fit is recorded as it came.
    let question = bound(order).unwrap_or_else(|_| order.question.clone());
    let report = order.report.as_ref();
    let new = NewRun {
        id: id.clone(),
        report: report.map(|(report, version)| (report.id.clone(), version.id.clone())),
        datasource_id: order.datasource.clone(),
        scope_version_id: order.scope_version.clone(),
        owner: order.principal.sub.clone(),
        access: access(app, order),
        ir: match question {
            Question::Ir(ir) => Some(ir.to_json()),
            Question::Sql(_) => None,
        },
        params: Value::Object(order.params.clone()),
        frozen_now: order.now.into(),
        plan: plan.unwrap_or_default(),
        job: order.job.as_ref().map(|job| job.claimed.clone()),
    };
    app.store.runs().start(&new).await?;
    Ok(())
}

/// What policies make of the sources for who asks; nothing where none is about them.
fn access(app: &App, order: &Order) -> Option<Value> {
    let others: Vec<_> =
        order.question.sources().iter().filter_map(|name| name.parse().ok()).collect();
    let sources = std::iter::once(&order.datasource).chain(&others);
    let prints = crate::access::fingerprints(&app.config.policies, &order.principal, sources);
    (!prints.is_empty()).then(|| json!(prints))
}

/// What the record shows of a plan.
pub(super) fn plan(planned: &Planned) -> RunPlan {
    RunPlan {
        sql_text: planned.sql.first().map(|first| first.sql.clone()),
        sql: Some(json!(planned.sql)),
        safety: Some(json!(safety_report(&planned.safety))),
    }
}

/// Keeps what came out, with the rows that are written meanwhile. A run that was cancelled
/// meanwhile stays cancelled, and keeps no rows.
pub(super) async fn end(
    app: &Arc<App>,
    finished: Finished,
    keeping: Option<Keeping>,
) -> Result<Finished, ApiError> {
    let rows = &finished.rows;
    let mut keeping = keeping.or_else(|| Keeping::begin(app, &finished.run_id, rows));
    let (snapshot_file, snapshot_hash) = match &mut keeping {
        Some(keeping) => Some(keeping.done().await?),
        None => None,
    }
    .unzip();
    let sample = rows.slice(0, rows.num_rows().min(SAMPLE_ROWS));
    let outcome = Outcome {
        sql: json!(finished.sql),
        row_count: i64::try_from(rows.num_rows()).unwrap_or(i64::MAX),
        truncated: finished.truncated,
        columns: json!(finished.columns),
        verdict: json!(finished.verdict),
        timings: json!(finished.timings),
        executor: json!(finished.executor),
        as_of: Some(finished.as_of),
        snapshot_file,
        snapshot_hash,
        sample: results::json_rows(&sample).into_iter().map(Value::Object).collect(),
    };
    match (app.store.runs().finish(&finished.run_id, &outcome).await, keeping) {
        (Ok(()), keeping) => {
            if let Some(keeping) = keeping {
                keeping.named();
            }
            Ok(finished)
        }
        (Err(error), keeping) => {
            if let Some(keeping) = keeping {
                keeping.discard().await;
            }
            Err(error.into())
        }
    }
}

/// Ends the records of this process's runs that nobody works on any more: their end could not be
/// written.
pub(crate) async fn settle(app: &App) -> Result<(), StoreError> {
    // In this order there is no race: a run has its place before its record and until after it.
    let recorded = app.store.runs().unfinished().await?;
    let working: HashSet<RunId> = app.running.ids().into_iter().collect();
    for (id, stopped) in recorded.into_iter().filter(|(id, _)| !working.contains(id)) {
        if given_up(app, &id, stopped.as_ref()).await? {
            tracing::warn!(run.id = %id, "a run that nobody works on was ended");
        }
    }
    Ok(())
}

/// Ends the records of the runs that an attempt at a job leaves: work that did not stop in time was
/// dropped before their end was written. So no run outlasts its job.
pub(crate) async fn settle_job(
    app: &App,
    claimed: &Claimed,
    is_stopped: bool,
) -> Result<(), StoreError> {
    let stopped = is_stopped.then_some(&claimed.id);
    for id in app.store.runs().unfinished_of(claimed).await? {
        given_up(app, &id, stopped).await?;
    }
    Ok(())
}

/// Ends the record of a run whose work was given up, with the job that was to stop if one was.
/// Whether it had not ended before.
async fn given_up(app: &App, id: &RunId, stopped: Option<&JobId>) -> Result<bool, StoreError> {
    let runs = app.store.runs();
    let ended = match stopped {
        Some(job) => runs.cancel(id, &format!("the end of {job}")).await,
        None => runs.fail(id, LEFT, None).await,
    };
    match ended {
        Ok(_) => Ok(true),
        // It ended meanwhile, or was dropped before its record began.
        Err(StoreError::NotRunning { .. } | StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

const LEFT: &str = "the work on the run was given up before its end was recorded; run it again";

/// Keeps why there are no rows, and gives the error back.
pub(super) async fn failed(app: &App, order: &Order, id: &RunId, error: ApiError) -> ApiError {
    let problem = json!(error.problem(&RequestId::new()));
    let kept = match &order.job {
        Some(job) if job.stop.is_cancelled() => {
            app.store.runs().cancel(id, &format!("the end of {}", job.claimed.id)).await
        }
        _ => app.store.runs().fail(id, &error.detail, Some(&problem)).await,
    };
    match kept {
        // Cancelled: its record says so already.
        Ok(_) | Err(StoreError::NotRunning { .. }) => error,
        Err(fault) => {
            tracing::error!(run.id = %id, cause = %fault, "a failed run could not be recorded");
            error
        }
    }
}
