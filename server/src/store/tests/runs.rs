use super::*;

#[tokio::test]
async fn a_run_keeps_its_whole_record() {
    let scratch = Scratch::new().await;
    let (reports, runs) = (scratch.store.reports(), scratch.store.runs());
    let key = report_key("delays");
    let (report, version) =
        reports.create_with_version(&key, "Delays", "ann", &new_version(None)).await.unwrap();
    let plan = RunPlan {
        sql_text: Some("SELECT 1".into()),
        sql: Some(json!([{"source": "flights", "sql": "SELECT 1"}])),
        safety: Some(json!([{"rule": "row_limit", "outcome": "ok"}])),
    };
    let new = NewRun {
        report: Some((report.id.clone(), version.id.clone())),
        plan: plan.clone(),
        ..new_run("ann")
    };
    let started = runs.start(&new).await.unwrap();
    assert_eq!(runs.get(&new.id).await.unwrap(), started);
    assert_eq!(started.plan, plan);
    assert_eq!((started.status, started.finished_at), (RunStatus::Running, None));
    assert_eq!(started.frozen_now, new.frozen_now);
    assert!(matches!(runs.start(&new).await, Err(StoreError::Exists { .. })));

    let rows: Vec<_> = (0..60).map(|n| json!({"n": n})).collect();
    runs.finish(&new.id, &Outcome::for_tests(rows.clone())).await.unwrap();
    let finished = runs.get(&new.id).await.unwrap();
    assert_eq!(finished.status, RunStatus::Completed);
    assert!(finished.finished_at >= Some(finished.started_at));
    assert_eq!((finished.plan.clone(), finished.row_count), (plan.clone(), Some(60)));
    assert_eq!(finished.verdict, Some(json!({"status": "pass", "checks": []})));
    assert_eq!((finished.report_id.clone(), finished.ir.clone()), (Some(report.id), new.ir));
    assert_eq!(runs.sample(&new.id).await.unwrap(), rows[..50]);

    for refused in [
        runs.finish(&new.id, &Outcome::for_tests(vec![])).await.err(),
        runs.fail(&new.id, "late", None).await.err(),
        runs.cancel(&new.id, "ann").await.err(),
    ] {
        assert!(matches!(refused, Some(StoreError::NotRunning { .. })), "{refused:?}");
    }
    let missing = runs.finish(&RunId::new(), &Outcome::for_tests(vec![])).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    assert!(runs.get(&RunId::new()).await.is_err());

    runs.set_verdict(&new.id, &json!({"status": "warn"})).await.unwrap();
    assert_eq!(runs.get(&new.id).await.unwrap().verdict, Some(json!({"status": "warn"})));
    assert!(runs.set_verdict(&RunId::new(), &json!({})).await.is_err());

    let analysis = NewAnalysis {
        model_used: None,
        rubric_version: "1".into(),
        verdict: json!({"status": "warn"}),
        analysis_md: Some("# Findings".into()),
        model: Some(json!({"calls": 1})),
    };
    let kept = scratch.store.analyses().add(&new.id, &analysis).await.unwrap();
    assert_eq!(scratch.store.analyses().list(&new.id).await.unwrap(), [kept]);
    let orphan = scratch.store.analyses().add(&RunId::new(), &analysis).await;
    assert!(matches!(orphan, Err(StoreError::BrokenReference { .. })));
}

#[tokio::test]
async fn what_is_told_of_a_run_is_what_its_record_says() {
    let scratch = Scratch::new().await;
    let runs = scratch.store.runs();
    let new = new_run("ann");
    runs.start(&new).await.unwrap();
    let hostile =
        json!({"\u{0} ' \\ \"": "\u{0} \\u0000 \n ü", "n": 1.0e300, "of": [null, {"a": "?"}]});
    let rows = vec![hostile, json!({})];
    let truncated = Outcome { truncated: true, ..Outcome::for_tests(rows.clone()) };
    runs.finish(&new.id, &truncated).await.unwrap();
    assert!(runs.finish(&new.id, &Outcome::for_tests(vec![])).await.is_err());
    assert_eq!(runs.sample(&new.id).await.unwrap(), rows);
    let channel = crate::events::Channel::Run(new.id.clone());
    let told = scratch.store.events().after(&channel, 0, 10).await.unwrap();
    let numbers: Vec<_> = told.iter().map(|event| (event.seq, event.user_id.as_deref())).collect();
    assert_eq!(numbers, [(1, Some("ann")), (2, Some("ann"))]);
    let (id, url) = (&new.id, format!("/v1/runs/{}", new.id));
    let begun = json!({"run_id": id, "run_url": url, "status": "running", "job_id": null});
    let ended = json!({
        "run_id": id, "run_url": url, "status": "completed", "job_id": null, "row_count": 2,
        "truncated": true, "qa_status": "pass",
    });
    assert_eq!(told[0].payload.to_string(), begun.to_string());
    assert_eq!(told[1].payload.to_string(), ended.to_string());
}

