//! The server's binary values to Arrow, one builder a column, without rows between.
//!
//! In: the bytes of one value. Out: arrays. A value is converted without loss, or refused with
//! the reason; the caller names the column. Which of the server's types can become which of
//! Arrow's is decided once a query, by [`decoder`].

use super::numeric::Numeric;
use datafusion::arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanBuilder, NullArray, PrimitiveBuilder,
    StringViewBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};
use std::sync::Arc;
use tokio_postgres::types::{Kind, Type};

/// Days and microseconds from 1970 to 2000, where the server counts from.
const DAYS: i32 = 10_957;
const MICROS: i64 = 946_684_800_000_000;

/// One column under construction.
pub(super) trait Decode: Send {
    /// Appends the value of these bytes.
    fn value(&mut self, bytes: &[u8]) -> Result<(), String>;
    fn null(&mut self);
    /// What was appended since the last time.
    fn finish(&mut self) -> Result<ArrayRef, String>;
}

/// How values of `from` become an array of `to`.
///
/// # Errors
/// Where they cannot without loss.
pub(super) fn decoder(from: &Type, to: &DataType, rows: usize) -> Result<Box<dyn Decode>, String> {
    let from = base(from);
    let decoder: Option<Box<dyn Decode>> = match to {
        DataType::Null => Some(Box::new(Nothing(0))),
        DataType::Boolean if *from == Type::BOOL => {
            Some(Box::new(Booleans(BooleanBuilder::with_capacity(rows))))
        }
        DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8 => text_of(from).map(|read| {
            let builder = StringViewBuilder::with_capacity(rows);
            Box::new(Texts { to: to.clone(), builder, read }) as Box<dyn Decode>
        }),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView if *from == Type::BYTEA => {
            Some(Box::new(Bytes { to: to.clone(), builder: BinaryBuilder::new() }))
        }
        _ => alike(from, to, rows)
            .or_else(|| Whole::of(from).and_then(|whole| numbers(whole, to, rows))),
    };
    decoder.ok_or_else(|| format!("{} cannot be read as {to} without loss", from.name()))
}

/// Types whose values are the same on both sides, but for where time is counted from.
fn alike(from: &Type, to: &DataType, rows: usize) -> Option<Box<dyn Decode>> {
    macro_rules! same {
        ($type:ty, $native:ty) => {
            fixed::<$type>(to, rows, |b| Ok(<$native>::from_be_bytes(array(b)?)))
        };
    }
    Some(match (to, from) {
        (DataType::Int16, &Type::INT2) => same!(Int16Type, i16),
        (DataType::Int32, &Type::INT4) => same!(Int32Type, i32),
        (DataType::Int64, &Type::INT8) => same!(Int64Type, i64),
        (DataType::Float32, &Type::FLOAT4) => same!(Float32Type, f32),
        (DataType::Float64, &Type::FLOAT8) => same!(Float64Type, f64),
        (DataType::Float64, &Type::FLOAT4) => {
            fixed::<Float64Type>(to, rows, |b| Ok(f32::from_be_bytes(array(b)?).into()))
        }
        (DataType::Float64, &Type::NUMERIC) => {
            fixed::<Float64Type>(to, rows, |b| Numeric::parse(b)?.to_f64())
        }
        (DataType::Date32, &Type::DATE) => fixed::<Date32Type>(to, rows, date),
        (DataType::Time64(TimeUnit::Microsecond), &Type::TIME) => {
            fixed::<Time64MicrosecondType>(to, rows, time)
        }
        (DataType::Timestamp(TimeUnit::Microsecond, None), &Type::TIMESTAMP)
        | (DataType::Timestamp(TimeUnit::Microsecond, Some(_)), &Type::TIMESTAMPTZ) => {
            fixed::<TimestampMicrosecondType>(to, rows, timestamp)
        }
        _ => return None,
    })
}

/// The type a domain stands on.
fn base(mut from: &Type) -> &Type {
    while let Kind::Domain(inner) = from.kind() {
        from = inner;
    }
    from
}

