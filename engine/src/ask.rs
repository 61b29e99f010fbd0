//! Asking without a model: a question and a catalog become an IR draft.
//!
//! In: a question as typed, the learned catalog, the run's `now`, the last IR where the question
//! follows one, and the answers to questions asked before. Out: a draft with what was assumed, or
//! questions whose answers would change the rows, or the reason why it cannot be answered.
//!
//! The way of a question: [`tokens`] → [`turned`] → [`spelling`] → [`chunks`] → [`clauses`] → [`root`] →
//! [`draft`] or [`follow_up`] (with [`measures`], [`subject`], [`grouping`], [`filters`], [`when`],
//! [`compare`], [`ranking`]) → [`coverage`] → [`describe`].
//!
//! Deliberately absent: IO, a model, and every word of any particular data. What the catalog does
//! not name is not understood, and a word that was not understood is never dropped in silence.

mod beside;
mod build;
mod chunks;
mod clauses;
mod compare;
mod coverage;
mod describe;
mod draft;
mod either;
mod filters;
mod follow_up;
mod grouping;
mod lexicon;
mod measures;
mod members;
mod pairs;
mod per_row;
mod qualify;
mod questions;
mod ranking;
mod related;
mod root;
mod routes;
pub mod scope;
mod spelling;
mod subject;
mod time;
mod tokens;
mod turned;
mod values;
mod when;
mod words;

pub use lexicon::Lexicon;
pub use questions::{Choice, Clarification, YOU_DECIDE};

use air_ir::{Catalog, Ir};
use build::Build;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A question and everything its meaning may depend on.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    pub text: &'a str,
    pub catalog: &'a Catalog,
    /// The run's frozen now, against which relative times are understood.
    pub now: Timestamp,
    /// The last IR, where the question may change it.
    pub previous: Option<&'a Ir>,
    /// Answers to [`Clarification`]s, by their id: a choice's value, [`YOU_DECIDE`], or free text.
    pub answers: &'a BTreeMap<String, Value>,
}

/// What a question came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Interpretation {
    /// Candidate readings would give different rows. At most three questions at a time; the draft
    /// goes on with what is recommended.
    Clarify {
        questions: Vec<Clarification>,
        draft: Option<Draft>,
    },
    Answer(Draft),
    /// The catalog does not hold what is asked for.
    CannotAnswer {
        reason: String,
        /// The words of the question that have no meaning in the catalog.
        missing: Vec<String>,
    },
}

/// An IR and how sure it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub ir: Ir,
    /// 0 to 1.
    pub confidence: f64,
    /// What the IR asks for, in one sentence.
    pub interpretation: String,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
}

/// Longer questions are refused.
const MOST_TEXT: usize = 4_000;

/// Interprets a question, indexing its catalog first.
pub fn interpret(question: &Question<'_>) -> Interpretation {
    interpret_with(&Lexicon::new(question.catalog), question)
}

/// Interprets a question with an index that was kept. The index of another version of the
/// catalog is not used.
pub fn interpret_with(lexicon: &Lexicon, question: &Question<'_>) -> Interpretation {
    if !lexicon.is_of(question.catalog) {
        return interpret(question);
    }
    if question.text.len() > MOST_TEXT {
        let reason = format!(
            "A question has at most {MOST_TEXT} bytes; this one has {}.",
            question.text.len()
        );
        return Interpretation::CannotAnswer { reason, missing: Vec::new() };
    }
    let text = with_measure(question);
    let (chunks, turned, corrected) = chunks_of(lexicon, &text);
    let clauses = clauses::read(&chunks);
    if let Some((reason, missing)) =
        coverage::beyond(&chunks, &clauses, question.previous.is_some())
    {
        return Interpretation::CannotAnswer { reason, missing };
    }
    let follows = question.previous.filter(|_| follow_up::changes(&chunks, &clauses));
    let root = match follows {
        Some(previous) => follow_up::root_of(previous, question.catalog),
        None => root::find(question.catalog, lexicon, &chunks, &clauses),
    };
    let Some(root) = root else {
        return nothing_known(question, &chunks, follows.is_some());
    };
    let mut build = Build::new(lexicon, question, &chunks, &clauses, root);
    for said in corrected {
        build.doubt += 0.05;
        build.asked.assume(said);
    }
    for said in turned {
        build.asked.assume(said);
    }
    match follows {
        Some(previous) => build.change(previous),
        None => build.fresh(),
    }
    conclude(build)
}

