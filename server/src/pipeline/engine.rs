//! Running an execution on the engine's own threads, apart from those that serve HTTP.
//!
//! In: an execution and a source that is ready. Out: its rows, or why there are none. A run
//! ends at its deadline; dropping its task, as its cancelling does, stops the work.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use air_connectors::SourceError;
use air_connectors::running::{self, NoPlace};
use air_distributed::{BadPlace, Distributed, Place, Ways};
use air_engine::{Answer, Carried, Execution, RunError, RunLimits, RunOptions, Runtime, cells};
use datafusion::error::DataFusionError;
use tokio_util::task::AbortOnDropHandle;

use super::Order;
use super::sources::Ready;
use crate::admission::timed_out;
use crate::config::{Config, ExecutionConfig, TlsFault};
use crate::contract::types::{ErrorCode, FieldErrorCode, RunEngine, RunExecutor};
use crate::problem::ApiError;
use crate::service::App;

/// The engine's resources and threads, one for the process.
pub(crate) struct Engine {
    pub(crate) runtime: Runtime,
    threads: Option<tokio::runtime::Runtime>,
}

/// The engine cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineFault {
    #[error("the engine's threads cannot be started")]
    Threads(#[from] std::io::Error),
    #[error("the folder for spilling cannot be used; see execution.spill_dir")]
    Resources(#[from] DataFusionError),
    #[error(transparent)]
    Tls(#[from] TlsFault),
    #[error(transparent)]
    Worker(#[from] BadPlace),
    #[error(
        "execution.worker.token is missing, or holds what cannot be sent; 32 letters and digits will do"
    )]
    Token,
}

/// A plan with its rows.
pub(crate) struct Ran {
    pub(crate) execution: Execution,
    pub(crate) answer: Answer,
}

impl Engine {
    pub(crate) fn new(config: &Config) -> Result<Self, EngineFault> {
        let threads = threads(config);
        let mut pool = tokio::runtime::Builder::new_multi_thread();
        pool.worker_threads(threads).thread_name("air-query").enable_all();
        if config.execution.distributed {
            // Threads that compute look at the connections to workers after each piece of work,
            // so that these are not taken for lost.
            pool.event_interval(1);
        }
        let pool = pool.build()?;
        let runtime = runtime(config, config.execution.spill_dir.clone(), threads)?;
        let runtime = match workers(&config.execution)? {
            Some((places, ways)) => {
                let bytes = config.execution.bytes_per_part;
                let distributed = Distributed::new(&runtime, places, ways, bytes)?;
                runtime.with_executor(Arc::new(distributed))
            }
            None => runtime,
        };
        Ok(Self { runtime, threads: Some(pool) })
    }

    /// Starts work on the engine's threads; it stops when the handle is dropped.
    pub(crate) fn spawn<F>(&self, work: F) -> Option<AbortOnDropHandle<F::Output>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let threads = self.threads.as_ref()?;
        Some(AbortOnDropHandle::new(threads.spawn(work)))
    }
}

/// Threads that work on queries.
pub(crate) fn threads(config: &Config) -> usize {
    match usize::from(config.execution.threads) {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        threads => threads,
    }
}

/// The engine's resources, as they are configured.
pub(crate) fn runtime(
    config: &Config,
    spill_dir: PathBuf,
    partitions: usize,
) -> Result<Runtime, DataFusionError> {
    Runtime::new(&RunLimits {
        memory_bytes: usize::try_from(config.limits.memory_pool).unwrap_or(usize::MAX),
        spill_dir,
        spill_bytes: config.execution.max_spill,
        partitions,
    })
}

/// Where the workers are and how they are reached; nothing where this process does all itself.
pub(crate) fn workers(
    execution: &ExecutionConfig,
) -> Result<Option<(Vec<Place>, Ways)>, EngineFault> {
    if !execution.distributed {
        return Ok(None);
    }
    let tls = execution.worker.tls()?;
    let read = |text: &String| Place::read(text, tls.is_some());
    let places = execution.workers.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let token = execution.worker.token.as_ref().ok_or(EngineFault::Token)?;
    let ways = Ways::new(token, tls.as_ref()).ok_or(EngineFault::Token)?;
    Ok(Some((places, ways)))
}

