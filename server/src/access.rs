//! What a principal may see: `policies` of the configuration, applied to one caller.
//!
//! In: the policies, a principal and a whole catalog. Out: what the engine is to leave out of it.
//! Fails closed: an entity that any policy names is there only for whom a policy matches; all
//! that match hold together; a claim that is wanted and not there is a refusal. Absent on
//! purpose: applying it, which is the engine's.

mod fitting;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use air_engine::{Access, Shown};
use air_ir::{Catalog, Table};
use serde_json::{Value, json};

pub(crate) use self::fitting::{misfits, warn};

use crate::auth::Principal;
use crate::config::Policy;
use crate::contract::types::ErrorCode;
use crate::id::DatasourceId;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{Job, Run, checksum};

/// What `principal` may not see whole of a catalog; empty where all of it is shown.
pub(crate) fn of(policies: &[Policy], principal: &Principal, catalog: &Catalog) -> Vec<Access> {
    let own = |policy: &&Policy| policy.datasource.as_str() == catalog.source;
    let policies: Vec<&Policy> = policies.iter().filter(own).collect();
    let tables = catalog.tables.iter().filter_map(|table| {
        let about: Vec<&Policy> = policies.iter().copied().filter(|p| is_about(p, table)).collect();
        let shown = (!about.is_empty()).then(|| shown(&about, principal))?;
        let (source, table) = (catalog.source.clone(), table.qualified_name());
        Some(Access { source, table, shown })
    });
    tables.collect()
}

/// Names are compared without case: a policy must not miss its table for a capital letter.
fn is_about(policy: &Policy, table: &Table) -> bool {
    let named = |name: &str| policy.entity.to_lowercase() == name.to_lowercase();
    named(&table.qualified_name()) || named(&table.name)
}

/// What all policies that match let see together.
fn shown(about: &[&Policy], principal: &Principal) -> Shown {
    let mut rows = Vec::new();
    let mut hidden = BTreeSet::new();
    let mut matched = false;
    for policy in about.iter().filter(|policy| matches(policy, principal)) {
        matched = true;
        hidden.extend(policy.hide.iter().cloned());
        for filter in &policy.rows {
            match bound(filter, principal) {
                Ok(filter) => rows.push(filter),
                Err(claim) => {
                    return Shown::Refused(format!("the token has no claim \"{claim}\" to use"));
                }
            }
        }
    }
    match matched {
        true => Shown::Part { rows, hidden },
        false => Shown::Nothing,
    }
}

/// Whether a policy is for this principal: its role is among the roles, and each claim has the
/// value, or holds it where it is a list.
fn matches(policy: &Policy, principal: &Principal) -> bool {
    let role = policy.roles.is_empty() || policy.roles.contains(&principal.role);
    let has = |(name, wanted): (&String, &Value)| match principal.claims.get(name) {
        Some(Value::Array(list)) if !wanted.is_array() => list.contains(wanted),
        Some(found) => found == wanted,
        None => false,
    };
    role && policy.claim.iter().all(has)
}

/// The claim that a text stands for.
fn claim_of(text: &str) -> Option<&str> {
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?;
    name.trim().strip_prefix("claim.")
}

