//! Chunks to clauses: which words belong together.
//!
//! In: the chunks of a question, left to right. Out: measures, groups, comparisons, values, times
//! and the like, each naming its chunks by position. Which table or column a name stands for is
//! not decided here.

mod compare;
mod measure;
mod negation;
mod number;
mod pairs;
mod there;

pub(super) use compare::is_unit_word;

use super::chunks::{Chunk, Kind};
use super::time::{Moment, TimePhrase};
use super::words::{Beyond, End, Say};
use air_ir::{Agg, Grain, Op, Part, Unit};

/// A figure that is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct MeasureClause {
    pub(super) agg: Option<Agg>,
    pub(super) p: Option<f64>,
    pub(super) count: bool,
    pub(super) distinct: bool,
    pub(super) rows: bool,
    pub(super) name: Option<usize>,
    /// "average daily", "average number of … per day": of the totals of this unit.
    pub(super) each: Option<Unit>,
    /// When the first or the last of these rows was.
    pub(super) moment: bool,
    /// Named only to order by it.
    pub(super) ordering: bool,
    pub(super) share: bool,
}

/// What rows are grouped by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum GroupClause {
    Bucket(Grain),
    Part(Part),
    Name(usize),
}

/// A group and how it was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grouped {
    pub(super) what: GroupClause,
    /// "per", "for each": within which a ranking is made.
    pub(super) per: bool,
    /// "which carrier": what is asked for.
    pub(super) which: bool,
    pub(super) by: bool,
}

/// Numbers something is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CmpClause {
    pub(super) op: Op,
    pub(super) numbers: Vec<f64>,
    /// The word after the number.
    pub(super) unit: Option<usize>,
    pub(super) subject: Option<usize>,
    /// The measure that is compared, where one was named.
    pub(super) measure: Option<usize>,
    pub(super) negated: bool,
    /// What the rows that are counted must be like: "more than 3 unpaid orders".
    pub(super) such: Such,
    /// The first and the last chunk of it.
    pub(super) span: (usize, usize),
}

/// Two figures or times of a row that are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PairClause {
    pub(super) op: Op,
    /// The word that compares them.
    pub(super) word: usize,
    pub(super) left: usize,
    pub(super) right: usize,
    pub(super) negated: bool,
}

/// What the words before a noun say of its rows: names of truth values, and values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Such {
    pub(super) adjectives: Vec<usize>,
    pub(super) values: Vec<ValueClause>,
}

impl Such {
    pub(super) fn is_empty(&self) -> bool {
        self.adjectives.is_empty() && self.values.is_empty()
    }
}

/// A value something must have.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueClause {
    pub(super) chunk: usize,
    pub(super) negated: bool,
    pub(super) prep: Option<String>,
    /// Names beside the value that may say which column is meant.
    pub(super) hints: Vec<usize>,
    /// Joined to the value before by "or".
    pub(super) or: bool,
    /// Joined to the value before by "and", "or" or a comma.
    pub(super) joined: bool,
    /// After "with" or "having" (true), "without" or "no" (false).
    pub(super) there: Option<bool>,
}

/// Something that must be there, or must not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NullClause {
    pub(super) chunk: usize,
    pub(super) present: bool,
    /// What it must be like: "no escalated tickets", "without open orders".
    pub(super) adjectives: Vec<usize>,
    pub(super) values: Vec<ValueClause>,
}

