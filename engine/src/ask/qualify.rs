//! Names that several listed entities have.
//!
//! In: an IR whose plain names mean the main table. Out: the same with such names qualified, where
//! another listed entity has a column of that name too.

use air_ir::catalog;
use air_ir::{
    Catalog, Comparison, Dimension, EntityRef, Filter, Input, Ir, MetricKind, Shape, Subject,
    Table, Unit,
};

/// Qualifies what would be ambiguous, in nested queries too.
pub(super) fn qualify(ir: &mut Ir, catalog: &Catalog) {
    for entity in &mut ir.entities {
        if let EntityRef::Query { query, .. } = entity {
            qualify(query, catalog);
        }
    }
    let Some(scope) = Scope::of(ir, catalog) else { return };
    for dimension in &mut ir.dimensions {
        scope.dimension(dimension, ir.grain.is_some(), ir.time.field.as_deref());
    }
    for metric in &mut ir.metrics {
        if let MetricKind::Aggregate { input: Some(Input::Field(field)), .. } = &mut metric.kind {
            scope.name(field);
        }
        if let Some(filter) = &mut metric.filter {
            scope.filter(filter);
        }
    }
    ir.filters.iter_mut().for_each(|f| scope.filter(f));
    if let Some(field) = &mut ir.time.field {
        scope.name(field);
    }
}

struct Scope<'c> {
    root_name: String,
    root: &'c Table,
    others: Vec<&'c Table>,
}

impl<'c> Scope<'c> {
    fn of(ir: &Ir, catalog: &'c Catalog) -> Option<Self> {
        let table = |name: &str| match catalog.table(name) {
            catalog::Found::One(table) => Some(table),
            _ => None,
        };
        let named = |entity: &EntityRef| match entity {
            EntityRef::Name(name) => table(name),
            EntityRef::Named { entity, .. } => table(entity),
            EntityRef::Query { .. } => None,
        };
        let root = named(ir.entities.first()?)?;
        let mut others: Vec<&Table> = ir.entities.iter().skip(1).filter_map(named).collect();
        let joined = ir.joins.iter().filter_map(|j| j.right.first()?.rsplit_once('.'));
        others.extend(joined.filter_map(|(name, _)| table(name)));
        let root_name = ir.entities.first()?.name().to_owned();
        Some(Self { root_name, root, others })
    }

    fn shared(&self, name: &str) -> bool {
        self.root.column(name).is_some() && self.others.iter().any(|t| t.column(name).is_some())
    }

    fn name(&self, name: &mut String) {
        if self.shared(name) {
            *name = format!("{}.{name}", self.root_name);
        }
    }

    fn dimension(&self, dimension: &mut Dimension, grained: bool, time: Option<&str>) {
        let Input::Field(field) = &mut dimension.input else { return };
        let unit = Unit::WORDS.iter().find(|(w, _)| w == field).map(|(_, u)| *u);
        // A bare unit stays a bucket when a table that is only looked up has such a column.
        let hides = self.root.column(field).is_none()
            && self.others.iter().any(|t| t.column(field).is_some());
        if let (true, true, true, Some(unit)) = (dimension.bare, grained, hides, unit)
            && let Some(time) = time.or(self.root.time_column.as_deref())
        {
            *field = time.to_owned();
            dimension.shape = Shape::Bucket(air_ir::Grain::one(unit));
            dimension.bare = false;
            return self.name(field);
        }
        if self.shared(field) {
            dimension.bare = false;
            self.name(field);
        }
    }

    fn filter(&self, filter: &mut Filter) {
        match filter {
            Filter::All(list) | Filter::Any(list) => list.iter_mut().for_each(|f| self.filter(f)),
            Filter::Not(inner) => self.filter(inner),
            Filter::Exists(_) => {}
            Filter::Compare(Comparison { subject: Subject::Field(field), .. }) => self.name(field),
            Filter::Compare(_) => {}
        }
    }
}
