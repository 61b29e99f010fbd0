//! Forms that DataFusion 55 answers wrongly by itself, asked of files in several row groups.

use super::{RunLimits, Runtime};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::config::TableParquetOptions;
use datafusion::error::DataFusionError;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use std::path::Path;

const NUMBERS: &str = "SELECT value AS id, (value * 7919) % 10007 AS v, value % 7 AS g, \
                       value % 13 AS n FROM range(0, 50000)";

/// `m` is null in what one thread reads, and `n` in most of what the other does.
const NULLS: &str = "SELECT value AS i, \
                     CASE WHEN value >= 60000 THEN (value * 7919) % 100003 + 5 END AS m, \
                     CASE WHEN value < 40000 THEN value + 5 END AS n FROM range(0, 100000)";

const WIDE: &str = "SELECT value AS k, (value * 53) % 997 AS w, \
                    concat(repeat('x', 4000), CAST(value AS VARCHAR)) AS pad FROM range(0, 3000)";

fn runtime(folder: &Path, memory_bytes: usize) -> Runtime {
    let spill_dir = folder.join("spill");
    Runtime::new(&RunLimits { memory_bytes, spill_dir, spill_bytes: 1 << 28, partitions: 2 })
        .unwrap()
}

/// A session with a file of the rows as its table `t`.
async fn session(folder: &Path, rows: &str, memory_bytes: usize) -> SessionContext {
    let path = folder.join("t.parquet");
    let path = path.to_str().unwrap();
    let mut options = TableParquetOptions::new();
    options.global.max_row_group_size = 2_000;
    let written = runtime(folder, 1 << 28).session().sql(rows).await.unwrap();
    written.write_parquet(path, Default::default(), Some(options)).await.unwrap();
    let session = runtime(folder, memory_bytes).session();
    session.register_parquet("t", path, ParquetReadOptions::default()).await.unwrap();
    session
}

async fn rows(session: &SessionContext, text: &str) -> RecordBatch {
    let batches = session.sql(text).await.unwrap().collect().await.unwrap();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[tokio::test]
async fn the_least_and_the_greatest_are_found_beside_nulls() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), NULLS, 1 << 28).await;
    let text = "SELECT min(m) AS a, max(m) AS b, min(n) AS c, max(n) AS d FROM t WHERE i >= 1";
    let found = rows(&session, text).await;
    let found = found.columns().iter().map(|c| c.as_primitive::<Int64Type>().value(0));
    assert_eq!(found.collect::<Vec<_>>(), [7, 100_003, 6, 40_004]);
}

#[tokio::test]
async fn a_limit_leaves_a_window_the_rows_that_it_looks_ahead_to() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), NUMBERS, 1 << 28).await;
    let over = |frame: &str| format!("OVER (ORDER BY v, id ROWS BETWEEN {frame})");
    let (two, three) = (over("CURRENT ROW AND 2 FOLLOWING"), over("CURRENT ROW AND 3 FOLLOWING"));
    let back = over("1 PRECEDING AND CURRENT ROW");
    let windows = [
        format!("SELECT id, v, sum(s) {three} AS w FROM (SELECT id, v, sum(id) {two} AS s FROM t)"),
        format!("SELECT id, v, lag(id, -2) {back} AS w FROM t"),
    ];
    for window in windows {
        let limited = rows(&session, &format!("{window} ORDER BY v, id LIMIT 3")).await;
        let all = rows(&session, &format!("{window} ORDER BY v, id")).await;
        assert_eq!(limited, all.slice(0, 3), "{window}");
    }
}

#[tokio::test]
async fn a_sort_above_a_limit_has_all_rows_that_it_gives() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), NUMBERS, 1 << 28).await;
    for over in ["ORDER BY v", "PARTITION BY g ORDER BY v"] {
        let limited = "SELECT v, g FROM t LIMIT 400 OFFSET 300";
        let text = format!("SELECT v, row_number() OVER ({over}) AS r FROM ({limited})");
        assert_eq!(rows(&session, &text).await.num_rows(), 400, "{over}");
    }
}

#[tokio::test]
async fn distinct_rows_above_a_window_may_have_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), NUMBERS, 1 << 28).await;
    let text = "SELECT DISTINCT g, count(*) OVER (PARTITION BY g, n) AS c FROM t LIMIT 5";
    assert_eq!(rows(&session, text).await.num_rows(), 5);
}

#[tokio::test]
async fn a_join_by_any_condition_says_that_memory_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path(), WIDE, 6 << 20).await;
    let text = "SELECT count(*), max(a.pad), max(b.pad) FROM t a LEFT JOIN t b ON a.w > b.w + 990";
    let error = session.sql(text).await.unwrap().collect().await.unwrap_err();
    assert!(matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)), "{error}");
}
