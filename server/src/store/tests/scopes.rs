use super::*;
use crate::id::{ScopeId, ScopeVersionId};

fn text(md: &str) -> NewScopeVersion {
    NewScopeVersion { scope_md: md.into(), ir: None, answer: None, created_by: "ann".into() }
}

fn scope(owner: &str) -> NewScope {
    let first = NewScopeVersion { answer: Some(json!({"state": "answer"})), ..text("# Question") };
    NewScope {
        name: "delays".into(),
        owner: owner.into(),
        datasource_id: Some(source_id("flights")),
        first,
    }
}

#[tokio::test]
async fn versions_count_up_and_stay() {
    let scratch = Scratch::new().await;
    let scopes = scratch.store.scopes();
    let (created, first) = scopes.create(scope("ann")).await.unwrap();
    assert_eq!((created.status, first.version), (ScopeStatus::Draft, 1));
    assert_eq!(scopes.get(&created.id).await.unwrap(), created);
    let second = scopes.add_version(&created.id, &text("two"), Some(1)).await.unwrap();
    assert_eq!(second.version, 2);
    let late = scopes.add_version(&created.id, &text("three"), Some(1)).await;
    assert!(matches!(late, Err(StoreError::VersionMismatch { expected: 1, actual: 2, .. })));
    let missing = scopes.add_version(&ScopeId::new(), &text("x"), None).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    assert_eq!(scopes.versions(&created.id).await.unwrap(), [second, first.clone()]);
    assert_eq!(scopes.version(&first.id).await.unwrap(), first);
    assert!(scopes.version(&ScopeVersionId::new()).await.is_err());
    let approved = scopes.set_status(&created.id, ScopeStatus::Approved).await.unwrap();
    assert_eq!(approved.status, ScopeStatus::Approved);
    assert!(scopes.set_status(&ScopeId::new(), ScopeStatus::Archived).await.is_err());
}

#[tokio::test]
async fn a_confirmation_falls_with_its_ir() {
    let scratch = Scratch::new().await;
    let scopes = scratch.store.scopes();
    let (_, version) = scopes.create(scope("ann")).await.unwrap();
    assert!(scopes.verify(&version.id, "ann").await.is_err(), "nothing to confirm");
    let built = scopes.set_ir(&version.id, &json!({"entities": ["flights"]})).await.unwrap();
    assert!(!built.is_verified());
    let verified = scopes.verify(&version.id, "ann").await.unwrap();
    assert!(verified.is_verified());
    assert_eq!(verified.verification.verified_by.as_deref(), Some("ann"));
    let changed = scopes.set_ir(&version.id, &json!({"entities": ["planes"]})).await.unwrap();
    assert!(!changed.is_verified());
    assert!(scopes.set_ir(&ScopeVersionId::new(), &json!({})).await.is_err());
}

#[tokio::test]
async fn lists_are_by_owner_newest_first() {
    let scratch = Scratch::new().await;
    let scopes = scratch.store.scopes();
    let mut ids = Vec::new();
    for owner in ["ann", "bob", "ann", "ann"] {
        ids.push(scopes.create(scope(owner)).await.unwrap().0.id);
    }
    let first = scopes.list(Some("ann"), None, &PageRequest::new(Some(2), None)).await.unwrap();
    scopes.create(scope("ann")).await.unwrap();
    let rest =
        scopes.list(Some("ann"), None, &PageRequest::new(Some(2), first.next)).await.unwrap();
    let seen: Vec<_> = first.items.iter().chain(&rest.items).map(|s| s.id.clone()).collect();
    assert_eq!(seen, [ids[3].clone(), ids[2].clone(), ids[0].clone()]);
    assert_eq!(scopes.list(None, None, &PageRequest::default()).await.unwrap().items.len(), 5);
}
