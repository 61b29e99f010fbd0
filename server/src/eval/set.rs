//! A set of golden questions, as its YAML holds it.

use std::collections::{BTreeMap, BTreeSet};

use air_ir::Ir;
use anyhow::{Context, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::instant;
use crate::id::DatasourceId;

/// How hard a question is for a person who knows the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Difficulty {
    Easy,
    Medium,
    Hard,
}

/// The questions of one source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Set {
    version: u32,
    source: String,
    /// What "last month" is counted from, unless a question says otherwise.
    now: String,
    pub(crate) questions: Vec<Entry>,
}

/// A question and what is right for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) question: String,
    pub(crate) difficulty: Difficulty,
    #[serde(default)]
    now: Option<String>,
    /// The question whose expected IR this one changes.
    #[serde(default)]
    follows: Option<String>,
    /// The IR this one changes.
    #[serde(default)]
    previous: Option<Value>,
    #[serde(default)]
    pub(crate) answers: BTreeMap<String, String>,
    #[serde(default)]
    ir: Option<Value>,
    /// Other IRs that are as right.
    #[serde(default)]
    or: Vec<Value>,
    #[serde(default)]
    rows: Option<Vec<Vec<Value>>>,
    #[serde(default)]
    state: Option<State>,
    /// Whether the order of the rows is asked for.
    #[serde(default)]
    pub(crate) ordered: bool,
    /// Why it is right, for people.
    #[serde(default, rename = "why")]
    _why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Clarify,
    CannotAnswer,
}

/// What is right.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expected {
    Answer { irs: Vec<Ir>, rows: Option<Vec<Vec<Value>>> },
    Clarify,
    CannotAnswer,
}

impl Set {
    /// Reads a set and checks it whole.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        let set: Self = serde_saphyr::from_str(text).map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(set.version == 1, "version: 1 is the only one there is");
        set.source()?;
        let mut ids = BTreeSet::new();
        for entry in &set.questions {
            let mut checked = || {
                ensure!(ids.insert(&entry.id), "the id is there twice");
                entry.expected()?;
                set.now(entry)?;
                set.previous(entry)
            };
            checked().with_context(|| format!("question {}", entry.id))?;
        }
        Ok(set)
    }

    pub(crate) fn source(&self) -> anyhow::Result<DatasourceId> {
        Ok(self.source.parse()?)
    }

    pub(crate) fn now(&self, entry: &Entry) -> anyhow::Result<Timestamp> {
        instant(entry.now.as_ref().unwrap_or(&self.now))
    }

    /// The IR that a follow-up changes. It is the expected one, so that no error is carried on.
    pub(crate) fn previous(&self, entry: &Entry) -> anyhow::Result<Option<Ir>> {
        if let Some(ir) = &entry.previous {
            return parsed(ir).map(Some);
        }
        let Some(id) = &entry.follows else { return Ok(None) };
        let earlier = self.questions.iter().find(|earlier| earlier.id == *id);
        let earlier = earlier.with_context(|| format!("follows: there is no question {id}"))?;
        match earlier.expected()? {
            Expected::Answer { irs, .. } if !irs.is_empty() => Ok(irs.into_iter().next()),
            _ => anyhow::bail!("follows: question {id} has no IR"),
        }
    }
}

fn parsed(value: &Value) -> anyhow::Result<Ir> {
    Ir::parse(value).map_err(|errors| {
        let told: Vec<String> = errors.iter().map(|e| format!("{}: {e}", e.pointer)).collect();
        anyhow::anyhow!("the IR is wrong: {}", told.join("; "))
    })
}

impl Entry {
    pub(crate) fn expected(&self) -> anyhow::Result<Expected> {
        let irs: Vec<Ir> =
            self.ir.iter().chain(&self.or).map(parsed).collect::<anyhow::Result<_>>()?;
        let answer = !irs.is_empty() || self.rows.is_some();
        match self.state {
            Some(_) if answer => anyhow::bail!("it has a state beside an answer"),
            Some(State::Clarify) => Ok(Expected::Clarify),
            Some(State::CannotAnswer) => Ok(Expected::CannotAnswer),
            None if answer => Ok(Expected::Answer { irs, rows: self.rows.clone() }),
            None => anyhow::bail!("one of ir, rows and state is wanted"),
        }
    }
}

/// A set's text with one more question at its end; everything before stays as it is written.
pub(crate) fn appended(
    text: &str,
    id: &str,
    question: &str,
    difficulty: Difficulty,
    ir: &Ir,
    previous: Option<&Value>,
    now: Timestamp,
) -> anyhow::Result<String> {
    let mut added = text.trim_end().to_owned();
    let mut line = |mark: &str, name: &str, value: &Value| {
        // JSON is YAML.
        added.push_str(&format!("\n{mark} {name}: {value}"));
    };
    line("-", "id", &json!(id));
    line(" ", "question", &json!(question));
    line(" ", "difficulty", &json!(difficulty));
    line(" ", "now", &json!(now.to_string()));
    if let Some(previous) = previous {
        line(" ", "previous", previous);
    }
    line(" ", "ir", &ir.to_json());
    added.push('\n');
    let set = Set::read(&added).context("the set with the new question")?;
    ensure!(set.questions.last().is_some_and(|entry| entry.id == id), "questions: must be last");
    Ok(added)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = "version: 1\nsource: shop\nnow: '2024-01-01T00:00:00Z'\nquestions:\n\
        # a comment\n- id: a\n  question: how many\n  difficulty: easy\n  ir: {entities: [o], \
        metrics: [{name: n, agg: count}]}\n- id: b\n  question: what then\n  difficulty: hard\n  \
        follows: a\n  state: clarify\n";

    #[test]
    fn a_set_is_read_and_what_does_not_fit_is_told() {
        let set = Set::read(SET).unwrap();
        assert_eq!(set.questions[1].expected().unwrap(), Expected::Clarify);
        assert!(set.previous(&set.questions[1]).unwrap().is_some());
        for (from, to) in [
            ("state: clarify", "stat: clarify"),
            ("state: clarify", "ordered: true"),
            ("follows: a", "follows: c"),
            ("id: b", "id: a"),
            ("agg: count", "agg: number"),
            ("difficulty: hard", "difficulty: x"),
        ] {
            assert!(Set::read(&SET.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn a_question_is_added_and_the_rest_stays() {
        let ir = Set::read(SET).unwrap().previous(&Set::read(SET).unwrap().questions[1]);
        let ir = ir.unwrap().unwrap();
        let now = "2024-02-02T00:00:00Z".parse().unwrap();
        let question = "how: \"many\" # really";
        let added = appended(SET, "c", question, Difficulty::Easy, &ir, None, now).unwrap();
        assert!(added.starts_with(SET.trim_end()));
        let set = Set::read(&added).unwrap();
        assert_eq!(set.questions[2].question, question);
        assert_eq!(set.now(&set.questions[2]).unwrap(), now);
        assert!(appended(&added, "c", question, Difficulty::Easy, &ir, None, now).is_err());
    }
}
