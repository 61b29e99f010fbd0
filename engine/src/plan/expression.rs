//! The AST of an `expr` or a `value` to a typed expression.

use super::arithmetic::{arithmetic, negate, round};
use super::context::Context;
use super::size::{MOST_LEVELS, MOST_PARTS, Size, is_too_deep, is_too_large};
use crate::functions::{Between, Fold, InZone, Rounding, ZoneSpec, call};
use crate::kind::{Kind, Typed, common, null_of};
use air_ir::expr::{Comparator, Func, Kind as Form, Node};
use air_ir::{Code, IrError, Pointer};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::ScalarValue;
use datafusion::functions::{core, math, string, unicode};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Case, Expr, Operator, ScalarUDF, cast, lit};
use std::sync::Arc;

/// What names in an expression stand for.
pub(crate) type Names<'n> = dyn FnMut(&mut Context, &str, usize) -> Result<Typed, Failed> + 'n;

/// Why an expression has no type: a place in it and a sentence.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) usize, pub(crate) String);

/// Types expressions for one zone of timestamps without one.
pub(crate) struct Expressions<'a> {
    context: &'a mut Context,
    names: &'a mut Names<'a>,
    /// Zone of timestamps without one.
    source_zone: &'a ZoneSpec,
    size: Size,
    is_too_large: bool,
}

type Outcome = Result<Typed, Failed>;

pub(crate) fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

pub(crate) fn function(udf: Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(udf, args))
}

impl<'a> Expressions<'a> {
    pub(crate) fn new(
        context: &'a mut Context,
        names: &'a mut Names<'a>,
        source_zone: &'a ZoneSpec,
    ) -> Self {
        Self { context, names, source_zone, size: Size::default(), is_too_large: false }
    }

    /// A whole expression, which stands at `at`.
    ///
    /// # Errors
    /// The first place that has no type, or that the expression is too large.
    pub(crate) fn whole(mut self, root: &Node, at: &Pointer) -> Result<Typed, IrError> {
        let typed = self.typed(root).and_then(|typed| {
            if is_too_deep(&typed.expr) {
                return Err(self.too_large(root.at, "levels", MOST_LEVELS));
            }
            match is_too_large(&typed.expr) {
                true => Err(self.too_large(root.at, "parts", MOST_PARTS)),
                false => Ok(typed),
            }
        });
        typed.map_err(|Failed(place, message)| {
            let code = if self.is_too_large { Code::TooLarge } else { Code::TypeMismatch };
            IrError::new(code, at, format!("At position {}: {message}", place + 1))
        })
    }

    fn too_large(&mut self, at: usize, what: &str, most: usize) -> Failed {
        self.is_too_large = true;
        let message = format!(
            "With what its names stand for, this has more than {most} {what}; name fewer metrics, \
             or nest less."
        );
        Failed(at, message)
    }

    /// A value that is put into the expression, for a name or once more.
    fn put(&mut self, expr: &Expr, at: usize) -> Result<(), Failed> {
        match self.size.takes(expr) {
            true => Ok(()),
            false => Err(self.too_large(at, "parts", MOST_PARTS)),
        }
    }

    fn named(&mut self, name: &str, at: usize) -> Outcome {
        let value = (self.names)(self.context, name, at)?;
        self.put(&value.expr, at)?;
        Ok(value)
    }

    fn typed(&mut self, node: &Node) -> Outcome {
        let here = |message| Failed(node.at, message);
        match &node.kind {
            Form::Number(digits) => number(digits).map_err(here),
            Form::Text(text) => Ok(self.text(text)),
            Form::Name(name) => self.named(name, node.at),
            Form::Negate(inner) => negate(self.typed(inner)?).map_err(here),
            Form::Arithmetic(op, a, b) => {
                let (a, b) = (self.typed(a)?, self.typed(b)?);
                arithmetic(*op, a, b).map_err(here)
            }
            Form::Call(func, args) => self.call(*func, args, node.at),
            Form::Case { whens, otherwise } => self.case(whens, otherwise.as_deref(), node.at),
            Form::Compare(..)
            | Form::In { .. }
            | Form::IsNull { .. }
            | Form::And(..)
            | Form::Or(..)
            | Form::Not(_) => Ok(Typed::new(self.condition(node)?, Kind::Bool)),
        }
    }

