//! Joins within a subquery, within each tie.

use super::super::nested::refused;
use super::{Tied, Tying, inner, met, no_form, own, projected, same};
use datafusion::common::{Column, JoinType, NullEquality, Result};
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, Join, LogicalPlan};
use std::sync::Arc;

impl Tying<'_> {
    /// A join: its sides meet within a tie. A side all of whose rows are kept has every tie; the
    /// other one needs them only where it speaks of them itself.
    pub(super) fn joined(&mut self, join: &Join) -> Result<Tied> {
        let (keeps_left, keeps_right) = match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti => {
                (true, false)
            }
            JoinType::Right => (false, true),
            JoinType::Full => (true, true),
            other => return Err(no_form(&format!("a {other} join"))),
        };
        if join.null_aware {
            return Err(no_form("a join that heeds nulls"));
        }
        let left = self.side(&join.left, keeps_left)?;
        let right = self.side(&join.right, keeps_right)?;
        let keys = if keeps_left { left.keys.clone() } else { right.keys.clone() };
        let on = self.conditions(join, &left, &right)?;
        let around = merge_schema(&[&join.left, &join.right]);
        let filter = join.filter.clone();
        let filter = filter.map(|filter| self.swapped(filter, &keys, &around)).transpose()?;
        let both = (left.keys.clone(), right.keys.clone());
        let LogicalPlan::Join(mut tied) = inner(left.plan, right.plan, on, join.join_type)? else {
            return Err(refused("lost a join"));
        };
        tied.filter = filter;
        let mut columns: Vec<Expr> = own(join.left.schema()).map(Expr::Column).collect();
        if !matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti) {
            columns.extend(own(join.right.schema()).map(Expr::Column));
        }
        let plan = LogicalPlan::Join(tied);
        match join.join_type {
            JoinType::Full => self.of_either(plan, &both, columns),
            _ => projected(Tied { plan, keys }, columns),
        }
    }

    fn side(&mut self, side: &Arc<LogicalPlan>, keeps: bool) -> Result<Tied> {
        match keeps || self.sees(side) {
            true => self.tied(side),
            false => Ok(Tied { plan: side.as_ref().clone(), keys: Vec::new() }),
        }
    }

    fn conditions(&self, join: &Join, left: &Tied, right: &Tied) -> Result<Vec<(Expr, Expr)>> {
        let mut on = Vec::new();
        if !left.keys.is_empty() && !right.keys.is_empty() {
            on = met(left, right)?;
        }
        let pairs = join.on.iter().cloned();
        if pairs.clone().any(|(l, r)| l.contains_outer() || r.contains_outer()) {
            return Err(no_form("such a condition of a join"));
        }
        match join.null_equality {
            NullEquality::NullEqualsNothing => on.extend(pairs),
            NullEquality::NullEqualsNull => {
                on.extend(same(pairs, left.plan.schema(), right.plan.schema())?);
            }
        }
        Ok(on)
    }

    /// The keys of whichever side a row has.
    fn of_either(
        &mut self,
        plan: LogicalPlan,
        (left, right): &(Vec<Column>, Vec<Column>),
        columns: Vec<Expr>,
    ) -> Result<Tied> {
        let alias = self.made.name();
        let (mut outputs, mut keys) = (Vec::new(), Vec::new());
        for (i, (l, r)) in left.iter().zip(right).enumerate() {
            let args = vec![Expr::Column(l.clone()), Expr::Column(r.clone())];
            let key = Column::new(Some(alias.as_str()), format!("c{i}"));
            let either = Expr::ScalarFunction(ScalarFunction::new_udf(coalesce(), args));
            outputs.push(either.alias_qualified(key.relation.clone(), &key.name));
            keys.push(key);
        }
        outputs.extend(columns);
        projected(Tied { plan, keys: Vec::new() }, outputs).map(|tied| Tied { keys, ..tied })
    }
}
