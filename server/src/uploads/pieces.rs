//! A request's body, piece by piece.
//!
//! In: the body and what its head says of its length. Out: its bytes, no more than a request may
//! have, or why they stopped coming. A client that sends nothing for `limits.idle` is let go.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::ending;
use crate::contract::types::ErrorCode;
use crate::problem::ApiError;

const LITTLE: u64 = 64 << 20;
const BRIEFLY: Duration = Duration::from_secs(10);

pub(super) struct Pieces {
    body: BodyDataStream,
    ending: CancellationToken,
    idle: Duration,
    /// Bytes so far.
    pub(super) taken: u64,
    most: u64,
    /// What the head said there would be.
    pub(super) said: Option<u64>,
}

impl Pieces {
    pub(super) fn new(
        body: Body,
        headers: &HeaderMap,
        (most, idle): (u64, Duration),
        ending: &CancellationToken,
    ) -> Result<Self, ApiError> {
        let said = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if said.is_some_and(|said| said > most) {
            return Err(too_large(most));
        }
        let body = body.into_data_stream();
        Ok(Self { body, ending: ending.clone(), idle, taken: 0, most, said })
    }

    /// The next piece; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let next = tokio::select! {
            biased;
            () = self.ending.cancelled() => return Err(ending()),
            next = tokio::time::timeout(self.idle, self.body.next()) => next,
        };
        let idle = self.idle.as_secs_f64();
        let next = next.map_err(|_| {
            let detail = format!(
                "Nothing came for {idle} s, so nothing was kept; upload again over a better line."
            );
            ApiError::new(ErrorCode::Timeout, detail)
        })?;
        let Some(piece) = next else {
            return match self.said.filter(|said| *said != self.taken) {
                None => Ok(None),
                Some(said) => Err(broken(&format!(
                    "The body has {} bytes, and its Content-Length says {said}.",
                    self.taken
                ))),
            };
        };
        let piece = piece.map_err(|_| {
            broken(&format!("The body stopped after {} bytes, before it was whole.", self.taken))
        })?;
        self.taken += piece.len() as u64;
        if self.taken > self.most {
            return Err(too_large(self.most));
        }
        Ok(Some(piece))
    }

    /// Takes what is left where it is little: a client that still sends hears no answer.
    pub(super) async fn pass(&mut self) {
        let left = self.said.map_or(LITTLE, |said| said.saturating_sub(self.taken));
        if left > LITTLE {
            return;
        }
        self.most = self.taken.saturating_add(LITTLE);
        let rest = async { while let Ok(Some(_)) = self.next().await {} };
        // Whoever is slower than this is not waited for.
        let _ = tokio::time::timeout(BRIEFLY, rest).await;
    }
}

fn too_large(most: u64) -> ApiError {
    let megabytes = most as f64 / 1e6;
    let detail = format!(
        "A request of uploads has at most {megabytes} MB (limits.upload_session); upload the \
         files in several requests."
    );
    ApiError::new(ErrorCode::PayloadTooLarge, detail)
}

fn broken(what: &str) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, format!("{what} Nothing was kept; upload again."))
}
