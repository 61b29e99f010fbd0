//! What learning finds in a real server's catalog.

use super::server::{schema, server};
use super::{query, read};
use air_connectors::{DatabaseOptions, LearnOptions, PostgresSource};
use air_ir::catalog::{Role, SourceKind, TableKind};
use air_ir::{Catalog, DataType, Table};
use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::datatypes::DataType as ArrowType;
use std::time::Duration;

async fn learned(options: &LearnOptions) -> Catalog {
    let source = server().source("reader", DatabaseOptions::default());
    source.learn(options, |_, share| assert!(share <= 100)).await.unwrap()
}

fn tables<'c>(catalog: &'c Catalog, schema: &str) -> Vec<&'c Table> {
    catalog.tables.iter().filter(|t| t.schema.as_deref() == Some(schema)).collect()
}

fn table<'c>(catalog: &'c Catalog, schema: &str, name: &str) -> &'c Table {
    tables(catalog, schema).into_iter().find(|t| t.name == name).unwrap()
}

const SHOP: &str = r#"
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TYPE pair AS (a int, b int);
    CREATE DOMAIN price AS numeric(12,2);
    CREATE DOMAIN cheap AS price CHECK (VALUE < 10);
    CREATE TABLE people (id int PRIMARY KEY, "Full Name" text NOT NULL, mood mood);
    COMMENT ON TABLE people IS 'Everyone';
    COMMENT ON COLUMN people."Full Name" IS 'As on the passport';
    INSERT INTO people VALUES (1, 'Ann', 'glad'), (2, 'Böb', NULL), (3, 'Ann', 'sad');
    CREATE TABLE regions (country text, code text, PRIMARY KEY (code, country));
    CREATE TABLE orders (
      id bigserial PRIMARY KEY, buyer_id int NOT NULL REFERENCES people, seller_id int REFERENCES people,
      country text, region text, total cheap, at timestamptz NOT NULL, any_number numeric,
      note varchar(20), raw bytea, tags text[], lasts interval, net inet, doc jsonb, ref uuid,
      odd pair, big numeric(90,4), off boolean, clock time, clockz timetz, span int4range, bits bit(4),
      FOREIGN KEY (region, country) REFERENCES regions (code, country));
    CREATE UNIQUE INDEX note_once ON orders (note, at);
    CREATE UNIQUE INDEX part_once ON orders (ref) WHERE ref IS NOT NULL;
    CREATE UNIQUE INDEX expression_once ON orders (lower(note), id);
    INSERT INTO orders (buyer_id, at, total, note, any_number)
      SELECT 1 + g % 3, timestamptz '2024-01-01 00:00Z' + g * interval '1 hour', g / 100.0,
        CASE WHEN g % 4 > 0 THEN 'n' || g % 4 END, g
      FROM generate_series(0, 99) AS s (g);
    CREATE VIEW big_orders AS SELECT id, total FROM orders WHERE total > 5;
    CREATE MATERIALIZED VIEW totals AS SELECT buyer_id, sum(total) AS total FROM orders GROUP BY 1;
    CREATE TABLE events (at date NOT NULL, n int) PARTITION BY RANGE (at);
    CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    INSERT INTO events SELECT date '2024-12-01' + g, g FROM generate_series(0, 49) AS s (g);
    CREATE TABLE secret (v text); REVOKE ALL ON secret FROM reader;
    CREATE TABLE half (v text, hidden text); REVOKE ALL ON half FROM reader;
    GRANT SELECT (v) ON half TO reader;
    CREATE TABLE "we""ird $1" ("co""l" text, "ß $2" int, "x.y" int);
    INSERT INTO "we""ird $1" VALUES ('v', 1, 2);
    CREATE TABLE numbers (usual numeric, fine numeric, large numeric, odd numeric);
    INSERT INTO numbers VALUES (1.5000000000000, 0.00000000001, 1e30, 'NaN'), (1e27, 1, 1, 2);
    ANALYZE;
"#;

