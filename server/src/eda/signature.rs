//! The signature of the contract: HMAC-SHA256 over method, path and query, timestamp, nonce and
//! the body's hash, so that nobody else can ask, and no request counts twice.

use axum::http::{HeaderMap, HeaderValue};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// When a request is made, and what makes it one of its own.
pub(super) struct Moment {
    pub(super) seconds: i64,
    pub(super) nonce: String,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self {
            seconds: jiff::Timestamp::now().as_second(),
            nonce: uuid::Uuid::now_v7().simple().to_string(),
        }
    }
}

/// The hash of a body that comes in pieces.
pub(super) fn digest<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> String {
    let mut hash = Sha256::new();
    pieces.into_iter().for_each(|piece| hash.update(piece));
    hex(&hash.finalize())
}

/// The headers of a request; none where the secret cannot be a key.
pub(super) fn signed(
    secret: &SecretString,
    (method, target): (&str, &str),
    at: &Moment,
    digest: &str,
) -> Option<HeaderMap> {
    let text = format!("{method}\n{target}\n{}\n{}\n{digest}", at.seconds, at.nonce);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(text.as_bytes());
    let signature = format!("v1={}", hex(&mac.finalize().into_bytes()));
    let mut headers = HeaderMap::new();
    headers.insert("x-air-timestamp", HeaderValue::from(at.seconds));
    headers.insert("x-air-nonce", HeaderValue::try_from(at.nonce.as_str()).ok()?);
    headers.insert("x-air-signature", HeaderValue::try_from(signature).ok()?);
    Some(headers)
}

pub(super) fn hex(bytes: &[u8]) -> String {
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
        let at = Moment { seconds: 1_700_000_000, nonce: "00ff".to_owned() };
        let target = ("GET", "/internal/v1/health");
        let headers = signed(&secret, target, &at, &digest([])).unwrap();
        assert_eq!(
            headers["x-air-signature"],
            "v1=dce61d1ffe0f97c68a8f2e64fdc5d7c7584ddaba961ae852249fbd4c247f1511"
        );
        assert_eq!(headers["x-air-timestamp"], "1700000000");
        assert_eq!(headers["x-air-nonce"], "00ff");
    }

    /// What the EDA service itself makes of the same.
    #[test]
    fn both_services_sign_alike() {
        let secret = SecretString::from("0123456789abcdef0123456789abcdef");
        let nonce = "00112233445566778899aabbccddeeff".to_owned();
        let at = Moment { seconds: 1_764_300_000, nonce };
        for (target, body, wanted) in [
            (
                ("POST", "/internal/v1/profile"),
                &[b"hel".as_slice(), b"lo"][..],
                "v1=cfcef48dbab4a9839d81b3b69ad8988d68265c3849222232bf5d2b3425f9129e",
            ),
            (
                ("GET", "/internal/v1/health?probe=1"),
                &[],
                "v1=b19bff9b5849c8aa487f9209a5f97dff1a7b34902ed64298f1f93776a2ee3c7a",
            ),
        ] {
            let headers = signed(&secret, target, &at, &digest(body.iter().copied())).unwrap();
            assert_eq!(headers["x-air-signature"], wanted);
        }
    }
}
