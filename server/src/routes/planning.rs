//! From an IR to a plan, SQL and rows, without a saved report.

use air_engine::{Dialect, GuardedPlan};
use air_ir::{Bindings, Ir};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::exports::run_answer;
use super::rows::{format, json};
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::contract::types::{
    self, DialectSql, FieldErrorCode, Params, PlanSqlQuery, QueryQuery, QueryRequest, SqlRequest,
    SqlResponse,
};
use crate::id::DatasourceId;
use crate::pipeline::{self, Clock, Order, Question, sources};
use crate::problem::{ApiError, safety_report};
use crate::results;

pub(super) const OPERATIONS: &[Operation] = &[operation!(plan_sql), operation!(query)];

async fn plan_sql(call: Call) -> Answer {
    let asked: PlanSqlQuery = call.query()?;
    let body: SqlRequest = call.body()?;
    let datasource = named(body.datasource_id, asked.datasource_id)?;
    let question = question(body.ir, body.sql, body.params.as_ref())?;
    let order = order(&call, datasource.clone(), question, body.params, body.now.as_deref())?;
    let prepared = sources::joined(&call.app, &datasource, &order.question.sources()).await?;
    let bound = pipeline::bound(&order)?;
    let guarded = pipeline::guarded(&call.app, &order, &bound, &prepared, &mut Clock::start())?;
    let record = call.app.store.datasources().get(&datasource).await?;
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
            let queries = pipeline::source_sql(&datasource, &guarded.execution()?)?;
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
    let question = question(body.ir, body.sql, body.params.as_ref())?;
    let order = order(&call, body.datasource_id, question, body.params, body.now.as_deref())?;
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

/// What a request asks for: one of IR and SQL, as the contract says.
fn question(
    ir: Option<types::Ir>,
    sql: Option<String>,
    params: Option<&Params>,
) -> Result<Question, ApiError> {
    match sql {
        None => {
            let value = Value::Object(ir.unwrap_or_default());
            let ir = Ir::parse(&value).map_err(|errors| ApiError::ir("/ir", errors))?;
            Ok(Question::Ir(Box::new(ir)))
        }
        Some(_) if params.is_some_and(|params| !params.is_empty()) => {
            let detail = "SQL takes no parameters; write the values, which are bound.";
            Err(ApiError::field("/params", FieldErrorCode::UnknownParameter, detail))
        }
        Some(text) => Ok(Question::Sql(text)),
    }
}

/// An order without a report: each parameter used must be given.
fn order(
    call: &Call,
    datasource: DatasourceId,
    question: Question,
    params: Option<Params>,
    now: Option<&str>,
) -> Result<Order, ApiError> {
    let params = params.unwrap_or_default();
    let values = params.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(Order {
        owner: call.principal.sub.clone(),
        datasource,
        question,
        ir_at: "/ir",
        bindings: Bindings { values, ..Bindings::default() },
        params,
        report: None,
        scope_version: None,
        now: instant(now)?,
        deadline: call.deadline,
    })
}

/// The `now` of a request; the present if it is not given.
pub(super) fn instant(now: Option<&str>) -> Result<Timestamp, ApiError> {
    let Some(text) = now else {
        return Ok(crate::store::Moment::now().timestamp());
    };
    let instant = text.parse().map(|at: Timestamp| crate::store::Moment::from(at).timestamp());
    instant.map_err(|_| {
        let detail = "This is no instant in RFC 3339 that AIR can count from.";
        ApiError::field("/now", FieldErrorCode::BadValue, detail)
    })
}
