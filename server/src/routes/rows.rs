//! Answers: JSON bodies, and a run's rows in the format that was asked for.

use std::fmt::Write;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::admission::{Answer, Call};
use crate::contract::types::{ErrorCode, Params, ResultFormat, RunResult, RunStatus};
use crate::pipeline::Finished;
use crate::problem::ApiError;
use crate::results;
use crate::service::App;
use crate::store::Moment;

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
        let detail = "There is json, csv, ndjson, arrow and parquet; `Accept` names none of them.";
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

/// A run with all that was done.
pub(super) fn run_result(app: &App, finished: &Finished) -> RunResult {
    let order = &finished.order;
    let most = usize::try_from(app.config.files.max_rows_return_json).unwrap_or(usize::MAX);
    let shown = finished.rows.num_rows().min(most);
    let mut notes = finished.notes.clone();
    if shown < finished.rows.num_rows() {
        notes.push(format!("JSON holds the first {shown} rows; the other formats hold all."));
    }
    RunResult {
        run_id: finished.run_id.clone(),
        status: RunStatus::Completed,
        datasource_id: order.datasource.clone(),
        report_id: order.report.as_ref().map(|(report, _)| report.id.clone()),
        report_key: order.report.as_ref().map(|(report, _)| report.key.clone()),
        version: order.report.as_ref().map(|(_, version)| number(version.version)),
        columns: finished.columns.clone(),
        rows: results::json_rows(&finished.rows.slice(0, shown)),
        row_count: shown as u64,
        truncated: finished.truncated || shown < finished.rows.num_rows(),
        as_of: finished.as_of.to_string(),
        cached: finished.cached,
        now: order.now.to_string(),
        params: order.params.clone(),
        sql: finished.sql.clone(),
        safety_report: finished.safety_report.clone(),
        qa: finished.verdict.clone(),
        timings_ms: finished.timings.clone(),
        notes: (!notes.is_empty()).then_some(notes),
    }
}

/// A run in a format; those that hold rows alone tell the rest in headers.
pub(super) fn run_answer(app: &App, finished: &Finished, format: ResultFormat) -> Answer {
    let order = &finished.order;
    let response = match format {
        ResultFormat::Json => json(StatusCode::OK, &run_result(app, finished))?,
        _ => {
            let body = format.encode(&finished.rows).map_err(ApiError::internal)?;
            bytes(format.media_type(), body)
        }
    };
    let facts = Facts {
        run_id: finished.run_id.as_str(),
        report: order
            .report
            .as_ref()
            .map(|(report, version)| (report.key.to_string(), version.version)),
        params: &order.params,
        as_of: Some(finished.as_of.to_string()),
        row_count: finished.rows.num_rows(),
        truncated: finished.truncated,
    };
    let response = facts.onto(response)?;
    let cached = HeaderName::from_static("x-air-cached");
    let response = with_header(response, cached, &finished.cached.to_string())?;
    if !finished.cached {
        return Ok(response);
    }
    let age = Moment::now().timestamp().duration_since(finished.as_of.timestamp());
    with_header(response, AGE, &age.as_secs().max(0).to_string())
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

/// What every export states.
pub(super) struct Facts<'a> {
    pub(super) run_id: &'a str,
    pub(super) report: Option<(String, i64)>,
    pub(super) params: &'a Params,
    pub(super) as_of: Option<String>,
    pub(super) row_count: usize,
    pub(super) truncated: bool,
}

impl Facts<'_> {
    pub(super) fn onto(&self, mut response: Response<Body>) -> Answer {
        let mut facts = vec![
            ("x-air-run-id", self.run_id.to_owned()),
            ("x-air-params", ascii_json(self.params)),
            ("x-air-row-count", self.row_count.to_string()),
            ("x-air-truncated", self.truncated.to_string()),
        ];
        if let Some(as_of) = &self.as_of {
            facts.push(("x-air-as-of", as_of.clone()));
        }
        if let Some((key, version)) = &self.report {
            facts.push(("x-air-report-key", key.clone()));
            facts.push(("x-air-report-version", version.to_string()));
        }
        for (name, value) in facts {
            response = with_header(response, HeaderName::from_static(name), &value)?;
        }
        Ok(response)
    }
}

/// JSON that a header can carry.
fn ascii_json(params: &Params) -> String {
    let text = serde_json::to_string(params).unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)).filter(|c| (' '..='~').contains(c)) {
            Some(plain) => out.push(plain),
            None => {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
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
        assert_eq!(accepted("text/html, text/csv;q=0.5"), Some(ResultFormat::Csv));
        let weighed = "application/json;q=0.1, application/x-ndjson";
        assert_eq!(accepted(weighed), Some(ResultFormat::Ndjson));
        assert_eq!(accepted("text/html, application/json;q=0"), None);
    }

    #[test]
    fn cache_control_says_how_old_an_answer_may_be() {
        assert_eq!(max_age_of("max-age=60"), Some(60));
        assert_eq!(max_age_of("private, Max-Age=5"), Some(5));
        assert_eq!(max_age_of("max-age=60, no-cache"), None);
        assert_eq!(max_age_of("no-store"), None);
        assert_eq!(max_age_of("max-age=-1"), None);
    }

    #[test]
    fn params_in_a_header_are_ascii() {
        let params = serde_json::from_str(r#"{"a":"é\n😀"}"#).unwrap();
        assert_eq!(ascii_json(&params), r#"{"a":"\u00e9\n\ud83d\ude00"}"#);
    }
}
