//! Where Redis is, and how a connection to it is protected.
//!
//! In: the configuration. Out: a client that opens connections, in clear for `redis://`, and for
//! `rediss://` by TLS, where the server's certificate must be for its host and of an authority
//! that is known to the public, or of one in `redis.ca_file`. Absent on purpose: TLS that takes
//! any certificate, and certificates of AIR's own.

use redis::{Client, ConnectionAddr, IntoConnectionInfo, TlsCertificates};
use secrecy::ExposeSecret;

use super::link::RedisFault;
use crate::config::RedisConfig;

/// A client, and the number of its database.
pub(super) fn client(config: &RedisConfig) -> Result<(Client, i64), RedisFault> {
    let fault = |error: redis::RedisError| RedisFault::Url(error.category().to_owned());
    let info = config.url.expose_secret().into_connection_info().map_err(fault)?;
    let mut settings = info.redis_settings().clone();
    if config.db != 0 {
        settings = settings.set_db(i64::from(config.db));
    }
    let password = config.password.as_ref().map(ExposeSecret::expose_secret);
    if let Some(password) = password.filter(|text| !text.is_empty()) {
        settings = settings.set_password(password);
    }
    let database = settings.db();
    let encrypted = match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => {
            let what = "#insecure would take any server for Redis; name its authority in \
                        redis.ca_file";
            return Err(RedisFault::Url(what.to_owned()));
        }
        ConnectionAddr::TcpTls { .. } => true,
        _ => false,
    };
    let info = info.set_redis_settings(settings);
    let client = match encrypted {
        false => Client::open(info),
        true => {
            // The first to be installed stays; any does.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let certificates = TlsCertificates { client_tls: None, root_cert: authority(config)? };
            Client::build_with_tls(info, certificates)
        }
    };
    Ok((client.map_err(fault)?, database))
}

/// The certificates of `redis.ca_file`, in the place of those that are known to the public.
fn authority(config: &RedisConfig) -> Result<Option<Vec<u8>>, RedisFault> {
    let Some(file) = &config.ca_file else { return Ok(None) };
    let unreadable = |why: String| RedisFault::Authority { file: file.clone(), why };
    let pem = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    // A store without a certificate would refuse every server without telling why.
    let holds = pem.windows(BEGIN.len()).any(|text| text == BEGIN);
    if holds { Ok(Some(pem)) } else { Err(unreadable("it holds no certificate in PEM".to_owned())) }
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn refusal(config: RedisConfig) -> String {
        client(&config).unwrap_err().to_string()
    }

    #[test]
    fn tls_is_never_without_a_known_authority() {
        let time = Duration::from_secs(1);
        let at = |url: &str| RedisConfig {
            enabled: true,
            url: url.into(),
            password: None,
            ca_file: None,
            db: 0,
            max_retries: 0,
            dial_timeout: time,
            read_timeout: time,
            write_timeout: time,
            pool_size: 1,
            min_idle_conns: 0,
        };
        assert!(client(&at("redis://localhost/1")).is_ok());
        assert!(client(&at("rediss://localhost/1")).is_ok());
        let told = refusal(at("rediss://user:s3cret@localhost/0#insecure"));
        assert!(told.contains("ca_file") && !told.contains("s3cret"), "{told}");

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let of_file = || RedisConfig { ca_file: Some(file.clone()), ..at("rediss://localhost/0") };
        assert!(refusal(of_file()).contains("ca.pem"));
        std::fs::write(&file, "no certificate").unwrap();
        assert!(refusal(of_file()).contains("no certificate"));
    }
}
