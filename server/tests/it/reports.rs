//! A report's life: created, defined, run, exported, imported, archived.

use crate::world::{Reply, World};
use serde_json::{Value, json};

fn definition() -> Value {
    json!({
        "version": "1",
        "ir": {
            "entities": ["orders"],
            "dimensions": ["region"],
            "metrics": [{"name": "total", "agg": "sum", "field": "amount"}],
            "filters": [
                {"field": "placed_at", "op": ">=", "value": "{{dateFrom}}"},
                {"field": "placed_at", "op": "<", "value": "{{dateTo}}"},
                {"field": "region", "op": "=", "value": "{{region}}"}
            ]
        },
        "params": {
            "exposed": ["dateFrom", "dateTo", "region"],
            "schema": {
                "type": "object",
                "properties": {
                    "dateFrom": {"type": "string", "format": "date-time"},
                    "dateTo": {"type": "string", "format": "date-time"},
                    "region": {"type": "string"}
                },
                "required": ["dateFrom", "dateTo"]
            },
            "defaults": {"dateTo": "2024-03-01T00:00:00Z"}
        },
        "visuals": [{"type": "bar", "x": "region", "y": "total"}],
        "notes": "Revenue by region."
    })
}

async fn saved(world: &World, datasource: Option<&str>) -> Reply {
    let new = json!({"key": "revenue", "title": "Revenue"});
    world.post("/v1/reports").json(&new).send().await.expect(201);
    let mut body = json!({"def": definition()});
    if let Some(id) = datasource {
        body["datasource_id"] = json!(id);
    }
    world.post("/v1/reports/revenue/versions").json(&body).send().await
}

async fn run(world: &World, params: Value) -> Reply {
    world.post("/v1/reports/revenue/run").json(&json!({"params": params})).send().await
}

#[tokio::test]
async fn a_report_is_saved_and_run_with_other_parameters() {
    let world = World::learned().await;
    let made = saved(&world, Some("shop")).await;
    let tag = made.header("etag").to_owned();
    let made = made.expect(201);
    assert_eq!(tag, format!("\"{}\"", made["checksum"].as_str().unwrap()));
    let read = world.get("/v1/reports/revenue").send().await;
    assert_eq!(read.header("etag"), tag);
    let read = read.expect(200);
    assert_eq!(read["current"]["def"], definition());
    assert_eq!((&read["version"], &read["current"]["status"]), (&json!(1), &json!("active")));

    let all = run(&world, json!({"dateFrom": "2024-01-01T00:00:00Z"})).await.expect(200);
    assert_eq!(
        all["rows"],
        json!([{"region": "=cmd", "total": "7.00"}, {"region": "north", "total": "15.75"},
               {"region": "south", "total": "20.00"}])
    );
    assert_eq!((&all["report_key"], &all["version"]), (&json!("revenue"), &json!(1)));
    assert_eq!(all["params"]["dateTo"], "2024-03-01T00:00:00Z", "defaults are shown");
    let one = json!({"dateFrom": "2024-02-01T00:00:00Z", "region": "north"});
    let one = run(&world, one).await.expect(200);
    assert_eq!(one["rows"], json!([{"region": "north", "total": "5.25"}]));

    let runs = world.get("/v1/reports/revenue/runs").send().await.expect(200);
    assert_eq!(runs["items"].as_array().unwrap().len(), 2);
    assert_eq!(runs["items"][0]["run_id"], one["run_id"], "newest first");
    let failed = world.get("/v1/reports/revenue/runs?status=failed").send().await.expect(200);
    assert_eq!(failed["items"], json!([]));
}

#[tokio::test]
async fn wrong_parameters_are_one_problem_that_lists_all() {
    let world = World::learned().await;
    saved(&world, Some("shop")).await.expect(201);
    let params = json!({"dateTo": "yesterday", "region": 3, "regoin": "x"});
    let problem = run(&world, params).await.problem(422, "invalid");
    let mut found: Vec<String> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| format!("{} {}", e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap()))
        .collect();
    found.sort();
    let wanted = [
        "/params/dateFrom missing_parameter",
        "/params/dateTo bad_value",
        "/params/region bad_type",
        "/params/regoin unknown_parameter",
    ];
    assert_eq!(found, wanted);
    // Nothing was run, so nothing is recorded.
    let runs = world.get("/v1/reports/revenue/runs").send().await.expect(200);
    assert_eq!(runs["items"], json!([]));
}

