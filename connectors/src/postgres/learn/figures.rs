//! Figures and values of tables, within a time limit.
//!
//! In: tables as the server's catalog has them. Out: the same with counts, ends and dictionaries,
//! where there was time; else with the server's own estimates. Views are left out: what a view
//! computes may take any time, and may be more than reading.

use super::super::lease::beginning;
use super::super::{PostgresSource, rows};
use super::kinds::{ANY_NUMERIC, WIDE_NUMERIC};
use super::{Asking, quoted};
use crate::database::DatabaseError;
use crate::error::SourceError;
use crate::files::LearnOptions;
use air_engine::{Dialect, RemoteQuery, Sql, arrow_type};
use air_ir::catalog::{Column, Stats, Table, TableKind, ValueDictionary};
use air_ir::{DataType, catalog};
use datafusion::arrow::array::{Array, RecordBatch, cast::AsArray};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Int64Type, Schema};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::error::DataFusionError;
use futures::TryStreamExt;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rows of which a dictionary is made that cannot be made of all.
const SAMPLE: usize = 10_000;

/// Rows that are looked at for how many digits a numeric needs.
const LOOKED_AT: usize = 100_000;

/// What the server estimates of a column: share of nulls, and distinct values, negative where
/// they are a share of the rows.
type Estimates = HashMap<(String, String, String), (f64, f64)>;

impl PostgresSource {
    pub(super) async fn figures(
        &self,
        tables: &mut [Table],
        options: &LearnOptions,
        progress: &(impl Fn(&str, u8) + Send + Sync),
    ) -> Result<(), SourceError> {
        let until = Instant::now() + options.time_limit;
        let estimates =
            if options.include_stats { self.estimates().await? } else { Estimates::new() };
        let count = tables.len();
        for (i, table) in tables.iter_mut().enumerate() {
            let share = u8::try_from(10 + 90 * i / count.max(1)).unwrap_or(99);
            progress(&format!("looking at {}", table.qualified_name()), share);
            if table.kind == TableKind::View {
                continue;
            }
            self.numerics(table, until).await?;
            if options.include_stats {
                self.stats(table, &estimates, until).await?;
            }
            if options.sample_values {
                self.values(table, options.max_values, until).await?;
            }
        }
        Ok(())
    }

    async fn estimates(&self) -> Result<Estimates, SourceError> {
        let lease = self.begin().await?;
        let asking = Asking { lease: &lease };
        let sql = "SELECT schemaname::text AS schema, tablename::text AS table,
            attname::text AS column, null_frac::float8 AS nulls, n_distinct::float8 AS distinct
            FROM pg_catalog.pg_stats
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND NOT inherited";
        let asked = async {
            let mut estimates = Estimates::new();
            for row in asking.rows(sql).await? {
                let key = (
                    asking.get(&row, "schema")?,
                    asking.get(&row, "table")?,
                    asking.get(&row, "column")?,
                );
                estimates.insert(key, (asking.get(&row, "nulls")?, asking.get(&row, "distinct")?));
            }
            Ok::<_, DatabaseError>(estimates)
        };
        let asked = asked.await;
        lease.end().await;
        Ok(asked?)
    }

    async fn stats(
        &self,
        table: &mut Table,
        estimates: &Estimates,
        until: Instant,
    ) -> Result<(), SourceError> {
        let exact = self.exact(table, until).await?;
        if let Some(batch) = &exact {
            table.row_estimate = number(batch, 0);
        }
        let rows = table.row_estimate;
        let schema = table.schema.clone().unwrap_or_default();
        let mut at = 1;
        for column in readable(&mut table.columns) {
            let estimate =
                estimates.get(&(schema.clone(), table.name.clone(), column.name.clone()));
            let mut stats = Stats {
                null_share: estimate.map(|(nulls, _)| *nulls),
                distinct: estimate.and_then(|(_, distinct)| distinct_of(*distinct, rows)),
                ..Stats::default()
            };
            if let Some(batch) = &exact {
                let present = number(batch, at);
                stats.null_share = rows.filter(|n| *n > 0).zip(present).map(|(all, some)| {
                    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
                    let share = all.saturating_sub(some) as f64 / all as f64;
                    share
                });
                at += 1;
                if ends(column).is_some() {
                    stats.min = shown(batch, at)?;
                    stats.max = shown(batch, at + 1)?;
                    at += 2;
                }
            }
            column.stats = Some(stats);
        }
        Ok(())
    }

