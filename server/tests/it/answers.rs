//! Answers of an age: given again where they were asked for, to whom the same is shown.

use crate::world::{CONFIG, Reply, World};
use serde_json::{Value, json};

fn by_region() -> Value {
    json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "n", "agg": "count"}]})
}

async fn query(world: &World, body: Value) -> Reply {
    let mut whole = json!({"datasource_id": "shop", "ir": by_region()});
    for (name, value) in body.as_object().unwrap() {
        whole[name] = value.clone();
    }
    world.post("/v1/query").json(&whole).send().await
}

/// One more order of a region of its own.
fn add_order(world: &World, id: u32) {
    let file = world.folder.path().join("files/shop/orders.csv");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(&format!("{id},2024-03-02T10:00:00Z,region{id},1,1.00\n"));
    std::fs::write(&file, text).unwrap();
}

#[tokio::test]
async fn an_answer_is_given_again_where_an_age_is_asked_for() {
    let world = World::learned().await;
    let first = query(&world, json!({"max_age": 600})).await;
    assert_eq!((first.header("x-air-cached"), first.header("age")), ("false", ""));
    let first = first.expect(200);
    add_order(&world, 6);
    let again = query(&world, json!({"max_age": 600})).await;
    assert_eq!(again.header("x-air-cached"), "true");
    assert!(again.header("age").parse::<u64>().is_ok());
    let again = again.expect(200);
    assert_eq!((&again["rows"], &again["as_of"]), (&first["rows"], &first["as_of"]));
    assert_eq!((&first["cached"], &again["cached"]), (&json!(false), &json!(true)));
    assert_ne!(first["run_id"], again["run_id"], "each has a record of its own");
    let run = format!("/v1/runs/{}", again["run_id"].as_str().unwrap());
    assert_eq!(world.get(&run).send().await.expect(200)["status"], "completed");

    let fresh = query(&world, json!({})).await.expect(200);
    assert_eq!(
        fresh["rows"].as_array().unwrap().len(),
        first["rows"].as_array().unwrap().len() + 1
    );
    let none = query(&world, json!({"max_age": 0})).await.expect(200);
    assert_eq!((&none["cached"], &none["rows"]), (&json!(false), &fresh["rows"]));
    query(&world, json!({"max_age": 86_401})).await.problem(422, "invalid");
    query(&world, json!({"max_age": -1})).await.problem(422, "invalid");
}

async fn counted(world: &World, name: &str) -> u64 {
    let metrics = world.get("/metrics").send().await.text();
    let line = metrics.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn nothing_older_is_given_than_what_was_given_before() {
    let world = World::learned().await;
    query(&world, json!({})).await.expect(200);
    assert_eq!(counted(&world, "air_result_cache_entries").await, 0, "no age was asked for");
    let first = query(&world, json!({"max_age": 600})).await.expect(200);
    add_order(&world, 6);
    let fresh = query(&world, json!({})).await.expect(200);
    assert_ne!(fresh["rows"], first["rows"]);
    let again = query(&world, json!({"max_age": 600})).await.expect(200);
    assert_eq!((&again["cached"], &again["rows"]), (&json!(true), &fresh["rows"]));
    assert_eq!((&again["as_of"], &again["qa"]), (&fresh["as_of"], &fresh["qa"]));
    assert_eq!(counted(&world, "air_result_cache_entries").await, 1);
    // What was asked in another way is another question, and is not touched.
    let sql = json!({"datasource_id": "shop", "sql": "select count(*) as n from orders"});
    world.post("/v1/query").json(&sql).send().await.expect(200);
    assert_eq!(counted(&world, "air_result_cache_entries").await, 1);
}

#[tokio::test]
async fn a_fresh_answer_too_large_to_keep_puts_the_kept_one_out() {
    let config = format!("{CONFIG}execution: {{result_cache: 40KB}}\n");
    let world = World::with(false, &config).await;
    world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    query(&world, json!({"max_age": 600})).await.expect(200);
    assert_eq!(counted(&world, "air_result_cache_entries").await, 1);
    for id in 0..1_000 {
        add_order(&world, 10 + id);
    }
    let fresh = query(&world, json!({})).await.expect(200);
    assert!(fresh["rows"].as_array().unwrap().len() > 900);
    assert_eq!(counted(&world, "air_result_cache_entries").await, 0);
    let next = query(&world, json!({"max_age": 600})).await.expect(200);
    assert_eq!((&next["cached"], &next["rows"]), (&json!(false), &fresh["rows"]));
}

#[tokio::test]
async fn what_differs_is_another_question() {
    let world = World::learned().await;
    let now = "2024-03-15T00:00:00Z";
    let recent = |period: &str| {
        json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}],
            "filters": [{"field": "placed_at", "op": "during", "value": period}]})
    };
    let body = |ir: Value, now: &str| json!({"ir": ir, "now": now, "max_age": 600});
    let first = query(&world, body(recent("this month"), now)).await.expect(200);
    let same = query(&world, body(recent("this month"), "2024-03-15T00:09:00Z")).await.expect(200);
    assert_eq!((&same["cached"], &same["rows"]), (&json!(true), &first["rows"]));
    for (ir, now) in [
        (recent("this month"), "2024-02-15T00:00:00Z"),
        (recent("this year"), now),
        (recent("2024-01"), now),
    ] {
        let other = query(&world, body(ir, now)).await.expect(200);
        assert_eq!(other["cached"], false);
        assert_ne!(other["rows"], first["rows"]);
    }
    let mut limited = by_region();
    limited["limit"] = json!(1);
    query(&world, json!({"max_age": 600})).await.expect(200);
    let cut = query(&world, json!({"ir": limited, "max_age": 600})).await.expect(200);
    assert_eq!((&cut["cached"], &cut["truncated"]), (&json!(false), &json!(true)));
    // A source that was learned again, or changed, is another one.
    let patch = json!({"display_name": "Another"});
    world.call("PATCH", "/v1/datasources/shop").json(&patch).send().await.expect(200);
    let changed = query(&world, json!({"max_age": 600})).await.expect(200);
    assert_eq!(changed["cached"], false);
}

