//! Lists of values under AND, OR and NOT, with nulls in the column, in the list, and columns as
//! items: what runs here equals the truth table, computed apart.

use crate::plans::options;
use crate::split::engine;
use air_engine::{Policy, Prepared, Runtime, Sources, arrow_schema, guard, plan_sql, run};
use air_ir::Catalog;
use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

/// One row: `x`, `a` and `b`. `y` is another name of `x`.
type Row = [Option<i64>; 3];

#[derive(Debug, Clone)]
enum Item {
    Value(i64),
    Null,
    A,
    B,
    X,
    Y,
}

#[derive(Debug, Clone)]
enum Condition {
    In(Item, Vec<Item>, bool),
    Equal(Item, Item),
    IsNull(Item),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

use Condition::{And, Equal, In, IsNull, Not, Or};

impl Item {
    fn of(&self, [x, a, b]: Row) -> Option<i64> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Null => None,
            Self::A => a,
            Self::B => b,
            Self::X | Self::Y => x,
        }
    }
}

impl Condition {
    fn of(&self, row: Row) -> Option<bool> {
        let equal = |a: &Item, b: &Item| Some(a.of(row)? == b.of(row)?);
        match self {
            In(item, list, negated) => {
                let mut found = Some(false);
                for other in list {
                    found = either(found, equal(item, other));
                }
                found.map(|f| f != *negated)
            }
            Equal(a, b) => equal(a, b),
            IsNull(item) => Some(item.of(row).is_none()),
            Not(inner) => inner.of(row).map(|i| !i),
            And(a, b) => either(a.of(row).map(|a| !a), b.of(row).map(|b| !b)).map(|e| !e),
            Or(a, b) => either(a.of(row), b.of(row)),
        }
    }
}

fn either(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
            Self::A => f.write_str("a"),
            Self::B => f.write_str("b"),
            Self::X => f.write_str("x"),
            Self::Y => f.write_str("y"),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            In(item, list, negated) => {
                let list: Vec<String> = list.iter().map(Item::to_string).collect();
                let not = if *negated { "not " } else { "" };
                write!(f, "{item} {not}in ({})", list.join(", "))
            }
            Equal(a, b) => write!(f, "{a} = {b}"),
            IsNull(item) => write!(f, "{item} is null"),
            Not(inner) => write!(f, "not ({inner})"),
            And(a, b) => write!(f, "({a} and {b})"),
            Or(a, b) => write!(f, "({a} or {b})"),
        }
    }
}

fn conditions() -> impl Strategy<Value = Condition> {
    let tested = prop_oneof![4 => Just(Item::X), 2 => Just(Item::Y), 1 => Just(Item::A)];
    let value = || (1_i64..5).prop_map(Item::Value);
    let item = prop_oneof![
        8 => value(), 1 => Just(Item::Null), 1 => Just(Item::A), 1 => Just(Item::B)
    ];
    let list = prop::collection::vec(item, 1..5);
    let leaf = prop_oneof![
        4 => (tested.clone(), list, any::<bool>()).prop_map(|(i, l, n)| In(i, l, n)),
        2 => (tested.clone(), value()).prop_map(|(a, b)| Equal(a, b)),
        1 => tested.prop_map(IsNull),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|i| Not(Box::new(i))),
            pair.clone().prop_map(|(a, b)| And(Box::new(a), Box::new(b))),
            pair.prop_map(|(a, b)| Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn rows() -> Vec<Row> {
    let values = [None, Some(1), Some(2), Some(3)];
    let mut rows = Vec::new();
    for x in values {
        for a in values {
            rows.extend(values.map(|b| [x, a, b]));
        }
    }
    rows
}

pub(crate) fn files() -> (Prepared, Sources) {
    let column = |name: &str| json!({"name": name, "data_type": "int64", "native_type": "int64", "nullable": true});
    let catalog = json!({"source": "files", "kind": "files", "version": "test", "tables": [
        {"name": "t", "kind": "table", "columns": [column("x"), column("a"), column("b")]}]});
    let catalog: Catalog = serde_json::from_value(catalog).unwrap();
    let schema = arrow_schema(&catalog.tables[0]);
    let of =
        |i: usize| -> ArrayRef { Arc::new(Int64Array::from_iter(rows().iter().map(|r| r[i]))) };
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![of(0), of(1), of(2)]).unwrap();
    let table: Arc<dyn TableProvider> =
        Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap());
    let tables = [(("files".to_owned(), "t".to_owned()), table)].into();
    (Prepared::new(Arc::new(catalog)), Sources { tables, ..Sources::default() })
}

/// The numbers of the only row of an SQL text.
pub(crate) async fn numbers(sql: &str, files: &(Prepared, Sources), runtime: &Runtime) -> Vec<i64> {
    let planned = plan_sql(sql, &files.0, &options()).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let execution = guard(planned, &Policy::default()).unwrap().execution().unwrap();
    let rows = run(&execution, &files.1, runtime).await.unwrap().rows;
    assert_eq!(rows.num_rows(), 1, "{sql}");
    rows.columns().iter().map(|c| c.as_primitive::<Int64Type>().value(0)).collect()
}

#[tokio::test]
async fn lists_are_joined_as_their_nulls_want() {
    let (engine, files) = (engine(), files());
    let mut random = TestRunner::deterministic();
    for _ in 0..600 {
        let condition = conditions().new_tree(&mut random).unwrap().current();
        let count = |of: Option<bool>| {
            i64::try_from(rows().iter().filter(|row| condition.of(**row) == of).count()).unwrap()
        };
        let from = "from (select x, x as y, a, b from t) as s";
        let told = format!(
            "select count(case when {condition} then 1 end) as yes, \
             count(case when not ({condition}) then 1 end) as no, \
             count(case when ({condition}) is null then 1 end) as unknown {from}"
        );
        let expected = [count(Some(true)), count(Some(false)), count(None)];
        assert_eq!(numbers(&told, &files, &engine.runtime).await, expected, "{told}");
        for (asked, rows) in [
            (format!("select count(*) as n {from} where {condition}"), expected[0]),
            (format!("select count(*) as n {from} where not ({condition})"), expected[1]),
            (
                format!(
                    "select count(*) as n from (select {condition} as c, x in (1, 2) as d {from}) \
                     as t where not (c or d)"
                ),
                rows_outside(&condition),
            ),
        ] {
            assert_eq!(numbers(&asked, &files, &engine.runtime).await, [rows], "{asked}");
        }
    }
}

fn rows_outside(condition: &Condition) -> i64 {
    let list = In(Item::X, vec![Item::Value(1), Item::Value(2)], false);
    let outside = Not(Box::new(Or(Box::new(condition.clone()), Box::new(list))));
    i64::try_from(rows().iter().filter(|row| outside.of(**row) == Some(true)).count()).unwrap()
}

#[tokio::test]
async fn numbers_with_an_exponent_are_spelled_out() {
    let (engine, files) = (engine(), files());
    for (condition, rows) in
        [("x < 1e2", 48), ("x * 50 < 1e2", 16), ("x * 40 >= 12e1", 16), ("x < 1e40", 48)]
    {
        let sql = format!("select count(*) as n from t where {condition}");
        assert_eq!(numbers(&sql, &files, &engine.runtime).await, [rows], "{sql}");
    }
    let plan = plan_sql("select 1e2 as e", &files.0, &options()).unwrap();
    let execution = guard(plan, &Policy::default()).unwrap().execution().unwrap();
    let rows = run(&execution, &files.1, &engine.runtime).await.unwrap().rows;
    assert_eq!(rows.schema().field(0).data_type(), &DataType::Decimal128(3, 0));
}
