//! The chat over REST: rooms, messages, limits, answers.

use std::time::{Duration, Instant};

use crate::world::World;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

fn config(more: &str) -> String {
    format!(
        "files: {{base_path: files}}
analytics_sources:
  - {{id: shop, kind: files, base_path: files/shop, default: true, display_name: The shop}}
{more}
"
    )
}

/// With tokens, and the shop learned.
async fn world(more: &str) -> World {
    let world = World::with(true, &config(more)).await;
    let learn = "/v1/learn?datasource_id=shop";
    world.as_user("eva", "editor", "POST", learn).send().await.expect(200);
    world
}

const ROOMS: &str = "/v1/chat/rooms";

async fn make(world: &World, user: &str, room: Value) -> Value {
    world.as_user(user, "viewer", "POST", ROOMS).json(&room).send().await.expect(201)
}

async fn say(world: &World, user: &str, room: &str, message: Value) -> Value {
    let path = format!("{ROOMS}/{room}/messages");
    world.as_user(user, "viewer", "POST", &path).json(&message).send().await.expect(201)
}

async fn read(world: &World, user: &str, target: &str) -> Value {
    world.as_user(user, "viewer", "GET", target).send().await.expect(200)
}

/// The message that answers another, once it is there.
async fn answer(world: &World, user: &str, room: &str, posted: &Value) -> Value {
    let path = format!("{ROOMS}/{room}/messages?after={}&limit=500", posted["seq"]);
    let begin = Instant::now();
    loop {
        let page = read(world, user, &path).await;
        let found = page["items"].as_array().unwrap().iter().find(|message| {
            message["type"] == "ai" && message["in_reply_to"] == posted["message_id"]
        });
        if let Some(found) = found {
            assert_eq!(found["message_id"], posted["answer_id"], "it is the one promised");
            return found.clone();
        }
        assert!(begin.elapsed() < PATIENCE, "no answer to {posted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn asked(world: &World, user: &str, room: &str, content: &str) -> Value {
    let posted = say(world, user, room, json!({"content": content})).await;
    answer(world, user, room, &posted).await
}

#[tokio::test]
async fn a_room_is_made_joined_and_left() {
    let world = world("chat: {max_room_size: 2}").await;
    let made = make(&world, "ann", json!({"id": "general", "name": "General"})).await;
    assert_eq!(
        (&made["kind"], &made["ai"], &made["members"], &made["joined"], &made["last_seq"]),
        (&json!("group"), &json!("mention"), &json!(1), &json!(true), &json!(0))
    );
    let again = world.as_user("bob", "viewer", "POST", ROOMS).json(&json!({"id": "general"}));
    again.send().await.problem(409, "already_exists");
    let seen = read(&world, "bob", "/v1/chat/rooms/general").await;
    assert_eq!(seen["joined"], false);

    let members = "/v1/chat/rooms/general/members";
    let messages = "/v1/chat/rooms/general/messages";
    let join = |user: &'static str| world.as_user(user, "viewer", "POST", members).json(&json!({}));
    world.as_user("bob", "viewer", "GET", messages).send().await.problem(403, "forbidden");
    let post = world.as_user("bob", "viewer", "POST", messages).json(&json!({"content": "hi"}));
    post.send().await.problem(403, "forbidden");
    assert_eq!(join("bob").send().await.expect(200)["members"], 2);
    assert_eq!(join("bob").send().await.expect(200)["members"], 2, "once is enough");
    join("cat").send().await.problem(422, "limit_exceeded");
    let told = read(&world, "bob", messages).await;
    assert_eq!(
        (&told["items"][0]["type"], &told["items"][0]["content"]),
        (&json!("system"), &json!("bob joined."))
    );

    let out = format!("{members}?user_id=ann");
    world.as_user("bob", "viewer", "DELETE", &out).send().await.problem(403, "forbidden");
    world.as_user("bob", "viewer", "DELETE", members).send().await.expect(204);
    world.as_user("bob", "viewer", "DELETE", members).send().await.expect(204);
    world.as_user("bob", "viewer", "GET", messages).send().await.problem(403, "forbidden");
    join("cat").send().await.expect(200);
    let out = format!("{members}?user_id=cat");
    world.as_user("ann", "viewer", "DELETE", &out).send().await.expect(204);
    assert_eq!(read(&world, "ann", "/v1/chat/rooms/general").await["members"], 1);
}

#[tokio::test]
async fn a_private_room_is_there_for_its_members_alone() {
    let world = world("").await;
    make(&world, "ann", json!({"id": "open"})).await;
    make(&world, "ann", json!({"id": "board", "private": true, "members": ["bob"]})).await;
    let ids = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap();
        items.iter().map(|room| room["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&read(&world, "bob", ROOMS).await), ["board", "open"]);
    assert_eq!(ids(&read(&world, "cat", ROOMS).await), ["open"]);
    assert_eq!(ids(&read(&world, "bob", "/v1/chat/rooms?joined=true").await), ["board"]);
    let first = read(&world, "bob", "/v1/chat/rooms?limit=1").await;
    let next = format!("/v1/chat/rooms?limit=1&cursor={}", first["next"].as_str().unwrap());
    assert_eq!(ids(&read(&world, "bob", &next).await), ["open"]);

    let body = json!({"content": "hi"});
    for (method, path) in [
        ("GET", "/v1/chat/rooms/board"),
        ("GET", "/v1/chat/rooms/board/messages"),
        ("POST", "/v1/chat/rooms/board/messages"),
        ("GET", "/v1/chat/rooms/board/presence"),
        ("DELETE", "/v1/chat/rooms/board/members"),
    ] {
        let call = world.as_user("cat", "viewer", method, path);
        let call = if method == "POST" { call.json(&body) } else { call };
        call.send().await.problem(404, "not_found");
    }
    let members = "/v1/chat/rooms/board/members";
    let join = world.as_user("cat", "viewer", "POST", members).json(&json!({}));
    join.send().await.problem(404, "not_found");
    let invite = world.as_user("bob", "viewer", "POST", members).json(&json!({"user_id": "cat"}));
    invite.send().await.expect(200);
    read(&world, "cat", "/v1/chat/rooms/board/messages").await;
    let admin = world.as_user("adm", "admin", "GET", "/v1/chat/rooms/board/messages");
    admin.send().await.expect(200);

    let session = make(&world, "ann", json!({"kind": "personal"})).await;
    assert_eq!((&session["private"], &session["ai"]), (&json!(true), &json!("always")));
    let members = format!("{ROOMS}/{}/members", session["id"].as_str().unwrap());
    let invite = world.as_user("ann", "viewer", "POST", &members).json(&json!({"user_id": "bob"}));
    invite.send().await.problem(422, "invalid");
    let wrong = json!({"kind": "personal", "members": ["bob"]});
    let wrong = world.as_user("ann", "viewer", "POST", ROOMS).json(&wrong);
    wrong.send().await.problem(422, "invalid");
}

#[tokio::test]
async fn messages_are_numbered_paged_and_kept_once() {
    let world = world("").await;
    make(&world, "ann", json!({"id": "general", "members": ["bob"]})).await;
    for n in 1..=5 {
        let user = if n % 2 == 0 { "bob" } else { "ann" };
        let posted = say(&world, user, "general", json!({"content": format!("m{n}")})).await;
        assert_eq!((&posted["seq"], posted.get("answer_id")), (&json!(n), None));
    }
    let messages = "/v1/chat/rooms/general/messages";
    let texts = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect()
    };
    let newest = read(&world, "bob", &format!("{messages}?limit=2")).await;
    assert_eq!(texts(&newest), ["m5", "m4"]);
    let cursor = newest["next"].as_str().unwrap();
    let older = read(&world, "bob", &format!("{messages}?limit=2&cursor={cursor}")).await;
    assert_eq!(texts(&older), ["m3", "m2"]);
    let behind = read(&world, "bob", &format!("{messages}?after=2&limit=2")).await;
    assert_eq!(texts(&behind), ["m3", "m4"]);
    let cursor = behind["next"].as_str().unwrap();
    let rest = read(&world, "bob", &format!("{messages}?after=2&limit=2&cursor={cursor}")).await;
    assert_eq!((texts(&rest), &rest["next"]), (vec!["m5".to_owned()], &Value::Null));
    let wrong = format!("{messages}?cursor={cursor}");
    world.as_user("bob", "viewer", "GET", &wrong).send().await.problem(422, "invalid");

    let once = json!({"content": "once", "client_ref": "c1"});
    let first = say(&world, "ann", "general", once.clone()).await;
    assert_eq!(say(&world, "ann", "general", once.clone()).await, first);
    assert_ne!(say(&world, "bob", "general", once).await["seq"], first["seq"], "each their own");
    let other = json!({"content": "other", "client_ref": "c1"});
    let other = world.as_user("ann", "viewer", "POST", messages).json(&other);
    other.send().await.problem(422, "idempotency_mismatch");
    assert_eq!(read(&world, "ann", "/v1/chat/rooms/general").await["last_seq"], 7);

    for wrong in [
        json!({"content": ""}),
        json!({"content": " \n"}),
        json!({"content": "x".repeat(4001)}),
        json!({"content": "x", "more": 1}),
        json!({"content": "x", "in_reply_to": "msg_00000000000000000000000000000000"}),
    ] {
        let call = world.as_user("ann", "viewer", "POST", messages).json(&wrong);
        call.send().await.problem(422, "invalid");
    }
}

#[tokio::test]
async fn messages_and_questions_are_limited_by_user() {
    let world = world("limits: {messages_per_minute: 3, ai_requests_per_minute: 1}").await;
    make(&world, "ann", json!({"id": "general", "members": ["bob"]})).await;
    let messages = "/v1/chat/rooms/general/messages";
    let post = |user: &'static str, content: &str| {
        world.as_user(user, "viewer", "POST", messages).json(&json!({"content": content})).send()
    };
    post("ann", "@air number of orders").await.expect(201);
    let reply = post("ann", "@air number of customers").await;
    assert!(reply.header("retry-after").parse::<u32>().unwrap() <= 60);
    reply.problem(429, "too_many_requests");
    // The refused question took none of the messages.
    post("ann", "two").await.expect(201);
    post("ann", "three").await.expect(201);
    post("ann", "four").await.problem(429, "too_many_requests");
    post("bob", "mine").await.expect(201);
}

#[tokio::test]
async fn a_question_is_answered_and_the_next_goes_on_from_it() {
    let world = world("").await;
    make(&world, "ann", json!({"id": "general", "members": ["bob"]})).await;
    let said = say(&world, "ann", "general", json!({"content": "number of orders"})).await;
    assert_eq!(said.get("answer_id"), None, "nobody spoke to AIR");
    let first = asked(&world, "ann", "general", "@air number of orders by region").await;
    let result = &first["answer"];
    assert_eq!(result["state"], "answer", "{first}");
    assert_eq!((&result["row_count"], &result["badge"]), (&json!(3), &json!("validated")));
    assert_eq!(result["rows"].as_array().unwrap().len(), 3);
    assert_eq!((&first["user_id"], &result["asked_by"]), (&json!("air"), &json!("ann")));
    assert!(first["content"].as_str().unwrap().contains("| region |"), "{first}");
    let run = format!("/v1/runs/{}", result["run_id"].as_str().unwrap());
    assert_eq!(read(&world, "ann", &run).await["status"], "completed");

    let narrowed = asked(&world, "ann", "general", "@air only north").await;
    assert_eq!(narrowed["answer"]["row_count"], 1, "{narrowed}");
    assert_eq!(narrowed["answer"]["scope_id"], result["scope_id"], "the scope's next version");
    assert_ne!(narrowed["answer"]["scope_version_id"], result["scope_version_id"]);

    let alone = asked(&world, "ann", "general", "@air number of customers").await;
    assert_eq!(alone["answer"]["state"], "answer", "{alone}");
    assert_ne!(alone["answer"]["scope_id"], result["scope_id"], "it stands alone");

    // Another's scope is not theirs to change: the IR alone is gone on from.
    let reply = json!({"content": "@air only south", "in_reply_to": first["message_id"]});
    let posted = say(&world, "bob", "general", reply).await;
    let bobs = answer(&world, "bob", "general", &posted).await;
    assert_eq!(bobs["answer"]["row_count"], 1, "{bobs}");
    assert_ne!(bobs["answer"]["scope_id"], result["scope_id"]);
    let scope = format!("/v1/scopes/{}", bobs["answer"]["scope_id"].as_str().unwrap());
    read(&world, "bob", &scope).await;

    let none = asked(&world, "ann", "general", "@air average temperature by planet").await;
    assert_eq!(none["answer"]["state"], "cannot_answer", "{none}");
    let empty = asked(&world, "ann", "general", "@air").await;
    assert_eq!(empty["answer"]["state"], "cannot_answer", "{empty}");
}

#[tokio::test]
async fn a_question_back_is_answered_by_a_reply() {
    let world = world("").await;
    let session = make(&world, "ann", json!({"kind": "personal"})).await;
    let room = session["id"].as_str().unwrap();
    let back = asked(&world, "ann", room, "which region was the best").await;
    assert_eq!(back["answer"]["state"], "clarify", "{back}");
    let questions = back["answer"]["questions"].as_array().unwrap();
    assert_eq!(questions.len(), 2, "{back}");
    assert!(back["content"].as_str().unwrap().contains("1. "), "{back}");
    let half = asked(&world, "ann", room, "2").await;
    assert_eq!(half["answer"]["questions"], json!([questions[1]]), "the other is still open");
    let done = asked(&world, "ann", room, "lowest").await;
    assert_eq!(done["answer"]["state"], "answer", "{done}");
    assert_eq!(done["answer"]["question"], "which region was the best");
    assert_eq!(done["answer"]["answers"]["measure"], questions[0]["choices"][1]["value"]);
    assert_eq!(done["answer"]["answers"]["polarity"], "lowest");
    let more = asked(&world, "ann", room, "only south").await;
    assert_eq!(more["answer"]["scope_id"], done["answer"]["scope_id"], "it goes on: {more}");

    // In a room for several only a choice is taken for a reply, and only of who asked.
    make(&world, "ann", json!({"id": "general", "members": ["bob"]})).await;
    let back = asked(&world, "ann", "general", "@air which region was the best").await;
    assert_eq!(back["answer"]["state"], "clarify", "{back}");
    for (user, content) in [("ann", "hello"), ("bob", "1")] {
        let posted = say(&world, user, "general", json!({"content": content})).await;
        assert_eq!(posted.get("answer_id"), None, "{user} {content}");
    }
    let answers = json!({"content": "these", "in_reply_to": back["message_id"],
        "answers": {"measure": "you_decide", "polarity": "highest"}});
    let posted = say(&world, "ann", "general", answers).await;
    let done = answer(&world, "ann", "general", &posted).await;
    assert_eq!(done["answer"]["state"], "answer", "{done}");
}

#[tokio::test]
async fn a_new_question_after_a_question_back_is_no_answer_to_it() {
    let world = world("").await;
    let session = make(&world, "ann", json!({"kind": "personal"})).await;
    let room = session["id"].as_str().unwrap();
    let question = "which region was the best";
    let back = asked(&world, "ann", room, question).await;
    assert_eq!(back["answer"]["state"], "clarify", "{back}");
    for new in ["number of customers", "how many customers are there, by name"] {
        let other = asked(&world, "ann", room, new).await;
        assert_eq!(other["answer"]["question"], new, "{other}");
        assert_eq!(
            (&other["answer"]["state"], &other["answer"]["answers"]),
            (&json!("answer"), &Value::Null)
        );
        assert_ne!(other["answer"]["scope_id"], back["answer"]["scope_id"]);
    }
    // The question back is open still.
    let reply = json!({"content": "1\nhighest", "in_reply_to": back["message_id"]});
    let posted = say(&world, "ann", room, reply).await;
    let done = answer(&world, "ann", room, &posted).await;
    assert_eq!(
        (&done["answer"]["state"], &done["answer"]["question"]),
        (&json!("answer"), &json!(question))
    );

    // Words that are no question are an answer, and what they do not answer is asked again.
    let back = asked(&world, "ann", room, question).await;
    let half = asked(&world, "ann", room, "1").await;
    assert_eq!(half["answer"]["questions"], json!([back["answer"]["questions"][1]]));
    let odd = asked(&world, "ann", room, "whatever you like").await;
    assert_eq!(
        (&odd["answer"]["state"], &odd["answer"]["question"]),
        (&json!("clarify"), &json!(question))
    );
    assert_eq!(odd["answer"]["questions"][0]["id"], "polarity", "{odd}");
    let done = asked(&world, "ann", room, "the low end, please").await;
    assert_eq!(done["answer"]["state"], "answer", "{done}");
    assert_eq!(done["answer"]["ir"]["order"][0]["dir"], "asc", "{done}");
}

#[tokio::test]
async fn a_reply_does_not_move_an_answer_to_another_source() {
    let world = World::with(
        true,
        "
files: {base_path: files}
analytics_sources:
  - {id: shop, kind: files, base_path: files/shop, default: true}
  - {id: copy, kind: files, base_path: files/shop}
",
    )
    .await;
    for id in ["shop", "copy"] {
        let learn = format!("/v1/learn?datasource_id={id}");
        world.as_user("eva", "editor", "POST", &learn).send().await.expect(200);
    }
    let session = make(&world, "ann", json!({"kind": "personal"})).await;
    let room = session["id"].as_str().unwrap();
    let first = asked(&world, "ann", room, "number of orders by region").await;
    assert_eq!(first["answer"]["datasource_id"], "shop", "{first}");
    let back = asked(&world, "ann", room, "which region was the best").await;
    assert_eq!(back["answer"]["state"], "clarify", "{back}");
    let change = world.as_user("adm", "admin", "PATCH", "/v1/datasources/copy");
    change.json(&json!({"default": true})).send().await.expect(200);

    // The question back was about the first source, and so is what is answered.
    let done = asked(&world, "ann", room, "1\nhighest").await;
    assert_eq!(
        (&done["answer"]["state"], &done["answer"]["datasource_id"]),
        (&json!("answer"), &json!("shop"))
    );
    let reply = json!({"content": "only north", "in_reply_to": first["message_id"]});
    let posted = say(&world, "ann", room, reply).await;
    let refused = answer(&world, "ann", room, &posted).await;
    assert_eq!(refused["answer"]["state"], "failed", "{refused}");
    assert!(refused["answer"]["reason"].as_str().unwrap().contains("shop"), "{refused}");
}

#[tokio::test]
async fn an_answer_is_saved_as_a_report() {
    let world = world("").await;
    make(&world, "ann", json!({"id": "general", "private": true, "members": ["eva"]})).await;
    let said = say(&world, "ann", "general", json!({"content": "hello"})).await;
    let done = asked(&world, "ann", "general", "@air number of orders by region").await;
    let path = |message: &Value| {
        let id = message["message_id"].as_str().unwrap();
        format!("{ROOMS}/general/messages/{id}/report")
    };
    let body = json!({"key": "orders_by_region", "title": "Orders by region"});
    let save = |user, role, path: &str| world.as_user(user, role, "POST", path).json(&body).send();
    save("ann", "viewer", &path(&done)).await.problem(403, "forbidden");
    save("ed", "editor", &path(&done)).await.problem(404, "not_found");
    save("eva", "editor", &path(&said)).await.problem(422, "unsupported");
    let saved = save("eva", "editor", &path(&done)).await;
    assert_eq!(saved.header("location"), "/v1/reports/orders_by_region");
    assert_eq!(saved.expect(201)["version"], 1);
    save("eva", "editor", &path(&done)).await.problem(409, "already_exists");
    let reserved = json!({"key": "import"});
    let reserved = world.as_user("eva", "editor", "POST", &path(&done)).json(&reserved);
    reserved.send().await.problem(422, "invalid");
    let run = world.as_user("ann", "viewer", "POST", "/v1/reports/orders_by_region/run");
    let run = run.json(&json!({})).send().await.expect(200);
    assert_eq!(run["rows"], done["answer"]["rows"]);
}

#[tokio::test]
async fn presence_tells_the_members() {
    let world = world("").await;
    make(&world, "ann", json!({"id": "general", "members": ["bob"]})).await;
    let path = "/v1/chat/rooms/general/presence";
    let presence = read(&world, "bob", path).await;
    let users: Vec<&Value> =
        presence["items"].as_array().unwrap().iter().map(|m| &m["user_id"]).collect();
    assert_eq!(users, ["ann", "bob"]);
    assert_eq!(presence["items"][0]["online"], false, "no socket is open");
    assert!(presence["items"][0]["last_seen"].is_string());
    world.as_user("cat", "viewer", "GET", path).send().await.problem(403, "forbidden");
    world
        .as_user("cat", "viewer", "GET", "/v1/chat/rooms/-/presence")
        .send()
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn old_messages_go_by_themselves() {
    let world = world("chat: {message_retention: 1s}").await;
    make(&world, "ann", json!({"id": "general"})).await;
    say(&world, "ann", "general", json!({"content": "gone soon"})).await;
    let begin = Instant::now();
    loop {
        let page = read(&world, "ann", "/v1/chat/rooms/general/messages").await;
        if page["items"] == json!([]) {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "the message stays: {page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let next = say(&world, "ann", "general", json!({"content": "next"})).await;
    assert_eq!(next["seq"], 2);
}

#[tokio::test]
async fn what_was_said_survives_a_restart() {
    let world = world("").await;
    make(&world, "ann", json!({"id": "general"})).await;
    let posted = say(&world, "ann", "general", json!({"content": "@air number of orders"})).await;
    let world = world.restarted().await;
    let done = answer(&world, "ann", "general", &posted).await;
    assert_eq!(done["answer"]["state"], "answer", "{done}");
    let next = asked(&world, "ann", "general", "@air by region").await;
    assert_eq!(next["answer"]["row_count"], 3, "the conversation goes on: {next}");
}

#[tokio::test]
async fn rows_that_were_said_before_there_were_policies_are_not_shown() {
    let world = world("").await;
    make(&world, "ann", json!({"id": "general"})).await;
    let before = asked(&world, "ann", "general", "@air number of orders by region").await;
    assert_eq!(before["answer"]["rows"].as_array().unwrap().len(), 3, "{before}");
    assert!(before["content"].as_str().unwrap().contains("| north | 2 |"), "{before}");
    let policies = "policies:\n  - {datasource: shop, entity: orders, roles: [admin]}\n";
    std::fs::write(world.folder.path().join("config.yaml"), config(policies)).unwrap();

    let world = world.restarted().await;
    let page = read(&world, "ann", "/v1/chat/rooms/general/messages").await;
    let messages = page["items"].as_array().unwrap();
    let after = messages.iter().find(|m| m["message_id"] == before["message_id"]).unwrap();
    let answer = &after["answer"];
    for hidden in ["rows", "sql", "qa", "columns", "row_count", "ir"] {
        assert!(answer.get(hidden).is_none_or(Value::is_null), "{hidden}: {answer}");
    }
    assert_eq!(answer["interpretation"], before["answer"]["interpretation"]);
    let why = answer["reason"].as_str().unwrap();
    let content = after["content"].as_str().unwrap();
    assert!(why.starts_with("Policies") && content.contains(why), "{after}");
    assert!(!after.to_string().contains("north"), "{after}");
}

#[tokio::test]
async fn a_chat_that_is_off_is_not_there() {
    let world = world("chat: {enabled: false}").await;
    world.as_user("ann", "viewer", "GET", ROOMS).send().await.problem(404, "not_found");
    let new = world.as_user("ann", "viewer", "POST", ROOMS).json(&json!({"id": "general"}));
    new.send().await.problem(404, "not_found");
}
