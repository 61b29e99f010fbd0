//! What the EDA service finds in the rows of a run, as checks of a verdict on them.
//!
//! In: a run that ended, or findings of its rows. Out: checks that warn, or only tell of values that
//! are few: a finding is about the data, so it never fails a run and changes no row. A service that is away is said in a note.
//! Not every run is looked at, since it takes longer than most runs do: only those that somebody
//! has analyzed.

use std::time::{Duration, Instant};

use air_ir::{Check, CheckStatus, Verdict};
use serde_json::json;

use super::snapshot;
use crate::contract::types::{
    EdaFinding, EdaFindingKind, EdaOutliersRequest, EdaProfileRequest, EdaSeverity,
};
use crate::eda::{EdaError, Sheet};
use crate::problem::{ApiError, sentence};
use crate::service::App;
use crate::store::Run;

/// Findings that are checks; of more, the first are the gravest.
const MOST: usize = 20;
/// What looking at a run may take while somebody waits for its analysis.
const BUDGET: Duration = Duration::from_secs(10);

/// What was found, and what has to be said of it.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) findings: Vec<EdaFinding>,
    pub(crate) notes: Vec<String>,
}

/// Looks at the rows that a run kept.
pub(super) async fn of_run(app: &App, run: &Run, deadline: Instant) -> Looked {
    if !app.eda.is_on() || !app.config.eda.enabled {
        return Looked::default();
    }
    let deadline = deadline.min(Instant::now() + BUDGET);
    let note = match tokio::time::timeout_at(deadline.into(), look(app, run)).await {
        Ok(Ok(Some(findings))) => return Looked { findings, notes: Vec::new() },
        Ok(Ok(None)) => "The run kept no rows, so the EDA service did not look at them.".to_owned(),
        Ok(Err(error)) => format!("Profile and outliers are missing. {}", error.detail),
        Err(_) => "Profile and outliers are missing: they took too long; \
                   POST /v1/process/analyze waits for them."
            .to_owned(),
    };
    Looked { findings: Vec::new(), notes: vec![sentence(&note)] }
}

async fn look(app: &App, run: &Run) -> Result<Option<Vec<EdaFinding>>, ApiError> {
    let Some(rows) = snapshot::rows(app, run).await? else { return Ok(None) };
    let sheet = tokio::task::spawn_blocking(move || Sheet::of(&rows)).await;
    let sheet = sheet.map_err(ApiError::internal)?.map_err(EdaError::from)?;
    let config = &app.config.eda;
    let seed = Some(config.seed);
    let profile = EdaProfileRequest { seed, ..EdaProfileRequest::default() };
    let sample_rows = u32::try_from(config.sample_rows).ok();
    let outliers = EdaOutliersRequest { seed, sample_rows, ..EdaOutliersRequest::default() };
    let mut findings = app.eda.profile(&sheet, &profile).await?.findings;
    findings.extend(app.eda.outliers(&sheet, &outliers).await?.findings);
    Ok(Some(findings))
}

/// A verdict with what was found.
pub(crate) fn added(verdict: Verdict, findings: &[EdaFinding]) -> Verdict {
    let mut checks = verdict.checks;
    let mut found: Vec<&EdaFinding> = findings.iter().filter(|f| is_told(f)).collect();
    found.sort_by_key(|finding| finding.severity != EdaSeverity::Warning);
    checks.extend(found.iter().take(MOST).map(|finding| check(finding)));
    if found.len() > MOST {
        let message = format!("{} findings more are in the analysis.", found.len() - MOST);
        let evidence = json!({"findings": found.len(), "shown": MOST});
        checks.push(Check { id: "eda".to_owned(), status: CheckStatus::Warn, message, evidence });
    }
    let worst = checks.iter().map(|check| check.status).max();
    Verdict { status: worst.map_or(verdict.status, |w| w.max(verdict.status)), checks, ..verdict }
}

/// Warnings of any kind, and outliers: what else is worth knowing stands in the analysis.
fn is_told(finding: &EdaFinding) -> bool {
    finding.severity == EdaSeverity::Warning || finding.kind == EdaFindingKind::Outliers
}

fn check(finding: &EdaFinding) -> Check {
    let few = finding.severity == EdaSeverity::Info;
    Check {
        id: format!("eda_{}", finding.kind),
        status: if few { CheckStatus::Pass } else { CheckStatus::Warn },
        message: finding.message.clone(),
        evidence: json!({"columns": finding.columns, "severity": finding.severity,
            "effect": finding.effect, "method": "the EDA service"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: EdaFindingKind, severity: EdaSeverity) -> EdaFinding {
        let message = format!("{kind} of amount.");
        EdaFinding { kind, severity, columns: vec!["amount".to_owned()], message, effect: None }
    }

    fn passed() -> Verdict {
        let check = Check {
            id: "empty".to_owned(),
            status: CheckStatus::Pass,
            message: "There are rows.".to_owned(),
            evidence: json!({}),
        };
        Verdict {
            status: CheckStatus::Pass,
            rubric_version: "1".to_owned(),
            checks: vec![check],
            analysis_md: None,
            model_used: None,
        }
    }

    #[test]
    fn warnings_and_outliers_become_checks() {
        use EdaFindingKind::{Missing, Outliers, Skewed, Unique};
        use EdaSeverity::{Info, Notice, Warning};
        let findings = [
            finding(Outliers, Notice),
            finding(Skewed, Notice),
            finding(Missing, Warning),
            finding(Unique, Info),
        ];
        let verdict = added(passed(), &findings);
        let ids: Vec<&str> = verdict.checks.iter().map(|check| check.id.as_str()).collect();
        assert_eq!(ids, ["empty", "eda_missing", "eda_outliers"]);
        assert_eq!(verdict.status, CheckStatus::Warn);
        assert_eq!(added(passed(), &findings[3..]), passed());
        let few = added(passed(), &[finding(Outliers, Info)]);
        assert_eq!((few.status, few.checks.len()), (CheckStatus::Pass, 2));
    }

    #[test]
    fn of_very_many_the_gravest_are_told() {
        let mut findings = vec![finding(EdaFindingKind::Outliers, EdaSeverity::Notice); MOST];
        findings.push(finding(EdaFindingKind::Nan, EdaSeverity::Warning));
        let checks = added(passed(), &findings).checks;
        assert_eq!(checks.len(), 1 + MOST + 1);
        assert_eq!((checks[1].id.as_str(), checks[MOST + 1].id.as_str()), ("eda_nan", "eda"));
        assert_eq!(checks[MOST + 1].message, "1 findings more are in the analysis.");
    }
}
