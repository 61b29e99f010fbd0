//! Registering, reading, changing and removing sources.

use crate::world::World;
use serde_json::{Value, json};

#[tokio::test]
async fn the_configurations_sources_are_there_at_start() {
    let world = World::learned().await;
    let list = world.get("/v1/datasources").send().await.expect(200);
    let shop = &list["items"][0];
    assert_eq!((shop["id"].as_str(), shop["kind"].as_str()), (Some("shop"), Some("files")));
    assert_eq!(shop["base_path"], "shop", "no path of the machine: {shop}");
    assert_eq!((&shop["default"], &shop["display_name"]), (&json!(true), &json!("The shop")));
    assert!(shop["learned_at"].is_string());
    let one = world.get("/v1/datasources/shop").send().await.expect(200);
    assert_eq!(&one, shop);
    world.get("/v1/datasources/none").send().await.problem(404, "not_found");
    let bad = world.get("/v1/datasources/a%20b").send().await.problem(404, "not_found");
    assert_eq!(bad["errors"][0]["pointer"], "{id}");
}

#[tokio::test]
async fn a_source_is_registered_changed_and_removed() {
    let world = World::learned().await;
    let new = json!({"id": "copy", "kind": "files", "base_path": "shop"});
    let made = world.post("/v1/datasources").json(&new).send().await;
    assert_eq!(made.header("location"), "/v1/datasources/copy");
    let made = made.expect(201);
    assert_eq!((&made["health"]["status"], &made["learned_at"]), (&json!("unknown"), &Value::Null));
    world.post("/v1/datasources").json(&new).send().await.problem(409, "already_exists");

    let patch = json!({"display_name": "A copy", "default": true});
    let changed = world.call("PATCH", "/v1/datasources/copy").json(&patch).send().await.expect(200);
    assert_eq!((&changed["display_name"], &changed["default"]), (&json!("A copy"), &json!(true)));
    let shop = world.get("/v1/datasources/shop").send().await.expect(200);
    assert_eq!(shop["default"], false);
    let empty = world.call("PATCH", "/v1/datasources/copy").json(&json!({})).send().await;
    empty.problem(422, "invalid");
    let dsn = json!({"dsn": "postgres://h/d"});
    let misplaced = world.call("PATCH", "/v1/datasources/copy").json(&dsn).send().await;
    assert_eq!(misplaced.problem(422, "invalid")["errors"][0]["pointer"], "/dsn");

    world.call("DELETE", "/v1/datasources/copy").send().await.expect(204);
    world.call("DELETE", "/v1/datasources/copy").send().await.problem(404, "not_found");
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let world = World::learned().await;
    for (body, pointer) in [
        (json!({"id": "x", "kind": "files"}), ""),
        (json!({"id": "x", "kind": "postgres", "base_path": "shop"}), ""),
        (json!({"id": "x", "kind": "files", "base_path": "../.."}), "/base_path"),
        (json!({"id": "x", "kind": "files", "base_path": "/etc"}), "/base_path"),
        (json!({"id": "X", "kind": "files", "base_path": "shop"}), "/id"),
    ] {
        let problem =
            world.post("/v1/datasources").json(&body).send().await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
}

#[tokio::test]
async fn a_dsn_is_never_shown() {
    let world = World::learned().await;
    let clear = json!({"id": "pg", "kind": "postgres", "dsn": "postgres://u:hunter2@h:5432/d"});
    let refused = world.post("/v1/datasources").json(&clear).send().await;
    assert!(!refused.text().contains("hunter2"), "{}", refused.text());
    refused.problem(422, "invalid");
    let reference = json!({"id": "pg", "kind": "postgres", "dsn": "postgres://u:${PW}@h:5432/d"});
    let made = world.post("/v1/datasources").json(&reference).send().await;
    assert!(!made.text().contains("5432"), "{}", made.text());
    made.expect(201);
    let health = world.post("/v1/datasources/pg/health").send().await.expect(200);
    assert_eq!(health["status"], "failing");
    assert!(health["detail"].as_str().unwrap().contains("PW"), "{health}");
    world.post("/v1/learn?datasource_id=pg").send().await.problem(422, "invalid");
}

#[tokio::test]
async fn health_is_kept_with_the_source() {
    let world = World::learned().await;
    let health = world.post("/v1/datasources/shop/health").send().await.expect(200);
    assert_eq!(health["status"], "ok", "{health}");
    let shop = world.get("/v1/datasources/shop").send().await.expect(200);
    assert_eq!(shop["health"], health);
    std::fs::rename(world.folder.path().join("files/shop"), world.folder.path().join("gone"))
        .unwrap();
    let health = world.post("/v1/datasources/shop/health").send().await.expect(200);
    assert_eq!(health["status"], "failing", "{health}");
    let outside = world.folder.path().to_str().unwrap();
    assert!(!health.to_string().contains(outside), "no path of the machine: {health}");
}

#[tokio::test]
async fn a_bound_source_is_kept() {
    let world = World::learned().await;
    world.post("/v1/reports").json(&json!({"key": "r", "title": "R"})).send().await.expect(201);
    let def = json!({"version": "1", "ir": {"entities": ["orders"],
        "metrics": [{"name": "n", "agg": "count"}]}});
    let body = json!({"def": def, "datasource_id": "shop"});
    world.post("/v1/reports/r/versions").json(&body).send().await.expect(201);
    world.call("DELETE", "/v1/datasources/shop").send().await.problem(409, "in_use");
}

#[tokio::test]
async fn a_change_of_a_state_that_is_gone_is_refused() {
    let world = World::learned().await;
    let path = "/v1/datasources/shop";
    let tag = world.get(path).send().await.header("etag").to_owned();
    let patch = |name: &str, tag: &str| {
        let body = json!({"display_name": name});
        world.call("PATCH", path).json(&body).header("if-match", tag).send()
    };
    let changed = patch("One", &tag).await;
    assert_ne!(changed.header("etag"), tag);
    changed.expect(200);
    patch("Two", &tag).await.problem(412, "precondition_failed");
    assert_eq!(patch("Two", "*").await.expect(200)["display_name"], "Two");
}
