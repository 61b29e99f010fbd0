use super::*;
use crate::config::Environment;
use crate::secrets::DsnVault;

#[tokio::test]
async fn a_source_is_kept_changed_and_removed() {
    let scratch = Scratch::new().await;
    let sources = scratch.store.datasources();
    let created = sources.create(files_source("a")).await.unwrap();
    assert_eq!((created.version, created.origin), (1, Origin::Api));
    assert_eq!(sources.get(&created.id).await.unwrap(), created);
    let again = sources.create(files_source("a")).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })));

    let change = DatasourceChange {
        display_name: Some("Flights".into()),
        sample_values: Some(false),
        ..DatasourceChange::default()
    };
    let changed = sources.update(&created.id, &change, Some(1)).await.unwrap();
    assert_eq!((changed.version, changed.display_name.as_str()), (2, "Flights"));
    assert_eq!((changed.sample_values, changed.base_path.as_deref()), (false, Some("sample")));
    let late = sources.update(&created.id, &change, Some(1)).await;
    assert!(matches!(late, Err(StoreError::VersionMismatch { expected: 1, actual: 2, .. })));
    assert!(sources.update(&source_id("b"), &change, None).await.is_err());

    sources.set_health(&created.id, &json!({"ok": true})).await.unwrap();
    let healthy = sources.get(&created.id).await.unwrap();
    assert_eq!((healthy.health, healthy.version), (Some(json!({"ok": true})), 2));
    assert!(sources.set_health(&source_id("b"), &json!({})).await.is_err());

    sources.delete(&created.id).await.unwrap();
    assert!(matches!(sources.get(&created.id).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(sources.delete(&created.id).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn there_is_one_default() {
    let scratch = Scratch::new().await;
    let sources = scratch.store.datasources();
    assert_eq!(sources.default().await.unwrap(), None);
    let default = |id| NewDatasource { is_default: true, ..files_source(id) };
    sources.create(default("a")).await.unwrap();
    sources.create(default("b")).await.unwrap();
    assert_eq!(sources.default().await.unwrap().unwrap().id, source_id("b"));
    let change = DatasourceChange { is_default: Some(true), ..DatasourceChange::default() };
    sources.update(&source_id("a"), &change, None).await.unwrap();
    assert_eq!(sources.default().await.unwrap().unwrap().id, source_id("a"));
}

#[tokio::test]
async fn the_configuration_wins_and_forgets_nothing() {
    let scratch = Scratch::new().await;
    let sources = scratch.store.datasources();
    sources.create(files_source("a")).await.unwrap();
    let named = NewDatasource { display_name: "named".into(), ..files_source("a") };
    sources.sync_config(&[named, files_source("b")]).await.unwrap();
    let a = sources.get(&source_id("a")).await.unwrap();
    assert_eq!((a.display_name.as_str(), a.origin), ("named", Origin::Config));
    sources.sync_config(&[files_source("b")]).await.unwrap();
    let origins: Vec<Origin> = sources.all().await.unwrap().iter().map(|s| s.origin).collect();
    assert_eq!(origins, [Origin::Api, Origin::Config]);
}

#[tokio::test]
async fn a_source_in_use_stays() {
    let scratch = Scratch::new().await;
    let (sources, reports) = (scratch.store.datasources(), scratch.store.reports());
    sources.create(files_source("flights")).await.unwrap();
    let key = report_key("delays");
    reports
        .create_with_version(&key, "Delays", "ann", &new_version(Some("flights")))
        .await
        .unwrap();
    let run = scratch.store.runs().start(&new_run("ann")).await.unwrap();
    let refused = sources.delete(&source_id("flights")).await;
    let Err(StoreError::InUse { by, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(by, ["report delays".to_owned(), format!("run {}", run.id)]);
    reports.archive(&key).await.unwrap();
    scratch.store.runs().fail(&run.id, "over", None).await.unwrap();
    sources.delete(&source_id("flights")).await.unwrap();
    assert!(scratch.store.runs().get(&run.id).await.is_ok(), "history stays");
}

#[tokio::test]
async fn a_password_is_in_no_file() {
    let scratch = Scratch::new().await;
    let key = ("AIR_ENCRYPTION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let environment: Environment = [key].into_iter().collect();
    let vault = DsnVault::new(&environment).unwrap();
    let dsn = "postgres://reader:s3cret-word@db/sales";
    let sealed = vault.seal(&source_id("pg"), dsn).unwrap();
    let new = NewDatasource {
        kind: SourceKind::Postgres,
        dsn: Some(sealed.clone()),
        base_path: None,
        ..files_source("pg")
    };
    scratch.store.datasources().create(new).await.unwrap();
    let stored = scratch.store.datasources().get(&source_id("pg")).await.unwrap();
    assert_eq!(stored.dsn, Some(sealed));
    for file in std::fs::read_dir(scratch.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"s3cret-word"));
    }
}

#[tokio::test]
async fn pages_are_stable_under_inserts() {
    let scratch = Scratch::new().await;
    let sources = scratch.store.datasources();
    for id in ["b", "d", "f", "h", "k"] {
        sources.create(files_source(id)).await.unwrap();
    }
    let ids = |page: &Page<Datasource>| -> Vec<String> {
        page.items.iter().map(|source| source.id.to_string()).collect()
    };
    let first = sources.list(&PageRequest::new(Some(2), None)).await.unwrap();
    assert_eq!(ids(&first), ["b", "d"]);
    for id in ["a", "c"] {
        sources.create(files_source(id)).await.unwrap();
    }
    let second = sources.list(&PageRequest::new(Some(2), first.next)).await.unwrap();
    assert_eq!(ids(&second), ["f", "h"]);
    let last = sources.list(&PageRequest::new(Some(2), second.next.clone())).await.unwrap();
    assert_eq!((ids(&last), last.next.as_deref()), (vec!["k".to_owned()], None));

    let other_list = scratch.store.reports().list(&PageRequest::new(None, second.next)).await;
    assert!(matches!(other_list, Err(StoreError::BadCursor)));
    for cursor in ["", "!", "ZGF0YXNvdXJjZXM", "ZGF0YXNvdXJjZXMK"] {
        let page = PageRequest::new(None, Some(cursor.into()));
        assert!(matches!(sources.list(&page).await, Err(StoreError::BadCursor)), "{cursor}");
    }
    assert_eq!(sources.list(&PageRequest::new(Some(0), None)).await.unwrap().items.len(), 1);
}
