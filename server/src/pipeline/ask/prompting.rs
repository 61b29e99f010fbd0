//! What a model is asked: the prompt of its task, and the data beside it.
//!
//! In: the question with all that it follows, and the notes that match it. Out: messages. Absent
//! on purpose: any value of the data, and answers about a draft there is.

use std::fmt::Write;

use super::drafting::Drafter;
use super::notes;
use crate::models::prompts::{self, tagged};
use crate::models::{Message, Speaker, Task};

impl Drafter<'_> {
    pub(super) async fn messages(&mut self, task: Task) -> Vec<Message> {
        if self.schema.is_none() {
            let catalog = self.ready.prepared.catalog();
            let words = notes::Wanted { words: &self.words(), named: self.asked.drafter.named() };
            self.schema = Some(notes::chosen(self.app, catalog, words, self.deadline).await);
        }
        let prompt = match task {
            Task::Chat => &prompts::DRAFT,
            Task::Sql => &prompts::SQL,
        };
        vec![
            Message { speaker: Speaker::System, text: prompt.text.to_owned() },
            Message { speaker: Speaker::User, text: self.data(task) },
        ]
    }

    /// The answers that a draft depends on. What was answered about a draft there is is kept from
    /// the model: the draft is kept for others, who answered otherwise.
    pub(super) fn answers(&self) -> Vec<(&String, &String)> {
        self.asked.answers.iter().filter(|(id, _)| !super::is_of_draft(id)).collect()
    }

    /// Everything whose words say which tables are meant.
    fn words(&self) -> String {
        let mut words = self.asked.question.clone();
        for (_, answer) in self.answers() {
            let _ = write!(words, " {answer}");
        }
        for entity in self.previous.iter().flat_map(|ir| &ir.entities) {
            let _ = write!(words, " {}", entity.name());
        }
        words
    }

    fn data(&self, task: Task) -> String {
        let mut text = String::new();
        tagged(&mut text, "schema", self.schema.as_deref().unwrap_or_default());
        let zone = self.ready.prepared.catalog().time_zone.as_deref().unwrap_or("UTC");
        let _ = writeln!(text, "Now it is {} in the zone {zone}.\n", local(self.asked.now, zone));
        if let (Some(previous), Task::Chat) = (self.previous, task) {
            tagged(&mut text, "previous", &previous.to_json().to_string());
        }
        let answers = self.answers();
        if !answers.is_empty() {
            let answers: Vec<String> =
                answers.into_iter().map(|(id, answer)| format!("{id}: {answer}")).collect();
            tagged(&mut text, "answers", &answers.join("\n"));
        }
        tagged(&mut text, "question", &self.asked.question);
        text
    }
}

pub(super) fn correction(error: &str) -> String {
    let mut text = format!("{}\n\n", prompts::CORRECT.text.trim());
    tagged(&mut text, "error", error);
    text
}

pub(super) fn local(now: jiff::Timestamp, zone: &str) -> String {
    let zoned = now.to_zoned_datetime(crate::results::zone(zone));
    zoned.strftime("%Y-%m-%d %H:%M, %A").to_string()
}
