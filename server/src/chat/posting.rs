//! Saying something: what is let in, and what happens with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::oneshot;

use super::asks::{self, Request};
use super::{answering, live, standing};
use crate::allowance;
use crate::auth::Principal;
use crate::broker::{AiRequest, Allowance, RecentMessage};
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::id::ChatMessageId;
use crate::pipeline::ask::Ended;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{
    ChatMessage, ChatMessageType, ChatRoom, ChatStanding, Kept, NewChatAnswer, NewChatMessage,
};

/// Characters of one message.
const LONGEST: usize = 4_000;
const LONGEST_REF: usize = 100;

/// A message as somebody sends it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Post {
    pub(crate) content: String,
    /// The sender's own name of it: sent again, it is one message.
    pub(crate) client_ref: Option<String>,
    /// Whether it asks AIR; the room's rule where it is not said.
    pub(crate) ask: Option<bool>,
    pub(crate) reply_to: Option<ChatMessageId>,
    /// Answers to the questions of what it replies to.
    pub(crate) answers: BTreeMap<String, String>,
    /// What `today` and the like refer to.
    pub(crate) now: Option<Timestamp>,
    /// Whether to run what is understood.
    pub(crate) run: Option<bool>,
}

/// A message that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) message_id: ChatMessageId,
    pub(crate) seq: u64,
    /// The message that will answer it.
    pub(crate) answer_id: Option<ChatMessageId>,
}

/// Keeps a message, tells the room, and begins its answer where it asks for one. What is returned
/// is on disk, the promise of the answer with it.
pub(crate) async fn post(
    app: &Arc<App>,
    principal: &Principal,
    room: &str,
    message: Post,
) -> Result<Posted, ApiError> {
    let standing = standing(app, principal, room).await?;
    keep(app, principal, &standing, message, None).await
}

/// Says something in a room and waits for what it ends in, as who asks the pipeline itself does.
/// The answer is kept before; where nobody waits any more, it is given all the same.
pub(crate) async fn converse(
    app: &Arc<App>,
    principal: &Principal,
    standing: &ChatStanding,
    message: Post,
) -> Result<(Posted, Ended), ApiError> {
    let (told, ended) = oneshot::channel();
    let posted = keep(app, principal, standing, message, Some(told)).await?;
    let lost = |_| {
        let detail = "The answer was not given here; see the transcript.";
        ApiError::new(ErrorCode::Unavailable, detail).retry_after(2)
    };
    Ok((posted, ended.await.map_err(lost)??))
}

/// Who waits for what an answer ended in.
pub(super) type Waiting = oneshot::Sender<Result<Ended, ApiError>>;

async fn keep(
    app: &Arc<App>,
    principal: &Principal,
    standing: &ChatStanding,
    message: Post,
    waiting: Option<Waiting>,
) -> Result<Posted, ApiError> {
    fits(&message)?;
    let room = &standing.room;
    let new = NewChatMessage {
        client_ref: message.client_ref.clone(),
        reply_to: message.reply_to.clone(),
        ..NewChatMessage::new(
            room.id.clone(),
            ChatMessageType::User,
            principal.sub.clone(),
            message.content.clone(),
        )
    };
    // Sent again after its acknowledgement was lost: no allowance is taken for it.
    if let Some(client_ref) = &message.client_ref
        && let Some((before, answer)) =
            app.store.chat_messages().sent_before(&new, client_ref).await?
    {
        return same(&new, &before, answer);
    }
    // Before anything is read for it.
    allowance::take(app, &principal.sub, Allowance::Messages).await?;
    let request = match asked(app, standing, principal, &message).await {
        Ok(request) => request,
        Err(refused) => {
            app.broker.give_back(Allowance::Messages, &principal.sub).await;
            return Err(refused);
        }
    };
    let promise = request.map(|request| promised(principal, &request));
    // Before it is owed, so that it is never taken for one that nobody gives.
    let giving = promise.as_ref().map(|promise| app.chat.giving(&promise.id));
    let posted = app.store.chat_messages().post(&new, promise.as_ref()).await;
    if !matches!(posted, Ok(Kept::New { .. })) {
        // Nothing was said by it.
        app.broker.give_back(Allowance::Messages, &principal.sub).await;
        if promise.is_some() {
            app.broker.give_back(Allowance::AiRequests, &principal.sub).await;
        }
    }
    match posted? {
        Kept::Before { message, answer } => same(&new, &message, answer),
        Kept::New { message, event, answer } => {
            app.events.announce(event).await;
            told(app, room, &message).await;
            let answer_id = answer.as_ref().map(|answer| answer.id.clone());
            if let Some(answer) = answer {
                let (app_too, id) = (Arc::clone(app), answer.id.clone());
                queued(app, room, &answer.asked_by, &id, "queued").await;
                app.tasks.spawn(async move {
                    answering::answer(&app_too, answer, waiting).await;
                    drop(giving);
                });
            }
            Ok(kept(&message, answer_id))
        }
    }
}

