//! Steps between buckets, by the calendar: the one after, the one so many before, the one a span
//! of time earlier (`IR.md`, "Buckets", "Windows", "compare").
//!
//! Starts of buckets are raw values here: microseconds since 1970 of instants, days since 1970 of
//! dates.

use super::bucket::{Bucket, DAY, HOUR};
use super::outside;
use super::zone::{Offsets, local_of, micros_of};
use air_ir::{Grain, Unit};
use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue};
use jiff::Span;
use jiff::civil::{Date, date};
use jiff::tz::AmbiguousOffset;

/// The buckets of one time dimension.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Buckets {
    pub(crate) bucket: Bucket,
    /// Of dates rather than instants.
    pub(crate) dates: bool,
}

impl Buckets {
    pub(crate) fn new(bucket: Bucket, dates: bool) -> Self {
        Self { bucket, dates }
    }

    /// The raw starts of a column of buckets.
    pub(crate) fn raw(&self, starts: &ArrayRef) -> Result<Vec<Option<i64>>> {
        if self.dates
            && let Some(days) = starts.as_primitive_opt::<Date32Type>()
        {
            return Ok(days.iter().map(|d| d.map(i64::from)).collect());
        }
        match starts.as_primitive_opt::<TimestampMicrosecondType>() {
            Some(micros) if !self.dates => Ok(micros.iter().collect()),
            _ => super::wrong_arguments("a function of buckets"),
        }
    }

    /// A raw start as a value of the dimension.
    pub(crate) fn value(&self, raw: i64) -> ScalarValue {
        match self.dates {
            true => ScalarValue::Date32(i32::try_from(raw).ok()),
            false => {
                let zone = Some(self.bucket.zone.name.clone());
                ScalarValue::TimestampMicrosecond(Some(raw), zone)
            }
        }
    }

    /// A bucket's start for people.
    pub(crate) fn shown(&self, raw: i64) -> String {
        match self.dates {
            true => day_of(raw).map(|d| d.to_string()),
            false => jiff::Timestamp::from_microsecond(raw).map(|t| t.to_string()).map_err(outside),
        }
        .unwrap_or_default()
    }

    pub(crate) fn grain(&self) -> Grain {
        self.bucket.grain
    }

    fn is_clock(&self) -> bool {
        self.bucket.is_clock() && !self.dates
    }

    /// Whether each bucket is an instant of its own, counted by the clock in the engine.
    fn is_short(&self) -> bool {
        self.is_clock() && self.bucket.clock_width() <= HOUR
    }

    /// The start of the bucket that a value lies in.
    pub(crate) fn start(&self, value: i64) -> Result<i64> {
        if self.dates {
            return number_of(self.bucket.days(day_of(value)?)?.0);
        }
        let mut offsets = Offsets::new(&self.bucket.zone);
        Ok(self.bucket.bounds(value, &mut offsets)?.0)
    }

    /// The start of the bucket after the one that starts at `start`.
    pub(crate) fn next(&self, start: i64) -> Result<i64> {
        if !self.is_short() {
            if self.is_clock() {
                let mut offsets = Offsets::new(&self.bucket.zone);
                return Ok(self.bucket.bounds(start, &mut offsets)?.1);
            }
            return self.raw_day(self.bucket.days(self.local_day(start)?)?.1);
        }
        let mut offsets = Offsets::new(&self.bucket.zone);
        let width = self.bucket.clock_width();
        let into_day = (start + offsets.at(start)?).rem_euclid(DAY);
        let next = start - into_day.rem_euclid(width) + width;
        let next = next.min(start - into_day + DAY);
        // A change of the clock ends a bucket.
        let at = jiff::Timestamp::from_microsecond(start).map_err(outside)?;
        let changes = self.bucket.zone.zone.following(at);
        for change in changes.map(|t| t.timestamp().as_microsecond()) {
            if change >= next {
                break;
            }
            if change > start && self.start(change)? == change {
                return Ok(change);
            }
        }
        Ok(next)
    }

    /// The start of the bucket `n` before the one that starts at `start`.
    pub(crate) fn back(&self, start: i64, n: u32) -> Result<i64> {
        if self.is_short() {
            return self.back_short(start, n);
        }
        if self.is_clock() {
            let width = self.bucket.clock_width();
            let local = start + Offsets::new(&self.bucket.zone).at(start)?;
            let (day, into) = (local.div_euclid(DAY), local.rem_euclid(DAY));
            let in_a_day = (DAY + width - 1) / width;
            let place = day * in_a_day + into / width - i64::from(n);
            let local = place.div_euclid(in_a_day) * DAY + place.rem_euclid(in_a_day) * width;
            return self.bucket.first_instant(local);
        }
        let width = span(self.bucket.grain, i64::from(n))?;
        let from = self.bucket.days(self.local_day(start)?)?.0;
        self.raw_day(from.checked_sub(width).map_err(outside)?)
    }

