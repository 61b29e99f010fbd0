//! Plans that are split give the rows of plans that are not: every plan case and thousands of
//! generated IRs, run here over tables in memory, and again with those tables behind a database
//! that lacks some of the functions.

use crate::embedded::{Embedded, Tables};
use crate::plans::{cases, options, prepared};
use crate::shop;
use air_engine::{
    Answer, Dialect, Execution, Policy, Prepared, Remote, RunError, RunLimits, Runtime, Sources,
    guard, plan, run,
};
use air_ir::Ir;
use air_ir::catalog::SourceKind;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The engine's resources, in a folder that lives as long.
pub(crate) struct Engine {
    pub(crate) runtime: Runtime,
    _folder: tempfile::TempDir,
}

pub(crate) fn engine() -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let limits = RunLimits {
        memory_bytes: 256 << 20,
        spill_dir: folder.path().to_owned(),
        spill_bytes: 64 << 20,
        partitions: 2,
    };
    Engine { runtime: Runtime::new(&limits).unwrap(), _folder: folder }
}

/// The shop's tables as files of this process.
pub(crate) fn as_files() -> Prepared {
    let mut catalog = prepared("shop").catalog().as_ref().clone();
    catalog.kind = SourceKind::Files;
    // Keys of a database are held to; those of files are proven when they are learned.
    Prepared::new(Arc::new(catalog))
}

pub(crate) fn file_tables() -> Sources {
    let tables = shop::tables().into_iter();
    let tables = tables.map(|(t, rows)| (("shop".to_owned(), t.qualified_name()), rows)).collect();
    Sources { tables, ..Sources::default() }
}

fn database() -> Arc<Embedded> {
    let tables: Tables =
        shop::tables().into_iter().map(|(t, rows)| ((t.schema, t.name), rows)).collect();
    Arc::new(Embedded::new("shop", &tables))
}

pub(crate) fn over(remotes: &[&Arc<Embedded>]) -> Sources {
    let mut sources = Sources::default();
    for remote in remotes {
        let object: Arc<dyn Remote> = Arc::<Embedded>::clone(remote);
        sources.remotes.insert(remote.source().to_owned(), object);
    }
    sources
}

/// The execution of an IR, or why it has none: then no engine may have one.
pub(crate) fn execution(ir: &Value, prepared: &Prepared) -> Option<Execution> {
    let ir = Ir::parse(ir).ok()?;
    let planned = plan(&ir, prepared, &options()).ok()?;
    let guarded = guard(planned, &Policy::default()).ok()?;
    Some(guarded.execution().unwrap())
}

pub(crate) fn same(a: &RecordBatch, b: &RecordBatch) -> bool {
    let equal = |(x, y): (&Arc<dyn Array>, &Arc<dyn Array>)| match (
        x.as_primitive_opt::<Float64Type>(),
        y.as_primitive_opt::<Float64Type>(),
    ) {
        (Some(x), Some(y)) => x.iter().zip(y.iter()).all(|(x, y)| match (x, y) {
            (Some(x), Some(y)) => {
                x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-9 * x.abs().max(1.0)
            }
            (x, y) => x.is_none() && y.is_none(),
        }),
        _ => x == y,
    };
    a.schema() == b.schema()
        && a.num_rows() == b.num_rows()
        && a.columns().iter().zip(b.columns()).all(equal)
}

pub(crate) fn shown(answer: &Result<Answer, RunError>) -> String {
    match answer {
        Ok(answer) => {
            pretty_format_batches(std::slice::from_ref(&answer.rows)).unwrap().to_string()
        }
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(deeper) = cause {
                text += &format!("\n  {deeper}");
                cause = deeper.source();
            }
            text
        }
    }
}

pub(crate) fn agree(
    ir: &Value,
    whole: &Result<Answer, RunError>,
    split: &Result<Answer, RunError>,
) {
    let agree = match (whole, split) {
        (Ok(a), Ok(b)) => same(&a.rows, &b.rows) && a.truncated == b.truncated,
        (Err(_), Err(_)) => true,
        _ => false,
    };
    assert!(agree, "{ir:#}\nhere: {}\nsplit: {}", shown(whole), shown(split));
}

/// What a server of each kind lacks; each choice cuts plans at other nodes.
pub(crate) const LACKS: &[&[&str]] = &[
    &[],
    &["air_bucket", "air_part"],
    &["sum", "avg"],
    &["count"],
    &["air_percentile", "first_value", "stddev", "var"],
    &["air_divide", "air_round", "contains", "starts_with", "air_fold"],
    &["max", "air_max", "min", "air_min", "bool_or", "bool_and"],
];

fn plan_cases() -> Vec<Value> {
    let folder = std::fs::read_dir(cases().join("plans")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|f| f.unwrap().path()).collect();
    files.retain(|f| {
        let name = f.file_name().unwrap().to_str().unwrap();
        name.starts_with("shop") && name.ends_with(".yaml")
    });
    files.sort();
    let read = |f: PathBuf| -> BTreeMap<String, Value> {
        serde_saphyr::from_str(&std::fs::read_to_string(f).unwrap()).unwrap()
    };
    files.into_iter().flat_map(read).map(|(_, ir)| ir).collect()
}

/// What the text of the test database can say: times in UTC, and no percentiles.
fn is_sayable(ir: &Value) -> bool {
    let text = ir.to_string();
    !text.contains("timezone") && !text.contains("week_start") && !text.contains("year_start")
}

