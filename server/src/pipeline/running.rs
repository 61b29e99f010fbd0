//! The runs of this process: how many there may be, and how one is cancelled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::contract::types::ErrorCode;
use crate::id::RunId;
use crate::problem::ApiError;

/// Shared by the process. Clones share.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    runs: Arc<Mutex<HashMap<RunId, Entry>>>,
    per_user: usize,
    all: usize,
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
        Self { runs: Arc::default(), per_user, all }
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Entry>> {
        // A map of tokens is whole after a panic too.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot for one more run of this user.
    pub(crate) fn take(&self, owner: &str) -> Result<Slot, ApiError> {
        let mut runs = self.runs();
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
        let (id, cancel) = (RunId::new(), CancellationToken::new());
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

    /// Stops every run: the process is about to end.
    pub(crate) fn cancel_all(&self) {
        self.runs().values().for_each(|entry| entry.cancel.cancel());
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
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.running.runs().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_counted_by_user_and_given_back() {
        let running = Running::new(1, 2);
        let ann = running.take("ann").unwrap();
        assert_eq!(running.take("ann").unwrap_err().code, ErrorCode::TooManyRequests);
        let _bob = running.take("bob").unwrap();
        assert_eq!(running.take("cat").unwrap_err().code, ErrorCode::TooManyRequests);
        drop(ann);
        assert!(running.take("cat").is_ok());
    }
}
