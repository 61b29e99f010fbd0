//! Two processes' brokers over one Redis, which is private to the test, killed and started again.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::broker::RedisBroker;
use crate::events::{EventKind, Events, Item, Outbox};

/// It keeps nothing on disk.
struct Server {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Server {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let child = spawn(&folder, port);
        let server = Self { folder, port, child };
        server.answers().await;
        server
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn again(&mut self) {
        self.child = spawn(&self.folder, self.port);
        self.answers().await;
    }

    async fn answers(&self) {
        eventually("redis-server answers", || async { self.cli(&["PING"]) == "PONG" }).await;
    }

    fn cli(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let done = Command::new("redis-cli").args(["-p", &port]).args(command).output();
        let done = done.expect("redis-cli is missing: apt-get install -y redis-server");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    fn config(&self) -> RedisConfig {
        config(format!("redis://127.0.0.1:{}/0", self.port))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &TempDir, port: u16) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    command.args(["--appendonly", "no"]).current_dir(folder.path());
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    child.expect("redis-server is missing: apt-get install -y redis-server")
}

/// What one process has of it.
struct Side {
    broker: Arc<dyn Broker>,
    events: Events,
}

/// Two processes over one data folder.
async fn sides(server: &Server) -> (TempDir, Side, Side) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("air.db");
    let one = side(server, Store::open(&file).await.unwrap());
    let two = side(server, Store::open(&file).await.unwrap());
    for side in [&one, &two] {
        eventually("Redis is heard", || async { side.broker.health().await == Health::Shared })
            .await;
    }
    (folder, one, two)
}

fn side(server: &Server, store: Store) -> Side {
    let hub = Hub::new(store.clone());
    let broker = RedisBroker::start(&server.config(), &ProcessId::new(), Arc::clone(&hub));
    let broker: Arc<dyn Broker> = Arc::new(broker.unwrap());
    Side { events: Events::new(store, Arc::clone(&broker), hub), broker }
}

async fn listen(side: &Side, channel: &Channel) -> (Arc<Outbox>, Receiver<Item>) {
    let (outbox, receiver) = Outbox::new(1, 100);
    side.events.hub().open(channel).await.unwrap().join(None, &outbox).unwrap();
    (outbox, receiver)
}

async fn text(receiver: &mut Receiver<Item>) -> Bytes {
    let item = tokio::time::timeout(Duration::from_secs(10), receiver.recv()).await;
    match item.expect("an event in time") {
        Some(Item::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

async fn next(receiver: &mut Receiver<Item>) -> Value {
    serde_json::from_slice(&text(receiver).await).unwrap()
}

#[tokio::test]
async fn redis_conforms() {
    let server = Server::start().await;
    let (_folder, one, two) = sides(&server).await;
    conforms(&one.broker).await;
    messages(&one.broker).await;
    queue(&one.broker).await;
    // What one says the other knows.
    one.broker.session_seen(&session("ann", "ws_1"), LONG).await;
    assert_eq!(two.broker.online().await, ["ann"]);
    assert_eq!(sessions(&two.broker, "ann").await[0].ws_id, "ws_1");
    one.broker.set_typing("ann", Some("general"), LONG).await;
    assert_eq!(two.broker.typing("ann").await.as_deref(), Some("general"));
    one.broker.allow(Allowance::Messages, "eva", 1).await.unwrap();
    assert!(two.broker.allow(Allowance::Messages, "eva", 1).await.is_err());
    let waiting = [request("a", "processing"), request("c", "queued")];
    assert_eq!(two.broker.ai_queue("ann").await, waiting);
}

#[tokio::test]
async fn keys_have_the_names_of_the_original_specification() {
    let server = Server::start().await;
    let (_folder, one, _two) = sides(&server).await;
    let broker = &one.broker;
    broker.session_seen(&session("123", "ws_456"), LONG).await;
    broker.set_typing("123", Some("general"), LONG).await;
    broker.room_described("general", "General Chat").await;
    broker.room_entered("general", "123").await;
    let message = RecentMessage {
        id: "msg_1".into(),
        user_id: "123".into(),
        room: "general".into(),
        kind: "user".into(),
        content: "Hello AI!".into(),
        at: Moment::now(),
    };
    broker.message_posted(&message, LONG).await;
    broker.ai_queued(&AiRequest { user_id: "123".into(), ..request("789", "queued") }, LONG).await;
    one.events
        .whisper(&Channel::AiStream("123".into()), EventKind::AiStream, json!({}), None)
        .await;
    for (command, wanted) in [
        (&["TYPE", "chat:user:123"][..], "zset"),
        (&["HGET", "chat:msg:msg_1", "content"], "Hello AI!"),
        (&["TYPE", "sessions:user:123"], "hash"),
        (&["HEXISTS", "sessions:user:123", "ws_456"], "1"),
        (&["SISMEMBER", "online_users", "123"], "1"),
        (&["GET", "typing:user:123"], "general"),
        (&["LRANGE", "ai_queue:user:123", "0", "-1"], "789"),
        (&["HGET", "ai_request:789", "status"], "queued"),
        (&["SISMEMBER", "room:general:members", "123"], "1"),
        (&["HGET", "room:general:info", "name"], "General Chat"),
        (&["TYPE", "ai:stream:123"], "stream"),
    ] {
        // The configured database, not the one of the address.
        assert_eq!(server.cli(&[&["-n", "3"], command].concat()), wanted, "{command:?}");
    }
    for key in ["sessions:user:123", "room:general:members", "room:general:info"] {
        let left: i64 = server.cli(&["-n", "3", "PTTL", key]).parse().unwrap();
        assert!(left > 0, "{key} ends by itself");
    }
}

#[tokio::test]
async fn an_event_is_heard_in_every_process_once_and_in_order() {
    let server = Server::start().await;
    let (_folder, one, two) = sides(&server).await;
    let room = Channel::Chat("general".into());
    let (_a, mut here) = listen(&one, &room).await;
    let (_b, mut there) = listen(&two, &room).await;
    for n in 1..=40 {
        let side = if n % 2 == 0 { &one } else { &two };
        side.events.emit(&room, EventKind::Result, json!({"n": n}), None).await.unwrap();
    }
    for n in 1..=40 {
        let sent = text(&mut here).await;
        assert_eq!(sent, text(&mut there).await, "the same bytes everywhere");
        assert_eq!(serde_json::from_slice::<Value>(&sent).unwrap()["seq"], n);
    }
    one.events.whisper(&room, EventKind::Token, json!({"text": "wo"}), None).await;
    assert_eq!(next(&mut there).await["payload"]["text"], "wo");
    assert_eq!(next(&mut here).await["payload"]["text"], "wo");
    assert!(here.try_recv().is_err() && there.try_recv().is_err());
}

#[tokio::test]
async fn a_stream_is_one_for_every_process() {
    let server = Server::start().await;
    let (_folder, one, two) = sides(&server).await;
    let mine = Channel::AiStream("ann".into());
    let (_outbox, mut there) = listen(&two, &mine).await;
    let mut seqs = Vec::new();
    for n in 0..300 {
        let side = if n % 3 == 0 { &two } else { &one };
        let user = Some("ann");
        let seq = side.events.emit(&mine, EventKind::AiStream, json!({"n": n}), user).await;
        seqs.push(seq.unwrap());
        if n < 50 {
            assert_eq!(next(&mut there).await["seq"], seqs[n]);
        }
    }
    assert!(seqs.is_sorted_by(|a, b| a < b));
    let mut kept = Vec::new();
    while kept.len() < 299 {
        let after = kept.last().copied().unwrap_or(seqs[0]);
        let page = one.events.hub().read(&mine, after).await.unwrap();
        kept.extend(page.iter().map(|live| live.seq));
        let event: Value = serde_json::from_slice(&page[0].text).unwrap();
        assert_eq!((&event["seq"], &event["user_id"]), (&json!(page[0].seq), &json!("ann")));
    }
    assert_eq!(kept, seqs[1..]);
}

#[tokio::test]
async fn without_redis_a_process_goes_on_alone_and_finds_the_others_again() {
    let mut server = Server::start().await;
    let (_folder, one, two) = sides(&server).await;
    let (room, mine) = (Channel::Chat("general".into()), Channel::AiStream("ann".into()));
    let (_a, mut here) = listen(&one, &room).await;
    let (_b, mut there) = listen(&two, &room).await;
    let (_c, mut words) = listen(&one, &mine).await;
    let before = one.events.emit(&mine, EventKind::AiStream, json!({}), None).await.unwrap();
    assert_eq!(next(&mut words).await["seq"], before);
    server.kill();
    for side in [&one, &two] {
        eventually("the absence is told", || async {
            matches!(side.broker.health().await, Health::Away(_))
        })
        .await;
    }
    // Everything works for who is here.
    conforms(&one.broker).await;
    one.events.emit(&room, EventKind::Result, json!({}), None).await.unwrap();
    assert_eq!(next(&mut here).await["seq"], 1);
    let alone = one.events.emit(&mine, EventKind::AiStream, json!({}), None).await.unwrap();
    assert!(alone > before);
    assert_eq!(next(&mut words).await["seq"], alone);
    server.again().await;
    for side in [&one, &two] {
        eventually("Redis is back", || async { side.broker.health().await == Health::Shared })
            .await;
    }
    // The next announcement shows the gap, which is read from the table.
    one.events.emit(&room, EventKind::Result, json!({}), None).await.unwrap();
    assert_eq!(
        (next(&mut there).await["seq"].clone(), next(&mut there).await["seq"].clone()),
        (json!(1), json!(2))
    );
    assert_eq!(next(&mut here).await["seq"], 2);
    let again = two.events.emit(&mine, EventKind::AiComplete, json!({}), None).await.unwrap();
    assert!(again > alone, "numbers never go back, though Redis forgot them");
    assert_eq!(next(&mut words).await["seq"], again);
}

#[test]
fn an_address_that_cannot_be_used_is_told_without_its_password() {
    let wrong = "rediss://:canary-password@localhost:1/0#insecure";
    let config = config(wrong.to_owned());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fault = runtime.block_on(async {
        let (_folder, store) = store().await;
        RedisBroker::start(&config, &ProcessId::new(), Hub::new(store)).err().unwrap().to_string()
    });
    assert!(fault.contains("redis.url") && !fault.contains("canary"), "{fault}");
}
