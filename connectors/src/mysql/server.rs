//! Connections to one server: found once, checked once, then pooled.
//!
//! In: a DSN and options. Out: connections in a session where results are exact, in UTC, with a
//! deadline kept by the server. Deliberately absent: queries.

use super::dsn::{Dsn, Tls};
use super::grants::beyond_reading;
use crate::database::{DatabaseError, DatabaseOptions};
use crate::error::SourceError;
use mysql_async::prelude::Queryable;
use mysql_async::{
    Conn, DriverError, Error, Opts, OptsBuilder, Pool, PoolConstraints, PoolOpts, SslOpts,
};
use secrecy::ExposeSecret;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
/// What the client waits beyond a limit that the server keeps itself.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// Prepared statements a connection keeps.
const STATEMENTS: usize = 64;

/// One server as one user.
pub(super) struct Server {
    pub(super) id: String,
    pub(super) dsn: Dsn,
    pub(super) options: DatabaseOptions,
    /// What goes ahead of every query.
    pub(super) begin: String,
    found: OnceCell<Found>,
}

/// What is known of the server since it was first reached.
#[derive(Clone)]
pub(super) struct Found {
    /// For connections outside the pool.
    pub(super) opts: Opts,
    pool: Pool,
    pub(super) version: Version,
}

/// Which server it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) mariadb: bool,
    /// As the server writes it.
    pub(super) text: String,
}

impl Server {
    pub(super) fn new(id: String, dsn: Dsn, options: DatabaseOptions) -> Self {
        let session = session(options.statement_timeout);
        let begin = format!("{session}; START TRANSACTION READ ONLY");
        Self { id, dsn, options, begin, found: OnceCell::new() }
    }

    /// The server, its address resolved and its user's rights checked at the first call.
    pub(super) async fn found(&self) -> Result<&Found, SourceError> {
        self.found.get_or_try_init(|| self.find()).await
    }

    /// A connection of the pool.
    pub(super) async fn connection(&self) -> Result<Conn, SourceError> {
        let pool = self.found().await?.pool.clone();
        let limit = self.options.connect_timeout;
        match tokio::time::timeout(limit, pool.get_conn()).await {
            Ok(got) => got.map_err(|e| self.failure(&e).into()),
            Err(_) => Err(DatabaseError::Busy {
                id: self.id.clone(),
                connections: self.options.max_connections,
                seconds: limit.as_secs(),
            }
            .into()),
        }
    }

    /// Refuses a user that may do more than read, unless that is allowed.
    pub(super) async fn check_rights(&self, conn: &mut Conn) -> Result<(), SourceError> {
        if self.options.allow_superuser {
            return Ok(());
        }
        let mut grants = self.grants(conn, "SHOW GRANTS").await?;
        // MariaDB has one role at a time and lists its rights by itself; MySQL has to be told.
        let roles: Option<Option<String>> =
            conn.query_first("SELECT CURRENT_ROLE()").await.map_err(|e| self.failure(&e))?;
        let roles = roles.flatten().filter(|r| r != "NONE" && r.starts_with('`'));
        if let Some(roles) = roles {
            let using = format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}");
            grants.extend(self.grants(conn, using.as_str()).await?);
        }
        match beyond_reading(grants.iter().map(String::as_str)) {
            Some(right) => Err(DatabaseError::Superuser { id: self.id.clone(), right }.into()),
            None => Ok(()),
        }
    }

    async fn grants(&self, conn: &mut Conn, show: &str) -> Result<Vec<String>, SourceError> {
        conn.query(show).await.map_err(|e| self.failure(&e).into())
    }

    async fn find(&self) -> Result<Found, SourceError> {
        let limit = self.options.connect_timeout;
        let (host, port) = (&self.dsn.host, self.dsn.port);
        let address = self.options.allowed_hosts.resolve(&self.id, host, port, limit).await?;
        let (mut conn, opts) = self.first(address.ip()).await?;
        let checked = self.within("the first question", self.check(&mut conn)).await;
        drop(conn.disconnect().await);
        Ok(Found { pool: Pool::new(opts.clone()), opts, version: checked? })
    }

    /// The first connection, and how the ones after it are made.
    async fn first(&self, ip: IpAddr) -> Result<(Conn, Opts), SourceError> {
        let connecting = async |tls: Tls| -> Result<(Conn, Opts), Error> {
            let opts = self.opts(ip, tls);
            Conn::new(opts.clone()).await.map(|conn| (conn, opts))
        };
        let both = async {
            match connecting(self.dsn.tls).await {
                Err(Error::Driver(DriverError::NoClientSslFlagFromServer))
                    if self.dsn.tls == Tls::Preferred =>
                {
                    connecting(Tls::Disabled).await
                }
                other => other,
            }
        };
        self.within("connecting", async { both.await.map_err(|e| self.failure(&e).into()) }).await
    }

    async fn check(&self, conn: &mut Conn) -> Result<Version, SourceError> {
        self.check_rights(conn).await?;
        let text: Option<String> =
            conn.query_first("SELECT VERSION()").await.map_err(|e| self.failure(&e))?;
        let text = text.unwrap_or_default();
        let version = Version { mariadb: text.contains("MariaDB"), text };
        let number = conn.server_version();
        let least = if version.mariadb { (10, 5, 0) } else { (8, 0, 0) };
        if number < least {
            return Err(DatabaseError::Unsupported {
                id: self.id.clone(),
                reason: format!(
                    "the server is {}; MySQL 8.0 or MariaDB 10.5 is the oldest that AIR reads",
                    version.text
                ),
            }
            .into());
        }
        Ok(version)
    }

    /// `what` with the limit for reaching the server.
    pub(super) async fn within<T>(
        &self,
        what: &str,
        doing: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let limit = self.options.connect_timeout;
        tokio::time::timeout(limit, doing).await.unwrap_or_else(|_| {
            Err(DatabaseError::TimedOut {
                id: self.id.clone(),
                what: what.to_owned(),
                seconds: limit.as_secs(),
            }
            .into())
        })
    }

    fn opts(&self, ip: IpAddr, tls: Tls) -> Opts {
        let dsn = &self.dsn;
        let most = self.options.max_connections.max(1);
        let constraints = PoolConstraints::new(1, most).unwrap_or_default();
        let pool = PoolOpts::new()
            .with_constraints(constraints)
            .with_inactive_connection_ttl(IDLE)
            .with_ttl_check_interval(IDLE / 2)
            // Every query sets its session anew, and a reset would drop prepared statements.
            .with_reset_connection(false);
        OptsBuilder::default()
            .ip_or_hostname(dsn.host.as_str())
            .resolved_ips(Some(vec![ip]))
            .tcp_port(dsn.port)
            .user(Some(dsn.user.as_str()))
            .pass(dsn.password.as_ref().map(|p| p.expose_secret()))
            .db_name(dsn.database.as_deref())
            .prefer_socket(false)
            .tcp_keepalive(Some(Duration::from_secs(30)))
            .stmt_cache_size(STATEMENTS)
            .ssl_opts(ssl(tls, dsn))
            .pool_opts(pool)
            .setup(vec![session(self.options.statement_timeout)])
            .into()
    }
}

