//! Keys of published endpoints. One goes with its revocation, and with its endpoint.

use jiff::Span;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;

use super::error::StoreError;
use super::{Moment, Page, PageRequest, Store};
use crate::id::{EndpointKeyId, ReportId, ReportKey};

const WHAT: &str = "key";
const LIST: &str = "endpoint_keys";
/// Keys of one endpoint.
const MOST: i64 = 100;
/// How far the time of the last use may be behind: not each call is a write.
const USE_IS_OLD: i64 = 60;

#[derive(Debug, Clone, PartialEq, FromRow)]
pub(crate) struct EndpointKey {
    pub(crate) id: EndpointKeyId,
    /// Of its endpoint.
    pub(crate) slug: ReportKey,
    pub(crate) name: String,
    pub(crate) hash: Vec<u8>,
    /// As whom it calls.
    #[sqlx(rename = "principal_json", json)]
    pub(crate) principal: Value,
    pub(crate) created_by: String,
    pub(crate) created_at: Moment,
    pub(crate) last_used_at: Option<Moment>,
}

#[derive(Debug, Clone)]
pub(crate) struct NewEndpointKey {
    pub(crate) id: EndpointKeyId,
    pub(crate) report_id: ReportId,
    pub(crate) name: String,
    pub(crate) hash: [u8; 32],
    pub(crate) principal: Value,
    pub(crate) created_by: String,
}

/// Keys of endpoints that are in use.
macro_rules! keys {
    () => {
        "SELECT k.id, r.key AS slug, k.name, k.hash, k.principal_json, k.created_by, k.created_at,
             k.last_used_at
         FROM endpoint_keys k JOIN reports r ON r.id = k.report_id AND r.archived = 0"
    };
}

pub(crate) struct EndpointKeys<'s> {
    store: &'s Store,
}

impl<'s> EndpointKeys<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Adds a key, where the endpoint has not too many.
    pub(crate) async fn create(&self, new: &NewEndpointKey) -> Result<EndpointKey, StoreError> {
        let mut transaction = self.store.write().await?;
        let there: i64 =
            sqlx::query_scalar("SELECT count(*) FROM endpoint_keys WHERE report_id = ?")
                .bind(&new.report_id)
                .fetch_one(&mut *transaction)
                .await?;
        if there >= MOST {
            return Err(StoreError::TooMany { what: "this endpoint's keys", most: MOST });
        }
        sqlx::query(
            "INSERT INTO endpoint_keys
                 (id, report_id, name, hash, principal_json, created_by, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&new.id)
        .bind(&new.report_id)
        .bind(&new.name)
        .bind(new.hash.as_slice())
        .bind(Json(&new.principal))
        .bind(&new.created_by)
        .bind(Moment::now())
        .execute(&mut *transaction)
        .await
        .map_err(|error| StoreError::on_insert(error, WHAT, &new.id))?;
        transaction.commit().await?;
        self.find(&new.id).await?.ok_or_else(|| StoreError::not_found(WHAT, &new.id))
    }

    /// A key of an endpoint that is in use.
    pub(crate) async fn find(&self, id: &EndpointKeyId) -> Result<Option<EndpointKey>, StoreError> {
        let query = sqlx::query_as(concat!(keys!(), " WHERE k.id = ?")).bind(id);
        Ok(query.fetch_optional(self.store.reader()).await?)
    }

    /// Those of an endpoint, oldest first.
    pub(crate) async fn list(
        &self,
        report: &ReportId,
        page: &PageRequest,
    ) -> Result<Page<EndpointKey>, StoreError> {
        let rows = sqlx::query_as(concat!(
            keys!(),
            " WHERE k.report_id = ? AND k.id > ? ORDER BY k.id LIMIT ?"
        ))
        .bind(report)
        .bind(page.after(LIST)?.unwrap_or_default())
        .bind(page.fetch())
        .fetch_all(self.store.reader())
        .await?;
        Ok(page.page(LIST, rows, |row: &EndpointKey| row.id.to_string()))
    }

    /// Says that a key was used, unless that was said a moment ago.
    pub(crate) async fn used(&self, key: &EndpointKey) -> Result<(), StoreError> {
        let now = Moment::now();
        let old = now.timestamp().checked_sub(Span::new().seconds(USE_IS_OLD)).ok();
        let is_said = key.last_used_at.zip(old).is_some_and(|(at, old)| at.timestamp() > old);
        if is_said {
            return Ok(());
        }
        let mut transaction = self.store.write().await?;
        sqlx::query("UPDATE endpoint_keys SET last_used_at = ? WHERE id = ?")
            .bind(now)
            .bind(&key.id)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// Takes a key of an endpoint out of use.
    pub(crate) async fn revoke(
        &self,
        report: &ReportId,
        id: &EndpointKeyId,
    ) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        let done = sqlx::query("DELETE FROM endpoint_keys WHERE id = ? AND report_id = ?")
            .bind(id)
            .bind(report)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::not_found(WHAT, id));
        }
        Ok(transaction.commit().await?)
    }
}
