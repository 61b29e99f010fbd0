//! Reading a DSN: `postgres://user:password@host:port/database?option=value`.
//!
//! In: the text. Out: its parts, each checked. Deliberately absent: sockets of the file system,
//! several hosts, `options=`, and every option that is not listed here.

use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// How far a connection is encrypted, with libpq's words and meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    Disable,
    /// Encrypted where the server can, unverified.
    Prefer,
    /// Encrypted, unverified.
    Require,
    VerifyCa,
    VerifyFull,
}

/// A DSN's parts.
#[derive(Debug, Clone)]
pub(super) struct Dsn {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<SecretString>,
    pub(super) database: String,
    pub(super) tls: TlsMode,
    /// A file of certificates in PEM, in the place of the public authorities.
    pub(super) root_certificates: Option<PathBuf>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) application_name: String,
}

const OPTIONS: &str = "sslmode, sslrootcert, connect_timeout, application_name";

impl Dsn {
    /// # Errors
    /// The rest of the sentence "its DSN …", without any part that could be a password.
    pub(super) fn parse(dsn: &SecretString) -> Result<Self, String> {
        let form = "is not of the form postgres://user:password@host:port/database";
        // What the parser says could quote the text, so it is not passed on.
        let url = Url::parse(dsn.expose_secret()).map_err(|_| form.to_owned())?;
        if !matches!(url.scheme(), "postgres" | "postgresql") || url.fragment().is_some() {
            return Err(form.to_owned());
        }
        let host = host(&url)?;
        let database = decoded(url.path().trim_start_matches('/'), "the database's name")?;
        if database.is_empty() || url.path().trim_start_matches('/').contains('/') {
            return Err("names no database; add it, as in postgres://host/database".to_owned());
        }
        let user = decoded(url.username(), "the user")?;
        if user.is_empty() {
            return Err("names no user".to_owned());
        }
        let password = url.password().map(|p| decoded(p, "the password")).transpose()?;
        let tls = if is_loopback(&host) { TlsMode::Prefer } else { TlsMode::VerifyFull };
        let mut dsn = Self {
            host,
            port: url.port().unwrap_or(5432),
            user,
            password: password.map(SecretString::from),
            database,
            tls,
            root_certificates: None,
            connect_timeout: None,
            application_name: "air".to_owned(),
        };
        dsn.options(url.query().unwrap_or_default())?;
        Ok(dsn)
    }

    fn options(&mut self, query: &str) -> Result<(), String> {
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name, "the name of an option")?;
            let value = decoded(value, "an option")?;
            if seen.contains(&name) {
                return Err(format!("gives \"{name}\" twice"));
            }
            self.option(&name, &value)?;
            seen.push(name);
        }
        if self.root_certificates.is_some()
            && !matches!(self.tls, TlsMode::VerifyCa | TlsMode::VerifyFull)
        {
            return Err("has sslrootcert, which only verify-ca and verify-full use".to_owned());
        }
        Ok(())
    }

    fn option(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "sslmode" => self.tls = mode(value)?,
            "sslrootcert" if value == "system" => {}
            "sslrootcert" if value.is_empty() => return Err("has an empty sslrootcert".to_owned()),
            "sslrootcert" => self.root_certificates = Some(PathBuf::from(value)),
            "connect_timeout" => match value.parse::<u32>() {
                Ok(seconds @ 1..=600) => {
                    self.connect_timeout = Some(Duration::from_secs(seconds.into()));
                }
                _ => return Err("has a connect_timeout that is not 1 to 600 seconds".to_owned()),
            },
            "application_name" => {
                let plain = |c: char| c.is_ascii_graphic() || c == ' ';
                if value.is_empty() || value.len() > 63 || !value.chars().all(plain) {
                    return Err(
                        "has an application_name that is not 1 to 63 plain letters".to_owned()
                    );
                }
                value.clone_into(&mut self.application_name);
            }
            // An unknown name may be a mistyped password, so only names made of letters are shown.
            other if other.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                return Err(format!("has an option \"{other}\"; there are {OPTIONS}"));
            }
            _ => return Err(format!("has an unknown option; there are {OPTIONS}")),
        }
        Ok(())
    }
}

