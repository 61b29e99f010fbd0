//! A plan cut into parts that databases do and the rest.
//!
//! From the leaves up: a node joins the part of its inputs if they are all of one database and
//! the SQL writer has a form for its expressions; else the parts end below it, each becomes a
//! query, and the node is done here. Every node is looked at once, and every part written once.

use super::columns::{Columns, below, referred, subquery, within};
use super::outside::outside;
use super::{
    Keyed, Place, RunOptions, SourceQuery, Stage, groups, keys, partial, places_of, rows_of, scan,
    sink,
};
use crate::plan::Spans;
use crate::prepared::CatalogTable;
use crate::remote::Divided;
use crate::sql::{Dialect, Forms, Sql, Unsupported, divided, write};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Expr, FetchType, Filter, LogicalPlan, Projection, Subquery, TableScan, lit,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A subtree after splitting.
pub(super) enum Part {
    /// A database can do all of it.
    There(There),
    /// It is done here, over fetched rows.
    Here(LogicalPlan),
}

/// What one database can do.
pub(super) struct There {
    place: Place,
    plan: LogicalPlan,
    /// What it has no form for, done above.
    left: Vec<String>,
}

/// The text of a query, and the plan it is of where that is not the one asked for.
type Written = (std::result::Result<Sql, Unsupported>, Option<LogicalPlan>);

/// Splits one plan.
pub(super) struct Splitter<'g> {
    values: &'g [ScalarValue],
    spans: &'g Spans,
    forms: HashMap<Dialect, Forms>,
    queries: Vec<SourceQuery>,
    pub(super) stages: Vec<Stage>,
    /// Types of the keys that restrict queries.
    pub(super) slots: Vec<DataType>,
    options: RunOptions,
}

impl<'g> Splitter<'g> {
    pub(super) fn new(values: &'g [ScalarValue], spans: &'g Spans, options: RunOptions) -> Self {
        Self {
            values,
            spans,
            forms: HashMap::new(),
            queries: Vec::new(),
            stages: Vec::new(),
            slots: Vec::new(),
            options,
        }
    }

    /// How many values the plan has itself; slots come after them.
    pub(super) fn before(&self) -> usize {
        self.values.len()
    }

    /// The queries, stages and slots asked for.
    pub(super) fn done(self) -> (Vec<SourceQuery>, Vec<Stage>, Vec<DataType>) {
        (self.queries, self.stages, self.slots)
    }

    /// What is done here of `plan`; it has the columns of `plan` in their order.
    pub(super) fn rest(&mut self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        let part = self.part(plan, &None)?;
        self.fetched(part, &None)
    }

    pub(super) fn part(&mut self, node: &LogicalPlan, needed: &Columns) -> Result<Part> {
        match node {
            LogicalPlan::TableScan(scan) => Ok(table(node, scan)),
            LogicalPlan::Aggregate(aggregate) if self.options.pushdown => {
                let parts = partial::by_parts(aggregate, &mut |place, expr, rows| {
                    self.form(place, expr, rows.schema()).is_ok()
                })?;
                match parts {
                    Some(plan) => self.part(&plan, needed),
                    None => self.node(node, needed),
                }
            }
            LogicalPlan::Join(join)
                if self.options.pushdown
                    && needed.is_some()
                    && partial::is_to_right(join.join_type)
                    && places_of(node).len() > 1 =>
            {
                self.spine(join, needed)
            }
            LogicalPlan::Filter(filter) => self.filter(filter, needed),
            LogicalPlan::Projection(projection) => self.projection(projection, needed),
            _ => self.node(node, needed),
        }
    }

