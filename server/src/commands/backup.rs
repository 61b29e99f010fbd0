//! `air backup`, `air restore` and `air migrate`.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;

use super::{Place, say};
use crate::store::{DataDir, Store};

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    place: Place,
    /// The file to write, which must not be there yet.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    place: Place,
    /// A file that `air backup` wrote.
    file: PathBuf,
}

impl Backup {
    /// A service may go on serving meanwhile.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.place.load()?;
        let file = &config.control_plane.file;
        ensure!(file.exists(), "there is no control plane at {}", file.display());
        ensure!(!self.file.exists(), "{} is there already", self.file.display());
        let store = Store::open(file).await?;
        let written = store.backup_to(&self.file).await;
        store.close().await;
        written?;
        Store::integrity(&self.file).await.context("the copy is not whole")?;
        say(&format!("wrote {}", self.file.display()));
        Ok(())
    }
}

impl Restore {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.place.load()?;
        Store::integrity(&self.file)
            .await
            .with_context(|| format!("{} is no whole control plane", self.file.display()))?;
        let lock = DataDir::open(&config.data_dir)?.lock()?;
        let file = &config.control_plane.file;
        let part = file.with_extension("restoring");
        std::fs::copy(&self.file, &part)?;
        std::fs::File::open(&part)?.sync_all()?;
        for suffix in ["-wal", "-shm"] {
            let mut beside = file.clone().into_os_string();
            beside.push(suffix);
            match std::fs::remove_file(&beside) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        std::fs::rename(&part, file)?;
        let store = Store::open(file).await?;
        store.check().await?;
        store.close().await;
        drop(lock);
        say(&format!("restored {}", file.display()));
        Ok(())
    }
}

pub(super) async fn migrate(place: Place) -> anyhow::Result<()> {
    let config = place.load()?;
    let lock = DataDir::open(&config.data_dir)?.lock()?;
    let store = Store::open(&config.control_plane.file).await?;
    store.check().await?;
    store.close().await;
    drop(lock);
    say(&format!("{} is up to date", config.control_plane.file.display()));
    Ok(())
}
