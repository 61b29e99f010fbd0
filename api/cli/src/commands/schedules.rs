//! `schedules`: reports at times of a calendar.

use air_client::Method;
use serde_json::{Map, Value, json};

use super::{Session, reply, segment};
use crate::cli::{Misfire, ScheduleWhat, Schedules};
use crate::exit::Failure;
use crate::params::params;

pub(super) async fn schedules(session: &Session, command: Schedules) -> Result<(), Failure> {
    let out = &session.output;
    match command {
        Schedules::List => {
            let schedules = session.all("/v1/schedules").await?;
            let members = ["id", "name", "report_key", "cron", "time_zone", "enabled", "next_runs"];
            out.list(&schedules, &members)
        }
        Schedules::Show { id } => out.object(&session.get(&path(&id)?).await?),
        Schedules::Add { key, what } => {
            if what.cron.is_none() {
                return Err(Failure::usage("say when with --cron, such as --cron '30 6 * * *'"));
            }
            let mut body = body(&what)?;
            body.insert("report_key".to_owned(), json!(key));
            out.object(&session.post("/v1/schedules", &Value::Object(body)).await?)
        }
        Schedules::Set { id, report, what, enable, disable } => {
            let mut body = body(&what)?;
            if let Some(report) = report {
                body.insert("report_key".to_owned(), json!(report));
            }
            if enable || disable {
                body.insert("enabled".to_owned(), json!(enable));
            }
            if body.is_empty() {
                return Err(Failure::usage("say what to change, such as --disable or --cron"));
            }
            let call = session.request(Method::PATCH, &path(&id)?)?;
            out.object(&reply(call.json(&Value::Object(body))).await?)
        }
        Schedules::Delete { id } => {
            reply(session.request(Method::DELETE, &path(&id)?)?).await?;
            out.say(&format!("{id} is removed; its jobs stay"));
            Ok(())
        }
    }
}

fn path(id: &str) -> Result<String, Failure> {
    Ok(format!("/v1/schedules/{}", segment(id)?))
}

/// The members that were given.
fn body(what: &ScheduleWhat) -> Result<Map<String, Value>, Failure> {
    let misfire = what.misfire.map(|misfire| match misfire {
        Misfire::Skip => "skip",
        Misfire::RunOnce => "run_once",
        Misfire::RunAll => "run_all",
    });
    let params = match what.param.is_empty() {
        true => None,
        false => Some(Value::Object(params(&what.param)?)),
    };
    let members = [
        ("cron", what.cron.as_ref().map(|cron| json!(cron))),
        ("time_zone", what.zone.as_ref().map(|zone| json!(zone))),
        ("name", what.name.as_ref().map(|name| json!(name))),
        ("params", params),
        ("datasource_id", what.source.as_ref().map(|source| json!(source))),
        ("version", what.version.map(|version| json!(version))),
        ("misfire", misfire.map(|misfire| json!(misfire))),
        ("max_catch_up", what.max_catch_up.map(|most| json!(most))),
    ];
    let given = members.into_iter();
    Ok(given.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}
