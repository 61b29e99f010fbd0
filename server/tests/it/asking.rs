//! Asking: the four states, follow-ups, approval, and building an IR.

use crate::world::World;
use serde_json::{Value, json};

async fn ask(world: &World, question: &str, more: Value) -> Value {
    let mut body = json!({"question": question, "datasource_id": "shop",
        "now": "2024-04-01T00:00:00Z"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    world.post("/v1/ask").json(&body).send().await.expect(200)
}

#[tokio::test]
async fn a_question_is_answered_and_its_scope_kept() {
    let world = World::learned().await;
    let answer = ask(&world, "number of orders by region", json!({})).await;
    assert_eq!(answer["state"], "answer", "{answer}");
    assert_eq!(answer["badge"], "validated");
    assert_eq!(answer["result"]["row_count"], 3, "{answer}");
    assert_eq!(answer["tables"], json!(["orders"]));
    let scope = format!("/v1/scopes/{}", answer["scope_id"].as_str().unwrap());
    let scope = world.get(&scope).send().await.expect(200);
    assert_eq!(scope["versions"][0]["scope_md"], answer["scope_md"]);
    assert_eq!(scope["versions"][0]["ir"], answer["ir"]);
    let run = format!("/v1/runs/{}", answer["result"]["run_id"].as_str().unwrap());
    assert_eq!(world.get(&run).send().await.expect(200)["status"], "completed");

    let planned = ask(&world, "number of orders by region", json!({"run": false})).await;
    assert_eq!((&planned["badge"], &planned["result"]), (&json!("unchecked"), &Value::Null));
}

#[tokio::test]
async fn what_the_source_does_not_hold_cannot_be_answered() {
    let world = World::learned().await;
    let answer = ask(&world, "average temperature by planet", json!({})).await;
    assert_eq!(answer["state"], "cannot_answer", "{answer}");
    assert!(!answer["missing"].as_array().unwrap().is_empty(), "{answer}");
    assert!(answer["reason"].is_string());
    assert_eq!((&answer["ir"], &answer["badge"]), (&Value::Null, &Value::Null));
    assert!(answer["scope_id"].is_string());
}

#[tokio::test]
async fn a_follow_up_changes_the_last_ir() {
    let world = World::learned().await;
    let first = ask(&world, "number of orders by region", json!({})).await;
    let previous = json!({"previous": {"scope_version_id": first["scope_version_id"]}});
    let next = ask(&world, "only north", previous).await;
    assert_eq!(next["state"], "answer", "{next}");
    assert_eq!(next["scope_id"], first["scope_id"], "a version of the same scope");
    assert_eq!(next["result"]["row_count"], 1, "{next}");
    let by_ir = ask(&world, "only north", json!({"previous": {"ir": first["ir"]}})).await;
    assert_eq!(by_ir["ir"], next["ir"]);
}

#[tokio::test]
async fn an_approved_scope_is_verified_until_it_changes() {
    let world = World::learned().await;
    let question = "number of orders by region";
    let first = ask(&world, question, json!({})).await;
    let path = format!("/v1/scopes/{}/version", first["scope_id"].as_str().unwrap());
    let approval = world.post(&path).json(&json!({"approve": true})).send().await.expect(201);
    assert_eq!((&approval["approved"], &approval["version"]), (&json!(true), &json!(1)));
    assert_eq!(ask(&world, question, json!({})).await["badge"], "verified");
    let other = ask(&world, "number of orders by customer", json!({})).await;
    assert_ne!(other["badge"], "verified");
    world.post(&path).json(&json!({"approve": false})).send().await.problem(422, "invalid");
}

#[tokio::test]
async fn a_scope_is_read_back_as_ir() {
    let world = World::learned().await;
    let answer = ask(&world, "number of orders by region", json!({"run": false})).await;
    let new = json!({"datasource_id": "shop", "scope_md": answer["scope_md"]});
    let scope = world.post("/v1/scopes").json(&new).send().await.expect(201);
    let body = json!({"scope_version_id": scope["scope_version_id"]});
    let built = world.post("/v1/ir/build").json(&body).send().await.expect(200);
    assert_eq!(built["ir"], answer["ir"]);
    let vague =
        json!({"datasource_id": "shop", "scope_md": "# Measures\n\n- the blue of the sky\n"});
    let vague = world.post("/v1/scopes").json(&vague).send().await.expect(201);
    let body = json!({"scope_version_id": vague["scope_version_id"]});
    world.post("/v1/ir/build").json(&body).send().await.problem(422, "invalid");
    let none = json!({"scope_version_id": "scv_00000000000000000000000000000000"});
    world.post("/v1/ir/build").json(&none).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn models_are_not_there_and_say_so() {
    let world = World::learned().await;
    for more in [json!({"provider": "openai"}), json!({"force_model": "openai"})] {
        let mut body = json!({"question": "orders", "datasource_id": "shop"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.post("/v1/ask").json(&body).send().await.problem(422, "provider_unavailable");
    }
    // One that is configured and does not answer: forced it is missed, else it is replaced.
    let question = "number of orders by region";
    let forced = ask(&world, question, json!({"force_model": "llama3"})).await;
    assert_eq!(forced["state"], "failed", "{forced}");
    assert_eq!(forced["problem"]["code"], "provider_unavailable");
    let replaced = ask(&world, question, json!({"provider": "ollama"})).await;
    assert_eq!((&replaced["state"], &replaced["model"]["used"]), (&json!("answer"), &Value::Null));
    let empty = json!({"question": "", "datasource_id": "shop"});
    world.post("/v1/ask").json(&empty).send().await.problem(422, "invalid");
    let none = json!({"question": "orders", "datasource_id": "none"});
    world.post("/v1/ask").json(&none).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn the_schema_of_the_ir_is_published() {
    let world = World::learned().await;
    let reply = world.get("/v1/ir/schema").send().await;
    assert_eq!(reply.header("content-type"), "application/schema+json");
    assert_eq!(reply.expect(200)["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
