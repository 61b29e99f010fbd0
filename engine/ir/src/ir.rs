//! The IR itself.

use crate::dimension::{Dimension, read_grain};
use crate::entity::{EntityRef, JoinSpec};
use crate::filter::{Filter, Scope};
use crate::metric::Metric;
use crate::read::{Errors, Object};
use crate::{Code, Grain, IrError, Pointer, Weekday};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

const MAX_METRICS: usize = 64;
const MAX_DIMENSIONS: usize = 32;
const MAX_ENTITIES: usize = 16;
const MAX_NESTING: u8 = 4;
const MAX_BYTES: usize = 1024 * 1024;

/// One report's question, in a form that means the same on every engine (`IR.md`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ir {
    pub version: &'static str,
    pub entities: Vec<EntityRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<JoinSpec>,
    #[serde(skip_serializing_if = "TimeSpec::is_default")]
    pub time: TimeSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grain: Option<Grain>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub having: Vec<Filter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<Top>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<OrderBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Which time is meant, and how its buckets lie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TimeSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub week_start: Option<Weekday>,
    /// First month of the fiscal year, 1 to 12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year_start: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<Fill>,
}

impl TimeSpec {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What stands in an absent bucket. `previous` is what the bucket before shows, its null
/// included; nothing is carried into the range from before it. Without a dimension of time there
/// is nothing to fill, and that is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    Null,
    Zero,
    Previous,
}

/// The first groups by a metric, of those that `having` lets pass. What `having` drops belongs to
/// the rest, as it belongs to every total. Windows, comparisons, `fill: previous` and shares
/// within dimensions outside `per` have no value for a rest, and are refused beside `other`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Top {
    pub n: u64,
    pub by: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub per: Vec<String>,
    pub dir: Dir,
    pub other: bool,
}

/// A direction of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dir {
    Asc,
    Desc,
}

/// Where nulls stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nulls {
    First,
    #[default]
    Last,
}

/// One key of the order of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderBy {
    /// An output column.
    pub field: String,
    pub dir: Dir,
    pub nulls: Nulls,
}

const KNOWN: &[&str] = &[
    "version",
    "entities",
    "joins",
    "time",
    "grain",
    "dimensions",
    "metrics",
    "filters",
    "having",
    "top",
    "order",
    "limit",
    "offset",
];
const DIRS: &[(&str, Dir)] = &[("asc", Dir::Asc), ("desc", Dir::Desc)];

impl Ir {
    /// Reads an IR from JSON.
    ///
    /// # Errors
    /// Everything that is wrong with its form, each with code, pointer and nearest names.
    pub fn parse(value: &Value) -> Result<Self, Vec<IrError>> {
        let mut errors = Errors::default();
        let size = value.to_string().len();
        if size > MAX_BYTES {
            let detail =
                format!("An IR has at most {MAX_BYTES} bytes of JSON; this one has {size}.");
            errors.add(Code::TooLarge, &Pointer::root(), detail);
            return Err(errors.0);
        }
        let ir = Self::read(value, &Pointer::root(), 0, &mut errors);
        match ir {
            Some(ir) if errors.0.is_empty() => Ok(ir),
            _ => Err(errors.0),
        }
    }

    /// Reads an IR from JSON text.
    ///
    /// # Errors
    /// As [`Ir::parse`]; text that is no JSON is one error with its line and column.
    pub fn parse_str(text: &str) -> Result<Self, Vec<IrError>> {
        let value: Value = serde_json::from_str(text).map_err(|bad| {
            vec![IrError::new(Code::BadType, &Pointer::root(), format!("Not JSON: {bad}."))]
        })?;
        Self::parse(&value)
    }

    /// The canonical JSON form, which parses to the same IR.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    pub(crate) fn read(value: &Value, at: &Pointer, depth: u8, e: &mut Errors) -> Option<Self> {
        if depth > MAX_NESTING {
            e.add(Code::TooLarge, at, format!("Queries nest at most {MAX_NESTING} deep."));
            return None;
        }
        let o = Object::open(value, at, KNOWN, e)?;
        read_version(&o, e);
        let entities =
            read_each(&o, "entities", MAX_ENTITIES, e, |v, at, e| EntityRef::read(v, at, depth, e));
        o.need("entities", e);
        if o.list("entities", e).is_empty() && o.has("entities") {
            e.add(Code::MissingField, &o.at("entities"), "At least one entity must be named.");
        }
        let ir = Self {
            version: "1",
            entities,
            joins: read_each(&o, "joins", MAX_ENTITIES * 2, e, JoinSpec::read),
            time: read_time(&o, e),
            grain: read_grain(&o, "grain", e),
            dimensions: read_each(&o, "dimensions", MAX_DIMENSIONS, e, Dimension::read),
            metrics: read_each(&o, "metrics", MAX_METRICS, e, Metric::read),
            filters: Filter::read_list(o.list("filters", e), &o.at("filters"), Scope::Rows, 1, e),
            having: Filter::read_list(o.list("having", e), &o.at("having"), Scope::Metrics, 1, e),
            top: read_top(&o, e),
            order: read_each(&o, "order", MAX_DIMENSIONS + MAX_METRICS, e, OrderBy::read),
            limit: read_limit(&o, e),
            offset: o.count("offset", 0, e).unwrap_or(0),
        };
        if !o.has("dimensions") && !o.has("metrics")
            || ir.dimensions.is_empty() && ir.metrics.is_empty() && e.0.is_empty()
        {
            let detail = "Nothing is asked for: give dimensions, metrics or both.";
            e.add(Code::MissingField, at, detail);
        }
        unique_outputs(&ir, at, e);
        Some(ir)
    }
}

