//! The clock of a SQL text: what Postgres calls the session's `TimeZone` is the zone that the
//! catalog declares for the source, or UTC.
//!
//! So an instant (`timestamptz`) is truncated, taken apart and cast to a date or a timestamp as
//! that clock shows it; a text without an offset, a date or a timestamp without zone becomes an
//! instant as that clock shows it; days and months are added on it, hours to the instant itself;
//! `current_date` is its date. A timestamp without zone and a date are what they show, whatever
//! the zone, and stay so in the answer. A time that the clock shows twice is the later of the two,
//! one that it skips is counted on from before the jump, as Postgres has it and the IR has not.
//!
//! Every conversion is one of two functions (`functions/clock.rs`), or a value that is known here.
//! An engine that has no form for them gives the rows, and they are computed here. In UTC the two
//! kinds differ by name alone, and casts do. Where times of two kinds meet: `meeting.rs`.

use super::arithmetic::joined;
use super::literals::{self, folded, named};
use super::meaning::Unmeant;
use super::times;
use crate::functions::{Bucket, FromClock, OnClock, ZoneSpec, call, from_clock, on_clock};
use crate::types::{UTC, instant};
use air_ir::{Code, Grain, IrError, Pointer, Unit, Weekday};
use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano, TimeUnit};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, cast};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// No change of a zone's offset is larger, nor do two of its offsets differ by more.
const FARTHEST: SignedDuration = SignedDuration::from_hours(72);

pub(super) fn local() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

pub(super) fn is_local(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Timestamp(_, None))
}

pub(super) fn is_instant(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Timestamp(_, Some(_)))
}

/// Whether a value becomes an instant by a clock.
pub(super) fn is_shown(arrow: &DataType) -> bool {
    is_local(arrow) || *arrow == DataType::Date32
}

/// A text that is written out.
pub(super) fn written(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8View(Some(text)) | ScalarValue::Utf8(Some(text)), _) => {
            Some(text)
        }
        _ => None,
    }
}

fn local_value(micros: Option<i64>) -> Expr {
    Expr::Literal(ScalarValue::TimestampMicrosecond(micros, None), None)
}

fn instant_value(micros: Option<i64>) -> Expr {
    Expr::Literal(ScalarValue::TimestampMicrosecond(micros, Some(UTC.into())), None)
}

/// A value that is written out, as what it is.
fn known(expr: Expr) -> Result<Expr> {
    Ok(Expr::Literal(literals::value(&expr)?, None))
}

/// An instant as the clock of a zone shows it.
fn shown_in(zone: &ZoneSpec, value: Expr) -> Result<Expr> {
    match value {
        Expr::Literal(ScalarValue::TimestampMicrosecond(at, _), _) => {
            Ok(local_value(at.map(|at| on_clock(zone, at)).transpose()?))
        }
        value => Ok(call(OnClock::new(zone.clone()), vec![value])),
    }
}

/// A timestamp without zone as the instant at which the clock of a zone shows it.
fn instant_in(zone: &ZoneSpec, value: Expr) -> Result<Expr> {
    match value {
        Expr::Literal(ScalarValue::TimestampMicrosecond(at, _), _) => {
            Ok(instant_value(at.map(|at| from_clock(zone, at)).transpose()?))
        }
        value => Ok(call(FromClock::new(zone.clone()), vec![value])),
    }
}

/// A date as its midnight.
fn midnight(value: Expr) -> Result<Expr> {
    Ok(folded(cast(value, local()))?.data)
}

/// The zone that a text names.
fn zone_of(name: &ScalarValue) -> Result<ZoneSpec> {
    let (ScalarValue::Utf8View(Some(name)) | ScalarValue::Utf8(Some(name))) = name else {
        return Err(Unmeant::error("a time zone is a name that is written out"));
    };
    let zone = TimeZone::get(name).ok();
    let known = zone.as_ref().and_then(TimeZone::iana_name);
    // Postgres takes names such as CET for abbreviations, which know no summer.
    let spec = known.filter(|name| name.contains('/') || *name == UTC);
    spec.and_then(|name| ZoneSpec::get(name).ok()).ok_or_else(|| {
        Unmeant::error(format!(
            "'{name}' is no time zone here; write a name such as 'Europe/Berlin', or 'UTC'"
        ))
    })
}

/// The zone that times without one are read in.
pub(super) struct Clock {
    zone: ZoneSpec,
}

impl Clock {
    /// The clock of a source that declares this zone.
    pub(super) fn of(declared: Option<&str>) -> std::result::Result<Self, IrError> {
        let name = match declared {
            None | Some("Etc/UTC") => UTC,
            Some(name) => name,
        };
        let zone = ZoneSpec::get(name).map_err(|_| {
            let detail = format!("The source's time zone \"{name}\" is not known.");
            IrError::new(Code::UnknownTimezone, &Pointer::root().key("sql"), detail)
        })?;
        Ok(Self { zone })
    }

    pub(super) fn is_utc(&self) -> bool {
        self.zone.is_utc()
    }

