//! Fewer rows for a model, which reads every one of them.

use serde_json::{Value, json};

/// Rows that a result holds at most.
const MOST_ROWS: usize = 200;

/// The result of a run, or an answer that holds one, with its first rows alone. What was left out
/// is told in the same members in which the service tells it.
pub(super) fn shortened(mut body: Value) -> Value {
    if body["rows"].is_array() {
        cut(&mut body);
    } else if body["result"]["rows"].is_array() {
        cut(&mut body["result"]);
    }
    body
}

fn cut(result: &mut Value) {
    let Some(rows) = result["rows"].as_array_mut() else { return };
    let all = rows.len();
    if all <= MOST_ROWS {
        return;
    }
    rows.truncate(MOST_ROWS);
    let note = format!(
        "The first {MOST_ROWS} of {all} rows; get_run_rows gives the others in pages, and a query \
         that groups or filters gives fewer."
    );
    result["row_count"] = json!(MOST_ROWS);
    result["truncated"] = json!(true);
    match result["notes"].as_array_mut() {
        Some(notes) => notes.push(json!(note)),
        None => result["notes"] = json!([note]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_result_is_cut_and_says_so() {
        let rows: Vec<Value> = (0..MOST_ROWS + 1).map(|n| json!({"n": n})).collect();
        let result = json!({"rows": rows, "row_count": MOST_ROWS + 1, "truncated": false});
        let whole = shortened(json!({"rows": [{"n": 1}], "truncated": false}));
        assert_eq!(whole, json!({"rows": [{"n": 1}], "truncated": false}));
        for cut in
            [shortened(result.clone()), shortened(json!({"result": result}))["result"].clone()]
        {
            assert_eq!(cut["rows"].as_array().unwrap().len(), MOST_ROWS);
            assert_eq!((&cut["truncated"], &cut["row_count"]), (&json!(true), &json!(MOST_ROWS)));
            assert!(cut["notes"][0].as_str().unwrap().contains("201 rows"), "{}", cut["notes"]);
        }
    }
}
