//! Checks on time: gaps, the last period, freshness; by the calendar of the zone.

use super::*;
use datafusion::arrow::array::{Date32Array, TimestampSecondArray};

const NEW_YORK: &str = "America/New_York";

fn by(grain: &str, array: ArrayRef) -> Case {
    let ir = r#"{"dimensions":[{"name":"t","field":"sold_at","grain":"1 day"}],
                 "metrics":[{"name":"n","agg":"count"}]}"#;
    let n = integers((0..).take(array.len()));
    let mut case = Case::new(ir, vec![bucket("t", grain, array), metric("n", Agg::Count, n)]);
    case.time_zone = NEW_YORK;
    case
}

fn new_york(grain: &str, starts: &[&str]) -> Case {
    by(grain, instants(NEW_YORK, starts.iter().copied()))
}

fn dates(grain: &str, days: &[&str]) -> Case {
    let epoch = jiff::civil::date(1970, 1, 1);
    let day = |d: &&str| epoch.until(d.parse::<jiff::civil::Date>().unwrap()).unwrap().get_days();
    by(grain, Arc::new(Date32Array::from_iter_values(days.iter().map(day))))
}

fn missing(case: &Case) -> Value {
    case.observed("time_gaps")[0]["examples"].clone()
}

#[test]
fn days_across_the_changes_of_the_clock() {
    let whole = ["2013-03-09T05:00:00Z", "2013-03-10T05:00:00Z", "2013-03-11T04:00:00Z"];
    assert_eq!(new_york("1 day", &whole).status("time_gaps"), PASS);
    let autumn = ["2013-11-02T04:00:00Z", "2013-11-03T04:00:00Z", "2013-11-04T05:00:00Z"];
    assert_eq!(new_york("1 day", &autumn).status("time_gaps"), PASS);
    let gap = new_york("1 day", &[whole[0], whole[2]]);
    assert_eq!(gap.status("time_gaps"), WARN);
    assert_eq!(missing(&gap), serde_json::json!(["2013-03-10"]));
    let text = "Between the first and the last, rows lack 1 bucket of 1 day in t.";
    assert_eq!(gap.message("time_gaps"), text);
}

#[test]
fn hours_are_distinct_instants() {
    let spring = ["2013-03-10T06:00:00Z", "2013-03-10T07:00:00Z"];
    assert_eq!(new_york("1 hour", &spring).status("time_gaps"), PASS, "01:00, then 03:00");
    let autumn = ["2013-11-03T05:00:00Z", "2013-11-03T06:00:00Z", "2013-11-03T07:00:00Z"];
    assert_eq!(new_york("1 hour", &autumn).status("time_gaps"), PASS, "01:00 twice");
    let gap = new_york("1 hour", &[autumn[0], autumn[2]]);
    assert_eq!(missing(&gap), serde_json::json!(["2013-11-03T01:00:00-05:00"]));
}

#[test]
fn longer_clock_buckets_lie_on_the_wall() {
    let six = [
        "2013-11-03T04:00:00Z",
        "2013-11-03T11:00:00Z",
        "2013-11-03T17:00:00Z",
        "2013-11-03T23:00:00Z",
        "2013-11-04T05:00:00Z",
    ];
    assert_eq!(new_york("6 hours", &six).status("time_gaps"), PASS, "the first has 7 hours");
    let two = ["2013-03-10T05:00:00Z", "2013-03-10T07:00:00Z", "2013-03-10T08:00:00Z"];
    assert_eq!(new_york("2 hours", &two).status("time_gaps"), PASS, "02:00 is 03:00 that day");
    let skipped = ["2013-03-10T05:00:00Z", "2013-03-10T07:00:00Z", "2013-03-10T09:00:00Z"];
    let case = new_york("150 minutes", &skipped);
    assert_eq!(case.status("time_gaps"), PASS, "02:30 is the change itself");
    let five =
        ["2013-06-01T19:00:00-04:00", "2013-06-01T20:00:00-04:00", "2013-06-02T00:00:00-04:00"];
    assert_eq!(new_york("5 hours", &five[1..]).status("time_gaps"), PASS, "anew at midnight");
    let half = ["2013-03-10T04:00:00-04:00", "2013-03-10T05:00:00-04:00"];
    assert_eq!(missing(&new_york("15 minutes", &half)).as_array().unwrap().len(), 3);
}

