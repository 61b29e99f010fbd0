//! What needs a clock, or a process that died: retention, typing, answers that were left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::{NewRoom, Post, answering, create, keeping, post, presence, typing};
use crate::auth::{Principal, Role};
use crate::broker::Session;
use crate::config::SourceKind;
use crate::contract::types::{AskState, Choice, ErrorCode, Question};
use crate::events::{Channel, Item, Outbox};
use crate::id::{ChatMessageId, LearningSessionId, ProcessId};
use crate::processes::Processes;
use crate::service::{App, Service};
use crate::store::{
    ChatAi, ChatAnswer, ChatMessage, ChatMessageType, ChatRoom, ChatRoomKind, Kept, Moment,
    NewChatAnswer, NewChatMessage, NewChatRoom, NewDatasource, NewSession, PageRequest, Store,
    private_file,
};

const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    folder: tempfile::TempDir,
    service: Service,
}

impl World {
    async fn with(config: &str) -> Self {
        Self::over(tempfile::tempdir().unwrap(), config).await
    }

    async fn over(folder: tempfile::TempDir, config: &str) -> Self {
        let service = Service::for_tests(folder.path(), config).await;
        Self { folder, service }
    }

    fn app(&self) -> &Arc<App> {
        self.service.app()
    }

    async fn room(&self, kind: ChatRoomKind, members: &[&str]) -> ChatRoom {
        let new = NewRoom {
            id: Some("general".parse().unwrap()),
            name: None,
            kind,
            private: false,
            ai: None,
            datasource_id: None,
            members: members.iter().map(|user| (*user).to_owned()).collect(),
        };
        create(self.app(), &ann(), new).await.unwrap()
    }

    async fn messages(&self, room: &ChatRoom) -> Vec<ChatMessage> {
        let page = PageRequest::default();
        self.app().store.chat_messages().behind(&room.id, 0, &page).await.unwrap().items
    }
}

fn ann() -> Principal {
    Principal { sub: "ann".to_owned(), role: Role::Viewer, ..Principal::local() }
}

fn text(content: &str) -> Post {
    Post { content: content.to_owned(), ..Post::default() }
}

#[tokio::test]
async fn messages_go_after_their_retention_and_numbers_go_on() {
    let world = World::with("chat: {message_retention: 24h}").await;
    let room = world.room(ChatRoomKind::Group, &[]).await;
    let app = world.app();
    let first = post(app, &ann(), "general", text("one")).await.unwrap();
    let now = Timestamp::now();
    assert_eq!(keeping::sweep(app, now + 23.hours()).await.unwrap(), 0);
    assert_eq!(world.messages(&room).await.len(), 1);
    assert_eq!(keeping::sweep(app, now + 25.hours()).await.unwrap(), 1);
    assert_eq!(world.messages(&room).await, []);
    let next = post(app, &ann(), "general", text("two")).await.unwrap();
    assert_eq!(next.seq, first.seq + 1, "a number is never given twice");
}

#[tokio::test]
async fn what_is_refused_holds_up_nobody_who_speaks_at_the_same_time() {
    let world = World::with("limits: {messages_per_minute: 2}").await;
    let room = world.room(ChatRoomKind::Group, &["bob"]).await;
    let app = world.app();
    let [bob, eve] = ["bob", "eve"].map(|sub| Principal { sub: sub.to_owned(), ..ann() });
    let ann = ann();
    let (one, two, three, of_bob, of_eve, nowhere) = tokio::join!(
        post(app, &ann, "general", text("hers")),
        post(app, &ann, "general", text("hers")),
        post(app, &ann, "general", text("hers")),
        post(app, &bob, "general", text("his")),
        post(app, &eve, "general", text("nobody's")),
        post(app, &ann, "nowhere", text("nobody's")),
    );
    assert_eq!(of_eve.unwrap_err().code, ErrorCode::Forbidden);
    assert_eq!(nowhere.unwrap_err().code, ErrorCode::NotFound);
    let (said, refused): (Vec<_>, Vec<_>) = [one, two, three].into_iter().partition(Result::is_ok);
    let codes: Vec<_> = refused.into_iter().map(|refused| refused.unwrap_err().code).collect();
    assert_eq!(codes, [ErrorCode::TooManyRequests]);
    let mut kept: Vec<_> = said.into_iter().chain([of_bob]).map(Result::unwrap).collect();
    kept.sort_by_key(|posted| posted.seq);
    let all = world.messages(&room).await;
    let ids: Vec<_> = all.iter().map(|message| message.id.clone()).collect();
    assert_eq!(kept.into_iter().map(|posted| posted.message_id).collect::<Vec<_>>(), ids);
    assert_eq!(all.iter().map(|message| message.seq).collect::<Vec<_>>(), [1, 2, 3]);
}

