//! Limits within groups, of which the engine forgets that they ask for no order.
//!
//! In: a physical plan with all its sorts. Out: the same plan, without a limit in a grouping that
//! would run it as one of the first groups in an order. `SELECT DISTINCT ... LIMIT` is given its
//! limit where its rows have no order; where they are given one later, as a window does, it ended
//! with "Ordering direction required for DISTINCT with limit". The limit above it stays.

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use std::sync::Arc;

/// To be run after all rules that decide on sorts.
#[derive(Debug)]
pub(super) struct UnorderedLimits;

impl PhysicalOptimizerRule for UnorderedLimits {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let freed = plan.transform_up(|node| match node.downcast_ref::<AggregateExec>() {
            Some(groups) if is_mistaken(groups) => {
                Ok(Transformed::yes(Arc::new(groups.with_new_limit_options(None)) as _))
            }
            _ => Ok(Transformed::no(node)),
        });
        freed.data()
    }

    fn name(&self) -> &'static str {
        "UnorderedLimits"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn is_mistaken(groups: &AggregateExec) -> bool {
    groups.limit_options().is_some_and(|limit| limit.descending().is_none())
        && !groups.is_unordered_unfiltered_group_by_distinct()
}
