//! What Postgres means by a text and an engine would not: found by `tests/random_sql`.

use crate::plans::{options, prepared};
use air_engine::{Dialect, Policy, QueryError, TimeFilter, guard, plan_sql};

fn written(sql: &str, dialect: Dialect) -> String {
    let planned = plan_sql(sql, &prepared("shop"), &options()).unwrap();
    let policy = Policy { time_filter: TimeFilter::Off, ..Policy::default() };
    guard(planned, &policy).unwrap().sql(dialect).unwrap().text
}

/// The codes of the errors, or the rules that refused it.
fn refused(sql: &str) -> Vec<String> {
    match plan_sql(sql, &prepared("shop"), &options()) {
        Ok(plan) => panic!("{sql} is planned: {plan:?}"),
        Err(QueryError::Invalid(errors)) => {
            errors.0.iter().map(|e| e.code.as_str().to_owned()).collect()
        }
        Err(QueryError::Refused(refusal)) => {
            refusal.report.iter().map(|f| f.rule.clone()).collect()
        }
    }
}

#[test]
fn a_constant_is_never_the_place_of_an_output() {
    for two in ["2", "-2", "2.5", "null", "cast(2 as double precision)", "true"] {
        let sql = format!("select id, {two} as two from orders order by two, id desc");
        for (dialect, quote) in [(Dialect::Postgres, '"'), (Dialect::Mysql, '`')] {
            let text = written(&sql, dialect);
            // MySQL is asked for the place of nulls first.
            let order = text.split_once("ORDER BY ").unwrap().1.trim_start_matches('(');
            assert!(order.starts_with(&format!("{quote}orders{quote}.{quote}id{quote}")), "{text}");
        }
    }
    let sql = "select rank() over (order by now()) as r from orders";
    assert!(written(sql, Dialect::Mysql).contains("OVER (ORDER BY NULL)"));
}

#[test]
fn a_key_that_comes_twice_shifts_no_column() {
    for sql in [
        "select status, max(id) as m from orders group by 1, status",
        "select status, max(id) as m from orders group by status, orders.status, 1",
    ] {
        let text = written(sql, Dialect::Postgres);
        let key = r#""orders"."status""#;
        assert!(text.starts_with(&format!(r#"SELECT {key} AS "status", "#)), "{text}");
        assert!(text.contains(&format!("GROUP BY {key} LIMIT")), "{text}");
        assert!(text.contains(r#"AS "m""#), "{text}");
    }
}

#[test]
fn rows_are_counted_by_a_star_alone() {
    for (counted, written_as) in [
        ("count(*)", "COUNT(*)"),
        ("count(1)", "COUNT(*)"),
        ("count(null)", "COUNT(NULL)"),
        ("count(distinct 1)", "COUNT(DISTINCT 1)"),
    ] {
        let text = written(&format!("select {counted} as n from orders"), Dialect::Postgres);
        assert!(text.contains(written_as), "{counted}: {text}");
    }
}

#[test]
fn a_double_is_never_written_as_a_whole_number() {
    let text = written("select 1 / 3.0 as third from orders", Dialect::Postgres);
    assert!(text.contains("(1e0 / 3e0)"), "{text}");
}

#[test]
fn numbers_that_are_written_out_are_computed() {
    let text = written("select 0.1 * 3 + 1 as n from orders", Dialect::Postgres);
    assert!(text.contains("1.3"), "{text}");
}

#[test]
fn a_null_without_a_type_is_text() {
    let text = written("select null as n from orders", Dialect::Postgres);
    assert!(text.contains(r#"CAST(NULL AS text) AS "n""#), "{text}");
    written("select id from orders where null and paid", Dialect::Postgres);
}

#[test]
fn outputs_are_called_as_postgres_calls_them() {
    for (output, name) in [
        ("substr(status, 1)", "substr"),
        ("substring(status from 1)", "substring"),
        ("case when paid then id else customer_id end", "customer_id"),
        ("case when paid then id else 1 end", "case"),
        ("cast(1 as bigint)", "int8"),
        ("1::double precision", "float8"),
        ("date '2024-01-01'", "date"),
        ("timestamptz '2024-01-01'", "timestamptz"),
        ("cast(status as text)", "status"),
        ("true", "column"),
        ("true::boolean", "bool"),
        ("1 + 1", "column"),
        ("(select max(id) from customers)", "max"),
        ("(select max(id) as top from customers)", "top"),
        ("not paid", "column"),
    ] {
        let text = written(&format!("select {output} from orders"), Dialect::Postgres);
        assert!(text.contains(&format!("AS \"{name}\"")), "{output}: {text}");
    }
    let text = written("select id, id from orders", Dialect::Postgres);
    assert!(text.contains(r#"AS "id_2""#), "{text}");
}

#[test]
fn dates_beside_times_are_their_midnights() {
    for condition in [
        "created_on < ordered_at",
        "ordered_at between created_on and now()",
        "shipped_at in (created_on, shipped_at)",
        "coalesce(shipped_at, created_on) is null",
        "date '2024-01-01' <= ordered_at",
    ] {
        let sql = format!("select 1 as one from orders, customers where {condition}");
        let planned = plan_sql(&sql, &prepared("shop"), &options()).unwrap();
        let shown = guard(planned, &Policy::default()).map(|plan| plan.display());
        assert!(!shown.unwrap().contains("(ns"), "{condition}");
    }
}

#[test]
fn a_derived_table_on_mariadb_speaks_of_no_table_around_it() {
    let sql = "select id from orders o where id in \
               (select c.id from customers c where c.name = o.status order by c.id limit 1)";
    let planned = plan_sql(sql, &prepared("shop"), &options()).unwrap();
    let policy = Policy { time_filter: TimeFilter::Off, ..Policy::default() };
    let guarded = guard(planned, &policy).unwrap();
    assert!(guarded.sql(Dialect::Postgres).is_ok());
    assert!(guarded.sql(Dialect::Mysql).unwrap_err().reason.contains("query around"));
    // Where it is asked only whether a row is there, nothing need be told apart.
    let sql = "select id from orders o where exists (select distinct c.id from customers c \
               where c.name = o.status)";
    assert!(!written(sql, Dialect::Mysql).contains("GROUP BY"));
}

#[test]
fn what_no_engine_gives_as_postgres_does_is_refused() {
    for (sql, code) in [
        ("select (select sum(o.id) from customers) from orders o", "unsupported"),
        ("select (select 1 from customers where false) from orders", "unsupported"),
        ("select lag(id, 1, customer_id) over (order by id) from orders", "unsupported"),
        ("select status from orders group by 'x'", "read_only"),
        ("select status from orders order by 1.5", "read_only"),
        ("select status from orders order by (1)", "read_only"),
        ("select status from orders order by -1", "read_only"),
        ("select status 'x' from orders", "read_only"),
    ] {
        assert_eq!(refused(sql), [code], "{sql}");
    }
    // Twins that mean the same everywhere.
    for sql in [
        "select (select sum(c.id) from customers c) from orders o",
        "select (select count(*) from customers where false) from orders",
        "select (select max(id) from customers where false) from orders",
        "select lag(id, 1, 0) over (order by id) from orders",
        "select status from orders order by 1",
    ] {
        written(sql, Dialect::Postgres);
    }
}
