//! The ways to give parameters.

use serde_json::{Value, json};

use crate::stand_in::{StandIn, ok};
use crate::{fed, file, run};

#[track_caller]
fn sends(params: &[&str], input: &str, sent: Value) {
    let server = StandIn::new([ok(json!({"rows": [], "columns": []}))]);
    let mut args = vec!["run", "key"];
    args.extend(params.iter().flat_map(|p| ["--param", p]));
    let ran = fed(&server, &args, input);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(server.only().json()["params"], sent);
}

#[test]
fn text_json_and_lists() {
    sends(&["a=1", "b:=1", "c=x=y", "d="], "", json!({"a": "1", "b": 1, "c": "x=y", "d": ""}));
    sends(&["a=x", "a=y", "a:=3"], "", json!({"a": ["x", "y", 3]}));
    sends(&["a:=[1,null]"], "", json!({"a": [1, null]}));
}

#[test]
fn a_file_gives_way_to_what_is_named() {
    let file = format!("@{}", file("params.json", r#"{"a": "file", "b": [1]}"#));
    sends(&["a=named", &file], "", json!({"a": "named", "b": [1]}));
    sends(&[&file, "b=x"], "", json!({"a": "file", "b": "x"}));
    sends(&["-"], r#"{"a": 1}"#, json!({"a": 1}));
}

#[test]
fn what_is_none_is_a_usage_error() {
    run(&["run", "k", "-p", "a"]).ends(2, &["\"a\"", "name=value"]);
    run(&["run", "k", "-p", "=a"]).ends(2, &["name=value"]);
    run(&["run", "k", "-p", "a:={"]).ends(2, &["is no JSON"]);
    run(&["run", "k", "-p", "@/nowhere.json"]).ends(2, &["/nowhere.json cannot be read"]);
    let list = format!("@{}", file("list.json", "[1]"));
    run(&["run", "k", "-p", &list]).ends(2, &["list.json is no JSON object"]);
}

#[test]
fn a_secret_in_bad_json_is_not_repeated() {
    let ran = run(&["sources", "add", r#"{"dsn": "mysql://u:hidden@h""#]);
    ran.ends(2, &["the JSON given is no JSON"]);
    assert!(!ran.err.contains("hidden"), "{ran:?}");
}
