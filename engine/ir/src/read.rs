//! Reading JSON into closed types while collecting every error instead of stopping at the first.

use crate::{Code, IrError, Pointer};
use serde_json::{Map, Value};

/// Names are at most this long, in bytes (IR.md, "Limits of the IR itself").
pub(crate) const MAX_NAME: usize = 255;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors(pub(crate) Vec<IrError>);

impl Errors {
    pub(crate) fn add(&mut self, code: Code, at: &Pointer, detail: impl Into<String>) {
        self.0.push(IrError::new(code, at, detail));
    }
}

/// A JSON object being read at a known place.
pub(crate) struct Object<'v> {
    map: &'v Map<String, Value>,
    pub(crate) at: Pointer,
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn wrong(errors: &mut Errors, at: &Pointer, wanted: &str, value: &Value) {
    errors.add(Code::BadType, at, format!("Expected {wanted}, found {}.", kind(value)));
}

impl<'v> Object<'v> {
    /// `value` as an object whose members are all in `known`; members that are not are errors.
    pub(crate) fn open(
        value: &'v Value,
        at: &Pointer,
        known: &[&str],
        errors: &mut Errors,
    ) -> Option<Self> {
        let Value::Object(map) = value else {
            wrong(errors, at, "an object", value);
            return None;
        };
        for key in map.keys().filter(|k| !known.contains(&k.as_str())) {
            let detail = format!("There is no \"{key}\" here; allowed are {}.", known.join(", "));
            errors.0.push(
                IrError::new(Code::UnknownField, &at.key(key), detail)
                    .near(key, known.iter().copied()),
            );
        }
        Some(Self { map, at: at.clone() })
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(crate) fn at(&self, key: &str) -> Pointer {
        self.at.key(key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'v Value> {
        self.map.get(key)
    }

    pub(crate) fn need(&self, key: &str, errors: &mut Errors) -> Option<&'v Value> {
        let found = self.map.get(key);
        if found.is_none() {
            errors.add(Code::MissingField, &self.at, format!("\"{key}\" is missing."));
        }
        found
    }

    pub(crate) fn text(&self, key: &str, errors: &mut Errors) -> Option<String> {
        match self.get(key)? {
            Value::String(s) => Some(s.clone()),
            other => {
                wrong(errors, &self.at(key), "text", other);
                None
            }
        }
    }

    pub(crate) fn need_text(&self, key: &str, errors: &mut Errors) -> Option<String> {
        self.need(key, errors)?;
        self.text(key, errors)
    }

    /// A name that may become an identifier or an output column.
    pub(crate) fn name(&self, key: &str, errors: &mut Errors) -> Option<String> {
        let text = self.text(key, errors)?;
        checked_name(text, &self.at(key), errors)
    }

    pub(crate) fn need_name(&self, key: &str, errors: &mut Errors) -> Option<String> {
        self.need(key, errors)?;
        self.name(key, errors)
    }

    pub(crate) fn list(&self, key: &str, errors: &mut Errors) -> &'v [Value] {
        match self.get(key) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => {
                wrong(errors, &self.at(key), "a list", other);
                &[]
            }
        }
    }

    pub(crate) fn names(&self, key: &str, errors: &mut Errors) -> Vec<String> {
        let at = self.at(key);
        self.list(key, errors)
            .iter()
            .enumerate()
            .filter_map(|(i, value)| match value {
                Value::String(s) => checked_name(s.clone(), &at.index(i), errors),
                other => {
                    wrong(errors, &at.index(i), "text", other);
                    None
                }
            })
            .collect()
    }

    pub(crate) fn bool(&self, key: &str, errors: &mut Errors) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(b) => Some(*b),
            other => {
                wrong(errors, &self.at(key), "true or false", other);
                None
            }
        }
    }

    pub(crate) fn number(&self, key: &str, errors: &mut Errors) -> Option<f64> {
        let value = self.get(key)?;
        let number = value.as_f64();
        if number.is_none() {
            wrong(errors, &self.at(key), "a number", value);
        }
        number
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&self, key: &str, least: u64, errors: &mut Errors) -> Option<u64> {
        let value = self.get(key)?;
        let number = value.as_u64().filter(|n| *n >= least);
        if number.is_none() {
            let detail = format!("Expected a whole number of at least {least}, found {value}.");
            errors.add(Code::BadValue, &self.at(key), detail);
        }
        number
    }

    /// One of a closed list of words.
    pub(crate) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
        errors: &mut Errors,
    ) -> Option<T> {
        let text = self.text(key, errors)?;
        word(&text, words, &self.at(key), errors)
    }
}

/// `text` as one of `words`, or an error that lists them.
pub(crate) fn word<T: Copy>(
    text: &str,
    words: &[(&str, T)],
    at: &Pointer,
    errors: &mut Errors,
) -> Option<T> {
    let found = words.iter().find(|(w, _)| *w == text).map(|(_, t)| *t);
    if found.is_none() {
        let all: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
        let detail = format!("\"{text}\" is not one of {}.", all.join(", "));
        errors.0.push(IrError::new(Code::BadValue, at, detail).near(text, all));
    }
    found
}

pub(crate) fn checked_name(text: String, at: &Pointer, errors: &mut Errors) -> Option<String> {
    if text.is_empty() {
        errors.add(Code::BadValue, at, "A name may not be empty.");
    } else if text.len() > MAX_NAME {
        let detail = format!("A name may have {MAX_NAME} bytes; this one has {}.", text.len());
        errors.add(Code::TooLarge, at, detail);
    } else if text.chars().any(char::is_control) {
        errors.add(Code::BadValue, at, "A name may not hold control characters.");
    } else {
        return Some(text);
    }
    None
}
