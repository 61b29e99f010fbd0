//! The verdict of QA on the rows of a run: findings, which are data and never failures.

use serde::{Deserialize, Serialize};

/// How a check, or a whole verdict, came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Pass,
    Warn,
    Fail,
}

/// One deterministic check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name, such as `time_gaps`.
    pub id: String,
    pub status: CheckStatus,
    /// A sentence for people.
    pub message: String,
    /// What was observed, the threshold it was held against, and the method.
    pub evidence: serde_json::Value,
}

/// All checks of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst status of the checks.
    pub status: CheckStatus,
    /// Version of the set of checks and thresholds.
    pub rubric_version: String,
    pub checks: Vec<Check>,
    /// A model's analysis, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_md: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_used: Option<String>,
}
