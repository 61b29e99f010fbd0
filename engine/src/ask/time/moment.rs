//! Named times: dates, months, quarters, seasons, years, and times relative to now.

use crate::ask::clauses::is_unit_word;
use crate::ask::tokens::{Token, TokenKind};
use crate::ask::words::number_word;
use air_ir::{Period, Relative, Unit};
use jiff::civil::Date;

/// Which year a month, quarter or season belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum YearOf {
    Given(i16),
    Unsaid,
    /// The latest that is over.
    Last,
    /// The one of this year.
    This,
}

/// A time by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Moment {
    /// A period as the IR writes it, the same whatever `now` is.
    Absolute(String),
    /// Months from the first on: a month (1), a quarter or a season (3).
    Months {
        first: i8,
        count: i8,
        year: YearOf,
        name: String,
    },
    Relative(Relative, String),
    /// What has not happened.
    Future(String),
}

impl Moment {
    fn absolute(text: String) -> Option<Self> {
        Period::parse(&text).ok().map(|_| Self::Absolute(text))
    }

    fn relative(relative: Relative) -> Self {
        let text = match relative {
            Relative::Today => "today".to_owned(),
            Relative::Yesterday => "yesterday".to_owned(),
            Relative::This(u) => format!("this {}", u.as_str()),
            Relative::Previous(u) => format!("previous {}", u.as_str()),
            Relative::Last(n, u) => format!("last {n} {}s", u.as_str()),
            Relative::Past(n, u) => format!("past {n} {}s", u.as_str()),
            Relative::ToDate(u) => format!("{} to date", u.as_str()),
        };
        Self::Relative(relative, text)
    }

    /// "January to March 2013": the year is said once for both.
    pub(super) fn with_year_of(self, other: &Self) -> Self {
        let year = match other {
            Self::Months { year: YearOf::Given(year), .. } => Some(*year),
            Self::Absolute(text) => text.get(..4).and_then(|y| y.parse().ok()),
            _ => None,
        };
        match (self, year) {
            (Self::Months { first, count: 1, year: YearOf::Unsaid, .. }, Some(year)) => {
                Self::Absolute(format!("{year:04}-{first:02}"))
            }
            (same, _) => same,
        }
    }
}

pub(super) fn word_at(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |t| t.lower.as_str())
}

/// A year written with four digits.
fn year_at(tokens: &[Token], at: usize) -> Option<i16> {
    let token = tokens.get(at)?;
    let year: i16 = token.text.parse().ok().filter(|_| token.text.len() == 4)?;
    (1900..=2100).contains(&year).then_some(year)
}

/// A year that may follow a month, with "of" or a comma before it, and its length.
fn year_after(tokens: &[Token], at: usize) -> Option<(i16, usize)> {
    let skip = usize::from(matches!(word_at(tokens, at), "of" | "," | "in"));
    year_at(tokens, at + skip).map(|y| (y, skip + 1))
}

