//! What differs between engines. Every method has the Postgres form as its default, or refuses.

use crate::functions::{Bucket, PartOf, Round, Rounding, ZoneSpec};
use air_ir::{Part, Unit, Weekday};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use jiff::Timestamp;

type Text = Result<String, String>;

/// The bounds of the times in a query, where known.
pub(super) type Span = Option<(Timestamp, Timestamp)>;

pub(super) trait Rules: Sync {
    /// The quote of identifiers.
    fn quote(&self) -> char {
        '"'
    }

    /// Whether placeholders have numbers, so that one can stand twice.
    fn numbered(&self) -> bool {
        true
    }

    /// Whether the offsets of a zone are written out, for which the bounds of times are needed;
    /// other engines are not told the bounds, so that their text serves any.
    fn writes_offsets(&self) -> bool {
        false
    }

    /// A placeholder of a type.
    fn parameter(&self, placeholder: &str, arrow: &DataType) -> Text {
        Ok(format!("CAST({placeholder} AS {})", self.type_name(arrow)?))
    }

    /// The name of a type in a cast.
    fn type_name(&self, arrow: &DataType) -> Text {
        Ok(match arrow {
            DataType::Boolean => "boolean".to_owned(),
            DataType::Int8 | DataType::Int16 | DataType::UInt8 => "smallint".to_owned(),
            DataType::Int32 | DataType::UInt16 => "integer".to_owned(),
            DataType::Int64 | DataType::UInt32 => "bigint".to_owned(),
            DataType::UInt64 => "numeric(20,0)".to_owned(),
            DataType::Float32 => "real".to_owned(),
            DataType::Float64 => "double precision".to_owned(),
            DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => format!("numeric({p},{s})"),
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text".to_owned(),
            DataType::Date32 => "date".to_owned(),
            DataType::Time64(_) => "time".to_owned(),
            DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp".to_owned(),
            DataType::Timestamp(..) => "timestamptz".to_owned(),
            DataType::Binary => "bytea".to_owned(),
            other => return Err(format!("has no type for {other}")),
        })
    }

    /// `CAST(value AS type)`.
    fn cast(&self, value: &str, from: &DataType, to: &DataType) -> Text {
        let (from, to_name) = (from, self.type_name(to)?);
        if matches!((from, to), (DataType::Date32, DataType::Int32)) {
            return Ok(format!("({value} - DATE '1970-01-01')"));
        }
        Ok(format!("CAST({value} AS {to_name})"))
    }

    /// Text as it is told apart and ordered: by its bytes.
    fn byte_order(&self, value: &str) -> String {
        format!("({value} COLLATE \"C\")")
    }

    /// Text as a group key or a distinct value.
    fn exact_text(&self, value: &str) -> String {
        value.to_owned()
    }

    /// `left op right` on text, exact, and such that an index on `left` still serves.
    fn compare_text(&self, left: &str, op: &str, right: &str) -> String {
        match op {
            "=" | "<>" => format!("({left} {op} {right})"),
            _ => format!("({} {op} {right})", self.byte_order(left)),
        }
    }

    fn concat(&self, left: &str, right: &str) -> String {
        format!("({left} || {right})")
    }

    fn contains(&self, text: &str, part: &str) -> Text {
        Ok(format!("(strpos({text}, {part}) > 0)"))
    }

    fn starts_with(&self, text: &str, part: &str) -> Text {
        Ok(format!("starts_with({text}, {part})"))
    }

    fn ends_with(&self, text: &str, part: &str) -> Text {
        Ok(format!("(right({text}, length({part})) = {part})"))
    }

    /// Text folded for comparisons that ignore case.
    fn fold(&self, text: &str) -> Text {
        Ok(format!("lower({text})"))
    }

    fn divide(&self, a: &str, b: &str) -> String {
        format!("({a} / NULLIF({b}, 0))")
    }

    fn round(&self, value: &str, round: &Round, float: bool) -> Text {
        Ok(match (round.rounding, float) {
            (Rounding::Floor, _) => format!("floor({value})"),
            (Rounding::Ceil, _) => format!("ceil({value})"),
            (Rounding::HalfAway(d), true) => {
                format!("CAST(round(CAST({value} AS numeric), {d}) AS double precision)")
            }
            (Rounding::HalfAway(d), false) => format!("round({value}, {d})"),
        })
    }

    /// Seconds between two instants, over `unit` seconds.
    fn between(&self, later: &str, earlier: &str, unit: u32) -> Text {
        Ok(format!("CAST(EXTRACT(EPOCH FROM ({later} - {earlier})) / {unit} AS double precision)"))
    }

    /// An instant on the clock of a zone.
    fn local(&self, instant: &str, zone: &ZoneSpec, _span: Span) -> Text {
        Ok(format!("({instant} AT TIME ZONE {})", zone_name(zone)?))
    }

    /// A local time of a zone as an instant.
    fn in_zone(&self, local: &str, zone: &ZoneSpec) -> Text {
        Ok(format!("({local} AT TIME ZONE {})", zone_name(zone)?))
    }

