//! What the cache must tell apart, case by case, and what it must find again.

use super::{World, holds};
use crate::plans::prepared;
use air_engine::{CacheLimits, Dialect, NotPlanned, PlanCache, Prepared, TimeFilter};
use air_ir::{Bindings, Catalog, Ir};
use serde_json::{Value, json};
use std::sync::Arc;

/// Each step asks for a plan in four dialects and once bound, so five come from the cache where
/// it has both forms of the text, and four where the text was there before.
const ALL: u64 = 5;

fn orders(filters: &Value) -> String {
    json!({"entities": ["order_items", "orders", "customers", "products"],
        "dimensions": ["status", "month"], "metrics": [{"name": "n", "agg": "count"}],
        "filters": filters,
        "time": {"timezone": "America/New_York", "field": "orders.ordered_at"}})
    .to_string()
}

fn filter(field: &str, op: &str, value: &Value) -> String {
    orders(&json!([{"field": field, "op": op, "value": value}]))
}

/// Whether a plan of the second value comes from the cache that holds the first.
fn reused(field: &str, op: &str, first: &Value, second: &Value) -> bool {
    let (cache, world) = (PlanCache::default(), World::new());
    for value in [first, second] {
        let planned = super::afresh(&filter(field, op, value), &world);
        assert!(planned.is_ok(), "{field} {op} {value}: {planned:?}");
    }
    holds(&cache, &filter(field, op, first), &world);
    let hits = holds(&cache, &filter(field, op, second), &world);
    // A plan that had to be made is there for the next dialect.
    assert!(hits == ALL || hits == ALL - 2 || hits == 0, "{hits}");
    hits == ALL
}

#[test]
fn values_of_one_type_share_a_plan() {
    for (field, op, first, second) in [
        ("status", "=", json!("paid"), json!("50%_\\'; --")),
        ("status", "=", json!("paid"), json!("2024-01-01")),
        ("status", "contains", json!("a"), json!("%")),
        ("status", "icontains", json!("ab"), json!("Ba")),
        ("status", "in", json!(["a", "b"]), json!(["c", ""])),
        ("orders.id", ">", json!(1), json!("12")),
        ("products.price", ">=", json!("12.50"), json!(7.25)),
        ("net.weight", "<", json!(1), json!(2.5)),
        ("ordered_at", ">", json!("2024-01-01"), json!("2024-03-10T02:30:00")),
        ("ordered_at", "during", json!("2024"), json!("last 7 days")),
        ("shipped_at", "during", json!("2024-Q1"), json!("past 2 months")),
        ("customers.created_on", "during", json!("today"), json!("2023-05-05")),
        ("paid", "=", json!(true), json!(false)),
    ] {
        // A text and a number are two shapes, though one plan would do.
        let expected = first.is_string() == second.is_string();
        assert_eq!(reused(field, op, &first, &second), expected, "{field} {op} {second}");
    }
}

#[test]
fn values_that_change_the_plan_do_not_share_one() {
    for (field, op, first, second) in [
        ("status", "in", json!(["a", "b"]), json!(["a", "b", "c"])),
        ("status", "in", json!(["a"]), json!([])),
        ("status", "in", json!(["a", "b"]), json!(["a", null])),
        ("status", "=", json!("a"), json!(null)),
        ("status", "ieq", json!("a"), json!(null)),
        ("orders.id", ">", json!(1), json!(1.5)),
        ("products.price", "=", json!("12.50"), json!("12.505")),
        ("products.price", "=", json!(100), json!("123456789012.5")),
        ("net.weight", "=", json!(1.0), json!(0.0)),
    ] {
        assert!(!reused(field, op, &first, &second), "{field} {op} {first} {second}");
    }
}

#[test]
fn a_refused_value_is_refused_from_a_warm_cache_too() {
    let (cache, world) = (PlanCache::default(), World::new());
    for (field, op, good, bad) in [
        ("orders.id", "=", json!("12"), json!("twelve")),
        ("ordered_at", ">", json!("2024-01-01"), json!("2024-02-30")),
        ("ordered_at", "during", json!("2024"), json!("soon")),
        ("customers.created_on", "=", json!("2024-01-01"), json!("2024-01-01T10:00:00Z")),
        ("status", "=", json!("a"), json!("{{p}}")),
    ] {
        holds(&cache, &filter(field, op, &good), &world);
        let text = filter(field, op, &bad);
        holds(&cache, &text, &world);
        let refused = cache.sql(&text, &Bindings::default(), &world.planning(), Dialect::Postgres);
        assert!(refused.is_err(), "{text}");
        assert_eq!(
            holds(&cache, &filter(field, op, &good), &world),
            ALL,
            "errors push nothing out"
        );
    }
}

