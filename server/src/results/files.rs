//! Rows as text and as files, written batch by batch: JSON, NDJSON, CSV, Arrow IPC and Parquet.
//!
//! In: batches of one schema. Out: bytes into a buffer that is emptied between batches, so that
//! memory is bounded by a batch (Parquet: by a row group), never by the result.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType as ArrowType, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::WriterProperties;
use serde_json::Value;

use super::{cells, json_rows};

/// Rows of a row group: what a reader of one page of a snapshot reads at least.
const ROW_GROUP: usize = 16_384;

/// Rows could not be written, or read again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("the rows do not fit JSON")]
    Json(#[from] serde_json::Error),
    #[error("the rows do not fit Arrow")]
    Arrow(#[from] ArrowError),
    #[error("the rows do not fit Parquet")]
    Parquet(#[from] ParquetError),
    #[error("the snapshot's file failed")]
    File(#[from] std::io::Error),
    #[error("the thread that wrote the rows ended early")]
    Thread(#[from] tokio::task::JoinError),
}

/// Bytes on their way. Clones share them, so that a writer that owns one end is emptied by another.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        // Bytes are bytes after a panic too; the stream that a panic ends never looks whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was written since the last time.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes())
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A file format under way.
pub(super) trait RowWriter: Send {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), EncodeError>;
    /// What comes after the last row.
    fn end(&mut self) -> Result<(), EncodeError>;
}

/// RFC 4180 with a header line. Only text can be taken for a formula, so only text is guarded.
pub(super) struct Csv<W>(W);

impl<W: Write> Csv<W> {
    pub(super) fn new(mut out: W, schema: &Schema) -> Result<Self, EncodeError> {
        let names: Vec<String> = schema.fields().iter().map(|f| quoted(&safe(f.name()))).collect();
        write!(out, "{}\r\n", names.join(","))?;
        Ok(Self(out))
    }
}

impl<W: Write + Send> RowWriter for Csv<W> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        let mut text = String::new();
        let columns: Vec<(bool, Vec<Value>)> = batch
            .columns()
            .iter()
            .map(|column| (is_text(column.data_type()), cells::json(column)))
            .collect();
        for row in 0..batch.num_rows() {
            for (at, (is_text, values)) in columns.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                match &values[row] {
                    Value::Null => {}
                    // A null is an empty cell; an empty text is a quoted one.
                    Value::String(cell) if cell.is_empty() => text.push_str("\"\""),
                    Value::String(cell) if *is_text => text.push_str(&quoted(&safe(cell))),
                    Value::String(cell) => text.push_str(&quoted(cell)),
                    other => text.push_str(&other.to_string()),
                }
            }
            text.push_str("\r\n");
        }
        Ok(self.0.write_all(text.as_bytes())?)
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }
}

fn is_text(data_type: &ArrowType) -> bool {
    matches!(data_type, ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View)
}

/// A cell that a spreadsheet would take for a formula begins with an apostrophe.
fn safe(cell: &str) -> String {
    match cell.starts_with(|c: char| matches!(c, '=' | '+' | '-' | '@') || c.is_control()) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

fn quoted(cell: &str) -> String {
    match cell.contains(['"', ',', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

/// A JSON object on each line.
pub(super) struct Ndjson<W>(pub(super) W);

impl<W: Write + Send> RowWriter for Ndjson<W> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        for row in json_rows(batch) {
            serde_json::to_writer(&mut self.0, &row)?;
            self.0.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// A JSON object whose rows are written as they come, where its own member of them is empty.
pub(super) struct Json<W> {
    out: W,
    tail: Vec<u8>,
    first: bool,
}

impl<W: Write> Json<W> {
    /// `at` names the member for the rows; without it the rows alone are an array.
    pub(super) fn new(
        mut out: W,
        around: Option<(&serde_json::Map<String, Value>, &str)>,
    ) -> Result<Self, EncodeError> {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        if let Some((object, at)) = around {
            let mut before = true;
            head.push(b'{');
            for (index, (name, value)) in object.iter().enumerate() {
                let part = if before { &mut head } else { &mut tail };
                if index > 0 {
                    part.push(b',');
                }
                serde_json::to_writer(&mut *part, name)?;
                part.push(b':');
                if name == at {
                    before = false;
                } else {
                    serde_json::to_writer(&mut *part, value)?;
                }
            }
            tail.push(b'}');
        }
        head.push(b'[');
        tail.insert(0, b']');
        out.write_all(&head)?;
        Ok(Self { out, tail, first: true })
    }
}

impl<W: Write + Send> RowWriter for Json<W> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        for row in json_rows(batch) {
            if !std::mem::take(&mut self.first) {
                self.out.write_all(b",")?;
            }
            serde_json::to_writer(&mut self.out, &row)?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        Ok(self.out.write_all(&self.tail)?)
    }
}

/// Arrow's IPC stream.
pub(super) struct Arrow<W: Write>(StreamWriter<W>);

impl<W: Write> Arrow<W> {
    pub(super) fn new(out: W, schema: &Schema) -> Result<Self, EncodeError> {
        Ok(Self(StreamWriter::try_new(out, schema)?))
    }
}

impl<W: Write + Send> RowWriter for Arrow<W> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        Ok(self.0.write(batch)?)
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        Ok(self.0.finish()?)
    }
}

/// Parquet, in row groups that a reader can take one by one.
pub(super) struct Parquet<W: Write + Send>(ArrowWriter<W>);

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(out: W, schema: &Arc<Schema>) -> Result<Self, EncodeError> {
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(ROW_GROUP)).build();
        Ok(Self(ArrowWriter::try_new(out, Arc::clone(schema), Some(properties))?))
    }
}

impl<W: Write + Send> RowWriter for Parquet<W> {
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        Ok(self.0.write(batch)?)
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        self.0.finish()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
    use serde_json::json;

    fn rows() -> RecordBatch {
        let texts = StringArray::from(vec![Some("=1+1"), Some("a,\"b\""), None, Some("")]);
        let numbers = Int64Array::from(vec![Some(-1), None, Some(2), Some(3)]);
        let columns: [(&str, ArrayRef); 2] = [("t", Arc::new(texts)), ("n", Arc::new(numbers))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn csv_guards_text_and_leaves_numbers() {
        let out = Buffer::default();
        let mut csv = Csv::new(out.clone(), &rows().schema()).unwrap();
        csv.rows(&rows()).unwrap();
        csv.end().unwrap();
        let wanted = "t,n\r\n'=1+1,-1\r\n\"a,\"\"b\"\"\",\r\n,2\r\n\"\",3\r\n";
        assert_eq!(String::from_utf8(out.take()).unwrap(), wanted);
    }

    #[test]
    fn json_has_its_rows_where_the_member_stands() {
        let around = json!({"a": "\"rows\":[]", "rows": [], "z": 1});
        let out = Buffer::default();
        let mut json = Json::new(out.clone(), around.as_object().map(|o| (o, "rows"))).unwrap();
        json.rows(&rows().slice(0, 1)).unwrap();
        json.rows(&rows().slice(2, 1)).unwrap();
        json.end().unwrap();
        let text = String::from_utf8(out.take()).unwrap();
        let wanted = r#"{"a":"\"rows\":[]","rows":[{"t":"=1+1","n":-1},{"t":null,"n":2}],"z":1}"#;
        assert_eq!(text, wanted);
    }
}
