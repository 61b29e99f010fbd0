//! Clauses that a number starts: "2 engines", "15 minutes or more", "3-month moving average".

use super::compare::is_unit_word;
use super::{CmpClause, GroupClause, NullClause, Reader, State, Such};
use crate::ask::chunks::Kind;
use crate::ask::lexicon::Target;
use crate::ask::words::Say;
use air_ir::{Grain, Op, Unit};

impl CmpClause {
    /// One of which nothing is said but what is compared with what.
    pub(super) fn new(op: Op, numbers: Vec<f64>, negated: bool, span: (usize, usize)) -> Self {
        let (unit, subject, measure, such) = (None, None, None, Such::default());
        Self { op, numbers, unit, subject, measure, negated, such, span }
    }

    /// Whether a count of 0 fits.
    pub(in crate::ask) fn fits_none(&self) -> bool {
        let fits = match (self.op, &self.numbers[..]) {
            (Op::Eq, [n]) => *n == 0.0,
            (Op::Ne, [n]) => *n != 0.0,
            (Op::Lt, [n]) => *n > 0.0,
            (Op::Le, [n]) => *n >= 0.0,
            (Op::Gt, [n]) => *n < 0.0,
            (Op::Ge, [n]) => *n <= 0.0,
            (Op::Between, [from, to]) => *from <= 0.0 && *to >= 0.0,
            _ => false,
        };
        fits != self.negated
    }

    /// Whether no other count than 0 fits, but for a "not".
    pub(in crate::ask) fn is_none(&self) -> bool {
        match (self.op, &self.numbers[..]) {
            (Op::Eq, [n]) => *n == 0.0,
            (Op::Lt, [n]) => *n > 0.0 && *n <= 1.0,
            (Op::Le, [n]) => (0.0..1.0).contains(n),
            (Op::Between, [from, to]) => *from <= 0.0 && (0.0..1.0).contains(to),
            _ => false,
        }
    }
}

impl CmpClause {
    /// Whether every count but 0 fits, but for a "not".
    fn is_any(&self) -> bool {
        match (self.op, &self.numbers[..]) {
            (Op::Ge, [n]) => *n > 0.0 && *n <= 1.0,
            (Op::Gt, [n]) => (0.0..1.0).contains(n),
            _ => false,
        }
    }
}

