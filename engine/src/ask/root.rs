//! Which table a question is about.
//!
//! In: chunks and clauses. Out: the table from which everything that was named can be reached
//! without multiplying rows, and the fields a name stands for as seen from there.

use super::chunks::Chunk;
use super::clauses::{Clauses, GroupClause};
use super::lexicon::{Candidate, Lexicon, Target};
use super::routes::{self, Field};
use air_ir::{Agg, Catalog};
use std::collections::{BTreeMap, BTreeSet};

/// What a field is worth the farther it is away.
fn nearness(hops: usize) -> f64 {
    match hops {
        0 => 1.0,
        1 => 0.97,
        2 => 0.92,
        _ => 0.85,
    }
}

/// Every field a chunk may stand for, with its weight.
pub(super) fn fields(
    catalog: &Catalog,
    lexicon: &Lexicon,
    root: usize,
    chunk: &Chunk,
) -> Vec<(Field, f64)> {
    let mut best: BTreeMap<Field, f64> = BTreeMap::new();
    for candidate in &chunk.names {
        for (field, weight) in of_candidate(catalog, lexicon, root, candidate) {
            let weight = weight * nearness(field.hops.len());
            let field = routes::shortened(catalog, field);
            let known = best.entry(field).or_insert(0.0);
            *known = known.max(weight);
        }
    }
    let mut list: Vec<(Field, f64)> = best.into_iter().collect();
    list.sort_by(|a, b| b.1.total_cmp(&a.1));
    list
}

fn of_candidate(
    catalog: &Catalog,
    lexicon: &Lexicon,
    root: usize,
    candidate: &Candidate,
) -> Vec<(Field, f64)> {
    let weight = candidate.weight;
    let ways = |table: usize| lexicon.routes.between(root, table);
    match candidate.target {
        Target::Column(col) => {
            ways(col.table).into_iter().map(|hops| (Field { hops, col }, weight)).collect()
        }
        Target::Table(table) => match routes::label(catalog, table) {
            Some(col) => {
                let fields = ways(table).into_iter().map(|hops| Field { hops, col });
                fields.map(|f| (f, weight * 0.98)).collect()
            }
            None => Vec::new(),
        },
        Target::Role(hop) => {
            let label = lexicon.routes.target(hop).and_then(|t| routes::label(catalog, t));
            let Some(col) = label else { return Vec::new() };
            through(ways(hop.table), hop, col).map(|f| (f, weight)).collect()
        }
        Target::RoleColumn(hop, col) => {
            through(ways(hop.table), hop, col).map(|f| (f, weight)).collect()
        }
    }
}

fn through(
    ways: Vec<Vec<routes::Hop>>,
    hop: routes::Hop,
    col: routes::ColRef,
) -> impl Iterator<Item = Field> {
    ways.into_iter().map(move |mut hops| {
        hops.push(hop);
        Field { hops, col }
    })
}

/// The columns of time as seen from `root`: its own, else those of the nearest tables.
pub(super) fn time_fields(catalog: &Catalog, lexicon: &Lexicon, root: usize) -> Vec<Field> {
    let own = routes::time_columns(catalog, root);
    if !own.is_empty() {
        return own.into_iter().map(|col| Field { hops: Vec::new(), col }).collect();
    }
    let mut nearest: Vec<Field> = Vec::new();
    for table in (0..catalog.tables.len()).filter(|t| *t != root) {
        for hops in lexicon.routes.between(root, table) {
            let columns = routes::time_columns(catalog, table);
            nearest.extend(columns.into_iter().map(|col| Field { hops: hops.clone(), col }));
        }
    }
    let least = nearest.iter().map(|f| f.hops.len()).min().unwrap_or(0);
    nearest.retain(|f| f.hops.len() == least);
    nearest
}

/// The table the question is about; `None` where it names nothing of the catalog.
pub(super) fn find(
    catalog: &Catalog,
    lexicon: &Lexicon,
    chunks: &[Chunk],
    clauses: &Clauses,
) -> Option<usize> {
    let named = named_tables(lexicon, chunks, clauses);
    let scorer = Scorer { catalog, lexicon, chunks, clauses };
    let mut best: Option<(f64, usize, usize)> = None;
    for table in named {
        let keys = catalog.tables.get(table).map_or(0, |t| t.foreign_keys.len());
        let score = scorer.score(table);
        let better = match best {
            None => true,
            Some((s, k, _)) => score > s + 1e-9 || (score - s).abs() <= 1e-9 && keys > k,
        };
        if better {
            best = Some((score, keys, table));
        }
    }
    best.map(|b| b.2)
}

