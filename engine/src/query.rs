//! SQL text to logical plan: what people and models write is read, and never sent anywhere.
//!
//! In: one query in the dialect of Postgres, a prepared catalog and the run's frozen `now`. Out:
//! the same [`Plan`] that an IR gives, for the same guard and the same writer. Only what is on a
//! list is taken: of clauses, forms, operators, functions and types. What Postgres means and the
//! engine does not is given that meaning, or refused.
//!
//! Times are those of the zone that the source declares (`query/zones.rs`).
//!
//! Absent: parameters, statements other than a query, functions in FROM, LATERAL, recursion.

mod allowed;
mod arithmetic;
mod expressions;
mod first_rows;
mod literals;
mod marked;
mod meaning;
mod meeting;
mod names;
mod outputs;
mod scales;
mod scans;
mod size;
mod subqueries;
mod times;
mod types;
mod using;
mod zones;

use crate::guard::{Finding, Outcome, Refusal};
use crate::plan::{Context, Plan, PlanError, PlanOptions};
use crate::prepared::Prepared;
use air_ir::{Code, IrError, Pointer};
use allowed::Walk;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result as PlanResult, SchemaError};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Limit, LogicalPlan, lit};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::sql::planner::{NullOrdering, ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::{Query, Statement};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use meaning::{Meaning, Unmeant};
use names::{Names, NoTable};
use std::sync::Arc;
use zones::Clock;

/// Why a SQL text has no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Names, types or numbers are wrong; they can be put right.
    #[error(transparent)]
    Invalid(#[from] PlanError),
    /// It asks for what no query here may do.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// One refusal, by the rule of the guard that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    rule: &'static str,
    detail: String,
}

impl Refused {
    fn new(rule: &'static str, detail: impl Into<String>) -> Self {
        Self { rule, detail: detail.into() }
    }
}

impl From<Vec<Refused>> for QueryError {
    fn from(refused: Vec<Refused>) -> Self {
        let report = refused.into_iter();
        let report = report.map(|r| Finding::new(r.rule, Outcome::Refused, r.detail));
        Self::Refused(Refusal { report: report.collect() })
    }
}

/// Plans a query written in SQL.
///
/// # Errors
/// [`QueryError`]: what is wrong with it, or why it may not run.
pub fn plan_sql(
    text: &str,
    prepared: &Prepared,
    options: &PlanOptions,
) -> Result<Plan, QueryError> {
    let mut query = parsed(text).map_err(|refused| QueryError::from(vec![refused]))?;
    let declared = prepared.catalog().time_zone.as_deref();
    let clock = Clock::of(declared).map_err(|error| PlanError(vec![error]))?;
    let mut walk = Walk::new(options.now, clock.showing(options.now));
    walk.query(&mut query);
    if !walk.refused.is_empty() {
        return Err(walk.refused.into());
    }
    let names = Names::new(prepared);
    let plan = planned(query, &names).map_err(|e| invalid(&e, prepared))?;
    if walk.shows_all_of_using && !using::common_ones_are_first(&plan) {
        let detail = "* of a join with USING whose columns are not its left table's first is not \
                      taken; name the columns.";
        return Err(vec![Refused::new("read_only", detail)].into());
    }
    let mut context = Context::new(options.now);
    let meaning = Meaning { kind: prepared.catalog().kind, clock };
    let plan = outputs::unambiguous(&plan)
        .and_then(|()| first_rows::first_rows(plan))
        .and_then(|plan| scans::named(plan, prepared, &mut context))
        .and_then(subqueries::grouped_once)
        .and_then(|plan| meant(plan, &meaning))
        .and_then(|plan| scales::shown(&plan).map(|()| plan))
        .and_then(|plan| coerced(plan, &meaning.clock))
        .map_err(|e| invalid(&e, prepared))?;
    times::bounds(&plan, &mut context.scans, &meaning.clock);
    let (plan, limit, defaulted) = limited(plan, options)?;
    let plan = outputs::finished(plan)
        .and_then(|plan| literals::bound(plan, &mut context))
        .map_err(|e| invalid(&e, prepared))?;
    let range = context.scans.iter().find_map(|s| s.time.as_ref());
    let range = range.and_then(|bounds| bounds.lower.zip(bounds.upper));
    Ok(Plan {
        columns: outputs::columns(&plan),
        logical: plan,
        values: context.values,
        limit,
        limit_defaulted: defaulted,
        scans: context.scans,
        notes: context.notes,
        time_zone: declared.unwrap_or(crate::types::UTC).to_owned(),
        range,
        spans: crate::plan::Spans::new(),
        now: options.now,
    })
}

/// The plan of a text; its casts are called apart where two outputs would be called alike.
fn planned(mut query: Box<Query>, names: &Names<'_>) -> PlanResult<LogicalPlan> {
    let planner = SqlToRel::new_with_options(names, parser_options());
    let plan = planner.sql_statement_to_plan(Statement::Query(query.clone()));
    if !marked::called_alike(&plan) {
        return plan;
    }
    marked::marked(&mut query);
    marked::cast_again(planner.sql_statement_to_plan(Statement::Query(query))?)
}

/// Exactly one query.
fn parsed(text: &str) -> Result<Box<Query>, Refused> {
    let tokens = size::tokens(text)?;
    let dialect = PostgreSqlDialect {};
    let statements = Parser::new(&dialect).with_tokens_with_locations(tokens).parse_statements();
    let mut statements =
        statements.map_err(|e| Refused::new("read_only", format!("This is no query: {e}.")))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Ok(query),
        (Some(_), true) => Err(Refused::new("read_only", "Only queries run; this is none.")),
        (Some(_), false) => Err(Refused::new("read_only", "Only one query runs at a time.")),
        (None, _) => Err(Refused::new("read_only", "There is no query.")),
    }
}

