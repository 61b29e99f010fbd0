//! Days and times of day as MySQL counts them: the Gregorian calendar, also before it began.
//!
//! The arithmetic works in years that begin in March, so that a leap day is the last of its year.

/// Days since 1970-01-01 of a date that is in the calendar, else none.
pub(super) fn days(year: u16, month: u8, day: u8) -> Option<i32> {
    if !(1..=12).contains(&month) || day == 0 || day > month_length(year, month) {
        return None;
    }
    let (year, month) = (i32::from(year), i32::from(month));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let in_year = (153 * month + 2) / 5 + i32::from(day) - 1;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    Some(365 * year + leaps + in_year - 719_468)
}

fn month_length(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of a number of days since 1970-01-01.
pub(super) fn civil(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let in_cycle = days.rem_euclid(146_097);
    let year = (in_cycle - in_cycle / 1_460 + in_cycle / 36_524 - in_cycle / 146_096) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (cycle * 400 + year, narrow(month), narrow(day))
}

/// Hour, minute, second and microsecond of microseconds since midnight.
pub(super) fn micros_of_day(micros: i64) -> (u8, u8, u8, u32) {
    let seconds = micros / 1_000_000;
    let micro = u32::try_from(micros % 1_000_000).unwrap_or(0);
    (narrow(seconds / 3_600), narrow(seconds / 60 % 60), narrow(seconds % 60), micro)
}

/// Parts of a date or a day are below 256.
fn narrow(value: i64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_there_and_back() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 2, 29), Some(11_016));
        assert_eq!(days(1900, 2, 29), None);
        assert_eq!(days(2024, 2, 30), None);
        assert_eq!(days(2024, 0, 1), None);
        let (first, last) = (days(0, 1, 1).unwrap(), days(9999, 12, 31).unwrap());
        for day in first..=last {
            let (y, m, d) = civil(i64::from(day));
            assert_eq!(days(u16::try_from(y).unwrap(), m, d), Some(day), "{y}-{m}-{d}");
        }
    }
}
