//! A run on its way out: its rows in the format that was asked for, and what every export states.
//!
//! In: a run that has just ended, or the record and the kept rows of an earlier one. Out: a
//! response whose rows and statement are the same in every format: in members of JSON, on the
//! page, in the metadata of Arrow and Parquet, and in headers of all.

use std::fmt::Write;

use axum::body::Body;
use axum::http::header::{
    AGE, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderName, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::rows::{bytes, number, with_header};
use crate::admission::Answer;
use crate::contract::types::{
    Params, ReportDefinition, ResultFormat, RunResult, RunStatus, Visual,
};
use crate::id::DatasourceId;
use crate::pipeline::Finished;
use crate::problem::ApiError;
use crate::results::{self, Around, PAGE_ROWS, Page, Rows};
use crate::service::App;
use crate::store::{Moment, Report, ReportVersion};

/// A run with all that was done.
pub(super) fn run_result(app: &App, finished: &Finished) -> RunResult {
    let shown = shown(app, finished);
    RunResult {
        rows: results::json_rows(&finished.rows.slice(0, shown)),
        ..without_rows(app, finished)
    }
}

/// Rows that JSON holds at most.
fn shown(app: &App, finished: &Finished) -> usize {
    let most = usize::try_from(app.config.files.max_rows_return_json).unwrap_or(usize::MAX);
    finished.rows.num_rows().min(most)
}

fn without_rows(app: &App, finished: &Finished) -> RunResult {
    let order = &finished.order;
    let shown = shown(app, finished);
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
        rows: Vec::new(),
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
        executor: Some(finished.executor.clone()),
        notes: (!notes.is_empty()).then_some(notes),
    }
}

/// A run that has just ended, in a format; rows that were read before say how long ago.
pub(super) fn run_answer(app: &App, finished: &Finished, format: ResultFormat) -> Answer {
    let response = in_format(app, finished, format)?;
    let cached = HeaderName::from_static("x-air-cached");
    let response = with_header(response, cached, &finished.cached.to_string())?;
    if !finished.cached {
        return Ok(response);
    }
    let age = Moment::now().timestamp().duration_since(finished.as_of.timestamp());
    with_header(response, AGE, &age.as_secs().max(0).to_string())
}

fn in_format(app: &App, finished: &Finished, format: ResultFormat) -> Answer {
    let order = &finished.order;
    let facts = Facts {
        run_id: finished.run_id.to_string(),
        datasource: order.datasource.clone(),
        report: order.report.as_ref().map(|(report, v)| (report.key.to_string(), v.version)),
        params: order.params.clone(),
        as_of: Some(finished.as_of.to_string()),
        row_count: finished.rows.num_rows(),
        truncated: finished.truncated,
    };
    match format {
        ResultFormat::Json => {
            let rows = Rows::held(finished.rows.slice(0, shown(app, finished)));
            json_answer(&without_rows(app, finished), "rows", rows, &facts)
        }
        ResultFormat::Html => {
            let rows = finished.rows.slice(0, finished.rows.num_rows().min(PAGE_ROWS));
            let report = order.report.as_ref().map(|(report, version)| (report, version));
            let (title, visuals) = titled(report, &order.datasource);
            let page = Page {
                title: &title,
                facts: facts.shown(),
                verdict: Some(&finished.verdict),
                notes: &finished.notes,
                columns: &finished.columns,
                rows: &rows,
                row_count: finished.rows.num_rows(),
                visuals: &visuals,
                sql: &finished.sql,
                safety: &finished.safety_report,
            };
            page_answer(&page, &facts)
        }
        _ => file_answer(format, Rows::held(finished.rows.clone()), &facts),
    }
}

/// What a page is called, and the charts that its report's definition names.
pub(super) fn titled(
    report: Option<(&Report, &ReportVersion)>,
    datasource: &DatasourceId,
) -> (String, Vec<Visual>) {
    let Some((report, version)) = report else {
        return (format!("Query of {datasource}"), Vec::new());
    };
    let definition = serde_json::from_value::<ReportDefinition>(version.def.clone());
    let visuals = definition.ok().and_then(|definition| definition.visuals).unwrap_or_default();
    (report.title.clone(), visuals)
}

/// A JSON object whose rows are streamed into one of its members.
pub(super) fn json_answer(
    around: &impl Serialize,
    member: &'static str,
    rows: Rows,
    facts: &Facts,
) -> Answer {
    let object = match serde_json::to_value(around).map_err(ApiError::internal)? {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    let body = results::body(ResultFormat::Json, rows, Around::Object(object, member));
    let body = body.map_err(ApiError::internal)?;
    let mut response = bytes(ResultFormat::Json.media_type(), body);
    *response.status_mut() = StatusCode::OK;
    facts.onto(response)
}

/// A file of rows.
pub(super) fn file_answer(format: ResultFormat, rows: Rows, facts: &Facts) -> Answer {
    let body = results::body(format, rows, Around::Statement(facts.statement()));
    let response = bytes(format.media_type(), body.map_err(ApiError::internal)?);
    let name = facts.report.as_ref().map_or(facts.run_id.as_str(), |(key, _)| key.as_str());
    let named = format!("attachment; filename=\"{name}.{format}\"");
    facts.onto(with_header(response, CONTENT_DISPOSITION, &named)?)
}

pub(super) fn page_answer(page: &Page<'_>, facts: &Facts) -> Answer {
    let response = bytes(ResultFormat::Html.media_type(), page.html());
    let response = with_header(response, CONTENT_SECURITY_POLICY, results::POLICY)?;
    facts.onto(with_header(response, X_CONTENT_TYPE_OPTIONS, "nosniff")?)
}

/// What every export states.
pub(super) struct Facts {
    pub(super) run_id: String,
    pub(super) datasource: DatasourceId,
    /// Key and version.
    pub(super) report: Option<(String, i64)>,
    pub(super) params: Params,
    pub(super) as_of: Option<String>,
    pub(super) row_count: usize,
    pub(super) truncated: bool,
}

impl Facts {
    /// In headers.
    pub(super) fn onto(&self, mut response: Response<Body>) -> Answer {
        let mut facts = vec![
            ("x-air-run-id", self.run_id.clone()),
            ("x-air-params", ascii_json(&self.params)),
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

    /// In the metadata of a file.
    fn statement(&self) -> Value {
        let report = self.report.as_ref();
        json!({
            "run_id": self.run_id,
            "datasource_id": self.datasource,
            "report_key": report.map(|(key, _)| key),
            "version": report.map(|(_, version)| version),
            "params": self.params,
            "as_of": self.as_of,
            "row_count": self.row_count,
            "truncated": self.truncated,
        })
    }

    /// On a page.
    pub(super) fn shown(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some((key, version)) = &self.report {
            facts.push(("Report", format!("{key}, version {version}")));
        }
        facts.push(("Source", self.datasource.to_string()));
        if !self.params.is_empty() {
            let params = serde_json::to_string(&self.params).unwrap_or_default();
            facts.push(("Parameters", params));
        }
        if let Some(as_of) = &self.as_of {
            facts.push(("Data as of", as_of.clone()));
        }
        let cut = if self.truncated { ", cut at the limit: more exist" } else { "" };
        facts.push(("Rows", format!("{}{cut}", self.row_count)));
        facts.push(("Run", self.run_id.clone()));
        facts
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_in_a_header_are_ascii() {
        let params = serde_json::from_str(r#"{"a":"é\n😀"}"#).unwrap();
        assert_eq!(ascii_json(&params), r#"{"a":"\u00e9\n\ud83d\ude00"}"#);
    }
}
