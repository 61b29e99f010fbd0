//! Reading one version of an object.
//!
//! The version is in the path. It is asked for by `If-Match`, and whatever the server makes of
//! that, the answer's own tag, time and size are compared: bytes of another version never reach a
//! reader.

use super::RemotePlace;
use super::fault::fault_of;
use crate::error::{SourceError, StoreFault};
use crate::files::place::{Identity, Tag, object_meta, parted};
use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, GetResult, GetResultPayload, OBJECT_STORE_COALESCE_DEFAULT,
    ObjectMeta, Result, coalesce_ranges,
};
use std::ops::Range;

/// Bytes of one request where a file is read on and on: what breaks off is little, and no request
/// lasts as long as the query that reads.
const PIECE: u64 = 8 << 20;
/// Bytes of the first such request, for often only the beginning is wanted; each asks for twice as
/// many as the one before.
const FIRST: u64 = 1 << 20;
const NANOS: i64 = 1_000_000_000;

/// What tells versions of an object apart; none where the server says nothing that does.
pub(super) fn identity(meta: &ObjectMeta) -> std::result::Result<Identity, StoreFault> {
    let seconds = meta.last_modified.timestamp();
    let tag = match meta.e_tag.as_deref().map(tag) {
        Some(tag) if !tag.is_empty() => Tag::Entity(tag.into()),
        _ if seconds == 0 => return Err(StoreFault::NoVersion),
        _ => Tag::None,
    };
    Ok(Identity { size: meta.size, changed_ns: seconds.saturating_mul(NANOS), tag })
}

/// An entity tag without quotes, which some listings leave out; a weak one keeps its mark.
fn tag(text: &str) -> String {
    let (mark, opaque) = match text.strip_prefix("W/") {
        Some(rest) => ("W/", rest),
        None => ("", text),
    };
    format!("{mark}{}", opaque.trim_matches('"'))
}

/// The version that a path names.
fn named(version: &str) -> Option<Identity> {
    let mut parts = version.split('.');
    let (tag, changed, size) = (parts.next()?, parts.next()?, parts.next()?);
    let tag = match tag {
        "0" => Tag::None,
        hex => {
            let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
            Tag::Entity(String::from_utf8(bytes?).ok()?.into())
        }
    };
    let number = |hex: &str| u64::from_str_radix(hex, 16).ok();
    Some(Identity { size: number(size)?, changed_ns: number(changed)?.cast_signed(), tag })
}

/// Whether an answer is of the version that was asked for. Where both have a tag, it alone tells:
/// the same bytes written again are no change.
fn is_same(wanted: &Identity, meta: &ObjectMeta) -> bool {
    let strong = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let same = match (&wanted.tag, meta.e_tag.as_deref().map(tag)) {
        (Tag::Entity(known), Some(found)) => strong(known) == strong(&found),
        _ => wanted.changed_ns == meta.last_modified.timestamp().saturating_mul(NANOS),
    };
    same && wanted.size == meta.size
}

/// The condition that a request carries; a weak tag never meets one.
fn condition(wanted: &Identity) -> Option<String> {
    match &wanted.tag {
        Tag::Entity(tag) if !tag.starts_with("W/") => Some(format!("\"{tag}\"")),
        _ => None,
    }
}

/// The ranges of the requests that read a range.
fn cut(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut next = (range.start, FIRST);
    std::iter::from_fn(move || {
        let (start, size) = next;
        let end = range.end.min(start.saturating_add(size));
        next = (end, PIECE.min(size * 2));
        (start < end).then_some(start..end)
    })
}

impl RemotePlace {
    pub(super) async fn read(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (version, plain) = parted(location.as_ref());
        let Some(version) = version else {
            return self.once(location, plain, None, options).await;
        };
        let Some(wanted) = named(version) else {
            return Err(Self::failed(SourceError::Changed { file: plain.to_owned() }));
        };
        let from = match options.range {
            None => 0,
            Some(GetRange::Offset(from)) => from,
            Some(_) => return self.once(location, plain, Some(&wanted), options).await,
        };
        if options.head || (from == 0 && wanted.size <= PIECE) {
            return self.once(location, plain, Some(&wanted), options).await;
        }
        let range = from.min(wanted.size)..wanted.size;
        Ok(GetResult {
            payload: GetResultPayload::Stream(self.pieces(location, range.clone())),
            meta: object_meta(location.clone(), &wanted),
            range,
            attributes: Default::default(),
        })
    }

    /// The bytes of a range, piece by piece, the next one being read while one is worked on.
    fn pieces(&self, location: &Path, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        let (place, location) = (self.clone(), location.clone());
        stream::iter(cut(range))
            .map(move |part| {
                let (place, location) = (place.clone(), location.clone());
                async move { place.part(&location, part).await }
            })
            .buffered(2)
            .boxed()
    }

