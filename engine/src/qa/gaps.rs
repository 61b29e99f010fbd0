//! Buckets of time that are missing between the first and the last.

use super::buckets::{self, Buckets};
use super::{EXAMPLES, Evidence, counted, finding};
use air_ir::{Check, CheckStatus};
use serde_json::{Value, json};

/// Beyond this many buckets a walk stops: no result holds more rows.
const MOST_BUCKETS: usize = 200_000;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    if !e.is_whole() {
        return None;
    }
    let all = buckets::all(e);
    let walked: Vec<(&Buckets<'_>, Walk)> =
        all.iter().filter_map(|b| Some((b, walk(b)?))).collect();
    if walked.is_empty() {
        return None;
    }
    let gaps: Vec<String> = walked
        .iter()
        .filter(|(_, w)| w.missing > 0)
        .map(|(b, w)| {
            let least = if w.complete { "" } else { "at least " };
            let buckets = counted(w.missing, "bucket");
            format!("{least}{buckets} of {} in {}", b.grain, b.column.name)
        })
        .collect();
    let (status, message) = match gaps[..] {
        [] => (CheckStatus::Pass, "No bucket of time is missing.".to_owned()),
        _ => {
            let text = format!("Between the first and the last, rows lack {}.", gaps.join(" and "));
            (CheckStatus::Warn, text)
        }
    };
    let observed: Vec<Value> = walked.iter().map(|(b, w)| w.to_json(b)).collect();
    let method = "every bucket from the first to the last by the calendar of the time zone, \
                  against those of any group";
    let threshold = json!({ "max_missing": 0 });
    Some(finding("time_gaps", status, message, (json!(observed), threshold, method)))
}

/// What was met on the way from the first bucket to the last.
struct Walk {
    missing: usize,
    examples: Vec<String>,
    /// Whether the last bucket was reached.
    complete: bool,
}

impl Walk {
    fn to_json(&self, b: &Buckets<'_>) -> Value {
        json!({
            "dimension": b.column.name,
            "grain": b.grain.to_string(),
            "first": b.starts.first().map(|t| b.show(*t)),
            "last": b.starts.last().map(|t| b.show(*t)),
            "present": b.starts.len(),
            "missing": self.missing,
            "missing_is_exact": self.complete,
            "examples": self.examples,
        })
    }
}

/// `None` for a single bucket, which has nothing between.
fn walk(b: &Buckets<'_>) -> Option<Walk> {
    let (first, last) = (*b.starts.first()?, *b.starts.last()?);
    if first == last {
        return None;
    }
    let mut walk = Walk { missing: 0, examples: Vec::new(), complete: false };
    let mut at = first;
    for _ in 0..MOST_BUCKETS {
        at = b.next(at)?;
        if at >= last {
            walk.complete = true;
            break;
        }
        if !b.starts.contains(&at) {
            walk.missing += 1;
            if walk.examples.len() < EXAMPLES {
                walk.examples.push(b.show(at));
            }
        }
    }
    Some(walk)
}