    /// Whether numerics without declared digits need more than is usual, as far as a sample tells.
    async fn numerics(&self, table: &mut Table, until: Instant) -> Result<(), SourceError> {
        let from = name(table);
        let open = |c: &&mut Column| c.native_type == "numeric" && c.data_type == ANY_NUMERIC;
        for column in table.columns.iter_mut().filter(open) {
            let value = quoted(&column.name);
            let sql = format!(
                "SELECT count(*) FROM (SELECT {value} AS v FROM {from} LIMIT {LOOKED_AT}) AS s
                 WHERE v = v AND abs(v) < 'Infinity' AND (scale(trim_scale(v)) > 10 OR abs(v) >= 1e28)"
            );
            let found = self.look(&sql, &[ArrowType::Int64], 1, until).await?;
            if found.and_then(|batch| number(&batch, 0)).is_some_and(|n| n > 0) {
                column.data_type = WIDE_NUMERIC;
            }
        }
        Ok(())
    }

    /// Counts and ends in one pass over all rows; none where there was no time.
    async fn exact(
        &self,
        table: &mut Table,
        until: Instant,
    ) -> Result<Option<RecordBatch>, SourceError> {
        let mut outputs = vec!["count(*)".to_owned()];
        let mut types = vec![ArrowType::Int64];
        for column in readable(&mut table.columns) {
            outputs.push(format!("count({})", quoted(&column.name)));
            types.push(ArrowType::Int64);
            if let Some((min, max, arrow)) = ends(column) {
                outputs.extend([min, max]);
                types.extend([arrow.clone(), arrow]);
            }
        }
        let sql = format!("SELECT {} FROM {}", outputs.join(", "), name(table));
        self.look(&sql, &types, 1, until).await
    }

    async fn values(
        &self,
        table: &mut Table,
        max_values: usize,
        until: Instant,
    ) -> Result<(), SourceError> {
        let from = name(table);
        for column in table.columns.iter_mut().filter(|c| c.data_type == DataType::Text) {
            let types = [ArrowType::Utf8View, ArrowType::Int64];
            let most = max_values.saturating_add(1);
            let column_name = quoted(&column.name);
            let counted = |from: &str| {
                format!(
                    "SELECT CAST({column_name} AS text), count(*) FROM {from}
                     WHERE {column_name} IS NOT NULL GROUP BY 1 LIMIT {most}"
                )
            };
            let rows = u64::try_from(most).unwrap_or(u64::MAX);
            let mut complete = true;
            let mut found = self.look(&counted(&from), &types, rows, until).await?;
            if found.is_none() {
                complete = false;
                let sample = format!("(SELECT {column_name} FROM {from} LIMIT {SAMPLE}) AS s");
                found = self.look(&counted(&sample), &types, rows, until).await?;
            }
            column.values = found
                .filter(|batch| batch.num_rows() <= max_values)
                .map(|batch| dictionary(&batch, complete));
            if let (Some(values), Some(stats)) = (&column.values, &mut column.stats)
                && values.complete
            {
                stats.distinct = u64::try_from(values.counts.len()).ok();
            }
        }
        Ok(())
    }

