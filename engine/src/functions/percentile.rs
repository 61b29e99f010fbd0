//! Percentiles, exact: interpolated as SQL's `percentile_cont`, or a value of the rows as
//! `percentile_disc`. The engine's own interpolates in steps of a millionth, which shows.

use air_ir::PercentileMethod;
use datafusion::arrow::array::{Array, ArrayRef, Float64Array, ListArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// The rank, 0 to 1, is part of the function, by its bits.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Percentile {
    rank_bits: u64,
    /// A value of the rows rather than one between two.
    pub(crate) discrete: bool,
    signature: Signature,
}

impl Percentile {
    pub(crate) fn new(rank: f64, method: PercentileMethod) -> Self {
        let signature = Signature::exact(vec![DataType::Float64], Volatility::Immutable);
        let discrete = method == PercentileMethod::Disc;
        Self { rank_bits: rank.to_bits(), discrete, signature }
    }

    pub(crate) fn rank(&self) -> f64 {
        f64::from_bits(self.rank_bits)
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &'static str {
        "air_percentile"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Values { rank: self.rank(), discrete: self.discrete, values: Vec::new() }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let item = Arc::new(Field::new("item", DataType::Float64, true));
        Ok(vec![Arc::new(Field::new(args.name, DataType::List(item), true))])
    }
}

/// Every value of a group, as long as it is aggregated.
#[derive(Debug)]
struct Values {
    rank: f64,
    discrete: bool,
    values: Vec<f64>,
}

impl Values {
    fn take(&mut self, array: &ArrayRef) -> Result<()> {
        match array.as_any().downcast_ref::<Float64Array>() {
            Some(doubles) => {
                self.values.extend(doubles.iter().flatten());
                Ok(())
            }
            None => Err(DataFusionError::Internal("a percentile wants doubles".to_owned())),
        }
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values.iter().try_for_each(|array| self.take(array))
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank times a count of rows is a small whole number"
    )]
    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.values.is_empty() {
            return Ok(ScalarValue::Float64(None));
        }
        self.values.sort_by(f64::total_cmp);
        let last = self.values.len() - 1;
        if self.discrete {
            let wanted = (self.rank * self.values.len() as f64).ceil() as usize;
            let index = wanted.saturating_sub(1).min(last);
            return Ok(ScalarValue::Float64(Some(self.values[index])));
        }
        let place = self.rank * last as f64;
        let below = (place.floor() as usize).min(last);
        let (low, high) = (self.values[below], self.values[(below + 1).min(last)]);
        // Two equal infinities have nothing between them, not even "not a number".
        let between = if low == high { low } else { low + (place - place.floor()) * (high - low) };
        Ok(ScalarValue::Float64(Some(between)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<f64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values: ArrayRef = Arc::new(Float64Array::from(std::mem::take(&mut self.values)));
        let item = Arc::new(Field::new("item", DataType::Float64, true));
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        let list = ListArray::try_new(item, offsets, values, None)?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for lists in states {
            let Some(lists) = lists.as_any().downcast_ref::<ListArray>() else {
                return Err(DataFusionError::Internal("a percentile wants lists".to_owned()));
            };
            for list in lists.iter().flatten() {
                self.take(&list)?;
            }
        }
        Ok(())
    }
}
