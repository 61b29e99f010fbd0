//! Values between MariaDB and Arrow: every type there and back, and what does not fit.

use crate::servers_mariadb::{cells, query, read, shop};
use air_connectors::LearnOptions;
use air_engine::arrow_type;
use datafusion::arrow::datatypes::{DataType, TimeUnit, i256};
use datafusion::common::ScalarValue;
use mysql_async::prelude::Queryable;

/// A column's type, the learned type, two values as SQL, and how they are read.
const TYPES: &[(&str, &str, [&str; 2], [&str; 2])] = &[
    ("TINYINT", "int8", ["-128", "127"], ["-128", "127"]),
    ("TINYINT UNSIGNED", "uint8", ["0", "255"], ["0", "255"]),
    ("TINYINT(1)", "bool", ["0", "1"], ["false", "true"]),
    ("SMALLINT", "int16", ["-32768", "32767"], ["-32768", "32767"]),
    ("SMALLINT UNSIGNED", "uint16", ["0", "65535"], ["0", "65535"]),
    ("MEDIUMINT", "int32", ["-8388608", "8388607"], ["-8388608", "8388607"]),
    ("MEDIUMINT UNSIGNED", "uint32", ["0", "16777215"], ["0", "16777215"]),
    ("INT", "int32", ["-2147483648", "2147483647"], ["-2147483648", "2147483647"]),
    ("INT UNSIGNED ZEROFILL", "uint32", ["7", "4294967295"], ["7", "4294967295"]),
    (
        "BIGINT",
        "int64",
        ["-9223372036854775808", "9223372036854775807"],
        ["-9223372036854775808", "9223372036854775807"],
    ),
    ("BIGINT UNSIGNED", "uint64", ["0", "18446744073709551615"], ["0", "18446744073709551615"]),
    ("DECIMAL(10,2)", "decimal(10,2)", ["-12345678.90", "0.05"], ["-12345678.90", "0.05"]),
    (
        "DECIMAL(65,30)",
        "decimal(65,30)",
        [
            "-99999999999999999999999999999999999.999999999999999999999999999999",
            "0.000000000000000000000000000001",
        ],
        [
            "-99999999999999999999999999999999999.999999999999999999999999999999",
            "0.000000000000000000000000000001",
        ],
    ),
    (
        "DECIMAL(38,0)",
        "decimal(38,0)",
        ["99999999999999999999999999999999999999", "-1"],
        ["99999999999999999999999999999999999999", "-1"],
    ),
    ("FLOAT", "float32", ["0.1", "-3.4e38"], ["0.1", "-3.4e38"]),
    ("DOUBLE", "float64", ["0.1", "-1.7976931348623157e308"], ["0.1", "-1.7976931348623157e308"]),
    ("CHAR(5)", "text", ["'ab'", "''"], ["ab", ""]),
    ("VARCHAR(50)", "text", ["'blank at end  '", "'Ünï😀'"], ["blank at end  ", "Ünï😀"]),
    ("VARCHAR(50) CHARACTER SET latin1", "text", ["'é'", "'a'"], ["é", "a"]),
    ("VARCHAR(50) CHARACTER SET utf16", "text", ["'é'", "'a'"], ["é", "a"]),
    ("TINYTEXT", "text", ["'t'", "''"], ["t", ""]),
    ("TEXT", "text", ["'line\\nbreak'", "'\\\\'"], ["line\nbreak", "\\"]),
    ("MEDIUMTEXT", "text", ["'m'", "''"], ["m", ""]),
    ("LONGTEXT", "text", ["'l'", "''"], ["l", ""]),
    ("ENUM('small','it''s')", "text", ["'small'", "'it''s'"], ["small", "it's"]),
    ("SET('a','b','c')", "text", ["'a,c'", "''"], ["a,c", ""]),
    ("JSON", "json", ["'{\"a\": [1, null]}'", "'null'"], ["{\"a\": [1, null]}", "null"]),
    ("BINARY(3)", "binary", ["x'00ff'", "x'616263'"], ["00ff00", "616263"]),
    ("VARBINARY(9)", "binary", ["x'00ff'", "''"], ["00ff", ""]),
    ("BLOB", "binary", ["x'2761005c'", "x'ff'"], ["2761005c", "ff"]),
    ("TINYBLOB", "binary", ["x'01'", "x'02'"], ["01", "02"]),
    ("MEDIUMBLOB", "binary", ["x'01'", "x'02'"], ["01", "02"]),
    ("LONGBLOB", "binary", ["x'01'", "x'02'"], ["01", "02"]),
    ("BIT(1)", "bool", ["b'0'", "b'1'"], ["false", "true"]),
    ("BIT(12)", "uint64", ["b'000000000001'", "b'111111111111'"], ["1", "4095"]),
    ("BIT(64)", "uint64", ["0", "18446744073709551615"], ["0", "18446744073709551615"]),
    ("YEAR", "int16", ["1901", "2155"], ["1901", "2155"]),
    ("DATE", "date", ["'0001-01-01'", "'9999-12-31'"], ["0001-01-01", "9999-12-31"]),
    ("DATE", "date", ["'0000-00-00'", "'2024-02-00'"], ["∅", "∅"]),
    (
        "DATETIME(6)",
        "timestamp",
        ["'1969-12-31 23:59:59.999999'", "'2024-02-29 12:30:00.5'"],
        ["1969-12-31T23:59:59.999999", "2024-02-29T12:30:00.500"],
    ),
    ("DATETIME", "timestamp", ["'0000-00-00'", "'1000-01-01'"], ["∅", "1000-01-01T00:00:00"]),
    (
        "TIMESTAMP(3) NULL",
        "timestamptz",
        ["'1970-01-01 00:00:01.001'", "'2038-01-19 03:14:07'"],
        ["1970-01-01T00:00:01.001Z", "2038-01-19T03:14:07Z"],
    ),
    ("TIME", "text", ["'-838:59:59'", "'838:59:59'"], ["-838:59:59", "838:59:59"]),
    ("TIME", "text", ["'00:00:00'", "'24:00:00'"], ["00:00:00", "24:00:00"]),
    ("TIME", "text", ["'-00:00:01'", "'23:59:59'"], ["-00:00:01", "23:59:59"]),
    ("TIME(2)", "time", ["'01:02:03.5'", "'00:00:00'"], ["01:02:03.500", "00:00:00"]),
    ("TIME(6)", "time", ["'23:59:59.999999'", "NULL"], ["23:59:59.999999", "∅"]),
    (
        "UUID",
        "uuid",
        ["'12345678-9abc-4def-8123-456789abcdef'", "'00000000-0000-0000-0000-000000000000'"],
        ["12345678-9abc-4def-8123-456789abcdef", "00000000-0000-0000-0000-000000000000"],
    ),
    ("INET6", "text", ["'::1'", "'2001:db8::ff'"], ["::1", "2001:db8::ff"]),
    ("INET4", "text", ["'127.0.0.1'", "'0.0.0.0'"], ["127.0.0.1", "0.0.0.0"]),
];

