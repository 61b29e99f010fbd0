//! What a question means, from a model's draft and the built-in interpreter's reading.
//!
//! In: both. Out: one of the states, never mixed. Neither is trusted alone where they differ:
//! what a model read and the interpreter did not know is asked back or said; where the
//! interpreter is sure of another reading, the two are put to the person. What a model says of
//! itself decides nothing.

use std::sync::Arc;

use air_engine::ask::{self, Choice, Clarification, Draft, Interpretation, YOU_DECIDE};
use air_ir::Catalog;

use super::comparing::same;
use super::drafting::{Candidate, Drafting, ModelUse};
use super::reply::Term;
use super::{Asked, Meaning, Understood, naming, values};
use crate::config::Provider;
use crate::pipeline::sources::Ready;
use crate::problem::ApiError;
use crate::service::App;

/// From here on the interpreter's own reading is not given up for a model's.
const SURE: f64 = 0.9;
/// Confidence where both agree, where only one has a reading, and of SQL, which QA cannot check.
const AGREED: f64 = 0.97;
const ALONE: f64 = 0.7;
const OF_SQL: f64 = 0.5;
/// At most so many questions are asked at a time.
const MOST_QUESTIONS: usize = 3;
const READING: &str = "reading";
const OF_MODEL: &str = "model";
const BUILTIN: &str = "builtin";
const YES: &str = "yes";
const NO: &str = "no";

/// Whether an answer is about a draft there is, so that it does not ask for another.
pub(crate) fn is_of_draft(id: &str) -> bool {
    id == READING || id.starts_with("means_") || id.starts_with("value_")
}

/// Whether a person chose the model's draft of this mark, which they were shown.
pub(super) fn chose(asked: &Asked, mark: &str) -> bool {
    asked.answers.get(READING).is_some_and(|given| *given == of_model(mark))
}

/// The choice of a model's draft. Another draft is another choice.
fn of_model(mark: &str) -> String {
    format!("{OF_MODEL}:{mark}")
}

/// A draft with what was taken for granted in it.
struct Read {
    candidate: Candidate,
    /// Of the draft as the model wrote it.
    mark: String,
    assumptions: Vec<String>,
}

/// Decides between a model's draft and the interpreter's reading.
pub(super) async fn decide(
    app: &Arc<App>,
    asked: &Asked,
    (ready, catalog): (&Ready, &Catalog),
    builtin: Interpretation,
    drafting: Drafting,
) -> Result<Meaning, ApiError> {
    let Drafting { candidate, made } = drafting;
    let Some(candidate) = candidate else {
        return Ok(without_draft(asked, builtin, made));
    };
    let (read, questions) = with_values(candidate, catalog, asked);
    if !questions.is_empty() {
        return Ok(Meaning { understood: clarify(questions, None), model: Some(made) });
    }
    let understood = match builtin {
        Interpretation::CannotAnswer { reason, missing } => {
            unknown_to_builtin(catalog, asked, read, reason, &missing)
        }
        Interpretation::Clarify { questions, draft } => {
            let agreed = match &draft {
                Some(draft) => same(app, asked, ready, &draft.ir, &read.candidate).await?,
                None => false,
            };
            match draft {
                Some(draft) if agreed => agreed_on(draft, &read, &questions),
                draft => clarify(questions, draft),
            }
        }
        Interpretation::Answer(draft) => {
            match same(app, asked, ready, &draft.ir, &read.candidate).await? {
                true => agreed_on(draft, &read, &[]),
                false => differing(catalog, asked, draft, read),
            }
        }
    };
    Ok(Meaning { understood, model: Some(made) })
}

