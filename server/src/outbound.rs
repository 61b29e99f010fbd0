//! Requests to other services: whom an `https` address is believed.
//!
//! The certificates ship with the program. The system's own store is not asked: it is not there in
//! a small container, and without one not even an `http` address could be reached.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// A client to be made, which believes the certificates that ship.
pub(crate) fn client() -> reqwest::ClientBuilder {
    match tls() {
        Some(config) => reqwest::Client::builder().tls_backend_preconfigured(config),
        None => reqwest::Client::builder(),
    }
}

/// The same for a thread that waits.
pub(crate) fn blocking_client() -> reqwest::blocking::ClientBuilder {
    match tls() {
        Some(config) => reqwest::blocking::Client::builder().tls_backend_preconfigured(config),
        None => reqwest::blocking::Client::builder(),
    }
}

/// None where the provider has no protocol that is safe, which no build has.
fn tls() -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().ok()?;
    Some(config.with_root_certificates(roots).with_no_client_auth())
}