    /// What this clock shows at an instant.
    pub(super) fn showing(&self, at: Timestamp) -> jiff::civil::DateTime {
        self.zone.zone.to_datetime(at)
    }

    /// An instant as this clock shows it.
    pub(super) fn shown(&self, value: Expr) -> Result<Expr> {
        shown_in(&self.zone, value)
    }

    /// A date, or a timestamp without zone, as an instant.
    pub(super) fn instant(&self, value: Expr, arrow: &DataType) -> Result<Expr> {
        let value = if *arrow == DataType::Date32 { midnight(value)? } else { value };
        instant_in(&self.zone, value)
    }

    /// The instant that a value written out bounds a time by.
    pub(super) fn moment(&self, value: &ScalarValue) -> Option<Timestamp> {
        let (micros, is_shown) = match value {
            ScalarValue::Date32(Some(days)) => {
                (i64::from(*days).checked_mul(86_400_000_000)?, true)
            }
            ScalarValue::TimestampMicrosecond(Some(at), zone) => (*at, zone.is_none()),
            _ => return None,
        };
        let at = if is_shown { from_clock(&self.zone, micros).ok()? } else { micros };
        Timestamp::from_microsecond(at).ok()
    }

    /// A text as a timestamp: one without an offset is what this clock shows.
    pub(super) fn read(&self, text: &str, arrow: &DataType) -> Result<ScalarValue> {
        let micros = |zone: &str| match literals::read(text, &instant(zone))? {
            ScalarValue::TimestampMicrosecond(Some(at), _) => Ok(at),
            _ => Err(Unmeant::error(format!("'{text}' is no {}", named(arrow)))),
        };
        // With an offset of its own a text means the same beside any other.
        let at = micros("+00:00")?;
        let has_offset = at == micros("+01:00")?;
        let utc = Some(UTC.into());
        match (is_instant(arrow), has_offset) {
            (true, true) => Ok(ScalarValue::TimestampMicrosecond(Some(at), utc)),
            (true, false) => {
                Ok(ScalarValue::TimestampMicrosecond(Some(from_clock(&self.zone, at)?), utc))
            }
            (false, true) if !(self.is_utc() && is_offset_of_utc(text)) => {
                Err(Unmeant::error(format!(
                    "'{text}' has an offset, which a timestamp without zone has not: write it \
                     without, or as timestamptz '{text}'"
                )))
            }
            (false, _) => Ok(ScalarValue::TimestampMicrosecond(Some(at), None)),
        }
    }

    /// A cast between times, as the value that is then cast on.
    pub(super) fn cast(&self, value: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
        no_text(from, to)?;
        if let (Some(text), true) = (written(&value), is_local(to) || is_instant(to)) {
            return Ok(Expr::Literal(self.read(text, to)?, None));
        }
        match self.is_utc() {
            false if is_instant(from) && is_shown(to) => self.shown(value),
            false if is_shown(from) && is_instant(to) => self.instant(value, from),
            _ => Ok(value),
        }
    }