/// No model gave a draft: the built-in interpreter stands alone, and that is said. A model that
/// was forced is not replaced in silence.
fn without_draft(asked: &Asked, builtin: Interpretation, made: ModelUse) -> Meaning {
    let told = made.told();
    let named = asked.drafter.provider.filter(|named| *named != Provider::Builtin);
    let said = match named {
        Some(named) => {
            let named = named.as_str();
            format!(
                "Read by the built-in interpreter; {named}, which was asked for, gave no draft \
                 ({told})."
            )
        }
        None => format!("Read by the built-in interpreter; no model gave a draft ({told})."),
    };
    let understood = match (asked.drafter.force_model, builtin) {
        (Some(_), builtin) if !matches!(builtin, Interpretation::CannotAnswer { .. }) => {
            let detail = format!(
                "The model that was asked for gave no draft ({told}); leave out `force_model`, or \
                 ask with `provider: builtin`."
            );
            Understood::Failed(detail)
        }
        (_, Interpretation::Answer(mut draft)) => {
            draft.assumptions.push(said);
            Understood::Answer(draft)
        }
        (_, Interpretation::Clarify { questions, draft: Some(mut draft) }) if named.is_some() => {
            draft.assumptions.push(said);
            Understood::Clarify { questions, draft: Some(draft) }
        }
        (_, Interpretation::CannotAnswer { reason, missing }) if named.is_some() => {
            Understood::CannotAnswer { reason: format!("{reason} {said}"), missing }
        }
        (_, other) => other.into(),
    };
    Meaning { understood, model: Some(made) }
}

impl From<Interpretation> for Understood {
    fn from(interpretation: Interpretation) -> Self {
        match interpretation {
            Interpretation::Clarify { questions, draft } => Self::Clarify { questions, draft },
            Interpretation::Answer(draft) => Self::Answer(draft),
            Interpretation::CannotAnswer { reason, missing } => {
                Self::CannotAnswer { reason, missing }
            }
        }
    }
}

fn clarify(mut questions: Vec<Clarification>, draft: Option<Draft>) -> Understood {
    questions.truncate(MOST_QUESTIONS);
    for question in &mut questions {
        if !question.choices.iter().any(|choice| choice.value == YOU_DECIDE) {
            question.choices.push(choice(YOU_DECIDE, "You decide"));
        }
    }
    Understood::Clarify { questions, draft }
}

fn choice(value: &str, label: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned() }
}

/// A person's answer; none where it was left to AIR.
fn answer(asked: &Asked, id: &str, recommended: &str) -> Option<String> {
    let given = asked.answers.get(id)?;
    Some(if given == YOU_DECIDE { recommended.to_owned() } else { given.clone() })
}

fn with_values(
    candidate: Candidate,
    catalog: &Catalog,
    asked: &Asked,
) -> (Read, Vec<Clarification>) {
    let mark = candidate.mark();
    match candidate {
        Candidate::Ir { mut ir, terms } => {
            let given = |id: &str| asked.answers.get(id).cloned();
            let checked = values::check(&mut ir, catalog, &given);
            let candidate = Candidate::Ir { ir, terms };
            (Read { candidate, mark, assumptions: checked.assumptions }, checked.questions)
        }
        sql => (Read { candidate: sql, mark, assumptions: Vec::new() }, Vec::new()),
    }
}

/// Both read the same. What the interpreter left open is settled by that, and said.
fn agreed_on(mut draft: Draft, read: &Read, open: &[Clarification]) -> Understood {
    for question in open {
        let taken = question.choices.iter().find(|c| c.value == question.recommended);
        let taken = taken.map_or(question.recommended.as_str(), |choice| &choice.label);
        draft.assumptions.push(format!("{} Taken: {taken}.", question.text));
    }
    for said in &read.assumptions {
        if !draft.assumptions.contains(said) {
            draft.assumptions.push(said.clone());
        }
    }
    draft.confidence = if open.is_empty() { AGREED } else { draft.confidence.max(ALONE) };
    Understood::Answer(draft)
}

