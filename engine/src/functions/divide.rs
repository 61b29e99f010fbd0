//! Division that is exact for whole numbers and null by zero.

use super::wrong_arguments;
use datafusion::arrow::array::{Array, Float64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// `a / b` as doubles; null where `b` is zero, of either sign.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Divide {
    signature: Signature,
}

impl Divide {
    pub(crate) fn new() -> Self {
        let types = vec![DataType::Float64, DataType::Float64];
        Self { signature: Signature::exact(types, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Divide {
    fn name(&self) -> &'static str {
        "air_divide"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [a, b] = &arrays[..] else { return wrong_arguments(self.name()) };
        let (Some(a), Some(b)) =
            (a.as_any().downcast_ref::<Float64Array>(), b.as_any().downcast_ref::<Float64Array>())
        else {
            return wrong_arguments(self.name());
        };
        let quotients: Float64Array = a
            .iter()
            .zip(b.iter())
            .map(|pair| match pair {
                (Some(a), Some(b)) if b != 0.0 => Some(a / b),
                _ => None,
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(quotients)))
    }
}
