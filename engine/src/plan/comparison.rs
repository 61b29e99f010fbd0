//! Comparisons of a typed value: the condition, and the range of time that it holds the value to.

use super::Context;
use super::expression::{binary, folded, function, normal};
use super::literal::{
    Literal, Zones, date_value, dates_around, instant_value, is_date, literal, moment,
};
use super::timing::Span;
use crate::functions::fold_text;
use crate::kind::{Kind, Typed};
use air_ir::{Calendar, Code, IrError, Op, Operand, Period, Pointer, Scalar};
use datafusion::common::ScalarValue;
use datafusion::functions::string;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Expr, Operator, cast, lit};
use jiff::Timestamp;

/// What comparisons are made with. They depend on nothing else, so that the plan cache can make
/// them again.
pub(crate) struct Tester<'t> {
    pub(crate) context: &'t mut Context,
    pub(crate) zones: &'t Zones,
    pub(crate) calendar: &'t Calendar,
}

impl Tester<'_> {
    pub(super) fn test(
        &mut self,
        value: &Typed,
        op: Op,
        operand: &Operand,
        at: &Pointer,
    ) -> Result<Test, IrError> {
        if op.is_text() && !matches!(value.kind, Kind::Text) {
            let detail = format!("\"{}\" needs text; this is {}.", op.as_str(), value.kind.word());
            return Err(IrError::new(Code::TypeMismatch, at, detail));
        }
        if value.kind == Kind::Binary && !matches!(op, Op::IsNull | Op::NotNull) {
            return Err(IrError::new(Code::TypeMismatch, at, "Binary data is not compared."));
        }
        match (operand, op) {
            (Operand::None, Op::IsNull) => Ok(Expr::IsNull(Box::new(value.expr.clone())).into()),
            (Operand::None, _) => Ok(Expr::IsNotNull(Box::new(value.expr.clone())).into()),
            (Operand::Period(period), _) => self.during(value, period, at),
            (Operand::Many(list), Op::Between) => {
                let low = self.compare(value, Op::Ge, &list[0], &at.index(0))?;
                let high = self.compare(value, Op::Le, &list[1], &at.index(1))?;
                Ok(Test {
                    condition: binary(low.condition, Operator::And, high.condition),
                    lower: low.lower,
                    upper: high.upper,
                    span: low.span.and(high.span),
                })
            }
            (Operand::Many(list), _) => self.within(value, list, op == Op::NotIn, at),
            (Operand::One(scalar), _) if op.is_text() => self.text(value, op, scalar, at),
            (Operand::One(scalar), _) => self.compare(value, op, scalar, at),
        }
    }

    /// `= != > >= < <=` with one value.
    fn compare(
        &mut self,
        value: &Typed,
        op: Op,
        scalar: &Scalar,
        at: &Pointer,
    ) -> Result<Test, IrError> {
        let operator = match op {
            Op::Eq => Operator::Eq,
            Op::Ne => Operator::NotEq,
            Op::Gt => Operator::Gt,
            Op::Ge => Operator::GtEq,
            Op::Lt => Operator::Lt,
            _ => Operator::LtEq,
        };
        if let (Kind::Date, Scalar::Text(text)) = (&value.kind, scalar)
            && !is_date(text)
        {
            return self.date_to_moment(value, operator, text, at);
        }
        let condition = compared(self, value, operator, scalar, at)?;
        let moment = match scalar {
            Scalar::Text(text) if value.kind.is_temporal() => moment(text, &self.zones.own).ok(),
            _ => None,
        };
        let (lower, upper) = match op {
            Op::Gt | Op::Ge => (moment, None),
            Op::Lt | Op::Le => (None, moment),
            Op::Eq => (moment, moment),
            _ => (None, None),
        };
        let raw = match (&value.kind, scalar) {
            (Kind::Date, Scalar::Text(text)) => text.parse().ok().and_then(super::timing::raw_day),
            _ => moment.map(|m| m.as_microsecond()),
        };
        Ok(Test { condition, lower, upper, span: Span::of(operator, raw) })
    }

    /// A date and a moment: the date counts as its midnight in the IR's zone.
    fn date_to_moment(
        &mut self,
        value: &Typed,
        op: Operator,
        text: &str,
        at: &Pointer,
    ) -> Result<Test, IrError> {
        let mismatch = |detail: String| IrError::new(Code::TypeMismatch, at, detail);
        let moment = moment(text, &self.zones.own).map_err(mismatch)?;
        let (ceiling, floor) = dates_around(moment, &self.zones.own).map_err(mismatch)?;
        let day = match op {
            Operator::GtEq | Operator::Lt => ceiling,
            Operator::Gt | Operator::LtEq => floor,
            _ if ceiling == floor => floor,
            _ => {
                let detail = format!("The column is a date; \"{text}\" is within a day.");
                return Err(mismatch(detail));
            }
        };
        let span = Span::of(op, super::timing::raw_day(day));
        let day = self.context.value(date_value(day).map_err(mismatch)?);
        let (lower, upper) = match op {
            Operator::GtEq | Operator::Gt => (Some(moment), None),
            Operator::Lt | Operator::LtEq => (None, Some(moment)),
            _ => (Some(moment), Some(moment)),
        };
        Ok(Test { condition: binary(value.expr.clone(), op, day), lower, upper, span })
    }

    fn within(
        &mut self,
        value: &Typed,
        list: &[Scalar],
        negated: bool,
        at: &Pointer,
    ) -> Result<Test, IrError> {
        if list.is_empty() {
            // Also for null: nothing is in an empty list, and everything is outside it.
            return Ok(lit(negated).into());
        }
        let mut literals = Vec::new();
        for (i, scalar) in list.iter().enumerate() {
            literals.push(self.literal(scalar, value, &at.index(i))?);
        }
        let wide = literals.iter().flatten().filter_map(|l| l.cast.clone()).max_by_key(width);
        let item = match &wide {
            Some(arrow) => cast(value.expr.clone(), arrow.clone()),
            None => value.expr.clone(),
        };
        let null = crate::kind::null_of(wide.as_ref().unwrap_or(&value.arrow));
        let mut items = Vec::new();
        for literal in literals {
            items.push(match literal {
                None => lit(null.clone()),
                Some(literal) => {
                    let expr = self.context.value(literal.value.clone());
                    match &wide {
                        Some(arrow) if literal.value.data_type() != *arrow => {
                            cast(expr, arrow.clone())
                        }
                        _ => expr,
                    }
                }
            });
        }
        let item = normal(item, &value.kind);
        Ok(Expr::InList(InList::new(Box::new(item), items, negated)).into())
    }

    fn text(
        &mut self,
        value: &Typed,
        op: Op,
        scalar: &Scalar,
        at: &Pointer,
    ) -> Result<Test, IrError> {
        let Scalar::Text(text) = scalar else {
            if *scalar == Scalar::Null {
                return Ok(lit(ScalarValue::Boolean(None)).into());
            }
            let detail = format!("\"{}\" takes text.", op.as_str());
            return Err(IrError::new(Code::TypeMismatch, at, detail));
        };
        let ignores_case = matches!(op, Op::Ieq | Op::Icontains | Op::IstartsWith | Op::IendsWith);
        let (subject, text) = match ignores_case {
            true => {
                let text = fold_text(text);
                (folded(value.expr.clone(), &text), text)
            }
            false => (value.expr.clone(), text.clone()),
        };
        let wanted = self.context.value(ScalarValue::Utf8View(Some(text)));
        let udf = match op {
            Op::Ieq => return Ok(binary(subject, Operator::Eq, wanted).into()),
            Op::StartsWith | Op::IstartsWith => string::starts_with(),
            Op::EndsWith | Op::IendsWith => string::ends_with(),
            _ => string::contains(),
        };
        Ok(function(udf, vec![subject, wanted]).into())
    }

    /// `during`, as a half-open range over the raw column, so that indexes and pruning work.
    fn during(&mut self, value: &Typed, period: &Period, at: &Pointer) -> Result<Test, IrError> {
        let bad = |detail: String| IrError::new(Code::BadPeriod, at, detail);
        if !value.kind.is_temporal() {
            let detail =
                format!("\"during\" needs a date or timestamp; this is {}.", value.kind.word());
            return Err(IrError::new(Code::TypeMismatch, at, detail));
        }
        let range = self.calendar.resolve(period, self.context.now_of_comparison()).map_err(bad)?;
        let (lower, upper) = (range.start.timestamp(), range.end.timestamp());
        let micros = (lower.as_microsecond(), upper.as_microsecond());
        let mut ends = (Some(micros.0), Some(micros.1));
        let (low, high) = match value.kind {
            Kind::Date => {
                let outside = |_| bad(format!("\"{}\" lies outside the calendar.", period.text()));
                let (first, end) = range.dates().map_err(outside)?;
                ends = (super::timing::raw_day(first), super::timing::raw_day(end));
                (date_value(first).map_err(bad)?, date_value(end).map_err(bad)?)
            }
            _ => {
                let source = value.zone.as_ref().unwrap_or(&self.zones.source);
                (
                    instant_value(lower, &value.kind, source),
                    instant_value(upper, &value.kind, source),
                )
            }
        };
        let (low, high) = (self.context.value(low), self.context.value(high));
        let from = binary(value.expr.clone(), Operator::GtEq, low);
        let until = binary(value.expr.clone(), Operator::Lt, high);
        Ok(Test {
            condition: binary(from, Operator::And, until),
            lower: Some(lower),
            upper: Some(upper),
            span: Span { first: ends.0, last: ends.1.map(|end| end - 1) },
        })
    }

    fn literal(
        &self,
        scalar: &Scalar,
        value: &Typed,
        at: &Pointer,
    ) -> Result<Option<Literal>, IrError> {
        let source = value.zone.clone().unwrap_or_else(|| self.zones.source.clone());
        let zones = Zones { own: self.zones.own.clone(), source };
        literal(scalar, &value.kind, &value.arrow, &zones)
            .map_err(|detail| IrError::new(Code::TypeMismatch, at, detail))
    }
}

