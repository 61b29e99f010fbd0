//! No endpoint without a success, an authorisation and a validation test.
//!
//! `tests/cases/coverage.yaml` has a case for each operation of the contract. An operation that has
//! none fails here, and so does a case of none.

use crate::sessions::{open, upload};
use crate::world::{Reply, World};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Operations that may have no case. It may only get shorter.
const WITHOUT: &[&str] = &[];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    cases: BTreeMap<String, Case>,
    elsewhere: BTreeMap<String, Elsewhere>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The role that the request is sent with.
    #[serde(default = "viewer")]
    r#as: String,
    get: Option<String>,
    post: Option<String>,
    patch: Option<String>,
    delete: Option<String>,
    body: Option<Value>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default = "ok")]
    status: u16,
    invalid: Option<Box<Case>>,
}

/// The names of tests that show what one request cannot.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    success: Vec<String>,
    validation: Vec<String>,
}

fn viewer() -> String {
    "viewer".to_owned()
}

fn ok() -> u16 {
    200
}

fn cases() -> Cases {
    serde_saphyr::from_str(include_str!("../cases/coverage.yaml")).unwrap()
}

fn contract() -> Value {
    serde_saphyr::from_str(include_str!("../../../api/openapi.yaml")).unwrap()
}

/// Operations with their roles.
fn operations() -> BTreeMap<String, Vec<String>> {
    let contract = contract();
    let mut found = BTreeMap::new();
    for item in contract["paths"].as_object().unwrap().values() {
        for method in ["get", "post", "patch", "put", "delete"] {
            let operation = &item[method];
            if let Some(name) = operation["operationId"].as_str() {
                let roles = operation["x-roles"].as_array().unwrap().iter();
                let roles = roles.map(|role| role.as_str().unwrap().to_owned()).collect();
                found.insert(name.to_owned(), roles);
            }
        }
    }
    found
}

/// A world with one of everything, and the ids of what has one.
async fn furnished() -> (World, Vec<(&'static str, String)>) {
    let world = World::new().await;
    let post = |target: &str, body: Value| {
        world.as_user("ann", "admin", "POST", target).json(&body).send()
    };
    post("/v1/learn?datasource_id=shop", json!({})).await.expect(200);
    post("/v1/datasources", json!({"id": "spare", "kind": "files", "base_path": "shop"}))
        .await
        .expect(201);
    for key in ["kept", "spare", "spare2"] {
        post("/v1/reports", json!({"key": key, "title": key})).await.expect(201);
    }
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]});
    let version = json!({"datasource_id": "shop", "def": {"version": "1", "ir": ir}});
    post("/v1/reports/kept/versions", version).await.expect(201);
    let run = post("/v1/reports/kept/run", json!({})).await.expect(200);
    let asked = json!({"datasource_id": "shop", "question": "how many orders"});
    let asked = post("/v1/ask", asked).await.expect(200);
    post("/v1/chat/rooms", json!({"id": "kept"})).await.expect(201);
    let (file, session, spare) = sessions(&world).await;
    let key = post("/v1/endpoints/kept-endpoint/keys", json!({"name": "kept"})).await.expect(201);
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let ids = vec![
        ("{run}", id(&run["run_id"])),
        ("{scope}", id(&asked["scope_id"])),
        ("{version}", id(&asked["scope_version_id"])),
        ("{file}", file),
        ("{session}", session),
        ("{spare_session}", spare),
        ("{endpoint_key}", id(&key["id"])),
    ];
    (world, ids)
}

/// A file, a session whose answer is published twice, and one to remove.
async fn sessions(world: &World) -> (String, String, String) {
    let file = upload(world, "ann", "sales.csv", "id,region\n1,north\n2,south\n3,north\n").await;
    let (session, spare) = (open(world, "ann", &[&file]).await, open(world, "ann", &[&file]).await);
    let post = async |target: &str, body: Value, status: u16| {
        let target = format!("/v1/learning-sessions/{session}/{target}");
        world.as_user("ann", "editor", "POST", &target).json(&body).send().await.expect(status)
    };
    post("messages", json!({"text": "number of sales by region"}), 200).await;
    for slug in ["kept-endpoint", "spare-endpoint"] {
        post("publish", json!({"slug": slug}), 201).await;
    }
    (file, session, spare)
}

