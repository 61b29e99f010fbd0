//! Tokens, roles, and what belongs to whom.

use crate::world::{World, claims, token};
use serde_json::json;

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused() {
    let world = World::new().await;
    let wrong = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut claims = claims("ann", "admin");
        change(&mut claims);
        format!("Bearer {}", token(&claims))
    };
    let headers = [
        "Basic abc".to_owned(),
        "Bearer nonsense".to_owned(),
        wrong(&|c| c["exp"] = json!(1_000_000)),
        wrong(&|c| c["iss"] = json!("other")),
        wrong(&|c| c["aud"] = json!("other")),
        wrong(&|c| c["role"] = json!("root")),
        format!("{}x", wrong(&|_| {})),
    ];
    for header in headers {
        let reply = world.get("/v1/reports").header("authorization", &header).send().await;
        reply.problem(401, "unauthorized");
    }
    let token = format!("Bearer {}", token(&claims("ann", "viewer")));
    world.get("/v1/reports").header("authorization", &token).send().await.expect(200);
}

#[tokio::test]
async fn a_role_may_do_its_own_and_no_more() {
    let world = World::new().await;
    let new = json!({"key": "a", "title": "A"});
    let as_viewer = world.as_user("vic", "viewer", "POST", "/v1/reports").json(&new).send().await;
    let problem = as_viewer.problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("editor"), "{problem}");
    world.as_user("eva", "editor", "POST", "/v1/reports").json(&new).send().await.expect(201);
    world
        .as_user("eva", "editor", "DELETE", "/v1/datasources/shop")
        .send()
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn another_users_runs_and_scopes_are_not_there() {
    let world = World::new().await;
    let learn = "/v1/learn?datasource_id=shop";
    world.as_user("eva", "editor", "POST", learn).send().await.expect(200);
    let query = json!({"datasource_id": "shop",
        "ir": {"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]}});
    let run =
        world.as_user("ann", "viewer", "POST", "/v1/query").json(&query).send().await.expect(200);
    let path = format!("/v1/runs/{}", run["run_id"].as_str().unwrap());
    for target in [path.clone(), format!("{path}/rows")] {
        world.as_user("bob", "viewer", "GET", &target).send().await.problem(404, "not_found");
        world.as_user("ann", "viewer", "GET", &target).send().await.expect(200);
        world.as_user("adm", "admin", "GET", &target).send().await.expect(200);
    }
    world.as_user("bob", "viewer", "DELETE", &path).send().await.problem(404, "not_found");
    let analyze = format!("{path}/analyze");
    world.as_user("bob", "viewer", "POST", &analyze).send().await.problem(404, "not_found");
    world.as_user("ann", "viewer", "POST", &analyze).send().await.expect(200);

    let scope = json!({"scope_md": "# Question\n\nHow many orders?\n"});
    let made =
        world.as_user("eva", "editor", "POST", "/v1/scopes").json(&scope).send().await.expect(201);
    let path = format!("/v1/scopes/{}", made["id"].as_str().unwrap());
    world.as_user("bob", "viewer", "GET", &path).send().await.problem(404, "not_found");
    let list = world.as_user("bob", "viewer", "GET", "/v1/scopes").send().await.expect(200);
    assert_eq!(list["items"], json!([]));
}
