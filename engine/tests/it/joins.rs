//! A join that the IR names is the way that is gone, also where the catalog's keys lead there in
//! fewer steps: over these keys a line reaches a nation by its supplier in two steps, and by its
//! order and customer in three.

use crate::plans::options;
use air_engine::{Dialect, Policy, Prepared, guard, plan};
use air_ir::{Catalog, Ir};
use serde_json::{Value, json};
use std::sync::Arc;

fn table(name: &str, keys: &[(&str, &str)]) -> Value {
    let column = |name: &str| json!({"name": name, "data_type": "int64", "native_type": "bigint", "nullable": false});
    let columns: Vec<Value> =
        ["id", "n"].into_iter().chain(keys.iter().map(|k| k.0)).map(column).collect();
    let foreign: Vec<Value> = keys
        .iter()
        .map(|(column, to)| json!({"columns": [column], "references": {"table": to, "columns": ["id"]}}))
        .collect();
    json!({"name": name, "kind": "table", "columns": columns, "primary_key": ["id"], "foreign_keys": foreign})
}

fn sql(ir: Value) -> String {
    let catalog: Catalog = serde_json::from_value(json!({
        "source": "trade", "kind": "postgres", "version": "1", "tables": [
            table("lines", &[("order_id", "orders"), ("supplier_id", "suppliers")]),
            table("orders", &[("customer_id", "customers")]),
            table("customers", &[("nation_id", "nations")]),
            table("suppliers", &[("nation_id", "nations")]),
            table("nations", &[("region_id", "regions")]),
            table("regions", &[])]}))
    .unwrap();
    let ir = Ir::parse_str(&ir.to_string()).unwrap();
    let planned = plan(&ir, &Prepared::new(Arc::new(catalog)), &options()).unwrap();
    guard(planned, &Policy::default()).unwrap().sql(Dialect::Postgres).unwrap().text
}

fn by_customer(field: &str, further: &[Value]) -> String {
    let mut joins = vec![json!({"left": "customers.nation_id", "right": "nations.id"})];
    joins.extend_from_slice(further);
    sql(json!({"entities": ["lines"], "joins": joins, "dimensions": [field],
        "metrics": [{"name": "lines", "agg": "count"}]}))
}

#[test]
fn without_joins_the_shortest_way_is_gone() {
    let text = sql(json!({"entities": ["lines"], "dimensions": ["nations.n"],
        "metrics": [{"name": "lines", "agg": "count"}]}));
    assert!(text.contains("suppliers") && !text.contains("customers"), "{text}");
}

#[test]
fn a_longer_join_of_the_ir_is_gone() {
    let text = by_customer("nations.n", &[]);
    assert!(text.contains("customers") && !text.contains("suppliers"), "{text}");
}

#[test]
fn it_holds_in_the_middle_of_a_way() {
    let text = by_customer("regions.n", &[]);
    assert!(text.contains("customers") && !text.contains("suppliers"), "{text}");
}

#[test]
fn a_role_beside_it_keeps_its_own_way() {
    let role = json!({"left": "suppliers.nation_id", "right": "nations.id", "as": "origin"});
    let text = by_customer("origin.n", &[role]);
    assert!(text.contains("suppliers") && !text.contains("customers"), "{text}");
}
