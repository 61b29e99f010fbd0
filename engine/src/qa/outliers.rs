//! Groups whose figure lies far from those of the others.

use super::{EXAMPLES, Evidence, counted, finding, values};
use air_ir::{Check, CheckStatus};
use serde_json::{Value, json};

/// Modified z-score `0.6745 (x - median) / MAD`, and its bound: Iglewicz and Hoaglin, How to
/// Detect and Handle Outliers (1993).
const MOST: f64 = 3.5;
/// The MAD of a normal distribution, in standard deviations.
const NORMAL_MAD: f64 = 0.6745;
/// Fewer values say nothing of what is usual.
const FEWEST_VALUES: usize = 10;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    let rows = e.group_rows();
    let measured: Vec<(&str, Spread)> = e
        .metrics()
        .filter_map(|(column, array)| {
            let all = values::numbers(array)?;
            let finite = |row: &usize| Some((*row, all[*row].filter(|v| v.is_finite())?));
            Some((column.name.as_str(), Spread::of(rows.iter().filter_map(finite).collect())?))
        })
        .collect();
    if measured.is_empty() {
        return None;
    }
    let found: Vec<String> = measured
        .iter()
        .filter(|(_, s)| !s.outliers.is_empty())
        .map(|(name, s)| format!("{} in {name}", counted(s.outliers.len(), "outlier")))
        .collect();
    let (status, message) = match found[..] {
        [] => (CheckStatus::Pass, "No figure lies far from the others.".to_owned()),
        _ => {
            let text = format!("Some figures lie far from the others: {}.", found.join(", "));
            (CheckStatus::Warn, text)
        }
    };
    let observed: Vec<Value> = measured.iter().map(|(name, s)| s.to_json(e, name)).collect();
    let threshold = json!({ "max_modified_z": MOST, "min_values": FEWEST_VALUES });
    let method = "modified z-score by the median absolute deviation (Iglewicz and Hoaglin 1993), \
                  over all groups; columns whose deviation is zero left out";
    Some(finding("outliers", status, message, (json!(observed), threshold, method)))
}

/// How the values of a column lie.
struct Spread {
    values: usize,
    median: f64,
    mad: f64,
    /// Row and value, farthest first.
    outliers: Vec<(usize, f64)>,
}

impl Spread {
    /// `None` for too few values, or where more than half of them are the same.
    fn of(values: Vec<(usize, f64)>) -> Option<Self> {
        if values.len() < FEWEST_VALUES {
            return None;
        }
        let median = median(values.iter().map(|(_, v)| *v).collect())?;
        let mad = median_distance(&values, median)?;
        if mad <= 0.0 || !mad.is_finite() {
            return None;
        }
        let is_far = |v: f64| NORMAL_MAD * (v - median).abs() > MOST * mad;
        let count = values.len();
        let mut outliers: Vec<(usize, f64)> =
            values.into_iter().filter(|(_, v)| is_far(*v)).collect();
        outliers.sort_by(|a, b| (b.1 - median).abs().total_cmp(&(a.1 - median).abs()));
        Some(Self { values: count, median, mad, outliers })
    }

    fn to_json(&self, e: &Evidence<'_>, name: &str) -> Value {
        let example = |(row, value): &(usize, f64)| {
            let score = NORMAL_MAD * (value - self.median) / self.mad;
            json!({
                "group": e.group(*row),
                "value": value,
                "modified_z": values::float_json(score),
            })
        };
        let examples: Vec<Value> = self.outliers.iter().take(EXAMPLES).map(example).collect();
        json!({
            "metric": name,
            "values": self.values,
            "median": self.median,
            "mad": self.mad,
            "outliers": self.outliers.len(),
            "examples": examples,
        })
    }
}

fn median_distance(values: &[(usize, f64)], from: f64) -> Option<f64> {
    median(values.iter().map(|(_, v)| (v - from).abs()).collect())
}

/// The middle value, or the mean of the middle two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    let middle = values.len() / 2;
    values.sort_by(f64::total_cmp);
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(middle.checked_sub(1)?)?;
    Some(lower / 2.0 + upper / 2.0)
}
