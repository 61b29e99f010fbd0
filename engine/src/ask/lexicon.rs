//! The words of a catalog.
//!
//! In: a catalog. Out: an index from words to tables, columns, roles of keys and known values,
//! built once and kept. Which of several candidates is meant is decided later, against a main
//! table.

use super::routes::{self, ColRef, Hop, Routes};
use super::tokens::{Stems, Token, words_of};
use super::values::Values;
use air_ir::{Catalog, Column, DataType, Table};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a name in a question may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Table(usize),
    Column(ColRef),
    /// The table a key leads to, by the key's role.
    Role(Hop),
    /// A column of the table that a key leads to.
    RoleColumn(Hop, ColRef),
}

/// A target and how well its words fit, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) target: Target,
    pub(super) weight: f64,
}

#[derive(Debug)]
struct Phrase {
    words: String,
    target: Target,
    weight: f64,
}

/// The index of one catalog.
pub struct Lexicon {
    version: String,
    phrases: HashMap<String, Vec<Phrase>>,
    /// By the stem of a last word: `delay` of "departure delay".
    heads: HashMap<String, BTreeSet<Target>>,
    /// By the stems of the last words, two or more: `departure time` of "actual departure time".
    tails: HashMap<String, BTreeSet<Target>>,
    /// Columns whose names may be abbreviations, by the first letter of the name.
    short: BTreeMap<char, Vec<(Vec<String>, ColRef)>>,
    words: BTreeSet<String>,
    /// Columns of truth values and of times, and the single words that the first are called by.
    flags: BTreeSet<ColRef>,
    times: BTreeSet<ColRef>,
    flag_words: BTreeSet<String>,
    longest: usize,
    pub(super) stems: Stems,
    pub(super) routes: Routes,
    pub(super) values: Values,
}

impl std::fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lexicon").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Weights of the ways to be called something.
const NAME: f64 = 1.0;
const SYNONYM: f64 = 0.97;
const WITH_TABLE: f64 = 0.95;
const ROLE: f64 = 0.9;
const WITH_ROLE: f64 = 0.87;
const DESCRIPTION: f64 = 0.85;
const ABBREVIATION: f64 = 0.75;
const OTHER_FORM: f64 = 0.75;
const HEAD: f64 = 0.68;

/// Names made of a role and a column are left out beyond this many phrases.
const MOST_COMPOSED: usize = 200_000;

impl Lexicon {
    /// Indexes `catalog`.
    pub fn new(catalog: &Catalog) -> Self {
        let mut lexicon = Self {
            version: catalog.version.clone(),
            phrases: HashMap::new(),
            heads: HashMap::new(),
            tails: HashMap::new(),
            short: BTreeMap::new(),
            words: BTreeSet::new(),
            flags: BTreeSet::new(),
            times: BTreeSet::new(),
            flag_words: BTreeSet::new(),
            longest: 1,
            stems: Stems::new(),
            routes: Routes::new(catalog),
            values: Values::new(catalog),
        };
        for (at, table) in catalog.tables.iter().enumerate() {
            lexicon.add_table(at, table);
        }
        lexicon.add_roles(catalog);
        lexicon
    }

    /// Whether this is the index of `catalog`.
    pub fn is_of(&self, catalog: &Catalog) -> bool {
        self.version == catalog.version
    }

    fn add(&mut self, text: &str, target: Target, weight: f64) {
        self.add_words(&words_of(text), target, weight);
    }

    fn add_words(&mut self, words: &[String], target: Target, weight: f64) {
        if words.is_empty() || words.len() > 6 {
            return;
        }
        let stems: Vec<String> = words.iter().map(|w| self.stems.stem(w)).collect();
        let key = stems.join(" ");
        let phrase = Phrase { words: words.join(" "), target, weight };
        let list = self.phrases.entry(key).or_default();
        if !list.iter().any(|p| p.target == target && p.words == phrase.words && p.weight >= weight)
        {
            list.push(phrase);
        }
        self.longest = self.longest.max(words.len());
        self.words.extend(words.iter().cloned());
        if let (true, Some(head)) = (stems.len() > 1 && weight >= SYNONYM, stems.last()) {
            self.heads.entry(head.clone()).or_default().insert(target);
            for from in 1..stems.len() - 1 {
                // "of engines" is no shorter name of "number of engines".
                if super::words::say(&words[from]).is_none() {
                    self.tails.entry(stems[from..].join(" ")).or_default().insert(target);
                }
            }
        }
    }

