//! Any IR that the generator makes is planned or refused, on every dialect, and never a panic.

use crate::plans::{options, prepared};
use air_engine::{Dialect, Policy, guard, plan};
use air_ir::Ir;
use proptest::prelude::*;
use serde_json::{Value, json};

const FIELDS: &[&str] = &[
    "id",
    "orders.id",
    "customers.name",
    "name",
    "segment",
    "status",
    "ordered_at",
    "shipped_at",
    "created_on",
    "qty",
    "unit_price",
    "order_items.qty",
    "amount",
    "refunds.amount",
    "paid",
    "category",
    "products.price",
    "net.weight",
    "from.name",
    "to.region",
    "referrer.name",
    "nowhere",
    "",
    "events.kind",
    "events.weird",
    "big",
    "shop.orders.status",
    "a.b.c",
    "Ünï çode",
];
const ENTITIES: &[&str] = &[
    "orders",
    "shop.orders",
    "customers",
    "order_items",
    "products",
    "refunds",
    "events",
    "shipments",
    "cities",
    "Odd \"Names.Weird`Table",
    "nothing",
];

fn pick(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(from).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|x| json!(x)),
        "[a-z'\"\\\\%_é{}]{0,6}".prop_map(Value::from),
        pick(&["2024-02-29", "2024-01-01T10:00:00Z", "12.50", "{{p}}", "', 1); --"])
            .prop_map(Value::from),
    ]
}

fn filter() -> impl Strategy<Value = Value> {
    let ops: &'static [&'static str] = &[
        "=",
        "!=",
        ">",
        ">=",
        "<",
        "<=",
        "contains",
        "starts_with",
        "ends_with",
        "ieq",
        "icontains",
    ];
    let leaf = prop_oneof![
        (pick(FIELDS), pick(ops), scalar())
            .prop_map(|(f, o, v)| json!({"field": f, "op": o, "value": v})),
        (pick(FIELDS), prop::collection::vec(scalar(), 0..4))
            .prop_map(|(f, v)| json!({"field": f, "op": "in", "value": v})),
        (pick(FIELDS), scalar(), scalar())
            .prop_map(|(f, a, b)| json!({"field": f, "op": "between", "value": [a, b]})),
        (pick(FIELDS), pick(&["is_null", "not_null"]))
            .prop_map(|(f, o)| json!({"field": f, "op": o})),
        (pick(FIELDS), pick(&["last 7 days", "2024-Q1", "this month", "soon"]))
            .prop_map(|(f, v)| json!({"field": f, "op": "during", "value": v})),
        pick(ENTITIES).prop_map(|e| json!({"exists": {"entity": e}})),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|l| json!({"all": l})),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|l| json!({"any": l})),
            inner.prop_map(|f| json!({"not": f})),
        ]
    })
}

fn dimension() -> impl Strategy<Value = Value> {
    prop_oneof![
        pick(FIELDS).prop_map(Value::from),
        pick(&["day", "month", "hour", "time", "week"]).prop_map(Value::from),
        (pick(FIELDS), pick(&["1 day", "3 months", "2 weeks", "15 minutes", "6 hours", "0 days"]))
            .prop_map(|(f, g)| json!({"name": "bucket", "field": f, "grain": g})),
        (pick(FIELDS), pick(&["hour", "weekday", "week", "year"]))
            .prop_map(|(f, p)| json!({"name": "part", "field": f, "part": p})),
        pick(FIELDS).prop_map(|f| json!({"name": "band", "field": f, "bins": [-1, 0, 2.5]})),
        pick(&[
            "qty * unit_price",
            "case when paid = paid then 1 else 0 end",
            "upper(status)",
            "days_between(shipped_at, ordered_at)",
            "substr(name, 2)",
            "qty / 0",
            "1 +"
        ])
        .prop_map(|v| json!({"name": "value", "value": v})),
    ]
}