    /// An instant an interval later or earlier: months and days on the clock, the rest to the
    /// instant itself, in this order.
    pub(super) fn shifted(&self, value: Expr, op: Operator, by: &Expr) -> Result<Expr> {
        let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(by)), _) = by else {
            return Err(Unmeant::error("an interval that is not written out is not taken"));
        };
        let interval = |months, days, nanos| {
            let by = IntervalMonthDayNano::new(months, days, nanos);
            Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(by)), None)
        };
        let mut value = value;
        for (months, days) in [(by.months, 0), (0, by.days)] {
            if (months, days) != (0, 0) {
                let shown = joined(self.shown(value)?, op, interval(months, days, 0));
                value = instant_in(&self.zone, folded(shown)?.data)?;
            }
        }
        match by.nanoseconds {
            0 => Ok(value),
            nanos => Ok(folded(joined(value, op, interval(0, 0, nanos)))?.data),
        }
    }

    /// `date_trunc(unit, value)`, of an instant on the clock of a zone that may be named.
    pub(super) fn truncated(
        &self,
        unit: &ScalarValue,
        value: &Expr,
        arrow: &DataType,
        named_zone: Option<&ScalarValue>,
    ) -> Result<Expr> {
        let unit = times::unit(unit)?;
        if let (None, true) = (named_zone, is_local(arrow)) {
            return as_utc(unit, value.clone());
        }
        let value = match is_shown(arrow) {
            true => self.instant(value.clone(), arrow)?,
            false => value.clone(),
        };
        let zone = named_zone.map_or_else(|| Ok(self.zone.clone()), zone_of)?;
        let is_known = matches!(value, Expr::Literal(..));
        let start = match unit {
            // Of an hour that is shown twice, each is a start of its own.
            Unit::Minute | Unit::Hour => cast(call(bucket(unit, zone), vec![value]), instant(UTC)),
            _ => {
                let start = as_utc(unit, call(OnClock::new(zone.clone()), vec![value]))?;
                call(FromClock::new(zone), vec![start])
            }
        };
        if is_known { known(start) } else { Ok(start) }
    }

    /// `value AT TIME ZONE 'name'`: an instant as that clock shows it, or what that clock shows
    /// as an instant.
    pub(super) fn at_zone(
        &self,
        name: &ScalarValue,
        value: &Expr,
        arrow: &DataType,
    ) -> Result<Expr> {
        let zone = zone_of(name)?;
        if let Some(text) = written(value) {
            let at = self.read(text, &instant(UTC))?;
            return shown_in(&zone, Expr::Literal(at, None));
        }
        match arrow {
            arrow if is_local(arrow) => instant_in(&zone, value.clone()),
            arrow if is_instant(arrow) => shown_in(&zone, value.clone()),
            DataType::Date32 => shown_in(&zone, self.instant(value.clone(), arrow)?),
            other => Err(Unmeant::error(format!("a {} has no time zone", named(other)))),
        }
    }

    /// A date or a timestamp without zone compared with an instant that is written out: with what
    /// the clock shows then, so that an index and a time range serve. Near a change of the clock
    /// that is too coarse by itself.
    pub(super) fn against(
        &self,
        value: Expr,
        arrow: &DataType,
        op: Operator,
        at: i64,
    ) -> Result<Expr> {
        let shown = on_clock(&self.zone, at)?;
        if self.is_steady(at) {
            return Ok(joined(value, op, local_value(Some(shown))));
        }
        let value = if *arrow == DataType::Date32 { midnight(value)? } else { value };
        let exact = joined(instant_in(&self.zone, value.clone())?, op, instant_value(Some(at)));
        let by = i64::try_from(FARTHEST.as_micros()).unwrap_or(i64::MAX);
        let (above, below) = (shown.saturating_sub(by), shown.saturating_add(by));
        let reach = match op {
            Operator::Gt | Operator::GtEq => vec![(Operator::GtEq, above)],
            Operator::Lt | Operator::LtEq => vec![(Operator::LtEq, below)],
            Operator::Eq => vec![(Operator::GtEq, above), (Operator::LtEq, below)],
            _ => Vec::new(),
        };
        Ok(reach.into_iter().fold(exact, |all, (op, bound)| {
            let within = joined(value.clone(), op, local_value(Some(bound)));
            joined(within, Operator::And, all)
        }))
    }

    /// Whether the clock is not changed for days around an instant.
    fn is_steady(&self, at: i64) -> bool {
        let near = Timestamp::from_microsecond(at)
            .and_then(|at| Ok((at.checked_sub(FARTHEST)?, at.checked_add(FARTHEST)?)));
        let Ok((from, until)) = near else { return false };
        self.zone.zone.following(from).next().is_none_or(|change| change.timestamp() > until)
    }

    /// What the engine's own rules would make of a time: an instant of what is none, by the clock
    /// of UTC. Casts that are written in a text are other functions by then.
    pub(super) fn implied(&self, part: &Expr, schema: &DFSchema) -> Result<()> {
        let Expr::Cast(cast) = part else { return Ok(()) };
        let (from, to) = (cast.expr.get_type(schema)?, cast.field.data_type());
        no_text(&from, to)?;
        let is_other = |arrow: &DataType| is_shown(arrow) || super::meaning::is_text(arrow);
        let crosses = (is_instant(&from) && is_other(to)) || (is_other(&from) && is_instant(to));
        match crosses && !self.is_utc() {
            true => Err(Unmeant::error(format!(
                "an instant and another kind of time or text stand together here, and the \
                 source's clock is {}: cast one, such as x::timestamptz or x::timestamp",
                self.zone.name
            ))),
            false => Ok(()),
        }
    }
}

/// How a time is written is a setting of the session in Postgres.
pub(super) fn no_text(from: &DataType, to: &DataType) -> Result<()> {
    match matches!(from, DataType::Timestamp(..)) && super::meaning::is_text(to) {
        true => Err(Unmeant::error(
            "a timestamp is not cast to text here; cast it to a date first, or take its parts",
        )),
        false => Ok(()),
    }
}

/// Whether a text ends in an offset of nothing.
fn is_offset_of_utc(text: &str) -> bool {
    let text = text.trim_end();
    ["Z", "z", "+00", "+00:00", "+0000"].iter().any(|offset| text.ends_with(offset))
}

fn bucket(unit: Unit, zone: ZoneSpec) -> Bucket {
    Bucket::new(Grain { n: 1, unit }, zone, Weekday::Monday, 1)
}

/// The start of a unit on the clock that a timestamp without zone shows, read as the one of UTC.
fn as_utc(unit: Unit, value: Expr) -> Result<Expr> {
    let utc = ZoneSpec::get(UTC).map_err(|e| Unmeant::error(e.to_string()))?;
    let at = call(FromClock::new(utc.clone()), vec![value]);
    Ok(call(OnClock::new(utc.clone()), vec![call(bucket(unit, utc), vec![at])]))
}
