//! The contract's operations as functions that a model can call.
//!
//! In: the table that is made from the contract, and who asks. Out: function definitions of what
//! the caller's role may call, and from a name with arguments the request that carries it out
//! (`request`). Whoever calls a function so passes the same checks as over HTTP (`inside`).
//! Absent on purpose: any rule of its own about who may do what.

pub(crate) mod inside;
mod request;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::auth::{Principal, Role};
use crate::contract::types::{JsonSchema, Tool, ToolCall, ToolFunction, ToolList};
use crate::endpoints;
use crate::problem::ApiError;
use crate::service::App;

pub(crate) use self::request::{Asked, asked};

const TABLE: &str = include_str!("contract/tools.json");

/// A function, as the generator wrote it.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    name: String,
    description: String,
    min_role: Role,
    parameters: JsonSchema,
    call: ToolCall,
}

/// Every function of the contract.
#[derive(Debug)]
pub(crate) struct Tools(Vec<Entry>);

impl Tools {
    pub(crate) fn read() -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::from_str(TABLE)?))
    }

    /// What the principal may call of the contract.
    pub(crate) fn list(&self, principal: &Principal) -> ToolList {
        let mut list = ToolList { tools: Vec::new(), calls: BTreeMap::new() };
        for entry in self.0.iter().filter(|entry| principal.may(entry.min_role)) {
            list.tools.push(function(&entry.name, &entry.description, entry.parameters.clone()));
            list.calls.insert(entry.name.clone(), entry.call.clone());
        }
        list
    }
}

/// A function's definition.
pub(crate) fn function(name: &str, description: &str, parameters: JsonSchema) -> Tool {
    Tool {
        r#type: "function".to_owned(),
        function: ToolFunction {
            name: name.to_owned(),
            description: description.to_owned(),
            parameters,
        },
    }
}

/// What the principal may call: operations of the contract, and published endpoints.
pub(crate) async fn list(app: &App, principal: &Principal) -> Result<ToolList, ApiError> {
    let mut list = app.tools.list(principal);
    for (tool, call) in endpoints::functions(app).await? {
        list.calls.insert(tool.function.name.clone(), call);
        list.tools.push(tool);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::routes::ROUTES;

    #[test]
    fn each_is_a_route_with_its_role() {
        let tools = Tools::read().unwrap();
        assert!(tools.0.len() > 10);
        for entry in &tools.0 {
            let route = ROUTES.iter().find(|route| route.operation_id == entry.name).unwrap();
            assert_eq!(
                (route.method, route.path, route.min_role),
                (entry.call.method.as_str(), entry.call.path.as_str(), Some(entry.min_role))
            );
        }
    }

    #[test]
    fn every_schema_stands_alone_and_is_an_object_at_its_top() {
        for entry in Tools::read().unwrap().0 {
            let schema = serde_json::Value::Object(entry.parameters.clone());
            jsonschema::validator_for(&schema).unwrap();
            assert_eq!(schema["type"], "object", "{}", entry.name);
            for combination in ["oneOf", "anyOf", "allOf", "not", "enum"] {
                assert!(schema.get(combination).is_none(), "{}: {combination}", entry.name);
            }
        }
    }
}
