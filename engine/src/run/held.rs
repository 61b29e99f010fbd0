//! Rows that are fetched before others, so that their keys are known.
//!
//! In: the stream of a stage. Out: its rows as a table that is read once, and its keys. Rows are
//! kept under a reservation of the memory pool. Where keys turn out to be too many and rows take
//! much memory, or the pool gives no more, collecting ends: the rest stays a stream, read after
//! the rows at hand, and the keys restrict nothing.

use super::RunError;
use super::fetch::once;
use crate::split::{KEYS_MOST, Keys, StageKeys};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Int64Type, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, stream};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of rows that are kept only for the range of their keys.
const HELD_MOST: usize = 64 << 20;

/// Rows at hand and rows to come.
pub(super) struct Collected {
    batches: Vec<RecordBatch>,
    rest: Option<SendableRecordBatchStream>,
    reservation: MemoryReservation,
}

/// Reads a stage's rows; `schema` are the columns it promises, `types` those of the keys where
/// they are sent to.
pub(super) async fn collect(
    mut rows: SendableRecordBatchStream,
    schema: &SchemaRef,
    keys: &[StageKeys],
    types: &[DataType],
    pool: &Arc<dyn MemoryPool>,
) -> Result<(Collected, Vec<Keys>), RunError> {
    let reservation = MemoryConsumer::new("rows held for their keys").register(pool);
    let mut seen: Vec<Seen> = keys.iter().map(|k| Seen::new(&types[k.slot])).collect();
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = super::as_promised(&batch?, schema)?;
        for (seen, key) in seen.iter_mut().zip(keys) {
            seen.add(batch.column(key.column))?;
        }
        let more = reservation.try_grow(batch.get_array_memory_size()).is_ok();
        batches.push(batch);
        let many = reservation.size() > HELD_MOST && seen.iter().all(|s| s.many);
        if !more || many {
            let known = keys.iter().map(|_| Keys::Open).collect();
            return Ok((Collected { batches, rest: Some(rows), reservation }, known));
        }
    }
    let known = seen.into_iter().map(Seen::known).collect::<Result<_, _>>()?;
    Ok((Collected { batches, rest: None, reservation }, known))
}

/// The distinct keys of a column, until they are too many.
struct Seen {
    of: DataType,
    whole: HashSet<i64>,
    others: HashSet<ScalarValue>,
    many: bool,
    /// Least and greatest, where the type has an order that every source shares.
    range: Option<(i64, i64)>,
}

impl Seen {
    fn new(of: &DataType) -> Self {
        Self {
            of: of.clone(),
            whole: HashSet::new(),
            others: HashSet::new(),
            many: false,
            range: None,
        }
    }

    fn add(&mut self, column: &ArrayRef) -> Result<(), DataFusionError> {
        // A key outside the type it is compared with has no partner.
        let safe = CastOptions { safe: true, ..CastOptions::default() };
        let keys = cast_with_options(column, &self.of, &safe)?;
        if self.of.is_integer() && self.of != DataType::UInt64 {
            let keys = cast_with_options(&keys, &DataType::Int64, &safe)?;
            for key in keys.as_primitive::<Int64Type>().iter().flatten() {
                let (low, high) = self.range.unwrap_or((key, key));
                self.range = Some((low.min(key), high.max(key)));
                if !self.many {
                    self.whole.insert(key);
                    self.many = self.whole.len() > KEYS_MOST;
                }
            }
            return Ok(());
        }
        for i in (0..keys.len()).filter(|i| keys.is_valid(*i)) {
            if self.many {
                return Ok(());
            }
            self.others.insert(ScalarValue::try_from_array(&keys, i)?);
            self.many = self.others.len() > KEYS_MOST;
        }
        Ok(())
    }

    fn known(self) -> Result<Keys, DataFusionError> {
        let typed = |key: i64| ScalarValue::Int64(Some(key)).cast_to(&self.of);
        if self.many {
            return Ok(match self.range {
                Some((low, high)) => Keys::Range(typed(low)?, typed(high)?),
                None => Keys::Open,
            });
        }
        let mut keys = Vec::new();
        // In order, so that the same run sends the same text.
        let mut whole: Vec<i64> = self.whole.iter().copied().collect();
        whole.sort_unstable();
        for key in whole {
            keys.push(typed(key)?);
        }
        let mut others: Vec<ScalarValue> = self.others.into_iter().collect();
        others.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        keys.extend(others);
        if keys.is_empty() {
            return Ok(Keys::Nothing);
        }
        Ok(Keys::List(ScalarValue::List(ScalarValue::new_list_nullable(&keys, &self.of))))
    }
}

/// Collected rows as a table.
pub(super) fn table(rows: Collected, schema: &SchemaRef) -> Arc<dyn TableProvider> {
    let rows = Mutex::new(Some(rows));
    once(Arc::clone(schema), Arc::new(Part { schema: Arc::clone(schema), rows }))
}

struct Part {
    schema: SchemaRef,
    rows: Mutex<Option<Collected>>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let schema = Arc::clone(&self.schema);
        let Some(Collected { batches, rest, reservation }) = rows else {
            let twice = DataFusionError::Internal("held rows were read twice".to_owned());
            let once = stream::once(async { Err(twice) });
            return Box::pin(RecordBatchStreamAdapter::new(schema, once));
        };
        let promised = Arc::clone(&schema);
        let rest =
            stream::iter(rest).flatten().map(move |batch| super::as_promised(&batch?, &promised));
        let rows = stream::iter(batches.into_iter().map(Ok)).chain(rest);
        // The reservation lasts as long as the rows are read.
        let rows = rows.inspect(move |_: &Result<RecordBatch, DataFusionError>| {
            let _size = reservation.size();
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
