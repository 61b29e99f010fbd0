//! Metrics: the figures of each group.

use crate::agg::PercentileMethod;
use crate::dimension::read_expr;
use crate::expr::{Expr, Grammar};
use crate::filter::{Filter, Scope};
use crate::read::{Errors, Object};
use crate::{Agg, Code, Grain, Pointer, Unit};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

/// What an aggregate, a dimension or a filter looks at: a field, or an expression over one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Field(String),
    Value(Expr),
}

impl Input {
    /// `field` or `value` of `object`; `None` with an error where both are there, and `None`
    /// without one where neither is.
    pub(crate) fn read(object: &Object<'_>, e: &mut Errors) -> Option<Self> {
        match (object.has("field"), object.has("value")) {
            (true, true) => {
                let detail = "Only one of \"field\" and \"value\" may be given.";
                e.add(Code::Conflict, &object.at, detail);
                None
            }
            (true, false) => object.name("field", e).map(Self::Field),
            (false, true) => read_expr(object, "value", Grammar::Row, e).map(Self::Value),
            (false, false) => None,
        }
    }
}

/// A figure of each group.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Name of the output column.
    pub name: String,
    pub kind: MetricKind,
    /// Rows this metric counts, beyond the filters of the whole IR; only aggregates have it.
    pub filter: Option<Filter>,
    /// The column that puts this metric into the shared buckets.
    pub time: Option<String>,
}

/// How a metric comes about.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricKind {
    Aggregate {
        agg: Agg,
        /// `None`: the rows themselves, for `count`.
        input: Option<Input>,
        /// For `percentile`: the rank, 0 to 1.
        p: Option<f64>,
        method: PercentileMethod,
    },
    Expr(Expr),
    Window(Window),
    Compare(Compare),
    Share(Share),
}

/// A moving or cumulative aggregate over the buckets of another metric.
///
/// A bucket that lies at least partly in the asked range counts with the value it is shown with;
/// one before the range counts whole. Null values do not count, and the bucket of rows without a
/// time has itself alone. `to_date` takes a bucket to the unit that its start lies in. A share of
/// the whole result has no value outside it, so a window or comparison may only be of a share
/// within the dimension of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Window {
    pub of: String,
    pub agg: Agg,
    #[serde(flatten)]
    pub frame: Frame,
}

/// The buckets a window covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum Frame {
    Trailing { n: u32 },
    ToDate { unit: Unit },
}

/// The same metric in an earlier bucket: the one that the calendar has an offset before this
/// bucket's start. Buckets of an hour or less are counted back one by one for offsets in hours and
/// minutes, and by the clock on the wall for longer ones; an hour that the earlier day skipped is
/// null, and one that came twice is its first. Days and weeks do not divide months, so they are
/// finer than any count of them. In and out of the range as for [`Window`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compare {
    pub of: String,
    pub offset: Offset,
    #[serde(rename = "as")]
    pub as_: CompareAs,
}

/// How far back a comparison looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    Span(Grain),
    /// One bucket.
    Previous,
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Span(grain) => grain.serialize(serializer),
            Self::Previous => serializer.serialize_str("previous"),
        }
    }
}

/// What a comparison shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareAs {
    Value,
    Delta,
    Ratio,
}

/// A metric's part of its total. What is linear in counts and sums adds up as they do: sums and
/// differences, times or over a number, `coalesce(…, 0)`, and comparisons as `value` or `delta`; a
/// moving sum adds up within each bucket only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    pub of: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<String>,
}

const KNOWN: &[&str] = &[
    "name", "agg", "field", "value", "p", "method", "filter", "time", "expr", "window", "compare",
    "share",
];

impl Metric {
    pub(crate) fn read(value: &Value, at: &Pointer, e: &mut Errors) -> Option<Self> {
        let object = Object::open(value, at, KNOWN, e)?;
        let name = object.need_name("name", e);
        let filter = object
            .get("filter")
            .and_then(|f| Filter::read_tree(f, &object.at("filter"), Scope::Rows, e));
        let time = object.name("time", e);
        let ways: Vec<&str> = ["agg", "expr", "window", "compare", "share"]
            .into_iter()
            .filter(|key| object.has(key))
            .collect();
        let kind = match ways[..] {
            ["agg"] => read_aggregate(&object, name.as_deref(), e),
            ["expr"] => read_expr(&object, "expr", Grammar::Metrics, e).map(MetricKind::Expr),
            ["window"] => read_window(&object, e).map(MetricKind::Window),
            ["compare"] => read_compare(&object, e).map(MetricKind::Compare),
            ["share"] => read_share(&object, e).map(MetricKind::Share),
            [] => {
                let detail = "A metric needs one of agg, expr, window, compare, share.";
                e.add(Code::MissingField, at, detail);
                None
            }
            _ => {
                let detail = format!("A metric has only one of {}.", ways.join(", "));
                e.add(Code::Conflict, at, detail);
                None
            }
        };
        if ways != ["agg"] {
            for key in ["field", "value", "p", "method", "filter", "time"] {
                if object.has(key) {
                    let detail = format!("\"{key}\" belongs to a metric with \"agg\".");
                    e.add(Code::Conflict, &object.at(key), detail);
                }
            }
        }
        Some(Self { name: name?, kind: kind?, filter, time })
    }
}

