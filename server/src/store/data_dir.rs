//! The data folder: only its owner may look inside.
//!
//! In: its path. Out: the folder with mode 0700, and a lock held by the one process that serves
//! from it, or by all that share it. A folder of another owner is an error, because its mode cannot be set.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::StoreError;

#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

/// Held as long as the process serves; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct DataDirLock {
    _file: File,
}

impl DataDir {
    /// Makes the folder if it is missing, and closes it to others.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed =
            |what| move |source| StoreError::DataDir { what, path: path.to_owned(), source };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed("the data folder cannot be made"))?;
        let metadata = std::fs::metadata(path).map_err(failed("the data folder cannot be read"))?;
        if metadata.permissions().mode() & 0o777 != 0o700 {
            std::fs::set_permissions(path, Permissions::from_mode(0o700))
                .map_err(failed("the data folder cannot be closed to others (chmod 700)"))?;
        }
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A folder of the data folder's own, such as the snapshots'.
    pub(crate) fn folder(path: &Path) -> Result<(), StoreError> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| {
            StoreError::DataDir { what: "a folder cannot be made", path: path.to_owned(), source }
        })
    }

    /// Takes the folder for this process alone.
    pub(crate) fn lock(&self) -> Result<DataDirLock, StoreError> {
        self.lock_by(File::try_lock)
    }

    /// Takes the folder with others that share it; they need a broker to act as one.
    pub(crate) fn lock_shared(&self) -> Result<DataDirLock, StoreError> {
        self.lock_by(File::try_lock_shared)
    }

    fn lock_by(
        &self,
        take: impl FnOnce(&File) -> Result<(), TryLockError>,
    ) -> Result<DataDirLock, StoreError> {
        let path = self.0.join("air.lock");
        let failed = |source| StoreError::DataDir {
            what: "the data folder cannot be locked",
            path: path.clone(),
            source,
        };
        let file = private_file(&path).map_err(failed)?;
        match take(&file) {
            Ok(()) => Ok(DataDirLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::DataDirInUse { path: self.0.clone() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Opens a file that only its owner may read, making it if it is missing.
pub(crate) fn private_file(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}
