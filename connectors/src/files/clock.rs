//! Clock readings in Parquet files as instants.
//!
//! In: a scan with timestamps without zone. Out: the same rows with instants, read in the source's
//! time zone with its daylight-saving changes.

use super::convert::local_to_instant;
use datafusion::arrow::array::{ArrayRef, cast::AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use datafusion::arrow::error::ArrowError;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use jiff::tz::TimeZone;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The scan with `clocks` as instants.
pub(crate) fn clocks_to_instants(
    scan: Arc<dyn ExecutionPlan>,
    clocks: &[String],
    zone: &TimeZone,
    state: &dyn Session,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = scan.schema();
    if !schema.fields().iter().any(|f| clocks.contains(f.name())) {
        return Ok(scan);
    }
    let function = Arc::new(ScalarUDF::from(ClockToInstant::new(zone.clone())));
    let options = Arc::new(state.config_options().clone());
    let mut outputs = Vec::with_capacity(schema.fields().len());
    for (i, field) in schema.fields().iter().enumerate() {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), i));
        let expr: Arc<dyn PhysicalExpr> = if clocks.contains(field.name()) {
            let function = Arc::clone(&function);
            Arc::new(ScalarFunctionExpr::try_new(
                function,
                vec![column],
                &schema,
                Arc::clone(&options),
            )?)
        } else {
            column
        };
        outputs.push(ProjectionExpr { expr, alias: field.name().clone() });
    }
    Ok(Arc::new(ProjectionExec::try_new(outputs, scan)?))
}

#[derive(Debug)]
pub(super) struct ClockToInstant {
    pub(super) zone: TimeZone,
    signature: Signature,
}

impl ClockToInstant {
    pub(super) fn new(zone: TimeZone) -> Self {
        let clock = DataType::Timestamp(TimeUnit::Microsecond, None);
        Self { zone, signature: Signature::exact(vec![clock], Volatility::Immutable) }
    }
}

impl PartialEq for ClockToInstant {
    fn eq(&self, other: &Self) -> bool {
        self.zone == other.zone
    }
}

impl Eq for ClockToInstant {}

impl Hash for ClockToInstant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.zone.iana_name().hash(state);
    }
}

impl ScalarUDFImpl for ClockToInstant {
    fn name(&self) -> &str {
        "clock_to_instant"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = args.arg_fields.iter().any(|f| f.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&[])?, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let clocks = arrays[0].as_primitive::<TimestampMicrosecondType>();
        let instants = clocks.try_unary::<_, TimestampMicrosecondType, ArrowError>(|clock| {
            local_to_instant(clock, &self.zone).ok_or_else(|| {
                ArrowError::ComputeError(format!("{clock} µs since 1970 is out of range"))
            })
        })?;
        let instants: ArrayRef = Arc::new(instants.with_timezone("UTC"));
        debug_assert!(instants.len() == rows || instants.len() == 1);
        Ok(ColumnarValue::Array(instants))
    }
}
