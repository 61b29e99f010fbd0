//! Every type that real schemas hold, written in the server and read back.

use super::server::{schema, server};
use super::{read, read_both};
use air_connectors::{DatabaseError, DatabaseOptions, SourceError};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::arrow::util::display::array_value_to_string;

const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// One column of that type with these values and a null, read back as text.
async fn column(native: &str, values: &[&str], to: DataType) -> Vec<String> {
    let rows: Vec<String> = values.iter().map(|v| format!("({v})")).collect();
    let (name, _admin) = schema(&format!(
        "CREATE TABLE t (n int GENERATED ALWAYS AS IDENTITY, v {native});
         INSERT INTO t (v) VALUES {}, (NULL)",
        rows.join(", ")
    ))
    .await;
    let source = server().source("reader", DatabaseOptions::default());
    let sql = format!("SELECT v FROM {name}.t ORDER BY n");
    let batch = read_both(&source, &sql, &[], std::slice::from_ref(&to)).await.unwrap();
    let column = batch.column(0);
    assert_eq!(column.data_type(), &to);
    assert!(column.is_null(values.len()), "{native}");
    assert_eq!(column.null_count(), 1, "{native}");
    (0..values.len()).map(|i| array_value_to_string(column, i).unwrap()).collect()
}

#[tokio::test]
async fn whole_numbers() {
    assert_eq!(column("bool", &["true", "false"], DataType::Boolean).await, ["true", "false"]);
    let small = ["-32768", "32767"];
    assert_eq!(column("int2", &small, DataType::Int16).await, small);
    assert_eq!(column("int2", &small, DataType::Int64).await, small);
    let middle = ["-2147483648", "2147483647"];
    assert_eq!(column("int4", &middle, DataType::Int32).await, middle);
    assert_eq!(column("int4", &middle, DataType::Float64).await, ["-2147483648.0", "2147483647.0"]);
    let big = ["-9223372036854775808", "9223372036854775807", "0"];
    assert_eq!(column("int8", &big, DataType::Int64).await, big);
    assert_eq!(column("int8", &big, DataType::Decimal128(20, 0)).await, big);
    assert_eq!(column("oid", &["4294967295"], DataType::UInt32).await, ["4294967295"]);
    let unsigned = ["18446744073709551615", "0"];
    assert_eq!(column("numeric(20,0)", &unsigned, DataType::UInt64).await, unsigned);
    assert_eq!(column("int8", &["-128", "127"], DataType::Int8).await, ["-128", "127"]);
}

#[tokio::test]
async fn doubles() {
    let values = ["1.1", "-0.5", "3.4e38", "'NaN'", "'Infinity'", "'-Infinity'", "1e-45"];
    let read = column("float4", &values, DataType::Float32).await;
    assert_eq!(read, ["1.1", "-0.5", "3.4e38", "NaN", "inf", "-inf", "1e-45"]);
    let values = ["0.1", "1.7976931348623157e308", "5e-324", "'NaN'", "'-Infinity'"];
    let read = column("float8", &values, DataType::Float64).await;
    assert_eq!(read, ["0.1", "1.7976931348623157e308", "5e-324", "NaN", "-inf"]);
    let values = ["0.1", "123456789012345678901234567890", "'NaN'", "'Infinity'", "-1e-30"];
    let read = column("numeric", &values, DataType::Float64).await;
    assert_eq!(read, ["0.1", "1.2345678901234568e29", "NaN", "inf", "-1e-30"]);
}

#[tokio::test]
async fn decimals() {
    let values = ["12345.67", "-0.01", "0", "9999999999.99"];
    let shown = ["12345.67", "-0.01", "0.00", "9999999999.99"];
    assert_eq!(column("numeric(12,2)", &values, DataType::Decimal128(12, 2)).await, shown);
    let values = ["99999999999999999999999999999999999999", "-1"];
    assert_eq!(column("numeric(38,0)", &values, DataType::Decimal128(38, 0)).await, values);
    let long = "9".repeat(70);
    let values = [format!("{long}.123456"), format!("-{long}.000001")];
    let values = [values[0].as_str(), values[1].as_str()];
    assert_eq!(column("numeric(76,6)", &values, DataType::Decimal256(76, 6)).await, values);
    let values = ["1.10", "100000000", "0.0001"];
    let shown = ["1.1000000000", "100000000.0000000000", "0.0001000000"];
    assert_eq!(column("numeric", &values, DataType::Decimal128(38, 10)).await, shown);
    assert_eq!(column("int4", &["7"], DataType::Decimal128(10, 2)).await, ["7.00"]);
}

