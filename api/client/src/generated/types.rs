// Generated from api/openapi.yaml by api/generate. Do not edit: change the contract, then run it.

//! The contract's schemas as Rust types.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A text of one kind, so that two cannot be swapped. The server checks its form.
macro_rules! text_type {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type! {
    /// A source, as an administrator named it.
    DatasourceId
}

text_type! {
    /// A report, as its URL names it.
    ReportKey
}

text_type! {
    /// A run.
    RunId
}

text_type! {
    /// A job.
    JobId
}

text_type! {
    /// A schedule.
    ScheduleId
}

text_type! {
    /// An uploaded file.
    FileId
}

text_type! {
    /// A learning session.
    LearningSessionId
}

text_type! {
    /// A key of an endpoint.
    EndpointKeyId
}

text_type! {
    /// An endpoint, as its URL names it. It is the key of its report too.
    EndpointSlug
}

text_type! {
    /// A report.
    ReportId
}

text_type! {
    /// A version of a report.
    ReportVersionId
}

text_type! {
    /// A scope.
    ScopeId
}

text_type! {
    /// A version of a scope.
    ScopeVersionId
}

text_type! {
    /// An analysis of a run.
    AnalysisId
}

text_type! {
    /// A request, as the log knows it.
    RequestId
}

text_type! {
    /// SHA-256 of a definition in canonical form, in hexadecimal.
    Checksum
}

/// A version, counted from 1.
pub type VersionNumber = u32;

text_type! {
    /// Where a page begins. Opaque.
    Cursor
}

/// The intermediate representation. Its own schema is `GET /v1/ir/schema`.
pub type Ir = serde_json::Map<String, serde_json::Value>;

/// A JSON Schema, draft 2020-12.
pub type JsonSchema = serde_json::Map<String, serde_json::Value>;

/// Parameters by name.
pub type Params = serde_json::Map<String, serde_json::Value>;

/// A row; values by column name.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// An OpenAPI document.
pub type OpenApiDocument = serde_json::Map<String, serde_json::Value>;

/// RFC 4180, with a header line. Text cells that begin with `= + - @` or a control character get
/// a leading apostrophe.
pub type Csv = String;

/// One row on a line, each a JSON object.
pub type Ndjson = String;

/// An HTML page.
pub type Html = String;

/// The text format of Prometheus.
pub type Metrics = String;

/// Functions that a model can call, and the request behind each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolList {
    pub tools: Vec<Tool>,
    /// By the function's name.
    pub calls: BTreeMap<String, ToolCall>,
}

/// A function definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    pub r#type: String,
    pub function: ToolFunction,
}

/// What a model is told of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolFunction {
    pub name: String,
    pub description: String,
    pub parameters: JsonSchema,
}

/// The request that carries out a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub method: String,
    /// With `{name}` for each of `path_parameters`.
    pub path: String,
    pub path_parameters: Vec<String>,
    pub query_parameters: Vec<String>,
}

/// A message of JSON-RPC 2.0, as the Model Context Protocol says.
pub type McpMessage = serde_json::Map<String, serde_json::Value>;

/// An error, as RFC 9457 says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// `about:blank`; the kind of error is in `code`.
    pub r#type: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    pub code: ErrorCode,
    /// What is wrong and what to do.
    pub detail: String,
    pub request_id: RequestId,
    /// Everything that is wrong, one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
    /// What each rule of the guard said; with `refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_report: Option<Vec<SafetyRule>>,
}

/// The kinds of error. Each has one status, `x-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    AlreadyExists,
    InUse,
    NotLearned,
    NotRunning,
    NotFinished,
    IdempotencyInFlight,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    Invalid,
    Refused,
    LimitExceeded,
    SourceError,
    IdempotencyMismatch,
    Unsupported,
    ProviderUnavailable,
    PreconditionRequired,
    TooManyRequests,
    Internal,
    Unavailable,
    SourceUnavailable,
    Timeout,
}

impl ErrorCode {
    /// Every value.
    pub const ALL: &[Self] = &[
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::AlreadyExists,
        Self::InUse,
        Self::NotLearned,
        Self::NotRunning,
        Self::NotFinished,
        Self::IdempotencyInFlight,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::Refused,
        Self::LimitExceeded,
        Self::SourceError,
        Self::IdempotencyMismatch,
        Self::Unsupported,
        Self::ProviderUnavailable,
        Self::PreconditionRequired,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
        Self::SourceUnavailable,
        Self::Timeout,
    ];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::AlreadyExists => "already_exists",
            Self::InUse => "in_use",
            Self::NotLearned => "not_learned",
            Self::NotRunning => "not_running",
            Self::NotFinished => "not_finished",
            Self::IdempotencyInFlight => "idempotency_in_flight",
            Self::PreconditionFailed => "precondition_failed",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::LimitExceeded => "limit_exceeded",
            Self::SourceError => "source_error",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::Unsupported => "unsupported",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::PreconditionRequired => "precondition_required",
            Self::TooManyRequests => "too_many_requests",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::SourceUnavailable => "source_unavailable",
            Self::Timeout => "timeout",
        }
    }

    /// The HTTP status that goes with it.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::AlreadyExists
            | Self::InUse
            | Self::NotLearned
            | Self::NotRunning
            | Self::NotFinished
            | Self::IdempotencyInFlight => 409,
            Self::PreconditionFailed => 412,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid
            | Self::Refused
            | Self::LimitExceeded
            | Self::SourceError
            | Self::IdempotencyMismatch
            | Self::Unsupported
            | Self::ProviderUnavailable => 422,
            Self::PreconditionRequired => 428,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable | Self::SourceUnavailable => 503,
            Self::Timeout => 504,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldError {
    /// A JSON pointer into the body (`""` is the whole of it), `?name` for a query parameter,
    /// `{name}` for one of the path, `Name:` for a header.
    pub pointer: String,
    pub code: FieldErrorCode,
    /// What is wrong and what to do.
    pub detail: String,
    /// Known names close to the one that was not found, nearest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Vec<String>>,
}

/// The kinds of `errors`. All but the last two are those of the IR, which means the same by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldErrorCode {
    UnknownField,
    MissingField,
    BadType,
    BadValue,
    Conflict,
    DuplicateName,
    UnknownEntity,
    NotAllowed,
    UnknownSource,
    UnknownColumn,
    UnknownMetric,
    UnknownOutput,
    UnknownParameter,
    MissingParameter,
    UnknownTimezone,
    AmbiguousEntity,
    AmbiguousColumn,
    AmbiguousJoin,
    AmbiguousTime,
    NoJoinPath,
    NoTime,
    FanOut,
    GrainMismatch,
    TypeMismatch,
    BadExpression,
    BadPeriod,
    BadLimit,
    Cycle,
    NotAdditive,
    TooLarge,
    Overflow,
    Unsupported,
    UnsupportedOnEngine,
    UnreadableColumn,
    BadSql,
    UnknownFunction,
}

