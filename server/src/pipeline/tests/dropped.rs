//! Runs whose work is dropped before its end, as that of an answer which takes too long is.

use super::*;
use crate::store::Outcome;

/// The run whose record is begun, once there is one.
async fn begun(app: &App) -> RunId {
    loop {
        if let Some((id, _)) = app.store.runs().unfinished().await.unwrap().pop() {
            return id;
        }
        tokio::task::yield_now().await;
    }
}

/// Runs an order until its record is begun, and drops it then. The run cannot end before: it waits
/// for another one that has the turn of its question.
async fn dropped(world: &World, order: Order) -> RunId {
    let app = world.app();
    let order = Order { max_age: Some(Duration::from_secs(60)), ..order };
    let ready = sources::ready(app, &order, &shop(), &[], order.pace()).await.unwrap();
    let other = app.running.place("bob", None).await.unwrap();
    let mut clock = Clock::start();
    let planning = planned(app, &order, &ready, &other, &mut clock);
    let Planned { question, execution, .. } = Box::pin(planning).await.unwrap();
    let asked = (&question, execution.guarded());
    let turn = answers::turn(app, &order, &ready, asked, &other).await.unwrap();
    assert!(turn.is_some());
    tokio::select! {
        ended = Box::pin(report(app, order)) => panic!("it did not wait: {ended:?}"),
        id = begun(app) => id,
    }
}

#[tokio::test]
async fn the_record_of_a_run_that_is_dropped_ends_without_anybody_looking() {
    let world = World::new().await;
    let app = world.app();
    let run = dropped(&world, counting(soon())).await;
    assert_eq!(
        app.running.ids(),
        std::slice::from_ref(&run),
        "it has its place until its record has ended"
    );
    app.tasks.close();
    app.tasks.wait().await;
    let ended = world.run(&run).await;
    assert_eq!(ended.status, RunStatus::Failed);
    assert!(ended.error_text.unwrap().contains("given up"));
    assert_eq!(app.running.ids(), []);
}

#[tokio::test]
async fn a_run_that_is_dropped_with_a_job_that_is_to_stop_is_cancelled() {
    let world = World::new().await;
    let app = world.app();
    let tie = world.job().await;
    let run = dropped(&world, Order { job: Some(tie.clone()), ..counting(soon()) }).await;
    tie.stop.cancel();
    app.tasks.close();
    app.tasks.wait().await;
    let ended = world.run(&run).await;
    assert_eq!(ended.status, RunStatus::Cancelled);
    assert!(ended.error_text.unwrap().contains(tie.claimed.id.as_str()));
}

#[tokio::test]
async fn rows_that_are_named_while_their_run_is_dropped_stay() {
    let world = World::new().await;
    let app = world.app();
    let finished = report(app, counting(soon())).await.unwrap();
    let late = world.begun(RunId::new(), None).await;
    let file = format!("{late}.parquet");
    std::fs::copy(world.rows_of(&finished.run_id), world.rows_of(&late)).unwrap();
    let outcome = Outcome { snapshot_file: Some(file.clone()), ..Outcome::for_tests(Vec::new()) };
    // Both wait for the connection that writes, the end of the run first.
    let turn = app.store.write_for_tests().await;
    let given = async {
        // Who looks without waiting has looked by now.
        assert_eq!(world.run(&late).await.status, RunStatus::Running);
        turn.rollback().await.unwrap();
    };
    let (runs, discarding) = (app.store.runs(), retention::discard(app, &late, &file));
    let (ended, (), ()) = tokio::join!(runs.finish(&late, &outcome), discarding, given);
    ended.unwrap();
    assert!(world.rows_of(&late).exists(), "its record names them");
}
