//! IR to logical plan, with no SQL between.
//!
//! In: a parameter-free IR, a prepared catalog and the run's frozen `now`. Out: a [`Plan`] whose
//! user values are placeholders bound to typed values, or every error at once. The shape is
//! always the same: each fact is scanned, joined to-one, filtered, projected to group keys and
//! inputs, and aggregated at its own grain; facts are stitched by `UNION ALL` and one more
//! grouping, which matches null with null on every engine. Then, in this order: absent buckets
//! are filled; windows, comparisons and expressions are computed, over the buckets before the
//! asked range too; these go; shares of the whole result; `having`; `top` and the row of its
//! rest, which is aggregated again from the base rows; order, offset and limit. What reads base
//! rows is a plain subtree at the bottom of the plan, which a database does by itself; what
//! stands above it runs here where the database has no form for it.

mod aggregate;
mod arithmetic;
mod comparison;
mod compile;
mod context;
mod dimension;
mod exists;
mod expression;
mod fact;
mod figures;
mod fill;
mod filter;
mod finish;
mod literal;
pub(crate) mod size;
mod stitch;
mod time;
mod timing;
mod top;
mod trace;

pub(crate) use context::{Context, Scanned, Spans, TimeBounds};
pub(crate) use dimension::{bin_names, is_unit};
pub(crate) use literal::is_finer;
pub(crate) use timing::raw_day;
pub(crate) use top::IS_OTHER;
pub(crate) use trace::{Site, Trace};

use crate::kind::Kind;
use crate::output::OutputColumn;
use crate::prepared::Prepared;
use air_ir::{Code, Ir, IrError, Pointer};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::LogicalPlan;
use jiff::Timestamp;

/// What a plan needs to know beyond IR and catalog.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// The run's frozen time.
    pub now: Timestamp,
    /// Rows where the IR names no limit.
    pub default_limit: u64,
    /// The highest limit an IR may name.
    pub max_limit: u64,
}

/// A typed plan that has not passed the guard, so it can be looked at but not run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) logical: LogicalPlan,
    /// Values of the placeholders `$1`, `$2`, … in their order.
    pub(crate) values: Vec<ScalarValue>,
    pub(crate) columns: Vec<OutputColumn>,
    pub(crate) limit: u64,
    /// Whether the limit is the default one.
    pub(crate) limit_defaulted: bool,
    /// Every table scanned, with the time range asked of it.
    pub(crate) scans: Vec<Scanned>,
    /// Where the times of columns lie, for engines that write a zone's offsets out.
    pub(crate) spans: Spans,
    pub(crate) notes: Vec<String>,
    pub(crate) time_zone: String,
    /// Half-open bounds of the root's time, where both are given.
    pub(crate) range: Option<(Timestamp, Timestamp)>,
    pub(crate) now: Timestamp,
}

/// The plan of a nested query: an input of another one.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) logical: LogicalPlan,
    pub(crate) columns: Vec<(String, Kind)>,
}

/// Why an IR has no plan: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the IR cannot be planned: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
pub struct PlanError(pub Vec<IrError>);

/// Plans `ir`, whose parameters are bound already.
///
/// # Errors
/// Everything that is wrong, each with code, pointer and nearest names.
pub fn plan(ir: &Ir, prepared: &Prepared, options: &PlanOptions) -> Result<Plan, PlanError> {
    planned(ir, prepared, options, None).map(|(plan, _)| plan)
}

/// Plans `ir` and tells how the plan depends on its values.
pub(crate) fn plan_traced(
    ir: &Ir,
    prepared: &Prepared,
    options: &PlanOptions,
) -> Result<(Plan, Trace), PlanError> {
    planned(ir, prepared, options, Some(Trace::default()))
}

fn planned(
    ir: &Ir,
    prepared: &Prepared,
    options: &PlanOptions,
    trace: Option<Trace>,
) -> Result<(Plan, Trace), PlanError> {
    let mut context = Context::new(options.now);
    context.trace = trace;
    let compiled =
        compile::root(ir, prepared, options, &mut context, &Pointer::root()).map_err(PlanError)?;
    let plan = Plan {
        logical: compiled.logical,
        values: context.values,
        columns: compiled.columns,
        limit: compiled.limit,
        limit_defaulted: ir.limit.is_none(),
        scans: context.scans,
        spans: context.spans,
        notes: context.notes,
        time_zone: compiled.time_zone,
        range: compiled.range,
        now: options.now,
    };
    Ok((plan, context.trace.unwrap_or_default()))
}

impl Plan {
    /// The columns of the answer.
    pub fn columns(&self) -> &[OutputColumn] {
        &self.columns
    }

    /// What the reader of the answer should know about how it was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The plan as an indented tree, for people and snapshots; values are placeholders.
    pub fn display(&self) -> String {
        self.logical.display_indent().to_string()
    }
}

/// A fault of the engine's own builders, reported instead of panicking.
fn internal(at: &Pointer, error: &datafusion::common::DataFusionError) -> IrError {
    let message = error.strip_backtrace();
    let first = message.lines().next().unwrap_or_default();
    IrError::new(Code::Unsupported, at, format!("The engine cannot plan this: {first}"))
}
