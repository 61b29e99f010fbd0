//! What every broker does, asked of each.

mod shared;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::config::RedisConfig;
use crate::events::{EventKind, Hub};
use crate::id::ProcessId;
use crate::store::Store;

const LONG: Duration = Duration::from_secs(60);

async fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("air.db")).await.unwrap();
    (folder, store)
}

async fn memory() -> (TempDir, Arc<dyn Broker>) {
    let (folder, store) = store().await;
    (folder, Arc::new(MemoryBroker::new(Hub::new(store))))
}

fn session(user: &str, ws_id: &str) -> Session {
    let room = Some("general".to_owned());
    let process = Some(ProcessId::new());
    Session { user: user.into(), ws_id: ws_id.into(), last_seen: Moment::now(), room, process }
}

fn request(id: &str, status: &str) -> AiRequest {
    let (user_id, room) = ("ann".to_owned(), "general".to_owned());
    AiRequest { id: id.into(), user_id, room, status: status.into() }
}

/// A Redis at this address, as the configuration would have it.
fn config(url: String) -> RedisConfig {
    RedisConfig {
        enabled: true,
        url: url.into(),
        password: None,
        ca_file: None,
        db: 3,
        max_retries: 1,
        dial_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(3),
        write_timeout: Duration::from_secs(3),
        pool_size: 4,
        min_idle_conns: 2,
    }
}

/// Polls until it holds: what expires does so in its own time.
async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let polling = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), polling).await.expect(what);
}

async fn sessions(broker: &Arc<dyn Broker>, user: &str) -> Vec<Session> {
    broker.whereabouts(&[user.to_owned()]).await.remove(0).sessions
}

async fn presence(broker: &Arc<dyn Broker>) {
    broker.session_seen(&session("ann", "ws_1"), LONG).await;
    broker.session_seen(&session("ann", "ws_2"), LONG).await;
    broker.session_seen(&session("bob", "ws_3"), Duration::from_millis(30)).await;
    let mine = sessions(broker, "ann").await;
    assert_eq!(mine.iter().map(|s| s.ws_id.as_str()).collect::<Vec<_>>(), ["ws_1", "ws_2"]);
    assert_eq!((mine[0].user.as_str(), mine[0].room.as_deref()), ("ann", Some("general")));
    eventually("bob's session ends", || async { broker.online().await == ["ann"] }).await;
    broker.session_ended("ann", "ws_1").await;
    assert_eq!(broker.online().await, ["ann"]);
    broker.session_ended("ann", "ws_2").await;
    assert!(broker.online().await.is_empty());
}

async fn typing(broker: &Arc<dyn Broker>) {
    broker.set_typing("ann", Some("general"), LONG).await;
    assert_eq!(broker.typing("ann").await.as_deref(), Some("general"));
    broker.set_typing("ann", None, LONG).await;
    assert_eq!(broker.typing("ann").await, None);
    broker.set_typing("ann", Some("b"), Duration::from_millis(30)).await;
    eventually("typing ends", || async { broker.typing("ann").await.is_none() }).await;
}

async fn several_at_once(broker: &Arc<dyn Broker>) {
    broker.session_seen(&session("ann", "ws_1"), LONG).await;
    broker.session_seen(&session("bob", "ws_2"), LONG).await;
    broker.session_seen(&session("bob", "ws_3"), LONG).await;
    broker.set_typing("bob", Some("general"), LONG).await;
    broker.set_typing("eve", Some("b"), LONG).await;
    let users = ["eve", "bob", "nobody", "ann"].map(str::to_owned);
    let known = broker.whereabouts(&users).await;
    let sockets = |known: &Whereabouts| -> Vec<String> {
        known.sessions.iter().map(|session| session.ws_id.clone()).collect()
    };
    let found: Vec<_> = known.iter().map(|one| (sockets(one), one.typing.as_deref())).collect();
    let named = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let wanted = [
        (named(&[]), Some("b")),
        (named(&["ws_2", "ws_3"]), Some("general")),
        (named(&[]), None),
        (named(&["ws_1"]), None),
    ];
    assert_eq!(found, wanted);
    assert_eq!(broker.whereabouts(&[]).await, []);
    for (user, ws_id) in [("ann", "ws_1"), ("bob", "ws_2"), ("bob", "ws_3")] {
        broker.session_ended(user, ws_id).await;
        broker.set_typing(user, None, LONG).await;
    }
    broker.set_typing("eve", None, LONG).await;
}

async fn rooms(broker: &Arc<dyn Broker>) {
    // Who has no socket is in no room.
    for (user, ws_id) in [("ann", "ws_1"), ("bob", "ws_2")] {
        broker.session_seen(&session(user, ws_id), LONG).await;
    }
    broker.room_described("general", "General chat").await;
    broker.room_entered("general", "bob").await;
    broker.room_entered("general", "ann").await;
    broker.room_entered("general", "ann").await;
    let mut members = broker.room_members("general").await;
    members.sort_unstable();
    assert_eq!(members, ["ann", "bob"]);
    broker.room_left("general", "bob").await;
    assert_eq!(broker.room_members("general").await, ["ann"]);
    broker.room_left("general", "ann").await;
    for (user, ws_id) in [("ann", "ws_1"), ("bob", "ws_2")] {
        broker.session_ended(user, ws_id).await;
    }
}

