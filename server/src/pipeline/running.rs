//! The runs of this process: how many there may be, and how one is cancelled.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::contract::types::ErrorCode;
use crate::id::RunId;
use crate::problem::ApiError;

use super::order::Tie;

/// Shared by the process. Clones share.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    runs: Arc<Mutex<HashMap<RunId, Entry>>>,
    per_user: usize,
    all: usize,
    /// Heard where a place was given back.
    freed: Arc<Notify>,
    /// No run begins any more.
    stopped: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Entry {
    owner: String,
    cancel: CancellationToken,
}

/// The right to run, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    id: RunId,
    cancel: CancellationToken,
    running: Running,
}

impl Running {
    pub(crate) fn new(per_user: usize, all: usize) -> Self {
        let (runs, freed, stopped) = Default::default();
        Self { runs, per_user, all, freed, stopped }
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Entry>> {
        // A map of tokens is whole after a panic too.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for one more run: at once or not at all for a request; a job waits for it.
    pub(crate) async fn place(&self, owner: &str, job: Option<&Tie>) -> Result<Slot, ApiError> {
        let Some(job) = job else { return self.take(owner, &CancellationToken::new()) };
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if let Ok(slot) = self.take(owner, &job.stop) {
                return Ok(slot);
            }
            tokio::select! {
                () = freed => {}
                () = job.stop.cancelled() => return Err(cancelled()),
            }
        }
    }

    /// A slot for one more run of this user. The run stops where `stop` is cancelled.
    fn take(&self, owner: &str, stop: &CancellationToken) -> Result<Slot, ApiError> {
        let mut runs = self.runs();
        if self.is_stopped() {
            return Err(cancelled());
        }
        let own = runs.values().filter(|entry| entry.owner == owner).count();
        let refused = if own >= self.per_user {
            Some(format!("{own} of your runs are running; try again when one has ended."))
        } else if runs.len() >= self.all {
            let count = runs.len();
            Some(format!("{count} runs are running; try again when one has ended."))
        } else {
            None
        };
        if let Some(detail) = refused {
            return Err(ApiError::new(ErrorCode::TooManyRequests, detail).retry_after(2));
        }
        let (id, cancel) = (RunId::new(), stop.child_token());
        let entry = Entry { owner: owner.to_owned(), cancel: cancel.clone() };
        runs.insert(id.clone(), entry);
        let running = self.clone();
        Ok(Slot { id, cancel, running })
    }

    /// Stops a run, if it is one of this process.
    pub(crate) fn cancel(&self, id: &RunId) {
        if let Some(entry) = self.runs().get(id) {
            entry.cancel.cancel();
        }
    }

    /// The runs there are.
    pub(crate) fn ids(&self) -> Vec<RunId> {
        self.runs().keys().cloned().collect()
    }

    /// Stops every run, and lets none begin: the process is about to end.
    pub(crate) fn cancel_all(&self) {
        let runs = self.runs();
        self.stopped.store(true, Ordering::Relaxed);
        runs.values().for_each(|entry| entry.cancel.cancel());
    }

    /// Whether every run was stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) -> usize {
        self.runs().len()
    }
}

impl Slot {
    pub(crate) fn id(&self) -> &RunId {
        &self.id
    }

    /// Ends when the run is to stop.
    pub(crate) async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// The run is to stop.
    pub(super) fn stop(&self) {
        self.cancel.cancel();
    }

    /// Does a part of the run. Where the run is cancelled meanwhile, the part is dropped, and what
    /// was sent with it.
    pub(super) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        unless_cancelled(&self.cancel, work).await
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.running.runs().remove(&self.id);
        self.running.freed.notify_waiters();
    }
}

/// Does work until it is to stop; then it is dropped, and what was sent with it.
pub(crate) async fn unless_cancelled<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(cancelled()),
        done = work => done,
    }
}

/// The error of a run that was stopped.
pub(crate) fn cancelled() -> ApiError {
    ApiError::new(ErrorCode::NotRunning, "The run was cancelled before it ended.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::JobId;
    use crate::store::Claimed;

    #[test]
    fn slots_are_counted_by_user_and_given_back() {
        let running = Running::new(1, 2);
        let take = |owner| running.take(owner, &CancellationToken::new());
        let ann = take("ann").unwrap();
        assert_eq!(take("ann").unwrap_err().code, ErrorCode::TooManyRequests);
        let _bob = take("bob").unwrap();
        assert_eq!(take("cat").unwrap_err().code, ErrorCode::TooManyRequests);
        drop(ann);
        assert!(take("cat").is_ok());
    }

    #[tokio::test]
    async fn a_job_waits_for_a_slot_and_stops_what_it_runs() {
        let running = Running::new(1, 1);
        let first = running.place("ann", None).await.unwrap();
        let claimed = Claimed { id: JobId::new(), attempt: 1 };
        let tie = Tie { claimed, stop: CancellationToken::new() };
        let (other, its) = (running.clone(), tie.clone());
        let waiting = tokio::spawn(async move { other.place("ann", Some(&its)).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        let slot = waiting.await.unwrap().unwrap();
        tie.stop.cancel();
        slot.cancelled().await;
        let refused = running.place("ann", Some(&tie)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::NotRunning, "it is stopped, so it waits no longer");
    }
}
