//! The server's types as the catalog's.

use air_ir::DataType;

/// What `information_schema.columns` says of a column's type.
pub(super) struct Native<'a> {
    /// `DATA_TYPE`, such as `int`.
    pub(super) name: &'a str,
    /// `COLUMN_TYPE`, such as `int(10) unsigned`.
    pub(super) whole: &'a str,
    pub(super) precision: Option<u8>,
    pub(super) scale: Option<u8>,
    /// MariaDB has no type for JSON: it is text with a check that it is JSON.
    pub(super) is_json: bool,
}

/// The type a column is read as.
///
/// `tinyint(1)` is how both servers declare a truth value; [`super::Figures::truths`] makes it a
/// number again where it holds others than 0 and 1. A `time` holds -838 to 838 hours, so it is
/// text, as the server writes it; [`super::Figures::clocks`] makes it a time of day where it
/// holds nothing else.
pub(super) fn data_type(native: &Native<'_>) -> DataType {
    let unsigned = native.whole.contains("unsigned") || native.whole.contains("zerofill");
    let either = |signed, other| if unsigned { other } else { signed };
    match native.name.to_ascii_lowercase().as_str() {
        "tinyint" if native.whole.starts_with("tinyint(1)") && !unsigned => DataType::Bool,
        "tinyint" => either(DataType::Int8, DataType::Uint8),
        "smallint" => either(DataType::Int16, DataType::Uint16),
        "mediumint" | "int" | "integer" => either(DataType::Int32, DataType::Uint32),
        "bigint" => either(DataType::Int64, DataType::Uint64),
        "bit" if native.whole == "bit(1)" => DataType::Bool,
        "bit" => DataType::Uint64,
        "year" => DataType::Int16,
        "decimal" | "numeric" => match (native.precision, native.scale) {
            (Some(p @ 1..=76), Some(s)) if s <= p => DataType::Decimal(p, s),
            _ => DataType::Unreadable,
        },
        "float" => DataType::Float32,
        "double" | "real" => DataType::Float64,
        "json" => DataType::Json,
        "longtext" if native.is_json => DataType::Json,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set"
        | "time" | "inet4" | "inet6" => DataType::Text,
        "uuid" => DataType::Uuid,
        "date" => DataType::Date,
        "datetime" => DataType::Timestamp,
        "timestamp" => DataType::Timestamptz,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
            DataType::Binary
        }
        _ => DataType::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_width_and_sign() {
        let of = |name, whole| {
            let native =
                Native { name, whole, precision: Some(10), scale: Some(2), is_json: false };
            data_type(&native).to_string()
        };
        assert_eq!(of("tinyint", "tinyint(1)"), "bool");
        assert_eq!(of("tinyint", "tinyint(1) unsigned"), "uint8");
        assert_eq!(of("tinyint", "tinyint(4)"), "int8");
        assert_eq!(of("int", "int unsigned"), "uint32");
        assert_eq!(of("int", "int(5) unsigned zerofill"), "uint32");
        assert_eq!(of("bit", "bit(1)"), "bool");
        assert_eq!(of("bit", "bit(12)"), "uint64");
        assert_eq!(of("decimal", "decimal(10,2)"), "decimal(10,2)");
        assert_eq!(of("time", "time(3)"), "text");
        assert_eq!(of("point", "point"), "unreadable");
        assert_eq!(of("longtext", "longtext"), "text");
    }
}
