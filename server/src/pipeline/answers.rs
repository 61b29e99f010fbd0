//! Answers that were given before, for those who say how old one may be.
//!
//! In: an order that names an age, and its guarded plan. Out: an answer of the same plan, read
//! within that age for somebody who may see the same; else nothing, and the order is run. Equal
//! orders at the same time wait for one of them and share its answer. Only answers that ended
//! well are kept, only where an age was asked for, and no more than `execution.result_cache`
//! bytes of them. Absent on purpose: any guess that a source has not changed.

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
    /// One run at a time of each question.
    turns: HashMap<Key, Arc<tokio::sync::Mutex<()>>>,
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

    fn keep(&self, key: &Key, finished: &Finished, read: Instant) {
        let bytes = finished.rows.get_array_memory_size() as u64 + OVERHEAD;
        if bytes > self.most / LARGEST {
            return;
        }
        let kept = Arc::new(Kept { finished: finished.clone(), read, bytes });
        let mut inner = self.inner();
        inner.remove(key);
        inner.bytes += bytes;
        inner.kept.insert(key.clone(), kept);
        inner.order.push_back(key.clone());
        while inner.bytes > self.most {
            let Some(oldest) = inner.order.front().cloned() else { break };
            inner.remove(&oldest);
        }
    }
}

/// About what an answer takes beside its rows.
const OVERHEAD: u64 = 8 * 1024;

impl Inner {
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
    let gate = Arc::clone(app.answers.inner().turns.entry(key.clone()).or_default());
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
        if inner.turns.get(&self.key).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            inner.turns.remove(&self.key);
        }
    }
}

fn key(app: &App, order: &Order, ready: &Ready, question: &Question, guarded: &GuardedPlan) -> Key {
    let asked = match question {
        Question::Ir(ir) => ir.to_json(),
        Question::Sql(text) => json!(text),
    };
    let versions: Vec<_> = ready.prepared.catalogs().map(|c| (&c.source, &c.version)).collect();
    let opened: Vec<_> = ready.members.iter().map(|m| (&m.catalog.source, m.version)).collect();
    let others: Vec<_> =
        order.question.sources().iter().filter_map(|name| name.parse().ok()).collect();
    let sources = std::iter::once(&order.datasource).chain(&others);
    let prints = access::fingerprints(&app.config.policies, &order.principal, sources);
    let whole = json!([
        order.datasource,
        asked,
        guarded.identity(),
        versions,
        opened,
        prints,
        app.config.execution.pushdown,
    ]);
    Key(checksum(&whole))
}
