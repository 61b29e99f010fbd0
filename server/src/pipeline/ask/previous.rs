//! What a follow-up question changes.
//!
//! In: what the request says it follows. Out: the IR to change, and the scope that its new version
//! belongs to; or why there is none. What was asked to be gone on from is never left out in
//! silence, since the question would then mean something else.

use air_engine::ask;
use air_ir::Ir;

use super::{Asked, Previous, name};
use crate::contract::types::FieldErrorCode;
use crate::pipeline::sources;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Scope, ScopeVersion};

const AT: &str = "/previous";

/// The IR a follow-up changes, and the scope it belongs to.
pub(super) async fn previous(
    app: &App,
    asked: &Asked,
) -> Result<(Option<Scope>, Option<Ir>), ApiError> {
    let id = match &asked.previous {
        None => return Ok((None, None)),
        Some(Previous::Ir(ir)) => return Ok((None, Some((**ir).clone()))),
        Some(Previous::Version(id)) => id,
    };
    let version = app.store.scopes().version(id).await?;
    let scope = app.store.scopes().get(&version.scope_id).await?;
    if !asked.principal.owns_or_admin(&scope.owner) {
        return Err(ApiError::not_found("scope version", id));
    }
    if let Some(source) = scope.datasource_id.as_ref().filter(|id| **id != asked.datasource) {
        return Err(refused(&format!(
            "It is about the source {source}, and {} is asked; ask the whole question there.",
            asked.datasource
        )));
    }
    let ir = ir(app, asked, &version).await?;
    Ok((Some(scope), ir))
}

fn refused(detail: &str) -> ApiError {
    ApiError::field(AT, FieldErrorCode::Conflict, detail)
}

/// The IR of a version. One that ended without an answer stands for the newest before it that has
/// an IR; where there is none, the same question may be asked again, with what was answered.
async fn ir(app: &App, asked: &Asked, version: &ScopeVersion) -> Result<Option<Ir>, ApiError> {
    if let Some(ir) = own(app, asked, version).await? {
        return Ok(Some(ir));
    }
    let all = app.store.scopes().versions(&version.scope_id).await?;
    for before in all.iter().filter(|before| before.version < version.version) {
        if let Some(ir) = own(app, asked, before).await? {
            return Ok(Some(ir));
        }
    }
    let question = version.answer.as_ref().and_then(|answer| answer["question"].as_str());
    match question.is_some_and(|question| name(question) == name(&asked.question)) {
        true => Ok(None),
        false => Err(refused(
            "Neither this version of the scope nor one before it has an IR to change; ask the \
             whole question without `previous`.",
        )),
    }
}

/// The IR of one version; none where its question was not answered.
async fn own(app: &App, asked: &Asked, version: &ScopeVersion) -> Result<Option<Ir>, ApiError> {
    if let Some(ir) = &version.ir {
        return Ok(Some(Ir::parse(ir).map_err(|errors| ApiError::ir(AT, errors))?));
    }
    let Some(answer) = &version.answer else {
        // Edited by a person, and not built yet.
        let prepared = sources::prepared(app, &asked.principal, &asked.datasource).await?;
        let read = ask::scope::read(&version.scope_md, prepared.catalog(), asked.now);
        return Ok(Some(read.map_err(|errors| ApiError::ir(AT, errors))?));
    };
    match answer.get("sql") {
        None => Ok(None),
        Some(_) => Err(refused(
            "It is SQL that a model wrote, and has no IR to change; ask the whole question \
             without `previous`.",
        )),
    }
}
