//! Who changed what. Entries are only added. They name things, and hold no rows and no secrets.

use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store};
use crate::auth::Principal;
use crate::id::{AuditId, RequestId};

const LIST: &str = "audit";

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct AuditEntry {
    pub(crate) id: AuditId,
    pub(crate) actor: String,
    pub(crate) role: String,
    /// A verb on a thing: `report.create`, `datasource.delete`.
    pub(crate) action: String,
    /// What it was done to.
    pub(crate) subject: String,
    #[sqlx(rename = "detail_json", json)]
    pub(crate) detail: Value,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) created_at: Moment,
}

#[derive(Debug, Clone)]
pub(crate) struct NewAuditEntry<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) detail: Value,
    pub(crate) request_id: Option<&'a RequestId>,
}

pub(crate) struct AuditLog<'s> {
    store: &'s Store,
}

impl<'s> AuditLog<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    pub(crate) async fn add(&self, new: NewAuditEntry<'_>) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query(
            "INSERT INTO audit_log
                 (id, actor, role, action, subject, detail_json, request_id, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(AuditId::new())
        .bind(&new.principal.sub)
        .bind(new.principal.role.as_str())
        .bind(new.action)
        .bind(new.subject)
        .bind(Json(&new.detail))
        .bind(new.request_id)
        .bind(Moment::now())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Newest first.
    pub(crate) async fn list(&self, page: &PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT * FROM audit_log WHERE (?1 IS NULL OR id < ?1) ORDER BY id DESC LIMIT ?2",
        )
        .bind(page.after(LIST)?)
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |row: &AuditEntry| row.id.to_string()))
    }
}
