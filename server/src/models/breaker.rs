//! A model that failed several times in a row is left alone for a while.
//!
//! Closed: every call goes through. Open: none does until the pause is over. Then one call tries;
//! its success closes, its failure opens for another pause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Breaker {
    most: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
    /// When the one call that tries began. A call that vanished does not hold the place for ever.
    trying: Option<Instant>,
}

impl Breaker {
    /// Opens after `most` failures in a row.
    pub(super) fn new(most: u32, pause: Duration) -> Self {
        Self { most, pause, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call may go through.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state();
        let Some(until) = state.until else { return true };
        if now < until {
            return false;
        }
        let tried = state.trying.is_some_and(|began| now < began + self.pause);
        if !tried {
            state.trying = Some(now);
        }
        !tried
    }

    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.state().until.is_some_and(|until| now < until)
    }

    pub(super) fn succeeded(&self) {
        *self.state() = State::default();
    }

    /// The call ended without a word of the server: the next one may try.
    pub(super) fn untried(&self) {
        self.state().trying = None;
    }

    /// `wait`: how long the server itself wants to be left alone.
    pub(super) fn failed(&self, now: Instant, wait: Option<Duration>) {
        let mut state = self.state();
        state.failures += 1;
        state.trying = None;
        let tired = state.failures >= self.most || state.until.is_some();
        let own = tired.then_some(self.pause);
        if let Some(pause) = own.max(wait) {
            // A server cannot have itself left alone for ever.
            let until = now + pause.min(self.pause.max(Duration::from_secs(300)));
            state.until = Some(state.until.map_or(until, |known| known.max(until)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_tries_once_and_closes() {
        let pause = Duration::from_secs(30);
        let (breaker, start) = (Breaker::new(2, pause), Instant::now());
        breaker.failed(start, None);
        assert!(breaker.admits(start), "one failure is no reason");
        breaker.failed(start, None);
        assert!(!breaker.admits(start) && breaker.is_open(start));
        let later = start + pause;
        assert!(breaker.admits(later), "one may try");
        assert!(!breaker.admits(later), "and only one");
        breaker.failed(later, None);
        assert!(!breaker.admits(later));
        let last = later + pause;
        assert!(breaker.admits(last));
        breaker.succeeded();
        assert!(breaker.admits(last) && breaker.admits(last));
    }

    #[test]
    fn a_call_that_tried_and_learned_nothing_lets_the_next_one_try() {
        let (breaker, start) = (Breaker::new(1, Duration::from_secs(30)), Instant::now());
        breaker.failed(start, None);
        let later = start + Duration::from_secs(30);
        assert!(breaker.admits(later) && !breaker.admits(later));
        breaker.untried();
        assert!(breaker.admits(later), "and it stays open until one succeeds");
        assert!(!breaker.admits(later));
    }

    #[test]
    fn a_wait_that_the_server_names_is_kept_within_bounds() {
        let (breaker, start) = (Breaker::new(5, Duration::from_secs(30)), Instant::now());
        breaker.failed(start, Some(Duration::from_secs(60)));
        assert!(!breaker.admits(start + Duration::from_secs(59)));
        assert!(breaker.admits(start + Duration::from_secs(60)));
        breaker.failed(start, Some(Duration::from_secs(1_000_000)));
        assert!(breaker.admits(start + Duration::from_secs(600)));
    }
}