    /// Conditions with a form go to the database, the others stay.
    fn filter(&mut self, filter: &Filter, needed: &Columns) -> Result<Part> {
        let (input, conditions) = match self.options.pushdown {
            true => sink::sunk(filter)?,
            false => {
                let all = split_conjunction_owned(filter.predicate.clone());
                (filter.input.as_ref().clone(), all)
            }
        };
        let schema = Arc::clone(input.schema());
        let with = |conditions: &[Expr]| {
            needed.as_ref().map(|needed| {
                let mut all = within(needed, &schema);
                all.extend(referred(conditions, &schema));
                all
            })
        };
        let part = self.part(&input, &with(&conditions))?;
        let mut there = match part {
            Part::Here(plan) => return Ok(Part::Here(self.filtered(plan, conditions)?)),
            Part::There(there) => there,
        };
        let mut pushed = Vec::new();
        let mut kept = Vec::new();
        for condition in conditions {
            match self.form(&there.place, &condition, &schema) {
                Ok(()) => pushed.push(condition),
                Err(reason) => {
                    there.left.push(reason);
                    kept.push(condition);
                }
            }
        }
        if let Some(all) = conjunction(pushed) {
            there.plan = LogicalPlan::Filter(Filter::try_new(all, Arc::new(there.plan))?);
        }
        if kept.is_empty() {
            return Ok(Part::There(there));
        }
        let rows = self.fetched(Part::There(there), &with(&kept))?;
        Ok(Part::Here(self.filtered(rows, kept)?))
    }

    fn filtered(&mut self, rows: LogicalPlan, conditions: Vec<Expr>) -> Result<LogicalPlan> {
        let Some(all) = conjunction(conditions) else { return Ok(rows) };
        let all = self.here(all)?;
        Ok(LogicalPlan::Filter(Filter::try_new(all, Arc::new(rows))?))
    }

    fn projection(&mut self, projection: &Projection, needed: &Columns) -> Result<Part> {
        let schema = projection.input.schema();
        let used = used(projection, needed);
        let below = |exprs: &[Expr]| Some(referred(exprs, schema));
        match self.part(&projection.input, &below(&used))? {
            Part::Here(rows) => {
                let used = used.into_iter().map(|e| self.here(e)).collect::<Result<Vec<_>>>()?;
                let projected = Projection::try_new(used, Arc::new(rows))?;
                Ok(Part::Here(LogicalPlan::Projection(projected)))
            }
            Part::There(mut there) => match self.forms(&there.place, &projection.expr, schema) {
                Ok(()) => {
                    let all = projection.expr.clone();
                    let projected = Projection::try_new(all, Arc::new(there.plan))?;
                    there.plan = LogicalPlan::Projection(projected);
                    Ok(Part::There(there))
                }
                Err(reason) => {
                    there.left.push(reason);
                    let rows = self.fetched(Part::There(there), &below(&used))?;
                    let used =
                        used.into_iter().map(|e| self.here(e)).collect::<Result<Vec<_>>>()?;
                    let projected = Projection::try_new(used, Arc::new(rows))?;
                    Ok(Part::Here(LogicalPlan::Projection(projected)))
                }
            },
        }
    }

    fn node(&mut self, node: &LogicalPlan, needed: &Columns) -> Result<Part> {
        let below = below(node, needed);
        let mut parts = Vec::new();
        for (input, needed) in node.inputs().into_iter().zip(&below) {
            parts.push(self.part(input, needed)?);
        }
        let mut parts = match together(parts) {
            Err(parts) => parts,
            Ok((place, plans, mut left)) => match self.node_form(&place, node) {
                Ok(()) => {
                    let plan = node.with_new_exprs(node.expressions(), plans)?;
                    return Ok(Part::There(There { place, plan, left }));
                }
                Err(reason) => {
                    left.push(reason);
                    let there = |plan| {
                        Part::There(There { place: place.clone(), plan, left: left.clone() })
                    };
                    plans.into_iter().map(there).collect()
                }
            },
        };
        let mut rows = Vec::new();
        for (part, needed) in parts.drain(..).zip(&below) {
            rows.push(self.fetched(part, needed)?);
        }
        let exprs = node.expressions().into_iter().map(|e| self.here(e));
        let exprs = exprs.collect::<Result<Vec<_>>>()?;
        Ok(Part::Here(node.with_new_exprs(exprs, rows)?))
    }

