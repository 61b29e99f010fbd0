//! Metrics over stitched and filled groups: aggregates as they are, expressions over other
//! metrics, and what is computed from the rows of other groups: windows, comparisons, shares.
//!
//! Windows and comparisons see the buckets before the asked range too; then these rows go, and
//! shares, which are parts of the result alone, come last. A share within each bucket is the
//! same either way, so windows and comparisons may be of it.

use super::aggregate::{extreme, key_name, metric_name, prepare, sum_kind};
use super::arithmetic::{arithmetic, divide};
use super::compile::Compiler;
use super::dimension::Group;
use super::expression::{Expressions, Failed, binary, function};
use super::internal;
use super::stitch::Stitched;
use super::timing::{Timing, offset_of};
use crate::functions::{Buckets, Earlier, Moving, Over, Percentile, over, window};
use crate::kind::{Kind, Typed};
use air_ir::expr::{Arithmetic, Func, Kind as Form, Node};
use air_ir::{
    Agg, Code, Compare, CompareAs, IrError, MetricKind, PercentileMethod, Pointer, Share,
    Window as IrWindow,
};
use datafusion::functions::core;
use datafusion::functions_aggregate as aggregates;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{
    AggregateUDF, Expr, Filter, LogicalPlan, Operator, Projection, Window,
    WindowFunctionDefinition, col, lit,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Groups with the values of every metric, which are expressions over the plan's columns.
pub(crate) struct Figures {
    pub(crate) plan: LogicalPlan,
    pub(crate) keys: Vec<Typed>,
    /// In the order of the IR's metrics.
    pub(crate) values: Vec<Typed>,
    /// The wholes of shares: metric and column.
    pub(crate) wholes: Vec<(usize, Typed)>,
}

/// What metrics of several groups need to know.
pub(crate) struct Across<'g> {
    pub(crate) groups: &'g [Group],
    pub(crate) time: Option<(Timing, Buckets)>,
    /// The first bucket shown, where earlier ones are there too.
    pub(crate) shown: Option<i64>,
    /// Whether the wholes of shares stand in the rows already.
    pub(crate) wholes_known: bool,
}

struct Building<'g> {
    plan: LogicalPlan,
    keys: Vec<Typed>,
    values: Vec<Option<Typed>>,
    wholes: Vec<(usize, Typed)>,
    /// Window calls that are columns already. The engine's optimizer cannot bear one call twice.
    calls: Vec<(Expr, String)>,
    across: Across<'g>,
}

impl Building<'_> {
    /// The column of a window call: a new one called `name`, or the one that has the same call.
    fn column(&mut self, call: Expr, name: String) -> datafusion::common::Result<Expr> {
        if let Some((_, known)) = self.calls.iter().find(|(known, _)| *known == call) {
            return Ok(col(known));
        }
        let aliased = call.clone().alias(&name);
        let plan = Window::try_new(vec![aliased], Arc::new(self.plan.clone()))?;
        self.plan = LogicalPlan::Window(plan);
        self.calls.push((call, name.clone()));
        Ok(col(name))
    }
}

fn whole_name(i: usize) -> String {
    format!("t{i}")
}

impl Compiler<'_, '_> {
    /// Every metric's value.
    pub(super) fn figures(
        &mut self,
        stitched: Stitched,
        across: Across<'_>,
    ) -> Result<Figures, IrError> {
        let mut values: Vec<Option<Typed>> = vec![None; self.ir.metrics.len()];
        for (i, typed) in &stitched.metrics {
            values[*i] = Some(self.aggregate_value(*i, typed, stitched.several));
        }
        let shown = across.shown;
        let (plan, keys) = (stitched.plan, stitched.keys);
        let mut b = Building { plan, keys, values, wholes: Vec::new(), calls: Vec::new(), across };
        for last in [false, true] {
            for i in 0..b.values.len() {
                if b.values[i].is_none()
                    && self.is_of_result(i, &mut Vec::new()) == last
                    && let Err(error) = self.value(i, &mut b, &mut Vec::new())
                {
                    self.errors.push(error);
                }
            }
            if let (false, Some(shown)) = (last, shown) {
                b.plan = self.only_shown(b.plan, &b.across, &b.keys, shown)?;
            }
        }
        let values: Vec<Typed> = b.values.into_iter().flatten().collect();
        if values.len() != self.ir.metrics.len() {
            // The errors are with the compiler already.
            return Err(IrError::new(Code::BadValue, &self.at, "The metrics have errors."));
        }
        Ok(Figures { plan: b.plan, keys: b.keys, values, wholes: b.wholes })
    }

