//! The pieces of SQL text: identifiers, placeholders and aliases.

use super::rules::{Rules, Span};
use super::written::Written;
use crate::plan::Spans;
use datafusion::arrow::array::Array;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::Expr;
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
    spans: Spans,
    spans_used: bool,
    derived: usize,
    /// Aliases in use, in lower case: some engines ignore it.
    aliases: BTreeSet<String>,
    /// Those of tables and derived tables, quoted, as they stand in the text.
    named: Vec<String>,
}

/// Whether a text is nothing but the placeholder of a value.
pub(super) fn is_placeholder(text: &str) -> bool {
    let inner = text.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
    inner.is_some_and(|index| index.bytes().all(|b| b.is_ascii_digit()))
}

impl Writer {
    pub(super) fn new(rules: &'static dyn Rules, values: Vec<ScalarValue>, spans: Spans) -> Self {
        let aliases = BTreeSet::new();
        let named = Vec::new();
        Self { rules, values, spans, spans_used: false, derived: 0, aliases, named }
    }

    /// Where the times of `expr` lie, for an engine whose text depends on it: known of a column
    /// that its own scan's filters bound.
    pub(super) fn span(&mut self, expr: &Expr) -> Span {
        if !self.rules.writes_offsets() {
            return None;
        }
        self.spans_used = true;
        let Expr::Column(Column { relation: Some(alias), name, .. }) = expr else { return None };
        self.spans.get(&(alias.table().to_owned(), name.clone())).copied()
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

    /// Remembers the quoted alias of a table.
    pub(super) fn names(&mut self, alias: &str) {
        self.named.push(alias.to_owned());
    }

    /// Whether a query that becomes a derived table speaks of tables around it.
    pub(super) fn reaches_out(&self, query: &str) -> bool {
        self.named.iter().any(|alias| {
            query.contains(&format!("{alias}.")) && !query.contains(&format!(" AS {alias}"))
        })
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

    /// As [`Writer::bind`], for a value whose type the text gives itself.
    pub(super) fn bare(&mut self, value: ScalarValue) -> String {
        self.values.push(value);
        format!("{OPEN}{}{CLOSE}", self.values.len() - 1)
    }

    fn typed(
        &self,
        index: usize,
        arrow: &datafusion::arrow::datatypes::DataType,
    ) -> Result<String, String> {
        self.rules.parameter(&format!("{OPEN}{index}{CLOSE}"), arrow)
    }

    /// The text with the engine's own placeholders, for a plan of so many values.
    ///
    /// # Errors
    /// Where a list is longer than the engine takes placeholders.
    pub(super) fn finish(mut self, text: &str, values: usize) -> Result<Written, String> {
        let mut out = String::with_capacity(text.len());
        let mut order: Vec<usize> = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(OPEN) {
            out.push_str(&rest[..open]);
            let after = &rest[open + 1..];
            let close = after.find(CLOSE).unwrap_or(after.len());
            let index: usize = after[..close].parse().unwrap_or(0);
            match self.rules.numbered() {
                true => out.push_str(&number(index, &mut order)),
                false => {
                    order.push(index);
                    out.push_str(&self.question_marks(index));
                }
            }
            rest = after.get(close + 1..).unwrap_or_default();
        }
        out.push_str(rest);
        let is_list = |i: &usize| matches!(self.values.get(*i), Some(ScalarValue::List(_)));
        let spread = !self.rules.numbered();
        let of_lists = spread && order.iter().any(is_list);
        let constants = self.values.split_off(values.min(self.values.len()));
        let spans = self.spans_used.then(|| std::mem::take(&mut self.spans));
        let text = out.into();
        let written = Written { text, order, values, constants, spans, spread, of_lists };
        if written.params(&self.values).len() > MOST_PLACEHOLDERS {
            return Err(format!("takes at most {MOST_PLACEHOLDERS} values in one query"));
        }
        Ok(written)
    }

    /// A value's placeholder; the elements of a list each have one.
    fn question_marks(&self, index: usize) -> String {
        match self.values.get(index) {
            Some(ScalarValue::List(list)) if !list.values().is_empty() => {
                vec!["?"; list.values().len()].join(", ")
            }
            None | Some(ScalarValue::List(_)) => "NULL".to_owned(),
            Some(_) => "?".to_owned(),
        }
    }
}

/// A numbered placeholder: a value that stands in several places is bound once.
fn number(index: usize, order: &mut Vec<usize>) -> String {
    let known = order.iter().position(|i| *i == index);
    let position = known.unwrap_or_else(|| {
        order.push(index);
        order.len() - 1
    });
    format!("${}", position + 1)
}
