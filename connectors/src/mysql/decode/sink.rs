//! A column that is being filled.

use super::{Fit, Misfit, NO_FORM, Wire, number, temporal};
use datafusion::arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder,
    Float32Builder, Float64Builder, LargeStringBuilder, NullArray, PrimitiveBuilder, StringBuilder,
    StringViewBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use mysql_async::Value;
use std::sync::Arc;

/// A builder by the type of its column.
pub(super) enum Sink {
    Null(usize),
    Bool(BooleanBuilder),
    Int8(PrimitiveBuilder<Int8Type>),
    Int16(PrimitiveBuilder<Int16Type>),
    Int32(PrimitiveBuilder<Int32Type>),
    Int64(PrimitiveBuilder<Int64Type>),
    Uint8(PrimitiveBuilder<UInt8Type>),
    Uint16(PrimitiveBuilder<UInt16Type>),
    Uint32(PrimitiveBuilder<UInt32Type>),
    Uint64(PrimitiveBuilder<UInt64Type>),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal128(Decimal128Builder, u8, u8),
    Decimal256(Decimal256Builder, u8, u8),
    View(StringViewBuilder),
    Text(StringBuilder),
    LargeText(LargeStringBuilder),
    Binary(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Moment(TimestampMicrosecondBuilder),
}

impl Sink {
    /// A builder for `target`, or none where nothing is read into it.
    pub(super) fn new(target: &DataType, rows: usize) -> Option<Self> {
        Some(match target {
            DataType::Null => Self::Null(0),
            DataType::Boolean => Self::Bool(BooleanBuilder::with_capacity(rows)),
            DataType::Int8 => Self::Int8(PrimitiveBuilder::with_capacity(rows)),
            DataType::Int16 => Self::Int16(PrimitiveBuilder::with_capacity(rows)),
            DataType::Int32 => Self::Int32(PrimitiveBuilder::with_capacity(rows)),
            DataType::Int64 => Self::Int64(PrimitiveBuilder::with_capacity(rows)),
            DataType::UInt8 => Self::Uint8(PrimitiveBuilder::with_capacity(rows)),
            DataType::UInt16 => Self::Uint16(PrimitiveBuilder::with_capacity(rows)),
            DataType::UInt32 => Self::Uint32(PrimitiveBuilder::with_capacity(rows)),
            DataType::UInt64 => Self::Uint64(PrimitiveBuilder::with_capacity(rows)),
            DataType::Float32 => Self::Float32(Float32Builder::with_capacity(rows)),
            DataType::Float64 => Self::Float64(Float64Builder::with_capacity(rows)),
            DataType::Decimal128(p, s) => {
                Self::Decimal128(Decimal128Builder::with_capacity(rows), *p, scale(*s)?)
            }
            DataType::Decimal256(p, s) => {
                Self::Decimal256(Decimal256Builder::with_capacity(rows), *p, scale(*s)?)
            }
            DataType::Utf8View => Self::View(StringViewBuilder::with_capacity(rows)),
            DataType::Utf8 => Self::Text(StringBuilder::with_capacity(rows, 0)),
            DataType::LargeUtf8 => Self::LargeText(LargeStringBuilder::with_capacity(rows, 0)),
            DataType::Binary => Self::Binary(BinaryBuilder::with_capacity(rows, 0)),
            DataType::Date32 => Self::Date(Date32Builder::with_capacity(rows)),
            DataType::Time64(TimeUnit::Microsecond) => {
                Self::Time(Time64MicrosecondBuilder::with_capacity(rows))
            }
            // Instants are held in UTC whatever zone they are shown in.
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Moment(TimestampMicrosecondBuilder::with_capacity(rows))
            }
            _ => return None,
        })
    }

