//! The client of a store.
//!
//! In: an address and settings. Out: a client with limits on time and retries, or what of the
//! settings is wrong, before anything is reached. The environment of the process is read only
//! where the settings say so: an unknown environment decides nothing.

use super::address::{StoreAddress, StoreKind};
use super::client::Connector;
use crate::error::StoreFault;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::http::HttpBuilder;
use object_store::{
    BackoffConfig, ClientOptions, HeaderMap, HeaderValue, ObjectStore, RetryConfig,
    StaticCredentialProvider,
};
use reqwest_store::Certificate;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// After so long since the first try, a request is not tried again.
const RETRY_FOR: Duration = Duration::from_secs(60);

/// How a store is reached.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// By the names of [`StoreKind::texts`] and [`StoreKind::flags`]; a flag is `true` or `false`.
    pub settings: Vec<(String, SecretString)>,
    /// Whether credentials, region and endpoint may come from the environment of the process:
    /// `AWS_…`, `GOOGLE_…`, `AZURE_…`, the cloud machine itself. What is set goes before.
    pub from_environment: bool,
    /// Whether the store may be reached without TLS.
    pub allow_http: bool,
    /// Certificates in PEM of who vouches for the server, beside those of the machine.
    pub ca: Option<Vec<u8>>,
    pub connect_timeout: Duration,
    /// For one request with its answer.
    pub timeout: Duration,
    /// How often a request is tried again that failed of the network or a busy store.
    pub max_retries: usize,
    /// The files, where the server gives no list of them: paths beneath the address.
    pub files: Vec<String>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            from_environment: false,
            allow_http: false,
            ca: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            max_retries: 3,
            files: Vec::new(),
        }
    }
}

impl StoreOptions {
    /// Whether the settings fit the address and one another.
    ///
    /// # Errors
    /// The key that is wrong, what is wrong with it and what to do. No value is repeated.
    pub fn check(&self, address: &StoreAddress) -> Result<(), (&'static str, String)> {
        let kind = address.kind;
        let known = || kind.texts().iter().chain(kind.flags());
        if self.settings.iter().any(|(key, _)| !known().any(|k| k == key)) {
            let known: Vec<&str> = known().copied().collect();
            return Err(("store", format!("unknown key; there are {}", known.join(", "))));
        }
        self.check_credentials(kind)?;
        for key in ["endpoint", "base_url"] {
            let Some(text) = self.text(key) else {
                continue;
            };
            let url = Url::parse(text).ok().filter(|u| matches!(u.scheme(), "http" | "https"));
            let plain = url.filter(|u| u.query().is_none() && u.username().is_empty());
            match plain {
                None => {
                    return Err((key, "no plain address; write https://host:port".to_owned()));
                }
                Some(url) if url.scheme() == "http" => self.check_http(key)?,
                Some(_) => {}
            }
        }
        if kind == StoreKind::Http && address.is_plain_http() && self.has_credentials(kind) {
            self.check_http("base_path")?;
        }
        let needs_account = kind == StoreKind::Azure && !self.from_environment;
        if needs_account && address.account.is_none() && self.text("account_name").is_none() {
            let what = "missing; give the name of the storage account";
            return Err(("account_name", what.to_owned()));
        }
        Ok(())
    }

    fn check_credentials(&self, kind: StoreKind) -> Result<(), (&'static str, String)> {
        let anonymous = self.text("skip_signature") == Some("true");
        let ways = [self.has_credentials(kind), self.from_environment, anonymous].map(usize::from);
        let names = kind.credentials().join(", ");
        match (ways.iter().sum::<usize>(), kind) {
            (_, StoreKind::Http) if self.from_environment => Err((
                "from_environment",
                "a web server has no such credentials; take it out".into(),
            )),
            (1, _) | (0, StoreKind::Http) => Ok(()),
            (0, _) => Err((
                "store",
                format!(
                    "no credentials; give some of {names} as ${{VAR}}, or from_environment: true, \
                     or skip_signature: true for a store that is open to everyone"
                ),
            )),
            _ => Err((
                "store",
                format!(
                    "{names}, from_environment and skip_signature exclude one another; keep one"
                ),
            )),
        }?;
        let pairs: &[(&'static str, &'static str)] = match kind {
            StoreKind::S3 => &[
                ("access_key_id", "secret_access_key"),
                ("secret_access_key", "access_key_id"),
                ("session_token", "secret_access_key"),
            ],
            StoreKind::Azure => &[
                ("client_id", "client_secret"),
                ("client_secret", "client_id"),
                ("client_secret", "tenant_id"),
            ],
            StoreKind::Http => &[("username", "password"), ("password", "username")],
            StoreKind::Gcs => &[],
        };
        for &(given, needed) in pairs {
            if self.text(given).is_some() && self.text(needed).is_none() {
                return Err((needed, format!("missing; {given} is of no use without it")));
            }
        }
        Ok(())
    }

    fn check_http(&self, key: &'static str) -> Result<(), (&'static str, String)> {
        match self.allow_http {
            true => Ok(()),
            false => Err((key, "credentials and rows would go without TLS; write https://, or set store.allow_http: true".to_owned())),
        }
    }

