//! Types of SQL to AIR's types, by an allow-list.

use datafusion::arrow::datatypes::{DataType as ArrowType, Field, FieldRef, TimeUnit};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::{DataType, ExactNumberInfo, TimezoneInfo};
use std::sync::Arc;

/// AIR's type of a type written in SQL; `None` where a cast to it is not taken.
pub(super) fn arrow(sql: &DataType) -> Option<ArrowType> {
    Some(match sql {
        DataType::SmallInt(None) | DataType::Int2(None) => ArrowType::Int16,
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => ArrowType::Int32,
        DataType::BigInt(None) | DataType::Int8(None) => ArrowType::Int64,
        DataType::Real | DataType::Float4 => ArrowType::Float32,
        DataType::DoublePrecision | DataType::Float8 => ArrowType::Float64,
        DataType::Numeric(info) | DataType::Decimal(info) => decimal(info)?,
        DataType::Text | DataType::Varchar(None) | DataType::CharacterVarying(None) => {
            ArrowType::Utf8View
        }
        DataType::Boolean | DataType::Bool => ArrowType::Boolean,
        DataType::Date => ArrowType::Date32,
        DataType::Timestamp(None, zone) => match zone {
            TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => {
                ArrowType::Timestamp(TimeUnit::Microsecond, None)
            }
            TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => {
                crate::types::instant(crate::types::UTC)
            }
        },
        _ => return None,
    })
}

fn decimal(info: &ExactNumberInfo) -> Option<ArrowType> {
    let (precision, scale) = match info {
        // Without a scale any number of digits may follow the point, which no column type holds.
        ExactNumberInfo::None => return None,
        ExactNumberInfo::Precision(p) => (*p, 0),
        ExactNumberInfo::PrecisionAndScale(p, s) => (*p, *s),
    };
    let precision = u8::try_from(precision).ok().filter(|p| (1..=38).contains(p))?;
    let scale = i8::try_from(scale).ok()?;
    let fits = u8::try_from(scale).is_ok_and(|s| s <= precision);
    fits.then_some(ArrowType::Decimal128(precision, scale))
}

/// [`arrow`] as the planner of SQL asks for it.
#[derive(Debug)]
pub(super) struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql: &DataType) -> Result<Option<FieldRef>> {
        match arrow(sql) {
            Some(arrow) => Ok(Some(Arc::new(Field::new("", arrow, true)))),
            None => plan_err!("There is no type {sql} here."),
        }
    }
}
