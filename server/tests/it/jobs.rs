//! Jobs: asked for, followed, ended, cancelled, and taken up again.

use std::time::{Duration, Instant};

use crate::world::World;
use serde_json::{Value, json};

const CONFIG: &str = "\
files: {base_path: files}
analytics_sources:
  - {id: shop, kind: files, base_path: files/shop, default: true, display_name: The shop}
  - {id: gone, kind: postgres, dsn: 'postgres://reader@127.0.0.1:1/none?sslmode=disable'}
connectors: {connect_timeout: 1s}
";

pub(crate) async fn database(world: &World) -> sqlx::SqlitePool {
    let file = format!("sqlite://{}", world.folder.path().join("air.db").display());
    sqlx::SqlitePool::connect(&file).await.unwrap()
}

/// Asks for a job until it is as wanted.
pub(crate) async fn until(world: &World, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = world.get(&format!("/v1/jobs/{job}")).send().await.expect(200);
        if wanted(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn over(job: &Value) -> bool {
    !["queued", "running"].contains(&job["status"].as_str().unwrap())
}

fn id(accepted: &Value) -> &str {
    accepted["job_id"].as_str().unwrap()
}

fn by_region() -> Value {
    json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "total", "agg": "sum", "field": "amount"}]})
}

pub(crate) async fn saved(world: &World, key: &str, ir: Value) {
    world.post("/v1/reports").json(&json!({"key": key, "title": key})).send().await.expect(201);
    let body = json!({"def": {"version": "1", "ir": ir}, "datasource_id": "shop"});
    world.post(&format!("/v1/reports/{key}/versions")).json(&body).send().await.expect(201);
}

async fn learned() -> World {
    let world = World::with(false, CONFIG).await;
    world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    world
}

