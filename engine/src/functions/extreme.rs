//! The smallest and largest of doubles, where NaN is greater than every number.

use datafusion::arrow::array::{Array, ArrayRef, Float64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use std::cmp::Ordering;

/// `max` or `min`. The engine's own pass over NaN.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Extreme {
    pub(crate) largest: bool,
    signature: Signature,
}

impl Extreme {
    pub(crate) fn new(largest: bool) -> Self {
        let signature = Signature::exact(vec![DataType::Float64], Volatility::Immutable);
        Self { largest, signature }
    }
}

impl AggregateUDFImpl for Extreme {
    fn name(&self) -> &'static str {
        if self.largest { "air_max" } else { "air_min" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let wanted = if self.largest { Ordering::Greater } else { Ordering::Less };
        Ok(Box::new(Best { wanted, best: None }))
    }
}

#[derive(Debug)]
struct Best {
    wanted: Ordering,
    best: Option<f64>,
}

/// The order of the IR: numbers as they are, NaN of either sign above them.
fn order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

impl Accumulator for Best {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for array in values {
            let Some(doubles) = array.as_any().downcast_ref::<Float64Array>() else {
                return Err(DataFusionError::Internal("min and max want doubles".to_owned()));
            };
            for value in doubles.iter().flatten() {
                if self.best.is_none_or(|best| order(value, best) == self.wanted) {
                    self.best = Some(value);
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.best))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Float64(self.best)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
