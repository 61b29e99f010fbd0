//! Whom an `https` address is believed: the certificates that ship with the program, and more
//! where a company has its own.
//!
//! The system's own store is not asked: it is not there in a small container, and what is believed
//! is then the same on every machine.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// The settings of TLS, with the certificates of `pem` beside those that ship.
pub(crate) fn config(pem: Option<&[u8]>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = pem {
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| Error::BadCertificates)?;
            roots.add(certificate).map_err(|_| Error::BadCertificates)?;
            found = true;
        }
        if !found {
            return Err(Error::BadCertificates);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::BadCertificates)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