fn filled(text: &str, ids: &[(&'static str, String)]) -> String {
    ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
}

/// The method and address of a case.
fn target(case: &Case) -> (&'static str, &str) {
    let methods = [
        ("GET", &case.get),
        ("POST", &case.post),
        ("PATCH", &case.patch),
        ("DELETE", &case.delete),
    ];
    let named = methods.into_iter().find_map(|(m, t)| Some((m, t.as_deref()?)));
    named.expect("a case names a method and an address")
}

async fn sent(
    world: &World,
    case: &Case,
    role: Option<&str>,
    ids: &[(&'static str, String)],
) -> Reply {
    let (method, at) = target(case);
    let at = filled(at, ids);
    let mut call = match role {
        Some(role) => world.as_user("ann", role, method, &at),
        None => world.call(method, &at),
    };
    for (name, value) in &case.headers {
        call = call.header(Box::leak(name.clone().into_boxed_str()), value);
    }
    match &case.body {
        Some(body) => {
            let body = serde_json::from_str(&filled(&body.to_string(), ids)).unwrap();
            call.json(&body).send().await
        }
        None => call.send().await,
    }
}

#[test]
fn every_operation_has_its_tests_and_every_test_its_operation() {
    let Cases { cases, elsewhere } = cases();
    let listed: BTreeSet<&str> = cases
        .keys()
        .chain(elsewhere.keys())
        .map(String::as_str)
        .chain(WITHOUT.iter().copied())
        .collect();
    let operations = operations();
    let known: BTreeSet<&str> = operations.keys().map(String::as_str).collect();
    let missing: Vec<_> = known.difference(&listed).collect();
    assert!(missing.is_empty(), "no case in tests/cases/coverage.yaml for {missing:?}");
    let strange: Vec<_> = listed.difference(&known).collect();
    assert!(strange.is_empty(), "the contract has no {strange:?}");
    assert!(WITHOUT.is_empty(), "the list may only get shorter");
}

#[test]
fn tests_that_are_elsewhere_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = String::new();
    for folder in ["server/tests/it", "server/src", "tests"] {
        read_into(&root.join(folder), &mut sources);
    }
    for (operation, named) in cases().elsewhere {
        assert!(!named.success.is_empty() && !named.validation.is_empty(), "{operation}");
        for test in named.success.iter().chain(&named.validation) {
            let there = [format!("fn {test}("), format!("def {test}(")];
            assert!(there.iter().any(|text| sources.contains(text)), "{operation}: no test {test}");
        }
    }
}

/// The text of every Rust and Python file below a folder.
fn read_into(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if path.is_dir() {
            read_into(&path, text);
        } else if kind == "rs" || kind == "py" {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[tokio::test]
async fn every_operation_succeeds_for_its_roles_and_for_nobody_else() {
    let (world, ids) = furnished().await;
    let operations = operations();
    for (name, case) in cases().cases {
        let roles = &operations[&name];
        let open = roles.is_empty();
        if !open {
            sent(&world, &case, None, &ids).await.problem(401, "unauthorized");
            for role in ["viewer", "editor", "admin"] {
                if !roles.iter().any(|r| r == role) {
                    sent(&world, &case, Some(role), &ids).await.problem(403, "forbidden");
                }
            }
            let least = ["viewer", "editor", "admin"].into_iter();
            let least = least.into_iter().find(|role| roles.iter().any(|r| r == role));
            assert_eq!(least, Some(case.r#as.as_str()), "{name} is tried with the least role");
        }
        let role = (!open).then_some(case.r#as.as_str());
        let reply = sent(&world, &case, role, &ids).await;
        assert_eq!(reply.status.as_u16(), case.status, "{name}: {}", reply.text());
    }
}

#[tokio::test]
async fn every_operation_knows_its_query() {
    let world = World::new().await;
    let contract = contract();
    for (path, item) in contract["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PATCH", "DELETE"] {
            let operation = &item[method.to_ascii_lowercase()];
            let Some(name) = operation["operationId"].as_str() else { continue };
            let parts = path.split('/').map(|p| if p.starts_with('{') { "x" } else { p });
            let at = format!("{}?nonsense=1", parts.collect::<Vec<_>>().join("/"));
            let reply = world.as_user("ann", "admin", method, &at).send().await;
            let status = reply.status.as_u16();
            // A socket is refused where nobody asks for one.
            let fits = match operation["x-roles"].as_array().is_none_or(Vec::is_empty) {
                // Who asks without a token may carry what they like, such as a cache breaker.
                true => status == 200,
                false if name == "open_socket" => [400, 422, 426].contains(&status),
                // Its query is the endpoint's own, and here there is none.
                false if name == "call_endpoint" => status == 404,
                false => status == 400 || status == 422,
            };
            assert!(fits, "{name}: {status} {}", reply.text());
        }
    }
}

/// Operations that have a parameter of this name in the contract.
fn with_parameter(name: &str) -> BTreeSet<String> {
    let wanted = format!("#/components/parameters/{name}");
    let contract = contract();
    let items = contract["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    operations
        .filter(|operation| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters.into_iter().any(|p| p["$ref"] == wanted.as_str())
        })
        .filter_map(|operation| operation["operationId"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn every_list_knows_its_cursors() {
    let (world, ids) = furnished().await;
    let lists = with_parameter("Cursor");
    assert!(lists.len() >= 6, "{lists:?}");
    for (name, case) in cases().cases {
        if !lists.contains(&name) {
            continue;
        }
        let (method, at) = target(&case);
        for cursor in ["Zm9v", "YXVkaXQKbm90aGluZw"] {
            let at = format!("{}?cursor={cursor}", filled(at, &ids));
            let reply = world.as_user("ann", &case.r#as, method, &at).send().await;
            let found = reply.status.as_u16();
            // A cursor of one list may be one of its own, and of no other.
            assert!(found == 422 || name == "list_audit", "{name} {cursor}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn every_call_with_a_key_is_done_once() {
    let (world, ids) = furnished().await;
    let keyed = with_parameter("IdempotencyKey");
    assert!(keyed.len() >= 10, "{keyed:?}");
    for (name, mut case) in cases().cases {
        if !keyed.contains(&name) {
            continue;
        }
        case.headers.insert("idempotency-key".to_owned(), "a b".to_owned());
        let bad = sent(&world, &case, Some(&case.r#as), &ids).await.problem(422, "invalid");
        assert_eq!(bad["errors"][0]["pointer"], "Idempotency-Key:", "{name}");
        case.headers.insert("idempotency-key".to_owned(), format!("once-{name}"));
        let first = sent(&world, &case, Some(&case.r#as), &ids).await;
        assert_eq!(first.status.as_u16(), case.status, "{name}: {}", first.text());
        let again = sent(&world, &case, Some(&case.r#as), &ids).await;
        assert_eq!(again.status, first.status, "{name}: {}", again.text());
        assert_eq!(again.bytes, first.bytes, "{name}");
        for header in ["etag", "location", "x-air-run-id"] {
            assert_eq!(again.header(header), first.header(header), "{name} {header}");
        }
    }
}

#[tokio::test]
async fn every_operation_refuses_what_does_not_fit() {
    let (world, ids) = furnished().await;
    let operations = operations();
    for (name, case) in cases().cases {
        // What needs no token takes nothing in that could not fit.
        if operations[&name].is_empty() {
            assert!(case.invalid.is_none(), "{name}");
            continue;
        }
        let strange = |at: &str| match at.contains('?') {
            true => format!("{at}&nonsense=1"),
            false => format!("{at}?nonsense=1"),
        };
        let (method, at) = target(&case);
        let reply = match &case.invalid {
            Some(invalid) => {
                let reply = sent(&world, invalid, Some(&case.r#as), &ids).await;
                assert_eq!(reply.status.as_u16(), invalid.status, "{name}: {}", reply.text());
                reply
            }
            None => {
                let at = strange(&filled(at, &ids));
                world.as_user("ann", &case.r#as, method, &at).send().await
            }
        };
        let status = reply.status.as_u16();
        assert!(status == 400 || status == 422, "{name}: {status} {}", reply.text());
        assert_eq!(reply.header("content-type"), "application/problem+json", "{name}");
        let problem = reply.json();
        assert!(problem["code"].is_string() && problem["request_id"].is_string(), "{problem}");
    }
}
