//! Jobs: who works on what, from its queue to its end.
//!
//! In: rows of the control plane that wait. Out: the same rows, ended. Each process takes jobs that
//! wait (`dispatch`), says that it lives and hears what is to stop (`watch`), takes up what a dead
//! process left (`recover`), makes jobs of schedules whose moment has come (`schedules`), and
//! removes what ended long ago (`retention`). Any process over the same control plane does all. Absent on purpose: what a job does, which is
//! in `kinds`, and HTTP.

pub(crate) mod kinds;
mod retention;
pub(crate) mod schedules;
mod task;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::task::Task;
pub(crate) use self::work::short;
use crate::auth::Principal;
use crate::config::JobsConfig;
use crate::contract::types::ErrorCode;
use crate::id::{JobId, RequestId};
use crate::pipeline;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Job, JobKind, NewJob, StoreError};

/// How soon work is found that nobody in this process announced.
const LOOK: Duration = Duration::from_secs(1);
/// How soon a run or job is stopped that was cancelled through another process.
const HEAR: Duration = Duration::from_millis(200);
/// How often it is said that this process works on its jobs, and that it left no run behind.
const BEAT: Duration = Duration::from_secs(5);

/// What this process works on.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    working: Mutex<HashMap<JobId, Working>>,
    tasks: TaskTracker,
    /// Heard where a job may begin.
    wake: Notify,
    /// No job begins any more.
    closing: CancellationToken,
    /// Every job of this process is given back.
    halting: CancellationToken,
}

#[derive(Debug)]
struct Working {
    kind: JobKind,
    stop: CancellationToken,
}

impl Jobs {
    fn working(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Working>> {
        // A map of tokens is whole after a panic too.
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops taking jobs.
    pub(crate) fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
    }

    /// Stops what this process works on; the jobs wait for another process.
    pub(crate) fn halt(&self) {
        self.halting.cancel();
    }

    /// Ends when nothing of this process works any more.
    pub(crate) async fn ended(&self) {
        self.tasks.wait().await;
    }

    /// How many of this process's jobs are being worked on.
    pub(crate) fn count(&self) -> usize {
        self.working().len()
    }

    /// Stops a job, if this process works on it.
    pub(crate) fn stop(&self, id: &JobId) {
        if let Some(working) = self.working().get(id) {
            working.stop.cancel();
        }
    }

    /// There is a job that may begin.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    fn has_room(&self, kind: JobKind, config: &JobsConfig) -> bool {
        let most = match kind {
            JobKind::Learn => config.learn,
            JobKind::Analyze => config.analyze,
            JobKind::BulkReports => config.bulk_reports,
            JobKind::Query => config.query,
            JobKind::Report => config.report,
        };
        self.working().values().filter(|working| working.kind == kind).count() < most
    }

    fn enter(&self, job: &Job) -> CancellationToken {
        let stop = self.halting.child_token();
        let working = Working { kind: job.kind, stop: stop.clone() };
        self.working().insert(job.id.clone(), working);
        stop
    }

    fn leave(&self, id: &JobId) {
        self.working().remove(id);
        self.wake();
    }
}

/// Starts what a process does for jobs, until the service closes or is gone.
pub(crate) fn start(app: &Arc<App>) {
    let jobs = Arc::clone(&app.jobs);
    let weak = || (Arc::downgrade(app), Arc::clone(&jobs));
    let (dispatching, watching, scheduling, old) = (weak(), weak(), weak(), weak());
    let retention = app.config.execution.jobs.retention;
    jobs.tasks.spawn(async move { dispatch(dispatching.0, dispatching.1).await });
    jobs.tasks.spawn(async move { watch(watching.0, watching.1).await });
    jobs.tasks.spawn(async move { schedules::turn(scheduling.0, scheduling.1).await });
    jobs.tasks.spawn(async move { retention::turn(old.0, old.1, retention).await });
}

