//! `USING` of a join that keeps the rows of its right side: the planner shows the key of the left
//! side, which is null in rows of the right one alone. And `*` of any other: the planner leaves the
//! keys in their places, and Postgres shows them first.
//!
//! In: one SELECT. Out: the same SELECT with `ON`, and in the place of a key without a table that of
//! the right side, or whichever there is where both sides are kept. Only of two tables, and where
//! no `*` and no subquery could mean the key too; others stay, and are refused.

use super::allowed::folded;
use datafusion::common::JoinConstraint as Constraint;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlan};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, ObjectName,
    ObjectNamePart, Select, SelectItem, TableFactor, TableWithJoins, visit_expressions,
    visit_expressions_mut,
};
use std::ops::ControlFlow;

pub(super) fn on(select: &mut Select) {
    let Some((sides, keys, full)) = keys_of(select) else { return };
    if select.distinct.is_some() || !all_plain(select) {
        return;
    }
    let meets = |key: &Ident| Expr::BinaryOp {
        left: Box::new(of(&sides[0], key)),
        op: BinaryOperator::Eq,
        right: Box::new(of(&sides[1], key)),
    };
    let condition = keys.iter().map(meets).reduce(|all, one| Expr::BinaryOp {
        left: Box::new(all),
        op: BinaryOperator::And,
        right: Box::new(one),
    });
    let [Join { join_operator, .. }] = &mut select.from[0].joins[..] else { return };
    let (
        JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint),
        Some(condition),
    ) = (join_operator, condition)
    else {
        return;
    };
    *constraint = JoinConstraint::On(condition);
    let shown = |key: &Ident| match full {
        true => coalesced(vec![of(&sides[0], key), of(&sides[1], key)]),
        false => of(&sides[1], key),
    };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
            && let Some(key) = keys.iter().find(|key| folded(key) == folded(name))
        {
            let alias = Ident::with_quote('"', folded(name));
            *item = SelectItem::ExprWithAlias { expr: shown(key), alias };
        }
    }
    for expr in exprs(select) {
        let _: ControlFlow<()> = visit_expressions_mut(expr, |part| {
            if let Expr::Identifier(name) = part
                && let Some(key) = keys.iter().find(|key| folded(key) == folded(name))
            {
                *part = shown(key);
            }
            ControlFlow::Continue(())
        });
    }
}

/// The names of the two sides, the keys, and whether both sides are kept.
fn keys_of(select: &Select) -> Option<([Ident; 2], Vec<Ident>, bool)> {
    let [from] = &select.from[..] else { return None };
    let [join] = &from.joins[..] else { return None };
    let (using, full) = match &join.join_operator {
        JoinOperator::Right(JoinConstraint::Using(keys))
        | JoinOperator::RightOuter(JoinConstraint::Using(keys)) => (keys, false),
        JoinOperator::FullOuter(JoinConstraint::Using(keys)) => (keys, true),
        _ => return None,
    };
    let keys = using.iter().map(last).collect::<Option<Vec<_>>>()?;
    Some(([called(&from.relation)?, called(&join.relation)?], keys, full))
}

fn last(name: &ObjectName) -> Option<Ident> {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(name)) => Some(name.clone()),
        _ => None,
    }
}

/// What a table is called in its SELECT.
fn called(table: &TableFactor) -> Option<Ident> {
    match table {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. } => Some(alias.name.clone()),
        TableFactor::Table { name, alias: None, .. } => last(name),
        _ => None,
    }
}

/// Whether every output is an expression, and none holds a query.
fn all_plain(select: &mut Select) -> bool {
    let outputs = select
        .projection
        .iter()
        .all(|item| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }));
    let is_query = |part: &Expr| match part {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    outputs && exprs(select).into_iter().all(|expr| visit_expressions(expr, is_query).is_continue())
}

/// The expressions of a SELECT but those of its tables.
fn exprs(select: &mut Select) -> Vec<&mut Expr> {
    let mut exprs = Vec::new();
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            exprs.push(expr);
        }
    }
    exprs.extend(&mut select.selection);
    exprs.extend(&mut select.having);
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        exprs.extend(keys);
    }
    exprs
}

fn of(side: &Ident, key: &Ident) -> Expr {
    Expr::CompoundIdentifier(vec![side.clone(), key.clone()])
}

fn coalesced(values: Vec<Expr>) -> Expr {
    let args = values.into_iter().map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value)));
    let args = args.collect();
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(Function {
        name: vec![Ident::new("coalesce")].into(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Whether a SELECT shows all of a join with USING.
pub(super) fn shows_all(select: &Select) -> bool {
    let is_all = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_));
    select.projection.iter().any(is_all) && select.from.iter().any(has_using)
}

fn has_using(table: &TableWithJoins) -> bool {
    let within = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, .. } => has_using(table_with_joins),
        _ => false,
    };
    let is_using = |join: &JoinOperator| {
        matches!(
            join,
            JoinOperator::Join(JoinConstraint::Using(_))
                | JoinOperator::Inner(JoinConstraint::Using(_))
                | JoinOperator::Left(JoinConstraint::Using(_))
                | JoinOperator::LeftOuter(JoinConstraint::Using(_))
        )
    };
    let uses = |join: &Join| within(&join.relation) || is_using(&join.join_operator);
    within(&table.relation) || table.joins.iter().any(uses)
}

/// Whether the keys of each join with USING are the first columns of its left side.
pub(super) fn common_ones_are_first(plan: &LogicalPlan) -> bool {
    let mut all = true;
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Join(join) = node
            && join.join_constraint == Constraint::Using
        {
            let places = join.left.schema().columns();
            let mut pairs = join.on.iter().zip(&places);
            all &= join.on.len() <= places.len()
                && pairs.all(|((key, _), place)| *key == PlanExpr::Column(place.clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    all && walked.is_ok()
}