/// Tables that a name or value belongs to, and those with a key to one of them. Whose rows may be
/// absent is said: of "countries without orders" no third table tells.
fn named_tables(lexicon: &Lexicon, chunks: &[Chunk], clauses: &Clauses) -> BTreeSet<usize> {
    let mut tables = BTreeSet::new();
    for chunk in chunks {
        for candidate in &chunk.names {
            tables.insert(match candidate.target {
                Target::Table(table) => table,
                Target::Column(col) => col.table,
                Target::Role(hop) | Target::RoleColumn(hop, _) => hop.table,
            });
        }
        tables.extend(chunk.values.iter().map(|v| v.col.table));
    }
    if !clauses.nulls.is_empty() {
        return tables;
    }
    let children: Vec<usize> =
        tables.iter().flat_map(|t| lexicon.routes.children(*t)).map(|h| h.table).collect();
    tables.extend(children);
    tables
}

struct Scorer<'a> {
    catalog: &'a Catalog,
    lexicon: &'a Lexicon,
    chunks: &'a [Chunk],
    clauses: &'a Clauses,
}

/// What it costs not to reach something that was named.
const UNREACHED: f64 = -1.5;

impl Scorer<'_> {
    fn score(&self, root: usize) -> f64 {
        self.asked(root) + self.grouped(root) + self.restricted(root) + self.timed(root)
    }

    /// Figures, and what stands by itself.
    fn asked(&self, root: usize) -> f64 {
        let c = self.clauses;
        let mut score = 0.0;
        for (measure, name) in c.measures.iter().filter_map(|m| Some((m, m.name?))) {
            let figure = match measure.agg {
                Some(Agg::Percentile) => true,
                agg => agg.is_some() && !measure.count,
            };
            score += self.measured(root, name, figure && !measure.distinct);
        }
        if c.measures.is_empty() && c.supers.iter().any(|s| s.name.is_none()) {
            let table = routes::table(self.catalog, root);
            let figures = table.is_some_and(|t| t.columns.iter().any(super::measures::is_figure));
            score += if figures { 0.15 } else { 0.0 };
            score += if routes::time_columns(self.catalog, root).is_empty() { 0.0 } else { 0.1 };
        }
        score += c.bare.iter().map(|at| self.bare(root, *at)).sum::<f64>();
        // What stands first is what the question is about.
        let first = c.bare.first().filter(|_| c.measures.is_empty());
        score + first.map_or(0.0, |at| if self.table(root, *at) > 0.6 { 0.2 } else { 0.0 })
    }

    fn grouped(&self, root: usize) -> f64 {
        let c = self.clauses;
        let ranked = c.supers.iter().filter_map(|s| s.name);
        let groups = c.groups.iter().filter_map(|g| match g.what {
            GroupClause::Name(at) => Some(at),
            _ => None,
        });
        let score: f64 = ranked.chain(groups).map(|at| self.named(root, at, true)).sum();
        // The busiest of a table's rows has the most rows of another table.
        let busiest =
            c.supers.iter().filter(|s| s.busiest && c.measures.is_empty()).filter_map(|s| s.name);
        score - busiest.map(|at| self.table(root, at)).fold(0.0, f64::max)
    }

    fn restricted(&self, root: usize) -> f64 {
        let c = self.clauses;
        let nulls = c.nulls.iter().map(|null| match self.table(root, null.chunk) > 0.0 {
            // Rows of the main table are there; what may be absent is something else.
            true => UNREACHED,
            // Rows that have none of others are found from those others' key alone.
            false => self.named(root, null.chunk, true).max(self.child(root, null.chunk) * 1.25),
        });
        let compared = c.compares.iter().filter_map(|c| c.subject).map(|at| {
            self.named(root, at, true).max(self.table(root, at)).max(self.child(root, at) * 0.5)
        });
        let values = c.values.iter().map(|v| self.valued(root, v.chunk));
        let pairs = c.pairs.iter().flat_map(|p| [p.left, p.right]);
        let pairs = pairs.map(|at| self.named(root, at, true));
        nulls.chain(compared).chain(values).chain(pairs).sum()
    }

    fn chunk(&self, at: usize) -> Option<&Chunk> {
        self.chunks.get(at)
    }

    fn named(&self, root: usize, at: usize, needed: bool) -> f64 {
        let Some(chunk) = self.chunk(at) else { return 0.0 };
        let best = fields(self.catalog, self.lexicon, root, chunk).first().map(|f| f.1);
        best.unwrap_or(0.0).max(self.table(root, at)).max(if needed { UNREACHED } else { 0.0 })
            + if best.is_none() && self.table(root, at) == 0.0 && needed { UNREACHED } else { 0.0 }
    }

    /// How well a chunk names the table itself.
    fn table(&self, root: usize, at: usize) -> f64 {
        let names = self.chunk(at).map(|c| c.names.as_slice()).unwrap_or_default();
        let of = names.iter().filter(|c| c.target == Target::Table(root));
        of.map(|c| c.weight).fold(0.0, f64::max)
    }

    /// A table with a key to this one: whose rows can be there or not.
    fn child(&self, root: usize, at: usize) -> f64 {
        let names = self.chunk(at).map(|c| c.names.as_slice()).unwrap_or_default();
        let children = self.lexicon.routes.children(root);
        let of = names.iter().filter(
            |c| matches!(c.target, Target::Table(t) if children.iter().any(|h| h.table == t)),
        );
        of.map(|c| c.weight * 0.8).fold(0.0, f64::max)
    }

    fn measured(&self, root: usize, at: usize, figure: bool) -> f64 {
        let Some(chunk) = self.chunk(at) else { return 0.0 };
        let table = self.table(root, at) * 1.05;
        let found = fields(self.catalog, self.lexicon, root, chunk);
        let columns = chunk.names.iter().filter(|c| matches!(c.target, Target::Column(_)));
        let columns = Chunk { names: columns.copied().collect(), ..chunk.clone() };
        let by_column = fields(self.catalog, self.lexicon, root, &columns);
        let own = by_column.iter().filter(|(f, _)| f.hops.is_empty());
        let own = own.filter(|(f, _)| {
            let column = routes::column(self.catalog, f.col);
            !figure || column.is_some_and(|c| c.data_type.is_numeric() || c.data_type.is_temporal())
        });
        let own = own.map(|f| f.1).fold(0.0, f64::max);
        let far = found.iter().map(|f| f.1 * 0.4).fold(0.0, f64::max);
        // Rows of a table that this one has a key to are counted by that key.
        let keyed = chunk.names.iter().filter(|c| match c.target {
            Target::Table(t) => self.lexicon.routes.between(root, t).iter().any(|w| w.len() == 1),
            _ => false,
        });
        let keyed = if figure { 0.0 } else { keyed.map(|c| c.weight * 0.9).fold(0.0, f64::max) };
        let child = if figure { 0.0 } else { self.child(root, at) * 1.16 };
        let best = table.max(own).max(far).max(keyed).max(child);
        if best > 0.0 { best } else { UNREACHED }
    }

    fn bare(&self, root: usize, at: usize) -> f64 {
        let table = self.table(root, at);
        if table > 0.0 { table * 1.03 } else { self.named(root, at, true) }
    }

    fn valued(&self, root: usize, at: usize) -> f64 {
        let Some(chunk) = self.chunk(at) else { return 0.0 };
        let reach = chunk.values.iter().filter_map(|v| {
            let ways = self.lexicon.routes.between(root, v.col.table);
            ways.first().map(|w| nearness(w.len()))
        });
        let best = reach.fold(0.0, f64::max);
        if best > 0.0 || chunk.values.is_empty() { best } else { UNREACHED }
    }

    fn timed(&self, root: usize) -> f64 {
        let buckets = self
            .clauses
            .groups
            .iter()
            .any(|g| matches!(g.what, GroupClause::Bucket(_) | GroupClause::Part(_)));
        let dated = self
            .clauses
            .times
            .iter()
            .filter(|t| year_name(self.catalog, self.chunks, self.clauses, t.chunk).is_none());
        if dated.count() == 0 && !buckets {
            return 0.0;
        }
        match time_fields(self.catalog, self.lexicon, root).first() {
            Some(field) if field.hops.is_empty() => 0.4,
            Some(_) => 0.1,
            None if self.dates_what_is_absent(root) => 0.4,
            None => -0.8,
        }
    }

    /// Whether rows that may be absent have a time: "airlines without flights in May".
    fn dates_what_is_absent(&self, root: usize) -> bool {
        let children = self.lexicon.routes.children(root);
        let dated = |table: usize| {
            children.iter().any(|h| h.table == table)
                && !time_fields(self.catalog, self.lexicon, table).is_empty()
        };
        let chunks = self.clauses.nulls.iter().filter_map(|null| self.chunk(null.chunk));
        let mut names = chunks.flat_map(|chunk| &chunk.names);
        names.any(|name| matches!(name.target, Target::Table(table) if dated(table)))
    }
}

/// "built before 2000": the name in front of a time, where it is a column of years.
pub(super) fn year_name(
    catalog: &Catalog,
    chunks: &[Chunk],
    clauses: &Clauses,
    time: usize,
) -> Option<usize> {
    let before = clauses.bare.iter().copied().filter(|b| *b < time).max()?;
    let between = chunks.get(before + 1..time)?;
    let best = chunks.get(before)?.names.first()?;
    let Target::Column(col) = best.target else { return None };
    let column = routes::column(catalog, col)?;
    let years = super::describe::column_words(column).iter().any(|w| w == "year");
    (between.iter().all(Chunk::is_filler) && column.data_type.is_integer() && years)
        .then_some(before)
}
