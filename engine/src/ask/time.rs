//! Phrases of time: what a question says of when.
//!
//! In: tokens. Out: a phrase such as "last summer" or "between January and March 2013", still
//! without regard to the data; [`resolve`] makes filters of it. Hours of the day and durations
//! are no phrases of time.

mod moment;
pub(super) mod resolve;

pub(super) use moment::{Moment, YearOf};

use super::tokens::Token;
use air_ir::Unit;
use moment::{moment, word_at};

/// What is said of when.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TimePhrase {
    During(Moment),
    Since(Moment),
    Before(Moment),
    After(Moment),
    Until(Moment),
    Range(Moment, Moment),
    /// Days of the week, 1 (Monday) to 7.
    Days(Vec<i64>),
    /// "the month before", said where something is compared.
    Earlier(Unit),
}

/// Reads the phrase of time that starts at the first token, with its length. `before` is the
/// token in front of it.
pub(super) fn read(tokens: &[Token], before: Option<&Token>) -> Option<(TimePhrase, usize)> {
    earlier(tokens)
        .or_else(|| range(tokens))
        .or_else(|| bounded(tokens, before))
        .or_else(|| days(tokens))
}

fn skip_the(tokens: &[Token], at: usize) -> usize {
    at + usize::from(word_at(tokens, at) == "the")
}

/// "same month last year", "the month before", "a year earlier".
fn earlier(tokens: &[Token]) -> Option<(TimePhrase, usize)> {
    let mut at = skip_the(tokens, 0);
    let word = |i: usize| word_at(tokens, i);
    if word(at) == "same" && Unit::parse(word(at + 1)).is_some() {
        let mut end = at + 2;
        end += usize::from(matches!(word(end), "of" | "in" | "the"));
        end += usize::from(word(end) == "the");
        let previous = matches!(word(end), "last" | "previous" | "prior");
        let unit = Unit::parse(word(end + 1)).filter(|_| previous)?;
        return Some((TimePhrase::Earlier(unit), end + 2));
    }
    at += usize::from(at == 0 && matches!(word(0), "a" | "one"));
    let unit = Unit::parse(word(at)).filter(|_| at > 0)?;
    let back = matches!(word(at + 1), "before" | "earlier" | "ago");
    let dated = moment(tokens.get(at + 2..)?, true).is_some();
    (back && !dated).then_some((TimePhrase::Earlier(unit), at + 2))
}

/// "between A and B", "from A to B", "A to B".
fn range(tokens: &[Token]) -> Option<(TimePhrase, usize)> {
    let word = |i: usize| word_at(tokens, i);
    let lead = word(0);
    let led = matches!(lead, "between" | "from" | "in" | "during" | "for");
    let start = skip_the(tokens, usize::from(led));
    let (from, len) = moment(tokens.get(start..)?, led)?;
    let mut at = start + len;
    let joined = match lead {
        "between" => word(at) == "and",
        _ => matches!(word(at), "to" | "until" | "till" | "through" | "-" | "–"),
    };
    if !joined {
        return None;
    }
    at = skip_the(tokens, at + 1);
    let (to, len) = moment(tokens.get(at..)?, true)?;
    let from = from.with_year_of(&to);
    Some((TimePhrase::Range(from, to), at + len))
}

/// A moment with the word that says how it bounds.
fn bounded(tokens: &[Token], before: Option<&Token>) -> Option<(TimePhrase, usize)> {
    let word = |i: usize| word_at(tokens, i);
    type Make = fn(Moment) -> TimePhrase;
    let two = format!("{} {}", word(0), word(1));
    let (make, lead): (Make, usize) = match (word(0), two.as_str()) {
        (_, "up to" | "not after") => (TimePhrase::Until, 2),
        (_, "starting in" | "starting from" | "beginning in" | "starting on") => {
            (TimePhrase::Since, 2)
        }
        ("since", _) => (TimePhrase::Since, 1),
        ("before", _) => (TimePhrase::Before, 1),
        ("after", _) => (TimePhrase::After, 1),
        ("until" | "till" | "through", _) => (TimePhrase::Until, 1),
        (
            "in" | "during" | "for" | "on" | "of" | "over" | "within" | "throughout" | "from"
            | "at",
            _,
        ) => (TimePhrase::During, 1),
        _ => (TimePhrase::During, 0),
    };
    let start = skip_the(tokens, lead);
    // "compared with March" says as clearly as "in March" that a month is meant.
    let said =
        lead > 0 || before.is_some_and(|t| matches!(t.lower.as_str(), "with" | "to" | "and"));
    // "over 2000 euros" is an amount.
    let unit = tokens.get(start + 1).is_some_and(|t| super::clauses::is_unit_word(&t.lower));
    if word(0) == "over" && unit {
        return None;
    }
    let (found, len) = moment(tokens.get(start..)?, said)?;
    let end = start + len;
    let onwards =
        matches!(word(end), "onwards" | "onward") || word(end) == "on" && word(0) == "from";
    if onwards && matches!(word(0), "from" | "since") {
        return Some((TimePhrase::Since(found), end + 1));
    }
    // "on weekends in March": the days are a phrase of their own.
    Some((make(found), end))
}

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// "at weekends", "on Mondays", "on Friday and Saturday".
fn days(tokens: &[Token]) -> Option<(TimePhrase, usize)> {
    let word = |i: usize| word_at(tokens, i);
    let lead = usize::from(matches!(word(0), "on" | "at" | "over" | "during" | "in" | "for"));
    let mut at = skip_the(tokens, lead);
    let mut all: Vec<i64> = Vec::new();
    while let Some(mut found) = day_set(word(at), lead > 0) {
        all.append(&mut found);
        at += 1;
        let joined = matches!(word(at), "and" | "or" | ",");
        if !joined || day_set(word(at + 1), lead > 0).is_none() {
            break;
        }
        at += 1;
    }
    all.sort_unstable();
    all.dedup();
    (!all.is_empty()).then_some((TimePhrase::Days(all), at))
}

fn day_set(word: &str, led: bool) -> Option<Vec<i64>> {
    match word {
        "weekend" | "weekends" => return Some(vec![6, 7]),
        "weekdays" | "workdays" if led => return Some((1..=5).collect()),
        _ => {}
    }
    let single = word.strip_suffix('s').unwrap_or(word);
    let at = DAYS.iter().position(|d| *d == single)?;
    i64::try_from(at + 1).ok().map(|day| vec![day])
}
