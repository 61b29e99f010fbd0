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
    pub(crate) const ALL: &[Self] = &[
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
    pub(crate) fn as_str(self) -> &'static str {
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
    /// it. A store is a source by the configuration alone.
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
    /// The folder of a `files` source, or the address of the store it lies in.
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

/// Who interprets. `builtin` needs no model. One that is named here is asked alone, and no other
/// is shown anything; where it is away, the built-in interpreter stands in and that is said.
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

/// What a follow-up question changes. A version that ended without an answer stands for the
/// newest before it that has an IR; one of SQL, or of another source, or edited so that it cannot
/// be read, is refused.
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
    /// The answer as a message; in a learning session only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<crate::id::ChatMessageId>,
    /// The scope; null only where the state is `failed`.
    pub(crate) scope_id: Option<crate::id::ScopeId>,
    /// Its version; null only where the state is `failed`.
    pub(crate) scope_version_id: Option<crate::id::ScopeVersionId>,
    /// The scope in Markdown; null only where the state is `failed`.
    pub(crate) scope_md: Option<String>,
    /// What was understood; null if that is not enough for an IR.
    pub(crate) ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql_text: Option<SqlText>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<ModelUse>,
}

/// What models did, where they were asked. None of their own words is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelUse {
    /// The model whose work counts, as `name:model`; null where no model gave anything of use.
    pub(crate) used: Option<String>,
    pub(crate) tried: Vec<ModelTried>,
    /// Calls that were answered.
    pub(crate) calls: u64,
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    /// Whether a server did not count its tokens, so that the numbers are estimates.
    pub(crate) estimated: bool,
    /// Whether an earlier reply to the same was taken again.
    pub(crate) kept: bool,
    /// The prompts, each with the first digits of its hash.
    pub(crate) prompts: String,
}

/// A model that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelTried {
    pub(crate) model: String,
    /// What came of it.
    pub(crate) outcome: String,
    /// How often a wrong draft was sent back.
    pub(crate) corrections: u64,
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

/// What changed from one version of a scope to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopeDiff {
    pub(crate) scope_id: crate::id::ScopeId,
    pub(crate) from: VersionNumber,
    pub(crate) to: VersionNumber,
    pub(crate) from_version_id: crate::id::ScopeVersionId,
    pub(crate) to_version_id: crate::id::ScopeVersionId,
    /// The Markdown as a unified diff; empty where it is the same.
    pub(crate) scope_md: String,
    /// The changes of the IR; a version whose IR was not built yet has none, so all of the other's is
    /// one change.
    pub(crate) ir: Vec<IrChange>,
}

/// One change of an IR.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IrChange {
    pub(crate) op: IrChangeKind,
    /// A JSON pointer: into the earlier IR for `remove`, else into the later one.
    pub(crate) pointer: String,
    /// The value that was there; absent for `add`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<serde_json::Value>,
    /// The value that is there; absent for `remove`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<serde_json::Value>,
}

/// What was done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IrChangeKind {
    Add,
    Remove,
    Replace,
}

impl IrChangeKind {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Add, Self::Remove, Self::Replace];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<MaxAge>,
}

/// The row of a run whose base rows are wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrillRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<Row>,
    /// The place of the row among those that the run kept, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<u64>,
    /// The metric whose rows are wanted; its own filter holds too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metric: Option<String>,
    /// Rows at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u32>,
}

/// How many seconds old the rows may be. Rows of an equal question, read within that time for
/// somebody who may see the same, are given again, and `cached` says so. Without it, or `Cache-
/// Control` with `max-age`, the source is always asked.
pub(crate) type MaxAge = u32;

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

/// What was sent to a source. A large table of PostgreSQL may be read by two connections at once,
/// each of which is told as a query with the range that it read.
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

/// Who writes; as in `ask`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalyzeRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<Provider>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) force_model: Option<ForcedModel>,
}

/// An analysis of a run, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Analysis {
    pub(crate) analysis_id: crate::id::AnalysisId,
    pub(crate) run_id: crate::id::RunId,
    /// The text in Markdown.
    pub(crate) analysis_md: String,
    /// The model that wrote it; null where it was made by rules.
    pub(crate) model_used: Option<String>,
    /// Figures of texts that were refused, since they do not stand in the rows or the checks.
    pub(crate) refused: Vec<String>,
    /// What is missing of it and why, such as the findings of an EDA service that is away.
    pub(crate) notes: Vec<String>,
    pub(crate) verdict: air_ir::Verdict,
    pub(crate) model: ModelUse,
    pub(crate) created_at: String,
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

/// `local`: the process that was asked; `distributed`: workers, see `execution.engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunEngine {
    Local,
    Distributed,
}

impl RunEngine {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Local, Self::Distributed];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct RunExecutor {
    pub(crate) engine: RunEngine,
    /// The workers that it was divided among.
    pub(crate) workers: Vec<String>,
    /// How often it was begun; 2 where a worker was lost.
    pub(crate) attempts: u64,
    /// Why it stayed in this process, where `execution.engine` is `distributed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
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
    /// Whether the rows were read for an equal question before, at `as_of`.
    pub(crate) cached: bool,
    /// The instant that `today` and the like referred to.
    pub(crate) now: String,
    pub(crate) params: Params,
    pub(crate) sql: Vec<SourceSql>,
    pub(crate) safety_report: SafetyReport,
    pub(crate) qa: air_ir::Verdict,
    pub(crate) timings_ms: Timings,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) executor: Option<RunExecutor>,
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

/// A report's definition (`def_json`), of an IR or of SQL. SQL takes no parameters; it is read
/// against the catalog at each run, as `/v1/query` reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportDefinition {
    /// The version of this form.
    pub(crate) version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql: Option<SqlText>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<MaxAge>,
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

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobKind {
    Learn,
    Analyze,
    BulkReports,
    Query,
    Report,
}

