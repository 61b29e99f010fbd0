//! What has to be done by itself: old messages go, and answers that nobody gives are taken up.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::answering;
use crate::service::App;
use crate::store::{ChatAnswer, StoreError};

/// How often answers that are owed are looked through.
const EVERY: Duration = Duration::from_secs(1);
const SWEEP_AT_LEAST: Duration = Duration::from_secs(60);

/// Looks after the chat until the service ends.
pub(crate) fn keep(app: &Arc<App>) -> impl Future<Output = ()> + Send + use<> {
    keep_on(Arc::downgrade(app), app.config.chat.message_retention)
}

async fn keep_on(weak: Weak<App>, retention: Duration) {
    let sweep_every = (retention / 10).clamp(EVERY, SWEEP_AT_LEAST);
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut swept: Option<Instant> = None;
    loop {
        ticks.tick().await;
        let Some(app) = weak.upgrade().filter(|app| !app.is_draining()) else { return };
        if let Err(error) = take_up(&app).await {
            tracing::warn!(cause = %error, "answers that are owed could not be looked through");
        }
        if swept.is_none_or(|at| at.elapsed() >= sweep_every) {
            swept = Some(Instant::now());
            if let Err(error) = sweep(&app, Timestamp::now()).await {
                tracing::warn!(cause = %error, "old messages could not be removed");
            }
        }
    }
}

/// Removes the messages that are older than the retention at `now`.
pub(super) async fn sweep(app: &App, now: Timestamp) -> Result<u64, StoreError> {
    let oldest = now.checked_sub(app.config.chat.message_retention).unwrap_or(Timestamp::MIN);
    app.store.chat_messages().sweep(oldest).await
}

/// Takes up the answers that were promised and that nobody gives.
async fn take_up(app: &Arc<App>) -> Result<(), StoreError> {
    for owed in app.store.chat_messages().owed().await? {
        if !abandoned(app, &owed) {
            continue;
        }
        let giving = app.chat.giving(&owed.id);
        if let Some(taken) = app.store.chat_messages().take_up(&owed).await? {
            tracing::warn!(answer.id = %taken.id, attempts = taken.attempts, "an answer is taken up");
            let app_too = Arc::clone(app);
            app.tasks.spawn(async move {
                answering::answer(&app_too, taken, None).await;
                drop(giving);
            });
        }
    }
    Ok(())
}

/// Whether nobody gives an answer: its process has ended, or this one lost it.
fn abandoned(app: &App, owed: &ChatAnswer) -> bool {
    match owed.claimed_by == *app.store.process() {
        true => !app.chat.is_giving(&owed.id),
        false => app.processes.is_dead(&owed.claimed_by),
    }
}
