use tokio::task::JoinSet;

use super::*;

/// What each write was told is there afterwards, for a process that opens the file anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_lose_nothing() {
    let scratch = Scratch::new().await;
    let report =
        scratch.store.reports().create(&report_key("delays"), "Delays", "ann").await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let (store, report) = (scratch.store.clone(), report.id.clone());
        tasks.spawn(async move {
            let version = store.reports().add_version(&report, &new_version(None), None).await;
            let run = store.runs().start(&new_run(&format!("user{number}"))).await.unwrap();
            let seen = store.runs().get(&run.id).await.unwrap();
            assert_eq!(seen, run, "a reader does not see what was acknowledged");
            if number % 2 == 0 {
                store
                    .runs()
                    .finish(&run.id, &Outcome::for_tests(vec![json!({"n": number})]))
                    .await
                    .unwrap();
            }
            (version.unwrap().version, run.id)
        });
    }
    let acknowledged = tasks.join_all().await;
    let mut numbers: Vec<i64> = acknowledged.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=100).collect::<Vec<i64>>(), "a version number was given twice");

    let before = scratch.store.process().clone();
    let scratch = scratch.reopened().await;
    for (_, run) in &acknowledged {
        scratch.store.runs().get(run).await.unwrap();
    }
    assert_eq!(scratch.store.runs().mark_interrupted(&before).await.unwrap(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_takes_a_key() {
    let scratch = Scratch::new().await;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = scratch.store.clone();
        tasks.spawn(async move {
            let key = RequestKey { owner: "ann".into(), route: "POST /x".into(), key: "k".into() };
            store.idempotency_keys().claim(&key, "h").await.unwrap()
        });
    }
    let claims = tasks.join_all().await;
    assert_eq!(claims.iter().filter(|claim| **claim == Claim::New).count(), 1);
    assert_eq!(claims.iter().filter(|claim| **claim == Claim::InFlight).count(), 19);
}

/// A write that is dropped half way leaves nothing behind, and the writer free.
#[tokio::test]
async fn an_abandoned_write_is_rolled_back() {
    let scratch = Scratch::new().await;
    {
        let mut transaction = scratch.store.write().await.unwrap();
        sqlx::query(
            "INSERT INTO chat_rooms (id, name, created_by, created_at) VALUES ('r','r','a','t')",
        )
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    scratch.store.datasources().create(files_source("a")).await.unwrap();
    let rooms: i64 = sqlx::query_scalar("SELECT count(*) FROM chat_rooms")
        .fetch_one(scratch.store.reader())
        .await
        .unwrap();
    assert_eq!(rooms, 0);
}