    /// Whether `place` can do a node whose inputs it does.
    fn node_form(&mut self, place: &Place, node: &LogicalPlan) -> std::result::Result<(), String> {
        match node {
            LogicalPlan::SubqueryAlias(_) => Ok(()),
            _ if !self.options.pushdown => Err("is asked for rows only".to_owned()),
            // What these hold is looked at when the part is written.
            LogicalPlan::Window(_) | LogicalPlan::Limit(_) => Ok(()),
            LogicalPlan::Join(join) => self.forms(place, &node.expressions(), &join.schema),
            _ => match node.inputs()[..] {
                [input] => self.forms(place, &node.expressions(), input.schema()),
                _ => Ok(()),
            },
        }
    }

    fn forms(
        &mut self,
        place: &Place,
        exprs: &[Expr],
        schema: &DFSchema,
    ) -> std::result::Result<(), String> {
        exprs.iter().try_for_each(|e| self.form(place, e, schema))
    }

    /// Whether `place` has a form for an expression over its own rows.
    fn form(
        &mut self,
        place: &Place,
        expr: &Expr,
        schema: &DFSchema,
    ) -> std::result::Result<(), String> {
        if !self.options.pushdown {
            return Err("is asked for rows only".to_owned());
        }
        if keys::is_restriction(expr, self.values.len()) {
            return Ok(());
        }
        self_contained(expr, place, schema)?;
        let (values, spans) = (self.values, self.spans);
        let new = || Forms::new(place.dialect(), values, spans);
        let forms = self.forms.entry(place.dialect()).or_insert_with(new);
        forms.check(expr, schema).map_err(|r| format!("{} {r}", place.dialect().as_str()))
    }

    /// An expression of a node done here: its subqueries are split too.
    pub(super) fn here(&mut self, expr: Expr) -> Result<Expr> {
        let expr = keys::without(expr, self.values.len());
        let done = expr.transform_up(|e| {
            let Some(inner) = subquery(&e) else { return Ok(Transformed::no(e)) };
            let inner = Subquery {
                subquery: Arc::new(self.rest(&inner.subquery)?),
                outer_ref_columns: inner.outer_ref_columns.clone(),
                spans: inner.spans.clone(),
            };
            Ok(Transformed::yes(match e {
                Expr::Exists(mut exists) => {
                    exists.subquery = inner;
                    Expr::Exists(exists)
                }
                Expr::InSubquery(mut within) => {
                    within.subquery = inner;
                    Expr::InSubquery(within)
                }
                _ => Expr::ScalarSubquery(inner),
            }))
        })?;
        Ok(done.data)
    }

    /// The rows of a part, here.
    pub(super) fn fetched(&mut self, part: Part, needed: &Columns) -> Result<LogicalPlan> {
        let there = match part {
            Part::Here(plan) => return Ok(plan),
            Part::There(there) => there,
        };
        let names = chosen(there.plan.schema(), needed);
        let asked = asked(&there.plan, &names)?;
        let restricted = keys::slots_of(&asked, self.before());
        let (sql, open) = self.written(&asked, there.place.dialect())?;
        match sql {
            Ok(sql) => {
                let (schema, at_most) = (rows_of(&asked), most_rows(&asked));
                let divided = match at_most.is_none() && restricted.is_empty() {
                    true => self.divided(&asked, there.place.dialect())?,
                    false => None,
                };
                let keyed = Keyed { plan: asked, open, slots: restricted };
                let query = SourceQuery {
                    source: there.place.source,
                    sql,
                    schema,
                    at_most,
                    left: there.left,
                    divided,
                    keyed: (!keyed.slots.is_empty()).then(|| Arc::new(keyed)),
                };
                let rows = scan(self.queries.len(), &query)?;
                self.queries.push(query);
                named_again(rows, &names)
            }
            Err(unsupported) => self.lower(there, needed, unsupported),
        }
    }