    /// Drops the buckets before the asked range.
    fn only_shown(
        &mut self,
        plan: LogicalPlan,
        across: &Across<'_>,
        keys: &[Typed],
        shown: i64,
    ) -> Result<LogicalPlan, IrError> {
        let Some((timing, buckets)) = &across.time else { return Ok(plan) };
        let first = self.context.value(buckets.value(shown));
        let condition = binary(keys[timing.dimension].expr.clone(), Operator::GtEq, first);
        Ok(LogicalPlan::Filter(Filter::new(condition, Arc::new(plan))))
    }

    /// Whether a metric depends on which buckets are shown: a share of more than one bucket.
    /// `seen` are the metrics looked at already.
    fn is_of_result(&self, i: usize, seen: &mut Vec<usize>) -> bool {
        if seen.contains(&i) {
            return false;
        }
        if let MetricKind::Share(share) = &self.ir.metrics[i].kind
            && !self.is_within_time(share)
        {
            return true;
        }
        seen.push(i);
        self.needed(i).into_iter().any(|other| self.is_of_result(other, seen))
    }

    fn is_within_time(&self, share: &Share) -> bool {
        self.time_dimension.is_some_and(|t| share.within.contains(&self.ir.dimensions[t].name))
    }

    /// A count of a fact that a group has no rows of is 0; other aggregates are null.
    pub(super) fn aggregate_value(&self, i: usize, typed: &Typed, several: bool) -> Typed {
        let counts = matches!(&self.ir.metrics[i].kind,
            MetricKind::Aggregate { agg, .. } if agg.is_count());
        let expr = col(metric_name(i));
        match counts && several {
            true => Typed::new(function(core::coalesce(), vec![expr, lit(0_i64)]), Kind::Int(63)),
            false => Typed { expr, ..typed.clone() },
        }
    }

    /// The value of a metric, after those it names; `under` are the metrics being computed.
    fn value(
        &mut self,
        i: usize,
        b: &mut Building<'_>,
        under: &mut Vec<usize>,
    ) -> Result<Typed, IrError> {
        if let Some(value) = &b.values[i] {
            return Ok(value.clone());
        }
        let at = self.at.key("metrics").index(i);
        if under.contains(&i) {
            let names: Vec<&str> =
                under.iter().map(|m| self.ir.metrics[*m].name.as_str()).collect();
            let detail = format!("These metrics need one another: {}.", names.join(", "));
            return Err(IrError::new(Code::Cycle, &at.key(self.way(i)), detail));
        }
        under.push(i);
        let kind = self.ir.metrics[i].kind.clone();
        let value = match &kind {
            MetricKind::Aggregate { .. } => {
                // Its error is with the compiler already.
                Err(IrError::new(Code::BadValue, &at, "This metric has no value."))
            }
            MetricKind::Expr(expr) => {
                let at = at.key("expr");
                let mut known = Vec::new();
                for (name, _) in expr.names() {
                    let other = self.named_metric(name, &at)?;
                    known.push((name.to_owned(), self.value(other, b, under)?));
                }
                self.expression(expr.root(), &known, &at)
            }
            MetricKind::Window(window) => self.moving(i, window, b, under, &at.key("window")),
            MetricKind::Compare(compare) => self.compared(i, compare, b, under, &at.key("compare")),
            MetricKind::Share(share) => self.share(i, share, b, under, &at.key("share")),
        }?;
        under.pop();
        b.values[i] = Some(value.clone());
        Ok(value)
    }

