//! One attempt at a job, as the work itself sees it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::contract::types::ErrorCode;
use crate::pipeline::order::Tie;
use crate::pipeline::running;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Claimed, Job};

/// What the work is at, and its share of the whole in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) percent: u8,
    pub(crate) what: String,
}

pub(crate) struct Task {
    pub(crate) app: Arc<App>,
    pub(crate) job: Job,
    pub(crate) claimed: Claimed,
    pub(crate) stop: CancellationToken,
    pub(super) begun: Instant,
    pub(super) steps: watch::Sender<Step>,
}

impl Task {
    pub(super) fn new(app: &Arc<App>, job: Job, stop: CancellationToken) -> Self {
        let claimed = Claimed { id: job.id.clone(), attempt: job.attempts };
        let percent = u8::try_from(job.progress).unwrap_or(0);
        let (steps, _) = watch::channel(Step { percent, what: "starting".to_owned() });
        Self { app: Arc::clone(app), job, claimed, stop, begun: Instant::now(), steps }
    }

    /// What was asked for.
    pub(crate) fn input<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_value(self.job.input.clone()).map_err(ApiError::internal)
    }

    /// Whom it acts for: as their token said when the job was added.
    pub(crate) fn principal(&self) -> Result<Principal, ApiError> {
        serde_json::from_value(self.job.principal.clone()).map_err(ApiError::internal)
    }

    /// When this attempt began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// When a query, or a source that is learned, must have ended if it begins now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.app.config.execution.jobs.timeout
    }

    /// What makes a run this job's.
    pub(crate) fn tie(&self) -> Tie {
        Tie { claimed: self.claimed.clone(), stop: self.stop.clone() }
    }

    /// Says how far the work is; it is written within a moment.
    pub(crate) fn step(&self, percent: u8, what: impl Into<String>) {
        let step = Step { percent: percent.min(99), what: what.into() };
        self.steps.send_replace(step);
    }

    /// Keeps what is done, for an attempt after this one.
    pub(crate) async fn checkpoint(&self, done: &Value) -> Result<(), ApiError> {
        match self.app.store.jobs().checkpoint(&self.claimed, done).await? {
            true => Ok(()),
            // Another process has it, or it has ended.
            false => Err(running::cancelled()),
        }
    }

    /// Does a part of the work until the job is to stop.
    pub(crate) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        running::unless_cancelled(&self.stop, work).await
    }

    /// Does a part of a job that goes on without it: what may pass is tried again at once, as
    /// often as whole jobs are. The part itself ends where the job is to stop: a run does, with
    /// its record, and what does not is handed over as `unless_stopped`.
    pub(crate) async fn persistently<T, W>(&self, work: impl Fn() -> W) -> Result<T, ApiError>
    where
        W: Future<Output = Result<T, ApiError>>,
    {
        let mut failures = 0;
        loop {
            match work().await {
                Err(error) if may_pass(&error) && failures < self.retries() => {
                    failures += 1;
                    let pause = async {
                        tokio::time::sleep(backoff(failures)).await;
                        Ok(())
                    };
                    self.unless_stopped(pause).await?;
                }
                ended => return ended,
            }
        }
    }

    pub(super) fn retries(&self) -> i64 {
        i64::from(self.app.config.execution.jobs.retries)
    }
}

/// Whether the same work may succeed later. All that jobs do to sources is reading, and what they
/// write in the control plane they may write again.
pub(super) fn may_pass(error: &ApiError) -> bool {
    matches!(
        error.code,
        ErrorCode::SourceUnavailable | ErrorCode::Unavailable | ErrorCode::TooManyRequests
    )
}

/// How long is waited after so many failures: twice as long after each, up to a minute.
pub(super) fn backoff(failures: i64) -> Duration {
    let doublings = u32::try_from(failures.clamp(1, 7) - 1).unwrap_or(0);
    Duration::from_secs(1 << doublings).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 6, 7, 100].map(|n| backoff(n).as_secs()).into();
        assert_eq!(seconds, [1, 1, 2, 4, 32, 60, 60]);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let error = |code| ApiError::new(code, "no");
        assert!(may_pass(&error(ErrorCode::SourceUnavailable)));
        for code in [ErrorCode::Timeout, ErrorCode::Invalid, ErrorCode::Refused] {
            assert!(!may_pass(&error(code)), "{code}");
        }
    }
}
