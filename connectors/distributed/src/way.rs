//! The ways to the workers: one connection to each, with the token, and by TLS on both sides.
//!
//! In: a worker's URL. Out: a channel to it whose errors name it. A worker that was away is reached
//! again where it is back. Deliberately absent: which workers there are.

use crate::codec::whole;
use crate::lost::{lost, told};
use async_trait::async_trait;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion_distributed::grpc::{BoxCloneSyncChannel, create_worker_client};
use datafusion_distributed::{
    ChannelResolver, CoordinatorToWorkerMsg, ExecuteTaskRequest, GetWorkerInfoRequest,
    GetWorkerInfoResponse, MaybeEncoded, SetPlanRequest, WorkerChannel, WorkerToCoordinatorMsg,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tower::ServiceBuilder;
use url::{Host, Url};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How often the other end of a connection is asked for a sign of life: so a machine that vanished
/// ends what was asked for its sake.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// How long the sign may take; the other end may have much to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Certificates in PEM, the same for asking and for answering.
#[derive(Clone)]
pub struct Tls {
    /// Who vouches for the other end.
    pub ca: Vec<u8>,
    pub cert: Vec<u8>,
    pub key: SecretString,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(hidden)")
    }
}

impl Tls {
    pub(crate) fn identity(&self) -> Identity {
        Identity::from_pem(&self.cert, self.key.expose_secret())
    }

    pub(crate) fn ca(&self) -> Certificate {
        Certificate::from_pem(&self.ca)
    }
}

/// Where a worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(Url);

/// Why a text is no place of a worker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    #[error("this is no URL of a worker")]
    NoUrl,
    #[error("without TLS only loopback is spoken to")]
    Open,
    #[error("a worker by https:// wants certificates")]
    NoCertificates,
}

impl BadPlace {
    /// What to write instead.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::NoUrl => "write https://host:port",
            Self::Open => "write https://host:port, or http://127.0.0.1:port",
            Self::NoCertificates => "give execution.worker.ca, cert and key",
        }
    }
}

impl Place {
    /// Reads `https://host:port`, or `http://` and an address of loopback.
    ///
    /// # Errors
    /// [`BadPlace`], which knows what to write instead.
    pub fn read(text: &str, has_tls: bool) -> Result<Self, BadPlace> {
        let url = Url::parse(text).map_err(|_| BadPlace::NoUrl)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(BadPlace::NoUrl);
        }
        match (url.scheme(), has_tls) {
            ("https", true) => Ok(Self(url)),
            ("https", false) => Err(BadPlace::NoCertificates),
            ("http", _) if is_loopback(&url) => Ok(Self(url)),
            ("http", _) => Err(BadPlace::Open),
            _ => Err(BadPlace::NoUrl),
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::lost::shown(&self.0))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// See the module. Clones share the connections.
#[derive(Clone)]
pub struct Ways(Arc<Shared>);

struct Shared {
    authorization: HeaderValue,
    tls: Option<ClientTlsConfig>,
    channels: Mutex<HashMap<Url, BoxCloneSyncChannel>>,
}

impl std::fmt::Debug for Ways {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ways(hidden)")
    }
}

impl Ways {
    /// With the token that workers want; `None` where it cannot be sent.
    pub fn new(token: &SecretString, tls: Option<&Tls>) -> Option<Self> {
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
        authorization.set_sensitive(true);
        let tls =
            tls.map(|tls| ClientTlsConfig::new().ca_certificate(tls.ca()).identity(tls.identity()));
        Some(Self(Arc::new(Shared { authorization, tls, channels: Mutex::default() })))
    }

    /// A connection, which is made when it is first used and again where it broke.
    fn channel(&self, url: &Url) -> Result<BoxCloneSyncChannel> {
        let mut channels = self.0.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(url) {
            return Ok(channel.clone());
        }
        let endpoint = self.endpoint(url).map_err(|error| lost(url, reasons(&error)))?;
        let authorization = self.0.authorization.clone();
        let service = ServiceBuilder::new()
            .map_request(move |mut request: http::Request<tonic::body::Body>| {
                request.headers_mut().insert(AUTHORIZATION, authorization.clone());
                request
            })
            .service(endpoint.connect_lazy());
        let channel = BoxCloneSyncChannel::new(service);
        channels.insert(url.clone(), channel.clone());
        Ok(channel)
    }

