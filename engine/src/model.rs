//! The names of an IR, bound to tables: which entities there are, what a field means, and how
//! one entity is reached from another.
//!
//! In: an IR's entities and joins, and a prepared catalog. Out: fields with their targets, and
//! paths of joins. No expressions and no plans.

mod fields;
mod paths;

pub(crate) use fields::FieldRef;
pub(crate) use paths::Path;

use crate::functions::ZoneSpec;
use crate::plan::Planned;
use crate::prepared::{CatalogTable, Edge, Prepared, TableId, is_unique};
use crate::types::arrow_schema;
use air_ir::catalog::TableKind;
use air_ir::{Catalog, Code, Column, EntityRef, Ir, IrError, JoinKind, JoinSpec, Pointer, Table};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Index into [`Model::targets`].
pub(crate) type TargetId = usize;

/// Something fields can be qualified by: a listed entity, a role, or an unlisted table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// As the IR writes it; also the alias in plans.
    pub(crate) name: String,
    pub(crate) table: TableId,
    pub(crate) reached: Reached,
}

/// How a target is told apart from others over the same table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// By any key that leads to its table.
    ByTable,
    /// By a key or join of that role.
    ByRole,
}

/// The result of a nested IR, as a table.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) table: Table,
    pub(crate) planned: Planned,
}

/// Plans a query that stands as an entity.
pub(crate) type Nested<'n> = dyn FnMut(&Ir, &Pointer) -> Result<Planned, Vec<IrError>> + 'n;

/// The bound names of one IR.
#[derive(Debug)]
pub(crate) struct Model<'p> {
    pub(crate) prepared: &'p Prepared,
    pub(crate) targets: Vec<Target>,
    /// How many of `targets` were listed; the first is the root.
    listed: usize,
    derived: Vec<Derived>,
    /// The joins the IR decides itself.
    joins: Vec<Edge>,
    /// Sources that entities name, beside the default one.
    others: BTreeSet<String>,
    /// The entity whose fields come first: that of an `exists`, while its filters are read.
    pub(crate) focus: Option<TargetId>,
}

/// The entity everything is asked about.
pub(crate) const ROOT: TargetId = 0;

impl<'p> Model<'p> {
    /// Binds the entities and joins of `ir`; `nested` plans a query that stands as an entity.
    pub(crate) fn bind(
        ir: &Ir,
        prepared: &'p Prepared,
        at: &Pointer,
        nested: &mut Nested<'_>,
    ) -> Result<Self, Vec<IrError>> {
        let mut model = Self {
            prepared,
            targets: Vec::new(),
            listed: 0,
            derived: Vec::new(),
            joins: Vec::new(),
            others: ir.entities.iter().filter_map(|e| Some(e.source()?.to_owned())).collect(),
            focus: None,
        };
        let mut errors = Vec::new();
        for (i, entity) in ir.entities.iter().enumerate() {
            let at = at.key("entities").index(i);
            match model.entity(entity, &at, nested) {
                Ok(target) => model.targets.push(target),
                Err(more) => errors.extend(more),
            }
        }
        model.listed = model.targets.len();
        if errors.is_empty() {
            for (i, join) in ir.joins.iter().enumerate() {
                match model.join(join, &at.key("joins").index(i)) {
                    Ok(edge) => model.joins.push(edge),
                    Err(error) => errors.push(error),
                }
            }
        }
        if errors.is_empty() { Ok(model) } else { Err(errors) }
    }

    fn entity(
        &mut self,
        entity: &EntityRef,
        at: &Pointer,
        nested: &mut Nested<'_>,
    ) -> Result<Target, Vec<IrError>> {
        let (table, reached) = match entity {
            EntityRef::Query { query, .. } => {
                let planned = nested(query, &at.key("query"))?;
                let table = derived_table(entity.name(), query, &planned);
                self.derived.push(Derived { table, planned });
                (self.first_derived() + self.derived.len() - 1, Reached::ByTable)
            }
            EntityRef::Name(name) => {
                (self.find_table(name, at).map_err(|e| vec![e])?, Reached::ByTable)
            }
            EntityRef::Named { entity: name, source, alias } => {
                let found = self.find_of(source.as_deref(), name, at).map_err(|e| vec![e])?;
                let again = alias.is_some() && self.targets.iter().any(|t| t.table == found);
                (found, if again { Reached::ByRole } else { Reached::ByTable })
            }
        };
        Ok(Target { name: entity.name().to_owned(), table, reached })
    }

    fn first_derived(&self) -> TableId {
        self.prepared.len()
    }

    /// The table called `name` in the default source.
    pub(crate) fn find_table(&self, name: &str, at: &Pointer) -> Result<TableId, IrError> {
        self.only(self.prepared.find(name), self.prepared.catalog(), name, at)
    }

    /// The table called `name` in the source that an entity names, else in the default one.
    fn find_of(&self, source: Option<&str>, name: &str, at: &Pointer) -> Result<TableId, IrError> {
        let Some(source) = source else { return self.find_table(name, &at.key("entity")) };
        let catalog = self.prepared.catalogs().find(|c| c.source == source);
        let (Some(catalog), Some(found)) = (catalog, self.prepared.find_in(source, name)) else {
            let known: Vec<&str> = self.prepared.catalogs().map(|c| c.source.as_str()).collect();
            let detail = format!("There is no source \"{source}\" among {}.", known.join(", "));
            let error = IrError::new(Code::UnknownSource, &at.key("source"), detail);
            return Err(error.near(source, known));
        };
        self.only(found, catalog, name, &at.key("entity"))
    }

