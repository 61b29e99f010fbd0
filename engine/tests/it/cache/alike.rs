//! Random IRs with other values, times, policies and catalogs: whatever the cache holds, it gives
//! what planning gives.

use super::{World, holds};
use crate::plans::prepared;
use crate::properties;
use air_engine::{CacheLimits, PlanCache, Policy, Prepared, TimeFilter};
use air_ir::Catalog;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "7",
    "200",
    "-3",
    "2147483648",
    "9223372036854775807",
    "18446744073709551615",
    "1.5",
    "0.0",
    "-0.0",
    "12.345",
    "100.00",
    "1e3",
    "1e300",
    "9007199254740993.5",
];
const TEXTS: &[&str] = &[
    "",
    "paid",
    "50%_\\",
    "', 1); --",
    "é \u{1F600}",
    "{{p}}",
    "{{",
    "12.50",
    "12.505",
    "-7",
    "NaN",
    "Infinity",
    "2024-02-29",
    "2024-03-10",
    "2024-02-30",
    "2024-01-01T10:00:00Z",
    "2024-03-10T02:30:00",
    "2024-11-03T01:30:00",
    "0001-01-01",
    "9999-12-31",
    "10:00:00",
    "true",
];
const PERIODS: &[&str] = &[
    "2024",
    "2023",
    "2024-Q1",
    "2024-02-29",
    "2024-03-10..2024-03-12",
    "today",
    "yesterday",
    "last 7 days",
    "last 400 days",
    "past 2 months",
    "this month",
    "year to date",
    "this hour",
    "2024-01-01..today",
    "today..2024-01-01",
    "soon",
];
const NOWS: &[&str] = &[
    "2024-03-15T12:34:56Z",
    "2024-03-16T12:34:56Z",
    "2024-03-10T12:00:00Z",
    "2024-11-03T05:30:00Z",
    "2024-11-03T06:30:00Z",
    "1970-01-01T00:00:00Z",
];
const FIELDS: &[&str] = &[
    "status",
    "customers.name",
    "customers.segment",
    "customers.created_on",
    "ordered_at",
    "shipped_at",
    "paid",
    "orders.id",
    "products.price",
    "net.weight",
    "qty",
    "unit_price",
    "$time",
    "refunds.amount",
    "referrer.name",
];
const OPS: &[&str] = &[
    "=",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
    "between",
    "in",
    "not_in",
    "contains",
    "ieq",
    "istarts_with",
    "during",
    "is_null",
];

/// A sequence of choices, so that one number list makes one case.
struct Choices<'c>(&'c [u16], usize);

