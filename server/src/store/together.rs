//! Work that is asked for at the same time, done together.
//!
//! In: pieces of work of one kind, from many tasks. Out: to each what came of its own. Whoever
//! comes alone is served at once; what comes while a connection is waited for or at work is the
//! next group. So what a transaction or a look at the database costs beside its rows is shared by
//! all who wait, and nobody waits for company. A group that fails is done piece by piece, so that
//! each fails by itself. Absent on purpose: a clock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::Store;
use super::error::StoreError;

/// Pieces of one group.
const MOST: usize = 64;
/// The places of each text of a kind. A group takes the smallest that holds it, so that a handful
/// of texts stay prepared; places without a piece hold nulls.
pub(super) const SIZES: [usize; 4] = [1, 4, 16, MOST];

/// Which of [`SIZES`] holds so many pieces.
pub(super) fn size_of(pieces: usize) -> usize {
    SIZES.iter().position(|places| *places >= pieces).unwrap_or(SIZES.len() - 1)
}

/// A text with its values.
pub(super) type Text = Query<'static, Sqlite, SqliteArguments>;

/// Placeholders of so many rows.
pub(super) fn values(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!("VALUES {}", vec![row; rows].join(", "))
}

pub(super) fn nulls(text: Text, count: usize) -> Text {
    (0..count).fold(text, |text, _| text.bind(None::<String>))
}

/// A kind of work that can be done for many at once.
pub(super) trait Kind: Send + Sync + 'static {
    type Piece: Send + Sync + 'static;
    type Done: Send + 'static;
    /// A connection.
    type Turn: Send;

    /// Waits for a connection. What comes meanwhile is of the same group.
    fn turn(store: &Store) -> impl Future<Output = Result<Self::Turn, StoreError>> + Send;

    /// Does all, at least one and at most [`MOST`], in their order; or nothing, and says why.
    fn all(
        store: &Store,
        turn: &mut Self::Turn,
        pieces: &[Self::Piece],
    ) -> impl Future<Output = Result<Vec<Self::Done>, StoreError>> + Send;
}

type Answer<K> = oneshot::Sender<Result<<K as Kind>::Done, StoreError>>;

struct State<K: Kind> {
    waiting: VecDeque<(K::Piece, Answer<K>)>,
    /// Whether a task takes what waits.
    is_working: bool,
}

/// Where pieces of work of one kind wait for each other.
pub(super) struct Together<K: Kind> {
    state: Mutex<State<K>>,
    tasks: TaskTracker,
}

impl<K: Kind> Default for Together<K> {
    fn default() -> Self {
        let state = State { waiting: VecDeque::new(), is_working: false };
        Self { state: Mutex::new(state), tasks: TaskTracker::new() }
    }
}

impl<K: Kind> fmt::Debug for Together<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

impl<K: Kind> Together<K> {
    /// What comes of a piece of work. It is done to its end also where nobody waits any more.
    pub(super) async fn done(
        self: &Arc<Self>,
        store: &Store,
        piece: K::Piece,
    ) -> Result<K::Done, StoreError> {
        let (answer, done) = oneshot::channel();
        if self.put(piece, answer) {
            let (together, store) = (Arc::clone(self), store.clone());
            self.tasks.spawn(async move { together.work(&store).await });
        }
        done.await.unwrap_or_else(|_| Err(StoreError::Database(sqlx::Error::WorkerCrashed)))
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// True: nobody takes it yet.
    fn put(&self, piece: K::Piece, answer: Answer<K>) -> bool {
        let mut state = self.state();
        state.waiting.push_back((piece, answer));
        !std::mem::replace(&mut state.is_working, true)
    }

    async fn work(&self, store: &Store) {
        let mut shift = Shift { together: self, is_over: false };
        while shift.goes_on() {
            match K::turn(store).await {
                Ok(turn) => self.group(store, turn).await,
                // There is no turn for any of them.
                Err(error) => {
                    let all = self.take(usize::MAX).1;
                    all.into_iter().for_each(|answer| drop(answer.send(Err(alike(&error)))));
                    tracing::warn!(cause = %error, "the control plane gave no turn");
                }
            }
        }
    }

    async fn group(&self, store: &Store, mut turn: K::Turn) {
        let (pieces, answers) = self.take(MOST);
        let done = K::all(store, &mut turn, &pieces).await;
        drop(turn);
        match done {
            Ok(done) => {
                let all = answers.into_iter().zip(done);
                all.for_each(|(answer, done)| drop(answer.send(Ok(done))));
            }
            Err(error) if matches!(error, StoreError::Busy(_)) => {
                answers.into_iter().for_each(|answer| drop(answer.send(Err(alike(&error)))));
            }
            Err(error) => match <[Answer<K>; 1]>::try_from(answers) {
                Ok([answer]) => drop(answer.send(Err(error))),
                Err(answers) => self.each(store, pieces, answers).await,
            },
        }
    }

    /// One after another, each by itself.
    async fn each(&self, store: &Store, pieces: Vec<K::Piece>, answers: Vec<Answer<K>>) {
        for (piece, answer) in pieces.into_iter().zip(answers) {
            let done = match K::turn(store).await {
                Ok(mut turn) => K::all(store, &mut turn, &[piece]).await,
                Err(error) => Err(error),
            };
            let gone = || StoreError::Database(sqlx::Error::RowNotFound);
            let done = done.and_then(|done| done.into_iter().next().ok_or_else(gone));
            drop(answer.send(done));
        }
    }

    fn take(&self, most: usize) -> (Vec<K::Piece>, Vec<Answer<K>>) {
        let mut state = self.state();
        let some = state.waiting.len().min(most);
        state.waiting.drain(..some).unzip()
    }

    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that takes what waits. If it breaks off, who waits is told, and another begins.
struct Shift<'t, K: Kind> {
    together: &'t Together<K>,
    is_over: bool,
}

impl<K: Kind> Shift<'_, K> {
    fn goes_on(&mut self) -> bool {
        let mut state = self.together.state();
        self.is_over = state.waiting.is_empty();
        state.is_working = !self.is_over;
        !self.is_over
    }
}

impl<K: Kind> Drop for Shift<'_, K> {
    fn drop(&mut self) {
        if !self.is_over {
            let mut state = self.together.state();
            state.is_working = false;
            state.waiting.clear();
        }
    }
}

/// An error for each of those that failed by one.
fn alike(error: &StoreError) -> StoreError {
    match error {
        StoreError::Busy(_) => StoreError::Busy(sqlx::Error::PoolTimedOut),
        _ => StoreError::Database(sqlx::Error::PoolClosed),
    }
}
