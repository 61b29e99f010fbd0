//! Outer joins, of which the engine thinks that a column stays the same in all rows where it is the
//! same on the side that is null in some of them.
//!
//! In: a physical plan before its sorts are decided. Out: the same plan, each such join under a
//! node that promises nothing of the order. Without it an `ORDER BY` over a column of the joined
//! table, where a filter gives that one value, was left out as done.

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Result};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use std::sync::Arc;

/// To be run before all rules that decide on sorts.
#[derive(Debug)]
pub(super) struct OuterJoins;

impl PhysicalOptimizerRule for OuterJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wrapped = plan.transform_up(|node| match is_outer(node.as_ref()) {
            true => Ok(Transformed::yes(Arc::new(OuterJoined::new(node)) as _)),
            false => Ok(Transformed::no(node)),
        });
        wrapped.data()
    }

    fn name(&self) -> &'static str {
        "OuterJoins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether one side may be null, and something is the same in all rows of a side. What the join
/// itself says of that changes when its sides change places.
fn is_outer(node: &dyn ExecutionPlan) -> bool {
    let hash = node.downcast_ref::<HashJoinExec>().map(|join| *join.join_type());
    let nested = || node.downcast_ref::<NestedLoopJoinExec>().map(|join| *join.join_type());
    let outer =
        matches!(hash.or_else(nested), Some(JoinType::Left | JoinType::Right | JoinType::Full));
    let fixed = |side: &&Arc<dyn ExecutionPlan>| {
        !side.properties().equivalence_properties().constants().is_empty()
    };
    outer && node.children().iter().any(fixed)
}

/// The rows of a join, in no order that is known.
#[derive(Debug)]
pub(crate) struct OuterJoined {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl OuterJoined {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let given = input.properties();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            given.output_partitioning().clone(),
            given.emission_type,
            given.boundedness,
        );
        Self { properties: Arc::new(properties), input }
    }
}

impl DisplayAs for OuterJoined {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OuterJoined")
    }
}

impl ExecutionPlan for OuterJoined {
    fn name(&self) -> &'static str {
        "OuterJoined"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
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
        match children.into_iter().next() {
            Some(input) => Ok(Arc::new(Self::new(input))),
            None => Ok(self),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }
}
