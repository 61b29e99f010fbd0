//! Rounding with halves away from zero, and floor and ceiling, exact on decimals.

use super::wrong_arguments;
use crate::kind::MAX_DIGITS;
use datafusion::arrow::array::{Array, ArrayRef, Decimal128Array, Float64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Rounding {
    /// To so many digits after the point; negative before it.
    HalfAway(i8),
    Floor,
    Ceil,
}

/// A double or a decimal, rounded.
///
/// A double is rounded as the shortest decimal that stands for it, so that 2.675 to two digits is
/// 2.68 as it is in a database's `numeric`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Round {
    pub(crate) rounding: Rounding,
    signature: Signature,
}

impl Round {
    pub(crate) fn new(rounding: Rounding) -> Self {
        Self { rounding, signature: Signature::any(1, Volatility::Immutable) }
    }

    fn digits(&self) -> i8 {
        match self.rounding {
            Rounding::HalfAway(digits) => digits,
            Rounding::Floor | Rounding::Ceil => 0,
        }
    }

    /// Precision and scale of a rounded decimal.
    pub(crate) fn decimal(&self, precision: u8, scale: u8) -> (u8, u8) {
        let kept = scale.min(u8::try_from(self.digits()).unwrap_or(0));
        ((precision - scale).saturating_add(kept).saturating_add(1).min(MAX_DIGITS), kept)
    }

    fn double(&self, x: f64) -> f64 {
        match self.rounding {
            Rounding::Floor => x.floor(),
            Rounding::Ceil => x.ceil(),
            Rounding::HalfAway(digits) => half_away(x, digits),
        }
    }

    fn unscaled(&self, value: i128, scale: i8) -> Option<i128> {
        let drop = i32::from(scale) - i32::from(self.digits());
        let Ok(drop) = u32::try_from(drop) else { return Some(value) };
        let Some(unit) = 10_i128.checked_pow(drop) else { return Some(0) };
        let (quotient, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
        let up = match self.rounding {
            Rounding::Floor => false,
            Rounding::Ceil => rest > 0,
            // Away from zero: a negative value rounds down from exactly half.
            Rounding::HalfAway(_) => rest * 2 > unit || (rest * 2 == unit && value > 0),
        };
        let rounded = quotient + i128::from(up);
        // Digits before the point were dropped too: put zeros in their place.
        let zeros = u32::try_from(-i32::from(self.digits())).unwrap_or(0);
        rounded.checked_mul(10_i128.checked_pow(zeros)?)
    }
}

/// `x` to `digits` places by its shortest decimal form.
fn half_away(x: f64, digits: i8) -> f64 {
    if !x.is_finite() || x == 0.0 {
        return x;
    }
    let text = format!("{:e}", x.abs());
    let Some((mantissa, exponent)) = text.split_once('e') else { return x };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let figures: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    // How many of the figures stay.
    let keep = exponent + 1 + i32::from(digits);
    let Ok(keep) = usize::try_from(keep) else { return 0.0_f64.copysign(x) };
    if keep >= figures.len() {
        return x;
    }
    let mut kept = figures[..keep].iter().fold(0_i64, |n, d| n * 10 + i64::from(*d));
    kept += i64::from(figures[keep] >= 5);
    let rounded: f64 = format!("{kept}e{}", -i32::from(digits)).parse().unwrap_or(x);
    rounded.copysign(x)
}

impl ScalarUDFImpl for Round {
    fn name(&self) -> &'static str {
        "air_round"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let way = match self.rounding {
            Rounding::HalfAway(digits) => format!("air_round[{digits}]"),
            Rounding::Floor => "air_floor".to_owned(),
            Rounding::Ceil => "air_ceil".to_owned(),
        };
        Ok(format!("{way}({})", args.join(", ")))
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::Float64] => Ok(DataType::Float64),
            [DataType::Decimal128(p, s)] => {
                let (p, s) = self.decimal(*p, u8::try_from(*s).unwrap_or(0));
                Ok(DataType::Decimal128(p, i8::try_from(s).unwrap_or(0)))
            }
            _ => wrong_arguments(self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let target = args.return_type().clone();
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = &arrays[..] else { return wrong_arguments(self.name()) };
        let any = array.as_any();
        let rounded: ArrayRef = if let Some(doubles) = any.downcast_ref::<Float64Array>() {
            Arc::new(
                doubles.unary::<_, datafusion::arrow::datatypes::Float64Type>(|x| self.double(x)),
            )
        } else if let (Some(decimals), DataType::Decimal128(p, s)) =
            (any.downcast_ref::<Decimal128Array>(), target)
        {
            let scale = decimals.scale();
            let overflow = || {
                DataFusionError::Execution("overflow: a rounded decimal has too many digits".into())
            };
            let values: Decimal128Array =
                decimals.try_unary(|v| self.unscaled(v, scale).ok_or_else(overflow))?;
            Arc::new(values.with_precision_and_scale(p, s)?)
        } else {
            return wrong_arguments(self.name());
        };
        Ok(ColumnarValue::Array(rounded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        for (x, digits, rounded) in [
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (2.675, 2, 2.68),
            (0.5, 0, 1.0),
            (0.49, 0, 0.0),
            (1234.5, -2, 1200.0),
            (1250.0, -2, 1300.0),
            (9.99, 1, 10.0),
            (1e300, 2, 1e300),
            (0.05, 1, 0.1),
            (0.04, 1, 0.0),
            (5e-324, 3, 0.0),
        ] {
            assert_eq!(half_away(x, digits), rounded, "{x} to {digits}");
        }
        let round = |digits| Round::new(Rounding::HalfAway(digits));
        assert_eq!(round(1).unscaled(-125, 2), Some(-13));
        assert_eq!(round(1).unscaled(125, 2), Some(13));
        assert_eq!(round(-1).unscaled(1250, 1), Some(130));
        assert_eq!(Round::new(Rounding::Floor).unscaled(-1, 2), Some(-1));
        assert_eq!(Round::new(Rounding::Ceil).unscaled(-101, 2), Some(-1));
    }
}
