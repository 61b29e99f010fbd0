//! A value of an earlier bucket of the same group (`IR.md`, "compare").

use super::calendar::Buckets;
use air_ir::Grain;
use datafusion::arrow::array::{ArrayRef, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};
use std::collections::HashMap;
use std::sync::Arc;

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Offset {
    Previous,
    Span(Grain),
}

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Previous => f.write_str("previous"),
            Self::Span(grain) => write!(f, "{grain}"),
        }
    }
}

/// `air_earlier(bucket, value)` over a group: the value in the bucket that lies an offset back;
/// null where there is none, and for the null bucket.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Earlier {
    pub(crate) buckets: Buckets,
    pub(crate) offset: Offset,
    name: String,
    signature: Signature,
}

impl Earlier {
    pub(crate) fn new(buckets: Buckets, offset: Offset) -> Self {
        let name = format!("air_earlier[{offset} by {}]", buckets.grain());
        let signature = Signature::any(2, Volatility::Immutable);
        Self { buckets, offset, name, signature }
    }
}

impl Buckets {
    /// The start of the bucket an offset back.
    pub(crate) fn offset(&self, start: i64, offset: Offset) -> Result<Option<i64>> {
        match offset {
            Offset::Previous => self.start(start - 1).map(Some),
            Offset::Span(grain) => self.earlier(start, grain),
        }
    }
}

impl WindowUDFImpl for Earlier {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let Some(value) = args.get_input_field(1) else {
            return super::wrong_arguments(&self.name);
        };
        Ok(Arc::new(Field::new(args.name(), value.data_type().clone(), true)))
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Group { buckets: self.buckets.clone(), offset: self.offset }))
    }
}

#[derive(Debug)]
struct Group {
    buckets: Buckets,
    offset: Offset,
}

impl PartitionEvaluator for Group {
    fn evaluate_all(&mut self, values: &[ArrayRef], _: usize) -> Result<ArrayRef> {
        let [starts, values] = values else { return super::wrong_arguments("air_earlier") };
        let starts = self.buckets.raw(starts)?;
        let rows = starts.iter().zip(0_u64..).filter_map(|(s, row)| Some(((*s)?, row)));
        let rows: HashMap<i64, u64> = rows.collect();
        let found: UInt64Array = starts
            .iter()
            .map(|start| {
                let Some(start) = start else { return Ok(None) };
                let earlier = self.buckets.offset(*start, self.offset)?;
                Ok(earlier.and_then(|e| rows.get(&e).copied()))
            })
            .collect::<Result<_>>()?;
        Ok(take(values, &found, None)?)
    }
}
