//! Conditions on rows and on figures.
//!
//! In: clauses of comparison, value and absence. Out: filters of the IR, `having`, or conditions
//! of a share's numerator. Times are in [`super::when`], values in [`named`].

pub(super) mod named;

use super::build::Build;
use super::chunks::{Chunk, Kind};
use super::clauses::{CmpClause, GroupClause, MeasureClause, NullClause};
use super::describe;
use super::lexicon::Target;
use super::measures::is_figure;
use super::questions::{Choice, Reply, id_of};
use super::routes::Field;
use super::words::Say;
use air_ir::catalog::Role;
use air_ir::{
    Agg, Column, Comparison, DataType, Filter, Input, MetricKind, Op, Operand, Scalar, Subject,
};
use serde_json::Number;

/// A filter that compares a field.
pub(super) fn compare(field: &str, op: Op, value: Operand) -> Filter {
    Filter::Compare(Comparison { subject: Subject::Field(field.to_owned()), op, value })
}

pub(super) fn number(n: f64) -> Scalar {
    let whole = format!("{n}").parse::<i64>().ok().map(Number::from);
    whole.or_else(|| Number::from_f64(n)).map_or(Scalar::Null, Scalar::Number)
}

fn operand(op: Op, numbers: &[f64]) -> Operand {
    match (op, numbers) {
        (Op::Between, _) => Operand::Many(numbers.iter().map(|n| number(*n)).collect()),
        (_, [one, ..]) => Operand::One(number(*one)),
        _ => Operand::None,
    }
}

/// The filter that holds where another does not, for values that are not null.
fn turned(op: Op) -> Option<Op> {
    Some(match op {
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
        Op::Gt => Op::Le,
        Op::Ge => Op::Lt,
        Op::Lt => Op::Ge,
        Op::Le => Op::Gt,
        _ => return None,
    })
}