#[test]
fn relative_periods_follow_the_time_of_the_run() {
    let cache = PlanCache::default();
    let text = orders(&json!([{"field": "ordered_at", "op": "during", "value": "last 2 days"}]));
    let params = |now: &str| {
        let world = World::at(now);
        let hits = holds(&cache, &text, &world);
        let sql = cache.sql(&text, &Bindings::default(), &world.planning(), Dialect::Postgres);
        let range = sql.unwrap().range.unwrap();
        (hits, range.0.to_string(), range.1.to_string())
    };
    let (_, start, end) = params("2024-03-10T04:30:00Z");
    assert_eq!((start.as_str(), end.as_str()), ("2024-03-07T05:00:00Z", "2024-03-09T05:00:00Z"));
    // A day later, and over the change of the clock on 10 March.
    let (hits, start, end) = params("2024-03-11T04:30:00Z");
    assert_eq!(hits, ALL);
    assert_eq!((start.as_str(), end.as_str()), ("2024-03-09T05:00:00Z", "2024-03-11T04:00:00Z"));
}

#[test]
fn a_catalog_policy_or_limit_of_its_own_has_plans_of_its_own() {
    let cache = PlanCache::default();
    let text = orders(&json!([{"field": "status", "op": "=", "value": "paid"}]));
    let mut world = World::new();
    holds(&cache, &text, &world);
    assert_eq!(holds(&cache, &text, &world), ALL);
    let made_again = |world: &World| {
        let misses = cache.figures().misses;
        holds(&cache, &text, world);
        assert!(cache.figures().misses > misses, "a plan of other conditions was used");
        assert_eq!(holds(&cache, &text, world), ALL, "and it is kept");
    };
    world.options.default_limit = 7;
    made_again(&world);
    world.options.max_limit = 50;
    made_again(&world);
    world.policy.max_row_limit = 9_000;
    made_again(&world);
    world.policy.time_filter = TimeFilter::Off;
    made_again(&world);
    world.policy.enforce_time_filter_days = 3;
    made_again(&world);
    world.policy.max_plan_nodes = 900;
    made_again(&world);
    world.policy.max_cost = Some(0.0);
    made_again(&world);
    world.policy.max_cost = Some(5.0);
    made_again(&world);
    let mut catalog = world.prepared.catalog().as_ref().clone();
    catalog.version = "later".to_owned();
    world.prepared = Prepared::new(Arc::new(catalog.clone()));
    made_again(&world);
    catalog.source = "elsewhere".to_owned();
    world.prepared = Prepared::new(Arc::new(catalog.clone()));
    made_again(&world);
    // A catalog whose maker forgot to give it another version.
    for table in &mut catalog.tables {
        table.time_series = table.name == "orders";
    }
    world.prepared = Prepared::new(Arc::new(catalog));
    made_again(&world);
}

#[test]
fn catalogs_beside_it_and_servers_are_part_of_what_a_catalog_is() {
    let cache = PlanCache::default();
    let text = orders(&json!([{"field": "status", "op": "=", "value": "paid"}]));
    let mut world = World::new();
    holds(&cache, &text, &world);
    let shop = Arc::clone(world.prepared.catalog());
    let mut crm = shop.as_ref().clone();
    crm.source = "crm".to_owned();
    let mut later = crm.clone();
    later.version = "later".to_owned();
    let mut native = crm.clone();
    native.tables[0].columns[0].native_type = "another".to_owned();
    let crm = Arc::new(crm);
    let two = |other: &Arc<Catalog>| Prepared::federated(Arc::clone(&shop), vec![other.clone()]);
    for prepared in [
        two(&crm),
        two(&Arc::new(later)),
        two(&Arc::new(native)),
        Prepared::federated(crm.clone(), vec![shop.clone()]),
        two(&crm).served("shop", Dialect::Mysql, &[]),
        two(&crm).served("shop", Dialect::Mysql, &["air_part"]),
        two(&crm).served("crm", Dialect::Mysql, &["air_part"]),
        two(&crm).served("crm", Dialect::Mysql, &["air_bucket"]),
    ] {
        world.prepared = prepared;
        let misses = cache.figures().misses;
        holds(&cache, &text, &world);
        assert!(cache.figures().misses > misses, "a plan of other catalogs was used");
        assert_eq!(holds(&cache, &text, &world), ALL, "and it is kept");
    }
}

