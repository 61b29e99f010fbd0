//! What the names in a draft stand for.
//!
//! In: an IR and its catalog. Out: the column behind a field, and whether a draft reads a table or
//! column at all: in what it groups by, computes, filters or joins, not in names that it gives.

use air_ir::expr::Expr;
use air_ir::{
    Catalog, Column, EntityRef, Exists, Filter, Input, Ir, JoinSpec, MetricKind, Subject, Table,
};

/// The fields that may be named in one query.
pub(super) struct Columns<'a> {
    pub(super) entities: &'a [EntityRef],
    pub(super) joins: &'a [JoinSpec],
    pub(super) catalog: &'a Catalog,
}

impl<'a> Columns<'a> {
    /// The column of a field and its table, where it is plain which one it is.
    pub(super) fn find(&self, field: &str) -> Option<(&'a Table, &'a Column)> {
        let (owner, name) = field.rsplit_once('.').map_or((None, field), |(o, n)| (Some(o), n));
        let aliased = |owner: &str| {
            self.entities.iter().find_map(|entity| match entity {
                EntityRef::Named { entity, alias, .. } if alias.as_deref() == Some(owner) => {
                    Some(entity.clone())
                }
                _ => None,
            })
        };
        let role = |owner: &str| {
            let join = self.joins.iter().find(|join| join.alias.as_deref() == Some(owner))?;
            let of = join.right.first()?.rsplit_once('.')?.0;
            Some(aliased(of).unwrap_or_else(|| of.to_owned()))
        };
        match owner {
            Some(owner) => {
                let named = role(owner).or_else(|| aliased(owner));
                let table = self.table(named.as_deref().unwrap_or(owner))?;
                Some((table, table.column(name)?))
            }
            None => {
                let mut listed = self.entities.iter().filter_map(|entity| self.of(entity));
                listed.find_map(|table| Some((table, table.column(name)?)))
            }
        }
    }

    fn table(&self, wanted: &str) -> Option<&'a Table> {
        let mut tables = self.catalog.tables.iter();
        tables.find(|table| table.name == wanted || table.qualified_name() == wanted)
    }

    fn of(&self, entity: &EntityRef) -> Option<&'a Table> {
        match entity {
            EntityRef::Named { entity, .. } => self.table(entity),
            other => self.table(other.name()),
        }
    }
}

/// Whether a draft reads a table, or where one is named, this column of it.
pub(super) fn reads(ir: &Ir, catalog: &Catalog, table: &Table, column: Option<&str>) -> bool {
    let inner = ir.entities.iter().any(|entity| match entity {
        EntityRef::Query { query, .. } => reads(query, catalog, table, column),
        _ => false,
    });
    if inner {
        return true;
    }
    let columns = Columns { entities: &ir.entities, joins: &ir.joins, catalog };
    let mut wanted = Wanted { table, column, found: false };
    for entity in &ir.entities {
        wanted.table(columns.of(entity));
    }
    for dimension in &ir.dimensions {
        wanted.input(&columns, &dimension.input);
    }
    for metric in &ir.metrics {
        match &metric.kind {
            MetricKind::Aggregate { input: Some(input), .. } => wanted.input(&columns, input),
            MetricKind::Expr(expr) => {
                // Names of other metrics are no columns.
                let is_metric = |name: &str| ir.metrics.iter().any(|m| m.name == name);
                let names = expr.names().into_iter().map(|(name, _)| name);
                names.filter(|name| !is_metric(name)).for_each(|n| wanted.field(&columns, n));
            }
            _ => {}
        }
        metric.filter.iter().for_each(|filter| wanted.filter(&columns, filter));
    }
    ir.filters.iter().for_each(|filter| wanted.filter(&columns, filter));
    for field in ir.joins.iter().flat_map(|join| join.left.iter().chain(&join.right)) {
        wanted.field(&columns, field);
    }
    wanted.found
}

/// What is looked for.
struct Wanted<'a> {
    table: &'a Table,
    column: Option<&'a str>,
    found: bool,
}

impl Wanted<'_> {
    fn table(&mut self, table: Option<&Table>) {
        let same = table.is_some_and(|t| t.qualified_name() == self.table.qualified_name());
        self.found |= same && self.column.is_none();
    }

    fn field(&mut self, columns: &Columns<'_>, field: &str) {
        if let Some((table, column)) = columns.find(field) {
            let same = table.qualified_name() == self.table.qualified_name();
            self.found |= same && self.column.is_none_or(|wanted| column.name == wanted);
        }
    }

    fn expr(&mut self, columns: &Columns<'_>, expr: &Expr) {
        expr.names().into_iter().for_each(|(name, _)| self.field(columns, name));
    }

    fn input(&mut self, columns: &Columns<'_>, input: &Input) {
        match input {
            Input::Field(field) => self.field(columns, field),
            Input::Value(expr) => self.expr(columns, expr),
        }
    }

    fn filter(&mut self, columns: &Columns<'_>, filter: &Filter) {
        match filter {
            Filter::All(list) | Filter::Any(list) => {
                list.iter().for_each(|one| self.filter(columns, one));
            }
            Filter::Not(inner) => self.filter(columns, inner),
            Filter::Exists(exists) => self.exists(columns, exists),
            Filter::Compare(comparison) => match &comparison.subject {
                Subject::Field(field) => self.field(columns, field),
                Subject::Expr(expr) => self.expr(columns, expr),
                Subject::Metric(_) => {}
            },
        }
    }

    fn exists(&mut self, columns: &Columns<'_>, exists: &Exists) {
        // What is not qualified there is of its own entity.
        let own = [EntityRef::Name(exists.entity.clone())];
        let inner = Columns { entities: &own, joins: columns.joins, catalog: columns.catalog };
        self.table(inner.of(&own[0]));
        exists.filters.iter().for_each(|one| self.filter(&inner, one));
    }
}
