//! An answer of a session becomes a version of an endpoint.
//!
//! In: the answer that is named, and parameters. Out: a saved version of the report that the
//! endpoint calls, planned whole with values of the parameters' types, so that what is published
//! can be called.

use std::sync::Arc;

use air_ir::{Bindings, Catalog, Ir, Table};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::parameters::{self, Parametrised};
use crate::auth::Principal;
use crate::chat::meta;
use crate::contract::types::{
    self as contract, AskState, ChatAnswer, EndpointParam, ErrorCode, FieldErrorCode, ResultColumn,
    SessionPublish,
};
use crate::id::DatasourceId;
use crate::jobs::kept;
use crate::pipeline::{ask, definition, plan_options, policy, sources};
use crate::problem::ApiError;
use crate::results;
use crate::service::App;
use crate::store::{
    ChatMessage, ChatMessageType, Endpoint, NewEndpoint, NewReportVersion, PageRequest, Session,
};

/// Messages that are looked back on for the answer.
const BACK: u32 = 500;

/// Publishes an answer; the endpoint as it is then.
pub(crate) async fn publish(
    app: &Arc<App>,
    principal: &Principal,
    session: &Session,
    wanted: SessionPublish,
) -> Result<Endpoint, ApiError> {
    if wanted.message_id.is_some() && wanted.run_id.is_some() {
        let detail = "Name a message or a run.";
        return Err(ApiError::field("/run_id", FieldErrorCode::Conflict, detail));
    }
    let answer = answer(app, session, &wanted).await?;
    let source = session.source().map_err(ApiError::internal)?;
    let params = wanted.params.unwrap_or_default();
    let mut ir = answer.ir.clone().unwrap_or_default();
    reached(&mut ir, sources::prepared(app, principal, &source).await?.catalog(), &params);
    let made = parameters::parametrised(ir, &params, wanted.description.clone())
        .map_err(ApiError::invalid)?;
    let columns = planned(app, principal, &source, &made, &params).await?;
    definition::check(app, principal, &made.definition, Some(&source)).await?;
    let new = NewEndpoint {
        slug: wanted.slug,
        title: wanted.title,
        question: ask::name(&answer.question),
        description: wanted.description,
        session_id: session.id.clone(),
        params: json!(params),
        columns: json!(columns),
        owner: session.owner.clone(),
        principal: kept(principal),
        definition: NewReportVersion {
            def: serde_json::to_value(&made.definition).map_err(ApiError::internal)?,
            datasource_id: Some(source),
            scope_version_id: answer.scope_version_id,
            created_by: principal.sub.clone(),
        },
    };
    Ok(app.store.endpoints().publish(&new).await?)
}

/// Lists the table of a parameter's field where the answer did not need it: the only one that has
/// such a column, or the one that the field names.
fn reached(ir: &mut contract::Ir, catalog: &Catalog, params: &[EndpointParam]) {
    let Some(Value::Array(entities)) = ir.get_mut("entities") else { return };
    let name = |entity: &Value| {
        let named = entity.as_str().or(entity["entity"].as_str());
        named.map(str::to_owned)
    };
    for param in params {
        let field = param.field.as_deref().unwrap_or(&param.name);
        let listed: Vec<String> = entities.iter().filter_map(name).collect();
        let (wanted, column) = match field.rsplit_once('.') {
            Some((table, column)) => (Some(table), column),
            None => (None, field),
        };
        let has = |table: &&Table| {
            table.column(column).is_some() && wanted.is_none_or(|wanted| table.name == wanted)
        };
        let having: Vec<&Table> = catalog.tables.iter().filter(has).collect();
        let is_listed = having.iter().any(|table| listed.contains(&table.name));
        if let ([only], false) = (having.as_slice(), is_listed) {
            entities.push(json!(only.name));
        }
    }
}

/// The answer that is named by its message, its question or its run; the last one otherwise.
async fn answer(
    app: &App,
    session: &Session,
    wanted: &SessionPublish,
) -> Result<ChatAnswer, ApiError> {
    let room = session.room().map_err(ApiError::internal)?;
    let page = PageRequest::new(Some(BACK), None);
    let messages = app.store.chat_messages().newest(&room, &page).await?.items;
    let named = |message: &&ChatMessage| match (&wanted.message_id, &wanted.run_id) {
        (Some(id), _) => message.id == *id || message.reply_to.as_ref() == Some(id),
        (None, Some(run)) => meta(message).is_some_and(|m| m.answer.run_id.as_ref() == Some(run)),
        (None, None) => meta(message).is_some_and(|meta| meta.answer.ir.is_some()),
    };
    let is_answer = |message: &&ChatMessage| message.kind == ChatMessageType::Ai;
    let found = messages.iter().filter(is_answer).find(named);
    let Some(found) = found else {
        let (at, detail) = match (&wanted.message_id, &wanted.run_id) {
            (Some(id), _) => ("/message_id", format!("The session has no answer {id}.")),
            (None, Some(run)) => ("/run_id", format!("No answer of the session was run as {run}.")),
            (None, None) => ("", "There is no answer to publish yet; ask something.".to_owned()),
        };
        return Err(ApiError::field(at, FieldErrorCode::BadValue, detail));
    };
    let answer = meta(found).map(|meta| meta.answer);
    let whole = |a: &ChatAnswer| a.state == AskState::Answer && a.ir.is_some();
    answer.filter(whole).ok_or_else(|| {
        let detail = "The message is no answer with an IR, so there is nothing to publish.";
        ApiError::new(ErrorCode::Unsupported, detail)
    })
}

/// Plans what is to be published, with a value in the place of each parameter; gives its columns.
async fn planned(
    app: &App,
    principal: &Principal,
    source: &DatasourceId,
    made: &Parametrised,
    params: &[EndpointParam],
) -> Result<Vec<ResultColumn>, ApiError> {
    let ir = Ir::parse(&Value::Object(made.definition.ir.clone().unwrap_or_default()));
    let ir = ir.map_err(|errors| at_parameters(ApiError::ir("", errors), &made.places))?;
    let values = params.iter().map(|p| (p.name.clone(), parameters::sample(p))).collect();
    let bindings = Bindings { values, ..Bindings::default() };
    let bound = ir.bind(&bindings);
    let bound = bound.map_err(|errors| at_parameters(ApiError::ir("", errors), &made.places))?;
    let prepared = sources::prepared(app, principal, source).await?;
    let plan = air_engine::plan(&bound, &prepared, &plan_options(app, Timestamp::now()))
        .map_err(|error| at_parameters(ApiError::plan("", error), &made.places))?;
    let guarded = air_engine::guard(plan, &policy(app))?;
    Ok(results::columns(guarded.columns()))
}

/// Errors of a parameter's filter are those of the parameter.
fn at_parameters(mut error: ApiError, places: &[usize]) -> ApiError {
    for one in &mut error.errors {
        let Some(rest) = one.pointer.strip_prefix("/filters/") else { continue };
        let (place, member) = rest.split_once('/').unwrap_or((rest, ""));
        let place = place.parse::<usize>().ok();
        if let Some(at) = places.iter().position(|p| Some(*p) == place) {
            let member = match member {
                "field" => "field",
                "op" => "op",
                _ => "type",
            };
            one.pointer = format!("/params/{at}/{member}");
        }
    }
    error
}
