//! Phrases of time to filters on a time column.
//!
//! In: a phrase, the run's `now`, and the dates the data reach from and to, where they were
//! learned. Out: comparisons, or the question which of several times is meant.

use super::{Moment, TimePhrase, YearOf};
use crate::ask::questions::Choice;
use air_ir::{Calendar, Op, Part, Period, Relative, Unit};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

/// What is known of time while a question is read.
pub(crate) struct Clock {
    pub(crate) calendar: Calendar,
    pub(crate) now: Timestamp,
    /// First and last date of the data.
    pub(crate) data: Option<(Date, Date)>,
}

/// What a phrase comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Resolved {
    /// A comparison with a date, or a period.
    Compare(Op, String),
    /// A part of the time is one of these.
    Parts(Part, Vec<i64>),
    /// Several times fit.
    Ask { text: String, choices: Vec<Choice>, recommended: String },
    /// What has not happened yet.
    Future(String),
    /// The phrase leaves the calendar.
    Bad(String),
}

/// Value of the choice that a month, or a quarter, of every year is meant.
pub(crate) const EVERY_YEAR: &str = "every_year";

/// Data that ended so many days before now are taken to go on since they were learned.
const GRACE_DAYS: i64 = 2;

/// A span of dates, the end left out.
type Span = (Date, Date);

impl Clock {
    pub(crate) fn today(&self) -> Date {
        self.now.to_zoned_datetime(self.calendar.zone.clone()).date()
    }

    /// The filter of `phrase`. What was taken for granted is added to `assumed`.
    pub(crate) fn resolve(&self, phrase: &TimePhrase, assumed: &mut Vec<String>) -> Resolved {
        let bound = |m: &Moment, op: Op, end: bool, assumed: &mut Vec<String>| match self
            .span(m, assumed)
        {
            Ok((from, to)) => Resolved::Compare(op, (if end { to } else { from }).to_string()),
            Err(other) => other,
        };
        match phrase {
            TimePhrase::During(moment) => self.during(moment, assumed),
            TimePhrase::Since(m) => bound(m, Op::Ge, false, assumed),
            TimePhrase::Before(m) => bound(m, Op::Lt, false, assumed),
            TimePhrase::After(m) => bound(m, Op::Ge, true, assumed),
            TimePhrase::Until(m) => bound(m, Op::Lt, true, assumed),
            TimePhrase::Range(from, to) => self.range(from, to, assumed),
            TimePhrase::Days(days) => Resolved::Parts(Part::Weekday, days.clone()),
            TimePhrase::Earlier(unit) => self.during(&previous(*unit), assumed),
        }
    }

    fn range(&self, from: &Moment, to: &Moment, assumed: &mut Vec<String>) -> Resolved {
        match (self.span(from, assumed), self.span(to, assumed)) {
            (Ok((start, _)), Ok((_, end))) if start < end => {
                Resolved::Compare(Op::During, period_text((start, end)))
            }
            (Ok((start, _)), Ok(_)) => {
                Resolved::Bad(format!("The period that starts on {start} ends before it starts."))
            }
            (Err(other), _) | (_, Err(other)) => other,
        }
    }

    fn during(&self, moment: &Moment, assumed: &mut Vec<String>) -> Resolved {
        match moment {
            Moment::Absolute(text) => {
                if let Some(note) = self.outside_note(text) {
                    assumed.push(note);
                }
                Resolved::Compare(Op::During, text.clone())
            }
            Moment::Relative(relative, text) => self.relative(*relative, text),
            Moment::Future(text) => Resolved::Future(text.clone()),
            Moment::Months { .. } => match self.span(moment, assumed) {
                Ok(span) => Resolved::Compare(Op::During, period_text(span)),
                Err(other) => other,
            },
        }
    }

    /// A sentence, where a period as such lies wholly outside the data.
    fn outside_note(&self, text: &str) -> Option<String> {
        let (from, to) = Period::parse(text).ok()?.dates()?;
        let (first, last) = self.data?;
        (to <= first || from > last)
            .then(|| format!("The data reach from {first} to {last}; {text} lies outside."))
    }

