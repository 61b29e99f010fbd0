//! Whether somebody may read what another one defined: no name of what policies keep from them
//! stands in it.
//!
//! In: a principal, and a report's version or the versions of a scope. Out: nothing, or
//! `forbidden`, which names nothing. A definition that is bound to a source must be planned over
//! what the principal sees of it, whatever its parameters; and neither its texts nor the names of
//! its outputs may say a name that is hidden. One that is bound to none may hold no such name of
//! any source. Runs of a definition that is not shown are refused before they begin, since their
//! records and errors would tell of it.

use std::collections::BTreeSet;

use air_ir::Ir;
use jiff::Timestamp;
use serde_json::Value;

use super::super::sources::{self, Hidden};
use super::super::{Question, plan_options};
use super::question;
use crate::access;
use crate::auth::Principal;
use crate::contract::types::{ErrorCode, ReportDefinition};
use crate::id::DatasourceId;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{ReportVersion, Scope, ScopeVersion};

/// What names an output in an IR.
const OUTPUT_NAMES: [&str; 2] = ["name", "as"];

/// Wants a version to be one that may be read; `chosen` is the source of a portable one.
///
/// # Errors
/// `forbidden`, without any name.
pub(crate) async fn require(
    app: &App,
    principal: &Principal,
    version: &ReportVersion,
    chosen: Option<&DatasourceId>,
) -> Result<(), ApiError> {
    if app.config.policies.is_empty() {
        return Ok(());
    }
    let definition: ReportDefinition =
        serde_json::from_value(version.def.clone()).map_err(ApiError::internal)?;
    let question = question(&definition)?;
    let source = version.datasource_id.as_ref().or(chosen);
    let others = question.sources();
    let hidden = hidden(app, principal, source, &others).await?;
    if hidden.is_empty() {
        return Ok(());
    }
    let planned = match source {
        Some(source) => is_planned(app, principal, &question, source, &others).await?,
        None => false,
    };
    let told = hidden.iter().any(|hidden| is_told(hidden, &version.def, planned));
    if told || (source.is_some() && !planned) { Err(forbidden()) } else { Ok(()) }
}

/// Wants a scope of somebody else to be one that may be read.
///
/// # Errors
/// `forbidden`, without any name.
pub(crate) async fn require_scope(
    app: &App,
    principal: &Principal,
    scope: &Scope,
    versions: &[ScopeVersion],
) -> Result<(), ApiError> {
    // One's own was written under one's own policies.
    if scope.owner == principal.sub || app.config.policies.is_empty() {
        return Ok(());
    }
    let hidden = hidden(app, principal, scope.datasource_id.as_ref(), &[]).await?;
    let told = |version: &ScopeVersion| {
        hidden.iter().any(|hidden| {
            let of_ir = version.ir.as_ref().is_some_and(|ir| told_anywhere(hidden, ir));
            of_ir || hidden.named_in(&version.scope_md)
        })
    };
    if versions.iter().any(told) { Err(forbidden()) } else { Ok(()) }
}

fn forbidden() -> ApiError {
    let detail = "This speaks of what policies keep from you, or of what is no more there, so it \
                  is neither shown to you nor run for you.";
    ApiError::new(ErrorCode::Forbidden, detail)
}

/// What the principal is not shown of each source that a definition may be about; nothing of
/// those that are shown whole.
async fn hidden(
    app: &App,
    principal: &Principal,
    source: Option<&DatasourceId>,
    others: &[String],
) -> Result<Vec<Hidden>, ApiError> {
    let policies = &app.config.policies;
    let mut all: BTreeSet<DatasourceId> =
        others.iter().filter_map(|name| name.parse().ok()).collect();
    match source {
        Some(source) => all.extend([source.clone()]),
        None => all.extend(policies.iter().map(|policy| policy.datasource.clone())),
    }
    let mut hidden = Vec::new();
    for source in all.iter().filter(|source| !access::is_whole(policies, principal, source)) {
        let names = sources::hidden(app, principal, source).await?;
        hidden.extend((!names.is_empty()).then_some(names));
    }
    Ok(hidden)
}

/// Whether the definition can be planned over what the principal sees.
async fn is_planned(
    app: &App,
    principal: &Principal,
    question: &Question,
    source: &DatasourceId,
    others: &[String],
) -> Result<bool, ApiError> {
    let prepared = match sources::joined(app, principal, source, others).await {
        Ok(prepared) => prepared,
        Err(error) if matches!(error.code, ErrorCode::NotLearned | ErrorCode::NotFound) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let options = plan_options(app, Timestamp::now());
    Ok(match question {
        Question::Sql(text) => air_engine::plan_sql(text, &prepared, &options).is_ok(),
        Question::Ir(ir) => {
            let whole = Ir::parse(&without_parameters(&ir.to_json()));
            whole.is_ok_and(|ir| air_engine::plan(&ir, &prepared, &options).is_ok())
        }
    })
}

/// The IR with its open filters closed: a filter without a value would fall away, and with it
/// the name of its column.
fn without_parameters(ir: &Value) -> Value {
    match ir {
        Value::Object(members) => {
            let open = members.get("op").and(members.get("value")).is_some_and(is_open);
            let each = members.iter().filter(|(key, _)| !(open && *key == "value"));
            let each = each.map(|(key, value)| match open && key == "op" {
                true => (key.clone(), Value::from("is_null")),
                false => (key.clone(), without_parameters(value)),
            });
            Value::Object(each.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_parameters).collect()),
        other => other.clone(),
    }
}

fn is_open(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with("{{"),
        Value::Array(items) => items.iter().any(is_open),
        _ => false,
    }
}

/// Whether a definition says a hidden name. Where its IR was planned, its columns are shown, and
/// only what names outputs is looked at.
fn is_told(hidden: &Hidden, def: &Value, planned: bool) -> bool {
    let Value::Object(members) = def else { return told_anywhere(hidden, def) };
    members.iter().any(|(key, value)| match planned && key == "ir" {
        true => told_by_outputs(hidden, value),
        false => told_anywhere(hidden, value),
    })
}

fn told_by_outputs(hidden: &Hidden, ir: &Value) -> bool {
    match ir {
        Value::Object(members) => members.iter().any(|(key, value)| match value {
            Value::String(text) => OUTPUT_NAMES.contains(&key.as_str()) && hidden.named_in(text),
            other => told_by_outputs(hidden, other),
        }),
        Value::Array(items) => items.iter().any(|item| told_by_outputs(hidden, item)),
        _ => false,
    }
}

fn told_anywhere(hidden: &Hidden, value: &Value) -> bool {
    match value {
        Value::String(text) => hidden.named_in(text),
        Value::Array(items) => items.iter().any(|item| told_anywhere(hidden, item)),
        Value::Object(members) => {
            members.iter().any(|(key, value)| hidden.named_in(key) || told_anywhere(hidden, value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_open_filter_keeps_the_name_of_its_column() {
        let ir = json!({"entities": ["orders"], "filters": [
            {"any": [{"field": "amount", "op": ">", "value": "{{least}}"},
                     {"field": "region", "op": "in", "value": ["north", "{{more}}"]}]},
            {"field": "region", "op": "=", "value": "south"}]});
        let closed = without_parameters(&ir);
        assert_eq!(
            closed["filters"][0]["any"],
            json!([{"field": "amount", "op": "is_null"}, {"field": "region", "op": "is_null"}])
        );
        assert_eq!(closed["filters"][1], ir["filters"][1]);
    }
}
