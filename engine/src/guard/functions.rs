//! The functions a plan may call.

use super::nodes::each;
use super::{Finding, Outcome};
use crate::plan::Plan;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Volatility, WindowFunctionDefinition};
use std::collections::BTreeSet;

/// Scalar functions that mean the same on every engine, as each dialect writes them.
const SCALAR: &[&str] = &[
    "abs",
    "air_any",
    "air_between",
    "air_bucket",
    "air_divide",
    "air_fold",
    "air_from_clock",
    "air_in_zone",
    "air_on_clock",
    "air_part",
    "air_quotient",
    "air_round",
    "air_whole",
    "btrim",
    "character_length",
    "coalesce",
    "contains",
    "date_part",
    "ends_with",
    "greatest",
    "least",
    "lower",
    "nullif",
    "starts_with",
    "substr",
    "upper",
];

/// Aggregates of the IR, under the engine's names.
const AGGREGATE: &[&str] = &[
    "air_max",
    "air_min",
    "air_percentile",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "first_value",
    "max",
    "min",
    "stddev",
    "sum",
    "var",
];

/// Functions of a window alone; aggregates may run over windows too. Those of AIR hold their
/// options in their names.
const WINDOW: &[&str] = &[
    "air_absent",
    "air_earlier",
    "air_moving",
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

pub(super) fn allowed(plan: &Plan) -> Finding {
    let mut used = BTreeSet::new();
    let mut strange = BTreeSet::new();
    each(&plan.logical, &mut |node| {
        for expr in node.expressions() {
            let walked = expr.apply(|part| {
                check(part, &mut used, &mut strange);
                Ok(TreeNodeRecursion::Continue)
            });
            debug_assert!(walked.is_ok());
        }
    });
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    if !strange.is_empty() {
        let detail =
            format!("These functions are not on the list of allowed ones: {}.", list(&strange));
        return Finding::new("functions", Outcome::Refused, detail);
    }
    let detail =
        if used.is_empty() { "Calls none.".to_owned() } else { format!("Calls {}.", list(&used)) };
    Finding::new("functions", Outcome::Ok, detail)
}

fn check(expr: &Expr, used: &mut BTreeSet<String>, strange: &mut BTreeSet<String>) {
    let (name, ok) = match expr {
        Expr::ScalarFunction(call) => {
            let name = call.func.name();
            let stable = call.func.signature().volatility != Volatility::Volatile;
            (name.to_owned(), stable && SCALAR.contains(&name))
        }
        Expr::AggregateFunction(call) => {
            let name = call.func.name();
            (name.to_owned(), AGGREGATE.contains(&name))
        }
        Expr::WindowFunction(call) => {
            let name = call.fun.name();
            let name = name.split('[').next().unwrap_or(name);
            let ok = match &call.fun {
                WindowFunctionDefinition::AggregateUDF(_) => AGGREGATE.contains(&name),
                WindowFunctionDefinition::WindowUDF(_) => WINDOW.contains(&name),
            };
            (name.to_owned(), ok)
        }
        Expr::ScalarVariable(..) => ("a variable".to_owned(), false),
        Expr::HigherOrderFunction(_) | Expr::Lambda(_) => ("a lambda".to_owned(), false),
        Expr::Unnest(_) => ("unnest".to_owned(), false),
        _ => return,
    };
    if ok {
        used.insert(name);
    } else {
        strange.insert(name);
    }
}
