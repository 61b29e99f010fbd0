//! An analysis as it is written, told to who asked for it.
//!
//! In: a model's reply in pieces. Out: its sentences on the asker's own channel, each only once
//! its figures were found and nothing else is wrong up to there, as the whole is judged in the
//! end; `reset` where what was told does not count after all. The kept analysis is the answer,
//! and `ai_complete` holds it. Absent on purpose: drafts of an IR or SQL, which are for the
//! planner and no text for people.

use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use super::figures::Known;
use super::plain;
use crate::config::ModelName;
use crate::events::{Channel, EventKind};
use crate::id::RunId;
use crate::models::{Chat, Fault, Piece, Reply};
use crate::service::App;
use crate::store::Analysis;

/// Tells one analysis.
pub(super) struct Telling<'a> {
    app: &'a App,
    asker: &'a str,
    run: &'a RunId,
    /// Of the try that is going on.
    text: String,
    /// Bytes of it that were told.
    told: usize,
    /// Something of it was wrong.
    stopped: bool,
    index: u32,
}

impl<'a> Telling<'a> {
    pub(super) fn new(app: &'a App, asker: &'a str, run: &'a RunId) -> Self {
        Self { app, asker, run, text: String::new(), told: 0, stopped: false, index: 0 }
    }

    /// Asks a model and tells its reply while it comes.
    pub(super) async fn reply(
        &mut self,
        name: ModelName,
        chat: Chat,
        known: &Known,
    ) -> Result<Reply, Fault> {
        self.reset().await;
        let (sender, mut pieces) = unbounded_channel();
        let asking = self.app.models.chat(name, Chat { pieces: Some(sender), ..chat });
        tokio::pin!(asking);
        let reply = loop {
            tokio::select! {
                biased;
                Some(piece) = pieces.recv() => self.piece(piece, known).await,
                reply = &mut asking => break reply,
            }
        };
        while let Ok(piece) = pieces.try_recv() {
            self.piece(piece, known).await;
        }
        reply
    }

    async fn piece(&mut self, piece: Piece, known: &Known) {
        match piece {
            Piece::Again => self.reset().await,
            Piece::Text(text) => {
                self.text.push_str(&text);
                if let Some(end) = sentence(&self.text[self.told..]) {
                    self.tell(self.told + end, known).await;
                }
            }
        }
    }

    /// The whole was found right: the rest of it.
    pub(super) async fn whole(&mut self, known: &Known) {
        self.tell(self.text.trim_end().len(), known).await;
    }

    /// The text up to `end`, unless something is wrong with it.
    async fn tell(&mut self, end: usize, known: &Known) {
        if self.stopped || end <= self.told {
            return;
        }
        let part = &self.text[self.told..end];
        if plain(&self.text[..end]).is_err() || !known.unfound(part).is_empty() {
            self.reset().await;
            self.stopped = true;
            return;
        }
        let content = part.to_owned();
        self.told = end;
        self.say("analysis", &content).await;
    }

    /// What was told so far does not count.
    pub(super) async fn reset(&mut self) {
        if std::mem::take(&mut self.told) > 0 {
            self.say("reset", "").await;
        }
        self.text.clear();
        self.stopped = false;
    }

    async fn say(&mut self, part: &str, content: &str) {
        let payload =
            json!({"run_id": self.run, "index": self.index, "part": part, "content": content});
        self.index += 1;
        self.whisper(EventKind::AiStream, payload).await;
    }

    /// The analysis as it was kept.
    pub(super) async fn complete(&self, analysis: &Analysis) {
        let payload = json!({
            "run_id": self.run,
            "analysis_id": analysis.id,
            "analysis_md": analysis.analysis_md,
            "model_used": analysis.model_used,
        });
        self.whisper(EventKind::AiComplete, payload).await;
    }

    async fn whisper(&self, kind: EventKind, payload: Value) {
        if self.app.config.chat.ai_streaming {
            let channel = Channel::AiStream(self.asker.to_owned());
            self.app.events.whisper(&channel, kind, payload, Some(self.asker)).await;
        }
    }
}

/// Where the last whole sentence or line of a text ends. A figure and what it is counted in are
/// never apart: a sentence ends with its mark and a blank.
fn sentence(text: &str) -> Option<usize> {
    let mut end = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == '\n' || (c.is_whitespace() && matches!(before, '.' | '!' | '?')) {
            end = Some(at + c.len_utf8());
        }
        before = c;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_sentence_ends_with_its_mark_and_a_blank_or_with_its_line() {
        for (text, whole) in [
            ("JFK has 3.5 flights", ""),
            ("JFK has 3.5 flights.", ""),
            ("JFK has 3.5 flights. And", "JFK has 3.5 flights. "),
            ("- JFK: 3\n- LG", "- JFK: 3\n"),
            ("Größe ✈! Ja", "Größe ✈! "),
            ("", ""),
        ] {
            assert_eq!(&text[..sentence(text).unwrap_or_default()], whole, "{text}");
        }
    }
}