impl Choices<'_> {
    fn next(&mut self, below: usize) -> usize {
        self.1 += 1;
        usize::from(self.0[self.1 % self.0.len()]) % below
    }

    fn pick<'s>(&mut self, from: &[&'s str]) -> &'s str {
        from[self.next(from.len())]
    }

    fn scalar(&mut self) -> Value {
        match self.next(10) {
            0 => Value::Null,
            1 => json!(self.next(2) == 0),
            2..=5 => serde_json::from_str(self.pick(NUMBERS)).unwrap(),
            _ => json!(self.pick(TEXTS)),
        }
    }

    /// Another value, mostly of the same type.
    fn other(&mut self, value: &Value) -> Value {
        match (value, self.next(6)) {
            (_, 0) => self.scalar(),
            (_, 1) | (Value::Null, _) => value.clone(),
            (Value::Bool(b), _) => json!(!b),
            (Value::Number(_), _) => serde_json::from_str(self.pick(NUMBERS)).unwrap(),
            _ => json!(self.pick(TEXTS)),
        }
    }

    fn comparison(&mut self) -> Value {
        let (field, op) = (self.pick(FIELDS), self.pick(OPS));
        let value = match op {
            "is_null" => return json!({"field": field, "op": op}),
            "during" => {
                let times = ["ordered_at", "shipped_at", "customers.created_on", "$time"];
                return json!({"field": self.pick(&times), "op": op, "value": self.pick(PERIODS)});
            }
            "between" => json!([self.scalar(), self.scalar()]),
            "in" | "not_in" => {
                let n = self.next(4);
                (0..n).map(|_| self.scalar()).collect()
            }
            _ => self.scalar(),
        };
        json!({"field": field, "op": op, "value": value})
    }

    fn filter(&mut self, depth: usize) -> Value {
        match self.next(if depth == 0 { 5 } else { 9 }) {
            0..=4 => self.comparison(),
            5 => json!({"any": [self.filter(depth - 1), self.filter(depth - 1)]}),
            6 => json!({"all": [self.filter(depth - 1)]}),
            7 => json!({"not": self.filter(depth - 1)}),
            _ => json!({"exists": {"entity": "refunds",
                "filters": [{"field": "refunds.amount", "op": ">", "value": self.scalar()}]}}),
        }
    }

    /// An IR that is likely to have a plan.
    fn ir(&mut self) -> Value {
        if self.next(4) == 0 {
            return self.events();
        }
        let metrics = json!([
            {"name": "orders", "agg": "count"},
            {"name": "late", "agg": "count", "filter": self.filter(1)},
            {"name": "back", "agg": "sum", "field": "refunds.amount", "time": "refunds.refunded_at"},
            {"name": "share", "expr": "late / orders"},
            {"name": "sold", "agg": "sum", "value": "qty * unit_price"},
        ]);
        let metrics: Vec<Value> =
            metrics.as_array().unwrap().iter().filter(|_| self.next(3) > 0).cloned().collect();
        let dimensions: &[&str] = &["status", "customers.segment", "month", "day"];
        let root: &[&str] = match self.next(3) {
            0 => &["orders", "customers", "order_items", "products", "refunds"],
            _ => &["order_items", "orders", "customers", "products", "refunds"],
        };
        let mut ir = json!({
            "entities": root,
            "dimensions": [self.pick(dimensions),
                {"name": "band", "field": "orders.id", "bins": [1, 2.5]},
                {"name": "case", "value": "case when status = 'paid' then 'x' else 'y' end"}],
            "filters": (0..self.next(4)).map(|_| self.filter(2)).collect::<Vec<_>>(),
            "time": {"timezone": self.pick(&["UTC", "America/New_York", "Asia/Kolkata"]),
                "field": "orders.ordered_at"},
        });
        if metrics.iter().any(|m| m["name"] == "orders") && self.next(2) == 0 {
            ir["having"] = json!([{"metric": "orders", "op": ">", "value": self.scalar()}]);
        }
        if metrics.iter().any(|m| m["name"] == "share")
            && metrics.iter().filter(|m| m["name"] == "late" || m["name"] == "orders").count() < 2
        {
            return self.events();
        }
        ir["metrics"] = json!(metrics);
        if ir["metrics"].as_array().unwrap().iter().any(|m| m["name"] == "orders") {
            self.across(&mut ir);
        }
        ir
    }

    /// Sometimes a part that is computed across groups.
    fn across(&mut self, ir: &mut Value) {
        let metric = match self.next(12) {
            0 => {
                ir["time"]["fill"] = json!(self.pick(&["zero", "null", "previous"]));
                return;
            }
            1 => {
                let (n, other) = (1 + self.next(3), self.next(2) == 0);
                ir["top"] = json!({"n": n, "by": "orders", "other": other});
                return;
            }
            2 => {
                json!({"of": "orders", "agg": "avg", "frame": "trailing", "n": 1 + self.next(9)})
            }
            3 => json!({"of": "orders", "offset": "previous", "as": "delta"}),
            4 => json!({"of": "orders"}),
            _ => return,
        };
        let kind = match metric.get("frame").or(metric.get("offset")) {
            None => "share",
            Some(_) if metric.get("frame").is_some() => "window",
            Some(_) => "compare",
        };
        ir["metrics"].as_array_mut().unwrap().push(json!({"name": "across", kind: metric}));
        if kind != "share" {
            ir["dimensions"][0] = json!(self.pick(&["month", "day"]));
        }
    }

    /// An IR over the time-series table, which the guard bounds; sometimes a nested one.
    fn events(&mut self) -> Value {
        let filters = match self.next(5) {
            0 => json!([]),
            1 => json!([{"field": "at", "op": "during", "value": self.pick(PERIODS)}]),
            2 => json!([{"field": "at", "op": ">=", "value": self.pick(TEXTS)}]),
            3 => json!([{"field": "at", "op": "<", "value": self.pick(TEXTS)},
                        {"field": "big", "op": ">", "value": self.scalar()}]),
            _ => {
                json!([{"field": "at", "op": "between", "value": [self.pick(TEXTS), self.pick(TEXTS)]}])
            }
        };
        let inner = json!({"entities": ["events"], "dimensions": ["kind", "day"], "grain": "1 day",
            "metrics": [{"name": "n", "agg": "count"}], "filters": filters,
            "time": {"timezone": self.pick(&["UTC", "America/New_York"])}});
        if self.next(3) > 0 {
            return inner;
        }
        json!({"entities": [{"query": inner, "as": "t"}], "dimensions": ["kind"],
            "metrics": [{"name": "most", "agg": "max", "field": "n"}],
            "filters": [{"field": "n", "op": ">", "value": self.scalar()}]})
    }

    /// The same IR with other values.
    fn varied(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|i| self.varied(i)),
            Value::Object(map) => {
                let op = map.get("op").and_then(Value::as_str).map(str::to_owned);
                match (op.as_deref(), map.get_mut("value")) {
                    (Some("during"), Some(period)) => *period = json!(self.pick(PERIODS)),
                    (Some(_), Some(Value::Array(items))) => {
                        items.iter_mut().for_each(|i| *i = self.other(i));
                    }
                    (Some(_), Some(one)) => *one = self.other(one),
                    _ => map.values_mut().for_each(|v| self.varied(v)),
                }
            }
            _ => {}
        }
    }
}

