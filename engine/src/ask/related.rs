//! Rows of another table that must be there, or must not: "customers without open orders in 2024".
//!
//! In: a clause of absence whose name is a table with a key to the main one, and the phrases of
//! time. Out: `exists` of the IR, with what restricts those rows and nothing else. A time that may
//! belong to either table is asked back.

use super::build::{Build, empty_ir};
use super::chunks::{Chunk, Kind};
use super::clauses::{GroupClause, Grouped, NullClause, TimeClause};
use super::lexicon::{Target, role_of};
use super::questions::{Choice, id_of};
use super::root;
use super::routes::{self, ColRef, Field};
use super::tokens::words_of;
use super::words::Say;
use air_ir::{Agg, Comparison, Exists, Filter, ForeignKey, Op, Operand, Subject};

impl Build<'_> {
    pub(super) fn existing(&mut self, clause: &NullClause) -> Option<usize> {
        self.mark(clause.chunk);
        let children = self.lexicon.routes.children(self.root);
        let names = &self.chunks.get(clause.chunk)?.names;
        let child = names.iter().find_map(|c| match c.target {
            Target::Table(t) if children.iter().any(|h| h.table == t) => Some(t),
            _ => None,
        });
        let Some(child) = child else {
            let word = self.text(clause.chunk).to_owned();
            self.reasons.push(format!("{} has no \"{word}\".", self.table_name(self.root)));
            self.missing.push(word);
            return None;
        };
        self.start();
        let via = self.via(clause.chunk, child);
        let times = self.times_of(clause, child);
        let filters = self.filters_of(clause, child, &times);
        let entity = self.table_name(child);
        let exists = Filter::Exists(Exists { entity, filters, via, of: None });
        if !clause.present && self.asks_for_groups() {
            self.having_none(clause.chunk, exists);
            return None;
        }
        let filter = if clause.present { exists } else { Filter::Not(Box::new(exists)) };
        let share = self.shares();
        self.condition(filter, share);
        None
    }

    /// Which of several keys leads to the related rows: "no flights to them"; asked back where the
    /// word after the rows does not say so.
    fn via(&mut self, noun: usize, child: usize) -> Option<String> {
        let table = self.catalog.tables.get(child)?;
        let keys = self.lexicon.routes.children(self.root);
        let keys = keys.iter().filter(|h| h.table == child);
        let keys: Vec<&ForeignKey> = keys.filter_map(|h| table.foreign_keys.get(h.key)).collect();
        if keys.len() < 2 {
            return None;
        }
        let after = self.chunks.iter().skip(noun + 1).find(|c| !c.is_filler());
        let word = after.filter(|c| c.say() == Some(Say::Prep)).map(|c| words_of(&c.text));
        let leads = |key: &&&ForeignKey| {
            let columns = key.columns.iter().filter_map(|c| table.column(c));
            let mut said = columns.flat_map(|c| &c.synonyms);
            word.as_ref().is_some_and(|word| said.any(|s| words_of(s).ends_with(word)))
        };
        let said: Vec<&&ForeignKey> = keys.iter().filter(leads).collect();
        if let [only] = said[..] {
            return Some(role_of(only));
        }
        let (rows, own) = (self.text(noun).to_owned(), self.table_name(self.root));
        let choice = |key: &&ForeignKey| {
            let role = role_of(key);
            Choice::new(&role, &format!("the {rows} whose {role} is one of the {own}"))
        };
        let choices: Vec<Choice> = keys.iter().map(choice).collect();
        let recommended = choices.first().map(|c| c.value.clone())?;
        let text = format!("Which {rows} are meant?");
        Some(self.asked.choose(&id_of("via", &rows), &text, choices, &recommended))
    }

    /// "which countries had no orders" asks for groups of the main table's rows, not for rows.
    fn asks_for_groups(&self) -> bool {
        let column = |what: GroupClause| match what {
            GroupClause::Name(at) => self.names_root(at) <= 0.6,
            GroupClause::Bucket(_) | GroupClause::Part(_) => true,
        };
        let clauses = self.clauses;
        clauses.measures.is_empty() && clauses.groups.iter().any(|g| g.which && column(g.what))
    }

    /// Groups none of whose rows has such related rows.
    fn having_none(&mut self, noun: usize, exists: Filter) {
        let name = format!("with_{}", self.text(noun));
        let count = super::measures::aggregate(Agg::Count, None, None);
        let metric = self.metric(&name, count, Some(exists));
        let value = Operand::One(super::filters::number(0.0));
        let subject = Subject::Metric(metric);
        self.ir.having.push(Filter::Compare(Comparison { subject, op: Op::Eq, value }));
    }

    /// The conditions on the related rows, read as if they were what the question is about.
    fn filters_of(
        &mut self,
        clause: &NullClause,
        child: usize,
        times: &[TimeClause],
    ) -> Vec<Filter> {
        let ir = std::mem::replace(&mut self.ir, empty_ir());
        let (root, time) = (std::mem::replace(&mut self.root, child), self.time.take());
        let (numerator, parts) =
            (std::mem::take(&mut self.numerator), std::mem::take(&mut self.parts));
        let placed = std::mem::take(&mut self.placed);
        self.find_time();
        for at in &clause.adjectives {
            self.bare_name(*at);
        }
        self.values(&clause.values, false);
        self.times_that(times);
        let inner = std::mem::replace(&mut self.ir, ir);
        let mut filters = inner.filters;
        filters.append(&mut std::mem::replace(&mut self.numerator, numerator));
        let in_parts = !std::mem::replace(&mut self.parts, parts).is_empty();
        (self.root, self.time, self.placed) = (root, time, placed);
        self.learn_reach();
        let groups = !inner.dimensions.is_empty();
        if in_parts || groups || inner.entities.len() > 1 || !inner.joins.is_empty() {
            let word = self.text(clause.chunk).to_owned();
            self.reasons.push(format!(
                "Of the {word} that are there or not, only what stands in their own table can be \
                 asked for, and whole periods."
            ));
            self.missing.push(word);
        }
        let entity = self.table_name(child);
        filters.iter_mut().for_each(|f| qualified(f, &entity));
        filters
    }

    /// The phrases of time that say when the related rows were.
    fn times_of(&mut self, clause: &NullClause, child: usize) -> Vec<TimeClause> {
        let dated =
            |b: &Self, table: usize| !root::time_fields(b.catalog, b.lexicon, table).is_empty();
        if !dated(self, child) {
            return Vec::new();
        }
        let own = dated(self, self.root);
        let bucket = |g: &Grouped| matches!(g.what, GroupClause::Bucket(_) | GroupClause::Part(_));
        if own && self.clauses.groups.iter().any(bucket) {
            let (rows, table) = (self.text(clause.chunk).to_owned(), self.table_name(self.root));
            self.missing.push("time".to_owned());
            self.reasons.push(format!(
                "It is not known whether the groups of time are those of the {rows} or of the \
                 {table}."
            ));
        }
        let mut taken = Vec::new();
        let clauses = self.clauses;
        for time in &clauses.times {
            let used = self.used.get(time.chunk).copied().unwrap_or(true);
            let compared = self.compared_clause().is_some_and(|c| c.chunk == time.chunk);
            if used || compared || self.said_when(time).is_some() {
                continue;
            }
            if self.stands_beside(clause.chunk, time.chunk)
                || !own
                || self.asks_whose(time, clause.chunk)
            {
                self.mark(time.chunk);
                taken.push(time.clone());
            }
        }
        taken
    }

    /// "orders in 2023 or 2024": nothing but times stands between.
    fn stands_beside(&self, noun: usize, time: usize) -> bool {
        let between = self.chunks.get(noun + 1..time);
        between.is_some_and(|chunks| {
            chunks.iter().all(|c| {
                c.is_filler()
                    || matches!(c.kind, Kind::Time(_))
                    || matches!(c.say(), Some(Say::And | Say::Or))
            })
        })
    }

    /// Whether a time belongs to the related rows; asked back.
    fn asks_whose(&mut self, time: &TimeClause, noun: usize) -> bool {
        let (when, rows) = (self.text(time.chunk).to_owned(), self.text(noun).to_owned());
        let own = self.table_name(self.root);
        let choices = vec![
            Choice::new("related", &format!("the {rows} {when}")),
            Choice::new("own", &format!("the {own} {when}")),
        ];
        let text = format!("What does \"{when}\" date?");
        self.asked.choose(&id_of("dated", &when), &text, choices, "related") == "related"
    }

    /// "customers who joined in 2023": the column of the main table that the word before a time
    /// names, by the word in front of `on` or `at` in its name.
    pub(super) fn said_when(&self, time: &TimeClause) -> Option<(usize, ColRef)> {
        let before = self.chunks.get(..time.chunk)?;
        let last = before.iter().rposition(|c: &Chunk| !c.is_filler())?;
        // "placed" changes nothing, but may be what a column is called by.
        (last..time.chunk).rev().find_map(|at| Some((at, self.dated_by(at)?)))
    }

    /// The column of the main table that a verb names: `joined_on` of "joined".
    fn dated_by(&self, at: usize) -> Option<ColRef> {
        let said = self.text(at).to_lowercase();
        let columns = &self.catalog.tables.get(self.root)?.columns;
        let mut found = columns.iter().filter(|c| {
            let words = words_of(&c.name);
            let named = matches!(&words[..], [verb, on] if *verb == said
                && matches!(on.as_str(), "on" | "at" | "date" | "time"));
            named && c.data_type.is_temporal()
        });
        let column = found.next().filter(|_| found.next().is_none())?;
        routes::named(self.catalog, self.root, &column.name)
    }

    /// The field of [`Self::said_when`], whose word is then understood.
    pub(super) fn said_field(&mut self, time: &TimeClause) -> Option<Field> {
        let (at, col) = self.said_when(time)?;
        self.mark(at);
        Some(Field { hops: Vec::new(), col })
    }
}

/// Names the entity of every field of a condition.
fn qualified(filter: &mut Filter, entity: &str) {
    match filter {
        Filter::All(list) | Filter::Any(list) => {
            list.iter_mut().for_each(|f| qualified(f, entity));
        }
        Filter::Not(inner) => qualified(inner, entity),
        Filter::Compare(Comparison { subject: Subject::Field(field), .. }) => {
            *field = format!("{entity}.{field}");
        }
        Filter::Exists(_) | Filter::Compare(_) => {}
    }
}
