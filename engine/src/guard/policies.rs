//! Rows that may not be seen are left out at every scan, before anything else looks at them.
//!
//! Engines look at conditions in an order of their own, so one that can fail, such as a division,
//! could fail for a row that may not be seen, and tell of it. Where a plan has one, the rows are
//! settled first (`fallible`).

mod fallible;

use super::{Finding, Outcome};
use crate::plan::Plan;
use crate::prepared::CatalogTable;
use datafusion::common::Result as PlanResult;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::logical_expr::{LogicalPlan, TableScan, TableScanBuilder, TableSource};
use std::collections::BTreeSet;
use std::sync::Arc;

const RULE: &str = "policies";

/// Which filters are put into a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// All of them: a plan that may run.
    Every,
    /// Those alone that name no hidden column: a plan that is only told.
    Tellable,
}

/// Puts the filters of limited tables above their scans, and tells of which. After this no scan
/// is left whose rows are to be filtered: what could not be is refused.
pub(super) fn enforced(plan: &mut Plan, put: Put) -> Vec<Finding> {
    let mut limited = BTreeSet::new();
    let first = fallible::has_conditions(&plan.logical);
    let mut values = std::mem::take(&mut plan.values);
    let logical = plan.logical.clone().transform_down_with_subqueries(|node| {
        let (alias, scan) = match &node {
            LogicalPlan::SubqueryAlias(aliased) => match aliased.input.as_ref() {
                LogicalPlan::TableScan(scan) => (&aliased.alias, scan),
                _ => return Ok(Transformed::no(node)),
            },
            LogicalPlan::TableScan(scan) => (&scan.table_name, scan),
            _ => return Ok(Transformed::no(node)),
        };
        let Some(limit) = known(scan).and_then(CatalogTable::limit) else {
            return Ok(Transformed::no(node));
        };
        limited.insert(limit.table().1.to_owned());
        let plan = match put == Put::Every || !limit.hides() {
            true => limit.put(scan, alias, &mut values, first)?,
            false => untold(scan, &node)?,
        };
        Ok(Transformed::new(plan, true, TreeNodeRecursion::Jump))
    });
    plan.values = values;
    match logical {
        Ok(done) => plan.logical = done.data,
        Err(_) => return vec![refused()],
    }
    if limits_left(&plan.logical) {
        return vec![refused()];
    }
    let told = |table: String| {
        let detail = format!("\"{table}\" shows the rows that a policy gives.");
        Finding::new(RULE, Outcome::Injected, detail)
    };
    limited.into_iter().map(told).collect()
}

fn refused() -> Finding {
    Finding::new(RULE, Outcome::Refused, "The policies on its tables could not be applied.")
}

fn known(scan: &TableScan) -> Option<&CatalogTable> {
    scan.source.downcast_ref::<CatalogTable>()
}

/// The scan as one of a table that has no limit.
fn untold(scan: &TableScan, node: &LogicalPlan) -> PlanResult<LogicalPlan> {
    let Some(table) = known(scan) else { return Ok(node.clone()) };
    let source: Arc<dyn TableSource> = Arc::new(table.clone().unlimited());
    let bare = TableScanBuilder::new(scan.table_name.clone(), source)
        .with_projection(scan.projection.clone())
        .build()?;
    let bare = LogicalPlan::TableScan(bare);
    match node {
        LogicalPlan::SubqueryAlias(_) => node.with_new_exprs(Vec::new(), vec![bare]),
        _ => Ok(bare),
    }
}

/// Whether a scan is left whose rows are still to be filtered.
fn limits_left(plan: &LogicalPlan) -> bool {
    let mut left = false;
    super::nodes::each(plan, &mut |node| {
        if let LogicalPlan::TableScan(scan) = node {
            left |= known(scan).and_then(CatalogTable::limit).is_some();
        }
    });
    left
}

/// Whether a filter of the plan's tables names a column that is not shown.
pub(super) fn hides(plan: &Plan) -> bool {
    let mut hides = false;
    super::nodes::each(&plan.logical, &mut |node| {
        if let LogicalPlan::TableScan(scan) = node {
            hides |= known(scan).and_then(CatalogTable::limit).is_some_and(|l| l.hides());
        }
    });
    hides
}
