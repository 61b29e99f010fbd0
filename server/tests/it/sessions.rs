//! Learning sessions: from uploaded files over a conversation to endpoints that others call.

mod endpoints;
mod keys;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::World;

/// Uploads a file; its id.
pub(crate) async fn upload(world: &World, user: &str, name: &str, text: &str) -> String {
    let target = format!("/v1/files?name={name}");
    let call = world.as_user(user, "editor", "POST", &target);
    let sent = call.raw("application/octet-stream", text.as_bytes().to_vec()).send().await;
    let kept = sent.expect(201);
    assert_eq!(kept["items"][0]["state"], "ready", "{kept}");
    kept["items"][0]["id"].as_str().unwrap().to_owned()
}

/// Opens a session; its id.
pub(crate) async fn open(world: &World, user: &str, files: &[&str]) -> String {
    let call = world.as_user(user, "editor", "POST", "/v1/learning-sessions");
    let opened = call.json(&json!({"file_ids": files})).send().await.expect(201);
    opened["id"].as_str().unwrap().to_owned()
}

/// Sixty sales in six stores, five a month; `amount` is the number of the sale.
fn sales() -> String {
    let mut text = "sale_id,sold_at,store,channel,amount\n".to_owned();
    for i in 1..=60 {
        let (month, store) = ((i - 1) / 5 + 1, i % 6 + 1);
        let channel = ["web", "shop", "phone"][i % 3];
        text += &format!("{i},2024-{month:02}-10T12:00:00Z,S{store},{channel},{i}.50\n");
    }
    text
}

/// Stores 1 to 3 are in the north, the others in the south.
fn stores() -> String {
    let region = |n: usize| if n <= 3 { "north" } else { "south" };
    let store = |n: usize| json!({"store": format!("S{n}"), "region": region(n), "m2": 90 + n});
    (1..=6).map(|n| store(n).to_string() + "\n").collect()
}

/// A session of Ann's on both files.
pub(crate) async fn session(world: &World) -> String {
    let sales = upload(world, "ann", "sales.csv", &sales()).await;
    let stores = upload(world, "ann", "stores.jsonl", &stores()).await;
    open(world, "ann", &[&sales, &stores]).await
}

/// What Ann reads.
pub(crate) async fn get(world: &World, target: &str) -> Value {
    world.as_user("ann", "editor", "GET", target).send().await.expect(200)
}

/// What Ann says, and what it ends in.
pub(crate) async fn say(world: &World, session: &str, body: Value) -> Value {
    let target = format!("/v1/learning-sessions/{session}/messages");
    world.as_user("ann", "editor", "POST", &target).json(&body).send().await.expect(200)
}

fn shown(id: &str) -> String {
    format!("/v1/learning-sessions/{id}")
}

