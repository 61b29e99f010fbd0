//! Answers that were given before, for those who say how old one may be.
//!
//! In: an order that names an age, and its guarded plan. Out: an answer of the same plan, read
//! within that age for somebody who may see the same; else nothing, and the order is run. Equal
//! orders at the same time wait for one of them and share its answer. Only answers that ended
//! well are kept, only where an age was asked for, and no more than `execution.result_cache`
//! bytes of them. What anybody was given of a question is the oldest that is given of it again,
//! whether an age was asked for or not. Absent on purpose: any guess that a source has not
//! changed, and what other processes gave.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use air_engine::GuardedPlan;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::OwnedMutexGuard;

use super::sources::Ready;
use super::{Finished, Order, Question, running};
use crate::access;
use crate::admission::timed_out;
use crate::contract::types::ErrorCode;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::checksum;

/// What tells questions apart: the plan with all its values, and all that it is read from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(String);

/// No answer takes more than this part of the whole.
const LARGEST: u64 = 4;

struct Kept {
    finished: Finished,
    /// When its rows were asked for.
    read: Instant,
    bytes: u64,
}

#[derive(Default)]
struct Inner {
    kept: HashMap<Key, Arc<Kept>>,
    /// The oldest first.
    order: VecDeque<Key>,
    bytes: u64,
    turns: HashMap<Key, Gate>,
}

/// One run at a time of each question that says how old its answer may be.
#[derive(Default)]
struct Gate {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// When the rows were asked for that others were given meanwhile.
    given: Option<Instant>,
}

/// Answers by question. One for the process.
pub(crate) struct Answers {
    inner: Mutex<Inner>,
    most: u64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How the answers do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// The turn of a question: nobody else runs it meanwhile.
pub(super) struct Turn<'a> {
    answers: &'a Answers,
    key: Key,
    held: Option<OwnedMutexGuard<()>>,
}

impl Answers {
    /// Keeps at most `most` bytes of rows.
    pub(crate) fn new(most: u64) -> Self {
        let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { inner: Mutex::default(), most, hits, misses }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Entries go in and out whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn figures(&self) -> Figures {
        let inner = self.inner();
        Figures {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: inner.kept.len() as u64,
            bytes: inner.bytes,
        }
    }

    /// An answer that is young enough, and was judged at a `now` that is near enough: how fresh
    /// the rows are and which period is whole is told of that moment.
    fn find(&self, key: &Key, max_age: Duration, now: Timestamp) -> Option<Finished> {
        let kept = self.inner().kept.get(key).cloned();
        let near =
            |kept: &Kept| now.duration_since(kept.finished.order.now).unsigned_abs() <= max_age;
        let found = kept.filter(|kept| kept.read.elapsed() <= max_age && near(kept));
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found.map(|kept| kept.finished.clone())
    }

    /// Keeps an answer, unless a later one was given.
    fn keep(&self, key: &Key, finished: &Finished, read: Instant) {
        let mut inner = self.inner();
        let later = inner.turns.get(key).is_some_and(|gate| gate.given > Some(read));
        if !later {
            inner.keep(key, finished, read, self.most);
        }
    }

    /// Whether nobody asks for answers of an age, and nobody did lately.
    fn idle(&self) -> bool {
        let inner = self.inner();
        inner.kept.is_empty() && inner.turns.is_empty()
    }

    /// An answer is about to be given to somebody who asked for no age: nothing older is given
    /// after it. It is kept where an answer of the question is kept or waited for.
    fn given(&self, key: &Key, finished: &Finished, read: Instant) {
        let mut inner = self.inner();
        let waited = inner.turns.get_mut(key).map(|gate| gate.given = gate.given.max(Some(read)));
        if waited.is_some() || inner.kept.contains_key(key) {
            inner.keep(key, finished, read, self.most);
        }
    }
}

/// About what an answer takes beside its rows.
const OVERHEAD: u64 = 8 * 1024;

impl Inner {
    /// Puts an answer in the place of an older one, which goes where the new one is too large too.
    fn keep(&mut self, key: &Key, finished: &Finished, read: Instant, most: u64) {
        if self.kept.get(key).is_some_and(|kept| kept.read > read) {
            return;
        }
        self.remove(key);
        let bytes = finished.rows.get_array_memory_size() as u64 + OVERHEAD;
        if bytes > most / LARGEST {
            return;
        }
        self.bytes += bytes;
        self.kept.insert(key.clone(), Arc::new(Kept { finished: finished.clone(), read, bytes }));
        self.order.push_back(key.clone());
        while self.bytes > most {
            let Some(oldest) = self.order.front().cloned() else { break };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(kept) = self.kept.remove(key) {
            self.bytes -= kept.bytes;
            self.order.retain(|known| known != key);
        }
    }
}

/// The turn of an order that says how old its answer may be; none where it does not.
pub(super) async fn turn<'a>(
    app: &'a App,
    order: &Order,
    ready: &Ready,
    (question, guarded): (&Question, &GuardedPlan),
    slot: &running::Slot,
) -> Result<Option<Turn<'a>>, ApiError> {
    if order.max_age.is_none() || app.answers.most == 0 {
        return Ok(None);
    }
    let key = key(app, order, ready, question, guarded);
    let gate = Arc::clone(&app.answers.inner().turns.entry(key.clone()).or_default().turn);
    let mut turn = Turn { answers: &app.answers, key, held: None };
    let limit = app.config.execution.query_timeout;
    let deadline = order.deadline.min(Instant::now() + limit);
    tokio::select! {
        biased;
        () = slot.cancelled() => {
            Err(ApiError::new(ErrorCode::NotRunning, "The run was cancelled before it ended."))
        }
        () = tokio::time::sleep_until(deadline.into()) => Err(timed_out(limit)),
        held = gate.lock_owned() => {
            turn.held = Some(held);
            Ok(Some(turn))
        }
    }
}

