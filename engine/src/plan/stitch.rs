//! Several aggregated facts to one row a group.
//!
//! Each fact gives its keys and metrics, with nulls for the metrics of the others; all rows are
//! put under one another and grouped once more. Every group then has at most one value a metric,
//! and null keys meet null keys, on every engine and without an outer join.

use super::aggregate::{Aggregated, extreme, metric_name};
use super::internal;
use crate::kind::{Kind, Typed, null_of};
use air_ir::{Code, IrError, Pointer};
use datafusion::functions_aggregate::bool_and_or::bool_or_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Projection, Union, cast, col, lit};
use std::sync::Arc;

/// Facts stitched on their keys.
#[derive(Debug)]
pub(crate) struct Stitched {
    pub(crate) plan: LogicalPlan,
    pub(crate) keys: Vec<Typed>,
    pub(crate) metrics: Vec<(usize, Typed)>,
    /// More than one fact: a group may lack the rows of one.
    pub(crate) several: bool,
}

pub(crate) fn stitch(mut facts: Vec<Aggregated>, at: &Pointer) -> Result<Stitched, IrError> {
    if facts.len() == 1
        && let Some(Aggregated { plan, keys, metrics, .. }) = facts.pop()
    {
        return Ok(Stitched { plan, keys, metrics, several: false });
    }
    let keys = shared_keys(&facts, at)?;
    let metrics: Vec<(usize, Typed)> = facts.iter().flat_map(|f| f.metrics.clone()).collect();
    let fail = |e| internal(at, &e);
    let mut inputs = Vec::new();
    for fact in facts {
        let mut columns: Vec<Expr> = Vec::new();
        for (key, own) in keys.iter().zip(&fact.keys) {
            let expr = if own.arrow == key.arrow {
                own.expr.clone()
            } else {
                cast(own.expr.clone(), key.arrow.clone())
            };
            columns.push(expr.alias(key.expr.schema_name().to_string()));
        }
        for (i, metric) in &metrics {
            let own = fact.metrics.iter().any(|(m, _)| m == i);
            let expr = if own { col(metric_name(*i)) } else { lit(null_of(&metric.arrow)) };
            columns.push(expr.alias(metric_name(*i)));
        }
        let projection = Projection::try_new(columns, Arc::new(fact.plan)).map_err(fail)?;
        inputs.push(Arc::new(LogicalPlan::Projection(projection)));
    }
    let union = LogicalPlan::Union(Union::try_new(inputs).map_err(fail)?);
    let by = keys.iter().map(|k| k.expr.clone()).collect();
    let picks = metrics.iter().map(|(i, m)| pick(*i, m)).collect();
    let plan = Aggregate::try_new(Arc::new(union), by, picks).map_err(fail)?;
    Ok(Stitched { plan: LogicalPlan::Aggregate(plan), keys, metrics, several: true })
}

/// The one value there is; null where there is none.
fn pick(i: usize, metric: &Typed) -> Expr {
    let udf = match metric.kind {
        Kind::Bool => bool_or_udaf(),
        _ => extreme(true, &metric.kind),
    };
    let args = vec![col(metric_name(i))];
    Expr::AggregateFunction(AggregateFunction::new_udf(udf, args, false, None, vec![], None))
        .alias(metric_name(i))
}

/// The keys in types that those of every fact fit.
fn shared_keys(facts: &[Aggregated], at: &Pointer) -> Result<Vec<Typed>, IrError> {
    let Some(first) = facts.first() else { return Ok(Vec::new()) };
    let mut keys = first.keys.clone();
    for fact in &facts[1..] {
        for (i, (key, other)) in keys.iter_mut().zip(&fact.keys).enumerate() {
            if key.arrow == other.arrow && key.kind == other.kind {
                continue;
            }
            let Some(kind) = crate::kind::common(&key.kind, &other.kind) else {
                let detail = format!(
                    "This dimension is {} for one entity and {} for another.",
                    key.kind.word(),
                    other.kind.word()
                );
                return Err(IrError::new(
                    Code::TypeMismatch,
                    &at.key("dimensions").index(i),
                    detail,
                ));
            };
            *key = Typed::new(key.expr.clone(), kind);
        }
    }
    Ok(keys)
}
