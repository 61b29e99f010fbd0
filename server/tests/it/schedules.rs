//! Schedules: made, shown, changed, removed, and run.

use std::time::{Duration, Instant};

use crate::jobs::{database, saved, until};
use crate::world::World;
use serde_json::{Value, json};

fn since() -> Value {
    json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "placed_at", "op": ">=", "value": "{{from}}"}]})
}

/// A report with one parameter.
async fn with_report(world: &World) {
    world
        .post("/v1/reports")
        .json(&json!({"key": "recent", "title": "Recent"}))
        .send()
        .await
        .expect(201);
    let params = json!({"schema": {"type": "object", "required": ["from"],
        "properties": {"from": {"type": "string", "format": "date-time"}}}});
    let body =
        json!({"def": {"version": "1", "ir": since(), "params": params}, "datasource_id": "shop"});
    world.post("/v1/reports/recent/versions").json(&body).send().await.expect(201);
}

fn monthly() -> Value {
    json!({"report_key": "recent", "cron": "0 6 1 * *", "time_zone": "Europe/Berlin",
        "params": {"from": {"during": "previous month", "edge": "start"}}})
}

#[tokio::test]
async fn a_schedule_is_made_shown_changed_and_removed() {
    let world = World::learned().await;
    with_report(&world).await;
    let reply = world.post("/v1/schedules").json(&monthly()).send().await;
    let path = reply.header("location").to_owned();
    let made = reply.expect(201);
    assert_eq!(path, format!("/v1/schedules/{}", made["id"].as_str().unwrap()));
    assert_eq!((&made["name"], &made["misfire"]), (&json!("Recent"), &json!("run_once")));
    let next = made["next_runs"].as_array().unwrap();
    assert_eq!(next.len(), 5);
    let times: Vec<&str> = next.iter().map(|time| time.as_str().unwrap()).collect();
    assert!(times.iter().all(|time| time.contains("-01T06:00:00+0")), "{times:?}");
    assert!(times.is_sorted());
    assert_eq!(world.get(&path).send().await.expect(200), made);
    let list = world.get("/v1/schedules").send().await.expect(200);
    assert_eq!(list["items"], json!([made]));

    let change = json!({"enabled": false, "cron": "30 7 * * *", "version": 1, "name": "Daily"});
    let off = world.call("PATCH", &path).json(&change).send().await.expect(200);
    assert_eq!((&off["enabled"], &off["next_runs"]), (&json!(false), &json!([])));
    assert_eq!((&off["version"], &off["time_zone"]), (&json!(1), &json!("Europe/Berlin")));
    let change = json!({"enabled": true, "version": null});
    let on = world.call("PATCH", &path).json(&change).send().await.expect(200);
    assert_eq!((&on["version"], on["next_runs"].as_array().unwrap().len()), (&Value::Null, 5));
    assert!(on["next_runs"][0].as_str().unwrap().contains("T07:30:00"), "{on}");

    world.call("DELETE", &path).send().await.expect(204);
    world.get(&path).send().await.problem(404, "not_found");
    world.call("DELETE", &path).send().await.problem(404, "not_found");
    world.call("PATCH", &path).json(&change).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn a_schedule_that_could_not_run_is_refused() {
    let world = World::learned().await;
    with_report(&world).await;
    let with = |name: &str, value: Value| {
        let mut body = monthly();
        body[name] = value;
        body
    };
    let refused = [
        (with("cron", json!("0 0 0 * * *")), 422, "/cron"),
        (with("cron", json!("0 0 30 2 *")), 422, "/cron"),
        (with("time_zone", json!("Mars/Olympus")), 422, "/time_zone"),
        (with("params", json!({"from": {"during": "soon", "edge": "start"}})), 422, "/params/from"),
        (with("params", json!({})), 422, "/params/from"),
        (with("params", json!({"from": "2024-01-01T00:00:00Z", "to": 1})), 422, "/params/to"),
        (with("misfire", json!("panic")), 422, "/misfire"),
        (with("max_catch_up", json!(0)), 422, "/max_catch_up"),
    ];
    for (body, status, pointer) in refused {
        let reply = world.post("/v1/schedules").json(&body).send().await;
        let problem = reply.problem(status, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let body = with("report_key", json!("none"));
    world.post("/v1/schedules").json(&body).send().await.problem(404, "not_found");
    let made = world.post("/v1/schedules").json(&monthly()).send().await.expect(201);
    let path = format!("/v1/schedules/{}", made["id"].as_str().unwrap());
    world.call("PATCH", &path).json(&json!({})).send().await.problem(422, "invalid");
    let wrong = json!({"cron": "never"});
    world.call("PATCH", &path).json(&wrong).send().await.problem(422, "invalid");
}

#[tokio::test]
async fn schedules_are_the_editors_own() {
    let world = World::new().await;
    let learn = "/v1/learn?datasource_id=shop";
    world.as_user("eva", "editor", "POST", learn).send().await.expect(200);
    let new = json!({"key": "all", "title": "All"});
    world.as_user("eva", "editor", "POST", "/v1/reports").json(&new).send().await.expect(201);
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]});
    let def = json!({"def": {"version": "1", "ir": ir}, "datasource_id": "shop"});
    let versions = "/v1/reports/all/versions";
    world.as_user("eva", "editor", "POST", versions).json(&def).send().await.expect(201);
    let body = json!({"report_key": "all", "cron": "@daily"});
    let call = world.as_user("eva", "editor", "POST", "/v1/schedules").json(&body);
    let made = call.send().await.expect(201);
    let path = format!("/v1/schedules/{}", made["id"].as_str().unwrap());
    let change = json!({"enabled": false});
    for method in ["GET", "PATCH", "DELETE"] {
        let call = world.as_user("ned", "editor", method, &path);
        let call = if method == "PATCH" { call.json(&change) } else { call };
        call.send().await.problem(404, "not_found");
        let call = world.as_user("vic", "viewer", method, &path);
        let call = if method == "PATCH" { call.json(&change) } else { call };
        call.send().await.problem(403, "forbidden");
    }
    let list = world.as_user("ned", "editor", "GET", "/v1/schedules").send().await.expect(200);
    assert_eq!(list["items"], json!([]));
    world.as_user("vic", "viewer", "GET", "/v1/schedules").send().await.problem(403, "forbidden");
    let call = world.as_user("vic", "viewer", "POST", "/v1/schedules").json(&body);
    call.send().await.problem(403, "forbidden");
    let seen = world.as_user("adm", "admin", "GET", &path).send().await.expect(200);
    assert_eq!(seen["owner"], "eva");
}

