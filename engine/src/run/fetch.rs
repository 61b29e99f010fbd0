//! The rows of one query to a database, as a table of the local plan.

use super::SourceFailed;
use crate::remote::{Remote, RemoteQuery};
use crate::split::SourceQuery;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::TryStreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A table over `query`; `rows` counts what comes back.
pub(super) fn table(
    remote: &Arc<dyn Remote>,
    query: &SourceQuery,
    rows: Arc<AtomicU64>,
) -> Arc<dyn TableProvider> {
    let source = query.source.clone();
    let query = RemoteQuery {
        sql: query.sql.clone(),
        schema: Arc::clone(&query.schema),
        at_most: query.at_most,
    };
    Arc::new(Table(Arc::new(Partition { source, remote: Arc::clone(remote), query, rows })))
}

#[derive(Debug)]
struct Table(Arc<Partition>);

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.query.schema)
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
        let partition: Arc<dyn PartitionStream> = Arc::<Partition>::clone(&self.0);
        let table = StreamingTable::try_new(self.schema(), vec![partition])?;
        table.scan(state, projection, filters, limit).await
    }
}

#[derive(Debug)]
struct Partition {
    source: String,
    remote: Arc<dyn Remote>,
    query: RemoteQuery,
    rows: Arc<AtomicU64>,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.query.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (remote, query) = (Arc::clone(&self.remote), self.query.clone());
        let rows = Arc::clone(&self.rows);
        let source = self.source.clone();
        let stream = async move { remote.rows(query).await };
        let stream = futures::stream::once(stream)
            .try_flatten()
            .inspect_ok(move |batch| {
                rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            })
            .map_err(move |cause| SourceFailed::of(&source, cause));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.query.schema), stream))
    }
}
