//! Types of text files: guessed, declared, refused.

use crate::world::{World, columns, table};
use std::io::Write;

#[tokio::test]
async fn types_are_the_narrowest_that_hold() {
    let world = World::new(&[(
        "t.csv",
        "id,n,x,on,day,at,inst,code,note\n1,5,1.5,true,2013-01-01,2013-01-01 10:00,2013-01-01T10:00:00Z,007,a\n2,,2,false,,2013-01-02T11:30:05.25,2013-01-01T10:00:00+02:00,010,\n",
    )]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(
        columns(table(&catalog, "t")),
        [
            "id:int64",
            "n:int64",
            "x:float64",
            "on:bool",
            "day:date",
            "at:timestamp",
            "inst:timestamptz",
            "code:text",
            "note:text"
        ]
    );
    let rows = world.rows(&catalog, "select * from t order by id").await.unwrap();
    assert_eq!(
        rows,
        [
            "1|5|1.5|true|2013-01-01|2013-01-01T10:00:00|2013-01-01T10:00:00Z|007|a",
            "2|-|2.0|false|-|2013-01-02T11:30:05.250|2013-01-01T08:00:00Z|010|-",
        ]
    );
    let batch = world.batches(&catalog, "select * from t").await.unwrap();
    let wanted = air_engine::arrow_schema(table(&catalog, "t"));
    assert_eq!(batch[0].schema().fields(), wanted.fields());
}

#[tokio::test]
async fn a_guess_that_fails_late_is_made_anew_from_all_rows() {
    let mut text = "a,b\n".to_owned();
    (0..30_000).for_each(|i| text.push_str(&format!("{i},{i}\n")));
    text.push_str("1.5,x\n");
    let world = World::new(&[("t.csv", &text)]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["a:float64", "b:text"]);
    assert_eq!(table(&catalog, "t").row_estimate, Some(30_001));
    let rows = world.rows(&catalog, "select count(*), sum(a), max(b) from t").await.unwrap();
    assert_eq!(rows, ["30001|449985001.5|x"]);
}

#[tokio::test]
async fn declared_types_hold_or_name_the_first_bad_value() {
    let yaml = "tables:\n  t:\n    columns:\n      price: {type: 'decimal(6,2)'}\n      n: {type: int8}\n      id: {type: uuid}\n";
    let good = "price,n,id\n1.1,-128,A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\n1234.50,127.0,\n";
    let world = World::new(&[("dataset.yaml", yaml), ("t.csv", good)]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["price:decimal(6,2)", "n:int8", "id:uuid"]);
    let rows =
        world.rows(&catalog, "select sum(price), min(n), max(n), max(id) from t").await.unwrap();
    assert_eq!(rows, ["1235.60|-128|127|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]);

    for (text, wanted) in [
        (
            "price,n,id\n1.1,1,\n\n1.239,1,\n",
            r#"file "t.csv", line 4, column "price": "1.239" is no decimal(6,2)"#,
        ),
        ("price,n,id\n1.1,128,\n", r#"file "t.csv", line 2, column "n": "128" is no int8"#),
        ("price,n,id\n1.1,1,nope\n", r#"file "t.csv", line 2, column "id": "nope" is no uuid"#),
    ] {
        world.write("t.csv", text.as_bytes());
        assert_eq!(world.refusal().await, wanted);
    }
}

#[tokio::test]
async fn not_null_is_held() {
    let yaml = "tables: {t: {columns: {a: {nullable: false}}}}";
    let world = World::new(&[("dataset.yaml", yaml), ("t.csv", "a,b\n1,1\n,2\n")]);
    assert_eq!(
        world.refusal().await,
        r#"file "t.csv", line 3, column "a": is empty, but declared nullable: false"#
    );
}

#[tokio::test]
async fn quoted_line_breaks_are_seen_wherever_they_are() {
    let mut text = "id,note\n".to_owned();
    (0..25_000).for_each(|i| text.push_str(&format!("{i},plain\n")));
    text.push_str("25000,\"two\nlines, \"\"quoted\"\"\"\n25001,last\n");
    let world = World::new(&[("t.csv", &text)]);
    let catalog = world.learn().await.unwrap();
    assert!(table(&catalog, "t").storage.as_ref().unwrap().newlines_in_values);
    let rows = world.rows(&catalog, "select count(*), sum(id) from t").await.unwrap();
    assert_eq!(rows, ["25002|312537501"]);
    let rows = world.rows(&catalog, "select note from t where id = 25000").await.unwrap();
    assert_eq!(rows, ["two\nlines, \"quoted\""]);
    // The line of a fault counts lines, not records.
    world.write("t.csv", format!("{text}25002\n").as_bytes());
    assert!(
        world
            .refusal()
            .await
            .starts_with(r#"file "t.csv", line 25005: 1 cells where the header has 2"#)
    );
}

#[tokio::test]
async fn plain_csv_is_read_in_parts_with_every_row_once() {
    let mut text = "id,v\r\n".to_owned();
    (0..20_000).for_each(|i| text.push_str(&format!("{i},{}\r\n", "x".repeat(i % 17))));
    let world = World::new(&[("t.csv", &text)]);
    let catalog = world.learn().await.unwrap();
    assert!(!table(&catalog, "t").storage.as_ref().unwrap().newlines_in_values);
    let rows = world
        .rows(
            &catalog,
            "select count(*), count(distinct id), sum(id), count(v), sum(length(v)) from t",
        )
        .await
        .unwrap();
    let lengths: usize = (0..20_000).map(|i| i % 17).sum();
    let filled = (0..20_000).filter(|i| i % 17 > 0).count();
    assert_eq!(rows, [format!("20000|20000|199990000|{filled}|{lengths}")]);
    let rows = world.rows(&catalog, "explain select sum(id) from t").await.unwrap();
    assert!(rows.concat().contains("2 groups"), "{rows:?}");
}

#[tokio::test]
async fn marks_and_delimiters_are_found() {
    let world = World::new(&[
        ("bom.csv", "\u{feff}\"a,1\",b\r\n1,2\r\n"),
        ("semi.csv", "a;b;c\n1,5;2;3\n"),
        ("tab.tsv", "a\tb\n1\t2"),
        ("mac.csv", "a,\"b\rc\"\r1,2\r3,4\r"),
    ]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "bom")), ["a,1:int64", "b:int64"]);
    assert_eq!(columns(table(&catalog, "semi")), ["a:text", "b:int64", "c:int64"]);
    assert_eq!(world.rows(&catalog, r#"select "a,1", b from bom"#).await.unwrap(), ["1|2"]);
    assert_eq!(world.rows(&catalog, "select a, b, c from semi").await.unwrap(), ["1,5|2|3"]);
    assert_eq!(world.rows(&catalog, "select a, b from tab").await.unwrap(), ["1|2"]);
    assert_eq!(columns(table(&catalog, "mac")), ["a:int64", "b\rc:int64"]);
    assert_eq!(world.rows(&catalog, "select sum(a), count(*) from mac").await.unwrap(), ["4|2"]);
}

#[tokio::test]
async fn json_keeps_nested_values_and_all_digits() {
    let lines = concat!(
        r#"{"id":1,"tags":["a","b"],"at":"2013-01-01T06:00:00Z","d":0.10,"big":12345678901234567890}"#,
        "\n\n",
        r#"{"id":2,"tags":{"x":null},"d":1234567890123456.78,"mixed":"t\u00e9","big":1}"#,
        "\r\n",
        r#"{"id":null,"tags":null,"mixed":5}"#,
    );
    let yaml = "tables: {t: {columns: {d: {type: 'decimal(20,2)'}, big: {type: uint64}}}}";
    let world = World::new(&[("dataset.yaml", yaml), ("t.jsonl", lines)]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(
        columns(table(&catalog, "t")),
        ["id:int64", "tags:json", "at:timestamptz", "d:decimal(20,2)", "big:uint64", "mixed:text"]
    );
    let rows = world.rows(&catalog, "select * from t order by id").await.unwrap();
    assert_eq!(
        rows,
        [
            r#"1|["a","b"]|2013-01-01T06:00:00Z|0.10|12345678901234567890|-"#,
            "2|{\"x\":null}|-|1234567890123456.78|1|té",
            "-|-|-|-|-|5",
        ]
    );
}

#[tokio::test]
async fn compressed_files_are_read_to_their_end() {
    let gz = |text: &str| run("gzip", text.as_bytes());
    let zst = |text: &str| run("zstd", text.as_bytes());
    let world = World::new(&[]);
    // Several members one after another are one file.
    world.write("a.csv.gz", &[gz("x,y\n1,2\n"), gz("3,4\n")].concat());
    world.write("b.jsonl.zst", &[zst("{\"x\":1}\n"), zst("{\"x\":2}\n")].concat());
    let catalog = world.learn().await.unwrap();
    assert_eq!(
        world.rows(&catalog, "select x, y from a order by x").await.unwrap(),
        ["1|2", "3|4"]
    );
    assert_eq!(world.rows(&catalog, "select x from b order by x").await.unwrap(), ["1", "2"]);

    let whole = gz(&format!("x\n{}", "1234567\n".repeat(50_000)));
    world.write("a.csv.gz", &whole[..whole.len() / 2]);
    let refusal = world.refusal().await;
    assert!(
        refusal.starts_with(
            r#"file "a.csv.gz" cannot be read: its compressed data is damaged or cut off"#
        ),
        "{refusal}"
    );
}

#[tokio::test]
async fn long_rows_are_read_in_short_batches() {
    let cell = "x".repeat(4 << 20);
    let rows: String = (0..12).map(|i| format!("{i},\"{cell}\"\n")).collect();
    let lines: String = (0..12).map(|i| format!("{{\"id\":{i},\"v\":\"{cell}\"}}\n")).collect();
    let world = World::new(&[("t.csv", &format!("id,v\n{rows}")), ("u.jsonl", &lines)]);
    let catalog = world.learn().await.unwrap();
    for name in ["t", "u"] {
        let mut names = vec![name.to_owned()];
        let tables = world.source.tables(&catalog, &names).await.unwrap();
        let frame = world.session.read_table(tables[&names.remove(0)].clone()).unwrap();
        let batches = frame.collect().await.unwrap();
        assert_eq!(batches.iter().map(|b| b.num_rows()).sum::<usize>(), 12);
        assert!(batches.iter().all(|b| b.num_rows() < 12), "{name} in one batch");
        let sql = format!("select sum(id), min(length(v)), max(length(v)) from {name}");
        let length = 4 << 20;
        assert_eq!(world.rows(&catalog, &sql).await.unwrap(), [format!("66|{length}|{length}")]);
    }
}

#[tokio::test]
async fn a_field_that_comes_late_is_a_column() {
    let text = format!("{}{}", "{\"a\":1}\n".repeat(25_000), "{\"a\":1,\"late\":true}");
    let world = World::new(&[("t.jsonl", &text), ("config.json", "{\n \"not\": \"data\"\n}\n")]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(catalog.tables.len(), 1);
    assert_eq!(columns(table(&catalog, "t")), ["a:int64", "late:bool"]);
}

/// What a compressor on this machine makes of the bytes.
fn run(tool: &str, bytes: &[u8]) -> Vec<u8> {
    use std::process::{Command, Stdio};
    let mut child =
        Command::new(tool).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}

#[tokio::test]
async fn texts_that_differ_are_no_one_value() {
    let text = "code,plain,part,big,fine,tiny,number\n\
                1E5,1,2D10,9007199254740993,2024-01-01 10:00:00.000000001,1e-400,1.5\n\
                100000,1E5,12e3,0.5,2024-01-01 10:00:00.000000002,0,1e3\n";
    let world = World::new(&[("t.csv", text)]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(
        columns(table(&catalog, "t")),
        [
            "code:text",
            "plain:text",
            "part:text",
            "big:text",
            "fine:text",
            "tiny:text",
            "number:float64"
        ]
    );
    let sql = "select count(distinct code), count(distinct big), count(distinct fine), sum(number) from t";
    assert_eq!(world.rows(&catalog, sql).await.unwrap(), ["2|2|2|1001.5"]);
}

#[tokio::test]
async fn a_code_or_a_digit_that_comes_late_makes_a_column_text() {
    let mut text = "code,fine,big\n".to_owned();
    (0..25_000).for_each(|i| text.push_str(&format!("{i},2024-01-01 10:00:00.{i:06}000,{i}.5\n")));
    text.push_str("1E5,2024-01-01 10:00:00.000000001,9007199254740993\n");
    let world = World::new(&[("t.csv", &text)]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["code:text", "fine:text", "big:text"]);
    let sql = "select count(distinct code), count(distinct fine), count(distinct big) from t";
    assert_eq!(world.rows(&catalog, sql).await.unwrap(), ["25001|25001|25001"]);
}

#[tokio::test]
async fn a_digit_below_the_microsecond_in_a_file_that_comes_later_is_refused() {
    let world = World::new(&[("t/a.csv", "at\n2024-01-01 10:00:00.123456000\n")]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(
        world.rows(&catalog, "select at from t").await.unwrap(),
        ["2024-01-01T10:00:00.123456"]
    );
    world.write("t/b.csv", b"at\n2024-01-01 10:00:00.123456789\n");
    let error = world.rows(&catalog, "select at from t").await.unwrap_err().to_string();
    assert_eq!(
        error,
        "file \"t/b.csv\" does not fit the learned table \"t\", column \"at\": line 2: \"2024-01-01 10:00:00.123456789\" has digits below the microsecond, which timestamp does not hold; declare the column's type text; learn the source again, or correct the file"
    );
}

#[tokio::test]
async fn a_first_line_of_values_is_no_header() {
    for (text, value) in [
        ("1,Ann,2013-01-01\n2,Bob,2013-01-02\n", "2013-01-01"),
        ("Ann,2013-01-01 10:00\nBob,2013-01-02 11:00:05\n", "2013-01-01 10:00"),
    ] {
        let world = World::new(&[("t.csv", text)]);
        assert_eq!(
            world.refusal().await,
            format!(
                "file \"t.csv\", header: the first line (\"{value}\", …) holds values, not names; add a line of names"
            )
        );
    }
    // Days and years above numbers are names.
    let world = World::new(&[("t.csv", "meter,2013-01-01,2014\nm1,5,6\n")]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["meter:text", "2013-01-01:int64", "2014:int64"]);
}

#[tokio::test]
async fn a_field_that_a_line_has_twice_is_refused() {
    let world =
        World::new(&[("t.jsonl", "{\"a\":1,\"b\":2}\n\n{\"a\":1,\"b\":2,\"\\u0061\":3}\n")]);
    assert_eq!(world.refusal().await, "file \"t.jsonl\", line 3: the field \"a\" is there twice");
    // Within a value they are the value's own.
    world.write("t.jsonl", b"{\"a\":{\"x\":1,\"x\":2},\"b\":1}\n");
    let catalog = world.learn().await.unwrap();
    assert_eq!(world.rows(&catalog, "select a from t").await.unwrap(), ["{\"x\":1,\"x\":2}"]);
}
