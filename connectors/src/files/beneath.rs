//! Opening what lies beneath a folder, and nothing else.
//!
//! In: a folder and relative paths. Out: open regular files with what tells one version from
//! another, and listings. The kernel itself holds each lookup beneath the folder and follows no
//! link, so a path checked now cannot lead elsewhere a moment later. Deliberately absent: writing,
//! links, devices, pipes, hidden files.

use super::place::{FoundFile, Identity, MAX_DEPTH, MAX_FILES, Tag};
use crate::error::{SourceError, io_reason};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};

/// A folder that is never left: `under`, looked up anew each time beneath `base`.
#[derive(Debug)]
pub(crate) struct Folder {
    base: OwnedFd,
    under: String,
}

impl Folder {
    /// `base_path`, which lies under `files_base`.
    pub(crate) fn open(files_base: &Path, base_path: &Path) -> Result<Self, SourceError> {
        let under = relative(files_base, base_path);
        // Below files.base_path where it is; where the service's folders lie is nobody's business.
        let shown = match &under {
            Some(under) => under.clone(),
            None => base_path.file_name().map_or_else(String::new, |n| n.display().to_string()),
        };
        let refused =
            |reason: &str| SourceError::BasePath { path: shown.clone(), reason: reason.to_owned() };
        let under = under.ok_or_else(|| refused("leads out of files.base_path"))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let base = rustix::fs::open(files_base, flags, Mode::empty()).map_err(|e| {
            SourceError::BasePath {
                path: shown.clone(),
                reason: format!("is not reachable: files.base_path: {}", io_reason(&e.into())),
            }
        })?;
        let folder = Self { base, under };
        folder.reachable().map_err(|e| refused(&format!("cannot be opened: {}", io_reason(&e))))?;
        Ok(folder)
    }

    /// Where the folder lies below `files_base`.
    pub(crate) fn under(&self) -> &str {
        &self.under
    }

    /// Whether the folder is there now.
    pub(crate) fn reachable(&self) -> io::Result<()> {
        self.open_at("", OFlags::RDONLY | OFlags::DIRECTORY).map(drop)
    }

    /// A regular file, open for reading.
    pub(crate) fn file(&self, path: &str) -> io::Result<(File, Identity)> {
        // Not blocking, so that a pipe without a writer is refused and not waited for.
        let fd = self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let identity = identity(&fd)?.ok_or(Errno::NXIO)?;
        Ok((File::from(fd), identity))
    }

    /// Every regular file at or beneath `path`, by path; links and hidden names are passed over.
    pub(crate) fn walk(&self, path: &str) -> io::Result<Vec<FoundFile>> {
        let mut found = Vec::new();
        self.walk_into(path, 0, &mut found)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn walk_into(&self, path: &str, depth: usize, found: &mut Vec<FoundFile>) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other(format!("folders nest deeper than {MAX_DEPTH}")));
        }
        for (name, kind) in self.entries(path)? {
            let below = if path.is_empty() { name } else { format!("{path}/{name}") };
            match kind {
                FileType::Directory => match self.walk_into(&below, depth + 1, found) {
                    Err(e) if gone(&e) => {}
                    other => other?,
                },
                FileType::RegularFile => match self.file(&below) {
                    Ok((_, identity)) => found.push(FoundFile { path: below, identity }),
                    Err(e) if gone(&e) => {}
                    Err(e) => return Err(e),
                },
                _ => {}
            }
            if found.len() > MAX_FILES {
                return Err(io::Error::other(format!("more than {MAX_FILES} files")));
            }
        }
        Ok(())
    }

    /// Names and kinds of what a folder holds, hidden names left out.
    fn entries(&self, path: &str) -> io::Result<Vec<(String, FileType)>> {
        let fd = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&fd)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            // A leading underscore on a folder marks what another program is still writing.
            if name.starts_with('.') || name.contains(|c: char| c.is_control()) {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    let stat =
                        rustix::fs::statat(&fd, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
                    FileType::from_raw_mode(stat.st_mode)
                }
                known => known,
            };
            if kind == FileType::Directory && name.starts_with('_') {
                continue;
            }
            entries.push((name.to_owned(), kind));
        }
        Ok(entries)
    }

    fn open_at(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let whole = match (self.under.as_str(), path) {
            ("", "") => ".".to_owned(),
            ("", path) => path.to_owned(),
            (under, "") => under.to_owned(),
            (under, path) => format!("{under}/{path}"),
        };
        if Path::new(path).components().any(|c| !matches!(c, Component::Normal(_))) {
            return Err(Errno::XDEV.into());
        }
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::CLOEXEC;
        // The kernel answers "again" when a rename on the way raced with the lookup.
        let mut tries = 0;
        loop {
            match openat2(self.base.as_fd(), whole.as_str(), flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) if tries < 100 => tries += 1,
                other => return other.map_err(io::Error::from),
            }
        }
    }
}

/// `None` for what is no regular file.
fn identity(fd: &OwnedFd) -> io::Result<Option<Identity>> {
    let stat = fstat(fd)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let nanos = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
    let changed_ns = nanos(stat.st_mtime as i64, stat.st_mtime_nsec as i64)
        .max(nanos(stat.st_ctime as i64, stat.st_ctime_nsec as i64));
    let size = u64::try_from(stat.st_size).map_err(io::Error::other)?;
    Ok(Some(Identity { size, changed_ns, tag: Tag::Inode(stat.st_ino) }))
}

/// A file or link that went between listing and opening, or became something else.
fn gone(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::NOTDIR | Errno::XDEV)
    )
}

/// `base_path` from `files_base` on, by names only; `None` where it leads out.
fn relative(files_base: &Path, base_path: &Path) -> Option<String> {
    let rest = match base_path.strip_prefix(files_base) {
        Ok(rest) => rest.to_path_buf(),
        Err(_) => {
            let base = std::path::absolute(files_base).ok()?;
            match base_path.strip_prefix(&base) {
                Ok(rest) => rest.to_path_buf(),
                Err(_) if base_path.is_absolute() => return None,
                Err(_) => base_path.to_path_buf(),
            }
        }
    };
    let mut names = Vec::new();
    for component in rest.components() {
        match component {
            Component::Normal(name) => names.push(name.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(names.join("/"))
}
