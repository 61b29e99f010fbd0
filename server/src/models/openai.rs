//! Servers that speak the protocol of OpenAI: OpenAI, services of the same form, and Ollama.
//!
//! Replies are always streamed, so that the first token has a time limit of its own and a slow
//! reply is seen as one. Types are AIR's own and let pass what a server adds or leaves out; what
//! decides (text, the reason of the end, an error) is checked.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_trait::async_trait;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use futures::{Stream, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::provider::{Chat, Embedded, Failed, Form, Message, Piece, Provider, Reply, Speaker};
use super::redact::Redactor;
use super::transport::{Transport, fault_of};
use super::usage::{Usage, estimate};
use crate::store::checksum;

/// Bytes of a reply's text.
const MOST_TEXT: usize = 256 * 1024;

/// Where a server is, and the key to it.
#[derive(Clone)]
struct Access {
    base: String,
    key: SecretString,
    headers: HeaderMap,
}

impl Config for Access {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// How a server is told the form of a reply, from the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Schema = 0,
    Json = 1,
    Nothing = 2,
}

pub(super) struct OpenAi {
    client: Client<Access>,
    http: reqwest::Client,
    model: String,
    key: Option<SecretString>,
    first_token: Duration,
    /// The strictest form the server was not known to refuse.
    told: AtomicU8,
    /// The last call that was refused in a strict form, and not in a looser one.
    doubted: Mutex<Option<String>>,
    /// Whether the model takes the newer names of parameters only.
    newer: AtomicBool,
}

/// What became of the stricter forms of a call.
#[derive(Default)]
struct Refused {
    any: bool,
    /// The server named what it does not know.
    by_name: bool,
}