fn mode(value: &str) -> Result<TlsMode, String> {
    Ok(match value {
        "disable" => TlsMode::Disable,
        "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => {
            return Err("has an unknown sslmode; there are disable, prefer, require, verify-ca, \
                        verify-full"
                .to_owned());
        }
    })
}

fn host(url: &Url) -> Result<String, String> {
    let Some(host) = url.host_str().filter(|h| !h.is_empty()) else {
        return Err("names no host; sockets of the file system are not used".to_owned());
    };
    let inner = host.trim_start_matches('[').trim_end_matches(']');
    if inner.parse::<IpAddr>().is_ok() {
        return Ok(inner.to_owned());
    }
    if host.contains(',') {
        return Err("names several hosts; give one".to_owned());
    }
    let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !host.chars().all(right) {
        return Err("has a host that is neither a name nor an address".to_owned());
    }
    Ok(host.to_ascii_lowercase())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|a| a.to_canonical().is_loopback())
}

/// The text that `%xx` stand for.
fn decoded(text: &str, what: &str) -> Result<String, String> {
    let bad = || format!("has a wrong %-sequence in {what}");
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = bytes.next().and_then(|b| char::from(b).to_digit(16));
            digit.and_then(|d| u8::try_from(d).ok()).ok_or_else(bad)
        };
        let (high, low) = (digit()?, digit()?);
        out.push(high << 4 | low);
    }
    let text = String::from_utf8(out).map_err(|_| bad())?;
    if text.contains('\0') { Err(bad()) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Dsn, String> {
        Dsn::parse(&SecretString::from(text.to_owned()))
    }

    #[test]
    fn parts_are_decoded() {
        let dsn = parse("postgresql://a%40b:p%3A%2F%25+w@DB.example.org:6543/my%20db?sslmode=require&application_name=my%20app&connect_timeout=7").unwrap();
        assert_eq!(
            (dsn.user.as_str(), dsn.host.as_str(), dsn.port),
            ("a@b", "db.example.org", 6543)
        );
        assert_eq!(dsn.password.unwrap().expose_secret(), "p:/%+w");
        assert_eq!((dsn.database.as_str(), dsn.tls), ("my db", TlsMode::Require));
        assert_eq!(dsn.application_name, "my app");
        assert_eq!(dsn.connect_timeout, Some(Duration::from_secs(7)));
    }

    #[test]
    fn loopback_prefers_and_the_rest_verifies() {
        for host in ["localhost", "127.0.0.1", "[::1]", "127.3.2.1", "[::ffff:127.0.0.1]"] {
            assert_eq!(
                parse(&format!("postgres://u@{host}/d")).unwrap().tls,
                TlsMode::Prefer,
                "{host}"
            );
        }
        assert_eq!(parse("postgres://u@10.0.0.1/d").unwrap().tls, TlsMode::VerifyFull);
        assert_eq!(parse("postgres://u@localhost.example.org/d").unwrap().tls, TlsMode::VerifyFull);
    }

    #[test]
    fn what_is_not_allowed_is_refused_without_the_password() {
        for (text, word) in [
            ("mysql://u:canary@h/d", "form"),
            ("canary", "form"),
            ("postgres://u:canary@/d", "host"),
            ("postgres://u:canary@%2Fvar%2Frun/d", "host"),
            ("postgres://u:canary@a,b/d", "several hosts"),
            ("postgres://u:canary@a:1,b:2/d", "form"),
            ("postgres://u:canary@h", "database"),
            ("postgres://u:canary@h/d/e", "database"),
            ("postgres://:canary@h/d", "user"),
            ("postgres://u:canary@h/d?options=-c%20x", "\"options\""),
            ("postgres://u:canary@h/d?host=other", "\"host\""),
            ("postgres://u:canary@h/d?CANARY-canary=1", "unknown option"),
            ("postgres://u:canary@h/d?sslmode=verify", "sslmode"),
            ("postgres://u:canary@h/d?sslmode=require&sslmode=disable", "twice"),
            ("postgres://u:canary@h/d?connect_timeout=0", "connect_timeout"),
            ("postgres://u:canary%zz@h/d", "%-sequence"),
            ("postgres://u:canary%00@h/d", "%-sequence"),
            ("postgres://u:canary@h/d?sslmode=require&sslrootcert=x.pem", "sslrootcert"),
        ] {
            let error = parse(text).map(|_| ()).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
