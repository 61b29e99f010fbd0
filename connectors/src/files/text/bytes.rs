//! The bytes of a file or of the lines in a range of it, decompressed.

use crate::error::SourceError;
use crate::files::place::plain_path;
use bytes::{Buf, Bytes};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

type ByteStream = BoxStream<'static, Result<Bytes, SourceError>>;

const PIECE: usize = 256 << 10;

/// How a file is compressed, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// The compression and the name without its ending.
    pub(crate) fn of(path: &str) -> (Self, &str) {
        let lower = path.to_ascii_lowercase();
        for (ending, found) in [(".gz", Self::Gzip), (".zst", Self::Zstd), (".zstd", Self::Zstd)] {
            if lower.ends_with(ending) {
                return (found, &path[..path.len() - ending.len()]);
            }
        }
        (Self::None, path)
    }
}

/// The file's bytes, or with a range the lines that begin in it, and in any case decompressed.
pub(crate) async fn file_bytes(
    store: &Arc<dyn ObjectStore>,
    meta: &ObjectMeta,
    range: Option<Range<u64>>,
) -> Result<ByteStream, SourceError> {
    let file = plain_path(meta.location.as_ref()).to_owned();
    // One byte more in front tells whether a line begins just at the start.
    let from = range.as_ref().map_or(0, |r| r.start.saturating_sub(1));
    let options =
        GetOptions { range: (from > 0).then_some(GetRange::Offset(from)), ..GetOptions::default() };
    let result =
        store.get_opts(&meta.location, options).await.map_err(|e| store_error(&file, e))?;
    let named = file.clone();
    let whole =
        result.into_stream().map(move |piece| piece.map_err(|e| store_error(&named, e))).boxed();
    match (range, Compression::of(&file).0) {
        (Some(range), _) => Ok(lines_within(whole, range)),
        (None, Compression::None) => Ok(whole),
        (None, Compression::Gzip) => Ok(decompressed(whole, FileCompressionType::GZIP, file)),
        (None, Compression::Zstd) => Ok(decompressed(whole, FileCompressionType::ZSTD, file)),
    }
}

/// What a place said of a file, or that its storage failed.
pub(crate) fn store_error(file: &str, error: object_store::Error) -> SourceError {
    use std::error::Error;
    let known = error.source().and_then(|s| s.downcast_ref::<SourceError>()).cloned();
    let deeper = || {
        let io = error.source()?.downcast_ref::<io::Error>()?;
        io.get_ref()?.downcast_ref::<SourceError>().cloned()
    };
    known.or_else(deeper).unwrap_or_else(|| SourceError::File {
        file: file.to_owned(),
        reason: "the storage failed".to_owned(),
    })
}

/// From bytes that begin one before `range`, the lines whose first byte is in it.
fn lines_within(input: ByteStream, range: Range<u64>) -> ByteStream {
    let at = range.start.saturating_sub(1);
    let begun = range.start == 0;
    stream::unfold((input, at, begun, false), move |(mut input, at, begun, done)| async move {
        if done {
            return None;
        }
        let mut piece = match input.next().await? {
            Ok(piece) => piece,
            Err(e) => return Some((Err(e), (input, at, begun, true))),
        };
        let (mut begin, after) = (at, at + piece.len() as u64);
        let (mut begun, mut done) = (begun, false);
        if !begun {
            match piece.iter().position(|b| *b == b'\n') {
                Some(end) => {
                    begun = true;
                    begin += end as u64 + 1;
                    piece.advance(end + 1);
                    // The first line may begin beyond the range: then none begins within.
                    done = begin >= range.end;
                }
                None => piece.clear(),
            }
        }
        if done {
            piece.clear();
        } else if begun && after >= range.end {
            // The last line is the one that holds the last byte of the range.
            let last = usize::try_from((range.end - 1).saturating_sub(begin)).unwrap_or(usize::MAX);
            let beyond = piece.get(last..).unwrap_or_default();
            if let Some(end) = beyond.iter().position(|b| *b == b'\n') {
                piece.truncate(last + end + 1);
                done = true;
            }
        }
        Some((Ok(piece), (input, after, begun, done)))
    })
    .boxed()
}

/// Decompression on a thread of its own, ahead by a few pieces.
fn decompressed(input: ByteStream, kind: FileCompressionType, file: String) -> ByteStream {
    let (sender, receiver) = mpsc::channel::<Result<Bytes, SourceError>>(4);
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || {
        let failed = |e: &io::Error| match e.get_ref().and_then(|e| e.downcast_ref::<SourceError>())
        {
            Some(known) => known.clone(),
            None => SourceError::File {
                file: file.clone(),
                reason: format!("its compressed data is damaged or cut off ({e})"),
            },
        };
        let source = Pieces { handle, input, current: Bytes::new() };
        let mut reader = match kind.convert_read(source) {
            Ok(reader) => reader,
            Err(e) => {
                // The receiver is gone where the query ended early; then nobody wants the error.
                let _ = sender.blocking_send(Err(failed(&io::Error::other(e.to_string()))));
                return;
            }
        };
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = reader.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            let (message, last) = match read {
                Ok(0) => return,
                Ok(_) => (Ok(piece.into()), false),
                Err(e) => (Err(failed(&e)), true),
            };
            if sender.blocking_send(message).is_err() || last {
                return;
            }
        }
    });
    stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    })
    .boxed()
}

/// A stream read as a blocking reader.
struct Pieces {
    handle: Handle,
    input: ByteStream,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.handle.block_on(self.input.next()) {
                None => return Ok(0),
                Some(Ok(piece)) => self.current = piece,
                Some(Err(e)) => return Err(io::Error::other(e)),
            }
        }
        let length = buffer.len().min(self.current.len());
        buffer[..length].copy_from_slice(&self.current[..length]);
        self.current.advance(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_in_one_range_however_the_bytes_come() {
        let text = b"ab\n\ncdefgh\nij\nk";
        let size = text.len() as u64;
        for piece in 1..=text.len() {
            for cut in 1..size {
                let mut whole = Vec::new();
                for range in [0..cut, cut..size] {
                    let from = range.start.saturating_sub(1) as usize;
                    let pieces: Vec<Result<Bytes, SourceError>> =
                        text[from..].chunks(piece).map(|p| Ok(Bytes::copy_from_slice(p))).collect();
                    let lines = lines_within(stream::iter(pieces).boxed(), range);
                    let part = futures::executor::block_on(lines.collect::<Vec<_>>());
                    part.into_iter().for_each(|p| whole.extend_from_slice(&p.unwrap()));
                }
                assert_eq!(whole, text, "pieces of {piece}, cut at {cut}");
            }
        }
    }
}
