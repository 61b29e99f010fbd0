//! Clauses of comparison: "delayed more than 30 minutes", "at least 200 seats", "more than 3 unpaid
//! orders", "sold at least twice".

use super::{CmpClause, Reader, State, Such, ValueClause};
use crate::ask::chunks::Kind;
use crate::ask::words::Say;
use air_ir::Op;

impl Reader<'_> {
    /// A comparison whose word stands at the current chunk. `measure` is the measure named just
    /// before it, if one was.
    pub(super) fn comparison(&mut self, measure: Option<usize>) {
        let word = self.at;
        let Some((op, numbers, end)) = self.operands(word) else {
            if !self.pair() {
                self.not_a_comparison();
            }
            return;
        };
        let negated = self.take_not() != self.state.without;
        let before = self.out.bare.last().copied().filter(|b| self.leads_to(*b, word));
        if let Some(end) = self.times_end(word, end) {
            return self.so_often(CmpClause::new(op, numbers, negated, (word, end)), before);
        }
        let unit_at = self.content(end);
        let unit = self.unit_at(unit_at).then_some(unit_at);
        let mut next = unit.map_or(end, |u| u + 1);
        let (such, noun) = self.such(self.past_of(next));
        let after = noun.unwrap_or_else(|| self.past_of(next));
        let named_after =
            self.name_at(after) && !self.value_at(after) && !self.followed_by_cmp(after);
        let is_column = |at: usize| self.is_column(at);
        // "fly to more than 50 destinations": the verb is only another form of a name.
        let weak = |at: usize| self.chunk(at).is_some_and(|c| c.weight() < 0.8);
        // "how many customers have more than 3 orders": the orders are compared, not the customers.
        let counted = |m: usize| self.out.measures.get(m).is_some_and(|m| m.count);
        let of_each = named_after
            && measure.is_some_and(counted)
            && self.is_table(after).is_some()
            && self.is_of_others(after);
        let subject = match (before, measure) {
            (_, Some(_)) if of_each => {
                next = after + 1;
                Some(after)
            }
            (_, Some(_)) if !(named_after && is_column(after)) => None,
            // A unit counts something of the rows, not the rows.
            (Some(before), None) if !named_after && unit.is_some() && !is_column(before) => None,
            (Some(before), None) if !named_after || is_column(before) && !weak(before) => {
                self.out.bare.pop();
                Some(before)
            }
            _ if named_after => {
                next = after + 1;
                Some(after)
            }
            _ => None,
        };
        // A count has no unit: "flights longer than 3 hours" compares something else.
        let counts =
            |m: &usize| self.out.measures.get(*m).is_some_and(|m| m.count || m.agg.is_none());
        let measure = measure.filter(|m| subject.is_none() && !(unit.is_some() && counts(m)));
        let such = if subject == noun { self.hear(such) } else { Such::default() };
        let span = (subject.unwrap_or(word).min(word), next - 1);
        let made = CmpClause::new(op, numbers, negated, span);
        self.out.compares.push(CmpClause { unit, subject, measure, such, ..made });
        self.at = next;
        self.state = State::default();
    }

    /// "twice", "5 times": where the count of something ends, if it is one.
    fn times_end(&self, word: usize, end: usize) -> Option<usize> {
        let text = |at: usize| self.chunk(at).map(|c| c.text.to_lowercase()).unwrap_or_default();
        if end > word + 1 && how_often(&text(end - 1)).is_some() {
            return Some(end - 1);
        }
        (text(end) == "times").then_some(end)
    }

    /// "products sold at least twice": the word before counts its rows.
    fn so_often(&mut self, clause: CmpClause, before: Option<usize>) {
        let subject = before.filter(|at| self.is_table(*at).is_some());
        if subject.is_some() {
            self.out.bare.pop();
        }
        let (first, last) = clause.span;
        let (span, unit) = ((subject.unwrap_or(first), last), Some(last));
        self.out.compares.push(CmpClause { subject, unit, span, ..clause });
        self.at = last + 1;
        self.state = State::default();
    }

    /// "3 unpaid orders", "2 high priority tickets": what the words before a noun say of its rows,
    /// and the noun. Without such words, nothing.
    pub(super) fn such(&self, from: usize) -> (Such, Option<usize>) {
        let (mut such, mut at) = (Such::default(), from);
        while let Some(chunk) = self.chunk(at).filter(|_| self.is_table(at).is_none()) {
            if chunk.flag {
                such.adjectives.push(at);
            } else if self.value_at(at) {
                such.values.push(self.value_before_noun(at));
            } else if self.is_column(at)
                && at > from
                && self.value_at(at - 1)
                && let Some(value) = such.values.last_mut()
            {
                value.hints.push(at);
            } else if chunk.say() != Some(Say::Turn) {
                return (Such::default(), None);
            }
            at += 1;
        }
        match self.is_table(at).filter(|_| !such.is_empty()) {
            Some(_) => (such, Some(at)),
            None => (Such::default(), None),
        }
    }

    /// Notes which of the adjectives are turned round.
    pub(super) fn hear(&mut self, such: Such) -> Such {
        let turn = |at: &usize| *at > 0 && self.say(*at - 1) == Some(Say::Turn);
        let turned: Vec<usize> = such.adjectives.iter().copied().filter(turn).collect();
        self.out.turned.extend(turned);
        such
    }

    fn value_before_noun(&self, chunk: usize) -> ValueClause {
        let (prep, hints, there) = (None, Vec::new(), None);
        ValueClause { chunk, negated: false, prep, hints, or: false, joined: false, there }
    }

    /// Whether a name stands just before a comparison, at most with "by" between.
    pub(super) fn leads_to(&self, name: usize, word: usize) -> bool {
        let next = self.content(name + 1);
        next == word || self.say(next) == Some(Say::By) && self.content(next + 1) == word
    }

    fn followed_by_cmp(&self, at: usize) -> bool {
        matches!(self.say(self.content(at + 1)), Some(Say::Cmp(_) | Say::Between))
            && self.operands(self.content(at + 1)).is_some()
    }

    /// The operator and its numbers, and where they end.
    fn operands(&self, word: usize) -> Option<(Op, Vec<f64>, usize)> {
        let first = self.content(word + 1);
        if let (Some(Say::Unit(_)), Some(Say::Cmp(op)), true) =
            (self.say(first), self.say(word), first > word + 1)
        {
            // "over an hour"
            return Some((op, vec![1.0], first));
        }
        // "with at least one order": elsewhere the word counts nothing.
        let counted = (word + 1..first)
            .find(|at| self.chunk(*at).is_some_and(|c| c.text.eq_ignore_ascii_case("one")));
        if let (Some(at), Some(Say::Cmp(op)), None) =
            (counted, self.say(word), self.number_at(first))
        {
            return Some((op, vec![1.0], at + 1));
        }
        let often = self.chunk(first).and_then(|c| how_often(&c.text.to_lowercase()));
        let one = self.number_at(first).or(often)?;
        match self.say(word)? {
            Say::Cmp(op) => Some((op, vec![one], first + 1)),
            Say::Between => {
                let mut and = self.content(first + 1);
                if self.unit_at(and) {
                    and = self.content(and + 1);
                }
                let second = self.content(and + 1);
                let two = self.number_at(second).filter(|_| self.say(and) == Some(Say::And))?;
                Some((Op::Between, vec![one, two], second + 1))
            }
            _ => None,
        }
    }

    /// Whether a chunk says in what the number before it is counted.
    fn unit_at(&self, at: usize) -> bool {
        let Some(chunk) = self.chunk(at) else { return false };
        match chunk.kind {
            Kind::Say(Say::Unit(_)) => true,
            Kind::Say(Say::Share) => {
                chunk.text == "%" || chunk.text.eq_ignore_ascii_case("percent")
            }
            Kind::Unknown => is_unit_word(&chunk.text),
            _ => false,
        }
    }

    /// "over", "exactly", "= JFK" and the like without a number.
    fn not_a_comparison(&mut self) {
        match self.say(self.at) {
            Some(Say::Cmp(Op::Eq)) => {}
            Some(Say::Cmp(Op::Ne)) => self.turn(),
            _ => return self.unknown(),
        }
        self.at += 1;
    }
}

/// A number of times in one word.
fn how_often(word: &str) -> Option<f64> {
    Some(match word {
        "once" => 1.0,
        "twice" => 2.0,
        "thrice" => 3.0,
        _ => return None,
    })
}

/// Units of measure that need no column of their own name.
pub(in crate::ask) fn is_unit_word(text: &str) -> bool {
    const UNITS: &str = "min mins hrs h mi km kwh mwh wh m ft feet mile miles meters metres kg lb \
pounds euro euros eur usd dollars dollar mph kph degrees inches celsius fahrenheit seconds sec s \
percent gbp € $ £";
    UNITS.split_ascii_whitespace().any(|u| u.eq_ignore_ascii_case(text))
}
