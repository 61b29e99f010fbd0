//! Which tables a folder has, and their columns.

use super::{Draft, Learning, dataset_problem};
use crate::error::SourceError;
use crate::files::check::{Current, MIXED, is_mixed, partition_type};
use crate::files::dataset::{ColumnDecl, Dataset, TableDecl};
use crate::files::infer::text_shape;
use crate::files::locate::{Located, by_name};
use crate::files::parquet::{Footer, FooterColumn, exact, footer, merged, reads_as};
use crate::files::place::FoundFile;
use air_ir::catalog::{FileFormat, Storage, TableKind};
use air_ir::{Column, DataType, Table, nearest};
use futures::stream::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

impl<P: Fn(&str, u8) + Send + Sync> Learning<'_, P> {
    /// Every table with its columns: those declared, then those that names alone tell.
    pub(super) async fn drafts(&self, dataset: &Dataset) -> Result<Vec<Draft>, SourceError> {
        let named = match by_name(self.source.place.as_ref()).await {
            // Tables whose files are all declared need no list.
            Err(e) if e.is_no_list() && are_declared(dataset) => BTreeMap::new(),
            other => other?,
        };
        let mut wanted = Vec::new();
        let mut taken = HashSet::new();
        for declared in &dataset.tables {
            let files = self.files_of(declared, &named)?;
            let located = self.source.locate(&declared.name, &files).await?;
            taken.extend(located.files.iter().map(|f| f.found.path.clone()));
            wanted.push((declared.clone(), files, located));
        }
        for (name, files) in &named {
            if dataset.tables.iter().any(|t| t.name == *name) {
                continue;
            }
            let mut free = Vec::new();
            for files in files {
                let located = self.source.locate(name, files).await?;
                if !located.files.iter().any(|f| taken.contains(&f.found.path)) {
                    free.push((files, located));
                }
            }
            let declared = TableDecl { name: name.clone(), ..TableDecl::default() };
            let mut free = free.into_iter();
            let Some((files, located)) = free.next() else {
                continue;
            };
            if let Some((second, _)) = free.next() {
                let reason = format!(
                    "it would be table \"{name}\" as \"{files}\" is; name both in dataset.yaml"
                );
                return Err(SourceError::File { file: second.clone(), reason });
            }
            wanted.push((declared, files.clone(), located));
        }
        if wanted.is_empty() {
            return Err(SourceError::NothingToLearn);
        }
        let count = wanted.len();
        let mut drafts = Vec::with_capacity(count);
        for (i, (declared, files, located)) in wanted.into_iter().enumerate() {
            let share = u8::try_from(20 * i / count).unwrap_or(20);
            (self.progress)(&format!("looking at {}", declared.name), share);
            drafts.push(self.draft(declared, files, located, Some(self.options.infer_rows)).await?);
        }
        Ok(drafts)
    }

    fn files_of(
        &self,
        declared: &TableDecl,
        named: &BTreeMap<String, Vec<String>>,
    ) -> Result<String, SourceError> {
        if let Some(files) = &declared.files {
            return Ok(files.clone());
        }
        match named.get(&declared.name).map(Vec::as_slice) {
            Some([files]) => Ok(files.clone()),
            Some(several) => Err(dataset_problem(
                format!("tables.{}.files", declared.name),
                format!("is missing, and several fit: {}", several.join(", ")),
                Vec::new(),
            )),
            None => Err(dataset_problem(
                format!("tables.{}.files", declared.name),
                "is missing, and no file or folder has the table's name".to_owned(),
                nearest(&declared.name, named.keys().map(String::as_str)),
            )),
        }
    }

    /// A table with its columns; `rows` of each file are looked at for types, or all.
    pub(super) async fn draft(
        &self,
        declared: TableDecl,
        files: String,
        located: Located,
        rows: Option<usize>,
    ) -> Result<Draft, SourceError> {
        let found: Vec<&FoundFile> = located.files.iter().map(|f| &f.found).collect();
        let mut delimiter = ',';
        let mut columns = if located.format == FileFormat::Parquet {
            self.parquet_columns(&declared, &found).await?
        } else {
            let shape = text_shape(&self.source.store, located.format, &found, rows).await?;
            delimiter = shape.delimiter;
            text_columns(&declared, &shape.columns, &located.files[0].found.path)?
        };
        if columns.is_empty() {
            return Err(without_columns(found[0]));
        }
        for (i, key) in located.partitions.iter().enumerate() {
            if columns.iter().any(|c| c.name == *key) {
                let reason = format!(
                    "column \"{key}\" is in the file and in the folders' names; leave one out"
                );
                return Err(SourceError::File { file: found[0].path.clone(), reason });
            }
            let declared = declared.column(key);
            let data_type =
                declared.and_then(|d| d.data_type).unwrap_or_else(|| partition_type(&located, i));
            // A folder that comes later may stand for null.
            columns.push(column(key, data_type, "folder name".to_owned(), true, declared));
        }
        let storage = Storage {
            files,
            format: located.format,
            seen: located.files.iter().map(|f| f.found.seen()).collect(),
            newlines_in_values: located.format == FileFormat::Csv,
            delimiter,
            partitions: located.partitions.clone(),
        };
        let table = table(&declared, columns, storage);
        Ok(Draft { table, declared, current: Current { located, unchanged: true } })
    }

    async fn parquet_columns(
        &self,
        declared: &TableDecl,
        found: &[&FoundFile],
    ) -> Result<Vec<Column>, SourceError> {
        // Owned before they are awaited: a borrow here would tie the whole learning to one thread.
        let reads: Vec<_> = found
            .iter()
            .map(|f| footer(Arc::clone(&self.source.store), FoundFile::clone(f)))
            .collect();
        let footers: Vec<Footer> = futures::stream::iter(reads).buffered(8).try_collect().await?;
        let is_declared = |name: &str| declared.column(name).is_some_and(|d| d.data_type.is_some());
        let mut columns = Vec::new();
        for merged in merged(&declared.name, &footers, is_declared)? {
            let decl = declared.column(&merged.name);
            let data_type = decl.and_then(|d| d.data_type).unwrap_or(merged.data_type);
            for footer in &footers {
                let Some(held) = footer.columns.iter().find(|c| c.name == merged.name) else {
                    continue;
                };
                fits(held, &merged, data_type, decl).map_err(|reason| SourceError::Value {
                    file: footer.file.clone(),
                    line: None,
                    column: merged.name.clone(),
                    expected: data_type,
                    reason,
                })?;
            }
            columns.push(column(&merged.name, data_type, merged.native, !merged.required, decl));
        }
        self.all_exact(&footers, found, &columns).await?;
        Ok(columns)
    }

    /// Looks at every value that the column's type may not hold.
    async fn all_exact(
        &self,
        footers: &[Footer],
        found: &[&FoundFile],
        columns: &[Column],
    ) -> Result<(), SourceError> {
        let of = |name: &str| columns.iter().find(|c| c.name == name).map(|c| c.data_type);
        for (footer, found) in footers.iter().zip(found) {
            let store = Arc::clone(&self.source.store);
            exact(store, FoundFile::clone(found), footer.lossy(of)).await?;
        }
        Ok(())
    }
}