    async fn part(&self, location: &Path, range: Range<u64>) -> Result<Bytes> {
        let (version, plain) = parted(location.as_ref());
        let wanted = version.and_then(named);
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        self.once(location, plain, wanted.as_ref(), options).await?.bytes().await
    }

    pub(super) async fn parts(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let part = |range| self.part(location, range);
        coalesce_ranges(ranges, part, OBJECT_STORE_COALESCE_DEFAULT).await
    }

    /// One request, of which the answer is held to the version that is wanted.
    async fn once(
        &self,
        location: &Path,
        plain: &str,
        wanted: Option<&Identity>,
        options: GetOptions,
    ) -> Result<GetResult> {
        let inside = self.inside(plain).map_err(Self::failed)?;
        let if_match = wanted.and_then(condition);
        let options = GetOptions { if_match, ..options };
        let got = self.inner.get_opts(&inside, options).await;
        let got = got.map_err(|e| self.named(plain, e))?;
        if wanted.is_some_and(|wanted| !is_same(wanted, &got.meta)) {
            return Err(Self::failed(SourceError::Changed { file: plain.to_owned() }));
        }
        let meta = ObjectMeta { location: location.clone(), ..got.meta.clone() };
        let (range, attributes) = (got.range.clone(), got.attributes.clone());
        let (place, file) = (self.clone(), plain.to_owned());
        let bytes = got.into_stream().map_err(move |e| place.named(&file, e)).boxed();
        Ok(GetResult { payload: GetResultPayload::Stream(bytes), meta, range, attributes })
    }

    /// An error of the client as one that names the file and says what to do.
    fn named(&self, plain: &str, error: Error) -> Error {
        let path = || plain.to_owned();
        match &error {
            Error::Precondition { .. } => Self::failed(SourceError::Changed { file: path() }),
            Error::NotFound { .. } if super::fault::is_missing(&error) => {
                let reason = "there is no such file".to_owned();
                let source = Box::new(SourceError::File { file: path(), reason });
                Error::NotFound { path: path(), source }
            }
            other => Self::failed(self.about(Some(plain), fault_of(other))),
        }
    }

    fn failed(source: SourceError) -> Error {
        Error::Generic { store: "files", source: Box::new(source) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::place::versioned;

    fn meta(e_tag: Option<&str>, time: &str, size: u64) -> ObjectMeta {
        let location = Path::from("t.csv");
        let last_modified = time.parse().unwrap();
        ObjectMeta { location, last_modified, size, e_tag: e_tag.map(str::to_owned), version: None }
    }

    #[test]
    fn a_path_names_the_version_that_a_listing_found() {
        for e_tag in [Some("\"d41d8c-\u{e9}\""), Some("0x8D"), Some("W/\"7\""), None] {
            let id = identity(&meta(e_tag, "2026-11-29T09:00:00.123Z", 12)).unwrap();
            let path = versioned("a/t.csv", &id);
            assert_eq!(named(parted(&path).0.unwrap()), Some(id), "{e_tag:?}");
        }
        let nothing = identity(&meta(None, "1970-01-01T00:00:00Z", 12));
        assert_eq!(nothing, Err(StoreFault::NoVersion));
    }

    #[test]
    fn requests_that_read_a_range_leave_nothing_out() {
        for range in [0..0, 5..6, 0..FIRST, 3..40 * FIRST + 1] {
            let (mut at, mut largest) = (range.start, 0);
            for part in cut(range.clone()) {
                assert_eq!(part.start, at, "{range:?}");
                largest = largest.max(part.end - part.start);
                at = part.end;
            }
            assert_eq!(at, range.end);
            assert!(largest <= PIECE, "{range:?}: {largest}");
        }
        let sizes: Vec<u64> = cut(0..20 << 20).map(|p| (p.end - p.start) >> 20).collect();
        assert_eq!(sizes, [1, 2, 4, 8, 5]);
    }

    #[test]
    fn an_answer_of_another_version_is_known() {
        let (early, late) = ("2026-11-29T09:00:00.123Z", "2026-11-29T09:00:01Z");
        let listed = identity(&meta(Some("\"a\""), early, 12)).unwrap();
        // A listing has fractions of seconds and an answer has none; quotes are left out or not.
        for same in [
            meta(Some("a"), "2026-11-29T09:00:00Z", 12),
            meta(Some("W/\"a\""), early, 12),
            meta(Some("\"a\""), late, 12),
            meta(None, "2026-11-29T09:00:00Z", 12),
        ] {
            assert!(is_same(&listed, &same), "{same:?}");
        }
        for other in
            [meta(Some("\"b\""), early, 12), meta(Some("\"a\""), early, 13), meta(None, late, 12)]
        {
            assert!(!is_same(&listed, &other), "{other:?}");
        }
        assert_eq!(condition(&listed).as_deref(), Some("\"a\""));
        let weak = identity(&meta(Some("W/\"a\""), early, 12)).unwrap();
        assert_eq!(condition(&weak), None, "a weak tag never meets a condition");
    }
}
