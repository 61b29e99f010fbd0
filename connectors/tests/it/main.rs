//! Files as a source, from the folder to rows.
//!
//! Every case writes real files, learns them through the public surface, and reads them with the
//! engine, in two parts of a file at once wherever the reader allows it.

mod columns;
mod dataset;
mod hostile;
mod layout;
mod parquet;
mod sample;
mod times;
mod world;
