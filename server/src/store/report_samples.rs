//! The first rows of a run, kept with it. Written with the run's end, in its transaction.

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{QueryBuilder, Sqlite, SqlitePool, Transaction};

use super::error::StoreError;
use crate::id::RunId;

/// How many rows of a run are kept.
pub(super) const SAMPLE_ROWS: usize = 50;

pub(super) async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    run: &RunId,
    rows: &[Value],
) -> Result<(), StoreError> {
    let rows = &rows[..rows.len().min(SAMPLE_ROWS)];
    if rows.is_empty() {
        return Ok(());
    }
    let mut query =
        QueryBuilder::<Sqlite>::new("INSERT INTO report_samples (run_id, seq, row_json) ");
    query.push_values((0_i64..).zip(rows), |mut values, (seq, row)| {
        values.push_bind(run).push_bind(seq).push_bind(Json(row));
    });
    query.build().execute(&mut **transaction).await?;
    Ok(())
}

pub(super) async fn list(reader: &SqlitePool, run: &RunId) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<Json<Value>> =
        sqlx::query_scalar("SELECT row_json FROM report_samples WHERE run_id = ? ORDER BY seq")
            .bind(run)
            .fetch_all(reader)
            .await?;
    Ok(rows.into_iter().map(|Json(row)| row).collect())
}