fn read_version(o: &Object<'_>, e: &mut Errors) {
    match o.get("version") {
        None => {}
        Some(Value::String(v)) if v == "1" => {}
        Some(other) => {
            let detail = format!("This is version \"1\" of the IR, not {other}.");
            e.add(Code::BadValue, &o.at("version"), detail);
        }
    }
}

fn read_each<T>(
    o: &Object<'_>,
    key: &str,
    most: usize,
    e: &mut Errors,
    mut read: impl FnMut(&Value, &Pointer, &mut Errors) -> Option<T>,
) -> Vec<T> {
    let items = o.list(key, e);
    let at = o.at(key);
    if items.len() > most {
        let detail = format!("There are at most {most} {key}, not {}.", items.len());
        e.add(Code::TooLarge, &at, detail);
        return Vec::new();
    }
    items.iter().enumerate().filter_map(|(i, v)| read(v, &at.index(i), e)).collect()
}

fn read_time(o: &Object<'_>, e: &mut Errors) -> TimeSpec {
    let Some(value) = o.get("time") else { return TimeSpec::default() };
    let known = ["field", "timezone", "week_start", "year_start", "fill"];
    let Some(time) = Object::open(value, &o.at("time"), &known, e) else {
        return TimeSpec::default();
    };
    let timezone = time.name("timezone", e);
    if let Some(zone) = timezone.as_deref().filter(|z| !is_zone(z)) {
        let detail = format!("\"{zone}\" is no IANA time zone, such as \"Europe/Berlin\".");
        let zones: Vec<String> =
            jiff::tz::db().available().map(|z| z.as_str().to_owned()).collect();
        e.0.push(
            IrError::new(Code::UnknownTimezone, &time.at("timezone"), detail)
                .near(zone, zones.iter().map(String::as_str)),
        );
    }
    let year_start = time.count("year_start", 1, e);
    if year_start.is_some_and(|m| m > 12) {
        e.add(Code::BadValue, &time.at("year_start"), "\"year_start\" is a month, 1 to 12.");
    }
    let fills = [("null", Fill::Null), ("zero", Fill::Zero), ("previous", Fill::Previous)];
    TimeSpec {
        field: time.name("field", e),
        timezone,
        week_start: time.word("week_start", Weekday::WORDS, e),
        year_start: year_start.and_then(|m| u8::try_from(m).ok()),
        fill: time.word("fill", &fills, e),
    }
}

/// Whether `zone` is in the bundled zone database, spelled as there.
fn is_zone(zone: &str) -> bool {
    jiff::tz::TimeZone::get(zone).is_ok_and(|tz| tz.iana_name() == Some(zone))
}

fn read_top(o: &Object<'_>, e: &mut Errors) -> Option<Top> {
    let top = Object::open(o.get("top")?, &o.at("top"), &["n", "by", "per", "dir", "other"], e)?;
    top.need("n", e);
    let n = top.count("n", 1, e);
    let by = top.need_name("by", e);
    let per = top.names("per", e);
    let dir = top.word("dir", DIRS, e).unwrap_or(Dir::Desc);
    let other = top.bool("other", e).unwrap_or(false);
    Some(Top { n: n?, by: by?, per, dir, other })
}

fn read_limit(o: &Object<'_>, e: &mut Errors) -> Option<u64> {
    let value = o.get("limit")?;
    let limit = value.as_u64().filter(|n| *n >= 1);
    if limit.is_none() {
        let detail = format!("A limit is a whole number of at least 1, not {value}.");
        e.add(Code::BadLimit, &o.at("limit"), detail);
    }
    limit
}

impl OrderBy {
    fn read(value: &Value, at: &Pointer, e: &mut Errors) -> Option<Self> {
        let o = Object::open(value, at, &["field", "dir", "nulls"], e)?;
        let field = o.need_name("field", e);
        let dir = o.word("dir", DIRS, e).unwrap_or(Dir::Asc);
        let nulls = [("first", Nulls::First), ("last", Nulls::Last)];
        let nulls = o.word("nulls", &nulls, e).unwrap_or_default();
        Some(Self { field: field?, dir, nulls })
    }
}

/// Two outputs may not share a name, and an entity may not be listed twice under one.
fn unique_outputs(ir: &Ir, at: &Pointer, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    for (i, dimension) in ir.dimensions.iter().enumerate() {
        if !seen.insert(dimension.name.as_str()) {
            let detail = format!("\"{}\" is an output already.", dimension.name);
            e.add(Code::DuplicateName, &at.key("dimensions").index(i), detail);
        }
    }
    for (i, metric) in ir.metrics.iter().enumerate() {
        if !seen.insert(metric.name.as_str()) {
            let detail = format!("\"{}\" is an output already.", metric.name);
            e.add(Code::DuplicateName, &at.key("metrics").index(i), detail);
        }
    }
    let mut names = BTreeSet::new();
    for (i, entity) in ir.entities.iter().enumerate() {
        if !names.insert(entity.name()) {
            let detail =
                format!("\"{}\" is listed already; give one of them an \"as\".", entity.name());
            e.add(Code::DuplicateName, &at.key("entities").index(i), detail);
        }
    }
}

impl<'de> Deserialize<'de> for Ir {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::parse(&value).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            serde::de::Error::custom(all.join(" "))
        })
    }
}
