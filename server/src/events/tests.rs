//! Events end to end in one process: table, broker, hub.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::broker::MemoryBroker;
use crate::id::RunId;

struct Scratch {
    _folder: TempDir,
    store: Store,
    events: Events,
}

async fn scratch() -> Scratch {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("air.db")).await.unwrap();
    let hub = Hub::new(store.clone());
    let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new(Arc::clone(&hub)));
    Scratch { events: Events::new(store.clone(), broker, hub), store, _folder: folder }
}

/// Listens from now on.
async fn listen(events: &Events, channel: &Channel, room: usize) -> (Arc<Outbox>, Receiver<Item>) {
    let (outbox, receiver) = Outbox::new(1, room);
    events.hub().open(channel).await.unwrap().join(None, &outbox).unwrap();
    (outbox, receiver)
}

async fn item(receiver: &mut Receiver<Item>) -> Item {
    let item = tokio::time::timeout(Duration::from_secs(10), receiver.recv()).await;
    item.expect("an item in time").expect("an open box")
}

async fn next(receiver: &mut Receiver<Item>) -> Value {
    match item(receiver).await {
        Item::Text(text) => serde_json::from_slice(&text).unwrap(),
        behind => panic!("{behind:?}"),
    }
}

async fn add(store: &Store, channel: &Channel, n: u64) -> Event {
    store.events().add(channel, EventKind::Progress, json!({"n": n}), None).await.unwrap()
}

