//! What is in a source or in the rows of a run: figures of each column, and the checks.
//!
//! In: a source's tables, which are asked by runs of their own, so that whatever limits the user's
//! runs limits these; or a run's rows as they were kept. Out: JSON, and Markdown that holds the
//! same figures. Absent on purpose: correlations, outliers and trends, which are the EDA
//! service's; where it is away, the result says so.

mod figures;
mod text;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::figures::Figures;
use super::{percent, problem};
use crate::access;
use crate::contract::types::{AnalyzeOptions, ErrorCode};
use crate::id::{DatasourceId, RunId};
use crate::jobs::Task;
use crate::pipeline::{self, Finished, order, sources};
use crate::problem::ApiError;
use crate::results;

/// Columns of one run: an IR with more metrics would be no report that anybody reads.
const COLUMNS_AT_ONCE: usize = 12;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    Run(RunId),
    /// A source; all its tables where none is named.
    Source {
        datasource_id: DatasourceId,
        tables: Vec<String>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AnalyzeJob {
    pub(crate) subject: Subject,
    /// What the caller calls it.
    pub(crate) scope: Option<String>,
    pub(crate) options: AnalyzeOptions,
    /// Fixed when it was asked for.
    pub(crate) now: String,
}

pub(super) async fn perform(task: &Task) -> Result<Value, ApiError> {
    let asked: AnalyzeJob = task.input()?;
    let (name, tables) = match &asked.subject {
        Subject::Run(run) => {
            let run = task.unless_stopped(of_run(task, run)).await?;
            ("the rows of a run".to_owned(), vec![run])
        }
        Subject::Source { datasource_id, tables } => {
            let found = Box::pin(of_source(task, datasource_id, tables, &asked.now)).await?;
            (datasource_id.to_string(), found)
        }
    };
    let eda = eda(task, &asked.options);
    let title = asked.scope.unwrap_or(name);
    let analysis_md = text::markdown(&title, &tables, &eda);
    let (subject, now) = (asked.subject, asked.now);
    Ok(json!({"subject": subject, "now": now, "tables": tables, "eda": eda,
        "analysis_md": analysis_md}))
}

/// What the EDA service would have added.
fn eda(task: &Task, wanted: &AnalyzeOptions) -> Value {
    let parts = [
        ("correlations", wanted.correlations),
        ("outliers", wanted.outliers),
        ("trends", wanted.trends),
    ];
    let missing: Vec<&str> =
        parts.iter().filter(|(_, wanted)| wanted.unwrap_or(true)).map(|(name, _)| *name).collect();
    let (status, detail) = match task.app.config.python.enabled {
        true => ("away", "The EDA service does not take part in analyses yet."),
        false => ("off", "The EDA service is off; python.enabled turns it on."),
    };
    json!({"status": status, "detail": detail, "missing": missing})
}

/// The tables of a source, one after the other; one that fails takes no other with it.
async fn of_source(
    task: &Task,
    id: &DatasourceId,
    named: &[String],
    now: &str,
) -> Result<Vec<Value>, ApiError> {
    let catalog = sources::prepared(&task.app, &task.principal()?, id).await?;
    let tables: Vec<_> = catalog
        .catalog()
        .tables
        .iter()
        .filter(|table| named.is_empty() || named.contains(&table.qualified_name()))
        .collect();
    let mut done: Vec<Value> =
        task.job.checkpoint.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    for (index, table) in tables.iter().enumerate().skip(done.len()) {
        let name = table.qualified_name();
        task.step(percent(index, tables.len()), format!("reading {name}"));
        let read = Box::pin(task.persistently(|| of_table(task, id, table, now))).await;
        done.push(match read {
            Ok(read) => read,
            Err(error) if task.stop.is_cancelled() => return Err(error),
            Err(error) => json!({"table": name, "error": problem(&error)}),
        });
        task.checkpoint(&json!(done)).await?;
    }
    Ok(done)
}

/// The figures of a table, by as many runs as its columns take.
async fn of_table(
    task: &Task,
    id: &DatasourceId,
    table: &air_ir::Table,
    now: &str,
) -> Result<Value, ApiError> {
    let name = table.qualified_name();
    let readable: Vec<&air_ir::Column> =
        table.columns.iter().filter(|c| c.data_type != air_ir::DataType::Unreadable).collect();
    let (mut columns, mut runs, mut checks, mut notes) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut rows = Value::Null;
    for part in readable.chunks(COLUMNS_AT_ONCE) {
        let figures = Figures::of(&name, part);
        let finished = run(task, id, figures.ir(), now).await?;
        let row = results::json_rows(&finished.rows).into_iter().next().unwrap_or_default();
        rows = row.get("rows").cloned().unwrap_or_default();
        columns.extend(figures.read(&row));
        runs.push(json!(finished.run_id));
        checks.extend(finished.verdict.checks.iter().map(|check| json!(check)));
        // A range of time that was put in bounds what was counted, so it is said.
        let told = finished.safety_report.iter();
        notes.extend(told.filter(|r| r.outcome.as_str() == "injected").map(|r| json!(r.detail)));
    }
    notes.dedup();
    Ok(json!({"table": name, "rows": rows, "columns": columns,
        "checks": checks, "notes": notes, "run_ids": runs}))
}

async fn run(task: &Task, id: &DatasourceId, ir: Value, now: &str) -> Result<Finished, ApiError> {
    let question = order::question(ir.as_object().cloned(), None, None)?;
    let mut order = order::of_question(
        &task.principal()?,
        id.clone(),
        question,
        None,
        Some(now),
        task.deadline(),
    )?;
    order.job = Some(task.tie());
    pipeline::report(&task.app, order).await
}

/// The rows that a run kept, and its verdict.
async fn of_run(task: &Task, id: &RunId) -> Result<Value, ApiError> {
    let run = task.app.store.runs().get(id).await?;
    let principal = task.principal()?;
    if !principal.owns_or_admin(&run.owner) {
        return Err(ApiError::not_found("run", id));
    }
    access::require_same(&task.app, &principal, &run)?;
    let Some(file) = &run.snapshot_file else {
        return Err(ApiError::new(ErrorCode::NotFound, "The run kept no rows."));
    };
    task.step(10, "reading the rows of the run");
    let path = task.app.config.execution.snapshot_dir.join(file);
    let read = tokio::task::spawn_blocking(move || {
        let kept = results::Kept::open(&path)?;
        kept.batch(0..kept.row_count())
    });
    let read = read.await;
    let rows = read.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    task.step(50, "counting");
    let columns = figures::of_rows(&rows).await.map_err(ApiError::internal)?;
    let checks = run.verdict.as_ref().map(|verdict| verdict["checks"].clone()).unwrap_or_default();
    let kept = i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
    let cut = run.row_count.is_some_and(|all| all > kept) || run.truncated == Some(true);
    let notes: &[&str] =
        if cut { &["The rows that were kept are not all there are."] } else { &[] };
    Ok(json!({"table": id, "rows": rows.num_rows(), "columns": columns, "checks": checks,
        "notes": notes, "run_ids": [id]}))
}
