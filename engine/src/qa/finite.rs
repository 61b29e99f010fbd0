//! Values that are no number, or infinite.

use super::{Evidence, finding, values};
use air_ir::{Check, CheckStatus};
use datafusion::arrow::array::Array;
use serde_json::{Value, json};

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let counts: Vec<(&str, usize, usize)> = e
        .dimensions()
        .chain(e.metrics())
        .filter(|(_, array)| values::is_float(array.data_type()) && !array.is_empty())
        .filter_map(|(column, array)| {
            let values = values::numbers(array)?;
            let nan = values.iter().flatten().filter(|v| v.is_nan()).count();
            let infinite = values.iter().flatten().filter(|v| v.is_infinite()).count();
            Some((column.name.as_str(), nan, infinite))
        })
        .collect();
    if counts.is_empty() {
        return None;
    }
    let bad: Vec<&str> =
        counts.iter().filter(|(_, nan, inf)| nan + inf > 0).map(|(name, ..)| *name).collect();
    let (status, message) = match bad[..] {
        [] => (CheckStatus::Pass, "Every number is finite.".to_owned()),
        _ => {
            let text = format!("There are values that are no finite number in {}.", bad.join(", "));
            (CheckStatus::Warn, text)
        }
    };
    let observed: Value = counts
        .iter()
        .map(|(name, nan, inf)| ((*name).to_owned(), json!({ "nan": nan, "infinite": inf })))
        .collect();
    let method = "count of NaN and of infinities in each column of floating-point numbers";
    Some(finding("not_finite", status, message, (observed, json!({ "max_values": 0 }), method)))
}