#[tokio::test]
async fn every_type_is_written_there_and_read_here() {
    let mut shop = shop(&[]).await;
    let declared: Vec<String> =
        TYPES.iter().enumerate().map(|(i, (native, ..))| format!("`c{i}` {native}")).collect();
    let create =
        format!("CREATE TABLE t (id INT PRIMARY KEY, {}, shape POINT)", declared.join(", "));
    shop.admin.query_drop(create).await.unwrap();
    for row in 0..2 {
        let values: Vec<&str> = TYPES.iter().map(|(_, _, sql, _)| sql[row]).collect();
        let insert = format!("INSERT INTO t VALUES ({row}, {}, POINT(1, 2))", values.join(", "));
        shop.admin.query_drop(insert).await.unwrap();
    }
    shop.admin.query_drop("INSERT INTO t (id) VALUES (2)").await.unwrap();

    let catalog = shop.source.learn(&LearnOptions::default(), |_, _| {}).await.unwrap();
    let columns = &catalog.tables[0].columns;
    assert_eq!(columns.last().unwrap().data_type.to_string(), "unreadable");
    let mut arrow = Vec::new();
    for (i, (native, learned, ..)) in TYPES.iter().enumerate() {
        let column = &columns[i + 1];
        assert_eq!(column.data_type.to_string(), *learned, "{native}");
        arrow.push(arrow_type(column.data_type).unwrap());
    }
    let names: Vec<String> = (0..TYPES.len()).map(|i| format!("`c{i}`")).collect();
    let text = format!("SELECT {} FROM t ORDER BY id", names.join(", "));
    let rows = cells(&shop.source, &text, vec![], &arrow).await.unwrap();
    assert_eq!(rows.len(), 3);
    for (i, (native, _, _, shown)) in TYPES.iter().enumerate() {
        assert_eq!([rows[0][i].as_str(), rows[1][i].as_str()], *shown, "{native}");
        assert_eq!(rows[2][i], "∅", "{native}");
    }
}

