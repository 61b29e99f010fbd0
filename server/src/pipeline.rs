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
pub(crate) mod progress;
mod record;
pub(crate) mod retention;
pub(crate) mod running;
pub(crate) mod snapshot;
pub(crate) mod sources;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use air_engine::{
    Dialect, Execution, Finding, GuardedPlan, NotPlanned, Planning, Policy, Prepared, QueryError,
    Sql,
};
use air_ir::{Bindings, Ir, Verdict};
use datafusion::arrow::array::RecordBatch;
use jiff::Timestamp;
use tracing::{Instrument, Span};

use crate::admission::timed_out;
use crate::auth::Principal;
use crate::config::TimeFilter;
use crate::contract::types::{Params, ResultColumn, SafetyReport, SourceSql, Timings};
use crate::id::{DatasourceId, RunId, ScopeVersionId};
use crate::problem::{ApiError, safety_report};
use crate::results;
use crate::service::App;
use crate::store::{Moment, Report, ReportVersion};

pub(crate) use self::record::settle;
use self::sources::Ready;

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
    pub(crate) notes: Vec<String>,
    pub(crate) tables: Vec<String>,
}

/// Runs an order from its IR to its judged rows. Whatever comes of it is in the run's record.
pub(crate) async fn report(app: &Arc<App>, mut order: Order) -> Result<Finished, ApiError> {
    let (others, pace) = (order.question.sources(), order.pace());
    let ready = sources::ready(app, &order, &order.datasource, &others, pace).await?;
    let slot = app.running.place(order.principal.counted_as(), order.job.as_ref()).await?;
    if order.job.is_some() {
        // However long it waited for its place, a job's time begins with it.
        order.deadline = Instant::now() + pace.limit(&app.config);
    }
    record::begin(app, &order, slot.id()).await?;
    let span = tracing::info_span!("run", run.id = %slot.id(), source.id = %order.datasource);
    // Whatever a stage is at when the run is cancelled is dropped, and what was sent with it.
    let ended = tokio::select! {
        biased;
        () = slot.cancelled() => Err(running::cancelled()),
        ended = Box::pin(stages(app, &order, &ready, &slot)).instrument(span) => ended,
    };
    let ended = match ended {
        Ok(finished) => record::end(app, finished).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(finished) => Ok(finished),
        Err(error) => Err(record::failed(app, &order, slot.id(), error).await),
    }
}

