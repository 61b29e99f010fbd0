//! The end of a plan: outputs by name, `having`, order, offset and limit.

use super::aggregate::{key_name, metric_name};
use super::compile::Compiler;
use super::dimension::{Group, bin_names};
use super::expression::binary;
use super::figures::Figures;
use super::internal;
use super::top::{Asked, IS_OTHER, placed};
use crate::kind::{Kind, Typed};
use crate::output::{OutputColumn, OutputRole};
use air_ir::{Code, Dir, Filter, IrError, MetricKind, Nulls, Pointer, Subject};
use datafusion::arrow::datatypes::DataType as ArrowType;
use datafusion::common::Column;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{
    Case, Expr, Filter as FilterPlan, Limit, LogicalPlan, Operator, Projection, Sort as SortPlan,
    cast, lit,
};
use std::sync::Arc;

/// How many rows are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) offset: u64,
    /// Rows to fetch; the outermost query asks for one more than its limit.
    pub(crate) fetch: Option<u64>,
    /// Whether the order matters: always at the outside, inside only with a limit.
    pub(crate) ordered: bool,
}

/// A finished query and its outputs.
pub(crate) struct Finished {
    pub(crate) plan: LogicalPlan,
    pub(crate) columns: Vec<OutputColumn>,
    pub(crate) kinds: Vec<(String, Kind)>,
}

/// The columns of a plan that stand for the outputs.
pub(crate) struct Names {
    pub(crate) dimensions: Vec<String>,
    pub(crate) metrics: Vec<String>,
}

impl Compiler<'_, '_> {
    pub(super) fn finish(
        &mut self,
        mut figures: Figures,
        asked: &Asked<'_>,
        page: Page,
    ) -> Result<Finished, IrError> {
        let groups = asked.groups;
        if groups.len() != self.ir.dimensions.len() {
            // The errors are with the compiler already.
            return Err(IrError::new(Code::BadValue, &self.at, "The dimensions have errors."));
        }
        let values = std::mem::take(&mut figures.values);
        let outputs: Vec<(String, Typed)> = self
            .ir
            .metrics
            .iter()
            .zip(values)
            .map(|(m, value)| (m.name.clone(), shown(value)))
            .collect();
        let top = self.ir.top.clone();
        let names = self.names(groups, top.is_some());
        let having = self.having(&outputs, &names);
        let order = self.order(groups, &names);
        if let Some(error) = self.errors.first().cloned() {
            return Err(error);
        }
        let having = having.into_iter().reduce(|a, b| binary(a, Operator::And, b));
        let at = self.at.clone();
        let fail = |e| internal(&at, &e);
        let keys = figures.keys.clone();
        let other = top.as_ref().is_some_and(|top| top.other);
        let mut plan = match &top {
            Some(top) => {
                let plan = self.top(top, figures, &outputs, having, asked)?;
                self.ordered(plan, order, &names, groups, page)?
            }
            None => {
                let named = named(&figures, &names, &outputs);
                let mut plan = Projection::try_new(named, Arc::new(figures.plan))
                    .map(LogicalPlan::Projection)
                    .map_err(fail)?;
                if let Some(all) = having {
                    plan = LogicalPlan::Filter(FilterPlan::new(all, Arc::new(plan)));
                }
                self.ordered(plan, order, &names, groups, page)?
            }
        };
        if top.is_some() || groups.iter().any(|g| g.bins().is_some()) {
            plan = with_final_names(plan, groups, &outputs, &names, other).map_err(fail)?;
        }
        let columns = self.columns(&keys, groups, &outputs);
        let kinds = groups
            .iter()
            .zip(&keys)
            .map(|(g, k)| {
                (g.name.clone(), if g.bins().is_some() { Kind::Text } else { k.kind.clone() })
            })
            .chain(outputs.iter().map(|(n, v)| (n.clone(), v.kind.clone())))
            .chain(other.then(|| (IS_OTHER.to_owned(), Kind::Bool)))
            .collect();
        Ok(Finished { plan, columns, kinds })
    }

    /// Outputs keep the names of the stages before them until the top is taken, so that no
    /// column of a stage meets an output of its name.
    pub(super) fn names(&self, groups: &[Group], staged: bool) -> Names {
        if staged {
            return Names {
                dimensions: (0..groups.len()).map(key_name).collect(),
                metrics: (0..self.ir.metrics.len()).map(metric_name).collect(),
            };
        }
        Names {
            dimensions: groups.iter().enumerate().map(|(i, g)| hidden(i, g)).collect(),
            metrics: self.ir.metrics.iter().map(|m| m.name.clone()).collect(),
        }
    }

