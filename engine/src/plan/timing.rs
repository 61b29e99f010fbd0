//! The time dimension that `fill`, windows and comparisons refer to, the buckets the filters ask
//! for, and the earlier ones that must be read for the first of these.
//!
//! A bucket that lies at least partly in the asked range has the value it is shown with; one
//! before the range has that of all its rows that pass the other filters. So a value looked up in
//! a bucket that is shown is the one shown there, and one looked up outside is of a whole bucket.

use super::compile::Compiler;
use super::dimension::{Group, What};
use super::expression::binary;
use super::fact::Fact;
use super::filter::Where;
use super::literal::{date_value, instant_value};
use crate::functions::{Bucket, Buckets, Offset, is_finer};
use crate::kind::{Kind, Typed};
use air_ir::{
    Code, Compare, Fill, Frame, Grain, Input, IrError, MetricKind, Offset as IrOffset, Pointer,
    Shape,
};
use datafusion::common::{DataFusionError, Result as EngineResult};
use datafusion::logical_expr::{Expr, Operator};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use std::collections::HashMap;

/// The most buckets a window may trail.
const MOST_TRAILING: u32 = 100_000;

/// Metrics and buckets whose way back is followed at most.
const MOST_STEPS: usize = 10_000;

/// The earliest bucket that a metric of a bucket looks at.
type Known = HashMap<(usize, i64), i64>;

/// What a filter says of a time: the first and the last raw value that passes (microseconds of
/// instants, days of dates), both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
}

impl Span {
    /// What `value op raw` says of value.
    pub(crate) fn of(op: Operator, raw: Option<i64>) -> Self {
        match op {
            Operator::Gt => Self { first: raw.map(|r| r + 1), last: None },
            Operator::GtEq => Self { first: raw, last: None },
            Operator::Lt => Self { first: None, last: raw.map(|r| r - 1) },
            Operator::LtEq => Self { first: None, last: raw },
            Operator::Eq => Self { first: raw, last: raw },
            _ => Self::default(),
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        let last = match (self.last, other.last) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { first: self.first.max(other.first), last }
    }
}

/// Days since 1970.
pub(crate) fn raw_day(day: Date) -> Option<i64> {
    date(1970, 1, 1).until(day).ok().map(|days| i64::from(days.get_days()))
}

/// The time dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Index of the dimension.
    pub(crate) dimension: usize,
    pub(crate) grain: Grain,
}

/// Where a fact's buckets lie: raw starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reach {
    /// The bucket that the asked range starts in.
    pub(crate) first: Option<i64>,
    /// The bucket that it ends in.
    pub(crate) last: Option<i64>,
    /// The earliest bucket read.
    pub(crate) from: Option<i64>,
}

impl Compiler<'_, '_> {
    /// The time dimension, where a part of the IR needs one: a bare unit, else the bucket of the
    /// time that is named or declared, else the only bucket there is.
    pub(super) fn timing(&mut self, groups: &[Group]) -> Result<Option<Timing>, IrError> {
        let Some((at, what)) = self.wants_time() else { return Ok(None) };
        let mut buckets: Vec<Timing> = Vec::new();
        for (dimension, group) in groups.iter().enumerate() {
            let Some(grain) = group.bucket() else { continue };
            let timing = Timing { dimension, grain };
            if matches!(group.what, What::Time(_)) {
                return Ok(Some(timing));
            }
            buckets.push(timing);
        }
        if let [one] = buckets[..] {
            return Ok(Some(one));
        }
        if buckets.is_empty() {
            let detail = format!("{what} needs a dimension of time, such as \"month\".");
            return Err(IrError::new(Code::NoTime, &at, detail));
        }
        let time = self.time_of(crate::model::ROOT, None, &at)?;
        let mut own = Vec::new();
        for bucket in buckets {
            let What::Shaped(Input::Field(name), Shape::Bucket(_)) = &groups[bucket.dimension].what
            else {
                continue;
            };
            if self.model.field(name, &groups[bucket.dimension].at)? == time {
                own.push(bucket);
            }
        }
        match own[..] {
            [one] => Ok(Some(one)),
            _ => {
                let detail = format!(
                    "{what} refers to one dimension of time, and several could be meant; \
                     say which with \"time\", or keep one."
                );
                Err(IrError::new(Code::AmbiguousTime, &at, detail))
            }
        }
    }

