//! Figures: what is counted, summed or averaged.
//!
//! In: clauses of measures. Out: metrics of the IR. Ratios, comparisons and windows over them are
//! made in [`super::compare`].

use super::build::Build;
use super::clauses::MeasureClause;
use super::describe;
use super::lexicon::Target;
use super::questions::{Choice, Reply, id_of};
use super::routes::{self, Field};
use super::tokens::words_of;
use air_ir::catalog::Role;
use air_ir::{Agg, Column, EntityRef, Filter, Input, Metric, MetricKind, PercentileMethod};

/// An average over the totals of each unit: what becomes a nested query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OfTotals {
    pub(super) agg: Agg,
    pub(super) of: String,
    pub(super) unit: Option<air_ir::Unit>,
}

/// A metric over rows.
pub(super) fn aggregate(agg: Agg, field: Option<String>, p: Option<f64>) -> MetricKind {
    let input = field.map(Input::Field);
    MetricKind::Aggregate { agg, input, p, method: PercentileMethod::Cont }
}

impl<'a> Build<'a> {
    /// Adds a metric, or finds the same one; its name.
    pub(super) fn metric(
        &mut self,
        name: &str,
        kind: MetricKind,
        filter: Option<Filter>,
    ) -> String {
        if let Some(same) = self.ir.metrics.iter().find(|m| m.kind == kind && m.filter == filter) {
            return same.name.clone();
        }
        let base = words_of(name).join("_");
        let base =
            if base.starts_with(|c: char| c.is_ascii_digit()) { format!("n_{base}") } else { base };
        let mut name = if base.is_empty() { "figure".to_owned() } else { base };
        let taken = |n: &str| {
            self.ir.metrics.iter().any(|m| m.name == n)
                || self.ir.dimensions.iter().any(|d| d.name == n)
        };
        while taken(&name) {
            name.push_str("_figure");
        }
        self.ir.metrics.push(Metric { name: name.clone(), kind, filter, time: None });
        name
    }

    /// The count of the main table's rows.
    pub(super) fn count_rows(&mut self) -> String {
        self.start();
        let name = self.catalog.tables.get(self.root).map_or("rows", |t| t.name.as_str());
        self.metric(name, aggregate(Agg::Count, None, None), None)
    }

    /// How well a chunk names the main table itself.
    pub(super) fn names_root(&self, chunk: usize) -> f64 {
        let names = self.chunks.get(chunk).map(|c| c.names.as_slice()).unwrap_or_default();
        let of = names.iter().filter(|c| c.target == Target::Table(self.root));
        of.map(|c| c.weight).fold(0.0, f64::max)
    }

    /// The metric of a clause, by name.
    pub(super) fn measure(&mut self, clause: &MeasureClause) -> Option<String> {
        let Some(name) = clause.name else { return self.nameless(clause) };
        if clause.moment {
            return self.moment(clause, name);
        }
        let amount = self.amount_said(clause);
        if let Some(column) = amount.filter(|column| self.asks_amount(column, name)) {
            self.mark(name);
            self.start();
            return Some(self.aggregated(Agg::Sum, column, column.name.clone(), None));
        }
        let distinct = clause.distinct;
        let root = self.names_root(name);
        if root >= 0.6 && !distinct && self.prefers_rows(clause, name, root) {
            self.mark(name);
            let count = self.count_rows();
            return Some(self.of_rows(clause, count));
        }
        let chunk = self.chunks.get(name);
        let own = chunk.is_some_and(|chunk| {
            let fields = super::root::fields(self.catalog, self.lexicon, self.root, chunk);
            fields.first().is_some_and(|(f, _)| f.hops.is_empty())
        });
        if clause.count && clause.agg.is_none() && !distinct && own && self.is_flag(name) {
            // "number of gifts": of the rows of which it is true.
            self.bare_name(name);
            return Some(self.count_rows());
        }
        let counts = clause.count && (clause.agg.is_none() || !self.is_figure_name(name));
        if (counts || distinct || self.is_other_fact(name))
            && let Some(metric) = self.counted(clause, name, root)
        {
            return Some(metric);
        }
        self.figure(clause, name)
    }

