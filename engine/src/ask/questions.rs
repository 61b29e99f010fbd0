//! Questions that are asked back, and what their answers decide.
//!
//! In: a point where several readings would give different rows. Out: the reading to go on with:
//! the answered one, or the recommended one while the question stays open. What has one dominant
//! reading is no question; it is noted as an assumption.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// At most so many questions are asked at a time.
const MOST: usize = 3;
/// Characters of an answer that are said back.
const MOST_SHOWN: usize = 80;

/// The value of the choice that leaves the decision to AIR.
pub const YOU_DECIDE: &str = "you_decide";

/// One answer that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    pub(super) fn new(value: &str, label: &str) -> Self {
        Self { value: value.to_owned(), label: label.to_owned() }
    }
}

/// A question to the person who asked. Free text is accepted as an answer too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clarification {
    pub id: String,
    pub text: String,
    pub choices: Vec<Choice>,
    /// The value of one of the choices.
    pub recommended: String,
}

/// What a question came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// The value of a choice.
    Choice(String),
    Free(String),
}

/// The questions and assumptions of one interpretation.
pub(super) struct Asked<'a> {
    answers: &'a BTreeMap<String, Value>,
    pub(super) questions: Vec<Clarification>,
    pub(super) assumptions: Vec<String>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(answers: &'a BTreeMap<String, Value>) -> Self {
        Self { answers, questions: Vec::new(), assumptions: Vec::new() }
    }

    pub(super) fn assume(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.assumptions.contains(&text) {
            self.assumptions.push(text);
        }
    }

    /// The answer to a question; the recommended choice, and the question put, where none was
    /// given.
    pub(super) fn ask(
        &mut self,
        id: &str,
        text: &str,
        choices: Vec<Choice>,
        recommended: &str,
    ) -> Reply {
        let given = self.answers.get(id).and_then(said);
        if let Some(answer) = given {
            if answer == YOU_DECIDE {
                let label = choices.iter().find(|c| c.value == recommended);
                let label = label.map_or(recommended, |c| &c.label).to_owned();
                self.assume(format!("{text} Decided for you: {label}."));
                return Reply::Choice(recommended.to_owned());
            }
            let fits = |c: &&Choice| {
                c.value.eq_ignore_ascii_case(&answer)
                    || c.label.to_lowercase() == answer.to_lowercase()
            };
            // Values may differ by their case alone.
            let exact = choices.iter().find(|c| c.value == answer);
            return match exact.or_else(|| choices.iter().find(fits)) {
                Some(choice) => Reply::Choice(choice.value.clone()),
                None => Reply::Free(answer),
            };
        }
        self.put(id, text, choices, recommended);
        Reply::Choice(recommended.to_owned())
    }

    /// The same where nothing but a choice will do: after any other words the question is put
    /// again, so that they are not taken for the recommended one.
    pub(super) fn choose(
        &mut self,
        id: &str,
        text: &str,
        choices: Vec<Choice>,
        recommended: &str,
    ) -> String {
        match self.ask(id, text, choices.clone(), recommended) {
            Reply::Choice(value) => value,
            Reply::Free(words) => {
                self.again(id, &words, text, choices, recommended);
                recommended.to_owned()
            }
        }
    }

    /// Puts a question again, after words that are no answer to it.
    pub(super) fn again(
        &mut self,
        id: &str,
        words: &str,
        text: &str,
        choices: Vec<Choice>,
        recommended: &str,
    ) {
        let words: Vec<&str> = words.split_whitespace().collect();
        let words: String = words.join(" ").chars().take(MOST_SHOWN).collect();
        let text = format!("\"{words}\" is none of the choices. {text}");
        self.put(id, &text, choices, recommended);
    }

    /// Puts a question whatever was answered before.
    pub(super) fn put(
        &mut self,
        id: &str,
        text: &str,
        mut choices: Vec<Choice>,
        recommended: &str,
    ) {
        if self.questions.len() >= MOST || self.questions.iter().any(|q| q.id == id) {
            return;
        }
        choices.push(Choice::new(YOU_DECIDE, "You decide"));
        self.questions.push(Clarification {
            id: id.to_owned(),
            text: text.to_owned(),
            choices,
            recommended: recommended.to_owned(),
        });
    }
}

fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// An id from a word of the question: `value_los_angeles`.
pub(super) fn id_of(kind: &str, words: &str) -> String {
    let words = super::tokens::words_of(words).join("_");
    format!("{kind}_{words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_choices_that_differ_by_case_alone_the_exact_one_is_chosen() {
        for (given, chosen) in [("web", "web"), ("Web", "Web"), ("WEB", "Web")] {
            let answers = BTreeMap::from([("value_web".to_owned(), Value::from(given))]);
            let mut asked = Asked::new(&answers);
            let choices = vec![Choice::new("Web", "Web"), Choice::new("web", "web")];
            let reply = asked.ask("value_web", "Which one?", choices, "Web");
            assert_eq!(reply, Reply::Choice(chosen.to_owned()), "{given}");
        }
    }
}
