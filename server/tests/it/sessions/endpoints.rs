//! Endpoints: published, called with parameters, described, taken out of use.

use serde_json::{Value, json};

use super::{get, say, session};
use crate::world::{Reply, World};

pub(super) async fn publish(world: &World, session: &str, body: Value) -> Reply {
    let target = format!("/v1/learning-sessions/{session}/publish");
    world.as_user("ann", "editor", "POST", &target).json(&body).send().await
}

/// A call by somebody who knows nothing of the session.
async fn call(world: &World, target: &str) -> Reply {
    world.as_user("bob", "viewer", "GET", &format!("/v1/endpoints/{target}")).send().await
}

pub(super) async fn published(world: &World) -> String {
    let id = session(world).await;
    say(world, &id, json!({"text": "total amount by region"})).await;
    let params = json!([
        {"name": "channel", "type": "text", "allowed": ["web", "shop", "phone"], "many": true},
        {"name": "since", "type": "date", "field": "sold_at", "op": ">=", "default": "2024-01-01"},
        {"name": "least", "type": "number", "field": "amount", "op": ">=", "description": "Sales of so much."},
    ]);
    let body =
        json!({"slug": "by-region", "description": "What each region sold.", "params": params});
    let endpoint = publish(world, &id, body).await;
    assert_eq!(endpoint.header("location"), "/v1/endpoints/by-region");
    let endpoint = endpoint.expect(201);
    assert_eq!(endpoint["version"], 1);
    let names: Vec<_> =
        endpoint["columns"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
    assert_eq!(names, ["stores.region", "total_amount"]);
    id
}

fn sum(fits: impl Fn(u32) -> bool) -> f64 {
    (1..=60).filter(|i| fits(*i)).map(|i| f64::from(i) + 0.5).sum()
}

#[tokio::test]
async fn anyone_with_a_token_calls_it_with_typed_parameters() {
    let world = World::new().await;
    let id = published(&world).await;
    let north = |i: u32| i % 6 < 3;
    let rows = |reply: Value| reply["rows"].clone();
    let all = call(&world, "by-region").await;
    assert_eq!(all.header("x-air-report-key"), "by-region");
    assert_eq!(all.header("x-air-report-version"), "1");
    let all = all.expect(200);
    assert_eq!(rows(all.clone())[0]["total_amount"], sum(north), "{all}");
    assert_eq!(all["params"], json!({"since": "2024-01-01"}));
    // Five sales a month: the sales from March on are those from 11.
    let some = call(&world, "by-region?since=2024-03-01&channel=web&channel=shop&least=20").await;
    let some = some.expect(200);
    let fits = |i: u32| north(i) && i >= 20 && i % 3 < 2;
    assert_eq!(rows(some.clone())[0]["total_amount"], sum(fits), "{some}");
    let web = call(&world, "by-region?channel=web").await.expect(200);
    assert_eq!(rows(web)[0]["total_amount"], sum(|i| north(i) && i % 3 == 0));

    // The run is the caller's; the report runs the same, and the source stays its owner's.
    let run = format!("/v1/runs/{}", all["run_id"].as_str().unwrap());
    let run = world.as_user("bob", "viewer", "GET", &run).send().await.expect(200);
    assert_eq!((&run["owner"], &run["report_key"]), (&json!("bob"), &json!("by-region")));
    let report = world.as_user("bob", "viewer", "POST", "/v1/reports/by-region/run");
    let report = report.json(&json!({"params": {"channel": ["web"]}})).send().await.expect(200);
    assert_eq!(report["rows"][0]["total_amount"], sum(|i| north(i) && i % 3 == 0));
    let ask = json!({"datasource_id": &id, "question": "total amount by region"});
    world
        .as_user("bob", "viewer", "POST", "/v1/ask")
        .json(&ask)
        .send()
        .await
        .problem(404, "not_found");

    for (format, media) in [
        ("csv", "text/csv; charset=utf-8"),
        ("ndjson", "application/x-ndjson"),
        ("arrow", "application/vnd.apache.arrow.stream"),
        ("parquet", "application/vnd.apache.parquet"),
    ] {
        let reply = call(&world, &format!("by-region?format={format}")).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, media));
        assert_eq!(reply.header("x-air-row-count"), "2");
    }
    let csv = world.as_user("bob", "viewer", "GET", "/v1/endpoints/by-region?least=60");
    let csv = csv.header("accept", "text/csv").send().await;
    assert_eq!(csv.text(), "stores.region,total_amount\r\nnorth,60.5\r\n");
}

