//! Every write, run and refusal has its entry, and none holds what it is about.

use crate::world::{World, claims, token};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const AUDIT: &str = "/v1/audit";

/// The entries, once there are as many; runs and refusals are written a little later.
pub(crate) async fn entries(world: &World, query: &str, count: usize) -> Vec<Value> {
    let begin = Instant::now();
    loop {
        let target = format!("{AUDIT}?limit=500{query}");
        let list = world.as_user("adm", "admin", "GET", &target).send().await.expect(200);
        let items = list["items"].as_array().unwrap().clone();
        if items.len() >= count {
            return items;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{items:?}");
        tokio::task::yield_now().await;
    }
}

async fn shop() -> World {
    let world = World::new().await;
    let learn = "/v1/learn?datasource_id=shop";
    world.as_user("eva", "editor", "POST", learn).send().await.expect(200);
    world
}

#[tokio::test]
async fn writes_runs_and_refusals_are_entries() {
    let world = shop().await;
    let new = json!({"key": "weekly", "title": "Of the canary"});
    let made = world.as_user("eva", "editor", "POST", "/v1/reports").json(&new).send().await;
    let request = made.header("x-request-id").to_owned();
    made.expect(201);
    let written = entries(&world, "&action=create_report", 1).await;
    let entry = &written[0];
    assert_eq!((&entry["actor"], &entry["role"]), (&json!("eva"), &json!("editor")));
    assert_eq!((&entry["subject"], &entry["request_id"]), (&json!("weekly"), &json!(request)));

    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "region", "op": "=", "value": "canary"}]});
    let query = json!({"datasource_id": "shop", "ir": ir});
    let run = world.as_user("vic", "viewer", "POST", "/v1/query").json(&query).send().await;
    let run = run.expect(200);
    let ran = entries(&world, "&action=query", 1).await;
    assert_eq!((&ran[0]["actor"], &ran[0]["subject"]), (&json!("vic"), &json!("shop")));
    assert_eq!(ran[0]["detail"]["run_id"], run["run_id"]);

    world.as_user("vic", "viewer", "POST", "/v1/reports").json(&new).send().await.expect(403);
    let refused = entries(&world, "&action=role.refused", 1).await;
    assert_eq!(
        (&refused[0]["actor"], &refused[0]["detail"]["operation"]),
        (&json!("vic"), &json!("create_report"))
    );

    let mut old = claims("zoe", "admin");
    old["exp"] = json!(1_000_000);
    let canary = format!("Bearer {}", token(&old));
    world.get("/v1/reports").header("authorization", &canary).send().await.expect(401);
    let refused = entries(&world, "&action=token.refused", 1).await;
    assert_eq!(refused[0]["actor"], "");
    assert!(refused[0]["detail"]["reason"].as_str().unwrap().contains("expired"), "{refused:?}");

    let sql = json!({"datasource_id": "shop", "sql": "select pg_sleep(1) /* canary */"});
    world.as_user("vic", "viewer", "POST", "/v1/query").json(&sql).send().await.expect(422);
    let refused = entries(&world, "&action=plan.refused", 1).await;
    assert!(!refused[0]["detail"]["rules"].as_array().unwrap().is_empty(), "{refused:?}");

    let all = entries(&world, "", 6).await;
    assert!(!json!(all).to_string().contains("canary"), "{all:?}");
    assert!(!json!(all).to_string().contains(&canary[7..]), "{all:?}");
}

#[tokio::test]
async fn entries_are_listed_in_pages_for_admins() {
    let world = shop().await;
    for key in ["a", "b", "c"] {
        let new = json!({"key": key, "title": "T"});
        world.as_user("eva", "editor", "POST", "/v1/reports").json(&new).send().await.expect(201);
    }
    let list = |query: String| {
        let world = &world;
        async move {
            let target = format!("{AUDIT}{query}");
            world.as_user("adm", "admin", "GET", &target).send().await
        }
    };
    let first = list("?limit=2&actor=eva&action=create_report".to_owned()).await.expect(200);
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let rest = list(format!("?limit=2&actor=eva&action=create_report&cursor={next}")).await;
    let rest = rest.expect(200);
    assert_eq!(rest["items"][0]["subject"], "a");
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert_eq!(
        list("?until=2000-01-01T00:00:00Z".to_owned()).await.expect(200)["items"],
        json!([])
    );
    assert_eq!(list("?subject=b".to_owned()).await.expect(200)["items"][0]["subject"], "b");
    list("?since=yesterday".to_owned()).await.problem(422, "invalid");
    list("?actoe=eva".to_owned()).await.problem(422, "invalid");
    world.as_user("eva", "editor", "GET", AUDIT).send().await.problem(403, "forbidden");
    world.get(AUDIT).send().await.problem(401, "unauthorized");
}
