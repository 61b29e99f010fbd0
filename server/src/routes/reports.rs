//! Saved reports: list, create, read, archive, export and import.

use axum::http::StatusCode;
use axum::http::header::{ACCEPT, ETAG, IF_MATCH, LOCATION};

use super::datasources::page;
use super::rows::{bytes, json, number, with_header};
use super::versions::{created, shown_version};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{
    Checksum, Cursor, ErrorCode, ExportFormat, ExportReportQuery, FieldErrorCode,
    ImportReportQuery, ListReportsQuery, Report, ReportCreate, ReportDetail, ReportExport,
    ReportList,
};
use crate::id::ReportKey;
use crate::pipeline::definition::{self, shown};
use crate::pipeline::{order, sources};
use crate::problem::ApiError;
use crate::store::{self, Moment, NewReportVersion, StoreError};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_reports),
    operation!(create_report),
    operation!(get_report),
    operation!(delete_report),
    operation!(export_report),
    operation!(import_report),
];

const FORMAT: &str = "air.report/1";
/// Taken by a path of the contract, so no report could be reached by it.
const RESERVED: &str = "import";

async fn list_reports(call: Call) -> Answer {
    let query: ListReportsQuery = call.query()?;
    let found = call.app.store.reports().list(&page(query.limit, query.cursor)).await?;
    let mut items = Vec::new();
    for report in found.items {
        let latest = latest(&call, &report).await?;
        items.push(summary(report, latest.as_ref()));
    }
    let next = found.next.map(Cursor::new);
    json(StatusCode::OK, &ReportList { items, next })
}

