//! The stages of planning one IR, nested ones included, in their order.

use super::context::Context;
use super::finish::Page;
use super::literal::Zones;
use super::stitch::stitch;
use super::{PlanOptions, Planned};
use crate::functions::ZoneSpec;
use crate::model::{Model, TargetId};
use crate::output::OutputColumn;
use crate::prepared::Prepared;
use air_ir::{Calendar, Code, Ir, IrError, MetricKind, Pointer};
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
    let unsupported = later(ir, at);
    if !unsupported.is_empty() {
        return Err(unsupported);
    }
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

/// Parts of the IR that are valid and not run yet: refused by name, never passed over.
fn later(ir: &Ir, at: &Pointer) -> Vec<IrError> {
    let mut errors = Vec::new();
    let mut refuse = |at: Pointer, what: &str| {
        let detail = format!("{what} is not run by this version of AIR.");
        errors.push(IrError::new(Code::Unsupported, &at, detail));
    };
    if ir.time.fill.is_some() {
        refuse(at.key("time").key("fill"), "Filling absent buckets");
    }
    if ir.top.is_some() {
        refuse(at.key("top"), "\"top\"");
    }
    for (i, metric) in ir.metrics.iter().enumerate() {
        let at = at.key("metrics").index(i);
        match metric.kind {
            MetricKind::Window(_) => refuse(at.key("window"), "A window"),
            MetricKind::Compare(_) => refuse(at.key("compare"), "A comparison with another period"),
            MetricKind::Share(_) => refuse(at.key("share"), "A share of the total"),
            MetricKind::Aggregate { .. } | MetricKind::Expr(_) => {}
        }
    }
    errors
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
        let mut aggregated = Vec::new();
        for fact in &facts {
            aggregated.push(self.aggregate(fact, &groups, &bases)?);
        }
        if let Some(error) = self.errors.first().cloned() {
            // The order has errors of its own to tell.
            self.order(&groups);
            return Err(error);
        }
        let range = aggregated.iter().find_map(|f| f.range);
        let at = self.at.clone();
        let stitched = stitch(aggregated, &at)?;
        Ok((self.finish(stitched, &groups, page)?, range))
    }
}
