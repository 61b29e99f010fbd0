//! When a schedule is due: a cron expression in a time zone.
//!
//! Five fields (minute, hour, day of month, month, weekday), or a nickname such as `@daily`. A
//! time that names its hours and minutes is due once on every day it names: one that a change of
//! the clocks skips is due at the first instant after it, one that they repeat is due the first
//! time. A time with `*`, a range or a step in its hours or minutes follows the clock: what is
//! skipped is not there, what is repeated is there twice.

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::contract::types::FieldErrorCode;
use crate::problem::ApiError;
use crate::store::Moment;

/// Times that name more hours and minutes than this follow the clock.
const MOST_NAMED: usize = 64;

/// Why there are no times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTimes {
    #[error("{0:?} is no cron expression of five fields: {1}")]
    Cron(String, String),
    #[error("{0:?} is no IANA time zone, such as America/New_York")]
    Zone(String),
    #[error("{0:?} names a time that never comes")]
    Never(String),
}

impl From<BadTimes> for ApiError {
    fn from(bad: BadTimes) -> Self {
        let (pointer, code) = match bad {
            BadTimes::Zone(_) => ("/time_zone", FieldErrorCode::UnknownTimezone),
            BadTimes::Cron(..) | BadTimes::Never(_) => ("/cron", FieldErrorCode::BadValue),
        };
        Self::field(pointer, code, crate::problem::sentence(&bad.to_string()))
    }
}

/// The times of a schedule.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    /// One for each hour and minute that is named; the expression itself where they are not.
    crons: Vec<Cron>,
    zone: Tz,
    /// The same zone, for what is shown.
    shown: jiff::tz::TimeZone,
}

impl Times {
    pub(crate) fn read(cron: &str, zone: &str) -> Result<Self, BadTimes> {
        // Both libraries must know the zone: reports are cut by the other one.
        let known = zone.parse::<Tz>().ok().zip(jiff::tz::TimeZone::get(zone).ok());
        let (zone, shown) = known.ok_or_else(|| BadTimes::Zone(zone.to_owned()))?;
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let read = |text: &str| {
            parser.parse(text).map_err(|e| BadTimes::Cron(cron.to_owned(), e.to_string()))
        };
        let whole = read(cron)?;
        let crons = match named(cron) {
            Some(texts) => texts.iter().map(|text| read(text)).collect::<Result<_, _>>()?,
            None => vec![whole],
        };
        Ok(Self { crons, zone, shown })
    }

    /// The same, where there is a next time.
    pub(crate) fn coming(cron: &str, zone: &str, now: Moment) -> Result<(Self, Moment), BadTimes> {
        let times = Self::read(cron, zone)?;
        let next = times.after(now).ok_or_else(|| BadTimes::Never(cron.to_owned()))?;
        Ok((times, next))
    }

    /// The first time after an instant.
    pub(crate) fn after(&self, instant: Moment) -> Option<Moment> {
        let instant = Utc.timestamp_micros(instant.timestamp().as_microsecond()).single()?;
        let local = instant.with_timezone(&self.zone);
        let next = |cron: &Cron| cron.find_next_occurrence(&local, false).ok();
        moment(&self.crons.iter().filter_map(next).min()?)
    }

    /// The next times after an instant, with the zone's offset.
    pub(crate) fn next(&self, instant: Moment, count: usize) -> Vec<String> {
        let times = std::iter::successors(self.after(instant), |last| self.after(*last));
        times.take(count).map(|time| self.shown(time)).collect()
    }

