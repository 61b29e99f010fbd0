//! A text file, row by row: its bytes driven through its decoder.

use super::{TextDecoder, file_bytes};
use crate::error::SourceError;
use crate::files::place::plain_path;
use bytes::{Buf, Bytes};
use datafusion::arrow::array::RecordBatch;
use futures::stream::{BoxStream, StreamExt};
use object_store::{ObjectMeta, ObjectStore};
use std::ops::Range;
use std::sync::Arc;

/// Batches of text from one file, or from the lines of a range of it.
pub(crate) struct Rows {
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
    start: u64,
    bytes: BoxStream<'static, Result<Bytes, SourceError>>,
    current: Bytes,
    decoder: TextDecoder,
    ended: bool,
}

impl Rows {
    pub(crate) async fn open(
        store: &Arc<dyn ObjectStore>,
        meta: &ObjectMeta,
        range: Option<Range<u64>>,
        decoder: TextDecoder,
    ) -> Result<Self, SourceError> {
        let start = range.as_ref().map_or(0, |r| r.start);
        let bytes = file_bytes(store, meta, range).await?;
        Ok(Self {
            store: Arc::clone(store),
            meta: meta.clone(),
            start,
            bytes,
            current: Bytes::new(),
            decoder,
            ended: false,
        })
    }

    /// The file's path, as people know it.
    pub(crate) fn file(&self) -> &str {
        plain_path(self.meta.location.as_ref())
    }

    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>, SourceError> {
        while !self.ended {
            let step = if !self.current.is_empty() {
                self.decoder.push(&self.current).map(|(taken, batch)| {
                    self.current.advance(taken);
                    batch
                })
            } else if let Some(piece) = self.bytes.next().await {
                self.current = piece?;
                continue;
            } else {
                self.ended = true;
                self.decoder.finish()
            };
            match step {
                Ok(Some(batch)) => return Ok(Some(batch)),
                Ok(None) => {}
                Err(fault) => {
                    self.ended = true;
                    let before = self.lines_before().await;
                    return Err(fault.in_file(self.file(), before));
                }
            }
        }
        Ok(None)
    }

    /// The line in the file of a row of the batch given out last.
    pub(crate) async fn line_of(&mut self, row: usize) -> u64 {
        self.decoder.line_of(row) + self.lines_before().await
    }

    /// Lines that end before the first line of the range. Read only to word an error, so a failure
    /// to read does not hide that error: the count is then short.
    async fn lines_before(&mut self) -> u64 {
        if self.start == 0 {
            return 0;
        }
        let Ok(mut bytes) = file_bytes(&self.store, &self.meta, Some(0..self.start)).await else {
            return 0;
        };
        let mut lines = 0;
        while let Some(Ok(piece)) = bytes.next().await {
            lines += piece.iter().map(|b| u64::from(*b == b'\n')).sum::<u64>();
        }
        lines
    }
}