    fn endpoint(&self, url: &Url) -> Result<Endpoint, tonic::transport::Error> {
        let endpoint = Endpoint::from_shared(url.to_string())?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(SIGN_OF_LIFE)
            .keep_alive_timeout(PATIENCE);
        match &self.0.tls {
            Some(tls) if url.scheme() == "https" => endpoint.tls_config(tls.clone()),
            _ => Ok(endpoint),
        }
    }

    pub(crate) fn client(&self, url: &Url) -> Result<Box<dyn WorkerChannel>> {
        let inner = create_worker_client(self.channel(url)?);
        Ok(Box::new(Named { url: url.clone(), inner }))
    }
}

/// An error with what it came from: a broken connection says why only there.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[async_trait]
impl ChannelResolver for Ways {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>> {
        self.client(url)
    }
}

/// A channel whose errors name the worker.
struct Named {
    url: Url,
    inner: Box<dyn WorkerChannel>,
}

impl Named {
    fn told(&self) -> impl Fn(DataFusionError) -> DataFusionError + Send + 'static {
        let url = self.url.clone();
        move |error| told(&url, error)
    }
}

#[async_trait]
impl WorkerChannel for Named {
    async fn coordinator_channel(
        &mut self,
        headers: HeaderMap,
        mut request: SetPlanRequest,
        messages: BoxStream<'static, CoordinatorToWorkerMsg>,
        metrics: ExecutionPlanMetricsSet,
        ctx: &Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<WorkerToCoordinatorMsg>>> {
        request.plan = match request.plan {
            MaybeEncoded::Decoded(plan) => MaybeEncoded::Decoded(whole(plan)),
            encoded => encoded,
        };
        let told = self.told();
        let answers = self.inner.coordinator_channel(headers, request, messages, metrics, ctx);
        let answers = answers.await.map_err(&told)?;
        Ok(answers.map(move |answer| answer.map_err(&told)).boxed())
    }

    async fn execute_task(
        &mut self,
        headers: HeaderMap,
        request: ExecuteTaskRequest,
        metrics: ExecutionPlanMetricsSet,
        ctx: &Arc<TaskContext>,
    ) -> Result<Vec<BoxStream<'static, Result<RecordBatch>>>> {
        let parts = self.inner.execute_task(headers, request, metrics, ctx).await;
        let parts = parts.map_err(self.told())?.into_iter();
        let named = parts.map(|part| {
            let told = self.told();
            part.map(move |batch| batch.map_err(&told)).boxed()
        });
        Ok(named.collect())
    }

    async fn get_worker_info(
        &mut self,
        request: GetWorkerInfoRequest,
    ) -> Result<GetWorkerInfoResponse> {
        self.inner.get_worker_info(request).await.map_err(self.told())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_only_loopback_is_spoken_to() {
        for (text, has_tls, wanted) in [
            ("http://127.0.0.1:9100", false, Ok(())),
            ("http://localhost:9100", false, Ok(())),
            ("http://[::1]:9100", true, Ok(())),
            ("http://10.0.0.7:9100", true, Err(BadPlace::Open)),
            ("http://worker-1:9100", false, Err(BadPlace::Open)),
            ("https://worker-1:9100", true, Ok(())),
            ("https://worker-1:9100", false, Err(BadPlace::NoCertificates)),
            ("https://me:secret@worker-1:9100", true, Err(BadPlace::NoUrl)),
            ("https://worker-1:9100/path", true, Err(BadPlace::NoUrl)),
            ("worker-1:9100", true, Err(BadPlace::NoUrl)),
        ] {
            assert_eq!(Place::read(text, has_tls).map(drop), wanted, "{text}");
        }
    }

    #[test]
    fn a_place_is_shown_as_it_was_written() {
        let place = Place::read("http://127.0.0.1:9100", false).unwrap();
        assert_eq!(place.to_string(), "http://127.0.0.1:9100");
    }
}