impl JobKind {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Learn, Self::Analyze, Self::BulkReports, Self::Query, Self::Report];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) enum JobStatus {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl JobStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct JobAccepted {
    pub(crate) job_id: crate::id::JobId,
    pub(crate) kind: JobKind,
    pub(crate) status: JobStatus,
    /// Where it is read.
    pub(crate) job_url: String,
    /// Where its progress is told.
    pub(crate) websocket_channel: String,
    /// How long the like took before, such as `2m30s`; null where that is not known.
    pub(crate) estimated_duration: Option<String>,
}

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobSummary {
    pub(crate) job_id: crate::id::JobId,
    pub(crate) kind: JobKind,
    pub(crate) status: JobStatus,
    /// Whom it acts for.
    pub(crate) owner: String,
    /// Percent.
    pub(crate) progress: u16,
    /// What it is at.
    pub(crate) current_step: Option<String>,
    /// What is left at the pace so far, such as `2m30s`.
    pub(crate) estimated_remaining: Option<String>,
    /// How often a process took it.
    pub(crate) attempts: u64,
    /// Whether it is to stop.
    pub(crate) cancel_requested: bool,
    /// The schedule that made it.
    pub(crate) schedule_id: Option<crate::id::ScheduleId>,
    /// The time of the schedule that it is for.
    pub(crate) scheduled_for: Option<String>,
    pub(crate) created_at: String,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    /// Where its progress is told.
    pub(crate) websocket_channel: String,
}

/// A job with what was asked for and what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) job_id: crate::id::JobId,
    pub(crate) kind: JobKind,
    pub(crate) status: JobStatus,
    /// Whom it acts for.
    pub(crate) owner: String,
    /// Percent.
    pub(crate) progress: u16,
    /// What it is at.
    pub(crate) current_step: Option<String>,
    /// What is left at the pace so far, such as `2m30s`.
    pub(crate) estimated_remaining: Option<String>,
    /// How often a process took it.
    pub(crate) attempts: u64,
    /// Whether it is to stop.
    pub(crate) cancel_requested: bool,
    /// The schedule that made it.
    pub(crate) schedule_id: Option<crate::id::ScheduleId>,
    /// The time of the schedule that it is for.
    pub(crate) scheduled_for: Option<String>,
    pub(crate) created_at: String,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    /// Where its progress is told.
    pub(crate) websocket_channel: String,
    /// What was asked for.
    pub(crate) input: serde_json::Map<String, serde_json::Value>,
    /// What it gave; null before it has. Runs are named, and their rows stay with them.
    pub(crate) result: serde_json::Value,
    /// The problem of a job that failed, or of its last attempt while it waits for another.
    pub(crate) error: Option<Problem>,
    /// The runs it made, the first first.
    pub(crate) run_ids: Vec<crate::id::RunId>,
    /// Who worked on it, the first first.
    pub(crate) attempt_log: Vec<JobAttempt>,
}

/// One process working on a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobAttempt {
    /// Its number.
    pub(crate) attempt: u64,
    /// The process.
    pub(crate) process_id: String,
    pub(crate) started_at: String,
    pub(crate) ended_at: Option<String>,
    /// `completed`, `failed`, `cancelled`, `retried`, `released` (its process was ended) or `lost`
    /// (its process died); null while it goes on.
    pub(crate) outcome: Option<String>,
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobList {
    pub(crate) items: Vec<JobSummary>,
    pub(crate) next: Option<Cursor>,
}

/// Which sources to learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessLearnRequest {
    pub(crate) datasource_ids: Vec<crate::id::DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) options: Option<ProcessLearnOptions>,
}

/// How to learn them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessLearnOptions {
    /// The same as `include_stats`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deep: Option<bool>,
    /// Also read least and greatest value, share of nulls and distinct estimate of each column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) include_stats: Option<bool>,
    /// Keep the values of text columns for finding them in questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample_values: Option<bool>,
}

/// What to analyze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProcessAnalyzeRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run_id: Option<crate::id::RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    /// Tables of the source; all if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tables: Option<Vec<String>>,
    /// What the analysis is of, for its heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) options: Option<AnalyzeOptions>,
}

/// What the EDA service adds; each is wanted unless it is false.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalyzeOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) correlations: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outliers: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trends: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drift: Option<bool>,
}

/// Reports to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkReportsRequest {
    pub(crate) reports: Vec<BulkReport>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
}

/// A report to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkReport {
    pub(crate) key: crate::id::ReportKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Params>,
    /// The instant that `today` and the like refer to; when the job was asked for if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<String>,
}

/// What becomes of times that no process was there for: nothing, the latest is run, or each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Misfire {
    Skip,
    RunOnce,
    RunAll,
}

impl Misfire {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Skip, Self::RunOnce, Self::RunAll];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) type ScheduleParams = serde_json::Map<String, serde_json::Value>;

text_type! {
    /// Minute, hour, day of month, month, weekday, or a nickname such as `@daily`.
    Cron
}

/// Files as a form: each part `file` with its `filename`, and before it, where one is given, a
/// part `sha256` with its checksum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileUpload {
    pub(crate) file: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Vec<String>>,
}

/// What was kept of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Uploaded {
    pub(crate) items: Vec<UploadedFile>,
}

/// A page of files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadedFileList {
    pub(crate) items: Vec<UploadedFile>,
    pub(crate) next: Option<Cursor>,
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadedFile {
    pub(crate) id: crate::id::FileId,
    /// As it was given, without folders and without characters that cannot be seen.
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) state: FileState,
    pub(crate) format: UploadFormat,
    pub(crate) compression: FileCompression,
    /// What it takes on the disk.
    pub(crate) bytes: u64,
    /// Of the bytes as they came.
    pub(crate) sha256: String,
    /// Once it is ready.
    pub(crate) rows: Option<u64>,
    /// Once it is ready.
    pub(crate) columns: Option<u64>,
    /// Why it was rejected, and what to do.
    pub(crate) reason: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// `quarantined` until it was read whole; `rejected` where it cannot be used, then nothing of it
/// is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileState {
    Quarantined,
    Ready,
    Rejected,
}

impl FileState {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Quarantined, Self::Ready, Self::Rejected];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) enum UploadFormat {
    Csv,
    Jsonl,
    Parquet,
}

impl UploadFormat {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Csv, Self::Jsonl, Self::Parquet];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) enum FileCompression {
    None,
    Gzip,
    Zstd,
}

