//! An answer on its way: pieces that are told as they come, and forgotten.

use serde_json::{Value, json};

use crate::events::{Channel, EventKind};
use crate::service::App;
use crate::store::ChatAnswer;

/// What a piece is of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// How far it is. What it comes to is in the other pieces.
    Status,
    /// What was told of this answer before does not count.
    Reset,
    Interpretation,
    Questions,
    Reason,
    Rows,
    Verdict,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Reset => "reset",
            Self::Interpretation => "interpretation",
            Self::Questions => "questions",
            Self::Reason => "reason",
            Self::Rows => "rows",
            Self::Verdict => "verdict",
        }
    }
}

/// Tells the pieces of one answer to its room, and to whoever asked. The pieces but `status` and
/// `reset`, put together, are the content of the message.
pub(super) struct Stream<'a> {
    app: &'a App,
    answer: &'a ChatAnswer,
    index: u32,
    content: String,
}

impl<'a> Stream<'a> {
    pub(super) fn new(app: &'a App, answer: &'a ChatAnswer) -> Self {
        Self { app, answer, index: 0, content: String::new() }
    }

    /// The answer is begun anew.
    pub(super) async fn again(&mut self) {
        self.content.clear();
        self.piece(Part::Reset, "").await;
    }

    pub(super) async fn piece(&mut self, part: Part, content: &str) {
        if !matches!(part, Part::Status | Part::Reset) {
            self.content.push_str(content);
        }
        if !self.app.config.chat.ai_streaming {
            return;
        }
        let payload = json!({
            "message_id": self.answer.id,
            "in_reply_to": self.answer.question_id,
            "room": self.answer.room_id,
            "index": self.index,
            "part": part.as_str(),
            "content": content,
        });
        self.index += 1;
        let room = Channel::Chat(self.answer.room_id.to_string());
        self.whisper(&room, EventKind::AiStream, payload.clone()).await;
        self.whisper(&self.own(), EventKind::AiStream, payload).await;
    }

    /// Tells whoever asked that it is whole; the room is told by the message's own event.
    pub(super) async fn whole(&self, message: Value) {
        self.whisper(&self.own(), EventKind::AiComplete, message).await;
    }

    pub(super) fn content(&self) -> &str {
        &self.content
    }

    fn own(&self) -> Channel {
        Channel::AiStream(self.answer.asked_by.clone())
    }

    async fn whisper(&self, channel: &Channel, kind: EventKind, payload: Value) {
        self.app.events.whisper(channel, kind, payload, Some(super::AIR)).await;
    }
}
