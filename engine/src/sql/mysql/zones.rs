//! Time zones by their offsets, written out: right with empty zone tables too.
//!
//! In: a local or an instant as text, a zone, and the span of time that filters leave. Out: an
//! expression with a case for each change of the offset within the span. Without a span it is
//! refused: outside of what is written out the offsets would be wrong.

use super::super::rules::Span;
use super::Text;
use crate::functions::{Bucket, ZoneSpec};
use air_ir::Unit;
use jiff::Timestamp;

/// The changes of a zone's offset within a span, each with the seconds that hold from it on; the
/// first holds from the start.
fn offsets(zone: &ZoneSpec, span: Span) -> Result<(i32, Vec<(Timestamp, i32)>), String> {
    if zone.is_utc() {
        return Ok((0, Vec::new()));
    }
    let Some((from, until)) = span else {
        return Err(format!(
            "needs a bounded time range for times in {}, since its own zone tables may be empty",
            zone.name
        ));
    };
    let changes = zone
        .zone
        .following(from)
        .take_while(|t| t.timestamp() < until)
        .map(|t| (t.timestamp(), t.offset().seconds()))
        .collect();
    Ok((zone.zone.to_offset(from).seconds(), changes))
}

/// Seconds to add to an instant for the local clock, as an expression.
pub(super) fn offset(instant: &str, zone: &ZoneSpec, span: Span) -> Text {
    let (first, changes) = offsets(zone, span)?;
    if changes.is_empty() {
        return Ok(first.to_string());
    }
    let mut cases = String::new();
    for (at, seconds) in changes.iter().rev() {
        let at = at.strftime("%Y-%m-%d %H:%M:%S");
        cases += &format!(" WHEN {instant} >= TIMESTAMP '{at}' THEN {seconds}");
    }
    Ok(format!("(CASE{cases} ELSE {first} END)"))
}

/// The local start of a bucket as its first instant: the earlier of two, and the end of the gap
/// for a time that the clock skips.
pub(super) fn start_of(local: &str, bucket: &Bucket, span: Span) -> Text {
    let zone = &bucket.zone;
    // A bucket may start before the first time that is in it.
    let reach = reach(bucket);
    let span = span.map(|(from, until)| (from.saturating_sub(reach).unwrap_or(from), until));
    let (first, changes) = offsets(zone, span)?;
    if changes.is_empty() {
        if first == 0 {
            return Ok(local.to_owned());
        }
        return Ok(format!("({local} - INTERVAL {first} SECOND)"));
    }
    let (mut cases, mut skipped) = (String::new(), String::new());
    for (at, seconds) in changes.iter().rev() {
        // From the wall time at which the old offset ends; a local time that comes twice keeps
        // the old offset, and is so the earlier instant.
        let before = zone.zone.to_offset(*at - jiff::SignedDuration::from_secs(1)).seconds();
        let wall = wall(*at, before);
        cases += &format!(" WHEN {local} >= TIMESTAMP '{wall}' THEN {seconds}");
        if *seconds > before {
            skipped += &format!(
                " WHEN {local} >= TIMESTAMP '{wall}' AND {local} < TIMESTAMP '{}' THEN TIMESTAMP '{}'",
                self::wall(*at, *seconds),
                self::wall(*at, 0)
            );
        }
    }
    let start = format!("({local} - INTERVAL (CASE{cases} ELSE {first} END) SECOND)");
    match skipped.is_empty() {
        true => Ok(start),
        false => Ok(format!("(CASE{skipped} ELSE {start} END)")),
    }
}

/// The most by which a bucket starts before what is in it.
fn reach(bucket: &Bucket) -> jiff::SignedDuration {
    let n = i64::from(bucket.grain.n);
    let days = match bucket.grain.unit {
        Unit::Minute | Unit::Hour => 1,
        Unit::Day => n,
        Unit::Week => 7 * n,
        Unit::Month => 31 * n,
        Unit::Quarter => 92 * n,
        Unit::Year => 366 * n,
    };
    jiff::SignedDuration::from_hours(24 * (days + 1))
}

/// What a clock of an offset shows at an instant.
fn wall(at: Timestamp, offset: i32) -> String {
    let wall = at + jiff::SignedDuration::from_secs(i64::from(offset));
    wall.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Buckets of hours and minutes.
pub(super) fn clock(value: &str, local: &str, bucket: &Bucket, span: Span) -> Text {
    let n = i64::from(bucket.grain.n);
    let width = n * if bucket.grain.unit == Unit::Hour { 3_600 } else { 60 };
    // MariaDB counts fractions of a second too.
    let into = format!("(FLOOR(TIME_TO_SEC({local})) % {width})");
    if width <= 3_600 {
        return Ok(format!(
            "({value} - INTERVAL {into} SECOND - INTERVAL MICROSECOND({value}) MICROSECOND)"
        ));
    }
    let start =
        format!("({local} - INTERVAL {into} SECOND - INTERVAL MICROSECOND({local}) MICROSECOND)");
    start_of(&start, bucket, span)
}