impl FileCompression {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::None, Self::Gzip, Self::Zstd];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct Schedule {
    pub(crate) id: crate::id::ScheduleId,
    pub(crate) name: String,
    /// Whom its jobs act for.
    pub(crate) owner: String,
    pub(crate) report_key: crate::id::ReportKey,
    /// The report's version; null is the newest at each run.
    pub(crate) version: Option<VersionNumber>,
    /// The source of a portable report.
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    pub(crate) params: ScheduleParams,
    pub(crate) cron: Cron,
    /// An IANA time zone.
    pub(crate) time_zone: String,
    pub(crate) misfire: Misfire,
    /// The most that `run_all` runs of what was missed, the latest.
    pub(crate) max_catch_up: u16,
    pub(crate) enabled: bool,
    /// The next times, with the offset of the time zone; none where it is off.
    pub(crate) next_runs: Vec<String>,
    /// The time that was run last.
    pub(crate) last_run: Option<String>,
    /// Its job.
    pub(crate) last_job_id: Option<crate::id::JobId>,
    /// Why it was turned off, where nobody did; changing it clears this.
    pub(crate) problem: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A page of schedules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScheduleList {
    pub(crate) items: Vec<Schedule>,
    pub(crate) next: Option<Cursor>,
}

/// A new schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleCreate {
    pub(crate) report_key: crate::id::ReportKey,
    /// For people; the report's title if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<ScheduleParams>,
    pub(crate) cron: Cron,
    /// An IANA time zone; UTC if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) misfire: Option<Misfire>,
    /// The most that `run_all` runs of what was missed, the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_catch_up: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
}

/// What to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchedulePatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) report_key: Option<crate::id::ReportKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Null is the newest at each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionNumber>,
    /// Null is the report's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<ScheduleParams>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cron: Option<Cron>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) misfire: Option<Misfire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_catch_up: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<crate::id::JobId>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_id: Option<crate::id::JobId>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) executor: Option<RunExecutor>,
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

/// `personal`: a session of one person with AIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChatRoomKind {
    Group,
    Personal,
}

impl ChatRoomKind {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Group, Self::Personal];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) enum ChatAi {
    Off,
    Mention,
    Always,
}

impl ChatAi {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Off, Self::Mention, Self::Always];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct ChatRoomCreate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<crate::id::ChatRoomId>,
    /// The name for people; the id if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<ChatRoomKind>,
    /// Whether only its members know of it. A personal room always is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) private: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ai: Option<ChatAi>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    /// Who is in it from the start besides the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<Vec<String>>,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatRoom {
    pub(crate) id: crate::id::ChatRoomId,
    pub(crate) name: String,
    pub(crate) kind: ChatRoomKind,
    /// Whether only its members know of it.
    pub(crate) private: bool,
    pub(crate) ai: ChatAi,
    /// The source that is asked; the default one where it is null.
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    /// Who made it.
    pub(crate) created_by: String,
    /// How many members it has.
    pub(crate) members: u64,
    /// Whether the caller is one.
    pub(crate) joined: bool,
    /// The number of its last message; 0 if there was none.
    pub(crate) last_seq: u64,
    pub(crate) created_at: String,
}

/// A page of rooms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatRoomList {
    pub(crate) items: Vec<ChatRoom>,
    pub(crate) next: Option<Cursor>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatPost {
    /// What is said.
    pub(crate) content: String,
    /// The client's own name of the message; sent again with the same content, it is one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_ref: Option<String>,
    /// Whether it asks AIR; the room''s rule if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ask: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) in_reply_to: Option<crate::id::ChatMessageId>,
    /// Answers to the questions of the message `in_reply_to`, by question, in place of reading them
    /// from the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answers: Option<BTreeMap<String, String>>,
}

/// A message that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatPosted {
    pub(crate) message_id: crate::id::ChatMessageId,
    pub(crate) room: crate::id::ChatRoomId,
    /// Its number in the room.
    pub(crate) seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer_id: Option<crate::id::ChatMessageId>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChatMessageType {
    User,
    Ai,
    System,
}

impl ChatMessageType {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::User, Self::Ai, Self::System];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct ChatMessage {
    pub(crate) message_id: crate::id::ChatMessageId,
    pub(crate) room: crate::id::ChatRoomId,
    /// Its number in the room; that of its event on the channel `chat/<room>`.
    pub(crate) seq: u64,
    pub(crate) r#type: ChatMessageType,
    /// Who said it; `air` for answers.
    pub(crate) user_id: String,
    /// Text; an answer is Markdown.
    pub(crate) content: String,
    /// The message that it answers.
    pub(crate) in_reply_to: Option<crate::id::ChatMessageId>,
    pub(crate) created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<ChatAnswer>,
}

/// What goes with an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatAnswer {
    pub(crate) state: AskState,
    /// Who asked. Scope and run belong to them, and the rows are those they may see.
    pub(crate) asked_by: String,
    /// The question that was answered.
    pub(crate) question: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) datasource_id: Option<crate::id::DatasourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope_id: Option<crate::id::ScopeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope_version_id: Option<crate::id::ScopeVersionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) interpretation: Option<String>,
    pub(crate) assumptions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) questions: Option<Vec<Question>>,
    /// Answers to questions back that went into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answers: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ir: Option<Ir>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql_text: Option<SqlText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) badge: Option<Badge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) confidence: Option<f64>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// What the source lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<Problem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run_id: Option<crate::id::RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<ResultColumn>>,
    /// The first rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<Vec<Row>>,
    /// How many rows the run has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) row_count: Option<u64>,
    /// Whether the run itself was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) truncated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sql: Option<Vec<SourceSql>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) qa: Option<air_ir::Verdict>,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatMessageList {
    pub(crate) items: Vec<ChatMessage>,
    pub(crate) next: Option<Cursor>,
}

/// A report to make of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatSave {
    pub(crate) key: crate::id::ReportKey,
    /// The title; the question if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}

