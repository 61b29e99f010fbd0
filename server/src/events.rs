//! Stub until the real one lands.
use serde_json::Value;
use sqlx::{Sqlite, Transaction};

use crate::id::{JobId, RunId};
use crate::store::StoreError;

#[derive(Debug, Clone)]
#[allow(dead_code)]
pub(crate) enum Channel {
    Learn(JobId),
    Run(RunId),
    Process(JobId),
}
impl std::fmt::Display for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Learn(j) => write!(f, "learn/{j}"),
            Self::Run(j) => write!(f, "run/{j}"),
            Self::Process(j) => write!(f, "process/{j}"),
        }
    }
}
#[derive(Debug, Clone, Copy)]
#[allow(dead_code)]
pub(crate) enum EventKind {
    Status,
    Result,
    Error,
    Progress,
}
#[derive(Debug, Clone)]
#[allow(dead_code)]
pub(crate) struct Event {
    channel: Channel,
    kind: EventKind,
    payload: Value,
}
pub(crate) struct Events;
impl Events {
    pub(crate) async fn append(
        _: &mut Transaction<'_, Sqlite>,
        channel: &Channel,
        kind: EventKind,
        payload: Value,
        _: Option<&str>,
    ) -> Result<Event, StoreError> {
        Ok(Event { channel: channel.clone(), kind, payload })
    }
    pub(crate) async fn announce(&self, _: Event) {}
}