impl FieldErrorCode {
    /// Every value.
    pub const ALL: &[Self] = &[
        Self::UnknownField,
        Self::MissingField,
        Self::BadType,
        Self::BadValue,
        Self::Conflict,
        Self::DuplicateName,
        Self::UnknownEntity,
        Self::NotAllowed,
        Self::UnknownSource,
        Self::UnknownColumn,
        Self::UnknownMetric,
        Self::UnknownOutput,
        Self::UnknownParameter,
        Self::MissingParameter,
        Self::UnknownTimezone,
        Self::AmbiguousEntity,
        Self::AmbiguousColumn,
        Self::AmbiguousJoin,
        Self::AmbiguousTime,
        Self::NoJoinPath,
        Self::NoTime,
        Self::FanOut,
        Self::GrainMismatch,
        Self::TypeMismatch,
        Self::BadExpression,
        Self::BadPeriod,
        Self::BadLimit,
        Self::Cycle,
        Self::NotAdditive,
        Self::TooLarge,
        Self::Overflow,
        Self::Unsupported,
        Self::UnsupportedOnEngine,
        Self::UnreadableColumn,
        Self::BadSql,
        Self::UnknownFunction,
    ];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownField => "unknown_field",
            Self::MissingField => "missing_field",
            Self::BadType => "bad_type",
            Self::BadValue => "bad_value",
            Self::Conflict => "conflict",
            Self::DuplicateName => "duplicate_name",
            Self::UnknownEntity => "unknown_entity",
            Self::NotAllowed => "not_allowed",
            Self::UnknownSource => "unknown_source",
            Self::UnknownColumn => "unknown_column",
            Self::UnknownMetric => "unknown_metric",
            Self::UnknownOutput => "unknown_output",
            Self::UnknownParameter => "unknown_parameter",
            Self::MissingParameter => "missing_parameter",
            Self::UnknownTimezone => "unknown_timezone",
            Self::AmbiguousEntity => "ambiguous_entity",
            Self::AmbiguousColumn => "ambiguous_column",
            Self::AmbiguousJoin => "ambiguous_join",
            Self::AmbiguousTime => "ambiguous_time",
            Self::NoJoinPath => "no_join_path",
            Self::NoTime => "no_time",
            Self::FanOut => "fan_out",
            Self::GrainMismatch => "grain_mismatch",
            Self::TypeMismatch => "type_mismatch",
            Self::BadExpression => "bad_expression",
            Self::BadPeriod => "bad_period",
            Self::BadLimit => "bad_limit",
            Self::Cycle => "cycle",
            Self::NotAdditive => "not_additive",
            Self::TooLarge => "too_large",
            Self::Overflow => "overflow",
            Self::Unsupported => "unsupported",
            Self::UnsupportedOnEngine => "unsupported_on_engine",
            Self::UnreadableColumn => "unreadable_column",
            Self::BadSql => "bad_sql",
            Self::UnknownFunction => "unknown_function",
        }
    }
}

impl fmt::Display for FieldErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kinds of source. `mysql` is MariaDB too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasourceKind {
    Timescaledb,
    Postgres,
    Mysql,
    Files,
}

impl DatasourceKind {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Timescaledb, Self::Postgres, Self::Mysql, Self::Files];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timescaledb => "timescaledb",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Files => "files",
        }
    }
}

impl fmt::Display for DatasourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A source to register. `files` has a `base_path`, a database a `dsn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasourceCreate {
    pub id: DatasourceId,
    pub kind: DatasourceKind,
    /// How to reach a database. Its password is encrypted at rest, or the whole a `${ENV_VAR}`; it is
    /// never given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsn: Option<String>,
    /// The folder of a `files` source, relative to `files.base_path` of the configuration or inside
    /// it. A store is a source by the configuration alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_path: Option<String>,
    /// The name for people; the id if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether this is the source of those who name none. There is at most one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// Whether a DSN with a superuser's rights is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_superuser: Option<bool>,
}
impl DatasourceCreate {
    /// With the required members alone.
    pub fn new(id: DatasourceId, kind: DatasourceKind) -> Self {
        Self {
            id,
            kind,
            dsn: None,
            base_path: None,
            display_name: None,
            default: None,
            allow_superuser: None,
        }
    }
}

/// What to change of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct DatasourcePatch {
    /// How to reach a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsn: Option<String>,
    /// The folder of a `files` source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_path: Option<String>,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether this is the source of those who name none; `true` takes it from the one that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// Whether a DSN with a superuser's rights is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_superuser: Option<bool>,
}

/// A source, without its DSN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Datasource {
    pub id: DatasourceId,
    pub kind: DatasourceKind,
    /// The name for people.
    pub display_name: String,
    /// Whether this is the source of those who name none.
    pub default: bool,
    /// The folder of a `files` source, or the address of the store it lies in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_path: Option<String>,
    pub health: Health,
    /// The catalog's version; null before it was learned.
    pub catalog_version: Option<String>,
    /// When it was last learned.
    pub learned_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// A page of sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasourceList {
    pub items: Vec<Datasource>,
    pub next: Option<Cursor>,
}

/// How a source was found. `unknown` was never reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    Ok,
    Failing,
    Unknown,
}

impl HealthStatus {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Ok, Self::Failing, Self::Unknown];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a source was last found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    pub status: HealthStatus,
    /// When it was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<String>,
    /// How long that took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// What was found; if it fails, why and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// How to learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct LearnRequest {
    /// Also read least and greatest value, share of nulls and distinct estimate of each column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_stats: Option<bool>,
    /// Keep the values of text columns for finding them in questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_values: Option<bool>,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnResult {
    pub datasource_id: DatasourceId,
    /// The catalog's version; the same contents have the same.
    pub catalog_version: String,
    pub learned_at: String,
    /// Tables found.
    pub tables: u64,
    /// Columns found.
    pub columns: u64,
    /// Schema notes that are new or changed.
    pub notes_written: u64,
    /// Schema notes that stayed.
    pub notes_unchanged: u64,
    /// Columns (`table.column`) whose type cannot be read; they are listed and left out of queries.
    pub unreadable: Vec<String>,
    /// What was found odd, in sentences.
    pub warnings: Vec<String>,
    pub duration_ms: f64,
}

/// A chunk of schema notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaNote {
    /// The table.
    pub object: String,
    /// Which part of the table's notes, from 0.
    pub chunk: u64,
    /// Markdown.
    pub md: String,
    pub md_hash: Checksum,
    pub created_at: String,
}

/// A page of schema notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaNoteList {
    pub items: Vec<SchemaNote>,
    pub next: Option<Cursor>,
}

/// What a table is in its source. `files` is a file dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    Table,
    View,
    MaterializedView,
    Hypertable,
    Files,
}

impl TableKind {
    /// Every value.
    pub const ALL: &[Self] =
        &[Self::Table, Self::View, Self::MaterializedView, Self::Hypertable, Self::Files];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized_view",
            Self::Hypertable => "hypertable",
            Self::Files => "files",
        }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    Time,
    Key,
    Measure,
    Dimension,
}

impl ColumnRole {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Time, Self::Key, Self::Measure, Self::Dimension];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Key => "key",
            Self::Measure => "measure",
            Self::Dimension => "dimension",
        }
    }
}

impl fmt::Display for ColumnRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything known of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    pub source: DatasourceId,
    pub kind: DatasourceKind,
    /// Hash of the contents.
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// IANA zone of timestamps without one, and of reports that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    pub tables: Vec<Table>,
}

/// A table, view, hypertable or file dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    pub name: String,
    pub kind: TableKind,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Vec<String>>,
    pub columns: Vec<Column>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_keys: Option<Vec<ForeignKey>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexes: Option<Vec<Index>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_estimate: Option<u64>,
    /// The column that says when a row happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    /// Whether the guard wants a bounded time range.
    pub time_series: bool,
    /// Of a file dataset: which files, and how they are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A column. One of type `unreadable` is left out of queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub data_type: DataType,
    /// The type in the source's own words.
    pub native_type: String,
    pub nullable: bool,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ColumnRole>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<ColumnStats>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<ValueDictionary>,
}

text_type! {
    /// A type: `bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 decimal(p,s)
    /// text date time timestamp timestamptz binary json uuid unreadable`.
    DataType
}

/// Figures of a column; `min` and `max` as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct ColumnStats {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
}

