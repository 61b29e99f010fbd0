//! Learning a database: from `information_schema` to a catalog.
//!
//! In: what the server says of itself. Out: every table and view with its columns, keys, words
//! and, where asked, figures and values. Deliberately absent: schema notes, and people's edits.

mod figures;
mod schema;
mod types;

use super::Server;
use crate::database::DatabaseError;
use crate::error::SourceError;
use crate::files::LearnOptions;
use crate::learned::{fill_roles, name_keys, version};
use air_ir::Catalog;
use air_ir::catalog::SourceKind;
use figures::Figures;
use std::sync::Arc;

pub(super) async fn catalog(
    server: &Arc<Server>,
    options: &LearnOptions,
    progress: &(impl Fn(&str, u8) + Send + Sync),
) -> Result<Catalog, SourceError> {
    progress("listing tables", 0);
    let found = server.found().await?;
    let mut conn = server.connection().await?;
    server.within("reading the user's rights", server.check_rights(&mut conn)).await?;
    let mut tables = schema::tables(server, &mut conn, found.version.mariadb).await?;
    drop(conn);
    if tables.is_empty() {
        let reason = match &server.dsn.database {
            Some(name) => {
                format!("its user can read no table of database \"{name}\"; grant SELECT")
            }
            None => "its user can read no table; grant SELECT".to_owned(),
        };
        return Err(DatabaseError::Unsupported { id: server.id.clone(), reason }.into());
    }
    let figures = Figures::new(server, options);
    let count = tables.len();
    for (i, table) in tables.iter_mut().enumerate() {
        let share = u8::try_from(10 + 90 * i / count).unwrap_or(99);
        progress(&format!("reading {}", table.qualified_name()), share);
        figures.truths(table).await?;
        figures.clocks(table).await?;
        name_keys(table);
        fill_roles(table);
        figures.fill(table).await?;
    }
    let mut catalog = Catalog {
        source: server.id.clone(),
        kind: SourceKind::Mysql,
        version: String::new(),
        name: None,
        time_zone: None,
        tables,
    };
    catalog.version = version(&catalog)?;
    progress("done", 100);
    Ok(catalog)
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
