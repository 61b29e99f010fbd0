//! Parquet: merged schemas, damaged files, files replaced by others of the same size.

use crate::world::{World, columns, table};
use datafusion::arrow::array::{
    ArrayRef, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampNanosecondArray,
};
use datafusion::arrow::datatypes::Int32Type;
use datafusion::parquet::arrow::ArrowWriter;
use std::sync::Arc;

fn file(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter(columns.iter().map(|(n, c)| (*n, Arc::clone(c)))).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test]
async fn schemas_are_merged_and_widened() {
    let world = World::new(&[]);
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![5_000_000_000]));
    world.write("t/a.parquet", &file(&[("id", ints(&[1, 2])), ("name", texts(&["x", "y"]))]));
    world.write(
        "t/b.parquet",
        &file(&[("name", texts(&["z"])), ("id", wide), ("more", ints(&[7]))]),
    );
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["id:int64", "name:text", "more:int32"]);
    let rows = world.rows(&catalog, "select id, name, more from t order by id").await.unwrap();
    assert_eq!(rows, ["1|x|-", "2|y|-", "5000000000|z|7"]);
    assert_eq!(
        world
            .rows(&catalog, "select min(id), max(id), count(*), count(more) from t")
            .await
            .unwrap(),
        ["1|5000000000|3|1"]
    );
    assert_eq!(world.rows(&catalog, "select name from t where id > 2").await.unwrap(), ["z"]);

    world.write("t/c.parquet", &file(&[("id", texts(&["one"])), ("name", texts(&["z"]))]));
    assert_eq!(
        world.refusal().await,
        "table \"t\", column \"id\": int64 in file \"t/a.parquet\", but text in file \"t/c.parquet\"; make the files alike or declare the type"
    );
    let error = world.rows(&catalog, "select * from t").await.unwrap_err().to_string();
    assert!(error.contains("file \"t/c.parquet\" does not fit the learned table \"t\", column \"id\": the file holds text"), "{error}");
}

#[tokio::test]
async fn a_nested_column_is_listed_and_left_out() {
    let list: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)])]));
    let world = World::new(&[]);
    world.write("t.parquet", &file(&[("l", list), ("id", ints(&[1]))]));
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["l:unreadable", "id:int32"]);
    assert_eq!(world.rows(&catalog, "select * from t").await.unwrap(), ["1"]);
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let whole = file(&[("id", ints(&(0..1000).collect::<Vec<_>>()))]);
    for bytes in
        [&whole[..whole.len() / 2], &whole[..whole.len() - 3], b"", b"PAR1", &[0_u8; 64][..]]
    {
        let world = World::new(&[]);
        world.write("t.parquet", bytes);
        let refusal = world.refusal().await;
        assert!(refusal.starts_with("file \"t.parquet\""), "{refusal}");
    }
    // The footer is whole, the rows are not.
    let mut holed = whole.clone();
    holed[4..400].fill(0xff);
    let world = World::new(&[]);
    world.write("t.parquet", &holed);
    let refusal = world.refusal().await;
    assert!(refusal.contains("t.parquet"), "{refusal}");
}

#[tokio::test]
async fn a_file_of_the_same_size_and_time_is_another_file() {
    let (old, new) = (file(&[("v", ints(&[1, 2, 3]))]), file(&[("v", ints(&[7, 8, 9]))]));
    assert_eq!(old.len(), new.len());
    let world = World::new(&[("c.csv", "v\n1\n2\n3\n")]);
    world.write("p.parquet", &old);
    let catalog = world.learn().await.unwrap();
    let sums = "select (select sum(v) from c), (select sum(v) from p), (select max(v) from p), (select count(*) from p where v > 6)";
    assert_eq!(world.rows(&catalog, sums).await.unwrap(), ["6|6|3|0"]);
    let time = |path: &str| std::fs::metadata(world.path(path)).unwrap().modified().unwrap();
    for (path, bytes) in [("p.parquet", new.as_slice()), ("c.csv", b"v\n7\n8\n9\n")] {
        let before = time(path);
        // In place, so that even the inode stays.
        std::fs::OpenOptions::new().write(true).open(world.path(path)).unwrap();
        std::fs::write(world.path(path), bytes).unwrap();
        let handle = std::fs::File::options().write(true).open(world.path(path)).unwrap();
        handle.set_modified(before).unwrap();
        assert_eq!(time(path), before);
    }
    assert_eq!(world.rows(&catalog, sums).await.unwrap(), ["24|24|9|3"]);
}

#[tokio::test]
async fn a_file_that_changes_under_a_planned_run_is_an_error() {
    let world = World::new(&[]);
    world.write("p.parquet", &file(&[("v", ints(&[1, 2, 3]))]));
    let catalog = world.learn().await.unwrap();
    let tables = world.source.tables(&catalog, &["p".to_owned()]).await.unwrap();
    let frame = world.session.read_table(tables["p"].clone()).unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    std::fs::remove_file(world.path("p.parquet")).unwrap();
    world.write("p.parquet", &file(&[("v", ints(&[7, 8, 9]))]));
    let run = datafusion::physical_plan::collect(plan, world.session.task_ctx()).await;
    let error = air_connectors::explain(&run.unwrap_err()).to_string();
    assert_eq!(error, "file \"p.parquet\" changed while it was read; run again");
}

#[tokio::test]
async fn statistics_and_filters_are_of_the_catalogs_type() {
    let nanos: ArrayRef =
        Arc::new(TimestampNanosecondArray::from(vec![1_500, 2_000_000_000]).with_timezone("UTC"));
    let world =
        World::new(&[("dataset.yaml", "tables: {t: {columns: {n: {type: 'decimal(12,2)'}}}}")]);
    world.write("t.parquet", &file(&[("at", nanos), ("n", ints(&[1, 2]))]));
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["at:timestamptz", "n:decimal(12,2)"]);
    let rows =
        world.rows(&catalog, "select min(at), max(at), min(n), max(n) from t").await.unwrap();
    assert_eq!(rows, ["1970-01-01T00:00:00.000001Z|1970-01-01T00:00:02Z|1.00|2.00"]);
    let rows = world
        .rows(&catalog, "select n from t where at > '1970-01-01T00:00:01Z' and n >= 1.5")
        .await
        .unwrap();
    assert_eq!(rows, ["2.00"]);
}

#[tokio::test]
async fn a_whole_number_too_large_for_its_declared_type_is_refused() {
    let world = World::new(&[("dataset.yaml", "tables: {t: {columns: {n: {type: int8}}}}")]);
    world.write("t.parquet", &file(&[("n", ints(&[1, 300]))]));
    let refusal = world.refusal().await;
    assert!(
        refusal.contains("t.parquet") && refusal.contains("300") && refusal.contains("\"n\""),
        "{refusal}"
    );
}
