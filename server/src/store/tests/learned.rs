use super::*;

fn note(object: &str, chunk: i64, md: &str) -> NoteText {
    NoteText { object: object.into(), chunk, md: md.into() }
}

#[tokio::test]
async fn only_changed_notes_are_written() {
    let scratch = Scratch::new().await;
    let source = scratch.store.datasources().create(files_source("a")).await.unwrap().id;
    let notes = scratch.store.schema_notes();
    let first = [note("flights", 0, "# flights"), note("flights", 1, "…"), note("old", 0, "x")];
    let changes = notes.replace(&source, &first).await.unwrap();
    assert_eq!(changes, NoteChanges { written: 3, unchanged: 0, removed: 0 });
    let before = notes.list(&source).await.unwrap();

    let second = [note("flights", 0, "# flights"), note("flights", 1, "new"), note("air", 0, "y")];
    let changes = notes.replace(&source, &second).await.unwrap();
    assert_eq!(changes, NoteChanges { written: 2, unchanged: 1, removed: 1 });
    let after = notes.list(&source).await.unwrap();
    let texts: Vec<&str> = after.iter().map(|note| note.md.as_str()).collect();
    assert_eq!(texts, ["y", "# flights", "new"]);
    assert_eq!(after[1], before[0], "an unchanged chunk was written");
    assert_ne!(after[2].md_hash, before[1].md_hash);

    let missing = notes.replace(&source_id("none"), &first).await;
    assert!(matches!(missing, Err(StoreError::BrokenReference { .. })));
    scratch.store.datasources().delete(&source).await.unwrap();
    assert!(notes.list(&source).await.unwrap().is_empty());
}

#[tokio::test]
async fn edits_survive_learning_again() {
    let scratch = Scratch::new().await;
    let source = scratch.store.datasources().create(files_source("a")).await.unwrap().id;
    let catalogs = scratch.store.catalogs();
    assert!(matches!(catalogs.get(&source).await, Err(StoreError::NotFound { .. })));
    assert!(catalogs.put_edits(&source, &json!({}), "ann", None).await.is_err());
    let learned = catalogs.put_learned(&source, &json!({"tables": [1]})).await.unwrap();
    assert_eq!((learned.edits.clone(), learned.edits_version), (json!({}), 0));

    let edits = json!({"flights": {"synonyms": ["trips"]}});
    let edited = catalogs.put_edits(&source, &edits, "ann", Some(0)).await.unwrap();
    assert_eq!((edited.edits_version, edited.edited_by.as_deref()), (1, Some("ann")));
    let late = catalogs.put_edits(&source, &json!({}), "bob", Some(0)).await;
    assert!(matches!(late, Err(StoreError::VersionMismatch { expected: 0, actual: 1, .. })));

    let again = catalogs.put_learned(&source, &json!({"tables": [1, 2]})).await.unwrap();
    assert_eq!(again.edits, edits);
    assert_ne!(again.version, learned.version);
    assert_ne!(again.tag(), edited.tag());
    assert_eq!(catalogs.get(&source).await.unwrap(), again);
    assert_eq!(catalogs.tag(&source).await.unwrap(), Some(again.tag()));
    assert_eq!(catalogs.tag(&source_id("none")).await.unwrap(), None);
    let missing = catalogs.put_learned(&source_id("none"), &json!({})).await;
    assert!(matches!(missing, Err(StoreError::BrokenReference { .. })));
}