/// Who joins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatJoin {
    /// The caller if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatMember {
    pub(crate) user_id: String,
    /// Whether they have an open socket.
    pub(crate) online: bool,
    /// Whether they are typing in this room.
    pub(crate) typing: bool,
    pub(crate) joined_at: String,
    /// When they were last heard of; null where that is longer ago than `chat.presence_timeout`.
    pub(crate) last_seen: Option<String>,
}

/// Who is in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChatPresence {
    pub(crate) room: crate::id::ChatRoomId,
    pub(crate) items: Vec<ChatMember>,
}

/// A session to open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LearningSessionCreate {
    /// The caller's own files, each ready.
    pub(crate) file_ids: Vec<crate::id::FileId>,
    /// The name; those of the files if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

/// Whether something of it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LearningSessionStatus {
    Open,
    Published,
}

impl LearningSessionStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Open, Self::Published];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct SessionFile {
    pub(crate) id: crate::id::FileId,
    /// As it was uploaded.
    pub(crate) name: String,
    /// The table that it is.
    pub(crate) table: String,
    pub(crate) bytes: u64,
    pub(crate) rows: Option<u64>,
}

/// A learning session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LearningSession {
    pub(crate) id: crate::id::LearningSessionId,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) status: LearningSessionStatus,
    pub(crate) datasource_id: crate::id::DatasourceId,
    pub(crate) files: Vec<SessionFile>,
    /// Questions that the built-in interpreter answers, to begin with.
    pub(crate) suggested_questions: Vec<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LearningSessionList {
    pub(crate) items: Vec<LearningSession>,
    pub(crate) next: Option<Cursor>,
}

/// A session with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LearningSessionDetail {
    pub(crate) id: crate::id::LearningSessionId,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) status: LearningSessionStatus,
    pub(crate) datasource_id: crate::id::DatasourceId,
    pub(crate) files: Vec<SessionFile>,
    /// Questions that the built-in interpreter answers, to begin with.
    pub(crate) suggested_questions: Vec<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    /// How the files join.
    pub(crate) joins: Vec<SessionJoin>,
    /// The transcript, oldest first.
    pub(crate) messages: Vec<ChatMessage>,
    /// Each version of a scope with its IR, oldest first.
    pub(crate) scopes: Vec<ScopeVersion>,
    /// What was run, oldest first.
    pub(crate) runs: Vec<RunSummary>,
    /// What was published.
    pub(crate) endpoints: Vec<EndpointVersion>,
}

/// Columns that lead from one file to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionJoin {
    /// `table.column`.
    pub(crate) from: String,
    /// The key, `table.column`.
    pub(crate) to: String,
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionMessage {
    pub(crate) text: String,
    /// Answers to the questions back of the last answer, by their ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answers: Option<BTreeMap<String, String>>,
    /// Whether to run what was understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<bool>,
    /// The instant that `today` and the like refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<String>,
}

/// What to publish, and as what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionPublish {
    pub(crate) slug: crate::id::ReportKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<crate::id::ChatMessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run_id: Option<crate::id::RunId>,
    /// The title; that of the version before, or the question, if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Vec<EndpointParam>>,
}

/// The type of a parameter. `period` is what `during` takes, such as `2024`, `2024-02` or `last 7
/// days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndpointParamType {
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
    pub(crate) const ALL: &[Self] = &[
        Self::Text,
        Self::Integer,
        Self::Number,
        Self::Boolean,
        Self::Date,
        Self::Timestamp,
        Self::Period,
    ];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
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
pub(crate) struct EndpointParam {
    pub(crate) name: String,
    pub(crate) r#type: EndpointParamType,
    /// Whether it takes several values, of which one must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) many: Option<bool>,
    /// The field whose filter it is for, as the IR calls it; its own name if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    /// The operator of the IR; that of the filter that is there, else `=`, `in` for many, `during`
    /// for a period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) op: Option<String>,
    /// What is taken where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<serde_json::Value>,
    /// Whether each call must give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) required: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// The values that are taken; all of the type if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allowed: Option<Vec<serde_json::Value>>,
}

/// A version of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndpointVersion {
    pub(crate) slug: crate::id::ReportKey,
    pub(crate) version: VersionNumber,
}

/// A published endpoint, as its newest version is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) slug: crate::id::ReportKey,
    pub(crate) version: VersionNumber,
    /// Every version that may be called.
    pub(crate) versions: Vec<VersionNumber>,
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Who published it.
    pub(crate) owner: String,
    pub(crate) report_key: crate::id::ReportKey,
    pub(crate) datasource_id: crate::id::DatasourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session_id: Option<crate::id::LearningSessionId>,
    pub(crate) url: String,
    pub(crate) params: Vec<EndpointParam>,
    pub(crate) columns: Vec<ResultColumn>,
    /// When this version was published.
    pub(crate) created_at: String,
}

/// A page of endpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndpointList {
    pub(crate) items: Vec<Endpoint>,
    pub(crate) next: Option<Cursor>,
}

/// A key to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointKeyCreate {
    /// What the key is for.
    pub(crate) name: String,
}

/// A key of an endpoint, without the key itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndpointKey {
    pub(crate) id: crate::id::EndpointKeyId,
    pub(crate) slug: crate::id::ReportKey,
    pub(crate) name: String,
    pub(crate) created_by: String,
    pub(crate) created_at: String,
    /// To the minute; absent if it was never used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_used_at: Option<String>,
}

/// A key that was just made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndpointKeyCreated {
    pub(crate) id: crate::id::EndpointKeyId,
    pub(crate) slug: crate::id::ReportKey,
    pub(crate) name: String,
    pub(crate) created_by: String,
    pub(crate) created_at: String,
    /// The key. It is not told again.
    pub(crate) key: String,
}

/// A page of keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndpointKeyList {
    pub(crate) items: Vec<EndpointKey>,
    pub(crate) next: Option<Cursor>,
}

/// What a file is; its ending tells where it is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaFormat {
    Parquet,
    Csv,
    Jsonl,
    Arrow,
}

impl EdaFormat {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Parquet, Self::Csv, Self::Jsonl, Self::Arrow];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Arrow => "arrow",
        }
    }
}

