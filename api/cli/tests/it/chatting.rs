//! `chat` before its socket is open; talking itself is tested against the service.

use serde_json::json;

use crate::stand_in::{StandIn, ok, problem};
use crate::{on, run};

#[test]
fn what_cannot_be_is_told_before_anything_is_sent() {
    run(&["chat", "-o", "csv"]).ends(2, &["this command gives no rows"]);
    run(&["chat", "--room", "a", "--source", "b"]).ends(2, &["--source is for a new session"]);
    run(&["chat", "--room", ".."]).ends(2, &["is no name"]);
}

#[test]
fn a_room_that_is_not_there_ends_it() {
    let server = StandIn::new([problem(404, "not_found", "There is no room x.")]);
    on(&server, &["chat", "--room", "x"]).ends(1, &["There is no room x."]);
    assert_eq!(server.only().line, "GET /v1/chat/rooms/x");
}

#[test]
fn a_room_is_joined_and_a_session_is_made() {
    let room = json!({"id": "x", "joined": false, "last_seq": 4});
    let server = StandIn::new([ok(room.clone()), ok(room)]);
    on(&server, &["chat", "--room", "x"]).ends(0, &["aircli chat --room x"]);
    assert_eq!(server.heard()[1].line, "POST /v1/chat/rooms/x/members");

    let server = StandIn::new([ok(json!({"id": "s1", "last_seq": 0}))]);
    on(&server, &["chat", "--source", "shop"]).ends(0, &["in s1"]);
    let sent = server.only();
    assert_eq!(sent.line, "POST /v1/chat/rooms");
    assert_eq!(sent.json(), json!({"kind": "personal", "datasource_id": "shop"}));
}
