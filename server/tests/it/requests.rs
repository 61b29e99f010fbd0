//! What every request is held to: its form, its size, and being done once.

use crate::world::World;
use serde_json::json;

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_why() {
    let world = World::learned().await;
    let post = || world.post("/v1/reports");
    post().send().await.problem(400, "bad_request");
    post().raw("application/json", b"{\"key\":".to_vec()).send().await.problem(400, "bad_request");
    post().raw("text/plain", b"{}".to_vec()).send().await.problem(415, "unsupported_media_type");
    let large = format!("{{\"title\": \"{}\"}}", "x".repeat(70_000)).into_bytes();
    post().raw("application/json", large).send().await.problem(413, "payload_too_large");
    let deep = "[".repeat(100) + &"]".repeat(100);
    let reply = post().raw("application/json", deep.into_bytes()).send().await;
    assert_eq!(reply.problem(422, "invalid")["errors"][0]["code"], "too_large");
}

#[tokio::test]
async fn everything_that_does_not_fit_is_listed_at_once() {
    let world = World::learned().await;
    let body = json!({"kye": "a", "title": ""});
    let problem = world.post("/v1/reports").json(&body).send().await.problem(422, "invalid");
    let mut found: Vec<(String, String)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["pointer"].to_string(), e["code"].to_string()))
        .collect();
    found.sort();
    let pair = |a: &str, b: &str| (format!("\"{a}\""), format!("\"{b}\""));
    let wanted =
        [pair("/key", "missing_field"), pair("/kye", "unknown_field"), pair("/title", "bad_value")];
    assert_eq!(found, wanted);
    let kye = problem["errors"].as_array().unwrap().iter().find(|e| e["pointer"] == "/kye");
    assert_eq!(kye.unwrap()["nearest"], json!(["key"]));
}

#[tokio::test]
async fn query_parameters_are_held_to_the_contract() {
    let world = World::learned().await;
    for (query, code) in [
        ("limit=0", "bad_value"),
        ("limit=501", "bad_value"),
        ("limit=ten", "bad_type"),
        ("limit=1&limit=2", "conflict"),
        ("lmiit=3", "unknown_field"),
        ("cursor=a.b", "bad_value"),
        ("cursor=Zm9v", "bad_value"),
    ] {
        let reply = world.get(&format!("/v1/reports?{query}")).send().await;
        let problem = reply.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["code"], code, "{query}: {problem}");
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with('?'), "{query}: {pointer}");
    }
    world.get("/v1/reports/x?a=1").send().await.problem(400, "bad_request");
    world.get("/v1/reports?limit=%zz").send().await.problem(400, "bad_request");
    world.get("/v1/reports?limit=500").send().await.expect(200);
}

#[tokio::test]
async fn a_request_with_a_key_is_done_once() {
    let world = World::learned().await;
    let post = |title: &str| {
        let body = json!({"key": "once", "title": title});
        world.post("/v1/reports").header("idempotency-key", "k-1").json(&body)
    };
    let first = post("A").send().await;
    let location = first.header("location").to_owned();
    let made = first.expect(201);
    let again = post("A").send().await;
    assert_eq!(again.header("location"), location);
    assert_eq!(again.expect(201), made);
    post("B").send().await.problem(422, "idempotency_mismatch");
    // Without the key it is a second report of the same name.
    let body = json!({"key": "once", "title": "A"});
    world.post("/v1/reports").json(&body).send().await.problem(409, "already_exists");
    // A failure lets go of its key.
    let refused = || world.post("/v1/reports").header("idempotency-key", "k-2");
    refused().json(&body).send().await.problem(409, "already_exists");
    let other = json!({"key": "twice", "title": "A"});
    refused().json(&other).send().await.expect(201);
    let bad = world.post("/v1/reports").header("idempotency-key", "a b").json(&other).send().await;
    assert_eq!(bad.problem(422, "invalid")["errors"][0]["pointer"], "Idempotency-Key:");
}

#[tokio::test]
async fn a_key_is_taken_by_one_of_many_at_once() {
    let world = World::learned().await;
    let body = json!({"key": "race", "title": "A"});
    let calls = (0..8)
        .map(|_| world.post("/v1/reports").header("idempotency-key", "race").json(&body).send());
    let replies = futures::future::join_all(calls).await;
    for reply in replies {
        let status = reply.status.as_u16();
        assert!(status == 201 || status == 409, "{}", reply.text());
        if status == 409 {
            reply.problem(409, "idempotency_in_flight");
        }
    }
    let list = world.get("/v1/reports").send().await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}
