//! Sources that answer SQL, as the engine sees them.
//!
//! In: one query of the SQL writer and the columns its rows must come in. Out: rows as a stream
//! of Arrow batches. Connectors implement [`Remote`]; the engine knows nothing of sockets.

use crate::sql::{Dialect, Sql};
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::physical_plan::SendableRecordBatchStream;

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
}