#[tokio::test]
async fn texts() {
    let to = DataType::Utf8View;
    let values = ["''", "'a'", "'Grüße 🚀'", "'trailing  '", "repeat('x', 100000)"];
    let long = "x".repeat(100_000);
    let shown = ["", "a", "Grüße 🚀", "trailing  ", &long];
    assert_eq!(column("text", &values, to.clone()).await, shown);
    assert_eq!(column("varchar(20)", &values[..4], to.clone()).await, shown[..4]);
    assert_eq!(column("char(4)", &["'ab'"], to.clone()).await, ["ab  "]);
    assert_eq!(column("name", &["'n'"], to.clone()).await, ["n"]);
    assert_eq!(column("json", &["'{\"a\":  1}'"], to.clone()).await, ["{\"a\":  1}"]);
    assert_eq!(column("jsonb", &["'{\"a\":  1}'"], to.clone()).await, ["{\"a\": 1}"]);
    let uuid = "00112233-4455-6677-8899-aabbccddeeff";
    assert_eq!(column("uuid", &[&format!("'{}'", uuid.to_uppercase())], to.clone()).await, [uuid]);
    assert_eq!(column("text", &["'x'"], DataType::Utf8).await, ["x"]);
    assert_eq!(column("text", &["'x'"], DataType::LargeUtf8).await, ["x"]);
    let bytes = column("bytea", &["'\\x00ff10'", "''"], DataType::Binary).await;
    assert_eq!(bytes, ["00ff10", ""]);
}

#[tokio::test]
async fn times() {
    let values = ["'2024-02-29'", "'1969-12-31'", "'0001-01-01'", "'9999-12-31'", "'1999-12-31'"];
    let shown = ["2024-02-29", "1969-12-31", "0001-01-01", "9999-12-31", "1999-12-31"];
    assert_eq!(column("date", &values, DataType::Date32).await, shown);
    let values = ["'2024-02-29 12:30:00.123456'", "'1969-12-31 23:59:59.999999'", "'1900-01-01'"];
    let shown = ["2024-02-29T12:30:00.123456", "1969-12-31T23:59:59.999999", "1900-01-01T00:00:00"];
    assert_eq!(column("timestamp", &values, MICROS).await, shown);
    let values = ["'2024-02-29 12:30:00.5+05:30'", "'1969-12-31 23:59:59-01'"];
    let shown = ["2024-02-29T07:00:00.500Z", "1970-01-01T00:59:59Z"];
    assert_eq!(column("timestamptz", &values, instant()).await, shown);
    let values = ["'00:00'", "'23:59:59.999999'"];
    let shown = ["00:00:00", "23:59:59.999999"];
    assert_eq!(column("time", &values, DataType::Time64(TimeUnit::Microsecond)).await, shown);
    // Without a zone, text is read in the session's, which is UTC whatever the server's is.
    assert_eq!(
        column("timestamptz", &["'2024-01-01 00:00Z'"], instant()).await,
        ["2024-01-01T00:00:00Z"]
    );
}

#[tokio::test]
async fn types_of_a_schema() {
    let (name, _admin) = schema(
        "CREATE TYPE mood AS ENUM ('sad', 'so so', 'Grüße');
         CREATE DOMAIN positive AS int4 CHECK (VALUE > 0);
         CREATE DOMAIN more AS positive;
         CREATE TABLE t (m mood, p more, l mood[], i interval, a inet, r int4range, x xml,
           b bit(3), c money, e int4[], v tsvector);
         INSERT INTO t VALUES ('so so', 5, '{sad,Grüße}', '1 month 2 days 03:00', '10.0.0.1/8',
           '[1,5)', '<a/>', '101', 12.5, '{1,NULL}', 'a b')",
    )
    .await;
    let source = server().source("reader", DatabaseOptions::default());
    let texts = ["m", "l", "i", "a", "r", "x", "b", "e", "v"].map(|c| format!("CAST({c} AS text)"));
    let sql = format!("SELECT m, p, {} FROM {name}.t", texts.join(", "));
    let mut types = vec![DataType::Utf8View, DataType::Int32];
    types.extend(texts.iter().map(|_| DataType::Utf8View));
    let batch = read_both(&source, &sql, &[], &types).await.unwrap();
    let shown: Vec<String> =
        batch.columns().iter().map(|c| array_value_to_string(c, 0).unwrap()).collect();
    let wanted = [
        "so so",
        "5",
        "so so",
        "{sad,Grüße}",
        "1 mon 2 days 03:00:00",
        "10.0.0.1/8",
        "[1,5)",
        "<a/>",
        "101",
        "{1,NULL}",
        "'a' 'b'",
    ];
    assert_eq!(shown, wanted);
}

