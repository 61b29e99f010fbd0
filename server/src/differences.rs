//! What differs between two versions of a scope, and between two IRs.
//!
//! In: two texts, or two JSON values. Out: a unified diff, or changes by JSON pointer. Absent on
//! purpose: what a difference means; the pointers are those of errors, so people know them.

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, TextDiff, capture_diff_slices};

use crate::contract::types::{IrChange, IrChangeKind};
use crate::store::canonical_json;

/// Unchanged lines around each change.
const CONTEXT: usize = 3;

/// The unified diff of two texts; empty where they are equal.
pub(crate) fn of_text(before: &str, after: &str, names: (&str, &str)) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut unified = diff.unified_diff();
    unified.context_radius(CONTEXT).header(names.0, names.1).to_string()
}

/// Every change that makes `after` of `before`. The pointer of what was removed is one into
/// `before`, of anything else one into `after`. A side that is not there is `None`.
pub(crate) fn of_json(before: Option<&Value>, after: Option<&Value>) -> Vec<IrChange> {
    let mut changes = Vec::new();
    match (before, after) {
        (Some(before), Some(after)) => values("", before, after, &mut changes),
        (Some(before), None) => changes.push(removed("", before)),
        (None, Some(after)) => changes.push(added("", after)),
        (None, None) => {}
    }
    changes
}

fn values(at: &str, before: &Value, after: &Value, changes: &mut Vec<IrChange>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => objects(at, before, after, changes),
        (Value::Array(before), Value::Array(after)) => arrays(at, before, after, changes),
        (before, after) if before == after => {}
        (before, after) => changes.push(IrChange {
            op: IrChangeKind::Replace,
            pointer: at.to_owned(),
            before: Some(before.clone()),
            after: Some(after.clone()),
        }),
    }
}

fn objects(
    at: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<IrChange>,
) {
    for (key, old) in before {
        let pointer = below(at, key);
        match after.get(key) {
            Some(new) => values(&pointer, old, new, changes),
            None => changes.push(removed(&pointer, old)),
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        changes.push(added(&below(at, key), new));
    }
}

/// Lists are compared by their longest common part, so that one item put in the middle is one
/// change and not one for each item behind it.
fn arrays(at: &str, before: &[Value], after: &[Value], changes: &mut Vec<IrChange>) {
    let texts = |items: &[Value]| items.iter().map(canonical_json).collect::<Vec<_>>();
    let (old, new) = (texts(before), texts(after));
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (old, new) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let both = old.len().min(new.len());
        for i in 0..both {
            let pointer = below(at, &(new.start + i).to_string());
            values(&pointer, &before[old.start + i], &after[new.start + i], changes);
        }
        for i in old.clone().skip(both) {
            changes.push(removed(&below(at, &i.to_string()), &before[i]));
        }
        for i in new.clone().skip(both) {
            changes.push(added(&below(at, &i.to_string()), &after[i]));
        }
    }
}

fn added(at: &str, value: &Value) -> IrChange {
    let (pointer, after) = (at.to_owned(), Some(value.clone()));
    IrChange { op: IrChangeKind::Add, pointer, before: None, after }
}

fn removed(at: &str, value: &Value) -> IrChange {
    let (pointer, before) = (at.to_owned(), Some(value.clone()));
    IrChange { op: IrChangeKind::Remove, pointer, before, after: None }
}

/// RFC 6901.
fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(before: &Value, after: &Value) -> Vec<String> {
        let one = |change: &IrChange| format!("{} {}", change.op, change.pointer);
        of_json(Some(before), Some(after)).iter().map(one).collect()
    }

    #[test]
    fn changes_are_told_by_pointer() {
        let before = json!({"entities": ["orders"], "filters": [{"field": "a", "op": "="}],
            "metrics": [{"name": "n", "agg": "count"}], "limit": 5});
        assert_eq!(told(&before, &before), Vec::<String>::new());
        let mut after = before.clone();
        after["limit"] = json!(10);
        after["metrics"][0]["agg"] = json!("sum");
        after["a/b~c"] = json!(true);
        after.as_object_mut().unwrap().remove("filters");
        assert_eq!(
            told(&before, &after),
            ["remove /filters", "replace /metrics/0/agg", "replace /limit", "add /a~1b~0c"]
        );
    }

    #[test]
    fn an_item_in_the_middle_is_one_change() {
        let list = |items: &[&str]| json!({"dimensions": items});
        let (two, three) = (list(&["a", "c"]), list(&["a", "b", "c"]));
        assert_eq!(told(&two, &three), ["add /dimensions/1"]);
        assert_eq!(told(&three, &two), ["remove /dimensions/1"]);
        assert_eq!(told(&list(&["a"]), &list(&["b"])), ["replace /dimensions/0"]);
    }

    #[test]
    fn a_side_that_is_not_there_is_one_change() {
        let ir = json!({"entities": []});
        assert_eq!(of_json(None, Some(&ir)), [added("", &ir)]);
        assert_eq!(of_json(Some(&ir), None), [removed("", &ir)]);
        assert_eq!(of_json(None, None), []);
    }

    #[test]
    fn texts_are_compared_by_lines() {
        let (old, new) = ("# Question\n\nby month\n", "# Question\n\nby week\n");
        let diff = of_text(old, new, ("version 1", "version 2"));
        assert_eq!(
            diff,
            "--- version 1\n+++ version 2\n@@ -1,3 +1,3 @@\n # Question\n \n-by month\n+by week\n"
        );
        assert_eq!(of_text(old, old, ("version 1", "version 1")), "");
    }
}
