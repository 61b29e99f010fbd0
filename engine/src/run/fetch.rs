//! The rows of one query to a database, as a table of the local plan.

use super::{Sent, SourceFailed};
use crate::remote::{Remote, RemoteQuery};
use crate::sql::Sql;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::stream::select_all;
use futures::{StreamExt, TryStreamExt};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Batches that a source may be ahead of what is done with them.
const AHEAD: usize = 2;

/// What was really sent, in the order it was.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Vec<Entry>>);

/// One query: its parts, each with the number of its rows.
#[derive(Debug)]
struct Entry {
    source: String,
    parts: Vec<(Sql, Arc<AtomicU64>)>,
}

impl Log {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a query that is being sent.
    fn add(&self, source: &str, sql: &Sql) -> usize {
        let mut entries = self.entries();
        let parts = vec![(sql.clone(), Arc::default())];
        entries.push(Entry { source: source.to_owned(), parts });
        entries.len() - 1
    }

    /// What was sent for a query; the counters are for the rows of each part.
    fn counters(&self, query: usize, parts: Vec<Sql>) -> Vec<Arc<AtomicU64>> {
        let counters: Vec<Arc<AtomicU64>> = parts.iter().map(|_| Arc::default()).collect();
        if let Some(entry) = self.entries().get_mut(query) {
            entry.parts = parts.into_iter().zip(counters.iter().cloned()).collect();
        }
        counters
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        let entries = self.entries();
        let of = |entry: &Entry, (sql, rows): &(Sql, Arc<AtomicU64>)| Sent {
            source: entry.source.clone(),
            sql: sql.clone(),
            rows: rows.load(Ordering::Relaxed),
        };
        entries.iter().flat_map(|e| e.parts.iter().map(move |part| of(e, part))).collect()
    }
}

/// The rows of a query as they come.
pub(super) async fn rows(
    remote: &Arc<dyn Remote>,
    source: &str,
    query: RemoteQuery,
    log: &Log,
) -> Result<SendableRecordBatchStream> {
    let number = log.add(source, &query.sql);
    let counters = log.counters(number, vec![query.sql.clone()]);
    let (source, schema) = (source.to_owned(), Arc::clone(&query.schema));
    let rows = remote.rows(query).await.map_err(|cause| SourceFailed::of(&source, cause))?;
    let rows = rows
        .map_err(move |cause| SourceFailed::of(&source, cause))
        .inspect_ok(move |batch| counters.iter().for_each(|counter| count(counter, batch)));
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}

fn count(counter: &AtomicU64, batch: &RecordBatch) {
    counter.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
}

/// A table over a query to a database.
pub(super) fn table(
    remote: &Arc<dyn Remote>,
    source: &str,
    query: RemoteQuery,
    spare: Option<&Arc<Semaphore>>,
    log: &Arc<Log>,
) -> Arc<dyn TableProvider> {
    let schema = Arc::clone(&query.schema);
    let (source, remote, log) = (source.to_owned(), Arc::clone(remote), Arc::clone(log));
    once(schema, Arc::new(Partition { source, remote, query, spare: spare.cloned(), log }))
}

/// A table of one part, which is read once.
pub(super) fn once(schema: SchemaRef, part: Arc<dyn PartitionStream>) -> Arc<dyn TableProvider> {
    Arc::new(Table { schema, part })
}

#[derive(Debug)]
struct Table {
    schema: SchemaRef,
    part: Arc<dyn PartitionStream>,
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let part = Arc::clone(&self.part);
        let table = StreamingTable::try_new(self.schema(), vec![part])?;
        table.scan(state, projection, filters, limit).await
    }
}

#[derive(Debug)]
struct Partition {
    source: String,
    remote: Arc<dyn Remote>,
    query: RemoteQuery,
    spare: Option<Arc<Semaphore>>,
    log: Arc<Log>,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.query.schema
    }

    /// The query is sent at once, beside whatever else this run waits for: a join reads one side
    /// only when it has the other.
    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (remote, query) = (Arc::clone(&self.remote), self.query.clone());
        let (source, spare, log) = (self.source.clone(), self.spare.clone(), Arc::clone(&self.log));
        let number = log.add(&source, &query.sql);
        let schema = Arc::clone(&query.schema);
        let mut ahead = RecordBatchReceiverStream::builder(Arc::clone(&schema), AHEAD);
        let output = ahead.tx();
        ahead.spawn(async move {
            let failed = |cause| SourceFailed::of(&source, cause);
            let parts = remote.parts(query, spare).await.map_err(failed)?;
            let counters = log.counters(number, parts.iter().map(|p| p.sql.clone()).collect());
            let counted = parts.into_iter().zip(counters).map(|(part, counter)| {
                part.rows.inspect_ok(move |batch| count(&counter, batch)).boxed()
            });
            // The first that fails ends the others; a query in parts is one without an order.
            let mut rows = select_all(counted);
            while let Some(batch) = rows.next().await {
                if output.send(Ok(batch.map_err(failed)?)).await.is_err() {
                    // Nobody reads on.
                    break;
                }
            }
            Ok(())
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, ahead.build()))
    }
}
