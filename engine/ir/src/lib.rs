//! The intermediate representation (IR) of a report, the catalog it is resolved against, and the
//! verdict on its rows: plain data, without IO and without a query engine.
//!
//! In: JSON from a person, a model or the built-in interpreter. Out: closed types, or *every*
//! error at once, each with a code, a JSON pointer, a sentence and the nearest known names.
//! Whether names exist and types fit is decided later, by the planner, against a [`Catalog`].

mod agg;
mod bind;
pub mod catalog;
mod dimension;
mod edits;
mod entity;
mod error;
pub mod expr;
mod filter;
mod grain;
mod ir;
mod metric;
mod nearest;
mod period;
mod pointer;
mod read;
mod resolve;
mod verdict;

pub use agg::{Agg, PercentileMethod};
pub use bind::Bindings;
pub use catalog::{Catalog, Column, DataType, ForeignKey, Table};
pub use dimension::{Dimension, Shape};
pub use edits::{CatalogEdits, ColumnEdit, TableEdit};
pub use entity::{EntityRef, JoinKind, JoinSpec};
pub use error::{Code, IrError};
pub use filter::{Comparison, Exists, Filter, Op, Operand, Scalar, Subject};
pub use grain::{Grain, Part, Unit, Weekday};
pub use ir::{Dir, Fill, Ir, Nulls, OrderBy, TimeSpec, Top};
pub use metric::{Compare, CompareAs, Frame, Input, Metric, MetricKind, Offset, Share, Window};
pub use nearest::nearest;
pub use period::{Edge, Period, Relative};
pub use pointer::Pointer;
pub use resolve::{Calendar, Range};
pub use verdict::{Check, CheckStatus, Verdict};

/// The JSON Schema (2020-12) of the IR, as `GET /v1/ir/schema` serves it.
pub const IR_SCHEMA: &str = include_str!("../schema/ir.schema.json");
