//! Clauses of measures, groups and rankings.

use super::{GroupClause, Grouped, MeasureClause, Reader, State, SuperClause};
use crate::ask::chunks::Kind;
use crate::ask::values::Fit;
use crate::ask::words::{End, Say};
use air_ir::{Agg, Grain, Unit};

impl Reader<'_> {
    /// Whether a measure starts here by one of its words.
    pub(super) fn measure_at(&self, at: usize) -> bool {
        let number = self.number_at(at).is_some() && self.say(at + 1) == Some(Say::Percentile);
        number
            || matches!(
                self.say(at),
                Some(Say::Agg(_) | Say::CountOf | Say::Rows | Say::Distinct | Say::Percentile)
            )
    }

    /// "average [number of] [distinct] X", "how many X", "95th percentile of X".
    pub(super) fn measure(&mut self, ordering: bool) {
        let start = self.at;
        let (mut clause, mut at) = self.measure_words(ordering);
        at = self.past_flags(at);
        if let Some(noun) = self.described(at).filter(|_| self.name_at(at)) {
            self.out.bare.push(at);
            at = noun;
        }
        if self.name_at(at) || self.column_named_like_a_word(at) {
            clause.name = Some(at);
            at += 1;
        } else if !clause.rows {
            let plain = clause.count && clause.name.is_none() && clause.agg.is_none();
            if !plain && at == start + 1 && self.chunk(start).is_some_and(|c| !c.names.is_empty()) {
                // A column that is called "total".
                clause = MeasureClause { name: Some(start), ordering, ..Default::default() };
            } else if self.second_of_list(&clause, at, ordering) {
                return;
            }
        }
        // "number of flights and distinct planes": the second has its own words.
        self.out.measures.push(clause);
        self.at = at;
        self.state = State { after_measure: !ordering, ..State::default() };
        let next = self.content(at);
        if matches!(self.say(next), Some(Say::Cmp(_) | Say::Between)) {
            self.at = next;
            self.comparison(Some(self.out.measures.len() - 1));
        }
    }

    /// "when was the last order": the rows stand after the word.
    pub(super) fn moment(&mut self, agg: Agg) {
        let name = self.content(self.at + 1);
        let clause =
            MeasureClause { agg: Some(agg), moment: true, name: Some(name), ..Default::default() };
        self.out.measures.push(clause);
        self.at = name + 1;
        self.state = State { after_measure: true, ..State::default() };
    }

    /// The words of a measure before its name, and where they end.
    fn measure_words(&self, ordering: bool) -> (MeasureClause, usize) {
        let mut clause =
            MeasureClause { ordering, share: self.out.share.is_some(), ..Default::default() };
        let mut at = self.at;
        while let Some(chunk) = self.chunk(at) {
            match chunk.kind.clone() {
                Kind::Say(Say::Agg(agg)) if clause.agg.is_none() => clause.agg = Some(agg),
                Kind::Say(Say::Percentile) => {
                    clause.agg = Some(Agg::Percentile);
                    if let Some(n) = self.number_at(at + 1) {
                        clause.p = Some(n / 100.0);
                        at += 1;
                    }
                }
                Kind::Number(n) if self.say(at + 1) == Some(Say::Percentile) => {
                    clause.p = Some(n / 100.0)
                }
                Kind::Say(Say::CountOf) => clause.count = true,
                Kind::Say(Say::Distinct) => clause.distinct = true,
                Kind::Say(Say::Rows) => {
                    clause.rows = true;
                    clause.count = true;
                    at += 1;
                    break;
                }
                Kind::Say(Say::Adverb(unit)) => clause.each = Some(unit),
                Kind::Say(Say::Filler | Say::Prep)
                    if chunk.is_filler() || chunk.text.eq_ignore_ascii_case("of") => {}
                _ => break,
            }
            at += 1;
        }
        (clause, at)
    }

    /// "average and median delay": the name comes with the last aggregate.
    fn second_of_list(&mut self, first: &MeasureClause, at: usize, ordering: bool) -> bool {
        let next = self.content(at + 1);
        if self.say(at) != Some(Say::And)
            || !matches!(self.say(next), Some(Say::Agg(_) | Say::Percentile))
        {
            return false;
        }
        self.at = next;
        let place = self.out.measures.len();
        self.measure(ordering);
        let name = self.out.measures.get(place).and_then(|m| m.name);
        let count = self.out.measures.get(place).is_some_and(|m| m.count);
        self.out.measures.insert(place, MeasureClause { name, count, ..first.clone() });
        for compare in &mut self.out.compares {
            compare.measure = compare.measure.map(|m| if m >= place { m + 1 } else { m });
        }
        true
    }

    fn column_named_like_a_word(&self, at: usize) -> bool {
        let agg = matches!(self.say(at), Some(Say::Agg(_) | Say::Share));
        agg && self.chunk(at).is_some_and(|c| !c.names.is_empty())
    }

    /// "share of flights …": the measure that follows is set against its whole.
    pub(super) fn share(&mut self) {
        let next = self.past_of(self.at + 1);
        let next = self.past_flags(next);
        self.out.share = Some(self.at);
        if self.say(self.content(self.at + 1)) == Some(Say::Per) {
            self.out.share_each = Some(self.out.groups.len());
        }
        if let (Some(Say::Agg(Agg::Sum)), true) =
            (self.say(next), self.name_at(self.past_of(next + 1)))
        {
            self.at = next;
            self.measure(false);
        } else if self.name_at(next) && !self.value_at(next) {
            let noun = self.described(next);
            if noun.is_some() {
                self.out.bare.push(next);
            }
            let name = noun.unwrap_or(next);
            self.out.measures.push(MeasureClause {
                name: Some(name),
                share: true,
                ..Default::default()
            });
            self.at = name + 1;
        }
        let next = self.content(self.at);
        if matches!(self.say(next), Some(Say::Unit(_))) {
            self.at = next;
        }
    }

    /// "difference between the average X and the average Y": two measures, one less the other.
    /// False where the words after it are no measures.
    pub(super) fn difference(&mut self) -> bool {
        let between = self.content(self.at + 1);
        let first = self.content(between + 1);
        if self.say(between) != Some(Say::Between) || !self.measure_at(first) {
            return false;
        }
        let (word, before) = (self.at, self.out.measures.len());
        self.at = first;
        self.measure(false);
        let and = self.content(self.at);
        let second = self.content(and + 1);
        if self.out.measures.len() != before + 1
            || self.say(and) != Some(Say::And)
            || !self.measure_at(second)
        {
            // Half of it is nothing: the word is told as one that was not understood.
            self.out.unknown.push((word, None));
            return true;
        }
        self.at = second;
        self.measure(false);
        self.out.difference = Some((before, before + 1));
        true
    }

    pub(super) fn superlative(&mut self, end: End) {
        let chunk = self.at;
        let mut next = self.content(self.at + 1);
        let n = self.whole_at(next);
        if n.is_some() {
            next = self.content(next + 1);
        }
        let word = self.chunk(chunk).map(|c| c.text.to_lowercase()).unwrap_or_default();
        let of_group = n.is_some() || matches!(word.as_str(), "top" | "bottom" | "busiest");
        let mut clause =
            SuperClause { chunk, end, n, name: None, of_group, busiest: word == "busiest" };
        next = self.past_flags(next);
        self.at = next;
        if self.measure_at(next) {
            self.measure(false);
        } else if let Some(Say::Unit(unit)) = self.say(next) {
            self.push_group(GroupClause::Bucket(Grain::one(unit)), false, true);
            self.at = next + 1;
        } else if let Some(Say::Part(part)) = self.say(next) {
            self.push_group(GroupClause::Part(part), false, true);
            self.at = next + 1;
        } else if self.say(next) == Some(Say::Share) {
            self.share();
        } else if self.name_at(next) && !self.value_at(next) {
            clause.name = Some(next);
            self.at = next + 1;
        }
        self.out.supers.push(clause);
    }

    /// "which airline", "which 5 airlines", "which month".
    pub(super) fn which(&mut self) {
        let next = self.content(self.at + 1);
        let n = self.whole_at(next);
        let first = if n.is_some() { self.content(next + 1) } else { next };
        let name = self.past_flags(first);
        match self.say(name) {
            Some(Say::Unit(unit)) => {
                self.push_group(GroupClause::Bucket(Grain::one(unit)), false, true);
                self.out.limit = n.or(self.out.limit);
                self.at = name + 1;
            }
            Some(Say::Part(part)) => {
                self.push_group(GroupClause::Part(part), false, true);
                self.out.limit = n.or(self.out.limit);
                self.at = name + 1;
            }
            _ if self.name_at(name) && !self.value_at(name) => {
                let adjacent = first <= self.at + 1 + usize::from(n.is_some());
                if adjacent {
                    self.push_group(GroupClause::Name(name), false, true);
                    self.out.limit = n.or(self.out.limit);
                    self.at = name + 1;
                    self.state = State::default();
                }
            }
            _ => {}
        }
    }

    pub(super) fn push_group(&mut self, what: GroupClause, per: bool, which: bool) {
        self.out.groups.push(Grouped { what, per, which, by: !which });
    }

    /// "by X, Y and Z", "per month", "every 15 minutes"; "by number of X" is a measure to order by.
    pub(super) fn group(&mut self, per: bool) {
        let mut at = self.content(self.at + 1);
        if matches!(self.say(at), Some(Say::Cmp(_) | Say::Between)) {
            self.at = at;
            return;
        }
        if self.measure_at(at) || self.say(at) == Some(Say::Share) {
            self.at = at;
            return match self.measure_at(at) {
                true => self.measure(true),
                false => self.share(),
            };
        }
        if self.say(at) == Some(Say::Super(End::High)) || self.say(at) == Some(Say::Super(End::Low))
        {
            self.at = at;
            return;
        }
        if self.is_part_of_values(at) {
            self.at = at;
            return self.unknown();
        }
        at = self.past_flags(at);
        while let Some((what, len)) = self.group_item(at) {
            let by = !per;
            self.out.groups.push(Grouped { what, per, which: false, by });
            at += len;
            self.state = State { after_group: Some((per, by)), ..State::default() };
            let mut next = self.content(at);
            while matches!(self.say(next), Some(Say::And)) {
                next = self.content(next + 1);
            }
            let more = next > at && self.say(self.content(at)) == Some(Say::And);
            if !more || self.group_item(next).is_none() || self.name_then_compared(next) {
                break;
            }
            at = self.past_flags(next);
        }
        self.at = at.max(self.at + 1);
    }

    /// "by pilot", where nothing but longer values hold the word: it asks for a group that is not
    /// there, not for one of those.
    fn is_part_of_values(&self, at: usize) -> bool {
        self.value_at(at)
            && self.chunk(at).is_some_and(|c| {
                c.kind == Kind::Name
                    && c.text.starts_with(char::is_lowercase)
                    && c.values.iter().all(|hit| hit.fit >= Fit::Start)
            })
    }

    fn name_then_compared(&self, at: usize) -> bool {
        matches!(self.say(self.content(at + 1)), Some(Say::Cmp(_) | Say::Between))
            && self.name_at(at)
    }

    pub(super) fn group_item(&self, at: usize) -> Option<(GroupClause, usize)> {
        match self.chunk(at)?.kind {
            Kind::Say(Say::Unit(unit) | Say::Adverb(unit)) => {
                Some((GroupClause::Bucket(Grain::one(unit)), 1))
            }
            Kind::Say(Say::Part(part)) => Some((GroupClause::Part(part), 1)),
            Kind::Number(_) => match self.say(at + 1)? {
                Say::Unit(unit) => {
                    let n = u32::try_from(self.whole_at(at)?).ok()?;
                    Some((GroupClause::Bucket(Grain { n, unit }), 2))
                }
                _ => None,
            },
            Kind::Name if !self.value_at(at) && self.name_at(at) => {
                Some((GroupClause::Name(at), 1))
            }
            _ => None,
        }
    }

    /// "daily flights": a group; "average daily flights" is read with its measure.
    pub(super) fn adverb(&mut self, unit: Unit) {
        let next = self.content(self.at + 1);
        if let Some(Say::Agg(_)) = self.say(next) {
            self.out.adverb = Some(unit);
        }
        self.push_group(GroupClause::Bucket(Grain::one(unit)), false, false);
        self.at += 1;
    }

    /// A unit that nothing led to: part of a window ("moving average of 3 months" is read with
    /// its number), or the group of "and month" after another group.
    pub(super) fn lone_unit(&mut self, unit: Unit) {
        if let Some((per, _)) = self.state.after_group.filter(|_| self.state.and) {
            self.push_group(GroupClause::Bucket(Grain::one(unit)), per, false);
            self.at += 1;
            return;
        }
        self.unknown();
    }
}
