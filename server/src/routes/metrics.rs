//! Figures of the service in the text format of Prometheus.
//!
//! In: the figures that stages keep themselves. Out: one page of text. A new figure is one line
//! in [`metrics`]. Absent on purpose: rows, names of people, and anything else of a user.

use std::fmt::Write;

use super::rows::bytes;
use super::{Operation, operation};
use crate::admission::{Answer, Call};
use crate::models::Models;
use crate::store::{JobStatus, RunStatus};

pub(super) const OPERATIONS: &[Operation] = &[operation!(metrics)];

const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn metrics(call: Call) -> Answer {
    let plans = call.app.plans.figures();
    let runs = call.app.store.runs().by_status().await?;
    let mut page = Page(String::new());
    page.counter("air_plan_cache_hits_total", "Plans that were in the cache.", plans.hits);
    page.counter("air_plan_cache_misses_total", "Plans that were made afresh.", plans.misses);
    page.counter(
        "air_plan_cache_evictions_total",
        "Shapes of plans that went to make room.",
        plans.evictions,
    );
    page.gauge("air_plan_cache_entries", "Shapes of plans in the cache.", plans.entries);
    page.gauge("air_plan_cache_bytes", "About what the cached plans take.", plans.bytes);
    let answers = call.app.answers.figures();
    page.counter("air_result_cache_hits_total", "Answers that were given again.", answers.hits);
    page.counter(
        "air_result_cache_misses_total",
        "Requests with an age that no answer was young enough for.",
        answers.misses,
    );
    page.gauge("air_result_cache_entries", "Answers that are kept.", answers.entries);
    page.gauge("air_result_cache_bytes", "About what the kept answers take.", answers.bytes);
    page.described("air_runs", "Runs in the control plane, by status.", "gauge");
    for status in RunStatus::ALL {
        let count = runs.iter().find(|(known, _)| *known == status).map_or(0, |(_, n)| *n);
        page.line(&format!("air_runs{{status=\"{}\"}} {count}", status.as_str()));
    }
    let jobs = call.app.store.jobs().by_status().await?;
    page.described("air_jobs", "Jobs in the control plane, by status.", "gauge");
    for status in JobStatus::ALL {
        let count = jobs.iter().find(|(known, _)| *known == status).map_or(0, |(_, n)| *n);
        page.line(&format!("air_jobs{{status=\"{}\"}} {count}", status.as_str()));
    }
    let sockets = &call.app.sockets;
    let open = u64::try_from(sockets.count()).unwrap_or(u64::MAX);
    page.gauge("air_sockets", "Open WebSockets of this process.", open);
    let slow = "WebSockets that were closed because they read too slowly.";
    page.counter("air_sockets_slow_total", slow, sockets.slow());
    models(&mut page, &call.app.models);
    Ok(bytes(MEDIA, page.0))
}

fn models(page: &mut Page, models: &Models) {
    let counted = models.counted();
    page.described("air_model_calls_total", "Calls of models, by how they ended.", "counter");
    for (name, counts, _) in &counted {
        for (outcome, n) in [("answered", counts.answered), ("failed", counts.failed)] {
            page.line(&format!(
                "air_model_calls_total{{model=\"{name}\",outcome=\"{outcome}\"}} {n}"
            ));
        }
    }
    page.described("air_model_tokens_total", "Tokens that models took and gave.", "counter");
    for (name, counts, _) in &counted {
        let kinds = [("prompt", counts.prompt_tokens), ("completion", counts.completion_tokens)];
        for (kind, n) in kinds {
            page.line(&format!("air_model_tokens_total{{model=\"{name}\",kind=\"{kind}\"}} {n}"));
        }
    }
    page.described("air_model_resting", "Models that are left alone after failures.", "gauge");
    for (name, _, resting) in &counted {
        page.line(&format!("air_model_resting{{model=\"{name}\"}} {}", u8::from(*resting)));
    }
}

/// A page under construction. Help holds no line breaks and no backslashes.
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn described(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.described(name, help, "counter");
        self.line(&format!("{name} {value}"));
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.described(name, help, "gauge");
        self.line(&format!("{name} {value}"));
    }
}
