use super::*;
use crate::id::{ReportId, ReportVersionId, ScopeVersionId};

#[tokio::test]
async fn a_report_has_versions_with_checksums() {
    let scratch = Scratch::new().await;
    let reports = scratch.store.reports();
    let key = report_key("monthly_delays");
    let report = reports.create(&key, "Monthly delays", "ann").await.unwrap();
    assert!(matches!(reports.create(&key, "x", "ann").await, Err(StoreError::Exists { .. })));
    assert!(matches!(reports.latest(&report.id).await, Err(StoreError::NotFound { .. })));
    assert_eq!(reports.find(&key).await.unwrap(), report);
    let found = async |number| {
        let (of, version) = reports.find_with_version(&key, number).await.unwrap();
        assert_eq!(of.id, report.id);
        version
    };
    assert_eq!(found(None).await, None);

    let first = reports.add_version(&report.id, &new_version(None), Some(0)).await.unwrap();
    let second = reports.add_version(&report.id, &new_version(Some("pg")), None).await.unwrap();
    assert_eq!((first.version, second.version, first.status), (1, 2, VersionStatus::Active));
    assert_eq!(first.checksum, checksum(&new_version(None).def));
    assert_eq!(second.datasource_id, Some(source_id("pg")));
    let late = reports.add_version(&report.id, &new_version(None), Some(1)).await;
    assert!(matches!(late, Err(StoreError::VersionMismatch { expected: 1, actual: 2, .. })));

    assert_eq!(reports.latest(&report.id).await.unwrap(), second);
    assert_eq!(found(None).await.as_ref(), Some(&second));
    assert_eq!((found(Some(1)).await, found(Some(3)).await), (Some(first.clone()), None));
    assert_eq!(reports.version(&report.id, 1).await.unwrap(), first);
    assert_eq!(reports.version_by_id(&first.id).await.unwrap(), first);
    assert!(reports.version(&report.id, 3).await.is_err());
    assert!(reports.version_by_id(&ReportVersionId::new()).await.is_err());
    let page = reports.versions(&report.id, &PageRequest::new(Some(1), None)).await.unwrap();
    assert_eq!(page.items, [second]);
    let rest = reports.versions(&report.id, &PageRequest::new(Some(1), page.next)).await.unwrap();
    assert_eq!((rest.items, rest.next), (vec![first], None));

    let orphan =
        NewReportVersion { scope_version_id: Some(ScopeVersionId::new()), ..new_version(None) };
    let broken = reports.add_version(&report.id, &orphan, None).await;
    assert!(matches!(broken, Err(StoreError::BrokenReference { .. })));
    assert!(reports.add_version(&ReportId::new(), &new_version(None), None).await.is_err());
}

#[tokio::test]
async fn an_archived_report_frees_its_key() {
    let scratch = Scratch::new().await;
    let reports = scratch.store.reports();
    let key = report_key("delays");
    let (old, _) =
        reports.create_with_version(&key, "Delays", "ann", &new_version(None)).await.unwrap();
    assert!(reports.archive(&key).await.unwrap().archived);
    assert!(matches!(reports.find(&key).await, Err(StoreError::NotFound { .. })));
    let gone = reports.find_with_version(&key, None).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    assert!(matches!(reports.archive(&key).await, Err(StoreError::NotFound { .. })));
    assert!(reports.add_version(&old.id, &new_version(None), None).await.is_err());
    let new = reports.create(&key, "Delays again", "bob").await.unwrap();
    assert_eq!(reports.find(&key).await.unwrap(), new);
    let again = reports.find_with_version(&key, None).await.unwrap();
    assert_eq!(again, (new.clone(), None), "the versions of the old one are its own");
    assert!(reports.get(&old.id).await.unwrap().archived);
    assert!(reports.get(&ReportId::new()).await.is_err());
    assert_eq!(reports.list(&PageRequest::default()).await.unwrap().items, [new]);
}

#[tokio::test]
async fn a_report_and_its_first_version_are_one_write() {
    let scratch = Scratch::new().await;
    let reports = scratch.store.reports();
    let orphan =
        NewReportVersion { scope_version_id: Some(ScopeVersionId::new()), ..new_version(None) };
    let key = report_key("delays");
    assert!(reports.create_with_version(&key, "Delays", "ann", &orphan).await.is_err());
    assert!(matches!(reports.find(&key).await, Err(StoreError::NotFound { .. })));
}
