//! One fact's rows to one row a group.

use super::compile::Compiler;
use super::dimension::Group;
use super::expression::{binary, normal};
use super::fact::Fact;
use super::internal;
use super::timing::{Reach, Timing};
use super::top::{REST, Rest};
use crate::functions::{Extreme, Percentile};
use crate::kind::{Kind, MAX_DIGITS, Typed, null_of};
use crate::model::{FieldRef, ROOT, TargetId};
use air_ir::{Agg, Code, Input, IrError, Metric, MetricKind, PercentileMethod, Pointer};
use datafusion::functions_aggregate as aggregates;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::{
    Aggregate, AggregateUDF, Case, Expr, Filter, LogicalPlan, Operator, Projection, col, lit,
};
use std::sync::Arc;

/// Metrics that share an entity and a time, aggregated together.
#[derive(Debug)]
pub(crate) struct FactMetrics {
    pub(crate) base: TargetId,
    /// The time column the metrics name for themselves.
    pub(crate) time: Option<String>,
    /// Indices into the IR's metrics.
    pub(crate) metrics: Vec<usize>,
}

/// A fact after aggregation: columns `d0…` and `m…`.
#[derive(Debug)]
pub(crate) struct Aggregated {
    pub(crate) plan: LogicalPlan,
    pub(crate) keys: Vec<Typed>,
    /// Metric index, and its value's kind and type.
    pub(crate) metrics: Vec<(usize, Typed)>,
    /// The bounds of the fact's own time, where it has one.
    pub(crate) range: Option<(jiff::Timestamp, jiff::Timestamp)>,
    /// Where the buckets of the time dimension lie.
    pub(crate) reach: Reach,
}

pub(crate) fn key_name(i: usize) -> String {
    format!("d{i}")
}

pub(crate) fn metric_name(i: usize) -> String {
    format!("m{i}")
}

/// The parts of an aggregate call that stand in the projection below it.
struct Measured {
    /// The columns to project, with their names.
    inputs: Vec<(Expr, String)>,
    call: Expr,
    result: Typed,
}

impl Compiler<'_, '_> {
    /// The facts of the IR: the metrics by entity and own time. Without aggregates, the root.
    pub(super) fn facts(&mut self) -> Vec<FactMetrics> {
        let mut facts: Vec<FactMetrics> = Vec::new();
        for (i, metric) in self.ir.metrics.iter().enumerate() {
            let MetricKind::Aggregate { input, .. } = &metric.kind else { continue };
            let at = self.at.key("metrics").index(i);
            match self.base_of(input.as_ref(), &at) {
                Ok(base) => {
                    let same = |f: &&mut FactMetrics| f.base == base && f.time == metric.time;
                    match facts.iter_mut().find(same) {
                        Some(fact) => fact.metrics.push(i),
                        None => facts.push(FactMetrics {
                            base,
                            time: metric.time.clone(),
                            metrics: vec![i],
                        }),
                    }
                }
                Err(error) => self.errors.push(error),
            }
        }
        if facts.is_empty() {
            facts.push(FactMetrics { base: ROOT, time: None, metrics: Vec::new() });
        }
        facts
    }

    fn base_of(&mut self, input: Option<&Input>, at: &Pointer) -> Result<TargetId, IrError> {
        match input {
            None => Ok(ROOT),
            Some(Input::Field(name)) => Ok(self.model.field(name, &at.key("field"))?.target),
            Some(Input::Value(expr)) => {
                let at = at.key("value");
                let mut targets = Vec::new();
                for (name, _) in expr.names() {
                    targets.push(self.model.field(name, &at)?.target);
                }
                if targets.is_empty() { Ok(ROOT) } else { self.owner(&targets, &at) }
            }
        }
    }