    fn text(&mut self, text: &str) -> Typed {
        let first = self.context.values.len();
        let value = self.context.value(ScalarValue::Utf8View(Some(text.to_owned())));
        self.context.fixed_from(first);
        Typed::new(value, Kind::Text)
    }

    fn condition(&mut self, node: &Node) -> Result<Expr, Failed> {
        Ok(match &node.kind {
            Form::And(a, b) => binary(self.condition(a)?, Operator::And, self.condition(b)?),
            Form::Or(a, b) => binary(self.condition(a)?, Operator::Or, self.condition(b)?),
            Form::Not(inner) => Expr::Not(Box::new(self.condition(inner)?)),
            Form::IsNull { item, negated } => {
                let item = Box::new(self.typed(item)?.expr);
                if *negated { Expr::IsNotNull(item) } else { Expr::IsNull(item) }
            }
            Form::Compare(op, a, b) => {
                let (a, b) = (self.typed(a)?, self.typed(b)?);
                let kind = same(&a, &b, node.at)?;
                binary(normal(a.widen(&kind), &kind), operator(*op), normal(b.widen(&kind), &kind))
            }
            Form::In { item, list, negated } => {
                let item = self.typed(item)?;
                let items = list.iter().map(|n| self.typed(n)).collect::<Result<Vec<_>, _>>()?;
                let mut kind = item.kind.clone();
                for other in &items {
                    kind = same(&Typed::new(item.expr.clone(), kind), other, node.at)?;
                }
                let list = items.into_iter().map(|i| normal(i.widen(&kind), &kind)).collect();
                let item = Box::new(normal(item.widen(&kind), &kind));
                Expr::InList(InList::new(item, list, *negated))
            }
            Form::Call(func, args) if func.is_condition() => {
                let args = self.texts(*func, args)?;
                let udf = match func {
                    Func::StartsWith => string::starts_with(),
                    Func::EndsWith => string::ends_with(),
                    _ => string::contains(),
                };
                function(udf, args)
            }
            _ => {
                let message = "A condition compares; this is a value.".to_owned();
                return Err(Failed(node.at, message));
            }
        })
    }

    fn case(&mut self, whens: &[(Node, Node)], otherwise: Option<&Node>, at: usize) -> Outcome {
        let mut branches = Vec::new();
        for (when, then) in whens {
            branches.push((self.condition(when)?, self.typed(then)?));
        }
        let otherwise = otherwise.map(|n| self.typed(n)).transpose()?;
        let mut kind = Kind::Null;
        for value in branches.iter().map(|(_, v)| v).chain(&otherwise) {
            kind = same(&Typed::new(lit(ScalarValue::Null), kind), value, at)?;
        }
        let whens = branches
            .into_iter()
            .map(|(when, then)| (Box::new(when), Box::new(then.widen(&kind))))
            .collect();
        let otherwise = otherwise.map(|v| Box::new(v.widen(&kind)));
        Ok(Typed::new(Expr::Case(Case::new(None, whens, otherwise)), kind))
    }

    fn call(&mut self, func: Func, args: &[Node], at: usize) -> Outcome {
        let here = |message| Failed(at, message);
        match func {
            Func::Round => {
                let digits = args.get(1).map_or(Ok(0), digits_of).map_err(here)?;
                round(self.typed(&args[0])?, Rounding::HalfAway(digits)).map_err(here)
            }
            Func::Floor => round(self.typed(&args[0])?, Rounding::Floor).map_err(here),
            Func::Ceil => round(self.typed(&args[0])?, Rounding::Ceil).map_err(here),
            Func::Abs => {
                let value = self.typed(&args[0])?;
                if !value.kind.is_numeric() {
                    return Err(here(format!(
                        "abs needs a number; this is {}.",
                        value.kind.word()
                    )));
                }
                let kind = value.kind.clone();
                Ok(Typed::new(function(math::abs(), vec![value.plain()]), kind))
            }
            Func::Nullif => {
                let (a, b) = (self.typed(&args[0])?, self.typed(&args[1])?);
                let kind = same(&a, &b, at)?;
                let args = vec![normal(a.widen(&kind), &kind), normal(b.widen(&kind), &kind)];
                Ok(Typed::new(function(core::nullif(), args), kind))
            }
            Func::Coalesce | Func::Least | Func::Greatest => self.several(func, args, at),
            Func::SecondsBetween
            | Func::MinutesBetween
            | Func::HoursBetween
            | Func::DaysBetween => self.between(func, args, at),
            Func::Contains | Func::StartsWith | Func::EndsWith => {
                Err(here(format!("\"{}\" stands only in a condition.", func.as_str())))
            }
            _ => self.text_function(func, args, at),
        }
    }

