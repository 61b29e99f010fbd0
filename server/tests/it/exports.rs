//! One result in every format: the same rows, the same statement, and a page for people.

use crate::world::{Reply, World};
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

const FORMATS: [&str; 6] = ["json", "csv", "ndjson", "arrow", "parquet", "html"];

async fn with_report(visuals: Value) -> World {
    let world = World::learned().await;
    world
        .post("/v1/reports")
        .json(&json!({"key": "r", "title": "R & <b>D"}))
        .send()
        .await
        .expect(201);
    let ir = json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "n", "agg": "count"}, {"name": "s", "agg": "sum", "field": "amount"}],
        "filters": [{"field": "amount", "op": ">", "value": "{{least}}"}]});
    let params = json!({"schema": {"type": "object", "required": ["least"],
        "properties": {"least": {"type": "number"}}}});
    let def = json!({"version": "1", "ir": ir, "params": params, "visuals": visuals});
    let version = json!({"def": def, "datasource_id": "shop"});
    world.post("/v1/reports/r/versions").json(&version).send().await.expect(201);
    world
}

async fn run(world: &World, format: &str) -> Reply {
    let body = json!({"params": {"least": 1}});
    world.post(&format!("/v1/reports/r/run?format={format}")).json(&body).send().await
}

/// The rows of a reply as JSON would have them.
fn count(reply: &Reply, format: &str) -> usize {
    match format {
        "json" => reply.json()["rows"].as_array().unwrap().len(),
        "csv" => reply.text().lines().count() - 1,
        "ndjson" => reply.text().lines().count(),
        "html" => {
            let text = reply.text();
            let body = text.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
            body.matches("<tr>").count()
        }
        "arrow" => {
            let reader = StreamReader::try_new(&reply.bytes[..], None).unwrap();
            reader.map(|batch| batch.unwrap().num_rows()).sum()
        }
        _ => {
            let bytes = axum::body::Bytes::from(reply.bytes.clone());
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
            reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum()
        }
    }
}

#[tokio::test]
async fn every_format_has_the_rows_and_the_statement() {
    let world = with_report(json!([])).await;
    for format in FORMATS {
        let reply = run(&world, format).await;
        assert_eq!(reply.status, 200, "{format}: {}", reply.text());
        assert_eq!(count(&reply, format), 3, "{format}");
        let run_id = reply.header("x-air-run-id").to_owned();
        let wanted = [
            ("x-air-params", r#"{"least":1}"#),
            ("x-air-report-key", "r"),
            ("x-air-report-version", "1"),
            ("x-air-row-count", "3"),
            ("x-air-truncated", "false"),
        ];
        for (name, value) in wanted {
            assert_eq!(reply.header(name), value, "{format} {name}");
        }
        assert!(!reply.header("x-air-as-of").is_empty(), "{format}");
        // The same again from what the run kept.
        let kept = world.get(&format!("/v1/runs/{run_id}/rows?format={format}")).send().await;
        for (name, _) in wanted.iter().chain(&[("x-air-as-of", ""), ("x-air-run-id", "")]) {
            assert_eq!(kept.header(name), reply.header(name), "{format} {name}");
        }
        match format {
            "csv" | "ndjson" => assert_eq!(kept.text(), reply.text()),
            "json" => assert_eq!(kept.json()["items"], reply.json()["rows"]),
            _ => assert_eq!(count(&kept, format), 3, "{format}"),
        }
    }
}

#[tokio::test]
async fn files_hold_their_statement() {
    let world = with_report(json!([])).await;
    let arrow = run(&world, "arrow").await;
    assert_eq!(arrow.header("content-disposition"), "attachment; filename=\"r.arrow\"");
    let reader = StreamReader::try_new(&arrow.bytes[..], None).unwrap();
    let statement: Value = serde_json::from_str(&reader.schema().metadata()["air"]).unwrap();
    assert_eq!(statement["params"], json!({"least": 1}));
    assert_eq!((&statement["report_key"], &statement["version"]), (&json!("r"), &json!(1)));
    assert_eq!(statement["run_id"], arrow.header("x-air-run-id"));
    assert_eq!((&statement["row_count"], &statement["truncated"]), (&json!(3), &json!(false)));
}

#[tokio::test]
async fn a_page_is_whole_by_itself_and_holds_data_as_text() {
    let world =
        with_report(json!([{"type": "bar", "x": "region", "y": "s", "title": "Sums"}])).await;
    let page = run(&world, "html").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let html = page.text();
    assert!(html.contains("<h1>R &amp; &lt;b&gt;D</h1>"), "{html}");
    assert!(
        html.contains("<figcaption>Sums</figcaption>") && html.matches("<figure>").count() == 1
    );
    for wanted in ["r, version 1", "{&quot;least&quot;:1}", "<caption>3 rows</caption>", "=cmd"] {
        assert!(html.contains(wanted), "{wanted} in {html}");
    }
    for forbidden in ["<script", "<link", "<img", "src=\"", "href=\"", "url(", "<b>"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    let kept = format!("/v1/runs/{}/rows", page.header("x-air-run-id"));
    let kept = world.get(&kept).header("accept", "text/html,*/*;q=0.8").send().await;
    assert!(kept.text().contains("<figcaption>Sums</figcaption>"), "{}", kept.text());
}

#[tokio::test]
async fn a_query_is_a_page_too_with_charts_by_roles() {
    let world = World::learned().await;
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}],
        "dimensions": [{"name": "month", "field": "placed_at", "grain": "1 month"}]});
    let body = json!({"datasource_id": "shop", "ir": ir});
    let page = world.post("/v1/query?format=html").json(&body).send().await.text();
    assert!(
        page.contains("<figcaption>n by month</figcaption>") && page.contains("<svg"),
        "{page}"
    );
    assert!(page.contains(">2024-01<"), "{page}");
}