#[tokio::test]
async fn wrong_parameters_are_told_all_at_once() {
    let world = World::new().await;
    published(&world).await;
    let wrong = call(&world, "by-region?chanel=web&channel=wep&least=many&since=2024-02-30").await;
    let wrong = wrong.problem(422, "invalid");
    let mut told: Vec<_> = wrong["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    let wanted = [
        ("?chanel", "unknown_parameter"),
        ("?channel", "bad_value"),
        ("?least", "bad_type"),
        ("?since", "bad_type"),
    ];
    assert_eq!(told, wanted, "{wrong}");
    let near = |pointer: &str| {
        let errors = wrong["errors"].as_array().unwrap();
        errors.iter().find(|e| e["pointer"] == pointer).unwrap()["nearest"][0].clone()
    };
    assert_eq!((near("?chanel"), near("?channel")), (json!("channel"), json!("web")));
    call(&world, "by-region?least=1&least=2").await.problem(422, "invalid");
    call(&world, "by-region?version=7").await.problem(404, "not_found");
    call(&world, "by-region?version=0").await.problem(422, "invalid");
    let problem = call(&world, "by-region?now=soon").await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "?now", "{problem}");
    call(&world, "by-regoin").await.problem(404, "not_found");
    let nobody = world.get("/v1/endpoints/by-region").send().await;
    nobody.problem(401, "unauthorized");
}

#[tokio::test]
async fn versions_stay_until_the_endpoint_goes() {
    let world = World::new().await;
    let id = published(&world).await;
    let by_month = say(&world, &id, json!({"text": "total amount by month"})).await;
    let required = json!([{"name": "region", "type": "text", "required": true}]);
    let body =
        json!({"slug": "by-region", "message_id": by_month["message_id"], "params": required});
    let second = publish(&world, &id, body).await.expect(201);
    assert_eq!((&second["version"], &second["versions"]), (&json!(2), &json!([1, 2])));
    assert_eq!(second["title"], "total amount by region", "a version keeps the title");
    assert_eq!(call(&world, "by-region?version=1").await.expect(200)["row_count"], 2);
    let missing = call(&world, "by-region").await.problem(422, "invalid");
    let error = &missing["errors"][0];
    assert_eq!(
        (&error["pointer"], &error["code"]),
        (&json!("?region"), &json!("missing_parameter"))
    );
    assert_eq!(call(&world, "by-region?region=north").await.expect(200)["row_count"], 12);

    let session = get(&world, &format!("/v1/learning-sessions/{id}")).await;
    let both = json!([{"slug": "by-region", "version": 1}, {"slug": "by-region", "version": 2}]);
    assert_eq!((&session["endpoints"], &session["status"]), (&both, &json!("published")));
    let listed = world.as_user("bob", "viewer", "GET", "/v1/endpoints").send().await.expect(200);
    assert_eq!(listed["items"][0]["version"], 2, "{listed}");

    // Another's slug, and the key of a report, are taken.
    let file = super::upload(&world, "bob", "sales.csv", &super::sales()).await;
    let other = super::open(&world, "bob", &[&file]).await;
    let bob = |rest: &str| format!("/v1/learning-sessions/{other}/{rest}");
    let words = json!({"text": "number of sales"});
    world.as_user("bob", "editor", "POST", &bob("messages")).json(&words).send().await.expect(200);
    let taken = json!({"slug": "by-region"});
    let taken = world.as_user("bob", "editor", "POST", &bob("publish")).json(&taken).send().await;
    taken.problem(409, "already_exists");
    let away = "/v1/endpoints/by-region";
    world.as_user("bob", "editor", "DELETE", away).send().await.problem(403, "forbidden");
    // Nor is its report another's to remove or to change.
    let report = |method: &'static str, path: &str| {
        let path = format!("/v1/reports/by-region{path}");
        world.as_user("bob", "editor", method, &path).header("if-match", "*")
    };
    report("DELETE", "").send().await.problem(403, "forbidden");
    let ir = json!({"entities": ["sales"], "metrics": [{"name": "n", "agg": "count"}]});
    let version = json!({"def": {"version": "1", "ir": ir}});
    report("POST", "/versions").json(&version).send().await.problem(403, "forbidden");
    assert_eq!(call(&world, "by-region?region=north").await.expect(200)["row_count"], 12);

    let session = format!("/v1/learning-sessions/{id}");
    world.as_user("ann", "editor", "DELETE", &session).send().await.problem(409, "in_use");
    let gone = world.as_user("ann", "editor", "DELETE", away).send().await;
    assert_eq!(gone.status.as_u16(), 204, "{}", gone.text());
    call(&world, "by-region").await.problem(404, "not_found");
    let report = world.as_user("bob", "viewer", "POST", "/v1/reports/by-region/run").send().await;
    report.problem(404, "not_found");
    let again = publish(&world, &id, json!({"slug": "by-region"})).await.expect(201);
    assert_eq!(again["version"], 1, "{again}");
    world.as_user("ann", "editor", "DELETE", away).send().await;
    let gone = world.as_user("ann", "editor", "DELETE", &session).send().await;
    assert_eq!(gone.status.as_u16(), 204, "{}", gone.text());
}

