//! Text files as a scan of the engine: lines of a range in, typed and projected batches out.
//!
//! The engine's own CSV and JSON scans are not used, for they cut decimals, drop offsets, refuse
//! nested JSON, and name neither file nor line in an error.

use super::convert::{BadRow, TextColumn, convert, is_finer};
use super::infer::byte;
use super::text::{CsvDecoder, JsonlDecoder, Rows, TextDecoder, batch_rows};
use crate::error::SourceError;
use air_ir::DataType;
use air_ir::catalog::FileFormat;
use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::{Array, RecordBatch, RecordBatchOptions, StringViewArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileOpenFuture, FileOpener, FileScanConfig, FileSource,
};
use datafusion::datasource::projection::{ProjectionOpener, SplitProjection};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::{PhysicalExpr, apply_expression_roots};
use futures::stream::{StreamExt, try_unfold};
use jiff::tz::TimeZone;
use object_store::{ObjectMeta, ObjectStore};
use std::sync::Arc;

/// How the text files of a table are read.
#[derive(Debug, Clone)]
pub(crate) struct TextForm {
    pub(crate) format: FileFormat,
    pub(crate) delimiter: char,
    /// Every column of the files, in their order; partition columns are not among them.
    pub(crate) columns: Vec<TextColumn>,
    /// Zone of timestamps without one.
    pub(crate) zone: TimeZone,
    /// Whether a file may be read in several parts at once.
    pub(crate) splits: bool,
}

impl TextForm {
    fn decoder(&self, wanted: &[usize], batch_size: usize, from_start: bool) -> TextDecoder {
        // A record of CSV is cut whole, whatever is wanted of it.
        let width = match self.format {
            FileFormat::Csv => self.columns.len(),
            _ => wanted.len(),
        };
        let batch_size = batch_rows(batch_size, width);
        match self.format {
            FileFormat::Csv => TextDecoder::Csv(Box::new(CsvDecoder::new(
                self.columns.len(),
                byte(self.delimiter),
                wanted.to_vec(),
                batch_size,
                from_start,
            ))),
            _ => {
                let column = |i: &usize| {
                    let column = &self.columns[*i];
                    (column.name.clone(), column.data_type == DataType::Json)
                };
                TextDecoder::Jsonl(Box::new(JsonlDecoder::new(
                    &wanted.iter().map(column).collect::<Vec<_>>(),
                    batch_size,
                )))
            }
        }
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct TextSource {
    pub(super) form: Arc<TextForm>,
    table_schema: TableSchema,
    projection: SplitProjection,
    batch_size: usize,
    metrics: ExecutionPlanMetricsSet,
}

impl TextSource {
    pub(crate) fn new(form: TextForm, table_schema: TableSchema) -> Self {
        Self {
            form: Arc::new(form),
            projection: SplitProjection::unprojected(&table_schema),
            table_schema,
            batch_size: 8192,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl FileSource for TextSource {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        _base_config: &FileScanConfig,
        _partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        let file_schema = self.table_schema.file_schema();
        let opener = TextOpener {
            form: Arc::clone(&self.form),
            wanted: self.projection.file_indices.clone(),
            schema: Arc::new(file_schema.project(&self.projection.file_indices)?),
            batch_size: self.batch_size,
            store,
        };
        ProjectionOpener::try_new(self.projection.clone(), Arc::new(opener), file_schema)
    }

    fn table_schema(&self) -> &TableSchema {
        &self.table_schema
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self { batch_size, ..self.clone() })
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        Some(&self.projection.source)
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        match self.form.format {
            FileFormat::Csv => "csv",
            _ => "jsonl",
        }
    }

    fn supports_repartitioning(&self) -> bool {
        self.form.splits
    }

    fn try_pushdown_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn FileSource>>> {
        let merged = self.projection.source.try_merge(projection)?;
        let projection = SplitProjection::new(self.table_schema.file_schema(), &merged);
        Ok(Some(Arc::new(Self { projection, ..self.clone() })))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.projection.source.iter(), f)
    }
}

struct TextOpener {
    form: Arc<TextForm>,
    wanted: Vec<usize>,
    schema: SchemaRef,
    batch_size: usize,
    store: Arc<dyn ObjectStore>,
}

impl FileOpener for TextOpener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let range = match file.range {
            Some(range) => {
                let bound =
                    |at: i64| u64::try_from(at).map_err(|e| DataFusionError::External(e.into()));
                Some(bound(range.start)?..bound(range.end)?)
            }
            None => None,
        };
        let from_start = range.as_ref().is_none_or(|r| r.start == 0);
        let decoder = self.form.decoder(&self.wanted, self.batch_size, from_start);
        let typing = Typing {
            form: Arc::clone(&self.form),
            wanted: self.wanted.clone(),
            schema: Arc::clone(&self.schema),
        };
        let store = Arc::clone(&self.store);
        Ok(Box::pin(async move {
            let rows =
                Rows::open(&store, &file.object_meta, range, decoder).await.map_err(external)?;
            let batches = try_unfold((rows, typing), |(mut rows, typing)| async move {
                let Some(text) = rows.next().await.map_err(external)? else {
                    return Ok(None);
                };
                let typed = typing.typed(&text, &mut rows).await.map_err(external)?;
                Ok(Some((typed, (rows, typing))))
            });
            Ok(batches.boxed())
        }))
    }
}

