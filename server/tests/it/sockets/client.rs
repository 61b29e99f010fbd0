//! A service on a port, and clients of its socket.

use std::net::SocketAddr;
use std::time::Duration;

use futures::SinkExt;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use yawc::close::CloseCode;
use yawc::{Frame, OpCode, Options, Role, WebSocket};

use crate::world::{CONFIG, World, claims, token};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Place {
    folder: TempDir,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Place {
    /// With tokens wanted, and this added to the configuration.
    pub(crate) async fn new(more: &str) -> Self {
        // A section is written once.
        let base = if more.starts_with("limits") {
            CONFIG.lines().filter(|line| !line.starts_with("limits")).collect::<Vec<_>>().join("\n")
        } else {
            CONFIG.to_owned()
        };
        let World { folder, service, .. } = World::with(true, &format!("{base}\n{more}")).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            service.serve(listener, shutdown).await.unwrap();
        });
        Self { folder, address, stop, serving }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
    }

    /// A socket, or the status of the refusal.
    pub(crate) async fn open(&self, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        self.handshake(headers, Options::default()).await
    }

    pub(crate) async fn open_with(&self, token: &str) -> Socket {
        let bearer = format!("Bearer {token}");
        let mut socket = self.open(&[("authorization", &bearer)]).await.unwrap();
        assert_eq!(socket.next().await["payload"]["ready"], true);
        socket
    }

    pub(crate) async fn user(&self, sub: &str, role: &str) -> Socket {
        self.open_with(&token(&claims(sub, role))).await
    }

    /// Offers compression.
    pub(crate) async fn compressed(&self, sub: &str) -> Socket {
        let bearer = format!("Bearer {}", token(&claims(sub, "viewer")));
        let headers = [
            ("authorization", bearer.as_str()),
            ("sec-websocket-extensions", "permessage-deflate"),
        ];
        let options = Options::default().with_low_latency_compression();
        let mut socket = self.handshake(&headers, options).await.unwrap();
        socket.next().await;
        socket
    }

    async fn handshake(&self, headers: &[(&str, &str)], options: Options) -> Result<Socket, u16> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut request = format!(
            "GET /v1/ws HTTP/1.1\r\nhost: {}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            self.address
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        if status != 101 {
            return Err(status);
        }
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.to_owned()
        };
        let agreed = header("sec-websocket-extensions: ");
        let extensions = (!agreed.is_empty()).then_some(agreed.as_str());
        let stream =
            WebSocket::from_stream_with_extensions(stream, Role::Client, extensions, options);
        Ok(Socket { stream: stream.unwrap(), agreed })
    }

    /// The id of a run of a user, finished.
    pub(crate) async fn run(&self, user: &str) -> String {
        for (sub, role, target, body) in [
            ("eva", "editor", "/v1/learn?datasource_id=shop", json!(null)),
            (
                user,
                "viewer",
                "/v1/query",
                json!({"datasource_id": "shop", "ir": {"entities": ["orders"],
                    "metrics": [{"name": "n", "agg": "count"}]}}),
            ),
        ] {
            let answer = self.request("POST", sub, role, target, &body).await;
            if let Some(id) = answer["run_id"].as_str() {
                return id.to_owned();
            }
        }
        panic!("no run");
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        sub: &str,
        role: &str,
        target: &str,
        body: &Value,
    ) -> Value {
        serde_json::from_str(&self.page(method, sub, role, target, body).await).unwrap()
    }

    pub(crate) async fn page(
        &self,
        method: &str,
        sub: &str,
        role: &str,
        target: &str,
        body: &Value,
    ) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let bearer = token(&claims(sub, role));
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {target} HTTP/1.0\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer \
             {bearer}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// How many sockets the service says are open.
    pub(crate) async fn sockets(&self) -> u64 {
        let page = self.page("GET", "eva", "admin", "/metrics", &json!(null)).await;
        let line = page.lines().find_map(|line| line.strip_prefix("air_sockets ")).unwrap();
        line.parse().unwrap()
    }

    /// Polls until it holds.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, holds: impl Fn() -> F) {
        let polling = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, polling).await.expect(what);
    }

    async fn database(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new()
            .filename(self.folder.path().join("air.db"))
            .busy_timeout(PATIENCE);
        SqlitePool::connect_with(options).await.unwrap()
    }

    /// Clears a channel's events up to a number, as age does.
    pub(crate) async fn forget(&self, channel: &str, seq: u64) {
        let pool = self.database().await;
        let done = sqlx::query("DELETE FROM events WHERE channel = ? AND seq <= ?");
        done.bind(channel).bind(seq.cast_signed()).execute(&pool).await.unwrap();
        pool.close().await;
    }
}

