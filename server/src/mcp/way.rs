//! How a call reaches the service: in this process, or over HTTP.

use std::sync::Arc;

use reqwest::{Client, Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::auth::Principal;
use crate::contract::types::ToolList;
use crate::service::App;
use crate::telemetry;
use crate::tools::{self, Asked, inside};

/// Where calls go.
#[derive(Clone)]
pub(crate) enum Way {
    /// To the service in this process. The principal acts where the transport names none.
    Inside { app: Arc<App>, principal: Option<Principal> },
    /// To a service that runs elsewhere, with its token's rights.
    Outside(Arc<Remote>),
}

/// A running service.
pub(crate) struct Remote {
    pub(crate) client: Client,
    pub(crate) base: Url,
    pub(crate) token: Option<SecretString>,
}

/// What a model is told where the service gave no answer at all.
type Told = String;

impl Way {
    /// What the caller may call.
    pub(super) async fn tools(&self, caller: Option<&Principal>) -> Result<ToolList, Told> {
        match self {
            Self::Inside { app, principal } => {
                let principal = caller.or(principal.as_ref()).ok_or("Nobody asks.")?;
                tools::list(app, principal).await.map_err(|error| error.detail)
            }
            Self::Outside(remote) => {
                let target = "/v1/ai/tools".to_owned();
                let asked = Asked { method: "GET".to_owned(), target, body: None };
                let (status, body) = remote.send(&asked).await?;
                if status != 200 {
                    let detail = body["detail"].as_str().unwrap_or_default();
                    return Err(format!("The service answered {status}: {detail}"));
                }
                serde_json::from_value(body)
                    .map_err(|error| format!("The service's tools cannot be read: {error}"))
            }
        }
    }

    /// The status and the JSON of an answer.
    pub(super) async fn send(
        &self,
        caller: Option<&Principal>,
        asked: &Asked,
    ) -> Result<(u16, Value), Told> {
        match self {
            Self::Inside { app, principal } => {
                let principal = caller.or(principal.as_ref()).ok_or("Nobody asks.")?;
                let response = inside::send(app, principal, asked).await;
                let status = response.status().as_u16();
                let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
                let bytes = bytes.map_err(|error| format!("The answer ended early: {error}"))?;
                Ok((status, json_of(&bytes)))
            }
            Self::Outside(remote) => remote.send(asked).await,
        }
    }
}

impl Remote {
    async fn send(&self, asked: &Asked) -> Result<(u16, Value), Told> {
        let unreachable = |error: reqwest::Error| {
            // Without the address, which may hold what is nobody's business.
            format!("The service cannot be reached: {}", error.without_url())
        };
        let base = self.base.as_str().trim_end_matches('/');
        let method = Method::from_bytes(asked.method.as_bytes()).map_err(|e| e.to_string())?;
        let mut request = self.client.request(method, format!("{base}{}", asked.target));
        request = request.headers(telemetry::handed_on());
        request = request.header("accept", "application/json, */*");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(body) = &asked.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(unreachable)?;
        Ok((status, json_of(&bytes)))
    }
}

/// What is no JSON is told as text.
fn json_of(bytes: &[u8]) -> Value {
    match bytes.is_empty() {
        true => json!({}),
        false => serde_json::from_slice(bytes)
            .unwrap_or_else(|_| json!({"detail": String::from_utf8_lossy(bytes)})),
    }
}
