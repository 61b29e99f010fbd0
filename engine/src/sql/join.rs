//! Joins: `JOIN` where rows of both sides are shown, `EXISTS` where one side only decides.

use super::expressions::{Scope, condition, equal, nullable_key};
use super::item::Item;
use super::select::{Outer, Select, Stage, build, derived, up_to};
use super::writer::Writer;
use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Join, LogicalPlan, Operator};

pub(super) fn joined(w: &mut Writer, node: &Join, outer: Outer<'_>) -> Result<Select, String> {
    if node.null_aware {
        return Err("has no form for a join that heeds nulls".to_owned());
    }
    let word = match node.join_type {
        JoinType::Inner if node.on.is_empty() && node.filter.is_none() => "CROSS JOIN",
        JoinType::Inner => "INNER JOIN",
        JoinType::Left => "LEFT JOIN",
        JoinType::Right => "RIGHT JOIN",
        JoinType::Full if w.rules.full_join() && has_equality(node) => "FULL JOIN",
        JoinType::LeftSemi => return exists(w, node, outer, ""),
        JoinType::LeftAnti => return exists(w, node, outer, "NOT "),
        other => return Err(format!("has no {other} join")),
    };
    let mut left = up_to(w, &node.left, Stage::From, outer)?;
    // A filter over the rows that are kept may come after the join; others come before it.
    let kept = matches!(node.join_type, JoinType::Inner | JoinType::Left);
    if left.from.is_empty() || !(kept || left.wheres.is_empty()) {
        left = derived(w, node.left.schema(), &left, None)?;
    }
    let right = side(w, &node.right, outer)?;
    let right_from = if right.compound { format!("({})", right.from) } else { right.from.clone() };
    left.items.extend(right.items);
    let conditions = conditions(w, node, &left.items, outer)?;
    left.from = format!("{} {word} {right_from}", left.from);
    if !conditions.is_empty() {
        left.from += &format!(" ON {}", conditions.join(" AND "));
    }
    left.compound = true;
    left.table = None;
    Ok(left)
}

/// Whether columns are equated: Postgres runs no `FULL JOIN` without that.
fn has_equality(node: &Join) -> bool {
    let sides = |part: &Expr| match part {
        Expr::BinaryExpr(both) if both.op == Operator::Eq => {
            let of = |side: &Expr, plan: &LogicalPlan| {
                let columns = side.column_refs();
                !columns.is_empty() && columns.iter().all(|c| plan.schema().has_column(c))
            };
            let (l, r) = (both.left.as_ref(), both.right.as_ref());
            (of(l, &node.left) && of(r, &node.right)) || (of(r, &node.left) && of(l, &node.right))
        }
        _ => false,
    };
    let filter = node.filter.as_ref();
    !node.on.is_empty() || filter.is_some_and(|f| split_conjunction(f).into_iter().any(sides))
}

/// The right side: bare tables, or a derived table under its own alias.
fn side(w: &mut Writer, plan: &LogicalPlan, outer: Outer<'_>) -> Result<Select, String> {
    let select = build(w, plan, outer)?;
    if select.is_bare() {
        return Ok(select);
    }
    let alias = plan.schema().iter().find_map(|(r, _)| r.map(|r| r.table().to_owned()));
    derived(w, plan.schema(), &select, alias.as_deref())
}

fn conditions(
    w: &mut Writer,
    node: &Join,
    items: &[Item],
    outer: Outer<'_>,
) -> Result<Vec<String>, String> {
    let schema = node.left.schema().join(node.right.schema()).map_err(|e| e.strip_backtrace())?;
    let scope = Scope { schema: &schema, items, outer };
    let mut on = Vec::new();
    for (l, r) in &node.on {
        if node.null_equality == NullEquality::NullEqualsNothing {
            on.push(equal(w, l, r, &scope)?);
            continue;
        }
        let (l, r) = (nullable_key(w, l, &scope)?, nullable_key(w, r, &scope)?);
        on.extend(l.iter().zip(&r).map(|(l, r)| format!("({l} = {r})")));
    }
    if let Some(filter) = &node.filter {
        for part in split_conjunction(filter) {
            on.push(condition(w, part, &scope)?);
        }
    }
    Ok(on)
}

/// Rows of the left side for which a row of the right side is there, or is not.
fn exists(w: &mut Writer, node: &Join, outer: Outer<'_>, not: &str) -> Result<Select, String> {
    let mut left = up_to(w, &node.left, Stage::From, outer)?;
    let right = up_to(w, &node.right, Stage::From, outer)?;
    let nulls_meet = node.null_equality == NullEquality::NullEqualsNull;
    if w.rules.hashes_lists() && nulls_meet && !node.on.is_empty() && node.filter.is_none() {
        left.wheres.push(listed(w, node, &left.items, &right, outer, not)?);
        return Ok(left);
    }
    let mut items = left.items.clone();
    items.extend(right.items);
    let mut wheres = right.wheres;
    wheres.extend(conditions(w, node, &items, outer)?);
    if wheres.is_empty() {
        wheres.push("TRUE".to_owned());
    }
    left.wheres.push(format!(
        "({not}EXISTS (SELECT 1 FROM {} WHERE {}))",
        right.from,
        wheres.join(" AND ")
    ));
    Ok(left)
}

/// Whether the keys of a row of the left side are among those of the right side.
fn listed(
    w: &mut Writer,
    node: &Join,
    left: &[Item],
    right: &Select,
    outer: Outer<'_>,
    not: &str,
) -> Result<String, String> {
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for (l, r) in &node.on {
        let scope = Scope { schema: node.left.schema(), items: left, outer };
        own.extend(nullable_key(w, l, &scope)?);
        let scope = Scope { schema: node.right.schema(), items: &right.items, outer };
        theirs.extend(nullable_key(w, r, &scope)?);
    }
    let mut list = format!("SELECT {} FROM {}", theirs.join(", "), right.from);
    if !right.wheres.is_empty() {
        list += &format!(" WHERE {}", right.wheres.join(" AND "));
    }
    Ok(format!("(({}) {not}IN ({list}))", own.join(", ")))
}
