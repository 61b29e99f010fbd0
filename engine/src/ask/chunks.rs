//! Tokens to chunks: the pieces of a question that mean something.
//!
//! In: tokens and the index of a catalog. Out: words of asking, phrases of time, names, values
//! and numbers, each the longest that fits. A word that nothing knows is a chunk too, so that it
//! cannot be lost.

use super::lexicon::{Candidate, Lexicon, Target};
use super::time::{self, TimePhrase};
use super::tokens::{Token, TokenKind};
use super::values::{Fit, Hit, value_words};
use super::words::{self, Say};
use air_ir::Agg;

/// What a chunk is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Say(Say),
    Time(TimePhrase),
    Number(f64),
    /// A name, a value, or either.
    Name,
    Quoted,
    Unknown,
}

/// A piece of a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chunk {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) names: Vec<Candidate>,
    pub(super) values: Vec<Hit>,
    /// Whether its first name is that of a column of truth values.
    pub(super) flag: bool,
}

impl Chunk {
    pub(super) fn say(&self) -> Option<Say> {
        match self.kind {
            Kind::Say(say) => Some(say),
            _ => None,
        }
    }

    pub(super) fn is_filler(&self) -> bool {
        self.kind == Kind::Say(Say::Filler)
    }

    /// The weight of the best name.
    pub(super) fn weight(&self) -> f64 {
        self.names.first().map_or(0.0, |c| c.weight)
    }
}

/// Cuts a question into chunks.
pub(super) fn cut(tokens: &[Token], lexicon: &Lexicon) -> Vec<Chunk> {
    let tokens = &rejoined(tokens, lexicon)[..];
    let shouted = !tokens.iter().any(|t| t.text.chars().any(char::is_lowercase));
    let mut chunks = Vec::new();
    let mut at = 0;
    while let Some(rest) = tokens.get(at..).filter(|r| !r.is_empty()) {
        let before = at.checked_sub(1).and_then(|i| tokens.get(i));
        let lead = tokens[..at].iter().rfind(|t| !matches!(t.lower.as_str(), "of" | "the"));
        let (len, mut chunk) = next(rest, (before, lead), lexicon, shouted);
        let len = len.max(1);
        let said: Vec<&str> = rest.iter().take(len).map(|t| t.text.as_str()).collect();
        chunk.text = said.join(" ");
        chunk.flag = chunk.kind == Kind::Name && lexicon.names_flag(&chunk.names);
        match chunks.last_mut().filter(|last| is_torn(last, &chunk)) {
            Some(last) => {
                *last = Chunk { text: format!("{} {}", last.text, chunk.text), ..of(Kind::Unknown) }
            }
            None => chunks.push(chunk),
        }
        at += len;
    }
    conditions(&mut chunks);
    moments(&mut chunks, lexicon);
    chunks
}

/// "arrived more than 5 minutes late" as "arrived late more than 5 minutes", where the first and
/// the last word are a name together.
fn rejoined(tokens: &[Token], lexicon: &Lexicon) -> Vec<Token> {
    let mut tokens = tokens.to_vec();
    for at in 0..tokens.len() {
        let Some((len, Say::Cmp(_))) = longest_saying(&tokens[at + 1..]) else { continue };
        let number = at + 1 + len;
        if !tokens.get(number).is_some_and(is_number) {
            continue;
        }
        // At most a unit stands between the number and the last word.
        let last = (number + 1..tokens.len().min(number + 3))
            .find(|last| lexicon.is_split(&tokens[at], &tokens[*last]));
        if let Some(last) = last {
            tokens[at + 1..=last].rotate_right(1);
        }
    }
    tokens
}

fn is_number(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Number(_)) || words::number_word(&token.lower).is_some()
}

/// "when the temperature was below 0": a condition as after "where". A "when" with anything else
/// behind it asks for a time.
fn conditions(chunks: &mut [Chunk]) {
    let content = |chunks: &[Chunk], from: usize| {
        (from..chunks.len()).find(|at| !chunks[*at].is_filler()).unwrap_or(chunks.len())
    };
    for at in 1..chunks.len() {
        if chunks[at].kind != Kind::Unknown || !chunks[at].text.eq_ignore_ascii_case("when") {
            continue;
        }
        let name = content(chunks, at + 1);
        let compared = content(chunks, name + 1);
        let is_name = chunks.get(name).is_some_and(|c| c.kind == Kind::Name && !c.names.is_empty());
        let compares = chunks.get(compared).and_then(Chunk::say);
        if is_name && matches!(compares, Some(Say::Cmp(_) | Say::Between)) {
            chunks[at].kind = Kind::Say(Say::With);
        }
    }
}

