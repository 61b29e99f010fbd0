//! `date_trunc`, and the time ranges that a query's conditions ask of its tables.

use super::literals::named;
use super::meaning::Unmeant;
use super::zones::Clock;
use crate::functions::{Bucket, ZoneSpec, call};
use crate::plan::{Scanned, TimeBounds};
use crate::types::{UTC, instant};
use air_ir::{Grain, Unit, Weekday};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, Operator, cast};
use jiff::Timestamp;

/// The unit that a time is truncated to.
pub(super) fn unit(name: &ScalarValue) -> Result<Unit> {
    let name = name.to_string().to_lowercase();
    Ok(match name.as_str() {
        "minute" => Unit::Minute,
        "hour" => Unit::Hour,
        "day" => Unit::Day,
        "week" => Unit::Week,
        "month" => Unit::Month,
        "quarter" => Unit::Quarter,
        "year" => Unit::Year,
        _ => return Err(Unmeant::error(format!("date_trunc to {name} is not taken"))),
    })
}

/// The start of the unit a time lies in, where the clock is the one of UTC.
pub(super) fn truncated(name: &ScalarValue, value: &Expr, arrow: &DataType) -> Result<Expr> {
    let grain = unit(name)?;
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    let zone = ZoneSpec::get(UTC).map_err(|e| Unmeant::error(e.to_string()))?;
    let bucket = Bucket::new(Grain { n: 1, unit: grain }, zone, Weekday::Monday, 1);
    match arrow {
        // Of a date, Postgres makes an instant.
        DataType::Date32 => {
            let at = cast(cast(value.clone(), local), instant(UTC));
            Ok(call(bucket, vec![at]))
        }
        DataType::Timestamp(_, None) => {
            // Without a zone, the clock shown is read as the one of UTC and shown again.
            let at = cast(cast(value.clone(), local.clone()), instant(UTC));
            Ok(cast(call(bucket, vec![at]), local))
        }
        DataType::Timestamp(_, Some(_)) => Ok(call(bucket, vec![value.clone()])),
        other => Err(Unmeant::error(format!("date_trunc of a {} is not taken", named(other)))),
    }
}

/// Records in `scans` what the conditions of `plan` say of their time columns. A condition counts
/// where it holds for every row that leaves the tables: above them only joins and filters.
pub(super) fn bounds(plan: &LogicalPlan, scans: &mut [Scanned], clock: &Clock) {
    let mut conditions = Vec::new();
    collect(plan, &mut conditions, scans, clock);
}

fn collect<'p>(
    plan: &'p LogicalPlan,
    above: &mut Vec<&'p Expr>,
    scans: &mut [Scanned],
    clock: &Clock,
) {
    match plan {
        LogicalPlan::Filter(filter) => {
            let before = above.len();
            above.extend(split_conjunction(&filter.predicate));
            collect(&filter.input, above, scans, clock);
            above.truncate(before);
        }
        LogicalPlan::Join(join) => {
            let before = above.len();
            if let (JoinType::Inner, Some(filter)) = (join.join_type, &join.filter) {
                above.extend(split_conjunction(filter));
            }
            collect(&join.left, above, scans, clock);
            collect(&join.right, above, scans, clock);
            above.truncate(before);
        }
        // A name given to a table alone: conditions above speak of it by that name.
        LogicalPlan::SubqueryAlias(outer) => match outer.input.as_ref() {
            LogicalPlan::SubqueryAlias(inner)
                if matches!(inner.input.as_ref(), LogicalPlan::TableScan(_)) =>
            {
                let (shown, alias) = (outer.alias.table(), inner.alias.table());
                if let Some(scan) = scans.iter_mut().find(|s| s.alias == alias) {
                    above.iter().for_each(|condition| narrow(scan, shown, condition, clock));
                }
            }
            input => collect(input, &mut Vec::new(), scans, clock),
        },
        other => {
            for input in other.inputs() {
                collect(input, &mut Vec::new(), scans, clock);
            }
        }
    }
    for expr in plan.expressions() {
        subqueries(&expr, scans, clock);
    }
}

fn subqueries(expr: &Expr, scans: &mut [Scanned], clock: &Clock) {
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
    let walked = expr.apply(|part| {
        let subquery = match part {
            Expr::ScalarSubquery(subquery) => Some(subquery),
            Expr::Exists(exists) => Some(&exists.subquery),
            Expr::InSubquery(inside) => Some(&inside.subquery),
            _ => None,
        };
        if let Some(subquery) = subquery {
            collect(&subquery.subquery, &mut Vec::new(), scans, clock);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok());
}

fn narrow(scan: &mut Scanned, shown: &str, condition: &Expr, clock: &Clock) {
    let Some(bounds) = &mut scan.time else { return };
    match condition {
        Expr::BinaryExpr(binary) => {
            let (column, op, value) = match (binary.left.as_ref(), binary.right.as_ref()) {
                (Expr::Column(column), Expr::Literal(value, _)) => (column, Some(binary.op), value),
                (Expr::Literal(value, _), Expr::Column(column)) => {
                    (column, binary.op.swap(), value)
                }
                _ => return,
            };
            let named = column.relation.as_ref().is_none_or(|r| r.table() == shown);
            if let (true, Some(op), Some(at)) =
                (named && column.name == bounds.column, op, clock.moment(value))
            {
                bound(bounds, op, at);
            }
        }
        Expr::Between(between) if !between.negated => {
            let Expr::Column(column) = between.expr.as_ref() else { return };
            let named = column.relation.as_ref().is_none_or(|r| r.table() == shown);
            let (Expr::Literal(low, _), Expr::Literal(high, _)) =
                (between.low.as_ref(), between.high.as_ref())
            else {
                return;
            };
            if let (true, Some(low), Some(high)) =
                (named && column.name == bounds.column, clock.moment(low), clock.moment(high))
            {
                bound(bounds, Operator::GtEq, low);
                bound(bounds, Operator::LtEq, high);
            }
        }
        _ => {}
    }
}

fn bound(bounds: &mut TimeBounds, op: Operator, at: Timestamp) {
    let later = bounds.lower.map_or(at, |known| known.max(at));
    let earlier = bounds.upper.map_or(at, |known| known.min(at));
    match op {
        Operator::Gt | Operator::GtEq => bounds.lower = Some(later),
        Operator::Lt | Operator::LtEq => bounds.upper = Some(earlier),
        Operator::Eq => (bounds.lower, bounds.upper) = (Some(later), Some(earlier)),
        _ => {}
    }
}
