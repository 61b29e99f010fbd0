//! Dimensions: what each is, the same for every fact, and its group key over one fact's rows.

use super::comparison::compared;
use super::compile::Compiler;
use super::expression::{instant, normal};
use super::fact::Fact;
use super::finish::shown;
use crate::functions::{Bucket, PartOf, call};
use crate::kind::{Kind, Typed};
use crate::model::TargetId;
use air_ir::{Code, Dimension, Grain, Input, IrError, Pointer, Shape, Unit};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::logical_expr::{Case, Expr, Operator, lit};

/// A dimension after its name is understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) what: What,
    pub(crate) at: Pointer,
}

/// What a group key is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// The bucket of each fact's own time.
    Time(Grain),
    Shaped(Input, Shape),
}

impl Group {
    /// The bounds of bins, as written.
    pub(crate) fn bins(&self) -> Option<&[serde_json::Number]> {
        match &self.what {
            What::Shaped(_, Shape::Bins(bounds)) => Some(bounds),
            _ => None,
        }
    }

    pub(crate) fn bucket(&self) -> Option<Grain> {
        match &self.what {
            What::Time(grain) | What::Shaped(_, Shape::Bucket(grain)) => Some(*grain),
            What::Shaped(..) => None,
        }
    }
}

impl Compiler<'_, '_> {
    /// Reads every dimension; a bare unit of time that is no column is the bucket of the grain.
    pub(super) fn groups(&mut self) -> Vec<Group> {
        let mut groups = Vec::new();
        let mut grain = self.ir.grain;
        for (i, dimension) in self.ir.dimensions.iter().enumerate() {
            let at = self.at.key("dimensions").index(i);
            match self.group(dimension, &mut grain, &at) {
                Ok(what) => groups.push(Group { name: dimension.name.clone(), what, at }),
                Err(error) => self.errors.push(error),
            }
        }
        groups
    }

    fn group(
        &mut self,
        dimension: &Dimension,
        grain: &mut Option<Grain>,
        at: &Pointer,
    ) -> Result<What, IrError> {
        let is_unit = dimension.name == "time" || is_unit(&dimension.name);
        if dimension.bare && is_unit && !self.is_column(&dimension.name) {
            return self.unit(&dimension.name, grain, at);
        }
        let what = What::Shaped(dimension.input.clone(), dimension.shape.clone());
        if let Shape::Bucket(grain) = dimension.shape {
            check_grain(grain, at)?;
        }
        Ok(what)
    }

    fn is_column(&self, name: &str) -> bool {
        self.model.listed().iter().any(|t| self.model.table(t.table).column(name).is_some())
    }

    fn unit(
        &mut self,
        name: &str,
        grain: &mut Option<Grain>,
        at: &Pointer,
    ) -> Result<What, IrError> {
        let unit = Unit::WORDS.iter().find(|(w, _)| *w == name).map(|(_, u)| *u);
        let grain = match (unit, *grain) {
            (None, None) => {
                let detail = "\"time\" needs a \"grain\", such as \"1 month\".";
                return Err(IrError::new(Code::GrainMismatch, at, detail));
            }
            (Some(unit), None) => *grain.insert(Grain::one(unit)),
            (Some(unit), Some(grain)) if unit != grain.unit => {
                let detail = format!("\"{name}\" does not agree with the grain {grain}.");
                return Err(IrError::new(Code::GrainMismatch, at, detail));
            }
            (_, Some(grain)) => grain,
        };
        check_grain(grain, at)?;
        Ok(What::Time(grain))
    }

    /// The group key over the rows of `fact`.
    pub(super) fn key(
        &mut self,
        group: &Group,
        fact: &mut Fact,
        time: Option<&str>,
    ) -> Result<Typed, IrError> {
        let at = &group.at;
        match &group.what {
            What::Time(grain) => {
                let named = time.map(|t| (t, at));
                let field = self.time_of(fact.base, named, at)?;
                let value = fact.field(self, &field, at)?;
                self.bucket(value, *grain, at)
            }
            What::Shaped(input, shape) => {
                let value = self.input(input, fact, at)?;
                match shape {
                    Shape::Plain => Ok(shown(self.plain(value, at)?)),
                    Shape::Bucket(grain) => self.bucket(value, *grain, at),
                    Shape::Part(part) => {
                        let clock_of_date = value.kind == Kind::Date && part.is_clock();
                        let Some(value) = self.on_calendar(value).filter(|_| !clock_of_date) else {
                            let detail = format!("\"{}\" needs a timestamp.", part.as_str());
                            return Err(IrError::new(Code::TypeMismatch, at, detail));
                        };
                        let part = PartOf::new(*part, self.zones.own.clone());
                        Ok(Typed::new(call(part, vec![value.expr]), Kind::Int(16)))
                    }
                    Shape::Bins(bounds) => self.bins(value, bounds, at),
                }
            }
        }
    }

