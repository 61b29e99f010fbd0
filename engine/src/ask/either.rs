//! "from Berlin or over 100 euros": two conditions of which one is enough.
//!
//! In: the conditions that were placed, each with the chunks it was read from, and every "or" that
//! joined no two names or values. Out: one condition in the place of both. Only where nothing else
//! can be meant: nothing but the two stands beside the "or", the first is not turned round by a
//! "not" that may hold for both, and whatever else restricts the rows stands before their name
//! ("open orders from Berlin or over 100 euros") or is one whole period. Every other "or" stays
//! open and the question is refused.

use super::build::Build;
use super::chunks::Kind;
use super::words::Say;
use air_ir::Filter;

/// A condition and the first and the last chunk it was read from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) filter: Filter,
    pub(super) of_share: bool,
    /// Whether a word of its own turns it round, which might hold for the next one too.
    pub(super) turned: bool,
}

impl Build<'_> {
    /// Notes where a condition comes from. A condition that was there already is noted too.
    pub(super) fn place(
        &mut self,
        span: (usize, usize),
        turned: bool,
        add: impl FnOnce(&mut Self),
    ) {
        let before = (self.ir.filters.len(), self.numerator.len());
        add(self);
        let (rows, share) = (self.ir.filters.get(before.0..), self.numerator.get(before.1..));
        let (filter, of_share) = match (rows.unwrap_or_default(), share.unwrap_or_default()) {
            ([only], []) => (only.clone(), false),
            ([], [only]) => (only.clone(), true),
            _ => return,
        };
        self.placed.push(Placed { from: span.0, to: span.1, filter, of_share, turned });
    }

    /// Joins the conditions beside each "or" that is open.
    pub(super) fn join_either(&mut self) {
        if self.clauses.either.is_empty() {
            return;
        }
        self.placed.sort_by_key(|p| p.from);
        let clauses = self.clauses;
        for or in clauses.either.iter().copied() {
            if let Some(left) = self.left_of(or).filter(|left| self.is_clear(*left, or)) {
                self.join_at(left);
                self.joined.push(or);
            }
        }
        let open = self.clauses.either.iter().any(|or| !self.joined.contains(or));
        if !open && !self.clauses.times.is_empty() {
            self.asked.assume("The period holds whichever of the conditions is true.");
        }
    }

    /// The place of the condition that ends just before an "or", where the next begins just
    /// after it.
    fn left_of(&self, or: usize) -> Option<usize> {
        let left = self.placed.iter().rposition(|p| p.to < or)?;
        let right = self.placed.get(left + 1).filter(|p| p.from > or)?;
        let passed = |from: usize, to: usize| (from..to).all(|at| self.says_nothing(at));
        let beside = passed(self.placed[left].to + 1, or) && passed(or + 1, right.from);
        beside.then_some(left)
    }

    /// Whether a chunk between two conditions leads to the next and says no more.
    fn says_nothing(&self, at: usize) -> bool {
        self.chunks.get(at).is_some_and(|c| match c.kind {
            Kind::Say(Say::Not) => true,
            Kind::Say(say) => matches!(say, Say::Filler | Say::Prep | Say::With | Say::Turn),
            _ => false,
        })
    }

    /// Whether nothing else can be meant by the "or" after the condition at `left`.
    fn is_clear(&self, left: usize, or: usize) -> bool {
        let (one, two) = (&self.placed[left], &self.placed[left + 1]);
        let word = self.text(or).eq_ignore_ascii_case("or");
        let beside = self.ir.having.is_empty() && self.clauses.nulls.is_empty();
        let periods = self.clauses.times.len() <= 1
            && self.clauses.times.iter().all(|t| t.chunk < one.from || t.chunk > two.to);
        // Of several in a row the others are joined by an "or" of their own.
        let mut others = self.placed.iter().enumerate();
        let apart = others
            .all(|(at, p)| at == left || at == left + 1 || self.is_adjective(p) || self.in_row(p));
        word && beside && periods && apart && !one.turned && one.of_share == two.of_share
    }

    /// "open orders": whether a condition stands before the name of the rows, or ends with it.
    fn is_adjective(&self, placed: &Placed) -> bool {
        let next = placed.to + 1;
        self.names_root(placed.to) > 0.6
            || self.names_root(next) > 0.6
            || self.placed.iter().any(|p| p.from == next && self.is_adjective(p))
    }

    /// Whether a condition is one of a row that an "or" joins.
    fn in_row(&self, placed: &Placed) -> bool {
        self.clauses.either.iter().any(|or| {
            let beside = |from: usize, to: usize| (from..to).all(|at| self.says_nothing(at));
            placed.to < *or && beside(placed.to + 1, *or)
                || placed.from > *or && beside(or + 1, placed.from)
        })
    }

    /// Puts one condition in the place of two.
    fn join_at(&mut self, left: usize) {
        let two = self.placed.remove(left + 1);
        let one = &mut self.placed[left];
        let old = [one.filter.clone(), two.filter.clone()];
        let mut any = match &one.filter {
            Filter::Any(list) => list.clone(),
            other => vec![other.clone()],
        };
        match two.filter {
            Filter::Any(list) => any.extend(list),
            other => any.push(other),
        }
        any.dedup();
        (one.to, one.filter) = (two.to, Filter::Any(any));
        let (made, of_share) = (one.filter.clone(), one.of_share);
        let list = if of_share { &mut self.numerator } else { &mut self.ir.filters };
        list.retain(|filter| !old.contains(filter));
        list.push(made);
    }
}
