//! The processes that share a data folder: which of them live, and what the dead have left.
//!
//! Each process holds the lock of a file that is named after it, `processes/<proc_id>.lock`; the
//! system lets go of the lock however the process ends. So a process is dead when its lock can be
//! taken, or its file is gone. Whoever lives marks what the dead left running, and buries them:
//! the one that removes a dead one's file tells who was there through it.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::id::ProcessId;
use crate::service::App;
use crate::socket;
use crate::store::{DataDir, Store, StoreError, private_file};

const FOLDER: &str = "processes";
const ENDING: &str = ".lock";
const UNBORN: &str = ".new";
/// From making its file to locking it, a process takes no longer.
const BORN_WITHIN: Duration = Duration::from_secs(60);
/// How long what a dead process left may go on looking alive.
const EVERY: Duration = Duration::from_secs(2);

pub(crate) struct Processes {
    folder: PathBuf,
    own: ProcessId,
    /// Whose files this process removed, until their sockets are looked after.
    removed: Mutex<HashSet<ProcessId>>,
    /// Held as long as this process lives.
    _lock: File,
}

impl Processes {
    /// Says that this process lives.
    pub(crate) fn open(data_dir: &Path, own: &ProcessId) -> Result<Self, StoreError> {
        let folder = data_dir.join(FOLDER);
        DataDir::folder(&folder)?;
        let (own, path) = (own.clone(), folder.join(format!("{own}{ENDING}")));
        let what = "a process cannot lock its file";
        let failed = |source| StoreError::DataDir { what, path: path.clone(), source };
        // Under another name first, so that nobody finds the file before it is locked.
        let new = path.with_extension("new");
        let lock = private_file(&new).map_err(failed)?;
        lock.try_lock().map_err(|error| failed(error.into()))?;
        std::fs::rename(&new, &path).map_err(failed)?;
        Ok(Self { folder, own, removed: Mutex::default(), _lock: lock })
    }

    /// Whether a process has ended, whatever it was doing.
    pub(crate) fn is_dead(&self, process: &ProcessId) -> bool {
        if *process == self.own {
            return false;
        }
        match File::open(self.file(process)) {
            // Shared, so that two who ask at once do not take each other for the process.
            Ok(file) => !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    /// Marks what dead processes left running, and forgets them. Returns how many runs there were.
    pub(crate) async fn take_over(&self, store: &Store) -> Result<u64, StoreError> {
        let mut left = store.runs().holders().await?;
        left.extend(store.idempotency_keys().holders().await?);
        left.sort_unstable();
        left.dedup();
        let mut runs = 0;
        for process in left.iter().filter(|process| self.is_dead(process)) {
            runs += store.runs().mark_interrupted(process).await?;
            store.idempotency_keys().release_interrupted(process).await?;
        }
        if runs > 0 {
            tracing::warn!(runs, "runs of a process that has ended were marked failed");
        }
        self.sweep();
        Ok(runs)
    }

    /// Takes over now and then, until the service ends.
    pub(crate) async fn watch(app: Weak<App>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(app) = app.upgrade() else { return };
            if let Err(error) = app.processes.take_over(&app.store).await {
                tracing::warn!(%error, "what dead processes left could not be taken over");
            }
            socket::bury(&app).await;
        }
    }

    /// The dead that this process has buried since it was last asked. No other process is told
    /// of the same ones.
    pub(crate) fn buried(&self) -> HashSet<ProcessId> {
        std::mem::take(&mut *self.removed())
    }

    fn removed(&self) -> MutexGuard<'_, HashSet<ProcessId>> {
        // A set of ids is whole after a panic too.
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the files of the dead: without a file they stay dead.
    fn sweep(&self) {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for file in files {
            let name = file.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(ENDING));
            let id: Option<ProcessId> = id.and_then(|id| id.parse().ok());
            let dead = id.filter(|id| self.is_dead(id));
            let unborn = name.to_str().is_some_and(|name| name.ends_with(UNBORN));
            if dead.is_none() && !(unborn && is_left(&file.path())) {
                continue;
            }
            // Another process may have been quicker.
            let was_first = std::fs::remove_file(file.path()).is_ok();
            self.removed().extend(dead.filter(|_| was_first));
        }
    }

    fn file(&self, process: &ProcessId) -> PathBuf {
        self.folder.join(format!("{process}{ENDING}"))
    }
}

/// Whether a process ended while it was about to say that it lives.
fn is_left(path: &Path) -> bool {
    let age = std::fs::metadata(path).and_then(|file| file.modified()).ok();
    // A young one may be locked in a moment.
    let old = age.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > BORN_WITHIN);
    old && File::open(path).is_ok_and(|file| file.try_lock_shared().is_ok())
}

impl Drop for Processes {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.file(&self.own));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn a_process_lives_as_long_as_it_holds_its_lock() {
        let folder = TempDir::new().unwrap();
        let (one, two) = (ProcessId::new(), ProcessId::new());
        let first = Processes::open(folder.path(), &one).unwrap();
        let second = Processes::open(folder.path(), &two).unwrap();
        assert!(!first.is_dead(&one) && !first.is_dead(&two) && !second.is_dead(&one));
        assert!(first.is_dead(&ProcessId::new()), "nobody knows it");
        drop(second);
        assert!(first.is_dead(&two));
        // As a process leaves it that was killed: the file, and no lock.
        private_file(&first.file(&two)).unwrap();
        assert!(first.is_dead(&two));
        first.sweep();
        assert!(!first.file(&two).exists() && first.file(&one).exists());
        assert!(first.is_dead(&two));
        first.sweep();
        assert_eq!(first.buried(), HashSet::from([two]));
        assert_eq!(first.buried(), HashSet::new(), "once");
    }

    #[test]
    fn what_a_process_left_that_died_at_its_start_goes() {
        let folder = TempDir::new().unwrap();
        let first = Processes::open(folder.path(), &ProcessId::new()).unwrap();
        let of = |id: ProcessId| first.file(&id).with_extension("new");
        let (left, starting, locked) =
            (of(ProcessId::new()), of(ProcessId::new()), of(ProcessId::new()));
        let long_ago = std::time::SystemTime::now() - BORN_WITHIN * 2;
        for path in [&left, &locked] {
            private_file(path).unwrap().set_modified(long_ago).unwrap();
        }
        private_file(&starting).unwrap();
        let lock = File::open(&locked).unwrap();
        lock.try_lock().unwrap();
        first.sweep();
        assert!(!left.exists() && starting.exists() && locked.exists());
    }
}
