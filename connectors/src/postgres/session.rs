//! Connections: how they are made, what every session starts with, and who may not log in.
//!
//! In: a DSN whose host is one address. Out: a pool of connections whose sessions are all alike.
//! What a query may have changed in its session is discarded before it is given back.

use super::dsn::{Dsn, TlsMode};
use super::wire::Wire;
use crate::database::DatabaseOptions;
use deadpool_postgres::{
    BuildError, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
use secrecy::ExposeSecret;
use std::fmt::Write;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// Rights that a read-only transaction does not stop, or that lead to them. Roles of hosting
/// services that stand for the superuser are among them.
const RIGHTS: &str = "
    SELECT r.rolname::text, r.rolsuper, r.rolreplication, r.rolname = current_user
    FROM pg_catalog.pg_roles r
    WHERE pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
      AND (r.rolsuper OR r.rolreplication OR r.rolname IN (
        'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program',
        'pg_write_all_data', 'pg_signal_backend', 'pg_checkpoint', 'pg_maintain',
        'pg_create_subscription', 'rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin'))
    ORDER BY 4 DESC, 2 DESC, 1 LIMIT 1";

/// A connection that was not used for so long is asked whether it is still there.
const RESTED: Duration = Duration::from_secs(5);

pub(super) fn pool(dsn: &Dsn, wire: Wire, options: &DatabaseOptions) -> Result<Pool, BuildError> {
    let connect_timeout = wire.connect_timeout;
    let config = config(dsn, options);
    // A session is cleaned when it is given back (`Lease::end`), not when the next query waits.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(config, wire, recycling);
    let mut pool = Pool::builder(manager)
        .pre_recycle(Hook::async_fn(move |client, metrics| {
            Box::pin(async move {
                if metrics.last_used() < RESTED {
                    return Ok(());
                }
                match tokio::time::timeout(connect_timeout, client.simple_query("")).await {
                    Ok(answer) => answer.map(drop).map_err(HookError::Backend),
                    Err(_) => Err(HookError::message("a connection that rested is silent")),
                }
            })
        }))
        .max_size(options.max_connections.max(1))
        .wait_timeout(Some(connect_timeout))
        .create_timeout(Some(connect_timeout))
        .recycle_timeout(Some(connect_timeout))
        .runtime(Runtime::Tokio1);
    if !options.allow_superuser {
        pool = pool.post_create(Hook::async_fn(|client, _| {
            Box::pin(async move {
                let found = client.query_opt(RIGHTS, &[]).await.map_err(HookError::Backend)?;
                match found {
                    None => Ok(()),
                    Some(row) => Err(HookError::message(right(&row).map_err(HookError::Backend)?)),
                }
            })
        }));
    }
    pool.build()
}

fn right(row: &tokio_postgres::Row) -> Result<String, tokio_postgres::Error> {
    let name: String = row.try_get(0)?;
    let own: bool = row.try_get(3)?;
    let what = match (row.try_get(1)?, row.try_get(2)?) {
        (true, _) => "SUPERUSER",
        (_, true) => "REPLICATION",
        _ => return Ok(format!("the rights of role {name}")),
    };
    Ok(if own { what.to_owned() } else { format!("{what} by role {name}") })
}

fn config(dsn: &Dsn, options: &DatabaseOptions) -> Config {
    let mut config = Config::new();
    config
        .user(&dsn.user)
        .dbname(&dsn.database)
        .application_name(&dsn.application_name)
        .ssl_mode(match dsn.tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        })
        .options(settings(options.statement_timeout));
    if let Some(password) = &dsn.password {
        config.password(password.expose_secret());
    }
    config
}

/// Settings that `DISCARD ALL` comes back to, as it does not to those that a query sets. Names
/// without schema are looked for in `pg_catalog` alone: an unqualified function or operator of a
/// query cannot be one that somebody put into `public`.
fn settings(statement_timeout: Duration) -> String {
    let statement = statement_timeout.as_millis().max(1);
    let lock = statement.min(10_000);
    // Idle in a transaction is also who waits for a slow reader of rows, hence the allowance.
    let idle = statement + 60_000;
    let mut text = String::new();
    for (name, value) in [
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO"),
        ("IntervalStyle", "postgres"),
        ("standard_conforming_strings", "on"),
        ("extra_float_digits", "1"),
        ("bytea_output", "hex"),
        ("search_path", "pg_catalog"),
        ("default_transaction_read_only", "on"),
        ("statement_timeout", &statement.to_string()),
        ("lock_timeout", &lock.to_string()),
        ("idle_in_transaction_session_timeout", &idle.to_string()),
    ] {
        // Writing to a string cannot fail.
        let _ = write!(text, "-c {name}={value} ");
    }
    text
}