/// One line for each stage.
async fn stages(
    app: &Arc<App>,
    order: &Order,
    ready: &Ready,
    slot: &running::Slot,
) -> Result<Finished, ApiError> {
    let mut clock = Clock::start();
    let span = |stage| stage_span(stage, order, slot);
    let question = bound(order)?;
    let guarded =
        span("plan").in_scope(|| guarded(app, order, &question, &ready.prepared, &mut clock))?;
    let (execution, sql) = span("unparse").in_scope(|| -> Result<_, ApiError> {
        let execution = guarded.execution_with(engine::options(app))?;
        let sql = source_sql(&order.datasource, &execution, engine::options(app))?;
        Ok((execution, sql))
    })?;
    clock.timings.unparse = clock.lap();
    // Estimates take of the run's own time: each database has its limit, all together have one too.
    let report = tokio::time::timeout_at(
        order.deadline.into(),
        Box::pin(cost::checked(app, ready, &execution)),
    );
    let report =
        report.await.unwrap_or_else(|_| Err(timed_out(order.pace().limit(&app.config))))?;
    record::planned(app, slot.id(), &sql, &report).await?;
    let turn = answers::turn(app, order, ready, (&question, execution.guarded()), slot).await?;
    if let Some(answer) = turn.as_ref().and_then(|turn| turn.answer(order)) {
        return Ok(again(answer, order, slot.id(), clock.timings));
    }
    let (as_of, read) = (Moment::now(), Instant::now());
    let _ = clock.lap();
    let running = engine::run(app, ready, execution, order);
    let ran = running.instrument(span("execute")).await?;
    clock.timings.execute = clock.lap();
    let judging = Box::pin(judge::judge(app, ready, &question, order, ran));
    let judged = judging.instrument(span("qa")).await;
    clock.timings.qa = clock.lap();
    let finished = finished(order, slot.id(), as_of, &judged, (sql, report), clock.timings)?;
    match turn {
        Some(turn) => turn.keep(&finished, read),
        None => {
            let guarded = judged.ran.execution.guarded();
            answers::given(app, ready, (&question, guarded), &finished, read);
        }
    }
    Ok(finished)
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

/// The question, an IR with its values in place of its parameters.
pub(crate) fn bound(order: &Order) -> Result<Question, ApiError> {
    let Question::Ir(ir) = &order.question else { return Ok(order.question.clone()) };
    let bound = ir.bind(&order.bindings).map_err(|errors| ApiError::ir(order.ir_at, errors))?;
    Ok(Question::Ir(Box::new(bound)))
}

/// A plan that passed the guard.
pub(crate) fn guarded(
    app: &App,
    order: &Order,
    question: &Question,
    prepared: &Prepared,
    clock: &mut Clock,
) -> Result<GuardedPlan, ApiError> {
    let (options, policy) = (plan_options(app, order.now), policy(app));
    let guarded = match question {
        Question::Ir(ir) => {
            let planning = Planning { prepared, options: &options, policy: &policy };
            // Planning and guarding are one step: what is known already skips both.
            app.plans.guarded(ir, &planning).map_err(|error| match error {
                NotPlanned::Ir(errors) => ApiError::ir(order.ir_at, errors),
                NotPlanned::Plan(error) => ApiError::plan(order.ir_at, error),
                NotPlanned::Refused(refusal) => refusal.into(),
                NotPlanned::Unsupported(unsupported) => unsupported.into(),
            })?
        }
        Question::Sql(text) => {
            let plan = air_engine::plan_sql(text, prepared, &options);
            // The SQL of a definition stands beside where its IR would.
            let at = order.ir_at.strip_suffix("/ir").unwrap_or_default();
            air_engine::guard(plan.map_err(|error| sql_error(at, error))?, &policy)?
        }
    };
    clock.timings.plan = clock.lap();
    clock.timings.guard = clock.lap();
    Ok(guarded)
}

/// Why a SQL text has no plan; `at` is where it stands.
pub(crate) fn sql_error(at: &str, error: QueryError) -> ApiError {
    match error {
        QueryError::Invalid(error) => ApiError::plan(at, error),
        QueryError::Refused(refusal) => refusal.into(),
    }
}

pub(crate) fn plan_options(app: &App, now: Timestamp) -> air_engine::PlanOptions {
    let safety = &app.config.safety;
    air_engine::PlanOptions {
        now,
        default_limit: safety.default_row_limit,
        max_limit: safety.max_row_limit,
    }
}

pub(crate) fn policy(app: &App) -> Policy {
    let safety = &app.config.safety;
    Policy {
        max_row_limit: safety.max_row_limit,
        time_filter: match safety.time_filter {
            TimeFilter::Inject => air_engine::TimeFilter::Inject,
            TimeFilter::Refuse => air_engine::TimeFilter::Refuse,
            TimeFilter::Off => air_engine::TimeFilter::Off,
        },
        enforce_time_filter_days: safety.enforce_time_filter_days,
        ..Policy::default()
    }
}

/// What each source is asked; for files, the plan as text, which is for people.
pub(crate) fn source_sql(
    datasource: &DatasourceId,
    execution: &Execution,
    options: air_engine::RunOptions,
) -> Result<Vec<SourceSql>, ApiError> {
    if execution.queries().is_empty() {
        let guarded = execution.guarded();
        return Ok(vec![match guarded.sql(Dialect::Datafusion) {
            Ok(sql) => told(datasource.clone(), &sql),
            // What is computed across groups runs here and has no SQL: the plan itself is told.
            Err(_) => SourceSql {
                source: datasource.clone(),
                dialect: dialect(Dialect::Datafusion),
                sql: guarded.display(),
                params: Vec::new(),
                rows: None,
            },
        }]);
    }
    let told = execution.told(options)?.into_iter().map(|query| {
        let source = query.source.parse().map_err(ApiError::internal)?;
        Ok(told(source, &query.sql))
    });
    told.collect()
}

pub(crate) fn told(source: DatasourceId, sql: &Sql) -> SourceSql {
    SourceSql {
        source,
        dialect: dialect(sql.dialect),
        sql: sql.text.clone(),
        params: results::json_scalars(&sql.params),
        rows: None,
    }
}

/// What was really sent, with the rows that came back; for files, what was planned. Where
/// policies leave rows out, neither their number nor the columns they are told by are shown.
fn sent(planned: Vec<SourceSql>, ran: &engine::Ran) -> Result<Vec<SourceSql>, ApiError> {
    let answer = &ran.answer;
    if answer.sent.is_empty() || ran.execution.guarded().is_limited() {
        return Ok(planned);
    }
    let sent = answer.sent.iter().map(|query| {
        let source = query.source.parse().map_err(ApiError::internal)?;
        Ok(SourceSql { rows: Some(query.rows), ..told(source, &query.sql) })
    });
    sent.collect()
}

/// The contract's name of a dialect.
pub(crate) fn dialect(dialect: Dialect) -> crate::contract::types::Dialect {
    use crate::contract::types::Dialect as Named;
    match dialect {
        Dialect::Postgres => Named::Postgres,
        Dialect::Timescaledb => Named::Timescaledb,
        Dialect::Mysql => Named::Mysql,
        Dialect::Datafusion => Named::Datafusion,
    }
}

fn finished(
    order: &Order,
    run_id: &RunId,
    as_of: Moment,
    judged: &judge::Judged,
    (sql, report): (Vec<SourceSql>, Vec<Finding>),
    timings: Timings,
) -> Result<Finished, ApiError> {
    let guarded = judged.ran.execution.guarded();
    let rows = results::in_zone(&judged.ran.answer.rows, guarded.time_zone());
    let sql = sent(sql, &judged.ran)?;
    Ok(Finished {
        run_id: run_id.clone(),
        order: order.clone(),
        columns: results::columns(guarded.columns()),
        rows: rows.map_err(ApiError::internal)?,
        truncated: judged.ran.answer.truncated,
        as_of,
        cached: false,
        sql,
        safety_report: safety_report(&report),
        verdict: judged.verdict.clone(),
        timings,
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