    fn way(&self, i: usize) -> &'static str {
        match self.ir.metrics[i].kind {
            MetricKind::Aggregate { .. } => "agg",
            MetricKind::Expr(_) => "expr",
            MetricKind::Window(_) => "window",
            MetricKind::Compare(_) => "compare",
            MetricKind::Share(_) => "share",
        }
    }

    pub(super) fn named_metric(&self, name: &str, at: &Pointer) -> Result<usize, IrError> {
        self.ir.metrics.iter().position(|m| m.name == name).ok_or_else(|| {
            let names = self.ir.metrics.iter().map(|m| m.name.as_str());
            let detail = format!("There is no metric \"{name}\".");
            IrError::new(Code::UnknownMetric, at, detail).near(name, names)
        })
    }

    fn expression(
        &mut self,
        root: &Node,
        known: &[(String, Typed)],
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let source_zone = self.zones.source.clone();
        let mut names = |_: &mut super::Context, name: &str, here: usize| {
            let found = known.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone());
            found.ok_or_else(|| Failed(here, format!("There is no metric \"{name}\".")))
        };
        Expressions::new(self.context, &mut names, &source_zone).whole(root, at)
    }

    /// The metric that a window or comparison is of.
    fn over_time(
        &mut self,
        name: &str,
        b: &mut Building<'_>,
        under: &mut Vec<usize>,
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let other = self.named_metric(name, &at.key("of"))?;
        if self.is_of_result(other, &mut Vec::new()) {
            let detail = format!(
                "\"{name}\" is a share of the whole result, which has none outside it; \
                 take the share within the dimension of time."
            );
            return Err(IrError::new(Code::Unsupported, &at.key("of"), detail));
        }
        self.value(other, b, under)
    }

    fn moving(
        &mut self,
        i: usize,
        of: &IrWindow,
        b: &mut Building<'_>,
        under: &mut Vec<usize>,
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let value = self.over_time(&of.of, b, under, at)?;
        let mismatch = |d: String| IrError::new(Code::TypeMismatch, &at.key("agg"), d);
        if of.agg == Agg::Percentile {
            let detail = "A window has no rank for a percentile; take the median.";
            return Err(IrError::new(Code::Unsupported, &at.key("agg"), detail));
        }
        let value = prepare(of.agg, value).map_err(mismatch)?;
        let (over, result) = over_frame(of.agg, &value);
        let Some((_, buckets)) = b.across.time.clone() else { return Err(no_time(at)) };
        let function = Moving::new(buckets, of.frame, over, of.agg.as_str(), result.arrow.clone());
        let expr = self.across_rows(i, function, value, b, at)?;
        Ok(Typed { expr, ..result })
    }

    fn compared(
        &mut self,
        i: usize,
        of: &Compare,
        b: &mut Building<'_>,
        under: &mut Vec<usize>,
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let value = self.over_time(&of.of, b, under, at)?;
        let number = value.kind.is_numeric();
        if !number && of.as_ != CompareAs::Value {
            let detail = format!("Only numbers have a difference; this is {}.", value.kind.word());
            return Err(IrError::new(Code::TypeMismatch, &at.key("as"), detail));
        }
        let Some((_, buckets)) = b.across.time.clone() else { return Err(no_time(at)) };
        let function = Earlier::new(buckets, offset_of(of.offset));
        let expr = self.across_rows(i, function, value.clone(), b, at)?;
        let earlier = Typed { expr, ..value.clone() };
        match of.as_ {
            CompareAs::Value => Ok(earlier),
            CompareAs::Delta => arithmetic(Arithmetic::Subtract, value, earlier)
                .map_err(|d| IrError::new(Code::TypeMismatch, at, d)),
            CompareAs::Ratio => Ok(divide(value, earlier)),
        }
    }

    /// A function of the buckets of each combination of the other dimensions, as a new column.
    fn across_rows(
        &mut self,
        i: usize,
        function: impl datafusion::logical_expr::WindowUDFImpl + 'static,
        value: Typed,
        b: &mut Building<'_>,
        at: &Pointer,
    ) -> Result<Expr, IrError> {
        let Some((timing, _)) = &b.across.time else { return Err(no_time(at)) };
        let time = b.keys[timing.dimension].expr.clone();
        let others = (0..b.across.groups.len()).filter(|d| *d != timing.dimension);
        let by = others.map(|d| col(key_name(d))).collect();
        let order = vec![Sort::new(time.clone(), true, false)];
        let call = over(function, vec![time, value.expr], by, order);
        b.column(call, metric_name(i)).map_err(|e| internal(at, &e))
    }

    fn share(
        &mut self,
        i: usize,
        share: &Share,
        b: &mut Building<'_>,
        under: &mut Vec<usize>,
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let of = self.named_metric(&share.of, &at.key("of"))?;
        let value = self.value(of, b, under)?;
        let mut within = Vec::new();
        for (n, name) in share.within.iter().enumerate() {
            let at = at.key("within").index(n);
            within.push(self.named_dimension(name, b.across.groups, &at)?);
        }
        if !self.adds_up(of, self.is_within_time(share), &mut HashMap::new()) {
            let detail = format!(
                "The values of \"{}\" do not add up to a whole, so it has no share.",
                share.of
            );
            return Err(IrError::new(Code::NotAdditive, &at.key("of"), detail));
        }
        let summed = prepare(Agg::Sum, value.clone())
            .map_err(|d| IrError::new(Code::TypeMismatch, &at.key("of"), d))?;
        let kind = sum_kind(&summed.kind);
        if !b.across.wholes_known {
            let sum = WindowFunctionDefinition::AggregateUDF(aggregates::sum::sum_udaf());
            let by = within.iter().map(|d| col(key_name(*d))).collect();
            let call = window(sum, vec![summed.expr], by, Vec::new());
            b.column(call, self.whole_of(i, share)).map_err(|e| internal(at, &e))?;
        }
        let whole = Typed::new(col(self.whole_of(i, share)), kind);
        if b.wholes.iter().all(|(_, known)| known.expr != whole.expr) {
            b.wholes.push((i, whole.clone()));
        }
        Ok(divide(value, whole))
    }

    /// The column of a share's whole: shares of one metric within the same dimensions share it.
    fn whole_of(&self, i: usize, share: &Share) -> String {
        let same = |other: &MetricKind| matches!(other, MetricKind::Share(s) if s == share);
        let first = self.ir.metrics.iter().position(|m| same(&m.kind));
        whole_name(first.unwrap_or(i))
    }

    pub(super) fn named_dimension(
        &self,
        name: &str,
        groups: &[Group],
        at: &Pointer,
    ) -> Result<usize, IrError> {
        groups.iter().position(|g| g.name == name).ok_or_else(|| {
            let known = groups.iter().map(|g| g.name.as_str());
            let detail = format!("There is no dimension \"{name}\".");
            IrError::new(Code::UnknownOutput, at, detail).near(name, known)
        })
    }

    /// Whether the values of groups add up to that of their union: counts and sums, and what is
    /// linear in them. A moving sum counts a value in several buckets, so it adds up only within
    /// each.
    fn adds_up(&self, i: usize, in_bucket: bool, known: &mut HashMap<usize, bool>) -> bool {
        if let Some(adds_up) = known.get(&i) {
            return *adds_up;
        }
        // A cycle does not add up, and is told where metrics are computed.
        known.insert(i, false);
        let needed = self.needed(i);
        let mut all = true;
        for other in &needed {
            all &= self.adds_up(*other, in_bucket, known);
        }
        let adds_up = match &self.ir.metrics[i].kind {
            MetricKind::Aggregate { agg, .. } => agg.is_additive(),
            MetricKind::Expr(expr) => all && is_linear(expr.root()),
            MetricKind::Window(window) => all && in_bucket && window.agg == Agg::Sum,
            MetricKind::Compare(compare) => all && compare.as_ != CompareAs::Ratio,
            MetricKind::Share(_) => false,
        };
        known.insert(i, adds_up);
        adds_up
    }
}

