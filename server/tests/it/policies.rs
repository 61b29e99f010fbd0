//! Who sees which rows and columns, everywhere something of them could show.

use crate::world::{Call, World, claims, token};
use serde_json::{Value, json};

const CONFIG: &str = "\
files: {base_path: files}
analytics_sources:
  - {id: shop, kind: files, base_path: files/shop, default: true, display_name: The shop}
policies:
  - {datasource: shop, entity: orders, roles: [admin]}
  - datasource: shop
    entity: orders
    roles: [viewer, editor]
    claim: {team: sales}
    rows: [{field: region, op: in, value: '{{claim.regions}}'}]
    hide: [amount]
  - datasource: shop
    entity: customers
    roles: [viewer]
    claim: {team: sales}
    rows: [{field: id, op: '=', value: '{{claim.customer}}'}]
    hide: [id]
  - {datasource: shop, entity: customers, roles: [editor, admin]}
";

async fn shop() -> World {
    let world = World::with(true, CONFIG).await;
    let learn = "/v1/learn?datasource_id=shop";
    world.as_user("adm", "admin", "POST", learn).send().await.expect(200);
    world
}

/// A call of someone with these claims.
fn with<'w>(
    world: &'w World,
    role: &str,
    more: &Value,
    method: &'static str,
    target: &str,
) -> Call<'w> {
    let mut claims = claims("ann", role);
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    world.call(method, target).header("authorization", &format!("Bearer {}", token(&claims)))
}

fn north() -> Value {
    json!({"team": "sales", "regions": ["north"], "customer": 1})
}

fn counting(entity: &str) -> Value {
    json!({"entities": [entity], "metrics": [{"name": "n", "agg": "count"}]})
}

fn asked(ir: Value) -> Value {
    json!({"datasource_id": "shop", "ir": ir})
}

#[tokio::test]
async fn only_the_rows_of_a_claim_are_counted() {
    let world = shop().await;
    let count = |claims: Value, ir: Value| {
        let world = &world;
        async move {
            let call = with(world, "viewer", &claims, "POST", "/v1/query").json(&asked(ir));
            call.send().await.expect(200)
        }
    };
    let answer = count(north(), counting("orders")).await;
    assert_eq!(answer["rows"], json!([{"n": 2}]));
    let told = answer["safety_report"].to_string();
    assert!(told.contains("policies"), "{told}");
    let south = json!({"team": ["dev", "sales"], "regions": ["south", "=cmd"], "customer": 1});
    assert_eq!(count(south, counting("orders")).await["rows"], json!([{"n": 3}]));
    let nested = json!({"entities": [{"query": counting("orders"), "as": "t"}],
        "metrics": [{"name": "n", "agg": "sum", "field": "t.n"}]});
    assert_eq!(count(north(), nested).await["rows"], json!([{"n": 2}]));
    let joined = json!({"entities": ["orders"], "dimensions": ["customers.name"],
        "metrics": [{"name": "n", "agg": "count"}]});
    let nobody = json!({"team": "sales", "regions": ["north"], "customer": 7});
    // The key that leads there is hidden, so there is no way.
    let call = with(&world, "viewer", &nobody, "POST", "/v1/query").json(&asked(joined));
    call.send().await.problem(422, "invalid");
    let all = world.as_user("adm", "admin", "POST", "/v1/query").json(&asked(counting("orders")));
    assert_eq!(all.send().await.expect(200)["rows"], json!([{"n": 5}]));
}

#[tokio::test]
async fn sql_texts_are_held_to_the_same() {
    let world = shop().await;
    let text = "with o as (select * from orders) select count(*) as n, count(distinct a.region) as r \
                from o a join orders b on a.id = b.id";
    let body = json!({"datasource_id": "shop", "sql": text});
    let call = with(&world, "viewer", &north(), "POST", "/v1/query").json(&body);
    assert_eq!(call.send().await.expect(200)["rows"], json!([{"n": 2, "r": 1}]));
    let body = json!({"datasource_id": "shop", "sql": "select amount from orders"});
    let call = with(&world, "viewer", &north(), "POST", "/v1/query").json(&body);
    let problem = call.send().await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["code"], "unknown_column");
}

#[tokio::test]
async fn without_a_policy_that_matches_there_is_no_such_entity() {
    let world = shop().await;
    let dev = json!({"team": "dev", "regions": ["north"]});
    let call = with(&world, "viewer", &dev, "POST", "/v1/query").json(&asked(counting("orders")));
    let gone = call.send().await.problem(422, "invalid");
    assert_eq!(gone["errors"][0]["code"], "unknown_entity");
    let catalog = with(&world, "viewer", &dev, "GET", "/v1/catalog/shop").send().await.expect(200);
    assert_eq!(catalog["tables"], json!([]));
}

