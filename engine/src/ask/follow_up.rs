//! Questions that change the last report: "only for UA", "by month instead", "top 3".
//!
//! In: the last IR and the clauses of the new question. Out: the IR changed where the question
//! says so; everything else stays as it was.

use super::build::Build;
use super::chunks::Chunk;
use super::clauses::{Clauses, GroupClause, Grouped, SuperClause};
use super::lexicon::Target;
use super::ranking::Made;
use super::words::{End, Say};
use air_ir::{Comparison, Dir, EntityRef, Filter, Ir, MetricKind, Op, Subject};

/// Whether the question changes the last one rather than standing by itself.
pub(super) fn changes(chunks: &[Chunk], clauses: &Clauses) -> bool {
    if is_marked(chunks, clauses) {
        return true;
    }
    let measured = clauses.measures.iter().any(|m| !m.ordering);
    let table = |at: &usize| {
        let names = chunks.get(*at).map(|c| c.names.as_slice()).unwrap_or_default();
        matches!(names.first().map(|c| c.target), Some(Target::Table(_)))
    };
    let asked = clauses.groups.iter().any(|g| g.which) || clauses.list;
    let ranked = clauses.supers.iter().any(|s| s.name.is_some());
    !measured && !asked && !ranked && !clauses.bare.iter().any(table)
}

/// Whether the question says that it changes something.
pub(super) fn is_marked(chunks: &[Chunk], clauses: &Clauses) -> bool {
    let first = chunks.iter().find(|c| !c.is_filler()).and_then(Chunk::say);
    let marked = clauses.only || clauses.instead || clauses.also || clauses.about || clauses.remove;
    marked || matches!(first, Some(Say::And | Say::Not))
}

/// The main table of an IR, where it is a table of the catalog.
pub(super) fn root_of(ir: &Ir, catalog: &air_ir::Catalog) -> Option<usize> {
    let name = match ir.entities.first()? {
        EntityRef::Name(name) => name,
        EntityRef::Named { entity, source: None, .. } => entity,
        EntityRef::Named { .. } | EntityRef::Query { .. } => return None,
    };
    catalog
        .tables
        .iter()
        .position(|t| t.qualified_name() == *name)
        .or_else(|| catalog.tables.iter().position(|t| t.name == *name))
}

