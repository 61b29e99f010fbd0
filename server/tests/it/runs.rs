//! Records of runs, their rows, and runs that did not end well.

use std::time::{Duration, Instant};

use crate::jobs::database;
use crate::world::{CONFIG, Reply, World};
use serde_json::{Value, json};

fn by_region() -> Value {
    json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "n", "agg": "count"}]})
}

#[tokio::test]
async fn a_run_keeps_its_whole_record() {
    let world = World::learned().await;
    let body = json!({"datasource_id": "shop", "now": "2024-04-01T12:00:00Z",
        "ir": {"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}],
               "filters": [{"field": "region", "op": "=", "value": "{{r}}"}]},
        "params": {"r": "north"}});
    let result = world.post("/v1/query").json(&body).send().await.expect(200);
    let id = result["run_id"].as_str().unwrap();
    let run = world.get(&format!("/v1/runs/{id}")).send().await.expect(200);
    for same in ["columns", "sql", "safety_report", "qa", "timings_ms", "params", "as_of", "now"] {
        assert_eq!(run[same], result[same], "{same}");
    }
    assert_eq!(run["status"], "completed");
    assert_eq!(run["now"], "2024-04-01T12:00:00Z");
    assert_eq!(run["ir"]["filters"][0]["value"], "north", "the IR is that after binding");
    assert_eq!(run["sample"], json!([{"n": 2}]));
    assert_eq!((&run["owner"], &run["error"]), (&json!("local"), &Value::Null));
    world.call("DELETE", &format!("/v1/runs/{id}")).send().await.problem(409, "not_running");
    world
        .get("/v1/runs/run_00000000000000000000000000000000")
        .send()
        .await
        .problem(404, "not_found");
    world.get("/v1/runs/nonsense").send().await.problem(404, "not_found");
}

#[tokio::test]
async fn rows_come_in_pages_or_whole() {
    let world = World::learned().await;
    let result = world.query(by_region()).await.expect(200);
    let rows = format!("/v1/runs/{}/rows", result["run_id"].as_str().unwrap());
    let first = world.get(&format!("{rows}?limit=2")).send().await.expect(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let rest = world.get(&format!("{rows}?cursor={next}")).send().await.expect(200);
    assert_eq!((&rest["items"][0], &rest["next"]), (&result["rows"][2], &Value::Null));
    let csv = world.get(&format!("{rows}?format=csv")).send().await;
    assert_eq!(csv.text(), "region,n\r\n'=cmd,1\r\nnorth,2\r\nsouth,2\r\n");
    world.get(&format!("{rows}?format=csv&limit=1")).send().await.problem(422, "invalid");
    world.get(&format!("{rows}?cursor=Zm9v")).send().await.problem(422, "invalid");
}

#[tokio::test]
async fn a_run_that_fails_is_recorded_with_its_problem() {
    let world = World::learned().await;
    let orders = world.folder.path().join("files/shop/orders.csv");
    let mut text = std::fs::read_to_string(&orders).unwrap();
    text.push_str("6,2024-03-02T10:00:00Z,west,1,not a number\n");
    std::fs::write(&orders, text).unwrap();
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "s", "agg": "sum", "field": "amount"}]});
    let body = json!({"def": {"version": "1", "ir": ir}, "datasource_id": "shop"});
    world.post("/v1/reports").json(&json!({"key": "r", "title": "R"})).send().await.expect(201);
    world.post("/v1/reports/r/versions").json(&body).send().await.expect(201);
    let problem = world.post("/v1/reports/r/run").send().await.problem(422, "source_error");
    assert!(problem["detail"].as_str().unwrap().contains("orders.csv"), "{problem}");
    let runs = world.get("/v1/reports/r/runs").send().await.expect(200);
    let id = runs["items"][0]["run_id"].as_str().unwrap();
    let run = world.get(&format!("/v1/runs/{id}")).send().await.expect(200);
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("failed"), &json!("source_error")));
    assert!(run["finished_at"].is_string());
    world.get(&format!("/v1/runs/{id}/rows")).send().await.problem(404, "not_found");
    // The service lives on.
    world.get("/healthz").send().await.expect(200);
}

