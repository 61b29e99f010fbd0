//! The YAML text as a tree, with the overrides put in.
//!
//! In: the text and the environment. Out: a mapping, the origin of each overridden key, and the
//! problems of the overrides. A value from the environment is a text here; the section that reads
//! it makes it a number, a flag or a list.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::environment::Environment;
use super::problem::Problem;

pub(super) struct Tree {
    pub(super) values: Map<String, Value>,
    /// Path of an overridden key → the variable that set it.
    pub(super) origins: BTreeMap<String, String>,
    pub(super) problems: Vec<Problem>,
}

/// Fails where the text is no YAML mapping: then nothing else can be said about it.
pub(super) fn read(text: &str, environment: &Environment) -> Result<Tree, Vec<Problem>> {
    let values = parse(text).map_err(|what| {
        let fix = "see data/config.yaml for the form".to_owned();
        vec![Problem { path: "(file)".to_owned(), what, fix }]
    })?;
    let mut tree = Tree { values, origins: BTreeMap::new(), problems: Vec::new() };
    for (variable, keys, value) in environment.overrides() {
        tree.put(variable, &keys, value);
    }
    Ok(tree)
}

fn parse(text: &str) -> Result<Map<String, Value>, String> {
    let options = serde_saphyr::options! {
        // `off` is a word of `safety.time_filter`, not a flag.
        strict_booleans: true,
        // A snippet would show the lines around a mistake, and secrets with them.
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Value>(text, options) {
        Ok(Value::Object(values)) => Ok(values),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err("the file holds no keys at its top".to_owned()),
        Err(error) => Err(format!("no YAML: {error}")),
    }
}

impl Tree {
    fn put(&mut self, variable: &str, keys: &[String], value: &str) {
        let path = keys.join(".");
        let Some((last, sections)) = keys.split_last() else {
            return;
        };
        let mut at = &mut self.values;
        for key in sections {
            let child = at.entry(key.clone()).or_insert(Value::Null);
            if child.is_null() {
                *child = Value::Object(Map::new());
            }
            let Value::Object(map) = child else {
                let what = format!("{key} holds no keys");
                let fix = "name a section and a key, as in AIR__SERVER__PORT".to_owned();
                let path = format!("{path} (from {variable})");
                return self.problems.push(Problem { path, what, fix });
            };
            at = map;
        }
        at.insert(last.clone(), Value::String(value.to_owned()));
        self.origins.insert(path, variable.to_owned());
    }
}
