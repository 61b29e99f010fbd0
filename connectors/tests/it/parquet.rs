//! Parquet: merged schemas, damaged files, files replaced by others of the same size, values that
//! are finer than the type they are read as.

use crate::world::{World, columns, table};
use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::data_type::{Int96, Int96Type};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::file::writer::SerializedFileWriter;
use datafusion::parquet::schema::parser::parse_message_type;
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
        Arc::new(TimestampNanosecondArray::from(vec![1_000, 2_000_000_000]).with_timezone("UTC"));
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

/// A column of nanoseconds since 1970, of a clock.
fn clocks(nanos: &[Option<i64>]) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from(nanos.to_vec()))
}

const YEAR_2020: i64 = 1_577_836_800_000_000_000;

#[tokio::test]
async fn nanoseconds_that_a_microsecond_does_not_hold_are_refused_with_their_row() {
    let world = World::new(&[]);
    let whole = clocks(&[Some(YEAR_2020 + 123_000), None, Some(-1_000)]);
    world.write("t/a.parquet", &file(&[("at", whole)]));
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["at:timestamp"]);
    let rows = world.rows(&catalog, "select min(at), max(at) from t").await.unwrap();
    assert_eq!(rows, ["1969-12-31T23:59:59.999999|2020-01-01T00:00:00.000123"]);

    // The nulls before the value have a row each.
    let finer = clocks(&[None, Some(YEAR_2020), None, Some(YEAR_2020 + 123_456)]);
    world.write("t/b.parquet", &file(&[("at", finer)]));
    let told = "row 4: 2020-01-01T00:00:00.000123456, read as timestamp, has digits below the microsecond; write the column in microseconds, or declare its type text";
    // Met by a run, and by learning again.
    let error = world.rows(&catalog, "select count(*) from t").await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "file \"t/b.parquet\" does not fit the learned table \"t\", column \"at\": {told}; learn the source again, or correct the file"
        )
    );
    assert_eq!(world.refusal().await, format!("file \"t/b.parquet\", column \"at\": {told}"));

    world.write("dataset.yaml", b"tables: {t: {columns: {at: {type: text}}}}");
    let catalog = world.learn().await.unwrap();
    let rows = world.rows(&catalog, "select max(at), count(distinct at) from t").await.unwrap();
    assert_eq!(rows, ["2020-01-01T00:00:00.000123456|4"]);
}

#[tokio::test]
async fn a_late_row_group_is_looked_at_too() {
    let mut nanos: Vec<Option<i64>> = (0..30_000).map(|i| Some(YEAR_2020 + i * 1_000)).collect();
    nanos[29_998] = Some(YEAR_2020 + 7);
    let batch = RecordBatch::try_from_iter([("at", clocks(&nanos))]).unwrap();
    let groups = WriterProperties::builder().set_max_row_group_row_count(Some(10_000)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(groups)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let world = World::new(&[]);
    world.write("t.parquet", &bytes);
    let refusal = world.refusal().await;
    assert!(refusal.contains("row 29999: 2020-01-01T00:00:00.000000007,"), "{refusal}");
}

#[tokio::test]
async fn nanoseconds_of_a_day_are_not_cut() {
    let times = |nanos: i64| -> ArrayRef { Arc::new(Time64NanosecondArray::from(vec![nanos])) };
    let world = World::new(&[]);
    world.write("t.parquet", &file(&[("at", times(3_600_000_001_000))]));
    let catalog = world.learn().await.unwrap();
    assert_eq!(world.rows(&catalog, "select at from t").await.unwrap(), ["01:00:00.000001"]);
    world.write("t.parquet", &file(&[("at", times(3_600_000_000_001))]));
    let refusal = world.refusal().await;
    assert!(refusal.contains("row 1: 01:00:00.000000001, read as time,"), "{refusal}");
}

/// A file of one column of INT96, as Hive and Impala write times: nanoseconds of a day, and days.
fn int96(values: &[(u64, u32)]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message t { required int96 at; }").unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let value = |(nanos, day): &(u64, u32)| {
        let mut value = Int96::new();
        value.set_data(*nanos as u32, (*nanos >> 32) as u32, *day);
        value
    };
    let values: Vec<Int96> = values.iter().map(value).collect();
    column.typed::<Int96Type>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[tokio::test]
async fn old_times_of_96_bits_are_not_cut() {
    let day = 2_440_588 + 18_262;
    let world = World::new(&[]);
    world.write("t.parquet", &int96(&[(1_000, day), (3_600_000_000_000, 1_721_426)]));
    let catalog = world.learn().await.unwrap();
    let rows = world.rows(&catalog, "select at from t order by at").await.unwrap();
    assert_eq!(rows, ["0001-01-01T01:00:00", "2020-01-01T00:00:00.000001"]);
    world.write("t.parquet", &int96(&[(1_000, day), (1_001, day)]));
    let refusal = world.refusal().await;
    assert!(
        refusal.contains("row 2: 2020-01-01T00:00:00.000001001, read as timestamp,"),
        "{refusal}"
    );
}

#[tokio::test]
async fn whole_numbers_that_one_double_would_be_do_not_join_doubles() {
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![0.5]));
    let whole: ArrayRef = Arc::new(Int64Array::from(vec![1 << 53, 3]));
    let world = World::new(&[]);
    world.write("t/a.parquet", &file(&[("v", doubles)]));
    world.write("t/b.parquet", &file(&[("v", whole)]));
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["v:float64"]);
    assert_eq!(world.rows(&catalog, "select max(v) from t").await.unwrap(), ["9007199254740992.0"]);

    // Beyond the whole numbers that are all doubles there are some that are.
    let (even, odd): (ArrayRef, ArrayRef) = (
        Arc::new(UInt64Array::from(vec![1 << 63, u64::MAX - 2047])),
        Arc::new(UInt64Array::from(vec![1 << 63, u64::MAX])),
    );
    world.write("t/b.parquet", &file(&[("v", even)]));
    world.learn().await.unwrap();
    world.write("t/b.parquet", &file(&[("v", odd)]));
    let refusal = world.refusal().await;
    assert!(refusal.contains("row 2: 18446744073709551615, read as float64,"), "{refusal}");

    // A file without counts is read.
    let odd: ArrayRef = Arc::new(Int64Array::from(vec![3, (1 << 53) + 1]));
    let batch = RecordBatch::try_from_iter([("v", odd)]).unwrap();
    let bare = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::None).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(bare)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    world.write("t/b.parquet", &bytes);
    let refusal = world.refusal().await;
    assert!(refusal.contains("row 2: 9007199254740993,"), "{refusal}");
}

