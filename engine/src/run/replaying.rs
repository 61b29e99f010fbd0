//! Joins by any condition, which may not read their smaller side a second time.
//!
//! In: a physical plan. Out: the same plan, each nested loop join run without a disk, and what it
//! reads run with one again. Where the smaller side does not fit in memory, DataFusion 55 runs
//! that side again to write it to disk. Files are read once: what the first run took is not there
//! for the second, which found nothing, or would find the rest alone; and of the rows that have no
//! partner some are lost. Without a disk the join says that memory is short. To be taken out with
//! the release that writes the rows it has (issues 24676, 24745 and 22641).

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, replace_children_if_necessary,
};
use std::sync::Arc;

/// To be run after all rules that look at joins.
#[derive(Debug)]
pub(super) struct NestedLoops {
    with_disk: Arc<RuntimeEnv>,
    without: Arc<RuntimeEnv>,
}

impl NestedLoops {
    pub(super) fn new(with_disk: &Arc<RuntimeEnv>) -> Result<Self> {
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled).build()?;
        let mut without = with_disk.as_ref().clone();
        without.disk_manager = Arc::new(disk);
        Ok(Self { with_disk: Arc::clone(with_disk), without: Arc::new(without) })
    }

    fn join(&self, node: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let sides = node.children().into_iter().map(|side| within(side, &self.with_disk));
        let sides = sides.collect();
        let join = replace_children_if_necessary(node, sides)?;
        Ok(within(&join, &self.without))
    }
}

impl PhysicalOptimizerRule for NestedLoops {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wrapped = plan.transform_up(|node| match node.is::<NestedLoopJoinExec>() {
            true => Ok(Transformed::yes(self.join(node)?)),
            false => Ok(Transformed::no(node)),
        });
        wrapped.data()
    }

    fn name(&self) -> &'static str {
        "NestedLoops"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn within(input: &Arc<dyn ExecutionPlan>, env: &Arc<RuntimeEnv>) -> Arc<dyn ExecutionPlan> {
    Arc::new(Within { input: Arc::clone(input), env: Arc::clone(env) })
}

/// A part of a plan that runs with resources of its own.
#[derive(Debug)]
struct Within {
    input: Arc<dyn ExecutionPlan>,
    env: Arc<RuntimeEnv>,
}

impl DisplayAs for Within {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Within")
    }
}

impl ExecutionPlan for Within {
    fn name(&self) -> &'static str {
        "Within"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
        match children.first() {
            Some(input) => Ok(within(input, &self.env)),
            None => Ok(self),
        }
    }

    fn execute(
        &self,
        partition: usize,
        given: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let context = TaskContext::new(
            given.task_id(),
            given.session_id(),
            given.session_config().clone(),
            given.scalar_functions().clone(),
            given.higher_order_functions().clone(),
            given.aggregate_functions().clone(),
            given.window_functions().clone(),
            Arc::clone(&self.env),
        );
        self.input.execute(partition, Arc::new(context))
    }
}