    fn has_credentials(&self, kind: StoreKind) -> bool {
        kind.credentials().iter().any(|key| self.text(key).is_some())
    }

    fn text(&self, key: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.expose_secret()).filter(|value| !value.is_empty())
    }

    /// The settings as the builder of a kind of store takes them.
    fn applied<B, K: std::str::FromStr>(&self, builder: B, apply: impl Fn(B, K, String) -> B) -> B {
        self.settings.iter().fold(builder, |builder, (key, value)| match key.parse() {
            Ok(known) => apply(builder, known, value.expose_secret().to_owned()),
            // `check` has let none through that is not known.
            Err(_) => builder,
        })
    }

    fn connector(&self) -> Result<Connector, StoreFault> {
        let bad = |_| {
            let what = "ca_file holds no certificates in PEM".to_owned();
            StoreFault::Settings { what }
        };
        let certificates = self.ca.as_deref().map(Certificate::from_pem_bundle).transpose();
        Ok(Connector {
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            certificates: certificates.map_err(bad)?.unwrap_or_default(),
        })
    }

    fn retry(&self) -> RetryConfig {
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        };
        RetryConfig { backoff, max_retries: self.max_retries, retry_timeout: RETRY_FOR }
    }
}

/// The client of the store at `address`. Nothing is reached yet.
pub(super) fn open(
    address: &StoreAddress,
    options: &StoreOptions,
) -> Result<Arc<dyn ObjectStore>, StoreFault> {
    options
        .check(address)
        .map_err(|(key, what)| StoreFault::Settings { what: format!("{key}: {what}") })?;
    let connector = options.connector()?;
    let client = ClientOptions::new().with_allow_http(options.allow_http);
    let (bucket, retry) = (address.bucket.as_str(), options.retry());
    match address.kind {
        StoreKind::S3 => {
            let builder = s3(options)
                .with_bucket_name(bucket)
                .with_http_connector(connector)
                .with_client_options(client)
                .with_retry(retry);
            built(builder.build(), "region, endpoint or the access key")
        }
        StoreKind::Gcs => {
            let builder = gcs(options)
                .with_bucket_name(bucket)
                .with_http_connector(connector)
                .with_client_options(client)
                .with_retry(retry);
            built(builder.build(), "the key of the service account")
        }
        StoreKind::Azure => {
            let builder = azure(options, address)
                .with_container_name(bucket)
                .with_http_connector(connector)
                .with_client_options(client)
                .with_retry(retry);
            built(builder.build(), "endpoint, account_key (Base64) or sas_token (a=b&c=d)")
        }
        StoreKind::Http => {
            let client = client.with_allow_http(address.is_plain_http());
            let builder = HttpBuilder::new()
                .with_url(bucket)
                .with_http_connector(connector)
                .with_client_options(client.with_default_headers(authorization(options)?))
                .with_retry(retry);
            built(builder.build(), "the address")
        }
    }
}

fn s3(options: &StoreOptions) -> AmazonS3Builder {
    let begun = match options.from_environment {
        true => AmazonS3Builder::from_env(),
        false => AmazonS3Builder::new(),
    };
    options.applied(begun, AmazonS3Builder::with_config)
}

fn azure(options: &StoreOptions, address: &StoreAddress) -> MicrosoftAzureBuilder {
    let begun = match options.from_environment {
        true => MicrosoftAzureBuilder::from_env(),
        false => MicrosoftAzureBuilder::new(),
    };
    let builder = options.applied(begun, MicrosoftAzureBuilder::with_config);
    match &address.account {
        Some(account) => builder.with_account(account),
        None => builder,
    }
}

fn gcs(options: &StoreOptions) -> GoogleCloudStorageBuilder {
    let begun = match options.from_environment {
        true => GoogleCloudStorageBuilder::from_env(),
        false => GoogleCloudStorageBuilder::new(),
    };
    let builder = options.applied(begun, GoogleCloudStorageBuilder::with_config);
    if options.text("skip_signature") != Some("true") {
        return builder;
    }
    // Without credentials of any kind the client looks for some in the home folder.
    let nobody = GcpCredential { bearer: String::new() };
    builder.with_credentials(Arc::new(StaticCredentialProvider::new(nobody)))
}

/// The errors of the builders repeat what they were given.
fn built<S: ObjectStore>(
    store: object_store::Result<S>,
    suspect: &str,
) -> Result<Arc<dyn ObjectStore>, StoreFault> {
    let what = || format!("look at {suspect}");
    store.map(|s| Arc::new(s) as _).map_err(|_| StoreFault::Settings { what: what() })
}

fn authorization(options: &StoreOptions) -> Result<HeaderMap, StoreFault> {
    let mut headers = HeaderMap::new();
    let value = match (options.text("username"), options.text("bearer_token")) {
        (Some(user), _) => {
            let password = options.text("password").unwrap_or_default();
            format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
        }
        (None, Some(token)) => format!("Bearer {token}"),
        (None, None) => return Ok(headers),
    };
    let what = || "bearer_token holds characters that no token has".to_owned();
    let mut value =
        HeaderValue::try_from(value).map_err(|_| StoreFault::Settings { what: what() })?;
    value.set_sensitive(true);
    headers.insert("authorization", value);
    Ok(headers)
}

#[cfg(test)]
mod tests;