    /// The start of a bucket; `date` for a date, else an instant.
    fn bucket(&self, value: &str, bucket: &Bucket, date: bool, span: Span) -> Text {
        if date {
            let start = self.calendar_start(&format!("CAST({value} AS timestamp)"), bucket)?;
            return Ok(format!("CAST({start} AS date)"));
        }
        let local = self.local(value, &bucket.zone, span)?;
        let n = bucket.grain.n;
        let minutes = if bucket.grain.unit == Unit::Hour { n * 60 } else { n };
        match bucket.grain.unit {
            Unit::Minute | Unit::Hour if minutes <= 60 => Ok(format!(
                "({value} - ({local} - date_bin(INTERVAL '{minutes} minutes', {local}, date_trunc('day', {local}))))"
            )),
            Unit::Minute | Unit::Hour => {
                let start = format!(
                    "date_bin(INTERVAL '{minutes} minutes', {local}, date_trunc('day', {local}))"
                );
                self.in_zone(&start, &bucket.zone)
            }
            _ => self.in_zone(&self.calendar_start(&local, bucket)?, &bucket.zone),
        }
    }

    /// The start, on the local clock, of a bucket of days or longer.
    fn calendar_start(&self, local: &str, bucket: &Bucket) -> Text {
        let n = i64::from(bucket.grain.n);
        let first = i64::from(bucket.year_start) - 1;
        let months = |n: i64, shift: i64| {
            let number = format!(
                "(CAST(EXTRACT(YEAR FROM {local}) AS integer) * 12 + CAST(EXTRACT(MONTH FROM {local}) AS integer) - {})",
                24_001 + shift
            );
            format!(
                "(TIMESTAMP '2000-01-01' + make_interval(months => CAST(floor({number} / {n}.0) * {n} AS integer) + {shift}))"
            )
        };
        let days = |n: i64, origin: &str| {
            format!("date_bin(INTERVAL '{n} days', {local}, TIMESTAMP '{origin}')")
        };
        Ok(match bucket.grain.unit {
            Unit::Month if n == 1 => format!("date_trunc('month', {local})"),
            Unit::Quarter if n == 1 && first == 0 => format!("date_trunc('quarter', {local})"),
            Unit::Year if n == 1 && first == 0 => format!("date_trunc('year', {local})"),
            Unit::Month => months(n, 0),
            Unit::Quarter => months(3 * n, first),
            Unit::Year => months(12 * n, first),
            Unit::Week if n == 1 && bucket.week_start == Weekday::Monday => {
                format!("date_trunc('week', {local})")
            }
            Unit::Week => days(7 * n, &first_week(bucket.week_start)),
            _ if n == 1 => format!("date_trunc('day', {local})"),
            _ => days(n, "2000-01-03"),
        })
    }

    /// A part of a date, or of an instant on its zone's clock.
    fn part(&self, value: &str, part: &PartOf, date: bool, span: Span) -> Text {
        let local = if date { value.to_owned() } else { self.local(value, &part.zone, span)? };
        let field = match part.part {
            Part::Hour => "HOUR",
            Part::Minute => "MINUTE",
            Part::Weekday => "ISODOW",
            Part::Day => "DAY",
            Part::DayOfYear => "DOY",
            Part::Week => "WEEK",
            Part::Month => "MONTH",
            Part::Quarter => "QUARTER",
            Part::Year => "YEAR",
        };
        Ok(format!("CAST(EXTRACT({field} FROM {local}) AS bigint)"))
    }

    /// `name` is `percentile_cont` or `percentile_disc`.
    fn percentile(&self, name: &str, value: &str, p: f64) -> Text {
        Ok(format!("{name}({p}) WITHIN GROUP (ORDER BY {value})"))
    }

    /// The value of the first row of an order.
    fn first(&self, value: &str, order: &str) -> Text {
        Ok(format!("(array_agg({value} ORDER BY {order}))[1]"))
    }

    /// `bool_and` where `all`, else `bool_or`.
    fn booleans(&self, value: &str, all: bool) -> Text {
        Ok(format!("{}({value})", if all { "bool_and" } else { "bool_or" }))
    }

    /// One key of an order.
    fn order_key(&self, value: &str, ascending: bool, nulls_first: bool) -> String {
        let (dir, nulls) =
            (if ascending { "ASC" } else { "DESC" }, if nulls_first { "FIRST" } else { "LAST" });
        format!("{value} {dir} NULLS {nulls}")
    }

    /// A typed null.
    fn null(&self, arrow: &DataType) -> Text {
        match arrow {
            DataType::Null => Ok("NULL".to_owned()),
            _ => Ok(format!("CAST(NULL AS {})", self.type_name(arrow)?)),
        }
    }
}

/// The first day that weeks count from.
pub(super) fn first_week(start: Weekday) -> String {
    format!("2000-01-{:02}", (start.from_monday() + 1) % 7 + 2)
}

/// The name of a zone as a literal: only characters that IANA names are made of.
pub(super) fn zone_name(zone: &ZoneSpec) -> Text {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    match zone.name.chars().all(plain) {
        true => Ok(format!("'{}'", zone.name)),
        false => Err(format!("cannot name the time zone {}", zone.name)),
    }
}