/// A learning session of ann's, without files.
async fn session(app: &App) -> LearningSessionId {
    let (id, owner) = (LearningSessionId::new(), "ann".to_owned());
    let new = NewSession {
        source: NewDatasource {
            id: id.as_str().parse().unwrap(),
            kind: SourceKind::Files,
            dsn: None,
            base_path: Some(id.to_string()),
            display_name: "A session".to_owned(),
            is_default: false,
            allow_superuser: false,
            sample_values: true,
            owner: Some(owner.clone()),
        },
        room: NewChatRoom {
            id: id.as_str().parse().unwrap(),
            name: "A session".to_owned(),
            kind: ChatRoomKind::Personal,
            private: true,
            ai: ChatAi::Always,
            datasource_id: None,
            created_by: owner.clone(),
            members: Vec::new(),
        },
        id: id.clone(),
        owner,
        title: "A session".to_owned(),
        files: Vec::new(),
    };
    app.store.sessions().open(&new).await.unwrap();
    id
}

#[tokio::test]
async fn what_was_told_of_a_learning_session_stays_with_its_messages() {
    let world = World::with("chat: {message_retention: 24h}").await;
    world.room(ChatRoomKind::Group, &[]).await;
    let app = world.app();
    let id = session(app).await;
    let told = async |room: &str| {
        let channel = Channel::Chat(room.to_owned());
        app.store.events().after(&channel, 0, 10).await.unwrap().len()
    };
    for room in ["general", id.as_str()] {
        let talk = Post { ask: Some(false), ..text("one") };
        post(app, &ann(), room, talk).await.unwrap();
        assert_eq!(told(room).await, 1);
    }
    assert_eq!(keeping::sweep(app, Timestamp::now() + 25.hours()).await.unwrap(), 1);
    assert_eq!((told("general").await, told(id.as_str()).await), (0, 1));
}

