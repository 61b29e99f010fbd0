// Generated from api/openapi.yaml by api/generate. Do not edit: change the contract, then run it.

//! The contract's schemas as Rust types.

#![expect(dead_code, reason = "the contract says more than the server reads")]

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A text of one kind, so that two cannot be swapped. The server checks its form.
macro_rules! text_type {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub(crate) fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub(crate) fn as_str(&self) -> &str {
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
    /// SHA-256 of a definition in canonical form, in hexadecimal.
    Checksum
}

/// A version, counted from 1.
pub(crate) type VersionNumber = u32;

text_type! {
    /// Where a page begins. Opaque.
    Cursor
}

/// The intermediate representation. Its own schema is `GET /v1/ir/schema`.
pub(crate) type Ir = serde_json::Map<String, serde_json::Value>;

/// A JSON Schema, draft 2020-12.
pub(crate) type JsonSchema = serde_json::Map<String, serde_json::Value>;

/// Parameters by name.
pub(crate) type Params = serde_json::Map<String, serde_json::Value>;

/// A row; values by column name.
pub(crate) type Row = serde_json::Map<String, serde_json::Value>;

/// An OpenAPI document.
pub(crate) type OpenApiDocument = serde_json::Map<String, serde_json::Value>;

/// RFC 4180, with a header line. Text cells that begin with `= + - @` or a control character get
/// a leading apostrophe.
pub(crate) type Csv = String;

/// One row on a line, each a JSON object.
pub(crate) type Ndjson = String;

/// An HTML page.
pub(crate) type Html = String;

/// The text format of Prometheus.
pub(crate) type Metrics = String;

/// Functions that a model can call, and the request behind each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ToolList {
    pub(crate) tools: Vec<Tool>,
    /// By the function's name.
    pub(crate) calls: BTreeMap<String, ToolCall>,
}

/// A function definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tool {
    pub(crate) r#type: String,
    pub(crate) function: ToolFunction,
}

/// What a model is told of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ToolFunction {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) parameters: JsonSchema,
}

/// The request that carries out a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ToolCall {
    pub(crate) method: String,
    /// With `{name}` for each of `path_parameters`.
    pub(crate) path: String,
    pub(crate) path_parameters: Vec<String>,
    pub(crate) query_parameters: Vec<String>,
}

/// A message of JSON-RPC 2.0, as the Model Context Protocol says.
pub(crate) type McpMessage = serde_json::Map<String, serde_json::Value>;

/// An error, as RFC 9457 says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// `about:blank`; the kind of error is in `code`.
    pub(crate) r#type: String,
    /// The status in words.
    pub(crate) title: String,
    /// The HTTP status.
    pub(crate) status: u16,
    pub(crate) code: ErrorCode,
    /// What is wrong and what to do.
    pub(crate) detail: String,
    pub(crate) request_id: crate::id::RequestId,
    /// Everything that is wrong, one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<Vec<FieldError>>,
    /// What each rule of the guard said; with `refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) safety_report: Option<Vec<SafetyRule>>,
}

