//! Text to typed columns, strictly: a value is the type, or it is an error; nothing is cut or
//! rounded. In: a text column. Out: the Arrow array that `air_engine::arrow_type` names, or the
//! first row that does not hold. Deliberately absent: guessing a type.

mod number;
mod time;

pub(crate) use number::{decimal, float, integer};
pub(crate) use time::{date, is_finer, local_to_instant, stamp, time_of_day};

use air_ir::DataType;
use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanBuilder, PrimitiveArray, PrimitiveBuilder,
    StringViewArray, StringViewBuilder,
};
use datafusion::arrow::datatypes::{
    Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use jiff::tz::TimeZone;
use std::sync::Arc;

/// A column of a text file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TextColumn {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
}

/// The row that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadRow(pub(crate) usize);

/// The typed column; `zone` is that of timestamps without one.
pub(crate) fn convert(
    text: &StringViewArray,
    column: &TextColumn,
    zone: &TimeZone,
) -> Result<ArrayRef, BadRow> {
    if !column.nullable
        && let Some(nulls) = text.nulls()
        && let Some(row) = (0..text.len()).find(|row| nulls.is_null(*row))
    {
        return Err(BadRow(row));
    }
    Ok(match column.data_type {
        DataType::Bool => boolean(text)?,
        DataType::Int8 => Arc::new(primitive::<Int8Type>(text, integer)?),
        DataType::Int16 => Arc::new(primitive::<Int16Type>(text, integer)?),
        DataType::Int32 => Arc::new(primitive::<Int32Type>(text, integer)?),
        DataType::Int64 => Arc::new(primitive::<Int64Type>(text, integer)?),
        DataType::Uint8 => Arc::new(primitive::<UInt8Type>(text, integer)?),
        DataType::Uint16 => Arc::new(primitive::<UInt16Type>(text, integer)?),
        DataType::Uint32 => Arc::new(primitive::<UInt32Type>(text, integer)?),
        DataType::Uint64 => Arc::new(primitive::<UInt64Type>(text, integer)?),
        DataType::Float32 => Arc::new(primitive::<Float32Type>(text, number::float32)?),
        DataType::Float64 => Arc::new(primitive::<Float64Type>(text, float)?),
        DataType::Decimal(..) => decimals(text, column.data_type)?,
        DataType::Text => Arc::new(text.clone()),
        DataType::Date => Arc::new(primitive::<Date32Type>(text, date)?),
        DataType::Time => Arc::new(primitive::<Time64MicrosecondType>(text, time_of_day)?),
        DataType::Timestamp => {
            Arc::new(primitive::<TimestampMicrosecondType>(text, |t| stamp(t)?.local())?)
        }
        DataType::Timestamptz => {
            let instants =
                primitive::<TimestampMicrosecondType>(text, |t| stamp(t)?.instant(zone))?;
            Arc::new(instants.with_timezone("UTC"))
        }
        DataType::Json => texts(text, |t| {
            serde_json::from_str::<serde::de::IgnoredAny>(t).is_ok().then(|| t.to_owned())
        })?,
        DataType::Uuid => texts(text, uuid)?,
        DataType::Binary | DataType::Unreadable => return Err(BadRow(0)),
    })
}

fn primitive<T: ArrowPrimitiveType>(
    text: &StringViewArray,
    parse: impl Fn(&str) -> Option<T::Native>,
) -> Result<PrimitiveArray<T>, BadRow> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(text.len());
    for (row, cell) in text.iter().enumerate() {
        match cell {
            None => builder.append_null(),
            Some(cell) => builder.append_value(parse(cell).ok_or(BadRow(row))?),
        }
    }
    Ok(builder.finish())
}

fn boolean(text: &StringViewArray) -> Result<ArrayRef, BadRow> {
    let mut builder = BooleanBuilder::with_capacity(text.len());
    for (row, cell) in text.iter().enumerate() {
        builder.append_option(cell.map(|c| truth(c).ok_or(BadRow(row))).transpose()?);
    }
    Ok(Arc::new(builder.finish()))
}

/// `true` and `false`, in any case.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text {
        t if t.eq_ignore_ascii_case("true") => Some(true),
        t if t.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn decimals(text: &StringViewArray, data_type: DataType) -> Result<ArrayRef, BadRow> {
    let DataType::Decimal(precision, scale) = data_type else {
        return Err(BadRow(0));
    };
    let signed = i8::try_from(scale).map_err(|_| BadRow(0))?;
    if precision <= 38 {
        let values =
            primitive::<Decimal128Type>(text, |t| decimal(t, precision, scale)?.to_i128())?;
        return Ok(Arc::new(
            values.with_precision_and_scale(precision, signed).map_err(|_| BadRow(0))?,
        ));
    }
    let values = primitive::<Decimal256Type>(text, |t| decimal(t, precision, scale))?;
    Ok(Arc::new(values.with_precision_and_scale(precision, signed).map_err(|_| BadRow(0))?))
}

fn texts(
    text: &StringViewArray,
    read: impl Fn(&str) -> Option<String>,
) -> Result<ArrayRef, BadRow> {
    let mut builder = StringViewBuilder::with_capacity(text.len());
    for (row, cell) in text.iter().enumerate() {
        builder.append_option(cell.map(|c| read(c).ok_or(BadRow(row))).transpose()?);
    }
    Ok(Arc::new(builder.finish()))
}

/// Whether a text is a value of another type as it stands: a uuid must be in lower case.
pub(crate) fn is_exactly(text: &str, data_type: DataType) -> bool {
    match data_type {
        DataType::Date => date(text).is_some(),
        DataType::Json => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
        DataType::Uuid => uuid(text).is_some_and(|lower| lower == text),
        _ => true,
    }
}

/// Lower case, so that equal ones are equal text.
fn uuid(text: &str) -> Option<String> {
    let right = text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        });
    right.then(|| text.to_ascii_lowercase())
}
