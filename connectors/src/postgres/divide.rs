//! A large table read by several connections at once, as of one moment.
//!
//! In: a query for rows of one table, and how it is asked for a part of that. Out: a stream for
//! each part, or one for all. The first connection's transaction tells what it sees, and the others
//! begin with just that, so that together they are one read. Parts are ranges of the table's pages;
//! the last has no end, so that every row is in exactly one of them, however the table grows.
//!
//! Others are used only where they are free at once: nobody waits for one while he holds one. They
//! are asked for only where the server would read the table from end to end by one process; a view,
//! a partitioned or foreign table, one that others inherit from (a hypertable too), a server before
//! PostgreSQL 14 and one that does not tell what a transaction sees are read by one connection.

use super::PostgresSource;
use super::lease::{Lease, Snapshot, beginning, beginning_as_of};
use super::params::encoded;
use super::rows;
use crate::database::DatabaseError;
use crate::error::SourceError;
use air_engine::{Divided, RemotePart, RemoteQuery};
use datafusion::common::ScalarValue;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::future::try_join_all;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_postgres::Statement;
use tokio_postgres::types::{ToSql, Type};

/// Connections of one read beyond its first. Two read twice as fast where the server is the slower
/// side; more would take them from other runs.
const OTHERS: usize = 1;

/// Pages of a table, and rows of a query by the server's own estimate, below which the first
/// connection has read them before another is there.
const PAGES: i64 = 1_024;
const ROWS: f64 = 50_000.0;

/// How many pages a table has now, where ranges of them can be asked for: of tables whose rows are
/// all in its own pages, by servers that find a range without reading the others, and by users who
/// may read all its columns: who was granted some may not ask for places.
const SIZE: &str = "
    SELECT pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_am a ON a.oid = c.relam
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'm') AND a.amname = 'heap'
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid)
      AND pg_catalog.current_setting('server_version_num')::int4 >= 140000";

/// How a query is read, ready to be sent.
enum Reading {
    Whole(Statement),
    /// The pages of the table, and the query for a part: on the first connection, and on others
    /// that see the same.
    Divided(i64, Statement, Vec<(Lease, Statement)>),
}

impl PostgresSource {
    /// The rows of the query in as many parts as there are connections for.
    ///
    /// # Errors
    /// As one connection that reads all of it: what is refused of the rest is no error.
    pub(super) async fn divided(
        &self,
        query: &RemoteQuery,
        divided: &Divided,
        spare: Option<&Arc<Semaphore>>,
    ) -> Result<Vec<RemotePart>, SourceError> {
        let (lease, path) = self.taken().await?;
        let rows = match self.prepared(&lease, path, query, divided, spare).await {
            Ok(Reading::Divided(pages, first, others)) => {
                return Ok(self
                    .sent_in_parts(query, divided, pages, (lease, first), others)
                    .await?);
            }
            Ok(Reading::Whole(statement)) => rows::sent(&self.id, lease, &statement, query).await?,
            Err(refused @ DatabaseError::Server { .. }) => {
                tracing::debug!(source.id = %self.id, error = %refused, "no table is divided");
                self.anew(lease, path, query).await?
            }
            Err(error) => return Err(rows::over(lease, error).await.into()),
        };
        Ok(vec![RemotePart { sql: query.sql.clone(), rows }])
    }

