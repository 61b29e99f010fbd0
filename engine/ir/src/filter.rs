//! Filter trees over rows, and, in `having`, over metrics.

use crate::dimension::read_expr;
use crate::expr::{Expr, Grammar};
use crate::period::Period;
use crate::read::{Errors, Object, kind};
use crate::{Code, Pointer};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Number, Value};

/// Lists may have this many elements, and trees this depth (IR.md, "Limits of the IR itself").
const MAX_LIST: usize = 10_000;
const MAX_DEPTH: usize = 32;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Exists(Exists),
    Compare(Comparison),
}

/// Whether related rows are there.
#[derive(Debug, Clone, PartialEq)]
pub struct Exists {
    pub entity: String,
    pub filters: Vec<Filter>,
    /// The key to use where several lead there: a role or `entity.column`.
    pub via: Option<String>,
    /// The entity the rows are related to; the root unless said.
    pub of: Option<String>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub subject: Subject,
    pub op: Op,
    pub value: Operand,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    Field(String),
    Expr(Expr),
    Metric(String),
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    None,
    One(Scalar),
    Many(Vec<Scalar>),
    Period(Period),
}

/// A value as written; its type is that of the column.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// `"{{name}}"`.
    Param(String),
}

/// Comparison operators; their exact meaning is `IR.md`, "Filters".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    In,
    NotIn,
    Between,
    Contains,
    StartsWith,
    EndsWith,
    Ieq,
    Icontains,
    IstartsWith,
    IendsWith,
    IsNull,
    NotNull,
    During,
}

impl Op {
    /// Every operator with its word in the IR.
    pub const WORDS: &'static [(&'static str, Op)] = &[
        ("=", Op::Eq),
        ("!=", Op::Ne),
        (">", Op::Gt),
        (">=", Op::Ge),
        ("<", Op::Lt),
        ("<=", Op::Le),
        ("in", Op::In),
        ("not_in", Op::NotIn),
        ("between", Op::Between),
        ("contains", Op::Contains),
        ("starts_with", Op::StartsWith),
        ("ends_with", Op::EndsWith),
        ("ieq", Op::Ieq),
        ("icontains", Op::Icontains),
        ("istarts_with", Op::IstartsWith),
        ("iends_with", Op::IendsWith),
        ("is_null", Op::IsNull),
        ("not_null", Op::NotNull),
        ("during", Op::During),
    ];

    /// The word in the IR.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, o)| *o == self).map_or("", |(w, _)| w)
    }

    /// Whether the operator looks at text.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Contains
                | Self::StartsWith
                | Self::EndsWith
                | Self::Ieq
                | Self::Icontains
                | Self::IstartsWith
                | Self::IendsWith
        )
    }
}

/// Whether a tree is over rows (`field`, `expr`, `exists`) or over metrics (`metric`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Rows,
    Metrics,
}

impl Filter {
    /// A list of filters, all of which must hold.
    pub(crate) fn read_list(
        items: &[Value],
        at: &Pointer,
        scope: Scope,
        depth: usize,
        e: &mut Errors,
    ) -> Vec<Self> {
        items
            .iter()
            .enumerate()
            .filter_map(|(i, v)| Self::read(v, &at.index(i), scope, depth, e))
            .collect()
    }

    /// One filter, or a list that means `all`.
    pub(crate) fn read_tree(
        value: &Value,
        at: &Pointer,
        scope: Scope,
        e: &mut Errors,
    ) -> Option<Self> {
        match value {
            Value::Array(items) => Some(Self::All(Self::read_list(items, at, scope, 1, e))),
            other => Self::read(other, at, scope, 1, e),
        }
    }

