//! Sources that answer SQL, as the engine sees them.
//!
//! In: one query of the SQL writer and the columns its rows must come in. Out: rows as a stream
//! of Arrow batches, or as several where a source reads parts of a table at once. Connectors
//! implement [`Remote`]; the engine knows nothing of sockets.

use crate::sql::{Dialect, Sql};
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::physical_plan::SendableRecordBatchStream;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// One query to a source.
#[derive(Debug, Clone)]
pub struct RemoteQuery {
    /// Text and bound values, as the SQL writer made them. Nobody else writes one.
    pub sql: Sql,
    /// Columns by position. Rows come with exactly these names and types: what the server sends
    /// is converted without loss, or the query fails naming the column. Never rounded, never cut.
    pub schema: SchemaRef,
    /// The most rows there can be, where the query bounds them. A reader may choose its protocol
    /// by it; absent means there may be any number.
    pub at_most: Option<u64>,
    /// How the same rows are asked for in parts of their table, where that can be done.
    pub divided: Option<Divided>,
}

/// A query whose every row is one of a single table, as it is asked for a part of that table.
#[derive(Debug, Clone, PartialEq)]
pub struct Divided {
    /// The names of the table, as the catalog has them.
    pub schema: String,
    pub table: String,
    /// Text and values of the whole query, with two values more at the end: the place in the table
    /// from which rows are asked for, and the place before which, in the dialect's own form. As
    /// written, they are the first place there can be and the one behind the last. Rows of tables
    /// that inherit from this one are left out.
    pub sql: Sql,
}

/// Rows of a query, or of a part of it, and what was sent for them.
pub struct RemotePart {
    pub sql: Sql,
    pub rows: SendableRecordBatchStream,
}

/// A database that can be asked. One object a source, shared by all runs.
#[async_trait]
pub trait Remote: std::fmt::Debug + Send + Sync {
    /// Id of the source.
    fn source(&self) -> &str;

    /// What its SQL is written in.
    fn dialect(&self) -> Dialect;

    /// Starts a query in a read-only transaction of its own, with a deadline in the server, and
    /// streams its rows with back-pressure: no more than a few batches are held at once.
    /// Dropping the stream, or the future before there is one, ends the query in the server.
    ///
    /// # Errors
    /// `DataFusionError::External` holding the connector's own error, here or in the stream.
    async fn rows(&self, query: RemoteQuery) -> Result<SendableRecordBatchStream>;

    /// As [`Remote::rows`], by several connections where the query is [`Divided`], they are free
    /// and it is worth it: together the parts hold each row once, as of one moment, in no order.
    /// Who drops one part drops all; a part's error is the query's.
    ///
    /// Of `spare`, the places for connections that all runs share, a place is taken for each
    /// connection beyond the first, and only where it is free at once: whoever held one and waited
    /// for another could wait for ever.
    ///
    /// # Errors
    /// As [`Remote::rows`].
    async fn parts(
        &self,
        query: RemoteQuery,
        _spare: Option<Arc<Semaphore>>,
    ) -> Result<Vec<RemotePart>> {
        let sql = query.sql.clone();
        Ok(vec![RemotePart { sql, rows: self.rows(query).await? }])
    }
}
