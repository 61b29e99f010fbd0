//! The broker of one process.

mod expiring;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;

use self::expiring::Expiring;
use super::{AiRequest, Allowance, Broker, Health, RecentMessage, Session, Whereabouts};
use crate::events::{Channel, Event, Hub, Live};

/// Events of one stream that are kept for who reconnects.
pub(super) const STREAM_LENGTH: usize = 1_000;
/// Bytes of one stream that are kept, for the rows of an answer are among its events.
const STREAM_BYTES: usize = 256 << 10;
/// Streams that are kept, and what they may hold together; the one that was quiet longest goes
/// first.
const STREAMS: usize = 1_000;
const STREAMS_BYTES: usize = 32 << 20;
const ROOMY: usize = 256;
pub(super) const MINUTE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct State {
    streams: HashMap<String, Ring>,
    /// Of all streams.
    bytes: usize,
    sessions: HashMap<String, Expiring<String, Session>>,
    typing: Expiring<String, String>,
    rooms: HashMap<String, BTreeSet<String>>,
    used: Expiring<(Allowance, String), u32>,
    /// From so many users on, those whose sockets vanished are cleared.
    clear_at: usize,
}

impl State {
    /// Forgets who has no session left: a socket that died said nothing.
    fn clear(&mut self) {
        self.sessions.retain(|_, sessions| sessions.values().next().is_some());
        let here = &self.sessions;
        self.rooms.retain(|_, users| {
            users.retain(|user| here.contains_key(user));
            !users.is_empty()
        });
        self.clear_at = ROOMY.max(self.sessions.len() * 2);
    }

    /// The stream of a name, with a place for it.
    fn ring(&mut self, name: &str) -> &mut Ring {
        if self.streams.len() >= STREAMS && !self.streams.contains_key(name) {
            self.drop_quietest(name);
        }
        self.streams.entry(name.to_owned()).or_insert_with(Ring::new)
    }

    /// Drops the stream that was quiet longest, but not the one named; false where there is none.
    fn drop_quietest(&mut self, but: &str) -> bool {
        let others = self.streams.iter().filter(|(name, _)| name.as_str() != but);
        let quiet = others.min_by_key(|(_, ring)| ring.touched).map(|(name, _)| name.clone());
        let gone = quiet.and_then(|name| self.streams.remove(&name));
        self.bytes -= gone.as_ref().map_or(0, |ring| ring.bytes);
        gone.is_some()
    }
}

struct Ring {
    last: u64,
    touched: Instant,
    events: VecDeque<Live>,
    bytes: usize,
}

impl Ring {
    fn new() -> Self {
        Self { last: 0, touched: Instant::now(), events: VecDeque::new(), bytes: 0 }
    }

    /// Keeps an event, and no more than a stream may hold; the newest in any case.
    fn keep(&mut self, live: Live) {
        (self.last, self.touched) = (live.seq, Instant::now());
        self.bytes += live.text.len();
        self.events.push_back(live);
        while self.events.len() > STREAM_LENGTH
            || (self.bytes > STREAM_BYTES && self.events.len() > 1)
        {
            let oldest = self.events.pop_front();
            self.bytes -= oldest.map_or(0, |live| live.text.len());
        }
    }
}

pub(crate) struct MemoryBroker {
    hub: Arc<Hub>,
    state: Mutex<State>,
}