impl NullClause {
    pub(super) fn new(chunk: usize, present: bool) -> Self {
        Self { chunk, present, adjectives: Vec::new(), values: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimeClause {
    pub(super) chunk: usize,
    pub(super) phrase: TimePhrase,
    pub(super) negated: bool,
}

/// A place in an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SuperClause {
    pub(super) chunk: usize,
    pub(super) end: End,
    pub(super) n: Option<u64>,
    pub(super) name: Option<usize>,
    /// "top", "busiest": what follows is the group, never the measure.
    pub(super) of_group: bool,
    pub(super) busiest: bool,
}

/// Everything a question says.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    pub(super) measures: Vec<MeasureClause>,
    pub(super) groups: Vec<Grouped>,
    pub(super) compares: Vec<CmpClause>,
    pub(super) pairs: Vec<PairClause>,
    pub(super) values: Vec<ValueClause>,
    pub(super) nulls: Vec<NullClause>,
    pub(super) times: Vec<TimeClause>,
    pub(super) supers: Vec<SuperClause>,
    /// Names that stand by themselves.
    pub(super) bare: Vec<usize>,
    /// Those of them with a "not" before.
    pub(super) turned: Vec<usize>,
    /// Every "not" that turned nothing round.
    pub(super) nots: Vec<usize>,
    /// Words that nothing knows, with the word before each.
    pub(super) unknown: Vec<(usize, Option<String>)>,
    /// Every "or" that joined no two things, so that it is not known what it says.
    pub(super) either: Vec<usize>,
    pub(super) share: Option<usize>,
    /// "the share of each X": which of the groups has shares.
    pub(super) share_each: Option<usize>,
    /// "the difference between X and Y": which of the measures.
    pub(super) difference: Option<(usize, usize)>,
    pub(super) on_average: bool,
    pub(super) compare: bool,
    pub(super) over: Option<Unit>,
    pub(super) growth: bool,
    pub(super) change: bool,
    pub(super) running: bool,
    pub(super) moving: bool,
    pub(super) window: Option<Grain>,
    pub(super) only: bool,
    pub(super) remove: bool,
    pub(super) instead: bool,
    pub(super) also: bool,
    pub(super) about: bool,
    pub(super) filters: bool,
    pub(super) list: bool,
    pub(super) ordered: bool,
    pub(super) order_by: Option<GroupClause>,
    pub(super) ascending: Option<bool>,
    pub(super) limit: Option<u64>,
    pub(super) beyond: Option<(Beyond, usize)>,
    pub(super) adverb: Option<Unit>,
}

/// Reads clauses from chunks.
pub(super) fn read(chunks: &[Chunk]) -> Clauses {
    let mut reader = Reader { chunks, at: 0, out: Clauses::default(), state: State::default() };
    while reader.at < chunks.len() {
        let before = reader.at;
        reader.step();
        reader.at = reader.at.max(before + 1);
    }
    reader.none_of();
    reader.described_rows();
    let on_average = reader.out.on_average;
    if let Some(measure) = reader.out.measures.first_mut().filter(|m| on_average && m.agg.is_none())
    {
        measure.agg = Some(Agg::Avg);
    }
    reader.out
}

/// What the words before say of the next name.
#[derive(Debug, Default, Clone)]
struct State {
    negated: bool,
    /// The "not" that says so, until it is heard, and then.
    not_at: Option<usize>,
    heard: Option<usize>,
    without: bool,
    without_at: Option<usize>,
    with: bool,
    or: bool,
    and: bool,
    prep: Option<String>,
    /// The last value was so many content chunks ago; lists of values have none between.
    after_value: bool,
    /// The last group was just read, so that "and X" goes on with groups.
    after_group: Option<(bool, bool)>,
    after_measure: bool,
    /// The last clause was a whole period.
    after_period: bool,
}

struct Reader<'a> {
    chunks: &'a [Chunk],
    at: usize,
    out: Clauses,
    state: State,
}

