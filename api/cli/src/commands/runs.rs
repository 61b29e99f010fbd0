//! `run`, `query`, `sql`.

use super::{Session, segment};
use crate::cli::{Format, Ir, Run, Sql};
use crate::exit::Failure;
use crate::params::{json, params};
use air_client::Method;
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, run: &Run) -> Result<(), Failure> {
    let mut body = json!({"params": params(&run.param)?});
    if let Some(now) = &run.now {
        body["now"] = json!(now);
    }
    let path = format!("/v1/reports/{}/run", segment(&run.key));
    let mut query = Vec::new();
    if let Some(source) = &run.source {
        query.push(("datasource_id", source.as_str()));
    }
    rows(session, &path, query, &body, run.fail_on_qa).await
}

pub(super) async fn query(session: &Session, ir: &Ir) -> Result<(), Failure> {
    let body = body(session, ir).await?;
    rows(session, "/v1/query", Vec::new(), &body, ir.fail_on_qa).await
}

async fn body(session: &Session, ir: &Ir) -> Result<Value, Failure> {
    let source = session.source(ir.source.as_deref()).await?;
    let mut body = json!({"ir": json(&ir.ir)?, "datasource_id": source});
    if !ir.param.is_empty() {
        body["params"] = Value::Object(params(&ir.param)?);
    }
    if let Some(now) = &ir.now {
        body["now"] = json!(now);
    }
    Ok(body)
}

/// Runs something; rows in a file format go to standard output as the server sends them.
async fn rows(
    session: &Session,
    path: &str,
    mut query: Vec<(&str, &str)>,
    body: &Value,
    fail_on_qa: bool,
) -> Result<(), Failure> {
    let format = match session.output.format {
        Format::Table | Format::Json => None,
        Format::Csv => Some("csv"),
        Format::Ndjson => Some("ndjson"),
        Format::Arrow => Some("arrow"),
        Format::Parquet => Some("parquet"),
    };
    let waiting = session.output.waiting("running");
    let Some(format) = format else {
        let result = session.send(Method::POST, path, &query, Some(body)).await;
        waiting.finish_and_clear();
        return session.output.result(&result?, fail_on_qa);
    };
    if fail_on_qa {
        return Err(Failure::usage(
            "--fail-on-qa needs --output table or json: files hold no verdict",
        ));
    }
    query.push(("format", format));
    let call = session.client.request(Method::POST, path)?.query(&query).json(body);
    let response = call.send().await;
    waiting.finish_and_clear();
    let bytes = response?
        .bytes()
        .await
        .map_err(|e| Failure::new(crate::exit::SERVER, format!("the rows broke off: {e}")))?;
    session.output.bytes(&bytes)
}

pub(super) async fn sql(session: &Session, sql: &Sql) -> Result<(), Failure> {
    let mut body = body(session, &sql.ir).await?;
    let dialects: Vec<Option<&str>> = match sql.dialect.is_empty() {
        true => vec![None],
        false => sql.dialect.iter().map(|d| Some(d.as_str())).collect(),
    };
    for dialect in dialects {
        if let Some(dialect) = dialect {
            body["dialect"] = json!(dialect);
        }
        let reply = match session.post("/v1/sql", &body).await {
            Ok(reply) => reply,
            // One dialect that cannot do it does not hide the others.
            Err(failure) if sql.dialect.len() > 1 => {
                session.output.line(&format!("-- {}", dialect.unwrap_or_default()))?;
                failure.tell();
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if !session.output.is_table() {
            session.output.json(&reply)?;
            continue;
        }
        let word = |key: &str| reply[key].as_str().unwrap_or_default().to_owned();
        session.output.line(&format!("-- {}\n{}", word("dialect"), word("sql")))?;
        session.output.line(&format!("-- values: {}", reply["params"]))?;
    }
    Ok(())
}
