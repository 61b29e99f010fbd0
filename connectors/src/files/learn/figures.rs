//! One pass over all rows of a table: that every value is of its type, how many rows there are,
//! which values text columns have, and the ends, nulls and distinct values of all.

use super::sketch::Sketch;
use super::{Draft, Learning};
use crate::error::SourceError;
use crate::files::from_engine;
use air_ir::catalog::{FileFormat, Stats, ValueDictionary};
use air_ir::{Column, DataType, Table};
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringViewArray, cast::AsArray};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::error::Result as EngineResult;
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_plan::execute_stream_partitioned;
use futures::StreamExt;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// The same hashes in every part of a pass.
const SEED: u64 = 7;

impl<P: Fn(&str, u8) + Send + Sync> Learning<'_, P> {
    /// Reads the table whole and fills in what that tells. Where a guessed type does not hold for
    /// a later row, it is guessed anew from all rows.
    pub(super) async fn figures(
        &self,
        draft: &mut Draft,
        zone: Option<&str>,
    ) -> Result<(), SourceError> {
        let pass = match self.pass(draft, zone).await {
            Err(SourceError::Value { column, .. }) if self.is_guessed(draft, &column) => {
                self.guess_again(draft).await?;
                self.pass(draft, zone).await?
            }
            Err(error) => {
                return Err(self
                    .source
                    .at_fault(self.session, &draft.table, zone, &draft.current, error)
                    .await);
            }
            Ok(pass) => pass,
        };
        self.fill(&mut draft.table, pass)
    }

    fn is_guessed(&self, draft: &Draft, column: &str) -> bool {
        let is_text = draft.current.located.format != FileFormat::Parquet;
        is_text && draft.declared.column(column).is_none_or(|d| d.data_type.is_none())
    }

    async fn guess_again(&self, draft: &mut Draft) -> Result<(), SourceError> {
        let Some(storage) = draft.table.storage.clone() else {
            return Ok(());
        };
        let located = draft.current.located.clone();
        let again = self.draft(draft.declared.clone(), storage.files, located, None).await?;
        for (column, new) in draft.table.columns.iter_mut().zip(again.table.columns) {
            column.data_type = new.data_type;
            column.native_type = new.native_type;
        }
        // Roles and keys follow from types, so they are looked at once more.
        draft.table.time_column = draft.declared.time_column.clone();
        for column in &mut draft.table.columns {
            column.role = draft.declared.column(&column.name).and_then(|d| d.role);
        }
        super::declared::check_again(draft)
    }

    async fn pass(&self, draft: &Draft, zone: Option<&str>) -> Result<Part, SourceError> {
        let provider = Arc::new(self.source.provider(&draft.table, zone, &draft.current)?);
        let frame = self.session.read_table(provider).map_err(from_engine)?;
        let context = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await.map_err(from_engine)?;
        let streams = execute_stream_partitioned(plan, context).map_err(from_engine)?;
        let asked = Asked {
            stats: self.options.include_stats,
            max_values: if self.options.sample_values { self.options.max_values } else { 0 },
            until: Instant::now() + self.options.time_limit,
        };
        let columns: Vec<DataType> = readable(&draft.table).map(|c| c.data_type).collect();
        let mut parts = JoinSet::new();
        for mut stream in streams {
            let mut part = Part::new(&columns, &stream.schema(), asked).map_err(from_engine)?;
            parts.spawn(async move {
                while let Some(batch) = stream.next().await {
                    part.add(&batch?)?;
                }
                EngineResult::Ok(part)
            });
        }
        let mut whole: Option<Part> = None;
        while let Some(part) = parts.join_next().await {
            let part = part
                .map_err(|e| SourceError::Engine { reason: e.to_string() })?
                .map_err(from_engine)?;
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => whole.merge(part, asked).map_err(from_engine)?,
            }
        }
        whole.ok_or_else(|| SourceError::Engine { reason: "the scan gave no part".to_owned() })
    }

    fn fill(&self, table: &mut Table, pass: Part) -> Result<(), SourceError> {
        table.row_estimate = Some(pass.rows);
        if let Some(storage) = table.storage.as_mut().filter(|s| s.format == FileFormat::Csv) {
            storage.newlines_in_values =
                pass.newlines || table.columns.iter().any(|c| c.name.contains(['\n', '\r']));
        }
        let (name, keys) = (table.name.clone(), table.primary_key.clone());
        for (column, mut figures) in table
            .columns
            .iter_mut()
            .filter(|c| c.data_type != DataType::Unreadable)
            .zip(pass.columns)
        {
            if keys.contains(&column.name) && figures.nulls > 0 {
                return Err(SourceError::NullKey {
                    table: name,
                    column: column.name.clone(),
                    rows: figures.nulls,
                });
            }
            if !column.nullable && figures.nulls > 0 {
                let file = table.storage.as_ref().map(|s| s.files.clone()).unwrap_or_default();
                let reason =
                    format!("is null in {} rows, but declared nullable: false", figures.nulls);
                return Err(SourceError::Value {
                    file,
                    line: None,
                    column: column.name.clone(),
                    expected: column.data_type,
                    reason,
                });
            }
            if self.options.include_stats {
                column.stats = Some(figures.stats(pass.rows).map_err(from_engine)?);
            }
            column.values = figures.values.take().map(|counts| ValueDictionary {
                complete: figures.complete,
                counts: counts.into_iter().collect(),
            });
        }
        Ok(())
    }
}

