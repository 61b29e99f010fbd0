//! Exact differences of instants.

use super::{wrong_arguments, zone::timestamps};
use crate::types::{UTC, instant};
use datafusion::arrow::array::Float64Array;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// `later - earlier` in units of so many seconds, with the fraction.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Between {
    pub(crate) seconds: u32,
    signature: Signature,
}

impl Between {
    pub(crate) fn new(seconds: u32) -> Self {
        let types = vec![instant(UTC), instant(UTC)];
        Self { seconds, signature: Signature::exact(types, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Between {
    fn name(&self) -> &'static str {
        "air_between"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(format!("air_between[{} s]({})", self.seconds, args.join(", ")))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    #[expect(clippy::cast_precision_loss, reason = "a double is what the IR promises here")]
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [later, earlier] = &arrays[..] else { return wrong_arguments(self.name()) };
        let (later, earlier) = (timestamps(later)?, timestamps(earlier)?);
        let unit = f64::from(self.seconds) * 1e6;
        let differences: Float64Array = later
            .iter()
            .zip(earlier.iter())
            .map(|(l, e)| Some((i128::from(l?) - i128::from(e?)) as f64 / unit))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(differences)))
    }
}