/// The values of a text column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueDictionary {
    /// Whether no value is missing.
    pub complete: bool,
    /// Rows by value.
    pub counts: BTreeMap<String, u64>,
}

/// A foreign key; of several columns where it is composite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    pub references: Reference,
    /// What the other table is to this one, where several keys lead to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// What a foreign key refers to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    pub table: String,
    pub columns: Vec<String>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    pub columns: Vec<String>,
    pub unique: bool,
}

/// Edits of a catalog. Tables and columns it does not have are errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct CatalogPatch {
    /// An IANA zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Edits by table, as an IR calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<BTreeMap<String, TablePatch>>,
}

/// Edits of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct TablePatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Synonyms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    /// Whether the guard wants a bounded time range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_series: Option<bool>,
    /// Edits by column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<BTreeMap<String, ColumnPatch>>,
}

/// Edits of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ColumnPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Synonyms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ColumnRole>,
}

/// What people also say; an empty list takes all away.
pub type Synonyms = Vec<String>;

/// Who interprets. `builtin` needs no model. One that is named here is asked alone, and no other
/// is shown anything; where it is away, the built-in interpreter stands in and that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Builtin,
    Openai,
    Ollama,
}

impl Provider {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Builtin, Self::Openai, Self::Ollama];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Openai => "openai",
            Self::Ollama => "ollama",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A model to use whatever the routing says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForcedModel {
    Openai,
    Llama3,
    Sqlcoder,
}

impl ForcedModel {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Openai, Self::Llama3, Self::Sqlcoder];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Llama3 => "llama3",
            Self::Sqlcoder => "sqlcoder",
        }
    }
}

impl fmt::Display for ForcedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    pub question: String,
    pub datasource_id: DatasourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_model: Option<ForcedModel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousAsk>,
    /// Answers to the questions of a `clarify`, by question: a choice's `value`, `you_decide` for the
    /// recommended one, or words of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeMap<String, String>>,
    /// The instant that `today` and `last week` refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Whether to run what was understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<bool>,
}
impl AskRequest {
    /// With the required members alone.
    pub fn new(question: String, datasource_id: DatasourceId) -> Self {
        Self {
            question,
            datasource_id,
            provider: None,
            force_model: None,
            previous: None,
            answers: None,
            now: None,
            run: None,
        }
    }
}

/// What a follow-up question changes. A version that ended without an answer stands for the
/// newest before it that has an IR; one of SQL, or of another source, or edited so that it cannot
/// be read, is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct PreviousAsk {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_version_id: Option<ScopeVersionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ir: Option<Ir>,
}

/// How an ask ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskState {
    Clarify,
    Answer,
    CannotAnswer,
    Failed,
}

impl AskState {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Clarify, Self::Answer, Self::CannotAnswer, Self::Failed];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clarify => "clarify",
            Self::Answer => "answer",
            Self::CannotAnswer => "cannot_answer",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for AskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `verified`: a person confirmed this version of this question's IR. `validated`: planned, run,
/// checks passed. `unchecked`: neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    Verified,
    Validated,
    Unchecked,
}

impl Badge {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Verified, Self::Validated, Self::Unchecked];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Validated => "validated",
            Self::Unchecked => "unchecked",
        }
    }
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state a question ended in, and what goes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskResponse {
    pub state: AskState,
    /// The answer as a message; in a learning session only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<ChatMessageId>,
    /// The scope; null only where the state is `failed`.
    pub scope_id: Option<ScopeId>,
    /// Its version; null only where the state is `failed`.
    pub scope_version_id: Option<ScopeVersionId>,
    /// The scope in Markdown; null only where the state is `failed`.
    pub scope_md: Option<String>,
    /// What was understood; null if that is not enough for an IR.
    pub ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql_text: Option<SqlText>,
    /// How far the answer was checked; null where there is none.
    pub badge: Option<Badge>,
    pub confidence: Option<f64>,
    /// What was understood, in a sentence.
    pub interpretation: Option<String>,
    /// What was taken for granted, in sentences.
    pub assumptions: Vec<String>,
    /// What must be known first; with `clarify` only.
    pub questions: Vec<Question>,
    /// The filters, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Vec<String>>,
    /// The tables that are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<String>>,
    /// Why, where the state is `cannot_answer` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the source lacks, where the state is `cannot_answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelUse>,
}

/// What models did, where they were asked. None of their own words is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelUse {
    /// The model whose work counts, as `name:model`; null where no model gave anything of use.
    pub used: Option<String>,
    pub tried: Vec<ModelTried>,
    /// Calls that were answered.
    pub calls: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Whether a server did not count its tokens, so that the numbers are estimates.
    pub estimated: bool,
    /// Whether an earlier reply to the same was taken again.
    pub kept: bool,
    /// The prompts, each with the first digits of its hash.
    pub prompts: String,
}

/// A model that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelTried {
    pub model: String,
    /// What came of it.
    pub outcome: String,
    /// How often a wrong draft was sent back.
    pub corrections: u64,
}

/// A question back. Besides the choices, `you_decide` and words of one's own are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The key of its answer.
    pub id: String,
    pub text: String,
    pub choices: Vec<Choice>,
    /// The `value` of the recommended choice.
    pub recommended: Option<String>,
}

/// A possible answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

/// Whether a person confirmed the newest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeStatus {
    Draft,
    Approved,
}

impl ScopeStatus {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Draft, Self::Approved];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
        }
    }
}

impl fmt::Display for ScopeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeCreate {
    /// The name; its question if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    pub scope_md: ScopeMarkdown,
}
impl ScopeCreate {
    /// With the required members alone.
    pub fn new(scope_md: ScopeMarkdown) -> Self {
        Self { scope_md, name: None, datasource_id: None }
    }
}

/// Markdown with the headings Question, Data, Measures, Breakdown, Filters, Period, Order and
/// limit, Assumptions, Open questions.
pub type ScopeMarkdown = String;

/// The next version of a scope, or the approval of the newest one as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ScopeVersionCreate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_md: Option<ScopeMarkdown>,
    /// Whether a person confirms this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<bool>,
}

/// A scope, and which version is its newest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub id: ScopeId,
    pub name: String,
    pub status: ScopeStatus,
    /// The user it belongs to.
    pub owner: String,
    pub version: VersionNumber,
    pub scope_version_id: ScopeVersionId,
    pub created_at: String,
    pub updated_at: String,
}

/// A scope with its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopeDetail {
    pub id: ScopeId,
    pub name: String,
    pub status: ScopeStatus,
    /// The user it belongs to.
    pub owner: String,
    pub version: VersionNumber,
    pub scope_version_id: ScopeVersionId,
    pub created_at: String,
    pub updated_at: String,
    /// Newest first; the newest 100.
    pub versions: Vec<ScopeVersion>,
}

/// A version of a scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopeVersion {
    pub scope_version_id: ScopeVersionId,
    pub scope_id: ScopeId,
    pub version: VersionNumber,
    pub scope_md: String,
    /// Its IR, once it was built.
    pub ir: Option<Ir>,
    /// Whether a person confirmed it.
    pub approved: bool,
    pub created_at: String,
}

/// What changed from one version of a scope to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopeDiff {
    pub scope_id: ScopeId,
    pub from: VersionNumber,
    pub to: VersionNumber,
    pub from_version_id: ScopeVersionId,
    pub to_version_id: ScopeVersionId,
    /// The Markdown as a unified diff; empty where it is the same.
    pub scope_md: String,
    /// The changes of the IR; a version whose IR was not built yet has none, so all of the other's is
    /// one change.
    pub ir: Vec<IrChange>,
}

