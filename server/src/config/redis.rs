//! `redis`: the broker that several server processes share.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::section::Section;

#[derive(Debug, Clone)]
pub(crate) struct RedisConfig {
    pub(crate) enabled: bool,
    /// A secret, because it may carry a password.
    pub(crate) url: SecretString,
    pub(crate) password: Option<SecretString>,
    /// Certificates in PEM of who vouches for a server by `rediss://`; the public ones without.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) db: u16,
    pub(crate) max_retries: u16,
    pub(crate) dial_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) pool_size: u16,
    pub(crate) min_idle_conns: u16,
}

impl RedisConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let url = super::url(&mut section, "url", "redis://localhost:6379/0", &["redis", "rediss"]);
        let config = Self {
            // Off unless asked for: AIR needs no other service to be useful.
            enabled: section.flag("enabled", false),
            url: url.into(),
            password: section.secret("password"),
            ca_file: section.path("ca_file", None),
            db: section.number("db", 0, 0..=u16::MAX),
            max_retries: section.number("max_retries", 3, 0..=100),
            dial_timeout: section.duration("dial_timeout", Duration::from_secs(5)),
            read_timeout: section.duration("read_timeout", Duration::from_secs(3)),
            write_timeout: section.duration("write_timeout", Duration::from_secs(3)),
            pool_size: section.number("pool_size", 10, 1..=1000),
            min_idle_conns: section.number("min_idle_conns", 5, 0..=1000),
        };
        if config.ca_file.is_some() && !config.url.expose_secret().starts_with("rediss://") {
            let fix = "write rediss:// in redis.url, or leave ca_file out";
            section.report("ca_file", "only a server by TLS has a certificate", fix);
        }
        if config.min_idle_conns > config.pool_size {
            let fix = "at most redis.pool_size";
            section.report("min_idle_conns", "more than the pool can hold", fix);
        }
        config
    }
}
