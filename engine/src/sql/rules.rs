//! What differs between engines. Every method has the Postgres form as its default, or refuses.

use crate::functions::{Bucket, PartOf, Round, Rounding, Whole, ZoneSpec};
use air_ir::{Part, Unit, Weekday};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use jiff::Timestamp;

use super::item::{Item, Read, base};

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

    /// The first place a row of a table can have, and the one behind the last; none where rows
    /// have no places that can be asked for.
    fn places(&self) -> Option<[&'static str; 2]> {
        // Block and number within it; no table has a block of the second number.
        Some(["(0,0)", "(4294967295,0)"])
    }

    /// What `from`, which is a table called `alias`, becomes for a part of its own rows, and the
    /// condition that a row lies between two places, whose placeholders these are.
    fn part_of(&self, from: &str, alias: &str, first: &str, behind: &str) -> (String, String) {
        let bound = |op: &str, place: &str| format!("{alias}.ctid {op} CAST({place} AS tid)");
        (format!("ONLY {from}"), format!("{} AND {}", bound(">=", first), bound("<", behind)))
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
            DataType::List(of) => format!("{}[]", self.type_name(of.data_type())?),
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

    /// Text in the form that is told apart exactly.
    fn exact_text(&self, value: &str) -> String {
        value.to_owned()
    }

    /// Text as a group's key, and as that group's value.
    fn text_key(&self, value: &str) -> (String, String) {
        (value.to_owned(), value.to_owned())
    }

    /// The least or greatest text by bytes: `word` is `MIN` or `MAX`.
    fn text_extreme(&self, word: &str, value: &str, over: &str) -> String {
        format!("{word}({}){over}", self.byte_order(value))
    }

    /// A column of a table, as AIR sees it.
    fn column(
        &self,
        column: String,
        native: Option<&str>,
        arrow: &DataType,
    ) -> Result<Item, String> {
        if native.is_some_and(|n| n.ends_with(NOT_DETERMINISTIC)) && is_text(arrow) {
            return Ok(Item::exact(format!("(CAST({column} AS text) COLLATE \"C\")")));
        }
        let Some(native) = native.map(base) else { return Ok(Item::exact(column)) };
        if native == "uuid" && is_text(arrow) {
            return Ok(Item::read(format!("CAST({column} AS text)"), column, Read::Uuid));
        }
        let plain = if is_text(arrow) { TEXTS } else { PLAIN };
        // A cast of a decimal would round it to the catalog's scale.
        if plain.contains(&native.as_str()) || is_decimal(arrow) {
            return Ok(Item::exact(column));
        }
        Ok(Item::exact(format!("CAST({column} AS {})", self.type_name(arrow)?)))
    }

    /// An output of the whole query, in the plan's type.
    fn output(&self, item: &Item, arrow: &DataType) -> Text {
        match item.exact || *arrow == DataType::Null {
            true => Ok(item.text.clone()),
            false => Ok(format!("CAST({} AS {})", item.text, self.type_name(arrow)?)),
        }
    }

    /// A column of one of several queries whose rows are put under one another.
    fn stacked(&self, item: &Item, from: &DataType, to: &DataType) -> Text {
        match item.exact && from == to {
            true => Ok(item.text.clone()),
            false => self.output(&Item::new(item.text.clone()), to),
        }
    }

    /// `left op right`, exact.
    fn compare(&self, left: &Item, op: &str, right: &Item, arrow: &DataType) -> String {
        if !is_text(arrow) {
            return format!("({} {op} {})", left.text, right.text);
        }
        match (op, left.raw(Read::Uuid), right.raw(Read::Uuid)) {
            ("=" | "<>", Some(l), Some(r)) => format!("({l} {op} {r})"),
            ("=", Some(raw), None) => uuid(raw, &left.text, &right.text),
            ("=", None, Some(raw)) => uuid(raw, &right.text, &left.text),
            ("=" | "<>", ..) => format!("({} {op} {})", left.text, right.text),
            _ => format!("({} {op} {})", self.byte_order(&left.text), right.text),
        }
    }

    /// [`Rules::compare`] where null and false are the same, such that an index still serves.
    fn holds(&self, left: &Item, op: &str, right: &Item, arrow: &DataType) -> String {
        self.compare(left, op, right, arrow)
    }

    /// Equal, or both null.
    fn same(&self, left: &str, right: &str, _: &DataType) -> String {
        format!("({left} IS NOT DISTINCT FROM {right})")
    }

    /// Whether rows are looked up by hash in a query within `IN`, and only there: `EXISTS` reads
    /// that query again for every row.
    fn hashes_lists(&self) -> bool {
        false
    }

    /// A value of a type, the same each time.
    fn some_value(&self, arrow: &DataType) -> Text {
        Ok(match arrow {
            DataType::Boolean => "FALSE".to_owned(),
            number if number.is_numeric() => "0".to_owned(),
            text if is_text(text) => "''".to_owned(),
            DataType::Date32 => "DATE '1970-01-01'".to_owned(),
            DataType::Time64(_) => "TIME '00:00:00'".to_owned(),
            DataType::Timestamp(..) => "TIMESTAMP '1970-01-01 00:00:00'".to_owned(),
            other => return Err(format!("has no form for rows joined by {other}")),
        })
    }

    /// Whether a text is one of several.
    fn text_in(&self, item: &Item, items: &[String]) -> String {
        format!("({} IN ({}))", item.text, items.join(", "))
    }

    /// Whether a value is in a list that is one parameter.
    fn any(&self, value: &str, list: &str, _text: bool) -> Text {
        Ok(format!("({value} = ANY({list}))"))
    }

    /// Case-sensitive `LIKE`, escaped by a backslash.
    fn like(&self, text: &str, pattern: &str) -> String {
        format!("({text} LIKE {pattern})")
    }

    /// Whether HAVING takes expressions of the keys and not only the keys.
    fn having(&self) -> bool {
        true
    }

    /// Whether `FULL JOIN` is there.
    fn full_join(&self) -> bool {
        true
    }

    /// Whether a derived table in a subquery may speak of the query around that.
    fn derived_reaches_out(&self) -> bool {
        true
    }

    /// Whether `lag` and `lead` take a value for where there is no row.
    fn lag_default(&self) -> bool {
        true
    }

    /// What a limit is where only an offset is wanted, if it must be there.
    fn no_limit(&self) -> Option<String> {
        None
    }

    /// `/` cut towards zero, or the remainder with the sign of `left`; by zero is an error.
    fn divide_whole(&self, left: &str, right: &str, quotient: bool, arrow: &DataType) -> Text {
        match arrow.is_integer() {
            true => Ok(format!("({left} {} {right})", if quotient { "/" } else { "%" })),
            false => Err(format!("has no division of {arrow}")),
        }
    }

    /// `a / b` as doubles; by zero is an error.
    fn quotient(&self, a: &str, b: &str) -> String {
        format!("({a} / {b})")
    }

    /// A date or a time so much later.
    fn shift(&self, value: &str, months: i64, days: i64, micros: i64, arrow: &DataType) -> Text {
        let by = format!("INTERVAL '{months} months {days} days {micros} microseconds'");
        Ok(format!("CAST(({value} + {by}) AS {})", self.type_name(arrow)?))
    }

    /// A part of a date or of a timestamp on the clock it shows.
    fn date_part(&self, unit: &str, value: &str) -> Text {
        match DATE_PARTS.contains(&unit) {
            true => Ok(format!("CAST(EXTRACT({unit} FROM {value}) AS integer)")),
            false => Err(format!("has no part {unit} of a time")),
        }
    }

    /// The least or greatest of several values: `name` is `least` or `greatest`.
    fn extreme(&self, name: &str, args: &[String], types: &[DataType]) -> Text {
        let args: Vec<String> = args
            .iter()
            .zip(types)
            .map(|(a, t)| if is_text(t) { self.byte_order(a) } else { a.clone() })
            .collect();
        Ok(format!("{name}({})", args.join(", ")))
    }

    /// Text from a place on, places counted from 1.
    fn substr(&self, args: &[String]) -> Text {
        Ok(format!("substr({})", args.join(", ")))
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

    /// Text folded for a comparison that ignores case: these letters, each to the other. What
    /// `lower` folds depends on the locale.
    fn fold(&self, text: &str, letters: &[(char, char)]) -> Text {
        if letters.is_empty() {
            return Ok(text.to_owned());
        }
        let (from, to): (String, String) = letters.iter().copied().unzip();
        Ok(format!("translate({text}, '{from}', '{to}')"))
    }

    /// Whether `LEAST` and `GREATEST` are right over every expression.
    fn compares_values(&self) -> bool {
        true
    }

    /// The average of doubles. Postgres's own also sums squares, and fails where those do not fit.
    fn average(&self, value: &str) -> String {
        format!("(SUM({value}) / NULLIF(COUNT({value}), 0))")
    }

    /// `STDDEV_SAMP` or `VAR_SAMP` of doubles.
    fn spread(&self, word: &str, value: &str, over: &str) -> String {
        format!("{word}({value}){over}")
    }

    fn divide(&self, a: &str, b: &str) -> String {
        format!("({a} / NULLIF({b}, 0))")
    }

    fn round(&self, value: &str, round: &Round, float: bool) -> Text {
        Ok(match (round.rounding, float) {
            (Rounding::Floor, float) => format!("floor({})", numeric(value, float)),
            (Rounding::Ceil, float) => format!("ceil({})", numeric(value, float)),
            (Rounding::HalfAway(d), true) => {
                // As text it has all its digits; a cast to numeric would keep 15 of them.
                format!(
                    "CAST(round(CAST(CAST({value} AS text) AS numeric), {d}) AS double precision)"
                )
            }
            (Rounding::HalfAway(d), false) => format!("round({value}, {d})"),
        })
    }

    /// A number rounded to a whole number of a type; what does not fit is an error.
    fn whole(&self, value: &str, _from: &DataType, whole: &Whole) -> Text {
        Ok(format!("CAST({value} AS {})", self.type_name(&whole.to)?))
    }

    /// Seconds between two instants, over `unit` seconds.
    fn between(&self, later: &str, earlier: &str, unit: u32) -> Text {
        Ok(format!("CAST(EXTRACT(EPOCH FROM ({later} - {earlier})) / {unit} AS double precision)"))
    }

    /// An instant on the clock of a zone.
    fn local(&self, instant: &str, zone: &ZoneSpec, _span: Span) -> Text {
        Ok(format!("({instant} AT TIME ZONE {})", server_zone(zone)?))
    }

    /// A local time of a zone as an instant, the way SQL has it: of two, the later.
    fn instant_by_clock(&self, local: &str, zone: &ZoneSpec) -> Text {
        Ok(format!("({local} AT TIME ZONE {})", server_zone(zone)?))
    }

    /// A local time of a zone as an instant: of two, the earlier, where the server itself takes
    /// the later.
    fn in_zone(&self, local: &str, zone: &ZoneSpec) -> Text {
        let name = server_zone(zone)?;
        let later = format!("({local} AT TIME ZONE {name})");
        let mut whens = String::new();
        for seconds in &zone.repeats().seconds {
            let earlier = format!("({later} - INTERVAL '{seconds} seconds')");
            whens += &format!(" WHEN ({earlier} AT TIME ZONE {name}) = {local} THEN {earlier}");
        }
        Ok(if whens.is_empty() { later } else { format!("(CASE{whens} ELSE {later} END)") })
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
            _ if bucket.zone.repeats().midnight => {
                self.in_zone(&self.calendar_start(&local, bucket)?, &bucket.zone)
            }
            // No day starts twice here, so the plain form is right, and shorter.
            _ => {
                let start = self.calendar_start(&local, bucket)?;
                Ok(format!("({start} AT TIME ZONE {})", server_zone(&bucket.zone)?))
            }
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
    fn booleans(&self, value: &str, all: bool, over: &str) -> Text {
        Ok(format!("{}({value}){over}", if all { "bool_and" } else { "bool_or" }))
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

/// A decimal without places that is written out is a whole number to the server, of which it has a
/// floor as a double alone.
fn numeric(value: &str, float: bool) -> String {
    let digits = value.trim_matches(['(', ')', '-']);
    match !float && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => format!("CAST({value} AS numeric)"),
        false => value.to_owned(),
    }
}

/// Parts of a time that mean the same on every engine.
pub(super) const DATE_PARTS: &[&str] =
    &["year", "quarter", "month", "week", "day", "hour", "minute", "doy", "dow"];

/// How the native type of a column of Postgres ends, to whose collation different texts may be
/// equal.
pub const NOT_DETERMINISTIC: &str = " not deterministic";

/// Types of Postgres that are text by themselves, and AIR's own word.
const TEXTS: &[&str] = &["text", "varchar", "character varying"];

/// Types of Postgres that come as the catalog's types, and AIR's own words for them.
const PLAIN: &[&str] = &[
    "bool",
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "int",
    "int2",
    "int4",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "smallserial",
    "serial",
    "bigserial",
    "real",
    "double precision",
    "float4",
    "float8",
    "float32",
    "float64",
    "numeric",
    "decimal",
    "date",
    "time",
    "time without time zone",
    "timestamp",
    "timestamp without time zone",
    "timestamptz",
    "timestamp with time zone",
    "bytea",
    "binary",
];

fn is_decimal(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Decimal128(..) | DataType::Decimal256(..))
}

pub(super) fn is_text(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

/// A uuid column against text, such that an index serves and text that is no uuid in its usual
/// form equals none.
fn uuid(raw: &str, shown: &str, text: &str) -> String {
    let form = "'^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'";
    format!(
        "({raw} = CAST(CASE WHEN {text} ~ {form} THEN {text} END AS uuid) AND {shown} = {text})"
    )
}

/// The first day that weeks count from.
pub(super) fn first_week(start: Weekday) -> String {
    format!("2000-01-{:02}", (start.from_monday() + 1) % 7 + 2)
}

/// The name of a zone after `AT TIME ZONE` of Postgres.
pub(super) fn server_zone(zone: &ZoneSpec) -> Text {
    match zone.is_abbreviation() {
        true => Err(format!("takes {} for an abbreviation without summer", zone.name)),
        false => zone_name(zone),
    }
}

/// The name of a zone as a literal: only characters that IANA names are made of.
pub(super) fn zone_name(zone: &ZoneSpec) -> Text {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    match zone.name.chars().all(plain) {
        true => Ok(format!("'{}'", zone.name)),
        false => Err(format!("cannot name the time zone {}", zone.name)),
    }
}
