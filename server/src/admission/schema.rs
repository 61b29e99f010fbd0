//! The contract's schemas, compiled once, and their errors in the contract's words.
//!
//! In: a schema's name and a value. Out: everything that does not fit, by pointer. Values are
//! never repeated in a text: one may be a secret.

use std::collections::BTreeMap;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Value, json};

use crate::contract::routes::{ROUTES, SCHEMAS};
use crate::contract::types::{FieldError, FieldErrorCode};
use crate::problem::field_error;

/// More errors than this help nobody.
const MAX_ERRORS: usize = 50;

pub(crate) struct Schemas {
    document: Value,
    validators: BTreeMap<&'static str, Validator>,
}

/// The contract's schemas cannot be compiled: a fault of the build.
#[derive(Debug, thiserror::Error)]
#[error("the contract's schema {name}: {reason}")]
pub(crate) struct SchemaFault {
    name: String,
    reason: String,
}

impl Schemas {
    pub(crate) fn compile() -> Result<Self, SchemaFault> {
        let fault = |name: &str, reason: String| SchemaFault { name: name.to_owned(), reason };
        let document: Value =
            serde_json::from_str(SCHEMAS).map_err(|e| fault("document", e.to_string()))?;
        let bodies = ROUTES.iter().filter_map(|r| Some(r.body?.schema));
        let names = bodies.chain(ROUTES.iter().filter_map(|r| r.query));
        let mut validators = BTreeMap::new();
        for name in names {
            let mut whole = document.clone();
            whole["$ref"] = json!(format!("#/components/schemas/{name}"));
            let validator = validator(&whole).map_err(|e| fault(name, e.to_string()))?;
            validators.insert(name, validator);
        }
        Ok(Self { document, validators })
    }

    /// What of `value` does not fit.
    pub(crate) fn errors(&self, schema: &str, value: &Value) -> Vec<FieldError> {
        match self.validators.get(schema) {
            Some(validator) => errors(validator, value, &|pointer| self.members(schema, pointer)),
            None => Vec::new(),
        }
    }

    /// A query parameter's text as the type its schema has.
    pub(crate) fn typed(&self, schema: &str, name: &str, text: &str) -> Value {
        let property = &self.document["components"]["schemas"][schema]["properties"][name];
        let number = || text.parse::<i64>().ok().filter(|n| n.to_string() == text);
        match property["type"].as_str() {
            Some("integer") => number().map_or_else(|| json!(text), |n| json!(n)),
            Some("boolean") if text == "true" || text == "false" => json!(text == "true"),
            _ if property["$ref"] == "#/components/schemas/VersionNumber" => {
                number().map_or_else(|| json!(text), |n| json!(n))
            }
            _ => json!(text),
        }
    }

    /// Whether a query has names beside those that are listed, and this is one.
    pub(crate) fn takes_any(&self, schema: &str, name: &str) -> bool {
        let query = &self.document["components"]["schemas"][schema];
        query["additionalProperties"] == true && query["properties"].get(name).is_none()
    }

    /// The members that the schema knows at a pointer, as far as a plain walk finds them.
    fn members(&self, schema: &str, pointer: &str) -> Vec<String> {
        let schemas = &self.document["components"]["schemas"];
        let resolve = |node: &'_ Value| -> Value {
            match node["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
                Some(name) => schemas[name].clone(),
                None => node.clone(),
            }
        };
        let mut node = schemas[schema].clone();
        for step in pointer.split('/').skip(1) {
            let next = match node["properties"].get(step) {
                Some(next) => next.clone(),
                None if node["items"].is_object() => node["items"].clone(),
                None => node["additionalProperties"].clone(),
            };
            node = resolve(&next);
        }
        let properties = node["properties"].as_object();
        properties.map(|p| p.keys().cloned().collect()).unwrap_or_default()
    }
}

/// A validator of draft 2020-12 that checks formats and fetches nothing.
pub(crate) fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).build(schema)
}

