//! Units of time, grains (a count of units) and parts of a time.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A unit of the calendar or the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// Every unit with its word in the IR.
    pub const WORDS: &'static [(&'static str, Unit)] = &[
        ("minute", Unit::Minute),
        ("hour", Unit::Hour),
        ("day", Unit::Day),
        ("week", Unit::Week),
        ("month", Unit::Month),
        ("quarter", Unit::Quarter),
        ("year", Unit::Year),
    ];

    /// The unit named by `word`, singular or plural.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.strip_suffix('s').unwrap_or(word);
        Self::WORDS.iter().find(|(w, _)| *w == word).map(|(_, u)| *u)
    }

    /// The word in the IR, singular.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, u)| *u == self).map_or("", |(w, _)| w)
    }
}

/// A bucket width such as `1 month` or `15 minutes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grain {
    /// How many units; at least 1, at most 10,000.
    pub n: u32,
    pub unit: Unit,
}

impl Grain {
    /// One `unit`.
    pub fn one(unit: Unit) -> Self {
        Self { n: 1, unit }
    }

    /// Reads `1 day`, `15 minutes`, `month`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let first = words.next()?;
        let (n, unit) = match words.next() {
            None => (1, Unit::parse(first)?),
            Some(unit) => (first.parse().ok()?, Unit::parse(unit)?),
        };
        (words.next().is_none() && (1..=10_000).contains(&n)).then_some(Self { n, unit })
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.n, self.unit.as_str(), if self.n == 1 { "" } else { "s" })
    }
}

impl Serialize for Grain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A whole number taken out of a time, in the IR's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 1 (Monday) to 7 (Sunday).
    Weekday,
    /// Day of the month, 1 to 31.
    Day,
    /// 1 to 366.
    DayOfYear,
    /// ISO week, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// 1 to 4.
    Quarter,
    Year,
}

impl Part {
    /// Every part with its word in the IR.
    pub const WORDS: &'static [(&'static str, Part)] = &[
        ("hour", Part::Hour),
        ("minute", Part::Minute),
        ("weekday", Part::Weekday),
        ("day", Part::Day),
        ("day_of_year", Part::DayOfYear),
        ("week", Part::Week),
        ("month", Part::Month),
        ("quarter", Part::Quarter),
        ("year", Part::Year),
    ];

    /// The word in the IR.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, p)| *p == self).map_or("", |(w, _)| w)
    }

    /// Whether the part needs a time of day.
    pub fn is_clock(self) -> bool {
        matches!(self, Self::Hour | Self::Minute)
    }
}

/// The day a week starts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    #[default]
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// Every day with its word in the IR.
    pub const WORDS: &'static [(&'static str, Weekday)] = &[
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];

    /// Days after Monday, 0 to 6.
    pub fn from_monday(self) -> i64 {
        self as i64
    }
}
