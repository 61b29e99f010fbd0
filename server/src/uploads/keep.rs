//! Order among uploads: what processes left behind when they ended, and what was lost on the way.
//!
//! In: the store's rows and the folder, now and then. Out: no row that nobody works on, and no
//! bytes without a row. A file that came whole before its process ended is read by another.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::MissedTickBehavior;

use super::inspect;
use super::remove;
use crate::id::FileId;
use crate::service::App;
use crate::store::{FileState, Moment, Settled, StoreError, Upload};

const EVERY: Duration = Duration::from_secs(2);
/// Ticks between looks for reasons that are old.
const FORGETTING: u64 = 300;
/// How long a rejected file's reason is kept.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Keeps order until the service ends.
pub(crate) async fn keep(app: Weak<App>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u64.. {
        ticks.tick().await;
        let Some(app) = app.upgrade() else { return };
        let done = async {
            tidy(&app).await?;
            if tick == 0 {
                sweep(&app).await?;
            }
            if tick.is_multiple_of(FORGETTING) {
                let before = Timestamp::now().checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
                app.store.uploads().forget_rejected(Moment::from(before)).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = done.await {
            tracing::warn!(%error, "uploads could not be put in order");
        }
    }
}

/// Ends what nobody works on any more: half a file goes, a whole one is read.
async fn tidy(app: &Arc<App>) -> Result<(), StoreError> {
    let uploads = app.store.uploads();
    for seen in uploads.pending().await? {
        let is_own = seen.process_id == *app.store.process();
        if !is_own && !app.processes.is_dead(&seen.process_id) {
            continue;
        }
        // Whoever works on it has this until the row says what became of it.
        let Some(busy) = app.uploads.take(&seen.id) else { continue };
        // So it is looked at again now.
        let Some(now) = uploads.pending_of(&seen.id, &seen.process_id).await? else { continue };
        match (now.state, settled(&now)) {
            (FileState::Quarantined, Some(settled)) => {
                if is_own || uploads.adopt(&now.id, &now.process_id).await? {
                    let what = (settled, now.name, String::new());
                    drop(inspect::begin(app, what, Some(busy)));
                }
            }
            _ => {
                remove(&app.uploads.place(&now.id));
                uploads.discard(std::slice::from_ref(&now.id)).await?;
                tracing::info!(file.id = %now.id, "an upload that broke off was removed");
            }
        }
    }
    Ok(())
}

fn settled(row: &Upload) -> Option<Settled> {
    Some(Settled {
        id: row.id.clone(),
        bytes: u64::try_from(row.bytes).ok()?,
        format: row.format?,
        compression: row.compression?,
        stored_as: row.stored_as.clone()?,
        sha256: row.sha256.clone()?,
    })
}

/// Removes what lies in the folder and has no row. A row is there before its folder, so what was
/// listed first and has none has lost it.
async fn sweep(app: &Arc<App>) -> Result<(), StoreError> {
    let what = "the folder of uploads cannot be listed";
    let path = || app.uploads.folder.clone();
    let entries = std::fs::read_dir(&app.uploads.folder).map_err(|source| StoreError::DataDir {
        what,
        path: path(),
        source,
    })?;
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    for name in names {
        let id: Option<FileId> = name.to_str().and_then(|name| name.parse().ok());
        let known = match &id {
            Some(id) => app.store.uploads().is_known(id).await?,
            None => false,
        };
        if !known {
            remove(&app.uploads.folder.join(&name));
        }
    }
    Ok(())
}
