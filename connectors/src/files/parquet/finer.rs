//! Columns of Parquet that hold more than the type they are read as: nanoseconds where the catalog
//! has microseconds, whole numbers beyond those that a double tells apart, any text.
//!
//! In: a file and the types its columns are read as. Out: nothing, where every value is one of that
//! type; or the first that is not, with its row. Only such columns are read, and only when a
//! file is learned or first met, so that the engine may convert them afterwards without a look.

use super::blocks::Blocks;
use super::{broken, damaged};
use crate::error::SourceError;
use crate::files::convert::is_exactly;
use crate::files::place::FoundFile;
use crate::files::text::store_error;
use air_ir::DataType;
use datafusion::arrow::datatypes::{DataType as ArrowType, TimeUnit};
use datafusion::parquet::basic::Type as Physical;
use datafusion::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use datafusion::parquet::data_type::{DataType as ParquetType, Int96};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use datafusion::parquet::file::statistics::Statistics;
use object_store::ObjectStore;
use std::sync::Arc;

/// Rows that are looked at in one step.
const ROWS: usize = 8192;
/// A double tells every whole number up to this one from its neighbours.
const WHOLE: i64 = 1 << 53;
/// The Julian day of 1970-01-01, from which INT96 counts.
const EPOCH_DAY: i64 = 2_440_588;
const DAY_NANOS: i128 = 86_400_000_000_000;
/// Days around 1970 whose microseconds 64 bits have room for.
const DAYS: i64 = 100_000_000;

/// What a column holds that is finer than what it may be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finer {
    /// Nanoseconds since 1970, of a clock or of UTC.
    Nanos { utc: bool },
    /// Nanoseconds since midnight.
    TimeNanos,
    /// A Julian day and nanoseconds since its midnight.
    Int96,
    /// Milliseconds since 1970, of a date.
    DateMillis,
    /// Whole numbers of 64 bits, some of which may lie beyond those that a double tells apart.
    Whole { signed: bool },
    /// Text, which may be declared to be another type.
    Text,
}

impl Finer {
    /// What the column's type says; `leaf` is its place among the file's columns of values.
    pub(super) fn of(metadata: &ParquetMetaData, leaf: usize, arrow: &ArrowType) -> Option<Self> {
        let schema = metadata.file_metadata().schema_descr();
        let physical = schema.column(leaf).physical_type();
        match arrow {
            ArrowType::Dictionary(_, value) => Self::of(metadata, leaf, value),
            ArrowType::Timestamp(..) if physical == Physical::INT96 => Some(Self::Int96),
            ArrowType::Timestamp(TimeUnit::Nanosecond, zone) => {
                Some(Self::Nanos { utc: zone.is_some() })
            }
            ArrowType::Time64(TimeUnit::Nanosecond) => Some(Self::TimeNanos),
            ArrowType::Date64 if physical == Physical::INT64 => Some(Self::DateMillis),
            ArrowType::Int64 if !is_within(metadata, leaf, -WHOLE) => {
                Some(Self::Whole { signed: true })
            }
            // Counts hold the bits of large ones as those of negative ones.
            ArrowType::UInt64 if !is_within(metadata, leaf, 0) => {
                Some(Self::Whole { signed: false })
            }
            ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => Some(Self::Text),
            _ => None,
        }
    }

    /// Whether values have to be looked at before the column is read as `wanted`.
    pub(crate) fn is_lossy(self, wanted: DataType) -> bool {
        use DataType as T;
        match self {
            Self::Nanos { .. } => matches!(wanted, T::Timestamp | T::Timestamptz),
            // The engine's reader makes microseconds of them, whatever they become then.
            Self::Int96 => true,
            Self::TimeNanos => wanted == T::Time,
            Self::DateMillis => wanted == T::Date,
            Self::Whole { .. } => wanted == T::Float64,
            // The engine cuts the time off a date, and takes any text for the others.
            Self::Text => matches!(wanted, T::Date | T::Json | T::Uuid),
        }
    }

    fn holds(self, value: i64) -> bool {
        match self {
            Self::Nanos { .. } | Self::TimeNanos => value % 1_000 == 0,
            Self::DateMillis => value % 86_400_000 == 0,
            Self::Whole { signed: true } => value as f64 as i128 == i128::from(value),
            Self::Whole { signed: false } => {
                let value = value.cast_unsigned();
                value as f64 as u128 == u128::from(value)
            }
            Self::Int96 | Self::Text => true,
        }
    }

    fn shown(self, value: i64) -> String {
        match self {
            Self::Nanos { utc } => nanos_shown(i128::from(value), utc),
            Self::TimeNanos => match u64::try_from(value) {
                Ok(nanos) => {
                    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
                    let (minutes, second) = (seconds / 60, seconds % 60);
                    format!("{:02}:{:02}:{second:02}.{rest:09}", minutes / 60, minutes % 60)
                }
                Err(_) => value.to_string(),
            },
            Self::DateMillis => nanos_shown(i128::from(value) * 1_000_000, false),
            Self::Whole { signed: false } => value.cast_unsigned().to_string(),
            Self::Whole { signed: true } | Self::Int96 | Self::Text => value.to_string(),
        }
    }

    fn reason(self, row: u64, shown: &str, wanted: DataType) -> String {
        let what = match self {
            Self::Nanos { .. } | Self::TimeNanos => {
                "has digits below the microsecond; write the column in microseconds, or declare its type text"
            }
            Self::Int96 => "has digits below the microsecond; write the column in microseconds",
            Self::DateMillis => "is no whole day; write the column as timestamps",
            Self::Whole { .. } => {
                "is a whole number that a double does not hold; make the column's type alike in all files"
            }
            Self::Text if wanted == DataType::Uuid => {
                "is none in lower case; correct it, or declare the type text"
            }
            Self::Text => "is none; correct it, or declare the type text",
        };
        format!("row {row}: {shown}, read as {wanted}, {what}")
    }
}

