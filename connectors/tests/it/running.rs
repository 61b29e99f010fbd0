//! What a run takes of its sources, and what they say where it cannot.

use crate::world::World;
use air_connectors::running::{Member, NoPlace, gather, places};
use air_connectors::{FilesSource, SourceError};
use air_engine::{Execution, PlanOptions, Policy, Prepared, guard, plan};
use air_ir::catalog::SourceKind;
use air_ir::{Catalog, Ir};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The rows of the table `t`, counted.
fn counted(catalog: &Arc<Catalog>) -> Execution {
    let ir = json!({"entities": ["t"], "metrics": [{"name": "rows", "agg": "count"}]});
    let options =
        PlanOptions { now: jiff::Timestamp::UNIX_EPOCH, default_limit: 100, max_limit: 100 };
    let prepared = Prepared::new(Arc::clone(catalog));
    let planned = plan(&Ir::parse(&ir).unwrap(), &prepared, &options).unwrap();
    guard(planned, &Policy::default()).unwrap().execution().unwrap()
}

/// The source of a world, with so many connections.
fn member(world: &World, catalog: &Arc<Catalog>, connections: usize) -> Member {
    let source = FilesSource::open("test", world.dir.path(), Path::new("base")).unwrap();
    Member {
        source: Arc::new(source),
        catalog: Arc::clone(catalog),
        connections: Arc::new(Semaphore::new(connections)),
    }
}

#[tokio::test]
async fn tables_that_are_read_are_gathered_and_a_missing_file_names_its_source() {
    let world = World::new(&[("t.csv", "a\n1\n"), ("u.csv", "a\n1\n")]);
    let catalog = Arc::new(world.learn().await.unwrap());
    let (members, execution) = ([member(&world, &catalog, 1)], counted(&catalog));
    let sources = gather(&members, &execution).await.unwrap();
    let tables: Vec<_> = sources.tables.keys().cloned().collect();
    assert_eq!(tables, [("test".to_owned(), "t".to_owned())]);
    assert!(sources.remotes.is_empty());
    assert!(places(&members, &execution, 1).await.unwrap().is_empty(), "files need none");
    std::fs::remove_file(world.path("t.csv")).unwrap();
    let error = gather(&members, &execution).await.unwrap_err();
    assert_eq!(error.source_id, "test");
    assert!(matches!(*error.cause, SourceError::NoFiles { .. }), "{}", error.cause);
}

#[tokio::test]
async fn a_run_holds_a_connection_for_each_query() {
    let world = World::new(&[("t.csv", "a\n1\n")]);
    let mut catalog = world.learn().await.unwrap();
    // Planned as a database's, so that it is asked by a query.
    catalog.kind = SourceKind::Postgres;
    let catalog = Arc::new(catalog);
    let (members, execution) = ([member(&world, &catalog, 1)], counted(&catalog));
    let held = places(&members, &execution, 1).await.unwrap();
    assert_eq!(members[0].connections.available_permits(), 0);
    drop(held);
    assert_eq!(members[0].connections.available_permits(), 1);
    let error = places(&members, &execution, 0).await.unwrap_err();
    let NoPlace::TooMany { source_id, wanted, most } = &error else { panic!("{error}") };
    assert_eq!((source_id.as_str(), *wanted, *most), ("test", 1, 0));
}