fn parser_options() -> ParserOptions {
    ParserOptions {
        parse_float_as_decimal: true,
        enable_ident_normalization: true,
        support_varchar_with_length: false,
        enable_options_value_normalization: false,
        collect_spans: false,
        map_string_types_to_utf8view: true,
        // As Postgres: nulls are greater than every value.
        default_null_ordering: NullOrdering::NullsMax,
    }
}

/// Every expression with the meaning of Postgres.
fn meant(plan: LogicalPlan, meaning: &Meaning) -> PlanResult<LogicalPlan> {
    let meant = plan.transform_up_with_subqueries(|node| {
        if let LogicalPlan::Union(union) = &node {
            meaning::united(union)?;
        }
        let schema = below(&node);
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let meant = expr.transform_up(|part| meaning.of(part, &schema))?;
            Ok(Transformed::yes(name.restore(meant.data)))
        })?;
        Ok(Transformed::yes(node.data.recompute_schema()?))
    })?;
    Ok(meant.data)
}

/// What the expressions of a node speak of.
fn below(node: &LogicalPlan) -> DFSchema {
    match node {
        LogicalPlan::TableScan(scan) => scan.projected_schema.as_ref().clone(),
        other => merge_schema(&other.inputs()),
    }
}

/// Types brought together by the engine's rules, of which only harmless ones are taken.
fn coerced(plan: LogicalPlan, clock: &Clock) -> PlanResult<LogicalPlan> {
    let plan = TypeCoercion::new().analyze(plan, &ConfigOptions::default())?;
    let folded = plan.transform_up_with_subqueries(|node| {
        let schema = below(&node);
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let folded = expr.transform_up(|part| {
                clock.implied(&part, &schema)?;
                literals::folded(part)
            })?;
            Ok(Transformed::yes(name.restore(folded.data)))
        })?;
        Ok(Transformed::yes(node.data.recompute_schema()?))
    })?;
    folded.data.apply_with_subqueries(|node| {
        let schema = below(node);
        for expr in node.expressions() {
            meaning::casts(&expr, &schema)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(folded.data)
}

/// One row more than the limit, so that it is known whether a further row exists.
fn limited(
    plan: LogicalPlan,
    options: &PlanOptions,
) -> Result<(LogicalPlan, u64, bool), PlanError> {
    let fail = |code, detail: String| PlanError(vec![IrError::new(code, &at(), detail)]);
    let more = |n: u64| Some(Box::new(lit(i64::try_from(n).unwrap_or(i64::MAX).saturating_add(1))));
    if let LogicalPlan::Limit(limit) = plan {
        let Some(fetch) = &limit.fetch else {
            let fetch = more(options.default_limit);
            let limited = LogicalPlan::Limit(Limit { fetch, ..limit });
            return Ok((limited, options.default_limit, true));
        };
        let Some(rows) = meaning::whole(fetch) else {
            return Err(fail(Code::BadLimit, "LIMIT wants a whole number.".to_owned()));
        };
        if rows > options.max_limit {
            let detail = format!("LIMIT is {rows}, and at most {} here.", options.max_limit);
            return Err(fail(Code::BadLimit, detail));
        }
        let limited = LogicalPlan::Limit(Limit { fetch: more(rows), ..limit });
        return Ok((limited, rows, false));
    }
    let limit = Limit { skip: None, fetch: more(options.default_limit), input: Arc::new(plan) };
    Ok((LogicalPlan::Limit(limit), options.default_limit, true))
}

fn at() -> Pointer {
    Pointer::root().key("sql")
}

/// An error of the planner in the words of AIR.
fn invalid(error: &DataFusionError, prepared: &Prepared) -> QueryError {
    let error = error.find_root();
    let error = match error {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                let known: Vec<String> = valid_fields.iter().map(|c| c.flat_name()).collect();
                let bare = valid_fields.iter().map(|c| c.name());
                let detail = format!("There is no column \"{}\" here.", field.flat_name());
                let known = known.iter().map(String::as_str).chain(bare);
                IrError::new(Code::UnknownColumn, &at(), detail).near(field.name(), known)
            }
            SchemaError::AmbiguousReference { field } => {
                let detail = format!("\"{}\" could be of several tables; say which.", field.name());
                IrError::new(Code::AmbiguousColumn, &at(), detail)
            }
            other => IrError::new(Code::BadExpression, &at(), sentence(&other.to_string())),
        },
        DataFusionError::External(cause) => {
            if let Some(table) = cause.downcast_ref::<NoTable>() {
                no_table(table, prepared)
            } else if let Some(unmeant) = cause.downcast_ref::<Unmeant>() {
                IrError::new(Code::Unsupported, &at(), sentence(&unmeant.0))
            } else {
                IrError::new(Code::BadExpression, &at(), sentence(&cause.to_string()))
            }
        }
        other => {
            let detail = fitting(&other.strip_backtrace());
            IrError::new(Code::BadExpression, &at(), sentence(&detail))
        }
    };
    QueryError::Invalid(PlanError(vec![error]))
}