/// What is computed across groups, over the orders of one status and a period.
fn across(part: &Value, status: &str, period: &str) -> String {
    let mut ir = json!({"entities": ["orders"], "dimensions": ["month", "status"],
        "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "ordered_at", "op": "during", "value": period},
            {"field": "status", "op": "!=", "value": status}],
        "time": {"timezone": "America/New_York"}});
    let part = part.as_object().unwrap();
    match part.get("name") {
        Some(_) => ir["metrics"].as_array_mut().unwrap().push(json!(part)),
        None => {
            for (key, value) in part {
                ir[key] = value.clone();
            }
        }
    }
    ir.to_string()
}

#[test]
fn what_is_computed_across_groups_is_found_for_the_same_values_alone() {
    for part in [
        json!({"time": {"fill": "zero", "timezone": "America/New_York"}}),
        json!({"time": {"fill": "previous"}}),
        json!({"name": "w", "window": {"of": "n", "agg": "avg", "frame": "trailing", "n": 3}}),
        json!({"name": "w", "window": {"of": "n", "agg": "sum", "frame": "to_date", "unit": "year"}}),
        json!({"name": "p", "compare": {"of": "n", "offset": "1 year", "as": "ratio"}}),
        json!({"name": "s", "share": {"of": "n", "within": ["month"]}}),
        json!({"top": {"n": 2, "by": "n"}}),
        json!({"top": {"n": 1, "by": "n", "per": ["month"], "other": true}}),
    ] {
        let (cache, world) = (PlanCache::default(), World::new());
        let text = across(&part, "paid", "last 60 days");
        assert!(super::afresh(&text, &world).is_ok(), "{text}");
        holds(&cache, &text, &world);
        assert_eq!(holds(&cache, &text, &world), ALL, "{text}");
        // Other bounds and other values are planned, and the same bounds in other words too.
        for other in [across(&part, "paid", "2024-02"), across(&part, "open", "last 60 days")] {
            assert_eq!(holds(&cache, &other, &world), ALL - 2, "{other}");
        }
        // The next day these words mean other bounds; later the same day they do not.
        let later = World::at("2024-03-15T22:00:00Z");
        assert_eq!(holds(&cache, &text, &later), ALL, "{text}");
        let next = World::at("2024-03-16T12:34:56Z");
        assert_eq!(holds(&cache, &text, &next), ALL - 2, "{text}");
    }
}

#[test]
fn the_time_range_rule_holds_for_each_value() {
    let cache = PlanCache::default();
    let events = |op: &str, value: &str| {
        json!({"entities": ["events"], "metrics": [{"name": "n", "agg": "count"}],
            "filters": [{"field": "at", "op": op, "value": value}]})
        .to_string()
    };
    let world = World::new();
    assert_eq!(holds(&cache, &events("during", "2024-02"), &world), ALL - 2);
    assert_eq!(holds(&cache, &events("during", "last 7 days"), &world), ALL);
    // Longer than the policy lets it be: refused, though the shape is known.
    assert_eq!(holds(&cache, &events("during", "2020-01-01..2024-01-01"), &world), 0);
    // No lower end: the guard's own follows the value and, where there is none, the time.
    assert_eq!(holds(&cache, &events("<", "2024-02-01"), &world), ALL - 2);
    assert_eq!(holds(&cache, &events("<", "2023-02-01"), &world), ALL);
    assert_eq!(holds(&cache, &events(">", "2024-02-01"), &world), ALL - 2);
    assert_eq!(holds(&cache, &events(">", "2024-03-01"), &world), ALL);
    assert_eq!(holds(&cache, &events(">", "2020-03-01"), &world), 0);
    let later = World::at("2024-06-01T00:00:00Z");
    let open = json!({"entities": ["events"], "metrics": [{"name": "n", "agg": "count"}]});
    assert_eq!(holds(&cache, &open.to_string(), &world), ALL - 2);
    assert_eq!(holds(&cache, &open.to_string(), &later), ALL);
}