#[tokio::test]
async fn a_query_becomes_a_job_where_that_is_preferred() {
    let world = World::learned().await;
    let body = json!({"datasource_id": "shop", "ir": by_region()});
    let reply =
        world.post("/v1/query").header("prefer", "wait=5, respond-async").json(&body).send().await;
    assert_eq!(reply.header("preference-applied"), "respond-async");
    assert_eq!(reply.header("retry-after"), "1");
    let location = reply.header("location").to_owned();
    let accepted = reply.expect(202);
    assert_eq!(accepted["job_url"], location.as_str());
    assert_eq!((&accepted["kind"], &accepted["status"]), (&json!("query"), &json!("queued")));
    assert_eq!(accepted["websocket_channel"], format!("process/{}", id(&accepted)));
    let job = until(&world, id(&accepted), over).await;
    assert_eq!((&job["status"], &job["progress"]), (&json!("completed"), &json!(100)), "{job}");
    assert_eq!(job["result"]["row_count"], 3);
    assert!(job["input"]["request"]["now"].is_string(), "now is that of the request");
    assert_eq!(job["attempt_log"][0]["outcome"], "completed");
    assert_eq!(job["run_ids"], json!([job["result"]["run_id"]]));
    let run = world.get(job["result"]["run_url"].as_str().unwrap()).send().await.expect(200);
    assert_eq!((&run["status"], &run["job_id"]), (&json!("completed"), &accepted["job_id"]));
    let rows = world.get(job["result"]["rows_url"].as_str().unwrap()).send().await.expect(200);
    assert_eq!(rows["items"].as_array().unwrap().len(), 3);

    // Another preference is none that is known.
    let other = world.post("/v1/query").header("prefer", "return=minimal").json(&body);
    other.send().await.expect(200);
    // What is wrong is told at once.
    let wrong = json!({"datasource_id": "shop", "ir": {"entities": ["orders"], "metricss": []}});
    let reply = world.post("/v1/query").header("prefer", "respond-async").json(&wrong).send().await;
    reply.problem(422, "invalid");
    let jobs = world.get("/v1/jobs").send().await.expect(200);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_job_is_a_200_that_holds_the_problem() {
    let world = World::learned().await;
    saved(&world, "totals", by_region()).await;
    std::fs::remove_file(world.folder.path().join("files/shop/orders.csv")).unwrap();
    let reply = world.post("/v1/reports/totals/run").header("prefer", "respond-async").send().await;
    let accepted = reply.expect(202);
    let job = until(&world, id(&accepted), over).await;
    assert_eq!((&job["status"], &job["result"]), (&json!("failed"), &Value::Null));
    assert_eq!(job["error"]["code"], "source_error", "{job}");
    assert_eq!(job["attempt_log"][0]["outcome"], "failed");
    world
        .call("DELETE", &format!("/v1/jobs/{}", id(&accepted)))
        .send()
        .await
        .problem(409, "not_running");
    world
        .post("/v1/reports/none/run")
        .header("prefer", "respond-async")
        .send()
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn a_key_makes_one_job() {
    let world = World::learned().await;
    let body = json!({"datasource_id": "shop", "ir": by_region()});
    let mut ids = Vec::new();
    for _ in 0..2 {
        let call = world.post("/v1/query").header("prefer", "respond-async");
        let reply = call.header("idempotency-key", "one").json(&body).send().await;
        assert_eq!(reply.header("retry-after"), "1");
        ids.push(reply.expect(202)["job_id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    let call = world.post("/v1/query").header("idempotency-key", "one").json(&body);
    call.send().await.problem(422, "idempotency_mismatch");
}

#[tokio::test]
async fn sources_are_learned_by_jobs() {
    let world = World::with(false, CONFIG).await;
    let reply =
        world.post("/v1/learn?datasource_id=shop").header("prefer", "respond-async").send().await;
    let accepted = reply.expect(202);
    assert_eq!(accepted["websocket_channel"], format!("learn/{}", id(&accepted)));
    let job = until(&world, id(&accepted), over).await;
    assert_eq!(job["result"]["datasource_id"], "shop", "{job}");
    assert_eq!(job["result"]["tables"], 2);
    world.get("/v1/catalog/shop").send().await.expect(200);

    let both = json!({"datasource_ids": ["shop", "gone"], "options": {"deep": true}});
    let accepted = world.post("/v1/process/learn").json(&both).send().await.expect(202);
    let job = until(&world, id(&accepted), over).await;
    let items = &job["result"]["items"];
    assert_eq!((&items[0]["status"], &items[1]["status"]), (&json!("completed"), &json!("failed")));
    assert_eq!(items[1]["error"]["code"], "source_unavailable", "{items}");

    let wrong = json!({"datasource_ids": ["shop", "shop", "none"]});
    let problem = world.post("/v1/process/learn").json(&wrong).send().await.problem(422, "invalid");
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/datasource_ids/1", "/datasource_ids/2"]);
}

#[tokio::test]
async fn one_report_that_fails_takes_no_other_with_it() {
    let world = World::learned().await;
    saved(&world, "totals", by_region()).await;
    let body = json!({"datasource_id": "shop", "reports": [
        {"key": "totals"},
        {"key": "none"},
        {"key": "totals", "params": {"colour": "red"}},
        {"key": "totals", "version": 1, "now": "2024-04-01T00:00:00Z"},
    ]});
    let accepted = world.post("/v1/process/bulk-reports").json(&body).send().await.expect(202);
    let job = until(&world, id(&accepted), over).await;
    assert_eq!(job["status"], "completed");
    let result = &job["result"];
    assert_eq!((&result["completed"], &result["failed"]), (&json!(2), &json!(2)), "{result}");
    let codes: Vec<_> =
        result["items"].as_array().unwrap().iter().map(|item| &item["error"]["code"]).collect();
    assert_eq!(codes, [&Value::Null, &json!("not_found"), &json!("invalid"), &Value::Null]);
    let last = &result["items"][3]["run"];
    let run = world.get(last["run_url"].as_str().unwrap()).send().await.expect(200);
    assert_eq!((&run["now"], &run["row_count"]), (&json!("2024-04-01T00:00:00Z"), &json!(3)));
    for wrong in [
        json!({"reports": []}),
        json!({"reports": [{"key": "totals", "now": "soon"}]}),
        json!({"reports": [{"params": {}}]}),
    ] {
        world.post("/v1/process/bulk-reports").json(&wrong).send().await.problem(422, "invalid");
    }
}

#[tokio::test]
async fn a_source_and_a_run_are_analyzed() {
    let world = World::learned().await;
    let body = json!({"datasource_id": "shop", "scope": "Orders", "options": {"trends": false}});
    let accepted = world.post("/v1/process/analyze").json(&body).send().await.expect(202);
    let job = until(&world, id(&accepted), over).await;
    let tables = job["result"]["tables"].as_array().unwrap_or_else(|| panic!("{job}"));
    let orders = tables.iter().find(|table| table["table"] == "orders").unwrap();
    assert_eq!(orders["rows"], 5, "{orders}");
    let column = |table: &Value, name: &str| {
        let columns = table["columns"].as_array().unwrap();
        columns.iter().find(|column| column["name"] == name).unwrap().clone()
    };
    let amount = column(orders, "amount");
    assert_eq!((&amount["values"], &amount["nulls"]), (&json!(5), &json!(0)));
    assert_eq!((&amount["min"], &amount["max"]), (&json!("5.25"), &json!("100.00")));
    assert_eq!(amount["mean"], 28.55);
    assert_eq!(column(orders, "region")["distinct"], 3);
    assert!(orders["run_ids"][0].is_string(), "each figure is of a run");
    let text = job["result"]["analysis_md"].as_str().unwrap();
    assert!(text.contains("# Analysis of Orders") && text.contains("| amount |"), "{text}");
    assert_eq!(job["result"]["eda"]["status"], "off");
    let missing = json!(["profile", "correlations", "outliers", "drift"]);
    assert_eq!(job["result"]["eda"]["missing"], missing);

    let run = world.query(by_region()).await.expect(200);
    let body = json!({"run_id": run["run_id"]});
    let accepted = world.post("/v1/process/analyze").json(&body).send().await.expect(202);
    let job = until(&world, id(&accepted), over).await;
    let rows = &job["result"]["tables"][0];
    assert_eq!(
        (&rows["rows"], &column(rows, "region")["distinct"]),
        (&json!(3), &json!(3)),
        "{job}"
    );
    assert!(!rows["checks"].as_array().unwrap().is_empty());

    let refused = [
        (json!({"datasource_id": "shop", "tables": ["ordrs"]}), 422, "invalid"),
        (json!({"datasource_id": "none"}), 404, "not_found"),
        (json!({"run_id": "run_00000000000000000000000000000000"}), 404, "not_found"),
        (json!({"run_id": run["run_id"], "tables": ["orders"]}), 422, "invalid"),
        (json!({}), 422, "invalid"),
    ];
    for (body, status, code) in refused {
        world.post("/v1/process/analyze").json(&body).send().await.problem(status, code);
    }
}

#[tokio::test]
async fn another_users_jobs_are_not_there() {
    let world = World::new().await;
    let learn = "/v1/learn?datasource_id=shop";
    world.as_user("eva", "editor", "POST", learn).send().await.expect(200);
    let body = json!({"datasource_id": "shop", "ir": by_region()});
    let call =
        world.as_user("ann", "viewer", "POST", "/v1/query").header("prefer", "respond-async");
    let accepted = call.json(&body).send().await.expect(202);
    let path = accepted["job_url"].as_str().unwrap();
    for method in ["GET", "DELETE"] {
        world.as_user("bob", "viewer", method, path).send().await.problem(404, "not_found");
    }
    world.as_user("ann", "viewer", "GET", path).send().await.expect(200);
    world.as_user("adm", "admin", "GET", path).send().await.expect(200);
    for (user, role, count) in [("bob", "viewer", 0), ("ann", "viewer", 1), ("adm", "admin", 1)] {
        let list = world.as_user(user, role, "GET", "/v1/jobs").send().await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{user}");
    }
    let process = json!({"datasource_ids": ["shop"]});
    let call = world.as_user("ann", "viewer", "POST", "/v1/process/learn").json(&process);
    call.send().await.problem(403, "forbidden");
    // Nor is another's run, which a job would read.
    let run =
        world.as_user("ann", "viewer", "POST", "/v1/query").json(&body).send().await.expect(200);
    let body = json!({"run_id": run["run_id"]});
    let call = world.as_user("bob", "viewer", "POST", "/v1/process/analyze").json(&body);
    call.send().await.problem(404, "not_found");
}

#[tokio::test]
async fn jobs_are_listed_by_status_and_kind() {
    let world = World::learned().await;
    let body = json!({"datasource_id": "shop", "ir": by_region()});
    let call = world.post("/v1/query").header("prefer", "respond-async").json(&body);
    let accepted = call.send().await.expect(202);
    until(&world, id(&accepted), over).await;
    for (query, count) in [
        ("?status=completed", 1),
        ("?status=failed", 0),
        ("?kind=query", 1),
        ("?kind=bulk_reports", 0),
        ("?schedule_id=sched_00000000000000000000000000000000", 0),
    ] {
        let list = world.get(&format!("/v1/jobs{query}")).send().await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{query}");
    }
    world.get("/v1/jobs?status=nonsense").send().await.problem(422, "invalid");
    world
        .get("/v1/jobs/job_00000000000000000000000000000000")
        .send()
        .await
        .problem(404, "not_found");
    world.call("DELETE", "/v1/jobs/nonsense").send().await.problem(404, "not_found");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_a_job_that_waits_is_cancelled_at_once() {
    let world = learned().await;
    let reply =
        world.post("/v1/learn?datasource_id=gone").header("prefer", "respond-async").send().await;
    let accepted = reply.expect(202);
    let waits = until(&world, id(&accepted), |job| {
        job["status"] == "queued" && job["attempts"].as_u64() >= Some(1)
    })
    .await;
    assert_eq!(waits["error"]["code"], "source_unavailable", "{waits}");
    assert!(waits["current_step"].as_str().unwrap().contains("try again"), "{waits}");
    assert_eq!(waits["attempt_log"][0]["outcome"], "retried");
    // It may begin again at any moment; cancelled it is either way.
    let path = format!("/v1/jobs/{}", id(&accepted));
    let asked = world.call("DELETE", &path).send().await.expect(202);
    assert!(asked["status"] == "cancelled" || asked["cancel_requested"] == true, "{asked}");
    let ended = until(&world, id(&accepted), over).await;
    assert_eq!(ended["status"], "cancelled");
    world.call("DELETE", &path).send().await.problem(409, "not_running");
}

#[tokio::test]
async fn a_job_of_a_dead_process_is_taken_up_again() {
    let world = World::learned().await;
    saved(&world, "totals", by_region()).await;
    let body = json!({"reports": [{"key": "totals"}, {"key": "totals"}]});
    let accepted = world.post("/v1/process/bulk-reports").json(&body).send().await.expect(202);
    let done = until(&world, id(&accepted), over).await;
    let first = done["result"]["items"][0].clone();
    // As a process that was killed after the first report would leave it.
    let pool = database(&world).await;
    let dead = format!("proc_{}", "0".repeat(32));
    sqlx::query(
        "UPDATE jobs SET status = 'running', claimed_by = ?, finished_at = NULL, progress = 50,
             result_json = NULL, checkpoint_json = ? WHERE id = ?",
    )
    .bind(&dead)
    .bind(json!([first]).to_string())
    .bind(id(&accepted))
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("UPDATE job_attempts SET ended_at = NULL, outcome = NULL, process_id = ?")
        .bind(&dead)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;

    let world = world.restarted().await;
    let job = until(&world, id(&accepted), over).await;
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(job["result"]["items"][0], first, "what was done is not done again");
    assert_ne!(job["result"]["items"][1], done["result"]["items"][1]);
    let outcomes: Vec<_> =
        job["attempt_log"].as_array().unwrap().iter().map(|a| &a["outcome"]).collect();
    assert_eq!(outcomes, ["lost", "completed"]);
}

#[tokio::test]
async fn an_analysis_goes_on_by_the_names_of_tables() {
    let world = World::learned().await;
    let body = json!({"datasource_id": "shop"});
    let accepted = world.post("/v1/process/analyze").json(&body).send().await.expect(202);
    let done = until(&world, id(&accepted), over).await;
    let tables = done["result"]["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 2, "{done}");
    // As a process leaves it that was killed after a table, before which another was learned.
    let last = tables[1].clone();
    let pool = database(&world).await;
    sqlx::query(
        "UPDATE jobs SET status = 'queued', finished_at = NULL, claimed_by = NULL,
             result_json = NULL, checkpoint_json = ? WHERE id = ?",
    )
    .bind(json!([last]).to_string())
    .bind(id(&accepted))
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let job = until(&world, id(&accepted), over).await;
    assert_eq!(job["status"], "completed", "{job}");
    let mut names: Vec<&str> = job["result"]["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["table"].as_str().unwrap())
        .collect();
    assert_eq!(job["result"]["tables"][0], last, "what was done is not done again");
    names.sort_unstable();
    assert_eq!(names, ["customers", "orders"], "each once");
}

/// What was told on a channel: the kinds, in their order.
async fn told(world: &World, channel: &str) -> Vec<String> {
    let pool = database(world).await;
    let told: Vec<(i64, String)> =
        sqlx::query_as("SELECT seq, kind FROM events WHERE channel = ? ORDER BY seq")
            .bind(channel)
            .fetch_all(&pool)
            .await
            .unwrap();
    pool.close().await;
    let numbers: Vec<i64> = told.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=i64::try_from(told.len()).unwrap()).collect::<Vec<_>>());
    told.into_iter().map(|(_, kind)| kind).filter(|kind| kind != "progress").collect()
}

#[tokio::test]
async fn each_change_is_told_on_its_channel() {
    let world = World::learned().await;
    saved(&world, "totals", by_region()).await;
    let run = async || {
        let call = world.post("/v1/reports/totals/run").header("prefer", "respond-async");
        let accepted = call.send().await.expect(202);
        until(&world, id(&accepted), over).await
    };
    let job = run().await;
    let channel = job["websocket_channel"].as_str().unwrap();
    assert_eq!(told(&world, channel).await, ["status", "status", "result"]);
    let channel = format!("run/{}", job["run_ids"][0].as_str().unwrap());
    assert_eq!(told(&world, &channel).await, ["status", "result"]);

    std::fs::remove_file(world.folder.path().join("files/shop/orders.csv")).unwrap();
    let job = run().await;
    let channel = job["websocket_channel"].as_str().unwrap();
    assert_eq!(told(&world, channel).await, ["status", "status", "error"]);
    let channel = format!("run/{}", job["run_ids"][0].as_str().unwrap());
    assert_eq!(told(&world, &channel).await, ["status", "error"]);
}

#[tokio::test]
async fn a_job_goes_after_its_retention_and_its_run_stays() {
    let config = format!("{CONFIG}execution: {{jobs: {{retention: 1ms}}}}\n");
    let world = World::with(false, &config).await;
    world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    let body = json!({"datasource_id": "shop", "ir": by_region()});
    let call = world.post("/v1/query").json(&body).header("prefer", "respond-async");
    let accepted = call.send().await.expect(202);
    let path = format!("/v1/jobs/{}", id(&accepted));
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = world.get(&path).send().await;
        if found.status.as_u16() == 404 {
            break;
        }
        assert!(Instant::now() < deadline, "it is still there: {}", found.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let runs: Vec<(String,)> = sqlx::query_as("SELECT status FROM report_runs")
        .fetch_all(&database(&world).await)
        .await
        .unwrap();
    assert_eq!(runs, [("completed".to_owned(),)]);
}
