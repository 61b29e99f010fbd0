//! Learning, schema notes, and edits that survive learning again.

use crate::world::World;
use serde_json::{Value, json};

fn table<'c>(catalog: &'c Value, name: &str) -> &'c Value {
    catalog["tables"].as_array().unwrap().iter().find(|t| t["name"] == name).unwrap()
}

#[tokio::test]
async fn a_source_is_learned_and_learned_again() {
    let world = World::learned().await;
    let again = world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    assert_eq!((&again["tables"], &again["columns"]), (&json!(2), &json!(7)));
    assert_eq!((&again["notes_written"], &again["notes_unchanged"]), (&json!(0), &json!(2)));
    let catalog = world.get("/v1/catalog/shop").send().await.expect(200);
    assert_eq!(catalog["version"], again["catalog_version"]);
    assert_eq!(table(&catalog, "orders")["row_estimate"], 5);

    let bare = json!({"include_stats": false, "sample_values": false});
    world.post("/v1/learn?datasource_id=shop").json(&bare).send().await.expect(200);
    let catalog = world.get("/v1/catalog/shop").send().await.expect(200);
    assert!(table(&catalog, "orders")["columns"][2]["values"].is_null(), "{catalog}");

    world.post("/v1/learn").send().await.problem(422, "invalid");
    world.post("/v1/learn?datasource_id=none").send().await.problem(404, "not_found");
}

#[tokio::test]
async fn notes_come_in_pages() {
    let world = World::learned().await;
    let first = world.get("/v1/schema/shop?limit=1").send().await.expect(200);
    assert_eq!(first["items"][0]["object"], "customers");
    let next = first["next"].as_str().unwrap();
    let rest = world.get(&format!("/v1/schema/shop?cursor={next}")).send().await.expect(200);
    assert_eq!((&rest["items"][0]["object"], &rest["next"]), (&json!("orders"), &Value::Null));
    assert!(rest["items"][0]["md"].as_str().unwrap().contains("amount"));
    let other = world.get(&format!("/v1/reports?cursor={next}")).send().await;
    other.problem(422, "invalid");
    world.get("/v1/schema/none").send().await.problem(404, "not_found");
}

#[tokio::test]
async fn edits_survive_learning_again() {
    let world = World::learned().await;
    let edit = json!({"tables": {"orders": {"synonyms": ["purchases"], "time_series": true,
        "columns": {"amount": {"display_name": "Revenue"}}}}});
    let edited = world.call("PATCH", "/v1/catalog/shop").json(&edit).send().await.expect(200);
    assert_eq!(table(&edited, "orders")["synonyms"], json!(["purchases"]));
    let notes = world.get("/v1/schema/shop").send().await.expect(200);
    assert!(notes.to_string().contains("purchases"), "{notes}");
    world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    let catalog = world.get("/v1/catalog/shop").send().await.expect(200);
    assert_eq!(catalog, edited);

    for (edit, code) in [
        (json!({"tables": {"odrers": {}}}), "unknown_entity"),
        (json!({"tables": {"orders": {"columns": {"amuont": {}}}}}), "unknown_column"),
        (json!({"time_zone": "Europe/Berlim"}), "unknown_timezone"),
        (json!({"zone": "UTC"}), "unknown_field"),
    ] {
        let reply = world.call("PATCH", "/v1/catalog/shop").json(&edit).send().await;
        assert_eq!(reply.problem(422, "invalid")["errors"][0]["code"], code, "{edit}");
    }
}

#[tokio::test]
async fn what_was_not_learned_says_so() {
    let world = World::learned().await;
    let new = json!({"id": "copy", "kind": "files", "base_path": "shop"});
    world.post("/v1/datasources").json(&new).send().await.expect(201);
    world.get("/v1/catalog/copy").send().await.problem(409, "not_learned");
    let query = json!({"datasource_id": "copy", "ir": {"entities": ["orders"],
        "metrics": [{"name": "n", "agg": "count"}]}});
    world.post("/v1/query").json(&query).send().await.problem(409, "not_learned");
}

#[tokio::test]
async fn an_edit_of_a_state_that_is_gone_is_refused() {
    let world = World::learned().await;
    let path = "/v1/catalog/shop";
    let read = world.get(path).send().await;
    let tag = read.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    let edit = |text: &str| json!({"tables": {"orders": {"description": text}}});
    let patch = |text: &str, tag: &str| {
        world.call("PATCH", path).json(&edit(text)).header("if-match", tag).send()
    };
    let first = patch("one", &tag).await;
    assert_ne!(first.header("etag"), tag);
    let newer = first.header("etag").to_owned();
    first.expect(200);
    patch("two", &tag).await.problem(412, "precondition_failed");
    patch("two", &format!("\"other\", {newer}")).await.expect(200);
    patch("three", "*").await.expect(200);
}
