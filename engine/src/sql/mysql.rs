//! MySQL 8.0 and MariaDB 10.5: exact text by bytes, nulls in order by hand, time zones by their
//! offsets, so that a server with empty zone tables is right too.

use super::rules::{Rules, Span};
use crate::functions::{Bucket, PartOf, Round, Rounding, ZoneSpec};
use air_ir::{Part, Unit};
use datafusion::arrow::datatypes::DataType;
use jiff::Timestamp;

pub(super) struct Mysql;

type Text = Result<String, String>;

fn bytes(value: &str) -> String {
    format!("CAST({value} AS BINARY)")
}

impl Rules for Mysql {
    fn quote(&self) -> char {
        '`'
    }

    fn numbered(&self) -> bool {
        false
    }

    fn writes_offsets(&self) -> bool {
        true
    }

    fn parameter(&self, placeholder: &str, arrow: &DataType) -> Text {
        Ok(match arrow {
            DataType::Date32 => format!("CAST({placeholder} AS DATE)"),
            DataType::Timestamp(..) => format!("CAST({placeholder} AS DATETIME(6))"),
            DataType::Time64(_) => format!("CAST({placeholder} AS TIME(6))"),
            DataType::Decimal128(..) | DataType::Decimal256(..) => {
                format!("CAST({placeholder} AS {})", self.type_name(arrow)?)
            }
            _ => placeholder.to_owned(),
        })
    }

