//! Rows to batches: decoders side by side, and the frame that `COPY` puts around rows.

use super::decode::{Decode, decoder};
use crate::database::DatabaseError;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use tokio_postgres::Column;

/// Rows of a batch, and bytes after which it is closed before it has them.
const ROWS: usize = 8192;
const BYTES: usize = 4 << 20;

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// Batches of one query.
pub(super) struct Batches {
    id: String,
    schema: SchemaRef,
    columns: Vec<Box<dyn Decode>>,
    rows: usize,
    bytes: usize,
    /// Bytes of a row that has not come whole, and whether the header has been read.
    rest: Vec<u8>,
    begun: bool,
    ended: bool,
}

impl Batches {
    /// For the columns that the server announces, in the types of `schema`.
    pub(super) fn new(
        id: &str,
        schema: &SchemaRef,
        announced: &[Column],
        at_most: Option<u64>,
    ) -> Result<Self, DatabaseError> {
        if announced.len() != schema.fields().len() {
            let reason = format!(
                "the query gives {} columns where {} are expected",
                announced.len(),
                schema.fields().len()
            );
            return Err(DatabaseError::Answer { id: id.to_owned(), reason });
        }
        let rows = at_most.map_or(ROWS, |n| usize::try_from(n).unwrap_or(ROWS).min(ROWS));
        let mut columns = Vec::with_capacity(announced.len());
        for (field, column) in schema.fields().iter().zip(announced) {
            let decoder = decoder(column.type_(), field.data_type(), rows);
            columns.push(decoder.map_err(|reason| DatabaseError::Value {
                id: id.to_owned(),
                column: field.name().clone(),
                reason,
            })?);
        }
        Ok(Self::with(id, schema, columns))
    }

    fn with(id: &str, schema: &SchemaRef, columns: Vec<Box<dyn Decode>>) -> Self {
        Self {
            id: id.to_owned(),
            schema: SchemaRef::clone(schema),
            columns,
            rows: 0,
            bytes: 0,
            rest: Vec::new(),
            begun: false,
            ended: false,
        }
    }

    /// Whether a batch should be taken now.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// Appends the value in a column.
    pub(super) fn value(
        &mut self,
        column: usize,
        value: Option<&[u8]>,
    ) -> Result<(), DatabaseError> {
        let Some(decoder) = self.columns.get_mut(column) else {
            return Err(broken(&self.id));
        };
        match value {
            None => decoder.null(),
            Some(bytes) => {
                self.bytes += bytes.len();
                if let Err(reason) = decoder.value(bytes) {
                    return Err(self.fault(column, reason));
                }
            }
        }
        Ok(())
    }

    /// All values of a row were appended.
    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }

    fn fault(&self, column: usize, reason: String) -> DatabaseError {
        let column = self.schema.field(column).name().clone();
        DatabaseError::Value { id: self.id.clone(), column, reason }
    }

    /// Appends what one message of a binary `COPY` holds: by the server's habit a row, but
    /// nothing here stands on that.
    pub(super) fn copied(&mut self, message: &[u8]) -> Result<(), DatabaseError> {
        if self.rest.is_empty() {
            let used = self.frames(message)?;
            self.rest.extend_from_slice(&message[used..]);
            return Ok(());
        }
        let mut whole = std::mem::take(&mut self.rest);
        whole.extend_from_slice(message);
        let used = self.frames(&whole)?;
        whole.drain(..used);
        self.rest = whole;
        Ok(())
    }

    /// Whole rows at the start of `bytes`, and how many bytes they took.
    fn frames(&mut self, bytes: &[u8]) -> Result<usize, DatabaseError> {
        let mut at = 0;
        if !self.begun {
            let Some(header) = header(bytes).map_err(|()| broken(&self.id))? else {
                return Ok(0);
            };
            at = header;
            self.begun = true;
        }
        while let Some(length) = self.whole_row(&bytes[at..])? {
            if !self.ended {
                self.row(&bytes[at + 2..at + length])?;
            }
            at += length;
        }
        Ok(at)
    }

    /// How long the row at the start of `bytes` is, if it is there whole.
    fn whole_row(&mut self, bytes: &[u8]) -> Result<Option<usize>, DatabaseError> {
        let Some(count) = bytes.first_chunk() else {
            return Ok(None);
        };
        let count = i16::from_be_bytes(*count);
        if count == -1 {
            self.ended = true;
            return Ok(Some(2));
        }
        if self.ended || usize::try_from(count) != Ok(self.columns.len()) {
            return Err(broken(&self.id));
        }
        let mut at = 2;
        for _ in 0..count {
            let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
                return Ok(None);
            };
            let length = i32::from_be_bytes(*length);
            at += 4 + usize::try_from(length).unwrap_or(0);
        }
        Ok((at <= bytes.len()).then_some(at))
    }

    /// The fields of a row that is there whole.
    fn row(&mut self, mut bytes: &[u8]) -> Result<(), DatabaseError> {
        self.bytes += bytes.len();
        let mut wrong = None;
        for (column, decoder) in self.columns.iter_mut().enumerate() {
            let Some((length, after)) = bytes.split_first_chunk() else {
                return Err(broken(&self.id));
            };
            let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
                decoder.null();
                bytes = after;
                continue;
            };
            let Some((value, after)) = after.split_at_checked(length) else {
                return Err(broken(&self.id));
            };
            if let Err(reason) = decoder.value(value) {
                wrong = Some((column, reason));
                break;
            }
            bytes = after;
        }
        if let Some((column, reason)) = wrong {
            return Err(self.fault(column, reason));
        }
        self.rows += 1;
        Ok(())
    }

    /// What was appended since the last batch; none where that is nothing.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, DatabaseError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let mut arrays = Vec::with_capacity(self.columns.len());
        for i in 0..self.columns.len() {
            let array = self.columns[i].finish();
            arrays.push(array.map_err(|reason| self.fault(i, reason))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch =
            RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), arrays, &options)
                .map_err(|e| DatabaseError::Answer {
                    id: self.id.clone(),
                    reason: e.to_string(),
                })?;
        self.rows = 0;
        self.bytes = 0;
        Ok(Some(batch))
    }

    /// # Errors
    /// Where a `COPY` ended in the middle of a row, or before its end was announced.
    pub(super) fn check_end(&self) -> Result<(), DatabaseError> {
        if self.ended && self.rest.is_empty() { Ok(()) } else { Err(broken(&self.id)) }
    }
}

