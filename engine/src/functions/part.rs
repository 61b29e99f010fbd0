//! Parts of a time: hour of the day, weekday, month of the year and so on, as whole numbers.

use super::zone::{Offsets, ZoneSpec, local_of, timestamps};
use super::{outside, wrong_arguments};
use air_ir::Part;
use datafusion::arrow::array::{Array, Date32Array, Int64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use std::sync::Arc;

/// A part of a date, or of an instant on the clock of a zone.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct PartOf {
    pub(crate) part: Part,
    pub(crate) zone: ZoneSpec,
    signature: Signature,
}

impl PartOf {
    pub(crate) fn new(part: Part, zone: ZoneSpec) -> Self {
        Self { part, zone, signature: Signature::any(1, Volatility::Immutable) }
    }

    fn of(&self, at: DateTime) -> i64 {
        match self.part {
            Part::Hour => at.hour().into(),
            Part::Minute => at.minute().into(),
            Part::Weekday => at.weekday().to_monday_one_offset().into(),
            Part::Day => at.day().into(),
            Part::DayOfYear => at.day_of_year().into(),
            Part::Week => at.date().iso_week_date().week().into(),
            Part::Month => at.month().into(),
            Part::Quarter => i64::from(at.month() + 2) / 3,
            Part::Year => at.year().into(),
        }
    }
}

impl ScalarUDFImpl for PartOf {
    fn name(&self) -> &'static str {
        "air_part"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(format!("air_part[{}, {}]({})", self.part.as_str(), self.zone.name, args.join(", ")))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = &arrays[..] else { return wrong_arguments(self.name()) };
        let epoch = date(1970, 1, 1);
        let parts: Int64Array = match array.as_any().downcast_ref::<Date32Array>() {
            Some(days) => days
                .iter()
                .map(|day| {
                    let Some(day) = day else { return Ok(None) };
                    let day = epoch.checked_add(i64::from(day).days()).map_err(outside)?;
                    Ok(Some(self.of(day.at(0, 0, 0, 0))))
                })
                .collect::<Result<_>>()?,
            None => {
                let mut offsets = Offsets::new(&self.zone);
                timestamps(array)?
                    .iter()
                    .map(|at| {
                        let Some(at) = at else { return Ok(None) };
                        Ok(Some(self.of(local_of(at + offsets.at(at)?)?)))
                    })
                    .collect::<Result<_>>()?
            }
        };
        Ok(ColumnarValue::Array(Arc::new(parts)))
    }
}
