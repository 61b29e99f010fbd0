//! "revenue per order": a figure per row of the main table.
//!
//! In: the groups and the metrics of a question. Out: without the group where an average is meant,
//! a ratio in the place of a total, or the group as it is. A total per row may be either, so it is
//! asked back; "for each order" and "by order" say that each row is meant.

use super::build::Build;
use super::clauses::{GroupClause, Grouped, MeasureClause};
use super::describe;
use super::lexicon::Target;
use super::measures::OfTotals;
use super::questions::{Choice, id_of};
use air_ir::expr::{Expr, Grammar};
use air_ir::{Agg, Column, Input, MetricKind};

/// The value of the choice that all rows are meant together.
const OVERALL: &str = "overall";
/// The value of the choice that the totals of the members are averaged.
const TOTALS: &str = "of_totals";

impl Build<'_> {
    /// Takes a group of single rows away where the figure is one of all of them.
    pub(super) fn per_row(&mut self, groups: &mut Vec<Grouped>, metrics: &mut Vec<Option<String>>) {
        if !self.clauses.supers.is_empty() || self.shares() {
            return;
        }
        let Some((place, chunk)) = groups
            .iter()
            .enumerate()
            .find_map(|(place, group)| Some((place, self.row_of_per(group)?)))
        else {
            return;
        };
        let Some((agg, column, metric)) = self.figure_per_row(metrics) else { return };
        let rows = self.text(chunk).to_owned();
        if agg == Agg::Avg {
            self.asked.assume(format!("The average is over each {rows} where it is known."));
        } else if !self.asks_overall(agg, &column, &rows) {
            return;
        }
        self.mark(chunk);
        groups.remove(place);
        if agg != Agg::Sum {
            return;
        }
        let Some(total) = metric.or_else(|| self.bare_total(&column)) else { return };
        let count = self.count_rows();
        let Ok(expr) = Expr::parse(&format!("{total} / {count}"), Grammar::Metrics) else { return };
        let name = format!("{}_per_{rows}", column.name);
        let ratio = self.metric(&name, MetricKind::Expr(expr), None);
        match metrics.iter_mut().find(|m| m.as_deref() == Some(total.as_str())) {
            Some(place) => *place = Some(ratio),
            None => metrics.push(Some(ratio)),
        }
    }

    /// "average revenue per customer": of what each customer brings, or of each customer's rows.
    /// It is asked back where the figure is an amount of money.
    pub(super) fn per_member(&mut self, groups: &[Grouped], metrics: &mut [Option<String>]) {
        let clauses = self.clauses;
        let ([group], [clause]) = (groups, &clauses.measures[..]) else { return };
        let plain = clauses.supers.is_empty() && !self.shares() && self.of_totals.is_none();
        if !plain || clause.agg != Some(Agg::Avg) || clause.count || !group.per {
            return;
        }
        let (Some(members), Some((Agg::Avg, column, Some(average)))) =
            (self.member_of_per(group), self.figure_per_row(metrics))
        else {
            return;
        };
        if !super::measures::is_money(&column) {
            return;
        }
        let (said, one) = (describe::column_in_words(&column), self.text(members).to_owned());
        let choices = vec![
            Choice::new(TOTALS, &format!("the average of the total {said} of each {one}")),
            Choice::new("each", &format!("the average {said} of the rows of each {one}")),
        ];
        let text = format!("What does \"average {said} per {one}\" mean?");
        if self.asked.choose(&id_of("per", &one), &text, choices, TOTALS) != TOTALS {
            return;
        }
        self.ir.metrics.retain(|m| m.name != average);
        let kind = super::measures::aggregate(Agg::Sum, Some(column.name.clone()), None);
        let total = self.metric(&format!("total_{}", column.name), kind, None);
        metrics[0] = Some(total.clone());
        self.of_totals = Some(OfTotals { agg: Agg::Avg, of: total, unit: None });
    }

    /// The chunk of a group that is a row of another table, after the word "per" itself.
    fn member_of_per(&self, group: &Grouped) -> Option<usize> {
        let GroupClause::Name(at) = group.what else { return None };
        let before = self.chunks.get(..at)?.iter().rfind(|c| !c.is_filler())?;
        let target = self.chunks.get(at)?.names.first()?.target;
        let rows = matches!(target, Target::Table(_) | Target::Role(_));
        let per = before.text.eq_ignore_ascii_case("per");
        (per && rows && self.names_root(at) <= 0.6).then_some(at)
    }

    /// The chunk of a group that is a row of the main table, after the word "per" itself.
    fn row_of_per(&self, group: &Grouped) -> Option<usize> {
        let GroupClause::Name(at) = group.what else { return None };
        let before = self.chunks.get(..at)?.iter().rfind(|c| !c.is_filler())?;
        let per = group.per && before.text.eq_ignore_ascii_case("per");
        (per && self.names_root(at) > 0.9).then_some(at)
    }

    /// The one figure of a column that is asked for, with its metric where it has one already.
    fn figure_per_row(&self, metrics: &[Option<String>]) -> Option<(Agg, Column, Option<String>)> {
        let clauses = self.clauses;
        let Some(clause) = clauses.measures.first() else {
            let at = clauses.bare.iter().copied().find(|b| self.is_figure_name(*b))?;
            let chunk = self.chunks.get(at)?;
            let fields = super::root::fields(self.catalog, self.lexicon, self.root, chunk);
            let column = self.column(fields.first()?.0.col)?;
            return Some((Agg::Sum, column.clone(), None));
        };
        let MeasureClause { ordering: false, .. } = clause else { return None };
        let metric = metrics.first().cloned().flatten().filter(|_| clauses.measures.len() == 1)?;
        let found = self.ir.metrics.iter().find(|m| m.name == metric)?;
        let MetricKind::Aggregate { agg, input: Some(Input::Field(field)), .. } = &found.kind
        else {
            return None;
        };
        let column = self.catalog.tables.get(self.root)?.column(field)?;
        Some((*agg, column.clone(), Some(metric)))
    }

    /// The total of a figure that was named without a word for how it is put together.
    fn bare_total(&mut self, column: &Column) -> Option<String> {
        let at = self.clauses.bare.iter().copied().find(|b| self.is_figure_name(*b))?;
        self.mark(at);
        self.start();
        let kind = super::measures::aggregate(Agg::Sum, Some(column.name.clone()), None);
        Some(self.metric(&format!("total_{}", column.name), kind, None))
    }

    fn asks_overall(&mut self, agg: Agg, column: &Column, rows: &str) -> bool {
        let said = describe::column_in_words(column);
        let figure = format!("{} {said}", describe::agg_in_words(agg));
        let overall = match agg {
            Agg::Sum => format!("{figure}, divided by the number of rows"),
            _ => format!("{figure} of all rows"),
        };
        let choices = vec![
            Choice::new(OVERALL, &overall),
            Choice::new("each", &format!("{said} of each {rows} by itself")),
        ];
        let text = format!("What does \"per {rows}\" mean for {said}?");
        self.asked.choose(&id_of("per", rows), &text, choices, OVERALL) == OVERALL
    }
}
