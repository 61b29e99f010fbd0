//! Reading one section of the configuration.
//!
//! In: a mapping of the YAML tree, already merged with the overrides. Out: typed values; each
//! getter names its key and its default, so the keys that were asked for are the keys that exist,
//! and what is left over when the section goes out of scope is reported with the nearest of them.
//! Nothing stops at the first problem: a wrong value is reported and its default goes on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::environment::Environment;
use super::problem::Problem;
use super::units::{parse_duration, parse_size};

/// What all sections of one reading share.
pub(super) struct Reading<'e> {
    pub(super) environment: &'e Environment,
    pub(super) data_dir: &'e Path,
    /// Path of an overridden key → the variable that set it.
    pub(super) origins: BTreeMap<String, String>,
    pub(super) problems: RefCell<Vec<Problem>>,
}

impl Reading<'_> {
    fn report(&self, path: &str, what: impl Display, fix: impl Display) {
        let path = match self.origins.get(path) {
            Some(variable) => format!("{path} (from {variable})"),
            None => path.to_owned(),
        };
        let (what, fix) = (what.to_string(), fix.to_string());
        self.problems.borrow_mut().push(Problem { path, what, fix });
    }
}

pub(super) struct Section<'r> {
    reading: &'r Reading<'r>,
    path: String,
    values: Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'r> Section<'r> {
    pub(super) fn root(reading: &'r Reading<'r>, values: Map<String, Value>) -> Self {
        Self { reading, path: String::new(), values, asked: Vec::new() }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn environment(&self) -> &'r Environment {
        self.reading.environment
    }

    pub(super) fn data_dir(&self) -> &'r Path {
        self.reading.data_dir
    }

    /// Reports a problem of one key.
    pub(super) fn report(&self, key: &str, what: impl Display, fix: impl Display) {
        self.reading.report(&self.path_of(key), what, fix);
    }

    /// Whether the key has a value, readable or not.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| !value.is_null())
    }

    /// The value as written, unexpanded. `null` counts as not given.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.values.shift_remove(key).filter(|value| !value.is_null())
    }

    /// A text as written, with its `${VAR}` still in it.
    pub(super) fn raw_text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            other => {
                self.report(key, format!("a text is wanted, not {}", kind_of(&other)), "quote it");
                None
            }
        }
    }

    pub(super) fn expand(&self, key: &str, text: &str) -> Option<String> {
        match self.environment().expand(text) {
            Ok(text) => Some(text),
            Err(error) => {
                self.report(key, error, "set the variable, or write `$${` for a literal `${`");
                None
            }
        }
    }

    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<String> {
        let raw = self.raw_text(key)?;
        self.expand(key, &raw).filter(|text| !text.is_empty())
    }

    pub(super) fn text(&mut self, key: &'static str, default: &str) -> String {
        self.optional_text(key).unwrap_or_else(|| default.to_owned())
    }

    /// A secret: no message ever shows its value. Empty counts as not given.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<SecretString> {
        self.optional_text(key).map(SecretString::from)
    }

    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        match self.scalar(key) {
            None => default,
            Some(Value::Bool(flag)) => flag,
            Some(Value::String(text)) if text == "true" => true,
            Some(Value::String(text)) if text == "false" => false,
            Some(other) => self.wrong(key, &other, "write true or false", default),
        }
    }

    /// A whole number within `range`.
    pub(super) fn number<N>(&mut self, key: &'static str, default: N, range: RangeInclusive<N>) -> N
    where
        N: TryFrom<u64> + PartialOrd + Display + Copy,
    {
        let Some(value) = self.scalar(key) else {
            return default;
        };
        let parsed = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match parsed.and_then(|number| N::try_from(number).ok()).filter(|n| range.contains(n)) {
            Some(number) => number,
            None => {
                let fix = format!("a whole number from {} to {}", range.start(), range.end());
                self.wrong(key, &value, fix, default)
            }
        }
    }

    /// A duration longer than nothing.
    pub(super) fn duration(&mut self, key: &'static str, default: Duration) -> Duration {
        self.duration_from(key, Duration::from_nanos(1), default)
    }

    /// How long something is kept; "0s" is for ever.
    pub(super) fn retention(&mut self, key: &'static str, default: Duration) -> Option<Duration> {
        let kept = self.duration_from(key, Duration::ZERO, default);
        (!kept.is_zero()).then_some(kept)
    }

    fn duration_from(&mut self, key: &'static str, least: Duration, default: Duration) -> Duration {
        match self.scalar(key) {
            None => default,
            Some(Value::String(text)) => match parse_duration(&text) {
                Ok(duration) if duration >= least => duration,
                Ok(_) => self.wrong(key, &text, "a duration is longer than nothing", default),
                Err(what) => self.wrong_because(key, what, default),
            },
            Some(other) => {
                self.wrong(key, &other, "write a number and a unit, such as \"90s\"", default)
            }
        }
    }

    /// A size in bytes, at least one.
    pub(super) fn size(&mut self, key: &'static str, default: u64) -> u64 {
        let text = match self.scalar(key) {
            None => return default,
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            Some(other) => {
                return self.wrong(key, &other, "write a size, such as \"2GB\"", default);
            }
        };
        match parse_size(&text) {
            Ok(0) => self.wrong(key, &text, "a size is at least 1 byte", default),
            Ok(bytes) => bytes,
            Err(what) => self.wrong_because(key, what, default),
        }
    }

    /// One of a closed list of words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        default: T,
        choices: &[(&'static str, T)],
    ) -> T {
        let Some(text) = self.optional_text(key) else {
            return default;
        };
        match choices.iter().find(|(word, _)| *word == text) {
            Some((_, choice)) => *choice,
            None => {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                let fix = format!("one of {}", words.join(", "));
                self.wrong(key, &text, with_nearest(&text, words.iter().copied(), fix), default)
            }
        }
    }

    /// A list of texts; an override may give it as `a,b` or as a JSON array.
    pub(super) fn texts(&mut self, key: &'static str, default: &[&str]) -> Vec<String> {
        let Some(items) = self.items(key) else {
            return default.iter().map(|text| (*text).to_owned()).collect();
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in &items {
            match item.as_str() {
                Some(text) => texts.extend(self.expand(key, text)),
                None => {
                    let what = format!("a list of texts is wanted; it holds {}", kind_of(item));
                    self.report(key, what, "quote each item");
                }
            }
        }
        texts
    }

    /// A list of anything, unexpanded.
    pub(super) fn items(&mut self, key: &'static str) -> Option<Vec<Value>> {
        match self.take(key)? {
            Value::Array(items) => Some(items),
            Value::String(text) if text.trim_start().starts_with('[') => {
                match serde_json::from_str(&text) {
                    Ok(items) => Some(items),
                    Err(error) => self.wrong_because(key, format!("no JSON array: {error}"), None),
                }
            }
            Value::String(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(items.map(|item| Value::String(item.to_owned())).collect())
            }
            other => self.wrong(key, &other, "write a list", None),
        }
    }

    /// A path, taken from the data folder when it is relative; `..` is folded by name only.
    pub(super) fn path(&mut self, key: &'static str, default: Option<&str>) -> Option<PathBuf> {
        let text = self.optional_text(key).or_else(|| default.map(str::to_owned))?;
        Some(fold_path(&self.data_dir().join(text)))
    }

    /// A section below this one; empty where it is not given.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'r> {
        let values = match self.take(key) {
            None => Map::new(),
            Some(Value::Object(values)) => values,
            Some(other) => self.wrong(key, &other, "write keys below it", Map::new()),
        };
        self.child(self.path_of(key), values)
    }

    /// Says nothing of the keys that were not asked for: what says which there are is wrong itself.
    pub(super) fn forget(&mut self) {
        self.values.clear();
    }

    /// A list of sections.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'r>> {
        let mut sections = Vec::new();
        for (index, item) in self.items(key).unwrap_or_default().into_iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            match item {
                Value::Object(values) => sections.push(self.child(path, values)),
                other => {
                    let what = format!("keys are wanted, not {}", kind_of(&other));
                    self.reading.report(&path, what, "write keys below the dash");
                }
            }
        }
        sections
    }

    fn child(&self, path: String, values: Map<String, Value>) -> Section<'r> {
        Section { reading: self.reading, path, values, asked: Vec::new() }
    }

    /// A value with its texts expanded.
    fn scalar(&mut self, key: &'static str) -> Option<Value> {
        match self.take(key)? {
            Value::String(text) => self.expand(key, &text).map(Value::String),
            other => Some(other),
        }
    }

    fn wrong<T>(&self, key: &str, value: &impl Display, fix: impl Display, default: T) -> T {
        self.report(key, format!("{value} cannot be used here"), fix);
        default
    }

    fn wrong_because<T>(&self, key: &str, what: impl Display, default: T) -> T {
        self.report(key, what, "");
        default
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        for key in self.values.keys() {
            let mut known = self.asked.clone();
            known.sort_unstable();
            let all = format!("known keys: {}", known.join(", "));
            self.report(key, "unknown key", with_nearest(key, known, all));
        }
    }
}

fn with_nearest<'n>(
    given: &str,
    known: impl IntoIterator<Item = &'n str>,
    otherwise: String,
) -> String {
    match air_ir::nearest(given, known).first() {
        Some(name) => format!("did you mean {name}?"),
        None => otherwise,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "keys",
    }
}

/// Folds `.` and `..` by name. Links are not followed; whoever opens a path checks them.
pub(super) fn fold_path(path: &Path) -> PathBuf {
    let mut folded = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if folded.file_name().is_some() => {
                folded.pop();
            }
            other => folded.push(other),
        }
    }
    if folded.as_os_str().is_empty() { PathBuf::from(".") } else { folded }
}