/// The kinds of error. Each has one status, `x-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorCode {
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
    pub(crate) const ALL: &[Self] = &[
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
    pub(crate) fn as_str(self) -> &'static str {
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
    pub(crate) fn status(self) -> u16 {
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
pub(crate) struct FieldError {
    /// A JSON pointer into the body (`""` is the whole of it), `?name` for a query parameter,
    /// `{name}` for one of the path, `Name:` for a header.
    pub(crate) pointer: String,
    pub(crate) code: FieldErrorCode,
    /// What is wrong and what to do.
    pub(crate) detail: String,
    /// Known names close to the one that was not found, nearest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nearest: Option<Vec<String>>,
}

/// The kinds of `errors`. All but the last two are those of the IR, which means the same by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldErrorCode {
    UnknownField,
    MissingField,
    BadType,
    BadValue,
    Conflict,
    DuplicateName,
    UnknownEntity,
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
    pub(crate) const ALL: &[Self] = &[
        Self::UnknownField,
        Self::MissingField,
        Self::BadType,
        Self::BadValue,
        Self::Conflict,
        Self::DuplicateName,
        Self::UnknownEntity,
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
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UnknownField => "unknown_field",
            Self::MissingField => "missing_field",
            Self::BadType => "bad_type",
            Self::BadValue => "bad_value",
            Self::Conflict => "conflict",
            Self::DuplicateName => "duplicate_name",
            Self::UnknownEntity => "unknown_entity",
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

/// A source to register. `files` has a `base_path`, a database a `dsn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatasourceCreate {
    pub(crate) id: crate::id::DatasourceId,
    pub(crate) kind: air_ir::catalog::SourceKind,
    /// How to reach a database. Its password is encrypted at rest, or the whole a `${ENV_VAR}`; it is
    /// never given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dsn: Option<String>,
    /// The folder of a `files` source, relative to `files.base_path` of the configuration or inside
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_path: Option<String>,
    /// The name for people; the id if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    /// Whether this is the source of those who name none. There is at most one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<bool>,
    /// Whether a DSN with a superuser's rights is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allow_superuser: Option<bool>,
}

/// What to change of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatasourcePatch {
    /// How to reach a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dsn: Option<String>,
    /// The folder of a `files` source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_path: Option<String>,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    /// Whether this is the source of those who name none; `true` takes it from the one that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<bool>,
    /// Whether a DSN with a superuser's rights is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allow_superuser: Option<bool>,
}

/// A source, without its DSN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Datasource {
    pub(crate) id: crate::id::DatasourceId,
    pub(crate) kind: air_ir::catalog::SourceKind,
    /// The name for people.
    pub(crate) display_name: String,
    /// Whether this is the source of those who name none.
    pub(crate) default: bool,
    /// The folder of a `files` source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_path: Option<String>,
    pub(crate) health: Health,
    /// The catalog's version; null before it was learned.
    pub(crate) catalog_version: Option<String>,
    /// When it was last learned.
    pub(crate) learned_at: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A page of sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DatasourceList {
    pub(crate) items: Vec<Datasource>,
    pub(crate) next: Option<Cursor>,
}

/// How a source was found. `unknown` was never reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HealthStatus {
    Ok,
    Failing,
    Unknown,
}

impl HealthStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Ok, Self::Failing, Self::Unknown];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct Health {
    pub(crate) status: HealthStatus,
    /// When it was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checked_at: Option<String>,
    /// How long that took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) latency_ms: Option<f64>,
    /// What was found; if it fails, why and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// How to learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct LearnRequest {
    /// Also read least and greatest value, share of nulls and distinct estimate of each column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) include_stats: Option<bool>,
    /// Keep the values of text columns for finding them in questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample_values: Option<bool>,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LearnResult {
    pub(crate) datasource_id: crate::id::DatasourceId,
    /// The catalog's version; the same contents have the same.
    pub(crate) catalog_version: String,
    pub(crate) learned_at: String,
    /// Tables found.
    pub(crate) tables: u64,
    /// Columns found.
    pub(crate) columns: u64,
    /// Schema notes that are new or changed.
    pub(crate) notes_written: u64,
    /// Schema notes that stayed.
    pub(crate) notes_unchanged: u64,
    /// Columns (`table.column`) whose type cannot be read; they are listed and left out of queries.
    pub(crate) unreadable: Vec<String>,
    /// What was found odd, in sentences.
    pub(crate) warnings: Vec<String>,
    pub(crate) duration_ms: f64,
}

/// A chunk of schema notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SchemaNote {
    /// The table.
    pub(crate) object: String,
    /// Which part of the table's notes, from 0.
    pub(crate) chunk: u64,
    /// Markdown.
    pub(crate) md: String,
    pub(crate) md_hash: Checksum,
    pub(crate) created_at: String,
}

/// A page of schema notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SchemaNoteList {
    pub(crate) items: Vec<SchemaNote>,
    pub(crate) next: Option<Cursor>,
}

/// Who interprets. `builtin` needs no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Provider {
    Builtin,
    Openai,
    Ollama,
}

impl Provider {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Builtin, Self::Openai, Self::Ollama];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) enum ForcedModel {
    Openai,
    Llama3,
    Sqlcoder,
}

