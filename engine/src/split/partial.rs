//! Groups made at a fact's own source before its rows are joined here.
//!
//! In: an aggregate over a join of several places. Out: the same rows from groups of groups: the
//! leftmost part of the join is grouped by what is used of it above (keys, join columns, columns
//! of the conditions left), then joined, filtered and grouped again. A group joins what each of
//! its rows joins, so counts and sums of groups add up to those of rows. Aggregates that do not
//! come apart (distinct counts, percentiles, first, last, deviations) leave the plan as it is.

use super::columns::{named, within};
use super::sink::{sunk, with_sides};
use super::{Place, places_of};
use crate::functions::{Divide, call};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, Result, ScalarValue};
use datafusion::functions::core::coalesce;
use datafusion::functions_aggregate::{count::count_udaf, sum::sum_udaf};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Aggregate, AggregateUDF, Expr, Filter, LogicalPlan, Projection, cast, lit,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whether a place has a form for an expression over some rows.
pub(super) type HasForm<'f> = dyn FnMut(&Place, &Expr, &LogicalPlan) -> bool + 'f;

/// `aggregate` by way of groups at the place of its leftmost rows; `None` where that cannot be.
pub(super) fn by_parts(
    aggregate: &Aggregate,
    has_form: &mut HasForm<'_>,
) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Projection(projection) = aggregate.input.as_ref() else { return Ok(None) };
    let (joined, conditions) = match projection.input.as_ref() {
        LogicalPlan::Filter(filter) => sunk(filter)?,
        other => (other.clone(), Vec::new()),
    };
    let Some((base, place)) = base_of(&joined) else { return Ok(None) };
    if is_grouped(base) {
        return Ok(None);
    }
    let mut parts = Parts::new(base, &joined, &conditions);
    for group in &aggregate.group_expr {
        let Some(input) = output_of(projection, group) else { return Ok(None) };
        parts.group(input, &mut |e| has_form(&place, e, base));
    }
    for metric in &aggregate.aggr_expr {
        let Some(piece) = piece(projection, metric) else { return Ok(None) };
        let forms = piece.arg.as_ref().is_none_or(|arg| {
            within(&named(arg), base.schema()).len() == named(arg).len()
                && has_form(&place, arg, base)
        });
        if !forms {
            return Ok(None);
        }
        parts.pieces.push(piece);
    }
    let grouped = parts.grouped(base)?;
    let rest = replaced(&joined, base, grouped)?;
    parts.again(aggregate, rest, conditions).map(Some)
}

/// The leftmost part of a join that is all in one database.
fn base_of(joined: &LogicalPlan) -> Option<(&LogicalPlan, Place)> {
    let mut node = joined;
    let mut joins = 0;
    loop {
        if let [Some(place)] = &places_of(node)[..] {
            return (joins > 0).then(|| (node, place.clone()));
        }
        match node {
            LogicalPlan::Join(join) if is_to_right(join.join_type) => node = &join.left,
            _ => return None,
        }
        joins += 1;
    }
}

/// Whether rows are groups already, as this module makes them.
fn is_grouped(base: &LogicalPlan) -> bool {
    let LogicalPlan::Projection(projection) = base else { return false };
    matches!(projection.input.as_ref(), LogicalPlan::Aggregate(_))
}

/// Whether a join adds to the rows on its left and nothing else.
pub(super) fn is_to_right(join: JoinType) -> bool {
    matches!(join, JoinType::Inner | JoinType::Left)
}

/// The same joins over other leftmost rows.
fn replaced(joined: &LogicalPlan, base: &LogicalPlan, rows: LogicalPlan) -> Result<LogicalPlan> {
    if std::ptr::eq(joined, base) {
        return Ok(rows);
    }
    match joined {
        LogicalPlan::Join(join) => {
            let left = replaced(&join.left, base, rows)?;
            with_sides(join, Arc::new(left), Arc::clone(&join.right), join.join_type)
        }
        other => Ok(other.clone()),
    }
}

