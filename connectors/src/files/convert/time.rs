//! Dates and times from text, in ISO 8601 form.

use jiff::civil;
use jiff::tz::TimeZone;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Digits of a second's fraction that a microsecond has.
const MICROS: usize = 6;

/// A date and time as written: microseconds of the clock since 1970, and the offset if one is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    clock: i64,
    pub(crate) offset: Option<i64>,
}

impl Stamp {
    /// The clock's reading; none where an offset says that it is an instant.
    pub(crate) fn local(self) -> Option<i64> {
        self.offset.is_none().then_some(self.clock)
    }

    /// The instant, by its offset or else by the zone's clock. An hour that the clock shows twice
    /// is its first showing; one that it skips is read with the offset before the change.
    pub(crate) fn instant(self, zone: &TimeZone) -> Option<i64> {
        match self.offset {
            Some(offset) => self.clock.checked_sub(offset),
            None => local_to_instant(self.clock, zone),
        }
    }
}

/// The instant at which the zone's clock shows `clock`.
pub(crate) fn local_to_instant(clock: i64, zone: &TimeZone) -> Option<i64> {
    if *zone == TimeZone::UTC {
        return Some(clock);
    }
    let known = jiff::Timestamp::from_microsecond(clock).ok().and_then(|reading| {
        let reading: civil::DateTime = TimeZone::UTC.to_datetime(reading);
        Some(zone.to_ambiguous_timestamp(reading).compatible().ok()?.as_microsecond())
    });
    known.or_else(|| {
        // Beyond the years for which zones are known, as at the end of 9999, which stands for
        // "never": the clock keeps the offset that it has at their end.
        let end = if clock < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        clock.checked_sub(i64::from(zone.to_offset(end).seconds()) * SECOND)
    })
}

/// `2013-01-31`, as days since 1970.
pub(crate) fn date(text: &str) -> Option<i32> {
    let (days, rest) = days(text.as_bytes())?;
    rest.is_empty().then(|| i32::try_from(days).ok())?
}

/// `10:30`, `10:30:05.25`, as microseconds since midnight.
pub(crate) fn time_of_day(text: &str) -> Option<i64> {
    let (micros, rest) = clock(text.as_bytes())?;
    rest.is_empty().then_some(micros)
}

/// A date, or a date and time with `T` or a space between, with or without an offset.
pub(crate) fn stamp(text: &str) -> Option<Stamp> {
    let (days, rest) = days(text.as_bytes())?;
    let midnight = days.checked_mul(DAY)?;
    if rest.is_empty() {
        return Some(Stamp { clock: midnight, offset: None });
    }
    let [b'T' | b't' | b' ', rest @ ..] = rest else {
        return None;
    };
    let (micros, rest) = clock(rest)?;
    Some(Stamp { clock: midnight.checked_add(micros)?, offset: offset(rest)? })
}

