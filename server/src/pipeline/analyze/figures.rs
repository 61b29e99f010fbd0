//! Whether every figure of a text stands in the rows or the checks.
//!
//! In: what a model was shown, and what it wrote. Out: the figures that are not there. A figure is
//! found where it is a value that was shown, or one rounded to the digits the figure has; a
//! fraction may be given as a percentage. Numbers in words count as figures, and so do words of
//! computing ("twice"), which no value can prove. What only a sum or a ratio would prove is not
//! found, also where it is right.

use std::collections::HashSet;

use serde_json::Value;

use super::Subject;

/// What a figure may be.
pub(super) struct Known {
    numbers: Vec<f64>,
    /// Names, codes and dates with digits in them, in lower case.
    words: HashSet<String>,
}

/// Words after a number that make it larger.
const UNITS: [(&str, f64); 9] = [
    ("thousand", 1e3),
    ("k", 1e3),
    ("million", 1e6),
    ("millions", 1e6),
    ("m", 1e6),
    ("mn", 1e6),
    ("billion", 1e9),
    ("billions", 1e9),
    ("bn", 1e9),
];

const NUMBER_WORDS: [(&str, f64); 24] = [
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("hundred", 100.0),
    ("dozen", 12.0),
];

/// Words that say what was computed.
const COMPUTED: [&str; 12] = [
    "half",
    "twice",
    "double",
    "doubled",
    "doubles",
    "triple",
    "tripled",
    "thrice",
    "halved",
    "quarter",
    "threefold",
    "twofold",
];

impl Known {
    /// The values of what was shown.
    pub(super) fn of(subject: &Subject, shown: usize) -> Self {
        let mut known = Self { numbers: Vec::new(), words: HashSet::new() };
        let rows = subject.rows.len().min(shown);
        known.numbers.extend([subject.row_count as f64, rows as f64]);
        known.numbers.push(subject.columns.len() as f64);
        subject.rows.iter().take(shown).for_each(|row| known.add(row));
        for column in &subject.columns {
            known.add_text(&column.name);
        }
        known.add_text(subject.question.as_deref().unwrap_or_default());
        for check in &subject.verdict.checks {
            known.add_text(&check.message);
            known.add(&check.evidence);
        }
        known
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Number(number) => self.numbers.extend(number.as_f64()),
            Value::String(text) => self.add_text(text),
            Value::Array(list) => list.iter().for_each(|one| self.add(one)),
            Value::Object(map) => map.values().for_each(|one| self.add(one)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        for token in tokens(text) {
            self.numbers.extend(Figure::read(&token).map(|figure| figure.value));
            self.words.insert(token.to_lowercase());
        }
        self.add_date(text);
    }

    /// A date may be written in parts: "February 2013", "1 February".
    fn add_date(&mut self, text: &str) {
        let day = text.get(..10).unwrap_or(text);
        let parts: Vec<&str> = day.split('-').collect();
        let digits = |part: &&str| part.chars().all(|c| c.is_ascii_digit()) && !part.is_empty();
        if parts.len() < 2 || parts[0].len() != 4 || !parts.iter().all(digits) {
            return;
        }
        self.words.insert(day.to_owned());
        self.words.insert(parts[..2].join("-"));
        self.numbers.extend(parts.iter().filter_map(|part| part.parse::<f64>().ok()));
        let time: Vec<&str> = text.get(11..16).unwrap_or_default().split(':').collect();
        self.numbers.extend(time.iter().filter_map(|part| part.parse::<f64>().ok()));
        self.words.extend(text.get(11..16).map(str::to_owned));
    }

    /// The figures of a text that are not known.
    pub(super) fn unfound(&self, text: &str) -> Vec<String> {
        let mut unfound = Vec::new();
        for line in text.lines() {
            let tokens = tokens(without_mark(line));
            for (at, token) in tokens.iter().enumerate() {
                let next = tokens.get(at + 1).map(|next| next.to_lowercase());
                if !self.holds(token, next.as_deref()) && !unfound.contains(token) {
                    unfound.push(token.clone());
                }
            }
        }
        unfound
    }

    fn holds(&self, token: &str, next: Option<&str>) -> bool {
        let word = token.to_lowercase();
        if self.words.contains(&word) {
            return true;
        }
        if COMPUTED.contains(&word.as_str()) {
            return false;
        }
        if let Some((_, value)) = NUMBER_WORDS.iter().find(|(name, _)| *name == word) {
            return self.numbers.iter().any(|known| known.abs() == *value);
        }
        if !token.chars().any(|c| c.is_ascii_digit()) {
            let parts: Vec<&str> = word.split('-').filter(|part| !part.is_empty()).collect();
            return parts.len() < 2 || parts.iter().all(|part| self.holds(part, None));
        }
        let Some(mut figure) = Figure::read(token) else {
            // A date or a code: each of its parts that is a number must be known.
            let parts = word.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
            let parts: Vec<&str> = parts.collect();
            return parts.len() > 1 && parts.iter().all(|part| self.holds(part, None));
        };
        let unit = UNITS.iter().find(|(name, _)| Some(*name) == next);
        if let Some((_, times)) = unit {
            figure.value *= times;
            figure.step *= times;
        }
        self.numbers.iter().any(|known| figure.fits(*known))
    }
}

/// A number as it is written.
struct Figure {
    value: f64,
    /// What its last digit counts.
    step: f64,
    percent: bool,
}

impl Figure {
    fn read(token: &str) -> Option<Self> {
        let (text, percent) = match token.strip_suffix('%') {
            Some(text) => (text, true),
            None => (token, false),
        };
        let (text, times) = match text.strip_suffix(['k', 'K', 'M']) {
            Some(rest) if text.ends_with('M') => (rest, 1e6),
            Some(rest) => (rest, 1e3),
            None => (text, 1.0),
        };
        let text = text.trim_start_matches(['$', '€', '£', '+']).replace('−', "-");
        let text = ordinal(&text);
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let groups: Vec<&str> = whole.trim_start_matches('-').split(',').collect();
        let grouped = groups.len() == 1
            || groups.iter().skip(1).all(|g| g.len() == 3) && (1..=3).contains(&groups[0].len());
        if !grouped {
            return None;
        }
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if !groups.iter().all(|g| digits(g)) || !digits(decimals) || groups[0].is_empty() {
            return None;
        }
        let number: f64 = format!("{}.{decimals}0", whole.replace(',', "")).parse().ok()?;
        let places = i32::try_from(decimals.len()).ok()?;
        Some(Self { value: number * times, step: 10_f64.powi(-places) * times, percent })
    }

