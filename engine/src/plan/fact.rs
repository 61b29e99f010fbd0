//! One fact: a base entity and the entities joined to it by to-one steps.

use super::compile::Compiler;
use super::context::{Scanned, TimeBounds};
use super::internal;
use crate::kind::{Kind, Typed};
use crate::model::{FieldRef, Path, TargetId};
use crate::prepared::{Edge, TableId};
use air_ir::{Code, IrError, Pointer};
use datafusion::common::{
    Column, DFSchema, JoinConstraint, JoinType, NullEquality, TableReference,
};
use datafusion::logical_expr::{Expr, Join, LogicalPlan, SubqueryAlias, TableScanBuilder};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A table of a fact under one alias, with the steps that lead to it.
#[derive(Debug)]
struct Instance {
    path: Path,
    table: TableId,
    alias: String,
    columns: BTreeSet<String>,
}

/// Distinct keys of related rows, and the columns they are joined by.
pub(crate) type Mark = (LogicalPlan, Vec<(Expr, Expr)>);

/// Where rows come from: a database, this process, or several of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    There(String),
    Here,
    Mixed,
}

/// What of a fact's tree of instances is joined already.
struct Tree {
    places: Vec<Place>,
    done: Vec<bool>,
    marks: Vec<usize>,
}

fn place(compiler: &Compiler<'_, '_>, instance: &Instance) -> Place {
    if let Some(planned) = compiler.model.planned(instance.table) {
        return whole_place(&planned.logical);
    }
    let source = compiler.model.source(instance.table);
    match source.server {
        Some(_) => Place::There(source.source.clone()),
        None => Place::Here,
    }
}

fn whole_place(plan: &LogicalPlan) -> Place {
    match &crate::split::places_of(plan)[..] {
        [Some(place)] => Place::There(place.source.clone()),
        [None] | [] => Place::Here,
        _ => Place::Mixed,
    }
}

fn with_mark(plan: LogicalPlan, (mark, on): &Mark, at: &Pointer) -> Result<LogicalPlan, IrError> {
    joined_on(plan, mark.clone(), on.clone(), JoinType::Left).map_err(|e| internal(at, &e))
}

/// A fact under construction: fields are asked for first, then the joins are built.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) base: TargetId,
    /// The base first; an instance stands after the one it is joined to.
    instances: Vec<Instance>,
    /// Distinct keys of related rows, and the columns they are joined by.
    pub(crate) marks: Vec<Mark>,
    /// What the filters say of time columns: alias, column, bounds.
    pub(crate) bounds: Vec<(String, TimeBounds)>,
}

impl Fact {
    pub(crate) fn new(compiler: &mut Compiler<'_, '_>, base: TargetId) -> Self {
        let target = &compiler.model.targets[base];
        let (table, name) = (target.table, target.name.clone());
        let alias = compiler.context.alias(&name);
        let columns = guarded_columns(compiler, table);
        let base_instance = Instance { path: Vec::new(), table, alias, columns };
        Self { base, instances: vec![base_instance], marks: Vec::new(), bounds: Vec::new() }
    }

    /// The alias of the base.
    pub(crate) fn alias(&self) -> &str {
        &self.instances[0].alias
    }

    /// A field as an expression over this fact's rows, joining what is needed.
    pub(crate) fn field(
        &mut self,
        compiler: &mut Compiler<'_, '_>,
        field: &FieldRef,
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let path = compiler.model.path(self.base, field.target, at)?;
        let name = compiler.model.targets[field.target].name.clone();
        let instance = self.instance(compiler, path, &name);
        self.column(compiler, instance, &field.column, at)
    }

    fn column(
        &mut self,
        compiler: &Compiler<'_, '_>,
        instance: usize,
        column: &str,
        at: &Pointer,
    ) -> Result<Typed, IrError> {
        let table = compiler.model.table(self.instances[instance].table);
        let found = table.column(column);
        let typed =
            found.and_then(|c| Some((Kind::of(c.data_type)?, crate::arrow_type(c.data_type)?)));
        let Some((kind, arrow)) = typed else {
            let detail = format!("\"{column}\" cannot be read.");
            return Err(IrError::new(Code::UnreadableColumn, at, detail));
        };
        let instance = &mut self.instances[instance];
        instance.columns.insert(column.to_owned());
        let column = Column::new(Some(TableReference::bare(instance.alias.clone())), column);
        let mut typed = Typed::column(Expr::Column(column), kind, arrow);
        typed.zone = compiler.model.zone(instance.table).cloned();
        Ok(typed)
    }

