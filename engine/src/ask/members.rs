//! Members that fit a condition of their own: "how many customers have more than 3 unpaid orders".
//!
//! In: an IR that counts what is different, beside a condition on another count; and comparisons
//! of counts of such rows. Out: a nested query, whose rows are the members that fit, and a query
//! that counts them. Where there are groups too, the condition may be one on each group, so it is
//! asked back.

use super::build::{Build, empty_ir};
use super::clauses::CmpClause;
use super::filters::compare;
use super::grouping::bare;
use super::measures::aggregate;
use super::questions::{Choice, id_of};
use super::tokens::words_of;
use air_ir::{Agg, EntityRef, Filter, Input, MetricKind, Op, Operand, Subject};

/// The value of the choice that each member by itself must fit.
const EACH: &str = "each";

impl Build<'_> {
    /// The count of the rows that are such as a comparison says.
    pub(super) fn count_such(&mut self, clause: &CmpClause) -> Option<String> {
        let subject = clause.subject?;
        self.mark(subject);
        let adjectives = &clause.such.adjectives;
        let filters = self.apart(|build| {
            adjectives.iter().for_each(|at| build.bare_name(*at));
            build.values(&clause.such.values, false);
        });
        let values = usize::from(!clause.such.values.is_empty());
        if self.names_root(subject) < 0.6
            || self.shares()
            || filters.len() < adjectives.len() + values
        {
            let word = self.text(subject).to_owned();
            self.reasons.push(format!("Which {word} are meant cannot be asked for here."));
            self.missing.push(word);
            return None;
        }
        let mut said: Vec<&str> = Vec::new();
        for at in adjectives.iter().chain(clause.such.values.iter().map(|v| &v.chunk)) {
            if self.clauses.turned.contains(at) {
                said.push("not");
            }
            said.push(self.text(*at));
        }
        said.push(self.text(subject));
        let name = words_of(&said.join(" ")).join("_");
        Some(self.metric(&name, aggregate(Agg::Count, None, None), all_of(filters)))
    }

    /// The conditions that `add` makes, without adding them to the query.
    fn apart(&mut self, add: impl FnOnce(&mut Self)) -> Vec<Filter> {
        self.start();
        let before = std::mem::take(&mut self.ir.filters);
        let placed = std::mem::take(&mut self.placed);
        add(self);
        self.placed = placed;
        std::mem::replace(&mut self.ir.filters, before)
    }

    /// Nests what is counted where its members must fit a condition on a figure.
    pub(super) fn nest_members(&mut self) {
        let Some((counted, field)) = self.counted_members() else { return };
        if !self.ir.dimensions.is_empty() && !self.asks_of_each(&field) {
            return;
        }
        if !self.parts.is_empty() || self.of_totals.is_some() || self.ir.top.is_some() {
            self.missing.push(field);
            let reason = "What is counted has to fit a condition of its own, and only whole \
                          periods and plain groups can be asked for beside it.";
            self.reasons.push(reason.to_owned());
            return;
        }
        let outer: Vec<_> = self.ir.dimensions.iter().map(|d| bare(&d.name)).collect();
        self.dimension(bare(&field));
        self.asked.assume(format!("The condition holds for each {field} by itself."));
        let own = self.catalog.tables.get(self.root).and_then(|t| t.column(&field));
        if own.is_none_or(|c| c.nullable) {
            self.condition(compare(&field, Op::NotNull, Operand::None), false);
        }
        let mut inner = std::mem::replace(&mut self.ir, empty_ir());
        inner.metrics.retain(|m| m.name != counted);
        let (order, limit) = (std::mem::take(&mut inner.order), inner.limit.take());
        let alias = "members".to_owned();
        self.ir.entities = vec![EntityRef::Query { query: Box::new(inner), alias }];
        self.ir.dimensions = outer;
        let said = self.clauses.measures.iter().find_map(|m| m.name);
        let name = said.map_or(counted.as_str(), |at| self.text(at)).to_lowercase();
        let name = self.metric(&name, aggregate(Agg::Count, None, None), None);
        self.ir.order = order;
        for order in self.ir.order.iter_mut().filter(|o| o.field == counted) {
            order.field.clone_from(&name);
        }
        self.ir.limit = limit;
    }

    /// The one metric that counts what is different, with its field, where all others are there
    /// for a condition.
    fn counted_members(&self) -> Option<(String, String)> {
        let conditions: Vec<String> = self.ir.having.iter().flat_map(metrics_of).collect();
        let free: Vec<_> =
            self.ir.metrics.iter().filter(|m| !conditions.contains(&m.name)).collect();
        let plain = |kind: &MetricKind| matches!(kind, MetricKind::Aggregate { .. });
        let ([only], false) = (&free[..], conditions.is_empty()) else { return None };
        match &only.kind {
            MetricKind::Aggregate {
                agg: Agg::CountDistinct,
                input: Some(Input::Field(of)),
                ..
            } if only.filter.is_none() && self.ir.metrics.iter().all(|m| plain(&m.kind)) => {
                Some((only.name.clone(), of.clone()))
            }
            _ => None,
        }
    }

    /// "how many customers by country have more than 3 orders": each customer, or each country.
    fn asks_of_each(&mut self, field: &str) -> bool {
        let said = self.clauses.measures.iter().find_map(|m| m.name);
        let members = said.map_or(field, |at| self.text(at)).to_owned();
        let groups: Vec<&str> = self.ir.dimensions.iter().map(|d| d.name.as_str()).collect();
        let choices = vec![
            Choice::new(EACH, &format!("each of the {members} by itself")),
            Choice::new("group", &format!("each {} as a whole", groups.join(" and "))),
        ];
        let text = format!("What must fit the condition beside the number of {members}?");
        self.asked.choose(&id_of("condition", &members), &text, choices, EACH) == EACH
    }
}

/// The one condition that several are together.
fn all_of(mut filters: Vec<Filter>) -> Option<Filter> {
    match filters.len() {
        0 | 1 => filters.pop(),
        _ => Some(Filter::All(filters)),
    }
}

/// The metrics that a condition on groups looks at.
fn metrics_of(filter: &Filter) -> Vec<String> {
    match filter {
        Filter::All(list) | Filter::Any(list) => list.iter().flat_map(metrics_of).collect(),
        Filter::Not(inner) => metrics_of(inner),
        Filter::Compare(air_ir::Comparison { subject: Subject::Metric(name), .. }) => {
            vec![name.clone()]
        }
        Filter::Compare(_) | Filter::Exists(_) => Vec::new(),
    }
}
