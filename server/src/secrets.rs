//! DSN passwords at rest and on screen.
//!
//! In: a DSN as a person wrote it. Out: the form that may be stored (its password encrypted, or a
//! `${VAR}` reference kept as it is), the form that connects, and the form that may be shown.
//! XChaCha20-Poly1305 with the datasource's id as associated data, so that a sealed password
//! cannot be moved to another source. Absent on purpose: any way to store a password in clear.

mod dsn;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};

use crate::config::{Environment, ExpandError};
use crate::id::DatasourceId;

pub(crate) use self::dsn::redact;
use self::dsn::{DsnProblem, Password};

const KEY_VARIABLE: &str = "AIR_ENCRYPTION_KEY";
/// What a sealed password looks like inside a stored DSN.
const SEALED: &str = "sealed:v1:";
const NONCE_BYTES: usize = 24;

/// A DSN that cannot be stored or opened. Holds nothing of the DSN.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("{KEY_VARIABLE} is not 32 bytes in base64; make one with `openssl rand -base64 32`")]
    BadKey,
    #[error(
        "the DSN holds a password in clear and {KEY_VARIABLE} is not set; set it, or write the \
         password as ${{VARIABLE}}"
    )]
    ClearPassword,
    #[error("the DSN cannot be stored: {0}")]
    Dsn(#[from] DsnProblem),
    #[error("the stored password is encrypted and {KEY_VARIABLE} is not set")]
    KeyMissing,
    #[error("the stored password was not sealed with this {KEY_VARIABLE} for this source")]
    WrongKey,
    #[error(transparent)]
    Expand(#[from] ExpandError),
    #[error("the system gave no random bytes")]
    NoRandom,
}

/// Seals and opens DSNs. Made once at start.
#[derive(Clone)]
pub(crate) struct DsnVault {
    cipher: Option<XChaCha20Poly1305>,
    environment: Environment,
}

impl std::fmt::Debug for DsnVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DsnVault(key: {})", if self.cipher.is_some() { "set" } else { "none" })
    }
}

/// A DSN whose password is sealed or a reference: what a column may hold.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub(crate) struct StoredDsn(String);

impl StoredDsn {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// For people: the password, sealed or not, is `***`; a reference stays.
    pub(crate) fn redacted(&self) -> String {
        redact(&self.0)
    }
}

impl DsnVault {
    pub(crate) fn new(environment: &Environment) -> Result<Self, SecretError> {
        let cipher = match environment.get(KEY_VARIABLE).map(str::trim).filter(|k| !k.is_empty()) {
            None => None,
            Some(text) => {
                let bytes = STANDARD.decode(text).map_err(|_| SecretError::BadKey)?;
                let key = Key::try_from(bytes.as_slice()).map_err(|_| SecretError::BadKey)?;
                Some(XChaCha20Poly1305::new(&key))
            }
        };
        Ok(Self { cipher, environment: environment.clone() })
    }

    /// The form of a DSN that may be stored.
    pub(crate) fn seal(&self, id: &DatasourceId, dsn: &str) -> Result<StoredDsn, SecretError> {
        let password = match dsn::find_password(dsn)? {
            Password::None | Password::Reference => return Ok(StoredDsn(dsn.to_owned())),
            Password::Clear(span) => span,
        };
        let cipher = self.cipher.as_ref().ok_or(SecretError::ClearPassword)?;
        let nonce = XNonce::try_generate().map_err(|_| SecretError::NoRandom)?;
        let payload = Payload { msg: dsn[password.clone()].as_bytes(), aad: &aad(id) };
        let sealed = cipher.encrypt(&nonce, payload).map_err(|_| SecretError::NoRandom)?;
        let text = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        let (before, after) = (&dsn[..password.start], &dsn[password.end..]);
        Ok(StoredDsn(format!("{before}{SEALED}{text}{after}")))
    }

    /// The form of a stored DSN that connects.
    pub(crate) fn open(
        &self,
        id: &DatasourceId,
        stored: &StoredDsn,
    ) -> Result<SecretString, SecretError> {
        let dsn = stored.as_str();
        match dsn::find_password(dsn)? {
            Password::None | Password::Reference => Ok(self.environment.expand(dsn)?.into()),
            Password::Clear(span) => {
                let sealed = dsn[span.clone()].strip_prefix(SEALED);
                // A clear password in the store did not come from `seal`.
                let password = self.unseal(id, sealed.ok_or(SecretError::WrongKey)?)?;
                let before = self.environment.expand(&dsn[..span.start])?;
                let after = self.environment.expand(&dsn[span.end..])?;
                Ok(format!("{before}{}{after}", password.expose_secret()).into())
            }
        }
    }

    fn unseal(&self, id: &DatasourceId, text: &str) -> Result<SecretString, SecretError> {
        let cipher = self.cipher.as_ref().ok_or(SecretError::KeyMissing)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SecretError::WrongKey)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or(SecretError::WrongKey)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| SecretError::WrongKey)?;
        let payload = Payload { msg: sealed, aad: &aad(id) };
        let clear = cipher.decrypt(&nonce, payload).map_err(|_| SecretError::WrongKey)?;
        Ok(String::from_utf8(clear).map_err(|_| SecretError::WrongKey)?.into())
    }
}

fn aad(id: &DatasourceId) -> Vec<u8> {
    format!("air datasource dsn v1\n{id}").into_bytes()
}

#[cfg(test)]
mod tests;
