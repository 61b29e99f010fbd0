//! Calls of functions and aggregates to SQL, by an allow-list: a name that is not here has no
//! form on any engine.

use super::expressions::{Scope, expression};
use super::writer::Writer;
use crate::functions::{Between, Bucket, InZone, PartOf, Percentile, Round};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, Sort};
use datafusion::logical_expr::{Expr, ScalarUDFImpl};

type Text = Result<String, String>;

fn is_text(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

/// AIR's own function of type `T` in a call.
fn own<T: ScalarUDFImpl + 'static>(call: &ScalarFunction) -> Result<&T, String> {
    let inner: &dyn std::any::Any = call.func.inner().as_ref();
    inner.downcast_ref().ok_or_else(|| format!("has no form for {}", call.func.name()))
}

pub(super) fn scalar(w: &mut Writer, call: &ScalarFunction, scope: &Scope<'_>) -> Text {
    let args = call.args.iter().map(|a| expression(w, a, scope)).collect::<Result<Vec<_>, _>>()?;
    let types = call.args.iter().map(|a| scope.type_of(a)).collect::<Result<Vec<_>, _>>()?;
    let date = types.first() == Some(&DataType::Date32);
    let name = call.func.name();
    let span = if matches!(name, "air_bucket" | "air_part") { w.span() } else { None };
    let plain = |name: &str| Ok(format!("{name}({})", args.join(", ")));
    match (name, &args[..]) {
        ("air_bucket", [value]) => w.rules.bucket(value, own::<Bucket>(call)?, date, span),
        ("air_part", [value]) => w.rules.part(value, own::<PartOf>(call)?, date, span),
        ("air_in_zone", [value]) => w.rules.in_zone(value, &own::<InZone>(call)?.zone),
        ("air_divide", [a, b]) => Ok(w.rules.divide(a, b)),
        ("air_between", [a, b]) => w.rules.between(a, b, own::<Between>(call)?.seconds),
        ("air_fold", [text]) => w.rules.fold(text),
        ("air_round", [value]) => {
            w.rules.round(value, own::<Round>(call)?, types[0] == DataType::Float64)
        }
        ("contains", [text, part]) => w.rules.contains(text, part),
        ("starts_with", [text, part]) => w.rules.starts_with(text, part),
        ("ends_with", [text, part]) => w.rules.ends_with(text, part),
        ("btrim", [text]) => Ok(format!("TRIM({text})")),
        ("character_length", [text]) => Ok(format!("CHAR_LENGTH({text})")),
        (
            "abs" | "coalesce" | "nullif" | "least" | "greatest" | "lower" | "upper" | "substr",
            _,
        ) => plain(name),
        _ => Err(format!("has no function {name}")),
    }
}

pub(super) fn aggregate(w: &mut Writer, call: &AggregateFunction, scope: &Scope<'_>) -> Text {
    let first = call.params.args.first();
    let arrow = first.map(|a| scope.type_of(a)).transpose()?.unwrap_or(DataType::Null);
    let mut value = match first {
        Some(arg) => expression(w, arg, scope)?,
        None => String::new(),
    };
    let name = call.func.name();
    match name {
        "count" => {
            if matches!(first, Some(Expr::Literal(..))) {
                return Ok("COUNT(*)".to_owned());
            }
            if call.params.distinct && is_text(&arrow) {
                value = w.rules.exact_text(&value);
            }
            Ok(format!("COUNT({}{value})", if call.params.distinct { "DISTINCT " } else { "" }))
        }
        "sum" => {
            let sum = format!("SUM({value})");
            // Engines widen sums of whole numbers, each in its own way.
            if arrow == DataType::Int64 {
                w.rules.cast(&sum, &DataType::Decimal128(38, 0), &arrow)
            } else {
                Ok(sum)
            }
        }
        "min" | "max" | "air_min" | "air_max" => {
            if is_text(&arrow) {
                value = w.rules.byte_order(&value);
            }
            Ok(format!("{}({value})", name.trim_start_matches("air_").to_uppercase()))
        }
        "avg" => Ok(format!("AVG({value})")),
        "stddev" => Ok(format!("STDDEV_SAMP({value})")),
        "var" => Ok(format!("VAR_SAMP({value})")),
        "bool_and" => w.rules.booleans(&value, true),
        "bool_or" => w.rules.booleans(&value, false),
        "air_percentile" => {
            let inner: &dyn std::any::Any = call.func.inner().as_ref();
            let Some(percentile) = inner.downcast_ref::<Percentile>() else {
                return Err("has no form for this percentile".to_owned());
            };
            let name = if percentile.discrete { "percentile_disc" } else { "percentile_cont" };
            w.rules.percentile(name, &value, percentile.rank())
        }
        "first_value" => {
            let order = order(w, &call.params.order_by, scope)?;
            w.rules.first(&value, &order.join(", "))
        }
        other => Err(format!("has no aggregate {other}")),
    }
}

/// The keys of an order.
pub(super) fn order(
    w: &mut Writer,
    keys: &[Sort],
    scope: &Scope<'_>,
) -> Result<Vec<String>, String> {
    let mut texts = Vec::new();
    for key in keys {
        let mut value = expression(w, &key.expr, scope)?;
        if is_text(&scope.type_of(&key.expr)?) {
            value = w.rules.byte_order(&value);
        }
        texts.push(w.rules.order_key(&value, key.asc, key.nulls_first));
    }
    Ok(texts)
}