    /// The first part of the IR that refers to the time dimension.
    fn wants_time(&self) -> Option<(Pointer, &'static str)> {
        if self.ir.time.fill.is_some() {
            return Some((self.at.key("time").key("fill"), "Filling absent buckets"));
        }
        self.ir.metrics.iter().enumerate().find_map(|(i, metric)| {
            let at = self.at.key("metrics").index(i);
            match metric.kind {
                MetricKind::Window(_) => Some((at.key("window"), "A window")),
                MetricKind::Compare(_) => Some((at.key("compare"), "A comparison")),
                _ => None,
            }
        })
    }

    /// The calendar of the time dimension's buckets.
    pub(super) fn buckets(&self, grain: Grain, dates: bool) -> Buckets {
        let (weeks, years) = (self.calendar.week_start, self.calendar.year_start);
        Buckets::new(Bucket::new(grain, self.zones.own.clone(), weeks, years), dates)
    }

    /// The column behind the time dimension, over the rows of a fact.
    pub(super) fn time_behind(
        &mut self,
        timing: &Timing,
        groups: &[Group],
        fact: &mut Fact,
        named: Option<&str>,
    ) -> Result<Typed, IrError> {
        let group = &groups[timing.dimension];
        match &group.what {
            What::Shaped(input, _) => self.input(input, fact, &group.at),
            What::Time(_) => {
                let named = named.map(|t| (t, &group.at));
                let field = self.time_of(fact.base, named, &group.at)?;
                fact.field(self, &field, &group.at)
            }
        }
    }

    /// The conditions of a fact, with the range of its time widened to the earliest bucket that
    /// a window or comparison of the first bucket needs.
    pub(super) fn widened(
        &mut self,
        found: Where,
        time: Option<(&Typed, &Timing)>,
        fact: &mut Fact,
    ) -> Result<(Vec<Expr>, Reach), IrError> {
        let Where { mut others, range, span } = found;
        let Some((time, timing)) = time else { return Ok((others, Reach::default())) };
        let dates = time.kind == Kind::Date;
        let buckets = self.buckets(timing.grain, dates);
        let at = self.at.key("time");
        let outside = |e: DataFusionError| IrError::new(Code::BadPeriod, &at, e.strip_backtrace());
        let start = |raw: Option<i64>| raw.map(|r| buckets.start(r)).transpose();
        let first = start(span.first).map_err(outside)?;
        let last = start(span.last).map_err(outside)?;
        let from = match first {
            Some(first) => Some(self.earliest(&buckets, first)?),
            None => None,
        };
        let reach = Reach { first, last, from };
        let (Some(asked), Some(first), Some(from)) = (span.first, first, from) else {
            others.extend(range);
            return Ok((others, reach));
        };
        if from >= first {
            others.extend(range);
            return Ok((others, reach));
        }
        others.push(self.at_least(time, from)?);
        if let Some(last) = span.last {
            others.push(self.below(time, last + 1)?);
        }
        if asked > first {
            let shown = self.at_least(time, asked)?;
            let before = self.below(time, first)?;
            others.push(binary(shown, Operator::Or, before));
        }
        let lower =
            if dates { self.midnight(from) } else { Timestamp::from_microsecond(from).ok() };
        if let Some(lower) = lower {
            fact.widen(&time.expr, lower);
        }
        Ok((others, reach))
    }

    fn midnight(&self, raw: i64) -> Option<Timestamp> {
        let day = date(1970, 1, 1).checked_add(jiff::Span::new().try_days(raw).ok()?).ok()?;
        Some(self.calendar.midnight(day).ok()?.timestamp())
    }

    fn at_least(&mut self, time: &Typed, raw: i64) -> Result<Expr, IrError> {
        Ok(binary(time.expr.clone(), Operator::GtEq, self.raw_value(time, raw)?))
    }

    fn below(&mut self, time: &Typed, raw: i64) -> Result<Expr, IrError> {
        Ok(binary(time.expr.clone(), Operator::Lt, self.raw_value(time, raw)?))
    }

    /// A raw time as a value of a column.
    fn raw_value(&mut self, time: &Typed, raw: i64) -> Result<Expr, IrError> {
        let bad = |detail: String| IrError::new(Code::BadPeriod, &self.at.key("time"), detail);
        let value = match time.kind {
            Kind::Date => {
                let days = jiff::Span::new().try_days(raw).map_err(|e| bad(e.to_string()))?;
                let day = date(1970, 1, 1).checked_add(days).map_err(|e| bad(e.to_string()))?;
                date_value(day).map_err(bad)?
            }
            _ => {
                let at = Timestamp::from_microsecond(raw).map_err(|e| bad(e.to_string()))?;
                // The column may be of a source that is not the IR's own.
                let source = time.zone.as_ref().unwrap_or(&self.zones.source);
                instant_value(at, &time.kind, source)
            }
        };
        Ok(self.context.value(value))
    }