/// Each has a reading, and the rows are not the same.
fn differing(catalog: &Catalog, asked: &Asked, builtin: Draft, read: Read) -> Understood {
    let (of_model, in_words) = (of_model(&read.mark), in_words(catalog, &read.candidate));
    let chosen = answer(asked, READING, BUILTIN);
    match chosen.as_deref() {
        Some(BUILTIN) => return Understood::Answer(builtin),
        Some(chosen) if chosen == of_model => return answered(catalog, read, None, ALONE),
        _ => {}
    }
    if builtin.confidence < SURE && chosen.is_none() {
        let otherwise =
            format!("The built-in interpreter read it otherwise: {}", builtin.interpretation);
        return answered(catalog, read, Some(otherwise), ALONE);
    }
    let text = "The question can be read in two ways. Which one is meant?";
    let text = match chosen {
        Some(_) => format!("What was chosen is neither of these readings. {text}"),
        None => text.to_owned(),
    };
    let question = Clarification {
        id: READING.to_owned(),
        text,
        choices: vec![choice(BUILTIN, &builtin.interpretation), choice(&of_model, &in_words)],
        recommended: BUILTIN.to_owned(),
    };
    clarify(vec![question], Some(builtin))
}

/// The interpreter does not know words of the question, or could not read it.
fn unknown_to_builtin(
    catalog: &Catalog,
    asked: &Asked,
    read: Read,
    reason: String,
    missing: &[String],
) -> Understood {
    let terms = match &read.candidate {
        Candidate::Ir { terms, .. } => terms.as_slice(),
        Candidate::Sql(_) => &[],
    };
    let mut questions = Vec::new();
    let mut assumptions = Vec::new();
    for word in missing {
        let Some(means) = meaning(catalog, &read.candidate, terms, word) else {
            // Nothing in the draft stands for it: it would be left out in silence.
            return Understood::CannotAnswer { reason, missing: missing.to_vec() };
        };
        let id =
            format!("means_{}", word.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_"));
        // What the word is said to mean goes with the yes, which is none to another meaning.
        let yes = format!("{YES}:{means}");
        match answer(asked, &id, &yes).as_deref() {
            Some(given) if given == yes => {
                assumptions.push(format!("\"{word}\" was taken for {means}."));
            }
            Some(NO) => {
                return Understood::CannotAnswer { reason, missing: missing.to_vec() };
            }
            _ => questions.push(Clarification {
                id,
                text: format!("Nothing in the data is called \"{word}\". Is it {means}?"),
                choices: vec![choice(&yes, &format!("Yes, {means}")), choice(NO, "No")],
                recommended: yes,
            }),
        }
    }
    if !questions.is_empty() {
        return clarify(questions, None);
    }
    let said =
        missing.is_empty().then(|| format!("The built-in interpreter could not read it: {reason}"));
    let mut understood = answered(catalog, read, said, ALONE);
    if let Understood::Answer(draft) = &mut understood {
        draft.assumptions.extend(assumptions);
    }
    understood
}

/// What a word was taken for: a table or column of the catalog that the draft reads.
fn meaning(catalog: &Catalog, candidate: &Candidate, terms: &[Term], word: &str) -> Option<String> {
    let Candidate::Ir { ir, .. } = candidate else { return None };
    let wanted = word.to_lowercase();
    let term = terms.iter().find(|term| {
        let words = term.words.to_lowercase();
        words == wanted || words.split_whitespace().any(|one| one == wanted)
    })?;
    let (table, column) = term.means.rsplit_once('.').unwrap_or((&term.means, ""));
    let table = catalog.tables.iter().find(|t| t.name == table || t.qualified_name() == table)?;
    let name = match column {
        "" => table.qualified_name(),
        column => format!("{}.{}", table.qualified_name(), table.column(column)?.name),
    };
    let column = (!column.is_empty()).then_some(column);
    naming::reads(ir, catalog, table, column).then_some(name)
}

fn in_words(catalog: &Catalog, candidate: &Candidate) -> String {
    match candidate {
        Candidate::Ir { ir, .. } => ask::in_words(ir, catalog),
        Candidate::Sql(_) => "A query in SQL, written by a model.".to_owned(),
    }
}

fn answered(catalog: &Catalog, read: Read, said: Option<String>, confidence: f64) -> Understood {
    let interpretation = in_words(catalog, &read.candidate);
    let mut assumptions = read.assumptions;
    assumptions.extend(said);
    match read.candidate {
        Candidate::Ir { ir, .. } => {
            Understood::Answer(Draft { ir: *ir, confidence, interpretation, assumptions })
        }
        Candidate::Sql(text) => {
            Understood::Sql { text, confidence: OF_SQL, interpretation, assumptions }
        }
    }
}