    fn add_table(&mut self, at: usize, table: &Table) {
        self.add(&table.name, Target::Table(at), NAME);
        if let Some(name) = &table.display_name {
            self.add(name, Target::Table(at), NAME);
        }
        for synonym in &table.synonyms {
            self.add(synonym, Target::Table(at), SYNONYM);
        }
        let called: Vec<Vec<String>> = std::iter::once(&table.name)
            .chain(&table.display_name)
            .chain(&table.synonyms)
            .map(|n| words_of(n))
            .collect();
        for (i, column) in table.columns.iter().enumerate() {
            if column.data_type != DataType::Unreadable {
                self.add_column(ColRef { table: at, column: i }, column, &called);
            }
        }
    }

    fn add_column(&mut self, at: ColRef, column: &Column, tables: &[Vec<String>]) {
        let target = Target::Column(at);
        self.add(&column.name, target, NAME);
        if let Some(name) = &column.display_name {
            self.add(name, target, NAME);
        }
        for synonym in &column.synonyms {
            self.add(synonym, target, SYNONYM);
        }
        let name = words_of(column.display_name.as_deref().unwrap_or(&column.name));
        if column.data_type.is_temporal() {
            self.times.insert(at);
        }
        if column.data_type == DataType::Bool {
            self.add_flag(at, column);
        } else {
            for table in tables {
                self.add_words(&[&table[..], &name[..]].concat(), target, WITH_TABLE);
            }
        }
        if let Some(clause) = column.description.as_deref().and_then(first_clause) {
            self.add(clause, target, DESCRIPTION);
        }
        let parts = words_of(&column.name);
        if let Some(first) = parts.first().and_then(|p| p.chars().next()) {
            self.short.entry(first).or_default().push((parts, at));
        }
    }

    /// What is true of a row or is not: `is_active` is called "active" too. After the rows' name
    /// it is a condition ("orders paid"), so no name is made of both.
    fn add_flag(&mut self, at: ColRef, column: &Column) {
        self.flags.insert(at);
        let called = [Some(&column.name), column.display_name.as_ref()].into_iter().flatten();
        for words in called.chain(&column.synonyms).map(|name| words_of(name)) {
            let verb = words.len() > 1
                && matches!(words[0].as_str(), "is" | "was" | "are" | "has" | "have" | "had");
            let said = if verb { &words[1..] } else { &words[..] };
            if verb {
                self.add_words(said, Target::Column(at), SYNONYM);
            }
            if let [only] = said {
                self.flag_words.insert(only.clone());
            }
        }
    }

    /// Whether the best of some names is a column of truth values.
    pub(super) fn names_flag(&self, names: &[Candidate]) -> bool {
        let flag = |c: &Candidate| match c.target {
            Target::Column(col) | Target::RoleColumn(_, col) => self.flags.contains(&col),
            Target::Table(_) | Target::Role(_) => false,
        };
        names.first().is_some_and(flag)
    }

    /// Whether the best of some names is exactly that of a column of times.
    pub(super) fn names_time(&self, names: &[Candidate]) -> bool {
        names.first().is_some_and(|c| match c.target {
            Target::Column(col) => c.weight > 0.9 && self.times.contains(&col),
            _ => false,
        })
    }

    /// Whether a column of truth values is called exactly so.
    pub(super) fn is_flag(&self, lower: &str) -> bool {
        self.flag_words.contains(lower)
    }

