//! Time buckets: the start of the bucket that a date or an instant lies in (`IR.md`, "Buckets").

use super::zone::{Offsets, ZoneSpec, local_of, micros_of, timestamps};
use super::{outside, wrong_arguments};
use crate::types::instant;
use air_ir::{Grain, Unit, Weekday};
use datafusion::arrow::array::{Array, ArrayRef, Date32Array, PrimitiveArray};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType as Micros};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::sync::Arc;

pub(super) const HOUR: i64 = 3_600_000_000;
pub(super) const DAY: i64 = 24 * HOUR;

/// The start of a value's bucket: a date for a date, an instant shown in the zone for an instant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Bucket {
    pub(crate) grain: Grain,
    pub(crate) zone: ZoneSpec,
    pub(crate) week_start: Weekday,
    /// First month of the year, 1 to 12.
    pub(crate) year_start: u8,
    signature: Signature,
}

impl Bucket {
    pub(crate) fn new(grain: Grain, zone: ZoneSpec, week_start: Weekday, year_start: u8) -> Self {
        let signature = Signature::any(1, Volatility::Immutable);
        Self { grain, zone, week_start, year_start, signature }
    }

    /// The first day of the bucket a day lies in, and of the next bucket.
    pub(crate) fn days(&self, day: Date) -> Result<(Date, Date)> {
        let n = i64::from(self.grain.n);
        let (start, width) = match self.grain.unit {
            Unit::Week => (self.in_days(day, self.first_week(), 7 * n)?, (7 * n).days()),
            Unit::Month => (self.in_months(day, 1, n)?, n.months()),
            Unit::Quarter => (self.in_months(day, self.year_start, 3 * n)?, (3 * n).months()),
            Unit::Year => (self.in_months(day, self.year_start, 12 * n)?, (12 * n).months()),
            Unit::Day | Unit::Hour | Unit::Minute => {
                (self.in_days(day, date(2000, 1, 3), n)?, n.days())
            }
        };
        Ok((start, start.checked_add(width).map_err(outside)?))
    }

    /// Weeks count from the first day they start on, on or after Sunday, 2000-01-02.
    fn first_week(&self) -> Date {
        let day = (self.week_start.from_monday() + 1) % 7 + 2;
        date(2000, 1, i8::try_from(day).unwrap_or(2))
    }

    fn in_days(&self, day: Date, origin: Date, n: i64) -> Result<Date> {
        let since = i64::from(origin.until(day).map_err(outside)?.get_days());
        day.checked_sub(since.rem_euclid(n).days()).map_err(outside)
    }

    fn in_months(&self, day: Date, first: u8, n: i64) -> Result<Date> {
        let since = (i64::from(day.year()) - 2000) * 12 + i64::from(day.month()) - i64::from(first);
        let back = since.rem_euclid(n);
        day.first_of_month().checked_sub(back.months()).map_err(outside)
    }

    pub(super) fn is_clock(&self) -> bool {
        matches!(self.grain.unit, Unit::Minute | Unit::Hour)
    }

    pub(super) fn clock_width(&self) -> i64 {
        let unit = if self.grain.unit == Unit::Hour { HOUR } else { HOUR / 60 };
        unit * i64::from(self.grain.n)
    }

    fn dates(&self, days: &Date32Array) -> Result<Date32Array> {
        let epoch = date(1970, 1, 1);
        let number = |d: Date| epoch.until(d).map(|span| span.get_days()).map_err(outside);
        let (mut start, mut end) = (i32::MAX, i32::MIN);
        days.iter()
            .map(|value| {
                let Some(value) = value else { return Ok(None) };
                if value < start || value >= end {
                    let day = epoch.checked_add(i64::from(value).days()).map_err(outside)?;
                    let (from, until) = self.days(day)?;
                    (start, end) = (number(from)?, number(until)?);
                }
                Ok(Some(start))
            })
            .collect()
    }

    fn instants(&self, values: &PrimitiveArray<Micros>) -> Result<PrimitiveArray<Micros>> {
        let mut offsets = Offsets::new(&self.zone);
        // The bucket of the row before: rows mostly come in the order of time.
        let (mut start, mut end) = (i64::MAX, i64::MIN);
        values
            .iter()
            .map(|value| {
                let Some(value) = value else { return Ok(None) };
                if value < start || value >= end {
                    (start, end) = self.bounds(value, &mut offsets)?;
                }
                Ok(Some(start))
            })
            .collect()
    }

    /// The instants a value's bucket starts and ends at. The end of a clock bucket may be given
    /// as that of the value itself, where the bucket's own is not known cheaply.
    pub(super) fn bounds(&self, value: i64, offsets: &mut Offsets<'_>) -> Result<(i64, i64)> {
        let local = value + offsets.at(value)?;
        let width = self.clock_width();
        if self.is_clock() && width <= HOUR {
            // Buckets begin anew at midnight, also where their width does not divide a day.
            let into_day = local.rem_euclid(DAY);
            let into = into_day.rem_euclid(width);
            return self.short(value, into, width.min(DAY - into_day + into), offsets);
        }
        if self.is_clock() {
            let midnight = local - local.rem_euclid(DAY);
            let from = midnight + local.rem_euclid(DAY) / width * width;
            let until = (from + width).min(midnight + DAY);
            return Ok((self.first_instant(from)?, self.first_instant(until)?));
        }
        let (from, until) = self.days(local_of(local)?.date())?;
        let midnight =
            |day: Date| micros_of(day.at(0, 0, 0, 0)).and_then(|m| self.first_instant(m));
        Ok((midnight(from)?, midnight(until)?))
    }