/// One change of an IR.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IrChange {
    pub op: IrChangeKind,
    /// A JSON pointer: into the earlier IR for `remove`, else into the later one.
    pub pointer: String,
    /// The value that was there; absent for `add`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<serde_json::Value>,
    /// The value that is there; absent for `remove`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<serde_json::Value>,
}

/// What was done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IrChangeKind {
    Add,
    Remove,
    Replace,
}

impl IrChangeKind {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Add, Self::Remove, Self::Replace];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }
}

impl fmt::Display for IrChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A page of scopes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopeList {
    pub items: Vec<Scope>,
    pub next: Option<Cursor>,
}

/// Which scope version to build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrBuildRequest {
    pub scope_version_id: ScopeVersionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
}
impl IrBuildRequest {
    /// With the required members alone.
    pub fn new(scope_version_id: ScopeVersionId) -> Self {
        Self { scope_version_id, datasource_id: None }
    }
}

/// The IR of a scope version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IrBuildResponse {
    pub scope_version_id: ScopeVersionId,
    pub datasource_id: DatasourceId,
    pub ir: Ir,
    /// What was taken for granted, in sentences.
    pub assumptions: Vec<String>,
}

/// The dialects SQL is written in. `datafusion` is local execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    Postgres,
    Timescaledb,
    Mysql,
    Datafusion,
}

impl Dialect {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Postgres, Self::Timescaledb, Self::Mysql, Self::Datafusion];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Timescaledb => "timescaledb",
            Self::Mysql => "mysql",
            Self::Datafusion => "datafusion",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One query in the Postgres dialect.
pub type SqlText = String;

/// An IR or SQL to plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct SqlRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<SqlText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// Further dialects to write the same plan in; `all_sql` holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialects: Option<Vec<Dialect>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// The instant that `today` and the like refer to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// SQL, as it would be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqlResponse {
    pub dialect: Dialect,
    pub sql: String,
    pub params: BoundValues,
    pub safety_report: SafetyReport,
    /// The guarded plan as an indented tree.
    pub plan: String,
    /// The same plan in each of the `dialects` that were asked for, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_sql: Option<Vec<DialectSql>>,
    /// What a run would ask of each database, where a part of the plan is left to AIR or several
    /// sources are asked. `sql` is then the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<Vec<SourceSql>>,
}

/// A plan in one dialect, or why that engine could not give the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DialectSql {
    pub dialect: Dialect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<BoundValues>,
    /// What the engine cannot do, and what to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<String>,
}

/// The values that are bound, in their order.
pub type BoundValues = Vec<serde_json::Value>;

/// What each rule of the guard said.
pub type SafetyReport = Vec<SafetyRule>;

/// What a rule did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SafetyOutcome {
    Ok,
    Injected,
    Warned,
    Refused,
}

impl SafetyOutcome {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Ok, Self::Injected, Self::Warned, Self::Refused];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Injected => "injected",
            Self::Warned => "warned",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for SafetyOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rule of the guard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SafetyRule {
    pub rule: String,
    pub outcome: SafetyOutcome,
    /// Why.
    pub detail: String,
}

/// An IR or SQL to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<SqlText>,
    pub datasource_id: DatasourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// The instant that `today` and the like refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<MaxAge>,
}
impl QueryRequest {
    /// With the required members alone.
    pub fn new(datasource_id: DatasourceId) -> Self {
        Self { datasource_id, ir: None, sql: None, params: None, now: None, max_age: None }
    }
}

/// The row of a run whose base rows are wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct DrillRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<Row>,
    /// The place of the row among those that the run kept, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The metric whose rows are wanted; its own filter holds too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// How many seconds old the rows may be. Rows of an equal question, read within that time for
/// somebody who may see the same, are given again, and `cached` says so. Without it, or `Cache-
/// Control` with `max-age`, the source is always asked.
pub type MaxAge = u32;

/// A format of rows. `html` is a page with charts; charts of a report are those of its `visuals`,
/// or by the roles of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultFormat {
    Json,
    Csv,
    Ndjson,
    Arrow,
    Parquet,
    Html,
}

impl ResultFormat {
    /// Every value.
    pub const ALL: &[Self] =
        &[Self::Json, Self::Csv, Self::Ndjson, Self::Arrow, Self::Parquet, Self::Html];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Html => "html",
        }
    }
}

impl fmt::Display for ResultFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl RunStatus {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultColumn {
    pub name: String,
    pub r#type: DataType,
    pub role: ColumnRole,
}

/// What was sent to a source. A large table of PostgreSQL may be read by two connections at once,
/// each of which is told as a query with the range that it read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceSql {
    pub source: DatasourceId,
    pub dialect: Dialect,
    pub sql: String,
    pub params: BoundValues,
    /// Rows that came back; absent before the source has answered, and for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Pass,
    Warn,
    Fail,
}

impl CheckStatus {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Pass, Self::Warn, Self::Fail];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A check of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its stable name, such as `time_gaps`.
    pub id: String,
    pub status: CheckStatus,
    pub message: String,
    /// What was observed, the threshold, and the method.
    pub evidence: serde_json::Value,
}

/// The verdict on a run's rows; as bad as its worst check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub status: CheckStatus,
    /// Version of the set of checks and thresholds.
    pub rubric_version: String,
    pub checks: Vec<Check>,
    /// A model's analysis, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_md: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_used: Option<String>,
}

/// Who writes; as in `ask`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_model: Option<ForcedModel>,
}

/// An analysis of a run, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub analysis_id: AnalysisId,
    pub run_id: RunId,
    /// The text in Markdown.
    pub analysis_md: String,
    /// The model that wrote it; null where it was made by rules.
    pub model_used: Option<String>,
    /// Figures of texts that were refused, since they do not stand in the rows or the checks.
    pub refused: Vec<String>,
    /// What is missing of it and why, such as the findings of an EDA service that is away.
    pub notes: Vec<String>,
    pub verdict: Verdict,
    pub model: ModelUse,
    pub created_at: String,
}

/// Milliseconds of each stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    pub plan: f64,
    pub guard: f64,
    pub unparse: f64,
    pub execute: f64,
    pub qa: f64,
}

/// `local`: the process that was asked; `distributed`: workers, see `execution.engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEngine {
    Local,
    Distributed,
}

impl RunEngine {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Local, Self::Distributed];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Distributed => "distributed",
        }
    }
}

impl fmt::Display for RunEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who carried out what databases left to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunExecutor {
    pub engine: RunEngine,
    /// The workers that it was divided among.
    pub workers: Vec<String>,
    /// How often it was begun; 2 where a worker was lost.
    pub attempts: u64,
    /// Why it stayed in this process, where `execution.engine` is `distributed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The rows of a run, and what was done to get them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    pub run_id: RunId,
    pub status: RunStatus,
    pub datasource_id: DatasourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_id: Option<ReportId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<ReportKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
    pub columns: Vec<ResultColumn>,
    pub rows: Vec<Row>,
    pub row_count: u64,
    /// Whether the limit cut the result.
    pub truncated: bool,
    /// When the data was read.
    pub as_of: String,
    /// Whether the rows were read for an equal question before, at `as_of`.
    pub cached: bool,
    /// The instant that `today` and the like referred to.
    pub now: String,
    pub params: Params,
    pub sql: Vec<SourceSql>,
    pub safety_report: SafetyReport,
    pub qa: Verdict,
    pub timings_ms: Timings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<RunExecutor>,
    /// What a reader should know, such as a filter that applies to one fact alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Vec<String>>,
}

