//! Asking a question, and the IR of a scope.

use air_engine::ask::{Clarification, scope};
use air_ir::{IR_SCHEMA, Ir};
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::exports::run_result;
use super::planning::instant;
use super::rows::{bytes, json};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{
    self, AskRequest, AskResponse, AskState, Choice, ErrorCode, FieldErrorCode, IrBuildRequest,
    IrBuildResponse, Provider, Question,
};
use crate::pipeline::ask::{self, Asked, Ended, Previous};
use crate::pipeline::sources;
use crate::problem::ApiError;
use crate::store::ScopeVersion;

pub(super) const OPERATIONS: &[Operation] =
    &[operation!(ask), operation!(build_ir), operation!(get_ir_schema)];

async fn ask(call: Call) -> Answer {
    let body: AskRequest = call.body()?;
    if !matches!(body.provider, None | Some(Provider::Builtin)) || body.force_model.is_some() {
        let detail = "This version of AIR has the provider builtin only; models come with a later \
                      one.";
        return Err(ApiError::new(ErrorCode::ProviderUnavailable, detail));
    }
    let previous = match body.previous {
        None => None,
        Some(previous) => match (previous.scope_version_id, previous.ir) {
            (Some(id), _) => Some(Previous::Version(id)),
            (None, ir) => Some(Previous::Ir(Box::new(parsed(ir)?))),
        },
    };
    let asked = Asked {
        principal: call.principal.clone(),
        question: body.question,
        datasource: body.datasource_id,
        previous,
        answers: body.answers.unwrap_or_default(),
        now: instant(body.now.as_deref())?,
        run: body.run.unwrap_or(true),
        deadline: call.deadline,
    };
    let ended = Box::pin(ask::ask(&call.app, asked)).await?;
    json(StatusCode::OK, &response(&call, ended))
}

fn parsed(ir: Option<types::Ir>) -> Result<Ir, ApiError> {
    let value = Value::Object(ir.unwrap_or_default());
    Ir::parse(&value).map_err(|errors| ApiError::ir("/previous/ir", errors))
}

fn response(call: &Call, ended: Ended) -> AskResponse {
    let draft = ended.draft.as_ref();
    let shown = matches!(ended.state, AskState::Answer | AskState::Failed);
    let scope_md = ended.version.scope_md.clone();
    AskResponse {
        state: ended.state,
        scope_id: Some(ended.scope.id),
        scope_version_id: Some(ended.version.id),
        ir: draft.filter(|_| shown).and_then(|draft| object(draft.ir.to_json())),
        badge: ended.badge,
        confidence: draft.map(|draft| draft.confidence),
        interpretation: draft.map(|draft| draft.interpretation.clone()),
        assumptions: draft.map(|draft| draft.assumptions.clone()).unwrap_or_default(),
        questions: ended.questions.into_iter().map(question).collect(),
        filters: shown.then(|| ask::items(&scope_md, &["Filters", "Period"])),
        tables: shown.then_some(ended.tables),
        reason: ended.reason,
        missing: (ended.state == AskState::CannotAnswer).then_some(ended.missing),
        problem: ended.error.map(|error| error.problem(&call.request_id)),
        result: ended.finished.map(|finished| run_result(&call.app, &finished)),
        scope_md: Some(scope_md),
    }
}

fn question(asked: Clarification) -> Question {
    Question {
        id: asked.id,
        text: asked.text,
        choices: asked
            .choices
            .into_iter()
            .map(|choice| Choice { value: choice.value, label: choice.label })
            .collect(),
        recommended: Some(asked.recommended),
    }
}

/// An IR is an object.
pub(super) fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

async fn build_ir(call: Call) -> Answer {
    let body: IrBuildRequest = call.body()?;
    let scopes = call.app.store.scopes();
    let version = scopes.version(&body.scope_version_id).await?;
    let scope = scopes.get(&version.scope_id).await?;
    call.require_owner(&scope.owner, "scope version", version.id.as_str())?;
    let Some(datasource_id) = body.datasource_id.or(scope.datasource_id) else {
        let detail = "The scope names no source; name one here.";
        return Err(ApiError::field("/datasource_id", FieldErrorCode::MissingField, detail));
    };
    let version = built(&call, &version, &datasource_id).await?;
    let ir = version.ir.and_then(object).unwrap_or_default();
    let response = IrBuildResponse {
        scope_version_id: version.id,
        datasource_id,
        ir,
        assumptions: ask::items(&version.scope_md, &["Assumptions"]),
    };
    json(StatusCode::OK, &response)
}

/// The version with the IR that its Markdown stands for.
pub(super) async fn built(
    call: &Call,
    version: &ScopeVersion,
    datasource: &crate::id::DatasourceId,
) -> Result<ScopeVersion, ApiError> {
    let prepared = sources::prepared(&call.app, datasource).await?;
    let ir = scope::read(&version.scope_md, prepared.catalog(), jiff::Timestamp::now())
        .map_err(|errors| ApiError::ir("", errors))?;
    Ok(call.app.store.scopes().set_ir(&version.id, &ir.to_json()).await?)
}

async fn get_ir_schema(_call: Call) -> Answer {
    Ok(bytes("application/schema+json", IR_SCHEMA))
}
