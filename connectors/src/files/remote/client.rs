//! Requests that go where the settings say.
//!
//! The client of `object_store` follows a redirect to any host. A server that is not one's own
//! could so have this machine ask another that only this machine reaches, and show the answer as
//! rows; so only redirects within one origin are followed, as web servers give them for folders.

use object_store::client::{HttpClient, HttpConnector};
use object_store::{ClientConfigKey, ClientOptions, Error, Result};
use reqwest_store::redirect::{Attempt, Policy};
use reqwest_store::{Certificate, Client};
use std::time::Duration;

/// Redirects within one origin, one after the other.
const MOST: usize = 5;
const AGENT: &str = concat!("air/", env!("CARGO_PKG_VERSION"));

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) certificates: Vec<Certificate>,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        let mut builder = Client::builder()
            .user_agent(AGENT)
            .http1_only()
            .https_only(allow_http.as_deref() != Some("true"))
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .redirect(Policy::custom(within_origin));
        if let Some(headers) = options.get_default_headers() {
            builder = builder.default_headers(headers.clone());
        }
        for certificate in &self.certificates {
            builder = builder.add_root_certificate(certificate.clone());
        }
        let client = builder.build();
        let failed = |e| Error::Generic { store: "HTTP client", source: Box::new(e) };
        client.map(HttpClient::new).map_err(failed)
    }
}

fn within_origin(attempt: Attempt<'_>) -> reqwest_store::redirect::Action {
    let origin = attempt.previous().first().map(|url| url.origin());
    match origin == Some(attempt.url().origin()) && attempt.previous().len() <= MOST {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}
