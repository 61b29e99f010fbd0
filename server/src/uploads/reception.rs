//! One file on its way to the disk.
//!
//! In: its name, its pieces, its checksum where one was given. Out: what is to be settled in the
//! store once the whole request has come. However a reception ends otherwise, its bytes, its
//! folder and its row go.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::writer::Writer;
use super::{Busy, content, refused, remove};
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::id::FileId;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Given, Room, Settled};

const PART: &str = "part";
/// Room is set aside in steps, since each is a write of the store.
const LEAST_STEP: u64 = 1 << 20;
const LARGEST_STEP: u64 = 64 << 20;

pub(super) struct Reception {
    app: Arc<App>,
    id: FileId,
    owner: String,
    name: String,
    /// Where the request has it, for errors.
    pointer: String,
    taken: u64,
    set_aside: u64,
    writer: Option<Writer>,
    busy: Option<Busy>,
}

/// A file that came whole.
pub(super) struct Whole {
    pub(super) settled: Settled,
    pub(super) pointer: String,
    pub(super) name: String,
    reception: Reception,
}

impl Whole {
    /// The store has it from now on; whoever gets the token works on it.
    pub(super) fn keep(mut self) -> Option<Busy> {
        self.reception.busy.take()
    }

    pub(super) async fn abandon(self) {
        self.reception.abandon().await;
    }
}

fn room(app: &App) -> Room {
    let limits = &app.config.limits;
    Room { user: limits.upload_user, files: limits.files_per_user, all: limits.upload_store }
}

impl Reception {
    /// Begins a file; `expected` is how large it will be, where that is known.
    pub(super) async fn begin(
        app: &Arc<App>,
        owner: &str,
        (name, pointer): (String, String),
        expected: Option<u64>,
    ) -> Result<Self, ApiError> {
        let id = FileId::new();
        let busy = app.uploads.take(&id);
        let set_aside = expected.unwrap_or(0);
        let mut new = Self {
            app: Arc::clone(app),
            id: id.clone(),
            owner: owner.to_owned(),
            name,
            pointer,
            taken: 0,
            set_aside,
            writer: None,
            busy,
        };
        new.check_size(set_aside)?;
        let uploads = app.store.uploads();
        let given = uploads.begin(&id, (owner, &new.name), set_aside, &room(app)).await?;
        new.given(given)?;
        let folder = app.uploads.place(&id);
        DirBuilder::new().mode(0o700).create(&folder).map_err(|e| failed(&e))?;
        new.writer = Some(Writer::start(folder.join(PART)));
        Ok(new)
    }

    pub(super) async fn take(&mut self, piece: Bytes) -> Result<(), ApiError> {
        let whole = self.taken + piece.len() as u64;
        self.check_size(whole)?;
        self.set_aside(whole).await?;
        if let Some(writer) = &mut self.writer {
            writer.write(piece).await.map_err(|e| failed(&e))?;
        }
        self.taken = whole;
        Ok(())
    }

    /// The file has come whole: what it is, once it is on the disk and under its name there.
    pub(super) async fn finish(mut self, checksum: Option<&str>) -> Result<Whole, ApiError> {
        match self.finished(checksum).await {
            Ok(settled) => {
                let (pointer, name) = (self.pointer.clone(), self.name.clone());
                Ok(Whole { settled, pointer, name, reception: self })
            }
            Err(error) => {
                self.abandon().await;
                Err(error)
            }
        }
    }

    async fn finished(&mut self, checksum: Option<&str>) -> Result<Settled, ApiError> {
        let Some(writer) = self.writer.take() else {
            return Err(ApiError::internal("a file was finished twice"));
        };
        let sha256 = writer.finish().await.map_err(|e| failed(&e))?;
        if self.taken == 0 {
            let detail = format!("{:?} is empty (0 bytes); upload one that holds rows.", self.name);
            return Err(refused(&self.pointer, detail));
        }
        if let Some(wanted) = checksum.filter(|wanted| !wanted.eq_ignore_ascii_case(&sha256)) {
            let detail = format!(
                "{:?} arrived with the SHA-256 {sha256}, not {wanted}: it changed on the way or \
                 since the checksum was made; upload it again.",
                self.name
            );
            return Err(refused(&self.pointer, detail));
        }
        let (folder, name) = (self.app.uploads.place(&self.id), self.name.clone());
        let allowed = self.app.config.files.allowed_ext.clone();
        let placed = tokio::task::spawn_blocking(move || place(&folder, &name, &allowed));
        let told = placed.await.map_err(ApiError::internal)?.map_err(|e| failed(&e))?;
        let told = told.map_err(|why| refused(&self.pointer, why))?;
        Ok(Settled {
            id: self.id.clone(),
            bytes: self.taken,
            format: told.form,
            compression: told.packing,
            stored_as: told.stored_as,
            sha256,
        })
    }

