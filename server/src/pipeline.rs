//! The pipeline, as one walk: scope → ir → plan → guard → sql → run → qa → report.
//!
//! In: an [`Order`]: an IR, the values of its parameters, a source, and who asks. Out: a
//! [`Finished`] run, recorded whole; or the problem, which is recorded with the run as well.
//! Absent on purpose: HTTP, and how a question becomes an IR (`ask`).

pub(crate) mod alike;
pub(crate) mod analyze;
pub(crate) mod answers;
pub(crate) mod ask;
mod cost;
pub(crate) mod definition;
pub(crate) mod engine;
pub(crate) mod findings;
pub(crate) mod first_rows;
pub(crate) mod judge;
pub(crate) mod learn;
pub(crate) mod order;
pub(crate) mod params;
mod planned;
pub(crate) mod progress;
mod record;
pub(crate) mod retention;
pub(crate) mod running;
pub(crate) mod snapshot;
pub(crate) mod sources;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use air_engine::Finding;
use air_ir::{Bindings, Ir, Verdict};
use datafusion::arrow::array::RecordBatch;
use futures::future::maybe_done;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tracing::{Instrument, Span};

use crate::auth::Principal;
use crate::contract::types::{Params, ResultColumn, RunExecutor, SafetyReport, SourceSql, Timings};
use crate::id::{DatasourceId, RunId, ScopeVersionId};
use crate::problem::{ApiError, safety_report};
use crate::results;
use crate::service::App;
use crate::store::{Moment, Report, ReportVersion};

pub(crate) use self::planned::{bound, guarded, plan_options, policy, sql_error};
pub(crate) use self::record::{settle, settle_job};
pub(crate) use self::told::{source_sql, told};

use self::planned::{Planned, planned};
use self::record::Working;
use self::snapshot::Keeping;
use self::sources::Ready;
use self::told::sent;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// With its parameters still open, until it is bound.
    Ir(Box<Ir>),
    /// A query as a person or a model wrote it. It is read against the catalog, and never sent.
    Sql(String),
}

impl Question {
    /// The sources it names beside its own. SQL is about one source.
    pub(crate) fn sources(&self) -> Vec<String> {
        match self {
            Self::Ir(ir) => air_engine::sources_of(ir),
            Self::Sql(_) => Vec::new(),
        }
    }

    /// The parameters it uses. SQL takes none.
    pub(crate) fn parameters(&self) -> BTreeSet<String> {
        match self {
            Self::Ir(ir) => ir.parameters(),
            Self::Sql(_) => BTreeSet::new(),
        }
    }
}

/// What to run, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// Who owns the run, and whose policies hold for it.
    pub(crate) principal: Principal,
    pub(crate) datasource: DatasourceId,
    pub(crate) question: Question,
    /// Where the IR stands in the request, for the pointers of errors.
    pub(crate) ir_at: &'static str,
    pub(crate) bindings: Bindings,
    /// What the run's record shows as parameters.
    pub(crate) params: Params,
    pub(crate) report: Option<(Report, ReportVersion)>,
    pub(crate) scope_version: Option<ScopeVersionId>,
    /// What `today` and the like refer to.
    pub(crate) now: Timestamp,
    pub(crate) deadline: Instant,
    /// None where a request waits for the rows.
    pub(crate) job: Option<order::Tie>,
    /// How old rows may be that were read for an equal order; they are read afresh where absent.
    pub(crate) max_age: Option<Duration>,
}

/// A run that ended well.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    pub(crate) run_id: RunId,
    pub(crate) order: Order,
    pub(crate) columns: Vec<ResultColumn>,
    /// In the IR's time zone.
    pub(crate) rows: RecordBatch,
    pub(crate) truncated: bool,
    pub(crate) as_of: Moment,
    /// Whether the rows were read for another order.
    pub(crate) cached: bool,
    pub(crate) sql: Vec<SourceSql>,
    pub(crate) safety_report: SafetyReport,
    pub(crate) verdict: Verdict,
    pub(crate) timings: Timings,
    pub(crate) executor: RunExecutor,
    pub(crate) notes: Vec<String>,
    pub(crate) tables: Vec<String>,
}

/// Runs an order from its IR to its judged rows. Whatever comes of it is in the run's record.
pub(crate) async fn report(app: &Arc<App>, mut order: Order) -> Result<Finished, ApiError> {
    let (others, pace) = (order.question.sources(), order.pace());
    let opening = Box::pin(sources::ready(app, &order, &order.datasource, &others, pace));
    let ready = match &order.job {
        // What a job runs stops by itself, also before it has a place.
        Some(job) => running::unless_cancelled(&job.stop, opening).await?,
        None => opening.await?,
    };
    let slot = app.running.place(order.principal.counted_as(), order.job.as_ref()).await?;
    let working = Working::new(app, &order, slot);
    let slot = working.slot();
    if order.job.is_some() {
        // However long it waited for its place, a job's time begins with it.
        order.deadline = Instant::now() + pace.limit(&app.config);
    }
    let span = tracing::info_span!("run", run.id = %slot.id(), source.id = %order.datasource);
    let ended = Box::pin(recorded(app, &order, &ready, slot)).instrument(span).await;
    let ended = match ended {
        Ok(finished) => Ok(finished),
        Err(error) => Err(record::failed(app, &order, slot.id(), error).await),
    };
    working.over();
    ended
}