impl Turn<'_> {
    /// An answer that is young enough.
    pub(super) fn answer(&self, order: &Order) -> Option<Finished> {
        self.answers.find(&self.key, order.max_age?, order.now)
    }

    pub(super) fn keep(&self, finished: &Finished, read: Instant) {
        self.answers.keep(&self.key, finished, read);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        drop(self.held.take());
        let mut inner = self.answers.inner();
        // Nobody else waits where the map alone holds the gate.
        if inner.turns.get(&self.key).is_some_and(|gate| Arc::strong_count(&gate.turn) == 1) {
            inner.turns.remove(&self.key);
        }
    }
}

/// Tells of rows that were read afresh, before they are given to who asked for no age.
pub(super) fn given(
    app: &App,
    ready: &Ready,
    (question, guarded): (&Question, &GuardedPlan),
    finished: &Finished,
    read: Instant,
) {
    // A question is told apart only where somebody may be given what is kept of it.
    if app.answers.most > 0 && !app.answers.idle() {
        let key = key(app, &finished.order, ready, question, guarded);
        app.answers.given(&key, finished, read);
    }
}

fn key(app: &App, order: &Order, ready: &Ready, question: &Question, guarded: &GuardedPlan) -> Key {
    let asked = match question {
        Question::Ir(ir) => ir.to_json(),
        Question::Sql(text) => json!(text),
    };
    let versions: Vec<_> = ready.prepared.catalogs().map(|c| (&c.source, &c.version)).collect();
    let others: Vec<_> =
        order.question.sources().iter().filter_map(|name| name.parse().ok()).collect();
    let sources = std::iter::once(&order.datasource).chain(&others);
    let prints = access::fingerprints(&app.config.policies, &order.principal, sources);
    let whole = json!([
        order.datasource,
        asked,
        guarded.identity(),
        versions,
        ready.opened(),
        prints,
        app.config.execution.pushdown,
    ]);
    Key(checksum(&whole))
}
