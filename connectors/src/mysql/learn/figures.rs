//! Figures and values of columns, each by one query that ends in time.
//!
//! In: a table. Out: the same with ends, null shares, distinct counts and the values of its text.
//! A query that the server ends, or refuses, leaves what it would have told out; types and keys
//! never depend on one.

use super::{Server, quoted};
use crate::database::DatabaseError;
use crate::error::{SourceError, explain};
use crate::files::LearnOptions;
use crate::mysql::query;
use air_engine::{Dialect, RemoteQuery, Sql, arrow_type};
use air_ir::catalog::{Stats, ValueDictionary};
use air_ir::{Column, DataType, Table};
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Int64Type, Schema};
use datafusion::arrow::util::display::array_value_to_string;
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

pub(super) struct Figures<'a> {
    server: &'a Arc<Server>,
    options: &'a LearnOptions,
    until: Instant,
}

impl<'a> Figures<'a> {
    pub(super) fn new(server: &'a Arc<Server>, options: &'a LearnOptions) -> Self {
        Self { server, options, until: Instant::now() + options.time_limit }
    }

    /// Makes a `tinyint(1)` that holds other numbers than 0 and 1 a number. Where that cannot be
    /// found out in time it stays a truth value, and reading another number fails.
    pub(super) async fn truths(&self, table: &mut Table) -> Result<(), SourceError> {
        let doubtful = |c: &Column| c.data_type == DataType::Bool && c.native_type != "bit(1)";
        let names: Vec<String> =
            table.columns.iter().filter(|c| doubtful(c)).map(|c| c.name.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let outputs = names
            .iter()
            .map(|name| (format!("MAX({} NOT IN (0, 1))", quoted(name)), ArrowType::Int64))
            .collect();
        let Some(batches) = self.ask(outputs, table, "").await? else {
            return Ok(());
        };
        for (i, name) in names.iter().enumerate() {
            let has_more = batches.iter().any(|b| count(b.column(i), 0) > 0);
            if let Some(column) = table.columns.iter_mut().find(|c| c.name == *name && has_more) {
                column.data_type = DataType::Int8;
            }
        }
        Ok(())
    }

    /// Makes a `time` that holds times of day alone one. Where that cannot be found out in time it
    /// stays text; one that holds others later fails to be read.
    pub(super) async fn clocks(&self, table: &mut Table) -> Result<(), SourceError> {
        let spans: Vec<usize> =
            (0..table.columns.len()).filter(|i| is_span(&table.columns[*i])).collect();
        if spans.is_empty() {
            return Ok(());
        }
        let beyond = |i: &usize| {
            let name = quoted(&table.columns[*i].name);
            let first = "CAST('00:00:00' AS TIME)";
            let end = "CAST('24:00:00' AS TIME)";
            (format!("MIN({name}) < {first} OR MAX({name}) >= {end}"), ArrowType::Int64)
        };
        let outputs = spans.iter().map(beyond).collect();
        let Some(batches) = self.ask(outputs, table, "").await? else {
            return Ok(());
        };
        for (n, i) in spans.into_iter().enumerate() {
            if batches.iter().all(|b| count(b.column(n), 0) == 0) {
                table.columns[i].data_type = DataType::Time;
            }
        }
        Ok(())
    }

    pub(super) async fn fill(&self, table: &mut Table) -> Result<(), SourceError> {
        if self.options.sample_values {
            self.dictionaries(table).await?;
        }
        if self.options.include_stats {
            self.stats(table).await?;
        }
        Ok(())
    }

    async fn dictionaries(&self, table: &mut Table) -> Result<(), SourceError> {
        for i in 0..table.columns.len() {
            let column = &table.columns[i];
            // A time is text only because no type holds it.
            if column.data_type != DataType::Text || is_span(column) {
                continue;
            }
            let text = exact(&quoted(&column.name));
            let outputs =
                vec![(text, ArrowType::Utf8View), ("COUNT(*)".to_owned(), ArrowType::Int64)];
            let rest = format!(
                " WHERE {} IS NOT NULL GROUP BY 1 LIMIT {}",
                quoted(&column.name),
                self.options.max_values.saturating_add(1)
            );
            let Some(batches) = self.ask(outputs, table, &rest).await? else {
                continue;
            };
            let mut counts = BTreeMap::new();
            for batch in &batches {
                let values = batch.column(0).as_string_view();
                for row in 0..batch.num_rows() {
                    let rows = u64::try_from(count(batch.column(1), row)).unwrap_or(0);
                    counts.insert(values.value(row).to_owned(), rows);
                }
            }
            if counts.len() <= self.options.max_values {
                table.columns[i].values = Some(ValueDictionary { complete: true, counts });
            }
        }
        Ok(())
    }

    /// Ends and nulls of all columns by one query, then distinct values by one a column.
    async fn stats(&self, table: &mut Table) -> Result<(), SourceError> {
        let readable: Vec<usize> =
            (0..table.columns.len()).filter(|i| self.arrow(table, *i).is_some()).collect();
        let mut outputs = vec![("COUNT(*)".to_owned(), ArrowType::Int64)];
        for i in &readable {
            let name = quoted(&table.columns[*i].name);
            outputs.push((format!("COUNT({name})"), ArrowType::Int64));
            if let Some((value, arrow)) = self.ends(table, *i) {
                outputs.push((format!("MIN({value})"), arrow.clone()));
                outputs.push((format!("MAX({value})"), arrow));
            }
        }
        let Some(batches) = self.ask(outputs, table, "").await? else {
            return Ok(());
        };
        let Some(row) = batches.first().filter(|b| b.num_rows() == 1) else {
            return Ok(());
        };
        let all = count(row.column(0), 0);
        table.row_estimate = u64::try_from(all).ok();
        let mut next = 1;
        for i in readable {
            let filled = count(row.column(next), 0);
            next += 1;
            let mut stats = Stats::default();
            if all > 0 {
                stats.null_share = Some((all - filled) as f64 / all as f64);
            }
            if self.ends(table, i).is_some() {
                stats.min = shown(row.column(next))?;
                stats.max = shown(row.column(next + 1))?;
                next += 2;
            }
            stats.distinct = self.distinct(table, i).await?;
            table.columns[i].stats = Some(stats);
        }
        Ok(())
    }

    fn arrow(&self, table: &Table, i: usize) -> Option<ArrowType> {
        arrow_type(table.columns[i].data_type)
    }

    /// What a column's least and greatest are taken of; none where order means nothing.
    fn ends(&self, table: &Table, i: usize) -> Option<(String, ArrowType)> {
        let column = &table.columns[i];
        let name = quoted(&column.name);
        match column.data_type {
            DataType::Binary | DataType::Json | DataType::Unreadable => None,
            DataType::Bool if column.native_type == "bit(1)" => {
                Some((format!("{name} + 0"), ArrowType::Boolean))
            }
            DataType::Text | DataType::Uuid => Some((exact(&name), ArrowType::Utf8View)),
            other => Some((name, arrow_type(other)?)),
        }
    }

    async fn distinct(&self, table: &Table, i: usize) -> Result<Option<u64>, SourceError> {
        let column = &table.columns[i];
        if let Some(values) = &column.values {
            return Ok(u64::try_from(values.counts.len()).ok());
        }
        let name = quoted(&column.name);
        let value = match column.data_type {
            DataType::Binary | DataType::Json => return Ok(None),
            DataType::Text | DataType::Uuid => exact(&name),
            _ => name,
        };
        let outputs = vec![(format!("COUNT(DISTINCT {value})"), ArrowType::Int64)];
        let batches = self.ask(outputs, table, "").await?;
        Ok(batches.and_then(|b| u64::try_from(count(b.first()?.column(0), 0)).ok()))
    }

    /// Rows of `SELECT outputs FROM table rest`, or none where they did not come in time.
    async fn ask(
        &self,
        outputs: Vec<(String, ArrowType)>,
        table: &Table,
        rest: &str,
    ) -> Result<Option<Vec<RecordBatch>>, SourceError> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        let mut columns = Vec::with_capacity(outputs.len());
        let mut fields = Vec::with_capacity(outputs.len());
        for (i, (expression, arrow)) in outputs.into_iter().enumerate() {
            columns.push(format!("{expression} AS `c{i}`"));
            fields.push(Field::new(format!("c{i}"), arrow, true));
        }
        let schema_name = table.schema.as_deref().map(quoted).unwrap_or_default();
        let text = format!(
            "SELECT {} FROM {schema_name}.{}{rest}",
            columns.join(", "),
            quoted(&table.name)
        );
        let query = RemoteQuery {
            sql: Sql { dialect: Dialect::Mysql, text, params: Vec::new() },
            schema: Arc::new(Schema::new(fields)),
            at_most: None,
            divided: None,
        };
        let rows = query::rows(Arc::clone(self.server), query).try_collect::<Vec<_>>();
        // Dropping the rows ends the query in the server.
        let Ok(rows) = tokio::time::timeout(left, rows).await else {
            return Ok(None);
        };
        match rows.map_err(|e| explain(&e)) {
            Ok(batches) => Ok(Some(batches)),
            Err(SourceError::Database(
                error @ (DatabaseError::StatementTimeout { .. }
                | DatabaseError::Server { .. }
                | DatabaseError::Value { .. }),
            )) => {
                // Such as a view whose tables are gone.
                tracing::info!(source.id = %self.server.id, table = %table.name, %error, "no figures");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a column is a `time` that is read as text.
fn is_span(column: &Column) -> bool {
    let native = column.native_type.to_ascii_lowercase();
    column.data_type == DataType::Text && native.split('(').next() == Some("time")
}

/// Text by its bytes in UTF-8: neither case, nor accents, nor blanks at the end make two one.
fn exact(text: &str) -> String {
    format!("CAST(CONVERT({text} USING utf8mb4) AS BINARY)")
}

fn count(column: &ArrayRef, row: usize) -> i64 {
    let counts = column.as_primitive::<Int64Type>();
    if counts.is_null(row) { 0 } else { counts.value(row) }
}

fn shown(column: &ArrayRef) -> Result<Option<String>, SourceError> {
    if column.is_null(0) {
        return Ok(None);
    }
    let text = array_value_to_string(column, 0);
    text.map(Some).map_err(|e| SourceError::Engine { reason: e.to_string() })
}
