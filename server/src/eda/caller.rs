//! One request to the EDA service, and its answer.
//!
//! No proxy and no redirect is followed: rows go where the configuration says, and nowhere else.

use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Response, Url};
use secrecy::SecretString;

use super::fault::EdaError;
use super::signature::{Moment, digest, signed};
use crate::config::PythonConfig;
use crate::id::RequestId;
use crate::outbound;
use crate::telemetry;

const HEALTH: &str = "/internal/v1/health";
/// How long is waited for a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// Bytes of an answer that are read: one is kept with its job.
const MOST_ANSWER: usize = 16 * 1024 * 1024;
const STREAM: &str = "application/vnd.apache.arrow.stream";

pub(super) struct Caller {
    client: Client,
    secret: Option<SecretString>,
    patience: Duration,
}

impl Caller {
    pub(super) fn new(config: &PythonConfig) -> Result<Self, EdaError> {
        let client = outbound::client().no_proxy().redirect(Policy::none()).build();
        let made = || config.autostart.then(super::child::secret).flatten();
        Ok(Self {
            client: client.map_err(EdaError::Unreachable)?,
            secret: config.auth_shared_secret.clone().or_else(made),
            patience: config.timeout,
        })
    }

    pub(super) fn secret(&self) -> Option<&SecretString> {
        self.secret.as_ref()
    }

    /// Whether it answers.
    pub(super) async fn health(&self, base: &Url) -> Result<(), EdaError> {
        let url = at(base, HEALTH)?;
        let headers = self.headers(("GET", &url), &digest([]))?;
        let request = self.client.get(url).headers(headers).timeout(SIGN_OF_LIFE);
        let response = request.send().await;
        // No sign in time is no computation that took too long.
        let response = response.map_err(|error| EdaError::Unreachable(error.without_url()))?;
        read(response).await.map(drop)
    }

    /// The answer to a body in pieces.
    pub(super) async fn post(
        &self,
        base: &Url,
        path: &str,
        body: [Bytes; 2],
    ) -> Result<Bytes, EdaError> {
        let url = at(base, path)?;
        let hashed = body.clone();
        let hash = tokio::task::spawn_blocking(move || digest(hashed.iter().map(Bytes::as_ref)));
        let hash = hash.await.map_err(|_| EdaError::Answer)?;
        let mut headers = self.headers(("POST", &url), &hash)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(STREAM));
        let pieces = body.map(Ok::<_, std::io::Error>);
        let body = Body::wrap_stream(futures::stream::iter(pieces));
        let request = self.client.post(url).headers(headers).timeout(self.patience).body(body);
        read(request.send().await.map_err(EdaError::lost)?).await
    }

    fn headers(&self, (method, url): (&str, &Url), hash: &str) -> Result<HeaderMap, EdaError> {
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let secret = self.secret.as_ref().ok_or(EdaError::Secret)?;
        let signed = signed(secret, (method, &target), &Moment::now(), hash);
        let mut headers = signed.ok_or(EdaError::Secret)?;
        let id = HeaderValue::try_from(RequestId::new().as_str());
        headers.insert("x-request-id", id.map_err(|_| EdaError::Answer)?);
        headers.extend(telemetry::handed_on());
        Ok(headers)
    }
}

fn at(base: &Url, path: &str) -> Result<Url, EdaError> {
    let base = base.as_str().trim_end_matches('/');
    format!("{base}{path}").parse().map_err(|_| EdaError::Address)
}

/// The body of an answer that is one.
async fn read(mut response: Response) -> Result<Bytes, EdaError> {
    let status = response.status();
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(EdaError::lost)? {
        if body.len() + piece.len() > MOST_ANSWER {
            return Err(EdaError::LongAnswer);
        }
        body.extend_from_slice(&piece);
    }
    match status.is_success() {
        true => Ok(body.freeze()),
        false => Err(EdaError::answered(status.as_u16(), &body)),
    }
}