    /// Roles of keys, alone and together with the columns of the table they lead to.
    fn add_roles(&mut self, catalog: &Catalog) {
        let mut composed = 0;
        for (at, table) in catalog.tables.iter().enumerate() {
            for (key, foreign) in table.foreign_keys.iter().enumerate() {
                let hop = Hop { table: at, key };
                let Some(target) = self.routes.target(hop).and_then(|t| catalog.tables.get(t))
                else {
                    continue;
                };
                let role = role_of(foreign);
                self.add(&role, Target::Role(hop), ROLE);
                let mut called: Vec<&str> = vec![&role];
                if let [only] = &foreign.columns[..]
                    && let Some(column) = table.column(only)
                {
                    called.extend(column.synonyms.iter().take(4).map(String::as_str));
                }
                composed += called.len() * target.columns.len() * 3;
                if composed < MOST_COMPOSED {
                    self.add_role_columns(catalog, hop, &called, target);
                }
            }
        }
    }

    fn add_role_columns(&mut self, catalog: &Catalog, hop: Hop, roles: &[&str], to: &Table) {
        let Some(target) = self.routes.target(hop) else { return };
        let nouns: Vec<Vec<String>> = std::iter::once(Vec::new())
            .chain(std::iter::once(&to.name).chain(&to.synonyms).take(3).map(|n| words_of(n)))
            .collect();
        for role in roles.iter().map(|r| words_of(r)) {
            for noun in &nouns {
                let who = [&role[..], &noun[..]].concat();
                if !noun.is_empty() {
                    self.add_words(&who, Target::Role(hop), WITH_ROLE);
                }
                // What is true of a row stands after its name ("orders paid") as a condition.
                let said =
                    |c: &&Column| !matches!(c.data_type, DataType::Unreadable | DataType::Bool);
                for column in to.columns.iter().filter(said) {
                    let Some(at) = routes::named(catalog, target, &column.name) else { continue };
                    let words = [&who[..], &words_of(&column.name)[..]].concat();
                    self.add_words(&words, Target::RoleColumn(hop, at), WITH_ROLE);
                }
            }
        }
    }

    /// The longest name that starts at the first token, with what it may stand for, best first.
    pub(super) fn name(&self, tokens: &[Token]) -> Option<(usize, Vec<Candidate>)> {
        let longest = self.longest.min(tokens.len());
        for len in (1..=longest).rev() {
            let found = self.exact(&tokens[..len]);
            if !found.is_empty() {
                return Some((len, best_first(found)));
            }
            let found = self.ending(&tokens[..len]);
            if !found.is_empty() {
                return Some((len, best_first(found)));
            }
        }
        for len in (1..=3.min(tokens.len())).rev() {
            let found = self.abbreviated(&tokens[..len]);
            if !found.is_empty() {
                return Some((len, best_first(found)));
            }
        }
        let heads = self.heads.get(&tokens.first()?.stem)?;
        let found = heads.iter().map(|t| Candidate { target: *t, weight: HEAD }).collect();
        Some((1, best_first(found)))
    }

    fn exact(&self, tokens: &[Token]) -> Vec<Candidate> {
        let key: Vec<&str> = tokens.iter().map(|t| t.stem.as_str()).collect();
        let Some(phrases) = self.phrases.get(&key.join(" ")) else { return Vec::new() };
        let said: Vec<&str> = tokens.iter().map(|t| t.lower.as_str()).collect();
        let mut found: Vec<Candidate> = phrases
            .iter()
            .map(|p| {
                let form = if same_but_number(&said, &p.words) { 1.0 } else { OTHER_FORM };
                Candidate { target: p.target, weight: p.weight * form }
            })
            .collect();
        let best = found.iter().map(|c| c.weight).fold(0.0, f64::max);
        // A word met only in another form ("delay" for "delayed") may as well be the last word
        // of longer names ("arrival delay").
        if let (true, [only]) = (best < 0.8, tokens) {
            let heads = self.heads.get(&only.stem).into_iter().flatten();
            found.extend(heads.map(|t| Candidate { target: *t, weight: HEAD }));
        }
        found
    }