impl Build<'_> {
    /// Changes the last IR as the question says.
    pub(super) fn change(&mut self, previous: &Ir) {
        self.ir = previous.clone();
        if self.clauses.remove {
            self.take_away();
            return self.finish();
        }
        self.change_measures();
        if self.clauses.difference.is_some() {
            self.missing.push("difference".to_owned());
            let reason = "A difference of two figures is asked for in a question of its own.";
            self.reasons.push(reason.to_owned());
        }
        let made = self.change_groups();
        self.change_conditions();
        let base = self.ir.metrics.first().map(|m| m.name.clone());
        self.rerank(base.as_deref(), made);
        self.finish();
    }

    fn change_measures(&mut self) {
        let clauses = self.clauses;
        let wanted: Vec<_> = clauses
            .measures
            .iter()
            .filter(|m| !m.ordering && (!m.share || m.name.is_some()))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let adds = clauses.also || self.starts_with_and();
        let old = match adds {
            true => Vec::new(),
            false => std::mem::take(&mut self.ir.metrics),
        };
        let first = wanted.into_iter().map(|m| self.measure(m)).collect::<Vec<_>>();
        let Some(new) = first.into_iter().flatten().next() else { return };
        if adds {
            return;
        }
        self.ir.having.clear();
        for order in self.ir.order.iter_mut().filter(|o| old.iter().any(|m| m.name == o.field)) {
            order.field.clone_from(&new);
        }
        if let Some(top) = &mut self.ir.top {
            top.by = new;
        }
    }

    fn starts_with_and(&self) -> bool {
        let first = self.chunks.iter().find(|c| !c.is_filler());
        first.and_then(Chunk::say) == Some(Say::And)
    }

    fn change_groups(&mut self) -> Vec<Made> {
        let clauses = self.clauses;
        if clauses.groups.is_empty() {
            return Vec::new();
        }
        let adds = clauses.also || self.starts_with_and();
        if !adds {
            if !clauses.instead && !self.ir.dimensions.is_empty() {
                self.asked.assume("The breakdown replaces the one before.");
            }
            self.ir.dimensions.clear();
            self.ir.grain = None;
            if let Some(top) = self.ir.top.take() {
                self.ir.limit = Some(top.n);
            }
        }
        let made: Vec<Made> = clauses.groups.iter().map(|g| self.make(*g)).collect();
        self.keep_order();
        made
    }

    /// Order by columns that are no longer there falls away, and so do figures made of them.
    fn keep_order(&mut self) {
        let bucket = self.has_bucket();
        let names: Vec<String> = self.ir.dimensions.iter().map(|d| d.name.clone()).collect();
        self.ir.metrics.retain(|m| {
            bucket || !matches!(m.kind, MetricKind::Compare(_) | MetricKind::Window(_))
        });
        for metric in &mut self.ir.metrics {
            if let MetricKind::Share(share) = &mut metric.kind {
                share.within.retain(|w| names.contains(w));
            }
        }
        let metrics: Vec<String> = self.ir.metrics.iter().map(|m| m.name.clone()).collect();
        self.ir.metrics.retain(|m| match &m.kind {
            MetricKind::Expr(expr) => {
                expr.names().iter().all(|(n, _)| metrics.iter().any(|m| m == n))
            }
            _ => true,
        });
        let ir = &mut self.ir;
        let (dimensions, metrics) = (&ir.dimensions, &ir.metrics);
        ir.order.retain(|o| {
            dimensions.iter().any(|d| d.name == o.field)
                || metrics.iter().any(|m| m.name == o.field)
        });
    }

    /// New conditions take the place of those on the same column.
    fn change_conditions(&mut self) {
        let before = std::mem::take(&mut self.ir.filters);
        if !self.clauses.times.is_empty() && before.iter().any(asks_for_related) {
            self.missing.push(self.text(self.clauses.times[0].chunk).to_owned());
            let reason = "The last report asks for rows that are there or not, and it is not known \
                          which of the two a time is of. Ask the whole question.";
            self.reasons.push(reason.to_owned());
        }
        let share = self.clauses.share.is_some();
        self.conditions(&[]);
        let new = std::mem::take(&mut self.ir.filters);
        let fields: Vec<String> = new.iter().flat_map(filter_fields).collect();
        let replaces = !self.clauses.also;
        let kept = before.into_iter().filter(|f| {
            let old = filter_fields(f);
            !(replaces && !old.is_empty() && old.iter().all(|o| fields.contains(o)))
        });
        self.ir.filters = kept.collect();
        self.ir.filters.extend(new);
        if share && !self.numerator.is_empty() && self.ir.metrics.is_empty() {
            self.count_rows();
        }
    }

    fn rerank(&mut self, base: Option<&str>, mut made: Vec<Made>) {
        let clauses = self.clauses;
        let named: Vec<Grouped> = clauses
            .supers
            .iter()
            .filter_map(|s| s.name)
            .filter(|n| !self.used[*n])
            .map(|n| Grouped { what: GroupClause::Name(n), per: false, which: false, by: false })
            .collect();
        for group in named {
            made.push(self.make(group));
        }
        if let Some(limit) = clauses.limit {
            self.ir.limit = Some(limit);
        }
        if let Some(base) = base.filter(|_| clauses.supers.is_empty()) {
            return self.derive(Some(base), &made);
        }
        let only_n = clauses.supers.first().filter(|s| s.n.is_some()).copied();
        match (base, only_n) {
            (Some(base), Some(clause)) if !self.ir.order.is_empty() && clause.end == End::High => {
                self.mark(clause.chunk);
                let keeps =
                    self.ir.order.iter().any(|o| self.ir.metrics.iter().any(|m| m.name == o.field));
                match keeps {
                    true => self.ir.limit = clause.n,
                    false => self.derive(Some(base), &made),
                }
            }
            _ => {
                self.needs_groups(only_n);
                self.derive(base, &made);
            }
        }
    }

    fn needs_groups(&mut self, clause: Option<SuperClause>) {
        if let (Some(clause), true) = (clause, self.ir.dimensions.is_empty()) {
            self.missing.push(self.text(clause.chunk).to_owned());
            self.reasons
                .push("There is nothing to rank: the last report has no breakdown.".to_owned());
        }
    }

    /// "remove the filter", "remove the carrier", "without the limit".
    fn take_away(&mut self) {
        let clauses = self.clauses;
        let mut fields: Vec<String> = Vec::new();
        let mut names = clauses.bare.clone();
        names.extend(clauses.groups.iter().filter_map(|g| match g.what {
            GroupClause::Name(at) => Some(at),
            _ => None,
        }));
        for at in names {
            if let Some(field) = self.pick(at, |_| true) {
                fields.push(self.spelled(&field));
                let key = self.key_beside(&field).unwrap_or_default();
                fields.extend(key.iter().map(|f| self.spelled(f)));
            }
        }
        for value in &clauses.values {
            self.mark(value.chunk);
            let hits = self.chunks.get(value.chunk).map(|c| c.values.clone()).unwrap_or_default();
            fields.extend(self.readings(&hits).iter().map(|r| self.spelled(&r.field)));
        }
        for unknown in &clauses.unknown {
            if self.text(unknown.0).eq_ignore_ascii_case("limit") {
                self.mark(unknown.0);
                self.ir.limit = None;
                return;
            }
        }
        self.remove_fields(&fields);
    }

    fn remove_fields(&mut self, fields: &[String]) {
        let before = (self.ir.filters.len(), self.ir.dimensions.len());
        let on = |f: &Filter| {
            filter_fields(f).iter().any(|name| fields.iter().any(|x| same_field(x, name)))
        };
        if !fields.is_empty() {
            // Without the word "filter", a breakdown goes before a condition.
            if !self.clauses.filters {
                self.ir.dimensions.retain(|d| !fields.iter().any(|f| same_field(f, &d.name)));
                self.keep_order();
            }
            if before.1 == self.ir.dimensions.len() {
                self.ir.filters.retain(|f| !on(f));
            }
        } else if self.clauses.filters {
            let timed = |f: &Filter| matches!(f, Filter::Compare(c) if c.op == Op::During);
            let all_timed = self.ir.filters.iter().all(timed);
            self.ir.filters.retain(|f| !all_timed && timed(f));
            self.ir.having.clear();
        }
        if before == (self.ir.filters.len(), self.ir.dimensions.len()) && self.missing.is_empty() {
            self.missing.push(fields.first().cloned().unwrap_or_else(|| "filter".to_owned()));
            self.reasons.push("The last report has nothing of that kind to remove.".to_owned());
        }
    }
}

fn same_field(a: &str, b: &str) -> bool {
    a == b || a.rsplit('.').next() == b.rsplit('.').next() && (!a.contains('.') || !b.contains('.'))
}

fn asks_for_related(filter: &Filter) -> bool {
    match filter {
        Filter::All(list) | Filter::Any(list) => list.iter().any(asks_for_related),
        Filter::Not(inner) => asks_for_related(inner),
        Filter::Exists(_) => true,
        Filter::Compare(_) => false,
    }
}

/// The fields a filter looks at.
fn filter_fields(filter: &Filter) -> Vec<String> {
    match filter {
        Filter::All(list) | Filter::Any(list) => list.iter().flat_map(filter_fields).collect(),
        Filter::Not(inner) => filter_fields(inner),
        Filter::Exists(_) => Vec::new(),
        Filter::Compare(Comparison { subject: Subject::Field(field), .. }) => vec![field.clone()],
        Filter::Compare(_) => Vec::new(),
    }
}

/// The direction of an order in a word.
pub(super) fn dir_word(dir: Dir) -> &'static str {
    if dir == Dir::Desc { "highest first" } else { "lowest first" }
}
