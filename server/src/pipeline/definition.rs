//! A report's definition (`def_json`), checked whole before it is saved.

use air_ir::{Bindings, Ir};
use jiff::Timestamp;
use serde_json::Value;

use super::{params, plan_options, policy, sources};
use crate::auth::Principal;
use crate::contract::types::{FieldError, FieldErrorCode, Params, ReportDefinition, Visual};
use crate::id::DatasourceId;
use crate::problem::{ApiError, field_error};
use crate::service::App;

/// The IR of a definition.
pub(crate) fn ir(definition: &ReportDefinition) -> Result<Ir, ApiError> {
    Ir::parse(&Value::Object(definition.ir.clone())).map_err(|e| ApiError::ir("/def/ir", e))
}

/// Everything that is wrong with a definition; with a source also against its catalog.
pub(crate) async fn check(
    app: &App,
    principal: &Principal,
    definition: &ReportDefinition,
    datasource: Option<&DatasourceId>,
) -> Result<(), ApiError> {
    let ir = ir(definition)?;
    let mut errors = params::check(definition.params.as_ref(), &ir);
    errors.extend(visuals(definition.visuals.as_deref().unwrap_or_default(), &ir));
    if !errors.is_empty() {
        return Err(ApiError::invalid(errors));
    }
    match datasource {
        Some(id) => plan(app, principal, definition, &ir, id).await,
        None => Ok(()),
    }
}

/// Charts speak of output columns.
fn visuals(visuals: &[Visual], ir: &Ir) -> Vec<FieldError> {
    let outputs: Vec<&str> = ir
        .dimensions
        .iter()
        .map(|d| d.name.as_str())
        .chain(ir.metrics.iter().map(|m| m.name.as_str()))
        .collect();
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
