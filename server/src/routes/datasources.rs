//! Registered sources.

use air_connectors::StoreAddress;
use axum::http::StatusCode;
use axum::http::header::{ETAG, IF_MATCH, LOCATION};
use serde_json::Value;

use super::rows::{json, matching, with_header};
use super::{Operation, operation};
use crate::access;
use crate::admission::{Answer, Call};
use crate::config::SourceKind;
use crate::contract::types::{
    Cursor, Datasource, DatasourceCreate, DatasourceList, DatasourcePatch, FieldErrorCode, Health,
    HealthStatus, ListDatasourcesQuery,
};
use crate::id::DatasourceId;
use crate::pipeline::{learn, sources};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{self, DatasourceChange, NewDatasource, PageRequest, StoreError};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_datasources),
    operation!(create_datasource),
    operation!(get_datasource),
    operation!(update_datasource),
    operation!(delete_datasource),
    operation!(check_datasource),
];

async fn list_datasources(call: Call) -> Answer {
    let query: ListDatasourcesQuery = call.query()?;
    let page = page(query.limit, query.cursor);
    let found = call.app.store.datasources().list(&page).await?;
    let mut items = Vec::new();
    for record in found.items {
        items.push(shown(&call, record).await?);
    }
    let next = found.next.map(Cursor::new);
    json(StatusCode::OK, &DatasourceList { items, next })
}

async fn create_datasource(call: Call) -> Answer {
    let body: DatasourceCreate = call.body()?;
    let new = new(&call.app, body)?;
    let created = call.app.store.datasources().create(new).await?;
    let location = format!("/v1/datasources/{}", created.id);
    let shown = shown(&call, created).await?;
    with_header(json(StatusCode::CREATED, &shown)?, LOCATION, &location)
}

fn new(app: &App, body: DatasourceCreate) -> Result<NewDatasource, ApiError> {
    let kind = kind(body.kind);
    if kind == SourceKind::Files {
        check_files_id(&body.id)?;
    }
    let dsn = body.dsn.map(|dsn| app.vault.seal(&body.id, &dsn)).transpose()?;
    let base_path = body.base_path.map(|path| inside(app, &path)).transpose()?;
    Ok(NewDatasource {
        display_name: body.display_name.unwrap_or_else(|| body.id.to_string()),
        id: body.id,
        kind,
        dsn,
        base_path,
        is_default: body.default.unwrap_or(false),
        allow_superuser: body.allow_superuser.unwrap_or(false),
        sample_values: true,
        owner: None,
    })
}

/// The id of a source of files is part of an address inside the engine.
fn check_files_id(id: &DatasourceId) -> Result<(), ApiError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    match id.as_str().chars().all(plain) {
        true => Ok(()),
        false => {
            let detail = "The id of a source of files has lower-case letters, digits, `-` and `_`.";
            Err(ApiError::field("/id", FieldErrorCode::BadValue, detail))
        }
    }
}

/// A `base_path` as it is stored: from `files.base_path`, which it never leaves.
fn inside(app: &App, path: &str) -> Result<String, ApiError> {
    if StoreAddress::is_one(path) {
        let detail = "An object store or a web server is a source by the configuration alone, \
                      where its keys are: put it into analytics_sources and start again.";
        return Err(ApiError::field("/base_path", FieldErrorCode::BadValue, detail));
    }
    app.config.files.relative(std::path::Path::new(path)).ok_or_else(|| {
        let detail = "This leads out of files.base_path; name a folder below it.";
        ApiError::field("/base_path", FieldErrorCode::BadValue, detail)
    })
}

fn kind(kind: air_ir::catalog::SourceKind) -> SourceKind {
    use air_ir::catalog::SourceKind as Named;
    match kind {
        Named::Postgres => SourceKind::Postgres,
        Named::Timescaledb => SourceKind::Timescaledb,
        Named::Mysql => SourceKind::Mysql,
        Named::Files => SourceKind::Files,
    }
}

fn named(kind: SourceKind) -> air_ir::catalog::SourceKind {
    use air_ir::catalog::SourceKind as Named;
    match kind {
        SourceKind::Postgres => Named::Postgres,
        SourceKind::Timescaledb => Named::Timescaledb,
        SourceKind::Mysql => Named::Mysql,
        SourceKind::Files => Named::Files,
    }
}