    fn read(
        value: &Value,
        at: &Pointer,
        scope: Scope,
        depth: usize,
        e: &mut Errors,
    ) -> Option<Self> {
        if depth > MAX_DEPTH {
            e.add(Code::TooLarge, at, format!("Filters nest at most {MAX_DEPTH} deep."));
            return None;
        }
        let Value::Object(map) = value else {
            let detail = format!("A filter is an object, not {}.", kind(value));
            e.add(Code::BadType, at, detail);
            return None;
        };
        if map.contains_key("all") || map.contains_key("any") {
            let key = if map.contains_key("all") { "all" } else { "any" };
            let object = Object::open(value, at, &[key], e)?;
            let items = object.list(key, e);
            let list = Self::read_list(items, &object.at(key), scope, depth + 1, e);
            return Some(if key == "all" { Self::All(list) } else { Self::Any(list) });
        }
        if let Some(inner) = map.get("not") {
            Object::open(value, at, &["not"], e)?;
            let inner = Self::read(inner, &at.key("not"), scope, depth + 1, e)?;
            return Some(Self::Not(Box::new(inner)));
        }
        if let Some(inner) = map.get("exists").filter(|_| scope == Scope::Rows) {
            Object::open(value, at, &["exists"], e)?;
            return Exists::read(inner, &at.key("exists"), depth + 1, e).map(Self::Exists);
        }
        Comparison::read(value, at, scope, e).map(Self::Compare)
    }
}

impl Exists {
    fn read(value: &Value, at: &Pointer, depth: usize, e: &mut Errors) -> Option<Self> {
        let object = Object::open(value, at, &["entity", "filters", "via", "of"], e)?;
        let entity = object.need_name("entity", e);
        let items = object.list("filters", e);
        let filters = Filter::read_list(items, &object.at("filters"), Scope::Rows, depth, e);
        let via = object.name("via", e);
        let of = object.name("of", e);
        Some(Self { entity: entity?, filters, via, of })
    }
}

impl Comparison {
    fn read(value: &Value, at: &Pointer, scope: Scope, e: &mut Errors) -> Option<Self> {
        let known: &[&str] = match scope {
            Scope::Rows => &["field", "expr", "op", "value"],
            Scope::Metrics => &["metric", "op", "value"],
        };
        let object = Object::open(value, at, known, e)?;
        let subject = match (scope, object.has("field"), object.has("expr")) {
            (Scope::Metrics, ..) => object.need_name("metric", e).map(Subject::Metric),
            (Scope::Rows, true, true) => {
                e.add(Code::Conflict, at, "Only one of \"field\" and \"expr\" may be given.");
                None
            }
            (Scope::Rows, false, true) => {
                read_expr(&object, "expr", Grammar::Row, e).map(Subject::Expr)
            }
            (Scope::Rows, ..) => object.need_name("field", e).map(Subject::Field),
        };
        object.need("op", e);
        let op = object.word("op", Op::WORDS, e)?;
        let value = read_operand(&object, op, e);
        Some(Self { subject: subject?, op, value: value? })
    }
}

fn read_operand(object: &Object<'_>, op: Op, e: &mut Errors) -> Option<Operand> {
    let at = object.at("value");
    if matches!(op, Op::IsNull | Op::NotNull) {
        if object.has("value") {
            e.add(Code::Conflict, &at, format!("\"{}\" takes no value.", op.as_str()));
        }
        return Some(Operand::None);
    }
    let value = object.need("value", e)?;
    match (op, value) {
        (Op::In | Op::NotIn, Value::Array(items)) => {
            if items.len() > MAX_LIST {
                let detail =
                    format!("A list has at most {MAX_LIST} elements, not {}.", items.len());
                e.add(Code::TooLarge, &at, detail);
                return None;
            }
            read_scalars(items, &at, e).map(Operand::Many)
        }
        (Op::Between, Value::Array(items)) if items.len() == 2 => {
            read_scalars(items, &at, e).map(Operand::Many)
        }
        (Op::Between, _) => {
            e.add(Code::BadValue, &at, "\"between\" takes a list of two values, both included.");
            None
        }
        (Op::In | Op::NotIn, _) => match Scalar::read(value, &at, e)? {
            param @ Scalar::Param(_) => Some(Operand::One(param)),
            _ => {
                let detail = format!("\"{}\" takes a list of values.", op.as_str());
                e.add(Code::BadType, &at, detail);
                None
            }
        },
        (Op::During, Value::String(text)) => match Scalar::from_text(text) {
            param @ Scalar::Param(_) => Some(Operand::One(param)),
            _ => match Period::parse(text) {
                Ok(period) => Some(Operand::Period(period)),
                Err(detail) => {
                    e.add(Code::BadPeriod, &at, detail);
                    None
                }
            },
        },
        (Op::During, other) => {
            let detail = format!("\"during\" takes a period as text, not {}.", kind(other));
            e.add(Code::BadType, &at, detail);
            None
        }
        (_, value) => Scalar::read(value, &at, e).map(Operand::One),
    }
}

