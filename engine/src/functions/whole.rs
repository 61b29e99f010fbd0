//! Numbers as whole numbers, the way Postgres casts them.

use super::wrong_arguments;
use datafusion::arrow::array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// A number as a whole number of 16, 32 or 64 bits: halves of decimals go away from zero, halves of
/// doubles to the even one, and what does not fit is an error.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Whole {
    pub(crate) to: DataType,
    signature: Signature,
}

impl Whole {
    pub(crate) fn new(to: DataType) -> Self {
        Self { to, signature: Signature::any(1, Volatility::Immutable) }
    }

    pub(crate) fn of_bits(bits: u8) -> Self {
        Self::new(match bits {
            16 => DataType::Int16,
            32 => DataType::Int32,
            _ => DataType::Int64,
        })
    }

    pub(crate) fn bits(&self) -> u8 {
        match self.to {
            DataType::Int16 => 16,
            DataType::Int32 => 32,
            _ => 64,
        }
    }

    /// The least and the greatest number of the type.
    pub(crate) fn bounds(&self) -> (i64, i64) {
        match self.to {
            DataType::Int16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
            DataType::Int32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        }
    }

    fn fitting(&self, n: i128) -> Result<i64> {
        let (least, greatest) = self.bounds();
        match i64::try_from(n) {
            Ok(n) if (least..=greatest).contains(&n) => Ok(n),
            _ => Err(overflow()),
        }
    }

    fn double(&self, x: f64) -> Result<i64> {
        // Beyond these a double has no place in 64 bits; the upper one itself is 2^63.
        const LEAST: f64 = i64::MIN as f64;
        const BEHIND: f64 = i64::MAX as f64;
        let x = x.round_ties_even();
        match (LEAST..BEHIND).contains(&x) {
            true => self.fitting(x as i128),
            false => Err(overflow()),
        }
    }

    fn decimal(&self, unscaled: i128, scale: i8) -> Result<i64> {
        let unit = u32::try_from(scale).ok().and_then(|s| 10_i128.checked_pow(s));
        let unit = unit.ok_or_else(overflow)?;
        let (whole, rest) = (unscaled / unit, unscaled % unit);
        let away = rest.unsigned_abs() * 2 >= unit.unsigned_abs();
        self.fitting(whole + if away { unscaled.signum() } else { 0 })
    }
}

fn overflow() -> DataFusionError {
    DataFusionError::Execution("overflow: a number does not fit the whole numbers asked for".into())
}

impl ScalarUDFImpl for Whole {
    fn name(&self) -> &'static str {
        "air_whole"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(format!("air_whole[{}]({})", self.to, args.join(", ")))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = &arrays[..] else { return wrong_arguments(self.name()) };
        let whole: Int64Array = match array.data_type() {
            DataType::Float32 | DataType::Float64 => {
                let doubles = cast(array, &DataType::Float64)?;
                let doubles = doubles.as_any().downcast_ref::<Float64Array>();
                let Some(doubles) = doubles else { return wrong_arguments(self.name()) };
                doubles.try_unary(|x| self.double(x))?
            }
            arrow if arrow.is_integer() || matches!(arrow, DataType::Decimal128(..)) => {
                let decimals: ArrayRef = match arrow.is_integer() {
                    true => cast(array, &DataType::Decimal128(20, 0))?,
                    false => array.clone(),
                };
                let decimals = decimals.as_any().downcast_ref::<Decimal128Array>();
                let Some(decimals) = decimals else { return wrong_arguments(self.name()) };
                let scale = decimals.scale();
                decimals.try_unary(|n| self.decimal(n, scale))?
            }
            _ => return wrong_arguments(self.name()),
        };
        Ok(ColumnarValue::Array(cast(&whole, &self.to)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_as_postgres_rounds_them() {
        let whole = Whole::new(DataType::Int64);
        for (x, n) in [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (2.4999, 2)] {
            assert_eq!(whole.double(x).unwrap(), n, "{x}");
        }
        for (unscaled, n) in [(5, 1), (15, 2), (25, 3), (-5, -1), (-15, -2), (24, 2), (-4, 0)] {
            assert_eq!(whole.decimal(unscaled, 1).unwrap(), n, "{unscaled}e-1");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let (short, long) = (Whole::new(DataType::Int16), Whole::new(DataType::Int64));
        assert_eq!(short.double(32_767.4).unwrap(), 32_767);
        assert_eq!(short.decimal(-32_768, 0).unwrap(), -32_768);
        assert_eq!(long.double(-9_223_372_036_854_775_808.0).unwrap(), i64::MIN);
        for x in [f64::NAN, f64::INFINITY, 9_223_372_036_854_775_808.0, -1e300] {
            assert!(long.double(x).is_err(), "{x}");
        }
        assert!(short.double(32_767.5).is_err());
        assert!(short.decimal(327_675, 1).is_err());
        assert!(long.decimal(i128::from(i64::MAX) + 1, 0).is_err());
    }
}
