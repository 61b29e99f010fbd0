//! Each part of the IR gives the same rows on two workers as here.

use crate::world::{TOKEN, World};
use air_engine::Answer;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::util::display::array_value_to_string;
use serde_json::{Value, json};

/// Rows as text; a double to ten places, since the order of its sum is another.
fn rows(answer: &Answer) -> Vec<Vec<String>> {
    let cell = |column: &dyn Array, row: usize| match column.data_type() {
        DataType::Float64 if column.is_valid(row) => {
            format!("{:.9e}", column.as_primitive::<Float64Type>().value(row))
        }
        _ => array_value_to_string(column, row).unwrap(),
    };
    let columns = answer.rows.columns();
    (0..answer.rows.num_rows())
        .map(|row| columns.iter().map(|column| cell(column.as_ref(), row)).collect())
        .collect()
}

/// IRs over the sample, each with a part of the IR that has a form of its own on the wire.
fn questions() -> Vec<(&'static str, Value)> {
    let flights = |rest: Value| {
        let mut ir = json!({"entities": ["flights"]});
        ir.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        ir
    };
    let count = json!({"name": "flights", "agg": "count"});
    vec![
        (
            "groups",
            flights(json!({"dimensions": ["origin"], "metrics": [
            count, {"name": "miles", "agg": "sum", "field": "distance"},
            {"name": "delay", "agg": "avg", "field": "dep_delay"}]})),
        ),
        (
            "buckets",
            flights(
                json!({"dimensions": [{"name": "at", "field": "time_hour", "grain": "1 month"}], "metrics": [count],
            "time": {"field": "time_hour", "timezone": "America/New_York"}, "grain": "1 month"}),
            ),
        ),
        (
            "parts and bins",
            flights(json!({"metrics": [count], "dimensions": [
            {"name": "weekday", "field": "time_hour", "part": "weekday"},
            {"name": "band", "field": "distance", "bins": [500, 1000, 2000]}]})),
        ),
        (
            "percentiles",
            flights(json!({"dimensions": ["origin"], "metrics": [
            {"name": "p95", "agg": "percentile", "field": "dep_delay", "p": 0.95},
            {"name": "mid", "agg": "median", "field": "arr_delay"},
            {"name": "most", "agg": "max", "field": "dep_delay"},
            {"name": "planes", "agg": "count_distinct", "field": "tailnum"}]})),
        ),
        (
            "ratios",
            flights(json!({"dimensions": ["carrier"], "metrics": [
            count,
            {"name": "late", "agg": "count", "filter": {"field": "dep_delay", "op": ">", "value": 15}},
            {"name": "share_late", "expr": "round(late / flights, 3)"},
            {"name": "share", "share": {"of": "flights"}}]})),
        ),
        (
            "joins",
            json!({"entities": ["flights", "airlines"], "dimensions": ["airlines.name"],
            "metrics": [count, {"name": "seat_miles", "agg": "sum", "value": "planes.seats * distance"}],
            "filters": [{"field": "airlines.name", "op": "icontains", "value": "air"}]}),
        ),
        (
            "windows",
            flights(
                json!({"dimensions": [{"name": "at", "field": "time_hour", "grain": "1 month"}, "origin"],
            "time": {"field": "time_hour", "timezone": "America/New_York"}, "grain": "1 month",
            "metrics": [count,
                {"name": "ma3", "window": {"of": "flights", "agg": "avg", "frame": "trailing", "n": 3}},
                {"name": "ytd", "window": {"of": "flights", "agg": "sum", "frame": "to_date", "unit": "year"}},
                {"name": "before", "compare": {"of": "flights", "offset": "1 month", "as": "value"}}]}),
            ),
        ),
        (
            "fill",
            flights(json!({"dimensions": [{"name": "at", "field": "time_hour", "grain": "1 day"}],
            "time": {"field": "time_hour", "timezone": "America/New_York", "fill": "zero"},
            "grain": "1 day", "metrics": [count],
            "filters": [{"field": "time_hour", "op": "during", "value": "2013-02"},
                        {"field": "carrier", "op": "=", "value": "OO"}]})),
        ),
        (
            "top and others",
            flights(json!({"dimensions": ["dest"], "metrics": [count],
            "top": {"n": 5, "by": "flights", "other": true}})),
        ),
        (
            "exists",
            json!({"entities": ["planes"], "dimensions": ["manufacturer"], "metrics": [
            {"name": "planes", "agg": "count"}],
            "filters": [{"exists": {"entity": "flights",
                "filters": [{"field": "dep_delay", "op": ">", "value": 300}]}}]}),
        ),
        (
            "nested",
            json!({"entities": [{"as": "daily", "query": {
                "entities": ["flights"], "dimensions": ["origin", "day"], "grain": "1 day",
                "time": {"field": "time_hour", "timezone": "America/New_York"},
                "metrics": [count]}}],
            "dimensions": ["origin"], "metrics": [{"name": "usual", "agg": "avg", "field": "flights"}]}),
        ),
        (
            "text files",
            json!({"entities": ["weather"], "dimensions": ["origin"], "metrics": [
            {"name": "rain", "agg": "sum", "field": "precip"}, {"name": "rows", "agg": "count"}]}),
        ),
        (
            "nothing",
            flights(json!({"dimensions": ["origin"], "metrics": [count],
            "filters": [{"field": "origin", "op": "=", "value": "no such"}]})),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_give_the_rows_of_one_process() {
    let mut world = World::new().await;
    let places = [world.worker().await, world.worker().await];
    let (here, divided) = (world.here(), world.divided(&places, TOKEN, 1));
    let mut shared = 0;
    for (name, ir) in questions() {
        let wanted = world.run(&ir, &here).await.unwrap();
        let found = world.run(&ir, &divided).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(rows(&found), rows(&wanted), "{name}");
        assert_eq!(found.truncated, wanted.truncated, "{name}");
        assert_eq!(found.carried.attempts, 1, "{name}: {:?}", found.carried);
        assert!(wanted.carried.workers.is_empty() && wanted.carried.reason.is_none());
        shared += usize::from(!found.carried.workers.is_empty());
        assert_eq!(found.carried.workers.is_empty(), found.carried.reason.is_some(), "{name}");
    }
    // The sample's weather is one compressed file, which cannot be divided.
    assert!(shared + 3 >= questions().len(), "only {shared} were divided");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_small_stays_here_and_says_so() {
    let mut world = World::new().await;
    let place = world.worker().await;
    let divided = world.divided(&[place], TOKEN, 16_000_000);
    let ir = json!({"entities": ["flights"], "metrics": [{"name": "n", "agg": "sum", "field": "distance"}]});
    let found = world.run(&ir, &divided).await.unwrap();
    assert!(found.carried.workers.is_empty());
    assert!(found.carried.reason.unwrap().contains("it is small"));
}
