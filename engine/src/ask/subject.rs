//! What a question is about, where no word such as "number of" or "average" says so.
//!
//! In: the names that stand by themselves. Out: the main metric, or a list of names.

use super::build::Build;
use super::clauses::{CmpClause, MeasureClause};
use super::measures::is_figure;
use super::ranking::Made;
use super::routes;

impl Build<'_> {
    /// The metric the question is about; found among the bare names where no word said so.
    pub(super) fn main_metric(
        &mut self,
        metrics: &[Option<String>],
        ranked: &[Option<String>],
        made: &[Made],
    ) -> Option<String> {
        let known = metrics.iter().chain(ranked).flatten().next_back().cloned();
        let first = metrics.iter().flatten().next().cloned();
        let by_order = self
            .clauses
            .measures
            .iter()
            .zip(metrics)
            .find(|(m, _)| m.ordering)
            .and_then(|(_, n)| n.clone());
        if known.is_some() {
            return by_order
                .or_else(|| ranked.iter().flatten().next().cloned())
                .or(first)
                .or(known);
        }
        if !self.missing.is_empty() {
            return None;
        }
        let wanted = !self.clauses.supers.is_empty() || self.clauses.share.is_some();
        let lists = (self.clauses.list || made.iter().any(|m| m.group.which)) && !wanted;
        let bare: Vec<usize> =
            self.clauses.bare.iter().copied().filter(|b| !self.used[*b]).collect();
        if let Some(clause) = self.figure_by_itself(&bare, lists) {
            return self.measure(&clause);
        }
        let such = |c: &&CmpClause| !c.such.is_empty();
        if let Some(clause) = self.clauses.compares.iter().find(such) {
            return self.count_such(clause);
        }
        if self.clauses.supers.iter().any(|s| s.busiest) {
            self.asked.assume("The busiest has the most rows.");
            return Some(self.count_rows());
        }
        let far = bare.iter().copied().find(|b| self.is_far_figure(*b));
        if let Some(at) = far.filter(|_| !self.clauses.list && !made.iter().any(|m| m.group.which))
        {
            self.refuse_far_figure(at);
            return None;
        }
        self.rows_by_themselves(&bare, lists, made)
    }

    /// A name that is a figure, or counted by its comparison, without a word that says so.
    fn figure_by_itself(&self, bare: &[usize], lists: bool) -> Option<MeasureClause> {
        // "delayed flights" are flights, "revenue without cancelled orders" is revenue.
        let rows = bare.iter().copied().find(|b| self.names_root(*b) > 0.6);
        let figure = bare.iter().copied().find(|b| self.is_figure_name(*b));
        if let Some(at) = figure.filter(|at| !lists && rows.is_none_or(|r| r > at + 1)) {
            let agg = self.clauses.on_average.then_some(air_ir::Agg::Avg);
            return Some(MeasureClause { name: Some(at), agg, ..Default::default() });
        }
        let plain = self.clauses.compares.iter().filter(|c| c.such.is_empty());
        let mut subjects = plain.filter_map(|c| c.subject);
        let name = subjects.find(|s| self.is_counted(*s))?;
        Some(MeasureClause { count: true, name: Some(name), ..Default::default() })
    }

    fn refuse_far_figure(&mut self, at: usize) {
        self.mark(at);
        let word = self.text(at).to_owned();
        let table = self.table_name(self.root);
        let reason = format!("\"{word}\" would be counted once for each of the {table}, not once.");
        self.reasons.push(reason);
        self.missing.push(word);
    }

    /// Rows that are named and nothing else: listed by their name, or counted.
    fn rows_by_themselves(&mut self, bare: &[usize], lists: bool, made: &[Made]) -> Option<String> {
        let root_named = bare.iter().copied().find(|b| self.names_root(*b) > 0.6);
        if lists || root_named.is_some_and(|b| self.lists_labels(b, made)) {
            self.list_names(bare, made);
            return None;
        }
        let share = self.clauses.share.is_some() && !self.clauses.values.is_empty();
        if root_named.is_some() || share {
            if let Some(at) = root_named {
                self.mark(at);
                let table = self.table_name(self.root);
                self.asked.assume(format!("The {table} are counted."));
            }
            return Some(self.count_rows());
        }
        if let Some(at) = bare.iter().copied().find(|b| self.is_other_fact(*b)) {
            let clause = MeasureClause { count: true, name: Some(at), ..Default::default() };
            return self.measure(&clause);
        }
        self.ask_measure(None)
    }

    /// Whether a name is that of a column of truth values.
    pub(super) fn is_flag(&self, at: usize) -> bool {
        self.chunks.get(at).is_some_and(|c| c.flag)
    }

    pub(super) fn is_figure_name(&self, at: usize) -> bool {
        let chunk = self.chunks.get(at);
        let fields = chunk
            .map(|c| super::root::fields(self.catalog, self.lexicon, self.root, c))
            .unwrap_or_default();
        fields
            .first()
            .is_some_and(|(f, _)| f.hops.is_empty() && self.column(f.col).is_some_and(is_figure))
    }

    /// A figure of a table that is only looked up: each of its rows would count several times.
    fn is_far_figure(&self, at: usize) -> bool {
        let chunk = self.chunks.get(at);
        let fields = chunk
            .map(|c| super::root::fields(self.catalog, self.lexicon, self.root, c))
            .unwrap_or_default();
        let figure = |(f, w): &(super::routes::Field, f64)| {
            *w > 0.8 && self.column(f.col).is_some_and(is_figure)
        };
        !fields.is_empty()
            && fields.iter().all(|(f, _)| !f.hops.is_empty())
            && fields.iter().any(figure)
    }

    /// "show the airlines": rows that people know by a name are listed, not counted.
    fn lists_labels(&self, at: usize, made: &[Made]) -> bool {
        let clauses = self.clauses;
        let alone = made.is_empty()
            && clauses.supers.is_empty()
            && clauses.compares.iter().all(|c| c.measure.is_none());
        let plain = clauses.nulls.is_empty()
            && clauses.values.is_empty()
            && clauses.compares.is_empty()
            && !clauses.running
            && !clauses.moving
            && !clauses.compare
            && !clauses.bare.iter().any(|b| self.is_flag(*b))
            && clauses.share.is_none()
            && clauses.times.is_empty();
        let label = routes::label(self.catalog, self.root).and_then(|l| self.column(l));
        let table = self.catalog.tables.get(self.root);
        let named = label.is_some_and(|l| table.is_some_and(|t| !t.primary_key.contains(&l.name)));
        alone && plain && named && self.names_root(at) > 0.6
    }

    fn list_names(&mut self, bare: &[usize], made: &[Made]) {
        if !made.is_empty() {
            return;
        }
        // "active customers" are customers of which something is true.
        let named = |b: &usize| self.names_root(*b) <= 0.6 && !self.is_flag(*b);
        let named: Vec<usize> = bare.iter().copied().filter(named).collect();
        let rows = || bare.iter().copied().filter(|b| !self.is_flag(*b)).collect();
        let chosen: Vec<usize> = if named.is_empty() { rows() } else { named };
        for at in chosen {
            self.group_name(at);
        }
    }
}
