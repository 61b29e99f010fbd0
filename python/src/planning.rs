//! From an IR to what each source is asked: bound, planned, guarded, split.

use air_engine::{Dialect, Execution, Planning, RunOptions, Sql, cells};
use air_ir::{Bindings, Ir};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::fault::{Fault, Stage};
use crate::inner::{Inner, Ready};

/// An IR with the values of its parameters, about one source first.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) ir: Ir,
    pub(crate) id: String,
    /// What `today` and the like refer to.
    pub(crate) now: Timestamp,
}

impl Order {
    /// Reads an IR and binds its parameters; the filters of one that is null fall away.
    pub(crate) fn read(ir: &str, id: &str, params: &str, now: Timestamp) -> Result<Self, Fault> {
        let ir = Ir::parse_str(ir).map_err(|errors| Fault::ir(Stage::Ir, errors))?;
        let params: Map<String, Value> = serde_json::from_str(params)
            .map_err(|bad| Fault::setting("params", bad.to_string()))?;
        let (absent, given): (Vec<_>, Vec<_>) =
            params.into_iter().partition(|(_, value)| value.is_null());
        let bindings = Bindings {
            values: given.into_iter().collect(),
            optional: absent.into_iter().map(|(name, _)| name).collect(),
        };
        let ir = ir.bind(&bindings).map_err(|errors| Fault::ir(Stage::Ir, errors))?;
        Ok(Self { ir, id: id.to_owned(), now })
    }
}

/// One line for each stage.
pub(crate) fn planned(inner: &Inner, order: &Order) -> Result<(Ready, Execution), Fault> {
    let ready = inner.ready(&order.id, &air_engine::sources_of(&order.ir))?;
    let (options, policy) = (inner.settings.plan_options(order.now), inner.settings.policy());
    let planning = Planning { prepared: &ready.prepared, options: &options, policy: &policy };
    let guarded = inner.plans.guarded(&order.ir, &planning)?;
    let execution = guarded.execution_with(inner.settings.options())?;
    Ok((ready, execution))
}

/// What each source is asked; for files, the plan as text, which is for people.
pub(crate) fn source_sql(
    id: &str,
    execution: &Execution,
    options: RunOptions,
) -> Result<Vec<Value>, Fault> {
    if execution.queries().is_empty() {
        let guarded = execution.guarded();
        return Ok(vec![match guarded.sql(Dialect::Datafusion) {
            Ok(sql) => told(id, &sql),
            // What is computed across groups runs here and has no SQL: the plan itself is told.
            Err(_) => json!({"source": id, "dialect": Dialect::Datafusion.as_str(),
                "sql": guarded.display(), "params": [], "rows": null}),
        }]);
    }
    let queries = execution.told(options)?;
    Ok(queries.iter().map(|query| told(&query.source, &query.sql)).collect())
}

pub(crate) fn told(source: &str, sql: &Sql) -> Value {
    json!({"source": source, "dialect": sql.dialect.as_str(), "sql": sql.text,
        "params": cells::scalars(&sql.params), "rows": null})
}
