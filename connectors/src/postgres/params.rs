//! Bound values in the server's binary form, as the type that the statement gives each.

use super::numeric;
use crate::database::DatabaseError;
use bytes::{BufMut, BytesMut};
use datafusion::arrow::datatypes::i256;
use datafusion::common::ScalarValue;
use jiff::civil::DateTime;
use jiff::{SignedDuration, civil::date};
use std::error::Error;
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

/// A value that is encoded already.
#[derive(Debug)]
pub(super) struct Encoded(Option<Vec<u8>>);

impl ToSql for Encoded {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(bytes) = &self.0 else {
            return Ok(IsNull::Yes);
        };
        out.put_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Every value as its type, in their order.
pub(super) fn encoded(
    id: &str,
    values: &[ScalarValue],
    types: &[Type],
) -> Result<Vec<Encoded>, DatabaseError> {
    if values.len() != types.len() {
        let reason =
            format!("the query takes {} values, and {} are given", types.len(), values.len());
        return Err(DatabaseError::Answer { id: id.to_owned(), reason });
    }
    let mut all = Vec::with_capacity(values.len());
    for (i, (value, kind)) in values.iter().zip(types).enumerate() {
        let bytes = encode(value, kind).map_err(|reason| DatabaseError::Parameter {
            id: id.to_owned(),
            position: i + 1,
            reason,
        })?;
        all.push(Encoded(bytes));
    }
    Ok(all)
}

/// None is null.
fn encode(value: &ScalarValue, kind: &Type) -> Result<Option<Vec<u8>>, String> {
    if value.is_null() {
        return Ok(None);
    }
    if let Kind::Domain(inner) = kind.kind() {
        return encode(value, inner);
    }
    let mut out = Vec::with_capacity(16);
    match (value, kind.kind()) {
        (ScalarValue::List(list), Kind::Array(element)) => {
            let elements = list.value(0);
            let length = i32::try_from(elements.len()).map_err(|_| "is too long a list")?;
            let has_nulls = i32::from(elements.null_count() > 0);
            let dimensions = i32::from(length > 0);
            for word in [dimensions, has_nulls] {
                out.extend(word.to_be_bytes());
            }
            out.extend(element.oid().to_be_bytes());
            if length > 0 {
                out.extend(length.to_be_bytes());
                out.extend(1_i32.to_be_bytes());
            }
            for i in 0..elements.len() {
                let item = ScalarValue::try_from_array(&elements, i).map_err(|e| e.to_string())?;
                match encode(&item, element)? {
                    None => out.extend((-1_i32).to_be_bytes()),
                    Some(bytes) => {
                        let length = i32::try_from(bytes.len()).map_err(|_| "is too long")?;
                        out.extend(length.to_be_bytes());
                        out.extend(bytes);
                    }
                }
            }
        }
        _ => scalar(value, kind, &mut out)?,
    }
    Ok(Some(out))
}

fn scalar(value: &ScalarValue, kind: &Type, out: &mut Vec<u8>) -> Result<(), String> {
    let refuse = || Err(format!("is {}, which is no {}", value.data_type(), kind.name()));
    match *kind {
        Type::BOOL => match value {
            ScalarValue::Boolean(Some(b)) => out.push(u8::from(*b)),
            _ => return refuse(),
        },
        Type::INT2 => out.extend(whole::<i16>(value, kind)?.to_be_bytes()),
        Type::INT4 => out.extend(whole::<i32>(value, kind)?.to_be_bytes()),
        Type::INT8 => out.extend(whole::<i64>(value, kind)?.to_be_bytes()),
        Type::OID => out.extend(whole::<u32>(value, kind)?.to_be_bytes()),
        Type::FLOAT4 => match value {
            ScalarValue::Float32(Some(x)) => out.extend(x.to_be_bytes()),
            _ => return refuse(),
        },
        Type::FLOAT8 => match value {
            ScalarValue::Float32(Some(x)) => out.extend(f64::from(*x).to_be_bytes()),
            ScalarValue::Float64(Some(x)) => out.extend(x.to_be_bytes()),
            _ => return refuse(),
        },
        Type::NUMERIC => match value {
            ScalarValue::Float64(Some(x)) if !x.is_finite() => numeric::encode_special(*x, out),
            ScalarValue::Float64(Some(x)) => numeric::encode(&x.to_string(), out),
            _ => match exact(value) {
                Some(text) => numeric::encode(&text, out),
                None => return refuse(),
            },
        },
        Type::DATE | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            return moment(value, kind, out);
        }
        Type::TID => {
            let place = match value {
                ScalarValue::Utf8(Some(text)) => place(text),
                _ => return refuse(),
            };
            let (block, number) = place.ok_or("is no place of a row")?;
            out.extend(block.to_be_bytes());
            out.extend(number.to_be_bytes());
        }
        Type::BYTEA => match value {
            ScalarValue::Binary(Some(b))
            | ScalarValue::LargeBinary(Some(b))
            | ScalarValue::BinaryView(Some(b)) => out.extend(b),
            _ => return refuse(),
        },
        _ => return text(value, kind, out),
    }
    Ok(())
}

