//! Who is let in, where to, how encrypted; and that no text holds the password.

use super::server::{PASSWORD, open, server};
use super::{query, read};
use air_connectors::{
    AllowedHosts, DatabaseError, DatabaseOptions, PostgresSource, SourceError, explain,
};
use air_engine::{Dialect, Remote, Sql};
use air_ir::catalog::SourceKind;
use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use std::net::TcpListener;

async fn refusal(source: &PostgresSource) -> DatabaseError {
    let error = match source.health().await.unwrap_err() {
        SourceError::Database(error) => error,
        other => panic!("{other}"),
    };
    let asked = query("SELECT 1", &[], &[DataType::Int32], None);
    let again = source.rows(asked).await.map(|_| ()).unwrap_err();
    assert_eq!(explain(&again), SourceError::Database(error.clone()), "in the engine's error too");
    assert_eq!(error.source_id(), "pg");
    for text in [format!("{error}"), format!("{error:?}"), format!("{source:?}"), again.to_string()]
    {
        assert!(!text.contains("canary") && !text.contains(PASSWORD), "{text}");
    }
    error
}

async fn asked(source: &PostgresSource, sql: &str) -> String {
    let batch = read(source, query(sql, &[], &[DataType::Utf8View], Some(1))).await.unwrap();
    batch.column(0).as_string_view().value(0).to_owned()
}

#[tokio::test]
async fn rights_that_a_read_only_transaction_does_not_stop_are_refused() {
    for (user, wanted) in [
        ("postgres", "SUPERUSER"),
        ("copier", "REPLICATION"),
        ("files", "the rights of role pg_read_server_files"),
        ("heir", "SUPERUSER by role postgres"),
    ] {
        let source = server().source(user, DatabaseOptions::default());
        let DatabaseError::Superuser { right, .. } = refusal(&source).await else {
            panic!("{user}");
        };
        assert_eq!(right, wanted, "{user}");
        let told = refusal(&source).await.to_string();
        assert!(told.contains("allow_superuser: true"), "{told}");
        let allowed = DatabaseOptions { allow_superuser: true, ..DatabaseOptions::default() };
        assert_eq!(asked(&server().source(user, allowed), "SELECT 'in'").await, "in");
    }
    let plain = server().source("writer", DatabaseOptions::default());
    assert_eq!(asked(&plain, "SELECT 'in'").await, "in");
}

#[tokio::test]
async fn what_hinders_a_connection_is_named() {
    let port = server().port;
    let open = |dsn: &str| open(dsn, DatabaseOptions::default());
    let wrong = open(&format!("postgres://reader:canary@127.0.0.1:{port}/postgres"));
    assert!(
        matches!(refusal(&wrong).await, DatabaseError::Authentication { user, .. } if user == "reader")
    );
    let none = open(&format!("postgres://reader@127.0.0.1:{port}/postgres"));
    assert!(matches!(refusal(&none).await, DatabaseError::Authentication { .. }));
    let database = open(
        &server().dsn("reader", "").replace("/postgres?", "/").replace("/postgres", "/nowhere"),
    );
    assert!(
        matches!(refusal(&database).await, DatabaseError::Server { sqlstate, .. } if sqlstate == "3D000")
    );
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let source = open(&format!("postgres://reader:canary@127.0.0.1:{closed}/postgres"));
    let error = refusal(&source).await;
    assert_eq!(
        error,
        DatabaseError::Refused { id: "pg".to_owned(), address: format!("127.0.0.1:{closed}") }
    );
    let unknown = open("postgres://reader:canary@no-such-host.invalid/postgres");
    assert!(matches!(refusal(&unknown).await, DatabaseError::UnknownHost { .. }));
    let metadata = open("postgres://reader:canary@169.254.169.254/postgres");
    assert!(matches!(refusal(&metadata).await, DatabaseError::HostNotAllowed { .. }));
}

#[tokio::test]
async fn only_listed_hosts_are_asked() {
    let listed = |entry: &str| DatabaseOptions {
        allowed_hosts: AllowedHosts::new(Some(&[entry.to_owned()])).unwrap(),
        ..DatabaseOptions::default()
    };
    let refused = server().source("reader", listed("db.example.org"));
    assert!(matches!(refusal(&refused).await, DatabaseError::HostNotAllowed { .. }));
    let allowed = server().source("reader", listed("127.0.0.0/8"));
    assert_eq!(asked(&allowed, "SELECT 'in'").await, "in");
}

