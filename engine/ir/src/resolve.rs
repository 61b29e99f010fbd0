//! Periods to instants: the calendar of a run.

use crate::period::{Edge, Kind};
use crate::{Period, Relative, Unit, Weekday};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, ZonedDateTime};

/// A zone together with where its weeks and years start.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub zone: TimeZone,
    pub week_start: Weekday,
    /// First month of the year, 1 to 12.
    pub year_start: u8,
}

/// A half-open span of instants, and of the dates whose midnight lies in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub start: ZonedDateTime,
    pub end: ZonedDateTime,
}

impl Range {
    /// The dates `d` with `start <= midnight of d < end`, half-open.
    pub fn dates(&self) -> Result<(Date, Date), jiff::Error> {
        Ok((first_date(&self.start)?, first_date(&self.end)?))
    }
}

/// The first date whose local start is not before `at`.
fn first_date(at: &ZonedDateTime) -> Result<Date, jiff::Error> {
    match at.start_of_day()? == *at {
        true => Ok(at.date()),
        false => at.date().tomorrow(),
    }
}

impl Calendar {
    /// The instants of `period` for a run at `now`.
    ///
    /// # Errors
    /// Where the period leaves the years AIR can hold, or turns out to end before it starts.
    pub fn resolve(&self, period: &Period, now: Timestamp) -> Result<Range, String> {
        let outside = |_| format!("\"{}\" lies outside the calendar.", period.text());
        let range = match period.kind() {
            Kind::Between(from, to) => {
                let start = self.edge(from, now).map_err(outside)?;
                let end = self.edge(to, now).map_err(outside)?;
                Range { start, end }
            }
            Kind::Relative(relative) => self.relative(relative, now).map_err(outside)?,
        };
        if range.start > range.end {
            return Err(format!("\"{}\" ends before it starts.", period.text()));
        }
        Ok(range)
    }

    fn edge(&self, edge: Edge, now: Timestamp) -> Result<ZonedDateTime, jiff::Error> {
        match edge {
            Edge::Date(date) => self.midnight(date),
            Edge::StartOf(relative) => Ok(self.relative(relative, now)?.start),
        }
    }

    /// The first instant of a date in this zone.
    pub fn midnight(&self, date: Date) -> Result<ZonedDateTime, jiff::Error> {
        date.to_zoned_datetime(self.zone.clone())?.start_of_day()
    }

    fn relative(&self, relative: Relative, now: Timestamp) -> Result<Range, jiff::Error> {
        let now = now.to_zoned_datetime(self.zone.clone());
        let from = |unit, back: u32, long: u32| -> Result<Range, jiff::Error> {
            let current = self.start_of(unit, &now)?;
            let start = self.step(unit, &current, -i64::from(back))?;
            let end = self.step(unit, &current, i64::from(long) - i64::from(back))?;
            Ok(Range { start, end })
        };
        match relative {
            Relative::Today => from(Unit::Day, 0, 1),
            Relative::Yesterday => from(Unit::Day, 1, 1),
            Relative::This(unit) => from(unit, 0, 1),
            Relative::Previous(unit) => from(unit, 1, 1),
            Relative::Last(n, unit) => from(unit, n, n),
            Relative::Past(n, unit) => {
                let start = now.checked_sub(span(unit, i64::from(n))?)?;
                Ok(Range { start, end: now.clone() })
            }
            Relative::ToDate(unit) => {
                Ok(Range { start: self.start_of(unit, &now)?, end: now.clone() })
            }
        }
    }

    /// The start of the unit that `at` lies in.
    pub fn start_of(&self, unit: Unit, at: &ZonedDateTime) -> Result<ZonedDateTime, jiff::Error> {
        let date = at.date();
        let start = match unit {
            Unit::Minute | Unit::Hour => return self.start_of_clock(unit, at),
            Unit::Day => date,
            Unit::Week => {
                let day = i64::from(date.weekday().to_monday_zero_offset());
                let back = (day - self.week_start.from_monday()).rem_euclid(7);
                date.checked_sub(back.days())?
            }
            Unit::Month => date.first_of_month(),
            Unit::Quarter => {
                let back = i64::from((date.month() - self.first_month()).rem_euclid(3));
                date.first_of_month().checked_sub(back.months())?
            }
            Unit::Year => {
                let back = i64::from((date.month() - self.first_month()).rem_euclid(12));
                date.first_of_month().checked_sub(back.months())?
            }
        };
        self.midnight(start)
    }

