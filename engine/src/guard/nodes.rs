//! Rules over the nodes of a plan.

use super::{Finding, Outcome, Policy};
use crate::plan::{Plan, size};
use crate::prepared::CatalogTable;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

/// Calls `visit` on every node, those of subqueries included.
pub(super) fn each(plan: &LogicalPlan, visit: &mut impl FnMut(&LogicalPlan)) {
    let walked = plan.apply_with_subqueries(|node| {
        visit(node);
        Ok(TreeNodeRecursion::Continue)
    });
    // The visitor itself never fails.
    debug_assert!(walked.is_ok());
}

/// One query, made of nodes that read.
pub(super) fn read_only(plan: &Plan) -> Finding {
    let mut strange = Vec::new();
    each(&plan.logical, &mut |node| {
        let reads = matches!(
            node,
            LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::Aggregate(_)
                | LogicalPlan::Window(_)
                | LogicalPlan::Sort(_)
                | LogicalPlan::Join(_)
                | LogicalPlan::Union(_)
                | LogicalPlan::TableScan(_)
                | LogicalPlan::EmptyRelation(_)
                | LogicalPlan::Subquery(_)
                | LogicalPlan::SubqueryAlias(_)
                | LogicalPlan::Limit(_)
                | LogicalPlan::Distinct(_)
                | LogicalPlan::Values(_)
                | LogicalPlan::Unnest(_)
        );
        if !reads {
            let name = node.display().to_string();
            strange.push(name.split([':', ' ']).next().unwrap_or_default().to_owned());
        }
    });
    match strange.is_empty() {
        true => Finding::new("read_only", Outcome::Ok, "One query that only reads."),
        false => {
            let detail = format!("Only queries run, and this is or holds {}.", strange.join(", "));
            Finding::new("read_only", Outcome::Refused, detail)
        }
    }
}

/// Every table comes from the learned catalog.
pub(super) fn known_tables(plan: &Plan) -> Finding {
    let mut tables = Vec::new();
    let mut strange = Vec::new();
    each(&plan.logical, &mut |node| {
        let LogicalPlan::TableScan(scan) = node else { return };
        match scan.source.downcast_ref::<CatalogTable>() {
            Some(table) => tables.push(table.name.clone()),
            None => strange.push(scan.table_name.to_string()),
        }
    });
    if !strange.is_empty() {
        let detail = format!("{} is not in the catalog.", strange.join(", "));
        return Finding::new("known_tables", Outcome::Refused, detail);
    }
    tables.sort();
    tables.dedup();
    Finding::new("known_tables", Outcome::Ok, format!("Reads {}.", tables.join(", ")))
}

/// More parts than this in all expressions, counted as the optimizer leaves them.
const MOST_PARTS: usize = 100_000;

/// Plans have a size that a database and a reader can bear.
pub(super) fn size(plan: &Plan, policy: &Policy) -> Finding {
    let (mut nodes, mut parts) = (0_usize, 0_usize);
    each(&plan.logical, &mut |node| {
        nodes += 1;
        let walked = node.apply_expressions(|expr| {
            parts = parts.saturating_add(size::parts(expr));
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(walked.is_ok());
    });
    if parts > MOST_PARTS {
        let detail = format!("The expressions stand for more than {MOST_PARTS} parts; nest less.");
        return Finding::new("plan_size", Outcome::Refused, detail);
    }
    let outcome = if nodes > policy.max_plan_nodes { Outcome::Refused } else { Outcome::Ok };
    let detail = format!("{nodes} plan nodes of at most {}.", policy.max_plan_nodes);
    Finding::new("plan_size", outcome, detail)
}
