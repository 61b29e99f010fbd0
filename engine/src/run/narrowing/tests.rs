//! Chains of joins over tables with nulls and without partners: the rows are the same in any order.

use super::narrowing;
use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::functions::string::expr_fn::contains;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use std::sync::Arc;

/// Rows of `a` with keys into `b`, `c` and `d`, some null or without a partner; `d` hangs on `c`.
fn tables() -> SessionContext {
    let context = SessionContext::new();
    let numbers = |values: Vec<Option<i64>>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let texts = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let rows = |step: i64| (0..40).map(move |i| (i % 7 != 0).then_some(i * step % 9)).collect();
    let tables = [
        (
            "a",
            vec![
                ("n", numbers((0..40).map(Some).collect())),
                ("b", numbers(rows(2))),
                ("c", numbers(rows(5))),
            ],
        ),
        (
            "b",
            vec![
                ("id", numbers((0..6).map(Some).collect())),
                (
                    "name",
                    texts(vec![
                        Some("green"),
                        None,
                        Some("light green"),
                        Some("red"),
                        Some("blue"),
                        None,
                    ]),
                ),
            ],
        ),
        (
            "c",
            vec![
                ("id", numbers((1..8).map(Some).collect())),
                ("d", numbers(vec![Some(1), None, Some(2), Some(9), Some(1), Some(2), None])),
            ],
        ),
        (
            "d",
            vec![
                ("id", numbers((0..4).map(Some).collect())),
                ("kind", texts(vec![Some("x"), Some("y"), None, Some("y")])),
            ],
        ),
    ];
    for (name, columns) in tables {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        context.register_batch(name, batch).unwrap();
    }
    context
}

/// `a`, and left joins to `c`, `d` and `b` in this order, under a condition.
async fn chained(context: &SessionContext, condition: Expr) -> LogicalPlan {
    let scan = async |name: &str| context.table(name).await.unwrap().into_unoptimized_plan();
    let on = |plan: LogicalPlanBuilder, right: LogicalPlan, l: &str, r: &str| {
        plan.join(right, JoinType::Left, (vec![l], vec![r]), None).unwrap()
    };
    let plan = LogicalPlanBuilder::from(scan("a").await);
    let plan = on(plan, scan("c").await, "a.c", "c.id");
    let plan = on(plan, scan("d").await, "c.d", "d.id");
    let plan = on(plan, scan("b").await, "a.b", "b.id");
    plan.filter(condition).unwrap().build().unwrap()
}

async fn rows(context: &SessionContext, plan: LogicalPlan) -> String {
    let plan = LogicalPlanBuilder::from(plan).sort([col("a.n").sort(true, true)]).unwrap();
    let frame = DataFrame::new(context.state(), plan.build().unwrap());
    pretty_format_batches(&frame.collect().await.unwrap()).unwrap().to_string()
}

/// The joins of a plan from the first one on: the table on the right, and the kind.
fn joins(plan: &LogicalPlan) -> Vec<String> {
    let mut found = Vec::new();
    if let LogicalPlan::Join(join) = plan {
        let right = &join.right.schema().columns()[0].relation;
        found.push(format!("{} {}", join.join_type, right.as_ref().unwrap()));
    }
    plan.inputs().first().map_or(found.clone(), |left| [joins(left), found].concat())
}

async fn check(condition: Expr, expected: &[&str]) {
    let context = tables();
    let plan = chained(&context, condition).await;
    let better = narrowing(plan.clone()).unwrap();
    assert_eq!(joins(&better), expected);
    assert_eq!(better.schema().columns(), plan.schema().columns());
    let found = rows(&context, better).await;
    assert_eq!(found, rows(&context, plan).await);
    assert!(found.lines().count() > 4, "some rows are found:\n{found}");
}

#[tokio::test]
async fn a_function_of_one_side_makes_its_join_the_first_and_inner() {
    check(contains(col("b.name"), lit("green")), &["Inner b", "Left c", "Left d"]).await;
}

#[tokio::test]
async fn what_leads_to_an_inner_join_is_inner_too() {
    check(col("d.kind").eq(lit("y")), &["Inner c", "Inner d", "Left b"]).await;
}

#[tokio::test]
async fn the_condition_that_keeps_the_fewest_comes_first() {
    let both = contains(col("b.name"), lit("e")).and(col("d.kind").eq(lit("y")));
    check(both, &["Inner b", "Inner c", "Inner d"]).await;
}

#[tokio::test]
async fn rows_without_a_partner_stay_where_the_condition_lets_nulls_pass() {
    let written = ["Left c", "Left d", "Left b"];
    // The condition can be asked right above the join that it is about.
    check(col("b.name").is_null(), &["Left b", "Left c", "Left d"]).await;
    check(col("b.name").eq(lit("green")).is_not_true(), &["Left b", "Left c", "Left d"]).await;
    check(col("b.name").eq(lit("green")).or(col("d.kind").eq(lit("y"))), &written).await;
    check(col("a.n").gt(lit(3_i64)), &written).await;
}

#[tokio::test]
async fn a_join_with_another_condition_ends_the_chain() {
    let context = tables();
    let scan = async |name: &str| context.table(name).await.unwrap().into_unoptimized_plan();
    let plan = LogicalPlanBuilder::from(scan("a").await)
        .join(
            scan("c").await,
            JoinType::Left,
            (vec!["a.c"], vec!["c.id"]),
            Some(col("c.d").gt(lit(1_i64))),
        )
        .unwrap()
        .join(scan("b").await, JoinType::Left, (vec!["a.b"], vec!["b.id"]), None)
        .unwrap()
        .filter(contains(col("b.name"), lit("green")))
        .unwrap()
        .build()
        .unwrap();
    let better = narrowing(plan.clone()).unwrap();
    assert_eq!(joins(&better), ["Left c", "Inner b"]);
    assert_eq!(rows(&context, better).await, rows(&context, plan).await);
}
