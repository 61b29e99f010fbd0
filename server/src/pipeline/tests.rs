//! Runs beside what a caller sees of them: their records, their files, and the source they read.

mod dropped;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::order::{Pace, Tie};
use super::*;
use crate::contract::types::{ErrorCode, LearnRequest};
use crate::id::RunId;
use crate::service::Service;
use crate::store::{Claimed, JobKind, NewDatasource, NewJob, NewRun, Run, RunStatus, Store};

const CONFIG: &str = "\
files: {base_path: files}
analytics_sources:
  - {id: shop, kind: files, base_path: files/shop, default: true}
limits: {runs_per_user: 1}
";

struct World {
    folder: tempfile::TempDir,
    service: Service,
}

impl World {
    /// With a source that is learned.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["shop", "other"] {
            let shop = folder.path().join("files").join(name);
            std::fs::create_dir_all(&shop).unwrap();
            std::fs::write(shop.join("orders.csv"), "id,amount\n1,10\n2,20\n").unwrap();
        }
        let world = Self { service: Service::for_tests(folder.path(), CONFIG).await, folder };
        let wanted = LearnRequest { include_stats: None, sample_values: None };
        let heard: (Pace, learn::Hearing) = (Pace::Request, Arc::new(|_: &str, _: u8| {}));
        learn::learn(world.app(), &shop(), &wanted, soon(), heard).await.unwrap();
        // The jobs of these tests are begun by nobody else.
        world.app().jobs.close();
        world
    }

    fn app(&self) -> &Arc<App> {
        self.service.app()
    }

    fn rows_of(&self, run: &RunId) -> std::path::PathBuf {
        self.folder.path().join("snapshots").join(format!("{run}.parquet"))
    }

    async fn run(&self, id: &RunId) -> Run {
        self.app().store.runs().get(id).await.unwrap()
    }

    /// The record of a run that this process has begun.
    async fn begun(&self, id: RunId, job: Option<Claimed>) -> RunId {
        let new = NewRun { id: id.clone(), job, ..NewRun::for_tests("ann", "shop") };
        self.app().store.runs().start(&new).await.unwrap();
        id
    }

    /// A job that this process works on.
    async fn job(&self) -> Tie {
        let jobs = self.app().store.jobs();
        jobs.create(&NewJob::for_tests("ann", JobKind::Query)).await.unwrap();
        let job = jobs.claim(JobKind::Query).await.unwrap().unwrap();
        let claimed = Claimed { id: job.id, attempt: job.attempts };
        Tie { claimed, stop: CancellationToken::new() }
    }
}

fn shop() -> DatasourceId {
    "shop".parse().unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn ann() -> Principal {
    Principal { sub: "ann".to_owned(), ..Principal::local() }
}

fn counting(deadline: Instant) -> Order {
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]});
    let question = order::question(ir.as_object().cloned(), None, None).unwrap();
    order::of_question(&ann(), shop(), question, None, None, deadline).unwrap()
}

#[tokio::test]
async fn the_record_of_a_run_that_nobody_works_on_ends() {
    let world = World::new().await;
    let app = world.app();
    let left = world.begun(RunId::new(), None).await;
    let tie = world.job().await;
    let stopped = world.begun(RunId::new(), Some(tie.claimed.clone())).await;
    let slot = app.running.place("ann", None).await.unwrap();
    let working = world.begun(slot.id().clone(), None).await;
    app.store.jobs().cancel(&tie.claimed.id, "ann").await.unwrap();
    settle(app).await.unwrap();
    let ended = world.run(&left).await;
    assert_eq!(ended.status, RunStatus::Failed);
    assert!(ended.error_text.unwrap().contains("given up"));
    assert_eq!(world.run(&stopped).await.status, RunStatus::Cancelled, "its job was to stop");
    assert_eq!(world.run(&working).await.status, RunStatus::Running);
}

#[tokio::test]
async fn what_cannot_be_recorded_fails_the_run() {
    let world = World::new().await;
    // As where the disk is full: there is no way to write rows.
    let snapshots = world.folder.path().join("snapshots");
    std::fs::remove_dir_all(&snapshots).unwrap();
    std::fs::write(&snapshots, "no folder").unwrap();
    let error = report(world.app(), counting(soon())).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Internal);
    assert_eq!(world.app().store.runs().unfinished().await.unwrap(), []);
    let runs = world.app().store.runs().by_status().await.unwrap();
    assert_eq!(runs, [(RunStatus::Failed, 1)]);
}