/// A report to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportCreate {
    pub key: ReportKey,
    pub title: String,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub id: ReportId,
    pub key: ReportKey,
    pub title: String,
    pub owner: String,
    pub archived: bool,
    /// The newest version; null while there is none.
    pub version: Option<VersionNumber>,
    pub created_at: String,
    pub updated_at: String,
}

/// A report with its newest version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportDetail {
    pub id: ReportId,
    pub key: ReportKey,
    pub title: String,
    pub owner: String,
    pub archived: bool,
    /// The newest version; null while there is none.
    pub version: Option<VersionNumber>,
    pub created_at: String,
    pub updated_at: String,
    /// The newest version; null while there is none.
    pub current: Option<ReportVersion>,
}

/// A page of reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportList {
    pub items: Vec<Report>,
    pub next: Option<Cursor>,
}

/// `active` is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportVersionStatus {
    Active,
    Superseded,
}

impl ReportVersionStatus {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Active, Self::Superseded];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for ReportVersionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A version of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportVersion {
    pub id: ReportVersionId,
    pub report_id: ReportId,
    pub version: VersionNumber,
    pub checksum: Checksum,
    pub status: ReportVersionStatus,
    /// The source it is bound to; null if it is portable.
    pub datasource_id: Option<DatasourceId>,
    /// The scope it came from.
    pub scope_version_id: Option<ScopeVersionId>,
    pub def: ReportDefinition,
    pub created_at: String,
}

/// A page of versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportVersionList {
    pub items: Vec<ReportVersion>,
    pub next: Option<Cursor>,
}

/// A definition to save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportVersionCreate {
    pub def: ReportDefinition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_version_id: Option<ScopeVersionId>,
}
impl ReportVersionCreate {
    /// With the required members alone.
    pub fn new(def: ReportDefinition) -> Self {
        Self { def, datasource_id: None, scope_version_id: None }
    }
}

/// The version that was saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportVersionCreated {
    pub report_id: ReportId,
    pub key: ReportKey,
    pub version: VersionNumber,
    pub checksum: Checksum,
}

/// A report's definition (`def_json`), of an IR or of SQL. SQL takes no parameters; it is read
/// against the catalog at each run, as `/v1/query` reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportDefinition {
    /// The version of this form.
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<SqlText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<ReportParams>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visuals: Option<Vec<Visual>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}
impl ReportDefinition {
    /// With the required members alone.
    pub fn new(version: String) -> Self {
        Self { version, ir: None, sql: None, params: None, visuals: None, notes: None }
    }
}

/// The parameters of a report. Each one used in the IR is declared in `schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportParams {
    /// The parameters that callers are shown; all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed: Option<Vec<String>>,
    pub schema: JsonSchema,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Params>,
}
impl ReportParams {
    /// With the required members alone.
    pub fn new(schema: JsonSchema) -> Self {
        Self { schema, exposed: None, defaults: None }
    }
}

/// The kinds of chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisualType {
    Line,
    Bar,
    Area,
    Scatter,
    Pie,
    Table,
}

impl VisualType {
    /// Every value.
    pub const ALL: &[Self] =
        &[Self::Line, Self::Bar, Self::Area, Self::Scatter, Self::Pie, Self::Table];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Bar => "bar",
            Self::Area => "area",
            Self::Scatter => "scatter",
            Self::Pie => "pie",
            Self::Table => "table",
        }
    }
}

impl fmt::Display for VisualType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A chart of the rows; members name output columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visual {
    pub r#type: VisualType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}
impl Visual {
    /// With the required members alone.
    pub fn new(r#type: VisualType) -> Self {
        Self { r#type, x: None, y: None, series: None, title: None }
    }
}

/// How to run a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ReportRunRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// The instant that `today` and the like refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<MaxAge>,
}

/// A format of exported definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    Json,
    Yaml,
}

impl ExportFormat {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Json, Self::Yaml];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A definition outside AIR. What it says of its origin (`version`, `checksum`, `exported_at`) is
/// not checked at import, so that it may be edited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportExport {
    pub format: String,
    pub key: ReportKey,
    pub title: String,
    /// The source it is bound to; null, or absent, if it is portable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exported_at: Option<String>,
    pub def: ReportDefinition,
}
impl ReportExport {
    /// With the required members alone.
    pub fn new(format: String, key: ReportKey, title: String, def: ReportDefinition) -> Self {
        Self {
            format,
            key,
            title,
            def,
            datasource_id: None,
            version: None,
            checksum: None,
            exported_at: None,
        }
    }
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    Learn,
    Analyze,
    BulkReports,
    Query,
    Report,
}

impl JobKind {
    /// Every value.
    pub const ALL: &[Self] =
        &[Self::Learn, Self::Analyze, Self::BulkReports, Self::Query, Self::Report];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learn => "learn",
            Self::Analyze => "analyze",
            Self::BulkReports => "bulk_reports",
            Self::Query => "query",
            Self::Report => "report",
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl JobStatus {
    /// Every value.
    pub const ALL: &[Self] =
        &[Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A job that was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobAccepted {
    pub job_id: JobId,
    pub kind: JobKind,
    pub status: JobStatus,
    /// Where it is read.
    pub job_url: String,
    /// Where its progress is told.
    pub websocket_channel: String,
    /// How long the like took before, such as `2m30s`; null where that is not known.
    pub estimated_duration: Option<String>,
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSummary {
    pub job_id: JobId,
    pub kind: JobKind,
    pub status: JobStatus,
    /// Whom it acts for.
    pub owner: String,
    /// Percent.
    pub progress: u16,
    /// What it is at.
    pub current_step: Option<String>,
    /// What is left at the pace so far, such as `2m30s`.
    pub estimated_remaining: Option<String>,
    /// How often a process took it.
    pub attempts: u64,
    /// Whether it is to stop.
    pub cancel_requested: bool,
    /// The schedule that made it.
    pub schedule_id: Option<ScheduleId>,
    /// The time of the schedule that it is for.
    pub scheduled_for: Option<String>,
    pub created_at: String,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    /// Where its progress is told.
    pub websocket_channel: String,
}

/// A job with what was asked for and what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub job_id: JobId,
    pub kind: JobKind,
    pub status: JobStatus,
    /// Whom it acts for.
    pub owner: String,
    /// Percent.
    pub progress: u16,
    /// What it is at.
    pub current_step: Option<String>,
    /// What is left at the pace so far, such as `2m30s`.
    pub estimated_remaining: Option<String>,
    /// How often a process took it.
    pub attempts: u64,
    /// Whether it is to stop.
    pub cancel_requested: bool,
    /// The schedule that made it.
    pub schedule_id: Option<ScheduleId>,
    /// The time of the schedule that it is for.
    pub scheduled_for: Option<String>,
    pub created_at: String,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    /// Where its progress is told.
    pub websocket_channel: String,
    /// What was asked for.
    pub input: serde_json::Map<String, serde_json::Value>,
    /// What it gave; null before it has. Runs are named, and their rows stay with them.
    pub result: serde_json::Value,
    /// The problem of a job that failed, or of its last attempt while it waits for another.
    pub error: Option<Problem>,
    /// The runs it made, the first first.
    pub run_ids: Vec<RunId>,
    /// Who worked on it, the first first.
    pub attempt_log: Vec<JobAttempt>,
}

/// One process working on a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobAttempt {
    /// Its number.
    pub attempt: u64,
    /// The process.
    pub process_id: String,
    pub started_at: String,
    pub ended_at: Option<String>,
    /// `completed`, `failed`, `cancelled`, `retried`, `released` (its process was ended) or `lost`
    /// (its process died); null while it goes on.
    pub outcome: Option<String>,
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobList {
    pub items: Vec<JobSummary>,
    pub next: Option<Cursor>,
}

/// Which sources to learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessLearnRequest {
    pub datasource_ids: Vec<DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<ProcessLearnOptions>,
}
impl ProcessLearnRequest {
    /// With the required members alone.
    pub fn new(datasource_ids: Vec<DatasourceId>) -> Self {
        Self { datasource_ids, options: None }
    }
}

/// How to learn them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ProcessLearnOptions {
    /// The same as `include_stats`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deep: Option<bool>,
    /// Also read least and greatest value, share of nulls and distinct estimate of each column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_stats: Option<bool>,
    /// Keep the values of text columns for finding them in questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_values: Option<bool>,
}

/// What to analyze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ProcessAnalyzeRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    /// Tables of the source; all if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<String>>,
    /// What the analysis is of, for its heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<AnalyzeOptions>,
}

