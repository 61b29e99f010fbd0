//! One plan in the cache: used again where the same plan comes of other values.
//!
//! In: a guarded plan, the trace of its planning, and where in the IR's text each value stands.
//! Out: the plan with the values, the report, the notes and the range of another IR of the shape
//! and another time; or nothing, where planning and guarding would give another plan. Every value
//! is computed by the planner's and the guard's own functions: nothing here knows what a value
//! means.

use super::operand::operand;
use super::shape::Written;
use crate::guard::{Finding, GuardedPlan, Policy, Rebound, Ruling, bound, rulings};
use crate::plan::{Context, Scanned, Site, Spans, TimeBounds, Trace};
use air_ir::{EntityRef, Ir, Metric, MetricKind, Operand, TimeSpec};
use datafusion::common::ScalarValue;
use jiff::Timestamp;

/// Where a comparison has its operand from.
#[derive(Debug)]
enum Origin {
    /// The value of that number among those left out of the shape.
    Given(usize),
    /// The shape itself, so that it is always the same one.
    Shape,
}

#[derive(Debug)]
pub(super) struct Variant {
    guarded: GuardedPlan,
    sites: Vec<(Origin, Site)>,
    /// The values of the plan before the guard added its own.
    planned: usize,
    /// The notes of the plan before the guard added its own.
    notes: usize,
    /// The alias and column whose bounds are the plan's range.
    range: Option<(String, String)>,
    /// The values it is good for, where it is good for no others.
    exact: Option<Vec<OwnedValue>>,
    bytes: usize,
}

/// A value as written, kept.
type OwnedValue = Vec<String>;

fn owned(value: &Written<'_>) -> OwnedValue {
    match value {
        Written::One(token) => vec![(*token).to_owned()],
        Written::Many(list) => list.iter().map(|t| (*t).to_owned()).collect(),
    }
}

fn equal(kept: &OwnedValue, value: &Written<'_>) -> bool {
    match value {
        Written::One(token) => kept.len() == 1 && kept[0] == *token,
        Written::Many(list) => kept.iter().eq(list.iter()),
    }
}

/// What differs from the plan as it was cached.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) values: Vec<ScalarValue>,
    pub(super) range: Option<(Timestamp, Timestamp)>,
    pub(super) spans: Spans,
    /// Where a time-series table is read: the scans, the notes and the report.
    pub(super) ruled: Option<Ruled>,
}

#[derive(Debug)]
pub(super) struct Ruled {
    scans: Vec<Scanned>,
    pub(super) notes: Vec<String>,
    pub(super) report: Vec<Finding>,
}

