//! Nodes of a plan to `SELECT`s: as many nodes in one as its clauses allow, derived tables for
//! the rest.

use super::calls;
use super::expressions::{Scope, expression};
use super::writer::Writer;
use datafusion::common::{DFSchema, JoinType};
use datafusion::logical_expr::{Expr, Join, LogicalPlan};
use std::collections::BTreeMap;

type Text = Result<String, String>;

/// How far a `SELECT` is filled; clauses come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    From,
    Projected,
    Grouped,
    Ordered,
    Limited,
}

/// A `SELECT` under construction.
struct Select {
    stage: Stage,
    from: String,
    wheres: Vec<String>,
    /// Name and expression of each output; none while only `FROM` is known.
    outputs: Vec<(String, String)>,
    group_by: Vec<String>,
    order_by: Vec<String>,
    limit: Option<String>,
    offset: Option<String>,
}

impl Select {
    fn from(from: String) -> Self {
        Self {
            stage: Stage::From,
            from,
            wheres: Vec::new(),
            outputs: Vec::new(),
            group_by: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            offset: None,
        }
    }

    /// The outputs by name, to stand in the place of columns that refer to them.
    fn inlined(&self) -> BTreeMap<String, String> {
        self.outputs.iter().cloned().collect()
    }

    fn text(&self, w: &Writer, schema: &DFSchema) -> Text {
        let mut columns = Vec::new();
        for (name, expr) in &self.outputs {
            columns.push(format!("{expr} AS {}", w.ident(name)?));
        }
        if self.outputs.is_empty() {
            for (relation, field) in schema.iter() {
                let column = w.ident(field.name())?;
                columns.push(match relation {
                    Some(relation) => {
                        format!("{}.{column} AS {column}", w.ident(relation.table())?)
                    }
                    None => column,
                });
            }
        }
        let mut text = format!("SELECT {} FROM {}", columns.join(", "), self.from);
        let clauses = [
            (" WHERE ", self.wheres.join(" AND ")),
            (" GROUP BY ", self.group_by.join(", ")),
            (" ORDER BY ", self.order_by.join(", ")),
            (" LIMIT ", self.limit.clone().unwrap_or_default()),
            (" OFFSET ", self.offset.clone().unwrap_or_default()),
        ];
        for (word, clause) in clauses {
            if !clause.is_empty() {
                text += word;
                text += &clause;
            }
        }
        Ok(text)
    }
}

/// A whole plan as one query.
pub(super) fn query(w: &mut Writer, plan: &LogicalPlan) -> Text {
    let select = build(w, plan)?;
    select.text(w, plan.schema())
}

/// `plan` as a derived table under a fresh alias.
fn derived(w: &mut Writer, plan: &LogicalPlan, select: &Select) -> Result<Select, String> {
    let alias = w.derived();
    let text = select.text(w, plan.schema())?;
    Ok(Select::from(format!("({text}) AS {}", w.ident(&alias)?)))
}

/// `plan` filled at most up to `most`, else as a derived table.
fn up_to(w: &mut Writer, plan: &LogicalPlan, most: Stage) -> Result<Select, String> {
    let select = build(w, plan)?;
    if select.stage <= most { Ok(select) } else { derived(w, plan, &select) }
}