    /// "amount of orders", where the orders have a column that is called so.
    fn amount_said(&self, clause: &MeasureClause) -> Option<&'a Column> {
        let said = |c: &super::chunks::Chunk| {
            c.text.eq_ignore_ascii_case("amount of") && c.say() == Some(super::words::Say::CountOf)
        };
        let plain = clause.count && clause.agg.is_none() && !clause.distinct;
        let column = self.catalog.tables.get(self.root)?.column("amount")?;
        Some(column).filter(|c| plain && is_figure(c) && self.chunks.iter().any(said))
    }

    /// Whether the total of the column is meant, or how many rows there are; asked back.
    fn asks_amount(&mut self, column: &Column, name: usize) -> bool {
        let rows = self.text(name).to_owned();
        let said = describe::column_in_words(column);
        let choices = vec![
            Choice::new("total", &format!("the total {said} of the {rows}")),
            Choice::new("count", &format!("the number of {rows}")),
        ];
        let text = format!("What does \"amount of {rows}\" mean?");
        self.asked.choose(&id_of("amount", &rows), &text, choices, "total") == "total"
    }

    /// When the first or the last row of the main table was.
    fn moment(&mut self, clause: &MeasureClause, name: usize) -> Option<String> {
        let rows = self.names_root(name) >= 0.6;
        let field = self.time_field("time").filter(|f| rows && f.hops.is_empty());
        let (Some(field), Some(agg)) = (field, clause.agg) else { return self.unfit(name) };
        self.mark(name);
        let column = self.column(field.col)?;
        let spelled = self.field(&field);
        Some(self.aggregated(agg, column, spelled, None))
    }

    /// A name that fits both the table and one of its columns is the table where rows are
    /// counted, and the column where a figure of it is asked for.
    fn prefers_rows(&self, clause: &MeasureClause, name: usize, root: f64) -> bool {
        let own = self
            .chunks
            .get(name)
            .map(|c| super::root::fields(self.catalog, self.lexicon, self.root, c));
        let label = routes::label(self.catalog, self.root);
        let column = own
            .unwrap_or_default()
            .into_iter()
            .filter(|(f, _)| f.hops.is_empty() && Some(f.col) != label);
        let figure = column.filter(|(f, _)| self.column(f.col).is_some_and(is_figure)).map(|f| f.1);
        clause.count || figure.fold(0.0, f64::max) < root
    }

    /// "average number of orders": of the counts of each unit, which `finish` nests.
    fn of_rows(&mut self, clause: &MeasureClause, count: String) -> String {
        let Some(agg) = clause.agg.filter(|a| *a != Agg::Sum) else { return count };
        self.of_totals = Some(OfTotals { agg, of: count.clone(), unit: clause.each });
        count
    }

    pub(super) fn is_other_fact(&self, name: usize) -> bool {
        let names = self.chunks.get(name).map(|c| c.names.as_slice()).unwrap_or_default();
        matches!(names.first().map(|c| c.target), Some(Target::Table(t)) if t != self.root)
    }

    /// Distinct things, or the rows of another table.
    fn counted(&mut self, clause: &MeasureClause, name: usize, root: f64) -> Option<String> {
        if root >= 0.9 && self.own_label(name) {
            self.mark(name);
            return Some(self.count_rows());
        }
        let table = self.chunks.get(name)?.names.iter().find_map(|c| match c.target {
            Target::Table(t) => Some((t, c.weight)),
            _ => None,
        });
        let keyed = table.and_then(|(t, _)| {
            let ways = self.lexicon.routes.between(self.root, t);
            let key = self.catalog.tables.get(t)?.primary_key.first()?.clone();
            let col = routes::named(self.catalog, t, &key)?;
            let short =
                ways.into_iter().map(|hops| routes::shortened(self.catalog, Field { hops, col }));
            let fields: Vec<(Field, f64)> = short.map(|f| (f, 0.97)).collect();
            Some(fields)
        });
        let own: Vec<(Field, f64)> =
            super::root::fields(self.catalog, self.lexicon, self.root, self.chunks.get(name)?);
        let own: Vec<(Field, f64)> =
            own.into_iter().filter(|(f, w)| f.hops.is_empty() && *w > 0.9).collect();
        let found = if own.is_empty() { keyed.filter(|k| !k.is_empty()) } else { Some(own) };
        let Some(found) = found else { return self.other_fact(name, table?.0) };
        let field = self.choose_field(name, &found)?;
        let column = self.column(field.col)?;
        if !clause.distinct
            && clause.count
            && is_figure(column)
            && column.role == Some(Role::Measure)
        {
            let said = describe::column_in_words(column);
            self.asked.assume(format!("\"{}\" is the total of {said}.", self.text(name)));
            let spelled = self.field(&field);
            let label = format!("total_{}", column.name);
            return Some(self.metric(&label, aggregate(Agg::Sum, Some(spelled), None), None));
        }
        if !clause.distinct {
            self.asked.assume(format!("Each of the {} is counted once.", self.text(name)));
        }
        let label = format!("distinct_{}", column.name);
        let spelled = self.field(&field);
        Some(self.metric(&label, aggregate(Agg::CountDistinct, Some(spelled), None), None))
    }

    fn own_label(&self, name: usize) -> bool {
        let names = self.chunks.get(name).map(|c| c.names.as_slice()).unwrap_or_default();
        names.first().is_some_and(|c| c.target == Target::Table(self.root))
    }

    /// Rows of a table beside the main one, counted by its key at their own grain.
    fn other_fact(&mut self, name: usize, table: usize) -> Option<String> {
        let related = !self.lexicon.routes.between(table, self.root).is_empty();
        let t = self.catalog.tables.get(table).filter(|_| related)?;
        let key = t.primary_key.first()?.clone();
        self.mark(name);
        self.start();
        let entity = self.list(table);
        let metric = aggregate(Agg::Count, Some(format!("{entity}.{key}")), None);
        let made = self.metric(&t.name, metric, None);
        self.facts.push((made.clone(), table));
        Some(made)
    }

    /// Lists a table beside the main one.
    pub(super) fn list(&mut self, table: usize) -> String {
        let name = self.table_name(table);
        if !self.ir.entities.iter().any(|e| e.name() == name) {
            self.ir.entities.push(EntityRef::Name(name.clone()));
        }
        name
    }

    /// An aggregate of a column.
    fn figure(&mut self, clause: &MeasureClause, name: usize) -> Option<String> {
        let needs_number =
            !matches!(clause.agg, Some(Agg::Min | Agg::Max | Agg::Count | Agg::First | Agg::Last));
        let fits = move |c: &Column| {
            c.data_type.is_numeric() || !needs_number && c.data_type.is_temporal()
        };
        let Some(field) = self.pick(name, fits).filter(|f| f.hops.is_empty()) else {
            return self.unfit(name);
        };
        let column = self.column(field.col)?;
        let agg = match clause.agg {
            Some(agg) => agg,
            None => self.which_aggregate(column, "avg", true),
        };
        let spelled = self.field(&field);
        if let (Some(unit), Agg::Avg | Agg::Min | Agg::Max | Agg::Median) = (clause.each, agg) {
            return self.each_total(agg, column, spelled, unit);
        }
        Some(self.aggregated(agg, column, spelled, clause.p))
    }

    fn aggregated(&mut self, agg: Agg, column: &Column, spelled: String, p: Option<f64>) -> String {
        let p = (agg == Agg::Percentile).then_some(p.unwrap_or(0.5));
        let label = match (agg, p) {
            (Agg::Percentile, Some(p)) => format!("p{}_{}", (p * 100.0).round(), column.name),
            (Agg::Sum, _) => format!("total_{}", column.name),
            (agg, _) => format!("{}_{}", agg.as_str(), column.name),
        };
        self.metric(&label, aggregate(agg, Some(spelled), p), None)
    }

    /// "average daily X" is an average for each day, or one over the totals of days.
    fn each_total(
        &mut self,
        agg: Agg,
        column: &Column,
        spelled: String,
        unit: air_ir::Unit,
    ) -> Option<String> {
        let said = describe::column_in_words(column);
        let unit_word = unit.as_str();
        let word = agg.as_str();
        let choices = vec![
            Choice::new("of_totals", &format!("{word} over each {unit_word}'s total {said}")),
            Choice::new("each", &format!("{word} {said} for each {unit_word}")),
        ];
        let text = format!(
            "Is the {word} taken over the totals of each {unit_word}, or for each {unit_word} by itself?"
        );
        if self.asked.choose("each", &text, choices, "of_totals") == "each" {
            self.bucket(air_ir::Grain::one(unit))?;
            return Some(self.aggregated(agg, column, spelled, None));
        }
        let total = self.aggregated(Agg::Sum, column, spelled, None);
        self.of_totals = Some(OfTotals { agg, of: total.clone(), unit: Some(unit) });
        Some(total)
    }

    fn unfit(&mut self, name: usize) -> Option<String> {
        self.mark(name);
        let word = self.text(name);
        let table = self.catalog.tables.get(self.root).map_or("", |t| t.name.as_str());
        self.missing.push(word.to_owned());
        self.reasons.push(format!("\"{word}\" is no figure of {table} that can be computed here."));
        None
    }

    /// Which aggregate is meant where none was said: by the unit, else a question.
    pub(super) fn which_aggregate(
        &mut self,
        column: &Column,
        recommended: &str,
        by_unit: bool,
    ) -> Agg {
        let said = describe::column_in_words(column);
        let natural = natural_aggregate(column).filter(|_| by_unit);
        if let Some(agg) = natural {
            let word = if agg == Agg::Sum { "added up" } else { "averaged" };
            self.asked.assume(format!("{said} is {word}, which its unit suggests."));
            return agg;
        }
        let offered = [
            (Agg::Avg, "average"),
            (Agg::Sum, "total"),
            (Agg::Median, "median"),
            (Agg::Max, "highest"),
            (Agg::Min, "lowest"),
        ];
        let choices: Vec<Choice> =
            offered.iter().map(|(a, w)| Choice::new(a.as_str(), &format!("{w} {said}"))).collect();
        let text = format!("Which figure of {said} is meant?");
        match self.asked.ask("aggregate", &text, choices.clone(), recommended) {
            Reply::Choice(value) => agg_named(&value),
            Reply::Free(words) => {
                let known = words_of(&words).iter().find_map(|w| match super::words::say(w) {
                    Some(super::words::Say::Agg(agg)) => Some(agg),
                    _ => None,
                });
                if known.is_none() {
                    self.asked.put(
                        "aggregate",
                        &format!("\"{words}\" is no aggregate. {text}"),
                        choices,
                        recommended,
                    );
                }
                known.unwrap_or(Agg::Avg)
            }
        }
    }

    /// A figure that has no name: rows, or a question.
    fn nameless(&mut self, clause: &MeasureClause) -> Option<String> {
        if clause.rows || clause.count {
            let count = self.count_rows();
            return Some(self.of_rows(clause, count));
        }
        self.ask_measure(clause.agg)
    }

    /// Asks which figure is meant; the answer is also taken as words of the question.
    pub(super) fn ask_measure(&mut self, agg: Option<Agg>) -> Option<String> {
        self.start();
        let table = self.catalog.tables.get(self.root)?;
        let figures: Vec<&Column> = table
            .columns
            .iter()
            .filter(|c| c.role == Some(Role::Measure) && c.data_type.is_numeric())
            .collect();
        let word = agg.unwrap_or(Agg::Avg).as_str();
        let mut choices: Vec<Choice> = Vec::new();
        for column in figures.iter().take(6) {
            let said = describe::column_in_words(column);
            choices.push(Choice::new(
                &format!("{word}_{}", column.name),
                &format!("{} {said}", describe::agg_in_words(agg.unwrap_or(Agg::Avg))),
            ));
        }
        if agg.is_none() {
            choices.push(Choice::new(
                &format!("count_{}", table.name),
                &format!("number of {}", table.name),
            ));
        }
        let recommended = choices.first()?.value.clone();
        let text = "Which figure is meant?";
        let value = self.asked.choose("measure", text, choices, &recommended);
        let column = value.split_once('_').map(|(_, c)| c.to_owned())?;
        if value.starts_with("count_") {
            return Some(self.count_rows());
        }
        let column = table.column(&column)?;
        Some(self.aggregated(agg.unwrap_or(Agg::Avg), column, column.name.clone(), None))
    }
}

