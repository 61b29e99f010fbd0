//! Reports as definitions: saved, exported, imported.

use serde_json::json;

use crate::stand_in::{StandIn, ok, reply};
use crate::{fed, file, on};

const YAML: &str = "format: air.report/1\nkey: monthly\ntitle: Monthly\ndef:\n  version: '1'\n";

#[test]
fn an_export_is_written_as_it_comes() {
    let server = StandIn::new([reply(200, "application/yaml", YAML)]);
    assert_eq!(on(&server, &["export", "monthly"]).out, YAML);
    assert_eq!(server.only().line, "GET /v1/reports/monthly/export?format=yaml");

    let server = StandIn::new([reply(200, "application/json", "{\"a\":1}")]);
    let ran = on(&server, &["export", "monthly", "--format", "json", "--version", "3"]);
    assert_eq!(ran.out, "{\"a\":1}");
    assert_eq!(server.only().line, "GET /v1/reports/monthly/export?format=json&version=3");
}

#[test]
fn an_import_says_what_it_is() {
    let saved = || reply(201, "application/json", r#"{"key":"copy","version":1}"#);
    let server = StandIn::new([saved()]);
    let path = file("monthly.yaml", YAML);
    let ran = on(&server, &["import", &path, "--key", "copy", "--source", "flights"]);
    assert_eq!(ran.json()["version"], 1);
    let heard = server.only();
    assert_eq!(heard.line, "POST /v1/reports/import?key=copy&datasource_id=flights");
    assert!(heard.head.contains("content-type: application/yaml\r\n"), "{heard:?}");
    assert_eq!(heard.body, YAML);

    let server = StandIn::new([saved()]);
    assert_eq!(fed(&server, &["import", "-"], r#"{"format":"air.report/1"}"#).code, Some(0));
    let heard = server.only();
    assert_eq!(heard.line, "POST /v1/reports/import");
    assert!(heard.head.contains("content-type: application/json\r\n"), "{heard:?}");
}

#[test]
fn a_version_is_saved_over_the_one_that_was_seen() {
    let created = || reply(201, "application/json", r#"{"key":"k","version":2}"#);
    let version = ["reports", "version", "k", r#"{"version":"1"}"#];
    let server = StandIn::new([
        ok(json!({"key": "k", "current": {"version": 1, "checksum": "abc"}})),
        created(),
    ]);
    let args = [&version[..], &["-s", "flights", "--scope", "scv_1"]].concat();
    assert_eq!(on(&server, &args).json()["version"], 2);
    let heard = &server.heard()[1];
    assert_eq!(heard.line, "POST /v1/reports/k/versions");
    assert!(heard.head.contains("if-match: \"abc\"\r\n"), "{heard:?}");
    let sent =
        json!({"def": {"version": "1"}, "datasource_id": "flights", "scope_version_id": "scv_1"});
    assert_eq!(heard.json(), sent);

    // The first version has nothing to match.
    let server = StandIn::new([ok(json!({"key": "k", "current": null})), created()]);
    assert_eq!(on(&server, &version).code, Some(0));
    assert!(!server.heard()[1].head.contains("if-match"), "{:?}", server.heard());

    let server = StandIn::new([created()]);
    on(&server, &[&version[..], &["--if-match", "*"]].concat()).json();
    assert!(server.only().head.contains("if-match: *\r\n"));
}

#[test]
fn a_report_is_created_and_archived() {
    let server = StandIn::new([
        reply(201, "application/json", r#"{"key":"k"}"#),
        reply(204, "text/plain", ""),
    ]);
    on(&server, &["reports", "create", "k"]).json();
    assert_eq!(server.only().json(), json!({"key": "k", "title": "k"}));
    on(&server, &["reports", "delete", "k"]).ends(0, &["k is archived"]);
    assert_eq!(server.heard()[1].line, "DELETE /v1/reports/k");
}