/// What the EDA service adds; each is wanted unless it is false.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlations: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trends: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<bool>,
}

/// Reports to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkReportsRequest {
    pub reports: Vec<BulkReport>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
}
impl BulkReportsRequest {
    /// With the required members alone.
    pub fn new(reports: Vec<BulkReport>) -> Self {
        Self { reports, datasource_id: None }
    }
}

/// A report to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkReport {
    pub key: ReportKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
    /// The instant that `today` and the like refer to; when the job was asked for if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}
impl BulkReport {
    /// With the required members alone.
    pub fn new(key: ReportKey) -> Self {
        Self { key, version: None, datasource_id: None, params: None, now: None }
    }
}

/// What becomes of times that no process was there for: nothing, the latest is run, or each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfire {
    Skip,
    RunOnce,
    RunAll,
}

impl Misfire {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Skip, Self::RunOnce, Self::RunAll];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::RunOnce => "run_once",
            Self::RunAll => "run_all",
        }
    }
}

impl fmt::Display for Misfire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Parameters of the report. A value, or an element of a list, `{"during": "previous month",
/// "edge": "start"}` is the start of that period at each time (`end`: the first instant after it;
/// `"form": "date"`: its date).
pub type ScheduleParams = serde_json::Map<String, serde_json::Value>;

text_type! {
    /// Minute, hour, day of month, month, weekday, or a nickname such as `@daily`.
    Cron
}

/// Files as a form: each part `file` with its `filename`, and before it, where one is given, a
/// part `sha256` with its checksum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileUpload {
    pub file: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Vec<String>>,
}
impl FileUpload {
    /// With the required members alone.
    pub fn new(file: Vec<String>) -> Self {
        Self { file, sha256: None }
    }
}

/// What was kept of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Uploaded {
    pub items: Vec<UploadedFile>,
}

/// A page of files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UploadedFileList {
    pub items: Vec<UploadedFile>,
    pub next: Option<Cursor>,
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UploadedFile {
    pub id: FileId,
    /// As it was given, without folders and without characters that cannot be seen.
    pub name: String,
    pub owner: String,
    pub state: FileState,
    pub format: UploadFormat,
    pub compression: FileCompression,
    /// What it takes on the disk.
    pub bytes: u64,
    /// Of the bytes as they came.
    pub sha256: String,
    /// Once it is ready.
    pub rows: Option<u64>,
    /// Once it is ready.
    pub columns: Option<u64>,
    /// Why it was rejected, and what to do.
    pub reason: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// `quarantined` until it was read whole; `rejected` where it cannot be used, then nothing of it
/// is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    Quarantined,
    Ready,
    Rejected,
}

impl FileState {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Quarantined, Self::Ready, Self::Rejected];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "quarantined",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is in it, whatever its name says. TSV is `csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadFormat {
    Csv,
    Jsonl,
    Parquet,
}

impl UploadFormat {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Csv, Self::Jsonl, Self::Parquet];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

impl fmt::Display for UploadFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileCompression {
    None,
    Gzip,
    Zstd,
}

impl FileCompression {
    /// Every value.
    pub const ALL: &[Self] = &[Self::None, Self::Gzip, Self::Zstd];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for FileCompression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A report that is run at times of a calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub id: ScheduleId,
    pub name: String,
    /// Whom its jobs act for.
    pub owner: String,
    pub report_key: ReportKey,
    /// The report's version; null is the newest at each run.
    pub version: Option<VersionNumber>,
    /// The source of a portable report.
    pub datasource_id: Option<DatasourceId>,
    pub params: ScheduleParams,
    pub cron: Cron,
    /// An IANA time zone.
    pub time_zone: String,
    pub misfire: Misfire,
    /// The most that `run_all` runs of what was missed, the latest.
    pub max_catch_up: u16,
    pub enabled: bool,
    /// The next times, with the offset of the time zone; none where it is off.
    pub next_runs: Vec<String>,
    /// The time that was run last.
    pub last_run: Option<String>,
    /// Its job.
    pub last_job_id: Option<JobId>,
    /// Why it was turned off, where nobody did; changing it clears this.
    pub problem: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// A page of schedules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleList {
    pub items: Vec<Schedule>,
    pub next: Option<Cursor>,
}

/// A new schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleCreate {
    pub report_key: ReportKey,
    /// For people; the report's title if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<ScheduleParams>,
    pub cron: Cron,
    /// An IANA time zone; UTC if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfire: Option<Misfire>,
    /// The most that `run_all` runs of what was missed, the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_catch_up: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}
impl ScheduleCreate {
    /// With the required members alone.
    pub fn new(report_key: ReportKey, cron: Cron) -> Self {
        Self {
            report_key,
            cron,
            name: None,
            version: None,
            datasource_id: None,
            params: None,
            time_zone: None,
            misfire: None,
            max_catch_up: None,
            enabled: None,
        }
    }
}

/// What to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct SchedulePatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<ReportKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Null is the newest at each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
    /// Null is the report's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<ScheduleParams>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<Cron>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfire: Option<Misfire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_catch_up: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub run_id: RunId,
    pub status: RunStatus,
    /// The user who ran it.
    pub owner: String,
    pub datasource_id: DatasourceId,
    /// The report, where one was run.
    pub report_id: Option<ReportId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<ReportKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The report's version.
    pub version: Option<VersionNumber>,
    pub params: Params,
    pub row_count: Option<u64>,
    pub truncated: Option<bool>,
    /// The verdict; null where there are no rows to judge.
    pub qa_status: Option<CheckStatus>,
    pub started_at: String,
    pub finished_at: Option<String>,
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunList {
    pub items: Vec<RunSummary>,
    pub next: Option<Cursor>,
}

/// Everything that is kept of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub run_id: RunId,
    pub status: RunStatus,
    /// The user who ran it.
    pub owner: String,
    pub datasource_id: DatasourceId,
    /// The report, where one was run.
    pub report_id: Option<ReportId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<ReportKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// The report's version.
    pub version: Option<VersionNumber>,
    pub params: Params,
    pub row_count: Option<u64>,
    pub truncated: Option<bool>,
    /// The verdict; null where there are no rows to judge.
    pub qa_status: Option<CheckStatus>,
    pub started_at: String,
    pub finished_at: Option<String>,
    /// The instant that `today` and the like referred to.
    pub now: String,
    /// The IR; null where SQL was given.
    pub ir: Option<Ir>,
    pub sql: Vec<SourceSql>,
    pub safety_report: SafetyReport,
    pub columns: Vec<ResultColumn>,
    /// The first rows.
    pub sample: Vec<Row>,
    /// When the data was read.
    pub as_of: Option<String>,
    /// The verdict.
    pub qa: Option<Verdict>,
    /// Milliseconds of each stage, of a run that ended well.
    pub timings_ms: Option<Timings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<RunExecutor>,
    /// What went wrong.
    pub error: Option<Problem>,
}

/// A page of a run's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowPage {
    pub run_id: RunId,
    pub columns: Vec<ResultColumn>,
    pub items: Vec<Row>,
    /// Rows that are kept.
    pub row_count: u64,
    /// Whether the result, or what is kept of it, was cut.
    pub truncated: bool,
    pub next: Option<Cursor>,
}

text_type! {
    /// A room, as its URL names it.
    ChatRoomId
}

text_type! {
    /// A message.
    ChatMessageId
}

/// `personal`: a session of one person with AIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatRoomKind {
    Group,
    Personal,
}

impl ChatRoomKind {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Group, Self::Personal];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Personal => "personal",
        }
    }
}

impl fmt::Display for ChatRoomKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What AIR answers in a room: nothing, messages that begin with `@air`, or all. A message can
/// ask by itself wherever it is not `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatAi {
    Off,
    Mention,
    Always,
}