    fn check_size(&self, whole: u64) -> Result<(), ApiError> {
        let most = self.app.config.limits.upload_file;
        if whole <= most {
            return Ok(());
        }
        let detail = format!(
            "{:?} is larger than the {} MB that a file may have (limits.upload_file); upload it \
             in parts, or compressed.",
            self.name,
            most as f64 / 1e6
        );
        Err(ApiError::new(ErrorCode::PayloadTooLarge, detail))
    }

    /// Sees to it that there is room for so many bytes before they are written.
    async fn set_aside(&mut self, whole: u64) -> Result<(), ApiError> {
        if whole <= self.set_aside {
            return Ok(());
        }
        let ahead = whole + self.taken.clamp(LEAST_STEP, LARGEST_STEP);
        // Where there is none for a whole step, there may be for what is needed.
        for wanted in [ahead.min(self.app.config.limits.upload_file), whole] {
            let (store, room) = (&self.app.store, room(&self.app));
            let given = store.uploads().grow(&self.id, &self.owner, wanted, &room).await?;
            if given == Given::Yes {
                self.set_aside = wanted;
                return Ok(());
            }
            if wanted == whole {
                self.given(given)?;
            }
        }
        Ok(())
    }

    fn given(&self, given: Given) -> Result<(), ApiError> {
        let limits = &self.app.config.limits;
        let mend = "remove some by DELETE /v1/files/{id}";
        let detail = match given {
            Given::Yes => return Ok(()),
            Given::TooManyFiles => format!(
                "You have {} files, as many as a user may have (limits.files_per_user); {mend}.",
                limits.files_per_user
            ),
            Given::UserFull => format!(
                "Your files would take more than the {} MB that a user may have \
                 (limits.upload_user); {mend}.",
                limits.upload_user as f64 / 1e6
            ),
            Given::StoreFull => {
                let detail = "The server's room for uploads is full (limits.upload_store); try \
                              again later, or remove files.";
                return Err(ApiError::new(ErrorCode::Unavailable, detail).retry_after(60));
            }
        };
        let error = crate::problem::field_error(&self.pointer, FieldErrorCode::TooLarge, &detail);
        Err(ApiError { errors: vec![error], ..ApiError::new(ErrorCode::LimitExceeded, detail) })
    }

    /// Throws away what came, and ends when nothing of it is left.
    pub(super) async fn abandon(mut self) {
        if let Some(busy) = self.busy.take() {
            let writer = self.writer.take();
            clean(&self.app, busy, writer).await;
        }
    }
}

impl Drop for Reception {
    fn drop(&mut self) {
        // Whatever broke it off, such as the time of its request, has no time to clean up.
        if let Some(busy) = self.busy.take() {
            let (app, writer) = (Arc::clone(&self.app), self.writer.take());
            let cleaning = async move { clean(&app, busy, writer).await };
            // Without threads the process is at its end; the next one sweeps.
            if let Ok(threads) = tokio::runtime::Handle::try_current() {
                self.app.tasks.spawn_on(cleaning, &threads);
            }
        }
    }
}

/// Removes the bytes, the folder and the row, in this order: the room that the row holds is not
/// given to others before it is free.
async fn clean(app: &App, busy: Busy, writer: Option<Writer>) {
    if let Some(writer) = writer {
        writer.abandon().await;
    }
    remove(&app.uploads.place(&busy.id));
    if let Err(error) = app.store.uploads().discard(std::slice::from_ref(&busy.id)).await {
        tracing::warn!(%error, file.id = %busy.id, "an upload that broke off stays for now");
    }
}

/// Tells what a file is, and gives it its name.
fn place(
    folder: &Path,
    name: &str,
    allowed: &[String],
) -> io::Result<Result<content::Told, String>> {
    let part = folder.join(PART);
    let told = match content::tell(&part, name, allowed) {
        Ok(told) => told,
        Err(why) => return Ok(Err(why)),
    };
    std::fs::rename(&part, folder.join(&told.stored_as))?;
    // The names, too, are to be there after the power went.
    File::open(folder)?.sync_all()?;
    folder.parent().map_or(Ok(()), |above| File::open(above)?.sync_all())?;
    Ok(Ok(told))
}

fn failed(error: &io::Error) -> ApiError {
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        let detail = "The server's disk is full, so nothing was kept; tell who runs it.";
        return ApiError::new(ErrorCode::Unavailable, detail).retry_after(60);
    }
    ApiError::internal(io::Error::new(error.kind(), error.to_string()))
}
