//! Local times that come twice, and the buckets that start at one.
//!
//! In: a bucket and the bounds of the times. Out: whether one of its starts may come twice, so
//! that engines which take the later instant of two are asked in another way.

use super::rules::Span;
use crate::functions::Bucket;
use air_ir::Unit;
use jiff::{SignedDuration, Timestamp};

const DAY: i64 = 86_400;

/// Seconds of 1850 and 2200: clocks before were never set back, of those after nothing is known.
const FIRST: i64 = -3_786_825_600;
const LAST: i64 = 7_258_118_400;

/// Whether the clock of the bucket's zone may show one of the bucket's starts twice. Where the
/// times are bounded, the changes of the clock since 1970 and those within the bounds count.
pub(super) fn start_comes_twice(bucket: &Bucket, span: Span) -> bool {
    let zone = &bucket.zone.zone;
    if bucket.zone.is_utc() {
        return false;
    }
    let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let (from, until) = match span {
        Some((from, until)) => (from.as_second().min(0) - reach(bucket), until.as_second()),
        None => (FIRST, LAST),
    };
    let (from, until) = (at(from.max(FIRST)), at(until.max(LAST)));
    zone.following(from).take_while(|t| t.timestamp() < until).any(|t| {
        let second = t.timestamp().as_second();
        let before = zone.to_offset(t.timestamp() - SignedDuration::from_nanos(1)).seconds();
        let (low, high) = (second + i64::from(t.offset().seconds()), second + i64::from(before));
        low < high && next_start(bucket, low) < high
    })
}

/// The first second of a local clock, from `local` on, that a bucket may start at.
fn next_start(bucket: &Bucket, local: i64) -> i64 {
    let width = match bucket.grain.unit {
        Unit::Hour => (i64::from(bucket.grain.n) * 3_600).min(DAY),
        Unit::Minute => (i64::from(bucket.grain.n) * 60).min(DAY),
        _ => DAY,
    };
    let into_day = local.rem_euclid(DAY);
    let next = into_day.div_euclid(width) * width;
    let next = if next < into_day { (next + width).min(DAY) } else { next };
    local - into_day + next
}

/// The most seconds that a bucket's start lies before what is in it.
pub(super) fn reach(bucket: &Bucket) -> i64 {
    let days = match bucket.grain.unit {
        Unit::Minute | Unit::Hour | Unit::Day => 1,
        Unit::Week => 7,
        Unit::Month => 31,
        Unit::Quarter => 92,
        Unit::Year => 366,
    };
    let many =
        if matches!(bucket.grain.unit, Unit::Minute | Unit::Hour) { 1 } else { bucket.grain.n };
    (days * i64::from(many) + 1) * DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::ZoneSpec;
    use air_ir::{Grain, Weekday};

    #[test]
    fn midnight_comes_twice_in_some_zones_only() {
        let twice = |zone: &str, grain: &str, span| {
            let zone = ZoneSpec::get(zone).unwrap();
            let grain = Grain::parse(grain).unwrap();
            start_comes_twice(&Bucket::new(grain, zone, Weekday::Monday, 1), span)
        };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let year = Some((at("2024-01-01T00:00:00Z"), at("2025-01-01T00:00:00Z")));
        assert!(twice("America/Havana", "1 day", year));
        assert!(!twice("Europe/Berlin", "1 day", year));
        assert!(twice("Europe/Berlin", "1 day", None), "1916");
        assert!(twice("Europe/Berlin", "2 hours", year));
        assert!(!twice("America/New_York", "1 week", year));
        assert!(!twice("UTC", "1 day", None));
    }
}
