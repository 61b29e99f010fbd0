//! PostgreSQL as a source, over a real server.

mod access;
mod cancel;
mod collations;
mod divide;
mod learn;
mod literals;
mod read_only;
mod server;
mod types;

use air_connectors::{PostgresSource, SourceError, explain};
use air_engine::{Dialect, Remote, RemoteQuery, Sql};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use futures::TryStreamExt;
use std::sync::Arc;

/// How a result is read: by `COPY`, or by a prepared statement.
const BOTH: [Option<u64>; 2] = [None, Some(5_000)];

fn query(
    sql: &str,
    params: &[ScalarValue],
    types: &[DataType],
    at_most: Option<u64>,
) -> RemoteQuery {
    let fields =
        types.iter().enumerate().map(|(i, t)| Field::new(format!("c{i}"), t.clone(), true));
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let (text, params) = (sql.to_owned(), params.to_vec());
    let sql = Sql { dialect: Dialect::Postgres, text, params };
    RemoteQuery { sql, schema, at_most, divided: None }
}

/// All rows as one batch.
async fn read(source: &PostgresSource, query: RemoteQuery) -> Result<RecordBatch, SourceError> {
    let schema = Arc::clone(&query.schema);
    let stream = source.rows(query).await.map_err(|e| explain(&e))?;
    let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| explain(&e))?;
    Ok(concat_batches(&schema, &batches).unwrap())
}

/// The same by both ways, which must agree.
async fn read_both(
    source: &PostgresSource,
    sql: &str,
    params: &[ScalarValue],
    types: &[DataType],
) -> Result<RecordBatch, SourceError> {
    let copied = read(source, query(sql, params, types, BOTH[0])).await;
    let prepared = read(source, query(sql, params, types, BOTH[1])).await;
    assert_eq!(copied, prepared, "{sql}");
    copied
}
