//! Scopes and their versions.
//!
//! A version's Markdown never changes; its IR may be built later. What a person confirmed is the
//! hash of an IR, so a change of the IR takes the confirmation with it.

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, Sqlite, Transaction};

use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store, checksum};
use crate::id::{ChatRoomId, DatasourceId, ScopeId, ScopeVersionId};

const WHAT: &str = "scope";
const VERSION: &str = "scope version";
const LIST: &str = "scopes";

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub(crate) enum ScopeStatus {
    Draft,
    Approved,
    Archived,
}

#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct Scope {
    pub(crate) id: ScopeId,
    pub(crate) name: String,
    pub(crate) status: ScopeStatus,
    pub(crate) owner: String,
    pub(crate) datasource_id: Option<DatasourceId>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct ScopeVersion {
    pub(crate) id: ScopeVersionId,
    pub(crate) scope_id: ScopeId,
    /// Counts from 1 within its scope.
    pub(crate) version: i64,
    pub(crate) scope_md: String,
    #[sqlx(rename = "ir_json", json(nullable))]
    pub(crate) ir: Option<Value>,
    pub(crate) ir_hash: Option<String>,
    /// State, interpretation, assumptions and questions of the ask that wrote it.
    #[sqlx(rename = "answer_json", json(nullable))]
    pub(crate) answer: Option<Value>,
    pub(crate) created_by: String,
    #[sqlx(flatten)]
    pub(crate) verification: Verification,
    pub(crate) created_at: Moment,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub(crate) struct Verification {
    pub(crate) verified_by: Option<String>,
    pub(crate) verified_at: Option<Moment>,
    pub(crate) verified_hash: Option<String>,
}

impl ScopeVersion {
    /// Whether a person confirmed exactly this IR.
    pub(crate) fn is_verified(&self) -> bool {
        self.ir_hash.is_some() && self.ir_hash == self.verification.verified_hash
    }
}

#[derive(Debug, Clone)]
pub(crate) struct NewScope {
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) datasource_id: Option<DatasourceId>,
    pub(crate) first: NewScopeVersion,
}

#[derive(Debug, Clone)]
pub(crate) struct NewScopeVersion {
    pub(crate) scope_md: String,
    pub(crate) ir: Option<Value>,
    pub(crate) answer: Option<Value>,
    pub(crate) created_by: String,
}

pub(crate) struct Scopes<'s> {
    store: &'s Store,
}

