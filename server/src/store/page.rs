//! Pages of a list.
//!
//! In: a limit and the cursor of the page before. Out: items and the next cursor. A cursor names
//! the last item that was seen, not a position, so inserts move nothing; it is bound to its list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::error::StoreError;

pub(crate) const DEFAULT_LIMIT: u32 = 50;
pub(crate) const MAX_LIMIT: u32 = 500;

#[derive(Debug, Clone, Default)]
pub(crate) struct PageRequest {
    limit: Option<u32>,
    cursor: Option<String>,
}

impl PageRequest {
    /// A limit beyond 1 to 500 is brought into it.
    pub(crate) fn new(limit: Option<u32>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// One more than the limit, to know whether there is a next page.
    pub(super) fn fetch(&self) -> i64 {
        i64::from(self.limit()) + 1
    }

    fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }

    /// The key of the last item seen, if this is not the first page.
    pub(super) fn after(&self, list: &str) -> Result<Option<String>, StoreError> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::BadCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| StoreError::BadCursor)?;
        match text.split_once('\n') {
            Some((name, key)) if name == list && !key.is_empty() => Ok(Some(key.to_owned())),
            _ => Err(StoreError::BadCursor),
        }
    }

    /// Makes a page of what was fetched.
    pub(super) fn page<T>(
        &self,
        list: &str,
        mut items: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Page<T> {
        let limit = self.limit() as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next = last.map(|item| URL_SAFE_NO_PAD.encode(format!("{list}\n{}", key(item))));
        Page { items, next }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}
