//! Time-series tables want a bounded time range.

use super::{Finding, Outcome, Policy, TimeFilter};
use crate::plan::{Plan, Scanned, TimeBounds};
use crate::types::UTC;
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, ExprSchema, ScalarValue, TableReference};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, LogicalPlan, Operator};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

const RULE: &str = "time_range";

/// What the rule says, of one scan where it is about one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ruling {
    pub(crate) finding: Finding,
    /// The lower bound to give the scan, by its place among all scans.
    pub(crate) inject: Option<(usize, Timestamp)>,
}

impl Ruling {
    fn found(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { finding: Finding::new(RULE, outcome, detail), inject: None }
    }

    /// Whether a finding is of this rule.
    pub(crate) fn is_about(finding: &Finding) -> bool {
        finding.rule == RULE
    }
}

/// One finding a time-series scan; where the policy says so, the scan is bounded.
pub(super) fn bounded(plan: &mut Plan, policy: &Policy) -> Vec<Finding> {
    let rulings = rulings(&plan.scans, plan.now, policy);
    rulings.into_iter().map(|ruling| applied(plan, ruling)).collect()
}

/// What the rule says of these scans; nothing is changed yet.
pub(crate) fn rulings(scans: &[Scanned], now: Timestamp, policy: &Policy) -> Vec<Ruling> {
    if policy.time_filter == TimeFilter::Off {
        return vec![Ruling::found(Outcome::Warned, "Time ranges are not enforced here.")];
    }
    let timed = scans.iter().enumerate();
    let timed = timed.filter_map(|(i, s)| Some(ruling(i, s, s.time.as_ref()?, now, policy)));
    let rulings: Vec<Ruling> = timed.collect();
    match rulings.is_empty() {
        true => vec![Ruling::found(Outcome::Ok, "Reads no time-series table.")],
        false => rulings,
    }
}

fn ruling(
    index: usize,
    scan: &Scanned,
    bounds: &TimeBounds,
    now: Timestamp,
    policy: &Policy,
) -> Ruling {
    let days = i64::from(policy.enforce_time_filter_days);
    let span = SignedDuration::from_hours(24 * days);
    let named = format!("\"{}\" by \"{}\"", scan.table, bounds.column);
    let end = bounds.upper.unwrap_or(now);
    if let Some(lower) = bounds.lower {
        if end.duration_since(lower) <= span {
            return Ruling::found(Outcome::Ok, format!("{named} is bounded."));
        }
        let detail =
            format!("{named} is asked for over more than {days} days; narrow the time range.");
        return Ruling::found(Outcome::Refused, detail);
    }
    if policy.time_filter == TimeFilter::Refuse {
        let detail = format!("{named} needs a bounded time range of at most {days} days.");
        return Ruling::found(Outcome::Refused, detail);
    }
    let Ok(lower) = end.checked_sub(span) else {
        return Ruling::found(Outcome::Refused, format!("{named} needs a time range."));
    };
    let detail = format!("{named} had no lower bound; it is read from {lower} on.");
    let finding = Finding::new(RULE, Outcome::Injected, detail);
    Ruling { finding, inject: Some((index, lower)) }
}

/// The finding, after its bound was put into the plan.
fn applied(plan: &mut Plan, ruling: Ruling) -> Finding {
    let Some((index, lower)) = ruling.inject else { return ruling.finding };
    let scan = plan.scans[index].clone();
    let column = scan.time.as_ref().map_or("", |time| time.column.as_str());
    match inject(plan, &scan, column, lower) {
        Ok(()) => {
            plan.notes.push(ruling.finding.detail.clone());
            ruling.finding
        }
        Err(error) => {
            let named = format!("\"{}\" by \"{column}\"", scan.table);
            let detail = format!("{named} could not be bounded: {error}");
            Finding::new(RULE, Outcome::Refused, detail)
        }
    }
}

/// Puts a lower bound above the scan.
fn inject(
    plan: &mut Plan,
    scan: &Scanned,
    column: &str,
    lower: Timestamp,
) -> datafusion::common::Result<()> {
    let alias = TableReference::bare(scan.alias.clone());
    let name = Column::new(Some(alias.clone()), column);
    let id = format!("${}", plan.values.len() + 1);
    let mut value = None;
    let logical = plan.logical.clone().transform_up_with_subqueries(|node| {
        let LogicalPlan::SubqueryAlias(aliased) = &node else { return Ok(Transformed::no(node)) };
        if aliased.alias != alias {
            return Ok(Transformed::no(node));
        }
        let arrow = node.schema().field_from_column(&name)?.data_type().clone();
        value = bound(lower, &arrow);
        let field = Arc::new(Field::new("", arrow, true));
        let placeholder = Expr::Placeholder(Placeholder::new_with_field(id.clone(), Some(field)));
        let condition = Expr::BinaryExpr(BinaryExpr::new(
            Box::new(Expr::Column(name.clone())),
            Operator::GtEq,
            Box::new(placeholder),
        ));
        Ok(Transformed::yes(LogicalPlan::Filter(Filter::new(condition, Arc::new(node)))))
    })?;
    let Some(value) = value else {
        return Err(datafusion::common::DataFusionError::Plan("the scan was not found".to_owned()));
    };
    plan.logical = logical.data;
    plan.values.push(value);
    Ok(())
}

/// An instant as a value of a time column.
pub(crate) fn bound(at: Timestamp, arrow: &ArrowType) -> Option<ScalarValue> {
    match arrow {
        ArrowType::Date32 => {
            let days = at.as_second().div_euclid(86_400);
            Some(ScalarValue::Date32(i32::try_from(days).ok()))
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, None) => {
            Some(ScalarValue::TimestampMicrosecond(Some(at.as_microsecond()), None))
        }
        ArrowType::Timestamp(..) => {
            Some(ScalarValue::TimestampMicrosecond(Some(at.as_microsecond()), Some(UTC.into())))
        }
        _ => None,
    }
}