    fn ordered(
        &mut self,
        mut plan: LogicalPlan,
        mut order: Vec<Sort>,
        names: &Names,
        groups: &[Group],
        page: Page,
    ) -> Result<LogicalPlan, IrError> {
        let at = self.at.key("order");
        if let Some(top) = self.ir.top.as_ref().filter(|top| top.other && page.ordered) {
            let per: Vec<usize> =
                (0..groups.len()).filter(|d| top.per.contains(&groups[*d].name)).collect();
            (plan, order) = placed(plan, order, &per, names).map_err(|e| internal(&at, &e))?;
        }
        if page.ordered && !order.is_empty() {
            plan = LogicalPlan::Sort(SortPlan { expr: order, input: Arc::new(plan), fetch: None });
        }
        if page.fetch.is_some() || page.offset > 0 {
            plan = LogicalPlan::Limit(Limit {
                skip: (page.offset > 0).then(|| Box::new(lit(signed(page.offset)))),
                fetch: page.fetch.map(|n| Box::new(lit(signed(n)))),
                input: Arc::new(plan),
            });
        }
        Ok(plan)
    }

    fn columns(
        &self,
        keys: &[Typed],
        groups: &[Group],
        outputs: &[(String, Typed)],
    ) -> Vec<OutputColumn> {
        let mut columns = Vec::new();
        for (group, key) in groups.iter().zip(keys) {
            columns.push(OutputColumn {
                name: group.name.clone(),
                role: OutputRole::Dimension,
                data_type: if group.bins().is_some() {
                    ArrowType::Utf8View
                } else {
                    key.arrow.clone()
                },
                bucket: group.bucket(),
                agg: None,
                additive: false,
            });
        }
        for (metric, (name, value)) in self.ir.metrics.iter().zip(outputs) {
            let agg = match &metric.kind {
                MetricKind::Aggregate { agg, .. } => Some(*agg),
                _ => None,
            };
            columns.push(OutputColumn {
                name: name.clone(),
                role: OutputRole::Metric,
                data_type: value.arrow.clone(),
                bucket: None,
                agg,
                additive: agg.is_some_and(air_ir::Agg::is_additive),
            });
        }
        if self.ir.top.as_ref().is_some_and(|top| top.other) {
            columns.push(OutputColumn {
                name: IS_OTHER.to_owned(),
                role: OutputRole::Dimension,
                data_type: ArrowType::Boolean,
                bucket: None,
                agg: None,
                additive: false,
            });
        }
        columns
    }

    fn having(&mut self, outputs: &[(String, Typed)], names: &Names) -> Vec<Expr> {
        let outputs: Vec<(String, Typed)> = outputs
            .iter()
            .zip(&names.metrics)
            .map(|((n, value), column)| {
                (n.clone(), Typed { expr: output(column), ..value.clone() })
            })
            .collect();
        let outputs = &outputs[..];
        let mut conditions = Vec::new();
        for (i, filter) in self.ir.having.iter().enumerate() {
            let at = self.at.key("having").index(i);
            match self.having_filter(filter, outputs, &at) {
                Ok(condition) => conditions.push(condition),
                Err(error) => self.errors.push(error),
            }
        }
        conditions
    }

    fn having_filter(
        &mut self,
        filter: &Filter,
        outputs: &[(String, Typed)],
        at: &Pointer,
    ) -> Result<Expr, IrError> {
        let (list, op, key) = match filter {
            Filter::All(list) => (list, Operator::And, "all"),
            Filter::Any(list) => (list, Operator::Or, "any"),
            Filter::Not(inner) => {
                let inner = self.having_filter(inner, outputs, &at.key("not"))?;
                return Ok(Expr::Not(Box::new(inner)));
            }
            Filter::Compare(comparison) => {
                let Subject::Metric(name) = &comparison.subject else {
                    return Err(IrError::new(Code::BadValue, at, "\"having\" compares metrics."));
                };
                let Some((_, value)) = outputs.iter().find(|(n, _)| n == name) else {
                    let detail = format!("There is no metric \"{name}\".");
                    let known = outputs.iter().map(|(n, _)| n.as_str());
                    let error = IrError::new(Code::UnknownMetric, &at.key("metric"), detail);
                    return Err(error.near(name, known));
                };
                return Ok(self.test(value, comparison, &at.key("value"))?.condition);
            }
            Filter::Exists(_) => {
                return Err(IrError::new(Code::BadValue, at, "\"exists\" belongs to \"filters\"."));
            }
        };
        let mut all = None;
        for (i, filter) in list.iter().enumerate() {
            let one = self.having_filter(filter, outputs, &at.key(key).index(i))?;
            all = Some(match all {
                None => one,
                Some(before) => binary(before, op, one),
            });
        }
        Ok(all.unwrap_or_else(|| lit(op == Operator::And)))
    }

