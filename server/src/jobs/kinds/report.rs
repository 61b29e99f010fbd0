//! A saved report, run once. How far it is follows from how long its last runs took.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::interval;

use super::summary;
use crate::jobs::Task;
use crate::pipeline;
use crate::pipeline::order::{self, ReportWanted};
use crate::problem::ApiError;

/// How often the share of the usual time is told.
const TELL: Duration = Duration::from_millis(500);

/// Its `now` was fixed when it was asked for, or is the moment that it was scheduled for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReportJob {
    pub(crate) report: ReportWanted,
}

pub(super) async fn perform(task: &Task) -> Result<Value, ApiError> {
    let ReportJob { report } = task.input()?;
    let mut order =
        order::of_report(&task.app, &task.principal()?, report, task.deadline()).await?;
    order.job = Some(task.tie());
    let usual = match &order.report {
        Some((report, _)) => task.app.store.runs().usual_seconds(&report.id).await?,
        None => None,
    };
    let finished = tokio::select! {
        finished = pipeline::report(&task.app, order) => finished?,
        () = told(task, usual) => return Err(ApiError::internal("telling ended")),
    };
    Ok(summary(&finished))
}

/// Tells the share of the usual time for as long as the run goes on.
async fn told(task: &Task, usual: Option<f64>) {
    task.step(1, "running");
    let mut tell = interval(TELL);
    loop {
        tell.tick().await;
        if let Some(usual) = usual {
            task.step(share(task.begun().elapsed(), usual), "running");
        }
    }
}

/// A run that takes longer than usual stays before its end.
fn share(elapsed: Duration, usual: f64) -> u8 {
    let share = elapsed.as_secs_f64() / usual.max(0.001) * 100.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and 95 by then"
    )]
    let percent = share.clamp(1.0, 95.0) as u8;
    percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_stays_before_the_end() {
        assert_eq!(share(Duration::ZERO, 10.0), 1);
        assert_eq!(share(Duration::from_secs(5), 10.0), 50);
        assert_eq!(share(Duration::from_secs(50), 10.0), 95);
        assert_eq!(share(Duration::from_secs(1), 0.0), 95);
    }
}
