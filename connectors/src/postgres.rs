//! PostgreSQL and TimescaleDB as a source.
//!
//! In: a DSN, and queries of the SQL writer. Out: a catalog, and rows as Arrow batches, read-only
//! in a transaction of their own. Deliberately absent: writing SQL for analysis, which is the
//! engine's, and everything that is not reading.

mod batches;
mod decode;
mod divide;
mod dsn;
mod faults;
mod inline;
mod learn;
mod lease;
mod numeric;
mod params;
mod rows;
mod session;
mod tls;
mod wire;

use crate::database::{DatabaseError, DatabaseOptions, check_id, external};
use crate::error::SourceError;
use crate::files::Health;
use air_engine::{Dialect, Remote, RemotePart, RemoteQuery, Sql};
use air_ir::catalog::SourceKind;
use async_trait::async_trait;
use datafusion::common::Result as EngineResult;
use datafusion::physical_plan::SendableRecordBatchStream;
use deadpool_postgres::Pool;
use dsn::Dsn;
use faults::Faults;
use lease::{Lease, beginning};
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OnceCell, Semaphore};
use wire::Wire;

/// A database server, connected to when it is first asked.
pub struct PostgresSource {
    id: String,
    kind: SourceKind,
    dsn: Dsn,
    options: DatabaseOptions,
    connect_timeout: Duration,
    faults: Arc<Faults>,
    ready: OnceCell<Ready>,
    path: OnceCell<Option<String>>,
}

/// What there is once the host's address is known, which then stays.
struct Ready {
    pool: Pool,
    wire: Wire,
}

