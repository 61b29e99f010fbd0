//! `run`, `query` and `sql`: what is sent, and how rows come out.

use serde_json::{Value, json};

use crate::stand_in::{StandIn, ok, page, reply};
use crate::{file, on, run};

pub(crate) const CSV: &str = "carrier,n\r\nUA,3\r\n\"A, B\",4\r\n";

/// A result with the verdict given.
pub(crate) fn result(verdict: &str) -> Value {
    json!({"run_id": "run_1", "status": "completed", "datasource_id": "flights",
        "columns": [{"name": "carrier", "type": "text", "role": "dimension"},
            {"name": "n", "type": "decimal(20,2)", "role": "measure"}],
        "rows": [{"carrier": "UA", "n": "3.50"}, {"carrier": null, "n": "12345.00"}],
        "row_count": 2, "truncated": true, "notes": ["The filter applies to flights alone."],
        "qa": {"status": verdict, "rubric_version": "1", "checks": [
            {"id": "empty", "status": "pass", "message": "There are rows.", "evidence": null},
            {"id": "time_gaps", "status": verdict, "message": "Days are missing.", "evidence": 1}]}})
}

#[test]
fn rows_are_json_in_a_pipe() {
    let server = StandIn::new([ok(result("pass"))]);
    let ran = on(&server, &["run", "monthly"]);
    assert_eq!(ran.json(), result("pass"));
    let heard = server.only();
    assert_eq!(heard.line, "POST /v1/reports/monthly/run");
    assert_eq!(heard.json(), json!({"params": {}}));
    assert!(!heard.head.contains("idempotency-key"), "{heard:?}");
}

#[test]
fn rows_are_a_table_where_one_is_asked_for() {
    let server = StandIn::new([ok(result("warn"))]);
    let ran = on(&server, &["run", "monthly", "--output", "table"]);
    // Numbers stand to the right, the decimals among them; null is empty.
    ran.shows(&["│ carrier ┆ n        │", "│ UA      ┆     3.50 │", "│         ┆ 12345.00 │"]);
    ran.ends(0, &["2 rows, cut at the limit", "QA warn", "run_1", "warn (time_gaps): Days are"]);
    ran.ends(0, &["note: The filter applies"]);
    assert!(!ran.err.contains("There are rows."), "{ran:?}");
}

#[test]
fn messages_are_left_out_when_quiet() {
    let server = StandIn::new([ok(result("warn"))]);
    let ran = on(&server, &["run", "monthly", "--output", "table", "--quiet"]);
    ran.shows(&["UA"]);
    assert_eq!(ran.err, "");
}

#[test]
fn a_file_format_is_passed_on_byte_for_byte() {
    let server = StandIn::new([reply(200, "text/csv", CSV)
        .header("X-Air-Run-Id", "run_7")
        .header("X-Air-Row-Count", "2")
        .header("X-Air-Truncated", "true")]);
    let ran = on(&server, &["run", "monthly", "-o", "csv"]);
    assert_eq!(ran.out, CSV);
    ran.ends(0, &["2 rows, cut at the limit", "run_7"]);
    let heard = server.only();
    assert_eq!(heard.line, "POST /v1/reports/monthly/run?format=csv");
    assert!(heard.head.contains("accept: text/csv\r\n"), "{heard:?}");
}

#[test]
fn source_version_and_time_are_sent() {
    let server = StandIn::new([ok(result("pass"))]);
    let args = ["run", "a/b", "-s", "flights", "--version", "2", "--now", "2013-05-01T00:00:00Z"];
    assert_eq!(on(&server, &args).code, Some(0));
    let heard = server.only();
    assert_eq!(heard.line, "POST /v1/reports/a%2Fb/run?datasource_id=flights&version=2");
    assert_eq!(heard.json()["now"], "2013-05-01T00:00:00Z");
}

#[test]
fn a_name_that_would_lead_to_another_path_is_refused() {
    for name in ["", ".", ".."] {
        run(&["run", name]).ends(2, &["is no name"]);
    }
}

#[test]
fn fail_on_qa_makes_a_failure_of_a_bad_verdict() {
    for (verdict, flag, code) in
        [("fail", true, 3), ("fail", false, 0), ("warn", true, 0), ("pass", true, 0)]
    {
        let server = StandIn::new([ok(result(verdict))]);
        let args: &[&str] = if flag { &["run", "k", "--fail-on-qa"] } else { &["run", "k"] };
        let ran = on(&server, args);
        assert_eq!(ran.code, Some(code), "{verdict} {flag} {ran:?}");
        // The rows are there all the same.
        assert!(ran.out.contains("12345.00"), "{ran:?}");
    }
    // A file of rows holds no verdict, so this cannot be judged; and nothing is run.
    run(&["run", "k", "--fail-on-qa", "-o", "csv"]).ends(2, &["--output table or json"]);
}

#[test]
fn a_query_takes_an_ir_or_sql() {
    let sources = || page(json!([{"id": "a", "default": false}, {"id": "b", "default": true}]));
    let server = StandIn::new([sources(), ok(result("pass"))]);
    let path = file("query.json", r#"{"entities":["flights"]}"#);
    let ran = on(&server, &["query", &format!("@{path}"), "-p", "x:=1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let heard = server.heard();
    assert_eq!(heard[0].line, "GET /v1/datasources?limit=500");
    assert_eq!(heard[1].line, "POST /v1/query");
    let sent = json!({"ir": {"entities": ["flights"]}, "params": {"x": 1}, "datasource_id": "b"});
    assert_eq!(heard[1].json(), sent);

    let server = StandIn::new([ok(result("pass"))]);
    on(&server, &["query", "--sql", "SELECT 1", "-s", "a"]).shows(&["12345.00"]);
    assert_eq!(server.only().json(), json!({"sql": "SELECT 1", "datasource_id": "a"}));

    run(&["query"]).ends(2, &["IR"]);
    run(&["query", "{", "-s", "a"]).ends(2, &["the JSON given is no JSON"]);
}

#[test]
fn which_source_is_not_guessed() {
    let server = StandIn::new([page(json!([{"id": "a"}, {"id": "b"}]))]);
    on(&server, &["query", "{}"]).ends(2, &["--source: a, b"]);
    let server = StandIn::new([page(json!([]))]);
    on(&server, &["query", "{}"]).ends(1, &["there are no sources"]);
}

#[test]
fn sql_of_several_dialects_is_one_request() {
    let answer = || {
        ok(json!({"dialect": "datafusion", "sql": "SELECT 0", "params": [], "safety_report": [],
            "plan": "", "all_sql": [{"dialect": "postgres", "sql": "SELECT $1", "params": ["x"]},
                {"dialect": "mysql", "unsupported": "median has no like there"}]}))
    };
    let server = StandIn::new([answer()]);
    let args = ["sql", "{}", "-s", "flights", "--dialect", "postgres,mysql", "-o", "table"];
    let ran = on(&server, &args);
    assert_eq!(
        ran.out,
        "-- postgres\nSELECT $1\n-- values: [\"x\"]\n-- mysql: median has no like there\n"
    );
    assert_eq!(server.only().json()["dialects"], json!(["postgres", "mysql"]));

    let server = StandIn::new([answer()]);
    let ran = on(&server, &["sql", "{}", "-s", "flights", "--dialect", "mysql"]);
    assert_eq!(ran.json()["sql"], "SELECT 0");
    assert_eq!(server.only().json()["dialect"], "mysql");
}
