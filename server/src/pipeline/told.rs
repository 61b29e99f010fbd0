//! What each source is asked, as people are told it.

use air_engine::{Dialect, Execution, Sql};

use super::engine;
use crate::contract::types::SourceSql;
use crate::id::DatasourceId;
use crate::problem::ApiError;
use crate::results;

/// What each source is asked; for files, the plan as text, which is for people.
pub(crate) fn source_sql(
    datasource: &DatasourceId,
    execution: &Execution,
    options: air_engine::RunOptions,
) -> Result<Vec<SourceSql>, ApiError> {
    if execution.queries().is_empty() {
        let guarded = execution.guarded();
        return Ok(vec![match guarded.sql(Dialect::Datafusion) {
            Ok(sql) => told(datasource.clone(), &sql),
            // What is computed across groups runs here and has no SQL: the plan itself is told.
            Err(_) => SourceSql {
                source: datasource.clone(),
                dialect: dialect(Dialect::Datafusion),
                sql: guarded.display(),
                params: Vec::new(),
                rows: None,
            },
        }]);
    }
    let told = execution.told(options)?.into_iter().map(|query| {
        let source = query.source.parse().map_err(ApiError::internal)?;
        Ok(told(source, &query.sql))
    });
    told.collect()
}

pub(crate) fn told(source: DatasourceId, sql: &Sql) -> SourceSql {
    SourceSql {
        source,
        dialect: dialect(sql.dialect),
        sql: sql.text.clone(),
        params: results::json_scalars(&sql.params),
        rows: None,
    }
}

/// What was really sent, with the rows that came back; for files, what was planned. Where
/// policies leave rows out, neither their number nor the columns they are told by are shown.
pub(super) fn sent(planned: Vec<SourceSql>, ran: &engine::Ran) -> Result<Vec<SourceSql>, ApiError> {
    let answer = &ran.answer;
    if answer.sent.is_empty() || ran.execution.guarded().is_limited() {
        return Ok(planned);
    }
    let sent = answer.sent.iter().map(|query| {
        let source = query.source.parse().map_err(ApiError::internal)?;
        Ok(SourceSql { rows: Some(query.rows), ..told(source, &query.sql) })
    });
    sent.collect()
}

/// The contract's name of a dialect.
fn dialect(dialect: Dialect) -> crate::contract::types::Dialect {
    use crate::contract::types::Dialect as Named;
    match dialect {
        Dialect::Postgres => Named::Postgres,
        Dialect::Timescaledb => Named::Timescaledb,
        Dialect::Mysql => Named::Mysql,
        Dialect::Datafusion => Named::Datafusion,
    }
}
