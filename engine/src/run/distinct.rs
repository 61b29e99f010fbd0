//! Distinct rows with a limit, which the engine cannot give above a window.
//!
//! In: DataFusion's rules. Out: the same rules, that for such limits held to plans without
//! windows. DataFusion 55 tells the grouping to end at the limit, then sorts below it for the
//! window, and the sorted grouping fails ("Ordering direction required for DISTINCT with limit").
//! To be taken out with the release that asks again once it sorted (issue 25350).

use datafusion::common::Result;
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

const WINDOWS: [&str; 2] = ["WindowAggExec", "BoundedWindowAggExec"];

/// The rule itself, or the rule held to plans without windows.
pub(super) fn windowless(rule: Rule) -> Rule {
    match rule.name() {
        "LimitedDistinctAggregation" => Arc::new(Windowless(rule)),
        _ => rule,
    }
}

#[derive(Debug)]
struct Windowless(Rule);

impl PhysicalOptimizerRule for Windowless {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match has_window(&plan) {
            true => Ok(plan),
            false => self.0.optimize(plan, options),
        }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn has_window(plan: &Arc<dyn ExecutionPlan>) -> bool {
    WINDOWS.contains(&plan.name()) || plan.children().into_iter().any(has_window)
}
