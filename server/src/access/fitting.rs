//! Whether policies fit what was learned, for who wrote them: at the start, after learning, and
//! for `air check`.

use std::collections::BTreeSet;
use std::sync::Arc;

use air_ir::Catalog;

use super::is_about;
use crate::config::Policy;

/// What of the policies of a catalog's source does not fit it. Their entities are refused.
pub(crate) fn misfits(policies: &[Policy], catalog: &Arc<Catalog>) -> Vec<String> {
    let own = policies.iter().filter(|policy| policy.datasource.as_str() == catalog.source);
    own.flat_map(|policy| of(policy, catalog)).collect()
}

fn of(policy: &Policy, catalog: &Arc<Catalog>) -> Vec<String> {
    let named = format!("policy on {} of {}", policy.entity, policy.datasource);
    let tables: Vec<String> = catalog
        .tables
        .iter()
        .filter(|table| is_about(policy, table))
        .map(air_ir::Table::qualified_name)
        .collect();
    if tables.is_empty() {
        let near = air_ir::nearest(
            &policy.entity,
            catalog.table_names().collect::<Vec<_>>().iter().map(String::as_str),
        );
        let hint = near.first().map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        return vec![format!("{named}: there is no such entity, so it protects nothing{hint}")];
    }
    let hidden: BTreeSet<String> = policy.hide.iter().cloned().collect();
    let check = |table: &String| {
        let checked = air_engine::check_access(catalog, table, &policy.rows, &hidden);
        checked
            .err()
            .map(|unfit| format!("{named}: {unfit}; {table} is refused to those it matches"))
    };
    tables.iter().filter_map(check).collect()
}

/// Says what does not fit, in the log.
pub(crate) fn warn(policies: &[Policy], catalog: &Arc<Catalog>) {
    for misfit in misfits(policies, catalog) {
        tracing::warn!(source.id = %catalog.source, "{misfit}");
    }
}
