//! Which earlier profile an analysis is compared with.

use super::*;
use crate::id::JobId;

fn key(owner: &str, access: &str) -> ProfileKey {
    ProfileKey {
        owner: owner.to_owned(),
        datasource_id: source_id("flights"),
        subject: "table flights".to_owned(),
        access: access.to_owned(),
    }
}

#[tokio::test]
async fn the_newest_profile_of_other_rows_is_the_one_before() {
    let scratch = Scratch::new().await;
    scratch.store.datasources().sync_config(&[files_source("flights")]).await.unwrap();
    let profiles = scratch.store.eda_profiles();
    let ann = key("ann", "");
    let jobs: Vec<JobId> = (0..5).map(|_| JobId::new()).collect();
    let runs: Vec<RunId> = (0..5).map(|_| RunId::new()).collect();
    let previous = async |key: &ProfileKey, at: usize| {
        let found = profiles.previous(key, &jobs[at], &runs[at]).await.unwrap();
        found.map(|kept| kept.profile["n"].clone())
    };
    assert_eq!(previous(&ann, 0).await, None);
    for at in 0..4 {
        profiles.keep(&ann, &jobs[at], &runs[at], &json!({"n": at})).await.unwrap();
    }
    assert_eq!(previous(&ann, 4).await, Some(json!(3)));
    assert_eq!(previous(&ann, 3).await, Some(json!(2)), "its own is none that was before");
    // Another attempt of a job takes the place of the one before it.
    profiles.keep(&ann, &jobs[3], &runs[4], &json!({"n": "again"})).await.unwrap();
    let found = profiles.previous(&ann, &jobs[4], &runs[0]).await.unwrap().unwrap();
    assert_eq!((found.run_id, &found.profile["n"]), (runs[4].clone(), &json!("again")));
    assert_eq!(previous(&ann, 4).await, Some(json!(2)), "a run is not compared with itself");
    // What another owns, or saw under other policies, is nobody else's.
    assert_eq!(previous(&key("bob", ""), 4).await, None);
    assert_eq!(previous(&key("ann", "other policies"), 4).await, None);
}

#[tokio::test]
async fn profiles_go_with_their_source() {
    let scratch = Scratch::new().await;
    let (job, run, other) = (JobId::new(), RunId::new(), (JobId::new(), RunId::new()));
    let profiles = scratch.store.eda_profiles();
    let orphan = profiles.keep(&key("ann", ""), &job, &run, &json!({})).await;
    assert!(matches!(orphan, Err(StoreError::BrokenReference { .. })), "{orphan:?}");
    scratch.store.datasources().sync_config(&[files_source("flights")]).await.unwrap();
    profiles.keep(&key("ann", ""), &job, &run, &json!({})).await.unwrap();
    let ann = key("ann", "");
    let found = || profiles.previous(&ann, &other.0, &other.1);
    assert!(found().await.unwrap().is_some());
    scratch.store.datasources().delete(&source_id("flights")).await.unwrap();
    assert_eq!(found().await.unwrap(), None);
}