/// What Redis shows to others.
async fn messages(broker: &Arc<dyn Broker>) {
    for n in 1..=3 {
        let message = RecentMessage {
            id: format!("msg_{n}"),
            user_id: "ann".into(),
            room: "general".into(),
            kind: "user".into(),
            content: "a \"quoted\" text\nof two lines".into(),
            at: Moment::now(),
        };
        broker.message_posted(&message, LONG).await;
        assert_eq!(broker.recent_messages("ann", 1).await, [message]);
    }
    assert_eq!(broker.recent_messages("ann", 2).await.len(), 2);
    assert!(broker.recent_messages("bob", 2).await.is_empty());
}

async fn allowances(broker: &Arc<dyn Broker>) {
    for _ in 0..3 {
        broker.allow(Allowance::Messages, "ann", 3).await.unwrap();
    }
    let wait = broker.allow(Allowance::Messages, "ann", 3).await.unwrap_err();
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(60), "{wait:?}");
    broker.allow(Allowance::AiRequests, "ann", 3).await.unwrap();
    broker.allow(Allowance::Messages, "bob", 3).await.unwrap();
    broker.allow(Allowance::Messages, "eve", 1).await.unwrap();
    broker.give_back(Allowance::Messages, "eve").await;
    broker.allow(Allowance::Messages, "eve", 1).await.unwrap();
    broker.allow(Allowance::Messages, "eve", 1).await.unwrap_err();
}

async fn queue(broker: &Arc<dyn Broker>) {
    for id in ["a", "b", "c"] {
        broker.ai_queued(&request(id, "queued"), LONG).await;
    }
    broker.ai_queued(&request("a", "processing"), LONG).await;
    let waiting = broker.ai_queue("ann").await;
    let wanted = [request("a", "processing"), request("b", "queued"), request("c", "queued")];
    assert_eq!(waiting, wanted);
    broker.ai_done("ann", "b").await;
    assert_eq!(broker.ai_queue("ann").await, [wanted[0].clone(), wanted[2].clone()]);
}

async fn conforms(broker: &Arc<dyn Broker>) {
    presence(broker).await;
    typing(broker).await;
    several_at_once(broker).await;
    rooms(broker).await;
    allowances(broker).await;
}

#[tokio::test]
async fn memory_conforms() {
    let (_folder, broker) = memory().await;
    conforms(&broker).await;
    assert_eq!(broker.health().await, Health::Alone);
}

#[tokio::test]
async fn memory_forgets_whose_sockets_vanished() {
    let (_folder, store) = store().await;
    let memory = MemoryBroker::new(Hub::new(store));
    // They never say that they end.
    for n in 0..2_000 {
        let user = format!("user {n}");
        memory.session_seen(&session(&user, "ws"), Duration::ZERO).await;
        memory.room_entered(&format!("room {n}"), &user).await;
    }
    memory.session_seen(&session("ann", "ws"), LONG).await;
    let (sessions, rooms) = memory.held();
    assert!(sessions < 1_000 && rooms < 1_000, "{sessions} users, {rooms} rooms");
    assert_eq!(memory.online().await, ["ann"]);
}

#[tokio::test]
async fn memory_keeps_the_newest_of_a_stream_and_no_more_bytes_than_it_may() {
    let (_folder, store) = store().await;
    let memory = MemoryBroker::new(Hub::new(store));
    let tell = |user: &str, bytes: usize| {
        let payload = serde_json::json!({"content": "x".repeat(bytes)});
        let channel = Channel::AiStream(user.to_owned());
        memory.number(Event::passing(&channel, EventKind::AiStream, payload, Some(user))).seq
    };
    let ann = Channel::AiStream("ann".to_owned());
    let seqs: Vec<u64> = (0..10).map(|_| tell("ann", 60_000)).collect();
    let kept: Vec<u64> = memory.kept(&ann, 0).await.iter().map(|live| live.seq).collect();
    assert_eq!(kept, seqs[6..], "four of them fit");
    // One that is larger than a stream may be is kept all the same, and alone.
    let large = tell("ann", 300_000);
    assert_eq!(memory.kept(&ann, 0).await.len(), 1);
    assert_eq!(memory.last_kept(&ann).await, large);
    for n in 0..200 {
        tell(&format!("user {n}"), 200_000);
    }
    assert!(memory.kept(&ann, 0).await.is_empty(), "who was quiet longest");
    assert_eq!(memory.kept(&Channel::AiStream("user 199".to_owned()), 0).await.len(), 1);
    assert!(memory.bytes() <= 32 << 20, "{}", memory.bytes());
}
