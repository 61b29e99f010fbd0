//! Drafts that models gave, by a hash of all they depend on; and vectors of schema notes.

use std::collections::HashMap;

use super::error::StoreError;
use super::{Moment, Store};

/// Older drafts go when there are more.
const MOST_DRAFTS: i64 = 10_000;
/// Vectors of notes that changed since are never asked for, so the oldest go when there are more.
const MOST_VECTORS: i64 = 20_000;
/// SQLite takes so many values in one statement with room to spare.
const MOST_HASHES: usize = 500;

pub(crate) struct ModelDrafts<'s> {
    store: &'s Store,
}

impl<'s> ModelDrafts<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Self { store }
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT draft FROM model_drafts WHERE key = ?");
        Ok(query.bind(key).fetch_optional(self.store.reader()).await?)
    }

    pub(crate) async fn put(&self, key: &str, model: &str, draft: &str) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        sqlx::query(
            "INSERT INTO model_drafts (key, model, draft, created_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET draft = excluded.draft,
                 created_at = excluded.created_at",
        )
        .bind(key)
        .bind(model)
        .bind(draft)
        .bind(Moment::now())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM model_drafts WHERE key IN (
                 SELECT key FROM model_drafts ORDER BY created_at DESC LIMIT -1 OFFSET ?)",
        )
        .bind(MOST_DRAFTS)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// The vectors that are known, by the hash of their note.
    pub(crate) async fn vectors(
        &self,
        model: &str,
        hashes: &[String],
    ) -> Result<HashMap<String, Vec<f32>>, StoreError> {
        let mut found = HashMap::new();
        for some in hashes.chunks(MOST_HASHES) {
            let list = serde_json::to_string(some).unwrap_or_default();
            let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
                "SELECT md_hash, vector FROM note_embeddings
                 WHERE model = ? AND md_hash IN (SELECT value FROM json_each(?))",
            )
            .bind(model)
            .bind(list)
            .fetch_all(self.store.reader())
            .await?;
            found.extend(rows.into_iter().map(|(hash, bytes)| (hash, floats(&bytes))));
        }
        Ok(found)
    }

    pub(crate) async fn put_vectors(
        &self,
        model: &str,
        vectors: &[(String, Vec<f32>)],
    ) -> Result<(), StoreError> {
        let mut transaction = self.store.write().await?;
        for (hash, vector) in vectors {
            let bytes: Vec<u8> = vector.iter().flat_map(|n| n.to_le_bytes()).collect();
            sqlx::query(
                "INSERT INTO note_embeddings (model, md_hash, vector, created_at)
                 VALUES (?, ?, ?, ?)
                 ON CONFLICT (model, md_hash) DO UPDATE SET vector = excluded.vector,
                     created_at = excluded.created_at",
            )
            .bind(model)
            .bind(hash)
            .bind(bytes)
            .bind(Moment::now())
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query(
            "DELETE FROM note_embeddings WHERE (model, md_hash) IN (
                 SELECT model, md_hash FROM note_embeddings
                 ORDER BY created_at DESC LIMIT -1 OFFSET ?)",
        )
        .bind(MOST_VECTORS)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let four = |part: &[u8]| part.try_into().ok().map(f32::from_le_bytes);
    bytes.chunks_exact(4).filter_map(four).collect()
}
