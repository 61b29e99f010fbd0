use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::id::RequestId;

#[tokio::test]
async fn the_audit_log_lists_newest_first() {
    let scratch = Scratch::new().await;
    let log = scratch.store.audit_log();
    let request = RequestId::new();
    let any = AuditFilter::default();
    for subject in ["a", "b", "c"] {
        let entry = NewAuditEntry {
            actor: "local".into(),
            role: "admin".into(),
            action: "create_report".into(),
            subject: subject.into(),
            detail: json!({"version": 1}),
            request_id: Some(request.clone()),
        };
        log.add(&[entry]).await.unwrap();
    }
    let first = log.list(&any, &PageRequest::new(Some(2), None)).await.unwrap();
    let rest = log.list(&any, &PageRequest::new(Some(2), first.next)).await.unwrap();
    let subjects: Vec<&str> =
        first.items.iter().chain(&rest.items).map(|entry| entry.subject.as_str()).collect();
    assert_eq!(subjects, ["c", "b", "a"]);
    let entry = &first.items[0];
    assert_eq!((entry.actor.as_str(), entry.role.as_str()), ("local", "admin"));
    assert_eq!((&entry.request_id, &entry.detail), (&Some(request), &json!({"version": 1})));
    let only = AuditFilter { subject: Some("b".into()), ..AuditFilter::default() };
    let page = PageRequest::new(None, None);
    assert_eq!(log.list(&only, &page).await.unwrap().items.len(), 1);
    let past = AuditFilter { until: Some(Timestamp::UNIX_EPOCH), ..AuditFilter::default() };
    assert_eq!(log.list(&past, &page).await.unwrap().items, []);
    assert_eq!(log.purge(Timestamp::UNIX_EPOCH).await.unwrap(), 0);
    assert_eq!(log.purge(Timestamp::MAX).await.unwrap(), 3);
    assert_eq!(log.list(&any, &page).await.unwrap().items, []);
}

fn key(owner: &str) -> RequestKey {
    RequestKey { owner: owner.into(), route: "POST /v1/reports".into(), key: "k1".into() }
}

#[tokio::test]
async fn a_request_is_done_once() {
    let scratch = Scratch::new().await;
    let keys = scratch.store.idempotency_keys();
    assert_eq!(keys.claim(&key("ann"), "h1").await.unwrap(), Claim::New);
    assert_eq!(keys.claim(&key("ann"), "h1").await.unwrap(), Claim::InFlight);
    assert_eq!(keys.claim(&key("ann"), "h2").await.unwrap(), Claim::OtherBody);
    assert_eq!(keys.claim(&key("bob"), "h2").await.unwrap(), Claim::New, "keys are a user's own");
    keys.complete(&key("ann"), 201, &json!({"id": 1})).await.unwrap();
    let done = Claim::Done { status: 201, response: json!({"id": 1}) };
    assert_eq!(keys.claim(&key("ann"), "h1").await.unwrap(), done);
    keys.release(&key("ann")).await.unwrap();
    assert_eq!(keys.claim(&key("ann"), "h1").await.unwrap(), done, "a kept answer was let go");
    keys.release(&key("bob")).await.unwrap();
    assert_eq!(keys.claim(&key("bob"), "h3").await.unwrap(), Claim::New);
}

#[tokio::test]
async fn a_key_lives_a_day_and_not_beyond_its_process_in_flight() {
    let scratch = Scratch::new().await;
    let keys = scratch.store.idempotency_keys();
    let now = Timestamp::now();
    let later = |hours: u64| now.checked_add(Duration::from_secs(hours * 3600)).unwrap();
    assert_eq!(keys.claim_at(&key("ann"), "h1", now).await.unwrap(), Claim::New);
    keys.complete(&key("ann"), 200, &json!({})).await.unwrap();
    let claim = keys.claim_at(&key("ann"), "h2", later(23)).await.unwrap();
    assert_eq!(claim, Claim::OtherBody);
    let claim = keys.claim_at(&key("ann"), "h2", later(25)).await.unwrap();
    assert_eq!(claim, Claim::New);

    let before = scratch.store.process().clone();
    assert_eq!(keys.holders().await.unwrap(), std::slice::from_ref(&before));
    let scratch = scratch.reopened().await;
    let keys = scratch.store.idempotency_keys();
    assert_eq!(keys.release_interrupted(scratch.store.process()).await.unwrap(), 0);
    assert_eq!(keys.release_interrupted(&before).await.unwrap(), 1);
    assert_eq!(keys.claim_at(&key("ann"), "h2", later(25)).await.unwrap(), Claim::New);
}