    /// A query of learning. None where it took too long, or where a value cannot be read: figures
    /// are no reason to fail.
    async fn look(
        &self,
        sql: &str,
        types: &[ArrowType],
        at_most: u64,
        until: Instant,
    ) -> Result<Option<RecordBatch>, SourceError> {
        let left = until.saturating_duration_since(Instant::now());
        let limit = left.min(self.options.statement_timeout);
        if limit < Duration::from_millis(10) {
            return Ok(None);
        }
        let fields: Vec<Field> =
            types.iter().map(|t| Field::new("figure", t.clone(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let query = RemoteQuery {
            sql: Sql { dialect: Dialect::Postgres, text: sql.to_owned(), params: Vec::new() },
            schema: Arc::clone(&schema),
            at_most: Some(at_most),
            divided: None,
        };
        let (lease, path) = self.taken().await?;
        let begin = beginning(path, Some(limit));
        let read = async {
            let stream = rows::rows(&self.id, lease, &begin, &query).await?;
            let batches: Vec<RecordBatch> = stream.try_collect().await?;
            Ok::<_, DataFusionError>(concat_batches(&schema, &batches)?)
        };
        match read.await {
            Ok(batch) => Ok(Some(batch)),
            Err(error) => {
                let error = crate::explain(&error);
                match &error {
                    SourceError::Database(DatabaseError::Lost { .. }) => Err(error),
                    _ => {
                        tracing::debug!(source.id = %self.id, %error, "figures are left out");
                        Ok(None)
                    }
                }
            }
        }
    }
}

fn readable(columns: &mut [Column]) -> impl Iterator<Item = &mut Column> {
    columns.iter_mut().filter(|c| c.data_type != DataType::Unreadable)
}

fn name(table: &catalog::Table) -> String {
    match &table.schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(&table.name)),
        None => quoted(&table.name),
    }
}

/// The least and the greatest value of a column, and what they are read as.
fn ends(column: &Column) -> Option<(String, String, ArrowType)> {
    let name = quoted(&column.name);
    let both = |value: String, filter: &str| {
        Some((format!("min({value}){filter}"), format!("max({value}){filter}")))
    };
    let (min, max) = match column.data_type {
        DataType::Json | DataType::Binary | DataType::Unreadable => None,
        DataType::Bool => Some((format!("bool_and({name})"), format!("bool_or({name})"))),
        DataType::Text | DataType::Uuid => both(format!("CAST({name} AS text) COLLATE \"C\""), ""),
        // With as many digits as there are, and whatever a numeric may hold beside numbers.
        DataType::Decimal(..) => {
            let (min, max) = both(name, "")?;
            Some((format!("CAST({min} AS text)"), format!("CAST({max} AS text)")))
        }
        DataType::Date | DataType::Timestamp | DataType::Timestamptz => {
            let finite = format!(" FILTER (WHERE isfinite({name}))");
            both(name, &finite)
        }
        _ => both(name, ""),
    }?;
    let arrow = match column.data_type {
        DataType::Decimal(..) => ArrowType::Utf8View,
        other => arrow_type(other)?,
    };
    Some((min, max, arrow))
}

fn number(batch: &RecordBatch, column: usize) -> Option<u64> {
    let counts = batch.columns().get(column)?.as_primitive_opt::<Int64Type>()?;
    (!counts.is_empty()).then(|| counts.value(0)).and_then(|n| u64::try_from(n).ok())
}

/// A value as text, instants in RFC 3339; none for null.
fn shown(batch: &RecordBatch, column: usize) -> Result<Option<String>, SourceError> {
    match batch.columns().get(column) {
        Some(array) if !array.is_empty() && array.is_valid(0) => array_value_to_string(array, 0)
            .map(Some)
            .map_err(|e| SourceError::Engine { reason: e.to_string() }),
        _ => Ok(None),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate; a cast of a float saturates"
)]
fn distinct_of(estimate: f64, rows: Option<u64>) -> Option<u64> {
    match rows {
        _ if estimate > 0.0 => Some(estimate as u64),
        Some(rows) if estimate < 0.0 => Some((-estimate * rows as f64).round() as u64),
        _ => None,
    }
}

fn dictionary(batch: &RecordBatch, complete: bool) -> ValueDictionary {
    let mut dictionary = ValueDictionary { complete, ..ValueDictionary::default() };
    let texts = batch.column(0).as_string_view_opt();
    let counts = batch.column(1).as_primitive_opt::<Int64Type>();
    if let (Some(texts), Some(counts)) = (texts, counts) {
        for (text, count) in texts.iter().zip(counts.iter()) {
            if let (Some(text), Some(count)) = (text, count) {
                dictionary.counts.insert(text.to_owned(), u64::try_from(count).unwrap_or(0));
            }
        }
    }
    dictionary
}
