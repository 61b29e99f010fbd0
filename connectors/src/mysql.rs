//! MySQL 8.0 and MariaDB 10.5 or later as a source.
//!
//! In: a DSN. Out: the database's catalog, and rows as Arrow batches. Read-only by its user's
//! rights, by the session and by each query's transaction. Deliberately absent: writing SQL for
//! questions, which the engine does.
//!
//! The tests run on MariaDB. What MySQL 8 does otherwise is told apart by what the server says of
//! itself, its name in `VERSION()`, or needs no telling apart:
//! - the deadline is `max_execution_time` in place of `max_statement_time` (see `server`);
//! - JSON is a type, not a check (`learn::types`), and `check_constraints` names no table;
//! - rights that come by roles have to be asked for (`server`), and there are dynamic ones (`grants`);
//! - a placeholder may come back as text (`decode::number`);
//! - `EXPLAIN` gives a cost, MariaDB before 11 only rows (`plan_cost`).

mod calendar;
mod decode;
mod dsn;
mod failure;
mod grants;
mod learn;
mod params;
mod plan_cost;
mod query;
mod server;

use crate::database::{DatabaseError, DatabaseOptions, check_id};
use crate::error::SourceError;
use crate::files::{Health, LearnOptions};
use air_engine::{Dialect, Remote, RemoteQuery, Sql};
use air_ir::Catalog;
use async_trait::async_trait;
use datafusion::error::Result as EngineResult;
use datafusion::physical_plan::SendableRecordBatchStream;
use dsn::Dsn;
use mysql_async::prelude::Queryable;
use secrecy::SecretString;
use server::Server;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// A MySQL or MariaDB server, asked as one user. Connections are made at need.
pub struct MysqlSource {
    server: Arc<Server>,
}

impl MysqlSource {
    /// Reads and checks the DSN; nothing is connected yet.
    ///
    /// # Errors
    /// [`DatabaseError::Dsn`] naming what is wrong, never a secret.
    pub fn open(
        id: &str,
        dsn: &SecretString,
        options: DatabaseOptions,
    ) -> Result<Self, SourceError> {
        check_id(id)?;
        let dsn =
            Dsn::parse(dsn).map_err(|reason| DatabaseError::Dsn { id: id.to_owned(), reason })?;
        Ok(Self { server: Arc::new(Server::new(id.to_owned(), dsn, options)) })
    }

    /// What the DSN's database holds, or every database its user may read where it names none.
    ///
    /// # Errors
    /// Where the server cannot be reached or read.
    pub async fn learn(
        &self,
        options: &LearnOptions,
        progress: impl Fn(&str, u8) + Send + Sync,
    ) -> Result<Catalog, SourceError> {
        learn::catalog(&self.server, options, &progress).await
    }

    /// Whether the server answers and its user may still only read.
    ///
    /// # Errors
    /// Where it does not, or may do more.
    pub async fn health(&self) -> Result<Health, SourceError> {
        let server = &self.server;
        let found = server.found().await?;
        let mut conn = server.connection().await?;
        let begin = Instant::now();
        let ping = async { conn.ping().await.map_err(|e| server.failure(&e).into()) };
        server.within("a ping", ping).await?;
        let latency_ms = begin.elapsed().as_secs_f64() * 1000.0;
        server.within("reading the user's rights", server.check_rights(&mut conn)).await?;
        let product = if found.version.mariadb { "MariaDB" } else { "MySQL" };
        Ok(Health { latency_ms, detail: format!("{product} {}", found.version.text) })
    }

    /// What the server expects a query to cost: its own measure on MySQL, the rows it expects to
    /// look at on MariaDB.
    ///
    /// # Errors
    /// Where the server does not explain the query.
    pub async fn cost(&self, sql: &Sql) -> Result<f64, SourceError> {
        plan_cost::cost(&self.server, sql).await
    }
}

#[async_trait]
impl Remote for MysqlSource {
    fn source(&self) -> &str {
        &self.server.id
    }

    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    async fn rows(&self, query: RemoteQuery) -> EngineResult<SendableRecordBatchStream> {
        Ok(query::rows(Arc::clone(&self.server), query))
    }
}

impl fmt::Debug for MysqlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dsn = &self.server.dsn;
        f.debug_struct("MysqlSource")
            .field("id", &self.server.id)
            .field("address", &dsn.address())
            .field("user", &dsn.user)
            .finish_non_exhaustive()
    }
}