#[tokio::test]
async fn tables_columns_keys_and_comments() {
    let (name, _admin) = schema(SHOP).await;
    let catalog = learned(&LearnOptions::default()).await;
    let names: Vec<&str> = tables(&catalog, &name).iter().map(|t| t.name.as_str()).collect();
    let wanted = [
        "big_orders",
        "events",
        "half",
        "numbers",
        "orders",
        "people",
        "regions",
        "totals",
        "we\"ird $1",
    ];
    assert_eq!(names, wanted);

    let orders = table(&catalog, &name, "orders");
    let columns: Vec<String> = orders
        .columns
        .iter()
        .map(|c| format!("{}:{}:{}", c.name, c.data_type, c.native_type))
        .collect();
    let wanted = [
        "id:int64:bigint",
        "buyer_id:int32:integer",
        "seller_id:int32:integer",
        "country:text:text",
        "region:text:text",
        &format!("total:decimal(12,2):{name}.cheap"),
        "at:timestamptz:timestamp with time zone",
        "any_number:decimal(38,10):numeric",
        "note:text:character varying(20)",
        "raw:binary:bytea",
        "tags:text:text[]",
        "lasts:text:interval",
        "net:text:inet",
        "doc:json:jsonb",
        "ref:uuid:uuid",
        &format!("odd:unreadable:{name}.pair"),
        "big:decimal(76,4):numeric(90,4)",
        "off:bool:boolean",
        "clock:time:time without time zone",
        "clockz:text:time with time zone",
        "span:text:int4range",
        "bits:text:bit(4)",
    ];
    assert_eq!(columns, wanted);
    assert_eq!(orders.primary_key, ["id"]);
    assert!(!orders.column("at").unwrap().nullable && orders.column("note").unwrap().nullable);
    assert_eq!(orders.time_column.as_deref(), Some("at"));
    assert_eq!(orders.column("at").unwrap().role, Some(Role::Time));
    assert_eq!(orders.column("buyer_id").unwrap().role, Some(Role::Key));
    assert_eq!(orders.column("total").unwrap().role, Some(Role::Measure));
    let keys: Vec<String> = orders
        .foreign_keys
        .iter()
        .map(|k| {
            let (to, role) = (&k.references, k.role.as_deref().unwrap_or("-"));
            assert_eq!(to.schema.as_deref(), Some(name.as_str()));
            format!("{}>{}({}) {role}", k.columns.join(","), to.table, to.columns.join(","))
        })
        .collect();
    let wanted = [
        "buyer_id>people(id) buyer",
        "seller_id>people(id) seller",
        "region,country>regions(code,country) -",
    ];
    assert_eq!(keys, wanted);
    let indexes: Vec<String> = orders
        .indexes
        .iter()
        .map(|i| format!("{} {} {}", i.name, i.columns.join(","), i.unique))
        .collect();
    let wanted = [
        "expression_once id false",
        "note_once note,at true",
        "orders_pkey id true",
        "part_once ref false",
    ];
    assert_eq!(indexes, wanted);

    // Digits that a numeric does not declare are those that its rows need.
    let numbers = &table(&catalog, &name, "numbers").columns;
    let numbers: Vec<String> = numbers.iter().map(|c| c.data_type.to_string()).collect();
    assert_eq!(numbers, ["decimal(38,10)", "decimal(76,38)", "decimal(76,38)", "decimal(38,10)"]);

    let people = table(&catalog, &name, "people");
    assert_eq!(people.description.as_deref(), Some("Everyone"));
    assert_eq!(
        people.column("Full Name").unwrap().description.as_deref(),
        Some("As on the passport")
    );
    assert_eq!(table(&catalog, &name, "regions").primary_key, ["code", "country"]);
    assert_eq!(table(&catalog, &name, "big_orders").kind, TableKind::View);
    assert_eq!(table(&catalog, &name, "totals").kind, TableKind::MaterializedView);
    assert_eq!(table(&catalog, &name, "half").columns.len(), 1, "only what may be read");
}