fn no_table(table: &NoTable, prepared: &Prepared) -> IrError {
    let code = if table.ambiguous { Code::AmbiguousEntity } else { Code::UnknownEntity };
    let catalog = prepared.catalog();
    if let Some(why) = prepared.refusal(&catalog.source, &table.name) {
        let detail = format!("\"{}\" may not be read: {why}.", table.name);
        return IrError::new(Code::NotAllowed, &at(), detail);
    }
    let names: Vec<String> =
        catalog.table_names().chain(catalog.tables.iter().map(|t| t.name.clone())).collect();
    let error = IrError::new(code, &at(), table.to_string());
    error.near(&table.name, names.iter().map(String::as_str))
}

/// What the planner says of types that do not fit, in the words of the text.
fn fitting(text: &str) -> String {
    let function = text.split_once("Function '").and_then(|(_, rest)| rest.split_once('\''));
    match function {
        Some((name, rest)) if rest.contains("signature") => {
            format!("{name} does not take arguments of these types; cast them")
        }
        _ if text.contains("require unique expression names") => {
            "Two outputs have one name; give one of them another".to_owned()
        }
        _ if text.contains("Divide by zero") => "A division by zero".to_owned(),
        _ if text.contains("Internal error") || text.contains("common argument type") => {
            "The types of an expression do not fit one another; cast its parts".to_owned()
        }
        _ => text.to_owned(),
    }
}

/// The first line, as a sentence.
fn sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end_matches('.');
    let mut chars = line.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => "The query cannot be planned.".to_owned(),
    }
}
