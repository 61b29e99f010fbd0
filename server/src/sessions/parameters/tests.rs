//! Parameters in the places of values.

use super::*;

fn param(value: Value) -> EndpointParam {
    serde_json::from_value(value).unwrap()
}

/// The filters of an IR with parameters.
fn filters(filters: Value, params: &[Value]) -> Result<Value, Vec<FieldError>> {
    let ir = json!({"entities": ["sales"], "metrics": [{"name": "n", "agg": "count"}],
        "filters": filters});
    let params: Vec<EndpointParam> = params.iter().cloned().map(param).collect();
    let done = parametrised(ir.as_object().unwrap().clone(), &params, None)?;
    Ok(done.definition.ir.unwrap()["filters"].clone())
}

#[track_caller]
fn wrong(there: Value, params: &[Value], pointer: &str, code: FieldErrorCode) {
    let errors = filters(there, params).unwrap_err();
    let told: Vec<_> = errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
    assert_eq!(told, [(pointer, code)], "{errors:?}");
}

#[test]
fn a_parameter_takes_the_place_of_a_value_or_makes_a_filter() {
    let there = json!([{"field": "stores.region", "op": "=", "value": "north"},
        {"field": "sold_at", "op": ">=", "value": "2024-01-01"},
        {"field": "sold_at", "op": "<", "value": "2025-01-01"}]);
    let params = [
        json!({"name": "region", "type": "text", "many": true}),
        json!({"name": "until", "type": "date", "field": "sold_at", "op": "<"}),
        json!({"name": "least", "type": "number", "field": "amount", "op": ">="}),
    ];
    assert_eq!(
        filters(there, &params).unwrap(),
        json!([{"field": "stores.region", "op": "in", "value": "{{region}}"},
            {"field": "sold_at", "op": ">=", "value": "2024-01-01"},
            {"field": "sold_at", "op": "<", "value": "{{until}}"},
            {"field": "amount", "op": ">=", "value": "{{least}}"}])
    );
    let during = json!([{"field": "sold_at", "op": "during", "value": "2024"}]);
    let period = [json!({"name": "when", "type": "period", "field": "sold_at"})];
    let found = filters(during, &period).unwrap();
    assert_eq!(found, json!([{"field": "sold_at", "op": "during", "value": "{{when}}"}]));
    let one_of = json!([{"field": "channel", "op": "in", "value": ["web", "shop"]}]);
    let found = filters(one_of, &[json!({"name": "channel", "type": "text"})]).unwrap();
    assert_eq!(found, json!([{"field": "channel", "op": "=", "value": "{{channel}}"}]));
}

#[test]
fn what_is_wrong_with_parameters_is_told_by_its_place() {
    use FieldErrorCode::{BadType, BadValue, Conflict, DuplicateName};
    let two =
        json!([{"field": "d", "op": ">=", "value": 1}, {"field": "d", "op": "<", "value": 9}]);
    wrong(two, &[json!({"name": "d", "type": "integer"})], "/params/0/op", Conflict);
    let between = json!([{"field": "d", "op": "between", "value": [1, 2]}]);
    wrong(between, &[json!({"name": "d", "type": "integer"})], "/params/0/op", Conflict);
    let text = |more: Value| {
        let mut param = json!({"name": "a", "type": "text"});
        param.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        param
    };
    for (more, pointer, code) in [
        (json!({"op": "like"}), "/params/0/op", BadValue),
        (json!({"name": "version"}), "/params/0/name", BadValue),
        (json!({"allowed": ["x", 7]}), "/params/0/allowed/1", BadType),
        (json!({"default": 7}), "/params/0/default", BadValue),
        (json!({"default": "y", "allowed": ["x"]}), "/params/0/default", BadValue),
        (json!({"default": "x", "many": true}), "/params/0/default", BadValue),
        (json!({"many": true, "op": ">"}), "/params/0/op", Conflict),
        (json!({"type": "period", "default": "soon"}), "/params/0/default", BadValue),
        (json!({"type": "date", "default": "2024-02-30"}), "/params/0/default", BadValue),
    ] {
        wrong(json!([]), &[text(more)], pointer, code);
    }
    let twice = [text(json!({})), text(json!({"field": "b"}))];
    wrong(json!([]), &twice, "/params/1/name", DuplicateName);
}

#[test]
fn the_schema_types_what_callers_give() {
    let region = json!({"name": "region", "type": "text", "allowed": ["a", "b"], "default": "a"});
    let from = json!({"name": "since", "type": "date", "required": true, "description": "First."});
    let params = report_params(&[param(region), param(from)]);
    assert_eq!(params.schema["required"], json!(["since"]));
    assert_eq!(params.defaults.unwrap(), *json!({"region": "a"}).as_object().unwrap());
    let properties = &params.schema["properties"];
    assert_eq!(properties["region"]["enum"], json!(["a", "b"]));
    assert_eq!(
        properties["since"],
        json!({"type": "string", "format": "date", "description": "First."})
    );
}