impl fmt::Display for EdaFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of values a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaType {
    Integer,
    Float,
    Decimal,
    Boolean,
    Text,
    Date,
    Timestamp,
    Time,
    Duration,
    Binary,
    List,
    Struct,
    Null,
    Other,
}

impl EdaType {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[
        Self::Integer,
        Self::Float,
        Self::Decimal,
        Self::Boolean,
        Self::Text,
        Self::Date,
        Self::Timestamp,
        Self::Time,
        Self::Duration,
        Self::Binary,
        Self::List,
        Self::Struct,
        Self::Null,
        Self::Other,
    ];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Binary => "binary",
            Self::List => "list",
            Self::Struct => "struct",
            Self::Null => "null",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for EdaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a column is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaRole {
    Key,
    Dimension,
    Measure,
    Time,
    Text,
    Constant,
    Empty,
}

impl EdaRole {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[
        Self::Key,
        Self::Dimension,
        Self::Measure,
        Self::Time,
        Self::Text,
        Self::Constant,
        Self::Empty,
    ];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Dimension => "dimension",
            Self::Measure => "measure",
            Self::Time => "time",
            Self::Text => "text",
            Self::Constant => "constant",
            Self::Empty => "empty",
        }
    }
}

impl fmt::Display for EdaRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaSeverity {
    Info,
    Notice,
    Warning,
}

impl EdaSeverity {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Info, Self::Notice, Self::Warning];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for EdaSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How large an effect is, by the usual bounds of its measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaEffectSize {
    Negligible,
    Small,
    Medium,
    Large,
}

impl EdaEffectSize {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Negligible, Self::Small, Self::Medium, Self::Large];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Negligible => "negligible",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

impl fmt::Display for EdaEffectSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaFindingKind {
    Empty,
    Constant,
    Missing,
    Infinite,
    Nan,
    Zeros,
    Unique,
    HighCardinality,
    Imbalance,
    Skewed,
    Uniform,
    ConstantLength,
    Padded,
    CaseVariants,
    NumbersAsText,
    DatesAsText,
    MixedTypes,
    Duplicates,
    Unsupported,
    Correlated,
    Outliers,
    OddRows,
    Trend,
    Seasonal,
    ChangePoint,
    NotStationary,
    Gaps,
    Drift,
    Added,
    Removed,
    Retyped,
    BrokenRule,
    RuleError,
}

impl EdaFindingKind {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[
        Self::Empty,
        Self::Constant,
        Self::Missing,
        Self::Infinite,
        Self::Nan,
        Self::Zeros,
        Self::Unique,
        Self::HighCardinality,
        Self::Imbalance,
        Self::Skewed,
        Self::Uniform,
        Self::ConstantLength,
        Self::Padded,
        Self::CaseVariants,
        Self::NumbersAsText,
        Self::DatesAsText,
        Self::MixedTypes,
        Self::Duplicates,
        Self::Unsupported,
        Self::Correlated,
        Self::Outliers,
        Self::OddRows,
        Self::Trend,
        Self::Seasonal,
        Self::ChangePoint,
        Self::NotStationary,
        Self::Gaps,
        Self::Drift,
        Self::Added,
        Self::Removed,
        Self::Retyped,
        Self::BrokenRule,
        Self::RuleError,
    ];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Constant => "constant",
            Self::Missing => "missing",
            Self::Infinite => "infinite",
            Self::Nan => "nan",
            Self::Zeros => "zeros",
            Self::Unique => "unique",
            Self::HighCardinality => "high_cardinality",
            Self::Imbalance => "imbalance",
            Self::Skewed => "skewed",
            Self::Uniform => "uniform",
            Self::ConstantLength => "constant_length",
            Self::Padded => "padded",
            Self::CaseVariants => "case_variants",
            Self::NumbersAsText => "numbers_as_text",
            Self::DatesAsText => "dates_as_text",
            Self::MixedTypes => "mixed_types",
            Self::Duplicates => "duplicates",
            Self::Unsupported => "unsupported",
            Self::Correlated => "correlated",
            Self::Outliers => "outliers",
            Self::OddRows => "odd_rows",
            Self::Trend => "trend",
            Self::Seasonal => "seasonal",
            Self::ChangePoint => "change_point",
            Self::NotStationary => "not_stationary",
            Self::Gaps => "gaps",
            Self::Drift => "drift",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Retyped => "retyped",
            Self::BrokenRule => "broken_rule",
            Self::RuleError => "rule_error",
        }
    }
}

impl fmt::Display for EdaFindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A measure of association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaMeasure {
    Pearson,
    Spearman,
    CramersV,
    CorrelationRatio,
}

impl EdaMeasure {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Pearson, Self::Spearman, Self::CramersV, Self::CorrelationRatio];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pearson => "pearson",
            Self::Spearman => "spearman",
            Self::CramersV => "cramers_v",
            Self::CorrelationRatio => "correlation_ratio",
        }
    }
}

impl fmt::Display for EdaMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The calendar unit of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaUnit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl EdaUnit {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

impl fmt::Display for EdaUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a bucket shows of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaAggregate {
    Mean,
    Sum,
    Median,
    Min,
    Max,
    Count,
}

impl EdaAggregate {
    /// Every value.
    pub(crate) const ALL: &[Self] =
        &[Self::Mean, Self::Sum, Self::Median, Self::Min, Self::Max, Self::Count];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Median => "median",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
        }
    }
}

impl fmt::Display for EdaAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kinds of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaCheck {
    NotNull,
    NullShare,
    Unique,
    Range,
    InSet,
    Pattern,
    Length,
    Type,
    Compare,
    RowCount,
    Increasing,
}

impl EdaCheck {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[
        Self::NotNull,
        Self::NullShare,
        Self::Unique,
        Self::Range,
        Self::InSet,
        Self::Pattern,
        Self::Length,
        Self::Type,
        Self::Compare,
        Self::RowCount,
        Self::Increasing,
    ];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotNull => "not_null",
            Self::NullShare => "null_share",
            Self::Unique => "unique",
            Self::Range => "range",
            Self::InSet => "in_set",
            Self::Pattern => "pattern",
            Self::Length => "length",
            Self::Type => "type",
            Self::Compare => "compare",
            Self::RowCount => "row_count",
            Self::Increasing => "increasing",
        }
    }
}

