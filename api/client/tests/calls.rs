//! Calls against a server that answers what each test says, once, and gives back what it heard.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use air_client::types::{
    AskRequest, DatasourceId, ErrorCode, ListReportsQuery, QueryQuery, QueryRequest, ReportKey,
    ResultFormat,
};
use air_client::{Client, Error, Method};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const PROBLEM: &str = r#"{"type":"about:blank","title":"Unprocessable Content","status":422,
    "code":"refused","detail":"The plan was refused by 1 rule.",
    "request_id":"req_0192f0c17a6b70008000000000000001",
    "errors":[{"pointer":"/ir/metrics/0","code":"unknown_column","detail":"There is no dep_dely.",
    "nearest":["dep_delay"]}],
    "safety_report":[{"rule":"functions","outcome":"refused","detail":"pg_sleep"},
    {"rule":"row_limit","outcome":"ok","detail":"limit 5000"}]}"#;

/// A client, and the text of the one request that its server will hear.
async fn server(status: &str, media: &str, body: &str) -> (Client, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let heard = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !whole(&heard) {
            assert!(socket.read_buf(&mut heard).await.unwrap() > 0);
        }
        socket.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(heard).unwrap()
    });
    let client = Client::builder(format!("http://{address}")).token("t0ken").build().unwrap();
    (client, heard)
}

/// Whether a request is there to its end.
fn whole(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

#[tokio::test]
async fn a_typed_call_sends_what_the_contract_says() {
    let answer = r#"{"items":[],"next":"abc"}"#;
    let (client, heard) = server("200 OK", "application/json", answer).await;
    let query = ListReportsQuery { limit: Some(5), cursor: None };
    let page = client.list_reports(&query).await.unwrap();
    assert_eq!(page.next.unwrap().as_str(), "abc");
    let heard = heard.await.unwrap();
    assert!(heard.starts_with("GET /v1/reports?limit=5 HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("authorization: Bearer t0ken\r\n"), "{heard}");
    assert!(heard.contains("accept: application/json\r\n"), "{heard}");
}

#[tokio::test]
async fn a_body_and_an_idempotency_key_are_sent() {
    let (client, heard) =
        server("422 Unprocessable Content", "application/problem+json", PROBLEM).await;
    let body = AskRequest::new("how many flights".to_owned(), DatasourceId::new("flights"));
    let error = client.ask(&body, Some("key-1")).await.unwrap_err();
    let heard = heard.await.unwrap();
    assert!(heard.contains("idempotency-key: key-1\r\n"), "{heard}");
    assert!(
        heard.ends_with(r#"{"question":"how many flights","datasource_id":"flights"}"#),
        "{heard}"
    );
    let problem = error.problem().unwrap();
    assert_eq!(problem.code, ErrorCode::Refused);
    assert_eq!(problem.code.status(), problem.status);
    let text = error.to_string();
    for part in
        ["/ir/metrics/0: There is no dep_dely. Did you mean dep_delay?", "functions: pg_sleep"]
    {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("row_limit"), "{text}");
}

#[tokio::test]
async fn rows_come_in_another_format() {
    let (client, heard) = server("200 OK", "text/csv", "n\r\n1\r\n").await;
    let query = QueryQuery { format: Some(ResultFormat::Csv) };
    let body = QueryRequest::new(DatasourceId::new("flights"));
    let response = client.query_as(&query, &body, None, None).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "n\r\n1\r\n");
    assert!(heard.await.unwrap().starts_with("POST /v1/query?format=csv HTTP/1.1\r\n"));
}

#[tokio::test]
async fn nothing_is_expected_of_a_deletion() {
    let (client, heard) = server("204 No Content", "text/plain", "").await;
    client.delete_report(&ReportKey::new("a b"), Some("\"etag\"")).await.unwrap();
    let heard = heard.await.unwrap();
    assert!(heard.starts_with("DELETE /v1/reports/a%20b HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("if-match: \"etag\"\r\n"), "{heard}");
}

#[tokio::test]
async fn any_path_can_be_called() {
    let (client, heard) = server("200 OK", "application/json", "[1]").await;
    let call = client.request(Method::POST, "/v1/later").unwrap();
    let call =
        call.query(&[("a", "b c")]).json(&serde_json::json!({"x": 1})).header("If-Match", "*");
    assert_eq!(call.typed::<Vec<u8>>().await.unwrap(), [1]);
    let heard = heard.await.unwrap();
    assert!(heard.starts_with("POST /v1/later?a=b+c HTTP/1.1\r\n"), "{heard}");
    assert!(heard.ends_with(r#"{"x":1}"#), "{heard}");
}

#[tokio::test]
async fn an_answer_of_a_stranger_is_said_to_be_one() {
    let (client, _heard) = server("502 Bad Gateway", "text/html", "<h1>proxy</h1>").await;
    let error = client.healthz().await.unwrap_err();
    assert!(
        matches!(&error, Error::Unexpected { body, .. } if body.contains("proxy")),
        "{error:?}"
    );

    let (client, _heard) = server("200 OK", "application/json", r#"{"status":1}"#).await;
    assert!(matches!(client.healthz().await, Err(Error::Decode(_))));

    let (client, _heard) = server("302 Found", "text/plain", "").await;
    assert!(matches!(client.healthz().await, Err(Error::Unexpected { .. })));
}

#[tokio::test]
async fn a_server_that_is_silent_or_away_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::builder(&url).timeout(Duration::from_millis(50)).build().unwrap();
    assert!(matches!(client.healthz().await, Err(Error::TimedOut(_))));
    drop(listener);
    assert!(matches!(client.healthz().await, Err(Error::Unreachable(_))));
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_refused_before_sending() {
    let client = Client::builder("http://127.0.0.1:9").build().unwrap();
    let body = QueryRequest::new(DatasourceId::new("flights"));
    let error = client.query(&QueryQuery::default(), &body, Some("a\nb"), None).await.unwrap_err();
    assert!(matches!(error, Error::BadHeader { name } if name == "Idempotency-Key"));
}
