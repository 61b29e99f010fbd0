//! Every "not": what it turns round.
//!
//! In: the chunks after it. Out: clauses that are turned round. A "not" that no clause heard stays
//! among those that turned nothing, and the question is refused.

use super::Reader;
use crate::ask::words::Say;

impl Reader<'_> {
    pub(super) fn turn(&mut self) {
        self.state.negated = true;
        self.state.not_at = Some(self.at);
        self.out.nots.push(self.at);
    }

    /// "without", "no". The "no" that answers an answer, "no, by month", turns nothing round.
    pub(super) fn without(&mut self) {
        let no = self.chunk(self.at).is_some_and(|c| c.text.eq_ignore_ascii_case("no"));
        if no && self.chunk(self.at + 1).is_some_and(|c| c.text == ",") {
            return;
        }
        self.state.without = true;
        self.state.without_at = Some(self.at);
        self.out.nots.push(self.at);
    }

    /// Whether what is read now is turned round by a "not"; that, and a "without", have then been
    /// heard.
    pub(super) fn take_not(&mut self) -> bool {
        let not = self.state.not_at.take();
        let heard = [not, self.state.without_at.take()];
        self.state.heard = not.or(self.state.heard);
        self.out.nots.retain(|at| !heard.contains(&Some(*at)));
        self.state.negated
    }

    /// "customers have not shipped orders": have none that are shipped, or some that are not. It
    /// is not known which, so the "not" is left unheard.
    pub(super) fn turns_either(&self, at: usize) -> bool {
        let bound = self.state.not_at.is_some_and(|not| self.say(not) == Some(Say::Turn));
        let flag = self.chunk(at).is_some_and(|c| c.flag);
        flag && !bound && self.described(at).is_some_and(|noun| self.is_of_others(noun))
    }

    /// "customers who did not order": whether rows are said not to be there.
    pub(super) fn is_denied(&self, at: usize) -> bool {
        self.state.negated && self.denies(self.state.not_at, at)
    }

    /// Whether a "not" that belongs to a verb leads to rows that somebody else may have.
    pub(super) fn denies(&self, not: Option<usize>, noun: usize) -> bool {
        let verb = not.and_then(|at| self.chunk(at)).is_some_and(|c| {
            let text = c.text.to_lowercase();
            matches!(text.as_str(), "not" | "not yet" | "never") || text.ends_with("nt")
        });
        verb && self.is_table(noun).is_some() && self.is_of_others(noun)
    }
}