/// Turns a schedule back, as a service that was away finds it.
async fn missed(world: &World, schedule: &Value, next: &str) {
    let pool = database(world).await;
    let changed = sqlx::query("UPDATE schedules SET next_at = ? WHERE id = ?")
        .bind(next)
        .bind(schedule["id"].as_str().unwrap())
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 1);
    pool.close().await;
}

/// The jobs of a schedule, once there are so many.
async fn jobs(world: &World, schedule: &Value, count: usize) -> Vec<Value> {
    let path = format!("/v1/jobs?schedule_id={}", schedule["id"].as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let list = world.get(&path).send().await.expect(200);
        let items = list["items"].as_array().unwrap();
        if items.len() >= count {
            return items.clone();
        }
        assert!(Instant::now() < deadline, "not in time: {list}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_was_missed_is_run_for_its_own_moment() {
    let world = World::learned().await;
    with_report(&world).await;
    let mut body = monthly();
    body["misfire"] = json!("run_all");
    body["max_catch_up"] = json!(2);
    let made = world.post("/v1/schedules").json(&body).send().await.expect(201);
    missed(&world, &made, "2024-01-01T05:00:00.000000Z").await;
    let found = jobs(&world, &made, 2).await;
    assert_eq!(found.len(), 2, "the latest two of more than twenty");
    let mut moments = Vec::new();
    for job in &found {
        let job =
            until(&world, job["job_id"].as_str().unwrap(), |job| job["finished_at"].is_string())
                .await;
        assert_eq!(job["status"], "completed", "{job}");
        let run = world.get(job["result"]["run_url"].as_str().unwrap()).send().await.expect(200);
        let moment: jiff::Timestamp = job["scheduled_for"].as_str().unwrap().parse().unwrap();
        let now: jiff::Timestamp = run["now"].as_str().unwrap().parse().unwrap();
        assert_eq!(now, moment, "it counts from the moment it was scheduled for");
        // The start of the month before, in Berlin.
        let from: jiff::Timestamp = run["params"]["from"].as_str().unwrap().parse().unwrap();
        let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let date = |at: jiff::Timestamp| at.to_zoned_datetime(berlin.clone());
        assert_eq!(date(from).day(), 1);
        assert_eq!(date(from).hour(), 0);
        let months =
            |at: jiff::Timestamp| i32::from(date(at).year()) * 12 + i32::from(date(at).month());
        assert_eq!(months(moment) - months(from), 1);
        moments.push(moment);
    }
    moments.dedup();
    assert_eq!(moments.len(), 2);
    let path = format!("/v1/schedules/{}", made["id"].as_str().unwrap());
    let shown = world.get(&path).send().await.expect(200);
    assert_eq!(shown["last_job_id"], found[0]["job_id"]);
    assert_eq!(shown["next_runs"], made["next_runs"], "and then it goes on as before");
}

#[tokio::test]
async fn a_schedule_that_cannot_be_run_is_turned_off_and_says_why() {
    let world = World::learned().await;
    with_report(&world).await;
    let made = world.post("/v1/schedules").json(&monthly()).send().await.expect(201);
    assert_eq!(made["problem"], Value::Null);
    // A zone that this version no longer knows.
    let pool = database(&world).await;
    sqlx::query("UPDATE schedules SET time_zone = 'Mars/Base', next_at = ? WHERE id = ?")
        .bind("2024-01-01T05:00:00.000000Z")
        .bind(made["id"].as_str().unwrap())
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let path = format!("/v1/schedules/{}", made["id"].as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(30);
    let off = loop {
        let shown = world.get(&path).send().await.expect(200);
        if shown["enabled"] == false {
            break shown;
        }
        assert!(Instant::now() < deadline, "it stays on: {shown}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(off["problem"].as_str().unwrap().contains("Mars/Base"), "{off}");
    let mended = json!({"enabled": true, "time_zone": "Europe/Berlin"});
    let on = world.call("PATCH", &path).json(&mended).send().await.expect(200);
    assert_eq!((&on["enabled"], &on["problem"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn what_was_missed_is_skipped_where_that_is_wanted() {
    let world = World::learned().await;
    saved(
        &world,
        "all",
        json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]}),
    )
    .await;
    let new = |misfire: &str| json!({"report_key": "all", "cron": "0 6 1 1 *", "misfire": misfire});
    let skips = world.post("/v1/schedules").json(&new("skip")).send().await.expect(201);
    let runs = world.post("/v1/schedules").json(&new("run_once")).send().await.expect(201);
    // The one that skips comes first, so that it was looked at when the other has its job.
    missed(&world, &skips, "2019-01-01T06:00:00.000000Z").await;
    missed(&world, &runs, "2020-01-01T06:00:00.000000Z").await;
    assert_eq!(jobs(&world, &runs, 1).await.len(), 1);
    let path = format!("/v1/jobs?schedule_id={}", skips["id"].as_str().unwrap());
    let list = world.get(&path).send().await.expect(200);
    assert_eq!(list["items"], json!([]));
    let path = format!("/v1/schedules/{}", skips["id"].as_str().unwrap());
    let shown = world.get(&path).send().await.expect(200);
    assert_eq!((&shown["next_runs"], &shown["last_run"]), (&skips["next_runs"], &Value::Null));
}
