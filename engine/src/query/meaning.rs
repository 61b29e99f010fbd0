//! The meaning of Postgres, where the engine's differs: before types are coerced, each operator,
//! function and aggregate is replaced by one that means what Postgres means, or refused.
//!
//! Decided once, and the same on every engine: `/` of whole numbers is cut towards zero; other
//! divisions, and averages, are doubles; a division by zero is an error; sums of 64-bit numbers
//! are decimals; whole numbers that do not fit are errors. What zones have to do with times is
//! `zones.rs`.

use super::arithmetic::{arithmetic, division, is_decimal, is_small, joined, spelled_out, timed};
use super::literals::{self, exactly, folded, named, read};
use super::meeting::is_comparison;
use super::zones::{self, Clock};
use crate::functions::{Extreme, Fold, Round, Rounding, Whole, call};
use air_ir::catalog::SourceKind;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::functions::datetime;
use datafusion::logical_expr::expr::{AggregateFunction, Case, Cast, InList, Like, ScalarFunction};
use datafusion::logical_expr::{
    AggregateUDF, Between, BinaryExpr, Expr, ExprSchemable, Operator, Union, cast, lit,
};
use std::sync::Arc;

/// Something whose meaning would not be the one of Postgres.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unmeant(pub(super) String);

impl Unmeant {
    pub(super) fn error(detail: impl Into<String>) -> DataFusionError {
        DataFusionError::External(Box::new(Self(detail.into())))
    }
}

pub(super) struct Meaning {
    pub(super) kind: SourceKind,
    pub(super) clock: Clock,
}

