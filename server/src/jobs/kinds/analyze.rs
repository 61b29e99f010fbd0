//! What is in a source or in the rows of a run: figures of each column, and the checks.
//!
//! In: a source's tables, which are asked by runs of their own, so that whatever limits the user's
//! runs limits these; or a run's rows as they were kept. Out: JSON, and Markdown that holds the
//! same figures. What the EDA service tells of the rows (`examine`) stands with each table; where
//! it is away, the result says which parts are missing. Of a run, its findings become an analysis
//! of the run.

mod examine;
mod figures;
mod rows;
mod share;
mod text;

use air_ir::{Table, Verdict};
use datafusion::arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::examine::Examining;
use self::figures::Figures;
use self::share::Share;
use super::problem;
use crate::access;
use crate::contract::types::{AnalyzeOptions, EdaFinding, ErrorCode};
use crate::id::{DatasourceId, RunId};
use crate::jobs::Task;
use crate::pipeline::{self, Finished, Question, findings, order, retention, snapshot, sources};
use crate::problem::ApiError;
use crate::results;
use crate::store::{NewAnalysis, Run};

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

/// Of the work on a table, what its figures take, in percent.
const FIGURES: usize = 30;

pub(super) async fn perform(task: &Task) -> Result<Value, ApiError> {
    let asked: AnalyzeJob = task.input()?;
    let mut examining = Examining::new(task, &asked.options);
    let mut analyzed = None;
    let (name, tables) = match &asked.subject {
        Subject::Run(id) => {
            let run = seen(task, id).await?;
            let table = Box::pin(of_run(task, &run, &mut examining)).await?;
            analyzed = Some(run);
            ("the rows of a run".to_owned(), vec![table])
        }
        Subject::Source { datasource_id, tables } => {
            let of = (datasource_id, tables.as_slice());
            let found = Box::pin(of_source(task, of, &asked.now, &mut examining)).await?;
            (datasource_id.to_string(), found)
        }
    };
    let eda = examining.told(&tables);
    let title = asked.scope.unwrap_or(name);
    let analysis_md = text::markdown(&title, &tables, &eda);
    if let Some(run) = analyzed {
        judged(task, &run, &tables[0]["eda"], &analysis_md).await?;
    }
    let (subject, now) = (asked.subject, asked.now);
    Ok(json!({"subject": subject, "now": now, "tables": tables, "eda": eda,
        "analysis_md": analysis_md}))
}

/// The tables of a source, one after the other; one that fails takes no other with it.
async fn of_source(
    task: &Task,
    (id, named): (&DatasourceId, &[String]),
    now: &str,
    examining: &mut Examining<'_>,
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
    for (index, table) in tables.iter().enumerate() {
        let name = table.qualified_name();
        // By name: what was learned since an earlier attempt may have other tables.
        if done.iter().any(|one| one["table"] == *name) {
            continue;
        }
        let share = Share::WHOLE.piece(index, tables.len());
        task.step(share.at(0, 1), format!("reading {name}"));
        let read = Box::pin(task.persistently(|| of_table(task, id, table, now))).await;
        let mut shown = match read {
            Ok(read) => read,
            Err(error) if task.stop.is_cancelled() => return Err(error),
            Err(error) => json!({"table": name, "error": problem(&error)}),
        };
        if examining.is_on() && shown["error"].is_null() {
            let share = share.after(FIGURES);
            shown["eda"] = Box::pin(examined(task, (id, table), now, examining, share)).await?;
        } else if task.app.eda.is_on() {
            shown["eda"] = examining.without("The table could not be read.");
        }
        done.push(shown);
        task.checkpoint(&json!(done)).await?;
    }
    Ok(done)
}

/// What the EDA service tells of the first rows of a table.
async fn examined(
    task: &Task,
    (id, table): (&DatasourceId, &Table),
    now: &str,
    examining: &mut Examining<'_>,
    share: Share,
) -> Result<Value, ApiError> {
    let read = Box::pin(task.persistently(|| rows::of_table(task, id, table, now))).await;
    match read {
        Ok(looked) => examining.of(&looked, &table.qualified_name(), share).await,
        Err(error) if task.stop.is_cancelled() => Err(error),
        Err(error) => Ok(examining.without(&error.detail)),
    }
}

/// The figures of a table, by as many runs as its columns take.
async fn of_table(
    task: &Task,
    id: &DatasourceId,
    table: &Table,
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
        let question = order::question(figures.ir().as_object().cloned(), None, None)?;
        let finished = run(task, id, question, now).await?;
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

async fn run(
    task: &Task,
    id: &DatasourceId,
    question: Question,
    now: &str,
) -> Result<Finished, ApiError> {
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

/// A run, if who asked may see its rows.
async fn seen(task: &Task, id: &RunId) -> Result<Run, ApiError> {
    let run = task.app.store.runs().get(id).await?;
    let principal = task.principal()?;
    if !principal.owns_or_admin(&run.owner) {
        return Err(ApiError::not_found("run", id));
    }
    access::require_same(&task.app, &principal, &run)?;
    Ok(run)
}

/// The rows that a run kept, and its verdict.
async fn of_run(task: &Task, run: &Run, examining: &mut Examining<'_>) -> Result<Value, ApiError> {
    task.step(10, "reading the rows of the run");
    let rows = task.unless_stopped(snapshot::rows(&task.app, run)).await?;
    let Some(rows) = rows else { return Err(retention::gone(run)) };
    task.step(20, "counting");
    let columns = task.unless_stopped(counted(task, rows.clone())).await?;
    let checks = run.verdict.as_ref().map(|verdict| verdict["checks"].clone()).unwrap_or_default();
    let looked = rows::of_run(task, run, rows)?;
    let notes: &[&str] =
        if looked.cut { &["The rows that were kept are not all there are."] } else { &[] };
    let mut shown = json!({"table": run.id, "rows": looked.rows.num_rows(), "columns": columns,
        "checks": checks, "notes": notes, "run_ids": [run.id]});
    if examining.is_on() {
        shown["eda"] = examining.of(&looked, "the run", Share::WHOLE.after(FIGURES)).await?;
    }
    Ok(shown)
}

/// The figures of rows, on the engine's threads and within its memory.
async fn counted(task: &Task, rows: RecordBatch) -> Result<Vec<Value>, ApiError> {
    let runtime = task.app.engine.runtime.clone();
    let work = async move { figures::of_rows(&runtime.session(), &rows).await };
    let gone = || ApiError::new(ErrorCode::Unavailable, "The service is shutting down.");
    let counting = task.app.engine.spawn(work).ok_or_else(gone)?;
    counting.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

/// Keeps what the EDA service found as a later judgement of the run, whose answer stays as it is.
async fn judged(task: &Task, run: &Run, eda: &Value, analysis_md: &str) -> Result<(), ApiError> {
    let looked = !eda["profile"].is_null() || !eda["outliers"].is_null();
    let (true, true, Some(verdict)) = (looked, task.app.config.eda.enabled, &run.verdict) else {
        return Ok(());
    };
    let found = Vec::<EdaFinding>::deserialize(&eda["findings"]).map_err(ApiError::internal)?;
    let verdict = Verdict::deserialize(verdict).map_err(ApiError::internal)?;
    let verdict =
        Verdict { analysis_md: Some(analysis_md.to_owned()), ..findings::added(verdict, &found) };
    let new = NewAnalysis {
        model_used: None,
        rubric_version: verdict.rubric_version.clone(),
        verdict: json!(verdict),
        analysis_md: Some(analysis_md.to_owned()),
        model: None,
    };
    task.app.store.analyses().add(&run.id, &new).await?;
    Ok(())
}
