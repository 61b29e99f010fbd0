//! Files as a source, from the folder to rows.
//!
//! Every case writes real files, learns them through the public surface, and reads them with the
//! engine, in two parts of a file at once wherever the reader allows it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod columns;
mod dataset;
mod hostile;
mod layout;
mod mysql;
mod mysql_learn;
mod mysql_safety;
mod parquet;
mod sample;
mod servers_mariadb;
mod times;
mod world;
