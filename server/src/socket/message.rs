//! What a client says, and what it is told outside of events.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::SinkExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use yawc::{Frame, WebSocketError};

use super::Stream;
use crate::contract::types::ErrorCode;
use crate::events::{EventKind, envelope};
use crate::id::ChatMessageId;
use crate::problem::ApiError;

const TYPES: &str = "auth, subscribe, unsubscribe, chat_message, typing, ping";
const LONGEST_REF: usize = 100;

/// A message of a client.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    /// Its type, as it wrote it.
    pub(super) kind: String,
    /// Whatever the client wants to find the answer by.
    pub(super) reference: Option<Value>,
    pub(super) what: Said,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Said {
    Auth {
        token: String,
    },
    Subscribe {
        channel: String,
        /// The number of the last event that the client has.
        #[serde(default)]
        after: Option<u64>,
    },
    Unsubscribe {
        channel: String,
    },
    ChatMessage {
        room: String,
        content: String,
        #[serde(default)]
        client_ref: Option<String>,
        /// Whether it asks AIR; the room's rule if it is not said.
        #[serde(default)]
        ask: Option<bool>,
        #[serde(default)]
        in_reply_to: Option<ChatMessageId>,
        /// Answers to the questions of that message.
        #[serde(default)]
        answers: BTreeMap<String, String>,
        /// The token says who speaks; this may repeat it.
        #[serde(default)]
        user_id: Option<String>,
    },
    Typing {
        room: String,
        #[serde(default = "yes")]
        is_typing: bool,
    },
    Ping {},
}

fn yes() -> bool {
    true
}

/// A message that could not be read: what it called itself, and why.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) kind: String,
    pub(super) reference: Option<Value>,
    pub(super) error: ApiError,
}

/// Reads a message.
pub(super) fn read(text: &[u8]) -> Result<Message, Box<Unread>> {
    let bad = |detail: String| ApiError::new(ErrorCode::BadRequest, detail);
    let unread = |kind: &str, reference, error| {
        Err(Box::new(Unread { kind: kind.chars().take(40).collect(), reference, error }))
    };
    let mut members: Map<String, Value> = match serde_json::from_slice(text) {
        Ok(members) => members,
        Err(error) => {
            return unread("", None, bad(format!("A message is a JSON object: {error}.")));
        }
    };
    let reference =
        members.shift_remove("ref").filter(|value| value.to_string().len() <= LONGEST_REF);
    let Some(Value::String(kind)) = members.get("type") else {
        return unread("", reference, bad(format!("`type` is wanted: one of {TYPES}.")));
    };
    let kind = kind.clone();
    match serde_json::from_value(Value::Object(members)) {
        Ok(what) => Ok(Message { kind, reference, what }),
        Err(error) => {
            unread(&kind, reference, ApiError::new(ErrorCode::Invalid, error.to_string()))
        }
    }
}

/// News of the socket itself or of a command, which are not events and have no number.
pub(super) fn told(channel: &str, kind: EventKind, payload: &Value) -> Bytes {
    envelope(channel, kind, payload)
}

/// The answer to a command.
pub(super) fn reply(channel: &str, to: &str, reference: Option<&Value>, more: Value) -> Bytes {
    let mut payload = json!({"reply_to": to});
    if let (Some(all), Value::Object(more)) = (payload.as_object_mut(), more) {
        all.extend(reference.map(|value| ("ref".to_owned(), value.clone())));
        all.extend(more);
    }
    told(channel, EventKind::Status, &payload)
}

/// The answer to a command that was not done.
pub(super) fn refusal(
    channel: &str,
    to: &str,
    reference: Option<&Value>,
    error: &ApiError,
) -> Bytes {
    let mut payload = json!({"code": error.code, "detail": error.detail, "reply_to": to});
    if let Some(value) = reference {
        payload["ref"] = value.clone();
    }
    if !error.errors.is_empty() {
        payload["errors"] = json!(error.errors);
    }
    told(channel, EventKind::Error, &payload)
}

/// Sends texts with one flush.
pub(super) async fn say(
    stream: &mut Stream,
    texts: impl IntoIterator<Item = Bytes>,
) -> Result<(), WebSocketError> {
    for text in texts {
        stream.feed(Frame::text(text)).await?;
    }
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Message {
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_type_is_read() {
        let message = said(r#"{"type":"subscribe","channel":"run/x","after":7,"ref":"a"}"#);
        assert_eq!(message.what, Said::Subscribe { channel: "run/x".into(), after: Some(7) });
        assert_eq!((message.kind.as_str(), message.reference), ("subscribe", Some(json!("a"))));
        assert_eq!(said(r#"{"type":"ping"}"#).what, Said::Ping {});
        let typing = said(r#"{"type":"typing","room":"a"}"#).what;
        assert_eq!(typing, Said::Typing { room: "a".into(), is_typing: true });
        let chat = said(r#"{"type":"chat_message","room":"a","content":"x","client_ref":"1"}"#);
        assert!(matches!(chat.what, Said::ChatMessage { .. }));
        assert!(matches!(said(r#"{"type":"auth","token":"t"}"#).what, Said::Auth { .. }));
        let leave = said(r#"{"type":"unsubscribe","channel":"a"}"#).what;
        assert_eq!(leave, Said::Unsubscribe { channel: "a".into() });
    }

    #[test]
    fn what_is_none_is_told_why() {
        let codes = [
            ("", ErrorCode::BadRequest),
            ("nonsense", ErrorCode::BadRequest),
            ("[]", ErrorCode::BadRequest),
            ("{}", ErrorCode::BadRequest),
            (r#"{"type":7}"#, ErrorCode::BadRequest),
            (r#"{"type":"dance"}"#, ErrorCode::Invalid),
            (r#"{"type":"subscribe"}"#, ErrorCode::Invalid),
            (r#"{"type":"subscribe","channel":"a","after":-1}"#, ErrorCode::Invalid),
            (r#"{"type":"ping","extra":1}"#, ErrorCode::Invalid),
        ];
        for (text, code) in codes {
            assert_eq!(read(text.as_bytes()).unwrap_err().error.code, code, "{text}");
        }
        let deep = "[".repeat(10_000);
        assert!(read(deep.as_bytes()).is_err());
    }
}