    /// The earliest bucket that the metrics of the bucket at `first` look at.
    fn earliest(&mut self, buckets: &Buckets, first: i64) -> Result<i64, IrError> {
        let (mut earliest, mut known) = (first, Known::new());
        for i in 0..self.ir.metrics.len() {
            earliest = earliest.min(self.looks_back(i, buckets, first, &mut known)?);
        }
        Ok(earliest)
    }

    fn looks_back(
        &self,
        i: usize,
        buckets: &Buckets,
        first: i64,
        known: &mut Known,
    ) -> Result<i64, IrError> {
        if let Some(earliest) = known.get(&(i, first)) {
            return Ok(*earliest);
        }
        // A cycle ends here, and is told where metrics are computed.
        known.insert((i, first), first);
        if known.len() > MOST_STEPS {
            let detail = "The metrics look back in too many ways.";
            return Err(IrError::new(Code::TooLarge, &self.at.key("metrics"), detail));
        }
        let at = self.at.key("metrics").index(i);
        let outside = |e: DataFusionError| {
            let detail = format!("This looks back too far: {}", e.strip_backtrace());
            IrError::new(Code::BadPeriod, &at, detail)
        };
        let metric = &self.ir.metrics[i];
        let from = match &metric.kind {
            MetricKind::Window(window) => match window.frame {
                Frame::Trailing { n } => {
                    if n > MOST_TRAILING {
                        let detail = format!("A window trails at most {MOST_TRAILING} buckets.");
                        return Err(IrError::new(
                            Code::TooLarge,
                            &at.key("window").key("n"),
                            detail,
                        ));
                    }
                    buckets.back(first, n.saturating_sub(1)).map_err(outside)?
                }
                Frame::ToDate { unit } => {
                    let start = buckets.unit_start(unit, first);
                    start.and_then(|s| buckets.start(s)).map_err(outside)?
                }
            },
            MetricKind::Compare(compare) => {
                compared_with(buckets, first, offset_of(compare.offset)).map_err(outside)?
            }
            _ => first,
        };
        let mut earliest = from;
        for other in self.needed(i) {
            earliest = earliest.min(self.looks_back(other, buckets, from, known)?);
        }
        known.insert((i, first), earliest);
        Ok(earliest)
    }

    /// The metrics that a metric names.
    pub(super) fn needed(&self, i: usize) -> Vec<usize> {
        let names: Vec<&str> = match &self.ir.metrics[i].kind {
            MetricKind::Aggregate { .. } => Vec::new(),
            MetricKind::Expr(expr) => expr.names().into_iter().map(|(name, _)| name).collect(),
            MetricKind::Window(window) => vec![window.of.as_str()],
            MetricKind::Compare(compare) => vec![compare.of.as_str()],
            MetricKind::Share(share) => vec![share.of.as_str()],
        };
        let place = |name: &str| self.ir.metrics.iter().position(|m| m.name == name);
        names.into_iter().filter_map(place).collect()
    }

    /// Whether frames and offsets fit the grain.
    pub(super) fn check_spans(&mut self, timing: Timing) {
        for (i, metric) in self.ir.metrics.iter().enumerate() {
            let at = self.at.key("metrics").index(i);
            let grain = timing.grain;
            let (span, at) = match &metric.kind {
                MetricKind::Compare(Compare { offset: IrOffset::Span(offset), .. }) => {
                    (*offset, at.key("compare").key("offset"))
                }
                MetricKind::Window(window) => match window.frame {
                    Frame::ToDate { unit } => (Grain::one(unit), at.key("window").key("unit")),
                    Frame::Trailing { .. } => continue,
                },
                _ => continue,
            };
            // A week need not lie in one month, but its start does.
            let finer = is_finer(span, grain);
            if finer {
                let detail = format!("{span} is finer than the buckets of {grain}.");
                self.errors.push(IrError::new(Code::GrainMismatch, &at, detail));
            }
        }
    }

    /// Whether absent buckets are filled.
    pub(super) fn fill(&self) -> Option<Fill> {
        self.ir.time.fill
    }
}

/// The bucket an offset back; where the calendar has none there, the one before it has.
fn compared_with(buckets: &Buckets, first: i64, offset: Offset) -> EngineResult<i64> {
    let mut at = first;
    loop {
        if let Some(earlier) = buckets.offset(at, offset)? {
            return Ok(earlier);
        }
        at = buckets.start(at - 1)?;
    }
}

pub(super) fn offset_of(offset: IrOffset) -> Offset {
    match offset {
        IrOffset::Previous => Offset::Previous,
        IrOffset::Span(grain) => Offset::Span(grain),
    }
}
