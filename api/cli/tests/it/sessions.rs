//! `sessions` and `endpoints`: what is sent, and how an answer is shown.

use serde_json::{Value, json};

use crate::on;
use crate::stand_in::{StandIn, ok, page, problem, reply};

fn answer(state: &str) -> Value {
    json!({"state": state, "message_id": "msg_1", "interpretation": "Sales by region.",
        "assumptions": [], "questions": [], "badge": "validated", "confidence": 0.97,
        "reason": "Nothing is called weather.",
        "result": {"run_id": "run_1", "row_count": 1, "truncated": false,
            "columns": [{"name": "region", "type": "text", "role": "dimension"}],
            "rows": [{"region": "north"}], "qa": {"status": "pass", "checks": []}}})
}

#[test]
fn a_session_is_opened_talked_in_and_published() {
    let session = json!({"id": "ls_1", "name": "Sales",
        "suggested_questions": ["total amount by region"],
        "joins": [{"from": "sales.store", "to": "stores.store"}]});
    let endpoint = json!({"slug": "s", "version": 2, "url": "/v1/endpoints/s"});
    let server = StandIn::new([
        reply(201, "application/json", session.to_string()),
        ok(answer("answer")),
        reply(201, "application/json", endpoint.to_string()),
        page(json!([session])),
        ok(session),
        reply(204, "text/plain", ""),
    ]);
    let opened = on(&server, &["sessions", "new", "file_1", "file_2", "--name", "Sales"]);
    assert_eq!(opened.json()["id"], "ls_1");
    opened.ends(0, &["joined: sales.store = stores.store", "say ls_1 \"total amount by region\""]);
    let said = ["sessions", "say", "ls_1", "only north", "--answer", "measure=amount"];
    let said = on(&server, &[&said[..], &["--now", "2024-05-01T00:00:00Z"]].concat());
    assert_eq!(said.json()["message_id"], "msg_1");
    let publish = ["sessions", "publish", "ls_1", "s", "-p", "region:text=north", "-p", "n:date!"];
    on(&server, &publish).ends(0, &["version 2 is called at /v1/endpoints/s"]);
    on(&server, &["sessions", "list", "--output", "table"]).shows(&["ls_1", "Sales"]);
    on(&server, &["sessions", "show", "ls_1"]).shows(&["suggested_questions"]);
    on(&server, &["sessions", "delete", "ls_1"]).ends(0, &["ls_1 is removed"]);
    let heard = server.heard();
    assert_eq!(heard[0].json(), json!({"file_ids": ["file_1", "file_2"], "name": "Sales"}));
    assert_eq!(heard[1].line, "POST /v1/learning-sessions/ls_1/messages");
    let sent = json!({"text": "only north", "run": true, "answers": {"measure": "amount"},
        "now": "2024-05-01T00:00:00Z"});
    assert_eq!(heard[1].json(), sent);
    let sent = json!({"slug": "s", "params": [
        {"name": "region", "type": "text", "default": "north"},
        {"name": "n", "type": "date", "required": true}]});
    assert_eq!(
        (heard[2].line.as_str(), heard[2].json()),
        ("POST /v1/learning-sessions/ls_1/publish", sent)
    );
    assert_eq!(heard[5].line, "DELETE /v1/learning-sessions/ls_1");
}

#[test]
fn what_is_no_answer_has_its_exit_code() {
    let clarify = json!({"state": "clarify", "questions": [{"id": "measure", "text": "Which?",
        "choices": [{"value": "amount", "label": "the amount"}], "recommended": "amount"}]});
    let server = StandIn::new([ok(clarify), ok(answer("cannot_answer"))]);
    let say = ["sessions", "say", "ls_1", "best"];
    on(&server, &say).ends(7, &["--answer measure=amount", "(recommended)"]);
    on(&server, &say).ends(1, &["Nothing is called weather."]);
    let usage = StandIn::new([]);
    on(&usage, &["sessions", "publish", "ls_1", "s", "-p", "region"]).ends(2, &["NAME:TYPE"]);
}

#[test]
fn an_endpoint_is_called_with_its_parameters() {
    let result = answer("answer")["result"].clone();
    let server = StandIn::new([
        ok(result),
        reply(200, "text/csv", "region\r\nnorth\r\n").header("X-Air-Row-Count", "1"),
        problem(422, "invalid", "1 thing in the request does not fit."),
        reply(200, "application/yaml", "openapi: 3.1.0\n"),
        page(json!([{"slug": "s", "title": "Sales"}])),
        reply(204, "text/plain", ""),
    ]);
    let call = ["endpoints", "call", "s", "-p", "region=north", "-p", "region=a b"];
    let shown = on(&server, &[&call[..], &["--version", "1", "--output", "table"]].concat());
    shown.shows(&["north"]);
    let csv = on(&server, &["endpoints", "call", "s", "--output", "csv"]);
    assert_eq!(csv.out, "region\r\nnorth\r\n");
    on(&server, &call).ends(1, &["does not fit"]);
    assert_eq!(on(&server, &["endpoints", "openapi"]).out, "openapi: 3.1.0\n");
    on(&server, &["endpoints", "list", "--output", "table"]).shows(&["Sales"]);
    on(&server, &["endpoints", "delete", "s"]).ends(0, &["s is taken out of use"]);
    let heard = server.heard();
    assert_eq!(heard[0].line, "GET /v1/endpoints/s?region=north&region=a+b&version=1");
    assert_eq!(heard[1].line, "GET /v1/endpoints/s?format=csv");
    assert_eq!(heard[5].line, "DELETE /v1/endpoints/s");
}

#[test]
fn a_key_of_an_endpoint_is_made_listed_and_revoked() {
    let made = json!({"id": "ekey_1", "slug": "s", "name": "shops", "key": "air_key_1_x"});
    let listed = json!({"id": "ekey_1", "slug": "s", "name": "shops", "created_by": "ann"});
    let server = StandIn::new([
        reply(201, "application/json", made.to_string()),
        page(json!([listed])),
        reply(204, "text/plain", ""),
        problem(403, "forbidden", "Who published an endpoint, or an admin, has its keys."),
    ]);
    let new = on(&server, &["endpoints", "new-key", "s", "--name", "shops"]);
    assert_eq!(new.json()["key"], "air_key_1_x");
    new.ends(0, &["it is not shown again"]);
    on(&server, &["endpoints", "keys", "s", "--output", "table"])
        .shows(&["ekey_1", "shops", "ann"]);
    on(&server, &["endpoints", "revoke-key", "s", "ekey_1"]).ends(0, &["ekey_1 opens nothing"]);
    on(&server, &["endpoints", "keys", "s"]).ends(4, &["has its keys"]);
    on(&StandIn::new([]), &["endpoints", "new-key", "s"]).ends(2, &["--name"]);
    let heard = server.heard();
    assert_eq!(
        (heard[0].line.as_str(), heard[0].json()),
        ("POST /v1/endpoints/s/keys", json!({"name": "shops"}))
    );
    assert_eq!(heard[2].line, "DELETE /v1/endpoints/s/keys/ekey_1");
}
