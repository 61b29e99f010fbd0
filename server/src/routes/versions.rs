//! Versions of a report's definition, and running them.

use axum::http::StatusCode;
use axum::http::header::{ETAG, IF_MATCH, LOCATION};

use super::datasources::page;
use super::exports::run_answer;
use super::process::accepted;
use super::reports::{etag, find, latest, may_change, precondition};
use super::rows::{format, json, max_age, number, with_header};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{
    Checksum, Cursor, ErrorCode, ListReportVersionsQuery, ReportRunRequest, ReportVersion,
    ReportVersionCreate, ReportVersionCreated, ReportVersionList, ReportVersionStatus,
    RunReportQuery,
};
use crate::id::ReportKey;
use crate::jobs::kinds::ReportJob;
use crate::pipeline::order::{self, ReportWanted};
use crate::pipeline::{self, Order, definition, sources};
use crate::problem::ApiError;
use crate::store::{self, JobKind, NewReportVersion};

pub(super) const OPERATIONS: &[Operation] =
    &[operation!(list_report_versions), operation!(create_report_version), operation!(run_report)];

async fn list_report_versions(call: Call) -> Answer {
    let query: ListReportVersionsQuery = call.query()?;
    let report = find(&call).await?;
    let newest = latest(&call, &report).await?.map(|version| version.version);
    let page = page(query.limit, query.cursor);
    let found = call.app.store.reports().versions(&report.id, &page).await?;
    for version in &found.items {
        definition::shown::require(&call.app, &call.principal, version, None).await?;
    }
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
    may_change(&call, &report).await?;
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
        sources::datasource(&call.app, &call.principal, id).await?;
    }
    if let Some(id) = &body.scope_version_id {
        let version = call.app.store.scopes().version(id).await?;
        let scope = call.app.store.scopes().get(&version.scope_id).await?;
        call.require_owner(&scope.owner, "scope version", id.as_str())?;
    }
    definition::check(&call.app, &call.principal, &body.def, body.datasource_id.as_ref()).await?;
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
    let key: ReportKey = call.path("key")?;
    let wanted = ReportWanted {
        key,
        version: query.version,
        datasource_id: query.datasource_id,
        params: body.params,
        now: body.now,
    };
    let order = order::of_report(&call.app, &call.principal, wanted.clone(), call.deadline).await?;
    if call.wants_job() {
        sources::prepared(&call.app, &order, &order.datasource).await?;
        let now = Some(order.now.to_string());
        let input = ReportJob { report: ReportWanted { now, ..wanted } };
        return accepted(&call, JobKind::Report, &input).await;
    }
    let order = Order { max_age: max_age(&call, body.max_age), ..order };
    let finished = pipeline::report(&call.app, order).await?;
    run_answer(&call.app, &finished, format)
}
