//! What is computed across groups, on rows made for it: filling, windows, comparisons, shares,
//! tops with their rest, and the rows behind a row.

use crate::plans::options;
use air_engine::{
    DrillOptions, PlanError, Policy, Prepared, RunLimits, Runtime, Sources, arrow_schema, drill,
    guard, plan, run,
};
use air_ir::{Catalog, Ir};
use datafusion::arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// A sale: id, day, instant, region, amount, rating.
type Sale = (i64, Option<&'static str>, &'static str, Option<&'static str>, Option<i64>, f64);

const SALES: &[Sale] = &[
    (1, Some("2024-01-10"), "2024-01-10T12:00:00Z", Some("north"), Some(10), 1.0),
    (2, Some("2024-01-20"), "2024-01-20T12:00:00Z", Some("south"), Some(20), 2.0),
    (3, Some("2024-02-29"), "2024-02-29T12:00:00Z", Some("north"), Some(30), f64::NAN),
    (4, Some("2024-02-29"), "2024-02-29T13:00:00Z", None, Some(5), 4.0),
    (5, Some("2024-05-01"), "2024-05-01T12:00:00Z", Some("north"), None, 5.0),
    (6, Some("2024-05-02"), "2024-05-02T12:00:00Z", Some("other"), Some(7), 6.0),
    (7, None, "2024-05-03T12:00:00Z", None, Some(40), 7.0),
    (8, Some("2023-02-28"), "2023-02-28T12:00:00Z", Some("north"), Some(3), 8.0),
];

pub(crate) fn catalog() -> Prepared {
    let column = |name: &str, data_type: &str| json!({"name": name, "data_type": data_type, "native_type": data_type, "nullable": true});
    let catalog = json!({
        "source": "sales", "kind": "files", "version": "test",
        "tables": [
            {"name": "sales", "kind": "table", "primary_key": ["id"], "columns": [
                column("id", "int64"), column("on_day", "date"), column("at", "timestamptz"),
                column("region", "text"), column("amount", "int64"), column("rating", "float64")]},
            {"name": "empty", "kind": "table", "primary_key": ["id"], "columns": [
                column("id", "int64"), column("at", "timestamptz"), column("region", "text")]},
        ],
    });
    let catalog: Catalog = serde_json::from_value(catalog).unwrap();
    Prepared::new(Arc::new(catalog))
}

fn tables(prepared: &Prepared) -> HashMap<(String, String), Arc<dyn TableProvider>> {
    let micros = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let days = |text: &str| {
        let day: Date = text.parse().unwrap();
        jiff::civil::date(1970, 1, 1).until(day).unwrap().get_days()
    };
    let instants = |values: Vec<i64>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
    };
    let sales: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(SALES.iter().map(|s| s.0))),
        Arc::new(Date32Array::from_iter(SALES.iter().map(|s| s.1.map(days)))),
        instants(SALES.iter().map(|s| micros(s.2)).collect()),
        Arc::new(StringViewArray::from_iter(SALES.iter().map(|s| s.3))),
        Arc::new(Int64Array::from_iter(SALES.iter().map(|s| s.4))),
        Arc::new(Float64Array::from_iter_values(SALES.iter().map(|s| s.5))),
    ];
    let empty: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(Vec::<i64>::new())),
        instants(Vec::new()),
        Arc::new(StringViewArray::from(Vec::<&str>::new())),
    ];
    let mut tables: HashMap<_, Arc<dyn TableProvider>> = HashMap::new();
    for (table, columns) in prepared.catalog().tables.iter().zip([sales, empty]) {
        let schema = arrow_schema(table);
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let provider = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
        tables.insert(("sales".to_owned(), table.name.clone()), Arc::new(provider));
    }
    tables
}

async fn rows_of(ir: &Ir) -> RecordBatch {
    let folder = tempfile::tempdir().unwrap();
    let limits = RunLimits {
        memory_bytes: 64 << 20,
        spill_dir: folder.path().to_owned(),
        spill_bytes: 64 << 20,
        partitions: 2,
    };
    let runtime = Runtime::new(&limits).unwrap();
    let prepared = catalog();
    let guarded = guard(plan(ir, &prepared, &options()).unwrap(), &Policy::default()).unwrap();
    let sources = Sources { tables: tables(&prepared), ..Sources::default() };
    run(&guarded.execution().unwrap(), &sources, &runtime).await.unwrap().rows
}

