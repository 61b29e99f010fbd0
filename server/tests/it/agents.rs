//! Functions for models, and the protocol's transport; `tests/test_mcp.py` speaks it by its SDK.

use crate::world::{Reply, World};
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<&str> {
    let tools = list["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn functions_are_those_of_the_callers_role() {
    let world = World::new().await;
    let of = async |role: &str| {
        world.as_user("ana", role, "GET", "/v1/ai/tools").send().await.expect(200)
    };
    let (viewer, editor) = (of("viewer").await, of("editor").await);
    for name in ["ask", "query", "plan_sql", "run_report", "list_reports", "get_catalog"] {
        assert!(names(&viewer).contains(&name), "{name}");
    }
    for (name, role) in [("learn", "editor"), ("create_report", "editor")] {
        assert!(!names(&viewer).contains(&name) && names(&editor).contains(&name), "{role} {name}");
    }
    for list in [&viewer, &editor] {
        for name in names(list) {
            let call = &list["calls"][name];
            assert!(call["path"].as_str().unwrap().starts_with("/v1/"), "{name}");
        }
    }
    let ask = viewer["tools"].as_array().unwrap().iter().find(|t| t["function"]["name"] == "ask");
    let ask = &ask.unwrap()["function"];
    assert_eq!(ask["parameters"]["required"], json!(["question", "datasource_id"]));
    assert!(ask["description"].as_str().unwrap().contains("clarify"));
}

#[tokio::test]
async fn functions_want_a_token_and_know_no_query() {
    let world = World::new().await;
    world.get("/v1/ai/tools").send().await.problem(401, "unauthorized");
    let wrong = world.as_user("ana", "viewer", "GET", "/v1/ai/tools?role=admin");
    wrong.send().await.problem(400, "bad_request");
}

async fn mcp(world: &World, role: &str, message: Value) -> Reply {
    let call = world.as_user("ana", role, "POST", "/mcp").header("host", "air.example");
    let call = call.header("accept", "application/json, text/event-stream");
    call.json(&message).send().await
}

#[tokio::test]
async fn the_protocol_lists_calls_and_tells_errors() {
    let world = World::new().await;
    let learn = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "learn", "arguments": {"datasource_id": "shop"}}});
    let refused = mcp(&world, "viewer", learn.clone()).await.expect(200);
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    let learned = mcp(&world, "editor", learn).await.expect(200);
    assert_eq!(learned["result"]["isError"], false, "{learned}");
    let listed = mcp(&world, "viewer", json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    let listed = listed.await.expect(200);
    let tools = listed["result"]["tools"].as_array().unwrap();
    let over_rest = world.as_user("ana", "viewer", "GET", "/v1/ai/tools").send().await.expect(200);
    for (mcp, rest) in tools.iter().zip(over_rest["tools"].as_array().unwrap()) {
        assert_eq!(mcp["name"], rest["function"]["name"]);
        assert_eq!(mcp["inputSchema"], rest["function"]["parameters"], "{}", mcp["name"]);
    }
    let sql = "select region, count(*) as n from orders group by region order by region";
    let query = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {
        "name": "query", "arguments": {"datasource_id": "shop", "sql": sql}}});
    let answer = mcp(&world, "viewer", query).await.expect(200);
    let rows = &answer["result"]["structuredContent"]["rows"];
    assert_eq!(rows[1], json!({"region": "north", "n": 2}), "{answer}");
}

#[tokio::test]
async fn the_transport_tells_problems() {
    let world = World::new().await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    world.post("/mcp").json(&ping).send().await.problem(401, "unauthorized");
    let call = world.as_user("ana", "viewer", "POST", "/mcp");
    let call = call.header("host", "air.example").header("accept", "text/html");
    call.json(&ping).send().await.problem(406, "not_acceptable");
    let call = world.as_user("ana", "viewer", "POST", "/mcp");
    call.json(&json!([1])).send().await.problem(422, "invalid");
    let get = world.as_user("ana", "viewer", "GET", "/mcp").send().await;
    assert_eq!(get.header("allow"), "POST");
    get.problem(405, "method_not_allowed");
    let wrong = mcp(&world, "viewer", json!({"jsonrpc": "1.0"})).await;
    assert!(wrong.status.is_client_error(), "{}", wrong.text());
    wrong.problem(422, "invalid");
}