impl<'s> Scopes<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// A scope and its first version.
    pub(crate) async fn create(&self, new: NewScope) -> Result<(Scope, ScopeVersion), StoreError> {
        let mut transaction = self.store.write().await?;
        let scope: Scope = sqlx::query_as(
            "INSERT INTO scopes (id, name, status, owner, datasource_id, created_at, updated_at)
             VALUES (?1, ?2, 'draft', ?3, ?4, ?5, ?5) RETURNING *",
        )
        .bind(ScopeId::new())
        .bind(&new.name)
        .bind(&new.owner)
        .bind(&new.datasource_id)
        .bind(Moment::now())
        .fetch_one(&mut *transaction)
        .await?;
        let version = insert_version(&mut transaction, &scope.id, 1, &new.first).await?;
        transaction.commit().await?;
        Ok((scope, version))
    }

    /// The versions that the answers of a room came from, oldest first.
    pub(crate) async fn of_room(&self, room: &ChatRoomId) -> Result<Vec<ScopeVersion>, StoreError> {
        let query = sqlx::query_as(
            "SELECT * FROM scope_versions WHERE id IN
                 (SELECT json_extract(meta_json, '$.answer.scope_version_id') FROM chat_messages
                  WHERE room_id = ? AND type = 'ai')
             ORDER BY id",
        );
        Ok(query.bind(room).fetch_all(self.store.reader()).await?)
    }

    /// `expected`: the number of the version the new one follows.
    pub(crate) async fn add_version(
        &self,
        scope: &ScopeId,
        new: &NewScopeVersion,
        expected: Option<i64>,
    ) -> Result<ScopeVersion, StoreError> {
        let mut transaction = self.store.write().await?;
        let touched = sqlx::query("UPDATE scopes SET updated_at = ? WHERE id = ?")
            .bind(Moment::now())
            .bind(scope)
            .execute(&mut *transaction)
            .await?;
        if touched.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, scope));
        }
        let actual: i64 = sqlx::query_scalar(
            "SELECT coalesce(max(version), 0) FROM scope_versions WHERE scope_id = ?",
        )
        .bind(scope)
        .fetch_one(&mut *transaction)
        .await?;
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            let id = scope.to_string();
            return Err(StoreError::VersionMismatch { what: WHAT, id, expected, actual });
        }
        let version = insert_version(&mut transaction, scope, actual + 1, new).await?;
        transaction.commit().await?;
        Ok(version)
    }

    pub(crate) async fn get(&self, id: &ScopeId) -> Result<Scope, StoreError> {
        sqlx::query_as("SELECT * FROM scopes WHERE id = ?")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(WHAT, id))
    }

    pub(crate) async fn version(&self, id: &ScopeVersionId) -> Result<ScopeVersion, StoreError> {
        sqlx::query_as("SELECT * FROM scope_versions WHERE id = ?")
            .bind(id)
            .fetch_optional(self.store.reader())
            .await?
            .ok_or_else(|| StoreError::not_found(VERSION, id))
    }

    /// Newest first.
    pub(crate) async fn versions(&self, scope: &ScopeId) -> Result<Vec<ScopeVersion>, StoreError> {
        let query =
            sqlx::query_as("SELECT * FROM scope_versions WHERE scope_id = ? ORDER BY version DESC");
        Ok(query.bind(scope).fetch_all(self.store.reader()).await?)
    }

    /// The newest version; a scope has one from its first day.
    pub(crate) async fn latest(&self, scope: &ScopeId) -> Result<ScopeVersion, StoreError> {
        sqlx::query_as(
            "SELECT * FROM scope_versions WHERE scope_id = ? ORDER BY version DESC LIMIT 1",
        )
        .bind(scope)
        .fetch_optional(self.store.reader())
        .await?
        .ok_or_else(|| StoreError::not_found(VERSION, scope))
    }

    /// The questions for which a person confirmed this IR: those of the versions themselves, not
    /// of the first of their scope. A version that a person wrote is for what its scope is called.
    pub(crate) async fn confirmed(
        &self,
        source: &DatasourceId,
        ir_hash: &str,
    ) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT DISTINCT coalesce(json_extract(v.answer_json, '$.question'), s.name)
             FROM scope_versions v JOIN scopes s ON s.id = v.scope_id
             WHERE s.datasource_id = ? AND v.ir_hash = ? AND v.verified_hash = v.ir_hash",
        );
        Ok(query.bind(source).bind(ir_hash).fetch_all(self.store.reader()).await?)
    }

    /// Newest first; of one owner, or of all; of one status, or of any.
    pub(crate) async fn list(
        &self,
        owner: Option<&str>,
        status: Option<ScopeStatus>,
        page: &PageRequest,
    ) -> Result<Page<Scope>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT * FROM scopes
             WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR status = ?2)
                 AND (?3 IS NULL OR id < ?3)
             ORDER BY id DESC LIMIT ?4",
        )
        .bind(owner)
        .bind(status)
        .bind(page.after(LIST)?)
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |row: &Scope| row.id.to_string()))
    }

    pub(crate) async fn set_status(
        &self,
        id: &ScopeId,
        status: ScopeStatus,
    ) -> Result<Scope, StoreError> {
        let mut transaction = self.store.write().await?;
        let scope =
            sqlx::query_as("UPDATE scopes SET status = ?, updated_at = ? WHERE id = ? RETURNING *")
                .bind(status)
                .bind(Moment::now())
                .bind(id)
                .fetch_optional(&mut *transaction)
                .await?
                .ok_or_else(|| StoreError::not_found(WHAT, id))?;
        transaction.commit().await?;
        Ok(scope)
    }

    /// Keeps the IR that was built from the version's Markdown.
    pub(crate) async fn set_ir(
        &self,
        id: &ScopeVersionId,
        ir: &Value,
    ) -> Result<ScopeVersion, StoreError> {
        let mut transaction = self.store.write().await?;
        let version = sqlx::query_as(
            "UPDATE scope_versions SET ir_json = ?, ir_hash = ? WHERE id = ? RETURNING *",
        )
        .bind(Json(ir))
        .bind(checksum(ir))
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| StoreError::not_found(VERSION, id))?;
        transaction.commit().await?;
        Ok(version)
    }

    /// Notes that a person confirmed the version's IR as it is now.
    pub(crate) async fn verify(
        &self,
        id: &ScopeVersionId,
        by: &str,
    ) -> Result<ScopeVersion, StoreError> {
        let mut transaction = self.store.write().await?;
        let version = sqlx::query_as(
            "UPDATE scope_versions SET verified_by = ?, verified_at = ?, verified_hash = ir_hash
             WHERE id = ? AND ir_hash IS NOT NULL RETURNING *",
        )
        .bind(by)
        .bind(Moment::now())
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| StoreError::not_found("scope version with an IR", id))?;
        transaction.commit().await?;
        Ok(version)
    }
}

async fn insert_version(
    transaction: &mut Transaction<'_, Sqlite>,
    scope: &ScopeId,
    number: i64,
    new: &NewScopeVersion,
) -> Result<ScopeVersion, StoreError> {
    let version = sqlx::query_as(
        "INSERT INTO scope_versions
             (id, scope_id, version, scope_md, ir_json, ir_hash, answer_json, created_by, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
    )
    .bind(ScopeVersionId::new())
    .bind(scope)
    .bind(number)
    .bind(&new.scope_md)
    .bind(new.ir.as_ref().map(Json))
    .bind(new.ir.as_ref().map(checksum))
    .bind(new.answer.as_ref().map(Json))
    .bind(&new.created_by)
    .bind(Moment::now())
    .fetch_one(&mut **transaction)
    .await?;
    Ok(version)
}