    /// Scans, joins, filters, projects and aggregates one fact. With `rest`, only the rows of
    /// groups that are not at the top, by the dimensions that tops are ranked within.
    pub(super) fn aggregate(
        &mut self,
        of: &FactMetrics,
        groups: &[Group],
        bases: &[TargetId],
        timing: Option<&Timing>,
        rest: Option<&Rest>,
    ) -> Result<Aggregated, IrError> {
        let at = self.at.clone();
        let mut fact = Fact::new(self, of.base);
        let named = of.time.as_deref();
        let time = timing.map(|t| self.time_behind(t, groups, &mut fact, named)).transpose()?;
        let found = self.where_clause(&mut fact, named, bases, time.as_ref());
        let range = self.range_of(&mut fact, named);
        let (conditions, reach) = self.widened(found, time.as_ref().zip(timing), &mut fact)?;
        let (keys, mut projected) = self.keys(groups, &mut fact, named);
        let mut calls = Vec::new();
        let mut metrics = Vec::new();
        for i in &of.metrics {
            let at = at.key("metrics").index(*i);
            match self.measure(*i, &self.ir.metrics[*i], &mut fact, &at) {
                Ok(measured) => {
                    projected.extend(measured.inputs.into_iter().map(|(e, n)| e.alias(n)));
                    calls.push(measured.call.alias(metric_name(*i)));
                    metrics.push((*i, measured.result));
                }
                Err(error) => self.errors.push(error),
            }
        }
        fact.settle(self);
        let mut plan = fact.joined(self, &at)?;
        let fail = |e| internal(&at, &e);
        if let Some(all) = conditions.into_iter().reduce(|a, b| binary(a, Operator::And, b)) {
            plan = LogicalPlan::Filter(Filter::new(all, Arc::new(plan)));
        }
        let keys = match rest {
            Some(rest) => {
                projected.push(lit(true).alias(REST));
                rest.keys(keys)
            }
            None => keys,
        };
        if !projected.is_empty() {
            plan = LogicalPlan::Projection(
                Projection::try_new(projected, Arc::new(plan)).map_err(fail)?,
            );
        }
        if let Some(rest) = rest {
            plan = rest.without_top(plan).map_err(fail)?;
        }
        if !keys.is_empty() || !calls.is_empty() {
            let by = keys.iter().map(|k| k.expr.clone()).collect();
            plan = LogicalPlan::Aggregate(
                Aggregate::try_new(Arc::new(plan), by, calls).map_err(fail)?,
            );
        }
        Ok(Aggregated { plan, keys, metrics, range, reach })
    }

    /// The keys of a fact's rows, and the columns that give them.
    fn keys(
        &mut self,
        groups: &[Group],
        fact: &mut Fact,
        time: Option<&str>,
    ) -> (Vec<Typed>, Vec<Expr>) {
        let (mut keys, mut projected) = (Vec::new(), Vec::new());
        for (i, group) in groups.iter().enumerate() {
            match self.key(group, fact, time) {
                Ok(key) => {
                    projected.push(key.expr.clone().alias(key_name(i)));
                    keys.push(Typed { expr: col(key_name(i)), ..key });
                }
                Err(error) => self.errors.push(error),
            }
        }
        (keys, projected)
    }

