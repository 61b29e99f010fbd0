//! Rows of another table that must be there, or must not, and what they are like.
//!
//! "customers without open orders", "agents with escalated tickets": the word before the noun says
//! something of the orders, not of the customers.

use super::{GroupClause, NullClause, Reader, State, ValueClause};
use crate::ask::lexicon::Target;
use crate::ask::words::Say;

impl Reader<'_> {
    /// "delayed flights", "paid unshipped orders": where columns describe the table that follows,
    /// the table.
    pub(super) fn described(&self, at: usize) -> Option<usize> {
        let column = matches!(self.chunk(at)?.names.first()?.target, Target::Column(_));
        let next = at + 1;
        let turned = usize::from(self.say(next) == Some(Say::Turn));
        match self.is_table(next) {
            Some(_) => column.then_some(next),
            None if column && self.chunk(next + turned)?.flag => self.described(next + turned),
            None => None,
        }
    }

    /// Takes in the truth values that describe the table at the place that is returned; where
    /// none do, that is the place given.
    pub(super) fn past_flags(&mut self, from: usize) -> usize {
        let first = from + usize::from(self.say(from) == Some(Say::Turn));
        if !self.chunk(first).is_some_and(|c| c.flag) {
            return from;
        }
        let Some(noun) = self.described(first) else { return from };
        for at in first..noun {
            if self.say(at) == Some(Say::Turn) {
                continue;
            }
            self.out.bare.push(at);
            if at > 0 && self.say(at - 1) == Some(Say::Turn) {
                self.out.turned.push(at);
            }
        }
        noun
    }

    /// A name of something that must be there, or must not. What is not true of a row that must
    /// be there ("with unpaid orders") is said of it alone.
    pub(super) fn there(&mut self, at: usize) {
        let present = self.state.with && !self.state.without;
        let negated = self.take_not();
        // "with not paid orders" turns the paying round, "not having paid orders" the having.
        let leads = |lead: &usize| matches!(self.say(*lead), Some(Say::With | Say::Without));
        let lead = (0..at).rev().find(leads);
        let inside = self.state.heard.is_some_and(|not| lead.is_some_and(|lead| not > lead));
        let flag = inside && self.chunk(at).is_some_and(|c| c.flag);
        if negated && flag {
            self.out.turned.push(at);
        }
        self.out.nulls.push(NullClause::new(at, present != (negated && !flag)));
        self.state = State::default();
    }

    /// Moves what was read of a noun's adjectives into the clause of the noun.
    pub(super) fn described_rows(&mut self) {
        for at in 0..self.out.nulls.len() {
            let adjective = self.out.nulls[at].chunk;
            let noun = self.described(adjective).filter(|noun| self.is_of_others(*noun));
            if let Some(noun) = noun {
                self.out.bare.retain(|b| !(adjective..=noun).contains(b));
                let names: Vec<usize> = (adjective..noun).filter(|n| self.name_at(*n)).collect();
                self.out.nulls[at].adjectives.extend(names);
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

    pub(super) fn is_table(&self, at: usize) -> Option<usize> {
        match self.chunk(at)?.names.first()?.target {
            Target::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether the question is about rows of another table than the one named here.
    pub(super) fn is_of_others(&self, noun: usize) -> bool {
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
