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

const TWO: &str = "
files: {base_path: files}
analytics_sources:
  - {id: shop, kind: files, base_path: files/shop, default: true}
  - {id: copy, kind: files, base_path: files/shop}
";

#[tokio::test]
async fn a_follow_up_does_not_move_to_another_source() {
    let world = World::with(false, TWO).await;
    for id in ["shop", "copy"] {
        world.post(&format!("/v1/learn?datasource_id={id}")).send().await.expect(200);
    }
    let first = ask(&world, "number of orders by region", json!({})).await;
    let body = json!({"question": "only north", "datasource_id": "copy",
        "previous": {"scope_version_id": first["scope_version_id"]}});
    let refused = world.post("/v1/ask").json(&body).send().await.problem(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "/previous", "{refused}");
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("shop"), "{refused}");
    let scope = format!("/v1/scopes/{}", first["scope_id"].as_str().unwrap());
    let scope = world.get(&scope).send().await.expect(200);
    assert_eq!(scope["versions"].as_array().unwrap().len(), 1, "nothing was added: {scope}");
}

#[tokio::test]
async fn a_version_without_an_answer_stands_for_the_one_before_it() {
    let world = World::learned().await;
    let after = |version: &Value| json!({"previous": {"scope_version_id": version}});
    let first = ask(&world, "number of orders by region", json!({})).await;
    let lost = after(&first["scope_version_id"]);
    let lost = ask(&world, "average temperature by planet", lost).await;
    assert_eq!(lost["state"], "cannot_answer", "{lost}");
    assert_eq!(lost["scope_id"], first["scope_id"]);
    let next = ask(&world, "only north", after(&lost["scope_version_id"])).await;
    assert_eq!(next["state"], "answer", "{next}");
    assert_eq!((&next["scope_id"], &next["result"]["row_count"]), (&first["scope_id"], &json!(1)));

    // Where no version has an IR, the question back may be answered, and nothing be changed.
    let question = "which region was the best";
    let back = ask(&world, question, json!({})).await;
    assert_eq!(back["state"], "clarify", "{back}");
    let mut more = after(&back["scope_version_id"]);
    let refused = json!({"question": "only north", "datasource_id": "shop",
        "previous": more["previous"]});
    let refused = world.post("/v1/ask").json(&refused).send().await.problem(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "/previous", "{refused}");
    more["answers"] = json!({"measure": "you_decide", "polarity": "highest"});
    let done = ask(&world, question, more).await;
    assert_eq!((&done["state"], &done["scope_id"]), (&json!("answer"), &back["scope_id"]));
}

#[tokio::test]
async fn an_edited_scope_that_cannot_be_read_is_not_gone_on_from() {
    let world = World::learned().await;
    let first = ask(&world, "number of orders by region", json!({})).await;
    let path = format!("/v1/scopes/{}/version", first["scope_id"].as_str().unwrap());
    let wrong = format!("{}\n# Filters\n\n- region is nice\n", first["scope_md"].as_str().unwrap());
    let edited = world.post(&path).json(&json!({"scope_md": wrong})).send().await.expect(201);
    let body = json!({"question": "only north", "datasource_id": "shop",
        "previous": {"scope_version_id": edited["scope_version_id"]}});
    let refused = world.post("/v1/ask").json(&body).send().await.problem(422, "invalid");
    let error = &refused["errors"][0];
    assert!(error["pointer"].as_str().unwrap().starts_with("/previous"), "{refused}");
    assert!(error["detail"].as_str().unwrap().contains("region is nice"), "{refused}");
}

#[tokio::test]
async fn a_follow_up_is_verified_as_the_question_it_was() {
    let world = World::learned().await;
    let question = "number of orders by region";
    let first = ask(&world, question, json!({})).await;
    let previous = json!({"previous": {"scope_version_id": first["scope_version_id"]}});
    let next = ask(&world, "only north", previous.clone()).await;
    let path = format!("/v1/scopes/{}/version", next["scope_id"].as_str().unwrap());
    let approval = world.post(&path).json(&json!({"approve": true})).send().await.expect(201);
    assert_eq!((&approval["approved"], &approval["version"]), (&json!(true), &json!(2)));
    assert_eq!(ask(&world, "Only  north", previous.clone()).await["badge"], "validated");
    assert_eq!(ask(&world, "only north", previous).await["badge"], "verified");
    assert_eq!(ask(&world, question, json!({})).await["badge"], "validated");
}

#[tokio::test]
async fn questions_to_models_are_counted_and_those_to_the_interpreter_are_not() {
    let config = format!(
        "{}\nlimits: {{ai_requests_per_minute: 1}}\n",
        crate::world::CONFIG
            .lines()
            .filter(|l| !l.starts_with("limits"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    let world = World::with(false, &config).await;
    world.post("/v1/learn?datasource_id=shop").send().await.expect(200);
    let question = "number of orders by region";
    let first = ask(&world, question, json!({"provider": "ollama"})).await;
    assert_eq!(first["state"], "answer", "{first}");
    let said = first["assumptions"].to_string();
    assert!(said.contains("ollama, which was asked for"), "{said}");
    let body = json!({"question": question, "datasource_id": "shop", "provider": "ollama"});
    let reply = world.post("/v1/ask").json(&body).send().await;
    assert!(reply.header("retry-after").parse::<u32>().unwrap() <= 60);
    reply.problem(429, "too_many_requests");
    let run = format!("/v1/runs/{}/analyze", first["result"]["run_id"].as_str().unwrap());
    let by_model = world.post(&run).json(&json!({"provider": "ollama"}));
    by_model.send().await.problem(429, "too_many_requests");
    for _ in 0..2 {
        assert_eq!(ask(&world, question, json!({"provider": "builtin"})).await["state"], "answer");
        world.post(&run).json(&json!({"provider": "builtin"})).send().await.expect(200);
    }
}

#[tokio::test]
async fn of_a_result_that_was_cut_no_highest_is_told() {
    let world = World::learned().await;
    let ir = json!({"entities": ["orders"], "dimensions": ["region"], "limit": 2,
        "metrics": [{"name": "n", "agg": "count"}]});
    let ran = world.query(ir).await.expect(200);
    assert_eq!(ran["truncated"], true, "{ran}");
    let path = format!("/v1/runs/{}/analyze", ran["run_id"].as_str().unwrap());
    let told = world.post(&path).json(&json!({"provider": "builtin"})).send().await.expect(200);
    let text = told["analysis_md"].as_str().unwrap();
    assert!(text.contains("highest among the first 2"), "{text}");
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
