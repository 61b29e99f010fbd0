//! The files of a table as they are now, and whether they still fit what was learned.
//!
//! In: a learned table. Out: its files, and a provider over them; or the file and column that no
//! longer fit. A file that is as it was when learned is not looked into again.

use super::FilesSource;
use super::convert::{TextColumn, convert};
use super::guess::Guess;
use super::infer::{csv_header, same_header, unreadable};
use super::locate::{Located, LocatedFile, locate};
use super::parquet::{exact, footer, reads_as};
use super::place::{FoundFile, Identity, Tag, versioned_meta};
use super::source::{TextForm, sample};
use super::table::{FilesTable, Reading, ScanFile};
use super::text::Compression;
use crate::error::SourceError;
use air_engine::{arrow_schema, arrow_type};
use air_ir::catalog::{FileFormat, SeenFile, Storage};
use air_ir::{Catalog, DataType, Table};
use datafusion::arrow::array::StringViewArray;
use datafusion::common::ScalarValue;
use jiff::tz::TimeZone;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a new text file that are read before a run uses it.
const SAMPLE_ROWS: usize = 2000;
/// Files whose check is remembered; a folder with more new ones is to be learned again.
const REMEMBERED: usize = 100_000;

/// Files found to fit since learning: catalog version, table, path, and which version of it.
#[derive(Debug, Default)]
pub(crate) struct Checked(Mutex<HashSet<(String, String, String, Identity)>>);

/// The files of a table now.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) located: Located,
    /// Whether each is as it was when learned.
    pub(crate) unchanged: bool,
}

impl FoundFile {
    pub(crate) fn seen(&self) -> SeenFile {
        let (inode, e_tag) = match &self.identity.tag {
            Tag::Inode(inode) => (*inode, None),
            Tag::Entity(tag) => (0, Some(tag.to_string())),
            Tag::None => (0, None),
        };
        SeenFile {
            path: self.path.clone(),
            size: self.identity.size,
            mtime_ns: self.identity.changed_ns,
            inode,
            e_tag,
        }
    }
}

impl FilesSource {
    /// Lists the files of a table.
    pub(crate) async fn current(&self, table: &Table) -> Result<Current, SourceError> {
        let storage = storage(table)?;
        let located = self.locate(&table.name, &storage.files).await?;
        let unchanged = located.files.len() == storage.seen.len()
            && located.files.iter().all(|f| storage.seen.contains(&f.found.seen()));
        Ok(Current { located, unchanged })
    }

    pub(crate) async fn locate(&self, table: &str, files: &str) -> Result<Located, SourceError> {
        locate(self.place.as_ref(), table, files).await
    }