#[tokio::test]
async fn a_definition_is_checked_whole() {
    let world = World::learned().await;
    let new = json!({"key": "revenue", "title": "Revenue"});
    world.post("/v1/reports").json(&new).send().await.expect(201);
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut def = definition();
        change(&mut def);
        let body = json!({"def": def, "datasource_id": "shop"});
        world.post("/v1/reports/revenue/versions").json(&body).send()
    };
    let cases: [(&dyn Fn(&mut Value), &str, &str); 8] = [
        (&|d| d["version"] = json!("2"), "/def/version", "bad_value"),
        (&|d| d["visuals"][0]["x"] = json!("regoin"), "/def/visuals/0/x", "unknown_output"),
        (
            &|d| d["params"]["schema"]["properties"] = json!({"dateFrom": {}, "dateTo": {}}),
            "/def/params/schema/properties",
            "unknown_parameter",
        ),
        (
            &|d| d["params"]["defaults"]["dateTo"] = json!("soon"),
            "/def/params/defaults/dateTo",
            "bad_value",
        ),
        (
            &|d| d["params"]["schema"]["type"] = json!("thing"),
            "/def/params/schema/type",
            "bad_value",
        ),
        (&|d| d["ir"]["limit"] = json!(0), "/def/ir/limit", "bad_limit"),
        (
            &|d| d["ir"]["metrics"][0]["field"] = json!("amuont"),
            "/def/ir/metrics/0/field",
            "unknown_column",
        ),
        (&|d| d["notse"] = json!(""), "/def/notse", "unknown_field"),
    ];
    for (change, pointer, code) in cases {
        let problem = refused(change).await.problem(422, "invalid");
        let errors = problem["errors"].as_array().unwrap();
        let found = errors.iter().any(|e| e["pointer"] == pointer && e["code"] == code);
        assert!(found, "{pointer} {code}: {problem}");
    }
}

#[tokio::test]
async fn another_version_wants_the_tag_of_the_newest() {
    let world = World::learned().await;
    let tag = saved(&world, Some("shop")).await.header("etag").to_owned();
    let next = |tag: Option<&str>| {
        let mut def = definition();
        def["notes"] = json!("Changed.");
        let body = json!({"def": def, "datasource_id": "shop"});
        let call = world.post("/v1/reports/revenue/versions").json(&body);
        match tag {
            Some(tag) => call.header("if-match", tag),
            None => call,
        }
        .send()
    };
    next(None).await.problem(428, "precondition_required");
    next(Some("\"0000\"")).await.problem(412, "precondition_failed");
    assert_eq!(next(Some(&tag)).await.expect(201)["version"], 2);
    next(Some(&tag)).await.problem(412, "precondition_failed");
    assert_eq!(next(Some("*")).await.expect(201)["version"], 3);
    let list = world.get("/v1/reports/revenue/versions?limit=2").send().await.expect(200);
    let shown: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (v["version"].clone(), v["status"].clone()))
        .collect();
    assert_eq!(shown, [(json!(3), json!("active")), (json!(2), json!("superseded"))]);
    assert!(list["next"].is_string());
    // An older version can still be run.
    let body = json!({"params": {"dateFrom": "2024-01-01T00:00:00Z"}});
    let old = world.post("/v1/reports/revenue/run?version=1").json(&body).send().await.expect(200);
    assert_eq!(old["version"], 1);
    world
        .post("/v1/reports/revenue/run?version=9")
        .json(&body)
        .send()
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn a_portable_report_is_run_on_a_source_that_is_named() {
    let world = World::learned().await;
    saved(&world, None).await.expect(201);
    let body = json!({"params": {"dateFrom": "2024-01-01T00:00:00Z"}});
    let run =
        |query: &str| world.post(&format!("/v1/reports/revenue/run{query}")).json(&body).send();
    run("").await.problem(422, "invalid");
    run("?datasource_id=none").await.problem(404, "not_found");
    assert_eq!(run("?datasource_id=shop").await.expect(200)["datasource_id"], "shop");
}

#[tokio::test]
async fn a_bound_report_is_not_run_elsewhere() {
    let world = World::learned().await;
    saved(&world, Some("shop")).await.expect(201);
    let reply = world.post("/v1/reports/revenue/run?datasource_id=other").send().await;
    assert_eq!(reply.problem(422, "invalid")["errors"][0]["pointer"], "?datasource_id");
}

