//! Drafts and vectors are kept as they were given.

use super::Scratch;

#[tokio::test]
async fn drafts_and_vectors_come_back() {
    let scratch = Scratch::new().await;
    let drafts = scratch.store.model_drafts();
    assert_eq!(drafts.get("k").await.unwrap(), None);
    drafts.put("k", "openai:m", "first").await.unwrap();
    drafts.put("k", "openai:m", "second").await.unwrap();
    assert_eq!(drafts.get("k").await.unwrap().as_deref(), Some("second"));

    let vector = vec![0.25_f32, -1.5, 3.0e-7];
    drafts.put_vectors("m", &[("h".to_owned(), vector.clone())]).await.unwrap();
    let wanted = ["h".to_owned(), "other".to_owned()];
    let found = drafts.vectors("m", &wanted).await.unwrap();
    assert_eq!((found.len(), found.get("h")), (1, Some(&vector)));
    assert!(drafts.vectors("another", &wanted).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_oldest_vectors_go_when_there_are_many() {
    let scratch = Scratch::new().await;
    let drafts = scratch.store.model_drafts();
    let vector = |i: u32| (format!("h{i}"), vec![0.5_f32]);
    drafts.put_vectors("m", &[vector(0)]).await.unwrap();
    let many: Vec<_> = (1..20_000).map(vector).collect();
    drafts.put_vectors("m", &many).await.unwrap();
    let first = ["h0".to_owned()];
    assert_eq!(drafts.vectors("m", &first).await.unwrap().len(), 1, "there is room for so many");
    drafts.put_vectors("m", &[vector(20_000)]).await.unwrap();
    assert!(drafts.vectors("m", &first).await.unwrap().is_empty(), "the oldest is gone");
    let rest = ["h1".to_owned(), "h19999".to_owned(), "h20000".to_owned()];
    assert_eq!(drafts.vectors("m", &rest).await.unwrap().len(), 3);
}