pub(super) fn is_text(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

impl Meaning {
    /// One expression, its parts replaced already.
    pub(super) fn of(&self, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
        let meant = match self.met(expr, schema)? {
            Expr::Literal(ScalarValue::Utf8(text), _) => {
                Expr::Literal(ScalarValue::Utf8View(text), None)
            }
            Expr::Literal(
                number @ (ScalarValue::Decimal128(_, digits, scale)
                | ScalarValue::Decimal256(_, digits, scale)),
                _,
            ) if scale < 0 => Expr::Literal(spelled_out(&number, digits, scale)?, None),
            Expr::BinaryExpr(binary) => self.operation(binary, schema)?,
            Expr::Between(between) => {
                let arrow = between.expr.get_type(schema)?;
                let low = matched(*between.low, &arrow, schema)?;
                let high = matched(*between.high, &arrow, schema)?;
                let mut values = midnights(vec![*between.expr, low, high], schema)?.into_iter();
                let mut next = || values.next().map(Box::new).ok_or_else(lost);
                let (expr, low, high) = (next()?, next()?, next()?);
                Expr::Between(Between { expr, low, high, ..between })
            }
            Expr::InList(list) => {
                let arrow = list.expr.get_type(schema)?;
                let items = list.list.into_iter().map(|item| matched(item, &arrow, schema));
                let mut values: Vec<Expr> = items.collect::<Result<_>>()?;
                values.insert(0, *list.expr);
                let mut values = midnights(values, schema)?;
                let expr = Box::new(values.remove(0));
                Expr::InList(InList { expr, list: values, ..list })
            }
            Expr::Case(case) => cased(case, schema)?,
            Expr::Like(like) => likened(like, schema)?,
            Expr::Cast(cast) => self.cast(cast, schema)?,
            Expr::ScalarFunction(function) => scalar(function, schema)?,
            Expr::AggregateFunction(aggregate) => aggregated(aggregate, schema)?,
            Expr::ScalarSubquery(subquery) => {
                super::subqueries::may_be_null(&subquery)?;
                Expr::ScalarSubquery(subquery)
            }
            Expr::WindowFunction(mut window) => {
                use datafusion::logical_expr::WindowFunctionDefinition as Definition;
                reaching(window.fun.name(), &window.params.args, schema)?;
                if let Definition::AggregateUDF(func) = &window.fun {
                    let (func, args) = over(func, window.params.args.clone(), schema)?;
                    window.fun = Definition::AggregateUDF(func);
                    window.params.args = args;
                }
                Expr::WindowFunction(window)
            }
            other => other,
        };
        Ok(Transformed::yes(folded(meant)?.data))
    }

    pub(super) fn operation(&self, binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
        let BinaryExpr { left, op, right } = binary;
        let (l, r) = (left.get_type(schema)?, right.get_type(schema)?);
        match op {
            Operator::Plus | Operator::Minus | Operator::Multiply => {
                arithmetic(*left, &l, op, *right, &r)
            }
            Operator::Divide | Operator::Modulo => division(*left, &l, op, *right, &r),
            op if is_comparison(op) => {
                let (left, right) = (matched(*left, &r, schema)?, matched(*right, &l, schema)?);
                let mut values = midnights(vec![left, right], schema)?.into_iter();
                let mut next = || values.next().ok_or_else(lost);
                Ok(joined(next()?, op, next()?))
            }
            Operator::StringConcat => {
                zones::no_text(&l, &r)?;
                zones::no_text(&r, &l)?;
                Ok(joined(*left, op, *right))
            }
            Operator::And | Operator::Or => Ok(joined(*left, op, *right)),
            other => Err(Unmeant::error(format!("the operator {other} is not on the list"))),
        }
    }

    fn cast(&self, asked: Cast, schema: &DFSchema) -> Result<Expr> {
        let (from, to) = (asked.expr.get_type(schema)?, asked.field.data_type().clone());
        if let DataType::Timestamp(TimeUnit::Nanosecond, zone) = to {
            // Nobody writes that: the planner brings dates and times together so.
            let to = DataType::Timestamp(TimeUnit::Microsecond, zone);
            return Ok(folded(cast(timed(*asked.expr, &from)?, to))?.data);
        }
        if let Expr::Literal(ScalarValue::Utf8View(Some(text)), _) = asked.expr.as_ref()
            && !is_text(&to)
        {
            return Ok(Expr::Literal(read(text, &to)?, None));
        }
        if let Expr::Literal(..) = asked.expr.as_ref() {
            return match to.is_integer() && (is_decimal(&from) || from.is_floating()) {
                true => written_whole(*asked.expr, to),
                false => Ok(Expr::Cast(asked)),
            };
        }
        let narrows = self.kind == SourceKind::Mysql && !fits(&from, &to);
        let exact = from.is_integer() || matches!(from, DataType::Decimal128(..));
        if narrows && to.is_integer() && exact {
            return Ok(call(Whole::new(to), vec![*asked.expr]));
        }
        if is_decimal(&from) && to.is_integer() {
            // Postgres rounds here, and the engine would cut.
            let rounded = call(Round::new(Rounding::HalfAway(0)), vec![*asked.expr]);
            return self.narrowed(rounded, &from, to);
        }
        self.narrowed(*asked.expr, &from, to)
    }

    /// A cast, refused where a database would cut a value to fit instead of failing.
    fn narrowed(&self, expr: Expr, from: &DataType, to: DataType) -> Result<Expr> {
        if self.kind == SourceKind::Mysql && !fits(from, &to) {
            let (from, to) = (named(from), named(&to));
            let detail = format!("MySQL cuts values to fit when it casts a {from} to a {to}");
            return Err(Unmeant::error(detail));
        }
        Ok(cast(expr, to))
    }
}

/// A number that is written out as a whole number: it is rounded, and the engine would cut.
fn written_whole(number: Expr, to: DataType) -> Result<Expr> {
    if let Expr::Literal(ScalarValue::Decimal256(..), _) = &number {
        return Err(Unmeant::error(format!("{number} does not fit a whole number")));
    }
    Ok(Expr::Literal(literals::value(&call(Whole::new(to), vec![number]))?, None))
}

/// Whether every value of a number type has its place in another.
fn fits(from: &DataType, to: &DataType) -> bool {
    let shape = |arrow: &DataType| match arrow {
        DataType::Int8 | DataType::UInt8 => Some((3_i16, 0)),
        DataType::Int16 | DataType::UInt16 => Some((5, 0)),
        DataType::Int32 | DataType::UInt32 => Some((10, 0)),
        DataType::Int64 => Some((19, 0)),
        DataType::UInt64 => Some((20, 0)),
        DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => {
            Some((i16::from(*p) - i16::from(*s), i16::from(*s)))
        }
        _ => None,
    };
    match (shape(from), shape(to)) {
        (Some((whole, _)), Some((room, _))) => whole <= room,
        _ => true,
    }
}

/// Dates that stand beside times, as their midnights.
fn midnights(values: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
    let types: Vec<DataType> =
        values.iter().map(|value| value.get_type(schema)).collect::<Result<_>>()?;
    let zoned = types.iter().find(|arrow| matches!(arrow, DataType::Timestamp(_, Some(_))));
    let time = zoned.or_else(|| types.iter().find(|t| matches!(t, DataType::Timestamp(..))));
    let Some(time) = time else { return Ok(values) };
    let at_midnight = |(value, arrow): (Expr, &DataType)| -> Result<Expr> {
        match arrow {
            DataType::Date32 => Ok(folded(cast(timed(value, arrow)?, time.clone()))?.data),
            _ => Ok(value),
        }
    };
    values.into_iter().zip(&types).map(at_midnight).collect()
}

fn lost() -> DataFusionError {
    DataFusionError::Internal("as many values as there were".to_owned())
}

/// How far a function of a window reaches, and what it shows beyond, are the same in every row.
fn reaching(name: &str, args: &[Expr], schema: &DFSchema) -> Result<()> {
    let first = match name {
        "lag" | "lead" | "nth_value" => 1,
        "ntile" => 0,
        _ => return Ok(()),
    };
    if !args.iter().skip(first).all(|arg| matches!(arg, Expr::Literal(..))) {
        return Err(Unmeant::error(format!(
            "{name} takes numbers, and a value in the place of a missing one, that are written out"
        )));
    }
    // The engines show it in the type of the others, Postgres in one that holds both.
    let (Some(shown), Some(Expr::Literal(missing, _))) = (args.first(), args.get(2)) else {
        return Ok(());
    };
    let (shown, own) = (shown.get_type(schema)?, missing.data_type());
    let numbers = shown.is_numeric() && own.is_numeric() && shown != own;
    match numbers && exactly(missing, &shown).is_none() {
        false => Ok(()),
        true => Err(Unmeant::error(format!(
            "{name} shows {missing} in the type of its first value, which does not hold it; cast that value"
        ))),
    }
}

/// One side of a comparison, a constant brought to the other side's type, so that an index on
/// that side serves. Text and other types do not compare.
fn matched(expr: Expr, other: &DataType, schema: &DFSchema) -> Result<Expr> {
    let own = expr.get_type(schema)?;
    if own == *other || own.is_null() || other.is_null() {
        return Ok(expr);
    }
    if let Expr::Literal(value, _) = &expr {
        if let ScalarValue::Utf8View(Some(text)) = value
            && !is_text(other)
        {
            return Ok(Expr::Literal(read_whole(text, other)?, None));
        }
        let numbers = own.is_numeric() && other.is_numeric();
        // A midnight beside dates is a date, as which an index and a time range know it.
        let midnight = matches!(own, DataType::Timestamp(_, None)) && *other == DataType::Date32;
        if (numbers || midnight)
            && let Some(exact) = exactly(value, other)
        {
            return Ok(Expr::Literal(exact, None));
        }
    }
    // Against a double, decimals and whole numbers are doubles.
    match other.is_floating() && own.is_numeric() && own != DataType::Float64 {
        true => Ok(cast(expr, DataType::Float64)),
        false => Ok(expr),
    }
}

/// Values of which one is shown: texts written out are read as the type of the others.
fn alike(values: Vec<Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
    let types: Vec<DataType> =
        values.iter().map(|value| value.get_type(schema)).collect::<Result<_>>()?;
    let Some(other) = types.iter().find(|arrow| !is_text(arrow) && !arrow.is_null()) else {
        return Ok(values);
    };
    let read_alike = |(value, arrow): (Expr, &DataType)| -> Result<Expr> {
        match value {
            value if !is_text(arrow) => Ok(value),
            Expr::Literal(ScalarValue::Utf8View(Some(text)), _) => {
                Ok(Expr::Literal(read_whole(&text, other)?, None))
            }
            _ => {
                let other = named(other);
                Err(Unmeant::error(format!("text and a {other} do not stand together; cast one")))
            }
        }
    };
    let values = values.into_iter().zip(&types).map(read_alike).collect::<Result<_>>()?;
    midnights(values, schema)
}

/// A text as a value of another type, refused where digits of it would be lost.
fn read_whole(text: &str, arrow: &DataType) -> Result<ScalarValue> {
    if let DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) = arrow {
        let places = text.trim().split_once('.').map_or("", |(_, places)| places);
        let places = places.trim_end_matches('0').len();
        let fits = i8::try_from(places).is_ok_and(|places| places <= *scale);
        if !fits || text.contains(['e', 'E']) {
            let detail = format!("'{text}' is no decimal of {scale} places; cast it");
            return Err(Unmeant::error(detail));
        }
    }
    read(text, arrow)
}

