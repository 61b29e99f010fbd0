use jiff::ToSpan;
use tokio::task::JoinSet;

use super::*;
use crate::id::{JobId, ScheduleId};

fn new_job(owner: &str, kind: JobKind) -> NewJob {
    NewJob {
        principal: json!({"sub": owner, "role": "viewer", "claims": {}}),
        input: json!({"datasource_ids": ["shop"]}),
        ..NewJob::for_tests(owner, kind)
    }
}

fn claimed(job: &Job) -> Claimed {
    Claimed { id: job.id.clone(), attempt: job.attempts }
}

fn later() -> Moment {
    Moment::from(Moment::now().timestamp() + 1.hour())
}

#[tokio::test]
async fn a_job_goes_from_its_queue_to_its_result() {
    let scratch = Scratch::new().await;
    let jobs = scratch.store.jobs();
    let made = jobs.create(&new_job("ann", JobKind::Report)).await.unwrap();
    assert_eq!((made.status, made.attempts, made.progress), (JobStatus::Queued, 0, 0));
    assert_eq!(jobs.waiting().await.unwrap(), [JobKind::Report]);
    assert_eq!(jobs.claim(JobKind::Learn).await.unwrap(), None, "another kind");
    let job = jobs.claim(JobKind::Report).await.unwrap().unwrap();
    assert_eq!((&job.id, job.status, job.attempts), (&made.id, JobStatus::Running, 1));
    assert_eq!(jobs.claim(JobKind::Report).await.unwrap(), None, "it is taken");
    assert!(jobs.waiting().await.unwrap().is_empty());

    let mine = claimed(&job);
    assert!(jobs.progress(&mine, 40, "reading", Some("2m30s")).await.unwrap());
    assert!(jobs.progress(&mine, 30, "reading", None).await.unwrap());
    assert!(jobs.checkpoint(&mine, &json!([1, 2])).await.unwrap());
    let running = jobs.get(&job.id).await.unwrap();
    assert_eq!((running.progress, running.checkpoint), (40, Some(json!([1, 2]))), "never back");
    jobs.heartbeat().await.unwrap();
    assert!(jobs.get(&job.id).await.unwrap().heartbeat_at > job.heartbeat_at);

    let done = jobs.complete(&mine, &json!({"rows": 3})).await.unwrap().unwrap();
    assert_eq!((done.status, done.progress), (JobStatus::Completed, 100));
    assert_eq!(done.result, Some(json!({"rows": 3})));
    assert!(done.finished_at.is_some());
    let attempts = jobs.attempts(&job.id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].outcome.as_deref(), Some("completed"));
    // It ends once.
    assert_eq!(jobs.complete(&mine, &json!({})).await.unwrap(), None);
    assert_eq!(jobs.fail(&mine, &json!({})).await.unwrap(), None);
    assert_eq!(jobs.cancelled(&mine).await.unwrap(), None);
    assert_eq!(jobs.release(&mine).await.unwrap(), None);
    assert!(!jobs.progress(&mine, 50, "late", None).await.unwrap());
    assert!(!jobs.checkpoint(&mine, &json!(3)).await.unwrap());
    let refused = jobs.cancel(&job.id, "ann").await;
    assert!(matches!(refused, Err(StoreError::JobOver { .. })), "{refused:?}");
    assert!(matches!(jobs.get(&JobId::new()).await, Err(StoreError::NotFound { .. })));
    let missing = jobs.cancel(&JobId::new(), "ann").await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn what_may_pass_is_tried_later() {
    let scratch = Scratch::new().await;
    let jobs = scratch.store.jobs();
    jobs.create(&new_job("ann", JobKind::Query)).await.unwrap();
    let job = jobs.claim(JobKind::Query).await.unwrap().unwrap();
    let problem = json!({"code": "source_unavailable"});
    let retry = Retry { not_before: later(), problem: &problem, step: "waiting" };
    let waits = jobs.retry(&claimed(&job), &retry).await.unwrap().unwrap();
    assert_eq!((waits.status, waits.failures), (JobStatus::Queued, 1));
    assert_eq!((waits.error, waits.not_before), (Some(problem.clone()), Some(retry.not_before)));
    assert_eq!(jobs.claim(JobKind::Query).await.unwrap(), None, "not yet");
    assert!(jobs.waiting().await.unwrap().is_empty());
    // A job that waits is cancelled at once.
    let cancelled = jobs.cancel(&job.id, "root").await.unwrap();
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert_eq!(cancelled.cancelled_by.as_deref(), Some("root"));
    assert!(cancelled.finished_at.is_some());

    jobs.create(&new_job("ann", JobKind::Query)).await.unwrap();
    let job = jobs.claim(JobKind::Query).await.unwrap().unwrap();
    let now = Retry { not_before: Moment::now(), ..retry };
    jobs.retry(&claimed(&job), &now).await.unwrap().unwrap();
    let again = jobs.claim(JobKind::Query).await.unwrap().unwrap();
    assert_eq!((again.id.clone(), again.attempts), (job.id.clone(), 2));
    assert_eq!(jobs.complete(&claimed(&job), &json!(1)).await.unwrap(), None, "the first attempt");
    let failed = jobs.fail(&claimed(&again), &problem).await.unwrap().unwrap();
    assert_eq!((failed.status, failed.error), (JobStatus::Failed, Some(problem)));
}