#[tokio::test]
async fn a_run_that_was_cancelled_at_its_end_keeps_no_rows() {
    let world = World::new().await;
    let finished = report(world.app(), counting(soon())).await.unwrap();
    assert!(world.rows_of(&finished.run_id).exists());
    let late = world.begun(RunId::new(), None).await;
    world.app().store.runs().cancel(&late, "ann").await.unwrap();
    let again = Finished { run_id: late.clone(), ..finished.clone() };
    record::end(world.app(), again, None).await.unwrap_err();
    assert!(!world.rows_of(&late).exists());
    // Of a run that has ended well, what its record names stays.
    record::end(world.app(), finished.clone(), None).await.unwrap_err();
    assert!(world.rows_of(&finished.run_id).exists());
}

#[tokio::test]
async fn rows_that_no_record_names_in_the_end_go() {
    let world = World::new().await;
    let app = world.app();
    let finished = report(app, counting(soon())).await.unwrap();
    let running = world.begun(RunId::new(), None).await;
    // Given up while they are written, after that, and of a run that has no record.
    let early = Keeping::begin(app, &running, &finished.rows).unwrap();
    drop(early);
    let mut whole = Keeping::begin(app, &finished.run_id, &finished.rows).unwrap();
    let (file, hash) = whole.done().await.unwrap();
    assert_eq!(file, format!("{}.parquet", finished.run_id));
    assert_eq!(Some(hash), world.run(&finished.run_id).await.snapshot_hash);
    drop(whole);
    let nobodys = RunId::new();
    drop(Keeping::begin(app, &nobodys, &finished.rows).unwrap());
    app.tasks.close();
    app.tasks.wait().await;
    assert!(!world.rows_of(&running).exists());
    assert!(!world.rows_of(&nobodys).exists());
    assert!(world.rows_of(&finished.run_id).exists(), "its record names them");
}

#[tokio::test]
async fn a_jobs_time_begins_with_its_place() {
    let world = World::new().await;
    let slot = world.app().running.place("ann", None).await.unwrap();
    // However long it waits, its own hour is whole.
    let mut order = counting(Instant::now());
    order.job = Some(world.job().await);
    let app = Arc::clone(world.app());
    let running = tokio::spawn(async move { Box::pin(report(&app, order)).await });
    tokio::task::yield_now().await;
    assert!(!running.is_finished());
    drop(slot);
    running.await.unwrap().unwrap();
    let late = report(world.app(), counting(Instant::now())).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::Timeout, "a request's time is the request's");
}

#[tokio::test]
async fn a_source_that_is_made_again_is_opened_again() {
    let world = World::new().await;
    // Another process over the same folder.
    let other = Store::open(&world.app().config.control_plane.file).await.unwrap();
    let known = world.app().store.datasources().get(&shop()).await.unwrap();
    let made = |path: &str| NewDatasource {
        id: "pg".parse().unwrap(),
        kind: known.kind,
        dsn: None,
        base_path: Some(path.to_owned()),
        display_name: "Again".to_owned(),
        is_default: false,
        allow_superuser: false,
        sample_values: true,
        owner: None,
    };
    let first = other.datasources().create(made("shop")).await.unwrap();
    let open = |record| sources::open(world.app(), record, Pace::Request).unwrap();
    let opened = open(&first);
    assert!(Arc::ptr_eq(&opened, &open(&first)), "once for as long as it stays as it is");
    other.datasources().delete(&first.id).await.unwrap();
    let second = other.datasources().create(made("other")).await.unwrap();
    assert_eq!(first.version, second.version);
    assert!(!Arc::ptr_eq(&opened, &open(&second)), "it is another one");
    other.close().await;
}

#[tokio::test]
async fn files_of_rows_that_no_record_names_go() {
    let world = World::new().await;
    let finished = report(world.app(), counting(soon())).await.unwrap();
    let left = world.begun(RunId::new(), None).await;
    let running = world.begun(RunId::new(), None).await;
    let unknown = RunId::new();
    for id in [&left, &running, &unknown] {
        std::fs::write(world.rows_of(id), "rows").unwrap();
    }
    std::fs::write(world.rows_of(&left).with_extension("part"), "ro").unwrap();
    world.app().store.runs().fail(&left, "the disk is full", None).await.unwrap();
    retention::left(world.app()).await.unwrap();
    assert!(!world.rows_of(&left).exists());
    assert!(!world.rows_of(&left).with_extension("part").exists());
    for id in [&finished.run_id, &running, &unknown] {
        assert!(world.rows_of(id).exists(), "it may be named, or another service's");
    }
}