#[tokio::test]
async fn a_run_ends_badly_with_its_reason() {
    let scratch = Scratch::new().await;
    let runs = scratch.store.runs();
    let failed = runs.start(&new_run("ann")).await.unwrap();
    let problem = json!({"code": "timeout"});
    let failed = runs.fail(&failed.id, "it took too long", Some(&problem)).await.unwrap();
    assert_eq!((failed.status, failed.error), (RunStatus::Failed, Some(problem)));
    let cancelled = runs.start(&new_run("ann")).await.unwrap();
    let cancelled = runs.cancel(&cancelled.id, "root").await.unwrap();
    assert_eq!(cancelled.status, RunStatus::Cancelled);
    assert_eq!(cancelled.error_text.as_deref(), Some("cancelled by root"));
}

#[tokio::test]
async fn what_a_dead_process_left_running_is_failed() {
    let scratch = Scratch::new().await;
    let done = scratch.store.runs().start(&new_run("ann")).await.unwrap();
    scratch.store.runs().finish(&done.id, &Outcome::for_tests(vec![])).await.unwrap();
    let left = scratch.store.runs().start(&new_run("ann")).await.unwrap();
    assert_eq!(left.process_id, *scratch.store.process());

    let scratch = scratch.reopened().await;
    let runs = scratch.store.runs();
    let own = runs.start(&new_run("ann")).await.unwrap();
    let mut holders = runs.holders().await.unwrap();
    holders.sort_unstable();
    assert_eq!(holders, [left.process_id.clone(), own.process_id.clone()]);
    assert_eq!(runs.mark_interrupted(&left.process_id).await.unwrap(), 1);
    assert_eq!(runs.mark_interrupted(&left.process_id).await.unwrap(), 0);
    let told = crate::events::Channel::Run(left.id.clone());
    let told = scratch.store.events().after(&told, 0, 10).await.unwrap();
    let told: Vec<_> = told.iter().map(|event| &event.payload["status"]).collect();
    assert_eq!(told, ["running", "failed"]);
    let left = runs.get(&left.id).await.unwrap();
    assert_eq!(left.status, RunStatus::Failed);
    assert!(left.error_text.unwrap().contains("the server stopped"));
    assert_eq!(runs.get(&own.id).await.unwrap().status, RunStatus::Running);
    assert_eq!(runs.get(&done.id).await.unwrap().status, RunStatus::Completed);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let scratch = Scratch::new().await;
    let runs = scratch.store.runs();
    let mut ids = Vec::new();
    for owner in ["ann", "bob", "ann", "ann"] {
        ids.push(runs.start(&new_run(owner)).await.unwrap().id);
    }
    runs.cancel(&ids[2], "ann").await.unwrap();
    let ann = RunFilter { owner: Some("ann".into()), ..RunFilter::default() };
    let first = runs.list(&ann, &PageRequest::new(Some(2), None)).await.unwrap();
    runs.start(&new_run("ann")).await.unwrap();
    let rest = runs.list(&ann, &PageRequest::new(Some(2), first.next)).await.unwrap();
    let seen: Vec<_> = first.items.iter().chain(&rest.items).map(|run| run.id.clone()).collect();
    assert_eq!(seen, [ids[3].clone(), ids[2].clone(), ids[0].clone()]);
    let cancelled = RunFilter { status: Some(RunStatus::Cancelled), ..RunFilter::default() };
    let cancelled = runs.list(&cancelled, &PageRequest::default()).await.unwrap();
    assert_eq!(cancelled.items.len(), 1);
}

#[tokio::test]
async fn the_previous_run_is_of_the_same_report() {
    let scratch = Scratch::new().await;
    let (reports, runs) = (scratch.store.reports(), scratch.store.runs());
    let key = report_key("delays");
    let (report, version) =
        reports.create_with_version(&key, "Delays", "ann", &new_version(None)).await.unwrap();
    let run = |params| NewRun {
        report: Some((report.id.clone(), version.id.clone())),
        params,
        ..new_run("ann")
    };
    let one = run(json!({"a": 1, "b": 2}));
    let other = run(json!({"a": 9, "b": 2}));
    let now = run(json!({"b": 2, "a": 1}));
    for new in [&one, &other, &now] {
        runs.start(new).await.unwrap();
        runs.finish(&new.id, &Outcome::for_tests(vec![])).await.unwrap();
    }
    let any = runs.previous(&report.id, &now.id, None).await.unwrap();
    assert_eq!(any.map(|run| run.id), Some(other.id));
    let same = runs.previous(&report.id, &now.id, Some(&now.params)).await.unwrap();
    assert_eq!(same.map(|run| run.id), Some(one.id.clone()));
    assert_eq!(runs.previous(&report.id, &one.id, None).await.unwrap(), None);
    let filter = RunFilter { report_id: Some(report.id.clone()), ..RunFilter::default() };
    assert_eq!(runs.list(&filter, &PageRequest::default()).await.unwrap().items.len(), 3);
}
