//! The first groups by a metric, and one row for the rest (`IR.md`, "top").
//!
//! In: groups with every metric. Out: the groups at the top, and, where asked for, for each
//! combination of the dimensions they are ranked within a row of all others, aggregated again
//! from the base rows whose group is not at the top. Groups that `having` drops are not ranked,
//! but belong to the rest, as they belong to every total. A window or a comparison has no rest:
//! which groups are in it changes from bucket to bucket, so the two together are refused.

use super::aggregate::{FactMetrics, extreme, key_name, metric_name};
use super::compile::Compiler;
use super::dimension::Group;
use super::expression::{binary, function};
use super::fact::column;
use super::figures::{Across, Figures};
use super::finish::{Names, output, shown};
use super::internal;
use super::stitch::{Stitched, stitch};
use crate::functions::{numbered, window};
use crate::kind::{Kind, Typed, null_of};
use crate::model::TargetId;
use air_ir::{Code, Dir, Fill, IrError, MetricKind, Pointer, Share, Top};
use datafusion::common::{JoinConstraint, JoinType, NullEquality, Result, TableReference};
use datafusion::functions::core;
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::{
    Aggregate, Case, Expr, Filter, Join, LogicalPlan, Operator, Projection, SubqueryAlias, Union,
    Window, WindowFunctionDefinition, cast, col, lit,
};
use std::sync::Arc;

/// The key that every row of a rest has, so that there is no row where there is no rest.
pub(crate) const REST: &str = "rest";

/// The output column that marks the rest's row.
pub(crate) const IS_OTHER: &str = "is_other";

const RANK: &str = "rank";
const PASSES: &str = "passes";
const PLACE: &str = "place";
/// Which part of the union a row is of: [`OF_TOP`] or [`OF_REST`].
const PART: &str = "part";
const OF_TOP: i64 = 0;
const OF_REST: i64 = 1;

/// The groups at the top, to be left out of the base rows.
pub(crate) struct Rest {
    /// Columns `k0…`.
    top: LogicalPlan,
    /// The dimensions that tops are ranked within.
    per: Vec<usize>,
}

impl Rest {
    /// The keys of the rest's rows among those of all groups.
    pub(crate) fn keys(&self, all: Vec<Typed>) -> Vec<Typed> {
        let mut keys: Vec<Typed> = self.per.iter().filter_map(|d| all.get(*d).cloned()).collect();
        keys.push(Typed::new(col(REST), Kind::Bool));
        keys
    }

    /// The rows of groups that are not at the top. Null matches null.
    pub(crate) fn without_top(&self, rows: LogicalPlan) -> Result<LogicalPlan> {
        let mut on = Vec::new();
        for (i, field) in self.top.schema().fields().iter().enumerate() {
            let own = rows.schema().field_with_unqualified_name(&key_name(i))?;
            let key = col(key_name(i));
            let same = own.data_type() == field.data_type();
            let key = if same { key } else { cast(key, field.data_type().clone()) };
            on.push((key, column("top", &format!("k{i}"))));
        }
        let top = self.top.clone();
        joined(rows, top, on, JoinType::LeftAnti)
    }
}

fn joined(
    left: LogicalPlan,
    right: LogicalPlan,
    on: Vec<(Expr, Expr)>,
    kind: JoinType,
) -> Result<LogicalPlan> {
    let (left, right) = (Arc::new(left), Arc::new(right));
    let nulls = NullEquality::NullEqualsNull;
    let join = Join::try_new(left, right, on, None, kind, JoinConstraint::On, nulls, false)?;
    Ok(LogicalPlan::Join(join))
}

fn projected(columns: Vec<Expr>, plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}

fn filtered(condition: Expr, plan: LogicalPlan) -> LogicalPlan {
    LogicalPlan::Filter(Filter::new(condition, Arc::new(plan)))
}

/// Groups ranked: columns `d0…`, `m0…`, those of wholes, and the rank.
struct Ranked {
    plan: LogicalPlan,
    is_top: Expr,
}

/// What the facts of the rest are built from.
pub(crate) struct Asked<'a> {
    pub(crate) groups: &'a [Group],
    pub(crate) facts: &'a [FactMetrics],
    pub(crate) bases: &'a [TargetId],
}