#[test]
fn parameters_are_values_and_those_not_given_fall_away() {
    let (cache, world) = (PlanCache::default(), World::new());
    let text = orders(&json!([{"field": "status", "op": "=", "value": "{{status}}"},
        {"field": "orders.id", "op": "in", "value": ["{{a}}", 3]}]));
    let ir = Ir::parse_str(&text).unwrap();
    let asked = |values: Value| {
        let values = values.as_object().unwrap().clone().into_iter().collect();
        let optional = ["status".to_owned(), "a".to_owned()].into();
        let bindings = Bindings { values, optional };
        let hits = cache.figures().hits;
        let cached = cache.sql(&text, &bindings, &world.planning(), Dialect::Postgres).unwrap();
        let bound = ir.bind(&bindings).unwrap();
        let plan = air_engine::plan(&bound, &world.prepared, &world.options).unwrap();
        let sql = air_engine::guard(plan, &world.policy).unwrap().sql(Dialect::Postgres).unwrap();
        assert_eq!((cached.text.as_ref(), &cached.params), (sql.text.as_str(), &sql.params));
        cache.figures().hits - hits
    };
    assert_eq!(asked(json!({"status": "paid", "a": 1})), 0);
    assert_eq!(asked(json!({"status": "open", "a": 9})), 1);
    assert_eq!(asked(json!({"status": "open"})), 0, "an element fell away");
    assert_eq!(asked(json!({"a": 1})), 0, "a filter fell away");
    assert_eq!(asked(json!({"status": null, "a": 2})), 1, "null is as good as not given");
    assert_eq!(asked(json!({"status": "{{status}}", "a": 2})), 0, "a value, planned afresh");
    let missing = cache.sql(&text, &Bindings::default(), &world.planning(), Dialect::Postgres);
    assert!(matches!(missing, Err(NotPlanned::Ir(_))), "{missing:?}");
}

#[test]
fn text_for_a_range_is_not_used_for_another() {
    // MySQL writes the offsets of a zone out, as far as the range goes.
    let cache = PlanCache::default();
    let text = orders(&json!([{"field": "ordered_at", "op": "during", "value": "past 2 months"}]));
    let text_at = |now: &str| {
        let world = World::at(now);
        holds(&cache, &text, &world);
        cache.sql(&text, &Bindings::default(), &world.planning(), Dialect::Mysql).unwrap().text
    };
    let (summer, winter) = (text_at("2024-08-01T00:00:00Z"), text_at("2024-12-01T00:00:00Z"));
    assert_ne!(summer, winter);
    assert_eq!(summer, text_at("2024-08-01T00:00:00Z"));
}

#[test]
fn the_cache_is_bounded_and_tells_how_it_does() {
    let limits = CacheLimits { entries: 8, bytes: 1_000_000 };
    let (cache, world) = (PlanCache::new(limits), World::new());
    let ask = |n: usize| {
        let text =
            json!({"entities": ["orders"], "metrics": [{"name": format!("m{n}"), "agg": "count"}]});
        let planned = cache.sql(
            &text.to_string(),
            &Bindings::default(),
            &world.planning(),
            Dialect::Postgres,
        );
        planned.unwrap();
    };
    ask(0);
    ask(0);
    let figures = cache.figures();
    assert_eq!((figures.hits, figures.misses, figures.entries), (1, 1, 1));
    assert!(figures.bytes > 0);
    for n in 0..100 {
        ask(n);
    }
    let figures = cache.figures();
    assert!(figures.entries <= 8, "{figures:?}");
    assert!(figures.bytes <= limits.bytes, "{figures:?}");
    assert!(figures.evictions >= 92, "{figures:?}");
    assert_eq!(figures.hits + figures.misses, 102);
}

#[test]
fn plans_over_catalogs_that_are_gone_are_forgotten_and_no_others() {
    let (cache, world) = (PlanCache::default(), World::new());
    let mut other = World::new();
    let catalog =
        Catalog { version: "other".to_owned(), ..other.prepared.catalog().as_ref().clone() };
    other.prepared = Prepared::new(Arc::new(catalog));
    let text = orders(&json!([{"field": "status", "op": "=", "value": "paid"}]));
    for world in [&world, &other] {
        holds(&cache, &text, world);
        assert_eq!(holds(&cache, &text, world), ALL);
    }
    let both = cache.figures().entries;
    cache.forget(&other.prepared);
    assert_eq!(cache.figures().entries * 2, both);
    assert_eq!(holds(&cache, &text, &world), ALL, "the others are there");
    assert!(holds(&cache, &text, &other) < ALL, "these are made again");
}

#[test]
fn threads_share_a_cache() {
    let cache = PlanCache::default();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                let world = World::new();
                for n in 0..20 {
                    let value = json!(format!("{thread} {n}"));
                    holds(cache, &filter("status", "=", &value), &world);
                }
            });
        }
    });
    let figures = cache.figures();
    assert_eq!(figures.hits + figures.misses, 4 * 20 * ALL);
    assert!(figures.misses <= 4 * 2, "each thread plans each form once at most: {figures:?}");
}

#[test]
fn other_catalogs_have_other_plans() {
    let (cache, mut world) = (PlanCache::default(), World::new());
    let text = json!({"entities": ["flights"], "metrics": [{"name": "n", "agg": "count"}]});
    holds(&cache, &text.to_string(), &world);
    world.prepared = prepared("flights");
    holds(&cache, &text.to_string(), &world);
}