/// The catalog, the same under one version with other time-series tables, a later one, and it
/// with another beside it.
fn catalogs() -> [(Arc<Catalog>, Vec<Arc<Catalog>>); 4] {
    let shop = prepared("shop");
    let mut turned = shop.catalog().as_ref().clone();
    for table in &mut turned.tables {
        table.time_series = table.name == "orders";
    }
    let mut later = shop.catalog().as_ref().clone();
    later.version = "later".to_owned();
    let shop = Arc::clone(shop.catalog());
    let mut crm = turned.clone();
    crm.source = "crm".to_owned();
    [
        (Arc::clone(&shop), Vec::new()),
        (Arc::new(turned), Vec::new()),
        (Arc::new(later), Vec::new()),
        (shop, vec![Arc::new(crm)]),
    ]
}

fn policies() -> [Policy; 5] {
    let of = |time_filter, days, rows| Policy {
        time_filter,
        enforce_time_filter_days: days,
        max_row_limit: rows,
        ..Policy::default()
    };
    [
        Policy::default(),
        of(TimeFilter::Refuse, 370, 100_000),
        of(TimeFilter::Off, 370, 100_000),
        of(TimeFilter::Inject, 30, 100_000),
        of(TimeFilter::Inject, 370, 10),
    ]
}

/// Runs `cases` IRs, each with other values and under other conditions, through one cache.
fn run(cases: u32, limits: CacheLimits, irs: impl Strategy<Value = (Value, Vec<u16>)>) -> u64 {
    let cache = PlanCache::new(limits);
    let (catalogs, policies) = (catalogs(), policies());
    let mut world = World::new();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let hits = std::cell::Cell::new(0);
    let world = std::cell::RefCell::new(&mut world);
    TestRunner::new(config)
        .run(&irs, |(ir, numbers)| {
            let mut choices = Choices(&numbers, 0);
            let mut world = world.borrow_mut();
            for round in 0..4 {
                let mut ir = ir.clone();
                if round > 0 {
                    choices.varied(&mut ir);
                }
                // Half of the rounds change nothing but values.
                if choices.next(2) == 0 {
                    world.options.now = choices.pick(NOWS).parse().unwrap();
                    world.policy = policies[choices.next(policies.len())].clone();
                    world.options.default_limit = [10, 5_000][choices.next(2)];
                    let (first, others) = catalogs[choices.next(catalogs.len())].clone();
                    world.prepared = Prepared::federated(first, others);
                }
                hits.set(hits.get() + holds(&cache, &ir.to_string(), &world));
            }
            Ok(())
        })
        .unwrap();
    let figures = cache.figures();
    assert!(figures.bytes <= limits.bytes && figures.entries <= limits.entries, "{figures:?}");
    hits.get()
}

fn numbers() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 60)
}

#[test]
fn likely_irs_are_planned_alike_from_a_warm_cache() {
    let irs = numbers().prop_map(|numbers| (Choices(&numbers, 0).ir(), numbers));
    let hits = run(400, CacheLimits::default(), irs);
    assert!(hits > 1_000, "{hits} plans came from the cache");
}

#[test]
fn any_irs_are_planned_alike_from_a_small_cache() {
    let likely = numbers().prop_map(|numbers| (Choices(&numbers, 0).ir(), numbers));
    let irs = prop_oneof![(properties::ir(), numbers()), likely];
    let hits = run(300, CacheLimits { entries: 20, bytes: 400_000 }, irs);
    assert!(hits > 50, "{hits} plans came from the cache");
}
