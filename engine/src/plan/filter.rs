//! Filter trees over one fact's rows.

use super::Site;
use super::comparison::{Test, Tester};
use super::compile::Compiler;
use super::expression::{Expressions, Failed, binary};
use super::fact::Fact;
use super::timing::Span;
use crate::functions::{InZone, call};
use crate::kind::{Kind, Typed};
use crate::model::{ROOT, TargetId};
use air_ir::{Code, Comparison, Filter, Input, IrError, Pointer, Subject};
use datafusion::logical_expr::{Expr, Operator, lit};
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
        Expressions::new(self.context, &mut names, &source_zone).whole(expr.root(), at)
    }
}

/// What must hold for a fact's rows.
#[derive(Debug, Default)]
pub(crate) struct Where {
    pub(crate) others: Vec<Expr>,
    /// Conditions on the time alone, and what they say together.
    pub(crate) range: Vec<Expr>,
    pub(crate) span: Span,
}
