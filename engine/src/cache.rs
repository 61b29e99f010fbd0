//! Plans that were made before: a lookup and a bind in the place of planning.
//!
//! In: an IR, as text or bound, and what else a plan depends on ([`Planning`]). Out: exactly what
//! planning and guarding it would give, with the SQL. Reports ask the same question of other
//! days, so a plan is kept under the shape of its IR: everything but the values of comparisons
//! (`shape.rs`), with the catalog, the limits and the policy (`key.rs`). What the values of
//! another IR make of the plan is computed by the planner's own comparisons and the guard's own
//! rule (`variant.rs`, `plan/trace.rs`); where anything but values would differ, the plan is made
//! afresh. A plan that depends on its IR in a way that was not traced is used for the same values
//! only, or not kept.
//!
//! Debug builds plan again on each hit and compare. Absent on purpose: errors and refusals, which
//! are found afresh each time, and rows.

mod key;
mod operand;
mod shape;
mod variant;

pub(crate) use key::identity;

use crate::guard::{Finding, GuardedPlan, Policy, Refusal, guard};
use crate::output::OutputColumn;
use crate::plan::{PlanError, PlanOptions, plan, plan_traced};
use crate::prepared::Prepared;
use crate::sql::{Dialect, Unsupported};
use air_ir::{Bindings, Ir, IrError};
use datafusion::common::ScalarValue;
use jiff::Timestamp;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};
use shape::Shape;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use variant::{Fresh, Variant};

/// Longer texts are planned afresh: their values, lists of thousands, cost more than the plan.
const MAX_TEXT: usize = 64 * 1024;

/// Plans of one shape that differ in what their values make of them, such as a cast that a
/// decimal needs and a whole number does not.
const MAX_VARIANTS: usize = 8;

/// What a plan depends on beside its IR.
#[derive(Debug, Clone, Copy)]
pub struct Planning<'p> {
    pub prepared: &'p Prepared,
    pub options: &'p PlanOptions,
    pub policy: &'p Policy,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct CacheLimits {
    /// The most shapes of IRs.
    pub entries: u64,
    /// The most memory, as far as it can be told.
    pub bytes: u64,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { entries: 2_000, bytes: 64 * 1024 * 1024 }
    }
}

/// How a cache does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Plans that were there.
    pub hits: u64,
    /// Plans that were made.
    pub misses: u64,
    /// Shapes that went to make room.
    pub evictions: u64,
    /// Shapes that are there.
    pub entries: u64,
    /// About what they take.
    pub bytes: u64,
}

/// Why there is no plan, by stage.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotPlanned {
    #[error("the IR cannot be read: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))]
    Ir(Vec<IrError>),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
}

/// A guarded plan's SQL with its values, and what its reader should know.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedSql {
    pub dialect: Dialect,
    pub text: Arc<str>,
    /// The values of the placeholders, in their order.
    pub params: Vec<ScalarValue>,
    pub columns: Arc<[OutputColumn]>,
    pub notes: Arc<[String]>,
    /// Every rule of the guard and how it came out.
    pub report: Arc<[Finding]>,
    /// The most rows the answer has.
    pub limit: u64,
    /// IANA zone of the IR.
    pub time_zone: Arc<str>,
    /// Half-open bounds of the first fact's time, where both are asked for.
    pub range: Option<(Timestamp, Timestamp)>,
}

/// Plans by the shape of their IR. One for a process; all its methods may run at once.
#[derive(Debug)]
pub struct PlanCache {
    entries: Cache<Box<[u8]>, Arc<Entry>, Weight, DefaultHashBuilder, Evictions>,
    evictions: Evictions,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// The plans of one shape, the newest first.
#[derive(Debug)]
struct Entry {
    variants: Vec<Arc<Kept>>,
    bytes: u64,
}

/// A plan, with what all its uses share.
#[derive(Debug)]
struct Kept {
    variant: Variant,
    columns: Arc<[OutputColumn]>,
    notes: Arc<[String]>,
    report: Arc<[Finding]>,
    time_zone: Arc<str>,
}

#[derive(Debug, Clone)]
struct Weight {
    /// No entry weighs less, which bounds their number.
    least: u64,
}

impl Weighter<Box<[u8]>, Arc<Entry>> for Weight {
    fn weight(&self, _: &Box<[u8]>, entry: &Arc<Entry>) -> u64 {
        entry.bytes.max(self.least)
    }
}

/// Counts what goes to make room.
#[derive(Debug, Clone, Default)]
struct Evictions(Arc<AtomicU64>);

impl<K, V> Lifecycle<K, V> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: K, _: V) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Default for PlanCache {
    fn default() -> Self {
        Self::new(CacheLimits::default())
    }
}

