//! Values reach the server as they are, bound or as literals of a `COPY`.

use super::server::{schema, server};
use super::{query, read, read_both};
use air_connectors::{DatabaseError, DatabaseOptions, PostgresSource, SourceError};
use datafusion::arrow::array::{Array, cast::AsArray};
use datafusion::arrow::datatypes::{DataType, Int64Type, i256};
use datafusion::common::ScalarValue;
use datafusion::common::utils::SingleRowListArrayBuilder;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

fn source() -> PostgresSource {
    server().source("reader", DatabaseOptions::default())
}

const HOSTILE: &[&str] = &[
    "",
    "plain",
    "it's",
    "''",
    "\\'",
    "\\') or 1=1 -- ",
    "x\\",
    "a'' b",
    "\"quoted\"",
    "$1",
    "$$body$$",
    "E'\\n'",
    "); DROP TABLE t; --",
    ") TO PROGRAM 'touch /x' --",
    "/* comment */",
    "line\nbreak\r\ttab",
    "Grüße \u{1F680} \u{202e}rtl",
    "\u{7f}\u{1}\u{ffff}",
    "%_\\%",
    "trailing  ",
    "NULL",
    "\\x41",
];

#[tokio::test]
async fn hostile_texts_come_back() {
    let source = source();
    let sql = "SELECT CAST($1 AS text), \"$1\" = CAST($1 AS text), '$1''$2' FROM
        (SELECT CAST($1 AS text) AS \"$1\") AS \"q\"\"$2\"";
    let types = [DataType::Utf8View, DataType::Boolean, DataType::Utf8View];
    for text in HOSTILE {
        let batch = read_both(&source, sql, &[ScalarValue::from(*text)], &types).await.unwrap();
        assert_eq!(batch.column(0).as_string_view().value(0), *text);
        assert!(batch.column(1).as_boolean().value(0), "{text:?}");
        assert_eq!(batch.column(2).as_string_view().value(0), "$1'$2");
    }
}

#[test]
fn any_text_and_any_bytes_come_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let source = source();
    let sql =
        "SELECT CAST($1 AS text), CAST($2 AS bytea), CAST($3 AS text[]) @> ARRAY[CAST($1 AS text)]";
    let types = [DataType::Utf8View, DataType::Binary, DataType::Boolean];
    let texts = proptest::collection::vec(any::<char>().prop_filter("NUL", |c| *c != '\0'), 0..40);
    let bytes = proptest::collection::vec(any::<u8>(), 0..60);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(150));
    let tested = runner.run(&(texts, bytes), |(text, bytes)| {
        let text: String = text.into_iter().collect();
        let list = list(vec![ScalarValue::from("other"), ScalarValue::from(text.as_str())]);
        let values =
            [ScalarValue::from(text.as_str()), ScalarValue::Binary(Some(bytes.clone())), list];
        let batch = runtime.block_on(read_both(&source, sql, &values, &types)).unwrap();
        prop_assert_eq!(batch.column(0).as_string_view().value(0), text);
        prop_assert_eq!(batch.column(1).as_binary::<i32>().value(0), bytes);
        prop_assert!(batch.column(2).as_boolean().value(0));
        Ok(())
    });
    tested.unwrap();
}

fn list(values: Vec<ScalarValue>) -> ScalarValue {
    let array = ScalarValue::iter_to_array(values).unwrap();
    ScalarValue::List(SingleRowListArrayBuilder::new(array).build_list_array().into())
}