    fn first_month(&self) -> i8 {
        i8::try_from(self.year_start).unwrap_or(1)
    }

    /// Hours and minutes are distinct instants, also on the day whose hour comes twice.
    fn start_of_clock(&self, unit: Unit, at: &ZonedDateTime) -> Result<ZonedDateTime, jiff::Error> {
        let seconds = i64::from(at.second());
        let minutes = if unit == Unit::Hour { i64::from(at.minute()) } else { 0 };
        let into = Span::new()
            .minutes(minutes)
            .seconds(seconds)
            .nanoseconds(i64::from(at.subsec_nanosecond()));
        at.checked_sub(into)
    }

    /// `count` units on from the start of one.
    fn step(
        &self,
        unit: Unit,
        start: &ZonedDateTime,
        count: i64,
    ) -> Result<ZonedDateTime, jiff::Error> {
        match unit {
            Unit::Minute | Unit::Hour => start.checked_add(span(unit, count)?),
            _ => self.midnight(start.date().checked_add(span(unit, count)?)?),
        }
    }
}

fn span(unit: Unit, count: i64) -> Result<Span, jiff::Error> {
    match unit {
        Unit::Minute => Span::new().try_minutes(count),
        Unit::Hour => Span::new().try_hours(count),
        Unit::Day => Span::new().try_days(count),
        Unit::Week => Span::new().try_weeks(count),
        Unit::Month => Span::new().try_months(count),
        Unit::Quarter => Span::new().try_months(count * 3),
        Unit::Year => Span::new().try_years(count),
    }
}

#[cfg(test)]
mod tests {
    use super::Calendar;
    use crate::{Period, Weekday};
    use jiff::tz::TimeZone;

    fn resolved(text: &str, now: &str, year_start: u8) -> (String, String) {
        let zone = TimeZone::get("America/New_York").unwrap();
        let calendar = Calendar { zone, week_start: Weekday::Monday, year_start };
        let range = calendar.resolve(&Period::parse(text).unwrap(), now.parse().unwrap()).unwrap();
        (range.start.timestamp().to_string(), range.end.timestamp().to_string())
    }

    #[test]
    fn resolves_against_now_in_the_zone() {
        let now = "2013-03-11T03:30:00Z"; // 23:30 on Sunday, 10 March, the day of 23 hours
        for (text, start, end) in [
            ("today", "2013-03-10T05:00:00Z", "2013-03-11T04:00:00Z"),
            ("yesterday", "2013-03-09T05:00:00Z", "2013-03-10T05:00:00Z"),
            ("this week", "2013-03-04T05:00:00Z", "2013-03-11T04:00:00Z"),
            ("last 2 months", "2013-01-01T05:00:00Z", "2013-03-01T05:00:00Z"),
            ("previous quarter", "2012-10-01T04:00:00Z", "2013-01-01T05:00:00Z"),
            ("past 1 month", "2013-02-11T04:30:00Z", "2013-03-11T03:30:00Z"),
            ("month to date", "2013-03-01T05:00:00Z", "2013-03-11T03:30:00Z"),
            ("last 2 hours", "2013-03-11T01:00:00Z", "2013-03-11T03:00:00Z"),
            ("yesterday..today", "2013-03-09T05:00:00Z", "2013-03-10T05:00:00Z"),
        ] {
            assert_eq!(resolved(text, now, 1), (start.into(), end.into()), "{text}");
        }
    }

    #[test]
    fn fiscal_years_move_years_and_quarters() {
        let now = "2013-03-11T12:00:00Z";
        let (start, end) = resolved("this year", now, 4);
        assert_eq!(
            (start.as_str(), end.as_str()),
            ("2012-04-01T04:00:00Z", "2013-04-01T04:00:00Z")
        );
        let (start, _) = resolved("this quarter", now, 2);
        assert_eq!(start, "2013-02-01T05:00:00Z");
    }

    #[test]
    fn a_day_the_month_lacks_is_its_last() {
        let (start, _) = resolved("past 1 month", "2013-03-31T16:00:00Z", 1);
        assert_eq!(start, "2013-02-28T17:00:00Z");
    }
}
