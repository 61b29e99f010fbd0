//! QA on the rows of a run: the figures it needs beside the rows, and the verdict.

mod figures;
mod latest;

pub(crate) use self::latest::Latest;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use air_engine::qa::{self, Evidence, Receipt};
use air_engine::{GuardedPlan, Planning};
use air_ir::{Check, CheckStatus, Ir, Verdict};
use datafusion::arrow::array::RecordBatch;
use futures::future::MaybeDone;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use tokio_util::sync::CancellationToken;

use super::engine::{self, Ran};
use super::sources::Ready;
use super::{Order, Question, plan_options, policy};
use crate::service::App;

/// Rows with their verdict.
pub(super) struct Judged {
    pub(super) ran: Ran,
    pub(super) verdict: Verdict,
}

/// What the figures beside the rows may take together once the rows are there; a check whose
/// figure came too late is left out of the verdict.
const BUDGET: Duration = Duration::from_secs(5);

/// Figures that do not depend on the rows, so that they can be asked for beside them.
#[derive(Default)]
pub(super) struct Figures {
    totals: Option<RecordBatch>,
    latest: Option<Timestamp>,
    receipts: Vec<Receipt>,
}

/// Figures that are asked for, or there.
type Asked<F> = Pin<Box<MaybeDone<F>>>;

/// Waits for a run, and lets its figures be asked for meanwhile.
pub(super) async fn along<R>(
    running: impl Future<Output = R>,
    mut figures: Pin<&mut MaybeDone<impl Future<Output = Figures>>>,
) -> R {
    let asking = async {
        figures.as_mut().await;
        std::future::pending().await
    };
    tokio::select! {
        biased;
        ran = running => ran,
        never = asking => never,
    }
}

/// Checks the rows.
pub(super) async fn judge<F: Future<Output = Figures>>(
    beside: &Beside<'_>,
    mut figures: Asked<F>,
    question: &Question,
    order: &Order,
    ran: Ran,
) -> Judged {
    let Question::Ir(ir) = question else { return Judged { ran, verdict: unjudged() } };
    let whole = !ran.answer.truncated && ran.answer.rows.num_rows() > 0;
    if !whole {
        beside.without_totals.cancel();
    }
    let late = async {
        tokio::time::sleep_until((Instant::now() + BUDGET).into()).await;
        beside.late.cancel();
        std::future::pending().await
    };
    // At once: the caller waits for the slowest of them, not for their sum.
    let asked = async { futures::join!(figures.as_mut(), beside.empty_filters(ir, &ran)).1 };
    let empty_filters = tokio::select! {
        filters = asked => filters,
        never = late => never,
    };
    let figures = figures.as_mut().take_output().unwrap_or_default();
    let evidence = Evidence {
        ir,
        columns: ran.execution.guarded().columns(),
        rows: &ran.answer.rows,
        truncated: ran.answer.truncated,
        now: order.now,
        time_zone: ran.execution.guarded().time_zone(),
        range: ran.execution.guarded().range(),
        totals: figures.totals.as_ref().filter(|_| whole),
        receipts: &figures.receipts,
        latest: figures.latest,
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

/// Runs the small IRs over the same sources as the run.
pub(super) struct Beside<'a> {
    app: &'a Arc<App>,
    ready: &'a Ready,
    now: Timestamp,
    deadline: Instant,
    /// Nobody waits for figures any more.
    late: CancellationToken,
    /// No total can be compared with the rows.
    without_totals: CancellationToken,
}

impl<'a> Beside<'a> {
    pub(super) fn new(app: &'a Arc<App>, ready: &'a Ready, order: &Order) -> Self {
        let late = CancellationToken::new();
        let without_totals = late.child_token();
        Self { app, ready, now: order.now, deadline: order.deadline, late, without_totals }
    }

    /// The figures of an IR; none of a SQL text.
    pub(super) async fn figures(&self, question: &Question) -> Figures {
        let Question::Ir(ir) = question else { return Figures::default() };
        let (totals, latest, receipts) =
            futures::join!(self.totals(ir), self.latest(ir), self.receipts(ir));
        Figures { totals, latest, receipts: receipts.unwrap_or_default() }
    }

    async fn row(&self, ir: &Ir) -> Option<RecordBatch> {
        self.row_of(self.guarded(ir, self.now)?).await
    }

    fn guarded(&self, ir: &Ir, now: Timestamp) -> Option<GuardedPlan> {
        let (options, policy) = (plan_options(self.app, now), policy(self.app));
        let prepared = &self.ready.prepared;
        let planning = Planning { prepared, options: &options, policy: &policy };
        self.app.plans.guarded(ir, &planning).ok()
    }

    async fn row_of(&self, guarded: GuardedPlan) -> Option<RecordBatch> {
        let work = engine::execute(
            self.app,
            self.ready,
            guarded.execution_with(engine::options(self.app)).ok()?,
        );
        let work = tokio::time::timeout_at(self.deadline.into(), work);
        let ran = self.late.run_until_cancelled(work).await?.ok()?;
        Some(ran.ok()?.answer.rows)
    }

    /// The grand total that the groups must add up to.
    async fn totals(&self, ir: &Ir) -> Option<RecordBatch> {
        let totals = qa::totals_ir(ir)?;
        self.without_totals.run_until_cancelled(self.row(&totals)).await?
    }

    /// The moment of the youngest row.
    async fn latest(&self, ir: &Ir) -> Option<Timestamp> {
        let ir = figures::latest(ir, self.ready.prepared.catalog())?;
        // The guard may bound a table by `now`; within a minute it is the same plan.
        let round = TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Ceil);
        let guarded = self.guarded(&ir, self.now.round(round).ok()?)?;
        let key = format!("{:?} {}", self.ready.opened(), guarded.identity());
        let asked = async { figures::instant(&self.row_of(guarded).await?) };
        self.app.latest.of(key, asked).await
    }

    async fn receipts(&self, ir: &Ir) -> Option<Vec<Receipt>> {
        let (alone, joined) = figures::joined(ir)?;
        let (before, joined) = futures::join!(self.row(&alone), self.row(&joined));
        let receipt = figures::receipt(ir, &before?, &joined?)?;
        if receipt.rows_alone == receipt.rows_joined {
            return Some(vec![receipt]);
        }
        // A table that is written to is not the same in two counts.
        let after = figures::count(&self.row(&alone).await?)?;
        Some(vec![figures::grown(receipt, after)])
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
