//! What a subquery speaks of the queries around it.

use super::columns::subquery;
use datafusion::arrow::datatypes::FieldRef;
use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};
use std::collections::BTreeMap;

/// The columns of queries around `plan` that it speaks of, as it writes them, and their fields.
/// What a subquery within it says of `plan`'s own rows is none: names are those of the nearest
/// query that has them.
pub(super) fn outside(plan: &LogicalPlan) -> BTreeMap<Column, FieldRef> {
    let mut found = BTreeMap::new();
    let walked = plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::OuterReferenceColumn(field, column) = part {
                    found.insert(column.clone(), field.clone());
                }
                if let Some(inner) = subquery(part) {
                    let own = merge_schema(&node.inputs());
                    let further = outside(&inner.subquery).into_iter();
                    found.extend(further.filter(|(column, _)| !own.has_column(column)));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    debug_assert!(walked.is_ok(), "the visitor itself never fails");
    found
}

/// Whether `plan` speaks of a query around it.
pub(super) fn speaks(plan: &LogicalPlan) -> bool {
    !outside(plan).is_empty()
}
