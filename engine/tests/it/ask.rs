//! The interpreter against its cases: questions in, IR or questions or refusals out.
//!
//! A case file names a catalog and lists cases; `ir` is what the question means, written by hand.
//! Every case is also written as a scope and read back.

use air_engine::ask::{Clarification, Draft, Interpretation, Lexicon, Question, interpret, interpret_with, scope};
use air_ir::{Catalog, Ir};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    catalog: String,
    now: String,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    question: String,
    now: Option<String>,
    previous: Option<Value>,
    #[serde(default)]
    answers: BTreeMap<String, Value>,
    state: State,
    /// For an answer, and for a question's draft where it is given.
    ir: Option<Value>,
    /// Ids of the questions, each with the values of its choices, the recommended one first.
    #[serde(default)]
    asks: BTreeMap<String, Vec<String>>,
    /// Words that are missing.
    #[serde(default)]
    missing: Vec<String>,
    /// Parts of sentences among the assumptions.
    #[serde(default)]
    assumes: Vec<String>,
    /// A part of the reason.
    reason: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum State {
    Answer,
    Clarify,
    CannotAnswer,
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/ask").join(name)
}

fn yaml<T: for<'de> Deserialize<'de>>(path: &PathBuf) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn catalog(name: &str) -> Catalog {
    yaml(&folder("catalogs").join(format!("{name}.yaml")))
}

fn case_files() -> Vec<(String, CaseFile)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder("cases")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|p| (p.file_stem().unwrap().to_string_lossy().into_owned(), yaml(p))).collect()
}

fn asked(questions: &[Clarification]) -> BTreeMap<String, Vec<String>> {
    let values = |q: &Clarification| {
        let mut values: Vec<String> = vec![q.recommended.clone()];
        values.extend(q.choices.iter().map(|c| c.value.clone()).filter(|v| *v != q.recommended));
        assert_eq!(values.pop().as_deref(), Some("you_decide"), "{q:?}");
        values
    };
    questions.iter().map(|q| (q.id.clone(), values(q))).collect()
}

/// The canonical JSON; entities after the first, which only say what may be reached, in order.
fn normal(mut ir: Ir) -> Value {
    if let [_, rest @ ..] = &mut ir.entities[..] {
        rest.sort_by(|a, b| a.name().cmp(b.name()));
    }
    ir.to_json()
}

/// What differs from what the case expects; nothing where it is as expected.
fn differs(case: &Case, found: &Interpretation) -> Option<String> {
    let (state, draft, questions, missing, reason) = match found {
        Interpretation::Answer(draft) => (State::Answer, Some(draft), &[][..], &[][..], ""),
        Interpretation::Clarify { questions, draft } => {
            (State::Clarify, draft.as_ref(), &questions[..], &[][..], "")
        }
        Interpretation::CannotAnswer { reason, missing } => {
            (State::CannotAnswer, None, &[][..], &missing[..], reason.as_str())
        }
    };
    let mut text = String::new();
    if state != case.state {
        let _ = writeln!(text, "  state {state:?} instead of {:?}: {questions:?} {missing:?} {reason}", case.state);
    }
    if let Some(expected) = &case.ir {
        let expected = Ir::parse(expected).unwrap_or_else(|e| panic!("{}: {e:?}", case.question));
        let (expected, found) = (normal(expected), draft.map(|d| normal(d.ir.clone())).unwrap_or_default());
        if expected != found {
            let _ = writeln!(text, "  expected {expected}\n  found    {found}");
        }
    }
    if state == State::Clarify && asked(questions) != case.asks {
        let _ = writeln!(text, "  asks {:?}\n  instead of {:?}", asked(questions), case.asks);
    }
    if state == State::CannotAnswer && missing != case.missing {
        let _ = writeln!(text, "  missing {missing:?} instead of {:?} ({reason})", case.missing);
    }
    if let Some(wanted) = case.reason.as_deref().filter(|r| !reason.contains(r)) {
        let _ = writeln!(text, "  reason {reason:?} lacks {wanted:?}");
    }
    let assumed = draft.map(|d| d.assumptions.join(" ")).unwrap_or_default();
    for wanted in case.assumes.iter().filter(|a| !assumed.contains(*a)) {
        let _ = writeln!(text, "  assumptions {assumed:?} lack {wanted:?}");
    }
    (!text.is_empty()).then_some(text)
}

/// Renders the scope of a draft and reads it back.
fn round_trip(question: &str, draft: &Draft, open: &[Clarification], catalog: &Catalog) -> Option<String> {
    let text = scope::render(question, draft, open);
    match scope::read(&text, catalog, jiff::Timestamp::UNIX_EPOCH) {
        Ok(ir) if ir == draft.ir => {
            let again = Draft { ir, ..draft.clone() };
            (scope::render(question, &again, open) != text).then(|| "  the scope changes when it is written again\n".to_owned())
        }
        Ok(ir) => Some(format!("  the scope reads as {}\n  instead of {}\n{text}", ir.to_json(), draft.ir.to_json())),
        Err(errors) => Some(format!("  the scope cannot be read: {errors:?}\n{text}")),
    }
}

#[test]
fn cases_mean_what_they_say() {
    let (mut failures, mut all, mut open) = (String::new(), 0, 0);
    for (name, file) in case_files() {
        let catalog = catalog(&file.catalog);
        let lexicon = Lexicon::new(&catalog);
        for case in &file.cases {
            all += 1;
            open += usize::from(case.state != State::Answer);
            assert!(case.state != State::Answer || case.ir.is_some(), "{}: an answer needs its ir", case.question);
            let previous = case.previous.as_ref().map(|p| Ir::parse(p).unwrap());
            let question = Question {
                text: &case.question,
                catalog: &catalog,
                now: case.now.as_ref().unwrap_or(&file.now).parse().unwrap(),
                previous: previous.as_ref(),
                answers: &case.answers,
            };
            let found = interpret_with(&lexicon, &question);
            assert_eq!(found, interpret(&question), "{}: twice the same question, two answers", case.question);
            let mut wrong = differs(case, &found).unwrap_or_default();
            if let Interpretation::Answer(draft) | Interpretation::Clarify { draft: Some(draft), .. } = &found {
                let open = if let Interpretation::Clarify { questions, .. } = &found { &questions[..] } else { &[] };
                assert_eq!(Ir::parse(&draft.ir.to_json()).as_ref(), Ok(&draft.ir), "{}", case.question);
                assert!((0.0..=1.0).contains(&draft.confidence), "{}: {}", case.question, draft.confidence);
                wrong.push_str(&round_trip(&case.question, draft, open, &catalog).unwrap_or_default());
            }
            if !wrong.is_empty() {
                let _ = writeln!(failures, "{name}: {:?}\n{wrong}", case.question);
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(all >= 90, "only {all} cases");
    assert!(open * 3 >= all, "only {open} of {all} cases are asked back or not answerable");
}