impl PlanCache {
    /// An empty cache.
    pub fn new(limits: CacheLimits) -> Self {
        let entries = limits.entries.max(1);
        let least = limits.bytes.div_ceil(entries).max(1);
        let evictions = Evictions::default();
        let capacity = usize::try_from(entries).unwrap_or(usize::MAX);
        let cache = Cache::with(
            capacity,
            limits.bytes.max(1),
            Weight { least },
            DefaultHashBuilder::default(),
            evictions.clone(),
        );
        Self { entries: cache, evictions, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// The guarded plan of an IR whose parameters are bound.
    ///
    /// # Errors
    /// Those of planning and guarding it.
    pub fn guarded(&self, ir: &Ir, planning: &Planning<'_>) -> Result<GuardedPlan, NotPlanned> {
        let text = serde_json::to_string(ir).unwrap_or_default();
        if let Some(shape) = shape_of(&text, planning)
            && let Some((kept, fresh)) = self.find(&shape, planning)
        {
            let guarded = kept.variant.rebound(fresh, planning.options.now);
            debug_assert!(agrees(&guarded, ir, planning));
            return Ok(guarded);
        }
        self.make(ir, &text, planning)
    }

    /// The SQL of an IR as text, with values for its parameters.
    ///
    /// # Errors
    /// What is wrong with the text, and those of planning, guarding and writing it.
    pub fn sql(
        &self,
        text: &str,
        bindings: &Bindings,
        planning: &Planning<'_>,
        dialect: Dialect,
    ) -> Result<PlannedSql, NotPlanned> {
        let read = || Ir::parse_str(text).and_then(|ir| ir.bind(bindings)).map_err(NotPlanned::Ir);
        if !(bindings.values.is_empty() && bindings.optional.is_empty()) {
            return PlannedSql::of(&self.guarded(&read()?, planning)?, dialect);
        }
        if let Some(shape) = shape_of(text, planning)
            && let Some((kept, fresh)) = self.find(&shape, planning)
        {
            let planned = kept.sql(fresh, dialect)?;
            debug_assert!(read().is_ok_and(|ir| same_sql(&planned, &ir, planning)));
            return Ok(planned);
        }
        PlannedSql::of(&self.make(&read()?, text, planning)?, dialect)
    }

    /// How the cache does.
    pub fn figures(&self) -> CacheFigures {
        CacheFigures {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: self.evictions.0.load(Ordering::Relaxed),
            entries: self.entries.len() as u64,
            bytes: self.entries.weight(),
        }
    }

    /// Forgets the plans over these catalogs, which nobody will ask for again.
    pub fn forget(&self, prepared: &Prepared) {
        let catalogs = key::catalogs(prepared);
        self.entries.retain(|key, _| !key.starts_with(&catalogs));
    }

    fn find(&self, shape: &Shape<'_>, planning: &Planning<'_>) -> Option<(Arc<Kept>, Fresh)> {
        let entry = self.entries.get(shape.key.as_slice())?;
        let (now, policy) = (planning.options.now, planning.policy);
        let found = entry.variants.iter().find_map(|kept| {
            Some((Arc::clone(kept), kept.variant.again(&shape.values, now, policy)?))
        });
        if found.is_some() {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// Plans and guards, and keeps what comes of it.
    fn make(
        &self,
        ir: &Ir,
        text: &str,
        planning: &Planning<'_>,
    ) -> Result<GuardedPlan, NotPlanned> {
        self.misses.fetch_add(1, Ordering::Relaxed);
        let (plan, mut trace) = plan_traced(ir, planning.prepared, planning.options)?;
        let planned = plan.values.len();
        let guarded = guard(plan, planning.policy)?;
        // The values of policies are those of the catalog as it is seen, and so of the key.
        trace.fixed.extend(planned..planned + guarded.limiting());
        if !guarded.is_told_apart()
            && let Some(Shape { key, values }) = shape_of(text, planning)
            && let Some(pointers) = shape::pointers(text)
        {
            let copy = guarded.shared();
            let variant = Variant::new(ir, copy, trace, &values, &pointers, planning.policy);
            if let Some(variant) = variant {
                self.keep(key, variant);
            }
        }
        Ok(guarded)
    }

    fn keep(&self, key: Vec<u8>, variant: Variant) {
        let mut variants = vec![Arc::new(Kept::new(variant))];
        // Of two threads that add one at the same time, one adds it again another time.
        if let Some(entry) = self.entries.peek(key.as_slice()) {
            variants.extend(entry.variants.iter().take(MAX_VARIANTS - 1).cloned());
        }
        let bytes: usize = variants.iter().map(|kept| kept.variant.bytes()).sum();
        let bytes = (bytes + 2 * key.len()) as u64;
        self.entries.insert(key.into(), Arc::new(Entry { variants, bytes }));
    }
}

fn shape_of<'t>(text: &'t str, planning: &Planning<'_>) -> Option<Shape<'t>> {
    if text.len() > MAX_TEXT {
        return None;
    }
    shape::shape(text, key::prefix(planning))
}

impl Kept {
    fn new(variant: Variant) -> Self {
        let guarded = variant.guarded();
        Self {
            columns: guarded.columns().into(),
            notes: guarded.notes().into(),
            report: guarded.report().into(),
            time_zone: guarded.time_zone().into(),
            variant,
        }
    }

    fn sql(&self, fresh: Fresh, dialect: Dialect) -> Result<PlannedSql, Unsupported> {
        let guarded = self.variant.guarded();
        let written = guarded.written_for(dialect, &fresh.values, &fresh.spans)?;
        let (notes, report) = match fresh.ruled {
            Some(ruled) => (ruled.notes.into(), ruled.report.into()),
            None => (Arc::clone(&self.notes), Arc::clone(&self.report)),
        };
        Ok(PlannedSql {
            dialect,
            params: written.params(&fresh.values),
            text: Arc::clone(&written.text),
            columns: Arc::clone(&self.columns),
            notes,
            report,
            limit: guarded.limit(),
            time_zone: Arc::clone(&self.time_zone),
            range: fresh.range,
        })
    }
}

impl PlannedSql {
    fn of(guarded: &GuardedPlan, dialect: Dialect) -> Result<Self, NotPlanned> {
        let written = guarded.written_for(dialect, guarded.values(), guarded.spans())?;
        Ok(Self {
            dialect,
            params: written.params(guarded.values()),
            text: Arc::clone(&written.text),
            columns: guarded.columns().into(),
            notes: guarded.notes().into(),
            report: guarded.report().into(),
            limit: guarded.limit(),
            time_zone: guarded.time_zone().into(),
            range: guarded.range(),
        })
    }
}

/// The plan made without the cache.
fn afresh(ir: &Ir, planning: &Planning<'_>) -> Option<GuardedPlan> {
    guard(plan(ir, planning.prepared, planning.options).ok()?, planning.policy).ok()
}

/// Whether a plan from the cache is the one that planning gives: what debug builds ask.
fn agrees(cached: &GuardedPlan, ir: &Ir, planning: &Planning<'_>) -> bool {
    afresh(ir, planning).is_some_and(|fresh| cached.is_same(&fresh))
}

fn same_sql(cached: &PlannedSql, ir: &Ir, planning: &Planning<'_>) -> bool {
    let fresh = afresh(ir, planning).and_then(|g| PlannedSql::of(&g, cached.dialect).ok());
    fresh.is_some_and(|fresh| fresh == *cached)
}
