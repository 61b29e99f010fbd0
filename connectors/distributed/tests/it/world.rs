//! The sample data, learned once for each test, and workers on loopback.

use air_connectors::running::{Member, gather};
use air_connectors::{FilesSource, LearnOptions};
use air_distributed::{Distributed, Place, Ways, WorkerOptions, serve};
use air_engine::{
    Answer, Execution, PlanOptions, Policy, Prepared, RunError, RunLimits, Runtime, guard, plan,
    run,
};
use air_ir::Ir;
use secrecy::SecretString;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Where the repository's data lie.
fn base() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data")
}

pub(crate) fn ways(token: &str) -> Ways {
    Ways::new(&SecretString::from(token), None).unwrap()
}

pub(crate) struct World {
    members: [Member; 1],
    folder: TempDir,
    /// Each with threads of its own, as a process has: its connections end with it.
    workers: Vec<tokio::runtime::Runtime>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.end_workers();
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = FilesSource::open("flights", &base(), "sample".as_ref()).unwrap().shared();
        let session = runtime(&folder).session();
        let options = LearnOptions::default();
        let catalog = source.learn(&session, &options, |_, _| {}).await.unwrap();
        let source = Arc::new(source);
        let connections = Arc::new(Semaphore::new(1));
        let members = [Member { source, catalog: Arc::new(catalog), connections }];
        Self { members, folder, workers: Vec::new() }
    }

    /// A worker more; where it is.
    pub(crate) async fn worker(&mut self) -> Place {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let threads = threads.worker_threads(1).enable_all().build().unwrap();
        let listener = threads.spawn(TcpListener::bind("127.0.0.1:0")).await.unwrap().unwrap();
        let place = format!("http://{}", listener.local_addr().unwrap());
        let options = WorkerOptions {
            files_base: base(),
            runtime: runtime(&self.folder),
            token: TOKEN.into(),
            tls: None,
            ways: ways(TOKEN),
        };
        let served = async { serve(listener, options, std::future::pending()).await.unwrap() };
        threads.spawn(served);
        self.workers.push(threads);
        Place::read(&place, false).unwrap()
    }

    /// Ends the workers; what they had begun breaks off.
    pub(crate) fn end_workers(&mut self) {
        for threads in self.workers.drain(..) {
            threads.shutdown_background();
        }
    }

    fn execution(&self, ir: &Value) -> Execution {
        let prepared = Prepared::new(Arc::clone(&self.members[0].catalog));
        let now = "2014-01-01T00:00:00Z".parse().unwrap();
        let options = PlanOptions { now, default_limit: 5000, max_limit: 10_000 };
        let planned = plan(&Ir::parse(ir).unwrap(), &prepared, &options).unwrap();
        guard(planned, &Policy::default()).unwrap().execution().unwrap()
    }

    pub(crate) fn here(&self) -> Runtime {
        let runtime = runtime(&self.folder);
        FilesSource::open("flights", &base(), "sample".as_ref()).unwrap().register(runtime.env());
        runtime
    }

    /// The same with workers; what is worth a second one is told by bytes.
    pub(crate) fn divided(&self, places: &[Place], token: &str, bytes: u64) -> Runtime {
        let here = self.here();
        let distributed = Distributed::new(&here, places.to_vec(), ways(token), bytes).unwrap();
        here.with_executor(Arc::new(distributed))
    }

    pub(crate) async fn run(&self, ir: &Value, runtime: &Runtime) -> Result<Answer, RunError> {
        let execution = self.execution(ir);
        let sources = gather(&self.members, &execution).await.unwrap();
        run(&execution, &sources, runtime).await
    }
}

fn runtime(folder: &TempDir) -> Runtime {
    let limits = RunLimits {
        memory_bytes: 512 << 20,
        spill_dir: folder.path().join("spill"),
        spill_bytes: 512 << 20,
        partitions: 2,
    };
    Runtime::new(&limits).unwrap()
}
