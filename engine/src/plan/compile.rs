//! The stages of planning one IR, nested ones included, in their order.

use super::context::Context;
use super::dimension::Group;
use super::figures::Across;
use super::fill::outer_ends;
use super::finish::Page;
use super::literal::Zones;
use super::stitch::stitch;
use super::timing::{Reach, Timing};
use super::top::Asked;
use super::{PlanOptions, Planned};
use crate::functions::ZoneSpec;
use crate::model::{Model, TargetId};
use crate::output::OutputColumn;
use crate::prepared::Prepared;
use air_ir::{Calendar, Code, Ir, IrError, Pointer};
use datafusion::logical_expr::LogicalPlan;
use jiff::Timestamp;

/// What every stage of one IR shares.
pub(crate) struct Compiler<'a, 'p> {
    pub(crate) ir: &'a Ir,
    pub(crate) model: Model<'p>,
    pub(crate) context: &'a mut Context,
    pub(crate) zones: Zones,
    pub(crate) calendar: Calendar,
    pub(crate) errors: Vec<IrError>,
    /// Whether conditions become values of a row, where engines take no subquery.
    pub(crate) projected: bool,
    /// Index of the dimension that windows, comparisons and filling go by, where there are any.
    pub(crate) time_dimension: Option<usize>,
    /// Where this IR stands in the whole document.
    pub(crate) at: Pointer,
}

/// The outermost IR, planned.
pub(crate) struct Compiled {
    pub(crate) logical: LogicalPlan,
    pub(crate) columns: Vec<OutputColumn>,
    pub(crate) limit: u64,
    pub(crate) time_zone: String,
    pub(crate) range: Option<(Timestamp, Timestamp)>,
}

/// Plans the outermost IR: one row more than the limit is fetched, to know whether it was cut.
pub(crate) fn root(
    ir: &Ir,
    prepared: &Prepared,
    options: &PlanOptions,
    context: &mut Context,
    at: &Pointer,
) -> Result<Compiled, Vec<IrError>> {
    let limit = ir.limit.unwrap_or(options.default_limit.min(options.max_limit));
    if limit > options.max_limit {
        let detail = format!("At most {} rows may be asked for, not {limit}.", options.max_limit);
        return Err(vec![IrError::new(Code::BadLimit, &at.key("limit"), detail)]);
    }
    let page = Page { offset: ir.offset, fetch: Some(limit.saturating_add(1)), ordered: true };
    let (finished, zone, range) = compile(ir, prepared, context, at, page)?;
    Ok(Compiled {
        logical: finished.plan,
        columns: finished.columns,
        limit,
        time_zone: zone,
        range,
    })
}

type Whole = (super::finish::Finished, String, Option<(Timestamp, Timestamp)>);

fn compile(
    ir: &Ir,
    prepared: &Prepared,
    context: &mut Context,
    at: &Pointer,
    page: Page,
) -> Result<Whole, Vec<IrError>> {
    let (zones, calendar) = calendar(ir, prepared, at).map_err(|e| vec![e])?;
    let model =
        Model::bind(ir, prepared, at, &mut |inner, at| nested(inner, prepared, context, at))?;
    let zone = zones.own.name.to_string();
    let mut compiler = Compiler {
        ir,
        model,
        context,
        zones,
        calendar,
        errors: Vec::new(),
        projected: false,
        time_dimension: None,
        at: at.clone(),
    };
    let finished = compiler.stages(page);
    match finished {
        Ok((finished, range)) if compiler.errors.is_empty() => Ok((finished, zone, range)),
        Ok(_) => Err(compiler.errors),
        Err(error) => {
            if compiler.errors.is_empty() {
                compiler.errors.push(error);
            }
            Err(compiler.errors)
        }
    }
}

/// A query that stands as an entity. Its order matters only for its limit.
fn nested(
    ir: &Ir,
    prepared: &Prepared,
    context: &mut Context,
    at: &Pointer,
) -> Result<Planned, Vec<IrError>> {
    let page =
        Page { offset: ir.offset, fetch: ir.limit, ordered: ir.limit.is_some() || ir.offset > 0 };
    let (finished, ..) = compile(ir, prepared, context, at, page)?;
    Ok(Planned { logical: finished.plan, columns: finished.kinds })
}

