//! Channels: what an event is about, and how its name is written.

use std::fmt;
use std::str::FromStr;

use crate::id::{JobId, RunId};

const LONGEST: usize = 300;

/// What a socket can subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Channel {
    /// A learning job.
    Learn(JobId),
    Run(RunId),
    /// A room, or a session of one person.
    Chat(String),
    /// Any other job.
    Process(JobId),
    /// The answers to one person, as a model writes them.
    AiStream(String),
    /// In which room a person is typing.
    Typing(String),
    /// Who comes and goes.
    Online,
    /// What the operator tells everyone.
    Notifications,
}

/// Where the events of a channel can be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// In the events table.
    Table,
    /// In the broker's capped stream.
    Stream,
    /// Nowhere.
    Not,
}

impl Channel {
    pub(crate) fn kept(&self) -> Kept {
        match self {
            Self::AiStream(_) => Kept::Stream,
            Self::Typing(_) | Self::Online => Kept::Not,
            _ => Kept::Table,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Learn(job) => write!(f, "learn/{job}"),
            Self::Run(run) => write!(f, "run/{run}"),
            Self::Chat(room) => write!(f, "chat/{room}"),
            Self::Process(job) => write!(f, "process/{job}"),
            Self::AiStream(user) => write!(f, "ai:stream:{user}"),
            Self::Typing(user) => write!(f, "typing:{user}"),
            Self::Online => f.write_str("presence:online"),
            Self::Notifications => f.write_str("system:notifications"),
        }
    }
}

/// The text names no channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no such channel; known: learn/<job>, run/<run_id>, chat/<room>, process/<job_id>, \
     ai:stream:<user_id>, typing:<user_id>, presence:online, system:notifications"
)]
pub(crate) struct UnknownChannel;

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        if text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(UnknownChannel);
        }
        let named = |prefix| text.strip_prefix(prefix).filter(|name: &&str| !name.is_empty());
        let job = |name: &str| name.parse().map_err(|_| UnknownChannel);
        match text {
            "presence:online" => return Ok(Self::Online),
            "system:notifications" => return Ok(Self::Notifications),
            _ => {}
        }
        if let Some(name) = named("learn/") {
            return job(name).map(Self::Learn);
        }
        if let Some(name) = named("process/") {
            return job(name).map(Self::Process);
        }
        if let Some(name) = named("run/") {
            return name.parse().map(Self::Run).map_err(|_| UnknownChannel);
        }
        if let Some(name) = named("chat/") {
            return Ok(Self::Chat(name.to_owned()));
        }
        if let Some(name) = named("ai:stream:") {
            return Ok(Self::AiStream(name.to_owned()));
        }
        named("typing:").map(|name| Self::Typing(name.to_owned())).ok_or(UnknownChannel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let channels = [
            Channel::Learn(JobId::new()),
            Channel::Run(RunId::new()),
            Channel::Chat("general".into()),
            Channel::Process(JobId::new()),
            Channel::AiStream("ann:1".into()),
            Channel::Typing("ann".into()),
            Channel::Online,
            Channel::Notifications,
        ];
        for channel in channels {
            assert_eq!(channel.to_string().parse(), Ok(channel));
        }
    }

    #[test]
    fn what_names_none_is_refused() {
        let long = format!("chat/{}", "x".repeat(LONGEST));
        let wrong_kind = format!("run/{}", JobId::new());
        for text in ["", "chat/", "run/1", "runs/1", "ai:stream:", "typing:", "chat/a\nb", &long] {
            assert_eq!(text.parse::<Channel>(), Err(UnknownChannel), "{text:?}");
        }
        assert!(wrong_kind.parse::<Channel>().is_err());
    }
}
