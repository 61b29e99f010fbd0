use super::schema_notes::NoteChanges;
use super::*;

fn note(object: &str, chunk: i64, md: &str) -> NoteText {
    NoteText { object: object.into(), chunk, md: md.into() }
}

#[tokio::test]
async fn only_changed_notes_are_written() {
    let scratch = Scratch::new().await;
    let source = scratch.store.datasources().create(files_source("a")).await.unwrap().id;
    let (notes, catalogs) = (scratch.store.schema_notes(), scratch.store.catalogs());
    let replace = async |source: &DatasourceId, notes: &[NoteText]| {
        let made = |_: &CatalogRecord| Ok::<_, StoreError>(notes.to_vec());
        Ok::<_, StoreError>(catalogs.put_learned(source, &json!({}), made).await?.1)
    };
    let first = [note("flights", 0, "# flights"), note("flights", 1, "…"), note("old", 0, "x")];
    let changes = replace(&source, &first[..]).await.unwrap();
    assert_eq!(changes, NoteChanges { written: 3, unchanged: 0, removed: 0 });
    let before = notes.list(&source).await.unwrap();

    let second = [note("flights", 0, "# flights"), note("flights", 1, "new"), note("air", 0, "y")];
    let changes = replace(&source, &second[..]).await.unwrap();
    assert_eq!(changes, NoteChanges { written: 2, unchanged: 1, removed: 1 });
    let after = notes.list(&source).await.unwrap();
    let texts: Vec<&str> = after.iter().map(|note| note.md.as_str()).collect();
    assert_eq!(texts, ["y", "# flights", "new"]);
    assert_eq!(after[1], before[0], "an unchanged chunk was written");
    assert_ne!(after[2].md_hash, before[1].md_hash);

    let missing = replace(&source_id("none"), &first[..]).await;
    assert!(matches!(missing, Err(StoreError::BrokenReference { .. })));
    scratch.store.datasources().delete(&source).await.unwrap();
    assert!(notes.list(&source).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_catalog_and_its_notes_are_kept_together_or_not_at_all() {
    let scratch = Scratch::new().await;
    let source = scratch.store.datasources().create(files_source("a")).await.unwrap().id;
    let (notes, catalogs) = (scratch.store.schema_notes(), scratch.store.catalogs());
    let twice = |_: &CatalogRecord| Ok::<_, StoreError>(vec![note("a", 0, "x"), note("b", 0, "y")]);
    let (kept, _) = catalogs.put_learned(&source, &json!({"tables": [1]}), twice).await.unwrap();
    let before = notes.list(&source).await.unwrap();
    // As where the service ends, or the disk is full, between the two.
    let fails = |_: &CatalogRecord| Err(StoreError::BadCursor);
    assert!(catalogs.put_learned(&source, &json!({"tables": [2]}), fails).await.is_err());
    assert!(catalogs.put_edits(&source, &json!({}), ("ann", None), fails).await.is_err());
    assert_eq!(catalogs.get(&source).await.unwrap(), kept);
    assert_eq!(notes.list(&source).await.unwrap(), before);
}

/// No notes at all.
fn none(_: &CatalogRecord) -> Result<Vec<NoteText>, StoreError> {
    Ok(Vec::new())
}

#[tokio::test]
async fn edits_survive_learning_again() {
    let scratch = Scratch::new().await;
    let source = scratch.store.datasources().create(files_source("a")).await.unwrap().id;
    let catalogs = scratch.store.catalogs();
    assert!(matches!(catalogs.get(&source).await, Err(StoreError::NotFound { .. })));
    assert!(catalogs.put_edits(&source, &json!({}), ("ann", None), none).await.is_err());
    let one = json!({"tables": [1]});
    let (learned, _) = catalogs.put_learned(&source, &one, none).await.unwrap();
    assert_eq!((learned.edits.clone(), learned.edits_version), (json!({}), 0));

    let edits = json!({"flights": {"synonyms": ["trips"]}});
    let edited = catalogs.put_edits(&source, &edits, ("ann", Some(0)), none).await.unwrap();
    assert_eq!((edited.edits_version, edited.edited_by.as_deref()), (1, Some("ann")));
    let late = catalogs.put_edits(&source, &json!({}), ("bob", Some(0)), none).await;
    assert!(matches!(late, Err(StoreError::VersionMismatch { expected: 0, actual: 1, .. })));

    let two = json!({"tables": [1, 2]});
    let (again, _) = catalogs.put_learned(&source, &two, none).await.unwrap();
    assert_eq!(again.edits, edits);
    assert_ne!(again.version, learned.version);
    assert_ne!(again.tag(), edited.tag());
    assert_eq!(catalogs.get(&source).await.unwrap(), again);
    assert_eq!(catalogs.tag(&source).await.unwrap(), Some(again.tag()));
    assert_eq!(catalogs.tag(&source_id("none")).await.unwrap(), None);
    let sources = scratch.store.datasources();
    let known = sources.get(&source).await.unwrap();
    assert_eq!(sources.with_tag(&source).await.unwrap(), (known, Some(again.tag())));
    let other = sources.create(files_source("unlearned")).await.unwrap();
    assert_eq!(sources.with_tag(&other.id).await.unwrap(), (other, None));
    let unknown = sources.with_tag(&source_id("none")).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { what: "datasource", .. })));
    let missing = catalogs.put_learned(&source_id("none"), &json!({}), none).await;
    assert!(matches!(missing, Err(StoreError::BrokenReference { .. })));
}