impl fmt::Display for EdaCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How two columns compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaOperator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl EdaOperator {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
        }
    }
}

impl fmt::Display for EdaOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaRuleStatus {
    Pass,
    Fail,
    Error,
}

impl EdaRuleStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Pass, Self::Fail, Self::Error];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for EdaRuleStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EdaHealthStatus {
    Ok,
    Degraded,
}

impl EdaHealthStatus {
    /// Every value.
    pub(crate) const ALL: &[Self] = &[Self::Ok, Self::Degraded];

    /// The name in the contract.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
        }
    }
}

impl fmt::Display for EdaHealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One figure, and how it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaFigure {
    /// A number; a text where JSON has no such number (beyond 2^53, a decimal, NaN, infinity), a date
    /// or a text; null where there is none.
    pub(crate) value: serde_json::Value,
    /// How it was found.
    pub(crate) method: String,
    /// Whether it is the figure itself and no estimate.
    pub(crate) exact: bool,
    /// Values it stands on.
    pub(crate) n_used: u64,
    /// What drew the sample; null where none was.
    pub(crate) seed: Option<u64>,
}

/// Values below which given shares of the values lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaQuantiles {
    pub(crate) probabilities: Vec<f64>,
    pub(crate) values: Vec<serde_json::Value>,
    /// How it was found.
    pub(crate) method: String,
    /// Whether it is the figure itself and no estimate.
    pub(crate) exact: bool,
    /// Values it stands on.
    pub(crate) n_used: u64,
    /// What drew the sample; null where none was.
    pub(crate) seed: Option<u64>,
}

/// How the values spread. Each bin has its lower edge; the last has its upper edge too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaHistogram {
    pub(crate) edges: Vec<serde_json::Value>,
    pub(crate) counts: Vec<u64>,
    /// How it was found.
    pub(crate) method: String,
    /// Whether it is the figure itself and no estimate.
    pub(crate) exact: bool,
    /// Values it stands on.
    pub(crate) n_used: u64,
    /// What drew the sample; null where none was.
    pub(crate) seed: Option<u64>,
}

/// A value and how often it is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaValueCount {
    /// A value of the column.
    pub(crate) value: serde_json::Value,
    pub(crate) count: u64,
    /// Of the values that are not null.
    pub(crate) share: f64,
}

/// The most frequent values, most frequent first; equal ones by value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaTopValues {
    pub(crate) items: Vec<EdaValueCount>,
    /// Rows that have another value.
    pub(crate) others: u64,
    /// How it was found.
    pub(crate) method: String,
    /// Whether it is the figure itself and no estimate.
    pub(crate) exact: bool,
    /// Values it stands on.
    pub(crate) n_used: u64,
    /// What drew the sample; null where none was.
    pub(crate) seed: Option<u64>,
}

/// Which rows were looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaSampling {
    pub(crate) rows_total: u64,
    pub(crate) rows_used: u64,
    pub(crate) sampled: bool,
    pub(crate) method: String,
    pub(crate) seed: Option<u64>,
}

/// How large what was found is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaEffect {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) size: EdaEffectSize,
}

/// One thing worth a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaFinding {
    pub(crate) kind: EdaFindingKind,
    pub(crate) severity: EdaSeverity,
    pub(crate) columns: Vec<String>,
    pub(crate) message: String,
    /// Null where nothing measures it.
    pub(crate) effect: Option<EdaEffect>,
}

/// A column that was left out, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaSkipped {
    pub(crate) column: String,
    pub(crate) reason: String,
}

/// What to infer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaInferRequest {
    /// A file below the base path of the service, in place of an Arrow body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<EdaFormat>,
}

/// What a column is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaInferredColumn {
    pub(crate) name: String,
    pub(crate) r#type: EdaType,
    pub(crate) arrow_type: String,
    pub(crate) suggested_type: EdaType,
    pub(crate) role: EdaRole,
    /// Whether a value is null.
    pub(crate) nullable: bool,
    /// `nulls`, `distinct`, and for text `matching`: the share that reads as the suggested type.
    pub(crate) figures: BTreeMap<String, EdaFigure>,
}

/// What the columns are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaInference {
    pub(crate) rows: u64,
    pub(crate) columns: Vec<EdaInferredColumn>,
    pub(crate) findings: Vec<EdaFinding>,
    /// The findings to read
    pub(crate) report_md: String,
}

/// What to profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaProfileRequest {
    /// A file below the base path of the service, in place of an Arrow body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<EdaFormat>,
    /// The columns to look at; all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) histogram_bins: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) top_values: Option<u16>,
    /// Draws the values that patterns are read from where there are many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
}

/// What the values of a column are like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaColumnProfile {
    /// A member of a struct is `column.member`.
    pub(crate) name: String,
    pub(crate) r#type: EdaType,
    pub(crate) arrow_type: String,
    /// Of every column `nulls`, `null_share`, `distinct`, `unique`; of numbers `mean`, `std`,
    /// `skewness` and so on; of text `length_min` and so on.
    pub(crate) figures: BTreeMap<String, EdaFigure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quantiles: Option<EdaQuantiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) histogram: Option<EdaHistogram>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) top_values: Option<EdaTopValues>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patterns: Option<EdaTopValues>,
}

/// What the values are like. Kept, it is what a later `drift` compares with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaProfile {
    pub(crate) version: String,
    pub(crate) rows: u64,
    pub(crate) columns: Vec<EdaColumnProfile>,
    pub(crate) duplicate_rows: EdaFigure,
    pub(crate) findings: Vec<EdaFinding>,
    /// The findings to read
    pub(crate) report_md: String,
}

/// What to correlate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaCorrelationsRequest {
    /// A file below the base path of the service, in place of an Arrow body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<EdaFormat>,
    /// The columns to look at; all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
    /// Rows of the sample; fewer rows are all taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample_rows: Option<u32>,
    /// Draws the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_columns: Option<u16>,
}

