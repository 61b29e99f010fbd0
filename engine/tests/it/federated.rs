//! IRs over several sources: the same rows as over one, fewer of them fetched, keys sent.

use crate::embedded::{Embedded, Tables};
use crate::plans::{options, prepared};
use crate::shop;
use crate::split::{LACKS, agree, engine, over, shown};
use air_engine::{
    Answer, Dialect, Policy, Prepared, RunError, RunOptions, Runtime, Sources, guard, plan, run,
    sources_of,
};
use air_ir::catalog::{SourceKind, Stats};
use air_ir::{Catalog, Ir};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Tables that are in the second source.
const ELSEWHERE: &[&str] = &["customers", "products", "cities"];

/// The shop over two sources: what happens in `shop`, who and what it is about in `crm`.
struct Two {
    shop: Arc<Embedded>,
    crm: Arc<Embedded>,
    prepared: Prepared,
    /// All of it in this process.
    whole: Prepared,
    tables: Sources,
}

fn catalogs() -> (Catalog, Catalog) {
    let mut near = prepared("shop").catalog().as_ref().clone();
    let mut far = near.clone();
    far.source = "crm".to_owned();
    near.tables.retain(|t| !ELSEWHERE.contains(&t.name.as_str()));
    far.tables.retain(|t| ELSEWHERE.contains(&t.name.as_str()));
    (near, far)
}

fn two() -> Two {
    let (near, far) = catalogs();
    let (mut shop, mut crm) = (Tables::new(), Tables::new());
    let mut tables = Sources::default();
    for (table, rows) in shop::tables() {
        let source = if ELSEWHERE.contains(&table.name.as_str()) { "crm" } else { "shop" };
        let side = if source == "crm" { &mut crm } else { &mut shop };
        side.insert((table.schema.clone(), table.name.clone()), Arc::clone(&rows));
        tables.tables.insert((source.to_owned(), table.qualified_name()), rows);
    }
    let as_files =
        |catalog: &Catalog| Arc::new(Catalog { kind: SourceKind::Files, ..catalog.clone() });
    let whole = Prepared::federated(as_files(&near), vec![as_files(&far)]);
    let prepared = Prepared::federated(Arc::new(near), vec![Arc::new(far)])
        .served("shop", Dialect::Datafusion, &[])
        .served("crm", Dialect::Datafusion, &[]);
    let shop = Arc::new(Embedded::new("shop", &shop));
    Two { shop, crm: Arc::new(Embedded::new("crm", &crm)), prepared, whole, tables }
}

impl Two {
    async fn here(&self, ir: &Value, runtime: &Runtime) -> Option<Result<Answer, RunError>> {
        let execution = execution(ir, &self.whole, RunOptions::default())?;
        Some(run(&execution, &self.tables, runtime).await)
    }

    async fn apart(
        &self,
        ir: &Value,
        runtime: &Runtime,
        pushdown: bool,
    ) -> Result<Answer, RunError> {
        let execution = execution(ir, &self.prepared, RunOptions { pushdown }).unwrap();
        run(&execution, &over(&[&self.shop, &self.crm]), runtime).await
    }

    fn misread(&self) -> usize {
        self.shop.misread.load(Ordering::SeqCst) + self.crm.misread.load(Ordering::SeqCst)
    }
}

fn execution(
    ir: &Value,
    prepared: &Prepared,
    options_: RunOptions,
) -> Option<air_engine::Execution> {
    let ir = Ir::parse(ir).ok()?;
    let planned = plan(&ir, prepared, &options()).ok()?;
    let guarded = guard(planned, &Policy::default()).ok()?;
    Some(guarded.execution_with(options_).unwrap())
}

/// How orders, items and shipments lead to the other source.
fn joins() -> Value {
    json!([{"left": "orders.customer_id", "right": "customers.id"},
           {"left": "order_items.product_id", "right": "products.id"},
           {"left": "shipments.from_city", "right": "cities.id", "as": "from"},
           {"left": "events.customer_id", "right": "customers.id"}])
}

fn entities() -> Value {
    json!(["order_items", "orders", {"entity": "customers", "source": "crm"},
           {"entity": "products", "source": "crm"}])
}

