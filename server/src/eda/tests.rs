//! Requests and answers, against a server that answers what it is told to.

use std::io::Cursor;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::ipc::reader::StreamReader;
use secrecy::SecretString;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::config::{PythonConfig, PythonLimits};
use crate::contract::types::ErrorCode;
use crate::problem::ApiError;

const PATIENCE: Duration = Duration::from_secs(10);

fn rows() -> RecordBatch {
    let n: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let t: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "ü"]));
    RecordBatch::try_from_iter([("n", n), ("t", t)]).unwrap()
}

fn sheet() -> Sheet {
    Sheet::of(&rows()).unwrap()
}

/// A client of whatever a router answers.
async fn client(router: Router, patience: Duration) -> Eda {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let python = PythonConfig {
        enabled: true,
        base_url: base.clone(),
        timeout: patience,
        auth_shared_secret: Some(SecretString::from("a shared secret of the tests")),
        resource_limits: PythonLimits { memory_mb: 64, workers: 1 },
        autostart: false,
        command: "python3".into(),
        module_path: None,
    };
    let caller = Arc::new(Caller::new(&python).unwrap());
    Eda { caller, place: Place::There(base.parse().unwrap()), _guard: None }
}

/// Always the same answer.
fn answering(status: u16, body: Vec<u8>) -> Router {
    let answer = move || {
        let mut response = Response::new(Body::from(body.clone()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        std::future::ready(response)
    };
    Router::new().fallback(answer)
}

#[tokio::test]
async fn the_rows_and_the_request_are_one_stream() {
    let heard: Arc<Mutex<Vec<Bytes>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let router = Router::new().fallback(move |body: Bytes| {
        ears.lock().unwrap().push(body);
        std::future::ready(
            r#"{"rows": 3, "columns": [], "findings": [], "report_md": ""}"#.to_owned(),
        )
    });
    let eda = client(router, PATIENCE).await;
    let sheet = sheet();
    assert_eq!(eda.infer(&sheet).await.unwrap().rows, 3);
    let wanted = EdaProfileRequest { seed: Some(7), ..EdaProfileRequest::default() };
    // That is no profile, which is said rather than taken for one.
    let error = eda.profile(&sheet, &wanted).await.unwrap_err();
    assert!(matches!(error, EdaError::Answer), "{error}");
    let bodies = heard.lock().unwrap().clone();
    for (body, request) in bodies.iter().zip(["{}", r#"{"seed":7}"#]) {
        let reader = StreamReader::try_new(Cursor::new(body), None).unwrap();
        assert_eq!(reader.schema().metadata()["air.request"], request);
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].columns(), rows().columns());
    }
}

#[tokio::test]
async fn each_failure_says_what_to_do() {
    for (status, detail, code, wanted) in [
        (401, "", ErrorCode::Unavailable, "python.auth_shared_secret differs"),
        (403, "", ErrorCode::Unavailable, "python.auth_shared_secret differs"),
        (503, "Every worker is busy", ErrorCode::Unavailable, "busy: Every worker is busy"),
        (413, "At most 5 rows", ErrorCode::LimitExceeded, "At most 5 rows"),
        (504, "late", ErrorCode::Timeout, "raise python.timeout"),
        (422, "Two columns have one name", ErrorCode::SourceError, "Two columns have one name"),
        (500, "inside", ErrorCode::Internal, "answered 500"),
        (302, "", ErrorCode::Internal, "answered 302"),
    ] {
        let problem = json!({"detail": detail}).to_string().into_bytes();
        let eda = client(answering(status, problem), PATIENCE).await;
        let error = ApiError::from(eda.infer(&sheet()).await.unwrap_err());
        assert_eq!(error.code, code, "{status}");
        assert!(error.detail.contains(wanted), "{status}: {}", error.detail);
    }
    let eda = client(answering(500, "x".repeat(100_000).into_bytes()), PATIENCE).await;
    assert!(eda.standing().await.is_err());
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let eda = Eda { place: Place::There(base), ..client(Router::new(), PATIENCE).await };
    for error in [eda.standing().await.unwrap_err(), eda.infer(&sheet()).await.unwrap_err()] {
        let text = error.to_string();
        assert!(text.contains("nothing listens there") && text.contains("autostart"), "{text}");
    }
    let off = Eda { place: Place::Off, ..eda };
    assert!(!off.is_on() && matches!(off.infer(&sheet()).await, Err(EdaError::Off)));
}

#[tokio::test]
async fn an_answer_is_bounded_in_size_and_time() {
    let eda = client(answering(200, vec![b' '; 17 * 1024 * 1024]), PATIENCE).await;
    let error = eda.infer(&sheet()).await.unwrap_err();
    assert!(matches!(error, EdaError::LongAnswer), "{error}");
    let never = Router::new().fallback(std::future::pending::<String>);
    let eda = client(never, Duration::from_millis(50)).await;
    let error = eda.infer(&sheet()).await.unwrap_err();
    assert!(matches!(error, EdaError::TooLong), "{error}");
}

/// Tells that it is gone.
struct Leaving(Option<oneshot::Sender<()>>);

impl Drop for Leaving {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

#[tokio::test]
async fn who_stops_waiting_drops_the_request() {
    let (left, leaving) = oneshot::channel();
    let (came, coming) = oneshot::channel();
    let one = Arc::new(Mutex::new(Some((came, Leaving(Some(left))))));
    // Who has not read a request to its end does not see that its sender has gone.
    let router = Router::new().fallback(move |_: Bytes| {
        let (came, leaving) = one.lock().unwrap().take().unwrap();
        came.send(()).unwrap();
        async move {
            let _leaving = leaving;
            std::future::pending::<String>().await
        }
    });
    let eda = client(router, PATIENCE).await;
    let sheet = sheet();
    tokio::select! {
        answer = eda.infer(&sheet) => panic!("{answer:?}"),
        came = coming => came.unwrap(),
    }
    tokio::time::timeout(PATIENCE, leaving).await.unwrap().unwrap();
}