fn cased(case: Case, schema: &DFSchema) -> Result<Expr> {
    let Case { expr, when_then_expr, else_expr } = case;
    let (mut whens, mut shown) = (Vec::new(), Vec::new());
    for (when, then) in when_then_expr {
        whens.push(*when);
        shown.push(*then);
    }
    let has_else = else_expr.is_some();
    shown.extend(else_expr.map(|value| *value));
    let mut shown = alike(shown, schema)?;
    let else_expr = if has_else { shown.pop().map(Box::new) } else { None };
    let expr = match expr {
        None => None,
        Some(asked) => {
            whens.insert(0, *asked);
            whens = alike(whens, schema)?;
            Some(Box::new(whens.remove(0)))
        }
    };
    let branches = whens.into_iter().zip(shown);
    let branches = branches.map(|(when, then)| (Box::new(when), Box::new(then))).collect();
    Ok(Expr::Case(Case::new(expr, branches, else_expr)))
}

/// Columns that stand below each other: text and other types do not.
pub(super) fn united(union: &Union) -> Result<()> {
    let Some((first, rest)) = union.inputs.split_first() else { return Ok(()) };
    for input in rest {
        for (one, other) in first.schema().fields().iter().zip(input.schema().fields().iter()) {
            let (one, other) = (one.data_type(), other.data_type());
            if is_text(one) != is_text(other) && !one.is_null() && !other.is_null() {
                let (one, other) = (named(one), named(other));
                let detail = format!("UNION of a {one} and a {other} is not taken; cast one");
                return Err(Unmeant::error(detail));
            }
        }
    }
    Ok(())
}