#[tokio::test]
async fn values_go_there_and_come_back() {
    let shop = shop(&[]).await;
    let micros = |v| ScalarValue::TimestampMicrosecond(Some(v), Some("UTC".into()));
    let wide = "-123456789012345678901234567890.123456789012345";
    for (placeholder, value, arrow, shown) in [
        ("?", ScalarValue::Int64(Some(i64::MIN)), DataType::Int64, "-9223372036854775808"),
        ("?", ScalarValue::UInt64(Some(u64::MAX)), DataType::UInt64, "18446744073709551615"),
        ("?", ScalarValue::Boolean(Some(true)), DataType::Boolean, "true"),
        ("?", ScalarValue::Float64(Some(0.1)), DataType::Float64, "0.1"),
        ("?", ScalarValue::Float32(Some(0.1)), DataType::Float32, "0.1"),
        (
            "CAST(? AS DECIMAL(38,3))",
            ScalarValue::Decimal128(Some(-5), 38, 3),
            DataType::Decimal128(38, 3),
            "-0.005",
        ),
        (
            "CAST(? AS DECIMAL(60,15))",
            ScalarValue::Decimal256(i256::from_string(&wide.replace('.', "")), 60, 15),
            DataType::Decimal256(60, 15),
            wide,
        ),
        ("CAST(? AS DATE)", ScalarValue::Date32(Some(-719_528)), DataType::Date32, "0000-01-01"),
        (
            "CAST(? AS DATETIME(6))",
            micros(-1),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            "1969-12-31T23:59:59.999999",
        ),
        (
            "CAST(? AS TIME(6))",
            ScalarValue::Time64Microsecond(Some(86_399_999_999)),
            DataType::Time64(TimeUnit::Microsecond),
            "23:59:59.999999",
        ),
        ("?", ScalarValue::Utf8(None), DataType::Utf8View, "∅"),
        ("CAST(? AS DATE)", ScalarValue::Date32(None), DataType::Date32, "∅"),
        ("?", ScalarValue::Binary(Some(b"\x00'\\".to_vec())), DataType::Binary, "00275c"),
    ] {
        let text = format!("SELECT {placeholder} AS c0");
        let rows = cells(&shop.source, &text, vec![value.clone()], &[arrow]).await;
        assert_eq!(rows.unwrap(), [[shown]], "{value:?}");
    }
}

#[tokio::test]
async fn text_of_any_kind_is_found_and_read_as_it_is() {
    let hostile = [
        "\\",
        "\\' OR 1=1 -- ",
        "it's",
        "say \"hi\"",
        "`x`",
        "nul\0inside",
        "😀\u{10ffff}",
        "end  ",
        "Case",
        "case",
        "%_",
        "/* */",
        "a;DROP TABLE t",
        "\u{1a}\r\n\t",
        "e\u{301}",
        "é",
        "",
    ];
    let mut shop =
        shop(&["CREATE TABLE t (v VARCHAR(100) COLLATE utf8mb4_general_ci, KEY (v))"]).await;
    for text in hostile {
        shop.admin.exec_drop("INSERT INTO t VALUES (?)", (text,)).await.unwrap();
    }
    for text in hostile {
        let exact = "SELECT v FROM t WHERE v = ? AND CAST(v AS BINARY) = CAST(? AS BINARY)";
        let value = ScalarValue::Utf8View(Some(text.to_owned()));
        let params = vec![value.clone(), value];
        let batch = read(&shop.source, query(exact, params, &[DataType::Utf8View])).await.unwrap();
        let found = ScalarValue::try_from_array(batch.column(0), 0).unwrap();
        assert_eq!(batch.num_rows(), 1, "{text:?}");
        assert_eq!(found, ScalarValue::Utf8View(Some(text.to_owned())));
    }
}

#[tokio::test]
async fn long_texts_are_put_in_order_and_grouped_whole() {
    let shop = shop(&[
        "CREATE TABLE t (v TEXT, w TEXT, l LONGTEXT)",
        "INSERT INTO t (v) SELECT CONCAT(REPEAT('a', 60000), seq) FROM seq_1_to_5",
    ])
    .await;
    let text = "SELECT RIGHT(v, 1) FROM t ORDER BY CAST(w AS BINARY), CAST(l AS BINARY), \
                CAST(v AS BINARY) DESC";
    let rows = cells(&shop.source, text, vec![], &[DataType::Utf8View]).await.unwrap();
    assert_eq!(rows, [["5"], ["4"], ["3"], ["2"], ["1"]]);
    let text = "SELECT COUNT(*) FROM t GROUP BY CAST(v AS BINARY)";
    assert_eq!(cells(&shop.source, text, vec![], &[DataType::Int64]).await.unwrap().len(), 5);
}

