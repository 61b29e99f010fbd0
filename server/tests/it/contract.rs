//! The router is the contract, both ways.

use crate::world::World;
use serde_json::Value;

fn contract() -> Value {
    serde_saphyr::from_str(include_str!("../../../api/openapi.yaml")).unwrap()
}

/// A path of the contract with something in place of its names.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|p| if p.starts_with('{') { "x" } else { p });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn each_operation_of_the_contract_is_there_and_wants_the_role_it_says() {
    let world = World::new().await;
    let contract = contract();
    let mut operations = 0;
    for (path, item) in contract["paths"].as_object().unwrap() {
        for method in ["GET", "POST", "PATCH", "DELETE"] {
            let operation = &item[method.to_ascii_lowercase()];
            if operation.is_null() {
                continue;
            }
            operations += 1;
            let reply = world.call(method, &filled(path)).send().await;
            let open = operation["x-roles"].as_array().unwrap().is_empty();
            let status = reply.status.as_u16();
            assert_eq!(status == 401, !open, "{method} {path}: {status}");
            if open {
                assert!(reply.status.is_success(), "{method} {path}: {status}");
                continue;
            }
            assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"air\"");
            for role in ["viewer", "editor", "admin"] {
                let reply = world.as_user("ann", role, method, &filled(path)).send().await;
                let may = operation["x-roles"].as_array().unwrap().iter().any(|r| r == role);
                assert_eq!(reply.status.as_u16() == 403, !may, "{method} {path} {role}");
                let listed = operation["responses"][reply.status.as_str()].is_object();
                assert!(listed, "{method} {path} {role}: {} is not in the contract", reply.status);
            }
        }
    }
    assert!(operations > 30, "the contract was read");
}

#[tokio::test]
async fn what_the_contract_does_not_have_is_not_there() {
    let world = World::new().await;
    for path in ["/", "/v1", "/v1/nothing", "/v1/reports/a/b/c", "/v1/reports/"] {
        world.get(path).send().await.problem(404, "not_found");
    }
    let contract = contract();
    for (path, item) in contract["paths"].as_object().unwrap() {
        for method in ["PUT", "PATCH", "DELETE", "POST", "GET"] {
            let key = method.to_ascii_lowercase();
            if item[&key].is_null() && filled(path) != "/v1/reports/import" {
                let reply = world.call(method, &filled(path)).send().await;
                assert!(!reply.header("allow").is_empty(), "{method} {path}");
                reply.problem(405, "method_not_allowed");
            }
        }
    }
}
