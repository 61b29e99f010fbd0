//! The published schema and the parser say the same.

use crate::every_ir;
use air_ir::{Code, IR_SCHEMA, Ir};
use serde_json::{Value, json};

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(IR_SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// What only the parser knows: names that clash, dates that are none, expressions, zones.
fn beyond_the_schema(code: Code) -> bool {
    matches!(
        code,
        Code::DuplicateName
            | Code::BadPeriod
            | Code::BadExpression
            | Code::UnknownTimezone
            | Code::Conflict
            | Code::TooLarge
    )
}

#[test]
fn schema_and_parser_agree_on_every_case() {
    let validator = validator();
    for (name, ir) in every_ir() {
        match Ir::parse(&ir) {
            Ok(parsed) => {
                assert!(validator.is_valid(&ir), "{name}: parsed, but not by the schema: {ir}");
                let canonical = parsed.to_json();
                assert!(validator.is_valid(&canonical), "{name}: {canonical}");
                assert_eq!(Ir::parse(&canonical).as_ref(), Ok(&parsed), "{name}");
            }
            Err(errors) => {
                let only_beyond = errors.iter().all(|e| beyond_the_schema(e.code));
                assert!(only_beyond || !validator.is_valid(&ir), "{name}: {errors:?}");
            }
        }
    }
}

#[test]
fn both_refuse_what_is_no_ir() {
    let validator = validator();
    for ir in [
        json!(null),
        json!([]),
        json!({}),
        json!({"entities": [], "dimensions": ["a"]}),
        json!({"entities": ["t"]}),
        json!({"entities": ["t"], "dimensions": ["a"], "distinct": true}),
        json!({"entities": ["t"], "dimensions": ["a"], "version": 1}),
        json!({"entities": ["t"], "dimensions": [{"name": "a", "fild": "b"}]}),
        json!({"entities": ["t"], "metrics": [{"name": "m", "agg": "avrage"}]}),
        json!({"entities": ["t"], "metrics": [{"name": "m"}]}),
        json!({"entities": ["t"], "metrics": [{"agg": "count"}]}),
        json!({"entities": ["t"], "dimensions": ["a"], "filters": [{"field": "a", "op": "like", "value": "x"}]}),
        json!({"entities": ["t"], "dimensions": ["a"], "filters": [{"field": "a", "op": "is_null", "value": 1}]}),
        json!({"entities": ["t"], "dimensions": ["a"], "filters": {"all": []}}),
        json!({"entities": ["t"], "dimensions": ["a"], "limit": 0}),
        json!({"entities": ["t"], "dimensions": ["a"], "offset": -1}),
        json!({"entities": ["t"], "dimensions": ["a"], "grain": "soon"}),
        json!({"entities": ["t"], "dimensions": ["a"], "order": [{"by": "a"}]}),
        json!({"entities": [{"entity": "t", "alias": "x"}], "dimensions": ["a"]}),
    ] {
        assert!(!validator.is_valid(&ir), "the schema takes {ir}");
        assert!(Ir::parse(&ir).is_err(), "the parser takes {ir}");
    }
}

#[test]
fn every_error_comes_at_once_with_its_place() {
    let ir = json!({
        "entities": ["t", "t"], "dimensions": ["a", "a", {"name": "b", "part": "decade"}],
        "metrics": [{"name": "m", "agg": "sum", "expr": "1"}, {"name": "n", "expr": "a +"}],
        "filters": [{"field": "a", "op": "during", "value": "2023-02-30"}], "ordr": [],
    });
    let errors = Ir::parse(&ir).unwrap_err();
    let places: Vec<(&str, Code)> = errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
    for expected in [
        ("/ordr", Code::UnknownField),
        ("/dimensions/2/part", Code::BadValue),
        ("/metrics/0", Code::Conflict),
        ("/metrics/1/expr", Code::BadExpression),
        ("/filters/0/value", Code::BadPeriod),
        ("/dimensions/1", Code::DuplicateName),
        ("/entities/1", Code::DuplicateName),
    ] {
        assert!(places.contains(&expected), "{expected:?} is not among {places:?}");
    }
    let nearest = &errors.iter().find(|e| e.pointer == "/ordr").unwrap().nearest;
    assert_eq!(nearest[0], "order");
}
