//! Uploaded files in a backup: `uploads/<id>.<name in its folder>`, one beside the other.

use std::path::Path;

use anyhow::{Context, bail};

use super::manifest::{Manifest, UPLOADS};
use super::{folder, put};
use crate::config::Config;
use crate::store::{DataDir, Store};
use crate::uploads;

/// Copies the files that the copied control plane names. One that was removed meanwhile is missing.
pub(super) async fn write(
    config: &Config,
    part: &Path,
    control_plane: &Path,
    manifest: &mut Manifest,
) -> anyhow::Result<()> {
    let files = Store::uploaded(control_plane).await?;
    if files.is_empty() {
        return Ok(());
    }
    folder(&part.join(UPLOADS))?;
    for (id, stored_as) in files {
        let from = config.data_dir.join(uploads::FOLDER).join(id.as_str()).join(&stored_as);
        let inside = format!("{UPLOADS}/{id}.{stored_as}");
        if !from.exists() {
            manifest.missing.push(inside);
            continue;
        }
        std::fs::copy(&from, part.join(&inside))
            .with_context(|| format!("{} cannot be copied", from.display()))?;
        manifest.add(part, &inside)?;
    }
    Ok(())
}

/// Whether the folder holds no upload beside those of the backup, which an earlier try restored.
pub(super) fn empty(config: &Config, manifest: &Manifest, what_to_do: &str) -> anyhow::Result<()> {
    let folder = config.data_dir.join(uploads::FOLDER);
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(&folder)? {
        let name = entry?.file_name();
        let id = |known: &str| known.split_once('.').map(|(id, _)| id.to_owned());
        let known = |name: &str| manifest.uploads().any(|known| id(known).as_deref() == Some(name));
        if !name.to_str().is_some_and(known) {
            bail!("{} holds other uploads; {what_to_do}", folder.display());
        }
    }
    Ok(())
}

/// Puts each into a folder of its own again.
pub(super) fn restore(config: &Config, backup: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let uploads = config.data_dir.join(uploads::FOLDER);
    for name in manifest.uploads() {
        let (id, stored_as) = name.split_once('.').context("an upload has no name")?;
        let place = uploads.join(id);
        DataDir::folder(&place)?;
        put(&backup.join(UPLOADS).join(name), &place.join(stored_as))?;
    }
    Ok(())
}
