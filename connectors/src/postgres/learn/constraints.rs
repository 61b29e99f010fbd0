//! Keys and indexes.

use super::{Asking, Tables};
use crate::database::DatabaseError;
use air_ir::catalog::{ForeignKey, Index, Reference, Table};
use tokio_postgres::types::Oid;

/// A key to a partitioned table stands there once more for each part; those have a parent.
const CONSTRAINTS: &str = "
    SELECT k.conrelid AS table, k.contype::text AS kind, k.confrelid AS target,
      ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (n, i)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n
        ORDER BY u.i) AS columns,
      ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u (n, i)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n
        ORDER BY u.i) AS target_columns
    FROM pg_catalog.pg_constraint k
    LEFT JOIN pg_catalog.pg_constraint p ON p.oid = k.conparentid
    WHERE k.contype IN ('p', 'f') AND (p.oid IS NULL OR p.conrelid <> k.conrelid)
    ORDER BY k.conrelid, k.conkey";

pub(super) async fn constraints(
    asking: &Asking<'_>,
    tables: &mut Tables,
) -> Result<(), DatabaseError> {
    for row in asking.rows(CONSTRAINTS).await? {
        let (id, target): (Oid, Oid) = (asking.get(&row, "table")?, asking.get(&row, "target")?);
        let columns: Vec<String> = asking.get(&row, "columns")?;
        let kind: String = asking.get(&row, "kind")?;
        if !tables.get(&id).is_some_and(|t| has(t, &columns)) {
            continue;
        }
        let mut reference = None;
        if kind == "f" {
            let target_columns: Vec<String> = asking.get(&row, "target_columns")?;
            // What the user may not read, no question can be joined to.
            let Some(target) = tables.get(&target).filter(|t| has(t, &target_columns)) else {
                continue;
            };
            reference = Some(Reference {
                schema: target.schema.clone(),
                table: target.name.clone(),
                columns: target_columns,
            });
        }
        let Some(table) = tables.get_mut(&id) else {
            continue;
        };
        match reference {
            Some(references) => {
                table.foreign_keys.push(ForeignKey { columns, references, role: None });
            }
            None => table.primary_key = columns,
        }
    }
    Ok(())
}

fn has(table: &Table, columns: &[String]) -> bool {
    columns.iter().all(|c| table.column(c).is_some())
}

/// An index over expressions, or over some rows only, makes nothing unique.
const INDEXES: &str = "
    SELECT i.indrelid AS table, c.relname::text AS name,
      i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indimmediate AS is_unique,
      ARRAY(SELECT a.attname::text
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY u (n, i)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.n
        WHERE u.i <= i.indnkeyatts AND u.n > 0 ORDER BY u.i) AS columns
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indisvalid AND i.indisready
    ORDER BY i.indrelid, c.relname";

pub(super) async fn indexes(asking: &Asking<'_>, tables: &mut Tables) -> Result<(), DatabaseError> {
    for row in asking.rows(INDEXES).await? {
        let columns: Vec<String> = asking.get(&row, "columns")?;
        let Some(table) = tables.get_mut(&asking.get(&row, "table")?) else {
            continue;
        };
        if !columns.is_empty() && has(table, &columns) {
            let (name, unique) = (asking.get(&row, "name")?, asking.get(&row, "is_unique")?);
            table.indexes.push(Index { name, columns, unique });
        }
    }
    Ok(())
}
