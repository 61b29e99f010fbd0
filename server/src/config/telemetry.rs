//! `telemetry`: what is logged, and how.

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
}

impl TelemetryConfig {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let levels = ["trace", "debug", "info", "warn", "error"].map(|level| (level, level));
        let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
        Self {
            level: section.choice("level", "info", &levels),
            format: section.choice("format", LogFormat::Json, &formats),
        }
    }
}