fn read_scalars(items: &[Value], at: &Pointer, e: &mut Errors) -> Option<Vec<Scalar>> {
    items.iter().enumerate().map(|(i, v)| Scalar::read(v, &at.index(i), e)).collect()
}

impl Scalar {
    pub(crate) fn read(value: &Value, at: &Pointer, e: &mut Errors) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Bool(b) => Some(Self::Bool(*b)),
            Value::Number(n) => Some(Self::Number(n.clone())),
            Value::String(s) => Some(Self::from_text(s)),
            other => {
                let detail =
                    format!("A value is text, a number, a boolean or null, not {}.", kind(other));
                e.add(Code::BadType, at, detail);
                None
            }
        }
    }

    /// Text, or the parameter that `{{name}}` stands for. Text that only contains braces is text.
    pub fn from_text(text: &str) -> Self {
        let name = text.strip_prefix("{{").and_then(|t| t.strip_suffix("}}"));
        match name.filter(|n| is_parameter_name(n)) {
            Some(name) => Self::Param(name.to_owned()),
            None => Self::Text(text.to_owned()),
        }
    }
}

fn is_parameter_name(name: &str) -> bool {
    !name.is_empty()
        && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => s.serialize_unit(),
            Self::Bool(b) => s.serialize_bool(*b),
            Self::Number(n) => n.serialize(s),
            Self::Text(text) => s.serialize_str(text),
            Self::Param(name) => s.collect_str(&format_args!("{{{{{name}}}}}")),
        }
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        match self {
            Self::All(list) => map.serialize_entry("all", list)?,
            Self::Any(list) => map.serialize_entry("any", list)?,
            Self::Not(inner) => map.serialize_entry("not", inner)?,
            Self::Exists(exists) => map.serialize_entry("exists", exists)?,
            Self::Compare(comparison) => comparison.entries(&mut map)?,
        }
        map.end()
    }
}

impl Serialize for Exists {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("entity", &self.entity)?;
        if !self.filters.is_empty() {
            map.serialize_entry("filters", &self.filters)?;
        }
        if let Some(via) = &self.via {
            map.serialize_entry("via", via)?;
        }
        if let Some(of) = &self.of {
            map.serialize_entry("of", of)?;
        }
        map.end()
    }
}

impl Comparison {
    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match &self.subject {
            Subject::Field(field) => map.serialize_entry("field", field)?,
            Subject::Expr(expr) => map.serialize_entry("expr", expr.text())?,
            Subject::Metric(metric) => map.serialize_entry("metric", metric)?,
        }
        map.serialize_entry("op", self.op.as_str())?;
        if self.value != Operand::None {
            map.serialize_entry("value", &self.value)?;
        }
        Ok(())
    }
}

impl Serialize for Operand {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => s.serialize_unit(),
            Self::One(scalar) => scalar.serialize(s),
            Self::Many(scalars) => {
                let mut seq = s.serialize_seq(Some(scalars.len()))?;
                for scalar in scalars {
                    seq.serialize_element(scalar)?;
                }
                seq.end()
            }
            Self::Period(period) => s.serialize_str(period.text()),
        }
    }
}
