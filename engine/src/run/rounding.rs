//! Decimals cast to fewer places, which the engine compares as they were before.
//!
//! DataFusion 55 takes a cast off a column that is compared with a constant and casts the constant
//! instead: `CAST(d AS DECIMAL(20, 2)) = 1.23` became `d = 1.2300`, so that 1.2345 was not found,
//! though it is 1.23 to two places. Here such a cast is kept under a mark that it does not look
//! through. To be taken out with the release that leaves casts which round (issue 23095).

use super::apart::marked;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};

const MARK: &str = "rounded";

/// The plan with its casts that round kept; the rows are those that SQL means.
pub(super) fn rounding(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            // The visitor itself never fails.
            if !expr.exists(|e| Ok(rounds(e, &schema))).unwrap_or(true) {
                return Ok(Transformed::no(expr));
            }
            let name = names.save(&expr);
            let expr = expr.transform_up(|expr| match rounds(&expr, &schema) {
                true => Ok(Transformed::yes(marked(MARK, expr))),
                false => Ok(Transformed::no(expr)),
            })?;
            Ok(Transformed::yes(name.restore(expr.data)))
        })
    })?;
    Ok(plan.data)
}

/// Whether an expression is a cast that gives several decimals one value.
fn rounds(expr: &Expr, schema: &DFSchema) -> bool {
    let (Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field })) = expr else {
        return false;
    };
    let given = expr.get_type(schema).ok().and_then(|given| places(&given));
    let kept = match field.data_type() {
        whole if whole.is_integer() => Some(0),
        other => places(other),
    };
    given.zip(kept).is_some_and(|(given, kept)| given > kept)
}

/// The places of a decimal.
fn places(of: &DataType) -> Option<i8> {
    match of {
        DataType::Decimal32(_, places)
        | DataType::Decimal64(_, places)
        | DataType::Decimal128(_, places)
        | DataType::Decimal256(_, places) => Some(*places),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::rounding;
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::prelude::SessionContext;

    const TABLE: &str = "CREATE TABLE t AS SELECT id, arrow_cast(d, 'Decimal128(20, 4)') AS d \
                         FROM (VALUES (1, '1.2345'), (2, '1.2399'), (3, '1.2500')) AS v (id, d)";

    /// What is asked of `t`, and the ids it keeps: as PostgreSQL answers.
    const ASKED: [(&str, &[i64]); 6] = [
        ("SELECT id FROM t WHERE CAST(d AS DECIMAL(20, 2)) = 1.23", &[1]),
        ("SELECT id FROM t WHERE CAST(d AS DECIMAL(20, 2)) IN (1.23, 1.25)", &[1, 3]),
        ("SELECT id FROM t WHERE CAST(d AS DECIMAL(20, 2)) > 1.23", &[2, 3]),
        ("SELECT id FROM t WHERE CAST(d AS DECIMAL(10, 1)) = 1.3", &[3]),
        ("SELECT id FROM (SELECT id, CAST(d AS DECIMAL(20, 2)) AS x FROM t) WHERE x = 1.24", &[2]),
        ("SELECT id FROM t WHERE CAST(d AS DECIMAL(20, 6)) = 1.2399", &[2]),
    ];

    #[tokio::test]
    async fn a_rounded_decimal_is_compared_as_rounded() {
        let session = SessionContext::new();
        session.sql(TABLE).await.unwrap().collect().await.unwrap();
        for (text, expected) in ASKED {
            let plan = session.state().create_logical_plan(&format!("{text} ORDER BY id")).await;
            let plan = rounding(plan.unwrap()).unwrap();
            let rows = session.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
            let ids = rows.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values());
            assert_eq!(ids.copied().collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
