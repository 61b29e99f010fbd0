//! Which charts a result has, and that a chart shows what the rows hold and nothing else.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, StringArray};

use super::*;
use air_ir::DataType;

const HOSTILE: &str = "</text><script>alert(1)</script>\" onload=\"x";

fn column(name: &str, role: Role, r#type: DataType) -> ResultColumn {
    ResultColumn { name: name.to_owned(), r#type, role }
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn cells(columns: Vec<(ResultColumn, ArrayRef)>) -> Cells {
    let (columns, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let named = columns.iter().map(|column| column.name.clone()).zip(arrays);
    Cells::new(&columns, &RecordBatch::try_from_iter(named).unwrap())
}

fn monthly() -> Cells {
    cells(vec![
        (
            column("month", Role::Time, DataType::Text),
            texts(&["2013-01-01T00:00:00Z", "2013-02-01T00:00:00Z", "2013-03-01T00:00:00Z"]),
        ),
        (column("region", Role::Dimension, DataType::Text), texts(&[HOSTILE, HOSTILE, "south"])),
        (
            column("n", Role::Measure, DataType::Float64),
            numbers(&[Some(1.0), None, Some(f64::INFINITY)]),
        ),
        (
            column("m", Role::Measure, DataType::Float64),
            numbers(&[Some(2.0), Some(3.0), Some(4.0)]),
        ),
    ])
}

fn kinds(charts: &[Chart]) -> Vec<(VisualType, &str)> {
    charts.iter().map(|chart| (chart.kind, chart.title.as_str())).collect()
}

#[test]
fn roles_choose() {
    let charts = chosen(&monthly(), &[]);
    let wanted =
        [(VisualType::Line, "n by month and region"), (VisualType::Line, "m by month and region")];
    assert_eq!(kinds(&charts), wanted);
    let categories = cells(vec![
        (column("region", Role::Dimension, DataType::Text), texts(&["a", "b"])),
        (column("n", Role::Measure, DataType::Float64), numbers(&[Some(1.0), Some(-2.0)])),
    ]);
    assert_eq!(kinds(&chosen(&categories, &[])), [(VisualType::Bar, "n by region")]);
    let pairs = cells(vec![
        (column("n", Role::Measure, DataType::Float64), numbers(&[Some(1.0), Some(2.0)])),
        (column("m", Role::Measure, DataType::Float64), numbers(&[Some(1.0), Some(2.0)])),
    ]);
    assert_eq!(kinds(&chosen(&pairs, &[])), [(VisualType::Scatter, "m against n")]);
    let nothing = cells(vec![
        (column("region", Role::Dimension, DataType::Text), texts(&["a", "b"])),
        (column("n", Role::Measure, DataType::Float64), numbers(&[None, None])),
    ]);
    assert!(chosen(&nothing, &[]).is_empty());
}

#[test]
fn a_definition_goes_before_roles() {
    let visual = |r#type, x: Option<&str>, title: Option<&str>| Visual {
        r#type,
        x: x.map(str::to_owned),
        y: Some("m".to_owned()),
        series: None,
        title: title.map(str::to_owned),
    };
    let said = [
        visual(VisualType::Pie, Some("region"), Some("Parts")),
        visual(VisualType::Area, None, None),
        visual(VisualType::Table, None, None),
    ];
    let charts = chosen(&monthly(), &said);
    assert_eq!(kinds(&charts), [(VisualType::Pie, "Parts"), (VisualType::Area, "m by month")]);
    assert!(chosen(&monthly(), &said[2..]).is_empty());
}

#[test]
fn text_of_the_data_is_never_markup() {
    let cells = monthly();
    for kind in [VisualType::Line, VisualType::Bar, VisualType::Area, VisualType::Scatter] {
        for (x, series) in [(0, vec![1]), (1, vec![]), (1, vec![0]), (2, vec![])] {
            let chart = Chart { kind, title: HOSTILE.to_owned(), x, y: 3, series };
            let shown = figure(&cells, &chart, 0);
            assert!(!shown.contains("<script") && !shown.contains("\" onload"), "{shown}");
            assert!(!shown.contains("NaN") && !shown.contains("inf"), "{shown}");
        }
    }
    let pie = Chart { kind: VisualType::Pie, title: "p".into(), x: 1, y: 3, series: vec![] };
    assert!(!figure(&cells, &pie, 0).contains("<script"));
}

#[test]
fn a_bar_is_as_long_as_its_value_and_a_gap_stays_one() {
    let cells = cells(vec![
        (column("region", Role::Dimension, DataType::Text), texts(&["a", "b", "c"])),
        (column("n", Role::Measure, DataType::Float64), numbers(&[Some(10.0), None, Some(5.0)])),
    ]);
    let bars = figure(&cells, &chosen(&cells, &[])[0], 0);
    let widths: Vec<f64> = bars
        .split("<rect ")
        .skip(1)
        .map(|rect| rect.split(" width=\"").nth(1).unwrap().split('"').next().unwrap())
        .map(|width| width.parse().unwrap())
        .collect();
    assert_eq!(widths.len(), 2, "a null has no bar");
    assert!((widths[0] / widths[1] - 2.0).abs() < 0.01, "{widths:?}");
    let line = Chart { kind: VisualType::Line, title: "l".into(), x: 0, y: 1, series: vec![] };
    let line = figure(&cells, &line, 0);
    assert!(!line.contains("<path"), "two values with a gap between them are no line: {line}");
    assert_eq!(line.matches("<circle").count(), 2);
}

#[test]
fn many_series_and_categories_are_cut_and_say_so() {
    let names: Vec<String> = (0..40).map(|n| format!("c{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let values: Vec<Option<f64>> = (0..40).map(|n| Some(f64::from(n))).collect();
    let cells = cells(vec![
        (column("c", Role::Dimension, DataType::Text), texts(&names)),
        (column("n", Role::Measure, DataType::Float64), numbers(&values)),
    ]);
    let bars = figure(&cells, &chosen(&cells, &[])[0], 0);
    assert!(bars.contains("The first 30 of 40 categories."), "{bars}");
    let lines = Chart { kind: VisualType::Line, title: "l".into(), x: 1, y: 1, series: vec![0] };
    let lines = figure(&cells, &lines, 0);
    assert!(lines.contains("The 8 largest of 40 series.") && lines.contains(">c39<"), "{lines}");
}

fn ids(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

#[test]
fn a_key_beside_a_name_is_no_series() {
    let customers = |keys: &[f64]| {
        cells(vec![
            (
                column("name", Role::Dimension, DataType::Text),
                texts(&["Ada", "Ada", "Ben", "Cleo"]),
            ),
            (column("customer_id", Role::Dimension, DataType::Int64), ids(keys)),
            (
                column("n", Role::Measure, DataType::Float64),
                numbers(&[Some(1.0), Some(2.0), Some(3.0), Some(4.0)]),
            ),
        ])
    };
    let drawn = figures(&customers(&[1.0, 2.0, 3.0, 4.0]), &[]);
    assert!(drawn.contains("<figcaption>n by name</figcaption>"), "{drawn}");
    assert!(!drawn.contains("class=\"legend\""), "one series has no legend: {drawn}");
    assert_eq!(drawn.matches("<rect ").count(), 4, "{drawn}");
    for name in ["Ada · 1", "Ada · 2", ">Ben<", ">Cleo<"] {
        assert!(drawn.contains(name), "{name} in {drawn}");
    }
    // What occurs with several names is a group of its own.
    let grouped = figures(&customers(&[1.0, 2.0, 1.0, 2.0]), &[]);
    assert!(grouped.contains("n by name and customer_id"), "{grouped}");
    assert!(grouped.contains("class=\"legend\""), "{grouped}");
}

#[test]
fn a_definition_may_name_the_key() {
    let cells = cells(vec![
        (column("name", Role::Dimension, DataType::Text), texts(&["Ada", "Ada"])),
        (column("customer_id", Role::Dimension, DataType::Int64), ids(&[1.0, 2.0])),
        (column("n", Role::Measure, DataType::Float64), numbers(&[Some(1.0), Some(2.0)])),
    ]);
    let visual = Visual {
        r#type: VisualType::Bar,
        x: Some("customer_id".to_owned()),
        y: None,
        series: None,
        title: None,
    };
    assert!(figures(&cells, &[visual]).contains("n by customer_id"));
}