/// The zones and the calendar of an IR.
fn calendar(ir: &Ir, prepared: &Prepared, at: &Pointer) -> Result<(Zones, Calendar), IrError> {
    let catalog_zone = prepared.catalog().time_zone.as_deref().unwrap_or(crate::types::UTC);
    let own = ir.time.timezone.as_deref().unwrap_or(catalog_zone);
    let get = |name: &str| {
        ZoneSpec::get(name).map_err(|_| {
            let detail = format!("\"{name}\" is no IANA time zone.");
            IrError::new(Code::UnknownTimezone, &at.key("time").key("timezone"), detail)
        })
    };
    let zones = Zones { own: get(own)?, source: get(catalog_zone)? };
    let calendar = Calendar {
        zone: zones.own.zone.clone(),
        week_start: ir.time.week_start.unwrap_or_default(),
        year_start: ir.time.year_start.unwrap_or(1),
    };
    Ok((zones, calendar))
}

impl Compiler<'_, '_> {
    fn stages(
        &mut self,
        page: Page,
    ) -> Result<(super::finish::Finished, Option<(Timestamp, Timestamp)>), IrError> {
        if let Some(trace) = &mut self.context.trace {
            // Nested queries are planned by now; the range is that of the outermost one.
            trace.range = None;
        }
        let groups = self.groups();
        let facts = self.facts();
        let bases: Vec<TargetId> = facts.iter().map(|f| f.base).collect();
        let timing = self.checked(&groups);
        let mut aggregated = Vec::new();
        for fact in &facts {
            aggregated.push(self.aggregate(fact, &groups, &bases, timing.as_ref(), None)?);
        }
        if let Some(error) = self.errors.first().cloned() {
            // The order has errors of its own to tell.
            let names = self.names(&groups, false);
            self.order(&groups, &names);
            return Err(error);
        }
        let range = aggregated.iter().find_map(|f| f.range);
        let reaches: Vec<Reach> = aggregated.iter().map(|f| f.reach).collect();
        let at = self.at.clone();
        let mut stitched = stitch(aggregated, &at)?;
        let ends = outer_ends(&reaches);
        if let Some(timing) = timing {
            self.same_widening(&reaches, timing)?;
        }
        let time = timing.map(|timing| {
            let dates = stitched.keys[timing.dimension].kind == crate::kind::Kind::Date;
            (timing, self.buckets(timing.grain, dates))
        });
        let across = Across { groups: &groups, time, shown: ends.shown, wholes_known: false };
        if let Some(fill) = self.fill() {
            stitched = self.filled(stitched, &across, ends, fill)?;
        }
        let figures = self.figures(stitched, across)?;
        let asked = Asked { groups: &groups, facts: &facts, bases: &bases };
        Ok((self.finish(figures, &asked, page)?, range))
    }

    /// The time dimension, after what needs no rows is checked.
    fn checked(&mut self, groups: &[Group]) -> Option<Timing> {
        if groups.len() != self.ir.dimensions.len() {
            return None;
        }
        if let Some(top) = &self.ir.top.clone() {
            self.check_top(top, groups);
        }
        let timing = self.timing(groups).unwrap_or_else(|error| {
            self.errors.push(error);
            None
        })?;
        self.check_spans(timing);
        self.time_dimension = Some(timing.dimension);
        Some(timing)
    }

    /// Windows and comparisons look behind the range, which must be the same for every fact.
    fn same_widening(&self, reaches: &[Reach], timing: Timing) -> Result<(), IrError> {
        let widened = reaches.iter().any(|r| r.from < r.first);
        if !widened || reaches.windows(2).all(|r| r[0].first == r[1].first) {
            return Ok(());
        }
        let detail = "A window or comparison needs one range of time for all facts: \
                      filter on \"$time\".";
        let at = self.at.key("dimensions").index(timing.dimension);
        Err(IrError::new(Code::Unsupported, &at, detail))
    }
}