#[tokio::test]
async fn an_export_is_imported_as_it_is() {
    let world = World::learned().await;
    saved(&world, Some("shop")).await.expect(201);
    let json_text = world.get("/v1/reports/revenue/export").send().await.expect(200);
    assert_eq!((&json_text["format"], &json_text["def"]), (&json!("air.report/1"), &definition()));
    let yaml = world.get("/v1/reports/revenue/export?format=yaml").send().await;
    assert_eq!(yaml.header("content-type"), "application/yaml");
    let yaml = yaml.bytes;
    let import = |key: &str, media: &'static str, bytes: Vec<u8>| {
        world.post(&format!("/v1/reports/import?key={key}")).raw(media, bytes).send()
    };
    import("revenue", "application/yaml", yaml.clone()).await.problem(409, "already_exists");
    let copy = import("copy", "application/yaml", yaml).await.expect(201);
    assert_eq!(copy["checksum"], json_text["checksum"], "the definition is the same");
    let bytes = json_text.to_string().into_bytes();
    import("copy2", "application/json", bytes.clone()).await.expect(201);
    import("import", "application/json", bytes).await.problem(422, "invalid");
    import("x", "application/yaml", b"a: [".to_vec()).await.problem(400, "bad_request");
    let body = json!({"params": {"dateFrom": "2024-01-01T00:00:00Z"}});
    let ran = world.post("/v1/reports/copy/run").json(&body).send().await.expect(200);
    assert_eq!(ran["row_count"], 3);
}

#[tokio::test]
async fn an_archived_report_frees_its_key_and_keeps_its_runs() {
    let world = World::learned().await;
    saved(&world, Some("shop")).await.expect(201);
    let ran = run(&world, json!({"dateFrom": "2024-01-01T00:00:00Z"})).await.expect(200);
    let stale =
        world.call("DELETE", "/v1/reports/revenue").header("if-match", "\"0\"").send().await;
    stale.problem(412, "precondition_failed");
    world.call("DELETE", "/v1/reports/revenue").send().await.expect(204);
    world.get("/v1/reports/revenue").send().await.problem(404, "not_found");
    let path = format!("/v1/runs/{}", ran["run_id"].as_str().unwrap());
    assert_eq!(world.get(&path).send().await.expect(200)["report_key"], "revenue");
    saved(&world, None).await.expect(201);
    let list = world.get("/v1/reports").send().await.expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_report_without_a_definition_cannot_be_run() {
    let world = World::learned().await;
    world.post("/v1/reports").json(&json!({"key": "r", "title": "R"})).send().await.expect(201);
    world.post("/v1/reports/r/run").send().await.problem(404, "not_found");
    world.get("/v1/reports/r/export").send().await.problem(404, "not_found");
    let read = world.get("/v1/reports/r").send().await;
    assert_eq!(read.header("etag"), "");
    assert_eq!(read.expect(200)["current"], Value::Null);
}

#[tokio::test]
async fn a_report_of_sql_is_read_against_the_catalog_at_each_run() {
    let world = World::learned().await;
    let new = json!({"key": "by_sql", "title": "By SQL"});
    world.post("/v1/reports").json(&new).send().await.expect(201);
    let sql = "select region, count(*) as n from orders group by region order by region";
    let def =
        json!({"version": "1", "sql": sql, "visuals": [{"type": "bar", "x": "region", "y": "n"}]});
    let post = |def: &Value| {
        let body = json!({"def": def, "datasource_id": "shop"});
        world.post("/v1/reports/by_sql/versions").json(&body).header("if-match", "*").send()
    };
    let first = json!({"def": def, "datasource_id": "shop"});
    world.post("/v1/reports/by_sql/versions").json(&first).send().await.expect(201);
    let run = world.post("/v1/reports/by_sql/run").send().await.expect(200);
    assert_eq!(run["rows"][1], json!({"region": "north", "n": 2}));
    assert_eq!(run["report_key"], "by_sql");
    let page = world.post("/v1/reports/by_sql/run?format=html").send().await.text();
    assert!(page.contains("<svg"), "its charts are there: {page}");
    let kept = world.get("/v1/reports/by_sql/export").send().await.expect(200);
    assert_eq!(kept["def"], def);

    // What is wrong is told before it is saved.
    for (broken, status, code) in [
        (json!({"version": "1", "sql": "delete from orders"}), 422, "refused"),
        (json!({"version": "1", "sql": "select nothing from orders"}), 422, "invalid"),
        (json!({"version": "1", "sql": "select regoin from orders"}), 422, "invalid"),
        (json!({"version": "1", "sql": sql, "ir": {"entities": ["orders"]}}), 422, "invalid"),
        (json!({"version": "1"}), 422, "invalid"),
        (
            json!({"version": "1", "sql": sql, "visuals": [{"type": "bar", "x": "regoin"}]}),
            422,
            "invalid",
        ),
        (
            json!({"version": "1", "sql": sql, "params": {"schema": {"type": "object"}}}),
            422,
            "invalid",
        ),
    ] {
        post(&broken).await.problem(status, code);
    }
    let problem = post(&json!({"version": "1", "sql": "select regoin from orders"})).await;
    let problem = problem.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/def/sql", "{problem}");
    let given = world.post("/v1/reports/by_sql/run").json(&json!({"params": {"a": 1}}));
    given.send().await.problem(422, "invalid");
}
