//! Keys of endpoints: what one opens, what it does not, and how it ends.

use serde_json::{Value, json};

use super::endpoints::{publish, published};
use crate::world::{CONFIG, Reply, World};

const KEYS: &str = "/v1/endpoints/by-region/keys";
const CALL: &str = "/v1/endpoints/by-region";

async fn made(world: &World, user: &str, role: &str, name: &str) -> Reply {
    world.as_user(user, role, "POST", KEYS).json(&json!({"name": name})).send().await
}

/// A key of Ann's: its id and the key.
async fn key(world: &World, name: &str) -> (String, String) {
    let made = made(world, "ann", "editor", name).await;
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.expect(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    assert!(text("key").starts_with("air_key_"), "{made}");
    (text("id"), text("key"))
}

async fn by_bearer(world: &World, target: &str, key: &str) -> Reply {
    world.get(target).header("authorization", &format!("Bearer {key}")).send().await
}

async fn by_header(world: &World, target: &str, key: &str) -> Reply {
    world.get(target).header("x-api-key", key).send().await
}

async fn revoke(world: &World, id: &str) -> Reply {
    world.as_user("ann", "editor", "DELETE", &format!("{KEYS}/{id}")).send().await
}

#[tokio::test]
async fn a_key_calls_as_who_published() {
    let world = World::new().await;
    published(&world).await;
    let (id, key) = key(&world, "dashboard").await;
    let called = by_bearer(&world, &format!("{CALL}?channel=web"), &key).await.expect(200);
    assert_eq!(called["row_count"], 2, "{called}");
    let again = by_header(&world, &format!("{CALL}?format=csv"), &key).await;
    assert_eq!((again.status.as_u16(), again.header("x-air-row-count")), (200, "2"));

    let run = format!("/v1/runs/{}", called["run_id"].as_str().unwrap());
    let shown = world.as_user("ann", "editor", "GET", &run).send().await.expect(200);
    assert_eq!(shown["owner"], "ann");
    // What it called with stays closed to it.
    by_bearer(&world, &run, &key).await.problem(401, "unauthorized");
    by_bearer(&world, &format!("{run}/rows"), &key).await.problem(401, "unauthorized");

    let listed = world.as_user("ann", "editor", "GET", KEYS).send().await.expect(200);
    let one = &listed["items"][0];
    assert_eq!((&one["id"], &one["name"]), (&json!(id), &json!("dashboard")));
    assert!(one["last_used_at"].is_string() && one["key"].is_null(), "{one}");
    assert!(!listed.to_string().contains(&key[40..]), "{listed}");
}

#[tokio::test]
async fn a_key_opens_nothing_else() {
    let world = World::new().await;
    let session = published(&world).await;
    publish(&world, &session, json!({"slug": "other"})).await.expect(201);
    let (_, key) = key(&world, "dashboard").await;
    by_bearer(&world, "/v1/endpoints/other", &key).await.problem(403, "forbidden");
    by_header(&world, "/v1/endpoints/other", &key).await.problem(403, "forbidden");
    for target in [
        "/v1/endpoints",
        "/v1/endpoints/openapi.yaml",
        KEYS,
        "/v1/datasources",
        "/v1/reports/by-region",
        "/v1/jobs",
        "/v1/ai/tools",
        "/metrics",
        "/v1/ws",
    ] {
        by_bearer(&world, target, &key).await.problem(401, "unauthorized");
        by_header(&world, target, &key).await.problem(401, "unauthorized");
    }
    let bearer = format!("Bearer {key}");
    for (method, target) in
        [("DELETE", CALL), ("POST", KEYS), ("POST", "/v1/reports/by-region/run")]
    {
        let call = world.call(method, target).header("authorization", &bearer);
        call.json(&json!({})).send().await.problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let world = World::new().await;
    published(&world).await;
    let (id, key) = key(&world, "dashboard").await;
    let changed = match key.ends_with('A') {
        true => format!("{}E", &key[..key.len() - 1]),
        false => format!("{}A", &key[..key.len() - 1]),
    };
    let digits = id.trim_start_matches("ekey_");
    let other = key.replace(digits, "0192f0c17a6b70008000000000000001");
    for wrong in ["air_key_", "air_key_x_y", &key[..60], &changed, &other, &id] {
        by_header(&world, CALL, wrong).await.problem(401, "unauthorized");
        by_bearer(&world, CALL, wrong).await.problem(401, "unauthorized");
    }
    by_header(&world, CALL, "somebody else's").await.problem(401, "unauthorized");
    // A token goes before the header for keys.
    let both = world.as_user("bob", "viewer", "GET", CALL).header("x-api-key", "air_key_x_y");
    both.send().await.expect(200);
}

#[tokio::test]
async fn a_key_that_is_revoked_is_refused_at_once() {
    let world = World::new().await;
    let session = published(&world).await;
    let (first, one) = key(&world, "one").await;
    let (_, other) = key(&world, "other").await;
    by_bearer(&world, CALL, &one).await.expect(200);
    assert_eq!(revoke(&world, &first).await.status.as_u16(), 204);
    by_bearer(&world, CALL, &one).await.problem(401, "unauthorized");
    by_bearer(&world, CALL, &other).await.expect(200);
    revoke(&world, &first).await.problem(404, "not_found");
    revoke(&world, "ekey_x").await.problem(404, "not_found");

    // A slug that became free and was taken again has none of the keys of before.
    let gone = world.as_user("ann", "editor", "DELETE", CALL).send().await;
    assert_eq!(gone.status.as_u16(), 204);
    by_bearer(&world, CALL, &other).await.problem(401, "unauthorized");
    publish(&world, &session, json!({"slug": "by-region"})).await.expect(201);
    by_bearer(&world, CALL, &other).await.problem(401, "unauthorized");
    let listed = world.as_user("ann", "editor", "GET", KEYS).send().await.expect(200);
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn keys_are_the_publishers_and_admins() {
    let world = World::new().await;
    published(&world).await;
    made(&world, "bob", "editor", "mine").await.problem(403, "forbidden");
    world.as_user("bob", "editor", "GET", KEYS).send().await.problem(403, "forbidden");
    let by_admin = made(&world, "adm", "admin", "theirs").await.expect(201);
    assert_eq!(by_admin["created_by"], "adm");
    let called = by_bearer(&world, CALL, by_admin["key"].as_str().unwrap()).await.expect(200);
    let run = format!("/v1/runs/{}", called["run_id"].as_str().unwrap());
    let run = world.as_user("adm", "admin", "GET", &run).send().await.expect(200);
    assert_eq!(run["owner"], "ann", "it calls as who published, not as who made the key");
    let away = format!("{KEYS}/{}", by_admin["id"].as_str().unwrap());
    world.as_user("bob", "editor", "DELETE", &away).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn calls_are_counted_for_each_key() {
    let config = CONFIG.replace("limits: {", "limits: {endpoint_calls_per_minute: 2, ");
    let world = World::with(true, &config).await;
    published(&world).await;
    let ((_, one), (_, other)) = (key(&world, "one").await, key(&world, "other").await);
    for _ in 0..2 {
        by_bearer(&world, CALL, &one).await.expect(200);
    }
    let refused = by_header(&world, CALL, &one).await;
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|wait| wait > 0));
    refused.problem(429, "too_many_requests");
    by_bearer(&world, CALL, &other).await.expect(200);
    world.as_user("ann", "editor", "GET", CALL).send().await.expect(200);
}

#[tokio::test]
async fn a_key_is_in_the_audit_log_by_its_id_and_nowhere_itself() {
    let world = World::new().await;
    published(&world).await;
    let (id, key) = key(&world, "canary").await;
    by_bearer(&world, CALL, &key).await.expect(200);
    let entries = crate::audit::entries(&world, "&action=call_endpoint", 1).await;
    let entry = &entries[0];
    assert_eq!((&entry["actor"], &entry["subject"]), (&json!("ann"), &json!("by-region")));
    assert_eq!(entry["detail"]["key_id"], id);
    assert_eq!(revoke(&world, &id).await.status.as_u16(), 204);
    let revoked = crate::audit::entries(&world, "&action=delete_endpoint_key", 1).await;
    assert_eq!(revoked[0]["subject"], id);
    by_bearer(&world, CALL, &key).await.expect(401);
    let refused = crate::audit::entries(&world, "&action=token.refused", 1).await;
    let all = json!(crate::audit::entries(&world, "", 4).await).to_string();
    assert!(!all.contains(&key[41..]), "{all} {refused:?}");
    for file in files(world.folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let secret = &key.as_bytes()[41..];
        assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{}", file.display());
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn an_endpoint_has_so_many_keys() {
    let world = World::new().await;
    published(&world).await;
    for _ in 0..100 {
        made(&world, "ann", "editor", "one of many").await.expect(201);
    }
    let refused: Value =
        made(&world, "ann", "editor", "too many").await.problem(422, "limit_exceeded");
    assert!(refused["detail"].as_str().unwrap().contains("100"), "{refused}");
    let first = world.as_user("ann", "editor", "GET", &format!("{KEYS}?limit=60")).send().await;
    let first = first.expect(200);
    let next = format!("{KEYS}?limit=60&cursor={}", first["next"].as_str().unwrap());
    let rest = world.as_user("ann", "editor", "GET", &next).send().await.expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 40);
    assert_eq!(rest["next"], Value::Null);
}
