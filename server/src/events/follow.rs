//! Following the events table, which several processes write.
//!
//! An announcement can be lost: its process was killed after the commit, or the broker was away.
//! So each process looks at the table once a second, which costs one lookup by number, and reads
//! what its sockets miss.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;

use super::{Events, Hub};
use crate::store::{Store, StoreError};

const EVERY: Duration = Duration::from_secs(1);
const PRUNE_EVERY: u32 = 60;
const CLEAR_EVERY: u32 = 600;
/// How long events of runs and jobs are kept for who reconnects.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

impl Events {
    /// Looks at the table until the service ends.
    pub(crate) fn follow(&self) -> impl Future<Output = ()> + Send + use<> {
        follow(self.store.clone(), Arc::downgrade(&self.hub))
    }
}

async fn follow(store: Store, hub: Weak<Hub>) {
    let mut head: Option<i64> = None;
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for turn in 0_u32.. {
        ticks.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        match look(&store, &hub, head).await {
            Ok(reached) => head = Some(reached),
            Err(error) => tracing::warn!(%error, "the events table could not be looked at"),
        }
        if turn % PRUNE_EVERY == 0 {
            hub.prune();
        }
        if turn % CLEAR_EVERY == 0
            && let Err(error) = clear(&store).await
        {
            tracing::warn!(%error, "old events could not be cleared");
        }
    }
}

/// Reads from `head`, and gives where the table has come to.
pub(super) async fn look(
    store: &Store,
    hub: &Arc<Hub>,
    head: Option<i64>,
) -> Result<i64, StoreError> {
    let Some(head) = head else { return store.events().head().await };
    let (reached, news) = store.events().since(head).await?;
    for (channel, seq) in news {
        hub.nudge(&channel, seq);
    }
    Ok(reached)
}

async fn clear(store: &Store) -> Result<(), StoreError> {
    let before = Timestamp::now().checked_sub(LIFETIME).unwrap_or(Timestamp::MIN);
    let cleared = store.events().clear(before).await?;
    if cleared > 0 {
        tracing::info!(events = cleared, "old events were cleared");
    }
    Ok(())
}
