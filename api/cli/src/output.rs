//! Data to standard output, messages to standard error.

use crate::cli::{Format, Global};
use crate::exit::{self, Failure};
use crate::plain::plain;
use crate::table::{Column, listing, members, table};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How this command speaks.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: Format,
    terminal: bool,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let format = global.output.unwrap_or(if terminal { Format::Table } else { Format::Json });
        Self { format, terminal, quiet: global.quiet }
    }

    pub(crate) fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// Whether the data would only garble the terminal it goes to.
    pub(crate) fn would_garble(&self) -> bool {
        self.terminal && self.format.is_binary()
    }

    /// Data as it is.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()?;
        Ok(())
    }

    /// A part of a line.
    pub(crate) fn piece(&self, text: &str) -> Result<(), Failure> {
        match self.terminal {
            true => self.bytes(plain(text).as_bytes()),
            false => self.bytes(text.as_bytes()),
        }
    }

    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        let text = if self.terminal { plain(text) } else { text.to_owned() };
        self.bytes(format!("{text}\n").as_bytes())
    }

    pub(crate) fn json(&self, value: &Value) -> Result<(), Failure> {
        let text =
            serde_json::to_string_pretty(value).map_err(|e| Failure::failed(e.to_string()))?;
        self.line(&text)
    }

    /// A message for people.
    pub(crate) fn say(&self, message: &str) {
        if !self.quiet {
            self.prompt(message);
        }
    }

    /// What a person must read to go on, even under `--quiet`.
    pub(crate) fn prompt(&self, message: &str) {
        // A closed standard error is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{}", plain(message));
    }

    /// A list: a table of some members, or JSON.
    pub(crate) fn list(&self, reply: &Value, members: &[&str]) -> Result<(), Failure> {
        match (self.is_table(), reply.get("items").and_then(Value::as_array)) {
            (true, Some(items)) => self.line(&listing(items, members)),
            _ => self.json(reply),
        }
    }

    /// One thing: a table of its members, or JSON.
    pub(crate) fn object(&self, reply: &Value) -> Result<(), Failure> {
        match reply {
            Value::Object(object) if self.is_table() => self.line(&members(object)),
            other => self.json(other),
        }
    }

    /// A spinner while the server works; only on a terminal.
    pub(crate) fn waiting(&self, what: &str) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// A bar of percent while a job is followed; only on a terminal.
    pub(crate) fn progress(&self, job: &str) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(100);
        let template = "{prefix} [{bar:30}] {pos:>3} % {msg} ({elapsed})";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(job.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// A bar of bytes while a file is sent; only on a terminal.
    pub(crate) fn transfer(&self, name: &str, bytes: u64) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(bytes);
        let template = "{prefix} [{bar:30}] {bytes}/{total_bytes} {msg} ({bytes_per_sec}, {eta})";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(plain(name));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// The rows of a run, and what people should know of them.
    pub(crate) fn result(&self, result: &Value) -> Result<(), Failure> {
        if !self.is_table() {
            return self.json(result);
        }
        self.line(&rows(result))?;
        self.say(&summary(result));
        Ok(())
    }
}

/// The failure that `--fail-on-qa` makes of a bad verdict.
pub(crate) fn judge(result: &Value, fail_on_qa: bool) -> Result<(), Failure> {
    let status = result.pointer("/qa/status").and_then(Value::as_str);
    match fail_on_qa && status == Some("fail") {
        true => Err(Failure::new(exit::QA_FAILED, "the verdict on the rows is fail")),
        false => Ok(()),
    }
}

fn rows(result: &Value) -> String {
    let word = |column: &Value, key: &str| column[key].as_str().unwrap_or_default().to_owned();
    let columns: Vec<Column> = result["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|column| Column {
            name: word(column, "name"),
            // A decimal, and an integer beyond 2^53, comes as text and is still a number.
            numeric: ["int", "uint", "float", "decimal"]
                .iter()
                .any(|kind| word(column, "type").starts_with(kind)),
        })
        .collect();
    let rows: Vec<Vec<Value>> = result["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| columns.iter().map(|c| row[&c.name].clone()).collect())
        .collect();
    table(&columns, &rows)
}

/// So many rows, in words.
pub(crate) fn counted(count: &str) -> String {
    format!("{count} {}", if count == "1" { "row" } else { "rows" })
}

/// Row count, whether it was cut, the verdict, every check that did not pass, and the notes.
fn summary(result: &Value) -> String {
    let mut text = counted(&result["row_count"].to_string());
    if result["truncated"] == Value::Bool(true) {
        text += ", cut at the limit: more exist";
    }
    if let Some(status) = result.pointer("/qa/status").and_then(Value::as_str) {
        text += &format!(", QA {status}");
    }
    if let Some(run) = result["run_id"].as_str() {
        text += &format!(", {run}");
    }
    for check in result.pointer("/qa/checks").and_then(Value::as_array).into_iter().flatten() {
        if check["status"] != "pass" {
            let word = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
            text += &format!("\n  {} ({}): {}", word("status"), word("id"), word("message"));
        }
    }
    for note in result["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text += &format!("\n  note: {note}");
    }
    text
}
