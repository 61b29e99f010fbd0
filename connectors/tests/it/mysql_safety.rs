//! What a MariaDB source does not do: write, outlive its reader, or tell secrets.

use crate::servers_mariadb::{PASSWORD, Shop, cells, dsn, mariadb, query, read, shop, shop_with};
use air_connectors::{AllowedHosts, DatabaseError, DatabaseOptions, MysqlSource, SourceError};
use air_engine::Remote;
use datafusion::arrow::datatypes::DataType;
use futures::StreamExt;
use mysql_async::prelude::Queryable;
use secrecy::SecretString;
use std::time::{Duration, Instant};

const INT: DataType = DataType::Int64;

#[tokio::test]
async fn writes_are_refused_below_the_guard() {
    // The user may write all it wants in its database: the connection alone refuses.
    let mut shop = shop(&[
        "CREATE TABLE t (v INT)",
        "INSERT INTO t VALUES (1)",
        "CREATE FUNCTION writes() RETURNS INT BEGIN INSERT INTO t VALUES (2); RETURN 1; END",
        "CREATE PROCEDURE wipe() BEGIN DELETE FROM t; SELECT 1; END",
        "CREATE SEQUENCE counter",
    ])
    .await;
    let grant = format!("GRANT ALL PRIVILEGES ON {0}.* TO {0}", shop.name);
    shop.admin.query_drop(grant).await.unwrap();
    for bad in [
        "INSERT INTO t VALUES (2)",
        "INSERT INTO t VALUES (2) RETURNING v",
        "UPDATE t SET v = 2",
        "DELETE FROM t RETURNING v",
        "REPLACE INTO t VALUES (3)",
        "TRUNCATE t",
        "DROP TABLE t",
        "CREATE TABLE u (v INT)",
        "CREATE TEMPORARY TABLE u (v INT)",
        "ALTER TABLE t ADD w INT",
        "SET @@session.sql_mode = ''",
        "SET GLOBAL max_connections = 1",
        "SET STATEMENT max_statement_time = 0 FOR SELECT 1",
        "SELECT 1; DELETE FROM t",
        "SELECT 1 INTO OUTFILE '/tmp/air-must-not-write'",
        "SELECT 1 INTO DUMPFILE '/tmp/air-must-not-write'",
        "SELECT 1 INTO @x",
        "SELECT writes()",
        "SELECT NEXTVAL(counter)",
        "CALL wipe()",
        "DO SLEEP(0)",
        "LOCK TABLES t WRITE",
        "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t",
        "PREPARE s FROM 'DELETE FROM t'",
        "EXECUTE IMMEDIATE 'DELETE FROM t'",
        "BEGIN NOT ATOMIC DELETE FROM t; END",
        "COMMIT",
        "START TRANSACTION READ WRITE",
        "HANDLER t OPEN",
        "KILL 1",
        "FLUSH TABLES",
        "GRANT SELECT ON *.* TO x",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "/*! DELETE FROM t */",
        "ANALYZE DELETE FROM t",
        "EXPLAIN DELETE FROM t",
        "SHOW GRANTS",
    ] {
        let refused = read(&shop.source, query(bad, vec![], &[INT])).await;
        assert!(refused.is_err(), "{bad}");
    }
    let left: Vec<i64> = shop.admin.query("SELECT v FROM t").await.unwrap();
    assert_eq!(left, [1]);
    assert!(!std::path::Path::new("/tmp/air-must-not-write").exists());
    // Their clean twins pass, on the same connections.
    for fine in [
        "SELECT v FROM t",
        "  select v from t",
        "(SELECT v FROM t)",
        "WITH x AS (SELECT v FROM t) SELECT v FROM x",
        "SELECT LENGTH('INSERT INTO t VALUES (2); DELETE FROM t') - 38",
    ] {
        let rows = cells(&shop.source, fine, vec![], &[INT]).await;
        assert_eq!(rows.unwrap(), [["1"]], "{fine}");
    }
    let file = "SELECT LOAD_FILE('/etc/hostname')";
    assert_eq!(cells(&shop.source, file, vec![], &[DataType::Binary]).await.unwrap(), [["∅"]]);
}

#[tokio::test]
async fn a_function_does_not_change_the_session_of_the_next_query() {
    let options = DatabaseOptions { max_connections: 1, ..DatabaseOptions::default() };
    let mut shop = shop_with(
        &["CREATE FUNCTION meddles() RETURNS INT BEGIN SET time_zone = '+05:00', \
           max_statement_time = 0; SET NAMES latin1; SET SESSION TRANSACTION READ WRITE; \
           RETURN 1; END"],
        options,
    )
    .await;
    let grant = format!("GRANT EXECUTE ON {0}.* TO {0}", shop.name);
    shop.admin.query_drop(grant).await.unwrap();
    let meddled = "SELECT meddles(), CONNECTION_ID()";
    let before = cells(&shop.source, meddled, vec![], &[INT, INT]).await.unwrap();
    let session = "SELECT CONNECTION_ID(), @@time_zone, @@max_statement_time, @@tx_read_only, 'é'";
    let types = [INT, DataType::Utf8View, DataType::Float64, INT, DataType::Utf8View];
    let after = cells(&shop.source, session, vec![], &types).await.unwrap();
    assert_eq!(after, [[before[0][1].as_str(), "+00:00", "30.0", "1", "é"]]);
}