    /// A query before any keys are known, when nothing is restricted: its text, and the plan of it
    /// where that gives rows in place of groups.
    fn written(&self, asked: &LogicalPlan, dialect: Dialect) -> Result<Written> {
        if let Some(rows) = groups::as_rows(asked)? {
            let (open, values) = keys::resolved(&rows, self.values, &[])?;
            if let Ok(sql) = write(&open, &values, self.spans, dialect) {
                return Ok((Ok(sql), Some(rows)));
            }
        }
        let (open, values) = keys::resolved(asked, self.values, &[])?;
        Ok((write(&open, &values, self.spans, dialect), None))
    }

    /// A query in parts of its table, before any keys are known.
    fn divided(&self, asked: &LogicalPlan, dialect: Dialect) -> Result<Option<Divided>> {
        let (plan, values) = keys::resolved(asked, self.values, &[])?;
        Ok(divided(&plan, &values, self.spans, dialect))
    }

    /// A part whose expressions have forms, and its whole has not: its topmost node is done here.
    fn lower(
        &mut self,
        there: There,
        needed: &Columns,
        unsupported: Unsupported,
    ) -> Result<LogicalPlan> {
        let node = there.plan;
        if node.inputs().is_empty() {
            return Err(DataFusionError::External(Box::new(unsupported)));
        }
        let below = below(&node, needed);
        let mut left = there.left;
        left.push(format!("{} {}", unsupported.dialect.as_str(), unsupported.reason));
        let mut rows = Vec::new();
        for (input, needed) in node.inputs().into_iter().zip(&below) {
            let part = match self.part(input, needed)? {
                Part::There(mut part) => {
                    part.left.extend(left.iter().cloned());
                    Part::There(part)
                }
                here => here,
            };
            rows.push(self.fetched(part, needed)?);
        }
        let exprs = node.expressions().into_iter().map(|e| self.here(e));
        let exprs = exprs.collect::<Result<Vec<_>>>()?;
        node.with_new_exprs(exprs, rows)
    }
}

fn table(node: &LogicalPlan, scan: &TableScan) -> Part {
    match scan.source.downcast_ref::<CatalogTable>().and_then(Place::of) {
        Some(place) => Part::There(There { place, plan: node.clone(), left: Vec::new() }),
        None => Part::Here(node.clone()),
    }
}

/// The plans of parts that are all of one database.
fn together(
    parts: Vec<Part>,
) -> std::result::Result<(Place, Vec<LogicalPlan>, Vec<String>), Vec<Part>> {
    let Some(Part::There(first)) = parts.first() else { return Err(parts) };
    let place = first.place.clone();
    if !parts.iter().all(|p| matches!(p, Part::There(there) if there.place == place)) {
        return Err(parts);
    }
    let (mut plans, mut left) = (Vec::new(), Vec::new());
    for part in parts {
        if let Part::There(there) = part {
            plans.push(there.plan);
            left.extend(there.left);
        }
    }
    Ok((place, plans, left))
}

