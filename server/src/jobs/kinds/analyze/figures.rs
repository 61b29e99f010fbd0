//! The figures of a column: how many values there are, how many differ, their ends and mean.

use air_ir::{Column, DataType};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::{avg, count, count_distinct, max, min};
use datafusion::prelude::{Expr, SessionContext, ident};
use serde_json::{Map, Value, json};

use crate::results;

/// What can be told of a column of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Values alone: they cannot be compared.
    Values,
    Distinct,
    Ends,
    Mean,
}

fn told(data_type: DataType) -> Told {
    match data_type {
        DataType::Binary | DataType::Json | DataType::Unreadable => Told::Values,
        DataType::Bool | DataType::Text | DataType::Uuid | DataType::Time => Told::Distinct,
        DataType::Date | DataType::Timestamp | DataType::Timestamptz => Told::Ends,
        _ => Told::Mean,
    }
}

/// The figures of some columns of a table, as one IR.
pub(super) struct Figures<'a> {
    table: &'a str,
    columns: &'a [&'a Column],
}

impl<'a> Figures<'a> {
    pub(super) fn of(table: &'a str, columns: &'a [&'a Column]) -> Self {
        Self { table, columns }
    }

    pub(super) fn ir(&self) -> Value {
        let mut metrics = vec![json!({"name": "rows", "agg": "count"})];
        for (at, column) in self.columns.iter().enumerate() {
            let told = told(column.data_type);
            let mut figure = |word: &str, agg: &str| {
                metrics.push(json!({"name": format!("{word}_{at}"), "agg": agg,
                    "field": column.name}));
            };
            figure("values", "count");
            if told != Told::Values {
                figure("distinct", "count_distinct");
            }
            if matches!(told, Told::Ends | Told::Mean) {
                figure("min", "min");
                figure("max", "max");
            }
            if told == Told::Mean {
                figure("mean", "avg");
            }
        }
        json!({"entities": [self.table], "metrics": metrics})
    }

    /// The columns with the figures of the IR's one row.
    pub(super) fn read(&self, row: &Map<String, Value>) -> Vec<Value> {
        let rows = row.get("rows").and_then(Value::as_u64).unwrap_or(0);
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(at, column)| {
                let figure = |word: &str| row.get(&format!("{word}_{at}")).cloned();
                column_of(&column.name, &json!(column.data_type), rows, &figure)
            })
            .collect()
    }
}

/// A column as the result shows it.
fn column_of(
    name: &str,
    data_type: &Value,
    rows: u64,
    figure: &dyn Fn(&str) -> Option<Value>,
) -> Value {
    let values = figure("values").and_then(|v| v.as_u64()).unwrap_or(0);
    let nulls = rows.saturating_sub(values);
    #[expect(clippy::cast_precision_loss, reason = "a share, of far fewer digits")]
    let share = if rows == 0 { Value::Null } else { json!(nulls as f64 / rows as f64) };
    let mut column = json!({"name": name, "type": data_type, "values": values, "nulls": nulls,
        "null_share": share});
    for word in ["distinct", "min", "max", "mean"] {
        if let Some(value) = figure(word) {
            column[word] = value;
        }
    }
    column
}

/// The figures of rows that are at hand.
pub(super) async fn of_rows(
    context: &SessionContext,
    rows: &RecordBatch,
) -> Result<Vec<Value>, DataFusionError> {
    let schema = rows.schema();
    let mut wanted: Vec<Expr> = Vec::new();
    for (at, field) in schema.fields().iter().enumerate() {
        let column = || ident(field.name());
        wanted.push(count(column()).alias(format!("values_{at}")));
        wanted.push(count_distinct(column()).alias(format!("distinct_{at}")));
        let kind = field.data_type();
        if kind.is_numeric() || kind.is_temporal() {
            wanted.push(min(column()).alias(format!("min_{at}")));
            wanted.push(max(column()).alias(format!("max_{at}")));
        }
        if kind.is_numeric() {
            wanted.push(avg(cast(column())).alias(format!("mean_{at}")));
        }
    }
    let count = u64::try_from(rows.num_rows()).unwrap_or(u64::MAX);
    let found = context.read_batch(rows.clone())?.aggregate(Vec::new(), wanted)?.collect().await?;
    let row = found.first().map(results::json_rows).and_then(|rows| rows.into_iter().next());
    let row = row.unwrap_or_default();
    let columns = schema.fields().iter().enumerate();
    Ok(columns
        .map(|(at, field)| {
            let figure = |word: &str| row.get(&format!("{word}_{at}")).cloned();
            let data_type = json!(results::data_type(field.data_type()));
            column_of(field.name(), &data_type, count, &figure)
        })
        .collect())
}

/// A mean is a double, as in an IR.
fn cast(column: Expr) -> Expr {
    datafusion::prelude::cast(column, ArrowType::Float64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    #[tokio::test]
    async fn figures_of_rows_at_hand() {
        let n: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(4), Some(4)]));
        let t: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a", "a"]));
        let rows = RecordBatch::try_from_iter([("n", n), ("Odd Name", t)]).unwrap();
        let context = SessionContext::new();
        let columns = of_rows(&context, &rows).await.unwrap();
        assert_eq!(
            columns[0],
            json!({"name": "n", "type": "int64", "values": 3, "nulls": 1, "null_share": 0.25,
                "distinct": 2, "min": 1, "max": 4, "mean": 3.0})
        );
        assert_eq!(
            columns[1],
            json!({"name": "Odd Name", "type": "text", "values": 4, "nulls": 0, "null_share": 0.0,
                "distinct": 2})
        );
        let none = of_rows(&context, &rows.slice(0, 0)).await.unwrap();
        assert_eq!(none[0]["null_share"], Value::Null);
    }
}