/// A condition, and the instants it lies between where it is about time.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    pub(crate) condition: Expr,
    pub(crate) lower: Option<Timestamp>,
    pub(crate) upper: Option<Timestamp>,
    /// The same as raw values of the column's kind, both ends included.
    pub(crate) span: Span,
}

impl From<Expr> for Test {
    fn from(condition: Expr) -> Self {
        Self { condition, lower: None, upper: None, span: Span::default() }
    }
}

/// `value op scalar`, the value widened only where the scalar needs it.
pub(crate) fn compared(
    tester: &mut Tester<'_>,
    value: &Typed,
    op: Operator,
    scalar: &Scalar,
    at: &Pointer,
) -> Result<Expr, IrError> {
    let Some(literal) = tester.literal(scalar, value, at)? else {
        // As in SQL: a comparison with null is null.
        return Ok(lit(ScalarValue::Boolean(None)));
    };
    let mut subject = match &literal.cast {
        Some(arrow) if *arrow != value.arrow => cast(value.expr.clone(), arrow.clone()),
        _ => value.expr.clone(),
    };
    if matches!(literal.value, ScalarValue::Float64(Some(x)) if x == 0.0) {
        subject = normal(subject, &value.kind);
    }
    let wanted = tester.context.value(literal.value);
    Ok(binary(subject, op, wanted))
}

/// How much a type holds, to find the widest of several.
fn width(arrow: &datafusion::arrow::datatypes::DataType) -> (u8, i8) {
    match arrow {
        datafusion::arrow::datatypes::DataType::Decimal128(p, s) => (*p, *s),
        _ => (u8::MAX, 0),
    }
}