#[tokio::test]
async fn clocks_and_instants_are_no_one_column() {
    let micros = TimestampMicrosecondArray::from(vec![1_357_034_400_000_000]);
    let (clock, instant): (ArrayRef, ArrayRef) =
        (Arc::new(micros.clone()), Arc::new(micros.with_timezone("UTC")));
    let yaml = "time_zone: America/New_York\ntables: {t: {columns: {at: {type: timestamptz}}}}";
    let world = World::new(&[("dataset.yaml", yaml)]);
    world.write("t/a.parquet", &file(&[("at", clock)]));
    let catalog = world.learn().await.unwrap();
    assert_eq!(world.rows(&catalog, "select at from t").await.unwrap(), ["2013-01-01T15:00:00Z"]);
    world.write("t/b.parquet", &file(&[("at", instant)]));
    assert_eq!(
        world.refusal().await,
        "file \"t/b.parquet\", column \"at\": timestamps with and without zone are mixed in the table's files; make them alike"
    );
}

#[tokio::test]
async fn text_that_is_declared_another_type_is_of_it() {
    let id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    for (declared, good, bad) in [
        ("date", "2024-02-29", "2024-02-29 10:00:00"),
        ("json", "{\"a\": 1}", "{a: 1}"),
        ("uuid", id, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        ("uuid", id, "none"),
    ] {
        let yaml = format!("tables: {{t: {{columns: {{v: {{type: {declared}}}}}}}}}");
        let world = World::new(&[("dataset.yaml", &yaml)]);
        world.write("t.parquet", &file(&[("v", texts(&[good, good]))]));
        let catalog = world.learn().await.unwrap();
        assert_eq!(world.rows(&catalog, "select min(v) from t").await.unwrap(), [good]);
        world.write("t.parquet", &file(&[("v", texts(&[good, bad]))]));
        let refusal = world.refusal().await;
        assert!(
            refusal.contains(&format!("row 2: \"{bad}\", read as {declared}, is none")),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn two_columns_of_one_name_are_refused() {
    let schema = Schema::new(vec![
        Field::new("a", DataType::Int32, false),
        Field::new("a", DataType::Int32, false),
    ]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![ints(&[1]), ints(&[2])]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let world = World::new(&[]);
    world.write("t.parquet", &bytes);
    assert_eq!(
        world.refusal().await,
        "file \"t.parquet\" cannot be read: two of its columns have the name \"a\""
    );
}

#[tokio::test]
async fn a_nan_is_found_though_its_row_group_does_not_count_it() {
    let doubles = |values: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let world = World::new(&[]);
    world.write("t/a.parquet", &file(&[("v", doubles(&[1.5, f64::NAN]))]));
    world.write("t/b.parquet", &file(&[("v", doubles(&[-1.0, 0.5]))]));
    // NaN is larger than every number, as in Postgres.
    let counts = "select (select count(*) from t where v > 2) a, (select count(*) from t where v = cast('NaN' as double)) b, (select count(*) from t where v <> 1.5) c, (select count(*) from t where v < 2) d";
    let catalog = world.learn().await.unwrap();
    assert_eq!(world.rows(&catalog, counts).await.unwrap(), ["1|1|3|3"]);
    assert_eq!(world.rows(&catalog, "select max(v) from t").await.unwrap(), ["NaN"]);
    let last = "select v from t order by v desc limit 1";
    assert_eq!(world.rows(&catalog, last).await.unwrap(), ["NaN"]);

    // A file that comes after learning may hold one, where none was.
    std::fs::remove_file(world.path("t/a.parquet")).unwrap();
    let catalog = world.learn().await.unwrap();
    assert_eq!(world.rows(&catalog, counts).await.unwrap(), ["0|0|2|2"]);
    world.write("t/a.parquet", &file(&[("v", doubles(&[1.5, f64::NAN]))]));
    assert_eq!(world.rows(&catalog, counts).await.unwrap(), ["1|1|3|3"]);
}
