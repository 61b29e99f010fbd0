//! A DSN of MySQL or MariaDB, in either of its two forms.
//!
//! In: `mysql://user:password@host:port/database?options`, or
//! `user:password@tcp(host:port)/database?options`. Out: one TCP address, who asks, and how the
//! connection is encrypted. Deliberately absent: sockets, several hosts, and every option that is
//! not listed here, for an option that is passed over could switch a protection off.

use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;

const PORT: u16 = 3306;

/// Where a source is and who asks.
#[derive(Debug)]
pub(super) struct Dsn {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<SecretString>,
    pub(super) database: Option<String>,
    pub(super) tls: Tls,
    /// Certificates that are trusted beside the built-in ones.
    pub(super) ca: Option<PathBuf>,
}

/// How a connection is encrypted, as `ssl-mode` of the MySQL programs says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    Disabled,
    /// Encrypted where the server can, whoever it is. The default, as with every MySQL program.
    Preferred,
    /// Encrypted, whoever the server is.
    Required,
    /// The server's certificate is from a trusted authority and for the DSN's host. `VERIFY_CA`
    /// is this too: a certificate for another host is a reason to stop, not to go on.
    Verified,
}

impl Dsn {
    /// # Errors
    /// What is wrong with it, without any part that could be a secret.
    pub(super) fn parse(dsn: &SecretString) -> Result<Self, String> {
        let text = dsn.expose_secret();
        let form = "is neither mysql://user:password@host:port/database nor \
                    user:password@tcp(host:port)/database";
        let (user, rest, is_url) = if let Some((scheme, rest)) = text.split_once("://") {
            if !matches!(scheme, "mysql" | "mariadb") {
                return Err(form.to_owned());
            }
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let at = rest[..end].rfind('@').ok_or("names no user")?;
            (&rest[..at], &rest[at + 1..], true)
        } else {
            let at = text.rfind("@tcp(").ok_or(form)?;
            (&text[..at], &text[at + 5..], false)
        };
        let (address, rest) = if is_url {
            rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()))
        } else {
            rest.split_once(')').ok_or(form)?
        };
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, port) = host_and_port(address)?;
        let (user, password) = match user.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (user, None),
        };
        // A URL is percent-encoded throughout; the other form takes a user as it is.
        let plain = |t: &str| if is_url { decoded(t) } else { Ok(t.to_owned()) };
        let mut dsn = Self {
            host,
            port,
            user: plain(user)?,
            password: password.filter(|p| !p.is_empty()).map(plain).transpose()?.map(Into::into),
            database: database(path)?,
            tls: Tls::Preferred,
            ca: None,
        };
        if dsn.user.is_empty() {
            return Err("names no user".to_owned());
        }
        for option in options.split('&').filter(|o| !o.is_empty()) {
            dsn.option(option)?;
        }
        Ok(dsn)
    }

    /// Host and port for people.
    pub(super) fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    fn option(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = decoded(value)?;
        let bad = || Err(format!("gives option \"{name}\" a value that is not known"));
        match name.to_ascii_lowercase().as_str() {
            "ssl-mode" | "ssl_mode" | "sslmode" | "tls" => match tls(&value) {
                Some(tls) => self.tls = tls,
                None => return bad(),
            },
            "ssl-ca" | "ssl_ca" | "sslrootcert" => self.ca = Some(PathBuf::from(value)),
            // These are often there; AIR always works so, whether they are or not.
            "charset" if value.split(',').any(|c| c == "utf8mb4") => {}
            "parsetime" if matches!(value.as_str(), "true" | "false") => {}
            "loc" if value == "UTC" => {}
            "charset" | "parsetime" | "loc" => return bad(),
            // What follows a `?` may be the rest of a password: only plain names are shown.
            _ => {
                let plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-');
                let shown = match name.len() <= 40 && name.chars().all(plain) {
                    true => format!(", \"{name}\""),
                    false => String::new(),
                };
                return Err(format!(
                    "has an option that is not known{shown}; there are ssl-mode (or tls), ssl-ca, \
                     charset, parseTime, loc"
                ));
            }
        }
        Ok(())
    }
}

