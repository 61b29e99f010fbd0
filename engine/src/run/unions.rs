//! Queries under one another, each with the columns of the first.
//!
//! In: a plan. Out: the same plan, every input of a `UNION` called as the union is. Where all inputs
//! but one are empty, DataFusion puts that one in the union's place and looks for its columns by
//! the union's names, which are those of the first input.

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Union};
use std::sync::Arc;

pub(super) fn alike(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Union(Union { inputs, schema }) => {
            let inputs = inputs.into_iter().map(|input| called(input, &schema));
            let inputs = inputs.collect::<Result<_>>()?;
            Ok(Transformed::yes(LogicalPlan::Union(Union { inputs, schema })))
        }
        node => Ok(Transformed::no(node)),
    })?;
    Ok(plan.data)
}

fn called(input: Arc<LogicalPlan>, schema: &DFSchema) -> Result<Arc<LogicalPlan>> {
    if input.schema().columns() == schema.columns() {
        return Ok(input);
    }
    let columns = input.schema().columns().into_iter().zip(schema.iter());
    let columns = columns.map(|(column, (relation, field))| {
        Expr::Column(column).alias_qualified(relation.cloned(), field.name())
    });
    let columns = columns.collect();
    Ok(Arc::new(LogicalPlan::Projection(Projection::try_new(columns, input)?)))
}
