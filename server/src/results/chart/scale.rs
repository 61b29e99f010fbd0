//! Axes: round numbers, and times in the words that tell them apart.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Round values that cover a range, about so many.
pub(super) fn ticks(low: f64, high: f64, about: f64) -> Vec<f64> {
    let span = if high > low { high - low } else { high.abs().max(1.0) };
    let raw = span / about;
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power);
    let step = step.into_iter().find(|step| *step >= raw * 0.999).unwrap_or(raw);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    // Bounded, so that no strange range makes a long list.
    let count = (last - first).clamp(1.0, 50.0) as u32;
    (0..=count).map(|n| (first + f64::from(n)) * step).collect()
}

/// A number as an axis or a label shows it.
pub(super) fn shown(value: f64) -> String {
    let size = value.abs();
    let (value, unit) = match size {
        s if s >= 1e12 => return format!("{value:.3e}"),
        s if s >= 1e9 => (value / 1e9, "G"),
        s if s >= 1e6 => (value / 1e6, "M"),
        s if s > 0.0 && s < 1e-3 => return format!("{value:.2e}"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        v if v >= 1000.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 1.0 => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    format!("{}{unit}", grouped(&text))
}

/// Thousands apart.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, part) = rest.split_once('.').map_or((rest, None), |(w, p)| (w, Some(p)));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    match part {
        Some(part) => format!("{sign}{out}.{part}"),
        None => format!("{sign}{out}"),
    }
}

/// Seconds of a time as rows hold it; those without a zone as in UTC.
pub(super) fn seconds(text: &str) -> Option<f64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_microsecond() as f64 / 1e6);
    }
    let civil = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from));
    let at = civil.ok()?.to_zoned_datetime(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_microsecond() as f64 / 1e6)
}

/// Times without what they all have in common: years, months, days, or minutes.
pub(super) fn time_labels(texts: &[String]) -> Vec<String> {
    let all = |from: usize, rest: &str| {
        texts.iter().all(|text| {
            let tail = text.get(from..).unwrap_or_default();
            tail.is_empty() || tail.starts_with(rest)
        })
    };
    let upto = |text: &String, to: usize| text.get(..to).unwrap_or(text).to_owned();
    let midnight = all(10, "T00:00:00");
    texts
        .iter()
        .map(|text| match () {
            () if midnight && all(4, "-01-01") => upto(text, 4),
            () if midnight && all(7, "-01") => upto(text, 7),
            () if midnight => upto(text, 10),
            () => text.get(5..16).map_or_else(|| text.clone(), |part| part.replace('T', " ")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover() {
        assert_eq!(ticks(0.0, 29.3, 5.0), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(ticks(-3.0, 4.0, 5.0), [-4.0, -2.0, 0.0, 2.0, 4.0]);
        assert_eq!(ticks(5.0, 5.0, 5.0).len(), 2);
    }

    #[test]
    fn numbers_are_short() {
        let cases = [(0.0, "0"), (1234.0, "1,234"), (-0.25, "-0.25"), (12_345_678.0, "12.35M")];
        for (value, text) in cases {
            assert_eq!(shown(value), text);
        }
        assert_eq!((shown(1.0e-5).as_str(), shown(2500.0).as_str()), ("1.00e-5", "2,500"));
    }

    #[test]
    fn times_lose_what_they_share() {
        let of = |texts: &[&str]| time_labels(&texts.map_owned());
        assert_eq!(
            of(&["2013-01-01T00:00:00-05:00", "2014-01-01T00:00:00-05:00"]),
            ["2013", "2014"]
        );
        assert_eq!(of(&["2013-01-01T00:00:00Z", "2013-02-01T00:00:00Z"]), ["2013-01", "2013-02"]);
        assert_eq!(of(&["2013-01-01", "2013-01-02"]), ["2013-01-01", "2013-01-02"]);
        assert_eq!(of(&["2013-01-01T05:30:00Z", "2013-01-02T00:00:00Z"])[0], "01-01 05:30");
        assert!(seconds("2013-01-01").is_some() && seconds("north").is_none());
    }

    trait MapOwned {
        fn map_owned(&self) -> Vec<String>;
    }

    impl MapOwned for [&str] {
        fn map_owned(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }
}
