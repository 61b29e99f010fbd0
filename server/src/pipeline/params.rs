//! The values of a report's parameters: given, defaulted, checked, and ready to be bound.
//!
//! In: a definition and what the caller gave. Out: bindings, or one problem that lists all that
//! is wrong. A parameter that is null, or not given and without default, is not there; its filter
//! falls away unless the schema wants it.

use std::collections::BTreeSet;

use air_ir::{Bindings, Ir, nearest};
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value};

use crate::admission::schema;
use crate::contract::types::{FieldError, FieldErrorCode, Params, ReportDefinition, ReportParams};
use crate::problem::{ApiError, field_error};

/// The names a schema declares.
pub(crate) fn declared(params: Option<&ReportParams>) -> Vec<String> {
    let properties = params.and_then(|p| p.schema.get("properties")?.as_object().cloned());
    properties.map(|p| p.keys().cloned().collect()).unwrap_or_default()
}

/// The names a schema wants.
fn required(params: Option<&ReportParams>) -> BTreeSet<String> {
    let names = params.and_then(|p| p.schema.get("required")?.as_array().cloned());
    let names = names.unwrap_or_default();
    names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// The bindings of a run, and the parameters as its record shows them.
pub(crate) fn bindings(
    definition: &ReportDefinition,
    used: &BTreeSet<String>,
    given: &Params,
) -> Result<(Bindings, Params), ApiError> {
    let params = definition.params.as_ref();
    let known = declared(params);
    let mut errors: Vec<FieldError> =
        given.keys().filter_map(|name| refused_name(params, &known, name)).collect();
    let values = values(params, &known, given);
    errors.extend(misfits(params, &values)?);
    if !errors.is_empty() {
        return Err(ApiError::invalid(errors));
    }
    let required = required(params);
    Ok((
        Bindings {
            values: values
                .iter()
                .filter(|(name, _)| used.contains(*name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            optional: known.into_iter().filter(|name| !required.contains(name)).collect(),
        },
        values,
    ))
}

/// A name that the report does not have, or does not let its callers set.
fn refused_name(params: Option<&ReportParams>, known: &[String], name: &str) -> Option<FieldError> {
    let exposed = params.and_then(|p| p.exposed.as_ref()).map_or(known, Vec::as_slice);
    if exposed.iter().any(|exposed| exposed == name) {
        return None;
    }
    let detail = match known.iter().any(|known| known == name) {
        true => format!("The parameter {name} is set by the report and not exposed."),
        false => format!("The report has no parameter {name}."),
    };
    let near = nearest(name, exposed.iter().map(String::as_str));
    Some(FieldError {
        nearest: (!near.is_empty()).then_some(near),
        ..field_error(format!("/params/{name}"), FieldErrorCode::UnknownParameter, detail)
    })
}

/// Defaults, and over them what was given; nulls are not there.
fn values(params: Option<&ReportParams>, known: &[String], given: &Params) -> Params {
    let mut values = params.and_then(|p| p.defaults.clone()).unwrap_or_default();
    for (name, value) in given.iter().filter(|(name, _)| known.contains(name)) {
        values.insert(name.clone(), value.clone());
    }
    values.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn misfits(params: Option<&ReportParams>, values: &Params) -> Result<Vec<FieldError>, ApiError> {
    let Some(params) = params else {
        return Ok(Vec::new());
    };
    let schema = Value::Object(params.schema.clone());
    let validator = schema::validator(&schema).map_err(|e| ApiError::internal(e.to_string()))?;
    let values = Value::Object(values.clone());
    let errors = schema::errors(&validator, &values, &|_| Vec::new());
    Ok(errors.into_iter().map(of_parameter).collect())
}

fn of_parameter(error: FieldError) -> FieldError {
    let name = error.pointer.trim_start_matches('/').to_owned();
    let (code, detail) = match error.code {
        FieldErrorCode::MissingField => {
            let detail = format!("The parameter {name} has no value and no default.");
            (FieldErrorCode::MissingParameter, detail)
        }
        FieldErrorCode::UnknownField => {
            let detail = format!("The report has no parameter {name}.");
            (FieldErrorCode::UnknownParameter, detail)
        }
        other => (other, error.detail),
    };
    FieldError {
        code,
        detail,
        pointer: format!("/params{}", error.pointer),
        nearest: error.nearest,
    }
}

/// What is wrong with the parameters of a definition.
pub(crate) fn check(params: Option<&ReportParams>, ir: &Ir) -> Vec<FieldError> {
    let known = declared(params);
    let mut errors = undeclared(ir, &known);
    let Some(params) = params else {
        return errors;
    };
    let schema = Value::Object(params.schema.clone());
    let at = "/def/params/schema";
    if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
        let pointer = format!("{at}{}", error.instance_path());
        let detail = "This is no JSON Schema of draft 2020-12.";
        errors.push(field_error(pointer, FieldErrorCode::BadValue, detail));
        return errors;
    }
    match schema::validator(&schema) {
        Err(_) => {
            let detail = "This schema cannot be used: a reference or pattern in it leads nowhere.";
            errors.push(field_error(at, FieldErrorCode::BadValue, detail));
        }
        Ok(validator) => {
            let defaults = Value::Object(params.defaults.clone().unwrap_or_default());
            let misfits = validator.iter_errors(&defaults).filter(|error| {
                // What has no default may still be given at each run.
                !matches!(error.kind(), Kind::Required { .. })
            });
            errors.extend(misfits.map(|error| {
                let pointer = format!("/def/params/defaults{}", error.instance_path());
                let detail = "This default does not fit its schema.";
                field_error(pointer, FieldErrorCode::BadValue, detail)
            }));
        }
    }
    errors.extend(unknown_names(params, &known));
    errors
}

fn undeclared(ir: &Ir, known: &[String]) -> Vec<FieldError> {
    let used = ir.parameters();
    let missing = used.iter().filter(|name| !known.contains(name));
    missing
        .map(|name| {
            let near = nearest(name, known.iter().map(String::as_str));
            let detail = format!("The IR uses the parameter {name}; declare it in the schema.");
            FieldError {
                nearest: (!near.is_empty()).then_some(near),
                ..field_error(
                    "/def/params/schema/properties",
                    FieldErrorCode::UnknownParameter,
                    detail,
                )
            }
        })
        .collect()
}

/// Names in `exposed` and `defaults` that the schema does not declare.
fn unknown_names(params: &ReportParams, known: &[String]) -> Vec<FieldError> {
    let exposed = params.exposed.iter().flatten().enumerate();
    let exposed = exposed.map(|(at, name)| (format!("/def/params/exposed/{at}"), name));
    let empty = Map::new();
    let defaults = params.defaults.as_ref().unwrap_or(&empty).keys();
    let defaults = defaults.map(|name| (format!("/def/params/defaults/{name}"), name));
    exposed
        .chain(defaults)
        .filter(|(_, name)| !known.contains(name))
        .map(|(pointer, name)| {
            let near = nearest(name, known.iter().map(String::as_str));
            let detail = format!("The schema declares no parameter {name}.");
            FieldError {
                nearest: (!near.is_empty()).then_some(near),
                ..field_error(pointer, FieldErrorCode::UnknownParameter, detail)
            }
        })
        .collect()
}
