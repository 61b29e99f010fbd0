//! What a backup holds: each file with its size and hash.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The manifest's own file, which is written last.
const FILE: &str = "manifest.json";
pub(super) const CONTROL_PLANE: &str = "air.db";
pub(super) const SNAPSHOTS: &str = "snapshots";
pub(super) const UPLOADS: &str = "uploads";
/// Of the form of a backup, not of the program.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    version: u32,
    /// Of the program that wrote it.
    air: String,
    created_at: String,
    pub(super) files: BTreeMap<String, Sum>,
    /// Rows that a run names and that were gone already.
    pub(super) missing: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sum {
    bytes: u64,
    sha256: String,
}

impl Manifest {
    pub(super) fn new() -> Self {
        Self {
            version: VERSION,
            air: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: crate::store::Moment::now().to_string(),
            files: BTreeMap::new(),
            missing: Vec::new(),
        }
    }

    /// Takes a file of the backup in, and makes sure of it on disk.
    pub(super) fn add(&mut self, folder: &Path, name: &str) -> anyhow::Result<()> {
        let file = folder.join(name);
        std::fs::File::open(&file)?.sync_all()?;
        self.files.insert(name.to_owned(), sum(&file)?);
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.values().map(|sum| sum.bytes).sum()
    }

    /// Names of the files of rows.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &str> {
        self.within(SNAPSHOTS)
    }

    /// Names of the uploaded files.
    pub(super) fn uploads(&self) -> impl Iterator<Item = &str> {
        self.within(UPLOADS)
    }

    fn within(&self, folder: &'static str) -> impl Iterator<Item = &str> {
        let names = self.files.keys();
        names.filter_map(move |name| name.strip_prefix(folder)?.strip_prefix('/'))
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let file = folder.join(FILE);
        std::fs::write(&file, serde_json::to_vec_pretty(self)?)?;
        Ok(std::fs::File::open(&file)?.sync_all()?)
    }

    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(FILE);
        let text = std::fs::read(&file)
            .with_context(|| format!("{} is no backup: it has no {FILE}", folder.display()))?;
        let damaged = || format!("{} is damaged", file.display());
        let manifest: Self = serde_json::from_slice(&text).with_context(damaged)?;
        ensure!(
            manifest.version == VERSION,
            "the backup is of form {}, and this program reads {VERSION}",
            manifest.version
        );
        ensure!(manifest.files.contains_key(CONTROL_PLANE), damaged());
        // Names come from outside: a path that leads elsewhere is not one of ours.
        for name in manifest.files.keys().filter(|name| *name != CONTROL_PLANE) {
            let folder = |known| name.strip_prefix(known)?.strip_prefix('/');
            let inside = folder(SNAPSHOTS).or_else(|| folder(UPLOADS));
            let plain = |name: &str| {
                !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.')
            };
            ensure!(inside.is_some_and(plain), damaged());
        }
        Ok(manifest)
    }

    /// Holds every file to its sum.
    pub(super) fn check(&self, folder: &Path) -> anyhow::Result<()> {
        for (name, wanted) in &self.files {
            let file = folder.join(name);
            let found = sum(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            if found != *wanted {
                bail!("{} is damaged: it is not the file that was backed up", file.display());
            }
        }
        Ok(())
    }
}

fn sum(file: &Path) -> anyhow::Result<Sum> {
    let mut input = std::fs::File::open(file)?;
    let (mut digest, mut bytes) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Sum { bytes, sha256 })
}
