//! Runs over workers of this process, by real connections: the rows are those of one process.

mod lost;
mod rows;
mod world;
