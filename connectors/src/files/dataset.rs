//! `dataset.yaml`: what a folder's files cannot say themselves.
//!
//! In: the text of the file. Out: declarations, or every problem at once with its path and near
//! names. Deliberately absent: whether files and columns exist, which learning tells.

use crate::error::{DatasetProblem, SourceError};
use air_ir::catalog::{ForeignKey, Reference, Role};
use air_ir::{DataType, nearest};
use serde_json::{Map, Value};

/// Name of the file, at the top of a source's folder.
pub(crate) const FILE: &str = "dataset.yaml";

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Dataset {
    pub(crate) name: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) tables: Vec<TableDecl>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TableDecl {
    pub(crate) name: String,
    pub(crate) files: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) synonyms: Vec<String>,
    pub(crate) primary_key: Vec<String>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    pub(crate) time_column: Option<String>,
    pub(crate) time_series: bool,
    pub(crate) columns: Vec<ColumnDecl>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ColumnDecl {
    pub(crate) name: String,
    pub(crate) data_type: Option<DataType>,
    pub(crate) nullable: Option<bool>,
    pub(crate) description: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) role: Option<Role>,
    pub(crate) synonyms: Vec<String>,
}

impl TableDecl {
    pub(crate) fn column(&self, name: &str) -> Option<&ColumnDecl> {
        self.columns.iter().find(|c| c.name == name)
    }
}

/// Reads the text of a `dataset.yaml`.
pub(crate) fn parse(text: &str) -> Result<Dataset, SourceError> {
    let value: Value = serde_saphyr::from_str(text).map_err(|e| {
        let message = format!("not YAML: {}", e.to_string().lines().next().unwrap_or_default());
        SourceError::Dataset {
            problems: vec![DatasetProblem { path: String::new(), message, nearest: Vec::new() }],
        }
    })?;
    let mut check = Check::default();
    let dataset = check.dataset(&value);
    if check.problems.is_empty() {
        Ok(dataset)
    } else {
        Err(SourceError::Dataset { problems: check.problems })
    }
}

#[derive(Default)]
struct Check {
    problems: Vec<DatasetProblem>,
}

/// A mapping and where it stands.
struct At<'v> {
    map: &'v Map<String, Value>,
    path: String,
}

