//! What AIR asks of a model's server, whoever runs it.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::fault::Fault;
use super::usage::Usage;

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    System,
    User,
    Assistant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) speaker: Speaker,
    pub(crate) text: String,
}

/// What a reply must be.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    Text,
    /// An object of this JSON Schema. Whoever asked checks it: not every server holds to it.
    Json(Arc<Value>),
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    pub(crate) messages: Vec<Message>,
    pub(crate) form: Form,
    pub(crate) most_tokens: u32,
    /// When the reply must be whole.
    pub(crate) deadline: Instant,
    /// Takes the reply's pieces as they come. A call that is tried again begins anew: see
    /// [`Piece::Again`].
    pub(crate) pieces: Option<UnboundedSender<Piece>>,
}

/// A part of a reply that is still coming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    /// What came so far does not count; another try begins.
    Again,
}

/// A whole reply, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) usage: Usage,
}

/// A try that gave no reply, and what it took all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) fault: Fault,
    pub(crate) usage: Usage,
}

impl From<Fault> for Failed {
    /// Nothing was read of a reply.
    fn from(fault: Fault) -> Self {
        Self { fault, usage: Usage::default() }
    }
}

/// Vectors of texts, in the texts' order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Embedded {
    pub(crate) vectors: Vec<Vec<f32>>,
    pub(crate) usage: Usage,
}

/// A model on a server.
#[async_trait]
pub(crate) trait Provider: Send + Sync {
    /// The model's name, as its server has it.
    fn model(&self) -> &str;

    /// One try, streamed.
    async fn chat(&self, chat: &Chat) -> Result<Reply, Failed>;

    /// Whether the server is there and knows the key; costs no tokens.
    async fn probe(&self) -> Result<(), Fault>;

    /// One try.
    async fn embed(&self, texts: &[String], deadline: Instant) -> Result<Embedded, Fault>;
}
