//! `upload`: files to the service, each sent as it is read, with its checksum.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use air_client::{Body, Method};
use futures::TryStreamExt;
use futures::stream::unfold;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::{Session, reply, segment, strange};
use crate::cli::Upload;
use crate::exit::{self, Failure};

const PIECE: usize = 256 << 10;
/// Between looks at a file that the service still reads.
const LOOK: Duration = Duration::from_millis(400);
/// The time of a whole request; what ends one earlier is that nothing moves.
const A_DAY: Duration = Duration::from_secs(24 * 3600);
const SHOWN: [&str; 7] = ["id", "name", "state", "format", "rows", "columns", "bytes"];

/// Uploads files one after another. What was kept is told even where a later one fails.
pub(super) async fn upload(
    session: &Session,
    wanted: &Upload,
    patience: Duration,
) -> Result<(), Failure> {
    if wanted.name.is_some() && wanted.files.len() > 1 {
        return Err(Failure::usage("--name is for one file; give one"));
    }
    exit::breaks_off();
    let (mut kept, mut failed) = (Vec::new(), None);
    for path in &wanted.files {
        match one(session, wanted, path, patience).await {
            Ok(file) => kept.push(file),
            Err(failure) => {
                failed = Some(failure);
                break;
            }
        }
    }
    let Some(failure) = failed else {
        return session.output.list(&json!({"items": kept, "next": null}), &SHOWN);
    };
    if !kept.is_empty() {
        session.output.list(&json!({"items": kept, "next": null}), &SHOWN)?;
    }
    Err(failure)
}

/// The file as the service has it at the end.
async fn one(
    session: &Session,
    wanted: &Upload,
    path: &Path,
    patience: Duration,
) -> Result<Value, Failure> {
    let unreadable =
        |e: std::io::Error| Failure::usage(format!("{} cannot be read: {e}", path.display()));
    let known = std::fs::metadata(path).map_err(unreadable)?;
    if !known.is_file() {
        return Err(Failure::usage(format!("{} is no file", path.display())));
    }
    let last = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = wanted.name.clone().or(last).unwrap_or_default();
    let bar = session.output.transfer(&name, known.len());
    bar.set_message("checking");
    let checksum = checksum(path.to_owned(), bar.clone()).await.map_err(unreadable)?;
    bar.set_position(0);
    bar.set_message("sending");
    let sent = Arc::new(AtomicU64::new(0));
    let body = body(path, known.len(), (bar.clone(), Arc::clone(&sent)));
    let body = body.await.map_err(unreadable)?;
    let mut query = vec![("name", name.as_str())];
    if wanted.no_wait {
        query.push(("wait", "false"));
    }
    // The contract takes no idempotency key here: what is sent twice is there twice.
    let call = session
        .client
        .request(Method::POST, "/v1/files")?
        .query(&query)
        .header("X-Checksum-Sha256", &checksum)
        .stream("application/octet-stream", known.len(), body)
        .timeout(A_DAY);
    let answer = tokio::select! {
        answer = reply(call) => answer?,
        () = stalled(&sent, patience) => {
            let what = format!("{name}: nothing moved for {} s", patience.as_secs_f64());
            let raise = "\n  raise --timeout, or try again";
            return Err(Failure::new(exit::TIMED_OUT, what + raise));
        }
    };
    let file = answer["items"].get(0).cloned();
    let file = file.ok_or_else(|| strange("the server names no file that it kept"))?;
    bar.set_message("being read");
    let file = read(session, file, wanted.no_wait).await?;
    bar.finish_and_clear();
    Ok(file)
}

/// Waits until the service has read the file.
async fn read(session: &Session, mut file: Value, no_wait: bool) -> Result<Value, Failure> {
    while file["state"] == "quarantined" && !no_wait {
        tokio::time::sleep(LOOK).await;
        let id = file["id"].as_str().unwrap_or_default();
        file = session.get(&format!("/v1/files/{}", segment(id)?)).await?;
    }
    match file["state"].as_str() {
        Some("rejected") => {
            let why = file["reason"].as_str().unwrap_or("the server does not say why");
            Err(Failure::failed(why))
        }
        _ => Ok(file),
    }
}

/// Ends when nothing was sent for so long.
async fn stalled(sent: &AtomicU64, patience: Duration) {
    loop {
        let before = sent.load(Ordering::Relaxed);
        tokio::time::sleep(patience).await;
        if sent.load(Ordering::Relaxed) == before {
            return;
        }
    }
}

/// The SHA-256 of a file in hexadecimal.
async fn checksum(path: PathBuf, bar: ProgressBar) -> std::io::Result<String> {
    let hashed = tokio::task::spawn_blocking(move || {
        let (mut file, mut hash) = (File::open(path)?, Sha256::new());
        let mut piece = vec![0; PIECE];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                return Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect());
            }
            hash.update(&piece[..read]);
            bar.inc(read as u64);
        }
    });
    hashed.await.map_err(std::io::Error::other)?
}

/// The file's bytes as they are wanted; no more than it had when it was looked at.
async fn body(
    path: &Path,
    length: u64,
    (bar, sent): (ProgressBar, Arc<AtomicU64>),
) -> std::io::Result<Body> {
    let file = tokio::fs::File::open(path).await?.take(length);
    let pieces = unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(piece), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    let counted = pieces.inspect_ok(move |piece: &Vec<u8>| {
        sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        bar.inc(piece.len() as u64);
    });
    Ok(Body::wrap_stream(counted))
}
