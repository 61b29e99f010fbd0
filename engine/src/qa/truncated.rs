//! Whether further rows exist.

use super::{Evidence, counted, finding};
use air_ir::{Check, CheckStatus};
use serde_json::json;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let rows = e.rows.num_rows();
    let (status, message) = match (e.truncated, is_ranking(e)) {
        (false, _) => (CheckStatus::Pass, "No row was cut off.".to_owned()),
        (true, true) => {
            (CheckStatus::Pass, format!("These are the first {}, as asked.", counted(rows, "row")))
        }
        (true, false) => {
            let text = format!("The result was cut after {}; more exist.", counted(rows, "row"));
            (CheckStatus::Warn, text)
        }
    };
    let observed = json!({ "rows": rows, "truncated": e.truncated, "limit": e.ir.limit });
    let method = "whether a further row exists; a limit on rows ordered by a metric is a ranking, \
                  so what it cuts was meant to be cut";
    Some(finding("truncated", status, message, (observed, json!({ "truncated": false }), method)))
}

/// Whether the IR asks for the first rows by a metric, and these are they.
fn is_ranking(e: &Evidence<'_>) -> bool {
    let by = e.ir.order.first().map(|o| &o.field);
    let asked = e.ir.limit.is_some_and(|limit| usize::try_from(limit) == Ok(e.rows.num_rows()));
    asked && by.is_some_and(|by| e.ir.metrics.iter().any(|m| m.name == *by))
}
