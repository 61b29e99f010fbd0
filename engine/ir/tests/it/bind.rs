//! Parameters become values, and filters on optional ones fall away.

use air_ir::{Bindings, Code, Ir};
use serde_json::{Value, json};

fn bound(filters: &Value, values: &Value, optional: &[&str]) -> Result<Value, Vec<Code>> {
    let ir = json!({"entities": ["t"], "dimensions": ["a"], "filters": filters});
    let bindings = Bindings {
        values: values.as_object().unwrap().clone().into_iter().collect(),
        optional: optional.iter().map(|s| (*s).to_owned()).collect(),
    };
    match Ir::parse(&ir).unwrap().bind(&bindings) {
        Ok(ir) => Ok(ir.to_json().get("filters").cloned().unwrap_or(json!([]))),
        Err(errors) => Err(errors.iter().map(|e| e.code).collect()),
    }
}

#[test]
fn values_take_the_place_of_parameters() {
    let filters = json!([
        {"field": "a", "op": ">=", "value": "{{from}}"},
        {"field": "b", "op": "in", "value": "{{list}}"},
        {"field": "c", "op": "in", "value": ["x", "{{one}}"]},
        {"field": "d", "op": "during", "value": "{{period}}"},
    ]);
    let values =
        json!({"from": "2024-01-01", "list": [1, 2], "one": "{{from}}", "period": "2024-Q1"});
    assert_eq!(
        bound(&filters, &values, &[]),
        Ok(json!([
            {"field": "a", "op": ">=", "value": "2024-01-01"},
            {"field": "b", "op": "in", "value": [1, 2]},
            {"field": "c", "op": "in", "value": ["x", "{{from}}"]},
            {"field": "d", "op": "during", "value": "2024-Q1"},
        ]))
    );
}

#[test]
fn the_smallest_filter_of_an_optional_one_falls_away() {
    let filters = json!([
        {"any": [{"field": "a", "op": "=", "value": "{{x}}"}, {"field": "b", "op": "=", "value": 1}]},
        {"any": [{"field": "a", "op": "=", "value": "{{x}}"}]},
        {"not": {"field": "a", "op": "=", "value": "{{x}}"}},
        {"field": "a", "op": "in", "value": ["{{x}}", "k"]},
        {"field": "a", "op": "between", "value": [1, "{{x}}"]},
    ]);
    let left = json!([
        {"any": [{"field": "b", "op": "=", "value": 1}]},
        {"field": "a", "op": "in", "value": ["k"]},
    ]);
    assert_eq!(bound(&filters, &json!({}), &["x"]), Ok(left.clone()));
    assert_eq!(bound(&filters, &json!({"x": null}), &["x"]), Ok(left));
}

#[test]
fn an_empty_list_was_given() {
    let filters = json!([{"field": "a", "op": "in", "value": "{{x}}"}]);
    assert_eq!(
        bound(&filters, &json!({"x": []}), &["x"]),
        Ok(json!([{"field": "a", "op": "in", "value": []}]))
    );
}

#[test]
fn what_is_missing_unknown_or_does_not_fit_is_an_error() {
    let filters = json!([
        {"field": "a", "op": "=", "value": "{{x}}"},
        {"field": "b", "op": "=", "value": "{{y}}"},
        {"field": "c", "op": "during", "value": "{{z}}"},
    ]);
    let values = json!({"y": [1], "z": "whenever", "w": 1});
    assert_eq!(
        bound(&filters, &values, &[]),
        Err(vec![
            Code::MissingParameter,
            Code::TypeMismatch,
            Code::BadPeriod,
            Code::UnknownParameter
        ])
    );
}

#[test]
fn text_that_only_contains_braces_is_text() {
    let filters = json!([{"field": "a", "op": "=", "value": "a{{x}}"}, {"field": "b", "op": "=", "value": "{{}}"}]);
    assert_eq!(bound(&filters, &json!({}), &[]), Ok(filters));
}
