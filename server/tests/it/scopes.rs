//! Scopes: stored, edited, listed.

use crate::world::World;
use serde_json::json;

#[tokio::test]
async fn a_scope_is_stored_edited_and_listed() {
    let world = World::learned().await;
    let new = json!({"datasource_id": "shop",
        "scope_md": "# Question\n\nHow many orders per month?\n"});
    let made = world.post("/v1/scopes").json(&new).send().await;
    let location = made.header("location").to_owned();
    let made = made.expect(201);
    assert_eq!(
        (&made["name"], &made["version"]),
        (&json!("How many orders per month?"), &json!(1))
    );
    assert_eq!(world.get(&location).send().await.expect(200), made);

    let edit = json!({"scope_md": "# Question\n\nHow many orders per week?\n"});
    let path = format!("{location}/version");
    let version = world.post(&path).json(&edit).send().await.expect(201);
    assert_eq!((&version["version"], &version["approved"]), (&json!(2), &json!(false)));
    let read = world.get(&location).send().await.expect(200);
    let numbers: Vec<_> =
        read["versions"].as_array().unwrap().iter().map(|v| v["version"].clone()).collect();
    assert_eq!(numbers, [json!(2), json!(1)]);
    let drafts = world.get("/v1/scopes?status=draft").send().await.expect(200);
    assert_eq!(drafts["items"][0]["scope_version_id"], version["scope_version_id"]);
    let approved = world.get("/v1/scopes?status=approved").send().await.expect(200);
    assert_eq!(approved["items"], json!([]));
}

#[tokio::test]
async fn a_scope_that_does_not_fit_is_refused() {
    let world = World::learned().await;
    world.post("/v1/scopes").json(&json!({"scope_md": ""})).send().await.problem(422, "invalid");
    let new = json!({"scope_md": "# Question\n\nx\n", "datasource_id": "none"});
    world.post("/v1/scopes").json(&new).send().await.problem(404, "not_found");
    let none = "/v1/scopes/scope_00000000000000000000000000000000";
    world.get(none).send().await.problem(404, "not_found");
    let version = world.post(&format!("{none}/version")).json(&json!({"approve": true}));
    version.send().await.problem(404, "not_found");
}
