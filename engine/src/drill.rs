//! From one row of an answer to the rows behind it.
//!
//! In: an IR, and the values of one row of its answer as JSON, by the names of its dimensions.
//! Out: an IR without metrics whose rows are the base rows of that row: the IR's own filters,
//! and for each dimension a filter that only the rows of the group pass. Deliberately absent:
//! SQL, and guesses. A dimension whose group no filter can say is refused, and so is the row of
//! `top`'s rest, which is no group.

use crate::functions::{Bucket, Buckets, ZoneSpec};
use crate::model::{Model, ROOT};
use crate::plan::{IS_OTHER, PlanError, bin_names, is_unit};
use crate::prepared::Prepared;
use air_ir::{Code, Dimension, Grain, Input, Ir, IrError, MetricKind, Pointer, Shape, Unit};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

/// What of a row is wanted.
#[derive(Debug, Clone, Default)]
pub struct DrillOptions {
    /// The metric whose rows are wanted: its own filter holds too, and they are of its entity.
    pub metric: Option<String>,
    /// Rows at most; the default of every IR where absent.
    pub limit: Option<u64>,
}

/// The IR of the rows behind `row`, a row of the answer of `ir`. Dimensions that `row` does not
/// name are not narrowed.
///
/// # Errors
/// Names that `ir` does not have, values that its dimensions cannot have, and groups that no
/// filter can say, each with code and pointer; pointers below `/row` are into `row`.
pub fn drill(
    ir: &Ir,
    row: &Map<String, Value>,
    prepared: &Prepared,
    options: &DrillOptions,
) -> Result<Ir, PlanError> {
    let at = Pointer::root().key("row");
    let model = Model::bind(ir, prepared, &Pointer::root(), &mut |_, at| {
        let detail = "The rows behind a nested query are those of the query; ask it instead.";
        Err(vec![IrError::new(Code::Unsupported, at, detail)])
    })
    .map_err(PlanError)?;
    let mut drill = Drill { ir, row, model, filters: Vec::new(), at, grain: ir.grain };
    drill.whole(options).map_err(|error| PlanError(vec![error]))
}

struct Drill<'a> {
    ir: &'a Ir,
    row: &'a Map<String, Value>,
    model: Model<'a>,
    filters: Vec<Value>,
    at: Pointer,
    grain: Option<Grain>,
}

