//! What every kind of source does with what it learned: the catalog's version, and what columns
//! and keys are for.
//!
//! In: tables as they were found. Out: the same with roles, and a hash. Deliberately absent:
//! reading any source.

mod roles;

pub(crate) use roles::{fill_roles, name_keys};

use crate::error::SourceError;
use air_ir::Catalog;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Hash of what a plan and a question depend on: names, types, keys and words. File times, counts,
/// figures and values are left out, so an unchanged schema keeps its version.
pub(crate) fn version(catalog: &Catalog) -> Result<String, SourceError> {
    let mut plain = catalog.clone();
    plain.version.clear();
    for table in &mut plain.tables {
        table.row_estimate = None;
        if let Some(storage) = &mut table.storage {
            storage.seen.clear();
        }
        for column in &mut table.columns {
            column.stats = None;
            column.values = None;
        }
    }
    let json =
        serde_json::to_vec(&plain).map_err(|e| SourceError::Engine { reason: e.to_string() })?;
    Ok(hex(&Sha256::digest(&json)))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
