//! The buckets that a group lacks (`IR.md`, "fill").

use super::calendar::Buckets;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// More buckets than this between two ends are refused.
pub(crate) const MOST_BUCKETS: usize = 100_000;

/// The data reach over more buckets than are filled. Where the filters say the ends, planning
/// tells it already.
#[derive(Debug, thiserror::Error)]
#[error(
    "More than {MOST_BUCKETS} buckets would be filled; narrow the time range, or take a longer grain."
)]
pub(crate) struct TooManyBuckets;

/// Which buckets there are: raw starts of the first and the last, both included. An end that is
/// not known comes from the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(crate) struct Ends {
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    /// The first bucket shown: a group that occurs only before it has no rows.
    pub(crate) shown: Option<i64>,
}

/// `air_absent(bucket, there, lowest, highest)` over a group in the order of time: the row's own
/// bucket, where the row is there, and the absent ones after it; before the first row's also the
/// absent ones before it. A row that is not there stands for a group without rows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Absent {
    pub(crate) buckets: Buckets,
    pub(crate) ends: Ends,
    name: String,
    signature: Signature,
}

impl Absent {
    pub(crate) fn new(buckets: Buckets, ends: Ends) -> Self {
        let end = |raw: Option<i64>| raw.map_or("data".to_owned(), |r| buckets.shown(r));
        let (first, last) = (end(ends.first), end(ends.last));
        let name = format!("air_absent[{} from {first} to {last}]", buckets.grain());
        Self { buckets, ends, name, signature: Signature::any(4, Volatility::Immutable) }
    }
}

impl WindowUDFImpl for Absent {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let Some(bucket) = args.get_input_field(0) else {
            return super::wrong_arguments(&self.name);
        };
        let item = Arc::new(Field::new("item", bucket.data_type().clone(), true));
        Ok(Arc::new(Field::new(args.name(), DataType::List(item), true)))
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Group { buckets: self.buckets.clone(), ends: self.ends }))
    }
}

#[derive(Debug)]
struct Group {
    buckets: Buckets,
    ends: Ends,
}

impl Group {
    /// Every bucket between the ends; none where the data has none to say where they lie.
    fn series(&self, low: &ArrayRef, high: &ArrayRef) -> Result<Vec<i64>> {
        let of =
            |array| Ok::<_, DataFusionError>(self.buckets.raw(array)?.first().copied().flatten());
        let (low, high) = (of(low)?, of(high)?);
        let (Some(first), Some(last)) = (self.ends.first.or(low), self.ends.last.or(high)) else {
            return Ok(Vec::new());
        };
        series(&self.buckets, first, last)?
            .ok_or_else(|| DataFusionError::External(Box::new(TooManyBuckets)))
    }

    fn occurs(&self, starts: &[Option<i64>], there: &BooleanArray) -> bool {
        let shown = |start: Option<i64>| match (start, self.ends.shown) {
            (Some(start), Some(from)) => start >= from,
            _ => true,
        };
        let alone = (0..there.len()).all(|row| there.is_null(row));
        alone || starts.iter().enumerate().any(|(row, s)| there.is_valid(row) && shown(*s))
    }
}

/// The starts of the buckets from one to another, both included; `None` where they are too many.
pub(crate) fn series(buckets: &Buckets, first: i64, last: i64) -> Result<Option<Vec<i64>>> {
    let mut starts = Vec::new();
    let mut at = first;
    while at <= last {
        if starts.len() == MOST_BUCKETS {
            return Ok(None);
        }
        starts.push(at);
        at = buckets.next(at)?;
    }
    Ok(Some(starts))
}

impl PartitionEvaluator for Group {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [column, there, low, high] = values else {
            return super::wrong_arguments("air_absent");
        };
        let (starts, there) = (self.buckets.raw(column)?, there.as_boolean());
        let all = match self.occurs(&starts, there) {
            true => self.series(low, high)?,
            false => Vec::new(),
        };
        let mut absent = all
            .into_iter()
            .filter(|b| starts.binary_search_by(|s| order(*s, *b)).is_err())
            .peekable();
        let first_known = starts.first().copied().flatten().is_some();
        let mut items = Vec::new();
        let mut lengths = Vec::with_capacity(rows);
        for row in 0..rows {
            let before = items.len();
            let next = starts.get(row + 1).copied().flatten();
            if there.is_valid(row) {
                items.push(starts[row].map_or_else(
                    || ScalarValue::try_from(column.data_type()),
                    |start| Ok(self.buckets.value(start)),
                )?);
            }
            // Rows of the null bucket, and stand-ins, come last and have nothing after them,
            // unless no row has a bucket.
            if starts[row].is_some() || (row == 0 && !first_known) {
                while let Some(bucket) = absent.next_if(|b| next.is_none_or(|n| *b < n)) {
                    items.push(self.buckets.value(bucket));
                }
            }
            lengths.push(items.len() - before);
        }
        lists(items, lengths, column.data_type())
    }
}

/// Nulls stand behind every bucket.
fn order(start: Option<i64>, bucket: i64) -> std::cmp::Ordering {
    start.map_or(std::cmp::Ordering::Greater, |s| s.cmp(&bucket))
}

fn lists(items: Vec<ScalarValue>, lengths: Vec<usize>, item: &DataType) -> Result<ArrayRef> {
    let values = match items.is_empty() {
        true => datafusion::arrow::array::new_empty_array(item),
        false => ScalarValue::iter_to_array(items)?,
    };
    let field = Arc::new(Field::new("item", item.clone(), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field, offsets, values, None)?))
}
