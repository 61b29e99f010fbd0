//! `air backup`, `air restore` and `air migrate`.
//!
//! A backup is a folder: the control plane as of one instant, the kept rows of every run and the
//! uploaded files in it, and a manifest with the size and SHA-256 of each file. It is written beside its place and renamed
//! when it is whole, and read whole before anything is restored. Not in it: the configuration,
//! secrets and keys, which are kept elsewhere, and the files of sources.

mod manifest;
mod uploads;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;

use self::manifest::{CONTROL_PLANE, Manifest, SNAPSHOTS};
use super::{Place, complain, say};
use crate::config::Config;
use crate::store::{DataDir, Store};

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    place: Place,
    /// The folder to write, which must not be there yet.
    folder: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    place: Place,
    /// A folder that `air backup` wrote.
    folder: PathBuf,
}

impl Backup {
    /// A service may go on serving meanwhile.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.place.load()?;
        let file = &config.control_plane.file;
        ensure!(file.exists(), "there is no control plane at {}", file.display());
        ensure!(!self.folder.exists(), "{} is there already", self.folder.display());
        let mut name = self.folder.clone().into_os_string();
        name.push(".part");
        let part = PathBuf::from(name);
        if part.exists() {
            std::fs::remove_dir_all(&part)
                .with_context(|| format!("what is left of {} is in the way", part.display()))?;
        }
        let written = write(&config, &part).await;
        if written.is_err() {
            // The fault is told; what was written of the copy is of no use.
            let _ = std::fs::remove_dir_all(&part);
        }
        let manifest = written?;
        std::fs::rename(&part, &self.folder)?;
        for file in &manifest.missing {
            complain(&format!("{file} is in the control plane but not on disk"));
        }
        let (files, bytes) = (manifest.files.len(), manifest.bytes());
        say(&format!("wrote {}: {files} files, {bytes} bytes", self.folder.display()));
        Ok(())
    }
}

/// The control plane first: what it names is on disk already, and never changes.
async fn write(config: &Config, part: &Path) -> anyhow::Result<Manifest> {
    folder(part)?;
    let copy = part.join(CONTROL_PLANE);
    Store::copy(&config.control_plane.file, &copy).await.context("the control plane")?;
    Store::integrity(&copy).await.context("the copy is not whole")?;
    let snapshots = Store::snapshots(&copy).await?;
    let mut manifest = Manifest::new();
    manifest.add(part, CONTROL_PLANE)?;
    folder(&part.join(SNAPSHOTS))?;
    for name in snapshots {
        let from = config.execution.snapshot_dir.join(&name);
        let inside = format!("{SNAPSHOTS}/{name}");
        if !from.exists() {
            manifest.missing.push(inside);
            continue;
        }
        std::fs::copy(&from, part.join(&inside))
            .with_context(|| format!("{} cannot be copied", from.display()))?;
        manifest.add(part, &inside)?;
    }
    uploads::write(config, part, &copy, &mut manifest).await?;
    manifest.write(part)?;
    Ok(manifest)
}

fn folder(path: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("{} cannot be made", path.display()))
}

impl Restore {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.place.load()?;
        let manifest = Manifest::read(&self.folder)?;
        manifest.check(&self.folder)?;
        let copy = self.folder.join(CONTROL_PLANE);
        Store::integrity(&copy)
            .await
            .with_context(|| format!("{} is no whole control plane", copy.display()))?;
        let lock = DataDir::open(&config.data_dir)?.lock()?;
        empty(&config, &manifest)?;
        DataDir::folder(&config.execution.snapshot_dir)?;
        for name in manifest.snapshots() {
            let from = self.folder.join(SNAPSHOTS).join(name);
            put(&from, &config.execution.snapshot_dir.join(name))?;
        }
        uploads::restore(&config, &self.folder, &manifest)?;
        let file = &config.control_plane.file;
        // The last: as long as it is not there, nothing is restored.
        put(&copy, file)?;
        let store = Store::open(file).await?;
        store.check().await?;
        store.close().await;
        drop(lock);
        say(&format!(
            "restored {} and {} runs' rows",
            file.display(),
            manifest.snapshots().count()
        ));
        Ok(())
    }
}

/// Whether nothing of the folder would be lost. Rows that an earlier try restored may be there.
fn empty(config: &Config, manifest: &Manifest) -> anyhow::Result<()> {
    let file = &config.control_plane.file;
    let what_to_do = "restore into an empty folder, or move what is there away first";
    ensure!(!file.exists(), "{} is there already; {what_to_do}", file.display());
    uploads::empty(config, manifest, what_to_do)?;
    let folder = &config.execution.snapshot_dir;
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let known = |name: &str| manifest.snapshots().any(|known| known == name);
        if !name.to_str().is_some_and(|name| known(name) || name.ends_with(".restoring")) {
            bail!("{} holds rows of other runs; {what_to_do}", folder.display());
        }
    }
    Ok(())
}

/// A file that is whole or not there.
fn put(from: &Path, to: &Path) -> anyhow::Result<()> {
    let part = to.with_extension("restoring");
    std::fs::copy(from, &part).with_context(|| format!("{} cannot be copied", from.display()))?;
    std::fs::File::open(&part)?.sync_all()?;
    std::fs::rename(&part, to)?;
    Ok(())
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