/// The rows of an IR, cells separated by blanks, null as `-`.
async fn rows(ir: Value) -> Vec<String> {
    let batch = rows_of(&Ir::parse(&ir).unwrap()).await;
    let table = pretty_format_batches(&[batch]).unwrap().to_string();
    let lines: Vec<&str> = table.lines().filter(|l| l.starts_with('|')).skip(1).collect();
    let cell = |c: &str| if c.trim().is_empty() { "-".to_owned() } else { c.trim().to_owned() };
    lines
        .iter()
        .map(|l| l.trim_matches('|').split('|').map(cell).collect::<Vec<_>>().join(" "))
        .collect()
}

fn refused(ir: Value) -> Vec<String> {
    let PlanError(errors) = plan(&Ir::parse(&ir).unwrap(), &catalog(), &options()).unwrap_err();
    errors.iter().map(|e| e.code.as_str()).collect()
}

fn monthly(mut more: Value) -> Value {
    more["entities"] = json!(["sales"]);
    if more["dimensions"].is_null() {
        more["dimensions"] = json!(["month"]);
    }
    if more["time"].is_null() {
        more["time"] = json!({});
    }
    more["time"]["field"] = json!("on_day");
    if more["metrics"].is_null() {
        more["metrics"] = json!([{"name": "s", "agg": "sum", "field": "amount"}]);
    }
    more
}

#[tokio::test]
async fn fill_has_three_ways_and_keeps_nulls_that_are_there() {
    let asked = |fill: &str| {
        monthly(json!({"time": {"fill": fill},
            "metrics": [{"name": "n", "agg": "count"}, {"name": "s", "agg": "sum", "field": "amount",
                "filter": {"field": "id", "op": "!=", "value": 6}}],
            "filters": [{"field": "on_day", "op": "during", "value": "2023-12..2024-07"}]}))
    };
    let there = ["2024-01-01 2 30", "2024-02-01 2 35"];
    let zero = rows(asked("zero")).await;
    assert_eq!(zero[0], "2023-12-01 0 0");
    assert_eq!(zero[1..3], there);
    assert_eq!(zero[3..], ["2024-03-01 0 0", "2024-04-01 0 0", "2024-05-01 2 -", "2024-06-01 0 0"]);
    let null = rows(asked("null")).await;
    assert_eq!(null[3..6], ["2024-03-01 - -", "2024-04-01 - -", "2024-05-01 2 -"]);
    let previous = rows(asked("previous")).await;
    assert_eq!(previous[0], "2023-12-01 - -");
    // June has what May shows, its null included.
    assert_eq!(
        previous[3..],
        ["2024-03-01 2 35", "2024-04-01 2 35", "2024-05-01 2 -", "2024-06-01 2 -"]
    );
}

#[tokio::test]
async fn fill_of_open_ends_goes_from_the_first_to_the_last_bucket_of_all() {
    let got = rows(monthly(json!({"time": {"fill": "null"}, "dimensions": ["region", "month"],
        "filters": [{"field": "id", "op": "in", "value": [2, 3, 7]}]})))
    .await;
    assert_eq!(
        got,
        [
            "north 2024-01-01 -",
            "north 2024-02-01 30",
            "south 2024-01-01 20",
            "south 2024-02-01 -",
            "- 2024-01-01 -",
            "- 2024-02-01 -",
            "- - 40",
        ]
    );
}

