//! The plan cache gives what planning gives, whatever was in it before.

mod alike;
mod cases;

use crate::plans::{options, prepared};
use air_engine::{
    Dialect, GuardedPlan, NotPlanned, PlanCache, PlanOptions, PlannedSql, Planning, Policy,
    Prepared, guard, plan,
};
use air_ir::{Bindings, Ir};

/// What stays the same between the plans of a test.
pub(crate) struct World {
    pub(crate) prepared: Prepared,
    pub(crate) options: PlanOptions,
    pub(crate) policy: Policy,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { prepared: prepared("shop"), options: options(), policy: Policy::default() }
    }

    pub(crate) fn at(now: &str) -> Self {
        let mut world = Self::new();
        world.options.now = now.parse().unwrap();
        world
    }

    pub(crate) fn planning(&self) -> Planning<'_> {
        Planning { prepared: &self.prepared, options: &self.options, policy: &self.policy }
    }
}

/// The plan of an IR as text, made without a cache.
fn afresh(text: &str, world: &World) -> Result<GuardedPlan, NotPlanned> {
    let ir = Ir::parse_str(text).map_err(NotPlanned::Ir)?;
    let ir = ir.bind(&Bindings::default()).map_err(NotPlanned::Ir)?;
    Ok(guard(plan(&ir, &world.prepared, &world.options)?, &world.policy)?)
}

/// Everything that the user of a plan can see of it, in every dialect.
fn shown(planned: Result<GuardedPlan, NotPlanned>) -> String {
    let guarded = match planned {
        Ok(guarded) => guarded,
        Err(error) => return format!("{error:?}"),
    };
    let sql: Vec<_> = Dialect::ALL.iter().map(|d| guarded.sql(*d)).collect();
    let whole = format!(
        "{}\n{:?}\n{:?}\n{:?}\n{} {}\n{:?}\n{:?}\n{:?}\n{sql:#?}",
        guarded.display(),
        guarded.columns(),
        guarded.notes(),
        guarded.report(),
        guarded.limit(),
        guarded.time_zone(),
        guarded.range(),
        guarded.tables(),
        guarded.max_cost(),
    );
    let split = guarded.execution().map(|execution| {
        let queries = execution.queries().iter();
        queries.map(|q| (q.source.clone(), q.sql.clone(), q.at_most, q.left.clone())).collect()
    });
    let split: Result<Vec<_>, _> = split;
    format!("{whole}\n{split:#?}")
}

fn shown_sql(planned: Result<PlannedSql, NotPlanned>) -> String {
    match planned {
        Ok(p) => format!(
            "{}\n{:?}\n{:?}\n{:?}\n{:?}\n{} {}\n{:?}",
            p.text, p.params, p.columns, p.notes, p.report, p.limit, p.time_zone, p.range
        ),
        Err(error) => format!("{error:?}"),
    }
}

fn shown_afresh(text: &str, world: &World, dialect: Dialect) -> String {
    let planned = afresh(text, world).and_then(|guarded| {
        let sql = guarded.sql(dialect)?;
        Ok(PlannedSql {
            dialect,
            text: sql.text.into(),
            params: sql.params,
            columns: guarded.columns().into(),
            notes: guarded.notes().into(),
            report: guarded.report().into(),
            limit: guarded.limit(),
            time_zone: guarded.time_zone().into(),
            range: guarded.range(),
        })
    });
    shown_sql(planned)
}

/// Plans `text` through the cache, as text in every dialect and bound, and holds all of it to a
/// plan made without. Gives how many came from the cache.
pub(crate) fn holds(cache: &PlanCache, text: &str, world: &World) -> u64 {
    let before = cache.figures().hits;
    for dialect in Dialect::ALL {
        let cached = cache.sql(text, &Bindings::default(), &world.planning(), dialect);
        assert_eq!(shown_sql(cached), shown_afresh(text, world, dialect), "{text}");
    }
    if let Ok(ir) = Ir::parse_str(text)
        && let Ok(ir) = ir.bind(&Bindings::default())
    {
        let cached = cache.guarded(&ir, &world.planning());
        assert_eq!(shown(cached), shown(afresh(text, world)), "{text}");
    }
    cache.figures().hits - before
}
