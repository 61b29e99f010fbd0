//! `ask` in its four states.

use serde_json::{Value, json};

use crate::running::{CSV, result};
use crate::stand_in::{StandIn, ok, problem_of, reply};
use crate::{file, on, run};

const ASK: [&str; 4] = ["ask", "flights per carrier", "--source", "flights"];

fn asked(more: &[&'static str]) -> Vec<&'static str> {
    [&ASK, more].concat()
}

fn answer(verdict: &str) -> Value {
    json!({"state": "answer", "scope_id": "scope_1", "scope_version_id": "scv_1", "scope_md": "",
        "ir": {"entities": ["flights"]}, "badge": "validated", "confidence": 0.9,
        "interpretation": "Flights for each carrier.", "assumptions": ["All years."],
        "questions": [], "result": result(verdict)})
}

pub(crate) fn clarify() -> Value {
    json!({"state": "clarify", "scope_id": "scope_1", "scope_version_id": "scv_1", "scope_md": "",
        "ir": null, "badge": null, "confidence": 0.4, "interpretation": null, "assumptions": [],
        "questions": [{"id": "measure", "text": "Worst by which measure?", "choices": [
            {"value": "avg_arr_delay", "label": "average arrival delay"},
            {"value": "it's late", "label": "share that is late"}],
            "recommended": "avg_arr_delay"}]})
}

#[test]
fn an_answer_is_the_whole_reply_in_a_pipe() {
    let server = StandIn::new([ok(answer("pass"))]);
    let ran = on(&server, &ASK);
    assert_eq!(ran.json(), answer("pass"));
    assert_eq!(ran.err, "");
    let heard = server.only();
    assert_eq!(heard.line, "POST /v1/ask");
    let sent = json!({"question": "flights per carrier", "run": true, "datasource_id": "flights"});
    assert_eq!(heard.json(), sent);
}

#[test]
fn an_answer_is_rows_and_words_for_people() {
    let server = StandIn::new([ok(answer("fail"))]);
    let ran = on(&server, &asked(&["-o", "table"]));
    ran.shows(&["│ UA      ┆     3.50 │"]);
    ran.ends(0, &["Flights for each carrier.", "assumed: All years.", "fail (time_gaps)"]);
    ran.ends(0, &["badge validated, confidence 0.9; follow up with --previous scv_1"]);
    let server = StandIn::new([ok(answer("fail"))]);
    on(&server, &asked(&["--fail-on-qa"])).ends(3, &["verdict"]);
}

#[test]
fn the_rows_of_an_answer_come_in_a_file_format_too() {
    let server = StandIn::new([ok(answer("fail")), reply(200, "text/csv", CSV)]);
    let ran = on(&server, &asked(&["-o", "csv", "--fail-on-qa"]));
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), CSV));
    assert_eq!(server.heard()[1].line, "GET /v1/runs/run_1/rows?format=csv");
    run(&asked(&["-o", "csv", "--no-run"])).ends(2, &["--no-run gives no rows"]);
}

#[test]
fn what_is_only_read_shows_its_ir() {
    let mut reply = answer("pass");
    reply.as_object_mut().unwrap().remove("result");
    let server = StandIn::new([ok(reply)]);
    let ran = on(&server, &asked(&["--no-run", "-o", "table"]));
    assert_eq!(ran.json(), json!({"entities": ["flights"]}));
    assert_eq!(server.only().json()["run"], false);
}

#[test]
fn a_follow_up_names_a_scope_version_or_an_ir() {
    let ir = format!("@{}", file("previous.json", r#"{"entities":["flights"]}"#));
    for (given, sent) in [
        ("scv_1", json!({"scope_version_id": "scv_1"})),
        (&ir, json!({"ir": {"entities": ["flights"]}})),
        ("{}", json!({"ir": {}})),
    ] {
        let server = StandIn::new([ok(answer("pass"))]);
        let args = [&ASK[..], &["--previous", given, "--now", "2013-05-01T00:00:00Z"]].concat();
        assert_eq!(on(&server, &args).code, Some(0));
        let body = server.only().json();
        assert_eq!(body["previous"], sent);
        assert_eq!(body["now"], "2013-05-01T00:00:00Z");
    }
}

#[test]
fn a_question_back_names_the_flags_that_answer_it() {
    let server = StandIn::new([ok(clarify())]);
    let ran = on(&server, &ASK);
    ran.ends(7, &["Worst by which measure?"]);
    ran.ends(7, &["--answer measure=avg_arr_delay   average arrival delay (recommended)"]);
    ran.ends(7, &[r"--answer 'measure=it'\''s late'   share that is late"]);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), clarify());

    // Where rows were wanted, nothing else is on standard output.
    for form in ["table", "csv"] {
        let server = StandIn::new([ok(clarify())]);
        let ran = on(&server, &asked(&["-o", form]));
        assert_eq!((ran.code, ran.out.as_str()), (Some(7), ""), "{form}");
    }
}

#[test]
fn answers_are_sent() {
    let server = StandIn::new([ok(answer("pass"))]);
    let ran = on(&server, &asked(&["--answer", "measure=a = b", "--answer", "x=you_decide"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(server.only().json()["answers"], json!({"measure": "a = b", "x": "you_decide"}));
    run(&asked(&["--answer", "measure"])).ends(2, &["name=value"]);
}

#[test]
fn what_cannot_be_answered_says_why() {
    let reply = json!({"state": "cannot_answer", "reason": "Nothing is called revenue.",
        "missing": ["revenue", "price"]});
    let server = StandIn::new([ok(reply)]);
    on(&server, &ASK).ends(1, &["Nothing is called revenue.", "missing: revenue, price"]);
}

#[test]
fn a_failed_ask_ends_as_its_problem_does() {
    for (status, code, ends) in [(503, "source_unavailable", 5), (422, "source_error", 1)] {
        let problem = problem_of(status, code, "The file is cut off.");
        let server = StandIn::new([ok(json!({"state": "failed", "problem": problem}))]);
        on(&server, &ASK).ends(ends, &["The file is cut off."]);
    }
    let server = StandIn::new([ok(json!({"state": "failed", "reason": "No model."}))]);
    on(&server, &ASK).ends(1, &["No model."]);
}

#[test]
fn an_idempotency_key_is_sent() {
    let server = StandIn::new([ok(answer("pass"))]);
    on(&server, &asked(&["--idempotency-key", "k-1"])).json();
    let heard = server.only();
    assert!(heard.head.contains("idempotency-key: k-1\r\n"), "{heard:?}");
}
