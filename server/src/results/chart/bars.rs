//! Bars: a category a line, from the zero of the axis.

use std::fmt::Write;

use super::scale::{shown, ticks};
use super::{Cells, Chart, MOST_BARS, MOST_SERIES, Series, Svg};
use crate::results::html::{escape, short};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 6.0;
const BOTTOM: f64 = 26.0;
const BAR: f64 = 14.0;
const GAP: f64 = 8.0;

/// A category with the row of each series, where it has one.
struct Category {
    name: String,
    rows: Vec<Option<usize>>,
}

/// In the rows' order. Without series each row is a bar of its own, also where names repeat.
fn categories(cells: &Cells, chart: &Chart, series: &[Series]) -> Vec<Category> {
    let mut found: Vec<Category> = Vec::new();
    for (at, one) in series.iter().enumerate() {
        for row in &one.rows {
            let name = cells.text(chart.x, *row);
            let known = found.iter_mut().find(|c| series.len() > 1 && c.name == name);
            match known {
                Some(category) => category.rows[at] = Some(*row),
                None => {
                    let mut rows = vec![None; series.len()];
                    rows[at] = Some(*row);
                    found.push(Category { name, rows });
                }
            }
        }
    }
    found
}

pub(super) fn svg(cells: &Cells, chart: &Chart, series: &[Series]) -> (Svg, Option<String>) {
    let mut categories = categories(cells, chart, series);
    let all = categories.len();
    categories.truncate(MOST_BARS);
    let note = (all > MOST_BARS).then(|| format!("The first {MOST_BARS} of {all} categories."));
    let rows = || categories.iter().flat_map(|c| c.rows.iter().flatten());
    let values = || rows().filter_map(|row| cells.number(chart.y, *row));
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let marks = ticks(low, high, 5.0);
    let (low, high) = (marks.first().copied().unwrap_or(0.0), marks.last().copied().unwrap_or(1.0));
    let span = if high > low { high - low } else { 1.0 };
    let x = |value: f64| LEFT + (value - low) / span * (WIDTH - LEFT - RIGHT);
    let step = BAR * series.len().max(1) as f64 + GAP;
    let height = TOP + step * categories.len() as f64 + BOTTOM;
    let mut inside = String::new();
    for mark in &marks {
        let _ = write!(
            inside,
            "<line class=\"g\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{1:.1}\"/>\
             <text class=\"m\" x=\"{0:.1}\" y=\"{2:.1}\">{3}</text>",
            x(*mark),
            height - BOTTOM,
            height - BOTTOM + 17.0,
            escape(&shown(*mark))
        );
    }
    for (at, category) in categories.iter().enumerate() {
        let top = TOP + step * at as f64 + GAP / 2.0;
        let middle = top + (step - GAP) / 2.0 + 4.0;
        let _ = write!(
            inside,
            "<text class=\"e\" x=\"{:.1}\" y=\"{middle:.1}\"><title>{}</title>{}</text>",
            LEFT - 6.0,
            escape(&category.name),
            escape(&short(&category.name, 26))
        );
        for (place, row) in category.rows.iter().enumerate() {
            let Some(value) = row.and_then(|row| cells.number(chart.y, row)) else { continue };
            let (from, to) = (x(value.min(0.0)), x(value.max(0.0)));
            let y = top + BAR * place as f64;
            let _ = write!(
                inside,
                "<rect class=\"f{}\" x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                place % MOST_SERIES,
                (to - from).max(0.5),
                BAR - 2.0,
                to + 4.0,
                y + BAR - 4.0,
                escape(&shown(value))
            );
        }
    }
    (Svg { width: WIDTH, height, inside, legend: None }, note)
}
