//! Scopes: what a question was taken to mean, in Markdown that people edit.

use axum::http::StatusCode;
use axum::http::header::LOCATION;

use super::asking::{built, object};
use super::datasources::page;
use super::rows::{json, number, with_header};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::auth::Role;
use crate::contract::types::{
    Cursor, FieldErrorCode, ListScopesQuery, Scope, ScopeCreate, ScopeDetail, ScopeList,
    ScopeStatus, ScopeVersion, ScopeVersionCreate,
};
use crate::id::ScopeId;
use crate::pipeline::definition::shown;
use crate::pipeline::{ask, sources};
use crate::problem::ApiError;
use crate::store::{self, NewScope, NewScopeVersion};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_scopes),
    operation!(create_scope),
    operation!(get_scope),
    operation!(create_scope_version),
];

/// Versions shown with a scope.
const VERSIONS: usize = 100;

async fn list_scopes(call: Call) -> Answer {
    let query: ListScopesQuery = call.query()?;
    let scopes = call.app.store.scopes();
    let owner = (!call.principal.may(Role::Admin)).then_some(call.principal.sub.as_str());
    let status = query.status.map(|status| match status {
        ScopeStatus::Draft => store::ScopeStatus::Draft,
        ScopeStatus::Approved => store::ScopeStatus::Approved,
    });
    let found = scopes.list(owner, status, &page(query.limit, query.cursor)).await?;
    let mut items = Vec::new();
    for scope in found.items {
        let latest = scopes.latest(&scope.id).await?;
        items.push(shown(scope, &latest));
    }
    let next = found.next.map(Cursor::new);
    json(StatusCode::OK, &ScopeList { items, next })
}

async fn create_scope(call: Call) -> Answer {
    let body: ScopeCreate = call.body()?;
    if let Some(id) = &body.datasource_id {
        sources::datasource(&call.app, &call.principal, id).await?;
    }
    let name = body.name.unwrap_or_else(|| question_of(&body.scope_md));
    let new = NewScope {
        name,
        owner: call.principal.sub.clone(),
        datasource_id: body.datasource_id,
        first: NewScopeVersion {
            scope_md: body.scope_md,
            ir: None,
            answer: None,
            created_by: call.principal.sub.clone(),
        },
    };
    let (scope, version) = call.app.store.scopes().create(new).await?;
    let location = format!("/v1/scopes/{}", scope.id);
    let detail = detail(scope, vec![version])?;
    with_header(json(StatusCode::CREATED, &detail)?, LOCATION, &location)
}

/// What stands below the heading Question, or the first line there is.
fn question_of(scope_md: &str) -> String {
    let mut lines = scope_md.lines().map(str::trim).filter(|line| !line.is_empty());
    let heading = |line: &str| line.trim_start_matches('#').trim().eq_ignore_ascii_case("question");
    let below = lines.clone().skip_while(|line| !heading(line)).nth(1);
    let line = below.or_else(|| lines.next()).unwrap_or("scope");
    ask::name(line)
}

async fn get_scope(call: Call) -> Answer {
    let id: ScopeId = call.path("id")?;
    let scope = own(&call, &id).await?;
    let versions = call.app.store.scopes().versions(&id).await?;
    shown::require_scope(&call.app, &call.principal, &scope, &versions).await?;
    json(StatusCode::OK, &detail(scope, versions)?)
}

pub(super) async fn own(call: &Call, id: &ScopeId) -> Result<store::Scope, ApiError> {
    let scope = call.app.store.scopes().get(id).await?;
    call.require_owner(&scope.owner, "scope", id.as_str())?;
    Ok(scope)
}

async fn create_scope_version(call: Call) -> Answer {
    let id: ScopeId = call.path("id")?;
    let body: ScopeVersionCreate = call.body()?;
    let scope = own(&call, &id).await?;
    let approve = body.approve.unwrap_or(false);
    let scopes = call.app.store.scopes();
    let version = match body.scope_md {
        Some(scope_md) => {
            let new = NewScopeVersion {
                scope_md,
                ir: None,
                answer: None,
                created_by: call.principal.sub.clone(),
            };
            scopes.set_status(&id, store::ScopeStatus::Draft).await?;
            scopes.add_version(&id, &new, None).await?
        }
        None if approve => scopes.latest(&id).await?,
        None => {
            let detail = "Neither a text nor an approval is given, so there is nothing to do.";
            return Err(ApiError::field("/approve", FieldErrorCode::BadValue, detail));
        }
    };
    let version = match approve {
        true => approved(&call, &scope, version).await?,
        false => version,
    };
    let location = format!("/v1/scopes/{id}");
    with_header(json(StatusCode::CREATED, &version_shown(version))?, LOCATION, &location)
}

/// What a person confirms is the version's IR, so it is built where it was not.
async fn approved(
    call: &Call,
    scope: &store::Scope,
    version: store::ScopeVersion,
) -> Result<store::ScopeVersion, ApiError> {
    let version = match (&version.ir, &scope.datasource_id) {
        (Some(_), _) => version,
        (None, Some(source)) => built(call, &version, source).await?,
        (None, None) => {
            let detail = "The scope names no source, so there is no IR to confirm; build it first.";
            return Err(ApiError::field("/approve", FieldErrorCode::Conflict, detail));
        }
    };
    let scopes = call.app.store.scopes();
    let version = scopes.verify(&version.id, &call.principal.sub).await?;
    scopes.set_status(&scope.id, store::ScopeStatus::Approved).await?;
    Ok(version)
}

fn status(status: store::ScopeStatus) -> ScopeStatus {
    match status {
        store::ScopeStatus::Approved => ScopeStatus::Approved,
        store::ScopeStatus::Draft | store::ScopeStatus::Archived => ScopeStatus::Draft,
    }
}

fn shown(scope: store::Scope, latest: &store::ScopeVersion) -> Scope {
    Scope {
        id: scope.id,
        name: scope.name,
        status: status(scope.status),
        owner: scope.owner,
        version: number(latest.version),
        scope_version_id: latest.id.clone(),
        created_at: scope.created_at.to_string(),
        updated_at: scope.updated_at.to_string(),
    }
}

/// A scope with its versions, newest first.
fn detail(
    scope: store::Scope,
    versions: Vec<store::ScopeVersion>,
) -> Result<ScopeDetail, ApiError> {
    let latest = versions.first().ok_or_else(|| ApiError::internal("a scope without a version"))?;
    let scope = shown(scope, latest);
    Ok(ScopeDetail {
        id: scope.id,
        name: scope.name,
        status: scope.status,
        owner: scope.owner,
        version: scope.version,
        scope_version_id: scope.scope_version_id,
        created_at: scope.created_at,
        updated_at: scope.updated_at,
        versions: versions.into_iter().take(VERSIONS).map(version_shown).collect(),
    })
}

pub(super) fn version_shown(version: store::ScopeVersion) -> ScopeVersion {
    ScopeVersion {
        approved: version.is_verified(),
        scope_version_id: version.id,
        scope_id: version.scope_id,
        version: number(version.version),
        scope_md: version.scope_md,
        ir: version.ir.and_then(object),
        created_at: version.created_at.to_string(),
    }
}