#[tokio::test]
async fn what_a_dead_process_left_running_is_failed_at_the_next_start() {
    let world = World::learned().await;
    let result = world.query(by_region()).await.expect(200);
    let id = result["run_id"].as_str().unwrap().to_owned();
    // As a process that was killed would leave it.
    let file = format!("sqlite://{}", world.folder.path().join("air.db").display());
    let pool = sqlx::SqlitePool::connect(&file).await.unwrap();
    let changed = sqlx::query(
        "UPDATE report_runs SET status = 'running', finished_at = NULL, process_id = ? WHERE id = ?",
    )
    .bind(format!("proc_{}", "0".repeat(32)))
    .bind(&id)
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(changed.rows_affected(), 1);
    pool.close().await;
    let path = format!("/v1/runs/{id}");
    assert_eq!(world.get(&path).send().await.expect(200)["status"], "running");
    world.get(&format!("{path}/rows")).send().await.problem(409, "not_finished");

    let world = world.restarted().await;
    let run = world.get(&path).send().await.expect(200);
    assert_eq!(run["status"], "failed");
    assert!(run["error"]["detail"].as_str().unwrap().contains("stopped"), "{run}");
}

#[tokio::test]
async fn a_running_run_is_cancelled_once() {
    let world = World::learned().await;
    let result = world.query(by_region()).await.expect(200);
    let id = result["run_id"].as_str().unwrap().to_owned();
    let file = format!("sqlite://{}", world.folder.path().join("air.db").display());
    let pool = sqlx::SqlitePool::connect(&file).await.unwrap();
    sqlx::query("UPDATE report_runs SET status = 'running', finished_at = NULL WHERE id = ?")
        .bind(&id)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let path = format!("/v1/runs/{id}");
    let cancelled = world.call("DELETE", &path).send().await.expect(202);
    assert_eq!(cancelled["status"], "cancelled");
    world.call("DELETE", &path).send().await.problem(409, "not_running");
}

