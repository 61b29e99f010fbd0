//! Bearer tokens: checking and minting.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::jwks::{Jwks, KeyError};
use super::principal::{Principal, Role};
use crate::config::{AuthConfig, MIN_SECRET_BYTES, TokenAlgorithm};

/// Clocks of two machines differ; more than this is a clock that is wrong.
const LEEWAY_SECONDS: u64 = 5;
/// A header that is larger is no token of ours.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_SUB_BYTES: usize = 255;
/// Claims with a meaning of their own: not to be set by `--claim`, not shown to policies.
const REGISTERED: [&str; 8] = ["sub", "role", "iss", "aud", "iat", "exp", "nbf", "jti"];

/// Why a request is not let in. Holds nothing of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("a token is wanted: send `Authorization: Bearer <token>`")]
    Missing,
    #[error("the Authorization header is not `Bearer <token>`")]
    NotBearer,
    #[error("the token cannot be read as a JWT")]
    Malformed,
    #[error("the token is signed with another algorithm than {0}")]
    WrongAlgorithm(&'static str),
    #[error("the token names a key that is not known here")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    BadSignature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token was made by another issuer")]
    WrongIssuer,
    #[error("the token is meant for another audience")]
    WrongAudience,
    #[error("the key is not known, or was revoked")]
    NoSuchKey,
    #[error("an endpoint's key calls that endpoint, and nothing else")]
    KeyElsewhere,
    #[error("the token has no usable `{0}` claim")]
    BadClaim(String),
}

/// Why no token was minted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MintError {
    #[error("no secret to sign with; set server.auth.jwt_secret")]
    NoSecret,
    #[error("the secret is shorter than {MIN_SECRET_BYTES} bytes")]
    ShortSecret,
    #[error("tokens of this algorithm are made by whoever holds the private key, not by AIR")]
    PublicKeysOnly,
    #[error("the subject is empty, longer than {MAX_SUB_BYTES} bytes, or has control characters")]
    BadSubject,
    #[error("the claim {0} has a meaning of its own and cannot be set")]
    RegisteredClaim(String),
    #[error("the lifetime is out of range")]
    BadLifetime,
    #[error("the token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

enum Keys {
    /// Everyone is the local administrator.
    Disabled,
    Secret(DecodingKey),
    Public(Jwks),
}

/// Checks tokens. Made once at start.
pub(crate) struct Authenticator {
    keys: Keys,
    validation: Validation,
    algorithm: &'static str,
}

/// The token of an `Authorization` header.
pub(crate) fn bearer(header: Option<&str>) -> Result<&str, AuthError> {
    let header = header.ok_or(AuthError::Missing)?;
    let (scheme, token) = header.split_once(' ').ok_or(AuthError::NotBearer)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(AuthError::NotBearer);
    }
    Ok(token)
}

impl Authenticator {
    pub(crate) fn new(config: &AuthConfig) -> Result<Self, KeyError> {
        let (algorithm, name) = algorithm_of(config.algorithm);
        let keys = match (config.enabled, config.algorithm) {
            (false, _) => Keys::Disabled,
            (true, TokenAlgorithm::Hs256) => {
                // The configuration refuses these too; but an empty key would let in whoever
                // signs with nothing, so it is checked where the key is made.
                let secret = config.jwt_secret.as_ref().ok_or(KeyError::ShortSecret)?;
                let secret = secret.expose_secret().as_bytes();
                if secret.len() < MIN_SECRET_BYTES {
                    return Err(KeyError::ShortSecret);
                }
                Keys::Secret(DecodingKey::from_secret(secret))
            }
            (true, _) => {
                let path = config.jwks_file.clone().unwrap_or_default();
                Keys::Public(Jwks::read(&path, algorithm)?)
            }
        };
        Ok(Self { keys, validation: validation_of(config, algorithm), algorithm: name })
    }

    pub(crate) fn is_disabled(&self) -> bool {
        matches!(self.keys, Keys::Disabled)
    }

    /// Who sent a request with this `Authorization` header.
    pub(crate) fn request(&self, header: Option<&str>) -> Result<Principal, AuthError> {
        if self.is_disabled() { Ok(Principal::local()) } else { self.token(bearer(header)?) }
    }

