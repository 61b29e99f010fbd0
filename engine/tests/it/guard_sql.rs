//! What the guard refuses of SQL texts, as data: `cases/guard/bypass.yaml` holds inputs that must
//! be refused, each with a clean twin that must pass.

use crate::plans::{cases, options, prepared};
use air_engine::{
    Dialect, Finding, GuardedPlan, Outcome, Policy, Prepared, QueryError, TimeFilter, guard,
    plan_sql,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bypass {
    name: String,
    sql: String,
    rule: String,
    twin: String,
}

/// The plan of a text, or the rules and codes that refused it.
fn guarded(sql: &str, prepared: &Prepared, policy: &Policy) -> Result<GuardedPlan, Vec<String>> {
    let refused = |report: &[Finding]| {
        let refused = report.iter().filter(|f| f.outcome == Outcome::Refused);
        refused.map(|f| f.rule.clone()).collect::<Vec<_>>()
    };
    let planned = plan_sql(sql, prepared, &options()).map_err(|error| match error {
        QueryError::Refused(refusal) => refused(&refusal.report),
        QueryError::Invalid(errors) => errors.0.iter().map(|e| e.code.as_str()).collect(),
    })?;
    guard(planned, policy).map_err(|refusal| refused(&refusal.report))
}

#[test]
fn every_bypass_is_refused_and_its_twin_passes() {
    let path = cases().join("guard/bypass.yaml");
    let cases: Vec<Bypass> =
        serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    let prepared = prepared("shop");
    let mut wrong = Vec::new();
    for case in &cases {
        match guarded(&case.sql, &prepared, &Policy::default()) {
            Ok(_) => wrong.push(format!("{} passed: {}", case.name, case.sql)),
            Err(rules) if rules.contains(&case.rule) => {}
            Err(rules) => wrong.push(format!("{}: {rules:?}, not {}", case.name, case.rule)),
        }
        match guarded(&case.twin, &prepared, &Policy::default()) {
            Ok(plan) => {
                let sql = plan.sql(Dialect::Postgres).unwrap();
                let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &sql.text);
                if parsed.as_ref().map(Vec::len) != Ok(1) {
                    wrong.push(format!("{} twin's SQL: {parsed:?}", case.name));
                }
            }
            Err(rules) => {
                let why = plan_sql(&case.twin, &prepared, &options()).err();
                let why = why.map(|e| e.to_string()).unwrap_or_default();
                wrong.push(format!("{} twin: {rules:?} {why}: {}", case.name, case.twin));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_text_of_a_person_is_in_any_sql() {
    let prepared = prepared("shop");
    let hostile =
        ["O'Brien", "\\' or 1=1 --", "$9", "'' ; drop table x", "a\"b`c", "ünï\u{1}\u{2}"];
    for text in hostile {
        let quoted = text.replace('\'', "''");
        let sql = format!(
            "select upper('{quoted}') as shown, status from shop.orders \
             where status = '{quoted}' or status like '%{quoted}' or status in ('{quoted}', 'b')"
        );
        let plan = guarded(&sql, &prepared, &Policy::default()).unwrap();
        for dialect in Dialect::ALL {
            let written = plan.sql(dialect).unwrap();
            assert!(!written.text.contains(text), "{}", written.text);
            assert!(!plan.display().contains(text), "{}", plan.display());
            assert!(written.params.len() >= 4, "{written:?}");
        }
    }
}

#[test]
fn a_text_too_large_or_too_deep_is_refused_and_never_overflows() {
    let prepared = prepared("shop");
    let floods = [
        format!("select {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("select 1{}", " + 1".repeat(60_000)),
        format!("select {}1", "- ".repeat(100_000)),
        format!("select {}true", "not ".repeat(60_000)),
        format!("select 1{}", "::bigint".repeat(20_000)),
        format!("select id from orders where id = 1{}", " or id = 1".repeat(5_000)),
        format!("select 1{}", " union all select 1".repeat(5_000)),
        format!("select {}1{}", "(select ".repeat(10_000), ")".repeat(10_000)),
        format!("select {}1{}", "case when true then ".repeat(5_000), " end".repeat(5_000)),
        format!("select {}1{}", "abs(".repeat(20_000), ")".repeat(20_000)),
        format!("select * from orders{}", ", orders".repeat(20_000)),
        format!("values (1){}", ", (1)".repeat(30_000)),
        format!("select '{}'", "x".repeat(300_000)),
        doubled(40),
    ];
    for flood in floods {
        let rules = guarded(&flood, &prepared, &Policy::default()).unwrap_err();
        let shown = &flood[..60];
        let known = ["plan_size", "read_only"];
        assert!(rules.iter().any(|r| known.contains(&r.as_str())), "{shown}: {rules:?}");
    }
    let long = (0..5_000).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let long = format!("select id from orders where id in ({long})");
    guarded(&long, &prepared, &Policy::default()).unwrap();
}

/// Names each of which reads the one before it twice.
fn doubled(n: usize) -> String {
    let mut with = "with t0 as (select id from orders)".to_owned();
    for i in 1..n {
        with += &format!(", t{i} as (select a.id from t{0} a, t{0} b)", i - 1);
    }
    format!("{with} select * from t{}", n - 1)
}

fn outcome(plan: &GuardedPlan, rule: &str) -> Outcome {
    plan.report().iter().find(|f| f.rule == rule).unwrap().outcome
}

#[test]
fn a_time_series_table_is_bounded_in_sql_too() {
    let prepared = prepared("shop");
    let policy = |time_filter| Policy { time_filter, ..Policy::default() };
    let (open, bounded) = (
        "select kind, count(*) from events group by kind",
        "select e.kind from events e where e.at >= '2024-02-01' and e.at < timestamptz '2024-03-01 00:00:00+00'",
    );
    let plan = guarded(open, &prepared, &policy(TimeFilter::Inject)).unwrap();
    assert_eq!(outcome(&plan, "time_range"), Outcome::Injected);
    let sql = plan.sql(Dialect::Postgres).unwrap();
    assert!(sql.text.contains("\"at\" >= CAST($1 AS timestamptz)"), "{}", sql.text);
    let rules = guarded(open, &prepared, &policy(TimeFilter::Refuse)).unwrap_err();
    assert_eq!(rules, ["time_range"]);
    let plan = guarded(open, &prepared, &policy(TimeFilter::Off)).unwrap();
    assert_eq!(outcome(&plan, "time_range"), Outcome::Warned);
    let plan = guarded(bounded, &prepared, &policy(TimeFilter::Refuse)).unwrap();
    assert_eq!(outcome(&plan, "time_range"), Outcome::Ok);
    for hidden in [
        "select * from events where at >= '2020-01-01' and at < '2024-03-01'",
        "select * from events where at >= '2024-02-01' or kind = 'x'",
        "select * from (select * from events) as e where e.kind = 'a'",
        "select * from orders where exists (select 1 from events)",
        "select * from orders o left join events e on e.at >= '2024-02-01' and e.at < '2024-03-01'",
        "with e as (select * from events) select count(*) from e",
        "select * from events where not (at >= '2024-02-01' and at < '2024-03-01')",
        "select * from events a where a.at >= '2024-02-01' union all select * from events b",
    ] {
        let rules = guarded(hidden, &prepared, &policy(TimeFilter::Refuse));
        assert_eq!(rules.map(|_| ()).unwrap_err(), ["time_range"], "{hidden}");
    }
}

#[test]
fn only_the_scan_without_a_range_is_bounded() {
    let prepared = prepared("shop");
    let sql = "select count(*) from events where at >= '2024-03-01' union all select count(*) from events";
    let plan = guarded(sql, &prepared, &Policy::default()).unwrap();
    let written = plan.sql(Dialect::Postgres).unwrap().text;
    assert_eq!(written.matches(">=").count(), 2, "{written}");
}

#[test]
fn a_cost_above_the_limit_is_refused() {
    let prepared = prepared("shop");
    let policy = Policy { max_cost: Some(1_000.0), ..Policy::default() };
    let plan = || guarded("select id from orders", &prepared, &policy).unwrap();
    let passed = plan().with_cost("shop", 999.5).unwrap();
    assert_eq!(outcome(&passed, "cost"), Outcome::Ok);
    for cost in [1_000.1, f64::INFINITY, f64::NAN] {
        let refusal = plan().with_cost("shop", cost).unwrap_err();
        assert!(refusal.reasons()[0].contains("of at most 1000"), "{refusal}");
        assert!(refusal.report.len() > 5, "all rules are in the report");
    }
}

#[test]
fn limits_are_those_of_the_source() {
    let prepared = prepared("shop");
    let plan = guarded("select id from orders", &prepared, &Policy::default()).unwrap();
    assert_eq!((plan.limit(), outcome(&plan, "row_limit")), (5_000, Outcome::Injected));
    let plan = guarded("select id from orders limit 7", &prepared, &Policy::default()).unwrap();
    assert_eq!((plan.limit(), outcome(&plan, "row_limit")), (7, Outcome::Ok));
    let policy = Policy { max_row_limit: 5, ..Policy::default() };
    let rules = guarded("select id from orders limit 7", &prepared, &policy).unwrap_err();
    assert_eq!(rules, ["row_limit"]);
}

#[test]
fn wrong_names_come_with_the_nearest() {
    let prepared = prepared("shop");
    for (sql, nearest) in [
        ("select statuss from orders", "status"),
        ("select * from ordrs", "orders"),
        ("select o.statuss from orders o", "status"),
    ] {
        let QueryError::Invalid(errors) = plan_sql(sql, &prepared, &options()).unwrap_err() else {
            panic!("{sql} is no refusal");
        };
        assert!(errors.0[0].nearest.iter().any(|n| n.contains(nearest)), "{errors}");
        assert_eq!(errors.0[0].pointer, "/sql");
    }
}

#[test]
fn a_date_moved_by_an_interval_is_a_time_and_bounds_stay_dates() {
    let prepared = prepared("shop");
    for (sql, shown) in [
        ("select created_on + interval '12 hours' from customers", "created_on AS Timestamp("),
        ("select interval '1 day' + created_on from customers", "created_on AS Timestamp("),
        (
            "select id from customers where created_on >= date '2024-01-01' - interval '30 days'",
            "created_on >= Date32(\"2023-12-02\")",
        ),
        (
            "select id from customers where created_on < date '2024-03-10' + interval '12 hours'",
            "created_on AS Timestamp(",
        ),
        (
            "select id from customers where created_on in (date '2024-03-10' + interval '1 day')",
            "Date32(\"2024-03-11\")",
        ),
    ] {
        let plan = guarded(sql, &prepared, &Policy::default()).unwrap();
        assert!(plan.display().contains(shown), "{sql}: {}", plan.display());
    }
}

#[test]
fn a_text_among_numbers_is_a_number() {
    let prepared = prepared("shop");
    for sql in [
        "select case when id > 5 then id else '7' end from orders",
        "select case when id > 5 then '7' else id end from orders",
        "select coalesce(id, '7') from orders",
        "select greatest(id, '7') from orders",
    ] {
        let plan = guarded(sql, &prepared, &Policy::default()).unwrap();
        assert!(plan.display().contains("Int64(7)"), "{sql}: {}", plan.display());
    }
}

#[test]
fn no_digit_of_a_time_is_dropped() {
    let prepared = prepared("shop");
    for form in [
        "select id from orders where ordered_at = '2024-01-01 10:00:00.123456DIGITS'",
        "select id from orders where ordered_at > timestamp '2024-01-01 10:00:00.123456DIGITS'",
        "select id from orders where ordered_at < cast('2024-01-01 10:00:00.123456DIGITS' as timestamptz)",
    ] {
        let exact = form.replace("DIGITS", "000");
        guarded(&exact, &prepared, &Policy::default()).unwrap();
        let finer = form.replace("DIGITS", "789");
        let rules = guarded(&finer, &prepared, &Policy::default()).map(|_| ()).unwrap_err();
        assert_eq!(rules, ["unsupported"], "{finer}");
    }
}
