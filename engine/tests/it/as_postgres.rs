//! What Postgres means by a text and an engine would not: found by `tests/random_sql`.

use crate::plans::{options, prepared};
use air_engine::{Dialect, Policy, Prepared, QueryError, TimeFilter, guard, plan_sql};
use std::sync::Arc;

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
    // Nor are rows numbered there within IN: the value is asked for before.
    let sql = "select id from orders o where 1 in \
               (select row_number() over (order by c.id) from customers c where c.id = o.id)";
    let planned = plan_sql(sql, &prepared("shop"), &options()).unwrap();
    let policy = Policy { time_filter: TimeFilter::Off, ..Policy::default() };
    let guarded = guard(planned, &policy).unwrap();
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
        ("select lag(id, 1, 1.5) over (order by id) from orders", "unsupported"),
        ("select status from orders group by 'x'", "read_only"),
        ("select status from orders order by 1.5", "read_only"),
        ("select status from orders order by (1)", "read_only"),
        ("select status from orders order by -1", "read_only"),
        ("select status 'x' from orders", "read_only"),
        ("select (case when paid then 1.5 else 2 end)::text from orders", "unsupported"),
        ("select coalesce(unit_price, 1) || '' from order_items", "unsupported"),
        ("select round(unit_price, 7)::text from order_items", "unsupported"),
        ("select v::text from (values (1.5), (2)) as t (v)", "unsupported"),
        (
            "select s.id from (select * from orders a join customers b on a.id = b.id) as s",
            "ambiguous_column",
        ),
        ("select id as a, customer_id as a from orders order by a", "read_only"),
        ("select distinct on (1) id from orders", "read_only"),
        (
            "select distinct on (status) status, paid as id from orders order by status, id",
            "read_only",
        ),
        ("select created_on + id from customers", "unsupported"),
        ("select cast(99999999999 as int) as n from orders", "bad_expression"),
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
        "select (unit_price * 2)::text, (unit_price + 1)::text, max(unit_price)::text from order_items group by 1, 2",
        "select * from (select * from orders a join customers b on a.id = b.id) as s",
    ] {
        written(sql, Dialect::Postgres);
    }
}

#[test]
fn numbers_that_are_written_out_are_rounded_to_whole_ones() {
    for (number, whole) in [
        ("2.5", "3"),
        ("-2.5", "-3"),
        ("1.49", "1"),
        ("cast(2.5 as double precision)", "2"),
        ("cast(3.5 as double precision)", "4"),
    ] {
        let text =
            written(&format!("select cast({number} as int) as n from orders"), Dialect::Mysql);
        assert!(
            text.contains(&format!("{whole} AS `n`"))
                || text.contains(&format!("({whole}) AS `n`")),
            "{number}: {text}"
        );
    }
}

#[test]
fn the_floor_of_a_decimal_is_a_decimal() {
    let text = written("select round(floor(1e2), 1) as n from orders", Dialect::Postgres);
    assert!(text.contains("round(floor(CAST(100 AS numeric)), 1)"), "{text}");
}

#[test]
fn a_cast_is_called_apart_from_what_it_casts() {
    for sql in [
        "select max(ordered_at) as a, max(ordered_at::date) as b from orders",
        "select count(distinct ordered_at) as a, count(distinct ordered_at::date) as b from orders",
        "select lag(id) over (order by id) as a, lag(id::text) over (order by id) as b from orders",
        "select ordered_at, ordered_at::date, count(*) from orders group by 1, 2",
    ] {
        let text = written(sql, Dialect::Postgres);
        assert!(text.contains(" AS date)") || text.contains(" AS text)"), "{text}");
        assert!(!text.contains("cast to"), "{text}");
    }
}

#[test]
fn outputs_of_one_name_are_numbered() {
    let text = written("select id as a, customer_id as a, 1 as id from orders", Dialect::Postgres);
    assert!(text.contains(r#"AS "a", "#) && text.contains(r#"AS "a_2""#), "{text}");
}

#[test]
fn using_shows_the_key_of_the_side_that_is_kept() {
    let sql = "select id, o.status from customers c right join orders o using (id) where id > 5";
    let text = written(sql, Dialect::Postgres);
    assert!(text.starts_with(r#"SELECT "o"."id" AS "id""#), "{text}");
    let sql = "select id, count(*) as n from customers c full join orders o using (id) group by id";
    let text = written(sql, Dialect::Postgres);
    assert!(text.contains(r#"coalesce("c"."id", "o"."id")"#), "{text}");
    for sql in [
        "select * from customers c full join orders o using (id)",
        "select o.id from customers c right join orders o using (id) where exists (select id)",
    ] {
        assert_eq!(refused(sql), ["read_only"], "{sql}");
    }
}

#[test]
fn days_are_added_to_a_date() {
    let text = written(
        "select created_on + 1 as a, 2 + created_on as b, created_on - 3 as c from customers",
        Dialect::Postgres,
    );
    for days in ["0 months 1 days", "0 months 2 days", "0 months -3 days"] {
        assert!(text.contains(days), "{text}");
    }
    assert!(text.contains(" AS date) AS \"a\""), "{text}");
}

#[test]
fn the_first_row_of_each_key_is_numbered() {
    let sql = "select distinct on (status) status, id from orders order by status, id desc";
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let text = written(sql, dialect);
        assert!(text.contains("ROW_NUMBER() OVER (PARTITION BY"), "{text}");
    }
}

#[test]
fn what_mariadb_would_cut_or_lose_fails_there() {
    let text = written("select ordered_at + interval '1 day' as t from orders", Dialect::Mysql);
    assert!(text.contains("9223372036854775807 + "), "{text}");
    let mut catalog = prepared("shop").catalog().as_ref().clone();
    catalog.kind = air_ir::catalog::SourceKind::Mysql;
    let mysql = Prepared::new(Arc::new(catalog));
    for (number, rounded) in [("unit_price", "ROUND("), ("order_id", "`order_id`")] {
        let sql = format!("select cast({number} as smallint) as n from order_items");
        let planned = plan_sql(&sql, &mysql, &options()).unwrap();
        let text = guard(planned, &Policy::default()).unwrap().sql(Dialect::Mysql).unwrap().text;
        assert!(
            text.contains(rounded) && text.contains("> 32767) THEN (9223372036854775807 + "),
            "{text}"
        );
    }
}
