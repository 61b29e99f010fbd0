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
