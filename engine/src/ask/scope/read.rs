//! A scope back to an IR.

use super::{HEADINGS, parse};
use crate::ask::build::calendar;
use crate::ask::routes;
use crate::ask::time::resolve::{Clock, Resolved};
use crate::ask::tokens::{self, Stems};
use air_ir::{Catalog, Code, Ir, IrError, Op, Pointer, catalog};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Reads an edited scope.
///
/// # Errors
/// Every line that is not understood, by its number, and everything that is wrong with the IR the
/// lines make, each with the line it comes from.
pub fn read(markdown: &str, catalog: &Catalog, now: Timestamp) -> Result<Ir, Vec<IrError>> {
    let mut reader =
        Reader { catalog, now, ir: Map::new(), places: Vec::new(), errors: Vec::new() };
    let mut heading: Option<&str> = None;
    for (at, line) in markdown.lines().enumerate() {
        let number = at + 1;
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        if let Some(title) = text.strip_prefix('#') {
            let title = title.trim_start_matches('#').trim();
            heading = HEADINGS.iter().copied().find(|h| h.eq_ignore_ascii_case(title));
            if heading.is_none() {
                let detail =
                    format!("there is no such heading; there are {}.", HEADINGS.join(", "));
                reader.wrong(number, text, &detail);
                heading = Some("Question");
            }
            continue;
        }
        let item = text.strip_prefix(['-', '*', '+']).map_or(text, str::trim);
        reader.line(heading, number, item);
    }
    reader.finish()
}

struct Reader<'a> {
    catalog: &'a Catalog,
    now: Timestamp,
    ir: Map<String, Value>,
    /// Which line each part of the IR comes from, by its JSON pointer.
    places: Vec<(String, usize, String)>,
    errors: Vec<IrError>,
}