impl ForcedModel {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Openai, Self::Llama3, Self::Sqlcoder];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct AskRequest {
    pub(crate) question: String,
    pub(crate) datasource_id: crate::id::DatasourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<Provider>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) force_model: Option<ForcedModel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<PreviousAsk>,
    /// Answers to the questions of a `clarify`, by question: a choice's `value`, `you_decide` for the
    /// recommended one, or words of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answers: Option<BTreeMap<String, String>>,
    /// The instant that `today` and `last week` refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<String>,
    /// Whether to run what was understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<bool>,
}

/// What a follow-up question changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviousAsk {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope_version_id: Option<crate::id::ScopeVersionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ir: Option<Ir>,
}

/// How an ask ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AskState {
    Clarify,
    Answer,
    CannotAnswer,
    Failed,
}

impl AskState {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Clarify, Self::Answer, Self::CannotAnswer, Self::Failed];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) enum Badge {
    Verified,
    Validated,
    Unchecked,
}

impl Badge {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Verified, Self::Validated, Self::Unchecked];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct AskResponse {
    pub(crate) state: AskState,
    /// The scope; null only where the state is `failed`.
    pub(crate) scope_id: Option<crate::id::ScopeId>,
    /// Its version; null only where the state is `failed`.
    pub(crate) scope_version_id: Option<crate::id::ScopeVersionId>,
    /// The scope in Markdown; null only where the state is `failed`.
    pub(crate) scope_md: Option<String>,
    /// What was understood; null if that is not enough for an IR.
    pub(crate) ir: Option<Ir>,
    /// How far the answer was checked; null where there is none.
    pub(crate) badge: Option<Badge>,
    pub(crate) confidence: Option<f64>,
    /// What was understood, in a sentence.
    pub(crate) interpretation: Option<String>,
    /// What was taken for granted, in sentences.
    pub(crate) assumptions: Vec<String>,
    /// What must be known first; with `clarify` only.
    pub(crate) questions: Vec<Question>,
    /// The filters, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filters: Option<Vec<String>>,
    /// The tables that are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tables: Option<Vec<String>>,
    /// Why, where the state is `cannot_answer` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What the source lacks, where the state is `cannot_answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<Problem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<RunResult>,
}

/// A question back. Besides the choices, `you_decide` and words of one's own are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Question {
    /// The key of its answer.
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) choices: Vec<Choice>,
    /// The `value` of the recommended choice.
    pub(crate) recommended: Option<String>,
}

/// A possible answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
}

/// Whether a person confirmed the newest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeStatus {
    Draft,
    Approved,
}

impl ScopeStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Draft, Self::Approved];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct ScopeCreate {
    /// The name; its question if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    pub(crate) scope_md: ScopeMarkdown,
}

/// Markdown with the headings Question, Data, Measures, Breakdown, Filters, Period, Order and
/// limit, Assumptions, Open questions.
pub(crate) type ScopeMarkdown = String;

/// The next version of a scope, or the approval of the newest one as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeVersionCreate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope_md: Option<ScopeMarkdown>,
    /// Whether a person confirms this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approve: Option<bool>,
}

/// A scope, and which version is its newest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scope {
    pub(crate) id: crate::id::ScopeId,
    pub(crate) name: String,
    pub(crate) status: ScopeStatus,
    /// The user it belongs to.
    pub(crate) owner: String,
    pub(crate) version: VersionNumber,
    pub(crate) scope_version_id: crate::id::ScopeVersionId,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A scope with its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopeDetail {
    pub(crate) id: crate::id::ScopeId,
    pub(crate) name: String,
    pub(crate) status: ScopeStatus,
    /// The user it belongs to.
    pub(crate) owner: String,
    pub(crate) version: VersionNumber,
    pub(crate) scope_version_id: crate::id::ScopeVersionId,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    /// Newest first; the newest 100.
    pub(crate) versions: Vec<ScopeVersion>,
}

/// A version of a scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopeVersion {
    pub(crate) scope_version_id: crate::id::ScopeVersionId,
    pub(crate) scope_id: crate::id::ScopeId,
    pub(crate) version: VersionNumber,
    pub(crate) scope_md: String,
    /// Its IR, once it was built.
    pub(crate) ir: Option<Ir>,
    /// Whether a person confirmed it.
    pub(crate) approved: bool,
    pub(crate) created_at: String,
}

/// A page of scopes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopeList {
    pub(crate) items: Vec<Scope>,
    pub(crate) next: Option<Cursor>,
}

