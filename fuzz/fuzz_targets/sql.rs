//! Any text is planned or refused, and what is planned is written without a part of the text.
#![no_main]

use air_engine::{Dialect, PlanOptions, Policy, Prepared, guard, plan_sql};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

static PREPARED: LazyLock<Prepared> = LazyLock::new(|| {
    let catalog = include_str!("../../engine/tests/cases/catalogs/shop.json");
    Prepared::new(Arc::new(serde_json::from_str(catalog).unwrap()))
});

fuzz_target!(|text: &str| {
    let options = PlanOptions {
        now: "2024-03-15T12:34:56Z".parse().unwrap(),
        default_limit: 5_000,
        max_limit: 100_000,
    };
    let Ok(plan) = plan_sql(text, &PREPARED, &options) else { return };
    let Ok(guarded) = guard(plan, &Policy::default()) else { return };
    for dialect in Dialect::ALL {
        let Ok(sql) = guarded.sql(dialect) else { continue };
        // Texts of the input are bound, so no statement can end, and no comment begin.
        let outside: String = sql.text.split(['"', '`', '\'']).step_by(2).collect();
        assert!(!outside.contains(';') && !outside.contains("--"), "{}", sql.text);
        assert!(!outside.contains("/*") && !outside.contains('\\'), "{}", sql.text);
    }
});
