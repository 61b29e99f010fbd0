//! What is learned of a MariaDB database.

use crate::servers_mariadb::{dsn, query, shop};
use air_connectors::{DatabaseOptions, LearnOptions, MysqlSource};
use air_ir::catalog::{Role, TableKind};
use datafusion::arrow::datatypes::DataType;
use mysql_async::prelude::Queryable;

const SCHEMA: &[&str] = &[
    "CREATE TABLE airports (code CHAR(3) PRIMARY KEY, city VARCHAR(50) COMMENT 'where it is') \
     COMMENT 'Places to fly to'",
    "CREATE TABLE planes (maker INT, number INT, PRIMARY KEY (maker, number))",
    "CREATE TABLE flights (id BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT, \
     origin_code CHAR(3) NOT NULL, dest_code CHAR(3) NOT NULL, maker INT, number INT, \
     departed DATETIME NOT NULL, late TINYINT(1) NOT NULL, rating TINYINT(1), \
     price DECIMAL(8,2), note VARCHAR(50), UNIQUE KEY slot (departed, origin_code), \
     FOREIGN KEY (origin_code) REFERENCES airports (code), \
     FOREIGN KEY (dest_code) REFERENCES airports (code), \
     FOREIGN KEY (maker, number) REFERENCES planes (maker, number))",
    "CREATE VIEW late_flights AS SELECT id, departed FROM flights WHERE late",
    "INSERT INTO airports VALUES ('SEA', 'Seattle'), ('JFK', 'New York'), ('SEa', 'seattle '), \
     ('XXX', NULL)",
    "INSERT INTO planes VALUES (1, 1)",
    "INSERT INTO flights (origin_code, dest_code, maker, number, departed, late, rating, price, \
     note) VALUES ('SEA', 'JFK', 1, 1, '2024-01-01 10:00:00', 1, 5, 99.50, 'a'), \
     ('JFK', 'SEA', NULL, NULL, '2024-02-01 11:30:00', 0, 0, NULL, 'A'), \
     ('JFK', 'SEA', 1, 1, '2024-03-01 00:00:00', 0, 1, 5, 'a ')",
];

fn schema() -> Vec<&'static str> {
    // Codes that differ by case only are one key to a collation that ignores case.
    let mut statements = vec!["SET NAMES utf8mb4"];
    statements.extend(SCHEMA.iter().copied());
    statements
}