#[tokio::test]
async fn users_that_may_do_more_than_read_are_refused() {
    let mut shop = shop(&["CREATE TABLE t (v INT)"]).await;
    for right in ["FILE", "SUPER", "ALL PRIVILEGES", "READ_ONLY ADMIN", "CREATE USER", "RELOAD"] {
        let user = format!("{}_more", shop.name);
        let drop = format!("DROP USER IF EXISTS {user}");
        shop.admin.query_drop(drop.as_str()).await.unwrap();
        let create = format!("CREATE USER {user} IDENTIFIED BY '{PASSWORD}'");
        shop.admin.query_drop(create).await.unwrap();
        shop.admin.query_drop(format!("GRANT SELECT ON *.* TO {user}")).await.unwrap();
        shop.admin.query_drop(format!("GRANT {right} ON *.* TO {user}")).await.unwrap();
        let source = open(&dsn(&user, &shop.name), DatabaseOptions::default());
        let error = source.health().await.unwrap_err();
        assert!(
            matches!(&error, SourceError::Database(DatabaseError::Superuser { .. })),
            "{right}: {error}"
        );
        let error = read(&source, query("SELECT 1", vec![], &[INT])).await.unwrap_err();
        assert!(error.to_string().contains("allow_superuser"), "{error}");

        let options = DatabaseOptions { allow_superuser: true, ..DatabaseOptions::default() };
        let allowed = open(&dsn(&user, &shop.name), options);
        assert!(allowed.health().await.unwrap().detail.contains("MariaDB"));
        shop.admin.query_drop(drop).await.unwrap();
    }
    // A right that comes with a role counts as the user's own.
    let (user, role) = (shop.name.clone(), format!("{}_role", shop.name));
    for sql in [
        format!("CREATE ROLE {role}"),
        format!("GRANT FILE ON *.* TO {role}"),
        format!("GRANT {role} TO {user}"),
        format!("SET DEFAULT ROLE {role} FOR {user}"),
    ] {
        shop.admin.query_drop(sql).await.unwrap();
    }
    let error = shop.source.health().await.unwrap_err().to_string();
    assert!(error.contains("FILE"), "{error}");
}

#[tokio::test]
async fn a_dropped_reader_ends_the_query_in_the_server() {
    let options = DatabaseOptions { max_connections: 1, ..DatabaseOptions::default() };
    let mut shop = shop_with(&[], options).await;
    // While it computes, before there is a row.
    let slow = "SELECT SLEEP(25) + 4711";
    let mut rows = shop.source.rows(query(slow, vec![], &[INT])).await.unwrap();
    let waiting = tokio::spawn(async move { rows.next().await });
    running(&mut shop, "4711", true).await;
    waiting.abort();
    running(&mut shop, "4711", false).await;
    // While it sends, with rows that nobody takes.
    let long = "SELECT seq + 4712 FROM seq_1_to_900000000";
    let mut rows = shop.source.rows(query(long, vec![], &[INT])).await.unwrap();
    assert!(rows.next().await.unwrap().unwrap().num_rows() > 0);
    running(&mut shop, "4712", true).await;
    drop(rows);
    running(&mut shop, "4712", false).await;
    // The one connection of the pool is there for the next.
    assert_eq!(cells(&shop.source, "SELECT 1", vec![], &[INT]).await.unwrap(), [["1"]]);
}

