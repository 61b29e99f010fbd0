//! A stand-in for the service: it answers what a test says, in order, and keeps what it heard.
//!
//! The service itself is tested with its own crate; here only the command line is on trial.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// One answer.
pub(crate) struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
    /// The answer waits for a word here, or for ever.
    held: Option<Receiver<()>>,
}

pub(crate) fn ok(body: Value) -> Reply {
    reply(200, "application/json", body.to_string())
}

pub(crate) fn reply(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Reply {
    let head = format!("content-type: {media_type}\r\n");
    Reply { status, head, body: body.into(), held: None }
}

/// A page that ends its list.
pub(crate) fn page(items: Value) -> Reply {
    ok(json!({"items": items, "next": null}))
}

pub(crate) fn problem_of(status: u16, code: &str, detail: &str) -> Value {
    json!({"type": "about:blank", "title": "A title", "status": status, "code": code,
        "detail": detail, "request_id": "req_0192f0c17a6b70008000000000000001"})
}

pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Reply {
    let body = problem_of(status, code, detail).to_string();
    reply(status, "application/problem+json", body)
}

impl Reply {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    pub(crate) fn held(mut self) -> (Self, Sender<()>) {
        let (let_go, held) = channel();
        self.held = Some(held);
        (self, let_go)
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// Method and path with the query.
    pub(crate) line: String,
    /// The headers, their names in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) struct StandIn {
    pub(crate) url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    arrived: Receiver<()>,
}

impl StandIn {
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (arrives, arrived) = channel();
        let (kept, replies) = (Arc::clone(&heard), replies.into_iter().collect::<Vec<_>>());
        std::thread::spawn(move || {
            // One request too many finds nobody listening.
            for reply in replies {
                let (mut socket, _) = listener.accept().unwrap();
                let request = read(&mut socket);
                kept.lock().unwrap().push(request);
                let _ = arrives.send(());
                if let Some(held) = &reply.held {
                    let _ = held.recv();
                }
                // The client may have gone, as an interrupted one has.
                let _ = write(&mut socket, &reply);
            }
        });
        Self { url, heard, arrived }
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The one request there was.
    pub(crate) fn only(&self) -> Heard {
        let heard = self.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        heard[0].clone()
    }

    /// Waits for the next request.
    pub(crate) fn wait(&self) {
        self.arrived.recv().unwrap();
    }
}

fn read(socket: &mut TcpStream) -> Heard {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let (line, head) = head.split_once("\r\n").unwrap();
            let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |l| l.parse().unwrap()) {
                let line = line.trim_end_matches(" HTTP/1.1").to_owned();
                return Heard { line, head: format!("{head}\r\n"), body: body.to_owned() };
            }
        }
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).unwrap();
        assert!(read > 0, "the request broke off: {text}");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

fn write(socket: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    let (status, head, length) = (reply.status, &reply.head, reply.body.len());
    let head = format!(
        "HTTP/1.1 {status} Said\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes())?;
    socket.write_all(&reply.body)
}