    /// The dates of a moment, or the question which are meant.
    fn span(&self, moment: &Moment, assumed: &mut Vec<String>) -> Result<Span, Resolved> {
        let bad = |detail: String| Resolved::Bad(detail);
        match moment {
            Moment::Absolute(text) => {
                let dates = Period::parse(text).map_err(bad)?.dates();
                dates.ok_or_else(|| Resolved::Bad(format!("\"{text}\" has no dates.")))
            }
            Moment::Relative(relative, text) => match self.relative(*relative, text) {
                Resolved::Compare(_, text) => {
                    let dates = self.dates_of(&text).map_err(bad)?;
                    assumed.push(format!("\"{text}\" is {} as of today.", said_span(dates)));
                    Ok(dates)
                }
                other => Err(other),
            },
            Moment::Future(text) => Err(Resolved::Future(text.clone())),
            Moment::Months { first, count, year, name } => {
                self.months(*first, *count, *year, name, assumed)
            }
        }
    }

    fn dates_of(&self, text: &str) -> Result<Span, String> {
        let range = self.calendar.resolve(&Period::parse(text)?, self.now)?;
        let (from, mut to) = range.dates().map_err(|e| e.to_string())?;
        if from >= to {
            to = from.tomorrow().map_err(|e| e.to_string())?;
        }
        Ok((from, to))
    }

    fn inside(&self, (from, to): Span) -> bool {
        self.data.is_none_or(|(first, last)| to > first && from <= last)
    }

    /// Whether the data go on: they reached almost up to now when they were learned.
    fn is_live(&self) -> bool {
        let recent = self.today().checked_sub(GRACE_DAYS.days()).ok();
        self.data.is_some_and(|(_, last)| recent.is_some_and(|r| last >= r))
    }

    /// A period relative to now stays one, unless there are no data in it.
    fn relative(&self, relative: Relative, text: &str) -> Resolved {
        let span = match self.dates_of(text) {
            Ok(span) => span,
            Err(detail) => return Resolved::Bad(detail),
        };
        let latest = match self.data {
            Some(data) if !self.inside(span) && !self.is_live() => {
                latest_inside(relative, data, &self.calendar)
            }
            _ => None,
        };
        let Some(latest) = latest else {
            return Resolved::Compare(Op::During, text.to_owned());
        };
        self.outside(text, text.to_owned(), span, latest)
    }

    /// Asks whether a period without data is meant, or the latest that has some.
    fn outside(&self, name: &str, value: String, span: Span, latest: Span) -> Resolved {
        let reach = self.data.map_or(String::new(), |(first, last)| {
            format!("The data reach from {first} to {last}. ")
        });
        let inside = period_text(latest);
        let choices = vec![
            Choice::new(&inside, &format!("{}, the latest in the data", said_span(latest))),
            Choice::new(&value, &format!("{}, where there are no data", said_span(span))),
        ];
        let text = format!("{reach}Which period is meant by \"{name}\"?");
        Resolved::Ask { text, choices, recommended: inside }
    }

    /// The span of a month, quarter or season whose year may have to be found.
    fn months(
        &self,
        first: i8,
        count: i8,
        year: YearOf,
        name: &str,
        assumed: &mut Vec<String>,
    ) -> Result<Span, Resolved> {
        let outside = || Resolved::Bad(format!("\"{name}\" leaves the calendar."));
        let of = |year: i16| months_of(year, first, count);
        let is_season = count == 3 && !name.starts_with('Q');
        let this_year = self.today().year();
        let span = match year {
            YearOf::Given(y) if first == 12 && is_season => return Err(self.winter(y, name)),
            YearOf::Given(y) => of(y).ok_or_else(outside)?,
            YearOf::This => of(this_year).ok_or_else(outside)?,
            YearOf::Last => {
                let over = |y: &i16| of(*y).is_some_and(|s| s.1 <= self.today());
                let y = (this_year - 1..=this_year).rev().find(over).unwrap_or(this_year - 2);
                let span = of(y).ok_or_else(outside)?;
                match self.latest_of(first, count).filter(|_| !self.inside(span)) {
                    Some(latest) => {
                        let name = format!("last {name}");
                        return Err(self.outside(&name, period_text(span), span, latest));
                    }
                    None => span,
                }
            }
            YearOf::Unsaid => self.unsaid(first, count, name)?,
        };
        if is_season || matches!(year, YearOf::Unsaid | YearOf::Last) {
            let kind = if is_season { ", as in meteorology" } else { "" };
            assumed.push(format!("\"{name}\" is {}{kind}.", said_span(span)));
        }
        Ok(span)
    }

    /// The years whose months lie in the data, the latest first.
    fn years(&self, first: i8, count: i8) -> Vec<Span> {
        let Some((from, to)) = self.data else { return Vec::new() };
        let years = (from.year().saturating_sub(1)..=to.year()).rev();
        let spans = years.filter_map(|y| months_of(y, first, count));
        spans.filter(|s| self.inside(*s)).collect()
    }

