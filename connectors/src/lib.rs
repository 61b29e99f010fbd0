//! Sources of data: what they hold, and how the engine reads it.
//!
//! In: a folder of files, or the DSN of a database. Out: a [`Catalog`](air_ir::Catalog), table
//! providers for the engine, what a run needs of its sources, and schema notes. Deliberately
//! absent: planning, SQL, and the control plane.

mod database;
mod error;
pub mod files;
mod learned;
mod mysql;
mod notes;
mod postgres;
pub mod running;
mod source;

pub use database::{AllowedHosts, DatabaseError, DatabaseOptions};
pub use error::{Conflict, DatasetProblem, SourceError, StoreFault, explain};
pub use files::{
    FilesSource, Health, LearnOptions, StoreAddress, StoreKind, StoreOptions, csv_delimiter,
};
pub use mysql::MysqlSource;
pub use notes::{Note, notes};
pub use postgres::PostgresSource;
pub use source::{Progress, Source};
