//! `jobs`, `schedules`, and commands that are done as jobs: followed, given up, interrupted.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::running::{CSV, result};
use crate::stand_in::{StandIn, ok, page, problem, reply};
use crate::{aircli, on, run};

const JOB: &str = "job_0192f0c17a6b70008000000000000001";

fn job(status: &str, progress: u8) -> Value {
    json!({"job_id": JOB, "kind": "report", "status": status, "progress": progress,
        "current_step": "running", "estimated_remaining": "2m30s", "owner": "ana",
        "created_at": "2026-03-02T09:12:00Z", "result": null, "error": null})
}

fn done() -> Value {
    let mut job = job("completed", 100);
    job["result"] = json!({"run_id": "run_1", "row_count": 2});
    job
}

fn failed() -> Value {
    let mut job = job("failed", 40);
    job["error"] = json!({"code": "source_error", "detail": "orders.csv is not there."});
    job
}

fn accepted() -> crate::stand_in::Reply {
    let body = json!({"job_id": JOB, "status": "queued", "job_url": format!("/v1/jobs/{JOB}")});
    reply(202, "application/json", body.to_string())
}

#[test]
fn jobs_are_listed_shown_and_cancelled() {
    let server = StandIn::new([page(json!([job("running", 45)]))]);
    let args = ["jobs", "list", "--status", "running", "--kind", "report", "-o", "table"];
    on(&server, &args).shows(&[JOB, "45"]);
    assert_eq!(server.only().line, "GET /v1/jobs?limit=500&status=running&kind=report");

    let server = StandIn::new([ok(job("running", 45))]);
    assert_eq!(on(&server, &["jobs", "get", JOB]).json(), job("running", 45));
    assert_eq!(server.only().line, format!("GET /v1/jobs/{JOB}"));

    let asked = reply(202, "application/json", job("running", 45).to_string());
    let server = StandIn::new([asked, ok(job("running", 46)), ok(job("cancelled", 46))]);
    let ran = on(&server, &["jobs", "cancel", JOB, "--follow"]);
    assert_eq!(ran.json()["status"], "cancelled");
    assert_eq!(server.heard()[0].line, format!("DELETE /v1/jobs/{JOB}"));
}

#[test]
fn a_job_is_followed_to_its_end() {
    let away = || problem(503, "unavailable", "The control plane is busy.");
    let server = StandIn::new([ok(job("queued", 0)), away(), ok(job("running", 45)), ok(done())]);
    let ran = on(&server, &["jobs", "get", JOB, "--follow"]);
    assert_eq!(ran.json(), done());
    assert_eq!(ran.err, "", "a bar is for terminals");
    assert_eq!(server.heard().len(), 4);

    let server = StandIn::new([ok(failed())]);
    let ran = on(&server, &["jobs", "get", JOB, "--follow"]);
    ran.ends(5, &[JOB, "failed: orders.csv is not there."]);
    assert!(ran.out.contains("source_error"), "{ran:?}");
    let server = StandIn::new([ok(job("cancelled", 3))]);
    on(&server, &["jobs", "get", JOB, "--follow"]).ends(1, &["was cancelled"]);
    let server = StandIn::new([problem(404, "not_found", "There is no job.")]);
    on(&server, &["jobs", "get", JOB, "--follow"]).ends(1, &["There is no job."]);
}

#[test]
fn who_gives_up_is_told_how_to_go_on() {
    let server = StandIn::new([ok(job("running", 45))]);
    let ran = on(&server, &["jobs", "get", JOB, "--follow", "--wait", "0s"]);
    ran.ends(6, &["has not ended yet", &format!("aircli jobs get {JOB} --follow")]);
}