fn build(w: &mut Writer, plan: &LogicalPlan) -> Result<Select, String> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let table = match scan.table_name.schema() {
                Some(schema) => {
                    format!("{}.{}", w.ident(schema)?, w.ident(scan.table_name.table())?)
                }
                None => w.ident(scan.table_name.table())?,
            };
            Ok(Select::from(table))
        }
        LogicalPlan::SubqueryAlias(aliased) => {
            let alias = w.ident(aliased.alias.table())?;
            if let LogicalPlan::TableScan(_) = aliased.input.as_ref() {
                let table = build(w, &aliased.input)?.from;
                return Ok(Select::from(format!("{table} AS {alias}")));
            }
            let inner = query(w, &aliased.input)?;
            Ok(Select::from(format!("({inner}) AS {alias}")))
        }
        LogicalPlan::Join(join) => joined(w, join),
        LogicalPlan::Filter(filter) => {
            let mut select = up_to(w, &filter.input, Stage::From)?;
            let scope = Scope { schema: filter.input.schema(), inlined: &BTreeMap::new() };
            for part in conjuncts(&filter.predicate) {
                select.wheres.push(expression(w, part, &scope)?);
            }
            Ok(select)
        }
        LogicalPlan::Projection(projection) => {
            let mut select = build(w, &projection.input)?;
            let inlined = select.inlined();
            let scope = Scope { schema: projection.input.schema(), inlined: &inlined };
            let mut outputs = Vec::new();
            for (expr, field) in projection.expr.iter().zip(projection.schema.fields()) {
                outputs.push((field.name().clone(), expression(w, expr, &scope)?));
            }
            select.outputs = outputs;
            select.stage = select.stage.max(Stage::Projected);
            Ok(select)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let mut select = up_to(w, &aggregate.input, Stage::From)?;
            let scope = Scope { schema: aggregate.input.schema(), inlined: &BTreeMap::new() };
            let parts = aggregate.group_expr.iter().map(|e| (e, true));
            let parts = parts.chain(aggregate.aggr_expr.iter().map(|e| (e, false)));
            for ((expr, is_key), field) in parts.zip(aggregate.schema.fields()) {
                let text = expression(w, expr, &scope)?;
                if is_key {
                    select.group_by.push(text.clone());
                }
                select.outputs.push((field.name().clone(), text));
            }
            select.stage = Stage::Grouped;
            Ok(select)
        }
        LogicalPlan::Sort(sort) => {
            let mut select = up_to(w, &sort.input, Stage::Grouped)?;
            let inlined = select.inlined();
            let scope = Scope { schema: sort.input.schema(), inlined: &inlined };
            select.order_by = calls::order(w, &sort.expr, &scope)?;
            select.stage = Stage::Ordered;
            Ok(select)
        }
        LogicalPlan::Limit(limit) => {
            let mut select = up_to(w, &limit.input, Stage::Ordered)?;
            let scope = Scope { schema: limit.input.schema(), inlined: &BTreeMap::new() };
            if let Some(fetch) = &limit.fetch {
                select.limit = Some(expression(w, fetch, &scope)?);
            }
            if let Some(skip) = &limit.skip {
                select.offset = Some(expression(w, skip, &scope)?);
            }
            select.stage = Stage::Limited;
            Ok(select)
        }
        LogicalPlan::Union(union) => {
            let mut parts = Vec::new();
            for input in &union.inputs {
                parts.push(query(w, input)?);
            }
            let alias = w.derived();
            Ok(Select::from(format!("({}) AS {}", parts.join(" UNION ALL "), w.ident(&alias)?)))
        }
        other => Err(format!("has no form for {}", other.display())),
    }
}

fn joined(w: &mut Writer, join: &Join) -> Result<Select, String> {
    let mut left = up_to(w, &join.left, Stage::From)?;
    let right = build(w, &join.right)?;
    let right = match right.wheres.is_empty() && right.stage == Stage::From {
        true => right.from,
        false => {
            // A filtered right side is filtered before it is joined, under its own alias.
            let alias = join.right.schema().iter().find_map(|(r, _)| r.cloned());
            let alias = alias.map(|a| a.table().to_owned()).unwrap_or_else(|| w.derived());
            format!("({}) AS {}", right.text(w, join.right.schema())?, w.ident(&alias)?)
        }
    };
    let word = match join.join_type {
        JoinType::Inner => "INNER JOIN",
        JoinType::Left => "LEFT JOIN",
        other => return Err(format!("has no form for a {other} join")),
    };
    let scope = Scope { schema: &join.schema, inlined: &BTreeMap::new() };
    let mut on = Vec::new();
    for (l, r) in &join.on {
        let equal = datafusion::logical_expr::binary_expr(
            l.clone(),
            datafusion::logical_expr::Operator::Eq,
            r.clone(),
        );
        on.push(expression(w, &equal, &scope)?);
    }
    left.from = format!("{} {word} {right} ON {}", left.from, on.join(" AND "));
    Ok(left)
}

/// The parts of a condition all of which must hold.
fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    datafusion::logical_expr::utils::split_conjunction(expr)
}