#[tokio::test]
async fn tables_columns_and_keys() {
    let mut shop = shop(&["ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]).await;
    for statement in schema() {
        shop.admin.query_drop(statement).await.unwrap();
    }
    let catalog = shop.source.learn(&LearnOptions::default(), |_, _| {}).await.unwrap();
    let names: Vec<String> = catalog.table_names().collect();
    let expected = ["airports", "flights", "late_flights", "planes"];
    assert_eq!(names, expected.map(|t| format!("{}.{t}", shop.name)));
    let [airports, flights, view, planes] = &catalog.tables[..] else { panic!() };

    assert_eq!(airports.description.as_deref(), Some("Places to fly to"));
    assert_eq!(airports.columns[1].description.as_deref(), Some("where it is"));
    assert_eq!((view.kind, view.description.as_deref()), (TableKind::View, None));
    assert_eq!(planes.primary_key, ["maker", "number"]);
    assert_eq!(flights.primary_key, ["id"]);
    assert_eq!(flights.time_column.as_deref(), Some("departed"));
    assert_eq!(flights.row_estimate, Some(3));
    let slot = flights.indexes.iter().find(|i| i.name == "slot").unwrap();
    assert_eq!(
        (slot.unique, &slot.columns[..]),
        (true, &["departed".into(), "origin_code".into()][..])
    );

    let keys: Vec<String> = flights
        .foreign_keys
        .iter()
        .map(|k| {
            let role = k.role.as_deref().unwrap_or("-");
            format!(
                "{} {} {} {role}",
                k.columns.join("+"),
                k.references.table,
                k.references.columns.join("+")
            )
        })
        .collect();
    for key in [
        "origin_code airports code origin",
        "dest_code airports code dest",
        "maker+number planes maker+number -",
    ] {
        assert!(keys.iter().any(|k| k == key), "{key}: {keys:?}");
    }
    let column = |name: &str| flights.column(name).unwrap();
    assert_eq!(column("late").data_type.to_string(), "bool");
    assert_eq!(column("rating").data_type.to_string(), "int8", "it holds a 5");
    assert_eq!(column("id").data_type.to_string(), "uint64");
    assert_eq!(column("price").role, Some(Role::Measure));
    assert!(!column("late").nullable && column("departed").nullable && column("price").nullable);
}

#[tokio::test]
async fn figures_and_values_tell_bytes_apart() {
    let mut shop = shop(&["ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]).await;
    for statement in schema() {
        shop.admin.query_drop(statement).await.unwrap();
    }
    let recode = "ALTER TABLE flights MODIFY note VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci";
    shop.admin.query_drop(recode).await.unwrap();
    let options = LearnOptions { include_stats: true, ..LearnOptions::default() };
    let catalog = shop.source.learn(&options, |_, _| {}).await.unwrap();
    let flights = &catalog.tables[1];
    let note = flights.column("note").unwrap();
    let values = note.values.as_ref().unwrap();
    assert!(values.complete);
    let values: Vec<(&str, u64)> = values.counts.iter().map(|(v, n)| (v.as_str(), *n)).collect();
    assert_eq!(values, [("A", 1), ("a", 1), ("a ", 1)]);
    let stats = |name: &str| flights.column(name).unwrap().stats.clone().unwrap();
    assert_eq!(
        (stats("price").min.as_deref(), stats("price").max.as_deref()),
        (Some("5.00"), Some("99.50"))
    );
    assert_eq!(stats("price").null_share, Some(1.0 / 3.0));
    assert_eq!(stats("departed").max.as_deref(), Some("2024-03-01T00:00:00"));
    assert_eq!((stats("note").distinct, stats("late").distinct), (Some(3), Some(2)));

    let few = LearnOptions { max_values: 2, include_stats: false, ..LearnOptions::default() };
    let again = shop.source.learn(&few, |_, _| {}).await.unwrap();
    assert_eq!(again.tables[1].column("note").unwrap().values, None);
    assert_eq!(again.version, catalog.version, "figures are no part of the version");
    shop.admin.query_drop("ALTER TABLE planes ADD seats INT").await.unwrap();
    let changed = shop.source.learn(&few, |_, _| {}).await.unwrap();
    assert_ne!(changed.version, catalog.version);
}

#[tokio::test]
async fn only_what_the_user_reads_is_listed() {
    let mut shop = shop(&[]).await;
    let error = shop.source.learn(&LearnOptions::default(), |_, _| {}).await.unwrap_err();
    assert!(error.to_string().contains("grant SELECT"), "{error}");
    for sql in [
        "CREATE TABLE a (v INT)",
        "CREATE VIEW gone AS SELECT v FROM a",
        "CREATE TABLE b (v INT)",
        "DROP TABLE a",
    ] {
        shop.admin.query_drop(sql).await.unwrap();
    }
    // A view whose table is gone has no columns, and does not stop the rest.
    let everywhere =
        MysqlSource::open("all", &dsn(&shop.name, ""), DatabaseOptions::default()).unwrap();
    for source in [&shop.source, &everywhere] {
        let catalog = source.learn(&LearnOptions::default(), |_, _| {}).await.unwrap();
        let names: Vec<String> = catalog.table_names().collect();
        assert!(names.contains(&format!("{}.b", shop.name)), "{names:?}");
        assert!(names.iter().all(|n| n.starts_with(&format!("{}.", shop.name))), "{names:?}");
    }
}

#[tokio::test]
async fn health_and_cost() {
    let mut shop = shop(&["CREATE TABLE t (v INT)"]).await;
    shop.admin.query_drop("INSERT INTO t SELECT seq FROM seq_1_to_1000").await.unwrap();
    shop.admin.query_drop("ANALYZE TABLE t").await.unwrap();
    let health = shop.source.health().await.unwrap();
    assert!(health.detail.starts_with("MariaDB 1"), "{}", health.detail);
    assert!(health.latency_ms > 0.0);
    let cost = async |text: &str| {
        let sql = query(text, vec![], &[DataType::Int64]).sql;
        shop.source.cost(&sql).await.unwrap()
    };
    let (one, two) = (cost("SELECT v FROM t").await, cost("SELECT a.v FROM t a, t b").await);
    assert!(one >= 900.0 && two > one * 500.0, "{one} {two}");
    assert!(cost("SELECT 1").await < 1.0);
}