/// "when was the last order", "date of the first order", "latest order date": the end of a time.
fn moments(chunks: &mut [Chunk], lexicon: &Lexicon) {
    for at in 0..chunks.len() {
        let Some(end) = end_of_time(&chunks[at]) else { continue };
        let Some(next) = (at + 1..chunks.len()).find(|n| !chunks[*n].is_filler()) else { continue };
        if chunks[next].kind != Kind::Name {
            continue;
        }
        if next == at + 1 && lexicon.names_time(&chunks[next].names) {
            chunks[at].kind = Kind::Say(Say::Agg(end));
            continue;
        }
        let of = |c: &Chunk| c.is_filler() || c.text.eq_ignore_ascii_case("of");
        let lead = (0..at).rev().find(|lead| !of(&chunks[*lead]));
        let asks = |c: &Chunk| {
            ["when", "date", "day"].iter().any(|word| c.text.eq_ignore_ascii_case(word))
        };
        let rows = matches!(chunks[next].names.first().map(|c| c.target), Some(Target::Table(_)));
        if let Some(lead) = lead.filter(|lead| rows && asks(&chunks[*lead])) {
            chunks[lead].kind = Kind::Say(Say::Filler);
            chunks[at].kind = Kind::Say(Say::Moment(end));
        }
    }
}

/// Which end of a time a word says, where it says nothing else.
fn end_of_time(chunk: &Chunk) -> Option<Agg> {
    let free = matches!(chunk.kind, Kind::Unknown | Kind::Say(Say::Limit));
    match chunk.text.to_lowercase().as_str() {
        "last" | "latest" | "newest" if free => Some(Agg::Max),
        "first" | "earliest" | "oldest" if free => Some(Agg::Min),
        _ => None,
    }
}

/// "Los Angelos": words with capitals in a row of which one is unknown are one unknown name.
fn is_torn(last: &Chunk, next: &Chunk) -> bool {
    let proper = |c: &Chunk| c.text.starts_with(char::is_uppercase);
    let parts = |c: &Chunk| {
        c.kind == Kind::Name && c.names.is_empty() && c.values.iter().all(|v| v.fit >= Fit::Start)
    };
    let part = |c: &Chunk| c.kind == Kind::Unknown || parts(c);
    let unknown = last.kind == Kind::Unknown || next.kind == Kind::Unknown;
    unknown && proper(last) && proper(next) && part(last) && part(next)
}

fn of(kind: Kind) -> Chunk {
    Chunk { kind, text: String::new(), names: Vec::new(), values: Vec::new(), flag: false }
}

/// The chunk that starts the tokens. `before`: the token in front, and the one in front of any "of".
fn next(
    rest: &[Token],
    (before, lead): (Option<&Token>, Option<&Token>),
    lexicon: &Lexicon,
    shouted: bool,
) -> (usize, Chunk) {
    let Some(first) = rest.first() else { return (1, of(Kind::Unknown)) };
    if first.kind == TokenKind::Quoted {
        let values = lexicon.values.text(&first.text);
        return (1, Chunk { values, ..of(Kind::Quoted) });
    }
    let time = time::read(rest, before);
    let said = longest_saying(rest);
    let name = match first.kind {
        TokenKind::Word => lexicon.name(rest),
        _ => None,
    };
    let value = lexicon.values.whole(rest).filter(|(_, hits)| believable(hits, first));
    // "San Francisco" is one name, though "san" may be a code.
    let value = match proper_run(rest) {
        run if run > value.as_ref().map_or(0, |v| v.0) => longer_part(rest, run, lexicon).or(value),
        _ => value,
    };
    let time_len = time.as_ref().map_or(0, |t| t.1);
    let say_len = said.map_or(0, |s| s.0);
    let name_len = name.as_ref().map_or(0, |n| n.0);
    let value_len = value.as_ref().map_or(0, |v| v.0);
    let code = value.as_ref().is_some_and(|(_, hits)| !shouted && is_code(hits, first));
    if let Some((phrase, len)) = time.filter(|t| t.1 >= name_len.max(value_len).max(say_len)) {
        return (len, of(Kind::Time(phrase)));
    }
    // A column may be called "cause"; then the word is its name.
    let said = said.filter(|(_, say)| {
        !(matches!(say, Say::Beyond(_))
            && name.as_ref().is_some_and(|n| n.1.first().is_some_and(|c| c.weight > 0.9)))
    });
    // Rows may be "popular" or not.
    let flag = name
        .as_ref()
        .is_some_and(|n| n.1.first().is_some_and(|c| c.weight > 0.9) && lexicon.names_flag(&n.1));
    let said = said.filter(|(_, say)| !(*say == Say::Filler && flag));
    // "the lowest amount of paid orders" is that of a column, where one is called so.
    let figure = lead.and_then(|b| words::say(&b.lower));
    let figure = matches!(figure, Some(Say::Agg(_) | Say::Super(_)))
        && first.lower == "amount"
        && name.as_ref().is_some_and(|n| n.1.first().is_some_and(|c| c.weight > 0.9));
    let said = said.filter(|(_, say)| !(*say == Say::CountOf && figure));
    // "revenue per order by channel" has no "order by".
    let each = before.is_some_and(|b| matches!(b.lower.as_str(), "per" | "each" | "every"));
    let said = said.filter(|(_, say)| !(*say == Say::Ordered && each && name.is_some()));
    let say_len = said.map_or(0, |s| s.0);
    let names =
        name.filter(|n| n.0 >= say_len && n.0 >= value_len).map(|n| n.1).unwrap_or_default();
    if let Some((len, say)) = said.filter(|s| s.0 >= name_len && s.0 >= value_len && !code) {
        return (len, Chunk { names, ..of(Kind::Say(say)) });
    }
    let values = value.filter(|v| v.0 >= name_len).map(|v| v.1).unwrap_or_default();
    if time_len == 0 && (!names.is_empty() || !values.is_empty()) {
        return (name_len.max(value_len), Chunk { names, values, ..of(Kind::Name) });
    }
    if !names.is_empty() || !values.is_empty() {
        return (name_len.max(value_len).max(1), Chunk { names, values, ..of(Kind::Name) });
    }
    other(rest, first, lexicon)
}

