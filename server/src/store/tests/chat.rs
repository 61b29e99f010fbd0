//! Messages that arrive together are kept together, and each fails by itself.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::*;
use crate::events::Channel;
use crate::id::{ChatMessageId, ChatRoomId};

fn room_id(text: &str) -> ChatRoomId {
    text.parse().unwrap()
}

async fn open_room(store: &Store, id: &str) {
    let new = NewChatRoom {
        id: room_id(id),
        name: id.to_owned(),
        kind: ChatRoomKind::Group,
        private: false,
        ai: ChatAi::Mention,
        datasource_id: None,
        created_by: "ann".to_owned(),
        members: Vec::new(),
    };
    store.chat_rooms().create(&new).await.unwrap();
}

fn message(room: &str, content: &str) -> NewChatMessage {
    let (kind, user) = (ChatMessageType::User, "ann".to_owned());
    NewChatMessage::new(room_id(room), kind, user, content.to_owned())
}

fn promise() -> NewChatAnswer {
    NewChatAnswer {
        id: ChatMessageId::new(),
        principal: json!({"sub": "ann"}),
        request: json!({"question": "how many"}),
    }
}

type Said = (NewChatMessage, Option<NewChatAnswer>);

/// Lets messages wait for the one connection that writes, in this order, and gives what came of
/// each once it is free. Until then nothing is acknowledged, and nothing is there to read.
async fn post_together(store: &Store, all: Vec<Said>) -> Vec<Result<Kept, StoreError>> {
    let held = store.write_for_tests().await;
    let rooms: BTreeSet<ChatRoomId> = all.iter().map(|(new, _)| new.room_id.clone()).collect();
    let before = counts(store, &rooms).await;
    let (mut tasks, count) = (JoinSet::new(), all.len());
    for (at, (new, answer)) in all.into_iter().enumerate() {
        let its = store.clone();
        tasks.spawn(async move { (at, its.chat_messages().post(&new, answer.as_ref()).await) });
        while store.posts().waiting() <= at {
            tokio::task::yield_now().await;
        }
    }
    assert!(tasks.try_join_next().is_none(), "a message is acknowledged before it is committed");
    assert_eq!(counts(store, &rooms).await, before, "a message is read before it is committed");
    held.rollback().await.unwrap();
    let mut done = tasks.join_all().await;
    assert_eq!(done.len(), count);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, kept)| kept).collect()
}

async fn counts(store: &Store, rooms: &BTreeSet<ChatRoomId>) -> Vec<usize> {
    let mut counts = Vec::new();
    for room in rooms {
        counts.push(messages(store, room.as_str()).await.len());
    }
    counts
}

async fn messages(store: &Store, room: &str) -> Vec<ChatMessage> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest::new(Some(100), cursor);
        let page = store.chat_messages().behind(&room_id(room), 0, &page).await.unwrap();
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