    /// Looks into each file that was not there, or was another, when the table was learned.
    pub(crate) async fn check(
        &self,
        catalog: &Catalog,
        table: &Table,
        current: &Current,
    ) -> Result<(), SourceError> {
        let storage = storage(table)?;
        if current.unchanged {
            return Ok(());
        }
        let seen: HashSet<&str> = storage.seen.iter().map(|s| s.path.as_str()).collect();
        for file in &current.located.files {
            let found = &file.found;
            let mut as_learned = storage.seen.iter();
            if seen.contains(found.path.as_str()) && as_learned.any(|s| *s == found.seen()) {
                continue;
            }
            let key = (
                catalog.version.clone(),
                table.qualified_name(),
                found.path.clone(),
                found.identity.clone(),
            );
            if self.checked.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&key) {
                continue;
            }
            self.fits(table, storage, &current.located, found, catalog.time_zone.as_deref())
                .await?;
            let mut checked = self.checked.0.lock().unwrap_or_else(PoisonError::into_inner);
            if checked.len() >= REMEMBERED {
                checked.clear();
            }
            checked.insert(key);
        }
        Ok(())
    }

    async fn fits(
        &self,
        table: &Table,
        storage: &Storage,
        located: &Located,
        found: &FoundFile,
        zone: Option<&str>,
    ) -> Result<(), SourceError> {
        let misfit = |column: Option<&str>, reason: String| SourceError::Schema {
            table: table.name.clone(),
            file: found.path.clone(),
            column: column.map(str::to_owned),
            reason,
        };
        if located.format != storage.format || located.partitions != storage.partitions {
            return Err(misfit(
                None,
                "its format or the keys of its folders are others".to_owned(),
            ));
        }
        if storage.format == FileFormat::Parquet {
            return self.parquet_fits(table, storage, found).await;
        }
        let form = text_form(table, storage, zone, false)?;
        if storage.format == FileFormat::Csv {
            let names: Vec<String> = form.columns.iter().map(|c| c.name.clone()).collect();
            let (_, header) = csv_header(&self.store, found, Some(storage.delimiter)).await?;
            same_header(&found.path, &header, "the learned table", &names).map_err(
                |e| match e {
                    SourceError::Header { reason, .. } => misfit(None, reason),
                    other => other,
                },
            )?;
        }
        let meta = versioned_meta(found).map_err(|e| unreadable(&found.path, &e))?;
        sample(&self.store, &meta, &form, SAMPLE_ROWS).await.map_err(|e| match e {
            SourceError::Value { column, line, reason, .. } => {
                let line = line.map(|l| format!("line {l}: ")).unwrap_or_default();
                misfit(Some(&column), format!("{line}{reason}"))
            }
            other => other,
        })
    }

    async fn parquet_fits(
        &self,
        table: &Table,
        storage: &Storage,
        found: &FoundFile,
    ) -> Result<(), SourceError> {
        let misfit = |column: &str, reason: String| SourceError::Schema {
            table: table.name.clone(),
            file: found.path.clone(),
            column: Some(column.to_owned()),
            reason,
        };
        let footer = footer(Arc::clone(&self.store), found.clone()).await?;
        for column in table.columns.iter().filter(|c| !storage.partitions.contains(&c.name)) {
            if column.data_type == DataType::Unreadable {
                continue;
            }
            let Some(held) = footer.columns.iter().find(|c| c.name == column.name) else {
                return Err(misfit(&column.name, "the file has no such column".to_owned()));
            };
            reads_as(held.data_type, column.data_type)
                .map_err(|reason| misfit(&column.name, reason))?;
            if is_mixed(column.data_type, &column.native_type, held.data_type) {
                return Err(misfit(&column.name, MIXED.to_owned()));
            }
            if !column.nullable && !held.without_nulls {
                return Err(misfit(
                    &column.name,
                    "the file holds nulls, or does not say that it holds none".to_owned(),
                ));
            }
        }
        let lossy = footer.lossy(|name| table.column(name).map(|c| c.data_type));
        let looked = exact(Arc::clone(&self.store), found.clone(), lossy).await;
        looked.map_err(|e| match e {
            SourceError::Value { column, reason, .. } => misfit(&column, reason),
            other => other,
        })
    }

    /// The table over the files as they are now.
    pub(crate) fn provider(
        &self,
        table: &Table,
        zone: Option<&str>,
        current: &Current,
    ) -> Result<FilesTable, SourceError> {
        let storage = storage(table)?;
        let located = &current.located;
        // A quoted line break is looked for at learning; a file that came later may hold one.
        let splits =
            !storage.newlines_in_values && (current.unchanged || storage.format != FileFormat::Csv);
        let mut files = Vec::with_capacity(located.files.len());
        for file in &located.files {
            let meta = versioned_meta(&file.found).map_err(|e| unreadable(&file.found.path, &e))?;
            files.push(ScanFile { meta, values: partition_values(table, storage, file, zone)? });
        }
        let reading = match storage.format {
            FileFormat::Parquet => parquet_reading(table, zone)?,
            _ => {
                let plain = |f: &LocatedFile| Compression::of(&f.found.path).0 == Compression::None;
                Reading::Text(text_form(
                    table,
                    storage,
                    zone,
                    splits && located.files.iter().all(plain),
                )?)
            }
        };
        Ok(FilesTable {
            url: self.url.clone(),
            schema: arrow_schema(table),
            partitions: storage.partitions.len(),
            files,
            reading,
            rows: table.row_estimate.filter(|_| current.unchanged),
            nans: nans(table, current.unchanged),
        })
    }
}

fn storage(table: &Table) -> Result<&Storage, SourceError> {
    table.storage.as_ref().ok_or_else(|| SourceError::Engine {
        reason: format!(
            "table \"{}\" of the catalog names no files; learn the source again",
            table.name
        ),
    })
}

