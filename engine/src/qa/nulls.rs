//! How much of each column is null.

use super::{Evidence, finding, percent};
use crate::OutputRole;
use air_ir::{Check, CheckStatus};
use datafusion::arrow::array::{Array, ArrayRef};
use serde_json::{Value, json};

const MOST: f64 = 0.2;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let all: Vec<usize> = (0..e.rows.num_rows()).collect();
    let groups = e.group_rows();
    let shares: Vec<(&str, f64)> = e
        .dimensions()
        .chain(e.metrics())
        .filter_map(|(column, array)| {
            // The row of what `top` left out has no dimensions by its nature.
            let rows = if column.role == OutputRole::Dimension { &groups } else { &all };
            Some((column.name.as_str(), null_share(array, rows)?))
        })
        .collect();
    if shares.is_empty() {
        return None;
    }
    let high: Vec<String> = shares
        .iter()
        .filter(|(_, share)| *share > MOST)
        .map(|(name, share)| format!("{name} ({})", percent(*share)))
        .collect();
    let (status, message) = match high[..] {
        [] => {
            let text = format!("No column is null in more than {} of the rows.", percent(MOST));
            (CheckStatus::Pass, text)
        }
        _ => (CheckStatus::Warn, format!("Much is null in {}.", high.join(", "))),
    };
    let observed: Value = shares.iter().map(|(n, share)| ((*n).to_owned(), json!(share))).collect();
    let method = "rows in which the column is null, over all rows";
    Some(finding("null_share", status, message, (observed, json!({ "max_share": MOST }), method)))
}

/// `None` without rows.
#[expect(clippy::cast_precision_loss, reason = "a result has far fewer rows than 2^53")]
fn null_share(array: &ArrayRef, rows: &[usize]) -> Option<f64> {
    let nulls = array.logical_nulls();
    let count = rows.iter().filter(|r| nulls.as_ref().is_some_and(|n| n.is_null(**r))).count();
    (!rows.is_empty()).then(|| count as f64 / rows.len() as f64)
}
