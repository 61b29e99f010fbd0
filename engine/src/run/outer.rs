//! Outer joins, of which the engine thinks that a column stays the same in all rows where it is the
//! same on the side that is null in some of them.
//!
//! In: a physical plan before its sorts are decided. Out: the same plan, each such join under a
//! node that promises nothing of the order. Without it an `ORDER BY` over a column of the joined
//! table, where a filter gives that one value, was left out as done.

use super::unordered::Unordered;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinType, Result};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
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
            true => Ok(Transformed::yes(Arc::new(Unordered::new(node)) as _)),
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