fn likened(like: Like, schema: &DFSchema) -> Result<Expr> {
    if !is_text(&like.expr.get_type(schema)?) {
        return Err(Unmeant::error("LIKE takes text"));
    }
    if !like.case_insensitive {
        return Ok(Expr::Like(like));
    }
    let Expr::Literal(ScalarValue::Utf8View(Some(pattern)), _) = like.pattern.as_ref() else {
        return Err(Unmeant::error("ILIKE takes a pattern that is written out"));
    };
    let pattern = crate::functions::fold_text(pattern);
    let text = call(Fold::toward(&pattern), vec![cast(*like.expr, DataType::Utf8View)]);
    let pattern = lit(ScalarValue::Utf8View(Some(pattern)));
    Ok(Expr::Like(Like::new(like.negated, Box::new(text), Box::new(pattern), None, false)))
}

fn scalar(function: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    let name = function.func.name().to_owned();
    let types: Vec<DataType> =
        function.args.iter().map(|a| a.get_type(schema)).collect::<Result<_>>()?;
    match (name.as_str(), &function.args[..]) {
        ("floor", [x]) => rounded(Rounding::Floor, x.clone(), &types[0]),
        ("ceil" | "ceiling", [x]) => rounded(Rounding::Ceil, x.clone(), &types[0]),
        ("round", [x]) if types[0].is_floating() => {
            let detail = format!(
                "round({x}) of a double takes halves to even in Postgres; write round(…, 0), which takes them away from zero"
            );
            Err(Unmeant::error(detail))
        }
        ("round", [x]) => rounded(Rounding::HalfAway(0), x.clone(), &types[0]),
        ("round", [x, Expr::Literal(digits, _)]) => {
            let digits = digits.cast_to(&DataType::Int8).ok();
            let Some(ScalarValue::Int8(Some(digits @ 0..=30))) = digits else {
                return Err(Unmeant::error("round takes 0 to 30 digits"));
            };
            rounded(Rounding::HalfAway(digits), x.clone(), &types[0])
        }
        ("date_part", [Expr::Literal(unit, _), value]) => part(unit, value, &types[1]),
        ("date_trunc", [Expr::Literal(unit, _), value]) => {
            super::times::truncated(unit, value, &types[1])
        }
        ("concat", args) => concatenated(args, &types),
        ("coalesce" | "greatest" | "least" | "nullif", args) => {
            let args = alike(args.to_vec(), schema)?;
            Ok(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&function.func), args)))
        }
        ("round" | "floor" | "ceil" | "ceiling" | "date_part" | "date_trunc", _) => {
            Err(Unmeant::error(format!("{name} takes other arguments")))
        }
        ("substr", [_, rest @ ..]) => {
            let least = |i: usize| if i == 0 { 1 } else { 0 };
            let plain = rest.iter().enumerate().all(|(i, e)| {
                matches!(e, Expr::Literal(ScalarValue::Int64(Some(n)), _) if *n >= least(i))
            });
            match plain && is_text(&types[0]) {
                true => Ok(Expr::ScalarFunction(function)),
                false => Err(Unmeant::error(
                    "substring takes text, and a start of 1 or more and a length that are written out",
                )),
            }
        }
        ("lower" | "upper" | "btrim" | "character_length" | "starts_with", _) => {
            match types.iter().all(is_text) {
                true => Ok(Expr::ScalarFunction(function)),
                false => Err(Unmeant::error(format!("{name} takes text"))),
            }
        }
        _ => Ok(Expr::ScalarFunction(function)),
    }
}

