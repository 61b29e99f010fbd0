//! What sessions see of files, and how they keep them.

use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;

use super::{of, stored};
use crate::auth::Principal;
use crate::contract::types::ErrorCode;
use crate::id::{FileId, LearningSessionId};
use crate::service::Service;
use crate::store::{FileForm, FileState, Packing, StoreError, hold_files, release_files};

async fn service(folder: &tempfile::TempDir) -> Service {
    Service::for_tests(folder.path(), "limits: {body: 1KB}").await
}

async fn uploaded(service: &Service, name: &str, content: &'static str) -> FileId {
    let request = Request::post(format!("/v1/files?name={name}"));
    let request = request.header("content-type", "text/csv").body(Body::from(content)).unwrap();
    let answer = service.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str().unwrap();
    location.rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn files_that_are_ready_are_the_callers_alone() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&folder).await;
    let (app, me) = (service.app(), Principal::local());
    let one = uploaded(&service, "a.csv", "a,b\n1,2\n").await;
    let two = uploaded(&service, "b.tsv", "a\tb\n1\t2\n3\t4\n").await;
    let found = of(app, &me, &[two.clone(), one.clone()]).await.unwrap();
    assert_eq!(found.iter().map(|file| file.rows).collect::<Vec<_>>(), [Some(2), Some(1)]);
    let file = &found[1];
    assert_eq!((&file.id, file.name.as_str(), file.bytes), (&one, "a.csv", 8));
    assert_eq!((file.format, file.compression), (FileForm::Csv, Packing::None));
    assert_eq!((file.state, file.sha256.len()), (FileState::Ready, 64));
    assert_eq!(std::fs::read_to_string(&file.path).unwrap(), "a,b\n1,2\n");
    assert!(found[0].path.ends_with("data.tsv"));

    let other = Principal { sub: "ned".to_owned(), ..Principal::local() };
    let refused = of(app, &other, std::slice::from_ref(&one)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NotFound, "not even an admin takes another's file");
    let none = of(app, &me, &[FileId::new()]).await.unwrap_err();
    assert_eq!(none.code, ErrorCode::NotFound);

    let row = app.store.uploads().get(&one).await.unwrap();
    for (state, said) in
        [(FileState::Quarantined, "not read yet"), (FileState::Rejected, "rejected")]
    {
        let why = stored(app, crate::store::Upload { state, ..row.clone() }).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
    // Whatever came into its place is not handed out.
    std::fs::remove_file(&file.path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &file.path).unwrap();
    let refused = of(app, &me, &[two, one]).await.unwrap_err();
    assert_eq!((refused.code, refused.errors[0].pointer.as_str()), (ErrorCode::Invalid, "/1"));
    service.close().await;
}

#[tokio::test]
async fn a_file_stays_as_long_as_a_session_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&folder).await;
    let store = &service.app().store;
    let file = uploaded(&service, "a.csv", "a,b\n1,2\n").await;
    let sessions = [LearningSessionId::new(), LearningSessionId::new()];
    for session in sessions.iter().chain(&sessions) {
        let mut transaction = store.write_for_tests().await;
        hold_files(&mut transaction, std::slice::from_ref(&file), session).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let mut transaction = store.write_for_tests().await;
    let none = hold_files(&mut transaction, &[FileId::new()], &sessions[0]).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })));
    drop(transaction);
    for session in &sessions {
        let refused = super::delete(service.app(), &file).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::InUse, "{refused}");
        assert!(refused.detail.contains(session.as_str()), "{refused}");
        store.uploads().discard(std::slice::from_ref(&file)).await.unwrap();
        let mut transaction = store.write_for_tests().await;
        release_files(&mut transaction, session).await.unwrap();
        transaction.commit().await.unwrap();
    }
    super::delete(service.app(), &file).await.unwrap();
    assert!(!service.app().uploads.place(&file).exists());
    service.close().await;
}
