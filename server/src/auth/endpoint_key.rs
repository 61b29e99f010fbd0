//! Keys of published endpoints: made, read, compared.
//!
//! A key is `air_key_`, the 32 digits of its id, `_`, and 32 random bytes in base64url. It is told
//! once; what is kept is its SHA-256. So many random bytes need no slow hash.

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::Key;
use chacha20poly1305::aead::Generate;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::id::EndpointKeyId;
use crate::secrets::SecretError;

/// What begins every key, so that scanners of repositories can find one.
pub(crate) const PREFIX: &str = "air_key_";
const RANDOM_BYTES: usize = 32;

/// What is kept of a key.
pub(crate) type KeyHash = [u8; 32];

/// A new key of an id.
pub(crate) fn make(id: &EndpointKeyId) -> Result<SecretString, SecretError> {
    let random = Key::try_generate().map_err(|_| SecretError::NoRandom)?;
    let digits = id.as_str().trim_start_matches(EndpointKeyId::PREFIX);
    Ok(format!("{PREFIX}{digits}_{}", URL_SAFE_NO_PAD.encode(random)).into())
}

/// The id that a key names; none where the text has not the form of one.
pub(crate) fn id_of(key: &str) -> Option<EndpointKeyId> {
    let (digits, random) = key.strip_prefix(PREFIX)?.split_once('_')?;
    let random = URL_SAFE_NO_PAD.decode(random).ok()?;
    let id = format!("{}{digits}", EndpointKeyId::PREFIX).parse().ok()?;
    (random.len() == RANDOM_BYTES).then_some(id)
}

pub(crate) fn hash(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// Whether two hashes are equal, in a time that does not tell where they differ.
pub(crate) fn is_same(kept: &[u8], given: &KeyHash) -> bool {
    let differs = kept.iter().zip(given).fold(0, |differs, (a, b)| black_box(differs | (a ^ b)));
    kept.len() == given.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_key_names_its_id_and_no_two_are_alike() {
        let id = EndpointKeyId::new();
        let (one, other) = (make(&id).unwrap(), make(&id).unwrap());
        let (one, other) = (one.expose_secret(), other.expose_secret());
        assert_eq!(id_of(one), Some(id));
        assert_ne!(one, other);
        assert!(is_same(&hash(one), &hash(one)));
        assert!(!is_same(&hash(one), &hash(other)));
        assert!(!is_same(&hash(one)[..31], &hash(one)));
        assert!(!is_same(&[], &hash(one)));
    }

    #[test]
    fn what_has_not_the_form_is_no_key() {
        let id = EndpointKeyId::new();
        let key = make(&id).unwrap();
        let key = key.expose_secret();
        let cut = &key[..key.len() - 1];
        let longer = format!("{key}AA");
        for text in ["", PREFIX, "air_key__", cut, &longer, &key.replace("air_key", "air-key")] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
