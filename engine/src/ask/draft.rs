//! The stages of a draft, in their order.
//!
//! In: clauses and a main table. Out: the IR of a question that starts anew. Questions that
//! change the last IR are in [`super::follow_up`].

use super::build::Build;
use super::chunks::Kind;
use super::clauses::{GroupClause, Grouped, MeasureClause};
use super::measures::is_figure;
use super::ranking::Made;
use super::routes;
use super::time::{Moment, TimePhrase};
use super::words::Say;
use air_ir::{Comparison, DataType, Dir, Filter, Grain, Nulls, Op, OrderBy, Subject, Unit};

impl Build<'_> {
    /// Drafts a whole question.
    pub(super) fn fresh(&mut self) {
        self.start();
        let clauses = self.clauses;
        let (mut groups, by_measure) = self.measures_among_groups();
        let mut metrics: Vec<Option<String>> =
            clauses.measures.iter().map(|m| self.measure(m)).collect();
        metrics.extend(by_measure.into_iter().map(|m| self.measure(&m)));
        self.per_row(&mut groups, &mut metrics);
        self.per_member(&groups, &mut metrics);
        // "least delayed airline" asks for one of the airlines, not for the least delay of all.
        let alone = !clauses.supers.is_empty() && !self.bare_groups().is_empty();
        let grouped = !groups.is_empty() || alone;
        let each = !groups.is_empty() && groups.iter().all(|g| g.per);
        let ranked: Vec<Option<String>> =
            clauses.supers.iter().map(|s| self.ranked_measure(s, grouped, each)).collect();
        let mut made: Vec<Made> = groups.iter().map(|g| self.make(*g)).collect();
        self.groups_of_rankings(&mut made);
        self.groups_of_bare_names(&mut made);
        let base = self.main_metric(&metrics, &ranked, &made);
        let per = || made.iter().filter(|m| m.group.per);
        self.per = per().flat_map(|m| m.names.clone()).collect();
        self.per_keys = per().filter_map(|m| m.names.last().cloned()).collect();
        self.conditions(&metrics);
        let base = self.difference(&metrics).or(base);
        self.derive(base.as_deref(), &made);
        self.finish();
    }

    /// A group by its clause.
    pub(super) fn make(&mut self, group: Grouped) -> Made {
        let names = self.group(&group);
        let singular = match group.what {
            GroupClause::Name(chunk) => is_singular(&self.text(chunk).to_lowercase()),
            _ => true,
        };
        Made { group, names, singular: singular && group.which }
    }

    /// "top 5 destinations by flights": what stands after "by" is the figure to order by.
    fn measures_among_groups(&self) -> (Vec<Grouped>, Vec<MeasureClause>) {
        let clauses = self.clauses;
        let ranked = clauses.supers.iter().any(|s| s.of_group || s.name.is_none());
        let mut measures = Vec::new();
        let mut groups = clauses.groups.clone();
        if ranked && clauses.measures.is_empty() {
            groups.retain(|g| {
                let GroupClause::Name(at) = g.what else { return true };
                let figure = g.by && !g.which && self.is_measure_name(at);
                if figure {
                    measures.push(MeasureClause {
                        name: Some(at),
                        ordering: true,
                        ..Default::default()
                    });
                }
                !figure
            });
        }
        (groups, measures)
    }

    fn is_measure_name(&self, at: usize) -> bool {
        let Some(chunk) = self.chunks.get(at) else { return false };
        let fields = super::root::fields(self.catalog, self.lexicon, self.root, chunk);
        let figure = fields
            .first()
            .is_some_and(|(f, _)| f.hops.is_empty() && self.column(f.col).is_some_and(is_figure));
        self.names_root(at) > 0.9 || figure
    }

    /// "top 5 destinations", "the 3 largest airports".
    fn groups_of_rankings(&mut self, made: &mut Vec<Made>) {
        for clause in &self.clauses.supers {
            let Some(name) = clause.name.filter(|n| !self.used[*n]) else { continue };
            let what = GroupClause::Name(name);
            let group = Grouped { what, per: false, which: clause.n.is_none(), by: false };
            let one = self.make(group);
            made.insert(0, one);
        }
    }

    /// "carriers with more than 1000 flights", "the airline with the most flights": the name by
    /// itself is the group.
    fn groups_of_bare_names(&mut self, made: &mut Vec<Made>) {
        let clauses = self.clauses;
        let counted = clauses
            .compares
            .iter()
            .any(|c| c.measure.is_some() || c.subject.is_some_and(|s| self.is_counted(s)));
        let ranked = !clauses.supers.is_empty() && !made.iter().any(|m| !m.group.per);
        if !(counted && made.is_empty() || ranked) {
            return;
        }
        for at in self.bare_groups() {
            if self.used[at] {
                continue;
            }
            let group =
                Grouped { what: GroupClause::Name(at), per: false, which: ranked, by: false };
            let mut one = self.make(group);
            one.singular |= ranked && self.asks_for_one();
            made.insert(0, one);
        }
    }

    /// "Of the carriers, which has the most flights": one of them.
    fn asks_for_one(&self) -> bool {
        let text = |at: usize| self.text(at).to_lowercase();
        let which = |at: &usize| matches!(text(*at).as_str(), "which" | "who");
        let one = |at: usize| matches!(text(at + 1).as_str(), "has" | "is" | "was" | "does");
        (0..self.chunks.len()).filter(which).any(one)
    }

    /// The names by themselves that can be a group.
    fn bare_groups(&self) -> Vec<usize> {
        let bare = &self.clauses.bare;
        let fits = |at: &usize| {
            let Some(chunk) = self.chunks.get(*at).filter(|_| !self.used[*at]) else {
                return false;
            };
            let fields = super::root::fields(self.catalog, self.lexicon, self.root, chunk);
            // "the lowest amount of paid orders": what is true of a row is a condition.
            let figure = fields.first().is_none_or(|(f, _)| {
                self.column(f.col).is_some_and(|c| is_figure(c) || c.data_type == DataType::Bool)
            });
            let weak = chunk.weight() < 0.8 && bare.len() > 1;
            let of_value = self.clauses.values.iter().any(|v| v.hints.contains(at));
            !(figure || weak || of_value || self.names_root(*at) > 0.6)
        };
        bare.iter().copied().filter(fits).collect()
    }

    /// Every condition of the question.
    pub(super) fn conditions(&mut self, metrics: &[Option<String>]) {
        let clauses = self.clauses;
        for clause in &clauses.compares {
            self.comparison(clause, metrics);
        }
        clauses.pairs.iter().for_each(|pair| self.pair(pair));
        let numbers = self.numerator.len();
        for null in &clauses.nulls {
            if let Some(at) = self.null(null) {
                self.group_name(at);
            }
        }
        // The only kind of condition of a share is what it is the share of; beside a comparison,
        // values say which rows the whole is.
        let of_share =
            self.shares() && numbers == 0 && self.numerator.is_empty() && !self.has_adjective();
        self.values(&clauses.values, of_share);
        if self.shares() && !of_share && !clauses.values.is_empty() {
            self.asked.assume("The named values restrict the whole that the share is of.");
        }
        self.times(&clauses.times);
        self.unknown_words();
        self.bare_names();
        self.join_either();
    }

    fn has_adjective(&self) -> bool {
        self.clauses.bare.iter().any(|b| {
            !self.used[*b] && {
                let chunk = self.chunks.get(*b);
                let fields = chunk
                    .map(|c| super::root::fields(self.catalog, self.lexicon, self.root, c))
                    .unwrap_or_default();
                let best = fields.first().and_then(|(f, _)| self.column(f.col));
                best.is_some_and(|c| is_figure(c) || c.data_type == air_ir::DataType::Bool)
            }
        })
    }

    /// What is made of the main metric: ranking, share, comparison, window.
    pub(super) fn derive(&mut self, base: Option<&str>, made: &[Made]) {
        let clauses = self.clauses;
        self.compared_groups();
        let Some(base) = base else { return self.explicit_order(None) };
        let mut by = base.to_owned();
        if let Some(at) = clauses.share {
            self.mark(at);
            if clauses.change || clauses.growth {
                self.missing.push(self.text(at).to_owned());
                self.reasons.push(
                    "It is not known whether a share is asked for, or a change, or the change of \
                     a share. Ask for one of them."
                        .to_owned(),
                );
                return;
            }
            match self.share_of(base) {
                Some(share) => by = share,
                None => return,
            }
        }
        self.earlier(base);
        self.window(base);
        for clause in &clauses.supers {
            self.rank(clause, &by, made);
        }
        self.explicit_order(Some(&by));
    }

    /// Values or periods that are compared with each other are groups.
    fn compared_groups(&mut self) {
        if !self.clauses.compare {
            return;
        }
        let among: Vec<String> = self.ir.filters.iter().filter_map(among_field).collect();
        for field in among.into_iter().filter(|_| self.clauses.values.len() > 1) {
            self.dimension(super::grouping::bare(&field));
        }
        let texts: Vec<usize> = self
            .clauses
            .times
            .iter()
            .filter_map(|t| match &t.phrase {
                TimePhrase::During(Moment::Absolute(text)) => Some(text.len()),
                TimePhrase::During(Moment::Months { count: 1, .. }) => Some(7),
                _ => None,
            })
            .collect();
        if texts.len() > 1 {
            let unit = if texts.iter().all(|l| *l == 4) { Unit::Year } else { Unit::Month };
            self.bucket(Grain::one(unit));
        }
    }

    /// "sorted by …", "limit 10".
    pub(super) fn explicit_order(&mut self, by: Option<&str>) {
        let clauses = self.clauses;
        if let Some(limit) =
            clauses.limit.filter(|_| self.ir.limit.is_none() && self.ir.top.is_none())
        {
            self.ir.limit = Some(limit);
        }
        if let Some(field) = clauses.order_by.and_then(|o| self.ordering_group(o)) {
            let dir = if clauses.ascending == Some(false) { Dir::Desc } else { Dir::Asc };
            self.ir.order = vec![OrderBy { field, dir, nulls: Nulls::Last }];
            return;
        }
        let named = match clauses.order_by {
            Some(GroupClause::Name(at)) => {
                self.measure(&MeasureClause { name: Some(at), ..Default::default() })
            }
            _ => None,
        };
        let by = named.or(by.map(str::to_owned));
        let Some(field) = by.filter(|_| clauses.ordered || clauses.ascending.is_some()) else {
            return;
        };
        let dir = if clauses.ascending == Some(true) { Dir::Asc } else { Dir::Desc };
        self.ir.order = vec![OrderBy { field, dir, nulls: Nulls::Last }];
    }

    /// The dimension that an order names.
    fn ordering_group(&mut self, order: GroupClause) -> Option<String> {
        let at = match order {
            GroupClause::Bucket(grain) => {
                let unit = grain.unit.as_str();
                return self.ir.dimensions.iter().find(|d| d.name == unit).map(|d| d.name.clone());
            }
            GroupClause::Part(part) => {
                return self
                    .ir
                    .dimensions
                    .iter()
                    .find(|d| d.name == part.as_str())
                    .map(|d| d.name.clone());
            }
            GroupClause::Name(at) => at,
        };
        let found =
            super::root::fields(self.catalog, self.lexicon, self.root, self.chunks.get(at)?);
        let spelled: Vec<String> = found.iter().map(|(f, _)| self.spelled(f)).collect();
        let name = self
            .ir
            .dimensions
            .iter()
            .find(|d| spelled.contains(&d.name))
            .map(|d| d.name.clone())?;
        self.mark(at);
        Some(name)
    }

    /// What is done once everything is known.
    pub(super) fn finish(&mut self) {
        self.mark_read();
        self.leftovers();
        self.nest_members();
        let filters = std::mem::take(&mut self.ir.filters);
        let period = |f: &Filter| matches!(f, Filter::Compare(c) if c.op == Op::During);
        let (periods, others): (Vec<Filter>, Vec<Filter>) = filters.into_iter().partition(period);
        self.ir.filters = others.into_iter().chain(periods).collect();
        if !self.ir.having.is_empty() && self.ir.dimensions.is_empty() {
            self.missing.push("groups".to_owned());
            self.reasons.push("A condition on a figure needs groups; none are named.".to_owned());
        }
        self.shared_time();
        super::qualify::qualify(&mut self.ir, self.catalog);
        self.nest_totals();
        self.restrict_parts();
        super::qualify::qualify(&mut self.ir, self.catalog);
    }

    /// Chunks that clauses took in as a whole.
    fn mark_read(&mut self) {
        let clauses = self.clauses;
        let measures = clauses.measures.iter().filter_map(|m| m.name);
        let compares = clauses.compares.iter().flat_map(|c| c.subject.into_iter().chain(c.unit));
        let groups = clauses.groups.iter().filter_map(|g| match g.what {
            GroupClause::Name(at) => Some(at),
            _ => None,
        });
        let all: Vec<usize> = measures.chain(compares).chain(groups).collect();
        all.into_iter().for_each(|at| self.mark(at));
        for at in 0..self.chunks.len() {
            let said = matches!(self.chunks[at].kind, Kind::Say(s) if s != Say::Distinct);
            if said {
                self.mark(at);
            }
        }
    }

    /// Rows of several tables share the buckets by a time of their own each.
    fn shared_time(&mut self) {
        let facts = std::mem::take(&mut self.facts);
        let Some(time) = self.time.clone().filter(|_| !facts.is_empty()) else { return };
        let spelled = self.field(&time);
        for (metric, table) in facts {
            let columns = routes::time_columns(self.catalog, table);
            let [only] = columns[..] else { continue };
            let Some(column) = self.column(only) else { continue };
            let own = format!("{}.{}", self.table_name(table), column.name);
            for found in self.ir.metrics.iter_mut().filter(|m| m.name == metric) {
                found.time = Some(own.clone());
            }
        }
        self.ir.filters.iter_mut().for_each(|filter| each_its_time(filter, &spelled));
    }
}

/// A condition on the time of the main table is one on each figure's own time.
fn each_its_time(filter: &mut Filter, time: &str) {
    match filter {
        Filter::All(list) | Filter::Any(list) => {
            list.iter_mut().for_each(|inner| each_its_time(inner, time));
        }
        Filter::Not(inner) => each_its_time(inner, time),
        Filter::Compare(Comparison { subject: Subject::Field(field), .. }) if *field == time => {
            *field = "$time".to_owned();
        }
        Filter::Compare(_) | Filter::Exists(_) => {}
    }
}

/// The field of a filter that lists several values.
fn among_field(filter: &Filter) -> Option<String> {
    match filter {
        Filter::Compare(Comparison { subject: Subject::Field(field), op: Op::In, .. }) => {
            Some(field.clone())
        }
        _ => None,
    }
}

/// "status", "address" and "basis" end with an s and are one.
fn is_singular(noun: &str) -> bool {
    !noun.ends_with('s') || ["us", "ss", "sis"].iter().any(|end| noun.ends_with(end))
}
