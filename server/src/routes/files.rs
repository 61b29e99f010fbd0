//! Uploaded files.

use std::time::Instant;

use axum::http::StatusCode;
use axum::http::header::LOCATION;

use super::datasources::page;
use super::rows::{json, with_header};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::auth::Role;
use crate::contract::types::{
    Cursor, FileCompression, FileState, ListFilesQuery, UploadFilesQuery, UploadFormat, Uploaded,
    UploadedFile, UploadedFileList,
};
use crate::id::FileId;
use crate::problem::ApiError;
use crate::store::{self, FileForm, Packing, Upload};
use crate::uploads::{self, Incoming};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_files),
    operation!(upload_files),
    operation!(get_file),
    operation!(delete_file),
];

async fn list_files(call: Call) -> Answer {
    let query: ListFilesQuery = call.query()?;
    let owner = (!call.principal.may(Role::Admin)).then_some(call.principal.sub.as_str());
    let page = page(query.limit, query.cursor);
    let found = call.app.store.uploads().list(owner, &page).await?;
    let items = found.items.into_iter().map(shown).collect::<Result<_, _>>()?;
    json(StatusCode::OK, &UploadedFileList { items, next: found.next.map(Cursor::new) })
}

async fn upload_files(mut call: Call) -> Answer {
    let query: UploadFilesQuery = call.query()?;
    let body = call.take_body().unwrap_or_default();
    let incoming = Incoming { headers: call.headers.clone(), body, name: query.name };
    let readings = uploads::receive(&call.app, &call.principal.sub, incoming).await?;
    let patience = match query.wait.unwrap_or(true) {
        true => call.app.config.limits.request,
        false => std::time::Duration::ZERO,
    };
    let files = uploads::ended(&call.app, readings, Instant::now() + patience).await?;
    let items: Vec<UploadedFile> = files.into_iter().map(shown).collect::<Result<_, _>>()?;
    let at = match items.as_slice() {
        [one] => Some(format!("/v1/files/{}", one.id)),
        _ => None,
    };
    let response = json(StatusCode::CREATED, &Uploaded { items })?;
    match at {
        Some(at) => with_header(response, LOCATION, &at),
        None => Ok(response),
    }
}

async fn get_file(call: Call) -> Answer {
    json(StatusCode::OK, &shown(own(&call).await?)?)
}

async fn delete_file(call: Call) -> Answer {
    let file = own(&call).await?;
    uploads::delete(&call.app, &file.id).await?;
    let mut response = axum::http::Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// The file in the path, if the caller owns it.
async fn own(call: &Call) -> Result<Upload, ApiError> {
    let id: FileId = call.path("id")?;
    let file = call.app.store.uploads().get(&id).await?;
    call.require_owner(&file.owner, "file", id.as_str())?;
    Ok(file)
}

fn shown(file: Upload) -> Result<UploadedFile, ApiError> {
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    let partly = || ApiError::internal(format!("the record of {} is not whole", file.id));
    Ok(UploadedFile {
        state: match file.state {
            store::FileState::Ready => FileState::Ready,
            store::FileState::Rejected => FileState::Rejected,
            store::FileState::Receiving | store::FileState::Quarantined => FileState::Quarantined,
        },
        format: match file.format.ok_or_else(partly)? {
            FileForm::Csv => UploadFormat::Csv,
            FileForm::Jsonl => UploadFormat::Jsonl,
            FileForm::Parquet => UploadFormat::Parquet,
        },
        compression: match file.compression.ok_or_else(partly)? {
            Packing::None => FileCompression::None,
            Packing::Gzip => FileCompression::Gzip,
            Packing::Zstd => FileCompression::Zstd,
        },
        sha256: file.sha256.clone().ok_or_else(partly)?,
        id: file.id,
        name: file.name,
        owner: file.owner,
        bytes: count(file.bytes),
        rows: file.rows.map(count),
        columns: file.columns.map(count),
        reason: file.reason,
        created_at: file.created_at.to_string(),
        updated_at: file.updated_at.to_string(),
    })
}
