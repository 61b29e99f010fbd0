//! `telemetry`: what is logged and traced, and how.

use std::time::Duration;

use super::section::Section;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

#[derive(Debug, Clone)]
pub(crate) struct TelemetryConfig {
    /// One of `trace debug info warn error`.
    pub(crate) level: &'static str,
    pub(crate) format: LogFormat,
    /// Where spans are sent; none where traces are off.
    pub(crate) otlp: Option<OtlpConfig>,
}

/// A collector of traces that speaks OTLP over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OtlpConfig {
    pub(crate) endpoint: String,
    /// The share of traces that begin here and are kept, from 0 to 1. One that a caller began is
    /// kept as the caller says.
    pub(crate) sample_ratio: f64,
    pub(crate) timeout: Duration,
}

impl TelemetryConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let levels = ["trace", "debug", "info", "warn", "error"].map(|level| (level, level));
        let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
        let (ratio, timeout) = (ratio(&mut section), Duration::from_secs(10));
        let timeout = section.duration("otlp_timeout", timeout);
        Self {
            level: section.choice("level", "info", &levels),
            format: section.choice("format", LogFormat::Json, &formats),
            otlp: endpoint(&mut section).map(|endpoint| OtlpConfig {
                endpoint,
                sample_ratio: ratio,
                timeout,
            }),
        }
    }
}

/// Empty is off, as if it were not there.
fn endpoint(section: &mut Section<'_>) -> Option<String> {
    let given = section.optional_text("otlp_endpoint").filter(|text| !text.is_empty())?;
    let known = given.split_once("://").is_some_and(|(scheme, rest)| {
        super::python::HTTP.contains(&scheme) && !rest.is_empty() && !rest.starts_with('/')
    });
    if !known {
        let fix = "write http://host:4318 or https://host:port";
        section.report("otlp_endpoint", "this is not a URL that can be used here", fix);
        return None;
    }
    Some(given)
}

fn ratio(section: &mut Section<'_>) -> f64 {
    let key = "sample_ratio";
    let Some(given) = section.take(key) else { return 1.0 };
    let number = given.as_f64().or_else(|| given.as_str().and_then(|text| text.parse().ok()));
    match number.filter(|ratio| (0.0..=1.0).contains(ratio)) {
        Some(ratio) => ratio,
        None => {
            section.report(key, "this is no share of traces", "write a number from 0 to 1");
            1.0
        }
    }
}
