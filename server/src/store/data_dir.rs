//! The data folder: only its owner may look inside.
//!
//! In: its path. Out: the folder with mode 0700, and a lock held by the one process that serves
//! from it. A folder of another owner is an error, because its mode cannot be set.

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

    /// Takes the folder for this process. Two servers on one folder would each take the other's
    /// runs for interrupted.
    pub(crate) fn lock(&self) -> Result<DataDirLock, StoreError> {
        let path = self.0.join("air.lock");
        let failed = |source| StoreError::DataDir {
            what: "the data folder cannot be locked",
            path: path.clone(),
            source,
        };
        let file = private_file(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(DataDirLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::DataDirInUse { path: self.0.clone() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Opens a file that only its owner may read, making it if it is missing.
pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
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
