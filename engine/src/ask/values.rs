//! The values of a catalog's dictionaries, by their words.
//!
//! In: value dictionaries. Out: which columns hold a value, exactly, without regard to case, or
//! as a part of it; and the values that come near to a word. Nothing is asked of the source.

use super::routes::ColRef;
use super::tokens::{Token, TokenKind, words_of};
use air_ir::Catalog;
use std::collections::{BTreeSet, HashMap};

/// How a value was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Letter by letter.
    Exact,
    /// But for case and punctuation.
    Folded,
    /// Its words start a longer value.
    Start,
    /// Its words are among those of a longer value.
    Part,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) fit: Fit,
    pub(super) col: ColRef,
    pub(super) value: String,
}

#[derive(Debug)]
struct Entry {
    col: ColRef,
    text: String,
    words: Vec<String>,
}

/// The index.
#[derive(Debug)]
pub(super) struct Values {
    entries: Vec<Entry>,
    folded: HashMap<String, Vec<usize>>,
    by_word: HashMap<String, Vec<usize>>,
    longest: usize,
}

/// Longer values are found only in quotes.
const LONGEST: usize = 8;

impl Values {
    pub(super) fn new(catalog: &Catalog) -> Self {
        let mut values = Self {
            entries: Vec::new(),
            folded: HashMap::new(),
            by_word: HashMap::new(),
            longest: 1,
        };
        for (table, t) in catalog.tables.iter().enumerate() {
            for (column, c) in t.columns.iter().enumerate() {
                let texts = c.values.iter().flat_map(|v| v.counts.keys());
                for text in texts {
                    values.add(ColRef { table, column }, text);
                }
            }
        }
        values
    }

    fn add(&mut self, col: ColRef, text: &str) {
        let words = value_words(text);
        if words.is_empty() {
            return;
        }
        let at = self.entries.len();
        self.entries.push(Entry { col, text: text.to_owned(), words: words.clone() });
        self.longest = self.longest.max(words.len().min(LONGEST));
        self.folded.entry(words.join(" ")).or_default().push(at);
        if words.len() > 1 {
            for word in words.into_iter().collect::<BTreeSet<String>>() {
                self.by_word.entry(word).or_default().push(at);
            }
        }
    }

    fn hit(&self, at: usize, fit: Fit) -> Option<Hit> {
        let entry = self.entries.get(at)?;
        Some(Hit { fit, col: entry.col, value: entry.text.clone() })
    }

    /// The longest whole value that starts at the first token.
    pub(super) fn whole(&self, tokens: &[Token]) -> Option<(usize, Vec<Hit>)> {
        if let Some(first) = tokens.first().filter(|t| t.kind == TokenKind::Quoted) {
            let hits = self.text(&first.text);
            return (!hits.is_empty()).then_some((1, hits));
        }
        let longest = self.longest.min(tokens.len());
        for len in (1..=longest).rev() {
            let words: Vec<String> =
                tokens[..len].iter().flat_map(|t| value_words(&t.text)).collect();
            let said: Vec<&str> = tokens[..len].iter().map(|t| t.text.as_str()).collect();
            let Some(found) = self.folded.get(&words.join(" ")) else { continue };
            // A comma or a stop at either end belongs to the sentence, not to the value.
            let edge = |t: Option<&Token>| t.is_some_and(|t| t.kind == TokenKind::Symbol);
            if edge(tokens[..len].first()) || edge(tokens[..len].last()) {
                continue;
            }
            let said = said.join(" ");
            let fit = |at: &usize| {
                let exact = self.entries.get(*at).is_some_and(|e| e.text == said);
                if exact { Fit::Exact } else { Fit::Folded }
            };
            let mut hits: Vec<Hit> = found.iter().filter_map(|at| self.hit(*at, fit(at))).collect();
            hits.sort();
            return Some((len, hits));
        }
        None
    }

    /// The values that are `text`, whatever its case.
    pub(super) fn text(&self, text: &str) -> Vec<Hit> {
        let found = self.folded.get(&value_words(text).join(" ")).into_iter().flatten();
        let fit = |at: &usize| {
            let exact = self.entries.get(*at).is_some_and(|e| e.text == text);
            if exact { Fit::Exact } else { Fit::Folded }
        };
        let mut hits: Vec<Hit> = found.filter_map(|at| self.hit(*at, fit(at))).collect();
        hits.sort();
        hits
    }

    /// The values that hold `words` one after the other, among more.
    pub(super) fn parts(&self, words: &[String]) -> Vec<Hit> {
        let Some(first) = words.first() else { return Vec::new() };
        let mut hits: Vec<Hit> = self
            .by_word
            .get(first)
            .into_iter()
            .flatten()
            .filter_map(|at| {
                let found =
                    self.entries.get(*at)?.words.windows(words.len()).position(|w| w == words)?;
                self.hit(*at, if found == 0 { Fit::Start } else { Fit::Part })
            })
            .collect();
        hits.sort();
        hits
    }

    /// Whether some value holds the word.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.by_word.contains_key(word) || self.folded.contains_key(word)
    }

    /// The values nearest to `text`, of any of the columns given (of all where none is), nearest
    /// first.
    pub(super) fn near(&self, text: &str, of: &[ColRef]) -> Vec<Hit> {
        let wanted = value_words(text).join(" ");
        let length = wanted.chars().count();
        let least = usize::from(!of.is_empty());
        let allowed = match length {
            0..=2 => least,
            3..=4 => 1,
            5..=7 => 2,
            _ => 3,
        };
        let said = wanted.split(' ').count();
        let mut near: Vec<(usize, usize)> = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            if !of.is_empty() && !of.contains(&entry.col) {
                continue;
            }
            let close = |text: &str| text.chars().count().abs_diff(length) <= allowed;
            let whole = entry.words.join(" ");
            let whole = close(&whole).then(|| strsim::osa_distance(&wanted, &whole));
            // "Los Angelos" for the first words of "Los Angeles Intl".
            let runs = entry.words.windows(said).map(|w| w.join(" "));
            let runs = runs.filter(|w| w.len() > 4 && length > 4 && close(w));
            let run = runs.map(|w| strsim::osa_distance(&wanted, &w) + 1).min();
            if let Some(distance) = whole.into_iter().chain(run).min().filter(|d| *d <= allowed) {
                near.push((distance, at));
            }
        }
        near.sort_unstable();
        near.into_iter().filter_map(|(_, at)| self.hit(at, Fit::Part)).collect()
    }
}

/// Words of a value; a capital inside a word does not cut it.
pub(super) fn value_words(text: &str) -> Vec<String> {
    words_of(&text.to_lowercase())
}