/// Which scope version to build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IrBuildRequest {
    pub(crate) scope_version_id: crate::id::ScopeVersionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
}

/// The IR of a scope version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IrBuildResponse {
    pub(crate) scope_version_id: crate::id::ScopeVersionId,
    pub(crate) datasource_id: crate::id::DatasourceId,
    pub(crate) ir: Ir,
    /// What was taken for granted, in sentences.
    pub(crate) assumptions: Vec<String>,
}

/// The dialects SQL is written in. `datafusion` is local execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dialect {
    Postgres,
    Timescaledb,
    Mysql,
    Datafusion,
}

impl Dialect {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Postgres, Self::Timescaledb, Self::Mysql, Self::Datafusion];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) type SqlText = String;

/// An IR or SQL to plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql: Option<SqlText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dialect: Option<Dialect>,
    /// Further dialects to write the same plan in; `all_sql` holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dialects: Option<Vec<Dialect>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Params>,
    /// The instant that `today` and the like refer to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<String>,
}

/// SQL, as it would be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SqlResponse {
    pub(crate) dialect: Dialect,
    pub(crate) sql: String,
    pub(crate) params: BoundValues,
    pub(crate) safety_report: SafetyReport,
    /// The guarded plan as an indented tree.
    pub(crate) plan: String,
    /// The same plan in each of the `dialects` that were asked for, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) all_sql: Option<Vec<DialectSql>>,
    /// What a run would ask of each database, where a part of the plan is left to AIR or several
    /// sources are asked. `sql` is then the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) queries: Option<Vec<SourceSql>>,
}

/// A plan in one dialect, or why that engine could not give the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DialectSql {
    pub(crate) dialect: Dialect,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<BoundValues>,
    /// What the engine cannot do, and what to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unsupported: Option<String>,
}

/// The values that are bound, in their order.
pub(crate) type BoundValues = Vec<serde_json::Value>;

/// What each rule of the guard said.
pub(crate) type SafetyReport = Vec<SafetyRule>;

/// What a rule did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SafetyOutcome {
    Ok,
    Injected,
    Warned,
    Refused,
}

impl SafetyOutcome {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Ok, Self::Injected, Self::Warned, Self::Refused];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct SafetyRule {
    pub(crate) rule: String,
    pub(crate) outcome: SafetyOutcome,
    /// Why.
    pub(crate) detail: String,
}

/// An IR or SQL to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql: Option<SqlText>,
    pub(crate) datasource_id: crate::id::DatasourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Params>,
    /// The instant that `today` and the like refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<String>,
}

/// A format of rows. `html` is a page with charts; charts of a report are those of its `visuals`,
/// or by the roles of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultFormat {
    Json,
    Csv,
    Ndjson,
    Arrow,
    Parquet,
    Html,
}

impl ResultFormat {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Json, Self::Csv, Self::Ndjson, Self::Arrow, Self::Parquet, Self::Html];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) enum RunStatus {
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl RunStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    pub(crate) r#type: air_ir::DataType,
    pub(crate) role: air_ir::catalog::Role,
}

/// What was sent to a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceSql {
    pub(crate) source: crate::id::DatasourceId,
    pub(crate) dialect: Dialect,
    pub(crate) sql: String,
    pub(crate) params: BoundValues,
    /// Rows that came back; absent before the source has answered, and for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<u64>,
}

/// Milliseconds of each stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timings {
    pub(crate) plan: f64,
    pub(crate) guard: f64,
    pub(crate) unparse: f64,
    pub(crate) execute: f64,
    pub(crate) qa: f64,
}

/// The rows of a run, and what was done to get them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunResult {
    pub(crate) run_id: crate::id::RunId,
    pub(crate) status: RunStatus,
    pub(crate) datasource_id: crate::id::DatasourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) report_id: Option<crate::id::ReportId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) report_key: Option<crate::id::ReportKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionNumber>,
    pub(crate) columns: Vec<ResultColumn>,
    pub(crate) rows: Vec<Row>,
    pub(crate) row_count: u64,
    /// Whether the limit cut the result.
    pub(crate) truncated: bool,
    /// When the data was read.
    pub(crate) as_of: String,
    /// The instant that `today` and the like referred to.
    pub(crate) now: String,
    pub(crate) params: Params,
    pub(crate) sql: Vec<SourceSql>,
    pub(crate) safety_report: SafetyReport,
    pub(crate) qa: air_ir::Verdict,
    pub(crate) timings_ms: Timings,
    /// What a reader should know, such as a filter that applies to one fact alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<Vec<String>>,
}

