//! Idempotency keys: a request that is sent twice is done once.
//!
//! In: owner, route, key and the hash of the body. Out: whether to do it, to give the first
//! answer again, or to refuse. A key lives 24 hours.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;

use super::error::StoreError;
use super::{Moment, Store};
use crate::id::ProcessId;

const LIFETIME: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestKey {
    pub(crate) owner: String,
    /// Method and path, with its parameters filled in.
    pub(crate) route: String,
    pub(crate) key: String,
}

/// What to do with a request that carries a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Claim {
    /// Do it, then `complete` or `release` the key.
    New,
    /// The same request is being done now.
    InFlight,
    /// The key was used with another body.
    OtherBody,
    /// It was done; this was the answer.
    Done { status: u16, response: Value },
}

pub(crate) struct IdempotencyKeys<'s> {
    store: &'s Store,
}

impl<'s> IdempotencyKeys<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    pub(crate) async fn claim(
        &self,
        request: &RequestKey,
        body_hash: &str,
    ) -> Result<Claim, StoreError> {
        self.claim_at(request, body_hash, Timestamp::now()).await
    }

    /// `now` is given by tests.
    pub(super) async fn claim_at(
        &self,
        request: &RequestKey,
        body_hash: &str,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let mut transaction = self.store.write().await?;
        let oldest = now.checked_sub(LIFETIME).unwrap_or(Timestamp::MIN);
        sqlx::query("DELETE FROM idempotency_keys WHERE created_at < ?")
            .bind(Moment::from(oldest))
            .execute(&mut *transaction)
            .await?;
        let found: Option<(String, Option<u16>, Option<Json<Value>>)> = sqlx::query_as(
            "SELECT body_hash, status, response_json FROM idempotency_keys
             WHERE owner = ? AND route = ? AND key = ?",
        )
        .bind(&request.owner)
        .bind(&request.route)
        .bind(&request.key)
        .fetch_optional(&mut *transaction)
        .await?;
        let claim = match found {
            Some((hash, _, _)) if hash != body_hash => Claim::OtherBody,
            Some((_, Some(status), Some(Json(response)))) => Claim::Done { status, response },
            Some(_) => Claim::InFlight,
            None => {
                sqlx::query(
                    "INSERT INTO idempotency_keys
                         (owner, route, key, body_hash, process_id, created_at)
                     VALUES (?, ?, ?, ?, ?, ?)",
                )
                .bind(&request.owner)
                .bind(&request.route)
                .bind(&request.key)
                .bind(body_hash)
                .bind(self.store.process())
                .bind(Moment::from(now))
                .execute(&mut *transaction)
                .await?;
                Claim::New
            }
        };
        transaction.commit().await?;
        Ok(claim)
    }

    /// Keeps the answer, for who asks again.
    pub(crate) async fn complete(
        &self,
        request: &RequestKey,
        status: u16,
        response: &Value,
    ) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query(
            "UPDATE idempotency_keys SET status = ?, response_json = ?
             WHERE owner = ? AND route = ? AND key = ? AND status IS NULL",
        )
        .bind(status)
        .bind(Json(response))
        .bind(&request.owner)
        .bind(&request.route)
        .bind(&request.key)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Lets go of a key whose request failed in a way that another try may mend.
    pub(crate) async fn release(&self, request: &RequestKey) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query(
            "DELETE FROM idempotency_keys
             WHERE owner = ? AND route = ? AND key = ? AND status IS NULL",
        )
        .bind(&request.owner)
        .bind(&request.route)
        .bind(&request.key)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// The processes that have keys in flight.
    pub(crate) async fn holders(&self) -> Result<Vec<ProcessId>, StoreError> {
        let query = "SELECT DISTINCT process_id FROM idempotency_keys WHERE status IS NULL";
        Ok(sqlx::query_scalar(query).fetch_all(self.store.reader()).await?)
    }

    /// Lets go of the keys that a dead process left in flight.
    pub(crate) async fn release_interrupted(&self, process: &ProcessId) -> Result<u64, StoreError> {
        let mut transaction = self.store.write().await?;
        let done =
            sqlx::query("DELETE FROM idempotency_keys WHERE status IS NULL AND process_id = ?")
                .bind(process)
                .execute(&mut *transaction)
                .await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }
}