fn readable(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|c| c.data_type != DataType::Unreadable)
}

/// What a pass is asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    stats: bool,
    max_values: usize,
    until: Instant,
}

/// What a part of the rows told.
struct Part {
    rows: u64,
    newlines: bool,
    columns: Vec<Figures>,
    asked: Asked,
}

struct Figures {
    nulls: u64,
    ends: Option<(MinAccumulator, MaxAccumulator)>,
    distinct: Option<Sketch>,
    values: Option<HashMap<String, u64>>,
    complete: bool,
}

impl Part {
    fn new(
        columns: &[DataType],
        schema: &datafusion::arrow::datatypes::Schema,
        asked: Asked,
    ) -> EngineResult<Self> {
        let figures =
            |(data_type, field): (&DataType, &Arc<datafusion::arrow::datatypes::Field>)| {
                Figures::new(*data_type, field.data_type(), asked)
            };
        let columns =
            columns.iter().zip(schema.fields()).map(figures).collect::<EngineResult<_>>()?;
        Ok(Self { rows: 0, newlines: false, columns, asked })
    }

    fn add(&mut self, batch: &RecordBatch) -> EngineResult<()> {
        self.rows += batch.num_rows() as u64;
        let late = Instant::now() > self.asked.until;
        for (figures, array) in self.columns.iter_mut().zip(batch.columns()) {
            figures.nulls += array.null_count() as u64;
            if let Some(text) = array.as_string_view_opt() {
                self.newlines |= text.iter().flatten().any(|t| t.contains(['\n', '\r']));
            }
            if late {
                figures.complete = false;
            } else {
                figures.add(array, self.asked.max_values)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self, asked: Asked) -> EngineResult<()> {
        self.rows += other.rows;
        self.newlines |= other.newlines;
        for (mine, theirs) in self.columns.iter_mut().zip(other.columns) {
            mine.merge(theirs, asked.max_values)?;
        }
        Ok(())
    }
}

impl Figures {
    fn new(data_type: DataType, arrow: &ArrowType, asked: Asked) -> EngineResult<Self> {
        let has_ends = asked.stats && !matches!(data_type, DataType::Json | DataType::Binary);
        let ends = if has_ends {
            Some((MinAccumulator::try_new(arrow)?, MaxAccumulator::try_new(arrow)?))
        } else {
            None
        };
        let has_values = data_type == DataType::Text && asked.max_values > 0;
        Ok(Self {
            nulls: 0,
            ends,
            distinct: asked.stats.then(Sketch::default),
            values: has_values.then(HashMap::new),
            complete: true,
        })
    }

    fn add(&mut self, array: &ArrayRef, max_values: usize) -> EngineResult<()> {
        if let Some((min, max)) = &mut self.ends {
            min.update_batch(std::slice::from_ref(array))?;
            max.update_batch(std::slice::from_ref(array))?;
        }
        if let Some(sketch) = &mut self.distinct {
            let mut hashes = vec![0; array.len()];
            create_hashes([array], &RandomState::with_seed(SEED), &mut hashes)?;
            for (row, hash) in hashes.into_iter().enumerate() {
                if array.is_valid(row) {
                    sketch.add(hash);
                }
            }
        }
        if let Some(text) = array.as_string_view_opt() {
            self.count(text, max_values);
        }
        Ok(())
    }

    fn count(&mut self, text: &StringViewArray, max_values: usize) {
        let Some(values) = &mut self.values else {
            return;
        };
        for value in text.iter().flatten() {
            if let Some(count) = values.get_mut(value) {
                *count += 1;
            } else {
                values.insert(value.to_owned(), 1);
            }
        }
        if values.len() > max_values {
            self.values = None;
        }
    }

    fn merge(&mut self, other: Self, max_values: usize) -> EngineResult<()> {
        self.nulls += other.nulls;
        self.complete &= other.complete;
        if let (Some((min, max)), Some((mut low, mut high))) = (&mut self.ends, other.ends) {
            min.update_batch(&[low.evaluate()?.to_array()?])?;
            max.update_batch(&[high.evaluate()?.to_array()?])?;
        }
        if let (Some(mine), Some(theirs)) = (&mut self.distinct, other.distinct) {
            mine.merge(theirs);
        }
        self.values = match (self.values.take(), other.values) {
            (Some(mut mine), Some(theirs)) => {
                theirs
                    .into_iter()
                    .for_each(|(value, count)| *mine.entry(value).or_default() += count);
                Some(mine).filter(|m| m.len() <= max_values)
            }
            _ => None,
        };
        Ok(())
    }

    fn stats(&mut self, rows: u64) -> EngineResult<Stats> {
        let mut stats = Stats {
            null_share: (rows > 0).then(|| self.nulls as f64 / rows as f64),
            ..Stats::default()
        };
        if !self.complete {
            return Ok(stats);
        }
        if let Some((min, max)) = &mut self.ends {
            stats.min = shown(&min.evaluate()?)?;
            stats.max = shown(&max.evaluate()?)?;
        }
        stats.distinct = match &self.values {
            Some(values) => Some(values.len() as u64),
            None => self.distinct.as_ref().map(Sketch::distinct),
        };
        Ok(stats)
    }
}

/// A value as text, instants in RFC 3339; none for null.
fn shown(value: &datafusion::common::ScalarValue) -> EngineResult<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    Ok(Some(array_value_to_string(&value.to_array()?, 0)?))
}
