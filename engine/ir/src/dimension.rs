//! Dimensions: what rows are grouped by.

use crate::expr::{Expr, Grammar};
use crate::metric::Input;
use crate::read::{Errors, Object, checked_name, kind};
use crate::{Code, Grain, Part, Pointer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value};

/// A group key: a field, a bucket or part of a time, bins of a number, or a row value.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Name of the output column.
    pub name: String,
    pub input: Input,
    pub shape: Shape,
    /// Written as a bare string. Only such a dimension may be a unit of time without a field.
    pub bare: bool,
}

/// What is made of a dimension's input.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Plain,
    Bucket(Grain),
    Part(Part),
    /// Rising bounds, as written.
    Bins(Vec<Number>),
}

impl Dimension {
    pub(crate) fn read(value: &Value, at: &Pointer, e: &mut Errors) -> Option<Self> {
        match value {
            Value::String(name) => {
                let name = checked_name(name.clone(), at, e)?;
                let input = Input::Field(name.clone());
                Some(Self { name, input, shape: Shape::Plain, bare: true })
            }
            Value::Object(_) => Self::read_full(value, at, e),
            other => {
                let detail = format!("A dimension is a name or an object, not {}.", kind(other));
                e.add(Code::BadType, at, detail);
                None
            }
        }
    }

    fn read_full(value: &Value, at: &Pointer, e: &mut Errors) -> Option<Self> {
        let known = ["name", "field", "value", "grain", "part", "bins"];
        let object = Object::open(value, at, &known, e)?;
        let name = object.need_name("name", e);
        let input = Input::read(&object, e);
        let shape = read_shape(&object, e);
        let name = name?;
        let input = match input {
            Some(input) => input,
            None if object.has("field") || object.has("value") => return None,
            None => Input::Field(name.clone()),
        };
        Some(Self { name, input, shape: shape?, bare: false })
    }
}

fn read_shape(object: &Object<'_>, e: &mut Errors) -> Option<Shape> {
    let given: Vec<&str> =
        ["grain", "part", "bins"].into_iter().filter(|key| object.has(key)).collect();
    match given[..] {
        [] => Some(Shape::Plain),
        ["grain"] => read_grain(object, "grain", e).map(Shape::Bucket),
        ["part"] => object.word("part", Part::WORDS, e).map(Shape::Part),
        ["bins"] => read_bins(object, e).map(Shape::Bins),
        _ => {
            let detail = format!("A dimension has only one of {}.", given.join(", "));
            e.add(Code::Conflict, &object.at, detail);
            None
        }
    }
}

pub(crate) fn read_grain(object: &Object<'_>, key: &str, e: &mut Errors) -> Option<Grain> {
    let text = object.text(key, e)?;
    let grain = Grain::parse(&text);
    if grain.is_none() {
        let detail = format!(
            "\"{text}\" is no grain; write a count and a unit, such as \"1 month\" or \"15 minutes\"."
        );
        e.add(Code::BadValue, &object.at(key), detail);
    }
    grain
}

fn read_bins(object: &Object<'_>, e: &mut Errors) -> Option<Vec<Number>> {
    let at = object.at("bins");
    let bounds: Vec<Number> = object
        .list("bins", e)
        .iter()
        .enumerate()
        .filter_map(|(i, v)| match v {
            Value::Number(n) => Some(n.clone()),
            other => {
                let detail = format!("A bound is a number, not {}.", kind(other));
                e.add(Code::BadType, &at.index(i), detail);
                None
            }
        })
        .collect();
    let values: Vec<f64> = bounds.iter().filter_map(Number::as_f64).collect();
    if values.is_empty() || !values.windows(2).all(|w| w[0] < w[1]) {
        e.add(Code::BadValue, &at, "Bins need one or more bounds, each above the one before.");
        return None;
    }
    Some(bounds)
}

impl Serialize for Dimension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.bare {
            return serializer.serialize_str(&self.name);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        match &self.input {
            Input::Field(field) => map.serialize_entry("field", field)?,
            Input::Value(expr) => map.serialize_entry("value", expr.text())?,
        }
        match &self.shape {
            Shape::Plain => {}
            Shape::Bucket(grain) => map.serialize_entry("grain", grain)?,
            Shape::Part(part) => map.serialize_entry("part", part)?,
            Shape::Bins(bounds) => map.serialize_entry("bins", bounds)?,
        }
        map.end()
    }
}

/// Reads an expression over a row's fields, with its errors placed in the document.
pub(crate) fn read_expr(
    object: &Object<'_>,
    key: &str,
    grammar: Grammar,
    e: &mut Errors,
) -> Option<Expr> {
    let text = object.text(key, e)?;
    match Expr::parse(&text, grammar) {
        Ok(expr) => Some(expr),
        Err(bad) => {
            e.add(Code::BadExpression, &object.at(key), bad.to_string());
            None
        }
    }
}
