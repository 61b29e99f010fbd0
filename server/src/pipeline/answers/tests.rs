//! Which of several answers of one question is the one that is given again.

use super::*;
use crate::auth::Principal;
use crate::contract::types::Timings;
use crate::id::RunId;
use crate::pipeline::order::of_question;
use crate::store::Moment;
use air_ir::{CheckStatus, Verdict};
use datafusion::arrow::array::{Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};

fn key() -> Key {
    Key("a question".to_owned())
}

/// An answer of so many rows.
fn answer(rows: usize) -> Finished {
    let sql = Question::Sql("select 1".to_owned());
    let id = "shop".parse().unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let values = Int64Array::from_iter_values((0..rows).map(|_| 1));
    let verdict = Verdict {
        status: CheckStatus::Pass,
        rubric_version: String::new(),
        checks: Vec::new(),
        analysis_md: None,
        model_used: None,
    };
    Finished {
        run_id: RunId::new(),
        order: of_question(&Principal::local(), id, sql, None, None, Instant::now()).unwrap(),
        columns: Vec::new(),
        rows: RecordBatch::try_new(schema, vec![Arc::new(values)]).unwrap(),
        truncated: false,
        as_of: Moment::now(),
        cached: false,
        sql: Vec::new(),
        safety_report: Vec::new(),
        verdict,
        timings: Timings { plan: 0.0, guard: 0.0, unparse: 0.0, execute: 0.0, qa: 0.0 },
        executor: crate::pipeline::engine::executor(&Default::default()),
        notes: Vec::new(),
        tables: Vec::new(),
    }
}

fn rows(answers: &Answers) -> Option<usize> {
    let now = Timestamp::now();
    answers.find(&key(), Duration::from_secs(60), now).map(|found| found.rows.num_rows())
}

/// Room for one answer of a few rows, not for one of ten thousand.
fn small() -> Answers {
    Answers::new(LARGEST * 2 * OVERHEAD)
}

/// Three moments, the first first.
fn moments() -> [Instant; 3] {
    let now = Instant::now();
    [now, now + Duration::from_millis(1), now + Duration::from_millis(2)]
}

#[test]
fn of_two_answers_the_one_that_was_read_later_is_kept() {
    let [early, later, last] = moments();
    let answers = small();
    answers.keep(&key(), &answer(2), later);
    answers.keep(&key(), &answer(1), early);
    assert_eq!(rows(&answers), Some(2), "it began later, and ended first");
    answers.given(&key(), &answer(1), early);
    assert_eq!(rows(&answers), Some(2));
    answers.given(&key(), &answer(3), last);
    assert_eq!(rows(&answers), Some(3), "given to who asked for no age");
}

#[test]
fn an_answer_too_large_to_keep_puts_out_the_older_one() {
    let [early, later, _] = moments();
    for large in [Answers::keep, Answers::given] {
        let answers = small();
        answers.keep(&key(), &answer(1), early);
        large(&answers, &key(), &answer(10_000), later);
        assert_eq!(rows(&answers), None);
        assert_eq!((answers.figures().entries, answers.figures().bytes), (0, 0));
    }
}

#[test]
fn what_nobody_asks_an_age_for_is_not_kept() {
    let answers = small();
    answers.given(&key(), &answer(1), Instant::now());
    assert_eq!(answers.figures().entries, 0);
    assert!(answers.idle());
}

#[test]
fn a_run_that_others_overtook_is_not_kept() {
    let [early, later, _] = moments();
    for (size, kept) in [(2, Some(2)), (10_000, None)] {
        let answers = small();
        // Somebody who asks for an age has the turn and reads, while another run begins and ends.
        answers.inner().turns.entry(key()).or_default();
        answers.given(&key(), &answer(size), later);
        answers.keep(&key(), &answer(1), early);
        assert_eq!(rows(&answers), kept, "{size}");
    }
}