impl Variant {
    /// A plan to be used again; `None` where it cannot be known what it depends on.
    pub(super) fn new(
        ir: &Ir,
        guarded: GuardedPlan,
        trace: Trace,
        values: &[Written<'_>],
        pointers: &[String],
        policy: &Policy,
    ) -> Option<Self> {
        if trace.reads_now || values.len() != pointers.len() {
            return None;
        }
        let rulings = rulings(guarded.scans(), guarded.now(), policy);
        let findings = guarded.report().iter().filter(|f| Ruling::is_about(f));
        if !findings.eq(rulings.iter().map(|r| &r.finding)) {
            return None;
        }
        let injected = rulings.iter().filter(|r| r.inject.is_some()).count();
        let planned = guarded.values().len().checked_sub(injected)?;
        let notes = guarded.notes().len().checked_sub(injected)?;
        let injections = rulings.iter().filter(|r| r.inject.is_some());
        if !guarded.notes()[notes..].iter().eq(injections.map(|r| &r.finding.detail)) {
            return None;
        }
        let covered = trace.covers(planned);
        let Trace { sites, range, .. } = trace;
        let sites = located(sites, values, pointers)?;
        let mut variant = Self { guarded, sites, planned, notes, range, exact: None, bytes: 0 };
        let tests = variant.sites.iter().map(|(_, site)| (site, site.test.lower, site.test.upper));
        let bounds = Bounds::of(tests);
        let same_bounds = variant.bounded(&bounds).as_slice() == variant.guarded.scans()
            && variant.ranged(&bounds) == variant.guarded.range()
            && bounds.spans() == *variant.guarded.spans();
        if !covered || !same_bounds || !by_values_alone(ir) {
            variant.exact = Some(values.iter().map(owned).collect());
        }
        variant.bytes = variant.estimate();
        Some(variant)
    }

    pub(super) fn guarded(&self) -> &GuardedPlan {
        &self.guarded
    }

    /// About how much memory it holds.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A node of a plan takes about a kilobyte with its schema and expressions; its text in up
    /// to four dialects is written later.
    fn estimate(&self) -> usize {
        let mut nodes = 0_usize;
        let mut columns = 0_usize;
        let _ = self.guarded.logical().apply_with_subqueries(|node| {
            nodes += 1;
            columns += node.schema().fields().len();
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        });
        let exact = self.exact.iter().flatten().flatten().map(|t| t.len() + 24).sum::<usize>();
        2_048 * nodes + 192 * columns + 768 * self.sites.len() + 64 * self.planned + exact
    }

    /// What comes of these values at this time, if it is this plan.
    pub(super) fn again(
        &self,
        values: &[Written<'_>],
        now: Timestamp,
        policy: &Policy,
    ) -> Option<Fresh> {
        if let Some(exact) = &self.exact
            && !(exact.len() == values.len() && exact.iter().zip(values).all(|(e, v)| equal(e, v)))
        {
            return None;
        }
        let known = self.guarded.values();
        let mut context = Context::new(now);
        context.values.reserve(known.len());
        let mut bounds = Bounds::default();
        for (origin, site) in &self.sites {
            // What stands between the values of comparisons is told by the shape.
            let before = known.get(context.values.len()..site.first)?;
            context.values.extend_from_slice(before);
            let given;
            let operand: &Operand = match origin {
                Origin::Shape => &site.operand,
                Origin::Given(i) => {
                    given = operand(site.op, values.get(*i)?)?;
                    &given
                }
            };
            let test = site.again(operand, &mut context)?;
            if self.exact.is_some()
                && !((test.lower, test.upper) == (site.test.lower, site.test.upper)
                    && test.span == site.test.span
                    && context.values[site.first..] == known[site.first..site.first + site.added])
            {
                return None;
            }
            bounds.add(site, test.lower, test.upper);
        }
        context.values.extend_from_slice(known.get(context.values.len()..self.planned)?);
        self.ruled(context.values, &bounds, now, policy)
    }

    /// What the guard says of the new bounds, if it is what it said before.
    fn ruled(
        &self,
        mut values: Vec<ScalarValue>,
        bounds: &Bounds<'_>,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<Fresh> {
        let (range, spans) = match self.exact {
            Some(_) => (self.guarded.range(), self.guarded.spans().clone()),
            None => (self.ranged(bounds), bounds.spans()),
        };
        if self.guarded.scans().iter().all(|s| s.time.is_none()) {
            return Some(Fresh { values, range, spans, ruled: None });
        }
        let scans = match self.exact {
            Some(_) => self.guarded.scans().to_vec(),
            None => self.bounded(bounds),
        };
        let mut notes = self.guarded.notes()[..self.notes].to_vec();
        let mut report = self.guarded.report().to_vec();
        let mut rulings = rulings(&scans, now, policy).into_iter();
        let known = self.guarded.values();
        for finding in report.iter_mut().filter(|f| Ruling::is_about(f)) {
            let ruling = rulings.next()?;
            if ruling.finding.outcome != finding.outcome {
                return None;
            }
            if let Some((_, lower)) = ruling.inject {
                let arrow = known.get(values.len())?.data_type();
                values.push(bound(lower, &arrow)?);
                notes.push(ruling.finding.detail.clone());
            }
            *finding = ruling.finding;
        }
        let complete = rulings.next().is_none() && values.len() == known.len();
        complete.then_some(Fresh {
            values,
            range,
            spans,
            ruled: Some(Ruled { scans, notes, report }),
        })
    }

    /// The scans with these bounds.
    fn bounded(&self, bounds: &Bounds<'_>) -> Vec<Scanned> {
        let mut scans = self.guarded.scans().to_vec();
        for scan in &mut scans {
            if let Some(time) = &mut scan.time {
                let (lower, upper) = bounds.get(&scan.alias, &time.column).unwrap_or_default();
                *time = TimeBounds { column: std::mem::take(&mut time.column), lower, upper };
            }
        }
        scans
    }

    fn ranged(&self, bounds: &Bounds<'_>) -> Option<(Timestamp, Timestamp)> {
        let (alias, column) = self.range.as_ref()?;
        let (lower, upper) = bounds.get(alias, column)?;
        Some((lower?, upper?))
    }

    /// The whole plan with what differs.
    pub(super) fn rebound(&self, fresh: Fresh, now: Timestamp) -> GuardedPlan {
        let Fresh { values, range, spans, ruled } = fresh;
        let ruled = ruled.unwrap_or_else(|| Ruled {
            scans: self.guarded.scans().to_vec(),
            notes: self.guarded.notes().to_vec(),
            report: self.guarded.report().to_vec(),
        });
        let Ruled { scans, notes, report } = ruled;
        self.guarded.rebound(Rebound { values, scans, notes, report, range, spans, now })
    }
}

/// Each comparison with where its operand comes from. Every value left out of the shape must be
/// the operand of a comparison, and just as the planner read it; else nobody knows what it does.
fn located(
    sites: Vec<Site>,
    values: &[Written<'_>],
    pointers: &[String],
) -> Option<Vec<(Origin, Site)>> {
    let mut used = vec![false; values.len()];
    let mut all = Vec::new();
    for site in sites {
        let at = site.at.to_string();
        let mut places = (0..values.len()).filter(|i| pointers[*i] == at);
        let origin = match (places.next(), places.next()) {
            (Some(i), None) => {
                if operand(site.op, &values[i])? != site.operand {
                    return None;
                }
                used[i] = true;
                Origin::Given(i)
            }
            (Some(_), Some(_)) => return None,
            (None, _) => Origin::Shape,
        };
        all.push((origin, site));
    }
    used.iter().all(|u| *u).then_some(all)
}

/// Whether a plan of this IR depends on the bounds that comparisons give for nothing but its
/// range and the guard's rule. What looks at buckets beside those asked for puts bounds into the
/// plan itself, also into options of functions where no value shows them, and what ranks groups
/// plans its facts twice: such a plan is good for the same values and bounds only.
fn by_values_alone(ir: &Ir) -> bool {
    // Every part is named, so that a new one is thought of here.
    let Ir {
        version: _,
        entities,
        joins: _,
        time,
        grain: _,
        dimensions: _,
        metrics,
        filters: _,
        having: _,
        top,
        order: _,
        limit: _,
        offset: _,
    } = ir;
    let TimeSpec { field: _, timezone: _, week_start: _, year_start: _, fill } = time;
    let plain =
        |metric: &Metric| matches!(metric.kind, MetricKind::Aggregate { .. } | MetricKind::Expr(_));
    fill.is_none()
        && top.is_none()
        && metrics.iter().all(plain)
        && entities.iter().all(|entity| match entity {
            EntityRef::Query { query, .. } => by_values_alone(query),
            EntityRef::Name(_) | EntityRef::Named { .. } => true,
        })
}

/// The time ranges of scans, by alias and column, as a fact collects them.
#[derive(Debug, Default)]
struct Bounds<'s>(Vec<Bound<'s>>);

/// The alias and column of a scan, and the ends of its range.
type Bound<'s> = (&'s (String, String), Option<Timestamp>, Option<Timestamp>);

impl<'s> Bounds<'s> {
    fn of(tests: impl Iterator<Item = (&'s Site, Option<Timestamp>, Option<Timestamp>)>) -> Self {
        let mut bounds = Self::default();
        for (site, lower, upper) in tests {
            bounds.add(site, lower, upper);
        }
        bounds
    }

    fn add(&mut self, site: &'s Site, lower: Option<Timestamp>, upper: Option<Timestamp>) {
        let Some(scan) = &site.bounds else { return };
        match self.0.iter_mut().find(|(known, ..)| *known == scan) {
            Some((_, low, high)) => {
                *low = lower.max(*low);
                *high = match (*high, upper) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
            None => self.0.push((scan, lower, upper)),
        }
    }

    /// The ranges with both ends, as a plan keeps them.
    fn spans(&self) -> Spans {
        let both =
            |(scan, lower, upper): &Bound<'_>| Some(((*scan).clone(), ((*lower)?, (*upper)?)));
        self.0.iter().filter_map(both).collect()
    }

    fn get(&self, alias: &str, column: &str) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
        let found = self.0.iter().find(|(known, ..)| known.0 == alias && known.1 == column);
        found.map(|(_, lower, upper)| (*lower, *upper))
    }
}
