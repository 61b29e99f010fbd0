//! Large tables read by two connections: complete and as of one moment whatever is written
//! meanwhile, by one where two are not to be had, and ended as one.

use super::cancel::{named, one_connection, sessions, until};
use super::server::{open, schema, server};
use super::{query, read};
use air_connectors::{DatabaseError, DatabaseOptions, PostgresSource, SourceError, explain};
use air_engine::{Divided, Remote, RemoteQuery};
use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use futures::StreamExt;
use futures::stream::select_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const COUNT: i64 = 200_000;

/// Some 2,700 pages; `k` is the rest of seven.
const BIG: &str = "
    CREATE TABLE big (id int8 PRIMARY KEY, k int8, v text) WITH (autovacuum_enabled = off);
    INSERT INTO big SELECT g, g % 7, repeat('x', 60) FROM generate_series(1::int8, 200000) AS s (g);
    ANALYZE big;";

/// The columns `id` and `k` of a table under a condition on `t`, in the writer's form.
fn asked(table: &str, condition: &str, params: &[ScalarValue]) -> RemoteQuery {
    shaped("t.id AS c0, t.k AS c1", table, condition, params)
}

fn shaped(columns: &str, table: &str, condition: &str, params: &[ScalarValue]) -> RemoteQuery {
    let n = params.len();
    let place = format!("t.ctid >= CAST(${} AS tid) AND t.ctid < CAST(${} AS tid)", n + 1, n + 2);
    let (whole, part) = match condition {
        "" => (String::new(), format!(" WHERE {place}")),
        _ => (format!(" WHERE {condition}"), format!(" WHERE {condition} AND {place}")),
    };
    let types = [DataType::Int64, DataType::Int64];
    let whole = format!("SELECT {columns} FROM {table} AS t{whole}");
    let mut query = query(&whole, params, &types, None);
    let mut sql = query.sql.clone();
    sql.text = format!("SELECT {columns} FROM ONLY {table} AS t{part}");
    sql.params.extend(["(0,0)", "(4294967295,0)"].map(ScalarValue::from));
    let (schema, table) = table.split_once('.').unwrap();
    query.divided = Some(Divided { schema: schema.to_owned(), table: table.to_owned(), sql });
    query
}

/// What was read: the parts there were, the first column in order, and the sum of the second.
#[derive(Debug)]
struct Seen {
    parts: usize,
    ids: Vec<i64>,
    sum: i64,
}

async fn seen(
    source: &PostgresSource,
    query: RemoteQuery,
    spare: Option<Arc<Semaphore>>,
) -> Result<Seen, SourceError> {
    let parts = source.parts(query, spare).await.map_err(|e| explain(&e))?;
    let mut seen = Seen { parts: parts.len(), ids: Vec::new(), sum: 0 };
    let mut rows = select_all(parts.into_iter().map(|part| part.rows));
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|e| explain(&e))?;
        seen.ids.extend(batch.column(0).as_primitive::<Int64Type>().values());
        seen.sum += batch.column(1).as_primitive::<Int64Type>().values().iter().sum::<i64>();
    }
    seen.ids.sort_unstable();
    Ok(seen)
}

fn reader() -> PostgresSource {
    server().source("reader", DatabaseOptions::default())
}

/// The sum of `k` over the ids from 1 to so many.
fn sum_to(count: i64) -> i64 {
    (1..=count).map(|id| id % 7).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_comes_once_and_the_ranges_are_told() {
    let (s, _admin) = schema(BIG).await;
    let (source, table) = (reader(), format!("{s}.big"));
    let parts = source.parts(asked(&table, "", &[]), None).await.unwrap();
    let told: Vec<_> = parts.iter().map(|part| part.sql.clone()).collect();
    drop(parts);
    let [first, second] = &told[..] else { panic!("{told:?}") };
    assert_eq!(first.text, second.text);
    assert!(first.text.contains("FROM ONLY"), "{}", first.text);
    let (from, middle) = (ScalarValue::from("(0,0)"), first.params[1].clone());
    assert_eq!(first.params, [from, middle.clone()]);
    assert_eq!(second.params, [middle, ScalarValue::from("(4294967295,0)")]);
    let all = seen(&source, asked(&table, "", &[]), None).await.unwrap();
    assert_eq!((all.parts, all.sum), (2, sum_to(COUNT)));
    assert_eq!(all.ids, (1..=COUNT).collect::<Vec<_>>());
}

/// A value becomes a literal of `COPY`; a list that is too long for that is bound, and the rows
/// come by prepared statements. Ranges must be the same in both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_and_ranges_stand_beside_each_other() {
    let (s, _admin) = schema(BIG).await;
    let (source, table) = (reader(), format!("{s}.big"));
    let wanted: Vec<i64> = (1..=COUNT).filter(|id| id % 7 != 3).collect();
    let list: Vec<ScalarValue> =
        (0..1_500_i64).filter(|k| *k != 3).map(ScalarValue::from).collect();
    let list = ScalarValue::List(ScalarValue::new_list_nullable(&list, &DataType::Int64));
    for (condition, value) in
        [("t.k <> CAST($1 AS int8)", ScalarValue::from(3_i64)), ("t.k = ANY($1::int8[])", list)]
    {
        let all = seen(&source, asked(&table, condition, &[value]), None).await.unwrap();
        assert_eq!((all.parts, &all.ids), (2, &wanted), "{condition}");
    }
}