#[tokio::test]
async fn a_job_that_is_to_stop_does_not_wait_again() {
    let scratch = Scratch::new().await;
    let jobs = scratch.store.jobs();
    for released in [true, false] {
        jobs.create(&new_job("ann", JobKind::Query)).await.unwrap();
        let job = jobs.claim(JobKind::Query).await.unwrap().unwrap();
        assert_eq!(jobs.cancel(&job.id, "ann").await.unwrap().status, JobStatus::Running);
        let problem = json!({"code": "source_unavailable"});
        let retry = Retry { not_before: later(), problem: &problem, step: "waiting" };
        let ended = match released {
            true => jobs.release(&claimed(&job)).await,
            false => jobs.retry(&claimed(&job), &retry).await,
        };
        let ended = ended.unwrap().unwrap();
        assert_eq!((ended.status, ended.not_before), (JobStatus::Cancelled, None));
        assert!(ended.finished_at.is_some_and(|at| at <= Moment::now()), "it ends now");
        assert_eq!(ended.error, None);
        let attempts = jobs.attempts(&job.id).await.unwrap();
        assert_eq!(attempts[0].outcome.as_deref(), Some("cancelled"));
        assert_eq!(jobs.claim(JobKind::Query).await.unwrap(), None);
    }
}

#[tokio::test]
async fn who_works_on_a_job_hears_that_it_is_to_stop() {
    let scratch = Scratch::new().await;
    let jobs = scratch.store.jobs();
    jobs.create(&new_job("ann", JobKind::Learn)).await.unwrap();
    let job = jobs.claim(JobKind::Learn).await.unwrap().unwrap();
    assert!(jobs.to_stop().await.unwrap().is_empty());
    let asked = jobs.cancel(&job.id, "ann").await.unwrap();
    assert_eq!((asked.status, asked.cancel_requested), (JobStatus::Running, true));
    assert_eq!(asked.finished_at, None);
    assert_eq!(jobs.to_stop().await.unwrap(), std::slice::from_ref(&job.id));
    let ended = jobs.cancelled(&claimed(&job)).await.unwrap().unwrap();
    assert_eq!(ended.status, JobStatus::Cancelled);
    assert!(jobs.to_stop().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_jobs_of_a_dead_process_wait_again_once() {
    let scratch = Scratch::new().await;
    let problem = json!({"code": "unavailable"});
    let jobs = scratch.store.jobs();
    for kind in [JobKind::Learn, JobKind::Report, JobKind::Query] {
        jobs.create(&new_job("ann", kind)).await.unwrap();
    }
    let left = jobs.claim(JobKind::Learn).await.unwrap().unwrap();
    let unwanted = jobs.claim(JobKind::Report).await.unwrap().unwrap();
    jobs.cancel(&unwanted.id, "ann").await.unwrap();
    assert!(jobs.claimants().await.unwrap().is_empty(), "its own");
    let dead = scratch.store.process().clone();

    let scratch = scratch.reopened().await;
    let jobs = scratch.store.jobs();
    assert_eq!(jobs.claimants().await.unwrap(), std::slice::from_ref(&dead));
    let found = jobs.recover(&dead, &problem).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(jobs.recover(&dead, &problem).await.unwrap().is_empty(), "once");
    let unwanted = jobs.get(&unwanted.id).await.unwrap();
    assert_eq!((unwanted.status, unwanted.losses), (JobStatus::Cancelled, 1));
    let again = jobs.claim(JobKind::Learn).await.unwrap().unwrap();
    assert_eq!((&again.id, again.attempts, again.losses), (&left.id, 2, 1));
    // The process was only slow: it writes nothing any more.
    assert!(!jobs.progress(&claimed(&left), 90, "late", None).await.unwrap());
    assert_eq!(jobs.complete(&claimed(&left), &json!("late")).await.unwrap(), None);
    let outcomes: Vec<_> =
        jobs.attempts(&left.id).await.unwrap().into_iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, [Some("lost".into()), None]);
}

#[tokio::test]
async fn a_job_that_outlives_too_many_processes_fails() {
    let mut scratch = Scratch::new().await;
    let job = scratch.store.jobs().create(&new_job("ann", JobKind::Learn)).await.unwrap();
    let problem = json!({"code": "unavailable"});
    for loss in 1..=5 {
        scratch.store.jobs().claim(JobKind::Learn).await.unwrap().unwrap();
        let dead = scratch.store.process().clone();
        scratch = scratch.reopened().await;
        let found = scratch.store.jobs().recover(&dead, &problem).await.unwrap();
        let wanted = if loss < 5 { JobStatus::Queued } else { JobStatus::Failed };
        assert_eq!((found[0].status, found[0].losses), (wanted, loss));
    }
    let failed = scratch.store.jobs().get(&job.id).await.unwrap();
    assert_eq!(failed.error, Some(problem));
    assert!(failed.finished_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_takes_a_job() {
    let scratch = Scratch::new().await;
    for _ in 0..20 {
        scratch.store.jobs().create(&new_job("ann", JobKind::Query)).await.unwrap();
    }
    // Each a process of its own over the file.
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let store = Store::open(&scratch.folder.path().join("air.db")).await.unwrap();
        tasks.spawn(async move {
            let mut taken = Vec::new();
            while let Some(job) = store.jobs().claim(JobKind::Query).await.unwrap() {
                taken.push(job.id);
            }
            taken
        });
    }
    let mut taken: Vec<JobId> = tasks.join_all().await.concat();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 20);
}

#[tokio::test]
async fn jobs_are_listed_by_owner_kind_and_status() {
    let scratch = Scratch::new().await;
    let jobs = scratch.store.jobs();
    for (owner, kind) in
        [("ann", JobKind::Learn), ("bob", JobKind::Learn), ("ann", JobKind::BulkReports)]
    {
        jobs.create(&new_job(owner, kind)).await.unwrap();
    }
    jobs.claim(JobKind::BulkReports).await.unwrap().unwrap();
    let listed = &jobs;
    let count = |filter: JobFilter| async move {
        listed.list(&filter, &PageRequest::default()).await.unwrap().items.len()
    };
    let none = JobFilter::default;
    assert_eq!(count(none()).await, 3);
    assert_eq!(count(JobFilter { owner: Some("ann".into()), ..none() }).await, 2);
    assert_eq!(count(JobFilter { kind: Some(JobKind::Learn), ..none() }).await, 2);
    assert_eq!(count(JobFilter { status: Some(JobStatus::Running), ..none() }).await, 1);
    assert_eq!(count(JobFilter { schedule_id: Some(ScheduleId::new()), ..none() }).await, 0);
    let first = jobs.list(&none(), &PageRequest::new(Some(2), None)).await.unwrap();
    let rest = jobs.list(&none(), &PageRequest::new(Some(2), first.next)).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next), (2, 1, None));
    let mut counts = jobs.by_status().await.unwrap();
    counts.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(counts, [(JobStatus::Queued, 2), (JobStatus::Running, 1)]);
}

