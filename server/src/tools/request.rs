//! From a function's name and arguments to the request that carries it out.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::contract::types::{ToolFunction, ToolList};

/// A request to the service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) body: Option<Value>,
}

/// Why there is no request. The text is for the model, which may do better.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum BadArguments {
    #[error("There is no function {name}.{}", meant(.nearest))]
    UnknownFunction { name: String, nearest: Vec<String> },
    #[error("{function} has no argument {name}.{}", meant(.nearest))]
    UnknownArgument { function: String, name: String, nearest: Vec<String> },
    #[error("{function} wants the argument {name}.")]
    Missing { function: String, name: String },
}

fn meant(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        names => format!(" Near it: {}.", names.join(", ")),
    }
}

/// The request behind a call. The arguments' values are the service's to check.
pub(crate) fn asked(
    list: &ToolList,
    name: &str,
    mut arguments: Map<String, Value>,
) -> Result<Asked, BadArguments> {
    let known = list.tools.iter().map(|tool| tool.function.name.as_str());
    let unknown = || BadArguments::UnknownFunction {
        name: name.to_owned(),
        nearest: air_ir::nearest(name, known.clone()),
    };
    let call = list.calls.get(name).ok_or_else(unknown)?;
    let tool = list.tools.iter().find(|tool| tool.function.name == name).ok_or_else(unknown)?;
    only_known(&tool.function, &arguments)?;
    let mut path = call.path.clone();
    for parameter in &call.path_parameters {
        let value = arguments.remove(parameter).and_then(plain).filter(|text| !text.is_empty());
        let value = value.ok_or_else(|| BadArguments::Missing {
            function: name.to_owned(),
            name: parameter.clone(),
        })?;
        path = path.replace(&format!("{{{parameter}}}"), &encoded(&value));
    }
    let mut queries = Vec::new();
    for parameter in &call.query_parameters {
        // One that takes several values is repeated.
        let values = match arguments.remove(parameter) {
            Some(Value::Array(values)) => values,
            value => value.into_iter().collect(),
        };
        let values = values.into_iter().filter_map(plain);
        queries.extend(values.map(|value| format!("{}={}", encoded(parameter), encoded(&value))));
    }
    let query = queries.join("&");
    let target = if query.is_empty() { path } else { format!("{path}?{query}") };
    let body = (!arguments.is_empty()).then_some(Value::Object(arguments));
    Ok(Asked { method: call.method.clone(), target, body })
}

fn only_known(function: &ToolFunction, arguments: &Map<String, Value>) -> Result<(), BadArguments> {
    let properties = function.parameters.get("properties").and_then(Value::as_object);
    let known = || properties.into_iter().flat_map(|p| p.keys().map(String::as_str));
    match arguments.keys().find(|name| known().all(|k| k != name.as_str())) {
        None => Ok(()),
        Some(name) => Err(BadArguments::UnknownArgument {
            function: function.name.clone(),
            name: name.clone(),
            nearest: air_ir::nearest(name, known()),
        }),
    }
}

/// A value as a path or a query carries it; null is none.
fn plain(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Principal;
    use crate::tools::Tools;
    use serde_json::json;

    fn of(name: &str, arguments: Value) -> Result<Asked, BadArguments> {
        let list = Tools::read().unwrap().list(&Principal::local());
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        asked(&list, name, arguments)
    }

    #[test]
    fn arguments_go_where_the_contract_has_them() {
        let arguments = json!({"key": "a/b?c", "version": 2, "params": {"x": 1}});
        assert_eq!(
            of("run_report", arguments).unwrap(),
            Asked {
                method: "POST".into(),
                target: "/v1/reports/a%2Fb%3Fc/run?version=2".into(),
                body: Some(json!({"params": {"x": 1}})),
            }
        );
        let list = of("list_reports", json!({"cursor": null})).unwrap();
        assert_eq!((list.target.as_str(), list.body), ("/v1/reports", None));
    }

    #[test]
    fn what_is_not_known_is_told_with_what_is_near() {
        let wrong = of("asc", json!({})).unwrap_err().to_string();
        assert!(wrong.contains("no function asc") && wrong.contains("ask"), "{wrong}");
        let wrong = of("ask", json!({"questoin": "x"})).unwrap_err().to_string();
        assert!(wrong.contains("questoin") && wrong.contains("question"), "{wrong}");
        let wrong = of("get_report", json!({"key": ""})).unwrap_err().to_string();
        assert!(wrong.contains("wants the argument key"), "{wrong}");
    }
}
