//! Metrics that name metrics that name metrics: what would grow beyond all bounds is refused, before
//! it is built.

use crate::plans::{options, prepared};
use crate::series;
use air_engine::{Dialect, Plan, PlanError, Policy, guard, plan};
use air_ir::{Code, Ir, IrError};
use serde_json::{Value, json};

/// Every metric that an IR may have: a sum, and each of the others `step` of the one before, which
/// is called `M` in it.
fn chained(step: &str) -> Value {
    let mut metrics = vec![json!({"name": "m0", "agg": "sum", "field": "amount"})];
    for i in 1..64 {
        let expr = step.replace('M', &format!("m{}", i - 1));
        metrics.push(json!({"name": format!("m{i}"), "expr": expr}));
    }
    json!({"entities": ["sales"], "metrics": metrics})
}

fn planned(ir: &Value) -> Result<Plan, Vec<IrError>> {
    let plan = plan(&Ir::parse(ir).unwrap(), &series::catalog(), &options());
    plan.map_err(|PlanError(errors)| errors)
}

#[test]
fn chains_that_double_are_refused() {
    for step in [
        "M + M",
        "M * M - M",
        "least(M, 7)",
        "coalesce(M, M)",
        // The engine's optimizer asks each argument whether it is null.
        "coalesce(M, 0)",
        "M / (M + 1)",
    ] {
        let errors = planned(&chained(step)).unwrap_err();
        let error = &errors[0];
        assert_eq!(error.code, Code::TooLarge, "{step}: {error}");
        assert!(error.pointer.ends_with("/expr"), "{step}: {error}");
        assert!(error.detail.contains("name fewer metrics"), "{step}: {error}");
    }
}

#[test]
fn one_expression_that_doubles_is_refused() {
    for call in ["least", "greatest", "coalesce"] {
        let nested = (0..60).fold("amount".to_owned(), |inner, _| format!("{call}({inner}, 7)"));
        let metric = json!({"name": "m", "agg": "sum", "value": nested});
        let errors = planned(&json!({"entities": ["sales"], "metrics": [metric]})).unwrap_err();
        assert_eq!(errors[0].code, Code::TooLarge, "{call}: {}", errors[0]);
    }
}

#[test]
fn a_chain_that_grows_too_deep_is_refused() {
    let step = (0..20).fold("M".to_owned(), |inner, _| format!("({inner} + 1)"));
    let errors = planned(&chained(&step)).unwrap_err();
    assert_eq!(errors[0].code, Code::TooLarge, "{}", errors[0]);
    assert!(errors[0].detail.contains("levels"), "{}", errors[0]);
}

/// MySQL has no rounding of a double that names it once.
#[test]
fn no_text_for_a_database_grows_beyond_bounds() {
    let mut metrics = vec![json!({"name": "m0", "agg": "avg", "field": "qty"})];
    for i in 1..64 {
        metrics.push(json!({"name": format!("m{i}"), "expr": format!("round(m{} / 3, 2)", i - 1)}));
    }
    let ir = json!({"entities": ["order_items"], "metrics": metrics});
    let planned = plan(&Ir::parse(&ir).unwrap(), &prepared("shop"), &options()).unwrap();
    let guarded = guard(planned, &Policy::default()).unwrap();
    assert!(guarded.sql(Dialect::Mysql).is_err());
    let text = guarded.sql(Dialect::Postgres).unwrap().text;
    assert!(text.len() < 1 << 20, "{} bytes", text.len());
}
