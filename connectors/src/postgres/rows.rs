//! One query to a stream of batches.
//!
//! In: text and values of the SQL writer. Out: Arrow batches. A small result comes by a prepared
//! statement and is decoded where it is read; a large one comes by binary `COPY` of the same query
//! and is decoded beside the network while its reader works. Both go through the same decoders.

use super::batches::Batches;
use super::inline::inlined;
use super::lease::Lease;
use super::params::{Encoded, encoded};
use crate::database::DatabaseError;
use air_engine::RemoteQuery;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::{
    RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter,
};
use futures::stream::try_unfold;
use futures::{FutureExt, Stream, StreamExt};
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{CopyOutStream, Error, RowStream, Statement};

/// Results known to be no larger are read by a prepared statement: the rows of a report, with the
/// one more that shows whether there are more.
const SMALL: u64 = 10_000;

/// Batches that wait for their reader.
const WAITING: usize = 2;

type To = Sender<Result<RecordBatch>>;

enum Rows {
    Prepared(Pin<Box<RowStream>>),
    Copy(Pin<Box<CopyOutStream>>),
}

/// Starts the query in a transaction of its own, which `begin` begins; its rows come by the stream.
pub(super) async fn rows(
    id: &str,
    lease: Lease,
    begin: &str,
    query: &RemoteQuery,
) -> Result<SendableRecordBatchStream, DatabaseError> {
    match lease.prepare(begin, &query.sql.text).await {
        Ok(statement) => sent(id, lease, &statement, query).await,
        Err(error) => Err(over(lease, error).await),
    }
}

/// Starts a query that has been prepared in its transaction; its rows come by the stream.
pub(super) async fn sent(
    id: &str,
    lease: Lease,
    statement: &Statement,
    query: &RemoteQuery,
) -> Result<SendableRecordBatchStream, DatabaseError> {
    match start(id, &lease, statement, query).await {
        Ok((batches, rows)) => {
            let schema = Arc::clone(&query.schema);
            let rows = match rows {
                // Another thread would cost more than there is to do.
                Rows::Prepared(stream) if is_small(query) => {
                    return Ok(in_place(schema, lease, batches, stream));
                }
                rows => rows,
            };
            let mut stream = RecordBatchReceiverStreamBuilder::new(schema, WAITING);
            // Dropping the stream drops this task, and with it the lease, which cancels.
            let task = read(lease, batches, rows, stream.tx());
            stream.spawn(task);
            Ok(stream.build())
        }
        Err(error) => Err(over(lease, error).await),
    }
}

/// Ends what failed so; the error is who asked's.
pub(super) async fn over(lease: Lease, error: DatabaseError) -> DatabaseError {
    // What the server refused is over; a connection in doubt is closed by its drop.
    if let DatabaseError::TimedOut { .. } = error {
        drop(lease);
    } else {
        lease.end().await;
    }
    error
}

fn is_small(query: &RemoteQuery) -> bool {
    query.at_most.is_some_and(|rows| rows <= SMALL)
}

async fn start(
    id: &str,
    lease: &Lease,
    statement: &Statement,
    query: &RemoteQuery,
) -> Result<(Batches, Rows), DatabaseError> {
    let client = lease.client()?;
    if statement.columns().is_empty() {
        let reason = "the statement is no query, and nothing else is run".to_owned();
        return Err(DatabaseError::Answer { id: id.to_owned(), reason });
    }
    let batches = Batches::new(id, &query.schema, statement.columns(), query.at_most)?;
    let values = encoded(id, &query.sql.params, statement.params())?;
    let copy = match is_small(query) {
        true => None,
        false => inlined(&query.sql.text, &query.sql.params, statement.params()),
    };
    let rows = match copy {
        // The text within the brackets was parsed by the server as one statement of its own, and
        // was read here to its end: it closes no bracket that it has not opened.
        Some(text) => {
            let text = format!("COPY ({text}) TO STDOUT (FORMAT binary)");
            Rows::Copy(Box::pin(lease.within(client.copy_out(&text)).await?))
        }
        None => Rows::Prepared(Box::pin(bound(lease, statement, values).await?)),
    };
    Ok((batches, rows))
}

