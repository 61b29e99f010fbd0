//! Rows as files: CSV, NDJSON, Arrow IPC and Parquet.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::errors::ParquetError;
use serde_json::Value;

use super::{cells, json_rows};

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
}

/// RFC 4180 with a header line. Only text can be taken for a formula, so only text is guarded.
pub(super) fn csv(rows: &RecordBatch) -> String {
    let schema = rows.schema();
    let names: Vec<String> = schema.fields().iter().map(|f| quoted(&safe(f.name()))).collect();
    let mut text = names.join(",");
    text.push_str("\r\n");
    let columns: Vec<(bool, Vec<Value>)> = rows
        .columns()
        .iter()
        .map(|column| (is_text(column.data_type()), cells::json(column)))
        .collect();
    for row in 0..rows.num_rows() {
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
    text
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

pub(super) fn ndjson(rows: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    for row in json_rows(rows) {
        serde_json::to_writer(&mut out, &row)?;
        out.push(b'\n');
    }
    Ok(out)
}

pub(super) fn arrow(rows: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema())?;
    writer.write(rows)?;
    Ok(writer.into_inner()?)
}

pub(super) fn parquet(rows: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None)?;
    writer.write(rows)?;
    Ok(writer.into_inner()?)
}

/// Keeps rows in a file that is whole or not there.
pub(crate) fn write_parquet(rows: &RecordBatch, file: &Path) -> Result<(), EncodeError> {
    let part = file.with_extension("part");
    let bytes = parquet(rows)?;
    let mut out = File::create(&part)?;
    out.write_all(&bytes)?;
    out.sync_all()?;
    Ok(std::fs::rename(&part, file)?)
}

/// The rows that were kept.
pub(crate) fn read_parquet(file: &Path) -> Result<RecordBatch, EncodeError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
    let schema = builder.schema().clone();
    let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    fn rows() -> RecordBatch {
        let texts = StringArray::from(vec![Some("=1+1"), Some("a,\"b\""), None, Some("")]);
        let numbers = Int64Array::from(vec![Some(-1), None, Some(2), Some(3)]);
        let columns: [(&str, ArrayRef); 2] = [("t", Arc::new(texts)), ("n", Arc::new(numbers))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn csv_guards_text_and_leaves_numbers() {
        let wanted = "t,n\r\n'=1+1,-1\r\n\"a,\"\"b\"\"\",\r\n,2\r\n\"\",3\r\n";
        assert_eq!(csv(&rows()), wanted);
    }

    #[test]
    fn parquet_is_read_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.parquet");
        write_parquet(&rows(), &file).unwrap();
        assert_eq!(json_rows(&read_parquet(&file).unwrap()), json_rows(&rows()));
    }
}
