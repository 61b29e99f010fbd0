//! Deadlines, cancelling, back-pressure and the pool, as the server's own views see them.

use super::server::{open, server};
use super::{BOTH, query, read};
use air_connectors::{DatabaseError, DatabaseOptions, PostgresSource, SourceError, explain};
use air_engine::Remote;
use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// A source whose connections the server's views tell from all others.
pub(super) fn named(name: &str, options: DatabaseOptions) -> Arc<PostgresSource> {
    let dsn = server().dsn("reader", &format!("?application_name={name}"));
    Arc::new(open(&dsn, options))
}

pub(super) fn one_connection() -> DatabaseOptions {
    DatabaseOptions { max_connections: 1, ..DatabaseOptions::default() }
}

/// How many sessions of a name fit a condition.
pub(super) async fn sessions(admin: &Client, name: &str, condition: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND {condition}"
    );
    admin.query_one(&sql, &[&name]).await.unwrap().get(0)
}

/// Asks the server again and again until so many sessions fit, or it is plain that they never do.
pub(super) async fn until(admin: &Client, name: &str, condition: &str, wanted: i64) {
    let limit = Instant::now() + Duration::from_secs(30);
    while sessions(admin, name, condition).await != wanted {
        assert!(Instant::now() < limit, "{name}: never {wanted} sessions with {condition}");
        admin.batch_execute("SELECT pg_sleep(0.02)").await.unwrap();
    }
}

const RUNNING: &str = "state = 'active' AND query LIKE '%pg_sleep%'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_ends_the_query_in_the_server() {
    let admin = server().admin().await;
    for (name, at_most) in [("drop_copy", BOTH[0]), ("drop_prepared", BOTH[1])] {
        let source = named(name, one_connection());
        let sql = "SELECT CAST(pg_sleep(600) AS text)";
        let asked = query(sql, &[], &[DataType::Utf8View], at_most);
        let asking = Arc::clone(&source);
        let task = tokio::spawn(async move { read(&asking, asked).await });
        until(&admin, name, RUNNING, 1).await;
        task.abort();
        until(&admin, name, RUNNING, 0).await;
        // The one place in the pool is free again.
        let after = query("SELECT 1::int8", &[], &[DataType::Int64], at_most);
        assert_eq!(read(&source, after).await.unwrap().num_rows(), 1);
    }
}

const MILLIONS: &str = "SELECT g, repeat('x', 100) FROM generate_series(1::int8, 3000000) AS s (g)";
const TYPES: [DataType; 2] = [DataType::Int64, DataType::Utf8View];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_given_up_half_way_ends_the_query() {
    let admin = server().admin().await;
    for (name, at_most) in [("half_copy", None), ("half_prepared", Some(5_000))] {
        let source = named(name, one_connection());
        let mut stream = source.rows(query(MILLIONS, &[], &TYPES, at_most)).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        assert!(first.num_rows() > 0);
        drop(stream);
        until(&admin, name, "state = 'active' AND query LIKE '%generate_series%'", 0).await;
        let after = query("SELECT 1::int8", &[], &[DataType::Int64], None);
        assert_eq!(read(&source, after).await.unwrap().num_rows(), 1);
    }
}

/// Who does not read holds the server back: it waits to write, far from its last row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_waited_for() {
    let admin = server().admin().await;
    for (name, at_most) in [("slow_copy", None), ("slow_prepared", Some(5_000))] {
        let source = named(name, one_connection());
        let mut stream = source.rows(query(MILLIONS, &[], &TYPES, at_most)).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        until(&admin, name, "state = 'active' AND wait_event = 'ClientWrite'", 1).await;
        // The sessions' view stays as it is: the server gets no further while nobody reads.
        let sum = |batch: &datafusion::arrow::array::RecordBatch| -> i64 {
            batch.column(0).as_primitive::<Int64Type>().values().iter().sum()
        };
        let mut rows = first.num_rows();
        let mut total = sum(&first);
        while let Some(batch) = stream.try_next().await.unwrap() {
            assert!(batch.num_rows() <= 8192);
            rows += batch.num_rows();
            total += sum(&batch);
        }
        assert_eq!((rows, total), (3_000_000, 3_000_000 * 3_000_001 / 2));
        until(&admin, name, "state <> 'idle'", 0).await;
        assert_eq!(sessions(&admin, name, "true").await, 1, "the connection serves again");
    }
}

