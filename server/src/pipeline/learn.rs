//! Learning a source: its catalog and schema notes into the control plane; and its health.

mod enrich;

use std::sync::Arc;
use std::time::Instant;

use air_connectors::LearnOptions;
use air_ir::{Catalog, DataType};
use serde_json::json;

use super::order::Pace;
use super::sources;
use crate::contract::types::{ErrorCode, Health, HealthStatus, LearnRequest, LearnResult};
use crate::id::DatasourceId;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{CatalogRecord, Datasource, Moment, NoteText};

/// Hears of each step of learning, and its share of the whole in percent.
pub(crate) type Hearing = Arc<dyn Fn(&str, u8) + Send + Sync>;

/// Reads what the source holds, and keeps it.
pub(crate) async fn learn(
    app: &Arc<App>,
    id: &DatasourceId,
    wanted: &LearnRequest,
    deadline: Instant,
    (pace, progress): (Pace, Hearing),
) -> Result<LearnResult, ApiError> {
    let begin = Instant::now();
    let datasource = app.store.datasources().get(id).await?;
    let source = sources::open(app, &datasource, pace)?;
    let options = options(app, &datasource, wanted);
    let with_stats = options.include_stats;
    let telling = Arc::clone(&progress);
    let runtime = app.engine.runtime.clone();
    let work = async move { source.learn(&runtime.session(), &options, &*progress).await };
    let gone = || ApiError::new(ErrorCode::Unavailable, "The service is shutting down.");
    let work = app.engine.spawn(work).ok_or_else(gone)?;
    let learned = tokio::time::timeout_at(deadline.into(), work).await;
    let late = |_| ApiError::new(ErrorCode::Timeout, "Learning did not end in time.");
    let mut catalog = learned.map_err(late)?.map_err(ApiError::internal)??;
    let mut warnings = Vec::new();
    if with_stats {
        telling("statistics that the source does not have", 99);
        warnings = enrich::enrich(app, &datasource, &mut catalog, pace, deadline).await;
    }
    let learned = keep(app, id, &catalog, begin).await?;
    Ok(LearnResult { warnings, ..learned })
}

fn options(app: &App, datasource: &Datasource, wanted: &LearnRequest) -> LearnOptions {
    let learning = &app.config.learning;
    // Files that somebody uploaded say nothing of themselves: what they hold is all there is.
    let is_session = datasource.owner.is_some();
    LearnOptions {
        include_stats: wanted.include_stats.unwrap_or(learning.include_stats || is_session),
        find_keys: is_session,
        sample_values: wanted.sample_values.unwrap_or(true)
            && learning.sample_values
            && datasource.sample_values,
        max_values: learning.max_values,
        infer_rows: usize::try_from(app.config.files.infer_rows).unwrap_or(usize::MAX),
        time_limit: learning.value_timeout,
    }
}

async fn keep(
    app: &App,
    id: &DatasourceId,
    catalog: &Catalog,
    begin: Instant,
) -> Result<LearnResult, ApiError> {
    let learned = serde_json::to_value(catalog).map_err(ApiError::internal)?;
    let (record, changes) = app.store.catalogs().put_learned(id, &learned, kept_notes).await?;
    let columns = || {
        let tables = catalog.tables.iter();
        tables.flat_map(|table| table.columns.iter().map(move |column| (table, column)))
    };
    let unreadable = columns().filter(|(_, column)| column.data_type == DataType::Unreadable);
    let count = |n: usize| n as u64;
    Ok(LearnResult {
        datasource_id: id.clone(),
        catalog_version: record.tag(),
        learned_at: record.learned_at.to_string(),
        tables: count(catalog.tables.len()),
        columns: count(columns().count()),
        notes_written: count(changes.written),
        notes_unchanged: count(changes.unchanged),
        unreadable: unreadable
            .map(|(table, column)| format!("{}.{}", table.qualified_name(), column.name))
            .collect(),
        warnings: Vec::new(),
        duration_ms: begin.elapsed().as_secs_f64() * 1000.0,
    })
}

/// What was learned, as far as somebody sees it.
pub(crate) fn shown(learned: LearnResult, seen: &Catalog) -> LearnResult {
    let names = |table: &air_ir::Table| {
        let of = table.qualified_name();
        table.columns.iter().map(|c| format!("{of}.{}", c.name)).collect::<Vec<_>>()
    };
    let known: std::collections::BTreeSet<String> = seen.tables.iter().flat_map(names).collect();
    LearnResult {
        tables: seen.tables.len() as u64,
        columns: known.len() as u64,
        unreadable: learned.unreadable.into_iter().filter(|name| known.contains(name)).collect(),
        ..learned
    }
}

/// The notes of what is kept of a source.
pub(crate) fn kept_notes(record: &CatalogRecord) -> Result<Vec<NoteText>, ApiError> {
    Ok(notes_of(&sources::edited(record)?))
}

/// The notes of a catalog.
pub(crate) fn notes_of(catalog: &Catalog) -> Vec<NoteText> {
    let text = |note: air_connectors::Note| NoteText {
        object: note.object,
        chunk: i64::from(note.chunk),
        md: note.md,
    };
    air_connectors::notes(catalog).into_iter().map(text).collect()
}

/// Reaches the source now, and keeps what was found.
pub(crate) async fn health(app: &App, id: &DatasourceId) -> Result<Health, ApiError> {
    let datasource = app.store.datasources().get(id).await?;
    let begin = Instant::now();
    let found = match sources::open(app, &datasource, Pace::Request) {
        Ok(source) => source.health().await.map_err(ApiError::from),
        Err(error) => Err(error),
    };
    let checked_at = Some(Moment::now().to_string());
    let health = match found {
        Ok(found) => Health {
            status: HealthStatus::Ok,
            checked_at,
            latency_ms: Some(found.latency_ms),
            detail: Some(found.detail),
        },
        Err(error) => Health {
            status: HealthStatus::Failing,
            checked_at,
            latency_ms: Some(begin.elapsed().as_secs_f64() * 1000.0),
            // What is wrong is with the one thing that does not fit.
            detail: error.errors.first().map(|e| e.detail.clone()).or(Some(error.detail)),
        },
    };
    app.store.datasources().set_health(id, &json!(health)).await?;
    Ok(health)
}
