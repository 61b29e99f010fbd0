//! All files of one request: as a form, or one as the body itself.
//!
//! In: the request's head and body. Out: files that are settled in the store, all of them or none,
//! and are being read from then on.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use bytes::Bytes;

use super::inspect::{self, Reading};
use super::multipart::{Event, Fault, Head, Multipart};
use super::pieces::Pieces;
use super::reception::{Reception, Whole};
use super::{held, name, refused};
use crate::contract::types::{ErrorCode, FieldErrorCode};
use crate::problem::ApiError;
use crate::service::App;

const CHECKSUM: HeaderName = HeaderName::from_static("x-checksum-sha256");
/// A checksum in a form, and some white space.
const MAX_FIELD: usize = 128;

/// A request as it came in.
pub(crate) struct Incoming {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Of the file that is the body.
    pub(crate) name: Option<String>,
}

/// A user's place among the requests that are received; free when it goes.
struct Seat {
    app: Arc<App>,
    owner: String,
}

impl Seat {
    fn take(app: &Arc<App>, owner: &str) -> Result<Self, ApiError> {
        let most = app.config.limits.uploads_per_user;
        let mut seats = held(&app.uploads.seats);
        let taken = seats.entry(owner.to_owned()).or_default();
        if *taken >= most {
            let detail = format!(
                "{most} of your uploads are coming in (limits.uploads_per_user); try again when \
                 one has ended."
            );
            return Err(ApiError::new(ErrorCode::TooManyRequests, detail).retry_after(2));
        }
        *taken += 1;
        Ok(Self { app: Arc::clone(app), owner: owner.to_owned() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = held(&self.app.uploads.seats);
        if let Some(taken) = seats.get_mut(&self.owner) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.owner);
            }
        }
    }
}

/// Receives every file of a request, and has them read.
pub(crate) async fn receive(
    app: &Arc<App>,
    owner: &str,
    incoming: Incoming,
) -> Result<Vec<Reading>, ApiError> {
    let _seat = Seat::take(app, owner)?;
    let limits = &app.config.limits;
    let bounds = (limits.upload_session, limits.idle);
    let mut pieces = Pieces::new(incoming.body, &incoming.headers, bounds, &app.uploads.ending)?;
    let mut receiving = Receiving {
        app: Arc::clone(app),
        owner: owner.to_owned(),
        checksum: checksum(&incoming.headers)?,
        open: None,
        field: None,
        whole: Vec::new(),
    };
    let received = match form(&incoming.headers) {
        Some(media) => receiving.form(&media, incoming.name.as_deref(), &mut pieces).await,
        None => receiving.body(incoming.name.as_deref(), &mut pieces).await,
    };
    if let Err(error) = received {
        receiving.abandon().await;
        pieces.pass().await;
        return Err(error);
    }
    receiving.settle().await
}

/// The type of a body that is a form.
fn form(headers: &HeaderMap) -> Option<String> {
    let media = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = media.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data").then(|| media.to_owned())
}

fn checksum(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(given) = headers.get(CHECKSUM) else { return Ok(None) };
    sha256(given.as_bytes()).map(Some).map_err(|detail| refused("X-Checksum-Sha256:", detail))
}

fn sha256(text: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(text).trim().to_owned();
    match text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        true => Ok(text),
        false => Err("A SHA-256 is 64 hexadecimal digits.".to_owned()),
    }
}

/// The files of a request so far.
struct Receiving {
    app: Arc<App>,
    owner: String,
    /// Of the file that comes next.
    checksum: Option<String>,
    open: Option<Reception>,
    /// A checksum in a form, so far.
    field: Option<Vec<u8>>,
    whole: Vec<Whole>,
}

impl Receiving {
    async fn body(&mut self, name: Option<&str>, pieces: &mut Pieces) -> Result<(), ApiError> {
        let Some(name) = name else {
            let detail = "Give the name of the file that is the body, such as ?name=readings.csv.";
            return Err(ApiError::field("?name", FieldErrorCode::MissingField, detail));
        };
        self.begin(name, String::new(), pieces.said).await?;
        while let Some(piece) = pieces.next().await? {
            self.take(piece).await?;
        }
        self.end().await
    }

