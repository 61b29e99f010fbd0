//! What was learned about a source, and apart from it what people changed.

use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use super::error::StoreError;
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

fn tag(version: &str, edits_version: i64) -> String {
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

    /// Keeps what was learned. The edits stay.
    pub(crate) async fn put_learned(
        &self,
        source: &DatasourceId,
        catalog: &Value,
    ) -> Result<CatalogRecord, StoreError> {
        let mut transaction = self.store.write().await?;
        let record = sqlx::query_as(
            "INSERT INTO catalogs (datasource_id, catalog_json, version, learned_at)
             VALUES (?, ?, ?, ?)
             ON CONFLICT (datasource_id) DO UPDATE SET catalog_json = excluded.catalog_json,
                 version = excluded.version, learned_at = excluded.learned_at
             RETURNING *",
        )
        .bind(source)
        .bind(Json(catalog))
        .bind(checksum(catalog))
        .bind(Moment::now())
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| StoreError::on_insert(error, WHAT, source))?;
        transaction.commit().await?;
        Ok(record)
    }

    /// Replaces the edits. `expected`: the `edits_version` they were made against.
    pub(crate) async fn put_edits(
        &self,
        source: &DatasourceId,
        edits: &Value,
        by: &str,
        expected: Option<i64>,
    ) -> Result<CatalogRecord, StoreError> {
        let mut transaction = self.store.write().await?;
        let actual: i64 =
            sqlx::query_scalar("SELECT edits_version FROM catalogs WHERE datasource_id = ?")
                .bind(source)
                .fetch_optional(&mut *transaction)
                .await?
                .ok_or_else(|| StoreError::not_found(WHAT, source))?;
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            let id = source.to_string();
            return Err(StoreError::VersionMismatch { what: WHAT, id, expected, actual });
        }
        let record = sqlx::query_as(
            "UPDATE catalogs SET edits_json = ?, edits_version = edits_version + 1,
                 edited_by = ?, edited_at = ?
             WHERE datasource_id = ? RETURNING *",
        )
        .bind(Json(edits))
        .bind(by)
        .bind(Moment::now())
        .bind(source)
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(record)
    }
}
