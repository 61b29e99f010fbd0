//! From an IR to a plan, SQL and rows, without a saved report.

use air_engine::{Dialect, GuardedPlan, RunOptions};
use axum::http::StatusCode;

use super::exports::run_answer;
use super::process::accepted;
use super::rows::{format, json, max_age};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{
    self, DialectSql, FieldErrorCode, PlanSqlQuery, QueryQuery, QueryRequest, ResultFormat,
    SqlRequest, SqlResponse,
};
use crate::id::DatasourceId;
use crate::jobs::kinds::QueryJob;
use crate::pipeline::{self, Clock, Order, order, sources};
use crate::problem::{ApiError, safety_report};
use crate::results;
use crate::store::JobKind;

pub(super) const OPERATIONS: &[Operation] = &[operation!(plan_sql), operation!(query)];

async fn plan_sql(call: Call) -> Answer {
    let asked: PlanSqlQuery = call.query()?;
    let body: SqlRequest = call.body()?;
    let datasource = named(body.datasource_id, asked.datasource_id)?;
    let question = order::question(body.ir, body.sql, body.params.as_ref())?;
    let order = order::of_question(
        &call.principal,
        datasource.clone(),
        question,
        body.params,
        body.now.as_deref(),
        call.deadline,
    )?;
    let others = order.question.sources();
    let prepared = sources::joined(&call.app, &call.principal, &datasource, &others).await?;
    let bound = pipeline::bound(&order)?;
    let guarded = pipeline::guarded(&call.app, &order, &bound, &prepared, &mut Clock::start())?;
    let record = sources::datasource(&call.app, &call.principal, &datasource).await?;
    let own = sources::dialect(record.kind);
    let sql = guarded.sql(body.dialect.map_or(own, engine_dialect));
    let all = body.dialects.map(|wanted| {
        let wanted = wanted.into_iter();
        wanted.map(|named| in_dialect(&guarded, named)).collect()
    });
    let (report, plan) = (safety_report(guarded.report()), guarded.display());
    let (told, queries) = match (sql, body.dialect) {
        (Ok(sql), _) => (pipeline::told(datasource.clone(), &sql), None),
        (Err(error), Some(_)) => return Err(error.into()),
        // A source that cannot do the whole is asked for the part it can.
        (Err(error), None) => {
            let queries =
                pipeline::source_sql(&datasource, &guarded.execution()?, RunOptions::default())?;
            (queries.first().cloned().ok_or(error)?, Some(queries))
        }
    };
    let response = SqlResponse {
        dialect: told.dialect,
        sql: told.sql,
        params: told.params,
        safety_report: report,
        plan,
        all_sql: all,
        queries,
    };
    json(StatusCode::OK, &response)
}

/// The plan in one dialect, or why that engine could not give the same rows.
fn in_dialect(guarded: &GuardedPlan, named: types::Dialect) -> DialectSql {
    match guarded.sql(engine_dialect(named)) {
        Ok(sql) => DialectSql {
            dialect: named,
            sql: Some(sql.text),
            params: Some(results::json_scalars(&sql.params)),
            unsupported: None,
        },
        Err(error) => {
            DialectSql { dialect: named, sql: None, params: None, unsupported: Some(error.reason) }
        }
    }
}

fn engine_dialect(named: types::Dialect) -> Dialect {
    match named {
        types::Dialect::Postgres => Dialect::Postgres,
        types::Dialect::Timescaledb => Dialect::Timescaledb,
        types::Dialect::Mysql => Dialect::Mysql,
        types::Dialect::Datafusion => Dialect::Datafusion,
    }
}

async fn query(call: Call) -> Answer {
    let asked: QueryQuery = call.query()?;
    let format = format(&call, asked.format)?;
    let body: QueryRequest = call.body()?;
    answered(&call, body, format).await
}

/// The answer to what a request asks for: rows, or a job that gives them.
pub(super) async fn answered(call: &Call, body: QueryRequest, format: ResultFormat) -> Answer {
    let order = order::of_query(&call.principal, body.clone(), call.deadline)?;
    if call.wants_job() {
        sources::prepared(&call.app, &call.principal, &order.datasource).await?;
        let now = Some(order.now.to_string());
        let input = QueryJob { request: QueryRequest { now, ..body } };
        return accepted(call, JobKind::Query, &input).await;
    }
    let order = Order { max_age: max_age(call, body.max_age), ..order };
    let finished = pipeline::report(&call.app, order).await?;
    run_answer(&call.app, &finished, format)
}

fn named(
    body: Option<DatasourceId>,
    query: Option<DatasourceId>,
) -> Result<DatasourceId, ApiError> {
    match (body, query) {
        (Some(body), Some(query)) if body != query => {
            let detail = "The body names another source than the query.";
            Err(ApiError::field("?datasource_id", FieldErrorCode::Conflict, detail))
        }
        (Some(id), _) | (None, Some(id)) => Ok(id),
        (None, None) => {
            let detail = "Name the source, here or as `?datasource_id=`.";
            Err(ApiError::field("/datasource_id", FieldErrorCode::MissingField, detail))
        }
    }
}