    /// An instant as the zone's clocks show it.
    pub(crate) fn shown(&self, instant: Moment) -> String {
        let local = instant.timestamp().to_zoned_datetime(self.shown.clone());
        local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

fn moment(time: &DateTime<Tz>) -> Option<Moment> {
    jiff::Timestamp::from_microsecond(time.timestamp_micros()).ok().map(Moment::from)
}

/// An expression for each of the hours and minutes that are named, where all are.
fn named(cron: &str) -> Option<Vec<String>> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minutes, hours, rest @ ..] = fields.as_slice() else { return None };
    let numbers = |field: &str| {
        let plain = field.chars().all(|c| c.is_ascii_digit() || c == ',');
        plain.then(|| field.split(',').map(str::to_owned).collect::<Vec<_>>())
    };
    let (minutes, hours) = (numbers(minutes)?, numbers(hours)?);
    if minutes.len() * hours.len() > MOST_NAMED {
        return None;
    }
    let rest = rest.join(" ");
    let each = hours.iter().flat_map(|h| minutes.iter().map(move |m| (m, h)));
    Some(each.map(|(minute, hour)| format!("{minute} {hour} {rest}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let from = Moment::from(from.parse::<jiff::Timestamp>().unwrap());
        Times::read(cron, zone).unwrap().next(from, count)
    }

    #[test]
    fn plain_times_come_in_their_zone() {
        assert_eq!(
            next("30 6 * * MON-FRI", "America/New_York", "2024-01-05T00:00:00Z", 3),
            ["2024-01-05T06:30:00-05:00", "2024-01-08T06:30:00-05:00", "2024-01-09T06:30:00-05:00"]
        );
        assert_eq!(
            next("0 0 L * *", "UTC", "2024-02-01T00:00:00Z", 2),
            ["2024-02-29T00:00:00+00:00", "2024-03-31T00:00:00+00:00"]
        );
        assert_eq!(next("@daily", "UTC", "2024-01-01T00:00:00Z", 1), ["2024-01-02T00:00:00+00:00"]);
        // Days of the month and weekdays: either, as cron has it.
        assert_eq!(
            next("0 0 13 * FRI", "UTC", "2024-09-12T00:00:00Z", 2),
            ["2024-09-13T00:00:00+00:00", "2024-09-20T00:00:00+00:00"]
        );
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_due_after_the_gap() {
        // In Berlin 02:00 to 03:00 was not there on 2024-03-31.
        assert_eq!(
            next("30 2 * * *", "Europe/Berlin", "2024-03-30T00:00:00Z", 3),
            ["2024-03-30T02:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00"]
        );
        // Named in a list it is named all the same, and two that meet are one.
        assert_eq!(
            next("0,30 2,14 * * *", "Europe/Berlin", "2024-03-30T23:00:00Z", 4),
            [
                "2024-03-31T03:00:00+02:00",
                "2024-03-31T14:00:00+02:00",
                "2024-03-31T14:30:00+02:00",
                "2024-04-01T02:00:00+02:00"
            ]
        );
        // What follows the clock has no such hour.
        assert_eq!(
            next("0 * * * *", "Europe/Berlin", "2024-03-31T00:30:00Z", 2),
            ["2024-03-31T03:00:00+02:00", "2024-03-31T04:00:00+02:00"]
        );
    }

    #[test]
    fn a_time_that_the_clocks_repeat_is_due_once() {
        // In New York 01:00 to 02:00 was there twice on 2024-11-03.
        assert_eq!(
            next("30 1 * * *", "America/New_York", "2024-11-03T00:00:00Z", 2),
            ["2024-11-03T01:30:00-04:00", "2024-11-04T01:30:00-05:00"]
        );
        assert_eq!(
            next("0,30 1 * * *", "America/New_York", "2024-11-03T00:00:00Z", 3),
            ["2024-11-03T01:00:00-04:00", "2024-11-03T01:30:00-04:00", "2024-11-04T01:00:00-05:00"]
        );
        // From inside the second of the two hours it is over.
        assert_eq!(
            next("30 1 * * *", "America/New_York", "2024-11-03T06:10:00Z", 1),
            ["2024-11-04T01:30:00-05:00"]
        );
        assert_eq!(
            next("30 * * * *", "America/New_York", "2024-11-03T05:00:00Z", 3),
            ["2024-11-03T01:30:00-04:00", "2024-11-03T01:30:00-05:00", "2024-11-03T02:30:00-05:00"]
        );
    }

    #[test]
    fn half_hours_and_midnights_that_are_not_there() {
        // Lord Howe's clocks change by half an hour, Cairo's at midnight.
        assert_eq!(
            next("15 2 * * *", "Australia/Lord_Howe", "2024-10-05T10:00:00Z", 1),
            ["2024-10-06T02:30:00+11:00"]
        );
        assert_eq!(
            next("0 0 * * *", "Africa/Cairo", "2024-04-25T10:00:00Z", 1),
            ["2024-04-26T01:00:00+03:00"]
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let refused = |cron, zone| Times::coming(cron, zone, Moment::now()).unwrap_err();
        for cron in ["", "* * * *", "0 0 0 * * *", "61 * * * *", "a b c d e", "* * * * * * *"] {
            assert!(matches!(refused(cron, "UTC"), BadTimes::Cron(..)), "{cron}");
        }
        assert!(matches!(refused("0 0 30 2 *", "UTC"), BadTimes::Never(_)));
        for zone in ["", "Nowhere/City", "+02:00"] {
            assert!(matches!(refused("0 0 * * *", zone), BadTimes::Zone(_)), "{zone}");
        }
    }
}
