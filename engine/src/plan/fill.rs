//! Absent buckets, between the ends of the time filter (`IR.md`, "fill").
//!
//! Each row is asked which buckets are absent after it, and becomes one row for each of them and
//! for itself; so the groups are read once, and the value carried on is that of the row. The
//! value carried is the one of the bucket before, its null included, and it is not carried from
//! the buckets before the asked range, which are there only for windows.

use super::aggregate::metric_name;
use super::compile::Compiler;
use super::expression::binary;
use super::figures::Across;
use super::internal;
use super::stitch::Stitched;
use crate::functions::{Absent, Buckets, Ends, TooManyBuckets, over, series, window};
use crate::kind::{Typed, null_of};
use air_ir::{Agg, Code, Fill, IrError, MetricKind};
use datafusion::common::{Column, NullHandling, Result, UnnestOptions};
use datafusion::functions_aggregate::min_max;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{
    Case, EmptyRelation, Expr, LogicalPlan, Operator, Projection, Union, Unnest, Window,
    WindowFunctionDefinition, cast, col, lit,
};
use std::sync::Arc;

/// The bucket of a row after filling, and whether the row was there before.
const BUCKET: &str = "bucket";
const THERE: &str = "there";

impl Compiler<'_, '_> {
    /// `stitched` with a row for each absent bucket.
    pub(super) fn filled(
        &mut self,
        stitched: Stitched,
        across: &Across<'_>,
        ends: Ends,
        fill: Fill,
    ) -> Result<Stitched, IrError> {
        let at = self.at.key("time").key("fill");
        let Some((timing, buckets)) = &across.time else { return Ok(stitched) };
        if let (Some(first), Some(last)) = (ends.first, ends.last) {
            let known = series(buckets, first, last).map_err(|e| internal(&at, &e))?;
            if known.is_none() {
                return Err(IrError::new(Code::TooLarge, &at, TooManyBuckets.to_string()));
            }
        }
        let metrics: Vec<(usize, Typed)> = stitched
            .metrics
            .iter()
            .map(|(i, m)| (*i, self.aggregate_value(*i, m, stitched.several)))
            .collect();
        let filling = Filling {
            buckets,
            ends,
            keys: &stitched.keys,
            time: timing.dimension,
            metrics: &metrics,
        };
        let value = |i: usize, m: &Typed| self.in_absent(i, m, &filling, fill);
        let values = metrics.iter().map(|(i, m)| value(*i, m)).collect();
        let plan = filling.plan(stitched.plan, values).map_err(|e| internal(&at, &e))?;
        let metrics = metrics
            .iter()
            .map(|(i, m)| (*i, Typed { expr: col(metric_name(*i)), ..m.clone() }))
            .collect();
        Ok(Stitched { plan, keys: stitched.keys.clone(), metrics, several: false })
    }

    /// A metric in every row: its own value in a row that was there, another in an absent one.
    fn in_absent(&self, i: usize, metric: &Typed, filling: &Filling<'_>, fill: Fill) -> Expr {
        let own = col(metric_name(i));
        let null = lit(null_of(&metric.arrow));
        let there = binary(col(BUCKET), Operator::IsNotDistinctFrom, filling.time());
        let (condition, absent) = match fill {
            Fill::Null => (there, null),
            Fill::Zero => (there, self.zero(i, metric).unwrap_or(null)),
            Fill::Previous => (filling.carries(there), null),
        };
        let when = vec![(Box::new(condition), Box::new(own))];
        Expr::Case(Case::new(None, when, Some(Box::new(absent))))
    }

    /// 0 for counts and sums.
    pub(super) fn zero(&self, i: usize, metric: &Typed) -> Option<Expr> {
        match self.ir.metrics[i].kind {
            MetricKind::Aggregate { agg: Agg::Count | Agg::CountDistinct | Agg::Sum, .. } => {
                Some(cast(lit(0_i64), metric.arrow.clone()))
            }
            _ => None,
        }
    }
}

struct Filling<'a> {
    buckets: &'a Buckets,
    ends: Ends,
    keys: &'a [Typed],
    /// Index of the time dimension.
    time: usize,
    metrics: &'a [(usize, Typed)],
}