#[tokio::test]
async fn fill_of_nothing() {
    let asked = |dimensions: Value| {
        json!({"entities": ["empty"], "dimensions": dimensions, "time": {"field": "at", "fill": "zero"},
            "metrics": [{"name": "n", "agg": "count"}, {"name": "m", "agg": "min", "field": "id"}],
            "filters": [{"field": "at", "op": "during", "value": "2024-02-28..2024-03-02"}]})
    };
    let days = rows(asked(json!(["day"]))).await;
    assert_eq!(days.len(), 3, "{days:?}");
    assert!(days[1].starts_with("2024-02-29") && days[1].ends_with("0 -"), "{days:?}");
    assert_eq!(rows(asked(json!(["day", "region"]))).await, Vec::<String>::new());
    let mut open = asked(json!(["day"]));
    open["filters"] = json!([]);
    assert_eq!(rows(open).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_window_does_not_change_what_is_filled() {
    // North has February 2024, south only January, which is outside the range.
    let got =
        rows(monthly(json!({"time": {"fill": "previous"}, "dimensions": ["region", "month"],
        "metrics": [{"name": "s", "agg": "sum", "field": "amount"},
            {"name": "w", "window": {"of": "s", "agg": "sum", "frame": "trailing", "n": 3}}],
        "filters": [{"field": "on_day", "op": "during", "value": "2024-02..2024-05"},
            {"field": "region", "op": "in", "value": ["north", "south"]}]})))
        .await;
    assert_eq!(got, ["north 2024-02-01 30 40", "north 2024-03-01 30 70", "north 2024-04-01 30 90"]);
}

#[tokio::test]
async fn windows_go_by_the_calendar_and_not_by_the_rows() {
    let got = rows(monthly(json!({"metrics": [
        {"name": "s", "agg": "sum", "field": "amount"},
        {"name": "w", "window": {"of": "s", "agg": "sum", "frame": "trailing", "n": 2}},
        {"name": "y", "window": {"of": "s", "agg": "sum", "frame": "to_date", "unit": "year"}},
        {"name": "l", "window": {"of": "s", "agg": "last", "frame": "trailing", "n": 4}}]})))
    .await;
    assert_eq!(
        got,
        [
            "2023-02-01 3 3 3 3",
            "2024-01-01 30 30 30 30",
            "2024-02-01 35 65 65 35",
            "2024-05-01 7 7 72 7",
            "- 40 40 40 40",
        ]
    );
}

#[tokio::test]
async fn a_leap_day_is_compared_with_the_last_day_of_february() {
    let got = rows(monthly(json!({"dimensions": ["day", "region"],
        "metrics": [{"name": "s", "agg": "sum", "field": "amount"},
            {"name": "p", "compare": {"of": "s", "offset": "1 year"}},
            {"name": "d", "compare": {"of": "s", "offset": "1 year", "as": "delta"}},
            {"name": "r", "compare": {"of": "s", "offset": "1 year", "as": "ratio"}}],
        "filters": [{"field": "on_day", "op": "=", "value": "2024-02-29"}]})))
    .await;
    assert_eq!(got, ["2024-02-29 north 30 3 27 10.0", "2024-02-29 - 5 - - -"]);
}

#[tokio::test]
async fn a_ratio_over_zero_is_null() {
    let got = rows(monthly(json!({"time": {"fill": "zero"},
        "metrics": [{"name": "s", "agg": "sum", "field": "amount"},
            {"name": "r", "compare": {"of": "s", "offset": "previous", "as": "ratio"}}],
        "filters": [{"field": "on_day", "op": "during", "value": "2024-02..2024-04"}]})))
    .await;
    assert_eq!(got, ["2024-02-01 35 1.1666666666666667", "2024-03-01 0 0.0"]);
    let got = rows(monthly(json!({"time": {"fill": "zero"},
        "metrics": [{"name": "s", "agg": "sum", "field": "amount"},
            {"name": "r", "compare": {"of": "s", "offset": "previous", "as": "ratio"}}],
        "filters": [{"field": "on_day", "op": "during", "value": "2024-04..2024-05"}]})))
    .await;
    // March before it is absent, and filled like the buckets that are shown.
    assert_eq!(got, ["2024-04-01 0 -"]);
}

#[tokio::test]
async fn shares_count_null_groups_and_not_null_values() {
    let got = rows(json!({"entities": ["sales"], "dimensions": ["region"],
        "metrics": [{"name": "s", "agg": "sum", "field": "amount",
                "filter": {"field": "region", "op": "!=", "value": "other"}},
            {"name": "n", "agg": "count"}, {"name": "p", "share": {"of": "n"}},
            {"name": "q", "share": {"of": "s"}}],
        "having": [{"metric": "n", "op": ">", "value": 1}]}))
    .await;
    assert_eq!(got[0], format!("north 43 4 0.5 {}", 43.0_f64 / 63.0));
    assert_eq!(got[1], "- - 2 0.25 -");
}

#[tokio::test]
async fn the_rest_is_no_real_value_and_no_null_group() {
    let asked = |n: u64| {
        json!({"entities": ["sales"], "dimensions": ["region"],
            "metrics": [{"name": "n", "agg": "count"}, {"name": "a", "agg": "avg", "field": "amount"},
                {"name": "m", "agg": "median", "field": "id"}],
            "top": {"n": n, "by": "n", "other": true}, "order": [{"field": "region", "dir": "desc", "nulls": "first"}]})
    };
    assert_eq!(
        rows(asked(2)).await,
        ["- 2 22.5 5.5 false", "north 4 14.333333333333334 4.0 false", "- 2 13.5 4.0 true",]
    );
    assert_eq!(
        rows(asked(3)).await,
        [
            "- 2 22.5 5.5 false",
            "other 1 7.0 6.0 false",
            "north 4 14.333333333333334 4.0 false",
            "- 1 20.0 2.0 true",
        ]
    );
    assert_eq!(rows(asked(4)).await.len(), 4);
}

#[tokio::test]
async fn limit_and_offset_come_after_the_rest() {
    let got = rows(json!({"entities": ["sales"], "dimensions": ["id"],
        "metrics": [{"name": "s", "agg": "sum", "field": "amount"}],
        "top": {"n": 3, "by": "s", "other": true}, "order": [{"field": "s", "dir": "desc"}],
        "limit": 2, "offset": 2}))
    .await;
    assert_eq!(got, ["2 20 false", "- 25 true"]);
}

#[tokio::test]
async fn a_nested_top_is_a_table() {
    let inner = json!({"entities": ["sales"], "dimensions": ["region"],
        "metrics": [{"name": "n", "agg": "count"}], "top": {"n": 2, "by": "n", "other": true}});
    let got = rows(json!({"entities": [{"query": inner, "as": "t"}],
        "dimensions": ["is_other"], "metrics": [{"name": "all", "agg": "sum", "field": "n"}]}))
    .await;
    assert_eq!(got, ["false 6", "true 2"]);
}

#[test]
fn what_has_no_meaning_is_refused() {
    let window =
        json!({"name": "w", "window": {"of": "n", "agg": "sum", "frame": "trailing", "n": 2}});
    let count = json!({"name": "n", "agg": "count"});
    let over = |metrics: Value, top: Value| {
        monthly(json!({"dimensions": ["month", "region"], "metrics": metrics, "top": top}))
    };
    let other = json!({"n": 1, "by": "n", "other": true});
    assert_eq!(refused(over(json!([count, window]), other.clone())), ["unsupported"]);
    let compare = json!({"name": "c", "compare": {"of": "n", "offset": "previous"}});
    assert_eq!(refused(over(json!([count, compare]), other.clone())), ["unsupported"]);
    let share = json!({"name": "p", "share": {"of": "n", "within": ["region"]}});
    assert_eq!(refused(over(json!([count, share]), other)), ["unsupported"]);
    let top = json!({"n": 1, "by": "m", "per": ["regio"]});
    assert_eq!(refused(over(json!([count]), top)), ["unknown_metric", "unknown_output"]);
    let whole = json!([count, {"name": "p", "share": {"of": "n"}},
        {"name": "c", "compare": {"of": "p", "offset": "previous"}}]);
    assert_eq!(refused(monthly(json!({"metrics": whole}))), ["unsupported"]);
    let cycle = json!([count, {"name": "a", "window": {"of": "b", "agg": "sum", "frame": "trailing", "n": 2}},
        {"name": "b", "expr": "a + n"}]);
    assert_eq!(refused(monthly(json!({"metrics": cycle})))[0], "cycle");
    let far = json!([count, {"name": "a", "window": {"of": "n", "agg": "sum", "frame": "trailing", "n": 4_000_000}}]);
    let filters = json!([{"field": "on_day", "op": ">=", "value": "2024-01-01"}]);
    assert_eq!(refused(monthly(json!({"metrics": far, "filters": filters}))), ["too_large"]);
}

async fn behind(ir: &Value, row: Value, metric: Option<&str>) -> Vec<i64> {
    let row: Map<String, Value> = row.as_object().unwrap().clone();
    let options = DrillOptions { metric: metric.map(str::to_owned), limit: Some(100) };
    let ir = drill(&Ir::parse(ir).unwrap(), &row, &catalog(), &options).unwrap();
    let batch = rows_of(&ir).await;
    assert_eq!(batch.schema().field(0).name(), "id", "the primary key comes first");
    let ids = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
    ids.iter().flatten().collect()
}

#[tokio::test]
async fn the_rows_behind_a_row() {
    let ir = json!({"entities": ["sales"], "time": {"field": "on_day"},
        "dimensions": ["month", "region", {"name": "band", "field": "amount", "bins": [10, 30]}],
        "metrics": [{"name": "n", "agg": "count"},
            {"name": "few", "agg": "count", "filter": {"field": "rating", "op": ">", "value": 4}}],
        "filters": [{"field": "id", "op": "<", "value": 8}], "top": {"n": 9, "by": "n", "other": true}});
    let north = json!({"month": "2024-02-01", "region": "north", "band": ">=30", "n": 1});
    assert_eq!(behind(&ir, north, None).await, [3]);
    let nulls = json!({"month": null, "region": null});
    assert_eq!(behind(&ir, nulls, None).await, [7]);
    assert_eq!(behind(&ir, json!({"month": "2024-01-01"}), None).await, [1, 2]);
    assert_eq!(behind(&ir, json!({"band": "10-30"}), None).await, [1, 2]);
    assert_eq!(behind(&ir, json!({"band": null}), None).await, [5]);
    assert_eq!(behind(&ir, json!({"month": "2024-05-01"}), Some("few")).await, [5, 6]);
    // "Not a number" is greater than every number.
    assert_eq!(behind(&ir, json!({}), Some("few")).await, [3, 5, 6, 7]);
    let code = |row: Value| {
        let row: Map<String, Value> = row.as_object().unwrap().clone();
        let ir = Ir::parse(&ir).unwrap();
        let PlanError(errors) = drill(&ir, &row, &catalog(), &DrillOptions::default()).unwrap_err();
        errors[0].code.as_str()
    };
    assert_eq!(code(json!({"is_other": true})), "unsupported");
    assert_eq!(code(json!({"month": "2024-01-02"})), "type_mismatch");
    assert_eq!(code(json!({"band": "10-40"})), "bad_value");
    assert_eq!(code(json!({"regio": "north"})), "unknown_output");
}

/// Readings of a clock in Tokyo, ten rows a day, and a source beside it in New York.
fn zones() -> (Prepared, Prepared, Sources) {
    let column = |name: &str, data_type: &str| json!({"name": name, "data_type": data_type, "native_type": data_type, "nullable": true});
    let catalog = |source: &str, zone: &str, table: &str| -> Arc<Catalog> {
        let catalog = json!({"source": source, "kind": "files", "version": source, "time_zone": zone,
            "tables": [{"name": table, "kind": "table", "columns": [
                column("at", "timestamp"), column("n", "int64")]}]});
        Arc::new(serde_json::from_value(catalog).unwrap())
    };
    let own = catalog("own", "America/New_York", "o");
    let tokyo = catalog("tokyo", "Asia/Tokyo", "e");
    let schema = arrow_schema(&tokyo.tables[0]);
    let begin: jiff::Timestamp = "2024-03-01T00:30:00Z".parse().unwrap();
    let hours = |i: i64| begin.as_microsecond() + i * 3 * 3_600_000_000;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from_iter_values((0..60).map(hours))),
        Arc::new(Int64Array::from_iter_values(0..60)),
    ];
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let rows: Arc<dyn TableProvider> =
        Arc::new(MemTable::try_new(schema, vec![vec![rows]]).unwrap());
    let mut sources = Sources::default();
    sources.tables.insert(("tokyo".to_owned(), "e".to_owned()), rows);
    let alone = Prepared::new(Arc::clone(&tokyo));
    (alone, Prepared::seen(&own, &[tokyo], &[]), sources)
}

