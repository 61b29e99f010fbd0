//! The engine: IR to rows.
mod access;
pub mod ask;
mod cache;
pub mod cells;
mod drill;
mod functions;
mod guard;
mod kind;
mod model;
mod output;
mod plan;
mod prepared;
pub mod qa;
mod query;
mod remote;
mod run;
mod split;
mod sql;
mod types;
pub mod wire;
pub use access::{Access, Shown, Unfit, check_access};
pub use cache::{CacheFigures, CacheLimits, NotPlanned, PlanCache, PlannedSql, Planning};
pub use drill::{DrillOptions, drill};
pub use guard::{Finding, GuardedPlan, Outcome, Policy, Refusal, TimeFilter, guard};
pub use model::sources_of;
pub use output::{OutputColumn, OutputRole};
pub use plan::{Plan, PlanError, PlanOptions, plan};
pub use prepared::Prepared;
pub use query::{QueryError, plan_sql};
pub use remote::{Divided, Remote, RemotePart, RemoteQuery};
pub use run::{
    Answer, Begun, Carried, Executor, RunError, RunLimits, Runtime, Sent, Sources, Work,
    WorkerLost, run,
};
pub use split::{Execution, KEYS_MOST, RunOptions, SourceQuery};
pub use sql::{Dialect, NOT_DETERMINISTIC, Sql, Unsupported};
pub use types::{arrow_schema, arrow_type};