    /// The instance a path leads to, with everything on the way to it.
    fn instance(&mut self, compiler: &mut Compiler<'_, '_>, path: Path, name: &str) -> usize {
        if let Some(found) = self.instances.iter().position(|i| i.path == path) {
            return found;
        }
        for length in 1..=path.len() {
            let part = path[..length].to_vec();
            if self.instances.iter().any(|i| i.path == part) {
                continue;
            }
            let edge = &part[length - 1];
            let table = edge.right;
            let wanted = match length == path.len() {
                true => name.to_owned(),
                false => {
                    edge.role.clone().unwrap_or_else(|| compiler.model.table(table).name.clone())
                }
            };
            let alias = compiler.context.alias(&wanted);
            let mut columns = guarded_columns(compiler, table);
            columns.extend(edge.right_columns.iter().cloned());
            let left = self.instances.iter_mut().find(|i| i.path == part[..length - 1]);
            if let Some(left) = left {
                left.columns.extend(edge.left_columns.iter().cloned());
            }
            self.instances.push(Instance { path: part, table, alias, columns });
        }
        self.instances.len() - 1
    }

    /// Joins what the IR's own inner joins name also where no field is asked of it, since it
    /// decides which rows there are.
    pub(crate) fn settle(&mut self, compiler: &mut Compiler<'_, '_>) {
        let mut next = 0;
        while next < self.instances.len() {
            let (path, table) = (self.instances[next].path.clone(), self.instances[next].table);
            for edge in compiler.model.inner_joins(table) {
                let mut longer = path.clone();
                let name = edge.role.clone();
                let name = name.unwrap_or_else(|| compiler.model.table(edge.right).name.clone());
                longer.push(edge);
                self.instance(compiler, longer, &name);
            }
            next += 1;
        }
    }

