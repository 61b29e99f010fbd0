//! The filter of a table's rows, made once by the planner itself and put above every scan.
//!
//! In: filters of an IR and the whole catalog. Out: a condition over the table's columns, its
//! values apart, as in every plan. A filter that reaches another table, asks whether rows are
//! there, or means other rows at another time, is no limit.

use super::Unfit;
use crate::plan::{Plan, PlanOptions, plan};
use crate::prepared::{CatalogTable, Prepared};
use air_ir::{Bindings, Filter, Ir, Subject};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result as PlanResult, ScalarValue, TableReference};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, Filter as FilterNode, Limit as LimitNode, LogicalPlan, Projection, SubqueryAlias,
    TableScan, TableScanBuilder, TableSource, lit,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a row must pass to be seen.
#[derive(Debug)]
pub(crate) struct Limit {
    /// Over the columns by their own names; its placeholders count the values from `$1` on.
    condition: Expr,
    values: Vec<ScalarValue>,
    /// The table with every column.
    whole: Arc<CatalogTable>,
    /// The filters as text: what tells limits of one table apart.
    key: String,
    /// Whether the condition is about columns that are not shown.
    hides: bool,
}

impl Limit {
    /// The limit of a table of the default catalog; none where every row is shown.
    ///
    /// # Errors
    /// What does not fit.
    pub(super) fn new(
        whole: &Prepared,
        table: &str,
        rows: &[Value],
        hidden: &BTreeSet<String>,
    ) -> Result<Option<Self>, Unfit> {
        columns(whole, table, hidden)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let ir = counting(table, rows)?;
        let (condition, values) = lasting(&ir, whole)?;
        let [id] = whole.find(table) else { return Err(unknown(table)) };
        let hides = condition.column_refs().iter().any(|c| hidden.contains(&c.name));
        let key = serde_json::to_string(rows).unwrap_or_default();
        Ok(Some(Self { condition, values, whole: whole.source(*id), key, hides }))
    }

    /// The table it is about: its source and its qualified name.
    pub(crate) fn table(&self) -> (&str, &str) {
        (&self.whole.source, &self.whole.name)
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn hides(&self) -> bool {
        self.hides
    }

    /// The scan called `alias` with no rows but those that pass, its schema as before. Values go
    /// to the end of `values`. Above what is `first` nothing is looked at before the condition.
    pub(crate) fn put(
        &self,
        scan: &TableScan,
        alias: &TableReference,
        values: &mut Vec<ScalarValue>,
        first: bool,
    ) -> PlanResult<LogicalPlan> {
        let condition = self.condition_of(alias, values.len())?;
        values.extend(self.values.iter().cloned());
        let shown: Vec<String> =
            scan.projected_schema.fields().iter().map(|f| f.name().clone()).collect();
        let mut read = shown.clone();
        for column in self.condition.column_refs() {
            if !read.contains(&column.name) {
                read.push(column.name.clone());
            }
        }
        let schema = self.whole.schema();
        let places = read.iter().map(|name| schema.index_of(name));
        let places: Vec<usize> = places.collect::<Result<_, _>>()?;
        // What is known of the server may have changed since the limit was made.
        let known = scan.source.downcast_ref::<CatalogTable>();
        let server = known.and_then(|table| table.server.clone());
        let whole = self.whole.as_ref().clone().answered_by(server);
        let source: Arc<dyn TableSource> = Arc::new(whole);
        let bare = TableScanBuilder::new(scan.table_name.clone(), source)
            .with_projection(Some(places))
            .build()?;
        let mut plan = LogicalPlan::TableScan(bare);
        if *alias != scan.table_name {
            plan =
                LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(plan), alias.clone())?);
        }
        plan = LogicalPlan::Filter(FilterNode::try_new(condition, Arc::new(plan))?);
        if first {
            // No engine puts a condition below a limit.
            let fetch = Some(Box::new(lit(i64::MAX)));
            plan = LogicalPlan::Limit(LimitNode { skip: None, fetch, input: Arc::new(plan) });
        }
        if read.len() == shown.len() {
            return Ok(plan);
        }
        let named = |name: &String| Expr::Column(Column::new(Some(alias.clone()), name));
        let columns = shown.iter().map(named).collect();
        Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
    }

    /// The condition over a scan called `alias`, in a plan that has `before` values.
    fn condition_of(&self, alias: &TableReference, before: usize) -> PlanResult<Expr> {
        let condition = self.condition.clone().transform_up(|part| {
            Ok(match part {
                Expr::Column(column) => {
                    Transformed::yes(Expr::Column(Column::new(Some(alias.clone()), column.name)))
                }
                Expr::Placeholder(Placeholder { id, field }) => {
                    let id = format!("${}", before + number(&id));
                    Transformed::yes(Expr::Placeholder(Placeholder { id, field }))
                }
                other => Transformed::no(other),
            })
        })?;
        Ok(condition.data)
    }
}

fn unknown(table: &str) -> Unfit {
    Unfit(format!("there is no entity \"{table}\""))
}

fn number(id: &str) -> usize {
    id.trim_start_matches('$').parse().unwrap_or_default()
}

