//! What a question goes on from: an answer given before in its room.

use std::collections::BTreeMap;
use std::sync::Arc;

use air_engine::ask::{Question, interpret_with};
use air_ir::Ir;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::asks::{Follows, Meta, Request, meta};
use crate::auth::Principal;
use crate::contract::types::AskState;
use crate::id::{ChatMessageId, DatasourceId};
use crate::pipeline::ask::Previous;
use crate::pipeline::sources;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{ChatRoom, StoreError};

/// Answers looked back on.
const BACK: u32 = 20;

/// The answer that a request goes on from, and its message.
pub(super) async fn followed(
    app: &Arc<App>,
    room: &ChatRoom,
    principal: &Principal,
    datasource: &DatasourceId,
    request: &Request,
) -> Result<Option<(Previous, ChatMessageId)>, ApiError> {
    let (id, meta) = match &request.follows {
        Follows::Nothing => return Ok(None),
        Follows::Message(id) => match app.store.chat_messages().get(&room.id, id).await {
            Ok(message) => match meta(&message) {
                Some(meta) => (message.id, meta),
                None => return Ok(None),
            },
            // Gone with the retention: the question has to stand alone.
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        },
        Follows::Last => {
            let Some((id, meta)) = last(app, room, datasource).await? else { return Ok(None) };
            if !goes_on(app, principal, datasource, request, &meta).await? {
                return Ok(None);
            }
            (id, meta)
        }
    };
    Ok(previous(principal, meta)?.map(|previous| (previous, id)))
}

/// The room's last answer over this source.
async fn last(
    app: &App,
    room: &ChatRoom,
    datasource: &DatasourceId,
) -> Result<Option<(ChatMessageId, Meta)>, ApiError> {
    let answers = app.store.chat_messages().answers(&room.id, BACK).await?;
    let mut answered = answers.into_iter().filter_map(|message| {
        let meta = meta(&message)?;
        let answered = meta.answer.state == AskState::Answer && meta.answer.ir.is_some();
        let same = meta.answer.datasource_id.as_ref() == Some(datasource);
        (answered && same).then_some((message.id, meta))
    });
    Ok(answered.next())
}

/// A version of one's own is followed as such. Another's is theirs: its IR alone is gone on from,
/// and planned under the rights of who asks now.
fn previous(principal: &Principal, meta: Meta) -> Result<Option<Previous>, ApiError> {
    let own = meta.answer.asked_by == principal.sub;
    match (meta.answer.scope_version_id, meta.answer.ir) {
        (Some(id), Some(_)) if own => Ok(Some(Previous::Version(id))),
        (_, Some(ir)) => {
            let ir = Ir::parse(&Value::Object(ir)).map_err(|e| ApiError::ir("/previous", e))?;
            Ok(Some(Previous::Ir(Box::new(ir))))
        }
        (_, None) => Ok(None),
    }
}

/// Whether a question changes the answer before it: whether it means something else without.
async fn goes_on(
    app: &Arc<App>,
    principal: &Principal,
    datasource: &DatasourceId,
    request: &Request,
    meta: &Meta,
) -> Result<bool, ApiError> {
    let Some(ir) = &meta.answer.ir else { return Ok(false) };
    let Ok(ir) = Ir::parse(&Value::Object(ir.clone())) else { return Ok(false) };
    let prepared = sources::prepared(app, principal, datasource).await?;
    let (app, id, request) = (Arc::clone(app), datasource.clone(), request.clone());
    let work = move || {
        let catalog = prepared.catalog();
        let lexicon = sources::lexicon(&app, &id, catalog);
        let answers: BTreeMap<String, Value> =
            request.answers.iter().map(|(id, answer)| (id.clone(), json!(answer))).collect();
        let now = request.now.unwrap_or_else(Timestamp::now);
        let alone =
            Question { text: &request.question, catalog, now, previous: None, answers: &answers };
        let after = Question { previous: Some(&ir), ..alone.clone() };
        interpret_with(&lexicon, &alone) != interpret_with(&lexicon, &after)
    };
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}
