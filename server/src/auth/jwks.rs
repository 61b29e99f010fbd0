//! Public keys from a JWKS file (RFC 7517).
//!
//! In: the file, the pinned algorithm. Out: the keys of that algorithm by their `kid`. A file that
//! holds a secret key, or no key of the algorithm, is refused.

use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::config::MIN_SECRET_BYTES;

/// The keys that check tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the secret is missing or shorter than {MIN_SECRET_BYTES} bytes")]
    ShortSecret,
    #[error("the JWKS file {} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} is no JWKS: an object with `keys` is wanted", path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
    #[error("{} holds a symmetric key; it is for public keys only", path.display())]
    SecretKey { path: PathBuf },
    #[error("{} holds a key that cannot be used", path.display())]
    BadKey { path: PathBuf, source: jsonwebtoken::errors::Error },
    #[error("{} holds no key for {algorithm:?}", path.display())]
    NoKey { path: PathBuf, algorithm: Algorithm },
    #[error("{} holds two keys without a `kid`, or with the same one", path.display())]
    SameKid { path: PathBuf },
}

pub(super) struct Jwks {
    keys: Vec<(Option<String>, DecodingKey)>,
}

impl Jwks {
    pub(super) fn read(path: &Path, algorithm: Algorithm) -> Result<Self, KeyError> {
        let at = || path.to_owned();
        let text =
            std::fs::read(path).map_err(|source| KeyError::Unreadable { path: at(), source })?;
        let set: JwkSet = serde_json::from_slice(&text)
            .map_err(|source| KeyError::Malformed { path: at(), source })?;
        let mut keys: Vec<(Option<String>, DecodingKey)> = Vec::new();
        for jwk in &set.keys {
            if matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_)) {
                return Err(KeyError::SecretKey { path: at() });
            }
            if !is_for(jwk, algorithm) {
                continue;
            }
            let kid = jwk.common.key_id.clone();
            if keys.iter().any(|(other, _)| *other == kid) {
                return Err(KeyError::SameKid { path: at() });
            }
            let key = DecodingKey::from_jwk(jwk)
                .map_err(|source| KeyError::BadKey { path: at(), source })?;
            keys.push((kid, key));
        }
        if keys.is_empty() {
            return Err(KeyError::NoKey { path: at(), algorithm });
        }
        Ok(Self { keys })
    }

    /// The key a token names. The name is compared, never opened. A token without a name is right
    /// only where there is one key.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        match (kid, self.keys.as_slice()) {
            (None, [(_, key)]) => Some(key),
            (None, _) => None,
            (Some(kid), keys) => {
                keys.iter().find(|(name, _)| name.as_deref() == Some(kid)).map(|(_, key)| key)
            }
        }
    }
}

/// Whether the key may check signatures of the algorithm.
fn is_for(jwk: &Jwk, algorithm: Algorithm) -> bool {
    let (family, named) = match (&jwk.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256) => (true, KeyAlgorithm::RS256),
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES256) => {
            (curve.curve == EllipticCurve::P256, KeyAlgorithm::ES256)
        }
        _ => return false,
    };
    let signs = !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption));
    family && signs && jwk.common.key_algorithm.as_ref().is_none_or(|alg| *alg == named)
}
