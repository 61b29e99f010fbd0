//! The embedded engine. The plan itself is run; this is the text that shows it to people.

use super::item::Item;
use super::rules::{Rules, Span};
use crate::functions::{Bucket, PartOf, Round, Rounding, Whole, ZoneSpec};
use datafusion::arrow::datatypes::{DataType, TimeUnit};

pub(super) struct Datafusion;

type Text = Result<String, String>;

impl Rules for Datafusion {
    fn places(&self) -> Option<[&'static str; 2]> {
        None
    }

    fn parameter(&self, placeholder: &str, _: &DataType) -> Text {
        Ok(placeholder.to_owned())
    }

    fn type_name(&self, arrow: &DataType) -> Text {
        Ok(match arrow {
            DataType::Boolean => "BOOLEAN".to_owned(),
            DataType::Int8 => "TINYINT".to_owned(),
            DataType::Int16 => "SMALLINT".to_owned(),
            DataType::Int32 => "INT".to_owned(),
            DataType::Int64 => "BIGINT".to_owned(),
            DataType::UInt8 => "TINYINT UNSIGNED".to_owned(),
            DataType::UInt16 => "SMALLINT UNSIGNED".to_owned(),
            DataType::UInt32 => "INT UNSIGNED".to_owned(),
            DataType::UInt64 => "BIGINT UNSIGNED".to_owned(),
            DataType::Float32 => "FLOAT".to_owned(),
            DataType::Float64 => "DOUBLE".to_owned(),
            DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => format!("DECIMAL({p},{s})"),
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "VARCHAR".to_owned(),
            DataType::Date32 => "DATE".to_owned(),
            DataType::Time64(_) => "TIME".to_owned(),
            DataType::Timestamp(TimeUnit::Microsecond, None) => "TIMESTAMP".to_owned(),
            DataType::Timestamp(..) => "TIMESTAMPTZ".to_owned(),
            DataType::Binary => "BYTEA".to_owned(),
            other => return Err(format!("has no type for {other}")),
        })
    }

    fn cast(&self, value: &str, _: &DataType, to: &DataType) -> Text {
        Ok(format!("CAST({value} AS {})", self.type_name(to)?))
    }

    fn column(&self, column: String, _: Option<&str>, _: &DataType) -> Result<Item, String> {
        Ok(Item::exact(column))
    }

    fn output(&self, item: &Item, _: &DataType) -> Text {
        Ok(item.text.clone())
    }

    fn any(&self, value: &str, list: &str, _: bool) -> Text {
        Ok(format!("air_any({value}, {list})"))
    }

    fn quotient(&self, a: &str, b: &str) -> String {
        format!("air_quotient({a}, {b})")
    }

    fn date_part(&self, unit: &str, value: &str) -> Text {
        Ok(format!("date_part('{}', {value})", unit.replace('\'', "")))
    }

    fn byte_order(&self, value: &str) -> String {
        value.to_owned()
    }

    fn contains(&self, text: &str, part: &str) -> Text {
        Ok(format!("contains({text}, {part})"))
    }

    fn ends_with(&self, text: &str, part: &str) -> Text {
        Ok(format!("ends_with({text}, {part})"))
    }

    fn fold(&self, text: &str, _: &[(char, char)]) -> Text {
        Ok(format!("air_fold({text})"))
    }

    fn average(&self, value: &str) -> String {
        format!("AVG({value})")
    }

    fn divide(&self, a: &str, b: &str) -> String {
        format!("air_divide({a}, {b})")
    }

    fn round(&self, value: &str, round: &Round, _: bool) -> Text {
        Ok(match round.rounding {
            Rounding::Floor => format!("air_floor({value})"),
            Rounding::Ceil => format!("air_ceil({value})"),
            Rounding::HalfAway(digits) => format!("air_round({value}, {digits})"),
        })
    }

    fn whole(&self, value: &str, _: &DataType, whole: &Whole) -> Text {
        Ok(format!("air_whole({value}, '{}')", whole.to))
    }

    fn between(&self, later: &str, earlier: &str, unit: u32) -> Text {
        Ok(format!("air_between({later}, {earlier}, {unit})"))
    }

    fn local(&self, instant: &str, zone: &ZoneSpec, _: Span) -> Text {
        Ok(format!("({instant} AT TIME ZONE {})", super::rules::zone_name(zone)?))
    }

    fn instant_by_clock(&self, local: &str, zone: &ZoneSpec) -> Text {
        Ok(format!("({local} AT TIME ZONE {})", super::rules::zone_name(zone)?))
    }

    fn in_zone(&self, local: &str, zone: &ZoneSpec) -> Text {
        Ok(format!("air_in_zone({local}, {})", super::rules::zone_name(zone)?))
    }

    fn bucket(&self, value: &str, bucket: &Bucket, _: bool, _: Span) -> Text {
        let zone = super::rules::zone_name(&bucket.zone)?;
        let mut options = format!("'{}', {zone}", bucket.grain);
        if bucket.week_start.from_monday() != 0 || bucket.year_start != 1 {
            options += &format!(", {}, {}", bucket.week_start.from_monday() + 1, bucket.year_start);
        }
        Ok(format!("air_bucket({value}, {options})"))
    }

    fn part(&self, value: &str, part: &PartOf, _: bool, _: Span) -> Text {
        let zone = super::rules::zone_name(&part.zone)?;
        Ok(format!("air_part({value}, '{}', {zone})", part.part.as_str()))
    }

    fn percentile(&self, name: &str, value: &str, p: f64) -> Text {
        Ok(format!("{name}({value}, {p})"))
    }

    fn first(&self, value: &str, order: &str) -> Text {
        Ok(format!("first_value({value} ORDER BY {order})"))
    }
}
