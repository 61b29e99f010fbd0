//! Rows as other libraries take them: the Arrow PyCapsule interface, without a copy.
//!
//! <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>

use air_engine::cells;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use datafusion::arrow::array::{ArrayData, RecordBatch, RecordBatchIterator};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use serde_json::Value;

use crate::fault::Fault;
use crate::raising::raised;

/// The rows of an answer: one Arrow record batch. Whoever takes them shares its memory, which lives
/// until the last of them lets go.
#[pyclass(frozen, module = "air._air")]
pub(crate) struct Rows {
    batch: RecordBatch,
}

impl Rows {
    pub(crate) fn new(batch: RecordBatch) -> Self {
        Self { batch }
    }
}

#[pymethods]
impl Rows {
    /// A capsule `arrow_array_stream`. The rows are given as they are, whatever schema is asked
    /// for, as the interface lets a producer do.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let batches = [Ok(self.batch.clone())];
        let reader = RecordBatchIterator::new(batches, self.batch.schema());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// A capsule `arrow_schema`.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.batch.schema().as_ref());
        let schema = schema.map_err(|cause| raised(py, Fault::internal(cause)))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    #[getter]
    fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The columns' Arrow types, as Arrow's Rust library writes them.
    #[getter]
    fn column_types(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|field| field.data_type().to_string()).collect()
    }

    /// Bytes that the rows take.
    #[getter]
    fn nbytes(&self) -> u64 {
        cells::bytes(&self.batch)
    }

    /// Column, address and bytes of every buffer, by which a test sees that nothing was copied.
    fn buffers(&self) -> Vec<(String, usize, usize)> {
        let mut found = Vec::new();
        for (field, column) in self.batch.schema().fields().iter().zip(self.batch.columns()) {
            gather(field.name(), &column.to_data(), &mut found);
        }
        found
    }

    /// The first rows as JSON text: a list of cells for each, as the service shows them.
    fn head(&self, most: usize) -> String {
        let rows = self.batch.slice(0, most.min(self.batch.num_rows()));
        let columns: Vec<Vec<Value>> = rows.columns().iter().map(cells::json).collect();
        let row = |at: usize| columns.iter().map(|cells| cells[at].clone()).collect();
        Value::Array((0..rows.num_rows()).map(row).collect()).to_string()
    }
}

fn gather(name: &str, data: &ArrayData, found: &mut Vec<(String, usize, usize)>) {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    for buffer in data.buffers().iter().chain(nulls) {
        found.push((name.to_owned(), buffer.as_ptr().addr(), buffer.len()));
    }
    for child in data.child_data() {
        gather(name, child, found);
    }
}