fn rounded(rounding: Rounding, value: Expr, arrow: &DataType) -> Result<Expr> {
    match arrow {
        arrow if arrow.is_integer() => Ok(value),
        arrow if is_decimal(arrow) => Ok(call(Round::new(rounding), vec![value])),
        arrow if arrow.is_floating() => {
            Ok(call(Round::new(rounding), vec![cast(value, DataType::Float64)]))
        }
        other => Err(Unmeant::error(format!("a {} is not rounded", named(other)))),
    }
}

fn part(unit: &ScalarValue, value: &Expr, arrow: &DataType) -> Result<Expr> {
    let unit = unit.to_string().to_lowercase();
    const OF_DATES: &[&str] = &["year", "quarter", "month", "week", "day", "doy", "dow"];
    const OF_TIMES: &[&str] = &["hour", "minute"];
    let taken = match arrow {
        DataType::Date32 => OF_DATES.contains(&unit.as_str()),
        DataType::Timestamp(..) => {
            OF_DATES.contains(&unit.as_str()) || OF_TIMES.contains(&unit.as_str())
        }
        _ => false,
    };
    match taken {
        true => {
            let args = vec![lit(unit), value.clone()];
            let function = ScalarFunction::new_udf(datetime::date_part(), args);
            Ok(cast(Expr::ScalarFunction(function), DataType::Int64))
        }
        false => Err(Unmeant::error(format!("the part {unit} of a {} is not taken", named(arrow)))),
    }
}

/// `concat` of Postgres leaves nulls out.
fn concatenated(args: &[Expr], types: &[DataType]) -> Result<Expr> {
    if !types.iter().all(is_text) {
        return Err(Unmeant::error("concat takes text"));
    }
    let empty = || lit(ScalarValue::Utf8View(Some(String::new())));
    let parts = args.iter().map(|arg| {
        let args = vec![cast(arg.clone(), DataType::Utf8View), empty()];
        Expr::ScalarFunction(ScalarFunction::new_udf(datafusion::functions::core::coalesce(), args))
    });
    Ok(parts.reduce(|a, b| joined(a, Operator::StringConcat, b)).unwrap_or_else(empty))
}

