//! Values given on the command line.

use crate::exit::Failure;
use serde_json::{Map, Value};
use std::io::Read;

/// The text of an argument: itself, the file behind `@`, or standard input for `-`.
pub(crate) fn text(argument: &str) -> Result<String, Failure> {
    if argument == "-" {
        let mut text = String::new();
        waiting(|| std::io::stdin().read_to_string(&mut text))?;
        return Ok(text);
    }
    match argument.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|e| Failure::usage(format!("{path} cannot be read: {e}"))),
        None => Ok(argument.to_owned()),
    }
}

/// Waits for standard input in a way that lets an interrupt be heard meanwhile.
pub(crate) fn waiting<T>(read: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(read)
}

/// The JSON of an argument.
pub(crate) fn json(argument: &str) -> Result<Value, Failure> {
    let text = text(argument)?;
    serde_json::from_str(&text)
        .map_err(|e| Failure::usage(format!("{} is no JSON: {e}", place(argument))))
}

/// Where a value came from; never the value itself, which may hold a password.
fn place(argument: &str) -> &str {
    match argument {
        "-" => "standard input",
        _ => argument.strip_prefix('@').unwrap_or("the JSON given"),
    }
}

/// `k=v` in two.
pub(crate) fn pair(argument: &str) -> Result<(&str, &str), Failure> {
    argument
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Failure::usage(format!("{argument:?}: write it as name=value")))
}

/// Parameters: `k=v` is text, `k:=JSON` is JSON, a repeated `k` is a list, `@FILE` an object whose
/// members give way to those named on the command line, wherever it stands.
pub(crate) fn params(arguments: &[String]) -> Result<Map<String, Value>, Failure> {
    let (mut of_files, mut params) = (Map::new(), Map::new());
    for argument in arguments {
        if argument.starts_with('@') || argument == "-" {
            let Value::Object(object) = json(argument)? else {
                return Err(Failure::usage(format!("{} is no JSON object", place(argument))));
            };
            of_files.extend(object);
            continue;
        }
        let (name, text) = pair(argument)?;
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => (name, json(text)?),
            None => (name, Value::from(text)),
        };
        match params.get_mut(name) {
            None => {
                params.insert(name.to_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    of_files.extend(params);
    Ok(of_files)
}

#[cfg(test)]
mod tests {
    use super::params;
    use serde_json::{Value, json};

    fn of(arguments: &[&str]) -> Option<Value> {
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        params(&arguments).ok().map(Value::Object)
    }

    #[test]
    fn text_json_and_lists() {
        assert_eq!(of(&["a=1", "b:=1", "c=x=y"]), Some(json!({"a": "1", "b": 1, "c": "x=y"})));
        assert_eq!(of(&["a=x", "a=y", "a=z"]), Some(json!({"a": ["x", "y", "z"]})));
        assert_eq!(of(&["a"]), None);
        assert_eq!(of(&["a:={"]), None);
    }
}
