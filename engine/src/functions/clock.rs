//! Instants on a zone's clock, and what a clock shows as instants, the way Postgres has both in
//! SQL: of a time that the clock shows twice the later is meant, and one that it skips is counted
//! on from before the jump. The IR decides otherwise (`zone.rs`), so these are functions of SQL
//! texts alone.

use super::zone::{Offsets, ZoneSpec, local_of, timestamps};
use super::{outside, wrong_arguments};
use crate::types::{UTC, instant};
use datafusion::arrow::array::PrimitiveArray;
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType as Micros};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use jiff::tz::AmbiguousOffset;
use std::sync::Arc;

/// What the clock of `zone` shows at an instant, both in microseconds since 1970.
///
/// # Errors
/// Where the time lies outside the calendar.
pub(crate) fn on_clock(zone: &ZoneSpec, at: i64) -> Result<i64> {
    Ok(at + Offsets::new(zone).at(at)?)
}

/// The instant at which the clock of `zone` shows a time, both in microseconds since 1970.
///
/// # Errors
/// Where the time lies outside the calendar.
pub(crate) fn from_clock(zone: &ZoneSpec, shown: i64) -> Result<i64> {
    if zone.is_utc() {
        return Ok(shown);
    }
    let local = local_of(shown)?;
    let offset = match zone.zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } => before,
        AmbiguousOffset::Fold { after, .. } => after,
    };
    Ok(offset.to_timestamp(local).map_err(outside)?.as_microsecond())
}

/// An instant as the timestamp without zone that a clock shows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct OnClock {
    pub(crate) zone: ZoneSpec,
    signature: Signature,
}

impl OnClock {
    pub(crate) fn new(zone: ZoneSpec) -> Self {
        Self { zone, signature: Signature::any(1, Volatility::Immutable) }
    }
}

/// A timestamp without zone as the instant at which a clock shows it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct FromClock {
    pub(crate) zone: ZoneSpec,
    signature: Signature,
}

impl FromClock {
    pub(crate) fn new(zone: ZoneSpec) -> Self {
        Self { zone, signature: Signature::any(1, Volatility::Immutable) }
    }
}

fn displayed(name: &str, zone: &ZoneSpec, args: &[Expr]) -> String {
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    format!("{name}[{}]({})", zone.name, args.join(", "))
}

/// The one argument, each value of it replaced.
fn replaced(
    name: &str,
    args: &ScalarFunctionArgs,
    mut value: impl FnMut(i64) -> Result<i64>,
) -> Result<PrimitiveArray<Micros>> {
    let arrays = ColumnarValue::values_to_arrays(&args.args)?;
    let [array] = &arrays[..] else { return wrong_arguments(name) };
    let times = timestamps(array)?;
    times.iter().map(|time| time.map(&mut value).transpose()).collect()
}

impl ScalarUDFImpl for OnClock {
    fn name(&self) -> &'static str {
        "air_on_clock"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(displayed(self.name(), &self.zone, args))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, None))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut offsets = Offsets::new(&self.zone);
        let shown = replaced(self.name(), &args, |at| Ok(at + offsets.at(at)?))?;
        Ok(ColumnarValue::Array(Arc::new(shown)))
    }
}

impl ScalarUDFImpl for FromClock {
    fn name(&self) -> &'static str {
        "air_from_clock"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(displayed(self.name(), &self.zone, args))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(instant(UTC))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let instants = replaced(self.name(), &args, |shown| from_clock(&self.zone, shown))?;
        Ok(ColumnarValue::Array(Arc::new(instants.with_timezone(UTC))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(instant: &str) -> i64 {
        instant.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    }

    /// What the clock shows is written as if it were the one of UTC.
    fn instant_of(zone: &str, shown: &str) -> String {
        let at = from_clock(&ZoneSpec::get(zone).unwrap(), micros(shown)).unwrap();
        jiff::Timestamp::from_microsecond(at).unwrap().to_string()
    }

    #[test]
    fn of_a_time_shown_twice_the_later_is_meant() {
        assert_eq!(instant_of("Europe/Berlin", "2024-10-27T01:59:59Z"), "2024-10-26T23:59:59Z");
        assert_eq!(instant_of("Europe/Berlin", "2024-10-27T02:30:00Z"), "2024-10-27T01:30:00Z");
        assert_eq!(instant_of("Europe/Berlin", "2024-10-27T03:00:00Z"), "2024-10-27T02:00:00Z");
    }

    #[test]
    fn a_time_that_is_skipped_counts_on_from_before_the_jump() {
        assert_eq!(instant_of("America/New_York", "2024-03-10T02:00:00Z"), "2024-03-10T07:00:00Z");
        assert_eq!(instant_of("America/New_York", "2024-03-10T02:30:00Z"), "2024-03-10T07:30:00Z");
        assert_eq!(instant_of("America/New_York", "2024-03-10T03:30:00Z"), "2024-03-10T07:30:00Z");
    }

    #[test]
    fn half_hours_are_kept() {
        let zone = ZoneSpec::get("Asia/Kolkata").unwrap();
        let shown = on_clock(&zone, micros("2024-03-31T18:30:00Z")).unwrap();
        assert_eq!(shown, micros("2024-04-01T00:00:00Z"));
        assert_eq!(from_clock(&zone, shown).unwrap(), micros("2024-03-31T18:30:00Z"));
    }
}