/// Whether every row group counts that its numbers lie between `least` and the last one that a
/// double tells from its neighbours.
fn is_within(metadata: &ParquetMetaData, leaf: usize, least: i64) -> bool {
    let bounds = least..=WHOLE;
    metadata.row_groups().iter().all(|group| match group.column(leaf).statistics() {
        Some(Statistics::Int64(ends)) => {
            let within = |end: Option<&i64>| end.is_some_and(|v| bounds.contains(v));
            within(ends.min_opt()) && within(ends.max_opt())
        }
        _ => false,
    })
}

fn nanos_shown(nanos: i128, utc: bool) -> String {
    match jiff::Timestamp::from_nanosecond(nanos) {
        Ok(at) if utc => at.to_string(),
        Ok(at) => at.to_string().trim_end_matches('Z').to_owned(),
        Err(_) => format!("{nanos} ns since 1970"),
    }
}

/// A column that has to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) column: String,
    pub(crate) finer: Finer,
    pub(crate) wanted: DataType,
}

/// Reads the columns to their end; the first value that is none of its column's type is an error.
pub(crate) async fn exact(
    store: Arc<dyn ObjectStore>,
    found: FoundFile,
    columns: Vec<Wanted>,
) -> Result<(), SourceError> {
    if columns.is_empty() {
        return Ok(());
    }
    let file = found.path.clone();
    let blocks = Blocks::new(store, &found).map_err(|e| store_error(&file, e))?;
    let read = tokio::task::spawn_blocking(move || all_exact(blocks, &found.path, &columns));
    read.await.unwrap_or_else(|_| Err(damaged(&file, "its columns make no sense")))
}

fn all_exact(blocks: Blocks, path: &str, columns: &[Wanted]) -> Result<(), SourceError> {
    let broken = |e: ParquetError| broken(path, &e);
    let reader = SerializedFileReader::new(blocks).map_err(broken)?;
    for column in columns {
        let bad = first_inexact(&reader, column).map_err(broken)?;
        if let Some((row, shown)) = bad {
            return Err(SourceError::Value {
                file: path.to_owned(),
                line: None,
                column: column.column.clone(),
                expected: column.wanted,
                reason: column.finer.reason(row, &shown, column.wanted),
            });
        }
    }
    Ok(())
}

/// The row, counted from 1, and the value.
fn first_inexact(
    file: &SerializedFileReader<Blocks>,
    column: &Wanted,
) -> Result<Option<(u64, String)>, ParquetError> {
    let schema = file.metadata().file_metadata().schema_descr();
    let Some(leaf) = super::leaf(schema, &column.column) else {
        return Ok(None);
    };
    let optional = schema.column(leaf).max_def_level() > 0;
    let mut before = 0;
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group)?;
        let found = match group.get_column_reader(leaf)? {
            ColumnReader::Int64ColumnReader(mut values) => {
                first(&mut values, optional, |v| column.finer.holds(*v))?
                    .map(|(row, value)| (row, column.finer.shown(value)))
            }
            ColumnReader::Int96ColumnReader(mut values) => {
                first(&mut values, optional, int96_holds)?
                    .map(|(row, value)| (row, int96_shown(&value)))
            }
            ColumnReader::ByteArrayColumnReader(mut values) => {
                first(&mut values, optional, |v| text_holds(v.data(), column.wanted))?
                    .map(|(row, value)| (row, text_shown(value.data())))
            }
            _ => None,
        };
        if let Some((row, shown)) = found {
            return Ok(Some((before + row + 1, shown)));
        }
        before += u64::try_from(group.metadata().num_rows()).unwrap_or(0);
    }
    Ok(None)
}

/// The first value that does not hold, and its row in the group.
fn first<T: ParquetType>(
    column: &mut ColumnReaderImpl<T>,
    optional: bool,
    holds: impl Fn(&T::T) -> bool,
) -> Result<Option<(u64, T::T)>, ParquetError> {
    let (mut levels, mut values, mut before) = (Vec::new(), Vec::new(), 0);
    loop {
        levels.clear();
        values.clear();
        let (rows, ..) = column.read_records(ROWS, Some(&mut levels), None, &mut values)?;
        if rows == 0 {
            return Ok(None);
        }
        if let Some(nth) = values.iter().position(|v| !holds(v)) {
            // Nulls have a level, but no value.
            let mut filled = levels.iter().enumerate().filter(|(_, level)| **level > 0);
            let row = if optional { filled.nth(nth).map_or(nth, |(row, _)| row) } else { nth };
            return Ok(Some((before + row as u64, values.swap_remove(nth))));
        }
        before += rows as u64;
    }
}

fn text_holds(bytes: &[u8], wanted: DataType) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| is_exactly(text, wanted))
}

fn text_shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let shown: String = text.chars().take(60).collect();
    format!("\"{shown}{}\"", if shown.len() < text.len() { "…" } else { "" })
}

/// Days since 1970 and nanoseconds since midnight.
fn int96_parts(value: &Int96) -> (i64, i64) {
    let words = value.data();
    let nanos = (u64::from(words[1]) << 32) | u64::from(words[0]);
    (i64::from(words[2]) - EPOCH_DAY, nanos.cast_signed())
}

fn int96_holds(value: &Int96) -> bool {
    let (day, nanos) = int96_parts(value);
    nanos % 1_000 == 0 && day.abs() < DAYS
}

fn int96_shown(value: &Int96) -> String {
    let (day, nanos) = int96_parts(value);
    nanos_shown(i128::from(day) * DAY_NANOS + i128::from(nanos), false)
}