/// How two columns go together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaPair {
    /// Of a correlation ratio the category.
    pub(crate) left: String,
    pub(crate) right: String,
    pub(crate) measure: EdaMeasure,
    pub(crate) figure: EdaFigure,
    pub(crate) p_value: Option<f64>,
    /// For the number of pairs
    pub(crate) p_adjusted: Option<f64>,
    pub(crate) effect: EdaEffectSize,
}

/// Which columns go together, strongest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaCorrelations {
    pub(crate) rows: u64,
    pub(crate) sampling: EdaSampling,
    pub(crate) pairs: Vec<EdaPair>,
    pub(crate) skipped: Vec<EdaSkipped>,
    pub(crate) findings: Vec<EdaFinding>,
    /// The findings to read
    pub(crate) report_md: String,
}

/// Where to look for outliers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaOutliersRequest {
    /// A file below the base path of the service, in place of an Arrow body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<EdaFormat>,
    /// The columns to look at; all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
    /// Rows of the sample; fewer rows are all taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample_rows: Option<u32>,
    /// Draws the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Whether to look at rows as a whole too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forest: Option<bool>,
    /// How many of the most unusual rows to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) odd_rows: Option<u16>,
}

/// Beyond what bounds values are unusual, and how many are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaFence {
    /// A value of the column.
    pub(crate) lower: serde_json::Value,
    /// A value of the column.
    pub(crate) upper: serde_json::Value,
    pub(crate) count: u64,
    pub(crate) share: f64,
    /// How it was found.
    pub(crate) method: String,
    /// Whether it is the figure itself and no estimate.
    pub(crate) exact: bool,
    /// Values it stands on.
    pub(crate) n_used: u64,
    /// What drew the sample; null where none was.
    pub(crate) seed: Option<u64>,
}

/// The outliers of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaColumnOutliers {
    pub(crate) name: String,
    /// Null where more than half of the values are equal.
    pub(crate) iqr: Option<EdaFence>,
    /// Null where more than half of the values are equal.
    pub(crate) mad: Option<EdaFence>,
}

/// A row that is unusual as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaOddRow {
    /// Its place in the input, from 0.
    pub(crate) row: u64,
    /// From 0 to 1; above 0.5 is unusual.
    pub(crate) score: f64,
    /// Where it is farthest from the median, farthest first.
    pub(crate) columns: Vec<String>,
}

/// What an isolation forest says of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaForest {
    pub(crate) rows: Vec<EdaOddRow>,
    /// Rows of the sample that score above the bound.
    pub(crate) count: u64,
    pub(crate) share: f64,
    pub(crate) columns: Vec<String>,
    /// How it was found.
    pub(crate) method: String,
    /// Whether it is the figure itself and no estimate.
    pub(crate) exact: bool,
    /// Values it stands on.
    pub(crate) n_used: u64,
    /// What drew the sample; null where none was.
    pub(crate) seed: Option<u64>,
}

/// Which values and rows are unusual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaOutliers {
    pub(crate) rows: u64,
    pub(crate) sampling: EdaSampling,
    pub(crate) columns: Vec<EdaColumnOutliers>,
    /// Null where there is nothing to grow one from.
    pub(crate) forest: Option<EdaForest>,
    pub(crate) skipped: Vec<EdaSkipped>,
    pub(crate) findings: Vec<EdaFinding>,
    /// The findings to read
    pub(crate) report_md: String,
}

/// What to follow over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaTrendsRequest {
    /// A file below the base path of the service, in place of an Arrow body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<EdaFormat>,
    /// The column of dates or timestamps.
    pub(crate) time: String,
    /// The columns to look at; all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aggregate: Option<EdaAggregate>,
    /// At most so many buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) buckets: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<EdaUnit>,
    /// Buckets of a season; if it is not given, the usual ones of the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) period: Option<u16>,
}

/// Where the level of a series changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaChangePoint {
    /// The start of the first bucket of the new level.
    pub(crate) at: String,
    pub(crate) before: f64,
    pub(crate) after: f64,
    pub(crate) effect: EdaEffect,
    /// Mann-Whitney, of the levels before and after; the point was chosen from the same data.
    pub(crate) p_value: Option<f64>,
}

/// What a column does over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaColumnTrend {
    pub(crate) name: String,
    /// `slope`, `slope_low`, `slope_high`, `mann_kendall_tau`, `mann_kendall_p`, `seasonal_strength`
    /// and so on.
    pub(crate) figures: BTreeMap<String, EdaFigure>,
    pub(crate) change_points: Vec<EdaChangePoint>,
}

/// What changes over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaTrends {
    pub(crate) rows: u64,
    pub(crate) time: String,
    pub(crate) unit: EdaUnit,
    /// From the first to the last that has rows.
    pub(crate) buckets: u64,
    pub(crate) empty_buckets: u64,
    pub(crate) columns: Vec<EdaColumnTrend>,
    pub(crate) skipped: Vec<EdaSkipped>,
    pub(crate) findings: Vec<EdaFinding>,
    /// The findings to read
    pub(crate) report_md: String,
}

/// What to compare with. One of `previous` and `previous_path`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaDriftRequest {
    /// A file below the base path of the service, in place of an Arrow body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<EdaFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<EdaProfile>,
    /// A file below the base path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous_path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous_format: Option<EdaFormat>,
    /// The columns to look at; all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
    /// Significance, after Holm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alpha: Option<f64>,
}

/// How a column changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaColumnDrift {
    pub(crate) name: String,
    pub(crate) r#type: EdaType,
    pub(crate) drifted: bool,
    pub(crate) effect: EdaEffectSize,
    /// `ks` or `chi_square` and `cramers_v`, `p_value`, `p_adjusted`, `psi`, `psi_threshold`,
    /// `null_share_change` and so on.
    pub(crate) figures: BTreeMap<String, EdaFigure>,
}

/// What changed since before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaDrift {
    pub(crate) rows: u64,
    pub(crate) previous_rows: u64,
    pub(crate) columns: Vec<EdaColumnDrift>,
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) retyped: Vec<String>,
    pub(crate) skipped: Vec<EdaSkipped>,
    pub(crate) findings: Vec<EdaFinding>,
    /// The findings to read
    pub(crate) report_md: String,
}

