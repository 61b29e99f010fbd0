//! Learning a source: its catalog, from the source itself or as it was kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use air_connectors::LearnOptions;
use air_ir::{Catalog, DataType};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::{Fault, Stage};
use crate::inner::{Inner, Learned};

/// How thoroughly, as `Engine.learn` was called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    include_stats: bool,
    sample_values: bool,
    find_keys: bool,
    /// Seconds.
    timeout: Option<f64>,
}

impl Wanted {
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|bad| Fault::setting("learn", bad.to_string()))
    }
}

/// Reads what the source holds, and keeps it; tells what was found.
pub(crate) async fn learn(inner: Arc<Inner>, id: String, wanted: Wanted) -> Result<Value, Fault> {
    let begin = Instant::now();
    let registered = inner.registered(&id)?;
    let options = LearnOptions {
        include_stats: wanted.include_stats,
        sample_values: wanted.sample_values,
        find_keys: wanted.find_keys,
        ..LearnOptions::default()
    };
    let session = inner.runtime.session();
    let learned = registered.source.learn(&session, &options, &|_: &str, _: u8| ());
    let learned = match wanted.timeout.and_then(|s| Duration::try_from_secs_f64(s).ok()) {
        None => learned.await,
        Some(limit) => tokio::time::timeout(limit, learned).await.map_err(|_| {
            let message = format!("learning \"{id}\" did not end in time");
            Fault::new(Stage::Source, "timeout", message).at_source(&id)
        })?,
    };
    let learned = learned.map_err(|error| Fault::from(error).at_source(&id))?;
    let learned = Arc::new(Learned::new(learned));
    inner.keep(&registered, Arc::clone(&learned));
    Ok(found(learned.catalog(), begin.elapsed()))
}

/// In the words of the service's answer to `POST /v1/learn`.
fn found(catalog: &Catalog, took: Duration) -> Value {
    let columns = || {
        let tables = catalog.tables.iter();
        tables.flat_map(|table| table.columns.iter().map(move |column| (table, column)))
    };
    let unreadable = columns().filter(|(_, column)| column.data_type == DataType::Unreadable);
    let name = |(table, column): (&air_ir::Table, &air_ir::Column)| {
        format!("{}.{}", table.qualified_name(), column.name)
    };
    json!({
        "datasource_id": catalog.source,
        "catalog_version": catalog.version,
        "tables": catalog.tables.len(),
        "columns": columns().count(),
        "unreadable": unreadable.map(name).collect::<Vec<_>>(),
        "duration_ms": took.as_secs_f64() * 1000.0,
    })
}

/// Takes a catalog that was learned before, perhaps with people's edits in it.
pub(crate) fn load(inner: &Inner, id: &str, catalog: &str) -> Result<(), Fault> {
    let registered = inner.registered(id)?;
    let bad = |what: String| Fault::setting("catalog", what);
    let catalog: Catalog = serde_json::from_str(catalog)
        .map_err(|cause| bad(format!("this is no catalog: {cause}")))?;
    if catalog.source != id || catalog.kind != registered.kind {
        let (source, kind) = (&catalog.source, crate::inner::kind_name(catalog.kind));
        return Err(bad(format!("this is the catalog of the source \"{source}\" of kind {kind}")));
    }
    inner.keep(&registered, Arc::new(Learned::new(catalog)));
    Ok(())
}
