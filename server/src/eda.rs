//! The EDA service as the server reaches it: signed requests.
//!
//! In: `python` of the configuration. Out: whether it answers. The signature is that of the
//! contract: HMAC-SHA256 over method, path and query, timestamp, nonce and the body's hash, so
//! that nobody else can ask, and no request counts twice. Absent on purpose: what is asked of it.

use axum::http::HeaderMap;
use axum::http::HeaderValue;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::config::PythonConfig;
use crate::outbound;
use crate::telemetry;

const HEALTH: &str = "/internal/v1/health";

/// Why there was no answer. No text holds the secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EdaError {
    #[error("python.base_url is no address")]
    Address,
    #[error("no secret is set that both services have")]
    Secret,
    #[error("it cannot be reached: {}", reason(.0))]
    Unreachable(reqwest::Error),
    #[error("it does not take the signature; python.auth_shared_secret differs, or a clock")]
    Refused,
    #[error("it answered {0}")]
    Status(u16),
}

fn reason(error: &reqwest::Error) -> &'static str {
    match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "nothing listens there",
        () => "the connection broke off",
    }
}

/// Whether the service answers a signed request.
pub(crate) async fn health(config: &PythonConfig) -> Result<(), EdaError> {
    let base = config.base_url.trim_end_matches('/');
    let url: Url = format!("{base}{HEALTH}").parse().map_err(|_| EdaError::Address)?;
    let secret = config.auth_shared_secret.as_ref().ok_or(EdaError::Secret)?;
    let moment = (jiff::Timestamp::now().as_second(), uuid::Uuid::now_v7().simple().to_string());
    let headers = signed(secret, "GET", url.path(), &moment, b"").ok_or(EdaError::Secret)?;
    let client = outbound::client().timeout(config.timeout).build();
    let client = client.map_err(EdaError::Unreachable)?;
    let request = client.get(url).headers(headers).headers(telemetry::handed_on());
    let response =
        request.send().await.map_err(|error| EdaError::Unreachable(error.without_url()))?;
    match response.status().as_u16() {
        200..300 => Ok(()),
        401 | 403 => Err(EdaError::Refused),
        status => Err(EdaError::Status(status)),
    }
}

/// The headers of a request; none where the secret cannot be a key.
fn signed(
    secret: &SecretString,
    method: &str,
    target: &str,
    (seconds, nonce): &(i64, String),
    body: &[u8],
) -> Option<HeaderMap> {
    let text = format!("{method}\n{target}\n{seconds}\n{nonce}\n{}", hex(&Sha256::digest(body)));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(text.as_bytes());
    let signature = format!("v1={}", hex(&mac.finalize().into_bytes()));
    let mut headers = HeaderMap::new();
    headers.insert("x-air-timestamp", HeaderValue::from(*seconds));
    headers.insert("x-air-nonce", HeaderValue::try_from(nonce.as_str()).ok()?);
    headers.insert("x-air-signature", HeaderValue::try_from(signature).ok()?);
    Some(headers)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_contract() {
        // By an independent tool: printf 'GET\n/internal/v1/health\n1700000000\n00ff\n<hash of
        // nothing>' | openssl dgst -sha256 -hmac 'a shared secret of the tests'
        let secret = SecretString::from("a shared secret of the tests");
        let moment = (1_700_000_000, "00ff".to_owned());
        let headers = signed(&secret, "GET", HEALTH, &moment, b"").unwrap();
        assert_eq!(headers["x-air-signature"], WANTED);
        assert_eq!(headers["x-air-timestamp"], "1700000000");
        assert_eq!(headers["x-air-nonce"], "00ff");
    }

    const WANTED: &str = "v1=dce61d1ffe0f97c68a8f2e64fdc5d7c7584ddaba961ae852249fbd4c247f1511";
}
