//! The queue of entries, and the task that writes them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::store::{NewAuditEntry, Store};

/// Entries that wait at most.
const WAITING: usize = 10_000;
/// Entries written in one transaction.
const TOGETHER: usize = 500;
/// How often old entries are looked for.
const PURGE_EVERY: Duration = Duration::from_secs(3_600);

/// Takes entries until it is closed.
pub(crate) struct Audit {
    sender: Mutex<Option<Sender<NewAuditEntry>>>,
    writing: Mutex<Option<JoinHandle<()>>>,
    /// Entries that found the queue full, since the last one that told of it.
    dropped: Arc<AtomicU64>,
}

impl Audit {
    /// Begins to write; entries older than `retention` go, where there is one.
    pub(crate) fn start(store: Store, retention: Option<Duration>) -> Self {
        let (sender, receiver) = channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let writing = tokio::spawn(write(store, receiver, Arc::clone(&dropped), retention));
        Self { sender: Mutex::new(Some(sender)), writing: Mutex::new(Some(writing)), dropped }
    }

    /// Hands an entry over without waiting.
    pub(crate) fn queue(&self, entry: NewAuditEntry) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = sender.as_ref().is_some_and(|sender| sender.try_send(entry).is_ok());
        if !taken {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes what waits, and ends.
    pub(crate) async fn close(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writing) = writing {
            let _ended = writing.await;
        }
    }
}

async fn write(
    store: Store,
    mut receiver: Receiver<NewAuditEntry>,
    dropped: Arc<AtomicU64>,
    retention: Option<Duration>,
) {
    let mut purged: Option<Instant> = None;
    loop {
        if purged.is_none_or(|at| at.elapsed() >= PURGE_EVERY) {
            purge(&store, retention).await;
            purged = Some(Instant::now());
        }
        let mut entries = Vec::new();
        let waited =
            tokio::time::timeout(PURGE_EVERY, receiver.recv_many(&mut entries, TOGETHER)).await;
        match waited {
            Ok(0) => return,
            Ok(_) => {}
            Err(_) => continue,
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            entries.push(told_of(lost));
        }
        if let Err(fault) = store.audit_log().add(&entries).await {
            let lost = entries.len() as u64;
            dropped.fetch_add(lost, Ordering::Relaxed);
            tracing::error!(cause = %fault, lost, "audit entries could not be written");
        }
    }
}

/// The entry that says how many there are not.
fn told_of(lost: u64) -> NewAuditEntry {
    NewAuditEntry {
        actor: String::new(),
        role: String::new(),
        action: "audit.dropped".to_owned(),
        subject: String::new(),
        detail: json!({"entries": lost}),
        request_id: None,
    }
}

async fn purge(store: &Store, retention: Option<Duration>) {
    let Some(retention) = retention else { return };
    let oldest = Timestamp::now().checked_sub(retention).unwrap_or(Timestamp::MIN);
    if let Err(fault) = store.audit_log().purge(oldest).await {
        tracing::warn!(cause = %fault, "old audit entries could not be removed");
    }
}
