//! Charts of a result: which ones, and each as SVG that stands alone.
//!
//! In: cells with the roles of their columns, and what a report's definition says under `visuals`.
//! Out: figures. Where a definition says nothing the roles decide: a time makes lines, a category
//! bars, two measures without either points. Absent on purpose: scripts, and any figure that is
//! not in the rows.

mod apart;
mod bars;
mod lines;
mod pie;
mod scale;

use std::fmt::Write;

use air_ir::catalog::Role;
use datafusion::arrow::array::RecordBatch;
use serde_json::Value;

use super::cells;
use super::html::escape;
use crate::contract::types::{ResultColumn, Visual, VisualType};

/// Charts on a page that nobody asked for one by one.
const MOST_CHARTS: usize = 4;
/// Series that a reader can tell apart; there are as many colours.
const MOST_SERIES: usize = 8;
/// Categories of one chart of bars.
const MOST_BARS: usize = 30;

/// A result by column.
#[derive(Clone)]
pub(crate) struct Cells {
    pub(crate) columns: Vec<(ResultColumn, Vec<Value>)>,
}

impl Cells {
    pub(crate) fn new(columns: &[ResultColumn], rows: &RecordBatch) -> Self {
        let of = |(column, array): (&ResultColumn, _)| (column.clone(), cells::json(array));
        Self { columns: columns.iter().zip(rows.columns()).map(of).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }

    fn name(&self, column: usize) -> &str {
        self.columns.get(column).map_or("", |(column, _)| column.name.as_str())
    }

    fn text(&self, column: usize, row: usize) -> String {
        match self.columns.get(column).and_then(|(_, cells)| cells.get(row)) {
            None | Some(Value::Null) => "(none)".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// A finite number; none where there is none.
    fn number(&self, column: usize, row: usize) -> Option<f64> {
        let value = self.columns.get(column)?.1.get(row)?;
        let number = match value {
            Value::String(text) => text.parse().ok()?,
            other => other.as_f64()?,
        };
        Some(number).filter(|number: &f64| number.is_finite())
    }

    fn of_role(&self, wanted: impl Fn(Role) -> bool) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        columns.filter(|(_, (column, _))| wanted(column.role)).map(|(at, _)| at).collect()
    }

    /// Measures with a number to draw.
    fn measures(&self) -> Vec<usize> {
        let drawn = |at: &usize| (0..self.len()).any(|row| self.number(*at, row).is_some());
        self.of_role(|role| role == Role::Measure).into_iter().filter(drawn).collect()
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(column, _)| column.name == name)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Chart {
    kind: VisualType,
    title: String,
    x: usize,
    y: usize,
    series: Vec<usize>,
}

/// Every figure of a page: what a definition says, else what the roles of the columns decide.
pub(crate) fn figures(cells: &Cells, visuals: &[Visual]) -> String {
    let cells = match visuals.is_empty() {
        true => apart::folded(cells.clone()),
        false => cells.clone(),
    };
    let charts = chosen(&cells, visuals).into_iter().enumerate();
    charts.map(|(id, chart)| figure(&cells, &chart, id)).collect()
}

/// What is drawn of a result.
fn chosen(cells: &Cells, visuals: &[Visual]) -> Vec<Chart> {
    match visuals.is_empty() {
        true => by_roles(cells),
        false => visuals.iter().filter_map(|visual| as_said(cells, visual)).collect(),
    }
}

fn titled(cells: &Cells, y: usize, x: usize, series: &[usize]) -> String {
    let mut title = format!("{} by {}", cells.name(y), cells.name(x));
    for column in series {
        title.push_str(" and ");
        title.push_str(cells.name(*column));
    }
    title
}

/// A chart of a definition. What it leaves open the roles decide.
fn as_said(cells: &Cells, visual: &Visual) -> Option<Chart> {
    if visual.r#type == VisualType::Table {
        return None;
    }
    let named = |name: &Option<String>| name.as_deref().and_then(|name| cells.find(name));
    let groups = cells.of_role(|role| role != Role::Measure);
    let x = named(&visual.x).or_else(|| groups.first().copied())?;
    let y = named(&visual.y).or_else(|| cells.measures().first().copied())?;
    let series: Vec<usize> = named(&visual.series).into_iter().collect();
    let title = visual.title.clone().unwrap_or_else(|| titled(cells, y, x, &series));
    Some(Chart { kind: visual.r#type, title, x, y, series })
}

fn by_roles(cells: &Cells) -> Vec<Chart> {
    let measures = cells.measures();
    let time = cells.of_role(|role| role == Role::Time);
    let groups = cells.of_role(|role| matches!(role, Role::Dimension | Role::Key));
    let each = |kind: VisualType, x: usize, series: &[usize]| -> Vec<Chart> {
        let one = |y: &usize| Chart {
            kind,
            title: titled(cells, *y, x, series),
            x,
            y: *y,
            series: series.to_vec(),
        };
        measures.iter().take(MOST_CHARTS).map(one).collect()
    };
    let points = |x: usize, y: usize| {
        let title = format!("{} against {}", cells.name(y), cells.name(x));
        vec![Chart { kind: VisualType::Scatter, title, x, y, series: Vec::new() }]
    };
    match (time.first(), groups.as_slice(), measures.as_slice()) {
        (_, _, []) => Vec::new(),
        _ if cells.len() < 2 => Vec::new(),
        (Some(time), groups, _) => each(VisualType::Line, *time, groups),
        (None, [_], [x, y, ..]) if cells.len() > MOST_BARS => points(*x, *y),
        (None, [first, rest @ ..], _) => each(VisualType::Bar, *first, rest),
        (None, [], [x, y, ..]) => points(*x, *y),
        (None, [], [_]) => Vec::new(),
    }
}

/// A chart's points of one name.
struct Series {
    name: String,
    /// Rows, in their order.
    rows: Vec<usize>,
}

/// The rows of each series, the largest first where there are too many; and how many there are.
fn series(cells: &Cells, chart: &Chart) -> (Vec<Series>, usize) {
    let mut found: Vec<Series> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in 0..cells.len() {
        let names: Vec<String> = chart.series.iter().map(|at| cells.text(*at, row)).collect();
        let name =
            if names.is_empty() { cells.name(chart.y).to_owned() } else { names.join(" · ") };
        let place = *places.entry(name.clone()).or_insert_with(|| {
            found.push(Series { name, rows: Vec::new() });
            found.len() - 1
        });
        found[place].rows.push(row);
    }
    let all = found.len();
    if all > MOST_SERIES {
        let size = |series: &Series| -> f64 {
            series.rows.iter().filter_map(|row| cells.number(chart.y, *row)).map(f64::abs).sum()
        };
        found.sort_by(|a, b| size(b).total_cmp(&size(a)));
        found.truncate(MOST_SERIES);
    }
    (found, all)
}

/// A chart as a figure: SVG with a text in its place for those who do not see it, and a legend.
fn figure(cells: &Cells, chart: &Chart, id: usize) -> String {
    let (series, all) = series(cells, chart);
    let (svg, cut) = match chart.kind {
        VisualType::Bar => bars::svg(cells, chart, &series),
        VisualType::Pie => pie::svg(cells, chart),
        _ => lines::svg(cells, chart, &series),
    };
    let title = escape(&chart.title);
    let mut out = format!(
        "<figure><figcaption>{title}</figcaption><svg role=\"img\" aria-labelledby=\"c{id}\" \
         viewBox=\"0 0 {} {}\"><title id=\"c{id}\">{title}</title>{}</svg>",
        svg.width, svg.height, svg.inside
    );
    if let Some(legend) = svg.legend {
        out.push_str(&legend);
    } else if series.len() > 1 {
        let names = series.iter().map(|series| series.name.as_str());
        out.push_str(&legend(names));
    }
    if all > series.len() {
        let _ = write!(out, "<p>The {} largest of {all} series.</p>", series.len());
    }
    if let Some(note) = cut {
        let _ = write!(out, "<p>{}</p>", escape(&note));
    }
    out.push_str("</figure>");
    out
}

fn legend<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::from("<ul class=\"legend\">");
    for (at, name) in names.enumerate() {
        let _ = write!(out, "<li><i class=\"s{}\"></i>{}</li>", at % MOST_SERIES, escape(name));
    }
    out.push_str("</ul>");
    out
}

/// A drawing, without its frame.
struct Svg {
    width: f64,
    height: f64,
    inside: String,
    /// Where it is not that of the series.
    legend: Option<String>,
}

#[cfg(test)]
mod tests;
