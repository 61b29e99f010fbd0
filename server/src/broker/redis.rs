//! The broker that several processes share.
//!
//! Live events go over one channel of publish and subscribe; a stream holds the last events of
//! each answer; sessions, presence, typing, rooms, recent messages, allowances and queues are
//! keys that expire (`facts`). What the service itself asks for is kept in this process as well
//! (`memory`), so that without Redis the process goes on alone; what other processes told
//! meanwhile is read from the events table. Commands that only read have `read_timeout`, the
//! others `write_timeout`.

mod address;
mod facts;
mod link;
mod live;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::link::Link;
pub(crate) use self::link::RedisFault;
use self::live::Wire;
use super::memory::MemoryBroker;
use super::{AiRequest, Allowance, Broker, Health, RecentMessage, Session, Whereabouts};
use crate::config::RedisConfig;
use crate::events::{Channel, Event, Hub, Live};
use crate::id::ProcessId;

/// Announcements that wait to be sent. Beyond it they are dropped: what is durable is found in
/// the table, and what is not was for a Redis that does not keep up.
const QUEUE: usize = 10_000;

pub(crate) struct RedisBroker {
    memory: MemoryBroker,
    hub: Arc<Hub>,
    link: Arc<Link>,
    wire: Arc<Wire>,
    announcements: mpsc::Sender<Live>,
    /// They end with the broker.
    _tasks: JoinSet<()>,
}

impl RedisBroker {
    /// Whether Redis is there now.
    pub(crate) async fn reach(config: &RedisConfig) -> Result<(), RedisFault> {
        Link::new(config)?.rise().await.map_err(RedisFault::Away)
    }

    /// Starts whether Redis can be reached or not.
    pub(crate) fn start(
        config: &RedisConfig,
        process: &ProcessId,
        hub: Arc<Hub>,
    ) -> Result<Self, RedisFault> {
        let link = Arc::new(Link::new(config)?);
        let wire = Arc::new(Wire::new(process, link.database()));
        let (announcements, queue) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        tasks.spawn(live::announce(Arc::clone(&link), Arc::clone(&wire), queue));
        tasks.spawn(live::listen(Arc::clone(&link), Arc::clone(&wire), Arc::clone(&hub)));
        tasks.spawn(link::keep(Arc::clone(&link), Arc::clone(&wire)));
        let memory = MemoryBroker::new(Arc::clone(&hub));
        Ok(Self { memory, hub, link, wire, announcements, _tasks: tasks })
    }
}

#[async_trait]
impl Broker for RedisBroker {
    async fn publish(&self, live: Live) {
        self.hub.deliver(&live);
        if self.announcements.try_send(live).is_err() {
            tracing::warn!("an announcement was dropped: Redis does not keep up");
        }
    }

    async fn keep(&self, event: Event) -> u64 {
        let live = match self.wire.number(&self.link, &event).await {
            Some(live) => live,
            // Redis is away. What it may have kept just before is not known, so a listener of
            // another process can hear these words twice, but never misses them here.
            None => self.memory.number(event),
        };
        self.hub.deliver(&live);
        live.seq
    }

    async fn kept(&self, channel: &Channel, after: u64) -> Vec<Live> {
        let own = self.memory.kept(channel, after).await;
        let (mut events, whole) = self.wire.kept(&self.link, channel, after).await;
        // Beyond a page that is not the last, order is not known yet.
        let end = if whole { u64::MAX } else { events.last().map_or(u64::MAX, |live| live.seq) };
        events.extend(own.into_iter().filter(|live| live.seq <= end));
        events.sort_by_key(|live| live.seq);
        events.dedup_by_key(|live| live.seq);
        events
    }

    async fn last_kept(&self, channel: &Channel) -> u64 {
        let own = self.memory.last_kept(channel).await;
        self.wire.last_kept(&self.link, channel).await.max(own)
    }

    async fn session_seen(&self, session: &Session, lifetime: Duration) {
        self.memory.session_seen(session, lifetime).await;
        facts::session_seen(&self.link, session, lifetime).await;
    }

    async fn session_ended(&self, user: &str, ws_id: &str) {
        self.memory.session_ended(user, ws_id).await;
        facts::session_ended(&self.link, user, ws_id).await;
    }

    async fn whereabouts(&self, users: &[String]) -> Vec<Whereabouts> {
        let own = self.memory.whereabouts(users).await;
        let Ok(mut all) = facts::whereabouts(&self.link, users).await else { return own };
        for (known, own) in all.iter_mut().zip(own) {
            for session in own.sessions {
                if !known.sessions.iter().any(|other| other.ws_id == session.ws_id) {
                    known.sessions.push(session);
                }
            }
            known.sessions.sort_by(|a, b| a.ws_id.cmp(&b.ws_id));
        }
        all
    }

    async fn online(&self) -> Vec<String> {
        let mut users = facts::online(&self.link).await;
        users.extend(self.memory.online().await);
        users.sort_unstable();
        users.dedup();
        users
    }

    async fn set_typing(&self, user: &str, room: Option<&str>, lifetime: Duration) {
        self.memory.set_typing(user, room, lifetime).await;
        facts::set_typing(&self.link, user, room, lifetime).await;
    }

    async fn typing(&self, user: &str) -> Option<String> {
        match facts::typing(&self.link, user).await {
            Ok(room) => room,
            Err(_) => self.memory.typing(user).await,
        }
    }

    async fn room_described(&self, room: &str, name: &str) {
        facts::room_described(&self.link, room, name).await;
    }

    async fn room_entered(&self, room: &str, user: &str) {
        self.memory.room_entered(room, user).await;
        facts::room_entered(&self.link, room, user).await;
    }

    async fn room_left(&self, room: &str, user: &str) {
        self.memory.room_left(room, user).await;
        facts::room_left(&self.link, room, user).await;
    }

    async fn room_members(&self, room: &str) -> Vec<String> {
        let mut members = facts::room_members(&self.link, room).await;
        members.extend(self.memory.room_members(room).await);
        members.sort_unstable();
        members.dedup();
        members
    }

    async fn message_posted(&self, message: &RecentMessage, lifetime: Duration) {
        facts::message_posted(&self.link, message, lifetime).await;
    }

    async fn recent_messages(&self, user: &str, limit: usize) -> Vec<RecentMessage> {
        facts::recent_messages(&self.link, user, limit).await.unwrap_or_default()
    }

    async fn allow(&self, allowance: Allowance, user: &str, a_minute: u32) -> Result<(), Duration> {
        match facts::used(&self.link, allowance, user).await {
            Ok((used, left)) if used > u64::from(a_minute) => Err(left),
            Ok(_) => Ok(()),
            Err(_) => self.memory.allow(allowance, user, a_minute).await,
        }
    }

    async fn give_back(&self, allowance: Allowance, user: &str) {
        if facts::give_back(&self.link, allowance, user).await.is_err() {
            self.memory.give_back(allowance, user).await;
        }
    }

    async fn ai_queued(&self, request: &AiRequest, lifetime: Duration) {
        facts::ai_queued(&self.link, request, lifetime).await;
    }

    async fn ai_done(&self, user: &str, id: &str) {
        facts::ai_done(&self.link, user, id).await;
    }

    async fn ai_queue(&self, user: &str) -> Vec<AiRequest> {
        facts::ai_queue(&self.link, user).await.unwrap_or_default()
    }

    async fn health(&self) -> Health {
        match self.link.away() {
            None => Health::Shared,
            Some(why) => Health::Away(why),
        }
    }
}
