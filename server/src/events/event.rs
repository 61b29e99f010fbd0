//! One event, and the text that sockets are sent.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::Channel;
use crate::store::Moment;

/// What kind of news an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub(crate) enum EventKind {
    Status,
    Token,
    Result,
    Error,
    Progress,
    AiStream,
    AiComplete,
    Typing,
    Presence,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) channel: Channel,
    pub(crate) kind: EventKind,
    pub(crate) payload: Value,
    pub(crate) user_id: Option<String>,
    /// Its number in the channel; 0 where it is not kept.
    pub(crate) seq: u64,
    pub(crate) at: Moment,
}

/// The form that is sent.
#[derive(Serialize)]
struct Envelope<'e> {
    channel: &'e str,
    r#type: EventKind,
    payload: &'e Value,
    ts: Moment,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'e str>,
}

/// An event on its way: its text is written once and shared by every socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) channel: Arc<str>,
    /// 0: not kept, and so sent whatever came before.
    pub(crate) seq: u64,
    /// The number before it in the channel. A reader that is not there yet has missed something.
    pub(crate) prev: u64,
    pub(crate) text: Bytes,
}

impl Live {
    /// Whether the service itself says something to a room: that somebody came or went, so that
    /// who listens may be one who no longer may. In a text that people wrote, the quotes of these
    /// words stand behind a backslash.
    pub(crate) fn is_of_system(&self) -> bool {
        const SYSTEM: &str = "\"type\":\"system\"";
        std::str::from_utf8(&self.text).is_ok_and(|text| text.contains(SYSTEM))
    }
}

impl Event {
    /// Not kept.
    pub(crate) fn passing(
        channel: &Channel,
        kind: EventKind,
        payload: Value,
        user_id: Option<&str>,
    ) -> Self {
        let user_id = user_id.map(str::to_owned);
        Self { channel: channel.clone(), kind, payload, user_id, seq: 0, at: Moment::now() }
    }

    /// As it is sent, where the numbers of its channel follow each other.
    pub(crate) fn live(&self) -> Live {
        self.live_after(self.seq.saturating_sub(1))
    }

    /// As it is sent, where the number before it is known.
    pub(crate) fn live_after(&self, prev: u64) -> Live {
        let channel = self.channel.to_string();
        let text = self.text(&channel);
        Live { channel: channel.into(), seq: self.seq, prev, text }
    }

    /// Its text before and after its number, for whoever gives the number elsewhere.
    pub(crate) fn around_seq(&self) -> (String, String) {
        let channel = self.channel.to_string();
        let text = self.text(&channel);
        let text = String::from_utf8_lossy(&text);
        let user = match &self.user_id {
            Some(user) => format!(",\"user_id\":{}", serde_json::Value::from(user.as_str())),
            None => String::new(),
        };
        // The number is the last member but for the user.
        let after = format!("{user}}}");
        let before = text.strip_suffix(&after).unwrap_or(&text);
        let number = self.seq.to_string();
        (before.strip_suffix(&number).unwrap_or(before).to_owned(), after)
    }

    fn text(&self, channel: &str) -> Bytes {
        let envelope = Envelope {
            channel,
            r#type: self.kind,
            payload: &self.payload,
            ts: self.at,
            seq: self.seq,
            user_id: self.user_id.as_deref(),
        };
        envelope.text()
    }
}

impl Envelope<'_> {
    fn text(&self) -> Bytes {
        // A JSON value, a number and text are always written. Some are kept for long, so none
        // holds more than it has.
        serde_json::to_vec(self).unwrap_or_default().into_boxed_slice().into()
    }
}

/// The text of what is told to one socket alone, about a channel or anything else.
pub(crate) fn envelope(channel: &str, kind: EventKind, payload: &Value) -> Bytes {
    let (ts, seq, user_id) = (Moment::now(), 0, None);
    Envelope { channel, r#type: kind, payload, ts, seq, user_id }.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_envelope_has_the_names_of_the_contract() {
        let room = Channel::Chat("general".into());
        let event = Event::passing(&room, EventKind::AiStream, json!({"n": 1}), Some("ann"));
        let sent: Value = serde_json::from_slice(&event.live().text).unwrap();
        let names: Vec<&String> = sent.as_object().unwrap().keys().collect();
        assert_eq!(names, ["channel", "type", "payload", "ts", "seq", "user_id"]);
        assert_eq!(
            (&sent["type"], &sent["channel"]),
            (&json!("ai_stream"), &json!("chat/general"))
        );
        let silent = Event { user_id: None, seq: 7, ..event.clone() };
        assert_eq!(silent.live().prev, 6);
        for event in [&event, &silent] {
            let (before, after) = event.around_seq();
            assert_eq!(format!("{before}{}{after}", event.seq), event.live().text);
        }
        let sent: Value = serde_json::from_slice(&silent.live().text).unwrap();
        assert_eq!((sent.get("user_id"), &sent["seq"]), (None, &json!(7)));
    }
}
