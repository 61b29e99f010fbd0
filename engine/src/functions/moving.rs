//! Aggregates over the buckets up to each one (`IR.md`, "Windows").

use super::calendar::Buckets;
use air_ir::{Frame, Unit};
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    AggregateUDF, PartitionEvaluator, Signature, Volatility, WindowUDFImpl,
};
use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion::physical_expr::expressions::Column;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// What is done with the values of a frame. Null values do not count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Over {
    /// The first value by time, or the last.
    End {
        first: bool,
    },
    Aggregate {
        function: Arc<AggregateUDF>,
        distinct: bool,
    },
}

/// Which buckets a frame covers; [`Frame`] with the traits functions need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Back {
    Buckets(u32),
    Unit(Unit),
}

/// `air_moving(bucket, value)` over a group: an aggregate of the values of the frame that ends
/// with the row's own bucket. Buckets that are missing contribute nothing; the null bucket has
/// itself alone.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Moving {
    pub(crate) buckets: Buckets,
    pub(crate) back: Back,
    pub(crate) over: Over,
    pub(crate) result: DataType,
    pub(crate) name: String,
    signature: Signature,
}

impl Moving {
    /// `word` names the aggregate in plans; `result` is its type.
    pub(crate) fn new(
        buckets: Buckets,
        frame: Frame,
        over: Over,
        word: &str,
        result: DataType,
    ) -> Self {
        let (back, text) = match frame {
            Frame::Trailing { n } => (Back::Buckets(n.saturating_sub(1)), format!("trailing {n}")),
            Frame::ToDate { unit } => (Back::Unit(unit), format!("{} to date", unit.as_str())),
        };
        let name = format!("air_moving[{word}, {text} by {}]", buckets.grain());
        Self::named(buckets, back, over, result, name)
    }

    /// The same by its name in plans.
    pub(crate) fn named(
        buckets: Buckets,
        back: Back,
        over: Over,
        result: DataType,
        name: String,
    ) -> Self {
        let signature = Signature::any(2, Volatility::Immutable);
        Self { buckets, back, over, result, name, signature }
    }
}

impl WindowUDFImpl for Moving {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), self.result.clone(), true)))
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let Some(value) = args.input_fields().get(1) else {
            return super::wrong_arguments(&self.name);
        };
        let aggregate = match &self.over {
            Over::End { first } => Aggregate::End { first: *first },
            Over::Aggregate { function, distinct } => {
                let field = Field::new("value", value.data_type().clone(), true);
                let built = AggregateExprBuilder::new(
                    Arc::clone(function),
                    vec![Arc::new(Column::new("value", 0))],
                )
                .schema(Arc::new(Schema::new(vec![field])))
                .alias("moving")
                .with_distinct(*distinct)
                .build()?;
                Aggregate::Of(Box::new(built))
            }
        };
        let (buckets, result) = (self.buckets.clone(), self.result.clone());
        Ok(Box::new(Group { buckets, back: self.back, aggregate, result }))
    }
}

#[derive(Debug)]
enum Aggregate {
    End { first: bool },
    Of(Box<AggregateFunctionExpr>),
}

#[derive(Debug)]
struct Group {
    buckets: Buckets,
    back: Back,
    aggregate: Aggregate,
    result: DataType,
}

impl Group {
    /// The start of the earliest bucket of the frame that ends with `start`.
    fn first(&self, start: i64) -> Result<i64> {
        match self.back {
            Back::Buckets(n) => self.buckets.back(start, n),
            Back::Unit(unit) => self.buckets.unit_start(unit, start),
        }
    }

    fn of(&self, values: &ArrayRef, frame: Range<usize>) -> Result<ScalarValue> {
        match &self.aggregate {
            Aggregate::End { first } => {
                let mut rows = frame;
                let row = match first {
                    true => rows.find(|row| values.is_valid(*row)),
                    false => rows.rfind(|row| values.is_valid(*row)),
                };
                match row {
                    Some(row) => ScalarValue::try_from_array(values, row),
                    None => ScalarValue::try_from(&self.result),
                }
            }
            Aggregate::Of(aggregate) => {
                let mut accumulator = aggregate.create_accumulator()?;
                accumulator.update_batch(&[values.slice(frame.start, frame.len())])?;
                accumulator.evaluate()
            }
        }
    }
}

impl PartitionEvaluator for Group {
    /// Rows come in the order of time, the null bucket last.
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [starts, values] = values else { return super::wrong_arguments("air_moving") };
        let starts = self.buckets.raw(starts)?;
        let mut from = 0;
        let mut results = Vec::with_capacity(rows);
        for (row, start) in starts.iter().enumerate() {
            match start {
                None => from = row,
                Some(start) => {
                    let first = self.first(*start)?;
                    while starts[from].is_some_and(|s| s < first) {
                        from += 1;
                    }
                }
            }
            results.push(self.of(values, from..row + 1)?);
        }
        ScalarValue::iter_to_array(results)
    }
}
