//! A connection for the time of one query.
//!
//! In: a pool. Out: a session in a read-only transaction that can no longer be made to write.
//! Given back in order, the connection serves again. Dropped before, for whatever reason, its
//! query is cancelled in the server and the connection closed: a cancel request may arrive late,
//! and must not meet the next query.

use super::faults::Faults;
use super::wire::Wire;
use crate::database::DatabaseError;
use deadpool_postgres::{Object, Pool, Timeouts};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::{CancelToken, Client, Error, Statement};

/// How much longer than the server's own deadline is waited for it to tell.
const GRACE: Duration = Duration::from_secs(5);

/// Between requests to cancel one query.
const AGAIN: Duration = Duration::from_millis(200);

pub(super) struct Lease {
    connection: Option<Object>,
    cancel: CancelToken,
    wire: Wire,
    faults: Arc<Faults>,
    runtime: Handle,
    begun: Instant,
    /// Its place among those that runs share, where the run that reads has not taken it itself.
    place: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// A session in which nothing has begun.
    pub(super) async fn take(
        pool: &Pool,
        wire: &Wire,
        faults: &Arc<Faults>,
    ) -> Result<Self, DatabaseError> {
        let connection = pool.get().await.map_err(|e| faults.of_pool(e))?;
        Ok(Self::of(connection, wire, faults))
    }

    /// A session in which nothing has begun, one more for who has one already: none where nothing
    /// is free now, in the pool or among `places`, or where no connection can be made.
    pub(super) async fn spare(
        pool: &Pool,
        wire: &Wire,
        faults: &Arc<Faults>,
        places: Option<&Arc<Semaphore>>,
    ) -> Option<Self> {
        let place = match places {
            Some(places) => Some(Arc::clone(places).try_acquire_owned().ok()?),
            None => None,
        };
        let limit = Some(faults.connect_timeout);
        let now = Timeouts { wait: Some(Duration::ZERO), create: limit, recycle: limit };
        match pool.timeout_get(&now).await {
            Ok(connection) => {
                let mut lease = Self::of(connection, wire, faults);
                lease.place = place;
                Some(lease)
            }
            Err(error) => {
                let error = faults.of_pool(error);
                tracing::debug!(source.id = %faults.id, %error, "there is no further connection");
                None
            }
        }
    }

    fn of(connection: Object, wire: &Wire, faults: &Arc<Faults>) -> Self {
        Self {
            cancel: connection.cancel_token(),
            connection: Some(connection),
            wire: wire.clone(),
            faults: Arc::clone(faults),
            runtime: Handle::current(),
            begun: Instant::now(),
            place: None,
        }
    }

    /// A session in which a transaction has begun.
    pub(super) async fn begin(
        pool: &Pool,
        wire: &Wire,
        faults: &Arc<Faults>,
        path: Option<&str>,
    ) -> Result<Self, DatabaseError> {
        let lease = Self::take(pool, wire, faults).await?;
        let begin = beginning(path, None);
        let begun = lease.within(lease.client()?.batch_execute(&begin)).await;
        begun?;
        Ok(lease)
    }

    /// Begins the transaction and has a query of it prepared, on one way there and back.
    pub(super) async fn prepare(
        &self,
        begin: &str,
        query: &str,
    ) -> Result<Statement, DatabaseError> {
        let client = self.client()?;
        let both = async {
            let (begun, statement) =
                futures::join!(client.batch_execute(begin), client.prepare(query));
            begun?;
            statement
        };
        self.within(both).await
    }

    pub(super) fn client(&self) -> Result<&Client, DatabaseError> {
        let gone =
            || DatabaseError::Lost { id: self.faults.id(), reason: "it was given back".to_owned() };
        self.connection.as_ref().map(|c| &***c).ok_or_else(gone)
    }

    /// What the server answers, before the deadline.
    pub(super) async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, DatabaseError> {
        let limit = self.faults.statement_timeout + GRACE;
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer.map_err(|e| self.faults.of_query(&e, self.begun)),
            Err(_) => Err(DatabaseError::TimedOut {
                id: self.faults.id(),
                what: "an answer of the server".to_owned(),
                seconds: limit.as_secs(),
            }),
        }
    }

    pub(super) fn fault(&self, error: &Error) -> DatabaseError {
        self.faults.of_query(error, self.begun)
    }

    /// Ends the transaction, discards everything the session holds (settings, temporary tables,
    /// locks, cursors, statements) and gives the connection back. A session that does not come
    /// back from that is closed.
    pub(super) async fn end(mut self) {
        let clean = async {
            let client = self.client()?;
            let both = async {
                let (rolled_back, discarded) = futures::join!(
                    client.batch_execute("ROLLBACK"),
                    client.batch_execute("DISCARD ALL")
                );
                rolled_back.and(discarded)
            };
            self.within(both).await
        };
        match (clean.await, self.connection.take()) {
            (Ok(()), _) => {}
            (Err(error), Some(connection)) => {
                tracing::debug!(source.id = %self.faults.id, %error, "a connection is closed");
                drop(Object::take(connection));
            }
            (Err(_), None) => {}
        }
    }
}

/// How a transaction begins, with a path and a limit of its own where they are given. After a
/// first query, the server refuses to make it one that writes.
pub(super) fn beginning(path: Option<&str>, limit: Option<Duration>) -> String {
    let path = path.map(|p| format!("SET LOCAL search_path = {p};")).unwrap_or_default();
    let limit = limit.map(|l| format!("SET LOCAL statement_timeout = {};", l.as_millis()));
    format!("BEGIN TRANSACTION READ ONLY; {path} {} SELECT 1", limit.unwrap_or_default())
}

/// As [`beginning`], for a transaction that sees the same in all its queries: what it finds, or
/// what another one sees that is still open.
pub(super) fn beginning_as_of(path: Option<&str>, snapshot: Option<&Snapshot>) -> String {
    let path = path.map(|p| format!("SET LOCAL search_path = {p};")).unwrap_or_default();
    let snapshot = snapshot.map(|s| format!("SET TRANSACTION SNAPSHOT '{}';", s.0));
    format!(
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; {} {path} SELECT 1",
        snapshot.unwrap_or_default()
    )
}

/// What a transaction sees, by the name the server gave it.
pub(super) struct Snapshot(String);

impl Snapshot {
    /// None where the name is not one that can stand in a statement, which takes no values.
    pub(super) fn named(name: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        (!name.is_empty() && name.bytes().all(plain)).then(|| Self(name.to_owned()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let (cancel, wire) = (self.cancel.clone(), self.wire.clone());
        let id = self.faults.id();
        let limit = self.faults.connect_timeout;
        let place = self.place.take();
        self.runtime.spawn(async move {
            let stop = async {
                // Answered only when the query has ended; until then the place in the pool is
                // taken, so that a source never has more queries running than connections.
                let mut ended = Box::pin(connection.batch_execute("ROLLBACK"));
                // A request that comes before its query has begun is without effect, and the
                // query may still be on its way: it is asked again until there is an answer.
                loop {
                    if let Err(error) = wire.cancel(&cancel).await {
                        tracing::warn!(source.id = %id, %error, "a query could not be cancelled");
                    }
                    if let Ok(answer) = tokio::time::timeout(AGAIN, &mut ended).await {
                        return answer;
                    }
                }
            };
            if tokio::time::timeout(limit, stop).await.is_err() {
                tracing::warn!(source.id = %id, "a cancelled query did not end in time");
            }
            drop(Object::take(connection));
            drop(place);
        });
    }
}
