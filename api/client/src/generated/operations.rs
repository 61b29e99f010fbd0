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
        if_match: Option<&str>,
    ) -> Result<Datasource, Error> {
        self.call(Method::PATCH, &["v1", "datasources", id.as_str()])
            .json(body)
            .header_if("If-Match", if_match)
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
        prefer: Option<&str>,
    ) -> Result<LearnResult, Error> {
        self.call(Method::POST, &["v1", "learn"])
            .query(query)
            .json_if(body)
            .header_if("Idempotency-Key", idempotency_key)
            .header_if("Prefer", prefer)
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
        if_match: Option<&str>,
    ) -> Result<Catalog, Error> {
        self.call(Method::PATCH, &["v1", "catalog", datasource_id.as_str()])
            .json(body)
            .header_if("If-Match", if_match)
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

    /// What changed between two versions of a scope.
    ///
    /// The Markdown as a unified diff, the IR by JSON pointer.
    pub async fn get_scope_diff(
        &self,
        id: &ScopeId,
        query: &GetScopeDiffQuery,
    ) -> Result<ScopeDiff, Error> {
        self.call(Method::GET, &["v1", "scopes", id.as_str(), "diff"])
            .query(query)
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
        prefer: Option<&str>,
    ) -> Result<RunResult, Error> {
        self.call(Method::POST, &["v1", "query"])
            .query(query)
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .header_if("Prefer", prefer)
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
        prefer: Option<&str>,
    ) -> Result<Response, Error> {
        self.call(Method::POST, &["v1", "query"])
            .query(query)
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .header_if("Prefer", prefer)
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
        prefer: Option<&str>,
    ) -> Result<RunResult, Error> {
        self.call(Method::POST, &["v1", "reports", key.as_str(), "run"])
            .query(query)
            .json_if(body)
            .header_if("Idempotency-Key", idempotency_key)
            .header_if("Prefer", prefer)
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
        prefer: Option<&str>,
    ) -> Result<Response, Error> {
        self.call(Method::POST, &["v1", "reports", key.as_str(), "run"])
            .query(query)
            .json_if(body)
            .header_if("Idempotency-Key", idempotency_key)
            .header_if("Prefer", prefer)
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

    /// Write an analysis of a run and keep it with the run.
    ///
    /// A model, where one is configured or named, is shown the first rows of the result and the
    /// checks, and writes a short text. Every figure of the text must stand in what it was shown; a
    /// text with another figure is refused and listed in `refused`. Where no model writes one, the
    /// text is made by rules, and `model_used` is null. With `force_model` there is no such
    /// replacement: 422 `provider_unavailable`. Where there is an EDA service (`python.enabled`,
    /// `eda.enabled`), its warnings about the rows that the run kept, and outliers, are checks
    /// `eda_…` of the verdict that is kept with the analysis; the run's answer stays as it is, and a
    /// service that is away is told in `notes`. A run that has not completed is 409 `not_finished`.
    pub async fn analyze_run(
        &self,
        id: &RunId,
        body: Option<&AnalyzeRequest>,
        idempotency_key: Option<&str>,
    ) -> Result<Analysis, Error> {
        self.call(Method::POST, &["v1", "runs", id.as_str(), "analyze"])
            .json_if(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Run for the rows behind one row of a run.
    ///
    /// Runs the IR of the run again, at the same `now`, for the base rows of one of its rows, given
    /// by the values of its dimensions or by its place among the rows that were kept. The new run is
    /// recorded and answered as by `POST /v1/query`. What no filter can say, such as the rest of
    /// `top` or a run of SQL, is 422; a run that has not completed is 409 `not_finished`.
    pub async fn drill_run(
        &self,
        id: &RunId,
        query: &DrillRunQuery,
        body: &DrillRequest,
        idempotency_key: Option<&str>,
        prefer: Option<&str>,
    ) -> Result<RunResult, Error> {
        self.call(Method::POST, &["v1", "runs", id.as_str(), "drill"])
            .query(query)
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .header_if("Prefer", prefer)
            .accept("application/json")
            .typed()
            .await
    }

    /// As [`Self::drill_run`], in the format that the query names, as it comes.
    pub async fn drill_run_as(
        &self,
        id: &RunId,
        query: &DrillRunQuery,
        body: &DrillRequest,
        idempotency_key: Option<&str>,
        prefer: Option<&str>,
    ) -> Result<Response, Error> {
        self.call(Method::POST, &["v1", "runs", id.as_str(), "drill"])
            .query(query)
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .header_if("Prefer", prefer)
            .send()
            .await
    }

    /// The rows kept of a run.
    ///
    /// JSON comes in pages; the other formats give all kept rows at once and refuse `limit` and
    /// `cursor`. A run that has not ended is 409 `not_finished`; one that kept no rows, or whose rows
    /// are older than `execution.snapshot_retention`, is 404 and says which.
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

    /// Learn several sources.
    ///
    /// One that fails takes no other with it; the result tells of each. Progress is told on
    /// `learn/<job>`.
    pub async fn process_learn(
        &self,
        body: &ProcessLearnRequest,
        idempotency_key: Option<&str>,
    ) -> Result<JobAccepted, Error> {
        self.call(Method::POST, &["v1", "process", "learn"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Analyze a source or the rows of a run.
    ///
    /// Figures of each column, and the checks, as JSON and as Markdown. A source is read by runs of
    /// the caller, so that policies, the guard and limits hold. Of each table's first rows (at most
    /// `safety.max_row_limit`), or of the rows that the run kept, the EDA service tells, under `eda`:
    /// `profile`, `correlations`, `outliers`, `trends`, and `drift` against the caller's analysis
    /// before of the same table, or of another run of the same report. Of a run, its warnings and
    /// outliers become an analysis of the run, as `POST /v1/runs/{id}/analyze` keeps one; the run's
    /// answer stays as it is. Where the service is off or away, or a part fails, the result says
    /// which parts are missing and why. Progress is told on `process/<job>`.
    pub async fn process_analyze(
        &self,
        body: &ProcessAnalyzeRequest,
        idempotency_key: Option<&str>,
    ) -> Result<JobAccepted, Error> {
        self.call(Method::POST, &["v1", "process", "analyze"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Run many reports.
    ///
    /// Each item is run once; one that fails takes no other with it, and the result tells of each.
    /// Progress is told on `process/<job>`.
    pub async fn process_bulk_reports(
        &self,
        body: &BulkReportsRequest,
        idempotency_key: Option<&str>,
    ) -> Result<JobAccepted, Error> {
        self.call(Method::POST, &["v1", "process", "bulk-reports"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// List jobs, newest first.
    ///
    /// The caller's own; every user's for an admin.
    pub async fn list_jobs(&self, query: &ListJobsQuery) -> Result<JobList, Error> {
        self.call(Method::GET, &["v1", "jobs"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// How a job stands, and what it gave.
    ///
    /// A failed job is a 200 whose `error` holds the problem. While it goes on, `Retry-After` says
    /// when to ask again.
    pub async fn get_job(&self, id: &JobId) -> Result<Job, Error> {
        self.call(Method::GET, &["v1", "jobs", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Cancel a job.
    ///
    /// A job that waits ends at once; one that is worked on stops, with what it sent to databases.
    /// One that has ended is 409 `not_running`; its record stays.
    pub async fn cancel_job(&self, id: &JobId) -> Result<Job, Error> {
        self.call(Method::DELETE, &["v1", "jobs", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// List schedules, newest first.
    ///
    /// The caller's own; every user's for an admin.
    pub async fn list_schedules(&self, query: &ListSchedulesQuery) -> Result<ScheduleList, Error> {
        self.call(Method::GET, &["v1", "schedules"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Run a report at times of a calendar.
    ///
    /// Each time becomes a job of the caller, with the role and claims that the token has now. The
    /// report counts from the time it was scheduled for. Times that a change of the clocks skips or
    /// repeats are run once.
    pub async fn create_schedule(
        &self,
        body: &ScheduleCreate,
        idempotency_key: Option<&str>,
    ) -> Result<Schedule, Error> {
        self.call(Method::POST, &["v1", "schedules"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// A schedule with its next times.
    pub async fn get_schedule(&self, id: &ScheduleId) -> Result<Schedule, Error> {
        self.call(Method::GET, &["v1", "schedules", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Change a schedule.
    ///
    /// Members that are not given stay as they are. Its jobs act from now on with the role and claims
    /// of the caller, where the caller is its owner. Times that have passed before the change are not
    /// run any more.
    pub async fn update_schedule(
        &self,
        id: &ScheduleId,
        body: &SchedulePatch,
    ) -> Result<Schedule, Error> {
        self.call(Method::PATCH, &["v1", "schedules", id.as_str()])
            .json(body)
            .accept("application/json")
            .typed()
            .await
    }

    /// Remove a schedule.
    ///
    /// Its jobs stay.
    pub async fn delete_schedule(&self, id: &ScheduleId) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "schedules", id.as_str()]).done().await
    }

    /// List uploaded files, newest first.
    ///
    /// The caller's own; every user's for an admin.
    pub async fn list_files(&self, query: &ListFilesQuery) -> Result<UploadedFileList, Error> {
        self.call(Method::GET, &["v1", "files"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// An uploaded file.
    pub async fn get_file(&self, id: &FileId) -> Result<UploadedFile, Error> {
        self.call(Method::GET, &["v1", "files", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Remove an uploaded file.
    ///
    /// A file that a learning session uses stays, with 409.
    pub async fn delete_file(&self, id: &FileId) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "files", id.as_str()]).done().await
    }

    /// Open a WebSocket, or read what it offers.
    ///
    /// With `Upgrade: websocket` (version 13) the answer is 101 and the connection is a socket;
    /// without, it is what the socket offers.
    ///
    /// **Token.** In the `Authorization` header, as the subprotocol `bearer.<token>` (offer `air`
    /// beside it, which is answered then), or in the first message
    /// `{"type": "auth", "token": "…"}`. The socket ends when its token does. Then comes
    /// `{"channel": "socket", "type": "status", "payload": {"ready": true, "ws_id", "user_id",
    /// "expires_at"}}`.
    ///
    /// **A client sends** JSON text, each message at most `max_message_size` bytes:
    /// `{"type": "subscribe", "channel", "after"?}`, `{"type": "unsubscribe", "channel"}`,
    /// `{"type": "chat_message", "room", "content", "client_ref"?}`,
    /// `{"type": "typing", "room", "is_typing"?}`, `{"type": "ping"}`. Each may carry a `ref`, which
    /// its answer repeats: a `status` or `error` whose payload holds `reply_to`, the type of what
    /// it answers. A chat message is acknowledged with its `message_id` and `seq` once it is
    /// durable. What cannot be read is answered with an `error` and closes nothing, unless it is
    /// too large.
    ///
    /// **The server sends** `{channel, type, payload, ts, seq, user_id?}`, where `type` is one of
    /// `status token result error progress ai_stream ai_complete typing presence`. In `learn/`,
    /// `run/`, `chat/`, `process/` and `system:notifications` the numbers `seq` follow each other
    /// from 1; in `ai:stream:` they only grow. 0 is what nobody keeps: answers, single words, who
    /// types, who is there.
    ///
    /// **Answers as they come.** `ai_stream` holds `{index, part, content}`: of an answer in a room
    /// with its `message_id`, in `chat/` and in the asker's `ai:stream:`; of an analysis with its
    /// `run_id`, in the asker's `ai:stream:`. The contents of all parts but `status` and `reset`,
    /// put together, are the answer; `status` says which model is asked or that its draft was
    /// thrown away; `reset` says that what came of it before does not count: it is told anew.
    /// `ai_complete` holds the answer as it was kept, which counts. Drafts are for the planner and
    /// are not sent; of an analysis a sentence is sent once its figures were found.
    ///
    /// **Nothing is missed.** A client remembers the greatest `seq` of each channel and names it as
    /// `after`, here or at another process: it is sent what came behind it, each event once and in
    /// order, and then what happens. Of what is not kept any more it is told:
    /// an `error` with `missed: {after, before}`. Without `after` it listens from now on.
    ///
    /// **Ends.** 1001 the service shuts down; 1008 the token has expired, no ping was answered, no
    /// token came, or too many sockets; 1009 a message is too large; 1013 a slow reader, for whom
    /// `buffer_size` messages waited. After 1001 and 1013 open another and go on from `after`.
    pub async fn open_socket(&self) -> Result<SocketInfo, Error> {
        self.call(Method::GET, &["v1", "ws"]).accept("application/json").typed().await
    }

    /// List the rooms that the caller may see, by id.
    ///
    /// Public rooms, and those the caller is a member of.
    pub async fn list_chat_rooms(&self, query: &ListChatRoomsQuery) -> Result<ChatRoomList, Error> {
        self.call(Method::GET, &["v1", "chat", "rooms"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Make a room, or begin a session of one's own.
    ///
    /// The caller is its first member. In a `personal` room, which nobody else can enter, every
    /// message is a question.
    pub async fn create_chat_room(
        &self,
        body: &ChatRoomCreate,
        idempotency_key: Option<&str>,
    ) -> Result<ChatRoom, Error> {
        self.call(Method::POST, &["v1", "chat", "rooms"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Get a room.
    pub async fn get_chat_room(&self, room: &ChatRoomId) -> Result<ChatRoom, Error> {
        self.call(Method::GET, &["v1", "chat", "rooms", room.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// The messages of a room.
    ///
    /// Newest first; with `after`, those behind that number, oldest first. Messages older than
    /// `chat.message_retention` are gone. Members only; a private room is 404 for everyone else.
    pub async fn list_chat_messages(
        &self,
        room: &ChatRoomId,
        query: &ListChatMessagesQuery,
    ) -> Result<ChatMessageList, Error> {
        self.call(Method::GET, &["v1", "chat", "rooms", room.as_str(), "messages"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Say something in a room.
    ///
    /// Kept before it is answered. A message asks AIR where the room answers everything, where it
    /// begins with `@air`, or where `ask` is true; the answer is a message of type `ai` whose
    /// `in_reply_to` is this one, and comes in pieces over the socket. It is given with the rights of
    /// its asking: where it was owed for longer than `server.auth.token_expiry`, as after a long
    /// stop of the service, it is `failed` with `unavailable`. After an answer that asks back
    /// (`state: clarify`) the next message of who asked is taken as the reply: a choice's number,
    /// value or label, or `you decide`; where it is a `in_reply_to`, or the room answers everything,
    /// also words of one's own. Several questions are answered in their order, one a line or
    /// parted by commas. `@air` begins a new question. Messages are read in their order: while an
    /// answer to them is owed, what somebody says to AIR is read once it is there, and what they
    /// say besides is a reply only where it is a `in_reply_to`.
    pub async fn post_chat_message(
        &self,
        room: &ChatRoomId,
        body: &ChatPost,
        idempotency_key: Option<&str>,
    ) -> Result<ChatPosted, Error> {
        self.call(Method::POST, &["v1", "chat", "rooms", room.as_str(), "messages"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Save an answer as a report.
    ///
    /// The IR of the answer, or its SQL where it has none, becomes the first version of a new report,
    /// bound to its source.
    pub async fn save_chat_answer(
        &self,
        room: &ChatRoomId,
        id: &ChatMessageId,
        body: &ChatSave,
        idempotency_key: Option<&str>,
    ) -> Result<ReportVersionCreated, Error> {
        self.call(
            Method::POST,
            &["v1", "chat", "rooms", room.as_str(), "messages", id.as_str(), "report"],
        )
        .json(body)
        .header_if("Idempotency-Key", idempotency_key)
        .accept("application/json")
        .typed()
        .await
    }

    /// Join a room, or bring somebody in.
    ///
    /// Anyone may join a public room; into a private one a member brings others. A room holds at most
    /// `chat.max_room_size` members.
    pub async fn join_chat_room(
        &self,
        room: &ChatRoomId,
        body: &ChatJoin,
        idempotency_key: Option<&str>,
    ) -> Result<ChatRoom, Error> {
        self.call(Method::POST, &["v1", "chat", "rooms", room.as_str(), "members"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Leave a room, or take somebody out.
    ///
    /// Only who made the room, or an admin, takes others out. Who is not a member stays so.
    pub async fn leave_chat_room(
        &self,
        room: &ChatRoomId,
        query: &LeaveChatRoomQuery,
    ) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "chat", "rooms", room.as_str(), "members"])
            .query(query)
            .done()
            .await
    }

    /// Who is in a room, who is there, and who is typing.
    pub async fn get_chat_presence(&self, room: &ChatRoomId) -> Result<ChatPresence, Error> {
        self.call(Method::GET, &["v1", "chat", "rooms", room.as_str(), "presence"])
            .accept("application/json")
            .typed()
            .await
    }

    /// List learning sessions, newest first.
    ///
    /// The caller's own; every user's for an admin.
    pub async fn list_learning_sessions(
        &self,
        query: &ListLearningSessionsQuery,
    ) -> Result<LearningSessionList, Error> {
        self.call(Method::GET, &["v1", "learning-sessions"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Open a learning session on uploaded files.
    ///
    /// The files become a source of their own, which is there for the caller alone (and to see, for
    /// an admin), and is learned at once: types, values, figures, and the keys that join them.
    /// Questions that the built-in interpreter answers of it are suggested. The files stay as long
    /// as the session does.
    pub async fn create_learning_session(
        &self,
        body: &LearningSessionCreate,
        idempotency_key: Option<&str>,
    ) -> Result<LearningSessionDetail, Error> {
        self.call(Method::POST, &["v1", "learning-sessions"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// A learning session with everything that belongs to it.
    ///
    /// Files, joins, suggested questions, the newest 500 messages of the transcript (the older ones
    /// are in `GET /v1/chat/rooms/{id}/messages`, whose room is the session), every version of a
    /// scope with its IR, and every run. What happens in it is told on the channel `chat/{id}`.
    pub async fn get_learning_session(
        &self,
        id: &LearningSessionId,
    ) -> Result<LearningSessionDetail, Error> {
        self.call(Method::GET, &["v1", "learning-sessions", id.as_str()])
            .accept("application/json")
            .typed()
            .await
    }

    /// Remove a learning session.
    ///
    /// Its source, transcript and files' places go with it; runs and scopes stay with their owner,
    /// uploaded files with theirs. One whose endpoints or reports are in use stays, with 409.
    pub async fn delete_learning_session(&self, id: &LearningSessionId) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "learning-sessions", id.as_str()]).done().await
    }

    /// Say something in a learning session.
    ///
    /// The conversation goes on: a question may change the last answer ("only in north", "by month
    /// instead") or stand alone. After questions back, the text answers them (a choice by its
    /// number, value or label, or words of one's own) unless it begins with `@air`; `answers` name
    /// them one by one. It is the pipeline of `/v1/ask`; message and answer stay with the session,
    /// and an answer that a crash interrupts is given by the next start, unless that comes later
    /// than `server.auth.token_expiry`: then it is `failed` with `unavailable`.
    pub async fn post_session_message(
        &self,
        id: &LearningSessionId,
        body: &SessionMessage,
        idempotency_key: Option<&str>,
    ) -> Result<AskResponse, Error> {
        self.call(Method::POST, &["v1", "learning-sessions", id.as_str(), "messages"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// Publish an answer of a learning session as an endpoint.
    ///
    /// The IR of the answer (the last one, or the one that `message_id` or `run_id` names) becomes
    /// the next version of the endpoint, and of the report of the same key, which anyone with a
    /// token may call and run. Parameters take the place of values in its filters: the one on the
    /// parameter's `field` (and `op`, where there are several); where there is none, a filter is
    /// added. A filter on a parameter without default that is not given falls away, unless it is
    /// `required`.
    pub async fn publish_session(
        &self,
        id: &LearningSessionId,
        body: &SessionPublish,
        idempotency_key: Option<&str>,
    ) -> Result<Endpoint, Error> {
        self.call(Method::POST, &["v1", "learning-sessions", id.as_str(), "publish"])
            .json(body)
            .header_if("Idempotency-Key", idempotency_key)
            .accept("application/json")
            .typed()
            .await
    }

    /// List published endpoints, by slug.
    pub async fn list_endpoints(&self, query: &ListEndpointsQuery) -> Result<EndpointList, Error> {
        self.call(Method::GET, &["v1", "endpoints"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// The published endpoints as an OpenAPI document of their own.
    ///
    /// Each with its typed parameters and its columns.
    pub async fn get_endpoints_openapi(&self) -> Result<String, Error> {
        self.call(Method::GET, &["v1", "endpoints", "openapi.yaml"]).text().await
    }

    /// Take an endpoint out of use, with all its versions.
    ///
    /// By who published it, or an admin. Its keys go with it, its report is archived; its runs stay.
    pub async fn delete_endpoint(&self, slug: &EndpointSlug) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "endpoints", slug.as_str()]).done().await
    }

    /// List the keys of an endpoint, oldest first.
    ///
    /// By who published it, or an admin. The keys themselves are not kept.
    pub async fn list_endpoint_keys(
        &self,
        slug: &EndpointSlug,
        query: &ListEndpointKeysQuery,
    ) -> Result<EndpointKeyList, Error> {
        self.call(Method::GET, &["v1", "endpoints", slug.as_str(), "keys"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
    }

    /// Make a key that calls an endpoint.
    ///
    /// By who published it, or an admin. The key is told in this answer alone; what is kept is its
    /// hash. It calls as who published the endpoint, with the role and claims that they have now, or
    /// had when they published where an admin makes the key. An endpoint has at most 100 keys.
    /// Making one takes no `Idempotency-Key`, since answers that are given again are kept.
    pub async fn create_endpoint_key(
        &self,
        slug: &EndpointSlug,
        body: &EndpointKeyCreate,
    ) -> Result<EndpointKeyCreated, Error> {
        self.call(Method::POST, &["v1", "endpoints", slug.as_str(), "keys"])
            .json(body)
            .accept("application/json")
            .typed()
            .await
    }

    /// Revoke a key of an endpoint.
    ///
    /// By who published it, or an admin. The next call by it is 401.
    pub async fn delete_endpoint_key(
        &self,
        slug: &EndpointSlug,
        key_id: &EndpointKeyId,
    ) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "endpoints", slug.as_str(), "keys", key_id.as_str()])
            .done()
            .await
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
    /// durations, runs, jobs, sockets, models, caches, the memory pool, connections and health of
    /// sources, and the process itself.
    /// A caller on this machine needs no token; one that a proxy forwards for does.
    pub async fn metrics(&self) -> Result<String, Error> {
        self.call(Method::GET, &["metrics"]).text().await
    }

    /// Who did what, newest first.
    ///
    /// An entry for every write, every run and every refusal. Entries name things; they hold no
    /// rows, no parameters and no secrets. They are kept for `control_plane.audit_retention`.
    pub async fn list_audit(&self, query: &ListAuditQuery) -> Result<AuditList, Error> {
        self.call(Method::GET, &["v1", "audit"])
            .query(query)
            .accept("application/json")
            .typed()
            .await
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