    /// Who a token stands for.
    pub(crate) fn token(&self, token: &str) -> Result<Principal, AuthError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Malformed);
        }
        let key = match &self.keys {
            Keys::Disabled => return Ok(Principal::local()),
            Keys::Secret(key) => key,
            Keys::Public(jwks) => {
                let header = jsonwebtoken::decode_header(token).map_err(|e| self.refusal(&e))?;
                // Before the key is looked up, so that the answer does not depend on the `kid`.
                if !self.validation.algorithms.contains(&header.alg) {
                    return Err(AuthError::WrongAlgorithm(self.algorithm));
                }
                jwks.find(header.kid.as_deref()).ok_or(AuthError::UnknownKey)?
            }
        };
        let data = jsonwebtoken::decode::<Map<String, Value>>(token, key, &self.validation)
            .map_err(|error| self.refusal(&error))?;
        principal_of(data.claims)
    }

    fn refusal(&self, error: &jsonwebtoken::errors::Error) -> AuthError {
        match error.kind() {
            ErrorKind::ExpiredSignature => AuthError::Expired,
            ErrorKind::ImmatureSignature => AuthError::NotYet,
            ErrorKind::InvalidIssuer => AuthError::WrongIssuer,
            ErrorKind::InvalidAudience => AuthError::WrongAudience,
            ErrorKind::InvalidSignature => AuthError::BadSignature,
            ErrorKind::InvalidAlgorithm
            | ErrorKind::InvalidAlgorithmName
            | ErrorKind::UnsupportedAlgorithm => AuthError::WrongAlgorithm(self.algorithm),
            ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
                AuthError::BadClaim(claim.clone())
            }
            _ => AuthError::Malformed,
        }
    }

    /// Makes a token for `air token`. Works whether authentication is enabled or not, as long as
    /// there is a secret to sign with.
    pub(crate) fn mint(
        config: &AuthConfig,
        sub: &str,
        role: Role,
        lifetime: Duration,
        claims: Map<String, Value>,
    ) -> Result<String, MintError> {
        if config.algorithm != TokenAlgorithm::Hs256 {
            return Err(MintError::PublicKeysOnly);
        }
        let secret = config.jwt_secret.as_ref().ok_or(MintError::NoSecret)?.expose_secret();
        if secret.len() < MIN_SECRET_BYTES {
            return Err(MintError::ShortSecret);
        }
        if !is_subject(sub) {
            return Err(MintError::BadSubject);
        }
        if let Some(name) = claims.keys().find(|name| REGISTERED.contains(&name.as_str())) {
            return Err(MintError::RegisteredClaim(name.clone()));
        }
        let now = Timestamp::now();
        let ends = now.checked_add(lifetime).map_err(|_| MintError::BadLifetime)?;
        let mut body = claims;
        for (name, value) in [
            ("sub", json!(sub)),
            ("role", json!(role)),
            ("iss", json!(config.issuer)),
            ("aud", json!(config.audience)),
            ("iat", json!(now.as_second())),
            ("exp", json!(ends.as_second())),
        ] {
            body.insert(name.to_owned(), value);
        }
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &body, &key).map_err(MintError::Sign)
    }
}

fn algorithm_of(algorithm: TokenAlgorithm) -> (Algorithm, &'static str) {
    match algorithm {
        TokenAlgorithm::Hs256 => (Algorithm::HS256, "HS256"),
        TokenAlgorithm::Rs256 => (Algorithm::RS256, "RS256"),
        TokenAlgorithm::Es256 => (Algorithm::ES256, "ES256"),
    }
}

fn validation_of(config: &AuthConfig, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_issuer(&[&config.issuer]);
    validation.set_audience(&[&config.audience]);
    // The library checks `iss` and `aud` only where they are present, unless they are required.
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation
}

fn principal_of(mut claims: Map<String, Value>) -> Result<Principal, AuthError> {
    let bad = |name: &str| AuthError::BadClaim(name.to_owned());
    let sub = claims.get("sub").and_then(Value::as_str).ok_or_else(|| bad("sub"))?.to_owned();
    if !is_subject(&sub) {
        return Err(bad("sub"));
    }
    let role = claims.get("role").and_then(Value::as_str).ok_or_else(|| bad("role"))?;
    let role = role.parse().map_err(|_| bad("role"))?;
    let ends = claims.get("exp").and_then(Value::as_i64).ok_or_else(|| bad("exp"))?;
    let expires_at = Timestamp::from_second(ends).map_err(|_| bad("exp"))?;
    for name in REGISTERED {
        claims.shift_remove(name);
    }
    Ok(Principal { expires_at: Some(expires_at), ..Principal::new(sub, role, claims) })
}

fn is_subject(sub: &str) -> bool {
    !sub.is_empty() && sub.len() <= MAX_SUB_BYTES && !sub.chars().any(char::is_control)
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