/// As [`Limit::new`], of filters whose parameters may be open.
pub(super) fn check(
    whole: &Prepared,
    table: &str,
    rows: &[Value],
    hidden: &BTreeSet<String>,
) -> Result<(), Unfit> {
    columns(whole, table, hidden)?;
    let ir = counting(table, rows)?;
    let [id] = whole.find(table) else { return Err(unknown(table)) };
    let known = whole.table(*id);
    for name in fields(&ir.filters) {
        if known.column(&name).is_none() {
            return Err(no_column(table, &name));
        }
    }
    let bindings = Bindings { optional: ir.parameters(), ..Bindings::default() };
    let bound = ir.bind(&bindings).map_err(|errors| told(&errors))?;
    if bound.filters.is_empty() {
        return Ok(());
    }
    lasting(&bound, whole).map(|_| ())
}

/// Whether every hidden column is there and may be hidden.
fn columns(whole: &Prepared, table: &str, hidden: &BTreeSet<String>) -> Result<(), Unfit> {
    let [id] = whole.find(table) else { return Err(unknown(table)) };
    let known = whole.table(*id);
    for name in hidden {
        if known.column(name).is_none() {
            return Err(no_column(table, name));
        }
        if known.time_series && known.time_column.as_ref() == Some(name) {
            let detail = format!("\"{name}\" bounds what is read of \"{table}\", so it is shown");
            return Err(Unfit(detail));
        }
    }
    Ok(())
}

fn no_column(table: &str, name: &str) -> Unfit {
    Unfit(format!("\"{table}\" has no column \"{name}\""))
}

fn told(errors: &[air_ir::IrError]) -> Unfit {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Unfit(errors.join(" "))
}

/// The filters as an IR that counts the rows they leave.
fn counting(table: &str, rows: &[Value]) -> Result<Ir, Unfit> {
    let whole = json!({
        "entities": [table], "metrics": [{"name": "rows", "agg": "count"}], "filters": rows,
    });
    Ir::parse(&whole).map_err(|errors| told(&errors))
}

/// The fields that filters name.
fn fields(filters: &[Filter]) -> Vec<String> {
    let mut names = Vec::new();
    for filter in filters {
        match filter {
            Filter::All(list) | Filter::Any(list) => names.extend(fields(list)),
            Filter::Not(inner) => names.extend(fields(std::slice::from_ref(inner.as_ref()))),
            Filter::Compare(comparison) => match &comparison.subject {
                Subject::Field(field) => names.push(field.clone()),
                Subject::Expr(expr) => {
                    names.extend(expr.names().into_iter().map(|(name, _)| name.to_owned()));
                }
                Subject::Metric(_) => {}
            },
            // Refused where it is planned.
            Filter::Exists(_) => {}
        }
    }
    names
}

/// The condition, where it is the same at every time: a run's `now` is its caller's to choose.
fn lasting(ir: &Ir, whole: &Prepared) -> Result<(Expr, Vec<ScalarValue>), Unfit> {
    let at = |second| condition(ir, whole, Timestamp::constant(second, 0));
    let (early, late) = (at(0)?, at(1_600_000_000)?);
    if early != late {
        let detail = "its filters depend on the time of the run; name a period of the calendar";
        return Err(Unfit(detail.to_owned()));
    }
    Ok(late)
}

fn condition(ir: &Ir, whole: &Prepared, now: Timestamp) -> Result<(Expr, Vec<ScalarValue>), Unfit> {
    let options = PlanOptions { now, default_limit: 1, max_limit: 1 };
    let planned = plan(ir, whole, &options).map_err(|error| told(&error.0))?;
    let Some(found) = own_filter(&planned) else {
        let detail = "its filters must be about columns of the entity itself";
        return Err(Unfit(detail.to_owned()));
    };
    let mut values = Vec::new();
    let bare = found.transform_up(|part| {
        Ok(match part {
            Expr::Column(column) => {
                Transformed::yes(Expr::Column(Column::new_unqualified(column.name)))
            }
            Expr::Placeholder(Placeholder { id, field }) => {
                let place = number(&id).wrapping_sub(1);
                values.extend(planned.values.get(place).cloned());
                let id = format!("${}", values.len());
                Transformed::yes(Expr::Placeholder(Placeholder { id, field }))
            }
            other => Transformed::no(other),
        })
    });
    let bare = bare.map_err(|error| Unfit(error.strip_backtrace()))?;
    Ok((bare.data, values))
}

/// What a plan filters the rows of its one scan by; `None` where it reads more than that scan.
fn own_filter(plan: &Plan) -> Option<Expr> {
    let mut conditions = Vec::new();
    let (mut scans, mut strange) = (0_usize, false);
    let walked = plan.logical.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::Filter(filter) => {
                conditions.push(filter.predicate.clone());
                strange |= !is_scan(&filter.input);
            }
            LogicalPlan::TableScan(_) => scans += 1,
            LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Projection(_)
            | LogicalPlan::Aggregate(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_) => {}
            _ => strange = true,
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if walked.is_err() || strange || scans != 1 {
        return None;
    }
    conjunction(conditions)
}

/// A scan under its alias, filters above it or not.
fn is_scan(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Filter(filter) => is_scan(&filter.input),
        LogicalPlan::SubqueryAlias(aliased) => {
            matches!(aliased.input.as_ref(), LogicalPlan::TableScan(_))
        }
        _ => false,
    }
}
