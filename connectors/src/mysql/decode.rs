//! Rows of the binary protocol to Arrow.
//!
//! In: rows, and the schema they must come in. Out: batches of exactly that schema. Every
//! conversion is without loss, or fails and names the column. Deliberately absent: guessing: a
//! server's type that has no sure form in the target type is refused.
//!
//! A zero date (`0000-00-00`), and one in part (`2024-00-00`), is no day: it is null.

mod number;
mod sink;
mod temporal;

use crate::database::DatabaseError;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Row, Value};
use sink::Sink;

/// Rows of a batch.
const ROWS: usize = 8_192;
/// A batch ends early once it holds so many bytes of text and binary values.
const BYTES: usize = 8 << 20;
/// The character set of values that are bytes.
const BINARY: u16 = 63;

/// What the bytes of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    /// Whole numbers and floats say themselves what they are.
    Plain,
    /// A date without time.
    Day,
    /// A moment or a time, shown with so many digits of a second.
    Clock(u8),
    /// A number, its first byte the most significant.
    Bit,
    /// Digits.
    Decimal,
    Text,
    Bytes,
    /// Nothing AIR reads, such as geometries.
    Foreign,
}

/// Why a value has no place in its column.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Misfit {
    OutOfRange,
    Other(&'static str),
}

type Fit<T> = Result<T, Misfit>;

const NO_FORM: Misfit = Misfit::Other("the server's type has no form in it");

/// Collects rows into batches.
pub(super) struct Decoder {
    id: String,
    schema: SchemaRef,
    columns: Vec<(Wire, Sink)>,
    rows: usize,
    bytes: usize,
}

impl Decoder {
    /// For rows of `columns` that shall come in `schema`.
    pub(super) fn new(
        id: &str,
        schema: SchemaRef,
        columns: &[Column],
    ) -> Result<Self, DatabaseError> {
        let id = id.to_owned();
        if columns.len() != schema.fields().len() {
            let reason = format!(
                "the server gives {} columns where {} were asked for",
                columns.len(),
                schema.fields().len()
            );
            return Err(DatabaseError::Answer { id, reason });
        }
        let mut readers = Vec::with_capacity(columns.len());
        for (column, field) in columns.iter().zip(schema.fields()) {
            let sink = Sink::new(field.data_type(), ROWS).ok_or_else(|| DatabaseError::Value {
                id: id.clone(),
                column: field.name().clone(),
                reason: format!("there is no reading into {}", field.data_type()),
            })?;
            readers.push((wire(column), sink));
        }
        Ok(Self { id, schema, columns: readers, rows: 0, bytes: 0 })
    }

    pub(super) fn push(&mut self, row: &Row) -> Result<(), DatabaseError> {
        for (i, (wire, sink)) in self.columns.iter_mut().enumerate() {
            let value = row.as_ref(i).unwrap_or(&Value::NULL);
            if let Value::Bytes(bytes) = value {
                self.bytes += bytes.len();
            }
            if let Err(misfit) = sink.push(*wire, value) {
                let field = self.schema.field(i);
                let reason = match misfit {
                    Misfit::OutOfRange => {
                        format!("a value is out of range of {}", field.data_type())
                    }
                    Misfit::Other(reason) => {
                        format!("a value cannot be read as {}: {reason}", field.data_type())
                    }
                };
                let (id, column) = (self.id.clone(), field.name().clone());
                return Err(DatabaseError::Value { id, column, reason });
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Whether it is time to [`Self::finish`] a batch.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// The rows since the last batch, if there are any.
    pub(super) fn finish(&mut self) -> Result<Option<RecordBatch>, DatabaseError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let options = datafusion::arrow::array::RecordBatchOptions::new();
        let options = options.with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        let mut arrays = Vec::with_capacity(self.columns.len());
        for ((_, sink), field) in self.columns.iter_mut().zip(self.schema.fields()) {
            let array = sink.finish(field.data_type());
            if !field.is_nullable() && array.null_count() > 0 {
                return Err(DatabaseError::Value {
                    id: self.id.clone(),
                    column: field.name().clone(),
                    reason: "a value is null, which was not learned; learn the source again"
                        .to_owned(),
                });
            }
            arrays.push(array);
        }
        RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), arrays, &options)
            .map(Some)
            .map_err(|e| DatabaseError::Answer { id: self.id.clone(), reason: e.to_string() })
    }
}

fn wire(column: &Column) -> Wire {
    use ColumnType as T;
    let text = || if column.character_set() == BINARY { Wire::Bytes } else { Wire::Text };
    match column.column_type() {
        T::MYSQL_TYPE_BIT => Wire::Bit,
        T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => Wire::Decimal,
        // A JSON column may be marked as binary; it is text by definition.
        T::MYSQL_TYPE_JSON => Wire::Text,
        T::MYSQL_TYPE_ENUM | T::MYSQL_TYPE_SET => Wire::Text,
        T::MYSQL_TYPE_STRING if is_listed(column) => Wire::Text,
        T::MYSQL_TYPE_STRING
        | T::MYSQL_TYPE_VAR_STRING
        | T::MYSQL_TYPE_VARCHAR
        | T::MYSQL_TYPE_TINY_BLOB
        | T::MYSQL_TYPE_BLOB
        | T::MYSQL_TYPE_MEDIUM_BLOB
        | T::MYSQL_TYPE_LONG_BLOB => text(),
        T::MYSQL_TYPE_GEOMETRY | T::MYSQL_TYPE_VECTOR => Wire::Foreign,
        T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE => Wire::Day,
        T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_TIME => {
            Wire::Clock(column.decimals())
        }
        _ => Wire::Plain,
    }
}

/// Whether a string is one of an enum's or a set's.
fn is_listed(column: &Column) -> bool {
    column.flags().intersects(ColumnFlags::ENUM_FLAG | ColumnFlags::SET_FLAG)
}