/// A filter with the values of claims in their places; else the claim that has none.
fn bound(filter: &Value, principal: &Principal) -> Result<Value, String> {
    Ok(match filter {
        Value::String(text) => match claim_of(text) {
            Some(name) => value_of(name, principal).ok_or_else(|| name.to_owned())?,
            None => filter.clone(),
        },
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| bound(item, principal)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let members = members.iter().map(|(k, v)| Ok((k.clone(), bound(v, principal)?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// What a principal's claim can be compared with: a value, or a list of values.
fn value_of(name: &str, principal: &Principal) -> Option<Value> {
    let plain = |value: &Value| !value.is_null() && !value.is_array() && !value.is_object();
    // Text that would be read as a parameter is no value.
    let open = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("{{"));
    let fits = |value: &Value| plain(value) && !open(value);
    let found = match name {
        "sub" => Some(json!(principal.sub)),
        "role" => Some(json!(principal.role)),
        _ => principal.claims.get(name).cloned(),
    };
    found.filter(|value| match value {
        Value::Array(list) => list.iter().all(fits),
        one => fits(one),
    })
}

/// What tells what principals see of a source apart: empty where no policy is about it.
pub(crate) fn fingerprint(
    policies: &[Policy],
    principal: &Principal,
    source: &DatasourceId,
) -> String {
    let about = policies.iter().filter(|policy| policy.datasource == *source);
    let told: Vec<Value> = about.map(|policy| effect(policy, principal)).collect();
    if told.is_empty() { String::new() } else { checksum(&json!(told)) }
}

/// What one policy does for a principal.
fn effect(policy: &Policy, principal: &Principal) -> Value {
    if !matches(policy, principal) {
        return json!([policy.entity]);
    }
    let rows = policy.rows.iter().map(|filter| bound(filter, principal));
    match rows.collect::<Result<Vec<Value>, String>>() {
        Ok(rows) => json!([policy.entity, rows, policy.hide]),
        Err(claim) => json!([policy.entity, claim]),
    }
}

/// The same of several sources, by source; those without policies are left out.
pub(crate) fn fingerprints<'s>(
    policies: &[Policy],
    principal: &Principal,
    sources: impl IntoIterator<Item = &'s DatasourceId>,
) -> BTreeMap<String, String> {
    let one =
        |source: &'s DatasourceId| (source.to_string(), fingerprint(policies, principal, source));
    sources.into_iter().map(one).filter(|(_, print)| !print.is_empty()).collect()
}

/// What policies make of every source for a principal, as one text; empty without policies.
pub(crate) fn fingerprint_of_all(policies: &[Policy], principal: &Principal) -> String {
    let sources: BTreeSet<&DatasourceId> = policies.iter().map(|p| &p.datasource).collect();
    match fingerprints(policies, principal, sources) {
        prints if prints.is_empty() => String::new(),
        prints => checksum(&json!(prints)),
    }
}

/// Whether a principal sees all of a source.
pub(crate) fn is_whole(policies: &[Policy], principal: &Principal, source: &DatasourceId) -> bool {
    fingerprint(policies, principal, source).is_empty()
}

/// What is said in a room is for all its members, who may see less than who asks.
///
/// # Errors
/// `forbidden`, where any policy is about the source.
pub(crate) fn require_shared(policies: &[Policy], source: &DatasourceId) -> Result<(), ApiError> {
    if policies.iter().all(|policy| policy.datasource != *source) {
        return Ok(());
    }
    let detail = format!(
        "Policies say who sees what of {source}, so it is not asked about in rooms; ask it by \
         yourself."
    );
    Err(ApiError::new(ErrorCode::Forbidden, detail))
}

/// Whether two principals see the same of every source.
pub(crate) fn see_alike(policies: &[Policy], one: &Principal, other: &Principal) -> bool {
    fingerprint_of_all(policies, one) == fingerprint_of_all(policies, other)
}

/// Whether a job is done under the policies that hold for a principal now.
pub(crate) fn done_alike(app: &App, principal: &Principal, job: &Job) -> bool {
    let done_for: Option<Principal> = serde_json::from_value(job.principal.clone()).ok();
    done_for.is_some_and(|done_for| see_alike(&app.config.policies, &done_for, principal))
}

/// What is kept of a run is shown to whom the same policies would give the same rows.
///
/// # Errors
/// `forbidden` for everyone else, its owner included.
pub(crate) fn require_same(app: &App, principal: &Principal, run: &Run) -> Result<(), ApiError> {
    match made_alike(app, principal, run) {
        true => Ok(()),
        false => {
            let detail = "The run was made under other policies than those that hold for you now; \
                          run it again.";
            Err(ApiError::new(ErrorCode::Forbidden, detail))
        }
    }
}

/// Whether a run was made under the policies that hold for a principal now.
pub(crate) fn made_alike(app: &App, principal: &Principal, run: &Run) -> bool {
    let kept: BTreeMap<String, String> =
        run.access.clone().and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
    // Every source the run read, and its own where it is older than policies.
    let named = kept.keys().filter_map(|name| name.parse().ok());
    let mut sources: BTreeSet<DatasourceId> = named.collect();
    sources.insert(run.datasource_id.clone());
    sources.extend(read_by(run));
    fingerprints(&app.config.policies, principal, &sources) == kept
}

/// The sources that the IR of a run names beside its own.
fn read_by(run: &Run) -> Vec<DatasourceId> {
    let ir = run.ir.as_ref().and_then(|ir| air_ir::Ir::parse(ir).ok());
    let named = ir.map(|ir| air_engine::sources_of(&ir)).unwrap_or_default();
    named.iter().filter_map(|name| name.parse().ok()).collect()
}
