//! SQL texts over a source whose declared zone is not UTC: what is known when a text is planned.

use crate::plans::{cases, options, prepared};
use air_engine::{Dialect, Policy, Prepared, guard, plan_sql};
use air_ir::Catalog;
use std::sync::Arc;

/// The shop in a zone.
pub(crate) fn shop(zone: &str) -> Prepared {
    let path = cases().join("catalogs/shop.json");
    let mut catalog: Catalog =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    catalog.time_zone = Some(zone.to_owned());
    Prepared::new(Arc::new(catalog))
}

/// The plan of a text, or why there is none.
fn shown(sql: &str, prepared: &Prepared) -> String {
    match plan_sql(sql, prepared, &options()) {
        Ok(plan) => guard(plan, &Policy::default()).unwrap().display(),
        Err(error) => error.to_string(),
    }
}

fn micros(instant: &str) -> String {
    instant.parse::<jiff::Timestamp>().unwrap().as_microsecond().to_string()
}

#[test]
fn texts_without_an_offset_are_what_the_clock_shows() {
    let berlin = shop("Europe/Berlin");
    for (text, instant) in [
        ("2024-03-31", "2024-03-30T23:00:00Z"),
        ("2024-04-01", "2024-03-31T22:00:00Z"),
        ("2024-03-31 02:30", "2024-03-31T01:30:00Z"),
        ("2024-10-27 02:30", "2024-10-27T01:30:00Z"),
        ("2024-10-27 02:30Z", "2024-10-27T02:30:00Z"),
        ("2024-10-27T02:30:00+05:30", "2024-10-26T21:00:00Z"),
    ] {
        let plan = shown(&format!("select id from orders where ordered_at < '{text}'"), &berlin);
        assert!(plan.contains(&micros(instant)), "{text}: {plan}");
    }
    let default = shown("select lag(ordered_at, 1, '2024-04-01') over () from orders", &berlin);
    assert!(default.contains(&micros("2024-03-31T22:00:00Z")), "{default}");
    let local = shown("select id from orders where shipped_at < '2024-03-31 02:30'", &berlin);
    assert!(local.contains(&micros("2024-03-31T02:30:00Z")), "{local}");
}

#[test]
fn the_present_is_that_of_the_clock() {
    // The run's time is 2024-03-15T12:34:56Z.
    let far = shop("Pacific/Kiritimati");
    let plan = shown("select current_date as d, localtimestamp as t", &far);
    assert!(plan.contains("2024-03-16"), "{plan}");
    assert!(plan.contains(&micros("2024-03-16T02:34:56Z")), "{plan}");
    let plan = shown("select id from orders where ordered_at >= date_trunc('month', now())", &far);
    assert!(plan.contains(&micros("2024-02-29T10:00:00Z")), "{plan}");
}

#[test]
fn days_are_added_on_the_clock_and_hours_to_the_instant() {
    let york = shop("America/New_York");
    for (interval, instant) in [
        ("1 day", "2024-03-10T16:00:00Z"),
        ("24 hours", "2024-03-10T17:00:00Z"),
        ("1 month 1 day 1 hour", "2024-04-10T17:00:00Z"),
    ] {
        let later = format!("timestamptz '2024-03-09 12:00' + interval '{interval}'");
        let plan = shown(&format!("select id from orders where ordered_at < {later}"), &york);
        assert!(plan.contains(&micros(instant)), "{interval}: {plan}");
    }
}

#[test]
fn a_time_without_zone_is_held_against_the_clock() {
    let york = shop("America/New_York");
    let steady = "select id from orders where shipped_at < timestamptz '2024-07-01 00:00Z'";
    let plan = shown(steady, &york);
    assert!(plan.contains(&micros("2024-06-30T20:00:00Z")), "{plan}");
    assert!(!plan.contains("air_from_clock"), "an index serves: {plan}");
    // Near a change both are there: a bound for the index, and what is exact.
    let near = "select id from orders where shipped_at < timestamptz '2024-03-10 07:10Z'";
    let plan = shown(near, &york);
    assert!(plan.contains("air_from_clock(orders.shipped_at)"), "{plan}");
    assert!(plan.contains(&micros("2024-03-13T03:10:00Z")), "{plan}");
    let both = shown("select id from orders where shipped_at < ordered_at", &york);
    assert!(both.contains("air_from_clock(orders.shipped_at)"), "{both}");
}

#[test]
fn what_the_engine_would_read_as_utc_is_refused() {
    let (utc, berlin) = (prepared("shop"), shop("Europe/Berlin"));
    for sql in [
        "select ordered_at from orders union all select shipped_at from orders",
        "select ordered_at from orders except select shipped_at from orders",
        "select id from orders where ordered_at in (select shipped_at from orders)",
    ] {
        let plan = shown(sql, &berlin);
        assert!(plan.contains("cast one"), "{sql}: {plan}");
        let plan = shown(sql, &utc);
        assert!(!plan.contains("cast one"), "{sql}: {plan}");
    }
    let offset = "select id from orders where shipped_at < '2024-01-01T00:00:00+02:00'";
    for prepared in [&utc, &berlin] {
        for sql in
            ["select now()::text", "select now() || ''", "select shipped_at::text from orders"]
        {
            assert!(shown(sql, prepared).contains("is not cast to text"), "{sql}");
        }
        assert!(shown(offset, prepared).contains("has an offset"), "{offset}");
    }
}

#[test]
fn names_of_zones_are_iana_names() {
    let utc = prepared("shop");
    for zone in ["CET", "+02", "PST", "Europe/Nowhere", "Europe/Berlin'' ", ""] {
        let plan = shown(&format!("select now() at time zone '{zone}'"), &utc);
        assert!(plan.contains("is no time zone here"), "{zone}: {plan}");
    }
    let plan = guard(
        plan_sql(
            "select ordered_at at time zone 'europe/berlin' as t from orders",
            &utc,
            &options(),
        )
        .unwrap(),
        &Policy::default(),
    );
    let sql = plan.unwrap().sql(Dialect::Postgres).unwrap();
    assert!(sql.text.contains("AT TIME ZONE 'Europe/Berlin'"), "{}", sql.text);
    let bad = shown("select 1", &shop("Europe/Nowhere"));
    assert!(bad.contains("is not known"), "{bad}");
}

#[test]
fn a_zone_that_is_an_abbreviation_to_postgres_is_computed_here() {
    let text = "select date_trunc('hour', ordered_at) as h, ordered_at::date as d from orders";
    for (zone, is_written) in [("CET", false), ("cet", false), ("Europe/Paris", true)] {
        let plan = plan_sql(text, &shop(zone), &options()).unwrap();
        let guarded = guard(plan, &Policy::default()).unwrap();
        for dialect in [Dialect::Postgres, Dialect::Timescaledb] {
            assert_eq!(guarded.sql(dialect).is_ok(), is_written, "{zone}");
        }
        guarded.sql(Dialect::Datafusion).unwrap();
    }
}