impl Drill<'_> {
    fn whole(&mut self, options: &DrillOptions) -> Result<Ir, IrError> {
        self.known_names()?;
        let metric = match &options.metric {
            None => None,
            Some(name) => {
                Some(self.ir.metrics.iter().find(|m| m.name == *name).ok_or_else(|| {
                    let names = self.ir.metrics.iter().map(|m| m.name.as_str());
                    let detail = format!("There is no metric \"{name}\".");
                    IrError::new(Code::UnknownMetric, &self.at, detail).near(name, names)
                })?)
            }
        };
        for dimension in &self.ir.dimensions {
            if let Some(value) = self.row.get(&dimension.name) {
                let at = self.at.key(&dimension.name);
                self.dimension(dimension, value, metric.and_then(|m| m.time.as_deref()), &at)?;
            }
        }
        if let Some(filter) = metric.and_then(|m| m.filter.as_ref()) {
            self.filters.push(serde_json::to_value(filter).unwrap_or(Value::Null));
        }
        let entity = match metric.map(|m| &m.kind) {
            Some(MetricKind::Aggregate { input: Some(Input::Field(name)), .. }) => {
                self.model.field(name, &self.at)?.target
            }
            Some(MetricKind::Aggregate { .. }) | None => ROOT,
            Some(_) => {
                let detail = "Only an aggregate has rows behind it; name one that this is of.";
                return Err(IrError::new(Code::Unsupported, &self.at, detail));
            }
        };
        self.detail(entity, metric.and_then(|m| m.time.as_deref()), options)
    }

    /// A row has only outputs of the IR; the row of a rest has no rows of its own.
    fn known_names(&self) -> Result<(), IrError> {
        let dimensions = self.ir.dimensions.iter().map(|d| d.name.as_str());
        let metrics = self.ir.metrics.iter().map(|m| m.name.as_str());
        let known: Vec<&str> = dimensions.chain(metrics).chain([IS_OTHER]).collect();
        for name in self.row.keys() {
            if !known.contains(&name.as_str()) {
                let detail = format!("The answer has no column \"{name}\".");
                let error = IrError::new(Code::UnknownOutput, &self.at.key(name), detail);
                return Err(error.near(name, known));
            }
        }
        let other = self.ir.top.as_ref().is_some_and(|top| top.other);
        if other && self.row.get(IS_OTHER) == Some(&Value::Bool(true)) {
            let detail = "This row is the rest of several groups; ask for the rows of one of them.";
            return Err(IrError::new(Code::Unsupported, &self.at.key(IS_OTHER), detail));
        }
        Ok(())
    }

    fn dimension(
        &mut self,
        dimension: &Dimension,
        value: &Value,
        time: Option<&str>,
        at: &Pointer,
    ) -> Result<(), IrError> {
        let column = |name: &str| {
            self.model.listed().iter().any(|t| self.model.table(t.table).column(name).is_some())
        };
        let name = &dimension.name;
        let bare = dimension.bare && (name == "time" || is_unit(name)) && !column(name);
        if bare {
            let unit = Unit::WORDS.iter().find(|(word, _)| word == name).map(|(_, unit)| *unit);
            let grain = self.grain.or(unit.map(Grain::one)).ok_or_else(|| {
                IrError::new(Code::GrainMismatch, at, "\"time\" needs a \"grain\".")
            })?;
            let field = self.time_field(time, at)?;
            return self.bucket(&Input::Field(field), grain, value, at);
        }
        let (key, subject) = subject(&dimension.input);
        if value.is_null() {
            self.filters.push(json!({ key: subject, "op": "is_null" }));
            return Ok(());
        }
        match &dimension.shape {
            Shape::Plain => {
                self.filters.push(json!({ key: subject, "op": "=", "value": value }));
                Ok(())
            }
            Shape::Bucket(grain) => self.bucket(&dimension.input, *grain, value, at),
            Shape::Bins(bounds) => self.bin(&dimension.input, bounds, value, at),
            Shape::Part(part) => {
                let detail = format!(
                    "No filter says which rows have this {}; ask by a bucket of time instead.",
                    part.as_str()
                );
                Err(IrError::new(Code::Unsupported, at, detail))
            }
        }
    }

    /// The column that a bare unit of time is of.
    fn time_field(&mut self, time: Option<&str>, at: &Pointer) -> Result<String, IrError> {
        if let Some(name) = time.or(self.ir.time.field.as_deref()) {
            return Ok(name.to_owned());
        }
        let root = &self.model.targets[ROOT];
        let table = self.model.table(root.table);
        let temporal: Vec<&str> = table
            .columns
            .iter()
            .filter(|c| c.data_type.is_temporal())
            .map(|c| c.name.as_str())
            .collect();
        match (&table.time_column, &temporal[..]) {
            (Some(column), _) => Ok(format!("{}.{column}", root.name)),
            (None, [one]) => Ok(format!("{}.{one}", root.name)),
            _ => {
                let detail = "Say which time is meant with \"time\".";
                Err(IrError::new(Code::AmbiguousTime, at, detail))
            }
        }
    }

    /// A bucket as a half-open range of the raw column.
    fn bucket(
        &mut self,
        input: &Input,
        grain: Grain,
        value: &Value,
        at: &Pointer,
    ) -> Result<(), IrError> {
        let (key, subject) = subject(input);
        if value.is_null() {
            self.filters.push(json!({ key: subject, "op": "is_null" }));
            return Ok(());
        }
        let bad = || {
            let detail = format!("{value} is no start of a bucket of {grain}.");
            IrError::new(Code::TypeMismatch, at, detail)
        };
        let text = value.as_str().ok_or_else(bad)?;
        let catalog_zone = self.model.prepared.catalog().time_zone.as_deref();
        let zone = self.ir.time.timezone.as_deref().or(catalog_zone).unwrap_or(crate::types::UTC);
        let zone = ZoneSpec::get(zone).map_err(|_| bad())?;
        let weeks = self.ir.time.week_start.unwrap_or_default();
        let years = self.ir.time.year_start.unwrap_or(1);
        let of = |dates| Buckets::new(Bucket::new(grain, zone.clone(), weeks, years), dates);
        let (buckets, start) = match (text.len(), text.parse::<Date>()) {
            (10, Ok(day)) => (of(true), crate::plan::raw_day(day)),
            _ => (of(false), text.parse::<Timestamp>().ok().map(|t| t.as_microsecond())),
        };
        let start = start.ok_or_else(bad)?;
        if buckets.start(start).map_err(|_| bad())? != start {
            return Err(bad());
        }
        let end = buckets.next(start).map_err(|_| bad())?;
        let (start, end) = (buckets.shown(start), buckets.shown(end));
        self.filters.push(json!({ key: subject, "op": ">=", "value": start }));
        self.filters.push(json!({ key: subject, "op": "<", "value": end }));
        Ok(())
    }

    fn bin(
        &mut self,
        input: &Input,
        bounds: &[serde_json::Number],
        value: &Value,
        at: &Pointer,
    ) -> Result<(), IrError> {
        let names = bin_names(bounds);
        let place =
            names.iter().position(|name| value.as_str() == Some(name)).ok_or_else(|| {
                let detail = format!("{value} is none of {}.", names.join(", "));
                IrError::new(Code::BadValue, at, detail)
            })?;
        let (key, subject) = subject(input);
        if let Some(lower) = place.checked_sub(1).and_then(|i| bounds.get(i)) {
            self.filters.push(json!({ key: subject, "op": ">=", "value": lower }));
        }
        if let Some(upper) = bounds.get(place) {
            self.filters.push(json!({ key: subject, "op": "<", "value": upper }));
        }
        Ok(())
    }

    /// The rows of an entity: its columns as dimensions, the primary key first. Without a key,
    /// equal rows are one, and a count tells how many they are.
    fn detail(
        &self,
        entity: usize,
        metric_time: Option<&str>,
        options: &DrillOptions,
    ) -> Result<Ir, IrError> {
        let target = &self.model.targets[entity];
        let table = self.model.table(target.table);
        let readable = table.columns.iter().filter(|c| crate::arrow_type(c.data_type).is_some());
        let mut names: Vec<&str> = table.primary_key.iter().map(String::as_str).collect();
        let key_is_known = !names.is_empty();
        for column in readable {
            if !names.contains(&column.name.as_str()) {
                names.push(&column.name);
            }
        }
        let dimensions: Vec<Value> = names
            .iter()
            .take(MOST_COLUMNS)
            .map(|name| json!({ "name": name, "field": format!("{}.{name}", target.name) }))
            .collect();
        let mut ir = self.ir.to_json();
        let Value::Object(members) = &mut ir else {
            return Err(IrError::new(Code::BadType, &self.at, "The IR is no object."));
        };
        for gone in ["metrics", "having", "top", "order", "offset", "limit", "grain"] {
            members.remove(gone);
        }
        if let Value::Object(time) = members.entry("time").or_insert_with(|| json!({})) {
            time.remove("fill");
            if let Some(own) = metric_time {
                // "$time" then means the metric's own time.
                time.insert("field".to_owned(), json!(own));
            }
        }
        let own = members.entry("filters").or_insert_with(|| json!([]));
        if let Value::Array(own) = own {
            own.extend(self.filters.iter().cloned());
        }
        if entity != ROOT {
            self.make_root(members, entity);
        }
        members.insert("dimensions".to_owned(), Value::Array(dimensions));
        if !key_is_known {
            let mut name = "rows".to_owned();
            while names.contains(&name.as_str()) {
                name.push('_');
            }
            members.insert("metrics".to_owned(), json!([{ "name": name, "agg": "count" }]));
        }
        if let Some(limit) = options.limit {
            members.insert("limit".to_owned(), json!(limit));
        }
        Ir::parse(&ir).map_err(|mut errors| errors.remove(0))
    }

    /// Puts the entity of a metric first, so that the rows are its own.
    fn make_root(&self, members: &mut Map<String, Value>, entity: usize) {
        let name = &self.model.targets[entity].name;
        let Some(Value::Array(entities)) = members.get_mut("entities") else { return };
        match self.model.listed().iter().position(|t| t.name == *name) {
            Some(place) => entities[..=place].rotate_right(1),
            None => entities.insert(0, json!(name)),
        }
    }
}

/// An IR has at most so many dimensions.
const MOST_COLUMNS: usize = 32;

/// The key and the value that a filter names an input by.
fn subject(input: &Input) -> (&'static str, String) {
    match input {
        Input::Field(name) => ("field", name.clone()),
        Input::Value(expr) => ("expr", expr.text().to_owned()),
    }
}
