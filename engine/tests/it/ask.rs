//! The interpreter against its cases: questions in, IR or questions or refusals out.
//!
//! A case file names a catalog and lists cases; `ir` is what the question means, written by hand.
//! Every case is also written as a scope and read back.

use air_engine::ask::{
    Clarification, Draft, Interpretation, Lexicon, Question, interpret, interpret_with, scope,
};
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
        let _ = writeln!(
            text,
            "  state {state:?} instead of {:?}: {questions:?} {missing:?} {reason}",
            case.state
        );
    }
    if let Some(expected) = &case.ir {
        let expected = Ir::parse(expected).unwrap_or_else(|e| panic!("{}: {e:?}", case.question));
        let (expected, found) =
            (normal(expected), draft.map(|d| normal(d.ir.clone())).unwrap_or_default());
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
fn round_trip(
    question: &str,
    draft: &Draft,
    open: &[Clarification],
    catalog: &Catalog,
) -> Option<String> {
    let text = scope::render(question, draft, open);
    match scope::read(&text, catalog, jiff::Timestamp::UNIX_EPOCH) {
        Ok(ir) if ir == draft.ir => {
            let again = Draft { ir, ..draft.clone() };
            (scope::render(question, &again, open) != text)
                .then(|| "  the scope changes when it is written again\n".to_owned())
        }
        Ok(ir) => Some(format!(
            "  the scope reads as {}\n  instead of {}\n{text}",
            ir.to_json(),
            draft.ir.to_json()
        )),
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
            assert!(
                case.state != State::Answer || case.ir.is_some(),
                "{}: an answer needs its ir",
                case.question
            );
            let previous = case.previous.as_ref().map(|p| Ir::parse(p).unwrap());
            let question = Question {
                text: &case.question,
                catalog: &catalog,
                now: case.now.as_ref().unwrap_or(&file.now).parse().unwrap(),
                previous: previous.as_ref(),
                answers: &case.answers,
            };
            let found = interpret_with(&lexicon, &question);
            assert_eq!(
                found,
                interpret(&question),
                "{}: twice the same question, two answers",
                case.question
            );
            let mut wrong = differs(case, &found).unwrap_or_default();
            if let Interpretation::Answer(draft)
            | Interpretation::Clarify { draft: Some(draft), .. } = &found
            {
                let open = if let Interpretation::Clarify { questions, .. } = &found {
                    &questions[..]
                } else {
                    &[]
                };
                assert_eq!(
                    Ir::parse(&draft.ir.to_json()).as_ref(),
                    Ok(&draft.ir),
                    "{}",
                    case.question
                );
                assert!(
                    (0.0..=1.0).contains(&draft.confidence),
                    "{}: {}",
                    case.question,
                    draft.confidence
                );
                wrong.push_str(
                    &round_trip(&case.question, draft, open, &catalog).unwrap_or_default(),
                );
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

/// A scope with one line changed, as a person would.
fn edited(markdown: &str, from: &str, to: &str) -> String {
    assert!(markdown.contains(from), "{from} is not in\n{markdown}");
    markdown.replace(from, to)
}

const NOW: &str = "2014-01-10T12:00:00Z";

fn draft_of(text: &str, catalog: &Catalog) -> Draft {
    let answers = BTreeMap::new();
    let question =
        Question { text, catalog, now: NOW.parse().unwrap(), previous: None, answers: &answers };
    match interpret(&question) {
        Interpretation::Answer(draft) => draft,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_scope_is_fixed_headings_and_plain_lines() {
    let catalog = catalog("flights");
    let question = "top 5 destinations by number of flights from JFK last summer";
    let text = scope::render(question, &draft_of(question, &catalog), &[]);
    let expected = "\
# Question

top 5 destinations by number of flights from JFK last summer

# Data

- flights

# Measures

- flights: count of rows

# Breakdown

- dest

# Filters

- origin = \"JFK\"

# Period

- time_hour during 2013-06-01..2013-09-01

# Order and limit

- by flights, highest first
- limit 5

# Assumptions

- \"summer\" is 2013-06-01 to 2013-08-31, as in meteorology.

# Open questions
";
    assert_eq!(text, expected);
}

#[test]
fn an_edited_scope_is_the_edited_ir() {
    let catalog = catalog("flights");
    let question = "top 5 destinations by number of flights from JFK last summer";
    let text = scope::render(question, &draft_of(question, &catalog), &[]);
    let now = NOW.parse().unwrap();
    for (from, to, pointer, value) in [
        ("limit 5", "limit 12", "/limit", serde_json::json!(12)),
        (
            "- origin = \"JFK\"",
            "- origin in EWR, \"LGA\"",
            "/filters/0/value",
            serde_json::json!(["EWR", "LGA"]),
        ),
        (
            "- origin = \"JFK\"",
            "- (dep_delay > 15) or (not (arr_delay between 0 and 9.5))",
            "/filters/0/any/1/not/value/1",
            serde_json::json!(9.5),
        ),
        (
            "- time_hour during 2013-06-01..2013-09-01",
            "- March 2013",
            "/filters/1/value",
            serde_json::json!("2013-03"),
        ),
        (
            "- time_hour during 2013-06-01..2013-09-01",
            "- since March 2013",
            "/filters/1/op",
            serde_json::json!(">="),
        ),
        (
            "count of rows",
            "median of arr_delay where distance > 500",
            "/metrics/0/filter/value",
            serde_json::json!(500),
        ),
        (
            "- dest\n",
            "- dest\n- weekday: weekday part of time_hour\n",
            "/dimensions/1/part",
            serde_json::json!("weekday"),
        ),
    ] {
        let ir = scope::read(&edited(&text, from, to), &catalog, now)
            .unwrap_or_else(|e| panic!("{to}: {e:?}"));
        assert_eq!(ir.to_json().pointer(pointer), Some(&value), "{to}: {}", ir.to_json());
    }
}

#[test]
fn a_line_that_is_not_understood_is_named() {
    let catalog = catalog("flights");
    let question = "top 5 destinations by number of flights from JFK last summer";
    let text = scope::render(question, &draft_of(question, &catalog), &[]);
    let now = NOW.parse().unwrap();
    for (from, to, line) in [
        ("- limit 5", "- limit five", "Line 28, \"limit five\""),
        ("- origin = \"JFK\"", "- mostly from JFK", "Line 19, \"mostly from JFK\""),
        ("count of rows", "rows, as many as there are", "Line 11,"),
        ("- flights\n", "- flihgts\n", "Line 7, \"flihgts\""),
        ("# Filters", "# Filtres", "Line 17, \"# Filtres\""),
        ("2013-06-01..2013-09-01", "2013-09-01..2013-06-01", "Line 23,"),
        ("- by flights, highest first", "- by flights, sideways", "Line 27,"),
        ("- limit 5", "- limit 5\n- limit 6", "Line 29,"),
        ("- limit 5", "- limit 0", "Line 28,"),
    ] {
        let errors = scope::read(&edited(&text, from, to), &catalog, now).unwrap_err();
        assert!(errors.iter().any(|e| e.detail.starts_with(line)), "{to}: {errors:?}");
    }
}

#[test]
fn every_form_of_ir_goes_through_a_scope() {
    let catalog = catalog("flights");
    for ir in [
        serde_json::json!({"entities":["flights","airlines",{"entity":"ops.tickets","source":"mysql-ops","as":"t"}],
         "joins":[{"left":"flights.origin","right":"airports.faa","as":"origin","kind":"left"},{"left":["a.x","a.y"],"right":["b.x","b.y"],"kind":"inner"}],
         "time":{"field":"flights.time_hour","timezone":"America/New_York","week_start":"monday","year_start":4,"fill":"zero"},
         "grain":"1 month",
         "dimensions":["airlines.name","month",{"name":"band","field":"distance","bins":[500,1000,2000]},
                       {"name":"weekday","field":"time_hour","part":"weekday"},{"name":"landed","field":"arrived_at","grain":"1 week"},
                       {"name":"a name: with signs","value":"lower(carrier)"},{"name":"low","value":"lower(carrier)"}],
         "metrics":[{"name":"flights","agg":"count"},{"name":"avg_delay","agg":"avg","field":"dep_delay"},
          {"name":"late","agg":"count","filter":{"all":[{"field":"dep_delay","op":">","value":15},{"field":"carrier","op":"contains","value":"a) or (b"}]}},
          {"name":"late_share","expr":"late / flights"},{"name":"seat_miles","agg":"sum","value":"planes.seats * distance"},
          {"name":"p95","agg":"percentile","field":"dep_delay","p":0.95},{"name":"p5","agg":"percentile","field":"dep_delay","p":0.05,"method":"disc"},
          {"name":"late_ma3","window":{"of":"late","agg":"avg","frame":"trailing","n":3}},
          {"name":"late_ytd","window":{"of":"late","agg":"sum","frame":"to_date","unit":"year"}},
          {"name":"prev","compare":{"of":"flights","offset":"1 year","as":"value"}},
          {"name":"prev2","compare":{"of":"flights","offset":"previous","as":"ratio"}},
          {"name":"share","share":{"of":"flights","within":["month"]}},{"name":"closing","agg":"last","field":"reading","time":"t.at"}],
         "filters":[{"field":"time_hour","op":"during","value":"last 90 days"},
            {"any":[{"field":"origin","op":"in","value":["JFK","LGA, or so",null]},{"not":{"field":"tailnum","op":"is_null"}}]},
            {"field":"note","op":"=","value":"say \"{{x}}\" in\nlines"},{"field":"carrier","op":"in","value":"{{carriers}}"},
            {"field":"x","op":"=","value":"{{from}}"},{"field":"x","op":"=","value":"12"},{"field":"flag","op":"!=","value":true},
            {"field":"x","op":"in","value":[]},{"expr":"qty * unit_price","op":">","value":1.5},{"field":"x","op":"between","value":["a and b","c"]},
            {"not":{"exists":{"entity":"maintenance","filters":[{"field":"kind","op":"=","value":"grounding"}]}}}],
         "having":[{"metric":"flights","op":">","value":100},{"not":{"metric":"late","op":"between","value":[1,2]}}],
         "top":{"n":5,"by":"flights","per":["month"],"other":true},
         "order":[{"field":"month","dir":"asc","nulls":"first"},{"field":"airlines.name","dir":"desc"}],"limit":5000,"offset":10}),
        serde_json::json!({"entities":[{"query":{"entities":["flights"],"dimensions":["carrier"],"metrics":[{"name":"f","agg":"count"}]},"as":"t"}],"metrics":[{"name":"m","agg":"max","field":"f"}]}),
    ] {
        let mut ir = Ir::parse(&ir).unwrap();
        ir.entities.retain(|e| e.name() != "t" || matches!(e, air_ir::EntityRef::Query { .. }));
        let draft =
            Draft { ir, confidence: 1.0, interpretation: String::new(), assumptions: Vec::new() };
        let wrong = round_trip("any", &draft, &[], &catalog);
        assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
    }
}

/// Words of the catalogs, of asking, and of nothing.
fn salad() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let words = "flights by per carrier average of delay departure in 2013 March JFK UA Los Angeles top 5 most \
        which airline share more than 30 minutes between and not except without tail number last summer week \
        compare with the previous month running total distinct planes only instead remove filter what about \
        what about sorted descending limit 3 10% 'x y' \"quoted\" ; DROP * ( ) > <= = 1,000 95th percentile \
        revenue orders customers daily average at weekends hour of day since before until or , xyzzy Ünïcödé 🙂 \
        as a share 7 day moving growth year over worst best name origin dest airports 2013-02-30 0 -1 1e400 \
        Mondays from to for each number how many median 99999999999999999999 next year why delete quarter q3";
    let words: Vec<&'static str> = words.split_ascii_whitespace().collect();
    proptest::collection::vec(proptest::sample::select(words), 0..14).prop_map(|w| w.join(" "))
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

    /// No question panics, every draft is an IR and goes through a scope, and follow-ups of it too.
    #[test]
    fn no_words_break_it(first in salad(), second in salad(), noise in "\\PC{0,40}") {
        thread_local! {
            static CATALOG: (Catalog, Lexicon) = {
                let catalog = catalog("flights");
                let lexicon = Lexicon::new(&catalog);
                (catalog, lexicon)
            };
        }
        CATALOG.with(|(catalog, lexicon)| {
            let answers = BTreeMap::new();
            let now = NOW.parse().unwrap();
            let mut previous: Option<Ir> = None;
            for text in [first, second, noise] {
                let question = Question { text: &text, catalog, now, previous: previous.as_ref(), answers: &answers };
                let found = interpret_with(lexicon, &question);
                if let Interpretation::Clarify { questions, .. } = &found {
                    assert!((1..=3).contains(&questions.len()), "{text}: {questions:?}");
                }
                if let Interpretation::Answer(draft) | Interpretation::Clarify { draft: Some(draft), .. } = found {
                    assert_eq!(Ir::parse(&draft.ir.to_json()).as_ref(), Ok(&draft.ir), "{text}");
                    let wrong = round_trip(&text, &draft, &[], catalog);
                    assert!(wrong.is_none(), "{text}: {}", wrong.unwrap_or_default());
                    previous = Some(draft.ir);
                }
            }
        });
    }
}