fn agg_named(value: &str) -> Agg {
    Agg::WORDS.iter().find(|(w, _)| *w == value).map_or(Agg::Avg, |(_, a)| *a)
}

/// Whether a column holds figures rather than keys or codes.
pub(super) fn is_figure(column: &Column) -> bool {
    column.data_type.is_numeric()
        && !matches!(column.role, Some(Role::Key | Role::Dimension | Role::Time))
}

/// Whether a column holds amounts of money.
pub(super) fn is_money(column: &Column) -> bool {
    const MONEY: &[&str] =
        &["eur", "usd", "gbp", "chf", "€", "$", "£", "euro", "euros", "dollars", "cents"];
    let unit = column.unit.as_deref().map(str::to_lowercase);
    unit.is_some_and(|unit| MONEY.contains(&unit.as_str()))
}

/// Amounts add up; temperatures, speeds and shares do not.
fn natural_aggregate(column: &Column) -> Option<Agg> {
    const ADDS: &[&str] =
        &["kwh", "mwh", "wh", "gwh", "pieces", "items", "units", "bytes", "kb", "mb", "gb"];
    const DOES_NOT: &[&str] = &[
        "°f",
        "°c",
        "celsius",
        "fahrenheit",
        "percent",
        "%",
        "mph",
        "km/h",
        "kph",
        "degrees",
        "millibars",
        "hpa",
        "ratio",
        "points",
        "stars",
        "kw",
        "mw",
        "volts",
        "v",
    ];
    let unit = column.unit.as_deref()?.to_lowercase();
    if is_money(column) || ADDS.contains(&unit.as_str()) {
        return Some(Agg::Sum);
    }
    DOES_NOT.contains(&unit.as_str()).then_some(Agg::Avg)
}
