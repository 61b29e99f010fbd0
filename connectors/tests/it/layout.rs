//! Files, folders, globs, partitions; files that come, go and change.

use crate::world::{World, columns, table};
use air_ir::DataType;

#[tokio::test]
async fn names_come_from_files_and_folders() {
    let world = World::new(&[
        ("one.csv", "a\n1\n"),
        ("many/x.csv", "a\n1\n"),
        ("many/deeper/y.csv", "a\n2\n"),
        ("README.md", "no data"),
        (".hidden.csv", "b\n1\n"),
        ("_temporary/z.csv", "b\n1\n"),
    ]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(catalog.table_names().collect::<Vec<_>>(), ["many", "one"]);
    assert_eq!(world.rows(&catalog, "select sum(a) from many").await.unwrap(), ["3"]);

    world.write("one.jsonl", b"{\"a\":1}\n");
    let refusal = world.refusal().await;
    assert!(refusal.contains("it would be table \"one\" as \"one.csv\" is"), "{refusal}");
}

#[tokio::test]
async fn a_glob_is_a_table_and_what_it_takes_is_no_other() {
    let yaml = "tables: {parts: {files: 'in/20*-*.csv'}}";
    let world = World::new(&[
        ("dataset.yaml", yaml),
        ("in/2013-01.csv", "a\n1\n"),
        ("in/2013-02.csv", "a\n2\n"),
        ("in/other.csv", "b\nx\n"),
    ]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(catalog.table_names().collect::<Vec<_>>(), ["parts"]);
    assert_eq!(world.rows(&catalog, "select sum(a) from parts").await.unwrap(), ["3"]);
}

#[tokio::test]
async fn hive_folders_are_columns_and_prune_files() {
    let world = World::new(&[
        ("m/year=2012/site=New%20York/a.csv", "v\n1\n"),
        ("m/year=2013/site=Rome/a.csv", "v\n2\n"),
        ("m/year=2013/site=__HIVE_DEFAULT_PARTITION__/a.csv", "v\n4\n"),
    ]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "m")), ["v:int64", "year:int64", "site:text"]);
    let rows = world.rows(&catalog, "select year, site, v from m order by v").await.unwrap();
    assert_eq!(rows, ["2012|New York|1", "2013|Rome|2", "2013|-|4"]);
    let rows = world
        .rows(&catalog, "select sum(v) from m where year = 2013 and site is null")
        .await
        .unwrap();
    assert_eq!(rows, ["4"]);
    let plan =
        world.rows(&catalog, "explain select v from m where year < 2013").await.unwrap().concat();
    assert!(plan.contains("year=2012") && !plan.contains("year=2013"), "{plan}");
    assert_eq!(world.rows(&catalog, "select v from m where year = 1999").await.unwrap(), [""; 0]);

    world.write("m/month=1/b.csv", b"v\n1\n");
    let refusal = world.refusal().await;
    assert!(refusal.contains("its folders give the keys"), "{refusal}");
}

#[tokio::test]
async fn new_files_are_there_at_once_and_changed_ones_are_checked() {
    let world = World::new(&[("t/a.csv", "id,v\n1,x\n")]);
    let catalog = world.learn().await.unwrap();
    world.write("t/b.csv", b"id,v\n2,\"y\nz\"\n3,w\n");
    assert_eq!(
        world.rows(&catalog, "select id, v from t order by id").await.unwrap(),
        ["1|x", "2|y\nz", "3|w"]
    );
    assert_eq!(world.rows(&catalog, "select count(*) from t").await.unwrap(), ["3"]);

    for (text, wanted) in [
        ("v,id\nx,1\n", "column 1 is \"v\", but \"id\""),
        ("id\n1\n", "1 columns, but 2"),
        ("id,v\n1,x\nabc,y\n", "column \"id\": line 3: \"abc\" is no int64"),
    ] {
        world.write("t/b.csv", text.as_bytes());
        let error = world.rows(&catalog, "select * from t").await.unwrap_err().to_string();
        assert!(
            error.starts_with("file \"t/b.csv\" does not fit the learned table \"t\"")
                && error.contains(wanted),
            "{error}"
        );
        assert!(error.contains("learn the source again"), "{error}");
    }
    std::fs::remove_file(world.path("t/b.csv")).unwrap();
    assert_eq!(world.rows(&catalog, "select count(*) from t").await.unwrap(), ["1"]);
    std::fs::remove_file(world.path("t/a.csv")).unwrap();
    let error = world.rows(&catalog, "select * from t").await.unwrap_err().to_string();
    assert_eq!(error, r#"table "t": no file matches "t""#);
}

#[tokio::test]
async fn a_bad_row_beyond_the_sample_of_a_new_file_names_its_line() {
    let world = World::new(&[("t/a.csv", "id\n1\n")]);
    let catalog = world.learn().await.unwrap();
    let text = format!("id\n{}oops\n{}", "7\n".repeat(9_000), "7\n".repeat(9_000));
    world.write("t/b.csv", text.as_bytes());
    let error = world.rows(&catalog, "select sum(id) from t").await.unwrap_err().to_string();
    assert_eq!(error, r#"file "t/b.csv", line 9002, column "id": "oops" is no int64"#);
}

#[tokio::test]
async fn a_line_is_named_right_in_the_second_part_of_a_file() {
    let good = format!("id,v\n{}", "1234567,abcdefg\n".repeat(9_000));
    let world = World::new(&[("t.jsonl", "{\"id\":1}\n"), ("u.csv", &good)]);
    let mut catalog = world.learn().await.unwrap();
    // The catalog says that nothing changed, so the file is read in parts and not checked.
    let bad = good
        .replacen("1234567,abcdefg\n1234567", "1234567,abcdefg\n12345x7", 8_000)
        .replacen("12345x7", "1234567", 7_999 / 2);
    let line = bad.lines().position(|l| l.contains('x')).unwrap() + 1;
    world.write("u.csv", bad.as_bytes());
    let learned = catalog.tables.iter_mut().find(|t| t.name == "u").unwrap();
    let storage = learned.storage.as_mut().unwrap();
    let meta = std::fs::metadata(world.path("u.csv")).unwrap();
    use std::os::unix::fs::MetadataExt;
    storage.seen[0].size = meta.len();
    storage.seen[0].inode = meta.ino();
    storage.seen[0].mtime_ns = (meta.mtime() * 1_000_000_000 + meta.mtime_nsec())
        .max(meta.ctime() * 1_000_000_000 + meta.ctime_nsec());
    let error = world.rows(&catalog, "select sum(id) from u").await.unwrap_err().to_string();
    assert_eq!(error, format!(r#"file "u.csv", line {line}, column "id": "12345x7" is no int64"#));
    assert!(line > 4_600, "the second half begins there");
    assert_eq!(table(&catalog, "u").columns[0].data_type, DataType::Int64);
}