fn external(error: SourceError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Text columns to typed ones.
struct Typing {
    form: Arc<TextForm>,
    wanted: Vec<usize>,
    schema: SchemaRef,
}

impl Typing {
    async fn typed(&self, text: &RecordBatch, rows: &mut Rows) -> Result<RecordBatch, SourceError> {
        let mut columns = Vec::with_capacity(self.wanted.len());
        for (i, at) in self.wanted.iter().enumerate() {
            let (column, cells) = (&self.form.columns[*at], text.column(i).as_string_view());
            match convert(cells, column, &self.form.zone) {
                Ok(typed) => columns.push(typed),
                Err(bad) => return Err(bad_value(rows, column, cells, bad).await),
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(text.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|e| SourceError::File { file: rows.file().to_owned(), reason: e.to_string() })
    }
}

fn missing(file: &str, line: Option<u64>, column: &TextColumn) -> SourceError {
    SourceError::Value {
        file: file.to_owned(),
        line,
        column: column.name.clone(),
        expected: column.data_type,
        reason: "is empty, but declared nullable: false".to_owned(),
    }
}

/// Reads the first rows of a file with its columns' types, to see that they hold.
pub(crate) async fn sample(
    store: &Arc<dyn ObjectStore>,
    meta: &ObjectMeta,
    form: &TextForm,
    rows: usize,
) -> Result<(), SourceError> {
    let wanted: Vec<usize> = (0..form.columns.len()).collect();
    let decoder = form.decoder(&wanted, rows.min(8192), true);
    let mut reader = Rows::open(store, meta, None, decoder).await?;
    let mut seen = 0;
    while seen < rows {
        let Some(text) = reader.next().await? else {
            break;
        };
        for (column, cells) in form.columns.iter().zip(text.columns()) {
            let cells = cells.as_string_view();
            if let Err(bad) = convert(cells, column, &form.zone) {
                return Err(bad_value(&mut reader, column, cells, bad).await);
            }
        }
        seen += text.num_rows();
        let nothing = text.columns().iter().all(|c| c.null_count() == c.len());
        if nothing && form.format == FileFormat::Jsonl && !form.columns.is_empty() {
            let reason = "it has none of the table's fields".to_owned();
            return Err(SourceError::File { file: reader.file().to_owned(), reason });
        }
    }
    Ok(())
}

fn is_time(data_type: DataType) -> bool {
    matches!(data_type, DataType::Timestamp | DataType::Timestamptz | DataType::Time)
}

async fn bad_value(
    rows: &mut Rows,
    column: &TextColumn,
    cells: &StringViewArray,
    bad: BadRow,
) -> SourceError {
    let line = Some(rows.line_of(bad.0).await);
    match cells.iter().nth(bad.0).flatten() {
        Some(value) if is_time(column.data_type) && is_finer(value) => SourceError::Value {
            file: rows.file().to_owned(),
            line,
            column: column.name.clone(),
            expected: column.data_type,
            reason: format!(
                "\"{value}\" has digits below the microsecond, which {} does not hold; declare the column's type text",
                column.data_type
            ),
        },
        Some(value) => SourceError::value(rows.file(), line, &column.name, column.data_type, value),
        None => missing(rows.file(), line, column),
    }
}