/// An IR over orders and their lines, with customers and products of the other source.
pub(crate) fn ir() -> impl Strategy<Value = Value> {
    let dimensions = vec![
        json!("customers.segment"),
        json!("customers.city"),
        json!("products.category"),
        json!("orders.status"),
        json!("line"),
        json!({"name": "month", "field": "orders.ordered_at", "grain": "1 month"}),
        json!({"name": "band", "field": "products.price", "bins": [0, 10, 20]}),
        json!({"name": "mixed", "value": "concat(orders.status, customers.name)"}),
    ];
    let metrics = vec![
        json!({"name": "a", "agg": "count"}),
        json!({"name": "b", "agg": "sum", "value": "qty * unit_price"}),
        json!({"name": "c", "agg": "avg", "field": "unit_price"}),
        json!({"name": "d", "agg": "max", "field": "unit_price"}),
        json!({"name": "e", "agg": "min", "field": "qty"}),
        json!({"name": "f", "agg": "count", "field": "orders.id"}),
        json!({"name": "g", "agg": "sum", "field": "qty",
               "filter": {"field": "orders.paid", "op": "=", "value": true}}),
        json!({"name": "h", "agg": "sum", "field": "qty",
               "filter": {"field": "customers.segment", "op": "=", "value": "retail"}}),
        json!({"name": "i", "agg": "count_distinct", "field": "qty"}),
        json!({"name": "j", "agg": "median", "field": "qty"}),
        json!({"name": "k", "agg": "bool_or", "field": "orders.paid"}),
        json!({"name": "l", "agg": "sum", "value": "products.price * qty"}),
    ];
    let filters = vec![
        json!({"field": "customers.segment", "op": "=", "value": "retail"}),
        json!({"field": "customers.segment", "op": "is_null"}),
        json!({"field": "customers.city", "op": "in", "value": ["Ada", "paid"]}),
        json!({"not": {"field": "customers.city", "op": "=", "value": "Ada"}}),
        json!({"field": "products.category", "op": "!=", "value": "open"}),
        json!({"field": "orders.status", "op": "starts_with", "value": "p"}),
        json!({"field": "orders.ordered_at", "op": "during", "value": "2024-01"}),
        json!({"field": "qty", "op": ">", "value": 3}),
        json!({"any": [{"field": "qty", "op": ">", "value": 6},
                       {"field": "customers.name", "op": "=", "value": "Ada"}]}),
        json!({"any": [{"field": "customers.name", "op": "=", "value": "Ada"},
                       {"field": "customers.city", "op": "not_null"}]}),
        json!({"expr": "products.price * qty", "op": ">", "value": 20}),
    ];
    (
        proptest::sample::subsequence(dimensions, 0..3),
        proptest::sample::subsequence(metrics, 1..5),
        proptest::sample::subsequence(filters, 0..4),
        proptest::sample::select(vec!["left", "inner"]),
    )
        .prop_map(|(dimensions, metrics, filters, kind)| {
            let mut joins = joins();
            joins[0]["kind"] = json!(kind);
            json!({"entities": entities(), "joins": joins, "dimensions": dimensions,
                   "metrics": metrics, "filters": filters})
        })
}

#[tokio::test]
async fn two_sources_give_the_rows_of_one() {
    let engine = engine();
    let mut random = TestRunner::deterministic();
    let mut two = two();
    let mut ran = 0;
    for i in 0..150 {
        let mut ir = ir().new_tree(&mut random).unwrap().current();
        // Shipments and events are not asked about here.
        ir["joins"].as_array_mut().unwrap().truncate(2);
        let Some(here) = two.here(&ir, &engine.runtime).await else { continue };
        // What a server lacks is done here, above the rows that keys restrict.
        let lacks = LACKS[i % LACKS.len()];
        // Every other time the catalog tells that groups save nothing.
        two = if i % 2 == 0 { two.counted(1_000_000, 900_000) } else { two.counted(10, 2) };
        two.prepared = two.prepared.served("shop", Dialect::Datafusion, lacks);
        two.prepared =
            two.prepared.served("crm", Dialect::Datafusion, LACKS[(i / 2) % LACKS.len()]);
        for pushdown in [true, false] {
            let misread = two.misread();
            let apart = two.apart(&ir, &engine.runtime, pushdown).await;
            if two.misread() == misread {
                agree(&ir, &here, &apart);
                ran += 1;
            }
        }
    }
    assert!(ran > 200 && two.misread() * 20 < ran, "{ran} ran, {} misread", two.misread());
}

