//! What the server expects a query to cost.

use super::Server;
use super::params::params;
use super::query::reads;
use crate::database::DatabaseError;
use crate::error::SourceError;
use air_engine::Sql;
use mysql_async::prelude::Queryable;
use serde_json::Value;

pub(super) async fn cost(server: &Server, sql: &Sql) -> Result<f64, SourceError> {
    if !reads(&sql.text) {
        let reason = "only a query that reads is explained, a SELECT".to_owned();
        return Err(DatabaseError::Unsupported { id: server.id.clone(), reason }.into());
    }
    let params = params(&server.id, &sql.params)?;
    let mut conn = server.connection().await?;
    let text = format!("EXPLAIN FORMAT=JSON {}", sql.text);
    let explained = async {
        let row: Result<Option<String>, _> = conn.exec_first(text, params).await;
        row.map_err(|e| server.failure(&e).into())
    };
    let json = server.within("EXPLAIN", explained).await?.unwrap_or_default();
    let plan: Value = serde_json::from_str(&json).unwrap_or_default();
    plan.get("query_block").and_then(block).ok_or_else(|| {
        let reason = "the server's EXPLAIN holds no cost".to_owned();
        DatabaseError::Answer { id: server.id.clone(), reason }.into()
    })
}

/// MySQL gives `cost_info.query_cost`. MariaDB before 11 gives rows a table, which multiply along
/// a join and add up between the parts of a query; from 11 on it also gives `cost`.
fn block(block: &Value) -> Option<f64> {
    let cost = block.pointer("/cost_info/query_cost").or_else(|| block.get("cost"));
    // A query that looks at no table has a message in a table's place.
    let nothing = block.pointer("/table/message").map(|_| 0.0);
    cost.and_then(number).or_else(|| rows(block)).or(nothing)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn rows(part: &Value) -> Option<f64> {
    match part {
        Value::Object(map) => {
            if let Some(loop_) = map.get("nested_loop").and_then(Value::as_array) {
                let tables: Vec<f64> = loop_.iter().filter_map(rows).collect();
                return (!tables.is_empty()).then(|| tables.iter().product());
            }
            let own = map.get("rows").and_then(number).map(|r| r.max(1.0));
            let inner: Vec<f64> = map.values().filter_map(rows).collect();
            match (own, inner.is_empty()) {
                (own, true) => own,
                (own, false) => Some(own.unwrap_or(0.0) + inner.iter().sum::<f64>()),
            }
        }
        Value::Array(parts) => {
            let parts: Vec<f64> = parts.iter().filter_map(rows).collect();
            (!parts.is_empty()).then(|| parts.iter().sum())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_either_server() {
        let mysql = json!({"select_id": 1, "cost_info": {"query_cost": "12.50"}, "table": {"rows_examined_per_scan": 3}});
        assert_eq!(block(&mysql), Some(12.5));
        let mariadb = json!({"select_id": 1, "filesort": {"temporary_table": {"nested_loop": [
            {"table": {"table_name": "a", "rows": 10}},
            {"table": {"table_name": "b", "rows": 20}}]}}});
        assert_eq!(block(&mariadb), Some(200.0));
        let older = json!({"select_id": 1, "table": {"table_name": "a", "rows": 7}});
        assert_eq!(block(&older), Some(7.0));
        assert_eq!(block(&json!({"table": {"message": "No tables used"}})), Some(0.0));
        assert_eq!(block(&json!({"select_id": 1})), None);
    }
}