/// A report to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportCreate {
    pub(crate) key: crate::id::ReportKey,
    pub(crate) title: String,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) id: crate::id::ReportId,
    pub(crate) key: crate::id::ReportKey,
    pub(crate) title: String,
    pub(crate) owner: String,
    pub(crate) archived: bool,
    /// The newest version; null while there is none.
    pub(crate) version: Option<VersionNumber>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A report with its newest version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportDetail {
    pub(crate) id: crate::id::ReportId,
    pub(crate) key: crate::id::ReportKey,
    pub(crate) title: String,
    pub(crate) owner: String,
    pub(crate) archived: bool,
    /// The newest version; null while there is none.
    pub(crate) version: Option<VersionNumber>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    /// The newest version; null while there is none.
    pub(crate) current: Option<ReportVersion>,
}

/// A page of reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportList {
    pub(crate) items: Vec<Report>,
    pub(crate) next: Option<Cursor>,
}

/// `active` is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportVersionStatus {
    Active,
    Superseded,
}

impl ReportVersionStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Active, Self::Superseded];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct ReportVersion {
    pub(crate) id: crate::id::ReportVersionId,
    pub(crate) report_id: crate::id::ReportId,
    pub(crate) version: VersionNumber,
    pub(crate) checksum: Checksum,
    pub(crate) status: ReportVersionStatus,
    /// The source it is bound to; null if it is portable.
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    /// The scope it came from.
    pub(crate) scope_version_id: Option<crate::id::ScopeVersionId>,
    pub(crate) def: ReportDefinition,
    pub(crate) created_at: String,
}

/// A page of versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportVersionList {
    pub(crate) items: Vec<ReportVersion>,
    pub(crate) next: Option<Cursor>,
}

/// A definition to save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportVersionCreate {
    pub(crate) def: ReportDefinition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope_version_id: Option<crate::id::ScopeVersionId>,
}

/// The version that was saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportVersionCreated {
    pub(crate) report_id: crate::id::ReportId,
    pub(crate) key: crate::id::ReportKey,
    pub(crate) version: VersionNumber,
    pub(crate) checksum: Checksum,
}

/// A report's definition (`def_json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportDefinition {
    /// The version of this form.
    pub(crate) version: String,
    pub(crate) ir: Ir,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<ReportParams>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) visuals: Option<Vec<Visual>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

/// The parameters of a report. Each one used in the IR is declared in `schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportParams {
    /// The parameters that callers are shown; all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exposed: Option<Vec<String>>,
    pub(crate) schema: JsonSchema,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) defaults: Option<Params>,
}

/// The kinds of chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VisualType {
    Line,
    Bar,
    Area,
    Scatter,
    Pie,
    Table,
}

impl VisualType {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Line, Self::Bar, Self::Area, Self::Scatter, Self::Pie, Self::Table];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct Visual {
    pub(crate) r#type: VisualType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) y: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) series: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

/// How to run a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportRunRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Params>,
    /// The instant that `today` and the like refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<String>,
}

/// A format of exported definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ExportFormat {
    Json,
    Yaml,
}

