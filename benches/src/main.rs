//! AIR's side of the side-by-side runs.
//!
//! In: one request a line on standard input, as JSON; the scripts beside this crate send them, so
//! that AIR and its peers take turns within one run. Out: one answer a line. An error ends the
//! program: a bench that goes on after one measures something else.
//!
//! Deliberately absent: peers (the scripts run them), statistics and goals (the scripts hold them).

mod planning;
mod reading;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{BufRead, Write};

/// Answers the requests on standard input, one after the other, until it ends.
pub(crate) fn serve<Q: DeserializeOwned, A: Serialize>(
    mut answer: impl FnMut(Q) -> Result<A>,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let request = serde_json::from_str(&line).with_context(|| format!("request {line}"))?;
        let reply = answer(request).with_context(|| format!("answering {line}"))?;
        serde_json::to_writer(&mut out, &reply)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["planning"] => planning::run(),
        ["reading", kind] => reading::run(kind),
        _ => bail!("say what to measure: air-bench planning | reading postgres | reading mysql"),
    }
}
