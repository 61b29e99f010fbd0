//! Names that policies keep from somebody, to look for in what others wrote.
//!
//! In: a principal and a source. Out: the names of tables and columns that are there and that the
//! principal is not shown. A name that something else is called too, which is shown, is none,
//! but for its qualified form. Nothing of this is told to anybody.

use std::collections::BTreeSet;

use air_ir::Catalog;

use super::{seen, whole};
use crate::auth::Principal;
use crate::contract::types::ErrorCode;
use crate::id::DatasourceId;
use crate::problem::ApiError;
use crate::service::App;

/// Names in small letters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden(BTreeSet<String>);

/// What of a source has names that a principal may not see.
pub(crate) async fn hidden(
    app: &App,
    principal: &Principal,
    id: &DatasourceId,
) -> Result<Hidden, ApiError> {
    let all = match whole(app, id).await {
        Ok(all) => all,
        // Without a catalog only the policies tell what there is to hide.
        Err(error) if matches!(error.code, ErrorCode::NotLearned | ErrorCode::NotFound) => {
            let own = app.config.policies.iter().filter(|policy| policy.datasource == *id);
            let names = own.flat_map(|policy| &policy.hide).map(|name| name.to_lowercase());
            return Ok(Hidden(names.collect()));
        }
        Err(error) => return Err(error),
    };
    // Policies alone are asked here: for whom a source is there is told elsewhere.
    let (seen, _) = seen(app, principal.into(), std::slice::from_ref(&all));
    Ok(Hidden::between(all.catalog(), seen.catalog()))
}

impl Hidden {
    fn between(all: &Catalog, seen: &Catalog) -> Self {
        let mut shown = BTreeSet::new();
        for table in &seen.tables {
            shown.insert(table.name.to_lowercase());
            shown.extend(table.columns.iter().map(|column| column.name.to_lowercase()));
        }
        let mut names = BTreeSet::new();
        for table in &all.tables {
            let name = table.qualified_name();
            let found = seen.tables.iter().find(|seen| seen.qualified_name() == name);
            if found.is_none() {
                names.extend([name.to_lowercase(), table.name.to_lowercase()]);
            }
            let is_there = |column: &str| found.is_some_and(|seen| seen.column(column).is_some());
            for column in table.columns.iter().filter(|column| !is_there(&column.name)) {
                names.insert(column.name.to_lowercase());
                names.insert(format!("{}.{}", table.name, column.name).to_lowercase());
            }
        }
        Self(names.into_iter().filter(|name| !shown.contains(name)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text holds one of the names as words of its own.
    pub(crate) fn named_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        self.0.iter().filter(|name| !name.is_empty()).any(|name| {
            text.match_indices(name.as_str()).any(|(at, found)| {
                let before = text[..at].chars().next_back();
                let after = text[at + found.len()..].chars().next();
                !part(before) && !part(after)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_word_of_its_own() {
        let names = ["amount", "customers.id", "unit price"];
        let hidden = Hidden(names.iter().map(|name| (*name).to_owned()).collect());
        for text in
            ["amount", "sum of Amount.", "orders.amount", "\"CUSTOMERS.ID\"", "a unit price"]
        {
            assert!(hidden.named_in(text), "{text}");
        }
        for text in ["amounts", "net_amount", "id", "orders.id", "unit prices", ""] {
            assert!(!hidden.named_in(text), "{text}");
        }
    }
}