/// Asks for a run until it is as wanted.
async fn until(world: &World, path: &str, wanted: impl Fn(&Reply) -> bool) -> Reply {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = world.get(path).send().await;
        if wanted(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time: {}", found.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_run_that_nobody_works_on_ends_while_the_service_lives() {
    let world = World::learned().await;
    let result = world.query(by_region()).await.expect(200);
    let id = result["run_id"].as_str().unwrap().to_owned();
    // As a request leaves it whose time is over between its rows and its record.
    let pool = database(&world).await;
    sqlx::query("UPDATE report_runs SET status = 'running', finished_at = NULL WHERE id = ?")
        .bind(&id)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let path = format!("/v1/runs/{id}");
    let run = until(&world, &path, |run| run.json()["status"] != "running").await.expect(200);
    assert_eq!((&run["status"], &run["error"]["code"]), (&json!("failed"), &json!("unavailable")));
    assert!(run["error"]["detail"].as_str().unwrap().contains("run it again"), "{run}");
    world.call("DELETE", "/v1/datasources/shop").send().await.expect(204);
}

#[tokio::test]
async fn rows_go_after_their_retention_and_the_record_stays() {
    let config = format!("{CONFIG}execution: {{snapshot_retention: 1s}}\n");
    let world = World::with(false, &config).await;
    world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    let result = world.query(by_region()).await.expect(200);
    let id = result["run_id"].as_str().unwrap();
    let run = format!("/v1/runs/{id}");
    let gone = until(&world, &format!("{run}/rows"), |rows| rows.status == 404).await;
    let gone = gone.problem(404, "not_found");
    assert!(gone["detail"].as_str().unwrap().contains("execution.snapshot_retention"), "{gone}");
    let file = world.folder.path().join(format!("snapshots/{id}.parquet"));
    let deadline = Instant::now() + Duration::from_secs(30);
    while file.exists() {
        assert!(Instant::now() < deadline, "the file stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let kept = world.get(&run).send().await.expect(200);
    assert_eq!((&kept["row_count"], &kept["sample"]), (&json!(3), &result["rows"]));
    let body = json!({"run_id": id});
    let refused = world.post("/v1/process/analyze").json(&body).send().await;
    refused.problem(404, "not_found");
}

#[tokio::test]
async fn a_record_goes_after_its_retention_and_not_before_its_rows() {
    let world = World::learned().await;
    let run = async |ir: Value| {
        let ran = world.query(ir).await.expect(200);
        ran["run_id"].as_str().unwrap().to_owned()
    };
    let kept = run(by_region()).await;
    world.post(&format!("/v1/runs/{kept}/analyze")).send().await.expect(200);
    let total = json!({"name": "s", "agg": "sum", "field": "amount"});
    let other = run(json!({"entities": ["orders"], "metrics": [total]})).await;
    sqlx::query("UPDATE report_runs SET snapshot_file = NULL WHERE id = ?")
        .bind(&other)
        .execute(&database(&world).await)
        .await
        .unwrap();
    let restarted = async |world: World, rows: &str| {
        let keep = format!("execution: {{snapshot_retention: {rows}, run_retention: 1s}}\n");
        let config = format!("{CONFIG}{keep}");
        std::fs::write(world.folder.path().join("config.yaml"), config).unwrap();
        world.restarted().await
    };
    // Once the younger record is gone, the older could be too, but its rows are there.
    let world = restarted(world, "1000h").await;
    until(&world, &format!("/v1/runs/{other}"), |run| run.status == 404).await;
    world.get(&format!("/v1/runs/{kept}/rows")).send().await.expect(200);
    let world = restarted(world, "1s").await;
    until(&world, &format!("/v1/runs/{kept}"), |run| run.status == 404).await;
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM report_samples WHERE run_id = ?1)
             + (SELECT count(*) FROM report_analyses WHERE run_id = ?1)",
    )
    .bind(&kept)
    .fetch_one(&database(&world).await)
    .await
    .unwrap();
    assert_eq!(left, 0, "its sample and analyses go with it");
}

#[tokio::test]
async fn a_new_row_is_there_at_the_next_run() {
    let world = World::learned().await;
    let orders = world.folder.path().join("files/shop/orders.csv");
    let mut text = std::fs::read_to_string(&orders).unwrap();
    text.push_str("6,2024-03-02T10:00:00Z,west,1,1.00\n");
    std::fs::write(&orders, text).unwrap();
    assert_eq!(world.query(by_region()).await.expect(200)["row_count"], 4);
}

#[tokio::test]
async fn an_analysis_by_rules_is_kept_with_the_run() {
    let world = World::learned().await;
    let result = world.query(by_region()).await.expect(200);
    let run = format!("/v1/runs/{}", result["run_id"].as_str().unwrap());
    let analyze = format!("{run}/analyze");
    let done = world.post(&analyze).send().await.expect(200);
    let text = done["analysis_md"].as_str().unwrap();
    assert!(text.starts_with("**The result has 3 rows.**"), "{text}");
    assert!(text.contains("n is highest with 2 (region north)"), "{text}");
    assert_eq!((&done["model_used"], &done["refused"]), (&Value::Null, &json!([])));
    assert_eq!(done["verdict"]["checks"], result["qa"]["checks"]);
    let kept = world.get(&run).send().await.expect(200);
    assert_eq!(kept["qa"]["analysis_md"], done["analysis_md"]);
    world.post(&analyze).json(&json!({"model": "x"})).send().await.problem(422, "invalid");
    let openai = json!({"provider": "openai"});
    world.post(&analyze).json(&openai).send().await.problem(422, "provider_unavailable");
    let none = "/v1/runs/run_00000000000000000000000000000000/analyze";
    world.post(none).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn the_rows_behind_a_row_are_a_run_of_their_own() {
    let world = World::learned().await;
    let ir = json!({"entities": ["orders"],
        "dimensions": ["region", {"name": "month", "field": "placed_at", "grain": "month"}],
        "metrics": [{"name": "n", "agg": "count"}, {"name": "total", "agg": "sum", "field": "amount"}],
        "filters": [{"field": "placed_at", "op": "during", "value": "this year"}]});
    let body = json!({"datasource_id": "shop", "ir": ir, "now": "2024-02-20T00:00:00Z"});
    let run = world.post("/v1/query").json(&body).send().await.expect(200);
    let path = format!("/v1/runs/{}/drill", run["run_id"].as_str().unwrap());
    let drill = |body: Value| world.post(&path).json(&body).send();
    let rows = run["rows"].as_array().unwrap();
    for (index, row) in rows.iter().enumerate() {
        let by_row = drill(json!({"row": row})).await.expect(200);
        let by_index = drill(json!({"index": index})).await.expect(200);
        assert_eq!(by_row["rows"], by_index["rows"]);
        assert_ne!(by_row["run_id"], run["run_id"]);
        assert_eq!(by_row["now"], run["now"], "this year is the year of the run");
        let behind = by_row["rows"].as_array().unwrap();
        assert_eq!(json!(behind.len()), row["n"], "{by_row}");
        assert!(behind.iter().all(|one| one["region"] == row["region"] && one["id"].is_i64()));
    }
    // Fewer dimensions, fewer rows, other formats, and as a job.
    let north = drill(json!({"row": {"region": "north"}})).await.expect(200);
    assert_eq!(north["rows"].as_array().unwrap().len(), 2);
    let one = drill(json!({"row": {"region": "north"}, "limit": 1, "metric": "total"})).await;
    let one = one.expect(200);
    assert_eq!((one["rows"].as_array().unwrap().len(), &one["truncated"]), (1, &json!(true)));
    let csv = world.post(&format!("{path}?format=csv")).json(&json!({"index": 0})).send().await;
    assert!(csv.text().contains("customer_id"), "{}", csv.text());
    let job = world.post(&path).json(&json!({"index": 0})).header("prefer", "respond-async");
    job.send().await.expect(202);
}

#[tokio::test]
async fn what_has_no_rows_behind_it_is_said() {
    let world = World::learned().await;
    let ir = json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "n", "agg": "count"}], "top": {"n": 1, "by": "n", "other": true}});
    let run = world.query(ir).await.expect(200);
    let path = format!("/v1/runs/{}/drill", run["run_id"].as_str().unwrap());
    let drill = |body: Value| world.post(&path).json(&body).send();
    let rest = run["rows"].as_array().unwrap().iter().position(|row| row["is_other"] == true);
    drill(json!({"index": rest.unwrap()})).await.problem(422, "invalid");
    let unknown = drill(json!({"row": {"regoin": "north"}})).await.problem(422, "invalid");
    assert_eq!(unknown["errors"][0]["pointer"], "/row/regoin");
    drill(json!({"row": {"region": "north"}, "metric": "m"})).await.problem(422, "invalid");
    let beyond = drill(json!({"index": 99})).await.problem(422, "invalid");
    assert_eq!(beyond["errors"][0]["pointer"], "/index");
    drill(json!({})).await.problem(422, "invalid");
    drill(json!({"index": 0, "row": {}})).await.problem(422, "invalid");

    let sql = json!({"datasource_id": "shop", "sql": "select count(*) as n from orders"});
    let run = world.post("/v1/query").json(&sql).send().await.expect(200);
    let path = format!("/v1/runs/{}/drill", run["run_id"].as_str().unwrap());
    world.post(&path).json(&json!({"index": 0})).send().await.problem(422, "unsupported");
    let none = "/v1/runs/run_0192f0c17a6b70008000000000000001/drill";
    world.post(none).json(&json!({"index": 0})).send().await.problem(404, "not_found");
}
