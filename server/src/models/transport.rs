//! The way to a model's server and back.
//!
//! In: a request of `async-openai`. Out: a response that is a success of the right content type,
//! whose body is bounded; or a [`Fault`]. Whatever else a server sends ends here: `async-openai`
//! would write it into the log. Redirects are not followed, since the key would go along.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::fault::{Fault, known_code};

/// Bytes of a whole response, its framing included.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of an error that are read to find its code.
const MOST_ERROR_BYTES: usize = 64 * 1024;
const ERROR_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub(super) struct Transport {
    client: reqwest::Client,
}

impl Transport {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Self { client }
    }
}

impl tower::Service<HttpRequestFactory> for Transport {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<reqwest::Response, OpenAIError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let client = self.client.clone();
        Box::pin(async move { exchange(client, factory).await.map_err(carried) })
    }
}

/// A fault on its way through `async-openai`.
pub(super) fn carried(fault: Fault) -> OpenAIError {
    OpenAIError::Boxed(Box::new(fault))
}

/// A fault, from whatever came out of `async-openai`.
pub(super) fn fault_of(error: OpenAIError) -> Fault {
    match error {
        OpenAIError::Boxed(error) => match error.downcast::<Fault>() {
            Ok(fault) => *fault,
            Err(_) => Fault::Protocol,
        },
        OpenAIError::Reqwest(error) => of_reqwest(&error),
        OpenAIError::StreamError(_) => Fault::BrokeOff,
        _ => Fault::Protocol,
    }
}

fn of_reqwest(error: &reqwest::Error) -> Fault {
    match error.is_body() || error.is_decode() {
        true => Fault::BrokeOff,
        false => Fault::Unreachable,
    }
}

async fn exchange(
    client: reqwest::Client,
    factory: HttpRequestFactory,
) -> Result<reqwest::Response, Fault> {
    let mut request = factory.build().await.map_err(|_| Fault::Unreachable)?;
    let is_stream = wants_stream(&request);
    let media = if is_stream { "text/event-stream" } else { "application/json" };
    request.headers_mut().insert(ACCEPT, axum::http::HeaderValue::from_static(media));
    let response = client.execute(request).await.map_err(|error| of_reqwest(&error))?;
    let status = response.status();
    if status.is_redirection() {
        return Err(Fault::Redirected);
    }
    if !status.is_success() {
        return Err(refused(response).await);
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim).unwrap_or_default();
    if !kind.eq_ignore_ascii_case(media) {
        return Err(Fault::ContentType);
    }
    Ok(bounded(response))
}

/// Whether the request asks for a stream.
fn wants_stream(request: &reqwest::Request) -> bool {
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["stream"] == Value::Bool(true)
}

/// The status of an error, with its code where that is a known one.
async fn refused(response: reqwest::Response) -> Fault {
    let status = response.status().as_u16();
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = after.and_then(|text| seconds(text, jiff::Timestamp::now()));
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    let read = async {
        while let Some(Ok(part)) = stream.next().await {
            body.extend_from_slice(&part);
            if body.len() > MOST_ERROR_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(ERROR_PATIENCE, read).await;
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = said["error"]["code"].as_str().or_else(|| said["error"]["type"].as_str());
    Fault::Status { status, code: code.and_then(known_code), retry_after }
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn seconds(text: &str, now: jiff::Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Duration::try_from(date.timestamp().duration_since(now)).ok()
}

fn bounded(response: reqwest::Response) -> reqwest::Response {
    let mut built = axum::http::Response::new(());
    *built.status_mut() = response.status();
    *built.headers_mut() = response.headers().clone();
    let taken = Arc::new(AtomicUsize::new(0));
    let stream = response.bytes_stream().map_err(std::io::Error::other).and_then(move |part| {
        let all = taken.fetch_add(part.len(), Ordering::Relaxed) + part.len();
        std::future::ready(match all > MOST_BYTES {
            true => Err(std::io::Error::other("the response is larger than is read")),
            false => Ok(part),
        })
    });
    built.map(|()| reqwest::Body::wrap_stream(stream)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let read = |text| seconds(text, now);
        assert_eq!(read("2"), Some(Duration::from_secs(2)));
        assert_eq!(read(" 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(read("Thu, 01 Jan 2026 00:00:07 GMT"), Some(Duration::from_secs(7)));
        for wrong in ["-1", "soon", "NaN", "1e400", "Thu, 01 Jan 2020 00:00:07 GMT"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
