//! Filters that leave nothing, such as a value that is misspelled.

use super::{Evidence, finding};
use air_ir::{Check, CheckStatus};
use serde_json::json;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    if e.ir.filters.is_empty() && e.empty_filters.is_empty() {
        return None;
    }
    let (status, message) = match e.empty_filters {
        [] => (CheckStatus::Pass, "No filter was found that matches nothing by itself.".to_owned()),
        [one] => (CheckStatus::Warn, format!("The filter {one} matches nothing by itself.")),
        many => {
            let text = format!("These filters match nothing by themselves: {}.", many.join(", "));
            (CheckStatus::Warn, text)
        }
    };
    let observed = json!({ "filters": e.ir.filters.len(), "matched_nothing": e.empty_filters });
    let method = "each filter of the list on its own, without the others";
    Some(finding("empty_filters", status, message, (observed, json!({ "max_filters": 0 }), method)))
}