    fn type_name(&self, arrow: &DataType) -> Text {
        Ok(match arrow {
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Boolean => "SIGNED".to_owned(),
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
                "UNSIGNED".to_owned()
            }
            DataType::Float32 | DataType::Float64 => "DOUBLE".to_owned(),
            DataType::Decimal128(p, s) | DataType::Decimal256(p, s) if *p <= 65 && *s <= 30 => {
                format!("DECIMAL({p},{s})")
            }
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "CHAR".to_owned(),
            DataType::Date32 => "DATE".to_owned(),
            DataType::Time64(_) => "TIME(6)".to_owned(),
            DataType::Timestamp(..) => "DATETIME(6)".to_owned(),
            DataType::Binary => "BINARY".to_owned(),
            other => return Err(format!("has no type for {other}")),
        })
    }

    fn cast(&self, value: &str, from: &DataType, to: &DataType) -> Text {
        if matches!((from, to), (DataType::Date32, DataType::Int32)) {
            return Ok(format!("DATEDIFF({value}, '1970-01-01')"));
        }
        if matches!((from, to), (DataType::Decimal128(..), DataType::Int64)) {
            // A cast would be cut to 64 bits without an error, so the digits are kept.
            return Ok(format!("CAST({value} AS DECIMAL(38,0))"));
        }
        Ok(format!("CAST({value} AS {})", self.type_name(to)?))
    }

    fn byte_order(&self, value: &str) -> String {
        bytes(value)
    }

    fn exact_text(&self, value: &str) -> String {
        bytes(value)
    }

    fn compare_text(&self, left: &str, op: &str, right: &str) -> String {
        match op {
            // The first comparison may use an index; the second is exact.
            "=" => format!("({left} = {right} AND {} = {})", bytes(left), bytes(right)),
            _ => format!("({} {op} {})", bytes(left), bytes(right)),
        }
    }

    fn concat(&self, left: &str, right: &str) -> String {
        format!("CONCAT({left}, {right})")
    }

    fn contains(&self, text: &str, part: &str) -> Text {
        Ok(format!("(LOCATE({}, {}) > 0)", bytes(part), bytes(text)))
    }

    fn starts_with(&self, text: &str, part: &str) -> Text {
        Ok(format!("(LEFT({t}, LENGTH({part})) = {p})", t = bytes(text), p = bytes(part)))
    }

    fn ends_with(&self, text: &str, part: &str) -> Text {
        Ok(format!("(RIGHT({t}, LENGTH({part})) = {p})", t = bytes(text), p = bytes(part)))
    }

    fn fold(&self, text: &str) -> Text {
        Ok(format!("LOWER({text})"))
    }

    fn round(&self, value: &str, round: &Round, float: bool) -> Text {
        Ok(match (round.rounding, float) {
            (Rounding::Floor, _) => format!("FLOOR({value})"),
            (Rounding::Ceil, _) => format!("CEILING({value})"),
            (Rounding::HalfAway(d), true) => {
                format!("CAST(ROUND(CAST({value} AS DECIMAL(65,20)), {d}) AS DOUBLE)")
            }
            (Rounding::HalfAway(d), false) => format!("ROUND({value}, {d})"),
        })
    }

    fn between(&self, later: &str, earlier: &str, unit: u32) -> Text {
        let micros = format!("TIMESTAMPDIFF(MICROSECOND, {earlier}, {later})");
        Ok(format!("CAST({micros} / {unit}000000 AS DOUBLE)"))
    }

    fn local(&self, instant: &str, zone: &ZoneSpec, span: Span) -> Text {
        let offset = offset(instant, zone, span)?;
        if offset == "0" {
            return Ok(instant.to_owned());
        }
        Ok(format!("({instant} + INTERVAL {offset} SECOND)"))
    }

    fn in_zone(&self, local: &str, zone: &ZoneSpec) -> Text {
        match zone.is_utc() {
            true => Ok(local.to_owned()),
            false => Err(format!(
                "cannot read times without zone in {} here; declare the source in UTC",
                zone.name
            )),
        }
    }

    fn bucket(&self, value: &str, bucket: &Bucket, date: bool, span: Span) -> Text {
        let local = if date { value.to_owned() } else { self.local(value, &bucket.zone, span)? };
        if matches!(bucket.grain.unit, Unit::Minute | Unit::Hour) {
            return clock(value, &local, bucket, span);
        }
        let start = self.calendar_start(&local, bucket)?;
        if date {
            return Ok(start);
        }
        let midnight = format!("CAST({start} AS DATETIME(6))");
        instant_of(&midnight, &bucket.zone, span)
    }

    fn calendar_start(&self, local: &str, bucket: &Bucket) -> Text {
        let n = i64::from(bucket.grain.n);
        let first = i64::from(bucket.year_start) - 1;
        let months = |n: i64, shift: i64| {
            format!(
                "(DATE '2000-01-01' + INTERVAL (FLOOR((YEAR({local}) * 12 + MONTH({local}) - {}) / {n}) * {n} + {shift}) MONTH)",
                24_001 + shift
            )
        };
        let days = |n: i64, origin: &str| {
            format!(
                "(DATE '{origin}' + INTERVAL (FLOOR(DATEDIFF({local}, '{origin}') / {n}) * {n}) DAY)"
            )
        };
        Ok(match bucket.grain.unit {
            Unit::Month => months(n, 0),
            Unit::Quarter => months(3 * n, first),
            Unit::Year => months(12 * n, first),
            Unit::Week => days(7 * n, &super::rules::first_week(bucket.week_start)),
            _ if n == 1 => format!("DATE({local})"),
            _ => days(n, "2000-01-03"),
        })
    }

    fn part(&self, value: &str, part: &PartOf, date: bool, span: Span) -> Text {
        let local = if date { value.to_owned() } else { self.local(value, &part.zone, span)? };
        Ok(match part.part {
            Part::Hour => format!("HOUR({local})"),
            Part::Minute => format!("MINUTE({local})"),
            Part::Weekday => format!("(WEEKDAY({local}) + 1)"),
            Part::Day => format!("DAYOFMONTH({local})"),
            Part::DayOfYear => format!("DAYOFYEAR({local})"),
            Part::Week => format!("WEEK({local}, 3)"),
            Part::Month => format!("MONTH({local})"),
            Part::Quarter => format!("QUARTER({local})"),
            Part::Year => format!("YEAR({local})"),
        })
    }

    fn percentile(&self, _: &str, _: &str, _: f64) -> Text {
        Err("has no percentile that can be grouped".to_owned())
    }

    fn first(&self, _: &str, _: &str) -> Text {
        Err("has no first or last value of a group".to_owned())
    }

    fn booleans(&self, value: &str, all: bool) -> Text {
        Ok(format!("{}({value})", if all { "MIN" } else { "MAX" }))
    }

    fn order_key(&self, value: &str, ascending: bool, nulls_first: bool) -> String {
        let dir = if ascending { "ASC" } else { "DESC" };
        let nulls = if nulls_first { "DESC" } else { "ASC" };
        format!("({value} IS NULL) {nulls}, {value} {dir}")
    }

    fn null(&self, arrow: &DataType) -> Text {
        match arrow {
            DataType::Null | DataType::Boolean => Ok("NULL".to_owned()),
            _ => Ok(format!("CAST(NULL AS {})", self.type_name(arrow)?)),
        }
    }
}

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
fn offset(instant: &str, zone: &ZoneSpec, span: Span) -> Text {
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

/// A local time as its first instant.
fn instant_of(local: &str, zone: &ZoneSpec, span: Span) -> Text {
    let (first, changes) = offsets(zone, span)?;
    if changes.is_empty() {
        if first == 0 {
            return Ok(local.to_owned());
        }
        return Ok(format!("({local} - INTERVAL {first} SECOND)"));
    }
    let mut cases = String::new();
    for (at, seconds) in changes.iter().rev() {
        // From the wall time at which the old offset ends; a local time that comes twice keeps
        // the old offset, and is so the earlier instant.
        let before = zone.zone.to_offset(*at - jiff::SignedDuration::from_secs(1)).seconds();
        let wall = *at + jiff::SignedDuration::from_secs(i64::from(before));
        let wall = wall.strftime("%Y-%m-%d %H:%M:%S");
        cases += &format!(" WHEN {local} >= TIMESTAMP '{wall}' THEN {seconds}");
    }
    Ok(format!("({local} - INTERVAL (CASE{cases} ELSE {first} END) SECOND)"))
}

/// Buckets of hours and minutes.
fn clock(value: &str, local: &str, bucket: &Bucket, span: Span) -> Text {
    let n = i64::from(bucket.grain.n);
    let width = n * if bucket.grain.unit == Unit::Hour { 3_600 } else { 60 };
    let into = format!("(TIME_TO_SEC({local}) % {width})");
    if width <= 3_600 {
        return Ok(format!(
            "({value} - INTERVAL {into} SECOND - INTERVAL MICROSECOND({value}) MICROSECOND)"
        ));
    }
    let start =
        format!("({local} - INTERVAL {into} SECOND - INTERVAL MICROSECOND({local}) MICROSECOND)");
    instant_of(&start, &bucket.zone, span)
}
