//! What Parquet files say of themselves in their footers.
//!
//! In: the files of a dataset. Out: one column list that holds them all, with each file's own
//! types, or the two files that do not agree. Deliberately absent: reading rows, but for the values
//! of `finer`.

mod blocks;
mod finer;

pub(crate) use finer::{Finer, Wanted, exact};

use super::place::FoundFile;
use super::text::store_error;
use crate::error::{Conflict, SourceError};
use air_ir::DataType;
use blocks::Blocks;
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, TimeUnit};
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use datafusion::parquet::file::statistics::Statistics;
use datafusion::parquet::schema::types::SchemaDescriptor;
use object_store::ObjectStore;
use std::collections::HashSet;
use std::sync::Arc;

/// A file and its columns.
#[derive(Debug, Clone)]
pub(crate) struct Footer {
    pub(crate) file: String,
    pub(crate) columns: Vec<FooterColumn>,
}

#[derive(Debug, Clone)]
pub(crate) struct FooterColumn {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    /// The schema allows no null.
    pub(crate) required: bool,
    /// Whether no null can be there: by the schema, or by the counts of every row group.
    pub(crate) without_nulls: bool,
    /// A row group counts a null.
    pub(crate) holds_nulls: bool,
    pub(crate) native: String,
    /// What the column holds that not every type it may be read as does.
    pub(crate) finer: Option<Finer>,
}

impl Footer {
    /// The columns whose values must be looked at before they are read as the types that `wanted`
    /// gives.
    pub(crate) fn lossy(&self, wanted: impl Fn(&str) -> Option<DataType>) -> Vec<Wanted> {
        let look = |column: &FooterColumn| {
            let (finer, wanted) = (column.finer?, wanted(&column.name)?);
            let name = column.name.clone();
            finer.is_lossy(wanted).then_some(Wanted { column: name, finer, wanted })
        };
        self.columns.iter().filter_map(look).collect()
    }
}

/// Reads the footer of a file.
pub(crate) async fn footer(
    store: Arc<dyn ObjectStore>,
    found: FoundFile,
) -> Result<Footer, SourceError> {
    let file = found.path.clone();
    if found.identity.size == 0 {
        return Err(SourceError::Empty { file });
    }
    let blocks = Blocks::new(store, &found).map_err(|e| store_error(&file, e))?;
    let read = tokio::task::spawn_blocking(move || read(&blocks, &found.path));
    // The reader of a hostile file may panic; that ends the file, not the service.
    read.await.unwrap_or_else(|_| Err(damaged(&file, "its footer makes no sense")))
}

fn read(blocks: &Blocks, path: &str) -> Result<Footer, SourceError> {
    let metadata =
        ParquetMetaDataReader::new().parse_and_finish(blocks).map_err(|e| broken(path, &e))?;
    let of_file = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(of_file.schema_descr(), of_file.key_value_metadata())
        .map_err(|e| broken(path, &e))?;
    if schema.fields().len() > 10_000 {
        return Err(damaged(path, "it has more than 10,000 columns"));
    }
    let mut names = HashSet::new();
    if let Some(twice) = schema.fields().iter().find(|f| !names.insert(f.name())) {
        let reason = format!("two of its columns have the name \"{}\"", twice.name());
        return Err(SourceError::File { file: path.to_owned(), reason });
    }
    let columns = schema.fields().iter().map(|field| column(&metadata, field)).collect();
    Ok(Footer { file: path.to_owned(), columns })
}

/// What the file's place said, or that the file is damaged.
fn broken(file: &str, error: &ParquetError) -> SourceError {
    Blocks::cause(error).unwrap_or_else(|| damaged(file, &error.to_string()))
}

fn damaged(file: &str, reason: &str) -> SourceError {
    SourceError::File {
        file: file.to_owned(),
        reason: format!("it is no whole Parquet file: {reason}"),
    }
}

fn column(metadata: &ParquetMetaData, field: &Field) -> FooterColumn {
    let leaf = leaf(metadata.file_metadata().schema_descr(), field.name());
    let counts = null_counts(metadata, leaf);
    FooterColumn {
        name: field.name().clone(),
        data_type: of_arrow(field.data_type()),
        required: !field.is_nullable(),
        without_nulls: !field.is_nullable() || counts.iter().all(|c| *c == Some(0)),
        holds_nulls: counts.iter().any(|c| c.is_some_and(|c| c > 0)),
        native: field.data_type().to_string(),
        finer: leaf.and_then(|leaf| Finer::of(metadata, leaf, field.data_type())),
    }
}

/// The place of a column that is no group of others.
fn leaf(schema: &SchemaDescriptor, name: &str) -> Option<usize> {
    (0..schema.num_columns()).find(|i| schema.column(*i).path().parts() == [name])
}

/// The nulls that each row group counts; `None` where it does not.
fn null_counts(metadata: &ParquetMetaData, leaf: Option<usize>) -> Vec<Option<u64>> {
    let count = |leaf: usize| {
        move |group: &RowGroupMetaData| {
            group.column(leaf).statistics().and_then(Statistics::null_count_opt)
        }
    };
    match leaf {
        Some(leaf) => metadata.row_groups().iter().map(count(leaf)).collect(),
        None => vec![None],
    }
}

