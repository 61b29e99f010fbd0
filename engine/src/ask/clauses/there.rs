//! Rows of another table that must be there, or must not, and what they are like.
//!
//! "customers without open orders", "agents with escalated tickets": the word before the noun says
//! something of the orders, not of the customers.

use super::{GroupClause, NullClause, Reader, ValueClause};
use crate::ask::lexicon::Target;

impl Reader<'_> {
    /// Moves what was read of a noun's adjectives into the clause of the noun.
    pub(super) fn described_rows(&mut self) {
        for at in 0..self.out.nulls.len() {
            let adjective = self.out.nulls[at].chunk;
            let noun = self.described(adjective).filter(|noun| self.is_of_others(*noun));
            if let Some(noun) = noun {
                self.out.bare.retain(|b| *b != noun);
                self.out.nulls[at].adjectives.push(adjective);
                self.out.nulls[at].chunk = noun;
            }
        }
        while let Some((from, to, noun)) = self.described_by_values() {
            let values: Vec<ValueClause> = self.out.values.drain(from..=to).collect();
            let present = values.first().and_then(|v| v.there).unwrap_or_default();
            let values = values.into_iter().map(|v| {
                let hints = v.hints.into_iter().filter(|h| *h != noun).collect();
                ValueClause { negated: false, there: None, hints, ..v }
            });
            self.out.bare.retain(|b| *b != noun);
            let clause = NullClause { values: values.collect(), ..NullClause::new(noun, present) };
            self.out.nulls.push(clause);
        }
    }

    /// The first values in a row that a "with" or "without" leads to a noun by.
    fn described_by_values(&self) -> Option<(usize, usize, usize)> {
        let values = &self.out.values;
        (0..values.len()).filter(|from| values[*from].there.is_some()).find_map(|from| {
            let more = values[from + 1..].iter().take_while(|v| v.joined && v.there.is_none());
            let to = from + more.count();
            let noun = values[to].chunk + 1;
            (self.is_table(noun).is_some() && self.is_of_others(noun)).then_some((from, to, noun))
        })
    }

    fn is_table(&self, at: usize) -> Option<usize> {
        match self.chunk(at)?.names.first()?.target {
            Target::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether the question is about rows of another table than the one named here.
    fn is_of_others(&self, noun: usize) -> bool {
        let mut about: Vec<usize> = self.out.measures.iter().filter_map(|m| m.name).collect();
        if about.is_empty() {
            about.extend(self.out.groups.iter().filter(|g| g.which).filter_map(|g| match g.what {
                GroupClause::Name(at) => Some(at),
                _ => None,
            }));
        }
        if about.is_empty() {
            about.extend(self.out.bare.iter().copied().find(|b| *b != noun));
        }
        let own = self.is_table(noun);
        !about.is_empty()
            && about.iter().all(|at| self.is_table(*at).is_some_and(|table| Some(table) != own))
    }
}