/// The expression behind an output of a projection.
fn output_of<'p>(projection: &'p Projection, name: &Expr) -> Option<&'p Expr> {
    let Expr::Column(column) = name else { return None };
    let i = projection.schema.maybe_index_of_column(column)?;
    Some(match &projection.expr[i] {
        Expr::Alias(alias) => &alias.expr,
        other => other,
    })
}

/// An aggregate that comes apart.
struct Piece {
    udf: Arc<AggregateUDF>,
    /// `None` where rows are counted.
    arg: Option<Expr>,
    kind: PieceKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PieceKind {
    Count,
    Mean,
    /// The aggregate of its own results.
    Same,
}

fn piece(projection: &Projection, metric: &Expr) -> Option<Piece> {
    let Expr::AggregateFunction(call) = metric.clone().unalias() else { return None };
    let params = &call.params;
    if params.distinct || params.filter.is_some() || !params.order_by.is_empty() {
        return None;
    }
    let kind = match call.func.name() {
        "count" => PieceKind::Count,
        "avg" => PieceKind::Mean,
        "sum" | "min" | "max" | "air_min" | "air_max" | "bool_and" | "bool_or" => PieceKind::Same,
        _ => return None,
    };
    let [arg] = &params.args[..] else { return None };
    let arg = match arg {
        Expr::Literal(value, _) if kind == PieceKind::Count && !value.is_null() => None,
        other => Some(output_of(projection, other)?.clone()),
    };
    Some(Piece { udf: Arc::clone(&call.func), arg, kind })
}

fn aggregated(udf: Arc<AggregateUDF>, arg: Expr) -> Expr {
    Expr::AggregateFunction(AggregateFunction::new_udf(udf, vec![arg], false, None, vec![], None))
}

fn own(name: String) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// What the groups at the source are made of.
struct Parts {
    /// Columns used above as they are.
    raw: Vec<Column>,
    /// Keys made there; `None` for one that is made here.
    keys: Vec<Option<Expr>>,
    /// Keys made here.
    kept: Vec<Expr>,
    pieces: Vec<Piece>,
    schema: datafusion::common::DFSchemaRef,
}

impl Parts {
    fn new(base: &LogicalPlan, joined: &LogicalPlan, conditions: &[Expr]) -> Self {
        let mut names = BTreeSet::new();
        let mut node = joined;
        while let LogicalPlan::Join(join) = node
            && !std::ptr::eq(node, base)
        {
            for (l, r) in &join.on {
                names.extend(named(l));
                names.extend(named(r));
            }
            names.extend(join.filter.iter().flat_map(named));
            node = &join.left;
        }
        names.extend(conditions.iter().flat_map(named));
        let schema = Arc::clone(base.schema());
        let raw = within(&names, &schema).into_iter().collect();
        Self { raw, keys: Vec::new(), kept: Vec::new(), pieces: Vec::new(), schema }
    }

    fn group(&mut self, key: &Expr, has_form: &mut dyn FnMut(&Expr) -> bool) {
        let names = named(key);
        let inside = within(&names, &self.schema);
        if !names.is_empty() && inside.len() == names.len() && has_form(key) {
            self.keys.push(Some(key.clone()));
        } else {
            self.keys.push(None);
            let new: Vec<Column> = inside.into_iter().filter(|c| !self.raw.contains(c)).collect();
            self.raw.extend(new);
        }
        self.kept.push(key.clone());
    }