#[tokio::test]
async fn a_filtered_side_goes_first_and_sends_its_keys() {
    let engine = engine();
    let two = two();
    let ir = json!({
        "entities": ["orders", {"entity": "customers", "source": "crm"}],
        "joins": [joins()[0]],
        "dimensions": ["customers.segment"],
        "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "customers.city", "op": "=", "value": "Ada"}]
    });
    let here = two.here(&ir, &engine.runtime).await.unwrap();
    let apart = two.apart(&ir, &engine.runtime, true).await;
    agree(&ir, &here, &apart);
    let sent = apart.unwrap().sent;
    assert_eq!(sent[0].source, "crm", "{sent:?}");
    assert_eq!(sent[1].source, "shop", "{sent:?}");
    assert!(sent[1].sql.text.contains("air_any") && sent[1].sql.text.contains("GROUP BY"));
    let pushed = two.shop.given.load(Ordering::SeqCst) + two.crm.given.load(Ordering::SeqCst);
    let plain = two.apart(&ir, &engine.runtime, false).await;
    agree(&ir, &here, &plain);
    let all = two.shop.given.load(Ordering::SeqCst) + two.crm.given.load(Ordering::SeqCst) - pushed;
    assert_eq!(all, 150, "every order and every customer");
    assert!(pushed < 20, "{pushed} rows with pushdown");
}

#[tokio::test]
async fn an_unfiltered_side_is_asked_for_the_keys_of_the_fact() {
    let engine = engine();
    let two = two();
    let ir = json!({
        "entities": ["orders", {"entity": "customers", "source": "crm"}],
        "joins": [joins()[0]],
        "dimensions": ["customers.name"],
        "metrics": [{"name": "n", "agg": "count"}, {"name": "paid", "agg": "bool_and", "field": "paid"}],
        "filters": [{"field": "status", "op": "=", "value": "Zoë "}]
    });
    let here = two.here(&ir, &engine.runtime).await.unwrap();
    let apart = two.apart(&ir, &engine.runtime, true).await;
    agree(&ir, &here, &apart);
    let sent = apart.unwrap().sent;
    let sources: Vec<&str> = sent.iter().map(|s| s.source.as_str()).collect();
    assert_eq!(sources, ["shop", "crm"]);
    assert!(sent[1].sql.text.contains("air_any"), "{}", sent[1].sql.text);
    assert!(sent[1].rows < 30, "{} customers", sent[1].rows);
}

#[tokio::test]
async fn no_key_means_no_query() {
    let engine = engine();
    let two = two();
    let ir = json!({
        "entities": ["orders", {"entity": "customers", "source": "crm"}],
        "joins": [joins()[0]],
        "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "customers.city", "op": "=", "value": "nowhere"}]
    });
    let apart = two.apart(&ir, &engine.runtime, true).await;
    agree(&ir, &two.here(&ir, &engine.runtime).await.unwrap(), &apart);
    assert_eq!(apart.unwrap().sent.len(), 1);
}

