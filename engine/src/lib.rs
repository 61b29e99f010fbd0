//! The engine: IR to rows.
pub mod ask;
mod output;
pub mod qa;
mod types;
pub use output::{OutputColumn, OutputRole};
pub use types::{arrow_schema, arrow_type};
