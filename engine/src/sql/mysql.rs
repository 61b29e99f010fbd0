//! MySQL 8.0 and MariaDB 10.5: exact text by bytes, nulls in order by hand, time zones by their
//! offsets, so that a server with empty zone tables is right too.

mod zones;

use self::zones::{clock, offset, start_of};
use super::item::{Item, Read, base};
use super::rules::{Rules, Span, is_text};
use super::writer::is_placeholder;
use crate::functions::{Bucket, PartOf, Round, Rounding, Whole, ZoneSpec};
use air_ir::{Part, Unit};
use datafusion::arrow::datatypes::DataType;

pub(super) struct Mysql;

type Text = Result<String, String>;

/// Text by its bytes, which are told apart exactly; collations ignore case, accents or blanks.
fn bytes(value: &str) -> String {
    format!("CAST({value} AS BINARY)")
}

/// A divisor. By zero is null here and an error elsewhere, so zero becomes a sum that does not
/// fit and fails; the connector knows it by its first number, which no other sum begins with.
fn not_zero(value: &str) -> String {
    format!("(CASE WHEN {value} = 0 THEN 9223372036854775806 + 2 * ({value} = 0) ELSE {value} END)")
}

/// A number that does not fit where `wrong` holds, so that the query fails.
fn failing(wrong: &str) -> String {
    format!("(9223372036854775807 + {wrong})")
}

/// Bytes as text again.
fn text_of(bytes: &str) -> String {
    format!("CONVERT({bytes} USING utf8mb4)")
}

/// Column types that are text by themselves.
const TEXTS: &[&str] = &["text", "varchar", "char", "tinytext", "mediumtext", "longtext"];

