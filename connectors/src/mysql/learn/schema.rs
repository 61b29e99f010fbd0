//! Tables, columns, keys and indexes as `information_schema` lists them.
//!
//! It lists what the user may read, and nothing else.

use super::Server;
use super::types::{Native, data_type};
use crate::error::SourceError;
use air_ir::catalog::{ForeignKey, Index, Reference, TableKind};
use air_ir::{Column, DataType, Table};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Params, Row, Value};
use std::collections::{BTreeMap, HashSet};

/// Databases of the server itself.
const SYSTEM: &str = "('information_schema', 'performance_schema', 'mysql', 'sys')";

/// Tables by schema and name.
type Tables = BTreeMap<(String, String), Table>;

pub(super) async fn tables(
    server: &Server,
    conn: &mut Conn,
    mariadb: bool,
) -> Result<Vec<Table>, SourceError> {
    let mut lister = Lister { server, conn, tables: Tables::new() };
    lister.list().await?;
    lister.columns(mariadb).await?;
    lister.tables.retain(|_, table| !table.columns.is_empty());
    lister.indexes().await?;
    lister.foreign_keys().await?;
    Ok(lister.tables.into_values().collect())
}

struct Lister<'a> {
    server: &'a Server,
    conn: &'a mut Conn,
    tables: Tables,
}