pub(crate) fn time_zone(zone: Option<&str>) -> Result<TimeZone, SourceError> {
    match zone {
        None => Ok(TimeZone::UTC),
        Some(name) => TimeZone::get(name).map_err(|_| SourceError::Engine {
            reason: format!("\"{name}\" is no IANA time zone"),
        }),
    }
}

/// Why a column of instants is not read.
pub(crate) const MIXED: &str = "timestamps with and without zone are mixed";

/// Whether a file's `held` type is a clock's, where the column's own one is of instants, or the
/// other way round: all files of a column are read in one way.
pub(crate) fn is_mixed(data_type: DataType, native: &str, held: DataType) -> bool {
    data_type == DataType::Timestamptz && (held == DataType::Timestamp) != is_clock_column(native)
}

/// Whether a column's own type is a timestamp without zone.
fn is_clock_column(native: &str) -> bool {
    native.starts_with("Timestamp(") && !native.contains(',')
}

/// Columns of floating point that may hold a NaN: all but those whose ends are learned and none, of
/// files that are as they were then.
fn nans(table: &Table, unchanged: bool) -> Vec<String> {
    let is_number = |end: &Option<String>| end.as_ref().is_some_and(|end| !end.contains("NaN"));
    let may_be = |c: &&air_ir::Column| {
        let without = c.stats.as_ref().is_some_and(|s| is_number(&s.min) && is_number(&s.max));
        matches!(c.data_type, DataType::Float32 | DataType::Float64) && !(unchanged && without)
    };
    table.columns.iter().filter(may_be).map(|c| c.name.clone()).collect()
}

fn parquet_reading(table: &Table, zone: Option<&str>) -> Result<Reading, SourceError> {
    let zone = time_zone(zone)?;
    let is_clock = |c: &&air_ir::Column| {
        c.data_type == DataType::Timestamptz && is_clock_column(&c.native_type)
    };
    // A clock of UTC is an instant as it stands, so filters on it can still skip row groups.
    let clocks = if zone == TimeZone::UTC {
        Vec::new()
    } else {
        table.columns.iter().filter(is_clock).map(|c| c.name.clone()).collect()
    };
    Ok(Reading::Parquet { clocks, zone })
}

pub(crate) fn text_form(
    table: &Table,
    storage: &Storage,
    zone: Option<&str>,
    splits: bool,
) -> Result<TextForm, SourceError> {
    let of_file = |c: &&air_ir::Column| {
        !storage.partitions.contains(&c.name) && arrow_type(c.data_type).is_some()
    };
    let column = |c: &air_ir::Column| TextColumn {
        name: c.name.clone(),
        data_type: c.data_type,
        nullable: c.nullable,
    };
    Ok(TextForm {
        format: storage.format,
        delimiter: storage.delimiter,
        columns: table.columns.iter().filter(of_file).map(column).collect(),
        zone: time_zone(zone)?,
        splits,
    })
}

/// The typed values that a file's folders give.
fn partition_values(
    table: &Table,
    storage: &Storage,
    file: &LocatedFile,
    zone: Option<&str>,
) -> Result<Vec<ScalarValue>, SourceError> {
    let zone = time_zone(zone)?;
    let mut values = Vec::with_capacity(storage.partitions.len());
    for (name, text) in storage.partitions.iter().zip(&file.values) {
        let data_type = table.column(name).map_or(DataType::Text, |c| c.data_type);
        let column = TextColumn {
            name: name.clone(),
            data_type,
            nullable: table.column(name).is_none_or(|c| c.nullable),
        };
        let cells = StringViewArray::from_iter([text.as_deref()]);
        let bad = || {
            SourceError::value(
                &file.found.path,
                None,
                name,
                data_type,
                text.as_deref().unwrap_or("null"),
            )
        };
        let typed = convert(&cells, &column, &zone).map_err(|_| bad())?;
        values.push(ScalarValue::try_from_array(&typed, 0).map_err(|_| bad())?);
    }
    Ok(values)
}

/// The type of a partition key from the values of all files.
pub(crate) fn partition_type(located: &Located, key: usize) -> DataType {
    let mut guess = Guess::default();
    for value in located.files.iter().filter_map(|f| f.values.get(key)?.as_deref()) {
        guess.cell(value);
    }
    match guess.data_type() {
        narrow @ (DataType::Int64 | DataType::Date) => narrow,
        _ => DataType::Text,
    }
}