    /// The order asked for, then every remaining dimension ascending, so that it is total.
    pub(super) fn order(&mut self, groups: &[Group], names: &Names) -> Vec<Sort> {
        let mut keys = Vec::new();
        let mut used = Vec::new();
        for (i, by) in self.ir.order.iter().enumerate() {
            let column = groups.iter().position(|g| g.name == by.field);
            let column = column.map(|d| names.dimensions[d].clone());
            let metric = self.ir.metrics.iter().position(|m| m.name == by.field);
            let metric = metric.map(|m| names.metrics[m].clone());
            let Some(column) = column.or(metric) else {
                if by.field == IS_OTHER && self.ir.top.as_ref().is_some_and(|top| top.other) {
                    // The rest has its place whatever the order says.
                    continue;
                }
                let at = self.at.key("order").index(i).key("field");
                let known: Vec<&str> = groups
                    .iter()
                    .map(|g| g.name.as_str())
                    .chain(self.ir.metrics.iter().map(|m| m.name.as_str()))
                    .collect();
                let detail = format!("There is no output \"{}\" to order by.", by.field);
                self.errors
                    .push(IrError::new(Code::UnknownOutput, &at, detail).near(&by.field, known));
                continue;
            };
            used.push(column.clone());
            keys.push(Sort::new(output(&column), by.dir == Dir::Asc, by.nulls == Nulls::First));
        }
        for name in &names.dimensions {
            if !used.contains(name) {
                keys.push(Sort::new(output(name), true, false));
            }
        }
        keys
    }
}

/// The name of a key until the end: bins are numbers until they are ordered.
fn hidden(i: usize, group: &Group) -> String {
    if group.bins().is_some() { format!("bin {}", key_name(i)) } else { group.name.clone() }
}

pub(crate) fn output(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// A value as it is shown: whole numbers in 64 bits, or an error where they do not fit.
pub(crate) fn shown(value: Typed) -> Typed {
    match value.kind {
        Kind::Int(bits) if bits > 63 => {
            Typed::new(cast(value.expr, ArrowType::Int64), Kind::Int(63))
        }
        _ => value,
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The outputs under the names of `names`.
fn named(figures: &Figures, names: &Names, outputs: &[(String, Typed)]) -> Vec<Expr> {
    let keys = figures.keys.iter().zip(&names.dimensions);
    let mut named: Vec<Expr> = keys.map(|(k, name)| k.expr.clone().alias(name)).collect();
    let metrics = outputs.iter().zip(&names.metrics);
    named.extend(metrics.map(|((_, value), name)| value.expr.clone().alias(name)));
    named
}

/// The outputs under their own names, with the text of each bin in the place of its number.
fn with_final_names(
    plan: LogicalPlan,
    groups: &[Group],
    outputs: &[(String, Typed)],
    names: &Names,
    other: bool,
) -> datafusion::common::Result<LogicalPlan> {
    let mut columns = Vec::new();
    for (group, name) in groups.iter().zip(&names.dimensions) {
        let expr = match group.bins() {
            None => output(name),
            Some(bounds) => {
                let whens = bin_names(bounds)
                    .into_iter()
                    .zip(0_i64..)
                    .map(|(text, n)| {
                        let text = datafusion::common::ScalarValue::Utf8View(Some(text));
                        (Box::new(lit(n)), Box::new(lit(text)))
                    })
                    .collect();
                Expr::Case(Case::new(Some(Box::new(output(name))), whens, None))
            }
        };
        columns.push(expr.alias(&group.name));
    }
    for ((own, _), name) in outputs.iter().zip(&names.metrics) {
        columns.push(if own == name { output(own) } else { output(name).alias(own) });
    }
    columns.extend(other.then(|| output(IS_OTHER)));
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?))
}
