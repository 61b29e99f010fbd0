//! Order and limit: "top 5", "which had the most", "the worst".
//!
//! In: clauses of ranking and the metrics made so far. Out: order and limit of the IR, or a top
//! within each group.

use super::build::Build;
use super::clauses::{Grouped, SuperClause};
use super::describe;
use super::measures::{aggregate, is_figure};
use super::questions::{Choice, Reply};
use super::words::{self, End};
use air_ir::{Agg, Column, Dir, MetricKind, Nulls, OrderBy, Top};

/// A group that was read: its dimensions, and how it was asked for.
pub(super) struct Made {
    pub(super) group: Grouped,
    pub(super) names: Vec<String>,
    pub(super) singular: bool,
}

impl Build<'_> {
    /// The metric a ranking names itself: "most flights", "highest delay". `each`: all groups are
    /// those of "for each", so that nothing but the figure itself can be the highest.
    pub(super) fn ranked_measure(
        &mut self,
        clause: &SuperClause,
        grouped: bool,
        each: bool,
    ) -> Option<String> {
        let name = clause.name?;
        if clause.of_group {
            return None;
        }
        let counts =
            matches!(self.text(clause.chunk).to_lowercase().as_str(), "most" | "fewest" | "least");
        if self.names_root(name) > 0.9 {
            // "the most orders" are counted; "the longest order" does not say by what it is long.
            self.mark(name);
            return if counts { Some(self.count_rows()) } else { self.ask_measure(None) };
        }
        let figure = |c: &Column| is_figure(c);
        let found =
            super::root::fields(self.catalog, self.lexicon, self.root, self.chunks.get(name)?);
        let has =
            found.iter().any(|(f, _)| f.hops.is_empty() && self.column(f.col).is_some_and(figure));
        if !has {
            return self.ranked_count(name);
        }
        let field = self.pick(name, figure)?;
        let column = self.column(field.col)?;
        let spelled = self.field(&field);
        let grouped = grouped && (counts || !each);
        let agg = match (grouped, clause.end) {
            (true, _) if self.clauses.on_average => Agg::Avg,
            // "the most revenue" adds up; "the most delayed" does not.
            (true, _) if counts && !self.text(name).ends_with("ed") => {
                self.which_aggregate(column, "sum", true)
            }
            (true, _) => self.which_aggregate(column, "avg", false),
            (false, End::High) => Agg::Max,
            (false, End::Low) => Agg::Min,
            (false, end) => {
                let high = self.is_high(end, &describe::column_words(column));
                if high { Agg::Max } else { Agg::Min }
            }
        };
        let label = match agg {
            Agg::Sum => format!("total_{}", column.name),
            agg => format!("{}_{}", agg.as_str(), column.name),
        };
        Some(self.metric(&label, aggregate(agg, Some(spelled), None), None))
    }

    /// "the most destinations": as many different ones.
    fn ranked_count(&mut self, name: usize) -> Option<String> {
        let text = self.text(name).to_lowercase();
        let most = self.clauses.supers.iter().any(|s| {
            s.name == Some(name)
                && matches!(self.text(s.chunk).to_lowercase().as_str(), "most" | "fewest" | "least")
        });
        if !most || !text.ends_with('s') {
            return None;
        }
        let clause = super::clauses::MeasureClause {
            count: true,
            distinct: true,
            name: Some(name),
            ..Default::default()
        };
        self.measure(&clause)
    }

    /// Orders by the metric, and cuts.
    pub(super) fn rank(&mut self, clause: &SuperClause, by: &str, made: &[Made]) {
        self.mark(clause.chunk);
        if self.ir.dimensions.is_empty() {
            // "top 5 by revenue" does not say of what; of a last report that has none it is told.
            let told = !self.missing.is_empty();
            if let (Some(n), false) = (clause.n, told) {
                self.missing.push(format!("{} {n}", self.text(clause.chunk)));
                self.reasons.push("It is not said what is to be ranked.".to_owned());
            }
            return;
        }
        let words = self.metric_words(by);
        let dir = if self.is_high(clause.end, &words) { Dir::Desc } else { Dir::Asc };
        let target =
            made.iter().find(|m| m.group.which).or_else(|| made.iter().find(|m| !m.group.per));
        let one = target.filter(|m| m.singular).map(|_| 1);
        let n = clause.n.or(self.clauses.limit).or(one);
        let within: Vec<String> = made
            .iter()
            .filter(|m| m.group.per && target.is_some())
            .flat_map(|m| m.names.clone())
            .collect();
        if let (Some(n), false) = (n, within.is_empty()) {
            self.ir.top = Some(Top { n, by: by.to_owned(), per: within, dir, other: false });
            return;
        }
        self.ir.order = vec![OrderBy { field: by.to_owned(), dir, nulls: Nulls::Last }];
        self.ir.limit = n.or(self.ir.limit);
        if n == Some(1) && clause.n.is_none() {
            self.asked.assume("One row is shown, the first in that order.");
        }
    }

    /// The words of what a metric looks at, which say whether much of it is bad.
    fn metric_words(&self, metric: &str) -> Vec<String> {
        let found = self.ir.metrics.iter().find(|m| m.name == metric);
        let mut said = super::tokens::words_of(metric);
        if let Some(MetricKind::Aggregate { input: Some(air_ir::Input::Field(field)), .. }) =
            found.map(|m| &m.kind)
        {
            let name = field.rsplit('.').next().unwrap_or(field);
            let table = self.catalog.tables.get(self.root);
            if let Some(column) = table.and_then(|t| t.column(name)) {
                said.extend(describe::column_words(column));
            }
        }
        said
    }

    /// Whether that end of an order is the high one.
    fn is_high(&mut self, end: End, words: &[String]) -> bool {
        let worst = match end {
            End::High => return true,
            End::Low => return false,
            End::Worst => true,
            End::Best => false,
        };
        if let Some(bad) = words::is_high_bad(words) {
            let high = bad == worst;
            let word = if worst { "worst" } else { "best" };
            let side = if high { "highest" } else { "lowest" };
            self.asked.assume(format!("\"{word}\" is the {side}."));
            return high;
        }
        let choices =
            vec![Choice::new("highest", "The highest"), Choice::new("lowest", "The lowest")];
        let word = if worst { "worst" } else { "best" };
        let text = format!("Is the {word} the highest or the lowest?");
        let recommended = if worst { "lowest" } else { "highest" };
        match self.asked.ask("polarity", &text, choices.clone(), recommended) {
            Reply::Choice(value) => value == "highest",
            Reply::Free(value) => {
                let folded = value.to_lowercase();
                match (folded.contains("high"), folded.contains("low")) {
                    (true, false) => true,
                    (false, true) => false,
                    _ => {
                        self.asked.again("polarity", &value, &text, choices, recommended);
                        recommended == "highest"
                    }
                }
            }
        }
    }
}