/// Whether an expression refers to nothing but rows of `place`: no subquery of another source,
/// and nothing of a query around the part.
fn self_contained(
    expr: &Expr,
    place: &Place,
    schema: &DFSchema,
) -> std::result::Result<(), String> {
    let mut strange = None;
    let walked = expr.apply(|e| {
        let called = match e {
            Expr::ScalarFunction(call) => Some(call.func.name()),
            Expr::AggregateFunction(call) => Some(call.func.name()),
            _ => None,
        };
        if let Some(name) = called.filter(|n| place.server.lacks.contains(*n)) {
            strange = Some(format!("lacks {name}"));
        }
        let inside = subquery(e);
        let further = inside
            .is_some_and(|s| outside(&s.subquery).keys().any(|column| !schema.has_column(column)));
        if further || matches!(e, Expr::OuterReferenceColumn(..)) {
            strange = Some("cannot see the rows around a subquery".to_owned());
        }
        let elsewhere = |p: &Option<Place>| p.as_ref() != Some(place);
        if inside.is_some_and(|s| super::places_of(&s.subquery).iter().any(elsewhere)) {
            strange = Some("cannot see the rows of another source".to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the visitor itself never fails");
    strange.map_or(Ok(()), |s| Err(format!("{} {s}", place.source)))
}

/// The outputs of a projection that are needed; one at least, so that rows are counted.
fn used(projection: &Projection, needed: &Columns) -> Vec<Expr> {
    let Some(needed) = needed else { return projection.expr.clone() };
    let needed = within(needed, &projection.schema);
    let outputs = projection.expr.iter().enumerate();
    let used: Vec<Expr> = outputs
        .filter(|(i, _)| needed.contains(&Column::from(projection.schema.qualified_field(*i))))
        .map(|(_, e)| e.clone())
        .collect();
    match used.is_empty() {
        true => projection.expr.iter().take(1).cloned().collect(),
        false => used,
    }
}

/// A column of a part, and its name in the query.
pub(super) type Chosen = Vec<(Column, String)>;

/// The needed columns, under names that differ.
pub(super) fn chosen(schema: &DFSchema, needed: &Columns) -> Chosen {
    let all = (0..schema.fields().len()).map(|i| Column::from(schema.qualified_field(i)));
    let columns: Vec<Column> = match needed {
        None => all.collect(),
        Some(needed) => {
            let needed = within(needed, schema);
            all.filter(|c| needed.contains(c)).collect()
        }
    };
    let distinct: BTreeSet<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    let clash = distinct.len() < columns.len();
    let name = |i: usize, c: &Column| if clash { format!("c{i}") } else { c.name.clone() };
    let names: Vec<String> = columns.iter().enumerate().map(|(i, c)| name(i, c)).collect();
    columns.into_iter().zip(names).collect()
}

/// The query for the chosen columns of a part.
pub(super) fn asked(plan: &LogicalPlan, names: &Chosen) -> Result<LogicalPlan> {
    let whole = !names.is_empty()
        && names.len() == plan.schema().fields().len()
        && names.iter().all(|(c, name)| c.relation.is_none() && c.name == *name);
    if whole {
        return Ok(plan.clone());
    }
    let mut columns: Vec<Expr> =
        names.iter().map(|(c, name)| Expr::Column(c.clone()).alias(name)).collect();
    if columns.is_empty() {
        // Rows without columns are still counted.
        columns.push(lit(1_i64).alias("one"));
    }
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan.clone()))?))
}

/// The fetched rows under the names that the nodes above know.
pub(super) fn named_again(rows: LogicalPlan, names: &Chosen) -> Result<LogicalPlan> {
    if names.is_empty() {
        return Ok(rows);
    }
    let columns: Vec<Expr> = (0..names.len())
        .zip(names)
        .map(|(i, (column, _))| {
            let fetched = Expr::Column(Column::from(rows.schema().qualified_field(i)));
            fetched.alias_qualified(column.relation.clone(), &column.name)
        })
        .collect();
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(rows))?))
}

/// The most rows there can be, where something at the top bounds them. Bounds below joins are not
/// multiplied: those of policies (`access/limit.rs`) are none, and their product has no number.
fn most_rows(plan: &LogicalPlan) -> Option<u64> {
    let bound = |fetch: usize| u64::try_from(fetch).ok();
    match plan {
        LogicalPlan::Projection(node) => most_rows(&node.input),
        LogicalPlan::Filter(node) => most_rows(&node.input),
        LogicalPlan::SubqueryAlias(node) => most_rows(&node.input),
        LogicalPlan::Aggregate(node) if node.group_expr.is_empty() => Some(1),
        LogicalPlan::Sort(node) => node.fetch.map_or_else(|| most_rows(&node.input), bound),
        LogicalPlan::Limit(node) => match node.get_fetch_type() {
            Ok(FetchType::Literal(Some(fetch))) => bound(fetch),
            _ => most_rows(&node.input),
        },
        _ => None,
    }
}