/// Whether `dataset.yaml` says of each table where its files are, and names a table.
fn are_declared(dataset: &Dataset) -> bool {
    !dataset.tables.is_empty() && dataset.tables.iter().all(|table| table.files.is_some())
}

/// Whether what a file holds is read as the column's type.
fn fits(
    held: &FooterColumn,
    merged: &FooterColumn,
    data_type: DataType,
    declared: Option<&ColumnDecl>,
) -> Result<(), String> {
    if held.data_type != DataType::Unreadable || declared.is_some_and(|d| d.data_type.is_some()) {
        reads_as(held.data_type, data_type)?;
    }
    if is_mixed(data_type, &merged.native, held.data_type) {
        return Err(format!("{MIXED} in the table's files; make them alike"));
    }
    if declared.is_some_and(|d| d.nullable == Some(false)) && held.holds_nulls {
        return Err("is null in some row, but declared nullable: false".to_owned());
    }
    Ok(())
}

fn without_columns(found: &FoundFile) -> SourceError {
    let file = found.path.clone();
    match found.identity.size {
        0 => SourceError::Empty { file },
        _ => SourceError::Header { file, reason: "there is no column; remove the file".to_owned() },
    }
}

fn text_columns(
    declared: &TableDecl,
    found: &[(String, DataType)],
    file: &str,
) -> Result<Vec<Column>, SourceError> {
    let mut columns = Vec::with_capacity(found.len());
    for (name, guessed) in found {
        let decl = declared.column(name);
        let data_type = decl.and_then(|d| d.data_type).unwrap_or(*guessed);
        if data_type == DataType::Binary {
            return Err(SourceError::Value {
                file: file.to_owned(),
                line: None,
                column: name.clone(),
                expected: data_type,
                reason: "a text file holds no binary values; declare text".to_owned(),
            });
        }
        columns.push(column(name, data_type, guessed.to_string(), true, decl));
    }
    Ok(columns)
}

fn column(
    name: &str,
    data_type: DataType,
    native_type: String,
    nullable: bool,
    declared: Option<&ColumnDecl>,
) -> Column {
    let declared = declared.cloned().unwrap_or_default();
    Column {
        name: name.to_owned(),
        data_type,
        native_type,
        nullable: declared.nullable.unwrap_or(nullable),
        display_name: None,
        description: declared.description,
        synonyms: declared.synonyms,
        unit: declared.unit,
        role: declared.role,
        stats: None,
        values: None,
    }
}

fn table(declared: &TableDecl, columns: Vec<Column>, storage: Storage) -> Table {
    Table {
        schema: None,
        name: declared.name.clone(),
        kind: TableKind::Files,
        display_name: None,
        description: declared.description.clone(),
        synonyms: declared.synonyms.clone(),
        columns,
        primary_key: declared.primary_key.clone(),
        foreign_keys: declared.foreign_keys.clone(),
        indexes: Vec::new(),
        row_estimate: None,
        time_column: declared.time_column.clone(),
        time_series: declared.time_series,
        storage: Some(storage),
    }
}
