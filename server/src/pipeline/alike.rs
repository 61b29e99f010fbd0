//! Whether two results say the same: the values of the rows, whatever the columns are called and
//! in whatever order they stand.

use datafusion::arrow::array::RecordBatch;
use serde_json::Value;

use crate::results;

/// More columns than these are compared in the order they stand.
const MOST_PERMUTED: usize = 7;
/// Doubles differ in their last digits by the order in which they were added.
const TOLERANCE: f64 = 1e-9;

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
}

/// Whether the rows are the same, as a set or in their order.
pub(crate) fn same(a: &RecordBatch, b: &RecordBatch, ordered: bool) -> bool {
    a.num_columns() == b.num_columns() && holds(a, b, ordered)
}

/// Whether the rows of `b`, perhaps with further columns, are those of `a`.
pub(crate) fn holds(a: &RecordBatch, b: &RecordBatch, ordered: bool) -> bool {
    if a.num_rows() != b.num_rows() || a.num_columns() > b.num_columns() {
        return false;
    }
    let (a, b) = (columns(a), columns(b));
    if b.len() > MOST_PERMUTED {
        let order: Vec<usize> = (0..a.len()).collect();
        return same_rows(&a, &b, &order, ordered);
    }
    let sorted = |columns: &[Vec<Cell>]| -> Vec<Vec<Cell>> {
        columns.iter().map(|column| sorted(column.clone())).collect()
    };
    let (sorted_a, sorted_b) = (sorted(&a), sorted(&b));
    let fits = |i: usize, j: usize| alike(&sorted_a[i], &sorted_b[j]);
    let mut order = Vec::new();
    matched((a.len(), b.len()), &fits, &mut order, &|order: &[usize]| {
        same_rows(&a, &b, order, ordered)
    })
}

/// Tries every way to put the columns of one beside those of the other.
fn matched(
    (n, of): (usize, usize),
    fits: &impl Fn(usize, usize) -> bool,
    order: &mut Vec<usize>,
    whole: &impl Fn(&[usize]) -> bool,
) -> bool {
    if order.len() == n {
        return whole(order);
    }
    for j in 0..of {
        if order.contains(&j) || !fits(order.len(), j) {
            continue;
        }
        order.push(j);
        if matched((n, of), fits, order, whole) {
            return true;
        }
        order.pop();
    }
    false
}

fn columns(rows: &RecordBatch) -> Vec<Vec<Cell>> {
    let fields = rows.schema();
    let json = results::json_rows(rows);
    let column = |field: &datafusion::arrow::datatypes::FieldRef| {
        let numeric = field.data_type().is_numeric();
        let cell = |row: &crate::contract::types::Row| {
            cell(row.get(field.name()).unwrap_or(&Value::Null), numeric)
        };
        json.iter().map(cell).collect()
    };
    fields.fields().iter().map(column).collect()
}

fn cell(value: &Value, numeric: bool) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Bool(*flag),
        Value::Number(number) => Cell::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => match text.parse() {
            Ok(number) if numeric => Cell::Number(number),
            _ => Cell::Text(text.clone()),
        },
        other => Cell::Text(other.to_string()),
    }
}

fn key(cell: &Cell) -> (u8, String) {
    match cell {
        Cell::Null => (0, String::new()),
        Cell::Bool(flag) => (1, flag.to_string()),
        // As many digits as surely agree.
        Cell::Number(number) => (2, format!("{number:.6e}")),
        Cell::Text(text) => (3, text.clone()),
    }
}

fn sorted(mut cells: Vec<Cell>) -> Vec<Cell> {
    cells.sort_by_cached_key(key);
    cells
}

fn alike(a: &[Cell], b: &[Cell]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
}

fn equal(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Number(a), Cell::Number(b)) => {
            a == b
                || a.is_nan() && b.is_nan()
                || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1e-300)
        }
        _ => a == b,
    }
}

fn same_rows(a: &[Vec<Cell>], b: &[Vec<Cell>], order: &[usize], ordered: bool) -> bool {
    let rows = |columns: &[Vec<Cell>], order: &mut dyn Iterator<Item = usize>| {
        let order: Vec<usize> = order.collect();
        let count = columns.first().map_or(0, Vec::len);
        let row = |i: usize| order.iter().map(|j| columns[*j][i].clone()).collect::<Vec<Cell>>();
        let mut rows: Vec<Vec<Cell>> = (0..count).map(row).collect();
        if !ordered {
            rows.sort_by_cached_key(|row| row.iter().map(key).collect::<Vec<_>>());
        }
        rows
    };
    let a = rows(a, &mut (0..order.len()));
    let b = rows(b, &mut order.iter().copied());
    a.iter().zip(&b).all(|(a, b)| alike(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
    use std::sync::Arc;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn names_and_places_of_columns_and_places_of_rows_do_not_matter() {
        let a = batch(vec![
            ("origin", Arc::new(StringArray::from(vec![Some("JFK"), None])) as ArrayRef),
            ("flights", Arc::new(Int64Array::from(vec![2, 1]))),
        ]);
        let b = batch(vec![
            ("n", Arc::new(Float64Array::from(vec![1.0, 2.0 + 1e-12])) as ArrayRef),
            ("from", Arc::new(StringArray::from(vec![None, Some("JFK")]))),
        ]);
        assert!(same(&a, &b, false));
        assert!(!same(&a, &b, true));
        let crossed = batch(vec![
            ("n", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
            ("from", Arc::new(StringArray::from(vec![Some("JFK"), None]))),
        ]);
        assert!(!same(&a, &crossed, false), "columns alone fit, rows do not");
        let more = batch(vec![
            ("rank", Arc::new(Int64Array::from(vec![7, 8])) as ArrayRef),
            ("n", Arc::new(Int64Array::from(vec![2, 1]))),
            ("from", Arc::new(StringArray::from(vec![Some("JFK"), None]))),
        ]);
        assert!(holds(&a, &more, true) && !same(&a, &more, false) && !holds(&more, &a, false));
    }
}
