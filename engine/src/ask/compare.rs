//! Figures made of other figures: shares, comparisons with earlier buckets, windows, and
//! averages over totals.
//!
//! In: the metrics over rows. Out: derived metrics of the IR, and the nested query that an
//! average over totals is.

use super::build::{Build, empty_ir};
use super::grouping::bare;
use super::measures::aggregate;
use super::questions::{Choice, Reply};
use air_ir::expr::{Expr, Grammar};
use air_ir::{
    Agg, Compare, CompareAs, Dimension, EntityRef, Filter, Frame, Grain, Input, Metric, MetricKind,
    Offset, Op, Operand, Part, Shape, Share, Unit, Window,
};

/// An average that loses nothing when it is taken again from parts.
const PARTS_ENTITY: &str = "parts";

impl Build<'_> {
    fn expr(&mut self, name: &str, text: &str) -> Option<String> {
        let expr = Expr::parse(text, Grammar::Metrics).ok()?;
        Some(self.metric(name, MetricKind::Expr(expr), None))
    }

    /// The share of a metric: of the rows that fit, or of the whole.
    pub(super) fn share_of(&mut self, base: &str) -> Option<String> {
        let conditions = std::mem::take(&mut self.numerator);
        let kind = self.ir.metrics.iter().find(|m| m.name == base)?.kind.clone();
        if !matches!(&kind, MetricKind::Aggregate { agg, .. } if agg.is_additive()) {
            self.missing.push("share".to_owned());
            self.reasons.push(format!("{base} does not add up, so there is no share of it."));
            return None;
        }
        if self.is_of_two() {
            self.missing.push("ratio".to_owned());
            self.reasons.push(
                "A ratio of one part to another is not understood, only the share of a part in \
                 the whole. Ask for both figures side by side."
                    .to_owned(),
            );
            return None;
        }
        if !conditions.is_empty() {
            let filter = match conditions.len() {
                1 => conditions.into_iter().next()?,
                _ => Filter::All(conditions),
            };
            let part = self.metric(&format!("matching_{base}"), kind, Some(filter));
            return self.expr("share", &format!("{part} / {base}"));
        }
        let word = self.clauses.share.map_or("", |at| self.text(at)).to_lowercase();
        if matches!(word.as_str(), "rate" | "ratio") {
            self.missing.push(word);
            self.reasons
                .push("It is not said which of the rows are set against all of them.".to_owned());
            return None;
        }
        if self.ir.dimensions.is_empty() {
            self.missing.push("share".to_owned());
            self.reasons
                .push("A share needs a condition or a breakdown; none was named.".to_owned());
            return None;
        }
        let times: Vec<String> = self
            .ir
            .dimensions
            .iter()
            .filter(|d| self.is_bucket(d))
            .map(|d| d.name.clone())
            .collect();
        let within = if times.len() < self.ir.dimensions.len() { times } else { Vec::new() };
        let within = self.shared_within().unwrap_or(within);
        let kind = MetricKind::Share(Share { of: base.to_owned(), within });
        Some(self.metric("share", kind, None))
    }

    /// "the ratio of X to Y", "the ratio between X and Y", "the ratio of X versus Y": of two parts.
    fn is_of_two(&self) -> bool {
        let clauses = self.clauses;
        let word = clauses.share.map_or("", |at| self.text(at));
        let to = |at: usize| {
            let values = &clauses.values;
            self.text(at).eq_ignore_ascii_case("to")
                && values.iter().any(|v| v.chunk < at)
                && values.iter().any(|v| v.chunk > at)
        };
        let between = |at: usize| self.text(at).eq_ignore_ascii_case("between");
        word.eq_ignore_ascii_case("ratio")
            && (clauses.compare || (0..self.chunks.len()).any(|at| to(at) || between(at)))
    }

    /// "the share of each X in the rows of each Y": the other groups are wholes.
    fn shared_within(&mut self) -> Option<Vec<String>> {
        let clauses = self.clauses;
        let each = clauses.share_each?;
        let own = clauses.groups.get(each)?;
        let own = self.group(own);
        let others = clauses.groups.iter().enumerate().filter(|(at, g)| *at != each && g.per);
        let others: Vec<_> = others.map(|(_, g)| *g).collect();
        let within: Vec<String> = others.iter().flat_map(|g| self.group(g)).collect();
        (!within.is_empty() && within.iter().all(|name| !own.contains(name))).then_some(within)
    }

    /// "the difference between X and Y", where both are figures.
    pub(super) fn difference(&mut self, metrics: &[Option<String>]) -> Option<String> {
        let (a, b) = self.clauses.difference?;
        let of = |at: usize| metrics.get(at).cloned().flatten();
        let text = format!("{} - {}", of(a)?, of(b)?);
        self.expr("difference", &text)
    }

    fn is_bucket(&self, dimension: &Dimension) -> bool {
        match dimension.shape {
            Shape::Bucket(_) => true,
            Shape::Plain => {
                dimension.bare
                    && Unit::WORDS.iter().any(|(w, _)| *w == dimension.name)
                    && !self.shadowed(&dimension.name)
            }
            _ => false,
        }
    }

    pub(super) fn has_bucket(&self) -> bool {
        self.ir.dimensions.iter().any(|d| self.is_bucket(d))
    }

    /// Comparison with an earlier bucket: its value, the change, and the growth.
    pub(super) fn earlier(&mut self, base: &str) {
        let clauses = self.clauses;
        let wanted = clauses.compare || clauses.over.is_some() || clauses.change || clauses.growth;
        let unit = self.compared_unit();
        if !wanted && unit.is_none() || !self.values_compared().is_empty() {
            return;
        }
        if unit.is_none() && clauses.compare && !clauses.growth && !clauses.change {
            return;
        }
        if !self.has_bucket() && self.bucket(Grain::one(unit.unwrap_or(Unit::Month))).is_none() {
            return;
        }
        let offset = unit.map_or(Offset::Previous, |u| Offset::Span(Grain::one(u)));
        let of = |as_| MetricKind::Compare(Compare { of: base.to_owned(), offset, as_ });
        let previous = self.metric(&format!("{base}_previous"), of(CompareAs::Value), None);
        let change = self.metric(&format!("{base}_change"), of(CompareAs::Delta), None);
        if clauses.growth {
            self.expr(&format!("{base}_growth"), &format!("{change} / {previous}"));
        }
    }

    /// Value clauses that are compared with each other: "compare JFK and LGA".
    pub(super) fn values_compared(&self) -> Vec<usize> {
        let many = self.clauses.values.len() > 1 && self.clauses.compare;
        if many { (0..self.clauses.values.len()).collect() } else { Vec::new() }
    }

    /// Running totals and moving averages.
    pub(super) fn window(&mut self, base: &str) {
        let clauses = self.clauses;
        if !clauses.running && !clauses.moving {
            return;
        }
        let unit = clauses.window.map(|w| w.unit);
        if !self.has_bucket() && self.bucket(Grain::one(unit.unwrap_or(Unit::Month))).is_none() {
            return;
        }
        if clauses.moving {
            let n = clauses.window.map_or(3, |w| w.n);
            if clauses.window.is_none() {
                self.asked.assume("The moving average covers 3 buckets.");
            }
            let window =
                Window { of: base.to_owned(), agg: Agg::Avg, frame: Frame::Trailing { n } };
            self.metric(&format!("{base}_moving_avg"), MetricKind::Window(window), None);
        } else {
            self.asked.assume("The running total starts again each year.");
            let frame = Frame::ToDate { unit: Unit::Year };
            let window = Window { of: base.to_owned(), agg: Agg::Sum, frame };
            self.metric(&format!("{base}_running"), MetricKind::Window(window), None);
        }
    }

    /// The average over the totals of each unit.
    pub(super) fn nest_totals(&mut self) {
        let Some(totals) = self.of_totals.take() else { return };
        let mut unit = totals.unit.or_else(|| {
            self.clauses.groups.iter().find_map(|g| match g.what {
                super::clauses::GroupClause::Bucket(grain) => Some(grain.unit),
                _ => None,
            })
        });
        let outer: Vec<Dimension> = match (unit, totals.unit) {
            (Some(unit), None) => {
                let keep = |d: &&Dimension| d.name != unit.as_str();
                self.ir.dimensions.iter().filter(keep).cloned().collect()
            }
            (Some(unit), Some(_)) => {
                let outer = self.ir.dimensions.clone();
                if self.bucket(Grain::one(unit)).is_none() {
                    return;
                }
                outer
            }
            (None, _) if !self.per.is_empty() => {
                self.counts_only_those();
                let keep = |d: &&Dimension| !self.per.contains(&d.name);
                self.ir.dimensions.iter().filter(keep).cloned().collect()
            }
            (None, _) => {
                let outer = self.ir.dimensions.clone();
                unit = self.ask_unit();
                if unit.is_none_or(|u| self.bucket(Grain::one(u)).is_none()) {
                    return;
                }
                outer
            }
        };
        if let Some(unit) = unit {
            let word = unit.as_str();
            self.asked.assume(format!("A {word} without any rows does not count."));
        }
        self.wrap(outer, &totals.of, totals.agg);
    }

    /// "average orders per customer": what has no customer is none, and a customer without orders
    /// is not among them.
    fn counts_only_those(&mut self) {
        let names = self.per_keys.clone();
        self.asked.assume(format!("What has no rows, of {}, does not count.", names.join(", ")));
        let plain = |d: &&Dimension| d.shape == Shape::Plain && names.contains(&d.name);
        let dimensions = self.ir.dimensions.iter().filter(plain);
        let fields: Vec<String> = dimensions
            .filter_map(|d| match &d.input {
                Input::Field(field) => Some(field.clone()),
                Input::Value(_) => None,
            })
            .collect();
        let prefix = format!("{}.", self.root_name());
        for field in fields {
            let own = field.strip_prefix(&prefix).unwrap_or(&field);
            let column = self.catalog.tables.get(self.root).and_then(|t| t.column(own));
            if column.is_none_or(|c| c.nullable) {
                let there = super::filters::compare(&field, Op::NotNull, Operand::None);
                self.condition(there, false);
            }
        }
    }

    /// Over what an average of counts is taken.
    fn ask_unit(&mut self) -> Option<Unit> {
        let units = ["day", "week", "month"];
        let choices: Vec<Choice> =
            units.iter().map(|u| Choice::new(u, &format!("per {u}"))).collect();
        let text = "Over what is the average of the counts taken?";
        let (Reply::Choice(answer) | Reply::Free(answer)) =
            self.asked.ask("each", text, choices.clone(), "day");
        let unit = answer.split_whitespace().find_map(Unit::parse);
        if unit.is_none() {
            self.asked.again("each", &answer, text, choices, "day");
        }
        unit.or(Some(Unit::Day))
    }

    /// Makes the IR so far the inner query of one that aggregates its metric.
    fn wrap(&mut self, outer: Vec<Dimension>, of: &str, agg: Agg) {
        let mut inner = std::mem::replace(&mut self.ir, empty_ir());
        let (order, limit) = (std::mem::take(&mut inner.order), inner.limit.take());
        let having = std::mem::take(&mut inner.having);
        inner.metrics.retain(|m| m.name == of);
        let name = format!("{}_{of}", agg.as_str());
        self.ir.entities =
            vec![EntityRef::Query { query: Box::new(inner), alias: "totals".to_owned() }];
        self.ir.dimensions = outer.iter().map(|d| bare(&d.name)).collect();
        let kind = aggregate(agg, Some(of.to_owned()), None);
        self.ir.metrics = vec![Metric { name: name.clone(), kind, filter: None, time: None }];
        self.ir.order = order;
        for order in self.ir.order.iter_mut().filter(|o| o.field == of) {
            order.field.clone_from(&name);
        }
        self.ir.limit = limit;
        self.ir.having = having;
    }

    /// Restricts rows by a part of their time, such as the weekday: an inner query groups by the
    /// part too, and the outer one adds up the parts that fit.
    pub(super) fn restrict_parts(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        if parts.is_empty() || !self.reasons.is_empty() {
            return;
        }
        let mut inner = std::mem::replace(&mut self.ir, empty_ir());
        let Some(field) = self.time_field("time") else { return };
        let metrics = std::mem::take(&mut inner.metrics);
        let mut outer = empty_ir();
        for metric in &metrics {
            if !split(metric, &mut inner, &mut outer) {
                self.reasons.push(format!(
                    "\"{}\" cannot be put together from parts of a week or a year.",
                    metric.name
                ));
                self.missing.push(metric.name.clone());
                self.ir = inner;
                return;
            }
        }
        outer.order = std::mem::take(&mut inner.order);
        outer.having = std::mem::take(&mut inner.having);
        outer.top = inner.top.take();
        outer.limit = inner.limit.take();
        outer.dimensions = inner.dimensions.iter().map(|d| bare(&d.name)).collect();
        std::mem::swap(&mut self.ir, &mut inner);
        let spelled = self.field(&field);
        std::mem::swap(&mut self.ir, &mut inner);
        for (part, values, negated) in parts {
            let name = part_name(part, &inner.dimensions);
            let input = Input::Field(spelled.clone());
            inner.dimensions.push(Dimension {
                name: name.clone(),
                input,
                shape: Shape::Part(part),
                bare: false,
            });
            let values = values.into_iter().map(|v| air_ir::Scalar::Number(v.into())).collect();
            let op = if negated { air_ir::Op::NotIn } else { air_ir::Op::In };
            outer.filters.push(super::filters::compare(&name, op, air_ir::Operand::Many(values)));
        }
        outer.entities =
            vec![EntityRef::Query { query: Box::new(inner), alias: PARTS_ENTITY.to_owned() }];
        self.ir = outer;
    }
}