/// How a run's record tells who carried it out.
pub(crate) fn executor(carried: &Carried) -> RunExecutor {
    let engine = match carried.workers.is_empty() {
        true => RunEngine::Local,
        false => RunEngine::Distributed,
    };
    RunExecutor {
        engine,
        workers: carried.workers.clone(),
        attempts: u64::from(carried.attempts.max(1)),
        reason: carried.reason.clone(),
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A runtime may not be waited for inside another one.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// How much the databases are asked to do.
pub(super) fn options(app: &App) -> RunOptions {
    RunOptions { pushdown: app.config.execution.pushdown }
}

/// Runs a plan until it ends or its time is over.
pub(crate) async fn run(
    app: &Arc<App>,
    ready: &Ready,
    execution: Execution,
    order: &Order,
) -> Result<Ran, ApiError> {
    let limit = order.pace().limit(&app.config);
    let begin = Instant::now();
    if order.deadline <= begin {
        return Err(timed_out(limit));
    }
    let deadline = order.deadline.min(begin + limit);
    let ran = tokio::time::timeout_at(deadline.into(), execute(app, ready, execution)).await;
    ran.unwrap_or_else(|_| Err(timed_out(limit)))
}

/// Runs a plan on the engine's threads.
pub(super) async fn execute(
    app: &Arc<App>,
    ready: &Ready,
    execution: Execution,
) -> Result<Ran, ApiError> {
    let (runtime, ready) = (app.engine.runtime.clone(), ready.clone());
    let restricted = ready.restricted;
    let pool_size = u32::from(app.config.connectors.pool_size);
    let work = async move {
        let sources = running::gather(&ready.members, &execution).await;
        let sources = sources.map_err(|error| ApiError::from(*error.cause))?;
        let places = running::places(&ready.members, &execution, pool_size).await;
        let _places = places.map_err(no_place)?;
        match air_engine::run(&execution, &sources, &runtime).await {
            Ok(answer) => Ok(Ran { execution, answer }),
            Err(error) => Err(explained(&runtime, &ready, &execution, error).await),
        }
    };
    let gone = || ApiError::new(ErrorCode::Unavailable, "The service is shutting down.");
    let ran = app.engine.spawn(work).ok_or_else(gone)?.await;
    let ran = ran.map_err(ApiError::internal)?;
    let ran = ran.map_err(|error| if restricted { hushed(error) } else { error })?;
    let (bytes, limit) = (cells::bytes(&ran.answer.rows), app.config.execution.max_result_bytes);
    if bytes > limit {
        let detail = format!(
            "The rows take {bytes} bytes, above the {limit} of execution.max_result_bytes; ask \
             for fewer rows or columns."
        );
        return Err(ApiError::new(ErrorCode::LimitExceeded, detail));
    }
    Ok(ran)
}

/// The error without what a source says of it: that may name columns that are not shown, or hold
/// values of rows that are not, which the log holds as little.
pub(super) fn hushed(error: ApiError) -> ApiError {
    let detail = match error.code {
        ErrorCode::SourceError | ErrorCode::SourceUnavailable => {
            "The source failed; who sees all of it is told why."
        }
        ErrorCode::Invalid if is_overflow(&error) => return overflow(),
        _ => return error,
    };
    ApiError { detail: detail.to_owned(), errors: Vec::new(), ..error }
}

/// A run that asks a source more queries at once than it may have connections.
fn no_place(error: NoPlace) -> ApiError {
    match error {
        NoPlace::TooMany { source_id, wanted, most } => {
            let detail = format!(
                "The run asks {source_id} {wanted} queries at once, and connectors.pool_size is \
                 {most}; raise it, or ask for fewer metrics of different tables."
            );
            ApiError::new(ErrorCode::LimitExceeded, detail)
        }
        NoPlace::Closed(cause) => ApiError::internal(cause),
    }
}

/// Why a run gave no rows, with the file that is at fault where one is.
async fn explained(
    runtime: &Runtime,
    ready: &Ready,
    execution: &Execution,
    error: RunError,
) -> ApiError {
    match error {
        RunError::NoTable(table) => {
            let detail = format!("No rows are at hand for {table}; learn the source again.");
            ApiError::new(ErrorCode::SourceError, detail)
        }
        RunError::Memory(_) => {
            let detail = "The run needs more memory than limits.memory_pool gives; narrow it by a \
                          filter or raise the limit.";
            ApiError::new(ErrorCode::LimitExceeded, detail)
        }
        RunError::Overflow(_) => overflow(),
        // What planning says where the filters hold the ends.
        error @ RunError::TooManyBuckets => {
            ApiError::field("/ir/time/fill", FieldErrorCode::TooLarge, error.to_string())
        }
        RunError::Source { source_id, cause } => from_source(&source_id, &cause),
        RunError::Worker { worker, why } => {
            tracing::warn!(worker, why, "a run failed twice for want of a worker");
            let detail = format!(
                "The run failed: the worker {worker} was lost, and the second attempt failed \
                 too. Run it again when air check finds the worker."
            );
            ApiError::new(ErrorCode::Unavailable, detail)
        }
        RunError::Engine(cause) => {
            let session = runtime.session();
            running::explain(&ready.members, execution, &session, &cause).await.into()
        }
    }
}

/// A number that does not fit is the IR's to change, whichever engine found it.
fn overflow() -> ApiError {
    let detail = "A whole number became too large for 64 bits; the result would be another number.";
    ApiError::field("/ir", FieldErrorCode::Overflow, detail)
}

fn is_overflow(error: &ApiError) -> bool {
    error.errors.iter().any(|e| e.code == FieldErrorCode::Overflow)
}

/// Why a database gave no rows; it is named.
fn from_source(id: &str, cause: &DataFusionError) -> ApiError {
    match air_connectors::explain(cause) {
        SourceError::Database(error) if error.is_overflow() => {
            let mut told = overflow();
            told.detail = crate::problem::sentence(&error.to_string());
            told
        }
        SourceError::Engine { reason } => {
            let detail = format!("The source \"{id}\" failed: {reason}");
            ApiError::new(ErrorCode::SourceError, crate::problem::sentence(&detail))
        }
        error => error.into(),
    }
}
