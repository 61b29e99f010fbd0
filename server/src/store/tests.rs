//! Every repository function against the migrated schema, in a folder of its own.

mod chat;
mod concurrency;
mod datasources;
mod eda_profiles;
mod jobs;
mod journal;
mod learned;
mod model_drafts;
mod opening;
mod reports;
mod runs;
mod scopes;

use serde_json::json;
use tempfile::TempDir;

use super::analyses::NewAnalysis;
use super::datasources::Origin;
use super::reports::VersionStatus;
use super::*;
use crate::config::SourceKind;
use crate::id::{DatasourceId, ReportKey, RunId};

/// A control plane that is gone with the folder.
struct Scratch {
    folder: TempDir,
    store: Store,
}

impl Scratch {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("air.db")).await.unwrap();
        Self { folder, store }
    }

    /// The store as a new process finds it.
    async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.folder.path().join("air.db")).await.unwrap();
        Self { store, ..self }
    }
}

fn source_id(text: &str) -> DatasourceId {
    text.parse().unwrap()
}

fn report_key(text: &str) -> ReportKey {
    text.parse().unwrap()
}

fn files_source(id: &str) -> NewDatasource {
    NewDatasource {
        id: source_id(id),
        kind: SourceKind::Files,
        dsn: None,
        base_path: Some("sample".into()),
        display_name: id.to_uppercase(),
        is_default: false,
        allow_superuser: false,
        sample_values: true,
        owner: None,
    }
}

impl NewRun {
    /// A run of a question about a source, for tests of every module. What a test is about, it
    /// sets itself.
    pub(crate) fn for_tests(owner: &str, datasource: &str) -> Self {
        Self {
            id: RunId::new(),
            report: None,
            datasource_id: source_id(datasource),
            scope_version_id: None,
            owner: owner.into(),
            access: None,
            ir: None,
            params: json!({}),
            frozen_now: Moment::now(),
            plan: RunPlan::default(),
            job: None,
        }
    }
}

impl Outcome {
    /// What comes of a run that goes well, for tests of every module.
    pub(crate) fn for_tests(sample: Vec<serde_json::Value>) -> Self {
        Self {
            sql: json!([{"source": "flights", "sql": "SELECT 1"}]),
            row_count: sample.len() as i64,
            truncated: false,
            columns: json!([{"name": "n", "type": "int64", "role": "measure"}]),
            verdict: json!({"status": "pass", "checks": []}),
            timings: json!({"plan": 1.5}),
            executor: json!({"engine": "local", "workers": [], "attempts": 1}),
            as_of: None,
            snapshot_file: Some("run.parquet".into()),
            snapshot_hash: Some("abc".into()),
            sample,
        }
    }
}

impl NewJob {
    /// A job that was asked for, for tests of every module.
    pub(crate) fn for_tests(owner: &str, kind: JobKind) -> Self {
        let (principal, input) = (json!({}), json!({}));
        Self { kind, owner: owner.into(), principal, input, scheduled: None }
    }
}

fn new_run(owner: &str) -> NewRun {
    NewRun {
        ir: Some(json!({"entities": ["flights"]})),
        params: json!({"carrier": "UA", "dateFrom": "2013-01-01"}),
        ..NewRun::for_tests(owner, "flights")
    }
}

fn new_version(datasource: Option<&str>) -> NewReportVersion {
    NewReportVersion {
        def: json!({"version": "1", "ir": {"entities": ["flights"]}}),
        datasource_id: datasource.map(source_id),
        scope_version_id: None,
        created_by: "ann".into(),
    }
}
