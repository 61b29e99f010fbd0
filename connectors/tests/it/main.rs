//! Sources, from the folder or the server to rows.
//!
//! Every case of files writes real files, learns them through the public surface, and reads them
//! with the engine, in two parts of a file at once wherever the reader allows it. Every case of a
//! database asks a real server, which the tests start and stop.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod columns;
mod dataset;
mod hostile;
mod keys;
mod layout;
mod mysql;
mod mysql_learn;
mod mysql_safety;
mod mysql_tls;
mod parquet;
mod postgres;
mod running;
mod sample;
mod servers_mariadb;
mod times;
mod world;