#[tokio::test]
async fn typing_ends_by_itself_and_with_the_message() {
    let world = World::with("chat: {typing_timeout: 100ms}").await;
    world.room(ChatRoomKind::Group, &["bob"]).await;
    let app = world.app();
    let typing_now = || async {
        let (_, members) = presence(app, &ann(), "general").await.unwrap();
        members.iter().any(|present| present.typing)
    };
    typing(app, &ann(), "general", true).await.unwrap();
    assert!(typing_now().await);
    let begin = Instant::now();
    while typing_now().await || !app.chat.typing.lock().unwrap().news.is_empty() {
        assert!(begin.elapsed() < PATIENCE, "typing never ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let long = World::with("chat: {typing_timeout: 1h}").await;
    long.room(ChatRoomKind::Group, &[]).await;
    let app = long.app();
    typing(app, &ann(), "general", true).await.unwrap();
    assert_eq!(app.broker.typing("ann").await.as_deref(), Some("general"));
    post(app, &ann(), "general", text("said")).await.unwrap();
    assert_eq!(app.broker.typing("ann").await, None);
}

#[tokio::test]
async fn the_same_news_are_told_once_a_second() {
    let world = World::with("chat: {typing_timeout: 1h}").await;
    world.room(ChatRoomKind::Group, &[]).await;
    let app = world.app();
    for _ in 0..50 {
        typing(app, &ann(), "general", true).await.unwrap();
    }
    assert_eq!(app.chat.timers.lock().unwrap().len(), 1, "each news has a timer");
    typing(app, &ann(), "general", false).await.unwrap();
    assert_eq!(app.broker.typing("ann").await, None, "the end is told at once");
    for _ in 0..50 {
        typing(app, &ann(), "general", true).await.unwrap();
        typing(app, &ann(), "general", false).await.unwrap();
    }
    assert_eq!(app.chat.timers.lock().unwrap().len(), 2, "and one what is told later");
    // Whoever may not hear the room is told so each time.
    let eve = Principal { sub: "eve".to_owned(), ..ann() };
    for is_typing in [true, true, false] {
        typing(app, &eve, "general", is_typing).await.unwrap_err();
    }
}

#[tokio::test]
async fn who_stops_and_types_again_is_told_so_once_the_second_is_over() {
    let world = World::with("chat: {typing_timeout: 1h}").await;
    world.room(ChatRoomKind::Group, &[]).await;
    let app = world.app();
    for is_typing in [true, false, true] {
        typing(app, &ann(), "general", is_typing).await.unwrap();
    }
    let begin = Instant::now();
    while app.broker.typing("ann").await.as_deref() != Some("general") {
        assert!(begin.elapsed() < PATIENCE, "nobody is told that she types again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // What she says meanwhile is what she typed.
    for is_typing in [false, true] {
        typing(app, &ann(), "general", is_typing).await.unwrap();
    }
    post(app, &ann(), "general", text("said")).await.unwrap();
    while !app.chat.typing.lock().unwrap().later.is_empty() {
        assert!(begin.elapsed() < PATIENCE, "the timer never ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(app.broker.typing("ann").await, None);
}

/// A socket of ann's in a process that has ended, as the broker knows it.
async fn left_open_by(app: &App, process: ProcessId) {
    let session = Session {
        user: "ann".to_owned(),
        ws_id: "ws_left".to_owned(),
        last_seen: Moment::now(),
        room: None,
        process: Some(process),
    };
    app.broker.session_seen(&session, Duration::from_secs(3_600)).await;
}

#[tokio::test]
async fn who_was_there_through_a_dead_process_is_not_there() {
    let world = World::with("{}").await;
    world.room(ChatRoomKind::Group, &["bob"]).await;
    left_open_by(world.app(), ProcessId::new()).await;
    let (_, members) = presence(world.app(), &ann(), "general").await.unwrap();
    assert_eq!(members.iter().map(|one| one.online).collect::<Vec<_>>(), [false, false]);
}

#[tokio::test]
async fn who_is_gone_with_a_killed_process_is_told() {
    let world = World::with("{}").await;
    world.room(ChatRoomKind::Group, &["bob"]).await;
    let app = world.app();
    let mut heard = Vec::new();
    for channel in [Channel::Online, Channel::Chat("general".to_owned())] {
        let (outbox, inbox) = Outbox::new(1, 100);
        app.events.hub().open(&channel).await.unwrap().join(None, &outbox).unwrap();
        heard.push((outbox, inbox));
    }
    // As a process leaves it that was killed: its sockets, and its file without a lock.
    let killed = ProcessId::new();
    left_open_by(app, killed.clone()).await;
    let file = world.folder.path().join("processes").join(format!("{killed}.lock"));
    private_file(&file).unwrap();
    for (_, inbox) in &mut heard {
        let told = tokio::time::timeout(PATIENCE, inbox.recv()).await.expect("it is told");
        let text = match told {
            Some(Item::Text(text)) => text,
            other => panic!("{other:?}"),
        };
        let event: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(event["payload"], json!({"user_id": "ann", "online": false}));
    }
    assert!(app.broker.online().await.is_empty());
}

/// A question whose answer a process promises.
async fn promised_by(store: &Store, room: &ChatRoom) -> ChatAnswer {
    let kind = ChatMessageType::User;
    let question =
        NewChatMessage::new(room.id.clone(), kind, "ann".to_owned(), "how many".to_owned());
    let answer = NewChatAnswer {
        id: ChatMessageId::new(),
        principal: json!({"sub": "ann", "role": "viewer", "claims": {}}),
        request: json!({"question": "how many", "answers": {}, "follows": "last"}),
    };
    match store.chat_messages().post(&question, Some(&answer)).await.unwrap() {
        Kept::New { answer, .. } => answer.unwrap(),
        before @ Kept::Before { .. } => panic!("{before:?}"),
    }
}

#[tokio::test]
async fn answers_follow_their_questions_whichever_process_gives_them() {
    let world = World::with("{}").await;
    let room = world.room(ChatRoomKind::Group, &[]).await;
    let app = world.app();
    // Another process, which lives.
    let other = Store::open(&app.config.control_plane.file).await.unwrap();
    let _lives = Processes::open(world.folder.path(), other.process()).unwrap();
    let first = promised_by(&other, &room).await;
    let second = promised_by(&app.store, &room).await;
    let giving = app.chat.giving(&second.id);
    let mut work = Box::pin(answering::answer(app, second.clone(), None));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut work).await;
    assert!(early.is_err(), "the question before it has no answer yet");
    let new = NewChatMessage {
        id: first.id.clone(),
        ..NewChatMessage::new(
            room.id.clone(),
            ChatMessageType::Ai,
            super::AIR.to_owned(),
            "3".to_owned(),
        )
    };
    other.chat_messages().answer(&first, &new).await.unwrap().unwrap();
    tokio::time::timeout(PATIENCE, work).await.unwrap();
    drop(giving);
    let said = world.messages(&room).await;
    let order: Vec<_> =
        said.iter().filter(|m| m.kind == ChatMessageType::Ai).map(|m| &m.id).collect();
    assert_eq!(order, [&first.id, &second.id]);
    other.close().await;
}

#[tokio::test]
async fn what_a_stop_of_the_service_cuts_short_stays_owed() {
    let world = World::with("{}").await;
    let room = world.room(ChatRoomKind::Group, &[]).await;
    let app = world.app();
    let held = promised_by(&app.store, &room).await;
    let giving = app.chat.giving(&held.id);
    // As at the end of the grace.
    app.running.cancel_all();
    answering::answer(app, held.clone(), None).await;
    drop(giving);
    let owed = app.store.chat_messages().owed().await.unwrap();
    assert_eq!(owed.iter().map(|owed| &owed.id).collect::<Vec<_>>(), [&held.id]);
    // A run that was at work ends so; what else goes wrong is an answer.
    let failed = |error| answering::was_stopped(&super::wording::failed(&error, "ann", "how many"));
    assert!(failed(app.running.place("ann", None).await.unwrap_err()));
    assert!(!failed(crate::problem::ApiError::not_found("source", "shop")));
}

/// Keeps an answer that asks back, as the process does that promised it.
async fn asks_back(store: &Store, held: &ChatAnswer, question: &str) {
    let choice = |value: &str| Choice { value: value.to_owned(), label: value.to_owned() };
    let measure = Question {
        id: "measure".to_owned(),
        text: "?".to_owned(),
        choices: vec![choice("amount"), choice("count")],
        recommended: None,
    };
    let mut answer = super::wording::nothing(AskState::Clarify, "ann", question);
    answer.questions = Some(vec![measure]);
    let request = json!({"question": question, "answers": {}, "follows": "last"});
    let new = NewChatMessage {
        id: held.id.clone(),
        meta: Some(json!({"answer": answer, "request": request})),
        ..NewChatMessage::new(
            held.room_id.clone(),
            ChatMessageType::Ai,
            super::AIR.to_owned(),
            "?".to_owned(),
        )
    };
    store.chat_messages().answer(held, &new).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_said_before_an_answer_is_there_replies_to_that_one() {
    let world = World::with("{}").await;
    let room = world.room(ChatRoomKind::Group, &[]).await;
    let app = world.app();
    // Another process, which lives.
    let other = Store::open(&app.config.control_plane.file).await.unwrap();
    let _lives = Processes::open(world.folder.path(), other.process()).unwrap();
    let first = promised_by(&other, &room).await;
    asks_back(&other, &first, "the first").await;
    let second = promised_by(&other, &room).await;
    let talk = post(app, &ann(), "general", text("2")).await.unwrap();
    assert_eq!(talk.answer_id, None, "the first is no longer the last");
    let reply = Post { ask: Some(true), ..text("2") };
    let posted = post(app, &ann(), "general", reply).await.unwrap();
    asks_back(&other, &second, "the second").await;
    let (id, begin) = (posted.answer_id.unwrap(), Instant::now());
    let message = loop {
        if let Ok(message) = app.store.chat_messages().get(&room.id, &id).await {
            break message;
        }
        assert!(begin.elapsed() < PATIENCE, "no answer came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let request = super::meta(&message).unwrap().request;
    assert_eq!(request.question, "the second");
    assert_eq!(request.answers["measure"], "count");
    other.close().await;
}

/// A question whose answer another process promised, which then died.
async fn left_by_another_process(world: &World, room: &ChatRoom, attempts: u32) -> ChatMessageId {
    let other = Store::open(&world.app().config.control_plane.file).await.unwrap();
    let answer = promised_by(&other, room).await;
    for _ in 1..attempts {
        let owed = other.chat_messages().owed().await.unwrap();
        other.chat_messages().take_up(&owed[0]).await.unwrap();
    }
    other.close().await;
    answer.id
}

async fn answered(world: &World, room: &ChatRoom) -> super::asks::Meta {
    let begin = Instant::now();
    loop {
        let all = world.messages(room).await;
        if let Some(meta) = all.iter().find_map(super::meta) {
            let answers = all.iter().filter(|m| m.kind == ChatMessageType::Ai).count();
            assert_eq!(answers, 1);
            return meta;
        }
        assert!(begin.elapsed() < PATIENCE, "no answer came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_answer_that_a_dead_process_owed_is_given() {
    let world = World::with("{}").await;
    let room = world.room(ChatRoomKind::Group, &[]).await;
    let id = left_by_another_process(&world, &room, 1).await;
    let meta = answered(&world, &room).await;
    // There is no source here, and the answer says so.
    assert_eq!(meta.answer.state, AskState::Failed);
    assert!(meta.answer.reason.unwrap().contains("source"));
    let kept = world.app().store.chat_messages().get(&room.id, &id).await.unwrap();
    assert_eq!(kept.kind, ChatMessageType::Ai);
    assert_eq!(world.app().store.chat_messages().owed().await.unwrap(), []);
    drop(world.folder);
}

#[tokio::test]
async fn an_answer_that_kills_its_process_is_given_up() {
    let world = World::with("{}").await;
    let room = world.room(ChatRoomKind::Group, &[]).await;
    left_by_another_process(&world, &room, 3).await;
    let meta = answered(&world, &room).await;
    assert_eq!(meta.answer.state, AskState::Failed);
    assert!(meta.answer.reason.unwrap().contains("stopped each time"));
}

#[tokio::test]
async fn an_answer_that_was_owed_for_longer_than_a_token_lasts_is_given_up() {
    let world = World::with("{}").await;
    let room = world.room(ChatRoomKind::Group, &[]).await;
    let file = world.app().config.control_plane.file.clone();
    let World { folder, service } = world;
    service.close().await;
    let other = Store::open(&file).await.unwrap();
    let promised = promised_by(&other, &room).await.created_at.timestamp();
    other.close().await;
    while Timestamp::now().duration_since(promised) <= jiff::SignedDuration::from_millis(1) {
        tokio::task::yield_now().await;
    }
    let world = World::over(folder, "server: {auth: {token_expiry: 1ms}}").await;
    let meta = answered(&world, &room).await;
    assert_eq!(meta.answer.state, AskState::Failed);
    assert_eq!(meta.answer.problem.unwrap().code, ErrorCode::Unavailable);
    assert!(meta.answer.reason.unwrap().contains("so long ago"));
}

#[tokio::test]
async fn a_question_is_not_swept_before_its_answer() {
    let world = World::with("chat: {enabled: false}").await;
    let store = &world.app().store;
    let new = NewChatRoom {
        id: "general".parse().unwrap(),
        name: "general".to_owned(),
        kind: ChatRoomKind::Group,
        private: false,
        ai: ChatAi::Always,
        datasource_id: None,
        created_by: "ann".to_owned(),
        members: Vec::new(),
    };
    let room = store.chat_rooms().create(&new).await.unwrap();
    left_by_another_process(&world, &room, 1).await;
    let late = Timestamp::now() + 240.hours();
    assert_eq!(keeping::sweep(world.app(), late).await.unwrap(), 0);
    assert_eq!(world.messages(&room).await.len(), 1);
}