impl Compiler<'_, '_> {
    /// What of `top` cannot be: unknown names, and parts of the IR that have no rest.
    pub(super) fn check_top(&mut self, top: &Top, groups: &[Group]) {
        let at = self.at.key("top");
        let mut errors = Vec::new();
        errors.extend(self.named_metric(&top.by, &at.key("by")).err());
        for (i, name) in top.per.iter().enumerate() {
            let at = at.key("per").index(i);
            errors.extend(self.named_dimension(name, groups, &at).err());
        }
        if top.other {
            errors.extend(self.without_rest(top, &at));
        }
        self.errors.extend(errors);
    }

    fn without_rest(&self, top: &Top, at: &Pointer) -> Vec<IrError> {
        let mut errors = Vec::new();
        let at = at.key("other");
        let taken = self.ir.dimensions.iter().map(|d| &d.name);
        if taken.chain(self.ir.metrics.iter().map(|m| &m.name)).any(|name| name == IS_OTHER) {
            let detail = format!("\"{IS_OTHER}\" is the name of the column that marks the rest.");
            errors.push(IrError::new(Code::DuplicateName, &at, detail));
        }
        if self.fill() == Some(Fill::Previous) {
            let detail = "The rest has no value of a bucket before to carry on; fill with \
                          \"zero\" or \"null\", or leave \"other\" out.";
            errors.push(IrError::new(Code::Unsupported, &at, detail));
        }
        for metric in &self.ir.metrics {
            let what = match &metric.kind {
                MetricKind::Window(_) => "a window",
                MetricKind::Compare(_) => "a comparison",
                MetricKind::Share(Share { within, .. })
                    if within.iter().any(|d| !top.per.contains(d)) =>
                {
                    "a share within dimensions that the rest does not have"
                }
                _ => continue,
            };
            let detail = format!(
                "\"{}\" is {what}, which has no value for the rest; leave \"other\" or the metric out.",
                metric.name
            );
            errors.push(IrError::new(Code::Unsupported, &at, detail));
        }
        errors
    }

    /// The groups at the top with columns `d0…` and `m0…`, and `is_other` where the rest is
    /// asked for. `outputs` are the metrics as shown.
    pub(super) fn top(
        &mut self,
        top: &Top,
        figures: Figures,
        outputs: &[(String, Typed)],
        having: Option<Expr>,
        asked: &Asked<'_>,
    ) -> Result<LogicalPlan, IrError> {
        let at = self.at.key("top");
        let fail = |e| internal(&at, &e);
        let groups = asked.groups;
        let by = self.named_metric(&top.by, &at.key("by"))?;
        let mut per = Vec::new();
        for (i, name) in top.per.iter().enumerate() {
            per.push(self.named_dimension(name, groups, &at.key("per").index(i))?);
        }
        let (keys, wholes) = (figures.keys.clone(), figures.wholes.clone());
        let ranked = ranked(top, figures, outputs, having, by, &per).map_err(fail)?;
        let mut columns: Vec<Expr> = (0..groups.len()).map(|d| col(key_name(d))).collect();
        columns.extend((0..outputs.len()).map(|m| col(metric_name(m))));
        let first = filtered(ranked.is_top.clone(), ranked.plan.clone());
        if !top.other {
            return projected(columns, first).map_err(fail);
        }
        if (0..groups.len()).all(|d| per.contains(&d)) {
            columns.push(lit(false).alias(IS_OTHER));
            return projected(columns, first).map_err(fail);
        }
        let mut shown = columns.clone();
        shown.push(binary(col(PART), Operator::Eq, lit(OF_REST)).alias(IS_OTHER));
        columns.push(lit(OF_TOP).alias(PART));
        let first = projected(columns, first).map_err(fail)?;
        let rest = self.rest(&ranked, &keys, wholes, per, asked)?;
        let union = Union::try_new(vec![Arc::new(first), Arc::new(rest)]).map_err(fail)?;
        // The mark is computed over the union, so that a sort by it stays above: below, each part
        // is sorted by what differs in it, and two dimensions that are equal in one part alone
        // leave the union without the order that it needs.
        projected(shown, LogicalPlan::Union(union)).map_err(fail)
    }

