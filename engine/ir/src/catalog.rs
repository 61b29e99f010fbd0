//! What was learned of a source: tables, columns, keys, and what people call them.

mod types;

pub use types::DataType;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything known of one source. Shared read-only between runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Id of the source.
    pub source: String,
    pub kind: SourceKind,
    /// Hash of the schema and its meaning: figures, values and file times do not change it.
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// IANA zone of timestamps without one, and the zone of reports that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    pub tables: Vec<Table>,
}

/// The kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Postgres,
    Timescaledb,
    Mysql,
    Files,
}

/// A table, view, hypertable or file dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    pub name: String,
    pub kind: TableKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    pub columns: Vec<Column>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Index>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_estimate: Option<u64>,
    /// The column that says when a row happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    /// The guard wants a bounded time range.
    #[serde(default)]
    pub time_series: bool,
    /// For file datasets: which files, and how they are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    Table,
    View,
    MaterializedView,
    Hypertable,
    Files,
}

/// A column. One whose type AIR cannot read is listed with [`DataType::Unreadable`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub data_type: DataType,
    /// The type in the source's own words.
    pub native_type: String,
    pub nullable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<ValueDictionary>,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Time,
    Key,
    Measure,
    Dimension,
}

/// A foreign key: several columns where it is composite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    pub references: Reference,
    /// What the referenced table is to this one, where several keys lead to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    pub table: String,
    pub columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    pub columns: Vec<String>,
    pub unique: bool,
}

/// Figures of a column, learned with `include_stats`. `min` and `max` are shown as text.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stats {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// Share of rows that are null, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_share: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
}

/// The values of a text column, so that "Seattle" is found without asking the source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ValueDictionary {
    /// Whether no value is missing.
    pub complete: bool,
    /// Rows per value.
    pub counts: BTreeMap<String, u64>,
}

/// How a file dataset lies on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Storage {
    /// A file, a glob or a folder, relative to the source's `base_path`.
    pub files: String,
    pub format: FileFormat,
    /// Every file at the time of learning, with what tells a changed one.
    pub seen: Vec<SeenFile>,
    /// CSV only: a quoted cell holds a line break, so files are read by one thread.
    #[serde(default)]
    pub newlines_in_values: bool,
    /// CSV only.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Hive-style `key=value` folders, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<String>,
}

fn comma() -> char {
    ','
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    Csv,
    Parquet,
    Jsonl,
}

/// A file as it was when its schema was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFile {
    /// Relative to `base_path`.
    pub path: String,
    pub size: u64,
    /// Modification time and inode: a file replaced by one of the same size is another file.
    pub mtime_ns: i64,
    /// 0 for an object of a store.
    pub inode: u64,
    /// What an object store calls this version of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
}

impl Catalog {
    /// The table an IR calls `name`: `schema.table`, or the bare name where it is unique.
    pub fn table(&self, name: &str) -> Found<'_> {
        if let Some(table) = self.tables.iter().find(|t| t.qualified_name() == name) {
            return Found::One(table);
        }
        let bare: Vec<&Table> = self.tables.iter().filter(|t| t.name == name).collect();
        match bare[..] {
            [one] => Found::One(one),
            [] => Found::None,
            _ => Found::Several(bare),
        }
    }

    /// Qualified names of all tables.
    pub fn table_names(&self) -> impl Iterator<Item = String> + '_ {
        self.tables.iter().map(Table::qualified_name)
    }
}

/// What a name leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<'c> {
    One(&'c Table),
    Several(Vec<&'c Table>),
    None,
}

impl Table {
    /// `schema.name`, or the name alone where there is no schema.
    pub fn qualified_name(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The column of that exact name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }
}
