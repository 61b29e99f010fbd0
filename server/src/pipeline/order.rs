//! From what is asked for to an [`Order`]: of an IR, of SQL, and of a saved report.
//!
//! In: a principal and the contract's request. Out: an order, whoever carries it out: a request or
//! a job. Everything that can be known to be wrong before the work begins is told here.

use air_ir::{Bindings, Ir};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use super::{Order, Question, definition, params};
use crate::auth::Principal;
use crate::config::Config;
use crate::contract::types::{
    self, ErrorCode, FieldErrorCode, Params, QueryRequest, ReportDefinition,
};
use crate::id::{DatasourceId, ReportKey};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{self, Claimed, StoreError};

/// The job that an order belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Tie {
    pub(crate) claimed: Claimed,
    /// Stops the job, and with it what it runs.
    pub(crate) stop: CancellationToken,
}

/// How long a query may take: while a caller waits for it, or as part of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Pace {
    Request,
    Job,
}

impl Pace {
    pub(crate) fn limit(self, config: &Config) -> Duration {
        match self {
            Self::Request => config.execution.query_timeout,
            Self::Job => config.execution.jobs.timeout,
        }
    }
}

impl Order {
    pub(crate) fn pace(&self) -> Pace {
        if self.job.is_some() { Pace::Job } else { Pace::Request }
    }
}

/// A report to run. What a request names in its path and query, a job keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportWanted {
    pub(crate) key: ReportKey,
    pub(crate) version: Option<u32>,
    pub(crate) datasource_id: Option<DatasourceId>,
    pub(crate) params: Option<Params>,
    pub(crate) now: Option<String>,
}

/// What a request asks for: one of IR and SQL, as the contract says.
pub(crate) fn question(
    ir: Option<types::Ir>,
    sql: Option<String>,
    params: Option<&Params>,
) -> Result<Question, ApiError> {
    match sql {
        None => {
            let value = Value::Object(ir.unwrap_or_default());
            let ir = Ir::parse(&value).map_err(|errors| ApiError::ir("/ir", errors))?;
            Ok(Question::Ir(Box::new(ir)))
        }
        Some(_) if params.is_some_and(|params| !params.is_empty()) => {
            let detail = "SQL takes no parameters; write the values, which are bound.";
            Err(ApiError::field("/params", FieldErrorCode::UnknownParameter, detail))
        }
        Some(text) => Ok(Question::Sql(text)),
    }
}

/// An order without a report: each parameter used must be given.
pub(crate) fn of_question(
    principal: &Principal,
    datasource: DatasourceId,
    question: Question,
    params: Option<Params>,
    now: Option<&str>,
    deadline: Instant,
) -> Result<Order, ApiError> {
    let params = params.unwrap_or_default();
    let values = params.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(Order {
        principal: principal.clone(),
        datasource,
        question,
        ir_at: "/ir",
        bindings: Bindings { values, ..Bindings::default() },
        params,
        report: None,
        scope_version: None,
        now: instant(now)?,
        deadline,
        max_age: None,
        job: None,
    })
}

/// The order of `POST /v1/query`.
pub(crate) fn of_query(
    principal: &Principal,
    body: QueryRequest,
    deadline: Instant,
) -> Result<Order, ApiError> {
    let question = question(body.ir, body.sql, body.params.as_ref())?;
    of_question(principal, body.datasource_id, question, body.params, body.now.as_deref(), deadline)
}

/// The order of a saved report.
pub(crate) async fn of_report(
    app: &App,
    principal: &Principal,
    wanted: ReportWanted,
    deadline: Instant,
) -> Result<Order, ApiError> {
    let number = wanted.version.map(i64::from);
    let (report, version) = app.store.reports().find_with_version(&wanted.key, number).await?;
    let version = version.ok_or_else(|| no_version(&report, wanted.version))?;
    let datasource = source(&version, wanted.datasource_id)?;
    let definition: ReportDefinition =
        serde_json::from_value(version.def.clone()).map_err(ApiError::internal)?;
    // What its errors and its record would tell of is told to nobody who may not know it.
    definition::shown::require(app, principal, &version, Some(&datasource)).await?;
    let question = definition::question(&definition)?;
    let given = wanted.params.unwrap_or_default();
    let (bindings, params) = params::bindings(&definition, &question.parameters(), &given)?;
    Ok(Order {
        principal: principal.clone(),
        datasource,
        question,
        ir_at: "/def/ir",
        bindings,
        params,
        scope_version: version.scope_version_id.clone(),
        report: Some((report, version)),
        now: instant(wanted.now.as_deref())?,
        deadline,
        max_age: None,
        job: None,
    })
}

/// The version asked for, or the newest.
pub(crate) async fn version(
    app: &App,
    report: &store::Report,
    number: Option<u32>,
) -> Result<store::ReportVersion, ApiError> {
    let reports = app.store.reports();
    let found = match number {
        Some(number) => reports.version(&report.id, i64::from(number)).await,
        None => reports.latest(&report.id).await,
    };
    found.map_err(|error| match error {
        StoreError::NotFound { .. } => no_version(report, number),
        other => other.into(),
    })
}

fn no_version(report: &store::Report, number: Option<u32>) -> ApiError {
    let which = number.map_or_else(|| "no version yet".to_owned(), |n| format!("no version {n}"));
    ApiError::new(ErrorCode::NotFound, format!("The report {} has {which}.", report.key))
}

/// The source a version is bound to, or the one that is named for a portable one.
fn source(
    version: &store::ReportVersion,
    named: Option<DatasourceId>,
) -> Result<DatasourceId, ApiError> {
    match (&version.datasource_id, named) {
        (Some(bound), Some(named)) if *bound != named => {
            let detail = format!("The report is bound to the source {bound}.");
            Err(ApiError::field("?datasource_id", FieldErrorCode::Conflict, detail))
        }
        (Some(bound), _) => Ok(bound.clone()),
        (None, Some(named)) => Ok(named),
        (None, None) => {
            let detail = "The report is portable; name a source with ?datasource_id=.";
            Err(ApiError::field("?datasource_id", FieldErrorCode::MissingField, detail))
        }
    }
}

/// The `now` of a request; the present if it is not given.
pub(crate) fn instant(now: Option<&str>) -> Result<Timestamp, ApiError> {
    let Some(text) = now else {
        return Ok(store::Moment::now().timestamp());
    };
    let instant = text.parse().map(|at: Timestamp| store::Moment::from(at).timestamp());
    instant.map_err(|_| {
        let detail = "This is no instant in RFC 3339 that AIR can count from.";
        ApiError::field("/now", FieldErrorCode::BadValue, detail)
    })
}
