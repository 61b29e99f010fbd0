//! The sample data of the repository.

use crate::world::{columns, table};
use air_connectors::{FilesSource, LearnOptions, notes};
use air_ir::catalog::Role;
use datafusion::execution::context::SessionContext;
use std::path::Path;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_is_learned_whole() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let source = FilesSource::open("flights", &data, Path::new("sample")).unwrap();
    let session = SessionContext::new();
    let catalog = source.learn(&session, &LearnOptions::default(), |_, _| {}).await.unwrap();

    let counts: Vec<(&str, Option<u64>)> =
        catalog.tables.iter().map(|t| (t.name.as_str(), t.row_estimate)).collect();
    for wanted in [
        ("flights", 336_776),
        ("weather", 26_115),
        ("airlines", 16),
        ("airports", 1_458),
        ("planes", 3_322),
    ] {
        assert!(counts.contains(&(wanted.0, Some(wanted.1))), "{counts:?}");
    }
    assert_eq!(catalog.time_zone.as_deref(), Some("America/New_York"));
    let flights = table(&catalog, "flights");
    assert_eq!(flights.time_column.as_deref(), Some("time_hour"));
    assert_eq!(flights.column("time_hour").unwrap().role, Some(Role::Time));
    let delay = flights.column("dep_delay").unwrap().stats.clone().unwrap();
    assert_eq!((delay.min.as_deref(), delay.max.as_deref()), (Some("-43"), Some("1301")));
    assert!((delay.null_share.unwrap() * 336_776.0 - 8_255.0).abs() < 0.5);
    let origins = flights.column("origin").unwrap().values.clone().unwrap();
    assert!(origins.complete);
    assert_eq!(
        origins.counts.iter().map(|(v, n)| (v.as_str(), *n)).collect::<Vec<_>>(),
        [("EWR", 120_835), ("JFK", 111_279), ("LGA", 104_662)]
    );
    let weather = table(&catalog, "weather");
    assert!(columns(weather).contains(&"precip:decimal(5,2)".to_owned()));

    let again = source.learn(&session, &LearnOptions::default(), |_, _| {}).await.unwrap();
    assert_eq!(again, catalog);
    let notes = notes(&catalog);
    assert_eq!(notes.len(), 5);
    assert!(
        notes[0].md.contains("foreign key: (carrier) to airlines (carrier) as airline"),
        "{}",
        notes[0].md
    );
}
