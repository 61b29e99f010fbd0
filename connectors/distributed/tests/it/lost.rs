//! Workers that are not there, go away, or do not let in.

use crate::world::{TOKEN, World};
use air_distributed::Place;
use air_engine::RunError;
use serde_json::{Value, json};

fn question() -> Value {
    json!({"entities": ["flights"], "dimensions": ["origin"],
        "metrics": [{"name": "miles", "agg": "sum", "field": "distance"}]})
}

/// A place where nobody listens.
fn nobody() -> Place {
    Place::read("http://127.0.0.1:1", false).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_not_there_is_left_out() {
    let mut world = World::new().await;
    let there = world.worker().await;
    let divided = world.divided(&[nobody(), there.clone()], TOKEN, 1);
    let found = world.run(&question(), &divided).await.unwrap();
    assert_eq!(found.carried.workers, [there.to_string()]);
    assert_eq!(found.rows.num_rows(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_none_is_there_the_run_fails_and_names_it() {
    let world = World::new().await;
    let divided = world.divided(&[nobody()], TOKEN, 1);
    let error = world.run(&question(), &divided).await.unwrap_err();
    let RunError::Worker { worker, .. } = &error else { panic!("{error:?}") };
    assert_eq!(worker, "http://127.0.0.1:1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_went_away_are_named_and_a_new_one_is_found() {
    let mut world = World::new().await;
    let first = world.worker().await;
    let divided = world.divided(std::slice::from_ref(&first), TOKEN, 1);
    let found = world.run(&question(), &divided).await.unwrap();
    assert_eq!(found.carried.workers, [first.to_string()]);
    world.end_workers();
    let error = world.run(&question(), &divided).await.unwrap_err();
    let RunError::Worker { worker, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*worker, first.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_token_is_not_let_in() {
    let mut world = World::new().await;
    let place = world.worker().await;
    let divided = world.divided(&[place], "another-token-of-32-characters!!", 1);
    let error = world.run(&question(), &divided).await.unwrap_err();
    let RunError::Worker { why, .. } = &error else { panic!("{error:?}") };
    assert!(why.contains("Unauthenticated"), "{why}");
}
