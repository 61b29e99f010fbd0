//! Calls of functions and aggregates to SQL, by an allow-list: a name that is not here has no
//! form on any engine.

use super::expressions::{Scope, expression, operand};
use super::item::Item;
use super::writer::Writer;
use crate::functions::{
    Between, Bucket, Fold, FromClock, InZone, OnClock, PartOf, Percentile, Round, Whole,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, Sort};
use datafusion::logical_expr::{Expr, ScalarUDFImpl};

type Text = Result<String, String>;

/// Longer arguments have no form: some functions write an argument more than once, so calls within
/// calls would grow without bound.
pub(super) const MOST_BYTES: usize = 1 << 20;

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
    if args.iter().map(String::len).sum::<usize>() > MOST_BYTES {
        return Err(format!("has no expression of more than {MOST_BYTES} bytes"));
    }
    let types = call.args.iter().map(|a| scope.type_of(a)).collect::<Result<Vec<_>, _>>()?;
    let date = types.first() == Some(&DataType::Date32);
    let name = call.func.name();
    let span = match (name, call.args.first()) {
        ("air_bucket" | "air_part" | "air_on_clock", Some(time)) => w.span(time),
        _ => None,
    };
    let plain = |name: &str| Ok(format!("{name}({})", args.join(", ")));
    match (name, &args[..]) {
        ("air_bucket", [value]) => w.rules.bucket(value, own::<Bucket>(call)?, date, span),
        ("air_part", [value]) => w.rules.part(value, own::<PartOf>(call)?, date, span),
        ("air_on_clock", [value]) => w.rules.local(value, &own::<OnClock>(call)?.zone, span),
        ("air_from_clock", [value]) => {
            w.rules.instant_by_clock(value, &own::<FromClock>(call)?.zone)
        }
        ("air_in_zone", [value]) => w.rules.in_zone(value, &own::<InZone>(call)?.zone),
        ("air_quotient", [a, b]) => Ok(w.rules.quotient(a, b)),
        ("air_divide", [a, b]) => Ok(w.rules.divide(a, b)),
        ("air_between", [a, b]) => w.rules.between(a, b, own::<Between>(call)?.seconds),
        ("air_fold", [text]) => w.rules.fold(text, &own::<Fold>(call)?.letters),
        ("air_round", [value]) => {
            w.rules.round(value, own::<Round>(call)?, types[0] == DataType::Float64)
        }
        ("air_whole", [value]) => w.rules.whole(value, &types[0], own::<Whole>(call)?),
        ("contains", [text, part]) => w.rules.contains(text, part),
        ("starts_with", [text, part]) => w.rules.starts_with(text, part),
        ("ends_with", [text, part]) => w.rules.ends_with(text, part),
        ("btrim", [text]) => Ok(format!("TRIM({text})")),
        ("character_length", [text]) => Ok(format!("CHAR_LENGTH({text})")),
        ("air_any", [value, list]) => w.rules.any(value, list, is_text(&types[0])),
        ("date_part", [_, value]) => {
            let Some(Expr::Literal(unit, _)) = call.args.first() else {
                return Err("has no part that is not written out".to_owned());
            };
            w.rules.date_part(&unit.to_string().to_lowercase(), value)
        }
        ("nullif", [a, b]) if is_text(&types[0]) => {
            let equal =
                w.rules.compare(&Item::new(a.clone()), "=", &Item::new(b.clone()), &types[0]);
            Ok(format!("(CASE WHEN {equal} THEN {} ELSE {a} END)", w.rules.null(&types[0])?))
        }
        // MariaDB gives null for the greater of a deviation and a number.
        ("least" | "greatest", _) if !w.rules.compares_values() => {
            Err(format!("cannot be trusted with {name}"))
        }
        ("least" | "greatest", _) => w.rules.extreme(name, &args, &types),
        ("substr", _) => w.rules.substr(&args),
        ("abs" | "coalesce" | "nullif" | "lower" | "upper", _) => plain(name),
        _ => Err(format!("has no function {name}")),
    }
}

/// An aggregate; `over` is empty, or the window it runs over.
pub(super) fn aggregate(
    w: &mut Writer,
    call: &AggregateFunction,
    scope: &Scope<'_>,
    over: &str,
) -> Text {
    let name = call.func.name();
    let first = call.params.args.first();
    let arrow = first.map(|a| scope.type_of(a)).transpose()?.unwrap_or(DataType::Null);
    let text = is_text(&arrow);
    // Nulls are not counted, and of equal values one.
    let every_row = |arg: &Expr| matches!(arg, Expr::Literal(value, _) if !value.is_null());
    let counts_rows = name == "count" && !call.params.distinct && first.is_none_or(every_row);
    let mut value = match first {
        Some(arg) if !counts_rows => expression(w, arg, scope)?,
        _ => "1".to_owned(),
    };
    if name == "count" && call.params.distinct && text {
        value = w.rules.exact_text(&value);
    }
    if let Some(filter) = &call.params.filter {
        value = format!("CASE WHEN {} THEN {value} END", expression(w, filter, scope)?);
    }
    let distinct = if call.params.distinct { "DISTINCT " } else { "" };
    match name {
        "count" if counts_rows && call.params.filter.is_none() => Ok(format!("COUNT(*){over}")),
        "count" => Ok(format!("COUNT({distinct}{value}){over}")),
        "sum" => {
            let sum = format!("SUM({distinct}{value}){over}");
            // Engines widen sums of whole numbers, each in its own way.
            if arrow == DataType::Int64 {
                w.rules.cast(&sum, &DataType::Decimal128(38, 0), &arrow)
            } else {
                Ok(sum)
            }
        }
        "min" | "max" | "air_min" | "air_max" => {
            let word = name.trim_start_matches("air_").to_uppercase();
            Ok(if text {
                w.rules.text_extreme(&word, &value, over)
            } else {
                format!("{word}({value}){over}")
            })
        }
        "avg" if distinct.is_empty() && over.is_empty() => Ok(w.rules.average(&value)),
        "avg" => Ok(format!("AVG({distinct}{value}){over}")),
        "stddev" => Ok(w.rules.spread("STDDEV_SAMP", &value, over)),
        "var" => Ok(w.rules.spread("VAR_SAMP", &value, over)),
        "bool_and" => w.rules.booleans(&value, true, over),
        "bool_or" => w.rules.booleans(&value, false, over),
        _ if !over.is_empty() => Err(format!("has no window function {name}")),
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
        let item = operand(w, &key.expr, scope)?;
        // A constant orders nothing, and a bare number would be the place of an output.
        if item.constant {
            continue;
        }
        let mut value = item.text;
        if is_text(&scope.type_of(&key.expr)?) {
            value = w.rules.byte_order(&value);
        }
        texts.push(w.rules.order_key(&value, key.asc, key.nulls_first));
    }
    Ok(texts)
}

/// The one key of a frame that reaches by values: nulls, wherever they stand, are in no frame of
/// another value.
pub(super) fn one_key(w: &mut Writer, keys: &[Sort], scope: &Scope<'_>) -> Text {
    let [key] = keys else {
        return Err("has no frame by values over several keys".to_owned());
    };
    let value = expression(w, &key.expr, scope)?;
    Ok(format!("{value} {}", if key.asc { "ASC" } else { "DESC" }))
}