impl Lister<'_> {
    /// Rows of `columns FROM table`, of the databases that are learned; `schema` is the column
    /// that says which. Whatever the type, each cell is text.
    async fn rows(
        &mut self,
        select: &str,
        schema: &str,
        rest: &str,
    ) -> Result<Vec<Vec<Option<String>>>, SourceError> {
        let (condition, params) = match &self.server.dsn.database {
            Some(name) => (
                format!("{schema} = ?"),
                Params::Positional(vec![Value::Bytes(name.clone().into_bytes())]),
            ),
            None => (format!("{schema} NOT IN {SYSTEM}"), Params::Empty),
        };
        let text = format!("{select} WHERE {condition} {rest}");
        let server = self.server;
        let asked = async {
            let rows: Result<Vec<Row>, _> = self.conn.exec(text, params).await;
            rows.map_err(|e| server.failure(&e).into())
        };
        let limit = server.options.statement_timeout + super::super::server::GRACE;
        let rows = tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| {
            Err(SourceError::TimedOut {
                what: format!("reading the tables of \"{}\"", server.id),
                seconds: limit.as_secs(),
            })
        })?;
        Ok(rows.into_iter().map(|row| row.unwrap().into_iter().map(cell).collect()).collect())
    }

    async fn list(&mut self) -> Result<(), SourceError> {
        let rows = self
            .rows(
                "SELECT table_schema, table_name, table_type, table_rows, table_comment \
                 FROM information_schema.tables",
                "table_schema",
                "AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW')",
            )
            .await?;
        for row in rows {
            let [Some(schema), Some(name), Some(kind), estimate, comment] = take(row) else {
                continue;
            };
            let is_view = kind == "VIEW";
            let table = Table {
                schema: Some(schema.clone()),
                name: name.clone(),
                kind: if is_view { TableKind::View } else { TableKind::Table },
                display_name: None,
                // A view's comment is the word VIEW.
                description: comment.filter(|c| !c.is_empty() && !is_view),
                synonyms: Vec::new(),
                columns: Vec::new(),
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
                indexes: Vec::new(),
                row_estimate: estimate.and_then(|e| e.parse().ok()),
                time_column: None,
                time_series: false,
                storage: None,
            };
            self.tables.insert((schema, name), table);
        }
        Ok(())
    }

    async fn columns(&mut self, mariadb: bool) -> Result<(), SourceError> {
        let json = if mariadb { self.json_checks().await? } else { HashSet::new() };
        let rows = self
            .rows(
                "SELECT table_schema, table_name, column_name, data_type, column_type, \
                 is_nullable, column_comment, numeric_precision, numeric_scale \
                 FROM information_schema.columns",
                "table_schema",
                "ORDER BY table_schema, table_name, ordinal_position",
            )
            .await?;
        for row in rows {
            let [
                Some(schema),
                Some(table),
                Some(name),
                Some(native),
                Some(whole),
                nullable,
                comment,
                precision,
                scale,
            ] = take(row)
            else {
                continue;
            };
            let place = (schema, table, name);
            let is_json = json.contains(&place);
            let (schema, table, name) = place;
            let Some(table) = self.tables.get_mut(&(schema, table)) else {
                continue;
            };
            let data_type = data_type(&Native {
                name: &native,
                whole: &whole,
                precision: precision.and_then(|p| p.parse().ok()),
                scale: scale.and_then(|s| s.parse().ok()),
                is_json,
            });
            // A zero date is read as null, whatever the declaration says.
            let nullable = nullable.as_deref() != Some("NO") || data_type.is_temporal();
            table.columns.push(column(name, data_type, whole, nullable, comment));
        }
        Ok(())
    }

    /// Columns of MariaDB that are checked to hold JSON.
    async fn json_checks(&mut self) -> Result<HashSet<(String, String, String)>, SourceError> {
        let rows = self
            .rows(
                "SELECT constraint_schema, table_name, constraint_name, check_clause \
                 FROM information_schema.check_constraints",
                "constraint_schema",
                "",
            )
            .await?;
        let checked = rows.into_iter().filter_map(|row| {
            let [Some(schema), Some(table), Some(column), Some(clause)] = take(row) else {
                return None;
            };
            (clause == format!("json_valid({})", super::quoted(&column)))
                .then_some((schema, table, column))
        });
        Ok(checked.collect())
    }

    async fn indexes(&mut self) -> Result<(), SourceError> {
        let rows = self
            .rows(
                "SELECT table_schema, table_name, index_name, non_unique, column_name \
                 FROM information_schema.statistics",
                "table_schema",
                "ORDER BY table_schema, table_name, index_name, seq_in_index",
            )
            .await?;
        let mut with_expressions = HashSet::new();
        for row in rows {
            let [Some(schema), Some(table), Some(name), Some(non_unique), column] = take(row)
            else {
                continue;
            };
            let place = (schema, table);
            let Some(found) = self.tables.get_mut(&place) else {
                continue;
            };
            let Some(column) = column else {
                with_expressions.insert((place, name));
                continue;
            };
            match found.indexes.last_mut().filter(|index| index.name == name) {
                Some(index) => index.columns.push(column),
                None => found.indexes.push(Index {
                    name,
                    columns: vec![column],
                    unique: non_unique == "0",
                }),
            }
        }
        for (place, table) in &mut self.tables {
            // An index over expressions says nothing of the columns beside them.
            table
                .indexes
                .retain(|index| !with_expressions.contains(&(place.clone(), index.name.clone())));
            let primary = table.indexes.iter().find(|index| index.name == "PRIMARY");
            table.primary_key = primary.map(|index| index.columns.clone()).unwrap_or_default();
        }
        Ok(())
    }

    async fn foreign_keys(&mut self) -> Result<(), SourceError> {
        let rows = self
            .rows(
                "SELECT table_schema, table_name, constraint_name, column_name, \
                 referenced_table_schema, referenced_table_name, referenced_column_name \
                 FROM information_schema.key_column_usage",
                "table_schema",
                "AND referenced_table_name IS NOT NULL \
                 ORDER BY table_schema, table_name, constraint_name, ordinal_position",
            )
            .await?;
        let mut keys: BTreeMap<(String, String, String), ForeignKey> = BTreeMap::new();
        for row in rows {
            let [
                Some(schema),
                Some(table),
                Some(name),
                Some(column),
                Some(to_schema),
                Some(to_table),
                Some(to_column),
            ] = take(row)
            else {
                continue;
            };
            let key = keys.entry((schema, table, name)).or_insert_with(|| ForeignKey {
                columns: Vec::new(),
                references: Reference {
                    schema: Some(to_schema),
                    table: to_table,
                    columns: Vec::new(),
                },
                role: None,
            });
            key.columns.push(column);
            key.references.columns.push(to_column);
        }
        for ((schema, table, _), key) in keys {
            let to = &key.references;
            let target = (to.schema.clone().unwrap_or_default(), to.table.clone());
            // A key to a table that the user cannot read leads nowhere.
            if !self.tables.contains_key(&target) {
                continue;
            }
            if let Some(table) = self.tables.get_mut(&(schema, table)) {
                table.foreign_keys.push(key);
            }
        }
        Ok(())
    }
}

fn column(
    name: String,
    data_type: DataType,
    native_type: String,
    nullable: bool,
    comment: Option<String>,
) -> Column {
    Column {
        name,
        data_type,
        native_type,
        nullable,
        display_name: None,
        description: comment.filter(|c| !c.is_empty()),
        synonyms: Vec::new(),
        unit: None,
        role: None,
        stats: None,
        values: None,
    }
}

fn cell(value: Value) -> Option<String> {
    match value {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::Int(v) => Some(v.to_string()),
        Value::UInt(v) => Some(v.to_string()),
        _ => None,
    }
}

/// The cells of a row, with none where there are fewer.
fn take<const N: usize>(row: Vec<Option<String>>) -> [Option<String>; N] {
    let mut cells = row.into_iter();
    std::array::from_fn(|_| cells.next().flatten())
}
