//! Joins of several places: which side is asked first, and whose keys restrict the other.
//!
//! A filtered side that rows must have a partner in goes first, and its keys restrict the rows
//! on the left. The rows on the left go before every other side, and their keys restrict it. A
//! side read from files sends its keys only where it is filtered, and is read again for its
//! rows; rows of a database are fetched once and held.

use super::columns::{Columns, below};
use super::keys::{KEYS_MOST, restricted};
use super::partial::is_to_right;
use super::parts::{Chosen, Part, Splitter, asked, chosen, named_again};
use super::{Fetched, Held, Stage, StageKeys, places_of, rows_of};
use crate::prepared::CatalogTable;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DFSchema, JoinType, Result, TableReference};
use datafusion::logical_expr::{
    Aggregate, Expr, Join, Limit, LogicalPlan, Projection, TableScanBuilder, lit,
};
use std::sync::Arc;

/// A join on the way down to the leftmost rows, and what is needed of its right side.
struct Link<'p> {
    join: &'p Join,
    needed: Columns,
    pairs: Vec<(Column, Column)>,
}

impl Splitter<'_> {
    /// A join whose sides are in several places.
    pub(super) fn spine(&mut self, top: &Join, needed: &Columns) -> Result<Part> {
        let (base, base_needed, links) = links(top, needed);
        let in_database = matches!(&places_of(base)[..], [Some(_)]);
        let mut base = base.clone();
        let mut sides: Vec<Option<LogicalPlan>> = Vec::new();
        for link in &links {
            let first = in_database && link.join.join_type == JoinType::Inner;
            let side = match first && is_filtered(&link.join.right) && !link.pairs.is_empty() {
                false => None,
                true => {
                    let rows = self.rows(&link.join.right, &link.needed)?;
                    let mut keys = Vec::new();
                    for (left, right) in &link.pairs {
                        let slot = self.slot(&base, left)?;
                        base = restricted(&base, left, self.before(), slot)?;
                        keys.push((right.clone(), slot));
                    }
                    Some(self.first(rows, &link.needed, keys)?)
                }
            };
            sides.push(side);
        }
        let sends = in_database || is_filtered(&base);
        let mut keys = Vec::new();
        let mut restricts: Vec<LogicalPlan> = Vec::new();
        for (link, side) in links.iter().zip(&sides) {
            let mut right = link.join.right.as_ref().clone();
            let target = matches!(&places_of(&right)[..], [Some(_)]);
            if side.is_none() && target && sends {
                for (left, column) in &link.pairs {
                    let slot = self.slot(&right, column)?;
                    right = restricted(&right, column, self.before(), slot)?;
                    keys.push((left.clone(), slot));
                }
            }
            restricts.push(right);
        }
        let mut rows = self.rows(&base, &base_needed)?;
        if !keys.is_empty() {
            rows = self.first(rows, &base_needed, keys)?;
        }
        for ((link, side), right) in links.iter().zip(sides).zip(restricts) {
            let side = match side {
                Some(side) => side,
                None => self.rows(&right, &link.needed)?,
            };
            rows = self.joined(link.join, rows, side)?;
        }
        Ok(Part::Here(rows))
    }

    /// A join done here. Its right side is what is kept in memory while the left one streams.
    fn joined(
        &mut self,
        join: &Join,
        left: LogicalPlan,
        right: LogicalPlan,
    ) -> Result<LogicalPlan> {
        let turned = match join.join_type {
            JoinType::Left => JoinType::Right,
            other => other,
        };
        let mut on = Vec::new();
        for (l, r) in &join.on {
            on.push((self.here(r.clone())?, self.here(l.clone())?));
        }
        let filter = join.filter.clone().map(|f| self.here(f)).transpose()?;
        Ok(LogicalPlan::Join(Join::try_new(
            Arc::new(right),
            Arc::new(left),
            on,
            filter,
            turned,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        )?))
    }

    fn rows(&mut self, plan: &LogicalPlan, needed: &Columns) -> Result<LogicalPlan> {
        let part = self.part(plan, needed)?;
        self.fetched(part, needed)
    }

    /// A new slot for keys of the type of a column.
    fn slot(&mut self, plan: &LogicalPlan, column: &Column) -> Result<usize> {
        let i = plan.schema().index_of_column(column)?;
        self.slots.push(plan.schema().field(i).data_type().clone());
        Ok(self.slots.len() - 1)
    }

    /// Rows that are fetched before others, so that their keys are known.
    fn first(
        &mut self,
        rows: LogicalPlan,
        needed: &Columns,
        keys: Vec<(Column, usize)>,
    ) -> Result<LogicalPlan> {
        if !is_fetched(&rows) {
            for (column, slot) in keys {
                let plan = distinct(&rows, &column)?;
                let keys = vec![StageKeys { column: 0, slot }];
                self.stages.push(Stage { plan, keys, held: false });
            }
            return Ok(rows);
        }
        let names: Chosen = chosen(rows.schema(), needed);
        let plan = asked(&rows, &names)?;
        let place = |column: &Column| names.iter().position(|(c, _)| c == column);
        let keys = keys.iter().filter_map(|(c, slot)| {
            let i = rows.schema().maybe_index_of_column(c)?;
            let known = Column::from(rows.schema().qualified_field(i));
            Some(StageKeys { column: place(&known)?, slot: *slot })
        });
        let keys = keys.collect();
        let stage = self.stages.len();
        let held = Arc::new(Held { stage, schema: rows_of(&plan) });
        self.stages.push(Stage { plan, keys, held: true });
        let name = TableReference::bare(format!("h{stage}"));
        let scan = LogicalPlan::TableScan(TableScanBuilder::new(name, held).build()?);
        named_again(scan, &names)
    }
}

