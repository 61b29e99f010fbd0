//! What an entry says beside its names.

use serde_json::{Map, Value, json};

use super::Traced;
use crate::admission::Answer;
use crate::contract::routes::Route;
use crate::contract::types::{ErrorCode, SafetyOutcome};

/// The action of a refusal; other errors are none.
pub(super) fn refusal(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::Unauthorized => Some("token.refused"),
        ErrorCode::Forbidden => Some("role.refused"),
        ErrorCode::Refused => Some("plan.refused"),
        _ => None,
    }
}

/// Status, codes, names of rules and the run: nothing that a caller wrote.
pub(super) fn detail(route: &Route, traced: &Traced, answer: &Answer) -> Value {
    let mut detail = Map::new();
    if let Some(key) = traced.principal.get().and_then(|p| p.key.as_ref()) {
        detail.insert("key_id".to_owned(), json!(key));
    }
    match answer {
        Ok(response) => {
            detail.insert("status".to_owned(), json!(response.status().as_u16()));
            let run = response.headers().get("x-air-run-id").and_then(|id| id.to_str().ok());
            if let Some(run) = run {
                detail.insert("run_id".to_owned(), json!(run));
            }
        }
        Err(error) => {
            detail.insert("operation".to_owned(), json!(route.operation_id));
            detail.insert("code".to_owned(), json!(error.code.as_str()));
            if error.code == ErrorCode::Unauthorized {
                // The kinds of refused tokens; nothing of a token is in them.
                detail.insert("reason".to_owned(), json!(error.detail));
                detail.insert("peer".to_owned(), json!(traced.peer.get()));
            }
            let rules = error.safety_report.iter().flatten();
            let refused = rules.filter(|rule| matches!(rule.outcome, SafetyOutcome::Refused));
            let refused: Vec<&str> = refused.map(|rule| rule.rule.as_str()).collect();
            if !refused.is_empty() {
                detail.insert("rules".to_owned(), json!(refused));
            }
        }
    }
    Value::Object(detail)
}