#[tokio::test]
async fn figures_and_values() {
    let (name, _admin) = schema(SHOP).await;
    let catalog = learned(&LearnOptions::default()).await;
    let orders = table(&catalog, &name, "orders");
    assert_eq!(orders.row_estimate, Some(100));
    let stats = |column: &str| orders.column(column).unwrap().stats.clone().unwrap();
    let at = stats("at");
    assert_eq!(at.min.as_deref(), Some("2024-01-01T00:00:00Z"));
    assert_eq!(at.max.as_deref(), Some("2024-01-05T03:00:00Z"));
    assert_eq!((at.null_share, at.distinct), (Some(0.0), Some(100)));
    let total = stats("total");
    assert_eq!((total.min.as_deref(), total.max.as_deref()), (Some("0.00"), Some("0.99")));
    assert_eq!(stats("note").null_share, Some(0.25));
    assert_eq!(stats("note").distinct, Some(3));
    assert_eq!(stats("seller_id").null_share, Some(1.0));
    let notes = orders.column("note").unwrap().values.clone().unwrap();
    assert!(notes.complete);
    let counts: Vec<(String, u64)> = notes.counts.into_iter().collect();
    assert_eq!(counts, [("n1".to_owned(), 25), ("n2".to_owned(), 25), ("n3".to_owned(), 25)]);
    let people = table(&catalog, &name, "people");
    let moods = people.column("mood").unwrap().values.clone().unwrap();
    assert_eq!(moods.counts.keys().collect::<Vec<_>>(), ["glad", "sad"]);
    let odd = table(&catalog, &name, "we\"ird $1");
    assert_eq!(odd.column("co\"l").unwrap().values.clone().unwrap().counts["v"], 1);
    assert_eq!(table(&catalog, &name, "events").row_estimate, Some(50), "of all its parts");
    assert!(table(&catalog, &name, "big_orders").columns[0].stats.is_none());

    let few = LearnOptions { max_values: 2, include_stats: false, ..LearnOptions::default() };
    let catalog = learned(&few).await;
    let orders = table(&catalog, &name, "orders");
    assert!(orders.column("note").unwrap().values.is_none(), "more than were asked for");
    assert!(orders.column("note").unwrap().stats.is_none());
    assert_eq!(orders.row_estimate, Some(100), "the server's own");
    let none = LearnOptions { sample_values: false, ..LearnOptions::default() };
    let catalog = learned(&none).await;
    assert!(table(&catalog, &name, "people").column("mood").unwrap().values.is_none());
}

/// Without time, learning still tells tables and columns, and the server's own estimates.
#[tokio::test]
async fn no_time_leaves_figures_out() {
    let (name, _admin) = schema(SHOP).await;
    let hurried = LearnOptions { time_limit: Duration::ZERO, ..LearnOptions::default() };
    let catalog = learned(&hurried).await;
    let orders = table(&catalog, &name, "orders");
    let stats = orders.column("note").unwrap().stats.clone().unwrap();
    assert_eq!((stats.min, stats.null_share, stats.distinct), (None, Some(0.25), Some(3)));
    assert!(orders.column("note").unwrap().values.is_none());
}