impl At<'_> {
    fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Check {
    fn problem(&mut self, path: String, message: impl Into<String>) {
        self.problems.push(DatasetProblem { path, message: message.into(), nearest: Vec::new() });
    }

    fn dataset(&mut self, value: &Value) -> Dataset {
        let mut dataset = Dataset::default();
        let Some(at) = self.map(value, String::new(), &["version", "name", "time_zone", "tables"])
        else {
            return dataset;
        };
        match at.map.get("version") {
            None => {}
            Some(Value::Number(n)) if n.as_u64() == Some(1) => {}
            Some(_) => self.problem(at.path("version"), "must be 1, the only version there is"),
        }
        dataset.name = self.text(&at, "name");
        dataset.time_zone = self.text(&at, "time_zone");
        if let Some(zone) = &dataset.time_zone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            let names: Vec<String> =
                jiff::tz::db().available().map(|n| n.as_str().to_owned()).collect();
            self.problems.push(DatasetProblem {
                path: at.path("time_zone"),
                message: format!("\"{zone}\" is no IANA time zone"),
                nearest: nearest(zone, names.iter().map(String::as_str)),
            });
        }
        if let Some(tables) = at.map.get("tables").filter(|t| !t.is_null()) {
            for (name, table, path) in self.entries(tables, at.path("tables")) {
                let table = self.table(&name, &table, path);
                dataset.tables.push(table);
            }
        }
        dataset
    }

    fn table(&mut self, name: &str, value: &Value, path: String) -> TableDecl {
        let mut table = TableDecl { name: name.to_owned(), ..TableDecl::default() };
        let known = [
            "files",
            "description",
            "synonyms",
            "primary_key",
            "foreign_keys",
            "time_column",
            "time_series",
            "columns",
        ];
        if value.is_null() {
            return table;
        }
        let Some(at) = self.map(value, path, &known) else {
            return table;
        };
        table.files = self.text(&at, "files");
        if let Some(files) = &table.files
            && (files.starts_with('/') || files.split('/').any(|part| part == ".."))
        {
            self.problem(
                at.path("files"),
                format!("\"{files}\" leads out of the folder; give a path beneath it"),
            );
        }
        table.description = self.text(&at, "description");
        table.synonyms = self.texts(&at, "synonyms");
        table.primary_key = self.texts(&at, "primary_key");
        table.time_column = self.text(&at, "time_column");
        table.time_series = self.truth(&at, "time_series").unwrap_or(false);
        table.foreign_keys = self.foreign_keys(&at);
        if let Some(columns) = at.map.get("columns").filter(|c| !c.is_null()) {
            for (name, column, path) in self.entries(columns, at.path("columns")) {
                let column = self.column(&name, &column, path);
                table.columns.push(column);
            }
        }
        table
    }

    fn column(&mut self, name: &str, value: &Value, path: String) -> ColumnDecl {
        let mut column = ColumnDecl { name: name.to_owned(), ..ColumnDecl::default() };
        let known = ["type", "nullable", "description", "unit", "role", "synonyms"];
        if value.is_null() {
            return column;
        }
        let Some(at) = self.map(value, path, &known) else {
            return column;
        };
        if let Some(word) = self.text(&at, "type") {
            match word.parse() {
                Ok(DataType::Unreadable) => {
                    self.problem(at.path("type"), "\"unreadable\" cannot be declared")
                }
                Ok(data_type) => column.data_type = Some(data_type),
                Err(message) => self.problem(at.path("type"), message),
            }
        }
        column.nullable = self.truth(&at, "nullable");
        column.description = self.text(&at, "description");
        column.unit = self.text(&at, "unit");
        column.synonyms = self.texts(&at, "synonyms");
        if let Some(word) = self.text(&at, "role") {
            match serde_json::from_value(Value::String(word.clone())) {
                Ok(role) => column.role = Some(role),
                Err(_) => self.problems.push(DatasetProblem {
                    path: at.path("role"),
                    message: format!(
                        "\"{word}\" is no role; there are time, key, measure, dimension"
                    ),
                    nearest: nearest(&word, ["time", "key", "measure", "dimension"]),
                }),
            }
        }
        column
    }

    fn foreign_keys(&mut self, at: &At<'_>) -> Vec<ForeignKey> {
        let mut keys = Vec::new();
        for (i, value) in self.list(at, "foreign_keys").into_iter().enumerate() {
            let path = format!("{}[{i}]", at.path("foreign_keys"));
            let Some(key) = self.map(&value, path, &["columns", "references", "role"]) else {
                continue;
            };
            let columns = self.texts(&key, "columns");
            let role = self.text(&key, "role");
            let Some(target) = key.map.get("references") else {
                self.problem(key.path("references"), "is missing: {table, columns}");
                continue;
            };
            let Some(to) = self.map(target, key.path("references"), &["table", "columns"]) else {
                continue;
            };
            let table = self.text(&to, "table");
            let to_columns = self.texts(&to, "columns");
            if table.is_none() {
                self.problem(to.path("table"), "is missing");
            }
            if columns.is_empty() || columns.len() != to_columns.len() {
                self.problem(
                    key.path("columns"),
                    "must be as many as references.columns, and at least one",
                );
            }
            let reference =
                Reference { schema: None, table: table.unwrap_or_default(), columns: to_columns };
            keys.push(ForeignKey { columns, references: reference, role });
        }
        keys
    }

    /// A mapping of which every key is known.
    fn map<'v>(&mut self, value: &'v Value, path: String, known: &[&str]) -> Option<At<'v>> {
        let Value::Object(map) = value else {
            self.problem(path, "must be a mapping of keys to values");
            return None;
        };
        for key in map.keys().filter(|k| !known.contains(&k.as_str())) {
            let near = nearest(key, known.iter().copied());
            let message = if near.is_empty() {
                format!("unknown key; there are {}", known.join(", "))
            } else {
                "unknown key".to_owned()
            };
            self.problems.push(DatasetProblem { path: join(&path, key), message, nearest: near });
        }
        Some(At { map, path })
    }

    /// The entries of a mapping whose keys are names.
    fn entries(&mut self, value: &Value, path: String) -> Vec<(String, Value, String)> {
        match value {
            Value::Object(map) => {
                map.iter().map(|(k, v)| (k.clone(), v.clone(), join(&path, k))).collect()
            }
            _ => {
                self.problem(path, "must be a mapping of names to what is said of them");
                Vec::new()
            }
        }
    }

    fn text(&mut self, at: &At<'_>, key: &str) -> Option<String> {
        match at.map.get(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Null => None,
            _ => {
                self.problem(at.path(key), "must be text");
                None
            }
        }
    }

    fn truth(&mut self, at: &At<'_>, key: &str) -> Option<bool> {
        match at.map.get(key)? {
            Value::Bool(truth) => Some(*truth),
            Value::Null => None,
            _ => {
                self.problem(at.path(key), "must be true or false");
                None
            }
        }
    }

    fn list(&mut self, at: &At<'_>, key: &str) -> Vec<Value> {
        match at.map.get(key) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(_) => {
                self.problem(at.path(key), "must be a list");
                Vec::new()
            }
        }
    }

    fn texts(&mut self, at: &At<'_>, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for value in self.list(at, key) {
            match value {
                Value::String(text) => texts.push(text),
                _ => self.problem(at.path(key), "must be a list of texts"),
            }
        }
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_every_problem_with_its_path() {
        let text = "version: 2\ntime_zone: America/New_Yrok\ntabels: {}\ntables:\n  r:\n    files: ../x\n    \
                    columns:\n      kwh: {type: float46, rolle: measure, nullable: maybe}\n    \
                    foreign_keys: [{columns: [a, b], references: {table: t, columns: [x]}}]\n";
        let Err(SourceError::Dataset { problems }) = parse(text) else { panic!("accepted") };
        let mut paths: Vec<&str> = problems.iter().map(|p| p.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "tabels",
                "tables.r.columns.kwh.nullable",
                "tables.r.columns.kwh.rolle",
                "tables.r.columns.kwh.type",
                "tables.r.files",
                "tables.r.foreign_keys[0].columns",
                "time_zone",
                "version"
            ]
        );
        let near = |path: &str| problems.iter().find(|p| p.path == path).unwrap().nearest.clone();
        assert_eq!(near("tabels"), ["tables"]);
        assert_eq!(near("tables.r.columns.kwh.rolle"), ["role"]);
        assert!(near("time_zone").contains(&"America/New_York".to_owned()));
    }
}
