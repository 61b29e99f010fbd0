//! Schedules whose moment has come become jobs.
//!
//! In: the schedules of the control plane and the time. Out: a job for each moment that is to be
//! run, and the schedule's next moment, in one transaction. The report counts from the moment it
//! was scheduled for, so that one that is run late gives what it would have given in time.

mod calendar;
mod relative;

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

pub(crate) use self::calendar::Times;
pub(crate) use self::relative::{check as check_params, resolved as resolved_params};
use super::Jobs;
use super::kinds::ReportJob;
use crate::pipeline::order::ReportWanted;
use crate::problem::ApiError;
use crate::service::App;
use crate::store::{JobKind, Misfire, Moment, NewJob, Schedule, StoreError};

const LOOK: Duration = Duration::from_millis(500);
/// Moments of a schedule that are kept in one turn, the latest, however long no process was there.
const MOST_KEPT: usize = 10_000;

/// Looks for schedules whose moment has come, until the service closes.
pub(super) async fn turn(app: Weak<App>, jobs: Arc<Jobs>) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = jobs.closing.cancelled() => return,
            _ = look.tick() => {}
        }
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = turned(&app).await {
            tracing::warn!(%error, "schedules could not be looked at");
        }
    }
}

async fn turned(app: &App) -> Result<(), StoreError> {
    let now = Moment::now();
    for schedule in app.store.schedules().due(now).await? {
        // One that cannot be turned does not hold up the others.
        if let Err(error) = advanced(app, &schedule, now).await {
            tracing::error!(schedule.id = %schedule.id, %error, "a schedule could not be turned");
        }
    }
    Ok(())
}

async fn advanced(app: &App, schedule: &Schedule, now: Moment) -> Result<(), StoreError> {
    let grace = app.config.execution.jobs.misfire_grace;
    let seen = schedule.clone();
    // The moments of a year without a process take long to count.
    let turn = match tokio::task::spawn_blocking(move || turned_to(&seen, now, grace)).await {
        Ok(turn) => turn,
        Err(lost) if lost.is_panic() => Err(ApiError::internal(lost)),
        // The process is about to end.
        Err(_) => return Ok(()),
    };
    let schedules = app.store.schedules();
    let (jobs, next) = match turn {
        Ok(turn) => turn,
        // It would fail at each look: its owner is told, and mends it.
        Err(error) => {
            tracing::error!(schedule.id = %schedule.id, %error, "a schedule is turned off");
            let why = error.errors.first().map_or(&error.detail, |error| &error.detail);
            return schedules.turn_off(schedule, why).await;
        }
    };
    let made = schedules.advance(schedule, next, &jobs).await?;
    if let Some(made) = made.filter(|made| !made.is_empty()) {
        tracing::info!(schedule.id = %schedule.id, jobs = made.len(), "a moment has come");
        app.jobs.wake();
    }
    Ok(())
}

/// The jobs of the moments that have come, and the moment after them.
fn turned_to(
    schedule: &Schedule,
    now: Moment,
    grace: Duration,
) -> Result<(Vec<NewJob>, Option<Moment>), ApiError> {
    let times = Times::read(&schedule.cron, &schedule.time_zone)?;
    let come = come(&times, schedule.next_at, now);
    let wanted = wanted(&come, schedule.misfire, schedule.max_catch_up, now, grace);
    let jobs = wanted.into_iter().map(|moment| job(schedule, moment));
    Ok((jobs.collect::<Result<_, _>>()?, times.after(now)))
}

/// The moments from the first that has not been looked at up to now; the latest where there are
/// too many.
fn come(times: &Times, first: Option<Moment>, now: Moment) -> Vec<Moment> {
    let mut come = VecDeque::new();
    let mut next = first;
    while let Some(moment) = next.filter(|moment| *moment <= now) {
        if come.len() == MOST_KEPT {
            come.pop_front();
        }
        come.push_back(moment);
        next = times.after(moment);
    }
    come.into()
}