    fn back_short(&self, start: i64, n: u32) -> Result<i64> {
        let width = self.bucket.clock_width();
        let target = i64::from(n).checked_mul(width).and_then(|back| start.checked_sub(back));
        if let Some(target) = target
            && DAY % width == 0
        {
            let mut offsets = Offsets::new(&self.bucket.zone);
            let at = jiff::Timestamp::from_microsecond(target).map_err(outside)?;
            let change = self.bucket.zone.zone.following(at).next();
            let unchanged = change.is_none_or(|c| c.timestamp().as_microsecond() > start);
            if unchanged && offsets.at(target)? == offsets.at(start)? {
                return Ok(target);
            }
        }
        let mut at = start;
        for _ in 0..n {
            at = self.start(at - 1)?;
        }
        Ok(at)
    }

    /// The start of the bucket that lies `offset` before the one that starts at `start`; `None`
    /// for an hour that the earlier day does not have. A day that the earlier month does not
    /// have is its last.
    pub(crate) fn earlier(&self, start: i64, offset: Grain) -> Result<Option<i64>> {
        let clock = matches!(offset.unit, Unit::Hour | Unit::Minute);
        if self.is_short() && clock {
            let unit = if offset.unit == Unit::Hour { HOUR } else { HOUR / 60 };
            return self.start(start - unit * i64::from(offset.n)).map(Some);
        }
        let back = span(offset, 1)?;
        if !self.is_clock() {
            let midnight = self.local_day(start)?.at(0, 0, 0, 0);
            let day = midnight.checked_sub(back).map_err(outside)?.date();
            return self.raw_day(self.bucket.days(day)?.0).map(Some);
        }
        let local = local_of(start + Offsets::new(&self.bucket.zone).at(start)?)?;
        let local = local.checked_sub(back).map_err(outside)?;
        let zone = &self.bucket.zone;
        let skipped =
            matches!(zone.zone.to_ambiguous_timestamp(local).offset(), AmbiguousOffset::Gap { .. });
        if skipped && self.is_short() {
            return Ok(None);
        }
        let at = zone.instant_of(local).map_err(outside)?;
        self.start(at.as_microsecond()).map(Some)
    }

    /// The start of the unit that a bucket's start lies in.
    pub(crate) fn unit_start(&self, unit: Unit, start: i64) -> Result<i64> {
        let of = &self.bucket;
        let (zone, weeks, years) = (of.zone.clone(), of.week_start, of.year_start);
        let bucket = Bucket::new(Grain::one(unit), zone, weeks, years);
        Self { bucket, dates: self.dates }.start(start)
    }

    fn local_day(&self, start: i64) -> Result<Date> {
        if self.dates {
            return day_of(start);
        }
        Ok(local_of(start + Offsets::new(&self.bucket.zone).at(start)?)?.date())
    }

    fn raw_day(&self, day: Date) -> Result<i64> {
        match self.dates {
            true => number_of(day),
            false => self.bucket.first_instant(micros_of(day.at(0, 0, 0, 0))?),
        }
    }
}

fn day_of(days: i64) -> Result<Date> {
    date(1970, 1, 1).checked_add(Span::new().try_days(days).map_err(outside)?).map_err(outside)
}

fn number_of(day: Date) -> Result<i64> {
    let days = date(1970, 1, 1).until(day).map_err(outside)?;
    Ok(i64::from(days.get_days()))
}

/// `times` a grain, by the calendar.
fn span(grain: Grain, times: i64) -> Result<Span> {
    let n = i64::from(grain.n) * times;
    match grain.unit {
        Unit::Minute => Span::new().try_minutes(n),
        Unit::Hour => Span::new().try_hours(n),
        Unit::Day => Span::new().try_days(n),
        Unit::Week => Span::new().try_weeks(n),
        Unit::Month => Span::new().try_months(n),
        Unit::Quarter => Span::new().try_months(3 * n),
        Unit::Year => Span::new().try_years(n),
    }
    .map_err(outside)
}

