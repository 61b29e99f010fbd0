//! The buckets of a time dimension, and the calendar that tells which one follows.

use super::{Evidence, values};
use crate::OutputColumn;
use air_ir::{Calendar, Grain, Unit, Weekday};
use datafusion::arrow::array::{Array, ArrayRef};
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp, ZonedDateTime};
use std::collections::BTreeSet;

const DAY_MINUTES: i64 = 24 * 60;
const HOUR_MINUTES: i64 = 60;

/// The distinct buckets of one dimension.
pub(super) struct Buckets<'e> {
    pub(super) column: &'e OutputColumn,
    pub(super) grain: Grain,
    /// At least one. Instants; of a column without zone, its local times as if in UTC.
    pub(super) starts: BTreeSet<Timestamp>,
    /// In which the starts lie: the IR's, or UTC for a column without zone.
    calendar: Calendar,
    /// The IR's.
    zone: TimeZone,
}

/// Every bucketed dimension that has a bucket.
pub(super) fn all<'e>(e: &Evidence<'e>) -> Vec<Buckets<'e>> {
    e.dimensions().filter_map(|(column, array)| read(e, column, array)).collect()
}

fn read<'e>(e: &Evidence<'e>, column: &'e OutputColumn, array: &ArrayRef) -> Option<Buckets<'e>> {
    let grain = column.bucket?;
    let starts: BTreeSet<Timestamp> = values::times(array)?.into_iter().flatten().collect();
    let zone = TimeZone::get(e.time_zone).ok()?;
    let is_instant = values::is_instant(array.data_type());
    let calendar = calendar(if is_instant { zone.clone() } else { TimeZone::UTC });
    (!starts.is_empty()).then_some(Buckets { column, grain, starts, calendar, zone })
}

/// Steps from a bucket's start need no first day of the week or year: the starts carry them.
fn calendar(zone: TimeZone) -> Calendar {
    Calendar { zone, week_start: Weekday::default(), year_start: 1 }
}

impl Buckets<'_> {
    /// The start of the bucket after the one that starts at `start`; `None` at the end of the
    /// calendar.
    pub(super) fn next(&self, start: Timestamp) -> Option<Timestamp> {
        let at = start.to_zoned_datetime(self.calendar.zone.clone());
        let next = match self.grain.unit {
            Unit::Minute => self.next_clock(&at, i64::from(self.grain.n)),
            Unit::Hour => self.next_clock(&at, i64::from(self.grain.n) * HOUR_MINUTES),
            _ => {
                let date = at.date().checked_add(span(self.grain, 1)?).ok()?;
                self.calendar.midnight(date).ok()
            }
        }?;
        Some(next.timestamp()).filter(|next| *next > start)
    }

    /// Clock buckets begin anew at midnight. Those of an hour or less are distinct instants, and
    /// a change of the clock ends one; longer ones lie on the clock on the wall (`IR.md`,
    /// "Buckets").
    fn next_clock(&self, at: &ZonedDateTime, minutes: i64) -> Option<ZonedDateTime> {
        let into_day = i64::from(at.hour()) * HOUR_MINUTES + i64::from(at.minute());
        let next = ((into_day / minutes + 1) * minutes).min(DAY_MINUTES);
        if minutes <= HOUR_MINUTES {
            let next = at.checked_add(SignedDuration::from_mins(next - into_day)).ok()?;
            return if next.offset() == at.offset() { Some(next) } else { self.change_after(at) };
        }
        if next == DAY_MINUTES {
            return self.calendar.midnight(at.date().tomorrow().ok()?).ok();
        }
        let (hour, minute) = (next / HOUR_MINUTES, next % HOUR_MINUTES);
        let time = at.date().at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
        match self.calendar.zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Gap { .. } => self.change_after(at),
            _ => time.to_zoned_datetime(self.calendar.zone.clone()).ok(),
        }
    }

    /// The next change of the clock.
    fn change_after(&self, at: &ZonedDateTime) -> Option<ZonedDateTime> {
        let change = self.calendar.zone.following(at.timestamp()).next()?.timestamp();
        Some(change.to_zoned_datetime(self.calendar.zone.clone()))
    }

    /// The instant of a start, or of an end.
    pub(super) fn instant(&self, start: Timestamp) -> Option<Timestamp> {
        let local = start.to_zoned_datetime(self.calendar.zone.clone()).datetime();
        if self.calendar.zone == self.zone {
            return Some(start);
        }
        local.to_zoned_datetime(self.zone.clone()).ok().map(|at| at.timestamp())
    }

    /// A start for people: with its offset where it is an instant.
    pub(super) fn show(&self, start: Timestamp) -> String {
        let at = start.to_zoned_datetime(self.calendar.zone.clone());
        let midnight = self.calendar.midnight(at.date()).is_ok_and(|m| m == at);
        if midnight && !matches!(self.grain.unit, Unit::Minute | Unit::Hour) {
            return at.date().to_string();
        }
        if self.calendar.zone == self.zone {
            return start.display_with_offset(at.offset()).to_string();
        }
        at.datetime().to_string()
    }

    /// Whether the time filter of the IR is about this dimension: a bare unit of time, a bucket
    /// of the IR's time field, or the only time there is.
    pub(super) fn is_time_of(&self, e: &Evidence<'_>) -> bool {
        let alone = e.columns.iter().filter(|c| c.bucket.is_some()).count() == 1;
        let dimension = e.ir.dimensions.iter().find(|d| d.name == self.column.name);
        alone
            || dimension.is_some_and(|d| match &d.input {
                air_ir::Input::Field(field) => d.bare || e.ir.time.field.as_ref() == Some(field),
                air_ir::Input::Value(_) => false,
            })
    }
}

/// `times` the grain, by the calendar.
pub(super) fn span(grain: Grain, times: i64) -> Option<Span> {
    let n = i64::from(grain.n).checked_mul(times)?;
    match grain.unit {
        Unit::Minute => Span::new().try_minutes(n),
        Unit::Hour => Span::new().try_hours(n),
        Unit::Day => Span::new().try_days(n),
        Unit::Week => Span::new().try_weeks(n),
        Unit::Month => Span::new().try_months(n),
        Unit::Quarter => Span::new().try_months(n.checked_mul(3)?),
        Unit::Year => Span::new().try_years(n),
    }
    .ok()
}

/// The end of what a time stands for: times on a local midnight or a whole hour or minute are
/// mostly stamps of that whole day, hour or minute.
pub(super) fn covered_until(latest: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let at = latest.to_zoned_datetime(zone.clone());
    let date: Date = at.date();
    if calendar(zone.clone()).midnight(date).is_ok_and(|m| m == at) {
        let next = calendar(zone.clone()).midnight(date.tomorrow().ok()?).ok()?;
        return Some(next.timestamp());
    }
    let minutes = match (at.minute(), at.second(), at.subsec_nanosecond()) {
        (0, 0, 0) => HOUR_MINUTES,
        (_, 0, 0) => 1,
        _ => return Some(latest),
    };
    latest.checked_add(SignedDuration::from_mins(minutes)).ok()
}