impl fmt::Debug for PostgresSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSource")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("address", &self.faults.address)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl PostgresSource {
    /// Parses and checks the DSN; nothing is connected to yet.
    ///
    /// # Errors
    /// [`SourceError::BadId`], or [`DatabaseError::Dsn`] with the part that is wrong.
    pub fn open(
        id: &str,
        kind: SourceKind,
        dsn: &SecretString,
        options: DatabaseOptions,
    ) -> Result<Self, SourceError> {
        check_id(id)?;
        let dsn =
            Dsn::parse(dsn).map_err(|reason| DatabaseError::Dsn { id: id.to_owned(), reason })?;
        let connect_timeout = dsn.connect_timeout.unwrap_or(options.connect_timeout);
        let faults = Arc::new(Faults {
            id: id.to_owned(),
            user: dsn.user.clone(),
            address: format!("{}:{}", dsn.host, dsn.port),
            connections: options.max_connections.max(1),
            connect_timeout,
            statement_timeout: options.statement_timeout,
        });
        let (ready, path) = (OnceCell::new(), OnceCell::new());
        let id = id.to_owned();
        Ok(Self { id, kind, dsn, options, connect_timeout, faults, ready, path })
    }

    /// Whether the server answers, how long it took, and what it is.
    ///
    /// # Errors
    /// Why it could not be asked.
    pub async fn health(&self) -> Result<Health, SourceError> {
        let begin = Instant::now();
        let lease = self.begin().await?;
        let asked = self.versions(&lease).await;
        lease.end().await;
        let detail = asked?;
        Ok(Health { latency_ms: begin.elapsed().as_secs_f64() * 1000.0, detail })
    }

    async fn versions(&self, lease: &Lease) -> Result<String, DatabaseError> {
        let sql = "SELECT current_setting('server_version'),
            (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'timescaledb')";
        let row = lease.within(lease.client()?.query_one(sql, &[])).await?;
        let server: String = row.try_get(0).map_err(|e| lease.fault(&e))?;
        let timescale: Option<String> = row.try_get(1).map_err(|e| lease.fault(&e))?;
        Ok(match timescale {
            Some(version) => format!("PostgreSQL {server}, TimescaleDB {version}"),
            None => format!("PostgreSQL {server}"),
        })
    }

    /// The server's own estimate of what a query costs, in its units.
    ///
    /// # Errors
    /// Where it refuses the query or does not tell.
    pub async fn cost(&self, sql: &Sql) -> Result<f64, SourceError> {
        let lease = self.begin().await?;
        let cost = self.estimate(&lease, sql).await;
        lease.end().await;
        Ok(cost?)
    }

    async fn estimate(&self, lease: &Lease, sql: &Sql) -> Result<f64, DatabaseError> {
        let client = lease.client()?;
        let text = format!("EXPLAIN (FORMAT JSON) {}", sql.text);
        let statement = lease.within(client.prepare(&text)).await?;
        let values = params::encoded(&self.id, &sql.params, statement.params())?;
        let values: Vec<_> =
            values.iter().map(|v| v as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
        let row = lease.within(client.query_one(&statement, &values)).await?;
        let plan: rows::Raw<'_> = row.try_get(0).map_err(|e| lease.fault(&e))?;
        let plan: Option<serde_json::Value> = serde_json::from_slice(plan.0).ok();
        let cost = plan.as_ref().and_then(|p| p[0]["Plan"]["Total Cost"].as_f64());
        cost.ok_or_else(|| DatabaseError::Answer {
            id: self.id.clone(),
            reason: "the server told no cost".to_owned(),
        })
    }

    async fn ready(&self) -> Result<&Ready, SourceError> {
        self.ready
            .get_or_try_init(|| async {
                let (host, port) = (&self.dsn.host, self.dsn.port);
                let hosts = &self.options.allowed_hosts;
                let address = hosts.resolve(&self.id, host, port, self.connect_timeout).await?;
                let tls = tls::connector(&self.dsn)
                    .map_err(|reason| DatabaseError::Tls { id: self.id.clone(), reason })?;
                let wire = Wire {
                    address,
                    host: host.clone(),
                    tls,
                    connect_timeout: self.connect_timeout,
                };
                let pool = session::pool(&self.dsn, wire.clone(), &self.options);
                let pool = pool.map_err(|e| SourceError::Engine { reason: e.to_string() })?;
                Ok(Ready { pool, wire })
            })
            .await
    }

    /// A session in which nothing has begun, and the path its transactions are to have.
    async fn taken(&self) -> Result<(Lease, Option<&str>), SourceError> {
        let ready = self.ready().await?;
        let path = self.path(ready).await?.as_deref();
        Ok((Lease::take(&ready.pool, &ready.wire, &self.faults).await?, path))
    }

    async fn begin(&self) -> Result<Lease, SourceError> {
        let ready = self.ready().await?;
        let path = self.path(ready).await?;
        Ok(Lease::begin(&ready.pool, &ready.wire, &self.faults, path.as_deref()).await?)
    }

    /// Where TimescaleDB's functions are, for sources that are to have them: its extension may be
    /// in any schema, and names without one are looked for in `pg_catalog` alone.
    async fn path(&self, ready: &Ready) -> Result<&Option<String>, SourceError> {
        self.path
            .get_or_try_init(|| async {
                if self.kind != SourceKind::Timescaledb {
                    return Ok(None);
                }
                let lease = Lease::begin(&ready.pool, &ready.wire, &self.faults, None).await?;
                let sql = "SELECT DISTINCT quote_ident(n.nspname) FROM pg_catalog.pg_proc p
                    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.proname = 'time_bucket'";
                let rows = lease.within(lease.client()?.query(sql, &[])).await;
                lease.end().await;
                match rows?.as_slice() {
                    [] => Ok(None),
                    [row] => {
                        let schema: String = row.try_get(0).map_err(|e| self.faults.of(&e))?;
                        Ok(Some(format!("pg_catalog, {schema}")))
                    }
                    _ => Err(DatabaseError::Answer {
                        id: self.id.clone(),
                        reason: "several schemas have a function time_bucket; remove those that \
                                 are not TimescaleDB's"
                            .to_owned(),
                    }
                    .into()),
                }
            })
            .await
    }
}

#[async_trait]
impl Remote for PostgresSource {
    fn source(&self) -> &str {
        &self.id
    }

    fn dialect(&self) -> Dialect {
        match self.kind {
            SourceKind::Timescaledb => Dialect::Timescaledb,
            _ => Dialect::Postgres,
        }
    }

    async fn rows(&self, query: RemoteQuery) -> EngineResult<SendableRecordBatchStream> {
        let (lease, path) = self.taken().await.map_err(external)?;
        let begin = beginning(path, None);
        Ok(rows::rows(&self.id, lease, &begin, &query).await?)
    }

    async fn parts(
        &self,
        query: RemoteQuery,
        spare: Option<Arc<Semaphore>>,
    ) -> EngineResult<Vec<RemotePart>> {
        match &query.divided {
            Some(divided) if query.at_most.is_none() => {
                self.divided(&query, divided, spare.as_ref()).await.map_err(external)
            }
            _ => Ok(vec![RemotePart { sql: query.sql.clone(), rows: self.rows(query).await? }]),
        }
    }
}
