//! Requests that carry `Idempotency-Key` are done once.
//!
//! A success is kept and given again; a failure lets go of the key, so that another try may mend
//! it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, LOCATION,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Response, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Answer, Call, Handler};
use crate::access;
use crate::contract::routes::Route;
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Claim, RequestKey, checksum};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const MAX_KEY: usize = 255;

/// Calls the handler, unless this was done before.
pub(super) async fn once(route: &Route, uri: &Uri, call: Call, handler: Handler) -> Answer {
    let Some(key) = key_of(route, uri, &call)? else {
        return handler(call).await;
    };
    let app = Arc::clone(&call.app);
    let keys = app.store.idempotency_keys();
    let request = json!({"query": uri.query(), "body": call.raw_body(),
        "accept": call.header(&axum::http::header::ACCEPT),
        "if_match": call.header(&axum::http::header::IF_MATCH),
        "respond_async": call.wants_job(),
        // An answer is given again to whom the same would be shown.
        "access": access::fingerprint_of_all(&app.config.policies, &call.principal)});
    match keys.claim(&key, &checksum(&request)).await? {
        Claim::New => {}
        Claim::InFlight => {
            let detail = "The first request with this Idempotency-Key has not ended yet.";
            return Err(ApiError::new(ErrorCode::IdempotencyInFlight, detail).retry_after(1));
        }
        Claim::OtherBody => {
            let detail = "This Idempotency-Key was used with another body.";
            return Err(ApiError::new(ErrorCode::IdempotencyMismatch, detail));
        }
        Claim::Done { status, response } => return replay(status, &response),
    }
    let held = Held { app: Arc::clone(&app), key: Some(key.clone()) };
    let answer = match handler(call).await {
        // A body that breaks off is a failure too.
        Ok(response) => keep(response).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok((status, kept, response)) => {
            keys.complete(&key, status, &kept).await?;
            held.settled();
            Ok(response)
        }
        Err(error) => {
            // Where it cannot be let go of now, it is a moment later.
            if keys.release(&key).await.is_ok() {
                held.settled();
            }
            Err(error)
        }
    }
}

/// Holds that a key is in flight; whatever becomes of the work, the key does not stay so. A
/// request that runs out of time is dropped in the midst of its work.
struct Held {
    app: Arc<App>,
    key: Option<RequestKey>,
}

impl Held {
    fn settled(mut self) {
        self.key = None;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Without a runtime the process is about to end, and the next one lets go of it.
        if let (Some(key), Ok(runtime)) = (self.key.take(), tokio::runtime::Handle::try_current()) {
            let app = Arc::clone(&self.app);
            self.app.tasks.spawn_on(async move { let_go(&app, &key).await }, &runtime);
        }
    }
}

/// Between tries to let go of a key while the control plane is busy.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(5), Duration::from_secs(30)];

async fn let_go(app: &App, key: &RequestKey) {
    for pause in PAUSES {
        match app.store.idempotency_keys().release(key).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "an Idempotency-Key could not be let go of"),
        }
        tokio::time::sleep(pause).await;
    }
}

fn key_of(route: &Route, uri: &Uri, call: &Call) -> Result<Option<RequestKey>, ApiError> {
    let Some(value) = call.headers.get(&IDEMPOTENCY_KEY).filter(|_| route.idempotency_key) else {
        return Ok(None);
    };
    let bytes = value.as_bytes();
    let printable = bytes.iter().all(|byte| (b'!'..=b'~').contains(byte));
    if bytes.is_empty() || bytes.len() > MAX_KEY || !printable {
        let detail = "1 to 255 printable ASCII characters without spaces are wanted.";
        return Err(ApiError::field("Idempotency-Key:", FieldErrorCode::BadValue, detail));
    }
    Ok(Some(RequestKey {
        owner: call.principal.sub.clone(),
        route: format!("{} {}", route.method, uri.path()),
        key: String::from_utf8_lossy(bytes).into_owned(),
    }))
}

/// Headers that are given again, beside those that state a run.
const KEPT: [HeaderName; 8] = [
    CONTENT_TYPE,
    ETAG,
    LOCATION,
    RETRY_AFTER,
    PREFERENCE_APPLIED,
    CONTENT_DISPOSITION,
    CONTENT_SECURITY_POLICY,
    X_CONTENT_TYPE_OPTIONS,
];

/// The response in a form that can be stored, and the response itself.
async fn keep(response: Response<Body>) -> Result<(u16, Value, Response<Body>), ApiError> {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.map_err(ApiError::internal)?;
    let kept_headers = parts
        .headers
        .iter()
        .filter(|(name, _)| KEPT.contains(name) || name.as_str().starts_with("x-air-"));
    let headers: Map<String, Value> = kept_headers
        .filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?))))
        .collect();
    let body = match std::str::from_utf8(&bytes) {
        Ok(text) => json!({"text": text}),
        Err(_) => json!({"base64": STANDARD.encode(&bytes)}),
    };
    let kept = json!({"headers": headers, "body": body});
    let status = parts.status.as_u16();
    Ok((status, kept, Response::from_parts(parts, Body::from(bytes))))
}

fn replay(status: u16, kept: &Value) -> Answer {
    let body = match kept["body"]["text"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => STANDARD
            .decode(kept["body"]["base64"].as_str().unwrap_or_default())
            .map_err(ApiError::internal)?,
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).map_err(ApiError::internal)?;
    for (name, value) in kept["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str()).map_err(ApiError::internal)?;
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default());
        response.headers_mut().insert(name, value.map_err(ApiError::internal)?);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::pin::Pin;
    use std::time::Instant;

    use axum::http::HeaderMap;
    use tokio::sync::Notify;

    use super::*;
    use crate::auth::Principal;
    use crate::contract::routes::ROUTES;
    use crate::id::RequestId;
    use crate::service::Service;

    type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;

    static IS_STUCK: Notify = Notify::const_new();

    fn stuck(_call: Call) -> Work {
        IS_STUCK.notify_one();
        Box::pin(std::future::pending())
    }

    fn done(_call: Call) -> Work {
        Box::pin(async { Ok(Response::new(Body::empty())) })
    }

    #[tokio::test]
    async fn a_request_that_is_dropped_lets_go_of_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::for_tests(folder.path(), "{}").await;
        let route = ROUTES.iter().find(|route| route.idempotency_key).unwrap();
        let uri = Uri::from_static("/v1/anything");
        let call = || Call {
            app: Arc::clone(service.app()),
            principal: Principal::local(),
            request_id: RequestId::new(),
            headers: HeaderMap::from_iter([(IDEMPOTENCY_KEY, HeaderValue::from_static("key-1"))]),
            deadline: Instant::now() + Duration::from_secs(30),
            path: BTreeMap::new(),
            query: Value::Null,
            body: None,
            upgrade: None,
            stream: std::sync::Mutex::default(),
        };
        let mut first = Box::pin(once(route, &uri, call(), stuck));
        // It has its key, and goes on.
        tokio::select! {
            _ = &mut first => panic!("it never ends"),
            () = IS_STUCK.notified() => {}
        }
        let second = once(route, &uri, call(), done).await.unwrap_err();
        assert_eq!(second.code, ErrorCode::IdempotencyInFlight);
        drop(first);
        let begin = Instant::now();
        while let Err(error) = once(route, &uri, call(), done).await {
            assert_eq!(error.code, ErrorCode::IdempotencyInFlight);
            assert!(begin.elapsed() < Duration::from_secs(20), "the key is never let go of");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