/// Everything of `value` that does not fit; `members` tells the known names at a pointer.
pub(crate) fn errors(
    validator: &Validator,
    value: &Value,
    members: &dyn Fn(&str) -> Vec<String>,
) -> Vec<FieldError> {
    let mut found = Vec::new();
    for error in validator.iter_errors(value).take(MAX_ERRORS) {
        let at = error.instance_path().to_string();
        match error.kind() {
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                found.extend(unexpected.iter().map(|name| unknown(&at, name, &members(&at))));
            }
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let detail = format!("The member {name} is missing.");
                let pointer = format!("{at}/{}", escape(name));
                found.push(field_error(pointer, FieldErrorCode::MissingField, detail));
            }
            kind => {
                let (code, detail) = told(kind, error.instance());
                found.push(field_error(at, code, detail));
            }
        }
    }
    found
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unknown(at: &str, name: &str, known: &[String]) -> FieldError {
    let nearest = air_ir::nearest(name, known.iter().map(String::as_str));
    let shown: String = name.chars().take(80).collect();
    FieldError {
        nearest: (!nearest.is_empty()).then_some(nearest),
        ..field_error(
            format!("{at}/{}", escape(name)),
            FieldErrorCode::UnknownField,
            format!("There is no member {shown}."),
        )
    }
}

fn told(kind: &Kind, instance: &Value) -> (FieldErrorCode, String) {
    use FieldErrorCode::{BadType, BadValue, Conflict, MissingField, TooLarge};
    match kind {
        Kind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(one) => one.to_string(),
                TypeKind::Multiple(several) => {
                    let words: Vec<String> = several.iter().map(|t| t.to_string()).collect();
                    words.join(" or ")
                }
            };
            (BadType, format!("A value of type {wanted} is wanted, not {}.", type_of(instance)))
        }
        Kind::Enum { options } => (BadValue, format!("One of {options} is wanted.")),
        Kind::Constant { expected_value } => (BadValue, format!("Only {expected_value} is taken.")),
        Kind::Format { format } => (BadValue, format!("This is no {format}.")),
        Kind::Pattern { pattern } => (BadValue, format!("This does not match {pattern}.")),
        Kind::Minimum { limit } => (BadValue, format!("This is below {limit}.")),
        Kind::Maximum { limit } => (BadValue, format!("This is above {limit}.")),
        Kind::ExclusiveMinimum { limit } => (BadValue, format!("This must be above {limit}.")),
        Kind::ExclusiveMaximum { limit } => (BadValue, format!("This must be below {limit}.")),
        Kind::MinLength { limit } => {
            (BadValue, format!("This is shorter than {limit} characters."))
        }
        Kind::MaxLength { limit } => (TooLarge, format!("This is longer than {limit} characters.")),
        Kind::MinItems { limit } => (BadValue, format!("There must be at least {limit} items.")),
        Kind::MaxItems { limit } => (TooLarge, format!("There may be at most {limit} items.")),
        Kind::MinProperties { limit } => {
            (BadValue, format!("There must be at least {limit} members."))
        }
        Kind::MaxProperties { limit } => {
            (TooLarge, format!("There may be at most {limit} members."))
        }
        Kind::UniqueItems => (BadValue, "No item may be there twice.".to_owned()),
        Kind::OneOfMultipleValid { .. } => {
            (Conflict, "Members that exclude each other are given together.".to_owned())
        }
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } => match alternatives(context) {
            Some(names) => (MissingField, format!("One of these members is wanted: {names}.")),
            None => (BadValue, "This fits none of the forms that are taken.".to_owned()),
        },
        _ => (BadValue, "This does not fit the schema.".to_owned()),
    }
}

/// The members that the alternatives of a schema want, where that is all that fails.
fn alternatives(context: &[Vec<ValidationError<'static>>]) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for error in context.iter().flatten() {
        match error.kind() {
            Kind::Required { property } => names.push(property.as_str()?.to_owned()),
            _ => return None,
        }
    }
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