    /// Begins, finds out whether dividing is worth it, and prepares what is then to be sent.
    async fn prepared(
        &self,
        lease: &Lease,
        path: Option<&str>,
        query: &RemoteQuery,
        divided: &Divided,
        spare: Option<&Arc<Semaphore>>,
    ) -> Result<Reading, DatabaseError> {
        let (statement, pages) = begun(lease, path, query, divided).await?;
        let Some(pages) = pages.filter(|pages| *pages >= PAGES) else {
            return Ok(Reading::Whole(statement));
        };
        if !self.is_long(lease, &statement, query).await? {
            return Ok(Reading::Whole(statement));
        }
        let others = self.others(spare).await;
        if others.is_empty() {
            return Ok(Reading::Whole(statement));
        }
        let snapshot = match exported(lease).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                given_back(others).await;
                return Err(error);
            }
        };
        let Some(snapshot) = snapshot else {
            given_back(others).await;
            return Ok(Reading::Whole(statement));
        };
        let begin = beginning_as_of(path, Some(&snapshot));
        let others = joined(others, &begin, divided).await;
        if others.is_empty() {
            return Ok(Reading::Whole(statement));
        }
        let first = lease.within(lease.client()?.prepare(&divided.sql.text)).await?;
        Ok(Reading::Divided(pages, first, others))
    }

    /// Whether the server would read the table from end to end by one process, for many rows.
    /// Parts of what an index finds would be looked for by each connection.
    async fn is_long(
        &self,
        lease: &Lease,
        statement: &Statement,
        query: &RemoteQuery,
    ) -> Result<bool, DatabaseError> {
        let text = format!("EXPLAIN (FORMAT JSON) {}", query.sql.text);
        let values = encoded(&self.id, &query.sql.params, statement.params())?;
        let values: Vec<(&(dyn ToSql + Sync), Type)> = values
            .iter()
            .zip(statement.params())
            .map(|(value, kind)| (value as &(dyn ToSql + Sync), kind.clone()))
            .collect();
        let found = lease.within(lease.client()?.query_typed(&text, &values)).await?;
        let Some(row) = found.first() else { return Ok(false) };
        let plan: rows::Raw<'_> = row.try_get(0).map_err(|e| lease.fault(&e))?;
        let plan: Option<serde_json::Value> = serde_json::from_slice(plan.0).ok();
        let plan = plan.as_ref().map(|told| &told[0]["Plan"]);
        Ok(plan.is_some_and(|node| {
            node["Node Type"] == "Seq Scan" && node["Plan Rows"].as_f64().is_some_and(|n| n >= ROWS)
        }))
    }

    /// Further connections, as far as they are free.
    async fn others(&self, spare: Option<&Arc<Semaphore>>) -> Vec<Lease> {
        let mut others = Vec::new();
        let Some(ready) = self.ready.get() else { return others };
        while others.len() < OTHERS
            && let Some(lease) = Lease::spare(&ready.pool, &ready.wire, &self.faults, spare).await
        {
            others.push(lease);
        }
        others
    }

    /// All parts are sent before there is a row of any: the first error ends them all.
    async fn sent_in_parts(
        &self,
        query: &RemoteQuery,
        divided: &Divided,
        pages: i64,
        first: (Lease, Statement),
        others: Vec<(Lease, Statement)>,
    ) -> Result<Vec<RemotePart>, DatabaseError> {
        let parts = parts(query, divided, pages, others.len() + 1);
        let connections = std::iter::once(first).chain(others);
        try_join_all(connections.zip(parts).map(|((lease, statement), part)| async move {
            let rows = rows::sent(&self.id, lease, &statement, &part).await?;
            Ok(RemotePart { sql: part.sql, rows })
        }))
        .await
    }

    /// The whole query in another transaction, where the one of `lease` failed of dividing it.
    async fn anew(
        &self,
        lease: Lease,
        path: Option<&str>,
        query: &RemoteQuery,
    ) -> Result<SendableRecordBatchStream, DatabaseError> {
        let rolled_back = async { lease.within(lease.client()?.batch_execute("ROLLBACK")).await };
        match rolled_back.await {
            Ok(()) => rows::rows(&self.id, lease, &beginning(path, None), query).await,
            Err(error) => Err(rows::over(lease, error).await),
        }
    }
}

/// Begins a transaction that others can join, has the whole query prepared, and asks how many
/// pages there are, on one way there and back.
async fn begun(
    lease: &Lease,
    path: Option<&str>,
    query: &RemoteQuery,
    divided: &Divided,
) -> Result<(Statement, Option<i64>), DatabaseError> {
    let client = lease.client()?;
    let begin = beginning_as_of(path, None);
    let table: [(&(dyn ToSql + Sync), Type); 2] =
        [(&divided.schema, Type::TEXT), (&divided.table, Type::TEXT)];
    let all = async {
        let (begun, statement, size) = futures::join!(
            client.batch_execute(&begin),
            client.prepare(&query.sql.text),
            client.query_typed(SIZE, &table)
        );
        begun?;
        let (statement, size) = (statement?, size?);
        let pages: Option<Option<i64>> = size.first().map(|row| row.try_get(0)).transpose()?;
        Ok::<_, tokio_postgres::Error>((statement, pages.flatten()))
    };
    lease.within(all).await
}

