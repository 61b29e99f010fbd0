//! Every exit code, and what is said with it.

use std::net::TcpListener;
use std::process::Stdio;

use serde_json::json;

use crate::stand_in::{StandIn, ok, page, problem, problem_of, reply};
use crate::{Ran, aircli, end, on, run};

#[test]
fn usage_is_2() {
    run(&[]).ends(2, &["Usage: aircli"]);
    run(&["reports", "lst"]).ends(2, &["list"]);
    run(&["get", "v1/reports"]).ends(2, &["begins with /"]);
    run(&["get", "/", "--url", "nowhere"]).ends(2, &["http://host:port"]);
    run(&["get", "/", "--timeout", "5w"]).ends(2, &["write s, m or h"]);
    run(&["get", "/", "--token", "a\nb"]).ends(2, &["the token cannot be sent"]);
}

#[test]
fn a_refusal_is_told_whole() {
    let mut body = problem_of(422, "invalid", "2 things in the request do not fit.");
    body["errors"] = json!([
        {"pointer": "/ir/metrics/0/field", "code": "unknown_column",
            "detail": "flights has no column dep_dely.", "nearest": ["dep_delay", "dep_time"]},
        {"pointer": "", "code": "missing_field", "detail": "Too little."}]);
    let server = StandIn::new([reply(422, "application/problem+json", body.to_string())]);
    let ran = on(&server, &["run", "k"]);
    ran.ends(1, &["aircli: 2 things", "\n  /ir/metrics/0/field: flights has no column dep_dely."]);
    ran.ends(1, &["Did you mean dep_delay, dep_time?", "\n  /: Too little."]);
    assert_eq!(ran.out, "");
}

#[test]
fn codes_follow_the_status() {
    for (status, code, ends) in [
        (404, "not_found", 1),
        (409, "already_exists", 1),
        (429, "too_many_requests", 1),
        (401, "unauthorized", 4),
        (403, "forbidden", 4),
        (500, "internal", 5),
        (503, "source_unavailable", 5),
        (504, "timeout", 6),
    ] {
        let server = StandIn::new([problem(status, code, "What is wrong.")]);
        on(&server, &["reports", "show", "k"]).ends(ends, &["aircli: What is wrong."]);
    }
}

#[test]
fn an_answer_of_a_stranger_is_5() {
    let server = StandIn::new([reply(502, "text/html", "<h1>proxy</h1>")]);
    on(&server, &["get", "/v1/reports"]).ends(5, &["502", "<h1>proxy</h1>"]);
    let server = StandIn::new([reply(200, "text/html", "<h1>portal</h1>")]);
    on(&server, &["reports", "list"]).ends(5, &["is no JSON"]);
}

#[test]
fn a_server_that_is_away_is_5() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    run(&["sources", "list", "--url", &url]).ends(5, &["cannot be reached", &url, "air serve"]);
}

#[test]
fn a_server_that_is_silent_is_6_and_says_how_to_go_on() {
    let silent = |args: &[&str]| -> Ran {
        let (reply, _held) = ok(json!({})).held();
        let server = StandIn::new([reply]);
        on(&server, &[args, &["--timeout", "1s"]].concat())
    };
    silent(&["run", "k"]).ends(6, &["--timeout", "aircli reports runs k"]);
    silent(&["run", "k", "--idempotency-key", "x"]).ends(6, &["same command and key again"]);
    silent(&["query", "{}", "-s", "a"]).ends(6, &["--idempotency-key"]);
    silent(&["learn", "a"]).ends(6, &["aircli sources show a"]);
    // What a repeat meets while the first call goes on.
    let server = StandIn::new([problem(409, "idempotency_in_flight", "It has not ended yet.")]);
    let ran = on(&server, &["run", "k", "--idempotency-key", "x"]);
    ran.ends(6, &["It has not ended yet.", "same command and key again"]);
}

#[test]
fn an_interrupt_is_130() {
    let (reply, _held) = ok(json!({})).held();
    let server = StandIn::new([reply]);
    let mut command = aircli();
    command.args(["run", "k", "--url", &server.url]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    server.wait();
    let kill = format!("kill -INT {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("interrupted; what the server had begun may go on"), "{said}");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let (reply, let_go) = page(json!([{"key": "x".repeat(1_000_000)}])).held();
    let server = StandIn::new([reply]);
    let mut command = aircli();
    command.args(["reports", "list", "--url", &server.url]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    server.wait();
    drop(child.stdout.take());
    let_go.send(()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn help_and_version_are_no_failures() {
    run(&["--version"]).shows(&["aircli 0."]);
    let ran = run(&["--help"]);
    ran.shows(&["ask ", "completions", "Exit codes: 0 done", "--idempotency-key"]);
    assert_eq!(ran.err, "");
}

#[test]
fn completions_need_nothing() {
    for (shell, part) in [("bash", "complete -F"), ("zsh", "#compdef aircli"), ("fish", "complete")]
    {
        let mut command = aircli();
        command.args(["completions", shell]).env("AIR_PROFILE", "none").env("AIR_URL", "none");
        end(&mut command).shows(&[part, "fail-on-qa"]);
    }
    run(&["completions", "tcsh"]).ends(2, &["possible values", "bash"]);
}