    /// The rows of the rest, in the columns of the top, and their part.
    fn rest(
        &mut self,
        ranked: &Ranked,
        keys: &[Typed],
        wholes: Vec<(usize, Typed)>,
        per: Vec<usize>,
        asked: &Asked<'_>,
    ) -> Result<LogicalPlan, IrError> {
        let at = self.at.key("top").key("other");
        let fail = |e| internal(&at, &e);
        let rest = Rest { top: top_keys(ranked, keys.len()).map_err(fail)?, per };
        let timing = None;
        let mut aggregated = Vec::new();
        for fact in asked.facts {
            aggregated.push(self.aggregate(
                fact,
                asked.groups,
                asked.bases,
                timing,
                Some(&rest),
            )?);
        }
        let mut stitched = stitch(aggregated, &self.at.clone())?;
        if !wholes.is_empty() || self.fill().is_some() {
            stitched = self.of_every_rest(stitched, ranked, keys, &rest, &wholes)?;
        }
        let across = Across { groups: asked.groups, time: None, shown: None, wholes_known: true };
        let figures = self.figures(stitched, across)?;
        let mut columns: Vec<Expr> = Vec::new();
        for (d, key) in keys.iter().enumerate() {
            let expr = match rest.per.iter().position(|p| *p == d) {
                Some(own) if figures.keys[own].arrow == key.arrow => col(key_name(d)),
                Some(_) => cast(col(key_name(d)), key.arrow.clone()),
                None => lit(null_of(&key.arrow)),
            };
            columns.push(expr.alias(key_name(d)));
        }
        for (m, value) in figures.values.into_iter().enumerate() {
            columns.push(shown(value).expr.alias(metric_name(m)));
        }
        columns.push(lit(OF_REST).alias(PART));
        projected(columns, figures.plan).map_err(fail)
    }

    /// The rest of every combination that has one, with the wholes of its shares. A rest of
    /// filled groups alone has no base rows.
    fn of_every_rest(
        &mut self,
        stitched: Stitched,
        ranked: &Ranked,
        keys: &[Typed],
        rest: &Rest,
        wholes: &[(usize, Typed)],
    ) -> Result<Stitched, IrError> {
        let at = self.at.key("top").key("other");
        let fail = |e| internal(&at, &e);
        let groups = rest_groups(ranked, keys, rest, wholes).map_err(fail)?;
        let mut on = vec![(column("rests", REST), col(REST))];
        let mut columns = vec![column("rests", REST).alias(REST)];
        for d in &rest.per {
            on.push((column("rests", &format!("k{d}")), col(key_name(*d))));
            columns.push(column("rests", &format!("k{d}")).alias(key_name(*d)));
        }
        let there = Expr::IsNotNull(Box::new(column("own", REST)));
        let own = |name: String| column("own", &name);
        let mut metrics = Vec::new();
        for (i, metric) in &stitched.metrics {
            let value = self.aggregate_value(*i, metric, stitched.several);
            let absent = match self.fill() {
                Some(Fill::Zero) => self.zero(*i, &value),
                _ => None,
            };
            let absent = absent.unwrap_or_else(|| lit(null_of(&value.arrow)));
            // The value is over columns that the join names anew.
            let named = match value.expr {
                Expr::ScalarFunction(_) => {
                    function(core::coalesce(), vec![own(metric_name(*i)), lit(0_i64)])
                }
                _ => own(metric_name(*i)),
            };
            let when = vec![(Box::new(there.clone()), Box::new(named))];
            let case = Expr::Case(Case::new(None, when, Some(Box::new(absent))));
            columns.push(case.alias(metric_name(*i)));
            metrics.push((*i, Typed { expr: col(metric_name(*i)), ..value }));
        }
        columns.extend(wholes.iter().map(|(_, t)| {
            let name = t.expr.schema_name().to_string();
            column("rests", &name).alias(name)
        }));
        let on = on.into_iter().map(|(l, r)| (l, column("own", &r.schema_name().to_string())));
        let own = aliased(stitched.plan, "own").map_err(fail)?;
        let plan = joined(groups, own, on.collect(), JoinType::Left).map_err(fail)?;
        let plan = projected(columns, plan).map_err(fail)?;
        // The key that marks the rest stands first in the plan; by name it is found all the same.
        Ok(Stitched { plan, keys: stitched.keys, metrics, several: false })
    }
}

fn aliased(plan: LogicalPlan, name: &str) -> Result<LogicalPlan> {
    let alias = SubqueryAlias::try_new(Arc::new(plan), TableReference::bare(name))?;
    Ok(LogicalPlan::SubqueryAlias(alias))
}

