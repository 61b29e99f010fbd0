//! Rows joined to those of their subqueries.

use super::super::columns::subquery;
use super::super::nested::{Stands, is_joined_right, refused, standing};
use super::super::outside::outside;
use super::super::tied::{Made, Tied, Tying, inner, no_form, place, same};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, Result, ScalarValue};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::{
    Aggregate, Case, Distinct, Expr, ExprSchemable, FetchType, Filter, Limit, LogicalPlan,
    Projection, Subquery, lit,
};
use std::sync::Arc;

/// The rows around subqueries, and with what is known of these.
pub(super) struct Rows<'a> {
    around: &'a LogicalPlan,
    rows: LogicalPlan,
    made: &'a mut Made,
}

impl<'a> Rows<'a> {
    pub(super) fn new(around: &'a LogicalPlan, made: &'a mut Made) -> Self {
        Self { around, rows: around.clone(), made }
    }

    /// The rows with what was asked of subqueries beside their own columns.
    pub(super) fn joined(self) -> LogicalPlan {
        self.rows
    }

    /// A condition that every row must pass.
    pub(super) fn condition(&mut self, condition: Expr) -> Result<Expr> {
        let (Expr::InSubquery(inside), stands) = standing(&condition) else {
            return self.without(condition, Stands::Within);
        };
        let tested = self.without(inside.expr.as_ref().clone(), Stands::Within)?;
        let inside = InSubquery { expr: Box::new(tested), ..inside.clone() };
        let asked = Expr::InSubquery(inside.clone());
        let value = match is_joined_right(&asked, stands) {
            true => asked,
            false => self.is_in(&inside)?,
        };
        Ok(if stands == Stands::Denied { Expr::Not(Box::new(value)) } else { value })
    }

    /// An expression without subqueries that need a join.
    pub(super) fn without(&mut self, expr: Expr, stands: Stands) -> Result<Expr> {
        let done = expr.transform_up(|part| {
            if subquery(&part).is_none() || is_joined_right(&part, stands) {
                return Ok(Transformed::no(part));
            }
            Ok(Transformed::yes(match part {
                Expr::Exists(exists) => {
                    let found = self.is_there(&exists.subquery)?;
                    if exists.negated { Expr::Not(Box::new(found)) } else { found }
                }
                Expr::InSubquery(inside) => self.is_in(&inside)?,
                Expr::ScalarSubquery(one) => self.value(&one)?,
                other => other,
            }))
        })?;
        Ok(done.data)
    }