#[tokio::test]
async fn a_claim_that_is_not_there_is_a_refusal() {
    let world = shop().await;
    for claims in [json!({"team": "sales"}), json!({"team": "sales", "regions": {"a": 1}})] {
        for body in [
            asked(counting("orders")),
            json!({"datasource_id": "shop", "sql": "select count(*) as n from orders"}),
        ] {
            for target in ["/v1/query", "/v1/sql"] {
                let call = with(&world, "viewer", &claims, "POST", target).json(&body);
                let refused = call.send().await.problem(422, "refused");
                assert_eq!(refused["safety_report"][0]["rule"], "policies");
                assert!(refused["detail"].as_str().unwrap().contains("regions"), "{refused}");
            }
        }
    }
}

/// Every answer that tells of the shop.
async fn everything_told(world: &World, claims: &Value) -> String {
    let mut told = String::new();
    let gets = ["/v1/catalog/shop", "/v1/schema/shop", "/v1/datasources", "/v1/datasources/shop"];
    for target in gets {
        told += &with(world, "viewer", claims, "GET", target).send().await.text();
    }
    let irs = [
        counting("orders"),
        json!({"entities": ["orders"], "dimensions": ["region"], "metrics": [{"name": "n", "agg": "count"}]}),
        json!({"entities": ["orders"], "dimensions": ["amout"]}),
        json!({"entities": ["customers"], "dimensions": ["name"]}),
        json!({"entities": ["ordrs"], "dimensions": ["region"]}),
    ];
    for ir in irs {
        for target in ["/v1/query", "/v1/sql"] {
            let call = with(world, "viewer", claims, "POST", target).json(&asked(ir.clone()));
            let reply = call.send().await.text();
            if let Ok(body) = serde_json::from_str::<Value>(&reply)
                && let Some(run) = body["run_id"].as_str()
            {
                for target in [format!("/v1/runs/{run}"), format!("/v1/runs/{run}/rows")] {
                    told += &with(world, "viewer", claims, "GET", &target).send().await.text();
                }
            }
            told += &reply;
        }
    }
    for question in ["orders in sout", "orders of Bo", "how many orders"] {
        let body = json!({"datasource_id": "shop", "question": question});
        told += &with(world, "viewer", claims, "POST", "/v1/ask").json(&body).send().await.text();
    }
    told
}

#[tokio::test]
async fn what_is_hidden_is_told_nowhere() {
    let world = shop().await;
    let told = everything_told(&world, &north()).await;
    assert!(told.contains("north"), "the rows that may be seen are there");
    for word in ["south", "cmd", "100.00", "Bob"] {
        assert!(!told.contains(word), "{word} in {}", context(&told, word));
    }
    // Hidden columns: `amount`, and `id` of customers, which the policy itself filters by.
    for word in
        ["\"amount\"", "orders.amount", "customers.id", "\"customers\".\"id\"", "customer_id\"->"]
    {
        assert!(!told.contains(word), "{word} in {}", context(&told, word));
    }
    // "amount of" is a phrase of every question, so the word may be understood and still not there.
    let body = json!({"datasource_id": "shop", "question": "largest amout by region"});
    let call = with(&world, "viewer", &north(), "POST", "/v1/ask").json(&body);
    let answer = call.send().await.expect(200);
    assert_eq!(answer["state"], "cannot_answer", "{answer}");
    assert!(!answer.to_string().contains("orders.amount"), "{answer}");
}

/// Where a word stands, for the message of a failure.
fn context(told: &str, word: &str) -> String {
    let at = told.find(word).unwrap_or_default();
    let before = told[..at].char_indices().rev().nth(300).map_or(0, |(i, _)| i);
    told[before..].chars().take(600).collect()
}

