//! Whether two results say the same: the values of the rows, whatever the columns are called and
//! in whatever order they stand.

use datafusion::arrow::array::RecordBatch;
use serde_json::Value;

use crate::results;

/// More columns than these are compared in the order they stand.
const MOST_PERMUTED: usize = 7;
/// Rows that are compared in all, over the ways to put columns of the same values beside each
/// other; with more ways than that the results are taken to differ.
const MOST_COMPARED: usize = 500_000;
/// Doubles differ in their last digits by the order in which they were added.
const TOLERANCE: f64 = 1e-9;

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
}

/// Whether rows say anything: none, or a single one of nothing but nulls and zeros, are the rows
/// of many a question.
pub(crate) fn tells(rows: &RecordBatch) -> bool {
    let nothing = |cell: &Cell| matches!(cell, Cell::Null | Cell::Number(0.0));
    match rows.num_rows() {
        0 => false,
        1 => !columns(rows).iter().flatten().all(nothing),
        _ => true,
    }
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
    let rows = a.num_rows();
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
    let mut left = (MOST_COMPARED / rows.max(1)).max(1);
    let whole = |order: &[usize]| same_rows(&a, &b, order, ordered);
    matched((a.len(), b.len()), &fits, &mut Vec::new(), &mut left, &whole)
}

/// Tries the ways to put the columns of one beside those of the other, as many as are left.
fn matched(
    (n, of): (usize, usize),
    fits: &impl Fn(usize, usize) -> bool,
    order: &mut Vec<usize>,
    left: &mut usize,
    whole: &impl Fn(&[usize]) -> bool,
) -> bool {
    if *left == 0 {
        return false;
    }
    if order.len() == n {
        *left -= 1;
        return whole(order);
    }
    for j in 0..of {
        if order.contains(&j) || !fits(order.len(), j) {
            continue;
        }
        order.push(j);
        if matched((n, of), fits, order, left, whole) {
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
    fn no_rows_and_a_row_of_zeros_say_nothing() {
        let of = |counts: Vec<Option<i64>>| {
            batch(vec![("n", Arc::new(Int64Array::from(counts)) as ArrayRef)])
        };
        for rows in [of(vec![]), of(vec![Some(0)]), of(vec![None])] {
            assert!(!tells(&rows), "{rows:?}");
        }
        for rows in [of(vec![Some(3)]), of(vec![Some(0), Some(0)])] {
            assert!(tells(&rows), "{rows:?}");
        }
    }

    #[test]
    fn ways_to_put_columns_beside_each_other_are_tried_as_long_as_some_are_left() {
        let tried = |most: usize, right: &[usize]| {
            let count = std::cell::Cell::new(0);
            let whole = |order: &[usize]| {
                count.set(count.get() + 1);
                order == right
            };
            let mut left = most;
            let found = matched((7, 7), &|_, _| true, &mut Vec::new(), &mut left, &whole);
            (found, count.get())
        };
        assert_eq!(tried(50, &[6, 5, 4, 3, 2, 1, 0]), (false, 50), "5040 ways in all");
        assert_eq!(tried(50, &[0, 1, 2, 3, 4, 6, 5]), (true, 2));
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