    fn only(
        &self,
        found: &[TableId],
        catalog: &Catalog,
        name: &str,
        at: &Pointer,
    ) -> Result<TableId, IrError> {
        match found {
            [one] => Ok(*one),
            [] => {
                let known: Vec<String> = catalog.table_names().collect();
                let source = &catalog.source;
                if let Some(why) = self.prepared.refusal(source, name) {
                    let detail = format!("\"{name}\" may not be read: {why}.");
                    return Err(IrError::new(Code::NotAllowed, at, detail));
                }
                let detail = format!("There is no \"{name}\" in \"{source}\".");
                let error = IrError::new(Code::UnknownEntity, at, detail);
                Err(error.near(name, known.iter().map(String::as_str)))
            }
            several => {
                let names: Vec<String> =
                    several.iter().map(|id| self.prepared.table(*id).qualified_name()).collect();
                let detail = format!("\"{name}\" could be {}.", names.join(" or "));
                Err(IrError::new(Code::AmbiguousEntity, at, detail))
            }
        }
    }

    pub(crate) fn table(&self, id: TableId) -> &Table {
        match id.checked_sub(self.first_derived()) {
            Some(derived) => &self.derived[derived].table,
            None => self.prepared.table(id),
        }
    }

    /// The zone of a table's timestamps without one, where it is not the default source's.
    pub(crate) fn zone(&self, id: TableId) -> Option<&ZoneSpec> {
        if self.planned(id).is_some() { None } else { self.prepared.zone(id) }
    }

    /// The tables that an unlisted name can mean: those of the default source, else those of
    /// the sources that the entities name.
    fn named_table(&self, name: &str) -> Option<TableId> {
        match self.prepared.find(name) {
            [one] => return Some(*one),
            [] => {}
            _ => return None,
        }
        let mut found: Vec<TableId> = Vec::new();
        for source in &self.others {
            found.extend(self.prepared.find_in(source, name).unwrap_or_default());
        }
        match found[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The plan of a nested query, where the table is one.
    pub(crate) fn planned(&self, id: TableId) -> Option<&Planned> {
        id.checked_sub(self.first_derived()).map(|derived| &self.derived[derived].planned)
    }

    pub(crate) fn source(&self, id: TableId) -> Arc<CatalogTable> {
        match id.checked_sub(self.first_derived()) {
            Some(derived) => {
                let table = &self.derived[derived].table;
                Arc::new(CatalogTable::new("", None, table.name.clone(), arrow_schema(table)))
            }
            None => self.prepared.source(id),
        }
    }

    pub(crate) fn listed(&self) -> &[Target] {
        &self.targets[..self.listed]
    }

    fn join(&self, join: &JoinSpec, at: &Pointer) -> Result<Edge, IrError> {
        let (left, left_columns) = self.join_side(&join.left, &at.key("left"))?;
        let (right, right_columns) = self.join_side(&join.right, &at.key("right"))?;
        let role = join.alias.clone().or_else(|| self.role_named(&join.right[0]));
        Ok(Edge {
            left,
            right,
            to_one: is_unique(self.table(right), &right_columns),
            left_columns,
            right_columns,
            role,
            from: self.role_named(&join.left[0]),
            inner: join.kind == JoinKind::Inner,
        })
    }

    /// The role that a qualified column names: that of an entity listed again, or of a join above.
    fn role_named(&self, column: &str) -> Option<String> {
        let listed = self.listed().iter().filter(|t| t.reached == Reached::ByRole);
        let roles =
            listed.map(|t| &t.name).chain(self.joins.iter().filter_map(|j| j.role.as_ref()));
        let named = |role: &&String| column.strip_prefix(*role).is_some_and(|c| c.starts_with('.'));
        roles.filter(named).max_by_key(|role| role.len()).cloned()
    }

    /// The table and columns of one side of a join.
    fn join_side(&self, names: &[String], at: &Pointer) -> Result<(TableId, Vec<String>), IrError> {
        let mut table = None;
        let mut columns = Vec::new();
        for name in names {
            let (found, column) = self.qualified_column(name, at)?;
            if *table.get_or_insert(found) != found {
                let detail = "One side of a join names columns of one entity.";
                return Err(IrError::new(Code::BadValue, at, detail));
            }
            columns.push(column);
        }
        match table {
            Some(table) => Ok((table, columns)),
            None => Err(IrError::new(Code::BadValue, at, "A join needs at least one column.")),
        }
    }
}

/// The outputs of a nested IR as columns; its dimensions are the primary key.
fn derived_table(name: &str, query: &Ir, planned: &Planned) -> Table {
    let columns = planned
        .columns
        .iter()
        .map(|(name, kind)| Column {
            name: name.clone(),
            data_type: kind.data_type(),
            native_type: String::new(),
            nullable: true,
            display_name: None,
            description: None,
            synonyms: Vec::new(),
            unit: None,
            role: None,
            stats: None,
            values: None,
        })
        .collect();
    Table {
        schema: None,
        name: name.to_owned(),
        kind: TableKind::View,
        display_name: None,
        description: None,
        synonyms: Vec::new(),
        columns,
        primary_key: query.dimensions.iter().map(|d| d.name.clone()).collect(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        row_estimate: None,
        time_column: None,
        time_series: false,
        storage: None,
    }
}

/// The sources that an IR names, nested queries included: the catalogs that planning it needs
/// beside the default one.
pub fn sources_of(ir: &Ir) -> Vec<String> {
    let mut sources = BTreeSet::new();
    let mut queries = vec![ir];
    while let Some(ir) = queries.pop() {
        for entity in &ir.entities {
            sources.extend(entity.source().map(str::to_owned));
            if let EntityRef::Query { query, .. } = entity {
                queries.push(query);
            }
        }
    }
    sources.into_iter().collect()
}
