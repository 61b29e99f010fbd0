//! One query from its start to its end in the server.
//!
//! In: a query. Out: its rows as batches through a bounded channel. A task of its own holds the
//! connection, so that a reader that goes away does not leave the server working: the task then
//! ends it by `KILL` from another connection.

use super::Server;
use super::decode::Decoder;
use super::params::params;
use super::server::GRACE;
use crate::database::{DatabaseError, external};
use crate::error::SourceError;
use air_engine::RemoteQuery;
use datafusion::arrow::array::RecordBatch;
use datafusion::error::Result as EngineResult;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use mysql_async::prelude::Queryable;
use mysql_async::{BinaryProtocol, Conn, QueryResult};
use std::sync::Arc;
use tokio::sync::mpsc::{Sender, channel};

type Batches = Sender<EngineResult<RecordBatch>>;

/// How a query ended that did not give all its rows.
enum Stopped {
    /// Nobody reads on.
    Abandoned,
    /// The server answered with an error; the connection is sound.
    Failed(SourceError),
    /// The rows do not fit, and some are not read yet.
    Unread(SourceError),
    /// The server did not answer, or the connection is lost.
    Lost(SourceError),
}

impl From<DatabaseError> for Stopped {
    fn from(error: DatabaseError) -> Self {
        Self::Failed(error.into())
    }
}

fn unread(error: DatabaseError) -> Stopped {
    Stopped::Unread(error.into())
}

/// Starts `query` and gives its rows as they come.
pub(super) fn rows(server: Arc<Server>, query: RemoteQuery) -> SendableRecordBatchStream {
    let schema = Arc::clone(&query.schema);
    let (batches, received) = channel(1);
    tokio::spawn(run(server, query, batches));
    let stream = futures::stream::unfold(received, |mut received| async {
        received.recv().await.map(|batch| (batch, received))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, stream))
}

async fn run(server: Arc<Server>, query: RemoteQuery, batches: Batches) {
    let connection = tokio::select! {
        biased;
        () = batches.closed() => return,
        connection = server.connection() => connection,
    };
    let mut conn = match connection {
        Ok(conn) => conn,
        Err(error) => {
            // Whoever asked may be gone; then nobody misses the error.
            let _ = batches.send(Err(external(error))).await;
            return;
        }
    };
    let outcome = tokio::select! {
        biased;
        () = batches.closed() => Err(Stopped::Abandoned),
        outcome = read(&server, &mut conn, &query, &batches) => outcome,
    };
    match outcome {
        Ok(()) => {
            drop(batches);
            server.give_back(conn).await;
        }
        Err(Stopped::Abandoned) => server.end(conn).await,
        Err(Stopped::Failed(error)) => {
            server.give_back(conn).await;
            let _ = batches.send(Err(external(error))).await;
        }
        Err(Stopped::Unread(error) | Stopped::Lost(error)) => {
            let _ = batches.send(Err(external(error))).await;
            server.end(conn).await;
        }
    }
}

async fn read(
    server: &Server,
    conn: &mut Conn,
    query: &RemoteQuery,
    batches: &Batches,
) -> Result<(), Stopped> {
    let params = params(&server.id, &query.sql.params)?;
    let mut result = server.timed(server.ask(conn, &query.sql.text, params)).await?;
    let columns = result.columns().unwrap_or_else(|| Arc::from(Vec::new()));
    let decoder = Decoder::new(&server.id, Arc::clone(&query.schema), &columns);
    let mut decoder = decoder.map_err(unread)?;
    loop {
        let more = server.timed(fill(server, &mut result, &mut decoder)).await?;
        if let Some(batch) = decoder.finish().map_err(unread)? {
            batches.send(Ok(batch)).await.map_err(|_| Stopped::Abandoned)?;
        }
        if !more {
            return Ok(());
        }
    }
}

/// Reads rows until a batch is full, or there are no more, which is false.
async fn fill(
    server: &Server,
    result: &mut QueryResult<'_, 'static, BinaryProtocol>,
    decoder: &mut Decoder,
) -> Result<bool, Stopped> {
    while !decoder.is_full() {
        match result.next().await {
            Ok(Some(row)) => decoder.push(&row).map_err(unread)?,
            Ok(None) => return Ok(false),
            Err(error) => return Err(server.stopped(&error)),
        }
    }
    Ok(true)
}

