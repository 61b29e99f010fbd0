//! An IR of fixed values becomes one of parameters.
//!
//! In: the IR of an answer, and the parameters that somebody wants. Out: a report's definition in
//! which each parameter is the value of a filter, with the JSON Schema that types it; or everything
//! that is wrong with the parameters, each by its place. Deliberately absent: catalogs. Whether a
//! type fits its column is told by planning.

use std::collections::BTreeSet;

use air_ir::{Op, nearest};
use serde_json::{Map, Value, json};

use crate::contract::types::{
    EndpointParam, EndpointParamType as Kind, FieldError, FieldErrorCode, Ir, Params,
    ReportDefinition, ReportParams,
};
use crate::endpoints::RESERVED;
use crate::problem::field_error;

/// Values that a parameter of many takes.
const MOST_VALUES: u32 = 1_000;
/// Operators that a single parameter can be the value of.
const OPS: [Op; 15] = [
    Op::Eq,
    Op::Ne,
    Op::Gt,
    Op::Ge,
    Op::Lt,
    Op::Le,
    Op::In,
    Op::NotIn,
    Op::Contains,
    Op::StartsWith,
    Op::EndsWith,
    Op::Ieq,
    Op::Icontains,
    Op::IstartsWith,
    Op::During,
];

/// An IR with parameters.
#[derive(Debug, Clone)]
pub(super) struct Parametrised {
    pub(super) definition: ReportDefinition,
    /// The filter of each parameter, by its place in the IR's list.
    pub(super) places: Vec<usize>,
}

/// The definition in which `params` are the values of filters of `ir`.
pub(super) fn parametrised(
    mut ir: Ir,
    params: &[EndpointParam],
    notes: Option<String>,
) -> Result<Parametrised, Vec<FieldError>> {
    let mut filters = match ir.remove("filters") {
        Some(Value::Array(filters)) => filters,
        Some(one) if !one.is_null() => vec![one],
        _ => Vec::new(),
    };
    let (mut places, mut errors) = (Vec::new(), names(params));
    for (at, param) in params.iter().enumerate() {
        match place(&mut filters, &places, param) {
            Ok(place) => places.push(place),
            Err((member, code, detail)) => {
                // A place that nothing else takes, so that the others are told as well.
                places.push(usize::MAX);
                errors.push(field_error(format!("/params/{at}/{member}"), code, detail));
            }
        }
        errors.extend(misfits(at, param));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if !filters.is_empty() {
        ir.insert("filters".to_owned(), Value::Array(filters));
    }
    let params = (!params.is_empty()).then(|| report_params(params));
    let version = "1".to_owned();
    let (ir, sql, visuals) = (Some(ir), None, None);
    let definition = ReportDefinition { version, ir, sql, params, visuals, notes };
    Ok(Parametrised { definition, places })
}

fn names(params: &[EndpointParam]) -> Vec<FieldError> {
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for (at, param) in params.iter().enumerate() {
        let (name, pointer) = (&param.name, format!("/params/{at}/name"));
        if RESERVED.contains(&name.as_str()) {
            let detail = format!("{name} is the service's own; take another name.");
            errors.push(field_error(pointer, FieldErrorCode::BadValue, detail));
        } else if !seen.insert(name) {
            let detail = format!("There are two parameters {name}.");
            errors.push(field_error(pointer, FieldErrorCode::DuplicateName, detail));
        }
    }
    errors
}

type Misplaced = (&'static str, FieldErrorCode, String);

/// Puts a parameter into the filter it is for, or into a new one; gives the filter's place.
fn place(
    filters: &mut Vec<Value>,
    taken: &[usize],
    param: &EndpointParam,
) -> Result<usize, Misplaced> {
    let wanted = param.op.as_deref().map(known).transpose()?;
    let field = param.field.as_deref().unwrap_or(&param.name);
    let about = |filter: &Value| {
        let named = filter["field"].as_str().is_some_and(|name| is_same(name, field));
        let op = filter["op"].as_str().unwrap_or_default();
        named && wanted.is_none_or(|wanted| op == wanted || widened(op, param) == wanted)
    };
    let found: Vec<usize> = filters
        .iter()
        .enumerate()
        .filter(|(at, filter)| !taken.contains(at) && about(filter))
        .map(|(at, _)| at)
        .collect();
    let value = json!(format!("{{{{{}}}}}", param.name));
    match found[..] {
        [] => {
            let op = wanted.unwrap_or_else(|| widened("=", param));
            filters.push(json!({"field": field, "op": op, "value": value}));
            Ok(filters.len() - 1)
        }
        [at] => {
            let there = filters[at]["op"].as_str().unwrap_or_default();
            let op = wanted.unwrap_or_else(|| widened(there, param)).to_owned();
            known(&op).map_err(|_| {
                let detail = format!(
                    "The filter on {field} is by {op}, which no single value can be put into; \
                     say another op."
                );
                ("op", FieldErrorCode::Conflict, detail)
            })?;
            filters[at]["op"] = json!(op);
            filters[at]["value"] = value;
            Ok(at)
        }
        _ => {
            let ops: Vec<&str> =
                found.iter().filter_map(|at| filters[*at]["op"].as_str()).collect();
            let detail = format!(
                "There are several filters on {field} ({}); say which by op.",
                ops.join(", ")
            );
            Err(("op", FieldErrorCode::Conflict, detail))
        }
    }
}

/// Whether two names are of one field, as far as both say.
fn is_same(one: &str, other: &str) -> bool {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    one == other || (!(one.contains('.') && other.contains('.')) && last(one) == last(other))
}

/// The operator for as many values as a parameter has.
fn widened<'o>(op: &'o str, param: &EndpointParam) -> &'o str {
    let many = param.many.unwrap_or(false);
    match op {
        _ if param.r#type == Kind::Period => "during",
        "=" if many => "in",
        "!=" if many => "not_in",
        "in" if !many => "=",
        "not_in" if !many => "!=",
        op => op,
    }
}