fn aggregated(mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Expr> {
    let (func, args) = over(&aggregate.func, aggregate.params.args.clone(), schema)?;
    aggregate.func = func;
    aggregate.params.args = args;
    Ok(Expr::AggregateFunction(aggregate))
}

/// An aggregate and its arguments as they are computed.
fn over(
    func: &Arc<AggregateUDF>,
    args: Vec<Expr>,
    schema: &DFSchema,
) -> Result<(Arc<AggregateUDF>, Vec<Expr>)> {
    let unchanged = Arc::clone(func);
    let [arg] = &args[..] else {
        return match func.name() {
            "count" if args.len() <= 1 => Ok((unchanged, args)),
            name => Err(Unmeant::error(format!("{name} takes one argument"))),
        };
    };
    let arrow = arg.get_type(schema)?;
    let numeric = arrow.is_numeric() || arrow.is_null();
    match func.name() {
        "avg" | "stddev" | "var" if numeric => {
            Ok((unchanged, vec![cast(arg.clone(), DataType::Float64)]))
        }
        "sum" if is_small(&arrow) => Ok((unchanged, vec![cast(arg.clone(), DataType::Int64)])),
        "sum" if arrow.is_integer() => {
            Ok((unchanged, vec![cast(arg.clone(), DataType::Decimal128(38, 0))]))
        }
        "sum" if arrow.is_floating() => Ok((unchanged, vec![cast(arg.clone(), DataType::Float64)])),
        "avg" | "stddev" | "var" | "sum" if !numeric => {
            Err(Unmeant::error(format!("{} takes numbers", func.name())))
        }
        "min" | "max" if arrow.is_floating() => {
            let extreme = Extreme::new(func.name() == "max");
            let extreme = Arc::new(AggregateUDF::new_from_impl(extreme));
            Ok((extreme, vec![cast(arg.clone(), DataType::Float64)]))
        }
        "min" | "max" if arrow == DataType::Boolean => {
            Err(Unmeant::error("min and max do not take truth values"))
        }
        _ => Ok((unchanged, args)),
    }
}

/// After coercion: casts that mean the same on every engine. Those of constants are folded.
pub(super) fn casts(expr: &Expr, schema: &DFSchema) -> Result<()> {
    expr.apply(|part| {
        if let Expr::Cast(cast) = part
            && !matches!(cast.expr.as_ref(), Expr::Literal(..))
        {
            let (from, to) = (cast.expr.get_type(schema)?, cast.field.data_type());
            if !castable(&from, to) {
                let (from, to) = (named(&from), named(to));
                return Err(Unmeant::error(format!(
                    "a {from} is not compared with or cast to a {to} here"
                )));
            }
        }
        if let Expr::Literal(ScalarValue::TimestampNanosecond(..), _) = part {
            return Err(Unmeant::error("a date does not stand beside a time here; cast it"));
        }
        if let Expr::TryCast(_) = part {
            return Err(Unmeant::error("TRY_CAST is not taken"));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn castable(from: &DataType, to: &DataType) -> bool {
    use DataType::{Date32, Float32, Float64, Int32, Null, Timestamp};
    match (from, to) {
        (Null, _) => true,
        (from, to) if from == to || (is_text(from) && is_text(to)) => true,
        // Of nanoseconds are those that the engine makes itself of dates, for too few years.
        (Date32 | Timestamp(..), Timestamp(unit, _)) => *unit == TimeUnit::Microsecond,
        (Timestamp(..), Date32) | (Date32, Int32) => true,
        (from, to) if from.is_integer() => {
            to.is_integer() || is_decimal(to) || *to == Float64 || is_text(to)
        }
        (from, to) if is_decimal(from) => {
            let whole = matches!(from, DataType::Decimal128(_, 0) | DataType::Decimal256(_, 0));
            is_decimal(to) || *to == Float64 || is_text(to) || (to.is_integer() && whole)
        }
        (Float32, Float64) | (Date32, DataType::Utf8View | DataType::Utf8) => true,
        _ => false,
    }
}

/// A whole number that is written out.
pub(super) fn whole(expr: &Expr) -> Option<u64> {
    match literals::value(expr).ok()? {
        ScalarValue::Int64(Some(n)) => u64::try_from(n).ok(),
        ScalarValue::UInt64(Some(n)) => Some(n),
        _ => None,
    }
}
