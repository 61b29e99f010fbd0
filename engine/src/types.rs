//! Catalog types to Arrow types: one mapping for planning, reading and answering.

use air_ir::{DataType, Table};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// The zone of instants inside the engine.
pub(crate) const UTC: &str = "UTC";

/// The Arrow type a column of `data_type` has in every plan and from every source, or `None`
/// where it cannot be read. Timestamps are microseconds; instants are in UTC.
pub fn arrow_type(data_type: DataType) -> Option<ArrowType> {
    Some(match data_type {
        DataType::Bool => ArrowType::Boolean,
        DataType::Int8 => ArrowType::Int8,
        DataType::Int16 => ArrowType::Int16,
        DataType::Int32 => ArrowType::Int32,
        DataType::Int64 => ArrowType::Int64,
        DataType::Uint8 => ArrowType::UInt8,
        DataType::Uint16 => ArrowType::UInt16,
        DataType::Uint32 => ArrowType::UInt32,
        DataType::Uint64 => ArrowType::UInt64,
        DataType::Float32 => ArrowType::Float32,
        DataType::Float64 => ArrowType::Float64,
        DataType::Decimal(p, s) if p <= 38 => ArrowType::Decimal128(p, scale(s)),
        DataType::Decimal(p, s) => ArrowType::Decimal256(p, scale(s)),
        DataType::Text | DataType::Json | DataType::Uuid => ArrowType::Utf8View,
        DataType::Date => ArrowType::Date32,
        DataType::Time => ArrowType::Time64(TimeUnit::Microsecond),
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamptz => instant(UTC),
        DataType::Binary => ArrowType::Binary,
        DataType::Unreadable => return None,
    })
}

fn scale(scale: u8) -> i8 {
    i8::try_from(scale).unwrap_or(i8::MAX)
}

/// The type of an instant shown in `zone`.
pub(crate) fn instant(zone: &str) -> ArrowType {
    ArrowType::Timestamp(TimeUnit::Microsecond, Some(zone.into()))
}

/// The Arrow schema of a table: its readable columns, in their order. All may be null: the engine's
/// logical and physical plans do not agree on what a `case` over columns without nulls is.
pub fn arrow_schema(table: &Table) -> SchemaRef {
    let fields: Vec<Field> = table
        .columns
        .iter()
        .filter_map(|c| Some(Field::new(&c.name, arrow_type(c.data_type)?, true)))
        .collect();
    Arc::new(Schema::new(fields))
}
