//! What a caller gave in the query, as values of the parameters' types.
//!
//! In: the texts of the query. Out: the parameters of a run, or everything that is wrong at once,
//! each by its name in the query.

use serde_json::{Value, json};

use super::RESERVED;
use crate::contract::types::{
    EndpointParam, EndpointParamType as Kind, FieldError, FieldErrorCode, Params,
};
use crate::problem::{ApiError, field_error};

/// The values that a query gives.
pub(crate) fn given(params: &[EndpointParam], query: &Value) -> Result<Params, ApiError> {
    let (mut found, mut errors) = (Params::new(), Vec::new());
    let pairs = query.as_object().into_iter().flatten();
    for (name, value) in pairs.filter(|(name, _)| !RESERVED.contains(&name.as_str())) {
        let Some(param) = params.iter().find(|param| param.name == *name) else {
            errors.push(unknown(params, name));
            continue;
        };
        match of(param, value) {
            Ok(value) => drop(found.insert(name.clone(), value)),
            Err(error) => errors.push(error),
        }
    }
    match errors.is_empty() {
        true => Ok(found),
        false => Err(ApiError::invalid(errors)),
    }
}

fn unknown(params: &[EndpointParam], name: &str) -> FieldError {
    let known = || params.iter().map(|p| p.name.as_str()).chain(RESERVED);
    let near = air_ir::nearest(name, known());
    let shown: String = name.chars().take(80).collect();
    FieldError {
        nearest: (!near.is_empty()).then_some(near),
        ..field_error(
            format!("?{shown}"),
            FieldErrorCode::UnknownParameter,
            format!("The endpoint has no parameter {shown}."),
        )
    }
}

fn of(param: &EndpointParam, value: &Value) -> Result<Value, FieldError> {
    let (name, many) = (&param.name, param.many.unwrap_or(false));
    let texts: Vec<&str> = match value {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if texts.len() > 1 && !many {
        let detail = format!("{name} takes one value and is given {} times.", texts.len());
        return Err(field_error(format!("?{name}"), FieldErrorCode::Conflict, detail));
    }
    let values: Result<Vec<Value>, FieldError> =
        texts.iter().map(|text| one(param, text)).collect();
    let mut values = values?;
    Ok(if many { Value::Array(values) } else { values.pop().unwrap_or_default() })
}

/// A text as a value of the parameter's type.
fn one(param: &EndpointParam, text: &str) -> Result<Value, FieldError> {
    let value = match param.r#type {
        Kind::Text => Some(json!(text)),
        Kind::Integer => text.parse::<i64>().ok().map(|n| json!(n)),
        Kind::Number => number(text),
        Kind::Boolean => match text {
            "true" => Some(json!(true)),
            "false" => Some(json!(false)),
            _ => None,
        },
        Kind::Date => date(text).then(|| json!(text)),
        Kind::Timestamp => timestamp(text).then(|| json!(text)),
        Kind::Period => air_ir::Period::parse(text).is_ok().then(|| json!(text)),
    };
    let value = value.ok_or_else(|| {
        let detail = format!("{} is of type {}: {}.", param.name, param.r#type, form(param.r#type));
        field_error(format!("?{}", param.name), FieldErrorCode::BadType, detail)
    })?;
    match &param.allowed {
        Some(allowed) if !allowed.contains(&value) => {
            let taken = allowed.iter().map(shown).collect::<Vec<_>>();
            let near = air_ir::nearest(text, taken.iter().map(String::as_str));
            let most: Vec<&str> = taken.iter().take(20).map(String::as_str).collect();
            let detail = format!("{} takes one of {}.", param.name, most.join(", "));
            Err(FieldError {
                nearest: (!near.is_empty()).then_some(near),
                ..field_error(format!("?{}", param.name), FieldErrorCode::BadValue, detail)
            })
        }
        _ => Ok(value),
    }
}

/// A number that is one in JSON too, with the digits it was written with where they are whole.
fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(json!(whole));
    }
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite())?;
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    text.chars().all(plain).then(|| json!(number))
}

fn date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// An instant, or a time in the zone of the report.
fn timestamp(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok()
}

fn form(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "any text",
        Kind::Integer => "a whole number",
        Kind::Number => "a number such as 12.5",
        Kind::Boolean => "true or false",
        Kind::Date => "a day such as 2024-02-29",
        Kind::Timestamp => "an instant such as 2024-02-29T12:00:00Z",
        Kind::Period => "a period such as 2024, 2024-02 or last 7 days",
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Vec<EndpointParam> {
        serde_json::from_value(json!([
            {"name": "region", "type": "text", "allowed": ["north", "south"], "many": true},
            {"name": "least", "type": "number"},
            {"name": "count", "type": "integer"},
            {"name": "open", "type": "boolean"},
            {"name": "since", "type": "date"},
            {"name": "at", "type": "timestamp"},
            {"name": "when", "type": "period"},
        ]))
        .unwrap()
    }

    #[test]
    fn texts_become_values_of_their_types() {
        let query = json!({"region": ["north", "south"], "least": "1.5", "count": "-3",
            "open": "true", "since": "2024-02-29", "at": "2024-02-29T12:00:00Z",
            "when": "last 7 days", "format": "csv", "version": 2});
        let found = given(&params(), &query).unwrap();
        let wanted = json!({"region": ["north", "south"], "least": 1.5, "count": -3, "open": true,
            "since": "2024-02-29", "at": "2024-02-29T12:00:00Z", "when": "last 7 days"});
        assert_eq!(Value::Object(found), wanted);
        let one = given(&params(), &json!({"region": "north"})).unwrap();
        assert_eq!(one["region"], json!(["north"]));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let query = json!({"region": "nroth", "regoin": "north", "least": "NaN", "count": "1.0",
            "open": "yes", "since": "2024-02-30", "at": "noon", "when": "soon"});
        let error = given(&params(), &query).unwrap_err();
        let told: Vec<_> = error.errors.iter().map(|e| (e.pointer.as_str(), e.code)).collect();
        use FieldErrorCode::{BadType, BadValue, UnknownParameter};
        let wanted = [
            ("?region", BadValue),
            ("?regoin", UnknownParameter),
            ("?least", BadType),
            ("?count", BadType),
            ("?open", BadType),
            ("?since", BadType),
            ("?at", BadType),
            ("?when", BadType),
        ];
        for one in wanted {
            assert!(told.contains(&one), "{one:?} {told:?}");
        }
        assert_eq!(told.len(), wanted.len());
        let near = |pointer: &str| {
            error.errors.iter().find(|e| e.pointer == pointer).unwrap().nearest.clone().unwrap()
        };
        assert_eq!(near("?region")[0], "north");
        assert_eq!(near("?regoin"), ["region"]);
        let twice = given(&params(), &json!({"count": ["1", "2"]})).unwrap_err();
        assert_eq!(twice.errors[0].code, FieldErrorCode::Conflict);
    }
}
