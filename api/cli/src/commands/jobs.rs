//! `jobs`, and whatever is done as one: how it is followed, and taken up again.

use std::time::{Duration, Instant};

use air_client::{Call, Method};
use serde_json::{Value, json};

use super::{Session, reply, rows, segment, strange};
use crate::cli::{Jobs, Later, Patience};
use crate::exit::{self, Failure};
use crate::output::judge;

/// Between looks at a job.
const LOOK: Duration = Duration::from_millis(400);
/// How long a service may be away while a job of it is followed: it may be started again.
const AWAY: Duration = Duration::from_secs(60);

pub(super) async fn jobs(session: &Session, command: Jobs) -> Result<(), Failure> {
    let out = &session.output;
    match command {
        Jobs::List { status, kind, schedule } => {
            let mut query = Vec::new();
            query.extend(status.map(|s| ("status", s)));
            query.extend(kind.map(|k| ("kind", k)));
            query.extend(schedule.map(|s| ("schedule_id", s)));
            let jobs = session.all_with("/v1/jobs", &query).await?;
            let members =
                ["job_id", "kind", "status", "progress", "current_step", "owner", "created_at"];
            out.list(&jobs, &members)
        }
        Jobs::Get { id, follow: false, .. } => out.object(&session.get(&path(&id)?).await?),
        Jobs::Get { id, follow: true, patience } => {
            let job = followed(session, &id, patience).await?;
            out.object(&job)?;
            judged(&job)
        }
        Jobs::Cancel { id, follow, patience } => {
            let asked = reply(session.request(Method::DELETE, &path(&id)?)?).await?;
            if follow && !is_over(&asked) {
                return out.object(&followed(session, &id, patience).await?);
            }
            out.object(&asked)
        }
    }
}

fn path(id: &str) -> Result<String, Failure> {
    Ok(format!("/v1/jobs/{}", segment(id)?))
}

fn is_over(job: &Value) -> bool {
    !matches!(job["status"].as_str(), Some("queued" | "running"))
}

/// Has something done as a job; the job, ended where it is followed.
pub(super) async fn later(session: &Session, call: Call, how: &Later) -> Result<Value, Failure> {
    let accepted = reply(call.header("Prefer", "respond-async")).await?;
    let Some(id) = accepted["job_id"].as_str() else {
        return Err(strange("the server made no job of it"));
    };
    if !how.follow {
        return Ok(accepted);
    }
    session.output.say(&format!("{id} was added"));
    followed(session, id, how.patience).await
}

/// Follows a job to its end, however often the service is started again meanwhile.
async fn followed(session: &Session, id: &str, patience: Patience) -> Result<Value, Failure> {
    exit::follow(id);
    let bar = session.output.progress(id);
    let begun = Instant::now();
    let mut heard = Instant::now();
    let job = loop {
        match session.get(&path(id)?).await {
            Ok(job) if is_over(&job) => break job,
            Ok(job) => {
                heard = Instant::now();
                bar.set_position(job["progress"].as_u64().unwrap_or(0));
                bar.set_message(told(&job));
            }
            Err(failure) if !failure.may_pass() || heard.elapsed() > AWAY => return Err(failure),
            Err(_) => bar.set_message("the service is away"),
        }
        if patience.wait.is_some_and(|wait| begun.elapsed() >= wait) {
            bar.finish_and_clear();
            let message = format!("{id} has not ended yet");
            return Err(Failure::new(exit::TIMED_OUT, message).resume(&exit::resume(id)));
        }
        tokio::time::sleep(LOOK).await;
    };
    bar.finish_and_clear();
    exit::unfollow();
    Ok(job)
}

/// What a job is at, and what is left of it.
fn told(job: &Value) -> String {
    let step = job["current_step"].as_str().or(job["status"].as_str()).unwrap_or_default();
    match job["estimated_remaining"].as_str() {
        Some(left) => format!("{step}, {left} left"),
        None => step.to_owned(),
    }
}

/// The failure that a job that did not end well is.
pub(super) fn judged(job: &Value) -> Result<(), Failure> {
    let id = job["job_id"].as_str().unwrap_or_default();
    match job["status"].as_str() {
        Some("failed") => {
            let why = job.pointer("/error/detail").and_then(Value::as_str).unwrap_or_default();
            Err(Failure::new(exit::SERVER, format!("{id} failed: {why}")))
        }
        Some("cancelled") => Err(Failure::failed(format!("{id} was cancelled"))),
        _ => Ok(()),
    }
}

/// The rows of a run that was made as a job, as `run` shows its own.
pub(super) async fn run_of(
    session: &Session,
    job: &Value,
    fail_on_qa: bool,
) -> Result<(), Failure> {
    judged(job)?;
    let id = job.pointer("/result/run_id").and_then(Value::as_str);
    let Some(id) = id else { return Err(strange("the job names no run")) };
    let path = format!("/v1/runs/{}", segment(id)?);
    if let Some(format) = session.output.format.of_rows() {
        let call = session.request(Method::GET, &format!("{path}/rows"))?;
        return rows::pass(session, call.query(&[("format", format)])).await;
    }
    let mut run = session.get(&path).await?;
    let kept = session.all(&format!("{path}/rows")).await?;
    run["rows"] = kept["items"].clone();
    if let Some(run) = run.as_object_mut() {
        run.remove("sample");
        run.insert("job_id".to_owned(), json!(job["job_id"]));
    }
    session.output.result(&run)?;
    judge(&run, fail_on_qa)
}