fn part_name(part: Part, dimensions: &[Dimension]) -> String {
    let mut name = format!("only_{}", part.as_str());
    while dimensions.iter().any(|d| d.name == name) {
        name.push_str("_2");
    }
    name
}

/// Puts a metric's parts into the inner query and what adds them up into the outer one. False
/// where the parts do not add up.
fn split(metric: &Metric, inner: &mut air_ir::Ir, outer: &mut air_ir::Ir) -> bool {
    let MetricKind::Aggregate { agg, input, .. } = &metric.kind else {
        let own = matches!(metric.kind, MetricKind::Expr(_) | MetricKind::Share(_));
        outer.metrics.push(metric.clone());
        return own;
    };
    let again = match agg {
        Agg::Count | Agg::Sum => Agg::Sum,
        Agg::Min => Agg::Min,
        Agg::Max => Agg::Max,
        Agg::Avg => return split_average(metric, input.clone(), inner, outer),
        _ => return false,
    };
    inner.metrics.push(metric.clone());
    let kind = aggregate(again, Some(metric.name.clone()), None);
    outer.metrics.push(Metric { name: metric.name.clone(), kind, filter: None, time: None });
    true
}

fn split_average(
    metric: &Metric,
    input: Option<Input>,
    inner: &mut air_ir::Ir,
    outer: &mut air_ir::Ir,
) -> bool {
    let (sum, count) = (format!("{}_sum", metric.name), format!("{}_count", metric.name));
    for (name, agg) in [(&sum, Agg::Sum), (&count, Agg::Count)] {
        let kind = MetricKind::Aggregate {
            agg,
            input: input.clone(),
            p: None,
            method: Default::default(),
        };
        inner.metrics.push(Metric {
            name: name.clone(),
            kind,
            filter: metric.filter.clone(),
            time: None,
        });
        let kind = aggregate(Agg::Sum, Some(name.clone()), None);
        outer.metrics.push(Metric { name: name.clone(), kind, filter: None, time: None });
    }
    let Ok(expr) = Expr::parse(&format!("{sum} / {count}"), Grammar::Metrics) else { return false };
    let kind = MetricKind::Expr(expr);
    outer.metrics.push(Metric { name: metric.name.clone(), kind, filter: None, time: None });
    true
}
