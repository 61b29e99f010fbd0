//! Schedules: reports at times of a calendar.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use serde_json::Value;

use super::datasources::page;
use super::rows::{json, number, with_header};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::auth::Role;
use crate::contract::types::{
    Cron, Cursor, ListSchedulesQuery, Misfire, Params, Schedule, ScheduleCreate, ScheduleList,
    SchedulePatch,
};
use crate::id::{ReportKey, ScheduleId};
use crate::jobs;
use crate::jobs::schedules::{Times, check_params, resolved_params};
use crate::pipeline::order::{self, ReportWanted};
use crate::problem::ApiError;
use crate::store::{self, Moment};

pub(super) const OPERATIONS: &[Operation] = &[
    operation!(list_schedules),
    operation!(create_schedule),
    operation!(get_schedule),
    operation!(update_schedule),
    operation!(delete_schedule),
];

/// Times that are shown ahead.
const SHOWN: usize = 5;
const DEFAULT_ZONE: &str = "UTC";
const DEFAULT_CATCH_UP: i64 = 10;

async fn list_schedules(call: Call) -> Answer {
    let query: ListSchedulesQuery = call.query()?;
    let owner = (!call.principal.may(Role::Admin)).then_some(call.principal.sub.as_str());
    let page = page(query.limit, query.cursor);
    let found = call.app.store.schedules().list(owner, &page).await?;
    let items = found.items.into_iter().map(shown).collect();
    json(StatusCode::OK, &ScheduleList { items, next: found.next.map(Cursor::new) })
}

fn shown(schedule: store::Schedule) -> Schedule {
    // What was stored was read once; a zone that this version no longer knows shows no times.
    let times = Times::read(&schedule.cron, &schedule.time_zone).ok();
    let next = times.as_ref().zip(schedule.next_at).filter(|_| schedule.enabled);
    let next_runs = next.map_or_else(Vec::new, |(times, first)| {
        let after = times.next(first, SHOWN - 1);
        std::iter::once(times.shown(first)).chain(after).collect()
    });
    Schedule {
        id: schedule.id,
        name: schedule.name,
        owner: schedule.owner,
        report_key: schedule.report_key,
        version: schedule.version.map(number),
        datasource_id: schedule.datasource_id,
        params: super::asking::object(schedule.params).unwrap_or_default(),
        cron: Cron::new(schedule.cron),
        time_zone: schedule.time_zone,
        misfire: match schedule.misfire {
            store::Misfire::Skip => Misfire::Skip,
            store::Misfire::RunOnce => Misfire::RunOnce,
            store::Misfire::RunAll => Misfire::RunAll,
        },
        max_catch_up: u8::try_from(schedule.max_catch_up).unwrap_or(1).into(),
        enabled: schedule.enabled,
        next_runs,
        last_run: schedule.last_at.map(|at| at.to_string()),
        last_job_id: schedule.last_job_id,
        problem: schedule.problem,
        created_at: schedule.created_at.to_string(),
        updated_at: schedule.updated_at.to_string(),
    }
}

fn misfire(misfire: Misfire) -> store::Misfire {
    match misfire {
        Misfire::Skip => store::Misfire::Skip,
        Misfire::RunOnce => store::Misfire::RunOnce,
        Misfire::RunAll => store::Misfire::RunAll,
    }
}

async fn create_schedule(call: Call) -> Answer {
    let body: ScheduleCreate = call.body()?;
    let report = call.app.store.reports().find(&body.report_key).await?;
    let now = Moment::now();
    let schedule = store::Schedule {
        id: ScheduleId::new(),
        name: body.name.unwrap_or(report.title),
        owner: call.principal.sub.clone(),
        principal: jobs::kept(&call.principal),
        report_key: body.report_key,
        version: body.version.map(i64::from),
        datasource_id: body.datasource_id,
        params: Value::Object(body.params.unwrap_or_default()),
        cron: body.cron.as_str().to_owned(),
        time_zone: body.time_zone.unwrap_or_else(|| DEFAULT_ZONE.to_owned()),
        misfire: body.misfire.map_or(store::Misfire::RunOnce, misfire),
        max_catch_up: body.max_catch_up.map_or(DEFAULT_CATCH_UP, i64::from),
        enabled: body.enabled.unwrap_or(true),
        next_at: None,
        last_at: None,
        last_job_id: None,
        problem: None,
        created_at: now,
        updated_at: now,
    };
    let kept = keep(&call, schedule, now).await?;
    let location = format!("/v1/schedules/{}", kept.id);
    with_header(json(StatusCode::CREATED, &shown(kept))?, LOCATION, &location)
}

/// Keeps a schedule whose report can be run as it says, with the next of its times.
async fn keep(
    call: &Call,
    schedule: store::Schedule,
    now: Moment,
) -> Result<store::Schedule, ApiError> {
    let (_, next) = Times::coming(&schedule.cron, &schedule.time_zone, now)?;
    let params: Params = super::asking::object(schedule.params.clone()).unwrap_or_default();
    let errors = check_params(&params, &schedule.time_zone);
    if !errors.is_empty() {
        return Err(ApiError::invalid(errors));
    }
    let wanted = ReportWanted {
        key: schedule.report_key.clone(),
        version: schedule.version.map(number),
        datasource_id: schedule.datasource_id.clone(),
        params: Some(resolved_params(&params, &schedule.time_zone, next.timestamp())?),
        now: None,
    };
    order::of_report(&call.app, &call.principal, wanted, call.deadline).await?;
    let schedule = store::Schedule { next_at: Some(next), ..schedule };
    Ok(call.app.store.schedules().put(&schedule).await?)
}

async fn own(call: &Call) -> Result<store::Schedule, ApiError> {
    let id: ScheduleId = call.path("id")?;
    let schedule = call.app.store.schedules().get(&id).await?;
    call.require_owner(&schedule.owner, "schedule", id.as_str())?;
    Ok(schedule)
}

async fn get_schedule(call: Call) -> Answer {
    json(StatusCode::OK, &shown(own(&call).await?))
}

async fn update_schedule(call: Call) -> Answer {
    let body: SchedulePatch = call.body()?;
    let schedule = own(&call).await?;
    let given = |name: &str| call.raw_body().is_some_and(|body| body.get(name).is_some());
    let is_own = schedule.owner == call.principal.sub;
    let report_key: ReportKey = body.report_key.unwrap_or(schedule.report_key);
    let changed = store::Schedule {
        name: body.name.unwrap_or(schedule.name),
        // An admin who mends another's schedule does not lend it their own rights.
        principal: if is_own { jobs::kept(&call.principal) } else { schedule.principal },
        report_key,
        version: if given("version") { body.version.map(i64::from) } else { schedule.version },
        datasource_id: match given("datasource_id") {
            true => body.datasource_id,
            false => schedule.datasource_id,
        },
        params: body.params.map_or(schedule.params, Value::Object),
        cron: body.cron.map_or(schedule.cron, |cron| cron.as_str().to_owned()),
        time_zone: body.time_zone.unwrap_or(schedule.time_zone),
        misfire: body.misfire.map_or(schedule.misfire, misfire),
        max_catch_up: body.max_catch_up.map_or(schedule.max_catch_up, i64::from),
        enabled: body.enabled.unwrap_or(schedule.enabled),
        ..schedule
    };
    let kept = keep(&call, changed, Moment::now()).await?;
    json(StatusCode::OK, &shown(kept))
}

async fn delete_schedule(call: Call) -> Answer {
    let schedule = own(&call).await?;
    call.app.store.schedules().delete(&schedule.id).await?;
    let mut response = axum::http::Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