/// Waits until a query with `mark` is running in the server, or is not.
async fn running(shop: &mut Shop, mark: &str, wanted: bool) {
    let begin = Instant::now();
    let count = format!(
        "SELECT COUNT(*) FROM information_schema.processlist \
         WHERE user = '{}' AND info LIKE '%{mark}%'",
        shop.name
    );
    loop {
        let found: Option<i64> = shop.admin.query_first(count.as_str()).await.unwrap();
        if (found.unwrap() > 0) == wanted {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{mark} is running: {}", !wanted);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_server_ends_what_takes_too_long() {
    let statement_timeout = Duration::from_millis(300);
    let shop =
        shop_with(&[], DatabaseOptions { statement_timeout, ..DatabaseOptions::default() }).await;
    let slow = "SELECT COUNT(*) FROM seq_1_to_100000 a, seq_1_to_100000 b WHERE a.seq ^ b.seq = 7";
    let error = read(&shop.source, query(slow, vec![], &[INT])).await.unwrap_err();
    assert!(
        matches!(&error, SourceError::Database(DatabaseError::StatementTimeout { .. })),
        "{error}"
    );
    assert_eq!(cells(&shop.source, "SELECT 1", vec![], &[INT]).await.unwrap(), [["1"]]);
}

#[tokio::test]
async fn connections_are_bounded_and_come_back() {
    let options = DatabaseOptions { max_connections: 3, ..DatabaseOptions::default() };
    let mut shop =
        shop_with(&["CREATE TABLE t (v INT)", "INSERT INTO t VALUES (1)"], options).await;
    for round in 0..5 {
        let asked = (0..12).map(|i| {
            let text = match i % 4 {
                0 => "SELECT v FROM t",
                1 => "SELECT nothing FROM t",
                2 => "SELECT 300 FROM t WHERE v < 5",
                _ => "SELECT seq FROM seq_1_to_100000",
            };
            let arrow = if i % 4 == 2 { DataType::Int8 } else { INT };
            read(&shop.source, query(text, vec![], &[arrow]))
        });
        let answers = futures::future::join_all(asked).await;
        let good = answers.iter().filter(|a| a.is_ok()).count();
        assert_eq!(good, 6, "round {round}");
    }
    let count =
        format!("SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{}'", shop.name);
    let open: Option<i64> = shop.admin.query_first(count).await.unwrap();
    assert!(open.unwrap() <= 3, "{open:?}");
    // Each transaction ends, a moment after its last row.
    let open = format!(
        "SELECT COUNT(*) FROM information_schema.innodb_trx t \
         JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
         WHERE p.user = '{}'",
        shop.name
    );
    let begin = Instant::now();
    while shop.admin.query_first::<i64, _>(open.as_str()).await.unwrap() != Some(0) {
        assert!(begin.elapsed() < Duration::from_secs(20), "a transaction is open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_slow_reader_holds_few_batches() {
    let mut shop = shop(&[]).await;
    let text = "SELECT seq, REPEAT('x', 1000) FROM seq_1_to_400000";
    let types = [INT, DataType::Utf8View];
    let start = sent(&mut shop).await;
    let mut rows = shop.source.rows(query(text, vec![], &types)).await.unwrap();
    let first = rows.next().await.unwrap().unwrap();
    assert!(first.get_array_memory_size() < 32 << 20, "{}", first.get_array_memory_size());
    // Nobody takes the next, so the server comes to a stand long before its 400 MB are sent.
    let mut before = 0;
    loop {
        let now = sent(&mut shop).await;
        if now - before < 1 << 20 {
            assert!(now - start < 150 << 20, "{} bytes were sent", now - start);
            break;
        }
        before = now;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running(&mut shop, "REPEAT", true).await;
    let mut count = first.num_rows();
    while let Some(batch) = rows.next().await {
        count += batch.unwrap().num_rows();
    }
    assert_eq!(count, 400_000);
}

/// Bytes that the server has sent to anybody.
async fn sent(shop: &mut Shop) -> u64 {
    let status = "SELECT VARIABLE_VALUE FROM information_schema.global_status \
                  WHERE VARIABLE_NAME = 'BYTES_SENT'";
    let sent: Option<String> = shop.admin.query_first(status).await.unwrap();
    sent.unwrap().parse().unwrap()
}

#[tokio::test]
async fn no_message_holds_the_password() {
    let shop = shop(&["CREATE TABLE t (v INT)"]).await;
    let port = mariadb().port;
    let text = |user: &str, password: &str, place: &str| {
        SecretString::from(format!("mysql://{user}:{password}@{place}"))
    };
    let wrong = "wrong-hidden";
    let mut told = vec![format!("{:?}", shop.source)];
    for (dsn, kind) in [
        (text(&shop.name, wrong, &format!("127.0.0.1:{port}/{}", shop.name)), "was not let in"),
        (text(&shop.name, wrong, "127.0.0.1:1/d"), "refused the connection"),
        (text(&shop.name, wrong, "no-such-host.invalid/d"), "no host"),
        (text(&shop.name, wrong, "169.254.169.254/d"), "allowed_hosts"),
        (text(&shop.name, wrong, &format!("127.0.0.1:{port}/d?ssl-mode=required")), "encrypted"),
    ] {
        let source = open(&dsn, DatabaseOptions::default());
        told.push(format!("{source:?}"));
        let error = source.health().await.unwrap_err();
        assert!(error.to_string().contains(kind), "{error}");
        told.push(format!("{error} {error:?}"));
    }
    let syntax = read(&shop.source, query("SELECT 'hidden' FROM", vec![], &[INT])).await;
    told.push(format!("{:?}", syntax.unwrap_err()));
    for text in told {
        assert!(!text.contains("hidden") && !text.contains("s3cret"), "{text}");
    }
    let hosts = AllowedHosts::new(Some(&["db.example.org".to_owned()])).unwrap();
    let options = DatabaseOptions { allowed_hosts: hosts, ..DatabaseOptions::default() };
    let error = open(&dsn(&shop.name, &shop.name), options).health().await.unwrap_err();
    assert!(matches!(error, SourceError::Database(DatabaseError::HostNotAllowed { .. })));
    let bad = MysqlSource::open(
        "s",
        &SecretString::from("mysql://u:hidden@h/d?x=1"),
        DatabaseOptions::default(),
    );
    assert!(!bad.unwrap_err().to_string().contains("hidden"));
}

fn open(dsn: &SecretString, options: DatabaseOptions) -> MysqlSource {
    MysqlSource::open("shop", dsn, options).unwrap()
}