fn new(kept: Result<Kept, StoreError>) -> (ChatMessage, crate::events::Event, Option<ChatAnswer>) {
    match kept.unwrap() {
        Kept::New { message, event, answer } => (message, event, answer),
        before @ Kept::Before { .. } => panic!("{before:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_wait_together_are_one_transaction_in_their_order() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    let rooms = ["a", "b"];
    let mut told: [Vec<String>; 2] = Default::default();
    for room in rooms {
        open_room(store, room).await;
    }
    for size in [1, 2, 4, 5, 16, 17, 64, 65, 150] {
        let said = |number: usize| (message(rooms[number % 2], &format!("{size}.{number}")), None);
        let kept = post_together(store, (0..size).map(said).collect()).await;
        let mut times = BTreeSet::new();
        for (number, kept) in kept.into_iter().enumerate() {
            let (message, event, answer) = new(kept);
            told[number % 2].push(message.content.clone());
            assert_eq!(message.seq, i64::try_from(told[number % 2].len()).unwrap());
            assert_eq!(message.content, format!("{size}.{number}"));
            assert_eq!((event.seq, answer), (message.seq.cast_unsigned(), None));
            times.insert(message.created_at);
        }
        assert_eq!(times.len(), size.div_ceil(64), "{size} messages take more transactions");
    }
    for (room, told) in rooms.iter().zip(&told) {
        let all = messages(store, room).await;
        let said: Vec<&String> = all.iter().map(|message| &message.content).collect();
        assert_eq!(said, told.iter().collect::<Vec<_>>());
        let channel = Channel::Chat((*room).to_owned());
        let events = store.events().after(&channel, 0, 1_000).await.unwrap();
        let heard: Vec<_> = events.iter().map(|event| event.payload["content"].clone()).collect();
        assert_eq!(json!(heard), json!(told));
        let room = store.chat_rooms().get(&room_id(room), "ann").await.unwrap();
        assert_eq!(room.next_seq, all.last().unwrap().seq + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_returned_is_what_is_kept() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    open_room(store, "a").await;
    let hostile = "\u{0} ' ? ?1 \\ \" {} \n Grüße";
    let first = NewChatMessage { client_ref: Some("one".into()), ..message("a", hostile) };
    let reply = NewChatMessage { reply_to: Some(first.id.clone()), ..message("a", "so?") };
    let all = vec![(first, None), (reply, Some(promise())), (message("a", "no"), None)];
    let kept: Vec<_> = post_together(store, all).await.into_iter().map(new).collect();
    let said: Vec<_> = kept.iter().map(|(message, ..)| message.clone()).collect();
    assert_eq!(messages(store, "a").await, said);
    assert_eq!(said[0].content, hostile);
    let events = store.events().after(&Channel::Chat("a".into()), 0, 10).await.unwrap();
    assert_eq!(events, kept.iter().map(|(_, event, _)| event.clone()).collect::<Vec<_>>());
    let owed: Vec<_> = kept.into_iter().filter_map(|(_, _, answer)| answer).collect();
    assert_eq!(store.chat_messages().owed().await.unwrap(), owed);
    assert_eq!(owed[0].question_id, said[1].id);
    let members = store.chat_rooms().members(&room_id("a")).await.unwrap();
    assert_eq!(members[0].last_seen_at, said[2].created_at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_fails_fails_alone() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    open_room(store, "a").await;
    let named =
        |content: &str| NewChatMessage { client_ref: Some("one".into()), ..message("a", content) };
    let first = message("a", "first");
    let twice = NewChatMessage { id: first.id.clone(), ..message("a", "of the same id") };
    let all = vec![
        (first, None),
        (message("gone", "nobody hears it"), Some(promise())),
        (named("named"), Some(promise())),
        (twice, None),
        (named("named"), Some(promise())),
        (message("a", "last"), None),
    ];
    let mut kept = post_together(store, all).await.into_iter();
    let first = new(kept.next().unwrap()).0;
    let gone = kept.next().unwrap();
    assert!(matches!(gone, Err(StoreError::BrokenReference { what: "message" })), "{gone:?}");
    let (named, _, answer) = new(kept.next().unwrap());
    let twice = kept.next().unwrap();
    assert!(matches!(twice, Err(StoreError::Exists { what: "message", .. })), "{twice:?}");
    let before = Kept::Before { message: named.clone(), answer: answer.map(|answer| answer.id) };
    assert_eq!(kept.next().unwrap().unwrap(), before);
    let last = new(kept.next().unwrap()).0;
    assert_eq!((first.seq, named.seq, last.seq), (1, 2, 3), "a number is missing");
    assert_eq!(messages(store, "a").await, [first, named, last]);
    assert_eq!(store.chat_messages().owed().await.unwrap().len(), 1);
    assert_eq!(store.events().last(&Channel::Chat("gone".into())).await.unwrap(), 0);
    // The connection that writes is of use as before.
    open_room(store, "gone").await;
    new(store.chat_messages().post(&message("gone", "now there"), None).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_is_there_after_a_new_start() {
    let scratch = Scratch::new().await;
    let mut tasks = JoinSet::new();
    for room in 0..5 {
        open_room(&scratch.store, &format!("room{room}")).await;
    }
    for task in 0..20 {
        let store = scratch.store.clone();
        tasks.spawn(async move {
            let (mut seen, room) = (Vec::new(), format!("room{}", task % 5));
            for number in 0..10 {
                let said = message(&room, &format!("{task}.{number}"));
                let (message, ..) = new(store.chat_messages().post(&said, None).await);
                let read = store.chat_messages().get(&message.room_id, &message.id).await;
                assert_eq!(read.unwrap(), message, "a reader does not see what was acknowledged");
                seen.push(message);
            }
            let in_order = seen.windows(2).all(|two| two[0].seq < two[1].seq);
            assert!(in_order, "who waits for each acknowledgement is heard in another order");
            seen
        });
    }
    let said: Vec<ChatMessage> = tasks.join_all().await.into_iter().flatten().collect();
    let scratch = scratch.reopened().await;
    for room in 0..5 {
        let room = format!("room{room}");
        let mut of_room: Vec<_> =
            said.iter().filter(|message| message.room_id.as_str() == room).cloned().collect();
        of_room.sort_by_key(|message| message.seq);
        assert_eq!(messages(&scratch.store, &room).await, of_room);
        let numbers: Vec<i64> = of_room.iter().map(|message| message.seq).collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<i64>>());
    }
}

#[tokio::test]
async fn who_no_longer_waits_holds_nobody_up() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    open_room(store, "a").await;
    let held = store.write_for_tests().await;
    let (first, second) = (message("a", "first"), message("a", "second"));
    let posts = store.chat_messages();
    {
        let left = posts.post(&first, None);
        tokio::pin!(left);
        assert!(futures::poll!(left.as_mut()).is_pending());
    }
    let waits = posts.post(&second, None);
    let (second, held) = tokio::join!(waits, held.rollback());
    held.unwrap();
    assert_eq!(new(second).0.seq, 2, "what was dropped was taken before");
    assert_eq!(messages(store, "a").await.len(), 2);
}

#[tokio::test]
async fn everyone_finds_their_own_standing() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    for room in ["a", "b"] {
        open_room(store, room).await;
    }
    new(store.chat_messages().post(&message("a", "how many"), Some(&promise())).await);
    let rooms = store.chat_rooms();
    let (a, b, gone) = (room_id("a"), room_id("b"), room_id("gone"));
    let (ann, bob, other, none, seen) = tokio::join!(
        rooms.standing(&a, "ann"),
        rooms.standing(&a, "bob"),
        rooms.standing(&b, "ann"),
        rooms.standing(&gone, "ann"),
        rooms.seen(&a, "ann"),
    );
    let ann = ann.unwrap();
    assert!(matches!(none, Err(StoreError::NotFound { what: "room", .. })), "{none:?}");
    assert_eq!(ann.room, rooms.get(&a, "ann").await.unwrap());
    assert_eq!(seen.unwrap(), ann.room);
    let (bob, other) = (bob.unwrap(), other.unwrap());
    assert_eq!((ann.room.joined, bob.room.joined, other.room.joined), (true, false, true));
    assert_eq!((ann.owed, bob.owed, other.owed), (true, false, false));
    assert_eq!(other.room.id, b);
    assert_eq!(ann.asked_back, None);
}

#[tokio::test]
async fn the_last_answer_to_a_user_may_ask_back() {
    let scratch = Scratch::new().await;
    let store = &scratch.store;
    open_room(store, "a").await;
    let answered = async |user: &str, state: &str| {
        let question = NewChatMessage { user_id: user.to_owned(), ..message("a", "how many") };
        let (_, _, held) = new(store.chat_messages().post(&question, Some(&promise())).await);
        let meta = json!({"answer": {"asked_by": user, "state": state}});
        let answer = NewChatMessage {
            kind: ChatMessageType::Ai,
            meta: Some(meta.clone()),
            ..message("a", "so")
        };
        store.chat_messages().answer(&held.unwrap(), &answer).await.unwrap().unwrap();
        meta
    };
    let asked_back = async |user: &str| {
        store.chat_rooms().standing(&room_id("a"), user).await.unwrap().asked_back
    };
    let meta = answered("ann", "clarify").await;
    answered("bob", "answer").await;
    assert_eq!(asked_back("ann").await, Some(meta));
    assert_eq!(asked_back("bob").await, None);
    answered("ann", "answer").await;
    assert_eq!(asked_back("ann").await, None, "what was asked back has been answered");
}
