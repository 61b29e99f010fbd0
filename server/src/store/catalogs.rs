//! What was learned about a source, and apart from it what people changed.

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, Sqlite, Transaction};

use super::error::StoreError;
use super::schema_notes::{self, NoteChanges, NoteText};
use super::{Moment, Store, checksum};
use crate::id::DatasourceId;

const WHAT: &str = "catalog of";

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct CatalogRecord {
    pub(crate) datasource_id: DatasourceId,
    /// As learned, without the edits.
    #[sqlx(rename = "catalog_json", json)]
    pub(crate) catalog: Value,
    /// Hash of `catalog`.
    pub(crate) version: String,
    pub(crate) learned_at: Moment,
    /// What people changed; survives learning again.
    #[sqlx(rename = "edits_json", json)]
    pub(crate) edits: Value,
    /// Goes up with each edit; 0 before the first.
    pub(crate) edits_version: i64,
    pub(crate) edited_by: Option<String>,
    pub(crate) edited_at: Option<Moment>,
}

impl CatalogRecord {
    /// For `ETag`: changes with what was learned and with each edit.
    pub(crate) fn tag(&self) -> String {
        tag(&self.version, self.edits_version)
    }
}

pub(super) fn tag(version: &str, edits_version: i64) -> String {
    format!("{}.{edits_version}", version.get(..16).unwrap_or(version))
}

pub(crate) struct Catalogs<'s> {
    store: &'s Store,
}

impl<'s> Catalogs<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    pub(crate) async fn get(&self, source: &DatasourceId) -> Result<CatalogRecord, StoreError> {
        sqlx::query_as("SELECT * FROM catalogs WHERE datasource_id = ?")
            .bind(source)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, source))
    }

    /// The record's tag alone: the catalog itself may be large.
    pub(crate) async fn tag(&self, source: &DatasourceId) -> Result<Option<String>, StoreError> {
        let found: Option<(String, i64)> =
            sqlx::query_as("SELECT version, edits_version FROM catalogs WHERE datasource_id = ?")
                .bind(source)
                .fetch_optional(self.store.reader())
                .await?;
        Ok(found.map(|(version, edits)| tag(&version, edits)))
    }

    /// Keeps what was learned, with the notes that are made of it. The edits stay.
    pub(crate) async fn put_learned<E: From<StoreError>>(
        &self,
        source: &DatasourceId,
        catalog: &Value,
        notes: impl FnOnce(&CatalogRecord) -> Result<Vec<NoteText>, E>,
    ) -> Result<(CatalogRecord, NoteChanges), E> {
        let mut transaction = self.store.write().await?;
        let record = insert(&mut transaction, source, catalog).await?;
        noted(transaction, record, notes).await
    }

    /// Replaces the edits, and the notes by those that are made with them. `expected`: the
    /// `edits_version` they were made against.
    pub(crate) async fn put_edits<E: From<StoreError>>(
        &self,
        source: &DatasourceId,
        edits: &Value,
        (by, expected): (&str, Option<i64>),
        notes: impl FnOnce(&CatalogRecord) -> Result<Vec<NoteText>, E>,
    ) -> Result<CatalogRecord, E> {
        let mut transaction = self.store.write().await?;
        let record = update(&mut transaction, source, edits, (by, expected)).await?;
        Ok(noted(transaction, record, notes).await?.0)
    }
}

/// Writes the notes of a catalog in the transaction that writes the catalog, so that neither is
/// there without the other.
async fn noted<E: From<StoreError>>(
    mut transaction: Transaction<'_, Sqlite>,
    record: CatalogRecord,
    notes: impl FnOnce(&CatalogRecord) -> Result<Vec<NoteText>, E>,
) -> Result<(CatalogRecord, NoteChanges), E> {
    let notes = notes(&record)?;
    let changes = schema_notes::replace(&mut transaction, &record.datasource_id, &notes).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    Ok((record, changes))
}

async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    source: &DatasourceId,
    catalog: &Value,
) -> Result<CatalogRecord, StoreError> {
    let query = sqlx::query_as(
        "INSERT INTO catalogs (datasource_id, catalog_json, version, learned_at)
         VALUES (?, ?, ?, ?)
         ON CONFLICT (datasource_id) DO UPDATE SET catalog_json = excluded.catalog_json,
             version = excluded.version, learned_at = excluded.learned_at
         RETURNING *",
    );
    query
        .bind(source)
        .bind(Json(catalog))
        .bind(checksum(catalog))
        .bind(Moment::now())
        .fetch_one(&mut **transaction)
        .await
        .map_err(|error| StoreError::on_insert(error, WHAT, source))
}

async fn update(
    transaction: &mut Transaction<'_, Sqlite>,
    source: &DatasourceId,
    edits: &Value,
    (by, expected): (&str, Option<i64>),
) -> Result<CatalogRecord, StoreError> {
    let actual: i64 =
        sqlx::query_scalar("SELECT edits_version FROM catalogs WHERE datasource_id = ?")
            .bind(source)
            .fetch_optional(&mut **transaction)
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, source))?;
    if let Some(expected) = expected.filter(|expected| *expected != actual) {
        let id = source.to_string();
        return Err(StoreError::VersionMismatch { what: WHAT, id, expected, actual });
    }
    let query = sqlx::query_as(
        "UPDATE catalogs SET edits_json = ?, edits_version = edits_version + 1,
             edited_by = ?, edited_at = ?
         WHERE datasource_id = ? RETURNING *",
    );
    Ok(query
        .bind(Json(edits))
        .bind(by)
        .bind(Moment::now())
        .bind(source)
        .fetch_one(&mut **transaction)
        .await?)
}
