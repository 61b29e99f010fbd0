//! One source learned, or several, each whatever becomes of the others.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{percent, problem};
use crate::contract::types::{LearnRequest, LearnResult};
use crate::id::DatasourceId;
use crate::jobs::Task;
use crate::pipeline::order::Pace;
use crate::pipeline::{learn, sources};
use crate::problem::ApiError;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LearnJob {
    pub(crate) datasource_ids: Vec<DatasourceId>,
    pub(crate) request: LearnRequest,
    /// One source whose failure is the job's, and whose result is.
    pub(crate) single: bool,
}

pub(super) async fn perform(task: &Arc<Task>) -> Result<Value, ApiError> {
    let LearnJob { datasource_ids, request, single } = task.input()?;
    if let (true, [id]) = (single, datasource_ids.as_slice()) {
        let work = learned(task, id, &request, (0, 1));
        return Ok(json!(task.unless_stopped(work).await?));
    }
    let mut items: Vec<Value> =
        task.job.checkpoint.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let all = datasource_ids.len();
    for (index, id) in datasource_ids.iter().enumerate().skip(items.len()) {
        let work = || task.unless_stopped(learned(task, id, &request, (index, all)));
        let item = match task.persistently(work).await {
            Ok(result) => json!({"datasource_id": id, "status": "completed", "result": result}),
            Err(error) if task.stop.is_cancelled() => return Err(error),
            Err(error) => {
                json!({"datasource_id": id, "status": "failed", "error": problem(&error)})
            }
        };
        items.push(item);
        task.checkpoint(&json!(items)).await?;
    }
    let failed = items.iter().filter(|item| item["status"] == "failed").count();
    Ok(json!({"completed": items.len() - failed, "failed": failed, "items": items}))
}

/// Learns the source at a place among all, and tells how far it is.
async fn learned(
    task: &Arc<Task>,
    id: &DatasourceId,
    request: &LearnRequest,
    (index, all): (usize, usize),
) -> Result<LearnResult, ApiError> {
    let (telling, name) = (Arc::clone(task), id.clone());
    let hearing: learn::Hearing = Arc::new(move |what: &str, share: u8| {
        let done = index * 100 + usize::from(share);
        telling.step(percent(done, all * 100), format!("{name}: {what}"));
    });
    let heard = (Pace::Job, hearing);
    let learned = learn::learn(&task.app, id, request, task.deadline(), heard).await?;
    let prepared = sources::prepared(&task.app, &task.principal()?, id).await?;
    Ok(learn::shown(learned, prepared.catalog()))
}
