//! `get`, `post`, `patch`, `delete`: any path.

use serde_json::json;

use crate::running::CSV;
use crate::stand_in::{StandIn, ok, reply};
use crate::{fed, on};

#[test]
fn query_headers_and_body_are_sent() {
    let server = StandIn::new([ok(json!({"a": 1}))]);
    let args = ["patch", "/v1/x?a=1", "--query", "b=c d", "--header", "If-Match=*", "--json", "-"];
    let ran = fed(&server, &args, "{\"z\": [1]}");
    assert_eq!(ran.out, "{\n  \"a\": 1\n}\n");
    let heard = server.only();
    assert_eq!(heard.line, "PATCH /v1/x?a=1&b=c+d");
    assert!(heard.head.contains("if-match: *\r\n"), "{heard:?}");
    assert_eq!(heard.json(), json!({"z": [1]}));
}

#[test]
fn without_a_body_none_is_sent() {
    for (method, verb) in [("get", "GET"), ("post", "POST"), ("delete", "DELETE")] {
        let server = StandIn::new([reply(204, "text/plain", "")]);
        let ran = on(&server, &[method, "/v1/x"]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
        let heard = server.only();
        assert_eq!((heard.line.as_str(), heard.body.as_str()), (&*format!("{verb} /v1/x"), ""));
        assert!(!heard.head.contains("content-type"), "{heard:?}");
    }
}

#[test]
fn what_is_no_json_stays_as_it_is() {
    let lines = "{\"a\":1}\n{\"a\":2}\n";
    let server = StandIn::new([reply(200, "application/x-ndjson", lines)]);
    assert_eq!(on(&server, &["get", "/v1/runs/r/rows"]).out, lines);

    let server = StandIn::new([reply(200, "text/csv", CSV)]);
    assert_eq!(on(&server, &["get", "/v1/runs/r/rows", "-o", "csv"]).out, CSV);
    let heard = server.only();
    assert!(heard.head.contains("accept: text/csv\r\n"), "{heard:?}");
}

#[test]
fn bytes_stay_bytes() {
    let bytes = [b'P', b'A', b'R', b'1', 0, 0xff, 0xfe];
    let server = StandIn::new([reply(200, "application/vnd.apache.parquet", bytes)]);
    let mut command = crate::aircli();
    command.args(["get", "/v1/runs/r/rows", "--query", "format=parquet", "--url", &server.url]);
    assert_eq!(command.output().unwrap().stdout, bytes);
}