impl Server {
    /// Asks one query in a read-only transaction of its own.
    async fn ask<'c>(
        &self,
        conn: &'c mut Conn,
        text: &str,
        params: mysql_async::Params,
    ) -> Result<QueryResult<'c, 'static, BinaryProtocol>, Stopped> {
        if !reads(text) {
            return Err(self.not_a_query());
        }
        let begun = conn.query_drop(self.begin.as_str()).await;
        begun.map_err(|e| self.stopped(&e))?;
        let statement = conn.prep(text).await.map_err(|e| self.stopped(&e))?;
        if statement.num_columns() == 0 {
            return Err(self.not_a_query());
        }
        let given = match &params {
            mysql_async::Params::Positional(values) => values.len(),
            _ => 0,
        };
        if usize::from(statement.num_params()) != given {
            let reason = format!(
                "the query has {} places for values, and {given} were given",
                statement.num_params()
            );
            return Err(DatabaseError::Answer { id: self.id.clone(), reason }.into());
        }
        conn.exec_iter(statement, params).await.map_err(|e| self.stopped(&e))
    }

    fn not_a_query(&self) -> Stopped {
        let reason = "only a query that reads is sent, a SELECT".to_owned();
        DatabaseError::Unsupported { id: self.id.clone(), reason }.into()
    }

    fn stopped(&self, error: &mysql_async::Error) -> Stopped {
        let failure = self.failure(error).into();
        if error.is_fatal() { Stopped::Lost(failure) } else { Stopped::Failed(failure) }
    }

    /// The server keeps the deadline itself; this one is for a server that answers no more.
    async fn timed<T>(&self, step: impl Future<Output = Result<T, Stopped>>) -> Result<T, Stopped> {
        let limit = self.options.statement_timeout + GRACE;
        tokio::time::timeout(limit, step).await.unwrap_or_else(|_| {
            Err(Stopped::Lost(
                DatabaseError::TimedOut {
                    id: self.id.clone(),
                    what: "waiting for rows".to_owned(),
                    seconds: limit.as_secs(),
                }
                .into(),
            ))
        })
    }

    /// Ends the transaction and lets the pool have the connection.
    async fn give_back(&self, mut conn: Conn) {
        let limit = self.options.connect_timeout;
        let ended = tokio::time::timeout(limit, conn.query_drop("ROLLBACK")).await;
        if !matches!(ended, Ok(Ok(()))) {
            self.close(conn).await;
        }
    }

    /// Ends what the connection is doing in the server, then closes it.
    async fn end(&self, conn: Conn) {
        let thread = conn.id();
        let kill = async {
            let opts = self.found().await.ok()?.opts.clone();
            let mut other = Conn::new(opts).await.ok()?;
            // The connection, not its query: one that is still on its way is ended too.
            let killed = other.query_drop(format!("KILL {thread}")).await;
            // The query may have ended by itself in the meantime.
            drop(other.disconnect().await);
            killed.ok()
        };
        let limit = self.options.connect_timeout;
        if !matches!(tokio::time::timeout(limit, kill).await, Ok(Some(()))) {
            tracing::warn!(source.id = %self.id, "a query was abandoned, but not ended in the server");
        }
        self.close(conn).await;
    }

    async fn close(&self, conn: Conn) {
        let limit = self.options.connect_timeout;
        if tokio::time::timeout(limit, conn.disconnect()).await.is_err() {
            tracing::debug!(source.id = %self.id, "a connection did not close in time");
        }
    }
}

/// Whether a text begins as a query does. The transaction and the user's rights refuse writes;
/// this keeps out what they do not know, such as `SET STATEMENT … FOR SELECT`.
pub(super) fn reads(text: &str) -> bool {
    let text = text.trim_start();
    let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    text.starts_with('(') || ["SELECT", "WITH"].iter().any(|w| word.eq_ignore_ascii_case(w))
}