    async fn form(
        &mut self,
        media: &str,
        name: Option<&str>,
        pieces: &mut Pieces,
    ) -> Result<(), ApiError> {
        if name.is_some() {
            let detail = "The name is for a file that is the body; a form names its files itself.";
            return Err(refused("?name", detail.to_owned()));
        }
        let bad = |Fault(what)| {
            let detail = format!("The form cannot be read: {what}.");
            ApiError::new(ErrorCode::BadRequest, detail)
        };
        let mut parts = Multipart::new(media).map_err(bad)?;
        while let Some(piece) = pieces.next().await? {
            parts.feed(&piece);
            while let Some(event) = parts.next().map_err(bad)? {
                self.event(event).await?;
            }
        }
        if !parts.has_ended() {
            return Err(bad(Fault("it ended before its last boundary".to_owned())));
        }
        if self.whole.is_empty() {
            let detail = "The form holds no part \"file\" with a filename.";
            return Err(ApiError::field("/file", FieldErrorCode::MissingField, detail));
        }
        Ok(())
    }

    async fn event(&mut self, event: Event) -> Result<(), ApiError> {
        match event {
            Event::Part(head) => self.part(head).await,
            Event::Data(data) => match &mut self.field {
                Some(field) if field.len() + data.len() <= MAX_FIELD => {
                    field.extend_from_slice(&data);
                    Ok(())
                }
                Some(_) => {
                    Err(refused("/sha256", "A SHA-256 is 64 hexadecimal digits.".to_owned()))
                }
                None => self.take(data).await,
            },
            Event::PartEnd => match self.field.take() {
                Some(field) => {
                    let given = sha256(&field).map_err(|detail| refused("/sha256", detail))?;
                    self.checksum = Some(given);
                    Ok(())
                }
                None => self.end().await,
            },
            Event::End => Ok(()),
        }
    }

    async fn part(&mut self, head: Head) -> Result<(), ApiError> {
        let pointer = format!("/file/{}", self.whole.len());
        match (head.name.as_deref(), head.filename) {
            (Some("file"), Some(name)) => self.begin(&name, pointer, None).await,
            (Some("file"), None) => {
                let detail = "The part has no filename; give it the file's name with its ending.";
                Err(ApiError::field(pointer, FieldErrorCode::MissingField, detail))
            }
            (Some("sha256"), None) => {
                self.field = Some(Vec::new());
                Ok(())
            }
            (other, _) => {
                let shown: String = other.unwrap_or_default().chars().take(60).collect();
                let detail = format!(
                    "There is no part {shown:?}; known are \"file\" and, before it, \"sha256\"."
                );
                Err(ApiError::field("", FieldErrorCode::UnknownField, detail))
            }
        }
    }

    async fn begin(
        &mut self,
        given: &str,
        pointer: String,
        expected: Option<u64>,
    ) -> Result<(), ApiError> {
        let most = self.app.config.limits.files_per_upload;
        if self.whole.len() >= most {
            let detail = format!(
                "A request holds at most {most} files (limits.files_per_upload); send the rest in \
                 another."
            );
            return Err(ApiError::field(pointer, FieldErrorCode::TooLarge, detail));
        }
        let named = (name::shown(given), pointer);
        self.open = Some(Reception::begin(&self.app, &self.owner, named, expected).await?);
        Ok(())
    }

    async fn take(&mut self, piece: Bytes) -> Result<(), ApiError> {
        match &mut self.open {
            Some(open) => open.take(piece).await,
            None => Ok(()),
        }
    }

    async fn end(&mut self) -> Result<(), ApiError> {
        let checksum = self.checksum.take();
        if let Some(open) = self.open.take() {
            self.whole.push(open.finish(checksum.as_deref()).await?);
        }
        Ok(())
    }

    async fn abandon(self) {
        if let Some(open) = self.open {
            open.abandon().await;
        }
        for whole in self.whole {
            whole.abandon().await;
        }
    }

    /// All of them came whole: now they are there.
    async fn settle(self) -> Result<Vec<Reading>, ApiError> {
        let settled: Vec<_> = self.whole.iter().map(|whole| whole.settled.clone()).collect();
        self.app.store.uploads().settle(&settled).await?;
        let begin = |whole: Whole| {
            let (settled, pointer, name) =
                (whole.settled.clone(), whole.pointer.clone(), whole.name.clone());
            inspect::begin(&self.app, (settled, name, pointer), whole.keep())
        };
        Ok(self.whole.into_iter().map(begin).collect())
    }
}