#[test]
fn a_change_of_the_clock_ends_a_short_bucket() {
    // 7 minutes do not divide the hour: the bucket of 01:59 is cut by the change at 03:00.
    let spring = ["2013-03-10T06:59:00Z", "2013-03-10T07:00:00Z", "2013-03-10T07:02:00Z"];
    let around = ["2013-03-10T06:52:00Z", spring[0], spring[1], spring[2], "2013-03-10T07:09:00Z"];
    assert_eq!(new_york("7 minutes", &around).status("time_gaps"), PASS);
    let gap = new_york("7 minutes", &[around[0], around[1], around[3], around[4]]);
    assert_eq!(missing(&gap), serde_json::json!(["2013-03-10T03:00:00-04:00"]));
}

#[test]
fn calendar_grains() {
    for (grain, days) in [
        ("1 month", ["2024-01-01", "2024-02-01", "2024-03-01"]),
        ("1 quarter", ["2023-10-01", "2024-01-01", "2024-04-01"]),
        ("1 year", ["2022-04-01", "2023-04-01", "2024-04-01"]),
        ("2 weeks", ["2024-01-01", "2024-01-15", "2024-01-29"]),
        ("3 days", ["2024-02-27", "2024-03-01", "2024-03-04"]),
    ] {
        assert_eq!(dates(grain, &days).status("time_gaps"), PASS, "{grain}");
        let gap = dates(grain, &[days[0], days[2]]);
        assert_eq!(missing(&gap), serde_json::json!([days[1]]), "{grain}");
    }
}

#[test]
fn local_times_have_no_change_of_the_clock() {
    let seconds = |texts: [&str; 3]| texts.map(|t| at(t).as_second()).to_vec();
    let hours = seconds(["2013-03-10T01:00:00Z", "2013-03-10T02:00:00Z", "2013-03-10T03:00:00Z"]);
    let case = by("1 hour", Arc::new(TimestampSecondArray::from(hours)));
    assert_eq!(case.status("time_gaps"), PASS);
    assert_eq!(case.observed("time_gaps")[0]["first"], "2013-03-10T01:00:00");
}

#[test]
fn gaps_need_two_buckets_and_every_group() {
    assert_eq!(dates("1 day", &["2024-01-01"]).status("time_gaps"), None);
    assert_eq!(dates("1 day", &[]).status("time_gaps"), None);
    let mut cut = dates("1 day", &["2024-01-01", "2024-01-03"]);
    assert_eq!(cut.status("time_gaps"), WARN);
    cut.truncated = true;
    assert_eq!(cut.status("time_gaps"), None);
    let far = new_york("1 minute", &["1900-01-01T00:00:00Z", "2024-01-01T00:00:00Z"]);
    assert_eq!(far.observed("time_gaps")[0]["missing_is_exact"], false);
    assert!(far.message("time_gaps").contains("at least"));
}

#[test]
fn the_last_period_ends_by_now() {
    let mut case = new_york("1 month", &["2024-04-01T04:00:00Z", "2024-05-01T04:00:00Z"]);
    case.now = at("2024-06-01T04:00:00Z");
    assert_eq!(case.status("incomplete_last_period"), PASS, "it ends now");
    case.now = at("2024-06-01T03:59:59Z");
    assert_eq!(case.status("incomplete_last_period"), WARN);
    let text = "The last period of t, 2024-05-01, is incomplete: it is not over yet.";
    assert_eq!(case.message("incomplete_last_period"), text);
}

#[test]
fn a_date_ends_at_the_midnight_of_the_zone() {
    let mut case = dates("1 day", &["2024-05-31"]);
    case.now = at("2024-06-01T04:00:00Z");
    assert_eq!(case.status("incomplete_last_period"), PASS);
    case.now = at("2024-06-01T03:59:59Z");
    assert_eq!(case.status("incomplete_last_period"), WARN);
}

#[test]
fn the_range_may_not_end_inside_the_last_period() {
    let mut case = new_york("1 month", &["2024-01-01T05:00:00Z"]);
    let start = at("2024-01-01T05:00:00Z");
    case.range = Some((start, at("2024-02-01T05:00:00Z")));
    assert_eq!(case.status("incomplete_last_period"), PASS, "it ends with it");
    case.range = Some((start, at("2024-02-01T04:59:59Z")));
    assert_eq!(case.status("incomplete_last_period"), WARN);
    case.range = Some((at("2023-01-01T05:00:00Z"), start));
    assert_eq!(case.status("incomplete_last_period"), PASS, "it starts as the range ends");
}