fn new_schedule(next_at: Moment) -> Schedule {
    Schedule {
        id: ScheduleId::new(),
        name: "Daily".into(),
        owner: "eva".into(),
        principal: json!({"sub": "eva", "role": "editor", "claims": {}}),
        report_key: report_key("delays"),
        version: None,
        datasource_id: None,
        params: json!({}),
        cron: "0 6 * * *".into(),
        time_zone: "Europe/Berlin".into(),
        misfire: Misfire::RunOnce,
        max_catch_up: 10,
        enabled: true,
        next_at: Some(next_at),
        last_at: None,
        last_job_id: None,
        problem: None,
        created_at: Moment::now(),
        updated_at: Moment::now(),
    }
}

#[tokio::test]
async fn a_moment_of_a_schedule_becomes_one_job() {
    let scratch = Scratch::new().await;
    let schedules = scratch.store.schedules();
    let now = Moment::now();
    let seen = schedules.put(&new_schedule(now)).await.unwrap();
    schedules.put(&new_schedule(later())).await.unwrap();
    assert_eq!(schedules.due(now).await.unwrap(), std::slice::from_ref(&seen));
    let job = NewJob { scheduled: Some((seen.id.clone(), now)), ..new_job("eva", JobKind::Report) };
    let made =
        schedules.advance(&seen, Some(later()), std::slice::from_ref(&job)).await.unwrap().unwrap();
    assert_eq!(made[0].scheduled_for, Some(now));
    // Another process saw the same moment.
    assert_eq!(
        schedules.advance(&seen, Some(later()), std::slice::from_ref(&job)).await.unwrap(),
        None
    );
    assert!(schedules.due(now).await.unwrap().is_empty());
    let kept = schedules.get(&seen.id).await.unwrap();
    assert_eq!((kept.last_at, kept.last_job_id.as_ref()), (Some(now), Some(&made[0].id)));
    // Nor does a schedule that was turned back to the moment.
    let back = schedules.put(&Schedule { next_at: Some(now), ..kept }).await.unwrap();
    let other = Moment::from(now.timestamp() - 1.hour());
    let other = NewJob { scheduled: Some((back.id.clone(), other)), ..job.clone() };
    let both = schedules.advance(&back, Some(later()), &[other, job]).await.unwrap().unwrap();
    assert_eq!(both.len(), 1, "the moment that has its job takes no other with it");

    let seen = schedules.get(&back.id).await.unwrap();
    schedules.turn_off(&seen, "the zone is not known").await.unwrap();
    let off = schedules.get(&seen.id).await.unwrap();
    assert_eq!((off.enabled, off.problem.as_deref()), (false, Some("the zone is not known")));
    let on = schedules.put(&Schedule { enabled: true, ..off }).await.unwrap();
    assert_eq!((on.enabled, on.problem), (true, None));
    let off = schedules.put(&Schedule { enabled: false, ..seen }).await.unwrap();
    assert!(schedules.due(later()).await.unwrap().iter().all(|due| due.id != off.id));
    assert_eq!(schedules.advance(&off, None, &[]).await.unwrap(), None, "it is off");
    assert_eq!(schedules.list(Some("eva"), &PageRequest::default()).await.unwrap().items.len(), 2);
    assert!(schedules.list(Some("bob"), &PageRequest::default()).await.unwrap().items.is_empty());
    schedules.delete(&off.id).await.unwrap();
    assert!(matches!(schedules.delete(&off.id).await, Err(StoreError::NotFound { .. })));
    assert!(schedules.get(&off.id).await.is_err());
    assert_eq!(scratch.store.jobs().get(&made[0].id).await.unwrap().schedule_id, Some(off.id));
}