impl Filling<'_> {
    fn time(&self) -> Expr {
        self.keys[self.time].expr.clone()
    }

    /// Whether a row has the value of the row it came from.
    fn carries(&self, there: Expr) -> Expr {
        let mut after = binary(col(BUCKET), Operator::Gt, self.time());
        if let Some(shown) = self.ends.shown {
            let shown = lit(self.buckets.value(shown));
            let from_before = binary(self.time(), Operator::Lt, shown.clone());
            let into = binary(col(BUCKET), Operator::GtEq, shown);
            let crosses = binary(from_before, Operator::And, into);
            after = binary(after, Operator::And, Expr::Not(Box::new(crosses)));
        }
        binary(there, Operator::Or, after)
    }

    fn plan(&self, plan: LogicalPlan, values: Vec<Expr>) -> Result<LogicalPlan> {
        let mut columns: Vec<Expr> = self.keys.iter().map(|k| k.expr.clone()).collect();
        columns.extend(self.metrics.iter().map(|(i, m)| m.expr.clone().alias(metric_name(*i))));
        columns.push(lit(true).alias(THERE));
        let plan = LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?);
        let plan = self.with_stand_in(plan)?;
        let (plan, low, high) = self.with_ends(plan)?;
        let others = self.keys.iter().enumerate().filter(|(i, _)| *i != self.time);
        let call = over(
            Absent::new(self.buckets.clone(), self.ends),
            vec![self.time(), col(THERE), low, high],
            others.map(|(_, k)| k.expr.clone()).collect(),
            vec![Sort::new(self.time(), true, false)],
        );
        let plan = Window::try_new(vec![call.alias(BUCKET)], Arc::new(plan))?;
        let plan = Unnest::try_new(
            Arc::new(LogicalPlan::Window(plan)),
            vec![Column::from_name(BUCKET)],
            UnnestOptions::new().with_null_handling(NullHandling::Drop),
        )?;
        let mut columns: Vec<Expr> = Vec::new();
        for (i, key) in self.keys.iter().enumerate() {
            let name = key.expr.schema_name().to_string();
            let expr = if i == self.time { col(BUCKET) } else { key.expr.clone() };
            columns.push(expr.alias(name));
        }
        let named = values.into_iter().zip(self.metrics);
        columns.extend(named.map(|(value, (i, _))| value.alias(metric_name(*i))));
        let plan = Projection::try_new(columns, Arc::new(LogicalPlan::Unnest(plan)))?;
        Ok(LogicalPlan::Projection(plan))
    }

    /// Where time is the only dimension, a row that stands for it also when there is none.
    fn with_stand_in(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if self.keys.len() > 1 || self.ends.first.is_none() || self.ends.last.is_none() {
            return Ok(plan);
        }
        let schema = Arc::clone(plan.schema());
        let columns = schema.fields().iter().map(|f| lit(null_of(f.data_type())).alias(f.name()));
        let nothing = EmptyRelation {
            produce_one_row: true,
            schema: Arc::new(datafusion::common::DFSchema::empty()),
        };
        let nothing = Arc::new(LogicalPlan::EmptyRelation(nothing));
        let stand_in = Projection::try_new(columns.collect(), nothing)?;
        let inputs = vec![Arc::new(plan), Arc::new(LogicalPlan::Projection(stand_in))];
        Ok(LogicalPlan::Union(Union::try_new(inputs)?))
    }

    /// The first and the last bucket of all the data, where the filters do not say them.
    fn with_ends(&self, plan: LogicalPlan) -> Result<(LogicalPlan, Expr, Expr)> {
        let null = lit(null_of(&self.keys[self.time].arrow));
        if self.ends.first.is_some() && self.ends.last.is_some() {
            return Ok((plan, null.clone(), null));
        }
        let of = |udaf| {
            let function = WindowFunctionDefinition::AggregateUDF(udaf);
            window(function, vec![self.time()], Vec::new(), Vec::new())
        };
        let calls =
            vec![of(min_max::min_udaf()).alias("low"), of(min_max::max_udaf()).alias("high")];
        let plan = LogicalPlan::Window(Window::try_new(calls, Arc::new(plan))?);
        Ok((plan, col("low"), col("high")))
    }
}

/// Both ends as several facts have them: one without an end takes that of the data.
pub(crate) fn outer_ends(reaches: &[super::timing::Reach]) -> Ends {
    let all = |of: fn(&super::timing::Reach) -> Option<i64>| {
        reaches.iter().map(of).collect::<Option<Vec<i64>>>()
    };
    let first = all(|r| r.first).and_then(|v| v.into_iter().min());
    let from = all(|r| r.from).and_then(|v| v.into_iter().min());
    let last = all(|r| r.last).and_then(|v| v.into_iter().max());
    Ends { first: from, last, shown: first.filter(|_| from < first) }
}
