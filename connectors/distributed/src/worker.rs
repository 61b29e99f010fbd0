//! A worker: it carries out parts of plans for whoever has the token.
//!
//! In: a socket, a folder and the engine's resources. Out: rows, streamed. The memory pool and the
//! room to spill are the worker's own and shared by all it does; what nobody reads any more ends.
//! Files are opened below `files_base` alone, each by the path of the version that was planned, so
//! a file that changed since is an error and never other rows. Deliberately absent: planning, any
//! state that outlives a run.

use crate::caught::caught;
use crate::codec::Codec;
use crate::executor::FOLDERS;
use crate::version;
use crate::way::{PATIENCE, SIGN_OF_LIFE, Tls, Ways};
use air_connectors::FilesSource;
use air_engine::Runtime;
use async_trait::async_trait;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::execution::object_store::DefaultObjectStoreRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion_distributed::{DistributedExt, Worker, WorkerQueryContext, WorkerSessionBuilder};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Server, ServerTlsConfig};
use tonic::{Request, Status};
use url::{Url, form_urlencoded};

/// What a worker works with.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// What all folders lie below.
    pub files_base: PathBuf,
    pub runtime: Runtime,
    pub token: SecretString,
    /// Without it the socket must be one of loopback.
    pub tls: Option<Tls>,
    /// The ways to other workers, whose rows it reads.
    pub ways: Ways,
}

/// Works until `shutdown` ends, and then ends what it has begun.
///
/// # Errors
/// Certificates that cannot be used, and what the socket says.
pub async fn serve(
    listener: TcpListener,
    options: WorkerOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let env = Arc::clone(options.runtime.env());
    let (token, tls) = (digest(options.token.expose_secret()), options.tls.clone());
    let worker = Worker::from_session_builder(Sessions(options))
        .with_runtime_env(env)
        .with_version(version());
    let guard = move |request: Request<()>| admitted(&token, request);
    let service = InterceptedService::new(worker.into_worker_server(), guard);
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(SIGN_OF_LIFE))
        .http2_keepalive_timeout(Some(PATIENCE));
    if let Some(tls) = tls {
        let config = ServerTlsConfig::new().identity(tls.identity()).client_ca_root(tls.ca());
        server = server.tls_config(config)?;
    }
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    // Who asked is told at once, and may ask another: nothing here is worth waiting for.
    let serving = server.add_service(service).serve_with_incoming(incoming);
    tokio::select! {
        served = serving => served,
        () = shutdown => Ok(()),
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Lets in who has the token. Digests are compared, which tell nothing of how much was right.
fn admitted(token: &[u8; 32], request: Request<()>) -> Result<Request<()>, Status> {
    let given = request.metadata().get("authorization");
    let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match given {
        Some(given) if digest(given) == *token => Ok(request),
        _ => Err(Status::unauthenticated(
            "the token is not this worker's; see execution.worker.token",
        )),
    }
}

/// The session of each part of a plan.
struct Sessions(WorkerOptions);

#[async_trait]
impl WorkerSessionBuilder for Sessions {
    async fn build_session_state(&self, mut query: WorkerQueryContext) -> Result<SessionState> {
        let options = &self.0;
        let env = folders(&options.files_base, options.runtime.env(), &query.headers)?;
        let config = std::mem::take(query.builder.config()).unwrap_or_default();
        let mut passed = HeaderMap::new();
        if let Some(folders) = query.headers.get(FOLDERS) {
            passed.insert(FOLDERS, folders.clone());
        }
        let config =
            options.runtime.settings(config).with_distributed_passthrough_headers(passed)?;
        Ok(query
            .builder
            .with_config(config)
            .with_runtime_env(env)
            .with_distributed_user_codec(Codec)
            .with_distributed_worker_plan_rewrite_handler(caught)
            .with_distributed_channel_resolver(options.ways.clone())
            .build())
    }
}

/// The worker's resources with the stores of one run, which another run may know by the same URL.
fn folders(base: &Path, env: &RuntimeEnv, headers: &HeaderMap) -> Result<Arc<RuntimeEnv>> {
    let stores = Arc::new(DefaultObjectStoreRegistry::new());
    let env =
        RuntimeEnvBuilder::from_runtime_env(env).with_object_store_registry(stores).build_arc()?;
    let named = headers.get(FOLDERS).map(|value| value.as_bytes()).unwrap_or_default();
    for (store, folder) in form_urlencoded::parse(named) {
        let url = Url::parse(&store).map_err(external)?;
        let id = url.host_str().unwrap_or_default();
        let source = FilesSource::open(id, base, Path::new(&*folder)).map_err(external)?;
        source.register(&env);
    }
    Ok(env)
}

fn external<E: std::error::Error + Send + Sync + 'static>(error: E) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
