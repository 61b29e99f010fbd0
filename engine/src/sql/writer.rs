//! The pieces of SQL text: identifiers, placeholders and aliases.

use super::rules::{Rules, Span};
use super::written::Written;
use datafusion::common::ScalarValue;
use jiff::Timestamp;

/// Marks a placeholder in text that is still being put together: no identifier holds control
/// characters.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

/// What the writing of one query shares.
pub(super) struct Writer {
    pub(super) rules: &'static dyn Rules,
    values: Vec<ScalarValue>,
    /// Where the first fact's time lies, if that is bounded.
    range: Option<(Timestamp, Timestamp)>,
    range_used: bool,
    derived: usize,
}

impl Writer {
    pub(super) fn new(
        rules: &'static dyn Rules,
        values: Vec<ScalarValue>,
        range: Option<(Timestamp, Timestamp)>,
    ) -> Self {
        Self { rules, values, range, range_used: false, derived: 0 }
    }

    /// The bounds of the times in the query, for an engine whose text depends on them.
    pub(super) fn span(&mut self) -> Span {
        if !self.rules.writes_offsets() {
            return None;
        }
        self.range_used = true;
        self.range
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
        self.derived += 1;
        format!("q{}", self.derived)
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

    /// The text with the engine's own placeholders, for a plan of so many values.
    pub(super) fn finish(mut self, text: &str, values: usize) -> Written {
        let mut out = String::with_capacity(text.len());
        let mut order: Vec<usize> = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(OPEN) {
            out.push_str(&rest[..open]);
            let after = &rest[open + 1..];
            let close = after.find(CLOSE).unwrap_or(after.len());
            let index: usize = after[..close].parse().unwrap_or(0);
            out.push_str(&self.number(index, &mut order));
            rest = after.get(close + 1..).unwrap_or_default();
        }
        out.push_str(rest);
        let constants = self.values.split_off(values.min(self.values.len()));
        let range = self.range_used.then_some(self.range);
        Written { text: out.into(), order, values, constants, range }
    }

    fn number(&self, index: usize, order: &mut Vec<usize>) -> String {
        if !self.rules.numbered() {
            order.push(index);
            return "?".to_owned();
        }
        let known = order.iter().position(|i| *i == index);
        let position = known.unwrap_or_else(|| {
            order.push(index);
            order.len() - 1
        });
        format!("${}", position + 1)
    }
}
