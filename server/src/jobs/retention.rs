//! Jobs that ended long ago go, with what was told of them.
//!
//! In: `execution.jobs.retention` and the time. Out: the rows of jobs that ended before, away;
//! runs that they made stay, under their names. Any process over the control plane does it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::Jobs;
use crate::service::App;
use crate::store::StoreError;

const AT_LEAST: Duration = Duration::from_secs(1);
const AT_MOST: Duration = Duration::from_secs(600);

/// Removes old jobs until the service closes; nothing where they stay for ever.
pub(super) async fn turn(app: Weak<App>, jobs: Arc<Jobs>, retention: Option<Duration>) {
    let Some(retention) = retention else { return };
    let mut look = interval((retention / 10).clamp(AT_LEAST, AT_MOST));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = jobs.closing.cancelled() => return,
            _ = look.tick() => {}
        }
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = swept(&app, retention).await {
            tracing::warn!(%error, "old jobs could not be removed");
        }
    }
}

async fn swept(app: &App, retention: Duration) -> Result<(), StoreError> {
    let oldest = Timestamp::now().checked_sub(retention).unwrap_or(Timestamp::MIN);
    // A few at a time: others write meanwhile.
    while app.store.jobs().sweep(oldest).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}