    /// Columns whose longer names end with these words.
    fn ending(&self, tokens: &[Token]) -> Vec<Candidate> {
        let key: Vec<&str> = tokens.iter().map(|t| t.stem.as_str()).collect();
        let found = self.tails.get(&key.join(" ")).into_iter().flatten();
        found.map(|t| Candidate { target: *t, weight: HEAD }).collect()
    }

    /// Whether two words are together a name that somebody gave to a column, such as "arrived
    /// late", between which a figure may stand: "arrived more than 5 minutes late".
    pub(super) fn is_split(&self, first: &Token, last: &Token) -> bool {
        let key = format!("{} {}", first.stem, last.stem);
        let said = [first.lower.as_str(), last.lower.as_str()];
        self.phrases.get(&key).into_iter().flatten().any(|p| {
            matches!(p.target, Target::Column(_))
                && p.weight >= SYNONYM
                && same_but_number(&said, &p.words)
        })
    }

    fn abbreviated(&self, tokens: &[Token]) -> Vec<Candidate> {
        let first = tokens.first().and_then(|t| t.lower.chars().next());
        let columns = first.and_then(|c| self.short.get(&c)).into_iter().flatten();
        columns
            .filter(|(parts, _)| parts.len() == tokens.len())
            .filter(|(parts, _)| {
                let least = if parts.len() == 1 { 4 } else { 3 };
                parts.iter().zip(tokens).all(|(part, token)| {
                    let short = part.len() >= least && token.lower.len() > part.len() + 1;
                    short && token.lower.starts_with(part.as_str()) || token.lower == *part
                })
            })
            .map(|(_, at)| Candidate { target: Target::Column(*at), weight: ABBREVIATION })
            .collect()
    }

    /// Every word of a name in the catalog.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Whether `lower` is a word of some name, in any form.
    pub(super) fn knows(&self, lower: &str, stem: &str) -> bool {
        self.words.contains(lower)
            || self.phrases.contains_key(stem)
            || self.heads.contains_key(stem)
    }
}

/// The role of a key, or what its column says without `_id`.
pub(super) fn role_of(key: &air_ir::ForeignKey) -> String {
    if let Some(role) = &key.role {
        return role.clone();
    }
    let first = key.columns.first().map_or("", String::as_str);
    let bare = ["_id", "_key", "_code"].iter().find_map(|s| first.strip_suffix(s));
    bare.unwrap_or(first).to_owned()
}

/// The words before the first punctuation mark, where they are few enough to be a name.
pub(super) fn first_clause(description: &str) -> Option<&str> {
    let end = description.find([',', ';', '(', '.', ':']).unwrap_or(description.len());
    let clause = description[..end].trim();
    (1..=5).contains(&clause.split_whitespace().count()).then_some(clause)
}

/// Whether both are the same words but for the plural of the last.
fn same_but_number(said: &[&str], words: &str) -> bool {
    let known: Vec<&str> = words.split(' ').collect();
    let pairs = said.iter().zip(&known);
    said.len() == known.len()
        && pairs.into_iter().all(|(a, b)| a == b || plural(a, b) || plural(b, a))
}

fn plural(one: &str, many: &str) -> bool {
    many.strip_prefix(one).is_some_and(|rest| rest == "s" || rest == "es")
        || one.strip_suffix('y').is_some_and(|stem| many.strip_suffix("ies") == Some(stem))
}

/// One candidate a target, the best first; equal weights in the order of the catalog.
fn best_first(found: Vec<Candidate>) -> Vec<Candidate> {
    let mut best: BTreeMap<Target, f64> = BTreeMap::new();
    for candidate in found {
        let weight = best.entry(candidate.target).or_insert(0.0);
        *weight = weight.max(candidate.weight);
    }
    let mut list: Vec<Candidate> =
        best.into_iter().map(|(target, weight)| Candidate { target, weight }).collect();
    list.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    list
}
