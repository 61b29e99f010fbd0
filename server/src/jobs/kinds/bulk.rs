//! Many reports, each run once. One that fails takes no other with it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{percent, problem, summary};
use crate::jobs::Task;
use crate::pipeline::order::{self, ReportWanted};
use crate::pipeline::{self, Finished};
use crate::problem::ApiError;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BulkJob {
    pub(crate) reports: Vec<ReportWanted>,
}

/// Goes on after the items that an attempt before this one has ended.
pub(super) async fn perform(task: &Task) -> Result<Value, ApiError> {
    let BulkJob { reports } = task.input()?;
    let mut items: Vec<Value> =
        task.job.checkpoint.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let all = reports.len();
    for (index, report) in reports.into_iter().enumerate().skip(items.len()) {
        task.step(percent(index, all), format!("report {} of {all}: {}", index + 1, report.key));
        let key = report.key.clone();
        let ran = Box::pin(task.persistently(|| run(task, report.clone()))).await;
        let item = match ran {
            Ok(finished) => {
                json!({"index": index, "key": key, "status": "completed", "run": summary(&finished)})
            }
            Err(error) if task.stop.is_cancelled() => return Err(error),
            Err(error) => {
                json!({"index": index, "key": key, "status": "failed", "error": problem(&error)})
            }
        };
        items.push(item);
        task.checkpoint(&json!(items)).await?;
    }
    let failed = items.iter().filter(|item| item["status"] == "failed").count();
    Ok(json!({"completed": items.len() - failed, "failed": failed, "items": items}))
}

async fn run(task: &Task, report: ReportWanted) -> Result<Finished, ApiError> {
    let mut order =
        order::of_report(&task.app, &task.principal()?, report, task.deadline()).await?;
    order.job = Some(task.tie());
    pipeline::report(&task.app, order).await
}
