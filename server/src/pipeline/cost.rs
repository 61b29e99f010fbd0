//! The databases' own estimates, before anything runs: `safety.explain`.
//!
//! In: an execution. Out: a finding of the rule `cost` for the safety report, or a refusal with
//! the whole report. Absent on purpose: any estimate of AIR's own.

use air_engine::{Execution, Finding, Outcome, Refusal};

use super::engine::hushed as hushed_error;
use super::sources::Ready;
use crate::problem::ApiError;
use crate::service::App;

const RULE: &str = "cost";

/// The guard's report, with what the databases expect where they are to be asked.
///
/// # Errors
/// A refusal, where one expects more than `safety.max_cost`.
pub(super) async fn checked(
    app: &App,
    ready: &Ready,
    execution: &Execution,
) -> Result<Vec<Finding>, ApiError> {
    let mut report = execution.guarded().report().to_vec();
    if !app.config.safety.explain {
        return Ok(report);
    }
    for query in execution.queries() {
        let member = ready.members.iter().find(|m| m.catalog.source == query.source);
        let Some(member) = member else { continue };
        let cost =
            member.source.cost(&query.sql).await.map_err(|error| match ready.restricted {
                true => hushed_error(error.into()),
                false => error.into(),
            })?;
        let found = finding(&query.source, cost, app.config.safety.max_cost);
        report.push(match execution.guarded().is_limited() {
            true => hushed(found, &query.source),
            false => found,
        });
    }
    if report.iter().any(|f| f.outcome == Outcome::Refused) {
        return Err(Refusal { report }.into());
    }
    Ok(report)
}

fn finding(source: &str, cost: Option<f64>, most: Option<u64>) -> Finding {
    #[expect(clippy::cast_precision_loss, reason = "an estimate, of far fewer digits")]
    let most = most.map(|most| most as f64);
    let (outcome, detail) = match (cost, most) {
        (None, _) => (Outcome::Warned, format!("{source} gives no estimate for its query.")),
        (Some(cost), Some(most)) if cost > most => {
            let detail = format!(
                "{source} expects a cost of {cost:.0}, above safety.max_cost of {most:.0}; narrow \
                 the filters."
            );
            (Outcome::Refused, detail)
        }
        (Some(cost), _) => (Outcome::Ok, format!("{source} expects a cost of {cost:.0}.")),
    };
    Finding { rule: RULE.to_owned(), outcome, detail }
}

/// The same without the estimate, which counts rows that a policy leaves out.
fn hushed(found: Finding, source: &str) -> Finding {
    let word = if found.outcome == Outcome::Refused { "too much" } else { "no more than may be" };
    Finding { detail: format!("{source} expects {word} for this query."), ..found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_above_the_most_refuses() {
        let outcome = |cost, most| finding("pg", cost, most).outcome;
        assert_eq!(outcome(Some(10.0), Some(9)), Outcome::Refused);
        assert_eq!(outcome(Some(9.0), Some(9)), Outcome::Ok);
        assert_eq!(outcome(Some(1e9), None), Outcome::Ok);
        assert_eq!(outcome(None, Some(9)), Outcome::Warned);
        let detail = finding("pg", Some(12_345.6), Some(9)).detail;
        assert!(detail.contains("pg expects a cost of 12346"), "{detail}");
    }
}