/// Whether a question is beyond any report (it wants data changed, a forecast, a cause), whoever
/// interprets it.
pub fn beyond(lexicon: &Lexicon, question: &Question<'_>) -> Option<Interpretation> {
    let (chunks, ..) = chunks_of(lexicon, question.text);
    let clauses = clauses::read(&chunks);
    let (reason, missing) = coverage::beyond(&chunks, &clauses, question.previous.is_some())?;
    Some(Interpretation::CannotAnswer { reason, missing })
}

/// Whether a question says by its words that it changes what came before: "only the north", "and
/// by month".
pub fn is_marked(lexicon: &Lexicon, text: &str) -> bool {
    let (chunks, ..) = chunks_of(lexicon, text);
    follow_up::is_marked(&chunks, &clauses::read(&chunks))
}

/// The chunks of a text, with what was read in the place of a word that turns a name round, and of
/// a misspelt one.
fn chunks_of(lexicon: &Lexicon, text: &str) -> (Vec<chunks::Chunk>, Vec<String>, Vec<String>) {
    let (mut tokens, turned) = turned::split(&tokens::read(text, &lexicon.stems), lexicon);
    let corrected = spelling::correct(&mut tokens, lexicon);
    (chunks::cut(&tokens, lexicon), turned, corrected)
}

/// The words of a text, each cut to its stem, for who looks for texts about the same things.
pub fn stems(text: &str) -> Vec<String> {
    let stems = tokens::Stems::new();
    tokens::words_of(text).iter().map(|word| stems.stem(word)).collect()
}

/// What an IR asks for, in one sentence for people.
pub fn in_words(ir: &Ir, catalog: &Catalog) -> String {
    describe::sentence(ir, catalog)
}

/// An answer that names the figure is part of the question from then on.
fn with_measure(question: &Question<'_>) -> String {
    match question.answers.get("measure") {
        Some(Value::String(words)) if words != YOU_DECIDE => {
            format!("{} {}", question.text, words.replace('_', " "))
        }
        _ => question.text.to_owned(),
    }
}

fn nothing_known(
    question: &Question<'_>,
    chunks: &[chunks::Chunk],
    follows: bool,
) -> Interpretation {
    if follows {
        let reason = "The last report is a query of queries, which a follow-up cannot change. Ask the whole question.";
        return Interpretation::CannotAnswer { reason: reason.to_owned(), missing: Vec::new() };
    }
    let words = chunks.iter().filter(|c| !c.is_filler() && c.kind == chunks::Kind::Unknown);
    let missing: Vec<String> = words.map(|c| c.text.clone()).collect();
    let tables: Vec<String> = question.catalog.table_names().take(10).collect();
    let reason =
        format!("The question names nothing of this source. It holds {}.", tables.join(", "));
    Interpretation::CannotAnswer { reason, missing }
}

/// The state a build ends in.
fn conclude(build: Build<'_>) -> Interpretation {
    let Build { ir, asked, missing, reasons, doubt, catalog, .. } = build;
    if !missing.is_empty() || !reasons.is_empty() {
        let reason = if reasons.is_empty() {
            "The catalog does not hold it.".to_owned()
        } else {
            reasons.join(" ")
        };
        return Interpretation::CannotAnswer { reason, missing };
    }
    let ir = match Ir::parse(&ir.to_json()) {
        Ok(ir) => ir,
        Err(errors) => {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Interpretation::CannotAnswer { reason: all.join(" "), missing: Vec::new() };
        }
    };
    let open = asked.questions.len();
    let assumed = asked.assumptions.len();
    let penalty = |n: usize, each: f64| (0..n).map(|_| each).sum::<f64>();
    let confidence = (0.97 - doubt - penalty(assumed, 0.03) - penalty(open, 0.25)).clamp(0.05, 1.0);
    let interpretation = describe::sentence(&ir, catalog);
    let draft = Draft { ir, confidence, interpretation, assumptions: asked.assumptions };
    match open {
        0 => Interpretation::Answer(draft),
        _ => Interpretation::Clarify { questions: asked.questions, draft: Some(draft) },
    }
}
