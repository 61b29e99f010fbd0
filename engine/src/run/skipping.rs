//! Limits that skip rows, below which the engine sorts too few.
//!
//! In: a physical plan before its sorts are decided. Out: the same plan, each limit that skips
//! rows under a node that keeps sorts above it. DataFusion 55 moves a sort that is wanted above a
//! limit below it, and lets it keep as many rows as the limit gives rather than as many as it
//! reads: `row_number() OVER (ORDER BY a)` over `LIMIT 4 OFFSET 3` had one row in place of four.
//! To be taken out with the release in which a limit counts what it skips (issue 24958).

use super::unordered::Unordered;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::limit::GlobalLimitExec;
use std::sync::Arc;

/// To be run before all rules that decide on sorts.
#[derive(Debug)]
pub(super) struct SkippingLimits;

impl PhysicalOptimizerRule for SkippingLimits {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wrapped = plan.transform_up(|node| match skips(node.as_ref()) {
            true => Ok(Transformed::yes(Arc::new(Unordered::new(node)) as _)),
            false => Ok(Transformed::no(node)),
        });
        wrapped.data()
    }

    fn name(&self) -> &'static str {
        "SkippingLimits"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn skips(node: &dyn ExecutionPlan) -> bool {
    node.downcast_ref::<GlobalLimitExec>().is_some_and(|limit| limit.skip() > 0)
}
