//! Running an execution on the engine's own threads.
//!
//! In: an order. Out: its rows in the IR's zone with all that is known of them, or why there are
//! none. A run ends at its time limit; dropping its task stops the work.

use std::sync::Arc;

use air_connectors::SourceError;
use air_connectors::running::{self, NoPlace};
use air_engine::qa::{self, Evidence};
use air_engine::{Answer, Execution, OutputColumn, OutputRole, RunError, cells};
use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use serde_json::{Value, json};

use crate::fault::{Fault, Stage, report};
use crate::inner::{Inner, Ready};
use crate::planning::{Order, planned, source_sql, told};

/// Rows, and what `air.Result` tells of them, as JSON.
pub(crate) struct Ran {
    pub(crate) rows: RecordBatch,
    pub(crate) about: Value,
}

/// Runs an order from its IR to its rows.
pub(crate) async fn run(inner: Arc<Inner>, order: Order) -> Result<Ran, Fault> {
    let (ready, execution) = planned(&inner, &order)?;
    let sql = source_sql(&order.id, &execution, inner.settings.options())?;
    let limit = inner.settings.timeout();
    let answer = tokio::time::timeout(limit, execute(&inner, &ready, &execution)).await;
    let answer = answer.map_err(|_| timed_out(limit.as_secs_f64()))??;
    let (bytes, most) = (cells::bytes(&answer.rows), inner.settings.max_result);
    if bytes > most {
        let what = format!("the rows take {bytes} bytes, above the {most} of max_result");
        return Err(limited(what, "Ask for fewer rows or columns, or raise max_result."));
    }
    finished(&order, &execution, answer, sql)
}

async fn execute(inner: &Inner, ready: &Ready, execution: &Execution) -> Result<Answer, Fault> {
    let sources = running::gather(&ready.members, execution).await;
    let sources = sources.map_err(|error| Fault::from(*error.cause).at_source(&error.source_id))?;
    let most = inner.settings.connections;
    let _places = running::places(&ready.members, execution, most).await.map_err(no_place)?;
    match air_engine::run(execution, &sources, &inner.runtime).await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(explained(inner, ready, execution, error).await),
    }
}

/// A run that asks a source more queries at once than it may have connections.
fn no_place(error: NoPlace) -> Fault {
    match error {
        NoPlace::TooMany { source_id, wanted, most } => {
            let what = format!(
                "the run asks {source_id} {wanted} queries at once, and connections is {most}"
            );
            limited(what, "Raise connections, or ask for fewer metrics at once.")
        }
        NoPlace::Closed(cause) => Fault::internal(cause),
    }
}

/// Why a run gave no rows, with the file that is at fault where one is.
async fn explained(inner: &Inner, ready: &Ready, execution: &Execution, error: RunError) -> Fault {
    match error {
        RunError::Memory(_) => limited(
            "the run needs more memory than the engine has".to_owned(),
            "Narrow it by a filter, or give Engine more memory.",
        ),
        RunError::Overflow(_) => Fault::overflow(),
        RunError::Source { source_id, cause } => from_source(&source_id, &cause),
        RunError::Engine(cause) => {
            let session = inner.runtime.session();
            running::explain(&ready.members, execution, &session, &cause).await.into()
        }
        error => {
            // What is left says itself what to do: learn again, or ask for less.
            let (stage, code) = match error {
                RunError::NoTable(_) => (Stage::Source, "source_error"),
                RunError::Worker { .. } => (Stage::Run, "unavailable"),
                _ => (Stage::Run, "too_large"),
            };
            Fault::new(stage, code, error.to_string())
        }
    }
}

/// Why a database gave no rows; it is named.
fn from_source(id: &str, cause: &DataFusionError) -> Fault {
    match air_connectors::explain(cause) {
        SourceError::Database(error) if error.is_overflow() => Fault::overflow().at_source(id),
        SourceError::Engine { reason } => {
            let what = format!("the source \"{id}\" failed: {reason}");
            Fault::new(Stage::Source, "source_error", what).at_source(id)
        }
        error => Fault::from(error).at_source(id),
    }
}

fn timed_out(seconds: f64) -> Fault {
    let what = format!("the run did not end within {seconds} s");
    let fault = Fault::new(Stage::Run, "timeout", what);
    let advice = "Narrow the question by a filter, or give Engine a longer timeout.";
    Fault { advice: Some(advice.to_owned()), ..fault }
}

fn limited(what: String, advice: &str) -> Fault {
    let fault = Fault::new(Stage::Run, "limit_exceeded", what);
    Fault { advice: Some(advice.to_owned()), ..fault }
}

/// The rows with what was sent for them, what the guard said, and what they say of themselves.
/// The checks that want further queries are left to the service.
fn finished(
    order: &Order,
    execution: &Execution,
    answer: Answer,
    planned: Vec<Value>,
) -> Result<Ran, Fault> {
    let guarded = execution.guarded();
    let verdict = qa::check(&Evidence {
        ir: &order.ir,
        columns: guarded.columns(),
        rows: &answer.rows,
        truncated: answer.truncated,
        now: order.now,
        time_zone: guarded.time_zone(),
        range: guarded.range(),
        totals: None,
        receipts: &[],
        latest: None,
        empty_filters: &[],
    });
    let sent = answer.sent.iter().map(|query| {
        let mut sent = told(&query.source, &query.sql);
        sent["rows"] = json!(query.rows);
        sent
    });
    let sql = if answer.sent.is_empty() { planned } else { sent.collect() };
    let about = json!({
        "columns": guarded.columns().iter().map(column).collect::<Vec<_>>(),
        "sql": sql,
        "truncated": answer.truncated,
        "time_zone": guarded.time_zone(),
        "notes": guarded.notes(),
        "safety_report": report(guarded.report()),
        "verdict": verdict,
    });
    let rows = cells::in_zone(&answer.rows, guarded.time_zone()).map_err(Fault::internal)?;
    Ok(Ran { rows, about })
}

/// A column as the service's results show it.
fn column(column: &OutputColumn) -> Value {
    let role = match (column.role, &column.bucket) {
        (OutputRole::Metric, _) => "measure",
        (OutputRole::Dimension, Some(_)) => "time",
        (OutputRole::Dimension, None) => "dimension",
    };
    json!({"name": column.name, "type": cells::data_type(&column.data_type), "role": role})
}
