//! `execution.worker`: what `air worker` is, and what a server shows to workers.
//!
//! Both take the same section: the token, and certificates in PEM for both ends of a connection.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use air_distributed::Tls;
use secrecy::{ExposeSecret, SecretString};

use super::section::Section;
use super::server::MIN_SECRET_BYTES;

#[derive(Debug, Clone)]
pub(crate) struct WorkerConfig {
    /// Where `air worker` listens.
    pub(crate) bind: SocketAddr,
    /// Who has it may read everything below `files.base_path`.
    pub(crate) token: Option<SecretString>,
    /// Who vouches for the other end.
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// A file of a certificate cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("execution.worker.{key}: {file} cannot be read")]
pub(crate) struct TlsFault {
    key: &'static str,
    file: String,
    #[source]
    cause: std::io::Error,
}

impl WorkerConfig {
    pub(super) fn read(mut section: Section<'_>, wanted: bool) -> Self {
        let bind = section.text("bind", "127.0.0.1:9100");
        let token = section.secret("token");
        let (ca, cert) = (section.path("ca", None), section.path("cert", None));
        let key = section.path("key", None);
        let bind = bind.parse().unwrap_or_else(|_| {
            let fix = "write an address and a port, such as \"0.0.0.0:9100\"";
            section.report("bind", format!("{bind} cannot be listened on"), fix);
            SocketAddr::from(([127, 0, 0, 1], 9100))
        });
        let config = Self { bind, token, ca, cert, key };
        config.check(&section, wanted);
        config
    }

    fn check(&self, section: &Section<'_>, wanted: bool) {
        let fix = format!("{MIN_SECRET_BYTES} random characters, the same at every worker");
        match &self.token {
            None if wanted => section.report("token", "missing", fix),
            Some(token) if token.expose_secret().len() < MIN_SECRET_BYTES => {
                section.report("token", "too short to keep others out", fix);
            }
            Some(token) if !token.expose_secret().bytes().all(|b| b.is_ascii_graphic()) => {
                section.report("token", "holds what cannot be sent", fix);
            }
            _ => {}
        }
        let given = [("ca", &self.ca), ("cert", &self.cert), ("key", &self.key)];
        if given.iter().any(|(_, file)| file.is_some()) {
            for (key, _) in given.into_iter().filter(|(_, file)| file.is_none()) {
                section.report(key, "missing", "ca, cert and key go together");
            }
        }
    }

    /// Whether both ends of a connection show certificates.
    pub(crate) fn has_tls(&self) -> bool {
        self.ca.is_some() && self.cert.is_some() && self.key.is_some()
    }

    /// Whether others than this machine can reach the worker.
    pub(crate) fn is_open(&self) -> bool {
        let address: IpAddr = self.bind.ip();
        !address.is_loopback()
    }

    /// The certificates, where there are any.
    ///
    /// # Errors
    /// The file that cannot be read.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, TlsFault> {
        let (Some(ca), Some(cert), Some(key)) = (&self.ca, &self.cert, &self.key) else {
            return Ok(None);
        };
        let pem = String::from_utf8_lossy(&read("key", key)?).into_owned();
        Ok(Some(Tls { ca: read("ca", ca)?, cert: read("cert", cert)?, key: pem.into() }))
    }
}

fn read(key: &'static str, file: &Path) -> Result<Vec<u8>, TlsFault> {
    let shown = file.display().to_string();
    std::fs::read(file).map_err(|cause| TlsFault { key, file: shown, cause })
}
