//! Functions of SQL texts whose meaning follows the types of their arguments, and division that
//! fails by zero.

use super::wrong_arguments;
use crate::types::{UTC, instant};
use datafusion::arrow::array::{Array, Float64Array};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// A call by its name in SQL. It is replaced when types are known and never runs.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Later {
    name: String,
    signature: Signature,
}

impl Later {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Later {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match (self.name.as_str(), types) {
            ("timezone", [.., DataType::Timestamp(_, None)]) => instant(UTC),
            ("timezone", _) => DataType::Timestamp(TimeUnit::Microsecond, None),
            // A zone may follow the time.
            ("date_trunc", [_, time, ..]) => time.clone(),
            _ => types.last().cloned().unwrap_or(DataType::Null),
        })
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        wrong_arguments(&self.name)
    }
}

/// `air_quotient(a, b)`: `a / b` as doubles; by zero is an error, as in Postgres.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Quotient {
    signature: Signature,
}

impl Quotient {
    pub(crate) fn new() -> Self {
        let types = vec![DataType::Float64, DataType::Float64];
        Self { signature: Signature::exact(types, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Quotient {
    fn name(&self) -> &'static str {
        "air_quotient"
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
        let mut quotients = Vec::with_capacity(a.len());
        for pair in a.iter().zip(b.iter()) {
            quotients.push(match pair {
                (Some(_), Some(0.0)) => {
                    return Err(DataFusionError::Execution("A division by zero.".to_owned()));
                }
                (Some(a), Some(b)) => Some(a / b),
                _ => None,
            });
        }
        Ok(ColumnarValue::Array(Arc::new(Float64Array::from(quotients))))
    }
}
