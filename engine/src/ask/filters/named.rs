//! Values that a question names: "from JFK", "UA or AA", "except Toys".
//!
//! In: clauses of values. Out: filters with the values as the dictionary writes them. A value
//! that several columns hold, or that none holds, becomes a question.

use super::compare;
use crate::ask::build::Build;
use crate::ask::clauses::ValueClause;
use crate::ask::lexicon::Target;
use crate::ask::questions::{Choice, Reply, id_of};
use crate::ask::root;
use crate::ask::routes::{self, ColRef, Field};
use crate::ask::tokens::words_of;
use crate::ask::values::{Fit, Hit};
use crate::ask::words::Say;
use air_ir::{Filter, Op, Operand, Scalar};

/// A value of a field, and how well it fits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) field: Field,
    pub(crate) value: String,
    weight: f64,
    part: bool,
}

/// What a value clause came to.
struct Named {
    field: Field,
    values: Vec<String>,
    negated: bool,
    or: bool,
    joined: bool,
    /// The first and the last chunk of it.
    span: (usize, usize),
}

/// A filter, the chunks it comes from, and whether it is turned round.
type Made = (Filter, (usize, usize), bool);

/// The value of the choice that any of several values will do.
const ANY: &str = "any_of_them";

impl Build<'_> {
    /// All value clauses; `of_share`: they are conditions of a share's numerator.
    pub(crate) fn values(&mut self, clauses: &[ValueClause], of_share: bool) {
        let mut named: Vec<Named> = Vec::new();
        for clause in clauses {
            let list = named.last().filter(|_| clause.joined).map(|last| last.field.clone());
            let Some(found) = self.value(clause, list.as_ref()) else { continue };
            self.one_value(named.last(), &found);
            let same = |n: &&mut Named| n.field == found.field && n.negated == found.negated;
            match named.last_mut().filter(same).filter(|_| found.joined || !found.negated) {
                Some(last) => {
                    last.values.extend(found.values);
                    last.span.1 = last.span.1.max(found.span.1);
                }
                None => named.push(found),
            }
        }
        let mut any: Vec<Made> = Vec::new();
        for (i, one) in named.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|b| named.get(b));
            // "not X or Y" excludes both.
            let either = before.is_some_and(|b| !(b.negated && one.negated));
            if !(either && one.or && one.joined) {
                self.any_of(std::mem::take(&mut any), of_share);
            }
            any.push((self.value_filter(one), one.span, one.negated));
        }
        self.any_of(any, of_share);
    }

    /// "with status open and with status paid": no row has both, and it is not said that either
    /// will do.
    fn one_value(&mut self, before: Option<&Named>, found: &Named) {
        let Some(before) = before.filter(|b| b.field == found.field && b.values != found.values)
        else {
            return;
        };
        let between = self.chunks.get(before.span.1 + 1..found.span.0).unwrap_or_default();
        let again = between.iter().any(|c| c.say() == Some(Say::With));
        if again && !before.negated && !found.negated && !self.clauses.compare {
            let spelled = self.spelled(&found.field);
            self.reasons.push(format!("No row has two values of {spelled}. Join them by \"or\"."));
            self.missing.extend(found.values.iter().cloned());
        }
    }

    fn any_of(&mut self, any: Vec<Made>, of_share: bool) {
        let span = |of: &[Made]| Some((of.first()?.1.0, of.last()?.1.1));
        let Some(span) = span(&any) else { return };
        let turned = any.iter().any(|made| made.2);
        let mut filters: Vec<Filter> = any.into_iter().map(|made| made.0).collect();
        let filter = match filters.len() {
            1 => filters.remove(0),
            _ => Filter::Any(filters),
        };
        self.place(span, turned, |build| build.condition(filter, of_share));
    }

    fn value_filter(&mut self, named: &Named) -> Filter {
        let spelled = self.field(&named.field);
        if named.negated && self.column(named.field.col).is_some_and(|c| c.nullable) {
            self.asked.assume(format!("Rows without {spelled} are left out too."));
        }
        let mut values = named.values.clone();
        values.dedup();
        let scalars: Vec<Scalar> = values.into_iter().map(Scalar::Text).collect();
        match (&scalars[..], named.negated) {
            ([one], false) => compare(&spelled, Op::Eq, Operand::One(one.clone())),
            ([one], true) => compare(&spelled, Op::Ne, Operand::One(one.clone())),
            (_, false) => compare(&spelled, Op::In, Operand::Many(scalars)),
            (_, true) => compare(&spelled, Op::NotIn, Operand::Many(scalars)),
        }
    }

    /// `list`: the field of the value that this one is joined to.
    fn value(&mut self, clause: &ValueClause, list: Option<&Field>) -> Option<Named> {
        let hits = self.chunks.get(clause.chunk)?.values.clone();
        self.mark(clause.chunk);
        let text = self.text(clause.chunk).to_owned();
        if hits.is_empty() {
            let hint = clause.hints.first().copied();
            return self.unknown_value(&text, hint, clause);
        }
        let mut found = self.readings(&hits);
        if found.is_empty() {
            self.reasons
                .push(format!("\"{text}\" is not reached from {}.", self.table_name(self.root)));
            self.missing.push(text);
            return None;
        }
        self.by_hints(&mut found, &clause.hints);
        self.by_preposition(&mut found, clause.prep.as_deref());
        // "JFK and LGA" are values of one column, where one has both.
        let best = found.first().map_or(0.0, |r| r.weight);
        let listed = |r: &Reading| Some(&r.field) == list && r.weight > best - 0.045;
        if found.iter().any(listed) {
            found.retain(listed);
        }
        let hinted = clause.hints.iter().any(|at| self.used.get(*at).copied().unwrap_or(false));
        let (field, values) = self.choose_value(&text, found, hinted)?;
        Some(named(clause, (field, values)))
    }

    /// The fields, as seen from the main table, that hold the values met.
    pub(crate) fn readings(&self, hits: &[Hit]) -> Vec<Reading> {
        let mut found: Vec<Reading> = Vec::new();
        for hit in hits {
            for hops in self.lexicon.routes.between(self.root, hit.col.table) {
                let near = 1.0 - 0.03 * f64::from(u8::try_from(hops.len()).unwrap_or(u8::MAX));
                let field = routes::shortened(self.catalog, Field { hops, col: hit.col });
                if self.lacks(field.col, &hit.value) {
                    continue;
                }
                let fit = match hit.fit {
                    Fit::Exact => 1.0,
                    Fit::Folded => 0.97,
                    Fit::Start => 0.93,
                    Fit::Part => 0.88,
                };
                let reading = Reading {
                    field,
                    value: hit.value.clone(),
                    weight: near * fit,
                    part: hit.fit >= Fit::Start,
                };
                match found
                    .iter_mut()
                    .find(|r| r.field == reading.field && r.value == reading.value)
                {
                    Some(same) => same.weight = same.weight.max(reading.weight),
                    None => found.push(reading),
                }
            }
        }
        found.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.field.cmp(&b.field)));
        found
    }

    /// Whether a complete dictionary shows that a column has no such value.
    fn lacks(&self, col: ColRef, value: &str) -> bool {
        let dictionary = self.column(col).and_then(|c| c.values.as_ref());
        dictionary.is_some_and(|d| d.complete && !d.counts.contains_key(value))
    }

    /// Keeps the readings that a name beside the value speaks of.
    fn by_hints(&mut self, found: &mut Vec<Reading>, hints: &[usize]) {
        for hint in hints {
            let Some(chunk) = self.chunks.get(*hint) else { continue };
            let fields: Vec<Field> = root::fields(self.catalog, self.lexicon, self.root, chunk)
                .into_iter()
                .map(|f| f.0)
                .collect();
            let names = &chunk.names;
            let fits = |r: &Reading| {
                fields.contains(&r.field)
                    || r.field.hops.last().is_some_and(|hop| {
                        let key = self
                            .catalog
                            .tables
                            .get(hop.table)
                            .and_then(|t| t.foreign_keys.get(hop.key));
                        let column = key.and_then(|k| k.columns.first());
                        let col = column.and_then(|c| routes::named(self.catalog, hop.table, c));
                        names.iter().any(|n| {
                            n.weight > 0.8
                                && match n.target {
                                    Target::Role(role) => role == *hop,
                                    Target::Column(named) => Some(named) == col,
                                    Target::Table(table) => table == r.field.col.table,
                                    Target::RoleColumn(..) => false,
                                }
                        })
                    })
                    || names.iter().any(|n| n.weight > 0.8 && self.refers(r, n.target))
            };
            let kept: Vec<Reading> = found.iter().filter(|r| fits(r)).cloned().collect();
            if !kept.is_empty() {
                *found = kept;
                self.mark(*hint);
            }
        }
    }

    /// "the JFK airport": the column is a key to the table that was named.
    fn refers(&self, reading: &Reading, target: Target) -> bool {
        let Target::Table(table) = target else { return false };
        let owner = self.catalog.tables.get(reading.field.col.table);
        let name = self.column(reading.field.col).map(|c| c.name.as_str());
        let keys = owner.map(|t| t.foreign_keys.as_slice()).unwrap_or_default();
        keys.iter().enumerate().any(|(key, k)| {
            let hop = routes::Hop { table: reading.field.col.table, key };
            k.columns.iter().any(|c| Some(c.as_str()) == name)
                && self.lexicon.routes.target(hop) == Some(table)
        })
    }

    /// Keeps the readings whose column's names hold the preposition: "flying from", "bound for".
    fn by_preposition(&mut self, found: &mut Vec<Reading>, prep: Option<&str>) {
        // These say nothing of a direction, though "out of" and "bound for" end with them.
        let Some(prep) = prep.filter(|p| !matches!(*p, "of" | "for")) else { return };
        let takes = |r: &Reading| {
            let hop = r.field.hops.first();
            let key = hop.and_then(|h| self.catalog.tables.get(h.table)?.foreign_keys.get(h.key));
            let column = match (hop, key) {
                (Some(hop), Some(key)) => {
                    key.columns.first().and_then(|c| routes::named(self.catalog, hop.table, c))
                }
                _ => Some(r.field.col),
            };
            let Some(column) = column.and_then(|c| self.column(c)) else { return false };
            column.synonyms.iter().any(|s| ends_with_words(s, prep))
        };
        let kept: Vec<Reading> = found.iter().filter(|r| takes(r)).cloned().collect();
        if !kept.is_empty() {
            *found = kept;
        }
    }

    /// The field and the values that are meant. `hinted`: a name beside the value says which
    /// column is.
    fn choose_value(
        &mut self,
        text: &str,
        found: Vec<Reading>,
        hinted: bool,
    ) -> Option<(Field, Vec<String>)> {
        let best = found.first()?.clone();
        let equal: Vec<Reading> = found
            .iter()
            // Where in a longer value the words stand decides between columns, not between values.
            .filter(|r| {
                r.weight > best.weight - 0.045 || r.part && best.part && r.field == best.field
            })
            .cloned()
            .collect();
        // "at night" need not mean the team Night Shift, nor "Boston" the Boston Back Bay Station.
        let one_word = best.part && !hinted && !text.contains(char::is_whitespace);
        if equal.len() == 1 && one_word {
            let text_of = format!("Is \"{}\" meant by \"{text}\"?", best.value);
            return self.ask_value(text, &equal, &text_of, false);
        }
        if equal.len() == 1 {
            if best.part {
                self.doubt += 0.05;
                let spelled = self.spelled(&best.field);
                self.asked.assume(format!("\"{text}\" was read as {} ({spelled}).", best.value));
            }
            return Some((best.field, vec![best.value]));
        }
        self.ask_value(text, &equal, &format!("Which one is meant by \"{text}\"?"), true)
    }

    pub(crate) fn ask_value(
        &mut self,
        text: &str,
        among: &[Reading],
        question: &str,
        or_any: bool,
    ) -> Option<(Field, Vec<String>)> {
        let best = among.first()?.clone();
        let one_field = among.iter().all(|r| r.field == best.field);
        let value_of = |b: &Self, r: &Reading| {
            if one_field { r.value.clone() } else { format!("{}={}", b.spelled(&r.field), r.value) }
        };
        let mut choices: Vec<Choice> = among
            .iter()
            .take(6)
            .map(|r| {
                Choice::new(&value_of(self, r), &format!("{} ({})", r.value, self.said(&r.field)))
            })
            .collect();
        if or_any && one_field && best.part {
            choices.push(Choice::new(ANY, "Any of them"));
        }
        let id = id_of("value", text);
        let recommended = value_of(self, &best);
        let reply = self.asked.ask(&id, question, choices.clone(), &recommended);
        match reply {
            Reply::Choice(value) if value == ANY => {
                Some((best.field, among.iter().map(|r| r.value.clone()).collect()))
            }
            Reply::Choice(value) => {
                let chosen = among.iter().find(|r| value_of(self, r) == value).unwrap_or(&best);
                Some((chosen.field.clone(), vec![chosen.value.clone()]))
            }
            Reply::Free(words) => {
                let free = self.readings(&self.lexicon.values.text(&words));
                let chosen =
                    free.iter().find(|r| among.iter().any(|a| a.field == r.field)).or(free.first());
                if chosen.is_none() {
                    self.asked.put(
                        &id,
                        &format!("\"{words}\" is not known. {question}"),
                        choices,
                        &recommended,
                    );
                }
                let chosen = chosen.unwrap_or(&best);
                Some((chosen.field.clone(), vec![chosen.value.clone()]))
            }
        }
    }

    /// A word beside a column that its dictionary may not hold.
    fn unknown_value(
        &mut self,
        text: &str,
        hint: Option<usize>,
        clause: &ValueClause,
    ) -> Option<Named> {
        let found = self.unknown_word(text, hint, clause.prep.as_deref());
        found.map(|found| named(clause, found))
    }

    /// A value that no dictionary holds: taken as it is where a column without a complete
    /// dictionary is named, a question with the nearest where there are some, else missing.
    pub(crate) fn unknown_word(
        &mut self,
        text: &str,
        hint: Option<usize>,
        prep: Option<&str>,
    ) -> Option<(Field, Vec<String>)> {
        let field = hint.and_then(|h| {
            let chunk = self.chunks.get(h)?;
            let fields = root::fields(self.catalog, self.lexicon, self.root, chunk);
            fields
                .into_iter()
                .map(|f| f.0)
                .find(|f| self.column(f.col).is_some_and(|c| c.data_type == air_ir::DataType::Text))
        });
        if let (Some(field), Some(hint)) = (&field, hint) {
            let dictionary = self.column(field.col).and_then(|c| c.values.as_ref());
            if !dictionary.is_some_and(|d| d.complete) {
                self.mark(hint);
                let spelled = self.spelled(field);
                self.doubt += 0.1;
                self.asked.assume(format!(
                    "\"{text}\" is taken as a value of {spelled}, whose values are not all known."
                ));
                return Some((field.clone(), vec![text.to_owned()]));
            }
        }
        let of: Vec<ColRef> = field.iter().map(|f| f.col).collect();
        let near = self.readings(&self.lexicon.values.near(text, &of));
        let near: Vec<Reading> = match &field {
            Some(field) => near.into_iter().filter(|r| r.field == *field).collect(),
            None => near,
        };
        let mut near = near;
        self.by_preposition(&mut near, prep);
        let shown: Vec<Reading> = near.into_iter().take(5).collect();
        if shown.is_empty() {
            self.missing.push(text.to_owned());
            let place = field.as_ref().map_or("the data".to_owned(), |f| self.spelled(f));
            self.reasons.push(format!("\"{text}\" is not among the values of {place}."));
            return None;
        }
        if let Some(hint) = hint {
            self.mark(hint);
        }
        let question = format!("\"{text}\" is not in the data. Which of the nearest is meant?");
        self.ask_value(text, &shown, &question, false)
    }
}

fn named(clause: &ValueClause, (field, values): (Field, Vec<String>)) -> Named {
    let chunks = || clause.hints.iter().copied().chain([clause.chunk]);
    let first = chunks().min().unwrap_or(clause.chunk);
    let span = (first, chunks().max().unwrap_or(clause.chunk));
    let ValueClause { negated, or, joined, .. } = *clause;
    Named { field, values, negated, or, joined, span }
}

fn ends_with_words(phrase: &str, ending: &str) -> bool {
    let (phrase, ending) = (words_of(phrase), words_of(ending));
    phrase.ends_with(&ending)
}
