//! Whether each combination of the dimensions stands once.

use super::{EXAMPLES, Evidence, REST, counted, finding, values};
use air_ir::{Check, CheckStatus};
use datafusion::arrow::array::ArrayRef;
use serde_json::{Value, json};
use std::collections::HashSet;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let mut columns: Vec<ArrayRef> = e.dimensions().map(|(_, array)| array.clone()).collect();
    let rows = e.rows.num_rows();
    if columns.is_empty() || rows == 0 {
        return None;
    }
    // The row of what `top` left out has null dimensions, as a real group may have.
    columns.extend(e.rest().and(e.rows.column_by_name(REST)).cloned());
    let keys = values::keys(&columns)?;
    let mut seen = HashSet::with_capacity(rows);
    let repeated: Vec<usize> = (0..rows).filter(|row| !seen.insert(keys.row(*row))).collect();
    let (status, message) = match repeated.len() {
        0 => (CheckStatus::Pass, "No combination of dimensions occurs twice.".to_owned()),
        n => {
            let verb = if n == 1 { "repeats" } else { "repeat" };
            let text = format!("{} {verb} the dimensions of another row.", counted(n, "row"));
            (CheckStatus::Fail, text)
        }
    };
    let examples: Vec<Value> = repeated.iter().take(EXAMPLES).map(|r| e.group(*r)).collect();
    let observed = json!({ "rows": rows, "repeated": repeated.len(), "examples": examples });
    let method = "rows whose dimensions, nulls being equal, stand in an earlier row";
    Some(finding(
        "duplicate_keys",
        status,
        message,
        (observed, json!({ "max_repeated": 0 }), method),
    ))
}
