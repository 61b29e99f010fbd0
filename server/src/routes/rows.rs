//! Answers: JSON bodies, and in which format and how fresh a run's rows are asked for.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::admission::{Answer, Call};
use crate::contract::types::{ErrorCode, ResultFormat};
use crate::problem::ApiError;

/// A JSON body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(ApiError::internal)?;
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, media);
    Ok(response)
}

/// A header on an answer.
pub(super) fn with_header(mut response: Response<Body>, name: HeaderName, value: &str) -> Answer {
    let value = HeaderValue::from_str(value).map_err(ApiError::internal)?;
    response.headers_mut().insert(name, value);
    Ok(response)
}

/// A body of another type than JSON.
pub(super) fn bytes(media: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// The format of rows: the query's, or the first that `Accept` names, or JSON.
pub(super) fn format(call: &Call, wanted: Option<ResultFormat>) -> Result<ResultFormat, ApiError> {
    if let Some(format) = wanted {
        return Ok(format);
    }
    let Some(accept) = call.header(&ACCEPT) else {
        return Ok(ResultFormat::Json);
    };
    accepted(accept).ok_or_else(|| {
        let detail =
            "There is json, csv, ndjson, arrow, parquet and html; `Accept` names none of them.";
        ApiError::new(ErrorCode::NotAcceptable, detail)
    })
}

fn accepted(accept: &str) -> Option<ResultFormat> {
    let mut ranges: Vec<(String, f32)> = accept.split(',').filter_map(range).collect();
    // Stable: of equal wishes the first is the dearest.
    ranges.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranges.iter().find_map(|(range, _)| {
        let wanted = |format: &&ResultFormat| {
            let media = format.media_type().split(';').next().unwrap_or_default();
            let kind = media.split('/').next().unwrap_or_default();
            range == "*/*" || range == media || range.strip_suffix("/*") == Some(kind)
        };
        ResultFormat::ALL.iter().find(wanted).copied()
    })
}

/// A media range and its weight; none where the weight is 0.
fn range(text: &str) -> Option<(String, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
    (weight > 0.0).then_some((range, weight))
}

/// Whether an `If-Match` names the tag that a thing has now.
pub(super) fn matching(wanted: &str, tag: &str) -> Result<(), ApiError> {
    let fits = |one: &str| one.trim() == "*" || one.trim() == tag;
    if wanted.split(',').any(fits) {
        return Ok(());
    }
    let detail = format!("It was changed and has the ETag {tag} now; read it and try again.");
    Err(ApiError::new(ErrorCode::PreconditionFailed, detail))
}

/// How old rows may be: the body says, or `Cache-Control`.
pub(super) fn max_age(call: &Call, given: Option<u32>) -> Option<Duration> {
    let header = || call.header(&CACHE_CONTROL).and_then(max_age_of);
    given.or_else(header).map(|seconds| Duration::from_secs(seconds.min(OLDEST).into()))
}

/// The oldest that the contract lets ask for, in seconds.
const OLDEST: u32 = 86_400;

/// The `max-age` of a header, if nothing in it forbids to answer from what is kept.
fn max_age_of(header: &str) -> Option<u32> {
    let parts = || header.split(',').map(|part| part.trim().to_ascii_lowercase());
    if parts().any(|part| part == "no-cache" || part == "no-store") {
        return None;
    }
    parts().find_map(|part| part.strip_prefix("max-age=")?.parse().ok())
}

/// A version's number in the contract's type; the store counts from 1.
pub(super) fn number(version: i64) -> u32 {
    u32::try_from(version).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_read_by_weight() {
        assert_eq!(accepted("*/*"), Some(ResultFormat::Json));
        assert_eq!(accepted("text/csv;q=0.5, text/plain"), Some(ResultFormat::Csv));
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(accepted(browser), Some(ResultFormat::Html));
        let weighed = "application/json;q=0.1, application/x-ndjson";
        assert_eq!(accepted(weighed), Some(ResultFormat::Ndjson));
        assert_eq!(accepted("image/png, application/json;q=0"), None);
    }

    #[test]
    fn cache_control_says_how_old_an_answer_may_be() {
        assert_eq!(max_age_of("max-age=60"), Some(60));
        assert_eq!(max_age_of("private, Max-Age=5"), Some(5));
        assert_eq!(max_age_of("max-age=60, no-cache"), None);
        assert_eq!(max_age_of("no-store"), None);
        assert_eq!(max_age_of("max-age=-1"), None);
    }
}
