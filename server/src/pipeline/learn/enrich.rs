//! Figures of columns that a source did not give, from the EDA service's profile of its rows.
//!
//! In: a catalog as it was learned with its statistics. Out: the same, where the service is there:
//! views, which databases keep no statistics of, and tables that nobody had analyzed, get share of
//! nulls, distinct values and the ends of numbers. Only what is missing is filled, and only where
//! every row was read: a figure of the first rows would pass for one of all. Learning sees the
//! source whole, so nothing that is told of a failure names a table or a column.

use std::sync::Arc;
use std::time::Instant;

use air_ir::catalog::Stats;
use air_ir::{Catalog, Column, DataType, Table};
use jiff::Timestamp;

use crate::contract::types::{EdaColumnProfile, EdaProfile, EdaProfileRequest, EdaType, ErrorCode};
use crate::eda::{EdaError, Sheet};
use crate::pipeline::order::Pace;
use crate::pipeline::sources::{self, Ready};
use crate::pipeline::{engine, first_rows, plan_options, policy};
use crate::problem::ApiError;
use crate::service::App;
use crate::store::Datasource;

/// Fills what is missing, as far as the time goes. What is told of the rest.
pub(super) async fn enrich(
    app: &Arc<App>,
    datasource: &Datasource,
    catalog: &mut Catalog,
    pace: Pace,
    deadline: Instant,
) -> Vec<String> {
    let gaps: Vec<usize> =
        (0..catalog.tables.len()).filter(|at| has_gaps(&catalog.tables[*at])).collect();
    if gaps.is_empty() || !app.eda.is_on() {
        return Vec::new();
    }
    let ready = match sources::as_learned(app, datasource, Arc::new(catalog.clone()), pace) {
        Ok(ready) => ready,
        Err(error) => return vec![told(&error)],
    };
    // What was learned must still be kept before the deadline.
    let left = deadline.saturating_duration_since(Instant::now()) / 2;
    let until = Instant::now() + left.min(app.config.learning.value_timeout);
    let mut warnings = Vec::new();
    for at in gaps {
        let looking = Box::pin(profile(app, &ready, &catalog.tables[at]));
        let looked = tokio::time::timeout_at(until.into(), looking).await;
        match looked {
            Ok(Ok(Some(profile))) => fill(&mut catalog.tables[at], &profile),
            // More rows than are read at once.
            Ok(Ok(None)) => {}
            Ok(Err(error)) => {
                warnings.push(told(&error));
                if error.code == ErrorCode::Unavailable {
                    break;
                }
            }
            Err(_) => {
                let late = "they took longer than learning.value_timeout.";
                warnings.push(format!("{INCOMPLETE} {late}"));
                break;
            }
        }
    }
    warnings.dedup();
    warnings
}

const INCOMPLETE: &str = "The statistics of some tables stayed incomplete:";

fn told(error: &ApiError) -> String {
    let why = match error.code {
        ErrorCode::Unavailable => error.detail.as_str(),
        _ => "their rows could not be read and looked at; the analysis of a table says why.",
    };
    format!("{INCOMPLETE} {why}")
}

/// Whether a figure is missing that its rows would give. A table of time is not read whole.
fn has_gaps(table: &Table) -> bool {
    let comparable = |column: &&Column| {
        !matches!(column.data_type, DataType::Unreadable | DataType::Binary | DataType::Json)
    };
    let missing = |column: &Column| match &column.stats {
        None => true,
        Some(stats) => stats.null_share.is_none() || stats.distinct.is_none(),
    };
    !table.time_series && table.columns.iter().filter(comparable).any(missing)
}

