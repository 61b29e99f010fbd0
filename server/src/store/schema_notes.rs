//! Schema notes: Markdown for people and prompts, one chunk a table or part of one.
//!
//! Learning again hands over all notes of a source; only what changed is written, so the id and
//! `created_at` of an unchanged chunk stay.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sqlx::{FromRow, Sqlite, Transaction};

use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store};
use crate::id::{DatasourceId, SchemaNoteId};

const LIST: &str = "schema_notes";

#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct SchemaNote {
    pub(crate) id: SchemaNoteId,
    pub(crate) datasource_id: DatasourceId,
    /// The table, view or dataset.
    pub(crate) object: String,
    pub(crate) chunk: i64,
    pub(crate) md: String,
    pub(crate) md_hash: String,
    pub(crate) created_at: Moment,
}

#[derive(Debug, Clone)]
pub(crate) struct NoteText {
    pub(crate) object: String,
    pub(crate) chunk: i64,
    pub(crate) md: String,
}

/// Counts of chunks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NoteChanges {
    pub(crate) written: usize,
    pub(crate) unchanged: usize,
    pub(crate) removed: usize,
}

pub(crate) struct SchemaNotes<'s> {
    store: &'s Store,
}

impl<'s> SchemaNotes<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// By object and chunk.
    pub(crate) async fn list(&self, source: &DatasourceId) -> Result<Vec<SchemaNote>, StoreError> {
        let query = sqlx::query_as(
            "SELECT * FROM schema_notes WHERE datasource_id = ? ORDER BY object, chunk",
        );
        Ok(query.bind(source).fetch_all(self.store.reader()).await?)
    }

    /// A page, by object and chunk.
    pub(crate) async fn page(
        &self,
        source: &DatasourceId,
        page: &PageRequest,
    ) -> Result<Page<SchemaNote>, StoreError> {
        let after = page.after(LIST)?.map(|key| seen_last(&key)).transpose()?;
        let (object, chunk) = after.unzip();
        let rows = sqlx::query_as(
            "SELECT * FROM schema_notes
             WHERE datasource_id = ?1 AND (?2 IS NULL OR (object, chunk) > (?2, ?3))
             ORDER BY object, chunk LIMIT ?4",
        )
        .bind(source)
        .bind(object)
        .bind(chunk)
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |row: &SchemaNote| format!("{} {}", row.chunk, row.object)))
    }
}

/// Makes the notes of a source those given, writing only what differs.
pub(super) async fn replace(
    transaction: &mut Transaction<'_, Sqlite>,
    source: &DatasourceId,
    notes: &[NoteText],
) -> Result<NoteChanges, StoreError> {
    let known: Vec<(String, i64, String)> =
        sqlx::query_as("SELECT object, chunk, md_hash FROM schema_notes WHERE datasource_id = ?")
            .bind(source)
            .fetch_all(&mut **transaction)
            .await?;
    let mut known: BTreeMap<(String, i64), String> =
        known.into_iter().map(|(object, chunk, hash)| ((object, chunk), hash)).collect();
    let mut changes = NoteChanges::default();
    for note in notes {
        let hash = hash_of(&note.md);
        if known.remove(&(note.object.clone(), note.chunk)).as_deref() == Some(&hash) {
            changes.unchanged += 1;
            continue;
        }
        changes.written += 1;
        sqlx::query(
            "INSERT INTO schema_notes (id, datasource_id, object, chunk, md, md_hash, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (datasource_id, object, chunk) DO UPDATE SET id = excluded.id,
                 md = excluded.md, md_hash = excluded.md_hash, created_at = excluded.created_at",
        )
        .bind(SchemaNoteId::new())
        .bind(source)
        .bind(&note.object)
        .bind(note.chunk)
        .bind(&note.md)
        .bind(hash)
        .bind(Moment::now())
        .execute(&mut **transaction)
        .await
        .map_err(|error| StoreError::on_insert(error, "schema note", &note.object))?;
    }
    for (object, chunk) in known.into_keys() {
        changes.removed += 1;
        sqlx::query(
            "DELETE FROM schema_notes WHERE datasource_id = ? AND object = ? AND chunk = ?",
        )
        .bind(source)
        .bind(object)
        .bind(chunk)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(changes)
}

/// A page of notes that are not the stored ones, in the same order and with the same cursors.
pub(crate) fn page_of(
    source: &DatasourceId,
    notes: Vec<NoteText>,
    at: Moment,
    page: &PageRequest,
) -> Result<Page<SchemaNote>, StoreError> {
    let after = page.after(LIST)?.map(|key| seen_last(&key)).transpose()?;
    let key = |note: &NoteText| (note.object.clone(), note.chunk);
    let mut notes: Vec<NoteText> = notes
        .into_iter()
        .filter(|note| after.as_ref().is_none_or(|after| key(note) > *after))
        .collect();
    notes.sort_by_key(key);
    notes.truncate(usize::try_from(page.fetch()).unwrap_or(usize::MAX));
    let shown = |note: NoteText| SchemaNote {
        id: SchemaNoteId::new(),
        datasource_id: source.clone(),
        object: note.object,
        chunk: note.chunk,
        md_hash: hash_of(&note.md),
        md: note.md,
        created_at: at,
    };
    let rows = notes.into_iter().map(shown).collect();
    Ok(page.page(LIST, rows, |row: &SchemaNote| format!("{} {}", row.chunk, row.object)))
}

/// The object and chunk that a cursor names.
fn seen_last(key: &str) -> Result<(String, i64), StoreError> {
    let (chunk, object) = key.split_once(' ').ok_or(StoreError::BadCursor)?;
    let chunk: i64 = chunk.parse().map_err(|_| StoreError::BadCursor)?;
    Ok((object.to_owned(), chunk))
}

fn hash_of(md: &str) -> String {
    Sha256::digest(md.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