/// What is neither a word of asking nor a whole name or value.
fn other(rest: &[Token], first: &Token, lexicon: &Lexicon) -> (usize, Chunk) {
    if let TokenKind::Number(n) = first.kind {
        return (1, of(Kind::Number(n)));
    }
    if let Some(n) = words::number_word(&first.lower) {
        return (1, of(Kind::Number(n)));
    }
    if first.kind == TokenKind::Word && first.lower.len() > 2 {
        for len in (1..=4.min(rest.len())).rev() {
            let words: Vec<String> =
                rest[..len].iter().flat_map(|t| value_words(&t.text)).collect();
            let values = lexicon.values.parts(&words);
            if !values.is_empty() {
                return (len, Chunk { values, ..of(Kind::Name) });
            }
        }
    }
    if first.kind == TokenKind::Symbol && !first.text.chars().any(char::is_alphanumeric) {
        return (1, of(Kind::Say(Say::Filler)));
    }
    (1, of(Kind::Unknown))
}

/// How many words in a row have a capital.
fn proper_run(rest: &[Token]) -> usize {
    let proper = |t: &&Token| t.kind == TokenKind::Word && t.text.starts_with(char::is_uppercase);
    let run = rest.iter().take_while(proper).count().min(4);
    if run > 1 { run } else { 0 }
}

fn longer_part(rest: &[Token], run: usize, lexicon: &Lexicon) -> Option<(usize, Vec<Hit>)> {
    (2..=run).rev().find_map(|len| {
        let words: Vec<String> =
            rest.get(..len)?.iter().flat_map(|t| value_words(&t.text)).collect();
        let hits = lexicon.values.parts(&words);
        (!hits.is_empty()).then_some((len, hits))
    })
}

fn longest_saying(rest: &[Token]) -> Option<(usize, Say)> {
    let longest = words::LONGEST.min(rest.len());
    (1..=longest).rev().find_map(|len| {
        let said: Vec<&str> = rest[..len].iter().map(|t| t.lower.as_str()).collect();
        words::say(&said.join(" ")).map(|say| (len, say))
    })
}

/// A number or a symbol is no value of a dictionary, and a single letter only as it is written.
fn believable(hits: &[Hit], first: &Token) -> bool {
    let short = first.text.chars().count() == 1;
    first.kind == TokenKind::Word
        && (!short || hits.iter().any(|h| h.fit == Fit::Exact && h.value.len() > 1))
}

/// A value written as in the dictionary and in capitals, such as a code that is a small word.
fn is_code(hits: &[Hit], first: &Token) -> bool {
    let capitals = first.text.chars().count() > 1 && !first.text.chars().any(char::is_lowercase);
    capitals && hits.iter().any(|h| h.fit == Fit::Exact)
}