/// The profile of all rows of a table; none where there are more than are read.
async fn profile(
    app: &Arc<App>,
    ready: &Ready,
    table: &Table,
) -> Result<Option<EdaProfile>, ApiError> {
    let (columns, _) = first_rows::columns(table);
    let text = first_rows::text(table, &columns, app.config.safety.max_row_limit);
    let options = plan_options(app, Timestamp::now());
    let plan =
        air_engine::plan_sql(&text, &ready.prepared, &options).map_err(ApiError::internal)?;
    let guarded = air_engine::guard(plan, &policy(app))?;
    let execution = guarded.execution_with(engine::options(app))?;
    let answer = engine::execute(app, ready, execution).await?.answer;
    if answer.truncated {
        return Ok(None);
    }
    let sheet = tokio::task::spawn_blocking(move || Sheet::of(&answer.rows)).await;
    let sheet = sheet.map_err(ApiError::internal)?.map_err(EdaError::from)?;
    let seed = Some(app.config.eda.seed);
    let wanted = EdaProfileRequest { seed, ..EdaProfileRequest::default() };
    Ok(Some(app.eda.profile(&sheet, &wanted).await?))
}

/// Puts the figures into their columns, beside those there are.
fn fill(table: &mut Table, profile: &EdaProfile) {
    table.row_estimate.get_or_insert(profile.rows);
    for column in &mut table.columns {
        if let Some(found) = profile.columns.iter().find(|found| found.name == column.name) {
            let stats = column.stats.get_or_insert_with(Stats::default);
            let value = |name: &str| found.figures.get(name).map(|figure| &figure.value);
            stats.null_share = stats.null_share.or(value("null_share").and_then(|v| v.as_f64()));
            stats.distinct = stats.distinct.or(value("distinct").and_then(|v| v.as_u64()));
            if is_number(found) {
                stats.min = stats.min.take().or(value("min").and_then(shown));
                stats.max = stats.max.take().or(value("max").and_then(shown));
            }
        }
    }
}

/// Ends of other types are written as the connectors write them, by them alone.
fn is_number(found: &EdaColumnProfile) -> bool {
    matches!(found.r#type, EdaType::Integer | EdaType::Float)
}

fn shown(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(stats: serde_json::Value) -> Table {
        let column = json!({"name": "n", "data_type": "int64", "native_type": "int8",
            "nullable": true, "stats": stats});
        let table = json!({"name": "t", "kind": "view", "columns": [column]});
        serde_json::from_value(table).unwrap()
    }

    fn profile() -> EdaProfile {
        let figure = |value| json!({"value": value, "method": "count", "exact": true, "n_used": 4, "seed": null});
        let column = json!({"name": "n", "type": "integer", "arrow_type": "int64", "figures": {
            "null_share": figure(json!(0.25)), "distinct": figure(json!(2)),
            "min": figure(json!(-3)), "max": figure(json!("9007199254740993"))}});
        let profile = json!({"version": "1", "rows": 4, "columns": [column],
            "duplicate_rows": figure(json!(0)), "findings": [], "report_md": ""});
        serde_json::from_value(profile).unwrap()
    }

    #[test]
    fn what_is_missing_is_filled_and_what_is_there_stays() {
        let mut view = table(json!(null));
        assert!(has_gaps(&view));
        fill(&mut view, &profile());
        assert_eq!(view.row_estimate, Some(4));
        let filled = Stats {
            min: Some("-3".to_owned()),
            max: Some("9007199254740993".to_owned()),
            null_share: Some(0.25),
            distinct: Some(2),
        };
        assert_eq!(view.columns[0].stats, Some(filled));
        assert!(!has_gaps(&view));
        let mut known = table(json!({"min": "-5", "null_share": 0.5}));
        fill(&mut known, &profile());
        let stats = known.columns[0].stats.clone().unwrap();
        assert_eq!((stats.min.as_deref(), stats.null_share), (Some("-5"), Some(0.5)));
        assert_eq!(stats.distinct, Some(2));
        let whole = Table { time_series: true, ..table(json!(null)) };
        assert!(!has_gaps(&whole), "of a part of its rows nothing is filled");
    }
}
