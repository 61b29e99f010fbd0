//! From a row of a run to the rows behind it.

use air_engine::DrillOptions;
use air_ir::Ir;
use serde_json::Value;

use super::planning::answered;
use super::rows::format;
use super::runs::{kept_rows, own, read};
use super::{Operation, operation};
use crate::access;
use crate::admission::{Answer, Call};
use crate::contract::types::{
    DrillRequest, DrillRunQuery, ErrorCode, FieldErrorCode, QueryRequest, Row,
};
use crate::pipeline::sources;
use crate::problem::ApiError;
use crate::results;
use crate::store::{Run, RunStatus};

pub(super) const OPERATIONS: &[Operation] = &[operation!(drill_run)];

/// The column that says that a row is the rest of `top`, which is no group.
const REST: &str = "is_other";

async fn drill_run(call: Call) -> Answer {
    let query: DrillRunQuery = call.query()?;
    let format = format(&call, query.format)?;
    let body: DrillRequest = call.body()?;
    let run = own(&call).await?;
    access::require_same(&call.app, &call.principal, &run)?;
    if run.status != RunStatus::Completed {
        let detail = "Only a run that has completed has rows.";
        return Err(ApiError::new(ErrorCode::NotFinished, detail));
    }
    let ir = ir(&run)?;
    let row = match (body.row, body.index) {
        (Some(row), _) => row,
        (None, index) => kept(&call, &run, &ir, index.unwrap_or_default()).await?,
    };
    let others = air_engine::sources_of(&ir);
    let prepared = sources::joined(&call.app, &call.principal, &run.datasource_id, &others).await?;
    let options = DrillOptions { metric: body.metric, limit: body.limit.map(u64::from) };
    let behind = air_engine::drill(&ir, &row, &prepared, &options);
    let behind = behind.map_err(|error| ApiError::plan("", error))?;
    let Value::Object(behind) = behind.to_json() else {
        return Err(ApiError::internal("the IR of the rows behind a row is no object"));
    };
    let request = QueryRequest {
        ir: Some(behind),
        sql: None,
        datasource_id: run.datasource_id.clone(),
        params: None,
        now: Some(run.frozen_now.to_string()),
        max_age: None,
    };
    answered(&call, request, format).await
}

/// The IR of a run, its parameters bound.
fn ir(run: &Run) -> Result<Ir, ApiError> {
    let Some(ir) = &run.ir else {
        let detail = "The run was asked for in SQL, whose rows have no rows behind them that AIR \
                      could ask for.";
        return Err(ApiError::new(ErrorCode::Unsupported, detail));
    };
    Ir::parse(ir).map_err(|errors| ApiError::ir("", errors))
}

/// What says which group a row of the run is, as it was kept.
async fn kept(call: &Call, run: &Run, ir: &Ir, index: u64) -> Result<Row, ApiError> {
    let rows = kept_rows(call, run).await?;
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let all = rows.row_count();
    if at >= all {
        let detail = format!("The run kept {all} rows, counted from 0.");
        return Err(ApiError::field("/index", FieldErrorCode::BadValue, detail));
    }
    let batch = read(move || rows.batch(at..at + 1)).await?;
    let mut row = results::json_rows(&batch).pop().unwrap_or_default();
    // What else is in a row is made of metrics, but for the mark of a rest.
    row.retain(|name, _| name == REST || ir.dimensions.iter().any(|one| one.name == *name));
    Ok(row)
}
