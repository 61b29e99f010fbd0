//! IR text to SQL text, the guard included: one table, and a four-way join with aggregates, over
//! catalogs of 8, 50 and 500 tables; with nothing cached, and from the plan cache with other
//! values each time.

use air_engine::{Dialect, PlanCache, PlanOptions, Planning, Policy, Prepared, guard, plan};
use air_ir::{Bindings, Catalog, Ir};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

const ONE_TABLE: &str = include_str!("../../benches/questions/one_table.json");
const FOUR_WAY: &str = include_str!("../../benches/questions/four_way_join.json");

fn catalog(tables: usize) -> Prepared {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/catalogs/shop.json");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Ok(mut catalog) = serde_json::from_str::<Catalog>(&text) else {
        panic!("{path} is no catalog");
    };
    let copies: Vec<_> = catalog.tables.iter().cloned().cycle().take(tables).enumerate().collect();
    for (i, mut table) in copies {
        if catalog.tables.len() >= tables {
            break;
        }
        table.name = format!("{}_{i}", table.name);
        catalog.tables.push(table);
    }
    Prepared::new(Arc::new(catalog))
}

fn to_sql(text: &str, prepared: &Prepared, options: &PlanOptions) -> usize {
    let Ok(ir) = Ir::parse_str(text) else { panic!("the case is no IR") };
    let Ok(planned) = plan(&ir, prepared, options) else { panic!("the case has no plan") };
    let Ok(guarded) = guard(planned, &Policy::default()) else { panic!("the case is refused") };
    let Ok(sql) = guarded.sql(Dialect::Postgres) else { panic!("the case has no SQL") };
    sql.text.len()
}

/// The same question of other days, so that no two that follow have equal values.
fn of_other_years(text: &str) -> [String; 2] {
    ["2023", "2022"].map(|year| text.replace("\"2024\"", &format!("\"{year}\"")))
}

fn cached(c: &mut Criterion) {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let options = PlanOptions { now, default_limit: 5_000, max_limit: 100_000 };
    let (policy, bindings) = (Policy::default(), Bindings::default());
    for tables in [8, 50, 500] {
        let prepared = catalog(tables);
        let planning = Planning { prepared: &prepared, options: &options, policy: &policy };
        for (name, text) in [("one_table", ONE_TABLE), ("four_way_join", FOUR_WAY)] {
            let cache = PlanCache::default();
            let texts = of_other_years(text);
            let mut n = 0;
            c.bench_function(&format!("ir_to_sql_cached/{name}/{tables}_tables"), |b| {
                b.iter(|| {
                    n += 1;
                    let text = black_box(&texts[n % texts.len()]);
                    let sql = cache.sql(text, &bindings, &planning, Dialect::Postgres);
                    let Ok(sql) = sql else { panic!("the case has no SQL") };
                    black_box(sql.params.len() + sql.text.len())
                });
            });
            assert_eq!(cache.figures().misses, 1, "all but the first come from the cache");
        }
    }
}

fn planning(c: &mut Criterion) {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let options = PlanOptions { now, default_limit: 5_000, max_limit: 100_000 };
    for tables in [8, 50, 500] {
        let prepared = catalog(tables);
        for (name, text) in [("one_table", ONE_TABLE), ("four_way_join", FOUR_WAY)] {
            c.bench_function(&format!("ir_to_sql/{name}/{tables}_tables"), |b| {
                b.iter(|| to_sql(black_box(text), &prepared, &options));
            });
        }
    }
}

criterion_group!(benches, planning, cached);
criterion_main!(benches);