impl Rules for Mysql {
    fn places(&self) -> Option<[&'static str; 2]> {
        None
    }

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
        if matches!((from, to), (DataType::Decimal128(..) | DataType::UInt64, DataType::Int64)) {
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

    fn text_key(&self, value: &str) -> (String, String) {
        // All of a group have the same bytes, so the least of them is each of them.
        (bytes(value), format!("MIN({value})"))
    }

    fn text_extreme(&self, word: &str, value: &str, over: &str) -> String {
        text_of(&format!("{word}({}){over}", bytes(value)))
    }

    fn column(
        &self,
        column: String,
        native: Option<&str>,
        arrow: &DataType,
    ) -> Result<Item, String> {
        // Comparing a column with text that its character set lacks is an error of the server.
        let narrow = native.is_some_and(|n| n.contains("character set") && !n.contains("utf8"));
        let Some(native) = native.map(base) else { return Ok(Item::exact(column)) };
        Ok(match arrow {
            arrow if is_text(arrow) && narrow => Item::exact(text_of(&column)),
            arrow if is_text(arrow) && TEXTS.contains(&native.as_str()) => {
                // Columns of other character sets have other bytes.
                Item::read(text_of(&column), column, Read::Text)
            }
            arrow if is_text(arrow) => Item::exact(text_of(&format!("CAST({column} AS CHAR)"))),
            DataType::Boolean => Item::exact(format!("({column} <> 0)")),
            // A zero date is no date.
            DataType::Date32 | DataType::Timestamp(..) => {
                Item::read(format!("NULLIF({column}, 0)"), column, Read::Moment)
            }
            _ if matches!(native.as_str(), "bit" | "year") => {
                Item::exact(format!("({column} + 0)"))
            }
            _ => Item::exact(column),
        })
    }

    fn output(&self, item: &Item, arrow: &DataType) -> Text {
        // Whole numbers and decimals come with all their digits; a cast would cut them to fit.
        let cast = matches!(
            arrow,
            DataType::Float64 | DataType::Date32 | DataType::Timestamp(..) | DataType::Time64(_)
        );
        match cast && !item.exact {
            true => Ok(format!("CAST({} AS {})", item.text, self.type_name(arrow)?)),
            false => Ok(item.text.clone()),
        }
    }

    fn stacked(&self, item: &Item, from: &DataType, to: &DataType) -> Text {
        if is_text(to) {
            // One collation for all parts.
            return Ok(text_of(&item.text));
        }
        match from == to {
            true => self.output(item, to),
            false => self.output(&Item::new(item.text.clone()), to),
        }
    }

    fn compare(&self, left: &Item, op: &str, right: &Item, arrow: &DataType) -> String {
        if !is_text(arrow) {
            return format!("({} {op} {})", left.text, right.text);
        }
        let exact = format!("{} {op} {}", bytes(&left.text), bytes(&right.text));
        match (op, left.raw(Read::Text), right.raw(Read::Text)) {
            // The first comparison may use an index; the second is exact.
            ("=", None, None) => format!("({exact})"),
            // The collation of a null may not be that of the column.
            ("=", ..) if left.constant || right.constant => format!("({exact})"),
            // A value that is bound takes the collation of the column; what is made of other columns
            // may have one by bytes that is another than the column's, and then neither is taken.
            ("=", Some(_), None) if !is_placeholder(&right.text) => {
                format!("({} COLLATE utf8mb4_bin = {} AND {exact})", left.text, right.text)
            }
            ("=", None, Some(_)) if !is_placeholder(&left.text) => {
                format!("({} = {} COLLATE utf8mb4_bin AND {exact})", left.text, right.text)
            }
            ("=", l, r) => {
                let (l, r) = (l.unwrap_or(&left.text), r.unwrap_or(&right.text));
                format!("({l} = {r} AND {exact})")
            }
            _ => format!("({exact})"),
        }
    }

    fn holds(&self, left: &Item, op: &str, right: &Item, arrow: &DataType) -> String {
        // Zero dates are less than all others, so only some comparisons need to leave them out.
        let zero = |raw: &str| format!(" AND {raw} <> 0");
        match (left.raw(Read::Moment), right.raw(Read::Moment)) {
            (Some(l), None) if matches!(op, "=" | ">" | ">=") => {
                format!("({l} {op} {})", right.text)
            }
            (Some(l), None) => format!("({l} {op} {}{})", right.text, zero(l)),
            (None, Some(r)) if matches!(op, "=" | "<" | "<=") => {
                format!("({} {op} {r})", left.text)
            }
            (None, Some(r)) => format!("({} {op} {r}{})", left.text, zero(r)),
            (Some(l), Some(r)) => format!("({l} {op} {r}{}{})", zero(l), zero(r)),
            (None, None) => self.compare(left, op, right, arrow),
        }
    }

    fn same(&self, left: &str, right: &str, arrow: &DataType) -> String {
        match is_text(arrow) {
            true => format!("({} <=> {})", bytes(left), bytes(right)),
            false => format!("({left} <=> {right})"),
        }
    }

    fn hashes_lists(&self) -> bool {
        true
    }

    fn compares_values(&self) -> bool {
        false
    }

    fn average(&self, value: &str) -> String {
        format!("AVG({value})")
    }

    /// MariaDB finds the bare aggregate null in a condition that it moves into the query that
    /// computes it: `m IS NOT NULL` around such a query gave no row.
    fn spread(&self, word: &str, value: &str, over: &str) -> String {
        format!("CAST({word}({value}){over} AS DOUBLE)")
    }

    fn text_in(&self, item: &Item, items: &[String]) -> String {
        let exact: Vec<String> = items.iter().map(|i| bytes(i)).collect();
        let exact = format!("{} IN ({})", bytes(&item.text), exact.join(", "));
        match item.raw(Read::Text) {
            Some(raw) if items.iter().all(|i| is_placeholder(i) || i == "NULL") => {
                format!("({raw} IN ({}) AND {exact})", items.join(", "))
            }
            _ => format!("({exact})"),
        }
    }

    fn any(&self, value: &str, list: &str, text: bool) -> Text {
        // Against bytes, the elements are compared as bytes.
        Ok(match text {
            true => format!("({value} IN ({list}) AND {} IN ({list}))", bytes(value)),
            false => format!("({value} IN ({list}))"),
        })
    }

    fn like(&self, text: &str, pattern: &str) -> String {
        format!("({} COLLATE utf8mb4_bin LIKE {pattern})", text_of(text))
    }

    fn having(&self) -> bool {
        false
    }

    fn full_join(&self) -> bool {
        false
    }

    // MySQL has both, MariaDB has neither.
    fn derived_reaches_out(&self) -> bool {
        false
    }

    fn lag_default(&self) -> bool {
        false
    }

    fn no_limit(&self) -> Option<String> {
        Some("9223372036854775807".to_owned())
    }

    fn divide_whole(&self, left: &str, right: &str, quotient: bool, arrow: &DataType) -> Text {
        if !arrow.is_integer() {
            return Err(format!("has no division of {arrow}"));
        }
        let right = not_zero(right);
        Ok(format!("({left} {} {right})", if quotient { "DIV" } else { "%" }))
    }

    fn quotient(&self, a: &str, b: &str) -> String {
        format!("({a} / {})", not_zero(b))
    }

    fn shift(&self, value: &str, months: i64, days: i64, micros: i64, arrow: &DataType) -> Text {
        let mut text = value.to_owned();
        for (n, unit) in [(months, "MONTH"), (days, "DAY"), (micros, "MICROSECOND")] {
            if n != 0 {
                text += &format!(" + INTERVAL {n} {unit}");
            }
        }
        // Behind the year 9999 there is null, where Postgres has a date.
        let behind = failing(&format!("({value} IS NOT NULL)"));
        let text = format!("COALESCE({text}, {value} + INTERVAL {behind} DAY)");
        Ok(format!("CAST({text} AS {})", self.type_name(arrow)?))
    }

    fn date_part(&self, unit: &str, value: &str) -> Text {
        Ok(match unit {
            "year" => format!("YEAR({value})"),
            "quarter" => format!("QUARTER({value})"),
            "month" => format!("MONTH({value})"),
            "week" => format!("WEEK({value}, 3)"),
            "day" => format!("DAYOFMONTH({value})"),
            "hour" => format!("HOUR({value})"),
            "minute" => format!("MINUTE({value})"),
            "doy" => format!("DAYOFYEAR({value})"),
            "dow" => format!("(DAYOFWEEK({value}) - 1)"),
            _ => return Err(format!("has no part {unit} of a time")),
        })
    }

    fn extreme(&self, name: &str, args: &[String], types: &[DataType]) -> Text {
        if types.iter().any(is_text) {
            return Err(format!("has no {name} of texts by their bytes"));
        }
        // Postgres leaves nulls out, and so does AIR; here one null makes all null, so the
        // largest set of arguments without a null decides.
        if args.len() > 4 {
            return Err(format!("has no {name} of more than 4 values that leaves nulls out"));
        }
        let mut sets: Vec<u32> = (1..1_u32 << args.len()).collect();
        sets.sort_by_key(|set| std::cmp::Reverse(set.count_ones()));
        let mut tried = Vec::new();
        for set in sets {
            let held = args.iter().enumerate().filter(|(i, _)| set & (1 << i) != 0);
            let held: Vec<&str> = held.map(|(_, a)| a.as_str()).collect();
            tried.push(match held[..] {
                [one] => one.to_owned(),
                _ => format!("{name}({})", held.join(", ")),
            });
        }
        Ok(format!("COALESCE({})", tried.join(", ")))
    }

    fn concat(&self, left: &str, right: &str) -> String {
        format!("CONCAT({left}, {right})")
    }

    fn contains(&self, text: &str, part: &str) -> Text {
        Ok(format!("(LOCATE({}, {}) > 0)", bytes(part), bytes(text)))
    }

    fn starts_with(&self, text: &str, part: &str) -> Text {
        Ok(format!("(LEFT({t}, LENGTH({p})) = {p})", t = bytes(text), p = bytes(part)))
    }

    fn ends_with(&self, text: &str, part: &str) -> Text {
        Ok(format!("(RIGHT({t}, LENGTH({p})) = {p})", t = bytes(text), p = bytes(part)))
    }

    fn fold(&self, text: &str, letters: &[(char, char)]) -> Text {
        // LOWER knows other letters, by version and collation.
        const MOST: usize = 100;
        if letters.len() > MOST {
            return Err(format!("has no folding of case by more than {MOST} letters"));
        }
        Ok(letters.iter().fold(text_of(text), |text, (from, to)| {
            format!("REPLACE({text} COLLATE utf8mb4_bin, '{from}', '{to}')")
        }))
    }

    fn round(&self, value: &str, round: &Round, float: bool) -> Text {
        Ok(match (round.rounding, float) {
            (Rounding::Floor, _) => format!("FLOOR({value})"),
            (Rounding::Ceil, _) => format!("CEILING({value})"),
            (Rounding::HalfAway(d @ 0..=12), true) => {
                // A double has at most 17 figures, so 30 places hold all that count for 12; what is
                // too large for the decimal has nothing after the point.
                let rounded =
                    format!("CAST(ROUND(CAST({value} AS DECIMAL(65,30)), {d}) AS DOUBLE)");
                format!("(CASE WHEN ABS({value}) < 1e34 THEN {rounded} ELSE {value} END)")
            }
            (Rounding::HalfAway(d), true) => {
                return Err(format!("has no rounding of a double to {d} digits that is exact"));
            }
            (Rounding::HalfAway(d), false) => format!("ROUND({value}, {d})"),
        })
    }

    fn whole(&self, value: &str, from: &DataType, whole: &Whole) -> Text {
        if from.is_floating() {
            return Err("has no rounding of a double to a whole number that is exact".to_owned());
        }
        let rounded = if from.is_integer() { value.to_owned() } else { format!("ROUND({value})") };
        let (least, greatest) = whole.bounds();
        // A cast cuts what does not fit, so that becomes a sum that does not fit either and fails.
        let out = format!("({rounded} < {least} OR {rounded} > {greatest})");
        let checked = format!("CASE WHEN {out} THEN {} ELSE {rounded} END", failing(&out));
        Ok(format!("CAST(({checked}) AS SIGNED)"))
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

    fn instant_by_clock(&self, local: &str, zone: &ZoneSpec) -> Text {
        // Without bounds neither reading has a form here, and in UTC they are the same.
        self.in_zone(local, zone)
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
        start_of(&midnight, bucket, span)
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

    fn booleans(&self, value: &str, all: bool, over: &str) -> Text {
        Ok(format!("{}({value}){over}", if all { "MIN" } else { "MAX" }))
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
