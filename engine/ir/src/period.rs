//! Periods as `during` takes them: read here, resolved to instants in [`crate::resolve`].
//!
//! Absolute years and quarters (`2024`, `2024-Q1`) are those of the calendar also where
//! `year_start` is given, since "2024" names no fiscal year without saying which end it is named
//! by; relative ones (`this year`, `quarter to date`) follow `year_start`.

use crate::Unit;
use jiff::civil::{Date, ISOWeekDate, Weekday};

/// A half-open span of time, absolute or relative to a run's `now`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    text: String,
    kind: Kind,
}

/// What a period's text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// From the start of one to the start of another.
    Between(Edge, Edge),
    Relative(Relative),
}

/// A place in time that a period starts or ends at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Local midnight of a date.
    Date(Date),
    /// The start of a relative unit, as in `today..2024-03-01`.
    StartOf(Relative),
}

/// A period that moves with `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relative {
    Today,
    Yesterday,
    This(Unit),
    Previous(Unit),
    /// The whole units before the current one.
    Last(u32, Unit),
    /// From so many units before `now` up to `now`.
    Past(u32, Unit),
    ToDate(Unit),
}

const FORMS: &str = "Write today, yesterday, this month, previous quarter, last 7 days, \
    past 12 months, year to date, 2024, 2024-Q1, 2024-02, 2024-W05, 2024-02-29, or A..B.";

impl Period {
    /// Reads a period.
    ///
    /// # Errors
    /// A sentence that says what the text is not, and lists the forms there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        let kind = match trimmed.split_once("..") {
            Some((from, to)) => {
                let (from, to) = (edge(from.trim())?, edge(to.trim())?);
                if let (Edge::Date(a), Edge::Date(b)) = (from, to)
                    && a >= b
                {
                    return Err(format!("\"{text}\" ends before it starts."));
                }
                Kind::Between(from, to)
            }
            None => match absolute(trimmed)? {
                Some((from, to)) => Kind::Between(Edge::Date(from), Edge::Date(to)),
                None => Kind::Relative(relative(trimmed)?),
            },
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// The period of whole days from `start` up to, and without, `end`.
    pub fn of_dates(start: Date, end: Date) -> Self {
        let kind = Kind::Between(Edge::Date(start), Edge::Date(end));
        Self { text: format!("{start}..{end}"), kind }
    }

    /// The period as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The first and the first excluded date of an absolute period.
    pub fn dates(&self) -> Option<(Date, Date)> {
        match self.kind {
            Kind::Between(Edge::Date(a), Edge::Date(b)) => Some((a, b)),
            _ => None,
        }
    }
}

fn edge(text: &str) -> Result<Edge, String> {
    match absolute(text)? {
        Some((from, _)) => Ok(Edge::Date(from)),
        None => relative(text).map(Edge::StartOf),
    }
}

/// The dates of `2024`, `2024-Q1`, `2024-02`, `2024-W05`, `2024-02-29`; `None` where the text
/// starts with no digit.
fn absolute(text: &str) -> Result<Option<(Date, Date)>, String> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(None);
    }
    let bad = || format!("\"{text}\" is no period. {FORMS}");
    let mut parts = text.split('-');
    let year = digits(parts.next(), 4).ok_or_else(bad)?;
    let (second, third) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return Err(bad());
    }
    let span = match (second, third) {
        (None, _) => months(year, 1, 12),
        (Some(part), None) => match (part.strip_prefix('Q'), part.strip_prefix('W')) {
            (Some(q), _) => {
                let q = digits(Some(q), 1).filter(|q| (1..=4).contains(q)).ok_or_else(bad)?;
                months(year, q * 3 - 2, 3)
            }
            (_, Some(w)) => iso_week(year, digits(Some(w), 2).ok_or_else(bad)?),
            _ => months(year, digits(Some(part), 2).ok_or_else(bad)?, 1),
        },
        (Some(month), day) => {
            let month = digits(Some(month), 2).ok_or_else(bad)?;
            let day = digits(day, 2).ok_or_else(bad)?;
            date(year, month, day).and_then(|d| Some((d, d.tomorrow().ok()?)))
        }
    };
    span.map(Some).ok_or_else(|| format!("\"{text}\" is not in the calendar. {FORMS}"))
}

fn digits(text: Option<&str>, count: usize) -> Option<i16> {
    let text = text.filter(|t| t.len() == count && t.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok()
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn months(year: i16, month: i16, count: i16) -> Option<(Date, Date)> {
    let from = date(year, month, 1)?;
    let past = month - 1 + count;
    Some((from, date(year + past / 12, past % 12 + 1, 1)?))
}

fn iso_week(year: i16, week: i16) -> Option<(Date, Date)> {
    let week = i8::try_from(week).ok()?;
    let monday = ISOWeekDate::new(year, week, Weekday::Monday).ok()?.date();
    let next = monday.checked_add(jiff::Span::new().weeks(1)).ok()?;
    Some((monday, next))
}

fn relative(text: &str) -> Result<Relative, String> {
    let bad = || format!("\"{text}\" is no period. {FORMS}");
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let unit = |word: &str| Unit::parse(word).ok_or_else(bad);
    let count = |word: &str| {
        word.parse::<u32>().ok().filter(|n| (1..=100_000).contains(n)).ok_or_else(|| {
            format!("\"{text}\": the count is a whole number from 1 to 100000. {FORMS}")
        })
    };
    match words[..] {
        ["today"] => Ok(Relative::Today),
        ["yesterday"] => Ok(Relative::Yesterday),
        ["this", u] => unit(u).map(Relative::This),
        ["previous", u] => unit(u).map(Relative::Previous),
        ["last", n, u] => Ok(Relative::Last(count(n)?, unit(u)?)),
        ["past", n, u] => Ok(Relative::Past(count(n)?, unit(u)?)),
        [u, "to", "date"] => unit(u).map(Relative::ToDate),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::Period;

    #[test]
    fn reads_absolute_periods() {
        for (text, from, to) in [
            ("2024", "2024-01-01", "2025-01-01"),
            ("2024-Q4", "2024-10-01", "2025-01-01"),
            ("2024-12", "2024-12-01", "2025-01-01"),
            ("2024-W05", "2024-01-29", "2024-02-05"),
            ("2020-W53", "2020-12-28", "2021-01-04"),
            ("2024-02-29", "2024-02-29", "2024-03-01"),
            ("2013-02-01..2013-03", "2013-02-01", "2013-03-01"),
        ] {
            let dates = Period::parse(text).unwrap().dates().unwrap();
            assert_eq!(
                (dates.0.to_string(), dates.1.to_string()),
                (from.into(), to.into()),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_period() {
        for text in [
            "",
            "2023-02-29",
            "2024-Q5",
            "2024-13",
            "2021-W53",
            "last 0 days",
            "last -1 days",
            "last week",
            "2024-03..2024-02",
            "2024-01..2024-01",
            "sometime",
            "24",
            "2024-1",
            "last 7 fortnights",
            "2024-02-29T00:00",
        ] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
        for text in ["today", "this quarter", "past 12 months", "year to date", "yesterday..today"]
        {
            assert!(Period::parse(text).is_ok(), "{text}");
        }
    }
}