impl MemoryBroker {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, state: Mutex::default() }
    }

    /// Users and rooms that are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        let state = self.state();
        (state.sessions.len(), state.rooms.len())
    }

    /// Bytes of all streams.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.state().bytes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers an event and keeps it.
    pub(super) fn number(&self, mut event: Event) -> Live {
        let now = Timestamp::now().as_microsecond().max(0).cast_unsigned();
        let mut state = self.state();
        let name = event.channel.to_string();
        let ring = state.ring(&name);
        event.seq = now.max(ring.last + 1);
        let (live, before) = (event.live_after(ring.last), ring.bytes);
        ring.keep(live.clone());
        let after = ring.bytes;
        state.bytes = state.bytes - before + after;
        while state.bytes > STREAMS_BYTES && state.drop_quietest(&name) {}
        live
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn publish(&self, live: Live) {
        self.hub.deliver(&live);
    }

    async fn keep(&self, event: Event) -> u64 {
        let live = self.number(event);
        self.hub.deliver(&live);
        live.seq
    }

    async fn kept(&self, channel: &Channel, after: u64) -> Vec<Live> {
        let state = self.state();
        let ring = state.streams.get(&channel.to_string());
        let events = ring.into_iter().flat_map(|ring| &ring.events);
        events.filter(|live| live.seq > after).cloned().collect()
    }

    async fn last_kept(&self, channel: &Channel) -> u64 {
        self.state().streams.get(&channel.to_string()).map_or(0, |ring| ring.last)
    }

    async fn session_seen(&self, session: &Session, lifetime: Duration) {
        let mut state = self.state();
        if state.sessions.len() >= state.clear_at.max(ROOMY) {
            state.clear();
        }
        let sessions = state.sessions.entry(session.user.clone()).or_default();
        sessions.set(session.ws_id.clone(), session.clone(), lifetime);
    }

    async fn session_ended(&self, user: &str, ws_id: &str) {
        let mut state = self.state();
        if let Some(sessions) = state.sessions.get_mut(user) {
            sessions.remove(ws_id);
            if sessions.values().next().is_none() {
                state.sessions.remove(user);
            }
        }
    }

    async fn whereabouts(&self, users: &[String]) -> Vec<Whereabouts> {
        let state = self.state();
        let sessions = |user: &String| -> Vec<Session> {
            let all = state.sessions.get(user);
            all.map(|all| all.values().cloned().collect()).unwrap_or_default()
        };
        let one = |user: &String| Whereabouts {
            sessions: sessions(user),
            typing: state.typing.get(user).cloned(),
        };
        users.iter().map(one).collect()
    }

    async fn online(&self) -> Vec<String> {
        let mut state = self.state();
        state.sessions.retain(|_, sessions| sessions.values().next().is_some());
        let mut users: Vec<String> = state.sessions.keys().cloned().collect();
        users.sort_unstable();
        users
    }

    async fn set_typing(&self, user: &str, room: Option<&str>, lifetime: Duration) {
        match room {
            Some(room) => self.state().typing.set(user.to_owned(), room.to_owned(), lifetime),
            None => self.state().typing.remove(user),
        }
    }

    async fn typing(&self, user: &str) -> Option<String> {
        self.state().typing.get(user).cloned()
    }

    /// Only who looks at Redis wants to know; so it is with messages and queues.
    async fn room_described(&self, _room: &str, _name: &str) {}

    async fn room_entered(&self, room: &str, user: &str) {
        self.state().rooms.entry(room.to_owned()).or_default().insert(user.to_owned());
    }

    async fn room_left(&self, room: &str, user: &str) {
        let mut state = self.state();
        if let Some(members) = state.rooms.get_mut(room) {
            members.remove(user);
            if members.is_empty() {
                state.rooms.remove(room);
            }
        }
    }

    async fn room_members(&self, room: &str) -> Vec<String> {
        let state = self.state();
        state.rooms.get(room).map(|all| all.iter().cloned().collect()).unwrap_or_default()
    }

    async fn message_posted(&self, _message: &RecentMessage, _lifetime: Duration) {}

    async fn recent_messages(&self, _user: &str, _limit: usize) -> Vec<RecentMessage> {
        Vec::new()
    }

    async fn allow(&self, allowance: Allowance, user: &str, a_minute: u32) -> Result<(), Duration> {
        let mut state = self.state();
        let key = (allowance, user.to_owned());
        match state.used.get_mut(&key) {
            Some((used, left)) if *used >= a_minute => Err(left),
            Some((used, _)) => {
                *used += 1;
                Ok(())
            }
            None => {
                state.used.set(key, 1, MINUTE);
                Ok(())
            }
        }
    }

    async fn give_back(&self, allowance: Allowance, user: &str) {
        let key = (allowance, user.to_owned());
        if let Some((used, _)) = self.state().used.get_mut(&key) {
            *used = used.saturating_sub(1);
        }
    }

    async fn ai_queued(&self, _request: &AiRequest, _lifetime: Duration) {}

    async fn ai_done(&self, _user: &str, _id: &str) {}

    async fn ai_queue(&self, _user: &str) -> Vec<AiRequest> {
        Vec::new()
    }

    async fn health(&self) -> Health {
        Health::Alone
    }
}