    pub(super) fn push(&mut self, wire: Wire, value: &Value) -> Fit<()> {
        if wire == Wire::Foreign && !matches!(value, Value::NULL) {
            return Err(NO_FORM);
        }
        match self {
            Self::Null(count) => match value {
                Value::NULL => *count += 1,
                _ => return Err(NO_FORM),
            },
            Self::Bool(b) => b.append_option(number::boolean(wire, value)?),
            Self::Int8(b) => whole(b, wire, value)?,
            Self::Int16(b) => whole(b, wire, value)?,
            Self::Int32(b) => whole(b, wire, value)?,
            Self::Int64(b) => whole(b, wire, value)?,
            Self::Uint8(b) => whole(b, wire, value)?,
            Self::Uint16(b) => whole(b, wire, value)?,
            Self::Uint32(b) => whole(b, wire, value)?,
            Self::Uint64(b) => whole(b, wire, value)?,
            Self::Float32(b) => b.append_option(number::float32(value)?),
            Self::Float64(b) => b.append_option(number::float64(wire, value)?),
            Self::Decimal128(b, p, s) => b.append_option(number::decimal(wire, value, *p, *s)?),
            Self::Decimal256(b, p, s) => {
                b.append_option(number::wide_decimal(wire, value, *p, *s)?)
            }
            Self::View(b) => text(wire, value, |v| b.append_option(v))?,
            Self::Text(b) => text(wire, value, |v| b.append_option(v))?,
            Self::LargeText(b) => text(wire, value, |v| b.append_option(v))?,
            Self::Binary(b) => match value {
                Value::NULL => b.append_null(),
                Value::Bytes(bytes) if wire != Wire::Decimal => b.append_value(bytes),
                _ => return Err(NO_FORM),
            },
            Self::Date(b) => b.append_option(temporal::date(value)?),
            Self::Time(b) => b.append_option(temporal::time(value)?),
            Self::Moment(b) => b.append_option(temporal::moment(value)?),
        }
        Ok(())
    }

    /// What was pushed since the last time, as `target`.
    pub(super) fn finish(&mut self, target: &DataType) -> ArrayRef {
        match self {
            Self::Null(count) => Arc::new(NullArray::new(std::mem::take(count))),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Int8(b) => Arc::new(b.finish()),
            Self::Int16(b) => Arc::new(b.finish()),
            Self::Int32(b) => Arc::new(b.finish()),
            Self::Int64(b) => Arc::new(b.finish()),
            Self::Uint8(b) => Arc::new(b.finish()),
            Self::Uint16(b) => Arc::new(b.finish()),
            Self::Uint32(b) => Arc::new(b.finish()),
            Self::Uint64(b) => Arc::new(b.finish()),
            Self::Float32(b) => Arc::new(b.finish()),
            Self::Float64(b) => Arc::new(b.finish()),
            Self::Decimal128(b, ..) => Arc::new(b.finish().with_data_type(target.clone())),
            Self::Decimal256(b, ..) => Arc::new(b.finish().with_data_type(target.clone())),
            Self::View(b) => Arc::new(b.finish()),
            Self::Text(b) => Arc::new(b.finish()),
            Self::LargeText(b) => Arc::new(b.finish()),
            Self::Binary(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::Moment(b) => Arc::new(b.finish().with_data_type(target.clone())),
        }
    }
}

fn scale(scale: i8) -> Option<u8> {
    u8::try_from(scale).ok()
}

fn whole<T>(builder: &mut PrimitiveBuilder<T>, wire: Wire, value: &Value) -> Fit<()>
where
    T: ArrowPrimitiveType,
    T::Native: TryFrom<i64> + TryFrom<i128>,
{
    match value {
        Value::NULL => builder.append_null(),
        Value::Int(v) => {
            builder.append_value(T::Native::try_from(*v).map_err(|_| Misfit::OutOfRange)?);
        }
        other => {
            let wide = number::integer(wire, other)?;
            builder.append_value(T::Native::try_from(wide).map_err(|_| Misfit::OutOfRange)?);
        }
    }
    Ok(())
}

/// Text as it is, and what has one sure form in text. Floats have several, so a query casts them.
fn text(wire: Wire, value: &Value, append: impl FnOnce(Option<&str>)) -> Fit<()> {
    match value {
        Value::NULL => append(None),
        Value::Bytes(bytes) if wire != Wire::Bit => {
            // Bytes are text where a query cast text to bytes to compare it exactly.
            let text = std::str::from_utf8(bytes).map_err(|_| Misfit::Other("it is not UTF-8"))?;
            append(Some(text));
        }
        Value::Int(v) => append(Some(&v.to_string())),
        Value::UInt(v) => append(Some(&v.to_string())),
        Value::Date(..) | Value::Time(..) => append(Some(&temporal::shown(wire, value))),
        _ => return Err(NO_FORM),
    }
    Ok(())
}