/// Which of the moments that have come are run: the last if it is not late, and of those that
/// were missed what the policy says.
fn wanted(
    come: &[Moment],
    misfire: Misfire,
    most: i64,
    now: Moment,
    grace: Duration,
) -> Vec<Moment> {
    let late = |moment: &Moment| {
        let age = now.timestamp().duration_since(moment.timestamp());
        age.unsigned_abs() > grace && !age.is_negative()
    };
    let on_time: Vec<Moment> = come.iter().filter(|moment| !late(moment)).copied().collect();
    let missed: Vec<Moment> = come.iter().filter(|moment| late(moment)).copied().collect();
    let most = match misfire {
        Misfire::Skip => 0,
        // The latest stands for all; one that is on time does so too.
        Misfire::RunOnce => usize::from(on_time.is_empty()),
        Misfire::RunAll => usize::try_from(most).unwrap_or(0),
    };
    let skipped = missed.len().saturating_sub(most);
    missed.into_iter().skip(skipped).chain(on_time).collect()
}

/// The job of a moment.
fn job(schedule: &Schedule, moment: Moment) -> Result<NewJob, ApiError> {
    let params = schedule.params.as_object().cloned().unwrap_or_default();
    let params = resolved_params(&params, &schedule.time_zone, moment.timestamp())?;
    let report = ReportWanted {
        key: schedule.report_key.clone(),
        version: schedule.version.and_then(|version| u32::try_from(version).ok()),
        datasource_id: schedule.datasource_id.clone(),
        params: Some(params),
        now: Some(moment.to_string()),
    };
    let input = serde_json::to_value(ReportJob { report }).map_err(ApiError::internal)?;
    Ok(NewJob {
        kind: JobKind::Report,
        owner: schedule.owner.clone(),
        principal: schedule.principal.clone(),
        input,
        scheduled: Some((schedule.id.clone(), moment)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::from(text.parse::<jiff::Timestamp>().unwrap())
    }

    fn hours(misfire: Misfire, most: i64, now: &str) -> Vec<String> {
        let times = Times::read("0 * * * *", "UTC").unwrap();
        let come = come(&times, Some(moment("2024-01-01T01:00:00Z")), moment(now));
        let wanted = wanted(&come, misfire, most, moment(now), Duration::from_secs(60));
        wanted.iter().map(|moment| moment.to_string()[11..16].to_owned()).collect()
    }

    #[test]
    fn a_moment_that_is_on_time_is_run_whatever_the_policy() {
        for misfire in [Misfire::Skip, Misfire::RunOnce, Misfire::RunAll] {
            assert_eq!(hours(misfire, 5, "2024-01-01T01:00:30Z"), ["01:00"]);
            assert!(hours(misfire, 5, "2024-01-01T00:59:59Z").is_empty());
        }
    }

    #[test]
    fn what_was_missed_follows_the_policy() {
        let late = "2024-01-01T05:30:00Z";
        assert!(hours(Misfire::Skip, 5, late).is_empty());
        assert_eq!(hours(Misfire::RunOnce, 5, late), ["05:00"]);
        assert_eq!(hours(Misfire::RunAll, 3, late), ["03:00", "04:00", "05:00"]);
        assert_eq!(hours(Misfire::RunAll, 100, late).len(), 5);
        // With one on time, that one stands for those before it.
        let on_time = "2024-01-01T05:00:10Z";
        assert_eq!(hours(Misfire::Skip, 5, on_time), ["05:00"]);
        assert_eq!(hours(Misfire::RunOnce, 5, on_time), ["05:00"]);
        assert_eq!(hours(Misfire::RunAll, 2, on_time), ["03:00", "04:00", "05:00"]);
    }

    #[test]
    fn years_without_a_process_are_bounded() {
        let late = "2034-01-01T05:30:00Z";
        assert_eq!(hours(Misfire::RunAll, 2, late), ["04:00", "05:00"]);
    }

    #[test]
    fn however_many_were_missed_the_latest_are_run() {
        // One hour more than is kept.
        let first = moment("2024-01-01T01:00:00Z").timestamp();
        let late = Moment::from(first + jiff::SignedDuration::from_hours(10_000));
        let late = Moment::from(late.timestamp() + jiff::SignedDuration::from_mins(30));
        assert_eq!(hours(Misfire::RunAll, 24, &late.to_string()).len(), 24);
    }
}
