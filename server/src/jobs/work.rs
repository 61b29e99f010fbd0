//! One attempt at a job: begun, told of, and ended in the control plane.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::kinds;
use super::task::{Step, Task, backoff, may_pass};
use crate::id::RequestId;
use crate::pipeline::{self, running};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Job, Moment, Retry, StoreError};

type Ended = Result<Value, ApiError>;

/// How often progress is written, where there is any.
const TELL: Duration = Duration::from_millis(300);
/// How long work that is to stop may take to do so itself: its runs are marked by then.
const STOPPING: Duration = Duration::from_secs(5);
/// Between tries to write how a job ended.
const AGAIN: Duration = Duration::from_millis(500);

/// Begins to work on a job that this process has claimed.
pub(super) fn start(app: &Arc<App>, job: Job) {
    let stop = app.jobs.enter(&job);
    let task = Arc::new(Task::new(app, job, stop));
    app.jobs.tasks.spawn(async move {
        let (id, kind) = (&task.job.id, task.job.kind);
        tracing::info!(job.id = %id, ?kind, attempt = task.claimed.attempt, "a job begins");
        let ended = worked(&task).await;
        conclude(&task, ended).await;
        let duration_ms = task.begun.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(job.id = %id, ?kind, duration_ms, "an attempt has ended");
        task.app.jobs.leave(id);
    });
}

/// Does the work, and writes how far it is.
async fn worked(task: &Arc<Task>) -> Ended {
    // A task of its own, so that a panic is the job's failure and no more.
    let mut steps = task.steps.subscribe();
    let mut work = AbortOnDropHandle::new(tokio::spawn(kinds::perform(Arc::clone(task))));
    let too_long = stopping_too_long(task);
    tokio::pin!(too_long);
    let mut tell = interval(TELL);
    tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = &mut work => return ended.unwrap_or_else(|lost| Err(ApiError::internal(lost))),
            () = &mut too_long => return Err(running::cancelled()),
            _ = tell.tick() => told(task, &mut steps).await,
        }
    }
}

async fn stopping_too_long(task: &Task) {
    task.stop.cancelled().await;
    tokio::time::sleep(STOPPING).await;
}

/// Writes how far the work is, if that has changed. A job that is no longer this process's stops.
async fn told(task: &Task, steps: &mut watch::Receiver<Step>) {
    if !steps.has_changed().unwrap_or(false) {
        return;
    }
    let step = steps.borrow_and_update().clone();
    let remaining = remaining(task.begun.elapsed(), step.percent);
    let jobs = task.app.store.jobs();
    match jobs.progress(&task.claimed, step.percent, &step.what, remaining.as_deref()).await {
        Ok(true) => {}
        Ok(false) => task.stop.cancel(),
        Err(error) => tracing::warn!(job.id = %task.job.id, %error, "progress was not written"),
    }
}

/// What is left at the pace so far, such as `2m30s`.
fn remaining(elapsed: Duration, percent: u8) -> Option<String> {
    let done = f64::from(percent.min(100));
    if done < 1.0 {
        return None;
    }
    let left = elapsed.as_secs_f64() * (100.0 - done) / done;
    Some(short(Duration::try_from_secs_f64(left).ok()?))
}

/// A duration in its largest two units.
pub(crate) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}

