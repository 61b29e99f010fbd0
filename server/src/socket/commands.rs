//! What a client asks for, and the answers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::connection::{Connection, End};
use super::message::{self, Message, Said};
use super::replay::Replay;
use super::{presence, rights};
use crate::chat;
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::events::{Channel, Hub, Topic};
use crate::problem::{ApiError, sentence};
use crate::store::StoreError;

/// What is answered: the channel, and what is said of it.
type Answer = Result<(String, Value), ApiError>;

impl Connection {
    /// Does what a message asks and answers it. Whatever is wrong with it is answered too.
    pub(super) async fn obey(&mut self, text: &[u8]) -> Result<(), End> {
        let (about, kind, reference, answer) = match message::read(text) {
            Err(unread) => ("socket".to_owned(), unread.kind, unread.reference, Err(unread.error)),
            Ok(Message { kind, reference, what }) => {
                // Whoever subscribes again begins again, from the number that is named now.
                let left = match &what {
                    Said::Subscribe { channel, .. } | Said::Unsubscribe { channel } => {
                        let left = self.leave(channel).await;
                        self.settle().await?;
                        left
                    }
                    _ => false,
                };
                (about(&what), kind, reference, self.act(what, left).await)
            }
        };
        let told = match answer {
            Ok((channel, more)) => message::reply(&channel, &kind, reference.as_ref(), more),
            Err(error) => message::refusal(&about, &kind, reference.as_ref(), &error),
        };
        self.answer(told).await
    }

    /// `left`: whether it ended a subscription.
    async fn act(&mut self, said: Said, left: bool) -> Answer {
        match said {
            Said::Auth { .. } => {
                let detail = "This socket has a token already; open another for another.";
                Err(ApiError::new(ErrorCode::BadRequest, detail))
            }
            Said::Ping {} => Ok(("socket".to_owned(), json!({}))),
            Said::Subscribe { channel, after } => self.subscribe(&channel, after).await,
            Said::Unsubscribe { channel } => match left {
                true => Ok((channel, json!({"subscribed": false}))),
                false => Err(ApiError::not_found("subscription to", &channel)),
            },
            Said::ChatMessage { room, content, client_ref, ask, in_reply_to, answers, user_id } => {
                let (reply_to, more) = (in_reply_to, chat::Post::default());
                let post = chat::Post { content, client_ref, ask, reply_to, answers, ..more };
                self.speak(room, user_id, post).await
            }
            Said::Typing { room, is_typing } => {
                chat::typing(&self.app, self.seat.principal(), &room, is_typing).await?;
                self.room = Some(room.clone());
                Ok((format!("chat/{room}"), json!({"is_typing": is_typing})))
            }
        }
    }

    async fn subscribe(&mut self, name: &str, after: Option<u64>) -> Answer {
        let channel: Channel = name.parse().map_err(|error: crate::events::UnknownChannel| {
            ApiError::field("/channel", FieldErrorCode::BadValue, sentence(&error.to_string()))
        })?;
        rights::may_listen(&self.app, self.seat.principal(), &channel).await?;
        let most = self.app.config.limits.subscriptions_per_user;
        if !self.seat.subscribe(most) {
            let detail =
                format!("You have {most} subscriptions, which is the most a user may have.");
            return Err(ApiError::new(ErrorCode::TooManyRequests, detail));
        }
        let (topic, after) = match follow(self.app.events.hub(), &channel, after).await {
            Ok(found) => found,
            Err(error) => {
                self.seat.unsubscribe();
                return Err(error.into());
            }
        };
        let last = match after {
            Some(at) => {
                self.replays.push_back(Replay::new(Arc::clone(&topic), at));
                topic.last().max(at)
            }
            None => topic.join(None, &self.outbox).unwrap_or_else(|last| last),
        };
        self.topics.insert(Arc::clone(topic.name()), topic);
        if let Channel::Chat(room) = channel {
            presence::enter(&self.app, &self.seat, &room).await;
            self.room = Some(room);
        }
        Ok((name.to_owned(), json!({"subscribed": true, "seq": last})))
    }

    async fn speak(&mut self, room: String, user_id: Option<String>, post: chat::Post) -> Answer {
        let principal = self.seat.principal();
        if user_id.is_some_and(|user| user != principal.sub) {
            let detail = "A message is from whoever the token names.";
            return Err(ApiError::field("/user_id", FieldErrorCode::BadValue, detail));
        }
        let client_ref = post.client_ref.clone();
        let posted = Box::pin(chat::post(&self.app, principal, &room, post)).await?;
        let mut more = json!({"message_id": posted.message_id, "seq": posted.seq});
        if let Some(client_ref) = client_ref {
            more["client_ref"] = json!(client_ref);
        }
        if let Some(answer_id) = posted.answer_id {
            more["answer_id"] = json!(answer_id);
        }
        let channel = format!("chat/{room}");
        self.room = Some(room);
        Ok((channel, more))
    }
}

/// A channel, and where a client goes on in it.
async fn follow(
    hub: &Arc<Hub>,
    channel: &Channel,
    after: Option<u64>,
) -> Result<(Arc<Topic>, Option<u64>), StoreError> {
    let topic = hub.open(channel).await?;
    let after = match after {
        Some(after) => Some(hub.known(&topic, after).await?),
        None => None,
    };
    Ok((topic, after))
}

/// The channel that a message is about, for the answer where it is refused.
fn about(said: &Said) -> String {
    match said {
        Said::Subscribe { channel, .. } | Said::Unsubscribe { channel } => channel.clone(),
        Said::ChatMessage { room, .. } | Said::Typing { room, .. } => format!("chat/{room}"),
        Said::Auth { .. } | Said::Ping {} => "socket".to_owned(),
    }
}
