//! `NOT IN` over a query about the row around it, where the engine forgets what nulls do.
//!
//! DataFusion 55 makes one join of `x NOT IN (SELECT y ...)`, and takes a null among all rows of
//! the query for one among the rows that belong to `x`: where the two meet by an inequality, it
//! keeps nothing. It takes nulls for rows that are not there where `x` is a constant, and where
//! the two meet by equal columns it cannot plan the join. Here each such condition is
//! `NOT EXISTS (SELECT ... WHERE (x = y) IS NOT FALSE)`, which drops the same rows of a filter.
//!
//! `x NOT IN (SELECT y ...)` about `x` alone is left as it is: it is right, and found by hash. To
//! be taken out with the release that knows nulls in both (issues 25336 and 25347).

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Projection, Subquery, lit,
};
use std::sync::Arc;

/// The plan without such conditions; the rows are those that SQL means.
pub(super) fn excluding(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut known = 0;
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Filter(filter) => excluded(filter, &mut known),
        node => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

fn excluded(filter: Filter, known: &mut usize) -> Result<Transformed<LogicalPlan>> {
    let conditions = split_conjunction_owned(filter.predicate.clone());
    if !conditions.iter().any(|condition| forgotten(condition).is_some()) {
        return Ok(Transformed::no(LogicalPlan::Filter(filter)));
    }
    let shown: Vec<Expr> = filter.input.schema().columns().into_iter().map(Expr::Column).collect();
    let mut columns = shown.clone();
    let mut asked = Vec::with_capacity(conditions.len());
    for condition in conditions {
        asked.push(match forgotten(&condition) {
            Some(within) => {
                *known += 1;
                not_found(within, *known, &filter, &mut columns)?
            }
            None => condition,
        });
    }
    let tested = Projection::try_new(columns, filter.input)?;
    let asked = conjunction(asked).unwrap_or_else(|| lit(true));
    let kept = Filter::try_new(asked, Arc::new(LogicalPlan::Projection(tested)))?;
    let kept = Projection::try_new(shown, Arc::new(LogicalPlan::Filter(kept)))?;
    Ok(Transformed::yes(LogicalPlan::Projection(kept)))
}

/// The `NOT IN` of a condition, where the engine forgets nulls.
fn forgotten(condition: &Expr) -> Option<&InSubquery> {
    let within = match condition {
        Expr::InSubquery(within) if within.negated => within,
        Expr::Not(inner) => match inner.as_ref() {
            Expr::InSubquery(within) if !within.negated => within,
            _ => return None,
        },
        _ => return None,
    };
    let correlated = !within.subquery.outer_ref_columns.is_empty();
    let constant = within.expr.column_refs().is_empty();
    (!within.expr.contains_outer() && (correlated || constant)).then_some(within)
}

/// The condition that no row of the query is equal, or may be.
fn not_found(
    within: &InSubquery,
    number: usize,
    filter: &Filter,
    columns: &mut Vec<Expr>,
) -> Result<Expr> {
    let Subquery { subquery, outer_ref_columns, spans } = &within.subquery;
    let mut outer_ref_columns = outer_ref_columns.clone();
    let tested = match is_constant(&within.expr) {
        true => within.expr.as_ref().clone(),
        false => {
            let column = tested(within, number, filter, columns)?;
            outer_ref_columns.push(column.clone());
            column
        }
    };
    let (relation, field) = subquery.schema().qualified_field(0);
    let may_be_null = field.is_nullable() || within.expr.nullable(filter.input.schema())?;
    // A projection and no alias: what is asked of the row around goes up through it.
    let value = Column::new_unqualified(format!("air_excluded_{number}"));
    let named = Expr::Column(Column::from((relation, field))).alias(&value.name);
    let rows = LogicalPlanBuilder::from(subquery.as_ref().clone()).project([named])?;
    let equal = tested.eq(Expr::Column(value));
    let found = match may_be_null {
        true => Expr::IsNotFalse(Box::new(equal)),
        false => equal,
    };
    let rows = rows.filter(found)?;
    let rows = match outer_ref_columns.is_empty() {
        true => rows.limit(0, Some(1))?,
        false => rows,
    };
    let subquery = Arc::new(rows.build()?);
    let subquery = Subquery { subquery, outer_ref_columns, spans: spans.clone() };
    Ok(Expr::Exists(Exists::new(subquery, true)))
}

/// What is tested, as a column of its own beside the others, under a name that nothing else has: a
/// query may name a table as the one around it does.
fn tested(
    within: &InSubquery,
    number: usize,
    filter: &Filter,
    columns: &mut Vec<Expr>,
) -> Result<Expr> {
    let (_, field) = within.expr.to_field(filter.input.schema())?;
    let column = Column::new_unqualified(format!("air_tested_{number}"));
    columns.push(within.expr.as_ref().clone().alias(&column.name));
    let field = Arc::new(field.as_ref().clone().with_name(&column.name));
    Ok(Expr::OuterReferenceColumn(field, column))
}

/// Whether an expression is the same in every row.
fn is_constant(expr: &Expr) -> bool {
    let asks = |e: &Expr| Ok(matches!(e, Expr::ScalarSubquery(_)));
    // The visitor itself never fails.
    expr.column_refs().is_empty() && !expr.exists(asks).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::excluding;
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::prelude::SessionContext;

    const TABLES: [&str; 3] = [
        "CREATE TABLE o (id BIGINT, g BIGINT) AS VALUES (1, 1), (2, 2), (NULL, 1), (4, 3)",
        "CREATE TABLE i (id BIGINT, g BIGINT) AS VALUES (1, 1), (NULL, 2), (5, 1), (2, 0)",
        "CREATE TABLE n (id BIGINT) AS VALUES (NULL)",
    ];

    /// What is asked of `o`, and the ids it keeps: as PostgreSQL answers.
    const ASKED: [(&str, &[Option<i64>]); 14] = [
        ("3 NOT IN (SELECT id FROM i WHERE i.g = o.g)", &[None, Some(1), Some(4)]),
        ("5 NOT IN (SELECT id FROM i WHERE i.g = o.g)", &[Some(4)]),
        ("id NOT IN (SELECT id FROM i WHERE i.g = o.g)", &[Some(4)]),
        ("NOT id IN (SELECT id FROM i WHERE i.g = o.g)", &[Some(4)]),
        ("id NOT IN (SELECT id FROM i WHERE i.g > o.g)", &[Some(2), Some(4)]),
        ("id NOT IN (SELECT id FROM i WHERE i.g < o.g)", &[Some(1)]),
        ("id + 1 NOT IN (SELECT id FROM i WHERE i.g = o.g)", &[Some(1), Some(4)]),
        ("id NOT IN (SELECT max(id) FROM i WHERE i.g = o.g GROUP BY i.id)", &[Some(4)]),
        ("3 NOT IN (SELECT id FROM n)", &[]),
        ("3 NOT IN (SELECT id FROM i WHERE id IS NOT NULL)", &[None, Some(1), Some(2), Some(4)]),
        ("NULL::bigint NOT IN (SELECT id FROM i WHERE id > 9)", &[None, Some(1), Some(2), Some(4)]),
        ("id NOT IN (SELECT id FROM i WHERE id IS NOT NULL)", &[Some(4)]),
        ("g > 1 AND id NOT IN (SELECT id FROM i WHERE i.g = o.g) AND id > 3", &[Some(4)]),
        // The query names its table as the one around it is named.
        ("o.g NOT IN (SELECT o.id FROM i AS o WHERE o.g = 1)", &[Some(2), Some(4)]),
    ];

    #[tokio::test]
    async fn nulls_of_a_query_about_the_row_count_for_that_row_alone() {
        let session = SessionContext::new();
        for table in TABLES {
            session.sql(table).await.unwrap().collect().await.unwrap();
        }
        for (asked, expected) in ASKED {
            let text = format!("SELECT id FROM o WHERE {asked} ORDER BY id NULLS FIRST");
            let plan = session.state().create_logical_plan(&text).await.unwrap();
            let plan = excluding(plan).unwrap();
            let rows = session.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
            let ids = rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>());
            assert_eq!(ids.collect::<Vec<_>>(), expected, "{asked}");
        }
    }
}
