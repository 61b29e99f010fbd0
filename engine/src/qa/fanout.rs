//! The receipt of the joins: a to-one join neither adds rows to a fact nor takes any away.

use super::{Evidence, Receipt, finding};
use air_ir::{Check, CheckStatus, JoinKind};
use serde_json::{Value, json};

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    if e.receipts.is_empty() {
        return None;
    }
    // Only an inner join may drop rows, and only because the IR asks for it.
    let may_drop = e.ir.joins.iter().any(|j| j.kind == JoinKind::Inner);
    let is_wrong =
        |r: &&Receipt| r.rows_joined > r.rows_alone || r.rows_joined < r.rows_alone && !may_drop;
    let wrong: Vec<&Receipt> = e.receipts.iter().filter(is_wrong).collect();
    let (status, message) = match wrong.first() {
        None => (CheckStatus::Pass, "Joins added no row to any fact.".to_owned()),
        Some(r) => {
            let text = format!(
                "Joins turned {} rows of {} into {}, so its figures are wrong.",
                r.rows_alone, r.fact, r.rows_joined
            );
            (CheckStatus::Fail, text)
        }
    };
    let observed: Vec<Value> = e
        .receipts
        .iter()
        .map(
            |r| json!({ "fact": r.fact, "rows_alone": r.rows_alone, "rows_joined": r.rows_joined }),
        )
        .collect();
    let threshold = json!({ "max_added": 0, "max_dropped": if may_drop { None } else { Some(0) } });
    let method = "rows of each fact before and after its to-one joins; an inner join may drop rows";
    Some(finding("fan_out", status, message, (json!(observed), threshold, method)))
}