#[tokio::test]
async fn kept_rows_are_shown_under_the_same_policies_only() {
    let world = shop().await;
    let query = asked(counting("orders"));
    let call = with(&world, "viewer", &north(), "POST", "/v1/query").json(&query);
    let run = call.send().await.expect(200);
    let path = format!("/v1/runs/{}", run["run_id"].as_str().unwrap());
    let south = json!({"team": "sales", "regions": ["south"], "customer": 1});
    for target in [path.clone(), format!("{path}/rows")] {
        with(&world, "viewer", &north(), "GET", &target).send().await.expect(200);
        with(&world, "viewer", &south, "GET", &target).send().await.problem(403, "forbidden");
        let admin = world.as_user("adm", "admin", "GET", &target).send().await;
        admin.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn an_answer_is_not_given_again_to_whom_less_is_shown() {
    let world = shop().await;
    let key = "8b1c";
    let body = asked(counting("orders"));
    let call = |claims: Value| {
        let call = with(&world, "viewer", &claims, "POST", "/v1/query").json(&body);
        call.header("idempotency-key", key)
    };
    let first = call(north()).send().await.expect(200);
    let again = call(north()).send().await.expect(200);
    assert_eq!(first["run_id"], again["run_id"]);
    let south = json!({"team": "sales", "regions": ["south"], "customer": 1});
    call(south).send().await.problem(422, "idempotency_mismatch");
}

#[tokio::test]
async fn a_source_with_policies_is_not_asked_about_in_rooms() {
    let world = shop().await;
    let room = json!({"id": "general", "name": "General", "datasource_id": "shop"});
    let made = with(&world, "viewer", &north(), "POST", "/v1/chat/rooms").json(&room);
    made.send().await.expect(201);
    let messages = "/v1/chat/rooms/general/messages";
    let said = json!({"content": "@air how many orders"});
    with(&world, "viewer", &north(), "POST", messages).json(&said).send().await.expect(201);
    let begin = std::time::Instant::now();
    loop {
        let list = with(&world, "viewer", &north(), "GET", messages).send().await.expect(200);
        let text = list["items"].to_string();
        if text.contains("not asked about in rooms") {
            break;
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{text}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn editors_change_what_they_see() {
    let world = shop().await;
    let edit =
        |column: &str| json!({"tables": {"orders": {"columns": {column: {"description": "x"}}}}});
    let patch =
        |body: &Value| with(&world, "editor", &north(), "PATCH", "/v1/catalog/shop").json(body);
    let problem = patch(&edit("amount")).send().await.problem(422, "invalid");
    assert!(!problem.to_string().contains("100.00"), "{problem}");
    let shown = patch(&edit("region")).send().await.expect(200);
    assert!(!shown.to_string().contains("amount"), "{shown}");
    let whole = world.as_user("adm", "admin", "GET", "/v1/catalog/shop").send().await.expect(200);
    assert!(whole.to_string().contains("amount"), "nothing was lost: {whole}");
}

#[tokio::test]
async fn a_policy_that_does_not_fit_refuses_its_entity() {
    let config = CONFIG.replace("hide: [amount]", "hide: [amonut]");
    let world = World::with(true, &config).await;
    let learn = "/v1/learn?datasource_id=shop";
    world.as_user("adm", "admin", "POST", learn).send().await.expect(200);
    let query = asked(counting("orders"));
    let call = with(&world, "viewer", &north(), "POST", "/v1/query").json(&query);
    let refused = call.send().await.problem(422, "refused");
    assert!(!refused.to_string().contains("amonut"), "{refused}");
    // A policy without it still holds.
    world.as_user("adm", "admin", "POST", "/v1/query").json(&query).send().await.expect(200);
}

/// A report of the admin's, of this definition.
async fn saved(world: &World, key: &str, source: Option<&str>, def: Value) {
    let new = json!({"key": key, "title": "A report"});
    world.as_user("adm", "admin", "POST", "/v1/reports").json(&new).send().await.expect(201);
    let mut body = json!({"def": def});
    if let Some(source) = source {
        body["datasource_id"] = json!(source);
    }
    let path = format!("/v1/reports/{key}/versions");
    world.as_user("adm", "admin", "POST", &path).json(&body).send().await.expect(201);
}

/// Every way to what a report is made of.
fn ways(key: &str) -> Vec<(&'static str, String)> {
    let at = |rest: &str| format!("/v1/reports/{key}{rest}");
    vec![
        ("GET", at("")),
        ("GET", at("/versions")),
        ("GET", at("/export")),
        ("GET", at("/export?format=yaml")),
        ("POST", at("/run?datasource_id=shop")),
        ("POST", at("/run?datasource_id=shop&format=html")),
    ]
}

#[tokio::test]
async fn a_definition_with_a_hidden_name_is_not_shown() {
    let world = shop().await;
    let of = |ir: Value| json!({"version": "1", "ir": ir});
    let total = json!({"entities": ["orders"], "metrics": [{"name": "t", "agg": "sum", "field": "amount"}]});
    let open = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "amount", "op": ">", "value": "{{least}}"}]});
    let mut with_param = of(open);
    with_param["params"] =
        json!({"schema": {"type": "object", "properties": {"least": {"type": "number"}}}});
    let mut noted = of(counting("orders"));
    noted["notes"] = json!("Not the sum of Amount.");
    let mut named = counting("orders");
    named["metrics"][0]["name"] = json!("amount");
    let definitions = [
        ("total", of(total.clone())),
        ("param", with_param),
        ("noted", noted),
        ("named", of(named)),
        ("sql", json!({"version": "1", "sql": "select max(amount) as m from orders"})),
        ("comment", json!({"version": "1", "sql": "select count(*) as n from orders -- amount"})),
        ("other", of(json!({"entities": ["customers"], "dimensions": ["customers.id"]}))),
    ];
    for (key, def) in &definitions {
        saved(&world, key, Some("shop"), def.clone()).await;
        for (method, target) in ways(key) {
            let reply = with(&world, "viewer", &north(), method, &target).send().await;
            let text = reply.text().to_lowercase();
            reply.problem(403, "forbidden");
            assert!(!text.contains("amount") && !text.contains("customers"), "{target}: {text}");
        }
        // Whoever sees all of it reads it, and runs it.
        for (method, target) in ways(key) {
            let call = world.as_user("adm", "admin", method, &target);
            let reply = call.send().await;
            assert!(reply.status.is_success(), "{target}: {}", reply.text());
        }
        // Nothing of it is in a record of the viewer's.
        let runs = format!("/v1/reports/{key}/runs");
        let runs = with(&world, "viewer", &north(), "GET", &runs).send().await.expect(200);
        assert_eq!(runs["items"], json!([]));
    }
    saved(&world, "portable", None, of(total)).await;
    for (method, target) in ways("portable") {
        let reply = with(&world, "viewer", &north(), method, &target).send().await;
        reply.problem(403, "forbidden");
    }
    let list = with(&world, "viewer", &north(), "GET", "/v1/reports").send().await.expect(200);
    assert!(!list.to_string().contains("amount"), "{list}");
}

#[tokio::test]
async fn a_definition_of_what_is_seen_is_shown_and_run() {
    let world = shop().await;
    let ir = json!({"entities": ["orders"], "dimensions": ["region"],
        "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "id", "op": ">", "value": "{{after}}"}]});
    let def = json!({"version": "1", "ir": ir, "notes": "Orders by region; not the amounts.",
        "params": {"schema": {"type": "object", "properties": {"after": {"type": "integer"}}}}});
    saved(&world, "regions", Some("shop"), def.clone()).await;
    saved(&world, "portable", None, def).await;
    for key in ["regions", "portable"] {
        for (method, target) in ways(key) {
            let reply = with(&world, "viewer", &north(), method, &target).send().await;
            assert!(reply.status.is_success(), "{target}: {}", reply.text());
        }
    }
    // Without any row to see there is no such entity, so nothing of it is shown.
    let dev = json!({"team": "dev"});
    for (method, target) in ways("regions") {
        with(&world, "viewer", &dev, method, &target).send().await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn values_of_the_rows_that_are_seen_are_understood() {
    let world = shop().await;
    let ask = |claims: Value, question: &str| {
        let body = json!({"datasource_id": "shop", "question": question});
        with(&world, "viewer", &claims, "POST", "/v1/ask").json(&body).send()
    };
    let south = json!({"team": "sales", "regions": ["south"], "customer": 1});
    for (claims, region, n) in [(north(), "north", 2), (south.clone(), "south", 2)] {
        for _ in 0..2 {
            let answer = ask(claims.clone(), &format!("how many orders in {region}")).await;
            let answer = answer.expect(200);
            assert_eq!(answer["state"], "answer", "{answer}");
            assert_eq!(answer["ir"]["filters"][0]["value"], region, "{answer}");
            assert_eq!(
                answer["result"]["rows"][0].as_object().unwrap().values().next(),
                Some(&json!(n))
            );
        }
    }
    // A value of other rows is as good as none, and nobody is led to it.
    for question in ["how many orders in south", "how many orders in sout"] {
        let answer = ask(north(), question).await.expect(200);
        assert_ne!(answer["state"], "answer", "{answer}");
        let asked = answer["questions"].as_array().unwrap();
        assert!(asked.iter().all(|q| !q["choices"].to_string().contains("south")), "{answer}");
    }
    let catalog = with(&world, "viewer", &south, "GET", "/v1/catalog/shop").send().await;
    assert!(!catalog.text().contains("north"), "the catalog holds no values of rows");
}
