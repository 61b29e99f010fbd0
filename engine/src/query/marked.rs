//! Casts that are called apart from what they cast.
//!
//! The planner calls `x::date` as it calls `x`, so that it takes `max(x)` beside `max(x::date)` for
//! one output, and the engine `group by x, x::date` for one key. Where that is so, casts are planned
//! as calls of functions that are named for their types, and are casts again afterwards.

use super::types;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result, SchemaError};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    ColumnarValue, Expr as PlanExpr, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, cast,
};
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    Query, Value, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What the names of such functions begin with; nobody can call one, as they are on no list.
const CAST_TO: &str = "cast to ";

/// Whether a plan, or why there is none, is that of outputs called alike.
pub(super) fn called_alike(planned: &Result<LogicalPlan>) -> bool {
    match planned {
        Ok(plan) => groups_alike(plan),
        Err(error) => match error.find_root() {
            DataFusionError::SchemaError(schema, _) => {
                matches!(schema.as_ref(), SchemaError::DuplicateUnqualifiedField { .. })
            }
            other => other.to_string().contains("require unique expression names"),
        },
    }
}

/// Whether two keys of a group are called alike.
fn groups_alike(plan: &LogicalPlan) -> bool {
    let mut alike = false;
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Aggregate(groups) = node {
            let names = groups.group_expr.iter().map(|key| key.schema_name().to_string());
            let mut names: Vec<String> = names.collect();
            names.sort();
            alike |= names.windows(2).any(|pair| pair[0] == pair[1]);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the visitor itself never fails");
    alike
}

/// Casts in the place of which stand calls.
pub(super) fn marked(query: &mut Query) {
    let _: ControlFlow<()> = visit_expressions_mut(query, |expr| {
        if let Expr::Cast { expr: value, data_type, .. } = expr
            && !matches!(value.as_ref(), Expr::Value(_))
        {
            let value = std::mem::replace(value.as_mut(), Expr::Value(Value::Null.into()));
            *expr = call(format!("{CAST_TO}{data_type}"), value);
        }
        ControlFlow::Continue(())
    });
}

fn call(name: String, value: Expr) -> Expr {
    let args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(value))];
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(Function {
        name: vec![Ident::with_quote('"', name)].into(),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// The function of such a name.
pub(super) fn function(name: &str) -> Option<Arc<ScalarUDF>> {
    let written = name.strip_prefix(CAST_TO)?;
    let dialect = PostgreSqlDialect {};
    let to = Parser::new(&dialect).try_with_sql(written).ok()?.parse_data_type().ok()?;
    let to = types::arrow(&to)?;
    let signature = Signature::any(1, Volatility::Immutable);
    let function = CastTo { name: name.to_owned(), to, signature };
    Some(Arc::new(ScalarUDF::new_from_impl(function)))
}

/// The plan with casts again, called as the calls were.
pub(super) fn cast_again(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        let names = NamePreserver::new(&node);
        let node = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let expr = expr.transform_up(|part| {
                let PlanExpr::ScalarFunction(call) = &part else {
                    return Ok(Transformed::no(part));
                };
                let inner: &dyn std::any::Any = call.func.inner().as_ref();
                Ok(match (inner.downcast_ref::<CastTo>(), &call.args[..]) {
                    (Some(as_type), [value]) => {
                        Transformed::yes(cast(value.clone(), as_type.to.clone()))
                    }
                    _ => Transformed::no(part),
                })
            })?;
            Ok(Transformed::yes(name.restore(expr.data)))
        })?;
        Ok(Transformed::yes(node.data.recompute_schema()?))
    })?;
    Ok(plan.data)
}

/// A cast while it is planned; it is never run.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CastTo {
    name: String,
    to: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for CastTo {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("{} is no function that runs", self.name)))
    }
}
