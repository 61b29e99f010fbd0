//! What a question goes on from: an answer given before in its room.

use std::collections::BTreeMap;
use std::sync::Arc;

use air_engine::ask::{self, Interpretation, Question, interpret_with};
use air_ir::Ir;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::asks::{Follows, Meta, Request, meta};
use crate::auth::Principal;
use crate::contract::types::{AskState, ErrorCode};
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
        Follows::Message(id) => match named(app, room, datasource, id).await? {
            Some(found) => found,
            None => return Ok(None),
        },
        Follows::Last => {
            let Some((id, meta)) = last(app, room, datasource).await? else { return Ok(None) };
            if !goes_on(app, principal, datasource, request, &meta).await? {
                return Ok(None);
            }
            changeable(&meta, datasource)?;
            (id, meta)
        }
    };
    Ok(previous(principal, meta)?.map(|previous| (previous, id)))
}

/// The answer that a reply names. One that ended without an answer stands for what it went on
/// from itself.
async fn named(
    app: &App,
    room: &ChatRoom,
    datasource: &DatasourceId,
    id: &ChatMessageId,
) -> Result<Option<(ChatMessageId, Meta)>, ApiError> {
    let mut id = id.clone();
    for _ in 0..BACK {
        let message = match app.store.chat_messages().get(&room.id, &id).await {
            Ok(message) => message,
            // Gone with the retention: the question has to stand alone.
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(meta) = meta(&message) else { return Ok(None) };
        match (meta.answer.state, &meta.request.follows) {
            (AskState::Answer, _) => {
                changeable(&meta, datasource)?;
                return Ok(Some((message.id, meta)));
            }
            (_, Follows::Message(before)) => id = before.clone(),
            (_, Follows::Last | Follows::Nothing) => return Ok(None),
        }
    }
    Ok(None)
}

/// Whether an answer that is to be gone on from can be.
fn changeable(meta: &Meta, datasource: &DatasourceId) -> Result<(), ApiError> {
    let refused = |detail: String| Err(ApiError::new(ErrorCode::Unsupported, detail));
    match &meta.answer.datasource_id {
        Some(other) if other != datasource => refused(format!(
            "The answer it replies to is about the source {other}, and {datasource} is asked here \
             now; ask the whole question."
        )),
        _ if meta.answer.ir.is_none() => refused(
            "The answer before it is SQL that a model wrote, which a follow-up cannot change; ask \
             the whole question."
                .to_owned(),
        ),
        _ => Ok(()),
    }
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
        let same = meta.answer.datasource_id.as_ref() == Some(datasource);
        (meta.answer.state == AskState::Answer && same).then_some((message.id, meta))
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
    let ir = match &meta.answer.ir {
        Some(ir) => match Ir::parse(&Value::Object(ir.clone())) {
            Ok(ir) => Some(ir),
            Err(_) => return Ok(false),
        },
        None => None,
    };
    let prepared = sources::prepared(app, principal, datasource).await?;
    let (app, id, request) = (Arc::clone(app), datasource.clone(), request.clone());
    let work = move || {
        let catalog = prepared.catalog();
        let lexicon = sources::lexicon(&app, &id, catalog);
        // Of an answer without an IR only the form of the question tells.
        let Some(ir) = ir else { return ask::is_marked(&lexicon, &request.question) };
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

/// Words that a question begins with.
const ASKING: [&str; 8] = ["how", "what", "which", "who", "whose", "when", "where", "why"];

/// Whether a text is a question by itself. One that cannot be looked at is left to be asked, which
/// tells why.
pub(super) async fn is_question(
    app: &Arc<App>,
    principal: &Principal,
    datasource: Option<&DatasourceId>,
    text: &str,
) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    let asking = ASKING.contains(&first.trim_end_matches([',', ':', '\'']));
    let Some(id) = datasource.filter(|_| !asking && !text.trim_end().ends_with('?')) else {
        return true;
    };
    let Ok(prepared) = sources::prepared(app, principal, id).await else { return true };
    let (app, id, text) = (Arc::clone(app), id.clone(), text.to_owned());
    let work = move || {
        let (catalog, answers) = (prepared.catalog(), BTreeMap::new());
        let lexicon = sources::lexicon(&app, &id, catalog);
        let now = Timestamp::now();
        let alone = Question { text: &text, catalog, now, previous: None, answers: &answers };
        !matches!(interpret_with(&lexicon, &alone), Interpretation::CannotAnswer { .. })
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::super::wording::nothing;
    use super::*;
    use crate::contract::types::ChatAnswer;

    #[test]
    fn only_an_answer_with_an_ir_over_the_same_source_is_gone_on_from() {
        let id = |text: &str| text.parse::<DatasourceId>().unwrap();
        let meta = |ir: Option<serde_json::Map<String, Value>>| Meta {
            answer: ChatAnswer {
                ir,
                datasource_id: Some(id("shop")),
                ..nothing(AskState::Answer, "ann", "orders")
            },
            request: Request {
                question: "orders".to_owned(),
                answers: BTreeMap::new(),
                follows: Follows::Last,
                may_reply: false,
                datasource: None,
                now: None,
                run: None,
            },
        };
        let with_ir = meta(Some(serde_json::Map::new()));
        assert!(changeable(&with_ir, &id("shop")).is_ok());
        let other = changeable(&with_ir, &id("copy")).unwrap_err();
        assert!(other.detail.contains("shop") && other.detail.contains("copy"), "{}", other.detail);
        let sql = changeable(&meta(None), &id("shop")).unwrap_err();
        assert!(sql.detail.contains("SQL"), "{}", sql.detail);
    }
}
