//! The columns of an answer, and what they are.

use air_ir::{Agg, Grain};
use datafusion::arrow::datatypes::DataType as ArrowType;

/// What an output column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputRole {
    Dimension,
    Metric,
}

/// One column of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    pub name: String,
    pub role: OutputRole,
    pub data_type: ArrowType,
    /// The width of the buckets, where the column holds their starts.
    pub bucket: Option<Grain>,
    /// The aggregate, where the column is one; `None` for expressions.
    pub agg: Option<Agg>,
    /// Whether the values of all groups add up to the grand total.
    pub additive: bool,
}