#[tokio::test]
async fn split_plans_give_the_rows_of_whole_plans() {
    let engine = engine();
    let (files, sources) = (as_files(), file_tables());
    let database = database();
    let remote = over(&[&database]);
    let mut irs: Vec<Value> = plan_cases();
    let mut random = TestRunner::deterministic();
    for _ in 0..2_000 {
        irs.push(crate::properties::ir().new_tree(&mut random).unwrap().current());
    }
    for _ in 0..200 {
        let mut ir = crate::federated::ir().new_tree(&mut random).unwrap().current();
        ir["entities"] = json!(["order_items", "orders", "customers", "products"]);
        ir.as_object_mut().unwrap().remove("joins");
        irs.push(ir);
    }
    irs.retain(|ir| is_sayable(ir) && execution(ir, &files).is_some());
    let (mut ran, mut cut) = (0, 0);
    for (i, ir) in irs.iter().enumerate() {
        let Some(whole) = execution(ir, &files) else { continue };
        assert_eq!(whole.queries().len(), 0);
        let whole = run(&whole, &sources, &engine.runtime).await;
        for lacks in [LACKS[i % LACKS.len()], LACKS[4]] {
            let prepared = prepared("shop").served("shop", Dialect::Datafusion, lacks);
            let split = execution(ir, &prepared).unwrap();
            let queries = split.queries().len();
            let left = split.queries().iter().any(|q| !q.left.is_empty());
            let misread = database.misread.load(Ordering::SeqCst);
            let answer = run(&split, &remote, &engine.runtime).await;
            if database.misread.load(Ordering::SeqCst) > misread {
                continue;
            }
            agree(ir, &whole, &answer);
            ran += 1;
            cut += usize::from(queries > 1 || left);
        }
    }
    let misread = database.misread.load(Ordering::SeqCst);
    assert!(ran > 300 && cut > 100, "{ran} ran, {cut} of them split");
    assert!(misread * 5 < ran, "{misread} not read beside {ran}");
}

/// The queries of an IR over the shop as MySQL, with what is left of each.
fn mysql(ir: Value) -> Vec<(String, Vec<String>)> {
    let prepared = prepared("shop").served("shop", Dialect::Mysql, &[]);
    let execution = execution(&ir, &prepared).unwrap();
    execution.queries().iter().map(|q| (q.sql.text.clone(), q.left.clone())).collect()
}

#[test]
fn what_a_dialect_has_no_form_for_is_done_here_on_the_columns_it_needs() {
    let queries = mysql(json!({
        "entities": ["order_items", "orders"],
        "dimensions": ["orders.status"],
        "metrics": [{"name": "median", "agg": "median", "field": "qty"}],
        "filters": [{"field": "orders.ordered_at", "op": "during", "value": "2024"},
                    {"field": "qty", "op": ">", "value": 1}]
    }));
    let [(sql, left)] = &queries[..] else { panic!("{queries:?}") };
    assert!(sql.starts_with("SELECT "), "{sql}");
    assert!(sql.contains("WHERE") && sql.contains("JOIN"), "{sql}");
    assert!(!sql.contains("unit_price") && !sql.contains("customer_id"), "{sql}");
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].contains("percentile"), "{left:?}");
}

#[tokio::test]
async fn the_order_of_the_rows_is_that_of_the_query() {
    let engine = engine();
    let database = database();
    // Bins are named above the order, and this server cannot name them.
    let ir = json!({
        "entities": ["order_items"],
        "dimensions": [{"name": "band", "field": "qty", "bins": [2, 4, 6]}, "order_id"],
        "metrics": [{"name": "n", "agg": "count"}],
        "order": [{"field": "band", "dir": "desc"}, {"field": "order_id", "dir": "desc"}]
    });
    let sources = file_tables();
    let whole = run(&execution(&ir, &as_files()).unwrap(), &sources, &engine.runtime).await;
    let prepared = prepared("shop").served("shop", Dialect::Datafusion, &[]);
    let split = execution(&ir, &prepared).unwrap();
    let answer = run(&split, &over(&[&database]), &engine.runtime).await;
    agree(&ir, &whole, &answer);
    assert_eq!(database.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failure_names_the_source_and_keeps_its_cause() {
    let engine = engine();
    let mut broken = Embedded::new("shop", &HashMap::new());
    broken.fails = Some("the connection was reset");
    let ir = json!({"entities": ["orders"], "metrics": [{"name": "n", "agg": "count"}]});
    let prepared = prepared("shop").served("shop", Dialect::Datafusion, &[]);
    let split = execution(&ir, &prepared).unwrap();
    let answer = run(&split, &over(&[&Arc::new(broken)]), &engine.runtime).await;
    assert!(
        matches!(&answer, Err(RunError::Source { source_id, .. }) if source_id == "shop"),
        "{}",
        shown(&answer)
    );
    assert!(shown(&answer).contains("the connection was reset"), "{}", shown(&answer));
}

#[tokio::test]
async fn dropping_a_run_drops_its_streams() {
    let engine = engine();
    let tables: Tables =
        shop::tables().into_iter().map(|(t, rows)| ((t.schema, t.name), rows)).collect();
    let mut slow = Embedded::new("shop", &tables);
    slow.hangs = true;
    let slow = Arc::new(slow);
    let ir = json!({"entities": ["orders"], "dimensions": ["id"]});
    let prepared = prepared("shop").served("shop", Dialect::Datafusion, &[]);
    let split = execution(&ir, &prepared).unwrap();
    let sources = over(&[&slow]);
    let mut running = Box::pin(run(&split, &sources, &engine.runtime));
    // Polled until the database has been asked and waits.
    while slow.open.load(Ordering::SeqCst) == 0 {
        let ended = futures::poll!(&mut running);
        assert!(ended.is_pending());
        tokio::task::yield_now().await;
    }
    drop(running);
    while slow.open.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
}
