//! The values of columns for those who see only some of their rows.
//!
//! In: sources as somebody sees them, who is kept from rows; their catalog holds no values of
//! such tables, since those were learned from all rows. Out: the catalog with the values of the
//! rows that they do see, read as any question of theirs is, by planner and guard, and kept for a
//! while for whoever sees the same. Absent on purpose: values that were not learned, and columns
//! that are not shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use air_ir::catalog::ValueDictionary;
use air_ir::{Catalog, Ir};
use serde_json::json;

use super::{Asked, drafting};
use crate::pipeline::sources::Ready;
use crate::pipeline::{self, Clock, Question, cost, engine};
use crate::results;
use crate::service::App;
use crate::store::checksum;

/// Columns that are read for one catalog, and the time for all of them.
const MOST_COLUMNS: usize = 32;
const LONGEST: Duration = Duration::from_secs(5);
/// What was read is read again after this time.
const MAX_AGE: Duration = Duration::from_secs(600);
/// Views whose values are kept.
const MOST_VIEWS: usize = 64;

/// Catalogs with values by the version that those without have, which tells views apart.
#[derive(Default)]
pub(crate) struct Dictionaries(Mutex<HashMap<String, (Instant, Arc<Catalog>)>>);

impl Dictionaries {
    fn find(&self, version: &str) -> Option<Arc<Catalog>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, catalog) = kept.get(version)?;
        (read.elapsed() < MAX_AGE).then(|| Arc::clone(catalog))
    }

    fn keep(&self, version: String, catalog: &Arc<Catalog>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_VIEWS {
            kept.clear();
        }
        kept.insert(version, (Instant::now(), Arc::clone(catalog)));
    }
}

/// The catalog by which a question is read.
pub(super) async fn catalog(app: &Arc<App>, asked: &Asked, ready: &Ready) -> Arc<Catalog> {
    let shown = ready.prepared.catalog();
    let wanted = wanted(ready, shown);
    if wanted.is_empty() {
        return Arc::clone(shown);
    }
    if let Some(kept) = app.dictionaries.find(&shown.version) {
        return kept;
    }
    // It reads as a run does, and has the place of one.
    let Ok(slot) = app.running.place(&asked.principal.sub, None).await else {
        return Arc::clone(shown);
    };
    let deadline = asked.deadline.min(Instant::now() + LONGEST);
    let mut whole = true;
    let mut catalog = Catalog::clone(shown);
    for Wanted { table, column, most, complete } in wanted {
        let (name, field) = {
            let table = &catalog.tables[table];
            (table.qualified_name(), table.columns[column].name.clone())
        };
        let read = read(app, asked, ready, (&name, &field), most);
        let read = tokio::time::timeout_at(deadline.into(), read);
        let found = tokio::select! {
            biased;
            () = slot.cancelled() => None,
            found = read => found.ok(),
        };
        let Some(found) = found else {
            whole = false;
            break;
        };
        let found =
            found.map(|found| ValueDictionary { complete: found.complete && complete, ..found });
        catalog.tables[table].columns[column].values = found;
    }
    // Words are indexed by it: other values are another catalog.
    let values: Vec<_> =
        catalog.tables.iter().flat_map(|table| &table.columns).map(|c| &c.values).collect();
    catalog.version = format!("{}+{}", shown.version, checksum(&json!(values)));
    let catalog = Arc::new(catalog);
    if whole {
        app.dictionaries.keep(shown.version.clone(), &catalog);
    }
    catalog
}

struct Wanted {
    table: usize,
    column: usize,
    most: usize,
    complete: bool,
}

/// The columns that are shown without the values that were learned of them.
fn wanted(ready: &Ready, shown: &Catalog) -> Vec<Wanted> {
    let whole = ready.members.first().filter(|_| ready.restricted);
    let Some(whole) = whole.map(|member| &member.catalog) else { return Vec::new() };
    let mut wanted = Vec::new();
    for (t, table) in shown.tables.iter().enumerate() {
        let name = table.qualified_name();
        let Some(learned) = whole.tables.iter().find(|whole| whole.qualified_name() == name) else {
            continue;
        };
        for (c, column) in table.columns.iter().enumerate() {
            let values = learned.column(&column.name).and_then(|learned| learned.values.as_ref());
            if let Some(values) = values.filter(|_| column.values.is_none()) {
                let most = values.counts.len().max(1);
                wanted.push(Wanted { table: t, column: c, most, complete: values.complete });
            }
        }
    }
    wanted.truncate(MOST_COLUMNS);
    wanted
}

/// The values of a column in the rows that are seen, if they can be had.
async fn read(
    app: &Arc<App>,
    asked: &Asked,
    ready: &Ready,
    (table, column): (&str, &str),
    most: usize,
) -> Option<ValueDictionary> {
    let most = u64::try_from(most).ok()?.min(app.config.safety.max_row_limit);
    let ir = json!({"entities": [table], "dimensions": [{"name": "value", "field": column}],
        "metrics": [{"name": "rows", "agg": "count"}], "limit": most});
    let order = drafting::order(asked, Question::Ir(Box::new(Ir::parse(&ir).ok()?)));
    let bound = pipeline::bound(&order).ok()?;
    let guarded =
        pipeline::guarded(app, &order, &bound, &ready.prepared, &mut Clock::start()).ok()?;
    // The guard says in a note where it let only recent rows be read.
    let all = guarded.notes().is_empty();
    let execution = guarded.execution_with(engine::options(app)).ok()?;
    cost::checked(app, ready, &execution).await.ok()?;
    let answer = engine::execute(app, ready, execution).await.ok()?.answer;
    let counts = results::json_rows(&answer.rows).into_iter().filter_map(|row| {
        let value = row.get("value")?.as_str()?.to_owned();
        Some((value, row.get("rows")?.as_u64()?))
    });
    Some(ValueDictionary { complete: all && !answer.truncated, counts: counts.collect() })
}
