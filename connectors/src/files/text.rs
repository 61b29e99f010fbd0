//! CSV and JSONL as columns of text.
//!
//! In: bytes of a file, in pieces of any size. Out: batches whose columns are all text, null where
//! the cell is missing, and the line of any row. Typing is `convert`'s work, so that both formats
//! read a value in one way. Deliberately absent: guessing, and files themselves.

mod bytes;
mod csv;
mod jsonl;
mod object;
mod rows;

pub(crate) use bytes::{Compression, file_bytes, store_error};
pub(crate) use csv::CsvDecoder;
pub(crate) use jsonl::JsonlDecoder;
pub(crate) use object::fields as json_fields;

pub(crate) use rows::Rows;

use crate::error::SourceError;
use datafusion::arrow::array::RecordBatch;

/// The longest record: a longer one is most likely an open quote.
pub(crate) const MAX_RECORD: usize = 64 << 20;

/// Bytes after which a batch is given out though it has few rows, for rows may be long.
pub(crate) const BATCH_BYTES: usize = 32 << 20;

/// Cells of a batch: of a file with very many columns fewer rows are read at once, since even a
/// cell without a value takes memory.
const BATCH_CELLS: usize = 1 << 20;

/// How many rows of so many columns make a batch, where `rows` are wanted.
pub(crate) fn batch_rows(rows: usize, columns: usize) -> usize {
    rows.min(BATCH_CELLS / columns.max(1)).max(1)
}

/// What is wrong with a line, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineError {
    pub(crate) line: u64,
    pub(crate) fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Ragged { expected: usize, found: usize },
    NotUtf8,
    Other(String),
}

impl LineError {
    pub(crate) fn in_file(self, file: &str, lines_before: u64) -> SourceError {
        let (file, line) = (file.to_owned(), self.line + lines_before);
        match self.fault {
            Fault::Ragged { expected, found } => {
                SourceError::Ragged { file, line, expected, found }
            }
            Fault::NotUtf8 => SourceError::NotUtf8 { file, line },
            Fault::Other(reason) => SourceError::Line { file, line, reason },
        }
    }
}

/// Either decoder.
#[derive(Debug)]
pub(crate) enum TextDecoder {
    Csv(Box<CsvDecoder>),
    Jsonl(Box<JsonlDecoder>),
}

impl TextDecoder {
    /// Takes some of `input`: how many bytes, and a batch if one is full.
    pub(crate) fn push(&mut self, input: &[u8]) -> Result<(usize, Option<RecordBatch>), LineError> {
        match self {
            Self::Csv(csv) => csv.push(input),
            Self::Jsonl(jsonl) => jsonl.push(input),
        }
    }

    /// Nothing follows: what is left.
    pub(crate) fn finish(&mut self) -> Result<Option<RecordBatch>, LineError> {
        match self {
            Self::Csv(csv) => csv.finish(),
            Self::Jsonl(jsonl) => jsonl.finish(),
        }
    }

    /// The line of a row of the batch given out last.
    pub(crate) fn line_of(&self, row: usize) -> u64 {
        match self {
            Self::Csv(csv) => csv.line_of(row),
            Self::Jsonl(jsonl) => jsonl.line_of(row),
        }
    }
}