/// A rule. Which members it needs depends on `check`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaRule {
    pub(crate) check: EdaCheck,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    /// Of `unique`: together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
    /// Of `compare`: the right side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) other: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) op: Option<EdaOperator>,
    /// Of `range`, `length`, `row_count`: the least allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<serde_json::Value>,
    /// Of `range`, `length`, `row_count`, `null_share`: the most allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<serde_json::Value>,
    /// Of `in_set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<Vec<serde_json::Value>>,
    /// Of `pattern`: a regular expression, run in linear time, that must match somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) r#type: Option<EdaType>,
    /// Of `increasing`: no two equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) strict: Option<bool>,
}

/// The rules to check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaValidateRequest {
    /// A file below the base path of the service, in place of an Arrow body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<EdaFormat>,
    pub(crate) rules: Vec<EdaRule>,
    /// How many rows that break a rule to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failing_rows: Option<u16>,
}

/// Whether a rule holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaRuleResult {
    pub(crate) index: u64,
    pub(crate) check: EdaCheck,
    pub(crate) status: EdaRuleStatus,
    pub(crate) checked: u64,
    pub(crate) failed: u64,
    pub(crate) share: f64,
    pub(crate) message: String,
    /// The first rows that break it, from 0.
    pub(crate) rows: Vec<u64>,
}

/// Whether the rules hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaValidation {
    pub(crate) rows: u64,
    /// Whether every rule holds.
    pub(crate) passed: bool,
    pub(crate) rules: Vec<EdaRuleResult>,
    pub(crate) findings: Vec<EdaFinding>,
    /// The findings to read
    pub(crate) report_md: String,
}

/// The worker processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaWorkers {
    pub(crate) size: u64,
    pub(crate) idle: u64,
    pub(crate) busy: u64,
    pub(crate) starting: u64,
    pub(crate) replaced: u64,
}

/// What one request may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaLimits {
    pub(crate) memory_mb: u64,
    pub(crate) rows: u64,
    pub(crate) seconds: f64,
    pub(crate) body_mb: u64,
}

/// How the EDA service is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdaHealth {
    pub(crate) status: EdaHealthStatus,
    pub(crate) version: String,
    pub(crate) uptime_seconds: f64,
    pub(crate) workers: EdaWorkers,
    pub(crate) limits: EdaLimits,
    pub(crate) libraries: BTreeMap<String, String>,
}

text_type! {
    /// The `operationId` of what was done; or `token.refused`, `role.refused`, `plan.refused`,
    /// `audit.dropped`.
    AuditAction
}

/// Something that was done, or refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AuditEntry {
    pub(crate) id: String,
    /// Whose token it was; empty where there was none.
    pub(crate) actor: String,
    /// The role of the token; empty where there was none.
    pub(crate) role: String,
    pub(crate) action: AuditAction,
    /// What it was done to: an id or a key. Empty where there is none.
    pub(crate) subject: String,
    pub(crate) detail: AuditDetail,
    /// The request; null for what AIR did by itself.
    pub(crate) request_id: Option<crate::id::RequestId>,
    pub(crate) created_at: String,
}

/// The status or the code of the answer, the run, the rules that refused.
pub(crate) type AuditDetail = serde_json::Map<String, serde_json::Value>;

/// A page of entries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AuditList {
    pub(crate) items: Vec<AuditEntry>,
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

/// What the socket offers, and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SocketInfo {
    /// Whether one can be opened.
    pub(crate) enabled: bool,
    /// The forms of channels.
    pub(crate) channels: Vec<String>,
    /// Bytes of a message from a client.
    pub(crate) max_message_size: u64,
    /// Messages that may wait for a slow reader.
    pub(crate) buffer_size: u64,
    /// How often the server asks whether the client is there.
    pub(crate) ping_period_ms: u64,
    /// How long a silent client is believed to be there.
    pub(crate) pong_wait_ms: u64,
    /// Whether permessage-deflate is agreed to.
    pub(crate) compression: bool,
    pub(crate) sockets_per_user: u64,
    pub(crate) subscriptions_per_user: u64,
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

/// The query of `get_scope_diff`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetScopeDiffQuery {
    /// The version before; the one before `to` if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<VersionNumber>,
    /// The version after; the newest if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<VersionNumber>,
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

/// The query of `drill_run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrillRunQuery {
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<ResultFormat>,
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

/// The query of `list_jobs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListJobsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
    /// Only jobs of this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<JobStatus>,
    /// Only jobs of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<JobKind>,
    /// Only jobs that this schedule made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schedule_id: Option<crate::id::ScheduleId>,
}

/// The query of `list_schedules`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListSchedulesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `list_files`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListFilesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `upload_files`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadFilesQuery {
    /// The name of the file that is the body, with its ending. It is shown without folders, and is no
    /// place on the server's disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Whether the answer waits until the files were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wait: Option<bool>,
}

/// The query of `list_chat_rooms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListChatRoomsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
    /// Only rooms that the caller is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) joined: Option<bool>,
}

/// The query of `list_chat_messages`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListChatMessagesQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
    /// The number of the last message that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<u64>,
}

/// The query of `leave_chat_room`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaveChatRoomQuery {
    /// Who leaves; the caller if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<String>,
}

/// The query of `list_learning_sessions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListLearningSessionsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `list_endpoints`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListEndpointsQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `call_endpoint`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub(crate) struct CallEndpointQuery {
    /// The version; the newest if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionNumber>,
    /// The format of the rows; it wins over `Accept`. JSON if neither says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<ResultFormat>,
    /// The instant that `today` and the like refer to; the present if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<String>,
}

/// The query of `list_endpoint_keys`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListEndpointKeysQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
}

/// The query of `list_audit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListAuditQuery {
    /// Items on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u16>,
    /// The `next` of the page before. One that is not from this list is 422.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<Cursor>,
    /// Only entries of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
    /// Only this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<AuditAction>,
    /// Only what was done to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// Only entries from this instant on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<String>,
    /// Only entries before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
}
