//! Rows in the forms that leave AIR.
//!
//! In: rows in the IR's time zone. Out: JSON, CSV, NDJSON, Arrow IPC, Parquet or an HTML page of the
//! same rows (`stream`, `page`), the file that keeps them (`kept`), and their columns in the
//! contract's types. The rules for values are those at the head of the contract. Absent on
//! purpose: which rows there are.

mod chart;
mod files;
mod html;
mod kept;
mod page;
mod stream;

use air_engine::{OutputColumn, OutputRole, cells};
use air_ir::catalog::Role;
use datafusion::arrow::array::RecordBatch;
use serde_json::{Map, Value};

use crate::contract::types::{ResultColumn, ResultFormat, Row};

pub(crate) use air_engine::cells::{data_type, in_zone, scalars as json_scalars, zone};

pub(crate) use self::files::EncodeError;
pub(crate) use self::html::escape;
pub(crate) use self::kept::{Kept, write_kept};
pub(crate) use self::page::{PAGE_ROWS, POLICY, Page};
pub(crate) use self::stream::{Around, Rows, body};

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
