//! The groups against the grand total: additive metrics must add up.

use super::{Evidence, finding, values};
use air_ir::{Check, CheckStatus, Fill, Ir, MetricKind};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::i256;
use serde_json::{Value, json};

/// Relative to the sum of magnitudes, which bounds the rounding of any order of summation
/// (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2).
const FLOAT_TOLERANCE: f64 = 1e-9;

/// The IR whose one row the groups must add up to: the additive metrics, without dimensions.
/// `None` where nothing could be compared with it.
pub fn totals_ir(ir: &Ir) -> Option<Ir> {
    let cut = ir.offset > 0 || !ir.having.is_empty() || ir.top.is_some();
    if ir.dimensions.is_empty() || cut || ir.time.fill == Some(Fill::Previous) {
        return None;
    }
    let mut totals = ir.clone();
    totals
        .metrics
        .retain(|m| matches!(m.kind, MetricKind::Aggregate { agg, .. } if agg.is_additive()));
    if totals.metrics.is_empty() {
        return None;
    }
    totals.dimensions.clear();
    totals.order.clear();
    totals.limit = None;
    totals.grain = None;
    totals.time.fill = None;
    Some(totals)
}

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let totals = e.totals.filter(|t| t.num_rows() == 1 && e.is_whole())?;
    e.dimensions().next()?;
    let compared: Vec<(String, Compared)> = e
        .additive()
        .filter_map(|(c, array)| {
            let total = totals.column_by_name(&c.name)?;
            Some((c.name.clone(), compare(array, total)?))
        })
        .collect();
    if compared.is_empty() {
        return None;
    }
    let wrong: Vec<&str> =
        compared.iter().filter(|(_, c)| !c.equal).map(|(name, _)| name.as_str()).collect();
    let (status, message) = match wrong[..] {
        [] => (CheckStatus::Pass, "The groups add up to the grand total.".to_owned()),
        _ => {
            let text = format!("The groups do not add up to the total of {}.", wrong.join(", "));
            (CheckStatus::Fail, text)
        }
    };
    let observed: Vec<Value> = compared
        .iter()
        .map(|(name, c)| json!({ "metric": name, "groups": c.groups, "total": c.total }))
        .collect();
    let threshold = json!({ "integers_and_decimals": 0, "floats_relative": FLOAT_TOLERANCE });
    let method = "sum over the groups against the same metric without dimensions, null as 0; \
                  doubles relative to the sum of magnitudes";
    Some(finding("totals", status, message, (json!(observed), threshold, method)))
}

struct Compared {
    equal: bool,
    groups: Value,
    total: Value,
}

/// `None` where the columns are no numbers, or too large to add up exactly.
fn compare(groups: &ArrayRef, total: &ArrayRef) -> Option<Compared> {
    match (values::exact(groups), values::exact(total)) {
        (Some(groups), Some(total)) => compare_exact(&groups, &total),
        _ => compare_floats(&values::numbers(groups)?, &values::numbers(total)?),
    }
}

fn compare_exact(groups: &values::Exact, total: &values::Exact) -> Option<Compared> {
    let scale = groups.scale.max(total.scale);
    let groups_sum = rescale(sum(&groups.values)?, groups.scale, scale)?;
    let total_sum = rescale(sum(&total.values)?, total.scale, scale)?;
    Some(Compared {
        equal: groups_sum == total_sum,
        groups: values::exact_json(groups_sum, scale),
        total: values::exact_json(total_sum, scale),
    })
}

fn sum(values: &[Option<i256>]) -> Option<i256> {
    values.iter().flatten().try_fold(i256::ZERO, |sum, v| sum.checked_add(*v))
}

fn rescale(value: i256, from: i8, to: i8) -> Option<i256> {
    let digits = u32::try_from(i32::from(to) - i32::from(from)).ok()?;
    value.checked_mul(i256::from_i128(10).checked_pow(digits)?)
}

fn compare_floats(groups: &[Option<f64>], total: &[Option<f64>]) -> Option<Compared> {
    let sum: f64 = groups.iter().flatten().sum();
    let magnitude: f64 = groups.iter().flatten().map(|v| v.abs()).sum();
    let total = total.first().copied()?.unwrap_or(0.0);
    let close = (sum - total).abs() <= FLOAT_TOLERANCE * magnitude.max(total.abs());
    let same = sum == total || sum.is_nan() && total.is_nan();
    Some(Compared {
        equal: same || (magnitude.is_finite() && close),
        groups: values::float_json(sum),
        total: values::float_json(total),
    })
}