fn tls(value: &str) -> Option<Tls> {
    Some(match value.to_ascii_lowercase().replace('-', "_").as_str() {
        "disabled" | "disable" | "false" => Tls::Disabled,
        "preferred" | "prefer" => Tls::Preferred,
        "required" | "require" | "skip_verify" => Tls::Required,
        "verify_ca" | "verify_identity" | "verify_full" | "true" => Tls::Verified,
        _ => return None,
    })
}

fn host_and_port(address: &str) -> Result<(String, u16), String> {
    if address.contains(',') {
        return Err("names several hosts; give one".to_owned());
    }
    let (host, port) = match address.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6.split_once(']').ok_or("has a host that cannot be read")?;
            (host, rest.strip_prefix(':'))
        }
        None => match address.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => (address, None),
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if host.is_empty() || !host.chars().all(right) {
        return Err("names no TCP host".to_owned());
    }
    let port = match port {
        None => PORT,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err("has a port that is no number from 1 to 65535".to_owned()),
        },
    };
    Ok((host.to_owned(), port))
}

fn database(path: &str) -> Result<Option<String>, String> {
    let name = decoded(path.strip_prefix('/').unwrap_or(path))?;
    if name.contains('/') {
        return Err("names more than one database".to_owned());
    }
    Ok(Some(name).filter(|n| !n.is_empty()))
}

/// Text without percent-encoding.
fn decoded(text: &str) -> Result<String, String> {
    let bad = || "has a % that begins no two hexadecimal digits; write % as %25".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16)).ok_or_else(bad);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| bad())?);
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Dsn, String> {
        Dsn::parse(&SecretString::from(text.to_owned()))
    }

    #[test]
    fn both_forms() {
        let dsn = parsed("mysql://re%40der:p%2Fw@db.example.org:3307/sales?ssl-mode=VERIFY_CA");
        let dsn = dsn.unwrap();
        assert_eq!(
            (dsn.host.as_str(), dsn.port, dsn.user.as_str()),
            ("db.example.org", 3307, "re@der")
        );
        assert_eq!(dsn.password.unwrap().expose_secret(), "p/w");
        assert_eq!((dsn.database.as_deref(), dsn.tls), (Some("sales"), Tls::Verified));

        let dsn =
            parsed("reader:p@:/w%@tcp([::1]:3307)/sales?tls=skip-verify&parseTime=true").unwrap();
        assert_eq!((dsn.host.as_str(), dsn.port, dsn.user.as_str()), ("::1", 3307, "reader"));
        assert_eq!(dsn.password.unwrap().expose_secret(), "p@:/w%");
        assert_eq!(dsn.tls, Tls::Required);

        let dsn = parsed("mysql://u@host").unwrap();
        assert_eq!((dsn.port, dsn.password.is_none(), dsn.database), (3306, true, None));
        assert_eq!(dsn.tls, Tls::Preferred);
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_its_secrets() {
        for (bad, reason) in [
            ("postgres://u:hidden@h/d", "neither"),
            ("u:hidden@unix(/run/mysqld.sock)/d", "neither"),
            ("mysql://h/d", "no user"),
            ("mysql://u:hidden@h1,h2/d", "several hosts"),
            ("mysql://u:hidden@/d", "no TCP host"),
            ("mysql://u:hidden@%2Frun%2Fsock/d", "no TCP host"),
            ("mysql://u:hidden@h:0/d", "port"),
            ("mysql://u:hidden@h:x/d", "port"),
            ("mysql://u:hidden@h/d?allowAllFiles=true", "allowAllFiles"),
            ("mysql://u:hidden@h/d?socket=/run/x", "socket"),
            ("mysql://u:hidden@h/d?tls=custom", "tls"),
            ("mysql://u:hidden@h/d?loc=Local", "loc"),
            ("mysql://u:hid%zz@h/d", "%"),
            ("mysql://u@h/d?charset://:hidden@=utf8", "not known;"),
            ("mysql://u:pa?hidden@h/d", ""),
            ("mysql://u:hidden@h/a/b", "more than one"),
        ] {
            let error = parsed(bad).unwrap_err();
            assert!(error.contains(reason), "{bad}: {error}");
            assert!(!error.contains("hid"), "{error}");
        }
    }
}
