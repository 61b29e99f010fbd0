//! Clocks that change, in every format.

use crate::world::{World, columns, table};
use datafusion::arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use datafusion::parquet::arrow::ArrowWriter;
use std::sync::Arc;

const YAML: &str = "time_zone: America/New_York\ntables: {t: {columns: {at: {type: timestamptz}}}}";
const INSTANTS: [&str; 5] = [
    "2013-03-10T06:30:00Z",
    "2013-03-10T07:30:00Z",
    "2013-11-03T05:30:00Z",
    "2013-11-03T06:30:00Z",
    "2013-11-03T07:00:00Z",
];

#[tokio::test]
async fn text_without_offset_is_read_in_the_zone() {
    let csv = "at\n2013-03-10 01:30\n2013-03-10 02:30\n2013-11-03 01:30\n2013-11-03 01:30-05:00\n2013-11-03 02:00\n";
    let world = World::new(&[("dataset.yaml", YAML), ("t.csv", csv)]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(world.rows(&catalog, "select at from t order by at").await.unwrap(), INSTANTS);

    let json = csv.lines().skip(1).map(|l| format!("{{\"at\":\"{l}\"}}\n")).collect::<String>();
    let world = World::new(&[("dataset.yaml", YAML), ("t.jsonl", &json)]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(world.rows(&catalog, "select at from t order by at").await.unwrap(), INSTANTS);
}

#[tokio::test]
async fn parquet_clocks_become_instants() {
    let clocks = ["2013-03-10T01:30:00", "2013-03-10T03:30:00", "2013-11-03T01:30:00"];
    let micros = clocks.map(|c| {
        let clock: jiff::civil::DateTime = c.parse().unwrap();
        jiff::tz::Offset::UTC.to_timestamp(clock).unwrap().as_microsecond()
    });
    let world = World::new(&[("dataset.yaml", YAML)]);
    let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(micros.to_vec()));
    let batch = RecordBatch::try_from_iter([("at", column)]).unwrap();
    let file = std::fs::File::create(world.path("t.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let catalog = world.learn().await.unwrap();
    assert_eq!(columns(table(&catalog, "t")), ["at:timestamptz"]);
    let sql = "select at from t where at >= '2013-03-10T07:00:00Z' order by at";
    assert_eq!(world.rows(&catalog, sql).await.unwrap(), [INSTANTS[1], INSTANTS[2]]);
    let sql = "select min(at), max(at), count(*) from t";
    assert_eq!(
        world.rows(&catalog, sql).await.unwrap(),
        [format!("{}|{}|3", INSTANTS[0], INSTANTS[2])]
    );
}

#[tokio::test]
async fn an_offset_in_a_clock_column_is_refused_not_dropped() {
    let yaml = "tables: {t: {columns: {at: {type: timestamp}}}}";
    let world = World::new(&[
        ("dataset.yaml", yaml),
        ("t.csv", "at\n2013-01-01 10:00\n2013-01-01 10:00+02:00\n"),
    ]);
    assert_eq!(
        world.refusal().await,
        r#"file "t.csv", line 3, column "at": "2013-01-01 10:00+02:00" is no timestamp"#
    );
}
