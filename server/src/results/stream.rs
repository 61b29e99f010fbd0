//! A result on its way out: encoded batch by batch, as fast as the reader takes it.
//!
//! In: rows that are held or lie in a snapshot, and a format. Out: the body of a response. Each
//! step runs on a thread of its own kind and ends with its bytes, so a slow reader holds no thread
//! and no more than a batch of memory. A fault breaks the body off, so that it never looks whole.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use futures::stream;
use serde_json::{Map, Value};

use super::files::{Arrow, Buffer, Csv, EncodeError, Json, Ndjson, Parquet, RowWriter};
use crate::contract::types::ResultFormat;

/// Rows that are encoded in one step.
const STEP: usize = 4_096;
/// The key of schema metadata under which Arrow and Parquet state what the rows are of.
const STATEMENT: &str = "air";

/// Batches of one schema.
pub(crate) struct Rows {
    pub(super) schema: SchemaRef,
    pub(super) batches: Box<dyn Iterator<Item = Result<RecordBatch, EncodeError>> + Send>,
}

impl Rows {
    /// Of a batch that is held already.
    pub(crate) fn held(rows: RecordBatch) -> Self {
        let schema = rows.schema();
        let begins = (0..rows.num_rows()).step_by(STEP);
        let batches = begins.map(move |at| Ok(rows.slice(at, STEP.min(rows.num_rows() - at))));
        Self { schema, batches: Box::new(batches) }
    }
}

/// What is written around the rows.
pub(crate) enum Around {
    /// A JSON object and the name of its member for the rows.
    Object(Map<String, Value>, &'static str),
    /// What Arrow and Parquet state in their metadata; the other formats have no place for it.
    Statement(Value),
}

/// The rows in a format, as the body of a response.
pub(crate) fn body(format: ResultFormat, rows: Rows, around: Around) -> Result<Body, EncodeError> {
    let encoder = Encoder::new(format, rows, &around)?;
    let steps = stream::try_unfold(encoder, |mut encoder| async move {
        let stepped = tokio::task::spawn_blocking(move || {
            let bytes = encoder.step();
            (encoder, bytes)
        });
        let (encoder, bytes) = stepped.await?;
        Ok::<_, EncodeError>(bytes?.map(|bytes| (Bytes::from(bytes), encoder)))
    });
    Ok(Body::from_stream(steps))
}

/// The rows in a format, whole. For rows that are few, and for tests.
#[cfg(test)]
pub(crate) fn whole(
    format: ResultFormat,
    rows: Rows,
    around: &Around,
) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::new(format, rows, around)?;
    let mut out = Vec::new();
    while let Some(bytes) = encoder.step()? {
        out.extend(bytes);
    }
    Ok(out)
}

struct Encoder {
    rows: Rows,
    writer: Box<dyn RowWriter>,
    out: Buffer,
    ended: bool,
}

impl Encoder {
    fn new(format: ResultFormat, rows: Rows, around: &Around) -> Result<Self, EncodeError> {
        let out = Buffer::default();
        let schema = stated(&rows.schema, around);
        let writer: Box<dyn RowWriter> = match format {
            ResultFormat::Csv => Box::new(Csv::new(out.clone(), &schema)?),
            ResultFormat::Ndjson => Box::new(Ndjson(out.clone())),
            ResultFormat::Arrow => Box::new(Arrow::new(out.clone(), &schema)?),
            ResultFormat::Parquet => Box::new(Parquet::new(out.clone(), &schema)?),
            // A page is no stream of rows; where one is asked for, `page` makes it.
            ResultFormat::Json | ResultFormat::Html => {
                let around = match around {
                    Around::Object(object, at) => Some((object, *at)),
                    Around::Statement(_) => None,
                };
                Box::new(Json::new(out.clone(), around)?)
            }
        };
        Ok(Self { rows, writer, out, ended: false })
    }

    /// The next bytes; none at the end.
    fn step(&mut self) -> Result<Option<Vec<u8>>, EncodeError> {
        while !self.ended {
            match self.rows.batches.next() {
                Some(batch) => self.writer.rows(&batch?)?,
                None => {
                    self.writer.end()?;
                    self.ended = true;
                }
            }
            let bytes = self.out.take();
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

/// The schema with the statement in its metadata.
fn stated(schema: &SchemaRef, around: &Around) -> Arc<Schema> {
    let Around::Statement(statement) = around else { return Arc::clone(schema) };
    let mut metadata = schema.metadata().clone();
    metadata.insert(STATEMENT.to_owned(), statement.to_string());
    Arc::new(schema.as_ref().clone().with_metadata(metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int64Array};
    use datafusion::arrow::ipc::reader::StreamReader;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use serde_json::json;

    const ROWS: usize = STEP * 9 + 7;

    fn rows() -> Rows {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS as i64));
        Rows::held(RecordBatch::try_from_iter([("n", numbers)]).unwrap())
    }

    fn statement() -> Around {
        Around::Statement(json!({"run_id": "run_1"}))
    }

    #[test]
    fn every_format_has_every_row_and_no_step_has_all() {
        for format in ResultFormat::ALL.iter().copied() {
            if format == ResultFormat::Html {
                continue;
            }
            let mut encoder = Encoder::new(format, rows(), &statement()).unwrap();
            let (mut whole, mut largest) = (Vec::new(), 0);
            while let Some(bytes) = encoder.step().unwrap() {
                largest = largest.max(bytes.len());
                whole.extend(bytes);
            }
            let limit = whole.len() * 3 / 4;
            assert!(largest <= limit, "{format}: a step of {largest} of {}", whole.len());
            let count = match format {
                ResultFormat::Csv => String::from_utf8(whole).unwrap().lines().count() - 1,
                ResultFormat::Ndjson => String::from_utf8(whole).unwrap().lines().count(),
                ResultFormat::Json | ResultFormat::Html => {
                    serde_json::from_slice::<Vec<Value>>(&whole).unwrap().len()
                }
                ResultFormat::Arrow => {
                    let reader = StreamReader::try_new(whole.as_slice(), None).unwrap();
                    assert!(reader.schema().metadata()[STATEMENT].contains("run_1"));
                    reader.map(|batch| batch.unwrap().num_rows()).sum()
                }
                ResultFormat::Parquet => {
                    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(whole));
                    let reader = reader.unwrap();
                    assert!(reader.schema().metadata()[STATEMENT].contains("run_1"));
                    assert!(reader.metadata().num_row_groups() > 1);
                    reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum()
                }
            };
            assert_eq!(count, ROWS, "{format}");
        }
    }

    #[test]
    fn no_rows_are_a_whole_body_too() {
        let none = || {
            let Rows { schema, .. } = rows();
            Rows::held(RecordBatch::new_empty(schema))
        };
        let around = Around::Object(Map::from_iter([("rows".to_owned(), json!([]))]), "rows");
        assert_eq!(whole(ResultFormat::Json, none(), &around).unwrap(), br#"{"rows":[]}"#);
        assert_eq!(whole(ResultFormat::Csv, none(), &statement()).unwrap(), b"n\r\n");
        let arrow = whole(ResultFormat::Arrow, none(), &statement()).unwrap();
        assert_eq!(StreamReader::try_new(arrow.as_slice(), None).unwrap().count(), 0);
    }
}