    /// Buckets of at most an hour are distinct instants; a change of the clock ends one.
    fn short(
        &self,
        value: i64,
        into: i64,
        width: i64,
        offsets: &mut Offsets<'_>,
    ) -> Result<(i64, i64)> {
        let offset = offsets.at(value)?;
        let start = value - into;
        if offsets.at(start)? == offset {
            // The end may lie past a change of the clock, so only this side of it is claimed.
            let end =
                if offsets.at(start + width - 1)? == offset { start + width } else { value + 1 };
            return Ok((start, end));
        }
        let at = jiff::Timestamp::from_microsecond(value + 1).map_err(outside)?;
        let change = self.zone.zone.preceding(at).next();
        let change = change.map_or(start, |t| t.timestamp().as_microsecond());
        Ok((change, value + 1))
    }

    pub(super) fn first_instant(&self, local: i64) -> Result<i64> {
        if self.zone.is_utc() {
            return Ok(local);
        }
        let at = self.zone.instant_of(local_of(local)?).map_err(outside)?;
        Ok(at.as_microsecond())
    }
}

impl ScalarUDFImpl for Bucket {
    fn name(&self) -> &'static str {
        "air_bucket"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let mut options = format!("{}, {}", self.grain, self.zone.name);
        if self.week_start != Weekday::Monday {
            options += &format!(", weeks from {:?}", self.week_start);
        }
        if self.year_start != 1 {
            options += &format!(", years from month {}", self.year_start);
        }
        Ok(format!("air_bucket[{options}]({})", args.join(", ")))
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::Date32] => Ok(DataType::Date32),
            [DataType::Timestamp(..)] => Ok(instant(&self.zone.name)),
            _ => wrong_arguments(self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = &arrays[..] else { return wrong_arguments(self.name()) };
        let starts: ArrayRef = match array.as_any().downcast_ref::<Date32Array>() {
            Some(days) => Arc::new(self.dates(days)?),
            None => {
                let starts = self.instants(timestamps(array)?)?;
                Arc::new(starts.with_timezone(Arc::clone(&self.zone.name)))
            }
        };
        Ok(ColumnarValue::Array(starts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(grain: &str, zone: &str, times: &[&str]) -> Vec<String> {
        let grain = Grain::parse(grain).unwrap();
        let bucket = Bucket::new(grain, ZoneSpec::get(zone).unwrap(), Weekday::Monday, 1);
        let micros = |t: &&str| t.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let times = PrimitiveArray::<Micros>::from_iter_values(times.iter().map(micros));
        let buckets = bucket.instants(&times).unwrap();
        let at = |m: i64| jiff::Timestamp::from_microsecond(m).unwrap().to_string();
        buckets.iter().map(|m| at(m.unwrap())).collect()
    }

    #[test]
    fn days_follow_the_clock_change() {
        let times = [
            "2013-03-10T04:59:59Z",
            "2013-03-10T05:00:00Z",
            "2013-03-11T03:59:59Z",
            "2013-03-11T04:00:00Z",
        ];
        assert_eq!(
            starts("1 day", "America/New_York", &times),
            [
                "2013-03-09T05:00:00Z",
                "2013-03-10T05:00:00Z",
                "2013-03-10T05:00:00Z",
                "2013-03-11T04:00:00Z"
            ]
        );
    }

    #[test]
    fn the_repeated_hour_is_two_buckets_and_one_of_six_hours() {
        let times = ["2013-11-03T05:30:00Z", "2013-11-03T06:30:00Z", "2013-11-03T07:10:00Z"];
        assert_eq!(
            starts("1 hour", "America/New_York", &times),
            ["2013-11-03T05:00:00Z", "2013-11-03T06:00:00Z", "2013-11-03T07:00:00Z"]
        );
        assert_eq!(
            starts("6 hours", "America/New_York", &times),
            ["2013-11-03T04:00:00Z", "2013-11-03T04:00:00Z", "2013-11-03T04:00:00Z"]
        );
    }

    #[test]
    fn half_hour_changes_give_no_overlap() {
        // Lord Howe goes from 02:00 back to 01:30 on 2013-04-07 (15:00 UTC the day before).
        let times = [
            "2013-04-06T14:45:00Z",
            "2013-04-06T15:00:00Z",
            "2013-04-06T15:15:00Z",
            "2013-04-06T15:30:00Z",
        ];
        assert_eq!(
            starts("1 hour", "Australia/Lord_Howe", &times),
            [
                "2013-04-06T14:00:00Z",
                "2013-04-06T15:00:00Z",
                "2013-04-06T15:00:00Z",
                "2013-04-06T15:30:00Z"
            ]
        );
    }

    #[test]
    fn weeks_and_quarters_start_where_they_are_told() {
        let bucket = |grain: &str, week_start, year_start| {
            Bucket::new(
                Grain::parse(grain).unwrap(),
                ZoneSpec::get("UTC").unwrap(),
                week_start,
                year_start,
            )
        };
        let day = date(2024, 2, 29);
        let start = |b: Bucket| b.days(day).unwrap().0.to_string();
        assert_eq!(start(bucket("1 week", Weekday::Monday, 1)), "2024-02-26");
        assert_eq!(start(bucket("1 week", Weekday::Sunday, 1)), "2024-02-25");
        assert_eq!(start(bucket("1 week", Weekday::Saturday, 1)), "2024-02-24");
        assert_eq!(start(bucket("1 quarter", Weekday::Monday, 2)), "2024-02-01");
        assert_eq!(start(bucket("1 year", Weekday::Monday, 4)), "2023-04-01");
        assert_eq!(start(bucket("2 years", Weekday::Monday, 1)), "2024-01-01");
        assert_eq!(start(bucket("10 days", Weekday::Monday, 1)), "2024-02-26");
    }
}
