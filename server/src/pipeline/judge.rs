//! QA on the rows of a run: the figures it needs beside the rows, and the verdict.

use std::sync::Arc;

use air_engine::qa::{self, Evidence};
use air_ir::{Ir, Verdict};
use datafusion::arrow::array::RecordBatch;

use super::engine::{self, Ran};
use super::sources::Ready;
use super::{Order, plan_options, policy};
use crate::service::App;

/// Rows with their verdict.
pub(super) struct Judged {
    pub(super) ran: Ran,
    pub(super) verdict: Verdict,
}

/// Checks the rows. Figures that cannot be had in time leave their check out of the verdict.
pub(super) async fn judge(
    app: &Arc<App>,
    ready: &Ready,
    ir: &Ir,
    order: &Order,
    ran: Ran,
) -> Judged {
    let totals = totals(app, ready, ir, order, &ran).await;
    let evidence = Evidence {
        ir,
        columns: ran.guarded.columns(),
        rows: &ran.answer.rows,
        truncated: ran.answer.truncated,
        now: order.now,
        time_zone: ran.guarded.time_zone(),
        range: ran.guarded.range(),
        totals: totals.as_ref(),
        receipts: &[],
        latest: None,
        empty_filters: &[],
    };
    let verdict = qa::check(&evidence);
    Judged { ran, verdict }
}

/// The grand total that the groups must add up to, by a run of its own over the same files.
async fn totals(
    app: &Arc<App>,
    ready: &Ready,
    ir: &Ir,
    order: &Order,
    ran: &Ran,
) -> Option<RecordBatch> {
    if ran.answer.truncated || ran.answer.rows.num_rows() == 0 {
        return None;
    }
    let totals = qa::totals_ir(ir)?;
    let plan = air_engine::plan(&totals, &ready.prepared, &plan_options(app, order.now)).ok()?;
    let guarded = air_engine::guard(plan, &policy(app)).ok()?;
    let work = engine::execute(app, ready, guarded);
    let ran = tokio::time::timeout_at(order.deadline.into(), work).await.ok()?;
    Some(ran.ok()?.answer.rows)
}
