//! The two small expression grammars of the IR: over one row's fields, and over metrics.
//!
//! Text comes in; an AST with positions goes out. Names and types are resolved by the planner.
//! There are no parameters, no subqueries and no functions beyond [`Func`].

mod lex;
mod parse;

use std::fmt;

/// Which names and functions an expression may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// Over the fields of one row: `qty * unit_price`.
    Row,
    /// Over metrics of the same IR: `late / flights`.
    Metrics,
}

/// A parsed expression together with its text. Two are equal when their texts are.
#[derive(Debug, Clone)]
pub struct Expr {
    text: String,
    root: Node,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A part of an expression and the byte at which it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub at: usize,
    pub kind: Kind,
}

/// The forms of an expression. The boolean ones stand only in the conditions of a `case`.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Digits as written.
    Number(String),
    Text(String),
    /// A field or a metric.
    Name(String),
    Negate(Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    Call(Func, Vec<Node>),
    Case {
        whens: Vec<(Node, Node)>,
        otherwise: Option<Box<Node>>,
    },
    Compare(Comparator, Box<Node>, Box<Node>),
    In {
        item: Box<Node>,
        list: Vec<Node>,
        negated: bool,
    },
    IsNull {
        item: Box<Node>,
        negated: bool,
    },
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
}

/// Arithmetic operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Comparison operators in a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// The functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Func {
    Nullif,
    Coalesce,
    Abs,
    Round,
    Floor,
    Ceil,
    Least,
    Greatest,
    Lower,
    Upper,
    Trim,
    Length,
    Concat,
    Substr,
    SecondsBetween,
    MinutesBetween,
    HoursBetween,
    DaysBetween,
    /// Only in conditions.
    Contains,
    StartsWith,
    EndsWith,
}

impl Func {
    /// Name, function, fewest and most arguments, and whether metrics may use it.
    pub const TABLE: &'static [(&'static str, Func, usize, usize, bool)] = &[
        ("nullif", Func::Nullif, 2, 2, true),
        ("coalesce", Func::Coalesce, 1, 32, true),
        ("abs", Func::Abs, 1, 1, true),
        ("round", Func::Round, 1, 2, true),
        ("floor", Func::Floor, 1, 1, false),
        ("ceil", Func::Ceil, 1, 1, false),
        ("least", Func::Least, 1, 32, true),
        ("greatest", Func::Greatest, 1, 32, true),
        ("lower", Func::Lower, 1, 1, false),
        ("upper", Func::Upper, 1, 1, false),
        ("trim", Func::Trim, 1, 1, false),
        ("length", Func::Length, 1, 1, false),
        ("concat", Func::Concat, 1, 32, false),
        ("substr", Func::Substr, 2, 3, false),
        ("seconds_between", Func::SecondsBetween, 2, 2, false),
        ("minutes_between", Func::MinutesBetween, 2, 2, false),
        ("hours_between", Func::HoursBetween, 2, 2, false),
        ("days_between", Func::DaysBetween, 2, 2, false),
        ("contains", Func::Contains, 2, 2, false),
        ("starts_with", Func::StartsWith, 2, 2, false),
        ("ends_with", Func::EndsWith, 2, 2, false),
    ];

    /// The name in an expression.
    pub fn as_str(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }

    /// Whether the function gives true or false, and so stands only in conditions.
    pub fn is_condition(self) -> bool {
        matches!(self, Self::Contains | Self::StartsWith | Self::EndsWith)
    }
}

impl Expr {
    /// Parses `text`.
    ///
    /// # Errors
    /// The first place that does not fit the grammar.
    pub fn parse(text: &str, grammar: Grammar) -> Result<Self, BadExpr> {
        let root = parse::parse(text, grammar)?;
        Ok(Self { text: text.to_owned(), root })
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The outermost node.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Every name used, in the order of use, with its position.
    pub fn names(&self) -> Vec<(&str, usize)> {
        let mut names = Vec::new();
        self.root.each(&mut |node| {
            if let Kind::Name(name) = &node.kind {
                names.push((name.as_str(), node.at));
            }
        });
        names
    }
}

impl Node {
    /// Calls `visit` on this node and everything below it.
    pub fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Node)) {
        visit(self);
        match &self.kind {
            Kind::Number(_) | Kind::Text(_) | Kind::Name(_) => {}
            Kind::Negate(a) | Kind::Not(a) | Kind::IsNull { item: a, .. } => a.each(visit),
            Kind::Arithmetic(_, a, b)
            | Kind::Compare(_, a, b)
            | Kind::And(a, b)
            | Kind::Or(a, b) => {
                a.each(visit);
                b.each(visit);
            }
            Kind::Call(_, args) => args.iter().for_each(|a| a.each(visit)),
            Kind::In { item, list, .. } => {
                item.each(visit);
                list.iter().for_each(|a| a.each(visit));
            }
            Kind::Case { whens, otherwise } => {
                for (when, then) in whens {
                    when.each(visit);
                    then.each(visit);
                }
                if let Some(otherwise) = otherwise {
                    otherwise.each(visit);
                }
            }
        }
    }
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadExpr {
    /// Byte offset in the text.
    pub at: usize,
    pub message: String,
}

impl fmt::Display for BadExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "At position {}: {}", self.at + 1, self.message)
    }
}

impl std::error::Error for BadExpr {}

#[cfg(test)]
mod tests {
    use super::{Expr, Grammar};

    #[test]
    fn reads_arithmetic_calls_and_case() {
        for text in [
            "a + b * -c / (2 - d)",
            "round(x, 2)",
            "case when dep_delay > 15 and not origin in ('JFK', 'LGA') then 'late' else 'fine' end",
            "case when contains(name, 'it''s') or tailnum is not null then 1 end",
            "\"net amount\" * t.qty",
            "days_between(arrived_at, left_at)",
        ] {
            let expr = Expr::parse(text, Grammar::Row);
            assert!(expr.is_ok(), "{text}: {expr:?}");
        }
    }

    #[test]
    fn says_where_it_went_wrong() {
        for (text, at) in [
            ("a +", 3),
            ("a b", 2),
            ("pg_sleep(1)", 0),
            ("round()", 0),
            ("'open", 0),
            ("a; drop", 1),
            ("a > 1", 2),
            ("case end", 5),
            ("{{x}}", 0),
            ("((((a)", 6),
        ] {
            let error = Expr::parse(text, Grammar::Row).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
        }
        assert!(Expr::parse("lower(a)", Grammar::Metrics).is_err());
        assert!(Expr::parse(&"(".repeat(10_000), Grammar::Row).is_err());
    }
}