#[test]
fn the_data_reaches_nearly_to_the_end_of_the_last_period() {
    // 30 days: 3 of them may be missing.
    let mut case = new_york("1 month", &["2024-04-01T04:00:00Z"]);
    for (latest, expected) in [
        ("2024-05-20T00:00:00Z", PASS), // beyond it
        ("2024-05-01T03:00:00Z", PASS), // 23:00 of its last day, the whole hour
        ("2024-04-28T04:00:00.000001Z", PASS),
        ("2024-04-28T03:59:59.999999Z", WARN),
        ("2024-04-27T04:00:00Z", PASS), // midnight, so all of the 27th
        ("2024-04-26T04:00:00Z", WARN),
        ("2024-04-01T04:00:00Z", PASS), // stamped by the month
    ] {
        case.latest = Some(at(latest));
        assert_eq!(case.status("incomplete_last_period"), expected, "{latest}");
    }
    case.latest = Some(at("2024-04-15T12:34:56Z"));
    let text = "The last period of t, 2024-04-01, is incomplete: the data ends inside it.";
    assert_eq!(case.message("incomplete_last_period"), text);
}

#[test]
fn range_and_data_are_those_of_the_report_s_time() {
    let ir = r#"{"dimensions":["month",{"name":"landed","field":"landed_at","grain":"1 month"}]}"#;
    let case = |month: &str, landed: &str| {
        let columns = vec![
            bucket("month", "1 month", instants("UTC", [month])),
            bucket("landed", "1 month", instants("UTC", [landed])),
        ];
        let mut case = Case::new(ir, columns);
        case.range = Some((at("2024-01-01T00:00:00Z"), at("2024-03-15T00:00:00Z")));
        case.status("incomplete_last_period")
    };
    assert_eq!(case("2024-03-01T00:00:00Z", "2024-01-01T00:00:00Z"), WARN);
    assert_eq!(case("2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"), PASS, "another column");
}

#[test]
fn no_last_period_without_buckets() {
    assert_eq!(dates("1 day", &[]).status("incomplete_last_period"), None);
    let plain = Case::new(r#"{"dimensions":["shop"]}"#, vec![dimension("shop", text(["a"]))]);
    assert_eq!(plain.status("incomplete_last_period"), None);
    assert_eq!(plain.status("freshness"), None);
}

#[test]
fn freshness_is_two_buckets() {
    let mut case = new_york("1 month", &["2024-04-01T04:00:00Z"]);
    case.now = at("2024-06-10T12:00:00Z");
    for (latest, expected) in [
        ("2024-07-01T00:00:00Z", PASS), // planned rows
        ("2024-04-10T12:00:00Z", PASS),
        ("2024-04-10T11:59:59Z", WARN),
    ] {
        case.latest = Some(at(latest));
        assert_eq!(case.status("freshness"), expected, "{latest}");
    }
    assert_eq!(case.message("freshness"), "The newest data is 61 days older than now.");
}

#[test]
fn freshness_looks_no_further_than_the_range() {
    let mut case = new_york("1 day", &["2013-12-31T05:00:00Z"]);
    case.latest = Some(at("2013-12-31T23:00:00Z"));
    assert_eq!(case.status("freshness"), WARN);
    case.range = Some((at("2013-01-01T05:00:00Z"), at("2014-01-01T05:00:00Z")));
    assert_eq!(case.status("freshness"), PASS);
    case.range = Some((at("2013-01-01T05:00:00Z"), at("2014-02-01T05:00:00Z")));
    assert_eq!(case.status("freshness"), WARN);
    assert!(case.message("freshness").ends_with("the end of the period asked for."));
}

#[test]
fn freshness_without_buckets_is_two_days() {
    let mut case = Case::new(r#"{"dimensions":["shop"]}"#, vec![dimension("shop", text(["a"]))]);
    case.latest = Some(at("2024-05-30T00:00:00Z"));
    assert_eq!(case.status("freshness"), PASS);
    case.latest = Some(at("2024-05-29T23:59:59Z"));
    assert_eq!(case.status("freshness"), WARN);
}
