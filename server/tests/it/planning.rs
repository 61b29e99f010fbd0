//! Plans, SQL and rows of an IR.

use crate::world::World;
use serde_json::json;

#[tokio::test]
async fn a_plan_is_shown_in_every_dialect() {
    let world = World::learned().await;
    let ir = json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "region", "op": "!=", "value": "it's"}]});
    let all = ["postgres", "timescaledb", "mysql", "datafusion"];
    let body = json!({"datasource_id": "shop", "ir": ir, "dialects": all});
    let planned = world.post("/v1/sql").json(&body).send().await.expect(200);
    assert_eq!(planned["dialect"], "datafusion");
    assert!(!planned["sql"].as_str().unwrap().contains("it's"), "values are bound: {planned}");
    assert_eq!(planned["params"][0], "it's");
    let written: Vec<&str> = planned["all_sql"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["dialect"].as_str().unwrap())
        .collect();
    assert_eq!(written, all);
    assert!(planned["all_sql"][2]["sql"].as_str().unwrap().contains('`'), "{planned}");
    assert!(planned["plan"].as_str().unwrap().contains("Aggregate"));

    let mysql = json!({"ir": body["ir"], "dialect": "mysql"});
    let planned = world.post("/v1/sql?datasource_id=shop").json(&mysql).send().await.expect(200);
    assert_eq!((&planned["dialect"], &planned["all_sql"]), (&json!("mysql"), &json!(null)));
}

#[tokio::test]
async fn a_request_that_cannot_be_planned_says_why() {
    let world = World::learned().await;
    let sql = |body: serde_json::Value| world.post("/v1/sql").json(&body).send();
    sql(json!({"datasource_id": "shop"})).await.problem(422, "invalid");
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "s", "agg": "sum", "field": "amuont"}]});
    let problem = sql(json!({"datasource_id": "shop", "ir": ir})).await.problem(422, "invalid");
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], "/ir/metrics/0/field", "{problem}");
    assert_eq!(
        (&error["code"], &error["nearest"][0]),
        (&json!("unknown_column"), &json!("amount"))
    );
    let ir =
        json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}], "limitt": 3});
    let problem = sql(json!({"datasource_id": "shop", "ir": ir})).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/ir/limitt");
    sql(json!({"ir": {"entities": ["orders"]}})).await.problem(422, "invalid");
}

#[tokio::test]
async fn sql_is_planned_against_the_catalog_and_written_again() {
    let world = World::learned().await;
    let sql = |text: &str| {
        let body = json!({"datasource_id": "shop", "sql": text, "dialect": "postgres"});
        world.post("/v1/sql").json(&body).send()
    };
    let text = "select region, count(*) as n from orders where region <> 'no''rth' group by region";
    let planned = sql(text).await.expect(200);
    let written = planned["sql"].as_str().unwrap();
    assert!(written.contains("GROUP BY") && !written.contains("rth"), "{planned}");
    assert_eq!(planned["params"], json!(["no'rth"]), "{planned}");
    assert!(planned["safety_report"].as_array().unwrap().len() >= 5, "{planned}");
    let body = json!({"datasource_id": "shop", "sql": "select count(*) as n from orders"});
    let ran = world.post("/v1/query").json(&body).send().await.expect(200);
    assert!(ran["rows"][0]["n"].as_i64().unwrap() > 0, "{ran}");
    assert_eq!(ran["qa"]["checks"][0]["id"], "not_checked", "{ran}");
    let body = json!({"datasource_id": "shop", "sql": "delete from orders"});
    world.post("/v1/query").json(&body).send().await.problem(422, "refused");
    let problem = sql("select pg_sleep(1) from orders").await.problem(422, "refused");
    assert_eq!(problem["safety_report"][0]["rule"], "functions", "{problem}");
    let problem = sql("select amuont from orders").await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/sql", "{problem}");
    let body = json!({"datasource_id": "shop", "sql": "select 1", "params": {"a": 1}});
    world.post("/v1/sql").json(&body).send().await.problem(422, "invalid");
}

