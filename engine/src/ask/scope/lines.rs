//! Parts of an IR as lines of a scope.
//!
//! In: a part of an IR. Out: one line that [`super::read`] takes back to the same part. What no
//! plain line can hold is written as JSON between backticks, so that nothing is ever lost.

use super::parse;
use air_ir::{
    Agg, CompareAs, Comparison, Dimension, Dir, Filter, Frame, Input, Metric, MetricKind, Nulls,
    Offset, Op, Operand, OrderBy, PercentileMethod, Scalar, Shape, Subject, Top,
};
use serde::Serialize;
use serde_json::Value;

/// Aggregates in words, for reading and writing alike.
pub(super) const AGGREGATES: &[(&str, Agg)] = &[
    ("count of", Agg::Count),
    ("distinct count of", Agg::CountDistinct),
    ("sum of", Agg::Sum),
    ("average of", Agg::Avg),
    ("minimum of", Agg::Min),
    ("maximum of", Agg::Max),
    ("median of", Agg::Median),
    ("percentile of", Agg::Percentile),
    ("standard deviation of", Agg::Stddev),
    ("variance of", Agg::Variance),
    ("first of", Agg::First),
    ("last of", Agg::Last),
    ("all of", Agg::BoolAnd),
    ("any of", Agg::BoolOr),
];

/// Operators in words.
pub(super) const OPERATORS: &[(&str, Op)] = &[
    ("is not null", Op::NotNull),
    ("is null", Op::IsNull),
    ("not in", Op::NotIn),
    ("in", Op::In),
    ("between", Op::Between),
    ("icontains", Op::Icontains),
    ("contains", Op::Contains),
    ("istarts with", Op::IstartsWith),
    ("starts with", Op::StartsWith),
    ("iends with", Op::IendsWith),
    ("ends with", Op::EndsWith),
    ("equals in any case", Op::Ieq),
    ("during", Op::During),
    (">=", Op::Ge),
    ("<=", Op::Le),
    ("!=", Op::Ne),
    ("=", Op::Eq),
    (">", Op::Gt),
    ("<", Op::Lt),
];

/// Whether a name can stand in a line as it is.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'))
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn json<T: Serialize>(part: &T) -> String {
    let value = serde_json::to_value(part).unwrap_or(Value::Null);
    format!("`{value}`")
}

fn plain(name: &str) -> Option<&str> {
    is_plain(name).then_some(name)
}

/// A line, where it reads back to the same JSON; else the JSON.
fn faithful<T: Serialize>(
    part: &T,
    line: Option<String>,
    read: impl Fn(&str) -> Result<Value, String>,
) -> String {
    let value = serde_json::to_value(part).unwrap_or(Value::Null);
    match line {
        Some(line) if !line.contains('\n') && read(&line).is_ok_and(|v| v == value) => line,
        _ => json(part),
    }
}

/// A condition.
pub(in crate::ask) fn filter(filter: &Filter) -> String {
    faithful(filter, filter_line(filter), parse::filter)
}

fn filter_line(filter: &Filter) -> Option<String> {
    let nested = |list: &[Filter], word: &str| {
        let parts: Option<Vec<String>> =
            list.iter().map(|f| Some(format!("({})", filter_line(f)?))).collect();
        parts.filter(|p| p.len() > 1).map(|p| p.join(word))
    };
    match filter {
        Filter::All(list) => nested(list, " and "),
        Filter::Any(list) => nested(list, " or "),
        Filter::Not(inner) => Some(format!("not ({})", filter_line(inner)?)),
        Filter::Exists(_) => None,
        Filter::Compare(comparison) => comparison_line(comparison),
    }
}

fn comparison_line(comparison: &Comparison) -> Option<String> {
    let subject = match &comparison.subject {
        Subject::Field(name) => plain(name)?.to_owned(),
        Subject::Metric(name) => format!("figure {}", plain(name)?),
        Subject::Expr(expr) => format!("[{}]", expr.text()),
    };
    let op = OPERATORS.iter().find(|(_, o)| *o == comparison.op)?.0;
    let value = match &comparison.value {
        Operand::None => return Some(format!("{subject} {op}")),
        Operand::One(scalar) => scalar_text(scalar),
        Operand::Many(list) if comparison.op == Op::Between => {
            let [low, high] = &list[..] else { return None };
            format!("{} and {}", scalar_text(low), scalar_text(high))
        }
        Operand::Many(list) if list.is_empty() => return None,
        Operand::Many(list) => list.iter().map(scalar_text).collect::<Vec<_>>().join(", "),
        Operand::Period(period) => period.text().to_owned(),
    };
    Some(format!("{subject} {op} {value}"))
}