/// Writes how the attempt ended, however long the control plane takes to hear of it: a job that
/// its process believes ended may not stay `running`.
async fn conclude(task: &Task, ended: Ended) {
    let begun = Instant::now();
    loop {
        let error = match write(task, &ended).await {
            Ok(Some(job)) => return after(task, &job),
            Ok(None) => {
                tracing::warn!(job.id = %task.job.id, "another process has taken the job up");
                return;
            }
            Err(error) => error,
        };
        tracing::error!(job.id = %task.job.id, %error, "the end of a job was not written");
        if task.app.jobs.halting.is_cancelled() && begun.elapsed() > STOPPING {
            // Whoever comes next finds it left by a dead process.
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn write(task: &Task, ended: &Ended) -> Result<Option<Job>, StoreError> {
    let jobs = task.app.store.jobs();
    let error = match ended {
        Ok(result) => return jobs.complete(&task.claimed, result).await,
        Err(error) => error,
    };
    pipeline::settle_job(&task.app, &task.claimed, task.stop.is_cancelled()).await?;
    if task.app.jobs.halting.is_cancelled() {
        return jobs.release(&task.claimed).await;
    }
    if task.stop.is_cancelled() {
        return jobs.cancelled(&task.claimed).await;
    }
    let problem = json!(error.problem(&RequestId::new()));
    if may_pass(error) && task.job.failures < task.retries() {
        let pause = SignedDuration::try_from(backoff(task.job.failures + 1)).unwrap_or_default();
        let not_before = Moment::from(Moment::now().timestamp() + pause);
        let step = format!("waiting to try again: {}", error.detail);
        let retry = Retry { not_before, problem: &problem, step: &step };
        return jobs.retry(&task.claimed, &retry).await;
    }
    if let Some(cause) = &error.cause {
        tracing::error!(job.id = %task.job.id, %cause, "a job failed inside");
    }
    jobs.fail(&task.claimed, &problem).await
}

fn after(task: &Task, job: &Job) {
    tracing::info!(job.id = %job.id, status = job.status.as_str(), "a job was written");
    if !job.status.is_over() {
        task.app.jobs.wake();
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::contract::types::ErrorCode;
    use crate::id::RunId;
    use crate::service::Service;
    use crate::store::{JobKind, JobStatus, NewJob, NewRun, RunStatus};

    /// A service whose jobs are begun by the test alone.
    async fn service() -> (tempfile::TempDir, Service) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("files/shop")).unwrap();
        let config = "files: {base_path: files}
analytics_sources: [{id: shop, kind: files, base_path: files/shop}]
";
        let service = Service::for_tests(folder.path(), config).await;
        service.app().jobs.close();
        (folder, service)
    }

    /// An attempt at a job, and a run of it that was dropped before its end.
    async fn left(app: &Arc<App>) -> (Task, RunId) {
        let task = attempt(app).await;
        let run = run_of(&task);
        app.store.runs().start(&run).await.unwrap();
        (task, run.id)
    }

    async fn attempt(app: &Arc<App>) -> Task {
        let new = NewJob::for_tests("ann", JobKind::BulkReports);
        app.store.jobs().create(&new).await.unwrap();
        let job = app.store.jobs().claim(JobKind::BulkReports).await.unwrap().unwrap();
        Task::new(app, job, CancellationToken::new())
    }

    fn run_of(task: &Task) -> NewRun {
        NewRun { job: Some(task.claimed.clone()), ..NewRun::for_tests("ann", "shop") }
    }

    #[tokio::test]
    async fn no_run_outlasts_its_job() {
        let (_folder, service) = service().await;
        let app = service.app();
        let (stopped, run) = left(app).await;
        stopped.stop.cancel();
        let job = write(&stopped, &Err(running::cancelled())).await.unwrap().unwrap();
        assert_eq!(job.status, JobStatus::Cancelled);
        assert_eq!(app.store.runs().get(&run).await.unwrap().status, RunStatus::Cancelled);
        let (failed, run) = left(app).await;
        let error = ApiError::new(ErrorCode::Invalid, "no");
        let job = write(&failed, &Err(error)).await.unwrap().unwrap();
        assert_eq!(job.status, JobStatus::Failed);
        assert_eq!(app.store.runs().get(&run).await.unwrap().status, RunStatus::Failed);
    }

    #[tokio::test]
    async fn a_run_whose_record_is_on_its_way_does_not_outlast_its_job_either() {
        let (_folder, service) = service().await;
        let app = service.app();
        let task = attempt(app).await;
        task.stop.cancel();
        let run = run_of(&task);
        let (runs, cancelled) = (app.store.runs(), Err(running::cancelled()));
        // Both wait for the connection that writes, the run first.
        let turn = app.store.write_for_tests().await;
        let given = async {
            // Who looks without waiting has looked by now.
            assert_eq!(app.store.runs().unfinished().await.unwrap(), []);
            turn.rollback().await.unwrap();
        };
        let (begun, job, ()) = tokio::join!(runs.start(&run), write(&task, &cancelled), given);
        begun.unwrap();
        assert_eq!(job.unwrap().unwrap().status, JobStatus::Cancelled);
        assert_eq!(app.store.runs().get(&run.id).await.unwrap().status, RunStatus::Cancelled);
    }

    #[tokio::test]
    async fn a_part_that_is_to_stop_is_waited_for() {
        let (_folder, service) = service().await;
        let task = attempt(service.app()).await;
        task.stop.cancel();
        let written = std::cell::Cell::new(false);
        // As a run does, which writes its end before it is over.
        let part = || async {
            tokio::task::yield_now().await;
            written.set(true);
            Err::<(), _>(running::cancelled())
        };
        let error = task.persistently(part).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::NotRunning);
        assert!(written.get(), "it was not dropped before");
    }

    #[test]
    fn what_is_left_follows_the_pace() {
        let left = |seconds, percent| remaining(Duration::from_secs(seconds), percent);
        assert_eq!(left(10, 0), None);
        assert_eq!(left(30, 50).as_deref(), Some("30s"));
        assert_eq!(left(60, 25).as_deref(), Some("3m"));
        assert_eq!(left(50, 25).as_deref(), Some("2m30s"));
        assert_eq!(left(3600, 10).as_deref(), Some("9h"));
        assert_eq!(left(1000, 15).as_deref(), Some("1h34m"));
        assert_eq!(left(10, 100).as_deref(), Some("0s"));
    }
}
