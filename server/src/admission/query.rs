//! The query string, held against its schema.

use serde_json::{Map, Value};

use super::schema::Schemas;
use crate::contract::routes::Route;
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::problem::{ApiError, field_error};

/// The query as an object; numbers where the schema wants numbers.
pub(super) fn read(
    schemas: &Schemas,
    route: &Route,
    query: Option<&str>,
) -> Result<Value, ApiError> {
    let text = query.unwrap_or_default();
    // Who asks without a token may carry what they like, such as a cache breaker.
    if route.min_role.is_none() {
        return Ok(Value::Object(Map::new()));
    }
    let mut pairs = Map::new();
    let mut errors = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        let typed = match route.query {
            Some(schema) => schemas.typed(schema, &name, &value),
            None => Value::String(value),
        };
        let again = route.query.is_some_and(|schema| schemas.takes_any(schema, &name));
        if let Some(values) = pairs.get_mut(&name).filter(|_| again) {
            // A name that the contract does not list may be given several times.
            match values {
                Value::Array(list) => list.push(typed),
                one => *one = Value::Array(vec![one.take(), typed]),
            }
        } else if pairs.insert(name.clone(), typed).is_some() {
            let detail = format!("{name} is given twice.");
            errors.push(field_error(format!("?{name}"), FieldErrorCode::Conflict, detail));
        }
    }
    let Some(schema) = route.query else {
        return match pairs.keys().next() {
            None => Ok(Value::Object(pairs)),
            Some(name) => {
                let detail = format!("This operation has no query parameters; {name} is given.");
                Err(ApiError::new(ErrorCode::BadRequest, detail))
            }
        };
    };
    let pairs = Value::Object(pairs);
    errors.extend(schemas.errors(schema, &pairs).into_iter().map(|mut error| {
        error.pointer = format!("?{}", error.pointer.trim_start_matches('/'));
        error.detail = error.detail.replace("member", "query parameter");
        error
    }));
    match errors.is_empty() {
        true => Ok(pairs),
        false => Err(ApiError::invalid(errors)),
    }
}

/// `application/x-www-form-urlencoded`, strictly: `+` is a space, `%` is followed by two digits.
fn decode(text: &str) -> Result<String, ApiError> {
    let bad = || {
        let detail = "The query string is not percent-encoded UTF-8.";
        ApiError::new(ErrorCode::BadRequest, detail)
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
                u8::try_from(high * 16 + low).map_err(|_| bad())?
            }
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_strictly() {
        assert_eq!(decode("a%20b+c%C3%A9").unwrap(), "a b cé");
        for wrong in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decode(wrong).unwrap_err().code.as_str(), "bad_request", "{wrong}");
        }
    }
}
