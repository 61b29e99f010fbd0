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

#[tokio::test]
async fn two_versions_are_compared() {
    let world = World::learned().await;
    let ask = |body: serde_json::Value| world.post("/v1/ask").json(&body).send();
    let first = json!({"question": "number of orders by region", "datasource_id": "shop"});
    let first = ask(first).await.expect(200);
    let more = json!({"question": "only north", "datasource_id": "shop",
        "previous": {"scope_version_id": first["scope_version_id"]}});
    let next = ask(more).await.expect(200);
    assert_eq!(next["scope_id"], first["scope_id"], "a follow-up is the next version");

    let path = format!("/v1/scopes/{}/diff", first["scope_id"].as_str().unwrap());
    let diff = world.get(&path).send().await.expect(200);
    assert_eq!((&diff["from"], &diff["to"]), (&json!(1), &json!(2)));
    assert_eq!(diff["to_version_id"], next["scope_version_id"]);
    let text = diff["scope_md"].as_str().unwrap();
    assert!(text.starts_with("--- version 1\n+++ version 2\n@@"), "{text}");
    let changes = diff["ir"].as_array().unwrap();
    assert!(changes.iter().any(|c| c["pointer"].as_str().unwrap().starts_with("/filters")));
    for change in changes.iter().filter(|change| change["op"] != "remove") {
        let pointer = change["pointer"].as_str().unwrap();
        assert_eq!(next["ir"].pointer(pointer), Some(&change["after"]), "{change}");
    }
    let back = world.get(&format!("{path}?from=2&to=1")).send().await.expect(200);
    assert_eq!(back["ir"].as_array().unwrap().len(), changes.len());
    let same = world.get(&format!("{path}?from=2")).send().await.expect(200);
    assert_eq!((&same["scope_md"], &same["ir"]), (&json!(""), &json!([])));
    world.get(&format!("{path}?to=3")).send().await.problem(422, "invalid");
}

#[tokio::test]
async fn a_follow_up_on_an_edited_scope_changes_what_was_edited() {
    let world = World::learned().await;
    let body = json!({"question": "number of orders by region", "datasource_id": "shop"});
    let first = world.post("/v1/ask").json(&body).send().await.expect(200);
    let by_customer = json!({"question": "number of orders by customer", "datasource_id": "shop"});
    let other = world.post("/v1/ask").json(&by_customer).send().await.expect(200);
    let path = format!("/v1/scopes/{}/version", first["scope_id"].as_str().unwrap());
    let edit = json!({"scope_md": other["scope_md"]});
    let edited = world.post(&path).json(&edit).send().await.expect(201);
    assert_eq!(edited["ir"], json!(null), "nobody built it yet");
    let more = json!({"question": "only north", "datasource_id": "shop",
        "previous": {"scope_version_id": edited["scope_version_id"]}});
    let next = world.post("/v1/ask").json(&more).send().await.expect(200);
    assert_eq!(next["ir"]["dimensions"], other["ir"]["dimensions"], "{next}");
    assert_ne!(next["ir"]["filters"], other["ir"]["filters"]);
}

#[tokio::test]
async fn the_differences_of_another_users_scope_are_not_there() {
    let world = World::new().await;
    let new = json!({"scope_md": "# Question\n\nx\n"});
    let made = world.as_user("eva", "editor", "POST", "/v1/scopes").json(&new).send().await;
    let path = format!("{}/diff", made.header("location"));
    world.as_user("eva", "editor", "GET", &path).send().await.expect(200);
    world.as_user("bob", "editor", "GET", &path).send().await.problem(404, "not_found");
}
