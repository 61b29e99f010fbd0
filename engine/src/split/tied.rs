//! The rows of a subquery for all rows around it at once.
//!
//! In: a plan that speaks of the rows around it, and these. Out: a plan that speaks of nothing: its
//! rows for each of the values that the plan sees, beside these values, its keys. The distinct
//! values (the *ties*) are crossed with what speaks of none of them, and above that each node
//! works within one tie: groups and windows are of a tie, a limit numbers the rows of a tie, a total
//! has a row for each. This is the unnesting of Neumann and Kemper, "Unnesting Arbitrary Queries"
//! (BTW 2015), of the nodes that texts give.
//!
//! Values that may be null are met by whether they are null and by what they are otherwise, as two
//! equalities: DataFusion may put further equalities to those of a join, and would take them as
//! heeding nulls too if the join did.

mod joins;
mod ordered;
mod swapped;

use super::nested::refused;
use super::outside::outside;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchema, JoinType, NullEquality, Result, ScalarValue};
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, ExprSchemable, Filter, Join, JoinConstraint, LogicalPlan,
    Projection, SubqueryAlias, lit,
};
use std::sync::Arc;

/// Queries within queries within queries ask for the rows around them again and again.
const MOST_NODES: usize = 2_000;

/// What was made for a plan so far.
#[derive(Debug, Default)]
pub(super) struct Made {
    names: usize,
    /// Nodes of the rows around, counted each time they are asked for.
    nodes: usize,
}

impl Made {
    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        format!("air_tie{}", self.names)
    }

    fn asks_for(&mut self, rows: &LogicalPlan) -> Result<()> {
        rows.apply_with_subqueries(|_| {
            self.nodes += 1;
            Ok(TreeNodeRecursion::Continue)
        })?;
        match self.nodes <= MOST_NODES {
            true => Ok(()),
            false => Err(no_form("so many others within one another")),
        }
    }
}

/// Rows beside their keys, which come first.
pub(super) struct Tied {
    pub(super) plan: LogicalPlan,
    pub(super) keys: Vec<Column>,
}

/// Ties a subquery to the rows around it.
pub(super) struct Tying<'a> {
    /// The rows around it.
    around: &'a LogicalPlan,
    /// The columns of these that it speaks of.
    columns: Vec<Column>,
    made: &'a mut Made,
}

impl<'a> Tying<'a> {
    pub(super) fn new(around: &'a LogicalPlan, columns: Vec<Column>, made: &'a mut Made) -> Self {
        Self { around, columns, made }
    }

