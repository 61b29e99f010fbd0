//! What `dataset.yaml` says, and what of it is wrong.

use crate::world::{World, table};
use air_ir::catalog::Role;

#[tokio::test]
async fn words_keys_and_roles_are_kept() {
    let yaml = r#"
version: 1
name: grid
time_zone: Europe/Rome
tables:
  readings:
    files: "r/*.csv"
    description: "One row a meter and quarter hour"
    synonyms: [measurements]
    primary_key: [meter_id, ts]
    foreign_keys:
      - {columns: [meter_id], references: {table: meters, columns: [id]}, role: meter}
    time_series: true
    columns:
      kwh: {type: float64, description: "energy used", unit: kWh, synonyms: [energy]}
"#;
    let world = World::new(&[
        ("dataset.yaml", yaml),
        (
            "r/1.csv",
            "meter_id,ts,kwh,kind\n1,2013-01-01T00:00:00Z,1,a\n2,2013-01-01T00:00:00Z,2,b\n",
        ),
        ("meters.csv", "id,site\n1,x\n2,y\n"),
    ]);
    let catalog = world.learn().await.unwrap();
    assert_eq!(catalog.name.as_deref(), Some("grid"));
    let readings = table(&catalog, "readings");
    assert_eq!(readings.primary_key, ["meter_id", "ts"]);
    assert_eq!(readings.foreign_keys[0].role.as_deref(), Some("meter"));
    assert_eq!(readings.time_column.as_deref(), Some("ts"));
    assert!(readings.time_series);
    let roles: Vec<Option<Role>> = readings.columns.iter().map(|c| c.role).collect();
    assert_eq!(roles, [Role::Key, Role::Time, Role::Measure, Role::Dimension].map(Some));
    assert_eq!(readings.column("kwh").unwrap().unit.as_deref(), Some("kWh"));

    // An unchanged schema keeps its version, also with more rows; another word changes it.
    world.write("r/2.csv", b"meter_id,ts,kwh,kind\n1,2013-01-02T00:00:00Z,1,a\n");
    let more = world.learn().await.unwrap();
    assert_eq!(more.version, catalog.version);
    assert_eq!(table(&more, "readings").row_estimate, Some(3));
    world.write("dataset.yaml", yaml.replace("energy used", "energy").as_bytes());
    assert_ne!(world.learn().await.unwrap().version, catalog.version);
}

#[tokio::test]
async fn names_that_are_not_there_are_told_all_at_once() {
    let yaml = "tables:\n  t:\n    primary_key: [idd]\n    time_column: v\n    columns: {vv: {}}\n    foreign_keys:\n      - {columns: [id], references: {table: z, columns: [id]}}\n";
    let world = World::new(&[("dataset.yaml", yaml), ("t.csv", "id,v\n1,x\n")]);
    let refusal = world.refusal().await;
    for wanted in [
        "tables.t.columns.vv: the files of \"t\" have no column \"vv\"; near: v",
        "tables.t.primary_key: the files of \"t\" have no column \"idd\"; near: id",
        "tables.t.time_column: \"v\" is no date or timestamp",
        "tables.t.foreign_keys[0].references.table: there is no table \"z\"",
    ] {
        assert!(refusal.contains(wanted), "{wanted}\n{refusal}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_with_its_first_duplicate() {
    let yaml = "tables: {t: {primary_key: [a, b]}}";
    let world =
        World::new(&[("dataset.yaml", yaml), ("t.csv", "a,b\n3,x\n2,y\n2,y\n2,y\n3,x\n1,z\n")]);
    assert_eq!(
        world.refusal().await,
        "table \"t\": primary_key (a, b) is not unique: (2, y) is there 3 times; correct the key or the data"
    );
    world.write("t.csv", b"a,b\n1,x\n2,\n");
    assert_eq!(
        world.refusal().await,
        "table \"t\": primary_key column \"b\" is null in 1 rows; correct the key or the data"
    );
}

#[tokio::test]
async fn large_dictionaries_are_left_out() {
    let mut text = "few,many\n".to_owned();
    (0..20_001).for_each(|i| text.push_str(&format!("{},v{i}\n", ["a", "b"][i % 2])));
    let world = World::new(&[("t.csv", &text)]);
    let catalog = world.learn().await.unwrap();
    let few = table(&catalog, "t").column("few").unwrap().values.clone().unwrap();
    assert!(few.complete);
    assert_eq!((few.counts["a"], few.counts["b"]), (10_001, 10_000));
    let many = table(&catalog, "t").column("many").unwrap();
    assert!(many.values.is_none());
    let distinct = many.stats.as_ref().unwrap().distinct.unwrap();
    assert!((18_000..22_000).contains(&distinct), "{distinct}");
}
