//! From an order to what is sent: its values in place, its plan guarded and written for its
//! sources.
//!
//! In: an order and its sources. Out: [`Planned`], or why it is not run. Absent on purpose:
//! anything that reads rows; the databases' own estimates (`cost`) are asked for here, last.

use std::sync::Arc;

use air_engine::{
    Execution, Finding, GuardedPlan, NotPlanned, Planning, Policy, Prepared, QueryError,
};
use jiff::Timestamp;

use super::sources::Ready;
use super::{Clock, Order, Question, cost, engine, running, source_sql, stage_span};
use crate::admission::timed_out;
use crate::config::TimeFilter;
use crate::contract::types::SourceSql;
use crate::problem::ApiError;
use crate::service::App;

/// An order that may run.
pub(super) struct Planned {
    /// With its values.
    pub(super) question: Question,
    pub(super) execution: Execution,
    /// What each source is to be asked, for people.
    pub(super) sql: Vec<SourceSql>,
    pub(super) safety: Vec<Finding>,
}

/// Plans an order.
pub(super) async fn planned(
    app: &Arc<App>,
    order: &Order,
    ready: &Ready,
    slot: &running::Slot,
    clock: &mut Clock,
) -> Result<Planned, ApiError> {
    let span = |stage| stage_span(stage, order, slot);
    let question = bound(order)?;
    let guarded =
        span("plan").in_scope(|| guarded(app, order, &question, &ready.prepared, clock))?;
    let (execution, sql) = span("unparse").in_scope(|| -> Result<_, ApiError> {
        let execution = guarded.execution_with(engine::options(app))?;
        let sql = source_sql(&order.datasource, &execution, engine::options(app))?;
        Ok((execution, sql))
    })?;
    clock.timings.unparse = clock.lap();
    // Estimates take of the run's own time: each database has its limit, all together have one too.
    let safety = tokio::time::timeout_at(
        order.deadline.into(),
        Box::pin(cost::checked(app, ready, &execution)),
    );
    let safety =
        safety.await.unwrap_or_else(|_| Err(timed_out(order.pace().limit(&app.config))))?;
    Ok(Planned { question, execution, sql, safety })
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