    /// The groups of the base's rows, with the raw columns under their own names.
    fn grouped(&self, base: &LogicalPlan) -> Result<LogicalPlan> {
        let (mut inputs, mut by, mut calls, mut shown) = (vec![], vec![], vec![], vec![]);
        for (i, column) in self.raw.iter().enumerate() {
            let name = format!("air_c{i}");
            inputs.push(Expr::Column(column.clone()).alias(&name));
            by.push(own(name.clone()));
            shown.push(own(name).alias_qualified(column.relation.clone(), &column.name));
        }
        for (i, key) in self.keys.iter().enumerate() {
            let Some(key) = key else { continue };
            let name = format!("air_g{i}");
            inputs.push(key.clone().alias(&name));
            by.push(own(name.clone()));
            shown.push(own(name));
        }
        for (i, piece) in self.pieces.iter().enumerate() {
            let arg = match &piece.arg {
                None => lit(1_i64),
                Some(arg) => {
                    inputs.push(arg.clone().alias(format!("air_i{i}")));
                    own(format!("air_i{i}"))
                }
            };
            let first = match piece.kind {
                PieceKind::Mean => sum_udaf(),
                _ => Arc::clone(&piece.udf),
            };
            calls.push(aggregated(first, arg.clone()).alias(format!("air_p{i}")));
            shown.push(own(format!("air_p{i}")));
            if piece.kind == PieceKind::Mean {
                calls.push(aggregated(count_udaf(), arg).alias(format!("air_n{i}")));
                shown.push(own(format!("air_n{i}")));
            }
        }
        let input = Projection::try_new(inputs, Arc::new(base.clone()))?;
        let input = Arc::new(LogicalPlan::Projection(input));
        let groups = Arc::new(LogicalPlan::Aggregate(Aggregate::try_new(input, by, calls)?));
        Ok(LogicalPlan::Projection(Projection::try_new(shown, groups)?))
    }

    /// The groups of groups: `aggregate`'s columns over joined groups.
    fn again(
        self,
        aggregate: &Aggregate,
        joined: LogicalPlan,
        conditions: Vec<Expr>,
    ) -> Result<LogicalPlan> {
        let joined = match conjunction(conditions) {
            None => joined,
            Some(all) => LogicalPlan::Filter(Filter::try_new(all, Arc::new(joined))?),
        };
        let (mut inputs, mut by, mut calls, mut shown) = (vec![], vec![], vec![], vec![]);
        let fields = aggregate.schema.fields();
        for (i, (made, here)) in self.keys.into_iter().zip(self.kept).enumerate() {
            let key = if made.is_some() { own(format!("air_g{i}")) } else { here };
            let name = fields[i].name();
            inputs.push(key.alias(format!("air_k{i}")));
            by.push(own(format!("air_k{i}")));
            shown.push(own(format!("air_k{i}")).alias(name));
        }
        let metrics = &fields[aggregate.group_expr.len()..];
        for (i, (piece, field)) in self.pieces.into_iter().zip(metrics).enumerate() {
            let (part, number) = (own(format!("air_p{i}")), own(format!("air_n{i}")));
            let udf = if piece.kind == PieceKind::Same { piece.udf } else { sum_udaf() };
            inputs.push(part.clone());
            calls.push(aggregated(udf, part.clone()).alias(format!("air_p{i}")));
            let value = match piece.kind {
                PieceKind::Same => part,
                PieceKind::Count => {
                    let zero = lit(ScalarValue::Int64(Some(0)));
                    let whole = ScalarFunction::new_udf(coalesce(), vec![part, zero]);
                    Expr::ScalarFunction(whole)
                }
                PieceKind::Mean => {
                    inputs.push(number.clone());
                    calls.push(aggregated(sum_udaf(), number.clone()).alias(format!("air_n{i}")));
                    call(Divide::new(), vec![part, cast(number, DataType::Float64)])
                }
            };
            shown.push(cast(value, field.data_type().clone()).alias(field.name()));
        }
        let input = Projection::try_new(inputs, Arc::new(joined))?;
        let input = Arc::new(LogicalPlan::Projection(input));
        let groups = Arc::new(LogicalPlan::Aggregate(Aggregate::try_new(input, by, calls)?));
        Ok(LogicalPlan::Projection(Projection::try_new(shown, groups)?))
    }
}
