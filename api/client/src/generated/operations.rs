// Generated from api/openapi.yaml by api/generate. Do not edit: change the contract, then run it.

//! A method of [`Client`] for each operation of the contract.

use reqwest::{Method, Response};

use super::types::*;
use crate::{Client, Error};

impl Client {
    /// List the datasources, each with its last known health.
    pub async fn list_datasources(
        &self,
        query: &ListDatasourcesQuery,
    ) -> Result<DatasourceList, Error> {
        self.call(Method::GET, &["v1", "datasources"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Register a source.
    ///
    /// The source is not reached; call its health, then learn it.
    pub async fn create_datasource(
        &self,
        body: &DatasourceCreate,
        idempotency_key: Option<&str>,
    ) -> Result<Datasource, Error> {
        self.call(Method::POST, &["v1", "datasources"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Get one datasource.
    pub async fn get_datasource(&self, id: &DatasourceId) -> Result<Datasource, Error> {
        self.call(Method::GET, &["v1", "datasources", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Change a datasource.
    ///
    /// Members that are not given stay as they are. Id and kind never change.
    pub async fn update_datasource(
        &self,
        id: &DatasourceId,
        body: &DatasourcePatch,
    ) -> Result<Datasource, Error> {
        self.call(Method::PATCH, &["v1", "datasources", id.as_str()])
            .json(body)
            .accept("application/json")
            .typed()
            .await
    }

    /// Remove a datasource that nothing uses.
    ///
    /// Refused with `in_use` while a report is bound to it or it was run; its catalog and schema
    /// notes go with it.
    pub async fn delete_datasource(&self, id: &DatasourceId) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "datasources", id.as_str()]).done().await
    }

    /// Reach the source now.
    ///
    /// A source that cannot be reached is an answer (`failing`, and why), not an error.
    pub async fn check_datasource(&self, id: &DatasourceId) -> Result<Health, Error> {
        self.call(Method::POST, &["v1", "datasources", id.as_str(), "health"])
            .accept("application/json")
            .typed()
            .await
    }

    /// Learn a source.
    ///
    /// Reads what the source holds and writes its catalog and schema notes. Learning again writes
    /// only what changed; what people edited stays.
    pub async fn learn(
        &self,
        query: &LearnQuery,
        body: Option<&LearnRequest>,
        idempotency_key: Option<&str>,
    ) -> Result<LearnResult, Error> {
        self.call(Method::POST, &["v1", "learn"])
            .query(query)
            .json_if(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Schema notes in Markdown, one chunk for each table.
    pub async fn get_schema(
        &self,
        datasource_id: &DatasourceId,
        query: &GetSchemaQuery,
    ) -> Result<SchemaNoteList, Error> {
        self.call(Method::GET, &["v1", "schema", datasource_id.as_str()])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// The catalog of a source, people's edits included.
    pub async fn get_catalog(&self, datasource_id: &DatasourceId) -> Result<Catalog, Error> {
        self.call(Method::GET, &["v1", "catalog", datasource_id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Edit what people call things.
    ///
    /// Names, descriptions, synonyms, units, roles and time columns. What is given replaces what was
    /// edited or learned; what is not given stays. Edits survive learning again.
    pub async fn update_catalog(
        &self,
        datasource_id: &DatasourceId,
        body: &CatalogPatch,
    ) -> Result<Catalog, Error> {
        self.call(Method::PATCH, &["v1", "catalog", datasource_id.as_str()])
            .json(body)
            .accept("application/json")
            .typed()
            .await
    }

    /// Ask a question.
    ///
    /// Ends in one of four states that are never mixed: `clarify` (questions whose answers would
    /// change the rows), `answer`, `cannot_answer` (the reason, and what is missing), `failed`.
    /// The scope is stored and belongs to the caller.
    pub async fn ask(
        &self,
        body: &AskRequest,
        idempotency_key: Option<&str>,
    ) -> Result<AskResponse, Error> {
        self.call(Method::POST, &["v1", "ask"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// List the caller's scopes, newest first.
    pub async fn list_scopes(&self, query: &ListScopesQuery) -> Result<ScopeList, Error> {
        self.call(Method::GET, &["v1", "scopes"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Store a scope that a person wrote.
    pub async fn create_scope(
        &self,
        body: &ScopeCreate,
        idempotency_key: Option<&str>,
    ) -> Result<ScopeDetail, Error> {
        self.call(Method::POST, &["v1", "scopes"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Get a scope and its versions.
    pub async fn get_scope(&self, id: &ScopeId) -> Result<ScopeDetail, Error> {
        self.call(Method::GET, &["v1", "scopes", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Store an edited scope, or approve it.
    ///
    /// Every change is a new version. `approve` says that a person confirmed this version; its IR is
    /// then `verified` until anything changes.
    pub async fn create_scope_version(
        &self,
        id: &ScopeId,
        body: &ScopeVersionCreate,
        idempotency_key: Option<&str>,
    ) -> Result<ScopeVersion, Error> {
        self.call(Method::POST, &["v1", "scopes", id.as_str(), "version"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Build the IR of a scope version.
    ///
    /// Reads the Markdown as it stands and stores the IR with the version. A scope whose meaning is
    /// open is 422, with one error for each thing that is.
    pub async fn build_ir(
        &self,
        body: &IrBuildRequest,
        idempotency_key: Option<&str>,
    ) -> Result<IrBuildResponse, Error> {
        self.call(Method::POST, &["v1", "ir", "build"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// The JSON Schema of the IR.
    pub async fn get_ir_schema(&self) -> Result<JsonSchema, Error> {
        self.call(Method::GET, &["v1", "ir", "schema"])
            .accept("application/schema+json")
            .typed()
            .await
    }

    /// Plan, guard and write SQL, without running it.
    ///
    /// SQL that is given is read in the Postgres dialect and planned against the catalog like any IR.
    /// A refused plan is 422 with its `safety_report`.
    pub async fn plan_sql(
        &self,
        query: &PlanSqlQuery,
        body: &SqlRequest,
    ) -> Result<SqlResponse, Error> {
        self.call(Method::POST, &["v1", "sql"])
            .query(query)
            .json(body)
            .accept("application/json")
            .typed()
            .await
    }

    /// Run an IR, or SQL, without saving a report.
    ///
    /// The run is recorded and belongs to the caller. Every format is streamed and states the run in
    /// headers; JSON and the page in their text too, Arrow and Parquet in the metadata key `air` of
    /// their schema.
    pub async fn query(
        &self,
        query: &QueryQuery,
        body: &QueryRequest,
        idempotency_key: Option<&str>,
    ) -> Result<RunResult, Error> {
        self.call(Method::POST, &["v1", "query"])
            .query(query)
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// As [`Self::query`], in the format that the query names, as it comes.
    pub async fn query_as(
        &self,
        query: &QueryQuery,
        body: &QueryRequest,
        idempotency_key: Option<&str>,
    ) -> Result<Response, Error> {
        self.call(Method::POST, &["v1", "query"])
            .query(query)
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .send()
            .await
    }

    /// List the reports, by key.
    pub async fn list_reports(&self, query: &ListReportsQuery) -> Result<ReportList, Error> {
        self.call(Method::GET, &["v1", "reports"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Create a report, still without a definition.
    pub async fn create_report(
        &self,
        body: &ReportCreate,
        idempotency_key: Option<&str>,
    ) -> Result<Report, Error> {
        self.call(Method::POST, &["v1", "reports"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Get a report with its newest definition.
    pub async fn get_report(&self, key: &ReportKey) -> Result<ReportDetail, Error> {
        self.call(Method::GET, &["v1", "reports", key.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Archive a report.
    ///
    /// It leaves the lists and can no longer be read or run by its key; its runs stay readable by
    /// their ids, and the key is free again.
    pub async fn delete_report(
        &self,
        key: &ReportKey,
        if_match: Option<&str>,
    ) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "reports", key.as_str()])
            .header_if("If-Match", if_match)
            .done()
            .await
    }

    /// List the versions of a report, newest first.
    pub async fn list_report_versions(
        &self,
        key: &ReportKey,
        query: &ListReportVersionsQuery,
    ) -> Result<ReportVersionList, Error> {
        self.call(Method::GET, &["v1", "reports", key.as_str(), "versions"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Save a definition as the next version.
    ///
    /// The definition is checked whole: IR, parameters, defaults, visuals. With `datasource_id` the
    /// report is bound to that source and planned against its catalog; without, it is portable and
    /// the source is chosen at each run. Once there is a version, `If-Match` with the newest
    /// `ETag` is required (428 without, 412 if another version came first; `*` takes any).
    pub async fn create_report_version(
        &self,
        key: &ReportKey,
        body: &ReportVersionCreate,
        idempotency_key: Option<&str>,
        if_match: Option<&str>,
    ) -> Result<ReportVersionCreated, Error> {
        self.call(Method::POST, &["v1", "reports", key.as_str(), "versions"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .header_if("If-Match", if_match)
            .accept("application/json")
            .typed()
            .await
    }

    /// Run a report.
    ///
    /// Needs no model. Wrong parameters give one problem that lists all of them; a filter on an
    /// optional parameter that was not given falls away.
    pub async fn run_report(
        &self,
        key: &ReportKey,
        query: &RunReportQuery,
        body: Option<&ReportRunRequest>,
        idempotency_key: Option<&str>,
    ) -> Result<RunResult, Error> {
        self.call(Method::POST, &["v1", "reports", key.as_str(), "run"])
            .query(query)
            .json_if(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// As [`Self::run_report`], in the format that the query names, as it comes.
    pub async fn run_report_as(
        &self,
        key: &ReportKey,
        query: &RunReportQuery,
        body: Option<&ReportRunRequest>,
        idempotency_key: Option<&str>,
    ) -> Result<Response, Error> {
        self.call(Method::POST, &["v1", "reports", key.as_str(), "run"])
            .query(query)
            .json_if(body)
            .header_if("Idempotency-Key", idempotency_key)
            .send()
            .await
    }

    /// List the runs of a report, newest first.
    ///
    /// The caller's own; every user's for an admin.
    pub async fn list_report_runs(
        &self,
        key: &ReportKey,
        query: &ListReportRunsQuery,
    ) -> Result<RunList, Error> {
        self.call(Method::GET, &["v1", "reports", key.as_str(), "runs"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Export a definition as JSON or YAML.
    ///
    /// What it gives can be imported as it is, here or elsewhere. It holds no secrets and no rows.
    pub async fn export_report(
        &self,
        key: &ReportKey,
        query: &ExportReportQuery,
    ) -> Result<ReportExport, Error> {
        self.call(Method::GET, &["v1", "reports", key.as_str(), "export"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// As [`Self::export_report`], in the format that the query names, as it comes.
    pub async fn export_report_as(
        &self,
        key: &ReportKey,
        query: &ExportReportQuery,
    ) -> Result<Response, Error> {
        self.call(Method::GET, &["v1", "reports", key.as_str(), "export"]).query(query).send().await
    }

    /// Import an exported definition as a new report.
    ///
    /// A key that is taken is 409 `already_exists`; give another by `key`.
    pub async fn import_report(
        &self,
        query: &ImportReportQuery,
        body: &ReportExport,
        idempotency_key: Option<&str>,
    ) -> Result<ReportVersionCreated, Error> {
        self.call(Method::POST, &["v1", "reports", "import"])
            .query(query)
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Everything that is kept of a run.
    ///
    /// A failed run is a 200 whose `error` holds the problem.
    pub async fn get_run(&self, id: &RunId) -> Result<Run, Error> {
        self.call(Method::GET, &["v1", "runs", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Cancel a run.
    ///
    /// Cancelling reaches the database. A run that has ended is 409 `not_running`; the record of a
    /// run stays.
    pub async fn cancel_run(&self, id: &RunId) -> Result<Run, Error> {
        self.call(Method::DELETE, &["v1", "runs", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// The rows kept of a run.
    ///
    /// JSON comes in pages; the other formats give all kept rows at once and refuse `limit` and
    /// `cursor`. A run that has not ended is 409 `not_finished`; one that kept no rows is 404.
    pub async fn get_run_rows(
        &self,
        id: &RunId,
        query: &GetRunRowsQuery,
    ) -> Result<RowPage, Error> {
        self.call(Method::GET, &["v1", "runs", id.as_str(), "rows"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// As [`Self::get_run_rows`], in the format that the query names, as it comes.
    pub async fn get_run_rows_as(
        &self,
        id: &RunId,
        query: &GetRunRowsQuery,
    ) -> Result<Response, Error> {
        self.call(Method::GET, &["v1", "runs", id.as_str(), "rows"]).query(query).send().await
    }

    /// The service as functions that a model can call.
    ///
    /// Those operations that the caller's role may call, made from this contract. `tools` is in the
    /// form of function definitions and can be given to a model as it is; `calls` tells for each
    /// name the request that carries it out: an argument named in `path_parameters` or
    /// `query_parameters` goes there, all others are members of a JSON body.
    pub async fn list_tools(&self) -> Result<ToolList, Error> {
        self.call(Method::GET, &["v1", "ai", "tools"]).accept("application/json").typed().await
    }

    /// The process lives.
    pub async fn healthz(&self) -> Result<Liveness, Error> {
        self.call(Method::GET, &["healthz"]).accept("application/json").typed().await
    }

    /// The service can take work.
    pub async fn readyz(&self) -> Result<Readiness, Error> {
        self.call(Method::GET, &["readyz"]).accept("application/json").typed().await
    }

    /// Figures of the service, for Prometheus.
    ///
    /// The text format of Prometheus, version 0.0.4: requests by operation and status with their
    /// durations, runs, the plan cache, the memory pool, connections and health of sources, and the
    /// process itself.
    /// A caller on this machine needs no token; one that a proxy forwards for does.
    pub async fn metrics(&self) -> Result<String, Error> {
        self.call(Method::GET, &["metrics"]).text().await
    }

    /// This contract.
    pub async fn get_openapi(&self) -> Result<String, Error> {
        self.call(Method::GET, &["openapi.yaml"]).text().await
    }

    /// This contract, to read in a browser.
    ///
    /// One page without scripts or styles from elsewhere.
    pub async fn get_docs(&self) -> Result<String, Error> {
        self.call(Method::GET, &["docs"]).text().await
    }
}
