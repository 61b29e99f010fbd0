//! Filter trees over one fact's rows.

use super::compile::Compiler;
use super::expression::{Expressions, Failed, binary, folded, function, normal};
use super::fact::Fact;
use super::literal::{
    Literal, Zones, date_value, dates_around, instant_value, is_date, literal, moment,
};
use super::timing::Span;
use super::{Context, Site};
use crate::functions::{InZone, call, fold_text};
use crate::kind::{Kind, Typed};
use crate::model::{ROOT, TargetId};
use air_ir::{
    Calendar, Code, Comparison, Filter, Input, IrError, Op, Operand, Period, Pointer, Scalar,
    Subject,
};
use datafusion::common::ScalarValue;
use datafusion::functions::string;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Expr, Operator, cast, lit};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The name of each metric's own time.
const OWN_TIME: &str = "$time";

impl Compiler<'_, '_> {
    /// The filters of the whole IR that hold for `fact`, all of which must pass. The range of
    /// `time`, the column behind the time dimension, is told apart where one is given.
    pub(super) fn where_clause(
        &mut self,
        fact: &mut Fact,
        named: Option<&str>,
        facts: &[TargetId],
        time: Option<&Typed>,
    ) -> Where {
        let mut found = Where::default();
        for (i, filter) in self.ir.filters.iter().enumerate() {
            let at = self.at.key("filters").index(i);
            let outcome = match self.applies(filter, fact.base, facts, &at) {
                Ok(true) => self.conjunct(filter, fact, named, time, &at, &mut found),
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                self.errors.push(error);
            }
        }
        found
    }

    /// One filter that must pass. A list of such is taken apart only where a range of time is
    /// looked for.
    fn conjunct(
        &mut self,
        filter: &Filter,
        fact: &mut Fact,
        named: Option<&str>,
        time: Option<&Typed>,
        at: &Pointer,
        found: &mut Where,
    ) -> Result<(), IrError> {
        match (filter, time) {
            (Filter::All(list), Some(_)) => {
                for (i, filter) in list.iter().enumerate() {
                    self.conjunct(filter, fact, named, time, &at.key("all").index(i), found)?;
                }
            }
            (Filter::Compare(comparison), Some(time)) => {
                let (value, test) = self.comparison(comparison, fact, named, at, true)?;
                if value.expr == time.expr && test.span != Span::default() {
                    found.span = found.span.and(test.span);
                    found.range.push(test.condition);
                } else {
                    found.others.push(test.condition);
                }
            }
            _ => found.others.push(self.filter(filter, fact, named, at, true)?),
        }
        Ok(())
    }

    /// Whether a filter is about this fact, or about a sibling alone.
    fn applies(
        &mut self,
        filter: &Filter,
        base: TargetId,
        facts: &[TargetId],
        at: &Pointer,
    ) -> Result<bool, IrError> {
        let mut targets = BTreeSet::new();
        self.targets_of(filter, at, &mut targets)?;
        let away = targets.iter().copied().find(|t| !self.model.reaches(base, *t));
        let Some(away) = away else { return Ok(true) };
        let is_child = self.model.reaches(away, base);
        let elsewhere =
            facts.iter().any(|f| *f != base && targets.iter().all(|t| self.model.reaches(*f, *t)));
        if is_child || !elsewhere {
            self.model.path(base, away, at)?;
            return Ok(true);
        }
        let (here, there) = (&self.model.targets[base].name, &self.model.targets[away].name);
        let note =
            format!("The filter on \"{there}\" does not apply to the metrics of \"{here}\".");
        self.context.note(note);
        Ok(false)
    }

    /// The targets of every field in a filter.
    fn targets_of(
        &mut self,
        filter: &Filter,
        at: &Pointer,
        targets: &mut BTreeSet<TargetId>,
    ) -> Result<(), IrError> {
        match filter {
            Filter::All(list) => self.targets_of_list(list, &at.key("all"), targets),
            Filter::Any(list) => self.targets_of_list(list, &at.key("any"), targets),
            Filter::Not(inner) => self.targets_of(inner, &at.key("not"), targets),
            Filter::Exists(exists) => {
                targets.insert(self.related_to(exists, &at.key("exists"))?);
                Ok(())
            }
            Filter::Compare(comparison) => {
                match &comparison.subject {
                    Subject::Field(name) if name == OWN_TIME => {}
                    Subject::Field(name) => {
                        targets.insert(self.model.field(name, &at.key("field"))?.target);
                    }
                    Subject::Expr(expr) => {
                        for (name, _) in expr.names() {
                            targets.insert(self.model.field(name, &at.key("expr"))?.target);
                        }
                    }
                    Subject::Metric(_) => {}
                }
                Ok(())
            }
        }
    }

    fn targets_of_list(
        &mut self,
        list: &[Filter],
        at: &Pointer,
        targets: &mut BTreeSet<TargetId>,
    ) -> Result<(), IrError> {
        for (i, filter) in list.iter().enumerate() {
            self.targets_of(filter, &at.index(i), targets)?;
        }
        Ok(())
    }

    /// The entity an `exists` is asked of.
    pub(super) fn related_to(
        &mut self,
        exists: &air_ir::Exists,
        at: &Pointer,
    ) -> Result<TargetId, IrError> {
        let Some(name) = &exists.of else { return Ok(ROOT) };
        self.model.target(name).ok_or_else(|| {
            let detail = format!("There is no entity \"{name}\" here.");
            IrError::new(Code::UnknownEntity, &at.key("of"), detail)
        })
    }

