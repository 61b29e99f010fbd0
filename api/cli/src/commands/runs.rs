//! `run`, `query`, `sql`.

use super::jobs::{later, run_of};
use super::{Session, reply, rows, segment};
use crate::cli::{Later, Planned, Query, Run, Sql};
use crate::exit::Failure;
use crate::output::judge;
use crate::params::{json, params, text};
use air_client::Method;
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, run: &Run) -> Result<(), Failure> {
    let mut body = json!({"params": params(&run.param)?});
    if let Some(now) = &run.how.now {
        body["now"] = json!(now);
    }
    let version = run.version.map(|v| v.to_string());
    let mut query = Vec::new();
    query.extend(run.source.as_deref().map(|s| ("datasource_id", s)));
    query.extend(version.as_deref().map(|v| ("version", v)));
    let path = format!("/v1/reports/{}/run", segment(&run.key)?);
    let resume = format!("`aircli reports runs {}` shows whether it ended", run.key);
    ended(session, &path, query, &body, run.how.fail_on_qa, &run.later)
        .await
        .map_err(|failure| failure.resume(&session.resume(&resume)))
}

pub(super) async fn query(session: &Session, query: &Query) -> Result<(), Failure> {
    let body = body(session, &query.planned, query.how.now.as_deref()).await?;
    let resume = "with --idempotency-key a query can be taken up again";
    ended(session, "/v1/query", Vec::new(), &body, query.how.fail_on_qa, &query.later)
        .await
        .map_err(|failure| failure.resume(&session.resume(resume)))
}

async fn body(session: &Session, what: &Planned, now: Option<&str>) -> Result<Value, Failure> {
    let mut body = json!({});
    if let Some(ir) = &what.ir {
        body["ir"] = json(ir)?;
    }
    if let Some(sql) = &what.sql {
        body["sql"] = json!(text(sql)?);
    }
    if !what.param.is_empty() {
        body["params"] = Value::Object(params(&what.param)?);
    }
    if let Some(now) = now {
        body["now"] = json!(now);
    }
    body["datasource_id"] = json!(session.source(what.source.as_deref()).await?);
    Ok(body)
}

/// Runs something to its end and shows the rows.
async fn ended(
    session: &Session,
    path: &str,
    mut query: Vec<(&str, &str)>,
    body: &Value,
    fail_on_qa: bool,
    how: &Later,
) -> Result<(), Failure> {
    let format = session.output.format.of_rows();
    if format.is_some() && fail_on_qa {
        let why = "--fail-on-qa needs --output table or json: files hold no verdict";
        return Err(Failure::usage(why));
    }
    if !how.is_job() {
        query.extend(format.map(|f| ("format", f)));
    }
    let mut call = session.request(Method::POST, path)?.json(body);
    if !query.is_empty() {
        call = call.query(&query);
    }
    if how.is_job() {
        let job = later(session, call, how).await?;
        return match how.follow {
            true => run_of(session, &job, fail_on_qa).await,
            false => session.output.object(&job),
        };
    }
    if format.is_some() {
        return rows::pass(session, call).await;
    }
    let waiting = session.output.waiting("running");
    let result = reply(call).await;
    waiting.finish_and_clear();
    let result = result?;
    session.output.result(&result)?;
    judge(&result, fail_on_qa)
}

pub(super) async fn sql(session: &Session, sql: &Sql) -> Result<(), Failure> {
    let mut body = body(session, &sql.planned, sql.now.as_deref()).await?;
    match sql.dialect.as_slice() {
        [] => {}
        [one] => body["dialect"] = json!(one),
        several => body["dialects"] = json!(several),
    }
    let answer = session.post("/v1/sql", &body).await?;
    if !session.output.is_table() {
        return session.output.json(&answer);
    }
    let shown = match answer["all_sql"].as_array() {
        Some(all) => all.as_slice(),
        None => std::slice::from_ref(&answer),
    };
    for one in shown {
        let dialect = one["dialect"].as_str().unwrap_or_default();
        match (one["sql"].as_str(), one["unsupported"].as_str()) {
            (Some(sql), _) => {
                session
                    .output
                    .line(&format!("-- {dialect}\n{sql}\n-- values: {}", one["params"]))?;
            }
            (None, why) => {
                session.output.line(&format!("-- {dialect}: {}", why.unwrap_or("unsupported")))?;
            }
        }
    }
    Ok(())
}
