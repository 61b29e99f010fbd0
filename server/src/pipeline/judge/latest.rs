//! The moment of a table's youngest row, asked for seldom.
//!
//! The greatest time of a table is a scan of it where no index helps, whatever the run itself
//! reads. So it is kept for a while, by the plan that asks for it (with all conditions of policies
//! in it), for longer the longer it took. A run may so be judged by a moment that is some seconds
//! old; rows are never taken from here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// How long a moment serves at least.
const LEAST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_mins(5);
/// Asking takes at most this part of the time.
const PART: u32 = 20;
const MOST_KEPT: usize = 1_000;
/// From so many on, those whose time is over go first.
const MANY: usize = 64;

/// Moments by the plan that asks for them; nothing where it could not be found out in time.
#[derive(Default)]
pub(crate) struct Latest(Mutex<HashMap<String, Kept>>);

#[derive(Clone, Copy)]
struct Kept {
    moment: Option<Timestamp>,
    until: Instant,
}

impl Latest {
    /// What is kept for the key, else what `asked` finds.
    pub(super) async fn of(
        &self,
        key: String,
        asked: impl Future<Output = Option<Timestamp>>,
    ) -> Option<Timestamp> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        if let Some(kept) = kept.filter(|kept| Instant::now() < kept.until) {
            return kept.moment;
        }
        let begin = Instant::now();
        let moment = asked.await;
        let lasts = (begin.elapsed() * PART).clamp(LEAST, MOST);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Keys name the minute of their plan, so that most are never asked for again.
        if all.len() >= MANY {
            let now = Instant::now();
            all.retain(|_, kept| now < kept.until);
        }
        if all.len() >= MOST_KEPT {
            all.clear();
        }
        all.insert(key, Kept { moment, until: Instant::now() + lasts });
        moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_moment_is_asked_for_once_a_while_and_each_key_has_its_own() {
        let latest = Latest::default();
        let moment = |second| Timestamp::from_second(second).ok();
        assert_eq!(latest.of("a".into(), async { moment(1) }).await, moment(1));
        assert_eq!(latest.of("a".into(), async { moment(2) }).await, moment(1));
        assert_eq!(latest.of("b".into(), async { None }).await, None);
        assert_eq!(latest.of("b".into(), async { moment(2) }).await, None);
        latest.0.lock().unwrap().get_mut("a").unwrap().until = Instant::now();
        assert_eq!(latest.of("a".into(), async { moment(3) }).await, moment(3));
    }
}
