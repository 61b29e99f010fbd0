//! From clauses to an IR: the state that the stages share, and their order.
//!
//! In: clauses, a catalog, a main table. Out: an IR, with what was assumed, asked and not found.
//! Each stage adds its part and marks the chunks it used; [`super::coverage`] looks at the rest.

use super::Question;
use super::chunks::Chunk;
use super::clauses::Clauses;
use super::lexicon::{Lexicon, role_of};
use super::questions::{Asked, Choice, Reply, id_of};
use super::routes::{self, ColRef, Field, Hop};
use super::time::resolve::{Clock, learned_date};
use super::{describe, root};
use air_ir::{Calendar, Catalog, Column, EntityRef, Ir, JoinKind, JoinSpec, TimeSpec, Weekday};
use jiff::tz::TimeZone;

/// A condition that hours or days are parts of, which the IR says by a nested query.
pub(super) type PartFilter = (air_ir::Part, Vec<i64>, bool);

/// The IR being made.
pub(super) struct Build<'a> {
    pub(super) lexicon: &'a Lexicon,
    pub(super) catalog: &'a Catalog,
    pub(super) chunks: &'a [Chunk],
    pub(super) clauses: &'a Clauses,
    pub(super) asked: Asked<'a>,
    /// The main table.
    pub(super) root: usize,
    pub(super) ir: Ir,
    pub(super) used: Vec<bool>,
    /// What the catalog does not hold, in the words of the question.
    pub(super) missing: Vec<String>,
    pub(super) reasons: Vec<String>,
    pub(super) parts: Vec<PartFilter>,
    /// Conditions of the numerator of a share.
    pub(super) numerator: Vec<air_ir::Filter>,
    pub(super) doubt: f64,
    pub(super) clock: Clock,
    /// Dimensions that were asked for with "per".
    pub(super) per: Vec<String>,
    /// Of each of those groups the dimension that tells its members apart.
    pub(super) per_keys: Vec<String>,
    /// Metrics over rows of another table, with that table.
    pub(super) facts: Vec<(String, usize)>,
    /// An average over totals, made by a nested query at the end.
    pub(super) of_totals: Option<super::measures::OfTotals>,
    /// The column that says when, once it is known.
    pub(super) time: Option<Field>,
    /// Conditions with the words they come from.
    pub(super) placed: Vec<super::either::Placed>,
    /// Every "or" that has joined two of them.
    pub(super) joined: Vec<usize>,
    /// Names whose "not" is in a condition.
    pub(super) heard: Vec<usize>,
}

/// An IR that asks for nothing yet.
pub(super) fn empty_ir() -> Ir {
    Ir {
        version: "1",
        entities: Vec::new(),
        joins: Vec::new(),
        time: TimeSpec::default(),
        grain: None,
        dimensions: Vec::new(),
        metrics: Vec::new(),
        filters: Vec::new(),
        having: Vec::new(),
        top: None,
        order: Vec::new(),
        limit: None,
        offset: 0,
    }
}

/// Fields whose weights differ by less fit equally well.
const SAME: f64 = 0.06;

impl<'a> Build<'a> {
    pub(super) fn new(
        lexicon: &'a Lexicon,
        question: &'a Question<'a>,
        chunks: &'a [Chunk],
        clauses: &'a Clauses,
        root: usize,
    ) -> Self {
        let used = chunks.iter().map(Chunk::is_filler).collect();
        let mut build = Self {
            lexicon,
            catalog: question.catalog,
            chunks,
            clauses,
            asked: Asked::new(question.answers),
            root,
            ir: empty_ir(),
            used,
            missing: Vec::new(),
            reasons: Vec::new(),
            parts: Vec::new(),
            numerator: Vec::new(),
            doubt: 0.0,
            clock: Clock { calendar: calendar(question.catalog), now: question.now, data: None },
            per: Vec::new(),
            per_keys: Vec::new(),
            facts: Vec::new(),
            of_totals: None,
            time: None,
            placed: Vec::new(),
            joined: Vec::new(),
            heard: Vec::new(),
        };
        build.find_time();
        build
    }