/// Adds a job for somebody, and has it begun.
pub(crate) async fn add(
    app: &App,
    principal: &Principal,
    kind: JobKind,
    input: &impl Serialize,
) -> Result<Job, ApiError> {
    let new = NewJob {
        kind,
        owner: principal.sub.clone(),
        principal: kept(principal),
        input: serde_json::to_value(input).map_err(ApiError::internal)?,
        scheduled: None,
    };
    let job = app.store.jobs().create(&new).await?;
    app.jobs.wake();
    Ok(job)
}

/// Whom a job acts for, as its row keeps it: later changes of a token do not reach it.
pub(crate) fn kept(principal: &Principal) -> serde_json::Value {
    json!(Principal { expires_at: None, ..principal.clone() })
}

/// Cancels a job, wherever it is worked on.
pub(crate) async fn cancel(app: &App, id: &JobId, by: &str) -> Result<Job, ApiError> {
    let job = app.store.jobs().cancel(id, by).await?;
    app.jobs.stop(id);
    Ok(job)
}

/// Takes jobs that wait, as many as there is room for.
async fn dispatch(app: Weak<App>, jobs: Arc<Jobs>) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = jobs.closing.cancelled() => return,
            () = jobs.wake.notified() => {}
            _ = look.tick() => {}
        }
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = begin(&app).await {
            tracing::warn!(%error, "jobs that wait could not be taken");
        }
    }
}

async fn begin(app: &Arc<App>) -> Result<(), StoreError> {
    recover(app).await?;
    for kind in app.store.jobs().waiting().await? {
        while !app.jobs.closing.is_cancelled()
            && app.jobs.has_room(kind, &app.config.execution.jobs)
        {
            let Some(job) = app.store.jobs().claim(kind).await? else { break };
            work::start(app, job);
        }
    }
    Ok(())
}

/// Takes up what dead processes left.
async fn recover(app: &Arc<App>) -> Result<(), StoreError> {
    for process in app.store.jobs().claimants().await? {
        if !app.processes.is_dead(&process) {
            continue;
        }
        let detail = "The service ended again and again while it worked on this job; it is not \
                      tried once more.";
        let problem =
            json!(ApiError::new(ErrorCode::Unavailable, detail).problem(&RequestId::new()));
        for job in app.store.jobs().recover(&process, &problem).await? {
            let status = job.status.as_str();
            tracing::warn!(job.id = %job.id, status, "the process that worked on a job has ended");
        }
    }
    Ok(())
}

/// Says that this process lives, and stops what was cancelled through another.
async fn watch(app: Weak<App>, jobs: Arc<Jobs>) {
    let (mut hear, mut beat) = (interval(HEAR), interval(BEAT));
    hear.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Until the last job has ended, also while the service closes.
    loop {
        let beats = tokio::select! {
            () = closed(&jobs) => return,
            _ = hear.tick() => false,
            _ = beat.tick() => true,
        };
        let Some(app) = app.upgrade() else { return };
        let heard = if beats { beaten(&app).await } else { heard(&app).await };
        if let Err(error) = heard {
            tracing::warn!(%error, "what was cancelled elsewhere could not be asked for");
        }
    }
}

/// Ends once no job begins and none is worked on.
async fn closed(jobs: &Jobs) {
    jobs.closing.cancelled().await;
    let mut look = interval(HEAR);
    while jobs.count() > 0 {
        look.tick().await;
    }
}

async fn beaten(app: &App) -> Result<(), StoreError> {
    pipeline::settle(app).await?;
    if app.jobs.count() > 0 {
        app.store.jobs().heartbeat().await?;
    }
    Ok(())
}

async fn heard(app: &App) -> Result<(), StoreError> {
    if app.jobs.count() > 0 {
        for job in app.store.jobs().to_stop().await? {
            app.jobs.stop(&job);
        }
    }
    let runs = app.running.ids();
    if !runs.is_empty() {
        for run in app.store.runs().cancelled_among(&runs).await? {
            app.running.cancel(&run);
        }
    }
    Ok(())
}
