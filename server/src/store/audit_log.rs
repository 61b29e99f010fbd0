//! Who changed what. Entries are only added, and go when they are old. They name things, and hold
//! no rows and no secrets.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store};
use crate::id::{AuditId, RequestId};

const LIST: &str = "audit";

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct AuditEntry {
    pub(crate) id: AuditId,
    /// Empty where nobody is known.
    pub(crate) actor: String,
    pub(crate) role: String,
    /// The operation of the contract, or what kind of refusal it was.
    pub(crate) action: String,
    /// What it was done to.
    pub(crate) subject: String,
    #[sqlx(rename = "detail_json", json)]
    pub(crate) detail: Value,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) created_at: Moment,
}

#[derive(Debug, Clone)]
pub(crate) struct NewAuditEntry {
    pub(crate) actor: String,
    pub(crate) role: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: Value,
    pub(crate) request_id: Option<RequestId>,
}

/// Which entries to list; `None` is any.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuditFilter {
    pub(crate) actor: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) since: Option<Timestamp>,
    /// Not included.
    pub(crate) until: Option<Timestamp>,
}

pub(crate) struct AuditLog<'s> {
    store: &'s Store,
}

impl<'s> AuditLog<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Adds all of them or none.
    pub(crate) async fn add(&self, entries: &[NewAuditEntry]) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        for new in entries {
            sqlx::query(
                "INSERT INTO audit_log
                     (id, actor, role, action, subject, detail_json, request_id, created_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(AuditId::new())
            .bind(&new.actor)
            .bind(&new.role)
            .bind(&new.action)
            .bind(&new.subject)
            .bind(Json(&new.detail))
            .bind(&new.request_id)
            .bind(Moment::now())
            .execute(&mut *transaction)
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Newest first.
    pub(crate) async fn list(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT * FROM audit_log
             WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR actor = ?2)
                 AND (?3 IS NULL OR action = ?3) AND (?4 IS NULL OR subject = ?4)
                 AND (?5 IS NULL OR created_at >= ?5) AND (?6 IS NULL OR created_at < ?6)
             ORDER BY id DESC LIMIT ?7",
        )
        .bind(page.after(LIST)?)
        .bind(&filter.actor)
        .bind(&filter.action)
        .bind(&filter.subject)
        .bind(filter.since.map(Moment::from))
        .bind(filter.until.map(Moment::from))
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |row: &AuditEntry| row.id.to_string()))
    }

    /// Removes the entries from before `oldest`; gives how many.
    pub(crate) async fn purge(&self, oldest: Timestamp) -> Result<u64, StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query("DELETE FROM audit_log WHERE created_at < ?")
            .bind(Moment::from(oldest))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}