impl Reader<'_> {
    /// "customers with 0 orders" are customers without orders, where nothing but tables is named;
    /// "how many customers with at least one order" are those with orders.
    pub(super) fn none_of(&mut self) {
        let chunks = self.chunks;
        let table = |at: usize| match chunks.get(at)?.names.first()?.target {
            Target::Table(table) => Some(table),
            _ => None,
        };
        let groups = self.out.groups.iter().map(|g| match g.what {
            GroupClause::Name(at) => Some(at),
            _ => None,
        });
        let measures = self.out.measures.iter().map(|m| m.name);
        let bare = self.out.bare.iter().copied().map(Some);
        let named: Vec<Option<usize>> =
            groups.chain(measures).chain(bare).map(|at| at.and_then(table)).collect();
        let mut nulls = Vec::new();
        let counts = self.out.measures.iter().any(|m| m.count);
        self.out.compares.retain(|c| {
            let any = counts && c.is_any();
            let plain = (c.is_none() || any) && c.measure.is_none() && c.unit.is_none();
            let subject = c.subject.filter(|s| {
                let other = |t: usize| named.iter().all(|n| n.is_some_and(|n| n != t));
                plain && !named.is_empty() && table(*s).is_some_and(other)
            });
            nulls.extend(subject.map(|chunk| NullClause {
                adjectives: c.such.adjectives.clone(),
                values: c.such.values.clone(),
                ..NullClause::new(chunk, any != c.negated)
            }));
            subject.is_none()
        });
        self.out.nulls.append(&mut nulls);
    }

    /// A number that no word before it has taken.
    pub(super) fn number(&mut self) {
        let after = self.content(self.at + 1);
        if self.counted_name() {
            return;
        }
        if let (such, Some(noun)) = self.such(after)
            && (self.state.with || self.state.without)
        {
            let such = self.hear(such);
            return self.equal(noun, noun + 1, such);
        }
        let before = self.out.bare.last().copied().filter(|b| self.past_of(b + 1) == self.at);
        match self.say(after) {
            Some(Say::Unit(unit)) => self.span(unit, after),
            Some(Say::Super(end)) => {
                let n = self.whole_at(self.at);
                self.at = after;
                self.superlative(end);
                if let Some(last) = self.out.supers.last_mut() {
                    last.n = n;
                }
            }
            Some(Say::Percentile) => self.measure(false),
            _ if self.name_at(after) && self.is_ranked(after) => self.ranked(after),
            _ if self.name_at(after) => self.equal(after, after + 1, Such::default()),
            _ => match before {
                Some(subject) => {
                    self.out.bare.pop();
                    self.equal(subject, self.at + 1, Such::default());
                }
                None => self.unknown(),
            },
        }
    }

    /// "3 carriers with the most flights": whether what a number counts is put in an order.
    fn is_ranked(&self, name: usize) -> bool {
        let with = self.content(name + 1);
        let end = self.content(with + 1);
        self.say(with) == Some(Say::With) && matches!(self.say(end), Some(Say::Super(_)))
    }

    /// So many of the groups are asked for. Beside another figure it is not said of what.
    fn ranked(&mut self, name: usize) {
        let n = self.whole_at(self.at).filter(|_| self.out.measures.is_empty());
        match n {
            Some(n) => {
                self.push_group(GroupClause::Name(name), false, true);
                self.out.limit = Some(n);
                self.state = State::default();
                self.at = name + 1;
            }
            None => self.unknown(),
        }
    }

    /// "3 months": of a window.
    fn span(&mut self, unit: Unit, at: usize) {
        let n = self.whole_at(self.at).and_then(|n| u32::try_from(n).ok());
        self.out.window = n.map(|n| Grain { n, unit });
        if self.out.window.is_none() {
            self.out.unknown.push((self.at, None));
        }
        self.at = at + 1;
    }

    /// "2 engines", "engines 2".
    fn equal(&mut self, subject: usize, end: usize, such: Such) {
        let numbers = self.number_at(self.at).into_iter().collect();
        let negated = self.take_not() != self.state.without;
        let span = (subject.min(self.at), end - 1);
        let made = CmpClause::new(Op::Eq, numbers, negated, span);
        self.out.compares.push(CmpClause { subject: Some(subject), such, ..made });
        self.at = end;
        self.state = State::default();
    }

    /// "a delay of 15 minutes", "15 minutes or more", where a name stands before the number.
    pub(super) fn counted_name(&mut self) -> bool {
        let (at, number) = (self.at, self.number_at(self.at));
        let unit_at = self.content(at + 1);
        let unit = matches!(self.say(unit_at), Some(Say::Unit(_)))
            || self
                .chunk(unit_at)
                .is_some_and(|c| c.kind == Kind::Unknown && is_unit_word(&c.text));
        let end = if unit { unit_at + 1 } else { at + 1 };
        let op = match self.say(self.content(end)) {
            Some(Say::OrMore(op)) => Some(op),
            _ => None,
        };
        let subject = self
            .out
            .bare
            .last()
            .copied()
            .filter(|b| self.past_of(b + 1) == at || self.leads_to(*b, at));
        let (Some(number), true) = (number, op.is_some() || unit && subject.is_some()) else {
            return false;
        };
        if subject.is_some() {
            self.out.bare.pop();
        }
        let negated = self.take_not() != self.state.without;
        let unit = unit.then_some(unit_at);
        self.at = if op.is_some() { self.content(end) + 1 } else { end };
        let op = op.unwrap_or(Op::Eq);
        let span = (subject.unwrap_or(at), self.at - 1);
        let made = CmpClause::new(op, vec![number], negated, span);
        self.out.compares.push(CmpClause { unit, subject, ..made });
        self.state = State::default();
        true
    }
}
