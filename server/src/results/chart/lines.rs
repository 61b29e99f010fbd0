//! Lines, areas and points over a time or a number.

use std::collections::HashSet;
use std::fmt::Write;

use super::scale::{seconds, shown, ticks, time_labels};
use super::{Cells, Chart, MOST_SERIES, Series, Svg};
use crate::contract::types::VisualType;
use crate::results::html::{escape, short};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 34.0;
/// Labels below the axis.
const LABELS: usize = 7;
/// Points that are drawn as such on a line, and can be pointed at.
const DOTS: usize = 400;

/// Where a row stands on the axis below.
enum Along {
    Time,
    Number,
    /// In the rows' order, each text once.
    Order(Vec<String>),
}

impl Along {
    fn of(cells: &Cells, chart: &Chart) -> Self {
        let rows = || 0..cells.len();
        if rows().all(|row| seconds(&cells.text(chart.x, row)).is_some()) {
            return Self::Time;
        }
        if rows().all(|row| cells.number(chart.x, row).is_some()) {
            return Self::Number;
        }
        let mut seen = HashSet::new();
        let texts = rows().map(|row| cells.text(chart.x, row));
        Self::Order(texts.filter(|text| seen.insert(text.clone())).collect())
    }

    fn place(&self, cells: &Cells, chart: &Chart, row: usize) -> Option<f64> {
        let text = cells.text(chart.x, row);
        match self {
            Self::Time => seconds(&text),
            Self::Number => cells.number(chart.x, row),
            Self::Order(texts) => texts.iter().position(|known| *known == text).map(|at| at as f64),
        }
    }
}

struct Scales {
    x: (f64, f64),
    y: (f64, f64),
}

impl Scales {
    fn x(&self, value: f64) -> f64 {
        let span = if self.x.1 > self.x.0 { self.x.1 - self.x.0 } else { 1.0 };
        LEFT + (value - self.x.0) / span * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let span = if self.y.1 > self.y.0 { self.y.1 - self.y.0 } else { 1.0 };
        HEIGHT - BOTTOM - (value - self.y.0) / span * (HEIGHT - TOP - BOTTOM)
    }
}

/// One series: a place for each row, and its value where it has one.
type Points = Vec<(f64, Option<f64>, usize)>;

pub(super) fn svg(cells: &Cells, chart: &Chart, series: &[Series]) -> (Svg, Option<String>) {
    let along = Along::of(cells, chart);
    let of = |series: &Series| -> Points {
        let point = |row: &usize| {
            Some((along.place(cells, chart, *row)?, cells.number(chart.y, *row), *row))
        };
        let mut points: Points = series.rows.iter().filter_map(point).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let drawn: Vec<Points> = series.iter().map(of).collect();
    let ends = |values: Vec<f64>| {
        values.iter().fold(None, |ends: Option<(f64, f64)>, value| {
            let (low, high) = ends.unwrap_or((*value, *value));
            Some((low.min(*value), high.max(*value)))
        })
    };
    let xs = ends(drawn.iter().flatten().map(|point| point.0).collect()).unwrap_or((0.0, 1.0));
    let ys = ends(drawn.iter().flatten().filter_map(|p| p.1).collect()).unwrap_or((0.0, 1.0));
    let marks = ticks(base(chart.kind, ys), ys.1.max(base(chart.kind, ys)), 5.0);
    let y = (marks.first().copied().unwrap_or(0.0), marks.last().copied().unwrap_or(1.0));
    let scales = Scales { x: xs, y };
    let mut inside = String::new();
    grid(&mut inside, &scales, &marks);
    below(&mut inside, cells, chart, &along, &scales, &drawn);
    for (at, points) in drawn.iter().enumerate() {
        one(&mut inside, cells, chart, &scales, points, at % MOST_SERIES);
    }
    (Svg { width: WIDTH, height: HEIGHT, inside, legend: None }, None)
}

/// Where the axis begins: at zero, unless all lies far above it and only changes are shown.
fn base(kind: VisualType, (low, high): (f64, f64)) -> f64 {
    let far = low > 0.0 && low > high * 0.6 && kind != VisualType::Area;
    if far { low } else { low.min(0.0) }
}

fn grid(out: &mut String, scales: &Scales, marks: &[f64]) {
    for mark in marks {
        let y = scales.y(*mark);
        let _ = write!(
            out,
            "<line class=\"g\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"e\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            escape(&shown(*mark))
        );
    }
}

fn below(
    out: &mut String,
    cells: &Cells,
    chart: &Chart,
    along: &Along,
    scales: &Scales,
    drawn: &[Points],
) {
    let labels: Vec<(f64, String)> = match along {
        Along::Number => {
            let marks = ticks(scales.x.0, scales.x.1, 6.0).into_iter();
            let inside = marks.filter(|mark| (scales.x.0..=scales.x.1).contains(mark));
            inside.map(|mark| (mark, shown(mark))).collect()
        }
        Along::Time | Along::Order(_) => {
            let mut places: Vec<(f64, usize)> =
                drawn.iter().flatten().map(|point| (point.0, point.2)).collect();
            places.sort_by(|a, b| a.0.total_cmp(&b.0));
            places.dedup_by(|a, b| a.0 == b.0);
            let texts: Vec<String> =
                places.iter().map(|(_, row)| cells.text(chart.x, *row)).collect();
            let texts = if matches!(along, Along::Time) { time_labels(&texts) } else { texts };
            let every = places.len().div_ceil(LABELS).max(1);
            let all = places.iter().map(|(at, _)| *at).zip(texts);
            all.step_by(every).map(|(at, text)| (at, short(&text, 14))).collect()
        }
    };
    for (at, text) in labels {
        let _ = write!(
            out,
            "<text class=\"m\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            scales.x(at),
            HEIGHT - BOTTOM + 20.0,
            escape(&text)
        );
    }
}

/// One series. Where several rows have one place no line can tell their order: points alone.
fn one(
    out: &mut String,
    cells: &Cells,
    chart: &Chart,
    scales: &Scales,
    points: &Points,
    colour: usize,
) {
    let doubled = points.windows(2).any(|pair| pair[0].0 == pair[1].0);
    let lined = chart.kind != VisualType::Scatter && !doubled;
    if lined {
        for part in points.split(|point| point.1.is_none()).filter(|part| part.len() > 1) {
            let places: Vec<String> = part
                .iter()
                .filter_map(|(x, y, _)| Some(format!("{:.1} {:.1}", scales.x(*x), scales.y((*y)?))))
                .collect();
            if chart.kind == VisualType::Area {
                let (first, last) = (scales.x(part[0].0), scales.x(part[part.len() - 1].0));
                let zero = scales.y(scales.y.0.max(0.0));
                let _ = write!(
                    out,
                    "<path class=\"a f{colour}\" d=\"M{first:.1} {zero:.1}L{}L{last:.1} {zero:.1}Z\"/>",
                    places.join("L")
                );
            }
            let _ = write!(out, "<path class=\"l t{colour}\" d=\"M{}\"/>", places.join("L"));
        }
    }
    if !lined || points.len() <= DOTS {
        for (x, y, row) in points {
            let Some(y) = y else { continue };
            let _ = write!(
                out,
                "<circle class=\"f{colour}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\"><title>{}: {}</title></circle>",
                scales.x(*x),
                scales.y(*y),
                escape(&cells.text(chart.x, *row)),
                escape(&cells.text(chart.y, *row))
            );
        }
    }
}
