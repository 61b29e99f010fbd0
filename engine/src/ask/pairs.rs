//! Two columns of a row that are compared with each other: "with a larger arrival delay than
//! departure delay".
//!
//! In: clauses of pairs. Out: filters over a difference. Rows where one of the two is not known are
//! not among them, which is said. Columns of different kinds or units are refused.

use super::build::Build;
use super::clauses::PairClause;
use super::filters::number;
use air_ir::expr::{Expr, Grammar};
use air_ir::{Column, Comparison, DataType, Filter, Op, Operand, Subject};

impl Build<'_> {
    pub(super) fn pair(&mut self, clause: &PairClause) {
        self.mark(clause.word);
        let fits = |c: &Column| c.data_type.is_numeric() || c.data_type.is_temporal();
        let fields = (self.pick(clause.left, fits), self.pick(clause.right, fits));
        let (Some(left), Some(right)) = fields else { return self.not_a_pair(clause) };
        let columns = (self.column(left.col), self.column(right.col));
        let (Some(one), Some(two)) = columns else { return };
        let Some(minus) = difference(one, two).filter(|_| left != right) else {
            return self.not_a_pair(clause);
        };
        let (a, b) = (self.whole(&left), self.whole(&right));
        let text = match minus {
            Minus::Plain => format!("{a} - {b}"),
            Minus::Days => format!("days_between({a}, {b})"),
            Minus::Seconds => format!("seconds_between({a}, {b})"),
        };
        let Ok(expr) = Expr::parse(&text, Grammar::Row) else { return self.not_a_pair(clause) };
        if [one, two].iter().any(|c| c.nullable) {
            self.asked.assume(format!("Rows where {a} or {b} is not known are not among them."));
        }
        let (subject, value) = (Subject::Expr(expr), Operand::One(number(0.0)));
        let op = if clause.negated { opposite(clause.op) } else { clause.op };
        let filter = Filter::Compare(Comparison { subject, op, value });
        let share = self.shares();
        let span = (clause.left, clause.right);
        self.place(span, clause.negated, |build| build.condition(filter, share));
    }

    /// The name of a field that no other entity's can be taken for.
    fn whole(&mut self, field: &super::routes::Field) -> String {
        let spelled = self.field(field);
        match field.hops.is_empty() {
            true => format!("{}.{spelled}", self.root_name()),
            false => spelled,
        }
    }

    fn not_a_pair(&mut self, clause: &PairClause) {
        let (one, two) = (self.text(clause.left).to_owned(), self.text(clause.right).to_owned());
        self.mark(clause.left);
        self.mark(clause.right);
        self.reasons.push(format!("\"{one}\" and \"{two}\" cannot be compared with each other."));
        self.missing.extend([one, two]);
    }
}

/// How one column is taken from another.
enum Minus {
    Plain,
    Days,
    Seconds,
}

/// None where the two have different units, or are of different kinds.
fn difference(one: &Column, two: &Column) -> Option<Minus> {
    let units = [one, two].map(|c| c.unit.as_deref().map(str::to_lowercase));
    let [Some(a), Some(b)] = &units else { return plain(one, two) };
    plain(one, two).filter(|_| a == b)
}

fn plain(one: &Column, two: &Column) -> Option<Minus> {
    let both = |fits: fn(DataType) -> bool| fits(one.data_type) && fits(two.data_type);
    match one.data_type {
        DataType::Date if two.data_type == DataType::Date => Some(Minus::Days),
        kind if kind.is_temporal() && kind == two.data_type => Some(Minus::Seconds),
        _ => both(DataType::is_numeric).then_some(Minus::Plain),
    }
}

fn opposite(op: Op) -> Op {
    match op {
        Op::Gt => Op::Le,
        Op::Ge => Op::Lt,
        Op::Lt => Op::Ge,
        _ => Op::Gt,
    }
}
