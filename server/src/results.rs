//! Rows in the forms that leave AIR.
//!
//! In: rows in the IR's time zone. Out: JSON, CSV, NDJSON, Arrow IPC, Parquet or an HTML page of the
//! same rows (`stream`, `page`), the file that keeps them (`kept`), and their columns in the
//! contract's types. The rules for values are those at the head of the contract. Absent on
//! purpose: which rows there are.

mod cells;
mod chart;
mod files;
mod html;
mod kept;
mod page;
mod stream;

use std::sync::Arc;

use air_engine::{OutputColumn, OutputRole};
use air_ir::catalog::Role;
use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{
    DataType as ArrowType, Field, Schema, TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::contract::types::{ResultColumn, ResultFormat, Row};

pub(crate) use self::cells::data_type;
pub(crate) use self::files::EncodeError;
pub(crate) use self::html::escape;
pub(crate) use self::kept::{Kept, write_kept};
pub(crate) use self::page::{PAGE_ROWS, POLICY, Page};
pub(crate) use self::stream::{Around, Rows, body};

/// The same instants, shown in `zone`; the zone travels with the rows.
pub(crate) fn in_zone(rows: &RecordBatch, zone: &str) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let column: ArrayRef = match column.data_type() {
            ArrowType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
                let times = column.as_primitive::<TimestampMicrosecondType>();
                Arc::new(times.clone().with_timezone(zone))
            }
            _ => Arc::clone(column),
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    let options =
        datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

/// Each row by column name.
pub(crate) fn json_rows(rows: &RecordBatch) -> Vec<Row> {
    let columns: Vec<(String, Vec<Value>)> = rows
        .schema()
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, column)| (field.name().clone(), cells::json(column)))
        .collect();
    (0..rows.num_rows())
        .map(|row| {
            let cell = |(name, values): &(String, Vec<Value>)| (name.clone(), values[row].clone());
            columns.iter().map(cell).collect::<Map<_, _>>()
        })
        .collect()
}

/// Bound values, in the form rows have.
pub(crate) fn json_scalars(values: &[ScalarValue]) -> Vec<Value> {
    let one = |value: &ScalarValue| {
        let array = value.to_array().ok()?;
        cells::json(&array).into_iter().next()
    };
    values.iter().map(|v| one(v).unwrap_or(Value::Null)).collect()
}

/// The columns of an answer, for who reads it.
pub(crate) fn columns(columns: &[OutputColumn]) -> Vec<ResultColumn> {
    let role = |column: &OutputColumn| match (column.role, &column.bucket) {
        (OutputRole::Metric, _) => Role::Measure,
        (OutputRole::Dimension, Some(_)) => Role::Time,
        (OutputRole::Dimension, None) => Role::Dimension,
    };
    columns
        .iter()
        .map(|column| ResultColumn {
            name: column.name.clone(),
            r#type: data_type(&column.data_type),
            role: role(column),
        })
        .collect()
}

/// A zone by its IANA name. The planner has checked it; UTC stands in for none.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

impl ResultFormat {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}