#[tokio::test]
async fn what_cannot_be_published_is_told_by_its_place() {
    let world = World::new().await;
    let id = session(&world).await;
    publish(&world, &id, json!({"slug": "early"})).await.problem(422, "invalid");
    let answer = say(&world, &id, json!({"text": "total amount by region"})).await;
    let param = |more: Value| {
        let mut param = json!({"name": "region", "type": "text"});
        param.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"slug": "x", "params": [param]})
    };
    let run = &answer["result"]["run_id"];
    for (body, pointer, code) in [
        (param(json!({"type": "integer"})), "/params/0/type", "type_mismatch"),
        (param(json!({"field": "regoin"})), "/params/0/field", "unknown_column"),
        (param(json!({"name": "format", "field": "region"})), "/params/0/name", "bad_value"),
        (param(json!({"op": "=="})), "/params/0/op", "bad_value"),
        (param(json!({"default": 7})), "/params/0/default", "bad_value"),
        (
            json!({"slug": "x", "run_id": "run_0192f0c17a6b70008000000000000001"}),
            "/run_id",
            "bad_value",
        ),
        (json!({"slug": "import"}), "/slug", "bad_value"),
    ] {
        let problem = publish(&world, &id, body.clone()).await.problem(422, "invalid");
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code)),
            "{body} {problem}"
        );
    }
    let both = json!({"slug": "x", "run_id": run, "message_id": answer["message_id"]});
    publish(&world, &id, both).await.problem(422, "invalid");
    publish(&world, &id, json!({"slug": "by-run", "run_id": run})).await.expect(201);
    let title = json!({"slug": "titled", "title": "Regions", "message_id": answer["message_id"]});
    assert_eq!(publish(&world, &id, title).await.expect(201)["title"], "Regions");
}

#[tokio::test]
async fn an_endpoint_is_a_function_and_has_a_document() {
    let world = World::new().await;
    published(&world).await;
    let tools = world.as_user("bob", "viewer", "GET", "/v1/ai/tools").send().await.expect(200);
    let named = |tool: &&Value| tool["function"]["name"] == "endpoint_by-region";
    let tool = tools["tools"].as_array().unwrap().iter().find(named).unwrap();
    let parameters = &tool["function"]["parameters"];
    assert_eq!(parameters["properties"]["least"]["type"], "number", "{tool}");
    assert_eq!(parameters["properties"]["since"]["default"], "2024-01-01");
    assert_eq!(parameters["additionalProperties"], false);
    assert_eq!(tools["calls"]["endpoint_by-region"]["path"], "/v1/endpoints/by-region");
    // By the protocol it is called like any other.
    let arguments = json!({"channel": ["web", "shop"], "least": 20});
    let asked = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "endpoint_by-region", "arguments": arguments}});
    let mcp = world.as_user("bob", "viewer", "POST", "/mcp").header("host", "air.example");
    let mcp = mcp.header("accept", "application/json, text/event-stream").json(&asked).send().await;
    let told = mcp.expect(200);
    let rows = &told["result"]["structuredContent"]["rows"];
    let fits = |i: u32| i % 6 < 3 && i >= 20 && i % 3 < 2;
    assert_eq!(rows[0]["total_amount"], sum(fits), "{told}");

    let document = world.as_user("bob", "viewer", "GET", "/v1/endpoints/openapi.yaml").send().await;
    assert_eq!(document.header("content-type"), "application/yaml");
    let document: Value = serde_saphyr::from_str(&document.text()).unwrap();
    let get = &document["paths"]["/v1/endpoints/by-region"]["get"];
    let parameter = |name: &str| {
        let all = get["parameters"].as_array().unwrap();
        all.iter().find(|p| p["name"] == name).unwrap().clone()
    };
    assert_eq!(parameter("since")["schema"]["format"], "date");
    assert_eq!(parameter("channel")["schema"]["items"]["enum"], json!(["web", "shop", "phone"]));
    assert_eq!(parameter("version")["schema"]["enum"], json!([1]));
    let rows =
        &get["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["rows"];
    assert_eq!(rows["items"]["properties"]["total_amount"]["x-role"], "measure", "{get}");
}
