//! A file dataset as a table of the engine.
//!
//! In: the files as they are now, each by the path of its version, and how they are read. Out: a
//! scan with exactly the catalog's Arrow schema, with partitions pruned, columns projected, Parquet
//! filters and statistics passed on. Deliberately absent: listing and checking files.

use super::clock::clocks_to_instants;
use super::source::{TextForm, TextSource};
use async_trait::async_trait;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions, cast::AsArray};
use datafusion::arrow::datatypes::{
    DataType as ArrowType, Field, FieldRef, Schema, SchemaRef, TimeUnit,
};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat as _;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use jiff::tz::TimeZone;
use object_store::ObjectMeta;
use std::sync::Arc;

/// One file of a scan.
#[derive(Debug, Clone)]
pub(crate) struct ScanFile {
    pub(crate) meta: ObjectMeta,
    /// One for each partition column.
    pub(crate) values: Vec<ScalarValue>,
}

/// How the files are read.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    Text(TextForm),
    Parquet {
        /// Columns that hold clock readings of `zone`, though they are instants in the catalog.
        clocks: Vec<String>,
        zone: TimeZone,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct FilesTable {
    pub(crate) url: ObjectStoreUrl,
    /// The catalog's schema: columns of the files, then partition columns.
    pub(crate) schema: SchemaRef,
    pub(crate) partitions: usize,
    pub(crate) files: Vec<ScanFile>,
    pub(crate) reading: Reading,
    /// Rows in all, where known and the reading does not tell.
    pub(crate) rows: Option<u64>,
    /// Columns that may hold a NaN, of which the counts of Parquet say nothing: what they say of
    /// the other values is not true of all.
    pub(crate) nans: Vec<String>,
}

impl FilesTable {
    /// The schema the scan itself gives, before clock readings become instants.
    fn table_schema(&self) -> TableSchema {
        let at = self.schema.fields().len() - self.partitions;
        let clocks: &[String] = match &self.reading {
            Reading::Parquet { clocks, .. } => clocks,
            Reading::Text(_) => &[],
        };
        let field = |field: &FieldRef| -> FieldRef {
            if clocks.contains(field.name()) {
                let clock = ArrowType::Timestamp(TimeUnit::Microsecond, None);
                Arc::new(Field::new(field.name(), clock, field.is_nullable()))
            } else {
                Arc::clone(field)
            }
        };
        let fields: Vec<FieldRef> = self.schema.fields()[..at].iter().map(field).collect();
        TableSchema::builder(Arc::new(Schema::new(fields)))
            .with_table_partition_cols(self.schema.fields()[at..].to_vec())
            .build()
    }

    /// The files that the filters on partition columns leave.
    fn pruned(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<ScanFile>> {
        let at = self.schema.fields().len() - self.partitions;
        let keys = Arc::new(Schema::new(self.schema.fields()[at..].to_vec()));
        let df_schema = DFSchema::try_from(Arc::clone(&keys))?;
        let mut left = self.files.clone();
        for filter in filters {
            let of_keys = !filter.column_refs().is_empty()
                && filter.column_refs().iter().all(|c| keys.column_with_name(&c.name).is_some());
            if !of_keys || filter.is_volatile() {
                continue;
            }
            let bare = filter.clone().transform_columns();
            let test = state.create_physical_expr(bare, &df_schema)?;
            let mut kept = Vec::with_capacity(left.len());
            for file in left {
                let columns =
                    file.values.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?;
                let options = RecordBatchOptions::new().with_row_count(Some(1));
                let row = RecordBatch::try_new_with_options(Arc::clone(&keys), columns, &options)?;
                let answer = test.evaluate(&row)?.into_array(1)?;
                if answer.as_boolean_opt().is_none_or(|a| a.iter().next().flatten() == Some(true)) {
                    kept.push(file);
                }
            }
            left = kept;
        }
        Ok(left)
    }

    async fn parquet_statistics(
        &self,
        state: &dyn Session,
        format: &ParquetFormat,
        file: &ScanFile,
        wanted: &SchemaRef,
    ) -> Result<Statistics> {
        if !state.config().collect_statistics() || file.values.iter().any(ScalarValue::is_null) {
            return Ok(Statistics::new_unknown(wanted));
        }
        let store = state.runtime_env().object_store(&self.url)?;
        let own = format.infer_schema(state, &store, std::slice::from_ref(&file.meta)).await?;
        let known = format.infer_stats(state, &store, Arc::clone(&own), &file.meta).await?;
        let of_column = |field: &FieldRef| match own.column_with_name(field.name()) {
            Some((i, _)) if self.nans.contains(field.name()) => ColumnStatistics {
                null_count: known.column_statistics[i].null_count,
                ..ColumnStatistics::new_unknown()
            },
            Some((i, _)) => converted(&known.column_statistics[i], field.data_type()),
            None => ColumnStatistics::new_unknown(),
        };
        Ok(Statistics {
            num_rows: known.num_rows,
            total_byte_size: known.total_byte_size,
            column_statistics: wanted.fields().iter().map(of_column).collect(),
        })
    }

    async fn partitioned_files(
        &self,
        state: &dyn Session,
        files: Vec<ScanFile>,
        format: &ParquetFormat,
        schema: &TableSchema,
    ) -> Result<Vec<PartitionedFile>> {
        let mut listed = Vec::with_capacity(files.len());
        for file in files {
            let statistics = match &self.reading {
                Reading::Parquet { .. } => {
                    Some(self.parquet_statistics(state, format, &file, schema.file_schema()).await?)
                }
                Reading::Text(_) => None,
            };
            let mut one =
                PartitionedFile::new_from_meta(file.meta).with_partition_values(file.values);
            if let Some(statistics) = statistics {
                one = one.with_statistics(Arc::new(statistics));
            }
            listed.push(one);
        }
        Ok(listed)
    }

    /// Whether row groups may be passed over by the ends that they count.
    fn is_pruned(&self, projection: Option<&Vec<usize>>) -> bool {
        let nan = |at: usize| self.nans.contains(self.schema.field(at).name());
        match projection {
            Some(columns) => !columns.iter().any(|at| nan(*at)),
            None => self.nans.is_empty(),
        }
    }

    fn statistics(
        &self,
        files: &[PartitionedFile],
        schema: &TableSchema,
        all: bool,
    ) -> Result<Statistics> {
        if matches!(self.reading, Reading::Text(_)) {
            let mut statistics = Statistics::new_unknown(schema.table_schema());
            if let Some(rows) = self.rows.filter(|_| all).and_then(|r| usize::try_from(r).ok()) {
                statistics.num_rows = Precision::Inexact(rows);
            }
            return Ok(statistics);
        }
        let known: Vec<&Statistics> =
            files.iter().filter_map(|f| f.statistics.as_deref()).collect();
        Statistics::try_merge_iter(known, schema.table_schema())
    }
}

/// A column's statistics, of which the ends are of the catalog's type.
fn converted(known: &ColumnStatistics, wanted: &ArrowType) -> ColumnStatistics {
    let end = |value: &Precision<ScalarValue>| {
        // Times that are read as text are not in the order of the text.
        let is_ordered = |v: &ScalarValue| !wanted.is_string() || !v.data_type().is_temporal();
        let cast =
            |v: &ScalarValue| v.cast_to(wanted).ok().filter(|c| !c.is_null() && is_ordered(v));
        match value {
            Precision::Exact(v) => cast(v).map_or(Precision::Absent, Precision::Exact),
            Precision::Inexact(v) => cast(v).map_or(Precision::Absent, Precision::Inexact),
            Precision::Absent => Precision::Absent,
        }
    };
    ColumnStatistics {
        null_count: known.null_count,
        min_value: end(&known.min_value),
        max_value: end(&known.max_value),
        sum_value: Precision::Absent,
        distinct_count: known.distinct_count,
        byte_size: known.byte_size,
    }
}

trait BareColumns {
    /// The expression over columns without the table's name.
    fn transform_columns(self) -> Expr;
}

impl BareColumns for Expr {
    fn transform_columns(self) -> Expr {
        datafusion::logical_expr::expr_rewriter::unnormalize_col(self)
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // The filter stays above the scan: it prunes here, and the engine hands it to Parquet.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.pruned(state, filters)?;
        if files.is_empty() {
            let schema = datafusion::common::project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let all = files.len() == self.files.len();
        let mut options = state.default_table_options().parquet;
        options.global.coerce_int96 = Some("us".to_owned());
        if !self.is_pruned(projection) {
            options.global.pruning = false;
            options.global.enable_page_index = false;
            options.global.bloom_filter_on_read = false;
        }
        let format = ParquetFormat::default().with_options(options);
        let schema = self.table_schema();
        let listed = self.partitioned_files(state, files, &format, &schema).await?;
        let statistics = self.statistics(&listed, &schema, all)?;
        let source: Arc<dyn FileSource> = match &self.reading {
            Reading::Text(form) => Arc::new(TextSource::new(form.clone(), schema)),
            Reading::Parquet { .. } => Arc::new(ParquetSource::new(schema)),
        };
        let groups = FileGroup::new(listed).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.url.clone(), source)
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        match &self.reading {
            Reading::Text(_) => Ok(DataSourceExec::from_data_source(config)),
            Reading::Parquet { clocks, zone } => {
                let scan = format.create_physical_plan(state, config).await?;
                clocks_to_instants(scan, clocks, zone, state)
            }
        }
    }
}
