//! Versions of a report's definition, and running them.

use axum::http::StatusCode;
use axum::http::header::{ETAG, IF_MATCH, LOCATION};

use super::datasources::page;
use super::exports::run_answer;
use super::planning::instant;
use super::reports::{etag, find, latest, precondition, version};
use super::rows::{format, json, number, with_header};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{
    Checksum, Cursor, ErrorCode, FieldErrorCode, ListReportVersionsQuery, ReportDefinition,
    ReportRunRequest, ReportVersion, ReportVersionCreate, ReportVersionCreated, ReportVersionList,
    ReportVersionStatus, RunReportQuery,
};
use crate::id::DatasourceId;
use crate::pipeline::{self, Order, Question, definition, params};
use crate::problem::ApiError;
use crate::store::{self, NewReportVersion};

pub(super) const OPERATIONS: &[Operation] =
    &[operation!(list_report_versions), operation!(create_report_version), operation!(run_report)];

async fn list_report_versions(call: Call) -> Answer {
    let query: ListReportVersionsQuery = call.query()?;
    let report = find(&call).await?;
    let newest = latest(&call, &report).await?.map(|version| version.version);
    let page = page(query.limit, query.cursor);
    let found = call.app.store.reports().versions(&report.id, &page).await?;
    let items = found.items.into_iter().map(|version| shown_version(version, newest));
    let list = ReportVersionList {
        items: items.collect::<Result<_, _>>()?,
        next: found.next.map(Cursor::new),
    };
    json(StatusCode::OK, &list)
}

/// A version as people see it; `newest` is the number of the newest one.
pub(super) fn shown_version(
    version: store::ReportVersion,
    newest: Option<i64>,
) -> Result<ReportVersion, ApiError> {
    Ok(ReportVersion {
        status: match newest == Some(version.version) {
            true => ReportVersionStatus::Active,
            false => ReportVersionStatus::Superseded,
        },
        id: version.id,
        report_id: version.report_id,
        version: number(version.version),
        checksum: Checksum::new(version.checksum),
        datasource_id: version.datasource_id,
        scope_version_id: version.scope_version_id,
        def: serde_json::from_value(version.def).map_err(ApiError::internal)?,
        created_at: version.created_at.to_string(),
    })
}

async fn create_report_version(call: Call) -> Answer {
    let body: ReportVersionCreate = call.body()?;
    let report = find(&call).await?;
    let latest = latest(&call, &report).await?;
    match (call.header(&IF_MATCH), &latest) {
        (None, None) => {}
        (None, Some(version)) => {
            let number = version.version;
            let detail = format!("Send If-Match with the ETag of version {number}, or *.");
            return Err(ApiError::new(ErrorCode::PreconditionRequired, detail));
        }
        (Some(wanted), latest) => precondition(wanted, latest.as_ref())?,
    }
    if let Some(id) = &body.datasource_id {
        call.app.store.datasources().get(id).await?;
    }
    if let Some(id) = &body.scope_version_id {
        let version = call.app.store.scopes().version(id).await?;
        let scope = call.app.store.scopes().get(&version.scope_id).await?;
        call.require_owner(&scope.owner, "scope version", id.as_str())?;
    }
    definition::check(&call.app, &body.def, body.datasource_id.as_ref()).await?;
    let new = NewReportVersion {
        def: serde_json::to_value(&body.def).map_err(ApiError::internal)?,
        datasource_id: body.datasource_id,
        scope_version_id: body.scope_version_id,
        created_by: call.principal.sub.clone(),
    };
    let expected = Some(latest.map_or(0, |version| version.version));
    let reports = call.app.store.reports();
    let version = reports.add_version(&report.id, &new, expected).await?;
    created(&report, &version)
}

/// What is answered once a version was saved.
pub(super) fn created(report: &store::Report, version: &store::ReportVersion) -> Answer {
    let body = ReportVersionCreated {
        report_id: report.id.clone(),
        key: report.key.clone(),
        version: number(version.version),
        checksum: Checksum::new(version.checksum.clone()),
    };
    let response = json(StatusCode::CREATED, &body)?;
    let location = format!("/v1/reports/{}", report.key);
    let response = with_header(response, LOCATION, &location)?;
    with_header(response, ETAG, &etag(version))
}

async fn run_report(call: Call) -> Answer {
    let query: RunReportQuery = call.query()?;
    let format = format(&call, query.format)?;
    let body: ReportRunRequest = match call.raw_body() {
        Some(_) => call.body()?,
        None => ReportRunRequest::default(),
    };
    let report = find(&call).await?;
    let version = version(&call, &report, query.version).await?;
    let datasource = source(&version, query.datasource_id)?;
    let definition: ReportDefinition =
        serde_json::from_value(version.def.clone()).map_err(ApiError::internal)?;
    let ir = definition::ir(&definition)?;
    let given = body.params.unwrap_or_default();
    let (bindings, params) = params::bindings(&definition, &ir, &given)?;
    let order = Order {
        owner: call.principal.sub.clone(),
        datasource,
        question: Question::Ir(Box::new(ir)),
        ir_at: "/def/ir",
        bindings,
        params,
        scope_version: version.scope_version_id.clone(),
        report: Some((report, version)),
        now: instant(body.now.as_deref())?,
        deadline: call.deadline,
    };
    let finished = pipeline::report(&call.app, order).await?;
    run_answer(&call.app, &finished, format)
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