    /// The rows of a subquery for the rows around it, and the columns that it speaks of.
    fn tied(&mut self, asked: &LogicalPlan) -> Result<(Tied, Vec<Column>)> {
        let schema = self.around.schema();
        let mut columns = Vec::new();
        for name in outside(asked).keys() {
            let column = place(schema, name);
            let column = column.ok_or_else(|| no_form("columns of a query further out"))?;
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        if !columns.is_empty() {
            repeatable(self.around)?;
        }
        let mut tying = Tying::new(self.around, columns.clone(), self.made);
        Ok((tying.tied(asked)?, columns))
    }

    /// Puts rows, each key once, beside these, where `also` is equal too; gives what they show.
    fn beside(
        &mut self,
        found: Tied,
        shown: Vec<Expr>,
        columns: &[Column],
        also: Option<(Expr, Expr)>,
    ) -> Result<Vec<Expr>> {
        let alias = self.made.name();
        let of = |name: String| Column::new(Some(alias.as_str()), name);
        let (mut outputs, mut on) = (Vec::new(), Vec::new());
        let mut put = |expr: Expr, name: String| {
            let column = of(name);
            outputs.push(expr.alias_qualified(column.relation.clone(), &column.name));
            Expr::Column(column)
        };
        for (i, key) in found.keys.iter().enumerate() {
            let key = put(Expr::Column(key.clone()), format!("c{i}"));
            on.push((Expr::Column(columns[i].clone()), key));
        }
        let also = also.map(|(tested, value)| (tested, put(value, "tested".to_owned())));
        let shown = shown.into_iter().enumerate();
        let shown: Vec<Expr> = shown.map(|(i, expr)| put(expr, format!("v{i}"))).collect();
        let side = Projection::try_new(outputs, Arc::new(found.plan))?;
        let side = LogicalPlan::Projection(side);
        let rows = std::mem::take(&mut self.rows);
        let mut on = same(on.into_iter(), rows.schema(), side.schema())?;
        on.extend(also);
        // A total without keys has its one row for all.
        let kind = if on.is_empty() { JoinType::Inner } else { JoinType::Left };
        self.rows = inner(rows, side, on, kind)?;
        Ok(shown)
    }

    fn is_there(&mut self, asked: &Subquery) -> Result<Expr> {
        let (Tied { plan, keys }, columns) = self.tied(any_row(&asked.subquery))?;
        if columns.is_empty() {
            let first = Some(Box::new(lit(1_i64)));
            let first = Limit { skip: None, fetch: first, input: Arc::new(plan) };
            let rows = vec![count(lit(1_i64)).alias("rows")];
            let rows = Aggregate::try_new(Arc::new(LogicalPlan::Limit(first)), Vec::new(), rows)?;
            let rows = Tied { plan: LogicalPlan::Aggregate(rows), keys };
            let shown = vec![Expr::Column(Column::new_unqualified("rows"))];
            let shown = one(self.beside(rows, shown, &columns, None)?)?;
            return Ok(shown.gt(lit(0_i64)));
        }
        let distinct = grouped(plan, &keys, Vec::new())?;
        let shown = self.beside(Tied { plan: distinct, keys }, vec![lit(true)], &columns, None)?;
        Ok(Expr::IsNotNull(Box::new(one(shown)?)))
    }

    fn value(&mut self, asked: &Subquery) -> Result<Expr> {
        if !has_one_row(&asked.subquery) {
            return Err(no_form("one value that may have several rows; take max() of it"));
        }
        let (tied, columns) = self.tied(&asked.subquery)?;
        let value = last(&tied.plan);
        one(self.beside(tied, vec![value], &columns, None)?)
    }

    fn is_in(&mut self, asked: &InSubquery) -> Result<Expr> {
        let (Tied { plan, keys }, columns) = self.tied(&asked.subquery.subquery)?;
        let value = last(&plan);
        if value.get_type(plan.schema())?.is_floating() {
            return Err(no_form("doubles that are looked for"));
        }
        let known = Expr::IsNotNull(Box::new(value.clone()));
        let known = LogicalPlan::Filter(Filter::try_new(known, Arc::new(plan.clone()))?);
        let values = grouped(known, &keys, vec![value.clone()])?;
        let tested = asked.expr.as_ref().clone();
        let also = Some((tested.clone(), value.clone()));
        let values = Tied { plan: values, keys: keys.clone() };
        let found = one(self.beside(values, vec![lit(true)], &columns, also)?)?;
        let by = keys.iter().cloned().map(Expr::Column).collect();
        let counts = vec![count(lit(1_i64)).alias("rows"), count(value).alias("known")];
        let counts = Aggregate::try_new(Arc::new(plan), by, counts)?;
        let shown = ["rows", "known"].map(|name| Expr::Column(Column::new_unqualified(name)));
        let counts = Tied { plan: LogicalPlan::Aggregate(counts), keys };
        let shown = self.beside(counts, shown.to_vec(), &columns, None)?;
        let [rows, known] = &shown[..] else { return Err(refused("lost a count")) };
        let none = Expr::IsNull(Box::new(rows.clone())).or(rows.clone().eq(lit(0_i64)));
        let unknown = Expr::IsNull(Box::new(tested)).or(rows.clone().gt(known.clone()));
        let when = |condition: Expr, value: Option<bool>| {
            (Box::new(condition), Box::new(lit(ScalarValue::Boolean(value))))
        };
        let branches = vec![
            when(Expr::IsNotNull(Box::new(found)), Some(true)),
            when(none, Some(false)),
            when(unknown, None),
        ];
        let value = Expr::Case(Case::new(None, branches, Some(Box::new(lit(false)))));
        Ok(if asked.negated { Expr::Not(Box::new(value)) } else { value })
    }
}

/// The rows of a query of which is asked only whether it has one: what they show, how often and in
/// which order is nothing to that.
fn any_row(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Projection(node) => any_row(&node.input),
        LogicalPlan::SubqueryAlias(node) => any_row(&node.input),
        LogicalPlan::Distinct(Distinct::All(input)) => any_row(input),
        LogicalPlan::Sort(node) if node.fetch.is_none() => any_row(&node.input),
        other => other,
    }
}

/// The groups of rows by keys and further values.
fn grouped(plan: LogicalPlan, keys: &[Column], more: Vec<Expr>) -> Result<LogicalPlan> {
    let by = keys.iter().cloned().map(Expr::Column).chain(more).collect();
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(plan), by, Vec::new())?))
}

/// The last column of a plan.
fn last(plan: &LogicalPlan) -> Expr {
    let schema = plan.schema();
    Expr::Column(Column::from(schema.qualified_field(schema.fields().len() - 1)))
}

fn one(mut shown: Vec<Expr>) -> Result<Expr> {
    shown.pop().ok_or_else(|| refused("lost what a subquery shows"))
}

/// Whether a plan has one row at most.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(node) => has_one_row(&node.input),
        LogicalPlan::SubqueryAlias(node) => has_one_row(&node.input),
        LogicalPlan::Filter(node) => has_one_row(&node.input),
        LogicalPlan::Sort(node) => has_one_row(&node.input),
        LogicalPlan::Aggregate(node) => node.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(_) => true,
        LogicalPlan::Limit(node) => {
            matches!(node.get_fetch_type(), Ok(FetchType::Literal(Some(0 | 1))))
                || has_one_row(&node.input)
        }
        _ => false,
    }
}

/// Refuses rows that could be other ones when they are asked for again.
fn repeatable(rows: &LogicalPlan) -> Result<()> {
    rows.apply_with_subqueries(|node| match node {
        LogicalPlan::Limit(_) | LogicalPlan::Window(_) => {
            Err(no_form("rows around it that a limit or a window chose"))
        }
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}