/// The newest version, if there is one.
pub(super) async fn latest(
    call: &Call,
    report: &store::Report,
) -> Result<Option<store::ReportVersion>, ApiError> {
    match call.app.store.reports().latest(&report.id).await {
        Ok(version) => Ok(Some(version)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn summary(report: store::Report, latest: Option<&store::ReportVersion>) -> Report {
    Report {
        id: report.id,
        key: report.key,
        title: report.title,
        owner: report.owner,
        archived: report.archived,
        version: latest.map(|version| number(version.version)),
        created_at: report.created_at.to_string(),
        updated_at: report.updated_at.to_string(),
    }
}

async fn create_report(call: Call) -> Answer {
    let body: ReportCreate = call.body()?;
    free(&body.key, "/key")?;
    let reports = call.app.store.reports();
    let report = reports.create(&body.key, &body.title, &call.principal.sub).await?;
    let location = format!("/v1/reports/{}", report.key);
    with_header(json(StatusCode::CREATED, &summary(report, None))?, LOCATION, &location)
}

pub(super) fn free(key: &ReportKey, pointer: &str) -> Result<(), ApiError> {
    match key.as_str() == RESERVED {
        true => {
            let detail = "This key is a path of AIR's own; take another.";
            Err(ApiError::field(pointer, FieldErrorCode::BadValue, detail))
        }
        false => Ok(()),
    }
}

/// A report by its key; one that is near is named where there is none.
pub(super) async fn find(call: &Call) -> Result<store::Report, ApiError> {
    let key: ReportKey = call.path("key")?;
    Ok(call.app.store.reports().find(&key).await?)
}

/// The `ETag` of a definition.
pub(super) fn etag(version: &store::ReportVersion) -> String {
    format!("\"{}\"", version.checksum)
}

async fn get_report(call: Call) -> Answer {
    let report = find(&call).await?;
    let latest = latest(&call, &report).await?;
    if let Some(version) = &latest {
        shown::require(&call.app, &call.principal, version, None).await?;
    }
    let tag = latest.as_ref().map(etag);
    let newest = latest.as_ref().map(|version| version.version);
    let shown = summary(report, latest.as_ref());
    let current = latest.map(|version| shown_version(version, newest)).transpose()?;
    let detail = ReportDetail {
        id: shown.id,
        key: shown.key,
        title: shown.title,
        owner: shown.owner,
        archived: shown.archived,
        version: shown.version,
        created_at: shown.created_at,
        updated_at: shown.updated_at,
        current,
    };
    let response = json(StatusCode::OK, &detail)?;
    match tag {
        Some(tag) => with_header(response, ETAG, &tag),
        None => Ok(response),
    }
}

async fn delete_report(call: Call) -> Answer {
    let report = find(&call).await?;
    may_change(&call, &report).await?;
    let latest = latest(&call, &report).await?;
    if let Some(wanted) = call.header(&IF_MATCH) {
        precondition(wanted, latest.as_ref())?;
    }
    call.app.store.reports().archive(&report.key).await?;
    let mut response = axum::http::Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A report that others call as an endpoint is changed and removed by who published it alone, and
/// by admins.
pub(super) async fn may_change(call: &Call, report: &store::Report) -> Result<(), ApiError> {
    match call.app.store.endpoints().get(&report.key, None).await {
        Ok(endpoint) if !call.principal.owns_or_admin(&endpoint.owner) => {
            let detail = format!(
                "The report {} is published as an endpoint; who published it, or an admin, \
                 changes and removes it.",
                report.key
            );
            Err(ApiError::new(ErrorCode::Forbidden, detail))
        }
        Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the newest definition is the one that the caller knows.
pub(super) fn precondition(
    wanted: &str,
    latest: Option<&store::ReportVersion>,
) -> Result<(), ApiError> {
    let matches = |tag: &str| {
        let tag = tag.trim();
        latest.is_some_and(|version| tag == "*" || tag == etag(version))
    };
    if wanted.split(',').any(matches) {
        return Ok(());
    }
    let detail = match latest {
        Some(version) => {
            let number = version.version;
            format!("Version {number} is the newest and another one; read it and try again.")
        }
        None => "There is no version yet, so If-Match cannot match.".to_owned(),
    };
    Err(ApiError::new(ErrorCode::PreconditionFailed, detail))
}

async fn export_report(call: Call) -> Answer {
    let query: ExportReportQuery = call.query()?;
    let format = export_format(&call, query.format)?;
    let report = find(&call).await?;
    let version = order::version(&call.app, &report, query.version).await?;
    shown::require(&call.app, &call.principal, &version, None).await?;
    let tag = etag(&version);
    let export = ReportExport {
        format: FORMAT.to_owned(),
        key: report.key,
        title: report.title,
        datasource_id: version.datasource_id,
        version: Some(number(version.version)),
        checksum: Some(Checksum::new(version.checksum)),
        exported_at: Some(Moment::now().to_string()),
        def: serde_json::from_value(version.def).map_err(ApiError::internal)?,
    };
    let response = match format {
        ExportFormat::Json => json(StatusCode::OK, &export)?,
        ExportFormat::Yaml => {
            let text = serde_saphyr::to_string(&export).map_err(ApiError::internal)?;
            bytes("application/yaml", text)
        }
    };
    with_header(response, ETAG, &tag)
}

fn export_format(call: &Call, wanted: Option<ExportFormat>) -> Result<ExportFormat, ApiError> {
    if let Some(format) = wanted {
        return Ok(format);
    }
    let accept = call.header(&ACCEPT).unwrap_or("*/*").to_ascii_lowercase();
    let ranges = || accept.split(',').map(|range| range.split(';').next().unwrap_or("").trim());
    let json = ["application/json", "application/*", "*/*"];
    if ranges().any(|range| json.contains(&range)) {
        Ok(ExportFormat::Json)
    } else if ranges().any(|range| range == "application/yaml") {
        Ok(ExportFormat::Yaml)
    } else {
        let detail = "There is json and yaml; `Accept` names neither.";
        Err(ApiError::new(ErrorCode::NotAcceptable, detail))
    }
}

async fn import_report(call: Call) -> Answer {
    let query: ImportReportQuery = call.query()?;
    let export: ReportExport = call.body()?;
    let key = query.key.unwrap_or(export.key);
    free(&key, "?key")?;
    let datasource_id = query.datasource_id.or(export.datasource_id);
    if let Some(id) = &datasource_id {
        sources::datasource(&call.app, &call.principal, id).await?;
    }
    definition::check(&call.app, &call.principal, &export.def, datasource_id.as_ref()).await?;
    let first = NewReportVersion {
        def: serde_json::to_value(&export.def).map_err(ApiError::internal)?,
        datasource_id,
        scope_version_id: None,
        created_by: call.principal.sub.clone(),
    };
    let reports = call.app.store.reports();
    let owner = &call.principal.sub;
    let (report, version) = reports.create_with_version(&key, &export.title, owner, &first).await?;
    created(&report, &version)
}