#[tokio::test]
async fn scalars_of_every_kind() {
    let source = source();
    let utc = Some("UTC".into());
    let stamp = |micros| ScalarValue::TimestampMicrosecond(Some(micros), None);
    let instant = |micros| ScalarValue::TimestampMicrosecond(Some(micros), utc.clone());
    let wide = i256::from_string(&"9".repeat(76)).unwrap();
    for (value, native) in [
        (ScalarValue::from(true), "boolean"),
        (ScalarValue::from(false), "boolean"),
        (ScalarValue::from(i8::MIN), "smallint"),
        (ScalarValue::from(i16::MIN), "smallint"),
        (ScalarValue::from(i32::MIN), "integer"),
        (ScalarValue::from(i64::MIN), "bigint"),
        (ScalarValue::from(i64::MAX), "bigint"),
        (ScalarValue::from(u8::MAX), "smallint"),
        (ScalarValue::from(u16::MAX), "integer"),
        (ScalarValue::from(u32::MAX), "bigint"),
        (ScalarValue::from(u64::MAX), "numeric(20,0)"),
        (ScalarValue::from(1.1_f32), "real"),
        (ScalarValue::from(f32::MIN_POSITIVE), "real"),
        (ScalarValue::from(0.1_f64), "double precision"),
        (ScalarValue::from(-0.0_f64), "double precision"),
        (ScalarValue::from(f64::MAX), "double precision"),
        (ScalarValue::from(5e-324_f64), "double precision"),
        (ScalarValue::from(f64::NAN), "double precision"),
        (ScalarValue::from(f64::NEG_INFINITY), "double precision"),
        (ScalarValue::Decimal128(Some(-1), 10, 2), "numeric(10,2)"),
        (ScalarValue::Decimal128(Some(i128::from(i64::MIN)), 38, 38), "numeric(38,38)"),
        (ScalarValue::Decimal128(Some(10_i128.pow(38) - 1), 38, 0), "numeric(38,0)"),
        (ScalarValue::Decimal256(Some(wide), 76, 10), "numeric(76,10)"),
        (ScalarValue::Date32(Some(-1)), "date"),
        (ScalarValue::Date32(Some(0)), "date"),
        (ScalarValue::Date32(Some(2_932_896)), "date"),
        (ScalarValue::Date32(Some(3_000_000)), "date"),
        (ScalarValue::Date32(Some(-719_529)), "date"),
        (ScalarValue::Time64Microsecond(Some(86_399_999_999)), "time"),
        (stamp(-1), "timestamp"),
        (stamp(1_700_000_000_123_456), "timestamp"),
        (stamp(-62_200_000_000_000_000), "timestamp"),
        (instant(0), "timestamptz"),
        (instant(-1), "timestamptz"),
        (instant(300_000_000_000_000_000), "timestamptz"),
        (ScalarValue::Binary(Some(vec![0, 255, 39, 92])), "bytea"),
        (ScalarValue::Int64(None), "bigint"),
        (ScalarValue::Utf8(None), "text"),
    ] {
        let sql = format!("SELECT CAST($1 AS {native})");
        let to = match value.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            other => other,
        };
        let batch = read_both(&source, &sql, std::slice::from_ref(&value), &[to]).await;
        let back = ScalarValue::try_from_array(batch.unwrap().column(0), 0).unwrap();
        match (&value, &back) {
            (ScalarValue::Float64(Some(a)), ScalarValue::Float64(Some(b))) => {
                assert_eq!(a.to_bits(), b.to_bits(), "{native}");
            }
            (ScalarValue::Utf8(None), _) => assert!(back.is_null()),
            _ => assert_eq!(value, back, "{native}"),
        }
    }
}

#[tokio::test]
async fn lists() {
    let source = source();
    let sql = "SELECT count(*) FROM generate_series(CAST(1 AS bigint), 5000) AS s (g)
        WHERE g = ANY(CAST($1 AS bigint[]))";
    for (numbers, wanted) in [
        (vec![], 0),
        (vec![Some(3), Some(5), None, Some(9_999)], 2),
        ((1..=4_000).map(Some).collect(), 4_000),
    ] {
        let mut numbers: Vec<_> = numbers.into_iter().map(ScalarValue::Int64).collect();
        let value = match numbers.is_empty() {
            true => {
                numbers.push(ScalarValue::Int64(None));
                let array = ScalarValue::iter_to_array(numbers).unwrap().slice(0, 0);
                ScalarValue::List(SingleRowListArrayBuilder::new(array).build_list_array().into())
            }
            false => list(numbers),
        };
        let batch = read_both(&source, sql, &[value], &[DataType::Int64]).await.unwrap();
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), wanted);
    }
    let sql = "SELECT count(*) FROM (VALUES ('a'), ('b''$1'), (NULL)) AS v (t)
        WHERE t = ANY(CAST($1 AS text[]))";
    let texts = ["b'$1", "a", "{x,y}", "\\"].map(ScalarValue::from).to_vec();
    let batch = read_both(&source, sql, &[list(texts)], &[DataType::Int64]).await.unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 2);
}