/// Plans and runs an order. Its record is begun in every case, and ended where it ended well.
async fn recorded(
    app: &Arc<App>,
    order: &Order,
    ready: &Ready,
    slot: &running::Slot,
) -> Result<Finished, ApiError> {
    let mut clock = Clock::start();
    let planned = slot.unless_cancelled(Box::pin(planned(app, order, ready, slot, &mut clock)));
    let planned = match planned.await {
        Ok(planned) => planned,
        Err(error) => {
            record::begin(app, order, slot.id(), None).await?;
            return Err(error);
        }
    };
    let record = record::plan(&planned);
    // The record is written while the sources are asked. Nobody knows of the run before it is.
    let (there, is_there) = oneshot::channel();
    let begun = async {
        let begun = record::begin(app, order, slot.id(), Some(record)).await;
        let begun = begun.inspect(|()| {
            let _ = there.send(());
        });
        begun.inspect_err(|_| slot.stop())
    };
    let work = stages(app, order, ready, slot, (planned, is_there), clock);
    let (begun, finished) = futures::join!(begun, slot.unless_cancelled(Box::pin(work)));
    begun?;
    let (finished, keeping) = finished?;
    record::end(app, finished, keeping).await
}

/// From the plan to the judged rows, one line for each stage. Once the record `is_there`, the rows
/// are written while they are judged.
async fn stages(
    app: &Arc<App>,
    order: &Order,
    ready: &Ready,
    slot: &running::Slot,
    (planned, is_there): (Planned, oneshot::Receiver<()>),
    mut clock: Clock,
) -> Result<(Finished, Option<Keeping>), ApiError> {
    let span = |stage| stage_span(stage, order, slot);
    let Planned { question, execution, sql, safety } = planned;
    let turn = answers::turn(app, order, ready, (&question, execution.guarded()), slot).await?;
    if let Some(answer) = turn.as_ref().and_then(|turn| turn.answer(order)) {
        return Ok((again(answer, order, slot.id(), clock.timings), None));
    }
    let (as_of, read) = (Moment::now(), Instant::now());
    let _ = clock.lap();
    let beside = judge::Beside::new(app, ready, order);
    let mut figures = Box::pin(maybe_done(beside.figures(&question)));
    let reads_here = !execution.tables().is_empty();
    let running = engine::run(app, ready, execution, order).instrument(span("execute"));
    let ran = match reads_here {
        true => running.await?,
        // Only databases work meanwhile, and can answer more than one question.
        false => judge::along(running, figures.as_mut()).await?,
    };
    clock.timings.execute = clock.lap();
    let zone = ran.execution.guarded().time_zone();
    let rows = results::in_zone(&ran.answer.rows, zone).map_err(ApiError::internal)?;
    let judging = Box::pin(judge::judge(&beside, figures, &question, order, ran));
    let keeping =
        async { is_there.await.ok().and_then(|()| Keeping::begin(app, slot.id(), &rows)) };
    let (judged, keeping) = futures::join!(judging.instrument(span("qa")), keeping);
    clock.timings.qa = clock.lap();
    let told = (sql, safety);
    let finished = finished(order, slot.id(), (as_of, rows), &judged, told, clock.timings)?;
    match turn {
        Some(turn) => turn.keep(&finished, read),
        None => {
            let guarded = judged.ran.execution.guarded();
            answers::given(app, ready, (&question, guarded), &finished, read);
        }
    }
    Ok((finished, keeping))
}

/// An answer that was read for another order, as the answer of this one.
fn again(answer: Finished, order: &Order, run_id: &RunId, timings: Timings) -> Finished {
    Finished { run_id: run_id.clone(), order: order.clone(), cached: true, timings, ..answer }
}

/// A stage as a trace shows it: by its name, with the run and the source, and nothing of the data.
fn stage_span(stage: &'static str, order: &Order, slot: &running::Slot) -> Span {
    tracing::info_span!(
        "stage",
        otel.name = stage,
        stage,
        run.id = %slot.id(),
        source.id = %order.datasource
    )
}

fn finished(
    order: &Order,
    run_id: &RunId,
    (as_of, rows): (Moment, RecordBatch),
    judged: &judge::Judged,
    (sql, report): (Vec<SourceSql>, Vec<Finding>),
    timings: Timings,
) -> Result<Finished, ApiError> {
    let guarded = judged.ran.execution.guarded();
    let sql = sent(sql, &judged.ran)?;
    Ok(Finished {
        run_id: run_id.clone(),
        order: order.clone(),
        columns: results::columns(guarded.columns()),
        rows,
        truncated: judged.ran.answer.truncated,
        as_of,
        cached: false,
        sql,
        safety_report: safety_report(&report),
        verdict: judged.verdict.clone(),
        timings,
        executor: engine::executor(&judged.ran.answer.carried),
        notes: guarded.notes().to_vec(),
        tables: guarded.tables(),
    })
}

/// Milliseconds of each stage.
pub(crate) struct Clock {
    last: Instant,
    pub(crate) timings: Timings,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let timings = Timings { plan: 0.0, guard: 0.0, unparse: 0.0, execute: 0.0, qa: 0.0 };
        Self { last: Instant::now(), timings }
    }

    /// Milliseconds since the last lap.
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let lap = now.duration_since(self.last).as_secs_f64() * 1000.0;
        self.last = now;
        lap
    }
}
