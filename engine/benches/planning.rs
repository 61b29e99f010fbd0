//! IR text to SQL text, the guard included and nothing cached: from one table to a join of four
//! with aggregates, over catalogs of 8, 50 and 500 tables. `benches/planning.py` measures the
//! same questions beside other tools.

use air_engine::{Dialect, PlanOptions, Policy, Prepared, guard, plan};
use air_ir::{Catalog, Ir};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

const QUESTIONS: [(&str, &str); 4] = [
    ("one_table", include_str!("../../benches/questions/one_table.json")),
    ("two_way_join", include_str!("../../benches/questions/two_way_join.json")),
    ("three_way_join", include_str!("../../benches/questions/three_way_join.json")),
    ("four_way_join", include_str!("../../benches/questions/four_way_join.json")),
];

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

fn planning(c: &mut Criterion) {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let options = PlanOptions { now, default_limit: 5_000, max_limit: 100_000 };
    for tables in [8, 50, 500] {
        let prepared = catalog(tables);
        for (name, text) in QUESTIONS {
            c.bench_function(&format!("ir_to_sql/{name}/{tables}_tables"), |b| {
                b.iter(|| to_sql(black_box(text), &prepared, &options));
            });
        }
    }
}

criterion_group!(benches, planning);
criterion_main!(benches);