/// The moment at the first token, with its length. `said`: a word before it shows that a time
/// is meant, which words like "may" and "march" need.
pub(super) fn moment(tokens: &[Token], said: bool) -> Option<(Moment, usize)> {
    let first = tokens.first()?;
    if first.kind == TokenKind::Date {
        return Moment::absolute(first.text.to_uppercase()).map(|m| (m, 1));
    }
    if let Some(year) = year_at(tokens, 0) {
        let unit =
            tokens.get(1).is_some_and(|t| Unit::parse(&t.lower).is_some() && t.lower.len() > 1);
        // "over 2000 euros"; "in 2013 miles flown" is a year.
        let unit = unit || !said && tokens.get(1).is_some_and(|t| is_unit_word(&t.lower));
        return (!unit).then(|| (Moment::Absolute(format!("{year:04}")), 1));
    }
    relative(tokens)
        .or_else(|| day_of_month(tokens))
        .or_else(|| month(tokens, said))
        .or_else(|| quarter(tokens))
        .or_else(|| half(tokens))
        .or_else(|| season(tokens, said))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn month_number(word: &str) -> Option<i8> {
    let fits = |m: &&str| *m == word || word.len() == 3 && m.starts_with(word);
    let at = MONTHS.iter().position(fits).or((word == "sept").then_some(8))?;
    i8::try_from(at + 1).ok()
}

fn capitalized(token: Option<&Token>) -> bool {
    token.is_some_and(|t| t.text.starts_with(char::is_uppercase))
}

fn month(tokens: &[Token], said: bool) -> Option<(Moment, usize)> {
    let (lead, which) = match word_at(tokens, 0) {
        "last" | "previous" => (1, YearOf::Last),
        "this" => (1, YearOf::This),
        _ => (0, YearOf::Unsaid),
    };
    let word = word_at(tokens, lead);
    let first = month_number(word)?;
    let name = MONTHS.get(usize::try_from(first - 1).ok()?)?;
    let name = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
    if let Some((year, len)) = year_after(tokens, lead + 1) {
        return Some((Moment::Absolute(format!("{year:04}-{first:02}")), lead + 1 + len));
    }
    let plain = !matches!(word, "may" | "march" | "mar");
    let clear = plain || said || lead > 0 || capitalized(tokens.first());
    clear.then(|| (Moment::Months { first, count: 1, year: which, name }, lead + 1))
}

/// "5 March 2013", "March 5th, 2013", "the 5th of March 2013".
fn day_of_month(tokens: &[Token]) -> Option<(Moment, usize)> {
    let day_at = |at: usize| match tokens.get(at)?.kind {
        TokenKind::Number(n) if (1.0..=31.0).contains(&n) && n.fract() == 0.0 => {
            tokens.get(at)?.text.trim_end_matches(char::is_alphabetic).parse::<i8>().ok()
        }
        _ => None,
    };
    let (day, month, end) = match month_number(word_at(tokens, 0)) {
        Some(month) => (day_at(1)?, month, 2),
        None => {
            let of = 1 + usize::from(word_at(tokens, 1) == "of");
            (day_at(0)?, month_number(word_at(tokens, of))?, of + 1)
        }
    };
    let (year, len) = year_after(tokens, end)?;
    let date = Date::new(year, month, day).ok()?;
    Some((Moment::Absolute(date.to_string()), end + len))
}

fn quarter(tokens: &[Token]) -> Option<(Moment, usize)> {
    let ordinals = ["first", "second", "third", "fourth"];
    let word = word_at(tokens, 0);
    let digit = word.strip_prefix('q').and_then(|d| d.parse::<i8>().ok());
    let (q, len) = match digit.filter(|q| (1..=4).contains(q)) {
        Some(q) => (q, 1),
        None => {
            let at = ordinals.iter().position(|o| *o == word)?;
            if word_at(tokens, 1) != "quarter" {
                return None;
            }
            (i8::try_from(at + 1).ok()?, 2)
        }
    };
    if let Some((year, more)) = year_after(tokens, len) {
        return Some((Moment::Absolute(format!("{year:04}-Q{q}")), len + more));
    }
    let name = format!("Q{q}");
    Some((Moment::Months { first: q * 3 - 2, count: 3, year: YearOf::Unsaid, name }, len))
}

/// "the first half of 2023", "H2 2023". A half without its year is none: "half of the rows".
fn half(tokens: &[Token]) -> Option<(Moment, usize)> {
    let (second, len) = match (word_at(tokens, 0), word_at(tokens, 1)) {
        ("h1", _) => (false, 1),
        ("h2", _) => (true, 1),
        ("first", "half") => (false, 2),
        ("second", "half") => (true, 2),
        _ => return None,
    };
    let (year, more) = year_after(tokens, len)?;
    let text = match second {
        false => format!("{year:04}-01..{year:04}-07"),
        true => format!("{year:04}-07..{:04}-01", year + 1),
    };
    Moment::absolute(text).map(|m| (m, len + more))
}

/// Meteorological seasons of the northern half of the earth.
fn season(tokens: &[Token], said: bool) -> Option<(Moment, usize)> {
    let (lead, which) = match word_at(tokens, 0) {
        "last" | "previous" | "past" => (1, YearOf::Last),
        "this" => (1, YearOf::This),
        _ => (0, YearOf::Unsaid),
    };
    let (first, name) = match word_at(tokens, lead) {
        "spring" => (3, "spring"),
        "summer" => (6, "summer"),
        "autumn" | "fall" => (9, "autumn"),
        "winter" => (12, "winter"),
        _ => return None,
    };
    let given = year_after(tokens, lead + 1);
    let clear = matches!(name, "summer" | "winter") || said || lead > 0 || given.is_some();
    let (year, len) = given.map_or((which, 0), |(y, len)| (YearOf::Given(y), len));
    let moment = Moment::Months { first, count: 3, year, name: name.to_owned() };
    clear.then_some((moment, lead + 1 + len))
}

fn relative(tokens: &[Token]) -> Option<(Moment, usize)> {
    let word = |i: usize| word_at(tokens, i);
    let made = |relative: Relative, len: usize| Some((Moment::relative(relative), len));
    match (word(0), word(1)) {
        ("today", _) => return made(Relative::Today, 1),
        ("yesterday", _) => return made(Relative::Yesterday, 1),
        ("tomorrow", _) => return Some((Moment::Future("tomorrow".to_owned()), 1)),
        ("ytd", _) => return made(Relative::ToDate(Unit::Year), 1),
        ("mtd", _) => return made(Relative::ToDate(Unit::Month), 1),
        ("qtd", _) => return made(Relative::ToDate(Unit::Quarter), 1),
        ("so", "far") if word(2) == "this" => {
            return Unit::parse(word(3)).and_then(|u| made(Relative::ToDate(u), 4));
        }
        _ => {}
    }
    if let (Some(unit), "to", "date") = (Unit::parse(word(0)), word(1), word(2)) {
        return made(Relative::ToDate(unit), 3);
    }
    let unit = Unit::parse(word(1));
    let last = matches!(word(0), "last" | "previous" | "preceding" | "prior" | "past");
    match (word(0), unit) {
        (_, Some(unit)) if last => return made(Relative::Previous(unit), 2),
        ("this" | "current", Some(unit)) if word(2) == "so" && word(3) == "far" => {
            return made(Relative::ToDate(unit), 4);
        }
        ("this" | "current", Some(unit)) => return made(Relative::This(unit), 2),
        ("next" | "coming", Some(unit)) => {
            return Some((Moment::Future(format!("next {}", unit.as_str())), 2));
        }
        _ => {}
    }
    let count = tokens.get(1).and_then(whole);
    match (word(0), count, Unit::parse(word(2))) {
        ("past", Some(n), Some(unit)) => made(Relative::Past(n, unit), 3),
        ("next", Some(n), Some(unit)) => {
            Some((Moment::Future(format!("next {n} {}s", unit.as_str())), 3))
        }
        (_, Some(n), Some(unit)) if last => made(Relative::Last(n, unit), 3),
        _ => None,
    }
}

fn whole(token: &Token) -> Option<u32> {
    match token.kind {
        TokenKind::Number(n) if n >= 1.0 && n.fract() == 0.0 => {
            token.text.replace(',', "").parse().ok()
        }
        TokenKind::Word => number_word(&token.lower).and_then(|n| format!("{n}").parse().ok()),
        _ => None,
    }
}