/// Ranks the groups by a metric, null last, ties by the dimensions.
fn ranked(
    top: &Top,
    figures: Figures,
    outputs: &[(String, Typed)],
    having: Option<Expr>,
    by: usize,
    per: &[usize],
) -> Result<Ranked> {
    let mut columns: Vec<Expr> = figures.keys.iter().map(|k| k.expr.clone()).collect();
    for (i, (_, value)) in outputs.iter().enumerate() {
        columns.push(value.expr.clone().alias(metric_name(i)));
    }
    columns.extend(figures.wholes.iter().map(|(_, whole)| whole.expr.clone()));
    let mut plan = projected(columns, figures.plan)?;
    let mut within: Vec<Expr> = per.iter().map(|d| col(key_name(*d))).collect();
    let has_having = having.is_some();
    if let Some(condition) = having {
        let passes = function(core::coalesce(), vec![condition, lit(false)]).alias(PASSES);
        plan = super::figures::with_columns(plan, vec![passes])?;
        within.push(col(PASSES));
    }
    let mut order = vec![Sort::new(col(metric_name(by)), top.dir == Dir::Asc, false)];
    order.extend(figures.keys.iter().map(|k| Sort::new(k.expr.clone(), true, false)));
    let rank = numbered(within, order);
    plan = LogicalPlan::Window(Window::try_new(vec![rank.alias(RANK)], Arc::new(plan))?);
    let mut is_top = binary(col(RANK), Operator::LtEq, lit(top.n));
    if has_having {
        is_top = binary(is_top, Operator::And, col(PASSES));
    }
    Ok(Ranked { plan, is_top })
}

/// The dimensions of the groups at the top, as `k0…`.
fn top_keys(ranked: &Ranked, dimensions: usize) -> Result<LogicalPlan> {
    let first = filtered(ranked.is_top.clone(), ranked.plan.clone());
    let keys = (0..dimensions).map(|d| col(key_name(d)).alias(format!("k{d}"))).collect();
    aliased(projected(keys, first)?, "top")
}

/// The combinations that have a rest, and the wholes of their shares, which are the same in each
/// row of one.
fn rest_groups(
    ranked: &Ranked,
    keys: &[Typed],
    rest: &Rest,
    wholes: &[(usize, Typed)],
) -> Result<LogicalPlan> {
    let others = filtered(Expr::Not(Box::new(ranked.is_top.clone())), ranked.plan.clone());
    let mut columns = vec![lit(true).alias(REST)];
    let mut by = vec![col(REST)];
    for d in &rest.per {
        columns.push(keys[*d].expr.clone().alias(format!("k{d}")));
        by.push(col(format!("k{d}")));
    }
    columns.extend(wholes.iter().map(|(_, t)| t.expr.clone()));
    let largest = wholes.iter().map(|(_, t)| {
        let args = vec![t.expr.clone()];
        let udaf = extreme(true, &t.kind);
        let call = AggregateFunction::new_udf(udaf, args, false, None, Vec::new(), None);
        Expr::AggregateFunction(call).alias(t.expr.schema_name().to_string())
    });
    let input = Arc::new(projected(columns, others)?);
    let plan = Aggregate::try_new(input, by, largest.collect())?;
    aliased(LogicalPlan::Aggregate(plan), "rests")
}

/// The order in which the rest stands right behind the last row of its group, and the plan that
/// has the place of each row.
pub(super) fn placed(
    plan: LogicalPlan,
    order: Vec<Sort>,
    per: &[usize],
    names: &Names,
) -> Result<(LogicalPlan, Vec<Sort>)> {
    let mut order = order;
    order.push(Sort::new(output(IS_OTHER), true, false));
    let row = numbered(Vec::new(), order).alias("row");
    let plan = LogicalPlan::Window(Window::try_new(vec![row], Arc::new(plan))?);
    let own = Case::new(
        None,
        vec![(Box::new(Expr::Not(Box::new(output(IS_OTHER)))), Box::new(col("row")))],
        None,
    );
    let plan = super::figures::with_columns(plan, vec![Expr::Case(own).alias("own_row")])?;
    let within = per.iter().map(|d| output(&names.dimensions[*d])).collect();
    let last = WindowFunctionDefinition::AggregateUDF(max_udaf());
    let last = window(last, vec![col("own_row")], within, Vec::new()).alias("last_row");
    let plan = LogicalPlan::Window(Window::try_new(vec![last], Arc::new(plan))?);
    let rows = vec![col("own_row"), col("last_row"), col("row")];
    let place = function(core::coalesce(), rows).alias(PLACE);
    let plan = super::figures::with_columns(plan, vec![place])?;
    let by = vec![Sort::new(col(PLACE), true, false), Sort::new(output(IS_OTHER), true, false)];
    Ok((plan, by))
}