fn fits(message: &Post) -> Result<(), ApiError> {
    let bad = |at, detail: String| Err(ApiError::field(at, FieldErrorCode::BadValue, detail));
    let length = message.content.chars().count();
    if message.content.trim().is_empty() {
        return bad("/content", "A message says something.".to_owned());
    }
    if length > LONGEST {
        let detail = format!("A message has at most {LONGEST} characters; this one has {length}.");
        return bad("/content", detail);
    }
    match message.client_ref.as_ref().map(|name| name.chars().count()) {
        Some(length) if length == 0 || length > LONGEST_REF => {
            bad("/client_ref", format!("A client_ref has 1 to {LONGEST_REF} characters."))
        }
        _ => Ok(()),
    }
}

fn same(
    new: &NewChatMessage,
    before: &ChatMessage,
    answer: Option<ChatMessageId>,
) -> Result<Posted, ApiError> {
    if before.content == new.content {
        return Ok(kept(before, answer));
    }
    let detail = "This client_ref was used for another message.";
    Err(ApiError::new(ErrorCode::IdempotencyMismatch, detail))
}

fn kept(message: &ChatMessage, answer_id: Option<ChatMessageId>) -> Posted {
    Posted { message_id: message.id.clone(), seq: message.seq.cast_unsigned(), answer_id }
}

/// What a message asks, if it does and its sender may ask.
async fn asked(
    app: &Arc<App>,
    standing: &ChatStanding,
    principal: &Principal,
    message: &Post,
) -> Result<Option<Request>, ApiError> {
    let request = asks::request(app, standing, principal, message).await?;
    if request.is_some() {
        allowance::take(app, &principal.sub, Allowance::AiRequests).await?;
    }
    Ok(request)
}

fn promised(principal: &Principal, request: &Request) -> NewChatAnswer {
    NewChatAnswer {
        id: ChatMessageId::new(),
        principal: json!({
            "sub": principal.sub,
            "role": principal.role,
            "claims": principal.claims,
        }),
        request: json!(request),
    }
}

/// What is live of a message: its sender types no more, and the broker remembers it.
async fn told(app: &Arc<App>, room: &ChatRoom, message: &ChatMessage) {
    live::silent(app, room, &message.user_id).await;
    let recent = RecentMessage {
        id: message.id.to_string(),
        user_id: message.user_id.clone(),
        room: room.id.to_string(),
        kind: message.kind.as_str().to_owned(),
        content: message.content.clone(),
        at: message.created_at,
    };
    app.broker.message_posted(&recent, app.config.chat.message_retention).await;
}

/// How long the broker shows a question that nobody answers any more.
const QUEUED: Duration = Duration::from_secs(600);

pub(super) async fn queued(
    app: &App,
    room: &ChatRoom,
    user: &str,
    id: &ChatMessageId,
    status: &str,
) {
    let request = AiRequest {
        id: id.to_string(),
        user_id: user.to_owned(),
        room: room.id.to_string(),
        status: status.to_owned(),
    };
    app.broker.ai_queued(&request, QUEUED).await;
}