impl Reader<'_> {
    fn chunk(&self, at: usize) -> Option<&Chunk> {
        self.chunks.get(at)
    }

    fn say(&self, at: usize) -> Option<Say> {
        self.chunk(at).and_then(Chunk::say)
    }

    /// The next chunk from `at` on that is no filler.
    fn content(&self, mut at: usize) -> usize {
        while self.chunk(at).is_some_and(Chunk::is_filler) {
            at += 1;
        }
        at
    }

    /// The same, passing over "of" too.
    fn past_of(&self, mut at: usize) -> usize {
        while self.chunk(at).is_some_and(|c| c.is_filler() || c.text.eq_ignore_ascii_case("of")) {
            at += 1;
        }
        at
    }

    fn name_at(&self, at: usize) -> bool {
        self.chunk(at).is_some_and(|c| !c.names.is_empty() && matches!(c.kind, Kind::Name))
    }

    fn is_column(&self, at: usize) -> bool {
        use super::lexicon::Target;
        let target = self.chunk(at).and_then(|c| c.names.first()).map(|c| c.target);
        matches!(target, Some(Target::Column(_) | Target::RoleColumn(..)))
    }

    fn number_at(&self, at: usize) -> Option<f64> {
        match self.chunk(at)?.kind {
            Kind::Number(n) => Some(n),
            _ => None,
        }
    }

    fn whole_at(&self, at: usize) -> Option<u64> {
        let n = self.number_at(at).filter(|n| *n >= 1.0 && n.fract() == 0.0)?;
        format!("{n}").parse().ok()
    }

    fn step(&mut self) {
        let Some(chunk) = self.chunk(self.at) else { return };
        match chunk.kind.clone() {
            Kind::Say(say) => self.saying(say),
            Kind::Time(phrase) => {
                let negated = self.take_not() != self.state.without;
                let period = match &phrase {
                    TimePhrase::During(Moment::Absolute(_) | Moment::Months { .. }) => !negated,
                    _ => false,
                };
                if period && self.state.after_period && self.state.or {
                    self.out.either.pop();
                }
                self.out.times.push(TimeClause { chunk: self.at, phrase, negated });
                self.state = State { after_period: period, ..State::default() };
            }
            Kind::Number(_) => self.number(),
            Kind::Name => self.name(),
            Kind::Quoted => self.value(),
            Kind::Unknown => self.unknown(),
        }
    }

    fn unknown(&mut self) {
        if self.larger_than() {
            return;
        }
        let before = self.state.prep.clone();
        if self.take_not() != self.state.without {
            self.out.turned.push(self.at);
        }
        self.out.unknown.push((self.at, before));
        self.state = State::default();
    }

    fn saying(&mut self, say: Say) {
        match say {
            Say::Filler => {}
            Say::Agg(_) | Say::CountOf | Say::Rows | Say::Distinct | Say::Percentile => {
                self.measure(false)
            }
            Say::Moment(agg) => self.moment(agg),
            Say::Share => self.share(),
            Say::Super(end) => self.superlative(end),
            // "customers who ordered twice"
            Say::Which if self.is_relative() => {}
            Say::Which => self.which(),
            Say::By => self.group(false),
            Say::Per => self.group(true),
            Say::Adverb(unit) => self.adverb(unit),
            Say::Unit(unit) => self.lone_unit(unit),
            Say::Part(part) => self.push_group(GroupClause::Part(part), false, true),
            Say::Cmp(_) | Say::Between => self.comparison(None),
            Say::Limit => self.limit(),
            Say::Beyond(beyond) => {
                self.out.beyond.get_or_insert((beyond, self.at));
            }
            other => self.modifier(other),
        }
    }

    /// "who" after a name asks for nobody.
    fn is_relative(&self) -> bool {
        let name = self.at.checked_sub(1).is_some_and(|before| self.name_at(before));
        name && self.chunk(self.at).is_some_and(|c| c.text.eq_ignore_ascii_case("who"))
    }

    /// Words that say something of what follows, or of the whole question.
    fn modifier(&mut self, say: Say) {
        let text = self.chunk(self.at).map(|c| c.text.to_lowercase());
        let text = text.unwrap_or_default();
        match say {
            Say::And => self.state.and = true,
            Say::Or => {
                self.state.or = true;
                self.out.either.push(self.at);
            }
            Say::Turn => self.turn(),
            Say::Not => {
                self.turn();
                self.state.prep = text.rsplit(' ').next().map(str::to_owned);
            }
            Say::Without => self.without(),
            Say::With => self.state.with = true,
            Say::Prep => {
                // "leave from" leads as "from" does.
                let from = text.ends_with(" from").then(|| "from".to_owned());
                self.state.prep = Some(from.unwrap_or(text));
                self.state.after_group = None;
            }
            Say::OnAverage => self.out.on_average = true,
            Say::Compare => {
                self.out.compare = true;
                self.state.and = true;
            }
            Say::Over(unit) => self.out.over = Some(unit),
            Say::Growth => self.out.growth = true,
            Say::Change if self.difference() => {}
            Say::Change => self.out.change = true,
            Say::Running => self.out.running = true,
            Say::Moving => self.out.moving = true,
            Say::Only => self.out.only = true,
            Say::Remove => self.out.remove = true,
            Say::Filters => self.out.filters = true,
            Say::Instead => self.out.instead = true,
            Say::Also => self.out.also = true,
            Say::About => self.out.about = true,
            Say::List => self.out.list = true,
            Say::Dir(up) => self.out.ascending = Some(up),
            Say::Ordered => {
                self.out.ordered = true;
                let next = self.content(self.at + 1);
                if self.measure_at(next) {
                    self.at = next;
                    self.measure(true);
                } else if let Some((what, len)) = self.group_item(next) {
                    self.out.order_by = Some(what);
                    self.at = next + len;
                }
            }
            _ => {}
        }
    }

    fn limit(&mut self) {
        let next = self.content(self.at + 1);
        match self.whole_at(next) {
            Some(n) => {
                self.out.limit = Some(n);
                self.at = next + 1;
                if self.say(self.at) == Some(Say::Rows) {
                    self.at += 1;
                }
            }
            None => self.unknown(),
        }
    }

    /// A name: of a group in a list, of a value, of something that must be there, or by itself.
    fn name(&mut self) {
        let at = self.at;
        let Some(chunk) = self.chunk(at) else { return };
        let next = self.content(at + 1);
        let compared = matches!(self.say(next), Some(Say::Cmp(_) | Say::Between));
        let has_name = !chunk.names.is_empty();
        if self.stray(at) && !compared {
            return self.unknown();
        }
        let only_value = !chunk.values.is_empty() && (!has_name || chunk.weight() < 0.8);
        let listed =
            self.state.after_group.filter(|_| (self.state.and || self.state.or) && has_name);
        if only_value || !chunk.values.is_empty() && self.state.prep.is_some() && !self.state.with {
            return self.value();
        }
        if let Some((per, by)) = listed.filter(|_| !compared) {
            if self.state.or {
                self.out.either.pop();
            }
            self.out.groups.push(Grouped { what: GroupClause::Name(at), per, which: false, by });
            self.state = State { after_group: Some((per, by)), ..State::default() };
            return;
        }
        let number_follows = self.number_at(self.past_of(at + 1)).is_some();
        let value_follows = self.value_at(next) || number_follows || self.stray(at + 1);
        // "where status is not open" asks for a value as much as "where status is open".
        let turned = self.say(next) == Some(Say::Not) && self.value_at(self.content(next + 1));
        let valued = value_follows || turned && self.is_column(at);
        let flag = chunk.flag;
        if (self.state.with || self.state.without) && !compared && (!valued || flag) {
            return self.there(at);
        }
        // "customers who did not order": there are none.
        if !compared && !valued && self.is_denied(at) {
            self.take_not();
            self.out.nulls.push(NullClause::new(at, false));
            self.state = State::default();
            return;
        }
        if self.state.and && self.state.after_measure && !compared && !value_follows {
            let last = self.out.measures.last().cloned().unwrap_or_default();
            self.out.measures.push(MeasureClause { name: Some(at), ..last });
            self.state = State { after_measure: true, ..State::default() };
            return;
        }
        self.out.bare.push(at);
        let prep = self.state.prep.take().filter(|_| value_follows);
        if (value_follows || compared) && !flag {
            // What follows is turned round, not the name.
            let State { negated, not_at, without, without_at, .. } = self.state;
            self.state = State { negated, not_at, without, without_at, prep, ..State::default() };
            return;
        }
        if !self.turns_either(at) && self.take_not() {
            self.out.turned.push(at);
        }
        self.state = State { prep, ..State::default() };
    }

    /// "status refunded": after the name of a column, a word that is hardly a name of its own is
    /// meant as a value.
    fn stray(&self, at: usize) -> bool {
        use super::lexicon::Target;
        let before = at.checked_sub(1).and_then(|b| self.chunk(b));
        let column = before.is_some_and(|c| {
            matches!(c.names.first().map(|n| n.target), Some(Target::Column(_))) && c.weight() > 0.8
        });
        column
            && self.chunk(at).is_some_and(|c| match c.kind {
                Kind::Unknown => true,
                Kind::Name => c.values.is_empty() && c.weight() < 0.8,
                _ => false,
            })
    }

    fn value_at(&self, at: usize) -> bool {
        self.chunk(at).is_some_and(|c| {
            matches!(c.kind, Kind::Name)
                && !c.values.is_empty()
                && (c.names.is_empty() || c.weight() < 0.8)
                || c.kind == Kind::Quoted
        })
    }

    fn value(&mut self) {
        let at = self.at;
        let before = self
            .out
            .bare
            .last()
            .copied()
            .filter(|b| self.content(b + 1) == at || self.equals_between(*b, at));
        let after = self.content(at + 1);
        let follows = self.name_at(after) && after == at + 1 && !self.value_at(after);
        let mut hints: Vec<usize> = before.into_iter().collect();
        let compared =
            matches!(self.say(self.content(after + 1)), Some(Say::Cmp(_) | Say::Between));
        if follows && !compared {
            hints.push(after);
            self.out.bare.push(after);
            self.at = after + 1;
        }
        let joined = self.state.after_value && (self.state.and || self.state.or);
        let turned = self.take_not();
        let (mut negated, mut prep) = (turned != self.state.without, self.state.prep.clone());
        let or = self.state.or;
        // "not X or not Y" may exclude both, or only what is both.
        let again = negated && self.out.values.last().is_some_and(|last| last.negated);
        if joined && or && !again {
            self.out.either.pop();
        }
        if let Some(last) = self.out.values.last().filter(|_| joined) {
            negated |= last.negated;
            prep = prep.or_else(|| last.prep.clone());
            if hints.is_empty() {
                hints.clone_from(&last.hints);
            }
        }
        let leads = self.state.with || self.state.without;
        // "customers who did not have open orders": there are none.
        let none = turned && !leads && self.denies(self.state.heard, at + 1);
        let there = leads.then_some(self.state.without == turned).or(none.then_some(false));
        self.out.values.push(ValueClause { chunk: at, negated, prep, hints, or, joined, there });
        self.state = State { after_value: true, ..State::default() };
    }

    /// "origin = JFK": an equals sign between a name and a value.
    fn equals_between(&self, name: usize, value: usize) -> bool {
        let eq = self.content(name + 1);
        matches!(self.say(eq), Some(Say::Cmp(Op::Eq) | Say::Not | Say::Prep))
            && self.content(eq + 1) == value
            && self.say(eq) != Some(Say::Prep)
    }
}
