//! Groups: what rows are broken down by.
//!
//! In: clauses of groups. Out: dimensions of the IR: columns, buckets and parts of the time.

use super::build::Build;
use super::clauses::{GroupClause, Grouped};
use super::lexicon::Target;
use super::questions::Choice;
use super::root;
use super::routes::{self, Field};
use air_ir::{Dimension, Grain, Input, Part, Shape, Unit};

/// A dimension that is only a name.
pub(super) fn bare(name: &str) -> Dimension {
    let input = Input::Field(name.to_owned());
    Dimension { name: name.to_owned(), input, shape: Shape::Plain, bare: true }
}

impl Build<'_> {
    /// Adds a dimension unless it is there; its name.
    pub(super) fn dimension(&mut self, dimension: Dimension) -> String {
        let name = dimension.name.clone();
        let same = |d: &Dimension| d.input == dimension.input && d.shape == dimension.shape;
        if let Some(there) = self.ir.dimensions.iter().find(|d| same(d)) {
            return there.name.clone();
        }
        let mut dimension = dimension;
        while self.ir.dimensions.iter().any(|d| d.name == dimension.name) {
            dimension.name.push_str("_2");
            dimension.bare = false;
        }
        self.rename_metric(&dimension.name);
        let name = if dimension.name == name { name } else { dimension.name.clone() };
        self.ir.dimensions.push(dimension);
        name
    }

    /// A metric may not have a dimension's name.
    fn rename_metric(&mut self, name: &str) {
        for metric in self.ir.metrics.iter_mut().filter(|m| m.name == name) {
            metric.name.push_str("_figure");
        }
    }

    /// The dimensions of a clause, by name.
    pub(super) fn group(&mut self, group: &Grouped) -> Vec<String> {
        match group.what {
            GroupClause::Bucket(grain) => self.bucket(grain).into_iter().collect(),
            GroupClause::Part(part) => self.part(part).into_iter().collect(),
            GroupClause::Name(chunk) => self.group_name(chunk),
        }
    }

    /// Groups by what a chunk names: a column, a label, or the rows of the main table.
    pub(super) fn group_name(&mut self, chunk: usize) -> Vec<String> {
        let Some(said) = self.chunks.get(chunk) else { return Vec::new() };
        let found = root::fields(self.catalog, self.lexicon, self.root, said);
        if found.is_empty() && self.names_root(chunk) > 0.6 {
            self.mark(chunk);
            let key = self.catalog.tables.get(self.root).map(|t| t.primary_key.clone());
            if key.as_ref().is_none_or(Vec::is_empty) {
                self.missing.push(said.text.clone());
                let table = self.table_name(self.root);
                self.reasons.push(format!("{table} has no key by which its rows are told apart."));
            }
            return key.unwrap_or_default().iter().map(|c| self.dimension(bare(c))).collect();
        }
        let Some(field) = self.choose_field(chunk, &found) else {
            self.mark(chunk);
            self.missing.push(said.text.clone());
            let table = self.table_name(self.root);
            self.reasons.push(format!("Rows of {table} cannot be grouped by \"{}\".", said.text));
            return Vec::new();
        };
        let rows = said
            .names
            .first()
            .is_some_and(|c| !matches!(c.target, Target::Column(_) | Target::RoleColumn(..)));
        let mut names = vec![self.group_field(&field)];
        let key = if rows { self.told_apart(&field) } else { None };
        for key in key.unwrap_or_default() {
            let spelled = self.field(&key);
            names.push(self.dimension(bare(&spelled)));
        }
        names
    }

    /// The key by which rows of one name are told apart: "per customer" is one group a customer,
    /// not one a name. `None` where the field is the key, or a name that nobody shares, or where
    /// no key is known; the last is said.
    fn told_apart(&mut self, field: &Field) -> Option<Vec<Field>> {
        let key = self.key_beside(field)?;
        let spelled = self.spelled(field);
        if key.is_empty() {
            self.asked.assume(format!("Those of one {spelled} are one group."));
            return None;
        }
        let by: Vec<String> = key.iter().map(|f| self.spelled(f)).collect();
        self.asked.assume(format!("Those of one {spelled} are told apart by {}.", by.join(", ")));
        Some(key)
    }

    /// The key of the rows that a label names, where several rows may have one label; empty where
    /// no key is known.
    pub(super) fn key_beside(&self, field: &Field) -> Option<Vec<Field>> {
        let column = self.column(field.col)?;
        let table = self.catalog.tables.get(field.col.table)?;
        let unique = column
            .values
            .as_ref()
            .is_some_and(|v| v.complete && v.counts.values().all(|n| *n == 1));
        // Several may be without a name.
        let unique = unique && !column.nullable;
        let label = routes::label(self.catalog, field.col.table) == Some(field.col);
        if unique || !label || table.primary_key == [column.name.as_str()] {
            return None;
        }
        let referred = field.hops.last().and_then(|hop| {
            let key = self.catalog.tables.get(hop.table)?.foreign_keys.get(hop.key)?;
            Some(&key.references.columns)
        });
        let columns = match table.primary_key.is_empty() {
            true => referred.map(Vec::as_slice).unwrap_or_default(),
            false => table.primary_key.as_slice(),
        };
        let fields: Option<Vec<Field>> = columns
            .iter()
            .map(|name| {
                let col = routes::named(self.catalog, field.col.table, name)?;
                let hops = field.hops.clone();
                Some(routes::shortened(self.catalog, Field { hops, col }))
            })
            .collect();
        Some(fields.unwrap_or_default())
    }

    pub(super) fn group_field(&mut self, field: &Field) -> String {
        let spelled = self.field(field);
        let instant = self.column(field.col).is_some_and(|c| {
            matches!(c.data_type, air_ir::DataType::Timestamp | air_ir::DataType::Timestamptz)
        });
        if !instant {
            return self.dimension(bare(&spelled));
        }
        let grain = Grain::one(Unit::Day);
        self.asked.assume(format!("{spelled} is grouped by day."));
        let name = self.column(field.col).map(|c| c.name.clone()).unwrap_or_default();
        let input = Input::Field(spelled);
        self.dimension(Dimension { name, input, shape: Shape::Bucket(grain), bare: false })
    }

    /// A bucket of the time column, by its unit where no column has that name.
    pub(super) fn bucket(&mut self, grain: Grain) -> Option<String> {
        let unit = grain.unit.as_str();
        let Some(field) = self.time_field(unit) else { return self.counted_unit(unit) };
        let shadowed = self.shadowed(unit);
        let spelled = self.field(&field);
        self.say_time(&field, &spelled);
        let free = self.ir.grain.is_none_or(|g| g == grain);
        if !shadowed && free && grain.n == 1 {
            self.ir.grain = Some(grain);
            return Some(self.dimension(bare(unit)));
        }
        let name = if grain.n == 1 { unit.to_owned() } else { "time".to_owned() };
        if shadowed && grain.n == 1 {
            self.asked
                .assume(format!("\"{unit}\" is the {unit} of {spelled}, not the column {unit}."));
        }
        let input = Input::Field(spelled);
        Some(self.dimension(Dimension { name, input, shape: Shape::Bucket(grain), bare: false }))
    }

    /// Whether the main table has a column of that name.
    pub(super) fn shadowed(&self, name: &str) -> bool {
        routes::table(self.catalog, self.root).is_some_and(|t| t.column(name).is_some())
    }

    /// The IR names the time column where the main table declares none, or another one.
    pub(super) fn say_time(&mut self, field: &Field, spelled: &str) {
        let declared =
            routes::table(self.catalog, self.root).and_then(|t| t.time_column.as_deref());
        let own = field.hops.is_empty();
        let same = own
            && declared.is_some()
            && declared == self.column(field.col).map(|c| c.name.as_str());
        if !same && self.ir.time.field.is_none() {
            self.ir.time.field = Some(spelled.to_owned());
        }
    }

    /// Where there is no time: a column that counts years or months by number.
    fn counted_unit(&mut self, unit: &str) -> Option<String> {
        if self.shadowed(unit) {
            self.start();
            self.asked.assume(format!("\"{unit}\" is the column {unit}."));
            return Some(self.dimension(bare(unit)));
        }
        self.no_time(unit);
        None
    }

    pub(super) fn part(&mut self, part: Part) -> Option<String> {
        let Some(field) = self.time_field(part.as_str()) else {
            self.no_time(part.as_str());
            return None;
        };
        let spelled = self.field(&field);
        let name = part.as_str().to_owned();
        let input = Input::Field(spelled);
        Some(self.dimension(Dimension { name, input, shape: Shape::Part(part), bare: false }))
    }

    pub(super) fn no_time(&mut self, word: &str) {
        let table = self.table_name(self.root);
        self.missing.push(word.to_owned());
        self.reasons.push(format!(
            "{table} has no column that says when, so \"{word}\" has no meaning there."
        ));
    }

    /// The column of time; a question where there are several and none is declared.
    pub(super) fn time_field(&mut self, _word: &str) -> Option<Field> {
        if let Some(field) = &self.time {
            return Some(field.clone());
        }
        let all = root::time_fields(self.catalog, self.lexicon, self.root);
        let named = all.iter().find(|f| {
            self.clauses.bare.iter().any(|b| {
                let chunk = self.chunks.get(*b);
                let fields = chunk.map(|c| root::fields(self.catalog, self.lexicon, self.root, c));
                fields.unwrap_or_default().first().is_some_and(|(first, _)| first == *f)
            })
        });
        let chosen = match (named, all.first()) {
            (Some(field), _) => field.clone(),
            (None, None) => return None,
            (None, Some(first)) => {
                let first = first.clone();
                let choices: Vec<Choice> =
                    all.iter().map(|f| Choice::new(&self.spelled(f), &self.said(f))).collect();
                let recommended = self.spelled(&first);
                let text = "Which time is meant?";
                let value = self.asked.choose("time_column", text, choices, &recommended);
                all.iter().find(|f| self.spelled(f) == value).cloned().unwrap_or(first)
            }
        };
        self.time = Some(chosen.clone());
        self.learn_reach();
        Some(chosen)
    }
}