    /// The range that the filters hold the fact's own time to.
    fn range_of(
        &mut self,
        fact: &mut Fact,
        time: Option<&str>,
    ) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
        let at = self.at.clone();
        if fact.bounds.is_empty() {
            return None;
        }
        let field = self.time_of(fact.base, time.map(|t| (t, &at)), &at).ok()?;
        let (alias, bounds) = fact.bounds.iter().find(|(_, b)| b.column == field.column)?;
        let range = (bounds.lower?, bounds.upper?);
        self.context.range_is_of(alias, &field.column);
        Some(range)
    }

    fn measure(
        &mut self,
        index: usize,
        metric: &Metric,
        fact: &mut Fact,
        at: &Pointer,
    ) -> Result<Measured, IrError> {
        let MetricKind::Aggregate { agg, input, p, method } = &metric.kind else {
            return Err(IrError::new(Code::BadValue, at, "This metric is no aggregate."));
        };
        let value = match input {
            None => None,
            Some(Input::Field(_)) => {
                let value = self.input_of(input, fact, &at.key("field"))?;
                Some(value)
            }
            Some(Input::Value(_)) => Some(self.input_of(input, fact, &at.key("value"))?),
        };
        let filter = match &metric.filter {
            None => None,
            Some(filter) => {
                let at = at.key("filter");
                let time = metric.time.clone();
                self.projected = true;
                let condition = self.filter(filter, fact, time.as_deref(), &at, false);
                self.projected = false;
                Some(condition?)
            }
        };
        let Some(value) = value else { return Ok(count_rows(index, filter)) };
        let ordered = match agg {
            Agg::First | Agg::Last => Some(self.time_and_key(metric, fact, at)?),
            _ => None,
        };
        let value = prepare(*agg, value).map_err(|d| IrError::new(Code::TypeMismatch, at, d))?;
        Ok(measured(index, *agg, *p, *method, value, filter, ordered))
    }

    fn input_of(
        &mut self,
        input: &Option<Input>,
        fact: &mut Fact,
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let Some(input) = input else {
            return Err(IrError::new(Code::MissingField, at, "An input is missing."));
        };
        let value = self.input(input, fact, at)?;
        self.plain(value, at)
    }

    /// What `first` and `last` go by: the time, then the primary key.
    fn time_and_key(
        &mut self,
        metric: &Metric,
        fact: &mut Fact,
        at: &Pointer,
    ) -> Result<Vec<Expr>, IrError> {
        let time_at = at.key("time");
        let named = metric.time.as_deref().map(|t| (t, &time_at));
        let field = self.time_of(fact.base, named, at)?;
        let mut by = vec![fact.field(self, &field, at)?.expr];
        let table = self.model.targets[fact.base].table;
        for column in self.model.table(table).primary_key.clone() {
            let field = FieldRef { target: fact.base, column };
            by.push(fact.field(self, &field, at)?.expr);
        }
        Ok(by)
    }
}

/// `count` of the rows themselves.
fn count_rows(index: usize, filter: Option<Expr>) -> Measured {
    let result = Typed::new(col(metric_name(index)), Kind::Int(63));
    let (inputs, counted) = match filter {
        None => (Vec::new(), lit(1_i64)),
        Some(filter) => {
            let name = format!("i{index}");
            (vec![(only_where(filter, lit(1_i64), &Kind::Int(63)), name.clone())], col(name))
        }
    };
    let call = aggregate(aggregates::count::count_udaf(), vec![counted], false, vec![]);
    Measured { inputs, call, result }
}

fn only_where(filter: Expr, value: Expr, kind: &Kind) -> Expr {
    let null = lit(null_of(&kind.arrow()));
    Expr::Case(Case::new(None, vec![(Box::new(filter), Box::new(value))], Some(Box::new(null))))
}

fn aggregate(udf: Arc<AggregateUDF>, args: Vec<Expr>, distinct: bool, order: Vec<Sort>) -> Expr {
    Expr::AggregateFunction(AggregateFunction::new_udf(udf, args, distinct, None, order, None))
}

/// The value in the type its aggregate computes in.
pub(crate) fn prepare(agg: Agg, value: Typed) -> Result<Typed, String> {
    let number = || match value.kind.is_numeric() {
        true => Ok(()),
        false => {
            Err(format!("\"{}\" needs a number; this is {}.", agg.as_str(), value.kind.word()))
        }
    };
    Ok(match agg {
        Agg::Count => value,
        Agg::CountDistinct if value.kind == Kind::Float => {
            Typed::new(normal(value.plain(), &Kind::Float), Kind::Float)
        }
        Agg::CountDistinct => value,
        Agg::Sum => {
            number()?;
            let kind = match value.kind {
                Kind::Int(bits) if bits <= 32 => Kind::Int(63),
                Kind::Int(_) => Kind::Int(126),
                Kind::Null => Kind::Int(63),
                ref other => other.clone(),
            };
            Typed::new(value.widen(&kind), kind)
        }
        Agg::Avg | Agg::Stddev | Agg::Variance | Agg::Median | Agg::Percentile => {
            number()?;
            Typed::new(value.widen(&Kind::Float), Kind::Float)
        }
        Agg::Min | Agg::Max => match value.kind {
            Kind::Bool | Kind::Binary => {
                return Err(format!("\"{}\" does not fit {}.", agg.as_str(), value.kind.word()));
            }
            Kind::Float => Typed::new(value.plain(), Kind::Float),
            _ => value,
        },
        Agg::First | Agg::Last => value,
        Agg::BoolAnd | Agg::BoolOr => match value.kind {
            Kind::Bool => value,
            _ => {
                let word = value.kind.word();
                return Err(format!("\"{}\" needs true or false; this is {word}.", agg.as_str()));
            }
        },
    })
}