async fn fault(source: &PostgresSource, sql: &str, at_most: Option<u64>) -> DatabaseError {
    let asked = query(sql, &[], &[DataType::Utf8View], at_most);
    match read(source, asked).await.unwrap_err() {
        SourceError::Database(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_server_ends_what_takes_too_long() {
    let statement_timeout = Duration::from_millis(1_000);
    let source = named("timeout", DatabaseOptions { statement_timeout, ..one_connection() });
    for at_most in BOTH {
        let error = fault(&source, "SELECT CAST(pg_sleep(60) AS text)", at_most).await;
        assert_eq!(error, DatabaseError::StatementTimeout { id: "pg".to_owned(), seconds: 1 });
        let after = query("SELECT 1::int8", &[], &[DataType::Int64], at_most);
        assert_eq!(read(&source, after).await.unwrap().num_rows(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_ends_is_told_and_got_over() {
    let admin = server().admin().await;
    for (i, ending) in ["pg_cancel_backend", "pg_terminate_backend"].into_iter().enumerate() {
        for (j, at_most) in BOTH.into_iter().enumerate() {
            let name = format!("ended_{i}_{j}");
            let source = named(&name, one_connection());
            let asking = Arc::clone(&source);
            let sql = "SELECT CAST(pg_sleep(600) AS text)";
            let task = tokio::spawn(async move { fault(&asking, sql, at_most).await });
            until(&admin, &name, RUNNING, 1).await;
            let end =
                format!("SELECT {ending}(pid) FROM pg_stat_activity WHERE application_name = $1");
            admin.query(&end, &[&name]).await.unwrap();
            let error = task.await.unwrap();
            match ending {
                "pg_cancel_backend" => assert!(matches!(error, DatabaseError::Cancelled { .. })),
                _ => assert!(matches!(error, DatabaseError::Lost { .. }), "{error}"),
            }
            let after = query("SELECT 1::int8", &[], &[DataType::Int64], at_most);
            assert_eq!(read(&source, after).await.unwrap().num_rows(), 1);
        }
    }
}

/// Many at once share few connections, and none stays busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_is_never_exceeded_nor_leaks() {
    let admin = server().admin().await;
    let source = named("pooled", DatabaseOptions { max_connections: 3, ..one_connection() });
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..24_i64 {
        let source = Arc::clone(&source);
        tasks.spawn(async move {
            let sql = format!("SELECT g + {i} FROM generate_series(1::int8, 20000) AS s (g)");
            let asked = query(&sql, &[], &[DataType::Int64], BOTH[usize::from(i % 2 == 0)]);
            if i % 3 == 0 {
                // A third gives up after the first batch.
                let mut stream = source.rows(asked).await.map_err(|e| explain(&e))?;
                return Ok(stream.next().await.unwrap().unwrap().num_rows());
            }
            if i % 3 == 1 {
                let fails = query(
                    "SELECT 1 / (g - 9000) FROM generate_series(1::int8, 10000) AS s (g)",
                    &[],
                    &[DataType::Int64],
                    None,
                );
                assert!(read(&source, fails).await.unwrap_err().to_string().contains("22012"));
            }
            read(&source, asked).await.map(|b| b.num_rows())
        });
    }
    while let Some(done) = tasks.join_next().await {
        assert!(done.unwrap().unwrap() > 0);
        assert!(sessions(&admin, "pooled", "state <> 'idle'").await <= 3);
    }
    until(&admin, "pooled", "state <> 'idle'", 0).await;
    assert!(sessions(&admin, "pooled", "true").await <= 3);
    drop(source);
    until(&admin, "pooled", "true", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pool_is_told() {
    let admin = server().admin().await;
    let connect_timeout = Duration::from_secs(1);
    let source = named("full", DatabaseOptions { connect_timeout, ..one_connection() });
    let mut stream = source.rows(query(MILLIONS, &[], &TYPES, None)).await.unwrap();
    stream.next().await.unwrap().unwrap();
    let error = fault(&source, "SELECT 'x'", None).await;
    assert_eq!(error, DatabaseError::Busy { id: "pg".to_owned(), connections: 1, seconds: 1 });
    drop(stream);
    until(&admin, "full", "state = 'active'", 0).await;
}
