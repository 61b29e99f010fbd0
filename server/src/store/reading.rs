//! The connections that read.
//!
//! A pool like that of the library, but for one thing: that asks each connection that comes back
//! whether it is there, by a task and a walk to the connection's thread and back, which is as much
//! as most reads themselves. A connection to a file does not go away; one whose thread is gone is
//! noticed by who uses it, and replaced.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteQueryResult, SqliteRow, SqliteStatement,
    SqliteTypeInfo,
};
use sqlx::{ConnectOptions, Connection, Either, Error, Execute, Executor, SqlStr, Sqlite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::database::PATIENCE;

/// So many connections to one file, opened when they are needed. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Readers {
    most: u32,
    places: Arc<Semaphore>,
    all: Arc<All>,
}

#[derive(Debug)]
struct All {
    options: SqliteConnectOptions,
    /// The one that was used last comes last, and is used next: it has the statements at hand.
    idle: Mutex<Vec<SqliteConnection>>,
}

impl All {
    fn take(&self) -> Option<SqliteConnection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, connection: SqliteConnection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

/// A connection in use; it goes back when it is dropped.
#[derive(Debug)]
pub(super) struct Reading {
    /// `None` once its thread is gone.
    connection: Option<SqliteConnection>,
    all: Arc<All>,
    _place: OwnedSemaphorePermit,
}

impl Readers {
    /// Connections by these options, of which one is opened to see that it can be.
    pub(super) async fn open(options: SqliteConnectOptions, most: u32) -> Result<Self, Error> {
        let places = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(1)));
        let all = Arc::new(All { options, idle: Mutex::default() });
        let readers = Self { most, places, all };
        drop(readers.acquire().await?);
        Ok(readers)
    }

    /// A connection, once there is one.
    ///
    /// # Errors
    /// Where the wait was too long, the file cannot be opened, or it was closed.
    pub(super) async fn acquire(&self) -> Result<Reading, Error> {
        let place = Arc::clone(&self.places).acquire_owned();
        let place = tokio::time::timeout(PATIENCE, place).await.map_err(|_| Error::PoolTimedOut)?;
        let place = place.map_err(|_| Error::PoolClosed)?;
        let connection = match self.all.take() {
            Some(connection) => connection,
            None => self.all.options.connect().await?,
        };
        let all = Arc::clone(&self.all);
        Ok(Reading { connection: Some(connection), all, _place: place })
    }

    /// Waits for what is read, and closes every connection.
    pub(super) async fn close(&self) {
        // All places at once are the last that are given.
        let places = self.places.acquire_many(self.most).await;
        self.places.close();
        while let Some(connection) = self.all.take() {
            if let Err(error) = connection.close().await {
                tracing::warn!(cause = %error, "a connection to the control plane did not close");
            }
        }
        drop(places);
    }
}

impl Reading {
    /// Gives a result on; a connection without a thread is not used again.
    fn checked<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if matches!(result, Err(Error::WorkerCrashed)) {
            self.connection = None;
        }
        result
    }

    fn there(&mut self) -> Result<&mut SqliteConnection, Error> {
        self.connection.as_mut().ok_or(Error::WorkerCrashed)
    }

    /// Every row of a query.
    pub(super) async fn rows<'q, E>(&mut self, query: E) -> Result<Vec<SqliteRow>, Error>
    where
        E: Execute<'q, Sqlite> + 'q,
    {
        let rows = self.there()?.fetch_all(query).await;
        self.checked(rows)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.all.put(connection);
        }
    }
}

type Step = Either<SqliteQueryResult, SqliteRow>;

impl<'p> Executor<'p> for &'p Readers {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: Execute<'q, Sqlite> + 'q,
    {
        let all = async move {
            let mut reading = self.acquire().await?;
            let steps = reading.there()?.fetch_many(query).try_collect::<Vec<Step>>().await;
            let steps = reading.checked(steps)?;
            Ok::<_, Error>(stream::iter(steps.into_iter().map(Ok)))
        };
        stream::once(all).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
    where
        'p: 'e,
        E: Execute<'q, Sqlite> + 'q,
    {
        Box::pin(async move {
            let mut reading = self.acquire().await?;
            let row = reading.there()?.fetch_optional(query).await;
            reading.checked(row)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, Result<SqliteStatement, Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut reading = self.acquire().await?;
            let prepared = reading.there()?.prepare_with(sql, parameters).await;
            reading.checked(prepared)
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Sqlite>, Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut reading = self.acquire().await?;
            let described = reading.there()?.describe(sql).await;
            reading.checked(described)
        })
    }
}