async fn get_datasource(call: Call) -> Answer {
    let id: DatasourceId = call.path("id")?;
    let record = sources::datasource(&call.app, &call.principal, &id).await?;
    let tag = tag(&record);
    with_header(json(StatusCode::OK, &shown(&call, record).await?)?, ETAG, &tag)
}

fn tag(record: &store::Datasource) -> String {
    format!("\"{}\"", record.version)
}

async fn update_datasource(call: Call) -> Answer {
    let id: DatasourceId = call.path("id")?;
    let body: DatasourcePatch = call.body()?;
    let record = changeable(&call, &id).await?;
    let is_files = record.kind == SourceKind::Files;
    let misplaced = match (is_files, &body.dsn, &body.base_path) {
        (true, Some(_), _) => Some(("/dsn", "A source of files has no DSN.")),
        (false, _, Some(_)) => Some(("/base_path", "A database has no base_path.")),
        _ => None,
    };
    if let Some((pointer, detail)) = misplaced {
        return Err(ApiError::field(pointer, FieldErrorCode::Conflict, detail));
    }
    let change = DatasourceChange {
        dsn: body.dsn.map(|dsn| call.app.vault.seal(&id, &dsn)).transpose()?,
        base_path: body.base_path.map(|path| inside(&call.app, &path)).transpose()?,
        display_name: body.display_name,
        is_default: body.default,
        allow_superuser: body.allow_superuser,
        sample_values: None,
    };
    // Between reading and writing somebody else may write: the store looks again.
    let expected = match call.header(&IF_MATCH) {
        Some(wanted) => {
            matching(wanted, &tag(&record))?;
            (wanted.trim() != "*").then_some(record.version)
        }
        None => None,
    };
    let updated = call.app.store.datasources().update(&id, &change, expected).await?;
    sources::forget(&call.app, &id);
    let tag = tag(&updated);
    with_header(json(StatusCode::OK, &shown(&call, updated).await?)?, ETAG, &tag)
}

async fn delete_datasource(call: Call) -> Answer {
    let id: DatasourceId = call.path("id")?;
    changeable(&call, &id).await?;
    call.app.store.datasources().delete(&id).await?;
    sources::forget(&call.app, &id);
    let mut response = axum::http::Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// A source that is not a learning session's, which goes with its session and changes with it.
async fn changeable(call: &Call, id: &DatasourceId) -> Result<store::Datasource, ApiError> {
    let record = sources::datasource(&call.app, &call.principal, id).await?;
    match record.owner {
        None => Ok(record),
        Some(_) => {
            let detail =
                format!("The source is a learning session's: see /v1/learning-sessions/{id}.");
            Err(ApiError::field("{id}", FieldErrorCode::Conflict, detail))
        }
    }
}

async fn check_datasource(call: Call) -> Answer {
    let id: DatasourceId = call.path("id")?;
    sources::datasource(&call.app, &call.principal, &id).await?;
    let health = learn::health(&call.app, &id).await?;
    json(StatusCode::OK, &tellable(&call, &id, health))
}

/// A source as people see it: never its DSN.
async fn shown(call: &Call, record: store::Datasource) -> Result<Datasource, ApiError> {
    let app = &call.app;
    let health = record.health.map_or_else(unknown, kept);
    let catalog = match app.store.catalogs().get(&record.id).await {
        Ok(catalog) => Some(catalog),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Datasource {
        kind: named(record.kind),
        display_name: record.display_name,
        default: record.is_default,
        base_path: record.base_path,
        health: tellable(call, &record.id, health),
        catalog_version: catalog.as_ref().map(store::CatalogRecord::tag),
        learned_at: catalog.map(|c| c.learned_at.to_string()),
        created_at: record.created_at.to_string(),
        updated_at: record.updated_at.to_string(),
        id: record.id,
    })
}

/// What does not fit may be a column or a value that policies keep from the caller.
fn tellable(call: &Call, id: &DatasourceId, health: Health) -> Health {
    match access::is_whole(&call.app.config.policies, &call.principal, id) {
        true => health,
        false => Health { detail: None, ..health },
    }
}

fn kept(health: Value) -> Health {
    serde_json::from_value(health).unwrap_or_else(|_| unknown())
}

fn unknown() -> Health {
    Health { status: HealthStatus::Unknown, checked_at: None, latency_ms: None, detail: None }
}

/// A page of a list, as the contract's queries ask for it.
pub(super) fn page(limit: Option<u16>, cursor: Option<Cursor>) -> PageRequest {
    PageRequest::new(limit.map(u32::from), cursor.map(|c| c.as_str().to_owned()))
}