/// A value: a number, true, false or null as such, a parameter in braces, text in quotes.
fn scalar_text(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Param(name) => format!("{{{{{name}}}}}"),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

/// A measure.
pub(super) fn metric(metric: &Metric) -> String {
    faithful(metric, metric_line(metric), parse::metric)
}

fn metric_line(metric: &Metric) -> Option<String> {
    let name = plain(&metric.name)?;
    let mut line = match &metric.kind {
        MetricKind::Aggregate { agg, input, p, method } => {
            if *method != PercentileMethod::Cont {
                return None;
            }
            let word = AGGREGATES.iter().find(|(_, a)| a == agg)?.0;
            let rank = p.map(|p| format!("{p} ")).unwrap_or_default();
            let of = match input {
                None => "rows".to_owned(),
                Some(Input::Field(field)) => plain(field)?.to_owned(),
                Some(Input::Value(expr)) => format!("[{}]", expr.text()),
            };
            format!("{name}: {rank}{word} {of}")
        }
        MetricKind::Expr(expr) => format!("{name} = {}", expr.text()),
        MetricKind::Share(share) => {
            let within: Option<Vec<&str>> = share.within.iter().map(|w| plain(w)).collect();
            let within =
                within.filter(|w| !w.is_empty()).map(|w| format!(" within {}", w.join(", ")));
            if within.is_none() && !share.within.is_empty() {
                return None;
            }
            format!("{name}: share of {}{}", plain(&share.of)?, within.unwrap_or_default())
        }
        MetricKind::Compare(compare) => {
            let offset = match compare.offset {
                Offset::Previous => "one bucket".to_owned(),
                Offset::Span(grain) => grain.to_string(),
            };
            let word = match compare.as_ {
                CompareAs::Value => "value",
                CompareAs::Delta => "change",
                CompareAs::Ratio => "ratio",
            };
            format!("{name}: {word} of {} against {offset} before", plain(&compare.of)?)
        }
        MetricKind::Window(window) => {
            let word = AGGREGATES.iter().find(|(_, a)| *a == window.agg)?.0;
            let frame = match window.frame {
                Frame::Trailing { n } => format!("over {n} buckets"),
                Frame::ToDate { unit } => format!("since the start of the {}", unit.as_str()),
            };
            format!("{name}: {word} {} {frame}", plain(&window.of)?)
        }
    };
    if let Some(time) = &metric.time {
        line.push_str(&format!(" at {}", plain(time)?));
    }
    if let Some(filter) = &metric.filter {
        line.push_str(&format!(" where {}", filter_line(filter)?));
    }
    Some(line)
}

/// A breakdown.
pub(super) fn dimension(dimension: &Dimension) -> String {
    faithful(dimension, dimension_line(dimension), parse::dimension)
}

fn dimension_line(dimension: &Dimension) -> Option<String> {
    let name = plain(&dimension.name)?;
    if dimension.bare {
        return Some(name.to_owned());
    }
    let of = match &dimension.input {
        Input::Field(field) => plain(field)?.to_owned(),
        Input::Value(expr) => format!("[{}]", expr.text()),
    };
    Some(match &dimension.shape {
        Shape::Plain => format!("{name}: {of}"),
        Shape::Bucket(grain) => format!("{name}: {of} every {grain}"),
        Shape::Part(part) => format!("{name}: {} part of {of}", part.as_str()),
        Shape::Bins(bounds) => {
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            format!("{name}: {of} in bins at {}", bounds.join(", "))
        }
    })
}

/// A key of the order.
pub(super) fn order(order: &OrderBy) -> String {
    let line = plain(&order.field).map(|field| {
        let dir = crate::ask::follow_up::dir_word(order.dir);
        let nulls = if order.nulls == Nulls::First { ", nulls first" } else { "" };
        format!("by {field}, {dir}{nulls}")
    });
    faithful(order, line, parse::order)
}

/// The first groups.
pub(super) fn top(top: &Top) -> String {
    let line = || {
        let per: Option<Vec<&str>> = top.per.iter().map(|p| plain(p)).collect();
        let per = match per?.as_slice() {
            [] => String::new(),
            names => format!(" in each {}", names.join(", ")),
        };
        let word = if top.dir == Dir::Desc { "top" } else { "bottom" };
        let rest = if top.other { ", and the rest" } else { "" };
        Some(format!("{word} {} by {}{per}{rest}", top.n, plain(&top.by)?))
    };
    faithful(top, line(), parse::top)
}
