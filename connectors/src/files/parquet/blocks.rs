//! A file of a store as the readers of Parquet want it: bytes where they are asked for, fetched a
//! block at a time, from the very version that was listed.
//!
//! Blocks are counted from the file's end, where a Parquet file begins to be read, so that one
//! block most often holds all that the file says of itself. To be used on a thread that may wait.

use crate::error::SourceError;
use crate::files::place::{FoundFile, versioned_meta};
use crate::files::text::store_error;
use bytes::{Buf, Bytes, BytesMut, buf::Reader};
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::reader::{ChunkReader, Length};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

const BLOCK: u64 = 1 << 20;

/// See the module.
#[derive(Clone)]
pub(crate) struct Blocks(Arc<Source>);

struct Source {
    handle: Handle,
    store: Arc<dyn ObjectStore>,
    file: String,
    location: Path,
    size: u64,
    /// The block read last, by its number.
    last: Mutex<Option<(u64, Bytes)>>,
}

impl Blocks {
    /// Over the version that was found. To be called within the runtime that `store` works in.
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        found: &FoundFile,
    ) -> object_store::Result<Self> {
        let meta = versioned_meta(found)?;
        Ok(Self(Arc::new(Source {
            handle: Handle::current(),
            store,
            file: found.path.clone(),
            location: meta.location,
            size: meta.size,
            last: Mutex::default(),
        })))
    }

    /// What made a reader of these blocks fail, where it was the store.
    pub(crate) fn cause(error: &ParquetError) -> Option<SourceError> {
        let ParquetError::External(inner) = error else {
            return None;
        };
        let of_io = |e: &io::Error| e.get_ref()?.downcast_ref::<SourceError>().cloned();
        let known = inner.downcast_ref::<SourceError>().cloned();
        known.or_else(|| inner.downcast_ref::<io::Error>().and_then(of_io))
    }

    /// The range of a block.
    fn block(&self, number: u64) -> Range<u64> {
        let end = self.0.size.saturating_sub(number * BLOCK);
        end.saturating_sub(BLOCK)..end
    }

    /// From `at` on, at least one byte; none at the end of the file.
    fn rest(&self, at: u64) -> std::result::Result<Bytes, SourceError> {
        if at >= self.0.size {
            return Ok(Bytes::new());
        }
        let number = (self.0.size - 1 - at) / BLOCK;
        let range = self.block(number);
        let within = usize::try_from(at - range.start).unwrap_or(usize::MAX);
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = last.as_ref().filter(|(known, _)| *known == number) {
            return Ok(bytes.slice(within..));
        }
        let bytes = self.fetch(range)?;
        *last = Some((number, bytes.clone()));
        Ok(bytes.slice(within..))
    }

    fn fetch(&self, range: Range<u64>) -> std::result::Result<Bytes, SourceError> {
        let wanted = range.end - range.start;
        let read = self.0.handle.block_on(self.0.store.get_range(&self.0.location, range));
        let bytes = read.map_err(|e| store_error(&self.0.file, e))?;
        match bytes.len() as u64 == wanted {
            true => Ok(bytes),
            false => Err(SourceError::Changed { file: self.0.file.clone() }),
        }
    }
}

fn external(error: SourceError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl Length for Blocks {
    fn len(&self) -> u64 {
        self.0.size
    }
}

impl ChunkReader for Blocks {
    type T = BlocksFrom;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BlocksFrom { blocks: self.clone(), at: start, current: Bytes::new().reader() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.0.size);
        let Some(end) = end else {
            let reason = format!("{length} bytes at {start} reach beyond the end of the file");
            return Err(ParquetError::EOF(reason));
        };
        if length as u64 > BLOCK {
            return self.fetch(start..end).map_err(external);
        }
        let first = self.rest(start).map_err(external)?;
        if first.len() >= length {
            return Ok(first.slice(..length));
        }
        let mut all = BytesMut::from(first.as_ref());
        while all.len() < length {
            let next = self.rest(start + all.len() as u64).map_err(external)?;
            all.extend_from_slice(&next[..next.len().min(length - all.len())]);
        }
        Ok(all.freeze())
    }
}

/// The bytes from a place on.
pub(crate) struct BlocksFrom {
    blocks: Blocks,
    at: u64,
    current: Reader<Bytes>,
}

impl Read for BlocksFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.current.get_ref().has_remaining() {
            let next = self.blocks.rest(self.at).map_err(io::Error::other)?;
            self.at += next.len() as u64;
            self.current = next.reader();
        }
        self.current.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::beneath::Folder;
    use crate::files::place::{At, Place, PlaceStore};
    use crate::files::root::FilesRoot;

    #[tokio::test(flavor = "multi_thread")]
    async fn bytes_are_those_of_the_file_wherever_blocks_end() {
        let dir = tempfile::tempdir().unwrap();
        let size = 2 * BLOCK as usize + 12_345;
        let bytes: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
        std::fs::write(dir.path().join("t"), &bytes).unwrap();
        let root = FilesRoot::new(Folder::open(dir.path(), dir.path()).unwrap());
        let At::File(found) = root.at("t").await.unwrap() else { panic!("no file") };
        let blocks = Blocks::new(Arc::new(PlaceStore(Arc::new(root))), &found).unwrap();
        let (path, checked) = (dir.path().join("t"), blocks.clone());
        let all = bytes.clone();
        tokio::task::spawn_blocking(move || {
            let cases = [(0, 8), (12_340, 10), (12_345, 1 << 20), (0, size), (size - 8, 8), (5, 0)];
            for (start, length) in cases {
                let read = checked.get_bytes(start as u64, length).unwrap();
                assert_eq!(read, all[start..start + length], "{length} bytes at {start}");
            }
            let mut rest = Vec::new();
            checked.get_read(12_000).unwrap().read_to_end(&mut rest).unwrap();
            assert!(rest == all[12_000..]);
            assert!(matches!(checked.get_bytes(size as u64 - 7, 8), Err(ParquetError::EOF(_))));
            assert!(matches!(checked.get_bytes(u64::MAX, 8), Err(ParquetError::EOF(_))));
        })
        .await
        .unwrap();
        std::fs::write(path, "other").unwrap();
        let changed = tokio::task::spawn_blocking(move || blocks.get_bytes(0, 8)).await.unwrap();
        let cause = Blocks::cause(&changed.unwrap_err());
        assert_eq!(cause, Some(SourceError::Changed { file: "t".to_owned() }));
    }
}
