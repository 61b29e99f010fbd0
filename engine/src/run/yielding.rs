//! Joins that let go of their thread now and then, so that a run can be cancelled inside one.
//!
//! In: a physical plan. Out: the same plan, each join under a node that yields. DataFusion makes
//! its leaves yield; but one batch of a leaf may be joined to millions of rows, and a task that is
//! cancelled ends where it next yields.

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use std::sync::Arc;

const JOINS: [&str; 4] =
    ["HashJoinExec", "NestedLoopJoinExec", "CrossJoinExec", "SortMergeJoinExec"];

#[derive(Debug)]
pub(super) struct YieldingJoins;

impl PhysicalOptimizerRule for YieldingJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wrapped = plan.transform_up(|node| match JOINS.contains(&node.name()) {
            true => Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as _)),
            false => Ok(Transformed::no(node)),
        });
        wrapped.data()
    }

    fn name(&self) -> &'static str {
        "YieldingJoins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
