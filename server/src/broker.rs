//! What is live: handing events to every process, who is there, who types, how much each may.
//!
//! In: live events and small facts that expire. Out: the same to every process that shares the
//! broker. `memory` is for one process; `redis` is shared. Nothing here is the truth of anything:
//! a broker that is away, or comes back empty, loses no message, run or job. No function fails
//! its caller.

mod memory;
mod redis;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub(crate) use self::memory::MemoryBroker;
pub(crate) use self::redis::RedisBroker;
use crate::events::{Channel, Event, Live};
use crate::id::ProcessId;
use crate::store::Moment;

/// One open socket of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    #[serde(skip)]
    pub(crate) user: String,
    /// The socket.
    pub(crate) ws_id: String,
    pub(crate) last_seen: Moment,
    /// The room it was last active in.
    pub(crate) room: Option<String>,
    /// Whose socket it is, so that those of a process that died are not counted.
    #[serde(default)]
    pub(crate) process: Option<ProcessId>,
}

/// What is known of where a person is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    /// Their open sockets.
    pub(crate) sessions: Vec<Session>,
    /// The room they type in.
    pub(crate) typing: Option<String>,
}

/// A question that waits for a model, or is being answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AiRequest {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) room: String,
    /// `queued` or `processing`.
    pub(crate) status: String,
}

/// A message as the broker remembers it for a while; the room's history is in the control plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecentMessage {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) room: String,
    /// `user`, `ai` or `system`.
    pub(crate) kind: String,
    pub(crate) content: String,
    pub(crate) at: Moment,
}

/// What a person may do only so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Allowance {
    Messages,
    AiRequests,
    /// Of one key of a published endpoint.
    EndpointCalls,
}

impl Allowance {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::AiRequests => "ai_requests",
            Self::EndpointCalls => "endpoint_calls",
        }
    }
}

/// How a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// This process alone.
    Alone,
    Shared,
    /// Cannot be reached; this process goes on alone.
    Away(String),
}

#[async_trait]
pub(crate) trait Broker: Send + Sync {
    /// Hands an event to the sockets of every process.
    async fn publish(&self, live: Live);

    /// Numbers an event of a stream, keeps it among the last ones, and hands it on. The number
    /// never goes back: it is one more than the last, or the microseconds since 1970.
    async fn keep(&self, event: Event) -> u64;

    /// What a stream keeps behind a number.
    async fn kept(&self, channel: &Channel, after: u64) -> Vec<Live>;

    /// A stream's last number; 0 where nothing is kept.
    async fn last_kept(&self, channel: &Channel) -> u64;

    /// A socket is there, for so long unless it is seen again.
    async fn session_seen(&self, session: &Session, lifetime: Duration);

    async fn session_ended(&self, user: &str, ws_id: &str);

    /// Where people are, in their order, all asked for at once.
    async fn whereabouts(&self, users: &[String]) -> Vec<Whereabouts>;

    /// Who has an open socket.
    async fn online(&self) -> Vec<String>;

    /// The room a person types in, for so long; `None`: no longer.
    async fn set_typing(&self, user: &str, room: Option<&str>, lifetime: Duration);

    async fn typing(&self, user: &str) -> Option<String>;

    /// Names a room, for who looks at the broker.
    async fn room_described(&self, room: &str, name: &str);

    async fn room_entered(&self, room: &str, user: &str);

    async fn room_left(&self, room: &str, user: &str);

    /// Who is in a room now.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "Redis shows it to others; tests read it back")
    )]
    async fn room_members(&self, room: &str) -> Vec<String>;

    /// Remembers a message of a person for so long.
    async fn message_posted(&self, message: &RecentMessage, lifetime: Duration);

    /// The newest messages of a person, newest first.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "Redis shows it to others; tests read it back")
    )]
    async fn recent_messages(&self, user: &str, limit: usize) -> Vec<RecentMessage>;

    /// Takes one of so many a minute. The error is how long to wait.
    async fn allow(&self, allowance: Allowance, user: &str, a_minute: u32) -> Result<(), Duration>;

    /// Gives one back that was taken for what was refused after all.
    async fn give_back(&self, allowance: Allowance, user: &str);

    /// Puts a question at the end of a person's queue, or changes its status there.
    async fn ai_queued(&self, request: &AiRequest, lifetime: Duration);

    async fn ai_done(&self, user: &str, id: &str);

    /// A person's questions that have no answer yet, oldest first.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "Redis shows it to others; tests read it back")
    )]
    async fn ai_queue(&self, user: &str) -> Vec<AiRequest>;

    async fn health(&self) -> Health;
}
