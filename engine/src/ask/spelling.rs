//! Misspelt words.
//!
//! In: tokens. Out: the same with each unknown word replaced by the one known word that is a slip
//! away, and what was replaced. Names of values are left alone: they are asked back.

use super::lexicon::Lexicon;
use super::tokens::{Token, TokenKind};
use super::words;

const TIMES: &str = "january february march april may june july august september october november \
december spring summer autumn winter since before after until through last previous past this next \
today yesterday tomorrow weekend weekends monday tuesday wednesday thursday friday saturday sunday \
mondays tuesdays wednesdays thursdays fridays saturdays sundays same earlier current during \
throughout within starting onwards quarter preceding prior";

/// Corrects what is clear; says what was read as what.
pub(super) fn correct(tokens: &mut [Token], lexicon: &Lexicon) -> Vec<String> {
    let mut said = Vec::new();
    for (at, token) in tokens.iter_mut().enumerate() {
        let proper = at > 0 && token.text.starts_with(char::is_uppercase);
        if token.kind != TokenKind::Word || token.lower.len() < 5 || proper || known(token, lexicon)
        {
            continue;
        }
        let Some(right) = nearest(&token.lower, lexicon) else { continue };
        said.push(format!("\"{}\" was read as \"{right}\".", token.text));
        token.stem = lexicon.stems.stem(&right);
        token.text.clone_from(&right);
        token.lower = right;
    }
    said
}

fn known(token: &Token, lexicon: &Lexicon) -> bool {
    let lower = token.lower.as_str();
    words::say(lower).is_some()
        || words::vocabulary().any(|w| w == lower)
        || TIMES.split_ascii_whitespace().any(|w| w == lower)
        || words::number_word(lower).is_some()
        || lexicon.knows(lower, &token.stem)
        || lexicon.values.knows(lower)
}

fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// The one word within a slip (two for long words) that starts with the same letter.
fn nearest(lower: &str, lexicon: &Lexicon) -> Option<String> {
    let allowed = if lower.chars().count() >= 8 { 2 } else { 1 };
    let first = lower.chars().next()?;
    let times = TIMES.split_ascii_whitespace();
    let mut all: Vec<&str> = words::vocabulary().chain(times).collect();
    all.extend(lexicon.words());
    let mut near: Vec<(usize, &str)> = all
        .into_iter()
        .filter(|w| w.len() >= 4 && w.starts_with(first))
        .filter(|w| w.len().abs_diff(lower.len()) <= allowed)
        .map(|w| (strsim::osa_distance(lower, w), w))
        .filter(|(d, _)| *d <= allowed)
        // A letter in the place of another makes other short words, not slips.
        .filter(|(_, w)| lower.len() > 5 || w.len() != lower.len() || same_letters(lower, w))
        .collect();
    near.sort_unstable();
    near.dedup();
    match near[..] {
        [(_, only)] => Some(only.to_owned()),
        [(a, first), (b, _), ..] if a < b => Some(first.to_owned()),
        _ => {
            let stem = lexicon.stems.stem(near.first()?.1);
            let one = near.iter().all(|(_, w)| lexicon.stems.stem(w) == stem);
            one.then(|| near.first().map(|n| n.1.to_owned())).flatten()
        }
    }
}