    /// The rows of `plan` for each tie; the columns of `plan` follow the keys, called as they are.
    pub(super) fn tied(&mut self, plan: &LogicalPlan) -> Result<Tied> {
        if !self.sees(plan) {
            return self.crossed(plan);
        }
        match plan {
            LogicalPlan::Projection(node) => {
                let input = self.tied(&node.input)?;
                let outputs = self.all_named(plan, node.expr.clone(), &input.keys)?;
                projected(input, outputs)
            }
            LogicalPlan::Filter(node) => {
                let input = self.tied(&node.input)?;
                let own = node.input.schema();
                let predicate = self.swapped(node.predicate.clone(), &input.keys, own)?;
                let filter = Filter::try_new(predicate, Arc::new(input.plan))?;
                Ok(Tied { plan: LogicalPlan::Filter(filter), keys: input.keys })
            }
            LogicalPlan::SubqueryAlias(node) => self.renamed(node),
            LogicalPlan::Aggregate(node) => self.grouped(plan, node),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let Tied { plan, keys } = self.tied(input)?;
                Ok(Tied { plan: LogicalPlan::Distinct(Distinct::All(Arc::new(plan))), keys })
            }
            // Nobody sees the order of a subquery but its limit.
            LogicalPlan::Sort(node) if node.fetch.is_none() => self.tied(&node.input),
            LogicalPlan::Limit(node) => self.limited(node),
            LogicalPlan::Window(node) => self.windowed(plan, node),
            LogicalPlan::Union(node) => self.united(node),
            LogicalPlan::Join(node) => self.joined(node),
            _ => Err(no_form("rows written out that speak of the row around them")),
        }
    }

    fn sees(&self, plan: &LogicalPlan) -> bool {
        let names = outside(plan);
        let schema = self.around.schema();
        names.keys().any(|name| place(schema, name).is_some_and(|c| self.columns.contains(&c)))
    }

    /// The ties: each set of values that the subquery sees, once.
    fn ties(&mut self) -> Result<Tied> {
        self.made.asks_for(self.around)?;
        let alias = self.made.name();
        let (mut values, mut keys) = (Vec::new(), Vec::new());
        for (i, column) in self.columns.iter().enumerate() {
            let name = format!("c{i}");
            values.push(Expr::Column(column.clone()).alias_qualified(Some(alias.as_str()), &name));
            keys.push(Column::new(Some(alias.as_str()), name));
        }
        let values = Projection::try_new(values, Arc::new(self.around.clone()))?;
        let by = keys.iter().cloned().map(Expr::Column).collect();
        let values = Arc::new(LogicalPlan::Projection(values));
        let distinct = Aggregate::try_new(values, by, Vec::new())?;
        Ok(Tied { plan: LogicalPlan::Aggregate(distinct), keys })
    }

    /// Rows that are the same for every tie.
    fn crossed(&mut self, plan: &LogicalPlan) -> Result<Tied> {
        if self.columns.is_empty() {
            return Ok(Tied { plan: plan.clone(), keys: Vec::new() });
        }
        let Tied { plan: ties, keys } = self.ties()?;
        let plan = inner(ties, plan.clone(), Vec::new(), JoinType::Inner)?;
        Ok(Tied { plan, keys })
    }

    fn renamed(&mut self, node: &SubqueryAlias) -> Result<Tied> {
        let input = self.tied(&node.input)?;
        let renamed = own(node.input.schema()).zip(node.schema.iter());
        let renamed = renamed.map(|(column, (relation, field))| {
            Expr::Column(column).alias_qualified(relation.cloned(), field.name())
        });
        let renamed = renamed.collect();
        projected(input, renamed)
    }

    fn grouped(&mut self, plan: &LogicalPlan, node: &Aggregate) -> Result<Tied> {
        if node.group_expr.iter().any(|key| matches!(key, Expr::GroupingSet(_))) {
            return Err(no_form("grouping sets"));
        }
        let input = self.tied(&node.input)?;
        let keys = input.keys;
        let mut by: Vec<Expr> = keys.iter().cloned().map(Expr::Column).collect();
        by.extend(self.all_named(plan, node.group_expr.clone(), &keys)?);
        let aggregates = self.all_named(plan, node.aggr_expr.clone(), &keys)?;
        let groups = Aggregate::try_new(Arc::new(input.plan), by, aggregates)?;
        let groups = Tied { plan: LogicalPlan::Aggregate(groups), keys };
        match node.group_expr.is_empty() {
            true => self.total(node, groups),
            false => Ok(groups),
        }
    }

    /// Totals, also for the ties that have no rows.
    fn total(&mut self, node: &Aggregate, groups: Tied) -> Result<Tied> {
        let ties = self.ties()?;
        let on = met(&ties, &groups)?;
        let plan = inner(ties.plan, groups.plan, on, JoinType::Left)?;
        let mut outputs = Vec::new();
        for (aggregate, (relation, field)) in node.aggr_expr.iter().zip(node.schema.iter()) {
            let column = Expr::Column(Column::new(relation.cloned(), field.name()));
            outputs.push(match of_nothing(aggregate)? {
                None => column,
                Some(value) => {
                    let args = vec![column, lit(value)];
                    let shown = Expr::ScalarFunction(ScalarFunction::new_udf(coalesce(), args));
                    shown.alias_qualified(relation.cloned(), field.name())
                }
            });
        }
        projected(Tied { plan, keys: ties.keys }, outputs)
    }
}