#[tokio::test]
async fn a_small_side_of_files_sends_its_keys_to_a_database() {
    let engine = engine();
    let two = two();
    let (near, far) = catalogs();
    let far = Catalog { kind: SourceKind::Files, ..far };
    let prepared = Prepared::federated(Arc::new(near), vec![Arc::new(far)]).served(
        "shop",
        Dialect::Datafusion,
        &[],
    );
    let ir = json!({
        "entities": ["orders", {"entity": "customers", "source": "crm"}],
        "joins": [joins()[0]],
        "dimensions": ["customers.name"],
        "metrics": [{"name": "n", "agg": "count"}],
        "filters": [{"field": "customers.city", "op": "=", "value": "Ada"}]
    });
    let execution = execution(&ir, &prepared, RunOptions::default()).unwrap();
    let tables = execution.tables();
    assert_eq!(tables.len(), 1, "{tables:?}");
    let mut sources = over(&[&two.shop]);
    sources.tables = two.tables.tables.clone();
    let apart = run(&execution, &sources, &engine.runtime).await;
    agree(&ir, &two.here(&ir, &engine.runtime).await.unwrap(), &apart);
    let sent = apart.unwrap().sent;
    assert_eq!(sent.len(), 1);
    assert!(sent[0].sql.text.contains("air_any"), "{}", sent[0].sql.text);
    assert!(sent[0].rows < 30, "{}", sent[0].rows);
}

