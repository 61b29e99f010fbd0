//! The server's types as the catalog's.

use air_ir::DataType;

/// A type as the server's catalog has it, domains resolved.
pub(super) struct Native {
    pub(super) name: String,
    pub(super) schema: String,
    /// `b` base, `e` enum, `c` composite, `p` pseudo, `r` range, `m` multirange.
    pub(super) kind: String,
    /// Precision and scale of a numeric, lengths of others; -1 where there is none.
    pub(super) modifier: i32,
}

/// A numeric that declares neither precision nor scale. A value that needs more decimals, or more
/// digits before them, is refused when it is read; nothing is rounded.
pub(super) const ANY_NUMERIC: DataType = DataType::Decimal(38, 10);

/// The same, where a look at the rows finds one that does not fit.
pub(super) const WIDE_NUMERIC: DataType = DataType::Decimal(76, 38);

/// What AIR reads a type as. Those that it has no kind for are text, in the server's spelling.
pub(super) fn data_type(native: &Native) -> DataType {
    match native.kind.as_str() {
        // A composite or pseudo type has no form of its own that could be relied on.
        "c" | "p" => return DataType::Unreadable,
        "b" if native.schema == "pg_catalog" => {}
        _ => return DataType::Text,
    }
    match native.name.as_str() {
        "bool" => DataType::Bool,
        "int2" => DataType::Int16,
        "int4" => DataType::Int32,
        "int8" => DataType::Int64,
        "oid" => DataType::Uint32,
        "float4" => DataType::Float32,
        "float8" => DataType::Float64,
        "numeric" => numeric(native.modifier),
        "date" => DataType::Date,
        "time" => DataType::Time,
        "timestamp" => DataType::Timestamp,
        "timestamptz" => DataType::Timestamptz,
        "bytea" => DataType::Binary,
        "uuid" => DataType::Uuid,
        "json" | "jsonb" => DataType::Json,
        _ => DataType::Text,
    }
}

/// Precision is in the upper half of the modifier, scale in its lowest eleven bits, signed.
fn numeric(modifier: i32) -> DataType {
    if modifier < 4 {
        return ANY_NUMERIC;
    }
    let packed = modifier - 4;
    let precision = packed >> 16 & 0xffff;
    let scale = (packed & 0x7ff ^ 1024) - 1024;
    // A negative scale rounds before the point; one above the precision has zeros behind it.
    let (precision, scale) =
        if scale < 0 { (precision - scale, 0) } else { (precision.max(scale), scale) };
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=76), Ok(scale)) => DataType::Decimal(precision, scale),
        // More digits than a decimal has: those that are there may still fit.
        (_, Ok(scale @ 0..=38)) => DataType::Decimal(76, scale),
        _ => WIDE_NUMERIC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modifier(precision: i32, scale: i32) -> i32 {
        (precision << 16 | scale & 0x7ff) + 4
    }

    #[test]
    fn numerics() {
        assert_eq!(numeric(-1), ANY_NUMERIC);
        assert_eq!(numeric(modifier(10, 2)), DataType::Decimal(10, 2));
        assert_eq!(numeric(modifier(3, -2)), DataType::Decimal(5, 0));
        assert_eq!(numeric(modifier(2, 5)), DataType::Decimal(5, 5));
        assert_eq!(numeric(modifier(76, 76)), DataType::Decimal(76, 76));
        assert_eq!(numeric(modifier(1000, 2)), DataType::Decimal(76, 2));
        assert_eq!(numeric(modifier(1000, 500)), WIDE_NUMERIC);
    }
}