    /// A value as it is shown: timestamps without zone become instants, `-0` becomes `0`.
    pub(super) fn plain(&self, value: Typed, at: &Pointer) -> Result<Typed, IrError> {
        match value.kind {
            Kind::Local => {
                let zone = &self.zones.source;
                let expr = instant(value, zone).ok_or_else(|| {
                    IrError::new(Code::TypeMismatch, at, "This timestamp cannot be read.")
                })?;
                Ok(Typed::new(expr, Kind::Instant))
            }
            Kind::Float => {
                let expr = normal(value.plain(), &Kind::Float);
                Ok(Typed::new(expr, Kind::Float))
            }
            _ => Ok(value),
        }
    }

    /// A date, or an instant; `None` for what is neither.
    fn on_calendar(&self, value: Typed) -> Option<Typed> {
        match value.kind {
            Kind::Date => Some(Typed::new(value.plain(), Kind::Date)),
            _ => Some(Typed::new(instant(value, &self.zones.source)?, Kind::Instant)),
        }
    }

    fn bucket(&self, value: Typed, grain: Grain, at: &Pointer) -> Result<Typed, IrError> {
        let word = value.kind.word();
        let Some(value) = self.on_calendar(value) else {
            let detail = format!("Only a date or timestamp has buckets; this is {word}.");
            return Err(IrError::new(Code::TypeMismatch, at, detail));
        };
        if value.kind == Kind::Date && matches!(grain.unit, Unit::Hour | Unit::Minute) {
            let detail = format!("A date has no buckets of {grain}.");
            return Err(IrError::new(Code::TypeMismatch, at, detail));
        }
        let bucket = Bucket::new(
            grain,
            self.zones.own.clone(),
            self.calendar.week_start,
            self.calendar.year_start,
        );
        let kind = value.kind.clone();
        let arrow = match kind {
            Kind::Date => ArrowType::Date32,
            _ => crate::types::instant(&self.zones.own.name),
        };
        Ok(Typed::column(call(bucket, vec![value.expr]), kind, arrow))
    }

    /// The number of the bin, from 0; null for null. Its text is put in its place at the end, so
    /// that bins order by their bounds.
    fn bins(
        &mut self,
        value: Typed,
        bounds: &[serde_json::Number],
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        if !value.kind.is_numeric() {
            let detail = format!("Bins need a number; this is {}.", value.kind.word());
            return Err(IrError::new(Code::TypeMismatch, at, detail));
        }
        let first = self.context.values.len();
        let null = Expr::IsNull(Box::new(value.expr.clone()));
        let mut whens = vec![(Box::new(null), Box::new(int(None)))];
        for (i, bound) in bounds.iter().enumerate() {
            let scalar = air_ir::Scalar::Number(bound.clone());
            let below = compared(&mut self.tester(), &value, Operator::Lt, &scalar, at)?;
            whens.push((Box::new(below), Box::new(int(i64::try_from(i).ok()))));
        }
        self.context.fixed_from(first);
        let last = int(i64::try_from(bounds.len()).ok());
        Ok(Typed::new(Expr::Case(Case::new(None, whens, Some(Box::new(last)))), Kind::Int(16)))
    }

    /// The entity that a metric or value is about: the one that reaches all its fields.
    pub(super) fn owner(&self, targets: &[TargetId], at: &Pointer) -> Result<TargetId, IrError> {
        let reaches_all =
            |from: &&TargetId| targets.iter().all(|to| self.model.reaches(**from, *to));
        let listed: Vec<TargetId> = (0..self.model.listed().len()).collect();
        match targets.iter().find(reaches_all).or_else(|| listed.iter().find(reaches_all)) {
            Some(owner) => Ok(*owner),
            None => {
                let names: Vec<&str> =
                    targets.iter().map(|t| self.model.targets[*t].name.as_str()).collect();
                let detail = format!(
                    "The fields are of {}, and none of them has one of the others for each of its rows.",
                    names.join(" and ")
                );
                Err(IrError::new(Code::FanOut, at, detail))
            }
        }
    }
}

fn int(value: Option<i64>) -> Expr {
    lit(datafusion::common::ScalarValue::Int64(value))
}

pub(crate) fn is_unit(name: &str) -> bool {
    Unit::WORDS.iter().any(|(w, _)| *w == name)
}

/// Hours and minutes count from midnight, so wider buckets than a day are asked for in days.
fn check_grain(grain: Grain, at: &Pointer) -> Result<(), IrError> {
    let most = match grain.unit {
        Unit::Minute => 24 * 60,
        Unit::Hour => 24,
        _ => return Ok(()),
    };
    if grain.n > most {
        let detail = format!("{grain} is longer than a day; give the grain in days.");
        return Err(IrError::new(Code::BadValue, at, detail));
    }
    Ok(())
}

/// The text of each bin, lowest first, with the bounds as written.
pub(crate) fn bin_names(bounds: &[serde_json::Number]) -> Vec<String> {
    let mut names = Vec::new();
    for (i, bound) in bounds.iter().enumerate() {
        names.push(match i.checked_sub(1).map(|before| &bounds[before]) {
            None => format!("<{bound}"),
            Some(before) => format!("{before}-{bound}"),
        });
    }
    if let Some(last) = bounds.last() {
        names.push(format!(">={last}"));
    }
    names
}