    pub(super) fn text(&self, chunk: usize) -> &'a str {
        self.chunks.get(chunk).map_or("", |c| c.text.as_str())
    }

    pub(super) fn mark(&mut self, chunk: usize) {
        if let Some(used) = self.used.get_mut(chunk) {
            *used = true;
        }
    }

    pub(super) fn column(&self, col: ColRef) -> Option<&'a Column> {
        routes::column(self.catalog, col)
    }

    pub(super) fn table_name(&self, table: usize) -> String {
        let Some(t) = self.catalog.tables.get(table) else { return String::new() };
        let unique = self.catalog.tables.iter().filter(|o| o.name == t.name).count() == 1;
        if unique { t.name.clone() } else { t.qualified_name() }
    }

    /// The name the root's fields are qualified by.
    pub(super) fn root_name(&self) -> String {
        match self.ir.entities.first() {
            Some(entity) => entity.name().to_owned(),
            None => self.table_name(self.root),
        }
    }

    /// Lists the main table, where it is not listed yet.
    pub(super) fn start(&mut self) {
        if self.ir.entities.is_empty() {
            self.ir.entities.push(EntityRef::Name(self.table_name(self.root)));
        }
    }

    /// The name of a field in the IR; lists the tables and joins it needs.
    pub(super) fn field(&mut self, field: &Field) -> String {
        self.start();
        let Some(column) = self.column(field.col) else { return String::new() };
        let name = column.name.clone();
        if field.hops.is_empty() && field.col.table == self.root {
            return name;
        }
        let owner = self.owner(&field.hops, field.col.table);
        format!("{owner}.{name}")
    }

    /// The entity or role that the hops lead to.
    fn owner(&mut self, hops: &[Hop], table: usize) -> String {
        let name = self.table_name(table);
        let unique = self.lexicon.routes.between(self.root, table);
        if hops.is_empty() || unique.len() == 1 && unique[0] == hops {
            if !self.ir.entities.iter().any(|e| e.name() == name) {
                self.ir.entities.push(EntityRef::Name(name.clone()));
            }
            return name;
        }
        let (Some(last), earlier) = (hops.last().copied(), &hops[..hops.len() - 1]) else {
            return name;
        };
        let from = match earlier.is_empty() {
            true => self.root_name(),
            false => self.owner(earlier, last.table),
        };
        self.join(last, &from, &name)
    }

    fn join(&mut self, hop: Hop, from: &str, to: &str) -> String {
        let key = self.catalog.tables.get(hop.table).and_then(|t| t.foreign_keys.get(hop.key));
        let Some(key) = key else { return to.to_owned() };
        let left: Vec<String> = key.columns.iter().map(|c| format!("{from}.{c}")).collect();
        let right: Vec<String> =
            key.references.columns.iter().map(|c| format!("{to}.{c}")).collect();
        if let Some(join) = self.ir.joins.iter().find(|j| j.left == left && j.right == right) {
            return join.alias.clone().unwrap_or_else(|| to.to_owned());
        }
        let mut alias = role_of(key);
        let taken = |name: &str, ir: &Ir| {
            ir.entities.iter().any(|e| e.name() == name)
                || ir.joins.iter().any(|j| j.alias.as_deref() == Some(name))
        };
        while taken(&alias, &self.ir) {
            alias.push_str("_2");
        }
        let kind = JoinKind::Left;
        self.ir.joins.push(JoinSpec { left, right, alias: Some(alias.clone()), kind });
        alias
    }

    /// The name of a field as a person would choose it, without listing anything.
    pub(super) fn spelled(&self, field: &Field) -> String {
        let name = self.column(field.col).map_or("", |c| c.name.as_str());
        let Some(last) = field.hops.last() else { return name.to_owned() };
        let unique = self.lexicon.routes.between(self.root, field.col.table).len() == 1;
        let key = self.catalog.tables.get(last.table).and_then(|t| t.foreign_keys.get(last.key));
        let owner = match (unique, key) {
            (false, Some(key)) => role_of(key),
            _ => self.table_name(field.col.table),
        };
        format!("{owner}.{name}")
    }

    /// The field in words.
    pub(super) fn said(&self, field: &Field) -> String {
        let spelled = self.spelled(field);
        let said = self.column(field.col).map(describe::column_in_words).unwrap_or_default();
        if said.is_empty() || said == spelled { spelled } else { format!("{said} ({spelled})") }
    }

    /// The one field a chunk stands for. Where several fit equally, a question.
    pub(super) fn pick(&mut self, chunk: usize, fits: impl Fn(&Column) -> bool) -> Option<Field> {
        let all = root::fields(self.catalog, self.lexicon, self.root, self.chunks.get(chunk)?);
        let mut found: Vec<(Field, f64)> = all
            .into_iter()
            .filter(|(f, _)| routes::column(self.catalog, f.col).is_some_and(&fits))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        self.choose_field(chunk, &found)
    }

    pub(super) fn choose_field(&mut self, chunk: usize, found: &[(Field, f64)]) -> Option<Field> {
        let (best, weight) = found.first()?.clone();
        self.mark(chunk);
        let equal: Vec<&Field> =
            found.iter().filter(|(_, w)| *w > weight - SAME).map(|(f, _)| f).collect();
        if equal.len() == 1 {
            if weight < 0.8 {
                self.doubt += 0.05;
                let said = self.said(&best);
                self.asked.assume(format!("\"{}\" was read as {said}.", self.text(chunk)));
            }
            return Some(best);
        }
        if let Some((owner, field)) = self.of_beside(chunk, &equal) {
            self.mark(owner);
            let (word, said) = (self.text(chunk), self.said(&field));
            self.asked.assume(format!("\"{word}\" of \"{}\" is {said}.", self.text(owner)));
            return Some(field);
        }
        let word = self.text(chunk);
        let choices: Vec<Choice> =
            equal.iter().take(6).map(|f| Choice::new(&self.spelled(f), &self.said(f))).collect();
        let recommended = self.spelled(&best);
        let id = id_of("column", word);
        let text = format!("Which one is meant by \"{word}\"?");
        let all: Vec<(String, Field)> =
            found.iter().map(|(f, _)| (self.spelled(f), f.clone())).collect();
        let named = |value: &str| all.iter().find(|(s, _)| s == value).map(|(_, f)| f.clone());
        match self.asked.ask(&id, &text, choices.clone(), &recommended) {
            Reply::Choice(value) => named(&value).or(Some(best)),
            Reply::Free(words) => {
                let free = self.free_field(&words, &equal);
                if free.is_none() {
                    let text = format!("\"{words}\" is none of them. {text}");
                    self.asked.put(&id, &text, choices, &recommended);
                }
                free.or(Some(best))
            }
        }
    }

    /// A field named in free text.
    fn free_field(&self, words: &str, among: &[&Field]) -> Option<Field> {
        let tokens = super::tokens::read(words, &self.lexicon.stems);
        let chunks = super::chunks::cut(&tokens, self.lexicon);
        let fields =
            chunks.iter().flat_map(|c| root::fields(self.catalog, self.lexicon, self.root, c));
        fields.map(|(f, _)| f).find(|f| among.contains(&f))
    }

    /// The column of time of the main table, or of the nearest table it reaches that has one.
    pub(super) fn find_time(&mut self) {
        let found = root::time_fields(self.catalog, self.lexicon, self.root);
        self.time = match &found[..] {
            [only] => Some(only.clone()),
            _ => None,
        };
        self.learn_reach();
    }

    /// The dates the data reach from and to, by the time column's figures.
    pub(super) fn learn_reach(&mut self) {
        let stats =
            self.time.as_ref().and_then(|f| self.column(f.col)).and_then(|c| c.stats.as_ref());
        let date = |text: Option<&String>| text.and_then(|t| learned_date(t, &self.clock.calendar));
        let ends = stats.map(|s| (date(s.min.as_ref()), date(s.max.as_ref())));
        self.clock.data = match ends {
            Some((Some(from), Some(to))) if from <= to => Some((from, to)),
            _ => None,
        };
    }
}

/// The calendar of reports on a source.
pub(super) fn calendar(catalog: &Catalog) -> Calendar {
    let zone = catalog.time_zone.as_deref().and_then(|z| TimeZone::get(z).ok());
    Calendar { zone: zone.unwrap_or(TimeZone::UTC), week_start: Weekday::Monday, year_start: 1 }
}