/// What the transaction sees, for others to join while it is open.
async fn exported(lease: &Lease) -> Result<Option<Snapshot>, DatabaseError> {
    let sql = "SELECT pg_catalog.pg_export_snapshot()";
    let found = lease.within(lease.client()?.query_typed(sql, &[])).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let name: &str = row.try_get(0).map_err(|e| lease.fault(&e))?;
    Ok(Snapshot::named(name))
}

/// Those connections that see the same, with the query for a part prepared. One that does not, as
/// behind a proxy that leads to another server, is given back.
async fn joined(others: Vec<Lease>, begin: &str, divided: &Divided) -> Vec<(Lease, Statement)> {
    let mut joined = Vec::with_capacity(others.len());
    for lease in others {
        match lease.prepare(begin, &divided.sql.text).await {
            Ok(statement) => joined.push((lease, statement)),
            Err(error) => {
                let error = rows::over(lease, error).await;
                tracing::debug!(source.id = %error.source_id(), %error, "a connection cannot join");
            }
        }
    }
    joined
}

async fn given_back(leases: Vec<Lease>) {
    for lease in leases {
        lease.end().await;
    }
}

/// The query for each of so many parts, in the order of the table's pages.
fn parts(query: &RemoteQuery, divided: &Divided, pages: i64, count: usize) -> Vec<RemoteQuery> {
    let own = divided.sql.params.len().saturating_sub(2);
    let (values, ends) = divided.sql.params.split_at(own);
    let count = i64::try_from(count).unwrap_or(1);
    // Before the first page that is counted and behind the last one nothing is left out.
    let inner = (1..count).map(|i| ScalarValue::from(format!("({},0)", pages * i / count)));
    let bounds: Vec<ScalarValue> =
        ends.iter().take(1).cloned().chain(inner).chain(ends.iter().skip(1).cloned()).collect();
    let between = bounds.windows(2);
    let part = |ends: &[ScalarValue]| {
        let mut sql = divided.sql.clone();
        sql.params = [values, ends].concat();
        RemoteQuery { sql, schema: Arc::clone(&query.schema), at_most: None, divided: None }
    };
    between.map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use air_engine::{Dialect, Sql};
    use datafusion::arrow::datatypes::Schema;

    /// Every place a row can have is in one part and no other, whatever the size that was told.
    #[test]
    fn parts_leave_nothing_out_and_nothing_twice() {
        let sql = |params| Sql { dialect: Dialect::Postgres, text: String::new(), params };
        let texts = |all: &[&str]| all.iter().map(|t| ScalarValue::from(*t)).collect::<Vec<_>>();
        let whole = RemoteQuery {
            sql: sql(Vec::new()),
            schema: Arc::new(Schema::empty()),
            at_most: None,
            divided: None,
        };
        let divided = Divided {
            schema: "s".to_owned(),
            table: "t".to_owned(),
            sql: sql(texts(&["of the query", "(0,0)", "(4294967295,0)"])),
        };
        let bounds = |pages, count| -> Vec<Vec<ScalarValue>> {
            parts(&whole, &divided, pages, count).into_iter().map(|p| p.sql.params).collect()
        };
        let expected = [
            texts(&["of the query", "(0,0)", "(1000,0)"]),
            texts(&["of the query", "(1000,0)", "(2001,0)"]),
            texts(&["of the query", "(2001,0)", "(4294967295,0)"]),
        ];
        assert_eq!(bounds(3_002, 3), expected);
        assert_eq!(bounds(4_294_967_294, 2)[1][1], ScalarValue::from("(2147483647,0)"));
        assert_eq!(bounds(0, 1), [texts(&["of the query", "(0,0)", "(4294967295,0)"])]);
    }
}
