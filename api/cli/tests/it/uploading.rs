//! `aircli upload`: what is sent, and how it ends.

use serde_json::{Value, json};

use crate::stand_in::{StandIn, ok, problem, reply};
use crate::{file, on, run};

const SUM: &str = "492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470";

fn kept(state: &str, reason: Value) -> Value {
    json!({"id": "file_0192f0c17a6b70008000000000000001", "name": "rows.csv", "owner": "eva",
        "state": state, "format": "csv", "compression": "none", "bytes": 8, "sha256": SUM,
        "rows": 1, "columns": 2, "reason": reason, "created_at": "", "updated_at": ""})
}

fn created(state: &str) -> crate::stand_in::Reply {
    let body = json!({"items": [kept(state, Value::Null)]}).to_string();
    reply(201, "application/json", body)
}

#[test]
fn a_file_is_sent_with_its_name_length_and_checksum() {
    let path = file("rows.csv", "a,b\n1,2\n");
    let server = StandIn::new([created("ready")]);
    let ran = on(&server, &["upload", &path, "--idempotency-key", "k"]);
    assert_eq!(ran.json()["items"][0]["state"], "ready");
    let heard = server.only();
    assert_eq!(heard.line, "POST /v1/files?name=rows.csv");
    assert_eq!(heard.body, "a,b\n1,2\n");
    for header in ["content-length: 8", &format!("x-checksum-sha256: {SUM}")] {
        assert!(heard.head.contains(header), "{header:?} is not in {}", heard.head);
    }
    assert!(!heard.head.contains("idempotency-key"), "{}", heard.head);
    assert!(ran.err.is_empty(), "no bar off a terminal: {ran:?}");
}

#[test]
fn a_file_is_waited_for_until_it_was_read() {
    let path = file("rows.csv", "a,b\n1,2\n");
    let again = || [created("quarantined"), ok(kept("quarantined", Value::Null))];
    let server = StandIn::new(again().into_iter().chain([ok(kept("ready", Value::Null))]));
    assert_eq!(on(&server, &["upload", &path]).json()["items"][0]["state"], "ready");
    assert_eq!(server.heard()[2].line, "GET /v1/files/file_0192f0c17a6b70008000000000000001");
    let bad = ok(kept("rejected", json!("\"rows.csv\" cannot be used: line 2.")));
    let server = StandIn::new(again().into_iter().chain([bad]));
    on(&server, &["upload", &path]).ends(1, &["cannot be used: line 2."]);
    let server = StandIn::new([created("quarantined")]);
    let ran = on(&server, &["upload", &path, "--no-wait", "--name", "b.csv"]);
    assert_eq!(ran.json()["items"][0]["state"], "quarantined");
    assert_eq!(server.only().line, "POST /v1/files?name=b.csv&wait=false");
}

#[test]
fn what_was_kept_is_told_where_a_later_file_fails() {
    let (one, two) = (file("rows.csv", "a,b\n1,2\n"), file("bad.csv", "x"));
    let server = StandIn::new([created("ready"), problem(422, "invalid", "It is no table.")]);
    let ran = on(&server, &["upload", &one, &two]);
    ran.ends(1, &["It is no table."]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["items"].as_array().unwrap().len(), 1);
    for (status, code, ends) in
        [(401, "unauthorized", 4), (413, "payload_too_large", 1), (503, "unavailable", 5)]
    {
        let server = StandIn::new([problem(status, code, "No.")]);
        on(&server, &["upload", &one]).ends(ends, &["No."]);
    }
    run(&["upload"]).ends(2, &["FILE"]);
    run(&["upload", "/nowhere/a.csv"]).ends(2, &["/nowhere/a.csv cannot be read"]);
    run(&["upload", "/"]).ends(2, &["is no file"]);
    run(&["upload", &one, &two, "--name", "c.csv"]).ends(2, &["--name is for one file"]);
}

#[test]
fn a_server_that_takes_nothing_is_left() {
    let path = file("rows.csv", "a,b\n1,2\n");
    let (held, _go) = created("ready").held();
    let server = StandIn::new([held]);
    on(&server, &["upload", &path, "--timeout", "1s"]).ends(6, &["nothing moved for 1 s"]);
}