#[tokio::test]
async fn files_are_joined_and_every_suggested_question_is_answered() {
    let world = World::new().await;
    let id = session(&world).await;
    let session = get(&world, &shown(&id)).await;
    assert_eq!(session["joins"], json!([{"from": "sales.store", "to": "stores.store"}]));
    let files = session["files"].as_array().unwrap();
    let told: Vec<_> = files.iter().map(|file| (&file["table"], &file["rows"])).collect();
    assert_eq!(told, [(&json!("sales"), &json!(60)), (&json!("stores"), &json!(6))]);
    assert_eq!(
        (&session["name"], &session["status"]),
        (&json!("sales.csv, stores.jsonl"), &json!("open"))
    );
    let suggested: Vec<&str> = session["suggested_questions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for wanted in ["total amount by month", "total amount by region", "top 5 store by total amount"]
    {
        assert!(suggested.contains(&wanted), "{suggested:?}");
    }
    for question in &suggested {
        let answer = say(&world, &id, json!({"text": question})).await;
        assert_eq!(answer["state"], "answer", "{question}: {answer}");
        assert!(answer["result"]["row_count"].as_u64().unwrap() > 1, "{question}: {answer}");
    }
    let keys = get(&world, &format!("/v1/catalog/{id}")).await;
    assert_eq!(keys["tables"][0]["primary_key"], json!(["sale_id"]), "{keys}");
    assert_eq!(keys["tables"][1]["primary_key"], json!(["store"]), "{keys}");
}

#[tokio::test]
async fn a_conversation_goes_on_and_stays() {
    let world = World::new().await;
    let id = session(&world).await;
    let first = say(&world, &id, json!({"text": "total amount by region"})).await;
    let rows = &first["result"]["rows"];
    // Sales whose number leaves 0, 1 or 2 when divided by 6 are those of the stores 1 to 3.
    let north: f64 = (1..=60).filter(|i| i % 6 < 3).map(|i| f64::from(i) + 0.5).sum();
    assert_eq!(rows[0], json!({"stores.region": "north", "total_amount": north}), "{first}");
    let refined = say(&world, &id, json!({"text": "only in north"})).await;
    assert_eq!(refined["result"]["row_count"], 1, "{refined}");
    assert_eq!(refined["scope_id"], first["scope_id"], "it is the same scope");
    let read = say(&world, &id, json!({"text": "by month instead", "run": false})).await;
    assert_eq!((&read["state"], &read["result"]), (&json!("answer"), &Value::Null), "{read}");

    let before = get(&world, &shown(&id)).await;
    let world = world.restarted().await;
    let after = get(&world, &shown(&id)).await;
    assert_eq!(before, after);
    let messages = after["messages"].as_array().unwrap();
    let said: Vec<&Value> = messages.iter().map(|message| &message["type"]).collect();
    assert_eq!(said, ["user", "ai", "user", "ai", "user", "ai"]);
    assert_eq!(messages[3]["message_id"], refined["message_id"]);
    assert_eq!(messages[3]["in_reply_to"], messages[2]["message_id"]);
    assert_eq!(messages[3]["answer"]["ir"], refined["ir"]);
    assert_eq!(after["scopes"].as_array().unwrap().len(), 3, "{after}");
    let runs: Vec<&Value> =
        after["runs"].as_array().unwrap().iter().map(|run| &run["run_id"]).collect();
    assert_eq!(runs, [&first["result"]["run_id"], &refined["result"]["run_id"]]);
    // The next life goes on where the last one was.
    let next = say(&world, &id, json!({"text": "and by channel"})).await;
    assert_eq!(next["scope_id"], first["scope_id"], "{next}");
}

#[tokio::test]
async fn questions_back_are_answered_by_their_ids_or_in_words() {
    let world = World::new().await;
    let id = session(&world).await;
    let open = say(&world, &id, json!({"text": "which region was the best"})).await;
    assert_eq!(open["state"], "clarify", "{open}");
    let question = &open["questions"][0];
    let (name, choice) = (question["id"].as_str().unwrap(), &question["choices"][0]["value"]);
    let answered = say(&world, &id, json!({"text": "that one", "answers": {name: choice}})).await;
    assert_ne!(answered["state"], "cannot_answer", "{answered}");
    assert!(
        answered["scope_md"].as_str().unwrap().contains("which region was the best"),
        "{answered}"
    );
    let fresh = say(&world, &id, json!({"text": "@air number of stores"})).await;
    assert_eq!(fresh["result"]["rows"], json!([{"stores": 6}]), "{fresh}");
    let period = json!({"text": "number of sales this month", "now": "2024-03-15T00:00:00Z"});
    assert_eq!(say(&world, &id, period).await["result"]["rows"], json!([{"sales": 5}]));
}

#[tokio::test]
async fn a_session_is_a_room_of_the_chat() {
    let world = World::new().await;
    let id = session(&world).await;
    let room = format!("/v1/chat/rooms/{id}/messages");
    let call = world.as_user("ann", "editor", "POST", &room);
    let posted = call.json(&json!({"content": "number of stores"})).send().await.expect(201);
    let deadline = Instant::now() + Duration::from_secs(30);
    let answer = loop {
        let session = get(&world, &shown(&id)).await;
        let found = session["messages"]
            .as_array()
            .unwrap()
            .iter()
            .find(|message| message["message_id"] == posted["answer_id"]);
        match found {
            Some(answer) => break answer.clone(),
            None => assert!(Instant::now() < deadline, "{session}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(answer["answer"]["rows"], json!([{"stores": 6}]), "{answer}");
    let join = format!("/v1/chat/rooms/{id}/members");
    let bring = json!({"user_id": "bob"});
    world.as_user("ann", "editor", "POST", &join).json(&bring).send().await.problem(422, "invalid");
}

#[tokio::test]
async fn a_session_and_its_source_are_its_owners() {
    let world = World::new().await;
    let id = session(&world).await;
    say(&world, &id, json!({"text": "number of sales"})).await;
    let ir = json!({"entities": ["sales"], "metrics": [{"name": "n", "agg": "count"}]});
    let aside = json!({"entities": [{"entity": "sales", "source": &id}],
        "metrics": [{"name": "n", "agg": "count"}]});
    let def = json!({"version": "1", "ir": &ir});
    let file = get(&world, &shown(&id)).await["files"][0]["id"].clone();
    let at = |rest: &str| format!("/v1/learning-sessions/{id}{rest}");
    let none = Value::Null;
    for (method, target, body) in [
        ("GET", at(""), none.clone()),
        ("DELETE", at(""), none.clone()),
        ("POST", at("/messages"), json!({"text": "number of sales"})),
        ("POST", at("/publish"), json!({"slug": "stolen"})),
        ("GET", format!("/v1/catalog/{id}"), none.clone()),
        ("GET", format!("/v1/schema/{id}"), none.clone()),
        ("GET", format!("/v1/datasources/{id}"), none.clone()),
        ("GET", format!("/v1/chat/rooms/{id}"), none.clone()),
        ("PATCH", format!("/v1/catalog/{id}"), json!({})),
        ("POST", format!("/v1/learn?datasource_id={id}"), json!({})),
        ("POST", "/v1/query".to_owned(), json!({"datasource_id": &id, "ir": &ir})),
        ("POST", "/v1/sql".to_owned(), json!({"datasource_id": &id, "ir": &ir})),
        ("POST", "/v1/ask".to_owned(), json!({"datasource_id": &id, "question": "sales"})),
        (
            "POST",
            "/v1/scopes".to_owned(),
            json!({"datasource_id": &id, "scope_md": "# Question\n\nx\n"}),
        ),
        ("POST", "/v1/chat/rooms".to_owned(), json!({"datasource_id": &id})),
        ("POST", "/v1/learning-sessions".to_owned(), json!({"file_ids": [file]})),
        (
            "POST",
            format!("/v1/reports/import?key=stolen&datasource_id={id}"),
            json!({"format": "air.report/1", "key": "stolen", "title": "T", "def": &def}),
        ),
    ] {
        let call = world.as_user("bob", "editor", method, &target);
        let call = if body.is_null() { call } else { call.json(&body) };
        let told = call.send().await.problem(404, "not_found");
        assert!(!told["detail"].as_str().unwrap().contains("session's"), "{told}");
    }
    // Named beside a source that is there, it is no source at all.
    world.as_user("ann", "editor", "POST", "/v1/learn?datasource_id=shop").send().await.expect(200);
    let query = json!({"datasource_id": "shop", "ir": aside});
    let call = world.as_user("bob", "editor", "POST", "/v1/query").json(&query);
    let told = call.send().await.problem(422, "invalid");
    assert_eq!(told["errors"][0]["code"], "unknown_source", "{told}");
    let learn = json!({"datasource_ids": [&id]});
    let call = world.as_user("bob", "editor", "POST", "/v1/process/learn").json(&learn);
    call.send().await.problem(422, "invalid");
    let mine = world.as_user("bob", "editor", "GET", "/v1/learning-sessions").send().await;
    assert_eq!(mine.expect(200)["items"], json!([]));
    // An admin sees it, says nothing in it, and changes its source by nothing but the session.
    let admin = |method, target: String| world.as_user("root", "admin", method, &target);
    admin("GET", at("")).send().await.expect(200);
    admin("GET", format!("/v1/catalog/{id}")).send().await.expect(200);
    let words = json!({"text": "number of sales"});
    admin("POST", at("/messages")).json(&words).send().await.problem(403, "forbidden");
    let source = format!("/v1/datasources/{id}");
    admin("DELETE", source.clone()).send().await.problem(422, "invalid");
    let moved = json!({"base_path": "shop"});
    admin("PATCH", source).json(&moved).send().await.problem(422, "invalid");
    let listed = admin("GET", "/v1/datasources".to_owned()).send().await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test]
async fn what_cannot_be_opened_leaves_nothing() {
    let world = World::new().await;
    let open = async |files: Value| {
        let call = world.as_user("ann", "editor", "POST", "/v1/learning-sessions");
        call.json(&json!({"file_ids": files})).send().await
    };
    let strange = "file_0192f0c17a6b70008000000000000001";
    open(json!([strange])).await.problem(404, "not_found");
    let file = upload(&world, "ann", "sales.csv", &sales()).await;
    open(json!([file, file])).await.problem(422, "invalid");
    // Two files of one name are two tables.
    let other = upload(&world, "ann", "sales.csv", &sales()).await;
    let both = open(json!([file, other])).await.expect(201);
    let tables: Vec<_> = both["files"].as_array().unwrap().iter().map(|f| &f["table"]).collect();
    assert_eq!(tables, ["sales", "sales_2"]);
    let id = both["id"].as_str().unwrap().to_owned();
    let folder = world.folder.path().join("sessions").join(&id);
    assert!(folder.join("sales_2.csv").exists());
    let held = format!("/v1/files/{file}");
    world.as_user("ann", "editor", "DELETE", &held).send().await.problem(409, "in_use");
    let gone = world.as_user("ann", "editor", "DELETE", &shown(&id)).send().await;
    assert_eq!(gone.status.as_u16(), 204, "{}", gone.text());
    assert!(!folder.exists());
    for target in [shown(&id), format!("/v1/catalog/{id}"), format!("/v1/chat/rooms/{id}")] {
        world.as_user("ann", "editor", "GET", &target).send().await.problem(404, "not_found");
    }
    let gone = world.as_user("ann", "editor", "DELETE", &held).send().await;
    assert_eq!(gone.status.as_u16(), 204, "{}", gone.text());
}