/// A server that accepts and then says nothing is given up.
#[tokio::test]
async fn silence_has_a_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let dsn = format!("postgres://reader:canary@127.0.0.1:{port}/postgres?connect_timeout=1");
    let source = open(&dsn, DatabaseOptions::default());
    assert!(matches!(refusal(&source).await, DatabaseError::TimedOut { seconds: 1, .. }));
}

#[test]
fn a_bad_dsn_is_refused_before_anything_is_asked() {
    let open = |id: &str, dsn: &str| {
        let dsn = dsn.to_owned().into();
        PostgresSource::open(id, SourceKind::Postgres, &dsn, DatabaseOptions::default())
    };
    for dsn in [
        "postgres://u:canary@h/d?options=-csearch_path%3Dx",
        "postgres://u:canary@h,i/d",
        "postgres://u:canary@/d",
        "http://u:canary@h/d",
    ] {
        let error = open("pg", dsn).unwrap_err();
        let is_dsn = matches!(&error, SourceError::Database(DatabaseError::Dsn { .. }));
        assert!(is_dsn && !error.to_string().contains("canary"), "{error}");
    }
    assert!(matches!(open("Bad id", "postgres://u@h/d"), Err(SourceError::BadId { .. })));
}

#[tokio::test]
async fn encryption_follows_sslmode() {
    let is_encrypted = "SELECT CAST(ssl AS text) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let with = |options: &str, host: &str| {
        let dsn = server().dsn("reader", options).replace("127.0.0.1", host);
        open(&dsn, DatabaseOptions::default())
    };
    let local = "127.0.0.1";
    for (options, wanted) in [
        ("", "true"),
        ("?sslmode=prefer", "true"),
        ("?sslmode=require", "true"),
        ("?sslmode=disable", "false"),
    ] {
        assert_eq!(asked(&with(options, local), is_encrypted).await, wanted, "{options}");
    }
    let root = format!("sslrootcert={}", server().folder.join("server.crt").display());
    let full = with(&format!("?sslmode=verify-full&{root}"), "localhost");
    assert_eq!(asked(&full, is_encrypted).await, "true");
    let ca = with(&format!("?sslmode=verify-ca&{root}"), local);
    assert_eq!(asked(&ca, is_encrypted).await, "true");
    for refused in [
        with(&format!("?sslmode=verify-full&{root}"), local),
        with("?sslmode=verify-full", "localhost"),
        with("?sslmode=verify-ca", local),
        with("?sslmode=verify-ca&sslrootcert=no-such-file.pem", local),
    ] {
        let error = refusal(&refused).await;
        assert!(matches!(error, DatabaseError::Tls { .. }), "{error}");
    }
}

#[tokio::test]
async fn health_and_cost() {
    let source = server().source("reader", DatabaseOptions::default());
    let health = source.health().await.unwrap();
    assert!(health.detail.starts_with("PostgreSQL "), "{}", health.detail);
    assert!(health.latency_ms > 0.0);
    assert_eq!((source.source(), source.dialect()), ("pg", Dialect::Postgres));
    let sql = |text: &str, params: Vec<ScalarValue>| Sql {
        dialect: Dialect::Postgres,
        text: text.to_owned(),
        params,
    };
    let few = source
        .cost(&sql("SELECT CAST($1 AS bigint)", vec![ScalarValue::from(1_i64)]))
        .await
        .unwrap();
    let many = "SELECT count(*) FROM pg_class a, pg_class b, pg_class c WHERE a.relname > CAST($1 AS text)";
    let many = source.cost(&sql(many, vec![ScalarValue::from("b")])).await.unwrap();
    assert!(few < many, "{few} {many}");
    let error = source.cost(&sql("SELECT nothing", vec![])).await.unwrap_err();
    assert!(error.to_string().contains("42703"), "{error}");
    let unexecuted = sql("SELECT pg_sleep(600)", vec![]);
    source.cost(&unexecuted).await.unwrap();
    assert_eq!(asked(&source, "SELECT current_setting('TimeZone')").await, "UTC");
}