fn known(op: &str) -> Result<&str, Misplaced> {
    let words = || OPS.iter().map(|op| op.as_str());
    if words().any(|word| word == op) {
        return Ok(op);
    }
    let near = nearest(op, words());
    let meant = match near.first() {
        Some(near) => format!("; {near} is near"),
        None => format!("; there are {}", words().collect::<Vec<_>>().join(" ")),
    };
    let detail = format!("A parameter cannot be put into the operator {op}{meant}.");
    Err(("op", FieldErrorCode::BadValue, detail))
}

/// What of a parameter's own values does not fit its type.
fn misfits(at: usize, param: &EndpointParam) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut wrong = |member: String, code, detail: String| {
        errors.push(field_error(format!("/params/{at}/{member}"), code, detail));
    };
    let (kind, many) = (param.r#type, param.many.unwrap_or(false));
    if many && kind == Kind::Period {
        wrong("many".into(), FieldErrorCode::Conflict, "A period is one.".into());
    }
    let takes_many = matches!(param.op.as_deref(), None | Some("in" | "not_in"));
    if many && !takes_many {
        let detail = "Many values go into in or not_in.".to_owned();
        wrong("op".into(), FieldErrorCode::Conflict, detail);
    }
    let detail = || format!("This is no {}.", kind.as_str());
    for (i, value) in param.allowed.iter().flatten().enumerate() {
        if !fits(kind, value) {
            wrong(format!("allowed/{i}"), FieldErrorCode::BadType, detail());
        }
    }
    let allowed = |value: &Value| param.allowed.as_ref().is_none_or(|all| all.contains(value));
    let fit = |value: &Value| fits(kind, value) && allowed(value);
    let default = match (&param.default, many) {
        (None, _) => true,
        (Some(Value::Array(values)), true) => !values.is_empty() && values.iter().all(fit),
        (Some(_), true) => false,
        (Some(value), false) => fit(value),
    };
    if !default {
        let of = if many { "a list of values that are taken" } else { "a value that is taken" };
        let detail = format!("The default is {of}, each of type {}.", kind.as_str());
        wrong("default".into(), FieldErrorCode::BadValue, detail);
    }
    errors
}

/// Whether a value is of a type, as JSON has it.
fn fits(kind: Kind, value: &Value) -> bool {
    let text = value.as_str();
    match kind {
        Kind::Text => value.is_string(),
        Kind::Integer => value.is_i64(),
        Kind::Number => value.is_number(),
        Kind::Boolean => value.is_boolean(),
        Kind::Date => text.is_some_and(|t| t.len() == 10 && t.parse::<jiff::civil::Date>().is_ok()),
        Kind::Timestamp => text.is_some_and(|t| {
            t.parse::<jiff::Timestamp>().is_ok() || t.parse::<jiff::civil::DateTime>().is_ok()
        }),
        Kind::Period => text.is_some_and(|t| air_ir::Period::parse(t).is_ok()),
    }
}

fn report_params(params: &[EndpointParam]) -> ReportParams {
    let properties: Map<String, Value> =
        params.iter().map(|param| (param.name.clone(), schema(param))).collect();
    let required: Vec<&String> =
        params.iter().filter(|p| p.required == Some(true)).map(|p| &p.name).collect();
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    });
    let default = |p: &EndpointParam| Some((p.name.clone(), p.default.clone()?));
    let defaults: Params = params.iter().filter_map(default).collect();
    ReportParams {
        exposed: None,
        schema: schema.as_object().cloned().unwrap_or_default(),
        defaults: (!defaults.is_empty()).then_some(defaults),
    }
}

/// The JSON Schema of a parameter's value.
pub(crate) fn schema(param: &EndpointParam) -> Value {
    let mut one = match param.r#type {
        Kind::Text => json!({"type": "string", "maxLength": 10_000}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Timestamp => json!({"type": "string", "minLength": 10, "maxLength": 40}),
        Kind::Period => json!({"type": "string", "minLength": 1, "maxLength": 100}),
    };
    if let Some(allowed) = &param.allowed {
        one["enum"] = json!(allowed);
    }
    let mut whole = match param.many.unwrap_or(false) {
        true => json!({"type": "array", "items": one, "minItems": 1, "maxItems": MOST_VALUES}),
        false => one,
    };
    if let Some(description) = &param.description {
        whole["description"] = json!(description);
    }
    whole
}

/// A value of the type, to plan with.
pub(super) fn sample(param: &EndpointParam) -> Value {
    if let Some(default) = &param.default {
        return default.clone();
    }
    let allowed = param.allowed.as_ref().and_then(|allowed| allowed.first().cloned());
    let one = allowed.unwrap_or_else(|| match param.r#type {
        Kind::Text => json!("x"),
        Kind::Integer | Kind::Number => json!(1),
        Kind::Boolean => json!(true),
        Kind::Date => json!("2024-01-01"),
        Kind::Timestamp => json!("2024-01-01T00:00:00Z"),
        Kind::Period => json!("2024"),
    });
    if param.many.unwrap_or(false) { json!([one]) } else { one }
}

#[cfg(test)]
mod tests;
