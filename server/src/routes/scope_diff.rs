//! What changed between two versions of a scope.

use axum::http::StatusCode;

use super::rows::{json, number};
use super::scopes::own;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{FieldErrorCode, GetScopeDiffQuery, ScopeDiff};
use crate::differences;
use crate::id::ScopeId;
use crate::pipeline::definition::shown;
use crate::problem::ApiError;
use crate::store::ScopeVersion;

pub(super) const OPERATIONS: &[Operation] = &[operation!(get_scope_diff)];

async fn get_scope_diff(call: Call) -> Answer {
    let id: ScopeId = call.path("id")?;
    let query: GetScopeDiffQuery = call.query()?;
    let scope = own(&call, &id).await?;
    let versions = call.app.store.scopes().versions(&id).await?;
    shown::require_scope(&call.app, &call.principal, &scope, &versions).await?;
    let newest = versions.first().map_or(1, |version| number(version.version));
    let to = query.to.unwrap_or(newest);
    let from = query.from.unwrap_or(to.saturating_sub(1).max(1));
    let (before, after) = (find(&versions, "?from", from)?, find(&versions, "?to", to)?);
    let names = (format!("version {from}"), format!("version {to}"));
    let diff = ScopeDiff {
        scope_id: id,
        from,
        to,
        from_version_id: before.id.clone(),
        to_version_id: after.id.clone(),
        scope_md: differences::of_text(&before.scope_md, &after.scope_md, (&names.0, &names.1)),
        ir: differences::of_json(before.ir.as_ref(), after.ir.as_ref()),
    };
    json(StatusCode::OK, &diff)
}

fn find<'v>(
    versions: &'v [ScopeVersion],
    at: &str,
    wanted: u32,
) -> Result<&'v ScopeVersion, ApiError> {
    let found = versions.iter().find(|version| number(version.version) == wanted);
    found.ok_or_else(|| {
        let detail = format!("The scope has no version {wanted}.");
        ApiError::field(at, FieldErrorCode::BadValue, detail)
    })
}
