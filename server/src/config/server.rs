//! `server`: where the service listens and who may come in.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::section::Section;

/// The secret that the sample configuration carries. Whoever reads the repository knows it.
const SAMPLE_JWT_SECRET: &str = "your-secret-key-here";
/// RFC 7518, section 3.2: a key of at least the hash's size.
pub(crate) const MIN_SECRET_BYTES: usize = 32;

#[derive(Debug, Clone)]
pub(crate) struct ServerConfig {
    /// As configured; `bind_host` is where to listen.
    pub(crate) host: String,
    /// 0 asks for any free port.
    pub(crate) port: u16,
    pub(crate) ws_enabled: bool,
    /// How long a shutdown waits for what is running.
    pub(crate) shutdown_grace: Duration,
    pub(crate) auth: AuthConfig,
}

/// The one algorithm a token may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenAlgorithm {
    Hs256,
    Rs256,
    Es256,
}

#[derive(Debug, Clone)]
pub(crate) struct AuthConfig {
    pub(crate) enabled: bool,
    pub(crate) algorithm: TokenAlgorithm,
    /// Present, long enough and not the sample where `enabled` and HS256.
    pub(crate) jwt_secret: Option<SecretString>,
    /// Present where `enabled` and RS256 or ES256.
    pub(crate) jwks_file: Option<PathBuf>,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// Lifetime of a minted token, and how long an answer of the chat may be owed, which is given
    /// with the rights of its asking.
    pub(crate) token_expiry: Duration,
}

impl ServerConfig {
    /// `auth` is the switch of the command line; it wins over `server.auth.enabled`.
    pub(super) fn read(mut section: Section<'_>, auth: Option<bool>) -> Self {
        Self {
            host: section.text("host", "0.0.0.0"),
            port: section.number("port", 9000, 0..=u16::MAX),
            ws_enabled: section.flag("ws_enabled", true),
            shutdown_grace: section.duration("shutdown_grace", Duration::from_secs(20)),
            auth: AuthConfig::read(section.section("auth"), auth),
        }
    }

    /// Where to listen: without authentication only on loopback, whatever `host` says.
    pub(crate) fn bind_host(&self) -> &str {
        if self.auth.enabled || is_loopback(&self.host) { &self.host } else { "127.0.0.1" }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl AuthConfig {
    fn read(mut section: Section<'_>, switch: Option<bool>) -> Self {
        let configured = section.flag("enabled", true);
        let algorithms = [
            ("HS256", TokenAlgorithm::Hs256),
            ("RS256", TokenAlgorithm::Rs256),
            ("ES256", TokenAlgorithm::Es256),
        ];
        let config = Self {
            enabled: switch.unwrap_or(configured),
            algorithm: section.choice("algorithm", TokenAlgorithm::Hs256, &algorithms),
            jwt_secret: section.secret("jwt_secret"),
            jwks_file: section.path("jwks_file", None),
            issuer: section.text("issuer", "air"),
            audience: section.text("audience", "air"),
            token_expiry: section.duration("token_expiry", Duration::from_secs(24 * 3600)),
        };
        if config.enabled {
            config.check_key(&section);
        }
        config
    }

    fn check_key(&self, section: &Section<'_>) {
        let fix = "set AIR__SERVER__AUTH__JWT_SECRET to 32 random bytes or more (for example the \
                   output of `openssl rand -base64 48`), or start with `--auth disabled`";
        match (self.algorithm, &self.jwt_secret) {
            (TokenAlgorithm::Rs256 | TokenAlgorithm::Es256, _) if self.jwks_file.is_some() => {}
            (TokenAlgorithm::Rs256 | TokenAlgorithm::Es256, _) => {
                let what = "this algorithm wants the public keys of whoever issues the tokens";
                section.report("jwks_file", what, "name a JWKS file");
            }
            (_, None) => section.report("jwt_secret", "no secret is set", fix),
            (_, Some(secret)) if secret.expose_secret() == SAMPLE_JWT_SECRET => {
                section.report("jwt_secret", "the sample secret is refused", fix);
            }
            (_, Some(secret)) if secret.expose_secret().len() < MIN_SECRET_BYTES => {
                let what = format!("the secret is shorter than {MIN_SECRET_BYTES} bytes");
                section.report("jwt_secret", what, fix);
            }
            _ => {}
        }
    }
}