impl ChatAi {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Off, Self::Mention, Self::Always];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Mention => "mention",
            Self::Always => "always",
        }
    }
}

impl fmt::Display for ChatAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A new room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ChatRoomCreate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ChatRoomId>,
    /// The name for people; the id if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ChatRoomKind>,
    /// Whether only its members know of it. A personal room always is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai: Option<ChatAi>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    /// Who is in it from the start besides the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<String>>,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRoom {
    pub id: ChatRoomId,
    pub name: String,
    pub kind: ChatRoomKind,
    /// Whether only its members know of it.
    pub private: bool,
    pub ai: ChatAi,
    /// The source that is asked; the default one where it is null.
    pub datasource_id: Option<DatasourceId>,
    /// Who made it.
    pub created_by: String,
    /// How many members it has.
    pub members: u64,
    /// Whether the caller is one.
    pub joined: bool,
    /// The number of its last message; 0 if there was none.
    pub last_seq: u64,
    pub created_at: String,
}

/// A page of rooms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRoomList {
    pub items: Vec<ChatRoom>,
    pub next: Option<Cursor>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatPost {
    /// What is said.
    pub content: String,
    /// The client's own name of the message; sent again with the same content, it is one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<String>,
    /// Whether it asks AIR; the room''s rule if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<ChatMessageId>,
    /// Answers to the questions of the message `in_reply_to`, by question, in place of reading them
    /// from the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeMap<String, String>>,
}
impl ChatPost {
    /// With the required members alone.
    pub fn new(content: String) -> Self {
        Self { content, client_ref: None, ask: None, in_reply_to: None, answers: None }
    }
}

/// A message that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatPosted {
    pub message_id: ChatMessageId,
    pub room: ChatRoomId,
    /// Its number in the room.
    pub seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_id: Option<ChatMessageId>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatMessageType {
    User,
    Ai,
    System,
}

impl ChatMessageType {
    /// Every value.
    pub const ALL: &[Self] = &[Self::User, Self::Ai, Self::System];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Ai => "ai",
            Self::System => "system",
        }
    }
}

impl fmt::Display for ChatMessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    pub message_id: ChatMessageId,
    pub room: ChatRoomId,
    /// Its number in the room; that of its event on the channel `chat/<room>`.
    pub seq: u64,
    pub r#type: ChatMessageType,
    /// Who said it; `air` for answers.
    pub user_id: String,
    /// Text; an answer is Markdown.
    pub content: String,
    /// The message that it answers.
    pub in_reply_to: Option<ChatMessageId>,
    pub created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ChatAnswer>,
}

/// What goes with an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatAnswer {
    pub state: AskState,
    /// Who asked. Scope and run belong to them, and the rows are those they may see.
    pub asked_by: String,
    /// The question that was answered.
    pub question: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_id: Option<ScopeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_version_id: Option<ScopeVersionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpretation: Option<String>,
    pub assumptions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<Vec<Question>>,
    /// Answers to questions back that went into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql_text: Option<SqlText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge: Option<Badge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the source lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<ResultColumn>>,
    /// The first rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Row>>,
    /// How many rows the run has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
    /// Whether the run itself was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<Vec<SourceSql>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qa: Option<Verdict>,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatMessageList {
    pub items: Vec<ChatMessage>,
    pub next: Option<Cursor>,
}

/// A report to make of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatSave {
    pub key: ReportKey,
    /// The title; the question if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}
impl ChatSave {
    /// With the required members alone.
    pub fn new(key: ReportKey) -> Self {
        Self { key, title: None }
    }
}

/// Who joins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ChatJoin {
    /// The caller if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatMember {
    pub user_id: String,
    /// Whether they have an open socket.
    pub online: bool,
    /// Whether they are typing in this room.
    pub typing: bool,
    pub joined_at: String,
    /// When they were last heard of; null where that is longer ago than `chat.presence_timeout`.
    pub last_seen: Option<String>,
}

/// Who is in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatPresence {
    pub room: ChatRoomId,
    pub items: Vec<ChatMember>,
}

/// A session to open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningSessionCreate {
    /// The caller's own files, each ready.
    pub file_ids: Vec<FileId>,
    /// The name; those of the files if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
impl LearningSessionCreate {
    /// With the required members alone.
    pub fn new(file_ids: Vec<FileId>) -> Self {
        Self { file_ids, name: None }
    }
}

/// Whether something of it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearningSessionStatus {
    Open,
    Published,
}

impl LearningSessionStatus {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Open, Self::Published];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Published => "published",
        }
    }
}

impl fmt::Display for LearningSessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A file of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionFile {
    pub id: FileId,
    /// As it was uploaded.
    pub name: String,
    /// The table that it is.
    pub table: String,
    pub bytes: u64,
    pub rows: Option<u64>,
}

/// A learning session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningSession {
    pub id: LearningSessionId,
    pub name: String,
    pub owner: String,
    pub status: LearningSessionStatus,
    pub datasource_id: DatasourceId,
    pub files: Vec<SessionFile>,
    /// Questions that the built-in interpreter answers, to begin with.
    pub suggested_questions: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningSessionList {
    pub items: Vec<LearningSession>,
    pub next: Option<Cursor>,
}

/// A session with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningSessionDetail {
    pub id: LearningSessionId,
    pub name: String,
    pub owner: String,
    pub status: LearningSessionStatus,
    pub datasource_id: DatasourceId,
    pub files: Vec<SessionFile>,
    /// Questions that the built-in interpreter answers, to begin with.
    pub suggested_questions: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
    /// How the files join.
    pub joins: Vec<SessionJoin>,
    /// The transcript, oldest first.
    pub messages: Vec<ChatMessage>,
    /// Each version of a scope with its IR, oldest first.
    pub scopes: Vec<ScopeVersion>,
    /// What was run, oldest first.
    pub runs: Vec<RunSummary>,
    /// What was published.
    pub endpoints: Vec<EndpointVersion>,
}

/// Columns that lead from one file to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionJoin {
    /// `table.column`.
    pub from: String,
    /// The key, `table.column`.
    pub to: String,
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionMessage {
    pub text: String,
    /// Answers to the questions back of the last answer, by their ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeMap<String, String>>,
    /// Whether to run what was understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<bool>,
    /// The instant that `today` and the like refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}
impl SessionMessage {
    /// With the required members alone.
    pub fn new(text: String) -> Self {
        Self { text, answers: None, run: None, now: None }
    }
}

/// What to publish, and as what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionPublish {
    pub slug: EndpointSlug,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<ChatMessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The title; that of the version before, or the question, if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Vec<EndpointParam>>,
}
impl SessionPublish {
    /// With the required members alone.
    pub fn new(slug: EndpointSlug) -> Self {
        Self { slug, message_id: None, run_id: None, title: None, description: None, params: None }
    }
}