    /// `coalesce`, and `least` and `greatest`, which are null where any argument is.
    fn several(&mut self, func: Func, args: &[Node], at: usize) -> Outcome {
        let values = args.iter().map(|n| self.typed(n)).collect::<Result<Vec<_>, _>>()?;
        let mut kind = Kind::Null;
        for value in &values {
            kind = same(&Typed::new(lit(ScalarValue::Null), kind), value, at)?;
        }
        let args: Vec<Expr> = values.into_iter().map(|v| v.widen(&kind)).collect();
        if func == Func::Coalesce {
            return Ok(Typed::new(function(core::coalesce(), args), kind));
        }
        for arg in &args {
            self.put(arg, at)?;
        }
        let any_null = args
            .iter()
            .map(|a| Expr::IsNull(Box::new(a.clone())))
            .reduce(|a, b| binary(a, Operator::Or, b))
            .unwrap_or_else(|| lit(false));
        let udf = if func == Func::Least { core::least() } else { core::greatest() };
        let null = Expr::Literal(null_of(&kind.arrow()), None);
        let case = Case::new(
            None,
            vec![(Box::new(any_null), Box::new(null))],
            Some(Box::new(function(udf, args))),
        );
        Ok(Typed::new(Expr::Case(case), kind))
    }

    fn texts(&mut self, func: Func, args: &[Node]) -> Result<Vec<Expr>, Failed> {
        let mut texts = Vec::new();
        for arg in args {
            let value = self.typed(arg)?;
            if !matches!(value.kind, Kind::Text | Kind::Null) {
                let message =
                    format!("\"{}\" needs text; this is {}.", func.as_str(), value.kind.word());
                return Err(Failed(arg.at, message));
            }
            texts.push(value.widen(&Kind::Text));
        }
        Ok(texts)
    }

    fn text_function(&mut self, func: Func, args: &[Node], at: usize) -> Outcome {
        if func == Func::Substr {
            let text = self.texts(func, &args[..1])?;
            let mut all = text;
            for arg in &args[1..] {
                let value = self.typed(arg)?;
                if !matches!(value.kind, Kind::Int(bits) if bits <= 63) {
                    return Err(Failed(arg.at, "substr needs whole numbers.".to_owned()));
                }
                all.push(value.widen(&Kind::Int(63)));
            }
            return Ok(Typed::new(function(unicode::substr(), all), Kind::Text));
        }
        let args = self.texts(func, args)?;
        let text =
            |udf, args| Typed::new(cast(function(udf, args), ArrowType::Utf8View), Kind::Text);
        Ok(match func {
            Func::Lower => text(string::lower(), args),
            Func::Upper => text(string::upper(), args),
            Func::Trim => text(string::btrim(), args),
            Func::Length => {
                let length = cast(function(unicode::character_length(), args), ArrowType::Int64);
                Typed::new(length, Kind::Int(32))
            }
            Func::Concat => {
                let joined = args.into_iter().reduce(|a, b| binary(a, Operator::StringConcat, b));
                let joined = joined.unwrap_or_else(|| lit(""));
                Typed::new(cast(joined, ArrowType::Utf8View), Kind::Text)
            }
            _ => {
                let message = format!("\"{}\" is not known here.", func.as_str());
                return Err(Failed(at, message));
            }
        })
    }