#[tokio::test]
async fn what_looks_back_reads_the_clock_of_its_own_source() {
    let (alone, beside, sources) = zones();
    let engine = crate::split::engine();
    for metric in [
        json!({"name": "w", "window": {"of": "s", "agg": "sum", "frame": "trailing", "n": 2}}),
        json!({"name": "p", "compare": {"of": "s", "offset": "1 day"}}),
    ] {
        let asked = |entity: Value| {
            json!({"entities": [entity], "dimensions": ["day"],
                "time": {"field": "at", "timezone": "Asia/Tokyo"},
                "metrics": [{"name": "s", "agg": "sum", "field": "n"}, metric],
                "filters": [{"field": "at", "op": "during", "value": "2024-03-03..2024-03-05"}]})
        };
        let mut answers = Vec::new();
        for (ir, prepared) in [
            (asked(json!("e")), &alone),
            (asked(json!({"entity": "e", "source": "tokyo"})), &beside),
        ] {
            let ir = Ir::parse(&ir).unwrap_or_else(|e| panic!("{ir:#}: {e:?}"));
            let planned = plan(&ir, prepared, &options()).unwrap_or_else(|e| panic!("{e:?}"));
            let execution = guard(planned, &Policy::default()).unwrap().execution().unwrap();
            let rows = run(&execution, &sources, &engine.runtime).await.unwrap().rows;
            answers.push(pretty_format_batches(&[rows]).unwrap().to_string());
        }
        assert_eq!(answers[0], answers[1], "{metric}");
        assert!(answers[0].contains("2024-03-03"), "{}", answers[0]);
    }
}