fn read_aggregate(object: &Object<'_>, name: Option<&str>, e: &mut Errors) -> Option<MetricKind> {
    let agg = object.word("agg", Agg::WORDS, e)?;
    let p = object.number("p", e);
    let methods = [("cont", PercentileMethod::Cont), ("disc", PercentileMethod::Disc)];
    let method = object.word("method", &methods, e).unwrap_or_default();
    match (agg, p) {
        (Agg::Percentile, None) => {
            e.add(Code::MissingField, &object.at, "A percentile needs \"p\", from 0 to 1.");
        }
        (Agg::Percentile, Some(p)) if !(0.0..=1.0).contains(&p) => {
            e.add(Code::BadValue, &object.at("p"), "\"p\" lies between 0 and 1.");
        }
        (Agg::Percentile, Some(_)) | (_, None) => {}
        (_, Some(_)) => {
            e.add(Code::Conflict, &object.at("p"), "\"p\" belongs to a percentile.");
        }
    }
    if object.has("method") && !matches!(agg, Agg::Percentile | Agg::Median) {
        e.add(Code::Conflict, &object.at("method"), "\"method\" belongs to a percentile.");
    }
    let mut input = Input::read(object, e);
    if input.is_none() && !object.has("field") && !object.has("value") && agg != Agg::Count {
        input = Some(Input::Field(name?.to_owned()));
    }
    Some(MetricKind::Aggregate { agg, input, p, method })
}

fn read_window(object: &Object<'_>, e: &mut Errors) -> Option<Window> {
    let known = ["of", "agg", "frame", "n", "unit"];
    let window = Object::open(object.get("window")?, &object.at("window"), &known, e)?;
    let of = window.need_name("of", e);
    window.need("agg", e);
    let agg = window.word("agg", Agg::WORDS, e);
    window.need("frame", e);
    let frame = match window.word("frame", &[("trailing", true), ("to_date", false)], e)? {
        true => {
            window.need("n", e);
            let n = window.count("n", 1, e).and_then(|n| u32::try_from(n).ok());
            Frame::Trailing { n: n? }
        }
        false => {
            window.need("unit", e);
            Frame::ToDate { unit: window.word("unit", Unit::WORDS, e)? }
        }
    };
    Some(Window { of: of?, agg: agg?, frame })
}

fn read_compare(object: &Object<'_>, e: &mut Errors) -> Option<Compare> {
    let compare =
        Object::open(object.get("compare")?, &object.at("compare"), &["of", "offset", "as"], e)?;
    let of = compare.need_name("of", e);
    let offset = match compare.need_text("offset", e).as_deref() {
        Some("previous") => Some(Offset::Previous),
        Some(_) => crate::dimension::read_grain(&compare, "offset", e).map(Offset::Span),
        None => None,
    };
    let ways =
        [("value", CompareAs::Value), ("delta", CompareAs::Delta), ("ratio", CompareAs::Ratio)];
    let as_ = if compare.has("as") { compare.word("as", &ways, e)? } else { CompareAs::Value };
    Some(Compare { of: of?, offset: offset?, as_ })
}

fn read_share(object: &Object<'_>, e: &mut Errors) -> Option<Share> {
    let share = Object::open(object.get("share")?, &object.at("share"), &["of", "within"], e)?;
    let of = share.need_name("of", e);
    let within = share.names("within", e);
    Some(Share { of: of?, within })
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        match &self.kind {
            MetricKind::Aggregate { agg, input, p, method } => {
                map.serialize_entry("agg", agg)?;
                match input {
                    Some(Input::Field(field)) => map.serialize_entry("field", field)?,
                    Some(Input::Value(expr)) => map.serialize_entry("value", expr.text())?,
                    None => {}
                }
                if let Some(p) = p {
                    map.serialize_entry("p", p)?;
                }
                if *method != PercentileMethod::Cont {
                    map.serialize_entry("method", method)?;
                }
            }
            MetricKind::Expr(expr) => map.serialize_entry("expr", expr.text())?,
            MetricKind::Window(window) => map.serialize_entry("window", window)?,
            MetricKind::Compare(compare) => map.serialize_entry("compare", compare)?,
            MetricKind::Share(share) => map.serialize_entry("share", share)?,
        }
        if let Some(filter) = &self.filter {
            map.serialize_entry("filter", filter)?;
        }
        if let Some(time) = &self.time {
            map.serialize_entry("time", time)?;
        }
        map.end()
    }
}
