//! The folder of a session: links to the uploaded files, each named after the table it becomes.
//!
//! A link costs nothing and keeps the file whatever becomes of the upload. At a start, what a crash
//! left of a session that was never written is swept, and a folder that is gone, as after a
//! restore, is made again of the uploads, which stay as long as the session holds them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Map;

use crate::auth::{Principal, Role};
use crate::id::{FileId, LearningSessionId};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{DataDir, PageRequest, Session, SessionFile, StoreError};
use crate::uploads::{self, StoredFile};

/// Characters of a table's name.
const NAME: usize = 60;
/// A folder without a session that is younger may be one that another process is making.
const LEFT: Duration = Duration::from_secs(3_600);

/// The files with a table and a name for each, no two of them alike.
pub(super) fn placed(stored: &[StoredFile]) -> Vec<SessionFile> {
    let mut taken = BTreeSet::new();
    let place = |file: &StoredFile| {
        let table = unused(&table_name(&file.name), &mut taken);
        SessionFile {
            id: file.id.clone(),
            name: file.name.clone(),
            path: format!("{table}{}", ending(&file.path)),
            table,
            bytes: file.bytes,
            sha256: file.sha256.clone(),
            rows: file.rows,
        }
    };
    stored.iter().map(place).collect()
}

/// What of a file's name can be a table's: words of letters and digits.
fn table_name(name: &str) -> String {
    let stem = name.split('.').find(|part| !part.trim().is_empty()).unwrap_or_default();
    let mut table = String::new();
    for c in stem.chars().flat_map(char::to_lowercase).take(NAME) {
        if c.is_alphanumeric() {
            table.push(c);
        } else if !table.is_empty() && !table.ends_with('_') {
            table.push('_');
        }
    }
    match table.trim_end_matches('_') {
        "" => "file".to_owned(),
        digits if digits.starts_with(|c: char| c.is_numeric()) => format!("file_{digits}"),
        name => name.to_owned(),
    }
}

fn unused(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|n: u32| format!("{name}_{n}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| taken.insert(name.clone())).unwrap_or_default()
}

/// What the stored file's name says of its form: from its first stop.
fn ending(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.find('.').map(|at| name[at..].to_owned()).unwrap_or_default()
}

/// Makes the session's folder, with the files in it.
pub(super) async fn link(
    app: &App,
    id: &LearningSessionId,
    stored: &[StoredFile],
    placed: &[SessionFile],
) -> Result<(), ApiError> {
    let (base, folder) = (super::folder(app), folder(app, id));
    let pairs: Vec<(PathBuf, PathBuf)> = stored
        .iter()
        .zip(placed)
        .map(|(file, place)| (file.path.clone(), folder.join(&place.path)))
        .collect();
    let into = folder.clone();
    let work = move || -> Result<(), ApiError> {
        DataDir::folder(&base)?;
        DataDir::folder(&into)?;
        for (from, to) in pairs {
            one(&from, &to).map_err(ApiError::internal)?;
        }
        // The folder's own entries are on disk before the session is written.
        File::open(&into).and_then(|folder| folder.sync_all()).map_err(ApiError::internal)
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?;
    if done.is_err() {
        remove(app, id).await;
    }
    done
}

/// A link; a copy where a disk has none.
fn one(from: &Path, to: &Path) -> io::Result<()> {
    if std::fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    std::fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

fn folder(app: &App, id: &LearningSessionId) -> PathBuf {
    super::folder(app).join(id.as_str())
}

/// Removes the folder of a session. What stays is swept at a later start.
pub(super) async fn remove(app: &App, id: &LearningSessionId) {
    let folder = folder(app, id);
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    if let Ok(Err(error)) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(session.id = %id, cause = %error, "a session's folder could not be removed");
    }
}

/// Removes folders that no session has, and makes those again that a session lacks. It is tidying:
/// a start does not fail of it.
pub(crate) async fn tidy(app: &App) {
    match all(app).await {
        Ok(sessions) => {
            let known = sessions.iter().map(|session| session.id.to_string()).collect();
            let base = super::folder(app);
            // A sweep that is lost is done at the next start.
            let _ = tokio::task::spawn_blocking(move || sweep(&base, &known)).await;
            for session in sessions.iter().filter(|session| !folder(app, &session.id).exists()) {
                if let Err(error) = again(app, session).await {
                    let id = &session.id;
                    tracing::warn!(session.id = %id, cause = %error, "a session lacks its files");
                }
            }
        }
        Err(error) => {
            tracing::warn!(cause = %error, "sessions' folders could not be looked through");
        }
    }
}

async fn all(app: &App) -> Result<Vec<Session>, StoreError> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = app.store.sessions().list(None, &PageRequest::new(Some(500), cursor)).await?;
        found.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(found),
        }
    }
}

fn sweep(base: &Path, known: &BTreeSet<String>) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let is_left = entry
            .metadata()
            .and_then(|folder| folder.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFT));
        let name = entry.file_name();
        if is_left && name.to_str().is_some_and(|name| !known.contains(name)) {
            // Another process may have been quicker.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The folder of a session again, of the files that it holds.
async fn again(app: &App, session: &Session) -> Result<(), ApiError> {
    let owner = Principal::new(&session.owner, Role::Editor, Map::new());
    let ids: Vec<FileId> = session.files.iter().map(|file| file.id.clone()).collect();
    let stored = uploads::of(app, &owner, &ids).await?;
    link(app, &session.id, &stored, &session.files).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_a_table_whatever_its_name() {
        for (name, table) in [
            ("sales.csv", "sales"),
            ("Sales 2024 (final).csv.gz", "sales_2024_final"),
            ("../../etc/passwd", "file"),
            ("2024-01.csv", "file_2024_01"),
            ("Käufe.jsonl", "käufe"),
            (".csv", "csv"),
            ("---.csv", "file"),
            ("", "file"),
        ] {
            assert_eq!(table_name(name), table, "{name}");
        }
        let mut taken = BTreeSet::new();
        let names: Vec<String> = (0..3).map(|_| unused("a", &mut taken)).collect();
        assert_eq!(names, ["a", "a_2", "a_3"]);
        assert_eq!(ending(Path::new("/x.y/data.csv.gz")), ".csv.gz");
    }
}
