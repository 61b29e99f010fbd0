//! Which columns a node needs of its inputs.

use super::outside::outside;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};
use std::collections::BTreeSet;

/// Columns of a schema; `None` stands for all of them, in their order.
pub(super) type Columns = Option<BTreeSet<Column>>;

/// The columns of `schema` that `expr` refers to, also from inside its subqueries.
pub(super) fn referred<'e>(
    exprs: impl IntoIterator<Item = &'e Expr>,
    schema: &DFSchema,
) -> BTreeSet<Column> {
    let mut names = BTreeSet::new();
    for expr in exprs {
        names.extend(named(expr));
    }
    within(&names, schema)
}

/// The columns an expression names, as it writes them.
pub(crate) fn named(expr: &Expr) -> BTreeSet<Column> {
    let mut names = BTreeSet::new();
    let walked = expr.apply(|e| {
        if let Expr::Column(column) = e {
            names.insert(column.clone());
        }
        if let Some(inner) = subquery(e) {
            names.extend(outside(&inner.subquery).into_keys());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the visitor itself never fails");
    names
}

/// The subquery an expression holds.
pub(super) fn subquery(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::Exists(exists) => Some(&exists.subquery),
        Expr::InSubquery(within) => Some(&within.subquery),
        Expr::ScalarSubquery(subquery) => Some(subquery),
        _ => None,
    }
}

/// The names that `schema` has, as it writes them.
pub(crate) fn within(names: &BTreeSet<Column>, schema: &DFSchema) -> BTreeSet<Column> {
    let place = |name: &Column| schema.index_of_column(name).ok();
    names.iter().filter_map(place).map(|i| Column::from(schema.qualified_field(i))).collect()
}

/// What `node` needs of each of its inputs so that it can give `needed`.
pub(super) fn below(node: &LogicalPlan, needed: &Columns) -> Vec<Columns> {
    let exprs = node.expressions();
    let with_own = |schema: &DFSchema| {
        needed.as_ref().map(|needed| {
            let mut all = within(needed, schema);
            all.extend(referred(&exprs, schema));
            all
        })
    };
    match node {
        LogicalPlan::Projection(p) => vec![Some(referred(&exprs, p.input.schema()))],
        LogicalPlan::Aggregate(a) => vec![Some(referred(&exprs, a.input.schema()))],
        LogicalPlan::SubqueryAlias(aliased) => {
            let (outside, inside) = (&aliased.schema, aliased.input.schema());
            let renamed = |name: &Column| {
                let i = outside.index_of_column(name).ok()?;
                Some(Column::from(inside.qualified_field(i)))
            };
            vec![needed.as_ref().map(|n| n.iter().filter_map(renamed).collect())]
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Join(_) => {
            node.inputs().into_iter().map(|input| with_own(input.schema())).collect()
        }
        // Rows are compared or put together by position.
        _ => node.inputs().into_iter().map(|_| None).collect(),
    }
}