/// `Σ` and `σ` are one text to the collation; a server that kept the answer for one gave it for
/// the other.
#[tokio::test]
async fn a_subquery_is_asked_anew_for_a_text_of_other_bytes() {
    let shop = shop(&[
        "CREATE TABLE t (id INT PRIMARY KEY, x VARCHAR(9), seen INT)",
        "INSERT INTO t VALUES (1, 'σ', 1), (2, 'Σ', 0), (3, 'a', 1)",
    ])
    .await;
    let text = "SELECT CONVERT(o.x USING utf8mb4) FROM t AS o WHERE NOT EXISTS \
                (SELECT 1 FROM (SELECT x, COUNT(*) AS n FROM t WHERE seen = 1 GROUP BY x) AS s \
                WHERE CAST(CONVERT(o.x USING utf8mb4) AS BINARY) <=> CAST(s.x AS BINARY))";
    let rows = cells(&shop.source, text, vec![], &[DataType::Utf8View]).await.unwrap();
    assert_eq!(rows, [["Σ"]]);
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let shop = shop(&[]).await;
    for (text, arrow, reason) in [
        ("SELECT 300", DataType::Int8, "out of range"),
        ("SELECT -1", DataType::UInt64, "out of range"),
        ("SELECT 18446744073709551615", DataType::Int64, "out of range"),
        ("SELECT 2", DataType::Boolean, "out of range"),
        ("SELECT 1.25", DataType::Decimal128(10, 1), "out of range"),
        ("SELECT 1000.0", DataType::Decimal128(3, 0), "out of range"),
        ("SELECT 1.5", DataType::Int64, "out of range"),
        ("SELECT 9007199254740993", DataType::Float64, "out of range"),
        ("SELECT TIME'25:00:00'", DataType::Time64(TimeUnit::Microsecond), "out of range"),
        ("SELECT TIME'-01:00:00'", DataType::Time64(TimeUnit::Microsecond), "out of range"),
        ("SELECT x'ff'", DataType::Utf8View, "not UTF-8"),
        ("SELECT '7a'", DataType::Int64, "no form"),
        ("SELECT 'x'", DataType::Date32, "no form"),
        ("SELECT 0.5e0", DataType::Utf8View, "no form"),
        ("SELECT 5", DataType::Binary, "no form"),
        ("SELECT POINT(1, 2)", DataType::Binary, "no form"),
        ("SELECT TIMESTAMP'2024-01-01 00:00:01'", DataType::Date32, "time of day"),
        ("SELECT 1, 2", DataType::Int64, "2 columns where 1"),
        ("SELECT 1", DataType::Duration(TimeUnit::Second), "no reading into"),
    ] {
        let error = read(&shop.source, query(text, vec![], std::slice::from_ref(&arrow)))
            .await
            .unwrap_err();
        let error = error.to_string();
        assert!(error.contains(reason), "{text} as {arrow}: {error}");
        assert!(error.contains("\"shop\""), "{error}");
        if !text.contains("1, 2") || text.contains("POINT") {
            assert!(error.contains("column \"c0\""), "{error}");
        }
    }
    let missing = read(&shop.source, query("SELECT ?", vec![], &[DataType::Int64])).await;
    assert!(missing.unwrap_err().to_string().contains("1 places for values"));
}

/// What the engine's SQL writer makes of a divisor, and another sum that does not fit.
#[tokio::test]
async fn a_division_by_zero_is_told_from_a_number_that_is_too_large() {
    let shop = shop(&[]).await;
    for (text, state) in [
        (
            "SELECT 5 DIV (CASE WHEN seq = 0 THEN 9223372036854775806 + 2 * (seq = 0) ELSE seq END) \
             FROM seq_0_to_3",
            "22012",
        ),
        ("SELECT 9223372036854775807 + CAST(seq AS SIGNED) FROM seq_0_to_3", "22003"),
    ] {
        let error = read(&shop.source, query(text, vec![], &[DataType::Int64])).await.unwrap_err();
        assert!(error.to_string().contains(state), "{text}: {error}");
    }
}

#[tokio::test]
async fn many_rows_come_in_batches_and_in_order() {
    let shop = shop(&[]).await;
    let text = "SELECT seq, CONCAT('row ', seq), seq / 4 FROM seq_1_to_50000";
    let types = [DataType::Int64, DataType::Utf8View, DataType::Decimal128(38, 30)];
    let batch = read(&shop.source, query(text, vec![], &types)).await.unwrap();
    assert_eq!(batch.num_rows(), 50_000);
    let last = |i: usize| ScalarValue::try_from_array(batch.column(i), 49_999).unwrap();
    assert_eq!(last(0), ScalarValue::Int64(Some(50_000)));
    assert_eq!(last(1), ScalarValue::Utf8View(Some("row 50000".to_owned())));
    assert_eq!(last(2).to_string(), format!("12500.{}", "0".repeat(30)));
    let none = read(
        &shop.source,
        query("SELECT 1 FROM seq_1_to_5 WHERE seq > 9", vec![], &[DataType::Int64]),
    );
    assert_eq!(none.await.unwrap().num_rows(), 0);
}
