//! Two columns of a row beside each other: "orders whose cost is above the price", "flights with a
//! larger arrival delay than departure delay".

use super::{PairClause, Reader, State};
use crate::ask::words::Say;
use air_ir::Op;

impl Reader<'_> {
    /// A comparison whose word stands between two names of columns. False where it is none.
    pub(super) fn pair(&mut self) -> bool {
        let word = self.at;
        let Some(Say::Cmp(op @ (Op::Gt | Op::Ge | Op::Lt | Op::Le))) = self.say(word) else {
            return false;
        };
        let left = self.out.bare.last().copied().filter(|b| self.leads_to(*b, word));
        let right = self.content(word + 1);
        match left.filter(|left| self.is_column(*left) && self.is_operand(right)) {
            Some(left) => {
                self.out.bare.pop();
                self.take_pair(op, left, right);
                true
            }
            None => false,
        }
    }

    /// "a larger X than Y", whose first word stands at the current chunk.
    pub(super) fn larger_than(&mut self) -> bool {
        let text = |at: usize| self.chunk(at).map(|c| c.text.to_lowercase()).unwrap_or_default();
        let op = match text(self.at).as_str() {
            "larger" | "higher" | "greater" | "bigger" | "longer" | "later" => Op::Gt,
            "lower" | "smaller" | "shorter" | "earlier" => Op::Lt,
            _ => return false,
        };
        let left = self.content(self.at + 1);
        let right = self.content(left + 1);
        let than = (left + 1..right).any(|at| text(at) == "than");
        let pair = than && self.is_operand(left) && self.is_operand(right);
        if pair {
            self.take_pair(op, left, right);
        }
        pair
    }

    fn is_operand(&self, at: usize) -> bool {
        self.name_at(at) && self.is_column(at) && !self.value_at(at)
    }

    fn take_pair(&mut self, op: Op, left: usize, right: usize) {
        let negated = self.take_not() != self.state.without;
        let word = self.at;
        self.out.pairs.push(PairClause { op, word, left, right, negated });
        self.at = right + 1;
        self.state = State::default();
    }
}
