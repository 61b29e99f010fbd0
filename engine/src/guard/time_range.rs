//! Time-series tables want a bounded time range.

use super::{Finding, Outcome, Policy, TimeFilter};
use crate::plan::{Plan, Scanned};
use crate::types::UTC;
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, ExprSchema, ScalarValue, TableReference};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, LogicalPlan, Operator};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

const RULE: &str = "time_range";

/// One finding a time-series scan; where the policy says so, the scan is bounded.
pub(super) fn bounded(plan: &mut Plan, policy: &Policy) -> Vec<Finding> {
    if policy.time_filter == TimeFilter::Off {
        return vec![Finding::new(RULE, Outcome::Warned, "Time ranges are not enforced here.")];
    }
    let scans: Vec<Scanned> = plan.scans.iter().filter(|s| s.time.is_some()).cloned().collect();
    if scans.is_empty() {
        return vec![Finding::new(RULE, Outcome::Ok, "Reads no time-series table.")];
    }
    scans.iter().map(|scan| one(plan, scan, policy)).collect()
}

fn one(plan: &mut Plan, scan: &Scanned, policy: &Policy) -> Finding {
    let Some(bounds) = &scan.time else {
        return Finding::new(RULE, Outcome::Ok, "Reads no time-series table.");
    };
    let days = i64::from(policy.enforce_time_filter_days);
    let span = SignedDuration::from_hours(24 * days);
    let named = format!("\"{}\" by \"{}\"", scan.table, bounds.column);
    let end = bounds.upper.unwrap_or(plan.now);
    if let Some(lower) = bounds.lower {
        if end.duration_since(lower) <= span {
            return Finding::new(RULE, Outcome::Ok, format!("{named} is bounded."));
        }
        let detail =
            format!("{named} is asked for over more than {days} days; narrow the time range.");
        return Finding::new(RULE, Outcome::Refused, detail);
    }
    if policy.time_filter == TimeFilter::Refuse {
        let detail = format!("{named} needs a bounded time range of at most {days} days.");
        return Finding::new(RULE, Outcome::Refused, detail);
    }
    let Ok(lower) = end.checked_sub(span) else {
        let detail = format!("{named} needs a time range.");
        return Finding::new(RULE, Outcome::Refused, detail);
    };
    match inject(plan, scan, &bounds.column, lower) {
        Ok(()) => {
            let detail = format!("{named} had no lower bound; it is read from {lower} on.");
            plan.notes.push(detail.clone());
            Finding::new(RULE, Outcome::Injected, detail)
        }
        Err(error) => {
            Finding::new(RULE, Outcome::Refused, format!("{named} could not be bounded: {error}"))
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

fn bound(at: Timestamp, arrow: &ArrowType) -> Option<ScalarValue> {
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
