//! Fan-out: two to-many entities of one order, each summed at its own grain. The data is such that
//! joining them in one query gives other sums, so these tests fail when the stitching is taken out.

use crate::plans::{options, prepared};
use air_engine::{Policy, Prepared, RunLimits, Runtime, Sources, arrow_schema, guard, plan, run};
use air_ir::Ir;
use air_ir::catalog::SourceKind;
use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, Int32Array, Int64Array, StringViewArray,
};
use datafusion::arrow::array::{BooleanArray, TimestampMicrosecondArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

fn money(values: &[i128], precision: u8) -> ArrayRef {
    let array = Decimal128Array::from(values.to_vec());
    Arc::new(array.with_precision_and_scale(precision, 2).unwrap())
}

fn instants(n: usize) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(vec![0_i64; n]).with_timezone("UTC"))
}

/// Two orders; the first has two lines and two refunds, so that a join makes four rows of it.
fn tables() -> HashMap<(String, String), Arc<dyn TableProvider>> {
    let ids = |values: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(values.to_vec())) };
    let small = |values: &[i32]| -> ArrayRef { Arc::new(Int32Array::from(values.to_vec())) };
    let orders: Vec<ArrayRef> = vec![
        ids(&[1, 2]),
        ids(&[7, 7]),
        Arc::new(StringViewArray::from(vec!["paid", "open"])),
        instants(2),
        Arc::new(TimestampMicrosecondArray::from(vec![None, Some(0)])),
        Arc::new(BooleanArray::from(vec![Some(true), None])),
    ];
    let items = vec![
        ids(&[1, 1, 2]),
        small(&[1, 2, 1]),
        small(&[5, 6, 5]),
        small(&[2, 3, 4]),
        money(&[1000, 500, 250], 10),
    ];
    let refunds = vec![ids(&[10, 11]), ids(&[1, 1]), instants(2), money(&[100, 200], 12)];
    let prepared = prepared("shop");
    let source = prepared.catalog().source.clone();
    let mut tables: HashMap<(String, String), Arc<dyn TableProvider>> = HashMap::new();
    for (name, columns) in
        [("shop.orders", orders), ("shop.order_items", items), ("shop.refunds", refunds)]
    {
        let table = prepared.catalog().tables.iter().find(|t| t.qualified_name() == name).unwrap();
        let schema = arrow_schema(table);
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
        tables.insert((source.clone(), name.to_owned()), Arc::new(table));
    }
    tables
}

/// The shop's tables as if they were files, so that they are read here.
fn as_files() -> Prepared {
    let mut catalog = prepared("shop").catalog().as_ref().clone();
    catalog.kind = SourceKind::Files;
    Prepared::new(Arc::new(catalog))
}

async fn answer(ir: Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let limits = RunLimits {
        memory_bytes: 64 << 20,
        spill_dir: folder.path().to_owned(),
        spill_bytes: 64 << 20,
        partitions: 2,
    };
    let runtime = Runtime::new(&limits).unwrap();
    let ir = Ir::parse(&ir).unwrap();
    let planned = plan(&ir, &as_files(), &options()).unwrap();
    let guarded = guard(planned, &Policy::default()).unwrap();
    let sources = Sources { tables: tables(), ..Sources::default() };
    let answer = run(&guarded.execution().unwrap(), &sources, &runtime).await.unwrap();
    pretty_format_batches(&[answer.rows]).unwrap().to_string()
}

#[tokio::test]
async fn two_to_many_entities_are_each_summed_once() {
    let rows = answer(json!({
        "entities": ["orders", "order_items", "refunds"],
        "dimensions": ["status"],
        "metrics": [
            {"name": "orders", "agg": "count"},
            {"name": "sold", "agg": "sum", "value": "qty * unit_price"},
            {"name": "refunded", "agg": "sum", "field": "refunds.amount"},
            {"name": "kept", "expr": "sold - coalesce(refunded, 0)"}]
    }))
    .await;
    // Joined in one query, the paid order would have sold 70.00 and refunded 6.00.
    let expected = "\
+--------+--------+-------+----------+-------+
| status | orders | sold  | refunded | kept  |
+--------+--------+-------+----------+-------+
| open   | 1      | 10.00 |          | 10.00 |
| paid   | 1      | 35.00 | 3.00     | 32.00 |
+--------+--------+-------+----------+-------+";
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_joined_entity_changes_no_count_and_a_missing_fact_is_zero() {
    let rows = answer(json!({
        "entities": ["orders", "refunds"],
        "metrics": [
            {"name": "orders", "agg": "count"},
            {"name": "refunds", "agg": "count", "field": "refunds.id"},
            {"name": "large", "agg": "count", "field": "refunds.id",
             "filter": {"field": "refunds.amount", "op": ">", "value": "1.50"}}]
    }))
    .await;
    let expected = "\
+--------+---------+-------+
| orders | refunds | large |
+--------+---------+-------+
| 2      | 2       | 1     |
+--------+---------+-------+";
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn exists_multiplies_nothing() {
    let rows = answer(json!({
        "entities": ["orders"],
        "metrics": [
            {"name": "all", "agg": "count"},
            {"name": "refunded", "agg": "count", "filter": {"exists": {"entity": "refunds"}}}],
        "filters": [{"exists": {"entity": "order_items", "filters": [{"field": "qty", "op": ">=", "value": 2}]}}]
    }))
    .await;
    let expected = "\
+-----+----------+
| all | refunded |
+-----+----------+
| 2   | 1        |
+-----+----------+";
    assert_eq!(rows, expected);
}