fn no_time(at: &Pointer) -> IrError {
    IrError::new(Code::NoTime, at, "This needs a dimension of time, such as \"month\".")
}

fn is_number(node: &Node) -> bool {
    match &node.kind {
        Form::Number(_) => true,
        Form::Negate(inner) => is_number(inner),
        Form::Arithmetic(_, a, b) => is_number(a) && is_number(b),
        _ => false,
    }
}

/// Sums and differences of metrics, times or over numbers; absent values may be 0.
fn is_linear(node: &Node) -> bool {
    match &node.kind {
        Form::Name(_) => true,
        Form::Negate(inner) => is_linear(inner),
        Form::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, a, b) => {
            is_linear(a) && is_linear(b)
        }
        Form::Arithmetic(Arithmetic::Multiply, a, b) => {
            is_linear(a) && is_number(b) || is_number(a) && is_linear(b)
        }
        Form::Arithmetic(Arithmetic::Divide, a, b) => is_linear(a) && is_number(b),
        Form::Call(Func::Coalesce, args) => match &args[..] {
            [value, Node { kind: Form::Number(zero), .. }] => zero == "0" && is_linear(value),
            _ => false,
        },
        _ => false,
    }
}

/// How the values of a frame are aggregated, and what that gives.
fn over_frame(agg: Agg, value: &Typed) -> (Over, Typed) {
    let result = |kind: Kind| Typed::new(lit(true), kind);
    let of = |function: Arc<AggregateUDF>| Over::Aggregate { function, distinct: false };
    match agg {
        Agg::Count => (of(aggregates::count::count_udaf()), result(Kind::Int(63))),
        Agg::CountDistinct => {
            let function = aggregates::count::count_udaf();
            (Over::Aggregate { function, distinct: true }, result(Kind::Int(63)))
        }
        Agg::Sum => (of(aggregates::sum::sum_udaf()), result(sum_kind(&value.kind))),
        Agg::Avg => (of(aggregates::average::avg_udaf()), result(Kind::Float)),
        Agg::Min | Agg::Max => (of(extreme(agg == Agg::Max, &value.kind)), value.clone()),
        Agg::Stddev => (of(aggregates::stddev::stddev_udaf()), result(Kind::Float)),
        Agg::Variance => (of(aggregates::variance::var_samp_udaf()), result(Kind::Float)),
        Agg::BoolAnd => (of(aggregates::bool_and_or::bool_and_udaf()), value.clone()),
        Agg::BoolOr => (of(aggregates::bool_and_or::bool_or_udaf()), value.clone()),
        Agg::Median | Agg::Percentile => {
            let percentile = Percentile::new(0.5, PercentileMethod::Cont);
            (of(Arc::new(AggregateUDF::new_from_impl(percentile))), result(Kind::Float))
        }
        Agg::First | Agg::Last => (Over::End { first: agg == Agg::First }, value.clone()),
    }
}

/// The plan with more columns.
pub(crate) fn with_columns(
    plan: LogicalPlan,
    more: Vec<Expr>,
) -> datafusion::common::Result<LogicalPlan> {
    let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    columns.extend(more);
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}