impl Reader<'_> {
    fn wrong(&mut self, number: usize, text: &str, detail: &str) {
        let detail = format!("Line {number}, \"{text}\": {detail}");
        self.errors.push(IrError::new(Code::BadValue, &Pointer::root(), detail));
    }

    fn line(&mut self, heading: Option<&str>, number: usize, item: &str) {
        let done = match heading {
            None => Err("it stands above the first heading.".to_owned()),
            Some("Data") => self.data(number, item),
            Some("Measures") => parse::metric(item).map(|v| self.push("metrics", number, item, v)),
            Some("Breakdown") => self.breakdown(number, item),
            Some("Filters") => self.filter(number, item),
            Some("Period") => self.period(number, item),
            Some("Order and limit") => self.order(number, item),
            Some(_) => Ok(()),
        };
        if let Err(detail) = done {
            self.wrong(number, item, &detail);
        }
    }

    fn push(&mut self, key: &str, number: usize, text: &str, value: Value) {
        let list = self.ir.entry(key.to_owned()).or_insert_with(|| json!([]));
        let Value::Array(list) = list else { return };
        self.places.push((format!("/{key}/{}", list.len()), number, text.to_owned()));
        list.push(value);
    }

    fn set(&mut self, key: &str, number: usize, text: &str, value: Value) -> Result<(), String> {
        if self.ir.contains_key(key) {
            return Err(format!("the {key} is said already."));
        }
        self.places.push((format!("/{key}"), number, text.to_owned()));
        self.ir.insert(key.to_owned(), value);
        Ok(())
    }

    fn data(&mut self, number: usize, item: &str) -> Result<(), String> {
        if let Some(value) = parse::quoted_json(item) {
            let value = value?;
            self.push("entities", number, item, value);
            return Ok(());
        }
        if let Some(rest) = parse::after(item, "join") {
            let value = join(rest)?;
            self.push("joins", number, item, value);
            return Ok(());
        }
        if let Some((label, value)) = item.split_once(':') {
            return self.time(number, item, label.trim(), value.trim());
        }
        let value = match item.split_once(" as ") {
            Some((entity, alias)) => json!({ "entity": entity.trim(), "as": alias.trim() }),
            None => json!(item),
        };
        self.push("entities", number, item, value);
        Ok(())
    }

    fn time(&mut self, number: usize, item: &str, label: &str, value: &str) -> Result<(), String> {
        let (key, value) = match label.to_lowercase().as_str() {
            "time column" => ("field", json!(value)),
            "time zone" => ("timezone", json!(value)),
            "week starts on" => ("week_start", json!(value.to_lowercase())),
            "year starts in month" => {
                let month: u8 =
                    value.parse().map_err(|_| "a month is a number, 1 to 12.".to_owned())?;
                ("year_start", json!(month))
            }
            "empty buckets" => ("fill", json!(value)),
            _ => {
                let known =
                    "time column, time zone, week starts on, year starts in month, empty buckets";
                return Err(format!(
                    "\"{label}\" is nothing that can be said of data; there are {known}."
                ));
            }
        };
        self.places.push((format!("/time/{key}"), number, item.to_owned()));
        let time = self.ir.entry("time".to_owned()).or_insert_with(|| json!({}));
        time[key] = value;
        Ok(())
    }

    fn breakdown(&mut self, number: usize, item: &str) -> Result<(), String> {
        if let Some(grain) = parse::after(item, "grain:") {
            return self.set("grain", number, item, json!(grain.trim()));
        }
        let value = parse::dimension(item)?;
        self.push("dimensions", number, item, value);
        Ok(())
    }

    fn filter(&mut self, number: usize, item: &str) -> Result<(), String> {
        let (key, text) = match parse::after(item, "groups:") {
            Some(rest) => ("having", rest),
            None => ("filters", item),
        };
        let value = parse::filter(text)?;
        self.push(key, number, item, value);
        Ok(())
    }

    /// A period as the IR writes it, with its column; or in words, of the main table's time.
    fn period(&mut self, number: usize, item: &str) -> Result<(), String> {
        if let Ok(value) = parse::filter(item) {
            self.push("filters", number, item, value);
            return Ok(());
        }
        let (op, period) = if parse::is_period(item) {
            (Op::During, item.to_owned())
        } else {
            self.period_in_words(item)?
        };
        let field = self
            .time_column()
            .ok_or("the data have no single time column; write \"column during 2024\".")?;
        self.push(
            "filters",
            number,
            item,
            json!({ "field": field, "op": op.as_str(), "value": period }),
        );
        Ok(())
    }

    fn period_in_words(&self, item: &str) -> Result<(Op, String), String> {
        let tokens = tokens::read(item, &Stems::new());
        let bad = || {
            "this is no period; write \"2024-03\", \"last 30 days\" or \"since March 2024\"."
                .to_owned()
        };
        let (phrase, len) = crate::ask::time::read(&tokens, None).ok_or_else(bad)?;
        if len != tokens.len() {
            return Err(bad());
        }
        let clock = Clock { calendar: calendar(self.catalog), now: self.now, data: None };
        match clock.resolve(&phrase, &mut Vec::new()) {
            Resolved::Compare(op, text) => Ok((op, text)),
            Resolved::Future(text) => Err(format!("\"{text}\" has not happened yet.")),
            Resolved::Bad(detail) => Err(detail),
            Resolved::Parts(..) => Err("days of the week are no period.".to_owned()),
            Resolved::Ask { text, .. } => Err(text),
        }
    }

    fn time_column(&self) -> Option<String> {
        if let Some(Value::String(field)) = self.ir.get("time").and_then(|t| t.get("field")) {
            return Some(field.clone());
        }
        let first = self.ir.get("entities")?.get(0)?;
        let name = first.as_str().or_else(|| first.get("entity").and_then(Value::as_str))?;
        let at = self
            .catalog
            .tables
            .iter()
            .position(|t| t.name == name || t.qualified_name() == name)?;
        match routes::time_columns(self.catalog, at)[..] {
            [only] => routes::column(self.catalog, only).map(|c| c.name.clone()),
            _ => None,
        }
    }

    fn order(&mut self, number: usize, item: &str) -> Result<(), String> {
        for key in ["limit", "offset"] {
            if let Some(n) = parse::after(item, key) {
                let n: u64 = n.parse().map_err(|_| format!("a {key} is a whole number."))?;
                return self.set(key, number, item, json!(n));
            }
        }
        if parse::after(item, "top").is_some() || parse::after(item, "bottom").is_some() {
            let value = parse::top(item)?;
            return self.set("top", number, item, value);
        }
        match parse::quoted_json(item) {
            Some(Ok(value)) if value.get("n").is_some() => self.set("top", number, item, value),
            _ => {
                let value = parse::order(item)?;
                self.push("order", number, item, value);
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Result<Ir, Vec<IrError>> {
        match Ir::parse(&Value::Object(self.ir.clone())) {
            Ok(ir) => {
                self.unknown_entities(&ir);
                if self.errors.is_empty() { Ok(ir) } else { Err(self.errors) }
            }
            Err(errors) => {
                let placed: Vec<IrError> = errors.into_iter().map(|e| self.placed(e)).collect();
                // Lines that were not understood are why parts are missing.
                if self.errors.is_empty() {
                    self.errors = placed;
                } else {
                    self.errors
                        .extend(placed.into_iter().filter(|e| e.detail.starts_with("Line ")));
                }
                Err(self.errors)
            }
        }
    }

    fn placed(&self, mut error: IrError) -> IrError {
        let within = |at: &str| error.pointer == at || error.pointer.starts_with(&format!("{at}/"));
        if let Some((_, number, text)) = self.places.iter().find(|(at, ..)| within(at)) {
            error.detail = format!("Line {number}, \"{text}\": {}", error.detail);
        }
        error
    }

    /// Tables and columns that the catalog does not have.
    fn unknown_entities(&mut self, ir: &Ir) {
        let names: Vec<String> = self.catalog.table_names().collect();
        let bare: Vec<&str> = self.catalog.tables.iter().map(|t| t.name.as_str()).collect();
        let mut found = Vec::new();
        for (i, entity) in ir.entities.iter().enumerate() {
            let name = match entity {
                air_ir::EntityRef::Name(name) => name,
                air_ir::EntityRef::Named { entity, source: None, .. } => entity,
                _ => continue,
            };
            if self.catalog.table(name) != catalog::Found::None {
                continue;
            }
            let at = Pointer::root().key("entities").index(i);
            let detail = format!("There is no \"{name}\" in this source.");
            let near = names.iter().map(String::as_str).chain(bare.iter().copied());
            found.push(IrError::new(Code::UnknownEntity, &at, detail).near(name, near));
        }
        for error in found {
            let placed = self.placed(error);
            self.errors.push(placed);
        }
    }
}

fn join(rest: &str) -> Result<Value, String> {
    if let Some(value) = parse::quoted_json(rest) {
        return value;
    }
    let (rest, inner) = match rest.strip_suffix(", inner") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (left, right) = rest.split_once(" to ").ok_or("a join is \"join a.x to b.y as role\".")?;
    let (right, alias) = match right.split_once(" as ") {
        Some((right, alias)) => (right, Some(alias.trim())),
        None => (right, None),
    };
    let side = |text: &str| {
        let names: Vec<&str> = text.split(" + ").map(str::trim).collect();
        if names.len() == 1 { json!(names[0]) } else { json!(names) }
    };
    let mut join = json!({ "left": side(left), "right": side(right) });
    if let Some(alias) = alias {
        join["as"] = json!(alias);
    }
    join["kind"] = json!(if inner { "inner" } else { "left" });
    Ok(join)
}
