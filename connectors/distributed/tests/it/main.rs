//! Runs over workers of this process, by real connections: the rows are those of one process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lost;
mod rows;
mod world;