#[tokio::test]
async fn what_ended_long_ago_goes_with_what_was_told_of_it() {
    let scratch = Scratch::new().await;
    let jobs = scratch.store.jobs();
    let old = jobs.create(&new_job("ann", JobKind::Learn)).await.unwrap();
    let job = jobs.claim(JobKind::Learn).await.unwrap().unwrap();
    jobs.complete(&claimed(&job), &json!({"tables": 2})).await.unwrap().unwrap();
    let stopped = jobs.create(&new_job("ann", JobKind::Query)).await.unwrap();
    jobs.cancel(&stopped.id, "ann").await.unwrap();
    let working = jobs.create(&new_job("ann", JobKind::Report)).await.unwrap();
    jobs.claim(JobKind::Report).await.unwrap().unwrap();
    let waiting = jobs.create(&new_job("ann", JobKind::Analyze)).await.unwrap();

    let long_ago = Moment::now().timestamp() - 1.hour();
    assert_eq!(jobs.sweep(long_ago).await.unwrap(), 0, "nothing ended so long ago");
    assert_eq!(jobs.sweep(later().timestamp()).await.unwrap(), 2);
    assert_eq!(jobs.sweep(later().timestamp()).await.unwrap(), 0);
    for gone in [&old, &stopped] {
        assert!(matches!(jobs.get(&gone.id).await, Err(StoreError::NotFound { .. })));
        assert!(jobs.attempts(&gone.id).await.unwrap().is_empty());
        let channel = gone.kind.channel(&gone.id);
        assert_eq!(scratch.store.events().last(&channel).await.unwrap(), 0);
        assert!(scratch.store.events().after(&channel, 0, 10).await.unwrap().is_empty());
    }
    for stays in [&working, &waiting] {
        jobs.get(&stays.id).await.unwrap();
        let channel = stays.kind.channel(&stays.id);
        assert!(!scratch.store.events().after(&channel, 0, 10).await.unwrap().is_empty());
    }
    assert_eq!(jobs.attempts(&working.id).await.unwrap().len(), 1);
}