/// Whole numbers and decimals into whole numbers, decimals and doubles.
fn numbers(whole: Whole, to: &DataType, rows: usize) -> Option<Box<dyn Decode>> {
    macro_rules! into {
        ($type:ty) => {
            fixed::<$type>(to, rows, move |b| {
                let number = whole.read(b)?;
                number.try_into().map_err(|_| "a value is out of range of its column".to_owned())
            })
        };
    }
    Some(match to {
        DataType::Int8 => into!(Int8Type),
        DataType::Int16 => into!(Int16Type),
        DataType::Int32 => into!(Int32Type),
        DataType::Int64 => into!(Int64Type),
        DataType::UInt8 => into!(UInt8Type),
        DataType::UInt16 => into!(UInt16Type),
        DataType::UInt32 => into!(UInt32Type),
        DataType::UInt64 => into!(UInt64Type),
        DataType::Float64 => fixed::<Float64Type>(to, rows, move |b| {
            const EXACT: i128 = 1 << 53;
            let number = whole.read(b)?;
            match i64::try_from(number) {
                #[expect(clippy::cast_precision_loss, reason = "checked to be exact")]
                Ok(n) if (-EXACT..=EXACT).contains(&number) => Ok(n as f64),
                _ => Err("a value is out of range of what a double holds exactly".to_owned()),
            }
        }),
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            fixed::<Decimal128Type>(to, rows, move |b| {
                let number = whole.scaled(b, scale, i128::from)?;
                let fits = Decimal128Type::is_valid_decimal_precision(number, precision);
                fits.then_some(number).ok_or_else(|| beyond(precision, scale))
            })
        }
        DataType::Decimal256(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            fixed::<Decimal256Type>(to, rows, move |b| {
                let number = whole.scaled(b, scale, |d| i256::from_i128(d.into()))?;
                let fits = Decimal256Type::is_valid_decimal_precision(number, precision);
                fits.then_some(number).ok_or_else(|| beyond(precision, scale))
            })
        }
        _ => return None,
    })
}

fn beyond(precision: u8, scale: i8) -> String {
    format!("a value is out of range of decimal({precision},{scale})")
}

/// The server's types that hold whole numbers, among them the decimal.
#[derive(Debug, Clone, Copy)]
enum Whole {
    Int2,
    Int4,
    Int8,
    Oid,
    Numeric,
}

impl Whole {
    fn of(from: &Type) -> Option<Self> {
        Some(match *from {
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::OID => Self::Oid,
            Type::NUMERIC => Self::Numeric,
            _ => return None,
        })
    }

    fn read(self, bytes: &[u8]) -> Result<i128, String> {
        Ok(match self {
            Self::Int2 => i16::from_be_bytes(array(bytes)?).into(),
            Self::Int4 => i32::from_be_bytes(array(bytes)?).into(),
            Self::Int8 => i64::from_be_bytes(array(bytes)?).into(),
            Self::Oid => u32::from_be_bytes(array(bytes)?).into(),
            Self::Numeric => Numeric::parse(bytes)?.scaled(0, i128::from)?,
        })
    }

    fn scaled<T: datafusion::arrow::array::ArrowNativeTypeOp>(
        self,
        bytes: &[u8],
        scale: i8,
        from: impl Fn(u16) -> T + Copy,
    ) -> Result<T, String> {
        if let Self::Numeric = self {
            return Numeric::parse(bytes)?.scaled(scale.into(), from);
        }
        // A whole number takes the same way, so that one piece of code is exact.
        let mut binary = Vec::with_capacity(24);
        super::numeric::encode(&self.read(bytes)?.to_string(), &mut binary);
        Numeric::parse(&binary)?.scaled(scale.into(), from)
    }
}

/// Bytes of a value of fixed width.
fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("{} bytes came where {N} belong", bytes.len()))
}

fn date(bytes: &[u8]) -> Result<i32, String> {
    match i32::from_be_bytes(array(bytes)?) {
        i32::MAX => Err("infinity is no date that can be read; filter it out".to_owned()),
        i32::MIN => Err("-infinity is no date that can be read; filter it out".to_owned()),
        days => days.checked_add(DAYS).ok_or_else(|| "a date is out of range".to_owned()),
    }
}

fn time(bytes: &[u8]) -> Result<i64, String> {
    match i64::from_be_bytes(array(bytes)?) {
        micros @ 0..86_400_000_000 => Ok(micros),
        _ => Err("24:00:00 is no time of a day that can be read; filter it out".to_owned()),
    }
}

