//! Keys that nobody declared: found where the files hold them, and nowhere else.

use crate::world::{World, table};
use air_connectors::LearnOptions;
use air_ir::Catalog;
use air_ir::catalog::Role;

async fn found(world: &World) -> Catalog {
    let options = LearnOptions { find_keys: true, ..LearnOptions::default() };
    world.source.learn(&world.session, &options, |_, _| {}).await.unwrap()
}

/// The keys of a catalog: `table: key; column → table.column`.
fn told(catalog: &Catalog) -> Vec<String> {
    let mut told = Vec::new();
    for table in &catalog.tables {
        told.push(format!("{}: {}", table.name, table.primary_key.join("+")));
        for key in &table.foreign_keys {
            let (from, to) = (&key.columns[0], &key.references);
            let role = key.role.as_ref().map(|role| format!(" as {role}")).unwrap_or_default();
            told.push(format!("{}.{from} → {}.{}{role}", table.name, to.table, to.columns[0]));
        }
    }
    told
}

const SALES: &str =
    "sale_id,store,customer_id,amount\n1,A,7,1.5\n2,B,7,2\n3,A,8,3\n4,C,9,4\n5,B,8,5\n6,A,7,6\n";
const STORES: &str =
    "{\"store\":\"A\",\"m2\":10}\n{\"store\":\"B\",\"m2\":20}\n{\"store\":\"C\",\"m2\":30}\n";
const CUSTOMERS: &str = "id,name\n7,Ann\n8,Bob\n9,Eve\n10,Dan\n";

#[tokio::test]
async fn files_of_all_forms_are_joined_by_names_and_values() {
    let world =
        World::new(&[("sales.csv", SALES), ("stores.jsonl", STORES), ("customers.csv", CUSTOMERS)]);
    let catalog = found(&world).await;
    assert_eq!(
        told(&catalog),
        [
            "customers: id",
            "sales: sale_id",
            "sales.customer_id → customers.id",
            "sales.store → stores.store",
            "stores: store",
        ]
    );
    let role = |column: &str| table(&catalog, "sales").column(column).unwrap().role;
    assert_eq!(role("store"), Some(Role::Key));
    assert_eq!(role("amount"), Some(Role::Measure));
    // Where nobody asks for them, there are none.
    let plain = world.learn().await.unwrap();
    assert!(plain.tables.iter().all(|t| t.primary_key.is_empty() && t.foreign_keys.is_empty()));
}

#[tokio::test]
async fn what_does_not_hold_is_no_key() {
    // A store twice, a customer that nobody knows, and numbers that only look alike.
    let twice = format!("{STORES}{{\"store\":\"A\",\"m2\":40}}\n");
    let strangers = "id,name\n1,Ann\n2,Bob\n3,Eve\n";
    let world = World::new(&[
        ("sales.csv", SALES),
        ("stores.jsonl", &twice),
        ("customers.csv", strangers),
        ("ranks.csv", "rank,label\n1,x\n2,y\n3,z\n"),
    ]);
    let catalog = found(&world).await;
    let sales = table(&catalog, "sales");
    assert_eq!(sales.primary_key, ["sale_id"]);
    assert!(sales.foreign_keys.is_empty(), "{:?}", told(&catalog));
    assert_ne!(table(&catalog, "stores").primary_key, ["store"]);
}

#[tokio::test]
async fn several_keys_to_one_table_have_roles_and_codes_are_joined_by_values() {
    let flights = "flight_id,origin_airport,dest_airport,carrier\n1,JFK,LAX,UA\n2,LAX,JFK,AA\n3,SFO,JFK,UA\n4,JFK,SFO,B6\n5,LAX,SFO,AA\n6,SFO,LAX,B6\n";
    let world = World::new(&[
        ("flights.csv", flights),
        ("airports.csv", "airport,city\nJFK,New York\nLAX,Los Angeles\nSFO,San Francisco\n"),
        ("airlines.csv", "code,label\nUA,United\nAA,American\nB6,JetBlue\n"),
    ]);
    let catalog = found(&world).await;
    let keys = told(&catalog);
    for wanted in [
        "flights.origin_airport → airports.airport as origin_airport",
        "flights.dest_airport → airports.airport as dest_airport",
        "flights.carrier → airlines.code",
    ] {
        assert!(keys.iter().any(|key| key == wanted), "{wanted}: {keys:?}");
    }
}

#[tokio::test]
async fn what_is_declared_stays_as_it_is() {
    let world = World::new(&[
        ("sales.csv", SALES),
        ("stores.jsonl", STORES),
        ("dataset.yaml", "tables:\n  stores:\n    primary_key: [m2]\n"),
    ]);
    let catalog = found(&world).await;
    assert_eq!(told(&catalog), ["stores: m2", "sales: sale_id"]);
}