fn measured(
    index: usize,
    agg: Agg,
    p: Option<f64>,
    method: PercentileMethod,
    value: Typed,
    filter: Option<Expr>,
    ordered: Option<Vec<Expr>>,
) -> Measured {
    let (name, kind, arrow) = (format!("i{index}"), value.kind.clone(), value.arrow.clone());
    let null = lit(null_of(&arrow));
    let timed = ordered.as_ref().map(|by| Expr::IsNotNull(Box::new(by[0].clone())));
    let condition = match (filter, timed) {
        (Some(a), Some(b)) => Some(binary(a, Operator::And, b)),
        (a, b) => a.or(b),
    };
    let input = value.expr;
    let input = match condition {
        None => input,
        Some(c) => {
            Expr::Case(Case::new(None, vec![(Box::new(c), Box::new(input))], Some(Box::new(null))))
        }
    };
    let mut inputs = vec![(input, name.clone())];
    let of = |kind: Kind| Typed::new(col(metric_name(index)), kind);
    let same = Typed::column(col(metric_name(index)), kind.clone(), arrow);
    let args = vec![col(&name)];
    let plain = |udf| aggregate(udf, args.clone(), false, vec![]);
    let (call, result) = match agg {
        Agg::Count => (plain(aggregates::count::count_udaf()), of(Kind::Int(63))),
        Agg::CountDistinct => {
            let call = aggregate(aggregates::count::count_udaf(), args, true, vec![]);
            (call, of(Kind::Int(63)))
        }
        Agg::Sum => (plain(aggregates::sum::sum_udaf()), of(sum_kind(&kind))),
        Agg::Avg => (plain(aggregates::average::avg_udaf()), of(Kind::Float)),
        Agg::Min | Agg::Max => (plain(extreme(agg == Agg::Max, &kind)), same),
        Agg::Stddev => (plain(aggregates::stddev::stddev_udaf()), of(Kind::Float)),
        Agg::Variance => (plain(aggregates::variance::var_samp_udaf()), of(Kind::Float)),
        Agg::BoolAnd => (plain(aggregates::bool_and_or::bool_and_udaf()), same),
        Agg::BoolOr => (plain(aggregates::bool_and_or::bool_or_udaf()), same),
        Agg::Median | Agg::Percentile => {
            let udf = AggregateUDF::new_from_impl(Percentile::new(p.unwrap_or(0.5), method));
            (plain(Arc::new(udf)), of(Kind::Float))
        }
        Agg::First | Agg::Last => {
            let ascending = agg == Agg::First;
            // Nulls do not count: they sort behind every value.
            let mut order = vec![Sort::new(Expr::IsNull(Box::new(col(&name))), true, false)];
            for (k, by) in ordered.into_iter().flatten().enumerate() {
                let name = format!("o{index}_{k}");
                order.push(Sort::new(col(&name), ascending, false));
                inputs.push((by, name));
            }
            order.push(Sort::new(col(&name), ascending, false));
            let udf = aggregates::first_last::first_value_udaf();
            (aggregate(udf, args, false, order), same)
        }
    };
    Measured { inputs, call, result }
}

/// `max` or `min` of a kind; doubles have their own, for NaN.
pub(crate) fn extreme(largest: bool, kind: &Kind) -> Arc<AggregateUDF> {
    match (kind, largest) {
        (Kind::Float, _) => Arc::new(AggregateUDF::new_from_impl(Extreme::new(largest))),
        (_, true) => aggregates::min_max::max_udaf(),
        (_, false) => aggregates::min_max::min_udaf(),
    }
}

pub(crate) fn sum_kind(kind: &Kind) -> Kind {
    match kind {
        Kind::Decimal(p, s) if *p <= MAX_DIGITS => Kind::Decimal((p + 10).min(MAX_DIGITS), *s),
        Kind::Decimal(p, s) => Kind::Decimal((p + 10).min(76), *s),
        other => other.clone(),
    }
}
