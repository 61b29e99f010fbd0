//! Entities of an IR and the joins between them.

use crate::read::{Errors, Object, checked_name, kind};
use crate::{Code, Ir, Pointer};
use serde::Serialize;
use serde_json::Value;

/// A table or file dataset, or the result of another IR.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EntityRef {
    /// Only a name, as in the original form.
    Name(String),
    Named {
        entity: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
        alias: Option<String>,
    },
    Query {
        query: Box<Ir>,
        #[serde(rename = "as")]
        alias: String,
    },
}

impl EntityRef {
    /// The name fields are qualified by.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Named { entity, alias, .. } => alias.as_deref().unwrap_or(entity),
            Self::Query { alias, .. } => alias,
        }
    }

    /// The source the entity is asked to come from, where one is named.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Named { source, .. } => source.as_deref(),
            Self::Name(_) | Self::Query { .. } => None,
        }
    }

    pub(crate) fn read(value: &Value, at: &Pointer, depth: u8, e: &mut Errors) -> Option<Self> {
        match value {
            Value::String(name) => checked_name(name.clone(), at, e).map(Self::Name),
            Value::Object(map) if map.contains_key("query") => {
                let object = Object::open(value, at, &["query", "as"], e)?;
                let alias = object.need_name("as", e);
                let query = Ir::read(object.get("query")?, &object.at("query"), depth + 1, e);
                Some(Self::Query { query: Box::new(query?), alias: alias? })
            }
            Value::Object(_) => {
                let object = Object::open(value, at, &["entity", "source", "as"], e)?;
                let entity = object.need_name("entity", e);
                let source = object.name("source", e);
                let alias = object.name("as", e);
                Some(Self::Named { entity: entity?, source, alias })
            }
            other => {
                let found = kind(other);
                let detail = format!("An entity is a name or an object, not {found}.");
                e.add(Code::BadType, at, detail);
                None
            }
        }
    }
}

/// Whether rows without a partner stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinKind {
    /// They stay, with nulls.
    #[default]
    Left,
    /// They are dropped.
    Inner,
}

/// A join the IR decides itself: which key leads from `left` to `right`, and the role's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JoinSpec {
    /// `entity.column`, several for a composite key.
    #[serde(serialize_with = "one_or_many")]
    pub left: Vec<String>,
    #[serde(serialize_with = "one_or_many")]
    pub right: Vec<String>,
    /// The role: the name the right side's fields are qualified by.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    pub kind: JoinKind,
}

fn one_or_many<S: serde::Serializer>(names: &[String], s: S) -> Result<S::Ok, S::Error> {
    match names {
        [one] => s.serialize_str(one),
        many => s.collect_seq(many),
    }
}

impl JoinSpec {
    pub(crate) fn read(value: &Value, at: &Pointer, e: &mut Errors) -> Option<Self> {
        let object = Object::open(value, at, &["left", "right", "as", "kind"], e)?;
        let left = side(&object, "left", e);
        let right = side(&object, "right", e);
        let alias = object.name("as", e);
        let kinds = [("left", JoinKind::Left), ("inner", JoinKind::Inner)];
        let kind = object.word("kind", &kinds, e).unwrap_or_default();
        let (left, right) = (left?, right?);
        if left.len() != right.len() {
            let detail = format!(
                "Both sides of a join name equally many columns; here {} and {}.",
                left.len(),
                right.len()
            );
            e.add(Code::BadValue, at, detail);
        }
        Some(Self { left, right, alias, kind })
    }
}

fn side(object: &Object<'_>, key: &str, e: &mut Errors) -> Option<Vec<String>> {
    match object.need(key, e)? {
        Value::Array(_) => {
            let names = object.names(key, e);
            if names.is_empty() {
                e.add(Code::BadValue, &object.at(key), "A join needs at least one column.");
            }
            (!names.is_empty()).then_some(names)
        }
        _ => object.name(key, e).map(|n| vec![n]),
    }
}