#[tokio::test]
async fn what_a_type_does_not_hold_is_refused() {
    let source = source();
    for (value, native, word) in [
        (ScalarValue::from("a\0b"), "text", "NUL"),
        (ScalarValue::from(u64::MAX), "bigint", "out of range"),
        (ScalarValue::from("x"), "bigint", "no int8"),
        (ScalarValue::from("not one"), "uuid", "UUID"),
        (ScalarValue::from(1_i64), "text", "no text"),
        (ScalarValue::from(1_i64), "inet", "no inet"),
        (ScalarValue::TimestampMicrosecond(Some(i64::MIN), None), "timestamp", "out of range"),
        (ScalarValue::TimestampSecond(Some(1), None), "timestamp", "no timestamp"),
    ] {
        let sql = format!("SELECT CAST(CAST($1 AS {native}) AS text)");
        let error = read_both(&source, &sql, &[value], &[DataType::Utf8View]).await.unwrap_err();
        let SourceError::Database(DatabaseError::Parameter { position: 1, reason, .. }) = &error
        else {
            panic!("{native}: {error}");
        };
        assert!(reason.contains(word), "{native}: {reason}");
    }
    let error = read_both(&source, "SELECT CAST($1 AS text)", &[], &[DataType::Utf8View]).await;
    assert!(error.unwrap_err().to_string().contains("takes 1 values"));
}

/// Values of an enum, a `citext`-like domain and `jsonb` are taken as text.
#[tokio::test]
async fn values_of_a_schemas_own_types() {
    let (name, _admin) = schema(
        "CREATE TYPE \"Odd \"\"type\" AS ENUM ('a', 'b');
         CREATE DOMAIN short AS varchar(3);
         CREATE TABLE t (e \"Odd \"\"type\", s short, j jsonb, u uuid);
         INSERT INTO t VALUES ('b', 'xyz', '{\"k\": [1]}', '00000000-0000-0000-0000-00000000000a')",
    )
    .await;
    let sql =
        format!("SELECT count(*) FROM {name}.t WHERE e = $1 AND s = $2 AND j = $3 AND u = $4");
    let values = ["b", "xyz", "{\"k\":[1]}", "00000000-0000-0000-0000-00000000000A"];
    let values = values.map(ScalarValue::from);
    let batch = read_both(&source(), &sql, &values, &[DataType::Int64]).await.unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 1);
}

/// The form that texts have in a `COPY` is a constant to the server, so an index serves it.
#[tokio::test]
async fn an_index_serves_a_literal() {
    let (name, admin) = schema(
        "CREATE TABLE t (v text, at timestamptz);
         INSERT INTO t SELECT 'v' || g, to_timestamp(g) FROM generate_series(1, 20000) AS s (g);
         CREATE INDEX ON t (v); CREATE INDEX ON t (at); ANALYZE t",
    )
    .await;
    for condition in [
        "v = CAST(U&'v\\+0000377' AS \"pg_catalog\".\"text\")",
        "at = CAST('1970-01-01 00:01:00.000000+00' AS \"pg_catalog\".\"timestamptz\")",
    ] {
        let explain = format!("EXPLAIN SELECT * FROM {name}.t WHERE {condition}");
        let plan = admin.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("Index Cond") && !plan.contains("Seq Scan"), "{plan}");
    }
    // And the reader finds the row by it.
    let sql = format!("SELECT v FROM {name}.t WHERE v = CAST($1 AS text)");
    let values = [ScalarValue::from("v77")];
    let batch = read(&source(), query(&sql, &values, &[DataType::Utf8View], None)).await.unwrap();
    assert_eq!(batch.column(0).as_string_view().value(0), "v77");
    assert_eq!(batch.column(0).len(), 1);
}