#[tokio::test]
async fn rows_keep_their_meaning_in_json() {
    let world = World::learned().await;
    let ir = json!({"entities": ["orders"], "dimensions": ["month"], "grain": "1 month",
        "metrics": [{"name": "total", "agg": "sum", "field": "amount"},
                    {"name": "n", "agg": "count"}]});
    let result = world.query(ir).await.expect(200);
    assert_eq!(
        result["rows"],
        json!([
            {"month": "2024-01-01T00:00:00+01:00", "total": "30.50", "n": 2},
            {"month": "2024-02-01T00:00:00+01:00", "total": "12.25", "n": 2},
            {"month": "2024-03-01T00:00:00+01:00", "total": "100.00", "n": 1},
        ])
    );
    assert_eq!(
        result["columns"][0],
        json!({"name": "month", "type": "timestamptz", "role": "time"})
    );
    assert_eq!((&result["row_count"], &result["truncated"]), (&json!(3), &json!(false)));
    // The rows are of 2024 and the run is not: their age is told, and nothing else is wrong.
    assert_eq!(result["qa"]["status"], "warn", "{result}");
    let checks: Vec<&str> = result["qa"]["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["id"].as_str().unwrap())
        .collect();
    assert!(checks.contains(&"totals"), "{checks:?}");
    assert!(result["timings_ms"]["execute"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn every_format_holds_the_same_rows() {
    let world = World::learned().await;
    let body = json!({"datasource_id": "shop", "ir": {"entities": ["orders"],
        "dimensions": ["region"], "metrics": [{"name": "n", "agg": "count"}]},
        "now": "2024-04-01T00:00:00Z"});
    let query = |format: &str| world.post(&format!("/v1/query?format={format}")).json(&body).send();
    let csv = query("csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.text(), "region,n\r\n'=cmd,1\r\nnorth,2\r\nsouth,2\r\n");
    assert_eq!((csv.header("x-air-row-count"), csv.header("x-air-truncated")), ("3", "false"));
    assert!(csv.header("x-air-run-id").starts_with("run_"));
    let ndjson = query("ndjson").await.text();
    assert_eq!(ndjson.lines().next(), Some("{\"region\":\"=cmd\",\"n\":1}"));
    let parquet = query("parquet").await.bytes;
    assert_eq!((&parquet[..4], &parquet[parquet.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    let arrow = query("arrow").await;
    let reader = datafusion::arrow::ipc::reader::StreamReader::try_new(&arrow.bytes[..], None);
    assert_eq!(reader.unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 3);

    let accept = world.post("/v1/query").json(&body).header("accept", "text/csv").send().await;
    assert!(accept.text().starts_with("region,n"), "{}", accept.text());
    let image = world.post("/v1/query").json(&body).header("accept", "image/png").send().await;
    image.problem(406, "not_acceptable");
    query("xls").await.problem(422, "invalid");
}

#[tokio::test]
async fn parameters_of_a_query_are_bound_and_wanted() {
    let world = World::learned().await;
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "region", "op": "=", "value": "{{region}}"}]});
    let query = |params: serde_json::Value| {
        let body = json!({"datasource_id": "shop", "ir": ir, "params": params});
        world.post("/v1/query").json(&body).send()
    };
    assert_eq!(query(json!({"region": "north"})).await.expect(200)["rows"][0]["n"], 2);
    // Text that would end a literal is a value like any other.
    assert_eq!(query(json!({"region": "' OR 1=1 --"})).await.expect(200)["rows"][0]["n"], 0);
    let problem = query(json!({})).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["code"], "missing_parameter");
    let problem = query(json!({"region": "north", "regoin": "x"})).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["code"], "unknown_parameter");
}

#[tokio::test]
async fn a_refused_plan_shows_every_rule() {
    let config = "files: {base_path: files}\nsafety: {time_filter: refuse}\nanalytics_sources:\n  - {id: shop, kind: files, base_path: files/shop}\n";
    let world = World::with(false, config).await;
    world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    let edit = json!({"tables": {"orders": {"time_series": true}}});
    world.call("PATCH", "/v1/catalog/shop").json(&edit).send().await.expect(200);
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]});
    for path in ["/v1/sql", "/v1/query"] {
        let body = json!({"datasource_id": "shop", "ir": ir});
        let problem = world.post(path).json(&body).send().await.problem(422, "refused");
        let report = problem["safety_report"].as_array().unwrap();
        assert!(report.iter().any(|rule| rule["outcome"] == "refused"), "{problem}");
        assert!(report.iter().any(|rule| rule["outcome"] == "ok"), "{problem}");
    }
}
