//! `policies`: which rows and columns of an entity a principal may see (DESIGN section 17).
//!
//! In: the list. Out: the policies as data. Filters stay JSON here: the engine validates them
//! against the catalog, which this file does not know.

use serde_json::{Map, Value};

use super::section::Section;
use crate::auth::Role;
use crate::id::DatasourceId;

#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) datasource: DatasourceId,
    pub(crate) entity: String,
    /// Empty: any role.
    pub(crate) roles: Vec<Role>,
    /// Claims the token must carry with these values.
    pub(crate) claim: Map<String, Value>,
    /// IR filters, which may hold `"{{claim.name}}"`.
    pub(crate) rows: Vec<Value>,
    /// Columns that do not exist for whom this policy matches.
    pub(crate) hide: Vec<String>,
}

pub(super) fn read(root: &mut Section<'_>) -> Vec<Policy> {
    root.sections("policies").into_iter().filter_map(read_one).collect()
}

fn read_one(mut section: Section<'_>) -> Option<Policy> {
    let datasource = section.optional_text("datasource");
    let entity = section.optional_text("entity");
    let roles = read_roles(&mut section);
    let claim = match section.take("claim") {
        None => Map::new(),
        Some(Value::Object(claim)) => claim,
        Some(_) => {
            section.report("claim", "names with values are wanted", "write `claim: {team: ops}`");
            Map::new()
        }
    };
    let rows = section.items("rows").unwrap_or_default();
    if rows.iter().any(|filter| !filter.is_object()) {
        let fix = "write `rows: [{field: …, op: …, value: …}]`";
        section.report("rows", "each item is one filter of the IR", fix);
    }
    let hide = section.texts("hide", &[]);
    if entity.is_none() {
        section.report("entity", "missing", "name the table or dataset it protects");
    }
    let Some(datasource) = datasource else {
        section.report("datasource", "missing", "name the source it belongs to");
        return None;
    };
    match datasource.parse() {
        Ok(datasource) => Some(Policy { datasource, entity: entity?, roles, claim, rows, hide }),
        Err(error) => {
            section.report("datasource", error, "use the id of the source");
            None
        }
    }
}

fn read_roles(section: &mut Section<'_>) -> Vec<Role> {
    let mut roles = Vec::new();
    for name in section.texts("roles", &[]) {
        match name.parse() {
            Ok(role) => roles.push(role),
            Err(error) => section.report("roles", error, "some of viewer, editor, admin"),
        }
    }
    roles
}
