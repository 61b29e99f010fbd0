//! Rows for the shop's tables: the same ones every time, with nulls, missing partners, equal
//! values and text of several kinds.

use crate::plans::prepared;
use air_engine::arrow_schema;
use air_ir::Table;
use datafusion::arrow::array::{ArrayRef, new_empty_array};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use std::sync::Arc;

/// A sequence of numbers that looks random and is not.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % n).unwrap()
    }
}

fn rows_in(table: &str) -> i64 {
    match table {
        "customers" => 30,
        "products" => 12,
        "orders" => 120,
        "order_items" => 300,
        "refunds" => 60,
        "events" => 80,
        "shipments" => 50,
        "cities" => 8,
        _ => 10,
    }
}

/// The keys first, so that they are what their tables say; the rest by type.
fn whole(table: &str, column: &str, i: i64, numbers: &mut Numbers) -> i64 {
    match (table, column) {
        ("order_items", "order_id") => i / 3 + 1,
        ("order_items", "line") => i % 3 + 1,
        (_, "id" | "ID") => i + 1,
        // Some have no partner.
        (_, "customer_id" | "referred_by") => numbers.below(33) + 1,
        (_, "order_id") => numbers.below(120) + 1,
        (_, "product_id") => numbers.below(12) + 1,
        (_, "from_city" | "to_city") => numbers.below(9) + 1,
        (_, "big") => numbers.below(1 << 31) << 8,
        _ => numbers.below(9),
    }
}

const WORDS: &[&str] =
    &["Ada", "ada", "ÅSE", "Zoë ", "", "paid", "open", "retail", "\u{1f30d}", "O'Hara", "a%b_c\\"];

fn value(table: &str, field: &Field, i: i64, numbers: &mut Numbers) -> ScalarValue {
    let name = field.name().as_str();
    if field.is_nullable() && numbers.below(7) == 0 {
        return ScalarValue::try_from(field.data_type()).unwrap();
    }
    let hours = if name == "at" { i } else { numbers.below(24 * 120) };
    // From 2023-12-01 on.
    let micros = (1_701_388_800 + hours * 3_600) * 1_000_000;
    match field.data_type() {
        DataType::Utf8View => {
            let word = WORDS[usize::try_from(numbers.below(WORDS.len() as u64)).unwrap()];
            ScalarValue::Utf8View(Some(word.to_owned()))
        }
        DataType::Boolean => ScalarValue::Boolean(Some(numbers.below(2) == 0)),
        DataType::Float64 => ScalarValue::Float64(Some(numbers.below(64) as f64 / 4.0 - 4.0)),
        DataType::Date32 => {
            ScalarValue::Date32(Some(i32::try_from(19_692 + numbers.below(120)).unwrap()))
        }
        DataType::Timestamp(_, zone) => {
            ScalarValue::TimestampMicrosecond(Some(micros), zone.clone())
        }
        DataType::Decimal128(p, s) => {
            ScalarValue::Decimal128(Some(i128::from(numbers.below(5_000) - 500)), *p, *s)
        }
        other => {
            let number = ScalarValue::Int64(Some(whole(table, name, i, numbers)));
            number.cast_to(other).unwrap()
        }
    }
}

/// A table with its rows.
pub(crate) fn filled(table: &Table) -> Arc<dyn TableProvider> {
    let schema = arrow_schema(table);
    let mut numbers = Numbers(table.name.bytes().map(u64::from).sum());
    let rows = rows_in(&table.name);
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| {
            let values: Vec<ScalarValue> =
                (0..rows).map(|i| value(&table.name, field, i, &mut numbers)).collect();
            match values.is_empty() {
                true => new_empty_array(field.data_type()),
                false => ScalarValue::iter_to_array(values).unwrap(),
            }
        })
        .collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())
}

/// Every table of the shop.
pub(crate) fn tables() -> Vec<(Table, Arc<dyn TableProvider>)> {
    let catalog = Arc::clone(prepared("shop").catalog());
    catalog.tables.iter().map(|t| (t.clone(), filled(t))).collect()
}