/// Writes without pause: moves one from the first rows to the last, and a row from where it is to
/// the table's end. The sum of `k` is always the same, and so is the number of rows.
async fn writes(table: String, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let admin = server().admin().await;
    let mut n = 1_000_000;
    while !stop.load(Ordering::SeqCst) {
        admin
            .batch_execute(&format!(
                "BEGIN;
                 UPDATE {table} SET k = k + 1 WHERE id BETWEEN 1 AND 200;
                 UPDATE {table} SET k = k - 1 WHERE id BETWEEN 199801 AND 200000;
                 INSERT INTO {table} VALUES ({n} + 1, 0, 'moved');
                 DELETE FROM {table} WHERE id = {n};
                 COMMIT"
            ))
            .await
            .unwrap();
        n += 1;
        done.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_connections_read_as_of_one_moment() {
    let (s, admin) = schema(BIG).await;
    let table = format!("{s}.big");
    admin.batch_execute("INSERT INTO big VALUES (1000000, 0, 'moved')").await.unwrap();
    let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let writing = tokio::spawn(writes(table.clone(), Arc::clone(&stop), Arc::clone(&done)));
    for _ in 0..12 {
        // A source of its own has to make the second connection, so that much is written between
        // the beginnings of the two.
        let (source, before) = (reader(), done.load(Ordering::SeqCst));
        let all = seen(&source, asked(&table, "", &[]), None).await.unwrap();
        assert!(done.load(Ordering::SeqCst) > before, "nothing was written meanwhile");
        assert_eq!((all.parts, all.sum), (2, sum_to(COUNT)));
        let (moved, kept) = all.ids.split_last().unwrap();
        assert_eq!(kept, (1..=COUNT).collect::<Vec<_>>());
        assert!(*moved >= 1_000_000);
    }
    stop.store(true, Ordering::SeqCst);
    writing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_growth_nor_dead_rows_change_what_is_read() {
    let (s, admin) = schema(BIG).await;
    let (source, table) = (reader(), format!("{s}.big"));
    let grow =
        "INSERT INTO big SELECT g, g % 7, 'y' FROM generate_series(200001::int8, 300000) AS s (g)";
    admin.batch_execute(grow).await.unwrap();
    let all = seen(&source, asked(&table, "", &[]), None).await.unwrap();
    assert_eq!((all.parts, all.sum), (2, sum_to(300_000)));
    assert_eq!(all.ids, (1..=300_000).collect::<Vec<_>>());
    // Most pages hold no row any more, and the server still takes them for full.
    admin.batch_execute("DELETE FROM big WHERE id BETWEEN 11 AND 299990").await.unwrap();
    let all = seen(&source, asked(&table, "", &[]), None).await.unwrap();
    assert_eq!(all.ids, (1..=10).chain(299_991..=300_000).collect::<Vec<i64>>());
    admin.batch_execute("DELETE FROM big").await.unwrap();
    let all = seen(&source, asked(&table, "", &[]), None).await.unwrap();
    assert_eq!((all.parts, all.ids.len()), (2, 0));
}

/// Each is read whole, by one connection: for most, places of rows would be refused, or leave rows
/// out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_divided_is_read_whole() {
    let (s, _admin) = schema(&format!(
        "{BIG}
         CREATE TABLE none (LIKE big);
         CREATE TABLE small AS SELECT * FROM big WHERE id <= 1000;
         CREATE VIEW seen AS SELECT * FROM big;
         CREATE TABLE parent (LIKE big);
         INSERT INTO parent SELECT * FROM big;
         CREATE TABLE child () INHERITS (parent);
         INSERT INTO child SELECT id + 200000, k, v FROM big;
         CREATE TABLE parted (LIKE big) PARTITION BY RANGE (id);
         CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (100001);
         CREATE TABLE high PARTITION OF parted FOR VALUES FROM (100001) TO (1000000);
         INSERT INTO parted SELECT * FROM big;
         CREATE TABLE granted AS SELECT * FROM big;
         REVOKE SELECT ON granted FROM reader;
         GRANT SELECT (id, k) ON granted TO reader;
         CREATE TABLE limited AS SELECT * FROM big;
         ALTER TABLE limited ENABLE ROW LEVEL SECURITY;
         CREATE POLICY most ON limited FOR SELECT TO reader USING (k <> 3);
         ANALYZE none, small, parent, child, parted, granted, limited;"
    ))
    .await;
    let source = reader();
    for (table, condition, rows) in [
        ("none", "", 0),
        ("small", "", 1_000),
        ("seen", "", COUNT),
        ("parent", "", 2 * COUNT),
        ("parted", "", COUNT),
        // Its columns may be read, and the places of its rows may not.
        ("granted", "", COUNT),
        // What an index finds, and few rows of many.
        ("big", "t.id <= 2000", 2_000),
        ("big", "t.k = 3 AND t.v = 'none'", 0),
    ] {
        let table = format!("{s}.{table}");
        let all = seen(&source, asked(&table, condition, &[]), None).await.unwrap();
        let count = i64::try_from(all.ids.len()).unwrap();
        assert_eq!((all.parts, count), (1, rows), "{table} {condition}");
        all.ids.windows(2).for_each(|pair| assert!(pair[0] < pair[1], "{table}: {pair:?}"));
    }
    // The server's own policies are conditions, which hold for each part.
    let limited = asked(&format!("{s}.limited"), "", &[]);
    let all = seen(&source, limited, None).await.unwrap();
    let wanted: Vec<i64> = (1..=COUNT).filter(|id| id % 7 != 3).collect();
    assert_eq!((all.parts, all.ids), (2, wanted));
    // Parts of those above are tables like any other.
    for table in ["child", "low"] {
        let whole = asked(&format!("{s}.{table}"), "", &[]);
        assert_eq!(seen(&source, whole, None).await.unwrap().parts, 2, "{table}");
    }
}

/// A table that is not there, or that nobody may read, fails as it does by one connection.
#[tokio::test]
async fn what_is_wrong_with_the_query_is_told() {
    let (s, admin) = schema(BIG).await;
    admin.batch_execute("REVOKE SELECT ON big FROM reader").await.unwrap();
    let source = reader();
    for (table, code) in [("big", "42501"), ("nowhere", "42P01")] {
        let asked = asked(&format!("{s}.{table}"), "", &[]);
        let whole = RemoteQuery { divided: None, ..asked.clone() };
        let error = seen(&source, asked, None).await.unwrap_err();
        assert!(error.to_string().contains(code), "{error}");
        assert_eq!(error, read(&source, whole).await.unwrap_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_part_can_write() {
    let (s, admin) = schema(&format!("{BIG} CREATE SEQUENCE q; GRANT ALL ON q TO writer;")).await;
    let source = server().source("writer", DatabaseOptions::default());
    let columns = format!("t.id AS c0, nextval('{s}.q') AS c1");
    let asked = shaped(&columns, &format!("{s}.big"), "", &[]);
    let error = seen(&source, asked, None).await.unwrap_err();
    assert!(error.to_string().contains("25006"), "{error}");
    let called: bool = admin.query_one("SELECT is_called FROM q", &[]).await.unwrap().get(0);
    assert!(!called);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_connection_is_taken_only_where_one_is_free() {
    let (s, _admin) = schema(BIG).await;
    let table = format!("{s}.big");
    let one = server().source("reader", one_connection());
    let all = seen(&one, asked(&table, "", &[]), None).await.unwrap();
    assert_eq!((all.parts, all.sum), (1, sum_to(COUNT)), "a pool of one");
    let none = Arc::new(Semaphore::new(0));
    let all = seen(&reader(), asked(&table, "", &[]), Some(none)).await.unwrap();
    assert_eq!((all.parts, all.sum), (1, sum_to(COUNT)), "other runs hold the places");
    let places = Arc::new(Semaphore::new(1));
    let source = reader();
    let parts = source.parts(asked(&table, "", &[]), Some(Arc::clone(&places))).await.unwrap();
    assert_eq!((parts.len(), places.available_permits()), (2, 0));
    drop(parts);
    tokio::time::timeout(Duration::from_secs(30), places.acquire())
        .await
        .unwrap()
        .unwrap()
        .forget();
}

/// Where a server does not tell what a transaction sees, the query begins again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_exports_no_snapshot_is_read_by_one_connection() {
    let admin = server().admin().await;
    admin.batch_execute("CREATE DATABASE discreet").await.unwrap();
    let admin = server().admin_of("discreet").await;
    let revoke = "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_export_snapshot() FROM PUBLIC";
    admin.batch_execute(&format!("{BIG} GRANT SELECT ON big TO reader; {revoke}")).await.unwrap();
    let dsn =
        server().dsn("reader", "?application_name=discreet").replace("/postgres?", "/discreet?");
    let source = open(&dsn, DatabaseOptions::default());
    for _ in 0..2 {
        let all = seen(&source, asked("public.big", "", &[]), None).await.unwrap();
        assert_eq!((all.parts, all.sum), (1, sum_to(COUNT)));
    }
    until(&admin, "discreet", "state <> 'idle'", 0).await;
    assert_eq!(sessions(&admin, "discreet", "true").await, 2, "both connections serve again");
}

/// More than sockets and waiting batches hold, so that both connections still send.
const LONG: &str = "
    CREATE TABLE long AS SELECT g AS id, g % 7 AS k, repeat('x', 200) AS v
    FROM generate_series(1::int8, 400000) AS s (g);
    ANALYZE long;";

fn long(s: &str) -> RemoteQuery {
    let mut asked = shaped("t.id AS c0, t.v AS c1", &format!("{s}.long"), "", &[]);
    let types = [DataType::Int64, DataType::Utf8View];
    asked.schema = query("", &[], &types, None).schema;
    asked
}

const COPYING: &str = "state = 'active' AND query LIKE 'COPY%'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_up_ends_both_queries_and_gives_both_places_back() {
    let (s, admin) = schema(LONG).await;
    let source = named("divide_drop", DatabaseOptions { max_connections: 2, ..one_connection() });
    let places = Arc::new(Semaphore::new(1));
    for _ in 0..2 {
        let parts = source.parts(long(&s), Some(Arc::clone(&places))).await.unwrap();
        let mut rows = select_all(parts.into_iter().map(|part| part.rows));
        assert!(rows.next().await.unwrap().unwrap().num_rows() > 0);
        until(&admin, "divide_drop", COPYING, 2).await;
        drop(rows);
        until(&admin, "divide_drop", "true", 0).await;
        let place = tokio::time::timeout(Duration::from_secs(30), places.acquire()).await;
        drop(place.unwrap().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_killed_is_the_failure_of_the_whole() {
    let (s, admin) = schema(LONG).await;
    // The first to be connected holds the transaction that the second one joined.
    for order in ["ASC", "DESC"] {
        let name = format!("divide_kill_{}", order.to_lowercase());
        let source = named(&name, DatabaseOptions::default());
        let parts = source.parts(long(&s), None).await.unwrap();
        assert_eq!(parts.len(), 2);
        let mut rows = select_all(parts.into_iter().map(|part| part.rows));
        rows.next().await.unwrap().unwrap();
        until(&admin, &name, COPYING, 2).await;
        let kill = format!(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
             WHERE application_name = $1 ORDER BY backend_start {order} LIMIT 1) AS one"
        );
        admin.query_one(&kill, &[&name]).await.unwrap();
        let error = loop {
            match rows.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break explain(&error),
                None => panic!("rows were missing, and nothing told so"),
            }
        };
        assert!(matches!(error, SourceError::Database(DatabaseError::Lost { .. })), "{error}");
        drop(rows);
        until(&admin, &name, "state <> 'idle'", 0).await;
    }
}

/// As runs do, each takes the place of its first connection and waits for no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_share_few_connections_and_none_waits_for_ever() {
    let (s, admin) = schema(BIG).await;
    let source = named("divide_many", DatabaseOptions { max_connections: 3, ..one_connection() });
    let places = Arc::new(Semaphore::new(3));
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (source, places) = (Arc::clone(&source), Arc::clone(&places));
        let asked = asked(&format!("{s}.big"), "", &[]);
        tasks.spawn(async move {
            let _own = Arc::clone(&places).acquire_owned().await.unwrap();
            seen(&source, asked, Some(places)).await
        });
    }
    let all = async {
        while let Some(done) = tasks.join_next().await {
            let all = done.unwrap().unwrap();
            assert_eq!(all.sum, sum_to(COUNT));
            assert!(sessions(&admin, "divide_many", "true").await <= 3);
        }
    };
    tokio::time::timeout(Duration::from_secs(120), all).await.unwrap();
    until(&admin, "divide_many", "state <> 'idle'", 0).await;
    let free = tokio::time::timeout(Duration::from_secs(30), places.acquire_many(3)).await;
    drop(free.unwrap().unwrap());
}