/// The columns of a schema, in their order.
fn own(schema: &DFSchema) -> impl Iterator<Item = Column> {
    (0..schema.fields().len()).map(|i| Column::from(schema.qualified_field(i)))
}

/// A column as `schema` calls it.
pub(super) fn place(schema: &DFSchema, name: &Column) -> Option<Column> {
    schema.maybe_index_of_column(name).map(|i| Column::from(schema.qualified_field(i)))
}

/// The keys of `input`, and these outputs behind them.
fn projected(input: Tied, outputs: Vec<Expr>) -> Result<Tied> {
    let mut all: Vec<Expr> = input.keys.iter().cloned().map(Expr::Column).collect();
    all.extend(outputs);
    let plan = LogicalPlan::Projection(Projection::try_new(all, Arc::new(input.plan))?);
    Ok(Tied { plan, keys: input.keys })
}

/// A join by equalities that heed no nulls.
pub(super) fn inner(
    left: LogicalPlan,
    right: LogicalPlan,
    on: Vec<(Expr, Expr)>,
    join_type: JoinType,
) -> Result<LogicalPlan> {
    let (constraint, nulls) = (JoinConstraint::On, NullEquality::NullEqualsNothing);
    let (left, right) = (Arc::new(left), Arc::new(right));
    let join = Join::try_new(left, right, on, None, join_type, constraint, nulls, false)?;
    Ok(LogicalPlan::Join(join))
}

/// Equalities by which two ties are the same.
fn met(left: &Tied, right: &Tied) -> Result<Vec<(Expr, Expr)>> {
    let pairs = left.keys.iter().zip(&right.keys);
    let pairs = pairs.map(|(l, r)| (Expr::Column(l.clone()), Expr::Column(r.clone())));
    same(pairs, left.plan.schema(), right.plan.schema())
}

/// Equalities by which values are the same, nulls with them.
pub(super) fn same(
    pairs: impl Iterator<Item = (Expr, Expr)>,
    left: &DFSchema,
    right: &DFSchema,
) -> Result<Vec<(Expr, Expr)>> {
    let mut on = Vec::new();
    for (l, r) in pairs {
        let arrow = l.get_type(left)?;
        if arrow.is_floating() || arrow == DataType::Null || r.get_type(right)? != arrow {
            return Err(no_form("a double, or two types, where it meets the row around it"));
        }
        if l.nullable(left)? || r.nullable(right)? {
            let some = lit(ScalarValue::new_default(&arrow)?);
            let value = |side: Expr| {
                let args = vec![side, some.clone()];
                Expr::ScalarFunction(ScalarFunction::new_udf(coalesce(), args))
            };
            on.push((Expr::IsNull(Box::new(l.clone())), Expr::IsNull(Box::new(r.clone()))));
            on.push((value(l), value(r)));
        } else {
            on.push((l, r));
        }
    }
    Ok(on)
}

/// What an aggregate is over no rows, where that is not null.
fn of_nothing(aggregate: &Expr) -> Result<Option<i64>> {
    const NULL: &[&str] =
        &["air_max", "air_min", "avg", "bool_and", "bool_or", "max", "min", "stddev", "sum", "var"];
    match aggregate.clone().unalias() {
        Expr::AggregateFunction(AggregateFunction { func, .. }) => match func.name() {
            "count" => Ok(Some(0)),
            name if NULL.contains(&name) => Ok(None),
            name => Err(no_form(&format!("{name} over no rows"))),
        },
        _ => Err(no_form("such an aggregate")),
    }
}

pub(super) fn no_form(what: &str) -> datafusion::common::DataFusionError {
    refused(&format!("has no join for a subquery with {what}; write it as a join"))
}