    fn latest_of(&self, first: i8, count: i8) -> Option<Span> {
        self.years(first, count).first().copied()
    }

    /// A month without a year: the only one in the data, else the latest that has begun; where
    /// several are in the data, a question.
    fn unsaid(&self, first: i8, count: i8, name: &str) -> Result<Span, Resolved> {
        let years = self.years(first, count);
        if let [only] = years[..] {
            return Ok(only);
        }
        let this = self.today().year();
        if years.is_empty() {
            let begun = |y: &i16| months_of(*y, first, count).is_some_and(|s| s.0 <= self.today());
            let year = if begun(&this) { this } else { this - 1 };
            return months_of(year, first, count)
                .ok_or_else(|| Resolved::Bad(format!("\"{name}\" leaves the calendar.")));
        }
        let mut choices: Vec<Choice> = years
            .iter()
            .take(4)
            .map(|s| Choice::new(&period_text(*s), &format!("{name} {}", s.0.year())))
            .collect();
        let recommended = choices.first().map(|c| c.value.clone()).unwrap_or_default();
        if count == 1 {
            choices.push(Choice::new(EVERY_YEAR, &format!("{name} of every year")));
        }
        let text = format!("Which {name} is meant? The data hold {} of them.", years.len());
        Err(Resolved::Ask { text, choices, recommended })
    }

    /// A winter has two years, and is named after either.
    fn winter(&self, year: i16, name: &str) -> Resolved {
        let spans = [year - 1, year].map(|y| months_of(y, 12, 3));
        let spans: Vec<Span> = spans.into_iter().flatten().collect();
        let choices: Vec<Choice> =
            spans.iter().map(|s| Choice::new(&period_text(*s), &said_span(*s))).collect();
        let inside = spans.iter().find(|s| self.inside(**s)).or(spans.first());
        let recommended = inside.map(|s| period_text(*s)).unwrap_or_default();
        Resolved::Ask { text: format!("Which {name} is \"{name} {year}\"?"), choices, recommended }
    }
}

fn previous(unit: Unit) -> Moment {
    Moment::Relative(Relative::Previous(unit), format!("previous {}", unit.as_str()))
}

fn months_of(year: i16, first: i8, count: i8) -> Option<Span> {
    let from = Date::new(year, first, 1).ok()?;
    Some((from, from.checked_add(i64::from(count).months()).ok()?))
}

/// The latest span of a relative kind that ends within the data.
fn latest_inside(relative: Relative, data: Span, calendar: &Calendar) -> Option<Span> {
    let (n, unit) = match relative {
        Relative::Today | Relative::Yesterday => (1, Unit::Day),
        Relative::This(u) | Relative::Previous(u) | Relative::ToDate(u) => (1, u),
        Relative::Last(n, u) | Relative::Past(n, u) => (n, u),
    };
    let unit = if matches!(unit, Unit::Minute | Unit::Hour) { Unit::Day } else { unit };
    // Resolved as of the day after the last, a unit that ends with the data is a whole one.
    let after = data.1.tomorrow().ok()?;
    let now = calendar.midnight(after).ok()?.timestamp();
    let text = format!("last {n} {}s", unit.as_str());
    let range = calendar.resolve(&Period::parse(&text).ok()?, now).ok()?;
    range.dates().ok()
}

/// A span as the IR writes it: a year, a month or a day by its short form.
pub(crate) fn period_text((from, to): Span) -> String {
    let is = |text: &str| {
        Period::parse(text).ok().and_then(|p| p.dates()).is_some_and(|d| d == (from, to))
    };
    let short = [
        format!("{:04}", from.year()),
        format!("{:04}-{:02}", from.year(), from.month()),
        from.to_string(),
    ];
    let found = short.into_iter().find(|t| is(t));
    found.unwrap_or_else(|| Period::of_dates(from, to).text().to_owned())
}

/// A span in words.
pub(crate) fn said_span((from, to): Span) -> String {
    let text = period_text((from, to));
    match (text.contains(".."), to.yesterday()) {
        (true, Ok(last)) => format!("{from} to {last}"),
        _ => text,
    }
}

/// The date in the first characters of a figure learned as text, in the zone of the calendar
/// where it is an instant.
pub(crate) fn learned_date(text: &str, calendar: &Calendar) -> Option<Date> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.to_zoned_datetime(calendar.zone.clone()).date());
    }
    text.get(..10)?.parse().ok()
}
