//! `chat`: talking in a room of the service, answers streamed as they come.
//!
//! Messages are sent over REST, under names of their own, so that one sent again after a broken
//! connection is still one; what happens in the room comes over the socket, which is opened again
//! by itself and misses nothing. At a terminal a person types while answers come; in a pipe each
//! line is a message, and the next is sent once it is answered.

mod news;
mod orders;
mod shown;

use super::{Session, segment, strange};
use crate::cli::Chat;
use crate::exit::{self, Failure};
use crate::settings::Place;
use serde_json::{Value, json};
use shown::Shown;
use std::io::IsTerminal;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A room that is talked in.
struct Talk<'s> {
    session: &'s Session,
    room: String,
    shown: Shown,
    /// What this command's messages are named by.
    name: String,
    sent: u64,
    /// The answer that the next line waits for, and until when.
    awaited: Option<(String, Instant)>,
    /// How long an answer may take.
    patience: Duration,
    /// Whether a person types, who need not wait.
    person: bool,
}

pub(super) async fn chat(
    session: &Session,
    place: Place,
    patience: Duration,
    chat: &Chat,
) -> Result<(), Failure> {
    let (room, last) = enter(session, chat).await?;
    let person = std::io::stdin().is_terminal();
    session.output.say(&format!("in {room}; come back to it with `aircli chat --room {room}`"));
    if person {
        session.output.say("type a message, /help, or /quit");
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = format!("cli-{}-{}", std::process::id(), since.as_micros());
    let mut talk = Talk {
        session,
        shown: Shown::new(&session.output, &name),
        name,
        room: room.clone(),
        sent: 0,
        awaited: None,
        patience,
        person,
    };
    let mut news = news::follow(place, room, last, patience);
    let mut lines = lines();
    talk.run(&mut news, &mut lines).await?;
    talk.shown.ended()
}

/// The room, and the number of its last message; it is joined, or made where none is named.
async fn enter(session: &Session, chat: &Chat) -> Result<(String, u64), Failure> {
    let room = match &chat.room {
        None => {
            let mut new = json!({"kind": "personal"});
            if let Some(source) = &chat.source {
                new["datasource_id"] = json!(source);
            }
            session.post("/v1/chat/rooms", &new).await?
        }
        Some(room) => {
            if chat.source.is_some() {
                let why = "--source is for a new session: a room has a source of its own";
                return Err(Failure::usage(why));
            }
            let path = format!("/v1/chat/rooms/{}", segment(room)?);
            let found = session.get(&path).await?;
            match found["joined"] == true {
                true => found,
                false => session.post(&format!("{path}/members"), &json!({})).await?,
            }
        }
    };
    match (room["id"].as_str(), room["last_seq"].as_u64()) {
        (Some(id), Some(last)) => Ok((id.to_owned(), last)),
        _ => Err(strange("the server's answer is no room")),
    }
}

/// The lines of standard input; the channel ends where they do.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    // Reading blocks, and nothing wakes it: the thread ends with its line or with the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Talk<'_> {
    async fn run(
        &mut self,
        news: &mut mpsc::Receiver<Result<Value, Failure>>,
        lines: &mut mpsc::Receiver<String>,
    ) -> Result<(), Failure> {
        loop {
            let waits = self.awaited.as_ref().map(|(_, until)| *until);
            tokio::select! {
                biased;
                event = news.recv() => match event {
                    Some(event) => self.hear(&event?)?,
                    None => return Err(strange("the socket is closed")),
                },
                () = tokio::time::sleep_until(waits.unwrap_or_else(Instant::now)), if waits.is_some() => {
                    return Err(self.late());
                }
                line = lines.recv(), if self.person || waits.is_none() => match line {
                    Some(line) => if !self.take(&line).await? { return Ok(()) },
                    None => return Ok(()),
                },
            }
        }
    }

    fn late(&self) -> Failure {
        let room = &self.room;
        Failure::new(exit::TIMED_OUT, "no answer came in time")
            .resume(&format!("it may still come: `aircli get /v1/chat/rooms/{room}/messages`"))
    }

    fn hear(&mut self, event: &Value) -> Result<(), Failure> {
        self.shown.event(event)?;
        let answered = event["payload"]["message_id"].as_str();
        if event["type"] == "ai_complete"
            && self.awaited.as_ref().is_some_and(|(id, _)| answered == Some(id))
        {
            self.awaited = None;
        }
        Ok(())
    }

    /// Does what a line says. Whether there is more to come.
    async fn take(&mut self, line: &str) -> Result<bool, Failure> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(true);
        }
        let done = match line.strip_prefix('/') {
            Some("quit" | "exit") => return Ok(false),
            Some(order) if !order.starts_with('/') => {
                orders::obey(self.session, &self.room, self.shown.answer(), order).await
            }
            // A line that begins with `//` says one that begins with `/`.
            Some(text) => self.say(text).await,
            None => self.say(line).await,
        };
        match done {
            // A person reads what was wrong and goes on; a script is told by its exit code.
            Err(failure) if self.person => {
                failure.tell();
                Ok(true)
            }
            Err(failure) => Err(failure),
            Ok(()) => Ok(true),
        }
    }

    async fn say(&mut self, content: &str) -> Result<(), Failure> {
        self.sent += 1;
        let body =
            json!({"content": content, "client_ref": format!("{}-{}", self.name, self.sent)});
        let path = format!("/v1/chat/rooms/{}/messages", segment(&self.room)?);
        let posted = match self.session.post(&path, &body).await {
            // Nobody knows whether it arrived; under its name it is sent once more at no risk.
            Err(failure) if failure.is_lost() => self.session.post(&path, &body).await?,
            posted => posted?,
        };
        if let Some(answer) = posted["answer_id"].as_str().filter(|_| !self.person) {
            let heard = self.shown.is_shown(answer);
            let until = Instant::now() + self.patience;
            self.awaited = (!heard).then(|| (answer.to_owned(), until));
        }
        Ok(())
    }
}