/// What does not fit is refused, and the column named, by both ways.
#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let source = server().source("reader", DatabaseOptions::default());
    for (sql, to, word) in [
        ("SELECT 128::int8", DataType::Int8, "out of range"),
        ("SELECT (-1)::int4", DataType::UInt64, "out of range"),
        ("SELECT 9007199254740993::int8", DataType::Float64, "out of range"),
        ("SELECT 1.005::numeric", DataType::Decimal128(10, 2), "more decimals"),
        ("SELECT 1000::numeric", DataType::Decimal128(5, 2), "out of range"),
        ("SELECT 1.5::numeric", DataType::Int64, "more decimals"),
        ("SELECT 'NaN'::numeric", DataType::Decimal128(10, 2), "Nan"),
        ("SELECT 'Infinity'::numeric", DataType::Decimal256(50, 2), "Infinity"),
        ("SELECT 1e300::numeric", DataType::Decimal128(38, 0), "out of range"),
        ("SELECT 1e400::numeric", DataType::Float64, "out of range"),
        ("SELECT 'infinity'::timestamptz", instant(), "infinity"),
        ("SELECT '-infinity'::timestamp", MICROS, "-infinity"),
        ("SELECT 'infinity'::date", DataType::Date32, "infinity"),
        ("SELECT '24:00'::time", DataType::Time64(TimeUnit::Microsecond), "24:00:00"),
        ("SELECT 1::int4", DataType::Utf8View, "cannot be read as"),
        ("SELECT 1.5::float8", DataType::Float32, "cannot be read as"),
        ("SELECT now()", MICROS, "cannot be read as"),
        ("SELECT '10.0.0.1'::inet", DataType::Utf8View, "cannot be read as"),
        ("SELECT 1::int4", DataType::Null, "only null"),
    ] {
        let error = read_both(&source, sql, &[], &[to]).await.unwrap_err();
        let SourceError::Database(DatabaseError::Value { id, column, reason }) = &error else {
            panic!("{sql}: {error}");
        };
        assert_eq!((id.as_str(), column.as_str()), ("pg", "c0"));
        assert!(reason.contains(word), "{sql}: {reason}");
    }
    let error = read_both(&source, "SELECT 1, 2", &[], &[DataType::Int32]).await.unwrap_err();
    assert!(error.to_string().contains("2 columns where 1"), "{error}");
}

/// Many batches, wide and narrow, in order and complete by both ways.
#[tokio::test]
async fn many_rows() {
    let source = server().source("reader", DatabaseOptions::default());
    let sql = "SELECT g, repeat('x', (g % 40)::int), CASE WHEN g % 3 = 0 THEN NULL ELSE g * 0.5 END
        FROM generate_series(1::int8, 50000) AS s (g)";
    let types = [DataType::Int64, DataType::Utf8View, DataType::Decimal128(20, 1)];
    let batch = read_both(&source, sql, &[], &types).await.unwrap();
    assert_eq!(batch.num_rows(), 50_000);
    assert_eq!(array_value_to_string(batch.column(0), 49_999).unwrap(), "50000");
    assert_eq!(batch.column(2).null_count(), 16_666);
    let none = read_both(&source, "SELECT 1::int4 WHERE false", &[], &[DataType::Int32]).await;
    assert_eq!(none.unwrap().num_rows(), 0);
    let wide = "SELECT repeat('y', 3000000) FROM generate_series(1, 5)";
    let batch = read(&source, super::query(wide, &[], &[DataType::Utf8View], None)).await.unwrap();
    assert_eq!(batch.num_rows(), 5);
}