#[tokio::test]
async fn one_source_that_fails_fails_the_run_and_is_named() {
    let engine = engine();
    let mut two = two();
    let mut broken = Embedded::new("crm", &Tables::new());
    broken.fails = Some("the server is going away");
    two.crm = Arc::new(broken);
    let ir = json!({
        "entities": ["orders", {"entity": "customers", "source": "crm"}],
        "joins": [joins()[0]],
        "dimensions": ["customers.name"],
        "metrics": [{"name": "n", "agg": "count"}]
    });
    let apart = two.apart(&ir, &engine.runtime, true).await;
    assert!(
        matches!(&apart, Err(RunError::Source { source_id, .. }) if source_id == "crm"),
        "{}",
        shown(&apart)
    );
    while two.shop.open.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sources_that_need_not_wait_are_asked_at_once() {
    let engine = engine();
    let mut two = two();
    let ask = |filters: Value| {
        json!({
            "entities": entities(), "joins": [joins()[0], joins()[1]],
            "dimensions": ["customers.segment", "products.category"],
            "metrics": [{"name": "n", "agg": "count"}], "filters": filters
        })
    };
    // Two sides whose keys restrict the lines, and neither waits for the other.
    let ir = ask(json!([{"field": "customers.city", "op": "=", "value": "Ada"},
                        {"field": "products.category", "op": "!=", "value": "open"}]));
    let mut joined = ir.clone();
    for join in joined["joins"].as_array_mut().unwrap() {
        join["kind"] = json!("inner");
    }
    for ir in [&ir, &joined] {
        let here = two.here(ir, &engine.runtime).await.unwrap();
        agree(ir, &here, &two.apart(ir, &engine.runtime, true).await);
    }
    let mut slow = Embedded::new("crm", &crm_tables());
    slow.hangs = true;
    two.crm = Arc::new(slow);
    let execution = execution(&joined, &two.prepared, RunOptions::default()).unwrap();
    let sources = over(&[&two.shop, &two.crm]);
    let mut running = Box::pin(run(&execution, &sources, &engine.runtime));
    // Each waits for ever after its first rows, and both have been asked all the same.
    let mut turns = 0;
    while two.crm.open.load(Ordering::SeqCst) < 2 {
        turns += 1;
        assert!(turns < 100_000, "one side waits for the other");
        assert!(futures::poll!(&mut running).is_pending());
        tokio::task::yield_now().await;
    }
}

fn crm_tables() -> Tables {
    let tables = shop::tables().into_iter().filter(|(t, _)| ELSEWHERE.contains(&t.name.as_str()));
    tables.map(|(t, rows)| ((t.schema, t.name), rows)).collect()
}

#[tokio::test]
async fn exists_asks_another_source() {
    let engine = engine();
    let two = two();
    let mut joins = joins();
    joins.as_array_mut().unwrap().truncate(1);
    let of = |filter: Value| {
        json!({
            "entities": [{"entity": "customers", "source": "crm"}, "orders"],
            "joins": joins,
            "metrics": [{"name": "n", "agg": "count", "field": "customers.id"}],
            "filters": [filter]
        })
    };
    let paid = json!({"exists": {"entity": "orders", "filters": [{"field": "paid", "op": "=", "value": true}]}});
    for ir in [of(paid.clone()), of(json!({"not": paid}))] {
        let here = two.here(&ir, &engine.runtime).await.unwrap();
        let apart = two.apart(&ir, &engine.runtime, true).await;
        agree(&ir, &here, &apart);
        assert!(here.is_ok(), "{}", shown(&here));
    }
}

/// The sources that were asked, in that order, and whether keys restricted what the last was asked.
fn asked(answer: &Result<Answer, RunError>) -> (Vec<&str>, bool) {
    let Ok(answer) = answer else { panic!("{}", shown(answer)) };
    let sources = answer.sent.iter().map(|s| s.source.as_str()).collect();
    (sources, answer.sent.last().is_some_and(|s| s.sql.text.contains("air_any")))
}

#[tokio::test]
async fn exists_sends_keys_from_the_side_that_knows_more() {
    let engine = engine();
    let two = two();
    let few = json!({"field": "city", "op": "=", "value": "Ada"});
    let paid = json!({"field": "paid", "op": "=", "value": true});
    let customers = json!([{"entity": "customers", "source": "crm"}, "orders"]);
    let orders = json!(["orders", {"entity": "customers", "source": "crm"}]);
    let some =
        |entity: &str, filters: Value| json!({"exists": {"entity": entity, "filters": filters}});
    let none = |entity: &str, filters: Value| json!({"not": some(entity, filters)});
    let cases = [
        (&customers, vec![some("orders", json!([paid]))], ["shop", "crm"], true),
        (&customers, vec![some("orders", json!([])), few.clone()], ["crm", "shop"], true),
        (&customers, vec![none("orders", json!([paid])), few.clone()], ["crm", "shop"], true),
        (&orders, vec![some("customers", json!([few]))], ["crm", "shop"], true),
        (&orders, vec![none("customers", json!([few])), paid.clone()], ["shop", "crm"], true),
    ];
    for (entities, filters, sources, restricted) in cases {
        let id = if entities[0].is_string() { "orders.id" } else { "customers.id" };
        let ir = json!({"entities": entities, "joins": [joins()[0]], "filters": filters,
                        "dimensions": [id], "metrics": [{"name": "n", "agg": "count"}]});
        let here = two.here(&ir, &engine.runtime).await.unwrap();
        let apart = two.apart(&ir, &engine.runtime, true).await;
        agree(&ir, &here, &apart);
        assert!(here.unwrap().rows.num_rows() > 0, "{ir:#}");
        assert_eq!(asked(&apart), (sources.to_vec(), restricted), "{ir:#}");
        agree(&ir, &apart, &two.apart(&ir, &engine.runtime, false).await);
    }
}

impl Two {
    /// The same, where the catalog tells of so many orders and customers of orders.
    fn counted(mut self, rows: u64, customers: u64) -> Self {
        let (mut near, far) = catalogs();
        for table in &mut near.tables {
            table.row_estimate = Some(rows);
            for column in &mut table.columns {
                column.stats =
                    Some(Stats { distinct: Some(customers.min(rows)), ..Stats::default() });
            }
        }
        self.prepared = Prepared::federated(Arc::new(near), vec![Arc::new(far)])
            .served("shop", Dialect::Datafusion, &[])
            .served("crm", Dialect::Datafusion, &[]);
        self
    }
}

#[tokio::test]
async fn groups_nearly_as_many_as_rows_are_made_here() {
    let engine = engine();
    let ir = |filters: Value| {
        json!({
            "entities": ["orders", {"entity": "customers", "source": "crm"}],
            "joins": [joins()[0]],
            "dimensions": ["customers.segment"],
            "metrics": [{"name": "n", "agg": "count"}, {"name": "k", "agg": "count", "field": "paid"},
                        {"name": "p", "agg": "bool_and", "field": "paid"},
                        {"name": "a", "agg": "avg", "field": "orders.id"}, {"name": "m", "agg": "max", "field": "status"},
                        {"name": "s", "agg": "sum", "field": "orders.id"}],
            "filters": filters
        })
    };
    let few = json!([{"field": "customers.city", "op": "=", "value": "Ada"}]);
    let cases = [
        (1_000_000, 200_000, json!([]), false),
        // A list of keys leaves few rows.
        (1_000_000, 200_000, few, true),
        (10_000_000, 200_000, json!([]), true),
        (20_000, 9_000, json!([]), true),
    ];
    for (rows, customers, filters, grouped) in cases {
        let (two, ir) = (two().counted(rows, customers), ir(filters));
        let here = two.here(&ir, &engine.runtime).await.unwrap();
        let apart = two.apart(&ir, &engine.runtime, true).await;
        agree(&ir, &here, &apart);
        let sent = apart.unwrap().sent;
        let orders = sent.iter().find(|s| s.source == "shop").unwrap();
        assert_eq!(orders.sql.text.contains("GROUP BY"), grouped, "{}", orders.sql.text);
    }
}

#[test]
fn an_entity_is_looked_up_in_the_source_it_names() {
    let (near, far) = catalogs();
    let prepared = Prepared::federated(Arc::new(near), vec![Arc::new(far)]);
    assert_eq!(prepared.catalogs().map(|c| c.source.as_str()).collect::<Vec<_>>(), ["shop", "crm"]);
    let errors = |entity: Value| {
        let ir = json!({"entities": [entity], "metrics": [{"name": "n", "agg": "count"}]});
        let ir = Ir::parse(&ir).unwrap();
        plan(&ir, &prepared, &options()).map(|_| ()).map_err(|e| e.0)
    };
    assert_eq!(errors(json!({"entity": "customers", "source": "crm"})), Ok(()));
    let here = errors(json!("customers")).unwrap_err();
    assert_eq!(here[0].code.as_str(), "unknown_entity");
    let nowhere = errors(json!({"entity": "customers", "source": "crn"})).unwrap_err();
    assert_eq!(nowhere[0].code.as_str(), "unknown_source");
    assert_eq!(nowhere[0].pointer, "/entities/0/source");
    assert_eq!(nowhere[0].nearest, ["crm"]);
}

#[test]
fn the_sources_of_an_ir_are_those_it_names() {
    let ir = json!({
        "entities": [
            {"query": {"entities": [{"entity": "tickets", "source": "ops"}],
                       "metrics": [{"name": "n", "agg": "count"}]}, "as": "t"},
            {"entity": "customers", "source": "crm"}, "orders"],
        "metrics": [{"name": "n", "agg": "count"}]
    });
    assert_eq!(sources_of(&Ir::parse(&ir).unwrap()), ["crm", "ops"]);
}

#[tokio::test]
async fn local_times_are_read_in_the_zone_of_their_own_source() {
    let engine = engine();
    // Orders are in a source of New York; the same orders are asked for through one of UTC.
    let mut near = prepared("shop").catalog().as_ref().clone();
    near.kind = SourceKind::Files;
    let mut far = near.clone();
    far.source = "ny".to_owned();
    far.time_zone = Some("America/New_York".to_owned());
    let mut sources = Sources::default();
    for (table, rows) in shop::tables() {
        sources.tables.insert(("shop".to_owned(), table.qualified_name()), Arc::clone(&rows));
        sources.tables.insert(("ny".to_owned(), table.qualified_name()), rows);
    }
    let ask = |source: &str| {
        json!({
            "entities": [{"entity": "orders", "source": source}],
            "metrics": [{"name": "first", "agg": "min", "field": "shipped_at"},
                        {"name": "n", "agg": "count", "filter":
                         {"field": "shipped_at", "op": ">=", "value": "2024-01-01T00:00:00Z"}}]
        })
    };
    let alone = Prepared::new(Arc::new(far.clone()));
    let both = Prepared::federated(Arc::new(near), vec![Arc::new(far)]);
    let answer = async |ir: &Value, prepared: &Prepared| {
        run(&execution(ir, prepared, RunOptions::default()).unwrap(), &sources, &engine.runtime)
            .await
    };
    let mut ir = ask("ny");
    let federated = answer(&ir, &both).await;
    let utc = answer(&ask("shop"), &both).await;
    ir["time"] = json!({"timezone": "UTC"});
    agree(&ir, &answer(&ir, &alone).await, &federated);
    assert_ne!(shown(&utc), shown(&federated));
}