    /// Whether this is the number, rounded or cut to the figure's digits; the sign may be said in
    /// words ("early", "fell").
    fn fits(&self, known: f64) -> bool {
        let near = |known: f64, step: f64| {
            (known.abs() - self.value.abs()).abs() <= step / 2.0 + known.abs() * 1e-12
        };
        near(known, self.step) && (!self.percent || known.abs() <= 100.0)
            // A percentage of a fraction.
            || self.percent && near(known * 100.0, self.step)
    }
}

/// `2nd` is 2.
fn ordinal(text: &str) -> &str {
    let cut = ["st", "nd", "rd", "th"].iter().find_map(|end| text.strip_suffix(end));
    cut.filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit())).unwrap_or(text)
}

/// A line without the mark of its list.
fn without_mark(line: &str) -> &str {
    let text = line.trim_start();
    match text.split_once(['.', ')']) {
        Some((number, rest)) if number.len() <= 2 && rest.starts_with(' ') => {
            let digits = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
            if digits { rest } else { text }
        }
        _ => text,
    }
}

/// Words and numbers, with what belongs to a number.
fn tokens(text: &str) -> Vec<String> {
    let text =
        text.replace(" %", "%").replace(" percent", "%").replace(['\u{a0}', '\u{202f}'], " ");
    let edge =
        |c: char| !c.is_alphanumeric() && !matches!(c, '%' | '-' | '−' | '$' | '€' | '£' | '+');
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '–' | '—' | '/' | '(' | ')' | '*' | '`' | '"' | '=')
    })
    .map(|token| token.trim_matches(edge).trim_end_matches(['-', '−', '+']).to_owned())
    .filter(|token| !token.is_empty())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use air_ir::{Check, CheckStatus, Verdict};
    use serde_json::json;

    fn known() -> Known {
        let check = Check {
            id: "null_share".to_owned(),
            status: CheckStatus::Warn,
            message: "dep_delay is null in 2.4% of rows.".to_owned(),
            evidence: json!({"threshold": 0.05}),
        };
        let verdict = Verdict {
            status: CheckStatus::Warn,
            rubric_version: "1".to_owned(),
            checks: vec![check],
            analysis_md: None,
            model_used: None,
        };
        let rows = vec![
            json!({"month": "2013-02-01T00:00:00-05:00", "carrier": "B6", "flights": 54635,
                   "delay": 12.968, "share": 0.1622, "total": "1234567.89", "early": -3.5}),
            json!({"month": "2013-03-01T00:00:00-05:00", "carrier": "9E", "flights": 18460,
                   "delay": 16.44, "share": 0.0548, "total": "99.00", "early": 0}),
        ];
        let question = Some("top 5 carriers".to_owned());
        let (columns, row_count, truncated) = (Vec::new(), 2, false);
        Known::of(&Subject { question, columns, rows, row_count, truncated, verdict }, 30)
    }

    #[test]
    fn figures_of_the_rows_and_checks_are_found_as_people_write_them() {
        for text in [
            "B6 had 54,635 flights, 9E 18460.",
            "B6 is **16.2 %** of all, 9E 5.5%.",
            "Delays were 13.0 and 16.44 minutes (12.97 to be exact).",
            "In February 2013, on 2013-02-01, 2013-03 and 1 March.",
            "The total was $1.23 million, or 1,234,567.89, or 1235k.",
            "2.4% are null, above nothing; the threshold is 5%.",
            "1. Two rows came of the top 5.\n2. They were 3.5 minutes early.",
            "9E is one of the carriers; the 2nd row.",
            "No figures here, none at all.",
        ] {
            assert_eq!(known().unfound(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_was_not_shown_is_not_found() {
        for (text, wrong) in [
            ("B6 had 54,636 flights.", "54,636"),
            ("Together they had 73,095.", "73,095"),
            ("B6 had twice the flights.", "twice"),
            ("That is seven times as many.", "seven"),
            ("B6 is 16.3%.", "16.3%"),
            ("In 2014 it was so.", "2014"),
            ("AA123 did it.", "AA123"),
            ("On 2013-02-17 it was so.", "2013-02-17"),
            ("About 50,000 flights.", "50,000"),
            ("A third of it, 33%.", "33%"),
            ("The total was 1.3 million.", "1.3"),
            ("Half of them.", "Half"),
            ("It rose by 5,46,35.", "5,46,35"),
        ] {
            assert_eq!(known().unfound(text), [wrong], "{text}");
        }
    }
}
