//! An IR or SQL, run once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::summary;
use crate::contract::types::QueryRequest;
use crate::jobs::Task;
use crate::pipeline::{self, order};
use crate::problem::ApiError;

/// Its `now` was fixed when it was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QueryJob {
    pub(crate) request: QueryRequest,
}

pub(super) async fn perform(task: &Task) -> Result<Value, ApiError> {
    let QueryJob { request } = task.input()?;
    let mut order = order::of_query(&task.principal()?, request, task.deadline())?;
    order.job = Some(task.tie());
    task.step(1, "running");
    Ok(summary(&pipeline::report(&task.app, order).await?))
}
