//! QA on the rows of a run: the figures it needs beside the rows, and the verdict.

mod figures;
mod latest;

pub(crate) use self::latest::Latest;

use std::sync::Arc;
use std::time::{Duration, Instant};

use air_engine::GuardedPlan;
use air_engine::qa::{self, Evidence, Receipt};
use air_ir::{Check, CheckStatus, Ir, Verdict};
use datafusion::arrow::array::RecordBatch;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use super::engine::{self, Ran};
use super::sources::Ready;
use super::{Order, Question, plan_options, policy};
use crate::service::App;

/// Rows with their verdict.
pub(super) struct Judged {
    pub(super) ran: Ran,
    pub(super) verdict: Verdict,
}

/// What the figures beside the rows may take together; a check whose figure came too late is
/// left out of the verdict.
const BUDGET: Duration = Duration::from_secs(5);

/// Checks the rows.
pub(super) async fn judge(
    app: &Arc<App>,
    ready: &Ready,
    question: &Question,
    order: &Order,
    ran: Ran,
) -> Judged {
    let Question::Ir(ir) = question else { return Judged { ran, verdict: unjudged() } };
    let deadline = order.deadline.min(Instant::now() + BUDGET);
    let beside = Beside { app, ready, now: order.now, deadline };
    // At once: the caller waits for the slowest of them, not for their sum.
    let (totals, latest, receipts, empty_filters) = futures::join!(
        beside.totals(ir, &ran),
        beside.latest(ir),
        beside.receipts(ir),
        beside.empty_filters(ir, &ran),
    );
    let evidence = Evidence {
        ir,
        columns: ran.execution.guarded().columns(),
        rows: &ran.answer.rows,
        truncated: ran.answer.truncated,
        now: order.now,
        time_zone: ran.execution.guarded().time_zone(),
        range: ran.execution.guarded().range(),
        totals: totals.as_ref(),
        receipts: &receipts,
        latest,
        empty_filters: &empty_filters,
    };
    let verdict = qa::check(&evidence);
    Judged { ran, verdict }
}

/// The verdict on rows of a SQL text: it says itself that nothing was checked.
fn unjudged() -> Verdict {
    let check = Check {
        id: "not_checked".to_owned(),
        status: CheckStatus::Warn,
        message: "This was asked for in SQL; the checks need an IR and were not made.".to_owned(),
        evidence: serde_json::json!({}),
    };
    Verdict {
        status: CheckStatus::Warn,
        rubric_version: qa::RUBRIC_VERSION.to_owned(),
        checks: vec![check],
        analysis_md: None,
        model_used: None,
    }
}

/// Runs the small IRs over the same files as the run.
struct Beside<'a> {
    app: &'a Arc<App>,
    ready: &'a Ready,
    now: Timestamp,
    deadline: Instant,
}

impl Beside<'_> {
    async fn row(&self, ir: &Ir) -> Option<RecordBatch> {
        self.row_of(self.guarded(ir, self.now)?).await
    }

    fn guarded(&self, ir: &Ir, now: Timestamp) -> Option<GuardedPlan> {
        let options = plan_options(self.app, now);
        let plan = air_engine::plan(ir, &self.ready.prepared, &options).ok()?;
        air_engine::guard(plan, &policy(self.app)).ok()
    }

    async fn row_of(&self, guarded: GuardedPlan) -> Option<RecordBatch> {
        let work = engine::execute(
            self.app,
            self.ready,
            guarded.execution_with(engine::options(self.app)).ok()?,
        );
        let ran = tokio::time::timeout_at(self.deadline.into(), work).await.ok()?;
        Some(ran.ok()?.answer.rows)
    }

    /// The grand total that the groups must add up to.
    async fn totals(&self, ir: &Ir, ran: &Ran) -> Option<RecordBatch> {
        if ran.answer.truncated || ran.answer.rows.num_rows() == 0 {
            return None;
        }
        self.row(&qa::totals_ir(ir)?).await
    }

    /// The moment of the youngest row.
    async fn latest(&self, ir: &Ir) -> Option<Timestamp> {
        let ir = figures::latest(ir, self.ready.prepared.catalog())?;
        // The guard may bound a table by `now`; within a minute it is the same plan.
        let round = TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Ceil);
        let guarded = self.guarded(&ir, self.now.round(round).ok()?)?;
        let members = self.ready.members.iter();
        let read: Vec<_> = members.map(|m| (&m.catalog.source, m.version)).collect();
        let key = format!("{read:?} {}", guarded.identity());
        let asked = async { figures::instant(&self.row_of(guarded).await?) };
        self.app.latest.of(key, asked).await
    }

    async fn receipts(&self, ir: &Ir) -> Vec<Receipt> {
        let Some((alone, joined)) = figures::joined(ir) else { return Vec::new() };
        let both = futures::join!(self.row(&alone), self.row(&joined));
        let (Some(before), Some(joined)) = both else {
            return Vec::new();
        };
        let receipt = figures::receipt(ir, &before, &joined);
        let differs = |receipt: &Receipt| receipt.rows_alone != receipt.rows_joined;
        if !receipt.as_ref().is_some_and(differs) {
            return receipt.into_iter().collect();
        }
        // A table that is written to is not the same in two counts.
        let after = self.row(&alone).await.and_then(|rows| figures::count(&rows));
        receipt
            .zip(after)
            .map(|(receipt, after)| figures::grown(receipt, after))
            .into_iter()
            .collect()
    }

    /// The filters that match nothing on their own; asked only where nothing was found.
    async fn empty_filters(&self, ir: &Ir, ran: &Ran) -> Vec<String> {
        let mut empty = Vec::new();
        if ran.answer.rows.num_rows() > 0 && !ir.dimensions.is_empty() {
            return empty;
        }
        for (text, alone) in figures::filters_alone(ir) {
            let count = self.row(&alone).await.and_then(|rows| figures::count(&rows));
            if count == Some(0) {
                empty.push(text);
            }
        }
        empty
    }
}