/// The type of a parameter. `period` is what `during` takes, such as `2024`, `2024-02` or `last 7
/// days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointParamType {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    Timestamp,
    Period,
}

impl EndpointParamType {
    /// Every value.
    pub const ALL: &[Self] = &[
        Self::Text,
        Self::Integer,
        Self::Number,
        Self::Boolean,
        Self::Date,
        Self::Timestamp,
        Self::Period,
    ];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Period => "period",
        }
    }
}

impl fmt::Display for EndpointParamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A parameter of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointParam {
    pub name: String,
    pub r#type: EndpointParamType,
    /// Whether it takes several values, of which one must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<bool>,
    /// The field whose filter it is for, as the IR calls it; its own name if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The operator of the IR; that of the filter that is there, else `=`, `in` for many, `during`
    /// for a period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// What is taken where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// Whether each call must give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The values that are taken; all of the type if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<serde_json::Value>>,
}
impl EndpointParam {
    /// With the required members alone.
    pub fn new(name: String, r#type: EndpointParamType) -> Self {
        Self {
            name,
            r#type,
            many: None,
            field: None,
            op: None,
            default: None,
            required: None,
            description: None,
            allowed: None,
        }
    }
}

/// A version of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointVersion {
    pub slug: EndpointSlug,
    pub version: VersionNumber,
}

/// A published endpoint, as its newest version is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub slug: EndpointSlug,
    pub version: VersionNumber,
    /// Every version that may be called.
    pub versions: Vec<VersionNumber>,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who published it.
    pub owner: String,
    pub report_key: ReportKey,
    pub datasource_id: DatasourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<LearningSessionId>,
    pub url: String,
    pub params: Vec<EndpointParam>,
    pub columns: Vec<ResultColumn>,
    /// When this version was published.
    pub created_at: String,
}

/// A page of endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointList {
    pub items: Vec<Endpoint>,
    pub next: Option<Cursor>,
}

/// A key to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointKeyCreate {
    /// What the key is for.
    pub name: String,
}

/// A key of an endpoint, without the key itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointKey {
    pub id: EndpointKeyId,
    pub slug: EndpointSlug,
    pub name: String,
    pub created_by: String,
    pub created_at: String,
    /// To the minute; absent if it was never used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
}

/// A key that was just made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointKeyCreated {
    pub id: EndpointKeyId,
    pub slug: EndpointSlug,
    pub name: String,
    pub created_by: String,
    pub created_at: String,
    /// The key. It is not told again.
    pub key: String,
}

/// A page of keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointKeyList {
    pub items: Vec<EndpointKey>,
    pub next: Option<Cursor>,
}

text_type! {
    /// The `operationId` of what was done; or `token.refused`, `role.refused`, `plan.refused`,
    /// `audit.dropped`.
    AuditAction
}

/// Something that was done, or refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: String,
    /// Whose token it was; empty where there was none.
    pub actor: String,
    /// The role of the token; empty where there was none.
    pub role: String,
    pub action: AuditAction,
    /// What it was done to: an id or a key. Empty where there is none.
    pub subject: String,
    pub detail: AuditDetail,
    /// The request; null for what AIR did by itself.
    pub request_id: Option<RequestId>,
    pub created_at: String,
}

/// The status or the code of the answer, the run, the rules that refused.
pub type AuditDetail = serde_json::Map<String, serde_json::Value>;

/// A page of entries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditList {
    pub items: Vec<AuditEntry>,
    pub next: Option<Cursor>,
}

/// The process lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Liveness {
    pub status: String,
    pub version: String,
}

/// Whether the service can take work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadyStatus {
    Ready,
    NotReady,
}

impl ReadyStatus {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Ready, Self::NotReady];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not_ready",
        }
    }
}

impl fmt::Display for ReadyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartStatus {
    Ok,
    Off,
    Degraded,
    Failing,
}

impl PartStatus {
    /// Every value.
    pub const ALL: &[Self] = &[Self::Ok, Self::Off, Self::Degraded, Self::Failing];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Off => "off",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

impl fmt::Display for PartStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the socket offers, and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SocketInfo {
    /// Whether one can be opened.
    pub enabled: bool,
    /// The forms of channels.
    pub channels: Vec<String>,
    /// Bytes of a message from a client.
    pub max_message_size: u64,
    /// Messages that may wait for a slow reader.
    pub buffer_size: u64,
    /// How often the server asks whether the client is there.
    pub ping_period_ms: u64,
    /// How long a silent client is believed to be there.
    pub pong_wait_ms: u64,
    /// Whether permessage-deflate is agreed to.
    pub compression: bool,
    pub sockets_per_user: u64,
    pub subscriptions_per_user: u64,
}

/// Whether the service can take work, and how each part is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readiness {
    pub status: ReadyStatus,
    /// The parts by name.
    pub parts: BTreeMap<String, Part>,
}

/// A part of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub status: PartStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The query of `list_datasources`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListDatasourcesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `learn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnQuery {
    /// The source to learn.
    pub datasource_id: DatasourceId,
}

/// The query of `get_schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct GetSchemaQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `list_scopes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListScopesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Only scopes of this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ScopeStatus>,
}

/// The query of `get_scope_diff`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct GetScopeDiffQuery {
    /// The version before; the one before `to` if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<VersionNumber>,
    /// The version after; the newest if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<VersionNumber>,
}

/// The query of `plan_sql`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct PlanSqlQuery {
    /// The source, where the body does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
}

/// The query of `query`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct QueryQuery {
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ResultFormat>,
}

/// The query of `list_reports`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListReportsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `list_report_versions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListReportVersionsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `run_report`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct RunReportQuery {
    /// The source of a portable report; of a bound one it may only repeat the bound source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
    /// The version to run; the newest if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ResultFormat>,
}

/// The query of `list_report_runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListReportRunsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Only runs of this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
}

/// The query of `export_report`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ExportReportQuery {
    /// The format; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ExportFormat>,
    /// The version; the newest if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
}

/// The query of `import_report`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ImportReportQuery {
    /// The key to import under, in place of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ReportKey>,
    /// The source to bind to, in place of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datasource_id: Option<DatasourceId>,
}

/// The query of `drill_run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct DrillRunQuery {
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ResultFormat>,
}

/// The query of `get_run_rows`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct GetRunRowsQuery {
    /// Rows on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ResultFormat>,
}

/// The query of `list_jobs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListJobsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Only jobs of this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// Only jobs of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JobKind>,
    /// Only jobs that this schedule made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<ScheduleId>,
}

/// The query of `list_schedules`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListSchedulesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `list_files`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListFilesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `upload_files`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct UploadFilesQuery {
    /// The name of the file that is the body, with its ending. It is shown without folders, and is no
    /// place on the server's disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the answer waits until the files were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<bool>,
}

/// The query of `list_chat_rooms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListChatRoomsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Only rooms that the caller is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<bool>,
}

/// The query of `list_chat_messages`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListChatMessagesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// The number of the last message that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// The query of `leave_chat_room`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct LeaveChatRoomQuery {
    /// Who leaves; the caller if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// The query of `list_learning_sessions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListLearningSessionsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `list_endpoints`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListEndpointsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `call_endpoint`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct CallEndpointQuery {
    /// The version; the newest if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionNumber>,
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<ResultFormat>,
    /// The instant that `today` and the like refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// The query of `list_endpoint_keys`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListEndpointKeysQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// The query of `list_audit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ListAuditQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Only entries of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<AuditAction>,
    /// Only what was done to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Only entries from this instant on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Only entries before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}