#[tokio::test]
async fn numbers_are_contiguous_in_each_channel_and_survive_clearing() {
    let Scratch { store, events, _folder } = scratch().await;
    let (run, room) = (Channel::Run(RunId::new()), Channel::Chat("a".into()));
    for n in 1..=3 {
        let seq = events.emit(&run, EventKind::Status, json!({}), Some("ann")).await.unwrap();
        assert_eq!(seq, n);
    }
    assert_eq!(events.emit(&room, EventKind::Result, json!({}), None).await.unwrap(), 1);
    let kept = store.events().after(&run, 1, 10).await.unwrap();
    assert_eq!(kept.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(kept[0].user_id.as_deref(), Some("ann"));
    let now = jiff::Timestamp::now();
    let long_ago = now - Duration::from_secs(3600);
    assert_eq!(store.events().clear(long_ago).await.unwrap(), 0);
    assert_eq!(store.events().clear(now).await.unwrap(), 3);
    let said = store.events().after(&room, 0, 10).await.unwrap();
    assert_eq!(said.len(), 1, "what was said stays as long as its messages");
    assert_eq!(store.events().last(&run).await.unwrap(), 3);
    assert_eq!(events.emit(&run, EventKind::Status, json!({}), None).await.unwrap(), 4);
}

#[tokio::test]
async fn an_event_of_a_transaction_that_is_undone_never_was() {
    let Scratch { store, _folder, .. } = scratch().await;
    let room = Channel::Chat("a".into());
    let mut transaction = store.write_for_tests().await;
    Events::append(&mut transaction, &room, EventKind::Result, json!({}), None).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(store.events().last(&room).await.unwrap(), 0);
    assert_eq!(add(&store, &room, 1).await.seq, 1);
}

#[tokio::test]
async fn announcements_out_of_order_are_heard_once_and_in_order() {
    let Scratch { store, events, _folder } = scratch().await;
    let room = Channel::Chat("a".into());
    let (_outbox, mut receiver) = listen(&events, &room, 100).await;
    let mut told = Vec::new();
    for n in 1..=20 {
        told.push(add(&store, &room, n).await);
    }
    // The first is announced last, one not at all, and one twice.
    for at in [3, 2, 7, 1, 7, 19, 0, 5] {
        events.announce(told[at].clone()).await;
    }
    for n in 1..=20 {
        assert_eq!(next(&mut receiver).await["seq"], n);
    }
    events.emit(&room, EventKind::Result, json!({"end": true}), None).await.unwrap();
    assert_eq!(next(&mut receiver).await["seq"], 21);
    assert!(receiver.try_recv().is_err(), "nothing came twice");
}

#[tokio::test]
async fn what_was_never_announced_is_found_in_the_table() {
    let Scratch { store, events, _folder } = scratch().await;
    let room = Channel::Chat("a".into());
    let head = follow::look(&store, events.hub(), None).await.unwrap();
    let (_outbox, mut receiver) = listen(&events, &room, 10).await;
    add(&store, &room, 1).await;
    add(&store, &Channel::Chat("b".into()), 1).await;
    add(&store, &room, 2).await;
    let reached = follow::look(&store, events.hub(), Some(head)).await.unwrap();
    assert_eq!(next(&mut receiver).await["payload"]["n"], 1);
    assert_eq!(next(&mut receiver).await["payload"]["n"], 2);
    assert_eq!(follow::look(&store, events.hub(), Some(reached)).await.unwrap(), reached);
}

#[tokio::test]
async fn who_comes_late_reads_first_and_then_listens_without_a_gap() {
    let Scratch { store, events, _folder } = scratch().await;
    let room = Channel::Chat("a".into());
    for n in 1..=600 {
        add(&store, &room, n).await;
    }
    let topic = events.hub().open(&room).await.unwrap();
    let (outbox, mut receiver) = Outbox::new(1, 100);
    let (mut at, mut seen) = (5, Vec::new());
    while let Err(last) = topic.join(Some(at), &outbox) {
        assert!(last >= 600);
        let page = events.hub().read(&room, at).await.unwrap();
        at = page.last().unwrap().seq;
        seen.extend(page.iter().map(|live| live.seq));
        // More is told while the past is read.
        if seen.len() < 500 {
            events.emit(&room, EventKind::Result, json!({}), None).await.unwrap();
        }
    }
    events.emit(&room, EventKind::Result, json!({}), None).await.unwrap();
    let end = events.hub().open(&room).await.unwrap().last();
    seen.push(next(&mut receiver).await["seq"].as_u64().unwrap());
    assert_eq!(seen, (6..=end).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_has_no_room_for_what_was_missed_reads_it_alone() {
    let Scratch { store, events, _folder } = scratch().await;
    let room = Channel::Chat("a".into());
    let (small, mut few) = listen(&events, &room, 4).await;
    let (large, mut all) = Outbox::new(2, 1_000);
    let topic = events.hub().open(&room).await.unwrap();
    topic.join(None, &large).unwrap();
    for n in 1..=6 {
        add(&store, &room, n).await;
    }
    events.hub().nudge("chat/a", 6);
    for n in 1..=6 {
        assert_eq!(next(&mut all).await["seq"], n);
    }
    assert!(matches!(item(&mut few).await, Item::Behind(name, 0) if &*name == "chat/a"));
    assert!(!small.slow().is_cancelled());
    // More than a page is nobody's to be handed at once.
    for n in 7..=400 {
        add(&store, &room, n).await;
    }
    events.hub().nudge("chat/a", 400);
    assert!(matches!(item(&mut all).await, Item::Behind(_, 6)));
    assert_eq!(topic.join(Some(6), &large), Err(400));
    assert_eq!(topic.join(Some(400), &large), Ok(400));
    events.emit(&room, EventKind::Result, json!({}), None).await.unwrap();
    assert_eq!(next(&mut all).await["seq"], 401);
}

#[tokio::test]
async fn who_knows_more_than_this_process_hears_nothing_again() {
    let Scratch { store, events, _folder } = scratch().await;
    let room = Channel::Chat("a".into());
    let (_outbox, mut all) = listen(&events, &room, 20).await;
    for n in 1..=5 {
        add(&store, &room, n).await;
    }
    // They were heard at another process, and nobody has announced them here.
    let topic = events.hub().open(&room).await.unwrap();
    assert_eq!(topic.last(), 0);
    let at = events.hub().known(&topic, 3).await.unwrap();
    let (knows, mut rest) = Outbox::new(2, 20);
    topic.join(Some(at), &knows).unwrap();
    assert_eq!(events.hub().known(&topic, 1_000_000).await.unwrap(), 5, "no such number is known");
    events.hub().nudge("chat/a", 5);
    for n in 1..=5 {
        assert_eq!(next(&mut all).await["seq"], n);
    }
    for n in 4..=5 {
        assert_eq!(next(&mut rest).await["seq"], n);
    }
    events.whisper(&room, EventKind::Token, json!({}), None).await;
    assert_eq!(next(&mut rest).await["seq"], 0);
}

#[tokio::test]
async fn a_full_box_ends_alone() {
    let Scratch { events, _folder, .. } = scratch().await;
    let room = Channel::Chat("a".into());
    let (slow, mut few) = listen(&events, &room, 2).await;
    let (quick, mut all) = Outbox::new(2, 10);
    events.hub().open(&room).await.unwrap().join(None, &quick).unwrap();
    for _ in 0..4 {
        events.emit(&room, EventKind::Result, json!({}), None).await.unwrap();
    }
    assert!(slow.slow().is_cancelled() && !quick.slow().is_cancelled());
    for n in 1..=4 {
        assert_eq!(next(&mut all).await["seq"], n);
    }
    assert_eq!(
        (next(&mut few).await["seq"].clone(), next(&mut few).await["seq"].clone()),
        (json!(1), json!(2))
    );
    assert!(few.try_recv().is_err());
}

#[tokio::test]
async fn a_stream_is_numbered_by_time_and_replayed() {
    let Scratch { events, _folder, .. } = scratch().await;
    let mine = Channel::AiStream("ann".into());
    let mut last = 0;
    for n in 0..50 {
        let seq = events.emit(&mine, EventKind::AiStream, json!({"n": n}), None).await.unwrap();
        assert!(seq > last);
        last = seq;
    }
    let kept = events.hub().read(&mine, 0).await.unwrap();
    assert_eq!(kept.len(), 50);
    assert!(kept.windows(2).all(|pair| pair[1].prev == pair[0].seq));
    let (outbox, mut receiver) = Outbox::new(1, 10);
    let topic = events.hub().open(&mine).await.unwrap();
    assert_eq!(topic.join(Some(kept[10].seq), &outbox), Err(last));
    topic.join(Some(last), &outbox).unwrap();
    events.whisper(&mine, EventKind::AiComplete, json!({}), None).await;
    assert!(next(&mut receiver).await["seq"].as_u64().unwrap() > last);
    assert_eq!(events.hub().read(&mine, kept[39].seq).await.unwrap().len(), 11);
}

#[tokio::test]
async fn what_is_not_kept_is_heard_by_who_is_there() {
    let Scratch { events, _folder, .. } = scratch().await;
    let typing = Channel::Typing("ann".into());
    events.whisper(&typing, EventKind::Typing, json!({"room": "a"}), Some("ann")).await;
    let (outbox, mut receiver) = listen(&events, &typing, 10).await;
    events.whisper(&typing, EventKind::Typing, json!({"room": "b"}), Some("ann")).await;
    let heard = next(&mut receiver).await;
    assert_eq!((&heard["payload"]["room"], &heard["seq"]), (&json!("b"), &json!(0)));
    assert_eq!(events.hub().len(), 1);
    events.hub().leave("typing:ann", &outbox);
    events.hub().prune();
    assert_eq!(events.hub().len(), 0);
}
