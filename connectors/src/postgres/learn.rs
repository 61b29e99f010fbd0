//! Learning a database from its own catalog.
//!
//! In: a source. Out: what its user may read: tables, views, hypertables, their columns, keys and
//! indexes, and, within a time limit, figures and values. Deliberately absent: the server's own
//! schemas, partitions and chunks (their table stands for them), and what extensions brought.

mod constraints;
mod figures;
mod kinds;
mod tables;

use super::PostgresSource;
use super::lease::Lease;
use crate::database::DatabaseError;
use crate::error::SourceError;
use crate::files::LearnOptions;
use crate::learned::{fill_roles, name_keys, version};
use air_ir::Catalog;
use air_ir::catalog::Table;
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Oid};

/// Tables by the server's number for them.
type Tables = HashMap<Oid, Table>;

/// Asks for rows of the server's catalog.
struct Asking<'a> {
    lease: &'a Lease,
}

impl Asking<'_> {
    async fn rows(&self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        self.lease.within(self.lease.client()?.query(sql, &[])).await
    }

    fn get<'r, T: FromSql<'r>>(&self, row: &'r Row, column: &str) -> Result<T, DatabaseError> {
        row.try_get(column).map_err(|e| self.lease.fault(&e))
    }
}

impl PostgresSource {
    /// Reads the server's catalog, then looks at the tables. `progress` hears of each step and its
    /// share of the whole in percent.
    ///
    /// # Errors
    /// Where the catalog cannot be read. Figures and values that would take too long are left out.
    pub async fn learn(
        &self,
        options: &LearnOptions,
        progress: impl Fn(&str, u8) + Send + Sync,
    ) -> Result<Catalog, SourceError> {
        progress("reading the catalog", 0);
        let lease = self.begin().await?;
        let asked = structure(&lease).await;
        lease.end().await;
        let mut tables = asked?;
        for table in &mut tables {
            name_keys(table);
            fill_roles(table);
        }
        self.figures(&mut tables, options, &progress).await?;
        let mut catalog = Catalog {
            source: self.id.clone(),
            kind: self.kind,
            version: String::new(),
            name: None,
            time_zone: None,
            tables,
        };
        catalog.version = version(&catalog)?;
        progress("done", 100);
        Ok(catalog)
    }
}

async fn structure(lease: &Lease) -> Result<Vec<Table>, DatabaseError> {
    let asking = Asking { lease };
    let mut tables = tables::tables(&asking).await?;
    tables::columns(&asking, &mut tables).await?;
    constraints::constraints(&asking, &mut tables).await?;
    constraints::indexes(&asking, &mut tables).await?;
    tables::hypertables(&asking, &mut tables).await?;
    let mut tables: Vec<Table> = tables.into_values().collect();
    tables.retain(|t| !t.columns.is_empty());
    tables.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    Ok(tables)
}

/// A name as SQL: the one place where learning quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
