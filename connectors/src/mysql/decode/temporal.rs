//! Dates, times of day and moments. Microseconds; the session is in UTC, so a `TIMESTAMP` comes
//! as its instant.

use super::{Fit, Misfit, NO_FORM, Wire};
use crate::mysql::calendar;
use mysql_async::Value;

const DAY: i64 = 86_400_000_000;
const NO_DAY: Misfit = Misfit::Other("it is a day that is not in the calendar");

pub(super) fn date(value: &Value) -> Fit<Option<i32>> {
    let Some(micros) = moment(value)? else {
        return Ok(None);
    };
    if micros % DAY != 0 {
        return Err(Misfit::Other("it has a time of day"));
    }
    Ok(i32::try_from(micros / DAY).ok())
}

/// Microseconds since 1970. Zero dates, also in part, are null.
pub(super) fn moment(value: &Value) -> Fit<Option<i64>> {
    match value {
        Value::NULL | Value::Date(_, 0, ..) | Value::Date(_, _, 0, ..) => Ok(None),
        Value::Date(year, month, day, hour, minute, second, micro) => {
            let days = calendar::days(*year, *month, *day).ok_or(NO_DAY)?;
            Ok(Some(i64::from(days) * DAY + of_day(*hour, *minute, *second, *micro)))
        }
        // Expressions over dates and texts may come as text.
        Value::Bytes(text) => from_text(text),
        _ => Err(NO_FORM),
    }
}

fn of_day(hour: u8, minute: u8, second: u8, micro: u32) -> i64 {
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    seconds * 1_000_000 + i64::from(micro)
}

/// `2024-02-29`, or with ` 12:30:00` and up to six digits of a second behind it.
fn from_text(text: &[u8]) -> Fit<Option<i64>> {
    let number = |from: usize, to: usize| -> Fit<u32> {
        let digits = text.get(from..to).ok_or(NO_FORM)?;
        digits.iter().try_fold(0, |n, b| match b.is_ascii_digit() {
            true => Ok(n * 10 + u32::from(b - b'0')),
            false => Err(NO_FORM),
        })
    };
    let mark =
        |at: usize, byte: u8| if text.get(at) == Some(&byte) { Ok(()) } else { Err(NO_FORM) };
    let narrow = |n: u32| u8::try_from(n).map_err(|_| NO_FORM);
    let year = u16::try_from(number(0, 4)?).map_err(|_| NO_FORM)?;
    mark(4, b'-')?;
    mark(7, b'-')?;
    let (month, day) = (narrow(number(5, 7)?)?, narrow(number(8, 10)?)?);
    let mut time = 0;
    if text.len() > 10 {
        mark(10, b' ')?;
        mark(13, b':')?;
        mark(16, b':')?;
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if hour > 23 || minute > 59 || second > 59 {
            return Err(NO_FORM);
        }
        let mut micro = 0;
        if text.len() > 19 {
            mark(19, b'.')?;
            let digits = text.len() - 20;
            if !(1..=6).contains(&digits) {
                return Err(NO_FORM);
            }
            micro = number(20, text.len())? * 10_u32.pow(6 - u32::try_from(digits).unwrap_or(6));
        }
        time = of_day(narrow(hour)?, narrow(minute)?, narrow(second)?, micro);
    }
    if month == 0 || day == 0 {
        return Ok(None);
    }
    let days = calendar::days(year, month, day).ok_or(NO_DAY)?;
    Ok(Some(i64::from(days) * DAY + time))
}

/// A `TIME` is a span from -838 to 838 hours; a time of day is a part of those.
pub(super) fn time(value: &Value) -> Fit<Option<i64>> {
    match value {
        Value::NULL => Ok(None),
        Value::Time(false, 0, hour @ 0..=23, minute, second, micro) => {
            Ok(Some(of_day(*hour, *minute, *second, *micro)))
        }
        Value::Time(..) => Err(Misfit::OutOfRange),
        _ => Err(NO_FORM),
    }
}

/// A date, moment or time as the server itself writes it.
pub(super) fn shown(wire: Wire, value: &Value) -> String {
    let fraction = |micro: u32| match wire {
        Wire::Clock(0) => String::new(),
        Wire::Clock(digits @ 1..=6) => {
            let kept = usize::from(digits);
            format!(".{}", &format!("{micro:06}")[..kept])
        }
        _ if micro == 0 => String::new(),
        _ => format!(".{micro:06}"),
    };
    match value {
        Value::Date(y, mo, d, ..) if wire == Wire::Day => format!("{y:04}-{mo:02}-{d:02}"),
        Value::Date(y, mo, d, h, m, s, us) => {
            format!("{y:04}-{mo:02}-{d:02} {h:02}:{m:02}:{s:02}{}", fraction(*us))
        }
        Value::Time(negative, days, h, m, s, us) => {
            let sign = if *negative { "-" } else { "" };
            let hours = days * 24 + u32::from(*h);
            format!("{sign}{hours:02}:{m:02}:{s:02}{}", fraction(*us))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_dates_are_null_and_false_ones_fail() {
        assert_eq!(moment(&Value::Date(0, 0, 0, 0, 0, 0, 0)), Ok(None));
        assert_eq!(moment(&Value::Date(2024, 0, 0, 0, 0, 0, 0)), Ok(None));
        assert_eq!(date(&Value::Date(2024, 2, 0, 0, 0, 0, 0)), Ok(None));
        assert_eq!(moment(&Value::Date(2024, 2, 31, 0, 0, 0, 0)), Err(NO_DAY));
        assert_eq!(date(&Value::Date(1970, 1, 2, 0, 0, 0, 0)), Ok(Some(1)));
        assert!(date(&Value::Date(1970, 1, 2, 0, 0, 1, 0)).is_err());
        assert_eq!(moment(&Value::Date(1969, 12, 31, 23, 59, 59, 999_999)), Ok(Some(-1)));
    }

    #[test]
    fn moments_from_text() {
        let read = |text: &str| moment(&Value::Bytes(text.as_bytes().to_vec()));
        assert_eq!(read("1970-01-02"), Ok(Some(DAY)));
        assert_eq!(read("1970-01-01 00:00:01.5"), Ok(Some(1_500_000)));
        assert_eq!(read("0000-00-00 00:00:00"), Ok(None));
        for bad in
            ["", "1970-01-01T00:00:00", "1970-1-1", "1970-01-01 24:00:00", "1970-01-01 00:00"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_of_day_are_within_the_day() {
        assert_eq!(time(&Value::Time(false, 0, 23, 59, 59, 1)), Ok(Some(DAY - 999_999)));
        assert_eq!(time(&Value::Time(true, 0, 1, 0, 0, 0)), Err(Misfit::OutOfRange));
        assert_eq!(time(&Value::Time(false, 1, 0, 0, 0, 0)), Err(Misfit::OutOfRange));
        let text = |wire, value| shown(wire, &value);
        assert_eq!(text(Wire::Clock(0), Value::Time(true, 34, 22, 59, 59, 0)), "-838:59:59");
        assert_eq!(text(Wire::Clock(2), Value::Time(false, 0, 1, 2, 3, 500_000)), "01:02:03.50");
        assert_eq!(text(Wire::Day, Value::Date(2024, 2, 9, 0, 0, 0, 0)), "2024-02-09");
    }
}