fn metric(i: usize) -> impl Strategy<Value = Value> {
    let aggs: &'static [&'static str] = &[
        "count",
        "count_distinct",
        "sum",
        "avg",
        "min",
        "max",
        "median",
        "percentile",
        "stddev",
        "variance",
        "first",
        "last",
        "bool_and",
        "bool_or",
    ];
    let name = format!("m{i}");
    prop_oneof![
        (pick(aggs), pick(FIELDS), prop::option::of(filter())).prop_map({
            let name = name.clone();
            move |(agg, field, filter)| {
                let mut metric = json!({"name": name, "agg": agg, "field": field});
                if agg == "percentile" {
                    metric["p"] = json!(0.9);
                }
                if let Some(filter) = filter {
                    metric["filter"] = filter;
                }
                metric
            }
        }),
        Just(json!({"name": name, "agg": "count"})),
        (pick(&["m0", "m1", "m2", "nothing"]), pick(aggs), 0_u32..5, pick(&["day", "month", "year"]), any::<bool>())
            .prop_map({
                let name = name.clone();
                move |(of, agg, n, unit, trailing)| match trailing {
                    true => json!({"name": name, "window": {"of": of, "agg": agg, "frame": "trailing", "n": n}}),
                    false => json!({"name": name, "window": {"of": of, "agg": agg, "frame": "to_date", "unit": unit}}),
                }
            }),
        (
            pick(&["m0", "m1", "m2"]),
            pick(&["previous", "1 year", "1 month", "2 days", "36 hours", "10000 years"]),
            pick(&["value", "delta", "ratio"])
        )
            .prop_map({
                let name = name.clone();
                move |(of, offset, as_)| json!({"name": name, "compare": {"of": of, "offset": offset, "as": as_}})
            }),
        (pick(&["m0", "m1", "m2"]), prop::collection::vec(pick(OUTPUTS), 0..2)).prop_map({
            let name = name.clone();
            move |(of, within)| json!({"name": name, "share": {"of": of, "within": within}})
        }),
        pick(&["m0 / m1", "round(m0, 2)", "coalesce(m1, 0) - m0", "m2", "nullif(m0, 0) * 1.5"])
            .prop_map(move |e| json!({"name": name, "expr": e})),
    ]
}

/// Names that dimensions of the generator may have.
const OUTPUTS: &[&str] = &["day", "month", "status", "bucket", "band", "value", "customers.name"];

fn top() -> impl Strategy<Value = Value> {
    (
        0_u64..4,
        pick(&["m0", "m1", "m2", "nothing"]),
        prop::collection::vec(pick(OUTPUTS), 0..2),
        any::<bool>(),
        pick(&["asc", "desc"]),
    )
        .prop_map(|(n, by, per, other, dir)| json!({"n": n, "by": by, "per": per, "other": other, "dir": dir}))
}

pub(crate) fn ir() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(pick(ENTITIES), 1..3),
        prop::collection::vec(dimension(), 0..3),
        (metric(0), metric(1), metric(2), 0_usize..4),
        prop::collection::vec(filter(), 0..3),
        prop::option::of(pick(&["1 day", "1 month", "1 hour"])),
        prop::option::of(pick(&["Asia/Kolkata", "America/New_York", "Mars/Olympus"])),
        prop::option::of(0_u64..200_000),
        (prop::option::of(top()), prop::option::of(pick(&["zero", "null", "previous"]))),
    )
        .prop_map(
            |(entities, dimensions, (a, b, c, n), filters, grain, zone, limit, (top, fill))| {
                let metrics: Vec<Value> = [a, b, c].into_iter().take(n).collect();
                let mut ir = json!({
                    "entities": entities, "dimensions": dimensions, "metrics": metrics,
                    "filters": filters, "order": [{"field": "m0", "dir": "desc"}],
                });
                if let Some(grain) = grain {
                    ir["grain"] = json!(grain);
                }
                if let Some(zone) = zone {
                    ir["time"] = json!({"timezone": zone});
                }
                if let Some(fill) = fill {
                    ir["time"]["fill"] = json!(fill);
                }
                if let Some(top) = top {
                    ir["top"] = top;
                }
                if let Some(limit) = limit {
                    ir["limit"] = json!(limit);
                }
                ir
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_ir_is_planned_or_refused(value in ir()) {
        let prepared = prepared("shop");
        let Ok(ir) = Ir::parse(&value) else { return Ok(()) };
        let again = Ir::parse(&ir.to_json());
        prop_assert_eq!(again.as_ref(), Ok(&ir));
        let Ok(planned) = plan(&ir, &prepared, &options()) else { return Ok(()) };
        let Ok(guarded) = guard(planned, &Policy::default()) else { return Ok(()) };
        for dialect in Dialect::ALL {
            if let Ok(sql) = guarded.sql(dialect) {
                prop_assert!(!sql.text.contains("--"), "a value stands in the text: {}", sql.text);
            }
        }
    }
}
