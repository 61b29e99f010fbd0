//! What a field's name means.

use super::{Model, Reached, Target, TargetId};
use crate::prepared::TableId;
use air_ir::{Code, Column, IrError, Pointer};

/// A column of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldRef {
    pub(crate) target: TargetId,
    pub(crate) column: String,
}

impl Model<'_> {
    /// The field called `name`: whole where a listed entity has such a column, else
    /// `entity.column` or `role.column`. A role or unlisted table found on the way becomes a
    /// target.
    pub(crate) fn field(&mut self, name: &str, at: &Pointer) -> Result<FieldRef, IrError> {
        if let Some(field) = self.unqualified(name, at)? {
            return Ok(field);
        }
        let dots: Vec<usize> = name.match_indices('.').map(|(i, _)| i).collect();
        for dot in dots {
            let (prefix, column) = (&name[..dot], &name[dot + 1..]);
            if let Some(target) = self.target(prefix) {
                self.readable(self.targets[target].table, column, at)?;
                return Ok(FieldRef { target, column: column.to_owned() });
            }
        }
        Err(self.unknown(name, at))
    }

    /// The kind of thing a field is, from the catalog.
    pub(crate) fn column(&self, field: &FieldRef) -> Option<&Column> {
        self.table(self.targets[field.target].table).column(&field.column)
    }

    fn unqualified(&self, name: &str, at: &Pointer) -> Result<Option<FieldRef>, IrError> {
        if let Some(target) = self.focus {
            let table = self.targets[target].table;
            if self.table(table).column(name).is_some() {
                self.readable(table, name, at)?;
                return Ok(Some(FieldRef { target, column: name.to_owned() }));
            }
        }
        let found: Vec<TargetId> = self
            .listed()
            .iter()
            .enumerate()
            .filter(|(_, t)| self.table(t.table).column(name).is_some())
            .map(|(id, _)| id)
            .collect();
        match found[..] {
            [] => Ok(None),
            [target] => {
                self.readable(self.targets[target].table, name, at)?;
                Ok(Some(FieldRef { target, column: name.to_owned() }))
            }
            _ => {
                let names: Vec<String> =
                    found.iter().map(|id| format!("{}.{name}", self.targets[*id].name)).collect();
                let detail = format!("\"{name}\" could be {}; say which.", names.join(" or "));
                Err(IrError::new(Code::AmbiguousColumn, at, detail))
            }
        }
    }

    /// The target called `prefix`.
    pub(crate) fn target(&mut self, prefix: &str) -> Option<TargetId> {
        if let Some(id) = self.targets.iter().position(|t| t.name == prefix) {
            return Some(id);
        }
        let bare = |t: &Target| t.reached == Reached::ByTable && self.table(t.table).name == prefix;
        if let Some(id) = self.listed().iter().position(bare) {
            return Some(id);
        }
        let (table, reached) = match self.role_table(prefix) {
            Some(table) => (table, Reached::ByRole),
            None => (self.named_table(prefix)?, Reached::ByTable),
        };
        if reached == Reached::ByTable {
            // `public.orders` and `orders` are one table, however they are written.
            if let Some(id) = self.listed().iter().position(|t| t.table == table) {
                return Some(id);
            }
        }
        self.targets.push(Target { name: prefix.to_owned(), table, reached });
        Some(self.targets.len() - 1)
    }

    /// The table that `role` leads to: by a join of the IR, else by a key of the catalog.
    fn role_table(&self, role: &str) -> Option<TableId> {
        let is_role = |e: &&crate::prepared::Edge| e.role.as_deref() == Some(role);
        if let Some(edge) = self.joins.iter().find(is_role) {
            return Some(edge.right);
        }
        let listed = self.listed().iter().flat_map(|t| self.prepared.outgoing(t.table));
        if let Some(edge) = listed.into_iter().find(|e| is_role(e)) {
            return Some(edge.right);
        }
        let tables = 0..self.prepared.len();
        tables.flat_map(|id| self.prepared.outgoing(id)).find(|e| is_role(e)).map(|e| e.right)
    }

    /// Table and column of `entity.column`, as joins write them.
    pub(super) fn qualified_column(
        &self,
        name: &str,
        at: &Pointer,
    ) -> Result<(TableId, String), IrError> {
        for (dot, _) in name.match_indices('.') {
            let (prefix, column) = (&name[..dot], &name[dot + 1..]);
            let listed = self.targets.iter().find(|t| t.name == prefix).map(|t| t.table);
            let role = || {
                let named = self.joins.iter().find(|j| j.role.as_deref() == Some(prefix));
                named.map(|join| join.right)
            };
            if let Some(table) = listed.or_else(role).or_else(|| self.named_table(prefix)) {
                self.readable(table, column, at)?;
                return Ok((table, column.to_owned()));
            }
        }
        let detail = format!("\"{name}\" is no column of an entity; write entity.column.");
        Err(IrError::new(Code::UnknownColumn, at, detail)
            .near(name, self.known().iter().map(String::as_str)))
    }

    fn readable(&self, table: TableId, column: &str, at: &Pointer) -> Result<(), IrError> {
        let table = self.table(table);
        match table.column(column) {
            Some(found) if crate::arrow_type(found.data_type).is_some() => Ok(()),
            Some(found) => {
                let detail = format!(
                    "The type of \"{column}\", {}, cannot be read; the column is left out of queries.",
                    found.native_type
                );
                Err(IrError::new(Code::UnreadableColumn, at, detail))
            }
            None => {
                let detail = format!("\"{}\" has no column \"{column}\".", table.qualified_name());
                let known = table.columns.iter().map(|c| c.name.as_str());
                Err(IrError::new(Code::UnknownColumn, at, detail).near(column, known))
            }
        }
    }

    fn unknown(&self, name: &str, at: &Pointer) -> IrError {
        let known = self.known();
        let entities: Vec<&str> = self.listed().iter().map(|t| t.name.as_str()).collect();
        let detail = format!("There is no field \"{name}\" in {}.", entities.join(", "));
        IrError::new(Code::UnknownColumn, at, detail).near(name, known.iter().map(String::as_str))
    }

    /// Every field of the listed entities, bare and qualified.
    fn known(&self) -> Vec<String> {
        let mut known = Vec::new();
        for target in self.listed() {
            for column in &self.table(target.table).columns {
                known.push(column.name.clone());
                known.push(format!("{}.{}", target.name, column.name));
            }
        }
        known
    }
}