impl ExportFormat {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Json, Self::Yaml];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct ReportExport {
    pub(crate) format: String,
    pub(crate) key: crate::id::ReportKey,
    pub(crate) title: String,
    /// The source it is bound to; null, or absent, if it is portable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exported_at: Option<String>,
    pub(crate) def: ReportDefinition,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunSummary {
    pub(crate) run_id: crate::id::RunId,
    pub(crate) status: RunStatus,
    /// The user who ran it.
    pub(crate) owner: String,
    pub(crate) datasource_id: crate::id::DatasourceId,
    /// The report, where one was run.
    pub(crate) report_id: Option<crate::id::ReportId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) report_key: Option<crate::id::ReportKey>,
    /// The report's version.
    pub(crate) version: Option<VersionNumber>,
    pub(crate) params: Params,
    pub(crate) row_count: Option<u64>,
    pub(crate) truncated: Option<bool>,
    /// The verdict; null where there are no rows to judge.
    pub(crate) qa_status: Option<air_ir::CheckStatus>,
    pub(crate) started_at: String,
    pub(crate) finished_at: Option<String>,
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunList {
    pub(crate) items: Vec<RunSummary>,
    pub(crate) next: Option<Cursor>,
}

/// Everything that is kept of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) run_id: crate::id::RunId,
    pub(crate) status: RunStatus,
    /// The user who ran it.
    pub(crate) owner: String,
    pub(crate) datasource_id: crate::id::DatasourceId,
    /// The report, where one was run.
    pub(crate) report_id: Option<crate::id::ReportId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) report_key: Option<crate::id::ReportKey>,
    /// The report's version.
    pub(crate) version: Option<VersionNumber>,
    pub(crate) params: Params,
    pub(crate) row_count: Option<u64>,
    pub(crate) truncated: Option<bool>,
    /// The verdict; null where there are no rows to judge.
    pub(crate) qa_status: Option<air_ir::CheckStatus>,
    pub(crate) started_at: String,
    pub(crate) finished_at: Option<String>,
    /// The instant that `today` and the like referred to.
    pub(crate) now: String,
    /// The IR; null where SQL was given.
    pub(crate) ir: Option<Ir>,
    pub(crate) sql: Vec<SourceSql>,
    pub(crate) safety_report: SafetyReport,
    pub(crate) columns: Vec<ResultColumn>,
    /// The first rows.
    pub(crate) sample: Vec<Row>,
    /// When the data was read.
    pub(crate) as_of: Option<String>,
    /// The verdict.
    pub(crate) qa: Option<air_ir::Verdict>,
    /// Milliseconds of each stage, of a run that ended well.
    pub(crate) timings_ms: Option<Timings>,
    /// What went wrong.
    pub(crate) error: Option<Problem>,
}

/// A page of a run's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RowPage {
    pub(crate) run_id: crate::id::RunId,
    pub(crate) columns: Vec<ResultColumn>,
    pub(crate) items: Vec<Row>,
    /// Rows that are kept.
    pub(crate) row_count: u64,
    /// Whether the result, or what is kept of it, was cut.
    pub(crate) truncated: bool,
    pub(crate) next: Option<Cursor>,
}

/// The process lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Liveness {
    pub(crate) status: String,
    pub(crate) version: String,
}

/// Whether the service can take work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadyStatus {
    Ready,
    NotReady,
}

impl ReadyStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Ready, Self::NotReady];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) enum PartStatus {
    Ok,
    Off,
    Degraded,
    Failing,
}

impl PartStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Ok, Self::Off, Self::Degraded, Self::Failing];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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

/// Whether the service can take work, and how each part is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Readiness {
    pub(crate) status: ReadyStatus,
    /// The parts by name.
    pub(crate) parts: BTreeMap<String, Part>,
}

/// A part of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) status: PartStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// The query of `list_datasources`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListDatasourcesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `learn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LearnQuery {
    /// The source to learn.
    pub(crate) datasource_id: crate::id::DatasourceId,
}

/// The query of `get_schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetSchemaQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `list_scopes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListScopesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
    /// Only scopes of this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<ScopeStatus>,
}

/// The query of `plan_sql`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanSqlQuery {
    /// The source, where the body does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
}

/// The query of `query`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryQuery {
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<ResultFormat>,
}

/// The query of `list_reports`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListReportsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `list_report_versions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListReportVersionsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `run_report`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunReportQuery {
    /// The source of a portable report; of a bound one it may only repeat the bound source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    /// The version to run; the newest if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionNumber>,
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<ResultFormat>,
}

/// The query of `list_report_runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListReportRunsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
    /// Only runs of this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<RunStatus>,
}

/// The query of `export_report`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportReportQuery {
    /// The format; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<ExportFormat>,
    /// The version; the newest if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionNumber>,
}

/// The query of `import_report`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportReportQuery {
    /// The key to import under, in place of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<crate::id::ReportKey>,
    /// The source to bind to, in place of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
}

/// The query of `get_run_rows`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetRunRowsQuery {
    /// Rows on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u32>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<ResultFormat>,
}