/// The catalog's type for what a file holds.
fn of_arrow(data_type: &ArrowType) -> DataType {
    match data_type {
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8 => DataType::Int8,
        ArrowType::Int16 => DataType::Int16,
        ArrowType::Int32 => DataType::Int32,
        ArrowType::Int64 => DataType::Int64,
        ArrowType::UInt8 => DataType::Uint8,
        ArrowType::UInt16 => DataType::Uint16,
        ArrowType::UInt32 => DataType::Uint32,
        ArrowType::UInt64 => DataType::Uint64,
        ArrowType::Float16 | ArrowType::Float32 => DataType::Float32,
        ArrowType::Float64 => DataType::Float64,
        ArrowType::Decimal32(p, s)
        | ArrowType::Decimal64(p, s)
        | ArrowType::Decimal128(p, s)
        | ArrowType::Decimal256(p, s) => u8::try_from(*s)
            .ok()
            .filter(|s| s <= p)
            .map_or(DataType::Unreadable, |s| DataType::Decimal(*p, s)),
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View | ArrowType::Null => {
            DataType::Text
        }
        ArrowType::Dictionary(_, value) => of_arrow(value),
        ArrowType::Date32 | ArrowType::Date64 => DataType::Date,
        ArrowType::Time32(_) | ArrowType::Time64(_) => DataType::Time,
        ArrowType::Timestamp(_, None) => DataType::Timestamp,
        ArrowType::Timestamp(_, Some(_)) => DataType::Timestamptz,
        ArrowType::Binary
        | ArrowType::LargeBinary
        | ArrowType::BinaryView
        | ArrowType::FixedSizeBinary(_) => DataType::Binary,
        ArrowType::Interval(_)
        | ArrowType::Duration(
            TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond,
        ) => DataType::Unreadable,
        _ => DataType::Unreadable,
    }
}

/// The columns that hold those of every file, in the order of the first; a column that a file
/// lacks is nullable. `declared` columns take no part in the widening.
pub(crate) fn merged(
    table: &str,
    footers: &[Footer],
    declared: impl Fn(&str) -> bool,
) -> Result<Vec<FooterColumn>, SourceError> {
    let mut merged: Vec<(FooterColumn, &str, usize)> = Vec::new();
    for footer in footers {
        for column in &footer.columns {
            let Some((known, first, times)) =
                merged.iter_mut().find(|(k, ..)| k.name == column.name)
            else {
                merged.push((column.clone(), &footer.file, 1));
                continue;
            };
            *times += 1;
            known.without_nulls &= column.without_nulls;
            known.required &= column.required;
            if declared(&column.name) {
                continue;
            }
            let wider = widened(known.data_type, column.data_type).ok_or_else(|| Conflict {
                table: table.to_owned(),
                column: column.name.clone(),
                first_file: (*first).to_owned(),
                first_type: known.data_type,
                second_file: footer.file.clone(),
                second_type: column.data_type,
            });
            known.data_type = wider.map_err(|e| SourceError::Conflict(Box::new(e)))?;
        }
    }
    Ok(merged
        .into_iter()
        .map(|(mut column, _, times)| {
            column.without_nulls &= times == footers.len();
            column.required &= times == footers.len();
            column
        })
        .collect())
}

/// The type that holds both.
fn widened(a: DataType, b: DataType) -> Option<DataType> {
    use DataType as T;
    if a == b {
        return Some(a);
    }
    let signed = [T::Int8, T::Int16, T::Int32, T::Int64];
    let unsigned = [T::Uint8, T::Uint16, T::Uint32, T::Uint64];
    let rank = |list: &[T], t: T| list.iter().position(|x| *x == t);
    match (rank(&signed, a), rank(&signed, b), rank(&unsigned, a), rank(&unsigned, b)) {
        (Some(x), Some(y), ..) => return Some(signed[x.max(y)]),
        (.., Some(x), Some(y)) => return Some(unsigned[x.max(y)]),
        // A signed type one step wider holds an unsigned one.
        (Some(s), _, _, Some(u)) | (_, Some(s), Some(u), _) => {
            return signed.get(s.max(u + 1)).copied();
        }
        _ => {}
    }
    match (a, b) {
        (T::Float32, T::Float64) | (T::Float64, T::Float32) => Some(T::Float64),
        (x, T::Float32 | T::Float64) | (T::Float32 | T::Float64, x) if x.is_integer() => {
            Some(T::Float64)
        }
        (T::Decimal(p, s), T::Decimal(q, t)) => {
            let scale = s.max(t);
            let precision = (p - s).max(q - t) + scale;
            (precision <= 76).then_some(T::Decimal(precision, scale))
        }
        _ => None,
    }
}

/// Whether a file's `held` type is read as the `wanted` one without loss; a whole number that does
/// not fit is found while reading, and what is finer than the type by `exact`.
pub(crate) fn reads_as(held: DataType, wanted: DataType) -> Result<(), String> {
    use DataType as T;
    let fits = match (held, wanted) {
        (a, b) if a == b => true,
        (a, b) if a.is_integer() => b.is_numeric(),
        (T::Float32, T::Float64) => true,
        (T::Decimal(_, s), T::Decimal(_, t)) => s <= t,
        (T::Decimal(..), T::Float64) => true,
        (T::Text, T::Json | T::Uuid | T::Date) => true,
        (T::Binary, T::Text) => true,
        (T::Date, T::Timestamp) => true,
        (T::Timestamp, T::Timestamptz) => true,
        // With every digit, as for nanoseconds that no other type holds.
        (T::Timestamp | T::Timestamptz | T::Time, T::Text) => true,
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "the file holds {held}, which is not read as {wanted}; declare the file's own type"
        ))
    }
}