/// Writes events as another process does that ends before it announces them. Returns the
/// channel's last number.
pub(crate) async fn tell(place: &Place, channel: &str, count: u64) -> u64 {
    let pool = place.database().await;
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let last = sqlx::query_scalar("SELECT last_seq FROM event_channels WHERE channel = ?");
    let last: Option<i64> = last.bind(channel).fetch_optional(&mut *transaction).await.unwrap();
    let last = last.unwrap_or(0);
    let end = last + count.cast_signed();
    for seq in last + 1..=end {
        sqlx::query(
            "INSERT INTO events (channel, seq, kind, payload_json, created_at)
             VALUES (?, ?, 'progress', ?, '2026-01-01T00:00:00.000000Z')",
        )
        .bind(channel)
        .bind(seq)
        .bind(json!({"step": "x".repeat(600), "n": seq}).to_string())
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    sqlx::query(
        "INSERT INTO event_channels (channel, last_seq) VALUES (?, ?)
         ON CONFLICT (channel) DO UPDATE SET last_seq = excluded.last_seq",
    )
    .bind(channel)
    .bind(end)
    .execute(&mut *transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();
    pool.close().await;
    end.cast_unsigned()
}

pub(crate) struct Socket {
    stream: WebSocket<TcpStream>,
    /// The extensions that were agreed on.
    pub(crate) agreed: String,
}

impl Socket {
    pub(crate) async fn text(&mut self, text: &str) {
        self.stream.send(Frame::text(text.as_bytes().to_vec())).await.unwrap();
    }

    pub(crate) async fn binary(&mut self, bytes: &'static [u8]) {
        self.stream.send(Frame::binary(bytes)).await.unwrap();
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.text(&message.to_string()).await;
    }

    async fn frame(&mut self) -> Option<Frame> {
        timeout(PATIENCE, self.stream.next_frame()).await.expect("a frame in time").ok()
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let frame = self.frame().await.expect("an open socket");
            match frame.opcode() {
                OpCode::Text => return serde_json::from_slice(frame.payload()).unwrap(),
                OpCode::Close => panic!("closed: {:?}", frame.close_reason()),
                _ => {}
            }
        }
    }

    /// The next message that answers nothing.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            let message = self.next().await;
            if message["payload"].get("reply_to").is_none() {
                return message;
            }
        }
    }

    /// Subscribes, and gives the answer.
    pub(crate) async fn subscribe(&mut self, channel: &str, after: Option<u64>) -> Value {
        let mut message = json!({"type": "subscribe", "channel": channel});
        if let Some(after) = after {
            message["after"] = json!(after);
        }
        self.say(message).await;
        loop {
            let answer = self.next().await;
            if answer["payload"]["reply_to"] == "subscribe" {
                return answer;
            }
        }
    }

    /// Whether it ends when it is told this, with a close frame or without.
    pub(crate) async fn ends_when_told(mut self, text: &str) -> bool {
        let _ = self.stream.send(Frame::text(text.as_bytes().to_vec())).await;
        loop {
            match self.frame().await {
                Some(frame) if frame.opcode() != OpCode::Close => {}
                Some(frame) => return frame.close_code() == Some(CloseCode::Size),
                None => return true,
            }
        }
    }

    /// Whether it ends without a word.
    pub(crate) async fn ends(mut self) -> bool {
        self.frame().await.is_none()
    }
}

/// The code and reason a socket is closed with.
pub(crate) async fn closed(mut socket: Socket) -> (CloseCode, String) {
    loop {
        let frame = socket.frame().await.expect("a close frame");
        if frame.opcode() == OpCode::Close {
            let reason = frame.close_reason().unwrap().unwrap_or_default().to_owned();
            return (frame.close_code().unwrap(), reason);
        }
    }
}
