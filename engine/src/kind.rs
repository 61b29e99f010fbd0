//! Kinds of value, and expressions that know theirs: the types of the IR, above Arrow's.

use crate::functions::ZoneSpec;
use air_ir::DataType;
use datafusion::arrow::datatypes::{DataType as ArrowType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, cast, lit};

/// What a value is, as far as the IR's rules care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    /// A whole number of at most so many bits, sign apart. Up to 63 it is held in 64 bits, above
    /// that in a decimal of 38 digits, so that arithmetic is exact or an error.
    Int(u32),
    Decimal(u8, u8),
    Float,
    Text,
    Date,
    /// A time of day.
    Clock,
    /// A timestamp without zone, to be read in the source's zone.
    Local,
    Instant,
    Binary,
    /// The null that has no type yet.
    Null,
}

pub(crate) const MAX_DIGITS: u8 = 38;

impl Kind {
    pub(crate) fn of(data_type: DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Bool => Self::Bool,
            DataType::Int8 | DataType::Uint8 => Self::Int(8),
            DataType::Int16 | DataType::Uint16 => Self::Int(16),
            DataType::Int32 | DataType::Uint32 => Self::Int(32),
            DataType::Int64 => Self::Int(63),
            DataType::Uint64 => Self::Int(64),
            DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Decimal(p, s) => Self::Decimal(p, s),
            DataType::Text | DataType::Json | DataType::Uuid => Self::Text,
            DataType::Date => Self::Date,
            DataType::Time => Self::Clock,
            DataType::Timestamp => Self::Local,
            DataType::Timestamptz => Self::Instant,
            DataType::Binary => Self::Binary,
            DataType::Unreadable => return None,
        })
    }

    /// The type values of this kind are computed in.
    pub(crate) fn arrow(&self) -> ArrowType {
        match self {
            Self::Bool => ArrowType::Boolean,
            Self::Int(bits) if *bits <= 63 => ArrowType::Int64,
            Self::Int(_) => ArrowType::Decimal128(MAX_DIGITS, 0),
            Self::Decimal(p, s) if *p <= MAX_DIGITS => {
                ArrowType::Decimal128(*p, i8::try_from(*s).unwrap_or(0))
            }
            Self::Decimal(p, s) => ArrowType::Decimal256(*p, i8::try_from(*s).unwrap_or(0)),
            Self::Float => ArrowType::Float64,
            Self::Text => ArrowType::Utf8View,
            Self::Date => ArrowType::Date32,
            Self::Clock => ArrowType::Time64(TimeUnit::Microsecond),
            Self::Local => ArrowType::Timestamp(TimeUnit::Microsecond, None),
            Self::Instant => crate::types::instant(crate::types::UTC),
            Self::Binary => ArrowType::Binary,
            Self::Null => ArrowType::Null,
        }
    }

    /// The catalog's type for a column of this kind, as a nested query shows it.
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Bool,
            Self::Int(bits) if *bits <= 63 => DataType::Int64,
            Self::Int(_) => DataType::Decimal(MAX_DIGITS, 0),
            Self::Decimal(p, s) => DataType::Decimal(*p, *s),
            Self::Float => DataType::Float64,
            Self::Text | Self::Null => DataType::Text,
            Self::Date => DataType::Date,
            Self::Clock => DataType::Time,
            Self::Local => DataType::Timestamp,
            Self::Instant => DataType::Timestamptz,
            Self::Binary => DataType::Binary,
        }
    }

    pub(crate) fn is_numeric(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Decimal(..) | Self::Float | Self::Null)
    }

    pub(crate) fn is_temporal(&self) -> bool {
        matches!(self, Self::Date | Self::Local | Self::Instant)
    }

    /// The kind's name for people.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int(_) => "a whole number",
            Self::Decimal(..) => "a decimal",
            Self::Float => "a number",
            Self::Text => "text",
            Self::Date => "a date",
            Self::Clock => "a time of day",
            Self::Local | Self::Instant => "a timestamp",
            Self::Binary => "binary data",
            Self::Null => "null",
        }
    }
}

/// An expression and what it gives.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) expr: Expr,
    pub(crate) kind: Kind,
    /// The type `expr` has in Arrow: for a column, that of the source, which may be narrower
    /// than the one its kind is computed in.
    pub(crate) arrow: ArrowType,
    /// The zone a timestamp without one is read in, where it is not the default source's.
    pub(crate) zone: Option<ZoneSpec>,
}

impl Typed {
    pub(crate) fn new(expr: Expr, kind: Kind) -> Self {
        let arrow = kind.arrow();
        Self { expr, kind, arrow, zone: None }
    }

    /// A column as its source has it.
    pub(crate) fn column(expr: Expr, kind: Kind, arrow: ArrowType) -> Self {
        Self { expr, kind, arrow, zone: None }
    }

    /// A whole number.
    pub(crate) fn int(value: i64) -> Self {
        let bits = 64 - value.unsigned_abs().leading_zeros();
        Self::new(lit(value), Kind::Int(bits.max(1)))
    }

    /// This value in the type that `kind` is computed in. Nothing is lost: callers widen only.
    pub(crate) fn widen(self, kind: &Kind) -> Expr {
        if self.kind == Kind::Null {
            return Expr::Literal(null_of(&kind.arrow()), None);
        }
        if self.arrow == kind.arrow() {
            return self.expr;
        }
        cast(self.expr, kind.arrow())
    }

    /// This value in the type its own kind is computed in.
    pub(crate) fn plain(self) -> Expr {
        let kind = self.kind.clone();
        self.widen(&kind)
    }
}

/// The null of a type.
pub(crate) fn null_of(arrow: &ArrowType) -> ScalarValue {
    ScalarValue::try_from(arrow).unwrap_or(ScalarValue::Null)
}
/// The kind both sides of a comparison, a `coalesce` or a `case` can be taken to without loss;
/// `None` where there is none.
pub(crate) fn common(a: &Kind, b: &Kind) -> Option<Kind> {
    Some(match (a, b) {
        (Kind::Null, other) | (other, Kind::Null) => other.clone(),
        (Kind::Int(x), Kind::Int(y)) => Kind::Int(*x.max(y)),
        (Kind::Float, n) | (n, Kind::Float) if n.is_numeric() => Kind::Float,
        (Kind::Decimal(p1, s1), Kind::Decimal(p2, s2)) => {
            let scale = *s1.max(s2);
            let whole = (p1 - s1).max(p2 - s2);
            Kind::Decimal(digits(whole + scale)?, scale)
        }
        (Kind::Int(bits), Kind::Decimal(p, s)) | (Kind::Decimal(p, s), Kind::Int(bits)) => {
            let whole = (p - s).max(int_digits(*bits));
            Kind::Decimal(digits(whole.saturating_add(*s))?, *s)
        }
        (same, other) if same == other => same.clone(),
        _ => return None,
    })
}

/// Decimal digits of a whole number of so many bits.
pub(crate) fn int_digits(bits: u32) -> u8 {
    match bits {
        0..=8 => 3,
        9..=16 => 5,
        17..=32 => 10,
        33..=63 => 19,
        64 => 20,
        _ => MAX_DIGITS,
    }
}

/// `precision`, held to what the engine computes exactly.
fn digits(precision: u8) -> Option<u8> {
    Some(precision.min(MAX_DIGITS))
}
