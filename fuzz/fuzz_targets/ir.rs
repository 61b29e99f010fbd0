//! Any JSON is an IR or a list of errors, and any IR is planned or refused.
#![no_main]

use air_engine::{Dialect, PlanOptions, Policy, Prepared, guard, plan};
use air_ir::Ir;
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

static PREPARED: LazyLock<Prepared> = LazyLock::new(|| {
    let catalog = include_str!("../../engine/tests/cases/catalogs/shop.json");
    Prepared::new(Arc::new(serde_json::from_str(catalog).unwrap()))
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice(bytes) else { return };
    let Ok(ir) = Ir::parse(&value) else { return };
    assert_eq!(Ir::parse(&ir.to_json()).as_ref(), Ok(&ir), "the canonical form is the same IR");
    let options = PlanOptions {
        now: "2024-03-15T12:34:56Z".parse().unwrap(),
        default_limit: 5_000,
        max_limit: 100_000,
    };
    let Ok(plan) = plan(&ir, &PREPARED, &options) else { return };
    let Ok(guarded) = guard(plan, &Policy::default()) else { return };
    for dialect in Dialect::ALL {
        let _ = guarded.sql(dialect);
    }
});
