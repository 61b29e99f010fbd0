//! Whether the shares of each whole sum to one.

use super::{EXAMPLES, Evidence, finding, values};
use air_ir::{Check, CheckStatus, Metric, MetricKind};
use datafusion::arrow::array::ArrayRef;
use serde_json::{Value, json};
use std::collections::HashMap;

const TOLERANCE: f64 = 1e-9;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    if !e.is_whole() || e.rows.num_rows() == 0 {
        return None;
    }
    let checked: Vec<(&str, Vec<Whole>)> =
        e.ir.metrics.iter().filter_map(|m| Some((m.name.as_str(), wholes(e, m)?))).collect();
    if checked.is_empty() {
        return None;
    }
    let wrong: Vec<(&str, &Whole)> = checked
        .iter()
        .flat_map(|(name, wholes)| wholes.iter().map(move |w| (*name, w)))
        .filter(|(_, w)| !w.is_one())
        .collect();
    let (status, message) = match wrong.first() {
        None => (CheckStatus::Pass, "Shares sum to one.".to_owned()),
        Some((name, w)) => {
            let text = format!("The shares of {name} sum to {} instead of 1.", w.sum);
            (CheckStatus::Fail, text)
        }
    };
    let examples: Vec<Value> = wrong
        .iter()
        .take(EXAMPLES)
        .map(|(name, w)| {
            let sum = values::float_json(w.sum);
            json!({ "metric": name, "sum": sum, "one_row_of_it": e.group(w.row) })
        })
        .collect();
    let metrics: Vec<&str> = checked.iter().map(|(name, _)| *name).collect();
    let wholes: usize = checked.iter().map(|(_, w)| w.len()).sum();
    let observed = json!({
        "metrics": metrics,
        "wholes": wholes,
        "wrong": wrong.len(),
        "examples": examples,
    });
    let threshold = json!({ "distance_from_one": TOLERANCE });
    let method = "sum of each share within the combinations it is a share of; wholes with only \
                  nulls (a total of zero) left out; relative to the sum of magnitudes";
    Some(finding("shares", status, message, (observed, threshold, method)))
}

/// The shares of one whole.
struct Whole {
    /// A row that belongs to it.
    row: usize,
    sum: f64,
    magnitude: f64,
}

impl Whole {
    fn is_one(&self) -> bool {
        (self.sum - 1.0).abs() <= TOLERANCE * self.magnitude.max(1.0)
    }
}

/// The wholes of a share metric, in the order of their first rows.
fn wholes(e: &Evidence<'_>, metric: &Metric) -> Option<Vec<Whole>> {
    let MetricKind::Share(share) = &metric.kind else { return None };
    let shares = values::numbers(e.rows.column_by_name(&metric.name)?)?;
    let within: Option<Vec<ArrayRef>> =
        share.within.iter().map(|name| e.rows.column_by_name(name).cloned()).collect();
    let within = within?;
    let keys = if within.is_empty() { None } else { Some(values::keys(&within)?) };
    let mut places = HashMap::new();
    let mut wholes: Vec<Whole> = Vec::new();
    for (row, share) in shares.iter().enumerate() {
        let Some(share) = share else { continue };
        let key = keys.as_ref().map(|k| k.row(row));
        let place = *places.entry(key).or_insert_with(|| {
            wholes.push(Whole { row, sum: 0.0, magnitude: 0.0 });
            wholes.len() - 1
        });
        wholes[place].sum += share;
        wholes[place].magnitude += share.abs();
    }
    (!wholes.is_empty()).then_some(wholes)
}
