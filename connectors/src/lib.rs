//! Sources of data: what they hold, and how the engine reads it.
//!
//! In: a folder of files (databases follow). Out: a [`Catalog`](air_ir::Catalog), table providers
//! for the engine, and schema notes. Deliberately absent: planning, SQL, and the control plane.

mod error;
pub mod files;
mod notes;

pub use error::{Conflict, DatasetProblem, SourceError, explain};
pub use files::{FilesSource, Health, LearnOptions};
pub use notes::{Note, notes};
