//! What can be wrong with an IR, in a form that people, programs and models can act on.

use crate::Pointer;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of error of every stage from reading an IR to planning it. The names are part of
/// the REST contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A member the IR does not have.
    UnknownField,
    /// A member that must be there is not.
    MissingField,
    /// A member whose JSON type is wrong.
    BadType,
    /// A value outside the ones allowed there.
    BadValue,
    /// Two members that exclude each other.
    Conflict,
    /// Two outputs of one name, or one dimension twice.
    DuplicateName,
    UnknownEntity,
    /// An entity that who asks may not see.
    NotAllowed,
    UnknownSource,
    UnknownColumn,
    UnknownMetric,
    UnknownOutput,
    UnknownParameter,
    MissingParameter,
    UnknownTimezone,
    AmbiguousEntity,
    AmbiguousColumn,
    AmbiguousJoin,
    AmbiguousTime,
    NoJoinPath,
    NoTime,
    FanOut,
    GrainMismatch,
    TypeMismatch,
    BadExpression,
    BadPeriod,
    BadLimit,
    Cycle,
    NotAdditive,
    TooLarge,
    Overflow,
    /// Valid IR that this engine, or this version of AIR, does not run. Never answered wrongly.
    Unsupported,
    /// Valid IR that a particular database cannot answer with the same meaning.
    UnsupportedOnEngine,
    /// A column that was learned but whose type AIR cannot read.
    UnreadableColumn,
}

impl Code {
    /// The name in the REST contract.
    pub fn as_str(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// One thing that is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IrError {
    pub code: Code,
    /// JSON pointer into the IR.
    pub pointer: String,
    /// A sentence: what is wrong and what to do.
    pub detail: String,
    /// Known names close to the one that was not found, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<String>,
}

impl IrError {
    /// An error at `pointer`.
    pub fn new(code: Code, pointer: &Pointer, detail: impl Into<String>) -> Self {
        Self { code, pointer: pointer.to_string(), detail: detail.into(), nearest: Vec::new() }
    }

    /// The same error with the known names that come close to `name`.
    #[must_use]
    pub fn near<'a>(mut self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        self.nearest = crate::nearest(name, known);
        self
    }
}

impl fmt::Display for IrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{place}: {}", self.detail)?;
        if !self.nearest.is_empty() {
            write!(f, " Did you mean {}?", self.nearest.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for IrError {}