/// The leftmost rows of a spine, and the joins above them, innermost first.
fn links<'p>(top: &'p Join, needed: &Columns) -> (&'p LogicalPlan, Columns, Vec<Link<'p>>) {
    let mut links = Vec::new();
    let mut join = top;
    let mut needed = needed.clone();
    loop {
        let mut sides = below(&LogicalPlan::Join(join.clone()), &needed).into_iter();
        let (left, right) = (sides.next().flatten(), sides.next().flatten());
        let pairs = pairs(join);
        links.push(Link { join, needed: right, pairs });
        needed = left;
        match join.left.as_ref() {
            LogicalPlan::Join(lower)
                if is_to_right(lower.join_type) && places_of(&join.left).len() > 1 =>
            {
                join = lower;
            }
            base => {
                links.reverse();
                keep_base_keys(&mut links, base.schema());
                return (base, needed, links);
            }
        }
    }
}

/// Only keys of the leftmost rows themselves restrict, and are restricted.
fn keep_base_keys(links: &mut [Link<'_>], base: &DFSchema) {
    for link in links {
        link.pairs.retain(|(left, _)| base.maybe_index_of_column(left).is_some());
    }
}

/// The columns of a join's equalities whose keys can be sent.
fn pairs(join: &Join) -> Vec<(Column, Column)> {
    let mut pairs = Vec::new();
    for (l, r) in &join.on {
        let (Some(left), Some(right)) = (bare(l, join.left.schema()), bare(r, join.right.schema()))
        else {
            continue;
        };
        let fits = (is_whole(&left.1) && is_whole(&right.1))
            || (is_text(&left.1) && is_text(&right.1))
            || (left.1 == DataType::Date32 && right.1 == DataType::Date32);
        if fits {
            pairs.push((left.0, right.0));
        }
    }
    pairs
}

/// The column of one side of an equality, also below a cast between whole numbers.
fn bare(expr: &Expr, schema: &DFSchema) -> Option<(Column, DataType)> {
    let column = match expr {
        Expr::Column(column) => column,
        Expr::Cast(cast) if is_whole(cast.field.data_type()) => match cast.expr.as_ref() {
            Expr::Column(column) => column,
            _ => return None,
        },
        _ => return None,
    };
    let i = schema.maybe_index_of_column(column)?;
    let of = schema.field(i).data_type().clone();
    if matches!(expr, Expr::Cast(_)) && !is_whole(&of) {
        return None;
    }
    Some((Column::from(schema.qualified_field(i)), of))
}

fn is_whole(arrow: &DataType) -> bool {
    arrow.is_integer()
}

fn is_text(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

/// Whether a condition anywhere in `plan` drops rows.
fn is_filtered(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let _ = plan.apply_with_subqueries(|node| {
        found |= matches!(node, LogicalPlan::Filter(_));
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// Whether any rows of `plan` come from a database.
fn is_fetched(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found |= scan.source.is::<Fetched>() || scan.source.is::<Held>();
            debug_assert!(found || scan.source.is::<CatalogTable>());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// The distinct values of a column, one more than are sent at most.
fn distinct(rows: &LogicalPlan, column: &Column) -> Result<LogicalPlan> {
    let key = vec![Expr::Column(column.clone()).alias("key")];
    let keys = LogicalPlan::Projection(Projection::try_new(key, Arc::new(rows.clone()))?);
    let by = vec![Expr::Column(Column::new_unqualified("key"))];
    let groups = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(keys), by, Vec::new())?);
    let most = i64::try_from(KEYS_MOST + 2).unwrap_or(i64::MAX);
    Ok(LogicalPlan::Limit(Limit {
        skip: None,
        fetch: Some(Box::new(lit(most))),
        input: Arc::new(groups),
    }))
}