/// Text, and the types whose binary form is text or made of one.
fn text(value: &ScalarValue, kind: &Type, out: &mut Vec<u8>) -> Result<(), String> {
    let (ScalarValue::Utf8(Some(text))
    | ScalarValue::Utf8View(Some(text))
    | ScalarValue::LargeUtf8(Some(text))) = value
    else {
        return Err(format!("is {}, which is no {}", value.data_type(), kind.name()));
    };
    if text.contains('\0') {
        return Err("holds the character NUL, which no text of the server can".to_owned());
    }
    let is_text = matches!(
        *kind,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::UNKNOWN
    );
    if *kind == Type::JSONB {
        out.push(1);
    } else if *kind == Type::UUID {
        let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
        let number = std::str::from_utf8(&digits)
            .ok()
            .filter(|d| d.len() == 32 && d.bytes().all(|b| b.is_ascii_hexdigit()));
        let number = number.and_then(|d| u128::from_str_radix(d, 16).ok());
        out.extend(number.ok_or("is no UUID")?.to_be_bytes());
        return Ok(());
    } else if !is_text && !matches!(kind.kind(), Kind::Enum(_)) && kind.name() != "citext" {
        return Err(format!("is text, which is no {}", kind.name()));
    }
    out.extend(text.as_bytes());
    Ok(())
}

/// Block and number of a place such as `(7,0)`.
fn place(text: &str) -> Option<(u32, u16)> {
    let (block, number) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    Some((block.parse().ok()?, number.parse().ok()?))
}

fn moment(value: &ScalarValue, kind: &Type, out: &mut Vec<u8>) -> Result<(), String> {
    const DAYS: i32 = 10_957;
    const MICROS: i64 = 946_684_800_000_000;
    let early = || "is out of range of the server's times";
    match (value, kind) {
        (ScalarValue::Date32(Some(days)), &Type::DATE) => {
            out.extend(days.checked_sub(DAYS).ok_or_else(early)?.to_be_bytes());
        }
        (ScalarValue::Time64Microsecond(Some(micros)), &Type::TIME) => {
            out.extend(micros.to_be_bytes());
        }
        (ScalarValue::TimestampMicrosecond(Some(micros), zone), _)
            if *kind == (if zone.is_some() { Type::TIMESTAMPTZ } else { Type::TIMESTAMP }) =>
        {
            let micros = micros.checked_sub(MICROS).ok_or_else(early)?;
            // The ends of the range stand for infinity.
            if micros == i64::MIN || micros == i64::MAX {
                return Err(early().to_owned());
            }
            out.extend(micros.to_be_bytes());
        }
        _ => return Err(format!("is {}, which is no {}", value.data_type(), kind.name())),
    }
    Ok(())
}

fn whole<T: TryFrom<i128>>(value: &ScalarValue, kind: &Type) -> Result<T, String> {
    let number = integer(value)
        .ok_or_else(|| format!("is {}, which is no {}", value.data_type(), kind.name()))?;
    T::try_from(number).map_err(|_| format!("is out of range of {}", kind.name()))
}

fn integer(value: &ScalarValue) -> Option<i128> {
    Some(match value {
        ScalarValue::Int8(Some(n)) => (*n).into(),
        ScalarValue::Int16(Some(n)) => (*n).into(),
        ScalarValue::Int32(Some(n)) => (*n).into(),
        ScalarValue::Int64(Some(n)) => (*n).into(),
        ScalarValue::UInt8(Some(n)) => (*n).into(),
        ScalarValue::UInt16(Some(n)) => (*n).into(),
        ScalarValue::UInt32(Some(n)) => (*n).into(),
        ScalarValue::UInt64(Some(n)) => (*n).into(),
        ScalarValue::Decimal128(Some(n), _, 0) => *n,
        _ => return None,
    })
}

/// A whole number or decimal with all its digits.
fn exact(value: &ScalarValue) -> Option<String> {
    match value {
        ScalarValue::Decimal128(Some(n), _, scale) => scaled(i256::from_i128(*n), *scale),
        ScalarValue::Decimal256(Some(n), _, scale) => scaled(*n, *scale),
        other => integer(other).map(|n| n.to_string()),
    }
}

fn scaled(number: i256, scale: i8) -> Option<String> {
    let text = number.to_string();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let Ok(scale) = usize::try_from(scale) else {
        let zeros = usize::from(scale.unsigned_abs());
        return Some(format!("{sign}{digits}{:0<zeros$}", ""));
    };
    if scale == 0 {
        return Some(text);
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, decimals) = padded.split_at(padded.len() - scale);
    Some(format!("{sign}{whole}.{decimals}"))
}

/// A number or time as the server reads it in quotes; none for other values.
pub(super) fn plain(value: &ScalarValue) -> Option<String> {
    match value {
        // All digits of the double, so that a single is the same value as either type.
        ScalarValue::Float32(Some(x)) => Some(float(f64::from(*x))),
        ScalarValue::Float64(Some(x)) => Some(float(*x)),
        ScalarValue::Date32(Some(days)) => {
            let micros = i64::from(*days).checked_mul(86_400_000_000)?;
            let text = calendar(micros, "")?;
            Some(text.replace(" 00:00:00.000000", ""))
        }
        ScalarValue::Time64Microsecond(Some(micros @ 0..86_400_000_000)) => {
            let seconds = micros / 1_000_000;
            let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            Some(format!("{h:02}:{m:02}:{s:02}.{:06}", micros % 1_000_000))
        }
        ScalarValue::TimestampMicrosecond(Some(micros), zone) => {
            calendar(*micros, if zone.is_some() { "+00" } else { "" })
        }
        other => exact(other),
    }
}

fn float(x: f64) -> String {
    match x {
        x if x.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => format!("{x:e}"),
    }
}

/// Date and time of microseconds since 1970; none beyond the years 1 to 9999, whose spelling
/// differs.
fn calendar(micros: i64, zone: &str) -> Option<String> {
    let moment: DateTime =
        date(1970, 1, 1).at(0, 0, 0, 0).checked_add(SignedDuration::from_micros(micros)).ok()?;
    if !(1..=9999).contains(&moment.year()) {
        return None;
    }
    Some(format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}{zone}",
        moment.year(),
        moment.month(),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        moment.subsec_nanosecond() / 1_000
    ))
}
