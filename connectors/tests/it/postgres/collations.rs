//! Columns to whose collation different texts are equal: here they are told apart all the same.

use super::server::{schema, server};
use super::{query, read};
use air_connectors::{DatabaseOptions, LearnOptions, PostgresSource};
use air_engine::{PlanOptions, Policy, Prepared, guard, plan};
use air_ir::{Catalog, DataType, Ir};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::arrow::util::display::array_value_to_string;
use serde_json::{Value, json};
use std::sync::Arc;

const WORDS: &str = "
    CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE DOMAIN word AS varchar(9) COLLATE ci;
    CREATE TABLE words (id int PRIMARY KEY, v text COLLATE ci, w word, plain text);
    INSERT INTO words VALUES (1, 'a', 'x', 'a'), (2, 'A', 'X', 'A'), (3, 'b', 'x', 'b'), (4, NULL, NULL, NULL);
    CREATE TABLE notes (v text COLLATE ci PRIMARY KEY, n int);
    INSERT INTO notes VALUES ('A', 10), ('B', 20);";

/// The rows of an IR over the words, each as its cells.
async fn rows(
    source: &PostgresSource,
    catalog: &Arc<Catalog>,
    ir: &Value,
    types: &[ArrowType],
) -> Vec<String> {
    let options =
        PlanOptions { now: jiff::Timestamp::UNIX_EPOCH, default_limit: 100, max_limit: 100 };
    let prepared = Prepared::new(Arc::clone(catalog));
    let planned = plan(&Ir::parse(ir).unwrap(), &prepared, &options).unwrap();
    let execution = guard(planned, &Policy::default()).unwrap().execution().unwrap();
    let [asked] = execution.queries() else { panic!("one source, one query") };
    let batch = read(source, query(&asked.sql.text, &asked.sql.params, types, None)).await;
    let batch = batch.unwrap_or_else(|e| panic!("{}: {e}", asked.sql.text));
    let cell =
        |column: usize, row: usize| array_value_to_string(batch.column(column), row).unwrap();
    (0..batch.num_rows())
        .map(|row| (0..types.len()).map(|c| cell(c, row)).collect::<Vec<_>>().join(" "))
        .collect()
}

#[tokio::test]
async fn texts_that_a_collation_takes_for_the_same_are_told_apart() {
    let (name, _admin) = schema(WORDS).await;
    let source = server().source("reader", DatabaseOptions::default());
    let catalog = source.learn(&LearnOptions::default(), |_, _| ()).await.unwrap();
    let words = |t: &&air_ir::Table| t.schema.as_ref() == Some(&name) && t.name == "words";
    let table = catalog.tables.iter().find(words).unwrap();
    let native = |column: &str| table.column(column).unwrap().native_type.clone();
    assert_eq!(native("v"), "text COLLATE ci not deterministic");
    assert_eq!(native("w"), format!("{name}.word COLLATE ci not deterministic"));
    assert_eq!(native("plain"), "text");
    assert_eq!(table.column("w").unwrap().data_type, DataType::Text);

    let catalog = Arc::new(catalog);
    let (words, notes) = (format!("{name}.words"), format!("{name}.notes"));
    let counted = json!([{"name": "n", "agg": "count"}]);
    let (text, number) = (ArrowType::Utf8View, ArrowType::Int64);
    for (ir, types, wanted) in [
        (
            json!({"entities": [words], "dimensions": ["v"], "metrics": counted}),
            vec![text.clone(), number.clone()],
            vec!["A 1", "a 1", "b 1", " 1"],
        ),
        (
            json!({"entities": [words], "dimensions": ["w"], "metrics": counted}),
            vec![text.clone(), number.clone()],
            vec!["X 1", "x 2", " 1"],
        ),
        (
            json!({"entities": [words], "metrics": [{"name": "n", "agg": "count_distinct", "field": "v"}]}),
            vec![number.clone()],
            vec!["3"],
        ),
        (
            json!({"entities": [words], "metrics": counted,
                   "filters": [{"field": "v", "op": "=", "value": "a"}]}),
            vec![number.clone()],
            vec!["1"],
        ),
        (
            json!({"entities": [words], "metrics": counted,
                   "filters": [{"field": "v", "op": "in", "value": ["a", "B"]}]}),
            vec![number.clone()],
            vec!["1"],
        ),
        (
            json!({"entities": [words], "metrics": counted,
                   "filters": [{"field": "v", "op": "contains", "value": "A"}]}),
            vec![number.clone()],
            vec!["1"],
        ),
        (
            json!({"entities": [words], "dimensions": ["id", "m.n"],
                   "joins": [{"left": format!("{words}.v"), "right": format!("{notes}.v"), "as": "m"}]}),
            vec![ArrowType::Int32, ArrowType::Int32],
            vec!["1 ", "2 10", "3 ", "4 "],
        ),
    ] {
        assert_eq!(rows(&source, &catalog, &ir, &types).await, wanted, "{ir}");
    }
}