fn ssl(tls: Tls, dsn: &Dsn) -> Option<SslOpts> {
    let roots = dsn.ca.iter().map(|path| path.clone().into()).collect();
    let opts = SslOpts::default().with_root_certs(roots);
    match tls {
        Tls::Disabled => None,
        Tls::Preferred | Tls::Required => Some(opts.with_danger_accept_invalid_certs(true)),
        Tls::Verified => Some(opts),
    }
}

/// What makes a session, in one message. It goes ahead of every query too, since a function of
/// the server's that a query calls may have changed it.
///
/// - No `ONLY_FULL_GROUP_BY`: two placeholders of one value are two values to it, so it refuses
///   right queries.
/// - `NO_UNSIGNED_SUBTRACTION`: a difference below zero is a number, not an error.
/// - `div_precision_increment` 30: averages and quotients of decimals keep more digits than a
///   float holds.
/// - `max_sort_length`: texts that are equal that far count as equal when they are put in order,
///   in silence. 64 KiB is all that a `TEXT` holds; more would need more memory than servers give.
/// - `sort_buffer_size` holds fifteen keys of that length, which is the least that is asked for,
///   of sixteen columns.
/// - `net_write_timeout`: back-pressure may hold the server's writing as long as a query may take.
/// - No `subquery_cache` of MariaDB: it keeps what a subquery gave for the values it speaks of,
///   and tells those apart by their collation, where the subquery does so by their bytes: `Σ` got
///   the answer of `σ`.
/// - The deadline has another name on each server, so each is in a comment that only one of them
///   reads: `/*M!` is MariaDB's own, and MariaDB passes over versions 50700 to 50999.
fn session(statement_timeout: Duration) -> String {
    let seconds = statement_timeout.as_secs().max(1);
    let millis = statement_timeout.as_millis().max(1);
    format!(
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin; \
         SET SESSION time_zone = '+00:00', \
         sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_UNSIGNED_SUBTRACTION', \
         div_precision_increment = 30, max_sort_length = 65536, sort_buffer_size = 16777216, \
         lock_wait_timeout = {seconds}, net_read_timeout = 60, net_write_timeout = {write} \
         /*M!100108 , max_statement_time = {whole}.{part:03}, \
         optimizer_switch = 'subquery_cache=off' */ \
         /*!50708 , max_execution_time = {millis} */; \
         SET SESSION TRANSACTION READ ONLY",
        write = seconds.max(60),
        whole = millis / 1_000,
        part = millis % 1_000,
    )
}
