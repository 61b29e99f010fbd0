//! What a worker's part of a plan may not do in silence.
//!
//! In: the part. Out: the same rows. A panic is an error: the library reads each stream in a task
//! that nobody waits for, so rows that end with a panic would look like all there are. And where a
//! source says what is wrong with a file, its words are the error, for they alone come over the
//! wire.

use air_connectors::{SourceError, explain};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion_distributed::{WorkerPlanRewriteEvent, WorkerPlanRewriteEventResponse};
use futures::StreamExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Puts the part below a node that catches.
pub(crate) fn caught(event: WorkerPlanRewriteEvent<'_>) -> Result<WorkerPlanRewriteEventResponse> {
    Ok(WorkerPlanRewriteEventResponse::new(Arc::new(Caught(event.plan))))
}

#[derive(Debug)]
struct Caught(Arc<dyn ExecutionPlan>);

impl DisplayAs for Caught {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caught")
    }
}

impl ExecutionPlan for Caught {
    fn name(&self) -> &'static str {
        "Caught"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.into_iter().next() {
            Some(input) => Ok(Arc::new(Self(input))),
            None => Ok(self),
        }
    }

    fn execute(
        &self,
        partition: usize,
        ctx: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.0.execute(partition, ctx).map_err(told)?;
        let rows = AssertUnwindSafe(rows).catch_unwind().map(|batch| match batch {
            Ok(batch) => batch.map_err(told),
            Err(_) => {
                Err(DataFusionError::Internal("a worker panicked; its log says where".into()))
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// The error in the words of the source, where it has some.
fn told(error: DataFusionError) -> DataFusionError {
    match explain(&error) {
        SourceError::Engine { .. } => error,
        known => DataFusionError::External(Box::new(known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::{Schema, SchemaRef};
    use datafusion::arrow::record_batch::RecordBatch;
    use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

    #[derive(Debug)]
    struct Panicking(SchemaRef);

    impl PartitionStream for Panicking {
        fn schema(&self) -> &SchemaRef {
            &self.0
        }

        fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
            let empty = RecordBatch::new_empty(Arc::clone(&self.0));
            let rows = futures::stream::iter([0, 1]).map(move |turn| match turn {
                0 => Ok(empty.clone()),
                _ => panic!("on purpose"),
            });
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.0), rows))
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_no_end_of_the_rows() {
        let schema = Arc::new(Schema::empty());
        let part: Arc<dyn PartitionStream> = Arc::new(Panicking(Arc::clone(&schema)));
        let plan = StreamingTableExec::try_new(schema, vec![part], None, [], false, None).unwrap();
        let caught = Caught(Arc::new(plan));
        let mut rows = caught.execute(0, Arc::default()).unwrap();
        assert!(rows.next().await.unwrap().is_ok());
        let error = rows.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains("a worker panicked"), "{error}");
        assert!(rows.next().await.is_none());
    }
}