fn broken(id: &str) -> DatabaseError {
    DatabaseError::Lost { id: id.to_owned(), reason: "the rows came incomplete".to_owned() }
}

/// How long the header of a `COPY` is; none where it has not come whole.
fn header(bytes: &[u8]) -> Result<Option<usize>, ()> {
    const FIXED: usize = SIGNATURE.len() + 8;
    let Some(extension) = bytes.get(FIXED - 4..).and_then(<[u8]>::first_chunk) else {
        return Ok(None);
    };
    if !bytes.starts_with(SIGNATURE) {
        return Err(());
    }
    let length = usize::try_from(i32::from_be_bytes(*extension)).map_err(|_| ())?;
    Ok(Some(FIXED + length).filter(|l| *l <= bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Array, Int32Array, StringViewArray, cast::AsArray};
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;
    use tokio_postgres::types::Type;

    fn batches() -> Batches {
        let fields = [("n", DataType::Int32), ("t", DataType::Utf8View)];
        let schema = Arc::new(Schema::new(fields.map(|(n, t)| Field::new(n, t, true)).to_vec()));
        let columns = [Type::INT4, Type::TEXT];
        let columns = columns.iter().zip(schema.fields());
        let columns = columns.map(|(from, to)| decoder(from, to.data_type(), 8).unwrap()).collect();
        Batches::with("s", &schema, columns)
    }

    fn copied() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
        for (n, text) in [(Some(7_i32), "seven"), (None, ""), (Some(-1), "Grüße")] {
            bytes.extend([0, 2]);
            match n {
                Some(n) => bytes.extend([[0, 0, 0, 4], n.to_be_bytes()].concat()),
                None => bytes.extend((-1_i32).to_be_bytes()),
            }
            bytes.extend(i32::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    #[test]
    fn rows_may_come_in_any_pieces() {
        let bytes = copied();
        for size in 1..=bytes.len() {
            let mut batches = batches();
            bytes.chunks(size).for_each(|piece| batches.copied(piece).unwrap());
            batches.check_end().unwrap();
            let batch = batches.take().unwrap().unwrap();
            let numbers: &Int32Array = batch.column(0).as_primitive();
            assert_eq!(*numbers, Int32Array::from(vec![Some(7), None, Some(-1)]), "{size}");
            let texts: &StringViewArray = batch.column(1).as_string_view();
            assert_eq!(texts.iter().flatten().collect::<Vec<_>>(), ["seven", "", "Grüße"]);
            assert!(texts.null_count() == 0 && batches.take().unwrap().is_none());
        }
    }

    /// However the bytes are broken, there is an error, or rows that end too early: no panic.
    #[test]
    fn broken_bytes_are_no_rows() {
        let bytes = copied();
        for length in 0..bytes.len() {
            let mut batches = batches();
            let taken = batches.copied(&bytes[..length]).and_then(|()| batches.check_end());
            assert!(taken.is_err(), "{length}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut wrong = bytes.clone();
                wrong[at] ^= 1 << bit;
                let mut batches = batches();
                let _ = batches.copied(&wrong).and_then(|()| batches.check_end());
            }
        }
        let mut twice = bytes.clone();
        twice.extend([0, 2]);
        assert!(batches().copied(&twice).is_err());
    }
}
