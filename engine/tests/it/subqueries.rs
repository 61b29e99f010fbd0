//! Subqueries that this process computes: `cases/subqueries/here.yaml`, with the numbers that
//! PostgreSQL gives.

use crate::lists::{files, numbers};
use crate::plans::{cases, options};
use crate::split::engine;
use air_engine::{Policy, guard, plan_sql};

#[derive(serde::Deserialize)]
struct Cases {
    passed: Vec<(i64, String)>,
    refused: Vec<(String, String)>,
}

fn read() -> Cases {
    let file = cases().join("subqueries/here.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[tokio::test]
async fn subqueries_mean_here_what_they_mean_in_postgres() {
    let (engine, files) = (engine(), files());
    let mut wrong = Vec::new();
    for (rows, condition) in read().passed {
        let sql = format!("select count(*) as n from t where {condition}");
        let found = numbers(&sql, &files, &engine.runtime).await;
        if found != [rows] {
            wrong.push(format!("{condition}: {found:?} rows instead of {rows}"));
        }
        // The same as a value of each row, which is null where it is not known.
        let sql = format!(
            "select count(case when c then 1 end) as n from (select {condition} as c from t) as s"
        );
        let found = numbers(&sql, &files, &engine.runtime).await;
        if found != [rows] {
            wrong.push(format!("{condition} as a value: {found:?} rows instead of {rows}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_has_no_join_is_refused() {
    let files = files();
    for (sql, reason) in read().refused {
        let planned = plan_sql(&sql, &files.0, &options()).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let refused = guard(planned, &Policy::default()).unwrap().execution();
        let told = refused.map(|execution| execution.queries().len()).unwrap_err().reason;
        assert!(told.contains(&reason), "{sql}: {told}");
    }
}
