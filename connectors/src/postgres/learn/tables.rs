//! Tables, views and their columns.

use super::{Asking, Tables, kinds};
use crate::database::DatabaseError;
use air_engine::NOT_DETERMINISTIC;
use air_ir::catalog::{Column, Table, TableKind};

/// What the user may read, without the server's and its extensions' own. A partitioned table's
/// estimate is that of its parts; a hypertable's that of its chunks, which inherit from it.
const TABLES: &str = r"
    SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
      pg_catalog.obj_description(c.oid, 'pg_class') AS description,
      CASE WHEN c.relkind IN ('r', 'm', 'p') THEN (
        WITH RECURSIVE part AS (
          SELECT c.oid AS id UNION ALL
          SELECT i.inhrelid FROM part JOIN pg_catalog.pg_inherits i ON i.inhparent = part.id)
        SELECT CASE WHEN bool_and(l.reltuples >= 0) THEN sum(l.reltuples)::float8 END
        FROM part JOIN pg_catalog.pg_class l ON l.oid = part.id AND l.relkind IN ('r', 'm')
      ) END AS rows
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND n.nspname !~ '^(pg_|_timescaledb_|timescaledb_)' AND n.nspname <> 'information_schema'
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid
        AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'e')";

pub(super) async fn tables(asking: &Asking<'_>) -> Result<Tables, DatabaseError> {
    let mut tables = Tables::new();
    for row in asking.rows(TABLES).await? {
        let rows: Option<f64> = asking.get(&row, "rows")?;
        let kind: String = asking.get(&row, "kind")?;
        let table = Table {
            schema: Some(asking.get(&row, "schema")?),
            name: asking.get(&row, "name")?,
            kind: match kind.as_str() {
                "v" => TableKind::View,
                "m" => TableKind::MaterializedView,
                _ => TableKind::Table,
            },
            display_name: None,
            description: asking.get(&row, "description")?,
            synonyms: Vec::new(),
            columns: Vec::new(),
            primary_key: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an estimate; a cast of a float saturates"
            )]
            row_estimate: rows.map(|n| n as u64),
            time_column: None,
            time_series: false,
            storage: None,
        };
        tables.insert(asking.get(&row, "oid")?, table);
    }
    Ok(tables)
}

/// Columns with the type that their domain, if they have one, stands on, and the collation that
/// takes different texts for the same, if they have one.
const COLUMNS: &str = "
    SELECT a.attrelid AS table, a.attname::text AS name, a.attnotnull AS required,
      pg_catalog.format_type(a.atttypid, a.atttypmod) AS native,
      (SELECT l.collname::text FROM pg_catalog.pg_collation l
        WHERE l.oid = a.attcollation AND NOT l.collisdeterministic) AS collation,
      pg_catalog.col_description(a.attrelid, a.attnum) AS description,
      b.type::text AS type, b.schema::text AS schema, b.kind::text AS kind, b.mod AS mod
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    CROSS JOIN LATERAL (
      WITH RECURSIVE base AS (
        SELECT t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype, t.typtypmod,
          a.atttypmod AS mod
        FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
        UNION ALL
        SELECT t.oid, t.typname, t.typnamespace, t.typtype, t.typbasetype, t.typtypmod,
          base.typtypmod
        FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype
        WHERE base.typtype = 'd')
      SELECT base.typname AS type, n.nspname AS schema, base.typtype AS kind, base.mod
      FROM base JOIN pg_catalog.pg_namespace n ON n.oid = base.typnamespace
      WHERE base.typtype <> 'd') b
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT c.relispartition AND c.relnamespace <> 'pg_catalog'::regnamespace
      AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
    ORDER BY a.attrelid, a.attnum";

pub(super) async fn columns(asking: &Asking<'_>, tables: &mut Tables) -> Result<(), DatabaseError> {
    for row in asking.rows(COLUMNS).await? {
        let Some(table) = tables.get_mut(&asking.get(&row, "table")?) else {
            continue;
        };
        let required: bool = asking.get(&row, "required")?;
        let mut native: String = asking.get(&row, "native")?;
        if let Some(collation) = asking.get::<Option<String>>(&row, "collation")? {
            native += &format!(" COLLATE {collation}{NOT_DETERMINISTIC}");
        }
        table.columns.push(Column {
            name: asking.get(&row, "name")?,
            data_type: kinds::data_type(&kinds::Native {
                name: asking.get(&row, "type")?,
                schema: asking.get(&row, "schema")?,
                kind: asking.get(&row, "kind")?,
                modifier: asking.get(&row, "mod")?,
            }),
            native_type: native,
            nullable: !required,
            display_name: None,
            description: asking.get(&row, "description")?,
            synonyms: Vec::new(),
            unit: None,
            role: None,
            stats: None,
            values: None,
        });
    }
    Ok(())
}

const HYPERTABLES: &str = "
    SELECT d.hypertable_schema::text AS schema, d.hypertable_name::text AS name,
      d.column_name::text AS time, d.time_interval::text AS chunk
    FROM timescaledb_information.dimensions d
    WHERE d.dimension_number = 1 AND d.dimension_type = 'Time'";

/// Marks TimescaleDB's tables, where its views are there.
pub(super) async fn hypertables(
    asking: &Asking<'_>,
    tables: &mut Tables,
) -> Result<(), DatabaseError> {
    let there = "SELECT 1 WHERE to_regclass('timescaledb_information.dimensions') IS NOT NULL";
    if asking.rows(there).await?.is_empty() {
        return Ok(());
    }
    for row in asking.rows(HYPERTABLES).await? {
        let schema: String = asking.get(&row, "schema")?;
        let name: String = asking.get(&row, "name")?;
        let is_it = |t: &&mut Table| t.schema.as_ref() == Some(&schema) && t.name == name;
        let Some(table) = tables.values_mut().find(is_it) else {
            continue;
        };
        table.kind = TableKind::Hypertable;
        table.time_series = true;
        let time: String = asking.get(&row, "time")?;
        // A hypertable may count its time in whole numbers, which are no times to us.
        if table.column(&time).is_some_and(|c| c.data_type.is_temporal()) {
            table.time_column = Some(time);
        }
        let chunk: Option<String> = asking.get(&row, "chunk")?;
        if let Some(chunk) = chunk {
            let told = table.description.take().map(|d| format!("{d} ")).unwrap_or_default();
            table.description = Some(format!("{told}(Stored in chunks of {chunk}.)"));
        }
    }
    Ok(())
}
