//! The pieces of SQL text: identifiers, placeholders and aliases.

use super::rules::Rules;
use datafusion::arrow::array::Array;
use datafusion::common::ScalarValue;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What both protocols take: their counts have 16 bits.
const MOST_PLACEHOLDERS: usize = 65_535;

/// Marks a placeholder in text that is still being put together: no identifier holds control
/// characters.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

/// What the writing of one query shares.
pub(super) struct Writer {
    pub(super) rules: &'static dyn Rules,
    values: Vec<ScalarValue>,
    /// Where the times lie, if that of the first fact is bounded.
    pub(super) range: Option<(Timestamp, Timestamp)>,
    derived: usize,
    /// Aliases in use, in lower case: some engines ignore it.
    aliases: BTreeSet<String>,
}

impl Writer {
    pub(super) fn new(
        rules: &'static dyn Rules,
        values: Vec<ScalarValue>,
        range: Option<(Timestamp, Timestamp)>,
    ) -> Self {
        // Windows and comparisons look at times outside the range; what bounds them is a value.
        let range = range.map(|range| {
            values
                .iter()
                .filter_map(moment)
                .fold(range, |(from, until), at| (from.min(at), until.max(at)))
        });
        Self { rules, values, range, derived: 0, aliases: BTreeSet::new() }
    }

    /// A quoted identifier.
    ///
    /// # Errors
    /// Where the name cannot be quoted.
    pub(super) fn ident(&self, name: &str) -> Result<String, String> {
        if name.chars().any(char::is_control) {
            return Err("cannot hold a name with control characters".to_owned());
        }
        let quote = self.rules.quote();
        let doubled = name.replace(quote, &format!("{quote}{quote}"));
        Ok(format!("{quote}{doubled}{quote}"))
    }

    /// A fresh alias for a derived table.
    pub(super) fn derived(&mut self) -> String {
        loop {
            self.derived += 1;
            let alias = format!("q{}", self.derived);
            if self.aliases.insert(alias.clone()) {
                return alias;
            }
        }
    }

    /// An alias like `name` that nothing else in the query has.
    pub(super) fn alias(&mut self, name: &str) -> String {
        let mut alias = name.to_owned();
        let mut n = 1;
        while !self.aliases.insert(alias.to_lowercase()) {
            n += 1;
            alias = format!("{name}_{n}");
        }
        alias
    }

    /// The value numbered `id`, such as `$3`, as a placeholder.
    pub(super) fn placeholder(&self, id: &str) -> Result<String, String> {
        let number: usize = id.trim_start_matches('$').parse().unwrap_or(0);
        let Some(value) = number.checked_sub(1).and_then(|i| self.values.get(i)) else {
            return Err(format!("was given no value for {id}"));
        };
        self.typed(number - 1, &value.data_type())
    }

    /// A value that the plan holds itself, bound like one of the user's.
    pub(super) fn bind(&mut self, value: ScalarValue) -> Result<String, String> {
        let arrow = value.data_type();
        self.values.push(value);
        self.typed(self.values.len() - 1, &arrow)
    }

    fn typed(
        &self,
        index: usize,
        arrow: &datafusion::arrow::datatypes::DataType,
    ) -> Result<String, String> {
        self.rules.parameter(&format!("{OPEN}{index}{CLOSE}"), arrow)
    }

    /// The text with the engine's own placeholders, and the values in their order.
    ///
    /// # Errors
    /// Where a list is longer than the engine takes placeholders.
    pub(super) fn finish(self, text: &str) -> Result<(String, Vec<ScalarValue>), String> {
        let mut out = String::with_capacity(text.len());
        let mut order: Vec<usize> = Vec::new();
        let mut values = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(OPEN) {
            out.push_str(&rest[..open]);
            let after = &rest[open + 1..];
            let close = after.find(CLOSE).unwrap_or(after.len());
            let index: usize = after[..close].parse().unwrap_or(0);
            match self.rules.numbered() {
                true => out.push_str(&self.number(index, &mut order, &mut values)),
                false => out.push_str(&self.question_marks(index, &mut values)),
            }
            rest = after.get(close + 1..).unwrap_or_default();
        }
        out.push_str(rest);
        if values.len() > MOST_PLACEHOLDERS {
            return Err(format!("takes at most {MOST_PLACEHOLDERS} values in one query"));
        }
        Ok((out, values))
    }

    /// A value's placeholder; the elements of a list each have one.
    fn question_marks(&self, index: usize, values: &mut Vec<ScalarValue>) -> String {
        let Some(value) = self.values.get(index) else { return "NULL".to_owned() };
        let ScalarValue::List(list) = value else {
            values.push(value.clone());
            return "?".to_owned();
        };
        let elements: Vec<ScalarValue> = (0..list.values().len())
            .filter_map(|i| ScalarValue::try_from_array(list.values(), i).ok())
            .collect();
        if elements.is_empty() {
            return "NULL".to_owned();
        }
        let marks = vec!["?"; elements.len()].join(", ");
        values.extend(elements);
        marks
    }

    fn number(
        &self,
        index: usize,
        order: &mut Vec<usize>,
        values: &mut Vec<ScalarValue>,
    ) -> String {
        let known = order.iter().position(|i| *i == index);
        let position = known.unwrap_or_else(|| {
            order.push(index);
            values.extend(self.values.get(index).cloned());
            order.len() - 1
        });
        format!("${}", position + 1)
    }
}

/// The moment that a value is.
fn moment(value: &ScalarValue) -> Option<Timestamp> {
    match value {
        ScalarValue::TimestampMicrosecond(micros, _) => {
            Timestamp::from_microsecond((*micros)?).ok()
        }
        _ => None,
    }
}
