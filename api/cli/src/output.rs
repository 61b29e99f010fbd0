//! Data to standard output, messages to standard error.

use crate::cli::{Format, Global};
use crate::exit::{self, Failure};
use crate::table::{listing, table};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How this command speaks.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: Format,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let format = global.output.unwrap_or(if terminal { Format::Table } else { Format::Json });
        Self { format, quiet: global.quiet }
    }

    pub(crate) fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// Data.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()?;
        Ok(())
    }

    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
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
            let _ = writeln!(std::io::stderr(), "{message}");
        }
    }

    /// A list: a table of some members, or JSON.
    pub(crate) fn list(&self, reply: &Value, members: &[&str]) -> Result<(), Failure> {
        match (self.is_table(), reply.get("items").and_then(Value::as_array)) {
            (true, Some(items)) => self.line(&listing(items, members)),
            _ => self.json(reply),
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

    /// The rows of a run, and what people should know of them.
    pub(crate) fn result(&self, result: &Value, fail_on_qa: bool) -> Result<(), Failure> {
        if self.is_table() {
            self.line(&rows(result))?;
            self.say(&summary(result));
        } else {
            self.json(result)?;
        }
        let status = result.pointer("/qa/status").and_then(Value::as_str);
        if fail_on_qa && status == Some("fail") {
            return Err(Failure::new(exit::QA_FAILED, "QA failed"));
        }
        Ok(())
    }
}

fn rows(result: &Value) -> String {
    let columns: Vec<String> = result["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|c| c["name"].as_str().map(str::to_owned))
        .collect();
    let rows: Vec<Vec<Value>> = result["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| columns.iter().map(|c| row[c].clone()).collect())
        .collect();
    table(&columns, &rows)
}

/// Row count, whether it was cut, the verdict and every check that did not pass.
fn summary(result: &Value) -> String {
    let mut text = format!("{} rows", result["row_count"]);
    if result["truncated"] == Value::Bool(true) {
        text += ", cut at the limit: more exist";
    }
    if let Some(status) = result.pointer("/qa/status").and_then(Value::as_str) {
        text += &format!(", QA {status}");
    }
    for check in result.pointer("/qa/checks").and_then(Value::as_array).into_iter().flatten() {
        if check["status"] != "pass" {
            let word = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
            text += &format!("\n  {} ({}): {}", word("status"), word("id"), word("message"));
        }
    }
    text
}
