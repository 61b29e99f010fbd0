//! Whether one category holds nearly all of a figure.

use super::{Evidence, finding, percent, values};
use air_ir::{Check, CheckStatus};
use datafusion::arrow::array::ArrayRef;
use serde_json::{Value, json};
use std::collections::HashMap;

const MOST: f64 = 0.95;

pub(super) fn check(e: &Evidence<'_>) -> Option<Check> {
    if !e.is_whole() {
        return None;
    }
    let largest: Vec<(&str, &str, Largest)> = e
        .dimensions()
        .filter(|(dimension, _)| dimension.bucket.is_none())
        .flat_map(|(dimension, categories)| {
            e.additive().filter_map(move |(metric, figures)| {
                let largest = Largest::of(e, categories, figures)?;
                Some((dimension.name.as_str(), metric.name.as_str(), largest))
            })
        })
        .collect();
    if largest.is_empty() {
        return None;
    }
    let (status, message) = match largest.iter().find(|(.., l)| l.is_nearly_all()) {
        None => (CheckStatus::Pass, "No category holds nearly all.".to_owned()),
        Some((dimension, metric, l)) => {
            let text = format!(
                "One category of {dimension}, {}, holds {} of {metric}.",
                l.category.as_str().unwrap_or("null"),
                percent(l.value / l.total)
            );
            (CheckStatus::Warn, text)
        }
    };
    let observed: Vec<Value> = largest
        .iter()
        .map(|(dimension, metric, l)| {
            json!({
                "dimension": dimension,
                "metric": metric,
                "category": l.category,
                "share": l.value / l.total,
                "categories": l.categories,
            })
        })
        .collect();
    let method = "largest category's part of each additive metric that is never negative, for \
                  each dimension that is no time bucket and has two categories or more";
    let threshold = json!({ "max_share": MOST });
    Some(finding("concentration", status, message, (json!(observed), threshold, method)))
}

/// The largest category of a dimension by a metric.
struct Largest {
    category: Value,
    value: f64,
    total: f64,
    categories: usize,
}

impl Largest {
    /// `None` where parts of a whole make no sense: negative figures, nothing at all, or a
    /// single category.
    fn of(e: &Evidence<'_>, categories: &ArrayRef, figures: &ArrayRef) -> Option<Self> {
        let figures = values::numbers(figures)?;
        if figures.iter().flatten().any(|v| *v < 0.0 || !v.is_finite()) {
            return None;
        }
        let keys = values::keys(std::slice::from_ref(categories))?;
        let mut sums: HashMap<_, (usize, f64)> = HashMap::new();
        for (row, figure) in figures.iter().enumerate() {
            sums.entry(keys.row(row)).or_insert((row, 0.0)).1 += figure.unwrap_or(0.0);
        }
        let total: f64 = figures.iter().flatten().sum();
        // The first row decides a tie, so that the same rows give the same finding.
        let (row, value) = *sums
            .values()
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
            .filter(|_| sums.len() > 1 && total > 0.0 && total.is_finite())?;
        let category = values::label(categories, row, e.time_zone);
        Some(Self { category, value, total, categories: sums.len() })
    }

    fn is_nearly_all(&self) -> bool {
        self.value > MOST * self.total
    }
}