/// Whether an offset is finer than a grain, so that the bucket it leads to is not another one, or
/// not one in particular. Days and weeks do not divide months.
pub(crate) fn is_finer(offset: Grain, grain: Grain) -> bool {
    let months = |g: Grain| match g.unit {
        Unit::Month => Some(i64::from(g.n)),
        Unit::Quarter => Some(3 * i64::from(g.n)),
        Unit::Year => Some(12 * i64::from(g.n)),
        _ => None,
    };
    let minutes = |g: Grain| {
        let unit = match g.unit {
            Unit::Minute => 1,
            Unit::Hour => 60,
            Unit::Day => 24 * 60,
            _ => 7 * 24 * 60,
        };
        unit * i64::from(g.n)
    };
    match (months(offset), months(grain)) {
        (Some(offset), Some(grain)) => offset < grain,
        (None, Some(_)) => true,
        // The shortest month has 28 days.
        (Some(offset), None) => offset * 28 * 24 * 60 < minutes(grain),
        (None, None) => minutes(offset) < minutes(grain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::ZoneSpec;
    use air_ir::Weekday;

    fn buckets(grain: &str, zone: &str) -> Buckets {
        let zone = ZoneSpec::get(zone).unwrap();
        Buckets::new(Bucket::new(Grain::parse(grain).unwrap(), zone, Weekday::Monday, 1), false)
    }

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn every_next_bucket_is_one_back_again() {
        let grains =
            ["15 minutes", "7 minutes", "1 hour", "5 hours", "6 hours", "1 day", "2 weeks"];
        let zones = ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"];
        for (grain, zone) in grains.iter().flat_map(|g| zones.map(|z| (*g, z))) {
            let buckets = buckets(grain, zone);
            for around in ["2013-03-09T12:00:00Z", "2013-04-06T00:00:00Z", "2013-11-02T12:00:00Z"] {
                let mut start = buckets.start(at(around)).unwrap();
                for _ in 0..200 {
                    let next = buckets.next(start).unwrap();
                    let shown = (grain, zone, buckets.shown(start), buckets.shown(next));
                    assert!(next > start, "{shown:?}");
                    assert_eq!(buckets.start(next).unwrap(), next, "{shown:?}");
                    assert_eq!(buckets.start(next - 1).unwrap(), start, "{shown:?}");
                    assert_eq!(buckets.back(next, 1).unwrap(), start, "{shown:?}");
                    start = next;
                }
            }
        }
    }

    #[test]
    fn many_back_are_as_many_steps() {
        for (grain, zone) in [("1 hour", "America/New_York"), ("1 hour", "Australia/Lord_Howe")] {
            let buckets = buckets(grain, zone);
            let first = buckets.start(at("2013-03-09T12:00:00Z")).unwrap();
            let mut start = first;
            for n in 1..900 {
                start = buckets.next(start).unwrap();
                assert_eq!(buckets.back(start, n).unwrap(), first, "{zone} {n}");
            }
        }
    }

    #[test]
    fn earlier_is_by_the_calendar() {
        let day = buckets("1 day", "America/New_York");
        let earlier = |b: &Buckets, from: &str, offset: &str| {
            b.earlier(at(from), Grain::parse(offset).unwrap()).unwrap().map(|m| b.shown(m))
        };
        // The leap day has no partner but the last day of the earlier February.
        assert_eq!(
            earlier(&day, "2024-02-29T05:00:00Z", "1 year").as_deref(),
            Some("2023-02-28T05:00:00Z")
        );
        assert_eq!(
            earlier(&day, "2013-03-31T04:00:00Z", "1 month").as_deref(),
            Some("2013-02-28T05:00:00Z")
        );
        let hour = buckets("1 hour", "America/New_York");
        // Two in the morning is not there on the day before.
        assert_eq!(earlier(&hour, "2013-03-11T06:00:00Z", "1 day"), None);
        assert_eq!(
            earlier(&hour, "2013-03-11T07:00:00Z", "1 day").as_deref(),
            Some("2013-03-10T07:00:00Z")
        );
        let quarter = buckets("6 hours", "America/New_York");
        // The first quarter of the day of 23 hours has five.
        assert_eq!(
            earlier(&quarter, "2013-03-10T10:00:00Z", "6 hours").as_deref(),
            Some("2013-03-10T05:00:00Z")
        );
    }

    #[test]
    fn finer_offsets() {
        let finer = |a: &str, b: &str| is_finer(Grain::parse(a).unwrap(), Grain::parse(b).unwrap());
        for (offset, grain) in [
            ("1 day", "1 week"),
            ("1 month", "1 quarter"),
            ("31 days", "1 month"),
            ("1 month", "5 weeks"),
        ] {
            assert!(finer(offset, grain), "{offset} {grain}");
        }
        for (offset, grain) in [
            ("7 days", "1 week"),
            ("1 year", "1 week"),
            ("24 hours", "1 day"),
            ("12 months", "1 year"),
        ] {
            assert!(!finer(offset, grain), "{offset} {grain}");
        }
    }
}
