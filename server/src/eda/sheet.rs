//! Rows as the EDA service takes them: an Arrow IPC stream whose schema carries the request.
//!
//! The rows of an analysis are sent once for each part of it. Only the schema differs between
//! those, so the rows themselves are encoded once.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;

/// Where the stream's schema carries the request.
const REQUEST: &str = "air.request";

#[derive(Clone)]
pub(crate) struct Sheet {
    schema: SchemaRef,
    /// What follows the schema in a stream.
    tail: Bytes,
    rows: usize,
}

impl Sheet {
    /// Encodes rows. That takes time; give it a thread.
    ///
    /// # Errors
    /// Where Arrow cannot write a column.
    pub(crate) fn of(rows: &RecordBatch) -> Result<Self, ArrowError> {
        let fields = rows.schema().fields().clone();
        let schema = Arc::new(Schema::new(fields));
        let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
        let head = writer.get_ref().len();
        writer.write(rows)?;
        let all = Bytes::from(writer.into_inner()?);
        Ok(Self { schema, tail: all.slice(head..), rows: rows.num_rows() })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The beginning of a stream: the schema with a request.
    pub(super) fn head(&self, request: &str) -> Result<Bytes, ArrowError> {
        let metadata = [(REQUEST.to_owned(), request.to_owned())].into();
        let schema = self.schema.as_ref().clone().with_metadata(metadata);
        let writer = StreamWriter::try_new(Vec::new(), &schema)?;
        Ok(Bytes::from(writer.get_ref().clone()))
    }

    pub(super) fn tail(&self) -> Bytes {
        self.tail.clone()
    }
}
