//! Columns of the rows around a subquery, put for keys.

use super::super::columns::subquery;
use super::super::outside::outside;
use super::{Tying, place};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};
use std::sync::Arc;

impl Tying<'_> {
    /// Expressions of `node` over `keys`, called as they were.
    pub(super) fn all_named(
        &self,
        node: &LogicalPlan,
        exprs: Vec<Expr>,
        keys: &[Column],
    ) -> Result<Vec<Expr>> {
        let (names, own) = (NamePreserver::new(node), merge_schema(&node.inputs()));
        let one = |expr: Expr| {
            let name = names.save(&expr);
            Ok(name.restore(self.swapped(expr, keys, &own)?))
        };
        exprs.into_iter().map(one).collect()
    }

    /// An expression over rows of `own` that have `keys` too.
    pub(super) fn swapped(&self, expr: Expr, keys: &[Column], own: &DFSchema) -> Result<Expr> {
        self.part(expr, keys, own, &[])
    }

    /// An expression over rows of `own`; `between` are the rows between it and the keys, whose
    /// names come first. Where there are none, the keys are columns of its own rows.
    fn part(
        &self,
        expr: Expr,
        keys: &[Column],
        own: &DFSchema,
        between: &[&DFSchema],
    ) -> Result<Expr> {
        let done = expr.transform_up(|part| match part {
            Expr::OuterReferenceColumn(field, name) => {
                let shadowed = between.iter().any(|schema| schema.has_column(&name));
                Ok(match self.key(&name, keys).filter(|_| !shadowed) {
                    None => Transformed::no(Expr::OuterReferenceColumn(field, name)),
                    Some(key) if between.is_empty() => Transformed::yes(Expr::Column(key)),
                    Some(key) => Transformed::yes(Expr::OuterReferenceColumn(field, key)),
                })
            }
            part => match subquery(&part).cloned() {
                None => Ok(Transformed::no(part)),
                Some(inner) => {
                    let mut further = between.to_vec();
                    further.push(own);
                    let plan = self.within(inner.subquery.as_ref().clone(), keys, &further)?;
                    Ok(Transformed::yes(with_subquery(part, over(plan, &inner))))
                }
            },
        })?;
        Ok(done.data)
    }

    fn key(&self, name: &Column, keys: &[Column]) -> Option<Column> {
        let column = place(self.around.schema(), name)?;
        let i = self.columns.iter().position(|c| *c == column)?;
        keys.get(i).cloned()
    }

    /// A subquery within the one that is tied.
    fn within(
        &self,
        plan: LogicalPlan,
        keys: &[Column],
        between: &[&DFSchema],
    ) -> Result<LogicalPlan> {
        let done = plan.transform_up(|node| {
            let (names, own) = (NamePreserver::new(&node), merge_schema(&node.inputs()));
            let node = node.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = self.part(expr, keys, &own, between)?;
                Ok(Transformed::yes(name.restore(expr)))
            })?;
            Ok(Transformed::yes(node.data.recompute_schema()?))
        })?;
        Ok(done.data)
    }
}

/// A subquery of another plan, with what that says of the rows around.
fn over(plan: LogicalPlan, asked: &Subquery) -> Subquery {
    let names = outside(&plan).into_iter();
    Subquery {
        outer_ref_columns: names
            .map(|(name, field)| Expr::OuterReferenceColumn(field, name))
            .collect(),
        subquery: Arc::new(plan),
        spans: asked.spans.clone(),
    }
}

fn with_subquery(expr: Expr, inner: Subquery) -> Expr {
    match expr {
        Expr::Exists(mut exists) => {
            exists.subquery = inner;
            Expr::Exists(exists)
        }
        Expr::InSubquery(mut within) => {
            within.subquery = inner;
            Expr::InSubquery(within)
        }
        Expr::ScalarSubquery(_) => Expr::ScalarSubquery(inner),
        other => other,
    }
}
