//! Whether there is anything to report.

use super::{Evidence, counted, finding, values};
use air_ir::{Agg, Check, CheckStatus};
use datafusion::arrow::array::Array;
use serde_json::json;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let rows = e.rows.num_rows();
    let blank = rows == 1 && e.ir.dimensions.is_empty() && is_blank(e);
    let (status, message) = match (rows, blank) {
        (0, _) => (CheckStatus::Warn, "The result has no rows.".to_owned()),
        (_, true) => {
            (CheckStatus::Warn, "No data matched: counts are 0, the rest null.".to_owned())
        }
        _ => (CheckStatus::Pass, format!("The result has {}.", counted(rows, "row"))),
    };
    let method = "number of rows; without dimensions there is always one row, which is empty \
                  where every count is 0 and every other metric null";
    let observed = json!({ "rows": rows, "blank": blank });
    Some(finding("empty_result", status, message, (observed, json!({ "min_rows": 1 }), method)))
}

/// Whether the one row of an IR without dimensions holds nothing. Expressions do not count:
/// they may give a number for no data.
fn is_blank(e: &Evidence<'_>) -> bool {
    let mut seen = false;
    let blank = e.metrics().filter(|(c, _)| c.agg.is_some()).all(|(c, array)| {
        seen = true;
        let null = array.logical_nulls().is_some_and(|n| n.is_null(0));
        let zero = || values::numbers(array).is_some_and(|n| n.first() == Some(&Some(0.0)));
        null || c.agg.is_some_and(Agg::is_count) && zero()
    });
    blank && seen
}