    /// The time range that filters ask of one of this fact's columns.
    pub(crate) fn bound(
        &mut self,
        expr: &Expr,
        lower: Option<Timestamp>,
        upper: Option<Timestamp>,
    ) {
        let Expr::Column(Column { relation: Some(alias), name, .. }) = expr else { return };
        let alias = alias.table().to_owned();
        let known = self.bounds.iter_mut().find(|(a, b)| *a == alias && b.column == *name);
        match known {
            Some((_, bounds)) => {
                bounds.lower = bounds.lower.max(lower);
                bounds.upper = match (bounds.upper, upper) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
            None => {
                self.bounds.push((alias, TimeBounds { column: name.clone(), lower, upper }));
            }
        }
    }

    /// Lowers the bound of one of this fact's columns: rows before the asked range are read too.
    pub(crate) fn widen(&mut self, expr: &Expr, lower: Timestamp) {
        let Expr::Column(Column { relation: Some(alias), name, .. }) = expr else { return };
        for (known, bounds) in &mut self.bounds {
            if known.as_str() == alias.table() && bounds.column == *name {
                bounds.lower = bounds.lower.map(|asked| asked.min(lower));
            }
        }
    }

    /// The scans and joins, recorded with the plan's scans. Rows are those of the base: inner
    /// joins may drop some, and nothing multiplies them.
    pub(crate) fn joined(
        &self,
        compiler: &mut Compiler<'_, '_>,
        at: &Pointer,
    ) -> Result<LogicalPlan, IrError> {
        for (alias, bounds) in &self.bounds {
            if let (Some(lower), Some(upper)) = (bounds.lower, bounds.upper) {
                let column = (alias.clone(), bounds.column.clone());
                compiler.context.spans.insert(column, (lower, upper));
            }
        }
        let places: Vec<Place> = self.instances.iter().map(|i| place(compiler, i)).collect();
        let mut tree = Tree { places, done: vec![false; self.instances.len()], marks: Vec::new() };
        let mut plan = self.gathered(compiler, at, 0, &mut tree)?;
        for (i, mark) in self.marks.iter().enumerate() {
            if !tree.marks.contains(&i) {
                plan = with_mark(plan, mark, at)?;
            }
        }
        Ok(plan)
    }

    /// An instance and all that hangs on it. What is in one place is joined first, so that its
    /// source can do it; then come the other places, each with what hangs on it in turn.
    fn gathered(
        &self,
        compiler: &mut Compiler<'_, '_>,
        at: &Pointer,
        root: usize,
        tree: &mut Tree,
    ) -> Result<LogicalPlan, IrError> {
        let mut plan = self.scan(compiler, &self.instances[root], at)?;
        tree.done[root] = true;
        let mut known = vec![root];
        for i in root + 1..self.instances.len() {
            let near = self.parent(i).is_some_and(|p| known.contains(&p));
            if near && !tree.done[i] && tree.places[i] == tree.places[root] {
                let right = self.scan(compiler, &self.instances[i], at)?;
                plan = self.with(plan, right, i, at)?;
                tree.done[i] = true;
                known.push(i);
            }
        }
        for (i, mark) in self.marks.iter().enumerate() {
            if !tree.marks.contains(&i) && self.is_of(mark, &known, &tree.places[root]) {
                plan = with_mark(plan, mark, at)?;
                tree.marks.push(i);
            }
        }
        for i in root + 1..self.instances.len() {
            if tree.done[i] || !self.parent(i).is_some_and(|p| known.contains(&p)) {
                continue;
            }
            // Rows that hang on a left join by an inner one are dropped with those they hang on,
            // so these joins cannot be done among themselves first.
            let together = self.edge(i).is_some_and(|e| e.inner) || !self.drops_below(i);
            let right = match together {
                true => self.gathered(compiler, at, i, tree)?,
                false => {
                    tree.done[i] = true;
                    known.push(i);
                    self.scan(compiler, &self.instances[i], at)?
                }
            };
            plan = self.with(plan, right, i, at)?;
        }
        Ok(plan)
    }

    /// The step that leads to an instance.
    fn edge(&self, i: usize) -> Option<&Edge> {
        self.instances[i].path.last()
    }

    /// The instance that another one hangs on.
    fn parent(&self, i: usize) -> Option<usize> {
        let (_, before) = self.instances[i].path.split_last()?;
        self.instances.iter().position(|other| other.path == before)
    }

    /// Whether an inner join hangs on an instance, however far below.
    fn drops_below(&self, i: usize) -> bool {
        let path = &self.instances[i].path;
        let below = self.instances.iter().filter(|other| other.path.len() > path.len());
        below
            .filter(|other| other.path.starts_with(path))
            .any(|other| other.path[path.len()..].iter().any(|edge| edge.inner))
    }

    fn with(
        &self,
        plan: LogicalPlan,
        right: LogicalPlan,
        i: usize,
        at: &Pointer,
    ) -> Result<LogicalPlan, IrError> {
        let (Some(edge), Some(left)) = (self.edge(i), self.parent(i)) else { return Ok(plan) };
        let kind = if edge.inner { JoinType::Inner } else { JoinType::Left };
        let (left, alias) = (&self.instances[left].alias, &self.instances[i].alias);
        join(plan, right, left, alias, edge, kind).map_err(|e| internal(at, &e))
    }

    /// Whether a mark is made of rows of `place` and hangs on nothing but `known` instances.
    fn is_of(&self, (mark, on): &Mark, known: &[usize], place: &Place) -> bool {
        let aliases: Vec<&str> = known.iter().map(|i| self.instances[*i].alias.as_str()).collect();
        let inside = |expr: &Expr| {
            let named = expr.column_refs();
            named.iter().all(|c| c.relation.as_ref().is_some_and(|r| aliases.contains(&r.table())))
        };
        whole_place(mark) == *place && on.iter().all(|(outside, _)| inside(outside))
    }

    fn scan(
        &self,
        compiler: &mut Compiler<'_, '_>,
        instance: &Instance,
        at: &Pointer,
    ) -> Result<LogicalPlan, IrError> {
        self.record(compiler, instance);
        let columns: Vec<String> = instance.columns.iter().cloned().collect();
        scan(compiler, instance.table, &instance.alias, &columns).map_err(|e| internal(at, &e))
    }

    fn record(&self, compiler: &mut Compiler<'_, '_>, instance: &Instance) {
        if compiler.model.planned(instance.table).is_some() {
            return;
        }
        let table = compiler.model.table(instance.table);
        let time = table.time_column.clone().filter(|_| table.time_series).map(|column| {
            let asked =
                self.bounds.iter().find(|(a, b)| *a == instance.alias && b.column == column);
            asked.map_or(TimeBounds { column, lower: None, upper: None }, |(_, b)| b.clone())
        });
        compiler.context.scans.push(Scanned {
            table: table.qualified_name(),
            alias: instance.alias.clone(),
            columns: instance.columns.iter().cloned().collect(),
            time,
        });
    }
}

/// The column the guard may bound: it is read also where the IR does not ask for it.
fn guarded_columns(compiler: &Compiler<'_, '_>, table: TableId) -> BTreeSet<String> {
    let table = compiler.model.table(table);
    table.time_column.iter().filter(|_| table.time_series).cloned().collect()
}

/// A scan of the columns used, or the plan of a nested query, under an alias.
pub(crate) fn scan(
    compiler: &Compiler<'_, '_>,
    table: TableId,
    alias: &str,
    columns: &[String],
) -> datafusion::common::Result<LogicalPlan> {
    let input = match compiler.model.planned(table) {
        Some(planned) => planned.logical.clone(),
        None => {
            let source = compiler.model.source(table);
            let known = compiler.model.table(table);
            let schema = datafusion::logical_expr::TableSource::schema(&*source);
            let mut projection: Vec<usize> =
                columns.iter().filter_map(|c| schema.index_of(c).ok()).collect();
            projection.sort_unstable();
            let name = match &known.schema {
                Some(schema) => TableReference::partial(schema.as_str(), known.name.as_str()),
                None => TableReference::bare(known.name.as_str()),
            };
            LogicalPlan::TableScan(
                TableScanBuilder::new(name, source).with_projection(Some(projection)).build()?,
            )
        }
    };
    Ok(LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(
        Arc::new(input),
        TableReference::bare(alias),
    )?))
}