#[test]
fn an_interrupt_names_the_job_that_runs_on() {
    let (held, _held) = ok(job("running", 46)).held();
    let server = StandIn::new([accepted(), ok(job("running", 45)), held]);
    let mut command = aircli();
    command.args(["run", "k", "--follow", "--url", &server.url]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    for _ in 0..3 {
        server.wait();
    }
    let kill = format!("kill -INT {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("aircli jobs get {JOB} --follow")), "{said}");
}

#[test]
fn a_report_is_run_as_a_job() {
    let server = StandIn::new([accepted()]);
    let ran = on(&server, &["run", "k", "--async", "-p", "a=1"]);
    assert_eq!(ran.json()["job_id"], JOB);
    let heard = server.only();
    assert_eq!(
        (heard.line.as_str(), heard.json()),
        ("POST /v1/reports/k/run", json!({"params": {"a": "1"}}))
    );
    assert!(heard.head.contains("prefer: respond-async\r\n"), "{heard:?}");

    let record = || {
        let mut record = result("fail");
        record["sample"] = record["rows"].take();
        ok(record)
    };
    let rows = || page(result("fail")["rows"].clone());
    let server = StandIn::new([accepted(), ok(job("running", 9)), ok(done()), record(), rows()]);
    let ran = on(&server, &["run", "k", "--follow"]);
    let shown = ran.json();
    assert_eq!((&shown["rows"], &shown["job_id"]), (&result("fail")["rows"], &json!(JOB)));
    ran.ends(0, &["was added"]);
    let lines: Vec<_> = server.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(lines[3..], ["GET /v1/runs/run_1", "GET /v1/runs/run_1/rows?limit=500"]);

    let server = StandIn::new([accepted(), ok(done()), record(), rows()]);
    on(&server, &["run", "k", "--follow", "--fail-on-qa"]).ends(3, &["verdict"]);
    let server = StandIn::new([accepted(), ok(done()), reply(200, "text/csv", CSV)]);
    assert_eq!(on(&server, &["run", "k", "--follow", "-o", "csv"]).out, CSV);
    assert_eq!(server.heard()[2].line, "GET /v1/runs/run_1/rows?format=csv");
    let server = StandIn::new([accepted(), ok(failed())]);
    on(&server, &["query", "{}", "-s", "a", "--follow"]).ends(5, &["orders.csv is not there."]);
    run(&["run", "k", "--async", "--follow"]).ends(2, &["cannot be used with"]);
}

#[test]
fn a_source_is_learned_as_a_job() {
    let server = StandIn::new([accepted()]);
    assert_eq!(on(&server, &["learn", "a", "--async"]).json()["job_id"], JOB);
    let heard = server.only();
    assert_eq!(heard.line, "POST /v1/learn?datasource_id=a");
    assert!(heard.head.contains("prefer: respond-async\r\n"), "{heard:?}");
    let mut learned = job("completed", 100);
    learned["result"] = json!({"tables": 5});
    let server = StandIn::new([accepted(), ok(learned.clone())]);
    assert_eq!(on(&server, &["learn", "a", "--follow", "--stats"]).json(), learned);
    let server = StandIn::new([accepted(), ok(failed())]);
    on(&server, &["learn", "a", "--follow"]).ends(5, &["orders.csv is not there."]);
}

#[test]
fn schedules_are_kept() {
    let schedule = json!({"id": "sched_1", "name": "Daily", "cron": "@daily", "enabled": true,
        "report_key": "k", "time_zone": "UTC", "next_runs": ["2026-04-01T00:00:00+00:00"]});
    let server = StandIn::new([page(json!([schedule]))]);
    on(&server, &["schedules", "list", "-o", "table"]).shows(&["sched_1", "2026-04-01"]);

    let server = StandIn::new([ok(schedule.clone())]);
    let from = r#"from:={"during":"yesterday","edge":"start"}"#;
    let args = ["schedules", "add", "k", "--cron", "@daily", "--zone", "Europe/Berlin", "-p", from];
    on(&server, &[&args[..], &["--misfire", "run_all", "--max-catch-up", "3"]].concat())
        .shows(&["Daily"]);
    let wanted = json!({"report_key": "k", "cron": "@daily", "time_zone": "Europe/Berlin",
        "params": {"from": {"during": "yesterday", "edge": "start"}}, "misfire": "run_all",
        "max_catch_up": 3});
    assert_eq!(server.only().json(), wanted);

    let server = StandIn::new([ok(schedule.clone())]);
    on(&server, &["schedules", "set", "sched_1", "--disable"]).shows(&["Daily"]);
    let heard = server.only();
    assert_eq!(
        (heard.line.as_str(), heard.json()),
        ("PATCH /v1/schedules/sched_1", json!({"enabled": false}))
    );
    let server = StandIn::new([ok(schedule)]);
    on(&server, &["schedules", "show", "sched_1"]).shows(&["Daily"]);
    let server = StandIn::new([reply(204, "application/json", "")]);
    on(&server, &["schedules", "delete", "sched_1"]).ends(0, &["is removed"]);
    run(&["schedules", "add", "k"]).ends(2, &["--cron"]);
    run(&["schedules", "set", "sched_1"]).ends(2, &["--disable"]);
}