fn offset(text: &[u8]) -> Option<Option<i64>> {
    let (sign, rest) = match text {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [b' ', rest @ ..] => return if rest.is_empty() { None } else { offset(rest) },
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = number(rest, 2)?;
    let minutes = match rest {
        [] => 0,
        [b':', rest @ ..] | rest => match number(rest, 2)? {
            (minutes, []) if minutes < 60 => minutes,
            _ => return None,
        },
    };
    (hours < 24).then_some(Some(sign * (hours * 60 + minutes) * 60 * SECOND))
}

/// Days since 1970 of a date at the beginning, and what follows.
fn days(text: &[u8]) -> Option<(i64, &[u8])> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(rest.strip_prefix(b"-")?, 2)?;
    let (day, rest) = number(rest.strip_prefix(b"-")?, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years counted from March, so that the leap day is the last of a year.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = (153 * m + 2) / 5 + day - 1;
    Some((era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468, rest))
}

/// Whether a text is a time but for digits below the microsecond, which no type of time holds.
pub(crate) fn is_finer(text: &str) -> bool {
    let Some(point) = text.find(['.', ',']) else {
        return false;
    };
    let digits = text[point + 1..].bytes().take_while(u8::is_ascii_digit).count();
    let cut = [&text[..point], &text[point + 1 + digits..]].concat();
    digits > MICROS && (stamp(&cut).is_some() || time_of_day(&cut).is_some())
}

/// Microseconds since midnight. Digits beyond the sixth must be zeros, as in decimals.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hours, rest) = number(text, 2)?;
    let (minutes, mut rest) = number(rest.strip_prefix(b":")?, 2)?;
    let (mut seconds, mut fraction) = (0, 0);
    if let [b':', after @ ..] = rest {
        (seconds, rest) = number(after, 2)?;
        if let [b'.' | b',', after @ ..] = rest {
            let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
            let below = after[..digits].get(MICROS..).unwrap_or_default();
            if digits == 0 || below.iter().any(|b| *b != b'0') {
                return None;
            }
            for i in 0..MICROS {
                fraction =
                    fraction * 10 + after[..digits].get(i).map_or(0, |b| i64::from(b - b'0'));
            }
            rest = &after[digits..];
        }
    }
    let right = hours < 24 && minutes < 60 && seconds < 60;
    right.then_some((((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction, rest))
}

/// A number of exactly `digits` digits.
fn number(text: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let mut value = 0;
    for byte in head {
        value = value * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str, zone: &str) -> Option<String> {
        let micros = stamp(text)?.instant(&TimeZone::get(zone).unwrap())?;
        Some(jiff::Timestamp::from_microsecond(micros).unwrap().to_string())
    }

    #[test]
    fn clocks_that_change_are_read_right() {
        let read = |t| instant(t, "America/New_York").unwrap();
        assert_eq!(read("2013-03-10 01:59:59"), "2013-03-10T06:59:59Z");
        assert_eq!(read("2013-03-10 02:30"), "2013-03-10T07:30:00Z");
        assert_eq!(read("2013-03-10 03:00"), "2013-03-10T07:00:00Z");
        assert_eq!(read("2013-11-03 01:30"), "2013-11-03T05:30:00Z");
        assert_eq!(read("2013-11-03 02:00"), "2013-11-03T07:00:00Z");
        assert_eq!(read("2013-11-03T01:30:00-05:00"), "2013-11-03T06:30:00Z");
        assert_eq!(read("2013-11-03 01:30:00.25 +0000"), "2013-11-03T01:30:00.25Z");
    }

    #[test]
    fn the_end_of_the_calendar_is_an_instant_in_every_zone() {
        let micros =
            |zone: &str| stamp("9999-12-31 23:59:59")?.instant(&TimeZone::get(zone).unwrap());
        let utc = 253_402_300_799 * SECOND;
        assert_eq!(micros("UTC"), Some(utc));
        assert_eq!(micros("America/New_York"), Some(utc + 5 * 3600 * SECOND));
        assert_eq!(micros("Asia/Kolkata"), Some(utc - 330 * 60 * SECOND));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date("1970-01-01"), Some(0));
        assert_eq!(date("2000-02-29"), Some(11_016));
        assert_eq!(date("1969-12-31"), Some(-1));
        for bad in ["2013-02-29", "2013-13-01", "2013-1-1", "01/02/2013", "2013-01-01x", ""] {
            assert_eq!(date(bad), None, "{bad}");
        }
        assert_eq!(time_of_day("24:00"), None);
        assert_eq!(stamp("2013-01-01T10:00:00+25:00"), None);
    }

    #[test]
    fn no_digit_below_the_microsecond_is_dropped() {
        let read = |t| instant(t, "UTC");
        assert_eq!(
            read("2013-01-01 10:00:00.123456000Z").as_deref(),
            Some("2013-01-01T10:00:00.123456Z")
        );
        assert_eq!(read("2013-01-01 10:00:00.123456000000"), read("2013-01-01 10:00:00.123456"));
        for text in ["2013-01-01 10:00:00.123456001", "2013-01-01T10:00:00.0000001+02:00"] {
            assert_eq!(read(text), None, "{text}");
            assert!(is_finer(text), "{text}");
        }
        assert_eq!(time_of_day("10:00:00.1234567"), None);
        assert!(is_finer("10:00:00.1234567"));
        for text in ["2013-01-01 10:00:00.", "2013-02-30 10:00:00.1234567", "10.1234567", "x"] {
            assert!(!is_finer(text), "{text}");
        }
    }
}
