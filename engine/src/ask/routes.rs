//! Ways through the foreign keys of a catalog.
//!
//! In: a catalog. Out: for each pair of tables every shortest to-one way, and which columns stand
//! for a table (its label, its time). Ways that would multiply rows are deliberately absent.

use air_ir::{Catalog, Column, DataType, Table, catalog::Role};
use std::collections::{BTreeMap, BTreeSet};

/// A column, by the positions of table and column in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ColRef {
    pub(super) table: usize,
    pub(super) column: usize,
}

/// One foreign key followed: key `key` of table `table`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hop {
    pub(super) table: usize,
    pub(super) key: usize,
}

/// A column as it is reached from the main table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Field {
    pub(super) hops: Vec<Hop>,
    pub(super) col: ColRef,
}

/// Longer ways are not looked for.
const FARTHEST: usize = 4;

/// The ways between the tables of a catalog.
#[derive(Debug)]
pub(super) struct Routes {
    shortest: BTreeMap<(usize, usize), Vec<Vec<Hop>>>,
    targets: Vec<Vec<Option<usize>>>,
}

impl Routes {
    pub(super) fn new(catalog: &Catalog) -> Self {
        let find = |key: &air_ir::ForeignKey| {
            let to = &key.references;
            catalog
                .tables
                .iter()
                .position(|t| t.name == to.table && (to.schema.is_none() || t.schema == to.schema))
        };
        let targets: Vec<Vec<Option<usize>>> =
            catalog.tables.iter().map(|t| t.foreign_keys.iter().map(find).collect()).collect();
        let mut routes = Self { shortest: BTreeMap::new(), targets };
        for root in 0..catalog.tables.len() {
            routes.walk(root);
        }
        routes
    }

    /// Breadth first, keeping every way of the shortest length.
    fn walk(&mut self, root: usize) {
        let mut done = BTreeSet::from([root]);
        let mut ends: BTreeMap<usize, Vec<Vec<Hop>>> = BTreeMap::from([(root, vec![Vec::new()])]);
        for _ in 0..FARTHEST {
            let mut next: BTreeMap<usize, Vec<Vec<Hop>>> = BTreeMap::new();
            for (table, ways) in &ends {
                for (key, target) in self.targets[*table].iter().enumerate() {
                    let Some(target) = target.filter(|t| !done.contains(t)) else { continue };
                    for way in ways {
                        let mut longer = way.clone();
                        longer.push(Hop { table: *table, key });
                        next.entry(target).or_default().push(longer);
                    }
                }
            }
            done.extend(next.keys());
            for (target, ways) in &next {
                self.shortest.insert((root, *target), ways.clone());
            }
            ends = next;
        }
    }

    /// Every shortest way; one empty way where both are the same table.
    pub(super) fn between(&self, root: usize, target: usize) -> Vec<Vec<Hop>> {
        match root == target {
            true => vec![Vec::new()],
            false => self.shortest.get(&(root, target)).cloned().unwrap_or_default(),
        }
    }

    /// The table a key leads to.
    pub(super) fn target(&self, hop: Hop) -> Option<usize> {
        self.targets.get(hop.table)?.get(hop.key).copied().flatten()
    }

    /// The tables that have a key to `table`, with the key.
    pub(super) fn children(&self, table: usize) -> Vec<Hop> {
        let mut hops = Vec::new();
        for (child, targets) in self.targets.iter().enumerate() {
            for (key, target) in targets.iter().enumerate() {
                if *target == Some(table) {
                    hops.push(Hop { table: child, key });
                }
            }
        }
        hops
    }
}

/// The table at a position; positions come from the same catalog, so it is there.
pub(super) fn table(catalog: &Catalog, at: usize) -> Option<&Table> {
    catalog.tables.get(at)
}

pub(super) fn column(catalog: &Catalog, at: ColRef) -> Option<&Column> {
    catalog.tables.get(at.table)?.columns.get(at.column)
}

/// The position of a column by its name.
pub(super) fn named(catalog: &Catalog, table: usize, name: &str) -> Option<ColRef> {
    let column = catalog.tables.get(table)?.columns.iter().position(|c| c.name == name)?;
    Some(ColRef { table, column })
}

/// The column people know the rows of a table by: its name, else its key of one
/// column.
pub(super) fn label(catalog: &Catalog, table: usize) -> Option<ColRef> {
    let t = catalog.tables.get(table)?;
    let texts: Vec<&Column> = t
        .columns
        .iter()
        .filter(|c| c.data_type == DataType::Text && c.role != Some(Role::Key))
        .filter(|c| !t.primary_key.contains(&c.name))
        .collect();
    let called = |word: &str| texts.iter().find(|c| c.name.to_lowercase() == word);
    let ends = |word: &str| texts.iter().find(|c| c.name.to_lowercase().ends_with(word));
    let found = ["name", "title", "label"].iter().find_map(|w| called(w));
    let found = found.or_else(|| ["_name", "_title", "_label"].iter().find_map(|w| ends(w)));
    match (found, &t.primary_key[..]) {
        (Some(column), _) => named(catalog, table, &column.name),
        (None, [key]) => named(catalog, table, key),
        _ => None,
    }
}

/// The columns that can say when a row of `table` happened: the declared one, else every one.
pub(super) fn time_columns(catalog: &Catalog, table: usize) -> Vec<ColRef> {
    let Some(t) = catalog.tables.get(table) else { return Vec::new() };
    if let Some(declared) = t.time_column.as_deref().and_then(|c| named(catalog, table, c)) {
        return vec![declared];
    }
    let temporal = |c: &&Column| c.data_type.is_temporal();
    let marked: Vec<&Column> =
        t.columns.iter().filter(temporal).filter(|c| c.role == Some(Role::Time)).collect();
    let all: Vec<&Column> = t.columns.iter().filter(temporal).collect();
    let chosen = if marked.is_empty() { all } else { marked };
    chosen.iter().filter_map(|c| named(catalog, table, &c.name)).collect()
}

/// The same field by the shortest name: the referenced key of a hop is the key column itself.
pub(super) fn shortened(catalog: &Catalog, mut field: Field) -> Field {
    while let Some(hop) = field.hops.last().copied() {
        let shorter = (|| {
            let owner = catalog.tables.get(hop.table)?;
            let key = owner.foreign_keys.get(hop.key)?;
            let name = &column(catalog, field.col)?.name;
            let at = key.references.columns.iter().position(|c| c == name)?;
            named(catalog, hop.table, key.columns.get(at)?)
        })();
        let Some(col) = shorter else { break };
        field.col = col;
        field.hops.pop();
    }
    field
}
