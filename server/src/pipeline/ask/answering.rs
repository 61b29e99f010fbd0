//! What was understood, run where that is wanted, and how far its answer was checked.
//!
//! In: a question that is kept, and the IR or query that it means. Out: the end of the ask, with
//! the finished report or why there is none, and a badge.

use std::sync::Arc;

use air_ir::CheckStatus;

use super::{Asked, Ended, Reading, drafting, name};
use crate::contract::types::{AskState, Badge};
use crate::pipeline::progress::Step;
use crate::pipeline::{self, Order, Question};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::checksum;

pub(super) async fn answered(
    app: &Arc<App>,
    asked: &Asked,
    question: Question,
    ended: Ended,
) -> Result<Ended, ApiError> {
    let order = Order {
        ir_at: "/ir",
        scope_version: Some(ended.version.id.clone()),
        ..drafting::order(asked, question)
    };
    if !asked.run {
        let badge = badge(app, asked, &ended, false).await?;
        return Ok(Ended { badge: Some(badge), ..ended });
    }
    if let Some(Reading { interpretation, assumptions, .. }) = ended.reading.clone() {
        asked.progress.tell(Step::Understood { interpretation, assumptions });
    }
    match pipeline::report(app, order).await {
        Ok(finished) => {
            // SQL is not checked, so it cannot have passed.
            let passed = finished.verdict.status != CheckStatus::Fail && ended.draft.is_some();
            Ok(Ended {
                badge: Some(badge(app, asked, &ended, passed).await?),
                tables: finished.tables.clone(),
                finished: Some(finished),
                ..ended
            })
        }
        Err(error) => Ok(Ended {
            state: AskState::Failed,
            reason: Some(error.detail.clone()),
            error: Some(error),
            ..ended
        }),
    }
}

/// How far an answer was checked.
async fn badge(app: &App, asked: &Asked, ended: &Ended, passed: bool) -> Result<Badge, ApiError> {
    let ir = ended.draft.as_ref().map(|draft| draft.ir.to_json());
    let hash = ir.as_ref().map(checksum).unwrap_or_default();
    let confirmed = app.store.scopes().confirmed(&asked.datasource, &hash).await?;
    let of_this = name(&asked.question);
    let known = confirmed.iter().any(|question| name(question) == of_this);
    // What was confirmed is what the question means; rows that fail their checks today are not.
    Ok(match (known, passed) {
        (true, true) => Badge::Verified,
        (true, false) if !asked.run => Badge::Verified,
        (false, true) => Badge::Validated,
        (_, false) => Badge::Unchecked,
    })
}