#[tokio::test]
async fn the_version_is_that_of_the_schema() {
    // Other tests make tables beside this one, so it looks at a database of its own.
    let admin = server().admin().await;
    admin.batch_execute("CREATE DATABASE versions").await.unwrap();
    let dsn = |user| server().dsn(user, "").replace("/postgres", "/versions");
    let change = async |sql: &str| {
        let allowed = tokio_postgres::Config::new()
            .host("127.0.0.1")
            .port(server().port)
            .user("postgres")
            .password(super::server::PASSWORD)
            .dbname("versions")
            .connect(tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(allowed.1);
        allowed.0.batch_execute(sql).await.unwrap();
    };
    let version = async || {
        let source = super::server::open(&dsn("reader"), DatabaseOptions::default());
        source.learn(&LearnOptions::default(), |_, _| {}).await.unwrap().version
    };
    change("CREATE TABLE public.t (v text); GRANT SELECT ON public.t TO reader").await;
    let first = version().await;
    assert_eq!(first.len(), 64);
    change("INSERT INTO public.t VALUES ('x'); ANALYZE").await;
    assert_eq!(version().await, first, "rows do not change it");
    change("ALTER TABLE public.t ADD COLUMN w int").await;
    let second = version().await;
    assert_ne!(second, first);
    change("COMMENT ON COLUMN public.t.w IS 'told'").await;
    assert_ne!(version().await, second, "a meaning does");
}

/// A stand-in for TimescaleDB: its views, and a function where an extension would have it.
#[tokio::test]
async fn hypertables_by_a_stand_in() {
    let admin = server().admin().await;
    admin.batch_execute("CREATE DATABASE series").await.unwrap();
    let (client, connection) = tokio_postgres::Config::new()
        .host("127.0.0.1")
        .port(server().port)
        .user("postgres")
        .password(super::server::PASSWORD)
        .dbname("series")
        .connect(tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE SCHEMA timescaledb_information; CREATE SCHEMA \"ext Schema\";
             GRANT USAGE ON SCHEMA timescaledb_information, \"ext Schema\" TO reader;
             CREATE FUNCTION \"ext Schema\".time_bucket(width interval, at timestamptz)
               RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
               $$ SELECT date_bin(width, at, timestamptz '2000-01-03 00:00Z') $$;
             CREATE FUNCTION \"ext Schema\".time_bucket(width interval, at timestamptz, zone text,
               origin timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS
               $$ SELECT date_bin(width, at AT TIME ZONE zone, origin AT TIME ZONE zone)
                  AT TIME ZONE zone $$;
             CREATE TABLE readings (seen timestamptz NOT NULL, booked timestamptz, kwh float8);
             CREATE TABLE plain (seen timestamptz);
             CREATE VIEW timescaledb_information.dimensions AS
               SELECT 'public' AS hypertable_schema, 'readings' AS hypertable_name,
                 1 AS dimension_number, 'seen' AS column_name, 'Time' AS dimension_type,
                 interval '7 days' AS time_interval;
             GRANT SELECT ON ALL TABLES IN SCHEMA public, timescaledb_information TO reader",
        )
        .await
        .unwrap();
    let dsn = server().dsn("reader", "").replace("/postgres", "/series").into();
    let source =
        PostgresSource::open("ts", SourceKind::Timescaledb, &dsn, DatabaseOptions::default())
            .unwrap();
    let catalog = source.learn(&LearnOptions::default(), |_, _| {}).await.unwrap();
    assert_eq!(catalog.kind, SourceKind::Timescaledb);
    let names: Vec<String> = catalog.table_names().collect();
    assert_eq!(names, ["public.plain", "public.readings"], "not the extension's own views");
    let readings = table(&catalog, "public", "readings");
    assert_eq!((readings.kind, readings.time_series), (TableKind::Hypertable, true));
    assert_eq!(readings.time_column.as_deref(), Some("seen"));
    assert!(readings.description.as_ref().unwrap().contains("7 days"));
    assert_eq!(readings.column("kwh").unwrap().data_type, DataType::Float64);
    assert!(!table(&catalog, "public", "plain").time_series);
    // Unqualified, as the SQL writer has it, and wherever the extension is.
    let sql = "SELECT CAST(time_bucket(INTERVAL '1 day', TIMESTAMPTZ '2024-05-06 07:00Z') AS text)";
    for at_most in super::BOTH {
        let batch = read(&source, query(sql, &[], &[ArrowType::Utf8View], at_most)).await.unwrap();
        assert_eq!(batch.column(0).as_string_view().value(0), "2024-05-06 00:00:00+00");
    }
}

/// A plan asks for no function that the server does not have, since such a server is not learned.
#[tokio::test]
async fn a_server_without_the_functions_of_its_kind_is_not_learned() {
    let admin = server().admin().await;
    admin.batch_execute("CREATE DATABASE bare").await.unwrap();
    let dsn = server().dsn("reader", "").replace("/postgres", "/bare").into();
    let open = |kind| PostgresSource::open("ts", kind, &dsn, DatabaseOptions::default()).unwrap();
    let learn = |source: PostgresSource| async move {
        source.learn(&LearnOptions::default(), |_, _| {}).await
    };
    let error = learn(open(SourceKind::Timescaledb)).await.unwrap_err().to_string();
    assert!(error.contains("register it as postgres"), "{error}");
    let catalog = learn(open(SourceKind::Postgres)).await.unwrap();
    assert!(catalog.tables.is_empty());
}
