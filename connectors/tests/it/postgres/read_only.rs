//! Below the guard: the connection itself refuses what is not reading, of a user who could write.

use super::server::{open, schema, server};
use super::{BOTH, query, read};
use air_connectors::{DatabaseError, DatabaseOptions, PostgresSource, SourceError};
use datafusion::arrow::array::{RecordBatch, cast::AsArray};
use datafusion::arrow::datatypes::DataType;

async fn ask(
    source: &PostgresSource,
    sql: &str,
    at_most: Option<u64>,
) -> Result<RecordBatch, SourceError> {
    read(source, query(sql, &[], &[DataType::Utf8View], at_most)).await
}

const REFUSED: &[&str] = &[
    "INSERT INTO @.t VALUES ('x')",
    "INSERT INTO @.t VALUES ('x') RETURNING v",
    "UPDATE @.t SET v = 'x' RETURNING v",
    "DELETE FROM @.t RETURNING v",
    "TRUNCATE @.t",
    "WITH w AS (INSERT INTO @.t VALUES ('x') RETURNING v) SELECT v FROM w",
    "WITH w AS (DELETE FROM @.t RETURNING v) SELECT v FROM w",
    "SELECT v FROM @.t FOR UPDATE",
    "SELECT v FROM @.t FOR SHARE",
    "SELECT CAST(nextval('@.q') AS text)",
    "SELECT v INTO @.other FROM @.t",
    "CREATE TABLE @.other AS SELECT v FROM @.t",
    "CREATE TEMP TABLE other (v text)",
    "DROP TABLE @.t",
    "ALTER TABLE @.t ADD COLUMN w text",
    "GRANT ALL ON @.t TO PUBLIC",
    "SET transaction_read_only = off",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET TRANSACTION READ WRITE",
    "SET statement_timeout = 0",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SELECT 'x'; COMMIT",
    "SELECT 'x'; DELETE FROM @.t",
    "COMMIT; DELETE FROM @.t",
    "COPY @.t TO STDOUT",
    "COPY @.t FROM STDIN",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/air-must-not-exist'",
    "SELECT 1) TO PROGRAM 'true' --",
    "SELECT 'x' AS v) TO STDOUT; DELETE FROM @.t; COPY (SELECT 'x' AS v",
    "DO $do$ BEGIN DELETE FROM @.t; END $do$",
    "EXPLAIN ANALYZE DELETE FROM @.t",
    "CALL @.remove()",
    "SELECT @.evil()",
    "SELECT @.evil2()",
    "PREPARE p AS DELETE FROM @.t",
    "LOCK TABLE @.t IN ACCESS EXCLUSIVE MODE",
    "NOTIFY air",
    "LISTEN air",
    "VACUUM @.t",
    "CHECKPOINT",
    "DISCARD ALL",
];

async fn prepared() -> (String, tokio_postgres::Client) {
    schema(
        "CREATE TABLE t (v text); INSERT INTO t VALUES ('one');
         CREATE SEQUENCE q; GRANT ALL ON q TO writer;
         CREATE PROCEDURE remove() LANGUAGE sql AS 'DELETE FROM t';
         CREATE FUNCTION evil() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
           $body$ BEGIN DELETE FROM t; RETURN 'done'; END $body$;
         CREATE FUNCTION evil2() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
           $body$ BEGIN PERFORM set_config('transaction_read_only', 'off', false);
           DELETE FROM t; RETURN 'done'; END $body$;
         ALTER FUNCTION evil() SET search_path = pg_catalog;",
    )
    .await
}

#[tokio::test]
async fn writes_are_refused_and_nothing_stays() {
    let (name, admin) = prepared().await;
    let options = || DatabaseOptions { max_connections: 1, ..DatabaseOptions::default() };
    let superuser = DatabaseOptions { allow_superuser: true, ..options() };
    for source in
        [server().source("writer", options()), open(&server().dsn("postgres", ""), superuser)]
    {
        for statement in REFUSED {
            let sql = statement.replace('@', &name);
            for at_most in BOTH {
                let error = ask(&source, &sql, at_most).await.map(|_| ()).expect_err(statement);
                let SourceError::Database(
                    DatabaseError::Server { .. } | DatabaseError::Answer { .. },
                ) = error
                else {
                    // A type that is not text is refused before the statement is run.
                    let told = error.to_string();
                    assert!(told.contains("cannot be read as"), "{statement}: {told}");
                    continue;
                };
            }
            // The clean twin is answered, by the same connection.
            let twin = ask(&source, &format!("SELECT v FROM {name}.t"), None).await.unwrap();
            assert_eq!(twin.column(0).as_string_view().value(0), "one", "{statement}");
        }
    }
    let kept = admin.query_one(&format!("SELECT count(*) FROM {name}.t"), &[]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 1);
    assert!(!std::path::Path::new("/air-must-not-exist").exists());
    let made = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1";
    assert_eq!(admin.query_one(made, &[&name]).await.unwrap().get::<_, i64>(0), 2);
}

/// What a query sets for its session is gone for the next.
#[tokio::test]
async fn a_setting_does_not_stay() {
    let options = DatabaseOptions { max_connections: 1, ..DatabaseOptions::default() };
    let source = server().source("writer", options);
    let show = |name: &str| format!("SELECT current_setting('{name}')");
    let first = ask(&source, "SELECT CAST(pg_backend_pid() AS text)", None).await.unwrap();
    for (name, value, wanted) in [
        ("default_transaction_read_only", "off", "on"),
        ("statement_timeout", "0", "30s"),
        ("search_path", "public", "pg_catalog"),
        ("TimeZone", "Asia/Kolkata", "UTC"),
        ("standard_conforming_strings", "off", "on"),
    ] {
        let set = format!("SELECT set_config('{name}', '{value}', false)");
        for at_most in BOTH {
            ask(&source, &set, at_most).await.unwrap();
            let now = ask(&source, &show(name), at_most).await.unwrap();
            assert_eq!(now.column(0).as_string_view().value(0), wanted, "{name}");
        }
    }
    let lock = "SELECT CAST(pg_advisory_lock(42) AS text)";
    ask(&source, lock, None).await.unwrap();
    let held = ask(
        &source,
        "SELECT CAST(count(*) AS text) FROM pg_locks WHERE locktype = 'advisory'
         AND pid = pg_backend_pid()",
        None,
    );
    assert_eq!(held.await.unwrap().column(0).as_string_view().value(0), "0");
    let last = ask(&source, "SELECT CAST(pg_backend_pid() AS text)", None).await.unwrap();
    assert_eq!(first, last, "all by one connection");
}

/// A function that somebody put where unqualified names could find it is not found.
#[tokio::test]
async fn names_are_the_servers_own() {
    let (_name, admin) = schema(
        "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'trap' $$;
         GRANT EXECUTE ON FUNCTION public.lower(varchar) TO PUBLIC;",
    )
    .await;
    let source = server().source("reader", DatabaseOptions::default());
    let asked = ask(&source, "SELECT lower(CAST('ABC' AS varchar))", None).await;
    admin.batch_execute("DROP FUNCTION public.lower(varchar)").await.unwrap();
    assert_eq!(asked.unwrap().column(0).as_string_view().value(0), "abc");
}
