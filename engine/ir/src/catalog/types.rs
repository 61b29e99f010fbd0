//! The types a column can have, as `dataset.yaml` and the catalog write them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The type of a column, independent of any engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float32,
    Float64,
    /// Precision 1 to 76, scale 0 to precision.
    Decimal(u8, u8),
    Text,
    Date,
    Time,
    /// Without zone: read in the source's zone.
    Timestamp,
    /// An instant.
    Timestamptz,
    Binary,
    Json,
    Uuid,
    /// A type AIR cannot read; the column is listed and left out of queries.
    Unreadable,
}

const WORDS: &[(&str, DataType)] = &[
    ("bool", DataType::Bool),
    ("int8", DataType::Int8),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("uint8", DataType::Uint8),
    ("uint16", DataType::Uint16),
    ("uint32", DataType::Uint32),
    ("uint64", DataType::Uint64),
    ("float32", DataType::Float32),
    ("float64", DataType::Float64),
    ("text", DataType::Text),
    ("date", DataType::Date),
    ("time", DataType::Time),
    ("timestamp", DataType::Timestamp),
    ("timestamptz", DataType::Timestamptz),
    ("binary", DataType::Binary),
    ("json", DataType::Json),
    ("uuid", DataType::Uuid),
    ("unreadable", DataType::Unreadable),
];

impl DataType {
    /// Whole numbers.
    pub fn is_integer(self) -> bool {
        matches!(
            self,
            Self::Int8
                | Self::Int16
                | Self::Int32
                | Self::Int64
                | Self::Uint8
                | Self::Uint16
                | Self::Uint32
                | Self::Uint64
        )
    }

    pub fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    pub fn is_numeric(self) -> bool {
        self.is_integer() || self.is_float() || matches!(self, Self::Decimal(..))
    }

    /// Dates and timestamps: what buckets and `during` apply to.
    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::Timestamptz)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Decimal(precision, scale) = self {
            return write!(f, "decimal({precision},{scale})");
        }
        f.write_str(WORDS.iter().find(|(_, t)| t == self).map_or("", |(w, _)| w))
    }
}

impl FromStr for DataType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, found)) = WORDS.iter().find(|(w, _)| *w == text) {
            return Ok(*found);
        }
        let bad = || {
            let words: Vec<&str> = WORDS.iter().map(|(w, _)| *w).collect();
            format!("\"{text}\" is no type; there are {}, decimal(p,s).", words.join(", "))
        };
        let inner = text.strip_prefix("decimal(").and_then(|t| t.strip_suffix(')'));
        let (precision, scale) = inner.and_then(|t| t.split_once(',')).ok_or_else(bad)?;
        let precision: u8 = precision.trim().parse().map_err(|_| bad())?;
        let scale: u8 = scale.trim().parse().map_err(|_| bad())?;
        if !(1..=76).contains(&precision) || scale > precision {
            return Err(format!(
                "\"{text}\": a precision is 1 to 76, and the scale is not above it."
            ));
        }
        Ok(Self::Decimal(precision, scale))
    }
}

impl Serialize for DataType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