impl Build<'_> {
    /// Adds a condition: to the numerator of a share where that is what is built, else to all.
    pub(super) fn condition(&mut self, filter: Filter, of_share: bool) {
        let list = if of_share { &mut self.numerator } else { &mut self.ir.filters };
        if !list.contains(&filter) {
            list.push(filter);
        }
    }

    /// Whether the question asks for the share of rows that fit its conditions.
    pub(super) fn shares(&self) -> bool {
        self.clauses.share.is_some()
    }

    pub(super) fn comparison(&mut self, clause: &CmpClause, metrics: &[Option<String>]) {
        if let Some(metric) = clause.measure.and_then(|m| metrics.get(m)).cloned().flatten() {
            let counts = |m: usize| self.clauses.measures.get(m).is_some_and(|m| m.count);
            if clause.measure.is_some_and(counts) && clause.fits_none() {
                self.asked.assume("Those with no rows at all are not among them.");
            }
            return self.having(clause, &metric);
        }
        let Some(subject) = clause.subject else { return self.by_unit(clause) };
        if self.is_counted(subject) {
            let word = self.text(subject).to_owned();
            if clause.is_none() && !clause.negated {
                self.mark(subject);
                self.reasons.push(format!(
                    "Groups are made of {word}, so none of them has 0. Ask for what is without \
                     {word}."
                ));
                self.missing.push(word);
                return;
            }
            if clause.fits_none() {
                self.asked.assume(format!("Those without any {word} are not among them."));
            }
            let count = MeasureClause { count: true, name: Some(subject), ..Default::default() };
            let metric = match clause.such.is_empty() {
                true => self.measure(&count),
                false => self.count_such(clause),
            };
            if let Some(metric) = metric {
                self.having(clause, &metric);
            }
            return;
        }
        let fits = |c: &Column| c.data_type.is_numeric();
        let Some(field) = self.pick(subject, fits) else {
            self.mark(subject);
            let word = self.text(subject).to_owned();
            self.reasons
                .push(format!("\"{word}\" is no number, so it cannot be compared with one."));
            self.missing.push(word);
            return;
        };
        if self.of_each_total(clause, &field) || self.of_each_group(clause, &field) {
            return;
        }
        self.number_filter(clause, &field);
    }

    /// "sites with more than 1000 kWh" may mean a single row, or the total of each. True where the
    /// total is meant, which is then the figure.
    fn of_each_total(&mut self, clause: &CmpClause, field: &Field) -> bool {
        let first = self.clauses.bare.first().copied().filter(|b| self.is_other_fact(*b));
        let alone = self.clauses.measures.is_empty() && self.clauses.groups.is_empty();
        let (Some(group), true, true) = (first, alone, field.hops.is_empty()) else { return false };
        let Some(column) = self.column(field.col).filter(|c| is_figure(c)) else { return false };
        let (said, word) = (describe::column_in_words(column), self.text(group).to_owned());
        let choices = vec![
            Choice::new("total", &format!("the total {said} of each of the {word}")),
            Choice::new("row", &format!("{said} of a single row")),
        ];
        let text = format!("What is compared for the {word}?");
        let id = id_of("compared", &column.name);
        if self.asked.choose(&id, &text, choices, "total") != "total" {
            return false;
        }
        self.ir.metrics.clear();
        let spelled = self.field(field);
        let kind = super::measures::aggregate(Agg::Sum, Some(spelled), None);
        let metric = self.metric(&format!("total_{}", column.name), kind, None);
        self.group_name(group);
        self.having(clause, &metric);
        true
    }

    /// "revenue by country where revenue is above 50000": the figure of each group is meant, or
    /// that of a single row. True where it is that of each group.
    fn of_each_group(&mut self, clause: &CmpClause, field: &Field) -> bool {
        let grouped = !self.ir.dimensions.is_empty() && !self.shares();
        let Some(column) = self.column(field.col).filter(|_| grouped && field.hops.is_empty())
        else {
            return false;
        };
        let figure = self.ir.metrics.iter().find_map(|m| match &m.kind {
            MetricKind::Aggregate { agg, input: Some(Input::Field(of)), .. }
                if *of == column.name
                    && m.filter.is_none()
                    && !matches!(agg, Agg::Count | Agg::CountDistinct) =>
            {
                Some((m.name.clone(), *agg))
            }
            _ => None,
        });
        let Some((metric, agg)) = figure else { return false };
        let said = describe::column_in_words(column);
        let choices = vec![
            Choice::new("total", &format!("the {} of {said} of each group", agg.as_str())),
            Choice::new("row", &format!("{said} of a single row")),
        ];
        let shown = clause.numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" and ");
        let text = format!("What is compared with {shown}?");
        let id = id_of("compared", &column.name);
        if self.asked.choose(&id, &text, choices, "total") != "total" {
            return false;
        }
        let numbers = self.in_units(clause, field);
        self.having(&CmpClause { numbers, unit: None, ..clause.clone() }, &metric);
        true
    }

    /// "more than 1000 flights": what is compared is how many there are.
    pub(super) fn is_counted(&self, subject: usize) -> bool {
        let names = self.chunks.get(subject).map(|c| c.names.as_slice()).unwrap_or_default();
        let fields = self
            .chunks
            .get(subject)
            .map(|c| super::root::fields(self.catalog, self.lexicon, self.root, c));
        let figure = fields
            .unwrap_or_default()
            .iter()
            .any(|(f, w)| *w > 0.6 && self.column(f.col).is_some_and(is_figure));
        let table = matches!(names.first().map(|c| c.target), Some(Target::Table(_)));
        table
            || !figure
                && !names.is_empty()
                && (!self.clauses.groups.is_empty()
                    || self.clauses.bare.iter().any(|b| *b != subject && self.names_root(*b) < 0.5))
                && self.text(subject).ends_with('s')
    }

    fn number_filter(&mut self, clause: &CmpClause, field: &Field) {
        let numbers = self.in_units(clause, field);
        let spelled = self.field(field);
        let (op, negate) = match (clause.negated, turned(clause.op)) {
            (true, Some(op)) => (op, false),
            (negated, _) => (clause.op, negated),
        };
        let mut filter = compare(&spelled, op, operand(op, &numbers));
        if negate {
            filter = Filter::Not(Box::new(filter));
        }
        let share = self.shares();
        if share && self.column(field.col).is_some_and(|c| c.nullable) {
            self.asked
                .assume(format!("Rows without {spelled} count in the whole, not in the share."));
        }
        self.place(clause.span, clause.negated, |build| build.condition(filter, share));
    }

    /// The numbers in the column's unit.
    fn in_units(&mut self, clause: &CmpClause, field: &Field) -> Vec<f64> {
        let numbers = clause.numbers.clone();
        let Some(chunk) = clause.unit else { return numbers };
        self.mark(chunk);
        let said = singular(&self.text(chunk).to_lowercase());
        let unit = self
            .column(field.col)
            .and_then(|c| c.unit.clone())
            .map(|u| singular(&u.to_lowercase()));
        let Some(unit) = unit else {
            let word = self.text(chunk);
            self.asked.assume(format!("{} is taken to be in {word}.", self.spelled(field)));
            return numbers;
        };
        match (seconds(&said), seconds(&unit)) {
            (Some(a), Some(b)) if a != b => {
                let numbers: Vec<f64> = numbers.iter().map(|n| n * a / b).collect();
                let shown = numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" and ");
                self.asked.assume(format!(
                    "{} {unit}s, the unit of {}.",
                    shown,
                    self.spelled(field)
                ));
                numbers
            }
            (Some(_), Some(_)) => numbers,
            _ if said == unit
                || unit.starts_with(&said)
                || is_percent(&said) && is_percent(&unit) =>
            {
                numbers
            }
            _ => {
                let text = format!(
                    "{} is in {unit}, not in {said}. Which number of {unit} is meant?",
                    self.spelled(field)
                );
                let first = numbers.first().copied().unwrap_or_default();
                let value = format!("{first}");
                let choices = vec![Choice::new(&value, &format!("{first} {unit}"))];
                let (Reply::Choice(answer) | Reply::Free(answer)) =
                    self.asked.ask("unit", &text, choices.clone(), &value);
                let number = answer.split_whitespace().next().and_then(|n| n.parse().ok());
                match (number, numbers.len()) {
                    (Some(n), 1) => vec![n],
                    (Some(_), _) => numbers,
                    (None, _) => {
                        self.asked.again("unit", &answer, &text, choices, &value);
                        numbers
                    }
                }
            }
        }
    }

    /// "over 1000 miles": the column is the one counted in that unit.
    fn by_unit(&mut self, clause: &CmpClause) {
        let Some(chunk) = clause.unit else {
            let shown = clause.numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" and ");
            self.reasons.push(format!("It is not said what is compared with {shown}."));
            self.missing.push(shown);
            return;
        };
        let said = singular(&self.text(chunk).to_lowercase());
        let root = self.root;
        let columns =
            self.catalog.tables.get(root).map(|t| t.columns.as_slice()).unwrap_or_default();
        let found: Vec<(Field, f64)> = columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.data_type.is_numeric() && is_figure(c))
            .filter(|(_, c)| {
                let unit = c.unit.as_deref().map(|u| singular(&u.to_lowercase()));
                unit.is_some_and(|u| u == said || seconds(&u).is_some() && seconds(&said).is_some())
            })
            .map(|(column, _)| {
                (
                    Field { hops: Vec::new(), col: super::routes::ColRef { table: root, column } },
                    0.9,
                )
            })
            .collect();
        match self.choose_field(chunk, &found) {
            Some(field) => {
                let spelled = self.said(&field);
                self.asked.assume(format!("What is compared is {spelled}."));
                self.number_filter(clause, &field);
            }
            None => {
                let word = self.text(chunk).to_owned();
                self.mark(chunk);
                self.reasons
                    .push(format!("Nothing in {} is counted in {word}.", self.table_name(root)));
                self.missing.push(word);
            }
        }
    }

    /// A condition on a figure of each group.
    fn having(&mut self, clause: &CmpClause, metric: &str) {
        if let Some(unit) = clause.unit {
            self.mark(unit);
        }
        let percent = clause.unit.is_some_and(|u| is_percent(&self.text(u).to_lowercase()));
        let scale = if percent { 0.01 } else { 1.0 };
        let numbers: Vec<f64> = clause.numbers.iter().map(|n| n * scale).collect();
        let (op, negate) = match (clause.negated, turned(clause.op)) {
            (true, Some(op)) => (op, false),
            (negated, _) => (clause.op, negated),
        };
        let subject = Subject::Metric(metric.to_owned());
        let mut filter = Filter::Compare(Comparison { subject, op, value: operand(op, &numbers) });
        if negate {
            filter = Filter::Not(Box::new(filter));
        }
        self.ir.having.push(filter);
    }

    /// "without a tail number", "with a tail number", "customers without orders".
    pub(super) fn null(&mut self, clause: &NullClause) -> Option<usize> {
        let own = self.names_root(clause.chunk) > 0.9;
        let found = super::root::fields(
            self.catalog,
            self.lexicon,
            self.root,
            self.chunks.get(clause.chunk)?,
        );
        if found.is_empty() && !own {
            return self.existing(clause);
        }
        if own && self.names_rows(clause.chunk, &found) || self.asks_of(clause) {
            return self.own_rows(clause);
        }
        if !clause.adjectives.is_empty() || !clause.values.is_empty() {
            return self.not_these(clause);
        }
        if self.text(clause.chunk).to_lowercase().ends_with("name") && clause.present {
            return Some(clause.chunk);
        }
        // What is always there cannot be missing.
        let absent = |f: &Field| self.column(f.col).is_some_and(|c| c.nullable);
        let nullable: Vec<(Field, f64)> =
            found.iter().filter(|(f, _)| absent(f)).cloned().collect();
        let of_these = if clause.present || nullable.is_empty() { &found } else { &nullable };
        let field = self.choose_field(clause.chunk, of_these)?;
        let own_field = field.clone();
        let field = self.partner(clause.chunk, field);
        if !clause.present && field != own_field && self.is_described(clause.chunk) {
            return self.not_these(clause);
        }
        let column = self.column(field.col)?;
        if column.data_type == DataType::Bool {
            let turned = self.clauses.turned.contains(&clause.chunk);
            self.flag(clause.chunk, &field, clause.present != turned);
            return None;
        }
        if clause.present && !column.nullable && field.hops.is_empty() {
            // "flights with a carrier" are all of them; "with carrier" shows it.
            return Some(clause.chunk).filter(|at| !self.after_article(*at));
        }
        let spelled = self.field(&field);
        let filter = match (
            clause.present,
            column.role == Some(Role::Measure) && column.data_type.is_numeric(),
        ) {
            (true, false) => compare(&spelled, Op::NotNull, Operand::None),
            (false, false) => compare(&spelled, Op::IsNull, Operand::None),
            (present, true) => self.null_figure(clause.chunk, column, &spelled, present),
        };
        let share = self.shares();
        self.condition(filter, share);
        None
    }

    fn not_these(&mut self, clause: &NullClause) -> Option<usize> {
        let word = self.text(clause.chunk).to_owned();
        self.mark(clause.chunk);
        self.reasons.push(format!("Which {word} are meant cannot be asked for here."));
        self.missing.push(word);
        None
    }

    /// "orders without customers from Berlin": whether a value follows that says which.
    fn is_described(&self, at: usize) -> bool {
        let passed = |c: &&Chunk| {
            !(c.is_filler()
                || matches!(c.say(), Some(Say::Prep | Say::With))
                || c.values.is_empty() && c.kind == Kind::Name)
        };
        let next = self.chunks.iter().skip(at + 1).find(passed);
        next.is_some_and(|c| matches!(c.kind, Kind::Name | Kind::Quoted) && !c.values.is_empty())
    }

    /// Whether a name that may be the main table or a column of it is that of the rows.
    fn names_rows(&self, chunk: usize, found: &[(Field, f64)]) -> bool {
        let label = super::routes::label(self.catalog, self.root);
        let column = found.iter().any(|(f, _)| f.hops.is_empty() && Some(f.col) != label);
        !column || self.text(chunk).ends_with('s')
    }

    /// "orders without a customer" lack the row, not its name: the key of the row that a name of
    /// rows leads to, where it is reached by a key.
    fn partner(&self, chunk: usize, field: Field) -> Field {
        let names = self.chunks.get(chunk).map(|c| c.names.as_slice()).unwrap_or_default();
        let rows =
            matches!(names.first().map(|c| c.target), Some(Target::Table(_) | Target::Role(_)));
        let table = self.catalog.tables.get(field.col.table);
        let key = table.and_then(|t| t.primary_key.first());
        let key = key.and_then(|k| super::routes::named(self.catalog, field.col.table, k));
        match key.filter(|_| rows && !field.hops.is_empty()) {
            Some(col) => Field { col, ..field },
            None => field,
        }
    }

    fn after_article(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| self.text(before).to_lowercase());
        matches!(before.as_deref(), Some("a" | "an" | "any" | "some"))
    }

    /// Whether what is asked for is a column of the very rows that are to be absent.
    fn asks_of(&self, clause: &NullClause) -> bool {
        let names = self.chunks.get(clause.chunk).map(|c| c.names.as_slice()).unwrap_or_default();
        let Some(Target::Table(table)) = names.first().map(|c| c.target) else { return false };
        let asked = self.clauses.groups.iter().filter(|g| g.which && !clause.present);
        let chunks = asked.filter_map(|g| match g.what {
            GroupClause::Name(at) => self.chunks.get(at),
            _ => None,
        });
        let fields = chunks.filter_map(|chunk| {
            super::root::fields(self.catalog, self.lexicon, self.root, chunk).into_iter().next()
        });
        fields.into_iter().any(|(field, _)| field.col.table == table)
    }

    /// "destinations with no flights", where destinations are a column of the flights: each of
    /// them has some, or it would not be known.
    fn own_rows(&mut self, clause: &NullClause) -> Option<usize> {
        self.mark(clause.chunk);
        if !clause.present || !clause.adjectives.is_empty() || !clause.values.is_empty() {
            let word = self.text(clause.chunk).to_owned();
            self.reasons.push(format!(
                "What is asked for is known from the {word} alone, so what has none of them is \
                 not found."
            ));
            self.missing.push(word);
        }
        None
    }

    /// "without delay" may mean none was noted, or none happened.
    fn null_figure(
        &mut self,
        chunk: usize,
        column: &Column,
        spelled: &str,
        present: bool,
    ) -> Filter {
        let said = describe::column_in_words(column);
        let word = self.text(chunk);
        let lead = if present { "with" } else { "without" };
        let (zero, null) = match present {
            true => (format!("{said} above 0"), format!("{said} is known")),
            false => (format!("{said} of 0 or less"), format!("{said} is not known")),
        };
        let choices = vec![Choice::new("zero", &zero), Choice::new("null", &null)];
        let text = format!("What does \"{lead} {word}\" mean?");
        let meant = self.asked.choose(&id_of("absent", word), &text, choices, "zero");
        match (meant.as_str(), present) {
            ("null", true) => compare(spelled, Op::NotNull, Operand::None),
            ("null", false) => compare(spelled, Op::IsNull, Operand::None),
            (_, true) => compare(spelled, Op::Gt, Operand::One(number(0.0))),
            (_, false) => compare(spelled, Op::Le, Operand::One(number(0.0))),
        }
    }
}

fn singular(unit: &str) -> String {
    let unit = match unit {
        "min" | "mins" => "minute",
        "h" | "hrs" | "hr" => "hour",
        "s" | "sec" | "secs" => "second",
        "mi" => "mile",
        "€" | "euro" | "euros" => "eur",
        "$" | "dollar" | "dollars" => "usd",
        "£" => "gbp",
        "feet" | "ft" => "foot",
        other => other,
    };
    unit.strip_suffix('s').filter(|u| u.len() > 2).unwrap_or(unit).to_owned()
}

fn is_percent(unit: &str) -> bool {
    matches!(unit, "%" | "percent" | "percentage")
}

/// How many seconds a unit of time has.
fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "second" => 1.0,
        "minute" => 60.0,
        "hour" => 3600.0,
        "day" => 86_400.0,
        "week" => 604_800.0,
        _ => return None,
    })
}
