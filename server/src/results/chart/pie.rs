//! A pie: parts of a whole, which only numbers that are not below zero have.

use std::f64::consts::TAU;
use std::fmt::Write;

use super::scale::shown;
use super::{Cells, Chart, MOST_SERIES, Svg, legend};
use crate::results::html::escape;

const SIZE: f64 = 260.0;
const RADIUS: f64 = 120.0;

pub(super) fn svg(cells: &Cells, chart: &Chart) -> (Svg, Option<String>) {
    let mut parts: Vec<(String, f64)> = (0..cells.len())
        .filter_map(|row| Some((cells.text(chart.x, row), cells.number(chart.y, row)?)))
        .collect();
    let all = parts.len();
    if parts.iter().any(|(_, value)| *value < 0.0) {
        let svg = Svg { width: SIZE, height: 10.0, inside: String::new(), legend: None };
        return (svg, Some("Values below zero are no parts of a whole; see the table.".to_owned()));
    }
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    if all > MOST_SERIES {
        let rest: f64 = parts.drain(MOST_SERIES - 1..).map(|(_, value)| value).sum();
        parts.push((format!("{} others", all - MOST_SERIES + 1), rest));
    }
    let whole: f64 = parts.iter().map(|(_, value)| value).sum();
    let mut inside = String::new();
    let mut angle = -TAU / 4.0;
    for (at, (name, value)) in parts.iter().enumerate() {
        let share = if whole > 0.0 { value / whole } else { 0.0 };
        let end = angle + share * TAU;
        let told = format!("{name}: {} ({:.1} %)", shown(*value), share * 100.0);
        slice(&mut inside, at, (angle, end), share, &told);
        angle = end;
    }
    let names: Vec<String> =
        parts.iter().map(|(name, value)| format!("{name} {}", shown(*value))).collect();
    let legend = Some(legend(names.iter().map(String::as_str)));
    (Svg { width: SIZE, height: SIZE, inside, legend }, None)
}

fn slice(out: &mut String, at: usize, (from, to): (f64, f64), share: f64, told: &str) {
    let colour = at % MOST_SERIES;
    let (middle, title) = (SIZE / 2.0, escape(told));
    if share > 0.9999 {
        let _ = write!(
            out,
            "<circle class=\"f{colour}\" cx=\"{middle}\" cy=\"{middle}\" r=\"{RADIUS}\"><title>{title}</title></circle>"
        );
        return;
    }
    let point = |angle: f64| {
        format!("{:.2} {:.2}", middle + RADIUS * angle.cos(), middle + RADIUS * angle.sin())
    };
    let _ = write!(
        out,
        "<path class=\"f{colour} p\" d=\"M{middle} {middle}L{}A{RADIUS} {RADIUS} 0 {} 1 {}Z\"><title>{title}</title></path>",
        point(from),
        i32::from(share > 0.5),
        point(to)
    );
}