    fn between(&mut self, func: Func, args: &[Node], at: usize) -> Outcome {
        let (later, earlier) = (self.typed(&args[0])?, self.typed(&args[1])?);
        if func == Func::DaysBetween && later.kind == Kind::Date && earlier.kind == Kind::Date {
            let days = |v: Typed| cast(cast(v.expr, ArrowType::Int32), ArrowType::Int64);
            let difference = binary(days(later), Operator::Minus, days(earlier));
            return Ok(Typed::new(difference, Kind::Int(33)));
        }
        let seconds = match func {
            Func::SecondsBetween => 1,
            Func::MinutesBetween => 60,
            Func::HoursBetween => 3_600,
            _ => 86_400,
        };
        let mut instants = Vec::new();
        for value in [later, earlier] {
            instants.push(instant(value, self.source_zone).ok_or_else(|| {
                Failed(at, format!("\"{}\" needs two times of one type.", func.as_str()))
            })?);
        }
        Ok(Typed::new(call(Between::new(seconds), instants), Kind::Float))
    }
}

/// An instant, also of a timestamp without zone; `None` for anything else.
pub(crate) fn instant(value: Typed, source_zone: &ZoneSpec) -> Option<Expr> {
    match value.kind {
        Kind::Instant => Some(value.plain()),
        Kind::Local => {
            let zone = value.zone.clone().unwrap_or_else(|| source_zone.clone());
            Some(call(InZone::new(zone), vec![value.plain()]))
        }
        _ => None,
    }
}

/// Text folded for a comparison that ignores case, with text that is folded already.
pub(crate) fn folded(text: Expr, other: &str) -> Expr {
    call(Fold::toward(other), vec![text])
}

/// `-0` made `0`, which engines that order floats totally tell apart.
pub(crate) fn normal(expr: Expr, kind: &Kind) -> Expr {
    match (kind, &expr) {
        (Kind::Float, Expr::Literal(..)) => expr,
        (Kind::Float, _) => binary(expr, Operator::Plus, lit(0.0_f64)),
        _ => expr,
    }
}

fn same(a: &Typed, b: &Typed, at: usize) -> Result<Kind, Failed> {
    common(&a.kind, &b.kind).ok_or_else(|| {
        let message = format!("{} and {} do not go together.", a.kind.word(), b.kind.word());
        Failed(at, message)
    })
}

fn operator(op: Comparator) -> Operator {
    match op {
        Comparator::Eq => Operator::Eq,
        Comparator::Ne => Operator::NotEq,
        Comparator::Gt => Operator::Gt,
        Comparator::Ge => Operator::GtEq,
        Comparator::Lt => Operator::Lt,
        Comparator::Le => Operator::LtEq,
    }
}

/// A number as written: whole, or a decimal with its digits.
fn number(digits: &str) -> Result<Typed, String> {
    let Some((whole, fraction)) = digits.split_once('.') else {
        if let Ok(value) = digits.parse::<i64>() {
            return Ok(Typed::int(value));
        }
        let value: i128 = digits.parse().map_err(|_| format!("{digits} is too large."))?;
        let literal = ScalarValue::Decimal128(Some(value), crate::kind::MAX_DIGITS, 0);
        return Ok(Typed::new(lit(literal), Kind::Int(126)));
    };
    let unscaled = format!("{whole}{fraction}");
    let value: i128 = unscaled.parse().map_err(|_| format!("{digits} has too many digits."))?;
    let precision = u8::try_from(unscaled.len().max(1)).unwrap_or(u8::MAX);
    let scale = u8::try_from(fraction.len()).unwrap_or(u8::MAX);
    if precision > crate::kind::MAX_DIGITS {
        return Err(format!("{digits} has more than {} digits.", crate::kind::MAX_DIGITS));
    }
    let literal = ScalarValue::Decimal128(Some(value), precision, i8::try_from(scale).unwrap_or(0));
    Ok(Typed::new(lit(literal), Kind::Decimal(precision, scale)))
}

/// The digits argument of `round`: a whole number that is written out.
fn digits_of(node: &Node) -> Result<i8, String> {
    let text = match &node.kind {
        Form::Number(digits) => digits.clone(),
        Form::Negate(inner) => match &inner.kind {
            Form::Number(digits) => format!("-{digits}"),
            _ => String::new(),
        },
        _ => String::new(),
    };
    text.parse::<i8>()
        .ok()
        .filter(|d| (-18..=18).contains(d))
        .ok_or_else(|| "The digits to round to are a whole number from -18 to 18.".to_owned())
}