#[tokio::test]
async fn a_verdict_is_not_given_again_at_another_time() {
    let world = World::learned().await;
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "placed_at", "op": ">=", "value": "2024-01-01"},
                    {"field": "placed_at", "op": "<", "value": "2024-03-01"}]});
    let body = |now: &str| json!({"ir": ir, "now": now, "max_age": 600});
    let then = query(&world, body("2024-02-10T00:00:00Z")).await.expect(200);
    // Nothing of the plan depends on when it is asked; how fresh its rows are does.
    let later = query(&world, body("2026-03-02T00:00:00Z")).await.expect(200);
    assert_eq!((&later["cached"], &later["rows"]), (&json!(false), &then["rows"]));
    assert_ne!(later["qa"]["checks"], then["qa"]["checks"]);
    let soon = query(&world, body("2026-03-02T00:01:00Z")).await.expect(200);
    assert_eq!((&soon["cached"], &soon["qa"]), (&json!(true), &later["qa"]));
}

#[tokio::test]
async fn cache_control_asks_for_the_same() {
    let world = World::learned().await;
    let body = json!({"datasource_id": "shop", "ir": by_region()});
    let ask = |control: &'static str| {
        let call = world.post("/v1/query").json(&body).header("cache-control", control);
        async move { call.send().await.expect(200)["cached"].clone() }
    };
    assert_eq!(ask("max-age=60").await, false);
    assert_eq!(ask("max-age=60").await, true);
    assert_eq!(ask("no-cache").await, false);
    assert_eq!(ask("no-store, max-age=60").await, false);
}

#[tokio::test]
async fn reports_too_and_equal_runs_at_once_share_one() {
    let world = World::learned().await;
    let new = json!({"key": "regions", "title": "Regions"});
    world.post("/v1/reports").json(&new).send().await.expect(201);
    let version = json!({"datasource_id": "shop", "def": {"version": "1", "ir": by_region()}});
    world.post("/v1/reports/regions/versions").json(&version).send().await.expect(201);
    let run = || world.post("/v1/reports/regions/run").json(&json!({"max_age": 60})).send();
    let (a, b, c) = tokio::join!(run(), run(), run());
    let replies = [a.expect(200), b.expect(200), c.expect(200)];
    let read = replies.iter().filter(|reply| reply["cached"] == false).count();
    assert_eq!(read, 1, "{replies:?}");
    assert!(replies.iter().all(|reply| reply["rows"] == replies[0]["rows"]));
    let csv = world.post("/v1/reports/regions/run?format=csv").json(&json!({"max_age": 60}));
    assert_eq!(csv.send().await.header("x-air-cached"), "true");
    let metrics = world.get("/metrics").send().await.text();
    assert!(metrics.contains("air_result_cache_hits_total 3"), "{metrics}");
}

#[tokio::test]
async fn a_run_that_failed_is_not_given_again() {
    let world = World::learned().await;
    let file = world.folder.path().join("files/shop/orders.csv");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{whole}6,2024-03-02T10:00:00Z,west,1,no number\n")).unwrap();
    let sum = json!({"entities": ["orders"], "metrics": [{"name": "s", "agg": "sum", "field": "amount"}]});
    let body = json!({"ir": sum, "max_age": 600});
    assert!(!query(&world, body.clone()).await.status.is_success());
    std::fs::write(&file, whole).unwrap();
    let right = query(&world, body).await.expect(200);
    assert_eq!(right["cached"], false);
}
