//! Learning, schema notes, and the catalog with people's edits.

use std::sync::Arc;

use air_ir::{Catalog, CatalogEdits};
use axum::http::StatusCode;
use axum::http::header::{ETAG, IF_MATCH};
use serde_json::json as value;

use super::process::accepted;
use super::rows::{json, matching, with_header};
use super::{Operation, operation};
use crate::access;
use crate::admission::{Answer, Call};
use crate::contract::types::{
    Checksum, Cursor, ErrorCode, FieldErrorCode, GetSchemaQuery, LearnQuery, LearnRequest,
    SchemaNote, SchemaNoteList,
};
use crate::id::DatasourceId;
use crate::jobs::kinds::LearnJob;
use crate::pipeline::order::Pace;
use crate::pipeline::{learn as learning, sources};
use crate::problem::ApiError;
use crate::store::{JobKind, PageRequest, page_of};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(learn),
    operation!(get_schema),
    operation!(get_catalog),
    operation!(update_catalog),
];

async fn learn(call: Call) -> Answer {
    let query: LearnQuery = call.query()?;
    let wanted: LearnRequest = match call.raw_body() {
        Some(_) => call.body()?,
        None => LearnRequest::default(),
    };
    let id = &query.datasource_id;
    sources::datasource(&call.app, &call.principal, id).await?;
    if call.wants_job() {
        let datasource_ids = vec![id.clone()];
        let input = LearnJob { datasource_ids, request: wanted, single: true };
        return accepted(&call, JobKind::Learn, &input).await;
    }
    let unheard: learning::Hearing = Arc::new(|_, _| {});
    let heard = (Pace::Request, unheard);
    let learned = learning::learn(&call.app, id, &wanted, call.deadline, heard).await?;
    let prepared = sources::prepared(&call.app, &call.principal, id).await?;
    json(StatusCode::OK, &learning::shown(learned, prepared.catalog()))
}

async fn get_schema(call: Call) -> Answer {
    let id: DatasourceId = call.path("datasource_id")?;
    let query: GetSchemaQuery = call.query()?;
    sources::datasource(&call.app, &call.principal, &id).await?;
    let limit = query.limit.map(u32::from);
    let page = PageRequest::new(limit, query.cursor.map(|c| c.as_str().to_owned()));
    let notes = call.app.store.schema_notes();
    let found = match access::is_whole(&call.app.config.policies, &call.principal, &id) {
        true => notes.page(&id, &page).await?,
        false => {
            let prepared = sources::prepared(&call.app, &call.principal, &id).await?;
            let record = sources::record(&call.app, &id).await?;
            page_of(&id, learning::notes_of(prepared.catalog()), record.learned_at, &page)?
        }
    };
    let list = SchemaNoteList {
        items: found
            .items
            .into_iter()
            .map(|note| SchemaNote {
                object: note.object,
                chunk: u64::try_from(note.chunk).unwrap_or(0),
                md: note.md,
                md_hash: Checksum::new(note.md_hash),
                created_at: note.created_at.to_string(),
            })
            .collect(),
        next: found.next.map(Cursor::new),
    };
    json(StatusCode::OK, &list)
}

async fn get_catalog(call: Call) -> Answer {
    let id: DatasourceId = call.path("datasource_id")?;
    shown(&call, &id).await
}

/// The catalog as the caller sees it, with its tag.
async fn shown(call: &Call, id: &DatasourceId) -> Answer {
    let prepared = sources::prepared(&call.app, &call.principal, id).await?;
    let catalog = prepared.catalog().as_ref();
    with_header(json(StatusCode::OK, catalog)?, ETAG, &tag(catalog))
}

fn tag(catalog: &Catalog) -> String {
    format!("\"{}\"", catalog.version)
}

async fn update_catalog(call: Call) -> Answer {
    let id: DatasourceId = call.path("datasource_id")?;
    let newer: CatalogEdits = match call.raw_body() {
        Some(body) => serde_json::from_value(body.clone())
            .map_err(|e| ApiError::field("", FieldErrorCode::BadValue, e.to_string()))?,
        None => CatalogEdits::default(),
    };
    check_zone(&newer)?;
    loop {
        match edit(&call, &id, &newer).await {
            // Someone else edited between reading and writing: lay it over theirs.
            Err(error) if error.code == ErrorCode::PreconditionFailed && !wants(&call) => {}
            done => break done?,
        }
    }
    shown(&call, &id).await
}

/// Whether the caller changes a state that it knows, and no other.
fn wants(call: &Call) -> bool {
    call.header(&IF_MATCH).is_some_and(|wanted| wanted.trim() != "*")
}

/// Lays edits over those there are, of what the editor sees.
async fn edit(call: &Call, id: &DatasourceId, newer: &CatalogEdits) -> Result<(), ApiError> {
    let prepared = sources::prepared(&call.app, &call.principal, id).await?;
    let record = sources::record(&call.app, id).await?;
    if let Some(wanted) = call.header(&IF_MATCH) {
        matching(wanted, &tag(prepared.catalog()))?;
    }
    let errors = newer.check(prepared.catalog());
    if !errors.is_empty() {
        return Err(ApiError::ir("", errors));
    }
    let mut edits = sources::edits(&record)?;
    edits.merge(newer.clone());
    let by = (call.principal.sub.as_str(), Some(record.edits_version));
    let catalogs = call.app.store.catalogs();
    catalogs.put_edits(id, &value!(edits), by, learning::kept_notes).await?;
    Ok(())
}

fn check_zone(edits: &CatalogEdits) -> Result<(), ApiError> {
    match &edits.time_zone {
        Some(zone) if jiff::tz::TimeZone::get(zone).is_err() => {
            let detail = "This is no IANA time zone, such as America/New_York.";
            Err(ApiError::field("/time_zone", FieldErrorCode::UnknownTimezone, detail))
        }
        _ => Ok(()),
    }
}