    /// A filter as a condition. `bounding` while every row that passes must pass this one, so
    /// that a time range in it bounds the scan.
    pub(super) fn filter(
        &mut self,
        filter: &Filter,
        fact: &mut Fact,
        time: Option<&str>,
        at: &Pointer,
        bounding: bool,
    ) -> Result<Expr, IrError> {
        match filter {
            Filter::All(list) => {
                self.list(list, fact, time, &at.key("all"), bounding, Operator::And)
            }
            Filter::Any(list) => {
                let bounding = bounding && list.len() == 1;
                self.list(list, fact, time, &at.key("any"), bounding, Operator::Or)
            }
            Filter::Not(inner) => {
                let inner = self.filter(inner, fact, time, &at.key("not"), false)?;
                Ok(Expr::Not(Box::new(inner)))
            }
            Filter::Exists(exists) => self.exists(exists, fact, time, &at.key("exists")),
            Filter::Compare(comparison) => {
                Ok(self.comparison(comparison, fact, time, at, bounding)?.1.condition)
            }
        }
    }

    fn list(
        &mut self,
        list: &[Filter],
        fact: &mut Fact,
        time: Option<&str>,
        at: &Pointer,
        bounding: bool,
        op: Operator,
    ) -> Result<Expr, IrError> {
        let mut all = None;
        for (i, filter) in list.iter().enumerate() {
            let one = self.filter(filter, fact, time, &at.index(i), bounding)?;
            all = Some(match all {
                None => one,
                Some(before) => binary(before, op, one),
            });
        }
        // Nothing to hold is true; nothing to choose from is false.
        Ok(all.unwrap_or_else(|| lit(op == Operator::And)))
    }

    fn comparison(
        &mut self,
        comparison: &Comparison,
        fact: &mut Fact,
        time: Option<&str>,
        at: &Pointer,
        bounding: bool,
    ) -> Result<(Typed, Test), IrError> {
        let value = match &comparison.subject {
            Subject::Field(name) if name == OWN_TIME => {
                let named_at = at.key("field");
                let field = self.time_of(fact.base, time.map(|t| (t, &named_at)), &named_at)?;
                fact.field(self, &field, &named_at)?
            }
            Subject::Field(name) => {
                self.input(&Input::Field(name.clone()), fact, &at.key("field"))?
            }
            Subject::Expr(expr) => {
                self.input(&Input::Value(expr.clone()), fact, &at.key("expr"))?
            }
            Subject::Metric(name) => {
                let detail = format!("\"{name}\" is a metric; filter metrics with \"having\".");
                return Err(IrError::new(Code::BadValue, at, detail));
            }
        };
        let test = self.test(&value, comparison, &at.key("value"))?;
        if bounding && (test.lower.is_some() || test.upper.is_some()) {
            fact.bound(&value.expr, test.lower, test.upper);
            self.context.bounds_scan(&value.expr);
        }
        Ok((value, test))
    }

    /// A comparison of a typed value, and the time range it holds it to.
    pub(super) fn test(
        &mut self,
        value: &Typed,
        comparison: &Comparison,
        at: &Pointer,
    ) -> Result<Test, IrError> {
        let first = self.context.values.len();
        let (op, operand) = (comparison.op, &comparison.value);
        let test = self.tester().test(value, op, operand, at)?;
        let added = self.context.values.len() - first;
        let (zones, calendar) = (&self.zones, &self.calendar);
        self.context.traced(|| Site {
            at: at.clone(),
            subject: value.clone(),
            op,
            operand: operand.clone(),
            zones: zones.clone(),
            calendar: calendar.clone(),
            first,
            added,
            test: test.clone(),
            bounds: None,
        });
        Ok(test)
    }

    pub(super) fn tester(&mut self) -> Tester<'_> {
        Tester { context: &mut *self.context, zones: &self.zones, calendar: &self.calendar }
    }
}

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

impl Compiler<'_, '_> {
    /// A field or a row value over the rows of `fact`.
    pub(super) fn input(
        &mut self,
        input: &Input,
        fact: &mut Fact,
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let expr = match input {
            Input::Field(name) => {
                let field = self.model.field(name, at)?;
                return fact.field(self, &field, at);
            }
            Input::Value(expr) => expr,
        };
        // Names are resolved first, so that the expression borrows nothing of the compiler.
        let mut fields = Vec::new();
        for (name, _) in expr.names() {
            let field = self.model.field(name, at)?;
            let mut value = fact.field(self, &field, at)?;
            if let (Some(zone), Kind::Local) = (value.zone.take(), &value.kind) {
                // Within an expression a local time is one of the default source.
                let instant = call(InZone::new(zone), vec![value.plain()]);
                value = Typed::new(instant, Kind::Instant);
            }
            fields.push((name.to_owned(), value));
        }
        let source_zone = self.zones.source.clone();
        let mut names = |_: &mut super::Context, name: &str, here: usize| {
            let found = fields.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone());
            found.ok_or_else(|| Failed(here, format!("There is no field \"{name}\".")))
        };
        let mut expressions =
            Expressions { context: self.context, names: &mut names, source_zone: &source_zone };
        expressions.typed(expr.root()).map_err(|Failed(place, message)| {
            let detail = format!("At position {}: {message}", place + 1);
            IrError::new(Code::TypeMismatch, at, detail)
        })
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

/// What must hold for a fact's rows.
#[derive(Debug, Default)]
pub(crate) struct Where {
    pub(crate) others: Vec<Expr>,
    /// Conditions on the time alone, and what they say together.
    pub(crate) range: Vec<Expr>,
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
