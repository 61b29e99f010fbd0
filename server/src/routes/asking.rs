//! Asking a question, and the IR of a scope.

use air_engine::ask::scope;
use air_ir::{IR_SCHEMA, Ir};
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::exports::run_result;
use super::rows::{bytes, json};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::config::{self, ModelName};
use crate::contract::types::{
    self, AskRequest, AskResponse, AskState, ErrorCode, FieldErrorCode, ForcedModel,
    IrBuildRequest, IrBuildResponse, Provider,
};
use crate::pipeline::ask::{self, Asked, Drafter, Ended, ModelUse, Previous};
use crate::pipeline::progress::Progress;
use crate::pipeline::{order, sources};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::ScopeVersion;

pub(super) const OPERATIONS: &[Operation] =
    &[operation!(ask), operation!(build_ir), operation!(get_ir_schema)];

async fn ask(call: Call) -> Answer {
    let body: AskRequest = call.body()?;
    let drafter = drafter(&call.app, body.provider, body.force_model)?;
    drafter.allowed(&call.app, &call.principal.sub).await?;
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
        drafter,
        now: order::instant(body.now.as_deref())?,
        run: body.run.unwrap_or(true),
        deadline: call.deadline,
        progress: Progress::untold(),
    };
    let ended = Box::pin(ask::ask(&call.app, asked)).await?;
    json(StatusCode::OK, &response(&call, ended))
}

/// Who drafts. What is asked for by name must be there.
pub(super) fn drafter(
    app: &App,
    provider: Option<Provider>,
    force_model: Option<ForcedModel>,
) -> Result<Drafter, ApiError> {
    let provider = provider.map(|provider| match provider {
        Provider::Builtin => config::Provider::Builtin,
        Provider::Openai => config::Provider::Openai,
        Provider::Ollama => config::Provider::Ollama,
    });
    let force_model = force_model.map(|model| match model {
        ForcedModel::Openai => ModelName::Openai,
        ForcedModel::Llama3 => ModelName::Llama3,
        ForcedModel::Sqlcoder => ModelName::Sqlcoder,
    });
    if let (Some(provider), Some(model)) = (provider, force_model)
        && provider != model.provider()
    {
        let detail = format!("The provider asked for has no model {}.", model.as_str());
        return Err(ApiError::field("/force_model", FieldErrorCode::Conflict, detail));
    }
    let of_provider = match provider {
        Some(config::Provider::Openai) => Some(ModelName::Openai),
        Some(config::Provider::Ollama) => Some(ModelName::Llama3),
        _ => None,
    };
    if let Some(model) = force_model.or(of_provider)
        && let Err(fault) = app.models.usable(model)
    {
        let detail = format!("The model {} cannot be asked: {fault}.", model.as_str());
        return Err(ApiError::new(ErrorCode::ProviderUnavailable, detail));
    }
    Ok(Drafter { provider, force_model })
}

fn parsed(ir: Option<types::Ir>) -> Result<Ir, ApiError> {
    let value = Value::Object(ir.unwrap_or_default());
    Ir::parse(&value).map_err(|errors| ApiError::ir("/previous/ir", errors))
}

/// What an ask ended in, in the contract's form.
pub(super) fn response(call: &Call, ended: Ended) -> AskResponse {
    let draft = ended.draft.as_ref();
    let reading = ended.reading.as_ref();
    let shown = matches!(ended.state, AskState::Answer | AskState::Failed);
    let scope_md = ended.version.scope_md.clone();
    AskResponse {
        state: ended.state,
        message_id: None,
        scope_id: Some(ended.scope.id),
        scope_version_id: Some(ended.version.id),
        ir: draft.filter(|_| shown).and_then(|draft| object(draft.ir.to_json())),
        sql_text: ended.sql_text,
        badge: ended.badge,
        confidence: reading.map(|reading| reading.confidence),
        interpretation: reading.map(|reading| reading.interpretation.clone()),
        assumptions: reading.map(|reading| reading.assumptions.clone()).unwrap_or_default(),
        questions: ended.questions.into_iter().map(ask::question).collect(),
        filters: shown.then(|| ask::items(&scope_md, &["Filters", "Period"])),
        tables: shown.then_some(ended.tables),
        reason: ended.reason,
        missing: (ended.state == AskState::CannotAnswer).then_some(ended.missing),
        problem: ended.error.map(|error| error.problem(&call.request_id)),
        result: ended.finished.map(|finished| run_result(&call.app, &finished)),
        scope_md: Some(scope_md),
        model: ended.model.map(model_use),
    }
}

/// What models did, in the contract's type.
pub(super) fn model_use(made: ModelUse) -> types::ModelUse {
    let tried = made.tried.into_iter().map(|tried| types::ModelTried {
        model: tried.model,
        outcome: tried.outcome,
        corrections: tried.corrections.into(),
    });
    types::ModelUse {
        used: made.used,
        tried: tried.collect(),
        calls: made.usage.calls,
        prompt_tokens: made.usage.prompt_tokens,
        completion_tokens: made.usage.completion_tokens,
        estimated: made.usage.estimated,
        kept: made.kept,
        prompts: made.prompts,
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
    let prepared = sources::prepared(&call.app, &call.principal, datasource).await?;
    let ir = scope::read(&version.scope_md, prepared.catalog(), jiff::Timestamp::now())
        .map_err(|errors| ApiError::ir("", errors))?;
    Ok(call.app.store.scopes().set_ir(&version.id, &ir.to_json()).await?)
}

async fn get_ir_schema(_call: Call) -> Answer {
    Ok(bytes("application/schema+json", IR_SCHEMA))
}