impl OpenAi {
    /// `http` follows no redirects.
    pub(super) fn new(
        base: &str,
        key: Option<&SecretString>,
        model: &str,
        http: reqwest::Client,
        first_token: Duration,
    ) -> Result<Self, Fault> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()));
            let mut value = value.map_err(|_| {
                Fault::NotConfigured("its key holds characters that cannot be sent")
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let access = Access {
            base: base.trim_end_matches('/').to_owned(),
            key: key.cloned().unwrap_or_default(),
            headers,
        };
        let transport = Transport::new(http.clone());
        let client = Client::build(http.clone(), access).with_http_service(transport);
        Ok(Self {
            client,
            http,
            model: model.to_owned(),
            key: key.cloned(),
            first_token,
            told: AtomicU8::new(Told::Schema as u8),
            doubted: Mutex::default(),
            newer: AtomicBool::new(false),
        })
    }

    /// The forms to try, the strictest first.
    fn forms(&self, form: &Form) -> Vec<Told> {
        match form {
            Form::Text => vec![Told::Nothing],
            Form::Json(_) => {
                let known = self.told.load(Ordering::Relaxed);
                let all = [Told::Schema, Told::Json, Told::Nothing];
                all.into_iter().filter(|told| *told as u8 >= known).collect()
            }
        }
    }

    async fn streamed(&self, chat: &Chat, told: Told) -> Result<Reply, Failed> {
        let request = self.request(chat, told);
        let api = self.client.chat();
        let open = api.create_stream_byot::<_, Chunk>(request);
        let first = Instant::now() + self.first_token;
        let stream =
            within(first, chat.deadline, self.first_token, open).await?.map_err(fault_of)?;
        let mut heard = Heard::new(self.key.as_ref(), chat);
        let ended = self.hear(stream, &mut heard, first).await.and_then(|()| heard.check());
        // The server has worked, and counted, whatever became of its words.
        let usage = heard.used();
        match ended {
            Ok(()) => Ok(Reply { text: heard.text, usage }),
            Err(fault) => Err(Failed { fault, usage }),
        }
    }

    /// Reads a reply to its end.
    async fn hear(
        &self,
        mut stream: impl Stream<Item = Result<Chunk, OpenAIError>> + Unpin,
        heard: &mut Heard<'_>,
        first: Instant,
    ) -> Result<(), Fault> {
        let (deadline, mut limit) = (heard.chat.deadline, first);
        while let Some(chunk) = within(limit, deadline, self.first_token, stream.next()).await? {
            heard.take(chunk.map_err(fault_of)?)?;
            // The next piece has as long as the first had.
            limit = Instant::now() + self.first_token;
        }
        Ok(())
    }

    /// Whether a server is known from now on to refuse the forms that it refused to this call: it
    /// said so, or it refused them to another call just before. One refusal may be of the call.
    fn learns(&self, refused: &Refused, chat: &Chat) -> bool {
        let mut doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        if !refused.any {
            *doubted = None;
            return false;
        }
        let sent: Vec<&str> = chat.messages.iter().map(|message| message.text.as_str()).collect();
        let call = checksum(&json!(sent));
        refused.by_name || doubted.replace(call.clone()).is_some_and(|before| before != call)
    }

    fn request(&self, chat: &Chat, told: Told) -> Value {
        let mut request = json!({
            "model": self.model,
            "messages": chat.messages.iter().map(message).collect::<Vec<Value>>(),
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        if self.newer.load(Ordering::Relaxed) {
            request["max_completion_tokens"] = json!(chat.most_tokens);
        } else {
            request["max_tokens"] = json!(chat.most_tokens);
            request["temperature"] = json!(0);
        }
        match (&chat.form, told) {
            (Form::Json(schema), Told::Schema) => {
                let schema = json!({"name": "draft", "schema": schema});
                request["response_format"] = json!({"type": "json_schema", "json_schema": schema});
            }
            (Form::Json(_), Told::Json) => {
                request["response_format"] = json!({"type": "json_object"});
            }
            _ => {}
        }
        request
    }
}

/// Whether a server named a parameter, or a value of one, that it does not know.
fn is_unsupported(failed: &Failed) -> bool {
    matches!(&failed.fault, Fault::Status { code: Some(code), .. }
        if code.starts_with("unsupported_"))
}

/// Whether a server may have refused the form that it was told.
fn may_be_of_form(fault: &Fault) -> bool {
    matches!(fault, Fault::Status { status: 400 | 422, code, .. }
        if *code != Some("context_length_exceeded"))
}

fn message(message: &Message) -> Value {
    let role = match message.speaker {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    };
    json!({"role": role, "content": message.text})
}

/// Waits until the first of two instants.
async fn within<T>(
    limit: Instant,
    deadline: Instant,
    told: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Fault> {
    let late = |_| if deadline <= limit { Fault::NoTime } else { Fault::Late(told) };
    tokio::time::timeout_at(limit.min(deadline).into(), work).await.map_err(late)
}

#[async_trait]
impl Provider for OpenAi {
    fn model(&self) -> &str {
        &self.model
    }

    async fn chat(&self, chat: &Chat) -> Result<Reply, Failed> {
        let mut last = Failed::from(Fault::Protocol);
        let mut refused = Refused::default();
        for told in self.forms(&chat.form) {
            let mut reply = self.streamed(chat, told).await;
            if reply.as_ref().is_err_and(is_unsupported)
                && !self.newer.swap(true, Ordering::Relaxed)
            {
                reply = self.streamed(chat, told).await;
            }
            match reply {
                // A server that does not know the form says so; the next is looser.
                Err(failed) if told != Told::Nothing && may_be_of_form(&failed.fault) => {
                    refused.any = true;
                    refused.by_name |= is_unsupported(&failed);
                    last = failed;
                }
                Ok(reply) => {
                    if matches!(chat.form, Form::Json(_)) && self.learns(&refused, chat) {
                        self.told.store(told as u8, Ordering::Relaxed);
                    }
                    return Ok(reply);
                }
                Err(failed) => return Err(failed),
            }
        }
        Err(last)
    }

    async fn probe(&self) -> Result<(), Fault> {
        let access = self.client.config();
        let request = self.http.get(access.url("/models")).headers(access.headers());
        let sent = tokio::time::timeout(self.first_token, request.send()).await;
        let reply = sent.map_err(|_| Fault::Late(self.first_token))?;
        match reply.map_err(|_| Fault::Unreachable)?.status() {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => Err(Fault::Redirected),
            status => Err(Fault::Status { status: status.as_u16(), code: None, retry_after: None }),
        }
    }

    async fn embed(&self, texts: &[String], deadline: Instant) -> Result<Embedded, Fault> {
        let request = json!({"model": self.model, "input": texts, "encoding_format": "float"});
        let api = self.client.embeddings();
        let work = api.create_byot::<_, Vectors>(request);
        let limit = Instant::now() + self.first_token;
        let found = within(limit, deadline, self.first_token, work).await?.map_err(fault_of)?;
        let mut data = found.data;
        data.sort_by_key(|one| one.index);
        let whole = data.len() == texts.len() && data.iter().all(|one| one.is_whole(&data[0]));
        if !whole {
            return Err(Fault::Protocol);
        }
        let sent: String = texts.concat();
        let usage = found.usage.unwrap_or_default().used(&sent, "");
        Ok(Embedded { vectors: data.into_iter().map(|one| one.embedding).collect(), usage })
    }
}

/// One event of a stream.
#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Reported>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct Reported {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

impl Reported {
    fn used(self, sent: &str, received: &str) -> Usage {
        Usage {
            calls: 1,
            prompt_tokens: self.prompt_tokens.unwrap_or_else(|| estimate(sent)),
            completion_tokens: self.completion_tokens.unwrap_or_else(|| estimate(received)),
            estimated: self.prompt_tokens.is_none(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Vectors {
    data: Vec<Vector>,
    #[serde(default)]
    usage: Option<Reported>,
}

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(default)]
    index: u64,
    embedding: Vec<f32>,
}

impl Vector {
    fn is_whole(&self, other: &Self) -> bool {
        let same = self.embedding.len() == other.embedding.len();
        same && !self.embedding.is_empty() && self.embedding.iter().all(|n| n.is_finite())
    }
}

/// What was heard of a reply so far.
struct Heard<'c> {
    chat: &'c Chat,
    redactor: Redactor,
    text: String,
    usage: Option<Reported>,
    ended: Option<String>,
    declined: bool,
}

impl<'c> Heard<'c> {
    fn new(key: Option<&SecretString>, chat: &'c Chat) -> Self {
        Self {
            chat,
            redactor: Redactor::new(key),
            text: String::new(),
            usage: None,
            ended: None,
            declined: false,
        }
    }

    fn take(&mut self, chunk: Chunk) -> Result<(), Fault> {
        if chunk.error.is_some_and(|error| !error.is_null()) {
            return Err(Fault::BrokeOff);
        }
        self.usage = chunk.usage.or(self.usage);
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(()) };
        self.declined |= choice.delta.refusal.is_some_and(|text| !text.is_empty());
        if let Some(piece) = choice.delta.content {
            let shown = self.redactor.push(&piece);
            self.say(shown);
            if self.text.len() > MOST_TEXT {
                return Err(Fault::TooLarge);
            }
        }
        self.ended = choice.finish_reason.or(self.ended.take());
        Ok(())
    }

    fn say(&mut self, piece: String) {
        self.text.push_str(&piece);
        if let Some(pieces) = self.chat.pieces.as_ref().filter(|_| !piece.is_empty()) {
            // Whoever listened has gone; the reply is wanted all the same.
            let _ = pieces.send(Piece::Text(piece));
        }
    }

    /// Whether what was heard is a whole reply.
    fn check(&mut self) -> Result<(), Fault> {
        let rest = self.redactor.rest();
        self.say(rest);
        match self.ended.as_deref() {
            _ if self.declined => return Err(Fault::Declined),
            Some("content_filter") => return Err(Fault::Declined),
            Some("length") => return Err(Fault::CutOff),
            Some("tool_calls" | "function_call") => return Err(Fault::Protocol),
            // Services of the same form have names of their own for a reply that is whole.
            Some(_) => {}
            // Without a reason the connection just ended, at whatever place.
            None if self.text.is_empty() => return Err(Fault::Empty),
            None => return Err(Fault::BrokeOff),
        }
        match self.text.trim().is_empty() {
            true => Err(Fault::Empty),
            false => Ok(()),
        }
    }

    /// What the server counted, or about what it had to.
    fn used(&self) -> Usage {
        let sent: Vec<&str> = self.chat.messages.iter().map(|m| m.text.as_str()).collect();
        self.usage.unwrap_or_default().used(&sent.concat(), &self.text)
    }
}
