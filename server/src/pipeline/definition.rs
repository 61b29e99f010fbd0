//! A report's definition (`def_json`): an IR with parameters, or SQL, which has none; checked
//! whole before it is saved.

pub(crate) mod shown;

use air_ir::{Bindings, Ir};
use jiff::Timestamp;
use serde_json::Value;

use super::{Question, params, plan_options, policy, sources, sql_error};
use crate::auth::Principal;
use crate::contract::types::{FieldError, FieldErrorCode, Params, ReportDefinition, Visual};
use crate::id::DatasourceId;
use crate::problem::{ApiError, field_error};
use crate::service::App;

/// What a definition asks; the contract wants one of the two.
pub(crate) fn question(definition: &ReportDefinition) -> Result<Question, ApiError> {
    if let Some(text) = &definition.sql {
        return Ok(Question::Sql(text.clone()));
    }
    let ir = Value::Object(definition.ir.clone().unwrap_or_default());
    let ir = Ir::parse(&ir).map_err(|e| ApiError::ir("/def/ir", e))?;
    Ok(Question::Ir(Box::new(ir)))
}

/// Everything that is wrong with a definition; with a source also against its catalog.
pub(crate) async fn check(
    app: &App,
    principal: &Principal,
    definition: &ReportDefinition,
    datasource: Option<&DatasourceId>,
) -> Result<(), ApiError> {
    let charts = definition.visuals.as_deref().unwrap_or_default();
    let ir = match question(definition)? {
        Question::Ir(ir) => ir,
        Question::Sql(text) => {
            if definition.params.is_some() {
                let detail = "SQL takes no parameters; write the values, which are bound.";
                return Err(ApiError::field("/def/params", FieldErrorCode::Conflict, detail));
            }
            let Some(id) = datasource else { return Ok(()) };
            // The columns of SQL are known where it was planned.
            let outputs = plan_sql(app, principal, &text, id).await?;
            return whole(visuals(charts, &outputs.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    };
    let dimensions = ir.dimensions.iter().map(|d| d.name.as_str());
    let outputs: Vec<&str> = dimensions.chain(ir.metrics.iter().map(|m| m.name.as_str())).collect();
    let mut errors = params::check(definition.params.as_ref(), &ir);
    errors.extend(visuals(charts, &outputs));
    whole(errors)?;
    match datasource {
        Some(id) => plan(app, principal, definition, &ir, id).await,
        None => Ok(()),
    }
}

/// All that is wrong, as one problem.
fn whole(errors: Vec<FieldError>) -> Result<(), ApiError> {
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(errors)) }
}

/// Charts speak of output columns.
fn visuals(visuals: &[Visual], outputs: &[&str]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (at, visual) in visuals.iter().enumerate() {
        let members = [("x", &visual.x), ("y", &visual.y), ("series", &visual.series)];
        for (member, name) in members {
            let Some(name) = name.as_deref().filter(|name| !outputs.contains(name)) else {
                continue;
            };
            let near = air_ir::nearest(name, outputs.iter().copied());
            errors.push(FieldError {
                nearest: (!near.is_empty()).then_some(near),
                ..field_error(
                    format!("/def/visuals/{at}/{member}"),
                    FieldErrorCode::UnknownOutput,
                    format!("The report has no output column {name}."),
                )
            });
        }
    }
    errors
}

/// Plans the IR against the source. Parameters without a default have no value yet: their filters
/// are left out, and the guard is asked only where none is.
async fn plan(
    app: &App,
    principal: &Principal,
    definition: &ReportDefinition,
    ir: &Ir,
    id: &DatasourceId,
) -> Result<(), ApiError> {
    let prepared = sources::joined(app, principal, id, &air_engine::sources_of(ir)).await?;
    let defaults: Params =
        definition.params.as_ref().and_then(|p| p.defaults.clone()).unwrap_or_default();
    let used = ir.parameters();
    let values = defaults.into_iter().filter(|(name, _)| used.contains(name)).collect();
    let bindings = Bindings { values, optional: used.clone() };
    let whole = used.iter().all(|name| bindings.values.contains_key(name));
    let bound = ir.bind(&bindings).map_err(|e| ApiError::ir("/def/ir", e))?;
    let plan = air_engine::plan(&bound, &prepared, &plan_options(app, Timestamp::now()))
        .map_err(|error| ApiError::plan("/def/ir", error))?;
    if whole {
        air_engine::guard(plan, &policy(app))?;
    }
    Ok(())
}

/// Plans SQL against the source, as each run will; the names of its columns.
async fn plan_sql(
    app: &App,
    principal: &Principal,
    text: &str,
    id: &DatasourceId,
) -> Result<Vec<String>, ApiError> {
    let prepared = sources::joined(app, principal, id, &[]).await?;
    let options = plan_options(app, Timestamp::now());
    let plan = air_engine::plan_sql(text, &prepared, &options);
    let plan = plan.map_err(|error| sql_error("/def", error))?;
    let guarded = air_engine::guard(plan, &policy(app))?;
    Ok(guarded.columns().iter().map(|column| column.name.clone()).collect())
}
