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
use air_ir::catalog::{SourceKind, Table};
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
        let asked = match self.supported(&lease).await {
            Ok(()) => structure(&lease).await,
            Err(error) => Err(error),
        };
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

/// PostgreSQL 14, the first with `date_bin`.
const LEAST: i32 = 140_000;

impl PostgresSource {
    /// Whether the server has every function that its SQL is written with, so that no plan has to
    /// ask what a version lacks.
    async fn supported(&self, lease: &Lease) -> Result<(), DatabaseError> {
        let asking = Asking { lease };
        let sql = "SELECT current_setting('server_version_num')::int AS number,
            current_setting('server_version') AS version,
            EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = 'time_bucket'
                AND p.pronargs >= 4 AND 'text'::regtype = ANY (p.proargtypes)) AS buckets";
        let rows = asking.rows(sql).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let unsupported =
            |reason: String| DatabaseError::Unsupported { id: self.id.clone(), reason };
        let number: i32 = asking.get(row, "number")?;
        if number < LEAST {
            let version: String = asking.get(row, "version")?;
            return Err(unsupported(format!(
                "the server is PostgreSQL {version}; 14 is the oldest that AIR reads"
            )));
        }
        let buckets: bool = asking.get(row, "buckets")?;
        if self.kind == SourceKind::Timescaledb && !buckets {
            return Err(unsupported(
                "the server has no time_bucket with a time zone, which TimescaleDB has from 2.8 \
                 on; register it as postgres"
                    .to_owned(),
            ));
        }
        Ok(())
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
