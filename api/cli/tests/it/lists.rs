//! `sources`, `reports`, `learn`, `schema`: the members shown are those of the contract.

use serde_json::{Value, json};

use crate::stand_in::{StandIn, ok, page, reply};
use crate::{on, run};

fn source() -> Value {
    json!({"id": "flights", "kind": "files", "display_name": "Flights", "default": true,
        "base_path": "sample", "health": {"status": "failing", "detail": "No such folder."},
        "catalog_version": null, "learned_at": "2026-03-02T08:15:00Z",
        "created_at": "2026-03-02T08:14:58Z", "updated_at": "2026-03-02T08:15:00Z"})
}

#[test]
fn sources_show_the_default_and_their_health() {
    let server = StandIn::new([page(json!([source()]))]);
    let ran = on(&server, &["sources", "list", "-o", "table"]);
    ran.shows(&["│ id ", "health.status", "┆ true ", "┆ failing ", "2026-03-02T08:15:00Z"]);
    assert_eq!(server.only().line, "GET /v1/datasources?limit=500");
}

#[test]
fn a_list_of_several_pages_is_whole() {
    let server = StandIn::new([
        ok(json!({"items": [{"key": "a"}], "next": "c 1"})),
        page(json!([{"key": "b"}])),
    ]);
    let ran = on(&server, &["reports", "list"]);
    assert_eq!(ran.json(), json!({"items": [{"key": "a"}, {"key": "b"}], "next": null}));
    assert_eq!(server.heard()[1].line, "GET /v1/reports?limit=500&cursor=c+1");

    let stuck = || ok(json!({"items": [], "next": "c"}));
    let server = StandIn::new([stuck(), stuck()]);
    on(&server, &["reports", "list"]).ends(5, &["the same page again"]);
}

#[test]
fn runs_show_verdict_and_rows() {
    let server = StandIn::new([page(json!([{"run_id": "run_1", "status": "completed",
        "version": 2, "params": {"carrier": "UA"}, "row_count": 12, "qa_status": "warn",
        "started_at": "2026-03-02T09:00:00Z", "finished_at": null}]))]);
    let ran = on(&server, &["reports", "runs", "k", "-o", "table"]);
    ran.shows(&["run_1", "completed", "qa_status", "warn", r#"{"carrier":"UA"}"#, "12 "]);
    assert_eq!(server.only().line, "GET /v1/reports/k/runs?limit=500");
}

#[test]
fn data_cannot_break_a_table() {
    let server = StandIn::new([page(
        json!([{"key": "a\nb\u{1b}[31m\u{202e}", "title": "Zürich \\ \"x\""}]),
    )]);
    let ran = on(&server, &["reports", "list", "-o", "table"]);
    ran.shows(&[r"a\nb\u{1b}[31m\u{202e}", "Zürich \\ \"x\""]);
    assert!(!ran.out.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn rows_formats_are_refused_where_there_are_no_rows() {
    for args in [&["reports", "list"][..], &["sources", "delete", "a"], &["learn", "a"]] {
        run(&[args, &["-o", "csv"]].concat()).ends(2, &["--output table or json"]);
    }
}

#[test]
fn learning_is_what_the_contract_says() {
    let learned = json!({"datasource_id": "flights", "tables": 5, "warnings": ["Odd."]});
    for (args, sent) in [
        (&["learn", "flights"][..], json!({})),
        (&["learn", "flights", "--stats"], json!({"include_stats": true})),
    ] {
        let server = StandIn::new([ok(learned.clone())]);
        assert_eq!(on(&server, args).json(), learned);
        let heard = server.only();
        assert_eq!(heard.line, "POST /v1/learn?datasource_id=flights");
        assert_eq!(heard.json(), sent);
    }
    let server = StandIn::new([ok(learned)]);
    on(&server, &["learn", "flights", "-o", "table"]).shows(&["│ tables ", "┆ 5 ", r#"["Odd."]"#]);
}

#[test]
fn schema_notes_are_markdown_for_people() {
    let notes = || page(json!([{"object": "a", "md": "## a\n"}, {"object": "b", "md": "## b\n"}]));
    let server = StandIn::new([notes()]);
    let ran = on(&server, &["schema", "flights", "-o", "table"]);
    assert_eq!(ran.out, "## a\n\n## b\n\n");
    let server = StandIn::new([notes()]);
    assert_eq!(on(&server, &["schema", "flights"]).json()["items"][1]["object"], "b");
}

#[test]
fn sources_are_added_reached_and_removed() {
    let server = StandIn::new([
        reply(201, "application/json", source().to_string()),
        ok(json!({"status": "ok", "latency_ms": 3.1})),
        reply(204, "text/plain", ""),
    ]);
    on(&server, &["sources", "add", r#"{"id":"flights"}"#]).json();
    assert_eq!(on(&server, &["sources", "health", "flights"]).json()["status"], "ok");
    let ran = on(&server, &["sources", "delete", "flights"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    let lines: Vec<String> = server.heard().into_iter().map(|h| h.line).collect();
    assert_eq!(
        lines,
        [
            "POST /v1/datasources",
            "POST /v1/datasources/flights/health",
            "DELETE /v1/datasources/flights"
        ]
    );
    assert_eq!(server.heard()[1].body, "");
}