async fn bound(
    lease: &Lease,
    statement: &Statement,
    values: Vec<Encoded>,
) -> Result<RowStream, DatabaseError> {
    lease.within(lease.client()?.query_raw(statement, values)).await
}

async fn read(lease: Lease, mut batches: Batches, rows: Rows, to: To) -> Result<()> {
    let read = match rows {
        Rows::Copy(stream) => copied(&lease, &mut batches, stream, &to).await,
        Rows::Prepared(stream) => fetched(&lease, &mut batches, stream, &to).await,
    };
    match read {
        // The reader has all its rows; the end of the transaction is not its to wait for.
        Ok(true) => drop(tokio::spawn(lease.end())),
        // Nobody reads on: the drop cancels what is left.
        Ok(false) => drop(lease),
        Err(error) => {
            drop(lease);
            return Err(DataFusionError::from(error));
        }
    }
    Ok(())
}

/// Whether all rows were read, and not given up by the reader.
async fn copied(
    lease: &Lease,
    batches: &mut Batches,
    mut stream: Pin<Box<CopyOutStream>>,
    to: &To,
) -> Result<bool, DatabaseError> {
    while let Some(message) = next(lease, &mut stream).await? {
        batches.copied(&message)?;
        if batches.is_full() && !send(batches, to).await? {
            return Ok(false);
        }
    }
    batches.check_end()?;
    send(batches, to).await
}

async fn fetched(
    lease: &Lease,
    batches: &mut Batches,
    mut stream: Pin<Box<RowStream>>,
    to: &To,
) -> Result<bool, DatabaseError> {
    while fill(lease, batches, &mut stream).await? {
        if !send(batches, to).await? {
            return Ok(false);
        }
    }
    send(batches, to).await
}

/// Reads rows until there is a whole batch, or no more of them.
async fn fill(
    lease: &Lease,
    batches: &mut Batches,
    stream: &mut Pin<Box<RowStream>>,
) -> Result<bool, DatabaseError> {
    while let Some(row) = next(lease, stream).await? {
        for column in 0..row.len() {
            let value: Option<Raw<'_>> = row.try_get(column).map_err(|e| lease.fault(&e))?;
            batches.value(column, value.map(|v| v.0))?;
        }
        batches.end_row();
        if batches.is_full() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Rows that are read by who asks for them. Dropping the stream drops the lease, which cancels.
fn in_place(
    schema: SchemaRef,
    lease: Lease,
    batches: Batches,
    rows: Pin<Box<RowStream>>,
) -> SendableRecordBatchStream {
    let read = try_unfold(Some((lease, batches, rows)), |left| async move {
        let Some((lease, mut batches, mut rows)) = left else { return Ok(None) };
        let more = fill(&lease, &mut batches, &mut rows).await?;
        let batch = batches.take()?;
        if more {
            return Ok(batch.map(|batch| (batch, Some((lease, batches, rows)))));
        }
        // The reader has all its rows; the end of the transaction is not its to wait for.
        drop(tokio::spawn(lease.end()));
        Ok(batch.map(|batch| (batch, None)))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, read))
}

/// The next item. A deadline is set only where it is not there already, as it mostly is.
async fn next<T>(
    lease: &Lease,
    stream: &mut (impl Stream<Item = Result<T, Error>> + Unpin),
) -> Result<Option<T>, DatabaseError> {
    match stream.next().now_or_never() {
        Some(item) => item.transpose().map_err(|e| lease.fault(&e)),
        None => lease.within(stream.next().map(Option::transpose)).await,
    }
}

/// Hands over a batch, and waits while there are too many.
async fn send(batches: &mut Batches, to: &To) -> Result<bool, DatabaseError> {
    match batches.take()? {
        Some(batch) => Ok(to.send(Ok(batch)).await.is_ok()),
        None => Ok(true),
    }
}

/// The bytes of a value as they came.
pub(super) struct Raw<'b>(pub(super) &'b [u8]);

impl<'b> FromSql<'b> for Raw<'b> {
    fn from_sql(_: &Type, raw: &'b [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