fn timestamp(bytes: &[u8]) -> Result<i64, String> {
    match i64::from_be_bytes(array(bytes)?) {
        i64::MAX => Err("infinity is no timestamp that can be read; filter it out".to_owned()),
        i64::MIN => Err("-infinity is no timestamp that can be read; filter it out".to_owned()),
        micros => {
            micros.checked_add(MICROS).ok_or_else(|| "a timestamp is out of range".to_owned())
        }
    }
}

struct Fixed<T: ArrowPrimitiveType, F> {
    builder: PrimitiveBuilder<T>,
    read: F,
}

fn fixed<T: ArrowPrimitiveType>(
    to: &DataType,
    rows: usize,
    read: impl Fn(&[u8]) -> Result<T::Native, String> + Send + 'static,
) -> Box<dyn Decode> {
    let builder = PrimitiveBuilder::<T>::with_capacity(rows).with_data_type(to.clone());
    Box::new(Fixed { builder, read })
}

impl<T, F> Decode for Fixed<T, F>
where
    T: ArrowPrimitiveType,
    F: Fn(&[u8]) -> Result<T::Native, String> + Send,
{
    fn value(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.builder.append_value((self.read)(bytes)?);
        Ok(())
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, String> {
        Ok(Arc::new(self.builder.finish()))
    }
}

struct Booleans(BooleanBuilder);

impl Decode for Booleans {
    fn value(&mut self, bytes: &[u8]) -> Result<(), String> {
        let [byte] = array(bytes)?;
        self.0.append_value(byte != 0);
        Ok(())
    }

    fn null(&mut self) {
        self.0.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, String> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// How a type's binary form is text.
#[derive(Debug, Clone, Copy)]
enum TextOf {
    /// The bytes are the text.
    Plain,
    /// A version byte comes first.
    Jsonb,
    /// Sixteen bytes.
    Uuid,
}

fn text_of(from: &Type) -> Option<TextOf> {
    match *from {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::UNKNOWN => {
            Some(TextOf::Plain)
        }
        Type::JSONB => Some(TextOf::Jsonb),
        Type::UUID => Some(TextOf::Uuid),
        _ => match from.kind() {
            Kind::Enum(_) => Some(TextOf::Plain),
            Kind::Simple if from.name() == "citext" => Some(TextOf::Plain),
            _ => None,
        },
    }
}

struct Texts {
    to: DataType,
    builder: StringViewBuilder,
    read: TextOf,
}

impl Decode for Texts {
    fn value(&mut self, bytes: &[u8]) -> Result<(), String> {
        let bytes = match (self.read, bytes) {
            (TextOf::Plain, bytes) | (TextOf::Jsonb, [1, bytes @ ..]) => bytes,
            (TextOf::Jsonb, _) => return Err("its jsonb has an unknown version".to_owned()),
            (TextOf::Uuid, bytes) => {
                let text = uuid(array(bytes)?);
                self.builder.append_value(std::str::from_utf8(&text).unwrap_or_default());
                return Ok(());
            }
        };
        let text = std::str::from_utf8(bytes).map_err(|_| "a text is not UTF-8".to_owned())?;
        self.builder.append_value(text);
        Ok(())
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, String> {
        finished(Arc::new(self.builder.finish()), &self.to)
    }
}

/// The usual spelling in lower case, of 36 letters.
fn uuid(bytes: [u8; 16]) -> [u8; 36] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (i, byte) in bytes.into_iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    text
}

struct Bytes {
    to: DataType,
    builder: BinaryBuilder,
}

impl Decode for Bytes {
    fn value(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.builder.append_value(bytes);
        Ok(())
    }

    fn null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, String> {
        finished(Arc::new(self.builder.finish()), &self.to)
    }
}

/// A column that nothing but null is in.
struct Nothing(usize);

impl Decode for Nothing {
    fn value(&mut self, _: &[u8]) -> Result<(), String> {
        Err("a value came where only null belongs".to_owned())
    }

    fn null(&mut self) {
        self.0 += 1;
    }

    fn finish(&mut self) -> Result<ArrayRef, String> {
        Ok(Arc::new(NullArray::new(std::mem::take(&mut self.0))))
    }
}

/// The same values in another layout.
fn finished(array: ArrayRef, to: &DataType) -> Result<ArrayRef, String> {
    if array.data_type() == to { Ok(array) } else { cast(&array, to).map_err(|e| e.to_string()) }
}