/// A column of an alias.
pub(crate) fn column(alias: &str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(alias)), name))
}

/// Two plans joined by equal columns; null equals nothing.
pub(crate) fn join(
    left: LogicalPlan,
    right: LogicalPlan,
    left_alias: &str,
    right_alias: &str,
    edge: &Edge,
    kind: JoinType,
) -> datafusion::common::Result<LogicalPlan> {
    let pairs = edge.left_columns.iter().zip(&edge.right_columns);
    let mut on = Vec::new();
    for (l, r) in pairs {
        let (mut l, mut r) = (column(left_alias, l), column(right_alias, r));
        let (lt, rt) = (type_of(&l, left.schema())?, type_of(&r, right.schema())?);
        if lt != rt {
            // Keys of different widths meet in the wider type.
            if let Some(wide) =
                datafusion::logical_expr::type_coercion::binary::comparison_coercion(&lt, &rt)
            {
                l = datafusion::logical_expr::cast(l, wide.clone());
                r = datafusion::logical_expr::cast(r, wide);
            }
        }
        on.push((l, r));
    }
    joined_on(left, right, on, kind)
}

fn joined_on(
    left: LogicalPlan,
    right: LogicalPlan,
    on: Vec<(Expr, Expr)>,
    kind: JoinType,
) -> datafusion::common::Result<LogicalPlan> {
    Ok(LogicalPlan::Join(Join::try_new(
        Arc::new(left),
        Arc::new(right),
        on,
        None,
        kind,
        JoinConstraint::On,
        NullEquality::NullEqualsNothing,
        false,
    )?))
}

fn type_of(
    expr: &Expr,
    schema: &DFSchema,
) -> datafusion::common::Result<datafusion::arrow::datatypes::DataType> {
    datafusion::logical_expr::ExprSchemable::get_type(expr, schema)
}
